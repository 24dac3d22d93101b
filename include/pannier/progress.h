/* Progress and cancellation of long calls. */
#ifndef PANNIER_PROGRESS_H
#define PANNIER_PROGRESS_H

#include <pannier/export.h>
#include <stddef.h>
#include <stdint.h>

PNR_BEGIN_DECLS

typedef enum pnr_phase {
	PNR_PHASE_HASH,   /**< assets are read, hashed and compressed into the store */
	PNR_PHASE_WRITE,  /**< the zip, or the page, is written */
	PNR_PHASE_VERIFY, /**< a package, a store or a remote is checked */
	PNR_PHASE_UNPACK, /**< a package is checked and written to a folder */
	PNR_PHASE_FETCH,  /**< what is missing comes from a remote */
	PNR_PHASE_SEND,   /**< what a remote lacks is sent */
	PNR_PHASE_COMPARE /**< two contents are compared */
} pnr_phase;

/** One report. Valid during the callback only. */
typedef struct pnr_progress {
	size_t size; /**< of this struct, set by the library; later versions append fields */
	pnr_phase phase;
	const char *asset;    /**< package path of the asset in work, or NULL between assets */
	uint64_t bytes_done;  /**< of this phase */
	uint64_t bytes_total; /**< of this phase; 0 if not known */
} pnr_progress;

/**
 * Called now and then, at least once a second of work and at the end of each
 * phase, always on the thread that made the library call. Return 0 to go on;
 * any other value cancels: the call returns PNR_CANCELLED and leaves nothing
 * half-made. It must not call back into the same store.
 */
typedef int (*pnr_progress_fn)(void *user, const pnr_progress *progress);

/** "hash", "write", "verify", "unpack", "fetch", "send", "compare"; "unknown" for other values. */
PNR_API const char *pnr_phase_name(pnr_phase phase);

PNR_END_DECLS
#endif
