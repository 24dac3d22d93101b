/* Errors: the first cause is kept, context goes in front, one line, always whole characters. */
#include "support.h"
#include "base/error.h"
#include "base/path.h"
#include <errno.h>

static void a_fresh_error_is_clear(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(err.status, PNR_OK);
	assert_int_equal(err.detail, 0);
	assert_string_equal(err.message, "");
}

static void the_first_cause_is_kept(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_fail(&err, PNR_CORRUPT, "blob %d", 7), PNR_CORRUPT);
	assert_int_equal(pnr_fail(&err, PNR_IO, "second"), PNR_IO);
	assert_int_equal(pnr_fail_errno(&err, ENOENT, "third"), PNR_NOT_FOUND);
	assert_int_equal(pnr_fail_nomem(&err), PNR_NOMEM);
	assert_int_equal(err.status, PNR_CORRUPT);
	assert_int_equal(err.detail, 0);
	assert_string_equal(err.message, "blob 7");
}

static void an_errno_gives_status_detail_and_reason(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_fail_errno(&err, ENOENT, "open '%s'", "x"), PNR_NOT_FOUND);
	assert_int_equal(err.detail, ENOENT);
	assert_string_equal(err.message, "open 'x': No such file or directory");
}

static void every_errno_maps_to_what_a_caller_can_decide(void **state)
{
	(void)state;
	static const struct {
		int errnum;
		pnr_status status;
	} table[] = {
		{ ENOENT, PNR_NOT_FOUND }, { ENOTDIR, PNR_NOT_FOUND }, { EEXIST, PNR_CONFLICT },
		{ ENOTEMPTY, PNR_CONFLICT }, { EISDIR, PNR_CONFLICT }, { EACCES, PNR_DENIED },
		{ EPERM, PNR_DENIED }, { EROFS, PNR_DENIED }, { ELOOP, PNR_DENIED }, { ENOSPC, PNR_FULL },
		{ EDQUOT, PNR_FULL }, { EFBIG, PNR_FULL }, { ENOMEM, PNR_NOMEM }, { EAGAIN, PNR_BUSY },
		{ EWOULDBLOCK, PNR_BUSY }, { EBUSY, PNR_BUSY }, { ETXTBSY, PNR_BUSY },
		{ ENAMETOOLONG, PNR_INVALID }, { EIO, PNR_IO }, { EBADF, PNR_IO }, { 99999, PNR_IO },
	};
	for (size_t i = 0; i < PNR_COUNT(table); i++)
		assert_int_equal(pnr_status_of_errno(table[i].errnum), table[i].status);
}

static void null_errors_are_allowed_everywhere(void **state)
{
	(void)state;
	assert_int_equal(pnr_fail(NULL, PNR_BUSY, "x"), PNR_BUSY);
	assert_int_equal(pnr_fail_errno(NULL, ENOSPC, "x"), PNR_FULL);
	assert_int_equal(pnr_fail_nomem(NULL), PNR_NOMEM);
	pnr_context(NULL, "x");
	pnr_error_clear(NULL);
}

static void context_goes_in_front(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	(void)pnr_fail(&err, PNR_FULL, "cause");
	pnr_context(&err, "reading %s", "b");
	pnr_context(&err, "packing");
	assert_string_equal(err.message, "packing: reading b: cause");
}

static void context_without_a_cause_records_nothing(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	pnr_context(&err, "reading");
	assert_int_equal(err.status, PNR_OK);
	assert_string_equal(err.message, "");
}

static void a_long_context_is_cut_and_never_the_cause(void **state)
{
	(void)state;
	char prefix[3000];
	memset(prefix, 'p', sizeof prefix - 1);
	prefix[sizeof prefix - 1] = '\0';
	pnr_error err = PNR_ERROR_INIT;
	(void)pnr_fail(&err, PNR_IO, "the cause");
	for (int i = 0; i < 3; i++)
		pnr_context(&err, "%s", prefix);
	assert_int_equal(strlen(err.message), sizeof err.message - 1);
	assert_string_equal(err.message + strlen(err.message) - 11, ": the cause");
}

static void a_long_name_does_not_push_the_reason_out(void **state)
{
	(void)state;
	char name[4096];
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	pnr_error err = PNR_ERROR_INIT;
	(void)pnr_fail_errno(&err, EACCES, "open '%s'", name);
	assert_contains(err.message, "nnn: Permission denied");
}

