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

/** Few packages have a slot each; many share the time from the first to the last, in equal parts. */
typedef struct pnr_chart {
	int64_t first_ms, last_ms;
	const int64_t *times; /**< of few packages, newest first; NULL: many */
	unsigned added;	      /**< how many of them */
	unsigned count;	      /**< of the slots */
	pnr_slot slots[PNR_CHART_SLOTS];
} pnr_chart;

/**
 * Packages are at most this few to have a slot each: as the columns of what changed.
 */
#define PNR_CHART_FEW 60u

/** @newest_first  when each was packed, if they are few; borrowed. */
void pnr_chart_begin(pnr_chart *chart, uint64_t packages, int64_t first_ms, int64_t last_ms,
		     const int64_t *newest_first);
/** Does each package have a bar? */
bool pnr_chart_is_of_packages(const pnr_chart *chart);
/** Oldest first. */
void pnr_chart_add(pnr_chart *chart, int64_t at_ms, uint64_t size, uint64_t zip);
void pnr_chart_draw(const pnr_chart *chart, pnr_page *page);
/** The times of the first and the last of @count columns of equal width, and of one in the middle, at @y. */
void pnr_chart_times(pnr_page *page, int y, const int64_t *newest_first, uint64_t count);

#endif
