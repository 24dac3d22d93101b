/* Objects: what is committed is there under its name, what is not leaves nothing. */
#include "base/file.h"
#include "blob/blob.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
	char dir[64];
	int fd;
	pnr_blobs *blobs;
} fixture;

static int set_up(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/pannier-blob-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->fd = open(f->dir, O_RDONLY | O_DIRECTORY);
	*state = f;
	return pnr_blobs_open(f->fd, &f->blobs, NULL) == PNR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	fixture *f = *state;
	pnr_file_gate_hook = NULL;
	pnr_blobs_close(f->blobs);
	close(f->fd);
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, f->dir, NULL));
	free(f);
	return 0;
}

static pnr_object_name name_of(unsigned number)
{
	pnr_object_name name = { .suffix = "gz" };
	memset(&name.hash, (int)(number & 0xff), sizeof name.hash);
	memset(&name.stored_hash, 0xab, sizeof name.stored_hash);
	name.hash.bytes[31] = (uint8_t)(number >> 8);
	return name;
}

static void write_object(fixture *f, unsigned number, const char *text)
{
	pnr_object *object = NULL;
	pnr_object_name name = name_of(number);
	assert_int_equal(pnr_object_new(f->blobs, &object, NULL), PNR_OK);
	assert_int_equal(pnr_file_write(pnr_object_fd(object), text, strlen(text), "object", NULL), PNR_OK);
	assert_int_equal(pnr_object_finish(object, &name, NULL), PNR_OK);
}

static void assert_object(fixture *f, unsigned number, const char *text)
{
	char found[64] = "";
	size_t length = 0;
	int fd = -1;
	pnr_object_name name = name_of(number);
	assert_int_equal(pnr_blobs_open_object(f->blobs, &name, &fd, NULL), PNR_OK);
	assert_int_equal(pnr_file_read(fd, found, sizeof found - 1, &length, "object", NULL), PNR_OK);
	assert_string_equal(found, text);
	close(fd);
}

static int count_name(void *user, const char *name)
{
	(void)name;
	(*(unsigned *)user)++;
	return 0;
}

static unsigned files_in_tmp(const fixture *f)
{
	unsigned count = 0;
	int fd = -1;
	if (pnr_file_open_dir(f->fd, "tmp", &fd, NULL) == PNR_OK)
		assert_int_equal(pnr_file_list(fd, "tmp", count_name, &count, NULL), PNR_OK);
	if (fd >= 0)
		close(fd);
	return count;
}

static void an_object_has_its_name_after_the_commit_and_not_before(void **state)
{
	fixture *f = *state;
	int fd = -1;
	pnr_object_name name = name_of(7);
	write_object(f, 7, "seven");
	assert_int_equal(pnr_blobs_open_object(f->blobs, &name, &fd, NULL), PNR_NOT_FOUND);
	assert_int_equal(pnr_blobs_commit(f->blobs, NULL), PNR_OK);
	assert_object(f, 7, "seven");
	assert_int_equal(files_in_tmp(f), 0);
}

static void the_path_of_an_object_is_made_of_both_hashes(void **state)
{
	(void)state;
	char path[PNR_OBJECT_PATH_SIZE];
	pnr_object_name name = name_of(7);
	assert_string_equal(pnr_object_path(&name, path),
	                    "objects/07/0707070707070707070707070707070707070707070707070707070707070700"
	                    ".abababababababab.gz");
}

static void hundreds_of_objects_are_committed_at_once(void **state)
{
	fixture *f = *state;
	char text[16];
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(text, sizeof text, "text %u", i);
		write_object(f, i, text);
	}
	assert_int_equal(pnr_blobs_commit(f->blobs, NULL), PNR_OK);
	for (unsigned i = 0; i < 300; i++) {
		(void)snprintf(text, sizeof text, "text %u", i);
		assert_object(f, i, text);
	}
	assert_int_equal(files_in_tmp(f), 0);
}

