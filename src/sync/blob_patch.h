/* A patch from one content of the store to another. */
#ifndef PNR_SYNC_BLOB_PATCH_H
#define PNR_SYNC_BLOB_PATCH_H

#include "base/progress.h"
#include "store/store.h"

/**
 * As pnr_patch_make, at the default level: @whole_size, @meter, @asset and
 * @out_size are its own. Whether there can be a patch at all is for the caller to
 * ask first (pnr_patch_fits): the base comes into memory, and the content into a file.
 *
 * @scratch       a file, open for reading and writing; what is in it is lost.
 * @scratch_name  for messages.
 */
PNR_CHECKED pnr_status pnr_blob_patch(pnr_store *store, const pnr_blob_row *base, const pnr_blob_row *content,
                                      uint64_t whole_size, int scratch, const char *scratch_name,
                                      const pnr_sink *out, pnr_meter *meter, const char *asset, uint64_t *out_size,
                                      pnr_error *err);

#endif
