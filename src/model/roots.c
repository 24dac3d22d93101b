/*
 * Walking and opening, confined. Pannier resolves every path itself, one
 * component at a time, from descriptors that it holds: each component is looked
 * at without following it, a link is read and its target walked in its place,
 * ".." goes back to the folder the walk came from. So the chain of folders that
 * leads to a file is known, and the file is inside when one of them is an
 * allowed one (same device and inode), however it was named.
 *
 * A folder that was walked through is remembered for good. Its descriptor is
 * not: the ring holds the ones opened last, and an older one is opened again,
 * from its parent, when it is needed; another folder in its place is an error.
 */
#include "base/file.h"
#include "base/path.h"
#include "model/model.h"
#include "model/trace.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#define RING_SIZE 128u    /* descriptors that may be open at one time, pinned ones not counted */
#define LINKS_MAX 40u     /* as Linux does */
#define DEPTH_MAX 2048u   /* a deeper folder has no path shorter than PATH_MAX */
#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW)

struct pnr_folder {
	pnr_folder *parent; /* itself for "/" */
	char *name;         /* in parent; "" for "/" */
	dev_t dev;
	ino_t ino;
	unsigned depth;
	unsigned number;    /* in the trace; 0 for "/" */
	int fd;             /* O_PATH; -1 while closed */
	bool pinned;        /* not in the ring */
};

struct pnr_roots {
	pthread_mutex_t lock; /* of the descriptors and the ring */
	pnr_folder *top, *base;
	char *base_path;
	pnr_folder **allowed;
	size_t allowed_count;
	pnr_trace *trace;     /* NULL: nobody wants it */
	void *known;          /* tree (tsearch) of all folders but the top, by parent and name */
	pnr_folder *ring[RING_SIZE];
	size_t hand;          /* where the next one goes; the oldest is there */
};

/* ------------------------------------------------------------- folders -- */

static void free_folder(void *pointer)
{
	pnr_folder *folder = pointer;
	if (folder == NULL)
		return;
	pnr_cleanup_close(&folder->fd);
	free(folder->name);
	free(folder);
}

static void cleanup_folder(pnr_folder **folder)
{
	free_folder(*folder);
}

static int compare_folders(const void *left, const void *right)
{
	const pnr_folder *a = left, *b = right;
	if (a->parent != b->parent)
		return (uintptr_t)a->parent < (uintptr_t)b->parent ? -1 : 1;
	return strcmp(a->name, b->name);
}

static pnr_status new_folder(pnr_folder *parent, const char *name, pnr_folder **out_folder, pnr_error *err)
{
	PNR_CLEANUP(cleanup_folder) pnr_folder *folder = calloc(1, sizeof *folder);
	if (folder == NULL)
		return pnr_fail_nomem(err);
	folder->fd = -1;
	folder->parent = parent == NULL ? folder : parent;
	folder->depth = parent == NULL ? 0 : parent->depth + 1;
	folder->name = strdup(name);
	if (folder->name == NULL)
		return pnr_fail_nomem(err);
	*out_folder = PNR_STEAL(folder);
	return PNR_OK;
}

/* Let the ring close the folder's descriptor some day. */
static void enter_ring(pnr_roots *roots, pnr_folder *folder)
{
	pnr_folder *oldest = roots->ring[roots->hand];
	if (oldest != NULL && !oldest->pinned)
		pnr_cleanup_close(&oldest->fd);
	roots->ring[roots->hand] = folder;
	roots->hand = (roots->hand + 1) % RING_SIZE;
}

/* Open the folder @name, which was one when it was looked at last. */
static pnr_status open_folder(int parent, const char *name, int *out_fd, struct stat *out_stat, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open(parent, name, FOLDER_FLAGS, 0, &fd, &own);
	if (status == PNR_NOT_FOUND || own.detail == ELOOP)
		return pnr_fail(err, PNR_RETRY, "folder '%s' was replaced meanwhile", name);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, out_stat, name, &own);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	*out_fd = fd;
	fd = -1;
	return PNR_OK;
}

/* The folder's descriptor, good until the next call. The depth of the recursion is at most DEPTH_MAX. */
static pnr_status folder_fd(pnr_roots *roots, pnr_folder *folder, int *out_fd, pnr_error *err)
{
	if (folder->fd < 0) {
		int parent = -1;
		struct stat st = { .st_ino = 0 };
		pnr_status status = folder_fd(roots, folder->parent, &parent, err);
		if (status == PNR_OK)
			status = open_folder(parent, folder->name, &folder->fd, &st, err);
		if (status != PNR_OK)
			return status;
		if (st.st_dev != folder->dev || st.st_ino != folder->ino) {
			pnr_cleanup_close(&folder->fd);
			return pnr_fail(err, PNR_RETRY, "folder '%s' was replaced by another one meanwhile", folder->name);
		}
		enter_ring(roots, folder);
	}
	*out_fd = folder->fd;
	return PNR_OK;
}

