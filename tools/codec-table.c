/*
 * Speed and size of every level, as a table for src/codec/README.md. Built and
 * run by tools/codec-table.
 *
 *   codec-table NAME FILE [NAME FILE]...
 *
 * The speed is MB of content a second of processor time, of everything that
 * storing a file takes on one thread: reading, SHA-256, CRC-32, compressing,
 * proving by decoding, joining, writing. zlib's is that of deflate alone.
 */
#include "base/file.h"
#include "base/stream.h"
#include "codec/encode.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define MAX_FILES 8
#define ROWS (PNR_LEVEL_MAX + 1) /* row 0 is zlib 9 */

typedef struct cell {
	double seconds;
	uint64_t size;
} cell;

typedef struct corpus {
	const char *name, *path;
	uint64_t length;
	cell cells[ROWS];
} corpus;

static double processor_seconds(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pnr_status measure_level(corpus *c, int fd, unsigned level, pnr_pool *pool, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int out = -1;
	pnr_coders *coders = NULL;
	const char *dir = getenv("TMPDIR");
	pnr_content content;
	pnr_encoding encoding;
	pnr_file_range range = { fd, 0, UINT64_MAX, c->path };
	const pnr_source source = pnr_file_range_source(&range);
	pnr_status status = pnr_file_open(AT_FDCWD, dir != NULL ? dir : "/tmp", O_RDWR | O_TMPFILE, 0600, &out, err);
	if (status != PNR_OK)
		return status;
	double start = processor_seconds();
	status = pnr_coders_new(level, &coders, err);
	if (status == PNR_OK)
		status = pnr_encode_stream(coders, &source, out, c->name, pool, NULL, NULL, &content, &encoding, err);
	pnr_coders_free(coders);
	if (status == PNR_OK)
		c->cells[level] = (cell){ processor_seconds() - start, encoding.body_size };
	return status;
}

static pnr_status measure_zlib(corpus *c, int fd, pnr_error *err)
{
	static uint8_t in[1 << 16], out[1 << 16];
	pnr_file_range range = { fd, 0, UINT64_MAX, c->path };
	const pnr_source source = pnr_file_range_source(&range);
	z_stream z = { .next_in = in };
	size_t got = 0;
	if (deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return pnr_fail_nomem(err);
	double start = processor_seconds();
	do {
		pnr_status status = pnr_source_fill(&source, in, sizeof in, &got, err);
		if (status != PNR_OK) {
			deflateEnd(&z);
			return status;
		}
		z.next_in = in;
		z.avail_in = (uInt)got;
		do {
			z.next_out = out;
			z.avail_out = sizeof out;
			(void)deflate(&z, got < sizeof in ? Z_FINISH : Z_NO_FLUSH);
		} while (z.avail_out == 0);
	} while (got == sizeof in);
	c->length = z.total_in;
	c->cells[0] = (cell){ processor_seconds() - start, z.total_out };
	deflateEnd(&z);
	return PNR_OK;
}

static pnr_status measure(corpus *c, pnr_pool *pool, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_file_open(AT_FDCWD, c->path, O_RDONLY, 0, &fd, err);
	if (status == PNR_OK)
		status = measure_zlib(c, fd, err);
	for (unsigned level = 1; status == PNR_OK && level <= PNR_LEVEL_MAX; level++)
		status = measure_level(c, fd, level, pool, err);
	return status;
}

static void print_cell(uint64_t length, cell value, cell zlib)
{
	printf(" %.1f | %.1fx | %.4f |", (double)length / 1e6 / value.seconds, zlib.seconds / value.seconds,
	       (double)value.size / (double)length);
}

static void print(const corpus *files, size_t count)
{
	printf("| level |");
	for (size_t i = 0; i < count; i++)
		printf(" %s, %.1f MB: MB/s | of zlib 9 | size |", files[i].name, (double)files[i].length / 1e6);
	printf(" all: MB/s | of zlib 9 | size |\n|---|");
	for (size_t i = 0; i <= count; i++)
		printf("---|---|---|");
	printf("\n");
	cell zlib = { 0, 0 };
	for (unsigned row = 0; row < ROWS; row++) {
		cell total = { 0, 0 };
		uint64_t length = 0;
		printf(row == 0 ? "| zlib 9 |" : "| %u |", row);
		for (size_t i = 0; i < count; i++) {
			print_cell(files[i].length, files[i].cells[row], files[i].cells[0]);
			total.seconds += files[i].cells[row].seconds;
			total.size += files[i].cells[row].size;
			length += files[i].length;
		}
		if (row == 0)
			zlib = total;
		print_cell(length, total, zlib);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	static corpus files[MAX_FILES];
	pnr_error err = PNR_ERROR_INIT;
	pnr_pool *pool = NULL;
	size_t count = (size_t)(argc - 1) / 2;
	if (argc < 3 || argc % 2 == 0 || count > MAX_FILES) {
		fprintf(stderr, "usage: codec-table NAME FILE [NAME FILE]...\n");
		return 2;
	}
	pnr_status status = pnr_pool_new(1, &pool, &err);
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		files[i].name = argv[1 + 2 * i];
		files[i].path = argv[2 + 2 * i];
		status = measure(&files[i], pool, &err);
	}
	pnr_pool_free(pool);
	if (status != PNR_OK) {
		fprintf(stderr, "codec-table: %s\n", err.message);
		return 1;
	}
	print(files, count);
	return 0;
}
