/* Digests as text: 64 lower-case hex digits and nothing else. */
#include "support.h"
#include <pannier/digest.h>

static const char hex[] = "00ff0123456789abcdeffedcba98765432100123456789abcdef00112233445a";

static void text_and_bytes_round_trip(void **state)
{
	(void)state;
	pnr_digest digest, again;
	char text[PNR_DIGEST_HEX_SIZE];
	assert_true(pnr_digest_from_hex(hex, 64, &digest));
	assert_int_equal(digest.bytes[0], 0x00);
	assert_int_equal(digest.bytes[1], 0xff);
	assert_int_equal(digest.bytes[31], 0x5a);
	assert_ptr_equal(pnr_digest_to_hex(&digest, text), text);
	assert_string_equal(text, hex);
	assert_true(pnr_digest_from_hex(text, 64, &again));
	assert_true(pnr_digest_equal(&digest, &again));
	again.bytes[31] ^= 1;
	assert_false(pnr_digest_equal(&digest, &again));
}

static void every_byte_value_round_trips(void **state)
{
	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		pnr_digest digest, again;
		char text[PNR_DIGEST_HEX_SIZE];
		memset(digest.bytes, (int)value, sizeof digest.bytes);
		assert_true(pnr_digest_from_hex(pnr_digest_to_hex(&digest, text), 64, &again));
		assert_true(pnr_digest_equal(&digest, &again));
	}
}

static void any_other_length_is_refused(void **state)
{
	(void)state;
	pnr_digest digest;
	for (size_t length = 0; length < 64; length++)
		assert_false(pnr_digest_from_hex(hex, length, &digest));
	assert_false(pnr_digest_from_hex(hex, 65, &digest));
	assert_false(pnr_digest_from_hex(NULL, 0, &digest));
}

static void only_lower_case_hex_digits_are_accepted_and_failure_writes_nothing(void **state)
{
	(void)state;
	for (size_t place = 0; place < 64; place += 21) {
		for (int c = 0; c < 256; c++) {
			char text[65];
			pnr_digest digest, before;
			bool good = c != 0 && strchr("0123456789abcdef", c) != NULL;
			memcpy(text, hex, sizeof text);
			text[place] = (char)c;
			memset(&digest, 0x77, sizeof digest);
			before = digest;
			assert_int_equal(pnr_digest_from_hex(text, 64, &digest), good);
			if (!good)
				assert_true(pnr_digest_equal(&digest, &before));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_bytes_round_trip),
		cmocka_unit_test(every_byte_value_round_trips),
		cmocka_unit_test(any_other_length_is_refused),
		cmocka_unit_test(only_lower_case_hex_digits_are_accepted_and_failure_writes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
