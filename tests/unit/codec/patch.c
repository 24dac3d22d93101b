/* pnr_patch_make and pnr_patch_apply: from any base to any content and back, or a clear no. */
#include "patch_support.h"
#include <zstd.h>

/* -------------------------------------------------------------- round trips -- */

/* One standard frame of one segment, with a checksum, that says how long its content is; and it opens. */
static void assert_patch(const pnr_patch *patch, const made *m, const uint8_t *content)
{
	assert_string_equal(m->err.message, "");
	assert_int_equal(m->status, PNR_OK);
	assert_int_equal(m->size, m->bytes.length);
	assert_true(m->size >= 13);
	assert_int_equal((uint8_t)m->bytes.data[4] & 0x3f, 0x24);
	assert_int_equal(ZSTD_getFrameContentSize(m->bytes.data, m->bytes.length), patch->content_size);
	assert_int_equal(ZSTD_findFrameCompressedSize(m->bytes.data, m->bytes.length), m->bytes.length);
	checker out = { .content = content, .length = patch->content_size };
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(apply(patch, m->bytes.data, m->bytes.length, &out, &err), PNR_OK);
	assert_int_equal(out.passed, patch->content_size);
	assert_int_equal(apply(patch, m->bytes.data, m->bytes.length, NULL, &err), PNR_OK);
}

static size_t assert_round_trip_from(const uint8_t *base, size_t base_size, const uint8_t *content, size_t length,
                                     unsigned level)
{
	const pnr_patch patch = between(base, base_size, content, length);
	made m = make_patch(&patch, content, length, UINT64_MAX, level);
	assert_patch(&patch, &m, content);
	pnr_buffer_free(&m.bytes);
	return (size_t)m.size;
}

/* Around zstd's blocks (128 KiB), its windows (powers of two), the sizes of its header's field. */
static void content_of_every_size_round_trips(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0,      1,      2,      7,       8,       9,       255,     256,     257,
	                                1023,   1024,   1025,   65535,   65536,   65791,   65792,   131071,  131072,
	                                131073, 262143, 262144, 262145,  MIB - 1, MIB,     MIB + 1, 3 * MIB };
	static const size_t bases[] = { 0, 1, 7, 8, 300, 65536, MIB, 2 * MIB + 5 };
	uint8_t *content = make(3 * MIB), *base = make(3 * MIB);
	fill_text(content, 3 * MIB, 1);
	memcpy(base, content, 3 * MIB);
	for (size_t i = 1000; i < 3 * MIB; i += 5003)
		base[i] ^= 1;
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		for (size_t k = 0; k < PNR_COUNT(bases); k++)
			assert_round_trip_from(base, bases[k], content, sizes[i], 3);
	}
	free(content);
	free(base);
}

static void every_level_round_trips(void **state)
{
	(void)state;
	size_t length = 300000;
	uint8_t *content = make(length), *base = make(length);
	fill_text(base, length, 1);
	memcpy(content, base + 5000, length - 5000);
	fill_noise(content + length - 5000, 5000, 2);
	for (unsigned level = 1; level <= PNR_PATCH_LEVEL_MAX; level++)
		assert_true(assert_round_trip_from(base, length, content, length, level) < 6000);
	free(content);
	free(base);
}

static void what_is_the_same_takes_next_to_nothing(void **state)
{
	(void)state;
	size_t length = 2 * MIB + 777;
	uint8_t *content = make(length);
	fill_noise(content, length, 1);
	assert_true(assert_round_trip_from(content, length, content, length, 12) < 300);
	/* At another place, and of another size on either side. */
	assert_true(assert_round_trip_from(content, length, content + 500, length - 500, 12) < 300);
	assert_true(assert_round_trip_from(content + 500, length - 500, content, length, 12) < 800);
	free(content);
}

/* A base may be a zstd dictionary by its first bytes: it is bytes all the same. */
static void a_base_is_never_taken_for_a_dictionary(void **state)
{
	(void)state;
	uint8_t *base = make(100000);
	fill_noise(base, 100000, 1);
	memcpy(base, "\x37\xa4\x30\xec", 4);
	assert_true(assert_round_trip_from(base, 100000, base, 100000, 3) < 100);
	free(base);
}

