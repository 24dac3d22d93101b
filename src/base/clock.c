#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS_PER_DAY 86400000
#define YEAR_0 INT64_C(-62167219200000)
#define YEAR_9999_END INT64_C(253402300799999)

int64_t pnr_clock_now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double pnr_clock_monotonic(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Days since 1970-01-01 and back, proleptic Gregorian, with years that start in March so that leap days come last. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;
	*day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

/* A log has very many times: no formats. */
static void put_digits(char *text, unsigned count, unsigned value)
{
	for (; count > 0; value /= 10)
		text[--count] = (char)('0' + value % 10);
}

char *pnr_clock_format(int64_t ms, char out_text[PNR_TIME_TEXT_SIZE])
{
	if (ms < YEAR_0)
		ms = YEAR_0;
	if (ms > YEAR_9999_END)
		ms = YEAR_9999_END;
	int64_t days = (ms >= 0 ? ms : ms - (MS_PER_DAY - 1)) / MS_PER_DAY;
	unsigned rest = (unsigned)(ms - days * MS_PER_DAY);
	int64_t year;
	unsigned month, day;
	date_of(days, &year, &month, &day);
	static const char form[] = "0000-00-00T00:00:00.000Z";
	memcpy(out_text, form, sizeof form);
	put_digits(out_text, 4, (unsigned)year);
	put_digits(out_text + 5, 2, month);
	put_digits(out_text + 8, 2, day);
	put_digits(out_text + 11, 2, rest / 3600000);
	put_digits(out_text + 14, 2, rest / 60000 % 60);
	put_digits(out_text + 17, 2, rest / 1000 % 60);
	put_digits(out_text + 20, 3, rest % 1000);
	return out_text;
}

/* @count digits at *text, which advances; -1 if they are not digits. */
static int number(const char **text, unsigned count)
{
	int value = 0;
	for (unsigned i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool literal(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static unsigned days_in_month(int year, int month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

bool pnr_clock_parse(const char *text, int64_t *out_ms)
{
	int year, month, day, hour, minute, second, ms = 0;
	if ((year = number(&text, 4)) < 0 || !literal(&text, '-') || (month = number(&text, 2)) < 1 || month > 12 ||
	    !literal(&text, '-') || (day = number(&text, 2)) < 1 || (unsigned)day > days_in_month(year, month) ||
	    !literal(&text, 'T') || (hour = number(&text, 2)) < 0 || hour > 23 || !literal(&text, ':') ||
	    (minute = number(&text, 2)) < 0 || minute > 59 || !literal(&text, ':') ||
	    (second = number(&text, 2)) < 0 || second > 59)
		return false;
	if (*text == '.') {
		text++;
		if ((ms = number(&text, 3)) < 0)
			return false;
	}
	if (strcmp(text, "Z") != 0)
		return false;
	*out_ms = days_of(year, (unsigned)month, (unsigned)day) * MS_PER_DAY +
	          (((int64_t)hour * 60 + minute) * 60 + second) * 1000 + ms;
	return true;
}

pnr_status pnr_clock_epoch_or_now(int64_t *out_ms, pnr_error *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	if (text == NULL || text[0] == '\0') {
		*out_ms = pnr_clock_now_ms();
		return PNR_OK;
	}
	size_t length = strlen(text);
	char *end = NULL;
	errno = 0;
	long long seconds = strtoll(text, &end, 10);
	if (errno != 0 || strspn(text, "0123456789") != length || *end != '\0' ||
	    seconds > YEAR_9999_END / 1000)
		return pnr_fail(err, PNR_INVALID,
		                "SOURCE_DATE_EPOCH is '%s'; it must be seconds since 1970, 0 to %lld", text,
		                (long long)(YEAR_9999_END / 1000));
	*out_ms = (int64_t)seconds * 1000;
	return PNR_OK;
}
