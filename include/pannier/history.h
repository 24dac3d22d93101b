/*
 * Questions about what is in a store: what changed and when, who uses a file,
 * whether the log is as it was written. Nothing here but tags is written.
 *
 * A function that reports to a callback stops early when that returns non-zero,
 * which is not an error; texts are valid during the callback.
 */
#ifndef PANNIER_HISTORY_H
#define PANNIER_HISTORY_H

#include <pannier/digest.h>
#include <pannier/error.h>
#include <pannier/package.h>
#include <pannier/progress.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

/* ------------------------------------------------------------- the log -- */

/**
 * Report the entries of one package, newest first, as pnr_store_log does. A
 * package that was never logged has none.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_package_log(pnr_store *store, const pnr_digest *package_hash, pnr_log_fn fn,
                                                     void *user, pnr_error *err);

/** What pnr_store_log_check found. */
typedef struct pnr_log_check {
	size_t size;
	uint64_t entries;     /**< that are right, from the oldest on */
	int64_t head;         /**< id of the newest of them; 0: the log is empty */
	pnr_digest head_hash; /**< its entry_hash: whoever notes it can tell later that nothing before it was changed */
	int64_t bad;          /**< id of the first entry that is not right; 0: all are */
	char problem[200];    /**< what is wrong with it; "" if nothing is */
} pnr_log_check;

/**
 * Compute the hash of every entry of the log again, oldest first, and compare
 * it with what the entry says and with what the next one says of it. Found is
 * every entry that was changed, removed or put in since; entries removed from
 * the end, as long as the database's count of them was left alone.
 *
 * @expect     a hash that an entry must have, such as an older head_hash; NULL: any will do.
 * @out_check  set with PNR_OK, CORRUPT and NOT_FOUND.
 * Errors: CORRUPT (an entry is not right), NOT_FOUND (no entry has the hash @expect), IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_log_check(pnr_store *store, const pnr_digest *expect, pnr_log_check *out_check,
                                                   pnr_error *err);

/* ------------------------------------------------- versions and packages -- */

/** One content that was at a path. */
typedef struct pnr_asset_version {
	size_t size;
	pnr_digest hash;
	uint64_t bytes;
	const char *first_at, *last_at; /**< of the first and the newest log entry with it; pushes do not count */
	pnr_digest first_package, last_package;
	uint64_t packages; /**< how many hold it */
} pnr_asset_version;
typedef int (*pnr_asset_version_fn)(void *user, const pnr_asset_version *version);

/** Report every version of the asset @path (in the package), oldest first. Errors: NOT_FOUND (there never was one), IO. */
PNR_API PNR_CHECKED pnr_status pnr_store_history(pnr_store *store, const char *path, pnr_asset_version_fn fn,
                                                 void *user, pnr_error *err);

/** A package that holds a content. */
typedef struct pnr_use {
	size_t size;
	pnr_digest package_hash;
	const char *path; /**< in the package */
	const char *type;
	const char *uses; /**< JSON array of {"node": id} and {"role": name}: who in the config needs it */
	const char *name; /**< of the model, in its newest log entry that is no push; "" if there is none */
	const char *first_at, *last_at; /**< of the first and the newest of these; "" likewise */
} pnr_use;
typedef int (*pnr_use_fn)(void *user, const pnr_use *use);

/**
 * Report the packages that hold a content, those that were logged last first.
 *
 * @what  its hash, an unambiguous prefix of it, or REF:PATH.
 * @out_hash, @out_bytes  the content; may be NULL.
 * Errors: NOT_FOUND, INVALID, CONFLICT (ambiguous), IO.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_uses(pnr_store *store, const char *what, pnr_use_fn fn, void *user,
                                              pnr_digest *out_hash, uint64_t *out_bytes, pnr_error *err);

/** A place that a package is known to be at. */
typedef struct pnr_pushed {
	size_t size;
	const char *remote, *url;
	const char *at;          /**< when it was pushed or pulled, the last time */
	pnr_digest archive_hash; /**< of the zip */
} pnr_pushed;
typedef int (*pnr_pushed_fn)(void *user, const pnr_pushed *pushed);

/** Report the remotes that a package is known to be on, by name. */
PNR_API PNR_CHECKED pnr_status pnr_store_pushed(pnr_store *store, const pnr_digest *package_hash, pnr_pushed_fn fn,
                                                void *user, pnr_error *err);

/* ---------------------------------------------------------- differences -- */

/** An asset that differs between two packages. What it is not in has a zero hash. */
typedef struct pnr_asset_change {
	pnr_change_kind kind;
	const char *path;
	const char *type; /**< the newer one */
	pnr_digest old_hash, new_hash;
	uint64_t old_bytes, new_bytes;
} pnr_asset_change;

/** Free with pnr_comparison_free. */
typedef struct pnr_comparison {
	size_t size;
	pnr_digest old_package, new_package;
	pnr_asset_change *items; /**< by kind, then path */
	size_t count;
	uint64_t unchanged;
} pnr_comparison;

/**
 * Compare two packages by the content at each path.
 *
 * @only  fnmatch(3) pattern: only paths that it matches count; `*` matches `/` as well. NULL: all.
 * Errors: as pnr_store_resolve; NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_compare(pnr_store *store, const char *old_ref, const char *new_ref,
                                                 const char *only, pnr_comparison **out_comparison, pnr_error *err);
PNR_API void pnr_comparison_free(pnr_comparison *comparison);

typedef struct pnr_diff_options {
	size_t size;
	pnr_progress_fn progress;
	void *progress_user;
} pnr_diff_options;

/** Largest content that is compared by lines, in bytes, and the most lines it may have. */
#define PNR_DIFF_TEXT_MAX (64u << 20)
#define PNR_DIFF_LINES_MAX (4u << 20)

