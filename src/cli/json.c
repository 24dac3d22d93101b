#include "cli/json.h"
#include "cli/text.h"
#include <inttypes.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

/* A log has very many lines, and the stream is nobody else's: no locks. */
static void own(const cli_json *json)
{
	if (json->out != NULL)
		(void)__fsetlocking(json->out, FSETLOCKING_BYCALLER);
}

void cli_json_begin(cli_json *json)
{
	cli_json_free(json);
	json->out = open_memstream(&json->text, &json->length);
	json->failed = json->out == NULL;
	json->first = true;
	own(json);
}

void cli_json_begin_file(cli_json *json, FILE *file)
{
	cli_json_free(json);
	json->out = file;
	json->failed = file == NULL;
	json->first = true;
	own(json);
}

static bool copy(FILE *from, FILE *to)
{
	char block[16 * 1024];
	size_t got;
	rewind(from);
	while ((got = fread(block, 1, sizeof block, from)) > 0)
		(void)fwrite(block, 1, got, to);
	return ferror(from) == 0;
}

bool cli_json_print(cli_json *json, FILE *out)
{
	if (json->out == NULL)
		return false;
	if (fflush(json->out) != 0 || ferror(json->out))
		json->failed = true;
	if (json->failed)
		return false;
	if (json->text == NULL)
		return copy(json->out, out);
	(void)fputs(json->text, out);
	return true;
}

void cli_json_free(cli_json *json)
{
	if (json->out != NULL)
		(void)fclose(json->out);
	free(json->text);
	*json = (cli_json){ .out = NULL };
}

/* A manifest has very many lines, and the stream is nobody else's: no locks, no formats. */
static void newline(cli_json *json)
{
	static const char blank[] = "\n                                ";
	unsigned left = 2 * json->depth, step = left < sizeof blank - 2 ? left : (unsigned)sizeof blank - 2;
	(void)fwrite_unlocked(blank, 1, 1 + step, json->out);
	for (; left > step; left--)
		(void)putc_unlocked(' ', json->out);
}

/* The comma and the line before a value, and its key. False: there is nowhere to write. */
static bool lead(cli_json *json, const char *key)
{
	if (json->out == NULL)
		return false;
	if (!json->first)
		(void)putc_unlocked(',', json->out);
	if (json->depth > 0)
		newline(json);
	json->first = false;
	if (key != NULL) {
		cli_json_quote(json->out, key);
		(void)fputs_unlocked(": ", json->out);
	}
	return true;
}

void cli_json_open(cli_json *json, const char *key, char bracket)
{
	if (!lead(json, key))
		return;
	(void)putc_unlocked(bracket, json->out);
	json->depth++;
	json->first = true;
}

void cli_json_close(cli_json *json, char bracket)
{
	if (json->out == NULL)
		return;
	json->depth--;
	if (!json->first)
		newline(json);
	(void)putc_unlocked(bracket, json->out);
	json->first = false;
}

void cli_json_text(cli_json *json, const char *key, const char *text)
{
	if (!lead(json, key))
		return;
	if (text == NULL)
		(void)fputs_unlocked("null", json->out);
	else
		cli_json_quote(json->out, text);
}

void cli_json_number(cli_json *json, const char *key, uint64_t number)
{
	if (lead(json, key))
		(void)fprintf(json->out, "%" PRIu64, number);
}

void cli_json_seconds(cli_json *json, const char *key, double seconds)
{
	if (lead(json, key))
		(void)fprintf(json->out, "%.3f", seconds);
}

void cli_json_bool(cli_json *json, const char *key, bool value)
{
	if (lead(json, key))
		(void)fputs_unlocked(value ? "true" : "false", json->out);
}

/* A byte that is no UTF-8 stands in a string, where an escape is as good. */
static void put_line(cli_json *json, const char *text, size_t length)
{
	size_t plain = 0; /* start of what is as it should be */
	for (size_t i = 0; i < length;) {
		uint32_t code;
		size_t step = (unsigned char)text[i] < 0x80 ? 1 : cli_utf8_next(text + i, length - i, &code);
		if (step == 0) {
			(void)fwrite_unlocked(text + plain, 1, i - plain, json->out);
			(void)fputs_unlocked("\\ufffd", json->out);
			plain = i + 1;
		}
		i += step == 0 ? 1 : step;
	}
	(void)fwrite_unlocked(text + plain, 1, length - plain, json->out);
}

void cli_json_raw(cli_json *json, const char *key, const char *text, size_t length)
{
	if (!lead(json, key))
		return;
	while (length > 0 && text[length - 1] == '\n')
		length--;
	/* A line break in JSON text is white space, never part of a string. */
	for (size_t start = 0; start < length;) {
		const char *end = memchr(text + start, '\n', length - start);
		size_t line = end == NULL ? length - start : (size_t)(end - text) - start;
		put_line(json, text + start, line);
		start += line + 1;
		if (end != NULL)
			newline(json);
	}
}

/* How many bytes from @text on stand for themselves: nearly always all. */
static size_t plain(const char *text)
{
	size_t length = 0;
	while (text[length] >= 0x20 && text[length] < 0x7f && text[length] != '"' && text[length] != '\\')
		length++;
	return length;
}

void cli_json_quote(FILE *out, const char *text)
{
	(void)putc_unlocked('"', out);
	for (size_t left = strlen(text); left > 0;) {
		uint32_t code;
		size_t step = plain(text);
		if (step > 0) {
			(void)fwrite_unlocked(text, 1, step, out);
			text += step;
			left -= step;
			continue;
		}
		step = cli_utf8_next(text, left, &code);
		if (step == 0) {
			(void)fputs_unlocked("\\ufffd", out);
			step = 1;
		} else if (code == '"' || code == '\\') {
			(void)fprintf(out, "\\%c", (char)code);
		} else if (cli_unprintable(code)) {
			(void)fprintf(out, "\\u%04x", (unsigned)code);
		} else {
			(void)fwrite_unlocked(text, 1, step, out);
		}
		text += step;
		left -= step;
	}
	(void)putc_unlocked('"', out);
}
