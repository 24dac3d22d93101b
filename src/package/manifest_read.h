/*
 * manifest.json, format 1.0, read. Only its own form is checked here: whether
 * paths are safe, listed once and there is the business of inspect.
 */
#ifndef PNR_PACKAGE_MANIFEST_READ_H
#define PNR_PACKAGE_MANIFEST_READ_H

#include "base/json.h"
#include <pannier/digest.h>

#define PNR_MANIFEST_VERSION "1.0"

typedef struct pnr_manifest_asset {
	char *path;        /**< relativePath, decoded; any text */
	char *source_path; /**< absolutePath; NULL: not recorded */
	const char *type;  /**< static */
	pnr_digest hash;
	uint64_t size;
} pnr_manifest_asset;

typedef struct pnr_manifest_refs {
	bool present; /**< false: the key is missing, which an empty list is not */
	char **items;
	size_t count;
} pnr_manifest_refs;

typedef struct pnr_manifest {
	int64_t created_ms;
	pnr_manifest_asset *assets; /**< in the manifest's order; one path may be there twice */
	size_t asset_count;
	bool has_package_hash;      /**< false: made by the old packager */
	pnr_digest package_hash;
	pnr_json_span config;       /**< in the text that was read; start == end if the key is missing */
	pnr_manifest_refs assumption_refs;
	pnr_manifest_refs external_refs;
} pnr_manifest;

/**
 * Read the @length bytes of @text. Unknown keys are passed over.
 *
 * Memory: in proportion to the assets; no tree of the whole is built.
 * Errors: CORRUPT (not JSON, a wrong type or value, a limit: the text says
 * where), UNSUPPORTED (another version: names it), NOMEM.
 */
PNR_CHECKED pnr_status pnr_manifest_read(const char *text, size_t length, pnr_manifest **out_manifest,
                                         pnr_error *err);
/** Accepts NULL. */
void pnr_manifest_free(pnr_manifest *manifest);
void pnr_manifest_cleanup(pnr_manifest **manifest);

#endif