/**
 * Compare two contents line by line and pass on what differs in unified format,
 * three lines of context, without the two lines that name the files. The edits
 * are the fewest that there are (Myers, "An O(ND) Difference Algorithm and Its
 * Variations", 1986), unless they are many thousand: then they may be more.
 *
 * Memory: both contents and some 50 bytes a line.
 *
 * @options  NULL for defaults.
 * Errors: UNSUPPORTED (one of them is not text: a NUL in its first 8,000
 * bytes; or larger than PNR_DIFF_TEXT_MAX or PNR_DIFF_LINES_MAX), NOT_FOUND
 * (no such content; evicted), CORRUPT, CANCELLED (by @write or progress), IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_diff_text(pnr_store *store, const pnr_digest *old_hash,
                                                   const pnr_digest *new_hash, const pnr_diff_options *options,
                                                   pnr_write_fn write, void *user, pnr_error *err);

/** One cell of a row that differs. What is not there is NULL. */
typedef struct pnr_cell_change {
	const char *column;
	const char *old_value, *new_value;
} pnr_cell_change;

typedef struct pnr_row_change {
	size_t size;
	pnr_change_kind kind;
	const char *const *key; /**< its cells, one a key column */
	size_t key_count;
	uint64_t old_line, new_line;  /**< where the row starts, from 1; 0: it is not there */
	uint64_t repeat;              /**< 0; n: so many rows before it have the same key */
	const pnr_cell_change *cells; /**< those that differ; all of a row that was added or removed */
	size_t cell_count;
} pnr_row_change;
typedef int (*pnr_row_change_fn)(void *user, const pnr_row_change *row);

/** Free with pnr_table_diff_free. */
typedef struct pnr_table_diff {
	size_t size;
	uint64_t added, removed, changed, unchanged; /**< rows */
	uint64_t cells_changed;                      /**< in rows that changed */
	uint64_t old_repeats, new_repeats;           /**< rows whose key an earlier row has */
	uint64_t old_repeat_line, new_repeat_line;   /**< the first of them by key; 0: there is none */
	char **columns_added;
	size_t columns_added_count;
	char **columns_removed;
	size_t columns_removed_count;
} pnr_table_diff;

/** Longest row of a table that is compared, in bytes, and the most columns it may have. */
#define PNR_TABLE_ROW_MAX (1u << 20)
#define PNR_TABLE_COLUMNS_MAX 4096u

/**
 * Compare two tables (RFC 4180: commas, quotes doubled inside quotes; the first
 * row names the columns) row by row. Rows belong together by the cells of the
 * key columns; several rows of one key in their order. Columns belong together
 * by name. Rows are reported in the order of their keys, plain numbers by value.
 *
 * Memory: some 40 MiB, whatever the size of the tables; beyond that they are
 * sorted in a file without a name in the store's folder, or in $TMPDIR if the
 * store was opened read-only.
 *
 * @keys     names of the key columns, @key_count of them.
 * @options  NULL for defaults.
 * @fn       may be NULL.
 * Errors: INVALID (not a table, a longer row, more columns: the text says why and where; no such column, or one twice),
 * FULL, NOT_FOUND (no such content; evicted), CORRUPT, CANCELLED (@fn or progress returned non-zero), IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_diff_table(pnr_store *store, const pnr_digest *old_hash,
                                                    const pnr_digest *new_hash, const char *const *keys,
                                                    size_t key_count, const pnr_diff_options *options,
                                                    pnr_row_change_fn fn, void *user, pnr_table_diff **out_diff,
                                                    pnr_error *err);
PNR_API void pnr_table_diff_free(pnr_table_diff *diff);

/* ----------------------------------------------------------------- tags -- */

typedef struct pnr_tag_info {
	size_t size;
	const char *name;
	pnr_digest package_hash;
	bool has_archive; /**< it names one archive of the package */
	pnr_digest archive_hash;
	const char *at; /**< when it was set */
} pnr_tag_info;
typedef int (*pnr_tag_fn)(void *user, const pnr_tag_info *tag);

/** Report the tags, by name. */
PNR_API PNR_CHECKED pnr_status pnr_store_tags(pnr_store *store, pnr_tag_fn fn, void *user, pnr_error *err);

/** Remove @tag; what it names stays. Errors: NOT_FOUND, BUSY, DENIED, FULL, IO. */
PNR_API PNR_CHECKED pnr_status pnr_store_untag(pnr_store *store, const char *tag, pnr_error *err);

/* ---------------------------------------------------------- the numbers -- */

typedef struct pnr_statistics {
	size_t size;
	uint64_t packages; /**< different ones */
	uint64_t archives; /**< zips that were made */
	uint64_t entries;  /**< of the log */
	uint64_t assets;   /**< in all packages, each time that one is in a package */
	uint64_t blobs;    /**< different contents, manifests included */
	uint64_t tags;
	uint64_t bytes_packages; /**< of all assets of all packages: what keeping each package as files would take */
	uint64_t bytes_archives; /**< of all zips: what keeping each zip would take */
	uint64_t bytes_raw;      /**< of the different contents */
	uint64_t bytes_stored;   /**< of what is kept of them */
	uint64_t bytes_database; /**< of the database: what is kept in it included */
	char first_at[32], last_at[32]; /**< of the log's oldest and newest entry; "" without one */
} pnr_statistics;

PNR_API PNR_CHECKED pnr_status pnr_store_statistics(pnr_store *store, pnr_statistics *out_statistics, pnr_error *err);

PNR_END_DECLS
#endif
