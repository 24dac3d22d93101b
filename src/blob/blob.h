/*
 * Objects: immutable bytes in files, named by the hash of their content and the
 * hash of the bytes themselves. Same name, same bytes: publishing is a rename
 * that may replace.
 *
 *   objects/ab/<64 hex>.<first 16 hex of stored_hash>.gz   (or .raw)
 *   tmp/                                                   being written
 */
#ifndef PNR_BLOB_BLOB_H
#define PNR_BLOB_BLOB_H

#include "base/error.h"
#include <pannier/digest.h>

typedef struct pnr_blobs pnr_blobs;

/** Names an object. */
typedef struct pnr_object_name {
	pnr_digest hash;        /**< of the content */
	pnr_digest stored_hash; /**< of the object's bytes */
	const char *suffix;     /**< "gz" or "raw"; static */
} pnr_object_name;

/** Open the objects of the store in @store_dir (a descriptor, duplicated). Folders are made when first needed. */
PNR_CHECKED pnr_status pnr_blobs_open(int store_dir, pnr_blobs **out_blobs, pnr_error *err);
/** Discards what was written and not committed. Accepts NULL. */
void pnr_blobs_close(pnr_blobs *blobs);

/** A file being written; at most one owner. */
typedef struct pnr_object pnr_object;

/** Make an empty temporary object. Threads: any number may write objects at once; make and finish them from one. */
PNR_CHECKED pnr_status pnr_object_new(pnr_blobs *blobs, pnr_object **out_object, pnr_error *err);
int pnr_object_fd(const pnr_object *object);
/** For messages. */
const char *pnr_object_temp_name(const pnr_object *object);
/** Its bytes are complete: keep it for the next commit. Takes @object, also on failure. */
PNR_CHECKED pnr_status pnr_object_finish(pnr_object *object, const pnr_object_name *name, pnr_error *err);
/** Throw it away. Accepts NULL. */
void pnr_object_discard(pnr_object *object);

/** An empty file in tmp/, open for reading and writing, without a name: closing it is its end. */
PNR_CHECKED pnr_status pnr_blobs_scratch(pnr_blobs *blobs, int *out_fd, pnr_error *err);

/**
 * Make all finished objects durable and visible: sync the bytes, rename, sync
 * the folders. After PNR_OK rows that name them may be committed. On failure
 * some objects may be visible, none is promised, all temporaries are gone.
 */
PNR_CHECKED pnr_status pnr_blobs_commit(pnr_blobs *blobs, pnr_error *err);

/** Open an object for reading. Errors: NOT_FOUND (named in the text), IO. */
PNR_CHECKED pnr_status pnr_blobs_open_object(const pnr_blobs *blobs, const pnr_object_name *name, int *out_fd,
                                             pnr_error *err);
/** Remove an object. One that is not there is removed. The caller holds the store's exclusive lock. */
PNR_CHECKED pnr_status pnr_blobs_remove(pnr_blobs *blobs, const pnr_object_name *name, pnr_error *err);
/** The object's path below the store's folder, as text: "objects/ab/..". */
#define PNR_OBJECT_PATH_SIZE 112
char *pnr_object_path(const pnr_object_name *name, char out_path[PNR_OBJECT_PATH_SIZE]);

/**
 * Report what lies in objects/, or, of @leftovers, in tmp/: each by its path below
 * the store's folder and its size. No link is followed, a folder that is not
 * there is empty. The first failure of @fn ends it.
 */
typedef pnr_status (*pnr_blobs_file_fn)(void *user, const char *path, uint64_t size, pnr_error *err);
PNR_CHECKED pnr_status pnr_blobs_files(const pnr_blobs *blobs, bool leftovers, pnr_blobs_file_fn fn, void *user,
                                       pnr_error *err);

/**
 * Remove the files that crashed writers left in tmp/; what else lies there stays.
 * The caller holds the store's exclusive lock. Errors: DENIED (tmp is a link), IO.
 */
PNR_CHECKED pnr_status pnr_blobs_sweep(pnr_blobs *blobs, pnr_error *err);

#endif
