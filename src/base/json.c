#include "base/array.h"
#include "base/json_string.h"
#include "base/path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_KEY 64u /* bytes of a key in a message */

const pnr_json_limits pnr_json_config_limits = { (size_t)16 << 20, 2000000, 128 };
const pnr_json_limits pnr_json_manifest_limits = { (size_t)256 << 20, 64000000, 160 };

/* A key of an open object. Texts have less than 4 GiB. */
typedef struct key {
	const char *text; /* between its quotes */
	uint32_t length;
	bool escaped;     /* has a backslash: what it means is not what it says */
} key;

/* An open object or array. */
typedef struct frame {
	size_t start;
	size_t first_key;  /* where its keys start in scanner.keys, in bytes */
	pnr_json_span key; /* of the current member */
	bool is_object;
} frame;

typedef struct scanner {
	const char *text;
	size_t length, at;
	const pnr_json_limits *limits;
	unsigned depth_limit;
	pnr_json_visit visit;
	void *user;
	frame *frames;
	size_t *path;   /* path[i]: index of the current child of frames[i] */
	unsigned depth; /* open containers */
	unsigned named; /* leading parts of the path that name what is being read */
	size_t tokens;
	pnr_buffer keys; /* of all open objects, outermost first */
	pnr_json_fault *out_fault;
	pnr_error *err;
} scanner;

/* -------------------------------------------------------------- faults -- */

static void locate(const char *text, size_t offset, unsigned *out_line, unsigned *out_column)
{
	size_t line_start = 0;
	*out_line = 1;
	pnr_json_count_lines(text, 0, offset, out_line, &line_start);
	*out_column = (unsigned)(offset - line_start) + 1;
}

/* At most @limit bytes of @text, none of its characters cut in two. */
static size_t cut_utf8(const char *text, size_t length, size_t limit)
{
	if (length <= limit)
		return length;
	while (limit > 0 && ((unsigned char)text[limit] & 0xc0) == 0x80)
		limit--;
	return limit;
}

/* A key as a part of a JSON pointer (RFC 6901), for as long as there is room. */
static size_t put_part(char *out, size_t used, size_t room, const char *token, size_t length)
{
	pnr_json_cursor c = { .at = token, .end = token + length };
	for (int byte; used < room && (byte = pnr_json_cursor_next(&c)) >= 0;) {
		if (byte == '~' || byte == '/') {
			out[used++] = '~';
			byte = byte == '~' ? '0' : '1';
		}
		if (used < room)
			out[used++] = (char)byte;
	}
	return used;
}

static void put_pointer(const scanner *s, char *out, size_t size)
{
	size_t used = 0, room = size - 1;
	for (unsigned i = 0; i < s->named && used < room; i++) {
		const frame *parent = &s->frames[i];
		out[used++] = '/';
		if (parent->is_object) {
			used = put_part(out, used, room, s->text + parent->key.start + 1,
			                parent->key.end - parent->key.start - 2);
		} else {
			char digits[24];
			int length = snprintf(digits, sizeof digits, "%zu", s->path[i]);
			used = put_part(out, used, room, digits, (size_t)length);
		}
	}
	/* A pointer that fills the room counts as cut: at worst its last bytes are given up needlessly. */
	if (used == room) {
		used = cut_utf8(out, used, room - 3);
		memcpy(out + used, "...", 3);
		used += 3;
	}
	out[used] = '\0';
}

static pnr_status fault(scanner *s, pnr_status status, size_t offset, const char *format, ...)
	PNR_PRINTF(4, 5);

/* The text is wrong at @offset: record why and where. */
static pnr_status fault(scanner *s, pnr_status status, size_t offset, const char *format, ...)
{
	char why[256];
	unsigned line, column;
	va_list args;
	va_start(args, format);
	if (vsnprintf(why, sizeof why, format, args) < 0)
		why[0] = '\0';
	va_end(args);
	locate(s->text, offset, &line, &column);
	if (s->out_fault != NULL) {
		s->out_fault->offset = offset;
		s->out_fault->line = line;
		s->out_fault->column = column;
		put_pointer(s, s->out_fault->pointer, sizeof s->out_fault->pointer);
	}
	return pnr_fail(s->err, status, "line %u, column %u: %s", line, column, why);
}

