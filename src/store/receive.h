/* Inside the store: what was compressed elsewhere becomes an encoding. */
#ifndef PNR_STORE_RECEIVE_H
#define PNR_STORE_RECEIVE_H

#include "store/internal.h"

/**
 * Decode the body of @what once, check that it is the content that is promised,
 * and keep it as it is: in @encoded if it is small, else as an object, finished
 * and not committed.
 */
PNR_CHECKED pnr_status pnr_receive_body(pnr_store *store, const pnr_received *what, pnr_content *out_content,
                                        pnr_encoding *out_encoding, pnr_buffer *encoded, pnr_error *err);

#endif
