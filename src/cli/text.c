#include "cli/text.h"
#include <stdlib.h>
#include <string.h>

size_t cli_utf8_next(const char *text, size_t left, uint32_t *out_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)text[0];
	size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
	if (length == 0 || length > left)
		return 0;
	uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		unsigned char next = (unsigned char)text[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (next & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out_code = code;
	return length;
}

bool cli_unprintable(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200e && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void cli_put_safe(FILE *out, const char *text)
{
	cli_put_safe_part(out, text, strlen(text));
}

void cli_put_safe_part(FILE *out, const char *text, size_t length)
{
	for (size_t left = length; left > 0;) {
		uint32_t code;
		size_t step = cli_utf8_next(text, left, &code);
		if (step == 0) {
			(void)fprintf(out, "\\x%02x", (unsigned char)text[0]);
			step = 1;
		} else if (cli_unprintable(code)) {
			(void)fprintf(out, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
		} else {
			(void)fwrite(text, 1, step, out);
		}
		text += step;
		left -= step;
	}
}

/* Nearly every name: nothing to escape, one byte a column. */
static bool plain(const char *text)
{
	while (*text >= 0x20 && *text < 0x7f)
		text++;
	return *text == '\0';
}

char *cli_safe(const char *text)
{
	if (plain(text))
		return strdup(text);
	char *safe = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&safe, &length);
	if (out == NULL)
		return NULL;
	cli_put_safe(out, text);
	if (fclose(out) != 0) {
		free(safe);
		return NULL;
	}
	return safe;
}

size_t cli_width(const char *text)
{
	size_t width = 0;
	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

char *cli_size_text(uint64_t bytes, char out_text[CLI_SIZE_TEXT])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;
	/* 1023.95 would print as "1024.0". */
	while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out_text, CLI_SIZE_TEXT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return out_text;
}

size_t cli_distance(const char *a, const char *b, size_t limit)
{
	enum { LONGEST = 40 };
	size_t row[LONGEST + 1];
	size_t columns = strlen(b);
	if (strlen(a) > LONGEST || columns > LONGEST)
		return limit + 1;
	for (size_t j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < columns; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j + 1] + 1 < best ? row[j + 1] + 1 : best;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[columns] > limit ? limit + 1 : row[columns];
}

void cli_table_add(cli_table *table, const char *text)
{
	if (table->count == table->capacity) {
		size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
		char **cells = reallocarray(table->cells, capacity, sizeof *cells);
		if (cells == NULL) {
			table->failed = true;
			return;
		}
		table->cells = cells;
		table->capacity = capacity;
	}
	char *cell = cli_safe(text);
	if (cell == NULL)
		table->failed = true;
	else
		table->cells[table->count++] = cell;
}

void cli_table_titles(cli_table *table, const char *const *titles)
{
	for (unsigned i = 0; i < table->columns; i++)
		cli_table_add(table, titles[i]);
}

static void put_blanks(size_t count, FILE *out)
{
	static const char blanks[] = "                                ";
	for (size_t step; count > 0; count -= step) {
		step = count < sizeof blanks - 1 ? count : sizeof blanks - 1;
		(void)fwrite(blanks, 1, step, out);
	}
}

static void print_cell(const char *text, size_t width, bool right, bool last, FILE *out)
{
	size_t gap = width - cli_width(text);
	if (right)
		put_blanks(gap, out);
	(void)fputs(text, out);
	if (!right && !last)
		put_blanks(gap, out);
	(void)fputs(last ? "\n" : "  ", out);
}

bool cli_table_print(const cli_table *table, FILE *out)
{
	size_t widths[CLI_TABLE_COLUMNS] = { 0 };
	if (table->failed)
		return false;
	for (size_t i = 0; i < table->count; i++) {
		size_t width = cli_width(table->cells[i]);
		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (size_t i = 0; i < table->count; i++) {
		unsigned column = (unsigned)(i % table->columns);
		/* Nothing but empty cells after this one: no trailing blanks. */
		unsigned last = table->columns - 1;
		while (last > 0 && table->cells[i - column + last][0] == '\0')
			last--;
		if (column <= last)
			print_cell(table->cells[i], widths[column], (table->right >> column & 1) != 0,
			           column == last, out);
	}
	return true;
}

void cli_table_free(cli_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (cli_table){ .columns = table->columns };
}
