/* Which asset changed when. */
#include "report/bar.h"
#include "report/draft.h"
#include <string.h>

/* Which column is @entry's, from the left; the entries are in descending order.
 */
static bool column_of(const pnr_draft *r, int64_t entry, uint64_t *out_column)
{
	uint64_t low = 0, high = r->info.compared;
	while (low < high) {
		uint64_t middle = (low + high) / 2;
		if (r->entries[middle] > entry)
			low = middle + 1;
		else
			high = middle;
	}
	*out_column = r->info.compared - 1 - low;
	return low < r->info.compared && r->entries[low] == entry;
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
	pnr_page_length(page, (double)place * each + each * 0.1, 1);
	pnr_page_puts(page, "\" width=\"");
	pnr_page_length(page, each * 0.8, 1);
	pnr_page_printf(page, "\"><title>%s ", added ? "added" : removed ? "removed" : "changed");
	pnr_page_time(page, r->times[r->info.compared - 1 - place]);
	pnr_page_puts(page, "</title></rect>");
}

static void open_asset(pnr_draft *r, const pnr_changed_row *row)
{
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<div class=\"row\"><div class=\"path\">");
	if (r->many_models) {
		pnr_page_puts(page, "<span class=\"soft\"><bdi>");
		pnr_page_text(page, row->name, PNR_REPORT_TEXT_MAX);
		pnr_page_puts(page, "</bdi>:</span> ");
	}
	pnr_page_puts(page, "<bdi>");
	pnr_page_text(page, row->path, PNR_REPORT_TEXT_MAX);
	pnr_page_puts(page, "</bdi></div><svg height=\"16\" role=\"img\" "
			    "aria-label=\"when it changed\">"
			    "<rect class=\"track\" width=\"100%\" height=\"16\"/>");
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

/* The times of the first and the last column, and of one in the middle. */
static void put_change_axis(pnr_draft *r)
{
	pnr_page *page = &r->page;
	uint64_t last = r->info.compared - 1;
	double each = 1.0 / (double)r->info.compared;
	pnr_page_puts(page, "<div class=\"row head\"><div>Asset</div><svg height=\"24\">");
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t place = last * i / 2;
		if (i > 0 && last < (i == 1 ? 10 : 1))
			continue;
		pnr_page_printf(page, "<text class=\"%s\" y=\"16\" x=\"", i == 0 ? "start" : i == 1 ? "x alt" : "end");
		pnr_page_length(page, i == 1 ? ((double)place + 0.5) * each : (double)i / 2, 1);
		pnr_page_puts(page, "\">");
		pnr_page_time(page, r->times[last - place]);
		pnr_page_puts(page, "</text>");
	}
	pnr_page_puts(page, "</svg><div class=\"n\">Changes</div></div>\n");
}

pnr_status pnr_draft_changes(pnr_draft *r, pnr_error *err)
{
	pnr_page *page = &r->page;
	r->info.compared = r->packs < PNR_REPORT_COLUMNS ? r->packs : PNR_REPORT_COLUMNS;
	pnr_page_puts(page, "<section><h2>What changed when</h2><p class=\"soft\">A "
			    "column is a pack, an import or an apply, "
			    "compared with the one before of the same model; the "
			    "newest is on the right.</p>\n");
	pnr_page_left_out(&r->page, "The newest", r->info.compared, r->packs, "of these", "pannier log");
	pnr_page_puts(page, "<div class=\"key\"><span>" PNR_SWATCH("added") "added</span><span>" PNR_SWATCH(
				    "changed") "changed</span><span>" PNR_SWATCH("removed") "removed</span></"
											"div>\n");
	put_change_axis(r);
	r->left = 0;
	pnr_status status = pnr_index_report_changes(r->index, r->entries[r->info.compared - 1], PNR_REPORT_ROWS,
						     take_change, r, err);
	if (status != PNR_OK)
		return status;
	pnr_page_left_out(&r->page, "Drawn are", r->info.assets, r->info.changed,
		     "assets that these changed: those that changed most", "pannier history PATH");
	pnr_page_puts(page, "</section>\n");
	return pnr_page_check(page, err);
}
