/*
 * Row by row. Both tables are sorted by their key columns and read side by
 * side; so any two of them are compared in the same memory, and the order of
 * the rows does not matter.
 */
#include "diff/csv.h"
#include "diff/diff.h"
#include "diff/sorted.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_DEFAULT ((size_t)8 * PNR_MIB)
/* A number of so many digits sorts by its value. */
#define DIGITS_MAX 18u
#define NOWHERE SIZE_MAX
/* Between two looks at whether to go on. */
#define PULSE_ROWS 4096u

/* One table while it is read. */
typedef struct reading {
	const pnr_tables *from;
	pnr_buffer names;     /* of the columns, each ended by a NUL */
	const char **columns; /* into names */
	size_t count;         /* of columns; 0: the first row did not come yet */
	size_t *keys;         /* which of them are the key, in its order */
	pnr_buffer key;
	pnr_sorted *sorted;
	/* while the rows are given back */
	pnr_sorted_row row;
	bool ended;
	pnr_buffer last_key;
	uint64_t repeat;    /* of the row: how many before it have its key */
	const char **cells; /* of the row */
} reading;

static void reading_free(reading *r)
{
	pnr_buffer_free(&r->names);
	pnr_buffer_free(&r->key);
	pnr_buffer_free(&r->last_key);
	pnr_sorted_free(r->sorted);
	free(r->columns);
	free(r->keys);
	free(r->cells);
}

/* -------------------------------------------------------------- columns -- */

static void point(const char *cells, size_t count, const char **out)
{
	for (size_t i = 0; i < count; i++) {
		out[i] = cells;
		cells += strlen(cells) + 1;
	}
}

static size_t find_column(const reading *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->columns[i], name) == 0)
			return i;
	return NOWHERE;
}

static pnr_status fail_column(const reading *r, const char *name, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	for (size_t i = 0; i < r->count && list.length < 200; i++)
		pnr_buffer_printf(&list, "%s%s", i == 0 ? "" : ", ", r->columns[i]);
	pnr_status status = pnr_buffer_status(&list, err);
	return status != PNR_OK ? status : pnr_fail(err, PNR_INVALID, "it has no column '%s', but %s", name, list.data);
}

/* The first row names the columns. */
static pnr_status take_names(reading *r, const char *row, size_t length, size_t cells, pnr_error *err)
{
	if (cells > PNR_TABLE_COLUMNS_MAX)
		return pnr_fail(err, PNR_INVALID, "it has %zu columns; at most %u are compared", cells,
		                PNR_TABLE_COLUMNS_MAX);
	pnr_buffer_append(&r->names, row, length);
	r->columns = calloc(cells, sizeof *r->columns);
	r->cells = calloc(cells, sizeof *r->cells);
	r->keys = calloc(r->from->key_count, sizeof *r->keys);
	if (r->names.failed || r->columns == NULL || r->cells == NULL || r->keys == NULL)
		return pnr_fail_nomem(err);
	point(r->names.data, cells, r->columns);
	for (r->count = 0; r->count < cells; r->count++)
		if (find_column(r, r->columns[r->count]) != NOWHERE)
			return pnr_fail(err, PNR_INVALID, "two columns are called '%s'", r->columns[r->count]);
	for (size_t i = 0; i < r->from->key_count; i++) {
		r->keys[i] = find_column(r, r->from->keys[i]);
		if (r->keys[i] == NOWHERE)
			return fail_column(r, r->from->keys[i], err);
		for (size_t j = 0; j < i; j++)
			if (r->keys[j] == r->keys[i])
				return pnr_fail(err, PNR_INVALID, "the key names column '%s' twice", r->from->keys[i]);
	}
	return PNR_OK;
}

/* ----------------------------------------------------------------- rows -- */

static bool is_number(const char *cell, size_t length)
{
	if (length == 0 || length > DIGITS_MAX || (cell[0] == '0' && length > 1))
		return false;
	return strspn(cell, "0123456789") == length;
}

/* Numbers first, by their length and then their digits; then texts, by their bytes. */
static void append_key(pnr_buffer *key, const char *cell)
{
	size_t length = strlen(cell);
	if (is_number(cell, length)) {
		pnr_buffer_putc(key, 1);
		pnr_buffer_putc(key, (char)length);
		pnr_buffer_append(key, cell, length);
	} else {
		pnr_buffer_putc(key, 2);
		pnr_buffer_append(key, cell, length + 1);
	}
}

static pnr_status take_row(void *user, const char *row, size_t length, size_t cells, uint64_t line, pnr_error *err)
{
	reading *r = user;
	if (r->count == 0)
		return take_names(r, row, length, cells, err);
	if (cells != r->count)
		return pnr_fail(err, PNR_INVALID, "line %" PRIu64 ": %zu cell%s, but the table has %zu column%s", line,
		                cells, cells == 1 ? "" : "s", r->count, r->count == 1 ? "" : "s");
	point(row, cells, r->cells);
	pnr_buffer_clear(&r->key);
	for (size_t i = 0; i < r->from->key_count; i++)
		append_key(&r->key, r->cells[r->keys[i]]);
	pnr_status status = pnr_buffer_status(&r->key, err);
	const pnr_sorted_row sorted = { r->key.data, r->key.length, row, length, line };
	return status == PNR_OK ? pnr_sorted_add(r->sorted, &sorted, err) : status;
}