/* The byte at the current place, -1 at the end. */
static int peek(const scanner *s)
{
	return s->at < s->length ? (unsigned char)s->text[s->at] : -1;
}

/* "@expected, found ...". */
static pnr_status unexpected(scanner *s, const char *expected)
{
	int c = peek(s);
	if (c < 0)
		return fault(s, PNR_INVALID, s->at, "%s, found the end of the text", expected);
	if (c > 0x20 && c < 0x7f)
		return fault(s, PNR_INVALID, s->at, "%s, found '%c'", expected, c);
	return fault(s, PNR_INVALID, s->at, "%s, found byte 0x%02x", expected, (unsigned)c);
}

/* -------------------------------------------------------------- tokens -- */

static void skip_space(scanner *s)
{
	while (s->at < s->length) {
		char c = s->text[s->at];
		if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
			break;
		s->at++;
	}
}

static pnr_status count_token(scanner *s)
{
	if (s->tokens == s->limits->tokens)
		return fault(s, PNR_FULL, s->at, "more than %zu values and keys", s->limits->tokens);
	s->tokens++;
	return PNR_OK;
}

/* The four digits of a \u, of which @offset is the backslash. */
static pnr_status read_unit(scanner *s, size_t offset, unsigned *out_unit)
{
	if (s->length - offset < 6 || !pnr_json_hex4(s->text + offset + 2, out_unit))
		return fault(s, PNR_INVALID, offset, "\\u needs four hexadecimal digits");
	return PNR_OK;
}

static pnr_status read_unicode_escape(scanner *s)
{
	size_t start = s->at;
	unsigned unit = 0, low = 0;
	pnr_status status = read_unit(s, start, &unit);
	if (status != PNR_OK)
		return status;
	s->at += 6;
	if (unit == 0)
		return fault(s, PNR_INVALID, start, "\\u0000 in a string is not allowed");
	if (unit < 0xd800 || unit > 0xdfff)
		return PNR_OK;
	if (unit <= 0xdbff && s->length - s->at >= 2 && memcmp(s->text + s->at, "\\u", 2) == 0) {
		status = read_unit(s, s->at, &low);
		if (status != PNR_OK)
			return status;
		s->at += 6;
		if (low >= 0xdc00 && low <= 0xdfff)
			return PNR_OK;
	}
	return fault(s, PNR_INVALID, start, "\\u%04x is half of a surrogate pair, its other half is missing", unit);
}

static pnr_status read_escape(scanner *s)
{
	char c = s->length - s->at < 2 ? '\0' : s->text[s->at + 1];
	if (c == 'u')
		return read_unicode_escape(s);
	if (c == '\0' || memchr(PNR_JSON_ESCAPES, c, PNR_JSON_ESCAPE_COUNT) == NULL) {
		s->at++;
		return unexpected(s, "expected one of \"\\/bfnrtu after a backslash");
	}
	s->at += 2;
	return PNR_OK;
}

static pnr_status wrong_string_byte(scanner *s, size_t start)
{
	int c = peek(s);
	if (c < 0)
		return fault(s, PNR_INVALID, start, "the string that starts here has no closing '\"'");
	if (c == '\n' || c == '\r')
		return fault(s, PNR_INVALID, start, "the string that starts here has no closing '\"' on its line");
	if (c < 0x20)
		return fault(s, PNR_INVALID, s->at, "control character 0x%02x in a string; write \\u%04x",
		             (unsigned)c, (unsigned)c);
	return fault(s, PNR_INVALID, s->at, "byte 0x%02x in a string is not valid UTF-8", (unsigned)c);
}

