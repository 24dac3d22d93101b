/* Builds a pnr_verify_result: what is wrong with a package, as it is found. */
#ifndef PNR_PACKAGE_FINDINGS_H
#define PNR_PACKAGE_FINDINGS_H

#include "base/error.h"
#include <pannier/package.h>

/** Problems, and warnings, that are kept; of more only the number is told. */
#define PNR_FINDINGS_MAX 1000u

typedef struct pnr_findings {
	/** MUST be first: pnr_verify_result_free gets its address. Fields other than the lists are the caller's. */
	pnr_verify_result result;
	uint64_t problems; /**< found, also those that are not kept */
	uint64_t warnings;
	bool failed;       /**< memory was exhausted: the lists are not complete */
} pnr_findings;

PNR_CHECKED pnr_status pnr_findings_new(pnr_findings **out_findings, pnr_error *err);
/** For PNR_CLEANUP. */
void pnr_findings_cleanup(pnr_findings **findings);

/**
 * Add a problem, or a warning, of @path ("" is the package itself). Control
 * characters in path and text become '?': both come out of a package that may
 * be hostile and end on a terminal. Failure to allocate is remembered.
 */
void pnr_findings_problem(pnr_findings *findings, const char *path, const char *format, ...) PNR_PRINTF(3, 4);
void pnr_findings_warning(pnr_findings *findings, const char *path, const char *format, ...) PNR_PRINTF(3, 4);

/**
 * Record in @err, as CORRUPT, that @label has problems and what the first one is.
 * PNR_OK if there are none.
 */
PNR_CHECKED pnr_status pnr_findings_status(const pnr_findings *findings, const char *label, pnr_error *err);

/**
 * Complete the result and hand it over: *findings is cleared. Status as
 * pnr_findings_status, with *out_result set in both cases. On NOMEM *out_result
 * is untouched.
 */
PNR_CHECKED pnr_status pnr_findings_take(pnr_findings **findings, const char *label,
                                         pnr_verify_result **out_result, pnr_error *err);

#endif
