/* The manifest of a package (format 1.0), made of what the database says. */
#ifndef PNR_PACKAGE_MANIFEST_WRITE_H
#define PNR_PACKAGE_MANIFEST_WRITE_H

#include "store/store.h"

/**
 * Append the manifest: one query over the package's assets, its references, and
 * the config with its tokens as they are.
 *
 * @sources_id  where the assets' absolute paths are; 0: none are written (portable).
 * @config      checked JSON: the bytes of the config asset.
 */
PNR_CHECKED pnr_status pnr_manifest_write(pnr_store *store, int64_t package_id, int64_t sources_id,
                                          int64_t created_ms, const pnr_digest *package_hash, const char *config,
                                          size_t config_length, pnr_buffer *out, pnr_error *err);

/** The manifest of a package that was stored without a zip: as a portable one made when it was first stored. */
PNR_CHECKED pnr_status pnr_manifest_of_package(pnr_store *store, const pnr_ref_row *package, pnr_buffer *out,
                                               pnr_error *err);

#endif
