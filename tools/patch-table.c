/*
 * Speed, size and memory of patches by level, as a table for src/codec/README.md.
 * Built and run by tools/codec-table --patches.
 *
 *   patch-table NAME BASE CONTENT [NAME BASE CONTENT]...
 *
 * The time is that of the processor for all that making a patch takes: reading
 * the content, SHA-256, zstd, applying it again. Each is made in a process of its
 * own, whose largest resident size is what it took. The row "no base" is zstd
 * alone at the default level.
 */
#include "base/buffer.h"
#include "base/file.h"
#include "codec/encode.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PAIRS 8
#define ROWS (PNR_PATCH_LEVEL_MAX + 1) /* row 0 has no base */

typedef struct cell {
	double seconds;
	uint64_t size;
} cell;

typedef struct pair {
	const char *name, *base, *content;
	uint64_t length, whole; /* of the content; encoded as a blob is */
	cell cells[ROWS];
	uint64_t memory[ROWS]; /* beside base and content */
} pair;

static double processor_seconds(void)
{
	struct timespec t;
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) != 0)
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pnr_status forget(void *context, const void *data, size_t length, pnr_error *err)
{
	(void)context;
	(void)data;
	(void)length;
	(void)err;
	return PNR_OK;
}

static pnr_status open_file(const char *path, int *out_fd, pnr_error *err)
{
	return pnr_file_open(AT_FDCWD, path, O_RDONLY, 0, out_fd, err);
}

static pnr_status load(const char *path, pnr_buffer *buffer, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	struct stat st;
	size_t got = 0;
	pnr_status status = open_file(path, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &st, path, err);
	if (status != PNR_OK)
		return status;
	/* In one piece: a buffer that grows would be measured, too. */
	char *place = pnr_buffer_reserve(buffer, (size_t)st.st_size);
	if (place == NULL)
		return pnr_fail_nomem(err);
	status = pnr_file_read(fd, place, (size_t)st.st_size, &got, path, err);
	buffer->length = got;
	return status;
}

/* In the child: what it took goes to @report. */
static pnr_status measure_one(const pair *p, unsigned row, int report, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_patch patch;
	uint64_t sizes[2] = { 0, 0 };
	pnr_status status = row > 0 ? load(p->base, &base, err) : PNR_OK;
	if (status == PNR_OK)
		status = open_file(p->content, &fd, err);
	if (status == PNR_OK)
		status = pnr_hash_file(fd, p->content, NULL, &patch.content_hash, NULL, &patch.content_size, err);
	if (status != PNR_OK)
		return status;
	patch.base = base.data;
	patch.base_size = base.length;
	pnr_file_range range = { fd, 0, UINT64_MAX, p->content };
	const pnr_source source = pnr_file_range_source(&range);
	const pnr_sink sink = { .write = forget, .context = NULL };
	double start = processor_seconds();
	status = pnr_patch_make(&patch, &source, UINT64_MAX, row > 0 ? row : PNR_PATCH_LEVEL_DEFAULT, &sink, NULL, NULL,
	                        &sizes[0], err);
	cell result = { processor_seconds() - start, sizes[0] };
	sizes[1] = patch.base_size + patch.content_size;
	if (status == PNR_OK)
		status = pnr_file_write(report, &result, sizeof result, "report", err);
	if (status == PNR_OK)
		status = pnr_file_write(report, &sizes[1], sizeof sizes[1], "report", err);
	return status;
}

static pnr_status measure_row(pair *p, unsigned row, pnr_error *err)
{
	int ends[2], state = 0;
	struct rusage usage;
	uint64_t known = 0;
	size_t got = 0;
	if (pipe(ends) != 0)
		return pnr_fail(err, PNR_IO, "no pipe");
	pid_t child = fork();
	if (child < 0)
		return pnr_fail(err, PNR_IO, "no process");
	if (child == 0) {
		pnr_status status = measure_one(p, row, ends[1], err);
		if (status != PNR_OK)
			fprintf(stderr, "patch-table: %s\n", err->message);
		_exit(status == PNR_OK ? 0 : 1);
	}
	(void)close(ends[1]);
	pnr_status status = pnr_file_read(ends[0], &p->cells[row], sizeof p->cells[row], &got, "report", err);
	if (status == PNR_OK)
		status = pnr_file_read(ends[0], &known, sizeof known, &got, "report", err);
	(void)close(ends[0]);
	if (wait4(child, &state, 0, &usage) != child || state != 0 || got != sizeof known)
		return pnr_fail(err, PNR_IO, "measuring '%s' failed", p->name);
	uint64_t peak = (uint64_t)usage.ru_maxrss * 1024;
	p->memory[row] = peak > known ? peak - known : 0;
	return status;
}