/* A string, quotes included. */
static pnr_status read_string(scanner *s, bool *out_escaped)
{
	size_t start = s->at++;
	bool escaped = false;
	for (;;) {
		int c = peek(s);
		size_t step = 1;
		if (c == '"')
			break;
		if (c == '\\') {
			pnr_status status = read_escape(s);
			if (status != PNR_OK)
				return status;
			escaped = true;
			continue;
		}
		if (c >= 0x80)
			step = pnr_utf8_sequence(s->text + s->at, s->length - s->at);
		if (c < 0x20 || step == 0)
			return wrong_string_byte(s, start);
		s->at += step;
	}
	s->at++;
	*out_escaped = escaped;
	return PNR_OK;
}

/* One digit or more. */
static pnr_status read_digits(scanner *s, const char *expected)
{
	size_t start = s->at;
	while (s->at < s->length && s->text[s->at] >= '0' && s->text[s->at] <= '9')
		s->at++;
	return s->at > start ? PNR_OK : unexpected(s, expected);
}

static pnr_status read_number(scanner *s)
{
	s->at += peek(s) == '-';
	size_t start = s->at;
	pnr_status status = read_digits(s, "expected a digit after '-'");
	if (status == PNR_OK && s->text[start] == '0' && s->at - start > 1)
		status = fault(s, PNR_INVALID, start, "a number must not start with a zero");
	if (status == PNR_OK && peek(s) == '.') {
		s->at++;
		status = read_digits(s, "expected a digit after '.'");
	}
	if (status == PNR_OK && (peek(s) == 'e' || peek(s) == 'E')) {
		s->at++;
		s->at += peek(s) == '+' || peek(s) == '-';
		status = read_digits(s, "expected a digit in the exponent");
	}
	return status;
}

static pnr_status read_literal(scanner *s, const char *literal)
{
	size_t length = strlen(literal);
	if (s->length - s->at < length || memcmp(s->text + s->at, literal, length) != 0)
		return fault(s, PNR_INVALID, s->at, "expected a value; is '%s' meant?", literal);
	s->at += length;
	return PNR_OK;
}

/* -------------------------------------------------------- duplicate keys -- */

static int compare_meaning(const key *a, const key *b)
{
	if (!a->escaped && !b->escaped) {
		int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
		return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
	}
	pnr_json_cursor in_a = { .at = a->text, .end = a->text + a->length };
	pnr_json_cursor in_b = { .at = b->text, .end = b->text + b->length };
	int x, y;
	do {
		x = pnr_json_cursor_next(&in_a);
		y = pnr_json_cursor_next(&in_b);
	} while (x == y && x >= 0);
	return x - y;
}

static int compare_keys(const void *left, const void *right)
{
	const key *a = left, *b = right;
	int order = compare_meaning(a, b);
	return order != 0 ? order : (a->text > b->text) - (a->text < b->text);
}

static pnr_status duplicate(scanner *s, const key *again, const key *before)
{
	size_t offset = (size_t)(again->text - s->text) - 1;
	unsigned line, column;
	locate(s->text, (size_t)(before->text - s->text) - 1, &line, &column);
	s->frames[s->depth - 1].key = (pnr_json_span){ offset, offset + again->length + 2 };
	s->named = s->depth;
	size_t shown = cut_utf8(again->text, again->length, SHOWN_KEY);
	return fault(s, PNR_INVALID, offset, "duplicate key \"%.*s%s\", which is on line %u, column %u already",
	             (int)shown, again->text, shown < again->length ? "..." : "", line, column);
}

/*
 * The keys of an object that ends. Sorting costs n log n whatever the keys are;
 * a hash table without a secret seed would not promise that.
 */
