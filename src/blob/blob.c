#include "blob/blob.h"
#include "base/file.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS "objects"
#define TMP "tmp"
/* Up to here each file is synced by itself; above, one syncfs is cheaper (and syncs the neighbours' files too). */
#define FSYNC_MAX 64u
#define NAME_SIZE 48u

struct pnr_blobs {
	int store; /* opened before the first write: syncfs on it reports every error since */
	int tmp;
	int objects;
	unsigned counter;
	pnr_object *finished;
	size_t finished_count;
};

struct pnr_object {
	pnr_blobs *blobs;
	int fd;
	char temp[NAME_SIZE];
	pnr_object_name name;
	pnr_object *next;
};

pnr_status pnr_blobs_open(int store_dir, pnr_blobs **out_blobs, pnr_error *err)
{
	pnr_blobs *blobs = calloc(1, sizeof *blobs);
	if (blobs == NULL)
		return pnr_fail_nomem(err);
	blobs->tmp = blobs->objects = -1;
	pnr_status status = pnr_file_open_dir(store_dir, ".", &blobs->store, err);
	if (status != PNR_OK) {
		free(blobs);
		return status;
	}
	*out_blobs = blobs;
	return PNR_OK;
}

void pnr_blobs_close(pnr_blobs *blobs)
{
	if (blobs == NULL)
		return;
	while (blobs->finished != NULL) {
		pnr_object *object = blobs->finished;
		blobs->finished = object->next;
		pnr_object_discard(object);
	}
	pnr_cleanup_close(&blobs->objects);
	pnr_cleanup_close(&blobs->tmp);
	pnr_cleanup_close(&blobs->store);
	free(blobs);
}

