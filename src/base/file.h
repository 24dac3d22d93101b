/*
 * The table of file calls. Everything that Pannier does to files of its own and
 * of its users goes through these functions, never to the system directly, so
 * that a test can make the Nth call fail, be cut short, or be the last one of
 * the process. SQLite's calls pass the same gate through the shim in index.
 *
 * The wrappers restart on EINTR. They return a status and record the call, the
 * name and the reason.
 */
#ifndef PNR_BASE_FILE_H
#define PNR_BASE_FILE_H

#include "base/error.h"
#include <sys/stat.h>
#include <sys/types.h>

/** Every call that can be made to fail, by name. */
#define PNR_FILE_CALLS(X)                                                                   \
	X(OPEN, "open") X(READ, "read") X(WRITE, "write") X(CLONE, "clone")                 \
	X(FSYNC, "fsync") X(SYNCFS, "syncfs") X(STAT, "stat") X(RENAME, "rename")           \
	X(UNLINK, "unlink") X(MKDIR, "mkdir") X(READDIR, "readdir") X(READLINK, "readlink") \
	X(LOCK, "flock") X(CLOSE, "close") X(UTIMENS, "utimensat")                          \
	X(TRUNCATE, "ftruncate") X(RENAME_NEW, "rename to a new name") X(LINK, "link")      \
	X(CHMOD, "fchmod")                                                                  \
	X(SQL_OPEN, "sqlite open") X(SQL_READ, "sqlite read") X(SQL_WRITE, "sqlite write")  \
	X(SQL_SYNC, "sqlite sync") X(SQL_TRUNCATE, "sqlite truncate")                       \
	X(SQL_DELETE, "sqlite delete") X(SQL_LOCK, "sqlite lock")                           \
	X(SQL_SHM, "sqlite shm") X(SQL_STEP, "sqlite step")

typedef enum pnr_file_call {
#define PNR_X(id, text) PNR_CALL_##id,
	PNR_FILE_CALLS(PNR_X)
#undef PNR_X
	PNR_CALL_COUNT
} pnr_file_call;

/** The call's name, for messages of tests. */
const char *pnr_file_call_name(pnr_file_call call);

/**
 * The gate: asked before each call. 0 lets it through; an errno makes it fail
 * with that error. @length is NULL, or the number of bytes about to be moved,
 * which the gate may lower to 1 or more (a short write). Threads: may be asked from several
 * at once. NULL outside tests.
 */
typedef int (*pnr_file_gate)(pnr_file_call call, size_t *length);
extern pnr_file_gate pnr_file_gate_hook;

/** Ask the gate. For callers that make a system call of their own (index's shim). */
int pnr_file_ask(pnr_file_call call, size_t *length);

/** openat(2) with O_CLOEXEC. @dirfd may be AT_FDCWD. */
PNR_CHECKED pnr_status pnr_file_open(int dirfd, const char *path, int flags, mode_t mode, int *out_fd,
                                     pnr_error *err);
/** A second descriptor of the open file that the int at @fd is. The file position is one. */
PNR_CHECKED pnr_status pnr_file_duplicate(const void *fd, int *out_fd, pnr_error *err);
/** Read until @capacity bytes are there or the file ends. */
PNR_CHECKED pnr_status pnr_file_read(int fd, void *buffer, size_t capacity, size_t *out_length,
                                     const char *name, pnr_error *err);
/** The same from @offset on, the file position untouched. */
PNR_CHECKED pnr_status pnr_file_pread(int fd, void *buffer, size_t capacity, uint64_t offset,
                                      size_t *out_length, const char *name, pnr_error *err);
/** Write all. */
PNR_CHECKED pnr_status pnr_file_write(int fd, const void *data, size_t length, const char *name,
                                      pnr_error *err);
PNR_CHECKED pnr_status pnr_file_pwrite(int fd, const void *data, size_t length, uint64_t offset,
                                       const char *name, pnr_error *err);
/**
 * Share @length bytes of @from with @to instead of copying them: FICLONERANGE.
 * Offsets are multiples of the file system's block, @length too unless it ends
 * the file. After any error all of them are to be written: most file systems
 * refuse (UNSUPPORTED, INVALID or IO, by what they say), others may have shared a part.
 */
