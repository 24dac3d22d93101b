/*
 * The structural check. It reads the end records, the central directory and
 * every local header, and accounts for each byte of the file: a body, or part
 * of a record that says the same as its counterpart.
 */
#include "zip/scan.h"
#include "base/array.h"
#include "base/file.h"
#include "base/path.h"
#include "zip/format.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* No DEFLATE stream gives more: 258 bytes for a match of two bits. */
#define DEFLATE_RATIO 1032u
/* A local header with the longest name and extra field. */
#define WINDOW_SIZE (LOCAL_SIZE + 2 * 65535u)
#define READ_AHEAD ((size_t)16 * PNR_KIB)
#define DOS_FOLDER 0x10u

typedef unsigned long long ull;

/* A part of the file in memory, so that headers close together cost one read. */
typedef struct window {
	uint8_t *data;
	uint64_t start;
	size_t length;
} window;

typedef struct scan {
	int fd;
	const char *name;
	pnr_zip_directory *dir;
	window window;
	pnr_error *err;
} scan;

/* Where the end records start, and what they say. */
typedef struct ending {
	uint64_t start;
	uint64_t count, size, offset; /* of the central directory */
} ending;

/* The fields that central and local headers share, wide values resolved. */
typedef struct fields {
	unsigned flags, method;
	uint32_t time, crc32;
	uint64_t size, body_size;
	size_t name_length, extra_length;
} fields;

/* The fields that only a central header has. */
typedef struct central {
	fields common;
	size_t comment_length;
	unsigned disk;
	uint32_t attributes;
	uint64_t offset;
	const char *name;
	const uint8_t *extra;
} central;

static uint64_t take(const uint8_t **p, unsigned bytes)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)(*p)[i] << (8 * i);
	*p += bytes;
	return value;
}

static unsigned take16(const uint8_t **p)
{
	return (unsigned)take(p, 2);
}

static uint32_t take32(const uint8_t **p)
{
	return (uint32_t)take(p, 4);
}

static uint64_t take64(const uint8_t **p)
{
	return take(p, 8);
}

/* Read exactly @length bytes that the file's size promises. */
static pnr_status read_at(const scan *s, uint64_t offset, void *buffer, size_t length)
{
	size_t got = 0;
	pnr_status status = pnr_file_pread(s->fd, buffer, length, offset, &got, s->name, s->err);
	if (status == PNR_OK && got < length)
		status = pnr_fail(s->err, PNR_CORRUPT, "the file became shorter while it was read");
	return status;
}

/* ------------------------------------------------------- the end records -- */

/* The last 22 bytes are no end record: find out what is wrong, for the message. */
static pnr_status explain_end(const scan *s)
{
	uint64_t size = s->dir->file_size;
	size_t length = size < END_SIZE + UINT16_MAX ? (size_t)size : END_SIZE + UINT16_MAX;
	PNR_CLEANUP(pnr_cleanup_free) uint8_t *tail = malloc(length);
	if (tail == NULL)
		return pnr_fail_nomem(s->err);
	pnr_status status = read_at(s, size - length, tail, length);
	if (status != PNR_OK)
		return status;
	for (size_t i = length - END_SIZE + 1; i-- > 0;) {
		const uint8_t *p = tail + i;
		if (take32(&p) != END_SIGNATURE)
			continue;
		size_t after = length - END_SIZE - i;
		p = tail + i + END_SIZE - 2;
		size_t comment = take16(&p);
		if (comment > after)
			return pnr_fail(s->err, PNR_CORRUPT, "it is cut short in the archive comment");
		if (comment == after)
			return pnr_fail(s->err, PNR_CORRUPT,
			                "it has an archive comment of %zu bytes; a package has none", comment);
		return pnr_fail(s->err, PNR_CORRUPT, "trailing data: %zu bytes follow the end record", after - comment);
	}
	return pnr_fail(s->err, PNR_CORRUPT, "no end record at its end: not a zip, or cut short");
}

/* A classic field and its zip64 counterpart agree if they are equal or the classic one says "see there". */
static bool agree(uint64_t classic, uint64_t limit, uint64_t value)
{
	return classic == value || classic == limit;
}

