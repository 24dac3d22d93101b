/* Times as text, against the C library, and SOURCE_DATE_EPOCH. */
#include "support.h"
#include "base/clock.h"
#include <time.h>

#define YEAR_0 INT64_C(-62167219200000)
#define YEAR_9999_END INT64_C(253402300799999)

static const char *format(int64_t ms)
{
	static char text[PNR_TIME_TEXT_SIZE];
	return pnr_clock_format(ms, text);
}

static void known_moments_are_written_as_javascript_does(void **state)
{
	(void)state;
	assert_string_equal(format(0), "1970-01-01T00:00:00.000Z");
	assert_string_equal(format(-1), "1969-12-31T23:59:59.999Z");
	assert_string_equal(format(1769258096789), "2026-01-24T12:34:56.789Z");
	assert_string_equal(format(951782400000), "2000-02-29T00:00:00.000Z");
	assert_string_equal(format(YEAR_0), "0000-01-01T00:00:00.000Z");
	assert_string_equal(format(YEAR_9999_END), "9999-12-31T23:59:59.999Z");
}

static void moments_beyond_four_digits_are_clamped(void **state)
{
	(void)state;
	assert_string_equal(format(YEAR_0 - 1), "0000-01-01T00:00:00.000Z");
	assert_string_equal(format(INT64_MIN), "0000-01-01T00:00:00.000Z");
	assert_string_equal(format(YEAR_9999_END + 1), "9999-12-31T23:59:59.999Z");
	assert_string_equal(format(INT64_MAX), "9999-12-31T23:59:59.999Z");
}

static void check_moment(int64_t ms)
{
	char expected[64];
	struct tm tm;
	int64_t parsed = -1, rest = ms % 1000 < 0 ? ms % 1000 + 1000 : ms % 1000;
	time_t seconds = (time_t)((ms - rest) / 1000);
	assert_non_null(gmtime_r(&seconds, &tm));
	snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	         tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)rest);
	assert_string_equal(format(ms), expected);
	assert_true(pnr_clock_parse(expected, &parsed));
	assert_true(parsed == ms);
	memcpy(expected + 19, "Z", 2);
	assert_true(pnr_clock_parse(expected, &parsed));
	assert_true(parsed == (int64_t)timegm(&tm) * 1000);
}

static void random_moments_agree_with_gmtime_and_timegm(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (int i = 0; i < 50000; i++) {
		uint64_t span = (uint64_t)(YEAR_9999_END - YEAR_0) + 1;
		check_moment(YEAR_0 + (int64_t)(next_random(&seed) % span));
	}
}

static void the_ends_of_every_month_of_every_year_agree(void **state)
{
	(void)state;
	for (int year = 0; year <= 9999; year += year >= 1890 && year < 2110 ? 1 : 10) {
		for (int month = 0; month < 12; month++) {
			struct tm tm = { .tm_year = year - 1900, .tm_mon = month, .tm_mday = 1 };
			int64_t first = (int64_t)timegm(&tm) * 1000;
			check_moment(first);
			if (first > YEAR_0)
				check_moment(first - 1);
		}
	}
}

static void other_texts_are_refused_and_write_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "Z", "2026", "2026-01-24", "2026-01-24T12:34:56", "2026-01-24T12:34:56.789",
		"2026-01-24T12:34:56.789Zx", "2026-01-24T12:34:56.78Z", "2026-01-24T12:34:56.Z",
		"2026-01-24T12:34:56.7890Z", "2026-01-24 12:34:56.789Z", "2026-01-24t12:34:56.789Z",
		"2026-01-24T12:34:56.789z", "2026-00-24T12:34:56Z", "2026-13-24T12:34:56Z",
		"2026-01-00T12:34:56Z", "2026-01-32T12:34:56Z", "2026-02-29T12:34:56Z", "1900-02-29T00:00:00Z",
		"2026-04-31T12:34:56Z", "2026-01-24T24:00:00Z", "2026-01-24T12:60:00Z", "2026-01-24T12:34:60Z",
		"2026-1-24T12:34:56Z", "+2026-01-24T12:34:56Z", "-026-01-24T12:34:56Z", " 2026-01-24T12:34:56Z",
		"2026-01-24T12:34:56+00:00", "20260124T123456Z", "202\xb2-01-24T12:34:56Z",
	};
	for (size_t i = 0; i < PNR_COUNT(bad); i++) {
		int64_t ms = 42;
		if (pnr_clock_parse(bad[i], &ms))
			fail_msg("'%s' was accepted", bad[i]);
		assert_true(ms == 42);
	}
	int64_t ms;
	assert_true(pnr_clock_parse("2000-02-29T23:59:59Z", &ms));
	assert_true(pnr_clock_parse("0000-02-29T00:00:00Z", &ms));
}

static void the_clock_runs_and_agrees_with_the_system(void **state)
{
	(void)state;
	int64_t before = (int64_t)time(NULL) * 1000;
	int64_t now = pnr_clock_now_ms();
	assert_true(now >= before - 1000 && now <= before + 60000);
	double a = pnr_clock_monotonic(), b = pnr_clock_monotonic();
	assert_true(b >= a);
}

static void without_the_variable_it_is_now(void **state)
{
	(void)state;
	int64_t ms = 0;
	unsetenv("SOURCE_DATE_EPOCH");
	assert_int_equal(pnr_clock_epoch_or_now(&ms, NULL), PNR_OK);
	assert_true(ms > INT64_C(1600000000000));
	setenv("SOURCE_DATE_EPOCH", "", 1);
	ms = 0;
	assert_int_equal(pnr_clock_epoch_or_now(&ms, NULL), PNR_OK);
	assert_true(ms > INT64_C(1600000000000));
}

static void the_variable_is_whole_seconds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 }, { "1", 1000 }, { "1769258096", INT64_C(1769258096000) },
		{ "253402300799", INT64_C(253402300799000) }, { "0000000000000000000000000012", 12000 },
	};
	for (size_t i = 0; i < PNR_COUNT(good); i++) {
		int64_t ms = -1;
		setenv("SOURCE_DATE_EPOCH", good[i].text, 1);
		assert_int_equal(pnr_clock_epoch_or_now(&ms, NULL), PNR_OK);
		assert_true(ms == good[i].ms);
	}
}

static void any_other_value_of_it_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"-1", "+1", " 1", "1 ", "1.5", "1e9", "0x10", "abc", "253402300800", "9223372036854775807",
		"9223372036854775808", "99999999999999999999999999", "1\n",
	};
	for (size_t i = 0; i < PNR_COUNT(bad); i++) {
		int64_t ms = 42;
		pnr_error err = PNR_ERROR_INIT;
		setenv("SOURCE_DATE_EPOCH", bad[i], 1);
		assert_int_equal(pnr_clock_epoch_or_now(&ms, &err), PNR_INVALID);
		assert_true(ms == 42);
		assert_contains(err.message, "SOURCE_DATE_EPOCH");
	}
	unsetenv("SOURCE_DATE_EPOCH");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_moments_are_written_as_javascript_does),
		cmocka_unit_test(moments_beyond_four_digits_are_clamped),
		cmocka_unit_test(random_moments_agree_with_gmtime_and_timegm),
		cmocka_unit_test(the_ends_of_every_month_of_every_year_agree),
		cmocka_unit_test(other_texts_are_refused_and_write_nothing),
		cmocka_unit_test(the_clock_runs_and_agrees_with_the_system),
		cmocka_unit_test(without_the_variable_it_is_now),
		cmocka_unit_test(the_variable_is_whole_seconds),
		cmocka_unit_test(any_other_value_of_it_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
