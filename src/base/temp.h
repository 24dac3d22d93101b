/*
 * Temporary files and folders that become visible by one rename, or never.
 *
 * A temporary is named `.<target>.pnr-<pid>-<number>` beside its target, is
 * locked with flock while its writer lives, and is removed by whoever finds it
 * without an owner: the next writer of the same target.
 */
#ifndef PNR_BASE_TEMP_H
#define PNR_BASE_TEMP_H

#include "base/error.h"

typedef struct pnr_temp {
	int dir;      /**< of the target; a duplicate, owned */
	int fd;       /**< the file, read-write, or the folder; owned; -1: nothing */
	bool is_dir;
	char *name;   /**< in dir */
	char *target; /**< in dir */
} pnr_temp;

#define PNR_TEMP_INIT { -1, -1, false, NULL, NULL }

/** Make a temporary file for @target (a bare name) in the folder @dirfd; leftovers for it are removed. */
PNR_CHECKED pnr_status pnr_temp_file(int dirfd, const char *target, pnr_temp *out_temp, pnr_error *err);
/** The same for a folder. */
PNR_CHECKED pnr_status pnr_temp_dir(int dirfd, const char *target, pnr_temp *out_temp, pnr_error *err);

/**
 * fsync, rename to the target (replacing a file; for a folder, nothing or an
 * empty folder), fsync the parent. On failure before the rename the temporary
 * is removed. A failed fsync of the parent is reported, though the name is there.
 */
PNR_CHECKED pnr_status pnr_temp_publish(pnr_temp *temp, pnr_error *err);

/** Remove it unless it was published. Accepts PNR_TEMP_INIT; for PNR_CLEANUP. */
void pnr_temp_discard(pnr_temp *temp);

#endif
