/* The newest entries of the log. */
#include "report/draft.h"
#include "report/table.h"

static const pnr_column log_columns[] = { { "When", "w" },    { "What", "w" },	 { "Model", "" },  { "Package", "w" },
					  { "Assets", "n" },  { "As files", "n" }, { "As a zip", "n" }, { "Who", "" },
					  { "Commit", "w" },  { "Note", "wide" } };

static pnr_status take_entry(void *user, const pnr_entry_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<tr>");
	pnr_cell_time(&r->page, &log_columns[0], row->at_ms);
	pnr_cell_text(&r->page, &log_columns[1], row->event);
	pnr_cell_text(&r->page, &log_columns[2], row->name);
	pnr_cell_hash(&r->page, &log_columns[3], &row->package_hash);
	pnr_cell_number(&r->page, &log_columns[4], row->assets);
	pnr_cell_size(&r->page, &log_columns[5], row->total_size);
	pnr_cell_open(&r->page, &log_columns[6]);
	if (row->has_archive)
		pnr_page_size(page, row->archive_size);
	pnr_cell_close(&r->page);
	pnr_cell_text(&r->page, &log_columns[7], row->user);
	pnr_cell_open(&r->page, &log_columns[8]);
	if (row->git_commit[0] != '\0') {
		pnr_page_puts(page, "<code>");
		pnr_page_text(page, row->git_commit, 8);
		pnr_page_puts(page, row->git_dirty > 0 ? "</code> with changes" : "</code>");
	}
	pnr_cell_close(&r->page);
	pnr_cell_text(&r->page, &log_columns[9], row->note);
	pnr_page_puts(page, "</tr>\n");
	r->info.listed++;
	return pnr_page_check(page, err);
}

pnr_status pnr_draft_log(pnr_draft *r, pnr_error *err)
{
	pnr_page_puts(&r->page, "<section><h2>The log</h2>\n");
	pnr_page_left_out(&r->page, "The newest", PNR_REPORT_ENTRIES, r->totals.entries, "entries", "pannier log");
	pnr_table_open(&r->page, log_columns, PNR_COUNT(log_columns));
	pnr_status status = pnr_index_report_entries(r->index, true, PNR_REPORT_ENTRIES, take_entry, r, err);
	pnr_table_close(&r->page);
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}
