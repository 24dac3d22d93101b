/*
 * A pool of threads that run jobs in any order, with results taken in the
 * order of submission: what a compressor of blocks and a hasher of small files
 * need. Only the thread that made the pool submits and waits; a job must not.
 */
#ifndef PNR_BASE_POOL_H
#define PNR_BASE_POOL_H

#include "base/error.h"

typedef struct pnr_pool pnr_pool;

/** One job. Embed it; the pool keeps a pointer until pnr_pool_wait returned for it. */
typedef struct pnr_job {
	/** MUST. Runs on any thread. Leaves its outcome in `status` and `error`. */
	void (*run)(struct pnr_job *job);
	pnr_status status;
	pnr_error error;
	/* the pool's */
	bool done;
	struct pnr_job *next;
} pnr_job;

/** @threads 0: one a core. One thread means: jobs run in pnr_pool_submit, no thread is made. */
PNR_CHECKED pnr_status pnr_pool_new(unsigned threads, pnr_pool **out_pool, pnr_error *err);
unsigned pnr_pool_threads(const pnr_pool *pool);
void pnr_pool_submit(pnr_pool *pool, pnr_job *job);
/** Wait until @job has run. Returns its status and copies its error. Must be called once for each submitted job. */
PNR_CHECKED pnr_status pnr_pool_wait(pnr_pool *pool, pnr_job *job, pnr_error *err);
/** True if pnr_pool_wait would return at once. */
bool pnr_pool_done(pnr_pool *pool, pnr_job *job);
/** All jobs must have been waited for. Accepts NULL. */
void pnr_pool_free(pnr_pool *pool);

#endif
