/* JSON documents: how texts are quoted, and where a long document waits until it is printed. */
#include "../base/support.h"
#include "cli/json.h"
#include "cli/text.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define LONG 40000 /* values that do not stay in memory */

/* What is printed; NULL if nothing can be. */
static char *printed(cli_json *json)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	assert_non_null(out);
	bool whole = cli_json_print(json, out);
	assert_int_equal(fclose(out), 0);
	assert_true(whole || length == 0);
	if (whole)
		return text;
	free(text);
	return NULL;
}

static void assert_document(cli_json *json, const char *expected)
{
	char *text = printed(json);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	cli_json_free(json);
}

/* ------------------------------------------------------------- quoting -- */

/* One character after the other. */
static void quote_slowly(const char *text, char *out)
{
	out += sprintf(out, "\"");
	for (size_t left = strlen(text), step; left > 0; text += step, left -= step) {
		uint32_t code = 0;
		step = cli_utf8_next(text, left, &code);
		if (step == 0)
			out += sprintf(out, "\\ufffd");
		else if (code == '"' || code == '\\')
			out += sprintf(out, "\\%c", (int)code);
		else if (cli_unprintable(code))
			out += sprintf(out, "\\u%04x", (unsigned)code);
		else
			out += sprintf(out, "%.*s", (int)step, text);
		step += step == 0;
	}
	(void)sprintf(out, "\"");
}

static void check_quoted(const char *text)
{
	char expected[1024];
	cli_json json = { .text = NULL };
	quote_slowly(text, expected);
	cli_json_begin(&json, 0);
	cli_json_text(&json, NULL, text);
	assert_document(&json, expected);
}

static void every_byte_is_quoted_at_every_place(void **state)
{
	(void)state;
	for (unsigned byte = 1; byte < 256; byte++) {
		for (size_t at = 0; at < 20; at++) {
			char text[] = "abcdefghij~ !#[]klmn";
			text[at] = (char)byte;
			check_quoted(text);
			check_quoted(text + at);
		}
	}
}

static void texts_of_any_kind_are_quoted(void **state)
{
	(void)state;
	static const char *const parts[] = { "a", "0123456789abcdef", "\"", "\\", "\n", "\x7f", "\xc3\xa4", "\xc2\x9b",
		                             "\xe2\x80\xae", "\xf0\x9f\x98\x80", "\xff", "\xe2\x80", "\xed\xa0\x80" };
	uint64_t seed = 1;
	check_quoted("");
	for (int i = 0; i < 20000; i++) {
		char text[256] = "";
		for (uint64_t left = next_random(&seed) % 12; left > 0; left--)
			strcat(text, parts[next_random(&seed) % (sizeof parts / sizeof parts[0])]);
		check_quoted(text);
	}
}

static void what_has_no_text_is_null_and_numbers_are_whole(void **state)
{
	(void)state;
	cli_json json = { .text = NULL };
	cli_json_begin(&json, 0);
	cli_json_open(&json, NULL, '{');
	cli_json_text(&json, "a", NULL);
	cli_json_number(&json, "b", UINT64_MAX);
	cli_json_seconds(&json, "c", 1.0625);
	cli_json_bool(&json, "d", false);
	cli_json_open(&json, "e", '[');
	cli_json_close(&json, ']');
	cli_json_raw(&json, "f", "{\n\"x\": \"\xff\"\n}\n", 13);
	cli_json_close(&json, '}');
	assert_document(&json, "{\n  \"a\": null,\n  \"b\": 18446744073709551615,\n  \"c\": 1.062,\n  \"d\": false,\n"
	                       "  \"e\": [],\n  \"f\": {\n  \"x\": \"\\ufffd\"\n  }\n}");
}

/* ------------------------------------------------------ long documents -- */

static void put_values(cli_json *json, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cli_json_open(json, NULL, '{');
		cli_json_number(json, "number", i);
		cli_json_text(json, "text", "some text that takes its place");
		cli_json_close(json, '}');
	}
}

static void begin_list(cli_json *json)
{
	cli_json_begin(json, 0);
	cli_json_open(json, NULL, '{');
	cli_json_open(json, "list", '[');
}

static void end_list(cli_json *json)
{
	cli_json_close(json, ']');
	cli_json_close(json, '}');
}

static char *expected_list(size_t count)
{
	char *text = malloc(count * 100 + 100);
	assert_non_null(text);
	size_t length = (size_t)sprintf(text, "{\n  \"list\": [");
	for (size_t i = 0; i < count; i++)
		length += (size_t)sprintf(text + length, "%s\n    {\n      \"number\": %zu,\n      \"text\": "
		                          "\"some text that takes its place\"\n    }", i == 0 ? "" : ",", i);
	(void)sprintf(text + length, count == 0 ? "]\n}" : "\n  ]\n}");
	return text;
}

