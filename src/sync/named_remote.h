/* A remote by the name that the store knows it by. */
#ifndef PNR_SYNC_NAMED_REMOTE_H
#define PNR_SYNC_NAMED_REMOTE_H

#include "index/remote.h"
#include "remote/remote.h"
#include "store/store.h"

typedef struct pnr_named_remote {
	pnr_remote_row row; /**< points into the arena */
	pnr_buffer arena;
	pnr_remote *handle;
} pnr_named_remote;

#define PNR_NAMED_REMOTE_INIT { .handle = NULL }

/**
 * @options  of pnr_remote_open.
 * @out_at_fault  set to true if it failed by the remote (exit status 7); else untouched.
 * Errors: NOT_FOUND (no remote of that name here: says how to add one; or nothing
 * is there, then it is the remote's fault), and those of pnr_remote_open.
 */
PNR_CHECKED pnr_status pnr_named_remote_open(pnr_store *store, const char *name, const pnr_remote_options *options,
                                             pnr_named_remote *out_remote, bool *out_at_fault, pnr_error *err);
/** Leaves it initialised. */
void pnr_named_remote_close(pnr_named_remote *remote);

#endif
