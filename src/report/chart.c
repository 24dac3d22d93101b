/*
 * Bars over a time axis. Places across are shares of the width, so that the
 * drawing fits any, and its texts keep their size; places down are pixels.
 */
#include "report/chart.h"
#include "base/clock.h"
#include <string.h>
#include <time.h>

enum { TOP = 10, HEIGHT = 200, TICKS = 5, WIDEST = 16 };

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

void pnr_chart_begin(pnr_chart *chart, uint64_t packages, int64_t first_ms, int64_t last_ms,
		     const int64_t *newest_first)
{
	/* Many packages of one moment are drawn in the middle of a day. */
	int64_t lacking = 12 * HOUR - (last_ms - first_ms);
	*chart = (pnr_chart){ .first_ms = first_ms, .last_ms = last_ms, .count = PNR_CHART_SLOTS };
	if (packages <= PNR_CHART_FEW) {
		chart->times = newest_first;
		chart->count = (unsigned)packages;
	} else if (lacking > 0) {
		chart->first_ms -= lacking / 2;
		chart->last_ms += lacking / 2;
	}
}

bool pnr_chart_is_of_packages(const pnr_chart *chart)
{
	return chart->times != NULL;
}

static double place(const pnr_chart *chart, int64_t at_ms)
{
	return (double)(at_ms - chart->first_ms) / (double)(chart->last_ms - chart->first_ms);
}

void pnr_chart_add(pnr_chart *chart, int64_t at_ms, uint64_t size, uint64_t zip)
{
	unsigned i = chart->times != NULL ? chart->added++ : (unsigned)(place(chart, at_ms) * chart->count);
	pnr_slot *slot = &chart->slots[i < chart->count ? i : chart->count - 1];
	slot->packages++;
	if (size > slot->size)
		slot->size = size;
	if (zip > slot->zip)
		slot->zip = zip;
}

/* ------------------------------------------------------------ axis of sizes --
 */

/* The least of 1, 2, 5, 10, 20, 50 ... 500 of a unit that covers @most with at
 * most four steps. */
static uint64_t size_step(uint64_t most)
{
	static const unsigned steps[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500 };
	for (uint64_t unit = 1;; unit *= 1024)
		for (size_t i = 0; i < PNR_COUNT(steps); i++)
			if (most <= 4 * steps[i] * unit ||
			    (unit > UINT64_MAX / 1024 / 1024 && i + 1 == PNR_COUNT(steps)))
				return steps[i] * unit;
}

/* "200 KiB": a step is a whole number of them. */
static void put_step(pnr_page *page, uint64_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	while (size >= 1024 && size % 1024 == 0 && unit + 1 < PNR_COUNT(units)) {
		size /= 1024;
		unit++;
	}
	pnr_page_printf(page, "%llu %s", (unsigned long long)size, units[unit]);
}

static double height_of(uint64_t size, uint64_t top)
{
	return (double)size / (double)top * HEIGHT;
}

static void draw_sizes(pnr_page *page, uint64_t step, uint64_t top)
{
	for (uint64_t size = 0;; size += step) {
		int y = TOP + HEIGHT - (int)(height_of(size, top) + 0.5);
		pnr_page_printf(page, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%d.5\" y2=\"%d.5\"/>",
				size == 0 ? "base" : "grid", y, y);
		pnr_page_printf(page, "<text class=\"y\" x=\"-10\" y=\"%d\">", y + 4);
		if (size == 0)
			pnr_page_puts(page, "0");
		else
			put_step(page, size);
		pnr_page_puts(page, "</text>");
		if (size >= top)
			return;
	}
}

/* ------------------------------------------------------------- axis of time --
 */

/* A step of the calendar: so many months, or so many milliseconds. */
typedef struct time_step {
	int months;
	int64_t ms;
	int skipped, shown; /* characters of the ISO text: those that tell two steps apart */
} time_step;

#define MONTHS(n)                                                                                                      \
	{                                                                                                              \
		n, (n) * (DAY * 61 / 2), 0, (n) % 12 == 0 ? 4 : 7                                                      \
	}

