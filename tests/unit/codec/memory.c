/* pnr_encode_memory: which form, the same bytes as the file, nothing on failure. */
#include "support.h"

static pnr_status encode_some(const void *data, size_t length, unsigned level, pnr_buffer *out, pnr_encoding *e)
{
	PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
	pnr_status status = pnr_coders_new(level, &coders, NULL);
	if (status == PNR_OK)
		status = pnr_encode_memory(coders, data, length, libdeflate_crc32(0, data, length), out, e, NULL);
	return status;
}

static void small_content_becomes_zlib(void **state)
{
	(void)state;
	uint8_t data[40000];
	fill_text(data, sizeof data, 1);
	for (unsigned level = 1; level <= PNR_LEVEL_MAX; level++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_encoding e;
		pnr_buffer_puts(&out, "before");
		assert_int_equal(encode_some(data, 30000, level, &out, &e), PNR_OK);
		assert_int_equal(e.form, PNR_FORM_ZLIB);
		assert_int_equal(out.length, 6 + e.stored_size);
		assert_true(e.stored_size <= PNR_INLINE_MAX);
		assert_memory_equal(out.data, "before", 6);
		assert_int_equal(out.data[out.length], '\0');
		const uint8_t *bytes = (const uint8_t *)out.data + 6;
		assert_zlib_decodes(bytes, (size_t)e.stored_size, MAX_WBITS, data, 30000);
		assert_zlib_decodes(bytes + e.body_offset, (size_t)e.body_size, -MAX_WBITS, data, 30000);
		assert_digest(&e.stored_hash, bytes, (size_t)e.stored_size);
	}
}

/* Growing content crosses the limit: up to it zlib, from there on gzip, and as a file always gzip. */
static void the_limit_is_that_of_the_zlib_bytes(void **state)
{
	(void)state;
	size_t largest = 0, smallest = SIZE_MAX;
	uint8_t *data = make(60000);
	fill_text(data, 60000, 2);
	for (size_t length = 35000; length < 60000; length += 151) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_encoding e;
		assert_int_equal(encode_some(data, length, 1, &out, &e), PNR_OK);
		size_t zlib_size = (size_t)e.body_size + 6;
		if (e.form == PNR_FORM_ZLIB && zlib_size > largest)
			largest = zlib_size;
		if (e.form == PNR_FORM_GZIP && zlib_size < smallest)
			smallest = zlib_size;
	}
	assert_true(largest <= PNR_INLINE_MAX && largest > PNR_INLINE_MAX - 200);
	assert_true(smallest > PNR_INLINE_MAX && smallest < PNR_INLINE_MAX + 200);
	free(data);
}

static void content_that_does_not_shrink_is_stored(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 1, 6, 7, 8, 1000, 100000, MIB };
	uint8_t *data = make(MIB);
	fill_noise(data, MIB, 3);
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_encoding e;
		assert_int_equal(encode_some(lengths[i] == 0 ? NULL : data, lengths[i], 6, &out, &e), PNR_OK);
		assert_int_equal(e.form, PNR_FORM_STORED);
		assert_int_equal(e.stored_size, lengths[i]);
		assert_int_equal(e.body_offset, 0);
		assert_int_equal(e.body_size, lengths[i]);
		assert_int_equal(out.length, lengths[i]);
		assert_memory_equal(out.data, data, lengths[i]);
		assert_digest(&e.stored_hash, data, lengths[i]);
	}
	free(data);
}

/* body + 6 < content, to the byte: short runs of one value pass through every saving. */
static void the_rule_for_stored_holds_to_the_byte(void **state)
{
	(void)state;
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	bool seen_edge = false, seen_gain = false;
	assert_non_null(c);
	for (size_t length = 1; length < 300; length += 13) {
		for (size_t run = 0; run < 24 && run <= length; run++) {
			PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
			uint8_t data[300], raw[600];
			pnr_encoding e;
			fill_noise(data, length, length);
			memset(data, 'x', run);
			size_t body = libdeflate_deflate_compress(c, data, length, raw, sizeof raw);
			assert_int_equal(encode_some(data, length, 6, &out, &e), PNR_OK);
			assert_int_equal(e.form, body + 6 < length ? PNR_FORM_ZLIB : PNR_FORM_STORED);
			if (e.form == PNR_FORM_ZLIB)
				assert_memory_equal(out.data + 2, raw, body);
			seen_edge = seen_edge || body + 6 == length;
			seen_gain = seen_gain || body + 7 == length;
		}
	}
	assert_true(seen_edge && seen_gain);
	libdeflate_free_compressor(c);
}

static void a_file_holds_the_same_bytes(void **state)
{
	(void)state;
	static const size_t lengths[] = { 60000, 70000, MIB - 1, MIB };
	uint8_t *data = make(MIB);
	fill_text(data, MIB, 4);
	fill_noise(data + 65000, 3000, 5);
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_encoding e;
		assert_int_equal(encode_some(data, lengths[i], 6, &out, &e), PNR_OK);
		assert_int_equal(e.form, PNR_FORM_GZIP);
		encoded file = encode(data, lengths[i], 6, 2);
		assert_encoded(&file, data, lengths[i]);
		assert_int_equal(file.length, out.length);
		assert_memory_equal(file.bytes, out.data, out.length);
		assert_memory_equal(&file.encoding.stored_hash, &e.stored_hash, sizeof e.stored_hash);
		assert_int_equal(file.encoding.body_offset, e.body_offset);
		free(file.bytes);
	}
	free(data);
}

static void more_than_a_block_is_refused_and_nothing_is_touched(void **state)
{
	(void)state;
	uint8_t *data = make(MIB + 1);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_encoding e = { .stored_size = 42 };
	fill_text(data, MIB + 1, 6);
	pnr_buffer_puts(&out, "before");
	assert_int_equal(encode_some(data, MIB + 1, 6, &out, &e), PNR_INVALID);
	assert_string_equal(out.data, "before");
	assert_int_equal(out.length, 6);
	assert_int_equal(e.stored_size, 42);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_content_becomes_zlib),
		cmocka_unit_test(the_limit_is_that_of_the_zlib_bytes),
		cmocka_unit_test(content_that_does_not_shrink_is_stored),
		cmocka_unit_test(the_rule_for_stored_holds_to_the_byte),
		cmocka_unit_test(a_file_holds_the_same_bytes),
		cmocka_unit_test(more_than_a_block_is_refused_and_nothing_is_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
