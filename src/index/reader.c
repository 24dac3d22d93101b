/*
 * Opening for reading. SQLite reads a database with a write-ahead log only
 * where it can make the files beside it; where it cannot, either nobody can
 * write (a read-only file system: "immutable", no locks at all) or a copy is
 * read that is ours alone.
 */
#include "base/file.h"
#include "base/path.h"
#include "index/database.h"
#include "index/schema_text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COPY_STEP ((int)PNR_MIB)
#define COPY_ATTEMPTS 5

/* ------------------------------------------------------- a private copy -- */

/* What changes when anybody writes: compared before and after copying. */
typedef struct copy_state {
	struct stat db, wal;
	bool has_wal;
} copy_state;

static pnr_status take_state(const char *path, const char *wal_path, copy_state *out_state, pnr_error *err)
{
	copy_state state = { .has_wal = true };
	pnr_status status = pnr_file_stat_at(AT_FDCWD, path, &state.db, err);
	if (status != PNR_OK)
		return status;
	pnr_error own = PNR_ERROR_INIT;
	status = pnr_file_stat_at(AT_FDCWD, wal_path, &state.wal, &own);
	if (status == PNR_NOT_FOUND)
		state.has_wal = false;
	else if (status != PNR_OK)
		return pnr_fail(err, status, "index: %s", own.message);
	else
		state.has_wal = state.wal.st_size > 0;
	*out_state = state;
	return PNR_OK;
}

