/* The JSON scanner: exactly RFC 8259 and a little less, limits, and what a visitor is shown. */
#include "support.h"
#include "base/json.h"
#include "base/path.h"

static const pnr_json_limits wide = { (size_t)64 << 20, 10000000, 512 };

static pnr_status scan(const char *text, size_t length, const pnr_json_limits *limits, pnr_json_fault *fault,
                       pnr_error *err)
{
	char *copy = exact(text, length);
	pnr_status status = pnr_json_scan(copy, length, limits, NULL, NULL, fault, err);
	free(copy);
	return status;
}

/* ------------------------------------------------------ accept and reject -- */

static void what_the_rfc_allows_is_accepted(void **state)
{
	(void)state;
	static const char *const good[] = {
		"null", "true", "false", "0", "-0", "1", "-1", "10", "1.5", "-0.0", "0.10", "1e5", "1E5", "1e+5",
		"1e-5", "1.25e-07", "0e0", "12345678901234567890", "1e400", "-1e-400",
		"123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
		"\"\"", "\"a\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u00e9\\uABCD\\uabcd\"", "\"\\ud83d\\ude00\"",
		"\"\\uDBFF\\uDFFF\"", "\"\\u0001\"", "\"\x7f\"", "\"\xc3\xa9\"", "\"\xe2\x80\xa8\"",
		"\"\xf0\x9f\x98\x80\"", "\"\xef\xbf\xbf\"", "\"\xef\xbb\xbf\"", "\"\\ufeff\"", "\"\\ue000\\ud7ff\"",
		"[]", "{}", "[ ]", "{ }", " [\n1 ,\t2\r] ", "[[],[[]],{}]", "[null]", "{\"\":0}", "{\"a\":{\"a\":1}}",
		"{\"a\":1,\"A\":2}", "{\"a\":1,\"a \":2}", "[{\"a\":1},{\"a\":1}]", "{\"x\":{\"a\":1},\"a\":{\"x\":1}}",
		"\n\n{\"k\" : [1,2 , {\"z\":\"}\"} ] }\n", "{\"\\u0061\\u0062\":1,\"a\":2}", "{\"__proto__\":1}",
		"{\"\xc3\xa9\":1,\"e\xcc\x81\":2}", "[1,[2,[3,[4]]]]", "\"//\"", "\"\\\\u0000\"",
	};
	for (size_t i = 0; i < PNR_COUNT(good); i++) {
		pnr_error err = PNR_ERROR_INIT;
		if (scan(good[i], strlen(good[i]), &wide, NULL, &err) != PNR_OK)
			fail_msg("%s: %s", good[i], err.message);
	}
}