/* The zip64 record and its locator, right in front of the classic record at @end->start. */
static pnr_status read_end64(const scan *s, const uint8_t *locator, ending *end)
{
	const uint8_t *p = locator + 4;
	uint32_t disk = take32(&p);
	uint64_t offset = take64(&p);
	uint32_t disks = take32(&p);
	if (disk != 0 || disks > 1)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "it is split over several disks");
	uint64_t place = end->start - LOCATOR_SIZE;
	if (place < END64_SIZE || offset != place - END64_SIZE)
		return pnr_fail(s->err, PNR_CORRUPT,
		                "the zip64 locator points to %llu, not to a record right in front of it", (ull)offset);

	uint8_t record[END64_SIZE];
	pnr_status status = read_at(s, offset, record, sizeof record);
	if (status != PNR_OK)
		return status;
	p = record;
	if (take32(&p) != END64_SIGNATURE || take64(&p) != END64_SIZE - 12)
		return pnr_fail(s->err, PNR_CORRUPT, "no zip64 end record of 56 bytes at %llu", (ull)offset);
	p += 4; /* versions */
	uint64_t both_disks = take64(&p), here = take64(&p);
	uint64_t count = take64(&p), size = take64(&p), start = take64(&p);
	if (both_disks != 0 || here != count)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "it is split over several disks");
	if (!agree(end->count, WIDE16, count) || !agree(end->size, WIDE32, size) ||
	    !agree(end->offset, WIDE32, start))
		return pnr_fail(s->err, PNR_CORRUPT, "the zip64 end record contradicts the classic one");
	*end = (ending){ .start = offset, .count = count, .size = size, .offset = start };
	return PNR_OK;
}

static pnr_status read_end(const scan *s, ending *end)
{
	uint64_t size = s->dir->file_size;
	uint8_t tail[LOCATOR_SIZE + END_SIZE] = { 0 };
	if (size < END_SIZE)
		return pnr_fail(s->err, PNR_CORRUPT, "too short for a zip: %llu bytes", (ull)size);
	size_t length = size < sizeof tail ? END_SIZE : sizeof tail;
	pnr_status status = read_at(s, size - length, tail + sizeof tail - length, length);
	if (status != PNR_OK)
		return status;

	const uint8_t *p = tail + LOCATOR_SIZE;
	bool found = take32(&p) == END_SIGNATURE;
	unsigned disk = take16(&p), start_disk = take16(&p);
	unsigned here = take16(&p);
	end->start = size - END_SIZE;
	end->count = take16(&p);
	end->size = take32(&p);
	end->offset = take32(&p);
	if (!found || take16(&p) != 0)
		return explain_end(s);

	p = tail;
	bool zip64 = take32(&p) == LOCATOR_SIGNATURE;
	bool one_disk = (disk == 0 || (zip64 && disk == WIDE16)) &&
	                (start_disk == 0 || (zip64 && start_disk == WIDE16));
	if (!one_disk || here != end->count)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "it is split over several disks");
	return zip64 ? read_end64(s, tail, end) : PNR_OK;
}

/* What the end records say must fit the file, before memory is asked for. */
static pnr_status check_end(const scan *s, const ending *end)
{
	if (end->offset > end->start || end->size > end->start - end->offset)
		return pnr_fail(s->err, PNR_CORRUPT,
		                "the central directory (%llu bytes at %llu) reaches beyond the end record at %llu",
		                (ull)end->size, (ull)end->offset, (ull)end->start);
	if (end->size < end->start - end->offset)
		return pnr_fail(s->err, PNR_CORRUPT,
		                "%llu bytes lie in front of the zip or between its central directory and its end",
		                (ull)(end->start - end->offset - end->size));
	if (end->size > PNR_ZIP_DIRECTORY_MAX)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "its central directory is larger than %u MiB",
		                PNR_ZIP_DIRECTORY_MAX / PNR_MIB);
	if (end->count > end->size / CENTRAL_SIZE)
		return pnr_fail(s->err, PNR_CORRUPT, "its central directory is too short for %llu entries",
		                (ull)end->count);
	return PNR_OK;
}

