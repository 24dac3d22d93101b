/* The log and what a REF names: entries in order and chained, the latest, tags, hashes and their beginnings. */
#include "fixture.h"
#include "index/database.h"
#include "index/evict.h"
#include "index/fsck.h"
#include "index/history.h"

typedef struct logged {
	unsigned count, stop_after;
	int64_t ids[16];
	pnr_log_row last;
	char note[64], name[64];
} logged;

static int see_log(void *user, const pnr_log_row *row)
{
	logged *l = user;
	l->ids[l->count++] = row->id;
	l->last = *row;
	(void)snprintf(l->note, sizeof l->note, "%s", row->note);
	(void)snprintf(l->name, sizeof l->name, "%s", row->name);
	return l->count == l->stop_after;
}

static void the_log_is_read_newest_first(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t ids[4];
	assert_ok(pnr_index_begin(index, err));
	int64_t a = put_package(index, 1, NULL, 0), b = put_package(index, 2, NULL, 0);
	int64_t archive = put_archive(index, a, 1);
	ids[0] = put_log(index, a, archive, "x", 1);
	ids[1] = put_log(index, b, 0, "y", 2);
	ids[2] = put_log(index, a, archive, "x", 3);
	assert_ok(pnr_index_commit(index, err));
	logged l = { .count = 0 };
	assert_ok(pnr_index_log_list(index, NULL, 0, see_log, &l, err));
	assert_int_equal(l.count, 3);
	assert_true(l.ids[0] == ids[2] && l.ids[1] == ids[1] && l.ids[2] == ids[0]);
	assert_int_equal(l.last.created_ms, 1700000000001);
	assert_int_equal(l.last.archive_size, 1001);
	assert_int_equal(l.last.git_dirty, -1);
	assert_true(same(l.last.package_hash, digest(3, 1)) && same(l.last.archive_hash, digest(4, 1)));
	l = (logged){ .count = 0 };
	assert_ok(pnr_index_log_list(index, "y", 0, see_log, &l, err));
	assert_int_equal(l.count, 1);
	assert_int_equal(l.last.archive_id, 0);
	assert_true(same(l.last.archive_hash, (pnr_digest){ { 0 } }));
	l = (logged){ .count = 0 };
	assert_ok(pnr_index_log_list(index, NULL, 2, see_log, &l, err));
	assert_int_equal(l.count, 2);
	l = (logged){ .stop_after = 1 };
	assert_ok(pnr_index_log_list(index, NULL, 0, see_log, &l, err));
	assert_int_equal(l.count, 1);
}

static void the_head_of_the_log_is_its_newest_entry(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t head = 5;
	pnr_digest hash = digest(9, 9);
	assert_ok(pnr_index_log_head(index, &head, &hash, err));
	assert_int_equal(head, 0);
	assert_true(same(hash, (pnr_digest){ { 0 } }));
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	(void)put_log(index, package, 0, "x", 1);
	int64_t last = put_log(index, package, 0, "x", 2);
	assert_ok(pnr_index_log_head(index, &head, &hash, err));
	assert_int_equal(head, last);
	assert_true(same(hash, digest(5, 2)));
}

static void an_entry_that_does_not_continue_the_chain_is_refused(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	(void)put_log(index, package, 0, "x", 1);
	pnr_log_row row = { .event = "pack", .package_id = package, .git_dirty = 1, .previous_hash = digest(5, 7) };
	assert_fails(pnr_index_log_put(index, &row, err), PNR_INVALID, "previous_hash");
	assert_int_equal(row.id, 0);
	row.previous_hash = digest(5, 1);
	assert_ok(pnr_index_log_put(index, &row, err));
}

