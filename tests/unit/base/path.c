/* Paths: taking apart, joining, making absolute; which names an asset may have. */
#include "support.h"
#include "base/path.h"

static void the_base_is_what_follows_the_last_slash(void **state)
{
	(void)state;
	assert_string_equal(pnr_path_base("a/b/c.txt"), "c.txt");
	assert_string_equal(pnr_path_base("c.txt"), "c.txt");
	assert_string_equal(pnr_path_base("/c"), "c");
	assert_string_equal(pnr_path_base("a/"), "");
	assert_string_equal(pnr_path_base(""), "");
}

static void assert_text(char *have, const char *expected)
{
	assert_non_null(have);
	assert_string_equal(have, expected);
	free(have);
}

static void the_folder_is_what_precedes_it(void **state)
{
	(void)state;
	assert_text(pnr_path_dir("a/b/c"), "a/b");
	assert_text(pnr_path_dir("c"), ".");
	assert_text(pnr_path_dir(""), ".");
	assert_text(pnr_path_dir("/c"), "/");
	assert_text(pnr_path_dir("/"), "/");
	assert_text(pnr_path_dir("//"), "/");
	assert_text(pnr_path_dir("//c"), "/");
	assert_text(pnr_path_dir("a//b"), "a");
	assert_text(pnr_path_dir("a/b/"), "a/b");
}

static void joining_puts_exactly_one_slash(void **state)
{
	(void)state;
	assert_text(pnr_path_join("a", "b"), "a/b");
	assert_text(pnr_path_join("a/", "b"), "a/b");
	assert_text(pnr_path_join("/", "b"), "/b");
	assert_text(pnr_path_join("", "b"), "b");
	assert_text(pnr_path_join("a", "/b"), "/b");
	assert_text(pnr_path_join("a", ""), "a/");
	assert_text(pnr_path_join("", ""), "");
}

static void assert_absolute(const char *path, const char *expected)
{
	char *out = NULL;
	assert_int_equal(pnr_path_absolute(path, &out, NULL), PNR_OK);
	assert_text(out, expected);
}

static void absolute_paths_lose_dots_and_keep_parents(void **state)
{
	(void)state;
	assert_absolute("/a/./b//c/", "/a/b/c");
	assert_absolute("/a/../b", "/a/../b");
	assert_absolute("/", "/");
	assert_absolute("//.//", "/");
	assert_absolute("/...", "/...");
}

static void relative_paths_start_at_the_current_folder(void **state)
{
	const scratch *s = *state;
	char expected[PATH_MAX + 8], *cwd = getcwd(NULL, 0);
	char *real = realpath(s->path, NULL);
	assert_non_null(cwd);
	assert_non_null(real);
	assert_int_equal(chdir(real), 0);
	snprintf(expected, sizeof expected, "%s/x/y", real);
	assert_absolute("x/./y", expected);
	assert_absolute("", real);
	assert_absolute(".", real);
	assert_int_equal(chdir(cwd), 0);
	free(cwd);
	free(real);
}

static void a_current_folder_that_is_gone_is_an_error(void **state)
{
	const scratch *s = *state;
	char *cwd = getcwd(NULL, 0), *out = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(mkdirat(s->fd, "gone", 0700), 0);
	int fd = openat(s->fd, "gone", O_RDONLY | O_DIRECTORY);
	assert_int_equal(fchdir(fd), 0);
	assert_int_equal(unlinkat(s->fd, "gone", AT_REMOVEDIR), 0);
	assert_int_equal(pnr_path_absolute("x", &out, &err), PNR_NOT_FOUND);
	assert_null(out);
	assert_contains(err.message, "current folder");
	assert_int_equal(chdir(cwd), 0);
	close(fd);
	free(cwd);
}

static void inside_is_below_and_not_merely_alike(void **state)
{
	(void)state;
	assert_true(pnr_path_inside("/a/b", "/a"));
	assert_true(pnr_path_inside("/a/b/c", "/a"));
	assert_true(pnr_path_inside("/a", "/"));
	assert_false(pnr_path_inside("/a", "/a"));
	assert_false(pnr_path_inside("/ab", "/a"));
	assert_false(pnr_path_inside("/", "/"));
	assert_false(pnr_path_inside("/a", "/a/b"));
}

static void well_formed_utf8_is_valid(void **state)
{
	(void)state;
	static const char *const valid[] = {
		"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc3\xa9z",
	};
	for (size_t i = 0; i < PNR_COUNT(valid); i++)
		assert_true(pnr_utf8_valid(valid[i], strlen(valid[i])));
	assert_true(pnr_utf8_valid("a\0b", 3));
}

