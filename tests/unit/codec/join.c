/* The joiner: every number of free bits, every kind of last block, streams that are wrong. */
#include "codec/join.h"
#include "support.h"

typedef struct fixture {
	z_stream inflater;
	struct libdeflate_compressor *compressor;
	uint8_t *stream;
	size_t capacity;
} fixture;

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	assert_int_equal(inflateInit2(&f->inflater, -MAX_WBITS), Z_OK);
	f->compressor = libdeflate_alloc_compressor(6);
	assert_non_null(f->compressor);
	f->capacity = 3 * MIB;
	f->stream = make(f->capacity);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	inflateEnd(&f->inflater);
	libdeflate_free_compressor(f->compressor);
	free(f->stream);
	free(f);
	return 0;
}

static size_t deflate_raw(fixture *f, const uint8_t *data, size_t length, uint8_t *out)
{
	size_t size = libdeflate_deflate_compress(f->compressor, data, length, out, 2 * MIB);
	assert_true(size > 0);
	return size;
}

static pnr_status prove(fixture *f, const uint8_t *stream, size_t size, const uint8_t *data, size_t length,
                        pnr_join *out_join)
{
	return pnr_join_prove(&f->inflater, stream, size, data, length, out_join, NULL);
}

/* Seal the stream of @data, put that of @data again behind it, and decode the whole. */
static void assert_joins(fixture *f, uint8_t *stream, size_t size, const uint8_t *data, size_t length)
{
	pnr_join join;
	assert_int_equal(prove(f, stream, size, data, length, &join), PNR_OK);
	assert_true(join.last < join.end);
	assert_int_equal((join.end + 7) / 8, size);
	assert_true(stream[join.last / 8] >> (join.last % 8) & 1);
	/* Bits after the end are anything. */
	if (join.end % 8 != 0)
		stream[size - 1] |= (uint8_t)(0xff << join.end % 8);
	uint8_t *twice = make(2 * (size + PNR_JOIN_ROOM) + PNR_JOIN_END_SIZE);
	memcpy(twice, stream, size);
	size_t sealed = pnr_join_seal(twice, &join);
	assert_true(sealed <= size + PNR_JOIN_ROOM);
	memmove(twice + sealed, twice, sealed);
	memcpy(twice + 2 * sealed, PNR_JOIN_END, PNR_JOIN_END_SIZE);
	uint8_t *content = make(2 * length);
	memcpy(content, data, length);
	memcpy(content + length, data, length);
	assert_zlib_decodes(twice, 2 * sealed + PNR_JOIN_END_SIZE, -MAX_WBITS, content, 2 * length);
	free(content);
	free(twice);
}

static void streams_with_every_number_of_free_bits_join(void **state)
{
	fixture *f = *state;
	unsigned seen[8] = { 0 };
	uint8_t data[600];
	fill_text(data, sizeof data, 1);
	for (size_t length = 40; length < sizeof data; length++) {
		size_t size = deflate_raw(f, data, length, f->stream);
		pnr_join join;
		assert_int_equal(prove(f, f->stream, size, data, length, &join), PNR_OK);
		seen[size * 8 - join.end]++;
		assert_joins(f, f->stream, size, data, length);
	}
	for (size_t bits = 0; bits < PNR_COUNT(seen); bits++)
		assert_true(seen[bits] > 0);
}

static void a_stored_last_block_joins(void **state)
{
	fixture *f = *state;
	uint8_t *data = make(300000);
	fill_text(data, 100000, 1);
	fill_noise(data + 100000, 200000, 2);
	for (size_t length = 100000; length <= 300000; length += 50000) {
		size_t size = deflate_raw(f, data, length, f->stream);
		assert_joins(f, f->stream, size, data, length);
	}
	/* Nothing but stored blocks. */
	fill_noise(data, 300000, 3);
	assert_joins(f, f->stream, deflate_raw(f, data, 300000, f->stream), data, 300000);
	free(data);
}

static void other_encoders_streams_of_many_blocks_join(void **state)
{
	fixture *f = *state;
	size_t length = MIB;
	uint8_t *data = make(length);
	fill_text(data, length, 4);
	static const int strategies[] = { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE };
	for (size_t i = 0; i < PNR_COUNT(strategies); i++) {
		/* memLevel 1: a block every 128 symbols. */
		z_stream z = { .next_in = data, .avail_in = (uInt)length, .next_out = f->stream };
		z.avail_out = (uInt)f->capacity;
		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 1, strategies[i]), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		assert_joins(f, f->stream, z.total_out, data, length);
		deflateEnd(&z);
	}
	free(data);
}

