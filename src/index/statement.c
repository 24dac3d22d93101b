#include "base/clock.h"
#include "base/file.h"
#include "index/database.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -------------------------------------------------------------- errors -- */

/* Locks and shared memory that a file system does not have, as far as the kernel tells. */
static bool means_unsupported(int errnum)
{
	return errnum == ENODEV || errnum == ENOSYS || errnum == EOPNOTSUPP || errnum == ENOLCK;
}

/* Only what is left when a file is open already: a stray errno must not make a failed read a missing file. */
static pnr_status status_of_io(int errnum)
{
	pnr_status status = pnr_status_of_errno(errnum);
	return status == PNR_FULL || status == PNR_NOMEM || status == PNR_DENIED ? status : PNR_IO;
}

/* SQLite's code as a status; @errnum is what the system said to it, for those codes that have one. */
static pnr_status status_of(int rc, int errnum)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
	case SQLITE_TOOBIG:
	case SQLITE_NOLFS:
		return PNR_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return PNR_BUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return PNR_DENIED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return PNR_CORRUPT;
	case SQLITE_NOMEM:
		return PNR_NOMEM;
	case SQLITE_INTERRUPT:
		return PNR_CANCELLED;
	case SQLITE_CONSTRAINT:
		return PNR_INVALID;
	case SQLITE_CANTOPEN:
		return pnr_status_of_errno(errnum);
	case SQLITE_IOERR:
		if (rc == SQLITE_IOERR_NOMEM)
			return PNR_NOMEM;
		return means_unsupported(errnum) ? PNR_UNSUPPORTED : status_of_io(errnum);
	default:
		return PNR_IO;
	}
}

pnr_status pnr_index_fail(pnr_index *index, int rc, const char *what, pnr_error *err)
{
	/* What the gate made up at a step the connection does not know of. */
	bool known = index->db != NULL && sqlite3_extended_errcode(index->db) == rc;
	int errnum = (rc & 0xff) == SQLITE_FULL ? ENOSPC : known ? sqlite3_system_errno(index->db) : errno;
	const char *message = known ? sqlite3_errmsg(index->db) : sqlite3_errstr(rc);
	bool has_errno = ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_IOERR ||
	                  (rc & 0xff) == SQLITE_FULL) && errnum != 0;
	pnr_status status = status_of(rc, errnum);
	if (err == NULL || err->status != PNR_OK)
		return status;
	if (status == PNR_BUSY)
		pnr_fail(err, status, "index: %s: another process is writing to '%s' (%s); try again", what,
		         index->path, message);
	else if (status == PNR_UNSUPPORTED)
		pnr_fail(err, status,
		         "index: %s: the file system of '%s' has no locks or no shared memory (%s); keep the store on "
		         "a local disk: set PANNIER_STORE",
		         what, index->path, message);
	else if (has_errno)
		pnr_fail_errno(err, errnum, "index: %s: %s: '%s'", what, message, index->path);
	else
		pnr_fail(err, status, "index: %s: %s: '%s'", what, message, index->path);
	err->status = status;
	err->detail = rc;
	return status;
}

/* --------------------------------------------------------------- steps -- */

int pnr_index_step(sqlite3_stmt *stmt)
{
	int errnum = pnr_file_ask(PNR_CALL_SQL_STEP, NULL);
	switch (errnum) {
	case 0:
		return sqlite3_step(stmt);
	case ENOSPC:
		return SQLITE_FULL;
	case ENOMEM:
		return SQLITE_NOMEM;
	case EAGAIN:
		return SQLITE_BUSY;
	default:
		errno = errnum;
		return SQLITE_IOERR;
	}
}

static void finalize(sqlite3_stmt **stmt)
{
	/* It repeats the failure of the last step, which was looked at. */
	(void)sqlite3_finalize(*stmt);
}

pnr_status pnr_index_run(pnr_index *index, const char *what, const char *script, pnr_error *err)
{
	while (*script != '\0') {
		PNR_CLEANUP(finalize) sqlite3_stmt *stmt = NULL;
		int rc = sqlite3_prepare_v2(index->db, script, -1, &stmt, &script);
		while (rc == SQLITE_OK && stmt != NULL)
			if ((rc = pnr_index_step(stmt)) == SQLITE_ROW)
				rc = SQLITE_OK;
		if (rc != SQLITE_OK && rc != SQLITE_DONE)
			return pnr_index_fail(index, rc, what, err);
	}
	return PNR_OK;
}

/* ---------------------------------------------------------- statements -- */

