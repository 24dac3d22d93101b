#include "base/file.h"
#include "base/buffer.h"
#include "base/path.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

pnr_file_gate pnr_file_gate_hook;

const char *pnr_file_call_name(pnr_file_call call)
{
	static const char *const names[] = {
#define PNR_X(id, text) [PNR_CALL_##id] = (text),
		PNR_FILE_CALLS(PNR_X)
#undef PNR_X
	};
	return (unsigned)call < PNR_CALL_COUNT ? names[call] : "unknown";
}

int pnr_file_ask(pnr_file_call call, size_t *length)
{
	return pnr_file_gate_hook == NULL ? 0 : pnr_file_gate_hook(call, length);
}

/* The errno of a call that returns -1 on failure: the gate's, or the system's. Again as long as it is EINTR. */
#define ATTEMPT(call_id, result, expression)                             \
	__extension__({                                                  \
		int errnum_;                                             \
		do {                                                     \
			errnum_ = pnr_file_ask(call_id, NULL);           \
			if (errnum_ == 0 && ((result) = (expression)) == -1) \
				errnum_ = errno;                         \
		} while (errnum_ == EINTR);                              \
		errnum_;                                                 \
	})

pnr_status pnr_file_open(int dirfd, const char *path, int flags, mode_t mode, int *out_fd, pnr_error *err)
{
	int fd = -1;
	int errnum = ATTEMPT(PNR_CALL_OPEN, fd, openat(dirfd, path, flags | O_CLOEXEC, mode));
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "open '%s'", path);
	*out_fd = fd;
	return PNR_OK;
}

pnr_status pnr_file_open_dir(int dirfd, const char *path, int *out_fd, pnr_error *err)
{
	return pnr_file_open(dirfd, path, O_RDONLY | O_DIRECTORY, 0, out_fd, err);
}

pnr_status pnr_file_duplicate(const void *fd, int *out_fd, pnr_error *err)
{
	int second = -1;
	int errnum = ATTEMPT(PNR_CALL_OPEN, second, fcntl(*(const int *)fd, F_DUPFD_CLOEXEC, 3));
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "open a file once more");
	*out_fd = second;
	return PNR_OK;
}

/* Reads until @capacity or the end; @offset < 0 uses the file position. */
static pnr_status read_some(int fd, void *buffer, size_t capacity, off_t offset, size_t *out_length,
                            const char *name, pnr_error *err)
{
	size_t have = 0;
	while (have < capacity) {
		size_t want = capacity - have;
		int errnum = pnr_file_ask(PNR_CALL_READ, &want);
		ssize_t got = 0;
		if (errnum == 0) {
			char *place = (char *)buffer + have;
			got = offset < 0 ? read(fd, place, want) : pread(fd, place, want, offset + (off_t)have);
			if (got < 0)
				errnum = errno;
		}
		if (errnum == EINTR)
			continue;
		if (errnum != 0)
			return pnr_fail_errno(err, errnum, "read '%s'", name);
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*out_length = have;
	return PNR_OK;
}

pnr_status pnr_file_read(int fd, void *buffer, size_t capacity, size_t *out_length, const char *name,
                         pnr_error *err)
{
	return read_some(fd, buffer, capacity, -1, out_length, name, err);
}

pnr_status pnr_file_pread(int fd, void *buffer, size_t capacity, uint64_t offset, size_t *out_length,
                          const char *name, pnr_error *err)
{
	if (offset > INT64_MAX - capacity)
		return pnr_fail(err, PNR_INVALID, "read '%s': offset beyond any file", name);
	return read_some(fd, buffer, capacity, (off_t)offset, out_length, name, err);
}

static pnr_status write_all(int fd, const void *data, size_t length, off_t offset, const char *name,
                            pnr_error *err)
{
	size_t written = 0;
	while (written < length) {
		size_t want = length - written;
		int errnum = pnr_file_ask(PNR_CALL_WRITE, &want);
		ssize_t got = 0;
		if (errnum == 0) {
			const char *place = (const char *)data + written;
			got = offset < 0 ? write(fd, place, want) : pwrite(fd, place, want, offset + (off_t)written);
			if (got < 0)
				errnum = errno;
			else if (got == 0)
				errnum = EIO; /* trying again might never end */
		}
		if (errnum == EINTR)
			continue;
		if (errnum != 0)
			return pnr_fail_errno(err, errnum, "write '%s'", name);
		written += (size_t)got;
	}
	return PNR_OK;
}

pnr_status pnr_file_write(int fd, const void *data, size_t length, const char *name, pnr_error *err)
{
	return write_all(fd, data, length, -1, name, err);
}

pnr_status pnr_file_pwrite(int fd, const void *data, size_t length, uint64_t offset, const char *name,
                           pnr_error *err)
{
	if (offset > INT64_MAX - length)
		return pnr_fail(err, PNR_FULL, "write '%s': offset beyond any file", name);
	return write_all(fd, data, length, (off_t)offset, name, err);
}

pnr_status pnr_file_clone(int from, uint64_t from_offset, uint64_t length, int to, uint64_t to_offset,
                          const char *name, pnr_error *err)
{
	struct file_clone_range range = { from, from_offset, length, to_offset };
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_CLONE, result, ioctl(to, FICLONERANGE, &range));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "share blocks with '%s'", name);
}

