/*
 * The codec against zlib.
 *
 * The first byte of an input chooses what the rest is: a stream that anyone may
 * have sent (even), or content to encode (odd; the next three bytes choose level,
 * repetitions and where it is cut). Whatever zlib says of the result must be what
 * we say.
 */
#include "target.h"
#include "base/stream.h"
#include "codec/block.h"
#include "codec/encode.h"
#include "codec/form.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT ((size_t)1 << 20)

/* zlib's verdict on all of @body as a raw stream: the size of what it gives, LIMIT or more if it is wrong or large. */
static size_t zlib_decode(const uint8_t *body, size_t size, uint8_t *out)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)body, .avail_in = (uInt)size };
	REQUIRE(inflateInit2(&z, -MAX_WBITS) == Z_OK);
	z.next_out = out;
	z.avail_out = (uInt)LIMIT;
	int state = inflate(&z, Z_FINISH);
	size_t got = state == Z_STREAM_END && z.avail_in == 0 ? (size_t)z.total_out : LIMIT;
	inflateEnd(&z);
	return got;
}

static pnr_status our_decode(const uint8_t *body, size_t size, size_t content_size, pnr_buffer *out)
{
	pnr_memory_range range = { (const char *)body, size };
	const pnr_source source = pnr_memory_source(&range);
	/* The sink refuses with the same status, so a byte too many cannot hide behind the decoder's own check. */
	pnr_buffer_end end = { out, content_size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	return pnr_inflate(&source, size, content_size, &sink, NULL, NULL);
}

static void require_decodes(const uint8_t *body, size_t size, const uint8_t *content, size_t length)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	REQUIRE(our_decode(body, size, length, &out) == PNR_OK);
	REQUIRE(out.length == length && (length == 0 || memcmp(out.data, content, length) == 0));
}

static void require_refused(const uint8_t *body, size_t size, size_t content_size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	REQUIRE(our_decode(body, size, content_size, &out) == PNR_CORRUPT);
	REQUIRE(out.length <= content_size);
}

/* A valid stream, from whatever encoder, twice in one. */
static void require_joins(const uint8_t *body, size_t size, const uint8_t *content, size_t length)
{
	z_stream z = { .next_in = NULL };
	pnr_join join;
	REQUIRE(inflateInit2(&z, -MAX_WBITS) == Z_OK);
	REQUIRE(pnr_join_prove(&z, body, size, content, length, &join, NULL) == PNR_OK);
	if (length > 0)
		REQUIRE(pnr_join_prove(&z, body, size, content, length - 1, &join, NULL) == PNR_CORRUPT);
	inflateEnd(&z);
	uint8_t *twice = malloc(2 * (size + PNR_JOIN_ROOM) + PNR_JOIN_END_SIZE);
	uint8_t *both = malloc(2 * length + 1);
	REQUIRE(twice != NULL && both != NULL);
	memcpy(twice, body, size);
	size_t sealed = pnr_join_seal(twice, &join);
	memcpy(twice + sealed, twice, sealed);
	memcpy(twice + 2 * sealed, PNR_JOIN_END, PNR_JOIN_END_SIZE);
	if (length > 0) {
		memcpy(both, content, length);
		memcpy(both + length, content, length);
	}
	require_decodes(twice, 2 * sealed + PNR_JOIN_END_SIZE, both, 2 * length);
	free(twice);
	free(both);
}

static void try_stream(const uint8_t *body, size_t size)
{
	uint8_t *content = malloc(LIMIT);
	REQUIRE(content != NULL);
	size_t length = zlib_decode(body, size, content);
	if (length < LIMIT) {
		require_decodes(body, size, content, length);
		require_refused(body, size, length + 1);
		if (length > 0)
			require_refused(body, size, length - 1);
		if (size > 0)
			require_refused(body, size - 1, length);
		require_joins(body, size, content, length);
	} else {
		static const size_t guesses[] = { 0, 1, 300, 70000, LIMIT - 1 };
		for (size_t i = 0; i < PNR_COUNT(guesses); i++)
			require_refused(body, size, guesses[i]);
	}
	free(content);
}

