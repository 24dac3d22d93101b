/* The frozen format: bytes, times, alignment, zip64; and what the writer refuses. */
#include "support.h"
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <time.h>

/* Sizes and offsets around the largest that a classic field can hold. */
#define LIMIT UINT64_C(4294967295)

/* ----------------------------------------------------------- the bytes -- */

static void add_bytes(pnr_zip_writer *writer, const char *name, unsigned method, const void *body, size_t body_size,
                      uint32_t crc, uint64_t size)
{
	pnr_error err = PNR_ERROR_INIT;
	const pnr_zip_entry entry = { name, method, crc, size, body_size };
	must(add_entry(writer, &entry, body, body_size, &err), &err);
}

/* A stored ASCII name and a deflated one that is not ASCII. */
static void write_two(int64_t time_ms, pnr_buffer *out)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_buffer_end end = { out, SIZE_MAX / 2 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	uint64_t size = 0;
	must(pnr_zip_writer_new(&sink, time_ms, &writer, &err), &err);
	add_bytes(writer, "a/b.txt", PNR_ZIP_STORED, "hi\n", 3, 0xed6f7a7a, 3);
	add_bytes(writer, "\xc3\xbc", PNR_ZIP_DEFLATED, "\x4b\x4c\x84\x01\x00", 5, 0x4c11cdf0, 10);
	must(pnr_zip_writer_finish(writer, &size, &err), &err);
	pnr_zip_writer_free(writer);
	assert_int_equal(size, out->length);
}

/* These bytes are the format. A change here is a break for everyone who kept an archiveHash. */
static const unsigned char golden[] = {
	/* local header of "a/b.txt", at 0 */
	'P', 'K', 3, 4,
	20, 0,                  /* version needed 2.0 */
	0, 0,                   /* flags: the name is ASCII */
	0, 0,                   /* stored */
	0x5c, 0x64,             /* 12:34:56 */
	0x38, 0x5c,             /* 2026-01-24 */
	0x7a, 0x7a, 0x6f, 0xed, /* CRC-32 */
	3, 0, 0, 0,             /* compressed size */
	3, 0, 0, 0,             /* size */
	7, 0,                   /* name length */
	0, 0,                   /* extra field length */
	'a', '/', 'b', '.', 't', 'x', 't',
	'h', 'i', '\n',
	/* local header of "ü", at 40 */
	'P', 'K', 3, 4,
	20, 0,
	0x00, 0x08,             /* flags: bit 11, the name is UTF-8 */
	8, 0,                   /* deflated */
	0x5c, 0x64, 0x38, 0x5c,
	0xf0, 0xcd, 0x11, 0x4c,
	5, 0, 0, 0,
	10, 0, 0, 0,
	2, 0,
	0, 0,
	0xc3, 0xbc,
	0x4b, 0x4c, 0x84, 0x01, 0x00,
	/* central header of "a/b.txt", at 77 */
	'P', 'K', 1, 2,
	45, 3,                  /* made by: 4.5, Unix */
	20, 0, 0, 0, 0, 0,
	0x5c, 0x64, 0x38, 0x5c,
	0x7a, 0x7a, 0x6f, 0xed,
	3, 0, 0, 0,
	3, 0, 0, 0,
	7, 0, 0, 0,
	0, 0,                   /* comment length */
	0, 0,                   /* disk */
	0, 0,                   /* internal attributes */
	0, 0, 0xa4, 0x81,       /* external attributes: 0100644 */
	0, 0, 0, 0,             /* offset of the local header */
	'a', '/', 'b', '.', 't', 'x', 't',
	/* central header of "ü", at 130 */
	'P', 'K', 1, 2,
	45, 3,
	20, 0, 0x00, 0x08, 8, 0,
	0x5c, 0x64, 0x38, 0x5c,
	0xf0, 0xcd, 0x11, 0x4c,
	5, 0, 0, 0,
	10, 0, 0, 0,
	2, 0, 0, 0,
	0, 0,
	0, 0,
	0, 0,
	0, 0, 0xa4, 0x81,
	40, 0, 0, 0,
	0xc3, 0xbc,
	/* end of central directory, at 178 */
	'P', 'K', 5, 6,
	0, 0, 0, 0,             /* disks */
	2, 0, 2, 0,             /* entries */
	101, 0, 0, 0,           /* size of the central directory */
	77, 0, 0, 0,            /* its offset */
	0, 0,                   /* comment length */
};