/* A link is not followed: a store that came with somebody's files must not lead out of itself. */
static pnr_status open_own(const pnr_blobs *blobs, const char *name, int *out_fd, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status =
		pnr_file_open(blobs->store, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out_fd, &own);
	if (own.detail == ENOTDIR || own.detail == ELOOP)
		return pnr_fail(err, PNR_DENIED, "'%s' in the store is a link or a file, not a folder", name);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

static pnr_status open_folder(const pnr_blobs *blobs, const char *name, int *fd, pnr_error *err)
{
	if (*fd >= 0)
		return PNR_OK;
	pnr_status status = pnr_file_make_dirs(blobs->store, name, err);
	return status == PNR_OK ? open_own(blobs, name, fd, err) : status;
}

pnr_status pnr_object_new(pnr_blobs *blobs, pnr_object **out_object, pnr_error *err)
{
	pnr_status status = open_folder(blobs, TMP, &blobs->tmp, err);
	if (status != PNR_OK)
		return status;
	pnr_object *object = calloc(1, sizeof *object);
	if (object == NULL)
		return pnr_fail_nomem(err);
	object->blobs = blobs;
	object->fd = -1;
	pnr_error own;
	do {
		own = (pnr_error)PNR_ERROR_INIT;
		(void)snprintf(object->temp, sizeof object->temp, "%ld-%u", (long)getpid(), blobs->counter++);
		status = pnr_file_open(blobs->tmp, object->temp, O_RDWR | O_CREAT | O_EXCL, 0666, &object->fd,
		                       &own);
	} while (status == PNR_CONFLICT);
	if (status != PNR_OK) {
		free(object);
		return pnr_fail_with(err, &own);
	}
	*out_object = object;
	return PNR_OK;
}

int pnr_object_fd(const pnr_object *object)
{
	return object->fd;
}

const char *pnr_object_temp_name(const pnr_object *object)
{
	return object->temp;
}

void pnr_object_discard(pnr_object *object)
{
	if (object == NULL)
		return;
	pnr_cleanup_close(&object->fd);
	if (object->temp[0] != '\0')
		pnr_ignore(pnr_file_unlink(object->blobs->tmp, object->temp, 0, NULL));
	free(object);
}

pnr_status pnr_blobs_scratch(pnr_blobs *blobs, int *out_fd, pnr_error *err)
{
	pnr_object *object = NULL;
	pnr_status status = pnr_object_new(blobs, &object, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_unlink(blobs->tmp, object->temp, 0, err);
	if (status == PNR_OK) {
		object->temp[0] = '\0';
		*out_fd = object->fd;
		object->fd = -1;
	}
	pnr_object_discard(object);
	return status;
}

pnr_status pnr_object_finish(pnr_object *object, const pnr_object_name *name, pnr_error *err)
{
	pnr_blobs *blobs = object->blobs;
	/* Beyond the limit syncfs will do: the descriptor is not needed any more. */
	if (blobs->finished_count >= FSYNC_MAX) {
		pnr_status status = pnr_file_close(&object->fd, object->temp, err);
		if (status != PNR_OK) {
			pnr_object_discard(object);
			return status;
		}
	}
	object->name = *name;
	object->next = blobs->finished;
	blobs->finished = object;
	blobs->finished_count++;
	return PNR_OK;
}

char *pnr_object_path(const pnr_object_name *name, char out_path[PNR_OBJECT_PATH_SIZE])
{
	char hash[PNR_DIGEST_HEX_SIZE], stored[PNR_DIGEST_HEX_SIZE];
	pnr_digest_to_hex(&name->hash, hash);
	pnr_digest_to_hex(&name->stored_hash, stored);
	(void)snprintf(out_path, PNR_OBJECT_PATH_SIZE, OBJECTS "/%.2s/%s.%.16s.%s", hash, hash, stored,
	               name->suffix);
	return out_path;
}

static pnr_status sync_bytes(pnr_blobs *blobs, pnr_error *err)
{
	if (blobs->finished_count > FSYNC_MAX)
		return pnr_file_syncfs(blobs->store, "the store", err);
	for (pnr_object *object = blobs->finished; object != NULL; object = object->next) {
		pnr_status status = pnr_file_fsync(object->fd, object->temp, err);
		if (status == PNR_OK)
			status = pnr_file_close(&object->fd, object->temp, err);
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

/* Rename everything to its name. @touched notes the folders of objects/ whose entries changed. */
static pnr_status rename_all(pnr_blobs *blobs, bool touched[256], pnr_error *err)
{
	for (pnr_object *object = blobs->finished; object != NULL; object = object->next) {
		char path[PNR_OBJECT_PATH_SIZE];
		char folder[sizeof OBJECTS + 3];
		uint8_t first = object->name.hash.bytes[0];
		pnr_object_path(&object->name, path);
		(void)snprintf(folder, sizeof folder, "%.*s", (int)sizeof folder - 1, path);
		if (!touched[first]) {
			pnr_error own = PNR_ERROR_INIT;
			pnr_status made = pnr_file_mkdir(blobs->store, folder, &own);
			if (made != PNR_OK && made != PNR_CONFLICT)
				return pnr_fail_with(err, &own);
			touched[first] = true;
		}
		pnr_status status = pnr_file_rename(blobs->tmp, object->temp, blobs->store, path, err);
		if (status != PNR_OK)
			return status;
		object->temp[0] = '\0';
	}
	return PNR_OK;
}

static pnr_status sync_folders(pnr_blobs *blobs, const bool touched[256], pnr_error *err)
{
	if (blobs->finished_count > FSYNC_MAX)
		return pnr_file_syncfs(blobs->store, "the store", err);
	for (unsigned i = 0; i < 256; i++) {
		char folder[sizeof OBJECTS + 3];
		PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
		if (!touched[i])
			continue;
		(void)snprintf(folder, sizeof folder, OBJECTS "/%02x", i);
		pnr_status status = pnr_file_open_dir(blobs->store, folder, &fd, err);
		if (status == PNR_OK)
			status = pnr_file_fsync(fd, folder, err);
		if (status != PNR_OK)
			return status;
	}
	/* The folders' own entries: also of those that a crash or another process left made but not synced. */
	pnr_status status = pnr_file_fsync(blobs->objects, OBJECTS, err);
	return status == PNR_OK ? pnr_file_fsync(blobs->store, "the store", err) : status;
}

static void forget_all(pnr_blobs *blobs)
{
	while (blobs->finished != NULL) {
		pnr_object *object = blobs->finished;
		blobs->finished = object->next;
		pnr_object_discard(object);
	}
	blobs->finished_count = 0;
}

pnr_status pnr_blobs_commit(pnr_blobs *blobs, pnr_error *err)
{
	bool touched[256] = { false };
	if (blobs->finished == NULL)
		return PNR_OK;
	pnr_status status = open_folder(blobs, OBJECTS, &blobs->objects, err);
	if (status == PNR_OK)
		status = sync_bytes(blobs, err);
	if (status == PNR_OK)
		status = rename_all(blobs, touched, err);
	if (status == PNR_OK)
		status = sync_folders(blobs, touched, err);
	forget_all(blobs);
	if (status != PNR_OK)
		pnr_context(err, "storing objects");
	return status;
}

pnr_status pnr_blobs_open_object(const pnr_blobs *blobs, const pnr_object_name *name, int *out_fd, pnr_error *err)
{
	char path[PNR_OBJECT_PATH_SIZE];
	pnr_object_path(name, path);
	return pnr_file_open(blobs->store, path, O_RDONLY | O_NOFOLLOW, 0, out_fd, err);
}

pnr_status pnr_blobs_remove(pnr_blobs *blobs, const pnr_object_name *name, pnr_error *err)
{
	char path[PNR_OBJECT_PATH_SIZE];
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_unlink(blobs->store, pnr_object_path(name, path), 0, &own);
	return status == PNR_OK || status == PNR_NOT_FOUND ? PNR_OK : pnr_fail_with(err, &own);
}

typedef struct sweep {
	int dir;
	pnr_status status;
	pnr_error *err;
} sweep;

static int sweep_name(void *user, const char *name)
{
	sweep *s = user;
	/* Only names that pnr_object_new gives: what else is there is somebody's. */
	if (name[strspn(name, "0123456789-")] != '\0')
		return 0;
	s->status = pnr_file_unlink(s->dir, name, 0, s->err);
	return s->status != PNR_OK;
}

pnr_status pnr_blobs_sweep(pnr_blobs *blobs, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = open_own(blobs, TMP, &dir, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	sweep s = { dir, PNR_OK, err };
	status = pnr_file_list(dir, TMP, sweep_name, &s, err);
	return status == PNR_OK ? s.status : status;
}

/* A folder that is listed. */
typedef struct listing {
	const pnr_blobs *blobs;
	const char *path; /* below the store's folder */
	bool deeper;      /* its folders are listed, too */
	pnr_blobs_file_fn fn;
	void *user;
	pnr_status status;
	pnr_error *err;
} listing;

static pnr_status list_folder(const listing *l);

static int list_name(void *user, const char *name)
{
	listing *l = user;
	PNR_CLEANUP(pnr_cleanup_free) char *path = pnr_path_join(l->path, name);
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	if (path == NULL) {
		l->status = pnr_fail_nomem(l->err);
		return 1;
	}
	l->status = pnr_file_stat_at(l->blobs->store, path, &st, &own);
	/* Another process may just have renamed it. */
	if (l->status == PNR_NOT_FOUND)
		l->status = PNR_OK;
	else if (l->status != PNR_OK)
		l->status = pnr_fail_with(l->err, &own);
	else if (l->deeper && S_ISDIR(st.st_mode))
		l->status = list_folder(&(listing){ l->blobs, path, false, l->fn, l->user, PNR_OK, l->err });
	else
		l->status = l->fn(l->user, path, (uint64_t)st.st_size, l->err);
	return l->status != PNR_OK;
}

static pnr_status list_folder(const listing *l)
{
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	pnr_error own = PNR_ERROR_INIT;
	listing level = *l;
	pnr_status status = open_own(l->blobs, l->path, &dir, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fail_with(l->err, &own);
	status = pnr_file_list(dir, l->path, list_name, &level, l->err);
	return status == PNR_OK ? level.status : status;
}

pnr_status pnr_blobs_files(const pnr_blobs *blobs, bool leftovers, pnr_blobs_file_fn fn, void *user, pnr_error *err)
{
	return list_folder(&(listing){ blobs, leftovers ? TMP : OBJECTS, !leftovers, fn, user, PNR_OK, err });
}
