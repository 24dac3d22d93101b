/*
 * Tables as text, RFC 4180: cells between commas, rows end with LF or CRLF, a
 * cell in quotes may hold all of these and doubled quotes. A quote inside of a
 * cell that does not begin with one stands for itself; empty lines and a byte
 * order mark are passed over.
 */
#ifndef PNR_DIFF_CSV_H
#define PNR_DIFF_CSV_H

#include "base/buffer.h"
#include "base/stream.h"

typedef enum pnr_csv_state {
	PNR_CSV_START, /* nothing of the cell yet */
	PNR_CSV_PLAIN,
	PNR_CSV_QUOTED,
	PNR_CSV_QUOTE, /* in a quoted cell, behind a quote: its end, or the first of two */
	PNR_CSV_RETURN /* behind the CR after a quoted cell */
} pnr_csv_state;

/** One row: @cells texts, each ended by a NUL, @length bytes in all. @line is where it starts, from 1. */
typedef pnr_status (*pnr_csv_row_fn)(void *user, const char *row, size_t length, size_t cells, uint64_t line,
                                     pnr_error *err);

typedef struct pnr_csv {
	pnr_csv_row_fn fn;
	void *user;
	pnr_csv_state state;
	pnr_buffer row;
	size_t cells;      /* that are complete */
	size_t cell_start; /* of the one that is not */
	bool quoted;       /* that one is */
	uint64_t line, row_line;
	unsigned mark; /* bytes of a byte order mark that were seen; 3 or more: it is past */
} pnr_csv;

/** Zero all but fn and user. */
void pnr_csv_free(pnr_csv *csv);
/** A sink that parses what it is given. Errors: INVALID (the text says which line), NOMEM, and those of fn. */
pnr_sink pnr_csv_sink(pnr_csv *csv);
/** The text has ended: so does the last row. */
PNR_CHECKED pnr_status pnr_csv_end(pnr_csv *csv, pnr_error *err);

#endif