static void bytes_are_those_of_the_format(void **state)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	(void)state;
	write_two(TIME_MS, &out);
	assert_int_equal(out.length, sizeof golden);
	assert_memory_equal(out.data, golden, sizeof golden);
	pnr_buffer_free(&out);
}

/* The document is the owner of the format: the example in it is what is written. */
static void the_example_in_the_document_is_right(void **state)
{
	pnr_buffer text = PNR_BUFFER_INIT, example = PNR_BUFFER_INIT;
	pnr_error err = PNR_ERROR_INIT;
	int fd = -1;
	(void)state;
	must(pnr_file_open(AT_FDCWD, SOURCE_DIR "/schema/package-format.md", O_RDONLY, 0, &fd, &err), &err);
	must(pnr_file_read_all(fd, PNR_MIB, &text, "package-format.md", &err), &err);
	const char *p = strstr(text.data, "200 bytes:\n");
	assert_non_null(p);
	for (p += strlen("200 bytes:\n"); *p == '\n' || *p == ' ';) {
		char *end = NULL;
		unsigned long byte = strtoul(p, &end, 16);
		if (end == p || *end == '.') /* the heading after it */
			break;
		pnr_buffer_putc(&example, (char)(unsigned char)byte);
		p = end;
	}
	assert_int_equal(example.length, sizeof golden);
	assert_memory_equal(example.data, golden, sizeof golden);
	close(fd);
	pnr_buffer_free(&example);
	pnr_buffer_free(&text);
}

static void bytes_do_not_depend_on_time_zone_or_locale(void **state)
{
	static const char *const zones[] = { "America/New_York", "Asia/Kathmandu", "right/UTC", "XYZ-14:30", "" };
	static const char *const locales[] = { "", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8" };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(zones); i++) {
		pnr_buffer out = PNR_BUFFER_INIT;
		assert_int_equal(setenv("TZ", zones[i], 1), 0);
		tzset();
		(void)setlocale(LC_ALL, locales[i % PNR_COUNT(locales)]);
		write_two(TIME_MS, &out);
		assert_memory_equal(out.data, golden, sizeof golden);
		pnr_buffer_free(&out);
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
	(void)setlocale(LC_ALL, "C");
}

static void an_empty_zip_is_an_end_record(void **state)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, 100 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	pnr_error err = PNR_ERROR_INIT;
	uint64_t size = 0;
	(void)state;
	must(pnr_zip_writer_new(&sink, 0, &writer, &err), &err);
	must(pnr_zip_writer_finish(writer, &size, &err), &err);
	assert_int_equal(size, 22);
	assert_memory_equal(out.data, "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
	pnr_zip_writer_free(writer);
	pnr_buffer_free(&out);
}

/* ---------------------------------------------------------------- times -- */

static uint32_t dos_of(int64_t ms)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	write_two(ms, &out);
	const unsigned char *p = (const unsigned char *)out.data + 10;
	uint32_t dos = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
	pnr_buffer_free(&out);
	return dos;
}

#define DOS(year, month, day, hour, minute, second)                                                    \
	((uint32_t)((year) - 1980) << 25 | (uint32_t)(month) << 21 | (uint32_t)(day) << 16 |           \
	 (uint32_t)(hour) << 11 | (uint32_t)(minute) << 5 | (uint32_t)(second) / 2)

static void times_are_utc_and_clamped(void **state)
{
	(void)state;
	assert_int_equal(dos_of(INT64_MIN), DOS(1980, 1, 1, 0, 0, 0));
	assert_int_equal(dos_of(-1), DOS(1980, 1, 1, 0, 0, 0));
	assert_int_equal(dos_of(0), DOS(1980, 1, 1, 0, 0, 0));
	assert_int_equal(dos_of(315532799999), DOS(1980, 1, 1, 0, 0, 0));
	assert_int_equal(dos_of(315532801999), DOS(1980, 1, 1, 0, 0, 0));
	assert_int_equal(dos_of(315532802000), DOS(1980, 1, 1, 0, 0, 2));
	assert_int_equal(dos_of(951782399000), DOS(2000, 2, 28, 23, 59, 58));
	assert_int_equal(dos_of(951782400000), DOS(2000, 2, 29, 0, 0, 0));
	assert_int_equal(dos_of(4107542399000), DOS(2100, 2, 28, 23, 59, 58));
	assert_int_equal(dos_of(4107542400000), DOS(2100, 3, 1, 0, 0, 0));
	assert_int_equal(dos_of(4354819199999), DOS(2107, 12, 31, 23, 59, 58));
	assert_int_equal(dos_of(4354819200000), DOS(2107, 12, 31, 23, 59, 58));
	assert_int_equal(dos_of(INT64_MAX), DOS(2107, 12, 31, 23, 59, 58));
}

