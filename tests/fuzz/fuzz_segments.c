/*
 * Decoding by segments, on threads, against one thread.
 *
 * What follows the first byte of an input stands behind a segment of a large
 * stream, as anyone may have sent it; the first byte chooses how the stream goes
 * on and how much content it is said to have. Threads must find, say and give
 * what one thread does.
 */
#include "target.h"
#include "base/stream.h"
#include "codec/block.h"
#include "codec/encode.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

/* Content, as far as it matters: its first bytes up to each failure are the same for all. */
typedef struct outcome {
	pnr_status status;
	pnr_error err;
	uint64_t limit, length;
	uint32_t crc32;
} outcome;

static pnr_status note(void *context, const void *data, size_t length, pnr_error *err)
{
	(void)err;
	outcome *o = context;
	o->length += length;
	REQUIRE(o->length <= o->limit);
	o->crc32 = libdeflate_crc32(o->crc32, data, length);
	return PNR_OK;
}

static outcome decode_on(pnr_pool *pool, const uint8_t *body, size_t size, size_t content_size)
{
	outcome o = { .err = PNR_ERROR_INIT, .limit = content_size };
	pnr_memory_range range = { (const char *)body, size };
	const pnr_source source = pnr_memory_source(&range);
	const pnr_sink sink = { .write = note, .context = &o };
	o.status = pnr_inflate(&source, size, content_size, &sink, pool, &o.err);
	REQUIRE(o.status == o.err.status && (o.status != PNR_OK || o.length == content_size));
	return o;
}

static void require_same(const uint8_t *body, size_t size, size_t content_size)
{
	static pnr_pool *pool;
	REQUIRE(pool != NULL || pnr_pool_new(2, &pool, NULL) == PNR_OK);
	outcome one = decode_on(NULL, body, size, content_size), many = decode_on(pool, body, size, content_size);
	REQUIRE(one.status == many.status && strcmp(one.err.message, many.err.message) == 0);
	REQUIRE(one.status != PNR_OK || one.crc32 == many.crc32);
}

/* A block of zeros, as our encoder makes a segment of it. */
static const uint8_t *zeros_segment(size_t *out_size)
{
	static uint8_t segment[2 * PNR_INLINE_MAX];
	static size_t size;
	if (size == 0) {
		pnr_coder *coder = NULL;
		pnr_join join;
		uint8_t *zeros = calloc(1, PNR_BLOCK_SIZE), *packed = malloc(PNR_CODER_ROOM(PNR_BLOCK_SIZE));
		REQUIRE(zeros != NULL && packed != NULL && pnr_coder_new(1, &coder, NULL) == PNR_OK);
		REQUIRE(pnr_coder_run(coder, zeros, PNR_BLOCK_SIZE, packed, &size, &join, NULL) == PNR_OK);
		size = pnr_join_seal(packed, &join);
		REQUIRE(size <= sizeof segment);
		memcpy(segment, packed, size);
		pnr_coder_free(coder);
		free(zeros);
		free(packed);
	}
	*out_size = size;
	return segment;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of the whole: with nothing behind the input, or an end in the middle, or none, and a segment more. */
	static const struct {
		const char *middle;
		size_t middle_size;
		bool more;
		size_t content_size;
	} shapes[] = {
		{ "", 0, false, PNR_BLOCK_SIZE + 1 },
		{ "", 0, false, PNR_BLOCK_SIZE + 300 },
		{ "", 0, false, 2 * PNR_BLOCK_SIZE },
		{ "", 0, true, 2 * PNR_BLOCK_SIZE },
		{ "", 0, true, 3 * PNR_BLOCK_SIZE },
		{ "\x01\x00\x00\xff\xff", 5, true, 2 * PNR_BLOCK_SIZE },
		{ "\x01\x00\x00\xff\xff", 5, true, 3 * PNR_BLOCK_SIZE },
	};
	size_t zeros = 0;
	const uint8_t *segment = zeros_segment(&zeros);
	if (size == 0 || size > PNR_BLOCK_SIZE)
		return 0;
	size_t shape = data[0] % PNR_COUNT(shapes), length = 0;
	uint8_t *stream = malloc(2 * zeros + size + 5 + PNR_JOIN_END_SIZE);
	REQUIRE(stream != NULL);
	memcpy(stream, segment, zeros);
	memcpy(stream + zeros, data + 1, size - 1);
	length = zeros + size - 1;
	memcpy(stream + length, shapes[shape].middle, shapes[shape].middle_size);
	length += shapes[shape].middle_size;
	if (shapes[shape].more) {
		memcpy(stream + length, segment, zeros);
		memcpy(stream + length + zeros, PNR_JOIN_END, PNR_JOIN_END_SIZE);
		length += zeros + PNR_JOIN_END_SIZE;
	}
	require_same(stream, length, shapes[shape].content_size);
	free(stream);
	return 0;
}