static void the_text_of_an_entry_is_one_line_a_field(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	pnr_log_row row = { .at_ms = 1700000000123,
		            .event = "pack",
		            .package_id = package,
		            .archive_id = put_archive(index, package, 1),
		            .name = "term\\life",
		            .user = "u",
		            .host = "h",
		            .git_commit = "abc",
		            .git_dirty = 0,
		            .tool_version = "0.1.0",
		            .note = "a \"b\"\n\tnote: \x1b[0m",
		            .options = "{\"level\":6}" };
	assert_ok(pnr_index_log_text(index, &row, &text, err));
	char package_hex[PNR_DIGEST_HEX_SIZE], archive_hex[PNR_DIGEST_HEX_SIZE], expected[2048];
	pnr_digest p = digest(3, 1), a = digest(4, 1);
	(void)snprintf(expected, sizeof expected,
	               "format: 1\n"
	               "previous: 0000000000000000000000000000000000000000000000000000000000000000\n"
	               "at: 2023-11-14T22:13:20.123Z\n"
	               "event: pack\n"
	               "package: %s\n"
	               "archive: %s\n"
	               "name: term\\\\life\n"
	               "user: u\n"
	               "host: h\n"
	               "git_commit: abc\n"
	               "git_dirty: 0\n"
	               "ci_run: \n"
	               "tool_version: 0.1.0\n"
	               "note: a \"b\"\\n\\x09note: \\x1b[0m\n"
	               "options: {\"level\":6}\n",
	               pnr_digest_to_hex(&p, package_hex), pnr_digest_to_hex(&a, archive_hex));
	assert_string_equal(text.data, expected);
	row.package_id = 1000;
	assert_fails(pnr_index_log_text(index, &row, &text, err), PNR_NOT_FOUND, "no package 1000");
	row.package_id = package;
	row.archive_id = 1000;
	assert_fails(pnr_index_log_text(index, &row, &text, err), PNR_NOT_FOUND, "archive 1000");
}

