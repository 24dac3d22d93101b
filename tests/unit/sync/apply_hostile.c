/* Deltas of others: each lie is refused with its reason, and nothing of it is seen. */
#include "deltas.h"

typedef struct scene {
	const place *w;
	pnr_store *from, *to; /* the second has the old version */
	pieces delta;
} scene;

static scene begin(const place *w)
{
	scene s = { .w = w, .from = two_versions(w, NULL), .to = open_store(w, "to") };
	const pnr_digest nothing = { { 0 } };
	char path[256];
	const pnr_delta_options all = { .size = sizeof all, .have = &nothing, .have_count = 1 };
	pnr_delta_result result;
	assert_int_equal(pnr_delta(s.from, "old", &all, in(w, "old-all.zip", path), &result, NULL, NULL), PNR_OK);
	assert_true(apply(w, s.to, (giving){ "old-all.zip", NULL, NULL, NULL }).archive_identical);
	(void)make_delta(w, s.from, "old", "new", true, "d.zip");
	s.delta = take_apart(w, "d.zip");
	return s;
}

static void end(scene *s)
{
	free_pieces(&s->delta);
	pnr_store_close(s->from);
	pnr_store_close(s->to);
}

/* Apply what the pieces are now, then start again with the right ones. */
static void refuse(scene *s, pnr_status expected, const char *text)
{
	pnr_apply_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	put_together(s->w, &s->delta, "bad.zip");
	pnr_status status = try_apply(s->w, s->to, (giving){ "bad.zip", NULL, "out.zip", NULL }, &result, &err);
	pnr_apply_result_free(result);
	if (status != expected || strstr(err.message, text) == NULL || strstr(err.message, "bad.zip") == NULL)
		fail_msg("status %d instead of %d, '%s' instead of '%s'", (int)status, (int)expected, err.message, text);
	assert_false(is_there(s->w, "out.zip"));
	assert_int_equal(log_length(s->to), 1);
	free_pieces(&s->delta);
	s->delta = take_apart(s->w, "d.zip");
}

