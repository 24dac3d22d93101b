/* Packages over time. */
#include "report/bar.h"
#include "report/draft.h"

static pnr_status take_slot(void *user, const pnr_entry_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	pnr_chart_add(&r->chart, row->at_ms, row->total_size, row->archive_size);
	return pnr_page_check(&r->page, err);
}

pnr_status pnr_draft_packages(pnr_draft *r, pnr_error *err)
{
	pnr_page *page = &r->page;
	r->chart.packages = r->packs;
	pnr_chart_begin(&r->chart);
	pnr_status status = pnr_index_report_entries(r->index, false, 0, take_slot, r, err);
	if (status != PNR_OK)
		return status;
	pnr_page_puts(page, "<section><h2>Packages over time</h2><p class=\"soft\">Size of what was "
			    "packed, imported or "
			    "applied. A bar is the largest package of its time.</p>\n<div "
			    "class=\"key\"><span>" PNR_SWATCH("files") "as files</span><span>" PNR_SWATCH(
				    "zip") "as a zip</span></div>\n<figure style=\"margin:0\">");
	pnr_chart_draw(&r->chart, page);
	pnr_page_puts(page, "</figure></section>\n");
	return pnr_page_check(page, err);
}
