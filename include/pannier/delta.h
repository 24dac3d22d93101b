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

/** What the other side has: exactly one of the three. */
typedef struct pnr_delta_options {
	size_t size;            /**< sizeof(pnr_delta_options) */
	const char *since;      /**< the package that ref names, and no more */
	const pnr_digest *have; /**< or the content with these hashes, wherever it is */
	size_t have_count;
	bool patches;           /**< not with `have`: a new version as a patch, where that is much smaller */
	pnr_progress_fn progress;
	void *progress_user;
	const char *remote;     /**< or the content that is on the remote of that name */
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
 * Write the delta to the package that @ref names. Since a package, without
 * patches and with nothing removed, `unzip -o` over that one's files is a right
 * update; else pnr_apply is.
 *
 * Against a remote what is remembered of it only says what to ask for: what it
 * says is there counts, whole or as a patch that leads to a whole. Patches are
 * against the versions of the package that is remembered as the newest there, of
 * the same model if there is one. The remote is only asked, not changed, nor is
 * what is remembered of it.
 *
 * Memory: with patches, what pnr_patch_make takes (codec/patch.h): the base, at
 * most 256 MiB, the new content and 96 MiB; larger ones are whole.
 *
 * @out_result    filled; its `size` is set.
 * @out_at_fault  may be NULL. Whether a failure was the remote's.
 * Errors: NOT_FOUND (a ref; a remote; the package has no zip), INVALID (the options, the
 * output), CONFLICT (an ambiguous ref), CORRUPT (a stored blob), CANCELLED, FULL, IO, NOMEM;
 * of the remote those of its calls.
 */
PNR_API PNR_CHECKED pnr_status pnr_delta(pnr_store *store, const char *ref, const pnr_delta_options *options,
                                         const char *output_path, pnr_delta_result *out_result, bool *out_at_fault,
                                         pnr_error *err);

/** Zero is the default of every field. */
typedef struct pnr_apply_options {
	size_t size;
	const char *name;        /**< of the delta in messages; NULL: @delta itself */
	const char *base;        /**< where to find what the store lacks: the zip of an older package, or its folder */
	const char *output_path; /**< the zip of the package goes there; not with `directory` */
	const char *directory;   /**< or its files */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_apply_options;

/** Content that a delta builds on and that is nowhere. */
typedef struct pnr_missing_content {
	const char *path; /**< of the asset that needs it */
	pnr_digest hash;  /**< of that asset's content, or of the base of its patch */
	bool patch_base;
} pnr_missing_content;

/** What came of it. Free with pnr_apply_result_free. */
typedef struct pnr_apply_result {
	size_t size;
	pnr_digest package_hash;
	pnr_digest archive_hash; /**< of the zip as this store makes it */
	uint64_t archive_size;   /**< of that */
	bool archive_identical;  /**< it is the zip that the delta was made of, byte for byte */
	uint64_t assets;         /**< of the package */
	uint64_t assets_whole;   /**< of these, as they were in the delta */
	uint64_t assets_patched; /**< made of patches */
	uint64_t assets_removed; /**< that the older package had */
	uint64_t bytes;          /**< of the delta */
	pnr_missing_content *missing; size_t missing_count;
} pnr_apply_result;

/**
 * Make the package that @delta, a file, describes: take what is in it into the
 * store, apply its patches to what the store has, check all of it, and record the
 * package as if it had been packed here. Then write its zip or its files, if that
 * is asked for: they appear whole or not at all. If only the files cannot be
 * written, the package is in the store all the same.
 *
 * A delta may come from anyone: nothing is believed before it was proved, no more
 * than its manifest promises is ever decoded.
 *
 * Memory: in proportion to the number of assets, and for one patch at a time its
 * base, at most 256 MiB, and the new content (codec/patch.h).
 *
 * @out_result  set on success, and with NOT_FOUND because of missing content, all of which it lists.
 * Errors: NOT_FOUND (no such file; content that is missing), CORRUPT (the delta or
 * the base is not what it says), INVALID (not a regular file; the output; an option),
 * UNSUPPORTED (a newer format; a patch that is too large), CONFLICT (the folder is
 * in the way), RETRY (a file changed while it was read), DENIED, BUSY, CANCELLED, FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_apply(pnr_store *store, const char *delta, const pnr_apply_options *options,
                                         pnr_apply_result **out_result, pnr_error *err);
/** Accepts NULL. */
PNR_API void pnr_apply_result_free(pnr_apply_result *result);

PNR_END_DECLS
#endif
