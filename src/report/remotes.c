/* What went where, and what that saved. */
#include "report/bar.h"
#include "report/draft.h"
#include "report/table.h"
#include <string.h>

static const pnr_column remote_columns[] = { { "Remote", "" },	 { "Packages", "n" },	  { "Contents", "n" },
					     { "Their size", "n" }, { "Kept there", "n" }, { "Patches", "n" },
					     { "These save", "n" }, { "Newest", "w" },	   { "Where", "wide" } };

static pnr_status take_remote(void *user, const pnr_there_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	if (r->seen++ >= PNR_REPORT_REMOTES)
		return PNR_OK;
	if (r->seen == 1) {
		pnr_page_puts(&r->page, "<h3>What is known to be there</h3>\n");
		pnr_table_open(&r->page, remote_columns, PNR_COUNT(remote_columns));
	}
	pnr_page_puts(&r->page, "<tr>");
	pnr_cell_text(&r->page, &remote_columns[0], row->name);
	pnr_cell_number(&r->page, &remote_columns[1], row->packages);
	pnr_cell_number(&r->page, &remote_columns[2], row->blobs);
	pnr_cell_size(&r->page, &remote_columns[3], row->size);
	pnr_cell_size(&r->page, &remote_columns[4], row->stored_size);
	pnr_cell_number(&r->page, &remote_columns[5], row->patches);
	pnr_cell_open(&r->page, &remote_columns[6]);
	if (row->patches > 0)
		pnr_page_saved(&r->page, row->patches_size, row->patched_size > 0 ? row->patched_size : 1);
	pnr_cell_close(&r->page);
	pnr_cell_open(&r->page, &remote_columns[7]);
	if (row->has_packages)
		pnr_page_time(&r->page, row->last_ms);
	pnr_cell_close(&r->page);
	pnr_cell_text(&r->page, &remote_columns[8], row->url);
	pnr_page_puts(&r->page, "</tr>\n");
	return pnr_page_check(&r->page, err);
}

static pnr_status take_saved(void *user, const pnr_saved_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	pnr_page *page = &r->page;
	uint64_t most = row->bytes_full > row->bytes_sent ? row->bytes_full : row->bytes_sent;
	bool push = strcmp(row->direction, "push") == 0;
	if (r->seen++ >= 2 * PNR_REPORT_REMOTES)
		return PNR_OK;
	pnr_page_printf(page, "<h3>%s <bdi>", push ? "Pushed to" : "Pulled from");
	pnr_page_text(page, row->remote, PNR_REPORT_TEXT_MAX);
	pnr_page_puts(page, "</bdi></h3>\n<p class=\"soft\">");
	pnr_page_number(page, row->transfers);
	pnr_page_puts(page, row->transfers == 1 ? " time, " : " times, ");
	pnr_page_printf(page, "%llu.%llu s in all. What was there already, and patches, saved <strong>",
			(unsigned long long)(row->milliseconds / 1000),
			(unsigned long long)(row->milliseconds % 1000 / 100));
	pnr_page_saved(page, row->bytes_sent, row->bytes_full > 0 ? row->bytes_full : 1);
	pnr_page_puts(page, "</strong>.</p>\n");
	pnr_bar(&r->page, "Whole packages", "files", row->bytes_full, most > 0 ? most : 1);
	pnr_bar(&r->page, "Moved", "zip", row->bytes_sent, most > 0 ? most : 1);
	return pnr_page_check(page, err);
}

static const pnr_column moved_columns[] = { { "When", "w" },	 { "Remote", "" },     { "Direction", "w" },
					    { "Package", "w" },	 { "Contents", "n" },  { "Moved", "n" },
					    { "As patches", "n" }, { "Size moved", "n" }, { "Size whole", "n" },
					    { "Saved", "n" },	 { "Seconds", "n" },   { "Outcome", "" } };

static pnr_status take_moved(void *user, const pnr_moved_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	if (r->seen++ == 0) {
		pnr_page_puts(&r->page, "<h3>Pushes and pulls</h3>\n");
		pnr_page_left_out(&r->page, "The newest", PNR_REPORT_TRANSFERS, row->transfers, "of them",
			     "sqlite3 .pannier/pannier.db \"SELECT * FROM transfer\"");
		pnr_table_open(&r->page, moved_columns, PNR_COUNT(moved_columns));
	}
	pnr_page_puts(&r->page, "<tr>");
	pnr_cell_time(&r->page, &moved_columns[0], row->at_ms);
	pnr_cell_text(&r->page, &moved_columns[1], row->remote);
	pnr_cell_text(&r->page, &moved_columns[2], row->direction);
	pnr_cell_hash(&r->page, &moved_columns[3], &row->package_hash);
	pnr_cell_number(&r->page, &moved_columns[4], row->blobs_needed);
	pnr_cell_number(&r->page, &moved_columns[5], row->blobs_sent);
	pnr_cell_number(&r->page, &moved_columns[6], row->blobs_patched);
	pnr_cell_size(&r->page, &moved_columns[7], row->bytes_sent);
	pnr_cell_size(&r->page, &moved_columns[8], row->bytes_full);
	pnr_cell_open(&r->page, &moved_columns[9]);
	pnr_page_saved(&r->page, row->bytes_sent, row->bytes_full > 0 ? row->bytes_full : 1);
	pnr_cell_close(&r->page);
	pnr_cell_open(&r->page, &moved_columns[10]);
	pnr_page_printf(&r->page, "%llu.%llu", (unsigned long long)(row->milliseconds / 1000),
			(unsigned long long)(row->milliseconds % 1000 / 100));
	pnr_cell_close(&r->page);
	pnr_cell_text(&r->page, &moved_columns[11], row->outcome);
	pnr_page_puts(&r->page, "</tr>\n");
	return pnr_page_check(&r->page, err);
}

pnr_status pnr_draft_remotes(pnr_draft *r, pnr_error *err)
{
	bool any = false;
	pnr_page_puts(&r->page, "<section><h2>What went where</h2>\n");
	r->seen = 0;
	pnr_status status = pnr_index_report_savings(r->index, take_saved, r, err);
	any = any || r->seen > 0;
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_report_remotes(r->index, take_remote, r, err);
	if (status == PNR_OK && r->seen > 0) {
		pnr_table_close(&r->page);
		pnr_page_left_out(&r->page, "The first", PNR_REPORT_REMOTES, r->seen, "remotes", "pannier remote list");
	}
	any = any || r->seen > 0;
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_report_transfers(r->index, PNR_REPORT_TRANSFERS, take_moved, r, err);
	if (r->seen > 0)
		pnr_table_close(&r->page);
	if (!any && r->seen == 0)
		pnr_page_puts(&r->page, "<p class=\"soft\">There is no remote; nothing was "
					"pushed or pulled.</p>\n");
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}