/* --------------------------------------------------------- extra fields -- */

/* The zip64 field: @wanted values, in order. */
static pnr_status read_wide(const scan *s, const uint8_t *field, size_t length, uint64_t *const wanted[],
                            size_t wanted_count)
{
	if (length != 8 * wanted_count)
		return pnr_fail(s->err, PNR_CORRUPT, "its zip64 extra field has %zu bytes where %zu are needed",
		                length, 8 * wanted_count);
	for (size_t i = 0; i < wanted_count; i++) {
		*wanted[i] = take64(&field);
		if (*wanted[i] > INT64_MAX)
			return pnr_fail(s->err, PNR_CORRUPT, "its zip64 extra field gives a size beyond any file");
	}
	return PNR_OK;
}

/* A second name for the entry (APPNOTE 4.6.9): harmless only if it is the same name. */
static pnr_status check_unicode_path(const scan *s, const uint8_t *field, size_t length, const char *name,
                                     size_t name_length)
{
	const size_t head = 5; /* version, CRC-32 of the name */
	const uint8_t *p = field + 1;
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)name, (uInt)name_length);
	if (length != head + name_length || field[0] != 1 || take32(&p) != crc ||
	    memcmp(field + head, name, name_length) != 0)
		return pnr_fail(s->err, PNR_CORRUPT, "its Unicode path extra field gives another name");
	return PNR_OK;
}

/* Walk the extra fields; what is neither zip64 nor a name is skipped. @spare: the zip64 field may be missing. */
static pnr_status read_extra(const scan *s, const uint8_t *extra, size_t length, const char *name,
                             size_t name_length, uint64_t *const wanted[], size_t wanted_count, bool spare)
{
	bool found = false;
	const uint8_t *end = extra + length;
	while (extra < end) {
		if (end - extra < 4)
			return pnr_fail(s->err, PNR_CORRUPT, "its extra field is malformed");
		unsigned id = take16(&extra);
		size_t size = take16(&extra);
		if (size > (size_t)(end - extra))
			return pnr_fail(s->err, PNR_CORRUPT, "its extra field is malformed");
		pnr_status status = PNR_OK;
		if (id == EXTRA_ZIP64 && found)
			status = pnr_fail(s->err, PNR_CORRUPT, "it has two zip64 extra fields");
		else if (id == EXTRA_ZIP64)
			status = read_wide(s, extra, size, wanted, wanted_count);
		else if (id == EXTRA_UNICODE_PATH)
			status = check_unicode_path(s, extra, size, name, name_length);
		if (status != PNR_OK)
			return status;
		found = found || id == EXTRA_ZIP64;
		extra += size;
	}
	if (wanted_count > 0 && !found && !spare)
		return pnr_fail(s->err, PNR_CORRUPT, "a size or offset of 0xFFFFFFFF without a zip64 extra field");
	return PNR_OK;
}

/* ------------------------------------------------- the central directory -- */

static void take_common(const uint8_t **p, fields *f)
{
	*p += 2; /* version needed: method and flags say it better */
	f->flags = take16(p);
	f->method = take16(p);
	f->time = take32(p);
	f->crc32 = take32(p);
	f->body_size = take32(p);
	f->size = take32(p);
	f->name_length = take16(p);
	f->extra_length = take16(p);
}

static void take_central(const uint8_t *p, central *c)
{
	p += 4 + 2; /* signature, version made by */
	take_common(&p, &c->common);
	c->comment_length = take16(&p);
	c->disk = take16(&p);
	p += 2; /* internal attributes */
	c->attributes = take32(&p);
	c->offset = take32(&p);
	c->name = (const char *)p;
	c->extra = p + c->common.name_length;
}

static pnr_status check_name(const scan *s, const char *name, size_t length)
{
	if (length == 0)
		return pnr_fail(s->err, PNR_CORRUPT, "its name is empty");
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '\0')
			return pnr_fail(s->err, PNR_CORRUPT, "its name holds a NUL");
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return pnr_fail(s->err, PNR_CORRUPT, "its name holds a control character");
	}
	if (!pnr_utf8_valid(name, length))
		return pnr_fail(s->err, PNR_CORRUPT, "its name is not valid UTF-8");
	return PNR_OK;
}

