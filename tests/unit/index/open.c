/* Opening: what becomes a database, what is refused and left alone, who may write. */
#include "fixture.h"
#include "index/database.h"
#include "index/remote.h"
#include "index/schema_text.h"
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ----------------------------------------------------------- raw access -- */

static sqlite3 *raw_open(const char *path)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void raw_run(const char *path, const char *sql)
{
	sqlite3 *db = raw_open(path);
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	(void)sqlite3_close(db);
}

static void raw_text(const char *path, const char *sql, char out[256])
{
	sqlite3 *db = raw_open(path);
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	(void)snprintf(out, 256, "%s", (const char *)sqlite3_column_text(stmt, 0));
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
}

static void write_file(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void read_whole(const char *path, pnr_buffer *out)
{
	int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_ok(pnr_file_read_all(fd, PNR_MIB, out, path, err));
	(void)close(fd);
}

static int count_name(void *user, const char *name)
{
	(void)name;
	++*(unsigned *)user;
	return 0;
}

static unsigned files_in(const char *dir)
{
	unsigned count = 0;
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_ok(pnr_file_list(fd, dir, count_name, &count, err));
	(void)close(fd);
	return count;
}

/* Opening @f->path in every way is refused with @status and @text, and changes nothing. */
static void assert_refused(const fixture *f, pnr_status status, const char *text)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer before = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer after = PNR_BUFFER_INIT;
	pnr_index *index = NULL;
	unsigned files = files_in(f->dir);
	read_whole(f->path, &before);
	assert_fails(open_at(f->path, true, false, 1, &index, err), status, text);
	assert_fails(open_at(f->path, false, false, 1, &index, err), status, text);
	assert_fails(open_at(f->path, false, true, 1, &index, err), status, text);
	assert_null(index);
	read_whole(f->path, &after);
	assert_int_equal(before.length, after.length);
	if (before.length > 0)
		assert_memory_equal(before.data, after.data, before.length);
	assert_int_equal(files_in(f->dir), files);
}

/* ------------------------------------------------------------- creating -- */

static void a_new_database_carries_our_marks(void **state)
{
	const fixture *f = *state;
	char text[256];
	assert_ok(open_at(f->path, true, false, 0, &((fixture *)*state)->index, err));
	raw_text(f->path, "PRAGMA application_id", text);
	assert_string_equal(text, "1886285426");
	raw_text(f->path, "PRAGMA user_version", text);
	assert_string_equal(text, "5");
	raw_text(f->path, "PRAGMA journal_mode", text);
	assert_string_equal(text, "wal");
	raw_text(f->path, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
	                  " AND name NOT LIKE 'sqlite_%'", text);
	assert_string_equal(text, "0");
}

static void a_database_that_is_not_there_is_made_only_when_asked_to(void **state)
{
	const fixture *f = *state;
	pnr_index *index = NULL;
	assert_fails(open_at(f->path, false, false, 0, &index, err), PNR_NOT_FOUND, f->path);
	assert_fails(open_at(f->path, false, true, 0, &index, err), PNR_NOT_FOUND, f->path);
	assert_fails(open_at(f->path, true, true, 0, &index, err), PNR_NOT_FOUND, f->path);
	assert_int_equal(files_in(f->dir), 0);
	char below[700];
	(void)snprintf(below, sizeof below, "%s/no/pannier.db", f->dir);
	assert_fails(open_at(below, true, false, 0, &index, err), PNR_NOT_FOUND, "/no");
}

static void an_empty_file_becomes_a_database_only_when_asked_to(void **state)
{
	fixture *f = *state;
	write_file(f->path, "", 0);
	assert_fails(open_at(f->path, false, false, 0, &f->index, err), PNR_NOT_FOUND, "nothing was stored");
	assert_fails(open_at(f->path, false, true, 0, &f->index, err), PNR_NOT_FOUND, "nothing was stored");
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
}

static void a_database_without_any_table_is_as_good_as_an_empty_file(void **state)
{
	fixture *f = *state;
	raw_run(f->path, "PRAGMA journal_mode=WAL; VACUUM");
	assert_fails(open_at(f->path, false, false, 0, &f->index, err), PNR_NOT_FOUND, "nothing was stored");
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
}