static void every_lie_is_refused(void **state)
{
	static const struct {
		const char *after, *before, *by; /* in the manifest */
		pnr_status status;
		const char *text;
	} lies[] = {
		/* first, while the store does not have what the patches make */
		{ "\"delta\"", "\"baseSize\": ", "\"baseSize\": 1", PNR_CORRUPT, "the manifest says" },
		/* the key itself */
		{ "\"delta\"", "\"delta\"", "\"other\"", PNR_CORRUPT, "it is no delta" },
		{ "\n}\n", "\n}\n", ",\n  \"more\": 1\n}\n", PNR_CORRUPT, "does not stand at its end" },
		{ "\"externalRefs\"", ",\n  \"delta\"", ", \"delta\"", PNR_CORRUPT, "does not stand at its end" },
		{ "\"externalRefs\"", "\"delta\": {", "\"delta\": 1, \"other\": {", PNR_CORRUPT, "does not stand at its end" },
		/* scalars */
		{ "\"delta\"", "\"format\": 1", "\"format\": 2", PNR_UNSUPPORTED, "a delta of format 2; this build reads 1" },
		{ "\"delta\"", "\"format\": 1", "\"format\": 0", PNR_CORRUPT, "/delta/format is not a number from 1 on" },
		{ "\"delta\"", "\"format\": 1", "\"format\": 1.5", PNR_CORRUPT, "/delta/format is not a number from 1 on" },
		{ "\"delta\"", "\"format\": 1", "\"format\": \"1\"", PNR_CORRUPT, "/delta/format is not a number" },
		{ "\"delta\"", "\"format\": 1,", "", PNR_CORRUPT, "/delta/format is missing" },
		{ "\"delta\"", "\"basePackageHash\": \"", "\"basePackageHash\": \"0", PNR_CORRUPT, "/delta/basePackageHash" },
		{ "\"delta\"", "\"archiveHash\": \"", "\"archiveHash\": \"X", PNR_CORRUPT, "/delta/archiveHash" },
		{ "\"delta\"", "\"archiveSize\": ", "\"archiveSize\": -", PNR_CORRUPT, "/delta/archiveSize" },
		{ "\"delta\"", "\\\"level\\\":6", "\\\"level\\\":13", PNR_CORRUPT, "/delta/archiveOptions" },
		{ "\"delta\"", "\"name\": \"", "\"other\": \"", PNR_CORRUPT, "/delta/name is missing" },
		{ "\"delta\"", "\"name\": \"model\"", "\"name\": \"\"", PNR_CORRUPT, "does not name its model" },
		/* its assets */
		{ "\"delta\"", "\"assets\": [", "\"assets\": {}, \"other\": [", PNR_CORRUPT, "/delta/assets is not an array" },
		{ "\"delta\"", "\"path\": \"model.mga\"", "\"path\": \"python/sum.py\"", PNR_CORRUPT, "/delta/assets/1/path is not that of" },
		{ "\"delta\"", "\"path\": \"model.mga\"", "\"path\": \"../model.mga\"", PNR_CORRUPT, "/delta/assets/1/path is not that of" },
		{ "\"delta\"", "\"from\": \"base\"", "\"from\": \"store\"", PNR_CORRUPT, "/delta/assets/0/from is none of" },
		{ "\"delta\"", "\"from\": \"zip\"", "\"from\": \"patch\"", PNR_CORRUPT, "a patch has base" },
		{ "\"delta\"", "\"from\": \"patch\"", "\"from\": \"zip\"", PNR_CORRUPT, "a patch has base" },
		{ "\"delta\"", "\"from\": \"patch\",\n", "\"from\": \"patch\",\n \"other\": 1,\n \"base\": \"x\",", PNR_CORRUPT, "duplicate" },
		{ "\"delta\"", "\"from\": \"base\"", "\"from\": \"zip\"", PNR_CORRUPT, "'livecalc.config.json' is not in the zip" },
		{ "\"delta\"", "\"from\": \"zip\"", "\"from\": \"base\"", PNR_CORRUPT, "'model.mga' is in the zip, and the manifest does not name it" },
		{ "\"delta\"", "\"patch\": \"patches/", "\"patch\": \"Patches/", PNR_CORRUPT, "/patch is not 'patches/" },
		{ "\"delta\"", "\"patch\": \"patches/", "\"patch\": \"../patches/", PNR_CORRUPT, "/patch is not 'patches/" },
		{ "\"delta\"", "\"baseSize\": ", "\"baseSize\": 99999", PNR_UNSUPPORTED, "larger than patches may be" },
		{ "\"delta\"", "\"size\": ", "\"size\": 1", PNR_CORRUPT, "bytes, the manifest says" },
		{ "\"delta\"", "\"size\": ", "\"size\": 0", PNR_CORRUPT, "" },
		{ "\"delta\"", "\"removed\": [", "\"removed\": [ \"model.mga\",", PNR_CORRUPT, "/delta/removed/0 is in the package" },
		{ "\"delta\"", "\"removed\": [", "\"removed\": [ 1,", PNR_CORRUPT, "/delta/removed/0 is not a string" },
		/* the manifest of the package */
		{ "\"relativePath\": \"model.mga\"", "\"size\": 8", "\"size\": 9", PNR_CORRUPT, "bytes, the manifest says" },
		{ "\"relativePath\": \"python/sum.py\"", "\"size\": ", "\"size\": 1", PNR_CORRUPT, "bytes, the manifest says" },
		{ "\"relativePath\": \"model.mga\"", "\"type\": \"model\"", "\"type\": \"policy\"", PNR_CORRUPT, "is not the one that its config" },
		{ "\"usedBy\"", "\"node\": \"n1\"", "\"node\": \"n9\"", PNR_CORRUPT, "is not the one that its config" },
		{ "\"packageHash\"", "\"packageHash\": \"", "\"packageHash\": \"f\", \"x\": \"", PNR_CORRUPT, "packageHash" },
		{ "\"version\"", "\"1.0\"", "\"1.1\"", PNR_UNSUPPORTED, "format version" },
		{ "{\n", "{\n", "[\n", PNR_CORRUPT, "" },
	};
	scene s = begin(*state);
	for (size_t i = 0; i < PNR_COUNT(lies); i++) {
		edit(&s.delta, lies[i].after, lies[i].before, lies[i].by);
		refuse(&s, lies[i].status, lies[i].text);
	}
	/* What was refused left nothing in the way of what is right. */
	assert_true(apply(s.w, s.to, (giving){ "d.zip", NULL, "out.zip", NULL }).archive_identical);
	assert_same_file(s.w, "out.zip", "new.zip");
	end(&s);
}

