/*
 * Recording errors. The first cause is kept; callers on the way up may put a
 * prefix in front of it. `err` may be NULL everywhere.
 */
#ifndef PNR_BASE_ERROR_H
#define PNR_BASE_ERROR_H

#include "base/base.h"
#include <pannier/error.h>
#include <stdarg.h>

/** Record @status and the text, unless @err holds a cause already. Returns @status. */
pnr_status pnr_fail(pnr_error *err, pnr_status status, const char *format, ...) PNR_PRINTF(3, 4);

/**
 * Record a failed system call: the text, then ": " and what @errnum means. The
 * status is derived from @errnum (ENOENT: NOT_FOUND, ENOSPC: FULL, ...) and
 * returned.
 */
pnr_status pnr_fail_errno(pnr_error *err, int errnum, const char *format, ...) PNR_PRINTF(3, 4);

/** Record that memory is exhausted. Returns PNR_NOMEM. */
pnr_status pnr_fail_nomem(pnr_error *err);

/** Record what an attempt with an error of its own left in @cause, detail included. Returns its status. */
pnr_status pnr_fail_with(pnr_error *err, const pnr_error *cause);

/** Put the text and ": " in front of the recorded cause, if there is one. */
void pnr_context(pnr_error *err, const char *format, ...) PNR_PRINTF(2, 3);

/** The status that stands for @errnum. */
pnr_status pnr_status_of_errno(int errnum);

/** For a failure that changes nothing for the caller: says so in the code. */
static inline void pnr_ignore(pnr_status status)
{
	(void)status;
}

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: tell it that a failure is never PNR_OK. */
#define PNR_FAILED(call)                       \
	__extension__({                        \
		pnr_status failed_ = call;     \
		if (failed_ == PNR_OK)         \
			__builtin_unreachable(); \
		failed_;                       \
	})
#define pnr_fail(...) PNR_FAILED(pnr_fail(__VA_ARGS__))
#define pnr_fail_errno(...) PNR_FAILED(pnr_fail_errno(__VA_ARGS__))
#define pnr_fail_nomem(err) PNR_FAILED(pnr_fail_nomem(err))
#define pnr_fail_with(...) PNR_FAILED(pnr_fail_with(__VA_ARGS__))
#endif

/** Forget what is recorded, before a fallback is tried. */
void pnr_error_clear(pnr_error *err);

#endif