static pnr_status prepare(pnr_index *index, const pnr_sql *sql, pnr_statement **out_statement, pnr_error *err)
{
	pnr_statement *statement = calloc(1, sizeof *statement);
	if (statement == NULL)
		return pnr_fail_nomem(err);
	statement->index = index;
	statement->sql = sql;
	int rc = sqlite3_prepare_v3(index->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL);
	if (rc != SQLITE_OK) {
		free(statement);
		/* Our texts are right: it is the schema that lacks something. */
		if (rc == SQLITE_ERROR && index->older)
			return pnr_fail(err, PNR_UNSUPPORTED,
			                "index: %s: '%s' is of an older version, which did not keep this; open it for writing "
			                "once ('pannier init')",
			                sql->what, index->path);
		if (rc == SQLITE_ERROR)
			return pnr_fail(err, PNR_CORRUPT, "index: %s: the tables of '%s' are damaged: %s", sql->what,
			                index->path, sqlite3_errmsg(index->db));
		return pnr_index_fail(index, rc, sql->what, err);
	}
	*out_statement = statement;
	return PNR_OK;
}

/* One that is in use is not idle: a callback may run the same function again and gets a statement of its own. */
pnr_status pnr_statement_take(pnr_index *index, const pnr_sql *sql, pnr_statement **out_statement, pnr_error *err)
{
	for (pnr_statement **link = &index->idle; *link != NULL; link = &(*link)->next) {
		pnr_statement *statement = *link;
		if (statement->sql == sql) {
			*link = statement->next;
			statement->next = NULL;
			*out_statement = statement;
			return PNR_OK;
		}
	}
	return prepare(index, sql, out_statement, err);
}

void pnr_statement_rewind(pnr_statement *statement)
{
	/* It repeats the failure of the last step, which was looked at. */
	(void)sqlite3_reset(statement->stmt);
	statement->bind_rc = SQLITE_OK;
	statement->malformed = false;
}

void pnr_statement_release(pnr_statement **statement)
{
	pnr_statement *used = PNR_STEAL(*statement);
	if (used == NULL)
		return;
	pnr_statement_rewind(used);
	/* Bound texts are the caller's: nothing may look at them later. */
	(void)sqlite3_clear_bindings(used->stmt);
	used->next = used->index->idle;
	used->index->idle = used;
}

void pnr_statement_forget(pnr_index *index)
{
	while (index->idle != NULL) {
		pnr_statement *statement = index->idle;
		index->idle = statement->next;
		finalize(&statement->stmt);
		free(statement);
	}
}

pnr_status pnr_statement_row(pnr_statement *statement, pnr_error *err)
{
	int rc = statement->bind_rc;
	if (rc == SQLITE_OK)
		rc = pnr_index_step(statement->stmt);
	if (rc == SQLITE_ROW)
		return PNR_OK;
	if (rc == SQLITE_DONE)
		return PNR_NOT_FOUND;
	return pnr_index_fail(statement->index, rc, statement->sql->what, err);
}

bool pnr_statement_next(pnr_statement *list, pnr_status *status, pnr_error *err)
{
	if (*status != PNR_OK)
		return false;
	*status = pnr_statement_row(list, err);
	if (*status == PNR_OK)
		return true;
	if (*status == PNR_NOT_FOUND)
		*status = PNR_OK;
	return false;
}

