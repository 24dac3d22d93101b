#include "codec/frame.h"
#include "codec/patch.h"
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

_Static_assert(PNR_PATCH_BASE_MAX == (size_t)1 << PNR_FRAME_WINDOW_LOG_MAX, "a window of a base's size");

#define MAGIC "\x28\xb5\x2f\xfd"
#define MAGIC_SIZE 4u
/* Of the descriptor that follows. */
#define DICTIONARY_BITS 0x03u
#define RESERVED_BIT 0x08u
#define SINGLE_BIT 0x20u /* one segment: the window is the content */
#define SIZE_SHIFT 6u

uint64_t pnr_frame_window_max(uint64_t base_size)
{
	return base_size > PNR_PATCH_WINDOW ? base_size : PNR_PATCH_WINDOW;
}

static uint64_t little_endian(const uint8_t *data, size_t length)
{
	uint64_t value = 0;
	while (length-- > 0)
		value = value << 8 | data[length];
	return value;
}

static uint64_t window_of(uint8_t descriptor)
{
	uint64_t base = UINT64_C(1) << (10 + (descriptor >> 3));
	return base + base / 8 * (descriptor & 7u);
}

pnr_status pnr_frame_parse(const uint8_t *data, size_t length, pnr_frame *out_frame, pnr_error *err)
{
	static const size_t size_sizes[] = { 0, 2, 4, 8 };
	if (length <= MAGIC_SIZE || memcmp(data, MAGIC, MAGIC_SIZE) != 0)
		return pnr_fail(err, PNR_CORRUPT, "its patch is no zstd frame");
	uint8_t descriptor = data[MAGIC_SIZE];
	bool single = (descriptor & SINGLE_BIT) != 0;
	size_t size_size = size_sizes[descriptor >> SIZE_SHIFT];
	size_t at = MAGIC_SIZE + 1 + (single ? 0 : 1);
	if (size_size == 0 && single)
		size_size = 1;
	if ((descriptor & RESERVED_BIT) != 0)
		return pnr_fail(err, PNR_CORRUPT, "its patch is a zstd frame of an unknown kind");
	if ((descriptor & DICTIONARY_BITS) != 0)
		return pnr_fail(err, PNR_CORRUPT, "its patch asks for another dictionary than its base");
	if (size_size == 0)
		return pnr_fail(err, PNR_CORRUPT, "its patch does not say how long its content is");
	if (length < at + size_size)
		return pnr_fail(err, PNR_CORRUPT, "its patch ends in its header");
	out_frame->content_size = little_endian(data + at, size_size) + (size_size == 2 ? 256 : 0);
	out_frame->window_size = single ? out_frame->content_size : window_of(data[at - 1]);
	return PNR_OK;
}

pnr_status pnr_frame_fail(size_t result, const char *what, pnr_error *err)
{
	if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		return pnr_fail_nomem(err);
	return pnr_fail(err, PNR_CORRUPT, "%s: %s", what, ZSTD_getErrorName(result));
}