static void a_name_may_hold_what_a_uri_may_not(void **state)
{
	fixture *f = *state;
	char path[700];
	struct stat st;
	(void)snprintf(path, sizeof path, "%s/a b?c#d%%41&immutable=1", f->dir);
	assert_ok(open_at(path, true, false, 0, &f->index, err));
	assert_int_equal(stat(path, &st), 0);
	pnr_index_close(f->index);
	f->index = NULL;
	assert_ok(open_at(path, false, true, 0, &f->index, err));
}

static void a_relative_path_stays_right_when_the_folder_changes(void **state)
{
	fixture *f = *state;
	int here = open(".", O_RDONLY | O_DIRECTORY);
	assert_true(here >= 0);
	assert_int_equal(chdir(f->dir), 0);
	assert_ok(open_at("pannier.db", true, false, 0, &f->index, err));
	assert_int_equal(fchdir(here), 0);
	(void)close(here);
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	assert_ok(pnr_index_commit(f->index, err));
}

static void a_link_is_followed_to_its_target(void **state)
{
	fixture *f = *state;
	char dir[600], link[700], beside[720], wal[720];
	struct stat st;
	(void)snprintf(dir, sizeof dir, "%s/other", f->dir);
	(void)snprintf(link, sizeof link, "%s/link.db", dir);
	(void)snprintf(beside, sizeof beside, "%s-wal", link);
	(void)snprintf(wal, sizeof wal, "%s-wal", f->path);
	assert_int_equal(mkdir(dir, 0777), 0);
	assert_int_equal(symlink(f->path, link), 0);
	assert_fails(open_at(link, false, false, 0, &f->index, err), PNR_NOT_FOUND, "link.db");
	assert_ok(open_at(link, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	assert_ok(open_at(link, false, false, 0, &f->index, err));
	assert_string_equal(f->index->path, f->path);
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	assert_ok(pnr_index_commit(f->index, err));
	assert_int_equal(stat(wal, &st), 0);
	assert_int_not_equal(stat(beside, &st), 0);
}

static void a_name_too_long_for_sqlite_is_refused(void **state)
{
	fixture *f = *state;
	char path[1200];
	memset(path, 'x', sizeof path);
	(void)snprintf(path, 600, "%s/", f->dir);
	path[strlen(path)] = 'x';
	path[600] = '\0';
	assert_fails(open_at(path, true, false, 0, &f->index, err), PNR_INVALID, "longer than");
}

/* --------------------------------------------------------- what is not ours -- */

static void a_text_file_is_refused_and_left_alone(void **state)
{
	fixture *f = *state;
	static const char text[] = "This is not a database, but a text that is longer than the header of one would "
	                           "be, so that nobody can say that it is cut off.\n";
	write_file(f->path, text, sizeof text - 1);
	assert_refused(f, PNR_CORRUPT, "not a Pannier database");
	write_file(f->path, text, 5);
	assert_refused(f, PNR_CORRUPT, "not a Pannier database");
}

static void a_database_of_others_is_refused_and_left_alone(void **state)
{
	fixture *f = *state;
	raw_run(f->path, "CREATE TABLE t(x)");
	assert_refused(f, PNR_CORRUPT, "not a Pannier database");
	raw_run(f->path, "PRAGMA application_id = 42");
	assert_refused(f, PNR_CORRUPT, "not a Pannier database");
	raw_run(f->path, "PRAGMA journal_mode = WAL");
	assert_refused(f, PNR_CORRUPT, "not a Pannier database");
}

static void a_new_database_of_others_is_refused_while_they_write_it(void **state)
{
	fixture *f = *state;
	sqlite3 *db = raw_open(f->path);
	assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode=WAL; CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
	assert_fails(open_at(f->path, true, false, 0, &f->index, err), PNR_CORRUPT, "not a Pannier database");
	(void)sqlite3_close(db);
	assert_refused(f, PNR_CORRUPT, "not a Pannier database");
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	raw_run(f->path, "PRAGMA user_version = 7");
	assert_refused(f, PNR_UNSUPPORTED, "has version 7, this Pannier knows versions up to 5");
}

static void a_newer_database_is_seen_in_its_log_too(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	sqlite3 *db = raw_open(f->path);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL), SQLITE_OK);
	pnr_index *second = NULL;
	assert_fails(open_at(f->path, false, false, 0, &second, err), PNR_UNSUPPORTED, "version 7");
	assert_fails(open_at(f->path, false, true, 0, &second, err), PNR_UNSUPPORTED, "version 7");
	(void)sqlite3_close(db);
}

