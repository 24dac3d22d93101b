/*
 * What the index knows of the past: versions of assets, who holds a content,
 * how two packages differ, the log from its beginning. Functions as those of
 * index.h.
 */
#ifndef PNR_INDEX_HISTORY_H
#define PNR_INDEX_HISTORY_H

#include "index/index.h"

/** Of one package, newest first. Non-zero from @fn stops. */
PNR_CHECKED pnr_status pnr_index_log_of(pnr_index *index, const pnr_digest *package_hash, pnr_log_row_fn fn, void *user,
                                        pnr_error *err);
/** All entries, oldest first. The first failure of @fn ends it. CORRUPT if a row is not as the schema promises. */
typedef pnr_status (*pnr_log_walk_fn)(void *user, const pnr_log_row *row, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_log_walk(pnr_index *index, pnr_log_walk_fn fn, void *user, pnr_error *err);
/** Append the text of a row that was read: pnr_index_log_text, with the hashes that the row has. */
PNR_CHECKED pnr_status pnr_index_log_row_text(const pnr_log_row *row, pnr_buffer *out, pnr_error *err);
/** How many entries there are, and the largest id that was ever given. */
PNR_CHECKED pnr_status pnr_index_log_extent(pnr_index *index, uint64_t *out_count, int64_t *out_last_id,
                                            pnr_error *err);

/** A zip that was imported. */
typedef struct pnr_imported_row {
	int64_t log_id, package_id;
	pnr_digest archive_hash;
	uint64_t size;
	const char *file; /**< its name */
	int64_t imported_ms;
} pnr_imported_row;
PNR_CHECKED pnr_status pnr_index_imported_put(pnr_index *index, const pnr_imported_row *row, pnr_error *err);
/** What is known of the zip of an import: its package, hash, size and time. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_imported_get(pnr_index *index, int64_t log_id, pnr_archive_row *out_row,
                                              pnr_error *err);
/** The package of a zip that was imported for the model @name, or made here. NOT_FOUND without a text if it was not. */
PNR_CHECKED pnr_status pnr_index_imported_find(pnr_index *index, const pnr_digest *archive_hash, const char *name,
                                               pnr_digest *out_package_hash, pnr_error *err);
/** The row of an import, and what its entry says. */
typedef struct pnr_import_row {
	int64_t log_id;
	pnr_digest package_hash, archive_hash;
	bool same_package; /**< its entry names that package, and is of an import */
	int64_t imported_ms;
	const char *file, *options;
} pnr_import_row;
typedef pnr_status (*pnr_import_row_fn)(void *user, const pnr_import_row *row, pnr_error *err);
/** All imports, in the order of the log. A database of an older version has none. */
PNR_CHECKED pnr_status pnr_index_imports(pnr_index *index, pnr_import_row_fn fn, void *user, pnr_error *err);
/** An entry is ahead of the clock if it is by more than this, in milliseconds. */
#define PNR_CLOCK_SLACK_MS 5000
/** The newest time of an entry. NOT_FOUND without a text if there is none. */
PNR_CHECKED pnr_status pnr_index_log_last_time(pnr_index *index, int64_t *out_ms, pnr_error *err);

typedef struct pnr_version_row {
	pnr_digest hash;
	uint64_t size;
	int64_t first_ms, last_ms;
	pnr_digest first_package, last_package;
	uint64_t packages;
} pnr_version_row;
typedef int (*pnr_version_row_fn)(void *user, const pnr_version_row *row);
/** Every version of the asset @path, oldest first: what the view asset_history shows. Non-zero from @fn stops. */
PNR_CHECKED pnr_status pnr_index_versions(pnr_index *index, const char *path, pnr_version_row_fn fn, void *user,
                                          pnr_error *err);

typedef struct pnr_use_row {
	pnr_digest package_hash;
	const char *path, *type, *uses;
	bool logged;
	const char *name; /**< of the newest entry that is no push; "" if it was not logged, as the times are 0 */
	int64_t first_ms, last_ms; /**< of the first and the newest of them */
} pnr_use_row;
typedef int (*pnr_use_row_fn)(void *user, const pnr_use_row *row);
/** The packages that hold a blob, the one that was logged last first. Non-zero from @fn stops. */
PNR_CHECKED pnr_status pnr_index_uses(pnr_index *index, int64_t blob_id, pnr_use_row_fn fn, void *user, pnr_error *err);

/** A path of one or both of two packages. A side that does not have it has a zero hash and no type. */
typedef struct pnr_pair_row {
	const char *path;
	bool in_old, in_new;
	const char *old_type, *new_type;
	pnr_digest old_hash, new_hash;
	uint64_t old_size, new_size;
} pnr_pair_row;
typedef pnr_status (*pnr_pair_row_fn)(void *user, const pnr_pair_row *row, pnr_error *err);
/** Every path of two packages, sorted. The first failure of @fn ends it. */
PNR_CHECKED pnr_status pnr_index_pairs(pnr_index *index, int64_t old_id, int64_t new_id, pnr_pair_row_fn fn, void *user,
                                       pnr_error *err);

typedef struct pnr_pushed_row {
	const char *remote, *url;
	pnr_digest archive_hash;
	int64_t at_ms;
} pnr_pushed_row;
typedef int (*pnr_pushed_row_fn)(void *user, const pnr_pushed_row *row);
/** The remotes that a package is known to be on, by name. Non-zero from @fn stops. */
PNR_CHECKED pnr_status pnr_index_pushed(pnr_index *index, const pnr_digest *package_hash, pnr_pushed_row_fn fn,
                                        void *user, pnr_error *err);

typedef struct pnr_tag_row {
	const char *name;
	pnr_digest package_hash;
	bool has_archive;
	pnr_digest archive_hash;
	int64_t at_ms;
} pnr_tag_row;
typedef int (*pnr_tag_row_fn)(void *user, const pnr_tag_row *row);
/** By name. Non-zero from @fn stops. */
PNR_CHECKED pnr_status pnr_index_tags(pnr_index *index, pnr_tag_row_fn fn, void *user, pnr_error *err);
/** NOT_FOUND without a text if there is none. */
PNR_CHECKED pnr_status pnr_index_tag_remove(pnr_index *index, const char *tag, pnr_error *err);

typedef struct pnr_totals {
	uint64_t packages, archives, entries, assets, blobs, tags;
	uint64_t bytes_packages, bytes_archives, bytes_raw, bytes_stored, bytes_database;
	bool logged;
	int64_t first_ms, last_ms; /**< of the oldest and the newest entry */
} pnr_totals;
PNR_CHECKED pnr_status pnr_index_totals(pnr_index *index, pnr_totals *out_totals, pnr_error *err);

#endif
