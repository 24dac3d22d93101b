/*
 * The store: content-addressed assets, the packages made of them, and the log
 * of what was packed when. A store is a folder, usually `.pannier` at the top
 * of the workspace.
 */
#ifndef PANNIER_STORE_H
#define PANNIER_STORE_H

#include <pannier/digest.h>
#include <pannier/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PNR_BEGIN_DECLS

/** Name of a store's folder in a workspace. */
#define PNR_STORE_NAME ".pannier"

typedef struct pnr_store pnr_store;

/**
 * Find the workspace of a config: @explicit_dir if not NULL, else the folder at
 * or above the config's that holds a store, else the top of the git checkout,
 * else the config's folder. A store that another user put into a folder that
 * everyone may write, such as /tmp, is passed over. Nothing is created.
 *
 * @config_path    the config file, which need not exist; its folder must.
 * @out_workspace  absolute, canonical; free() it.
 * Errors: NOT_FOUND (a named folder does not exist), DENIED, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_workspace_find(const char *config_path, const char *explicit_dir,
                                                  char **out_workspace, pnr_error *err);

/**
 * Find the store to use: @explicit_dir if not NULL, else $PANNIER_STORE, else
 * the nearest PNR_STORE_NAME at or above @workspace, else WORKSPACE/.pannier,
 * which need not exist yet. Nothing is created.
 *
 * @out_dir  absolute; free() it.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_find(const char *workspace, const char *explicit_dir,
                                              char **out_dir, pnr_error *err);

typedef struct pnr_store_options {
	size_t size;        /**< sizeof(pnr_store_options) */
	bool create;        /**< make the store if there is none */
	bool read_only;     /**< never write, not even a lock file; any call that must write returns DENIED */
	unsigned busy_ms;   /**< how long to wait for other writers; 0 means 30,000 */
	unsigned threads;   /**< for hashing and compressing; 0 means one a core. One more waits for the disk. */
} pnr_store_options;

/**
 * Open the store at @dir. Several processes may have it open and write at once.
 *
 * @options  NULL for defaults: an existing store, for reading and writing.
 * @out_created  may be NULL; true if this call made the store.
 * Errors: NOT_FOUND (no store and not asked to create), UNSUPPORTED (a newer
 * format, or a file system that SQLite cannot lock), CORRUPT (a database that is
 * not ours), BUSY, DENIED, IO, FULL, NOMEM.
 * Threads: one call per handle at a time.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_open(const char *dir, const pnr_store_options *options,
                                              pnr_store **out_store, bool *out_created, pnr_error *err);

/** Close and free. Accepts NULL. */
PNR_API void pnr_store_close(pnr_store *store);

/** The store's folder, absolute. Valid as long as the handle. */
PNR_API const char *pnr_store_dir(const pnr_store *store);

/* ------------------------------------------------------------- the log -- */

/** One event. Strings are "" where nothing is known, never NULL. */
typedef struct pnr_log_entry {
	size_t size;
	int64_t id;            /**< in the order in which entries were written; not without gaps */
	const char *at;        /**< ISO 8601 UTC with milliseconds; of an import when its zip was made */
	const char *event;     /**< "pack", "push", "pull", "apply", "import" */
	const char *name;      /**< of the model */
	pnr_digest package_hash;
	bool has_archive;      /**< false if no zip was made */
	pnr_digest archive_hash;
	const char *created_at; /**< of the archive */
	uint64_t archive_size;  /**< bytes of the zip */
	uint64_t asset_count;
	const char *user, *host;
	const char *git_commit; /**< 40 or 64 hex digits */
	int git_dirty;          /**< 1 dirty, 0 clean, -1 unknown */
	const char *ci_run;
	const char *tool_version;
	const char *note;
	const char *options;   /**< JSON object: how it was asked for; "" where nothing is known */
	pnr_digest previous_hash; /**< entry_hash of the entry before; all zero in the first */
	pnr_digest entry_hash;    /**< SHA-256 of the entry's text (schema/README.md) */
} pnr_log_entry;

