/* JSON as trees: the place of everything, tokens kept, the same tree as cJSON's; and what is written reads back. */
#include "support.h"
#include "base/json.h"
#include <locale.h>

static const pnr_json_limits wide = { (size_t)64 << 20, 10000000, 512 };

/* ------------------------------------------------------------- documents -- */

static pnr_json_document *parse(const char *text)
{
	pnr_json_document *document = NULL;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_json_parse(text, strlen(text), &wide, &document, NULL, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return document;
}

static void assert_span(const pnr_json_document *document, const char *text, const cJSON *item, const char *expected)
{
	pnr_json_span span = pnr_json_span_of(document, item);
	assert_int_equal(span.end - span.start, strlen(expected));
	assert_memory_equal(text + span.start, expected, strlen(expected));
}

static void every_item_is_found_in_the_text(void **state)
{
	(void)state;
	static const char text[] = "{ \"a\": [1.50, \"x\\n\"],\n \"seed\": 12345678901234567890, \"n\": { } }";
	pnr_json_document *document = parse(text);
	const cJSON *root = pnr_json_root(document);
	const cJSON *a = cJSON_GetObjectItemCaseSensitive(root, "a");
	assert_span(document, text, root, text);
	assert_span(document, text, a, "[1.50, \"x\\n\"]");
	assert_span(document, text, cJSON_GetArrayItem(a, 0), "1.50");
	assert_span(document, text, cJSON_GetArrayItem(a, 1), "\"x\\n\"");
	assert_span(document, text, cJSON_GetObjectItemCaseSensitive(root, "seed"), "12345678901234567890");
	assert_span(document, text, cJSON_GetObjectItemCaseSensitive(root, "n"), "{ }");
	assert_string_equal(cJSON_GetArrayItem(a, 1)->valuestring, "x\n");
	cJSON foreign = { 0 };
	pnr_json_span none = pnr_json_span_of(document, &foreign);
	assert_true(none.start == 0 && none.end == 0);
	unsigned line, column;
	pnr_json_position(document, pnr_json_span_of(document, cJSON_GetObjectItemCaseSensitive(root, "seed")).start,
	                  &line, &column);
	assert_int_equal(line, 2);
	assert_int_equal(column, 10);
	pnr_json_free(document);
	pnr_json_free(NULL);
}

static void check_positions(const pnr_buffer *text)
{
	pnr_json_document *document = parse(text->data);
	unsigned line = 1, column = 1, have_line, have_column;
	for (size_t i = 0; i <= text->length; i++) {
		pnr_json_position(document, i, &have_line, &have_column);
		if (have_line != line || have_column != column)
			fail_msg("offset %zu: %u:%u, not %u:%u", i, have_line, have_column, line, column);
		column++;
		if (i < text->length && text->data[i] == '\n') {
			line++;
			column = 1;
		}
	}
	pnr_json_position(document, SIZE_MAX, &have_line, &have_column);
	assert_int_equal(have_line, line);
	pnr_json_free(document);
}

static void positions_agree_with_counting(void **state)
{
	(void)state;
	pnr_buffer text = PNR_BUFFER_INIT;
	uint64_t seed = 3;
	pnr_buffer_putc(&text, '[');
	while (text.length < 20000) {
		for (uint64_t spaces = next_random(&seed) % 3 == 0 ? 0 : next_random(&seed) % 9000; spaces-- > 0;)
			pnr_buffer_putc(&text, next_random(&seed) % 50 == 0 ? '\n' : ' ');
		pnr_buffer_puts(&text, "1,");
	}
	pnr_buffer_puts(&text, "1]");
	check_positions(&text);
	/* Lines that end at any place, those where the counting stops and goes on included. */
	pnr_buffer_clear(&text);
	for (int i = 0; i < 9000; i++)
		pnr_buffer_putc(&text, '\n');
	pnr_buffer_putc(&text, '1');
	check_positions(&text);
	pnr_buffer_free(&text);
}

static void numbers_have_their_values_in_any_locale(void **state)
{
	(void)state;
	static const char text[] = "[1.5, -2.25e1, 0.1, 1e400, 18014398509481993, 1"
				   "00000000000000000000000000000000000000000000000000000000000000000000000000000, "
				   "0.00000000000000000000000000000000000000000000000000000000000000000000000025]";
	static const double values[] = { 1.5, -22.5, 0.1, 0, 18014398509481993.0, 1e77, 2.5e-73 };
	const char *before = setlocale(LC_NUMERIC, NULL);
	char saved[64];
	snprintf(saved, sizeof saved, "%s", before);
	/* With a decimal comma, if the system has such a locale. */
	if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL)
		(void)setlocale(LC_NUMERIC, "fr_FR.UTF-8");
	pnr_json_document *document = parse(text);
	setlocale(LC_NUMERIC, saved);
	const cJSON *item = pnr_json_root(document)->child;
	for (size_t i = 0; i < PNR_COUNT(values); i++, item = item->next) {
		assert_true(cJSON_IsNumber(item));
		if (i == 3)
			assert_true(item->valuedouble > 1e308);
		else if (item->valuedouble != values[i])
			fail_msg("number %zu: %.17g", i, item->valuedouble);
	}
	assert_null(item);
	pnr_json_free(document);
}

