/* What the report shows of a store. Functions as those of index.h; the first
 * failure of a callback ends the call. */
#ifndef PNR_INDEX_REPORT_H
#define PNR_INDEX_REPORT_H

#include "index/index.h"

/** What the log spans. */
typedef struct pnr_span {
	uint64_t packs;            /**< entries that are no pushes; the rest is of these */
	int64_t first_ms, last_ms; /**< 0 without one */
	bool many_models;
} pnr_span;
PNR_CHECKED pnr_status pnr_index_report_span(pnr_index *index, pnr_span *out_span, pnr_error *err);

/** When a package was packed, imported or applied, and how large it is. */
typedef struct pnr_sized_row {
	int64_t at_ms;
	uint64_t size, zip; /**< as files; 0 without a zip */
} pnr_sized_row;
typedef pnr_status (*pnr_sized_row_fn)(void *user, const pnr_sized_row *row, pnr_error *err);
/** All of them, oldest first. */
PNR_CHECKED pnr_status pnr_index_report_sizes(pnr_index *index, pnr_sized_row_fn fn, void *user, pnr_error *err);

/** An entry of the log with what it names: a row of the view package_list. */
typedef struct pnr_entry_row {
	int64_t id, at_ms;
	const char *event, *name;
	pnr_digest package_hash;
	bool has_archive;
	pnr_digest archive_hash; /**< zero without an archive, as its size is 0 */
	uint64_t archive_size;
	uint64_t assets, total_size;
	const char *user, *host, *git_commit;
	int git_dirty; /**< -1 unknown */
	const char *ci_run, *tool_version, *note;
} pnr_entry_row;
typedef pnr_status (*pnr_entry_row_fn)(void *user, const pnr_entry_row *row, pnr_error *err);
/** Newest first. @limit 0: all. @pushes: those that are pushes as well. */
PNR_CHECKED pnr_status pnr_index_report_entries(pnr_index *index, bool pushes, uint64_t limit, pnr_entry_row_fn fn,
						void *user, pnr_error *err);

/** An asset of a package: a row of the view package_contents. */
typedef struct pnr_held_row {
	const char *path, *type;
	pnr_digest hash;
	uint64_t size;
	bool kept;            /**< false: its bytes were given up to make room */
	uint64_t stored_size; /**< of the smallest encoding that is there */
} pnr_held_row;
typedef pnr_status (*pnr_held_row_fn)(void *user, const pnr_held_row *row, pnr_error *err);
/** In manifest order. */
PNR_CHECKED pnr_status pnr_index_report_contents(pnr_index *index, const pnr_digest *package_hash, pnr_held_row_fn fn,
						 void *user, pnr_error *err);

/** What an entry did to an asset. */
typedef struct pnr_changed_row {
	const char *name, *path; /**< of the model; in the package */
	int64_t entry;
	const char *change; /**< 'added', 'changed' or 'removed' */
	uint64_t changes;   /**< how many such rows the asset has */
	uint64_t assets;    /**< how many assets have any, those beyond the limit too */
} pnr_changed_row;
typedef pnr_status (*pnr_changed_row_fn)(void *user, const pnr_changed_row *row, pnr_error *err);
/**
 * What the entry @since at @since_ms and those after it changed, as the view package_changes says: of the @limit assets
 * that they changed most, these first, each one's rows together.
 */
PNR_CHECKED pnr_status pnr_index_report_changes(pnr_index *index, int64_t since_ms, int64_t since, uint64_t limit,
						pnr_changed_row_fn fn, void *user, pnr_error *err);

/** A remote and what is known to be there. */
typedef struct pnr_there_row {
	const char *name, *url;
	uint64_t packages;
	bool has_packages;
	int64_t last_ms;      /**< when the newest of them was pushed or pulled */
	uint64_t blobs, size; /**< contents there, and their bytes */
	uint64_t stored_size; /**< bytes of their objects */
	uint64_t patches;     /**< how many of the contents are patches, and the same of
                       these */
	uint64_t patched_size, patches_size;
} pnr_there_row;
typedef pnr_status (*pnr_there_row_fn)(void *user, const pnr_there_row *row, pnr_error *err);
/** By name. */
PNR_CHECKED pnr_status pnr_index_report_remotes(pnr_index *index, pnr_there_row_fn fn, void *user, pnr_error *err);

/** A row of the view transfer_savings. */
typedef struct pnr_saved_row {
	const char *remote, *direction;
	uint64_t transfers, milliseconds;
	uint64_t bytes_sent, bytes_full;
} pnr_saved_row;
typedef pnr_status (*pnr_saved_row_fn)(void *user, const pnr_saved_row *row, pnr_error *err);
/** By remote and direction. */
PNR_CHECKED pnr_status pnr_index_report_savings(pnr_index *index, pnr_saved_row_fn fn, void *user, pnr_error *err);

/** A push or a pull. */
typedef struct pnr_moved_row {
	const char *remote, *direction;
	pnr_digest package_hash;
	int64_t at_ms;
	uint64_t milliseconds;
	uint64_t blobs_needed, blobs_sent, blobs_patched, bytes_sent, bytes_full;
	const char *outcome; /**< 'done', else why it ended */
	uint64_t transfers;  /**< how many there are in all */
} pnr_moved_row;
typedef pnr_status (*pnr_moved_row_fn)(void *user, const pnr_moved_row *row, pnr_error *err);
/** The newest @limit, newest first. */
PNR_CHECKED pnr_status pnr_index_report_transfers(pnr_index *index, uint64_t limit, pnr_moved_row_fn fn, void *user,
						  pnr_error *err);

#endif
