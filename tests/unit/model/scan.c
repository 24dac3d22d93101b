/* References inside the model file that the config does not cover. */
#include "support.h"

static const char config_text[] =
	"{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"assumptions://mort:v2.1.0\",\"lapse\":\"assumptions://lapse\","
	"\"expenses\":\"e.csv\"}," VALID_SCENARIOS ",\"policies\":\"p\",\"pipeline\":{\"nodes\":[" NODE("a", "wasm://a") "]}}";

/* The references that scanning @text warns of, each followed by a space. */
static char *scan(const char *text, size_t length)
{
	pnr_issues *issues = NULL;
	pnr_config *config = NULL;
	pnr_validation *v = NULL;
	pnr_buffer held = PNR_BUFFER_INIT, found = PNR_BUFFER_INIT;
	assert_int_equal(pnr_issues_new(&issues, NULL), PNR_OK);
	assert_int_equal(pnr_config_parse(config_text, sizeof config_text - 1, issues, &config, NULL), PNR_OK);
	pnr_model_scan(text, length, &held);
	assert_false(held.failed);
	pnr_model_warn(config, held.data, issues);
	pnr_buffer_free(&held);
	assert_int_equal(pnr_issues_take(issues, &v, NULL), PNR_OK);
	assert_true(v->valid);
	for (size_t i = 0; i < v->warning_count; i++) {
		char name[512];
		if (sscanf(v->warnings[i].message, "Model refers to '%511[^']', which", name) == 1) {
			assert_string_equal(v->warnings[i].pointer, "/model");
			pnr_buffer_printf(&found, "%s ", name);
		}
	}
	pnr_validation_free(v);
	pnr_config_free(config);
	return pnr_buffer_steal(&found);
}

static void expect(const char *text, const char *expected)
{
	char *found = scan(text, strlen(text));
	assert_string_equal(found, expected);
	free(found);
}

static void a_reference_that_the_config_covers_is_silent(void **state)
{
	(void)state;
	expect("", "");
	expect("nothing here", "");
	expect("use assumptions://mort:v2.1.0, assumptions://lapse and assumptions://lapse:latest.", "");
}

static void one_that_it_does_not_cover_is_warned_of_once(void **state)
{
	(void)state;
	expect("assumptions://other assumptions://other:latest \"assumptions://other\"", "assumptions://other ");
	expect("assumptions://mort", "assumptions://mort ");
	expect("assumptions://mort:v2.1.1 assumptions://mort:v2.1", "assumptions://mort:v2.1.1 assumptions://mort:v2.1 ");
	expect("assumptions://lapse:draft", "assumptions://lapse:draft ");
}

static void text_around_a_reference_does_not_matter(void **state)
{
	(void)state;
	expect("(assumptions://x:v1.0).", "assumptions://x:v1.0 ");
	expect("see assumptions://x:v1. Next", "assumptions://x:v1 ");
	expect("assumptions://x: and more", "assumptions://x ");
	expect("assumptions://x:soon", "assumptions://x ");
	expect("assumptions:// assumptions://: assumptions:/x myassumptions://x", "");
	expect("assumptions://assumptions://y", "assumptions://assumptions assumptions://y ");
}

/* Longer than a reference is kept: it is covered by nothing, however it is cut. */
static void a_reference_that_is_cut_is_warned_of(void **state)
{
	(void)state;
	char name[300];
	pnr_buffer text = PNR_BUFFER_INIT, expected = PNR_BUFFER_INIT;
	memset(name, 'n', sizeof name);
	name[237] = '\0'; /* with the scheme and ":1-." to the last byte that is kept */
	pnr_buffer_printf(&text, "assumptions://%s:1-.aaa assumptions://%s", name, name);
	pnr_buffer_printf(&expected, "assumptions://%s:1-. assumptions://%s ", name, name);
	expect(text.data, expected.data);
	pnr_buffer_free(&text);
	pnr_buffer_free(&expected);
}

static void any_bytes_may_be_scanned(void **state)
{
	static const char binary[] = "\0\xff\xfe" "assumptions://b\0assumptions://c\xff\0\0assumptions://d:v1";
	(void)state;
	char *found = scan(binary, sizeof binary - 1);
	assert_string_equal(found, "assumptions://b assumptions://c assumptions://d:v1 ");
	free(found);
	for (size_t cut = 0; cut < sizeof binary; cut++) {
		/* Exactly as long as it says, so that a read beyond is seen. */
		char *copy = malloc(cut + (cut == 0));
		assert_non_null(copy);
		memcpy(copy, binary + sizeof binary - 1 - cut, cut);
		free(scan(copy, cut));
		memcpy(copy, binary, cut);
		free(scan(copy, cut));
		free(copy);
	}
	free(scan(NULL, 0));
}

static void at_most_twenty_are_listed(void **state)
{
	(void)state;
	pnr_buffer text = PNR_BUFFER_INIT;
	/* Those that the config covers, before the others, take no place of theirs. */
	pnr_buffer_puts(&text, "assumptions://mort:v2.1.0 assumptions://lapse assumptions://lapse:latest\n");
	for (unsigned i = 0; i < 1000; i++)
		pnr_buffer_printf(&text, "assumptions://n%u\n", i);
	char *found = scan(text.data, text.length);
	size_t count = 0;
	for (const char *c = found; *c != '\0'; c++)
		count += *c == ' ';
	assert_int_equal(count, 20);
	free(found);
	pnr_buffer_free(&text);
}

static void what_was_found_may_be_anything(void **state)
{
	static const char *const texts[] = { "", "\n", "\n\n", "assumptions://", "assumptions://\n", "assumption\n",
		                             "assumptions://x", "x assumptions://x\n", "local://x\n" };
	(void)state;
	pnr_issues *issues = NULL;
	pnr_config *config = NULL;
	pnr_validation *v = NULL;
	assert_int_equal(pnr_issues_new(&issues, NULL), PNR_OK);
	assert_int_equal(pnr_config_parse(config_text, sizeof config_text - 1, issues, &config, NULL), PNR_OK);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		char *copy = strdup(texts[i]); /* exactly as long as it is, so that a read beyond is seen */
		assert_non_null(copy);
		pnr_model_warn(config, copy, issues);
		free(copy);
	}
	assert_int_equal(pnr_issues_take(issues, &v, NULL), PNR_OK);
	for (size_t i = 0; i < v->warning_count; i++)
		assert_null(strstr(v->warnings[i].message, "Model refers"));
	pnr_validation_free(v);
	pnr_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_that_the_config_covers_is_silent),
		cmocka_unit_test(one_that_it_does_not_cover_is_warned_of_once),
		cmocka_unit_test(text_around_a_reference_does_not_matter),
		cmocka_unit_test(a_reference_that_is_cut_is_warned_of),
		cmocka_unit_test(any_bytes_may_be_scanned),
		cmocka_unit_test(at_most_twenty_are_listed),
		cmocka_unit_test(what_was_found_may_be_anything),
	};
	return cmocka_run_group_tests_name("model/scan", tests, NULL, NULL);
}
