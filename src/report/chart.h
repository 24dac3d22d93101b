/* Sizes over time, drawn. */
#ifndef PNR_REPORT_CHART_H
#define PNR_REPORT_CHART_H

#include "report/page.h"

#define PNR_CHART_SLOTS 180u

/** What lies in one part of the time. */
typedef struct pnr_slot {
	uint64_t packages;
	uint64_t size, zip; /**< the largest */
} pnr_slot;

/**
 * A time from the first to the last package, in equal parts. Initialise
 * `first_ms`, `last_ms` and how many packages there are.
 */
typedef struct pnr_chart {
	int64_t first_ms, last_ms;
	uint64_t packages;
	unsigned count; /**< of the slots */
	pnr_slot slots[PNR_CHART_SLOTS];
} pnr_chart;

/** Once the first three fields are known. */
void pnr_chart_begin(pnr_chart *chart);
void pnr_chart_add(pnr_chart *chart, int64_t at_ms, uint64_t size, uint64_t zip);
void pnr_chart_draw(const pnr_chart *chart, pnr_page *page);

#endif
