/* What the codec's tests share: deterministic content, files without a name, decoders of other people. */
#ifndef TESTS_CODEC_SUPPORT_H
#define TESTS_CODEC_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "base/file.h"
#include "codec/encode.h"
#include "codec/hash.h"
#include <fcntl.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define MIB ((size_t)1 << 20)

static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = (*state += UINT64_C(0x9E3779B97F4A7C15));
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

static inline void fill_noise(uint8_t *out, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)(next_random(&seed) >> 24);
}

/* Lines of a table: shrinks to about a third. */
static inline void fill_text(uint8_t *out, size_t length, uint64_t seed)
{
	size_t used = 0;
	while (used < length) {
		/* One number a statement: the order of arguments is the compiler's. */
		unsigned policy = (unsigned)(next_random(&seed) % 9999999);
		unsigned age = (unsigned)(next_random(&seed) % 90);
		const char *sex = next_random(&seed) % 2 ? "male" : "female";
		unsigned sum = (unsigned)(next_random(&seed) % 500000);
		unsigned cents = (unsigned)(next_random(&seed) % 100);
		char line[64];
		int size = snprintf(line, sizeof line, "P%07u,%u,%s,%u.%02u\n", policy, age, sex, sum, cents);
		size_t step = length - used < (size_t)size ? length - used : (size_t)size;
		memcpy(out + used, line, step);
		used += step;
	}
}

static inline uint8_t *make(size_t length)
{
	uint8_t *memory = malloc(length + 1);
	assert_non_null(memory);
	return memory;
}

/* A file that has no name any more. */
static inline int make_file(void)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];
	assert_true(snprintf(path, sizeof path, "%s/pannier-codec-XXXXXX", dir != NULL ? dir : "/tmp") > 0);
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return fd;
}

static inline uint8_t *read_file(int fd, size_t *out_length)
{
	off_t length = lseek(fd, 0, SEEK_END);
	assert_true(length >= 0);
	uint8_t *bytes = make((size_t)length);
	assert_int_equal(pread(fd, bytes, (size_t)length, 0), length);
	*out_length = (size_t)length;
	return bytes;
}

/* Gives @piece bytes at a time; call @fail_at fails. Counts what was taken. */
typedef struct feeder {
	const uint8_t *data;
	size_t left, piece, taken;
	unsigned calls, fail_at;
} feeder;

static inline pnr_status feed(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	feeder *f = context;
	assert_true(capacity > 0);
	if (++f->calls == f->fail_at)
		return pnr_fail(err, PNR_IO, "no read");
	size_t step = f->left < f->piece ? f->left : f->piece;
	if (step > capacity)
		step = capacity;
	if (step > 0)
		memcpy(buffer, f->data, step);
	f->data += step;
	f->left -= step;
	f->taken += step;
	*out_length = step;
	return PNR_OK;
}

/* Counts what is passed on, compares it with what is expected, may refuse. */
typedef struct checker {
	const uint8_t *content;
	uint64_t length; /* more must never be passed on */
	uint64_t passed;
	unsigned calls, fail_at;
} checker;

static inline pnr_status check_write(void *context, const void *data, size_t length, pnr_error *err)
{
	checker *c = context;
	assert_true(length > 0);
	assert_true(length <= c->length - c->passed);
	if (++c->calls == c->fail_at)
		return pnr_fail(err, PNR_FULL, "no room");
	if (c->content != NULL)
		assert_memory_equal(data, c->content + c->passed, length);
	c->passed += length;
	return PNR_OK;
}

/* What pnr_encode_stream made of some content. */
typedef struct encoded {
	pnr_status status;
	pnr_content content;
	pnr_encoding encoding;
	uint8_t *bytes;
	size_t length;
	pnr_error err;
} encoded;

static inline void coders_cleanup(pnr_coders **coders)
{
	pnr_coders_free(*coders);
}