pnr_status pnr_file_truncate(int fd, uint64_t length, const char *name, pnr_error *err)
{
	if (length > INT64_MAX)
		return pnr_fail(err, PNR_FULL, "truncate '%s': offset beyond any file", name);
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_TRUNCATE, result, ftruncate(fd, (off_t)length));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "truncate '%s'", name);
}

pnr_status pnr_file_fsync(int fd, const char *name, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_FSYNC, result, fsync(fd));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "fsync '%s'", name);
}

pnr_status pnr_file_syncfs(int fd, const char *name, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_SYNCFS, result, syncfs(fd));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "syncfs '%s'", name);
}

pnr_status pnr_file_stat(int fd, struct stat *out_stat, const char *name, pnr_error *err)
{
	struct stat st;
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_STAT, result, fstat(fd, &st));
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "stat '%s'", name);
	*out_stat = st;
	return PNR_OK;
}

pnr_status pnr_file_stat_at(int dirfd, const char *path, struct stat *out_stat, pnr_error *err)
{
	struct stat st;
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_STAT, result, fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW));
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "stat '%s'", path);
	*out_stat = st;
	return PNR_OK;
}

pnr_status pnr_file_rename(int from_dir, const char *from, int to_dir, const char *to, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_RENAME, result, renameat(from_dir, from, to_dir, to));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "rename '%s' to '%s'", from, to);
}

pnr_status pnr_file_rename_new(int from_dir, const char *from, int to_dir, const char *to, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_RENAME_NEW, result, renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "rename '%s' to '%s'", from, to);
}

pnr_status pnr_file_link(int from_dir, const char *from, int to_dir, const char *to, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_LINK, result, linkat(from_dir, from, to_dir, to, 0));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "link '%s' to '%s'", from, to);
}

pnr_status pnr_file_chmod(int fd, mode_t mode, const char *name, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_CHMOD, result, fchmod(fd, mode));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "permissions of '%s'", name);
}

pnr_status pnr_file_unlink(int dirfd, const char *path, int flags, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_UNLINK, result, unlinkat(dirfd, path, flags));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "remove '%s'", path);
}

pnr_status pnr_file_mkdir(int dirfd, const char *path, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_MKDIR, result, mkdirat(dirfd, path, 0777));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "make folder '%s'", path);
}

pnr_status pnr_file_readlink(int dirfd, const char *path, char *buffer, size_t capacity, pnr_error *err)
{
	ssize_t length = 0;
	int errnum = ATTEMPT(PNR_CALL_READLINK, length, readlinkat(dirfd, path, buffer, capacity));
	if (errnum != 0)
		return pnr_fail_errno(err, errnum, "read link '%s'", path);
	if ((size_t)length >= capacity)
		return pnr_fail(err, PNR_INVALID, "read link '%s': its target is longer than %zu bytes", path,
		                capacity - 1);
	buffer[length] = '\0';
	return PNR_OK;
}