/* The folder @name in @parent, if a walk came through it before. */
static pnr_folder *find_known(const pnr_roots *roots, pnr_folder *parent, char *name)
{
	const pnr_folder wanted = { .parent = parent, .name = name };
	void *const *found = tfind(&wanted, &roots->known, compare_folders);
	return found == NULL ? NULL : *(pnr_folder *const *)found;
}

/* Open the folder @name in @parent and remember it. */
static pnr_status learn(pnr_roots *roots, pnr_folder *parent, const char *name, pnr_folder **out_folder,
                        pnr_error *err)
{
	PNR_CLEANUP(cleanup_folder) pnr_folder *folder = NULL;
	struct stat st;
	int parent_fd = -1;
	if (parent->depth == DEPTH_MAX)
		return pnr_fail_errno(err, ENAMETOOLONG, "folder '%s'", name);
	pnr_status status = new_folder(parent, name, &folder, err);
	if (status == PNR_OK)
		status = folder_fd(roots, parent, &parent_fd, err);
	if (status == PNR_OK)
		status = open_folder(parent_fd, name, &folder->fd, &st, err);
	if (status != PNR_OK)
		return status;
	folder->dev = st.st_dev;
	folder->ino = st.st_ino;
	folder->number = pnr_trace_folder(roots->trace, parent->number, name, &st);
	if (tsearch(folder, &roots->known, compare_folders) == NULL)
		return pnr_fail_nomem(err);
	enter_ring(roots, folder);
	*out_folder = PNR_STEAL(folder);
	return PNR_OK;
}

static bool is_inside(const pnr_roots *roots, const pnr_folder *folder)
{
	for (;; folder = folder->parent) {
		for (size_t i = 0; i < roots->allowed_count; i++)
			if (folder->dev == roots->allowed[i]->dev && folder->ino == roots->allowed[i]->ino)
				return true;
		if (folder->parent == folder)
			return false;
	}
}

/* The canonical path of @name in @folder; NULL when memory is exhausted. */
static char *canonical(const pnr_folder *folder, const char *name)
{
	size_t length = strlen(name) + 1;
	for (const pnr_folder *f = folder; f->parent != f; f = f->parent)
		length += strlen(f->name) + 1;
	char *path = malloc(length + 1);
	if (path == NULL)
		return NULL;
	char *at = path + length - strlen(name);
	memcpy(at, name, strlen(name) + 1);
	*--at = '/';
	for (const pnr_folder *f = folder; f->parent != f; f = f->parent) {
		size_t part = strlen(f->name);
		at -= part;
		memcpy(at, f->name, part);
		*--at = '/';
	}
	return path;
}

/* ---------------------------------------------------------------- walk -- */

/* A path on its way: what was reached, and what is left to walk. */
typedef struct walk {
	pnr_roots *roots;
	pnr_folder *folder;      /* reached */
	char *rest;              /* owned; from `at` on still to be walked */
	const char *at;
	unsigned links;
	char name[NAME_MAX + 1]; /* the component in work */
	bool found_file;         /* it is `name` in `folder`, with `st`, and no folder */
	struct stat st;
} walk;

static void end_walk(walk *w)
{
	free(w->rest);
}

/* Take the next component into w->name; false at the end of the path. */
static bool next_component(walk *w, bool *out_too_long)
{
	w->at += strspn(w->at, "/");
	size_t length = strcspn(w->at, "/");
	*out_too_long = length > NAME_MAX;
	if (length == 0 || *out_too_long)
		return false;
	memcpy(w->name, w->at, length);
	w->name[length] = '\0';
	w->at += length;
	return true;
}

/* The target of the link w->name takes its place in front of what is left. */
static pnr_status follow(walk *w, int folder_fd_now, pnr_error *err)
{
	char target[PATH_MAX];
	if (++w->links > LINKS_MAX)
		return pnr_fail_errno(err, ELOOP, "link '%s'", w->name);
	pnr_error own = PNR_ERROR_INIT;
	if (pnr_file_readlink(folder_fd_now, w->name, target, sizeof target, &own) != PNR_OK) {
		if (own.detail == EINVAL || own.detail == ENOENT)
			return pnr_fail(err, PNR_RETRY, "link '%s' was replaced while it was looked at", w->name);
		return pnr_fail_with(err, &own);
	}
	pnr_trace_link(w->roots->trace, w->folder->number, w->name, target);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer rest = PNR_BUFFER_INIT;
	pnr_buffer_puts(&rest, target);
	pnr_buffer_puts(&rest, w->at);
	char *text = pnr_buffer_steal(&rest);
	if (text == NULL)
		return pnr_fail_nomem(err);
	free(w->rest);
	w->rest = text;
	w->at = text;
	if (target[0] == '/')
		w->folder = w->roots->top;
	return PNR_OK;
}