static void what_is_cut_ends_with_a_whole_character(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		char text[2100] = "abc";
		for (size_t i = shift; i + 4 < sizeof text; i += 4)
			memcpy(text + i, "\xf0\x9f\x98\x80", 5);
		pnr_error err = PNR_ERROR_INIT;
		(void)pnr_fail(&err, PNR_IO, "%s", text);
		assert_true(pnr_utf8_valid(err.message, strlen(err.message)));
		assert_in_range(strlen(err.message), sizeof err.message - 6, sizeof err.message - 1);
		pnr_error_clear(&err);
		(void)pnr_fail(&err, PNR_IO, "cause");
		(void)pnr_context(&err, "%s", text);
		assert_true(pnr_utf8_valid(err.message, strlen(err.message)));
	}
}

static void bytes_that_are_no_utf8_are_cut_as_well(void **state)
{
	(void)state;
	char text[2100];
	memset(text, 0xbf, sizeof text - 1);
	text[sizeof text - 1] = '\0';
	pnr_error err = PNR_ERROR_INIT;
	(void)pnr_fail(&err, PNR_IO, "%s", text);
	assert_in_range(strlen(err.message), sizeof err.message - 6, sizeof err.message - 1);
}

static void a_message_is_one_line_without_controls(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	(void)pnr_fail(&err, PNR_IO, "a\nb\x1b[31m\x7f\xc2\x9b.\xc2\xa0");
	assert_string_equal(err.message, "a?b?[31m???.\xc2\xa0");
	(void)pnr_context(&err, "x\ry");
	assert_string_equal(err.message, "x?y: a?b?[31m???.\xc2\xa0");
}

static void clearing_forgets_everything(void **state)
{
	(void)state;
	pnr_error err = PNR_ERROR_INIT;
	(void)pnr_fail_errno(&err, EIO, "x");
	pnr_error_clear(&err);
	assert_int_equal(err.status, PNR_OK);
	assert_int_equal(err.detail, 0);
	assert_string_equal(err.message, "");
	(void)pnr_fail(&err, PNR_BUSY, "y");
	assert_string_equal(err.message, "y");
}

static void every_status_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(pnr_status_name(PNR_OK), "ok");
	assert_string_equal(pnr_status_name(PNR_NOT_FOUND), "not_found");
	assert_string_equal(pnr_status_name(PNR_CANCELLED), "cancelled");
	assert_string_equal(pnr_status_name((pnr_status)(PNR_CANCELLED + 1)), "unknown");
	assert_string_equal(pnr_status_name((pnr_status)-1), "unknown");
	for (int i = PNR_OK; i <= PNR_CANCELLED; i++)
		assert_string_not_equal(pnr_status_name((pnr_status)i), "unknown");
}

static char *stolen(void)
{
	PNR_CLEANUP(pnr_cleanup_free) char *text = strdup("kept");
	return PNR_STEAL(text);
}

static void stealing_disarms_the_cleanup(void **state)
{
	(void)state;
	char *text = stolen();
	assert_string_equal(text, "kept");
	free(text);
}

static void closing_by_cleanup_closes_once(void **state)
{
	(void)state;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int copy = fd;
	pnr_cleanup_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	pnr_cleanup_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fresh_error_is_clear),
		cmocka_unit_test(the_first_cause_is_kept),
		cmocka_unit_test(an_errno_gives_status_detail_and_reason),
		cmocka_unit_test(every_errno_maps_to_what_a_caller_can_decide),
		cmocka_unit_test(null_errors_are_allowed_everywhere),
		cmocka_unit_test(context_goes_in_front),
		cmocka_unit_test(context_without_a_cause_records_nothing),
		cmocka_unit_test(a_long_context_is_cut_and_never_the_cause),
		cmocka_unit_test(a_long_name_does_not_push_the_reason_out),
		cmocka_unit_test(what_is_cut_ends_with_a_whole_character),
		cmocka_unit_test(bytes_that_are_no_utf8_are_cut_as_well),
		cmocka_unit_test(a_message_is_one_line_without_controls),
		cmocka_unit_test(clearing_forgets_everything),
		cmocka_unit_test(every_status_has_a_name),
		cmocka_unit_test(stealing_disarms_the_cleanup),
		cmocka_unit_test(closing_by_cleanup_closes_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