static const struct rejected {
	const char *text;
	unsigned line, column;
	const char *pointer;
	const char *why;
} rejected[] = {
	/* nothing, too little, too much */
	{ "", 1, 1, "", "expected a value, found the end of the text" },
	{ " \n ", 2, 2, "", "expected a value, found the end of the text" },
	{ "{} {}", 1, 4, "", "expected nothing after the document, found '{'" },
	{ "1 2", 1, 3, "", "expected nothing after the document, found '2'" },
	{ "[]]", 1, 3, "", "expected nothing after the document, found ']'" },
	{ "null,", 1, 5, "", "expected nothing after the document, found ','" },
	/* marks of other encodings */
	{ "\xef\xbb\xbf{}", 1, 1, "", "a byte order mark" },
	{ "\xff\xfe{", 1, 1, "", "the text is UTF-16" },
	{ "\xfe\xff{", 1, 1, "", "the text is UTF-16" },
	{ "\xef\xbb", 1, 1, "", "expected a value, found byte 0xef" },
	{ "\xc2\xa0[]", 1, 1, "", "expected a value, found byte 0xc2" },
	{ "[1,\x0b" "2]", 1, 4, "/1", "expected a value, found byte 0x0b" },
	{ "[1\x0c]", 1, 3, "", "expected ',' or ']' after an element, found byte 0x0c" },
	/* literals */
	{ "nul", 1, 1, "", "is 'null' meant?" },
	{ "nulll", 1, 5, "", "expected nothing after the document" },
	{ "True", 1, 1, "", "expected a value, found 'T'" },
	{ "[truE]", 1, 2, "/0", "is 'true' meant?" },
	{ "fals", 1, 1, "", "is 'false' meant?" },
	{ "NaN", 1, 1, "", "expected a value, found 'N'" },
	{ "Infinity", 1, 1, "", "expected a value, found 'I'" },
	{ "undefined", 1, 1, "", "expected a value, found 'u'" },
	/* numbers */
	{ "01", 1, 1, "", "a number must not start with a zero" },
	{ "-01", 1, 2, "", "a number must not start with a zero" },
	{ "00", 1, 1, "", "a number must not start with a zero" },
	{ "-", 1, 2, "", "expected a digit after '-', found the end of the text" },
	{ "-a", 1, 2, "", "expected a digit after '-', found 'a'" },
	{ "-Infinity", 1, 2, "", "expected a digit after '-', found 'I'" },
	{ "--1", 1, 2, "", "expected a digit after '-', found '-'" },
	{ "+1", 1, 1, "", "a number must not start with '+'" },
	{ ".5", 1, 1, "", "a number must not start with '.'" },
	{ "[1.]", 1, 4, "/0", "expected a digit after '.', found ']'" },
	{ "1.e5", 1, 3, "", "expected a digit after '.', found 'e'" },
	{ "1e", 1, 3, "", "expected a digit in the exponent, found the end of the text" },
	{ "1e+", 1, 4, "", "expected a digit in the exponent, found the end of the text" },
	{ "1e+-1", 1, 4, "", "expected a digit in the exponent, found '-'" },
	{ "0x10", 1, 2, "", "expected nothing after the document, found 'x'" },
	{ "1_000", 1, 2, "", "expected nothing after the document, found '_'" },
	{ "1.2.3", 1, 4, "", "expected nothing after the document, found '.'" },
	/* strings */
	{ "\"", 1, 1, "", "has no closing '\"'" },
	{ "\"abc", 1, 1, "", "has no closing '\"'" },
	{ "\"abc\\\"", 1, 1, "", "has no closing '\"'" },
	{ "\"abc\\", 1, 6, "", "after a backslash, found the end of the text" },
	{ "[\"a\nb\"]", 1, 2, "/0", "no closing '\"' on its line" },
	{ "\"a\tb\"", 1, 3, "", "control character 0x09 in a string; write \\u0009" },
	{ "\"\x1f\"", 1, 2, "", "control character 0x1f in a string" },
	{ "\"\\a\"", 1, 3, "", "after a backslash, found 'a'" },
	{ "\"\\'\"", 1, 3, "", "after a backslash, found '''" },
	{ "\"\\x41\"", 1, 3, "", "after a backslash, found 'x'" },
	{ "\"\\U0041\"", 1, 3, "", "after a backslash, found 'U'" },
	{ "\"\\u004\"", 1, 2, "", "\\u needs four hexadecimal digits" },
	{ "\"\\u004g\"", 1, 2, "", "\\u needs four hexadecimal digits" },
	{ "\"\\u", 1, 2, "", "\\u needs four hexadecimal digits" },
	{ "\"\\u+041\"", 1, 2, "", "\\u needs four hexadecimal digits" },
	{ "\"\\u0000\"", 1, 2, "", "\\u0000 in a string is not allowed" },
	{ "{\"a\\u0000\":1}", 1, 4, "", "\\u0000 in a string is not allowed" },
	{ "\"\\ud800\"", 1, 2, "", "\\ud800 is half of a surrogate pair" },
	{ "\"\\udbff\\u0041\"", 1, 2, "", "\\udbff is half of a surrogate pair" },
	{ "\"\\udc00\"", 1, 2, "", "\\udc00 is half of a surrogate pair" },
	{ "\"\\ude00\\ud83d\"", 1, 2, "", "\\ude00 is half of a surrogate pair" },
	{ "\"\\ud800\\ud800\"", 1, 2, "", "\\ud800 is half of a surrogate pair" },
	{ "\"\\ud800\\", 1, 2, "", "\\ud800 is half of a surrogate pair" },
	{ "\"\\ud800\\u", 1, 8, "", "\\u needs four hexadecimal digits" },
	{ "\"\\ud800x\"", 1, 2, "", "\\ud800 is half of a surrogate pair" },
	{ "\"\x80\"", 1, 2, "", "byte 0x80 in a string is not valid UTF-8" },
	{ "\"\xc0\x80\"", 1, 2, "", "byte 0xc0 in a string is not valid UTF-8" },
	{ "\"a\xed\xa0\x80\"", 1, 3, "", "byte 0xed in a string is not valid UTF-8" },
	{ "\"\xf4\x90\x80\x80\"", 1, 2, "", "byte 0xf4 in a string is not valid UTF-8" },
	{ "\"\xc3", 1, 2, "", "byte 0xc3 in a string is not valid UTF-8" },
	{ "\"\xff\"", 1, 2, "", "byte 0xff in a string is not valid UTF-8" },
	/* arrays */
	{ "[", 1, 2, "/0", "expected a value, found the end of the text" },
	{ "[1", 1, 3, "", "expected ',' or ']' after an element, found the end of the text" },
	{ "[1,", 1, 4, "/1", "expected a value, found the end of the text" },
	{ "[1,]", 1, 4, "/1", "a comma must not be the last in an array" },
	{ "[,1]", 1, 2, "/0", "expected a value, found ','" },
	{ "[1,,2]", 1, 4, "/1", "expected a value, found ','" },
	{ "[1 2]", 1, 4, "", "expected ',' or ']' after an element, found '2'" },
	{ "[1}", 1, 3, "", "expected ',' or ']' after an element, found '}'" },
	{ "]", 1, 1, "", "expected a value, found ']'" },
	{ "[1:2]", 1, 3, "", "expected ',' or ']' after an element, found ':'" },
	/* objects */
	{ "{", 1, 2, "", "expected a key in double quotes, found the end of the text" },
	{ "{1:2}", 1, 2, "", "expected a key in double quotes, found '1'" },
	{ "{a:1}", 1, 2, "", "expected a key in double quotes, found 'a'" },
	{ "{'a':1}", 1, 2, "", "expected a key in double quotes, found '''" },
	{ "{,}", 1, 2, "", "expected a key in double quotes, found ','" },
	{ "{\"a\"}", 1, 5, "", "expected ':' after a key, found '}'" },
	{ "{\"a\" 1}", 1, 6, "", "expected ':' after a key, found '1'" },
	{ "{\"a\":}", 1, 6, "/a", "expected a value, found '}'" },
	{ "{\"a\":1", 1, 7, "", "expected ',' or '}' after a member, found the end of the text" },
	{ "{\"a\":1,}", 1, 8, "", "a comma must not be the last in an object" },
	{ "{\"a\":1 \"b\":2}", 1, 8, "", "expected ',' or '}' after a member, found '\"'" },
	{ "{\"a\":1]", 1, 7, "", "expected ',' or '}' after a member, found ']'" },
	{ "{\"a\":1,,}", 1, 8, "", "expected a key in double quotes, found ','" },
	{ "}", 1, 1, "", "expected a value, found '}'" },
	/* what other dialects allow */
	{ "['a']", 1, 2, "/0", "strings have double quotes" },
	{ "[1, // one\n2]", 1, 5, "/1", "JSON has no comments" },
	{ "/* x */ 1", 1, 1, "", "JSON has no comments" },
	{ "# x\n1", 1, 1, "", "JSON has no comments" },
	/* duplicates: keys are what they mean */
	{ "{\"a\":1,\"a\":2}", 1, 8, "/a", "duplicate key \"a\", which is on line 1, column 2 already" },
	{ "{\"a\":1,\"\\u0061\":2}", 1, 8, "/a", "duplicate key" },
	{ "{\"\\ud83d\\ude00\":1,\n\"\xf0\x9f\x98\x80\":2}", 2, 1, "/\xf0\x9f\x98\x80", "on line 1, column 2 already" },
	{ "{\"\\/\":1,\"/\":2}", 1, 9, "/~1", "duplicate key" },
	{ "{\"\":1,\"\":2}", 1, 7, "/", "duplicate key" },
	{ "{\"b\":1,\"a\":2,\"b\":3,\"a\":4}", 1, 14, "/b", "duplicate key \"b\"" },
	{ "{\"a\":1,\"a\":2,\"a\":3}", 1, 8, "/a", "line 1, column 2 already" },
	{ "[0,{\"x\":{\"a\":{\"a\":0},\"b\":[],\"a\":1}}]", 1, 29, "/1/x/a", "duplicate key" },
	{ "{\"a\\nb\":1,\"a\\u000ab\":2}", 1, 11, "/a\nb", "duplicate key" },
	/* where it is */
	{ "{\n  \"a\": 1,\n  \"b\": tru\n}", 3, 8, "/b", "is 'true' meant?" },
	{ "[\r\n[\r\n@]]", 3, 1, "/0/0", "expected a value, found '@'" },
	{ "{\"a/b\":{\"m~n\":[0,{\"\":?}]}}", 1, 22, "/a~1b/m~0n/1/", "found '?'" },
	{ "{\"a\":[1,2,{\"b\":3} 4]}", 1, 19, "/a", "expected ',' or ']'" },
};

