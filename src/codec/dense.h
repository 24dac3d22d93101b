/* Telling data that DEFLATE cannot shrink before trying. */
#ifndef PNR_CODEC_DENSE_H
#define PNR_CODEC_DENSE_H

#include "base/base.h"

/**
 * True if DEFLATE would save next to nothing on @data: every byte value is about
 * as frequent as any other, everywhere in it, and what is within reach of a match
 * does not recur. Some 6 times as fast as compressing at level 6 where it is true,
 * and practically free where it is not. @data is one block.
 *
 * Part of what defines the encoder's output: exact arithmetic, the same on every
 * machine; a change here is a new encoder (pnr_encoder_name).
 */
bool pnr_data_is_dense(const uint8_t *data, size_t length);

#endif
