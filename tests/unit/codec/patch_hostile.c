/* pnr_patch_apply: whatever anyone may send as a patch, within bounded memory and time. */
#include "patch_support.h"
#include <zstd.h>

#define FRAME "\x28\xb5\x2f\xfd"
#define BASE "what was there before"

/* A patch to five bytes, unless it says otherwise: "hello". */
static pnr_patch to_hello(void)
{
	return between((const uint8_t *)BASE, strlen(BASE), (const uint8_t *)"hello", 5);
}

static void assert_refused(const pnr_patch *patch, const void *bytes, size_t length, const char *text)
{
	pnr_error err = PNR_ERROR_INIT;
	checker out = { .length = patch->content_size };
	assert_int_equal(apply(patch, bytes, length, &out, &err), PNR_CORRUPT);
	assert_string_equal(err.message, text);
}

/* A stored block is enough: last, of five bytes. */
#define HELLO "\x29\x00\x00hello"
#define LITERAL(text) text, sizeof(text) - 1

static void a_frame_made_by_hand_is_a_patch(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t length;
	} good[] = {
		{ LITERAL(FRAME "\x20\x05" HELLO) },
		/* In two blocks, one of them empty, and one of a repeated byte. */
		{ LITERAL(FRAME "\x20\x05\x18\x00\x00hel\x00\x00\x00\x0a\x00\x00l\x09\x00\x00o") },
		/* A size in four and in eight bytes, with a window; of the bits one is without meaning. */
		{ LITERAL(FRAME "\x80\x00\x05\x00\x00\x00" HELLO) },
		{ LITERAL(FRAME "\xd0\x00\x05\x00\x00\x00\x00\x00\x00\x00" HELLO) },
		/* The largest window that there may be: 128 MiB. */
		{ LITERAL(FRAME "\x80\x88\x05\x00\x00\x00" HELLO) },
	};
	const pnr_patch patch = to_hello();
	for (size_t i = 0; i < PNR_COUNT(good); i++) {
		pnr_error err = PNR_ERROR_INIT;
		checker out = { .content = (const uint8_t *)"hello", .length = 5 };
		assert_int_equal(apply(&patch, good[i].bytes, good[i].length, &out, &err), PNR_OK);
		assert_int_equal(out.passed, 5);
	}
}

