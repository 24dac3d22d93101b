/*
 * How a refused call looks to SQLite: ENOSPC as a full disk, anything else as
 * the I/O error that belongs to the call, with errno set for whoever asks the
 * connection for it later.
 */
#include "index/vfs.h"
#include "base/file.h"
#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

typedef struct shim_file {
	sqlite3_file base;
	sqlite3_io_methods methods; /**< of this file: what the one below can do, no more */
} shim_file;

/* The file below lies right behind the shim's, aligned as SQLite aligns its own. */
#define SHIM_SIZE ((sizeof(shim_file) + 15) & ~(size_t)15)

static sqlite3_file *below(sqlite3_file *file)
{
	return (sqlite3_file *)(void *)((char *)file + SHIM_SIZE);
}

static sqlite3_vfs *vfs_below(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

/* SQLITE_OK, or what a call that the gate refuses returns. */
static int ask(pnr_file_call call, int code)
{
	int errnum = pnr_file_ask(call, NULL);
	if (errnum == 0)
		return SQLITE_OK;
	errno = errnum;
	return errnum == ENOSPC ? SQLITE_FULL : code;
}

/* --------------------------------------------------------------- files -- */

static int file_close(sqlite3_file *file)
{
	int rc = below(file)->pMethods->xClose(below(file));
	file->pMethods = NULL;
	return rc;
}

static int file_read(sqlite3_file *file, void *buffer, int length, sqlite3_int64 offset)
{
	int rc = ask(PNR_CALL_SQL_READ, SQLITE_IOERR_READ);
	return rc != SQLITE_OK ? rc : below(file)->pMethods->xRead(below(file), buffer, length, offset);
}

/* A write that the gate cuts short leaves its beginning in the file, as a disk that fills up does. */
static int file_write(sqlite3_file *file, const void *data, int length, sqlite3_int64 offset)
{
	size_t allowed = (size_t)length;
	int errnum = pnr_file_ask(PNR_CALL_SQL_WRITE, &allowed);
	if (errnum != 0) {
		errno = errnum;
		return errnum == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	}
	if (allowed >= (size_t)length)
		return below(file)->pMethods->xWrite(below(file), data, length, offset);
	int rc = below(file)->pMethods->xWrite(below(file), data, (int)allowed, offset);
	return rc != SQLITE_OK ? rc : SQLITE_FULL;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = ask(PNR_CALL_SQL_TRUNCATE, SQLITE_IOERR_TRUNCATE);
	return rc != SQLITE_OK ? rc : below(file)->pMethods->xTruncate(below(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	int rc = ask(PNR_CALL_SQL_SYNC, SQLITE_IOERR_FSYNC);
	return rc != SQLITE_OK ? rc : below(file)->pMethods->xSync(below(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return below(file)->pMethods->xFileSize(below(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
	int rc = ask(PNR_CALL_SQL_LOCK, SQLITE_IOERR_LOCK);
	return rc != SQLITE_OK ? rc : below(file)->pMethods->xLock(below(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return below(file)->pMethods->xUnlock(below(file), level);
}

static int file_check_reserved_lock(sqlite3_file *file, int *out)
{
	return below(file)->pMethods->xCheckReservedLock(below(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	return below(file)->pMethods->xFileControl(below(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
	return below(file)->pMethods->xSectorSize(below(file));
}

static int file_device_characteristics(sqlite3_file *file)
{
	return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int file_shm_map(sqlite3_file *file, int page, int page_size, int extend, void volatile **out)
{
	int rc = ask(PNR_CALL_SQL_SHM, SQLITE_IOERR_SHMMAP);
	return rc != SQLITE_OK ? rc : below(file)->pMethods->xShmMap(below(file), page, page_size, extend, out);
}

/* Giving a lock back cannot fail: SQLite would not look. */
static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	int rc = (flags & SQLITE_SHM_LOCK) != 0 ? ask(PNR_CALL_SQL_SHM, SQLITE_IOERR_SHMLOCK) : SQLITE_OK;
	return rc != SQLITE_OK ? rc : below(file)->pMethods->xShmLock(below(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	below(file)->pMethods->xShmBarrier(below(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
	return below(file)->pMethods->xShmUnmap(below(file), delete);
}

static int file_fetch(sqlite3_file *file, sqlite3_int64 offset, int length, void **out)
{
	return below(file)->pMethods->xFetch(below(file), offset, length, out);
}

static int file_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
	return below(file)->pMethods->xUnfetch(below(file), offset, page);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 3,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_device_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
	.xFetch = file_fetch,
	.xUnfetch = file_unfetch,
};

/* SQLite looks at the version and for NULL to learn what a file can do. */
static void adopt(shim_file *file, const sqlite3_io_methods *real)
{
	file->methods = shim_methods;
	if (real->iVersion < file->methods.iVersion)
		file->methods.iVersion = real->iVersion;
	if (real->iVersion < 2 || real->xShmMap == NULL)
		file->methods.xShmMap = NULL;
	if (real->iVersion < 3 || real->xFetch == NULL) {
		file->methods.xFetch = NULL;
		file->methods.xUnfetch = NULL;
	}
	file->base.pMethods = &file->methods;
}

/* ----------------------------------------------------------------- VFS -- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	file->pMethods = NULL;
	memset(below(file), 0, (size_t)vfs_below(vfs)->szOsFile);
	int rc = ask(PNR_CALL_SQL_OPEN, SQLITE_CANTOPEN);
	if (rc == SQLITE_OK)
		rc = vfs_below(vfs)->xOpen(vfs_below(vfs), name, below(file), flags, out_flags);
	/* Also after a failure: SQLite closes whatever has methods. */
	if (below(file)->pMethods != NULL)
		adopt((shim_file *)(void *)file, below(file)->pMethods);
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	int rc = ask(PNR_CALL_SQL_DELETE, SQLITE_IOERR_DELETE);
	return rc != SQLITE_OK ? rc : vfs_below(vfs)->xDelete(vfs_below(vfs), name, sync_dir);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	return vfs_below(vfs)->xAccess(vfs_below(vfs), name, flags, out);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int capacity, char *out)
{
	return vfs_below(vfs)->xFullPathname(vfs_below(vfs), name, capacity, out);
}

static void *vfs_dl_open(sqlite3_vfs *vfs, const char *name)
{
	return vfs_below(vfs)->xDlOpen(vfs_below(vfs), name);
}

static void vfs_dl_error(sqlite3_vfs *vfs, int capacity, char *out)
{
	vfs_below(vfs)->xDlError(vfs_below(vfs), capacity, out);
}

static void (*vfs_dl_sym(sqlite3_vfs *vfs, void *library, const char *symbol))(void)
{
	return vfs_below(vfs)->xDlSym(vfs_below(vfs), library, symbol);
}

static void vfs_dl_close(sqlite3_vfs *vfs, void *library)
{
	vfs_below(vfs)->xDlClose(vfs_below(vfs), library);
}

static int vfs_randomness(sqlite3_vfs *vfs, int length, char *out)
{
	return vfs_below(vfs)->xRandomness(vfs_below(vfs), length, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	return vfs_below(vfs)->xSleep(vfs_below(vfs), microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *out)
{
	return vfs_below(vfs)->xCurrentTime(vfs_below(vfs), out);
}

static int vfs_get_last_error(sqlite3_vfs *vfs, int capacity, char *out)
{
	return vfs_below(vfs)->xGetLastError(vfs_below(vfs), capacity, out);
}

static int vfs_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
	return vfs_below(vfs)->xCurrentTimeInt64(vfs_below(vfs), out);
}

/* Filled and registered once; SQLite keeps it for the life of the process and only links it into its list. */
static sqlite3_vfs shim_vfs = {
	.iVersion = 2,
	.zName = PNR_VFS_NAME,
	.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_full_pathname,
	.xDlOpen = vfs_dl_open,
	.xDlError = vfs_dl_error,
	.xDlSym = vfs_dl_sym,
	.xDlClose = vfs_dl_close,
	.xRandomness = vfs_randomness,
	.xSleep = vfs_sleep,
	.xCurrentTime = vfs_current_time,
	.xGetLastError = vfs_get_last_error,
	.xCurrentTimeInt64 = vfs_current_time_int64,
};
static int register_rc = SQLITE_ERROR;

static void register_shim(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);
	if (real == NULL)
		return;
	shim_vfs.pAppData = real;
	shim_vfs.szOsFile = (int)SHIM_SIZE + real->szOsFile;
	shim_vfs.mxPathname = real->mxPathname;
	if (real->iVersion < 2 || real->xCurrentTimeInt64 == NULL)
		shim_vfs.iVersion = 1;
	register_rc = sqlite3_vfs_register(&shim_vfs, 0);
}

pnr_status pnr_vfs_register(pnr_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int errnum = pthread_once(&once, register_shim);
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "index: register the file layer");
	if (register_rc != SQLITE_OK)
		return pnr_fail(err, register_rc == SQLITE_NOMEM ? PNR_NOMEM : PNR_IO,
		                "index: register the file layer: %s", sqlite3_errstr(register_rc));
	return PNR_OK;
}
