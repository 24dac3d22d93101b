/*
 * The shim between SQLite and the system: a VFS that passes every call on to
 * SQLite's default one, but asks the gate of base/file.h first, as all our own
 * file calls do.
 */
#ifndef PNR_INDEX_VFS_H
#define PNR_INDEX_VFS_H

#include "base/error.h"

#define PNR_VFS_NAME "pannier"

/** Register the shim if it is not yet. Threads: any. Errors: NOMEM, IO (SQLite has no default VFS). */
PNR_CHECKED pnr_status pnr_vfs_register(pnr_error *err);

#endif
