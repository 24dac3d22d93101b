/* Encodings as a remote keeps them: anyone's gunzip gives the content back. */
#include "fixture.h"
#include <zlib.h>

#define MIB ((size_t)1 << 20)

/* Content of @size bytes that shrinks or not enters the store, through a file. */
static void keep(fixture *f, size_t size, bool shrinks)
{
	char path[96];
	const pnr_ingest_options options = { .level = 6 };
	pnr_ingest *ingest = NULL;
	uint64_t seed = size + 1;
	free(f->content);
	f->content = malloc(size + 1);
	f->size = size;
	for (size_t i = 0; i < size; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		f->content[i] = (char)(shrinks ? 'a' + (seed >> 61) : seed >> 56);
	}
	(void)snprintf(path, sizeof path, "%s/file", f->dir);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(f->content, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	pnr_ingest_file what = { .open = open_path, .context = path, .name = "file" };
	assert_int_equal(stat(path, &what.st), 0);
	assert_int_equal(pnr_ingest_new(f->store, &options, &ingest, NULL), PNR_OK);
	assert_int_equal(pnr_ingest_add(ingest, &what, &f->item, NULL), PNR_OK);
	assert_int_equal(pnr_ingest_settle(ingest, NULL), PNR_OK);
	assert_int_equal(pnr_store_transaction(f->store, rows, ingest, NULL), PNR_OK);
	pnr_ingest_free(ingest);
}

static char *read_whole(pnr_whole *whole, size_t step)
{
	size_t size = (size_t)pnr_whole_size(whole);
	char *bytes = malloc(size + 1);
	for (size_t at = 0; at < size; at += step) {
		size_t length = size - at < step ? size - at : step;
		assert_int_equal(pnr_whole_read(whole, at, bytes + at, length, NULL), PNR_OK);
		if (at % 3 == 0)
			pnr_whole_rest(whole);
	}
	return bytes;
}

static void assert_gunzips(const fixture *f, char *bytes, size_t size)
{
	char *content = malloc(f->size + 1);
	z_stream z = { .next_in = (Bytef *)bytes, .avail_in = (uInt)size, .next_out = (Bytef *)content,
		       .avail_out = (uInt)f->size + 1 };
	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, f->size);
	assert_memory_equal(content, f->content, f->size);
	assert_int_equal(inflateEnd(&z), Z_OK);
	free(content);
}

static void check(fixture *f, size_t size, bool shrinks)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_whole *whole = NULL;
	pnr_encoding_row row;
	pnr_digest hash;
	bool gzip = !shrinks;
	uint64_t measured = 0;
	keep(f, size, shrinks);
	assert_int_equal(pnr_whole_open(f->store, &f->item.blob, f->item.encoding_id, &whole, NULL), PNR_OK);
	assert_int_equal(pnr_whole_gzip(whole), shrinks);
	assert_int_equal(pnr_index_encoding_get(pnr_store_index(f->store), f->item.encoding_id, &arena, &row, NULL), PNR_OK);
	assert_true(pnr_whole_measure(row.form, row.stored_size, size, &gzip, &measured));
	assert_int_equal(gzip, shrinks);
	assert_int_equal(measured, pnr_whole_size(whole));
	char *bytes = read_whole(whole, 5000), *again = read_whole(whole, MIB);
	assert_memory_equal(bytes, again, measured);
	assert_int_equal(pnr_hash_memory(bytes, measured, &hash, NULL, NULL), PNR_OK);
	assert_true(pnr_digest_equal(&hash, pnr_whole_hash(whole)));
	if (shrinks) {
		assert_gunzips(f, bytes, measured);
	} else {
		assert_int_equal(measured, size);
		assert_memory_equal(bytes, f->content, size);
	}
	free(bytes);
	free(again);
	pnr_whole_close(whole);
}

static void content_of_any_size_is_a_gzip_file_or_itself(void **state)
{
	fixture *f = *state;
	static const size_t sizes[] = { 0, 1, 100, 5000, 20000, 60000, 200000, MIB - 1, MIB, MIB + 1, 3 * MIB + 7 };
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		check(f, sizes[i], false);
		if (sizes[i] >= 100)
			check(f, sizes[i], true);
	}
}

static void the_smallest_encoding_is_taken_when_none_is_named(void **state)
{
	fixture *f = *state;
	pnr_whole *whole = NULL;
	keep(f, 5000, true);
	assert_int_equal(pnr_whole_open(f->store, &f->item.blob, 0, &whole, NULL), PNR_OK);
	assert_true(pnr_whole_gzip(whole));
	pnr_whole_close(whole);
	pnr_error err = PNR_ERROR_INIT;
	const pnr_blob_row other = { .id = f->item.blob.id + 1 };
	assert_int_equal(pnr_whole_open(f->store, &other, 0, &whole, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "no encoding"));
	pnr_whole_close(NULL);
}

static void an_object_that_is_cut_short_or_missing_is_told(void **state)
{
	fixture *f = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer command = PNR_BUFFER_INIT;
	pnr_whole *whole = NULL;
	char byte;
	keep(f, 2 * MIB, true);
	assert_int_equal(pnr_whole_open(f->store, &f->item.blob, f->item.encoding_id, &whole, NULL), PNR_OK);
	uint64_t last = pnr_whole_size(whole) - 1;
	assert_int_equal(pnr_whole_read(whole, last, &byte, 1, NULL), PNR_OK);
	pnr_whole_rest(whole);
	pnr_buffer_printf(&command, "chmod -R u+w %s/store/objects && truncate -s -1 %s/store/objects/*/*.gz", f->dir, f->dir);
	assert_int_equal(system(command.data), 0);
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_whole_read(whole, last, &byte, 1, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "cut short"));
	pnr_whole_rest(whole);
	pnr_buffer_clear(&command);
	pnr_buffer_printf(&command, "rm %s/store/objects/*/*.gz", f->dir);
	assert_int_equal(system(command.data), 0);
	err = (pnr_error)PNR_ERROR_INIT;
	assert_int_equal(pnr_whole_read(whole, 0, &byte, 1, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "is missing"));
	pnr_whole_close(whole);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	(void)state;
	bool gzip;
	uint64_t size;
	assert_false(pnr_whole_measure("zstd", 5, 5, &gzip, &size));
	assert_false(pnr_whole_measure("stored", 5, 6, &gzip, &size));
	assert_false(pnr_whole_measure("zlib", 7, 6, &gzip, &size));
	assert_false(pnr_whole_measure("gzip", 4000, 2 * MIB, &gzip, &size));
	assert_true(pnr_whole_measure("zlib", 100, 200, &gzip, &size));
	assert_true(gzip);
	assert_int_equal(size, 112);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(content_of_any_size_is_a_gzip_file_or_itself),
		TEST(the_smallest_encoding_is_taken_when_none_is_named),
		TEST(an_object_that_is_cut_short_or_missing_is_told),
		TEST(sizes_that_cannot_be_are_refused),
	};
	return cmocka_run_group_tests_name("store/whole", tests, NULL, NULL);
}