static void what_is_no_patch_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t length;
		const char *text;
	} bad[] = {
		{ LITERAL(""), "its patch is no zstd frame" },
		{ LITERAL("\x28"), "its patch is no zstd frame" },
		{ LITERAL(FRAME), "its patch is no zstd frame" },
		{ LITERAL("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "its patch is no zstd frame" },
		{ LITERAL("\x50\x2a\x4d\x18\x01\x00\x00\x00x" FRAME "\x20\x05" HELLO), "its patch is no zstd frame" },
		/* zstd 0.7, 0.5, 0.1: the library may know them. */
		{ LITERAL("\x27\xb5\x2f\xfd\x20\x05" HELLO), "its patch is no zstd frame" },
		{ LITERAL("\x25\xb5\x2f\xfd\x20\x05" HELLO), "its patch is no zstd frame" },
		{ LITERAL("\xfd\x2f\xb5\x1e\x20\x05" HELLO), "its patch is no zstd frame" },
		{ LITERAL(FRAME "\x20"), "its patch ends in its header" },
		{ LITERAL(FRAME "\xa0\x05\x00\x00"), "its patch ends in its header" },
		{ LITERAL(FRAME "\xc0\x00\x05\x00\x00\x00\x00\x00\x00"), "its patch ends in its header" },
		{ LITERAL(FRAME "\x28\x05" HELLO), "its patch is a zstd frame of an unknown kind" },
		{ LITERAL(FRAME "\x21\x01\x05" HELLO), "its patch asks for another dictionary than its base" },
		{ LITERAL(FRAME "\x23\x00\x00\x00\x00\x05" HELLO),
		  "its patch asks for another dictionary than its base" },
		{ LITERAL(FRAME "\x00\x00" HELLO), "its patch does not say how long its content is" },
		{ LITERAL(FRAME "\x20\x04" HELLO), "its patch is for 4 bytes of content, not for 5" },
		{ LITERAL(FRAME "\x20\x06" HELLO), "its patch is for 6 bytes of content, not for 5" },
		{ LITERAL(FRAME "\x60\x05\x00" HELLO), "its patch is for 261 bytes of content, not for 5" },
		{ LITERAL(FRAME "\xe0\xff\xff\xff\xff\xff\xff\xff\xff" HELLO),
		  "its patch is for 18446744073709551615 bytes of content, not for 5" },
		/* One step of the window above 128 MiB; 2 GiB; the most that can be said. */
		{ LITERAL(FRAME "\x80\x89\x05\x00\x00\x00" HELLO),
		  "its patch needs a window of 150994944 bytes: more than the 134217728 that are allowed" },
		{ LITERAL(FRAME "\x80\xa8\x05\x00\x00\x00" HELLO),
		  "its patch needs a window of 2147483648 bytes: more than the 134217728 that are allowed" },
		{ LITERAL(FRAME "\x80\xff\x05\x00\x00\x00" HELLO),
		  "its patch needs a window of 4123168604160 bytes: more than the 134217728 that are allowed" },
		{ LITERAL(FRAME "\x20\x05" HELLO "x"), "bytes follow the end of its patch: 1" },
		{ LITERAL(FRAME "\x20\x05" HELLO FRAME "\x20\x05" HELLO), "bytes follow the end of its patch: 14" },
		{ LITERAL(FRAME "\x20\x05" HELLO "\x50\x2a\x4d\x18\x00\x00\x00\x00"),
		  "bytes follow the end of its patch: 8" },
		{ LITERAL(FRAME "\x20\x05"), "its patch does not end" },
		{ LITERAL(FRAME "\x20\x05\x28\x00\x00hello"), "its patch does not end" },
		{ LITERAL(FRAME "\x20\x05\x29\x00\x00hullo"),
		  "its patch gives other content: it is damaged, or made for another base" },
	};
	const pnr_patch patch = to_hello();
	for (size_t i = 0; i < PNR_COUNT(bad); i++)
		assert_refused(&patch, bad[i].bytes, bad[i].length, bad[i].text);
}

/* Where zstd has the word, ours is that it is damaged. */
static void what_zstd_refuses_is_damaged(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t length;
	} bad[] = {
		{ LITERAL(FRAME "\x20\x05\x07\x00\x00") },               /* a block of a reserved kind */
		{ LITERAL(FRAME "\x20\x05\x21\x00\x00hell") },           /* four bytes, and the end */
		{ LITERAL(FRAME "\x20\x05\x31\x00\x00hello!") },         /* six */
		{ LITERAL(FRAME "\x20\x05\x02\x00\x10x\x02\x00\x10x") }, /* 128 KiB, twice */
		{ LITERAL(FRAME "\x20\x05\xff\xff\xff") },               /* a block of 2 MiB */
		{ LITERAL(FRAME "\x24\x05" HELLO "\x00\x00\x00\x00") },  /* another checksum */
		{ LITERAL(FRAME "\x20\x05\x2d\x00\x00hello") },          /* no compressed block */
	};
	const pnr_patch patch = to_hello();
	for (size_t i = 0; i < PNR_COUNT(bad); i++) {
		pnr_error err = PNR_ERROR_INIT;
		checker out = { .length = 5 };
		assert_int_equal(apply(&patch, bad[i].bytes, bad[i].length, &out, &err), PNR_CORRUPT);
		assert_non_null(strstr(err.message, "its patch is damaged, or made for another base: "));
	}
}

/* Blocks of a repeated byte, 32,768 times what they take, for ever: none is passed on beyond the content. */
static void an_output_that_never_ends_is_stopped(void **state)
{
	(void)state;
	size_t blocks = 100000, size = 9 + 4 * blocks;
	uint8_t *bomb = make(size);
	memcpy(bomb, FRAME "\xa0\xe0\x93\x04\x00", 9);
	for (size_t i = 0; i < blocks; i++)
		memcpy(bomb + 9 + 4 * i, "\x02\x00\x10x", 4);
	const pnr_patch patch = { .base = BASE, .base_size = 5, .content_size = 300000 };
	pnr_error err = PNR_ERROR_INIT;
	checker out = { .length = 300000 };
	assert_int_equal(apply(&patch, bomb, size, &out, &err), PNR_CORRUPT);
	/* Empty blocks give nothing, for as long as the patch is: it is read once. */
	for (size_t i = 0; i < blocks; i++)
		memcpy(bomb + 9 + 4 * i, "\x00\x00\x00\x00", 4);
	size = 9 + 3 * blocks;
	memset(bomb + 9, 0, 3 * blocks);
	assert_refused(&patch, bomb, size, "its patch does not end");
	free(bomb);
}

typedef struct fixture {
	uint8_t *base, *content;
	size_t base_size, length;
	pnr_patch patch;
	made m;
} fixture;

