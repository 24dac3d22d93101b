/*
 * What the scan found, once libzip agrees on every entry. Bodies are read where
 * the scan saw them, not through libzip: it knows nothing more of them, reads one
 * at a time, accepts a DEFLATE stream without an end and does not notice bytes
 * behind one.
 */
#include "base/file.h"
#include "zip/scan.h"
#include "zip/zip.h"
#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* Names that may share a slot of libzip's hash table. Of a million ordinary names some ten do. */
#define SLOT_MAX 1000u

struct pnr_zip_reader {
	int fd;
	char *name;
	pnr_zip_directory dir;
	zip_t *zip;
	/* of the file as libzip sees it */
	uint64_t position;
	bool opening;
	zip_error_t zip_error;
	pnr_error io_error; /* of the last read that failed; clear if none did */
};

/* -------------------------------------------------- the file, for libzip -- */

/*
 * While libzip looks for the end record it sees zeros instead of bodies: it
 * tries every signature in the last 64 KiB, and a stored body may well be a zip.
 */
static zip_int64_t read_bytes(pnr_zip_reader *reader, void *data, uint64_t length)
{
	uint64_t left = reader->dir.file_size - reader->position;
	size_t want = (size_t)(length < left ? length : left);
	size_t got = 0;
	if (pnr_file_pread(reader->fd, data, want, reader->position, &got, reader->name, &reader->io_error) !=
	    PNR_OK) {
		zip_error_set(&reader->zip_error, ZIP_ER_READ, reader->io_error.detail);
		return -1;
	}
	if (reader->opening && reader->position < reader->dir.offset) {
		uint64_t hidden = reader->dir.offset - reader->position;
		memset(data, 0, hidden < got ? (size_t)hidden : got);
	}
	reader->position += got;
	return (zip_int64_t)got;
}

static zip_int64_t seek(pnr_zip_reader *reader, void *data, zip_uint64_t length)
{
	zip_int64_t position = zip_source_seek_compute_offset(reader->position, reader->dir.file_size, data, length,
	                                                      &reader->zip_error);
	if (position < 0)
		return -1;
	reader->position = (uint64_t)position;
	return 0;
}

static zip_int64_t describe(const pnr_zip_reader *reader, zip_stat_t *st)
{
	zip_stat_init(st);
	st->valid = ZIP_STAT_SIZE;
	st->size = reader->dir.file_size;
	return sizeof *st;
}

/* The callback of zip_source_function(3). */
static zip_int64_t serve(void *user, void *data, zip_uint64_t length, zip_source_cmd_t command)
{
	pnr_zip_reader *reader = user;
	switch (command) {
	case ZIP_SOURCE_OPEN:
		reader->position = 0;
		return 0;
	case ZIP_SOURCE_READ:
		return read_bytes(reader, data, length);
	case ZIP_SOURCE_SEEK:
		return seek(reader, data, length);
	case ZIP_SOURCE_TELL:
		return (zip_int64_t)reader->position;
	case ZIP_SOURCE_STAT:
		return describe(reader, data);
	case ZIP_SOURCE_ERROR:
		return zip_error_to_data(&reader->zip_error, data, length);
	case ZIP_SOURCE_CLOSE:
	case ZIP_SOURCE_FREE:
		return 0;
	case ZIP_SOURCE_SUPPORTS:
		return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_SEEK,
		                                      ZIP_SOURCE_TELL, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
		                                      ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE, -1);
	default:
		zip_error_set(&reader->zip_error, ZIP_ER_OPNOTSUPP, 0);
		return -1;
	}
}

/* ---------------------------------------------------------------- errors -- */

/* What libzip reports; the read that it failed for, if there was one, says it better. */
static pnr_status fail_zip(const pnr_zip_reader *reader, zip_error_t *error, pnr_error *err)
{
	if (reader->io_error.status != PNR_OK) {
		if (err != NULL && err->status == PNR_OK)
			*err = reader->io_error;
		return reader->io_error.status;
	}
	if (zip_error_code_zip(error) == ZIP_ER_MEMORY)
		return pnr_fail_nomem(err);
	return pnr_fail(err, PNR_CORRUPT, "libzip: %s", zip_error_strerror(error));
}

/* ------------------------------------------------------------------ open -- */

static pnr_status open_libzip(pnr_zip_reader *reader, pnr_error *err)
{
	zip_error_t error;
	zip_error_init(&error);
	zip_source_t *source = zip_source_function_create(serve, reader, &error);
	if (source != NULL) {
		reader->opening = true;
		reader->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
		reader->opening = false;
		if (reader->zip == NULL)
			zip_source_free(source);
	}
	pnr_status status = reader->zip == NULL ? fail_zip(reader, &error, err) : PNR_OK;
	zip_error_fini(&error);
	return status;
}

