/* pnr_inflate on a pool: what one thread makes of a stream, whatever the stream. */
#include "support.h"
#include "base/pool.h"
#include "codec/block.h"

static const unsigned threads[] = { 1, 2, 8 }; /* the last is what `out_largest` is of */

/* A stream, whoever made it. */
typedef struct stream {
	uint8_t *body;
	size_t size, capacity;
} stream;

static void add(stream *s, const void *data, size_t length)
{
	assert_true(s->size + length <= s->capacity);
	if (length > 0)
		memcpy(s->body + s->size, data, length);
	s->size += length;
}

static stream new_stream(size_t capacity)
{
	return (stream){ make(capacity), 0, capacity };
}

/* As pnr_encode_stream does it. */
static stream encode_raw(const uint8_t *content, size_t length)
{
	stream s = new_stream(length + length / 1000 + 1000);
	pnr_coder *coder = NULL;
	assert_int_equal(pnr_coder_new(1, &coder, NULL), PNR_OK);
	for (size_t i = 0, step; i < length; i += step) {
		step = length - i < MIB ? length - i : MIB;
		size_t packed = 0;
		pnr_join join;
		uint8_t *place = s.body + s.size;
		assert_int_equal(pnr_coder_run(coder, content + i, step, place, &packed, &join, NULL), PNR_OK);
		s.size += packed == 0 ? pnr_join_store(place, content + i, step) : pnr_join_seal(place, &join);
	}
	pnr_coder_free(coder);
	add(&s, PNR_JOIN_END, PNR_JOIN_END_SIZE);
	return s;
}

/* As zlib does it, which flushes every @piece bytes. */
static stream flush(const uint8_t *content, size_t length, size_t piece, int how)
{
	stream s = new_stream(length + length / 10 + 1000);
	z_stream z = { .next_in = NULL };
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = s.body;
	z.avail_out = (uInt)s.capacity;
	for (size_t i = 0, step; i < length; i += step) {
		step = length - i < piece ? length - i : piece;
		z.next_in = (z_const Bytef *)(uintptr_t)content + i;
		z.avail_in = (uInt)step;
		int state = deflate(&z, i + step < length ? how : Z_FINISH);
		assert_int_equal(state, i + step < length ? Z_OK : Z_STREAM_END);
	}
	s.size = z.total_out;
	deflateEnd(&z);
	return s;
}

/* ------------------------------------------------------------ the ends -- */

typedef struct taker {
	uint8_t *content;
	size_t capacity, length;
	size_t largest; /* write */
	unsigned calls, fail_at;
} taker;

static pnr_status take(void *context, const void *data, size_t length, pnr_error *err)
{
	taker *t = context;
	assert_true(length > 0);
	assert_true(length <= t->capacity - t->length);
	if (++t->calls == t->fail_at)
		return pnr_fail(err, PNR_FULL, "no room");
	memcpy(t->content + t->length, data, length);
	t->length += length;
	if (length > t->largest)
		t->largest = length;
	return PNR_OK;
}

/* One way to decode @s. */
typedef struct run {
	pnr_status status;
	pnr_error err;
	taker out;
} run;

static void decode(run *r, const stream *s, size_t content_size, pnr_pool *pool, unsigned fail_read, unsigned fail_write)
{
	feeder in = { .data = s->body, .left = s->size, .piece = 50000, .fail_at = fail_read };
	const pnr_source source = { .read = feed, .context = &in };
	*r = (run){ .err = PNR_ERROR_INIT };
	r->out = (taker){ .content = make(content_size), .capacity = content_size, .fail_at = fail_write };
	const pnr_sink sink = { .write = take, .context = &r->out };
	r->status = pnr_inflate(&source, s->size, content_size, &sink, pool, &r->err);
	assert_int_equal(r->status, r->err.status);
}

/*
 * Decode @s on every number of threads. Status and text are those of one thread,
 * which are zlib's; so is what was passed on, as far as both came. Returns the
 * status, and how large the largest write of several threads was.
 */
