/* One block of content, compressed on its own and proved. */
#ifndef PNR_CODEC_BLOCK_H
#define PNR_CODEC_BLOCK_H

#include "codec/encode.h"
#include "codec/join.h"

/** What compressing takes, reused from block to block. */
typedef struct pnr_coder pnr_coder;

/** Room for the output of pnr_coder_run, and for sealing it. */
#define PNR_CODER_ROOM(length) ((length) + 16)
/** A block shrinks if it saves more than so many bytes: what the zlib format adds to the smallest encoding. */
#define PNR_CODER_MARGIN 6u

/**
 * @level  1..12.
 * Errors: NOMEM. Memory: 0.7 MB up to level 9, 9 MB above.
 */
PNR_CHECKED pnr_status pnr_coder_new(unsigned level, pnr_coder **out_coder, pnr_error *err);

/**
 * Compress @data of 1 to PNR_BLOCK_SIZE bytes to the raw DEFLATE stream @out.
 *
 * @out         PNR_CODER_ROOM(length) bytes.
 * @out_length  0 if the block does not shrink; @out_join is then untouched.
 * Errors: CORRUPT (the stream does not decode to @data: a fault of memory or of
 * a library), NOMEM.
 * Threads: one call per coder at a time.
 */
PNR_CHECKED pnr_status pnr_coder_run(pnr_coder *coder, const uint8_t *data, size_t length, uint8_t *out,
                                     size_t *out_length, pnr_join *out_join, pnr_error *err);

/** Accepts NULL. */
void pnr_coder_free(pnr_coder *coder);
void pnr_coder_cleanup(pnr_coder **coder);

/** A coder that is at rest, or a new one. Errors: NOMEM. Threads: any. */
PNR_CHECKED pnr_status pnr_coders_take(pnr_coders *coders, pnr_coder **out_coder, pnr_error *err);
/** Accepts NULL. Threads: any. */
void pnr_coders_give(pnr_coders *coders, pnr_coder *coder);

#endif
