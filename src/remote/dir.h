/*
 * A folder as a remote, across its files: a share, a mounted bucket, a USB disk. Keys are paths in it. What is ours and
 * no object has a name that no key can have. README.md says what is done in which order, and on which file systems.
 *
 * dir.c       folders, asking, getting, listing, the handle
 * dir_write.c syncing, temporaries, putting
 * dir_ref.c   refs and their lock
 */
#ifndef PNR_REMOTE_DIR_H
#define PNR_REMOTE_DIR_H

#include "remote/remote.h"
#include <sys/stat.h>

#define PNR_DIR_TMP "tmp~"   /**< what is being written: files named ID-NUMBER, ID being 16 hex digits */
#define PNR_DIR_LOCK "lock~" /**< held by flock while a ref is looked at and set */
#define PNR_DIR_PIECE ((size_t)256 * PNR_KIB)
/** So many folders are noted before they are synced, where syncfs will not do. */
#define PNR_DIR_FOLDERS_MAX 1024u

/** A put that is not published yet. */
typedef struct pnr_staged {
	pnr_remote_upload *upload;
	unsigned long number; /**< of its temporary; 0: there is none (any more) */
	int fd;
	pnr_remote_outcome outcome; /**< the upload's once it is durable */
} pnr_staged;

typedef struct pnr_dir {
	pnr_remote base;
	int root; /**< opened before the first write: syncfs on it reports every error since */
	int tmp;
	mode_t mode;                 /**< of new folders: the root's */
	bool syncfs_is_enough;       /**< for the bytes to be durable */
	bool no_rename_new, no_link; /**< the file system has said so */
	char id[17];
	unsigned long number;
	/* the folder that was entered last */
	int folder;
	char folder_name[PNR_REMOTE_KEY_MAX + 1];
	/* folders with names in them that may not be durable, by their path; many: and others */
	char *unsynced[PNR_DIR_FOLDERS_MAX];
	size_t unsynced_count;
	bool many;
	pnr_staged *staged;
	size_t staged_count, written;
	uint64_t staged_bytes;
} pnr_dir;

static inline pnr_dir *pnr_dir__of(pnr_remote *remote)
{
	return (pnr_dir *)(void *)remote;
}

/* ------------------------------------------------------------------ dir.c -- */

/** Fail with CORRUPT: something of @mode is where an object should be. */
pnr_status pnr_dir__in_the_way(mode_t mode, pnr_error *err);
/** @own is why something could not be made in a folder of the remote: record it, with what to do. */
pnr_status pnr_dir__not_made(const pnr_error *own, pnr_error *err);
/** Forget the folder that was entered last: it may be another by now. Every call of the remote starts so. */
void pnr_dir__leave(pnr_dir *d);
/**
 * The folder @path ("" is the root), @length bytes of it, which stays open until the next one is entered. Folders are
 * made if @make, else a missing one is NOT_FOUND.
 */
PNR_CHECKED pnr_status pnr_dir__enter(pnr_dir *d, const char *path, size_t length, bool make, int *out_fd,
                                      pnr_error *err);
/** The folder that the object @key is in, and its name there. */
PNR_CHECKED pnr_status pnr_dir__enter_for(pnr_dir *d, const char *key, bool make, int *out_fd, const char **out_name,
                                          pnr_error *err);
/** Open the folder @name in @at; it is made if it is not there. Neither a link nor anything else is taken for one. */
PNR_CHECKED pnr_status pnr_dir__make_folder(const pnr_dir *d, int at, const char *name, int *out_fd, pnr_error *err);
/** What lies at @key. NOT_FOUND: nothing; CORRUPT: no object, or in something that is no folder. */
PNR_CHECKED pnr_status pnr_dir__look(pnr_dir *d, const char *key, struct stat *out_stat, pnr_error *err);
/** Open the object @key. It is no link, and nothing that reading would wait for. */
PNR_CHECKED pnr_status pnr_dir__open_object(pnr_dir *d, const char *key, int *out_fd, struct stat *out_stat,
                                            pnr_error *err);

/* ------------------------------------------------------------ dir_write.c -- */

/** Does syncfs leave nothing behind on the file system of @fd? */
bool pnr_dir__is_syncfs_enough(int fd);
/** fsync a folder, where the file system knows that; else a rename is as durable as it gets. */
PNR_CHECKED pnr_status pnr_dir__sync_folder(int fd, const char *name, pnr_error *err);
/**
 * The name @key was seen or made. It may not be durable, nor may those of its folders: who made them may be another
 * process that is not done yet, or was killed. The next pnr_dir__sync_folders makes them so.
 */
PNR_CHECKED pnr_status pnr_dir__note(pnr_dir *d, const char *key, pnr_error *err);
PNR_CHECKED pnr_status pnr_dir__sync_folders(pnr_dir *d, pnr_error *err);
/** Make an empty temporary, and the first time remove stale ones. */
PNR_CHECKED pnr_status pnr_dir__create_temp(pnr_dir *d, unsigned long *out_number, int *out_fd, pnr_error *err);
void pnr_dir__discard_temp(const pnr_dir *d, unsigned long number);
/** Give the temporary @number the name @key. CONFLICT: @replace is false, and an object has it. */
PNR_CHECKED pnr_status pnr_dir__publish(pnr_dir *d, unsigned long number, const char *key, bool replace,
                                        pnr_error *err);
/** See pnr_remote_ops. */
pnr_status pnr_dir__put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err);

/* -------------------------------------------------------------- dir_ref.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_dir__swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                             const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err);

#endif