static void the_bytes_depend_on_base_content_and_level_alone(void **state)
{
	(void)state;
	static const size_t pieces[] = { 1, 4097, 131071, 131072, 131073, 3 * MIB };
	size_t length = MIB + 131072;
	uint8_t *base = make(length), *content = make(length), *elsewhere = make(2 * length + 64);
	fill_text(base, length, 1);
	fill_text(content, length, 1);
	fill_text(content + 70000, 90000, 2);
	const pnr_patch patch = between(base, length, content, length);
	made first = make_patch(&patch, content, length, UINT64_MAX, 12);
	/* The content right behind the base, which zstd could take for more of it. */
	memcpy(elsewhere + 1, base, length);
	memcpy(elsewhere + 1 + length, content, length);
	const pnr_patch moved = between(elsewhere + 1, length, elsewhere + 1 + length, length);
	for (size_t i = 0; i < PNR_COUNT(pieces); i++) {
		made again = { .err = PNR_ERROR_INIT };
		feeder in = { .data = elsewhere + 1 + length, .left = length, .piece = pieces[i] };
		make_from(&moved, &in, UINT64_MAX, 12, &again);
		assert_int_equal(again.status, PNR_OK);
		assert_int_equal(again.bytes.length, first.bytes.length);
		assert_memory_equal(again.bytes.data, first.bytes.data, first.bytes.length);
		pnr_buffer_free(&again.bytes);
	}
	pnr_buffer_free(&first.bytes);
	free(elsewhere);
	free(content);
	free(base);
}

/* ------------------------------------------------------------------- worth -- */

static void a_patch_that_saves_too_little_is_none(void **state)
{
	(void)state;
	size_t length = 500000;
	uint8_t *base = make(length), *content = make(length);
	fill_text(base, length, 1);
	fill_text(content, length, 2);
	const pnr_patch patch = between(base, length, content, length);
	made whole = make_patch(&patch, content, length, UINT64_MAX, 3);
	assert_true(whole.size > 1000);
	made m = make_patch(&patch, content, length, whole.size * PNR_PATCH_GAIN, 3);
	assert_int_equal(m.status, PNR_OK);
	assert_int_equal(m.size, whole.size);
	pnr_buffer_free(&m.bytes);
	m = make_patch(&patch, content, length, whole.size * PNR_PATCH_GAIN - 1, 3);
	assert_int_equal(m.status, PNR_OK);
	assert_int_equal(m.size, 0);
	assert_int_equal(m.bytes.length, 0);
	pnr_buffer_free(&whole.bytes);
	free(content);
	free(base);
}

static void noise_is_given_up_before_its_end(void **state)
{
	(void)state;
	size_t length = 4 * MIB;
	uint8_t *base = make(length), *content = make(length);
	fill_noise(base, length, 1);
	fill_noise(content, length, 2);
	const pnr_patch patch = between(base, length, content, length);
	made m = { .size = 42, .err = PNR_ERROR_INIT };
	feeder in = { .data = content, .left = length, .piece = length };
	make_from(&patch, &in, MIB, 3, &m);
	assert_int_equal(m.status, PNR_OK);
	assert_int_equal(m.size, 0);
	assert_int_equal(m.bytes.length, 0);
	assert_true(in.taken < MIB);
	free(content);
	free(base);
}

static void what_the_stock_tool_would_refuse_has_no_patch(void **state)
{
	(void)state;
	const uint64_t window = PNR_PATCH_WINDOW, most = PNR_PATCH_BASE_MAX;
	assert_true(pnr_patch_fits(0, 0));
	assert_true(pnr_patch_fits(0, window));
	assert_false(pnr_patch_fits(0, window + 1));
	assert_true(pnr_patch_fits(window, window));
	assert_false(pnr_patch_fits(window, window + 1));
	assert_true(pnr_patch_fits(window + 1, window + 1));
	assert_false(pnr_patch_fits(window + 1, window + 2));
	assert_true(pnr_patch_fits(most, most));
	assert_false(pnr_patch_fits(most, most + 1));
	assert_false(pnr_patch_fits(most + 1, 0));
	assert_false(pnr_patch_fits(UINT64_MAX, UINT64_MAX));
	/* Nothing is read then, of the base neither. */
	pnr_patch patch = { .base = NULL, .base_size = PNR_PATCH_BASE_MAX + 1, .content_size = 5 };
	made m = { .size = 42, .err = PNR_ERROR_INIT };
	feeder in = { .data = (const uint8_t *)"12345", .left = 5, .piece = 5 };
	make_from(&patch, &in, UINT64_MAX, 3, &m);
	assert_int_equal(m.status, PNR_OK);
	assert_int_equal(m.size, 0);
	assert_int_equal(in.calls, 0);
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(apply(&patch, "", 0, NULL, &err), PNR_UNSUPPORTED);
	assert_string_equal(err.message, "a patch of 5 bytes of content on a base of 268435457: neither may be larger "
	                                 "than what 'zstd -d --patch-from' takes");
}