static pnr_status check_keys(scanner *s, size_t first)
{
	if (s->keys.length - first <= sizeof(key))
		return PNR_OK;
	key *keys = (key *)(void *)(s->keys.data + first);
	size_t count = (s->keys.length - first) / sizeof(key);
	const key *again = NULL;
	pnr_array_sort(keys, count, sizeof *keys, compare_keys);
	for (size_t i = 1; i < count; i++)
		if (compare_meaning(&keys[i - 1], &keys[i]) == 0 && (again == NULL || keys[i].text < again->text))
			again = &keys[i];
	return again == NULL ? PNR_OK : duplicate(s, again, again - 1);
}

/* --------------------------------------------------------- the grammar -- */

/* A value ended at the current place. */
static pnr_status tell(scanner *s, pnr_json_type type, size_t start)
{
	if (s->visit == NULL)
		return PNR_OK;
	pnr_json_event event = {
		.type = type,
		.span = { start, s->at },
		.depth = s->depth,
		.path = s->path,
	};
	if (s->depth > 0) {
		const frame *parent = &s->frames[s->depth - 1];
		event.key = parent->key;
		event.index = s->path[s->depth - 1];
	}
	return s->visit(s->user, &event, s->err);
}

/* A key and its colon. */
static pnr_status read_key(scanner *s)
{
	skip_space(s);
	if (peek(s) != '"')
		return unexpected(s, s->path[s->depth - 1] > 0 && peek(s) == '}'
		                             ? "expected a key, as a comma must not be the last in an object"
		                             : "expected a key in double quotes");
	pnr_status status = count_token(s);
	if (status != PNR_OK)
		return status;
	size_t start = s->at;
	bool escaped = false;
	status = read_string(s, &escaped);
	if (status != PNR_OK)
		return status;
	const key k = { s->text + start + 1, (uint32_t)(s->at - start - 2), escaped };
	pnr_buffer_append(&s->keys, &k, sizeof k);
	s->frames[s->depth - 1].key = (pnr_json_span){ start, s->at };
	skip_space(s);
	if (peek(s) != ':')
		return unexpected(s, "expected ':' after a key");
	s->at++;
	return pnr_buffer_status(&s->keys, s->err);
}

/* The current place is after the closing bracket. */
static pnr_status end_container(scanner *s)
{
	const frame *top = &s->frames[s->depth - 1];
	pnr_status status = check_keys(s, top->first_key);
	if (status != PNR_OK)
		return status;
	s->keys.length = top->first_key;
	s->depth--;
	return tell(s, top->is_object ? PNR_JSON_OBJECT : PNR_JSON_ARRAY, top->start);
}

static pnr_status begin_container(scanner *s, bool is_object, bool *out_child)
{
	if (s->depth == s->depth_limit)
		return fault(s, PNR_FULL, s->at, "nested deeper than %u levels", s->depth_limit);
	s->frames[s->depth] = (frame){ .start = s->at, .first_key = s->keys.length, .is_object = is_object };
	s->path[s->depth++] = 0;
	s->at++;
	skip_space(s);
	*out_child = peek(s) != (is_object ? '}' : ']');
	if (!*out_child) {
		s->at++;
		return end_container(s);
	}
	return is_object ? read_key(s) : PNR_OK;
}

static pnr_status wrong_value(scanner *s)
{
	switch (peek(s)) {
	case '\'':
		return unexpected(s, "expected a value; strings have double quotes");
	case '/':
	case '#':
		return unexpected(s, "expected a value; JSON has no comments");
	case '+':
		return unexpected(s, "expected a value; a number must not start with '+'");
	case '.':
		return unexpected(s, "expected a value; a number must not start with '.'");
	case ']':
		return unexpected(s, s->depth > 0 && s->path[s->depth - 1] > 0
		                             ? "expected a value, as a comma must not be the last in an array"
		                             : "expected a value");
	default:
		return unexpected(s, "expected a value");
	}
}

