/* The page, from its head to its foot. Each part asks the index and writes what
 * it says as it comes. */
#include "index/report.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "base/path.h"
#include "base/temp.h"
#include "index/history.h"
#include "package/archive.h"
#include "report/chart.h"
#include "report/page.h"
#include "report/style.h"
#include "store/store.h"
#include <fcntl.h>
#include <pannier/pannier.h>
#include <string.h>

typedef struct report {
	pnr_page page;
	pnr_index *index;
	pnr_totals totals;
	pnr_report_info info;
	pnr_chart chart;
	pnr_buffer name; /* of the newest pack's model */
	bool many_models;
	int64_t entries[PNR_REPORT_COLUMNS], times[PNR_REPORT_COLUMNS]; /* that are drawn, newest first */
	uint64_t packs;                                                 /* entries that are no pushes */
	pnr_digest newest;                                              /* package of the newest one */
	uint64_t left; /* rows that the asset still has, or that are still listed */
	uint64_t seen; /* rows of a list */
} report;

/* What stands in a column: its title, and how it is set. */
typedef struct column {
	const char *title, *class;
} column;

static void open_table(report *r, const column *columns, size_t count)
{
	pnr_page_puts(&r->page, "<table><thead><tr>");
	for (size_t i = 0; i < count; i++)
		pnr_page_printf(&r->page, "<th class=\"%s\">%s</th>", columns[i].class, columns[i].title);
	pnr_page_puts(&r->page, "</tr></thead><tbody>\n");
}

static void close_table(report *r)
{
	pnr_page_puts(&r->page, "</tbody></table>\n");
}

static void open_cell(report *r, const column *of)
{
	pnr_page_printf(&r->page, "<td class=\"%s\" data-l=\"%s\">", of->class, of->title);
}

static void close_cell(report *r)
{
	pnr_page_puts(&r->page, "</td>");
}

static void number_cell(report *r, const column *of, uint64_t number)
{
	open_cell(r, of);
	pnr_page_number(&r->page, number);
	close_cell(r);
}

static void size_cell(report *r, const column *of, uint64_t bytes)
{
	open_cell(r, of);
	pnr_page_size(&r->page, bytes);
	close_cell(r);
}

static void text_cell(report *r, const column *of, const char *text)
{
	open_cell(r, of);
	pnr_page_text(&r->page, text, PNR_REPORT_TEXT_MAX);
	close_cell(r);
}

static void time_cell(report *r, const column *of, int64_t ms)
{
	open_cell(r, of);
	pnr_page_time(&r->page, ms);
	close_cell(r);
}

static void hash_cell(report *r, const column *of, const pnr_digest *hash)
{
	open_cell(r, of);
	pnr_page_hash(&r->page, hash);
	close_cell(r);
}

/* "The first 1,000 of 2,345 assets." if some are left out. */
static void say_left_out(report *r, const char *which, uint64_t shown, uint64_t all, const char *what,
			 const char *elsewhere)
{
	if (shown >= all)
		return;
	pnr_page_printf(&r->page, "<p class=\"soft\">%s ", which);
	pnr_page_number(&r->page, shown);
	pnr_page_puts(&r->page, " of ");
	pnr_page_number(&r->page, all);
	pnr_page_printf(&r->page, " %s; <code>%s</code> has all.</p>\n", what, elsewhere);
}

/* ------------------------------------------------------------------ head -- */

/* What must be known before anything is drawn. */
static pnr_status look(void *user, const pnr_entry_row *row, pnr_error *err)
{
	report *r = user;
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

static void tile_begin(report *r, const char *title)
{
	pnr_page_printf(&r->page, "<div><dt>%s</dt><dd>", title);
}

static void count_tile(report *r, const char *title, uint64_t count)
{
	tile_begin(r, title);
	pnr_page_number(&r->page, count);
	pnr_page_puts(&r->page, "</dd></div>");
}

static void size_tile(report *r, const char *title, uint64_t bytes)
{
	tile_begin(r, title);
	pnr_page_size(&r->page, bytes);
	pnr_page_puts(&r->page, "</dd></div>");
}

static void put_tiles(report *r)
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

static void put_head(report *r, int64_t now_ms)
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

/* -------------------------------------------------------- packages over time
 * -- */

static pnr_status take_slot(void *user, const pnr_entry_row *row, pnr_error *err)
{
	report *r = user;
	pnr_chart_add(&r->chart, row->at_ms, row->total_size, row->archive_size);
	return pnr_page_check(&r->page, err);
}

#define SWATCH(class)                                                                                                  \
	"<svg width=\"12\" height=\"12\"><rect class=\"" class "\" width=\"12\" "                                      \
							       "height=\"12\"/></"                                     \
							       "svg>"

static pnr_status put_packages(report *r, pnr_error *err)
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
			    "class=\"key\"><span>" SWATCH("files") "as files</span><span>" SWATCH(
				    "zip") "as a zip</span></div>\n<figure style=\"margin:0\">");
	pnr_chart_draw(&r->chart, page);
	pnr_page_puts(page, "</figure></section>\n");
	return pnr_page_check(page, err);
}

