/* Content that lies nearby: in the zip of another package, or in a folder. */
#ifndef PNR_SYNC_NEARBY_H
#define PNR_SYNC_NEARBY_H

#include "store/store.h"

/** Content that is looked for. */
typedef struct pnr_wanted {
	pnr_digest hash;
	uint64_t size;
	bool found; /**< out: it was there, and the store has it now */
} pnr_wanted;

/**
 * Take into the store what of @wanted there is at @path: a zip (what its manifest
 * lists), or a folder (any file in it; links are not followed). All else there is
 * of no concern; what is taken was hashed. In a folder what may not be read is
 * passed over.
 *
 * @wanted  sorted by hash, each once.
 * @level   of the encodings that are made.
 * @meter   may be NULL.
 * @out_unread  clear; names the first folder or file that was passed over, if any was.
 * Errors: NOT_FOUND (nothing at @path), CORRUPT (the zip, its manifest, an entry),
 * INVALID (neither zip nor folder), RETRY (a file changed meanwhile), DENIED, FULL, CANCELLED, IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_nearby_take(pnr_store *store, const char *path, pnr_wanted *wanted, size_t count,
                                       unsigned level, pnr_meter *meter, pnr_error *out_unread,
                                       pnr_error *err);

/** NULL if @hash is not one of @wanted. */
pnr_wanted *pnr_wanted_find(pnr_wanted *wanted, size_t count, const pnr_digest *hash);
/** Sort @wanted by hash and keep each once; returns how many are left. */
size_t pnr_wanted_sort(pnr_wanted *wanted, size_t count);

#endif
