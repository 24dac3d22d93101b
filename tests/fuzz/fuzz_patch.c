/*
 * Patches of anyone, against zstd; and our own.
 *
 * The first byte of an input chooses what stands behind the base: a patch that
 * anyone may have sent (even), or content to make one to (odd; at the level that
 * the second byte chooses). The third is the length of the base, in steps of 8
 * bytes; the base follows, and then the rest.
 */
#include "target.h"
#include "base/buffer.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include <string.h>
#include <zstd.h>

#define LIMIT ((size_t)1 << 20)

static pnr_status apply(const pnr_patch *patch, const void *bytes, size_t size, pnr_buffer *out)
{
	pnr_memory_range range = { bytes, size };
	const pnr_source source = pnr_memory_source(&range);
	/* Refuses with the same status, so a byte too many shows itself in the length below. */
	pnr_buffer_end end = { out, LIMIT };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	return pnr_patch_apply(patch, &source, size, &sink, NULL, NULL, NULL);
}

/* zstd's verdict on all of @bytes in one go: the size of what it gives, LIMIT or more if it is wrong or large. */
static size_t zstd_decode(const pnr_patch *patch, const uint8_t *bytes, size_t size, uint8_t *out)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();
	REQUIRE(z != NULL && !ZSTD_isError(ZSTD_DCtx_refPrefix(z, patch->base, patch->base_size)));
	size_t got = LIMIT;
	if (ZSTD_findFrameCompressedSize(bytes, size) == size)
		got = ZSTD_decompressDCtx(z, out, LIMIT, bytes, size);
	ZSTD_freeDCtx(z);
	return ZSTD_isError(got) ? LIMIT : got;
}

/* Of what zstd takes, is this what we take, too: no other format or dictionary, a size, a window below 128 MiB? */
static bool is_plain(const uint8_t *bytes, size_t size)
{
	return size > 6 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 && (bytes[4] & 3) == 0 &&
	       ZSTD_getFrameContentSize(bytes, size) < LIMIT && ((bytes[4] & 0x20) != 0 || bytes[5] >> 3 < 17);
}

static void try_patch(pnr_patch *patch, const uint8_t *bytes, size_t size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	uint8_t *content = malloc(LIMIT);
	REQUIRE(content != NULL);
	size_t length = zstd_decode(patch, bytes, size, content);
	unsigned long long says = ZSTD_getFrameContentSize(bytes, size);
	patch->content_size = says < LIMIT ? says : 1000;
	REQUIRE(pnr_hash_memory(content, length < LIMIT ? length : 0, &patch->content_hash, NULL, NULL) == PNR_OK);
	pnr_status status = apply(patch, bytes, size, &out);
	REQUIRE(out.length <= patch->content_size);
	REQUIRE(status == (length < LIMIT && is_plain(bytes, size) ? PNR_OK : PNR_CORRUPT));
	if (status == PNR_OK)
		REQUIRE(out.length == length && (length == 0 || memcmp(content, out.data, length) == 0));
	free(content);
}

/* What is made applies, to this content alone, and not without its last byte. */
static void try_content(pnr_patch *patch, const uint8_t *content, size_t length, unsigned level)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer made = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_memory_range range = { (const char *)content, length };
	const pnr_source source = pnr_memory_source(&range);
	pnr_buffer_end end = { &made, 2 * LIMIT };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	uint64_t size = 0, whole_size = 4 * LIMIT;
	patch->content_size = length;
	REQUIRE(pnr_hash_memory(content, length, &patch->content_hash, NULL, NULL) == PNR_OK);
	REQUIRE(pnr_patch_make(patch, &source, whole_size, level, &sink, NULL, NULL, &size, NULL) == PNR_OK);
	REQUIRE(size > 0 && size == made.length && size <= whole_size / PNR_PATCH_GAIN);
	REQUIRE(apply(patch, made.data, made.length, &out) == PNR_OK);
	REQUIRE(out.length == length && (length == 0 || memcmp(out.data, content, length) == 0));
	REQUIRE(apply(patch, made.data, made.length - 1, &out) == PNR_CORRUPT);
	patch->content_hash.bytes[0] ^= 1;
	REQUIRE(apply(patch, made.data, made.length, &out) == PNR_CORRUPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 3 || size > LIMIT / 2)
		return 0;
	unsigned level = 1 + data[1] % PNR_PATCH_LEVEL_MAX;
	const uint8_t *rest = data + 3;
	size_t length = size - 3, base_size = (size_t)data[2] * 8;
	if (base_size > length)
		base_size = length;
	pnr_patch patch = { .base = rest, .base_size = base_size };
	if (data[0] % 2 == 0)
		try_patch(&patch, rest + base_size, length - base_size);
	else
		try_content(&patch, rest + base_size, length - base_size, level);
	return 0;
}