/* ----------------------------------------------------------------- changes --
 */

/* Which column is @entry's, from the left; the entries are in descending order.
 */
static bool column_of(const report *r, int64_t entry, uint64_t *out_column)
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

static void draw_change(report *r, uint64_t place, const char *change)
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

static void open_asset(report *r, const pnr_changed_row *row)
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
	report *r = user;
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
static void put_change_axis(report *r)
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

static pnr_status put_changes(report *r, pnr_error *err)
{
	pnr_page *page = &r->page;
	r->info.compared = r->packs < PNR_REPORT_COLUMNS ? r->packs : PNR_REPORT_COLUMNS;
	pnr_page_puts(page, "<section><h2>What changed when</h2><p class=\"soft\">A "
			    "column is a pack, an import or an apply, "
			    "compared with the one before of the same model; the "
			    "newest is on the right.</p>\n");
	say_left_out(r, "The newest", r->info.compared, r->packs, "of these", "pannier log");
	pnr_page_puts(page, "<div class=\"key\"><span>" SWATCH("added") "added</span><span>" SWATCH(
				    "changed") "changed</span><span>" SWATCH("removed") "removed</span></"
											"div>\n");
	put_change_axis(r);
	r->left = 0;
	pnr_status status = pnr_index_report_changes(r->index, r->entries[r->info.compared - 1], PNR_REPORT_ROWS,
						     take_change, r, err);
	if (status != PNR_OK)
		return status;
	say_left_out(r, "Drawn are", r->info.assets, r->info.changed,
		     "assets that these changed: those that changed most", "pannier history PATH");
	pnr_page_puts(page, "</section>\n");
	return pnr_page_check(page, err);
}

/* ------------------------------------------------------------------ savings --
 */

static void put_bar(report *r, const char *label, const char *class, uint64_t bytes, uint64_t most)
{
	pnr_page *page = &r->page;
	pnr_page_printf(page,
			"<div class=\"row\"><div class=\"path\">%s</div><svg "
			"height=\"16\" role=\"img\" aria-label=\"%s\">"
			"<rect class=\"track\" width=\"100%%\" height=\"16\"/><rect "
			"class=\"%s\" height=\"16\" width=\"",
			label, label, class);
	pnr_page_length(page, (double)bytes, (double)most);
	pnr_page_puts(page, "\"/></svg><div class=\"n\">");
	pnr_page_size(page, bytes);
	pnr_page_puts(page, "</div></div>\n");
}

static const column type_columns[] = {
	{ "Type", "lead" }, { "Contents", "n" }, { "Bytes", "n s" }, { "Kept", "n s" }, { "Saved", "n" }
};

static pnr_status take_type(void *user, const pnr_type_row *row, pnr_error *err)
{
	report *r = user;
	pnr_page_puts(&r->page, "<tr>");
	text_cell(r, &type_columns[0], row->type);
	number_cell(r, &type_columns[1], row->blobs);
	size_cell(r, &type_columns[2], row->size);
	size_cell(r, &type_columns[3], row->stored_size);
	open_cell(r, &type_columns[4]);
	pnr_page_saved(&r->page, row->stored_size, row->size > 0 ? row->size : 1);
	pnr_page_puts(&r->page, "</td></tr>\n");
	return pnr_page_check(&r->page, err);
}