static const time_step *step_of_time(int64_t span)
{
	static const time_step steps[] = {
		{ 0, HOUR, 5, 11 },
		{ 0, 3 * HOUR, 5, 11 },
		{ 0, 6 * HOUR, 5, 11 },
		{ 0, 12 * HOUR, 5, 11 },
		{ 0, DAY, 0, 10 },
		{ 0, 2 * DAY, 0, 10 },
		{ 0, 7 * DAY, 0, 10 },
		{ 0, 14 * DAY, 0, 10 },
		MONTHS(1),
		MONTHS(2),
		MONTHS(3),
		MONTHS(6),
		MONTHS(12),
		MONTHS(24),
		MONTHS(60),
		MONTHS(120),
		MONTHS(600),
		MONTHS(2400),
		MONTHS(12000),
	};
	size_t i = 0;
	while (i + 1 < PNR_COUNT(steps) && span > steps[i].ms * TICKS)
		i++;
	return &steps[i];
}

/* The first step that is not before @ms. */
static int64_t first_step(const time_step *step, int64_t ms, int64_t *out_month)
{
	*out_month = 0;
	if (step->months == 0)
		return (ms >= 0 ? ms + step->ms - 1 : ms) / step->ms * step->ms;
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	(void)gmtime_r(&seconds, &tm);
	int64_t month = (int64_t)(tm.tm_year + 1900) * 12 + tm.tm_mon;
	*out_month = (month / step->months + 1) * step->months;
	return 0;
}

static int64_t month_ms(int64_t month)
{
	struct tm tm = { .tm_year = (int)(month / 12) - 1900, .tm_mon = (int)(month % 12), .tm_mday = 1 };
	return (int64_t)timegm(&tm) * 1000;
}

static void draw_label(const pnr_chart *chart, pnr_page *page, const time_step *step, int64_t ms, unsigned number)
{
	char text[PNR_TIME_TEXT_SIZE];
	(void)pnr_clock_format(ms, text);
	text[10] = ' ';
	double x = place(chart, ms);
	/* At the right edge there is no room for one; on a phone every second goes. */
	pnr_page_puts(page, "<line class=\"base\" x1=\"");
	pnr_page_length(page, x, 1);
	pnr_page_puts(page, "\" x2=\"");
	pnr_page_length(page, x, 1);
	pnr_page_printf(page, "\" y1=\"%d\" y2=\"%d\"/>", TOP + HEIGHT, TOP + HEIGHT + 5);
	if (x > 0.92)
		return;
	pnr_page_printf(page, "<text class=\"x%s\" x=\"", number % 2 == 0 ? "" : " alt");
	pnr_page_length(page, x, 1);
	pnr_page_printf(page, "\" y=\"%d\">%.*s</text>", TOP + HEIGHT + 20, step->shown, text + step->skipped);
}

static void draw_times(const pnr_chart *chart, pnr_page *page)
{
	const time_step *step = step_of_time(chart->last_ms - chart->first_ms);
	int64_t month, at = first_step(step, chart->first_ms, &month);
	for (unsigned number = 0; number <= 2 * TICKS; number++) {
		if (step->months != 0)
			at = month_ms(month);
		if (at > chart->last_ms)
			return;
		draw_label(chart, page, step, at, number);
		at += step->ms;
		month += step->months;
	}
}

/* Under few columns the first and the last say enough; a single one has its own below it. */
void pnr_chart_times(pnr_page *page, int y, const int64_t *newest_first, uint64_t count)
{
	static const char *const classes[] = { "start", "x alt", "end" };
	if (count == 1) {
		pnr_page_printf(page, "<text class=\"x\" x=\"50%%\" y=\"%d\">", y);
		pnr_page_time(page, newest_first[0]);
		pnr_page_puts(page, "</text>");
		return;
	}
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t place = (count - 1) * i / 2;
		if (i == 1 && count < 10)
			continue;
		pnr_page_printf(page, "<text class=\"%s\" y=\"%d\" x=\"", classes[i], y);
		pnr_page_length(page, i == 1 ? (double)place + 0.5 : (double)count * (double)i / 2, (double)count);
		pnr_page_puts(page, "\">");
		pnr_page_time(page, newest_first[count - 1 - place]);
		pnr_page_puts(page, "</text>");
	}
}