/* What pnr_encode_memory keeps opens with zlib and with us. */
static void try_memory(const uint8_t *content, size_t length, unsigned level)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_coders *coders = NULL;
	pnr_encoding encoding;
	REQUIRE(pnr_coders_new(level, &coders, NULL) == PNR_OK);
	REQUIRE(pnr_encode_memory(coders, content, length, libdeflate_crc32(0, content, length), &out, &encoding, NULL) ==
	        PNR_OK);
	pnr_coders_free(coders);
	REQUIRE(encoding.stored_size == out.length);
	const uint8_t *bytes = (const uint8_t *)out.data;
	if (encoding.form == PNR_FORM_STORED) {
		REQUIRE(out.length == length && (length == 0 || memcmp(bytes, content, length) == 0));
		return;
	}
	REQUIRE(encoding.body_size + PNR_CODER_MARGIN < length);
	REQUIRE((encoding.form == PNR_FORM_ZLIB) == (encoding.body_size + 6 <= PNR_INLINE_MAX));
	uint8_t *again = malloc(length);
	REQUIRE(again != NULL);
	/* 32: zlib or gzip, with its checks of Adler-32, CRC-32 and size. */
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)bytes, .avail_in = (uInt)out.length };
	REQUIRE(inflateInit2(&z, 32 + MAX_WBITS) == Z_OK);
	z.next_out = again;
	z.avail_out = (uInt)length;
	REQUIRE(inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out == 0);
	inflateEnd(&z);
	REQUIRE(memcmp(again, content, length) == 0);
	free(again);
	require_decodes(bytes + encoding.body_offset, (size_t)encoding.body_size, content, length);
}

/* The content cut in two, each part a segment of one stream, as blocks of a large file are. */
static void try_segments(const uint8_t *content, size_t length, unsigned level, size_t cut)
{
	PNR_CLEANUP(pnr_coder_cleanup) pnr_coder *coder = NULL;
	uint8_t *stream = malloc(2 * PNR_CODER_ROOM(length) + PNR_STORED_OVERHEAD(length) + 2 * PNR_STORED_HEAD +
	                         PNR_JOIN_END_SIZE);
	size_t size = 0;
	REQUIRE(stream != NULL && pnr_coder_new(level, &coder, NULL) == PNR_OK);
	for (size_t done = 0, step; done < length; done += step) {
		step = done == 0 && cut < length ? cut : length - done;
		size_t packed = 0;
		pnr_join join;
		REQUIRE(pnr_coder_run(coder, content + done, step, stream + size, &packed, &join, NULL) == PNR_OK);
		REQUIRE(packed == 0 || packed + PNR_CODER_MARGIN < step);
		size += packed == 0 ? pnr_join_store(stream + size, content + done, step) :
		                      pnr_join_seal(stream + size, &join);
	}
	memcpy(stream + size, PNR_JOIN_END, PNR_JOIN_END_SIZE);
	require_decodes(stream, size + PNR_JOIN_END_SIZE, content, length);
	free(stream);
}

static void try_content(const uint8_t *data, size_t size)
{
	if (size < 3)
		return;
	unsigned level = 1 + data[0] % PNR_LEVEL_MAX;
	size_t part = size - 3, times = 1 + data[1] % 64u;
	size_t length = part * times < 100000 ? part * times : part;
	uint8_t *content = malloc(length + 1);
	REQUIRE(content != NULL);
	for (size_t i = 0; i < length; i += part)
		memcpy(content + i, data + 3, part);
	/* So that repetitions are not all there is: what follows the first differs a little each time. */
	for (size_t i = part; i < length; i += 97)
		content[i] = (uint8_t)(i * 167 >> 3);
	try_memory(content, length, level);
	if (length > 0)
		try_segments(content, length, level, 1 + length * data[2] / 256);
	free(content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > LIMIT / 2)
		return 0;
	if (data[0] % 2 == 0)
		try_stream(data + 1, size - 1);
	if (data[0] % 2 == 1)
		try_content(data + 1, size - 1);
	return 0;
}
