#include "codec/form.h"
#include <libdeflate.h>
#include <string.h>


/* A DEFLATE stream is at least two bytes, and two bits of it give at most 258 bytes. */
#define DEFLATE_LEAST 2u
#define DEFLATE_RATIO 1032u

static const char *const form_names[] = {
	[PNR_FORM_STORED] = "stored",
	[PNR_FORM_ZLIB] = "zlib",
	[PNR_FORM_GZIP] = "gzip",
};

const char *pnr_form_name(pnr_form form)
{
	return (unsigned)form < PNR_COUNT(form_names) ? form_names[form] : "unknown";
}

bool pnr_form_parse(const char *name, pnr_form *out_form)
{
	for (unsigned form = 0; form < PNR_COUNT(form_names); form++) {
		if (strcmp(name, form_names[form]) == 0) {
			*out_form = (pnr_form)form;
			return true;
		}
	}
	return false;
}

const char *pnr_encoder_name(void)
{
	/* What stands behind the slash is ours: blocks of 1 MiB, dense data left alone. */
	return "libdeflate-" LIBDEFLATE_VERSION_STRING "/1M";
}

bool pnr_encoding_locate(pnr_encoding *encoding, uint64_t content_size)
{
	uint64_t head = 0, tail = 0;
	switch (encoding->form) {
	case PNR_FORM_STORED:
		if (encoding->stored_size != content_size)
			return false;
		break;
	case PNR_FORM_ZLIB:
		head = PNR_ZLIB_HEAD;
		tail = PNR_ZLIB_TAIL;
		break;
	case PNR_FORM_GZIP:
		head = PNR_GZIP_HEAD(content_size);
		tail = PNR_GZIP_TAIL;
		break;
	default:
		return false;
	}
	if (encoding->stored_size < head + tail)
		return false;
	uint64_t body = encoding->stored_size - head - tail;
	if (encoding->form != PNR_FORM_STORED && (body < DEFLATE_LEAST || content_size / DEFLATE_RATIO > body))
		return false;
	encoding->body_offset = head;
	encoding->body_size = body;
	return true;
}

void pnr_zlib_head(uint8_t *out)
{
	/* DEFLATE, 32 KiB window; "default" level; the two bytes are a multiple of 31. */
	memcpy(out, "\x78\x9c", PNR_ZLIB_HEAD);
}

void pnr_zlib_tail(uint8_t *out, const void *data, size_t length)
{
	uint32_t adler = libdeflate_adler32(1, data, length);
	for (unsigned i = 0; i < PNR_ZLIB_TAIL; i++)
		out[i] = (uint8_t)(adler >> (24 - 8 * i));
}

static void put_le(uint8_t *out, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

/* RFC 1952, section 2.3. */
#define FLAG_HEADER_CRC 2u
#define FLAG_EXTRA 4u
#define FLAG_NAME 8u
#define FLAG_COMMENT 16u
#define FLAGS_RESERVED 0xe0u
#define FIXED_SIZE 10u

/* Magic, method DEFLATE, flags, no time, no hint of the level, no operating system. */
void pnr_gzip_head(uint8_t *out, uint64_t content_size)
{
	static const uint8_t fixed[FIXED_SIZE] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
	const size_t size = PNR_GZIP_HEAD(content_size);
	memset(out, 0, size);
	memcpy(out, fixed, sizeof fixed);
	if (size == FIXED_SIZE)
		return;
	/* One extra field with one subfield of zeros, so that the body starts on a block of the file system. */
	out[3] = FLAG_EXTRA;
	put_le(out + FIXED_SIZE, size - FIXED_SIZE - 2, 2);
	memcpy(out + FIXED_SIZE + 2, "PN", 2);
	put_le(out + FIXED_SIZE + 4, size - FIXED_SIZE - 6, 2);
}

void pnr_gzip_tail(uint8_t *out, uint32_t crc32, uint64_t content_size)
{
	put_le(out, crc32, 4);
	put_le(out + 4, content_size & UINT32_MAX, 4);
}

static uint32_t get_le(const uint8_t *data, unsigned bytes)
{
	uint32_t value = 0;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)data[i] << (8 * i);
	return value;
}

/* Behind the text at @at, which ends with a NUL; beyond @length if it does not. */
static size_t skip_text(const uint8_t *data, size_t length, size_t at)
{
	const uint8_t *end = at < length ? memchr(data + at, 0, length - at) : NULL;
	return end == NULL ? length + 1 : (size_t)(end - data) + 1;
}

pnr_status pnr_gzip_read_head(const uint8_t *data, size_t length, size_t *out_length, pnr_error *err)
{
	size_t at = FIXED_SIZE;
	if (length > PNR_GZIP_HEAD_MAX)
		length = PNR_GZIP_HEAD_MAX;
	if (length < FIXED_SIZE || data[0] != 0x1f || data[1] != 0x8b || data[2] != 8 || (data[3] & FLAGS_RESERVED) != 0)
		return pnr_fail(err, PNR_CORRUPT, "it does not start as a gzip file does");
	const unsigned flags = data[3];
	if ((flags & FLAG_EXTRA) != 0)
		at = at + 2 <= length ? at + 2 + get_le(data + at, 2) : length + 1;
	if ((flags & FLAG_NAME) != 0)
		at = skip_text(data, length, at);
	if ((flags & FLAG_COMMENT) != 0)
		at = skip_text(data, length, at);
	if ((flags & FLAG_HEADER_CRC) != 0) {
		if (at + 2 <= length && get_le(data + at, 2) != (libdeflate_crc32(0, data, at) & 0xffff))
			return pnr_fail(err, PNR_CORRUPT, "its gzip header is damaged");
		at += 2;
	}
	if (at > length)
		return pnr_fail(err, PNR_CORRUPT, "its gzip header does not end");
	*out_length = at;
	return PNR_OK;
}

void pnr_gzip_read_tail(const uint8_t *data, uint32_t *out_crc32, uint32_t *out_size)
{
	*out_crc32 = get_le(data, 4);
	*out_size = get_le(data + 4, 4);
}
