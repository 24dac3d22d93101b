/* Decoding DEFLATE: what one thread does, and what the threads of a pool do with the segments of a stream. */
#ifndef PNR_CODEC_INFLATE_H
#define PNR_CODEC_INFLATE_H

#include "codec/encode.h"

/** How far back a stream may refer. */
#define PNR_WINDOW_SIZE ((size_t)32 << 10)
/** Bytes of a body that are asked for at a time, on any path: who is first to notice a fault does not depend on it. */
#define PNR_INFLATE_STEP ((size_t)64 << 10)

/**
 * Decode the rest of a stream on this thread, from a block's start that is a
 * byte's start as well.
 *
 * @body_size, @content_size  of the rest.
 * @window  the content before it, at most PNR_WINDOW_SIZE bytes; NULL at the start of a stream.
 * Errors: as pnr_inflate.
 */
PNR_CHECKED pnr_status pnr_inflate_rest(const pnr_source *body, uint64_t body_size, uint64_t content_size,
                                        const uint8_t *window, size_t window_length, const pnr_sink *out,
                                        pnr_error *err);

/**
 * The same as pnr_inflate, for content of more than a block and a pool of more
 * than one thread.
 */
PNR_CHECKED pnr_status pnr_inflate_segments(const pnr_source *body, uint64_t body_size, uint64_t content_size,
                                            const pnr_sink *out, pnr_pool *pool, pnr_error *err);

#endif
