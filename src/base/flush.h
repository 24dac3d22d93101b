/*
 * A large file on its way to the disk while more is written to it. Left to the
 * sync at the end, all of it would wait until then in caches, those of the device
 * included, and the sync would take as long as writing it once more.
 */
#ifndef PNR_BASE_FLUSH_H
#define PNR_BASE_FLUSH_H

#include "base/pool.h"

/** Initialise fd and name, which must outlive it; the rest is zero. For one thread at a time. */
typedef struct pnr_flush {
	int fd;
	const char *name;
	/* the flush's */
	pnr_job job;
	pnr_pool *pool;
	uint64_t begun; /* bytes of the file that a sync was begun for */
	bool running;
} pnr_flush;

/**
 * The file has @size bytes by now: sync it beside the caller if that are many more
 * than at the last time. Fails when the sync before failed: what it reports, no
 * later one does. Errors: NOMEM, and those of pnr_file_fsync.
 */
PNR_CHECKED pnr_status pnr_flush_behind(pnr_flush *flush, uint64_t size, pnr_error *err);
/** Wait for the last one. Harmless when nothing was begun; MUST come before the file is closed or synced. */
PNR_CHECKED pnr_status pnr_flush_end(pnr_flush *flush, pnr_error *err);
/** As pnr_flush_end: also who gives up waits, as long as the sync that was begun takes. */
void pnr_flush_cleanup(pnr_flush *flush);

#endif
