/*
 * A stored object as a damaged or hostile store may hold it: what the index says
 * of the content's size (the first four bytes) and the object's bytes.
 *
 * The store reads the body where its own header would end, so the header is
 * ours here: what is given back must be what gunzip gives for that file, and
 * what gunzip refuses must be refused.
 */
#include "target.h"
#include "base/buffer.h"
#include "codec/encode.h"
#include "codec/form.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LIMIT ((uint32_t)3 << 20)

/* What gunzip makes of all of @object, into @out; its size, or LIMIT + 1 if it is wrong or larger. */
static size_t gunzip(const uint8_t *object, size_t size, uint8_t *out)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)object, .avail_in = (uInt)size };
	REQUIRE(inflateInit2(&z, 16 + MAX_WBITS) == Z_OK);
	z.next_out = out;
	z.avail_out = LIMIT;
	int state = inflate(&z, Z_FINISH);
	size_t got = state == Z_STREAM_END && z.avail_in == 0 ? (size_t)z.total_out : (size_t)LIMIT + 1;
	inflateEnd(&z);
	return got;
}

/* Header and end as the store would have written them around the body, for this content. */
static void dress(uint8_t *object, const pnr_encoding *encoding, const void *content, size_t length)
{
	pnr_gzip_head(object, length);
	pnr_gzip_tail(object + encoding->body_offset + encoding->body_size,
	              (uint32_t)crc32(0, content, (uInt)length), length);
}

static void require_same(uint8_t *object, const pnr_encoding *encoding, uint32_t content_size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, content_size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_memory_range range = { (const char *)object + encoding->body_offset, (size_t)encoding->body_size };
	const pnr_source body = pnr_memory_source(&range);
	pnr_status status = pnr_inflate(&body, encoding->body_size, content_size, &sink, NULL, NULL);
	REQUIRE(status == PNR_OK || status == PNR_CORRUPT);
	REQUIRE(status == PNR_OK ? out.length == content_size : out.length <= content_size);

	uint8_t *theirs = malloc(LIMIT);
	REQUIRE(theirs != NULL);
	if (status == PNR_OK) {
		dress(object, encoding, out.length == 0 ? "" : out.data, out.length);
		REQUIRE(gunzip(object, (size_t)encoding->stored_size, theirs) == content_size);
		REQUIRE(content_size == 0 || memcmp(theirs, out.data, content_size) == 0);
	} else if (gunzip(object, (size_t)encoding->stored_size, theirs) == content_size) {
		/* Right for gunzip, by a header of another length than ours. */
		pnr_gzip_head(object, content_size);
		REQUIRE(gunzip(object, (size_t)encoding->stored_size, theirs) > LIMIT);
	}
	free(theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t content_size;
	if (size < sizeof content_size)
		return 0;
	memcpy(&content_size, data, sizeof content_size);
	content_size %= LIMIT + 1;
	size -= sizeof content_size;
	pnr_encoding encoding = { .form = PNR_FORM_GZIP, .stored_size = size };
	if (!pnr_encoding_locate(&encoding, content_size))
		return 0;
	REQUIRE(encoding.body_offset + encoding.body_size + PNR_GZIP_TAIL == size);
	uint8_t *object = malloc(size);
	REQUIRE(object != NULL);
	memcpy(object, data + sizeof content_size, size);
	require_same(object, &encoding, content_size);
	free(object);
	return 0;
}
