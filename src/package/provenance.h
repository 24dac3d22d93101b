/* Who packs, where, from which commit, in which CI run: what the log keeps of a run. */
#ifndef PNR_PACKAGE_PROVENANCE_H
#define PNR_PACKAGE_PROVENANCE_H

#include "base/buffer.h"
#include <sys/types.h>

typedef struct pnr_provenance {
	char user[128], host[128];
	char git_commit[72]; /* "" outside a checkout */
	int git_dirty;       /* 1, 0, -1 unknown */
	char ci_run[256];
	bool filtered; /* the checkout defines filters of its own: git_dirty stays unknown */
	/* git while it runs */
	pid_t git;
	int git_output;
} pnr_provenance;

/**
 * Start asking. git, if @dir is in a checkout, runs in the background until
 * pnr_provenance_finish; nothing that the checkout's own settings name is run. NULL: git is not asked. Nothing here
 * fails: what cannot be found out stays "".
 */
void pnr_provenance_start(pnr_provenance *provenance, const char *dir);
/** Wait for git, at most 5 s. Harmless if called twice. */
void pnr_provenance_finish(pnr_provenance *provenance);
/** The answer is not wanted any more: end git. Harmless after pnr_provenance_finish. */
void pnr_provenance_drop(pnr_provenance *provenance);

#endif
