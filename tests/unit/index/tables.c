/*
 * The tables as others see them: the stock shell answers from the views, every
 * column is explained, nobody rewrites the log.
 */
#include "fixture.h"
#include "codec/hash.h"
#include "index/database.h"
#include "index/fsck.h"
#include "index/remote.h"
#include <sys/stat.h>
#include <sys/wait.h>
#include <zlib.h>

/* ------------------------------------------------------------- the shell -- */

/* What the stock shell prints for @sql, without the last newline; skips the test where there is no shell. */
static void shell(const fixture *f, const char *sql, pnr_buffer *out)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		(void)dup2(ends[1], 1);
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)execlp("sqlite3", "sqlite3", "-batch", "-init", "/dev/null", f->path, sql, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	pnr_buffer_clear(out);
	pnr_buffer_puts(out, "");
	assert_ok(pnr_file_read_all(ends[0], PNR_MIB, out, "the shell's output", err));
	(void)close(ends[0]);
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	if (WIFEXITED(how) && WEXITSTATUS(how) == 127)
		skip();
	if (!WIFEXITED(how) || WEXITSTATUS(how) != 0)
		fail_msg("%s: exit %d: %s", sql, WEXITSTATUS(how), out->data);
	if (out->length > 0 && out->data[out->length - 1] == '\n')
		out->data[--out->length] = '\0';
}

#define assert_shell(sql, expected)                                                  \
	do {                                                                         \
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out_ = PNR_BUFFER_INIT;      \
		shell(f, (sql), &out_);                                              \
		assert_string_equal(out_.data, (expected));                          \
	} while (0)

/* One number or text from the index's own connection, which trusts no schema. */
static void query(pnr_index *index, const char *sql, char *out, size_t capacity)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(index->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(index->db));
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	const char *text = (const char *)sqlite3_column_text(stmt, 0);
	(void)snprintf(out, capacity, "%s", text == NULL ? "(null)" : text);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	(void)sqlite3_finalize(stmt);
}

/* ------------------------------------------------------------- the views -- */

/* A, B, A again, and another model; asset 1 changes from 20 to 25 bytes and back, B has one asset more. */
static void put_history(fixture *f)
{
	static const unsigned a[] = { 10, 20 }, b[] = { 10, 25, 30 }, c[] = { 10 };
	assert_ok(pnr_index_begin(f->index, err));
	int64_t first = put_package(f->index, 1, a, 2), second = put_package(f->index, 2, b, 3);
	int64_t third = put_package(f->index, 3, c, 1);
	int64_t archive = put_archive(f->index, first, 1);
	(void)put_log(f->index, first, archive, "life", 1);
	(void)put_log(f->index, second, 0, "life", 2);
	(void)put_log(f->index, third, 0, "other", 3);
	(void)put_log(f->index, first, archive, "life", 4);
	assert_ok(pnr_index_commit(f->index, err));
}

static void the_shell_tells_the_history_of_an_asset(void **state)
{
	fixture *f = *state;
	put_history(f);
	assert_shell("SELECT size, first_at, last_at, packages FROM asset_history WHERE path = 'data/1.csv'",
	             "20|2023-11-14T22:13:20.001Z|2023-11-14T22:13:20.004Z|1\n"
	             "25|2023-11-14T22:13:20.002Z|2023-11-14T22:13:20.002Z|1");
	assert_shell("SELECT path, size, packages, first_package = last_package FROM asset_history",
	             "data/0.csv|10|3|1\ndata/1.csv|20|1|1\ndata/1.csv|25|1|1\ndata/2.csv|30|1|1");
}

static void the_shell_lists_what_was_packed(void **state)
{
	fixture *f = *state;
	put_history(f);
	assert_shell("SELECT entry, at, event, name, assets, total_size, archive_size, git_dirty FROM package_list",
	             "4|2023-11-14T22:13:20.004Z|pack|life|2|30|1001|\n"
	             "3|2023-11-14T22:13:20.003Z|pack|other|1|10||\n"
	             "2|2023-11-14T22:13:20.002Z|pack|life|3|65||\n"
	             "1|2023-11-14T22:13:20.001Z|pack|life|2|30|1001|");
}

static void the_shell_lists_the_contents_of_a_package(void **state)
{
	fixture *f = *state;
	put_history(f);
	assert_shell("SELECT position, path, type, size, stored_size, uses FROM package_contents WHERE package_hash ="
	             " (SELECT package_hash FROM package_list WHERE entry = 2) ORDER BY position",
	             "0|data/0.csv|assumption|10|5|[]\n1|data/1.csv|assumption|25|12|[]\n2|data/2.csv|assumption|30|15|[]");
}

