/*
 * The assets of a package that the other side has: what new versions are patches
 * of.
 */
#ifndef PNR_SYNC_HELD_H
#define PNR_SYNC_HELD_H

#include "index/index.h"

typedef struct pnr_held {
	char *path;
	pnr_blob_row blob;
	bool kept; /**< for the caller: the new package has the path, too */
} pnr_held;

typedef struct pnr_held_list {
	pnr_held *items;    /**< sorted by path */
	pnr_held **by_name; /**< the same by what follows the last '/' */
	size_t count, capacity;
} pnr_held_list;

#define PNR_HELD_LIST_INIT { .items = NULL }

PNR_CHECKED pnr_status pnr_held_load(pnr_index *index, int64_t package_id, pnr_held_list *out_list, pnr_error *err);
/** NULL if there is none. */
pnr_held *pnr_held_find(const pnr_held_list *list, const char *path);
/** The version that the other side has: of the same path, else of the same name in another folder; else NULL. */
const pnr_held *pnr_held_version(const pnr_held_list *list, const char *path);
/** Leaves it initialised. */
void pnr_held_free(pnr_held_list *list);

#endif