static void what_it_does_not_is_refused_where_it_stands(void **state)
{
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(rejected); i++) {
		const struct rejected *r = &rejected[i];
		char expected[64];
		pnr_error err = PNR_ERROR_INIT;
		pnr_json_fault fault = { 0 };
		if (scan(r->text, strlen(r->text), &wide, &fault, &err) != PNR_INVALID)
			fail_msg("%s: %s", r->text, err.status == PNR_OK ? "accepted" : err.message);
		snprintf(expected, sizeof expected, "line %u, column %u: ", r->line, r->column);
		if (strncmp(err.message, expected, strlen(expected)) != 0 || strstr(err.message, r->why) == NULL)
			fail_msg("%s: %s", r->text, err.message);
		assert_int_equal(fault.line, r->line);
		assert_int_equal(fault.column, r->column);
		if (strcmp(fault.pointer, r->pointer) != 0)
			fail_msg("%s: pointer '%s'", r->text, fault.pointer);
		assert_int_equal(scan(r->text, strlen(r->text), &wide, NULL, NULL), PNR_INVALID);
	}
}

static void a_failed_parse_leaves_the_output_alone(void **state)
{
	(void)state;
	pnr_json_document *document = (pnr_json_document *)state;
	for (size_t i = 0; i < PNR_COUNT(rejected); i++)
		assert_int_equal(pnr_json_parse(rejected[i].text, strlen(rejected[i].text), &wide, &document, NULL, NULL),
		                 PNR_INVALID);
	assert_ptr_equal(document, state);
}

