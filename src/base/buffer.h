/*
 * A growing byte buffer. Appending never fails on the spot: when memory is
 * exhausted the buffer remembers it and ignores what follows, so a text can be
 * built in straight lines and checked once with pnr_buffer_status.
 */
#ifndef PNR_BASE_BUFFER_H
#define PNR_BASE_BUFFER_H

#include "base/error.h"

typedef struct pnr_buffer {
	char *data;    /**< NUL-terminated once anything was appended; NULL before */
	size_t length; /**< without the NUL */
	size_t capacity;
	bool failed;   /**< memory was exhausted; the content is not complete */
} pnr_buffer;

#define PNR_BUFFER_INIT { NULL, 0, 0, false }

void pnr_buffer_append(pnr_buffer *buffer, const void *data, size_t length);
void pnr_buffer_puts(pnr_buffer *buffer, const char *text);
void pnr_buffer_putc(pnr_buffer *buffer, char c);
void pnr_buffer_printf(pnr_buffer *buffer, const char *format, ...) PNR_PRINTF(2, 3);

/**
 * Make room for @length more bytes and return where they go, NULL when memory is
 * exhausted. Add what was written to `length` afterwards; a NUL stands behind the
 * @length bytes, so after fewer the caller writes one.
 */
char *pnr_buffer_reserve(pnr_buffer *buffer, size_t length);

/** PNR_OK, or PNR_NOMEM (recorded) if any append since init failed. */
PNR_CHECKED pnr_status pnr_buffer_status(const pnr_buffer *buffer, pnr_error *err);

/** The text ("" when nothing was appended), owned by the caller from now on; NULL if the buffer failed. */
char *pnr_buffer_steal(pnr_buffer *buffer);

/** Keep the memory, forget the content and the failure. */
void pnr_buffer_clear(pnr_buffer *buffer);
/** Accepts a buffer that was only initialised; leaves it initialised. */
void pnr_buffer_free(pnr_buffer *buffer);

#endif
