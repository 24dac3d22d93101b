/* pnr_encode_stream: sizes, forms, threads, and the ways from one form to the other. */
#include "codec/dense.h"
#include "support.h"

static void check(const uint8_t *data, size_t length, unsigned level, pnr_form form)
{
	encoded e = encode(data, length, level, 2);
	assert_encoded(&e, data, length);
	assert_int_equal(e.encoding.form, form);
	free(e.bytes);
}

static void content_of_every_size_round_trips(void **state)
{
	static const size_t sizes[] = { 100, 4000, 65535, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 12345 };
	(void)state;
	uint8_t *data = make(4 * MIB);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		fill_text(data, sizes[i], i);
		check(data, sizes[i], 1, PNR_FORM_GZIP);
	}
	memset(data, 0, 4 * MIB);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		check(data, sizes[i], 6, PNR_FORM_GZIP);
	free(data);
}

static void every_level_round_trips(void **state)
{
	(void)state;
	size_t length = MIB + 100000;
	uint8_t *data = make(length);
	fill_text(data, length, 1);
	/* Runs keep the slow levels fast. */
	memset(data + 50000, 'x', MIB - 80000);
	for (unsigned level = 1; level <= PNR_LEVEL_MAX; level++)
		check(data, length, level, PNR_FORM_GZIP);
	encoded e = encode(data, length, PNR_LEVEL_MAX + 1, 1);
	assert_int_equal(e.status, PNR_INVALID);
	assert_string_equal(e.err.message, "encode 'test': there is no level 13");
	free(e.bytes);
	free(data);
}

static void content_that_does_not_shrink_is_stored(void **state)
{
	static const size_t sizes[] = { 0, 1, 6, 7, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB + 12345 };
	(void)state;
	uint8_t *noise = make(4 * MIB);
	fill_noise(noise, 4 * MIB, 1);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		check(noise, sizes[i], 6, PNR_FORM_STORED);
	free(noise);
}

static void bytes_do_not_depend_on_threads(void **state)
{
	(void)state;
	size_t length = 5 * MIB + 777;
	uint8_t *data = make(length);
	fill_noise(data, length, 2);
	fill_text(data + 2 * MIB + 100, 2 * MIB, 3);
	encoded one = encode(data, length, 3, 1);
	assert_encoded(&one, data, length);
	assert_int_equal(one.encoding.form, PNR_FORM_GZIP);
	for (unsigned threads = 2; threads <= 8; threads += 6) {
		encoded many = encode(data, length, 3, threads);
		assert_int_equal(many.length, one.length);
		assert_memory_equal(many.bytes, one.bytes, one.length);
		free(many.bytes);
	}
	free(one.bytes);
	free(data);
}

/* The bytes are a promise to whoever exported an archive: a change of them is a new encoder name. */
static void bytes_are_frozen(void **state)
{
	(void)state;
	static const char *const frozen[] = {
		"4d39fd8dc112e929b1869b249ba6ec5e433464dbd9eabdb63dac014b354446fa",
		"ef94901d9cf99c020959897f436151f770173205c3ab07c5622f8f7c2c2bdda4",
	};
	if (strcmp(LIBDEFLATE_VERSION_STRING, "1.14") != 0)
		skip();
	size_t length = 3 * MIB + 4321;
	uint8_t *data = make(length);
	for (size_t i = 0; i < PNR_COUNT(frozen); i++) {
		char hex[PNR_DIGEST_HEX_SIZE];
		fill_text(data, length, 7);
		if (i == 1)
			fill_noise(data, MIB + 5, 8);
		encoded e = encode(data, length, PNR_LEVEL_DEFAULT, 2);
		assert_encoded(&e, data, length);
		assert_string_equal(pnr_digest_to_hex(&e.encoding.stored_hash, hex), frozen[i]);
		free(e.bytes);
	}
	free(data);
}

static void the_header_tells_nothing_of_time_or_machine(void **state)
{
	(void)state;
	static const uint8_t small[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };
	static const uint8_t padded[16] = { 0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 0xf4, 0x0f, 'P', 'N', 0xf0, 0x0f };
	uint8_t *data = make(MIB);
	memset(data, 'x', MIB);
	encoded e = encode(data, MIB - 1, 6, 1);
	assert_memory_equal(e.bytes, small, sizeof small);
	free(e.bytes);
	e = encode(data, MIB, 6, 1);
	assert_memory_equal(e.bytes, padded, sizeof padded);
	for (size_t i = sizeof padded; i < 4096; i++)
		assert_int_equal(e.bytes[i], 0);
	free(e.bytes);
	free(data);
}

/* ------------------------------------------- blocks that do not shrink -- */

static void blocks_that_do_not_shrink_go_in_as_they_are(void **state)
{
	(void)state;
	size_t length = 4 * MIB + 99;
	uint8_t *data = make(length);
	fill_text(data, length, 1);
	fill_noise(data + MIB, MIB, 2);
	fill_noise(data + 3 * MIB, MIB + 99, 3);
	encoded e = encode(data, length, 1, 2);
	assert_encoded(&e, data, length);
	assert_int_equal(e.encoding.form, PNR_FORM_GZIP);
	free(e.bytes);
	free(data);
}

