#include "diff/csv.h"
#include <inttypes.h>
#include <pannier/history.h>
#include <string.h>

void pnr_csv_free(pnr_csv *csv)
{
	pnr_buffer_free(&csv->row);
}

static pnr_status fail_line(const pnr_csv *csv, const char *what, pnr_error *err)
{
	return pnr_fail(err, PNR_INVALID, "line %" PRIu64 ": %s", csv->line + 1, what);
}

static void cell_end(pnr_csv *csv)
{
	pnr_buffer_putc(&csv->row, '\0');
	csv->cells++;
	csv->cell_start = csv->row.length;
	csv->quoted = false;
	csv->state = PNR_CSV_START;
}

static pnr_status row_end(pnr_csv *csv, pnr_error *err)
{
	/* The CR of a line end is no part of the cell before it. */
	if (!csv->quoted && csv->row.length > csv->cell_start && csv->row.data[csv->row.length - 1] == '\r')
		csv->row.length--;
	bool empty = csv->cells == 0 && !csv->quoted && csv->row.length == 0;
	pnr_status status = PNR_OK;
	if (!empty) {
		cell_end(csv);
		status = pnr_buffer_status(&csv->row, err);
		if (status == PNR_OK)
			status = csv->fn(csv->user, csv->row.data, csv->row.length, csv->cells, csv->row_line + 1, err);
	}
	csv->row.length = 0;
	csv->cells = 0;
	csv->cell_start = 0;
	csv->state = PNR_CSV_START;
	return status;
}

/* What a byte does outside of a run of plain ones. */
static pnr_status take(pnr_csv *csv, char c, pnr_error *err)
{
	if (csv->state == PNR_CSV_QUOTED) {
		if (c == '"')
			csv->state = PNR_CSV_QUOTE;
		else
			pnr_buffer_putc(&csv->row, c);
		return PNR_OK;
	}
	if (csv->state == PNR_CSV_QUOTE && c == '"') {
		pnr_buffer_putc(&csv->row, c);
		csv->state = PNR_CSV_QUOTED;
		return PNR_OK;
	}
	if (c == '\n')
		return row_end(csv, err);
	if (csv->state == PNR_CSV_RETURN)
		return fail_line(csv, "a lone CR follows a cell in quotes", err);
	if (c == ',') {
		cell_end(csv);
		return PNR_OK;
	}
	if (csv->state == PNR_CSV_QUOTE) {
		if (c != '\r')
			return fail_line(csv, "text follows a cell in quotes", err);
		csv->state = PNR_CSV_RETURN;
		return PNR_OK;
	}
	if (csv->state == PNR_CSV_START && c == '"') {
		csv->quoted = true;
		csv->state = PNR_CSV_QUOTED;
		return PNR_OK;
	}
	csv->state = PNR_CSV_PLAIN;
	pnr_buffer_putc(&csv->row, c);
	return PNR_OK;
}

static pnr_status take_counted(pnr_csv *csv, char c, pnr_error *err)
{
	if (csv->state == PNR_CSV_START && csv->cells == 0)
		csv->row_line = csv->line;
	if (c == '\0')
		return fail_line(csv, "a NUL: this is no text", err);
	if (csv->row.length > PNR_TABLE_ROW_MAX)
		return fail_line(csv, "the row is too long; is a quote missing?", err);
	pnr_status status = take(csv, c, err);
	csv->line += c == '\n';
	return status;
}

/* How many bytes from @data on are plain text of the cell that is open. */
static size_t plain_run(const pnr_csv *csv, const char *data, size_t length)
{
	size_t run = 0;
	if (csv->row.length > PNR_TABLE_ROW_MAX)
		return 0;
	if (length > PNR_TABLE_ROW_MAX + 1 - csv->row.length)
		length = PNR_TABLE_ROW_MAX + 1 - csv->row.length;
	if (csv->state == PNR_CSV_QUOTED)
		while (run < length && data[run] != '"' && data[run] != '\n' && data[run] != '\0')
			run++;
	else if (csv->state == PNR_CSV_PLAIN)
		while (run < length && data[run] != ',' && data[run] != '\n' && data[run] != '\0')
			run++;
	return run;
}

static const char mark[] = "\xef\xbb\xbf";

/* What began like a mark and is none is text. */
static pnr_status take_mark(pnr_csv *csv, pnr_error *err)
{
	pnr_status status = PNR_OK;
	unsigned count = csv->mark < 3 ? csv->mark : 0;
	csv->mark = 3;
	for (unsigned i = 0; status == PNR_OK && i < count; i++)
		status = take_counted(csv, mark[i], err);
	return status;
}

static pnr_status parse(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_csv *csv = context;
	const char *text = data;
	size_t at = 0;
	pnr_status status = PNR_OK;
	while (csv->mark < 3 && at < length && text[at] == mark[csv->mark]) {
		csv->mark++;
		at++;
	}
	if (at < length)
		status = take_mark(csv, err);
	while (status == PNR_OK && at < length) {
		size_t run = plain_run(csv, text + at, length - at);
		if (run > 0)
			pnr_buffer_append(&csv->row, text + at, run);
		else
			status = take_counted(csv, text[at], err);
		at += run > 0 ? run : 1;
	}
	return status;
}

pnr_sink pnr_csv_sink(pnr_csv *csv)
{
	return (pnr_sink){ .write = parse, .context = csv };
}

pnr_status pnr_csv_end(pnr_csv *csv, pnr_error *err)
{
	pnr_status status = take_mark(csv, err);
	if (status != PNR_OK)
		return status;
	if (csv->state == PNR_CSV_QUOTED)
		return pnr_fail(err, PNR_INVALID, "line %" PRIu64 ": a cell in quotes has no end", csv->row_line + 1);
	return row_end(csv, err);
}