/* Against the C library, some day of every month. */
static void dates_are_those_of_the_calendar(void **state)
{
	(void)state;
	for (int64_t second = 315532800 + 45296; second < 4354819200; second += 29 * 86400 + 3723) {
		time_t t = (time_t)second;
		struct tm tm;
		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(dos_of(second * 1000),
		                 DOS(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec));
	}
}

/* ------------------------------------------------- gigabytes of nothing -- */

/* A zip on a sparse file: bodies are written as NULL, and left out, as if they were zeros. */
typedef struct sparse_zip {
	int fd;
	uint64_t offset;
	pnr_zip_writer *writer;
	pnr_sink sink;
} sparse_zip;

static pnr_status sparse_pump(void *context, const pnr_sink *sink, pnr_error *err)
{
	const uint64_t *size = context;
	return sink->write(sink->context, NULL, (size_t)*size, err);
}

static pnr_status sparse_write(void *context, const void *data, size_t length, pnr_error *err)
{
	sparse_zip *zip = context;
	pnr_status status = PNR_OK;
	if (data != NULL)
		status = pnr_file_pwrite(zip->fd, data, length, zip->offset, "sparse", err);
	zip->offset += length;
	return status;
}

static void sparse_begin(sparse_zip *zip)
{
	pnr_error err = PNR_ERROR_INIT;
	*zip = (sparse_zip){ .fd = memfd_create("sparse", MFD_CLOEXEC) };
	zip->sink = (pnr_sink){ .write = sparse_write, .context = zip };
	assert_true(zip->fd >= 0);
	must(pnr_zip_writer_new(&zip->sink, TIME_MS, &zip->writer, &err), &err);
}

static void sparse_add(sparse_zip *zip, const char *name, uint64_t size, uint64_t body_size)
{
	pnr_error err = PNR_ERROR_INIT;
	const pnr_pump pump = { sparse_pump, &body_size };
	unsigned method = size == body_size ? PNR_ZIP_STORED : PNR_ZIP_DEFLATED;
	must(pnr_zip_writer_add(zip->writer, &(pnr_zip_entry){ name, method, 0x12345678, size, body_size }, &pump,
	                        &err),
	     &err);
}

static pnr_zip_reader *sparse_end(sparse_zip *zip)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_zip_reader *reader = NULL;
	uint64_t size = 0;
	must(pnr_zip_writer_finish(zip->writer, &size, &err), &err);
	pnr_zip_writer_free(zip->writer);
	assert_int_equal(size, zip->offset);
	must(pnr_zip_reader_open(zip->fd, "sparse.zip", &reader, &err), &err);
	return reader;
}

static void sparse_get(const sparse_zip *zip, uint64_t offset, unsigned char *out, size_t length)
{
	size_t got = 0;
	pnr_error err = PNR_ERROR_INIT;
	must(pnr_file_pread(zip->fd, out, length, offset, &got, "sparse", &err), &err);
	assert_int_equal(got, length);
}

static uint64_t number(const unsigned char *p, unsigned bytes)
{
	uint64_t value = 0;
	for (unsigned i = bytes; i-- > 0;)
		value = value << 8 | p[i];
	return value;
}

