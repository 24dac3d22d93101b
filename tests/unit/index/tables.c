/*
 * The tables as others see them: the stock shell answers from the views, every
 * column is explained, no query walks through a big table, nobody rewrites the log.
 */
#include "fixture.h"
#include "codec/hash.h"
#include "index/database.h"
#include "index/evict.h"
#include "index/fsck.h"
#include "index/history.h"
#include "index/remote.h"
#include "index/report.h"
#include <dirent.h>
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

/* ----------------------------------------------------------- query plans -- */

static pnr_status ignore_asset(void *user, const pnr_asset_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_reference(void *user, const pnr_reference_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_id(void *user, int64_t id, pnr_error *err)
{
	(void)user, (void)id, (void)err;
	return PNR_OK;
}

static pnr_status ignore_form(void *user, const char *form, uint64_t stored_size, pnr_error *err)
{
	(void)user, (void)form, (void)stored_size, (void)err;
	return PNR_OK;
}

static int ignore_log(void *user, const pnr_log_row *row)
{
	(void)user, (void)row;
	return 0;
}

static int ignore_remote(void *user, const pnr_remote_row *row)
{
	(void)user, (void)row;
	return 0;
}

static int ignore_presence(void *user, const pnr_presence_row *row)
{
	(void)user, (void)row;
	return 0;
}

static int ignore_remote_package(void *user, const pnr_remote_package_row *row)
{
	(void)user, (void)row;
	return 0;
}

/* Those of remote.h. */
static void run_remotes(pnr_index *index)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	const pnr_presence_row presence = { .form = "gzip" };
	const pnr_remote_package_row package = { .name = "x" };
	const pnr_transfer_row transfer = { .direction = "push" };
	pnr_presence_row found;
	pnr_remote_row row;
	pnr_blob_row text;
	pnr_digest text_hash;
	int64_t id = 0;
	assert_ok(pnr_index_begin(index, err));
	put_remote(index, "r", &id);
	assert_ok(pnr_index_presence_put(index, id, &presence, err));
	assert_ok(pnr_index_presence_find(index, id, &presence.hash, &found, err));
	assert_ok(pnr_index_presence_list(index, id, ignore_presence, NULL, err));
	assert_ok(pnr_index_presence_forget(index, id, &presence.hash, err));
	assert_ok(pnr_index_remote_package_put(index, id, &package, err));
	assert_ok(pnr_index_remote_package_text(index, id, &package.package_hash, &package.manifest_hash, &text_hash, err));
	assert_ok(pnr_index_remote_package_list(index, id, ignore_remote_package, NULL, err));
	pnr_ignore(pnr_index_remote_package_newest(index, id, NULL, &id, NULL));
	pnr_ignore(pnr_index_remote_package_newest(index, id, "x", &id, NULL));
	pnr_ignore(pnr_index_remote_text_newest(index, id, NULL, &text, NULL));
	pnr_ignore(pnr_index_remote_text_newest(index, id, "x", &text, NULL));
	assert_ok(pnr_index_remote_package_forget(index, id, &package.package_hash, &package.manifest_hash, err));
	assert_ok(pnr_index_transfer_put(index, &transfer, err));
	assert_ok(pnr_index_remote_find(index, "r", &arena, &row, err));
	assert_ok(pnr_index_remote_list(index, ignore_remote, NULL, err));
	assert_ok(pnr_index_remote_remove(index, "r", err));
	assert_ok(pnr_index_commit(index, err));
}

static pnr_status ignore_unneeded(void *user, const pnr_unneeded_row *row, pnr_error *err)
{
	(void)err;
	*(int64_t *)user = row->id;
	return PNR_OK;
}

static pnr_status ignore_evictable(void *user, const pnr_evictable_row *row, pnr_error *err)
{
	(void)user;
	(void)row;
	(void)err;
	return PNR_OK;
}

/* Those of evict.h. */
static void run_evictions(pnr_index *index)
{
	/* The one that is given up, so that there is something to restore. */
	const pnr_encoding_row encoding = { .blob_id = 1, .stored_hash = digest(2, 1), .data = "", .stored_size = 0 };
	uint64_t size = 0;
	int64_t last = 0;
	bool evicted = false;
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_kept_size(index, &size, err));
	assert_ok(pnr_index_unneeded(index, 0, ignore_unneeded, &last, err));
	assert_ok(pnr_index_evictable(index, 1, 0, ignore_evictable, NULL, err));
	assert_ok(pnr_index_evict_package(index, 1, 1, err));
	assert_ok(pnr_index_unneeded(index, 1, ignore_unneeded, &last, err));
	assert_ok(pnr_index_evict_encoding(index, 1, 1, err));
	assert_ok(pnr_index_evicted_last(index, ignore_unneeded, &last, err));
	assert_ok(pnr_index_blob_evicted(index, 1, &evicted, err));
	assert_ok(pnr_index_archive_evicted(index, 1, &evicted, err));
	assert_ok(pnr_index_restore_encoding(index, &encoding, err));
	assert_ok(pnr_index_restore_package(index, 1, err));
	pnr_index_rollback(index);
}

