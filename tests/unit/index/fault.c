/*
 * Every file call and every step fails once, for every one of them: with EIO,
 * with ENOSPC, cut short, and by the death of the process. Afterwards the
 * database is whole, and holds all of the transaction or nothing of it.
 */
#include "../fault.h"
#include "fixture.h"
#include <sqlite3.h>
#include <sys/wait.h>

static bool counts(pnr_file_call call)
{
	if (armed.kind == FAULT_SHORT)
		return call == PNR_CALL_SQL_WRITE;
	if (armed.kind == FAULT_DEATH)
		return call == PNR_CALL_SQL_WRITE || call == PNR_CALL_SQL_SYNC || call == PNR_CALL_SQL_TRUNCATE ||
		       call == PNR_CALL_SQL_DELETE || call == PNR_CALL_SQL_OPEN;
	return true;
}

/* -------------------------------------------------------------- looking -- */

/* A connection that knows nothing of Pannier. */
static sqlite3 *look_at(const char *path)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	return db;
}

static int number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int value = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return value;
}

static void assert_whole(sqlite3 *db)
{
	assert_int_equal(number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check LIMIT 1"), 1);
	assert_int_equal(number(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* ---------------------------------------------------------- the two deeds -- */

static pnr_status create(const char *path, pnr_error *err)
{
	pnr_index *index = NULL;
	pnr_status status = open_at(path, true, false, 1, &index, err);
	pnr_index_close(index);
	return status;
}

/* What pack writes, @number making it another package: blobs, encodings, package, sources, archive, entry, tag. */
static pnr_status put_rows(pnr_index *index, unsigned number, pnr_error *err)
{
	static const char *const paths[] = { "livecalc.config.json", "m.mga", "wasm/a.wasm" };
	pnr_asset_row assets[3];
	int64_t encodings[4], package = 0, sources = 0, head = 0;
	pnr_blob_row blob = { .id = 0 };
	pnr_status status = PNR_OK;
	for (unsigned i = 0; i < 4 && status == PNR_OK; i++) {
		blob = (pnr_blob_row){ .hash = digest(1, number * 10 + i), .size = 6 };
		status = pnr_index_blob_put(index, &blob, err);
		pnr_encoding_row encoding = { .blob_id = blob.id,
			                      .form = "stored",
			                      .encoder = "e",
			                      .stored_hash = digest(1, number * 10 + i),
			                      .stored_size = 6,
			                      .data = "12345" };
		if (status == PNR_OK)
			status = pnr_index_encoding_put(index, &encoding, err);
		encodings[i] = encoding.id;
		if (i < 3)
			assets[i] = (pnr_asset_row){ .position = i, .path = paths[i], .type = "wasm", .source_path = paths[i], .blob_id = blob.id };
	}
	pnr_digest hash = digest(3, number), list = digest(6, number);
	if (status == PNR_OK)
		status = pnr_index_package_put(index, &hash, 1, assets, 3, NULL, 0, &package, err);
	if (status == PNR_OK)
		status = pnr_index_sources_put(index, &list, assets, 3, &sources, err);
	pnr_archive_row archive = { .package_id = package,
		                    .sources_id = sources,
		                    .options = "{}",
		                    .manifest_blob_id = blob.id,
		                    .archive_hash = digest(4, number) };
	if (status == PNR_OK)
		status = pnr_index_archive_put(index, &archive, encodings, 4, err);
	pnr_log_row entry = { .event = "pack", .package_id = package, .archive_id = archive.id, .entry_hash = digest(5, number) };
	if (status == PNR_OK)
		status = pnr_index_log_head(index, &head, &entry.previous_hash, err);
	if (status == PNR_OK)
		status = pnr_index_log_put(index, &entry, err);
	if (status == PNR_OK)
		status = pnr_index_tag_put(index, "tag", package, archive.id, 1, true, err);
	return status;
}

static pnr_status put(pnr_index *index, unsigned number, pnr_error *err)
{
	pnr_status status = pnr_index_begin(index, err);
	if (status != PNR_OK)
		return status;
	status = put_rows(index, number, err);
	if (status == PNR_OK)
		return pnr_index_commit(index, err);
	pnr_index_rollback(index);
	return status;
}

/* -------------------------------------------------------------- creating -- */

static void check_failure(fault kind, unsigned target, pnr_status status, const pnr_error *failure)
{
	if (status == PNR_OK)
		return;
	const char *call = pnr_file_call_name(armed.hit);
	if (!armed.triggered)
		fail_msg("failed without a fault: %s", failure->message);
	if (failure->status != status || strstr(failure->message, "index: ") == NULL)
		fail_msg("fault %u, %s: says '%s'", target, call, failure->message);
	if (status != (kind == FAULT_EIO ? PNR_IO : PNR_FULL))
		fail_msg("fault %u, %s: %s: %s", target, call, pnr_status_name(status), failure->message);
}

/* In a process of its own if it has to die. */
static pnr_status create_armed(const char *path, fault kind, unsigned target, pnr_error *err)
{
	pid_t child = kind == FAULT_DEATH ? fork() : 0;
	if (child == 0) {
		arm(kind, target);
		pnr_status status = create(path, err);
		pnr_file_gate_hook = NULL;
		if (kind == FAULT_DEATH)
			_exit(1); /* it lived */
		return status;
	}
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	armed.triggered = WIFEXITED(how) && WEXITSTATUS(how) == 0;
	return PNR_OK;
}

/* True if the fault was met. */
static bool create_with(fault kind, unsigned target)
{
	fixture f = { .index = NULL };
	pnr_error failure = PNR_ERROR_INIT, again = PNR_ERROR_INIT;
	make_dir(&f);
	check_failure(kind, target, create_armed(f.path, kind, target, &failure), &failure);
	if (create(f.path, &again) != PNR_OK)
		fail_msg("after fault %u (%s): %s", target, failure.message, again.message);
	sqlite3 *db = look_at(f.path);
	assert_whole(db);
	(void)sqlite3_close(db);
	assert_ok(pnr_file_remove_tree(AT_FDCWD, f.dir, err));
	return armed.triggered;
}

static void creating_survives_every_fault(void **state)
{
	(void)state;
	unsigned faults = 0;
	for (int kind = FAULT_DEATH; kind < FAULT_KINDS; kind++)
		for (unsigned target = 1; create_with((fault)kind, target); target++)
			faults++;
	print_message("%u faults injected into creating\n", faults);
	assert_true(faults > 100);
}

/* --------------------------------------------------------------- putting -- */

static void copy_file(const char *from, const char *to)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	assert_true(in >= 0 && out >= 0);
	assert_ok(pnr_file_read_all(in, PNR_MIB, &content, from, err));
	assert_ok(pnr_file_write(out, content.data, content.length, to, err));
	(void)close(in);
	(void)close(out);
}

/* Opens, puts, closes; with the gate armed. *out_committed: the commit said so. */
static pnr_status put_armed(const char *path, fault kind, unsigned target, bool *out_committed, pnr_error *err)
{
	pnr_index *index = NULL;
	arm(kind, target);
	pnr_status status = open_at(path, false, false, 1, &index, err);
	if (status == PNR_OK)
		status = put(index, 2, err);
	*out_committed = status == PNR_OK;
	if (status != PNR_OK && index != NULL) {
		/* The handle is as good as before. */
		pnr_error after = PNR_ERROR_INIT;
		pnr_file_gate_hook = NULL;
		if (put(index, 3, &after) != PNR_OK)
			fail_msg("on the same handle after %s: %s", err->message, after.message);
		pnr_file_gate_hook = gate_fault;
	}
	pnr_index_close(index);
	pnr_file_gate_hook = NULL;
	return status;
}

static pnr_status put_armed_apart(const char *path, unsigned target, bool *out_committed)
{
	pnr_error err = PNR_ERROR_INIT;
	pid_t child = fork();
	if (child == 0) {
		bool committed = false;
		pnr_ignore(put_armed(path, FAULT_DEATH, target, &committed, &err));
		_exit(1);
	}
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	armed.triggered = WIFEXITED(how) && WEXITSTATUS(how) == 0;
	*out_committed = !armed.triggered;
	return PNR_OK;
}

#define ROWS_OF(number)                                                                                  \
	"SELECT (SELECT count(*) FROM package WHERE id = " number ") + (SELECT count(*) FROM archive WHERE id = " number \
	") + (SELECT count(*) FROM package_asset WHERE package_id = " number ")" \
	" + (SELECT count(*) FROM archive_encoding WHERE archive_id = " number ")" \
	" + (SELECT count(*) FROM log WHERE package_id = " number ") + (SELECT count(*) FROM source_list_path WHERE list_id = " number ")"
#define ALL_ROWS (1 + 1 + 3 + 4 + 1 + 3)

static bool put_with(const char *template, const char *path, fault kind, unsigned target)
{
	pnr_error failure = PNR_ERROR_INIT;
	bool committed = false;
	copy_file(template, path);
	pnr_status status = kind == FAULT_DEATH ? put_armed_apart(path, target, &committed)
	                                        : put_armed(path, kind, target, &committed, &failure);
	check_failure(kind, target, status, &failure);
	sqlite3 *db = look_at(path);
	assert_whole(db);
	assert_int_equal(number(db, ROWS_OF("1")), ALL_ROWS);
	int rows = number(db, ROWS_OF("2"));
	if (rows != ALL_ROWS && (rows != 0 || committed))
		fail_msg("fault %u at %s (%s): %d rows of %d", target, pnr_file_call_name(armed.hit), failure.message,
		         rows, ALL_ROWS);
	assert_int_equal(number(db, "SELECT count(*) FROM blob"), 4 * number(db, "SELECT count(*) FROM package"));
	(void)sqlite3_close(db);
	return armed.triggered;
}

static void putting_is_all_or_nothing_at_every_fault(void **state)
{
	(void)state;
	fixture f = { .index = NULL };
	unsigned faults = 0;
	char copy[640];
	make_dir(&f);
	(void)snprintf(copy, sizeof copy, "%s/copy.db", f.dir);
	assert_ok(open_at(f.path, true, false, 0, &f.index, err));
	assert_ok(put(f.index, 1, err));
	pnr_index_close(f.index);
	for (int kind = FAULT_DEATH; kind < FAULT_KINDS; kind++)
		for (unsigned target = 1; put_with(f.path, copy, (fault)kind, target); target++)
			faults++;
	print_message("%u faults injected into putting\n", faults);
	assert_true(faults > 100);
	assert_ok(pnr_file_remove_tree(AT_FDCWD, f.dir, err));
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(creating_survives_every_fault),
		TEST(putting_is_all_or_nothing_at_every_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
