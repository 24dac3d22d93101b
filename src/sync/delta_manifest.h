/* manifest.json of a delta: the manifest of the whole package, and where its assets come from (schema/delta-format.md). */
#ifndef PNR_SYNC_DELTA_MANIFEST_H
#define PNR_SYNC_DELTA_MANIFEST_H

#include "base/buffer.h"
#include "package/manifest_read.h"

#define PNR_DELTA_KEY "delta"
#define PNR_DELTA_FORMAT 1u

#define PNR_DELTA_PATCH_DIR "patches"
#define PNR_DELTA_PATCH_PATH_SIZE (sizeof PNR_DELTA_PATCH_DIR + 2 * PNR_DIGEST_HEX_SIZE + sizeof ".zst")
/** Where the patch to @content on @base lies in the zip, in @out. */
const char *pnr_delta_patch_path(const pnr_digest *content, const pnr_digest *base,
                                 char out[PNR_DELTA_PATCH_PATH_SIZE]);

typedef enum pnr_delta_from {
	PNR_DELTA_BASE, /**< the other side has it */
	PNR_DELTA_ZIP,  /**< whole, in the delta under its own path */
	PNR_DELTA_PATCH /**< in the delta as a patch */
} pnr_delta_from;
/** "base", "zip", "patch". */
const char *pnr_delta_from_name(pnr_delta_from from);

/** Of an asset. All but the first are a patch's. */
typedef struct pnr_delta_asset {
	pnr_delta_from from;
	pnr_digest base;    /**< of the content it applies to */
	uint64_t base_size; /**< of that */
	pnr_digest hash;    /**< of the patch's bytes */
	uint64_t size;      /**< of the patch */
} pnr_delta_asset;

typedef struct pnr_delta_manifest {
	pnr_buffer text;        /**< manifest.json of the package, byte for byte */
	pnr_manifest *manifest; /**< that, read */
	bool has_base;
	pnr_digest base_package_hash;
	char *name;             /**< of the model */
	pnr_digest archive_hash;
	uint64_t archive_size;
	char *archive_options;
	pnr_delta_asset *assets; /**< one for each of the manifest's, in its order */
	size_t asset_count;
	size_t removed_count;
} pnr_delta_manifest;

#define PNR_DELTA_MANIFEST_INIT { .text = PNR_BUFFER_INIT }

/**
 * Read the @length bytes of @text: the manifest, `delta` behind it, and that both
 * speak of the same assets. What they promise of content is not looked at.
 *
 * Memory: in proportion to the assets; no tree of the whole is built.
 * Errors: CORRUPT (says where; or it is no delta),
 * UNSUPPORTED (a newer format), NOMEM.
 */
PNR_CHECKED pnr_status pnr_delta_manifest_read(const char *text, size_t length, pnr_delta_manifest *out_delta,
                                               pnr_error *err);
/** Leaves it initialised. */
void pnr_delta_manifest_free(pnr_delta_manifest *delta);

#endif
