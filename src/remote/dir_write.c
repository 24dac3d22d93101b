#include "remote/dir.h"
#include "base/file.h"
#include "base/flush.h"
#include "codec/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/vfs.h>

/* Up to here each file, and each folder, is synced by itself; above, one syncfs is cheaper. */
#define FSYNC_MAX 64u
/* What is written before it is published: objects and bytes. */
#define BATCH_MAX 4096u
#define BATCH_BYTES ((uint64_t)PNR_MIB * 1024)
#define STALE_SECONDS (24 * 60 * 60)
#define NAME_SIZE 48

/* --------------------------------------------------------------- syncing -- */

/* statfs(2) has the numbers. Not SMB and FUSE, say; nor one that does not tell what it is. */
bool pnr_dir__is_syncfs_enough(int fd)
{
	static const unsigned long types[] = {
		0xef53,     /* ext2, ext3, ext4 */
		0x58465342, /* xfs */
		0x9123683e, /* btrfs */
		0x01021994, /* tmpfs */
		0x794c7630, /* overlayfs */
		0xf2f52010, /* f2fs */
		0x2fc12fc1, /* zfs */
		0xca451a4e, /* bcachefs */
		0x4d44,     /* FAT */
		0x2011bab0, /* exFAT */
		0x7366746e, /* ntfs3 */
	};
	struct statfs fs;
	if (pnr_file_ask(PNR_CALL_STAT, NULL) != 0 || fstatfs(fd, &fs) != 0)
		return false;
	for (size_t i = 0; i < PNR_COUNT(types); i++)
		if ((unsigned long)fs.f_type == types[i])
			return true;
	return false;
}

static pnr_status sync_all(const pnr_dir *d, pnr_error *err)
{
	return pnr_file_syncfs(d->root, "the file system", err);
}