static pnr_status decode_all(const stream *s, size_t content_size, unsigned fail_read, size_t *out_largest)
{
	run plain, pooled;
	decode(&plain, s, content_size, NULL, fail_read, 0);
	if (fail_read == 0) {
		uint8_t *whole = make(content_size + 1);
		z_stream z = { .next_in = s->body, .avail_in = (uInt)s->size, .next_out = whole,
			       .avail_out = (uInt)content_size + 1 };
		assert_int_equal(inflateInit2(&z, -MAX_WBITS), Z_OK);
		bool right = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.total_out == content_size;
		inflateEnd(&z);
		assert_int_equal(plain.status, right ? PNR_OK : PNR_CORRUPT);
		if (right && content_size > 0)
			assert_memory_equal(plain.out.content, whole, content_size);
		pnr_error err = PNR_ERROR_INIT;
		pnr_status status = pnr_inflate_memory(s->body, s->size, whole, content_size, &err);
		assert_int_equal(status, plain.status);
		assert_string_equal(err.message, plain.err.message);
		free(whole);
	}
	for (size_t i = 0; i < PNR_COUNT(threads); i++) {
		pnr_pool *pool = NULL;
		assert_int_equal(pnr_pool_new(threads[i], &pool, NULL), PNR_OK);
		decode(&pooled, s, content_size, pool, fail_read, 0);
		pnr_pool_free(pool);
		assert_int_equal(pooled.status, plain.status);
		assert_string_equal(pooled.err.message, plain.err.message);
		size_t both = pooled.out.length < plain.out.length ? pooled.out.length : plain.out.length;
		if (both > 0)
			assert_memory_equal(pooled.out.content, plain.out.content, both);
		if (plain.status == PNR_OK)
			assert_int_equal(pooled.out.length, content_size);
		if (out_largest != NULL)
			*out_largest = pooled.out.largest;
		free(pooled.out.content);
	}
	pnr_status status = plain.status;
	free(plain.out.content);
	return status;
}

/* ------------------------------------------------------------- streams -- */

static void our_streams_of_every_size_are_decoded_by_segments(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0,           1,       MIB - 1,     MIB, MIB + 1,
		                        2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 3 * MIB + 77777 };
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		for (int kind = 0; kind < 3; kind++) {
			uint8_t *content = make(sizes[i]);
			fill_text(content, sizes[i], (unsigned)i + 1);
			if (kind == 1)
				fill_noise(content, sizes[i], (unsigned)i + 1);
			if (kind == 2)
				fill_noise(content, sizes[i] / 2, (unsigned)i + 1);
			stream s = encode_raw(content, sizes[i]);
			size_t largest = 0;
			assert_int_equal(decode_all(&s, sizes[i], 0, &largest), PNR_OK);
			/* One thread passes on 256 KiB at a time. */
			if (sizes[i] > MIB)
				assert_int_equal(largest, MIB);
			free(s.body);
			free(content);
		}
}

static void one_byte_too_many_or_too_few_is_corrupt(void **state)
{
	(void)state;
	size_t length = 3 * MIB + 1000;
	uint8_t *content = make(length);
	fill_text(content, length, 5);
	stream s = encode_raw(content, length);
	static const long changes[] = { -1, 1, -1000, 1000, -1001, -1048576, 1048576, 3000000 };
	for (size_t i = 0; i < PNR_COUNT(changes); i++)
		assert_int_equal(decode_all(&s, (size_t)((long)length + changes[i]), 0, NULL), PNR_CORRUPT);
	static const size_t cuts[] = { 1, 2, 3, 6, 7, 100, 70000, 300000 };
	for (size_t i = 0; i < PNR_COUNT(cuts); i++) {
		stream cut = { s.body, s.size - cuts[i], 0 };
		assert_int_equal(decode_all(&cut, length, 0, NULL), PNR_CORRUPT);
	}
	static const size_t behind[] = { 1, 4, 70000, 2 * MIB };
	for (size_t i = 0; i < PNR_COUNT(behind); i++) {
		stream more = new_stream(s.size + behind[i]);
		add(&more, s.body, s.size);
		memset(more.body + more.size, 0, behind[i]);
		more.size += behind[i];
		assert_int_equal(decode_all(&more, length, 0, NULL), PNR_CORRUPT);
		free(more.body);
	}
	free(s.body);
	free(content);
}

/* What looks like the end of a segment, in bytes that are stored as they are. */
static void markers_in_the_content_deceive_nobody(void **state)
{
	(void)state;
	static const size_t places[] = { 0, 65533, MIB - 4, MIB - 2, MIB, 2 * MIB - 4, 2 * MIB + 5 };
	size_t length = 2 * MIB + 5000;
	uint8_t *content = make(length);
	for (size_t i = 0; i < PNR_COUNT(places); i++) {
		fill_noise(content, length, (unsigned)i + 1);
		memcpy(content + places[i], "\0\0\xff\xff", 4);
		stream s = encode_raw(content, length);
		assert_int_equal(decode_all(&s, length, 0, NULL), PNR_OK);
		free(s.body);
	}
	free(content);
}

