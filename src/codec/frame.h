/* The zstd frames that patches are: what the stock tool allows them, what their header says (RFC 8878, 3.1.1.1). */
#ifndef PNR_CODEC_FRAME_H
#define PNR_CODEC_FRAME_H

#include "base/error.h"

/** Of the largest window there may be: that of the largest base. */
#define PNR_FRAME_WINDOW_LOG_MAX 28
/** A header that pnr_frame_parse takes is no longer. */
#define PNR_FRAME_HEADER_MAX 14u

typedef struct pnr_frame {
	uint64_t window_size;  /**< memory that a decoder needs */
	uint64_t content_size;
} pnr_frame;

/** The largest window that `zstd -d --patch-from` takes with a base of that size. */
uint64_t pnr_frame_window_max(uint64_t base_size);

/**
 * Read the header that @data, the first bytes of a frame, begins with.
 *
 * @length  PNR_FRAME_HEADER_MAX, or all there is.
 * Errors: CORRUPT: cut short, no zstd frame (or a skippable one, or one of the
 * formats before 2016), a dictionary ID, no content size.
 */
PNR_CHECKED pnr_status pnr_frame_parse(const uint8_t *data, size_t length, pnr_frame *out_frame, pnr_error *err);

/** What zstd's @result, an error, is to a caller: NOMEM, or CORRUPT with @what and its reason. */
pnr_status pnr_frame_fail(size_t result, const char *what, pnr_error *err);

#endif
