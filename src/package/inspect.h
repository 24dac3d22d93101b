/*
 * The checks of a package: what verify reports, what unpack insists on while it
 * writes, and what worker-json wants to know before it passes anything on.
 */
#ifndef PNR_PACKAGE_INSPECT_H
#define PNR_PACKAGE_INSPECT_H

#include "base/buffer.h"
#include "base/progress.h"
#include "model/model.h"
#include "package/contents.h"
#include "package/findings.h"
#include "package/listing.h"
#include "package/manifest_read.h"

/** A package while it is looked at. */
typedef struct pnr_inspection {
	pnr_contents *contents;
	pnr_findings *findings;
	pnr_verify_options options;
	pnr_meter meter;
	pnr_buffer manifest_text;
	/* NULL, the next three, where problems kept us from it */
	pnr_manifest *manifest;
	pnr_listing *listing;
	pnr_config *config;
	pnr_buffer config_text;
} pnr_inspection;

/**
 * Open the package and check all that does not need the assets' bytes, the
 * config's excepted: container, manifest, names, sizes, the rules of the config
 * and the mandatory assets, the listed packageHash. What is wrong goes to
 * `findings` and is no failure of this call.
 *
 * @source  must outlive the inspection.
 * @options NULL for defaults.
 * Errors: as pnr_verify but CORRUPT; INVALID (@source or @options).
 */
PNR_CHECKED pnr_status pnr_inspection_open(const pnr_package_source *source, const pnr_verify_options *options,
                                           pnr_inspection **out_inspection, pnr_error *err);
/** The same for contents that are open; takes @contents, also on failure. */
PNR_CHECKED pnr_status pnr_inspection_open_contents(pnr_contents *contents, const pnr_verify_options *options,
                                                    pnr_inspection **out_inspection, pnr_error *err);
/** Accepts NULL. */
void pnr_inspection_close(pnr_inspection *inspection);
void pnr_inspection_cleanup(pnr_inspection **inspection);

/** Where the bytes of the assets go on the way. */
typedef struct pnr_inspect_target {
	/** MUST. Be ready for the bytes of the asset @path. Called only while no problem was found. */
	pnr_status (*begin)(void *context, const char *path, pnr_sink *out_sink, pnr_error *err);
	/** MUST. They were right. */
	pnr_status (*end)(void *context, pnr_error *err);
	void *context;
} pnr_inspect_target;

/**
 * Check the bytes of all assets, the hashes of package and archive, and what the
 * options expect; reports @phase. After this the findings are complete.
 *
 * @target  NULL: bytes go nowhere. After a problem it is not called again, not
 *          even `end` for the asset that it began.
 * Errors: what @target returns; CANCELLED, RETRY (changed while it was read), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_inspection_run(pnr_inspection *inspection, pnr_phase phase,
                                          const pnr_inspect_target *target, pnr_error *err);

/**
 * Pass the bytes of @item to @next (may be NULL) and check them against the
 * manifest; `read` and `actual` are set when the end was reached. Only PNR_OK
 * says that what was passed on is right.
 *
 * @pool  as for pnr_contents_read; may be NULL.
 * Errors: CORRUPT (also missing), what @next returns, IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_inspect_asset(pnr_contents *contents, pnr_listed *item, pnr_pool *pool,
                                         const pnr_sink *next, pnr_error *err);

/* What the files of this mechanism share. */

/**
 * The middle of pnr_inspection_run: the bytes of all assets, on as many threads
 * as the options say, and meanwhile the hash of the zip. @target is called on
 * this thread only, in the manifest's order.
 */
PNR_CHECKED pnr_status pnr_inspect_assets(pnr_inspection *inspection, const pnr_inspect_target *target,
                                          pnr_error *err);
/** What is CORRUPT is a finding about @path; anything else is an error of ours, left in @own. */
PNR_CHECKED pnr_status pnr_inspection_absorb(pnr_inspection *inspection, const char *path, pnr_status status,
                                             const pnr_error *own, pnr_error *err);

#endif
