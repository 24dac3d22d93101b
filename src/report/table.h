/* Tables: rows are begun and ended by who writes them. */
#ifndef PNR_REPORT_TABLE_H
#define PNR_REPORT_TABLE_H

#include "report/page.h"

/** What stands in a column: its title, and how it is set. */
typedef struct pnr_column {
	const char *title, *class;
} pnr_column;

void pnr_table_open(pnr_page *page, const pnr_column *columns, size_t count);
void pnr_table_close(pnr_page *page);

void pnr_cell_open(pnr_page *page, const pnr_column *of);
void pnr_cell_close(pnr_page *page);

/** A whole cell with one thing in it, as the functions of page.h write it. */
void pnr_cell_number(pnr_page *page, const pnr_column *of, uint64_t number);
void pnr_cell_size(pnr_page *page, const pnr_column *of, uint64_t bytes);
void pnr_cell_text(pnr_page *page, const pnr_column *of, const char *text);
void pnr_cell_time(pnr_page *page, const pnr_column *of, int64_t ms);
void pnr_cell_hash(pnr_page *page, const pnr_column *of, const pnr_digest *hash);

#endif
