/* Progress: what is reported, how seldom, and that any report can cancel. */
#include "support.h"
#include "base/progress.h"

#define LONG_AGO (-1e9)
#define FAR_AHEAD 1e18

typedef struct reports {
	unsigned count, cancel_at;
	pnr_progress last;
	char asset[32];
} reports;

static int take(void *user, const pnr_progress *progress)
{
	reports *r = user;
	r->last = *progress;
	snprintf(r->asset, sizeof r->asset, "%s", progress->asset == NULL ? "(none)" : progress->asset);
	return ++r->count == r->cancel_at;
}

static void a_phase_is_reported_from_begin_to_end(void **state)
{
	(void)state;
	reports r = { 0 };
	pnr_meter meter = { .fn = take, .user = &r };
	assert_int_equal(pnr_meter_begin(&meter, PNR_PHASE_WRITE, 100, NULL), PNR_OK);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.last.size, sizeof r.last);
	assert_int_equal(r.last.phase, PNR_PHASE_WRITE);
	assert_int_equal(r.last.bytes_done, 0);
	assert_int_equal(r.last.bytes_total, 100);
	assert_string_equal(r.asset, "(none)");
	meter.last = LONG_AGO;
	assert_int_equal(pnr_meter_add(&meter, "wasm/a.wasm", 60, NULL), PNR_OK);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.last.bytes_done, 60);
	assert_string_equal(r.asset, "wasm/a.wasm");
	meter.last = FAR_AHEAD;
	assert_int_equal(pnr_meter_add(&meter, "wasm/a.wasm", 40, NULL), PNR_OK);
	assert_int_equal(r.count, 2);
	assert_int_equal(pnr_meter_end(&meter, NULL), PNR_OK);
	assert_int_equal(r.count, 3);
	assert_int_equal(r.last.bytes_done, 100);
	assert_string_equal(r.asset, "(none)");
	assert_int_equal(pnr_meter_begin(&meter, PNR_PHASE_VERIFY, 0, NULL), PNR_OK);
	assert_int_equal(r.last.phase, PNR_PHASE_VERIFY);
	assert_int_equal(r.last.bytes_done, 0);
	assert_int_equal(r.last.bytes_total, 0);
}

static void a_report_starts_the_pause_anew(void **state)
{
	(void)state;
	reports r = { 0 };
	pnr_meter meter = { .fn = take, .user = &r };
	assert_int_equal(pnr_meter_begin(&meter, PNR_PHASE_HASH, 0, NULL), PNR_OK);
	meter.last = LONG_AGO;
	assert_int_equal(pnr_meter_add(&meter, "a", 1, NULL), PNR_OK);
	assert_true(meter.last > LONG_AGO);
}

static void every_report_can_cancel(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 3; at++) {
		reports r = { .cancel_at = at };
		pnr_error err = PNR_ERROR_INIT;
		pnr_meter meter = { .fn = take, .user = &r };
		pnr_status status = pnr_meter_begin(&meter, PNR_PHASE_HASH, 10, &err);
		assert_int_equal(status, at == 1 ? PNR_CANCELLED : PNR_OK);
		if (status == PNR_OK) {
			meter.last = LONG_AGO;
			status = pnr_meter_add(&meter, "a", 1, &err);
			assert_int_equal(status, at == 2 ? PNR_CANCELLED : PNR_OK);
		}
		if (status == PNR_OK) {
			status = pnr_meter_end(&meter, &err);
			assert_int_equal(status, PNR_CANCELLED);
		}
		assert_int_equal(err.status, PNR_CANCELLED);
		assert_string_equal(err.message, "cancelled");
	}
}

static void no_meter_and_no_callback_are_fine(void **state)
{
	(void)state;
	pnr_meter silent = { .fn = NULL };
	pnr_meter *const meters[] = { NULL, &silent };
	for (size_t i = 0; i < PNR_COUNT(meters); i++) {
		assert_int_equal(pnr_meter_begin(meters[i], PNR_PHASE_HASH, 1, NULL), PNR_OK);
		assert_int_equal(pnr_meter_add(meters[i], "a", 1, NULL), PNR_OK);
		assert_int_equal(pnr_meter_end(meters[i], NULL), PNR_OK);
	}
}

static void the_phases_have_names(void **state)
{
	(void)state;
	assert_string_equal(pnr_phase_name(PNR_PHASE_HASH), "hash");
	assert_string_equal(pnr_phase_name(PNR_PHASE_WRITE), "write");
	assert_string_equal(pnr_phase_name(PNR_PHASE_VERIFY), "verify");
	assert_string_equal(pnr_phase_name(PNR_PHASE_UNPACK), "unpack");
	assert_string_equal(pnr_phase_name(PNR_PHASE_FETCH), "fetch");
	assert_string_equal(pnr_phase_name(PNR_PHASE_SEND), "send");
	assert_string_equal(pnr_phase_name(PNR_PHASE_COMPARE), "compare");
	assert_string_equal(pnr_phase_name((pnr_phase)99), "unknown");
	assert_string_equal(pnr_phase_name((pnr_phase)-1), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_phase_is_reported_from_begin_to_end),
		cmocka_unit_test(a_report_starts_the_pause_anew),
		cmocka_unit_test(every_report_can_cancel),
		cmocka_unit_test(no_meter_and_no_callback_are_fine),
		cmocka_unit_test(the_phases_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
