/*
 * A page that is written from its beginning to its end: pieces are gathered and
 * passed on. Appending never fails on the spot, as with a buffer: whoever
 * writes rows calls pnr_page_check after each.
 */
#ifndef PNR_REPORT_PAGE_H
#define PNR_REPORT_PAGE_H

#include "base/buffer.h"
#include "base/progress.h"
#include "base/stream.h"
#include <pannier/digest.h>

typedef struct pnr_page {
	const pnr_sink *sink;
	pnr_meter *meter;
	pnr_buffer text;
	uint64_t bytes; /**< that were passed on */
} pnr_page;

/** Pass on what was gathered, once it is enough. */
PNR_CHECKED pnr_status pnr_page_check(pnr_page *page, pnr_error *err);
/** Pass on all that was gathered. */
PNR_CHECKED pnr_status pnr_page_end(pnr_page *page, pnr_error *err);
/** Accepts a page that was only initialised. */
void pnr_page_free(pnr_page *page);

/** HTML of our own. */
void pnr_page_puts(pnr_page *page, const char *html);
/** The same with numbers and words of our own in it; no floating point, whose
 * form hangs on the locale. */
void pnr_page_printf(pnr_page *page, const char *format, ...) PNR_PRINTF(2, 3);
/**
 * A text of anybody: what means something in HTML is escaped, in attributes
 * too; what is no character to look at (controls, marks that reorder text or
 * take no room, bytes that are no UTF-8) is shown as \xNN or \uNNNN.
 *
 * @limit  characters: "…" stands for the others; 0: all.
 */
void pnr_page_text(pnr_page *page, const char *text, size_t limit);

/** "12,345". */
void pnr_page_number(pnr_page *page, uint64_t number);
/** "17 B", "1.5 KiB": the unit in an element of its own, so that a column
 * aligns. */
void pnr_page_size(pnr_page *page, uint64_t bytes);
/** "17 B", "1.5 KiB", plain. */
#define PNR_SIZE_TEXT 24
char *pnr_size_text(uint64_t bytes, char out_text[PNR_SIZE_TEXT]);
/** "12.34%" of @whole, which is not 0: a length in SVG. */
void pnr_page_length(pnr_page *page, double part, double whole);
/** "12 %": how much of @whole is not in @part; "0 %" if that is not less. */
void pnr_page_saved(pnr_page *page, uint64_t part, uint64_t whole);
/** "2026-03-24 02:00". */
void pnr_page_time(pnr_page *page, int64_t ms);
/** The first 12 digits. */
void pnr_page_hash(pnr_page *page, const pnr_digest *digest);
/** All of them. */
void pnr_page_full_hash(pnr_page *page, const pnr_digest *digest);
/** "The first 1,000 of 2,345 assets; `show` has all.", a paragraph; nothing if none is left out. */
void pnr_page_left_out(pnr_page *page, const char *which, uint64_t shown, uint64_t all, const char *what,
		       const char *elsewhere);

#endif
