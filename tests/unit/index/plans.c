/* No query walks through a big table: the statements of the index, questions to the views, schema/README.md. */
#include "fixture.h"
#include "index/database.h"
#include "index/evict.h"
#include "index/fsck.h"
#include "index/history.h"
#include "index/remote.h"
#include "index/report.h"
#include <dirent.h>

/* --------------------------------------------------- every statement, run -- */

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
	pnr_remote_row row = { .name = "r", .url = "/mnt/x", .added_ms = 1 };
	pnr_blob_row text;
	pnr_digest text_hash;
	int64_t id = 0;
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_remote_put(index, &row, err));
	id = row.id;
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

/* ------------------------------------------------------------ query plans -- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_statement_walks_through_a_table),
		TEST(no_question_to_a_view_walks_through_a_table),
		TEST(no_query_of_the_cookbook_walks_through_a_table_unasked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
