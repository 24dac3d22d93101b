/* pnr_encode_stream on content of which some or all does not shrink: the ways from one form to the other. */
#include "codec/dense.h"
#include "support.h"

static void content_that_does_not_shrink_is_stored(void **state)
{
	static const size_t sizes[] = { 0, 1, 6, 7, 1000, MIB - 1, MIB, MIB + 1, 3 * MIB + 12345 };
	(void)state;
	uint8_t *noise = make(4 * MIB);
	fill_noise(noise, 4 * MIB, 1);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		assert_round_trip(noise, sizes[i], 6, PNR_FORM_STORED);
	free(noise);
}

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
	uint8_t *data = make(5 * MIB);
	for (size_t noisy = 1; noisy <= 3; noisy++) {
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

/* Noise with just enough text in front to save @least to @most bytes. */
static void fill_saving(uint8_t *out, uint64_t seed, size_t least, size_t most)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	uint8_t *packed = make(2 * MIB);
	size_t saved = 0;
	assert_non_null(c);
	for (size_t share = 700; saved < least || saved > most || pnr_data_is_dense(out, MIB); share += 25) {
		assert_true(share < 2500);
		fill_noise(out, MIB, seed);
		fill_text(out, share, seed);
		size_t size = libdeflate_deflate_compress(c, out, MIB, packed, 2 * MIB);
		saved = size < MIB ? MIB - size : 0;
	}
	libdeflate_free_compressor(c);
	free(packed);
}

/* Fewer than what a block costs that is stored in a stream, 85. */
static void fill_barely(uint8_t *out, uint64_t seed)
{
	fill_saving(out, seed, 20, 60);
}

static void a_gzip_file_that_comes_out_too_large_is_undone(void **state)
{
	(void)state;
	uint8_t *data = make(3 * MIB + 5000);
	fill_noise(data, 3 * MIB + 5000, 1);
	fill_barely(data, 2);
	assert_round_trip(data, MIB, 1, PNR_FORM_GZIP);
	assert_round_trip(data, 2 * MIB, 1, PNR_FORM_STORED);
	assert_round_trip(data, 3 * MIB + 5000, 1, PNR_FORM_STORED);
	free(data);
}

/* How many whole blocks at the start of a gzip file are stored ones. */
static size_t count_stored(const encoded *e)
{
	static const uint8_t head[] = { 0, 0xff, 0xff, 0, 0 };
	size_t count = 0;
	while (memcmp(e->bytes + 4096 + count * (MIB + 85), head, sizeof head) == 0)
		count++;
	return count;
}

static void assert_stored_blocks(const uint8_t *data, size_t length, size_t count)
{
	encoded e = encode(data, length, 1, 2);
	assert_encoded(&e, data, length);
	assert_int_equal(e.encoding.form, PNR_FORM_GZIP);
	assert_int_equal(count_stored(&e), count);
	free(e.bytes);
}

static void gzip_begins_only_when_it_pays(void **state)
{
	(void)state;
	uint8_t *data = make(5 * MIB);
	fill_noise(data, 5 * MIB, 3);
	fill_barely(data + MIB, 4);
	/* What the second block saves does not pay for storing the first. */
	assert_round_trip(data, 2 * MIB, 1, PNR_FORM_STORED);
	/* The third does, for both. */
	fill_text(data + 2 * MIB, MIB, 5);
	assert_stored_blocks(data, 3 * MIB, 2);
	assert_stored_blocks(data, 4 * MIB, 2);
	/* Savings add up: of two blocks with 2 * 85 and 3 * 85 bytes to pay, the second does it. */
	fill_saving(data + 2 * MIB, 6, 130, 165);
	memcpy(data + 3 * MIB, data + 2 * MIB, MIB);
	fill_noise(data + MIB, MIB, 7);
	fill_text(data + 4 * MIB, MIB, 8);
	assert_stored_blocks(data, 5 * MIB, 3);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_that_does_not_shrink_is_stored),
		cmocka_unit_test(blocks_that_do_not_shrink_go_in_as_they_are),
		cmocka_unit_test(a_file_that_begins_with_noise_becomes_gzip_later),
		cmocka_unit_test(a_gzip_file_that_comes_out_too_large_is_undone),
		cmocka_unit_test(gzip_begins_only_when_it_pays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
