#include "base/json_string.h"
#include <string.h>

#define DEPTH_MAX 512u

unsigned pnr_json_depth_limit(const pnr_json_limits *limits)
{
	return limits->depth < DEPTH_MAX ? limits->depth : DEPTH_MAX;
}

void pnr_json_count_lines(const char *text, size_t from, size_t to, unsigned *line, size_t *line_start)
{
	const char *newline;
	while (from < to && (newline = memchr(text + from, '\n', to - from)) != NULL) {
		from = (size_t)(newline - text) + 1;
		*line_start = from;
		(*line)++;
	}
}

bool pnr_json_hex4(const char *text, unsigned *out_unit)
{
	unsigned unit = 0;
	for (size_t i = 0; i < 4; i++) {
		char c = text[i];
		unsigned digit;
		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A' + 10);
		else
			return false;
		unit = unit << 4 | digit;
	}
	*out_unit = unit;
	return true;
}

static unsigned put_utf8(unsigned code, unsigned char out[4])
{
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	if (code < 0x80) {
		out[0] = (unsigned char)code;
		return 1;
	}
	unsigned length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (unsigned i = length - 1; i > 0; i--, code >>= 6)
		out[i] = (unsigned char)(0x80 | (code & 0x3f));
	out[0] = (unsigned char)(lead[length] | code);
	return length;
}

/* Step over a checked escape; the bytes it stands for go to @out. */
static unsigned unescape(const char **at, unsigned char out[4])
{
	char c = (*at)[1];
	unsigned code = 0, low = 0;
	*at += 2;
	if (c != 'u') {
		const char *letter = memchr(PNR_JSON_ESCAPES, c, PNR_JSON_ESCAPE_COUNT);
		out[0] = (unsigned char)(letter == NULL ? c : PNR_JSON_ESCAPED[letter - PNR_JSON_ESCAPES]);
		return 1;
	}
	(void)pnr_json_hex4(*at, &code);
	*at += 4;
	if (code >= 0xd800 && code <= 0xdbff) {
		(void)pnr_json_hex4(*at + 2, &low);
		*at += 6;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	return put_utf8(code, out);
}

int pnr_json_cursor_next(pnr_json_cursor *c)
{
	if (c->given < c->held)
		return c->pending[c->given++];
	if (c->at == c->end)
		return -1;
	if (*c->at != '\\')
		return (unsigned char)*c->at++;
	c->held = unescape(&c->at, c->pending);
	c->given = 1;
	return c->pending[0];
}