static void what_is_no_file_is_refused(void **state)
{
	fixture *f = *state;
	assert_fails(open_at(f->dir, true, false, 0, &f->index, err), PNR_CORRUPT, "not a regular file");
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_fails(open_at(f->path, true, false, 0, &f->index, err), PNR_CORRUPT, "not a regular file");
}

static void a_database_without_one_of_its_tables_is_corrupt(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	for (unsigned i = 0; i < 30; i++) {
		char name[256], sql[512];
		(void)snprintf(sql, sizeof sql, "SELECT coalesce((SELECT name FROM sqlite_schema WHERE type = 'table'"
		               " AND name NOT LIKE 'sqlite~_%%' ESCAPE '~' ORDER BY name LIMIT 1 OFFSET %u), '')", i);
		raw_text(f->path, sql, name);
		if (name[0] == '\0') {
			assert_int_equal(i, 24);
			break;
		}
		(void)snprintf(sql, sizeof sql, "PRAGMA legacy_alter_table=ON; ALTER TABLE %s RENAME TO zz_away", name);
		raw_run(f->path, sql);
		assert_fails(open_at(f->path, false, false, 0, &f->index, err), PNR_CORRUPT, name);
		(void)snprintf(sql, sizeof sql, "PRAGMA legacy_alter_table=ON; ALTER TABLE zz_away RENAME TO %s", name);
		raw_run(f->path, sql);
	}
	assert_ok(open_at(f->path, false, false, 0, &f->index, err));
}

static void damage_is_reported_as_corruption(void **state)
{
	fixture *f = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	read_whole(f->path, &content);
	assert_true(content.length > 8192);
	/* All but the header: the schema first of all. */
	memset(content.data + 100, 0xa5, content.length - 100);
	write_file(f->path, content.data, content.length);
	assert_fails(open_at(f->path, false, false, 0, &f->index, err), PNR_CORRUPT, "malformed");
	write_file(f->path, content.data, 50);
	assert_fails(open_at(f->path, false, false, 0, &f->index, err), PNR_CORRUPT, "not a Pannier database");
}

static void a_hash_that_is_none_is_corruption(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_package(f->index, 1, NULL, 0);
	int64_t package = put_package(f->index, 2, NULL, 0);
	(void)put_log(f->index, package, 0, "x", 1);
	assert_ok(pnr_index_commit(f->index, err));
	raw_run(f->path, "PRAGMA ignore_check_constraints=ON; UPDATE package SET package_hash = 'abcdXYZ' WHERE id = 2");
	pnr_ref_row ref;
	assert_fails(pnr_index_ref_latest(f->index, NULL, 0, &ref, err), PNR_CORRUPT, "does not allow");
}

static void data_of_another_size_than_recorded_is_corruption(void **state)
{
	fixture *f = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_encoding_row row = { .form = "zlib", .encoder = "e", .stored_size = 4, .data = "abcd" }, found = { .id = 77 };
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	assert_ok(pnr_index_begin(f->index, err));
	row.blob_id = put_blob(f->index, 1);
	assert_ok(pnr_index_encoding_put(f->index, &row, err));
	assert_ok(pnr_index_commit(f->index, err));
	raw_run(f->path, "PRAGMA ignore_check_constraints=ON; UPDATE encoding SET stored_size = 4000");
	assert_fails(pnr_index_encoding_get(f->index, row.id, &arena, &found, err), PNR_CORRUPT, "does not allow");
	assert_int_equal(found.id, 77);
}

static void network_file_systems_are_known_by_name(void **state)
{
	(void)state;
	assert_string_equal(pnr_index_network_name(0x6969), "NFS");
	assert_string_equal(pnr_index_network_name((long)0xfe534d42), "SMB");
	/* As a 32-bit kernel, or one that extends the sign, reports it. */
	assert_string_equal(pnr_index_network_name((long)(int32_t)0xff534d42), "CIFS");
	assert_null(pnr_index_network_name(0xef53));
	assert_null(pnr_index_network_name(0x01021994));
}

