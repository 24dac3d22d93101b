/* What the tests of the zip layer share: zips in memory files, and a generator of zips that are wrong in one place. */
#ifndef TESTS_ZIP_SUPPORT_H
#define TESTS_ZIP_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../entry.h"
#include "base/buffer.h"
#include "base/file.h"
#include "codec/encode.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define UNUSED __attribute__((unused))
#define TIME_MS 1769258096789LL /* 2026-01-24T12:34:56.789Z */
#define DOS_TIME 0x645cu
#define DOS_DATE 0x5c38u

static UNUSED void must(pnr_status status, const pnr_error *err)
{
	if (status != PNR_OK)
		fail_msg("%s: %s", pnr_status_name(status), err->message);
}

static UNUSED uint32_t crc_of(const void *data, size_t length)
{
	return (uint32_t)crc32(0, data, (uInt)length);
}

/* A file without a name that holds @length bytes. */
static UNUSED int memory_file(const void *data, size_t length)
{
	int fd = memfd_create("zip", MFD_CLOEXEC);
	pnr_error err = PNR_ERROR_INIT;
	assert_true(fd >= 0);
	must(pnr_file_write(fd, data, length, "zip", &err), &err);
	return fd;
}

/* ------------------------------------------------------------- recipes -- */

/* A local and a central header have these in common; a recipe may let them differ. */
typedef struct header {
	unsigned flags, method, time, date;
	uint32_t crc, body_size, size;
	const char *name;
	size_t name_length;
	const char *extra;
	size_t extra_length;
	/* central only */
	unsigned made_by, disk;
	uint32_t attributes, offset;
	const char *comment;
	uint32_t signature;
} header;

typedef struct part {
	header local, central;
	const char *body;
	size_t body_length;
	const char *after; /* data descriptor, or what does not belong there */
	size_t after_length;
} part;

typedef struct end_record {
	unsigned disk, start_disk, here, count;
	uint32_t size, offset;
	const char *comment;
	size_t comment_length; /* as announced */
} end_record;

typedef struct end64_record {
	bool present;
	uint64_t record_size, here, count, size, offset;
	uint32_t disk, locator_disk, disks;
	uint64_t locator_offset;
} end64_record;

/* A zip before it is written: all of it may be changed, before and after it was laid out. */
typedef struct recipe {
	part parts[4];
	size_t count;
	const char *front, *gap, *gap64, *back; /* stray bytes: first, before the directory, behind it, last */
	bool reversed;                          /* the directory lists the entries from the last to the first */
	end_record end;
	end64_record end64;
} recipe;

static UNUSED void put(pnr_buffer *out, uint64_t value, unsigned bytes)
{
	for (; bytes > 0; bytes--, value >>= 8)
		pnr_buffer_putc(out, (char)(unsigned char)(value & 0xff));
}

static UNUSED void add_part(recipe *r, const char *name, unsigned method, const char *body, size_t body_length,
                            uint32_t crc, size_t size)
{
	header h = { .method = method, .time = DOS_TIME, .date = DOS_DATE, .crc = crc, .body_size = (uint32_t)body_length,
		     .size = (uint32_t)size, .name = name, .name_length = strlen(name), .made_by = 0x0314,
		     .attributes = 0100644u << 16, .signature = 0x02014b50 };
	part *p = &r->parts[r->count++];
	*p = (part){ .local = h, .central = h, .body = body, .body_length = body_length };
	p->local.signature = 0x04034b50;
}

#define TEXT "hello hello hello hello\n"
#define TEXT_DEFLATED "\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00"

/* Three entries that any tool accepts: stored, deflated, empty. */
static UNUSED recipe good_recipe(void)
{
	recipe r = { .front = "", .gap = "", .gap64 = "", .back = "" };
	add_part(&r, "manifest.json", 0, "{}\n", 3, crc_of("{}\n", 3), 3);
	add_part(&r, "wasm/a.wasm", 8, TEXT_DEFLATED, sizeof TEXT_DEFLATED - 1, crc_of(TEXT, sizeof TEXT - 1),
	         sizeof TEXT - 1);
	add_part(&r, "data/b.csv", 0, "", 0, 0, 0);
	return r;
}

static UNUSED void put_header(pnr_buffer *out, const header *h, bool is_central)
{
	put(out, h->signature, 4);
	if (is_central)
		put(out, h->made_by, 2);
	put(out, 20, 2);
	put(out, h->flags, 2);
	put(out, h->method, 2);
	put(out, h->time, 2);
	put(out, h->date, 2);
	put(out, h->crc, 4);
	put(out, h->body_size, 4);
	put(out, h->size, 4);
	put(out, h->name_length, 2);
	put(out, h->extra_length, 2);
	if (is_central) {
		put(out, h->comment == NULL ? 0 : strlen(h->comment), 2);
		put(out, h->disk, 2);
		put(out, 0, 2);
		put(out, h->attributes, 4);
		put(out, h->offset, 4);
	}
	pnr_buffer_append(out, h->name, h->name_length);
	pnr_buffer_append(out, h->extra, h->extra_length);
	if (is_central && h->comment != NULL)
		pnr_buffer_puts(out, h->comment);
}