static void the_shell_tells_what_an_entry_changed(void **state)
{
	fixture *f = *state;
	put_history(f);
	assert_shell("SELECT entry, name, change, path, old_size, new_size FROM package_changes ORDER BY 1, 3, 4",
	             "1|life|added|data/0.csv||10\n"
	             "1|life|added|data/1.csv||20\n"
	             "2|life|added|data/2.csv||30\n"
	             "2|life|changed|data/1.csv|20|25\n"
	             "3|other|added|data/0.csv||10\n"
	             "4|life|changed|data/1.csv|25|20\n"
	             "4|life|removed|data/2.csv|30|");
	/* Pushing the older package again is no change, not even for the next one. */
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_event(f->index, "push", 2, 0, "life", 5);
	(void)put_log(f->index, 1, 0, "life", 6);
	assert_ok(pnr_index_commit(f->index, err));
	assert_shell("SELECT count(*) FROM package_changes WHERE entry > 4", "0");
	assert_shell("SELECT last_at FROM asset_history WHERE path = 'data/2.csv'", "2023-11-14T22:13:20.002Z");
	assert_shell("SELECT change, path FROM package_changes WHERE entry = 4 ORDER BY 1",
	             "changed|data/1.csv\nremoved|data/2.csv");
}

static void another_use_of_the_same_content_is_no_change(void **state)
{
	fixture *f = *state;
	assert_ok(pnr_index_begin(f->index, err));
	int64_t ids[2];
	for (unsigned i = 0; i < 2; i++) {
		pnr_asset_row row = { .path = "wasm/a.wasm", .type = "wasm", .blob_id = put_blob(f->index, 5), .uses = i == 0 ? "[]" : "[{\"node\":\"n\"}]" };
		pnr_digest hash = digest(3, i);
		assert_ok(pnr_index_package_put(f->index, &hash, 0, &row, 1, NULL, 0, &ids[i], err));
		(void)put_log(f->index, ids[i], 0, "x", i);
	}
	assert_ok(pnr_index_commit(f->index, err));
	assert_shell("SELECT entry, change FROM package_changes", "1|added");
	assert_shell("SELECT path, packages FROM asset_history", "wasm/a.wasm|2");
}

static void the_shell_tells_what_blobs_cost_and_where_they_are(void **state)
{
	fixture *f = *state;
	put_history(f);
	assert_shell("SELECT size, encodings, stored_size, packages FROM blob_usage ORDER BY size",
	             "10|1|5|3\n20|1|10|1\n25|1|12|1\n30|1|15|1\n900001|1|450000|0");
	assert_shell("SELECT * FROM storage_by_type", "assumption|4|85|42\nmanifest|1|900001|450000");
}

static void put_remote(pnr_index *index, const char *name, int64_t *out_id)
{
	pnr_remote_row row = { .name = name, .url = "/mnt/x", .added_ms = 1 };
	assert_ok(pnr_index_remote_put(index, &row, err));
	*out_id = row.id;
}

static void the_shell_tells_what_a_remote_lacks(void **state)
{
	fixture *f = *state;
	int64_t first = 0, second = 0;
	put_history(f);
	assert_ok(pnr_index_begin(f->index, err));
	put_remote(f->index, "a", &first);
	put_remote(f->index, "b", &second);
	static const unsigned there[] = { 10, 20, 30 };
	for (size_t i = 0; i < PNR_COUNT(there); i++) {
		const pnr_presence_row row = { .hash = digest(1, there[i]), .size = there[i], .form = "gzip" };
		assert_ok(pnr_index_presence_put(f->index, first, &row, err));
	}
	assert_ok(pnr_index_commit(f->index, err));
	assert_shell("SELECT path, size FROM remote_missing WHERE remote = 'a'", "data/1.csv|25");
	assert_shell("SELECT count(*) FROM remote_missing WHERE remote = 'b'", "6");
}

static void the_shell_tells_what_was_saved(void **state)
{
	fixture *f = *state;
	pnr_transfer_row row = { .remote = "a", .url = "/x", .direction = "push", .seconds = 1.5, .bytes_sent = 100, .bytes_full = 400, .outcome = "done" };
	assert_ok(pnr_index_begin(f->index, err));
	assert_ok(pnr_index_transfer_put(f->index, &row, err));
	row.bytes_sent = 0;
	assert_ok(pnr_index_transfer_put(f->index, &row, err));
	row.outcome = "io";
	assert_ok(pnr_index_transfer_put(f->index, &row, err));
	row = (pnr_transfer_row){ .remote = "a", .direction = "pull", .outcome = "done" };
	assert_ok(pnr_index_transfer_put(f->index, &row, err));
	assert_ok(pnr_index_commit(f->index, err));
	assert_shell("SELECT * FROM transfer_savings", "a|pull|1|0.0|0|0|1.0\na|push|2|3.0|100|800|0.875");
}

