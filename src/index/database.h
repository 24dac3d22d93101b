/*
 * Inside the index: the connection, and statements as the rest of the folder
 * uses them.
 *
 * A statement is a `static const pnr_sql` next to the function that runs it.
 * Taking it prepares it or finds it prepared; binding and reading columns never
 * fail on the spot, the statement remembers; its scope ends its use:
 *
 *	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
 *	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
 *	if (status != PNR_OK)
 *		return status;
 *	pnr_bind_digest(find, 1, hash);
 *	status = pnr_statement_row(find, err);
 */
#ifndef PNR_INDEX_DATABASE_H
#define PNR_INDEX_DATABASE_H

#include "index/index.h"
#include <sqlite3.h>

/** `PRAGMA application_id` of our databases; schema/001-store.sql sets it. */
#define PNR_APPLICATION_ID 0x706e6e72u

typedef struct pnr_statement pnr_statement;

struct pnr_index {
	sqlite3 *db;
	char *path;          /**< absolute; for messages it is the original's, also of a private copy */
	unsigned busy_ms;
	bool read_only;
	bool evicts;         /**< it has the tables of evict.h: not if it is older and only read */
	bool older;          /**< it may lack other tables as well, for the same reason */
	bool imports;        /**< it has imported_archive: likewise */
	bool held;           /**< the transaction that is open is pnr_index_hold's */
	pnr_statement *idle; /**< prepared and not in use, the most recently used first */
};

/** A statement and what it is for, as a verb phrase: messages start "index: <what>: ". */
typedef struct pnr_sql {
	const char *what;
	const char *text;
} pnr_sql;

struct pnr_statement {
	pnr_index *index;
	const pnr_sql *sql;
	sqlite3_stmt *stmt;
	int bind_rc;    /**< of the first bind that failed */
	bool malformed; /**< a column was not what the schema promises */
	pnr_statement *next;
};

/** Record what @rc, just returned by SQLite on this connection, means. Returns its status. */
pnr_status pnr_index_fail(pnr_index *index, int rc, const char *what, pnr_error *err);
/** The only place that steps a statement: asks the gate, then sqlite3_step. Returns SQLite's code. */
int pnr_index_step(sqlite3_stmt *stmt);
/** Run a text of statements, one after the other, ignoring rows. */
PNR_CHECKED pnr_status pnr_index_run(pnr_index *index, const char *what, const char *script, pnr_error *err);

PNR_CHECKED pnr_status pnr_statement_take(pnr_index *index, const pnr_sql *sql, pnr_statement **out_statement,
                                          pnr_error *err);
/** Accepts a pointer to NULL. Texts and blobs read from the statement end here. */
void pnr_statement_release(pnr_statement **statement);
/** Finalize all that are idle. */
void pnr_statement_forget(pnr_index *index);
/** Step to a row: PNR_OK; NOT_FOUND without a text at the end. */
PNR_CHECKED pnr_status pnr_statement_row(pnr_statement *statement, pnr_error *err);
/** Step through a list while *status is PNR_OK. False: it is not, or is and that was the last row. */
PNR_CHECKED bool pnr_statement_next(pnr_statement *list, pnr_status *status, pnr_error *err);
/** Run one that writes, and make it ready for other values. INVALID outside a transaction. */
PNR_CHECKED pnr_status pnr_statement_write(pnr_statement *statement, pnr_error *err);
/** Step to a row and read its first column. NOT_FOUND without a text if there is none. */
PNR_CHECKED pnr_status pnr_statement_id(pnr_statement *statement, int64_t *out_id, pnr_error *err);
/** Step to a row and read a blob from its columns id, hash, size, crc32. NOT_FOUND without a text if there is none. */
PNR_CHECKED pnr_status pnr_statement_blob(pnr_statement *statement, pnr_blob_row *out_row, pnr_error *err);
/** Make ready for other values before the end was reached. What was read from it ends here. */
void pnr_statement_rewind(pnr_statement *statement);
/** As pnr_statement_write, for an INSERT: @out_id is the new row's. */
PNR_CHECKED pnr_status pnr_statement_insert(pnr_statement *statement, int64_t *out_id, pnr_error *err);
/** After columns were read: CORRUPT if one of them was malformed. */
PNR_CHECKED pnr_status pnr_statement_intact(const pnr_statement *statement, pnr_error *err);