static void committing_again_over_an_object_succeeds(void **state)
{
	fixture *f = *state;
	for (int round = 0; round < 2; round++) {
		write_object(f, 3, "three");
		assert_int_equal(pnr_blobs_commit(f->blobs, NULL), PNR_OK);
	}
	assert_object(f, 3, "three");
}

static void discarding_and_closing_leave_nothing(void **state)
{
	fixture *f = *state;
	pnr_object *object = NULL;
	assert_int_equal(pnr_object_new(f->blobs, &object, NULL), PNR_OK);
	assert_int_equal(files_in_tmp(f), 1);
	pnr_object_discard(object);
	write_object(f, 1, "never committed");
	pnr_blobs_close(f->blobs);
	f->blobs = NULL;
	assert_int_equal(files_in_tmp(f), 0);
}

static void a_sweep_removes_what_a_crash_left(void **state)
{
	fixture *f = *state;
	pnr_object *object = NULL;
	assert_int_equal(pnr_object_new(f->blobs, &object, NULL), PNR_OK);
	assert_int_equal(pnr_blobs_sweep(f->blobs, NULL), PNR_OK);
	assert_int_equal(files_in_tmp(f), 0);
	pnr_object_discard(object);
}

static void a_sweep_leaves_what_is_not_its_own(void **state)
{
	fixture *f = *state;
	write_object(f, 1, "one");
	int fd = openat(f->fd, "tmp/notes", O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(pnr_blobs_sweep(f->blobs, NULL), PNR_OK);
	assert_int_equal(files_in_tmp(f), 1);
}

/* As in a checkout that brings a store along, whose tmp leads to its victim's files. */
static void a_folder_that_is_a_link_is_neither_swept_nor_written(void **state)
{
	fixture *f = *state;
	pnr_error err = PNR_ERROR_INIT;
	pnr_object *object = NULL;
	assert_int_equal(mkdirat(f->fd, "victim", 0700), 0);
	int fd = openat(f->fd, "victim/1-1", O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(symlinkat("victim", f->fd, "tmp"), 0);
	assert_int_equal(pnr_blobs_sweep(f->blobs, &err), PNR_DENIED);
	assert_non_null(strstr(err.message, "'tmp'"));
	assert_int_equal(pnr_object_new(f->blobs, &object, NULL), PNR_DENIED);
	assert_int_equal(faccessat(f->fd, "victim/1-1", F_OK, 0), 0);
}

static long fail_at, calls;
static int fail_nth(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return ++calls == fail_at ? EIO : 0;
}

/* For each number of objects around the switch from fsync to syncfs, each call of the commit fails once. */
static void a_failed_commit_promises_nothing_and_leaves_no_temporary(void **state)
{
	fixture *f = *state;
	static const unsigned counts[] = { 2, 66 };
	for (size_t c = 0; c < PNR_COUNT(counts); c++)
		for (long n = 1;; n++) {
			pnr_error err = PNR_ERROR_INIT;
			for (unsigned i = 0; i < counts[c]; i++)
				write_object(f, i, "x");
			fail_at = n;
			calls = 0;
			pnr_file_gate_hook = fail_nth;
			pnr_status status = pnr_blobs_commit(f->blobs, &err);
			pnr_file_gate_hook = NULL;
			assert_int_equal(files_in_tmp(f), 0);
			if (calls < n) {
				assert_int_equal(status, PNR_OK);
				assert_true(n > 3);
				break;
			}
			assert_int_equal(status, PNR_IO);
			assert_non_null(strstr(err.message, "storing objects"));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_object_has_its_name_after_the_commit_and_not_before, set_up, tear_down),
		cmocka_unit_test(the_path_of_an_object_is_made_of_both_hashes),
		cmocka_unit_test_setup_teardown(hundreds_of_objects_are_committed_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(committing_again_over_an_object_succeeds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(discarding_and_closing_leave_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_removes_what_a_crash_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sweep_leaves_what_is_not_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_folder_that_is_a_link_is_neither_swept_nor_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_failed_commit_promises_nothing_and_leaves_no_temporary, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
