/*
 * What was given up to save space: packages whose content need not be kept, and
 * encodings whose bytes are gone. All other rows stay as they are, so that what
 * was packed when can be told for ever, and what comes back finds its place.
 */
#ifndef PNR_INDEX_EVICT_H
#define PNR_INDEX_EVICT_H

#include "index/index.h"

/** Bytes of all encodings that are kept. */
PNR_CHECKED pnr_status pnr_index_kept_size(pnr_index *index, uint64_t *out_size, pnr_error *err);

/** A package that may be given up. */
typedef struct pnr_evictable_row {
	int64_t id;
	bool logged;               /**< if not, nobody wants it: the rest need not be set */
	pnr_digest package_hash;
	pnr_digest manifest_hash, text_hash; /**< as which it is remembered to be on the remote */
} pnr_evictable_row;
typedef pnr_status (*pnr_evictable_row_fn)(void *user, const pnr_evictable_row *row, pnr_error *err);

/**
 * Report the packages that may be given up, the one that was used longest ago
 * first: those that are remembered to be on the remote, each as often as it is
 * there as another zip, and those without a log entry. Not @except_id. @fn must not write.
 */
PNR_CHECKED pnr_status pnr_index_evictable(pnr_index *index, int64_t remote_id, int64_t except_id,
                                           pnr_evictable_row_fn fn, void *user, pnr_error *err);
/** Give up a package. What it needs stays until it is given up as well. */
PNR_CHECKED pnr_status pnr_index_evict_package(pnr_index *index, int64_t package_id, int64_t at_ms, pnr_error *err);

/** An encoding that nobody needs any more. */
typedef struct pnr_unneeded_row {
	int64_t id;
	pnr_digest hash, stored_hash;
	const char *form;
	uint64_t stored_size;
	bool in_file;
} pnr_unneeded_row;
typedef pnr_status (*pnr_unneeded_row_fn)(void *user, const pnr_unneeded_row *row, pnr_error *err);

/**
 * Report the encodings of the content and the manifests of @package_id, which was
 * given up, that no other package needs; 0: those of content that is in no package.
 * @fn must not write.
 */
PNR_CHECKED pnr_status pnr_index_unneeded(pnr_index *index, int64_t package_id, pnr_unneeded_row_fn fn, void *user,
                                          pnr_error *err);
/**
 * Report the encodings that went the last time and have not come back, but those
 * that never are in a file. @fn must not write.
 */
PNR_CHECKED pnr_status pnr_index_evicted_last(pnr_index *index, pnr_unneeded_row_fn fn, void *user, pnr_error *err);
/** The bytes of an encoding go: those in the database now, its file when the transaction is committed. */
PNR_CHECKED pnr_status pnr_index_evict_encoding(pnr_index *index, int64_t encoding_id, int64_t at_ms, pnr_error *err);
/**
 * The bytes of @row were stored again: all encodings of its blob of these bytes (stored_hash, stored_size) are whole.
 * Harmless if they were never gone.
 */
PNR_CHECKED pnr_status pnr_index_restore_encoding(pnr_index *index, const pnr_encoding_row *row, pnr_error *err);
/** The package is wanted again. Harmless if it was never given up. */
PNR_CHECKED pnr_status pnr_index_restore_package(pnr_index *index, int64_t package_id, pnr_error *err);
/** Are the bytes of an encoding of this blob gone? */
PNR_CHECKED pnr_status pnr_index_blob_evicted(pnr_index *index, int64_t blob_id, bool *out_evicted, pnr_error *err);
/** Are the bytes of an encoding gone that this archive was made of? */
PNR_CHECKED pnr_status pnr_index_archive_evicted(pnr_index *index, int64_t archive_id, bool *out_evicted,
                                                 pnr_error *err);

#endif