/* ----------------------------------------------------------- migrations -- */

static const char *const two_steps[] = {
	"PRAGMA application_id = 0x706e6e72; CREATE TABLE one(x) STRICT; PRAGMA user_version = 1",
	"ALTER TABLE one ADD COLUMN y; PRAGMA user_version = 2",
};

/* A connection as pnr_index_open makes it, without the rest. */
static pnr_index *bare(fixture *f)
{
	pnr_index *index = calloc(1, sizeof *index);
	assert_non_null(index);
	index->path = strdup(f->path);
	index->busy_ms = 1;
	f->index = index;
	assert_ok(pnr_index_connect(index, f->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, false, err));
	return index;
}

static void migrations_run_in_order_from_where_the_database_is(void **state)
{
	static const char *const first[] = { "PRAGMA application_id = 0x706e6e72; CREATE TABLE one(x INT) STRICT;"
		                             "INSERT INTO one VALUES (5); PRAGMA user_version = 1" };
	static const char *const both[] = { "CREATE TABLE never(x)", "ALTER TABLE one ADD COLUMN y INT;"
		                            "UPDATE one SET y = x + 1; PRAGMA user_version = 2;\n-- the end\n" };
	fixture *f = *state;
	pnr_index *index = bare(f);
	int version = -1;
	assert_ok(pnr_index_version(index, &version, err));
	assert_int_equal(version, 0);
	assert_ok(pnr_index_migrate(index, first, 1, err));
	assert_ok(pnr_index_version(index, &version, err));
	assert_int_equal(version, 1);
	assert_ok(pnr_index_migrate(index, both, 2, err));
	assert_ok(pnr_index_migrate(index, both, 2, err));
	assert_ok(pnr_index_version(index, &version, err));
	assert_int_equal(version, 2);
	char text[256];
	raw_text(f->path, "SELECT y FROM one", text);
	assert_string_equal(text, "6");
	assert_fails(pnr_index_migrate(index, first, 1, err), PNR_UNSUPPORTED, "has version 2");
}

static void a_migration_that_fails_changes_nothing(void **state)
{
	fixture *f = *state;
	char text[256];
	pnr_index *index = bare(f);
	assert_fails(pnr_index_migrate(index, two_steps, 2, err), PNR_IO, "migration 1");
	int version = -1;
	assert_ok(pnr_index_version(index, &version, err));
	assert_int_equal(version, 0);
	static const char *const good_then_bad[] = {
		"PRAGMA application_id = 0x706e6e72; CREATE TABLE one(x INT) STRICT; PRAGMA user_version = 1",
		"CREATE TABLE two(x INT) STRICT; CREATE TABLE one(x INT); PRAGMA user_version = 2"
	};
	assert_fails(pnr_index_migrate(index, good_then_bad, 2, err), PNR_IO, "migration 2");
	raw_text(f->path, "SELECT count(*) FROM sqlite_schema", text);
	assert_string_equal(text, "0");
	static const char *const forgetful[] = { "CREATE TABLE one(x INT) STRICT" };
	assert_fails(pnr_index_migrate(index, forgetful, 1, err), PNR_CORRUPT, "migration 1");
	static const char *const leaping[] = { "PRAGMA application_id = 0x706e6e72; PRAGMA user_version = 3" };
	assert_fails(pnr_index_migrate(index, leaping, 1, err), PNR_INVALID, "sets user_version 3");
	raw_text(f->path, "SELECT count(*) FROM sqlite_schema", text);
	assert_string_equal(text, "0");
}

static void the_schema_is_one_migration_a_version(void **state)
{
	(void)state;
	assert_int_equal(pnr_schema_version, 5);
	for (int i = 0; i < pnr_schema_version; i++) {
		char last[64];
		(void)snprintf(last, sizeof last, "PRAGMA user_version = %d;\n", i + 1);
		const char *text = pnr_schema_migrations[i];
		assert_true(strlen(text) > strlen(last));
		assert_string_equal(text + strlen(text) - strlen(last), last);
	}
}

