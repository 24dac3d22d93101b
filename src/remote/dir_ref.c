#include "remote/dir.h"
#include "base/clock.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_SECONDS 30

/* Is the lock still that of the remote, and not one that somebody removed? */
static pnr_status check_lock(const pnr_dir *d, int fd, bool *out_same, pnr_error *err)
{
	struct stat by_fd, by_name;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_stat(fd, &by_fd, PNR_DIR_LOCK, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_stat_at(d->root, PNR_DIR_LOCK, &by_name, &own);
	*out_same = status == PNR_OK && by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
	return status == PNR_OK || status == PNR_NOT_FOUND ? PNR_OK : pnr_fail_with(err, &own);
}

/* Another's may not be opened for writing, which only network file systems want for a lock. */
static pnr_status open_lock(const pnr_dir *d, int *out_fd, pnr_error *err)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK;
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open(d->root, PNR_DIR_LOCK, O_RDWR | O_CREAT | flags, 0666, out_fd, &own);
	if (own.detail == EACCES) {
		pnr_error_clear(&own);
		status = pnr_file_open(d->root, PNR_DIR_LOCK, O_RDONLY | flags, 0, out_fd, &own);
	}
	if (status == PNR_OK)
		status = pnr_file_stat(*out_fd, &st, PNR_DIR_LOCK, &own);
	if (own.detail == ELOOP || own.detail == EISDIR || own.detail == ENXIO ||
	    (status == PNR_OK && !S_ISREG(st.st_mode)))
		return pnr_fail(err, PNR_CORRUPT, "'%s' is not a regular file; remove it", PNR_DIR_LOCK);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

/* Wait for it, and not for ever: its holder may be a machine that was switched off. */
static pnr_status wait_for_lock(pnr_dir *d, int fd, pnr_error *err)
{
	double until = pnr_clock_monotonic() + LOCK_SECONDS;
	for (;;) {
		const struct timespec pause = { 0, 5 * 1000 * 1000 };
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = pnr_file_lock(fd, LOCK_EX | LOCK_NB, PNR_DIR_LOCK, &own);
		/* Where there are no locks, what follows is as good as it gets. */
		if (status == PNR_OK || own.detail == ENOLCK || own.detail == EOPNOTSUPP || own.detail == ENOSYS)
			return PNR_OK;
		if (status != PNR_BUSY)
			return pnr_fail_with(err, &own);
		if (pnr_clock_monotonic() > until)
			return pnr_fail(err, PNR_BUSY, "others have kept '%s' locked for %d seconds; try again",
			                PNR_DIR_LOCK, LOCK_SECONDS);
		status = pnr_remote_poll(&d->base, err);
		if (status != PNR_OK)
			return status;
		(void)nanosleep(&pause, NULL);
	}
}

static pnr_status lock(pnr_dir *d, int *out_fd, pnr_error *err)
{
	for (;;) {
		PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
		bool same = false;
		pnr_status status = open_lock(d, &fd, err);
		if (status == PNR_OK)
			status = wait_for_lock(d, fd, err);
		if (status == PNR_OK)
			status = check_lock(d, fd, &same, err);
		if (status != PNR_OK)
			return status;
		if (same) {
			*out_fd = fd;
			fd = -1;
			return PNR_OK;
		}
	}
}

/* What the ref holds now; nothing if there is none. */
static pnr_status read_ref(pnr_dir *d, const char *key, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_buffer_clear(out);
	pnr_status status = pnr_dir__open_object(d, key, &fd, &st, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status == PNR_OK && st.st_size > (off_t)PNR_REMOTE_REF_MAX)
		return pnr_fail(err, PNR_CORRUPT, "it is larger than the %zu bytes that a ref may have",
		                PNR_REMOTE_REF_MAX);
	/* What a crash of the file system left, say: it is not the same as none. */
	if (status == PNR_OK && st.st_size == 0)
		return pnr_fail(err, PNR_CORRUPT, "it is empty; remove it");
	if (status == PNR_OK)
		status = pnr_file_read_all(fd, PNR_REMOTE_REF_MAX, out, key, &own);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

static bool is_value(const pnr_buffer *found, const pnr_remote_ref *ref)
{
	return found->length == ref->length && (ref->length == 0 || memcmp(found->data, ref->data, ref->length) == 0);
}

static pnr_status remove_ref(pnr_dir *d, const char *key, pnr_error *err)
{
	int folder;
	const char *name;
	pnr_status status = pnr_dir__enter_for(d, key, false, &folder, &name, err);
	return status == PNR_OK ? pnr_file_unlink(folder, name, 0, err) : status;
}

/* The lock is held; where that means nothing, a new ref still never replaces one. */
static pnr_status write_ref(pnr_dir *d, const char *key, const pnr_remote_ref *value, bool replace, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	unsigned long number = 0;
	pnr_status status = pnr_dir__create_temp(d, &number, &fd, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_write(fd, value->data, value->length, "temporary file", err);
	if (status == PNR_OK)
		status = pnr_file_fsync(fd, "temporary file", err);
	if (status == PNR_OK)
		status = pnr_file_close(&fd, "temporary file", err);
	if (status == PNR_OK)
		status = pnr_dir__publish(d, number, key, replace, err);
	if (status != PNR_OK)
		pnr_dir__discard_temp(d, number);
	return status;
}

static pnr_status set_ref(pnr_dir *d, const char *key, const pnr_remote_ref *expected, const pnr_remote_ref *value,
                          pnr_buffer *found, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = read_ref(d, key, found, err);
	if (status != PNR_OK)
		return status;
	if (is_value(found, value)) {
		status = PNR_OK;
	} else if (!is_value(found, expected)) {
		return pnr_fail(err, PNR_CONFLICT, "it was changed meanwhile; look at what it is now, and try again");
	} else if (value->length == 0) {
		status = remove_ref(d, key, &own);
	} else {
		status = write_ref(d, key, value, found->length > 0, &own);
	}
	if (status == PNR_CONFLICT) {
		status = read_ref(d, key, found, err);
		if (status == PNR_OK)
			status = pnr_fail(err, PNR_CONFLICT, "somebody else made it in this moment; look at it");
		return status;
	}
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	/* Also if it was there: its writer may not have come to this. */
	status = pnr_dir__note(d, key, err);
	return status == PNR_OK ? pnr_dir__sync_folders(d, err) : status;
}

pnr_status pnr_dir__swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                           const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err)
{
	pnr_dir *d = pnr_dir__of(remote);
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_dir__leave(d);
	/* The lock ends with its descriptor. */
	pnr_status status = lock(d, &fd, err);
	if (status == PNR_OK)
		status = set_ref(d, key, expected, value, out_found, err);
	if (status != PNR_OK)
		pnr_context(err, "'%s'", key);
	return status;
}
