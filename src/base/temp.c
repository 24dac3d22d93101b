#include "base/temp.h"
#include "base/buffer.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define ATTEMPTS 100
#define NAME_SHOWN 200 /* bytes of the target's name; with pid and number they stay below NAME_MAX */

typedef struct sweep {
	int dir;
	const char *prefix;
	size_t prefix_length;
} sweep;

/* Is @fd what @name in @dir leads to? */
static pnr_status check_name(int fd, int dir, const char *name, bool *out_same, pnr_error *err)
{
	struct stat by_fd, by_name;
	pnr_error own = PNR_ERROR_INIT;
	*out_same = false;
	pnr_status status = pnr_file_stat(fd, &by_fd, name, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_stat_at(dir, name, &by_name, &own);
	if (status == PNR_OK)
		*out_same = by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
	if (status == PNR_OK || status == PNR_NOT_FOUND)
		return PNR_OK;
	return pnr_fail_with(err, &own);
}

/* `<pid>-<number>`; whatever else starts like a temporary is not ours. */
static bool is_serial(const char *text)
{
	size_t pid = strspn(text, "0123456789");
	if (pid == 0 || text[pid] != '-')
		return false;
	const char *number = text + pid + 1;
	size_t digits = strspn(number, "0123456789");
	return digits > 0 && number[digits] == '\0';
}

/*
 * A leftover is a name of ours that nobody holds locked. What cannot be opened
 * or removed is left alone. The name is looked at again under the lock: another
 * sweeper may have removed the file, and a new writer made one of that name.
 */
static int sweep_name(void *user, const char *name)
{
	const sweep *s = user;
	if (strncmp(name, s->prefix, s->prefix_length) != 0 || !is_serial(name + s->prefix_length))
		return 0;
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	if (pnr_file_open(s->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, NULL) != PNR_OK)
		return 0;
	bool same = false;
	if (pnr_file_lock(fd, LOCK_EX | LOCK_NB, name, NULL) == PNR_OK &&
	    check_name(fd, s->dir, name, &same, NULL) == PNR_OK && same)
		pnr_ignore(pnr_file_remove_tree(s->dir, name, NULL));
	return 0;
}

static pnr_status create(pnr_temp *temp, pnr_error *err)
{
	if (!temp->is_dir)
		return pnr_file_open(temp->dir, temp->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666,
		                     &temp->fd, err);
	pnr_status status = pnr_file_mkdir(temp->dir, temp->name, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_open(temp->dir, temp->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &temp->fd, err);
	if (status == PNR_NOT_FOUND)
		return PNR_CONFLICT; /* swept, see claim */
	if (status != PNR_OK)
		pnr_ignore(pnr_file_unlink(temp->dir, temp->name, AT_REMOVEDIR, NULL));
	return status;
}

/* Where locks do not exist, nobody sweeps either. */
static pnr_status lock(const pnr_temp *temp, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_lock(temp->fd, LOCK_EX | LOCK_NB, temp->name, &own);
	if (own.detail == ENOLCK || own.detail == EOPNOTSUPP || own.detail == ENOSYS)
		return PNR_OK;
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

/*
 * Make the temporary and lock it. Between the two a sweeper may take it for a
 * leftover: that is CONFLICT, as is a name that is taken, and the next name is tried.
 */
static pnr_status claim(pnr_temp *temp, pnr_error *err)
{
	bool same = false;
	pnr_status status = create(temp, err);
	if (status != PNR_OK)
		return status;
	status = lock(temp, err);
	if (status == PNR_OK)
		status = check_name(temp->fd, temp->dir, temp->name, &same, err);
	if (status == PNR_OK && same)
		return PNR_OK;
	if (status != PNR_OK && status != PNR_BUSY)
		pnr_ignore(pnr_file_remove_tree(temp->dir, temp->name, NULL));
	pnr_cleanup_close(&temp->fd);
	return status == PNR_OK || status == PNR_BUSY ? PNR_CONFLICT : status;
}

static pnr_status claim_a_name(pnr_temp *temp, const char *prefix, pnr_error *err)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer name = PNR_BUFFER_INIT;
		pnr_error own = PNR_ERROR_INIT;
		pnr_buffer_printf(&name, "%s%ld-%d", prefix, (long)getpid(), attempt);
		free(temp->name);
		temp->name = pnr_buffer_steal(&name);
		if (temp->name == NULL)
			return pnr_fail_nomem(err);
		pnr_status status = claim(temp, &own);
		if (status == PNR_OK)
			return PNR_OK;
		if (status != PNR_CONFLICT)
			return pnr_fail_with(err, &own);
	}
	return pnr_fail(err, PNR_BUSY, "no free name for a temporary beside '%s'", temp->target);
}

static pnr_status open_temp(int dirfd, const char *target, bool is_dir, pnr_temp *out_temp, pnr_error *err)
{
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer prefix = PNR_BUFFER_INIT;
	temp.is_dir = is_dir;
	temp.target = strdup(target);
	pnr_buffer_printf(&prefix, ".%.*s.pnr-", NAME_SHOWN, target);
	if (temp.target == NULL || prefix.failed)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_open_dir(dirfd, ".", &temp.dir, err);
	if (status != PNR_OK)
		return status;
	sweep s = { temp.dir, prefix.data, prefix.length };
	pnr_ignore(pnr_file_list(temp.dir, ".", sweep_name, &s, NULL));
	status = claim_a_name(&temp, prefix.data, err);
	if (status != PNR_OK)
		return status;
	*out_temp = temp;
	temp = (pnr_temp)PNR_TEMP_INIT;
	return PNR_OK;
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

static pnr_status rename_to_target(const pnr_temp *temp, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_rename(temp->dir, temp->name, temp->dir, temp->target, &own);
	if (temp->is_dir && own.detail == ENOTDIR)
		return pnr_fail(err, PNR_CONFLICT, "'%s' is a file; a folder cannot take its place", temp->target);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

pnr_status pnr_temp_publish(pnr_temp *temp, pnr_error *err)
{
	pnr_status status = pnr_file_fsync(temp->fd, temp->name, err);
	if (status == PNR_OK)
		status = rename_to_target(temp, err);
	if (status != PNR_OK) {
		pnr_temp_discard(temp);
		return status;
	}
	status = pnr_file_fsync(temp->dir, "the folder", err);
	if (status != PNR_OK)
		pnr_context(err, "publishing '%s'", temp->target);
	release(temp);
	return status;
}

void pnr_temp_discard(pnr_temp *temp)
{
	if (temp->fd >= 0 && temp->dir >= 0 && temp->name != NULL)
		pnr_ignore(pnr_file_remove_tree(temp->dir, temp->name, NULL));
	release(temp);
}