pnr_status pnr_file_lock(int fd, int operation, const char *name, pnr_error *err)
{
	int result = 0;
	int errnum = ATTEMPT(PNR_CALL_LOCK, result, flock(fd, operation));
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "lock '%s'", name);
}

pnr_status pnr_file_close(int *fd, const char *name, pnr_error *err)
{
	int errnum = pnr_file_ask(PNR_CALL_CLOSE, NULL);
	/* Linux has closed it even on EINTR and EIO: never again. */
	if (close(*fd) != 0 && errnum == 0 && errno != EINTR)
		errnum = errno;
	*fd = -1;
	return errnum == 0 ? PNR_OK : pnr_fail_errno(err, errnum, "close '%s'", name);
}

static pnr_status sync_parent(int dirfd, const char *path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(path);
	if (parent == NULL)
		return pnr_fail_nomem(err);
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_file_open_dir(dirfd, parent, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_fsync(fd, parent, err);
	return status;
}

/* @path exists: as a folder or as a link to one? */
static pnr_status check_is_dir(int dirfd, const char *path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open_dir(dirfd, path, &fd, &own);
	if (status != PNR_OK && own.detail == ENOTDIR)
		return pnr_fail(err, PNR_CONFLICT, "make folder '%s': a file of that name is in the way", path);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

pnr_status pnr_file_make_dirs(int dirfd, const char *path, pnr_error *err)
{
	pnr_error first = PNR_ERROR_INIT;
	pnr_status status = pnr_file_mkdir(dirfd, path, &first);
	if (status == PNR_NOT_FOUND && first.detail == ENOENT) {
		PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(path);
		if (parent == NULL)
			return pnr_fail_nomem(err);
		if (strcmp(parent, path) == 0 || strcmp(parent, ".") == 0)
			return pnr_fail_with(err, &first);
		status = pnr_file_make_dirs(dirfd, parent, err);
		if (status != PNR_OK)
			return status;
		pnr_error_clear(&first);
		status = pnr_file_mkdir(dirfd, path, &first);
	}
	if (status == PNR_OK)
		return sync_parent(dirfd, path, err);
	return first.detail == EEXIST ? check_is_dir(dirfd, path, err) : pnr_fail_with(err, &first);
}

static void close_stream(DIR **stream)
{
	if (*stream != NULL)
		(void)closedir(*stream);
}

pnr_status pnr_file_list(int fd, const char *dir_name, pnr_name_fn fn, void *user, pnr_error *err)
{
	/* A descriptor of its own: fdopendir takes it, and the position of @fd stays untouched. */
	PNR_CLEANUP(pnr_cleanup_close) int own = -1;
	pnr_status status = pnr_file_open_dir(fd, ".", &own, err);
	if (status != PNR_OK) {
		pnr_context(err, "list '%s'", dir_name);
		return status;
	}
	PNR_CLEANUP(close_stream) DIR *stream = fdopendir(own);
	if (stream == NULL)
		return pnr_fail_errno(err, errno, "list '%s'", dir_name);
	own = -1;
	for (;;) {
		int errnum = pnr_file_ask(PNR_CALL_READDIR, NULL);
		errno = errnum;
		const struct dirent *entry = errnum != 0 ? NULL : readdir(stream);
		if (entry == NULL) {
			if (errno != 0)
				return pnr_fail_errno(err, errno, "list '%s'", dir_name);
			return PNR_OK;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fn(user, entry->d_name) != 0)
			return PNR_OK;
	}
}

/*
 * Removing a tree without recursion, whatever its depth: a folder that is not
 * empty and not directly below the top is moved there, and waits its turn.
 */
#define ROUNDS 100000 /* one for each level, unless others write to the tree meanwhile */

typedef struct tree {
	int top;
	unsigned moved; /* names given to folders that were moved up */
	pnr_status status;
	pnr_error error;
} tree;

static pnr_status move_up(tree *t, int dir, const char *name)
{
	for (;;) {
		char place[24];
		(void)snprintf(place, sizeof place, "pnr-%u", t->moved++);
		pnr_error_clear(&t->error);
		pnr_status status = pnr_file_rename(dir, name, t->top, place, &t->error);
		/* Not over a file or a full folder; an empty one may go. */
		bool taken = t->error.detail == ENOTDIR || t->error.detail == ENOTEMPTY || t->error.detail == EEXIST;
		if (status == PNR_OK || !taken)
			return status;
	}
}

/* Remove a file or an empty folder. A folder that is not empty is CONFLICT, and *out_full. */
static pnr_status remove_one(tree *t, int dir, const char *name, bool *out_full)
{
	pnr_error_clear(&t->error);
	pnr_status status = pnr_file_unlink(dir, name, 0, &t->error);
	if (t->error.detail == EISDIR) {
		pnr_error_clear(&t->error);
		status = pnr_file_unlink(dir, name, AT_REMOVEDIR, &t->error);
	}
	*out_full = t->error.detail == ENOTEMPTY || t->error.detail == EEXIST;
	if (t->error.detail != ENOENT)
		return status;
	pnr_error_clear(&t->error);
	return PNR_OK;
}

typedef struct tree_folder {
	tree *tree;
	int fd;
} tree_folder;

static int remove_grandchild(void *user, const char *name)
{
	const tree_folder *folder = user;
	tree *t = folder->tree;
	bool full;
	t->status = remove_one(t, folder->fd, name, &full);
	if (full)
		t->status = move_up(t, folder->fd, name);
	return t->status != PNR_OK;
}

static pnr_status empty_folder(tree *t, const char *name)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_error_clear(&t->error);
	pnr_status status = pnr_file_open(t->top, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, &t->error);
	if (status != PNR_OK)
		return status;
	tree_folder folder = { t, fd };
	t->status = PNR_OK;
	status = pnr_file_list(fd, name, remove_grandchild, &folder, &t->error);
	return t->status != PNR_OK ? t->status : status;
}

static int remove_child(void *user, const char *name)
{
	tree *t = user;
	bool full;
	pnr_status status = remove_one(t, t->top, name, &full);
	if (full)
		status = empty_folder(t, name);
	if (full && status == PNR_OK) {
		status = remove_one(t, t->top, name, &full);
		/* Something came in, or was not listed: the next round finds it. */
		if (full)
			status = PNR_OK;
	}
	t->status = status;
	return status != PNR_OK;
}

static pnr_status remove_tree(tree *t, int dirfd, const char *path)
{
	bool full;
	pnr_status status = remove_one(t, dirfd, path, &full);
	if (!full)
		return status;
	PNR_CLEANUP(pnr_cleanup_close) int top = -1;
	pnr_error_clear(&t->error);
	status = pnr_file_open(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &top, &t->error);
	t->top = top;
	for (unsigned round = 0; status == PNR_OK && full && round < ROUNDS; round++) {
		pnr_error_clear(&t->error);
		t->status = PNR_OK;
		status = pnr_file_list(top, path, remove_child, t, &t->error);
		if (t->status != PNR_OK)
			return t->status;
		if (status == PNR_OK) {
			status = remove_one(t, dirfd, path, &full);
			if (full && round + 1 < ROUNDS)
				status = PNR_OK;
		}
	}
	return status;
}

pnr_status pnr_file_remove_tree(int dirfd, const char *path, pnr_error *err)
{
	tree t = { .top = -1, .error = PNR_ERROR_INIT };
	return remove_tree(&t, dirfd, path) == PNR_OK ? PNR_OK : pnr_fail_with(err, &t.error);
}

pnr_status pnr_file_read_all(int fd, size_t limit, pnr_buffer *buffer, const char *name, pnr_error *err)
{
	size_t total = 0;
	for (;;) {
		size_t step = limit - total < PNR_MIB ? limit - total + 1 : PNR_MIB;
		char *place = pnr_buffer_reserve(buffer, step);
		if (place == NULL)
			return pnr_fail_nomem(err);
		size_t got = 0;
		pnr_status status = pnr_file_read(fd, place, step, &got, name, err);
		total += got;
		if (status == PNR_OK && total > limit)
			status = pnr_fail(err, PNR_FULL, "'%s' is larger than the limit of %zu bytes", name, limit);
		if (status == PNR_OK)
			buffer->length += got;
		buffer->data[buffer->length] = '\0';
		if (status != PNR_OK)
			return status;
		if (got < step)
			return PNR_OK;
	}
}
