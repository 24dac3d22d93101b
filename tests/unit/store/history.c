/* Questions about the past, asked of the library: it answers as the views do, stops when it is told to, names what is not there. */
#include "../index/fixture.h"
#include "index/database.h"
#include "store/store.h"
#include <pannier/history.h>

typedef struct past {
	fixture index;
	pnr_store *store;
} past;

/* A: 10, 20; B: 10, 25, 30; A again. */
static int set_up(void **state)
{
	static const unsigned a[] = { 10, 20 }, b[] = { 10, 25, 30 };
	past *p = calloc(1, sizeof *p);
	assert_non_null(p);
	make_dir(&p->index);
	const pnr_store_options options = { .size = sizeof options, .create = true };
	(void)snprintf(p->index.path, sizeof p->index.path, "%s/store", p->index.dir);
	assert_ok(pnr_store_open(p->index.path, &options, &p->store, NULL, err));
	p->index.index = pnr_store_index(p->store);
	pnr_index *index = p->index.index;
	assert_ok(pnr_index_begin(index, err));
	int64_t first = put_package(index, 1, a, 2), second = put_package(index, 2, b, 3);
	(void)put_log(index, first, put_archive(index, first, 1), "life", 1);
	(void)put_log(index, second, 0, "life", 2);
	(void)put_log(index, first, 0, "other", 3);
	assert_ok(pnr_index_tag_put(index, "b-one", second, 0, 1700000000000, false, err));
	assert_ok(pnr_index_commit(index, err));
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	past *p = *state;
	pnr_store_close(p->store);
	assert_ok(pnr_file_remove_tree(AT_FDCWD, p->index.dir, err));
	free(p);
	return 0;
}

/* What a view says: rows by newlines, columns by "|". */
static void view(past *p, const char *sql, pnr_buffer *out)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(p->index.index->db, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *text = (const char *)sqlite3_column_text(stmt, i);
			pnr_buffer_printf(out, "%s%c", text == NULL ? "" : text, i + 1 < sqlite3_column_count(stmt) ? '|' : '\n');
		}
	(void)sqlite3_finalize(stmt);
	pnr_buffer_puts(out, "");
}

static int put_use(void *user, const pnr_use *use)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(user, "%s|%s|%s|%s|%s|%s|%s\n", use->path, use->type, use->uses,
	                  pnr_digest_to_hex(&use->package_hash, hex), use->name, use->first_at, use->last_at);
	return 0;
}

static void uses_are_those_of_the_view(void **state)
{
	past *p = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer shown = PNR_BUFFER_INIT;
	pnr_digest hash = digest(1, 10), out;
	char hex[PNR_DIGEST_HEX_SIZE], sql[256];
	uint64_t bytes = 0;
	assert_ok(pnr_store_uses(p->store, pnr_digest_to_hex(&hash, hex), put_use, &found, &out, &bytes, err));
	assert_true(pnr_digest_equal(&hash, &out));
	assert_int_equal(bytes, 10);
	(void)snprintf(sql, sizeof sql,
	               "SELECT path, type, uses, package_hash, name, first_at, last_at FROM content_uses WHERE hash = '%s'"
	               " ORDER BY last_at DESC", hex);
	view(p, sql, &shown);
	assert_string_equal(found.data, shown.data);
	assert_non_null(strstr(found.data, "|other|2023-11-14T22:13:20.001Z|2023-11-14T22:13:20.003Z"));
}

