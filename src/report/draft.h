/*
 * A report that is being written, and its sections: each asks the index and
 * writes what it says as it comes.
 */
#ifndef PNR_REPORT_DRAFT_H
#define PNR_REPORT_DRAFT_H

#include "index/history.h"
#include "index/report.h"
#include "report/chart.h"
#include <pannier/report.h>

typedef struct pnr_draft {
	pnr_page page;
	pnr_index *index;
	pnr_totals totals;
	pnr_report_info info;
	pnr_span span; /**< of the entries that are no pushes: the packs */
	pnr_chart chart;
	pnr_buffer name; /**< of the newest pack's model */
	int64_t entries[PNR_REPORT_COLUMNS], times[PNR_REPORT_COLUMNS]; /**< that are drawn, newest first */
	uint64_t known;                                                 /**< how many of these */
	pnr_digest newest;                                              /**< package of the newest one */
	uint64_t left; /**< rows that the asset still has, or that are still listed */
	uint64_t seen; /**< rows of a list */
} pnr_draft;

/** What must be known before anything is drawn. */
PNR_CHECKED pnr_status pnr_draft_look(pnr_draft *r, pnr_error *err);
void pnr_draft_head(pnr_draft *r, int64_t now_ms);
PNR_CHECKED pnr_status pnr_draft_packages(pnr_draft *r, pnr_error *err);
PNR_CHECKED pnr_status pnr_draft_changes(pnr_draft *r, pnr_error *err);
PNR_CHECKED pnr_status pnr_draft_savings(pnr_draft *r, pnr_error *err);
PNR_CHECKED pnr_status pnr_draft_remotes(pnr_draft *r, pnr_error *err);
PNR_CHECKED pnr_status pnr_draft_newest(pnr_draft *r, pnr_error *err);
PNR_CHECKED pnr_status pnr_draft_log(pnr_draft *r, pnr_error *err);

#endif