static bool same(const zip_stat_t *st, const pnr_zip_entry *entry)
{
	const zip_uint64_t needed =
		ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC | ZIP_STAT_COMP_METHOD;
	return (st->valid & needed) == needed && strcmp(st->name, entry->name) == 0 && st->size == entry->size &&
	       st->comp_size == entry->body_size && st->crc == entry->crc32 && st->comp_method == entry->method;
}

/* A second opinion on the directory: libzip has read it with code of its own. */
static pnr_status cross_check(pnr_zip_reader *reader, pnr_error *err)
{
	zip_int64_t count = zip_get_num_entries(reader->zip, 0);
	if (count < 0 || (uint64_t)count != reader->dir.count)
		return pnr_fail(err, PNR_CORRUPT, "libzip sees %lld entries, not %zu", (long long)count,
		                reader->dir.count);
	for (size_t i = 0; i < reader->dir.count; i++) {
		const pnr_zip_entry *entry = &reader->dir.items[i].entry;
		zip_stat_t st;
		if (zip_stat_index(reader->zip, i, ZIP_FL_ENC_RAW, &st) != 0)
			return fail_zip(reader, zip_get_error(reader->zip), err);
		if (!same(&st, entry))
			return pnr_fail(err, PNR_CORRUPT, "libzip reads the header of entry '%.200s' differently",
			                entry->name);
	}
	return PNR_OK;
}

/*
 * libzip keeps the names in a hash table (33 * h + c, a power of two of slots)
 * that has no secret, and compares each name with all others of its slot: names
 * that were chosen to collide would cost the square of their number.
 */
static pnr_status check_slots(const pnr_zip_directory *dir, pnr_error *err)
{
	size_t slots = 256;
	while (slots < dir->count)
		slots *= 2;
	PNR_CLEANUP(pnr_cleanup_free) uint16_t *used = calloc(slots, sizeof *used);
	if (used == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < dir->count; i++) {
		uint32_t hash = 5381;
		for (const char *c = dir->items[i].entry.name; *c != '\0'; c++)
			hash = hash * 33 + (unsigned char)*c;
		if (++used[hash & (slots - 1)] > SLOT_MAX)
			return pnr_fail(err, PNR_CORRUPT, "more than %u names that were made to collide in a hash table",
			                SLOT_MAX);
	}
	return PNR_OK;
}

static void cleanup_reader(pnr_zip_reader **reader)
{
	pnr_zip_reader_close(*reader);
}

pnr_status pnr_zip_reader_open(int fd, const char *name, pnr_zip_reader **out_reader, pnr_error *err)
{
	PNR_CLEANUP(cleanup_reader) pnr_zip_reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return pnr_fail_nomem(err);
	zip_error_init(&reader->zip_error);
	reader->fd = fd;
	reader->name = strdup(name);
	if (reader->name == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_zip_scan(fd, name, &reader->dir, err);
	if (status != PNR_OK)
		return status;
	status = check_slots(&reader->dir, err);
	if (status == PNR_OK)
		status = open_libzip(reader, err);
	if (status == PNR_OK)
		status = cross_check(reader, err);
	if (status != PNR_OK) {
		pnr_context(err, "zip '%s'", name);
		return status;
	}
	/* It has said all that it is asked. */
	zip_discard(PNR_STEAL(reader->zip));
	*out_reader = PNR_STEAL(reader);
	return PNR_OK;
}

void pnr_zip_reader_close(pnr_zip_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->zip != NULL)
		zip_discard(reader->zip);
	zip_error_fini(&reader->zip_error);
	pnr_zip_directory_free(&reader->dir);
	free(reader->name);
	free(reader);
}

/* --------------------------------------------------------------- entries -- */

uint64_t pnr_zip_reader_count(const pnr_zip_reader *reader)
{
	return reader->dir.count;
}

const pnr_zip_entry *pnr_zip_reader_entry(const pnr_zip_reader *reader, uint64_t index)
{
	return &reader->dir.items[index].entry;
}

static int compare_name(const void *name, const void *item)
{
	return strcmp(name, (*(pnr_zip_item *const *)item)->entry.name);
}

bool pnr_zip_reader_find(const pnr_zip_reader *reader, const char *name, uint64_t *out_index)
{
	const pnr_zip_directory *dir = &reader->dir;
	pnr_zip_item *const *found = bsearch(name, dir->sorted, dir->count, sizeof *dir->sorted, compare_name);
	if (found == NULL)
		return false;
	*out_index = (uint64_t)(*found - dir->items);
	return true;
}

pnr_file_range pnr_zip_reader_body(const pnr_zip_reader *reader, uint64_t index)
{
	const pnr_zip_item *item = &reader->dir.items[index];
	return (pnr_file_range){ reader->fd, item->body, item->entry.body_size, reader->name };
}