static inline encoded encode(const uint8_t *data, size_t length, unsigned level, unsigned threads)
{
	encoded result = { .err = PNR_ERROR_INIT };
	pnr_memory_range range = { (const char *)data, length };
	pnr_source source = pnr_memory_source(&range);
	PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
	pnr_pool *pool = NULL;
	int fd = make_file();
	assert_int_equal(pnr_pool_new(threads, &pool, NULL), PNR_OK);
	assert_int_equal(pnr_coders_new(level, &coders, NULL), PNR_OK);
	result.status = pnr_encode_stream(coders, &source, fd, "test", pool, NULL, NULL, &result.content,
	                                  &result.encoding, &result.err);
	pnr_pool_free(pool);
	result.bytes = read_file(fd, &result.length);
	close(fd);
	return result;
}

/* Decoding by zlib's gzip reader, in one go. */
static inline void assert_zlib_decodes(const uint8_t *bytes, size_t length, int window_bits, const uint8_t *content,
                                       size_t content_length)
{
	uint8_t *out = make(content_length);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length };
	assert_int_equal(inflateInit2(&z, window_bits), Z_OK);
	z.next_out = out;
	z.avail_out = (uInt)content_length + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.avail_out, 1);
	assert_true(content_length == 0 || memcmp(out, content, content_length) == 0);
	inflateEnd(&z);
	free(out);
}

static inline void assert_libdeflate_decodes(const uint8_t *bytes, size_t length, const uint8_t *content,
                                             size_t content_length)
{
	uint8_t *out = make(content_length);
	size_t used = 0, got = 0;
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	assert_non_null(d);
	assert_int_equal(libdeflate_gzip_decompress_ex(d, bytes, length, out, content_length, &used, &got),
	                 LIBDEFLATE_SUCCESS);
	assert_int_equal(used, length);
	assert_int_equal(got, content_length);
	assert_memory_equal(out, content, content_length);
	libdeflate_free_decompressor(d);
	free(out);
}

static inline void assert_digest(const pnr_digest *digest, const void *bytes, size_t length)
{
	pnr_digest want;
	assert_int_equal(pnr_hash_memory(bytes, length, &want, NULL, NULL), PNR_OK);
	assert_memory_equal(digest->bytes, want.bytes, sizeof want.bytes);
}

/* Everything that an encoding promises. */
static inline void assert_encoded(const encoded *e, const uint8_t *data, size_t length)
{
	assert_string_equal(e->err.message, "");
	assert_int_equal(e->status, PNR_OK);
	assert_int_equal(e->content.size, length);
	assert_int_equal(e->content.crc32, libdeflate_crc32(0, data, length));
	assert_digest(&e->content.hash, data, length);
	assert_int_equal(e->encoding.stored_size, e->length);
	assert_digest(&e->encoding.stored_hash, e->bytes, e->length);
	if (e->encoding.form == PNR_FORM_STORED) {
		assert_int_equal(e->length, length);
		assert_true(length == 0 || memcmp(e->bytes, data, length) == 0);
		assert_int_equal(e->encoding.body_offset, 0);
		assert_int_equal(e->encoding.body_size, length);
		return;
	}
	assert_int_equal(e->encoding.form, PNR_FORM_GZIP);
	assert_int_equal(e->encoding.body_offset, length >= MIB ? 4096 : 10);
	assert_int_equal(e->encoding.body_size, e->length - e->encoding.body_offset - 8);
	assert_true(e->encoding.body_size + 6 < length);
	assert_zlib_decodes(e->bytes, e->length, 16 + MAX_WBITS, data, length);
	assert_libdeflate_decodes(e->bytes, e->length, data, length);
	assert_zlib_decodes(e->bytes + e->encoding.body_offset, (size_t)e->encoding.body_size, -MAX_WBITS, data, length);
}

static inline void assert_round_trip(const uint8_t *data, size_t length, unsigned level, pnr_form form)
{
	encoded e = encode(data, length, level, 2);
	assert_encoded(&e, data, length);
	assert_int_equal(e.encoding.form, form);
	free(e.bytes);
}

/* Of progress: notes what is reported, cancels at one report. */
typedef struct watch {
	unsigned calls, cancel_at;
	uint64_t done;
	const char *asset;
} watch;

static inline int on_progress(void *user, const pnr_progress *progress)
{
	watch *w = user;
	w->calls++;
	w->done = progress->bytes_done;
	w->asset = progress->asset;
	return w->calls == w->cancel_at;
}

#endif
