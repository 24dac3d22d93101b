/* The head of the page: of which model it is, and the figures that sum it up. */
#include "report/draft.h"
#include "report/style.h"
#include <pannier/pannier.h>
#include <string.h>

/* What must be known before anything is drawn. */
pnr_status pnr_draft_look(void *user, const pnr_entry_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	if (r->packs == 0) {
		r->newest = row->package_hash;
		r->chart.first_ms = r->chart.last_ms = row->at_ms;
		pnr_buffer_puts(&r->name, row->name);
	}
	if (r->packs < PNR_REPORT_COLUMNS) {
		r->entries[r->packs] = row->id;
		r->times[r->packs] = row->at_ms;
	}
	r->packs++;
	if (row->at_ms < r->chart.first_ms)
		r->chart.first_ms = row->at_ms;
	if (row->at_ms > r->chart.last_ms)
		r->chart.last_ms = row->at_ms;
	if (r->name.data != NULL && strcmp(r->name.data, row->name) != 0)
		r->many_models = true;
	return pnr_buffer_status(&r->name, err);
}

static void tile_begin(pnr_draft *r, const char *title)
{
	pnr_page_printf(&r->page, "<div><dt>%s</dt><dd>", title);
}

static void count_tile(pnr_draft *r, const char *title, uint64_t count)
{
	tile_begin(r, title);
	pnr_page_number(&r->page, count);
	pnr_page_puts(&r->page, "</dd></div>");
}

static void size_tile(pnr_draft *r, const char *title, uint64_t bytes)
{
	tile_begin(r, title);
	pnr_page_size(&r->page, bytes);
	pnr_page_puts(&r->page, "</dd></div>");
}

static void put_tiles(pnr_draft *r)
{
	pnr_page_puts(&r->page, "<dl class=\"tiles\">");
	count_tile(r, "Packages", r->totals.packages);
	count_tile(r, "Log entries", r->totals.entries);
	count_tile(r, "Tags", r->totals.tags);
	count_tile(r, "Different contents", r->totals.blobs);
	size_tile(r, "All as files", r->totals.bytes_packages);
	size_tile(r, "Kept of them", r->totals.bytes_stored);
	pnr_page_puts(&r->page, "</dl>\n");
}

void pnr_draft_head(pnr_draft *r, int64_t now_ms)
{
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
			    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
			    "'none'; "
			    "style-src 'unsafe-inline'\">\n"
			    "<meta name=\"viewport\" content=\"width=device-width, "
			    "initial-scale=1\">\n"
			    "<meta name=\"color-scheme\" content=\"light dark\">\n");
	pnr_page_printf(page,
			"<meta name=\"generator\" content=\"Pannier "
			"%s\">\n<title>Package report</title>\n<style>\n",
			pnr_version());
	for (size_t i = 0; pnr_report_style[i] != NULL; i++)
		pnr_page_puts(page, pnr_report_style[i]);
	pnr_page_puts(page, "</style></head><body><main>\n<header><h1>Package report</h1><p>");
	if (r->packs > 0) {
		pnr_page_puts(page, r->many_models ? "Several models, last packed <bdi>" : "Model <bdi>");
		pnr_page_text(page, r->name.data == NULL ? "" : r->name.data, PNR_REPORT_TEXT_MAX);
		pnr_page_puts(page, "</bdi> · ");
	}
	pnr_page_puts(page, "as of ");
	pnr_page_time(page, now_ms);
	pnr_page_puts(page, " · all times are UTC</p></header>\n");
	put_tiles(r);
}