static void entries_that_nobody_names_are_refused(void **state)
{
	scene s = begin(*state);
	add_piece(&s.delta, "more.txt", "x", 1);
	refuse(&s, PNR_CORRUPT, "'more.txt' is in the zip, and the manifest does not name it");
	add_piece(&s.delta, "../outside", "x", 1);
	refuse(&s, PNR_CORRUPT, "'../outside' is in the zip");
	assert_false(is_there(s.w, "../outside"));
	piece *entry = piece_of(&s.delta, "model.mga");
	free(entry->name);
	entry->name = strdup("nodel.mga");
	refuse(&s, PNR_CORRUPT, "'model.mga' is not in the zip");
	end(&s);
}

/* A name that climbs, listed wherever a name is listed. */
static void a_name_outside_is_refused(void **state)
{
	scene s = begin(*state);
	piece *entry = piece_of(&s.delta, "model.mga");
	free(entry->name);
	entry->name = strdup("../model.mga");
	edit(&s.delta, "\"relativePath\": \"model.mga\"", "model.mga", "../model.mga");
	edit(&s.delta, "\"path\": \"model.mga\"", "model.mga", "../model.mga");
	refuse(&s, PNR_CORRUPT, "problems");
	assert_false(is_there(s.w, "../model.mga"));
	end(&s);
}

/* Bodies that are other content than promised. */
static void damaged_bodies_are_found(void **state)
{
	scene s = begin(*state);
	piece_of(&s.delta, "model.mga")->data[2] ^= 1;
	refuse(&s, PNR_CORRUPT, "'model.mga': its bytes are not those that its hash promises");
	piece *patch = piece_of(&s.delta, "patches/");
	patch->data[patch->length - 1] ^= 1;
	refuse(&s, PNR_CORRUPT, "its patch is not the one that the manifest names");
	patch = piece_of(&s.delta, "patches/");
	patch->length--;
	refuse(&s, PNR_CORRUPT, "bytes, the manifest says");
	end(&s);
}

/* --------------------------------------------------------- patches of others -- */

/* The patch is @data now, and the manifest knows its hash and size. */
static void replace_patch(scene *s, const void *data, size_t length)
{
	piece *patch = piece_of(&s->delta, "patches/");
	char before[PNR_DIGEST_HEX_SIZE + 2], after[PNR_DIGEST_HEX_SIZE + 2], hex[PNR_DIGEST_HEX_SIZE];
	char old_size[64], new_size[64];
	pnr_digest hash;
	assert_int_equal(pnr_hash_memory(patch->data, patch->length, &hash, NULL, NULL), PNR_OK);
	(void)snprintf(before, sizeof before, "\"%s\"", pnr_digest_to_hex(&hash, hex));
	(void)snprintf(old_size, sizeof old_size, "\"size\": %zu\n", patch->length);
	assert_int_equal(pnr_hash_memory(data, length, &hash, NULL, NULL), PNR_OK);
	(void)snprintf(after, sizeof after, "\"%s\"", pnr_digest_to_hex(&hash, hex));
	(void)snprintf(new_size, sizeof new_size, "\"size\": %zu\n", length);
	edit(&s->delta, before, old_size, new_size);
	edit(&s->delta, "\"delta\"", before, after);
	patch = piece_of(&s->delta, "patches/");
	patch->data = realloc(patch->data, length + 1);
	assert_non_null(patch->data);
	memcpy(patch->data, data, length);
	patch->length = length;
}

