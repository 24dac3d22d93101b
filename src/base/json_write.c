#include "base/json_string.h"
#include "base/path.h"
#include <string.h>

void pnr_json_quote(pnr_buffer *buffer, const char *text, size_t length)
{
	size_t plain = 0; /* start of what needs no escape */
	pnr_buffer_putc(buffer, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		size_t step = c < 0x80 ? 1 : pnr_utf8_sequence(text + i, length - i);
		if (step > 0 && c >= 0x20 && c != '"' && c != '\\') {
			i += step - 1;
			continue;
		}
		pnr_buffer_append(buffer, text + plain, i - plain);
		plain = i + 1;
		if (step == 0) {
			pnr_buffer_puts(buffer, "\\ufffd");
			continue;
		}
		const char *meaning = memchr(PNR_JSON_ESCAPED, c, PNR_JSON_ESCAPE_COUNT);
		if (meaning != NULL)
			pnr_buffer_printf(buffer, "\\%c", PNR_JSON_ESCAPES[meaning - PNR_JSON_ESCAPED]);
		else
			pnr_buffer_printf(buffer, "\\u%04x", (unsigned)c);
	}
	pnr_buffer_append(buffer, text + plain, length - plain);
	pnr_buffer_putc(buffer, '"');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void new_line(pnr_buffer *buffer, unsigned level)
{
	pnr_buffer_putc(buffer, '\n');
	char *indent = pnr_buffer_reserve(buffer, (size_t)2 * level);
	if (indent != NULL) {
		memset(indent, ' ', (size_t)2 * level);
		buffer->length += (size_t)2 * level;
	}
}

/* The end of the scalar or key that starts at @at. */
static size_t token_end(const char *text, size_t at, size_t end)
{
	if (text[at] != '"') {
		while (at < end && !is_space(text[at]) && memchr(",:]}", text[at], 4) == NULL)
			at++;
		return at;
	}
	for (at++; at < end && text[at] != '"'; at++)
		at += text[at] == '\\';
	return at < end ? at + 1 : end;
}

void pnr_json_reindent(pnr_buffer *buffer, const char *text, pnr_json_span span, unsigned level)
{
	bool opened = false; /* a container whose first child, or end, was not seen */
	for (size_t at = span.start; at < span.end;) {
		char c = text[at];
		if (is_space(c)) {
			at++;
			continue;
		}
		bool closing = c == '}' || c == ']';
		if (closing)
			level--;
		if (opened != closing)
			new_line(buffer, level);
		opened = c == '{' || c == '[';
		if (opened)
			level++;
		if (opened || closing) {
			pnr_buffer_putc(buffer, c);
			at++;
		} else if (c == ',') {
			pnr_buffer_putc(buffer, c);
			new_line(buffer, level);
			at++;
		} else if (c == ':') {
			pnr_buffer_puts(buffer, ": ");
			at++;
		} else {
			size_t end = token_end(text, at, span.end);
			pnr_buffer_append(buffer, text + at, end - at);
			at = end;
		}
	}
}
