/* What counts as dense, and that it costs next to nothing to believe it. */
#include "codec/dense.h"
#include "support.h"

/* No dense verdict may cost more than this share of the size. */
#define COST 0.004

static void assert_cheap(const uint8_t *data, size_t length)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
	uint8_t *out = make(2 * length);
	assert_non_null(c);
	size_t size = libdeflate_deflate_compress(c, data, length, out, 2 * length);
	if (pnr_data_is_dense(data, length))
		assert_true((double)size > (double)length * (1 - COST));
	libdeflate_free_compressor(c);
	free(out);
}

static void noise_is_dense_from_32_kib_on(void **state)
{
	(void)state;
	uint8_t *data = make(MIB);
	for (uint64_t seed = 0; seed < 8; seed++) {
		fill_noise(data, MIB, seed);
		assert_false(pnr_data_is_dense(data, 32767));
		for (size_t length = 32768; length < 200000; length += 9999)
			assert_true(pnr_data_is_dense(data, length));
		assert_true(pnr_data_is_dense(data, MIB));
	}
	free(data);
}

static void what_shrinks_is_not_dense(void **state)
{
	(void)state;
	uint8_t *data = make(MIB);
	fill_text(data, MIB, 1);
	assert_false(pnr_data_is_dense(data, MIB));
	memset(data, 0, MIB);
	assert_false(pnr_data_is_dense(data, MIB));
	/* Doubles between 0 and 1: six random bytes, two that are not. */
	uint64_t seed = 2;
	for (size_t i = 0; i + 8 <= MIB; i += 8) {
		double value = (double)(next_random(&seed) >> 11) / 9007199254740992.0;
		memcpy(data + i, &value, 8);
	}
	assert_false(pnr_data_is_dense(data, MIB));
	/* All values equally frequent, and yet: a counter; the same noise again and again. */
	for (size_t i = 0; i < MIB; i++)
		data[i] = (uint8_t)i;
	assert_false(pnr_data_is_dense(data, MIB));
	fill_noise(data, MIB, 3);
	for (size_t i = 30000; i < MIB; i++)
		data[i] = data[i - 30000];
	assert_false(pnr_data_is_dense(data, MIB));
	free(data);
}

static void what_recurs_out_of_reach_is_dense(void **state)
{
	(void)state;
	uint8_t *data = make(MIB);
	fill_noise(data, MIB, 5);
	for (size_t i = 33000; i < MIB; i++)
		data[i] = data[i - 33000];
	assert_true(pnr_data_is_dense(data, MIB));
	free(data);
}

static void a_little_text_or_repetition_in_noise_is_missed_only_when_it_is_worth_nothing(void **state)
{
	(void)state;
	uint8_t *data = make(MIB);
	for (size_t share = 256; share <= MIB / 8; share *= 4) {
		for (size_t place = 0; place + share <= MIB; place += MIB / 3) {
			fill_noise(data, MIB, share);
			fill_text(data + place, share, 4);
			assert_cheap(data, MIB);
			fill_noise(data, MIB, share);
			if (place >= 20000 && place + share <= MIB)
				for (size_t i = place; i < place + share; i++)
					data[i] = data[i - 20000];
			assert_cheap(data, MIB);
		}
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise_is_dense_from_32_kib_on),
		cmocka_unit_test(what_shrinks_is_not_dense),
		cmocka_unit_test(what_recurs_out_of_reach_is_dense),
		cmocka_unit_test(a_little_text_or_repetition_in_noise_is_missed_only_when_it_is_worth_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