static void assert_same_tree(const cJSON *a, const cJSON *b)
{
	assert_int_equal(a->type & 0xff, b->type & 0xff);
	if (cJSON_IsNumber(a))
		assert_true(a->valuedouble == b->valuedouble);
	if (cJSON_IsString(a))
		assert_string_equal(a->valuestring, b->valuestring);
	const cJSON *child = a->child, *other = b->child, *last = NULL;
	for (; child != NULL && other != NULL; last = child, child = child->next, other = other->next) {
		assert_int_equal(child->string == NULL, other->string == NULL);
		if (child->string != NULL)
			assert_string_equal(child->string, other->string);
		if (last != NULL)
			assert_ptr_equal(child->prev, last);
		assert_same_tree(child, other);
	}
	assert_true(child == NULL && other == NULL);
	if (a->child != NULL)
		assert_ptr_equal(a->child->prev, last);
}

/* What we accept, cJSON parses, to the same tree. */
static bool agrees_with_cjson(const char *text, size_t length)
{
	pnr_json_document *document = NULL;
	char *copy = exact(text, length);
	bool accepted = pnr_json_parse(copy, length, &wide, &document, NULL, NULL) == PNR_OK;
	if (accepted) {
		cJSON *other = cJSON_ParseWithLength(copy, length);
		if (other == NULL)
			fail_msg("cJSON refuses %.*s", (int)length, text);
		assert_same_tree(pnr_json_root(document), other);
		cJSON_Delete(other);
	}
	pnr_json_free(document);
	free(copy);
	return accepted;
}

/* ------------------------------------------------- texts made by chance -- */

static void put_space(pnr_buffer *out, uint64_t *seed)
{
	for (uint64_t n = next_random(seed) % 4; n > 2; n = next_random(seed) % 4)
		pnr_buffer_putc(out, " \n\r\t"[next_random(seed) % 4]);
}

static void put_string(pnr_buffer *out, uint64_t *seed, unsigned unique)
{
	static const char *const parts[] = {
		"a", "B", " ", "/", "\\/", "\\n", "\\\"", "\\\\", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "{", "]", ",", ":", "\\b\\f\\r\\t", "\x7f", "'",
	};
	pnr_buffer_printf(out, "\"%u", unique);
	for (uint64_t n = next_random(seed) % 6; n > 0; n--)
		pnr_buffer_puts(out, parts[next_random(seed) % PNR_COUNT(parts)]);
	pnr_buffer_putc(out, '"');
}

static void put_number(pnr_buffer *out, uint64_t *seed)
{
	static const char *const numbers[] = {
		"0", "-0", "1", "-17", "3.25", "0.001", "1e3", "2E-2", "-1.5e+10", "12345678901234567890", "1.10",
	};
	pnr_buffer_puts(out, numbers[next_random(seed) % PNR_COUNT(numbers)]);
}

