/* Reading: round trips, contents that lie, faults while reading. */
#include "support.h"
#include <errno.h>
#include <stdio.h>

/* ----------------------------------------------------------- round trip -- */

typedef struct content {
	const char *name;
	size_t size;
	unsigned method;
} content;

static const content contents[] = {
	{ "livecalc.config.json", 3, PNR_ZIP_STORED },
	{ "wasm/empty.wasm", 0, PNR_ZIP_STORED },
	{ "wasm/empty.mjs", 0, PNR_ZIP_DEFLATED },
	{ "assumptions/mortality.csv", 70000, PNR_ZIP_DEFLATED },
	{ "data/gr\xc3\xb6\xc3\x9f" "e.csv", 300000, PNR_ZIP_STORED },
	{ "data/aligned.csv", 1100000, PNR_ZIP_STORED },
	{ "data/aligned too.csv", 2500000, PNR_ZIP_DEFLATED },
	{ "z", 1, PNR_ZIP_DEFLATED },
};

/* Digits that shrink by half or so, the same for one size every time. */
static unsigned char *make_content(size_t size)
{
	unsigned char *data = malloc(size + 1);
	uint32_t seed = (uint32_t)size;
	assert_non_null(data);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525u + 1013904223u;
		data[i] = (unsigned char)('0' + (seed >> 24) % 10);
	}
	return data;
}

static size_t deflate_all(const void *data, size_t size, unsigned char **out)
{
	size_t capacity = compressBound(size) + 64;
	*out = malloc(capacity);
	assert_non_null(*out);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size, .next_out = *out,
		       .avail_out = (uInt)capacity };
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t length = z.total_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
	return length;
}

static void add_content(pnr_zip_writer *writer, const content *c)
{
	unsigned char *data = make_content(c->size), *deflated = NULL;
	pnr_error err = PNR_ERROR_INIT;
	size_t length = c->method == PNR_ZIP_DEFLATED ? deflate_all(data, c->size, &deflated) : c->size;
	const pnr_zip_entry entry = { c->name, c->method, crc_of(data, c->size), c->size, length };
	must(add_entry(writer, &entry, deflated == NULL ? data : deflated, length, &err), &err);
	free(deflated);
	free(data);
}

static int write_contents(void)
{
	int fd = memory_file("", 0);
	pnr_file_end end = { fd, "all.zip" };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	pnr_error err = PNR_ERROR_INIT;
	uint64_t size = 0;
	must(pnr_zip_writer_new(&sink, TIME_MS, &writer, &err), &err);
	for (size_t i = 0; i < PNR_COUNT(contents); i++)
		add_content(writer, &contents[i]);
	must(pnr_zip_writer_finish(writer, &size, &err), &err);
	pnr_zip_writer_free(writer);
	return fd;
}

static void what_was_written_is_read(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	int fd = write_contents();
	must(pnr_zip_reader_open(fd, "all.zip", &reader, &err), &err);
	assert_int_equal(pnr_zip_reader_count(reader), PNR_COUNT(contents));
	/* from the last to the first: reading one does not depend on the one before */
	for (size_t i = PNR_COUNT(contents); i-- > 0;) {
		const pnr_zip_entry *entry = pnr_zip_reader_entry(reader, i);
		unsigned char *expected = make_content(contents[i].size);
		pnr_buffer got = PNR_BUFFER_INIT;
		pnr_buffer_end end = { &got, contents[i].size };
		const pnr_sink sink = pnr_buffer_end_sink(&end);
		assert_string_equal(entry->name, contents[i].name);
		assert_int_equal(entry->method, contents[i].method);
		assert_int_equal(entry->size, contents[i].size);
		must(read_entry(reader, i, &sink, &err), &err);
		assert_int_equal(got.length, contents[i].size);
		if (got.length > 0)
			assert_memory_equal(got.data, expected, got.length);
		pnr_buffer_free(&got);
		free(expected);
	}
	pnr_zip_reader_close(reader);
	close(fd);
}

static void entries_are_found_by_name(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	uint64_t index = 4711;
	(void)state;
	int fd = write_contents();
	must(pnr_zip_reader_open(fd, "all.zip", &reader, &err), &err);
	assert_false(pnr_zip_reader_find(reader, "", &index));
	assert_false(pnr_zip_reader_find(reader, "livecalc.config.jso", &index));
	assert_false(pnr_zip_reader_find(reader, "LIVECALC.config.json", &index));
	assert_false(pnr_zip_reader_find(reader, "zz", &index));
	assert_int_equal(index, 4711);
	for (size_t i = 0; i < PNR_COUNT(contents); i++) {
		assert_true(pnr_zip_reader_find(reader, contents[i].name, &index));
		assert_int_equal(index, i);
	}
	pnr_zip_reader_close(reader);
	pnr_zip_reader_close(NULL);
	close(fd);
}