/* Whatever system made it: an extractor may look at the Unix mode all the same. */
static pnr_status check_attributes(const scan *s, uint32_t attributes, bool folder)
{
	unsigned type = attributes >> 16 & S_IFMT;
	if (type != 0 && type != S_IFREG && type != S_IFDIR)
		return pnr_fail(s->err, PNR_CORRUPT, "it is a %s, not a file",
		                type == S_IFLNK ? "symbolic link" : "device or other special file");
	if ((type == S_IFREG && folder) || (type == S_IFDIR && !folder))
		return pnr_fail(s->err, PNR_CORRUPT, "its attributes and its name disagree on whether it is a folder");
	if ((attributes & DOS_FOLDER) != 0 && !folder)
		return pnr_fail(s->err, PNR_CORRUPT, "its attributes make it a folder, its name does not");
	return PNR_OK;
}

static pnr_status check_kind(const scan *s, const central *c)
{
	const fields *f = &c->common;
	if ((f->flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED)) != 0)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "it is encrypted");
	if ((f->flags & FLAG_PATCHED) != 0)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "it is compressed patched data");
	if (f->method != PNR_ZIP_STORED && f->method != PNR_ZIP_DEFLATED)
		return pnr_fail(s->err, PNR_UNSUPPORTED,
		                "compression method %u; only stored (0) and deflated (8) are read", f->method);
	if (c->disk != 0)
		return pnr_fail(s->err, PNR_UNSUPPORTED, "it lies on disk %u", c->disk);
	return PNR_OK;
}

static pnr_status check_sizes(const scan *s, const fields *f, bool folder)
{
	if (folder && f->size != 0)
		return pnr_fail(s->err, PNR_CORRUPT, "it is a folder with content");
	if (f->method == PNR_ZIP_STORED && f->size != f->body_size)
		return pnr_fail(s->err, PNR_CORRUPT, "stored, yet its body of %llu bytes is not its size of %llu",
		                (ull)f->body_size, (ull)f->size);
	if (f->body_size > s->dir->offset)
		return pnr_fail(s->err, PNR_CORRUPT, "its body of %llu bytes is larger than the file",
		                (ull)f->body_size);
	if (f->method == PNR_ZIP_DEFLATED && f->size / DEFLATE_RATIO > f->body_size)
		return pnr_fail(s->err, PNR_CORRUPT, "a bomb: no body of %llu bytes can give %llu bytes",
		                (ull)f->body_size, (ull)f->size);
	return PNR_OK;
}

static pnr_status check_central(const scan *s, central *c)
{
	fields *f = &c->common;
	uint64_t *const candidates[] = { &f->size, &f->body_size, &c->offset };
	uint64_t *wanted[PNR_COUNT(candidates)];
	size_t count = 0;
	for (size_t i = 0; i < PNR_COUNT(candidates); i++)
		if (*candidates[i] == WIDE32)
			wanted[count++] = candidates[i];
	pnr_status status =
		read_extra(s, c->extra, f->extra_length, c->name, f->name_length, wanted, count, false);
	bool folder = c->name[f->name_length - 1] == '/';
	if (status == PNR_OK)
		status = check_kind(s, c);
	if (status == PNR_OK)
		status = check_attributes(s, c->attributes, folder);
	if (status == PNR_OK)
		status = check_sizes(s, f, folder);
	return status;
}

/*
 * Decode the central header at *in. Its name goes to *out, which lies in the
 * same buffer, before it: names take the place of headers that are done with.
 */