pnr_status pnr_statement_write(pnr_statement *statement, pnr_error *err)
{
	const pnr_index *index = statement->index;
	if (index->read_only)
		return pnr_fail(err, PNR_DENIED, "index: %s: '%s' is open for reading only", statement->sql->what,
		                index->path);
	/* After some failures SQLite has ended the transaction by itself: what follows must not slip through alone. */
	if (index->held || sqlite3_get_autocommit(index->db) != 0)
		return pnr_fail(err, PNR_INVALID, "index: %s: no transaction is open", statement->sql->what);
	pnr_status status = pnr_statement_row(statement, err);
	pnr_statement_rewind(statement);
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

pnr_status pnr_statement_insert(pnr_statement *statement, int64_t *out_id, pnr_error *err)
{
	pnr_status status = pnr_statement_write(statement, err);
	if (status == PNR_OK)
		*out_id = sqlite3_last_insert_rowid(statement->index->db);
	return status;
}

pnr_status pnr_statement_id(pnr_statement *statement, int64_t *out_id, pnr_error *err)
{
	pnr_status status = pnr_statement_row(statement, err);
	if (status == PNR_OK)
		*out_id = pnr_column_int(statement, 0);
	return status;
}

pnr_status pnr_statement_blob(pnr_statement *statement, pnr_blob_row *out_row, pnr_error *err)
{
	pnr_status status = pnr_statement_row(statement, err);
	if (status != PNR_OK)
		return status;
	pnr_blob_row row = { .id = pnr_column_int(statement, 0),
		             .hash = pnr_column_digest(statement, 1),
		             .size = pnr_column_size(statement, 2),
		             .crc32 = (uint32_t)pnr_column_size(statement, 3) };
	status = pnr_statement_intact(statement, err);
	if (status == PNR_OK)
		*out_row = row;
	return status;
}

pnr_status pnr_statement_intact(const pnr_statement *statement, pnr_error *err)
{
	if (!statement->malformed)
		return PNR_OK;
	if (sqlite3_errcode(statement->index->db) == SQLITE_NOMEM)
		return pnr_fail_nomem(err);
	return pnr_fail(err, PNR_CORRUPT, "index: %s: a row of '%s' holds what its column does not allow",
	                statement->sql->what, statement->index->path);
}

bool pnr_index_changed(const pnr_index *index)
{
	return sqlite3_changes(index->db) != 0;
}

/* ------------------------------------------------------------- binding -- */

static void bound(pnr_statement *statement, int rc)
{
	if (statement->bind_rc == SQLITE_OK)
		statement->bind_rc = rc;
}

void pnr_bind_int(pnr_statement *statement, int n, int64_t value)
{
	bound(statement, sqlite3_bind_int64(statement->stmt, n, value));
}

void pnr_bind_id(pnr_statement *statement, int n, int64_t id)
{
	bound(statement, id == 0 ? sqlite3_bind_null(statement->stmt, n)
	                         : sqlite3_bind_int64(statement->stmt, n, id));
}

void pnr_bind_size(pnr_statement *statement, int n, uint64_t value)
{
	bound(statement, value > INT64_MAX ? SQLITE_TOOBIG
	                                   : sqlite3_bind_int64(statement->stmt, n, (int64_t)value));
}

void pnr_bind_real(pnr_statement *statement, int n, double value)
{
	bound(statement, sqlite3_bind_double(statement->stmt, n, value));
}

void pnr_bind_text(pnr_statement *statement, int n, const char *text)
{
	bound(statement, sqlite3_bind_text(statement->stmt, n, text, -1, SQLITE_STATIC));
}

void pnr_bind_words(pnr_statement *statement, int n, const char *text)
{
	pnr_bind_text(statement, n, text == NULL ? "" : text);
}

void pnr_bind_blob(pnr_statement *statement, int n, const void *data, uint64_t length)
{
	bound(statement, sqlite3_bind_blob64(statement->stmt, n, data, length, SQLITE_STATIC));
}

void pnr_bind_digest(pnr_statement *statement, int n, const pnr_digest *digest)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	bound(statement, sqlite3_bind_text(statement->stmt, n, pnr_digest_to_hex(digest, hex),
	                                   2 * PNR_DIGEST_SIZE, SQLITE_TRANSIENT));
}

void pnr_bind_time(pnr_statement *statement, int n, int64_t ms)
{
	char text[PNR_TIME_TEXT_SIZE];
	bound(statement, sqlite3_bind_text(statement->stmt, n, pnr_clock_format(ms, text), -1, SQLITE_TRANSIENT));
}

/* ------------------------------------------------------------- columns -- */

int64_t pnr_column_int(pnr_statement *statement, int n)
{
	return sqlite3_column_int64(statement->stmt, n);
}

uint64_t pnr_column_size(pnr_statement *statement, int n)
{
	int64_t value = sqlite3_column_int64(statement->stmt, n);
	if (value < 0) {
		statement->malformed = true;
		return 0;
	}
	return (uint64_t)value;
}

const char *pnr_column_text(pnr_statement *statement, int n)
{
	const char *text = (const char *)sqlite3_column_text(statement->stmt, n);
	/* What follows a NUL would not be read, and no hash would cover it. */
	if (text == NULL || strlen(text) != (size_t)sqlite3_column_bytes(statement->stmt, n))
		statement->malformed = true;
	return text == NULL ? "" : text;
}

bool pnr_column_is_null(pnr_statement *statement, int n)
{
	return sqlite3_column_type(statement->stmt, n) == SQLITE_NULL;
}

pnr_digest pnr_column_digest(pnr_statement *statement, int n)
{
	pnr_digest digest = { { 0 } };
	const char *hex = pnr_column_text(statement, n);
	if (!pnr_digest_from_hex(hex, (size_t)sqlite3_column_bytes(statement->stmt, n), &digest))
		statement->malformed = true;
	return digest;
}

int64_t pnr_column_time(pnr_statement *statement, int n)
{
	int64_t ms = 0;
	if (!pnr_clock_parse(pnr_column_text(statement, n), &ms))
		statement->malformed = true;
	return ms;
}