/* Written as it is at first; started again as gzip, with what was written moved. */
static void a_file_that_begins_with_noise_becomes_gzip_later(void **state)
{
	(void)state;
	uint8_t *data = make(6 * MIB);
	for (size_t noisy = 1; noisy <= 4; noisy++) {
		size_t length = (noisy + 1) * MIB + noisy * 1000;
		fill_text(data, length, 1);
		fill_noise(data, noisy * MIB, noisy);
		encoded e = encode(data, length, 1, 2);
		assert_encoded(&e, data, length);
		assert_int_equal(e.encoding.form, PNR_FORM_GZIP);
		assert_true(e.length < noisy * (MIB + 85) + 4096 + (MIB + noisy * 1000) * 6 / 10);
		free(e.bytes);
	}
	free(data);
}

/* Noise with just enough text in front to save some bytes, fewer than a block costs that is stored in a stream. */
static void fill_barely(uint8_t *out, uint64_t seed)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	uint8_t *packed = make(2 * MIB);
	size_t saved = 0;
	assert_non_null(c);
	for (size_t share = 500; saved < 20 || saved > 60 || pnr_data_is_dense(out, MIB); share += 25) {
		assert_true(share < 2000);
		fill_noise(out, MIB, seed);
		fill_text(out, share, seed);
		size_t size = libdeflate_deflate_compress(c, out, MIB, packed, 2 * MIB);
		saved = size < MIB ? MIB - size : 0;
	}
	libdeflate_free_compressor(c);
	free(packed);
}

static void a_gzip_file_that_comes_out_too_large_is_undone(void **state)
{
	(void)state;
	uint8_t *data = make(3 * MIB + 5000);
	fill_noise(data, 3 * MIB + 5000, 1);
	fill_barely(data, 2);
	check(data, MIB, 1, PNR_FORM_GZIP);
	check(data, 2 * MIB, 1, PNR_FORM_STORED);
	check(data, 3 * MIB + 5000, 1, PNR_FORM_STORED);
	free(data);
}

static void gzip_begins_only_when_it_pays(void **state)
{
	(void)state;
	uint8_t *data = make(4 * MIB);
	fill_noise(data, 4 * MIB, 3);
	fill_barely(data + MIB, 4);
	/* What the second block saves does not pay for storing the first. */
	check(data, 2 * MIB, 1, PNR_FORM_STORED);
	/* The third does, for both. */
	fill_text(data + 2 * MIB, MIB, 5);
	check(data, 3 * MIB, 1, PNR_FORM_GZIP);
	check(data, 4 * MIB, 1, PNR_FORM_GZIP);
	/* Small savings add up. */
	fill_barely(data, 6);
	fill_barely(data + 2 * MIB, 7);
	fill_barely(data + 3 * MIB, 8);
	check(data, 4 * MIB, 1, PNR_FORM_GZIP);
	free(data);
}

/* ------------------------------------------------------------ the meter -- */

typedef struct watch {
	unsigned calls, cancel_at;
	uint64_t done;
	const char *asset;
} watch;

static int on_progress(void *user, const pnr_progress *progress)
{
	watch *w = user;
	w->calls++;
	w->done = progress->bytes_done;
	w->asset = progress->asset;
	return w->calls == w->cancel_at;
}

static void progress_is_counted_and_can_cancel(void **state)
{
	(void)state;
	uint8_t *data = make(3 * MIB);
	fill_text(data, 3 * MIB, 1);
	for (unsigned cancel_at = 0; cancel_at < 2; cancel_at++) {
		watch w = { .cancel_at = cancel_at };
		pnr_meter meter = { .fn = on_progress, .user = &w };
		pnr_memory_range range = { (const char *)data, 3 * MIB };
		pnr_source source = pnr_memory_source(&range);
		pnr_content content = { .size = 42 };
		pnr_encoding encoding;
		pnr_pool *pool = NULL;
		int fd = make_file();
		assert_int_equal(pnr_pool_new(2, &pool, NULL), PNR_OK);
		pnr_status status = pnr_encode_stream(&source, fd, "test", 1, pool, &meter, "a/b", &content, &encoding, NULL);
		pnr_pool_free(pool);
		close(fd);
		assert_true(w.calls >= 1);
		assert_string_equal(w.asset, "a/b");
		if (cancel_at == 0) {
			assert_int_equal(status, PNR_OK);
			assert_int_equal(meter.done, 3 * MIB);
		} else {
			assert_int_equal(status, PNR_CANCELLED);
			assert_int_equal(w.done, MIB);
			assert_int_equal(content.size, 42);
		}
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_of_every_size_round_trips),
		cmocka_unit_test(every_level_round_trips),
		cmocka_unit_test(content_that_does_not_shrink_is_stored),
		cmocka_unit_test(bytes_do_not_depend_on_threads),
		cmocka_unit_test(bytes_are_frozen),
		cmocka_unit_test(the_header_tells_nothing_of_time_or_machine),
		cmocka_unit_test(blocks_that_do_not_shrink_go_in_as_they_are),
		cmocka_unit_test(a_file_that_begins_with_noise_becomes_gzip_later),
		cmocka_unit_test(a_gzip_file_that_comes_out_too_large_is_undone),
		cmocka_unit_test(gzip_begins_only_when_it_pays),
		cmocka_unit_test(progress_is_counted_and_can_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