/* The central directory, from the end records; the zip64 ones if @zip64, which are there exactly then. */
static uint64_t directory_offset(const sparse_zip *zip, bool zip64, uint64_t *out_count)
{
	unsigned char tail[98];
	sparse_get(zip, zip->offset - 98, tail, 98);
	assert_int_equal(number(tail + 56, 4) == 0x07064b50, zip64);
	if (!zip64) {
		*out_count = number(tail + 86, 2);
		return number(tail + 92, 4);
	}
	assert_int_equal(number(tail, 4), 0x06064b50);
	assert_int_equal(number(tail + 4, 8), 44);
	assert_int_equal(number(tail + 64, 8), zip->offset - 98);
	*out_count = number(tail + 32, 8);
	uint64_t size = number(tail + 40, 8), offset = number(tail + 48, 8);
	assert_int_equal(number(tail + 84, 2), *out_count < 65535 ? *out_count : 65535);
	assert_int_equal(number(tail + 88, 4), size < LIMIT ? size : LIMIT);
	assert_int_equal(number(tail + 92, 4), offset < LIMIT ? offset : LIMIT);
	return offset;
}

static void wide_sizes_start_at_their_limit(void **state)
{
	static const struct {
		uint64_t size, body_size;
		bool wide;
	} cases[] = {
		{ LIMIT - 1, LIMIT - 1, false },
		{ LIMIT, LIMIT, true },
		{ LIMIT + 1, LIMIT + 1, true },
		{ LIMIT - 1, 5000000, false },
		{ LIMIT, 5000000, true },
		{ UINT64_C(5000000000), 5000000, true },
		{ LIMIT - 1, LIMIT, true },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		bool wide = cases[i].wide;
		/* the directory's offset is behind the body, so it is wide when the body nearly is */
		bool zip64 = cases[i].body_size >= LIMIT - 4096;
		unsigned char local[51], central[47 + 22];
		sparse_zip zip;
		uint64_t count = 0;
		sparse_begin(&zip);
		sparse_add(&zip, "a", cases[i].size, cases[i].body_size);
		pnr_zip_reader *reader = sparse_end(&zip);
		assert_int_equal(pnr_zip_reader_entry(reader, 0)->size, cases[i].size);
		assert_int_equal(pnr_zip_reader_entry(reader, 0)->body_size, cases[i].body_size);
		pnr_zip_reader_close(reader);

		sparse_get(&zip, 0, local, sizeof local);
		assert_int_equal(number(local + 4, 2), wide ? 45 : 20);
		assert_int_equal(number(local + 18, 4), wide ? LIMIT : cases[i].body_size);
		assert_int_equal(number(local + 22, 4), wide ? LIMIT : cases[i].size);
		if (wide) {
			assert_int_equal(number(local + 31, 4), 0x00100001);
			assert_int_equal(number(local + 35, 8), cases[i].size);
			assert_int_equal(number(local + 43, 8), cases[i].body_size);
		}

		sparse_get(&zip, directory_offset(&zip, zip64, &count), central, sizeof central);
		assert_int_equal(count, 1);
		assert_int_equal(number(central + 6, 2), wide ? 45 : 20);
		assert_int_equal(number(central + 20, 4), wide ? LIMIT : cases[i].body_size);
		assert_int_equal(number(central + 24, 4), wide ? LIMIT : cases[i].size);
		assert_int_equal(number(central + 42, 4), wide ? LIMIT : 0);
		assert_int_equal(number(central + 30, 2), wide ? 28 : 0);
		if (wide) {
			assert_int_equal(number(central + 47, 4), 0x00180001);
			assert_int_equal(number(central + 51, 8), cases[i].size);
			assert_int_equal(number(central + 59, 8), cases[i].body_size);
		}
		close(zip.fd);
	}
}

static void wide_offsets_start_at_their_limit(void **state)
{
	(void)state;
	for (uint64_t offset = LIMIT - 1; offset <= LIMIT + 1; offset++) {
		bool wide = offset >= LIMIT;
		unsigned char local[30], central[47 + 47 + 28];
		uint64_t count = 0;
		sparse_zip zip;
		sparse_begin(&zip);
		sparse_add(&zip, "a", offset - 4096, offset - 4096); /* aligned: its body starts at 4096 */
		sparse_add(&zip, "b", 0, 0);
		pnr_zip_reader_close(sparse_end(&zip));
		sparse_get(&zip, offset, local, sizeof local);
		assert_int_equal(number(local, 4), 0x04034b50);
		assert_int_equal(number(local + 4, 2), wide ? 45 : 20);
		assert_int_equal(number(local + 28, 2), 0);
		sparse_get(&zip, directory_offset(&zip, true, &count), central, sizeof central);
		assert_int_equal(number(central + 6, 2), 20);
		assert_int_equal(number(central + 47 + 6, 2), wide ? 45 : 20);
		assert_int_equal(number(central + 47 + 30, 2), wide ? 28 : 0);
		assert_int_equal(number(central + 47 + 20, 4), wide ? LIMIT : 0);
		assert_int_equal(number(central + 47 + 42, 4), wide ? LIMIT : offset);
		if (wide) {
			assert_int_equal(number(central + 94, 4), 0x00180001);
			assert_int_equal(number(central + 98, 8), 0);
			assert_int_equal(number(central + 106, 8), 0);
			assert_int_equal(number(central + 114, 8), offset);
		}
		close(zip.fd);
	}
}

