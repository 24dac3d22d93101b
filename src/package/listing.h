/* The assets of a manifest as a set of names: each once, none in the way of another, and their packageHash. */
#ifndef PNR_PACKAGE_LISTING_H
#define PNR_PACKAGE_LISTING_H

#include "package/findings.h"
#include "package/manifest_read.h"

/** Folders that a package path may lie in. More would be made only to exhaust descriptors when they are removed. */
#define PNR_LISTING_DEPTH_MAX 100u

/** One asset, and what was found of it. */
typedef struct pnr_listed {
	const pnr_manifest_asset *asset;
	bool repeated;     /**< an earlier asset has this path; nothing below is set */
	bool present;      /**< in the contents, with the right size */
	uint64_t entry;    /**< if present: its index there */
	bool read;         /**< to its end: @actual is known */
	bool wrong;        /**< reported: cannot be read, or other bytes than the manifest says */
	pnr_digest actual;
} pnr_listed;

typedef struct pnr_listing {
	pnr_listed *items;    /**< in the manifest's order */
	size_t count;
	pnr_listed **by_path; /**< sorted by byte value, each path once */
	size_t unique;
} pnr_listing;

/**
 * List the assets of @manifest, which must outlive the listing. A path that is
 * there twice is a problem; a warning if both are equal and the manifest has no
 * packageHash, as the old packager lists an engine once a node.
 */
PNR_CHECKED pnr_status pnr_listing_new(const pnr_manifest *manifest, pnr_findings *findings,
                                       pnr_listing **out_listing, pnr_error *err);
/** Accepts NULL. */
void pnr_listing_free(pnr_listing *listing);
void pnr_listing_cleanup(pnr_listing **listing);

/**
 * Find what may not be a path in a package, or is in the way of another path,
 * also when case is ignored. Paths that are one only for some file systems, by
 * Unicode normal form or case beyond ASCII, are warnings.
 */
PNR_CHECKED pnr_status pnr_listing_check_names(const pnr_listing *listing, pnr_findings *findings, pnr_error *err);

/** NULL if @path is not listed. */
pnr_listed *pnr_listing_find(const pnr_listing *listing, const char *path);
/** Is @folder, which ends with '/', above a listed path? */
bool pnr_listing_has_folder(const pnr_listing *listing, const char *folder);

/**
 * packageHash: of the hashes that the manifest lists, or (@actual) of those that
 * were found. All zero if one of those is not known.
 */
PNR_CHECKED pnr_status pnr_listing_hash(const pnr_listing *listing, bool actual, pnr_digest *out_hash,
                                        pnr_error *err);

#endif