static void the_shell_shows_what_is_kept_in_the_database(void **state)
{
	fixture *f = *state;
	static const char text[] = "qx,0.01\nqy,0.01\nqz,0.01\nqx,0.01\nqy,0.01\n";
	unsigned char packed[128];
	uLongf packed_size = sizeof packed;
	assert_int_equal(compress2(packed, &packed_size, (const Bytef *)text, sizeof text - 1, 9), Z_OK);
	assert_true(packed_size < sizeof text - 1);
	assert_ok(pnr_index_begin(f->index, err));
	pnr_blob_row blob = { .hash = digest(1, 1), .size = sizeof text - 1 };
	assert_ok(pnr_index_blob_put(f->index, &blob, err));
	pnr_encoding_row row = { .blob_id = blob.id, .form = "zlib", .encoder = "z", .level = 9, .stored_size = packed_size, .data = packed };
	assert_ok(pnr_index_encoding_put(f->index, &row, err));
	assert_ok(pnr_index_commit(f->index, err));
	assert_shell("SELECT sqlar_uncompress(data, size) FROM encoding JOIN blob ON blob.id = blob_id",
	             text);
}

/* Any bytes but NUL: control characters, backslashes, quotes, invalid UTF-8. */
static void make_value(unsigned seed, char out[48])
{
	for (unsigned i = 0; i < 47; i++) {
		seed = seed * 1664525u + 1013904223u;
		out[i] = (char)(seed >> 24 == 0 ? 1 : (seed >> 22) % 3 == 0 ? "\\\"n\n\r\tx7f\x7f\x1b"[(seed >> 12) % 12] : (int)(seed >> 24));
		if (out[i] == '\0')
			out[i] = '\\';
	}
	out[47] = '\0';
}

static void the_shell_prints_the_text_that_an_entry_is_hashed_over(void **state)
{
	fixture *f = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer printed = PNR_BUFFER_INIT;
	assert_ok(pnr_index_begin(f->index, err));
	int64_t package = put_package(f->index, 1, NULL, 0);
	int64_t archive = put_archive(f->index, package, 1), head = 0;
	for (unsigned i = 0; i < 40; i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
		char values[9][48];
		for (unsigned v = 0; v < 9; v++)
			make_value(i * 9 + v, values[v]);
		pnr_log_row row = { .at_ms = 1700000000000 + i, .event = values[0], .package_id = package, .archive_id = i % 2 == 0 ? archive : 0,
			            .name = values[1], .user = values[2], .host = values[3], .git_commit = values[4], .git_dirty = (int)(i % 3) - 1,
			            .ci_run = values[5], .tool_version = values[6], .note = values[7], .options = i == 0 ? NULL : values[8] };
		assert_ok(pnr_index_log_head(f->index, &head, &row.previous_hash, err));
		assert_ok(pnr_index_log_text(f->index, &row, &text, err));
		assert_ok(pnr_hash_memory(text.data, text.length, &row.entry_hash, NULL, err));
		assert_ok(pnr_index_log_put(f->index, &row, err));
	}
	assert_ok(pnr_index_commit(f->index, err));
	/* The shell for some, which is slow to start; the bytes that it prints for all. */
	for (unsigned i = 0; i < 40; i++) {
		char sql[128], hex[PNR_DIGEST_HEX_SIZE], expected[256], text[4096];
		pnr_digest hash;
		(void)snprintf(sql, sizeof sql, "SELECT text FROM log_text WHERE entry = %u", i + 1);
		query(f->index, sql, text, sizeof text);
		pnr_buffer_clear(&printed);
		pnr_buffer_puts(&printed, text);
		if (i % 8 == 0)
			shell(f, sql, &printed);
		assert_string_equal(printed.data, text);
		pnr_buffer_putc(&printed, '\n');
		assert_ok(pnr_hash_memory(printed.data, printed.length, &hash, NULL, err));
		(void)snprintf(sql, sizeof sql, "SELECT entry_hash FROM log_text WHERE entry = %u", i + 1);
		query(f->index, sql, expected, sizeof expected);
		assert_string_equal(pnr_digest_to_hex(&hash, hex), expected);
	}
}