/* Flushed by zlib: markers everywhere, or just where ours would be, but segments that refer back beyond their start. */
static void streams_of_others_are_decoded_all_the_same(void **state)
{
	(void)state;
	static const size_t pieces[] = { 1000, MIB / 2, MIB, MIB + 1, 10 * MIB };
	size_t length = 2 * MIB + 100;
	uint8_t *content = make(length);
	fill_text(content, length, 9);
	for (size_t i = 0; i < PNR_COUNT(pieces); i++) {
		size_t largest = 0;
		stream full = flush(content, length, pieces[i], Z_FULL_FLUSH);
		stream sync = flush(content, length, pieces[i], Z_SYNC_FLUSH);
		assert_int_equal(decode_all(&full, length, 0, &largest), PNR_OK);
		assert_int_equal(largest, pieces[i] == MIB ? MIB : 256 * 1024);
		assert_int_equal(decode_all(&sync, length, 0, &largest), PNR_OK);
		/* The first segment has nothing to refer to. */
		assert_int_equal(largest, pieces[i] == MIB ? MIB : 256 * 1024);
		assert_int_equal(decode_all(&sync, length + 1, 0, NULL), PNR_CORRUPT);
		assert_int_equal(decode_all(&sync, length - 1, 0, NULL), PNR_CORRUPT);
		free(full.body);
		free(sync.body);
	}
	free(content);
}

/* ------------------------------------------------------ made by hand -- */

typedef struct bits {
	stream s;
	size_t count;
} bits;

static void put(bits *b, unsigned value, unsigned count)
{
	assert_true(b->count + count <= b->s.capacity * 8);
	for (unsigned i = 0; i < count; i++, b->count++)
		b->s.body[b->count / 8] |= (uint8_t)((value >> i & 1) << b->count % 8);
	b->s.size = (b->count + 7) / 8;
}

/* A Huffman code: its first bit is the most significant. */
static void put_code(bits *b, unsigned code, unsigned count)
{
	while (count-- > 0)
		put(b, code >> count & 1, 1);
}

/* A byte in the fixed code. */
static void put_literal(bits *b, unsigned byte)
{
	if (byte < 144)
		put_code(b, 0x30 + byte, 8);
	else
		put_code(b, 0x190 + byte - 144, 9);
}

static void put_match(bits *b, bool far)
{
	put_code(b, 1, 7); /* three bytes, */
	put_code(b, far ? 28 : 0, 5);
	put(b, 0, far ? 13 : 0); /* from 16,385 back, or one */
}

/*
 * Inside a block of the fixed code, right where a block's worth of content has
 * come out: 00 00 FF FF on bytes, the last of its bits being the first of a
 * code's. It is the end of a segment in all but that.
 */
static void a_boundary_within_a_code_is_none(void **state)
{
	(void)state;
	for (int final = 0; final < 2; final++) {
		bits b = { new_stream(4 * MIB), 0 };
		memset(b.s.body, 0, b.s.capacity);
		put(&b, (unsigned)final | 1 << 1, 3);
		size_t length = 0;
		for (; length < MIB - 40; length += length == 0 ? 1 : 3) {
			if (length == 0)
				put_literal(&b, 'x');
			else
				put_match(&b, false);
		}
		/* Literals of 9 bits until the zeros will start on a byte; of 8 until the content is long enough. */
		while ((b.count + (MIB - 5 - length) * 8 + 7 + 3 + 1) % 8 != 0) {
			put_literal(&b, 200);
			length++;
		}
		for (; length < MIB - 5; length++)
			put_literal(&b, 'y');
		put_match(&b, true);
		put_literal(&b, 0x0f); /* 00111111 */
		size_t end = b.count + 10; /* 10 more ones make two bytes of them */
		put_literal(&b, 255);
		put_literal(&b, 255);
		length += 6;
		assert_int_equal(length, MIB + 1);
		assert_int_equal(end % 8, 0);
		assert_memory_equal(b.s.body + end / 8 - 4, "\0\0\xff\xff", 4);
		/* And from there on, read as a segment, it would be a stream that ends, too. */
		put_code(&b, 0, 7);
		if (final == 0)
			put(&b, 3, 10);
		size_t largest = 0;
		assert_int_equal(decode_all(&b.s, length, 0, &largest), PNR_OK);
		assert_int_equal(largest, 256 * 1024);
		assert_int_equal(decode_all(&b.s, MIB + MIB / 2, 0, NULL), PNR_CORRUPT);
		free(b.s.body);
	}
}

