/*
 * Patches: content as what differs from other content, its base.
 *
 * A patch is one zstd frame with the base as its prefix. `zstd -d
 * --patch-from=BASE` decodes it without any other option; what cannot be such a
 * frame has no patch and is kept whole. The bytes depend on base, content, level
 * and version of libzstd alone.
 */
#ifndef PNR_CODEC_PATCH_H
#define PNR_CODEC_PATCH_H

#include "base/progress.h"
#include "base/stream.h"
#include <pannier/digest.h>

/** No base is larger: it is in memory, where a patch is made and where it is applied. */
#define PNR_PATCH_BASE_MAX ((size_t)256 << 20)
/** A window that the stock tool takes with any base; up to the base's size with a larger one. */
#define PNR_PATCH_WINDOW ((size_t)128 << 20)
#define PNR_PATCH_LEVEL_DEFAULT 12u
#define PNR_PATCH_LEVEL_MAX 19u
/** A patch is worth having if it is this many times smaller than the whole (README, "Levels of patches"). */
#define PNR_PATCH_GAIN 2u
/** What pnr_patch_make takes at most, at the default level, beside base, content and patch. */
#define PNR_PATCH_MAKE_MEMORY ((size_t)96 << 20)
/** What pnr_patch_apply takes at most beside base and content. */
#define PNR_PATCH_APPLY_MEMORY ((size_t)1 << 20)

/** From what to what. */
typedef struct pnr_patch {
	const void *base; /**< NULL if base_size is 0 */
	size_t base_size;
	uint64_t content_size;
	pnr_digest content_hash;
} pnr_patch;

/**
 * Can there be a patch? No if the base is too large, or the content for the
 * stock tool. By the sizes alone: nothing need be read to know.
 */
bool pnr_patch_fits(uint64_t base_size, uint64_t content_size);

/**
 * Make the patch to what @content gives, and write it to @out. *out_size is 0 and
 * nothing is written if there is none worth having: pnr_patch_fits says no, or
 * it would be larger than @whole_size / PNR_PATCH_GAIN. Then the whole is to be
 * kept or sent; @content was not read to its end, or not at all.
 *
 * The patch was proved before its first byte is written: applied, it gives the
 * content that @patch names.
 *
 * Memory, beside the base: content_size; the patch, and half of it while it
 * grows; PNR_PATCH_MAKE_MEMORY. What other levels take: README, "Levels of patches".
 * @whole_size  what would be kept or sent instead: of the content, compressed.
 * @level       1..PNR_PATCH_LEVEL_MAX.
 * @meter       may be NULL; counts content bytes for @asset. Nobody is asked while
 *              zstd learns the base: 9 s for the largest at the default level.
 * Errors: those of @content and @out; CORRUPT (@content is not what @patch names,
 * or the proof failed), INVALID (the level), CANCELLED, NOMEM.
 * Threads: any; it uses none of its own.
 */
PNR_CHECKED pnr_status pnr_patch_make(const pnr_patch *patch, const pnr_source *content, uint64_t whole_size,
                                      unsigned level, const pnr_sink *out, pnr_meter *meter, const char *asset,
                                      uint64_t *out_size, pnr_error *err);

/**
 * Apply a patch of exactly @patch_size bytes, whoever made it. No more than
 * content_size bytes are passed on; PNR_OK only if they were all and have the hash
 * that @patch names, so @out MUST be where nobody looks before that.
 *
 * CORRUPT is what is not one zstd frame to the last byte, does not say how long
 * its content is, needs a window that the stock tool refuses or a dictionary: all
 * this is known before memory is taken for it. Nothing beyond @patch_size is read.
 *
 * Memory, beside the base: the window, which is content_size at most, and
 * PNR_PATCH_APPLY_MEMORY.
 * @out    may be NULL: is it good?
 * @meter  may be NULL; counts content bytes for @asset.
 * Errors: CORRUPT, UNSUPPORTED (pnr_patch_fits says no), CANCELLED, NOMEM, and
 * those of @source and @out.
 * Threads: any.
 */
PNR_CHECKED pnr_status pnr_patch_apply(const pnr_patch *patch, const pnr_source *source, uint64_t patch_size,
                                       const pnr_sink *out, pnr_meter *meter, const char *asset, pnr_error *err);

#endif