static pnr_status put_savings(report *r, pnr_error *err)
{
	const pnr_totals *t = &r->totals;
	uint64_t most = 1;
	const uint64_t sizes[] = { t->bytes_packages, t->bytes_archives, t->bytes_raw, t->bytes_stored };
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		most = sizes[i] > most ? sizes[i] : most;
	pnr_page_puts(&r->page, "<section><h2>What keeping everything takes</h2><p "
				"class=\"soft\">A content that several "
				"packages hold is kept once: that saves ");
	pnr_page_saved(&r->page, t->bytes_raw, t->bytes_packages > 0 ? t->bytes_packages : 1);
	pnr_page_puts(&r->page, ". Compression saves ");
	pnr_page_saved(&r->page, t->bytes_stored, t->bytes_raw > 0 ? t->bytes_raw : 1);
	pnr_page_puts(&r->page, " of what is left. Manifests are contents as well.</p>\n");
	put_bar(r, "All packages as files", "files", t->bytes_packages, most);
	put_bar(r, "All packages as zips", "files", t->bytes_archives, most);
	put_bar(r, "Each content once", "files", t->bytes_raw, most);
	put_bar(r, "Kept in the store", "zip", t->bytes_stored, most);
	pnr_page_puts(&r->page, "<h3>By type</h3>\n");
	open_table(r, type_columns, PNR_COUNT(type_columns));
	pnr_status status = pnr_index_report_types(r->index, take_type, r, err);
	close_table(r);
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}

/* ------------------------------------------------------------------ remotes --
 */

static const column remote_columns[] = { { "Remote", "lead" },    { "Packages", "n" },  { "Contents", "n" },
					 { "Bytes", "n s" },      { "Objects", "n s" }, { "Patches", "n" },
					 { "Patches save", "n" }, { "Newest", "w" },    { "Where", "wide" } };

static pnr_status take_remote(void *user, const pnr_there_row *row, pnr_error *err)
{
	report *r = user;
	if (r->seen++ >= PNR_REPORT_REMOTES)
		return PNR_OK;
	if (r->seen == 1) {
		pnr_page_puts(&r->page, "<h3>What is known to be there</h3>\n");
		open_table(r, remote_columns, PNR_COUNT(remote_columns));
	}
	pnr_page_puts(&r->page, "<tr>");
	text_cell(r, &remote_columns[0], row->name);
	number_cell(r, &remote_columns[1], row->packages);
	number_cell(r, &remote_columns[2], row->blobs);
	size_cell(r, &remote_columns[3], row->size);
	size_cell(r, &remote_columns[4], row->stored_size);
	number_cell(r, &remote_columns[5], row->patches);
	open_cell(r, &remote_columns[6]);
	if (row->patches > 0)
		pnr_page_saved(&r->page, row->patches_size, row->patched_size > 0 ? row->patched_size : 1);
	close_cell(r);
	open_cell(r, &remote_columns[7]);
	if (row->has_packages)
		pnr_page_time(&r->page, row->last_ms);
	close_cell(r);
	text_cell(r, &remote_columns[8], row->url);
	pnr_page_puts(&r->page, "</tr>\n");
	return pnr_page_check(&r->page, err);
}

static pnr_status take_saved(void *user, const pnr_saved_row *row, pnr_error *err)
{
	report *r = user;
	pnr_page *page = &r->page;
	uint64_t most = row->bytes_full > row->bytes_sent ? row->bytes_full : row->bytes_sent;
	bool push = strcmp(row->direction, "push") == 0;
	if (r->seen++ >= 2 * PNR_REPORT_REMOTES)
		return PNR_OK;
	pnr_page_printf(page, "<h3>%s <bdi>", push ? "Pushed to" : "Pulled from");
	pnr_page_text(page, row->remote, PNR_REPORT_TEXT_MAX);
	pnr_page_puts(page, "</bdi></h3>\n<p class=\"soft\">");
	pnr_page_number(page, row->transfers);
	pnr_page_puts(page, row->transfers == 1 ? " transfer" : " transfers");
	pnr_page_printf(page, ", %llu.%llu s. What was there already, and patches, saved ",
			(unsigned long long)(row->milliseconds / 1000),
			(unsigned long long)(row->milliseconds % 1000 / 100));
	pnr_page_saved(page, row->bytes_sent, row->bytes_full > 0 ? row->bytes_full : 1);
	pnr_page_puts(page, ".</p>\n");
	put_bar(r, "Whole packages", "files", row->bytes_full, most > 0 ? most : 1);
	put_bar(r, "Moved", "zip", row->bytes_sent, most > 0 ? most : 1);
	return pnr_page_check(page, err);
}

