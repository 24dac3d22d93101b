/* The newest package in full. */
#include "report/draft.h"
#include "report/table.h"

static void fact(pnr_draft *r, const char *title, const char *text)
{
	if (text[0] == '\0')
		return;
	pnr_page_printf(&r->page, "<dt>%s</dt><dd><bdi>", title);
	pnr_page_text(&r->page, text, PNR_REPORT_TEXT_MAX);
	pnr_page_puts(&r->page, "</bdi></dd>\n");
}

static void hash_fact(pnr_draft *r, const char *title, const pnr_digest *hash)
{
	pnr_page_printf(&r->page, "<dt>%s</dt><dd>", title);
	pnr_page_full_hash(&r->page, hash);
	pnr_page_puts(&r->page, "</dd>\n");
}

static pnr_status take_newest(void *user, const pnr_entry_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<dl class=\"facts\">");
	fact(r, "Model", row->name);
	pnr_page_puts(page, "<dt>When</dt><dd>");
	pnr_page_time(page, row->at_ms);
	pnr_page_puts(page, ", ");
	pnr_page_text(page, row->event, PNR_REPORT_TEXT_MAX);
	pnr_page_puts(page, "</dd>\n");
	hash_fact(r, "Package", &row->package_hash);
	if (row->has_archive)
		hash_fact(r, "Archive", &row->archive_hash);
	pnr_page_puts(page, "<dt>Content</dt><dd>");
	pnr_page_number(page, row->assets);
	pnr_page_puts(page, row->assets == 1 ? " asset, " : " assets, ");
	pnr_page_number(page, row->total_size);
	pnr_page_puts(page, " bytes");
	if (row->has_archive) {
		pnr_page_puts(page, "; the zip ");
		pnr_page_number(page, row->archive_size);
		pnr_page_puts(page, " bytes");
	}
	pnr_page_puts(page, "</dd>\n");
	fact(r, "By", row->user);
	fact(r, "On", row->host);
	if (row->git_commit[0] != '\0') {
		pnr_page_puts(page, "<dt>Commit</dt><dd><code>");
		pnr_page_text(page, row->git_commit, PNR_REPORT_TEXT_MAX);
		pnr_page_puts(page, "</code></dd>\n");
	}
	if (row->git_dirty >= 0)
		fact(r, "Checkout", row->git_dirty > 0 ? "with changes" : "clean");
	fact(r, "CI run", row->ci_run);
	fact(r, "Pannier", row->tool_version);
	fact(r, "Note", row->note);
	return pnr_page_check(page, err);
}

static int take_tag(void *user, const pnr_tag_row *row)
{
	pnr_draft *r = user;
	if (pnr_digest_equal(&row->package_hash, &r->newest) && r->seen++ < PNR_REPORT_REMOTES)
		fact(r, "Tag", row->name);
	return r->page.text.failed;
}

static int take_pushed(void *user, const pnr_pushed_row *row)
{
	pnr_draft *r = user;
	if (r->seen++ < PNR_REPORT_REMOTES)
		fact(r, "On remote", row->remote);
	return r->page.text.failed;
}

static const pnr_column asset_columns[] = {
	{ "Asset", "wide" }, { "Type", "w" }, { "Bytes", "n" }, { "Kept", "n" }, { "SHA-256", "full" }
};

static pnr_status take_asset(void *user, const pnr_held_row *row, pnr_error *err)
{
	pnr_draft *r = user;
	if (r->seen++ >= PNR_REPORT_ASSETS)
		return PNR_OK;
	pnr_page_puts(&r->page, "<tr>");
	pnr_cell_text(&r->page, &asset_columns[0], row->path);
	pnr_cell_text(&r->page, &asset_columns[1], row->type);
	pnr_cell_number(&r->page, &asset_columns[2], row->size);
	pnr_cell_open(&r->page, &asset_columns[3]);
	if (row->kept)
		pnr_page_number(&r->page, row->stored_size);
	else
		pnr_page_puts(&r->page, "given up");
	pnr_cell_close(&r->page);
	pnr_cell_open(&r->page, &asset_columns[4]);
	pnr_page_full_hash(&r->page, &row->hash);
	pnr_page_puts(&r->page, "</td></tr>\n");
	return pnr_page_check(&r->page, err);
}

pnr_status pnr_draft_newest(pnr_draft *r, pnr_error *err)
{
	pnr_page_puts(&r->page, "<section><h2>The newest package</h2>\n");
	pnr_status status = pnr_index_report_entries(r->index, false, 1, take_newest, r, err);
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_tags(r->index, take_tag, r, err);
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_pushed(r->index, &r->newest, take_pushed, r, err);
	pnr_page_puts(&r->page, "</dl>\n");
	pnr_table_open(&r->page, asset_columns, PNR_COUNT(asset_columns));
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_report_contents(r->index, &r->newest, take_asset, r, err);
	pnr_table_close(&r->page);
	pnr_page_left_out(&r->page, "The first", PNR_REPORT_ASSETS, r->seen, "assets", "pannier show latest");
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}
