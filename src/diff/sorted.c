#include "diff/sorted.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

#define READ_LEAST ((size_t)4 * PNR_KIB)
#define READ_MOST ((size_t)64 * PNR_KIB)
#define WRITE_SIZE ((size_t)256 * PNR_KIB)
#define SCRATCH_NAME "rows of a table that is compared"

/* A row in memory and on disk: this, the key, the cells. */
typedef struct head {
	uint32_t key_length, cells_length;
	uint64_t line;
} head;

/* A sorted run on disk, and what of it was read. */
typedef struct run {
	uint64_t offset, left; /* of what was not read */
	pnr_buffer data;
	size_t at; /* of the row that it stands on */
} run;

struct pnr_sorted {
	size_t memory;
	pnr_scratch_fn scratch;
	void *context;
	char *rows; /* one behind the other */
	size_t used;
	const char **places; /* of the rows */
	size_t count, capacity;
	size_t given; /* all in memory: how many were read */
	int fd;       /* -1: nothing was too much for memory */
	uint64_t end; /* of the file */
	run *runs;    /* after finish a heap: the smallest first */
	size_t run_count, run_capacity;
	bool standing; /* the first run's row was given: step over it */
};

pnr_status pnr_sorted_new(size_t memory, pnr_scratch_fn scratch, void *context, pnr_sorted **out_sorted, pnr_error *err)
{
	pnr_sorted *sorted = calloc(1, sizeof *sorted);
	if (sorted == NULL)
		return pnr_fail_nomem(err);
	sorted->memory = memory;
	sorted->scratch = scratch;
	sorted->context = context;
	sorted->fd = -1;
	sorted->rows = malloc(memory);
	if (sorted->rows == NULL) {
		free(sorted);
		return pnr_fail_nomem(err);
	}
	*out_sorted = sorted;
	return PNR_OK;
}

void pnr_sorted_free(pnr_sorted *sorted)
{
	if (sorted == NULL)
		return;
	for (size_t i = 0; i < sorted->run_count; i++)
		pnr_buffer_free(&sorted->runs[i].data);
	pnr_cleanup_close(&sorted->fd);
	free(sorted->runs);
	free(sorted->places);
	free(sorted->rows);
	free(sorted);
}

/* ---------------------------------------------------------------- order -- */

static head head_of(const char *place)
{
	head h;
	memcpy(&h, place, sizeof h);
	return h;
}

static size_t row_length(head h)
{
	return sizeof h + h.key_length + h.cells_length;
}

static int compare_rows(const char *a, const char *b)
{
	head x = head_of(a), y = head_of(b);
	size_t shorter = x.key_length < y.key_length ? x.key_length : y.key_length;
	int order = memcmp(a + sizeof x, b + sizeof y, shorter);
	if (order == 0 && x.key_length != y.key_length)
		order = x.key_length < y.key_length ? -1 : 1;
	return order != 0 ? order : (x.line > y.line) - (x.line < y.line);
}

static int compare_places(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return compare_rows(*x, *y);
}

static void read_row(const char *place, pnr_sorted_row *out_row)
{
	head h = head_of(place);
	out_row->key = place + sizeof h;
	out_row->key_length = h.key_length;
	out_row->cells = out_row->key + h.key_length;
	out_row->cells_length = h.cells_length;
	out_row->line = h.line;
}

/* --------------------------------------------------------------- taking -- */

static pnr_status write_sorted(pnr_sorted *sorted, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < sorted->count; i++) {
		pnr_buffer_append(&out, sorted->places[i], row_length(head_of(sorted->places[i])));
		if (out.length < WRITE_SIZE && i + 1 < sorted->count)
			continue;
		status = pnr_buffer_status(&out, err);
		if (status == PNR_OK)
			status = pnr_file_pwrite(sorted->fd, out.data, out.length, sorted->end, SCRATCH_NAME, err);
		sorted->end += out.length;
		pnr_buffer_clear(&out);
	}
	return status;
}

/* What is in memory becomes a run on disk. */
static pnr_status spill(pnr_sorted *sorted, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (sorted->fd < 0)
		status = sorted->scratch(sorted->context, &sorted->fd, err);
	if (status != PNR_OK)
		return status;
	if (sorted->run_count == sorted->run_capacity) {
		run *runs = pnr_array_grow(sorted->runs, sizeof *runs, sorted->run_count, &sorted->run_capacity);
		if (runs == NULL)
			return pnr_fail_nomem(err);
		sorted->runs = runs;
	}
	pnr_array_sort(sorted->places, sorted->count, sizeof *sorted->places, compare_places);
	run *next = &sorted->runs[sorted->run_count];
	*next = (run){ .offset = sorted->end, .data = PNR_BUFFER_INIT };
	status = write_sorted(sorted, err);
	if (status != PNR_OK)
		return status;
	next->left = sorted->end - next->offset;
	sorted->run_count++;
	sorted->count = 0;
	sorted->used = 0;
	return PNR_OK;
}

