#include "index/database.h"
#include "base/clock.h"
#include "base/path.h"
#include "index/schema_text.h"
#include "index/vfs.h"
#include <stdlib.h>

#define BUSY_DEFAULT_MS 30000
/* The first version with the tables of evict.h. */
#define EVICTING_VERSION 4
/* The first version with imported_archive. */
#define IMPORTING_VERSION 5
#define WAL_STEP_MS 5

/* --------------------------------------------------------- transactions -- */

static pnr_status execute(pnr_index *index, const pnr_sql *sql, pnr_error *err)
{
	PNR_CLEANUP(pnr_statement_release) pnr_statement *statement = NULL;
	pnr_status status = pnr_statement_take(index, sql, &statement, err);
	if (status == PNR_OK)
		status = pnr_statement_row(statement, err);
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

pnr_status pnr_index_begin(pnr_index *index, pnr_error *err)
{
	static const pnr_sql begin_sql = { "begin", "BEGIN IMMEDIATE" };
	pnr_index_release(index);
	if (index->read_only)
		return pnr_fail(err, PNR_DENIED, "index: '%s' is open for reading only", index->path);
	return execute(index, &begin_sql, err);
}

pnr_status pnr_index_commit(pnr_index *index, pnr_error *err)
{
	static const pnr_sql commit_sql = { "commit", "COMMIT" };
	if (index->held || sqlite3_get_autocommit(index->db) != 0)
		return pnr_fail(err, PNR_INVALID, "index: commit: no transaction is open");
	pnr_status status = execute(index, &commit_sql, err);
	if (status != PNR_OK)
		pnr_index_rollback(index);
	return status;
}

/* Past the gate: a rollback that does not happen is no fault that the system could make. */
void pnr_index_rollback(pnr_index *index)
{
	index->held = false;
	if (index->db != NULL && sqlite3_get_autocommit(index->db) == 0)
		(void)sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
}

pnr_status pnr_index_hold(pnr_index *index, pnr_error *err)
{
	static const pnr_sql hold_sql = { "hold", "BEGIN" };
	if (sqlite3_get_autocommit(index->db) == 0)
		return PNR_OK;
	pnr_status status = execute(index, &hold_sql, err);
	index->held = status == PNR_OK;
	return status;
}

/* Nothing was written: rolled back or committed is the same. */
void pnr_index_release(pnr_index *index)
{
	if (index->held)
		pnr_index_rollback(index);
}

/* -------------------------------------------------------------- opening -- */

static pnr_status try_wal(pnr_index *index, pnr_error *err)
{
	static const pnr_sql wal_sql = { "turn the write-ahead log on", "PRAGMA journal_mode=WAL" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *wal = NULL;
	pnr_status status = pnr_statement_take(index, &wal_sql, &wal, err);
	if (status == PNR_OK)
		status = pnr_statement_row(wal, err);
	if (status != PNR_OK)
		return status;
	if (sqlite3_stricmp(pnr_column_text(wal, 0), "wal") == 0)
		return PNR_OK;
	return pnr_fail(err, PNR_UNSUPPORTED,
	                "index: the file system of '%s' cannot hold a write-ahead log; keep the store on a local disk: "
	                "set PANNIER_STORE",
	                index->path);
}

/* Others may be at the same: whoever comes second tries until it is done, as for this lock SQLite need not wait. */
static pnr_status use_wal(pnr_index *index, pnr_error *err)
{
	double end = pnr_clock_monotonic() + index->busy_ms / 1e3;
	for (;;) {
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = try_wal(index, &own);
		if (status == PNR_OK)
			return status;
		if (status != PNR_BUSY || pnr_clock_monotonic() >= end)
			return pnr_fail_with(err, &own);
		(void)sqlite3_sleep(WAL_STEP_MS);
	}
}

/* That the tables are there, by name: preparing is enough. Who reads needs what the first version had. */
static pnr_status look(pnr_index *index, pnr_error *err)
{
#define HAS(table) "UNION ALL SELECT 1 FROM " table " "
#define FIRST_TABLES                                                                                    \
	"SELECT 1 FROM blob " HAS("encoding") HAS("path") HAS("asset") HAS("package") HAS("package_asset")    \
	HAS("package_reference") HAS("source_list") HAS("source_list_path") HAS("archive")                     \
	HAS("archive_encoding") HAS("log") HAS("tag") HAS("source_file") HAS("output_file")
	static const pnr_sql reader_sql = { "look for the tables", FIRST_TABLES };
	static const pnr_sql writer_sql = { "look for the tables",
		                            FIRST_TABLES HAS("model_scan") HAS("last_pack") HAS("remote") HAS("remote_blob")
		                            HAS("remote_package") HAS("transfer") HAS("evicted_package")
		                            HAS("evicted_encoding") HAS("imported_archive") };
#undef FIRST_TABLES
#undef HAS
	PNR_CLEANUP(pnr_statement_release) pnr_statement *statement = NULL;
	return pnr_statement_take(index, index->read_only ? &reader_sql : &writer_sql, &statement, err);
}

static pnr_status fail_empty(const pnr_index *index, pnr_error *err)
{
	return pnr_fail(err, PNR_NOT_FOUND, "index: '%s' is empty: nothing was stored yet", index->path);
}

static pnr_status open_writer(pnr_index *index, bool create, pnr_error *err)
{
	pnr_database_kind kind;
	int version = 0;
	int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
	pnr_status status = pnr_index_connect(index, index->path, flags, false, err);
	if (status == PNR_OK)
		status = pnr_index_recognise(index, pnr_schema_version, &kind, err);
	if (status != PNR_OK)
		return status;
	if (kind == PNR_DATABASE_EMPTY && !create)
		return fail_empty(index, err);
	/* SQLite falls back to reading where it may not write. */
	if (sqlite3_db_readonly(index->db, "main") == 1)
		return pnr_fail(err, PNR_DENIED, "index: no permission to write to '%s'", index->path);
	status = pnr_index_run(index, "prepare the connection",
	                       "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA cache_size=-8192", err);
	if (status == PNR_OK)
		status = pnr_index_version(index, &version, err);
	if (status == PNR_OK && version == 0 && !create)
		return fail_empty(index, err);
	if (status == PNR_OK && version != pnr_schema_version)
		status = pnr_index_migrate(index, pnr_schema_migrations, pnr_schema_version, err);
	if (status == PNR_OK)
		status = use_wal(index, err);
	index->evicts = true;
	index->imports = true;
	return status;
}

static pnr_status open_reader(pnr_index *index, pnr_error *err)
{
	int version = 0;
	pnr_status status = pnr_index_open_reader(index, err);
	if (status == PNR_OK)
		status = pnr_index_run(index, "prepare the connection",
		                       "PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA cache_size=-8192", err);
	if (status == PNR_OK)
		status = pnr_index_version(index, &version, err);
	if (status != PNR_OK)
		return status;
	if (version == 0)
		return fail_empty(index, err);
	index->evicts = version >= EVICTING_VERSION;
	index->older = version < pnr_schema_version;
	index->imports = version >= IMPORTING_VERSION;
	/* An older version is read as it is: later ones have added nothing that reading needs. */
	return version > pnr_schema_version ? pnr_index_fail_newer(index, version, pnr_schema_version, err) : PNR_OK;
}

static void cleanup_index(pnr_index **index)
{
	pnr_index_close(*index);
}

pnr_status pnr_index_open(const char *path, const pnr_index_options *options, pnr_index **out_index, pnr_error *err)
{
	PNR_CLEANUP(cleanup_index) pnr_index *index = calloc(1, sizeof *index);
	if (index == NULL)
		return pnr_fail_nomem(err);
	index->read_only = options->read_only;
	index->busy_ms = options->busy_ms == 0 ? BUSY_DEFAULT_MS : options->busy_ms;
	bool create = options->create && !options->read_only;
	pnr_status status = pnr_vfs_register(err);
	if (status == PNR_OK)
		status = pnr_path_absolute(path, &index->path, err);
	if (status == PNR_OK)
		status = pnr_index_check_place(index, create, err);
	if (status == PNR_OK)
		status = index->read_only ? open_reader(index, err) : open_writer(index, create, err);
	if (status == PNR_OK)
		status = look(index, err);
	if (status == PNR_OK)
		*out_index = PNR_STEAL(index);
	return status;
}

void pnr_index_close(pnr_index *index)
{
	if (index == NULL)
		return;
	pnr_index_rollback(index);
	pnr_statement_forget(index);
	/* All statements are gone; what else it reports (a checkpoint that failed) loses nothing. */
	(void)sqlite3_close(index->db);
	free(index->path);
	free(index);
}