/* A whole value; or the opening of one, *out_child: its first child comes next. */
static pnr_status read_value(scanner *s, bool *out_child)
{
	skip_space(s);
	s->named = s->depth;
	*out_child = false;
	pnr_status status = count_token(s);
	if (status != PNR_OK)
		return status;
	size_t start = s->at;
	pnr_json_type type;
	bool escaped;
	switch (peek(s)) {
	case '{':
	case '[':
		return begin_container(s, peek(s) == '{', out_child);
	case '"':
		type = PNR_JSON_STRING;
		status = read_string(s, &escaped);
		break;
	case 'n':
		type = PNR_JSON_NULL;
		status = read_literal(s, "null");
		break;
	case 'f':
		type = PNR_JSON_FALSE;
		status = read_literal(s, "false");
		break;
	case 't':
		type = PNR_JSON_TRUE;
		status = read_literal(s, "true");
		break;
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		type = PNR_JSON_NUMBER;
		status = read_number(s);
		break;
	default:
		return wrong_value(s);
	}
	return status == PNR_OK ? tell(s, type, start) : status;
}

/* What follows a value: the end of containers, or a comma, *out_child: one more child comes next. */
static pnr_status read_after(scanner *s, bool *out_child)
{
	*out_child = false;
	while (s->depth > 0) {
		bool is_object = s->frames[s->depth - 1].is_object;
		s->named = s->depth - 1;
		skip_space(s);
		int c = peek(s);
		if (c == ',') {
			s->at++;
			s->path[s->depth - 1]++;
			*out_child = true;
			return is_object ? read_key(s) : PNR_OK;
		}
		if (c != (is_object ? '}' : ']'))
			return unexpected(s, is_object ? "expected ',' or '}' after a member"
			                               : "expected ',' or ']' after an element");
		s->at++;
		pnr_status status = end_container(s);
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

static pnr_status read_document(scanner *s)
{
	pnr_status status = PNR_OK;
	for (bool child = true; status == PNR_OK && child;) {
		status = read_value(s, &child);
		if (status == PNR_OK && !child)
			status = read_after(s, &child);
	}
	if (status != PNR_OK)
		return status;
	skip_space(s);
	return s->at == s->length ? PNR_OK : unexpected(s, "expected nothing after the document");
}

static pnr_status check_start(scanner *s)
{
	size_t limit = s->limits->bytes < UINT32_MAX ? s->limits->bytes : UINT32_MAX;
	if (s->length > limit)
		return fault(s, PNR_FULL, 0, "the text is larger than the limit of %zu bytes", limit);
	if (s->length >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0)
		return fault(s, PNR_INVALID, 0, "a byte order mark; save the text as UTF-8 without BOM");
	if (s->length >= 2 && (memcmp(s->text, "\xff\xfe", 2) == 0 || memcmp(s->text, "\xfe\xff", 2) == 0))
		return fault(s, PNR_INVALID, 0, "the text is UTF-16; save it as UTF-8 without BOM");
	return PNR_OK;
}

pnr_status pnr_json_scan(const char *text, size_t length, const pnr_json_limits *limits, pnr_json_visit visit,
                         void *user, pnr_json_fault *out_fault, pnr_error *err)
{
	unsigned depth = pnr_json_depth_limit(limits);
	PNR_CLEANUP(pnr_cleanup_free) frame *frames = calloc(depth + 1u, sizeof *frames);
	PNR_CLEANUP(pnr_cleanup_free) size_t *path = calloc(depth + 1u, sizeof *path);
	if (frames == NULL || path == NULL)
		return pnr_fail_nomem(err);
	scanner s = {
		.text = text, .length = length, .limits = limits, .depth_limit = depth,
		.visit = visit, .user = user, .frames = frames, .path = path,
		.keys = PNR_BUFFER_INIT, .out_fault = out_fault, .err = err,
	};
	pnr_status status = check_start(&s);
	if (status == PNR_OK)
		status = read_document(&s);
	pnr_buffer_free(&s.keys);
	return status;
}