/* Of the engine that the first patch is for. */
static uint32_t content_size(const scene *s)
{
	char path[256];
	struct stat st;
	assert_int_equal(stat(in(s->w, "model/wasm/val.wasm", path), &st), 0);
	return (uint32_t)st.st_size;
}

/* A zstd frame's head: @window is its descriptor, 0: the content is the window. */
static void put_head(pnr_buffer *out, uint8_t window, uint32_t size)
{
	put32(out, 0xFD2FB528);
	pnr_buffer_putc(out, (char)(window == 0 ? 0xA0 : 0x80));
	if (window != 0)
		pnr_buffer_putc(out, (char)window);
	put32(out, size);
}

/* A block of 128 KiB of one byte, in four. */
static void put_run(pnr_buffer *out, bool last)
{
	uint32_t head = 131072u << 3 | 1u << 1 | (last ? 1u : 0u);
	pnr_buffer_putc(out, (char)(head & 255));
	pnr_buffer_putc(out, (char)(head >> 8 & 255));
	pnr_buffer_putc(out, (char)(head >> 16 & 255));
	pnr_buffer_putc(out, 'x');
}

static void a_window_of_2_gb_is_refused(void **state)
{
	scene s = begin(*state);
	pnr_buffer frame = PNR_BUFFER_INIT;
	put_head(&frame, 21 << 3, content_size(&s));
	put_run(&frame, true);
	replace_patch(&s, frame.data, frame.length);
	refuse(&s, PNR_CORRUPT, "its patch needs a window of 2147483648 bytes");
	pnr_buffer_free(&frame);
	end(&s);
}

/* 100 KB that say the right size and give 3 GB: it ends where the content does. */
static void an_output_without_end_is_refused(void **state)
{
	scene s = begin(*state);
	pnr_buffer frame = PNR_BUFFER_INIT;
	put_head(&frame, 0, content_size(&s));
	for (int i = 0; i < 25000; i++)
		put_run(&frame, false);
	replace_patch(&s, frame.data, frame.length);
	(void)alarm(60);
	refuse(&s, PNR_CORRUPT, "'wasm/val.wasm'");
	(void)alarm(0);
	pnr_buffer_clear(&frame);
	put_head(&frame, 0, 0xFFFFFFF0);
	put_run(&frame, true);
	replace_patch(&s, frame.data, frame.length);
	refuse(&s, PNR_CORRUPT, "its patch is for 4294967280 bytes of content");
	pnr_buffer_free(&frame);
	end(&s);
}

static char *hex_of_file(const place *w, const char *name, char out[PNR_DIGEST_HEX_SIZE])
{
	size_t length;
	pnr_digest hash;
	char *data = read_file(w, name, &length);
	assert_int_equal(pnr_hash_memory(data, length, &hash, NULL, NULL), PNR_OK);
	free(data);
	return pnr_digest_to_hex(&hash, out);
}

/* Rename the patch to the engine so that it is one on content of @hex, of @size bytes. */
static void rebase(scene *s, const char *hex, size_t size)
{
	piece *patch = piece_of(&s->delta, "patches/");
	char base[PNR_DIGEST_HEX_SIZE + 3], line[160], name[256], was[160], sizes[64];
	const char *dot = strchr(patch->name, '.');
	(void)snprintf(base, sizeof base, "%.64s", dot + 1);
	(void)snprintf(was, sizeof was, "\"base\": \"%s\"", base);
	(void)snprintf(line, sizeof line, "\"base\": \"%s\"", hex);
	edit(&s->delta, "\"delta\"", was, line);
	(void)snprintf(sizes, sizeof sizes, "\"baseSize\": %zu,\n \"x\": ", size);
	edit(&s->delta, line, "\"baseSize\": ", sizes);
	(void)snprintf(name, sizeof name, "%.*s.%s.zst", (int)(dot - patch->name), patch->name, hex);
	edit(&s->delta, line, patch->name, name);
	free(patch->name);
	patch->name = strdup(name);
}