static pnr_status read_central(const scan *s, const uint8_t **in, size_t left, char **out, pnr_zip_item *item)
{
	central c;
	const uint8_t *p = *in;
	if (left < CENTRAL_SIZE || take32(&p) != CENTRAL_SIGNATURE)
		return pnr_fail(s->err, PNR_CORRUPT, "no header in the central directory");
	take_central(*in, &c);
	size_t length = CENTRAL_SIZE + c.common.name_length + c.common.extra_length + c.comment_length;
	if (length > left)
		return pnr_fail(s->err, PNR_CORRUPT, "its header reaches beyond the central directory");
	pnr_status status = check_name(s, c.name, c.common.name_length);
	if (status != PNR_OK)
		return status;

	memmove(*out, c.name, c.common.name_length);
	(*out)[c.common.name_length] = '\0';
	item->entry.name = c.name = *out;
	status = check_central(s, &c);
	if (status != PNR_OK)
		return status;
	item->entry.method = c.common.method;
	item->entry.crc32 = c.common.crc32;
	item->entry.size = c.common.size;
	item->entry.body_size = c.common.body_size;
	item->offset = c.offset;
	item->time = c.common.time;
	item->flags = c.common.flags;
	*in += length;
	*out += c.common.name_length + 1;
	return PNR_OK;
}

/* Put the entry's name, or its number while it has none, in front of the cause. */
static pnr_status blame(const scan *s, const pnr_zip_item *item, pnr_status status)
{
	if (status == PNR_OK)
		return status;
	if (item->entry.name != NULL)
		pnr_context(s->err, "entry '%.200s'", item->entry.name);
	else
		pnr_context(s->err, "entry %zu", (size_t)(item - s->dir->items) + 1);
	return status;
}

static pnr_status read_directory(const scan *s, const ending *end)
{
	pnr_zip_directory *dir = s->dir;
	size_t size = (size_t)end->size;
	dir->offset = end->offset;
	dir->count = (size_t)end->count;
	dir->names = malloc(size + 1);
	dir->items = calloc(dir->count + 1, sizeof *dir->items);
	dir->sorted = calloc(dir->count + 1, sizeof *dir->sorted);
	if (dir->names == NULL || dir->items == NULL || dir->sorted == NULL)
		return pnr_fail_nomem(s->err);
	pnr_status status = read_at(s, end->offset, dir->names, size);
	if (status != PNR_OK)
		return status;

	const uint8_t *in = (const uint8_t *)dir->names, *limit = in + size;
	char *out = dir->names;
	for (size_t i = 0; i < dir->count; i++) {
		dir->sorted[i] = &dir->items[i];
		status = read_central(s, &in, (size_t)(limit - in), &out, &dir->items[i]);
		if (status != PNR_OK)
			return blame(s, &dir->items[i], status);
	}
	if (in != limit)
		return pnr_fail(s->err, PNR_CORRUPT,
		                "%zu bytes follow the last of %zu entries in the central directory",
		                (size_t)(limit - in), dir->count);
	return PNR_OK;
}

/* -------------------------------------------------------- local headers -- */

/* The bytes @offset..@offset+@length of the file; valid until the next look. */
static pnr_status look(scan *s, uint64_t offset, size_t length, const uint8_t **out_data)
{
	window *w = &s->window;
	if (offset < w->start || offset - w->start > w->length || length > w->length - (offset - w->start)) {
		uint64_t left = s->dir->file_size - offset;
		size_t want = length > READ_AHEAD ? length : READ_AHEAD;
		if (want > left)
			want = (size_t)left;
		w->length = 0;
		pnr_status status = read_at(s, offset, w->data, want);
		if (status != PNR_OK)
			return status;
		w->start = offset;
		w->length = want;
	}
	*out_data = w->data + (offset - w->start);
	return PNR_OK;
}

/* A value that a local header may leave at 0 when a data descriptor follows the body. */
static bool repeats(const pnr_zip_item *item, uint64_t local, uint64_t value)
{
	return local == value || (local == 0 && (item->flags & FLAG_DESCRIPTOR) != 0);
}

