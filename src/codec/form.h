/* The wrappers around a raw DEFLATE stream: zlib (RFC 1950) and gzip (RFC 1952). */
#ifndef PNR_CODEC_FORM_H
#define PNR_CODEC_FORM_H

#include "codec/encode.h"

#define PNR_ZLIB_HEAD 2u
#define PNR_ZLIB_TAIL 4u
#define PNR_GZIP_TAIL 8u
/** Bytes of the gzip header in front of content of @content_size bytes. */
#define PNR_GZIP_HEAD(content_size) ((content_size) < PNR_BLOCK_SIZE ? 10u : PNR_BODY_ALIGN)

/** Write PNR_ZLIB_HEAD bytes. */
void pnr_zlib_head(uint8_t *out);
/** Write PNR_ZLIB_TAIL bytes: the Adler-32 of @data. */
void pnr_zlib_tail(uint8_t *out, const void *data, size_t length);
/** Write PNR_GZIP_HEAD(content_size) bytes. They tell nothing of time, machine or name. */
void pnr_gzip_head(uint8_t *out, uint64_t content_size);
/** Write PNR_GZIP_TAIL bytes. */
void pnr_gzip_tail(uint8_t *out, uint32_t crc32, uint64_t content_size);

/** The longest header of others that is taken: the largest extra field, and names of some KiB. */
#define PNR_GZIP_HEAD_MAX ((size_t)68 << 10)
/**
 * The length of the gzip header at the start of @data, whoever made it.
 * Errors: CORRUPT (it is none, its own CRC is wrong, or it does not end within
 * @length and PNR_GZIP_HEAD_MAX bytes).
 */
PNR_CHECKED pnr_status pnr_gzip_read_head(const uint8_t *data, size_t length, size_t *out_length, pnr_error *err);
/** What the PNR_GZIP_TAIL bytes at @data say; the size modulo 2^32. */
void pnr_gzip_read_tail(const uint8_t *data, uint32_t *out_crc32, uint32_t *out_size);

#endif