/* ------------------------------------------------------------------ faults -- */

typedef struct fixture {
	uint8_t *base, *content;
	size_t length;
	pnr_patch patch;
	made m;
} fixture;

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->length = 700001;
	f->base = make(f->length);
	f->content = make(f->length);
	fill_text(f->base, f->length, 1);
	memcpy(f->content, f->base, f->length);
	fill_text(f->content + 400000, 150000, 3);
	f->patch = between(f->base, f->length, f->content, f->length);
	f->m = make_patch(&f->patch, f->content, f->length, UINT64_MAX, 3);
	assert_int_equal(f->m.status, PNR_OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture *f = *state;
	pnr_buffer_free(&f->m.bytes);
	free(f->base);
	free(f->content);
	free(f);
	return 0;
}

static void assert_not_made(const pnr_patch *patch, const uint8_t *content, size_t length, unsigned level,
                            pnr_status status, const char *text)
{
	made m = make_patch(patch, content, length, UINT64_MAX, level);
	assert_int_equal(m.status, status);
	assert_string_equal(m.err.message, text);
	assert_int_equal(m.size, 42);
	assert_int_equal(m.bytes.length, 0);
}

static void content_that_is_not_what_it_is_said_to_be_is_corrupt(void **state)
{
	fixture *f = *state;
	assert_not_made(&f->patch, f->content, f->length - 1, 3, PNR_CORRUPT, "its content ends 1 bytes early");
	assert_not_made(&f->patch, f->content, 0, 3, PNR_CORRUPT, "its content ends 700001 bytes early");
	f->content[f->length] = 0;
	assert_not_made(&f->patch, f->content, f->length + 1, 3, PNR_CORRUPT, "its content is longer than its size");
	f->content[5] ^= 1;
	assert_not_made(&f->patch, f->content, f->length, 3, PNR_CORRUPT, "its content differs from its hash");
	f->content[5] ^= 1;
	assert_not_made(&f->patch, f->content, f->length, 0, PNR_INVALID, "there is no level 0 for a patch (1 to 19)");
	assert_not_made(&f->patch, f->content, f->length, 20, PNR_INVALID,
	                "there is no level 20 for a patch (1 to 19)");
}

static void every_read_and_write_of_making_may_fail(void **state)
{
	const fixture *f = *state;
	unsigned n = 1;
	for (;; n++) {
		made m = { .size = 42, .err = PNR_ERROR_INIT };
		feeder in = { .data = f->content, .left = f->length, .piece = 60000, .fail_at = n };
		make_from(&f->patch, &in, UINT64_MAX, 3, &m);
		if (m.status == PNR_OK) {
			pnr_buffer_free(&m.bytes);
			break;
		}
		assert_int_equal(m.status, PNR_IO);
		assert_string_equal(m.err.message, "no read");
		assert_int_equal(m.size, 42);
		assert_int_equal(m.bytes.length, 0);
	}
	assert_true(n > 12);
	uint64_t size = 42;
	pnr_error err = PNR_ERROR_INIT;
	feeder in = { .data = f->content, .left = f->length, .piece = f->length };
	checker out = { .length = UINT64_MAX, .fail_at = 1 };
	const pnr_source source = { .read = feed, .context = &in };
	const pnr_sink sink = { .write = check_write, .context = &out };
	assert_int_equal(pnr_patch_make(&f->patch, &source, UINT64_MAX, 3, &sink, NULL, NULL, &size, &err), PNR_FULL);
	assert_string_equal(err.message, "no room");
	assert_int_equal(size, 42);
}

