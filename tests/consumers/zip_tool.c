/*
 * A driver for the zip-*.sh scripts: the zip layer by itself.
 *
 *   zip_tool read FILE              every entry through the reader: name, size and CRC, one a line
 *   zip_tool zeros FILE SIZE...     one stored entry of SIZE zeros each, named zeros-SIZE; sparse on disk
 *   zip_tool many FILE COUNT        COUNT entries of a few bytes
 *   zip_tool mixed FILE             the kinds of entries there are: deflated, stored, empty, aligned, non-ASCII
 */
#include "../entry.h"
#include "base/file.h"
#include "codec/encode.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define TIME_MS 1769258096789LL /* 2026-01-24T12:34:56.789Z */

/* Leaves out what is zero, so that gigabytes cost nothing on disk. */
typedef struct sparse_file {
	int fd;
	uint64_t offset;
} sparse_file;

static bool all_zero(const char *data, size_t length)
{
	return length == 0 || (data[0] == 0 && memcmp(data, data + 1, length - 1) == 0);
}

static pnr_status sparse_write(void *context, const void *data, size_t length, pnr_error *err)
{
	sparse_file *file = context;
	pnr_status status = PNR_OK;
	if (!all_zero(data, length))
		status = pnr_file_pwrite(file->fd, data, length, file->offset, "output", err);
	file->offset += length;
	return status;
}

static pnr_status pump_zeros(void *context, const pnr_sink *sink, pnr_error *err)
{
	static const char zeros[1 << 20];
	pnr_status status = PNR_OK;
	uint64_t left = *(const uint64_t *)context;
	for (size_t step = sizeof zeros; status == PNR_OK && left > 0; left -= step) {
		step = left < step ? (size_t)left : step;
		status = sink->write(sink->context, zeros, step, err);
	}
	return status;
}

/* The CRC of @length zeros, by doubling: a prefix of 2^n zeros joined with itself. */
static uint32_t crc_of_zeros(uint64_t length)
{
	uLong crc = crc32(0, NULL, 0), power = crc32(0, (const Bytef *)"", 1);
	uint64_t size = 1;
	for (uint64_t left = length; left > 0; left /= 2, size *= 2) {
		if (left % 2 == 1)
			crc = crc32_combine(crc, power, (z_off_t)size);
		power = crc32_combine(power, power, (z_off_t)size);
	}
	return (uint32_t)crc;
}

static pnr_status add_zeros(pnr_zip_writer *writer, uint64_t size, pnr_error *err)
{
	char name[64];
	const pnr_pump pump = { pump_zeros, &size };
	(void)snprintf(name, sizeof name, "zeros-%llu", (unsigned long long)size);
	const pnr_zip_entry entry = { name, PNR_ZIP_STORED, crc_of_zeros(size), size, size };
	return pnr_zip_writer_add(writer, &entry, &pump, err);
}

static pnr_status add_text(pnr_zip_writer *writer, const char *name, const char *text, pnr_error *err)
{
	size_t length = strlen(text);
	const pnr_zip_entry entry = { name, PNR_ZIP_STORED, (uint32_t)crc32(0, (const Bytef *)text, (uInt)length),
	                              length, length };
	return add_entry(writer, &entry, text, length, err);
}

static pnr_status add_deflated(pnr_zip_writer *writer, const char *name, uint64_t size, pnr_error *err)
{
	uLong bound = compressBound((uLong)size) + 64;
	char *content = malloc(size + 1), *body = malloc(bound);
	if (content == NULL || body == NULL)
		abort();
	uint32_t seed = 12345;
	for (uint64_t i = 0; i < size; i++) {
		seed = seed * 1664525u + 1013904223u;
		content[i] = (char)('0' + (seed >> 24) % 10);
	}
	z_stream z = { .next_in = (Bytef *)content, .avail_in = (uInt)size,
		       .next_out = (Bytef *)body, .avail_out = (uInt)bound };
	if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK || deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	const pnr_zip_entry entry = { name, PNR_ZIP_DEFLATED, (uint32_t)crc32(0, (const Bytef *)content, (uInt)size),
	                              size, z.total_out };
	(void)deflateEnd(&z);
	pnr_status status = add_entry(writer, &entry, body, z.total_out, err);
	free(content);
	free(body);
	return status;
}