static void ill_formed_utf8_is_not(void **state)
{
	(void)state;
	static const char *const invalid[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x61", "\xc2\xc0", "\xe0\x9f\xbf",
		"\xe0\xa0", "\xe1\x80", "\xe1\x80\x61", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
		"ok\xf1\x80\x80",
	};
	for (size_t i = 0; i < PNR_COUNT(invalid); i++) {
		/* A copy of exactly that size: reading past it is seen by the sanitizer. */
		size_t length = strlen(invalid[i]);
		char *copy = malloc(length);
		memcpy(copy, invalid[i], length);
		assert_false(pnr_utf8_valid(copy, length));
		free(copy);
	}
}

/* Against the definition: a code point encoded by arithmetic, valid unless it is a surrogate. */
static void every_code_point_is_judged_right(void **state)
{
	(void)state;
	for (unsigned code = 0x80; code < 0x110000; code++) {
		char text[4];
		size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		unsigned rest = code;
		for (size_t i = length - 1; i > 0; i--, rest >>= 6)
			text[i] = (char)(0x80 | (rest & 0x3f));
		text[0] = (char)((length == 2 ? 0xc0 : length == 3 ? 0xe0 : 0xf0) | rest);
		bool surrogate = code >= 0xd800 && code <= 0xdfff;
		if (pnr_utf8_sequence(text, length) != (surrogate ? 0 : length))
			fail_msg("U+%04X", code);
		if (pnr_utf8_sequence(text, length - 1) != 0)
			fail_msg("U+%04X cut", code);
	}
}

static void assert_problem(const char *path, const char *problem)
{
	const char *have = pnr_path_package_problem(path, strlen(path));
	if (problem == NULL && have != NULL)
		fail_msg("'%s' is refused: %s", path, have);
	if (problem != NULL && (have == NULL || strcmp(have, problem) != 0))
		fail_msg("'%s': expected '%s', not '%s'", path, problem, have == NULL ? "(fine)" : have);
}

static void ordinary_asset_paths_are_allowed(void **state)
{
	(void)state;
	static const char *const good[] = {
		"livecalc.config.json", "wasm/livecalc.wasm", "a", "a b", ".hidden", "..a", "a..", "...",
		"data/.../x", "a/-b", "1:2", "assumptions/t\xc3\xa4.csv", "\xf0\x9f\x98\x80",
		"\xc2\xa0", "x~", "a'b\"c", "*?", "C", "ab:c",
	};
	for (size_t i = 0; i < PNR_COUNT(good); i++)
		assert_problem(good[i], NULL);
}

static void each_rule_refuses_with_its_reason(void **state)
{
	(void)state;
	assert_problem("", "is empty");
	assert_problem("/a", "is absolute");
	assert_problem("/", "is absolute");
	assert_problem("-a", "starts with '-'");
	assert_problem("-", "starts with '-'");
	assert_problem("a\\b", "has a backslash");
	assert_problem("..\\..\\x", "has a backslash");
	assert_problem("C:x", "starts with a drive letter");
	assert_problem("z:", "starts with a drive letter");
	assert_problem("a//b", "has an empty component");
	assert_problem("a/", "has an empty component");
	assert_problem(".", "has a component '.'");
	assert_problem("a/./b", "has a component '.'");
	assert_problem("a/.", "has a component '.'");
	assert_problem("./a", "has a component '.'");
	assert_problem("..", "has a component '..'");
	assert_problem("../a", "has a component '..'");
	assert_problem("a/..", "has a component '..'");
	assert_problem("a/../b", "has a component '..'");
	assert_problem("a\xff", "is not valid UTF-8");
	assert_problem("\xc0\xaf", "is not valid UTF-8");
	assert_problem("\xed\xa0\x80", "is not valid UTF-8");
}

static void every_control_character_is_refused(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char path[3] = { 'a', (char)c, 'b' };
		const char *have = pnr_path_package_problem(path, 3);
		if (c < 0x20 || c == 0x7f)
			assert_string_equal(have, "has a control character");
		else if (c >= 0x80)
			assert_string_equal(have, "is not valid UTF-8");
		else if (c != '\\' && c != ':')
			assert_null(have);
	}
	for (int c = 0x80; c < 0xc0; c++) {
		char path[3] = { 'a', (char)0xc2, (char)c };
		const char *have = pnr_path_package_problem(path, 3);
		if (c <= 0x9f)
			assert_string_equal(have, "has a control character");
		else
			assert_null(have);
	}
}

static void a_path_has_at_most_65535_bytes(void **state)
{
	(void)state;
	char *path = malloc(65537);
	for (size_t i = 0; i < 65537; i++)
		path[i] = i % 256 == 255 ? '/' : 'x';
	assert_null(pnr_path_package_problem(path, 65535));
	assert_string_equal(pnr_path_package_problem(path, 65536), "is longer than 65,535 bytes");
	free(path);
}