PNR_CHECKED pnr_status pnr_file_clone(int from, uint64_t from_offset, uint64_t length, int to, uint64_t to_offset,
                                      const char *name, pnr_error *err);
/** Cut the file to @length bytes. */
PNR_CHECKED pnr_status pnr_file_truncate(int fd, uint64_t length, const char *name, pnr_error *err);
PNR_CHECKED pnr_status pnr_file_fsync(int fd, const char *name, pnr_error *err);
/** Sync the whole file system that @fd is on. */
PNR_CHECKED pnr_status pnr_file_syncfs(int fd, const char *name, pnr_error *err);
PNR_CHECKED pnr_status pnr_file_stat(int fd, struct stat *out_stat, const char *name, pnr_error *err);
/** fstatat(2) with AT_SYMLINK_NOFOLLOW. */
PNR_CHECKED pnr_status pnr_file_stat_at(int dirfd, const char *path, struct stat *out_stat, pnr_error *err);
PNR_CHECKED pnr_status pnr_file_rename(int from_dir, const char *from, int to_dir, const char *to,
                                       pnr_error *err);
/** The same to a name that is not taken, else CONFLICT. File systems that cannot (NFS) fail with EINVAL or ENOSYS. */
PNR_CHECKED pnr_status pnr_file_rename_new(int from_dir, const char *from, int to_dir, const char *to,
                                           pnr_error *err);
/** linkat(2), links not followed. File systems that cannot fail with EPERM, EOPNOTSUPP or ENOSYS. */
PNR_CHECKED pnr_status pnr_file_link(int from_dir, const char *from, int to_dir, const char *to, pnr_error *err);
PNR_CHECKED pnr_status pnr_file_chmod(int fd, mode_t mode, const char *name, pnr_error *err);
PNR_CHECKED pnr_status pnr_file_unlink(int dirfd, const char *path, int flags, pnr_error *err);
/** mkdirat(2), mode 0777 less umask. */
PNR_CHECKED pnr_status pnr_file_mkdir(int dirfd, const char *path, pnr_error *err);
/** The link's target, NUL-terminated, in a buffer of @capacity bytes; INVALID if it does not fit. */
PNR_CHECKED pnr_status pnr_file_readlink(int dirfd, const char *path, char *buffer, size_t capacity,
                                         pnr_error *err);
/** flock(2); EWOULDBLOCK with LOCK_NB is PNR_BUSY. */
PNR_CHECKED pnr_status pnr_file_lock(int fd, int operation, const char *name, pnr_error *err);
/** Close *fd, set it to -1, and report what close reports: for a descriptor that was written. */
PNR_CHECKED pnr_status pnr_file_close(int *fd, const char *name, pnr_error *err);

/** Open a folder for *at calls: O_DIRECTORY | O_RDONLY. */
PNR_CHECKED pnr_status pnr_file_open_dir(int dirfd, const char *path, int *out_fd, pnr_error *err);
/** Make @path and the folders above it as needed, each one's parent synced. Existing ones are fine. */
PNR_CHECKED pnr_status pnr_file_make_dirs(int dirfd, const char *path, pnr_error *err);
/** The names in the folder @fd, without "." and "..", unsorted. Return non-zero to stop. */
typedef int (*pnr_name_fn)(void *user, const char *name);
PNR_CHECKED pnr_status pnr_file_list(int fd, const char *dir_name, pnr_name_fn fn, void *user, pnr_error *err);
/**
 * Remove @path in @dirfd and all below it, never following a link. Missing is
 * fine. Two descriptors and no recursion, however deep it is: what is left after
 * a failure may have moved within @path.
 */
PNR_CHECKED pnr_status pnr_file_remove_tree(int dirfd, const char *path, pnr_error *err);

struct pnr_buffer;
/** Append all of the file to @buffer, at most @limit bytes: one more is PNR_FULL ("larger than"). */
PNR_CHECKED pnr_status pnr_file_read_all(int fd, size_t limit, struct pnr_buffer *buffer, const char *name,
                                         pnr_error *err);

#endif