pnr_status pnr_sorted_add(pnr_sorted *sorted, const pnr_sorted_row *row, pnr_error *err)
{
	const head h = { (uint32_t)row->key_length, (uint32_t)row->cells_length, row->line };
	size_t length = row_length(h);
	pnr_status status = PNR_OK;
	if (length > sorted->memory - sorted->used || sorted->count >= sorted->memory / sizeof *sorted->places)
		status = spill(sorted, err);
	if (status == PNR_OK && length > sorted->memory)
		status = pnr_fail(err, PNR_UNSUPPORTED, "a row of %zu bytes is more than there is room for", length);
	if (status != PNR_OK)
		return status;
	if (sorted->count == sorted->capacity) {
		const char **places = pnr_array_grow(sorted->places, sizeof *places, sorted->count, &sorted->capacity);
		if (places == NULL)
			return pnr_fail_nomem(err);
		sorted->places = places;
	}
	char *place = sorted->rows + sorted->used;
	memcpy(place, &h, sizeof h);
	memcpy(place + sizeof h, row->key, row->key_length);
	memcpy(place + sizeof h + row->key_length, row->cells, row->cells_length);
	sorted->places[sorted->count++] = place;
	sorted->used += length;
	return PNR_OK;
}

/* --------------------------------------------------------------- giving -- */

/* All runs together read as much ahead as there was memory for rows. */
static size_t read_size(const pnr_sorted *sorted)
{
	size_t size = sorted->memory / sorted->run_count;
	if (size > READ_MOST)
		return READ_MOST;
	return size < READ_LEAST ? READ_LEAST : size;
}

/* Make @need bytes readable from where the run stands. */
static pnr_status fill(const pnr_sorted *sorted, run *r, size_t need, pnr_error *err)
{
	size_t there = r->data.length - r->at;
	if (there >= need)
		return PNR_OK;
	size_t want = read_size(sorted);
	if (want < need - there)
		want = need - there;
	if (want > r->left)
		want = (size_t)r->left;
	if (there > 0)
		memmove(r->data.data, r->data.data + r->at, there);
	r->data.length = there;
	r->at = 0;
	char *place = pnr_buffer_reserve(&r->data, want);
	if (place == NULL)
		return pnr_fail_nomem(err);
	size_t got = 0;
	pnr_status status = pnr_file_pread(sorted->fd, place, want, r->offset, &got, SCRATCH_NAME, err);
	if (status != PNR_OK)
		return status;
	r->data.length += got;
	r->offset += got;
	r->left -= got;
	return r->data.length < need ? pnr_fail(err, PNR_IO, "%s: it was cut short", SCRATCH_NAME) : PNR_OK;
}

/* The row that the run stands on becomes readable. Not at its end. */
static pnr_status load(const pnr_sorted *sorted, run *r, pnr_error *err)
{
	pnr_status status = fill(sorted, r, sizeof(head), err);
	return status == PNR_OK ? fill(sorted, r, row_length(head_of(r->data.data + r->at)), err) : status;
}

static bool smaller(const run *a, const run *b)
{
	return compare_rows(a->data.data + a->at, b->data.data + b->at) < 0;
}

/* The heap's order, which only @at may break. */
static void sink_down(pnr_sorted *sorted, size_t at)
{
	for (;;) {
		size_t least = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < sorted->run_count; child++)
			if (smaller(&sorted->runs[child], &sorted->runs[least]))
				least = child;
		if (least == at)
			return;
		run swapped = sorted->runs[at];
		sorted->runs[at] = sorted->runs[least];
		sorted->runs[least] = swapped;
		at = least;
	}
}

pnr_status pnr_sorted_finish(pnr_sorted *sorted, pnr_error *err)
{
	if (sorted->run_count == 0) {
		pnr_array_sort(sorted->places, sorted->count, sizeof *sorted->places, compare_places);
		return PNR_OK;
	}
	pnr_status status = sorted->count > 0 ? spill(sorted, err) : PNR_OK;
	free(sorted->rows);
	sorted->rows = NULL;
	for (size_t i = 0; status == PNR_OK && i < sorted->run_count; i++)
		status = load(sorted, &sorted->runs[i], err);
	for (size_t i = sorted->run_count; status == PNR_OK && i > 0; i--)
		sink_down(sorted, i - 1);
	return status;
}

/* Past the row that was given. A run that ended is replaced by the last one. */
static pnr_status advance(pnr_sorted *sorted, pnr_error *err)
{
	run *first = &sorted->runs[0];
	pnr_status status = PNR_OK;
	first->at += row_length(head_of(first->data.data + first->at));
	if (first->at == first->data.length && first->left == 0) {
		pnr_buffer_free(&first->data);
		*first = sorted->runs[--sorted->run_count];
		if (sorted->run_count > 0)
			sorted->runs[sorted->run_count] = (run){ .data = PNR_BUFFER_INIT };
	} else {
		status = load(sorted, first, err);
	}
	if (status == PNR_OK && sorted->run_count > 0)
		sink_down(sorted, 0);
	return status;
}

pnr_status pnr_sorted_next(pnr_sorted *sorted, pnr_sorted_row *out_row, pnr_error *err)
{
	if (sorted->fd < 0) {
		if (sorted->given == sorted->count)
			return PNR_NOT_FOUND;
		read_row(sorted->places[sorted->given++], out_row);
		return PNR_OK;
	}
	if (sorted->standing) {
		sorted->standing = false;
		pnr_status status = advance(sorted, err);
		if (status != PNR_OK)
			return status;
	}
	if (sorted->run_count == 0)
		return PNR_NOT_FOUND;
	sorted->standing = true;
	read_row(sorted->runs[0].data.data + sorted->runs[0].at, out_row);
	return PNR_OK;
}