static void a_document_of_any_length_is_printed_whole_and_again(void **state)
{
	(void)state;
	cli_json json = { .text = NULL };
	for (size_t count = 1; count <= LONG; count *= count < 8 ? 8 : count < 4000 ? 500 : 10) {
		char *expected = expected_list(count);
		begin_list(&json);
		put_values(&json, count);
		end_list(&json);
		char *first = printed(&json);
		assert_non_null(first);
		assert_string_equal(first, expected);
		free(first);
		if (json.spilled > 0)
			assert_document(&json, expected);
		free(expected);
	}
	begin_list(&json);
	put_values(&json, LONG);
	assert_true(json.spilled > 0);
	cli_json_free(&json);
	assert_null(printed(&json));
}

static void a_text_longer_than_the_memory_is_printed_whole(void **state)
{
	(void)state;
	size_t length = 5u << 20;
	char *text = malloc(length + 3);
	assert_non_null(text);
	memset(text, 'x', length + 2);
	text[0] = text[length + 1] = '"';
	text[length + 2] = '\0';
	cli_json json = { .text = NULL };
	cli_json_begin(&json, 0);
	cli_json_raw(&json, NULL, text, length + 2);
	assert_document(&json, text);
	free(text);
}

static void without_a_place_for_files_memory_has_to_do(void **state)
{
	(void)state;
	cli_json json = { .text = NULL };
	char *expected = expected_list(LONG);
	(void)setenv("TMPDIR", "/nowhere", 1);
	begin_list(&json);
	put_values(&json, LONG);
	end_list(&json);
	(void)unsetenv("TMPDIR");
	assert_int_equal(json.spilled, 0);
	assert_document(&json, expected);
	free(expected);
}

/* With no room at all, and with room for the beginning. */
static void on_a_full_disk_memory_has_to_do(void **state)
{
	(void)state;
	struct rlimit before, small;
	char *expected = expected_list(LONG);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	(void)signal(SIGXFSZ, SIG_IGN);
	for (unsigned room = 0; room < 2; room++) {
		cli_json json = { .text = NULL };
		begin_list(&json);
		small.rlim_cur = room == 0 ? 100000 : 1500000;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
		put_values(&json, LONG);
		end_list(&json);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		assert_int_equal(json.spilled > 0, room);
		assert_true(json.spilled <= small.rlim_cur);
		assert_document(&json, expected);
	}
	free(expected);
}

static void a_file_that_cannot_be_read_is_no_document(void **state)
{
	(void)state;
	cli_json json = { .text = NULL };
	begin_list(&json);
	put_values(&json, LONG);
	end_list(&json);
	assert_true(json.spilled > 0);
	assert_int_equal(ftruncate(json.fd, 0), 0);
	assert_null(printed(&json));
	assert_int_equal(json.reason, EIO);
	cli_json_free(&json);
}

/* --------------------------------------------------------------- parts -- */

static void check_part(size_t count)
{
	cli_json json = { .text = NULL }, part = { .text = NULL };
	char *expected = expected_list(count);
	cli_json_begin(&part, 2);
	put_values(&part, count);
	begin_list(&json);
	cli_json_append(&json, &part);
	end_list(&json);
	cli_json_free(&part);
	assert_document(&json, expected);
	free(expected);
}

static void a_part_stands_where_it_would_have_been_written(void **state)
{
	(void)state;
	check_part(0);
	check_part(1);
	check_part(100);
	check_part(LONG);
}

static void without_its_part_a_document_is_not_whole(void **state)
{
	(void)state;
	cli_json json = { .text = NULL }, part = { .text = NULL };
	cli_json_begin(&part, 2);
	put_values(&part, LONG);
	assert_true(part.spilled > 0);
	assert_int_equal(ftruncate(part.fd, 0), 0);
	begin_list(&json);
	cli_json_append(&json, &part);
	end_list(&json);
	assert_null(printed(&json));
	assert_int_equal(json.reason, EIO);
	cli_json_free(&part);
	cli_json_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_quoted_at_every_place),
		cmocka_unit_test(texts_of_any_kind_are_quoted),
		cmocka_unit_test(what_has_no_text_is_null_and_numbers_are_whole),
		cmocka_unit_test(a_document_of_any_length_is_printed_whole_and_again),
		cmocka_unit_test(a_text_longer_than_the_memory_is_printed_whole),
		cmocka_unit_test(without_a_place_for_files_memory_has_to_do),
		cmocka_unit_test(on_a_full_disk_memory_has_to_do),
		cmocka_unit_test(a_file_that_cannot_be_read_is_no_document),
		cmocka_unit_test(a_part_stands_where_it_would_have_been_written),
		cmocka_unit_test(without_its_part_a_document_is_not_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