static int setup(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->base_size = 4000;
	f->length = 5000;
	f->base = make(f->base_size);
	f->content = make(f->length);
	fill_text(f->base, f->base_size, 1);
	fill_text(f->content, f->length, 2);
	memcpy(f->content + 300, f->base, 3000);
	f->patch = between(f->base, f->base_size, f->content, f->length);
	f->m = make_patch(&f->patch, f->content, f->length, UINT64_MAX, 12);
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

/* A bit of zstd's that does not matter may be flipped; then it is the content all the same. */
static void every_bit_may_be_flipped(void **state)
{
	const fixture *f = *state;
	uint8_t *bytes = (uint8_t *)f->m.bytes.data;
	size_t refused = 0;
	for (size_t bit = 0; bit < f->m.bytes.length * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		checker out = { .length = f->length };
		pnr_status status = apply(&f->patch, bytes, f->m.bytes.length, &out, NULL);
		assert_true(status == PNR_CORRUPT || (status == PNR_OK && out.passed == f->length));
		refused += status == PNR_CORRUPT;
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_true(refused * 100 > f->m.bytes.length * 8 * 99);
}

static void every_length_but_its_own_is_refused(void **state)
{
	const fixture *f = *state;
	uint8_t *longer = make(f->m.bytes.length + 1);
	memcpy(longer, f->m.bytes.data, f->m.bytes.length);
	longer[f->m.bytes.length] = 0;
	for (size_t length = 0; length <= f->m.bytes.length + 1; length++) {
		checker out = { .content = f->content, .length = f->length };
		assert_int_equal(apply(&f->patch, longer, length, &out, NULL),
		                 length == f->m.bytes.length ? PNR_OK : PNR_CORRUPT);
	}
	free(longer);
}

/* The source has less, or more, than the size that was named: no more than that is read. */
static void a_source_of_another_size_is_cut_short_or_left_alone(void **state)
{
	const fixture *f = *state;
	size_t size = f->m.bytes.length;
	pnr_error err = PNR_ERROR_INIT;
	feeder in = { .data = (const uint8_t *)f->m.bytes.data, .left = size - 1, .piece = size };
	const pnr_source source = { .read = feed, .context = &in };
	assert_int_equal(pnr_patch_apply(&f->patch, &source, size, NULL, NULL, NULL, &err), PNR_CORRUPT);
	assert_string_equal(err.message, "its patch is cut short: 1 bytes are missing");
	uint8_t *longer = make(size + 100);
	memcpy(longer, f->m.bytes.data, size);
	memset(longer + size, 0xaa, 100);
	in = (feeder){ .data = longer, .left = size + 100, .piece = 7 };
	assert_int_equal(pnr_patch_apply(&f->patch, &source, size, NULL, NULL, NULL, NULL), PNR_OK);
	assert_int_equal(in.taken, size);
	free(longer);
}

static void another_base_is_noticed(void **state)
{
	const fixture *f = *state;
	pnr_patch other = f->patch;
	checker out = { .length = f->length };
	pnr_error err = PNR_ERROR_INIT;
	f->base[1500] ^= 1;
	assert_int_equal(apply(&f->patch, f->m.bytes.data, f->m.bytes.length, &out, &err), PNR_CORRUPT);
	assert_string_equal(err.message, "its patch is damaged, or made for another base: "
	                                 "Restored data doesn't match checksum");
	f->base[1500] ^= 1;
	other.base_size--;
	out.passed = 0;
	assert_int_equal(apply(&other, f->m.bytes.data, f->m.bytes.length, &out, NULL), PNR_CORRUPT);
	other.base_size = 0;
	out.passed = 0;
	assert_int_equal(apply(&other, f->m.bytes.data, f->m.bytes.length, &out, NULL), PNR_CORRUPT);
}

/* Others may make their windows smaller, and leave the checksum out: then the hash is what tells. */
static void patches_of_others_apply(void **state)
{
	const fixture *f = *state;
	char bytes[6000];
	ZSTD_CCtx *z = ZSTD_createCCtx();
	assert_non_null(z);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, 12)));
	assert_false(ZSTD_isError(ZSTD_CCtx_refPrefix(z, f->base, f->base_size)));
	size_t size = ZSTD_compress2(z, bytes, sizeof bytes, f->content, f->length);
	assert_false(ZSTD_isError(size));
	ZSTD_freeCCtx(z);
	checker out = { .content = f->content, .length = f->length };
	assert_int_equal(bytes[4] & 0x24, 0);
	assert_int_equal(apply(&f->patch, bytes, size, &out, NULL), PNR_OK);
	assert_int_equal(out.passed, f->length);
	pnr_patch other = f->patch;
	other.content_hash.bytes[31] ^= 1;
	assert_refused(&other, bytes, size, "its patch gives other content: it is damaged, or made for another base");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_made_by_hand_is_a_patch),
		cmocka_unit_test(what_is_no_patch_is_refused),
		cmocka_unit_test(what_zstd_refuses_is_damaged),
		cmocka_unit_test(an_output_that_never_ends_is_stopped),
		cmocka_unit_test(every_bit_may_be_flipped),
		cmocka_unit_test(every_length_but_its_own_is_refused),
		cmocka_unit_test(a_source_of_another_size_is_cut_short_or_left_alone),
		cmocka_unit_test(another_base_is_noticed),
		cmocka_unit_test(patches_of_others_apply),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
