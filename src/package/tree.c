#include "package/tree.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/path.h"
#include "base/temp.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From so many files on one syncfs costs less than an fsync each. */
#define SYNCFS_FROM 64u
/* Folders kept open; packages have four. */
#define FOLDERS 16u

typedef struct folder {
	char *path; /* NULL: a free place */
	int fd;
	uint64_t used;
} folder;

struct pnr_tree {
	pnr_temp temp;
	bool sync_all; /* one syncfs at the end */
	folder folders[FOLDERS];
	uint64_t clock;   /* of their use */
	pnr_buffer made;  /* the folders made, each with its NUL; if they are synced one by one */
	char *path;       /* of the file being written */
	pnr_file_end file;
	char **above;     /* folders above the target that we made, the lowest first */
	size_t above_count;
	bool published;
};

/* ------------------------------------------------------------ the target -- */

static int note_entry(void *user, const char *name)
{
	(void)name;
	*(bool *)user = true;
	return 1;
}

static bool is_current_folder(const struct stat *st)
{
	struct stat here;
	return pnr_file_stat_at(AT_FDCWD, ".", &here, NULL) == PNR_OK && here.st_dev == st->st_dev &&
	       here.st_ino == st->st_ino;
}

static pnr_status check_vacant(int parent, const char *name, const char *dir, pnr_error *err)
{
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_stat_at(parent, name, &st, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	if (!S_ISDIR(st.st_mode))
		return pnr_fail(err, PNR_CONFLICT, "'%s' is in the way: it is not a folder", dir);
	/* It would be replaced, and whoever stands in it would stand in a folder that is gone. */
	if (is_current_folder(&st))
		return pnr_fail(err, PNR_CONFLICT, "'%s' is the current folder; name one that does not exist", dir);
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	status = pnr_file_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, err);
	bool used = false;
	if (status == PNR_OK)
		status = pnr_file_list(fd, dir, note_entry, &used, err);
	if (status == PNR_OK && used)
		status = pnr_fail(err, PNR_CONFLICT, "'%s' is in the way: it is not empty", dir);
	return status;
}

/* Note which of @parent and the folders above it do not exist, then make them. */
static pnr_status make_above(pnr_tree *tree, const char *parent, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *path = strdup(parent);
	struct stat st;
	while (path != NULL && pnr_file_stat_at(AT_FDCWD, path, &st, NULL) == PNR_NOT_FOUND) {
		char **above = reallocarray(tree->above, tree->above_count + 1, sizeof *above);
		if (above == NULL)
			return pnr_fail_nomem(err);
		tree->above = above;
		char *up = pnr_path_dir(path);
		above[tree->above_count++] = PNR_STEAL(path);
		path = up;
	}
	return path == NULL ? pnr_fail_nomem(err) : pnr_file_make_dirs(AT_FDCWD, parent, err);
}

static pnr_status open_target(pnr_tree *tree, const char *dir, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *absolute = NULL;
	pnr_status status = pnr_path_absolute(dir, &absolute, err);
	if (status != PNR_OK)
		return status;
	const char *name = pnr_path_base(absolute);
	if (name[0] == '\0' || strcmp(name, "..") == 0)
		return pnr_fail(err, PNR_CONFLICT, "'%s' is in the way; name a folder that does not exist", dir);
	PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(absolute);
	if (parent == NULL)
		return pnr_fail_nomem(err);
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	status = make_above(tree, parent, err);
	if (status == PNR_OK)
		status = pnr_file_open_dir(AT_FDCWD, parent, &fd, err);
	if (status == PNR_OK)
		status = check_vacant(fd, name, dir, err);
	if (status == PNR_OK)
		status = pnr_temp_dir(fd, name, &tree->temp, err);
	return status;
}

pnr_status pnr_tree_new(const char *dir, uint64_t file_count, pnr_tree **out_tree, pnr_error *err)
{
	PNR_CLEANUP(pnr_tree_cleanup) pnr_tree *tree = calloc(1, sizeof *tree);
	if (tree == NULL)
		return pnr_fail_nomem(err);
	tree->temp = (pnr_temp)PNR_TEMP_INIT;
	tree->file.fd = -1;
	tree->sync_all = file_count >= SYNCFS_FROM;
	pnr_status status = open_target(tree, dir, err);
	/* A fault of the file system, not a name that could mean several things. */
	if (status == PNR_CONFLICT && err != NULL)
		err->detail = EEXIST;
	if (status == PNR_OK)
		*out_tree = PNR_STEAL(tree);
	return status;
}

/* --------------------------------------------------------------- folders -- */

static void drop_folder(folder *f)
{
	free(f->path);
	pnr_cleanup_close(&f->fd);
	f->path = NULL;
}

/* A place for one more open folder: a free one, or that of the folder unused for longest. */
static folder *vacate(pnr_tree *tree)
{
	folder *oldest = &tree->folders[0];
	for (size_t i = 0; i < FOLDERS; i++) {
		folder *f = &tree->folders[i];
		if (f->path == NULL)
			return f;
		if (f->used < oldest->used)
			oldest = f;
	}
	drop_folder(oldest);
	return oldest;
}

