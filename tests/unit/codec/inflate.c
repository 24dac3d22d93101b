/* pnr_inflate: exact on both ends, whatever the bytes are. */
#include "support.h"

static pnr_status run(feeder *f, uint64_t body_size, checker *c, uint64_t content_size, pnr_error *err)
{
	const pnr_source source = { .read = feed, .context = f };
	const pnr_sink sink = { .write = check_write, .context = c };
	return pnr_inflate(&source, body_size, content_size, &sink, NULL, err);
}

typedef struct fixture {
	uint8_t *content, *body;
	size_t length, size;
} fixture;

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->length = 700001;
	f->content = make(f->length);
	fill_text(f->content, f->length, 1);
	f->body = make(f->length);
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	assert_non_null(c);
	f->size = libdeflate_deflate_compress(c, f->content, f->length, f->body, f->length);
	assert_true(f->size > 0);
	libdeflate_free_compressor(c);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	free(f->content);
	free(f->body);
	free(f);
	return 0;
}

static void content_comes_out_whatever_the_pieces(void **state)
{
	const fixture *f = *state;
	static const size_t pieces[] = { 1, 7, 65535, 65536, 65537, 10000000 };
	for (size_t i = 0; i < PNR_COUNT(pieces); i++) {
		feeder in = { .data = f->body, .left = f->size, .piece = pieces[i] };
		checker out = { .content = f->content, .length = f->length };
		assert_int_equal(run(&in, f->size, &out, f->length, NULL), PNR_OK);
		assert_int_equal(out.passed, f->length);
	}
}

static void bytes_behind_the_body_are_left_alone(void **state)
{
	const fixture *f = *state;
	uint8_t *more = make(f->size + 100);
	memcpy(more, f->body, f->size);
	memset(more + f->size, 0xaa, 100);
	feeder in = { .data = more, .left = f->size + 100, .piece = 1000 };
	checker out = { .content = f->content, .length = f->length };
	assert_int_equal(run(&in, f->size, &out, f->length, NULL), PNR_OK);
	assert_int_equal(in.taken, f->size);
	free(more);
}

static void assert_corrupt(const fixture *f, size_t left, uint64_t body_size, uint64_t content_size, const char *text)
{
	pnr_error err = PNR_ERROR_INIT;
	feeder in = { .data = f->body, .left = left, .piece = 5000 };
	checker out = { .content = f->content, .length = content_size };
	assert_int_equal(run(&in, body_size, &out, content_size, &err), PNR_CORRUPT);
	assert_string_equal(err.message, text);
}

static void one_byte_too_many_or_too_few_is_corrupt(void **state)
{
	fixture *f = *state;
	assert_corrupt(f, f->size, f->size, f->length - 1,
	               "its content is longer than its size");
	assert_corrupt(f, f->size, f->size, 1, "its content is longer than its size");
	assert_corrupt(f, f->size, f->size, 0, "its content is longer than its size");
	assert_corrupt(f, f->size, f->size, f->length + 1, "its content ends 1 bytes early");
	assert_corrupt(f, f->size, f->size - 1, f->length, "its deflate stream does not end");
	assert_corrupt(f, f->size, 0, f->length, "its deflate stream does not end");
	assert_corrupt(f, f->size - 1, f->size, f->length, "its deflate stream is cut short: 1 bytes are missing");
	f->body[f->size] = 0;
	assert_corrupt(f, f->size + 1, f->size + 1, f->length, "bytes follow the end of its deflate stream: 1");
	feeder in = { .data = f->body, .left = f->size, .piece = 5000 };
	checker out = { .content = f->content, .length = f->length };
	assert_int_equal(run(&in, UINT64_MAX, &out, f->length, NULL), PNR_CORRUPT);
}

/* Of content whose length nobody knows all comes, and the stream ends where the body does. */
static void what_is_not_measured_comes_to_its_end(void **state)
{
	fixture *f = *state;
	static const struct {
		int left, size;
		const char *text;
	} wrong[] = {
		{ 0, -1, "its deflate stream does not end" },
		{ -1, 0, "its deflate stream is cut short: 1 bytes are missing" },
		{ 1, 1, "bytes follow the end of its deflate stream: 1" },
	};
	checker out = { .content = f->content, .length = f->length };
	const pnr_sink sink = { .write = check_write, .context = &out };
	feeder in = { .data = f->body, .left = f->size, .piece = 5000 };
	const pnr_source source = { .read = feed, .context = &in };
	f->body[f->size] = 0;
	assert_int_equal(pnr_inflate_unmeasured(&source, f->size, &sink, NULL), PNR_OK);
	assert_int_equal(out.passed, f->length);
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		pnr_error err = PNR_ERROR_INIT;
		in = (feeder){ .data = f->body, .left = f->size + (size_t)wrong[i].left, .piece = 5000 };
		out = (checker){ .content = f->content, .length = f->length };
		assert_int_equal(pnr_inflate_unmeasured(&source, f->size + (size_t)wrong[i].size, &sink, &err), PNR_CORRUPT);
		assert_string_equal(err.message, wrong[i].text);
	}
}

