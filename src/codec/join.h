/*
 * Joining DEFLATE streams (RFC 1951) into one.
 *
 * A DEFLATE stream is a row of blocks, not aligned to bytes; the first bit of
 * each says whether it is the last. To go on after a stream, that bit of its
 * last block is cleared, and an empty stored block brings the end to a byte
 * boundary. Then the next stream can follow as it is: what compressed it saw
 * nothing of this one, so no match reaches back too far.
 */
#ifndef PNR_CODEC_JOIN_H
#define PNR_CODEC_JOIN_H

#include "base/error.h"
#include <zlib.h>

/** Bytes that sealing may add to a stream. */
#define PNR_JOIN_ROOM 5u
/** What follows the last sealed segment: an empty final block. */
#define PNR_JOIN_END "\x03\x00"
#define PNR_JOIN_END_SIZE 2u
/** A stored block holds at most so many bytes, after so many of its own. */
#define PNR_STORED_MAX 65535u
#define PNR_STORED_HEAD 5u
/** What @length bytes take up as stored blocks, beyond themselves. */
#define PNR_STORED_OVERHEAD(length) (((length) + PNR_STORED_MAX - 1) / PNR_STORED_MAX * PNR_STORED_HEAD)

/** A position in a stream is a number of bits, the least significant of a byte first. */
typedef struct pnr_join {
	size_t last; /**< where the last block starts: its final bit */
	size_t end;  /**< after the last bit of the stream */
} pnr_join;

/**
 * Prove that the raw DEFLATE @stream, all of it, decodes to exactly @content,
 * and find where its last block lies.
 *
 * @inflater  initialised for raw DEFLATE (windowBits -15); reset here.
 * Errors: CORRUPT (it does not), NOMEM.
 */
PNR_CHECKED pnr_status pnr_join_prove(z_stream *inflater, const uint8_t *stream, size_t stream_length,
                                      const uint8_t *content, size_t content_length, pnr_join *out_join,
                                      pnr_error *err);

/**
 * Open the end of @stream, so that more may follow. Bits after the end need not
 * be zero; PNR_JOIN_ROOM bytes after it must be there. Returns its new length.
 */
size_t pnr_join_seal(uint8_t *stream, const pnr_join *join);

/**
 * Write @length bytes of @data as stored blocks, none of them final, at @out.
 * @data may lie in @out's memory, PNR_STORED_OVERHEAD(length) after its start or
 * later. Returns length + PNR_STORED_OVERHEAD(length).
 */
size_t pnr_join_store(uint8_t *out, const uint8_t *data, size_t length);

#endif
