/*
 * A gzip file of others, as a remote may hold it. What we take is what gunzip
 * takes, one member and nothing behind it, and gives the same content.
 */
#include "target.h"
#include "base/buffer.h"
#include "codec/encode.h"
#include "codec/form.h"
#include <string.h>
#include <zlib.h>

#define LIMIT ((uint32_t)3 << 20)

/* What gunzip makes of all of @file, into @out; its size, or LIMIT + 1 if it is wrong or larger. */
static size_t gunzip(const uint8_t *file, size_t size, uint8_t *out)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)file, .avail_in = (uInt)size };
	REQUIRE(inflateInit2(&z, 16 + MAX_WBITS) == Z_OK);
	z.next_out = out;
	z.avail_out = LIMIT;
	int state = inflate(&z, Z_FINISH);
	size_t got = state == Z_STREAM_END && z.avail_in == 0 ? (size_t)z.total_out : (size_t)LIMIT + 1;
	inflateEnd(&z);
	return got;
}

/* The same through what pulling uses. */
static size_t read_member(const uint8_t *file, size_t size, pnr_buffer *out)
{
	size_t head = 0;
	uint32_t crc = 0, length = 0;
	pnr_status status = pnr_gzip_read_head(file, size, &head, NULL);
	if (status != PNR_OK) {
		REQUIRE(status == PNR_CORRUPT);
		return (size_t)LIMIT + 1;
	}
	REQUIRE(head >= 10 && head <= size && head <= PNR_GZIP_HEAD_MAX);
	if (size - head < PNR_GZIP_TAIL)
		return (size_t)LIMIT + 1;
	pnr_gzip_read_tail(file + size - PNR_GZIP_TAIL, &crc, &length);
	if (length > LIMIT)
		return (size_t)LIMIT + 1;
	pnr_buffer_end end = { out, length };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_memory_range range = { (const char *)file + head, size - head - PNR_GZIP_TAIL };
	const pnr_source body = pnr_memory_source(&range);
	status = pnr_inflate(&body, range.length, length, &sink, NULL, NULL);
	REQUIRE(status == PNR_OK || status == PNR_CORRUPT);
	if (status != PNR_OK || crc32(0, (const Bytef *)(out->data != NULL ? out->data : ""), (uInt)out->length) != crc)
		return (size_t)LIMIT + 1;
	return out->length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer ours = PNR_BUFFER_INIT;
	uint8_t *theirs = malloc(LIMIT);
	REQUIRE(theirs != NULL);
	size_t got = read_member(data, size, &ours), wanted = gunzip(data, size, theirs);
	REQUIRE(got == wanted || size > PNR_GZIP_HEAD_MAX);
	REQUIRE(got > LIMIT || got == 0 || memcmp(ours.data, theirs, got) == 0);
	free(theirs);
	return 0;
}
