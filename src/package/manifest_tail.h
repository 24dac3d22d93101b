/*
 * A manifest with one more key, the last: what a delta package has, and what a
 * remote keeps of a package. Cut out, it leaves the manifest, byte for byte.
 */
#ifndef PNR_PACKAGE_MANIFEST_TAIL_H
#define PNR_PACKAGE_MANIFEST_TAIL_H

#include "base/json.h"

/**
 * Append to @out the manifest of @length bytes at @text with the key @key, whose
 * value is the JSON text @value. That is made to stand as the rest does.
 * Errors: CORRUPT (@text does not end as our manifests do), NOMEM.
 */
PNR_CHECKED pnr_status pnr_manifest_add_tail(const char *text, size_t length, const char *key, const char *value,
                                             pnr_buffer *out, pnr_error *err);

/**
 * Take such a text apart.
 *
 * @out_value  where the value stands in @text.
 * @out        the manifest is appended.
 * Errors: NOT_FOUND without a text (it has no such key: it may be a manifest as
 * it is), CORRUPT (not JSON; the key is not the last, or does not stand there as
 * pnr_manifest_add_tail writes it), NOMEM.
 */
PNR_CHECKED pnr_status pnr_manifest_cut_tail(const char *text, size_t length, const char *key,
                                             pnr_json_span *out_value, pnr_buffer *out, pnr_error *err);

#endif
