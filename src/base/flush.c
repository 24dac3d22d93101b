#include "base/flush.h"
#include "base/file.h"
#include <stddef.h>

#define STEP (32 * PNR_MIB)
#define THREADS 2u /* a pool of one would work on the caller's; of two, only one is ever made */

static void sync_file(pnr_job *job)
{
	const pnr_flush *flush = (const pnr_flush *)(const void *)((const char *)job - offsetof(pnr_flush, job));
	job->status = pnr_file_fsync(flush->fd, flush->name, &job->error);
}

static pnr_status wait(pnr_flush *flush, pnr_error *err)
{
	if (!flush->running)
		return PNR_OK;
	flush->running = false;
	return pnr_pool_wait(flush->pool, &flush->job, err);
}

pnr_status pnr_flush_behind(pnr_flush *flush, uint64_t size, pnr_error *err)
{
	if (size < flush->begun || size - flush->begun < STEP)
		return PNR_OK;
	if (flush->running && !pnr_pool_done(flush->pool, &flush->job))
		return PNR_OK;
	pnr_status status = wait(flush, err);
	if (status == PNR_OK && flush->pool == NULL)
		status = pnr_pool_new(THREADS, &flush->pool, err);
	if (status != PNR_OK)
		return status;
	flush->job.run = sync_file;
	flush->begun = size;
	flush->running = true;
	pnr_pool_submit(flush->pool, &flush->job);
	return PNR_OK;
}

pnr_status pnr_flush_end(pnr_flush *flush, pnr_error *err)
{
	pnr_status status = wait(flush, err);
	pnr_pool_free(flush->pool);
	flush->pool = NULL;
	return status;
}

void pnr_flush_cleanup(pnr_flush *flush)
{
	pnr_ignore(pnr_flush_end(flush, NULL));
}
