/*
 * The assets of a package that the other side has: what new versions are patches
 * of. The natural base is the asset of the same path; engines have paths made of
 * their names, wherever they lie on disk.
 */
#ifndef PNR_SYNC_HELD_H
#define PNR_SYNC_HELD_H

#include "index/remote.h"

typedef struct pnr_held {
	char *path;
	pnr_blob_row blob;
	bool kept; /**< for the caller: the new package has the path, too */
} pnr_held;

typedef struct pnr_held_list {
	pnr_held *items;    /**< sorted by path */
	pnr_held **by_name; /**< the same, by what follows the last '/' */
	size_t count, capacity;
} pnr_held_list;

#define PNR_HELD_LIST_INIT { .items = NULL }

PNR_CHECKED pnr_status pnr_held_load(pnr_index *index, int64_t package_id, pnr_held_list *out_list, pnr_error *err);
/**
 * Of the package that is remembered as the newest on a remote: of the model @name
 * if there is one, else of any. None: the list is as it was.
 */
PNR_CHECKED pnr_status pnr_held_load_remote(pnr_index *index, int64_t remote_id, const char *name,
                                            pnr_held_list *out_list, pnr_error *err);
/** NULL if there is none. */
pnr_held *pnr_held_find(const pnr_held_list *list, const char *path);
/** The version of @path: what is there under that path, else under that name in another folder. NULL if there is none. */
const pnr_held *pnr_held_version(const pnr_held_list *list, const char *path);
/** Leaves it initialised. */
void pnr_held_free(pnr_held_list *list);

#endif