/* Go one component on, to whatever w->name is. */
static pnr_status step(walk *w, pnr_error *err)
{
	int fd = -1;
	if (strcmp(w->name, ".") == 0)
		return PNR_OK;
	if (strcmp(w->name, "..") == 0) {
		w->folder = w->folder->parent;
		return PNR_OK;
	}
	pnr_folder *known = find_known(w->roots, w->folder, w->name);
	if (known != NULL) {
		w->folder = known;
		return PNR_OK;
	}
	pnr_status status = folder_fd(w->roots, w->folder, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_stat_at(fd, w->name, &w->st, err);
	if (status == PNR_NOT_FOUND)
		pnr_trace_absent(w->roots->trace, w->folder->number, w->name);
	if (status != PNR_OK)
		return status;
	if (S_ISLNK(w->st.st_mode))
		return follow(w, fd, err);
	if (S_ISDIR(w->st.st_mode))
		return learn(w->roots, w->folder, w->name, &w->folder, err);
	pnr_trace_file(w->roots->trace, w->folder->number, w->name, &w->st);
	if (*w->at != '\0')
		return pnr_fail_errno(err, ENOTDIR, "'%s'", w->name);
	w->found_file = true;
	return PNR_OK;
}

static pnr_status walk_path(walk *w, const char *path, pnr_error *err)
{
	bool too_long = false;
	w->rest = strdup(path);
	if (w->rest == NULL)
		return pnr_fail_nomem(err);
	w->at = w->rest;
	w->folder = path[0] == '/' ? w->roots->top : w->roots->base;
	while (!w->found_file && next_component(w, &too_long)) {
		pnr_status status = step(w, err);
		if (status != PNR_OK)
			return status;
	}
	if (too_long)
		return pnr_fail_errno(err, ENAMETOOLONG, "a name of more than %d bytes", NAME_MAX);
	return PNR_OK;
}

/* -------------------------------------------------------------- places -- */

static pnr_status make_place(const walk *w, pnr_place *out_place, pnr_error *err)
{
	pnr_place place = { .roots = w->roots, .folder = w->folder, .st = w->st };
	const char *name = w->name;
	if (!w->found_file) {
		/* A folder: named by its parent, as a file is. */
		int fd = -1;
		pnr_status status = folder_fd(w->roots, w->folder, &fd, err);
		if (status == PNR_OK)
			status = pnr_file_stat(fd, &place.st, w->folder->name, err);
		if (status != PNR_OK)
			return status;
		place.folder = w->folder->parent;
		name = w->folder->name;
	}
	place.inside = is_inside(w->roots, w->folder);
	place.path = canonical(place.folder, name);
	if (place.path == NULL)
		return pnr_fail_nomem(err);
	place.name = pnr_path_base(place.path);
	*out_place = place;
	return PNR_OK;
}

static pnr_status find_unlocked(pnr_roots *roots, const char *path, pnr_place *out_place, pnr_error *err)
{
	PNR_CLEANUP(end_walk) walk w = { .roots = roots };
	pnr_status status = walk_path(&w, path, err);
	if (status == PNR_OK)
		status = make_place(&w, out_place, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		pnr_trace_lose(roots->trace);
	return status;
}

pnr_status pnr_roots_find(pnr_roots *roots, const char *path, pnr_place *out_place, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	(void)pthread_mutex_lock(&roots->lock);
	pnr_status status = find_unlocked(roots, path, out_place, &own);
	(void)pthread_mutex_unlock(&roots->lock);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%.400s'", path);
	return pnr_fail_with(err, &own);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT);
}

/*
 * The type was checked when the place was found; O_NONBLOCK and O_NOFOLLOW are
 * for what was put there since. Whatever was opened is compared before it is used.
 */
static pnr_status open_unlocked(const pnr_place *place, int *out_fd, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	int folder = -1;
	struct stat now;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = folder_fd(place->roots, place->folder, &folder, err);
	if (status != PNR_OK)
		return status;
	status = pnr_file_open(folder, place->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0, &fd, &own);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &now, place->name, &own);
	else if (pnr_file_stat_at(folder, place->name, &now, NULL) == PNR_OK && same_file(&now, &place->st))
		return pnr_fail_with(err, &own);
	else if (own.detail == ENOENT || own.detail == ELOOP || own.detail == ENXIO)
		return pnr_fail(err, PNR_RETRY, "it was replaced meanwhile");
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	if (!same_file(&now, &place->st))
		return pnr_fail(err, PNR_RETRY, "it was replaced by another file meanwhile");
	*out_fd = fd;
	fd = -1;
	return PNR_OK;
}