static void a_zero_byte_is_no_end(void **state)
{
	(void)state;
	assert_int_equal(scan("{}\0", 3, &wide, NULL, NULL), PNR_INVALID);
	assert_int_equal(scan("\0", 1, &wide, NULL, NULL), PNR_INVALID);
	assert_int_equal(scan("\"a\0b\"", 5, &wide, NULL, NULL), PNR_INVALID);
	assert_int_equal(scan("\"\\\0\"", 4, &wide, NULL, NULL), PNR_INVALID);
	assert_int_equal(scan("[1,\0]", 5, &wide, NULL, NULL), PNR_INVALID);
}

/* Every prefix of a text that starts with a bracket is wrong, and no byte behind it is touched. */
static void every_prefix_of_a_text_is_refused(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":[1,-2.5e+3,true,null,\"x\\n\\ud83d\\ude00\xc3\xa9\"],\"b\":{\"c\":false}}";
	for (size_t length = 0; length < sizeof text - 1; length++)
		assert_int_equal(scan(text, length, &wide, NULL, NULL), PNR_INVALID);
	assert_int_equal(scan(text, sizeof text - 1, &wide, NULL, NULL), PNR_OK);
}

static void an_earlier_cause_is_kept_but_the_fault_is_set(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	pnr_json_fault fault = { 0 };
	(void)pnr_fail(&err, PNR_IO, "earlier");
	assert_int_equal(scan("[x", 2, &wide, &fault, &err), PNR_INVALID);
	assert_string_equal(err.message, "earlier");
	assert_int_equal(fault.offset, 1);
}

