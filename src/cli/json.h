/*
 * A JSON document, written in order, two spaces a level. It waits in memory; what
 * is too long for that goes on in a temporary file, if there is room for one. A
 * failure is remembered and shows when it is printed.
 */
#ifndef PANNIER_CLI_JSON_H
#define PANNIER_CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct cli_json {
	char *text;  /**< NULL: nothing was begun */
	size_t length, room;
	int fd;           /**< of the file, unless @spilled is 0 */
	uint64_t spilled; /**< bytes in it: they stand before @text */
	unsigned depth;
	bool first;  /**< no value yet in the open object or array */
	int reason;  /**< errno of a failure */
} cli_json;

/** Drop what is there and begin a document, or with a @depth the values of an array so deep in another one. */
void cli_json_begin(cli_json *json, unsigned depth);
/** Write the finished document. False, with a @reason: it could not be built; or, if there was none before, read back. */
bool cli_json_print(cli_json *json, FILE *out);
void cli_json_free(cli_json *json);

/* In an object every value has a @key, a word of letters; in an array it is NULL. */
void cli_json_open(cli_json *json, const char *key, char bracket);
void cli_json_close(cli_json *json, char bracket);
/** @text is UTF-8 as far as file names are: what is not becomes U+FFFD. NULL is null. */
void cli_json_text(cli_json *json, const char *key, const char *text);
void cli_json_number(cli_json *json, const char *key, uint64_t number);
void cli_json_seconds(cli_json *json, const char *key, double seconds);
void cli_json_bool(cli_json *json, const char *key, bool value);
/** JSON text as it is, but for the indent of its lines, and for what is no UTF-8: U+FFFD. */
void cli_json_raw(cli_json *json, const char *key, const char *text, size_t length);

/** The values of @part, into the array that was just opened. */
void cli_json_append(cli_json *json, cli_json *part);

#endif
