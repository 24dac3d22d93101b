/* A list of issues: its warnings can be kept as a text, and come back as they were. */
#include "support.h"

static pnr_issues *new_issues(void)
{
	pnr_issues *issues = NULL;
	assert_int_equal(pnr_issues_new(&issues, NULL), PNR_OK);
	return issues;
}

static pnr_validation *take(pnr_issues *issues)
{
	pnr_validation *validation = NULL;
	assert_int_equal(pnr_issues_take(issues, &validation, NULL), PNR_OK);
	return validation;
}

static void warnings_come_back_as_they_were(void **state)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_json_document *document = NULL;
	static const pnr_json_limits limits = { .bytes = 100, .depth = 10, .tokens = 100 };
	pnr_json_fault fault;
	static const char json[] = "{\n  \"a\":\n    [1, 2]\n}";
	(void)state;
	assert_int_equal(pnr_json_parse(json, strlen(json), &limits, &document, &fault, NULL), PNR_OK);
	pnr_issues *first = new_issues(), *second = new_issues();
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(pnr_json_root(document), "a");
	pnr_issues_warning(first, document, item, "/a", "plain %d", 1);
	pnr_issues_warning(first, NULL, NULL, "", "%s", "");
	pnr_issues_warning(first, NULL, NULL, "/t\tab\n", "tab\tline\nbell\a \xff \xc3\xa9");
	assert_true(pnr_issues_save(first, &text));
	assert_int_equal(pnr_issues_load(second, text.data, NULL), PNR_OK);
	pnr_validation *a = take(first), *b = take(second);
	assert_int_equal(a->warning_count, 3);
	assert_int_equal(b->warning_count, 3);
	assert_int_equal(a->warnings[0].line, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(a->warnings[i].message, b->warnings[i].message);
		assert_string_equal(a->warnings[i].pointer, b->warnings[i].pointer);
		assert_int_equal(a->warnings[i].line, b->warnings[i].line);
		assert_int_equal(a->warnings[i].column, b->warnings[i].column);
	}
	pnr_validation_free(a);
	pnr_validation_free(b);
	pnr_json_free(document);
}

static void what_is_not_all_says_so(void **state)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	char long_text[4000];
	(void)state;
	memset(long_text, 'x', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	pnr_issues *issues = new_issues();
	bool all = true;
	for (unsigned i = 0; i < 20000 && all; i++) {
		pnr_issues_warning(issues, NULL, NULL, "", "%s", long_text);
		if (i % 1000 == 999) {
			pnr_buffer_clear(&text);
			all = pnr_issues_save(issues, &text);
		}
	}
	assert_false(all);
	pnr_issues_free(issues);
}

/* A cache is no authority: any text ends in some list of warnings. */
static void any_text_can_be_loaded(void **state)
{
	static const char *const texts[] = { "", "\n", "\n\n", "x", "1", "1\t", "1\t2", "1\t2\t", "1\t2\t/p", "1\t2\t/p\t",
		                             "1\t2\t/p\tm", "1\t2\t/p\n3\t4\t/q\tm\n", "\t\t\t\t\t\n", "99999999999999999999\t-1\t\t\n",
		                             "0\t0\t\t\x1b[2J\r\xff\n" };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(texts); i++) {
		pnr_issues *issues = new_issues();
		assert_int_equal(pnr_issues_load(issues, texts[i], NULL), PNR_OK);
		assert_true(pnr_issues_valid(issues));
		pnr_validation *validation = take(issues);
		for (size_t j = 0; j < validation->warning_count; j++)
			assert_null(strpbrk(validation->warnings[j].message, "\x1b\r\xff"));
		pnr_validation_free(validation);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warnings_come_back_as_they_were),
		cmocka_unit_test(what_is_not_all_says_so),
		cmocka_unit_test(any_text_can_be_loaded),
	};
	return cmocka_run_group_tests_name("model/issues", tests, NULL, NULL);
}