static void a_long_pointer_is_cut_and_marked(void **state)
{
	(void)state;
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_json_fault fault = { 0 };
	for (int i = 0; i < 20; i++)
		pnr_buffer_puts(&text, "{\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80~\":");
	assert_int_equal(scan(text.data, text.length, &wide, &fault, NULL), PNR_INVALID);
	size_t length = strlen(fault.pointer);
	assert_in_range(length, sizeof fault.pointer - 5, sizeof fault.pointer - 1);
	assert_string_equal(fault.pointer + length - 3, "...");
	assert_true(pnr_utf8_valid(fault.pointer, length));
	pnr_buffer_free(&text);
}

static void a_long_key_is_cut_in_the_message(void **state)
{
	(void)state;
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_error err = PNR_ERROR_INIT;
	pnr_buffer_putc(&text, '{');
	for (int i = 0; i < 2; i++) {
		pnr_buffer_puts(&text, i == 0 ? "\"a" : ",\"a");
		for (int j = 0; j < 1000; j++)
			pnr_buffer_puts(&text, "\xc3\xa9");
		pnr_buffer_puts(&text, "\":1");
	}
	pnr_buffer_putc(&text, '}');
	assert_int_equal(scan(text.data, text.length, &wide, NULL, &err), PNR_INVALID);
	assert_true(pnr_utf8_valid(err.message, strlen(err.message)));
	assert_contains(err.message, "\xc3\xa9...\", which is on line 1, column 2 already");
	pnr_buffer_free(&text);
}

/* ----------------------------------------------------------------- limits -- */

static void the_size_limit_is_exact(void **state)
{
	(void)state;
	pnr_json_limits limits = { 5, 100, 10 };
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(scan("[1,2]", 5, &limits, NULL, NULL), PNR_OK);
	assert_int_equal(scan("[1,2] ", 6, &limits, NULL, &err), PNR_FULL);
	assert_contains(err.message, "larger than the limit of 5 bytes");
}

static void the_token_limit_counts_values_and_keys(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":[1,2],\"b\":{}}"; /* 5 values, 2 keys */
	pnr_json_limits limits = { 100, 7, 10 };
	pnr_error err = PNR_ERROR_INIT;
	pnr_json_fault fault = { 0 };
	assert_int_equal(scan(text, sizeof text - 1, &limits, NULL, NULL), PNR_OK);
	for (limits.tokens = 0; limits.tokens < 7; limits.tokens++)
		assert_int_equal(scan(text, sizeof text - 1, &limits, NULL, NULL), PNR_FULL);
	limits.tokens = 6;
	assert_int_equal(scan(text, sizeof text - 1, &limits, &fault, &err), PNR_FULL);
	assert_string_equal(err.message, "line 1, column 16: more than 6 values and keys");
	assert_string_equal(fault.pointer, "/b");
}

/* @depth brackets, every other an object's if @mixed. */
static void nest(pnr_buffer *text, unsigned depth, bool mixed)
{
	for (unsigned i = 0; i < depth; i++)
		pnr_buffer_puts(text, mixed && i % 2 == 1 ? "{\"k\":" : "[");
	if (mixed && depth % 2 == 0)
		pnr_buffer_putc(text, '1');
	for (unsigned i = depth; i-- > 0;)
		pnr_buffer_putc(text, mixed && i % 2 == 1 ? '}' : ']');
}