static void one_empty_block_joins(void **state)
{
	fixture *f = *state;
	uint8_t stream[16] = { 0x03, 0x00 };
	assert_joins(f, stream, 2, (const uint8_t *)"", 0);
	uint8_t stored[16] = { 0x01, 0x00, 0x00, 0xff, 0xff };
	assert_joins(f, stored, 5, (const uint8_t *)"", 0);
}

static void a_stream_of_other_content_is_not_proved(void **state)
{
	fixture *f = *state;
	size_t length = 200000;
	uint8_t *data = make(length);
	fill_text(data, length, 5);
	size_t size = deflate_raw(f, data, length, f->stream);
	pnr_join join = { 1, 2 };
	static const size_t places[] = { 0, 65535, 65536, 199999 };
	for (size_t i = 0; i < PNR_COUNT(places); i++) {
		data[places[i]] ^= 1;
		assert_int_equal(prove(f, f->stream, size, data, length, &join), PNR_CORRUPT);
		data[places[i]] ^= 1;
	}
	/* Content, then stream, that are one byte longer or shorter. */
	assert_int_equal(prove(f, f->stream, size, data, length - 1, &join), PNR_CORRUPT);
	data[length] = 0;
	assert_int_equal(prove(f, f->stream, size, data, length + 1, &join), PNR_CORRUPT);
	assert_int_equal(prove(f, f->stream, size - 1, data, length, &join), PNR_CORRUPT);
	f->stream[size] = 0;
	assert_int_equal(prove(f, f->stream, size + 1, data, length, &join), PNR_CORRUPT);
	assert_int_equal(prove(f, f->stream, 0, data, length, &join), PNR_CORRUPT);
	/* Outputs untouched; and the inflater is as good as new. */
	assert_int_equal(join.last, 1);
	assert_int_equal(join.end, 2);
	assert_int_equal(prove(f, f->stream, size, data, length, &join), PNR_OK);
	free(data);
}

static void no_damaged_stream_is_proved_to_be_the_content(void **state)
{
	fixture *f = *state;
	uint8_t data[500];
	fill_text(data, sizeof data, 6);
	size_t size = deflate_raw(f, data, sizeof data, f->stream);
	for (size_t bit = 0; bit < size * 8; bit++) {
		pnr_join join;
		f->stream[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* Some damage leaves the content alone (the slack bits at the end): then it may pass. */
		if (prove(f, f->stream, size, data, sizeof data, &join) == PNR_OK)
			assert_zlib_decodes(f->stream, size, -MAX_WBITS, data, sizeof data);
		f->stream[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void stored_blocks_hold_any_length_also_in_place(void **state)
{
	fixture *f = *state;
	static const size_t lengths[] = { 0, 1, 65534, 65535, 65536, 131070, 131071, MIB };
	uint8_t *data = make(MIB);
	fill_noise(data, MIB, 7);
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		size_t length = lengths[i];
		size_t gap = PNR_STORED_OVERHEAD(length);
		size_t size = pnr_join_store(f->stream, data, length);
		assert_int_equal(size, length + gap);
		memcpy(f->stream + size, PNR_JOIN_END, PNR_JOIN_END_SIZE);
		assert_zlib_decodes(f->stream, size + PNR_JOIN_END_SIZE, -MAX_WBITS, data, length);

		uint8_t *memory = make(gap + length);
		memcpy(memory + gap, data, length);
		assert_int_equal(pnr_join_store(memory, memory + gap, length), size);
		assert_memory_equal(memory, f->stream, size);
		free(memory);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_with_every_number_of_free_bits_join),
		cmocka_unit_test(a_stored_last_block_joins),
		cmocka_unit_test(other_encoders_streams_of_many_blocks_join),
		cmocka_unit_test(one_empty_block_joins),
		cmocka_unit_test(a_stream_of_other_content_is_not_proved),
		cmocka_unit_test(no_damaged_stream_is_proved_to_be_the_content),
		cmocka_unit_test(stored_blocks_hold_any_length_also_in_place),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