static void every_read_and_write_of_applying_may_fail(void **state)
{
	const fixture *f = *state;
	pnr_status status = PNR_IO;
	unsigned n = 1;
	for (; status != PNR_OK; n++) {
		pnr_error err = PNR_ERROR_INIT;
		feeder in = {
			.data = (const uint8_t *)f->m.bytes.data,
			.left = f->m.bytes.length,
			.piece = 10000,
			.fail_at = n,
		};
		const pnr_source source = { .read = feed, .context = &in };
		status = pnr_patch_apply(&f->patch, &source, f->m.bytes.length, NULL, NULL, NULL, &err);
		assert_string_equal(err.message, status == PNR_OK ? "" : "no read");
	}
	assert_true(n > 3);
	status = PNR_FULL;
	for (n = 1; status != PNR_OK; n++) {
		pnr_error err = PNR_ERROR_INIT;
		checker out = { .content = f->content, .length = f->length, .fail_at = n };
		status = apply(&f->patch, f->m.bytes.data, f->m.bytes.length, &out, &err);
		assert_string_equal(err.message, status == PNR_OK ? "" : "no room");
	}
	assert_true(n > 5);
}

static void making_counts_content_and_can_be_cancelled(void **state)
{
	const fixture *f = *state;
	for (unsigned cancel_at = 0; cancel_at < 2; cancel_at++) {
		watch w = { .cancel_at = cancel_at };
		pnr_meter meter = { .fn = on_progress, .user = &w };
		checker out = { .length = UINT64_MAX };
		feeder in = { .data = f->content, .left = f->length, .piece = f->length };
		const pnr_source source = { .read = feed, .context = &in };
		const pnr_sink sink = { .write = check_write, .context = &out };
		uint64_t size = 42;
		pnr_status status =
			pnr_patch_make(&f->patch, &source, UINT64_MAX, 3, &sink, &meter, "a/b", &size, NULL);
		assert_string_equal(w.asset, "a/b");
		if (cancel_at == 0) {
			assert_int_equal(status, PNR_OK);
			assert_int_equal(meter.done, f->length);
			assert_int_equal(size, out.passed);
		} else {
			assert_int_equal(status, PNR_CANCELLED);
			assert_int_equal(w.done, 131072);
			assert_int_equal(size, 42);
			assert_int_equal(out.calls, 0);
		}
	}
}

static void applying_counts_content_and_can_be_cancelled(void **state)
{
	const fixture *f = *state;
	for (unsigned cancel_at = 0; cancel_at < 2; cancel_at++) {
		watch w = { .cancel_at = cancel_at };
		pnr_meter meter = { .fn = on_progress, .user = &w };
		pnr_memory_range range = { f->m.bytes.data, f->m.bytes.length };
		const pnr_source source = pnr_memory_source(&range);
		pnr_status status = pnr_patch_apply(&f->patch, &source, f->m.bytes.length, NULL, &meter, "a/b", NULL);
		assert_string_equal(w.asset, "a/b");
		assert_int_equal(status, cancel_at == 0 ? PNR_OK : PNR_CANCELLED);
		assert_int_equal(meter.done, cancel_at == 0 ? f->length : w.done);
		assert_true(w.done <= 131072);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_of_every_size_round_trips),
		cmocka_unit_test(every_level_round_trips),
		cmocka_unit_test(what_is_the_same_takes_next_to_nothing),
		cmocka_unit_test(a_base_is_never_taken_for_a_dictionary),
		cmocka_unit_test(the_bytes_depend_on_base_content_and_level_alone),
		cmocka_unit_test(a_patch_that_saves_too_little_is_none),
		cmocka_unit_test(noise_is_given_up_before_its_end),
		cmocka_unit_test(what_the_stock_tool_would_refuse_has_no_patch),
		cmocka_unit_test(content_that_is_not_what_it_is_said_to_be_is_corrupt),
		cmocka_unit_test(every_read_and_write_of_making_may_fail),
		cmocka_unit_test(every_read_and_write_of_applying_may_fail),
		cmocka_unit_test(making_counts_content_and_can_be_cancelled),
		cmocka_unit_test(applying_counts_content_and_can_be_cancelled),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