static void the_depth_limit_is_exact(void **state)
{
	(void)state;
	static const unsigned depths[] = { 0, 1, 2, 128, 511, 512 };
	for (size_t i = 0; i < PNR_COUNT(depths); i++) {
		for (int mixed = 0; mixed < 2; mixed++) {
			pnr_json_limits limits = { 1000000, 1000000, depths[i] };
			pnr_buffer text = PNR_BUFFER_INIT;
			pnr_error err = PNR_ERROR_INIT;
			nest(&text, depths[i], mixed);
			if (depths[i] == 0)
				pnr_buffer_puts(&text, "1");
			pnr_json_document *document = NULL;
			assert_int_equal(pnr_json_parse(text.data, text.length, &limits, &document, NULL, NULL),
			                 PNR_OK);
			pnr_json_free(document);
			pnr_buffer_clear(&text);
			nest(&text, depths[i] + 1, mixed);
			assert_int_equal(scan(text.data, text.length, &limits, NULL, &err), PNR_FULL);
			assert_contains(err.message, "nested deeper than");
			pnr_buffer_free(&text);
		}
	}
}

static void no_limit_goes_beyond_depth_512(void **state)
{
	(void)state;
	pnr_json_limits limits = { SIZE_MAX, SIZE_MAX, UINT32_MAX };
	pnr_buffer text = PNR_BUFFER_INIT;
	nest(&text, 513, false);
	assert_int_equal(scan(text.data, text.length, &limits, NULL, NULL), PNR_FULL);
	pnr_buffer_clear(&text);
	for (int i = 0; i < 1000000; i++)
		pnr_buffer_putc(&text, '[');
	assert_int_equal(scan(text.data, text.length, &limits, NULL, NULL), PNR_FULL);
	pnr_buffer_free(&text);
}

static void the_limits_of_config_and_manifest_are_as_documented(void **state)
{
	(void)state;
	assert_int_equal(pnr_json_config_limits.bytes, 16u << 20);
	assert_int_equal(pnr_json_config_limits.tokens, 2000000);
	assert_int_equal(pnr_json_config_limits.depth, 128);
	assert_int_equal(pnr_json_manifest_limits.bytes, 256u << 20);
	assert_int_equal(pnr_json_manifest_limits.tokens, 64000000);
	assert_int_equal(pnr_json_manifest_limits.depth, 160);
}

/* ------------------------------------------------------------- many keys -- */

enum { MANY = 100000 };

/* Keys that share a long start, and half of which need their escapes looked at. */
static void put_key(pnr_buffer *text, unsigned number)
{
	pnr_buffer_printf(text, number % 2 == 0 ? "\"assumptions/key-%06u\":0" : "\"\\u0061ssumptions/key-%06u\":0",
	                  number);
}

static void many_keys_of_one_object_are_not_quadratic(void **state)
{
	(void)state;
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_error err = PNR_ERROR_INIT;
	pnr_json_fault fault = { 0 };
	pnr_buffer_putc(&text, '{');
	for (unsigned i = 0; i < MANY; i++) {
		put_key(&text, i * 7919 % MANY);
		pnr_buffer_puts(&text, i + 1 < MANY ? ",\n" : "}");
	}
	assert_int_equal(scan(text.data, text.length, &wide, NULL, NULL), PNR_OK);
	/* The first key once more, in its other spelling. */
	text.length--;
	pnr_buffer_puts(&text, ",\n\"\\u0061\\u0073sumptions/key-000000\":0}");
	assert_int_equal(scan(text.data, text.length, &wide, &fault, &err), PNR_INVALID);
	assert_int_equal(fault.line, MANY + 1);
	assert_string_equal(fault.pointer, "/assumptions~1key-000000");
	assert_contains(err.message, "which is on line 1, column 2 already");
	pnr_buffer_free(&text);
}

static void many_objects_forget_their_keys(void **state)
{
	(void)state;
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_puts(&text, "{\"all\":[");
	for (unsigned i = 0; i < MANY; i++)
		pnr_buffer_puts(&text, i == 0 ? "{\"a\":1,\"b\":{\"a\":2}}" : ",{\"a\":1,\"b\":{\"a\":2}}");
	pnr_buffer_puts(&text, "],\"a\":1,\"b\":2}");
	assert_int_equal(scan(text.data, text.length, &wide, NULL, NULL), PNR_OK);
	pnr_buffer_free(&text);
}

