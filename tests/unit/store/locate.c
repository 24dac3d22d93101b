/* Finding the workspace and the store: the rules of their order. */
#include "base/file.h"
#include <fcntl.h>
#include <pannier/store.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof root, "/tmp/pannier-locate-XXXXXX");
	unsetenv("PANNIER_STORE");
	return mkdtemp(root) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	unsetenv("PANNIER_STORE");
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, root, NULL));
	return 0;
}

static const char *under(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];
	(void)snprintf(path, sizeof paths[0], "%s/%s", root, name);
	return path;
}

static void folder(const char *name)
{
	assert_int_equal(pnr_file_make_dirs(AT_FDCWD, under(name), NULL), PNR_OK);
}

static void assert_workspace(const char *config, const char *explicit_dir, const char *expected)
{
	char *found = NULL;
	assert_int_equal(pnr_workspace_find(under(config), explicit_dir, &found, NULL), PNR_OK);
	assert_string_equal(found, expected);
	free(found);
}

static void assert_store(const char *workspace, const char *explicit_dir, const char *expected)
{
	char *found = NULL;
	assert_int_equal(pnr_store_find(workspace, explicit_dir, &found, NULL), PNR_OK);
	assert_string_equal(found, expected);
	free(found);
}

static void a_named_workspace_wins(void **state)
{
	(void)state;
	folder("a/b/.pannier");
	folder("other");
	assert_workspace("a/b/c.json", under("other"), under("other"));
}

static void the_nearest_folder_with_a_store_is_the_workspace(void **state)
{
	(void)state;
	folder("a/.pannier");
	folder("a/b/.git");
	folder("a/b/c");
	assert_workspace("a/b/c/config.json", NULL, under("a"));
}

static void without_a_store_the_checkout_is_the_workspace(void **state)
{
	(void)state;
	folder("a/.git");
	folder("a/b");
	assert_workspace("a/b/config.json", NULL, under("a"));
}

static void a_git_file_marks_a_checkout_too(void **state)
{
	(void)state;
	folder("a/b");
	int fd = open(under("a/.git"), O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	close(fd);
	assert_workspace("a/b/config.json", NULL, under("a"));
}

static void else_the_folder_of_the_config_is_the_workspace(void **state)
{
	(void)state;
	folder("a/b");
	assert_workspace("a/b/config.json", NULL, under("a/b"));
}

static void a_file_named_like_a_store_is_no_store(void **state)
{
	(void)state;
	folder("a/.git");
	folder("a/b");
	int fd = open(under("a/b/.pannier"), O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	close(fd);
	assert_workspace("a/b/config.json", NULL, under("a"));
}

static void a_store_that_somebody_put_into_a_public_folder_is_passed_over(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can make a folder of another user */
	folder("public/.pannier");
	folder("public/mine");
	assert_int_equal(chown(under("public/.pannier"), 12345, 12345), 0);
	assert_workspace("public/mine/config.json", NULL, under("public"));
	assert_int_equal(chmod(under("public"), 01777), 0);
	assert_workspace("public/mine/config.json", NULL, under("public/mine"));
	assert_store(under("public/mine"), NULL, under("public/mine/.pannier"));
}

static void a_workspace_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	char *found = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_workspace_find(under("c.json"), under("nowhere"), &found, &err), PNR_NOT_FOUND);
	assert_non_null(strstr(err.message, "nowhere"));
	assert_null(found);
}

static void a_named_store_wins_over_the_environment(void **state)
{
	(void)state;
	setenv("PANNIER_STORE", "/from/environment", 1);
	assert_store(root, "/named", "/named");
	assert_store(root, NULL, "/from/environment");
}

static void an_empty_variable_is_no_store(void **state)
{
	(void)state;
	setenv("PANNIER_STORE", "", 1);
	assert_store(root, NULL, under(".pannier"));
}

static void a_store_above_the_workspace_is_used(void **state)
{
	(void)state;
	folder("a/.pannier");
	folder("a/b/c");
	assert_store(under("a/b/c"), NULL, under("a/.pannier"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(a_named_workspace_wins),
		T(the_nearest_folder_with_a_store_is_the_workspace),
		T(without_a_store_the_checkout_is_the_workspace),
		T(a_git_file_marks_a_checkout_too),
		T(else_the_folder_of_the_config_is_the_workspace),
		T(a_file_named_like_a_store_is_no_store),
		T(a_store_that_somebody_put_into_a_public_folder_is_passed_over),
		T(a_workspace_that_is_not_there_is_an_error),
		T(a_named_store_wins_over_the_environment),
		T(an_empty_variable_is_no_store),
		T(a_store_above_the_workspace_is_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
