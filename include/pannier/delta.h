/*
 * Delta packages: a package as what differs from what the other side has. A
 * delta is a zip whose manifest describes the whole package and says, in its last
 * key, what of it is inside (schema/delta-format.md).
 */
#ifndef PANNIER_DELTA_H
#define PANNIER_DELTA_H

#include <pannier/digest.h>
#include <pannier/error.h>
#include <pannier/progress.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

/** What the other side has: exactly one of both. */
typedef struct pnr_delta_options {
	size_t size;            /**< sizeof(pnr_delta_options) */
	const char *since;      /**< the package that ref names, and no more */
	const pnr_digest *have; /**< or the content with these hashes, wherever it is */
	size_t have_count;
	bool patches;           /**< with `since`: a new version as a patch, where that is much smaller */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_delta_options;

/** What was written. */
typedef struct pnr_delta_result {
	size_t size;
	pnr_digest package_hash; /**< of the whole package */
	pnr_digest archive_hash; /**< of its zip */
	uint64_t assets;         /**< of it */
	uint64_t assets_whole;   /**< of these, in the delta */
	uint64_t assets_patched; /**< in the delta, as patches */
	uint64_t assets_removed; /**< that the other side has and the package has not */
	uint64_t bytes;          /**< of the delta */
	uint64_t bytes_full;     /**< of the package's zip */
} pnr_delta_result;

/**
 * Write the delta to the package that @ref names. Without patches, and with
 * nothing removed, `unzip -o` over the unpacked older package is a right update;
 * else pnr_apply is.
 *
 * Memory: with patches, what pnr_patch_make takes (codec/patch.h): the base, at
 * most 256 MiB, the new content and 96 MiB; larger ones are whole.
 *
 * @out_result  filled; its `size` is set.
 * Errors: NOT_FOUND (a ref; the package has no zip), INVALID (the options, the
 * output), CONFLICT (an ambiguous ref), CORRUPT (a stored blob), CANCELLED, FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_delta(pnr_store *store, const char *ref, const pnr_delta_options *options,
                                         const char *output_path, pnr_delta_result *out_result, pnr_error *err);

PNR_END_DECLS
#endif