/* -------------------------------------------------------------- visiting -- */

typedef struct visits {
	const char *text;
	pnr_buffer log;
	unsigned stop_at, count;
} visits;

static pnr_status write_visit(void *user, const pnr_json_event *event, pnr_error *err)
{
	visits *v = user;
	if (++v->count == v->stop_at)
		return pnr_fail(err, PNR_CANCELLED, "stopped");
	pnr_buffer_printf(&v->log, "%u", event->depth);
	for (unsigned i = 0; i < event->depth; i++)
		pnr_buffer_printf(&v->log, "/%zu", event->path[i]);
	if (event->depth > 0)
		assert_int_equal(event->index, event->path[event->depth - 1]);
	if (event->key.end > event->key.start)
		pnr_buffer_printf(&v->log, " %.*s", (int)(event->key.end - event->key.start),
		                  v->text + event->key.start);
	pnr_buffer_printf(&v->log, " %d %.*s\n", (int)event->type, (int)(event->span.end - event->span.start),
	                  v->text + event->span.start);
	return PNR_OK;
}

static void a_visitor_sees_children_then_their_parent(void **state)
{
	(void)state;
	visits v = { .text = " {\"a\" : [1, \"x\"],\"b\":{},\"c\":[true,{\"d\":null}] ,\"e\":false} " };
	assert_int_equal(pnr_json_scan(v.text, strlen(v.text), &wide, write_visit, &v, NULL, NULL), PNR_OK);
	assert_string_equal(v.log.data, "2/0/0 3 1\n"
	                                "2/0/1 4 \"x\"\n"
	                                "1/0 \"a\" 5 [1, \"x\"]\n"
	                                "1/1 \"b\" 6 {}\n"
	                                "2/2/0 2 true\n"
	                                "3/2/1/0 \"d\" 0 null\n"
	                                "2/2/1 6 {\"d\":null}\n"
	                                "1/2 \"c\" 5 [true,{\"d\":null}]\n"
	                                "1/3 \"e\" 1 false\n"
	                                "0 6 {\"a\" : [1, \"x\"],\"b\":{},\"c\":[true,{\"d\":null}] ,\"e\":false}\n");
	pnr_buffer_free(&v.log);
}

static void a_visitor_can_stop_at_any_value(void **state)
{
	(void)state;
	static const char text[] = "[1,{\"a\":[2]},3]";
	for (unsigned at = 1; at <= 6; at++) {
		visits v = { .text = text, .stop_at = at };
		pnr_error err = PNR_ERROR_INIT;
		assert_int_equal(pnr_json_scan(text, sizeof text - 1, &wide, write_visit, &v, NULL, &err),
		                 PNR_CANCELLED);
		assert_string_equal(err.message, "stopped");
		assert_int_equal(v.count, at);
		pnr_buffer_free(&v.log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_rfc_allows_is_accepted),
		cmocka_unit_test(what_it_does_not_is_refused_where_it_stands),
		cmocka_unit_test(a_failed_parse_leaves_the_output_alone),
		cmocka_unit_test(a_zero_byte_is_no_end),
		cmocka_unit_test(every_prefix_of_a_text_is_refused),
		cmocka_unit_test(an_earlier_cause_is_kept_but_the_fault_is_set),
		cmocka_unit_test(a_long_pointer_is_cut_and_marked),
		cmocka_unit_test(a_long_key_is_cut_in_the_message),
		cmocka_unit_test(the_size_limit_is_exact),
		cmocka_unit_test(the_token_limit_counts_values_and_keys),
		cmocka_unit_test(the_depth_limit_is_exact),
		cmocka_unit_test(no_limit_goes_beyond_depth_512),
		cmocka_unit_test(the_limits_of_config_and_manifest_are_as_documented),
		cmocka_unit_test(many_keys_of_one_object_are_not_quadratic),
		cmocka_unit_test(many_objects_forget_their_keys),
		cmocka_unit_test(a_visitor_sees_children_then_their_parent),
		cmocka_unit_test(a_visitor_can_stop_at_any_value),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
