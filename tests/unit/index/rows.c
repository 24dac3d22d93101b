/* What goes in comes out: blobs, packages and archives on a healthy database; transactions. The log is in log.c. */
#include "fixture.h"
#include "index/evict.h"

/* ---------------------------------------------------------------- blobs -- */

static void a_blob_is_found_by_its_hash(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_blob_row row = { .hash = digest(1, 7), .size = UINT64_C(8) << 30, .crc32 = UINT32_MAX };
	pnr_blob_row found;
	assert_fails(pnr_index_blob_find(index, &row.hash, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_blob_put(index, &row, err));
	assert_ok(pnr_index_commit(index, err));
	assert_ok(pnr_index_blob_find(index, &row.hash, &found, err));
	assert_int_equal(found.id, row.id);
	assert_true(found.size == row.size && found.crc32 == row.crc32 && same(found.hash, row.hash));
}

static void the_same_blob_twice_is_one_row(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t first = put_blob(index, 5);
	assert_int_not_equal(put_blob(index, 6), first);
	assert_int_equal(put_blob(index, 5), first);
	pnr_blob_row other = { .hash = digest(1, 5), .size = 6, .crc32 = 5 };
	assert_fails(pnr_index_blob_put(index, &other, err), PNR_CORRUPT, "another size");
	assert_int_equal(other.id, 0);
	pnr_blob_row huge = { .hash = digest(1, 8), .size = UINT64_MAX };
	assert_fails(pnr_index_blob_put(index, &huge, err), PNR_FULL, "add a blob");
}

static void a_size_that_no_blob_has_is_not_known(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	bool known = true;
	assert_ok(pnr_index_begin(index, err));
	(void)put_blob(index, 5);
	assert_ok(pnr_index_blob_size_known(index, 6, &known, err));
	assert_false(known);
	assert_ok(pnr_index_blob_size_known(index, 5, &known, err));
	assert_true(known);
}

static void a_blob_is_found_by_a_prefix_of_its_hash(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_blob_row row = { .hash = digest(1, 1) };
	pnr_blob_row found;
	char hex[PNR_DIGEST_HEX_SIZE];
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_blob_put(index, &row, err));
	pnr_digest_to_hex(&row.hash, hex);
	assert_ok(pnr_index_blob_prefix(index, hex, &found, err));
	assert_int_equal(found.id, row.id);
	hex[4] = '\0';
	assert_ok(pnr_index_blob_prefix(index, hex, &found, err));
	assert_int_equal(found.id, row.id);
	assert_fails(pnr_index_blob_prefix(index, hex[0] == '0' ? "1234" : "0123", &found, err), PNR_NOT_FOUND, NULL);
	for (uint8_t i = 0; i < 5; i++) {
		pnr_blob_row near = row;
		near.hash.bytes[31] = (uint8_t)(near.hash.bytes[31] + i + 1);
		assert_ok(pnr_index_blob_put(index, &near, err));
	}
	assert_fails(pnr_index_blob_prefix(index, hex, &found, err), PNR_CONFLICT, "ambiguous");
	assert_fails(pnr_index_blob_prefix(index, hex, &found, err), PNR_CONFLICT, "and more");
	char longer[PNR_DIGEST_HEX_SIZE + 1];
	memset(longer, 'a', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	const char *const wrong[] = { "", "123", "12G4", "ABCD", longer };
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		assert_fails(pnr_index_blob_prefix(index, wrong[i], &found, err), PNR_INVALID, "beginning of a hash");
}

static void the_prefix_of_the_largest_hash_finds_it(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_blob_row row = { .size = 1 }, found;
	memset(row.hash.bytes, 0xff, sizeof row.hash.bytes);
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_blob_put(index, &row, err));
	assert_ok(pnr_index_blob_prefix(index, "ffff", &found, err));
	assert_fails(pnr_index_blob_prefix(index, "fffe", &found, err), PNR_NOT_FOUND, NULL);
}

/* ------------------------------------------------------------ encodings -- */