static void an_older_database_is_brought_forward_when_it_is_opened_for_writing(void **state)
{
	fixture *f = *state;
	pnr_index *old = bare(f);
	pnr_blob_row row = { .hash = digest(1, 1), .size = 1 }, found;
	char text[256];
	assert_ok(pnr_index_migrate(old, pnr_schema_migrations, 1, err));
	assert_ok(pnr_index_begin(old, err));
	assert_ok(pnr_index_blob_put(old, &row, err));
	assert_ok(pnr_index_commit(old, err));
	pnr_index_close(old);
	f->index = NULL;
	/* Whoever may only read it needs nobody else to do that. */
	assert_ok(open_at(f->path, false, true, 0, &f->index, err));
	assert_ok(pnr_index_blob_find(f->index, &row.hash, &found, err));
	/* What it lacks is no damage. */
	assert_fails(pnr_index_remote_list(f->index, NULL, NULL, err), PNR_UNSUPPORTED,
	             "is of an older version, which did not keep this; open it for writing once");
	pnr_index_close(f->index);
	f->index = NULL;
	raw_text(f->path, "PRAGMA user_version", text);
	assert_string_equal(text, "1");
	assert_ok(open_at(f->path, false, false, 0, &f->index, err));
	assert_ok(pnr_index_blob_find(f->index, &row.hash, &found, err));
	assert_int_equal(found.id, row.id);
	raw_text(f->path, "PRAGMA user_version", text);
	assert_string_equal(text, "5");
}

/* -------------------------------------------------------------- reading -- */

static void a_reader_sees_what_is_written_meanwhile_and_writes_nothing(void **state)
{
	fixture *f = *state;
	pnr_index *reader = NULL;
	pnr_blob_row row = { .hash = digest(1, 1) }, found;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	assert_ok(open_at(f->path, false, true, 0, &reader, err));
	assert_ok(pnr_index_begin(f->index, err));
	assert_ok(pnr_index_blob_put(f->index, &row, err));
	assert_fails(pnr_index_blob_find(reader, &row.hash, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_commit(f->index, err));
	assert_ok(pnr_index_blob_find(reader, &row.hash, &found, err));
	assert_fails(pnr_index_begin(reader, err), PNR_DENIED, "for reading only");
	assert_fails(pnr_index_blob_put(reader, &row, err), PNR_DENIED, "for reading only");
	pnr_index_close(reader);
}

/* The rest of the checks need someone who is not root. */
typedef int (*child_fn)(const fixture *f);

/* The exit status of @fn in a process without privileges; it must not use cmocka's asserts. */
static int unprivileged(const fixture *f, child_fn fn)
{
	pid_t child = fork();
	if (child == 0) {
		bool dropped = geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0);
		_exit(dropped ? fn(f) : 99);
	}
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	return WEXITSTATUS(how);
}

/* 0: blob 1 is there. */
static int read_blob(const fixture *f)
{
	pnr_index *index = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_blob_row found;
	pnr_digest hash = digest(1, 1);
	(void)setenv("TMPDIR", f->dir, 1);
	pnr_status status = open_at(f->path, false, true, 1, &index, &err);
	/* Its folder cannot be written: the copy must go where others can write. */
	if (status == PNR_OK)
		return 50;
	(void)unsetenv("TMPDIR");
	err = (pnr_error)PNR_ERROR_INIT;
	status = open_at(f->path, false, true, 1, &index, &err);
	if (status == PNR_OK)
		status = pnr_index_blob_find(index, &hash, &found, &err);
	if (status != PNR_OK)
		(void)fprintf(stderr, "%s\n", err.message);
	pnr_index_close(index);
	return (int)status;
}

static int write_blob(const fixture *f)
{
	pnr_index *index = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = open_at(f->path, true, false, 1, &index, &err);
	pnr_index_close(index);
	return (int)status;
}

/* Others may search and read, nobody may write. */
static void lock_away(const fixture *f)
{
	assert_int_equal(chmod(f->path, 0444), 0);
	assert_int_equal(chmod(f->dir, 0555), 0);
}