/* Binding. What is bound must stay as it is until the statement was run; NULL texts are SQL's NULL. */
void pnr_bind_int(pnr_statement *statement, int n, int64_t value);
/** 0 is NULL. */
void pnr_bind_id(pnr_statement *statement, int n, int64_t id);
/** More than INT64_MAX fails. */
void pnr_bind_size(pnr_statement *statement, int n, uint64_t value);
void pnr_bind_real(pnr_statement *statement, int n, double value);
void pnr_bind_text(pnr_statement *statement, int n, const char *text);
/** NULL is ''. */
void pnr_bind_words(pnr_statement *statement, int n, const char *text);
void pnr_bind_blob(pnr_statement *statement, int n, const void *data, uint64_t length);
void pnr_bind_digest(pnr_statement *statement, int n, const pnr_digest *digest);
void pnr_bind_time(pnr_statement *statement, int n, int64_t ms);

/* Columns, from 0. */
int64_t pnr_column_int(pnr_statement *statement, int n);
/** Negative is malformed. */
uint64_t pnr_column_size(pnr_statement *statement, int n);
/** NULL is malformed: "". */
const char *pnr_column_text(pnr_statement *statement, int n);
bool pnr_column_is_null(pnr_statement *statement, int n);
pnr_digest pnr_column_digest(pnr_statement *statement, int n);
int64_t pnr_column_time(pnr_statement *statement, int n);

/** What the beginning of a database file says of it. */
typedef enum pnr_database_kind {
	PNR_DATABASE_EMPTY,
	PNR_DATABASE_OURS,
	PNR_DATABASE_UNFINISHED, /**< has a journal: whose it is can be told when that was rolled back */
	PNR_DATABASE_FOREIGN
} pnr_database_kind;

/**
 * Bring the database from its user_version to @count by @migrations, in one
 * transaction; an empty one starts at 0. Safe against others that do the same.
 * Errors: CORRUPT (another program's database), UNSUPPORTED (newer than @count).
 */
PNR_CHECKED pnr_status pnr_index_migrate(pnr_index *index, const char *const *migrations, int count,
                                         pnr_error *err);
/** UNSUPPORTED: the database has a version that this library does not know. */
pnr_status pnr_index_fail_newer(const pnr_index *index, int version, int newest, pnr_error *err);
/** user_version, after a check of application_id. 0: empty. Errors: CORRUPT. */
PNR_CHECKED pnr_status pnr_index_version(pnr_index *index, int *out_version, pnr_error *err);
/** What the file says without a lock or a change of anything. Errors: UNSUPPORTED (newer), CORRUPT (foreign), IO. */
PNR_CHECKED pnr_status pnr_index_recognise(pnr_index *index, int newest, pnr_database_kind *out_kind,
                                           pnr_error *err);

/**
 * Refuse what cannot hold a database: not a file, a network file system, a name
 * too long for SQLite. The path becomes that of the target if it is a link.
 * Errors: NOT_FOUND (no folder; no file unless @create), CORRUPT, UNSUPPORTED,
 * INVALID.
 */
PNR_CHECKED pnr_status pnr_index_check_place(pnr_index *index, bool create, pnr_error *err);
/** The name of a network file system whose statfs type is @type; NULL for others. */
const char *pnr_index_network_name(long type);
/** Open the connection to the file at @path. @flags: SQLITE_OPEN_*; @immutable: no locks, nobody writes. */
PNR_CHECKED pnr_status pnr_index_connect(pnr_index *index, const char *path, int flags, bool immutable,
                                         pnr_error *err);
/** Open for reading by the rules of pnr_index_open. */
PNR_CHECKED pnr_status pnr_index_open_reader(pnr_index *index, pnr_error *err);

#endif