static int put_version(void *user, const pnr_asset_version *version)
{
	char hash[PNR_DIGEST_HEX_SIZE], first[PNR_DIGEST_HEX_SIZE], last[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(user, "%s|%u|%s|%s|%s|%s|%u\n", pnr_digest_to_hex(&version->hash, hash),
	                  (unsigned)version->bytes, version->first_at, version->last_at,
	                  pnr_digest_to_hex(&version->first_package, first), pnr_digest_to_hex(&version->last_package, last),
	                  (unsigned)version->packages);
	return 0;
}

/* Few contents in many packages, logged again and again, in no order of time and often at the same. */
static void versions_are_those_of_the_view(void **state)
{
	enum { PACKAGES = 20, ENTRIES = 120, PATHS = 3 };
	past *p = *state;
	pnr_index *index = p->index.index;
	unsigned seed = 1;
	int64_t ids[PACKAGES];
	assert_ok(pnr_index_begin(index, err));
	for (unsigned i = 0; i < PACKAGES; i++) {
		unsigned blobs[PATHS];
		for (unsigned j = 0; j < PATHS; j++)
			blobs[j] = 100 + (seed = seed * 1103515245 + 12345) / 65536 % 4;
		ids[i] = put_package(index, 100 + i, blobs, 1 + i % PATHS);
	}
	for (unsigned i = 0; i < ENTRIES; i++) {
		seed = seed * 1103515245 + 12345;
		(void)put_event(index, seed / 65536 % 5 == 0 ? "push" : "pack", ids[seed / 524288 % PACKAGES], 0, "life",
		                seed / 8388608 % 30);
	}
	assert_ok(pnr_index_commit(index, err));
	for (unsigned j = 0; j < PATHS; j++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer shown = PNR_BUFFER_INIT;
		char path[32], sql[256];
		(void)snprintf(path, sizeof path, "data/%u.csv", j);
		(void)snprintf(sql, sizeof sql, "SELECT hash, size, first_at, last_at, first_package, last_package, packages"
		                                " FROM asset_history WHERE path = '%s'", path);
		assert_ok(pnr_store_history(p->store, path, put_version, &found, err));
		view(p, sql, &shown);
		assert_string_equal(found.data, shown.data);
		assert_non_null(strstr(found.data, "\n"));
	}
}

static void the_numbers_are_those_of_the_view(void **state)
{
	past *p = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer shown = PNR_BUFFER_INIT;
	pnr_statistics s;
	assert_ok(pnr_store_statistics(p->store, &s, err));
	pnr_buffer_printf(&found, "%u|%u|%u|%u|%u|%u|%u|%u|%u\n", (unsigned)s.packages, (unsigned)s.archives, (unsigned)s.entries,
	                  (unsigned)s.assets, (unsigned)s.blobs, (unsigned)s.bytes_packages, (unsigned)s.bytes_archives,
	                  (unsigned)s.bytes_raw, (unsigned)s.bytes_stored);
	view(p, "SELECT * FROM store_totals", &shown);
	assert_string_equal(found.data, shown.data);
	assert_int_equal(s.packages, 2);
	assert_int_equal(s.entries, 3);
	assert_int_equal(s.tags, 1);
	assert_string_equal(s.first_at, "2023-11-14T22:13:20.001Z");
	assert_string_equal(s.last_at, "2023-11-14T22:13:20.003Z");
}

static void packages_are_compared_by_path(void **state)
{
	past *p = *state;
	pnr_comparison *found = NULL;
	assert_ok(pnr_store_compare(p->store, "life@latest~1", "b-one", NULL, &found, err));
	assert_int_equal(found->count, 2);
	assert_int_equal(found->unchanged, 1);
	assert_int_equal(found->items[0].kind, PNR_CHANGE_ADDED);
	assert_string_equal(found->items[0].path, "data/2.csv");
	assert_int_equal(found->items[0].new_bytes, 30);
	assert_int_equal(found->items[1].kind, PNR_CHANGE_CHANGED);
	assert_int_equal(found->items[1].old_bytes, 20);
	assert_int_equal(found->items[1].new_bytes, 25);
	pnr_comparison_free(found);
	assert_ok(pnr_store_compare(p->store, "b-one", "latest", "*2.csv", &found, err));
	assert_int_equal(found->count, 1);
	assert_int_equal(found->unchanged, 0);
	assert_int_equal(found->items[0].kind, PNR_CHANGE_REMOVED);
	assert_string_equal(found->items[0].type, "assumption");
	pnr_comparison_free(found);
	found = NULL;
	assert_fails(pnr_store_compare(p->store, "latest", "nothing", NULL, &found, err), PNR_NOT_FOUND, "'nothing'");
	assert_null(found);
	pnr_comparison_free(NULL);
}

static int count_version(void *user, const pnr_asset_version *version)
{
	(void)version;
	return ++*(int *)user == 1;
}

static int count_entry(void *user, const pnr_log_entry *entry)
{
	assert_string_equal(entry->options, "");
	return ++*(int *)user == 2;
}

static int count_tag(void *user, const pnr_tag_info *tag)
{
	assert_string_equal(tag->name, "b-one");
	assert_false(tag->has_archive);
	++*(int *)user;
	return 0;
}

static void who_has_enough_stops(void **state)
{
	past *p = *state;
	int count = 0;
	pnr_digest first = digest(3, 1);
	assert_ok(pnr_store_history(p->store, "data/1.csv", count_version, &count, err));
	assert_int_equal(count, 1);
	count = 0;
	assert_ok(pnr_store_package_log(p->store, &first, count_entry, &count, err));
	assert_int_equal(count, 2);
	count = 0;
	assert_ok(pnr_store_tags(p->store, count_tag, &count, err));
	assert_ok(pnr_store_untag(p->store, "b-one", err));
	assert_ok(pnr_store_tags(p->store, count_tag, &count, err));
	assert_int_equal(count, 1);
}

static int no_bytes(void *user, const void *data, size_t length)
{
	(void)user, (void)data, (void)length;
	return 0;
}

static void what_is_not_there_is_named(void **state)
{
	past *p = *state;
	int count = 0;
	pnr_digest none = digest(9, 9), there = digest(1, 10);
	const char *const keys[] = { "k" };
	pnr_table_diff *diff = NULL;
	assert_fails(pnr_store_history(p->store, "data/9.csv", count_version, &count, err), PNR_NOT_FOUND, "'data/9.csv'");
	assert_fails(pnr_store_untag(p->store, "two", err), PNR_NOT_FOUND, "no tag 'two'");
	assert_fails(pnr_store_diff_text(p->store, &there, &none, NULL, no_bytes, NULL, err), PNR_CORRUPT, "impossible encoding");
	assert_fails(pnr_store_diff_text(p->store, &none, &there, NULL, no_bytes, NULL, err), PNR_NOT_FOUND, "no content");
	assert_fails(pnr_store_diff_table(p->store, &none, &there, keys, 1, NULL, NULL, NULL, &diff, err), PNR_NOT_FOUND, "no content");
	assert_fails(pnr_store_diff_table(p->store, &there, &there, keys, 0, NULL, NULL, NULL, &diff, err), PNR_INVALID, "no key column");
	assert_fails(pnr_store_uses(p->store, "latest:data/9.csv", put_use, NULL, NULL, NULL, err), PNR_NOT_FOUND, "data/9.csv");
}

static void an_entry_whose_hash_is_not_its_own_is_found(void **state)
{
	/* The fixture's entries have hashes of nothing. */
	past *p = *state;
	pnr_log_check check = { .size = 0 };
	assert_fails(pnr_store_log_check(p->store, NULL, &check, err), PNR_CORRUPT, "log entry 1: it was changed");
	assert_int_equal(check.bad, 1);
	assert_int_equal(check.entries, 0);
	assert_int_equal(check.head, 0);
}

/* Between entries 1 and 2 there was one more, as is learned last. */
static void what_came_late_stands_in_its_place(void **state)
{
	static const unsigned late[] = { 11, 20 };
	past *p = *state;
	pnr_index *index = p->index.index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	pnr_package_info *info = NULL;
	pnr_digest one = digest(3, 1), three = digest(3, 3);
	assert_ok(pnr_index_begin(index, err));
	(void)put_log(index, put_package(index, 3, late, 2), 0, "life", 1);
	(void)put_log(index, put_package(index, 3, late, 2), 0, "later", 3);
	assert_ok(pnr_index_commit(index, err));
	view(p, "SELECT entry FROM package_list", &found);
	assert_string_equal(found.data, "5\n3\n2\n4\n1\n");
	pnr_buffer_clear(&found);
	view(p, "SELECT entry, path, old_size, new_size FROM package_changes WHERE entry IN (2, 4) AND change = 'changed'"
	        " ORDER BY entry, path", &found);
	assert_string_equal(found.data, "2|data/0.csv|11|10\n2|data/1.csv|20|25\n4|data/0.csv|10|11\n");
	pnr_buffer_clear(&found);
	view(p, "SELECT size, first_at, last_at FROM asset_history WHERE path = 'data/0.csv'", &found);
	assert_string_equal(found.data, "10|2023-11-14T22:13:20.001Z|2023-11-14T22:13:20.003Z\n"
	                                "11|2023-11-14T22:13:20.001Z|2023-11-14T22:13:20.003Z\n");
	assert_ok(pnr_store_resolve(p->store, "life@latest~1", &info, err));
	assert_true(pnr_digest_equal(&info->package_hash, &three));
	pnr_package_info_free(info);
	assert_ok(pnr_store_resolve(p->store, "life@latest~2", &info, err));
	assert_true(pnr_digest_equal(&info->package_hash, &one));
	pnr_package_info_free(info);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(uses_are_those_of_the_view),
		TEST(versions_are_those_of_the_view),
		TEST(the_numbers_are_those_of_the_view),
		TEST(packages_are_compared_by_path),
		TEST(who_has_enough_stops),
		TEST(what_is_not_there_is_named),
		TEST(an_entry_whose_hash_is_not_its_own_is_found),
		TEST(what_came_late_stands_in_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
