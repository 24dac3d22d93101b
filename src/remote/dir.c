#include "remote/dir.h"
#include "base/file.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	default:
		return "a device";
	}
}

pnr_status pnr_dir__in_the_way(mode_t mode, pnr_error *err)
{
	return pnr_fail(err, PNR_CORRUPT, "%s is in its place; remove it", kind_of(mode));
}

/* @own is why something could not be made in a folder of the remote. */
pnr_status pnr_dir__not_made(const pnr_error *own, pnr_error *err)
{
	if (own->detail != EACCES)
		return pnr_fail_with(err, own);
	return pnr_fail(err, PNR_DENIED, "%s; the folders of a remote must be writable to all who push to it",
	                own->message);
}

/* --------------------------------------------------------------- folders -- */

void pnr_dir__leave(pnr_dir *d)
{
	pnr_cleanup_close(&d->folder);
	d->folder_name[0] = '\0';
}

/* Open the folder @name in @at. Neither a link nor anything else is taken for one. */
static pnr_status open_folder(int at, const char *name, int *out_fd, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out_fd, &own);
	if (own.detail == ENOTDIR || own.detail == ELOOP)
		return pnr_fail(err, PNR_CORRUPT, "'%s' is a link or a file, not a folder; remove it", name);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

/* New folders are as open to others as the remote's own: who shares it shares them, whatever the umask. */
pnr_status pnr_dir__make_folder(const pnr_dir *d, int at, const char *name, int *out_fd, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status made = pnr_file_mkdir(at, name, &own);
	if (made != PNR_OK && own.detail != EEXIST)
		return pnr_dir__not_made(&own, err);
	pnr_status status = open_folder(at, name, out_fd, err);
	if (status == PNR_OK && made == PNR_OK)
		pnr_ignore(pnr_file_chmod(*out_fd, d->mode, name, NULL)); /* FAT has none */
	return status;
}

/* The folder at @path below the root, name by name. */
static pnr_status walk(const pnr_dir *d, const char *path, bool make, int *out_fd, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int at = -1;
	char names[PNR_REMOTE_KEY_MAX + 1];
	(void)snprintf(names, sizeof names, "%s", path);
	for (char *name = names, *end; name != NULL; name = end) {
		int next = -1;
		int from = at < 0 ? d->root : at;
		end = strchr(name, '/');
		if (end != NULL)
			*end++ = '\0';
		pnr_status status = make ? pnr_dir__make_folder(d, from, name, &next, err)
		                         : open_folder(from, name, &next, err);
		if (status != PNR_OK)
			return status;
		pnr_cleanup_close(&at);
		at = next;
	}
	*out_fd = at;
	at = -1;
	return PNR_OK;
}

/*
 * The folder @path ("" is the root), @length bytes of it, which stays open until the next call. Folders are made if
 * @make, else a missing one is NOT_FOUND.
 */
pnr_status pnr_dir__enter(pnr_dir *d, const char *path, size_t length, bool make, int *out_fd, pnr_error *err)
{
	if (length == 0) {
		*out_fd = d->root;
		return PNR_OK;
	}
	if (d->folder < 0 || strncmp(d->folder_name, path, length) != 0 || d->folder_name[length] != '\0') {
		pnr_dir__leave(d);
		(void)snprintf(d->folder_name, sizeof d->folder_name, "%.*s", (int)length, path);
		pnr_status status = walk(d, d->folder_name, make, &d->folder, err);
		if (status != PNR_OK)
			return status;
	}
	*out_fd = d->folder;
	return PNR_OK;
}

/* The folder that the object @key is in, and its name there. */
pnr_status pnr_dir__enter_for(pnr_dir *d, const char *key, bool make, int *out_fd, const char **out_name,
                              pnr_error *err)
{
	const char *slash = strrchr(key, '/');
	*out_name = slash == NULL ? key : slash + 1;
	return pnr_dir__enter(d, key, slash == NULL ? 0 : (size_t)(slash - key), make, out_fd, err);
}

/* What lies at @key. NOT_FOUND: nothing; CORRUPT: no object, or in something that is no folder. */
pnr_status pnr_dir__look(pnr_dir *d, const char *key, struct stat *out_stat, pnr_error *err)
{
	int folder;
	const char *name;
	pnr_status status = pnr_dir__enter_for(d, key, false, &folder, &name, err);
	if (status == PNR_OK)
		status = pnr_file_stat_at(folder, name, out_stat, err);
	if (status == PNR_OK && !S_ISREG(out_stat->st_mode))
		return pnr_dir__in_the_way(out_stat->st_mode, err);
	return status;
}