static void an_encoding_comes_back_with_its_data(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	static const char data[] = "ab\0cd";
	assert_ok(pnr_index_begin(index, err));
	pnr_encoding_row row = { .blob_id = put_blob(index, 5),
		                 .form = "zlib",
		                 .encoder = "enc-1",
		                 .level = 9,
		                 .stored_hash = digest(2, 1),
		                 .stored_size = sizeof data,
		                 .data = data };
	assert_ok(pnr_index_encoding_put(index, &row, err));
	pnr_encoding_row found;
	assert_ok(pnr_index_encoding_get(index, row.id, &arena, &found, err));
	assert_int_equal(found.id, row.id);
	assert_int_equal(found.blob_id, row.blob_id);
	assert_string_equal(found.form, "zlib");
	assert_string_equal(found.encoder, "enc-1");
	assert_int_equal(found.level, 9);
	assert_int_equal(found.stored_size, sizeof data);
	assert_memory_equal(found.data, data, sizeof data);
	assert_true(same(found.stored_hash, row.stored_hash));
	assert_fails(pnr_index_encoding_get(index, row.id + 1, &arena, &found, err), PNR_NOT_FOUND, NULL);
}

static void nothing_kept_here_and_nothing_at_all_are_different(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 0);
	pnr_encoding_row empty = { .blob_id = blob, .form = "stored", .encoder = "e", .level = 6, .data = "" };
	pnr_encoding_row file = { .blob_id = blob, .form = "stored", .encoder = "e", .level = 7 };
	assert_ok(pnr_index_encoding_put(index, &empty, err));
	assert_ok(pnr_index_encoding_put(index, &file, err));
	pnr_encoding_row found;
	assert_ok(pnr_index_encoding_get(index, empty.id, &arena, &found, err));
	assert_non_null(found.data);
	assert_ok(pnr_index_encoding_get(index, file.id, &arena, &found, err));
	assert_null(found.data);
}

static int64_t put_choice(pnr_index *index, int64_t blob, const char *encoder, unsigned level, uint64_t size)
{
	pnr_encoding_row row = { .blob_id = blob,
		                 .form = "gzip",
		                 .encoder = encoder,
		                 .level = level,
		                 .stored_hash = digest(2, level),
		                 .stored_size = size };
	assert_ok(pnr_index_encoding_put(index, &row, err));
	return row.id;
}

static int64_t find_choice(pnr_index *index, int64_t blob, const char *encoder, unsigned level, bool any)
{
	int64_t id = 0;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_index_encoding_find(index, blob, encoder, level, any, &id, &err);
	assert_true(status == PNR_OK || (status == PNR_NOT_FOUND && err.message[0] == '\0'));
	return id;
}

static void the_encoding_asked_for_is_preferred(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5);
	int64_t other = put_choice(index, put_blob(index, 6), "new", 6, 1);
	int64_t old6 = put_choice(index, blob, "old", 6, 50);
	int64_t new6 = put_choice(index, blob, "new", 6, 60);
	int64_t old9 = put_choice(index, blob, "old", 9, 40);
	assert_int_equal(find_choice(index, blob, "new", 6, false), new6);
	assert_int_equal(find_choice(index, blob, "old", 6, false), old6);
	assert_int_equal(find_choice(index, blob, "newest", 6, false), 0);
	assert_int_equal(find_choice(index, blob, "newest", 6, true), old6);
	assert_int_equal(find_choice(index, blob, "new", 9, false), 0);
	assert_int_equal(find_choice(index, blob, "new", 9, true), old9);
	assert_int_equal(find_choice(index, blob, "new", 1, false), 0);
	assert_int_equal(find_choice(index, blob, "new", 1, true), old9);
	assert_int_not_equal(find_choice(index, blob, "new", 6, true), other);
}

static void the_same_encoding_twice_is_one_row(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5);
	int64_t id = put_choice(index, blob, "e", 6, 50);
	assert_int_equal(put_choice(index, blob, "e", 6, 51), id);
	assert_int_not_equal(put_choice(index, blob, "e", 7, 51), id);
	pnr_encoding_row row = { .blob_id = blob + 1000, .form = "gzip", .encoder = "e", .level = 6 };
	assert_fails(pnr_index_encoding_put(index, &row, err), PNR_INVALID, "FOREIGN KEY");
}

/* --------------------------------------------------------------- caches -- */

