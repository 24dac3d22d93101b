/*
 * Any bytes as a table. Cut anywhere they are the same rows; what is accepted is
 * the same rows again when every cell is in quotes; compared with those, by any
 * column and with hardly any memory, no row differs.
 */
#include "target.h"
#include "diff/csv.h"
#include "diff/diff.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY 256u /* a table of a few rows is sorted on disk */

/* What the parser said. */
typedef struct parsed {
	pnr_buffer rows, lines; /* the cells, each ended by a NUL, rows by "\xff\n"; where the rows start */
	pnr_buffer quoted;      /* the same table */
	size_t count;
	pnr_status status;
	pnr_error err;
} parsed;

static void put_quoted(pnr_buffer *out, const char *cell)
{
	pnr_buffer_putc(out, '"');
	for (; *cell != '\0'; cell++) {
		if (*cell == '"')
			pnr_buffer_putc(out, '"');
		pnr_buffer_putc(out, *cell);
	}
	pnr_buffer_putc(out, '"');
}

static pnr_status take(void *user, const char *row, size_t length, size_t cells, uint64_t line, pnr_error *err)
{
	parsed *p = user;
	REQUIRE(cells > 0 && length >= cells && row[length - 1] == '\0');
	pnr_buffer_append(&p->rows, row, length);
	pnr_buffer_puts(&p->rows, "\xff\n");
	pnr_buffer_printf(&p->lines, "%llu\n", (unsigned long long)line);
	for (size_t at = 0; at < length; at += strlen(row + at) + 1, cells--) {
		if (at > 0)
			pnr_buffer_putc(&p->quoted, ',');
		put_quoted(&p->quoted, row + at);
	}
	REQUIRE(cells == 0);
	pnr_buffer_puts(&p->quoted, "\r\n");
	p->count++;
	return pnr_buffer_status(&p->quoted, err);
}

/* @step: how many bytes at a time. */
static parsed parse(const char *text, size_t size, size_t step)
{
	parsed p = { .status = PNR_OK, .err = PNR_ERROR_INIT };
	pnr_csv csv = { .fn = take, .user = &p };
	const pnr_sink sink = pnr_csv_sink(&csv);
	for (size_t at = 0; p.status == PNR_OK && at < size; at += step)
		p.status = sink.write(sink.context, text + at, size - at < step ? size - at : step, &p.err);
	if (p.status == PNR_OK)
		p.status = pnr_csv_end(&csv, &p.err);
	REQUIRE(p.status == p.err.status && (p.status == PNR_OK || p.status == PNR_INVALID));
	REQUIRE(p.status == PNR_OK || strncmp(p.err.message, "line ", 5) == 0);
	pnr_csv_free(&csv);
	return p;
}

static void forget(parsed *p)
{
	pnr_buffer_free(&p->rows);
	pnr_buffer_free(&p->lines);
	pnr_buffer_free(&p->quoted);
}

static bool same(const pnr_buffer *a, const pnr_buffer *b)
{
	return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* ----------------------------------------------------------------- compared -- */

typedef struct text {
	const char *data;
	size_t length;
} text;

static pnr_status run_text(void *context, const pnr_sink *sink, pnr_error *err)
{
	const text *t = context;
	return sink->write(sink->context, t->data, t->length, err);
}

static pnr_status make_scratch(void *context, int *out_fd, pnr_error *err)
{
	(void)context;
	*out_fd = memfd_create("rows", MFD_CLOEXEC);
	return *out_fd < 0 ? pnr_fail_nomem(err) : PNR_OK;
}

static int refuse(void *user, const pnr_row_change *row)
{
	(void)user;
	(void)row;
	abort();
}

/* By the column @key. */
static void require_no_change(const text *old, const parsed *p, const char *key)
{
	text new = { p->quoted.data, p->quoted.length };
	const pnr_tables tables = {
		.old_table = { run_text, (void *)(uintptr_t)old },
		.new_table = { run_text, &new },
		.keys = &key,
		.key_count = 1,
		.scratch = make_scratch,
		.memory = MEMORY,
	};
	pnr_error err = PNR_ERROR_INIT;
	pnr_table_diff *diff = NULL;
	pnr_status status = pnr_diff_tables(&tables, refuse, NULL, &diff, &err);
	/* Rows of several lengths, columns of one name; a row that is too long for so little memory. */
	REQUIRE(status == PNR_OK || status == PNR_INVALID || status == PNR_UNSUPPORTED);
	REQUIRE(status == err.status && (status == PNR_OK) == (diff != NULL));
	if (status == PNR_OK) {
		REQUIRE(diff->added + diff->removed + diff->changed + diff->cells_changed == 0);
		REQUIRE(diff->unchanged == p->count - 1 && diff->old_repeats == diff->new_repeats);
		REQUIRE(diff->columns_added_count + diff->columns_removed_count == 0);
	}
	pnr_table_diff_free(diff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const text whole = { (const char *)data, size };
	parsed p = parse(whole.data, size, size + 1);
	for (size_t step = 1; step < 4; step++) {
		parsed cut = parse(whole.data, size, step);
		REQUIRE(cut.status == p.status && strcmp(cut.err.message, p.err.message) == 0);
		REQUIRE(same(&cut.rows, &p.rows) && same(&cut.lines, &p.lines));
		forget(&cut);
	}
	if (p.status == PNR_OK && p.count > 0) {
		parsed again = parse(p.quoted.data, p.quoted.length, p.quoted.length);
		REQUIRE(again.status == PNR_OK && same(&again.rows, &p.rows) && same(&again.quoted, &p.quoted));
		forget(&again);
		const char *names = p.rows.data;
		require_no_change(&whole, &p, names);
		if (names[strlen(names) + 1] != '\xff')
			require_no_change(&whole, &p, names + strlen(names) + 1);
	}
	forget(&p);
	return 0;
}
