/* What the tests of patches share. */
#ifndef TESTS_CODEC_PATCH_SUPPORT_H
#define TESTS_CODEC_PATCH_SUPPORT_H

#include "support.h"
#include "codec/patch.h"

static inline pnr_patch between(const uint8_t *base, size_t base_size, const uint8_t *content, size_t length)
{
	pnr_patch patch = { .base = base, .base_size = base_size, .content_size = length };
	assert_int_equal(pnr_hash_memory(content, length, &patch.content_hash, NULL, NULL), PNR_OK);
	return patch;
}

/* What pnr_patch_make made. */
typedef struct made {
	pnr_status status;
	uint64_t size;
	pnr_buffer bytes;
	pnr_error err;
} made;

static inline void make_from(const pnr_patch *patch, feeder *in, uint64_t whole_size, unsigned level, made *m)
{
	pnr_buffer_end end = { &m->bytes, SIZE_MAX };
	const pnr_source source = { .read = feed, .context = in };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	m->status = pnr_patch_make(patch, &source, whole_size, level, &sink, NULL, NULL, &m->size, &m->err);
}

static inline made make_patch(const pnr_patch *patch, const uint8_t *content, size_t length, uint64_t whole_size,
                              unsigned level)
{
	made m = { .size = 42, .err = PNR_ERROR_INIT };
	feeder in = { .data = content, .left = length, .piece = length };
	make_from(patch, &in, whole_size, level, &m);
	return m;
}

/* @out may be NULL. */
static inline pnr_status apply(const pnr_patch *patch, const void *bytes, size_t length, checker *out, pnr_error *err)
{
	pnr_memory_range range = { bytes, length };
	const pnr_source source = pnr_memory_source(&range);
	const pnr_sink sink = { .write = check_write, .context = out };
	return pnr_patch_apply(patch, &source, length, out != NULL ? &sink : NULL, NULL, NULL, err);
}

#endif
