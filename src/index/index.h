/*
 * The index: what the store knows, in SQLite. The only folder with SQL and
 * sqlite3.h. Rows go in and out as plain structs; hashes are digests here and
 * lower-case hex in the tables; texts that come out are valid until the call
 * returns or the callback ends.
 *
 * Threads: one call per handle at a time.
 */
#ifndef PNR_INDEX_INDEX_H
#define PNR_INDEX_INDEX_H

#include "base/buffer.h"
#include <pannier/digest.h>

typedef struct pnr_index pnr_index;

typedef struct pnr_index_options {
	bool create;      /**< make the database if there is none, or an empty file; not with read_only */
	bool read_only;
	unsigned busy_ms; /**< how long to wait for other writers; 0 means 30,000 */
} pnr_index_options;

/**
 * Open (and create, migrate) the database at @path.
 *
 * Creating is safe against another process that does the same. The database is
 * in WAL mode, synchronous=FULL, foreign_keys=ON, trusted_schema=OFF. On a file
 * system on which WAL does not work (network), UNSUPPORTED with a text that
 * names PANNIER_STORE. read_only: immutable=1 only on a read-only file system
 * and without a -wal; else a private copy of db and wal, if the folder cannot be
 * written.
 *
 * Errors: NOT_FOUND, CORRUPT (not a database, another application_id, a
 * failed quick look), UNSUPPORTED (a newer user_version: says which), BUSY,
 * DENIED, FULL, IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_index_open(const char *path, const pnr_index_options *options, pnr_index **out_index,
                                      pnr_error *err);
/** Accepts NULL. An open transaction is rolled back. */
void pnr_index_close(pnr_index *index);

/** BEGIN IMMEDIATE. Calls that write must be inside a transaction: INVALID otherwise, DENIED with read_only. */
PNR_CHECKED pnr_status pnr_index_begin(pnr_index *index, pnr_error *err);
/** On failure the transaction is rolled back. */
PNR_CHECKED pnr_status pnr_index_commit(pnr_index *index, pnr_error *err);
/** Harmless outside a transaction. */
void pnr_index_rollback(pnr_index *index);

/**
 * Answer what is asked from now on from one state of the database: many
 * questions then cost the locks of one. Ends with pnr_index_release or
 * pnr_index_begin; nothing can be written until then. Not for long: while it is
 * held, the write-ahead log of other writers only grows. Harmless when held already,
 * and inside a transaction.
 */
PNR_CHECKED pnr_status pnr_index_hold(pnr_index *index, pnr_error *err);
/** Harmless when nothing is held. */
void pnr_index_release(pnr_index *index);

/* ------------------------------------------------------ blobs, encodings -- */

typedef struct pnr_blob_row {
	int64_t id;
	pnr_digest hash;
	uint64_t size;
	uint32_t crc32;
} pnr_blob_row;

/** NOT_FOUND without a text if there is none. */
PNR_CHECKED pnr_status pnr_index_blob_find(pnr_index *index, const pnr_digest *hash, pnr_blob_row *out_row,
                                           pnr_error *err);
/** Is there any blob of @size bytes? */
PNR_CHECKED pnr_status pnr_index_blob_size_known(pnr_index *index, uint64_t size, bool *out_known,
                                                 pnr_error *err);
/** True if the last write changed a row: after pnr_index_blob_put, if the blob is new. */
bool pnr_index_changed(const pnr_index *index);
/** Insert, or find the row that is there. @row->id is set. */
PNR_CHECKED pnr_status pnr_index_blob_put(pnr_index *index, pnr_blob_row *row, pnr_error *err);

/** What the encoder's name starts with if others made the encoding, who did not say with what. */
#define PNR_ENCODER_RECEIVED "received:"

typedef struct pnr_encoding_row {
	int64_t id, blob_id;
	const char *form;       /**< "stored", "zlib", "gzip" */
	const char *encoder;    /**< pnr_encoder_name of the encoder that made it */
	unsigned level;
	pnr_digest stored_hash;
	uint64_t stored_size;
	const void *data;       /**< the bytes if they are kept here; NULL: in a file */
	bool evicted;           /**< out only: they were given up (evict.h) */
} pnr_encoding_row;

/**
 * The encoding to use for a blob: of @encoder and @level if there is one, else
 * (with @any) one of that @level, else whichever is smallest. Not one whose bytes
 * were given up. NOT_FOUND without a text.
 */
