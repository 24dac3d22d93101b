/*
 * The rows of a table in the order of their keys, whatever their number: sorted
 * in memory as far as there is room, in runs on disk beyond that, which are
 * merged as they are read.
 */
#ifndef PNR_DIFF_SORTED_H
#define PNR_DIFF_SORTED_H

#include "base/error.h"

/** A row. `key` sorts as its bytes do. Valid until the next call for the same rows. */
typedef struct pnr_sorted_row {
	const char *key;
	size_t key_length;
	const char *cells; /**< each ended by a NUL */
	size_t cells_length;
	uint64_t line;
} pnr_sorted_row;

typedef struct pnr_sorted pnr_sorted;

/** An empty file without a name. */
typedef pnr_status (*pnr_scratch_fn)(void *context, int *out_fd, pnr_error *err);

/** @memory: for rows, in bytes; it is more than the longest row that comes. */
PNR_CHECKED pnr_status pnr_sorted_new(size_t memory, pnr_scratch_fn scratch, void *context, pnr_sorted **out_sorted,
                                      pnr_error *err);
/** Accepts NULL. */
void pnr_sorted_free(pnr_sorted *sorted);
PNR_CHECKED pnr_status pnr_sorted_add(pnr_sorted *sorted, const pnr_sorted_row *row, pnr_error *err);
/** No more rows come: now they may be read. */
PNR_CHECKED pnr_status pnr_sorted_finish(pnr_sorted *sorted, pnr_error *err);
/** The next row, by key and then by line; NOT_FOUND without a text at the end. */
PNR_CHECKED pnr_status pnr_sorted_next(pnr_sorted *sorted, pnr_sorted_row *out_row, pnr_error *err);

#endif
