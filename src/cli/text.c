#include "cli/text.h"
#include <stdlib.h>
#include <string.h>

void *cli_grow(void *items, size_t size, size_t count, size_t *capacity)
{
	size_t wanted = count > 2 * *capacity + 64 ? count : 2 * *capacity + 64;
	if (count <= *capacity)
		return items;
	void *grown = reallocarray(items, wanted, size);
	if (grown != NULL)
		*capacity = wanted;
	return grown;
}

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

/* How many bytes from @text on need no escape and are one column each: in nearly every name all. */
static size_t plain(const char *text)
{
	size_t length = 0;
	while (text[length] >= 0x20 && text[length] < 0x7f)
		length++;
	return length;
}

char *cli_safe(const char *text)
{
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

char *cli_number_text(uint64_t number, char room[CLI_NUMBER_TEXT])
{
	char *text = &room[CLI_NUMBER_TEXT - 1];
	*text = '\0';
	do
		*--text = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	return text;
}

char *cli_size_text(uint64_t bytes, char out_text[CLI_SIZE_TEXT])
{
	static const char *const units[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
	const uint64_t one = UINT64_C(1) << 53;
	char digits[CLI_NUMBER_TEXT];
	double value = (double)bytes;
	size_t unit = 0;
	/* 1023.95 would print as "1024.0". */
	while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
		value /= 1024;
		unit++;
	}
	/* What "%.1f" says, without its price: no bit of the value is lost, and half a tenth goes to the even digit. */
	uint64_t scaled = (uint64_t)(value * (double)one), parts = scaled % one * 10, rest = parts % one;
	uint64_t tenths = scaled / one * 10 + parts / one;
	tenths += rest > one / 2 || (rest == one / 2 && tenths % 2 != 0);
	char *end = stpcpy(out_text, cli_number_text(tenths / 10, digits));
	if (unit > 0) {
		*end++ = '.';
		*end++ = (char)('0' + tenths % 10);
	}
	(void)stpcpy(end, units[unit]);
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

static void add_cell(cli_table *table, const char *text, size_t length, size_t width)
{
	char *all = cli_grow(table->text, 1, table->length + length + 1, &table->room);
	if (all != NULL)
		table->text = all;
	cli_cell *cells = cli_grow(table->cells, sizeof *cells, table->count + 1, &table->capacity);
	if (cells != NULL)
		table->cells = cells;
	if (all == NULL || cells == NULL) {
		table->failed = true;
		return;
	}
	memcpy(all + table->length, text, length);
	table->length += length;
	size_t *widest = &table->widths[table->count % table->columns];
	*widest = width > *widest ? width : *widest;
	cells[table->count++] = (cli_cell){ length, width };
}

void cli_table_add(cli_table *table, const char *text)
{
	size_t length = plain(text);
	if (text[length] == '\0') {
		add_cell(table, text, length, length);
		return;
	}
	char *safe = cli_safe(text);
	if (safe == NULL)
		table->failed = true;
	else
		add_cell(table, safe, strlen(safe), cli_width(safe));
	free(safe);
}

void cli_table_number(cli_table *table, uint64_t number)
{
	char room[CLI_NUMBER_TEXT];
	cli_table_add(table, cli_number_text(number, room));
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

bool cli_table_print(const cli_table *table, FILE *out)
{
	const char *text = table->text;
	for (size_t i = 0; !table->failed && i < table->count; i += table->columns) {
		const cli_cell *row = &table->cells[i];
		/* Nothing but empty cells after this one: no trailing blanks. */
		unsigned last = table->columns - 1;
		while (last > 0 && row[last].length == 0)
			last--;
		for (unsigned column = 0; column <= last; column++) {
			size_t gap = table->widths[column] - row[column].width;
			bool right = (table->right >> column & 1) != 0;
			put_blanks(right ? gap : 0, out);
			(void)fwrite(text, 1, row[column].length, out);
			put_blanks(column == last ? 0 : right ? 2 : gap + 2, out);
			text += row[column].length;
		}
		(void)fputc('\n', out);
	}
	return !table->failed;
}

void cli_table_free(cli_table *table)
{
	free(table->text);
	free(table->cells);
	*table = (cli_table){ .columns = table->columns };
}