PNR_CHECKED pnr_status pnr_index_encoding_find(pnr_index *index, int64_t blob_id, const char *encoder,
                                               unsigned level, bool any, int64_t *out_id, pnr_error *err);
/**
 * NOT_FOUND without a text. @out_row's texts and data are copied into @arena,
 * which the row then points into: keep it, do not append to it.
 */
PNR_CHECKED pnr_status pnr_index_encoding_get(pnr_index *index, int64_t encoding_id, pnr_buffer *arena,
                                              pnr_encoding_row *out_row, pnr_error *err);
/**
 * The encoding of @row's blob of the same bytes: stored_hash, stored_size. @kept: only if they are there, not one
 * that was given up (evict.h). NOT_FOUND without a text. Not of a database that is only read.
 */
PNR_CHECKED pnr_status pnr_index_encoding_same(pnr_index *index, const pnr_encoding_row *row, bool kept,
                                               int64_t *out_id, pnr_error *err);
/**
 * @id is of the bytes that @row has, and came from others: now it is of @row's encoder and level. NOT_FOUND without a
 * text if it is of an encoder here already.
 */
PNR_CHECKED pnr_status pnr_index_encoding_claim(pnr_index *index, int64_t id, const pnr_encoding_row *row,
                                                pnr_error *err);
/**
 * Insert, or find the row with the same blob, encoder and level, and restore it (evict.h). @row->id is set. Errors:
 * CORRUPT (it was given up and had other bytes).
 */
PNR_CHECKED pnr_status pnr_index_encoding_put(pnr_index *index, pnr_encoding_row *row, pnr_error *err);

/* ---------------------------------------------------------------- caches -- */

/** What identifies the state of a file without reading it. */
typedef struct pnr_file_state {
	uint64_t device, inode, size;
	int64_t mtime_ns, ctime_ns;
} pnr_file_state;

/** The blob of a source file in exactly this state, if it is known and was not racy. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_source_find(pnr_index *index, const pnr_file_state *state,
                                             pnr_blob_row *out_blob, pnr_error *err);
/** Remember. Replaces what was known of that device and inode. */
PNR_CHECKED pnr_status pnr_index_source_put(pnr_index *index, const pnr_file_state *state, int64_t blob_id,
                                            pnr_error *err);
