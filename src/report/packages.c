/* Packages over time. */
#include "report/bar.h"
#include "report/draft.h"

static pnr_status take_slot(void *user, const pnr_sized_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	pnr_chart_add(&r->chart, row->at_ms, row->size, row->zip);
	return pnr_page_check(&r->page, err);
}

pnr_status pnr_draft_packages(pnr_draft *r, pnr_error *err)
{
	pnr_page *page = &r->page;
	pnr_chart_begin(&r->chart, r->span.packs, r->span.first_ms, r->span.last_ms, r->times);
	pnr_status status = pnr_index_report_sizes(r->index, take_slot, r, err);
	if (status != PNR_OK)
		return status;
	pnr_page_puts(page, "<section><h2>Packages over time</h2>\n"
			    "<p class=\"soft\">The size of what was packed, imported or applied. ");
	pnr_page_puts(page, pnr_chart_is_of_packages(&r->chart)
				    ? "A bar is a package; the newest is on the right."
				    : "There are more packages than bars: a bar is the largest package of its time.");
	pnr_page_puts(page, "</p>\n<p class=\"key\"><span>" PNR_SWATCH("files", "0", "12") "as files</span><span>" PNR_SWATCH(
				    "zip", "0", "12") "as a zip</span></p>\n<figure>");
	pnr_chart_draw(&r->chart, page);
	pnr_page_puts(page, "</figure></section>\n");
	return pnr_page_check(page, err);
}
