/*
 * Recalling a pack: that nothing has changed is known from what the last one
 * looked at, without asking once more what its config means. It costs the
 * config's hash and one stat for each name that was looked at.
 */
#ifndef PNR_PACKAGE_RECALL_H
#define PNR_PACKAGE_RECALL_H

#include "package/plan.h"

/** What is asked for: everything that decides the outcome, but what stands at the names that are looked at. */
typedef struct pnr_request {
	pnr_digest asked;  /* of config path, workspace and options */
	pnr_digest config; /* of the config's bytes */
} pnr_request;

/** @plan was read, no more. */
PNR_CHECKED pnr_status pnr_request_make(const pnr_plan *plan, const pnr_pack_options *options,
                                        pnr_request *out_request, pnr_error *err);

/**
 * What came of @request the last time it was made, whatever has changed since;
 * look at the trace in it. Texts are in the empty @arena. NOT_FOUND without a text.
 */
PNR_CHECKED pnr_status pnr_recall_find(pnr_store *store, const pnr_request *request, pnr_buffer *arena,
                                       pnr_trace_row *out_row, pnr_error *err);

/**
 * For the next time, inside a transaction: @archive_id came of it. The @files
 * that the plan found were all in a state that may be trusted. Does nothing if
 * @trace or @issues cannot be kept whole.
 */
PNR_CHECKED pnr_status pnr_recall_put(pnr_store *store, const pnr_request *request, int64_t archive_id,
                                      uint64_t files, const pnr_trace *trace, const pnr_issues *issues,
                                      pnr_error *err);

#endif
