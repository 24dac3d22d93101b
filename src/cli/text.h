/* Text for people: safe on a terminal, short, aligned. */
#ifndef PANNIER_CLI_TEXT_H
#define PANNIER_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Make room for @count items of @size bytes, and for some more. Where they are now, NULL if memory is exhausted. */
void *cli_grow(void *items, size_t size, size_t count, size_t *capacity);

/** The character that starts @text: bytes it takes, 0 if they are not UTF-8. @left > 0. */
size_t cli_utf8_next(const char *text, size_t left, uint32_t *out_code);
/** Would it act on a terminal instead of being shown: C0, DEL, C1, the marks that reorder text? */
bool cli_unprintable(uint32_t code);
/** Write @text, or @length bytes of it, with what is unprintable or not UTF-8 as \xNN or \uNNNN. */
void cli_put_safe(FILE *out, const char *text);
void cli_put_safe_part(FILE *out, const char *text, size_t length);
/** The same as a new string; NULL if memory is exhausted. */
char *cli_safe(const char *text);
/** How many columns @text takes, each character counted as one. */
size_t cli_width(const char *text);

/** "17 B", "1.5 KiB", "2.0 GiB". */
#define CLI_SIZE_TEXT 24
char *cli_size_text(uint64_t bytes, char out_text[CLI_SIZE_TEXT]);

/** @number in decimal digits. Returns where they begin in @room. */
#define CLI_NUMBER_TEXT 24
char *cli_number_text(uint64_t number, char room[CLI_NUMBER_TEXT]);

/** How many characters differ: the Levenshtein distance, at most @limit + 1. */
size_t cli_distance(const char *a, const char *b, size_t limit);

/** Rows of cells, printed in columns as wide as they need to be. */
#define CLI_TABLE_COLUMNS 10
typedef struct cli_cell {
	size_t length, width; /**< in bytes, in columns of the terminal */
} cli_cell;
typedef struct cli_table {
	unsigned columns;
	unsigned right;       /**< bit i: column i is aligned to the right */
	size_t widths[CLI_TABLE_COLUMNS];
	char *text;           /**< of all cells, one after the other */
	size_t length, room;
	cli_cell *cells;
	size_t count, capacity;
	bool failed;
} cli_table;
/** Append the next cell. A failure to allocate is remembered. */
void cli_table_add(cli_table *table, const char *text);
void cli_table_number(cli_table *table, uint64_t number);
/** Append the first row, one title a column. */
void cli_table_titles(cli_table *table, const char *const *titles);
/** False if memory was exhausted on the way; then nothing was printed. */
bool cli_table_print(const cli_table *table, FILE *out);
void cli_table_free(cli_table *table);

#endif
