/* Options of the public functions: structs that grow at their end and start with their size. */
#ifndef PNR_BASE_OPTIONS_H
#define PNR_BASE_OPTIONS_H

#include "base/error.h"

/**
 * Copy what @given, an options struct of the caller's build, has of ours: as
 * many bytes as its `size` says, at most @own_size. What it does not have stays
 * as it is in @own. NULL is the defaults.
 *
 * @name  of the struct, for the message.
 * Errors: INVALID (its size is not set).
 */
PNR_CHECKED pnr_status pnr_options_take(void *own, size_t own_size, const void *given, const char *name,
                                        pnr_error *err);

#endif
