/* What a database is, and how it becomes ours: recognised by its header, migrated in one transaction. */
#include "index/database.h"
#include "index/schema_text.h"
#include <string.h>

/* Where things are in the first page: https://sqlite.org/fileformat2.html, sections 1.3 and 1.6. */
#define HEADER_SIZE 108
#define HEADER_USER_VERSION 60
#define HEADER_APPLICATION_ID 68
#define HEADER_SCHEMA_KIND 100
#define HEADER_SCHEMA_ROWS 103
#define SCHEMA_KIND_LEAF 0x0d

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static pnr_status fail_foreign(const pnr_index *index, pnr_error *err)
{
	return pnr_fail(err, PNR_CORRUPT, "index: '%s' is not a Pannier database; it was left as it is", index->path);
}

pnr_status pnr_index_fail_newer(const pnr_index *index, int version, int newest, pnr_error *err)
{
	return pnr_fail(err, PNR_UNSUPPORTED,
	                "index: '%s' has version %d, this Pannier knows versions up to %d; use a newer one",
	                index->path, version, newest);
}

/*
 * A crashed creator leaves a journal, and until it is rolled back the file may
 * hold anything. Looked for before the header is read: a header without a
 * journal before it is a true one.
 */
static pnr_status has_journal(pnr_index *index, bool *out_has, pnr_error *err)
{
	sqlite3_vfs *vfs = NULL;
	int found = 0;
	int rc = sqlite3_file_control(index->db, "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
	if (rc == SQLITE_OK)
		rc = vfs->xAccess(vfs, sqlite3_filename_journal(sqlite3_db_filename(index->db, "main")),
		                  SQLITE_ACCESS_EXISTS, &found);
	if (rc != SQLITE_OK)
		return pnr_index_fail(index, rc, "look for a journal", err);
	*out_has = found != 0;
	return PNR_OK;
}

/*
 * Through SQLite's own descriptor: to open and close the file once more would
 * drop the locks that other connections of this process hold on it.
 */
static pnr_status read_header(pnr_index *index, unsigned char header[HEADER_SIZE], sqlite3_int64 *out_size,
                              pnr_error *err)
{
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(index->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xFileSize(file, out_size);
	if (rc == SQLITE_OK && *out_size >= HEADER_SIZE)
		rc = file->pMethods->xRead(file, header, HEADER_SIZE, 0);
	return rc == SQLITE_OK ? PNR_OK : pnr_index_fail(index, rc, "read the header", err);
}

pnr_status pnr_index_recognise(pnr_index *index, int newest, pnr_database_kind *out_kind, pnr_error *err)
{
	bool journal = false;
	unsigned char header[HEADER_SIZE] = { 0 };
	sqlite3_int64 size = 0;
	pnr_status status = has_journal(index, &journal, err);
	if (status == PNR_OK)
		status = read_header(index, header, &size, err);
	if (status != PNR_OK)
		return status;
	uint32_t id = big_endian(header + HEADER_APPLICATION_ID);
	int version = (int)big_endian(header + HEADER_USER_VERSION);
	bool no_tables = header[HEADER_SCHEMA_KIND] == SCHEMA_KIND_LEAF && header[HEADER_SCHEMA_ROWS] == 0 &&
	                 header[HEADER_SCHEMA_ROWS + 1] == 0;
	if (journal)
		*out_kind = PNR_DATABASE_UNFINISHED;
	else if (size == 0)
		*out_kind = PNR_DATABASE_EMPTY;
	else if (memcmp(header, "SQLite format 3", 16) != 0)
		*out_kind = PNR_DATABASE_FOREIGN;
	else if (id == PNR_APPLICATION_ID && version > newest)
		return pnr_index_fail_newer(index, version, newest, err);
	else if (id == PNR_APPLICATION_ID)
		*out_kind = PNR_DATABASE_OURS;
	else
		*out_kind = id == 0 && version == 0 && no_tables ? PNR_DATABASE_EMPTY : PNR_DATABASE_FOREIGN;
	return *out_kind == PNR_DATABASE_FOREIGN ? fail_foreign(index, err) : PNR_OK;
}

/* One statement, and so one state of the database: another process may be creating it just now. */
pnr_status pnr_index_version(pnr_index *index, int *out_version, pnr_error *err)
{
	static const pnr_sql marks_sql = { "read the version",
		                           "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
		                           " FROM pragma_application_id, pragma_user_version" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *marks = NULL;
	pnr_status status = pnr_statement_take(index, &marks_sql, &marks, err);
	if (status == PNR_OK)
		status = pnr_statement_row(marks, err);
	if (status != PNR_OK)
		return status;
	int64_t id = pnr_column_int(marks, 0), version = pnr_column_int(marks, 1);
	bool empty = id == 0 && version == 0 && pnr_column_int(marks, 2) == 0;
	if (!empty && id != PNR_APPLICATION_ID)
		return fail_foreign(index, err);
	*out_version = (int)version;
	return PNR_OK;
}

/* Inside a transaction, so that whoever comes second sees what the first one finished. */
static pnr_status migrate_from(pnr_index *index, const char *const *migrations, int count, pnr_error *err)
{
	int version = 0;
	pnr_status status = pnr_index_version(index, &version, err);
	if (status != PNR_OK)
		return status;
	if (version > count)
		return pnr_index_fail_newer(index, version, count, err);
	while (version < count) {
		int before = version;
		status = pnr_index_run(index, "make the tables", migrations[before], err);
		if (status == PNR_OK)
			status = pnr_index_version(index, &version, err);
		if (status != PNR_OK) {
			pnr_context(err, "migration %d", before + 1);
			return status;
		}
		if (version != before + 1)
			return pnr_fail(err, PNR_INVALID, "index: migration %d sets user_version %d", before + 1, version);
	}
	return PNR_OK;
}

pnr_status pnr_index_migrate(pnr_index *index, const char *const *migrations, int count, pnr_error *err)
{
	pnr_status status = pnr_index_begin(index, err);
	if (status != PNR_OK)
		return status;
	status = migrate_from(index, migrations, count, err);
	if (status == PNR_OK)
		return pnr_index_commit(index, err);
	pnr_index_rollback(index);
	return status;
}