/* The directory's own offset, and nothing else, is at the limit. */
static void a_wide_directory_offset_starts_at_its_limit(void **state)
{
	(void)state;
	for (uint64_t offset = LIMIT - 1; offset <= LIMIT + 1; offset++) {
		sparse_zip zip;
		uint64_t count = 0;
		sparse_begin(&zip);
		sparse_add(&zip, "a", offset - 4096, offset - 4096);
		pnr_zip_reader_close(sparse_end(&zip));
		assert_int_equal(directory_offset(&zip, offset >= LIMIT, &count), offset);
		close(zip.fd);
	}
}

static void counts_are_wide_from_65535_on(void **state)
{
	(void)state;
	for (unsigned entries = 65534; entries <= 65536; entries++) {
		sparse_zip zip;
		uint64_t count = 0;
		sparse_begin(&zip);
		for (unsigned i = 0; i < entries; i++) {
			char name[12];
			(void)snprintf(name, sizeof name, "%u", i);
			sparse_add(&zip, name, 0, 0);
		}
		pnr_zip_reader *reader = sparse_end(&zip);
		assert_int_equal(pnr_zip_reader_count(reader), entries);
		(void)directory_offset(&zip, entries >= 65535, &count);
		assert_int_equal(count, entries);
		pnr_zip_reader_close(reader);
		close(zip.fd);
	}
}

/* ------------------------------------------------------------ alignment -- */

/* Where the body of an entry whose name has @name_length bytes starts, and the length of its extra field. */
static uint64_t body_start(size_t name_length, uint64_t size, size_t *out_extra)
{
	sparse_zip zip;
	unsigned char local[30];
	char *name = malloc(name_length + 1);
	assert_non_null(name);
	memset(name, 'n', name_length);
	name[name_length] = '\0';
	sparse_begin(&zip);
	sparse_add(&zip, name, size, size);
	pnr_zip_reader_close(sparse_end(&zip));
	sparse_get(&zip, 0, local, sizeof local);
	*out_extra = (size_t)number(local + 28, 2);
	if (*out_extra > 0) {
		unsigned char *extra = malloc(*out_extra);
		assert_non_null(extra);
		sparse_get(&zip, 30 + name_length, extra, *out_extra);
		assert_int_equal(number(extra, 2), 0xd935);
		assert_int_equal(number(extra + 2, 2), *out_extra - 4);
		assert_int_equal(number(extra + 4, 2), 4096);
		for (size_t i = 6; i < *out_extra; i++)
			assert_int_equal(extra[i], 0);
		free(extra);
	}
	free(name);
	close(zip.fd);
	return 30 + name_length + *out_extra;
}

static void large_bodies_start_at_a_multiple_of_4096(void **state)
{
	static const struct {
		size_t name_length, extra;
	} cases[] = {
		{ 1, 4065 },
		{ 4096 - 30 - 7, 7 },
		{ 4096 - 30 - 6, 6 },    /* the smallest field: id, size, alignment */
		{ 4096 - 30 - 5, 4101 }, /* no room for it: one page more */
		{ 4096 - 30 - 1, 4097 },
		{ 4096 - 30, 0 },
		{ 4096 - 30 + 1, 4095 },
		{ 65535, 65536 + 4096 - 30 - 65535 },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		size_t extra = 1;
		assert_int_equal(body_start(cases[i].name_length, PNR_ZIP_ALIGN_FROM, &extra) % 4096, 0);
		assert_int_equal(extra, cases[i].extra);
	}
}

static void small_bodies_have_no_padding(void **state)
{
	size_t extra = 1;
	(void)state;
	assert_int_equal(body_start(5, PNR_ZIP_ALIGN_FROM - 1, &extra), 35);
	assert_int_equal(extra, 0);
}

