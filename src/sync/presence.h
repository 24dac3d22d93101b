/* What is on a remote, as the index remembers it and as package objects say. */
#ifndef PNR_SYNC_PRESENCE_H
#define PNR_SYNC_PRESENCE_H

#include "index/remote.h"
#include "sync/package_object.h"

pnr_presence_row pnr_presence_of_object(const pnr_object_row *object, int64_t confirmed_ms);
pnr_object_row pnr_object_of_presence(const pnr_presence_row *presence);

/**
 * Inside a transaction: remember that @package is on the remote, and all its
 * objects are, those of its text too. For who has just pushed or pulled it, or seen that it is there.
 */
PNR_CHECKED pnr_status pnr_presence_learn(pnr_index *index, int64_t remote_id, const pnr_package_object *package,
                                          int64_t at_ms, pnr_error *err);

#endif
