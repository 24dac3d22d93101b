/*
 * What differs between two versions of a content: by lines, or by the rows and
 * cells of a table. It knows nothing of assets and packages.
 *
 * Threads: any, each call with arguments of its own.
 */
#ifndef PNR_DIFF_DIFF_H
#define PNR_DIFF_DIFF_H

#include "base/buffer.h"
#include "base/progress.h"
#include "base/stream.h"
#include <pannier/history.h>

/** Is it text, by the rule that git has: no NUL in the first 8,000 bytes? */
bool pnr_diff_is_text(const char *data, size_t length);

/**
 * Compare two texts line by line: hunks of the unified format with three lines
 * of context go to @out, nothing if the texts are the same.
 *
 * @meter  is asked whether to go on; may be NULL.
 * Errors: UNSUPPORTED (larger than PNR_DIFF_TEXT_MAX, PNR_DIFF_LINES_MAX), NOMEM,
 * CANCELLED (by @meter), and those of @out.
 */
PNR_CHECKED pnr_status pnr_diff_lines(const char *old_text, size_t old_length, const char *new_text, size_t new_length,
                                      pnr_meter *meter, const pnr_sink *out, pnr_error *err);

/** Two tables and how their rows belong together. */
typedef struct pnr_tables {
	pnr_pump old_table, new_table; /**< each is run once, the old one first */
	const char *const *keys;
	size_t key_count;
	/** MUST. An empty file without a name, for rows that find no room in memory. */
	pnr_status (*scratch)(void *context, int *out_fd, pnr_error *err);
	void *context;
	size_t memory;    /**< for the rows of one table, in bytes; 0: 8 MiB */
	pnr_meter *meter; /**< is asked whether to go on; may be NULL */
} pnr_tables;

/** What pnr_store_diff_table promises, which see. */
PNR_CHECKED pnr_status pnr_diff_tables(const pnr_tables *tables, pnr_row_change_fn fn, void *user,
                                       pnr_table_diff **out_diff, pnr_error *err);

#endif