static int ignore_version(void *user, const pnr_version_row *row)
{
	(void)user, (void)row;
	return 0;
}

static int ignore_use(void *user, const pnr_use_row *row)
{
	(void)user, (void)row;
	return 0;
}

static int ignore_pushed(void *user, const pnr_pushed_row *row)
{
	(void)user, (void)row;
	return 0;
}

static int ignore_tag(void *user, const pnr_tag_row *row)
{
	(void)user, (void)row;
	return 0;
}

static pnr_status ignore_pair(void *user, const pnr_pair_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_import(void *user, const pnr_import_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_entry(void *user, const pnr_log_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

/* Those of history.h. */
static void run_history(pnr_index *index)
{
	const pnr_digest none = digest(9, 9);
	pnr_totals totals;
	pnr_digest found;
	uint64_t count = 0;
	int64_t last = 0;
	assert_ok(pnr_index_versions(index, "x", ignore_version, NULL, err));
	assert_ok(pnr_index_uses(index, 1, ignore_use, NULL, err));
	assert_ok(pnr_index_pairs(index, 1, 2, ignore_pair, NULL, err));
	assert_ok(pnr_index_pushed(index, &none, ignore_pushed, NULL, err));
	assert_ok(pnr_index_tags(index, ignore_tag, NULL, err));
	assert_ok(pnr_index_totals(index, &totals, err));
	assert_ok(pnr_index_log_of(index, &none, ignore_log, NULL, err));
	assert_ok(pnr_index_log_walk(index, ignore_entry, NULL, err));
	assert_ok(pnr_index_log_extent(index, &count, &last, err));
	pnr_ignore(pnr_index_imported_find(index, &none, "x", &found, NULL));
	pnr_ignore(pnr_index_log_last_time(index, &last, NULL));
	assert_ok(pnr_index_begin(index, err));
	const pnr_imported_row imported = { .log_id = 1, .package_id = 1, .file = "a.zip" };
	assert_ok(pnr_index_imported_put(index, &imported, err));
	pnr_archive_row made;
	assert_ok(pnr_index_imported_get(index, 1, &made, err));
	assert_ok(pnr_index_imports(index, ignore_import, NULL, err));
	pnr_ignore(pnr_index_tag_remove(index, "none", NULL));
	assert_ok(pnr_index_commit(index, err));
}

/* Runs every function of index.h, remote.h, evict.h and history.h, so that every statement is prepared. */
static void run_everything(pnr_index *index)
{
	static const unsigned blobs[] = { 1, 2 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	const pnr_file_state file = { 1, 2, 1, 4, 5 };
	pnr_digest list = digest(6, 1);
	pnr_blob_row blob;
	pnr_encoding_row encoding;
	pnr_archive_row archive_row;
	pnr_ref_row ref;
	int64_t found = 0;
	pnr_asset_row source = { .path = "a", .type = "wasm", .source_path = "/a", .uses = "[]" };
	const pnr_reference_row reference = { "external", "policies", "blob://x", "", "" };
	assert_ok(pnr_index_begin(index, err));
	int64_t package = put_package(index, 1, blobs, 2);
	source.blob_id = put_blob(index, 1);
	(void)put_encoding(index, source.blob_id, 1);
	pnr_digest other = digest(3, 2);
	assert_ok(pnr_index_package_put(index, &other, 0, &source, 1, &reference, 1, &found, err));
	assert_ok(pnr_index_sources_put(index, &list, &source, 1, &found, err));
	int64_t archive = put_archive(index, package, 1);
	(void)put_log(index, package, archive, "x", 1);
	assert_ok(pnr_index_tag_put(index, "t", package, archive, 0, false, err));
	assert_ok(pnr_index_source_put(index, &file, source.blob_id, err));
	assert_ok(pnr_index_output_put(index, "/o", &file, archive, err));
	assert_ok(pnr_index_scan_put(index, source.blob_id, "", err));
	const pnr_request request = { list, list, "1" };
	const pnr_last_pack_row kept = { .archive_id = archive, .looked_at = "- 0 a\n", .warnings = "" };
	assert_ok(pnr_index_last_pack_forget(index, err));
	assert_ok(pnr_index_last_pack_put(index, "/o", &request, &kept, err));
	pnr_log_row row = { .package_id = package };
	assert_ok(pnr_index_log_text(index, &row, &arena, err));
	assert_ok(pnr_index_commit(index, err));
	assert_ok(pnr_index_source_find(index, &file, &blob, err));
	assert_ok(pnr_index_output_find(index, "/o", &file, &found, err));
	assert_ok(pnr_index_scan_find(index, source.blob_id, &arena, err));
	pnr_last_pack_row last;
	pnr_buffer_clear(&arena);
	assert_ok(pnr_index_last_pack_find(index, "/o", &request, &arena, &last, err));
	pnr_ignore(pnr_index_blob_prefix(index, "ffff", &blob, NULL));
	bool known = false;
	assert_ok(pnr_index_blob_size_known(index, 1, &known, err));
	pnr_ignore(pnr_index_encoding_find(index, 1, "e", 6, true, &found, NULL));
	pnr_ignore(pnr_index_encoding_get(index, 1, &arena, &encoding, NULL));
	encoding = (pnr_encoding_row){ .blob_id = 1 };
	pnr_ignore(pnr_index_encoding_same(index, &encoding, false, &found, NULL));
	pnr_ignore(pnr_index_encoding_claim(index, 0, &encoding, NULL));
	assert_ok(pnr_index_package_assets(index, package, 1, ignore_asset, NULL, err));
	assert_ok(pnr_index_package_references(index, package, ignore_reference, NULL, err));
	assert_ok(pnr_index_package_blob(index, package, "data/1.csv", &blob, err));
	pnr_archive_choice choice = { .package_id = package, .options = "{}", .created_ms = -1 };
	assert_fails(pnr_index_archive_find(index, &choice, &archive_row, err), PNR_NOT_FOUND, NULL);
	choice.created_ms = 1;
	assert_fails(pnr_index_archive_find(index, &choice, &archive_row, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_archive_get(index, archive, &archive_row, err));
	assert_ok(pnr_index_archive_encodings(index, archive, ignore_id, NULL, err));
	assert_ok(pnr_index_archive_forms(index, archive, ignore_form, NULL, err));
	pnr_buffer_clear(&arena);
	assert_ok(pnr_index_archive_about(index, archive, &arena, &arena, err));
	assert_ok(pnr_index_log_list(index, NULL, 0, ignore_log, NULL, err));
	assert_ok(pnr_index_log_list(index, "x", 0, ignore_log, NULL, err));
	assert_ok(pnr_index_ref_latest(index, NULL, 0, &ref, err));
	assert_ok(pnr_index_ref_latest(index, "x", 0, &ref, err));
	assert_ok(pnr_index_ref_tag(index, "t", &ref, err));
	pnr_ignore(pnr_index_ref_prefix(index, "ffff", &ref, NULL));
	run_remotes(index);
	run_evictions(index);
	assert_ok(pnr_index_hold(index, err));
	pnr_index_release(index);
	run_history(index);
}

static pnr_status ignore_entry_row(void *user, const pnr_entry_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_sized(void *user, const pnr_sized_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_held(void *user, const pnr_held_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_changed(void *user, const pnr_changed_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_there(void *user, const pnr_there_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_saved(void *user, const pnr_saved_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

static pnr_status ignore_moved(void *user, const pnr_moved_row *row, pnr_error *err)
{
	(void)user, (void)row, (void)err;
	return PNR_OK;
}

/* Those of report.h. */
static void run_report(pnr_index *index)
{
	const pnr_digest none = digest(9, 9);
	pnr_span span;
	assert_ok(pnr_index_report_span(index, &span, err));
	assert_ok(pnr_index_report_sizes(index, ignore_sized, NULL, err));
	assert_ok(pnr_index_report_entries(index, true, 1, ignore_entry_row, NULL, err));
	assert_ok(pnr_index_report_contents(index, &none, ignore_held, NULL, err));
	assert_ok(pnr_index_report_changes(index, 0, 1, 1, ignore_changed, NULL, err));
	assert_ok(pnr_index_report_remotes(index, ignore_there, NULL, err));
	assert_ok(pnr_index_report_savings(index, ignore_saved, NULL, err));
	assert_ok(pnr_index_report_transfers(index, 1, ignore_moved, NULL, err));
}

static pnr_status ignore_complaint(void *user, const char *table, const char *complaint, pnr_error *err)
{
	(void)user, (void)table, (void)complaint, (void)err;
	return PNR_OK;
}

static pnr_status ignore_package(void *user, const pnr_digest *hash, pnr_error *err)
{
	(void)user, (void)hash, (void)err;
	return PNR_OK;
}

static int no_pulse(void *user)
{
	(void)user;
	return 0;
}

/* Those of fsck.h. */
static void run_fsck(pnr_index *index)
{
	const pnr_digest none = digest(9, 9);
	pnr_blob_row blob;
	pnr_ref_row package;
	int64_t ids[2];
	size_t count;
	uint64_t size;
	bool yes;
	assert_ok(pnr_index_check(index, true, ignore_complaint, no_pulse, NULL, err));
	assert_ok(pnr_index_check(index, false, ignore_complaint, no_pulse, NULL, err));
	assert_ok(pnr_index_check_references(index, ignore_complaint, no_pulse, NULL, err));
	for (pnr_index_rows rows = PNR_ROWS_ENCODINGS; rows <= PNR_ROWS_ARCHIVES; rows++)
		assert_ok(pnr_index_ids(index, rows, 0, ids, 2, &count, err));
	pnr_ignore(pnr_index_encoding_blob(index, 1, &blob, NULL));
	assert_ok(pnr_index_kept_content(index, &size, err));
	assert_ok(pnr_index_blob_packages(index, 1, ignore_package, NULL, err));
	assert_ok(pnr_index_file_known(index, &none, "x", &yes, err));
	pnr_ignore(pnr_index_package_get(index, 1, &package, NULL));
	assert_ok(pnr_index_archive_complete(index, 1, &yes, err));
}

static unsigned count_in_file(const char *path, const char *word)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	unsigned count = 0;
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_ok(pnr_file_read_all(fd, PNR_MIB, &text, path, err));
	(void)close(fd);
	for (const char *at = text.data; (at = strstr(at, word)) != NULL; at++)
		count++;
	return count;
}

/* How many statements the sources define. */
static unsigned statements_defined(void)
{
	unsigned count = 0;
	DIR *dir = opendir(SOURCE_DIR "/src/index");
	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		char path[1024];
		(void)snprintf(path, sizeof path, "%s/%s", SOURCE_DIR "/src/index", entry->d_name);
		if (strstr(entry->d_name, ".c") != NULL)
			count += count_in_file(path, "static const pnr_sql ");
	}
	(void)closedir(dir);
	return count;
}

/* Fails if @sql walks through a whole table. @may_walk: all rows of this one are wanted, or of this subquery. */
static void assert_searches(sqlite3 *db, const char *sql, const char *may_walk)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer explain = PNR_BUFFER_INIT;
	sqlite3_stmt *stmt = NULL;
	pnr_buffer_printf(&explain, "EXPLAIN QUERY PLAN %s", sql);
	if (sqlite3_prepare_v2(db, explain.data, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(stmt, 3);
		if (strncmp(detail, "SCAN ", 5) != 0 || strcmp(detail, "SCAN CONSTANT ROW") == 0)
			continue;
		size_t length = may_walk == NULL ? 0 : strlen(may_walk);
		const char *rest = detail + 5 + length;
		/* Which of its own indexes has all that is wanted is SQLite's to say. */
		if (may_walk == NULL || strncmp(detail + 5, may_walk, length) != 0 ||
		    (rest[0] != '\0' && strstr(rest, " USING COVERING INDEX ") != rest))
			fail_msg("%s\n%s", sql, detail);
	}
	(void)sqlite3_finalize(stmt);
}

static void no_statement_walks_through_a_table(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	unsigned count = 0;
	run_everything(index);
	for (const pnr_statement *s = index->idle; s != NULL; s = s->next) {
		if (strcmp(s->sql->what, "look for the tables") == 0 || strcmp(s->sql->what, "read the version") == 0)
			continue; /* prepared and never run; over some forty rows */
		if (strcmp(s->sql->what, "count") == 0 || strcmp(s->sql->what, "count the log") == 0)
			continue; /* how many of everything there are */
		bool by_time = strstr(s->sql->text, "ORDER BY log.at DESC, log.id DESC LIMIT") != NULL;
		bool in_order = strstr(s->sql->text, "ORDER BY log.id") != NULL ||
		                strstr(s->sql->text, "ORDER BY id DESC LIMIT 1") != NULL ||
		                strstr(s->sql->text, "ORDER BY at DESC LIMIT 1") != NULL;
		bool prefix = strcmp(s->sql->what, "find a package or archive") == 0;
		bool one_row = strcmp(s->sql->what, "find an encoding") == 0;
		bool all_rows = strcmp(s->sql->what, "forget all last packs") == 0;
		bool remotes = strcmp(s->sql->what, "list the remotes") == 0;
		/* Making room looks at all there is, once, or once for each package that goes. */
		const char *room = strcmp(s->sql->what, "measure what is kept") == 0 ? "encoding" :
		                   strcmp(s->sql->what, "find what can be given up") == 0 ? "package" :
		                   strcmp(s->sql->what, "list what was given up last") == 0 ? "evicted_encoding" :
		                   strcmp(s->sql->what, "list what no package needs") == 0 ? "blob" :
		                   strcmp(s->sql->what, "list what a package needs no more") == 0 ? "held" :
		                   strcmp(s->sql->what, "forget the zips of a package") == 0 ? "output_file" :
		                   strcmp(s->sql->what, "forget the packs of a package") == 0 ? "last_pack" :
		                   strcmp(s->sql->what, "read the tags") == 0 ? "tag" :
		                   strcmp(s->sql->what, "read the imports") == 0 ? "imported_archive" :
		                   strcmp(s->sql->what, "find who holds a content") == 0 ? "held" :
		                   strcmp(s->sql->what, "read the versions of an asset") == 0 ? "version" : NULL;
		assert_searches(index->db, s->sql->text,
		                by_time ? "log USING INDEX log_by_time" : in_order ? "log" : prefix ? "named" : one_row ? "(subquery-4)" : all_rows ? "last_pack" :
		                remotes ? "remote USING INDEX sqlite_autoindex_remote_1" : room);
	}
	/* A report and a check look at the whole store. */
	run_report(index);
	run_fsck(index);
	for (const pnr_statement *s = index->idle; s != NULL; s = s->next)
		count++;
	/* Those of a private copy, of who only reads and of older stores are not among them; that which reads one side of two
	   packages and those of a remote's newest are there twice, and that of a check's walk three times. */
	assert_int_equal(count, statements_defined() - 9 + 1 + 2 + 2);
}

static void no_question_to_a_view_walks_through_a_table(void **state)
{
	static const struct {
		const char *sql, *may_walk;
	} questions[] = {
		{ "SELECT * FROM asset_history WHERE path = 'x'", "version" },
		{ "SELECT * FROM package_contents WHERE package_hash = 'x'", NULL },
		{ "SELECT * FROM package_contents WHERE hash = 'x'", NULL },
		{ "SELECT * FROM package_contents WHERE path = 'x'", NULL },
		{ "SELECT * FROM package_changes WHERE entry = 5", "package_changes" },
		{ "SELECT * FROM package_changes WHERE at >= '2026-03' AND (at, entry) >= ('2026-03', 5)", "package_changes" },
		{ "SELECT * FROM package_changes WHERE name = 'x' AND path = 'y'", "package_changes" },
		{ "SELECT * FROM package_list WHERE entry = 5", NULL },
		{ "SELECT * FROM package_list WHERE name = 'x'", NULL },
		{ "SELECT * FROM package_list WHERE package_hash = 'x'", NULL },
		{ "SELECT * FROM package_list LIMIT 5", "log USING INDEX log_by_time" },
		{ "SELECT * FROM package_list WHERE at >= '2026-03' AND at < '2026-04'", NULL },
		{ "SELECT * FROM content_uses WHERE hash = 'x'", "held" },
		{ "SELECT * FROM archive_list WHERE archive_hash = 'x'", "archive_list" },
		{ "SELECT * FROM package_references WHERE package_hash = 'x'", NULL },
		{ "SELECT * FROM package_remotes WHERE package_hash = 'x'", NULL },
		{ "SELECT * FROM tag_list WHERE tag = 'x'", NULL },
		{ "SELECT * FROM blob_usage WHERE hash = 'x'", NULL },
		{ "SELECT * FROM log_text WHERE entry = 5", "escaped" },
		{ "SELECT * FROM remote_missing WHERE remote = 'x' AND package_hash = 'y'", NULL },
		{ "SELECT * FROM transfer WHERE package_hash = 'x'", NULL },
		{ "SELECT * FROM blob WHERE hash >= 'ab12' AND hash < 'ab13'", NULL },
		{ "SELECT * FROM encoding WHERE blob_id = 5", NULL },
		{ "SELECT * FROM package_asset WHERE asset_id = 5", NULL },
	};
	pnr_index *index = ((fixture *)*state)->index;
	for (size_t i = 0; i < PNR_COUNT(questions); i++)
		assert_searches(index->db, questions[i].sql, questions[i].may_walk);
}

/* What queries of schema/README.md walk through whole, and may. */
static const struct walk {
	unsigned query;
	const char *what;
} cookbook_walks[] = {
	/* all of it is asked for */
	{ 11, "log" }, { 12, "log" }, { 14, "tag" }, { 16, "log" }, { 18, "transfer" }, { 19, "log" }, { 20, "path" },
	{ 21, "path" }, { 22, "package" }, { 22, "archive" }, { 22, "blob" }, { 23, "asset" }, { 23, "archive" },
	{ 24, "blob" }, { 28, "log" },
	/* in the order of an index, as far as the first row */
	{ 17, "log" },
	/* what users, notes and CI runs are called has no index: they are looked for once in a year */
	{ 13, "log" },
	/* an inner query's rows, few */
	{ 3, "old" }, { 3, "new" }, { 4, "package_changes" }, { 5, "asset_history" }, { 5, "version" }, { 7, "held" },
	{ 8, "use" }, { 9, "archive_list" }, { 18, "transfer_savings" }, { 20, "asset_paths" }, { 20, "version" },
	{ 21, "asset_paths" }, { 21, "version" }, { 22, "of_packages" }, { 22, "of_archives" }, { 22, "of_blobs" },
	{ 23, "held" }, { 23, "each" }, { 23, "storage_by_type" }, { 25, "version" }, { 27, "escaped" },
	{ 28, "(subquery-1)" }, { 28, "(subquery-3)" },
};

static void ignore_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count, (void)values;
	sqlite3_result_null(context);
}

static void check_walks(sqlite3 *db, unsigned query, const char *sql, bool met[PNR_COUNT(cookbook_walks)])
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer explain = PNR_BUFFER_INIT;
	sqlite3_stmt *stmt = NULL;
	pnr_buffer_printf(&explain, "EXPLAIN QUERY PLAN %s", sql);
	if (sqlite3_prepare_v2(db, explain.data, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("query %u: %s", query, sqlite3_errmsg(db));
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		char what[64];
		const char *detail = (const char *)sqlite3_column_text(stmt, 3);
		if (strcmp(detail, "SCAN CONSTANT ROW") == 0 || sscanf(detail, "SCAN %63s", what) != 1)
			continue;
		bool may = false;
		for (size_t i = 0; i < PNR_COUNT(cookbook_walks); i++)
			if (cookbook_walks[i].query == query && strcmp(cookbook_walks[i].what, what) == 0)
				may = met[i] = true;
		if (!may)
			fail_msg("query %u: %s\n%s", query, detail, sql);
	}
	(void)sqlite3_finalize(stmt);
}

static void no_query_of_the_cookbook_walks_through_a_table_unasked(void **state)
{
	static const char begin[] = "```sql\n", end[] = "```\n";
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer page = PNR_BUFFER_INIT;
	bool met[PNR_COUNT(cookbook_walks)] = { false };
	unsigned query = 0;
	int fd = open(SOURCE_DIR "/schema/README.md", O_RDONLY);
	assert_true(fd >= 0);
	assert_ok(pnr_file_read_all(fd, PNR_MIB, &page, "the page", err));
	(void)close(fd);
	pnr_buffer_puts(&page, "");
	assert_int_equal(sqlite3_create_function(index->db, "sqlar_uncompress", 2, SQLITE_UTF8, NULL, ignore_function, NULL, NULL),
	                 SQLITE_OK);
	for (char *at = page.data, *stop; (at = strstr(at, begin)) != NULL; at = stop + 1) {
		at += sizeof begin - 1;
		stop = strstr(at, end);
		assert_non_null(stop);
		*stop = '\0';
		check_walks(index->db, ++query, at, met);
	}
	assert_true(query >= 20);
	for (size_t i = 0; i < PNR_COUNT(cookbook_walks); i++)
		if (!met[i])
			fail_msg("query %u walks through %s no more", cookbook_walks[i].query, cookbook_walks[i].what);
}

/* -------------------------------------------------------- what is refused -- */

static int stop_now(void *user)
{
	(void)user;
	return 1;
}

static void a_check_of_the_references_can_be_stopped(void **state)
{
	static const unsigned blobs[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	for (unsigned n = 1; n <= 3000; n++)
		(void)put_package(index, n, blobs, PNR_COUNT(blobs));
	assert_ok(pnr_index_commit(index, err));
	assert_ok(pnr_index_check_references(index, ignore_complaint, no_pulse, NULL, err));
	assert_fails(pnr_index_check_references(index, ignore_complaint, stop_now, NULL, err), PNR_CANCELLED, "interrupted");
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
		TEST(no_statement_walks_through_a_table),
		TEST(no_question_to_a_view_walks_through_a_table),
		TEST(no_query_of_the_cookbook_walks_through_a_table_unasked),
		TEST(the_log_is_only_ever_added_to),
		TEST(wrong_values_are_refused),
		TEST(a_history_of_small_changes_stays_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