static void free_csv(pnr_csv *csv)
{
	pnr_csv_free(csv);
}

static pnr_status read_table(reading *r, const pnr_pump *table, pnr_error *err)
{
	PNR_CLEANUP(free_csv) pnr_csv csv = { .fn = take_row, .user = r, .row = PNR_BUFFER_INIT };
	const pnr_sink sink = pnr_csv_sink(&csv);
	size_t memory = r->from->memory == 0 ? MEMORY_DEFAULT : r->from->memory;
	pnr_status status = pnr_sorted_new(memory, r->from->scratch, r->from->context, &r->sorted, err);
	if (status == PNR_OK)
		status = table->run(table->context, &sink, err);
	if (status == PNR_OK)
		status = pnr_csv_end(&csv, err);
	if (status == PNR_OK && r->count == 0)
		status = pnr_fail(err, PNR_INVALID, "it is empty");
	return status == PNR_OK ? pnr_sorted_finish(r->sorted, err) : status;
}

static pnr_status next_row(reading *r, pnr_error *err)
{
	pnr_status status = pnr_sorted_next(r->sorted, &r->row, err);
	r->ended = status == PNR_NOT_FOUND;
	if (status != PNR_OK)
		return r->ended ? PNR_OK : status;
	bool again =
	        r->last_key.length == r->row.key_length && memcmp(r->last_key.data, r->row.key, r->row.key_length) == 0;
	r->repeat = again ? r->repeat + 1 : 0;
	pnr_buffer_clear(&r->last_key);
	pnr_buffer_append(&r->last_key, r->row.key, r->row.key_length);
	point(r->row.cells, r->count, r->cells);
	return pnr_buffer_status(&r->last_key, err);
}

/* ------------------------------------------------------------- together -- */

/* A column of one or both tables; NOWHERE: not of that one. */
typedef struct column {
	const char *name;
	size_t old, new;
} column;

typedef struct comparing {
	reading old, new;
	column *columns; /* those of the new table, then those that only the old one has */
	size_t count;
	const char **key;
	size_t key_count;
	pnr_cell_change *cells;
	pnr_meter *meter;
	pnr_row_change_fn fn;
	void *user;
	pnr_table_diff *diff;
} comparing;

static void free_diff(pnr_table_diff **diff)
{
	pnr_table_diff_free(*diff);
}

static void comparing_free(comparing *c)
{
	reading_free(&c->old);
	reading_free(&c->new);
	free(c->columns);
	free(c->key);
	free(c->cells);
	free_diff(&c->diff);
}

void pnr_table_diff_free(pnr_table_diff *diff)
{
	if (diff == NULL)
		return;
	for (size_t i = 0; i < diff->columns_added_count; i++)
		free(diff->columns_added[i]);
	for (size_t i = 0; i < diff->columns_removed_count; i++)
		free(diff->columns_removed[i]);
	free(diff->columns_added);
	free(diff->columns_removed);
	free(diff);
}

static pnr_status note_column(char **list, size_t *count, const char *name, pnr_error *err)
{
	list[*count] = strdup(name);
	if (list[*count] == NULL)
		return pnr_fail_nomem(err);
	(*count)++;
	return PNR_OK;
}

static pnr_status match_columns(comparing *c, pnr_error *err)
{
	pnr_table_diff *diff = c->diff;
	pnr_status status = PNR_OK;
	size_t most = c->old.count + c->new.count;
	c->columns = calloc(most, sizeof *c->columns);
	c->cells = calloc(most, sizeof *c->cells);
	c->key = calloc(c->key_count, sizeof *c->key);
	diff->columns_added = calloc(most, sizeof *diff->columns_added);
	diff->columns_removed = calloc(most, sizeof *diff->columns_removed);
	if (c->columns == NULL || c->cells == NULL || c->key == NULL || diff->columns_added == NULL ||
	    diff->columns_removed == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; status == PNR_OK && i < c->new.count; i++) {
		column *next = &c->columns[c->count++];
		*next = (column){ c->new.columns[i], find_column(&c->old, c->new.columns[i]), i };
		if (next->old == NOWHERE)
			status = note_column(diff->columns_added, &diff->columns_added_count, next->name, err);
	}
	for (size_t i = 0; status == PNR_OK && i < c->old.count; i++) {
		if (find_column(&c->new, c->old.columns[i]) != NOWHERE)
			continue;
		c->columns[c->count++] = (column){ c->old.columns[i], i, NOWHERE };
		status = note_column(diff->columns_removed, &diff->columns_removed_count, c->old.columns[i], err);
	}
	return status;
}

