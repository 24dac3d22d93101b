/*
 * The report: what a store holds and how it came about, as a page to look at.
 */
#ifndef PANNIER_REPORT_H
#define PANNIER_REPORT_H

#include <pannier/progress.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

/** What the page shows of each at most; it says what it leaves out. */
#define PNR_REPORT_ENTRIES 100  /**< entries of the log that are listed: the newest */
#define PNR_REPORT_COLUMNS 60   /**< packs whose changes are drawn: the newest */
#define PNR_REPORT_ROWS 40      /**< assets whose changes are drawn: those that these packs changed most */
#define PNR_REPORT_TRANSFERS 50 /**< pushes and pulls that are listed: the newest */
#define PNR_REPORT_REMOTES 50   /**< remotes that are listed: the first by name */
#define PNR_REPORT_ASSETS 1000  /**< assets of the newest package that are listed: the first */
#define PNR_REPORT_TEXT_MAX 300 /**< characters of a note, a name, a URL */

typedef struct pnr_report_options {
	size_t size; /**< sizeof(pnr_report_options) */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_report_options;

typedef struct pnr_report_info {
	size_t size;
	uint64_t bytes;    /**< of the page */
	uint64_t entries;  /**< of the log, of which `listed` are listed */
	uint64_t listed;
	uint64_t compared; /**< packs whose changes are drawn */
	uint64_t assets;   /**< for which they are, of `changed` that these packs changed */
	uint64_t changed;
} pnr_report_info;

/**
 * Write the report of @store: one HTML page that needs nothing else, no network
 * and no script, light or dark as the reader's system is. It shows the packages
 * over time with their sizes, which asset changed when, what the store saves,
 * what was pushed where and what that saved, and the newest package in full.
 *
 * It is what the store was at one moment, whatever others write meanwhile.
 * Texts of the store are escaped; what is not printable is shown as \xNN or
 * \uNNNN. The page's size and the memory it takes have bounds, whatever the
 * store holds: the page of a store whose texts are short stays below 1 MB. Its
 * time is the current one, or that of $SOURCE_DATE_EPOCH: then the same store
 * gives the same bytes.
 *
 * @output_path  becomes visible whole or not at all, replacing a file; missing
 *               folders are made; a link is followed. NULL: to @write.
 * @write, @user unused with @output_path; it has been called with a part of the
 *               page when the call fails.
 * @options      NULL for defaults.
 * @out_info     may be NULL.
 * Errors: INVALID (the output is a folder, a device or a part of the store;
 * SOURCE_DATE_EPOCH), CANCELLED (by @write or the progress), CORRUPT (the
 * index), BUSY, DENIED, FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_report(pnr_store *store, const char *output_path, pnr_write_fn write, void *user,
                                          const pnr_report_options *options, pnr_report_info *out_info, pnr_error *err);

PNR_END_DECLS
#endif
