/*
 * Recalling a pack: that nothing has changed is known from what the last one
 * looked at, without asking once more what its config means. It costs the
 * config's hash and one stat for each name that was looked at.
 */
#ifndef PNR_PACKAGE_RECALL_H
#define PNR_PACKAGE_RECALL_H

#include "package/output.h"

/** @plan was read, no more. */
PNR_CHECKED pnr_status pnr_request_make(const pnr_plan *plan, const pnr_pack_options *options,
                                        pnr_request *out_request, pnr_error *err);

/** What came of it. */
typedef struct pnr_recalled {
	pnr_archive_row archive;
	pnr_digest package_hash;
	uint64_t asset_count;
	uint64_t total_size; /* bytes of the assets */
	uint64_t files;      /* that were found, the config not counted */
} pnr_recalled;

/**
 * What came of @request the last time, if its zip is still at @output and all
 * that was looked at for it is the same now; its warnings are added to @issues.
 * PNR_NOT_FOUND without a text if not, or if that cannot be told.
 */
PNR_CHECKED pnr_status pnr_recall(pnr_store *store, const pnr_request *request, pnr_output *output,
                                  pnr_issues *issues, pnr_recalled *out_recalled, pnr_error *err);

/**
 * For the next time, inside a transaction: @archive_id, which is at @output, came
 * of it. The @files that the plan found were all in a state that may be trusted.
 * Does nothing where the rest may not be, or if @trace or @issues is not whole.
 */
PNR_CHECKED pnr_status pnr_recall_put(pnr_store *store, const pnr_request *request, const pnr_output *output,
                                      int64_t archive_id, uint64_t files, const pnr_trace *trace,
                                      const pnr_issues *issues, pnr_error *err);

/** Nothing that was looked at may be trusted any more. */
PNR_CHECKED pnr_status pnr_recall_forget(pnr_store *store, pnr_error *err);

#endif