static void a_patch_of_another_base_is_refused(void **state)
{
	scene s = begin(*state);
	char hex[PNR_DIGEST_HEX_SIZE];
	rebase(&s, hex_of_file(s.w, "model/python/sum.py", hex), strlen(SCRIPT));
	refuse(&s, PNR_CORRUPT, "for another base");
	end(&s);
}

/* Patches on each other: neither has anything to stand on. */
static void a_circle_of_bases_is_refused(void **state)
{
	scene s = begin(*state);
	char engine[PNR_DIGEST_HEX_SIZE], table[PNR_DIGEST_HEX_SIZE], path[256];
	struct stat st;
	assert_int_equal(stat(in(s.w, "model/l.csv", path), &st), 0);
	hex_of_file(s.w, "model/wasm/val.wasm", engine);
	hex_of_file(s.w, "model/l.csv", table);
	rebase(&s, engine, content_size(&s));
	/* Its base would be itself. */
	refuse(&s, PNR_CORRUPT, "its base is itself");
	rebase(&s, table, (size_t)st.st_size);
	/* The second patch comes first in the list, so that it is the one that is found. */
	piece second = s.delta.items[s.delta.count - 1], first = *piece_of(&s.delta, "patches/");
	assert_string_not_equal(second.name, first.name);
	*piece_of(&s.delta, "patches/") = second;
	s.delta.items[s.delta.count - 1] = first;
	rebase(&s, engine, content_size(&s));
	refuse(&s, PNR_NOT_FOUND, "2 of 5 assets lack it");
	end(&s);
}

/* The zip itself, cut short or changed anywhere: found, and nothing is left. */
static void a_damaged_zip_is_found(void **state)
{
	scene s = begin(*state);
	size_t length;
	int harmless = 0;
	char path[256], *data = read_file(s.w, "d.zip", &length);
	pnr_apply_result *result = NULL;
	for (size_t i = 0; i < 60; i++) {
		pnr_error err = PNR_ERROR_INIT;
		size_t at = length * i / 60;
		data[at] ^= 0x55;
		put_bytes(s.w, "bad.zip", data, i % 2 == 0 ? length : at + 1);
		data[at] ^= 0x55;
		pnr_status status = try_apply(s.w, s.to, (giving){ "bad.zip", NULL, "out.zip", NULL }, &result, &err);
		pnr_apply_result_free(result);
		result = NULL;
		/* Readers of zips pass over a few bits: who made it, say. */
		if (status == PNR_OK) {
			assert_same_file(s.w, "out.zip", "new.zip");
			assert_int_equal(unlink(in(s.w, "out.zip", path)), 0);
			harmless++;
		} else if (status != PNR_CORRUPT && status != PNR_UNSUPPORTED) {
			fail_msg("byte %zu: status %d, %s", at, (int)status, err.message);
		}
		assert_false(is_there(s.w, "out.zip"));
		assert_int_equal(log_length(s.to), 1 + harmless);
	}
	assert_true(harmless < 5);
	free(data);
	end(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_lie_is_refused),
		TEST(entries_that_nobody_names_are_refused),
		TEST(a_name_outside_is_refused),
		TEST(damaged_bodies_are_found),
		TEST(a_window_of_2_gb_is_refused),
		TEST(an_output_without_end_is_refused),
		TEST(a_patch_of_another_base_is_refused),
		TEST(a_circle_of_bases_is_refused),
		TEST(a_damaged_zip_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
