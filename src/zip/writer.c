/* The zip writer. Its output is frozen: schema/package-format.md describes every byte. */
#include "base/buffer.h"
#include "base/path.h"
#include "zip/format.h"
#include "zip/zip.h"
#include <stdlib.h>
#include <string.h>

#define MADE_BY 0x032du              /* Unix, APPNOTE 4.5 */
#define NEEDS_DEFLATE 20u
#define NEEDS_ZIP64 45u
#define REGULAR_FILE 0x81a40000u     /* 0100644 in the upper half: a Unix mode */
#define PADDING_MIN 6u               /* id, size, alignment */
#define WIDE_EXTRA 28u               /* a zip64 field of three values */
#define SIZE_LIMIT ((uint64_t)INT64_MAX)

#define DAY 86400
#define FIRST_SECOND 315532800LL     /* 1980-01-01T00:00:00Z */
#define LAST_SECOND 4354819199LL     /* 2107-12-31T23:59:59Z */

struct pnr_zip_writer {
	const pnr_sink *sink;
	unsigned date, time;  /* of every entry, as DOS has them */
	uint64_t offset;      /* bytes written so far */
	uint64_t count;
	bool closed;          /* finished, or broken by a failure */
	pnr_buffer header;    /* scratch: the local header, then the end records */
	pnr_buffer directory; /* the central headers, as they will be written */
};

static void put(pnr_buffer *out, uint64_t value, unsigned bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		pnr_buffer_putc(out, (char)(unsigned char)(value & 0xff));
}

static void put16(pnr_buffer *out, unsigned value)
{
	put(out, value, 2);
}

static void put32(pnr_buffer *out, uint32_t value)
{
	put(out, value, 4);
}

static void put64(pnr_buffer *out, uint64_t value)
{
	put(out, value, 8);
}

static bool wide(uint64_t value)
{
	return value >= WIDE32;
}

static uint32_t narrow(uint64_t value)
{
	return wide(value) ? WIDE32 : (uint32_t)value;
}

static bool leap(unsigned year)
{
	return year % 4 == 0 && year != 2100;
}

/* By hand, not by gmtime_r: that one counts leap seconds when TZ names a "right/" zone. */
static void to_dos(int64_t ms, unsigned *out_date, unsigned *out_time)
{
	static const unsigned lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t second = ms < FIRST_SECOND * 1000 ? FIRST_SECOND : ms / 1000;
	if (second > LAST_SECOND)
		second = LAST_SECOND;
	unsigned day = (unsigned)((second - FIRST_SECOND) / DAY);
	unsigned of_day = (unsigned)((second - FIRST_SECOND) % DAY);
	unsigned year = 1980, month = 0;
	for (unsigned length = 366; day >= length; length = leap(year) ? 366 : 365) {
		day -= length;
		year++;
	}
	for (;;) {
		unsigned length = lengths[month] + (month == 1 && leap(year));
		if (day < length)
			break;
		day -= length;
		month++;
	}
	*out_date = (year - 1980) << 9 | (month + 1) << 5 | (day + 1);
	*out_time = of_day / 3600 << 11 | of_day / 60 % 60 << 5 | of_day % 60 / 2;
}

pnr_status pnr_zip_writer_new(const pnr_sink *sink, int64_t time_ms, pnr_zip_writer **out_writer, pnr_error *err)
{
	pnr_zip_writer *writer = calloc(1, sizeof *writer);
	if (writer == NULL)
		return pnr_fail_nomem(err);
	writer->sink = sink;
	to_dos(time_ms, &writer->date, &writer->time);
	*out_writer = writer;
	return PNR_OK;
}

void pnr_zip_writer_free(pnr_zip_writer *writer)
{
	if (writer == NULL)
		return;
	pnr_buffer_free(&writer->header);
	pnr_buffer_free(&writer->directory);
	free(writer);
}

static pnr_status emit(pnr_zip_writer *writer, const void *data, size_t length, pnr_error *err)
{
	pnr_status status = writer->sink->write(writer->sink->context, data, length, err);
	if (status == PNR_OK)
		writer->offset += length;
	return status;
}

