/*
 * Encodings: the ways in which the bytes of a blob are kept.
 *
 * Content is cut into blocks of 1 MiB; each is compressed on its own and the
 * results are joined into one valid DEFLATE stream, so that all cores work on
 * one file and memory is bounded. What does not shrink is kept as it is. The
 * bytes depend on content, level and encoder alone: not on the number of
 * threads, the machine or the file's name.
 */
#ifndef PNR_CODEC_ENCODE_H
#define PNR_CODEC_ENCODE_H

#include "base/buffer.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/stream.h"
#include <pannier/digest.h>

#define PNR_BLOCK_SIZE ((size_t)1 << 20)
#define PNR_LEVEL_DEFAULT 6u
#define PNR_LEVEL_MAX 12u
/** Encodings up to this size are kept in the database, in zlib format or stored. */
#define PNR_INLINE_MAX ((size_t)16 << 10)
/** Where the body starts in an object of content of PNR_BLOCK_SIZE or more. */
#define PNR_BODY_ALIGN 4096u

typedef enum pnr_form {
	PNR_FORM_STORED, /**< the content itself */
	PNR_FORM_ZLIB,   /**< RFC 1950; for the database */
	PNR_FORM_GZIP    /**< RFC 1952; for a file. Header padded to PNR_BODY_ALIGN when the content has a whole block */
} pnr_form;

/** What is known of an encoding. */
typedef struct pnr_encoding {
	pnr_form form;
	uint64_t stored_size;   /**< bytes as kept */
	pnr_digest stored_hash; /**< SHA-256 of the bytes as kept */
	uint64_t body_offset;   /**< where the raw DEFLATE stream (or the content, if stored) starts in them */
	uint64_t body_size;
} pnr_encoding;

/** What is known of content. */
typedef struct pnr_content {
	pnr_digest hash;
	uint32_t crc32;
	uint64_t size;
} pnr_content;

/** "stored", "zlib", "gzip". */
const char *pnr_form_name(pnr_form form);
/** The form of that name; false for any other. */
bool pnr_form_parse(const char *name, pnr_form *out_form);
/** Body offset and size of an encoding of @content_size bytes, from form and stored size alone. False if that cannot be. */
bool pnr_encoding_locate(pnr_encoding *encoding, uint64_t content_size);

/** Names this encoder in the index, version included: "libdeflate-1.14/1M". Static. */
const char *pnr_encoder_name(void);

/**
 * What compressing at one level takes: coders at rest. A job takes one and gives
 * it back, so that there are never more of them than jobs that run at one time.
 * Each has 0.7 MB up to level 9, 9 MB above. Threads: any.
 */
typedef struct pnr_coders pnr_coders;
/** @level  1..12. Errors: INVALID, NOMEM. */
PNR_CHECKED pnr_status pnr_coders_new(unsigned level, pnr_coders **out_coders, pnr_error *err);
/** Accepts NULL. None may be in use. */
void pnr_coders_free(pnr_coders *coders);

/**
 * Encode content of at most PNR_BLOCK_SIZE bytes that lies in memory. The
 * result is proved by decoding it. ZLIB if that takes at most PNR_INLINE_MAX
 * bytes, else GZIP; STORED if DEFLATE and 6 bytes would not be smaller.
 *
 * @crc32  of the content.
 * @out    receives the bytes as they are to be kept; appended to.
 * Errors: INVALID (the length), CORRUPT (the proof failed), NOMEM.
 * Threads: any.
 */
PNR_CHECKED pnr_status pnr_encode_memory(pnr_coders *coders, const void *data, size_t length, uint32_t crc32,
                                         pnr_buffer *out, pnr_encoding *out_encoding, pnr_error *err);

/**
 * Encode content of any size from @source, read exactly once, to the empty file
 * @fd (open for reading and writing), hashing it on the way. Every block is
 * proved by decoding. Always a file: STORED or GZIP. For content of at most one
 * block the bytes are those of a gzip encoding of pnr_encode_memory.
 *
 * Memory: some 4 blocks a thread, and a coder.
 * @name    of the output, for messages.
 * @meter   may be NULL; counts content bytes for @asset.
 * Errors: those of @source; CORRUPT (the proof failed), IO, FULL, CANCELLED,
 * NOMEM. What is in the file is then of no use.
 */
PNR_CHECKED pnr_status pnr_encode_stream(pnr_coders *coders, const pnr_source *source, int fd, const char *name,
                                         pnr_pool *pool, pnr_meter *meter, const char *asset,
                                         pnr_content *out_content, pnr_encoding *out_encoding,
                                         pnr_error *err);

/**
 * Decode a raw DEFLATE stream of exactly @body_size bytes to exactly
 * @content_size bytes. One byte too many on either side is CORRUPT, found
 * before the byte is passed on. Nothing beyond @body_size is read. @body is read
 * and @out written on this thread only, in order.
 *
 * The outcome, and the text of an error, does not depend on @pool: what it
 * decodes ahead is passed on only when it is proved to be what zlib makes of the
 * stream as a whole.
 *
 * @pool  NULL: this thread alone. Else the segments of a stream that
 *        pnr_encode_stream made are decoded on its threads.
 * Memory: some 400 KiB; with a pool of several threads and content of more than
 * a block, 5 MiB a thread.
 * Errors: CORRUPT, NOMEM, and those of @body and @out.
 */
PNR_CHECKED pnr_status pnr_inflate(const pnr_source *body, uint64_t body_size, uint64_t content_size,
                                   const pnr_sink *out, pnr_pool *pool, pnr_error *err);

/**
 * The same in one piece, both ends in memory.
 *
 * @out  has room for @content_size + 1 bytes; what is in it after a failure is of no use.
 * Errors: CORRUPT, INVALID (4 GiB or more), NOMEM. Threads: any.
 */
PNR_CHECKED pnr_status pnr_inflate_memory(const void *body, size_t body_size, void *out, size_t content_size,
                                          pnr_error *err);

/**
 * pnr_inflate on this thread, of content whose length nobody knows: all that the
 * stream gives is passed on, which is at most 1,032 times @body_size.
 */
PNR_CHECKED pnr_status pnr_inflate_unmeasured(const pnr_source *body, uint64_t body_size, const pnr_sink *out,
                                              pnr_error *err);

/**
 * No encoder makes a longer stream of content of that size: nine bits of a byte,
 * as the fixed code has, and 1 KiB for the heads and ends of blocks. A longer one
 * is padded, with blocks of nothing say, and is not kept.
 */
uint64_t pnr_deflated_longest(uint64_t content_size);

#endif