/* A stored block that ends with a marker, and one that has it where a segment would end but goes on. */
static void a_boundary_within_a_stored_block_is_none(void **state)
{
	(void)state;
	size_t length = 2 * MIB;
	uint8_t *content = make(length);
	fill_noise(content, length, 77);
	memcpy(content + MIB - 4, "\0\0\xff\xff", 4);
	for (size_t shift = 0; shift < 3; shift++) {
		stream s = new_stream(length + 1000);
		/* The block that holds the last byte of the first MiB ends there, or 1 or 2 bytes behind it. */
		size_t first = MIB % PNR_STORED_MAX + shift;
		s.size = pnr_join_store(s.body, content, first);
		s.size += pnr_join_store(s.body + s.size, content + first, length - first);
		add(&s, PNR_JOIN_END, PNR_JOIN_END_SIZE);
		size_t largest = 0;
		assert_int_equal(decode_all(&s, length, 0, &largest), PNR_OK);
		/* With no shift the block does end where the marker does: it is a boundary, if by chance. */
		assert_int_equal(largest, shift == 0 ? MIB : 256 * 1024);
		free(s.body);
	}
	free(content);
}

/* A final block in the middle: what follows it is no part of the stream, however well it would go on. */
static void a_stream_that_ends_early_has_ended(void **state)
{
	(void)state;
	size_t length = 3 * MIB;
	uint8_t *content = make(length);
	fill_text(content, length, 4);
	stream one = encode_raw(content, MIB), rest = encode_raw(content + MIB, 2 * MIB);
	stream s = new_stream(one.size + rest.size + 100);
	/* Sealed, an empty final stored block that ends with the marker, and the rest. */
	add(&s, one.body, one.size - PNR_JOIN_END_SIZE);
	add(&s, "\x01\x00\x00\xff\xff", 5);
	add(&s, rest.body, rest.size);
	assert_int_equal(decode_all(&s, length, 0, NULL), PNR_CORRUPT);
	assert_int_equal(decode_all(&s, MIB, 0, NULL), PNR_CORRUPT);
	free(s.body);
	free(one.body);
	free(rest.body);
	free(content);
}

static void damage_is_judged_as_one_thread_judges_it(void **state)
{
	(void)state;
	size_t length = 2 * MIB + 30000;
	uint8_t *content = make(length);
	fill_text(content, length, 6);
	fill_noise(content, 100000, 6);
	stream s = encode_raw(content, length);
	uint32_t seed = 12345;
	for (unsigned i = 0; i < 30; i++) {
		seed = seed * 1664525u + 1013904223u;
		/* Half of the time near an end. */
		size_t at = i % 2 == 0 ? seed % s.size : s.size - 1 - seed % 20;
		uint8_t before = s.body[at];
		s.body[at] ^= (uint8_t)(1u << (seed >> 16 & 7));
		assert_true(decode_all(&s, length, 0, NULL) == PNR_OK || s.body[at] != before);
		s.body[at] = before;
	}
	free(s.body);
	free(content);
}

static void every_read_and_write_may_fail(void **state)
{
	(void)state;
	size_t length = 2 * MIB + 5;
	uint8_t *content = make(length);
	fill_text(content, length, 8);
	stream s = encode_raw(content, length);
	for (int broken = 0; broken < 2; broken++) {
		/* With damage in the last segment: the first of both is told. */
		if (broken)
			memset(s.body + s.size - 100, 0xff, 100);
		unsigned calls = (unsigned)(s.size / 50000) + 1;
		for (unsigned n = 1; n <= calls; n++)
			assert_int_equal(decode_all(&s, length, n, NULL), PNR_IO);
	}
	free(s.body);
	s = encode_raw(content, length);
	pnr_pool *pool = NULL;
	assert_int_equal(pnr_pool_new(2, &pool, NULL), PNR_OK);
	for (unsigned n = 1; n <= 3; n++) {
		run r;
		decode(&r, &s, length, pool, 0, n);
		assert_int_equal(r.status, PNR_FULL);
		assert_string_equal(r.err.message, "no room");
		assert_int_equal(r.out.length, (n - 1) * MIB);
		free(r.out.content);
	}
	pnr_pool_free(pool);
	free(s.body);
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_streams_of_every_size_are_decoded_by_segments),
		cmocka_unit_test(one_byte_too_many_or_too_few_is_corrupt),
		cmocka_unit_test(markers_in_the_content_deceive_nobody),
		cmocka_unit_test(streams_of_others_are_decoded_all_the_same),
		cmocka_unit_test(a_boundary_within_a_code_is_none),
		cmocka_unit_test(a_boundary_within_a_stored_block_is_none),
		cmocka_unit_test(a_stream_that_ends_early_has_ended),
		cmocka_unit_test(damage_is_judged_as_one_thread_judges_it),
		cmocka_unit_test(every_read_and_write_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
