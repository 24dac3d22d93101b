#include "base/temp.h"
#include "base/buffer.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ATTEMPTS 100

typedef struct sweep {
	int dir;
	const char *prefix;
	size_t prefix_length;
} sweep;

/* A leftover is a name with our prefix that nobody holds locked. What cannot be opened or removed is left alone. */
static int sweep_name(void *user, const char *name)
{
	const sweep *s = user;
	if (strncmp(name, s->prefix, s->prefix_length) != 0)
		return 0;
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	if (pnr_file_open(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, NULL) != PNR_OK)
		return 0;
	if (pnr_file_lock(fd, LOCK_EX | LOCK_NB, name, NULL) == PNR_OK)
		pnr_ignore(pnr_file_remove_tree(s->dir, name, NULL));
	return 0;
}

static pnr_status create(pnr_temp *temp, pnr_error *err)
{
	pnr_status status;
	if (temp->is_dir) {
		status = pnr_file_mkdir(temp->dir, temp->name, err);
		if (status != PNR_OK)
			return status;
		status = pnr_file_open(temp->dir, temp->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &temp->fd, err);
		if (status != PNR_OK)
			pnr_ignore(pnr_file_unlink(temp->dir, temp->name, AT_REMOVEDIR, NULL));
	} else {
		status = pnr_file_open(temp->dir, temp->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666,
		                       &temp->fd, err);
	}
	return status;
}

/* Between creating and locking a sweeper may take it for a leftover: then it is gone, and we make another. */
static bool still_there(const pnr_temp *temp)
{
	struct stat by_fd, by_name;
	return pnr_file_stat(temp->fd, &by_fd, temp->name, NULL) == PNR_OK &&
	       pnr_file_stat_at(temp->dir, temp->name, &by_name, NULL) == PNR_OK &&
	       by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

static pnr_status open_temp(int dirfd, const char *target, bool is_dir, pnr_temp *out_temp, pnr_error *err)
{
	static atomic_uint counter;
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer prefix = PNR_BUFFER_INIT;
	temp.is_dir = is_dir;
	temp.target = strdup(target);
	pnr_buffer_printf(&prefix, ".%s.pnr-", target);
	if (temp.target == NULL || prefix.failed)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_open_dir(dirfd, ".", &temp.dir, err);
	if (status != PNR_OK)
		return status;
	sweep s = { temp.dir, prefix.data, prefix.length };
	pnr_ignore(pnr_file_list(temp.dir, ".", sweep_name, &s, NULL));

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer name = PNR_BUFFER_INIT;
		pnr_buffer_printf(&name, "%s%ld-%u", prefix.data, (long)getpid(), atomic_fetch_add(&counter, 1));
		free(temp.name);
		temp.name = pnr_buffer_steal(&name);
		if (temp.name == NULL)
			return pnr_fail_nomem(err);
		pnr_error own = PNR_ERROR_INIT;
		status = create(&temp, &own);
		if (status == PNR_OK)
			status = pnr_file_lock(temp.fd, LOCK_EX | LOCK_NB, temp.name, &own);
		if (status == PNR_OK && still_there(&temp)) {
			*out_temp = temp;
			temp = (pnr_temp)PNR_TEMP_INIT;
			return PNR_OK;
		}
		if (status != PNR_OK && status != PNR_CONFLICT && status != PNR_BUSY) {
			if (err != NULL && err->status == PNR_OK)
				*err = own;
			return status;
		}
		/* Or it is there and could not be looked at: the name is ours in any case. */
		if (temp.fd >= 0)
			pnr_ignore(pnr_file_remove_tree(temp.dir, temp.name, NULL));
		pnr_cleanup_close(&temp.fd);
	}
	return pnr_fail(err, PNR_BUSY, "no free name for a temporary file beside '%s'", target);
}

pnr_status pnr_temp_file(int dirfd, const char *target, pnr_temp *out_temp, pnr_error *err)
{
	return open_temp(dirfd, target, false, out_temp, err);
}

pnr_status pnr_temp_dir(int dirfd, const char *target, pnr_temp *out_temp, pnr_error *err)
{
	return open_temp(dirfd, target, true, out_temp, err);
}

static void release(pnr_temp *temp)
{
	pnr_cleanup_close(&temp->fd);
	pnr_cleanup_close(&temp->dir);
	free(temp->name);
	free(temp->target);
	*temp = (pnr_temp)PNR_TEMP_INIT;
}

pnr_status pnr_temp_publish(pnr_temp *temp, pnr_error *err)
{
	pnr_status status = pnr_file_fsync(temp->fd, temp->name, err);
	if (status == PNR_OK)
		status = pnr_file_rename(temp->dir, temp->name, temp->dir, temp->target, err);
	if (status != PNR_OK) {
		pnr_temp_discard(temp);
		return status;
	}
	status = pnr_file_fsync(temp->dir, "the folder", err);
	if (status != PNR_OK)
		status = pnr_context(err, "publishing '%s'", temp->target);
	release(temp);
	return status;
}

void pnr_temp_discard(pnr_temp *temp)
{
	if (temp->fd >= 0 && temp->dir >= 0 && temp->name != NULL)
		pnr_ignore(pnr_file_remove_tree(temp->dir, temp->name, NULL));
	release(temp);
}