/* The cells that differ; of a row that is on one side, all. */
static size_t list_cells(comparing *c, bool in_old, bool in_new)
{
	size_t count = 0;
	for (size_t i = 0; i < c->count; i++) {
		const column *at = &c->columns[i];
		const char *before = in_old && at->old != NOWHERE ? c->old.cells[at->old] : NULL;
		const char *after = in_new && at->new != NOWHERE ? c->new.cells[at->new] : NULL;
		if (in_old && in_new && (before == NULL || after == NULL || strcmp(before, after) == 0))
			continue;
		if (before != NULL || after != NULL)
			c->cells[count++] = (pnr_cell_change){ at->name, before, after };
	}
	return count;
}

/* The row that both stand on, or that one of them does. */
static pnr_status report(comparing *c, bool in_old, bool in_new, pnr_error *err)
{
	const reading *side = in_new ? &c->new : &c->old;
	pnr_table_diff *diff = c->diff;
	pnr_row_change row = {
		.size = sizeof row,
		.kind = !in_old   ? PNR_CHANGE_ADDED
		        : !in_new ? PNR_CHANGE_REMOVED
		                  : PNR_CHANGE_CHANGED,
		.key = c->key,
		.key_count = c->key_count,
		.old_line = in_old ? c->old.row.line : 0,
		.new_line = in_new ? c->new.row.line : 0,
		.repeat = side->repeat,
		.cells = c->cells,
		.cell_count = list_cells(c, in_old, in_new),
	};
	if (in_old && in_new && row.cell_count == 0) {
		diff->unchanged++;
		return PNR_OK;
	}
	diff->added += !in_old;
	diff->removed += !in_new;
	if (in_old && in_new) {
		diff->changed++;
		diff->cells_changed += row.cell_count;
	}
	for (size_t i = 0; i < c->key_count; i++)
		c->key[i] = side->cells[side->keys[i]];
	if (c->fn != NULL && c->fn(c->user, &row) != 0)
		return pnr_fail(err, PNR_CANCELLED, "the receiver stopped");
	return PNR_OK;
}

static void note_repeat(const reading *r, uint64_t *repeats, uint64_t *first_line)
{
	if (r->repeat == 0)
		return;
	(*repeats)++;
	if (*first_line == 0)
		*first_line = r->row.line;
}

static int order_of(const reading *old, const reading *new)
{
	if (old->ended || new->ended)
		return old->ended ? 1 : -1;
	size_t shorter = old->row.key_length < new->row.key_length ? old->row.key_length : new->row.key_length;
	int order = memcmp(old->row.key, new->row.key, shorter);
	if (order != 0 || old->row.key_length == new->row.key_length)
		return order;
	return old->row.key_length < new->row.key_length ? -1 : 1;
}

static pnr_status merge(comparing *c, pnr_error *err)
{
	pnr_status status = next_row(&c->old, err);
	if (status == PNR_OK)
		status = next_row(&c->new, err);
	for (uint64_t rows = 0; status == PNR_OK && !(c->old.ended && c->new.ended); rows++) {
		int order = order_of(&c->old, &c->new);
		if (order <= 0)
			note_repeat(&c->old, &c->diff->old_repeats, &c->diff->old_repeat_line);
		if (order >= 0)
			note_repeat(&c->new, &c->diff->new_repeats, &c->diff->new_repeat_line);
		status = report(c, order <= 0, order >= 0, err);
		if (status == PNR_OK && order <= 0)
			status = next_row(&c->old, err);
		if (status == PNR_OK && order >= 0)
			status = next_row(&c->new, err);
		if (status == PNR_OK && rows % PULSE_ROWS == 0)
			status = pnr_meter_add(c->meter, NULL, 0, err);
	}
	return status;
}

static pnr_status run(comparing *c, const pnr_tables *tables, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = read_table(&c->old, &tables->old_table, &own);
	if (status != PNR_OK) {
		pnr_context(&own, "the older one");
		return pnr_fail_with(err, &own);
	}
	status = read_table(&c->new, &tables->new_table, &own);
	if (status != PNR_OK) {
		pnr_context(&own, "the newer one");
		return pnr_fail_with(err, &own);
	}
	status = match_columns(c, err);
	return status == PNR_OK ? merge(c, err) : status;
}

pnr_status pnr_diff_tables(const pnr_tables *tables, pnr_row_change_fn fn, void *user, pnr_table_diff **out_diff,
                           pnr_error *err)
{
	PNR_CLEANUP(comparing_free) comparing c = {
		.old = { .from = tables },
		.new = { .from = tables },
		.key_count = tables->key_count,
		.meter = tables->meter,
		.fn = fn,
		.user = user,
	};
	if (tables->key_count == 0)
		return pnr_fail(err, PNR_INVALID, "no key column is named");
	c.diff = calloc(1, sizeof *c.diff);
	if (c.diff == NULL)
		return pnr_fail_nomem(err);
	c.diff->size = sizeof *c.diff;
	pnr_status status = run(&c, tables, err);
	if (status == PNR_OK)
		*out_diff = PNR_STEAL(c.diff);
	return status;
}