/* A deflated body counts by its own size, not by that of its content. */
static void padding_follows_the_body(void **state)
{
	sparse_zip zip;
	unsigned char local[30];
	(void)state;
	sparse_begin(&zip);
	sparse_add(&zip, "a", 2000000, 10000);
	sparse_add(&zip, "b", 2000000, PNR_ZIP_ALIGN_FROM);
	pnr_zip_reader_close(sparse_end(&zip));
	sparse_get(&zip, 0, local, sizeof local);
	assert_int_equal(number(local + 28, 2), 0);
	sparse_get(&zip, 31 + 10000, local, sizeof local);
	assert_int_equal((31 + 10000 + 31 + number(local + 28, 2)) % 4096, 0);
	close(zip.fd);
}

/* --------------------------------------------------------------- faults -- */

static void refuse(const pnr_zip_entry *entry, size_t body_length, pnr_status expected, const char *message)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, 100000 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	pnr_error err = PNR_ERROR_INIT, after = PNR_ERROR_INIT;
	uint64_t size = 42;
	must(pnr_zip_writer_new(&sink, TIME_MS, &writer, &err), &err);
	pnr_status status = add_entry(writer, entry, "0123456789", body_length, &err);
	if (status != expected || strstr(err.message, message) == NULL)
		fail_msg("%s: %s", pnr_status_name(status), err.message);
	/* what failed stays failed: no zip with a hole in it */
	assert_int_equal(add_entry(writer, entry, "0123456789", body_length, NULL), PNR_INVALID);
	assert_int_equal(pnr_zip_writer_finish(writer, &size, &after), PNR_INVALID);
	assert_non_null(strstr(after.message, "failed before"));
	assert_int_equal(size, 42);
	pnr_zip_writer_free(writer);
	pnr_buffer_free(&out);
}

static void what_cannot_be_written_is_refused(void **state)
{
	(void)state;
	char *name = malloc(65537);
	assert_non_null(name);
	memset(name, 'n', 65536);
	name[65536] = '\0';
	refuse(&(pnr_zip_entry){ name, PNR_ZIP_STORED, 0, 0, 0 }, 0, PNR_INVALID, "not 1 to 65,535");
	refuse(&(pnr_zip_entry){ "", PNR_ZIP_STORED, 0, 0, 0 }, 0, PNR_INVALID, "not 1 to 65,535");
	refuse(&(pnr_zip_entry){ "a\xff", PNR_ZIP_STORED, 0, 0, 0 }, 0, PNR_INVALID, "not valid UTF-8");
	refuse(&(pnr_zip_entry){ "data/", PNR_ZIP_STORED, 0, 0, 0 }, 0, PNR_INVALID, "folder");
	refuse(&(pnr_zip_entry){ "a", 12, 0, 0, 0 }, 0, PNR_INVALID, "method 12");
	refuse(&(pnr_zip_entry){ "a", PNR_ZIP_STORED, 0, 3, 4 }, 4, PNR_INVALID, "another size");
	refuse(&(pnr_zip_entry){ "a", PNR_ZIP_STORED, 0, UINT64_MAX, UINT64_MAX }, 4, PNR_FULL, "larger than any file");
	refuse(&(pnr_zip_entry){ "a", PNR_ZIP_STORED, 0, 4, 4 }, 3, PNR_CORRUPT, "zip entry 'a': its body ends 1 bytes early");
	refuse(&(pnr_zip_entry){ "a", PNR_ZIP_STORED, 0, 4, 4 }, 5, PNR_CORRUPT, "longer than the 4 bytes");
	refuse(&(pnr_zip_entry){ "a", PNR_ZIP_STORED, 0, 0, 0 }, 1, PNR_CORRUPT, "longer than the 0 bytes");
	free(name);
}

static void a_finished_zip_takes_no_more(void **state)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, 1000 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	pnr_error err = PNR_ERROR_INIT;
	uint64_t size = 0;
	(void)state;
	must(pnr_zip_writer_new(&sink, TIME_MS, &writer, &err), &err);
	must(pnr_zip_writer_finish(writer, &size, &err), &err);
	assert_int_equal(add_entry(writer, &(pnr_zip_entry){ .name = "a" }, "", 0, &err), PNR_INVALID);
	assert_int_equal(pnr_zip_writer_finish(writer, &size, &err), PNR_INVALID);
	assert_int_equal(out.length, 22);
	pnr_zip_writer_free(writer);
	pnr_zip_writer_free(NULL);
	pnr_buffer_free(&out);
}

