/* Rows and cells. */
#include "report/table.h"
#include <pannier/report.h>

void pnr_table_open(pnr_page *page, const pnr_column *columns, size_t count)
{
	pnr_page_puts(page, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
	for (size_t i = 0; i < count; i++)
		pnr_page_printf(page, "<th scope=\"col\" class=\"%s\">%s</th>", columns[i].class, columns[i].title);
	pnr_page_puts(page, "</tr></thead><tbody>\n");
}

void pnr_table_close(pnr_page *page)
{
	pnr_page_puts(page, "</tbody></table></div>\n");
}

void pnr_cell_open(pnr_page *page, const pnr_column *of)
{
	pnr_page_printf(page, "<td class=\"%s\">", of->class);
}

void pnr_cell_close(pnr_page *page)
{
	pnr_page_puts(page, "</td>");
}

void pnr_cell_number(pnr_page *page, const pnr_column *of, uint64_t number)
{
	pnr_cell_open(page, of);
	pnr_page_number(page, number);
	pnr_cell_close(page);
}

void pnr_cell_size(pnr_page *page, const pnr_column *of, uint64_t bytes)
{
	pnr_cell_open(page, of);
	pnr_page_size(page, bytes);
	pnr_cell_close(page);
}

void pnr_cell_text(pnr_page *page, const pnr_column *of, const char *text)
{
	pnr_cell_open(page, of);
	pnr_page_text(page, text, PNR_REPORT_TEXT_MAX);
	pnr_cell_close(page);
}

void pnr_cell_time(pnr_page *page, const pnr_column *of, int64_t ms)
{
	pnr_cell_open(page, of);
	pnr_page_time(page, ms);
	pnr_cell_close(page);
}

void pnr_cell_hash(pnr_page *page, const pnr_column *of, const pnr_digest *hash)
{
	pnr_cell_open(page, of);
	pnr_page_hash(page, hash);
	pnr_cell_close(page);
}