/** Return non-zero to stop early; that is not an error. */
typedef int (*pnr_log_fn)(void *user, const pnr_log_entry *entry);

/**
 * Report the log, newest first, by the times of its entries. Strings are valid during the callback.
 *
 * @name   only this model's entries; NULL for all.
 * @limit  at most so many; 0 for all.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_log(pnr_store *store, const char *name, uint64_t limit,
                                             pnr_log_fn fn, void *user, pnr_error *err);

/* ------------------------------------------------- packages and assets -- */

/** What a REF names. Free with pnr_package_info_free. */
typedef struct pnr_package_info {
	size_t size;
	pnr_digest package_hash;
	bool has_archive; /**< an archive hash was named, or the package has an archive: then the newest one */
	pnr_digest archive_hash;
	pnr_digest manifest_hash;
	uint64_t archive_size;
	const char *created_at; /**< of the archive; "" without one */
	const char *first_at;   /**< when the package's content was first stored */
	uint64_t asset_count;
	uint64_t total_size;    /**< bytes of all assets */
	bool imported;          /**< the archive is an imported one, not to be made here: manifest_hash is all 0 */
} pnr_package_info;

/**
 * Resolve @ref: packageHash, archiveHash or an unambiguous prefix of 4 hex
 * digits or more, `latest`, `latest~N`, a tag, or `NAME@latest`. latest~N is
 * entry N of what pnr_store_log reports, from 0, where pushes do not count.
 *
 * Errors: NOT_FOUND, INVALID (not a ref), CONFLICT (ambiguous; the text names the candidates), IO.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_resolve(pnr_store *store, const char *ref,
                                                 pnr_package_info **out_info, pnr_error *err);
PNR_API void pnr_package_info_free(pnr_package_info *info);

/**
 * By how many milliseconds the newest entry of the log is ahead of this machine's
 * clock; 0 if it is by no more than 5 s. What is logged then gets the time of that
 * entry, and the clock's in its options, as "clock".
 * Errors: CORRUPT, IO.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_clock_behind(pnr_store *store, uint64_t *out_ms, pnr_error *err);

/** One asset of a package, in manifest order. */
typedef struct pnr_asset_info {
	size_t size;
	const char *path; /**< in the package */
	const char *type; /**< config, model, wasm, python, assumption, policy */
	pnr_digest hash;
	uint64_t bytes;
	uint64_t stored_bytes; /**< what it costs in the store; the smallest encoding if there are several */
	bool evicted;          /**< its content was given up to make room, and costs nothing */
} pnr_asset_info;

typedef int (*pnr_asset_fn)(void *user, const pnr_asset_info *asset);

/** Report the assets of the package that @ref names. Errors as pnr_store_resolve. */
PNR_API PNR_CHECKED pnr_status pnr_store_assets(pnr_store *store, const char *ref, pnr_asset_fn fn,
                                                void *user, pnr_error *err);

/** Receives bytes in order. Return non-zero to stop: the call then returns PNR_CANCELLED. */
typedef int (*pnr_write_fn)(void *user, const void *data, size_t length);

/**
 * Give back the bytes of one asset: @what is its hash, an unambiguous prefix of
 * it, or `REF:PATH`. The bytes are checked while they are passed on; only PNR_OK
 * says that all of them were right.
 *
 * Errors: NOT_FOUND, INVALID, CONFLICT (ambiguous), CORRUPT, CANCELLED, IO.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_cat(pnr_store *store, const char *what, pnr_write_fn write,
                                             void *user, pnr_error *err);

/** PNR_OK if @name may be given as a tag; INVALID says why not. Threads: any. */
PNR_API PNR_CHECKED pnr_status pnr_tag_check(const char *name, pnr_error *err);

/**
 * Give @tag the package and archive that @ref names.
 *
 * Errors: CONFLICT (the tag names another package and @force is false),
 * INVALID (not a tag name), NOT_FOUND (the ref).
 */
PNR_API PNR_CHECKED pnr_status pnr_store_tag(pnr_store *store, const char *tag, const char *ref,
                                             bool force, pnr_error *err);

PNR_END_DECLS
#endif