/* ------------------------------------------------------------ explained -- */

/* Does the line of @sql that starts with the word @name (after blanks) end with a comment? */
static bool explained(const char *sql, const char *name)
{
	size_t length = strlen(name);
	for (const char *line = sql; line != NULL; line = strchr(line, '\n')) {
		line += strspn(line, "\n \t");
		const char *end = line + strcspn(line, "\n");
		const char *comment = strstr(line, "-- ");
		if (strncmp(line, name, length) == 0 && strchr(" ,\n", line[length]) != NULL)
			return comment != NULL && comment < end && end - comment > 4;
	}
	return false;
}

static void every_table_column_and_view_is_explained(void **state)
{
	fixture *f = *state;
	sqlite3_stmt *tables = NULL, *columns = NULL;
	unsigned seen = 0;
	assert_int_equal(sqlite3_prepare_v2(f->index->db, "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view')"
	                                    " AND name NOT LIKE 'sqlite_%'", -1, &tables, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(f->index->db, "SELECT name FROM pragma_table_info(?1)", -1, &columns, NULL), SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		const char *sql = (const char *)sqlite3_column_text(tables, 1);
		const char *first_end = strchr(sql, '\n');
		const char *comment = strstr(sql, "-- ");
		if (comment == NULL || comment > first_end)
			fail_msg("%s has no comment", name);
		(void)sqlite3_reset(columns);
		(void)sqlite3_bind_text(columns, 1, name, -1, SQLITE_STATIC);
		while (sqlite3_step(columns) == SQLITE_ROW) {
			const char *column = (const char *)sqlite3_column_text(columns, 0);
			if (!explained(first_end, column))
				fail_msg("%s.%s has no comment", name, column);
			seen++;
		}
	}
	assert_true(seen > 100);
	(void)sqlite3_finalize(tables);
	(void)sqlite3_finalize(columns);
}

/* -------------------------------------------------------- what is refused -- */

static pnr_status no_complaint(void *user, const char *table, const char *complaint, pnr_error *failure)
{
	(void)user, (void)failure;
	fail_msg("%s: %s", table, complaint);
	return PNR_OK;
}

static int should_stop(void *user)
{
	return *(const int *)user;
}

static void a_check_of_the_references_can_be_stopped(void **state)
{
	static const unsigned blobs[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	for (unsigned n = 1; n <= 3000; n++)
		(void)put_package(index, n, blobs, PNR_COUNT(blobs));
	assert_ok(pnr_index_commit(index, err));
	int stop = 0;
	assert_ok(pnr_index_check_references(index, no_complaint, should_stop, &stop, err));
	stop = 1;
	assert_fails(pnr_index_check_references(index, no_complaint, should_stop, &stop, err), PNR_CANCELLED, "interrupted");
}

static void refused(pnr_index *index, const char *sql, const char *why)
{
	char *message = NULL;
	if (sqlite3_exec(index->db, sql, NULL, NULL, &message) == SQLITE_OK)
		fail_msg("accepted: %s", sql);
	if (strstr(message, why) == NULL)
		fail_msg("%s: %s", sql, message);
	sqlite3_free(message);
}

static void the_log_is_only_ever_added_to(void **state)
{
	fixture *f = *state;
	char before[256], after[256];
	put_history(f);
	query(f->index, "SELECT group_concat(id || name || entry_hash) FROM (SELECT * FROM log ORDER BY id)", before, sizeof before);
	refused(f->index, "UPDATE log SET note = 'x' WHERE id = 1", "no update");
	refused(f->index, "UPDATE OR REPLACE log SET id = 2 WHERE id = 1", "no update");
	refused(f->index, "DELETE FROM log WHERE id = 4", "no delete");
	refused(f->index, "DELETE FROM log", "no delete");
	refused(f->index, "INSERT OR REPLACE INTO log SELECT * FROM log WHERE id = 1", "no replace");
	refused(f->index, "INSERT OR REPLACE INTO log SELECT * FROM log WHERE id = 4", "no replace");
	refused(f->index, "INSERT INTO log SELECT -3, at, event, package_id, archive_id, name, user, host, git_commit,"
	                  " git_dirty, ci_run, tool_version, note, options, entry_hash, entry_hash FROM log WHERE id = 4", "id > 0");
	query(f->index, "SELECT group_concat(id || name || entry_hash) FROM (SELECT * FROM log ORDER BY id)", after, sizeof after);
	assert_string_equal(before, after);
}

static void wrong_values_are_refused(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	static const char *const blobs[] = {
		"('0123', 0, 0)",
		"(printf('%064d', 1) || 'a', 0, 0)",
		"(replace(printf('%064d', 1), '0', 'A'), 0, 0)",
		"(printf('%064d', 1), -1, 0)",
		"(printf('%064d', 1), 0, 4294967296)",
		"(printf('%064d', 1), 0, -1)",
	};
	for (size_t i = 0; i < PNR_COUNT(blobs); i++) {
		char sql[256];
		(void)snprintf(sql, sizeof sql, "INSERT INTO blob (hash, size, crc32) VALUES %s", blobs[i]);
		refused(index, sql, "CHECK");
	}
	refused(index, "INSERT INTO blob (hash, size, crc32) VALUES (printf('%064d', 1), 'many', 0)", "cannot store TEXT");
	refused(index, "INSERT INTO package (package_hash, first_at, asset_count, total_size)"
	               " VALUES (printf('%064d', 1), '2024-01-01 00:00:00', 0, 0)", "CHECK");
	assert_ok(pnr_index_begin(index, err));
	(void)put_blob(index, 1);
	assert_ok(pnr_index_commit(index, err));
	refused(index, "INSERT INTO encoding (blob_id, form, encoder, level, stored_hash, stored_size, created_at, data)"
	               " VALUES (1, 'zlib', 'e', 1, printf('%064d', 1), 5, '2024-01-01T00:00:00.000Z', x'00')", "CHECK");
	refused(index, "INSERT INTO encoding (blob_id, form, encoder, level, stored_hash, stored_size, created_at)"
	               " VALUES (1, 'zstd', 'e', 1, printf('%064d', 1), 5, '2024-01-01T00:00:00.000Z')", "CHECK");
}

/* ----------------------------------------------------------------- scale -- */

/* Package n differs from package n - 1 in one asset. */
static void a_history_of_small_changes_stays_small(void **state)
{
	enum { PACKAGES = 500, ASSETS = 20 };
	fixture *f = *state;
	unsigned blobs[ASSETS];
	char text[256];
	struct stat st;
	for (unsigned i = 0; i < ASSETS; i++)
		blobs[i] = 1000000 + i;
	for (unsigned n = 0; n < PACKAGES; n++) {
		blobs[n % ASSETS] = n;
		assert_ok(pnr_index_begin(f->index, err));
		(void)put_log(f->index, put_package(f->index, n, blobs, ASSETS), 0, "x", n);
		assert_ok(pnr_index_commit(f->index, err));
	}
	query(f->index, "SELECT count(*) FROM package_asset", text, sizeof text);
	assert_string_equal(text, "10000");
	query(f->index, "SELECT count(*) FROM asset", text, sizeof text);
	assert_string_equal(text, "519");
	query(f->index, "SELECT count(*) FROM path", text, sizeof text);
	assert_string_equal(text, "20");
	query(f->index, "SELECT count(*) || ' ' || max(packages) FROM asset_history WHERE path = 'data/7.csv'", text, sizeof text);
	assert_string_equal(text, "26 20");
	query(f->index, "SELECT count(*) FROM package_changes WHERE entry = 300", text, sizeof text);
	assert_string_equal(text, "1");
	query(f->index, "SELECT sum(packages) FROM blob_usage", text, sizeof text);
	assert_string_equal(text, "10000");
	pnr_index_close(f->index);
	f->index = NULL;
	assert_int_equal(stat(f->path, &st), 0);
	/* Some 30 bytes for an asset that did not change; the rest is 500 packages, entries, blobs and encodings, and the schema. */
	if (st.st_size >= 10000 * 30 + 500 * 1300 + 65536)
		fail_msg("%lld bytes", (long long)st.st_size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_shell_tells_the_history_of_an_asset),
		TEST(the_shell_lists_what_was_packed),
		TEST(the_shell_lists_the_contents_of_a_package),
		TEST(the_shell_tells_what_an_entry_changed),
		TEST(another_use_of_the_same_content_is_no_change),
		TEST(the_shell_tells_what_blobs_cost_and_where_they_are),
		TEST(the_shell_tells_what_a_remote_lacks),
		TEST(the_shell_tells_what_was_saved),
		TEST(the_shell_shows_what_is_kept_in_the_database),
		TEST(the_shell_prints_the_text_that_an_entry_is_hashed_over),
		TEST(every_table_column_and_view_is_explained),
		TEST(a_check_of_the_references_can_be_stopped),
		TEST(the_log_is_only_ever_added_to),
		TEST(wrong_values_are_refused),
		TEST(a_history_of_small_changes_stays_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