/* Set every offset, size and count to what is right for the parts. */
static UNUSED void lay_out(recipe *r)
{
	size_t offset = strlen(r->front), size = 0;
	for (size_t i = 0; i < r->count; i++) {
		part *p = &r->parts[i];
		p->central.offset = (uint32_t)offset;
		offset += 30 + p->local.name_length + p->local.extra_length + p->body_length + p->after_length;
		size += 46 + p->central.name_length + p->central.extra_length;
		size += p->central.comment == NULL ? 0 : strlen(p->central.comment);
	}
	offset += strlen(r->gap);
	r->end.here = r->end.count = (unsigned)r->count;
	r->end.size = (uint32_t)size;
	r->end.offset = (uint32_t)offset;
	r->end64.record_size = 44;
	r->end64.here = r->end64.count = r->count;
	r->end64.size = size;
	r->end64.offset = offset;
	r->end64.disks = 1;
	r->end64.locator_offset = offset + size + strlen(r->gap64);
}

static UNUSED void put_end64(pnr_buffer *out, const end64_record *e)
{
	put(out, 0x06064b50, 4);
	put(out, e->record_size, 8);
	put(out, 45, 2);
	put(out, 45, 2);
	put(out, e->disk, 4);
	put(out, 0, 4);
	put(out, e->here, 8);
	put(out, e->count, 8);
	put(out, e->size, 8);
	put(out, e->offset, 8);
	put(out, 0x07064b50, 4);
	put(out, e->locator_disk, 4);
	put(out, e->locator_offset, 8);
	put(out, e->disks, 4);
}

static UNUSED void put_end(pnr_buffer *out, const end_record *e)
{
	put(out, 0x06054b50, 4);
	put(out, e->disk, 2);
	put(out, e->start_disk, 2);
	put(out, e->here, 2);
	put(out, e->count, 2);
	put(out, e->size, 4);
	put(out, e->offset, 4);
	put(out, e->comment_length, 2);
	if (e->comment != NULL)
		pnr_buffer_puts(out, e->comment);
}

static UNUSED void cook(const recipe *r, pnr_buffer *out)
{
	pnr_buffer_puts(out, r->front);
	for (size_t i = 0; i < r->count; i++) {
		put_header(out, &r->parts[i].local, false);
		pnr_buffer_append(out, r->parts[i].body, r->parts[i].body_length);
		pnr_buffer_append(out, r->parts[i].after, r->parts[i].after_length);
	}
	pnr_buffer_puts(out, r->gap);
	for (size_t i = 0; i < r->count; i++)
		put_header(out, &r->parts[r->reversed ? r->count - 1 - i : i].central, true);
	pnr_buffer_puts(out, r->gap64);
	if (r->end64.present)
		put_end64(out, &r->end64);
	put_end(out, &r->end);
	pnr_buffer_puts(out, r->back);
	assert_false(out->failed);
}

/* ------------------------------------------------------------- reading -- */

static UNUSED pnr_status open_bytes(const pnr_buffer *bytes, int *out_fd, pnr_zip_reader **out_reader, pnr_error *err)
{
	*out_fd = memory_file(bytes->data, bytes->length);
	return pnr_zip_reader_open(*out_fd, "test.zip", out_reader, err);
}

/* The content of an entry, as whoever reads a zip gets it: its body, decoded. */
static UNUSED pnr_status read_entry(const pnr_zip_reader *reader, uint64_t index, const pnr_sink *out, pnr_error *err)
{
	const pnr_zip_entry *entry = pnr_zip_reader_entry(reader, index);
	pnr_file_range range = pnr_zip_reader_body(reader, index);
	const pnr_source source = pnr_file_range_source(&range);
	assert_int_equal(range.length, entry->body_size);
	return entry->method == PNR_ZIP_DEFLATED
	               ? pnr_inflate(&source, entry->body_size, entry->size, out, NULL, err)
	               : pnr_source_copy(&source, out, err);
}

/* Read every entry; the first failure ends it. */
static UNUSED pnr_status read_all(pnr_zip_reader *reader, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (uint64_t i = 0; i < pnr_zip_reader_count(reader) && status == PNR_OK; i++) {
		pnr_buffer content = PNR_BUFFER_INIT;
		const pnr_zip_entry *entry = pnr_zip_reader_entry(reader, i);
		pnr_buffer_end end = { &content, (size_t)entry->size };
		const pnr_sink sink = pnr_buffer_end_sink(&end);
		status = read_entry(reader, i, &sink, err);
		if (status == PNR_OK) {
			assert_int_equal(content.length, entry->size);
			assert_int_equal(crc_of(content.data, content.length), entry->crc32);
		}
		pnr_buffer_free(&content);
	}
	return status;
}

#endif
