/*
 * A folder of files that is written beside its name and appears under it in one
 * step, complete and synced, or not at all.
 */
#ifndef PNR_PACKAGE_TREE_H
#define PNR_PACKAGE_TREE_H

#include "base/stream.h"

typedef struct pnr_tree pnr_tree;

/**
 * Prepare to write the folder @dir: nothing must be in its way but an empty
 * folder. Folders above it are made; they are removed again if it is not
 * published.
 *
 * @file_count  how many files will be written: decides how they are synced.
 * Errors: CONFLICT with EEXIST (@dir is in use, or is the current folder), DENIED, FULL, IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_tree_new(const char *dir, uint64_t file_count, pnr_tree **out_tree, pnr_error *err);

/**
 * Start the file @path, which pnr_path_package_problem has nothing against, and
 * the folders above it. Nothing that exists is ever opened or followed.
 *
 * @out_sink  takes its bytes, until pnr_tree_end.
 */
PNR_CHECKED pnr_status pnr_tree_begin(pnr_tree *tree, const char *path, pnr_sink *out_sink, pnr_error *err);
PNR_CHECKED pnr_status pnr_tree_end(pnr_tree *tree, pnr_error *err);

/**
 * Sync all of it and give it its name. If only the last step fails, syncing the
 * folder above, the complete folder is there and the error says so.
 */
PNR_CHECKED pnr_status pnr_tree_publish(pnr_tree *tree, pnr_error *err);

/** Unless it was published nothing remains. Accepts NULL. */
void pnr_tree_free(pnr_tree *tree);
void pnr_tree_cleanup(pnr_tree **tree);

#endif