static int cached(pnr_tree *tree, const char *path, size_t length)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		folder *f = &tree->folders[i];
		if (f->path != NULL && strlen(f->path) == length && memcmp(f->path, path, length) == 0) {
			f->used = ++tree->clock;
			return f->fd;
		}
	}
	return -1;
}

/* Make @name in the folder @parent unless that was done before, and open it. @path is where it is in the tree. */
static pnr_status enter(pnr_tree *tree, int parent, const char *name, const char *path, int *out_fd, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_mkdir(parent, name, &own);
	if (status != PNR_OK && status != PNR_CONFLICT)
		return pnr_fail_with(err, &own);
	if (status == PNR_OK && !tree->sync_all)
		pnr_buffer_append(&tree->made, path, strlen(path) + 1);
	status = pnr_file_open(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, out_fd, err);
	return status == PNR_OK ? pnr_buffer_status(&tree->made, err) : status;
}

/* The folder that the first @length bytes of @path name, made as needed; borrowed until the next call. */
static pnr_status open_folder(pnr_tree *tree, const char *path, size_t length, int *out_fd, pnr_error *err)
{
	if (length == 0) {
		*out_fd = tree->temp.fd;
		return PNR_OK;
	}
	*out_fd = cached(tree, path, length);
	if (*out_fd >= 0)
		return PNR_OK;
	PNR_CLEANUP(pnr_cleanup_free) char *own = strndup(path, length);
	if (own == NULL)
		return pnr_fail_nomem(err);
	const char *name = pnr_path_base(own);
	int parent = -1, fd = -1;
	pnr_status status = open_folder(tree, own, name == own ? 0 : (size_t)(name - own) - 1, &parent, err);
	if (status == PNR_OK)
		status = enter(tree, parent, name, own, &fd, err);
	if (status != PNR_OK) {
		pnr_cleanup_close(&fd);
		return status;
	}
	*vacate(tree) = (folder){ PNR_STEAL(own), fd, ++tree->clock };
	*out_fd = fd;
	return PNR_OK;
}

/* ----------------------------------------------------------------- files -- */

pnr_status pnr_tree_begin(pnr_tree *tree, const char *path, pnr_sink *out_sink, pnr_error *err)
{
	tree->path = strdup(path);
	if (tree->path == NULL)
		return pnr_fail_nomem(err);
	const char *name = pnr_path_base(tree->path);
	size_t length = name == tree->path ? 0 : (size_t)(name - tree->path) - 1;
	int dir = -1;
	pnr_status status = open_folder(tree, tree->path, length, &dir, err);
	if (status == PNR_OK)
		status = pnr_file_open(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666, &tree->file.fd, err);
	if (status != PNR_OK)
		return status;
	tree->file.name = tree->path;
	*out_sink = pnr_file_end_sink(&tree->file);
	return PNR_OK;
}

pnr_status pnr_tree_end(pnr_tree *tree, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (!tree->sync_all)
		status = pnr_file_fsync(tree->file.fd, tree->path, err);
	if (status == PNR_OK)
		status = pnr_file_close(&tree->file.fd, tree->path, err);
	free(PNR_STEAL(tree->path));
	return status;
}

/* Files were synced when they ended; their names are in the folders. */
static pnr_status sync_folders(pnr_tree *tree, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < tree->made.length && status == PNR_OK;) {
		const char *path = tree->made.data + i;
		size_t length = strlen(path);
		int fd = -1;
		status = open_folder(tree, path, length, &fd, err);
		if (status == PNR_OK)
			status = pnr_file_fsync(fd, path, err);
		i += length + 1;
	}
	return status;
}

pnr_status pnr_tree_publish(pnr_tree *tree, pnr_error *err)
{
	/* The descriptor was opened before the first write: no write-back error is missed. */
	pnr_status status = tree->sync_all ? pnr_file_syncfs(tree->temp.fd, tree->temp.name, err)
	                                   : sync_folders(tree, err);
	if (status != PNR_OK)
		return status;
	status = pnr_temp_publish(&tree->temp, err);
	tree->published = status == PNR_OK;
	return status;
}

void pnr_tree_free(pnr_tree *tree)
{
	if (tree == NULL)
		return;
	for (size_t i = 0; i < FOLDERS; i++)
		if (tree->folders[i].path != NULL)
			drop_folder(&tree->folders[i]);
	pnr_cleanup_close(&tree->file.fd);
	free(tree->path);
	pnr_buffer_free(&tree->made);
	pnr_temp_discard(&tree->temp);
	/* Fails harmlessly where somebody has put something meanwhile. */
	for (size_t i = 0; i < tree->above_count && !tree->published; i++)
		pnr_ignore(pnr_file_unlink(AT_FDCWD, tree->above[i], AT_REMOVEDIR, NULL));
	for (size_t i = 0; i < tree->above_count; i++)
		free(tree->above[i]);
	free(tree->above);
	free(tree);
}

void pnr_tree_cleanup(pnr_tree **tree)
{
	pnr_tree_free(*tree);
	*tree = NULL;
}
