/* Which asset changed when. */
#include "report/bar.h"
#include "report/draft.h"
#include <string.h>

/* Which column is @entry's, from the left. */
static bool column_of(const pnr_draft *r, int64_t entry, uint64_t *out_column)
{
	uint64_t i = 0;
	while (i < r->info.compared && r->entries[i] != entry)
		i++;
	*out_column = r->info.compared - 1 - i;
	return i < r->info.compared;
}

static void draw_change(pnr_draft *r, uint64_t place, const char *change)
{
	pnr_page *page = &r->page;
	bool added = strcmp(change, "added") == 0, removed = strcmp(change, "removed") == 0;
	double each = 1.0 / (double)r->info.compared;
	pnr_page_printf(page, "<rect class=\"%s\" y=\"%s\" height=\"%s\" x=\"",
			added     ? "added"
			: removed ? "removed"
				  : "changed",
			added     ? "0"
			: removed ? "11"
				  : "3",
			added     ? "16"
			: removed ? "5"
				  : "10");
	pnr_page_length(page, (double)place * each + each * 0.05, 1);
	pnr_page_puts(page, "\" width=\"");
	pnr_page_length(page, each * 0.9, 1);
	pnr_page_printf(page, "\"><title>%s ", added ? "added" : removed ? "removed" : "changed");
	pnr_page_time(page, r->times[r->info.compared - 1 - place]);
	pnr_page_puts(page, "</title></rect>");
}

static void open_asset(pnr_draft *r, const pnr_changed_row *row)
{
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<div class=\"row\"><div class=\"path\">");
	if (r->span.many_models) {
		pnr_page_puts(page, "<span class=\"soft\"><bdi>");
		pnr_page_text(page, row->name, PNR_REPORT_TEXT_MAX);
		pnr_page_puts(page, "</bdi>:</span> ");
	}
	pnr_page_puts(page, "<bdi>");
	pnr_page_text(page, row->path, PNR_REPORT_TEXT_MAX);
	pnr_page_printf(page,
			"</bdi></div><svg height=\"16\" role=\"img\" aria-label=\"when it changed\">"
			"<line class=\"cells\" x2=\"100%%\" y1=\"8\" y2=\"8\" pathLength=\"%llu\"/>",
			(unsigned long long)r->info.compared);
}

static pnr_status take_change(void *user, const pnr_changed_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	uint64_t place;
	if (r->left == 0) {
		open_asset(r, row);
		r->left = row->changes;
		r->info.assets++;
		r->info.changed = row->assets;
	}
	if (column_of(r, row->entry, &place))
		draw_change(r, place, row->change);
	if (--r->left == 0) {
		pnr_page_puts(&r->page, "</svg><div class=\"n\">");
		pnr_page_number(&r->page, row->changes);
		pnr_page_puts(&r->page, "</div></div>\n");
	}
	return pnr_page_check(&r->page, err);
}

pnr_status pnr_draft_changes(pnr_draft *r, pnr_error *err)
{
	pnr_page *page = &r->page;
	r->info.compared = r->known;
	pnr_page_puts(page, "<section><h2>What changed when</h2>\n<p class=\"soft\">A column is a package, compared"
			    " with the one before of the same model; the newest is on the right.</p>\n");
	pnr_page_left_out(page, "The newest", r->info.compared, r->span.packs, "packages", "pannier log");
	pnr_page_puts(page, "<p class=\"key\"><span>" PNR_SWATCH("added", "0", "12") "added</span><span>" PNR_SWATCH(
				    "changed", "2", "8") "changed</span><span>" PNR_SWATCH(
				    "removed", "8", "4") "removed</span></p>\n"
			    "<div class=\"row head\"><div>Asset</div><svg height=\"24\">");
	pnr_chart_times(page, 16, r->times, r->known);
	pnr_page_puts(page, "</svg><div class=\"n\">Changes</div></div>\n");
	r->left = 0;
	uint64_t oldest = r->info.compared - 1;
	pnr_status status = pnr_index_report_changes(r->index, r->times[oldest], r->entries[oldest], PNR_REPORT_ROWS,
						     take_change, r, err);
	if (status != PNR_OK)
		return status;
	pnr_page_left_out(&r->page, "Drawn are", r->info.assets, r->info.changed,
		     "assets that these changed: those that changed most", "pannier history PATH");
	pnr_page_puts(page, "</section>\n");
	return pnr_page_check(page, err);
}
