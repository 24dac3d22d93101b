/* The time of day, and how it is written. */
#ifndef PNR_BASE_CLOCK_H
#define PNR_BASE_CLOCK_H

#include "base/error.h"

#define PNR_TIME_TEXT_SIZE 32

/** Milliseconds since 1970-01-01 UTC. */
int64_t pnr_clock_now_ms(void);
/** A monotonic clock in seconds, for durations. */
double pnr_clock_monotonic(void);
/** `2026-01-24T12:34:56.789Z`, as JavaScript's toISOString for the years 0 to 9999; others are clamped. Returns @out_text. */
char *pnr_clock_format(int64_t ms, char out_text[PNR_TIME_TEXT_SIZE]);
/** Parse that form again (milliseconds optional). False for anything else. */
bool pnr_clock_parse(const char *text, int64_t *out_ms);
/**
 * Now, or $SOURCE_DATE_EPOCH (whole seconds) if it is set. A value that is not
 * a number from 0 to 253402300799 is PNR_INVALID.
 */
PNR_CHECKED pnr_status pnr_clock_epoch_or_now(int64_t *out_ms, pnr_error *err);

#endif