static const column moved_columns[] = { { "When", "w lead" },  { "Remote", "" },    { "Direction", "" },
					{ "Package", "w" },    { "Contents", "n" }, { "Moved", "n" },
					{ "As patches", "n" }, { "Bytes", "n s" },  { "Whole", "n s" },
					{ "Saved", "n" },      { "Seconds", "n" },  { "Outcome", "" } };

static pnr_status take_moved(void *user, const pnr_moved_row *row, pnr_error *err)
{
	report *r = user;
	if (r->seen++ == 0) {
		pnr_page_puts(&r->page, "<h3>Pushes and pulls</h3>\n");
		say_left_out(r, "The newest", PNR_REPORT_TRANSFERS, row->transfers, "of them",
			     "sqlite3 .pannier/pannier.db \"SELECT * FROM transfer\"");
		open_table(r, moved_columns, PNR_COUNT(moved_columns));
	}
	pnr_page_puts(&r->page, "<tr>");
	time_cell(r, &moved_columns[0], row->at_ms);
	text_cell(r, &moved_columns[1], row->remote);
	text_cell(r, &moved_columns[2], row->direction);
	hash_cell(r, &moved_columns[3], &row->package_hash);
	number_cell(r, &moved_columns[4], row->blobs_needed);
	number_cell(r, &moved_columns[5], row->blobs_sent);
	number_cell(r, &moved_columns[6], row->blobs_patched);
	size_cell(r, &moved_columns[7], row->bytes_sent);
	size_cell(r, &moved_columns[8], row->bytes_full);
	open_cell(r, &moved_columns[9]);
	pnr_page_saved(&r->page, row->bytes_sent, row->bytes_full > 0 ? row->bytes_full : 1);
	close_cell(r);
	open_cell(r, &moved_columns[10]);
	pnr_page_printf(&r->page, "%llu.%llu", (unsigned long long)(row->milliseconds / 1000),
			(unsigned long long)(row->milliseconds % 1000 / 100));
	close_cell(r);
	text_cell(r, &moved_columns[11], row->outcome);
	pnr_page_puts(&r->page, "</tr>\n");
	return pnr_page_check(&r->page, err);
}

static pnr_status put_remotes(report *r, pnr_error *err)
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
		close_table(r);
		say_left_out(r, "The first", PNR_REPORT_REMOTES, r->seen, "remotes", "pannier remote list");
	}
	any = any || r->seen > 0;
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_report_transfers(r->index, PNR_REPORT_TRANSFERS, take_moved, r, err);
	if (r->seen > 0)
		close_table(r);
	if (!any && r->seen == 0)
		pnr_page_puts(&r->page, "<p class=\"soft\">There is no remote; nothing was "
					"pushed or pulled.</p>\n");
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}

/* ---------------------------------------------------------- the newest package
 * -- */

static void fact(report *r, const char *title, const char *text)
{
	if (text[0] == '\0')
		return;
	pnr_page_printf(&r->page, "<dt>%s</dt><dd><bdi>", title);
	pnr_page_text(&r->page, text, PNR_REPORT_TEXT_MAX);
	pnr_page_puts(&r->page, "</bdi></dd>\n");
}

static void hash_fact(report *r, const char *title, const pnr_digest *hash)
{
	pnr_page_printf(&r->page, "<dt>%s</dt><dd>", title);
	pnr_page_full_hash(&r->page, hash);
	pnr_page_puts(&r->page, "</dd>\n");
}

static pnr_status take_newest(void *user, const pnr_entry_row *row, pnr_error *err)
{
	report *r = user;
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
	fact(r, "Commit", row->git_commit);
	if (row->git_dirty >= 0)
		fact(r, "Checkout", row->git_dirty > 0 ? "with changes" : "clean");
	fact(r, "CI run", row->ci_run);
	fact(r, "Pannier", row->tool_version);
	fact(r, "Note", row->note);
	return pnr_page_check(page, err);
}

static int take_tag(void *user, const pnr_tag_row *row)
{
	report *r = user;
	if (pnr_digest_equal(&row->package_hash, &r->newest) && r->seen++ < PNR_REPORT_REMOTES)
		fact(r, "Tag", row->name);
	return r->page.text.failed;
}