static void put_value(pnr_buffer *out, uint64_t *seed, unsigned depth)
{
	static const char *const literals[] = { "null", "true", "false" };
	uint64_t kind = next_random(seed) % (depth < 6 ? 10 : 6);
	put_space(out, seed);
	if (kind < 2) {
		pnr_buffer_puts(out, literals[next_random(seed) % 3]);
	} else if (kind < 4) {
		put_number(out, seed);
	} else if (kind < 6) {
		put_string(out, seed, 0);
	} else {
		bool object = kind < 8;
		unsigned count = (unsigned)(next_random(seed) % 5);
		pnr_buffer_putc(out, object ? '{' : '[');
		for (unsigned i = 0; i < count; i++) {
			if (i > 0)
				pnr_buffer_putc(out, ',');
			put_space(out, seed);
			if (object) {
				put_string(out, seed, i);
				put_space(out, seed);
				pnr_buffer_putc(out, ':');
			}
			put_value(out, seed, depth + 1);
		}
		put_space(out, seed);
		pnr_buffer_putc(out, object ? '}' : ']');
	}
	put_space(out, seed);
}

static void random_texts_give_the_same_tree_as_cjson(void **state)
{
	(void)state;
	uint64_t seed = 42;
	for (int round = 0; round < 3000; round++) {
		pnr_buffer text = PNR_BUFFER_INIT;
		put_value(&text, &seed, 0);
		if (!agrees_with_cjson(text.data, text.length))
			fail_msg("refused: %s", text.data);
		pnr_buffer_free(&text);
	}
}

static void damaged_texts_are_refused_or_give_the_same_tree_as_cjson(void **state)
{
	(void)state;
	static const char bytes[] = "{}[]\",:\\0123456789-+.eEtrufalsn \n\t\x01\x80\xc3\xed\xff/'#";
	uint64_t seed = 43;
	unsigned accepted = 0, refused = 0;
	for (int round = 0; round < 1500; round++) {
		pnr_buffer text = PNR_BUFFER_INIT;
		put_value(&text, &seed, 0);
		for (int damage = 0; damage < 6; damage++) {
			size_t at = next_random(&seed) % text.length;
			char before = text.data[at];
			text.data[at] = bytes[next_random(&seed) % sizeof bytes];
			if (agrees_with_cjson(text.data, text.length))
				accepted++;
			else
				refused++;
			text.data[at] = before;
		}
		pnr_buffer_free(&text);
	}
	assert_true(accepted > 100 && refused > 1000);
}

/* --------------------------------------------------------------- writing -- */

static void quoting_escapes_what_must_be_and_nothing_else(void **state)
{
	(void)state;
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_json_quote(&out, "", 0);
	assert_string_equal(out.data, "\"\"");
	pnr_buffer_clear(&out);
	static const char text[] = "a\"b\\c/d\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80'";
	pnr_json_quote(&out, text, sizeof text - 1);
	assert_string_equal(out.data, "\"a\\\"b\\\\c/d\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xf0\x9f\x98\x80'\"");
	pnr_buffer_free(&out);
}

static void what_is_no_utf8_is_quoted_as_the_replacement_character(void **state)
{
	(void)state;
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_json_quote(&out, "l\xe4te\xc3", 5);
	assert_string_equal(out.data, "\"l\\ufffdte\\ufffd\"");
	pnr_buffer_free(&out);
}

static void what_was_quoted_reads_back(void **state)
{
	(void)state;
	for (int c = 1; c < 0x80; c++) {
		char text[4] = { 'x', (char)c, 'y', '\0' };
		pnr_buffer out = PNR_BUFFER_INIT;
		pnr_json_quote(&out, text, 3);
		pnr_json_document *document = parse(out.data);
		assert_string_equal(pnr_json_root(document)->valuestring, text);
		pnr_json_free(document);
		pnr_buffer_free(&out);
	}
}

static void assert_reindented(const char *text, unsigned level, const char *expected)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_json_reindent(&out, text, (pnr_json_span){ 0, strlen(text) }, level);
	assert_string_equal(out.data, expected);
	pnr_buffer_free(&out);
}

