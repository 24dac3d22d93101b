/* Content comes from a remote into the store: only what is not there, in batches that each are there to stay. */
#ifndef PNR_SYNC_FETCH_H
#define PNR_SYNC_FETCH_H

#include "base/progress.h"
#include "remote/remote.h"
#include "store/store.h"
#include "sync/package_object.h"

/** What it took. */
typedef struct pnr_fetched {
	uint64_t needed;         /**< different contents of the package, wherever they are */
	uint64_t whole, patched; /**< contents that came, in either form; bases of patches among them */
	uint64_t bytes;          /**< of the objects that came */
} pnr_fetched;

/**
 * Bring every asset of @package into the store, proved, with rows. What is there
 * is not fetched; nor is the base of a patch that is. What came before a failure
 * stays: the next call fetches the rest.
 *
 * Memory: what the remote has in flight of objects of up to 1 MiB, 32 MiB at most;
 * larger ones wait in files of the store. For a patch its base, up to
 * PNR_PATCH_BASE_MAX, and its window.
 * @level  of the archive: what comes as a patch is compressed at it.
 * @meter  may be NULL; counts content bytes.
 * @out_encodings  one an object of @package, zeroed: the encoding that is as it was pushed, 0 where
 *                 it is not known. Set also on failure.
 * @out_fetched  also on failure: what came.
 * Errors: CORRUPT (an object is damaged or missing: named with the remote; or one
 * of the store), UNSUPPORTED (a patch that needs more memory), and those of
 * pnr_remote_get and of taking in.
 */
PNR_CHECKED pnr_status pnr_fetch(pnr_store *store, pnr_remote *remote, const pnr_package_object *package,
                                 unsigned level, pnr_meter *meter, int64_t *out_encodings,
                                 pnr_fetched *out_fetched, pnr_error *err);

#endif