/* Some file systems know no fsync of a folder: there a rename is as durable as it gets. */
pnr_status pnr_dir__sync_folder(int fd, const char *name, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_fsync(fd, name, &own);
	if (own.detail == EINVAL || own.detail == EOPNOTSUPP || own.detail == ENOSYS || own.detail == EROFS)
		return PNR_OK;
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

/* Make the names durable that were noted. */
pnr_status pnr_dir__sync_folders(pnr_dir *d, pnr_error *err)
{
	pnr_status status = d->many ? sync_all(d, err) : PNR_OK;
	for (size_t i = 0; i < d->unsynced_count && !d->many && status == PNR_OK; i++) {
		int fd;
		pnr_error own = PNR_ERROR_INIT;
		status = pnr_dir__enter(d, d->unsynced[i], strlen(d->unsynced[i]), false, &fd, &own);
		if (status == PNR_OK)
			status = pnr_dir__sync_folder(fd, d->unsynced[i], &own);
		/* Gone, and all in it. */
		status = status == PNR_OK || status == PNR_NOT_FOUND ? PNR_OK : pnr_fail_with(err, &own);
	}
	if (status != PNR_OK)
		return status;
	while (d->unsynced_count > 0)
		free(d->unsynced[--d->unsynced_count]);
	d->many = false;
	return PNR_OK;
}

static pnr_status note_folder(pnr_dir *d, const char *path, size_t length, pnr_error *err)
{
	for (size_t i = 0; i < d->unsynced_count; i++)
		if (strncmp(d->unsynced[i], path, length) == 0 && d->unsynced[i][length] == '\0')
			return PNR_OK;
	if (d->unsynced_count == FSYNC_MAX && d->syncfs_is_enough) {
		d->many = true;
		return PNR_OK;
	}
	if (d->unsynced_count == PNR_DIR_FOLDERS_MAX) {
		pnr_status status = pnr_dir__sync_folders(d, err);
		if (status != PNR_OK)
			return status;
	}
	char *copy = strndup(path, length);
	if (copy == NULL)
		return pnr_fail_nomem(err);
	d->unsynced[d->unsynced_count++] = copy;
	return PNR_OK;
}

/*
 * The name @key was seen or made. It may not be durable, nor may those of its folders: who made them may be another
 * process that is not done yet, or was killed.
 */
pnr_status pnr_dir__note(pnr_dir *d, const char *key, pnr_error *err)
{
	pnr_status status = d->many ? PNR_OK : note_folder(d, "", 0, err);
	for (const char *slash = strchr(key, '/'); slash != NULL && status == PNR_OK && !d->many;
	     slash = strchr(slash + 1, '/'))
		status = note_folder(d, key, (size_t)(slash - key), err);
	return status;
}

/* ------------------------------------------------------------ temporaries -- */

static char *temp_name(const pnr_dir *d, unsigned long number, char name[NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "%s-%lu", d->id, number);
	return name;
}

static bool is_temp_name(const char *name)
{
	size_t id = strspn(name, "0123456789abcdef");
	return id == 16 && name[id] == '-' && name[id + 1] != '\0' &&
	       name[id + 1 + strspn(name + id + 1, "0123456789")] == '\0';
}

typedef struct sweep {
	int tmp;
	time_t limit;
} sweep;

static int sweep_name(void *user, const char *name)
{
	const sweep *s = user;
	struct stat st;
	if (is_temp_name(name) && pnr_file_stat_at(s->tmp, name, &st, NULL) == PNR_OK && st.st_mtime < s->limit)
		pnr_ignore(pnr_file_unlink(s->tmp, name, 0, NULL));
	return 0;
}

/*
 * Remove what was not written to for a day, by the clock that gave @fd its time: the file server's perhaps. Whether its
 * writer lives cannot be known, as it may run on another machine; if so, its put fails, and can be repeated.
 */
static void remove_stale(const pnr_dir *d, int fd)
{
	struct stat st;
	if (pnr_file_stat(fd, &st, "temporary file", NULL) != PNR_OK)
		return;
	sweep s = { d->tmp, st.st_mtime - STALE_SECONDS };
	pnr_ignore(pnr_file_list(d->tmp, PNR_DIR_TMP, sweep_name, &s, NULL));
}

static pnr_status open_tmp(pnr_dir *d, pnr_error *err)
{
	uint64_t id = 0;
	if (d->tmp >= 0)
		return PNR_OK;
	if (getrandom(&id, sizeof id, 0) != (ssize_t)sizeof id)
		return pnr_fail_errno(err, errno, "random number");
	(void)snprintf(d->id, sizeof d->id, "%016llx", (unsigned long long)id);
	return pnr_dir__make_folder(d, d->root, PNR_DIR_TMP, &d->tmp, err);
}

void pnr_dir__discard_temp(const pnr_dir *d, unsigned long number)
{
	char name[NAME_SIZE];
	pnr_ignore(pnr_file_unlink(d->tmp, temp_name(d, number, name), 0, NULL));
}

pnr_status pnr_dir__create_temp(pnr_dir *d, unsigned long *out_number, int *out_fd, pnr_error *err)
{
	char name[NAME_SIZE];
	pnr_status status = open_tmp(d, err);
	if (status != PNR_OK)
		return status;
	pnr_error own = PNR_ERROR_INIT;
	unsigned long number = ++d->number;
	status = pnr_file_open(d->tmp, temp_name(d, number, name), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666, out_fd,
	                       &own);
	if (status != PNR_OK)
		return pnr_dir__not_made(&own, err);
	if (number == 1)
		remove_stale(d, *out_fd);
	*out_number = number;
	return PNR_OK;
}

/* ---------------------------------------------------------------- putting -- */

static pnr_status copy_body(pnr_dir *d, pnr_remote_upload *upload, int fd, pnr_hash *hash, pnr_flush *flush,
                            pnr_error *err)
{
	size_t most = upload->size < PNR_DIR_PIECE ? (size_t)upload->size + 1 : PNR_DIR_PIECE;
	PNR_CLEANUP(pnr_cleanup_free) char *piece = malloc(most);
	if (piece == NULL)
		return pnr_fail_nomem(err);
	for (uint64_t at = 0; at < upload->size;) {
		size_t length = upload->size - at < PNR_DIR_PIECE ? (size_t)(upload->size - at) : PNR_DIR_PIECE;
		pnr_status status = pnr_remote_read_body(&d->base, upload, at, piece, length, err);
		if (status == PNR_OK)
			status = pnr_hash_update(hash, piece, length, err);
		if (status == PNR_OK)
			status = pnr_file_write(fd, piece, length, "temporary file", err);
		if (status == PNR_OK)
			status = pnr_remote_sent(&d->base, upload, length, err);
		at += length;
		if (status == PNR_OK)
			status = pnr_flush_behind(flush, at, err);
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

static pnr_status write_body(pnr_dir *d, pnr_remote_upload *upload, int fd, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_flush flush = { .fd = fd, .name = "temporary file" };
	pnr_error own = PNR_ERROR_INIT;
	pnr_digest digest;
	pnr_status status = pnr_hash_new(&hash, err);
	if (status != PNR_OK)
		return status;
	status = copy_body(d, upload, fd, hash, &flush, &own);
	pnr_remote_close_body(upload);
	pnr_status flushed = pnr_flush_end(&flush, &own);
	if (status == PNR_OK)
		status = flushed;
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, &digest, NULL, NULL, &own);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	return pnr_digest_equal(&digest, &upload->hash) ? PNR_OK : pnr_remote_wrong_body(&d->base, upload, err);
}

/* Its descriptor is kept for sync_bytes, if that will use it. */
static pnr_status finish_temp(pnr_dir *d, int *fd, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (!d->syncfs_is_enough)
		status = pnr_file_fsync(*fd, "temporary file", err);
	if (status == PNR_OK && (!d->syncfs_is_enough || d->written >= FSYNC_MAX))
		status = pnr_file_close(fd, "temporary file", err);
	return status;
}

static pnr_status write_temp(pnr_dir *d, pnr_remote_upload *upload, pnr_staged *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	unsigned long number = 0;
	pnr_status status = pnr_dir__create_temp(d, &number, &fd, err);
	if (status != PNR_OK)
		return status;
	status = write_body(d, upload, fd, err);
	if (status == PNR_OK)
		status = finish_temp(d, &fd, err);
	if (status != PNR_OK) {
		pnr_dir__discard_temp(d, number);
		return status;
	}
	*out = (pnr_staged){ upload, number, fd, PNR_REMOTE_PENDING };
	fd = -1;
	return PNR_OK;
}

/* Write it to a temporary, unless it is there. */
static pnr_status stage(pnr_dir *d, pnr_remote_upload *upload, pnr_error *err)
{
	pnr_staged s = { upload, 0, -1, PNR_REMOTE_THERE };
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = PNR_NOT_FOUND;
	if (upload->mode == PNR_REMOTE_IF_ABSENT)
		status = pnr_dir__look(d, upload->key, &st, &own);
	if (status == PNR_OK) {
		status = pnr_dir__note(d, upload->key, err);
	} else if (status == PNR_NOT_FOUND) {
		status = write_temp(d, upload, &s, err);
		d->written += status == PNR_OK;
	} else {
		return pnr_fail_with(err, &own);
	}
	if (status != PNR_OK)
		return status;
	d->staged[d->staged_count++] = s;
	d->staged_bytes += s.number == 0 ? 0 : upload->size;
	return PNR_OK;
}

static pnr_status sync_bytes(pnr_dir *d, pnr_error *err)
{
	if (d->written > FSYNC_MAX && d->syncfs_is_enough)
		return sync_all(d, err);
	for (size_t i = 0; i < d->staged_count; i++) {
		pnr_staged *s = &d->staged[i];
		if (s->fd < 0)
			continue;
		pnr_status status = pnr_file_fsync(s->fd, "temporary file", err);
		if (status == PNR_OK)
			status = pnr_file_close(&s->fd, "temporary file", err);
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

static bool cannot(int errnum)
{
	return errnum == EINVAL || errnum == ENOSYS || errnum == EOPNOTSUPP || errnum == EPERM;
}

/* CONFLICT: the name is taken. The best that the file system has, and what it has not is not tried again. */
static pnr_status rename_new(pnr_dir *d, const char *temp, int folder, const char *name, pnr_error *err)
{
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	if (!d->no_rename_new) {
		pnr_status status = pnr_file_rename_new(d->tmp, temp, folder, name, &own);
		if (status == PNR_OK || !cannot(own.detail))
			return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
		d->no_rename_new = true;
		pnr_error_clear(&own);
	}
	if (!d->no_link) {
		pnr_status status = pnr_file_link(d->tmp, temp, folder, name, &own);
		if (status == PNR_OK)
			return pnr_file_unlink(d->tmp, temp, 0, err);
		if (!cannot(own.detail))
			return pnr_fail_with(err, &own);
		d->no_link = true;
		pnr_error_clear(&own);
	}
	pnr_status status = pnr_file_stat_at(folder, name, &st, &own);
	if (status == PNR_OK)
		return pnr_fail(err, PNR_CONFLICT, "the name is taken");
	if (status != PNR_NOT_FOUND)
		return pnr_fail_with(err, &own);
	return pnr_file_rename(d->tmp, temp, folder, name, err);
}

/* Give the temporary @number the name @key. CONFLICT: @replace is false, and an object has it. */
pnr_status pnr_dir__publish(pnr_dir *d, unsigned long number, const char *key, bool replace, pnr_error *err)
{
	char temp[NAME_SIZE];
	int folder;
	const char *name;
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_dir__enter_for(d, key, true, &folder, &name, err);
	if (status != PNR_OK)
		return status;
	temp_name(d, number, temp);
	status = replace ? pnr_file_rename(d->tmp, temp, folder, name, &own)
	                 : rename_new(d, temp, folder, name, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_RETRY, "its temporary file or its folder was removed meanwhile; try again");
	if (status == PNR_CONFLICT && pnr_file_stat_at(folder, name, &st, NULL) == PNR_OK && !S_ISREG(st.st_mode))
		return pnr_dir__in_the_way(st.st_mode, err);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

static pnr_status publish_staged(pnr_dir *d, pnr_staged *s, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	bool replace = s->upload->mode == PNR_REMOTE_REPLACE;
	if (s->outcome == PNR_REMOTE_THERE)
		return PNR_OK;
	pnr_status status = pnr_dir__publish(d, s->number, s->upload->key, replace, &own);
	if (status == PNR_CONFLICT && !replace) {
		s->outcome = PNR_REMOTE_THERE; /* since we looked */
	} else if (status != PNR_OK) {
		return pnr_fail_with(err, &own);
	} else {
		s->outcome = PNR_REMOTE_PUT;
		s->number = 0;
	}
	return pnr_dir__note(d, s->upload->key, err);
}

static pnr_status publish_all(pnr_dir *d, pnr_error *err)
{
	pnr_status status = sync_bytes(d, err);
	/* What was found by `has` and may be referred to. */
	if (status == PNR_OK)
		status = pnr_dir__sync_folders(d, err);
	for (size_t i = 0; i < d->staged_count && status == PNR_OK; i++) {
		status = publish_staged(d, &d->staged[i], err);
		if (status != PNR_OK)
			pnr_context(err, "'%s'", d->staged[i].upload->key);
	}
	return status == PNR_OK ? pnr_dir__sync_folders(d, err) : status;
}

/* Throw away what was not published. */
static void forget_staged(pnr_dir *d)
{
	for (size_t i = 0; i < d->staged_count; i++) {
		pnr_cleanup_close(&d->staged[i].fd);
		if (d->staged[i].number != 0)
			pnr_dir__discard_temp(d, d->staged[i].number);
	}
	d->staged_count = d->written = 0;
	d->staged_bytes = 0;
}

static pnr_status commit(pnr_dir *d, pnr_error *err)
{
	pnr_status status = publish_all(d, err);
	for (size_t i = 0; i < d->staged_count && status == PNR_OK; i++)
		d->staged[i].upload->outcome = d->staged[i].outcome;
	forget_staged(d);
	return status;
}

pnr_status pnr_dir__put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err)
{
	pnr_dir *d = pnr_dir__of(remote);
	pnr_status status = PNR_OK;
	pnr_dir__leave(d);
	if (d->staged == NULL && (d->staged = calloc(BATCH_MAX, sizeof *d->staged)) == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count && status == PNR_OK; i++) {
		status = pnr_remote_poll(remote, err);
		if (status == PNR_OK && (d->staged_count == BATCH_MAX || d->staged_bytes >= BATCH_BYTES))
			status = commit(d, err);
		if (status != PNR_OK)
			break;
		status = stage(d, &uploads[i], err);
		if (status != PNR_OK)
			pnr_context(err, "'%s'", uploads[i].key);
	}
	if (status == PNR_OK)
		return commit(d, err);
	forget_staged(d);
	return status;
}
