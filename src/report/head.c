/* The head of the page: of which model it is, and the figures that sum it up. */
#include "base/clock.h"
#include "report/draft.h"
#include "report/style.h"
#include <pannier/pannier.h>
#include <string.h>

static pnr_status take_pack(void *user, const pnr_entry_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	if (r->known == 0) {
		r->newest = row->package_hash;
		pnr_buffer_puts(&r->name, row->name);
	}
	r->entries[r->known] = row->id;
	r->times[r->known++] = row->at_ms;
	return pnr_buffer_status(&r->name, err);
}

pnr_status pnr_draft_look(pnr_draft *r, pnr_error *err)
{
	pnr_status status = pnr_index_totals(r->index, &r->totals, err);
	if (status == PNR_OK)
		status = pnr_index_report_span(r->index, &r->span, err);
	if (status == PNR_OK)
		status = pnr_index_report_entries(r->index, false, PNR_REPORT_COLUMNS, take_pack, r, err);
	r->info.entries = r->totals.entries;
	/* They are counted in the log, and read with what they name. */
	if (status == PNR_OK && r->known < PNR_REPORT_COLUMNS && r->known < r->span.packs)
		return pnr_fail(err, PNR_CORRUPT, "the log names packages that are not there; 'pannier fsck' says which");
	return status;
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
	const pnr_totals *t = &r->totals;
	pnr_page_puts(&r->page, "<dl class=\"tiles\">");
	count_tile(r, "Packages", t->packages);
	count_tile(r, "Log entries", t->entries);
	count_tile(r, "Different contents", t->blobs);
	size_tile(r, "All as files", t->bytes_packages);
	size_tile(r, "Kept in the store", t->bytes_stored);
	tile_begin(r, "Saved");
	pnr_page_saved(&r->page, t->bytes_stored, t->bytes_packages > 0 ? t->bytes_packages : 1);
	pnr_page_puts(&r->page, "</dd></div></dl>\n");
}

/* "term-life · 2026-01-05 to 2026-06-30 · ": a model without a name is called by its folder. */
static void put_subject(pnr_draft *r)
{
	pnr_page *page = &r->page;
	char first[PNR_TIME_TEXT_SIZE], last[PNR_TIME_TEXT_SIZE];
	if (r->span.many_models || strcmp(r->name.data, ".") != 0) {
		pnr_page_puts(page, r->span.many_models ? "Several models, last packed <bdi>" : "Model <bdi>");
		pnr_page_text(page, r->name.data, PNR_REPORT_TEXT_MAX);
		pnr_page_puts(page, "</bdi> · ");
	}
	pnr_page_puts(page, "<span>");
	(void)pnr_clock_format(r->span.first_ms, first);
	(void)pnr_clock_format(r->span.last_ms, last);
	pnr_page_printf(page, "%.10s", first);
	if (memcmp(first, last, 10) != 0)
		pnr_page_printf(page, " to %.10s", last);
	pnr_page_puts(page, "</span> · ");
}

void pnr_draft_head(pnr_draft *r, int64_t now_ms)
{
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
			    "<meta http-equiv=\"Content-Security-Policy\""
			    " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
			    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
			    "<meta name=\"color-scheme\" content=\"light dark\">\n");
	pnr_page_printf(page, "<meta name=\"generator\" content=\"Pannier %s\">\n<title>Package report</title>\n<style>\n",
			pnr_version());
	for (size_t i = 0; pnr_report_style[i] != NULL; i++)
		pnr_page_puts(page, pnr_report_style[i]);
	pnr_page_puts(page, "</style></head><body><main>\n<header><h1>Package report</h1><p>");
	if (r->span.packs > 0)
		put_subject(r);
	pnr_page_puts(page, "<span>as of ");
	pnr_page_time(page, now_ms);
	pnr_page_puts(page, " UTC</span></p></header>\n");
	if (r->span.packs > 0)
		put_tiles(r);
}
