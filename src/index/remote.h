/*
 * What the index knows of remotes: where they are, what is on them, and what was
 * sent and fetched. Functions as those of index.h.
 */
#ifndef PNR_INDEX_REMOTE_H
#define PNR_INDEX_REMOTE_H

#include "index/index.h"

typedef struct pnr_remote_row {
	int64_t id;
	const char *name, *url;
	int64_t added_ms;
} pnr_remote_row;

/** @row->id is set. The same again changes nothing. Errors: CONFLICT (the name is another remote's). */
PNR_CHECKED pnr_status pnr_index_remote_put(pnr_index *index, pnr_remote_row *row, pnr_error *err);
/** Texts are copied into the empty @arena, which @out_row points into. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_remote_find(pnr_index *index, const char *name, pnr_buffer *arena,
                                             pnr_remote_row *out_row, pnr_error *err);
/** By name. Non-zero from @fn stops. */
typedef int (*pnr_remote_row_fn)(void *user, const pnr_remote_row *row);
PNR_CHECKED pnr_status pnr_index_remote_list(pnr_index *index, pnr_remote_row_fn fn, void *user, pnr_error *err);
/** With all that is known to be on it; transfers stay. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_remote_remove(pnr_index *index, const char *name, pnr_error *err);

/* -------------------------------------------------------------- presence -- */

/** Content on a remote. */
typedef struct pnr_presence_row {
	pnr_digest hash;
	uint64_t size;
	const char *form;       /**< "gzip", "stored", "patch"; static when it comes out */
	pnr_digest base;        /**< of a patch, zero otherwise */
	unsigned depth;         /**< 0: whole */
	pnr_digest stored_hash; /**< zero: not known, and so is its size */
	uint64_t stored_size;
	int64_t confirmed_ms;
} pnr_presence_row;

/** NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_presence_find(pnr_index *index, int64_t remote_id, const pnr_digest *hash,
                                               pnr_presence_row *out_row, pnr_error *err);
/** Remember. Replaces what was known of that content. */
PNR_CHECKED pnr_status pnr_index_presence_put(pnr_index *index, int64_t remote_id, const pnr_presence_row *row,
                                              pnr_error *err);
/** By hash. Non-zero from @fn stops. */
typedef int (*pnr_presence_row_fn)(void *user, const pnr_presence_row *row);
PNR_CHECKED pnr_status pnr_index_presence_list(pnr_index *index, int64_t remote_id, pnr_presence_row_fn fn, void *user,
                                               pnr_error *err);
/** Harmless when nothing is known of it. */
PNR_CHECKED pnr_status pnr_index_presence_forget(pnr_index *index, int64_t remote_id, const pnr_digest *hash,
                                                 pnr_error *err);

/* -------------------------------------------------------------- packages -- */

/** A package that is on a remote, whole. */
typedef struct pnr_remote_package_row {
	pnr_digest package_hash, manifest_hash, archive_hash;
	pnr_digest text_hash; /**< of its text there */
	const char *name;     /**< of the model */
	int64_t at_ms;        /**< when it was pushed or pulled */
} pnr_remote_package_row;

/** Remember. Replaces what was known of that package and manifest. */
PNR_CHECKED pnr_status pnr_index_remote_package_put(pnr_index *index, int64_t remote_id,
                                                    const pnr_remote_package_row *row, pnr_error *err);
/** The text of one that is known to be there. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_remote_package_text(pnr_index *index, int64_t remote_id,
                                                     const pnr_digest *package_hash,
                                                     const pnr_digest *manifest_hash, pnr_digest *out_text_hash,
                                                     pnr_error *err);
/** Harmless when it is not known. */
PNR_CHECKED pnr_status pnr_index_remote_package_forget(pnr_index *index, int64_t remote_id,
                                                       const pnr_digest *package_hash,
                                                       const pnr_digest *manifest_hash, pnr_error *err);
/** The newest first. Non-zero from @fn stops. */
typedef int (*pnr_remote_package_row_fn)(void *user, const pnr_remote_package_row *row);
PNR_CHECKED pnr_status pnr_index_remote_package_list(pnr_index *index, int64_t remote_id,
                                                     pnr_remote_package_row_fn fn, void *user, pnr_error *err);
/** Of those that this store has too, the newest one of the model @name, or of any if NULL. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_remote_package_newest(pnr_index *index, int64_t remote_id, const char *name,
                                                       int64_t *out_package_id, pnr_error *err);
/** Of the texts that this store has too, that of the newest package; otherwise the same. */
PNR_CHECKED pnr_status pnr_index_remote_text_newest(pnr_index *index, int64_t remote_id, const char *name,
                                                    pnr_blob_row *out_text, pnr_error *err);

/* -------------------------------------------------------------- transfers -- */

/** What moving a package took. */
typedef struct pnr_transfer_row {
	const char *remote, *url;  /**< its name, and where it was */
	const char *direction;     /**< "push" or "pull" */
	pnr_digest package_hash, archive_hash;
	int64_t at_ms;             /**< when it began */
	double seconds;
	uint64_t blobs_needed;     /**< different contents of the package */
	uint64_t blobs_sent;       /**< of these, moved */
	uint64_t blobs_patched;    /**< of those, as patches */
	uint64_t bytes_sent;       /**< moved */
	uint64_t bytes_full;       /**< that moving the package whole would have taken */
	const char *outcome;       /**< "done", or the pnr_status_name of what ended it */
} pnr_transfer_row;

PNR_CHECKED pnr_status pnr_index_transfer_put(pnr_index *index, const pnr_transfer_row *row, pnr_error *err);

#endif
