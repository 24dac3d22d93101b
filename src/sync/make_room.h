/* Making room in the store after a pull: what goes can be had again. */
#ifndef PNR_SYNC_MAKE_ROOM_H
#define PNR_SYNC_MAKE_ROOM_H

#include "sync/named_remote.h"

/**
 * pnr_store_evict, of what @remote has: it is asked for all objects of a package
 * before that is given up. What is remembered only says which packages to ask
 * for. If it cannot be asked, that is no failure, and what would have to be
 * asked for stays.
 */
PNR_CHECKED pnr_status pnr_make_room(pnr_store *store, const pnr_named_remote *remote, uint64_t limit,
                                     int64_t except_id, pnr_evicted *out_evicted, pnr_error *err);

#endif