static int take_pushed(void *user, const pnr_pushed_row *row)
{
	report *r = user;
	if (r->seen++ < PNR_REPORT_REMOTES)
		fact(r, "On remote", row->remote);
	return r->page.text.failed;
}

static const column asset_columns[] = {
	{ "Asset", "lead wide" }, { "Type", "" }, { "Bytes", "n" }, { "Kept", "n" }, { "SHA-256", "full" }
};

static pnr_status take_asset(void *user, const pnr_held_row *row, pnr_error *err)
{
	report *r = user;
	if (r->seen++ >= PNR_REPORT_ASSETS)
		return PNR_OK;
	pnr_page_puts(&r->page, "<tr>");
	text_cell(r, &asset_columns[0], row->path);
	text_cell(r, &asset_columns[1], row->type);
	number_cell(r, &asset_columns[2], row->size);
	open_cell(r, &asset_columns[3]);
	if (row->kept)
		pnr_page_number(&r->page, row->stored_size);
	else
		pnr_page_puts(&r->page, "given up");
	close_cell(r);
	open_cell(r, &asset_columns[4]);
	pnr_page_full_hash(&r->page, &row->hash);
	pnr_page_puts(&r->page, "</td></tr>\n");
	return pnr_page_check(&r->page, err);
}

static pnr_status put_newest(report *r, pnr_error *err)
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
	open_table(r, asset_columns, PNR_COUNT(asset_columns));
	r->seen = 0;
	if (status == PNR_OK)
		status = pnr_index_report_contents(r->index, &r->newest, take_asset, r, err);
	close_table(r);
	say_left_out(r, "The first", PNR_REPORT_ASSETS, r->seen, "assets", "pannier show latest");
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}

/* ------------------------------------------------------------------ the log --
 */

static const column log_columns[] = { { "When", "w lead" },  { "What", "" },    { "Model", "" },
				      { "Package", "w" },    { "Assets", "n" }, { "As files", "n s" },
				      { "As a zip", "n s" }, { "Who", "" },     { "Commit", "w" },
				      { "Note", "wide" } };

static pnr_status take_entry(void *user, const pnr_entry_row *row, pnr_error *err)
{
	report *r = user;
	pnr_page *page = &r->page;
	pnr_page_puts(page, "<tr>");
	time_cell(r, &log_columns[0], row->at_ms);
	text_cell(r, &log_columns[1], row->event);
	text_cell(r, &log_columns[2], row->name);
	hash_cell(r, &log_columns[3], &row->package_hash);
	number_cell(r, &log_columns[4], row->assets);
	size_cell(r, &log_columns[5], row->total_size);
	open_cell(r, &log_columns[6]);
	if (row->has_archive)
		pnr_page_size(page, row->archive_size);
	close_cell(r);
	text_cell(r, &log_columns[7], row->user);
	open_cell(r, &log_columns[8]);
	if (row->git_commit[0] != '\0') {
		pnr_page_puts(page, "<code>");
		pnr_page_text(page, row->git_commit, 8);
		pnr_page_puts(page, row->git_dirty > 0 ? "</code> with changes" : "</code>");
	}
	close_cell(r);
	text_cell(r, &log_columns[9], row->note);
	pnr_page_puts(page, "</tr>\n");
	r->info.listed++;
	return pnr_page_check(page, err);
}

static pnr_status put_log(report *r, pnr_error *err)
{
	pnr_page_puts(&r->page, "<section><h2>The log</h2>\n");
	say_left_out(r, "The newest", PNR_REPORT_ENTRIES, r->totals.entries, "entries", "pannier log");
	open_table(r, log_columns, PNR_COUNT(log_columns));
	pnr_status status = pnr_index_report_entries(r->index, true, PNR_REPORT_ENTRIES, take_entry, r, err);
	close_table(r);
	pnr_page_puts(&r->page, "</section>\n");
	return status == PNR_OK ? pnr_page_check(&r->page, err) : status;
}

/* ------------------------------------------------------------------ the whole
 * -- */

