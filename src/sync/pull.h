/* Inside of pulling. */
#ifndef PNR_SYNC_PULL_H
#define PNR_SYNC_PULL_H

#include "sync/named_remote.h"
#include <pannier/remote.h>

/** pnr_pull through a remote that is open. @out_result is filled on success; @out_at_fault is not NULL. */
PNR_CHECKED pnr_status pnr_pull_through(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                                        const pnr_pull_options *options, pnr_meter *meter,
                                        pnr_pull_result *out_result, bool *out_at_fault,
                                        pnr_error *err);

#endif