/* ------------------------------------------------------------------ bars -- */

static void draw_bar(pnr_page *page, const char *class, double x, double width, uint64_t size, uint64_t top)
{
	int height = (int)(height_of(size, top) + 0.5);
	if (size == 0)
		return;
	if (height == 0)
		height = 1;
	pnr_page_printf(page, "<rect class=\"%s\" x=\"", class);
	pnr_page_length(page, x, 1);
	pnr_page_puts(page, "\" width=\"");
	pnr_page_length(page, width, 1);
	pnr_page_printf(page, "\" y=\"%d\" height=\"%d\"/>", TOP + HEIGHT - height, height);
}

/* "2026-03-24 02:00: 145.0 KiB as files, 45.6 KiB as a zip" */
static void put_title(const pnr_chart *chart, pnr_page *page, unsigned i)
{
	const pnr_slot *slot = &chart->slots[i];
	char size[PNR_SIZE_TEXT], zip[PNR_SIZE_TEXT];
	double span = (double)(chart->last_ms - chart->first_ms);
	pnr_page_puts(page, chart->times != NULL ? "<title>" : "<title>from ");
	pnr_page_time(page, chart->times != NULL ? chart->times[chart->count - 1 - i]
						 : chart->first_ms + (int64_t)(span * i / chart->count));
	if (chart->times == NULL)
		pnr_page_printf(page, ": %llu, the largest", (unsigned long long)slot->packages);
	pnr_page_printf(page, "%s %s as files, %s as a zip</title>", chart->times != NULL ? ":" : "",
			pnr_size_text(slot->size, size), slot->zip == 0 ? "none" : pnr_size_text(slot->zip, zip));
}

static void draw_slot(const pnr_chart *chart, pnr_page *page, unsigned i, uint64_t top)
{
	const pnr_slot *slot = &chart->slots[i];
	/* Few bars stand apart, and are not too wide; many are an area. */
	double each = 1.0 / chart->count, width = chart->times != NULL ? each * 0.8 : each;
	if (slot->packages == 0)
		return;
	if (chart->times != NULL && width > 1.0 / WIDEST)
		width = 1.0 / WIDEST;
	double x = (i + 0.5) * each - width / 2;
	pnr_page_puts(page, "<g>");
	/* The larger one behind. */
	if (slot->size >= slot->zip)
		draw_bar(page, "files", x, width, slot->size, top);
	draw_bar(page, "zip", x, width, slot->zip, top);
	if (slot->size < slot->zip)
		draw_bar(page, "files", x, width, slot->size, top);
	put_title(chart, page, i);
	pnr_page_puts(page, "</g>");
}

void pnr_chart_draw(const pnr_chart *chart, pnr_page *page)
{
	uint64_t most = 1;
	for (unsigned i = 0; i < chart->count; i++) {
		if (chart->slots[i].size > most)
			most = chart->slots[i].size;
		if (chart->slots[i].zip > most)
			most = chart->slots[i].zip;
	}
	uint64_t step = size_step(most), top = (most + step - 1) / step * step;
	pnr_page_printf(page,
			"<svg class=\"chart\" height=\"%d\" role=\"img\" "
			"aria-label=\"Sizes of the packages over time\">",
			TOP + HEIGHT + 28);
	draw_sizes(page, step, top);
	for (unsigned i = 0; i < chart->count; i++)
		draw_slot(chart, page, i, top);
	if (chart->times != NULL)
		pnr_chart_times(page, TOP + HEIGHT + 20, chart->times, chart->count);
	else
		draw_times(chart, page);
	pnr_page_puts(page, "</svg>\n");
}