/** The archive that was last written to @path, if the file there is still in this state. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_output_find(pnr_index *index, const char *path, const pnr_file_state *state,
                                             int64_t *out_archive_id, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_output_put(pnr_index *index, const char *path, const pnr_file_state *state,
                                            int64_t archive_id, pnr_error *err);

/** Append what pnr_model_scan found in this model file. NOT_FOUND without a text if it was not searched. */
PNR_CHECKED pnr_status pnr_index_scan_find(pnr_index *index, int64_t blob_id, pnr_buffer *found, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_scan_put(pnr_index *index, int64_t blob_id, const char *found, pnr_error *err);

/** What a pack was asked for: everything that decides its outcome, but what stands at the names that it looks at. */
typedef struct pnr_request {
	pnr_digest asked;  /**< of the config's path, the workspace and the options */
	pnr_digest config; /**< of the config's bytes */
	const char *tool_version;
} pnr_request;

/** What it looked at, and what came of it. */
typedef struct pnr_last_pack_row {
	int64_t archive_id;
	pnr_digest package_hash; /**< out only, as the next two */
	uint64_t asset_count;
	uint64_t total_size;
	uint64_t files; /**< that were found, the config not counted */
	const char *looked_at, *warnings;
} pnr_last_pack_row;

/**
 * The pack that left the zip @path, if it was this @request. Texts are copied
 * into the empty @arena, which @out_row points into. NOT_FOUND without a text if
 * there is none.
 */
PNR_CHECKED pnr_status pnr_index_last_pack_find(pnr_index *index, const char *path, const pnr_request *request,
                                                pnr_buffer *arena, pnr_last_pack_row *out_row, pnr_error *err);
/** Remember. Replaces what was known of @path. */
PNR_CHECKED pnr_status pnr_index_last_pack_put(pnr_index *index, const char *path, const pnr_request *request,
                                               const pnr_last_pack_row *row, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_last_pack_forget(pnr_index *index, pnr_error *err);

/* -------------------------------------------------------------- packages -- */

/** One asset of a package. */
typedef struct pnr_asset_row {
	uint64_t position;       /**< from 0, in manifest order */
	const char *path;        /**< in the package */
	const char *type;
	const char *source_path; /**< absolute, on disk; NULL: not recorded (portable) */
	int64_t blob_id;
	pnr_digest hash;         /**< out only */
	uint64_t size;           /**< out only */
	uint32_t crc32;          /**< out only */
	uint64_t stored_size;    /**< out only: the smallest encoding that is kept */
	bool evicted;            /**< out only: none is */
	const char *uses;        /**< JSON array of {"node": id} and {"role": name}, in config order; "[]" if none */
} pnr_asset_row;

typedef struct pnr_reference_row {
	const char *kind;      /**< "assumption" (assumptions://) or "external" (blob://) */
	const char *role;      /**< mortality, lapse, expenses, policies, model */
	const char *reference; /**< as the config has it */
	const char *name, *version; /**< of an assumption; "" otherwise */
} pnr_reference_row;

/** NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_package_find(pnr_index *index, const pnr_digest *package_hash,
                                              int64_t *out_id, pnr_error *err);
/** Insert a package with its assets and references; if it is there, it is wanted again (evict.h) and @out_id is set. */
PNR_CHECKED pnr_status pnr_index_package_put(pnr_index *index, const pnr_digest *package_hash, int64_t at_ms,
                                             const pnr_asset_row *assets, size_t asset_count,
                                             const pnr_reference_row *references, size_t reference_count,
                                             int64_t *out_id, pnr_error *err);
/**
 * A list of source paths, one a package asset, in order; the same list is kept
 * once. Archives that were made in one folder share it.
 */
PNR_CHECKED pnr_status pnr_index_sources_put(pnr_index *index, const pnr_digest *list_hash,
                                             const pnr_asset_row *assets, size_t asset_count, int64_t *out_id,
                                             pnr_error *err);

typedef pnr_status (*pnr_asset_row_fn)(void *user, const pnr_asset_row *row, pnr_error *err);
typedef pnr_status (*pnr_reference_row_fn)(void *user, const pnr_reference_row *row, pnr_error *err);
/**
 * What the manifest is made of: one query over the assets of a package, in
 * order. @sources_id 0: source paths are NULL.
 */
PNR_CHECKED pnr_status pnr_index_package_assets(pnr_index *index, int64_t package_id, int64_t sources_id,
                                                pnr_asset_row_fn fn, void *user, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_package_references(pnr_index *index, int64_t package_id,
                                                    pnr_reference_row_fn fn, void *user, pnr_error *err);

/* -------------------------------------------------------------- archives -- */

typedef struct pnr_archive_row {
	int64_t id, package_id;
	int64_t sources_id;       /**< 0: portable */
	const char *options;      /**< what else decides its bytes, as JSON text: equal text, equal choice */
	int64_t created_ms;
	pnr_digest manifest_hash; /**< the manifest's bytes are a blob */
	int64_t manifest_blob_id;
	pnr_digest archive_hash;
	uint64_t size;            /**< of the zip */
	bool evicted;             /**< out, of pnr_index_archive_find only: some of it was given up (evict.h) */
} pnr_archive_row;

/** What decides an archive's bytes. */
typedef struct pnr_archive_choice {
	int64_t package_id;
	int64_t sources_id;
	const char *options;
	int64_t created_ms;  /**< -1: whenever */
	const char *encoder; /**< all that it holds was made by this one at @level; NULL: whoever made it */
	unsigned level;
} pnr_archive_choice;

/**
 * The oldest archive of that choice, of those of which nothing was given up if there are any (evict.h). NOT_FOUND
 * without a text. @out_row->options is @choice's.
 */
PNR_CHECKED pnr_status pnr_index_archive_find(pnr_index *index, const pnr_archive_choice *choice,
                                              pnr_archive_row *out_row, pnr_error *err);
/** @encoding_ids: the manifest's first, then one an asset in order. @row->id is set. */
PNR_CHECKED pnr_status pnr_index_archive_put(pnr_index *index, pnr_archive_row *row, const int64_t *encoding_ids,
                                             size_t encoding_count, pnr_error *err);
/** By id. `options` is NULL in the row. */
PNR_CHECKED pnr_status pnr_index_archive_get(pnr_index *index, int64_t archive_id, pnr_archive_row *out_row,
                                             pnr_error *err);
/**
 * Append its options, and the name of the model that its package was last logged
 * under ("" if it never was). NOT_FOUND without a text.
 */
PNR_CHECKED pnr_status pnr_index_archive_about(pnr_index *index, int64_t archive_id, pnr_buffer *options,
                                               pnr_buffer *name, pnr_error *err);
/** The form and size of each encoding that an archive was made of: the manifest's first. */
typedef pnr_status (*pnr_form_fn)(void *user, const char *form, uint64_t stored_size, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_archive_forms(pnr_index *index, int64_t archive_id, pnr_form_fn fn, void *user,
                                               pnr_error *err);
/** The encodings an archive was made of: the manifest's first. Calls @fn for each id. */
typedef pnr_status (*pnr_id_fn)(void *user, int64_t id, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_archive_encodings(pnr_index *index, int64_t archive_id, pnr_id_fn fn,
                                                   void *user, pnr_error *err);

/* ------------------------------------------------------------ log, refs -- */

typedef struct pnr_log_row {
	int64_t id;
	int64_t at_ms;
	bool dated;                  /**< for pnr_record_log: at_ms is given */
	const char *event;
	int64_t package_id;
	int64_t archive_id;          /**< 0: none */
	const char *name, *user, *host, *git_commit;
	int git_dirty;               /**< -1 unknown */
	const char *ci_run, *tool_version, *note, *options;
	pnr_digest previous_hash;    /**< entry_hash of the entry before; zero for the first */
	pnr_digest entry_hash;       /**< of the text that pnr_index_log_text makes */
	/* out only */
	pnr_digest package_hash, archive_hash;
	int64_t created_ms;
	uint64_t archive_size, asset_count;
} pnr_log_row;

/** id and entry_hash of the newest entry; 0 and zero if there is none. */
PNR_CHECKED pnr_status pnr_index_log_head(pnr_index *index, int64_t *out_id, pnr_digest *out_hash,
                                          pnr_error *err);
/**
 * Append the text that an entry's hash is computed over: each field of the row
 * on a line of its own, as `field: value` with control characters escaped
 * (schema/README.md has the exact form). package and archive are named by hash.
 */
PNR_CHECKED pnr_status pnr_index_log_text(pnr_index *index, const pnr_log_row *row, pnr_buffer *out,
                                          pnr_error *err);
PNR_CHECKED pnr_status pnr_index_log_put(pnr_index *index, pnr_log_row *row, pnr_error *err);
typedef int (*pnr_log_row_fn)(void *user, const pnr_log_row *row);
/** Newest first. @name NULL: all. @limit 0: all. Non-zero from @fn stops. */
PNR_CHECKED pnr_status pnr_index_log_list(pnr_index *index, const char *name, uint64_t limit,
                                          pnr_log_row_fn fn, void *user, pnr_error *err);

typedef struct pnr_ref_row {
	int64_t package_id;
	int64_t archive_id;   /**< 0: the package has none, or what was named is none that can be made here */
	pnr_digest package_hash;
	int64_t first_ms;
	uint64_t asset_count, total_size;
	int64_t imported_id;  /**< the entry of its import, if a zip was named that only was imported; else 0 */
} pnr_ref_row;

/**
 * The @skip-th newest log entry (0: the newest) that is no push, of the model
 * @name or of all if NULL. NOT_FOUND without a text.
 */
PNR_CHECKED pnr_status pnr_index_ref_latest(pnr_index *index, const char *name, uint64_t skip,
                                            pnr_ref_row *out_row, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_ref_tag(pnr_index *index, const char *tag, pnr_ref_row *out_row,
                                         pnr_error *err);
/**
 * Packages and archives whose hash starts with @prefix (4 to 64 lower-case hex
 * digits). Errors: NOT_FOUND without a text, CONFLICT (several; the text lists up to four).
 */
PNR_CHECKED pnr_status pnr_index_ref_prefix(pnr_index *index, const char *prefix, pnr_ref_row *out_row,
                                            pnr_error *err);
/** A blob by prefix of its hash, likewise. */
PNR_CHECKED pnr_status pnr_index_blob_prefix(pnr_index *index, const char *prefix, pnr_blob_row *out_row,
                                             pnr_error *err);
/** The blob of @path in a package. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_package_blob(pnr_index *index, int64_t package_id, const char *path,
                                              pnr_blob_row *out_row, pnr_error *err);
/** CONFLICT if the tag names another package or archive and not @force. */
PNR_CHECKED pnr_status pnr_index_tag_put(pnr_index *index, const char *tag, int64_t package_id,
                                         int64_t archive_id, int64_t at_ms, bool force, pnr_error *err);

#endif
