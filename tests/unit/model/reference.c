/* What a reference means. */
#include "support.h"

static pnr_reference parse(const char *text)
{
	pnr_reference reference;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_reference_parse(text, &reference, &err) != PNR_OK)
		fail_msg("'%s': %s", text, err.message);
	return reference;
}

static void a_bare_path_is_a_file_as_it_stands(void **state)
{
	static const char *const paths[] = {
		"a.csv", "/abs/a.csv", "../a.csv", "~/a.csv", "$HOME/a.csv", " a.csv ", "a%20b.csv", "a:b", "C:\\x", "a//b",
		"localhost", "local:/x", "x y://z", "1://x", "://x", "-a",
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(paths); i++) {
		pnr_reference reference = parse(paths[i]);
		assert_int_equal(reference.kind, PNR_REFERENCE_FILE);
		assert_string_equal(reference.path, paths[i]);
	}
}

static void one_local_prefix_is_removed_and_nothing_is_decoded(void **state)
{
	static const struct { const char *text, *path; } cases[] = {
		{ "local://a.csv", "a.csv" },
		{ "local:///abs/a.csv", "/abs/a.csv" },
		{ "local://../a.csv", "../a.csv" },
		{ "local://a%20b.csv", "a%20b.csv" },
		{ "local://local://a.csv", "local://a.csv" },
		{ "local://https://a.csv", "https://a.csv" },
		{ "local://~/$X ", "~/$X " },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_reference reference = parse(cases[i].text);
		assert_int_equal(reference.kind, PNR_REFERENCE_FILE);
		assert_string_equal(reference.path, cases[i].path);
	}
}

static void an_assumption_has_a_name_and_a_version(void **state)
{
	static const struct { const char *text, *name, *version; bool mutable_version; } cases[] = {
		{ "assumptions://m", "m", "latest", true },
		{ "assumptions://m:latest", "m", "latest", true },
		{ "assumptions://m:draft", "m", "draft", true },
		{ "assumptions://Mort_2024-a:v2.1.0", "Mort_2024-a", "v2.1.0", false },
		{ "assumptions://9:2", "9", "2", false },
		{ "assumptions://-_:v10", "-_", "v10", false },
		{ "assumptions://m:v1.0.0-rc.1", "m", "v1.0.0-rc.1", false },
		{ "assumptions://m:1.0+b-7", "m", "1.0+b-7", false },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_reference reference = parse(cases[i].text);
		assert_int_equal(reference.kind, PNR_REFERENCE_ASSUMPTION);
		assert_int_equal(reference.name_length, strlen(cases[i].name));
		assert_memory_equal(reference.name, cases[i].name, reference.name_length);
		assert_string_equal(reference.version, cases[i].version);
		assert_int_equal(reference.mutable_version, cases[i].mutable_version);
		assert_null(reference.path);
	}
}

static void a_malformed_reference_is_invalid(void **state)
{
	static const char *const texts[] = {
		"", "local://", "blob://", "assumptions://", "assumptions://:v1", "assumptions://m:", "assumptions://m/n",
		"assumptions://m n", "assumptions://m:v1:v2", "assumptions://m:Latest", "assumptions://m:v", "assumptions://m:v1.",
		"assumptions://m:v1..2", "assumptions://m:x", "assumptions://m:v1-", "assumptions://m:v1.0 ", "assumptions://m.csv",
		"assumptions://m\xc3\xa9", "assumptions://../m",
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(texts); i++) {
		pnr_reference reference = { .path = "untouched" };
		pnr_error err = PNR_ERROR_INIT;
		if (pnr_reference_parse(texts[i], &reference, &err) != PNR_INVALID)
			fail_msg("'%s' is taken", texts[i]);
		assert_non_null(strstr(err.message, texts[i]));
		assert_string_equal(reference.path, "untouched");
	}
}

static void blob_stays_in_the_cloud(void **state)
{
	(void)state;
	assert_int_equal(parse("blob://account/x.csv").kind, PNR_REFERENCE_EXTERNAL);
	assert_int_equal(parse("blob://assumptions://m").kind, PNR_REFERENCE_EXTERNAL);
}

static void another_scheme_is_unsupported_and_named(void **state)
{
	static const struct { const char *text, *scheme; } cases[] = {
		{ "https://x/y", "'https://'" }, { "LOCAL://x", "'LOCAL://'" }, { "Assumptions://m", "'Assumptions://'" },
		{ "file:///x", "'file://'" }, { "wasm://x", "'wasm://'" }, { "a+b.c-d://", "'a+b.c-d://'" },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_reference reference;
		pnr_error err = PNR_ERROR_INIT;
		assert_int_equal(pnr_reference_parse(cases[i].text, &reference, &err), PNR_UNSUPPORTED);
		assert_non_null(strstr(err.message, cases[i].scheme));
		assert_non_null(strstr(err.message, "unsupported scheme"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_path_is_a_file_as_it_stands),
		cmocka_unit_test(one_local_prefix_is_removed_and_nothing_is_decoded),
		cmocka_unit_test(an_assumption_has_a_name_and_a_version),
		cmocka_unit_test(a_malformed_reference_is_invalid),
		cmocka_unit_test(blob_stays_in_the_cloud),
		cmocka_unit_test(another_scheme_is_unsupported_and_named),
	};
	return cmocka_run_group_tests_name("model/reference", tests, NULL, NULL);
}