static pnr_status compare_local(const scan *s, const pnr_zip_item *item, const fields *local)
{
	const unsigned flags = FLAG_ENCRYPTED | FLAG_DESCRIPTOR | FLAG_STRONG_ENCRYPTION | FLAG_UTF8 | FLAG_MASKED;
	const pnr_zip_entry *entry = &item->entry;
	const char *what = NULL;
	if (((local->flags ^ item->flags) & flags) != 0)
		what = "flags";
	else if (local->method != entry->method)
		what = "method";
	else if (local->time != item->time)
		what = "time";
	else if (!repeats(item, local->crc32, entry->crc32))
		what = "CRC";
	else if (!repeats(item, local->size, entry->size))
		what = "size";
	else if (!repeats(item, local->body_size, entry->body_size))
		what = "compressed size";
	if (what != NULL)
		return pnr_fail(s->err, PNR_CORRUPT, "its local header and the central directory disagree on its %s",
		                what);
	return PNR_OK;
}

/* Check the local header against the central one. *out_body: where its body starts. */
static pnr_status check_local(scan *s, const pnr_zip_item *item, uint64_t next, uint64_t *out_body)
{
	const uint8_t *p;
	fields local;
	uint64_t room = next - item->offset;
	if (room < LOCAL_SIZE)
		return pnr_fail(s->err, PNR_CORRUPT, "its local header overlaps what follows");
	pnr_status status = look(s, item->offset, LOCAL_SIZE, &p);
	if (status != PNR_OK)
		return status;
	if (take32(&p) != LOCAL_SIGNATURE)
		return pnr_fail(s->err, PNR_CORRUPT, "no local header at %llu", (ull)item->offset);
	take_common(&p, &local);
	size_t length = LOCAL_SIZE + local.name_length + local.extra_length;
	if (length > room)
		return pnr_fail(s->err, PNR_CORRUPT, "its local header overlaps what follows");
	status = look(s, item->offset, length, &p);
	if (status != PNR_OK)
		return status;
	const char *name = (const char *)p + LOCAL_SIZE;
	if (local.name_length != strlen(item->entry.name) || memcmp(name, item->entry.name, local.name_length) != 0)
		return pnr_fail(s->err, PNR_CORRUPT, "its local header and the central directory disagree on its name");

	/* Both sizes are wide here, or none (APPNOTE 4.5.3); Python before 3.11.4 also writes what is not needed. */
	fields full = local;
	uint64_t *wanted[] = { &full.size, &full.body_size };
	bool wide = local.size == WIDE32 || local.body_size == WIDE32;
	status = read_extra(s, p + LOCAL_SIZE + local.name_length, local.extra_length, name, local.name_length,
	                    wanted, PNR_COUNT(wanted), !wide);
	if (status == PNR_OK && !wide)
		status = compare_local(s, item, &local);
	if (status == PNR_OK)
		status = compare_local(s, item, &full);
	if (status == PNR_OK)
		*out_body = item->offset + length;
	return status;
}

/* The data descriptor (APPNOTE 4.3.9) fills @length bytes at @offset: with a signature or without, sizes of 4 or 8 bytes. */
static pnr_status check_descriptor(scan *s, const pnr_zip_entry *entry, uint64_t offset, uint64_t length)
{
	const uint8_t *p;
	if (length != 12 && length != 16 && length != 20 && length != 24)
		return pnr_fail(s->err, PNR_CORRUPT, "%llu bytes follow its body where a data descriptor belongs",
		                (ull)length);
	pnr_status status = look(s, offset, (size_t)length, &p);
	if (status != PNR_OK)
		return status;
	bool right = length % 8 == 4 || take32(&p) == DESCRIPTOR_SIGNATURE;
	unsigned width = length >= 20 ? 8 : 4;
	right = right && take32(&p) == entry->crc32;
	right = right && take(&p, width) == entry->body_size;
	right = right && take(&p, width) == entry->size;
	if (!right)
		return pnr_fail(s->err, PNR_CORRUPT, "its data descriptor contradicts the central directory");
	return PNR_OK;
}