pnr_status pnr_place_open(const pnr_place *place, int *out_fd, pnr_error *err)
{
	if (place->folder == NULL)
		return pnr_fail(err, PNR_INVALID, "no file was found that could be opened");
	if (!place->inside)
		return pnr_fail(err, PNR_DENIED, "'%s' is outside the allowed folders", place->path);
	if (!S_ISREG(place->st.st_mode))
		return pnr_fail(err, PNR_INVALID, "'%s' is not a regular file", place->path);
	pnr_error own = PNR_ERROR_INIT;
	(void)pthread_mutex_lock(&place->roots->lock);
	pnr_status status = open_unlocked(place, out_fd, &own);
	(void)pthread_mutex_unlock(&place->roots->lock);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%s'", place->path);
	return pnr_fail_with(err, &own);
}

void pnr_place_free(pnr_place *place)
{
	free(place->path);
	*place = (pnr_place)PNR_PLACE_INIT;
}

/* --------------------------------------------------------------- roots -- */

/* The folder at @path, its descriptor open for good. */
static pnr_status pin(pnr_roots *roots, const char *path, pnr_folder **out_folder, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *absolute = NULL;
	PNR_CLEANUP(end_walk) walk w = { .roots = roots };
	int fd = -1;
	pnr_status status = pnr_path_absolute(path, &absolute, err);
	if (status == PNR_OK)
		status = walk_path(&w, absolute, err);
	if (status == PNR_OK && w.found_file)
		status = pnr_fail(err, PNR_INVALID, "not a folder");
	if (status == PNR_OK)
		status = folder_fd(roots, w.folder, &fd, err);
	if (status != PNR_OK)
		return status;
	w.folder->pinned = true;
	*out_folder = w.folder;
	return PNR_OK;
}

static void cleanup_roots(pnr_roots **roots)
{
	pnr_roots_free(*roots);
}

static pnr_status open_top(pnr_roots *roots, pnr_error *err)
{
	struct stat st;
	pnr_status status = new_folder(NULL, "", &roots->top, err);
	if (status == PNR_OK)
		status = pnr_file_open(AT_FDCWD, "/", FOLDER_FLAGS, 0, &roots->top->fd, err);
	if (status == PNR_OK)
		status = pnr_file_stat(roots->top->fd, &st, "/", err);
	if (status != PNR_OK)
		return status;
	roots->top->dev = st.st_dev;
	roots->top->ino = st.st_ino;
	roots->top->pinned = true;
	return PNR_OK;
}

pnr_status pnr_roots_new(const char *base, pnr_trace *trace, pnr_roots **out_roots, pnr_error *err)
{
	PNR_CLEANUP(cleanup_roots) pnr_roots *roots = calloc(1, sizeof *roots);
	if (roots == NULL)
		return pnr_fail_nomem(err);
	roots->trace = trace;
	(void)pthread_mutex_init(&roots->lock, NULL);
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = open_top(roots, &own);
	if (status == PNR_OK)
		status = pin(roots, base, &roots->base, &own);
	if (status != PNR_OK) {
		pnr_context(&own, "folder '%.400s'", base);
		return pnr_fail_with(err, &own);
	}
	roots->base_path = canonical(roots->base->parent, roots->base->name);
	if (roots->base_path == NULL)
		return pnr_fail_nomem(err);
	*out_roots = PNR_STEAL(roots);
	return PNR_OK;
}

pnr_status pnr_roots_allow(pnr_roots *roots, const char *dir, pnr_error *err)
{
	pnr_folder *folder = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_folder **allowed = realloc(roots->allowed, (roots->allowed_count + 1) * sizeof *allowed);
	if (allowed == NULL)
		return pnr_fail_nomem(err);
	roots->allowed = allowed;
	(void)pthread_mutex_lock(&roots->lock);
	pnr_status status = pin(roots, dir, &folder, &own);
	(void)pthread_mutex_unlock(&roots->lock);
	if (status != PNR_OK) {
		pnr_context(&own, "folder '%.400s'", dir);
		return pnr_fail_with(err, &own);
	}
	roots->allowed[roots->allowed_count++] = folder;
	return PNR_OK;
}

const char *pnr_roots_base(const pnr_roots *roots)
{
	return roots->base_path;
}

void pnr_roots_free(pnr_roots *roots)
{
	if (roots == NULL)
		return;
	tdestroy(roots->known, free_folder);
	free_folder(roots->top);
	free(roots->allowed);
	free(roots->base_path);
	(void)pthread_mutex_destroy(&roots->lock);
	free(roots);
}