static void the_latest_package_is_that_of_the_newest_entry(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	static const unsigned blobs[] = { 10, 20, 30 };
	pnr_ref_row ref;
	assert_fails(pnr_index_ref_latest(index, NULL, 0, &ref, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	int64_t a = put_package(index, 1, blobs, 3), b = put_package(index, 2, blobs, 1);
	int64_t archive = put_archive(index, a, 1), newer = put_archive(index, a, 2);
	(void)put_log(index, a, archive, "x", 1);
	(void)put_log(index, b, 0, "y", 2);
	(void)put_log(index, a, 0, "x", 3);
	(void)put_event(index, "push", b, 0, "x", 4);
	assert_ok(pnr_index_ref_latest(index, NULL, 0, &ref, err));
	assert_int_equal(ref.package_id, a);
	assert_int_equal(ref.archive_id, newer);
	assert_int_equal(ref.asset_count, 3);
	assert_int_equal(ref.total_size, 60);
	assert_int_equal(ref.first_ms, 1700000000001);
	assert_true(same(ref.package_hash, digest(3, 1)));
	assert_ok(pnr_index_ref_latest(index, NULL, 1, &ref, err));
	assert_int_equal(ref.package_id, b);
	assert_int_equal(ref.archive_id, 0);
	assert_ok(pnr_index_ref_latest(index, "x", 1, &ref, err));
	assert_int_equal(ref.archive_id, archive);
	assert_fails(pnr_index_ref_latest(index, "x", 2, &ref, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_ref_latest(index, NULL, UINT64_MAX, &ref, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_ref_latest(index, "z", 0, &ref, err), PNR_NOT_FOUND, NULL);
}

static void a_tag_names_a_package_until_it_is_forced_to_another(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_ref_row ref;
	assert_fails(pnr_index_ref_tag(index, "prod", &ref, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	int64_t a = put_package(index, 1, NULL, 0), b = put_package(index, 2, NULL, 0);
	int64_t archive = put_archive(index, a, 1), newer = put_archive(index, a, 2);
	assert_ok(pnr_index_tag_put(index, "prod", a, archive, 5, false, err));
	assert_ok(pnr_index_tag_put(index, "prod", a, archive, 6, false, err));
	assert_ok(pnr_index_ref_tag(index, "prod", &ref, err));
	assert_true(ref.package_id == a && ref.archive_id == archive);
	assert_fails(pnr_index_tag_put(index, "prod", b, 0, 7, false, err), PNR_CONFLICT, "'prod'");
	assert_fails(pnr_index_tag_put(index, "prod", a, newer, 7, false, err), PNR_CONFLICT, "'prod'");
	assert_fails(pnr_index_tag_put(index, "prod", a, 0, 7, false, err), PNR_CONFLICT, "'prod'");
	assert_ok(pnr_index_tag_put(index, "prod", b, 0, 8, true, err));
	assert_ok(pnr_index_ref_tag(index, "prod", &ref, err));
	assert_true(ref.package_id == b && ref.archive_id == 0);
	assert_ok(pnr_index_tag_put(index, "prod", a, 0, 8, true, err));
	assert_ok(pnr_index_ref_tag(index, "prod", &ref, err));
	assert_int_equal(ref.archive_id, newer);
}

static void a_prefix_names_a_package_or_an_archive(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_ref_row ref;
	assert_ok(pnr_index_begin(index, err));
	int64_t a = put_package(index, 1, NULL, 0), b = put_package(index, 2, NULL, 0);
	int64_t archive = put_archive(index, a, 1), newer = put_archive(index, a, 2);
	pnr_digest d = digest(3, 1);
	assert_ok(pnr_index_ref_prefix(index, pnr_digest_to_hex(&d, hex), &ref, err));
	assert_true(ref.package_id == a && ref.archive_id == newer);
	d = digest(4, 1);
	pnr_digest_to_hex(&d, hex);
	hex[12] = '\0';
	assert_ok(pnr_index_ref_prefix(index, hex, &ref, err));
	assert_true(ref.package_id == a && ref.archive_id == archive);
	d = digest(3, 2);
	assert_ok(pnr_index_ref_prefix(index, pnr_digest_to_hex(&d, hex), &ref, err));
	assert_true(ref.package_id == b && ref.archive_id == 0);
	d = digest(3, 3);
	assert_fails(pnr_index_ref_prefix(index, pnr_digest_to_hex(&d, hex), &ref, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_ref_prefix(index, "latest", &ref, err), PNR_INVALID, "beginning of a hash");
}

static void the_newest_archive_is_the_one_that_was_made_last(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_ref_row ref;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	int64_t newer = put_archive(index, package, 2), older = put_archive(index, package, 1);
	assert_true(older > newer);
	pnr_digest d = digest(3, 1);
	assert_ok(pnr_index_ref_prefix(index, pnr_digest_to_hex(&d, hex), &ref, err));
	assert_int_equal(ref.archive_id, newer);
	assert_ok(pnr_index_package_get(index, package, &ref, err));
	assert_int_equal(ref.archive_id, newer);
}

static void an_imported_zip_is_no_other_zip_of_its_package(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_archive_row archive;
	pnr_ref_row ref;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0), made = put_archive(index, package, 1);
	pnr_imported_row imported = { .log_id = put_event(index, "import", package, made, "life", 5),
		                      .package_id = package, .archive_hash = digest(4, 7), .size = 77, .file = "a.zip" };
	assert_ok(pnr_index_imported_put(index, &imported, err));
	assert_ok(pnr_index_ref_prefix(index, pnr_digest_to_hex(&imported.archive_hash, hex), &ref, err));
	assert_true(ref.package_id == package && ref.archive_id == 0 && ref.imported_id == imported.log_id);
	assert_ok(pnr_index_imported_get(index, ref.imported_id, &archive, err));
	assert_true(archive.package_id == package && archive.size == 77 && archive.created_ms == 1700000000005);
	assert_true(pnr_digest_equal(&archive.archive_hash, &imported.archive_hash));
	/* One that is made here is that one. */
	imported.log_id = put_event(index, "import", package, made, "life", 6);
	imported.archive_hash = digest(4, 1);
	assert_ok(pnr_index_imported_put(index, &imported, err));
	assert_ok(pnr_index_ref_prefix(index, pnr_digest_to_hex(&imported.archive_hash, hex), &ref, err));
	assert_true(ref.archive_id == made && ref.imported_id == 0);
}

static int ignore_log_row(void *user, const pnr_log_row *row)
{
	(void)user, (void)row;
	return 0;
}

static void a_text_with_a_nul_is_damage(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_ref_row ref;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	(void)put_log(index, package, 0, "life", 1);
	assert_int_equal(sqlite3_exec(index->db,
	                              "INSERT INTO log (at, event, package_id, name, user, host, git_commit, ci_run, tool_version,"
	                              " note, options, previous_hash, entry_hash) SELECT at, event, package_id, name, user, host,"
	                              " git_commit, ci_run, tool_version, 'a' || char(0) || 'b', '{}', entry_hash,"
	                              " printf('%064d', 7) FROM log", NULL, NULL, NULL), SQLITE_OK);
	assert_fails(pnr_index_log_list(index, NULL, 0, ignore_log_row, NULL, err), PNR_CORRUPT, "what its column does not allow");
	assert_ok(pnr_index_ref_latest(index, NULL, 0, &ref, err));
}

static pnr_status first_package(void *user, const pnr_evictable_row *row, pnr_error *err)
{
	int64_t *first = user;
	(void)err;
	*first = *first == 0 ? row->id : *first;
	return PNR_OK;
}

static void an_import_is_no_use_of_a_package(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t first = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t used = put_package(index, 1, NULL, 0), unused = put_package(index, 2, NULL, 0);
	(void)put_log(index, unused, 0, "life", 1);
	(void)put_log(index, used, 0, "life", 2);
	(void)put_event(index, "import", unused, 0, "life", 3);
	assert_int_equal(sqlite3_exec(index->db,
	                              "INSERT INTO remote (id, name, url, added_at) VALUES (1, 'r', '/r', '2026-01-01T00:00:00.000Z');"
	                              "INSERT INTO remote_package SELECT 1, package_hash, printf('%064d', 1), printf('%064d', 1),"
	                              " printf('%064d', 1), 'life', '2026-01-01T00:00:00.000Z' FROM package", NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_ok(pnr_index_evictable(index, 1, 0, first_package, &first, err));
	assert_int_equal(first, unused);
}

static void a_prefix_of_several_is_ambiguous_and_lists_them(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_ref_row ref = { .package_id = 77 };
	pnr_digest d = digest(3, 1);
	char hex[PNR_DIGEST_HEX_SIZE], other[PNR_DIGEST_HEX_SIZE];
	int64_t id = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	pnr_digest_to_hex(&d, hex);
	pnr_archive_row row = { .package_id = package, .options = "{}", .manifest_blob_id = put_blob(index, 1), .archive_hash = d };
	row.archive_hash.bytes[31] ^= 1;
	assert_ok(pnr_index_archive_put(index, &row, NULL, 0, err));
	pnr_digest_to_hex(&row.archive_hash, other);
	hex[8] = '\0';
	assert_fails(pnr_index_ref_prefix(index, hex, &ref, err), PNR_CONFLICT, other);
	assert_int_equal(ref.package_id, 77);
	/* The whole hash still names one. */
	assert_ok(pnr_index_ref_prefix(index, other, &ref, err));
	assert_int_equal(ref.archive_id, row.id);
	/* Two archives of the same bytes are one thing: the newest is meant. */
	row.created_ms = 1;
	assert_ok(pnr_index_archive_put(index, &row, NULL, 0, err));
	assert_ok(pnr_index_ref_prefix(index, other, &ref, err));
	assert_int_equal(ref.archive_id, row.id);
	for (uint8_t i = 2; i < 7; i++) {
		d.bytes[31] = (uint8_t)(digest(3, 1).bytes[31] ^ i);
		assert_ok(pnr_index_package_put(index, &d, 0, NULL, 0, NULL, 0, &id, err));
	}
	assert_fails(pnr_index_ref_prefix(index, hex, &ref, err), PNR_CONFLICT, "and more");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_log_is_read_newest_first),
		TEST(the_head_of_the_log_is_its_newest_entry),
		TEST(an_entry_that_does_not_continue_the_chain_is_refused),
		TEST(the_text_of_an_entry_is_one_line_a_field),
		TEST(the_latest_package_is_that_of_the_newest_entry),
		TEST(a_tag_names_a_package_until_it_is_forced_to_another),
		TEST(a_prefix_names_a_package_or_an_archive),
		TEST(the_newest_archive_is_the_one_that_was_made_last),
		TEST(an_imported_zip_is_no_other_zip_of_its_package),
		TEST(a_text_with_a_nul_is_damage),
		TEST(an_import_is_no_use_of_a_package),
		TEST(a_prefix_of_several_is_ambiguous_and_lists_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