static void a_component_has_at_most_255_bytes(void **state)
{
	(void)state;
	char path[600];
	memset(path, 'x', sizeof path);
	path[255] = '/';
	assert_null(pnr_path_package_problem(path, 255 + 1 + 255));
	assert_string_equal(pnr_path_package_problem(path, 255 + 1 + 256), "has a component longer than 255 bytes");
	assert_string_equal(pnr_path_package_problem(path + 256, 256), "has a component longer than 255 bytes");
}

/* Composed and decomposed, one case and the other, in any mixture. */
static void one_key_for_every_form_of_a_name(void **state)
{
	(void)state;
	static const char *const alike[][2] = {
		{ "a/b", "A/B" },
		{ "\xc3\xa9", "e\xcc\x81" },
		{ "\xc3\x89", "e\xcc\x81" },
		{ "\xe1\xb8\xad\xcc\x87", "\xe1\xb8\xad\xcc\x87" },
		{ "q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87" }, /* marks in another order */
		{ "\xe2\x84\xab", "\xc3\xa5" },                 /* the unit, the letter */
		{ "\xea\xb0\x80", "\xe1\x84\x80\xe1\x85\xa1" }, /* Hangul */
		{ "stra\xc3\x9f" "e", "STRASSE" },
	};
	static const char *const apart[][2] = {
		{ "a", "b" }, { "a", "\xd0\xb0" }, { "e", "\xc3\xa9" }, { "1", "\xc2\xb9" }, { "a/b", "ab" },
	};
	for (size_t i = 0; i < PNR_COUNT(alike) + PNR_COUNT(apart); i++) {
		bool same = i < PNR_COUNT(alike);
		const char *const *pair = same ? alike[i] : apart[i - PNR_COUNT(alike)];
		char *first = pnr_path_key(pair[0]), *second = pnr_path_key(pair[1]);
		assert_non_null(first);
		assert_non_null(second);
		assert_int_equal(strcmp(first, second) == 0, same);
		free(first);
		free(second);
	}
}

static void no_byte_behind_a_path_is_looked_at(void **state)
{
	(void)state;
	static const char *const paths[] = { "C", "a", ".", "a/", "\xc2\xa0" };
	for (size_t i = 0; i < PNR_COUNT(paths); i++) {
		size_t length = strlen(paths[i]);
		char *copy = malloc(length);
		memcpy(copy, paths[i], length);
		assert_ptr_equal(pnr_path_package_problem(copy, length), pnr_path_package_problem(paths[i], length));
		free(copy);
	}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void comparing_ignores_the_case_of_ascii_only(void **state)
{
	(void)state;
	assert_int_equal(pnr_path_compare_nocase("Manifest.JSON", "manifest.json"), 0);
	assert_int_equal(pnr_path_compare_nocase("", ""), 0);
	assert_true(pnr_path_compare_nocase("a", "B") < 0);
	assert_true(pnr_path_compare_nocase("B", "a") > 0);
	assert_true(pnr_path_compare_nocase("a", "aa") < 0);
	assert_true(pnr_path_compare_nocase("\xc3\x84", "\xc3\xa4") != 0);
	assert_true(pnr_path_compare_nocase("_", "A") < 0); /* '_' lies between the cases */
	assert_int_equal(sign(pnr_path_compare_nocase("\x80", "a")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_base_is_what_follows_the_last_slash),
		cmocka_unit_test(the_folder_is_what_precedes_it),
		cmocka_unit_test(joining_puts_exactly_one_slash),
		cmocka_unit_test(absolute_paths_lose_dots_and_keep_parents),
		scratch_test(relative_paths_start_at_the_current_folder),
		scratch_test(a_current_folder_that_is_gone_is_an_error),
		cmocka_unit_test(inside_is_below_and_not_merely_alike),
		cmocka_unit_test(well_formed_utf8_is_valid),
		cmocka_unit_test(ill_formed_utf8_is_not),
		cmocka_unit_test(every_code_point_is_judged_right),
		cmocka_unit_test(ordinary_asset_paths_are_allowed),
		cmocka_unit_test(each_rule_refuses_with_its_reason),
		cmocka_unit_test(every_control_character_is_refused),
		cmocka_unit_test(a_path_has_at_most_65535_bytes),
		cmocka_unit_test(a_component_has_at_most_255_bytes),
		cmocka_unit_test(one_key_for_every_form_of_a_name),
		cmocka_unit_test(no_byte_behind_a_path_is_looked_at),
		cmocka_unit_test(comparing_ignores_the_case_of_ascii_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