/* What would be sent without a patch. */
static pnr_status measure_whole(pair *p, pnr_pool *pool, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	PNR_CLEANUP(pnr_cleanup_close) int out = -1;
	const char *dir = getenv("TMPDIR");
	pnr_content content;
	pnr_encoding encoding;
	pnr_status status = open_file(p->content, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_open(AT_FDCWD, dir != NULL ? dir : "/tmp", O_RDWR | O_TMPFILE, 0600, &out, err);
	if (status != PNR_OK)
		return status;
	pnr_file_range range = { fd, 0, UINT64_MAX, p->content };
	const pnr_source source = pnr_file_range_source(&range);
	status = pnr_encode_stream(&source, out, p->name, PNR_LEVEL_DEFAULT, pool, NULL, NULL, &content, &encoding, err);
	if (status != PNR_OK)
		return status;
	p->length = content.size;
	p->whole = encoding.stored_size;
	return PNR_OK;
}

static pnr_status measure(pair *pairs, size_t count, pnr_error *err)
{
	pnr_pool *pool = NULL;
	pnr_status status = pnr_pool_new(1, &pool, err);
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		for (unsigned row = 0; status == PNR_OK && row < ROWS; row++)
			status = measure_row(&pairs[i], row, err);
		if (status == PNR_OK)
			status = measure_whole(&pairs[i], pool, err);
	}
	pnr_pool_free(pool);
	return status;
}

static void print(const pair *pairs, size_t count)
{
	printf("| level |");
	for (size_t i = 0; i < count; i++)
		printf(" %s, %.1f MB: s | size |", pairs[i].name, (double)pairs[i].length / 1e6);
	printf(" all: s | KB | MiB |\n|---|");
	for (size_t i = 0; i <= count; i++)
		printf("---|---|");
	printf("---|\n| whole |");
	uint64_t whole = 0;
	for (size_t i = 0; i < count; i++) {
		printf(" | %.4f |", (double)pairs[i].whole / (double)pairs[i].length);
		whole += pairs[i].whole;
	}
	printf(" | %.0f | |\n", (double)whole / 1e3);
	for (unsigned row = 0; row < ROWS; row++) {
		cell total = { 0, 0 };
		uint64_t memory = 0;
		printf(row == 0 ? "| no base |" : "| %u |", row);
		for (size_t i = 0; i < count; i++) {
			const cell *c = &pairs[i].cells[row];
			printf(" %.2f | %.4f |", c->seconds, (double)c->size / (double)pairs[i].length);
			total.seconds += c->seconds;
			total.size += c->size;
			memory = pairs[i].memory[row] > memory ? pairs[i].memory[row] : memory;
		}
		printf(" %.1f | %.0f | %.0f |\n", total.seconds, (double)total.size / 1e3, (double)memory / PNR_MIB);
	}
}

int main(int argc, char **argv)
{
	static pair pairs[MAX_PAIRS];
	pnr_error err = PNR_ERROR_INIT;
	size_t count = (size_t)(argc - 1) / 3;
	if (argc < 4 || argc % 3 != 1 || count > MAX_PAIRS) {
		fprintf(stderr, "usage: patch-table NAME BASE CONTENT [NAME BASE CONTENT]...\n");
		return 2;
	}
	for (size_t i = 0; i < count; i++)
		pairs[i] = (pair){ .name = argv[1 + 3 * i], .base = argv[2 + 3 * i], .content = argv[3 + 3 * i] };
	pnr_status status = measure(pairs, count, &err);
	if (status != PNR_OK) {
		fprintf(stderr, "patch-table: %s\n", err.message);
		return 1;
	}
	print(pairs, count);
	return 0;
}