static pnr_status put_parts(report *r, pnr_error *err)
{
	if (r->packs == 0) {
		pnr_page_puts(&r->page, "<p style=\"margin-top:2rem\">Nothing was packed "
					"yet: the first <code>pannier pack"
					"</code> begins the history.</p>\n");
		return pnr_page_check(&r->page, err);
	}
	pnr_status status = put_packages(r, err);
	if (status == PNR_OK)
		status = put_changes(r, err);
	if (status == PNR_OK)
		status = put_savings(r, err);
	if (status == PNR_OK)
		status = put_remotes(r, err);
	if (status == PNR_OK)
		status = put_newest(r, err);
	return status == PNR_OK ? put_log(r, err) : status;
}

static pnr_status write_page(report *r, pnr_error *err)
{
	int64_t now_ms = 0;
	pnr_status status = pnr_clock_epoch_or_now(&now_ms, err);
	if (status == PNR_OK)
		status = pnr_index_totals(r->index, &r->totals, err);
	if (status == PNR_OK)
		status = pnr_index_report_entries(r->index, false, 0, look, r, err);
	if (status != PNR_OK)
		return status;
	r->info.entries = r->totals.entries;
	put_head(r, now_ms);
	status = put_parts(r, err);
	if (status != PNR_OK)
		return status;
	pnr_page_printf(&r->page,
			"<footer>Pannier %s. Every figure here is a query of "
			"<code>.pannier/pannier.db</code>, an "
			"SQLite database with documented "
			"views.</footer>\n</main></body></html>\n",
			pnr_version());
	return pnr_page_end(&r->page, err);
}

static void report_free(report *r)
{
	pnr_page_free(&r->page);
	pnr_buffer_free(&r->name);
}

/* All of it is of one state of the index. */
static pnr_status write_all(pnr_store *store, const pnr_sink *sink, pnr_meter *meter, pnr_report_info *out_info,
			    pnr_error *err)
{
	PNR_CLEANUP(report_free)
	report r = { .page = { .sink = sink, .meter = meter, .text = PNR_BUFFER_INIT },
		     .index = pnr_store_index(store),
		     .info = { .size = sizeof r.info } };
	pnr_status status = pnr_index_hold(r.index, err);
	if (status == PNR_OK)
		status = write_page(&r, err);
	pnr_index_release(r.index);
	/* Whoever cancels at the last report finds no file. */
	if (status == PNR_OK)
		status = pnr_meter_end(meter, err);
	if (status != PNR_OK)
		return status;
	r.info.bytes = r.page.bytes;
	*out_info = r.info;
	return PNR_OK;
}

static pnr_status write_file(pnr_store *store, const char *path, pnr_meter *meter, pnr_report_info *out_info,
			     pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *parent = NULL;
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	pnr_status status = pnr_archive_target(store, path, &target, err);
	if (status != PNR_OK)
		return status;
	parent = pnr_path_dir(target);
	if (parent == NULL)
		return pnr_fail_nomem(err);
	status = pnr_file_make_dirs(AT_FDCWD, parent, err);
	if (status == PNR_OK)
		status = pnr_file_open_dir(AT_FDCWD, parent, &dir, err);
	if (status == PNR_OK)
		status = pnr_temp_file(dir, pnr_path_base(target), &temp, err);
	if (status != PNR_OK) {
		pnr_context(err, "output '%s'", target);
		return status;
	}
	pnr_file_end end = { temp.fd, target };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_report_info info;
	status = write_all(store, &sink, meter, &info, err);
	if (status == PNR_OK)
		status = pnr_temp_publish(&temp, err);
	if (status == PNR_OK)
		*out_info = info;
	return status;
}

pnr_status pnr_report(pnr_store *store, const char *output_path, pnr_write_fn write, void *user,
		      const pnr_report_options *options, pnr_report_info *out_info, pnr_error *err)
{
	pnr_report_options own = { .size = sizeof own };
	pnr_report_info info = { .size = sizeof info };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_report_options", err);
	pnr_meter meter = { .fn = own.progress, .user = own.progress_user };
	if (status == PNR_OK)
		status = pnr_meter_begin(&meter, PNR_PHASE_WRITE, 0, err);
	if (status == PNR_OK && output_path != NULL) {
		status = write_file(store, output_path, &meter, &info, err);
	} else if (status == PNR_OK) {
		pnr_receiver receiver = { write, user };
		const pnr_sink sink = pnr_receiver_sink(&receiver);
		status = write_all(store, &sink, &meter, &info, err);
	}
	if (status == PNR_OK && out_info != NULL)
		*out_info = info;
	return status;
}
