/* pnr_encode_stream: sizes, levels, threads, frozen bytes, progress. */
#include "support.h"

static void content_of_every_size_round_trips(void **state)
{
	static const size_t sizes[] = { 100, 4000, 65535, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 12345 };
	(void)state;
	uint8_t *data = make(4 * MIB);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		fill_text(data, sizes[i], i);
		assert_round_trip(data, sizes[i], 1, PNR_FORM_GZIP);
	}
	memset(data, 0, 4 * MIB);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		assert_round_trip(data, sizes[i], 6, PNR_FORM_GZIP);
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
		assert_round_trip(data, length, level, PNR_FORM_GZIP);
	free(data);
}

static void there_are_twelve_levels(void **state)
{
	static const unsigned none[] = { 0, PNR_LEVEL_MAX + 1 };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(none); i++) {
		pnr_coders *coders = NULL;
		pnr_error err = PNR_ERROR_INIT;
		char text[64];
		(void)snprintf(text, sizeof text, "there is no level %u", none[i]);
		assert_int_equal(pnr_coders_new(none[i], &coders, &err), PNR_INVALID);
		assert_string_equal(err.message, text);
		assert_null(coders);
	}
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
		"0e1dd4ffe80f444a601bdde2eb5d4546dfac479fc5a248e2cf9102ca7982d215",
		"2aa42beac7a63a37ad7fa1a5e385f12de222e6fa8bc20246346882160641744a",
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

/* ------------------------------------------------------------ the meter -- */

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
		PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
		pnr_pool *pool = NULL;
		int fd = make_file();
		assert_int_equal(pnr_pool_new(2, &pool, NULL), PNR_OK);
		assert_int_equal(pnr_coders_new(1, &coders, NULL), PNR_OK);
		pnr_status status = pnr_encode_stream(coders, &source, fd, "test", pool, &meter, "a/b", &content, &encoding, NULL);
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
		cmocka_unit_test(there_are_twelve_levels),
		cmocka_unit_test(bytes_do_not_depend_on_threads),
		cmocka_unit_test(bytes_are_frozen),
		cmocka_unit_test(the_header_tells_nothing_of_time_or_machine),
		cmocka_unit_test(progress_is_counted_and_can_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