static void nothing_at_all_is_two_bytes(void **state)
{
	(void)state;
	feeder in = { .data = (const uint8_t *)"\x03\x00", .left = 2, .piece = 2 };
	checker out = { .length = 0 };
	assert_int_equal(run(&in, 2, &out, 0, NULL), PNR_OK);
	assert_int_equal(out.calls, 0);
}

/* A small body that would give a gigabyte stops at the size that was named. */
static void a_bomb_stops_at_the_content_size(void **state)
{
	(void)state;
	uint8_t *zeros = calloc(1, MIB);
	uint8_t bomb[2048];
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
	assert_non_null(zeros);
	assert_non_null(c);
	size_t size = libdeflate_deflate_compress(c, zeros, MIB, bomb, sizeof bomb);
	assert_true(size > 0);
	feeder in = { .data = bomb, .left = size, .piece = size };
	checker out = { .length = 1000 };
	assert_int_equal(run(&in, size, &out, 1000, NULL), PNR_CORRUPT);
	libdeflate_free_compressor(c);
	free(zeros);
}

static void every_read_and_write_may_fail(void **state)
{
	const fixture *f = *state;
	pnr_status status = PNR_IO;
	for (unsigned n = 1; status != PNR_OK; n++) {
		pnr_error err = PNR_ERROR_INIT;
		feeder in = { .data = f->body, .left = f->size, .piece = 60000, .fail_at = n };
		checker out = { .content = f->content, .length = f->length };
		status = run(&in, f->size, &out, f->length, &err);
		if (status != PNR_OK)
			assert_string_equal(err.message, "no read");
	}
	status = PNR_FULL;
	for (unsigned n = 1; status != PNR_OK; n++) {
		pnr_error err = PNR_ERROR_INIT;
		feeder in = { .data = f->body, .left = f->size, .piece = 60000 };
		checker out = { .content = f->content, .length = f->length, .fail_at = n };
		status = run(&in, f->size, &out, f->length, &err);
		if (status != PNR_OK)
			assert_string_equal(err.message, "no room");
	}
}

/* Every bit of a small body flipped: the verdict is zlib's, and no more than the content is passed on. */
static void damage_is_judged_as_zlib_judges_it(void **state)
{
	(void)state;
	uint8_t content[300], body[400], decoded[2000];
	fill_text(content, sizeof content, 3);
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	assert_non_null(c);
	size_t size = libdeflate_deflate_compress(c, content, sizeof content, body, sizeof body);
	libdeflate_free_compressor(c);
	for (size_t bit = 0; bit < size * 8; bit++) {
		body[bit / 8] ^= (uint8_t)(1u << bit % 8);
		z_stream z = { .next_in = body, .avail_in = (uInt)size, .next_out = decoded, .avail_out = sizeof decoded };
		assert_int_equal(inflateInit2(&z, -MAX_WBITS), Z_OK);
		bool right = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.total_out == sizeof content;
		inflateEnd(&z);
		feeder in = { .data = body, .left = size, .piece = size };
		checker out = { .content = right ? decoded : NULL, .length = sizeof content };
		assert_int_equal(run(&in, size, &out, sizeof content, NULL), right ? PNR_OK : PNR_CORRUPT);
		body[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_comes_out_whatever_the_pieces),
		cmocka_unit_test(bytes_behind_the_body_are_left_alone),
		cmocka_unit_test(one_byte_too_many_or_too_few_is_corrupt),
		cmocka_unit_test(what_is_not_measured_comes_to_its_end),
		cmocka_unit_test(nothing_at_all_is_two_bytes),
		cmocka_unit_test(a_bomb_stops_at_the_content_size),
		cmocka_unit_test(every_read_and_write_may_fail),
		cmocka_unit_test(damage_is_judged_as_zlib_judges_it),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
