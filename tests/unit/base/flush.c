/* Flushing behind: when a sync begins, that one is enough at a time, and that what it reports is not lost. */
#include "support.h"
#include "base/flush.h"
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#define STEP (32 * (uint64_t)PNR_MIB)

static pnr_flush new_flush(void)
{
	return (pnr_flush){ .fd = memfd_create("file", MFD_CLOEXEC), .name = "file" };
}

static void a_sync_begins_when_enough_was_written(void **state)
{
	(void)state;
	pnr_flush flush = new_flush();
	gate_open();
	assert_int_equal(pnr_flush_behind(&flush, STEP - 1, NULL), PNR_OK);
	assert_int_equal(pnr_flush_end(&flush, NULL), PNR_OK);
	assert_int_equal(gate.calls[PNR_CALL_FSYNC], 0);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(pnr_flush_behind(&flush, i * STEP, NULL), PNR_OK);
		assert_int_equal(pnr_flush_end(&flush, NULL), PNR_OK);
		assert_int_equal(pnr_flush_behind(&flush, i * STEP + 1, NULL), PNR_OK);
		assert_int_equal(pnr_flush_behind(&flush, 5, NULL), PNR_OK); /* the file was cut */
		assert_int_equal(pnr_flush_end(&flush, NULL), PNR_OK);
		assert_int_equal(gate.calls[PNR_CALL_FSYNC], i);
	}
	gate_close();
	pnr_flush_cleanup(&flush);
	close(flush.fd);
}

static void what_a_sync_reports_is_told_by_the_next_call(void **state)
{
	(void)state;
	pnr_flush flush = new_flush();
	pnr_error err = PNR_ERROR_INIT;
	gate_fail(PNR_CALL_FSYNC, 1, EIO);
	assert_int_equal(pnr_flush_behind(&flush, STEP, NULL), PNR_OK);
	assert_int_equal(pnr_flush_end(&flush, &err), PNR_IO);
	assert_non_null(strstr(err.message, "fsync 'file'"));
	assert_int_equal(pnr_flush_end(&flush, NULL), PNR_OK);

	err = (pnr_error)PNR_ERROR_INIT;
	gate_fail(PNR_CALL_FSYNC, 1, ENOSPC);
	uint64_t size = flush.begun;
	pnr_status status = PNR_OK;
	while (status == PNR_OK)
		status = pnr_flush_behind(&flush, size += STEP, &err);
	assert_int_equal(status, PNR_FULL);
	assert_int_equal(gate.calls[PNR_CALL_FSYNC], 1);
	assert_int_equal(pnr_flush_end(&flush, NULL), PNR_OK);
	gate_close();
	close(flush.fd);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static unsigned syncs; /* under the mutex */

static int hold_sync(pnr_file_call call, size_t *length)
{
	(void)length;
	pthread_mutex_lock(&held);
	syncs += call == PNR_CALL_FSYNC;
	pthread_mutex_unlock(&held);
	return 0;
}

static void who_writes_does_not_wait_for_a_sync_and_begins_no_second_one(void **state)
{
	(void)state;
	pnr_flush flush = new_flush();
	syncs = 0;
	pnr_file_gate_hook = hold_sync;
	pthread_mutex_lock(&held);
	for (uint64_t i = 1; i < 10; i++)
		assert_int_equal(pnr_flush_behind(&flush, i * STEP, NULL), PNR_OK);
	assert_int_equal(flush.begun, STEP);
	pthread_mutex_unlock(&held);
	assert_int_equal(pnr_flush_end(&flush, NULL), PNR_OK);
	assert_int_equal(syncs, 1);
	assert_int_equal(pnr_flush_behind(&flush, 10 * STEP, NULL), PNR_OK);
	pnr_flush_cleanup(&flush);
	assert_int_equal(syncs, 2);
	gate_close();
	close(flush.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sync_begins_when_enough_was_written),
		cmocka_unit_test(what_a_sync_reports_is_told_by_the_next_call),
		cmocka_unit_test(who_writes_does_not_wait_for_a_sync_and_begins_no_second_one),
	};
	return cmocka_run_group_tests_name("base/flush", tests, NULL, NULL);
}