static bool same_stat(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool same_state(const copy_state *a, const copy_state *b)
{
	return a->has_wal == b->has_wal && same_stat(&a->db, &b->db) &&
	       (!a->has_wal || same_stat(&a->wal, &b->wal));
}

/* Through the descriptor of a connection, for the reason that read_header of schema.c gives. */
static pnr_status copy_database(pnr_index *original, int fd, const char *name, pnr_error *err)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	int rc = sqlite3_file_control(original->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (rc == SQLITE_OK)
		rc = file->pMethods->xFileSize(file, &size);
	PNR_CLEANUP(pnr_cleanup_free) char *block = malloc((size_t)COPY_STEP);
	if (block == NULL)
		return pnr_fail_nomem(err);
	for (sqlite3_int64 offset = 0; rc == SQLITE_OK && offset < size; offset += COPY_STEP) {
		int length = size - offset < COPY_STEP ? (int)(size - offset) : COPY_STEP;
		rc = file->pMethods->xRead(file, block, length, offset);
		if (rc == SQLITE_IOERR_SHORT_READ)
			return pnr_fail(err, PNR_RETRY, "index: '%s' shrank while it was copied", original->path);
		if (rc != SQLITE_OK)
			break;
		pnr_status status = pnr_file_write(fd, block, (size_t)length, name, err);
		if (status != PNR_OK)
			return status;
	}
	return rc == SQLITE_OK ? PNR_OK : pnr_index_fail(original, rc, "copy", err);
}

/* SQLite holds no locks on a write-ahead log, so a descriptor of our own does no harm. */
static pnr_status copy_wal(const char *wal_path, int fd, const char *name, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int from = -1;
	PNR_CLEANUP(pnr_cleanup_free) char *block = malloc((size_t)COPY_STEP);
	if (block == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_open(AT_FDCWD, wal_path, O_RDONLY, 0, &from, err);
	size_t length = (size_t)COPY_STEP;
	while (status == PNR_OK && length == (size_t)COPY_STEP) {
		status = pnr_file_read(from, block, (size_t)COPY_STEP, &length, wal_path, err);
		if (status == PNR_OK)
			status = pnr_file_write(fd, block, length, name, err);
	}
	return status;
}

static pnr_status create_in(int dirfd, const char *name, int *out_fd, pnr_error *err)
{
	return pnr_file_open(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600, out_fd, err);
}

static pnr_status copy_once(pnr_index *original, const char *wal_path, bool has_wal, int dirfd, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int db = -1;
	PNR_CLEANUP(pnr_cleanup_close) int wal = -1;
	pnr_status status = create_in(dirfd, "copy.db", &db, err);
	if (status == PNR_OK)
		status = copy_database(original, db, "copy.db", err);
	if (status == PNR_OK && has_wal)
		status = create_in(dirfd, "copy.db-wal", &wal, err);
	if (status == PNR_OK && has_wal)
		status = copy_wal(wal_path, wal, "copy.db-wal", err);
	return status;
}

/* Copied until nobody wrote meanwhile. */
static pnr_status copy_settled(pnr_index *original, const char *wal_path, int dirfd, pnr_error *err)
{
	for (int attempt = 0; attempt < COPY_ATTEMPTS; attempt++) {
		copy_state before = { .has_wal = false }, after = before;
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = take_state(original->path, wal_path, &before, &own);
		if (status == PNR_OK)
			status = copy_once(original, wal_path, before.has_wal, dirfd, &own);
		if (status == PNR_OK)
			status = take_state(original->path, wal_path, &after, &own);
		if (status == PNR_OK && same_state(&before, &after))
			return PNR_OK;
		if (status != PNR_OK && status != PNR_RETRY)
			return pnr_fail_with(err, &own);
	}
	return pnr_fail(err, PNR_BUSY, "index: another process kept writing to '%s' while it was copied; try again",
	                original->path);
}

/* Leave write-ahead logging: then nothing but the open file is needed, and its name can go. */
static pnr_status open_copy(pnr_index *index, const char *copy_path, pnr_error *err)
{
	static const pnr_sql delete_sql = { "read the private copy", "PRAGMA journal_mode=DELETE" };
	pnr_status status = pnr_index_connect(index, copy_path, SQLITE_OPEN_READWRITE, false, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *leave = NULL;
	status = pnr_statement_take(index, &delete_sql, &leave, err);
	return status == PNR_OK ? pnr_statement_row(leave, err) : status;
}

static pnr_status copy_into(pnr_index *index, const char *wal_path, const char *dir, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int dirfd = -1;
	PNR_CLEANUP(pnr_cleanup_free) char *copy_path = pnr_path_join(dir, "copy.db");
	if (copy_path == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_open_dir(AT_FDCWD, dir, &dirfd, err);
	if (status == PNR_OK)
		status = copy_settled(index, wal_path, dirfd, err);
	if (status != PNR_OK)
		return status;
	(void)sqlite3_close(index->db);
	index->db = NULL;
	return open_copy(index, copy_path, err);
}

/* Replaces the connection, which looks at the original, by one to a copy that has no name any more. */
static pnr_status use_private_copy(pnr_index *index, const char *wal_path, pnr_error *err)
{
	const char *parent = getenv("TMPDIR");
	PNR_CLEANUP(pnr_cleanup_free) char *dir =
		pnr_path_join(parent == NULL || parent[0] != '/' ? "/tmp" : parent, "pannier-read-XXXXXX");
	if (dir == NULL)
		return pnr_fail_nomem(err);
	int errnum = pnr_file_ask(PNR_CALL_MKDIR, NULL);
	if (errnum == 0 && mkdtemp(dir) == NULL)
		errnum = errno;
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "make folder '%s' for a copy of '%s'", dir, index->path);
	pnr_status status = copy_into(index, wal_path, dir, err);
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, dir, NULL));
	return status;
}

/* -------------------------------------------------------------- choosing -- */

typedef enum read_mode {
	READ_SHARED,    /* as any other process: with locks, seeing what is written meanwhile */
	READ_IMMUTABLE, /* nobody can write */
	READ_COPY
} read_mode;

static pnr_status choose(const char *path, const char *wal_path, read_mode *out_mode, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_dir(path);
	if (dir == NULL)
		return pnr_fail_nomem(err);
	struct statvfs fs;
	int errnum = pnr_file_ask(PNR_CALL_STAT, NULL);
	if (errnum == 0 && statvfs(dir, &fs) != 0)
		errnum = errno;
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "index: file system of '%s'", dir);
	copy_state state;
	pnr_status status = take_state(path, wal_path, &state, err);
	if (status != PNR_OK)
		return status;
	if ((fs.f_flag & ST_RDONLY) != 0)
		*out_mode = state.has_wal ? READ_COPY : READ_IMMUTABLE;
	else
		*out_mode = faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) == 0 ? READ_SHARED : READ_COPY;
	return PNR_OK;
}

pnr_status pnr_index_open_reader(pnr_index *index, pnr_error *err)
{
	read_mode mode;
	pnr_database_kind kind;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer wal_path = PNR_BUFFER_INIT;
	pnr_buffer_printf(&wal_path, "%s-wal", index->path);
	pnr_status status = pnr_buffer_status(&wal_path, err);
	if (status == PNR_OK)
		status = choose(index->path, wal_path.data, &mode, err);
	if (status == PNR_OK)
		status = pnr_index_connect(index, index->path, SQLITE_OPEN_READONLY, mode != READ_SHARED, err);
	if (status == PNR_OK)
		status = pnr_index_recognise(index, pnr_schema_version, &kind, err);
	if (status != PNR_OK || mode == READ_SHARED)
		return status;
	if (kind == PNR_DATABASE_UNFINISHED)
		return pnr_fail(err, PNR_BUSY,
		                "index: '%s' has a journal: another process writes to it or was interrupted; open the "
		                "store for writing once",
		                index->path);
	return mode == READ_COPY ? use_private_copy(index, wal_path.data, err) : PNR_OK;
}