static void a_store_in_a_folder_that_cannot_be_written_is_read_from_a_copy(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	assert_ok(pnr_index_commit(f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	assert_int_equal(files_in(f->dir), 1);
	lock_away(f);
	assert_int_equal(unprivileged(f, read_blob), PNR_OK);
	assert_int_equal(unprivileged(f, write_blob), PNR_DENIED);
	assert_int_equal(files_in(f->dir), 1);
	assert_int_equal(chmod(f->dir, 0777), 0);
}

static void such_a_copy_holds_what_is_only_in_the_write_ahead_log(void **state)
{
	fixture *f = *state;
	char wal[640];
	struct stat st;
	(void)snprintf(wal, sizeof wal, "%s-wal", f->path);
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	assert_ok(pnr_index_commit(f->index, err));
	/* Still open: nothing has moved the row out of the log. */
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size > 0);
	lock_away(f);
	assert_int_equal(chmod(wal, 0444), 0);
	assert_int_equal(unprivileged(f, read_blob), PNR_OK);
	assert_int_equal(chmod(f->dir, 0777), 0);
}

static int open_unreadable(const fixture *f)
{
	pnr_index *index = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status read = open_at(f->path, false, true, 1, &index, &err);
	if (read != PNR_DENIED || strstr(err.message, "Permission denied") == NULL) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	err = (pnr_error)PNR_ERROR_INIT;
	pnr_status write = open_at(f->path, false, false, 1, &index, &err);
	return write != PNR_DENIED;
}

static void a_store_without_permission_is_denied(void **state)
{
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	pnr_index_close(f->index);
	f->index = NULL;
	assert_int_equal(chmod(f->path, 0), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(unprivileged(f, open_unreadable), 0);
}

/* --------------------------------------------------------------- locks -- */

static int try_to_write(const fixture *f)
{
	pnr_index *index = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = open_at(f->path, false, false, 1, &index, &err);
	if (status == PNR_OK)
		status = pnr_index_begin(index, &err);
	bool named = strstr(err.message, "another process is writing") != NULL && strstr(err.message, f->path) != NULL;
	pnr_index_close(index);
	return status == PNR_BUSY && named ? 0 : 1;
}

static void opening_once_more_keeps_the_locks_of_this_process(void **state)
{
	fixture *f = *state;
	pnr_index *second = NULL;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(chmod(f->path, 0666), 0);
	assert_ok(pnr_index_begin(f->index, err));
	(void)put_blob(f->index, 1);
	assert_ok(open_at(f->path, false, false, 1, &second, err));
	assert_fails(pnr_index_begin(second, err), PNR_BUSY, "another process is writing");
	pnr_index_close(second);
	pid_t child = fork();
	if (child == 0)
		_exit(try_to_write(f));
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), 0);
	assert_ok(pnr_index_commit(f->index, err));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_database_carries_our_marks),
		TEST(a_database_that_is_not_there_is_made_only_when_asked_to),
		TEST(an_empty_file_becomes_a_database_only_when_asked_to),
		TEST(a_database_without_any_table_is_as_good_as_an_empty_file),
		TEST(a_name_may_hold_what_a_uri_may_not),
		TEST(a_relative_path_stays_right_when_the_folder_changes),
		TEST(a_link_is_followed_to_its_target),
		TEST(a_name_too_long_for_sqlite_is_refused),
		TEST(a_text_file_is_refused_and_left_alone),
		TEST(a_database_of_others_is_refused_and_left_alone),
		TEST(a_new_database_of_others_is_refused_while_they_write_it),
		TEST(a_newer_database_is_refused_and_left_alone),
		TEST(a_newer_database_is_seen_in_its_log_too),
		TEST(what_is_no_file_is_refused),
		TEST(a_database_without_one_of_its_tables_is_corrupt),
		TEST(damage_is_reported_as_corruption),
		TEST(a_hash_that_is_none_is_corruption),
		TEST(data_of_another_size_than_recorded_is_corruption),
		TEST(network_file_systems_are_known_by_name),
		TEST(migrations_run_in_order_from_where_the_database_is),
		TEST(a_migration_that_fails_changes_nothing),
		TEST(the_schema_is_one_migration_a_version),
		TEST(an_older_database_is_brought_forward_when_it_is_opened_for_writing),
		TEST(a_reader_sees_what_is_written_meanwhile_and_writes_nothing),
		TEST(a_store_in_a_folder_that_cannot_be_written_is_read_from_a_copy),
		TEST(such_a_copy_holds_what_is_only_in_the_write_ahead_log),
		TEST(a_store_without_permission_is_denied),
		TEST(opening_once_more_keeps_the_locks_of_this_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