/* The entry fills the file from its local header to @next. */
static pnr_status check_place(scan *s, pnr_zip_item *item, uint64_t next)
{
	pnr_status status = check_local(s, item, next, &item->body);
	if (status != PNR_OK)
		return status;
	if (item->entry.body_size > next - item->body)
		return pnr_fail(s->err, PNR_CORRUPT, "its body overlaps what follows");
	uint64_t end = item->body + item->entry.body_size;
	if ((item->flags & FLAG_DESCRIPTOR) != 0)
		return check_descriptor(s, &item->entry, end, next - end);
	if (end != next)
		return pnr_fail(s->err, PNR_CORRUPT, "a gap: %llu bytes after its body belong to no entry",
		                (ull)(next - end));
	return PNR_OK;
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = (*(pnr_zip_item *const *)a)->offset, y = (*(pnr_zip_item *const *)b)->offset;
	return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(pnr_zip_item *const *)a)->entry.name, (*(pnr_zip_item *const *)b)->entry.name);
}

static pnr_status check_places(scan *s)
{
	pnr_zip_directory *dir = s->dir;
	pnr_array_sort(dir->sorted, dir->count, sizeof *dir->sorted, by_offset);
	uint64_t first = dir->count > 0 ? dir->sorted[0]->offset : dir->offset;
	if (first != 0)
		return pnr_fail(s->err, PNR_CORRUPT, "%llu bytes lie in front of the first entry", (ull)first);
	for (size_t i = 0; i < dir->count; i++) {
		pnr_zip_item *item = dir->sorted[i];
		uint64_t next = i + 1 < dir->count ? dir->sorted[i + 1]->offset : dir->offset;
		pnr_status status = item->offset > dir->offset || next > dir->offset
			? pnr_fail(s->err, PNR_CORRUPT, "its local header lies behind the central directory")
			: check_place(s, item, next);
		if (status != PNR_OK)
			return blame(s, item, status);
	}
	return PNR_OK;
}

static pnr_status check_unique(const scan *s)
{
	pnr_zip_directory *dir = s->dir;
	pnr_array_sort(dir->sorted, dir->count, sizeof *dir->sorted, by_name);
	for (size_t i = 1; i < dir->count; i++)
		if (strcmp(dir->sorted[i - 1]->entry.name, dir->sorted[i]->entry.name) == 0)
			return pnr_fail(s->err, PNR_CORRUPT, "two entries have the name '%.200s'",
			                dir->sorted[i]->entry.name);
	return PNR_OK;
}

/* ------------------------------------------------------------------ all -- */

static pnr_status scan_file(scan *s)
{
	struct stat st;
	ending end = { 0 };
	pnr_status status = pnr_file_stat(s->fd, &st, s->name, s->err);
	if (status != PNR_OK)
		return status;
	if (!S_ISREG(st.st_mode))
		return pnr_fail(s->err, PNR_INVALID, "not a regular file");
	s->dir->file_size = (uint64_t)st.st_size;
	status = read_end(s, &end);
	if (status == PNR_OK)
		status = check_end(s, &end);
	if (status == PNR_OK)
		status = read_directory(s, &end);
	if (status == PNR_OK)
		status = check_places(s);
	if (status == PNR_OK)
		status = check_unique(s);
	return status;
}

pnr_status pnr_zip_scan(int fd, const char *name, pnr_zip_directory *out_directory, pnr_error *err)
{
	PNR_CLEANUP(pnr_zip_directory_free) pnr_zip_directory dir = PNR_ZIP_DIRECTORY_INIT;
	PNR_CLEANUP(pnr_cleanup_free) uint8_t *bytes = malloc(WINDOW_SIZE);
	if (bytes == NULL)
		return pnr_fail_nomem(err);
	scan s = { .fd = fd, .name = name, .dir = &dir, .window = { .data = bytes }, .err = err };
	pnr_status status = scan_file(&s);
	if (status != PNR_OK) {
		pnr_context(err, "zip '%s'", name);
		return status;
	}
	*out_directory = dir;
	dir = (pnr_zip_directory)PNR_ZIP_DIRECTORY_INIT;
	return PNR_OK;
}

void pnr_zip_directory_free(pnr_zip_directory *directory)
{
	free(directory->items);
	free(directory->sorted);
	free(directory->names);
	*directory = (pnr_zip_directory)PNR_ZIP_DIRECTORY_INIT;
}