/* The descriptor is the caller's: its position stays, and it stays open. */
static void the_descriptor_is_left_alone(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	int fd = write_contents();
	assert_int_equal(lseek(fd, 1234, SEEK_SET), 1234);
	must(pnr_zip_reader_open(fd, "all.zip", &reader, &err), &err);
	must(read_all(reader, &err), &err);
	pnr_zip_reader_close(reader);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 1234);
	close(fd);
}

/* A file that shrinks while it is open: an error, no endless loop, no crash. */
static void a_file_that_shrinks_is_reported(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	int fd = write_contents();
	must(pnr_zip_reader_open(fd, "all.zip", &reader, &err), &err);
	assert_int_equal(ftruncate(fd, 100000), 0);
	assert_int_equal(read_all(reader, &err), PNR_CORRUPT);
	pnr_zip_reader_close(reader);
	close(fd);
}

/* --------------------------------------------------------------- faults -- */

static size_t calls, failing_call;

static int fail_one_call(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return calls++ == failing_call ? EIO : 0;
}

static int shorten_reads(pnr_file_call call, size_t *length)
{
	if (call == PNR_CALL_READ && *length > 7)
		*length = 7;
	return 0;
}

static int small_zip(void)
{
	recipe r = good_recipe();
	pnr_buffer bytes = PNR_BUFFER_INIT;
	r.end64.present = true;
	lay_out(&r);
	cook(&r, &bytes);
	int fd = memory_file(bytes.data, bytes.length);
	pnr_buffer_free(&bytes);
	return fd;
}

static pnr_status open_and_read(int fd, pnr_error *err)
{
	pnr_zip_reader *reader = NULL;
	pnr_status status = pnr_zip_reader_open(fd, "small.zip", &reader, err);
	if (status == PNR_OK)
		status = read_all(reader, err);
	pnr_zip_reader_close(reader);
	return status;
}

/* A failed read is an I/O error with the system's reason, never "corrupt", in whatever code it happens. */
static void every_failing_read_is_reported_as_such(void **state)
{
	pnr_status status = PNR_IO;
	(void)state;
	int fd = small_zip();
	for (failing_call = 0; status != PNR_OK; failing_call++) {
		pnr_error err = PNR_ERROR_INIT;
		calls = 0;
		pnr_file_gate_hook = fail_one_call;
		status = open_and_read(fd, &err);
		pnr_file_gate_hook = NULL;
		if (status != PNR_OK) {
			assert_int_equal(status, PNR_IO);
			assert_int_equal(err.detail, EIO);
			assert_non_null(strstr(err.message, "'small.zip'"));
		}
	}
	assert_in_range(failing_call, 8, 1000);
	close(fd);
}

static void short_reads_change_nothing(void **state)
{
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	int fd = small_zip();
	pnr_file_gate_hook = shorten_reads;
	pnr_status status = open_and_read(fd, &err);
	pnr_file_gate_hook = NULL;
	must(status, &err);
	close(fd);
}

/* After a fault has passed the same reader works again. */
static void a_passing_fault_does_not_stick(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	int fd = small_zip();
	must(pnr_zip_reader_open(fd, "small.zip", &reader, &err), &err);
	pnr_status status = PNR_IO;
	for (failing_call = 0; status != PNR_OK; failing_call++) {
		calls = 0;
		pnr_file_gate_hook = fail_one_call;
		status = read_all(reader, &err);
		pnr_file_gate_hook = NULL;
		assert_true(status == PNR_OK || status == PNR_IO);
		pnr_error_clear(&err);
		must(read_all(reader, &err), &err);
	}
	assert_in_range(failing_call, 3, 100);
	pnr_zip_reader_close(reader);
	close(fd);
}

/* In the hash table of libzip "Ez" and "FY" are the same: so are all names that are made of them. */
static void names_made_to_collide_are_refused(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	int fd = memory_file("", 0);
	pnr_file_end end = { fd, "collide.zip" };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	uint64_t size = 0;
	must(pnr_zip_writer_new(&sink, TIME_MS, &writer, &err), &err);
	for (unsigned i = 0; i < 2048; i++) {
		char name[23] = "";
		for (unsigned bit = 0; bit < 11; bit++)
			memcpy(name + 2 * (size_t)bit, (i >> bit & 1) != 0 ? "Ez" : "FY", 2);
		const pnr_zip_entry entry = { .name = name };
		must(add_entry(writer, &entry, "", 0, &err), &err);
	}
	must(pnr_zip_writer_finish(writer, &size, &err), &err);
	pnr_zip_writer_free(writer);
	assert_int_equal(pnr_zip_reader_open(fd, "collide.zip", &reader, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "made to collide"));
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(entries_are_found_by_name),
		cmocka_unit_test(the_descriptor_is_left_alone),
		cmocka_unit_test(names_made_to_collide_are_refused),
		cmocka_unit_test(a_file_that_shrinks_is_reported),
		cmocka_unit_test(every_failing_read_is_reported_as_such),
		cmocka_unit_test(short_reads_change_nothing),
		cmocka_unit_test(a_passing_fault_does_not_stick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