static pnr_status check_entry(const pnr_zip_writer *writer, const pnr_zip_entry *entry, pnr_error *err)
{
	size_t length = strlen(entry->name);
	if (length == 0 || length > NAME_MAX_LENGTH)
		return pnr_fail(err, PNR_INVALID, "its name has %zu bytes, not 1 to 65,535", length);
	if (!pnr_utf8_valid(entry->name, length))
		return pnr_fail(err, PNR_INVALID, "its name is not valid UTF-8");
	if (entry->name[length - 1] == '/')
		return pnr_fail(err, PNR_INVALID, "it is a folder; packages hold files only");
	if (entry->method != PNR_ZIP_STORED && entry->method != PNR_ZIP_DEFLATED)
		return pnr_fail(err, PNR_INVALID, "method %u is neither stored nor deflated", entry->method);
	if (entry->method == PNR_ZIP_STORED && entry->size != entry->body_size)
		return pnr_fail(err, PNR_INVALID, "it is stored, yet its body has another size");
	if (entry->size > SIZE_LIMIT || entry->body_size > SIZE_LIMIT - writer->offset)
		return pnr_fail(err, PNR_FULL, "it is larger than any file can be");
	if (writer->directory.length + CENTRAL_SIZE + length + WIDE_EXTRA > PNR_ZIP_DIRECTORY_MAX)
		return pnr_fail(err, PNR_FULL, "the central directory would exceed %u MiB",
		                PNR_ZIP_DIRECTORY_MAX / PNR_MIB);
	return PNR_OK;
}

static bool ascii(const char *name)
{
	for (; *name != '\0'; name++)
		if ((unsigned char)*name >= 0x80)
			return false;
	return true;
}

/* The run of fields that both headers share, "version needed" to "extra field length". */
static void put_common(pnr_buffer *out, const pnr_zip_writer *writer, const pnr_zip_entry *entry, bool zip64,
                       uint32_t body_size, uint32_t size, size_t extra_length)
{
	put16(out, zip64 ? NEEDS_ZIP64 : NEEDS_DEFLATE);
	put16(out, ascii(entry->name) ? 0 : FLAG_UTF8);
	put16(out, entry->method);
	put16(out, writer->time);
	put16(out, writer->date);
	put32(out, entry->crc32);
	put32(out, body_size);
	put32(out, size);
	put16(out, (unsigned)strlen(entry->name));
	put16(out, (unsigned)extra_length);
}

/* The length of the padding field that aligns a body which would else start at @start. */
static size_t padding_for(const pnr_zip_entry *entry, uint64_t start)
{
	if (entry->body_size < PNR_ZIP_ALIGN_FROM)
		return 0;
	size_t gap = (size_t)((PNR_ZIP_ALIGN - start % PNR_ZIP_ALIGN) % PNR_ZIP_ALIGN);
	return gap > 0 && gap < PADDING_MIN ? gap + PNR_ZIP_ALIGN : gap;
}

static void put_padding(pnr_buffer *out, size_t length)
{
	static const char zeros[PNR_ZIP_ALIGN];
	if (length == 0)
		return;
	put16(out, EXTRA_PADDING);
	put16(out, (unsigned)(length - 4));
	put16(out, PNR_ZIP_ALIGN);
	pnr_buffer_append(out, zeros, length - PADDING_MIN);
}

static void put_local(const pnr_zip_writer *writer, const pnr_zip_entry *entry, bool zip64, pnr_buffer *out)
{
	size_t name_length = strlen(entry->name);
	/* In a local header both sizes are wide, or none (APPNOTE 4.5.3). */
	bool both = wide(entry->size) || wide(entry->body_size);
	size_t wide_length = both ? 20 : 0;
	size_t padding = padding_for(entry, writer->offset + LOCAL_SIZE + name_length + wide_length);

	put32(out, LOCAL_SIGNATURE);
	put_common(out, writer, entry, zip64, both ? WIDE32 : (uint32_t)entry->body_size,
	           both ? WIDE32 : (uint32_t)entry->size, wide_length + padding);
	pnr_buffer_append(out, entry->name, name_length);
	if (both) {
		put16(out, EXTRA_ZIP64);
		put16(out, 16);
		put64(out, entry->size);
		put64(out, entry->body_size);
	}
	put_padding(out, padding);
}

static void put_central(const pnr_zip_writer *writer, const pnr_zip_entry *entry, bool zip64, uint64_t offset,
                        pnr_buffer *out)
{
	put32(out, CENTRAL_SIGNATURE);
	put16(out, MADE_BY);
	put_common(out, writer, entry, zip64, zip64 ? WIDE32 : (uint32_t)entry->body_size,
	           zip64 ? WIDE32 : (uint32_t)entry->size, zip64 ? WIDE_EXTRA : 0);
	put16(out, 0); /* comment length */
	put16(out, 0); /* disk */
	put16(out, 0); /* internal attributes */
	put32(out, REGULAR_FILE);
	put32(out, zip64 ? WIDE32 : (uint32_t)offset);
	pnr_buffer_append(out, entry->name, strlen(entry->name));
	if (zip64) {
		/* All three, though one may be enough: unzip 6.0 reads them wrongly behind a size of exactly 0xFFFFFFFF. */
		put16(out, EXTRA_ZIP64);
		put16(out, 24);
		put64(out, entry->size);
		put64(out, entry->body_size);
		put64(out, offset);
	}
}

