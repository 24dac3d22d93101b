/* The names in a folder: what is said not to be there is not, under any spelling. */
#include "support.h"
#include "model/names.h"
#include <limits.h>

static char *dir;
static int folder = -1;

static int set_up(void **state)
{
	(void)state;
	dir = new_folder_on_disk();
	folder = open(dir, O_PATH | O_DIRECTORY);
	return folder < 0;
}

static int tear_down(void **state)
{
	(void)state;
	pnr_cleanup_close(&folder);
	remove_folder(dir);
	return 0;
}

static bool lacks(const char *name, size_t limit)
{
	PNR_CLEANUP(pnr_names_free) pnr_names names = PNR_NAMES_INIT;
	assert_false(pnr_names_lack(&names, name));
	pnr_names_read(&names, folder, limit);
	return pnr_names_lack(&names, name);
}

static void what_is_not_there_is_lacking(void **state)
{
	(void)state;
	assert_true(lacks("a.py", 10));
	put(dir, "b.py", "");
	put(dir, "Engine_2-x.PY", "");
	put(dir, "sub/c.py", "");
	assert_true(lacks("a.py", 10));
	assert_true(lacks("c.py", 10));
	assert_true(lacks("b.p", 10));
	assert_true(lacks("b.pyc", 10));
	assert_false(lacks("b.py", 10));
	assert_false(lacks("sub", 10));
	assert_false(lacks("Engine_2-x.PY", 10));
}

static void another_case_may_be_the_same(void **state)
{
	(void)state;
	put(dir, "Engine.py", "");
	assert_false(lacks("engine.PY", 10));
	assert_true(lacks("engine2.py", 10));
}

static void what_cannot_be_compared_is_not_lacking(void **state)
{
	char long_name[NAME_MAX + 2];
	(void)state;
	put(dir, "b.py", "");
	assert_false(lacks("LONGNA~1.PY", 10));
	assert_false(lacks("a b.py", 10));
	assert_false(lacks("\xc3\xa4.py", 10));
	memset(long_name, 'a', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	assert_false(lacks(long_name, 10));
	/* U+212A, the sign for kelvin, is "k" when case is folded. */
	put(dir, "\xe2\x84\xaa.py", "");
	assert_false(lacks("k.py", 10));
	assert_false(lacks("a.py", 10));
}

static void more_than_the_limit_are_not_read(void **state)
{
	(void)state;
	put(dir, "b.py", "");
	put(dir, "c.py", "");
	assert_true(lacks("a.py", 2));
	assert_false(lacks("a.py", 1));
	assert_false(lacks("a.py", 0));
}

static int fail_list(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_READDIR ? EIO : 0;
}

static void a_list_that_fails_lacks_nothing(void **state)
{
	(void)state;
	pnr_file_gate_hook = fail_list;
	bool lacking = lacks("a.py", 10);
	pnr_file_gate_hook = NULL;
	assert_false(lacking);
	assert_true(lacks("a.py", 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_not_there_is_lacking, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_case_may_be_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_compared_is_not_lacking, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_the_limit_are_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_that_fails_lacks_nothing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