/* The expected texts are what JSON.stringify(x, null, 2) prints, numbers and escapes apart. */
static void reindenting_has_the_shape_of_stringify(void **state)
{
	(void)state;
	assert_reindented("1", 0, "1");
	assert_reindented("  \"a\\u0062\" ", 3, "\"a\\u0062\"");
	assert_reindented("[ \n ]", 0, "[]");
	assert_reindented("{\t}", 5, "{}");
	assert_reindented("[1,2.50,-0,1E5]", 0, "[\n  1,\n  2.50,\n  -0,\n  1E5\n]");
	assert_reindented("[[]]", 0, "[\n  []\n]");
	assert_reindented("[{},[[]]]", 0, "[\n  {},\n  [\n    []\n  ]\n]");
	assert_reindented("{\"a\":1,\"b\":[true,null],\"c\":{\"d\":\"x\"}}", 0,
	                  "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null\n  ],\n  \"c\": {\n    \"d\": \"x\"\n  }\n}");
	assert_reindented("{\"a\" : [ { \"b\" : 12345678901234567890 } ] }", 1,
	                  "{\n    \"a\": [\n      {\n        \"b\": 12345678901234567890\n      }\n    ]\n  }");
	assert_reindented("[\"a,b:c{d}e[f]\\\"g \\\\\",\" \"]", 0, "[\n  \"a,b:c{d}e[f]\\\"g \\\\\",\n  \" \"\n]");
}

static void a_part_of_a_text_can_be_reindented(void **state)
{
	(void)state;
	static const char text[] = "{\"config\":{\"seed\":1.0e+2,\"k\":[]},\"z\":0}";
	pnr_json_document *document = parse(text);
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_json_span span =
		pnr_json_span_of(document, cJSON_GetObjectItemCaseSensitive(pnr_json_root(document), "config"));
	pnr_buffer_puts(&out, "  \"config\": ");
	pnr_json_reindent(&out, text, span, 1);
	assert_string_equal(out.data, "  \"config\": {\n    \"seed\": 1.0e+2,\n    \"k\": []\n  }");
	pnr_buffer_free(&out);
	pnr_json_free(document);
}

/* A text without the white space between its tokens. */
static void squeeze(const char *text, size_t length, pnr_buffer *out)
{
	bool in_string = false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (!in_string && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
			continue;
		pnr_buffer_putc(out, c);
		if (in_string && c == '\\')
			pnr_buffer_putc(out, text[++i]);
		else if (c == '"')
			in_string = !in_string;
	}
}

static void reindenting_changes_white_space_only_and_once(void **state)
{
	(void)state;
	uint64_t seed = 44;
	for (int round = 0; round < 1000; round++) {
		pnr_buffer text = PNR_BUFFER_INIT, once = PNR_BUFFER_INIT, twice = PNR_BUFFER_INIT;
		pnr_buffer bare = PNR_BUFFER_INIT, bare_once = PNR_BUFFER_INIT;
		put_value(&text, &seed, 0);
		pnr_json_reindent(&once, text.data, (pnr_json_span){ 0, text.length }, 0);
		pnr_json_reindent(&twice, once.data, (pnr_json_span){ 0, once.length }, 0);
		assert_string_equal(twice.data, once.data);
		squeeze(text.data, text.length, &bare);
		squeeze(once.data, once.length, &bare_once);
		assert_string_equal(bare_once.data, bare.data);
		pnr_buffer *const all[] = { &text, &once, &twice, &bare, &bare_once };
		for (size_t i = 0; i < PNR_COUNT(all); i++)
			pnr_buffer_free(all[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_item_is_found_in_the_text),
		cmocka_unit_test(positions_agree_with_counting),
		cmocka_unit_test(numbers_have_their_values_in_any_locale),
		cmocka_unit_test(random_texts_give_the_same_tree_as_cjson),
		cmocka_unit_test(damaged_texts_are_refused_or_give_the_same_tree_as_cjson),
		cmocka_unit_test(quoting_escapes_what_must_be_and_nothing_else),
		cmocka_unit_test(what_is_no_utf8_is_quoted_as_the_replacement_character),
		cmocka_unit_test(what_was_quoted_reads_back),
		cmocka_unit_test(reindenting_has_the_shape_of_stringify),
		cmocka_unit_test(a_part_of_a_text_can_be_reindented),
		cmocka_unit_test(reindenting_changes_white_space_only_and_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