/* A body on its way: it must have the size that both headers give. */
typedef struct counted {
	pnr_zip_writer *writer;
	uint64_t length, left;
} counted;

static pnr_status counted_write(void *context, const void *data, size_t length, pnr_error *err)
{
	counted *body = context;
	if (length > body->left)
		return pnr_fail(err, PNR_CORRUPT, "its body is longer than the %llu bytes announced",
		                (unsigned long long)body->length);
	body->left -= length;
	return emit(body->writer, data, length, err);
}

static pnr_status emit_body(pnr_zip_writer *writer, uint64_t length, const pnr_pump *body, pnr_error *err)
{
	counted to = { writer, length, length };
	const pnr_sink sink = { .write = counted_write, .context = &to };
	pnr_status status = body->run(body->context, &sink, err);
	if (status == PNR_OK && to.left > 0)
		status = pnr_fail(err, PNR_CORRUPT, "its body ends %llu bytes early", (unsigned long long)to.left);
	return status;
}

static pnr_status add_entry(pnr_zip_writer *writer, const pnr_zip_entry *entry, const pnr_pump *body,
                            pnr_error *err)
{
	pnr_status status = check_entry(writer, entry, err);
	if (status != PNR_OK)
		return status;
	/* The offset counts too, though only the central header shows it: both headers need the same version. */
	bool zip64 = wide(entry->size) || wide(entry->body_size) || wide(writer->offset);
	pnr_buffer_clear(&writer->header);
	put_local(writer, entry, zip64, &writer->header);
	put_central(writer, entry, zip64, writer->offset, &writer->directory);
	status = pnr_buffer_status(&writer->header, err);
	if (status == PNR_OK)
		status = pnr_buffer_status(&writer->directory, err);
	if (status == PNR_OK)
		status = emit(writer, writer->header.data, writer->header.length, err);
	if (status == PNR_OK)
		status = emit_body(writer, entry->body_size, body, err);
	if (status == PNR_OK)
		writer->count++;
	return status;
}

/* What is half-written cannot be continued: the first failure ends it. */
static pnr_status begin(pnr_zip_writer *writer, pnr_error *err)
{
	if (writer->closed)
		return pnr_fail(err, PNR_INVALID, "the zip is finished, or failed before");
	writer->closed = true;
	return PNR_OK;
}

pnr_status pnr_zip_writer_add(pnr_zip_writer *writer, const pnr_zip_entry *entry, const pnr_pump *body,
                              pnr_error *err)
{
	pnr_status status = begin(writer, err);
	if (status != PNR_OK)
		return status;
	status = add_entry(writer, entry, body, err);
	if (status != PNR_OK) {
		pnr_context(err, "zip entry '%.200s'", entry->name);
		return status;
	}
	writer->closed = false;
	return PNR_OK;
}

static void put_end64(pnr_buffer *out, uint64_t count, uint64_t size, uint64_t offset)
{
	put32(out, END64_SIGNATURE);
	put64(out, END64_SIZE - 12);
	put16(out, MADE_BY);
	put16(out, NEEDS_ZIP64);
	put32(out, 0); /* this disk */
	put32(out, 0); /* the directory's disk */
	put64(out, count);
	put64(out, count);
	put64(out, size);
	put64(out, offset);

	put32(out, LOCATOR_SIGNATURE);
	put32(out, 0); /* the record's disk */
	put64(out, offset + size);
	put32(out, 1); /* disks */
}

static void put_end(pnr_buffer *out, uint64_t count, uint64_t size, uint64_t offset)
{
	unsigned shown = count >= WIDE16 ? WIDE16 : (unsigned)count;
	put32(out, END_SIGNATURE);
	put16(out, 0); /* this disk */
	put16(out, 0); /* the directory's disk */
	put16(out, shown);
	put16(out, shown);
	put32(out, narrow(size));
	put32(out, narrow(offset));
	put16(out, 0); /* comment length */
}

pnr_status pnr_zip_writer_finish(pnr_zip_writer *writer, uint64_t *out_size, pnr_error *err)
{
	pnr_status status = begin(writer, err);
	if (status != PNR_OK)
		return status;
	uint64_t offset = writer->offset;
	uint64_t size = writer->directory.length;
	pnr_buffer *end = &writer->header;
	pnr_buffer_clear(end);
	if (writer->count >= WIDE16 || wide(size) || wide(offset))
		put_end64(end, writer->count, size, offset);
	put_end(end, writer->count, size, offset);
	status = pnr_buffer_status(end, err);
	if (status == PNR_OK && size > 0)
		status = emit(writer, writer->directory.data, writer->directory.length, err);
	if (status == PNR_OK)
		status = emit(writer, end->data, end->length, err);
	if (status == PNR_OK)
		*out_size = writer->offset;
	return status;
}