/* ------------------------------------------------------- asking and getting -- */

static pnr_status has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err)
{
	pnr_dir *d = pnr_dir__of(remote);
	pnr_dir__leave(d);
	for (size_t i = 0; i < count; i++) {
		pnr_remote_query *q = &queries[i];
		pnr_error own = PNR_ERROR_INIT;
		struct stat st;
		pnr_status status = pnr_remote_poll(remote, &own);
		if (status == PNR_OK) {
			status = q->status = pnr_dir__look(d, q->key, &st, &own);
			if (status == PNR_NOT_FOUND || status == PNR_CORRUPT)
				continue;
			q->size = status == PNR_OK ? (uint64_t)st.st_size : 0;
		}
		if (status == PNR_OK)
			status = pnr_dir__note(d, q->key, &own);
		if (status != PNR_OK) {
			pnr_context(&own, "'%s'", q->key);
			return pnr_fail_with(err, &own);
		}
	}
	return PNR_OK;
}

/* Open the object @key. It is no link, and nothing that reading would wait for. */
pnr_status pnr_dir__open_object(pnr_dir *d, const char *key, int *out_fd, struct stat *out_stat, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	int folder;
	const char *name;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_dir__enter_for(d, key, false, &folder, &name, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_open(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, &own);
	if (own.detail == ELOOP || own.detail == ENXIO)
		return pnr_dir__in_the_way(own.detail == ELOOP ? S_IFLNK : S_IFSOCK, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, out_stat, name, &own);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	if (!S_ISREG(out_stat->st_mode))
		return pnr_dir__in_the_way(out_stat->st_mode, err);
	*out_fd = fd;
	fd = -1;
	return PNR_OK;
}

static pnr_status fetch(pnr_dir *d, pnr_remote_download *download, char *piece, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	struct stat st;
	pnr_status status = pnr_dir__open_object(d, download->key, &fd, &st, err);
	if (status != PNR_OK)
		return status;
	/* As large as it is now, even if somebody writes to it. */
	pnr_file_range range = { fd, 0, (uint64_t)st.st_size, download->key };
	pnr_source source = pnr_file_range_source(&range);
	for (;;) {
		size_t length = 0;
		status = source.read(source.context, piece, PNR_DIR_PIECE, &length, err);
		if (status != PNR_OK)
			return status;
		if (length == 0)
			return pnr_remote_given(&d->base, download, err);
		status = pnr_remote_give(&d->base, download, piece, length, err);
		if (status != PNR_OK)
			return status;
	}
}

static pnr_status get(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	pnr_dir *d = pnr_dir__of(remote);
	PNR_CLEANUP(pnr_cleanup_free) char *piece = malloc(PNR_DIR_PIECE);
	if (piece == NULL)
		return pnr_fail_nomem(err);
	pnr_dir__leave(d);
	for (size_t i = 0; i < count; i++) {
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = fetch(d, &downloads[i], piece, &own);
		/* Neither the sink's nor `done`'s. */
		if (status == PNR_NOT_FOUND && !remote->ours) {
			downloads[i].status = PNR_NOT_FOUND;
		} else if (status != PNR_OK) {
			pnr_context(&own, "'%s'", downloads[i].key);
			return pnr_fail_with(err, &own);
		}
	}
	return PNR_OK;
}

/* ---------------------------------------------------------------- listing -- */

typedef struct walker {
	pnr_dir *dir;
	const char *prefix;
	pnr_remote_list_fn fn;
	void *user;
	uint64_t *foreign;
	pnr_error *err;
	pnr_status status;
	bool stopped;
} walker;

/* A folder on the way. */
typedef struct walked {
	walker *walker;
	int fd;
	const char *path; /* "" is the root */
} walked;

static pnr_status walk_folder(walker *w, int fd, const char *path);

/* As far as both go: a folder on the way to the prefix, or below it. */
static bool matches(const char *prefix, const char *path)
{
	while (*prefix != '\0' && *prefix == *path) {
		prefix++;
		path++;
	}
	return *prefix == '\0' || (*path == '\0' && *prefix == '/');
}

static pnr_status walk_into(walker *w, int at, const char *name, const char *path)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = open_folder(at, name, &fd, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK) {
		pnr_context(&own, "'%s'", path);
		return pnr_fail_with(w->err, &own);
	}
	return walk_folder(w, fd, path);
}