static void a_source_file_is_known_only_in_the_state_it_had(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	const pnr_file_state kept = { .device = UINT64_MAX, .inode = UINT64_MAX - 1, .size = 5, .mtime_ns = -7, .ctime_ns = 8 };
	pnr_blob_row found;
	assert_fails(pnr_index_source_find(index, &kept, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5);
	assert_ok(pnr_index_source_put(index, &kept, blob, err));
	assert_ok(pnr_index_commit(index, err));
	assert_ok(pnr_index_source_find(index, &kept, &found, err));
	assert_int_equal(found.id, blob);
	for (int field = 0; field < 5; field++) {
		pnr_file_state other = kept;
		other.device -= field == 0;
		other.inode += field == 1;
		other.size += field == 2;
		other.mtime_ns += field == 3;
		other.ctime_ns += field == 4;
		assert_fails(pnr_index_source_find(index, &other, &found, err), PNR_NOT_FOUND, NULL);
	}
}

static void a_source_file_is_remembered_in_its_last_state_only(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	const pnr_file_state before = { 1, 2, 5, 4, 5 }, after = { 1, 2, 6, 4, 6 };
	pnr_blob_row found;
	assert_ok(pnr_index_begin(index, err));
	int64_t second = put_blob(index, 6);
	assert_ok(pnr_index_source_put(index, &before, put_blob(index, 5), err));
	assert_ok(pnr_index_source_put(index, &after, second, err));
	assert_fails(pnr_index_source_find(index, &before, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_source_find(index, &after, &found, err));
	assert_int_equal(found.id, second);
}

static void a_written_zip_is_known_only_in_the_state_it_had(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	const pnr_file_state kept = { 1, 2, 3, 4, 5 };
	pnr_file_state other = kept;
	other.ctime_ns++;
	int64_t found = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t archive = put_archive(index, put_package(index, 1, NULL, 0), 1);
	assert_ok(pnr_index_output_put(index, "/a/b.zip", &kept, archive, err));
	assert_ok(pnr_index_output_find(index, "/a/b.zip", &kept, &found, err));
	assert_int_equal(found, archive);
	assert_fails(pnr_index_output_find(index, "/a/b.zip", &other, &found, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_output_find(index, "/a/c.zip", &kept, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_output_put(index, "/a/b.zip", &other, archive, err));
	assert_fails(pnr_index_output_find(index, "/a/b.zip", &kept, &found, err), PNR_NOT_FOUND, NULL);
}

static void a_model_file_is_searched_once(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_buffer found = PNR_BUFFER_INIT;
	assert_ok(pnr_index_begin(index, err));
	int64_t model = put_blob(index, 5), other = put_blob(index, 6);
	assert_fails(pnr_index_scan_find(index, model, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_scan_put(index, model, "a\nb\n", err));
	assert_ok(pnr_index_scan_put(index, other, "", err));
	assert_ok(pnr_index_scan_put(index, other, "", err)); /* as another process may have done meanwhile */
	assert_ok(pnr_index_scan_find(index, model, &found, err));
	assert_string_equal(found.data, "a\nb\n");
	pnr_buffer_free(&found);
	assert_ok(pnr_index_scan_find(index, other, &found, err));
	assert_string_equal(found.data, "");
	pnr_buffer_free(&found);
}

static void the_last_pack_of_a_zip_is_known_by_what_was_asked_for_and_by_whom(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	const pnr_request request = { digest(7, 1), digest(8, 1), "1.0" };
	const pnr_request others[] = { { digest(7, 2), digest(8, 1), "1.0" }, { digest(7, 1), digest(8, 2), "1.0" },
		                       { digest(7, 1), digest(8, 1), "1.1" } };
	pnr_last_pack_row found;
	assert_ok(pnr_index_begin(index, err));
	int64_t archive = put_archive(index, put_package(index, 1, NULL, 0), 1);
	pnr_last_pack_row row = { .archive_id = archive, .files = 3, .looked_at = "- 0 \xff\n", .warnings = "" };
	assert_ok(pnr_index_last_pack_put(index, "/a.zip", &request, &row, err));
	assert_ok(pnr_index_last_pack_find(index, "/a.zip", &request, &arena, &found, err));
	assert_int_equal(found.archive_id, archive);
	assert_int_equal(found.asset_count, 0);
	assert_int_equal(found.total_size, 0);
	assert_int_equal(found.files, 3);
	assert_string_equal(found.looked_at, "- 0 \xff\n");
	assert_string_equal(found.warnings, "");
	pnr_buffer_clear(&arena);
	assert_fails(pnr_index_last_pack_find(index, "/b.zip", &request, &arena, &found, err), PNR_NOT_FOUND, NULL);
	for (size_t i = 0; i < PNR_COUNT(others); i++)
		assert_fails(pnr_index_last_pack_find(index, "/a.zip", &others[i], &arena, &found, err), PNR_NOT_FOUND, NULL);
	/* One row a zip, whatever was asked for: it does not grow with every edit. */
	row.looked_at = "- 0 b\n";
	row.warnings = "w\n";
	assert_ok(pnr_index_last_pack_put(index, "/a.zip", &others[1], &row, err));
	assert_fails(pnr_index_last_pack_find(index, "/a.zip", &request, &arena, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_last_pack_find(index, "/a.zip", &others[1], &arena, &found, err));
	assert_string_equal(found.looked_at, "- 0 b\n");
	assert_string_equal(found.warnings, "w\n");
	pnr_buffer_clear(&arena);
	assert_ok(pnr_index_last_pack_forget(index, err));
	assert_fails(pnr_index_last_pack_find(index, "/a.zip", &others[1], &arena, &found, err), PNR_NOT_FOUND, NULL);
}

/* ------------------------------------------------------------- packages -- */

typedef struct seen {
	size_t count;
	uint64_t position[8];
	char path[8][64], source[8][64], uses[8][64], type[8][16];
	pnr_asset_row rows[8];
} seen;

static pnr_status see_asset(void *user, const pnr_asset_row *row, pnr_error *err)
{
	seen *s = user;
	(void)err;
	(void)snprintf(s->path[s->count], 64, "%s", row->path);
	(void)snprintf(s->type[s->count], 16, "%s", row->type);
	(void)snprintf(s->uses[s->count], 64, "%s", row->uses);
	(void)snprintf(s->source[s->count], 64, "%s", row->source_path == NULL ? "(none)" : row->source_path);
	s->rows[s->count++] = *row;
	return PNR_OK;
}

static int64_t put_two_assets(pnr_index *index, unsigned number, int64_t *out_sources)
{
	pnr_asset_row rows[] = {
		{ .position = 0, .path = "livecalc.config.json", .type = "config", .source_path = "/m/livecalc.config.json", .blob_id = put_blob(index, 10), .uses = "[]" },
		{ .position = 1, .path = "wasm/a.wasm", .type = "wasm", .source_path = "/m/a.wasm", .blob_id = put_blob(index, 20 + number), .uses = "[{\"node\":\"n\"}]" },
	};
	(void)put_encoding(index, rows[0].blob_id, 10);
	(void)put_encoding(index, rows[1].blob_id, 20 + number);
	(void)put_choice(index, rows[1].blob_id, "best", 12, 3);
	pnr_reference_row references[] = {
		{ "assumption", "lapse", "assumptions://lapse:v2", "lapse", "v2" },
		{ "external", "policies", "blob://x/y", NULL, NULL },
	};
	pnr_digest hash = digest(3, number), list = digest(6, 1);
	int64_t id = 0;
	assert_ok(pnr_index_package_put(index, &hash, 1700000000123, rows, 2, references, 2, &id, err));
	assert_ok(pnr_index_sources_put(index, &list, rows, 2, out_sources, err));
	return id;
}

static void a_package_comes_back_as_it_went_in(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_digest hash = digest(3, 0);
	int64_t sources = 0, found = 0;
	assert_fails(pnr_index_package_find(index, &hash, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	int64_t id = put_two_assets(index, 0, &sources);
	assert_ok(pnr_index_commit(index, err));
	assert_ok(pnr_index_package_find(index, &hash, &found, err));
	assert_int_equal(found, id);
	seen s = { .count = 0 };
	assert_ok(pnr_index_package_assets(index, id, sources, see_asset, &s, err));
	assert_int_equal(s.count, 2);
	assert_int_equal(s.rows[1].position, 1);
	assert_string_equal(s.path[0], "livecalc.config.json");
	assert_string_equal(s.path[1], "wasm/a.wasm");
	assert_string_equal(s.type[1], "wasm");
	assert_string_equal(s.uses[1], "[{\"node\":\"n\"}]");
	assert_string_equal(s.source[1], "/m/a.wasm");
	assert_int_equal(s.rows[1].size, 20);
	assert_int_equal(s.rows[1].crc32, 20);
	assert_int_equal(s.rows[1].stored_size, 3);
	assert_true(same(s.rows[1].hash, digest(1, 20)));
	s.count = 0;
	assert_ok(pnr_index_package_assets(index, id, 0, see_asset, &s, err));
	assert_int_equal(s.count, 2);
	assert_string_equal(s.source[1], "(none)");
	assert_null(s.rows[1].source_path);
}

static pnr_status see_reference(void *user, const pnr_reference_row *row, pnr_error *err)
{
	(void)err;
	pnr_buffer_printf(user, "%s,%s,%s,%s,%s;", row->kind, row->role, row->reference, row->name, row->version);
	return PNR_OK;
}

static void references_come_back_in_order(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	int64_t sources = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t id = put_two_assets(index, 0, &sources);
	assert_ok(pnr_index_package_references(index, id, see_reference, &text, err));
	assert_string_equal(text.data, "assumption,lapse,assumptions://lapse:v2,lapse,v2;external,policies,blob://x/y,,;");
}

static void the_same_package_and_the_same_sources_are_one_row(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t first_sources = 0, sources = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t first = put_two_assets(index, 0, &first_sources);
	assert_int_not_equal(put_two_assets(index, 1, &sources), first);
	assert_int_equal(sources, first_sources);
	assert_int_equal(put_two_assets(index, 0, &sources), first);
}

static void an_asset_of_a_package_is_found_by_its_path(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t sources = 0;
	pnr_blob_row found;
	assert_ok(pnr_index_begin(index, err));
	int64_t first = put_two_assets(index, 0, &sources);
	int64_t second = put_two_assets(index, 1, &sources);
	assert_ok(pnr_index_package_blob(index, first, "wasm/a.wasm", &found, err));
	assert_true(same(found.hash, digest(1, 20)));
	assert_ok(pnr_index_package_blob(index, second, "wasm/a.wasm", &found, err));
	assert_true(same(found.hash, digest(1, 21)));
	assert_fails(pnr_index_package_blob(index, second, "wasm/b.wasm", &found, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_package_blob(index, second + 1, "wasm/a.wasm", &found, err), PNR_NOT_FOUND, NULL);
}

static pnr_status stop_at_once(void *user, const pnr_asset_row *row, pnr_error *err)
{
	(void)row;
	++*(int *)user;
	return pnr_fail(err, PNR_CANCELLED, "enough");
}

static void what_a_callback_returns_ends_the_call(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t sources = 0;
	int calls = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t id = put_two_assets(index, 0, &sources);
	assert_fails(pnr_index_package_assets(index, id, 0, stop_at_once, &calls, err), PNR_CANCELLED, "enough");
	assert_int_equal(calls, 1);
}

typedef struct nest {
	pnr_index *index;
	int64_t package_id;
	unsigned outer, inner;
} nest;

static pnr_status count_inner(void *user, const pnr_asset_row *row, pnr_error *err)
{
	(void)row;
	(void)err;
	((nest *)user)->inner++;
	return PNR_OK;
}

static pnr_status count_outer(void *user, const pnr_asset_row *row, pnr_error *err)
{
	nest *n = user;
	(void)row;
	n->outer++;
	return pnr_index_package_assets(n->index, n->package_id, 0, count_inner, n, err);
}

static void a_callback_may_run_the_same_query(void **state)
{
	nest n = { .index = ((fixture *)*state)->index };
	int64_t sources = 0;
	assert_ok(pnr_index_begin(n.index, err));
	n.package_id = put_two_assets(n.index, 0, &sources);
	assert_ok(pnr_index_package_assets(n.index, n.package_id, 0, count_outer, &n, err));
	assert_int_equal(n.outer, 2);
	assert_int_equal(n.inner, 4);
}

static void one_asset_twice_in_a_package_is_refused(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5), id = 77;
	pnr_asset_row rows[] = { { .position = 0, .path = "a", .type = "wasm", .blob_id = blob },
		                 { .position = 1, .path = "a", .type = "wasm", .blob_id = blob } };
	pnr_digest hash = digest(3, 1);
	assert_fails(pnr_index_package_put(index, &hash, 0, rows, 2, NULL, 0, &id, err), PNR_INVALID, "UNIQUE");
	assert_int_equal(id, 77);
}

/* ------------------------------------------------------------- archives -- */

static pnr_status see_id(void *user, int64_t id, pnr_error *err)
{
	(void)err;
	pnr_buffer_printf(user, "%lld,", (long long)id);
	return PNR_OK;
}

static pnr_status find_archive(pnr_index *index, const pnr_archive_row *of, int64_t created_ms, const char *encoder,
                               pnr_archive_row *out_row, pnr_error *err)
{
	const pnr_archive_choice choice = { of->package_id, of->sources_id, of->options, created_ms, encoder, 6 };
	return pnr_index_archive_find(index, &choice, out_row, err);
}

static void an_archive_is_found_by_what_decides_its_bytes(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	int64_t sources = 0;
	pnr_archive_row found;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_two_assets(index, 0, &sources);
	pnr_archive_row row = { .package_id = package,
		                .sources_id = sources,
		                .options = "{}",
		                .created_ms = 1700000000123,
		                .manifest_blob_id = put_blob(index, 99),
		                .archive_hash = digest(4, 1),
		                .size = 12345 };
	assert_fails(find_archive(index, &row, -1, NULL, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_archive_put(index, &row, NULL, 0, err));
	pnr_archive_row portable = row, later = row;
	portable.sources_id = 0;
	later.created_ms = 0;
	assert_ok(pnr_index_archive_put(index, &portable, NULL, 0, err));
	assert_ok(pnr_index_archive_put(index, &later, NULL, 0, err));
	assert_ok(find_archive(index, &row, -1, NULL, &found, err));
	assert_int_equal(found.id, row.id);
	assert_int_equal(found.sources_id, sources);
	assert_int_equal(found.created_ms, 1700000000123);
	assert_int_equal(found.size, 12345);
	assert_int_equal(found.manifest_blob_id, row.manifest_blob_id);
	assert_true(same(found.manifest_hash, digest(1, 99)) && same(found.archive_hash, digest(4, 1)));
	assert_ok(find_archive(index, &portable, -1, NULL, &found, err));
	assert_int_equal(found.id, portable.id);
	assert_int_equal(found.sources_id, 0);
	assert_ok(find_archive(index, &row, 0, NULL, &found, err));
	assert_int_equal(found.id, later.id);
	assert_fails(find_archive(index, &row, 1, NULL, &found, err), PNR_NOT_FOUND, NULL);
	later.options = "[]";
	assert_fails(find_archive(index, &later, -1, NULL, &found, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_archive_put(index, &row, NULL, 0, err), PNR_INVALID, "UNIQUE");
}

static void an_archive_is_found_by_whose_encodings_it_holds(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_archive_row found;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5), ids[2] = { put_choice(index, blob, "mine", 6, 50), 0 };
	pnr_archive_row row = { .package_id = put_package(index, 1, NULL, 0), .options = "{}", .manifest_blob_id = blob };
	ids[1] = put_choice(index, blob, "theirs", 6, 60);
	assert_ok(pnr_index_archive_put(index, &row, ids, 2, err));
	pnr_archive_row mine = row;
	mine.archive_hash = digest(4, 1);
	assert_fails(find_archive(index, &row, 0, "mine", &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_archive_put(index, &mine, ids, 1, err));
	assert_ok(find_archive(index, &row, 0, "mine", &found, err));
	assert_true(found.id == mine.id && !found.evicted);
	assert_ok(find_archive(index, &row, -1, NULL, &found, err));
	assert_int_equal(found.id, row.id);
	/* One of which something was given up only if there is no other. */
	assert_ok(pnr_index_evict_encoding(index, ids[1], 1, err));
	assert_ok(find_archive(index, &row, -1, NULL, &found, err));
	assert_int_equal(found.id, mine.id);
	assert_ok(pnr_index_evict_encoding(index, ids[0], 1, err));
	assert_ok(find_archive(index, &row, -1, "mine", &found, err));
	assert_true(found.id == mine.id && found.evicted);
}

static void an_encoding_of_others_is_claimed_by_who_makes_it(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5), theirs = put_choice(index, blob, PNR_ENCODER_RECEIVED "1234", 6, 50);
	const pnr_encoding_row ours = { .blob_id = blob, .encoder = "e", .level = 9 };
	assert_int_equal(find_choice(index, blob, "e", 9, false), 0);
	assert_ok(pnr_index_encoding_claim(index, theirs, &ours, err));
	assert_int_equal(find_choice(index, blob, "e", 9, false), theirs);
	assert_fails(pnr_index_encoding_claim(index, theirs, &ours, err), PNR_NOT_FOUND, NULL);
	/* Not one beside another of the same encoder and level. */
	theirs = put_choice(index, blob, PNR_ENCODER_RECEIVED "5678", 6, 60);
	assert_fails(pnr_index_encoding_claim(index, theirs, &ours, err), PNR_NOT_FOUND, NULL);
}

/* Encodings of the same bytes are one file. */
static void what_comes_back_is_whole_wherever_it_is_named(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	bool evicted = false;
	assert_ok(pnr_index_begin(index, err));
	int64_t blob = put_blob(index, 5);
	pnr_encoding_row six = { .blob_id = blob, .form = "stored", .encoder = "e", .level = 6, .stored_size = 2, .data = "ab" };
	pnr_encoding_row nine = six, other = six;
	nine.level = 9;
	other.stored_hash = digest(2, 1);
	assert_ok(pnr_index_encoding_put(index, &six, err));
	assert_ok(pnr_index_encoding_put(index, &nine, err));
	assert_ok(pnr_index_evict_encoding(index, six.id, 1, err));
	assert_ok(pnr_index_evict_encoding(index, nine.id, 1, err));
	assert_int_equal(find_choice(index, blob, "e", 6, true), 0);
	assert_fails(pnr_index_encoding_put(index, &other, err), PNR_CORRUPT, "came back with other bytes");
	assert_ok(pnr_index_encoding_put(index, &nine, err));
	assert_int_equal(find_choice(index, blob, "e", 6, false), six.id);
	assert_int_equal(find_choice(index, blob, "e", 9, false), nine.id);
	assert_ok(pnr_index_blob_evicted(index, blob, &evicted, err));
	assert_false(evicted);
}

static pnr_status see_form(void *user, const char *form, uint64_t stored_size, pnr_error *err)
{
	(void)err;
	pnr_buffer_printf(user, "%s %u,", form, (unsigned)stored_size);
	return PNR_OK;
}

static pnr_status refuse_form(void *user, const char *form, uint64_t stored_size, pnr_error *err)
{
	(void)user, (void)form, (void)stored_size;
	return pnr_fail(err, PNR_CANCELLED, "enough");
}

static void an_archive_keeps_its_encodings_in_order(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer ids = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer expected = PNR_BUFFER_INIT;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0);
	int64_t encodings[3];
	for (unsigned i = 0; i < 3; i++)
		encodings[2 - i] = put_encoding(index, put_blob(index, i), i);
	pnr_archive_row row = { .package_id = package, .options = "{}", .manifest_blob_id = put_blob(index, 0) };
	assert_ok(pnr_index_archive_put(index, &row, encodings, 3, err));
	assert_ok(pnr_index_archive_encodings(index, row.id, see_id, &ids, err));
	for (unsigned i = 0; i < 3; i++)
		pnr_buffer_printf(&expected, "%lld,", (long long)encodings[i]);
	assert_string_equal(ids.data, expected.data);
	pnr_archive_row found;
	assert_ok(pnr_index_archive_get(index, row.id, &found, err));
	assert_int_equal(found.package_id, package);
	assert_null(found.options);
	assert_fails(pnr_index_archive_get(index, row.id + 1, &found, err), PNR_NOT_FOUND, NULL);
	pnr_buffer_clear(&ids);
	assert_ok(pnr_index_archive_forms(index, row.id, see_form, &ids, err));
	assert_string_equal(ids.data, "gzip 1,gzip 0,gzip 0,");
	assert_fails(pnr_index_archive_forms(index, row.id, refuse_form, NULL, err), PNR_CANCELLED, "enough");
}

static void an_archive_has_the_name_that_its_package_was_last_logged_under(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer options = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer name = PNR_BUFFER_INIT;
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, NULL, 0), other = put_package(index, 2, NULL, 0);
	int64_t archive = put_archive(index, package, 1);
	assert_ok(pnr_index_archive_about(index, archive, &options, &name, err));
	assert_string_equal(options.data, "{\"level\":6}");
	assert_string_equal(name.data, "");
	(void)put_log(index, package, archive, "old", 1);
	(void)put_log(index, package, 0, "new", 2);
	(void)put_log(index, other, 0, "another", 3);
	assert_ok(pnr_index_archive_about(index, archive, &options, &name, err));
	assert_string_equal(name.data, "new");
	assert_fails(pnr_index_archive_about(index, archive + 1, &options, &name, err), PNR_NOT_FOUND, NULL);
}

/* --------------------------------------------------------- transactions -- */

static void writing_needs_a_transaction(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_blob_row row = { .hash = digest(1, 1) }, found;
	assert_fails(pnr_index_blob_put(index, &row, err), PNR_INVALID, "no transaction");
	assert_fails(pnr_index_commit(index, err), PNR_INVALID, "no transaction");
	pnr_index_rollback(index);
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_blob_put(index, &row, err));
	pnr_index_rollback(index);
	assert_fails(pnr_index_blob_find(index, &row.hash, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	assert_fails(pnr_index_begin(index, err), PNR_IO, "within a transaction");
}

static void what_is_held_is_one_state_until_it_is_let_go(void **state)
{
	fixture *f = *state;
	pnr_index *other = NULL;
	pnr_blob_row found, row = { .hash = digest(1, 1) };
	const pnr_digest first = row.hash, second = digest(1, 2);
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	assert_ok(pnr_index_commit(f->index, err));
	pnr_index_release(f->index);
	assert_ok(pnr_index_hold(f->index, err));
	assert_ok(pnr_index_hold(f->index, err));
	assert_ok(pnr_index_blob_find(f->index, &first, &found, err));

	assert_ok(open_at(f->path, false, false, 0, &other, err));
	assert_ok(pnr_index_begin(other, err));
	(void)put_blob(other, 2);
	assert_ok(pnr_index_commit(other, err));
	assert_fails(pnr_index_blob_find(f->index, &second, &found, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_blob_put(f->index, &row, err), PNR_INVALID, "no transaction is open");
	assert_fails(pnr_index_commit(f->index, err), PNR_INVALID, "no transaction is open");
	pnr_index_release(f->index);
	assert_ok(pnr_index_blob_find(f->index, &second, &found, err));

	/* To begin lets go as well: an old state could not be written to. */
	assert_ok(pnr_index_hold(f->index, err));
	assert_ok(pnr_index_blob_find(f->index, &second, &found, err));
	assert_ok(pnr_index_begin(other, err));
	(void)put_blob(other, 3);
	assert_ok(pnr_index_commit(other, err));
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 4);
	assert_ok(pnr_index_commit(f->index, err));
	pnr_index_close(other);
}

static void closing_rolls_back(void **state)
{
	fixture *f = *state;
	pnr_blob_row found;
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	pnr_index_close(f->index);
	f->index = NULL;
	assert_ok(open_at(f->path, false, false, 0, &f->index, err));
	pnr_digest hash = digest(1, 1);
	assert_fails(pnr_index_blob_find(f->index, &hash, &found, err), PNR_NOT_FOUND, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_blob_is_found_by_its_hash),
		TEST(the_same_blob_twice_is_one_row),
		TEST(a_size_that_no_blob_has_is_not_known),
		TEST(a_blob_is_found_by_a_prefix_of_its_hash),
		TEST(the_prefix_of_the_largest_hash_finds_it),
		TEST(an_encoding_comes_back_with_its_data),
		TEST(nothing_kept_here_and_nothing_at_all_are_different),
		TEST(the_encoding_asked_for_is_preferred),
		TEST(the_same_encoding_twice_is_one_row),
		TEST(a_source_file_is_known_only_in_the_state_it_had),
		TEST(a_source_file_is_remembered_in_its_last_state_only),
		TEST(a_written_zip_is_known_only_in_the_state_it_had),
		TEST(a_model_file_is_searched_once),
		TEST(the_last_pack_of_a_zip_is_known_by_what_was_asked_for_and_by_whom),
		TEST(a_package_comes_back_as_it_went_in),
		TEST(references_come_back_in_order),
		TEST(the_same_package_and_the_same_sources_are_one_row),
		TEST(an_asset_of_a_package_is_found_by_its_path),
		TEST(what_a_callback_returns_ends_the_call),
		TEST(a_callback_may_run_the_same_query),
		TEST(one_asset_twice_in_a_package_is_refused),
		TEST(an_archive_is_found_by_what_decides_its_bytes),
		TEST(an_archive_is_found_by_whose_encodings_it_holds),
		TEST(an_encoding_of_others_is_claimed_by_who_makes_it),
		TEST(what_comes_back_is_whole_wherever_it_is_named),
		TEST(an_archive_keeps_its_encodings_in_order),
		TEST(an_archive_has_the_name_that_its_package_was_last_logged_under),
		TEST(writing_needs_a_transaction),
		TEST(what_is_held_is_one_state_until_it_is_let_go),
		TEST(closing_rolls_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
