#include "cli/cli.h"
#include "cli/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START 4096
#define MOST (1u << 20) /* in memory: then it goes into the file */
#define BLOCK ((size_t)64 * 1024)

static bool write_at(int fd, const char *data, size_t length, uint64_t at)
{
	while (length > 0) {
		ssize_t written = pwrite(fd, data, length, (off_t)at);
		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			data += written;
			length -= (size_t)written;
			at += (uint64_t)written;
		}
	}
	return true;
}

/* Into the file with what is in memory. Where there is no room for it, memory has to do. */
static void spill(cli_json *json)
{
	int fd = json->spilled > 0 ? json->fd : cli_temporary();
	if (fd < 0)
		return;
	if (write_at(fd, json->text, json->length, json->spilled)) {
		json->fd = fd;
		json->spilled += json->length;
		json->length = 0;
	} else if (json->spilled == 0) {
		(void)close(fd);
	}
}

static bool make_room(cli_json *json, size_t length)
{
	if (json->room >= MOST)
		spill(json);
	char *text = cli_grow(json->text, 1, json->length + length, &json->room);
	if (text == NULL)
		json->reason = ENOMEM;
	else
		json->text = text;
	return text != NULL;
}

/* A manifest has very many lines: no stream, no formats. */
static inline void put(cli_json *json, const char *text, size_t length)
{
	if (length >= json->room - json->length && !make_room(json, length))
		return;
	memcpy(json->text + json->length, text, length);
	json->length += length;
}

void cli_json_begin(cli_json *json, unsigned depth)
{
	cli_json_free(json);
	json->depth = depth;
	json->first = true;
	(void)make_room(json, START);
}

/* What is in the file, a block at a time from *at on. False at its end, and when it cannot be read. */
static bool read_back(cli_json *json, uint64_t *at, char *block, size_t size, size_t *out_length)
{
	ssize_t got = 0;
	if (*at == json->spilled)
		return false;
	/* A write that failed may have left more. */
	if (size > json->spilled - *at)
		size = (size_t)(json->spilled - *at);
	do
		got = pread(json->fd, block, size, (off_t)*at);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		json->reason = got < 0 ? errno : EIO;
	*at += got > 0 ? (uint64_t)got : 0;
	*out_length = (size_t)got;
	return got > 0;
}

bool cli_json_print(cli_json *json, FILE *out)
{
	char block[BLOCK];
	size_t length;
	if (json->text == NULL || json->reason != 0)
		return false;
	for (uint64_t at = 0; !ferror(out) && read_back(json, &at, block, sizeof block, &length);)
		(void)fwrite(block, 1, length, out);
	if (json->reason == 0)
		(void)fwrite(json->text, 1, json->length, out);
	return json->reason == 0;
}

void cli_json_append(cli_json *json, cli_json *part)
{
	char block[BLOCK];
	size_t length;
	for (uint64_t at = 0; read_back(part, &at, block, sizeof block, &length);)
		put(json, block, length);
	if (part->reason != 0)
		json->reason = part->reason;
	else
		put(json, part->text, part->length);
	json->first = part->first;
}

void cli_json_free(cli_json *json)
{
	if (json->spilled > 0)
		(void)close(json->fd);
	free(json->text);
	*json = (cli_json){ .text = NULL };
}

static void newline(cli_json *json)
{
	static const char blank[] = "\n                                ";
	unsigned left = 2 * json->depth, step = left < sizeof blank - 2 ? left : (unsigned)sizeof blank - 2;
	put(json, blank, 1 + step);
	for (; left > step; left--)
		put(json, " ", 1);
}

/* May one of eight bytes not stand for itself? The top bit of a byte shows it. */
static bool special(const char *text)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t word;
	memcpy(&word, text, sizeof word);
	return (((word - each * 0x20) | ((word ^ each * '"') - each) | ((word ^ each * '\\') - each) | (word + each) |
	         word) & each * 0x80) != 0;
}

/* How many of @length bytes from @text on stand for themselves: nearly always all. */
static size_t plain(const char *text, size_t length)
{
	size_t count = 0;
	while (length - count >= 8 && !special(text + count))
		count += 8;
	while (count < length && text[count] >= 0x20 && text[count] < 0x7f && text[count] != '"' && text[count] != '\\')
		count++;
	return count;
}

/* One character that may not stand for itself. Returns its length. */
static size_t put_character(cli_json *json, const char *text, size_t left)
{
	char escaped[16];
	uint32_t code;
	size_t step = cli_utf8_next(text, left, &code);
	if (step == 0) {
		put(json, "\\ufffd", 6);
		return 1;
	}
	if (code == '"' || code == '\\')
		put(json, "\\", 1);
	if (cli_unprintable(code))
		put(json, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)code));
	else
		put(json, text, step);
	return step;
}

static void quote(cli_json *json, const char *text)
{
	put(json, "\"", 1);
	for (size_t left = strlen(text), step; left > 0; text += step, left -= step) {
		step = plain(text, left);
		put(json, text, step);
		if (step == 0)
			step = put_character(json, text, left);
	}
	put(json, "\"", 1);
}

/* The comma and the line before a value, and its key. */
static void lead(cli_json *json, const char *key)
{
	if (!json->first)
		put(json, ",", 1);
	if (json->depth > 0)
		newline(json);
	json->first = false;
	if (key != NULL) {
		put(json, "\"", 1);
		put(json, key, strlen(key));
		put(json, "\": ", 3);
	}
}

void cli_json_open(cli_json *json, const char *key, char bracket)
{
	lead(json, key);
	put(json, &bracket, 1);
	json->depth++;
	json->first = true;
}

void cli_json_close(cli_json *json, char bracket)
{
	json->depth--;
	if (!json->first)
		newline(json);
	put(json, &bracket, 1);
	json->first = false;
}

void cli_json_text(cli_json *json, const char *key, const char *text)
{
	lead(json, key);
	if (text == NULL)
		put(json, "null", 4);
	else
		quote(json, text);
}

void cli_json_number(cli_json *json, const char *key, uint64_t number)
{
	char room[CLI_NUMBER_TEXT];
	const char *digits = cli_number_text(number, room);
	lead(json, key);
	put(json, digits, strlen(digits));
}

void cli_json_seconds(cli_json *json, const char *key, double seconds)
{
	char text[32];
	lead(json, key);
	put(json, text, (size_t)snprintf(text, sizeof text, "%.3f", seconds));
}

void cli_json_bool(cli_json *json, const char *key, bool value)
{
	lead(json, key);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

/* A byte that is no UTF-8 stands in a string, where an escape is as good. */
static void put_line(cli_json *json, const char *text, size_t length)
{
	size_t plain = 0; /* start of what is as it should be */
	for (size_t i = 0; i < length;) {
		uint32_t code;
		size_t step = (unsigned char)text[i] < 0x80 ? 1 : cli_utf8_next(text + i, length - i, &code);
		if (step == 0) {
			put(json, text + plain, i - plain);
			put(json, "\\ufffd", 6);
			plain = i + 1;
		}
		i += step == 0 ? 1 : step;
	}
	put(json, text + plain, length - plain);
}

void cli_json_raw(cli_json *json, const char *key, const char *text, size_t length)
{
	lead(json, key);
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
