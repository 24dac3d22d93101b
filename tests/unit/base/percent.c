/* Percent encoding, with what is none. */
#include "support.h"
#include "base/percent.h"

static void what_is_encoded_is_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool plus;
		const char *decoded; /* NULL: refused */
	} cases[] = {
		{ "", false, "" },
		{ "a/b", false, "a/b" },
		{ "%41%2f%2F%ff+", false, "A//\xff+" },
		{ "a+b%2B", true, "a b+" },
		{ "%25%32%35", false, "%25" },
		{ "%01%10%0a", false, "\x01\x10\n" },
		{ "%", false, NULL },
		{ "a%4", false, NULL },
		{ "%4g", false, NULL },
		{ "%g4", false, NULL },
		{ "%+4", true, NULL },
		{ "%%41", false, NULL },
		{ "a%00b", false, NULL },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		char *text = strdup(cases[i].text);
		assert_non_null(text);
		assert_int_equal(pnr_percent_decode(text, cases[i].plus), cases[i].decoded != NULL);
		if (cases[i].decoded != NULL)
			assert_string_equal(text, cases[i].decoded);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_is_decoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
