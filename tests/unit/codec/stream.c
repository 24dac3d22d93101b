/* pnr_encode_stream: sizes, forms, threads. */
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
	static const size_t sizes[] = { 8, 100, 4000, 65535, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 12345 };
	(void)state;
	uint8_t *text = make(4 * MIB);
	memset(text, 0, 4 * MIB);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		if (i > 0)
			fill_text(text, sizes[i], i);
		check(text, sizes[i], 1, i > 0 ? PNR_FORM_GZIP : PNR_FORM_STORED);
	}
	memset(text, 0, 4 * MIB);
	for (size_t i = 1; i < PNR_COUNT(sizes); i++)
		check(text, sizes[i], 6, PNR_FORM_GZIP);
	free(text);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_of_every_size_round_trips),
		cmocka_unit_test(content_that_does_not_shrink_is_stored),
		cmocka_unit_test(bytes_do_not_depend_on_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
