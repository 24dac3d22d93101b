/* A check of a store, and the part of it that is about objects; package/fsck.c has the others. */
#ifndef PNR_STORE_FSCK_H
#define PNR_STORE_FSCK_H

#include "index/fsck.h"
#include "store/store.h"
#include <pannier/fsck.h>

typedef struct pnr_fsck_run {
	pnr_store *store;
	const pnr_fsck_options *options;
	pnr_meter meter;
	bool told_enough;
	pnr_error unread; /**< the first failure to read something, while the rest is checked */
	pnr_fsck_result result;
} pnr_fsck_run;

/** Tell a problem that affects these packages. */
void pnr_fsck_tell(pnr_fsck_run *run, const char *kind, const char *name, const char *problem,
                   const pnr_digest *packages, size_t count);
/**
 * What came of looking at something: damage is told, and what cannot be read, and is no failure of the check any
 * more. PNR_OK then, else @own in @err.
 */
PNR_CHECKED pnr_status pnr_fsck_absorb(pnr_fsck_run *run, const char *kind, const char *name, pnr_status status,
                                       const pnr_error *own, const pnr_digest *packages, size_t count, pnr_error *err);

/** Call @check for the id of every row, from one state of the database for some hundred of them. */
typedef pnr_status (*pnr_fsck_row_fn)(void *user, int64_t id, pnr_error *err);
PNR_CHECKED pnr_status pnr_fsck_rows(pnr_fsck_run *run, pnr_index_rows rows, pnr_fsck_row_fn check, void *user,
                                     pnr_error *err);
/** Every encoding: is it there, with its size; with FULL, what does it decode to? Then the files that are none. */
PNR_CHECKED pnr_status pnr_fsck_objects(pnr_fsck_run *run, pnr_error *err);

#endif