static pnr_status add_mixed(pnr_zip_writer *writer, pnr_error *err)
{
	pnr_status status = add_text(writer, "livecalc.config.json", "{}\n", err);
	if (status == PNR_OK)
		status = add_text(writer, "wasm/empty.wasm", "", err);
	if (status == PNR_OK)
		status = add_deflated(writer, "assumptions/small.csv", 10000, err);
	if (status == PNR_OK)
		status = add_deflated(writer, "data/aligned, deflated.csv", 3000000, err);
	if (status == PNR_OK)
		status = add_zeros(writer, 1048576, err);
	if (status == PNR_OK)
		status = add_text(writer, "data/gr\xc3\xb6\xc3\x9f" "e \xe6\x97\xa5\xe6\x9c\xac.csv", "a;b\n", err);
	return status;
}

static pnr_status add_all(pnr_zip_writer *writer, const char *mode, char **arguments, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (strcmp(mode, "mixed") == 0)
		return add_mixed(writer, err);
	if (strcmp(mode, "zeros") == 0) {
		for (; *arguments != NULL && status == PNR_OK; arguments++)
			status = add_zeros(writer, strtoull(*arguments, NULL, 10), err);
		return status;
	}
	uint64_t count = strtoull(arguments[0], NULL, 10);
	for (uint64_t i = 0; i < count && status == PNR_OK; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "data/%06llu.csv", (unsigned long long)i);
		status = add_text(writer, name, name, err);
	}
	return status;
}

static pnr_status write_zip(const char *mode, const char *path, char **arguments, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_TRUNC, 0666, &fd, err);
	if (status != PNR_OK)
		return status;
	sparse_file file = { fd, 0 };
	const pnr_sink sink = { .write = sparse_write, .context = &file };
	pnr_zip_writer *writer = NULL;
	uint64_t size = 0;
	status = pnr_zip_writer_new(&sink, TIME_MS, &writer, err);
	if (status == PNR_OK)
		status = add_all(writer, mode, arguments, err);
	if (status == PNR_OK)
		status = pnr_zip_writer_finish(writer, &size, err);
	pnr_zip_writer_free(writer);
	if (status == PNR_OK && size != file.offset)
		status = pnr_fail(err, PNR_CORRUPT, "the writer says %llu bytes and wrote %llu",
		                  (unsigned long long)size, (unsigned long long)file.offset);
	return status;
}

typedef struct counter {
	uint64_t size;
	uLong crc;
} counter;

static pnr_status count_write(void *context, const void *data, size_t length, pnr_error *err)
{
	counter *c = context;
	(void)err;
	c->size += length;
	c->crc = crc32(c->crc, data, (uInt)length);
	return PNR_OK;
}

static pnr_status read_zip(const char *path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_zip_reader *reader = NULL;
	pnr_status status = pnr_file_open(AT_FDCWD, path, O_RDONLY, 0, &fd, err);
	if (status == PNR_OK)
		status = pnr_zip_reader_open(fd, path, &reader, err);
	for (uint64_t i = 0; status == PNR_OK && i < pnr_zip_reader_count(reader); i++) {
		const pnr_zip_entry *entry = pnr_zip_reader_entry(reader, i);
		counter found = { 0, crc32(0, NULL, 0) };
		const pnr_sink sink = { .write = count_write, .context = &found };
		pnr_file_range range = pnr_zip_reader_body(reader, i);
		const pnr_source source = pnr_file_range_source(&range);
		status = entry->method == PNR_ZIP_DEFLATED
		                 ? pnr_inflate(&source, entry->body_size, entry->size, &sink, NULL, err)
		                 : pnr_source_copy(&source, &sink, err);
		if (status == PNR_OK && (found.size != entry->size || found.crc != entry->crc32))
			status = pnr_fail(err, PNR_CORRUPT, "entry '%s' gave %llu bytes of CRC %08lx", entry->name,
			                  (unsigned long long)found.size, found.crc);
		if (status == PNR_OK)
			printf("%s %llu %08x\n", entry->name, (unsigned long long)found.size, entry->crc32);
	}
	pnr_zip_reader_close(reader);
	return status;
}

int main(int count, char **arguments)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = PNR_INVALID;
	if (count == 3 && strcmp(arguments[1], "read") == 0)
		status = read_zip(arguments[2], &err);
	else if (count > 3 || (count == 3 && strcmp(arguments[1], "mixed") == 0))
		status = write_zip(arguments[1], arguments[2], arguments + 3, &err);
	else
		(void)pnr_fail(&err, PNR_INVALID, "usage: zip_tool read|zeros|many|mixed FILE [NUMBER...]");
	if (status != PNR_OK) {
		fprintf(stderr, "zip_tool: %s: %s\n", pnr_status_name(status), err.message);
		return 1;
	}
	return 0;
}