static size_t calls, failing_call;
static int failing_errno;

static int fail_one_write(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_WRITE && calls++ == failing_call ? failing_errno : 0;
}

/* Every call moves three bytes at most. */
static int shorten(pnr_file_call call, size_t *length)
{
	if ((call == PNR_CALL_WRITE || call == PNR_CALL_READ) && *length > 3)
		*length = 3;
	return 0;
}

static pnr_status write_to_file(int fd, pnr_error *err)
{
	pnr_file_end end = { fd, "out.zip" };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	uint64_t size = 0;
	must(pnr_zip_writer_new(&sink, TIME_MS, &writer, err), err);
	pnr_status status = PNR_OK;
	for (int i = 0; i < 3 && status == PNR_OK; i++) {
		static const char *const names[] = { "a", "b", "c" };
		const pnr_zip_entry entry = { names[i], PNR_ZIP_STORED, crc_of("0123456789", 10), 10, 10 };
		status = add_entry(writer, &entry, "0123456789", 10, err);
	}
	if (status == PNR_OK)
		status = pnr_zip_writer_finish(writer, &size, err);
	pnr_zip_writer_free(writer);
	return status;
}

static void every_failing_write_is_reported(void **state)
{
	static const struct {
		int errnum;
		pnr_status status;
	} kinds[] = { { ENOSPC, PNR_FULL }, { EIO, PNR_IO } };
	(void)state;
	for (size_t k = 0; k < PNR_COUNT(kinds); k++) {
		failing_errno = kinds[k].errnum;
		pnr_status status = PNR_IO;
		for (failing_call = 0; status != PNR_OK; failing_call++) {
			pnr_error err = PNR_ERROR_INIT;
			int fd = memory_file("", 0);
			calls = 0;
			pnr_file_gate_hook = fail_one_write;
			status = write_to_file(fd, &err);
			pnr_file_gate_hook = NULL;
			if (status != PNR_OK) {
				assert_int_equal(status, kinds[k].status);
				assert_non_null(strstr(err.message, "write 'out.zip': "));
			}
			close(fd);
		}
		assert_int_equal(failing_call, 3 * 2 + 2 + 1); /* headers and bodies, the directory, the end; then success */
	}
}

static void short_writes_change_nothing(void **state)
{
	pnr_error err = PNR_ERROR_INIT;
	char bytes[2][1000];
	size_t got[2] = { 0, 0 };
	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = memory_file("", 0);
		pnr_file_gate_hook = i == 1 ? shorten : NULL;
		pnr_status status = write_to_file(fd, &err);
		pnr_file_gate_hook = NULL;
		must(status, &err);
		must(pnr_file_pread(fd, bytes[i], sizeof bytes[i], 0, &got[i], "out.zip", &err), &err);
		close(fd);
	}
	assert_int_equal(got[0], got[1]);
	assert_memory_equal(bytes[0], bytes[1], got[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_the_format),
		cmocka_unit_test(the_example_in_the_document_is_right),
		cmocka_unit_test(bytes_do_not_depend_on_time_zone_or_locale),
		cmocka_unit_test(an_empty_zip_is_an_end_record),
		cmocka_unit_test(times_are_utc_and_clamped),
		cmocka_unit_test(dates_are_those_of_the_calendar),
		cmocka_unit_test(wide_sizes_start_at_their_limit),
		cmocka_unit_test(wide_offsets_start_at_their_limit),
		cmocka_unit_test(a_wide_directory_offset_starts_at_its_limit),
		cmocka_unit_test(counts_are_wide_from_65535_on),
		cmocka_unit_test(large_bodies_start_at_a_multiple_of_4096),
		cmocka_unit_test(small_bodies_have_no_padding),
		cmocka_unit_test(padding_follows_the_body),
		cmocka_unit_test(what_cannot_be_written_is_refused),
		cmocka_unit_test(a_finished_zip_takes_no_more),
		cmocka_unit_test(every_failing_write_is_reported),
		cmocka_unit_test(short_writes_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