static pnr_status walk_name(walker *w, const walked *folder, const char *name)
{
	char path[PNR_REMOTE_KEY_MAX + PNR_REMOTE_NAME_MAX + 2];
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	bool top = folder->path[0] == '\0';
	(void)snprintf(path, sizeof path, "%s%s%.255s", folder->path, top ? "" : "/", name);
	if (!matches(w->prefix, path) || (top && (strcmp(name, PNR_DIR_TMP) == 0 || strcmp(name, PNR_DIR_LOCK) == 0)))
		return PNR_OK;
	if (pnr_remote_key_problem(path) != NULL) {
		++*w->foreign;
		return PNR_OK;
	}
	pnr_status status = pnr_file_stat_at(folder->fd, name, &st, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fail_with(w->err, &own);
	if (S_ISDIR(st.st_mode))
		return walk_into(w, folder->fd, name, path);
	if (!S_ISREG(st.st_mode))
		++*w->foreign;
	else if (strlen(path) >= strlen(w->prefix))
		w->stopped = w->fn(w->user, path, (uint64_t)st.st_size) != 0;
	return PNR_OK;
}

static int walk_entry(void *user, const char *name)
{
	const walked *folder = user;
	walker *w = folder->walker;
	w->status = walk_name(w, folder, name);
	return w->status != PNR_OK || w->stopped;
}

/* As deep as a key is. */
static pnr_status walk_folder(walker *w, int fd, const char *path) /* NOLINT(misc-no-recursion) */
{
	walked folder = { w, fd, path };
	pnr_status status = pnr_remote_poll(&w->dir->base, w->err);
	if (status == PNR_OK)
		status = pnr_file_list(fd, path[0] == '\0' ? "the folder" : path, walk_entry, &folder, w->err);
	return status == PNR_OK ? w->status : status;
}

static pnr_status list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                       uint64_t *out_foreign, pnr_error *err)
{
	pnr_dir *d = pnr_dir__of(remote);
	walker w = { .dir = d, .prefix = prefix, .fn = fn, .user = user, .foreign = out_foreign, .err = err };
	return walk_folder(&w, d->root, "");
}

/* ---------------------------------------------------------------- the handle -- */

static void close_dir(pnr_remote *remote)
{
	pnr_dir *d = pnr_dir__of(remote);
	pnr_dir__leave(d);
	pnr_cleanup_close(&d->tmp);
	pnr_cleanup_close(&d->root);
	while (d->unsynced_count > 0)
		free(d->unsynced[--d->unsynced_count]);
	free(d->staged);
	free(d);
}

/* Only the folder itself is made: one above it that is missing may be a disk that is not mounted. */
static pnr_status open_root(const char *path, bool create, int *out_fd, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open_dir(AT_FDCWD, path, out_fd, &own);
	if (own.detail == ENOTDIR)
		return pnr_fail(err, PNR_CONFLICT, "it is not a folder");
	if (status != PNR_NOT_FOUND || !create)
		return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
	PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(path);
	PNR_CLEANUP(pnr_cleanup_close) int above = -1;
	if (parent == NULL)
		return pnr_fail_nomem(err);
	status = pnr_file_open_dir(AT_FDCWD, parent, &above, err);
	if (status != PNR_OK)
		return status;
	pnr_error_clear(&own);
	status = pnr_file_mkdir(above, pnr_path_base(path), &own);
	if (status != PNR_OK && own.detail != EEXIST)
		return pnr_fail_with(err, &own);
	status = pnr_dir__sync_folder(above, parent, err);
	return status == PNR_OK ? pnr_file_open_dir(AT_FDCWD, path, out_fd, err) : status;
}

static pnr_status open_dir(const pnr_remote_url *url, bool create, pnr_remote **out_remote, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int root = -1;
	struct stat st;
	pnr_status status = open_root(url->path, create, &root, err);
	if (status == PNR_OK)
		status = pnr_file_stat(root, &st, url->path, err);
	if (status != PNR_OK)
		return status;
	pnr_dir *d = calloc(1, sizeof *d);
	if (d == NULL)
		return pnr_fail_nomem(err);
	d->root = root;
	root = -1;
	d->tmp = d->folder = -1;
	d->mode = st.st_mode & (S_ISGID | 0777);
	d->syncfs_is_enough = pnr_dir__is_syncfs_enough(d->root);
	*out_remote = &d->base;
	return PNR_OK;
}

const pnr_remote_ops pnr_remote_dir_ops = {
	.open = open_dir,
	.close = close_dir,
	.has = has,
	.put = pnr_dir__put,
	.get = get,
	.list = list,
	.swap_ref = pnr_dir__swap_ref,
};
