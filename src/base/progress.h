/* Reporting progress without flooding the callback, and the way cancellation travels. */
#ifndef PNR_BASE_PROGRESS_H
#define PNR_BASE_PROGRESS_H

#include "base/error.h"
#include <pannier/progress.h>

/** State of one long call. Zero-initialise `last`; fn may be NULL. */
typedef struct pnr_meter {
	pnr_progress_fn fn;
	void *user;
	pnr_phase phase;
	uint64_t done, total;
	double last; /**< when fn was called last */
} pnr_meter;

/** Enter @phase, with @total bytes (0: unknown) ahead. Reports. */
PNR_CHECKED pnr_status pnr_meter_begin(pnr_meter *meter, pnr_phase phase, uint64_t total, pnr_error *err);
/**
 * @bytes more are done, for @asset. Reports if 50 ms have passed since the last
 * report. PNR_CANCELLED if the callback said so. @meter may be NULL.
 */
PNR_CHECKED pnr_status pnr_meter_add(pnr_meter *meter, const char *asset, uint64_t bytes, pnr_error *err);
/** Report the end of the phase. */
PNR_CHECKED pnr_status pnr_meter_end(pnr_meter *meter, pnr_error *err);

#endif
