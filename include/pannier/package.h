/*
 * Packages: from a model's folder to a verified zip (format 1.0), and back.
 *
 * packageHash is the SHA-256 of the text that `sha256sum` prints for the
 * unpacked assets, sorted by byte value of the path, manifest.json left out.
 * archiveHash is the SHA-256 of the zip file.
 */
#ifndef PANNIER_PACKAGE_H
#define PANNIER_PACKAGE_H

#include <pannier/digest.h>
#include <pannier/error.h>
#include <pannier/model.h>
#include <pannier/progress.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

#define PNR_MANIFEST_NAME "manifest.json"
/** Largest manifest that is read, in bytes. */
#define PNR_MANIFEST_MAX (256u << 20)
/** Name of the zip that pack writes if no other is given, in the workspace. */
#define PNR_PACKAGE_NAME "model-package.zip"

/* -------------------------------------------------------------- packing -- */

/** Zero everywhere means the default. Strings may be NULL unless said otherwise. */
typedef struct pnr_pack_options {
	size_t size;               /**< sizeof(pnr_pack_options) */
	const char *workspace;     /**< confinement root; NULL: pnr_workspace_find */
	const char *output_path;   /**< NULL: WORKSPACE/model-package.zip; missing parent folders are made */
	bool include_policies;
	bool exclude_assumptions;
	bool skip_asset_validation; /**< validateAssets: false, for older callers. Needed files are found before anything is read, and a missing one fails, either way */
	bool portable;             /**< no absolutePath in the manifest; always the default encodings */
	bool no_zip;               /**< store and log the package, write no zip */
	bool rehash;               /**< read every file, whatever its times say */
	unsigned level;            /**< 1..12; 0: the default, 6 */
	const char *name;          /**< of the model; NULL: the config's folder relative to the workspace */
	const char *tag;           /**< also give the package this tag */
	const char *note;          /**< for the log */
	const char *const *engine_dirs;    size_t engine_dir_count;
	const char *const *allow_outside;  size_t allow_outside_count;
	pnr_progress_fn progress;
	void *progress_user;
} pnr_pack_options;

/** One file that is needed and not there. */
typedef struct pnr_missing_asset {
	const char *path;      /**< package path */
	const char *reference; /**< as the config has it */
	const char *const *searched; /**< the places, in order */
	size_t searched_count;
} pnr_missing_asset;

/** What packing found and did. Valid fields depend on `success`. Free with pnr_pack_result_free. */
typedef struct pnr_pack_result {
	size_t size;
	bool success;
	const char *error;             /**< if not success: one line */
	pnr_issue *errors;             size_t error_count;   /**< of the config */
	pnr_issue *warnings;           size_t warning_count;
	pnr_missing_asset *missing;    size_t missing_count; /**< all of them */
	/* the rest if success */
	const char *package_path;      /**< absolute; "" with no_zip */
	const char *manifest;          /**< JSON text, UTF-8, as in the zip */
	size_t manifest_length;
	uint64_t package_size;         /**< bytes of the zip; 0 with no_zip */
	uint64_t asset_count;          /**< without the manifest */
	pnr_digest package_hash;
	pnr_digest archive_hash;       /**< all zero with no_zip */
	bool unchanged;                /**< the zip on disk was already this one; it was not written */
	uint64_t assets_hashed;        /**< read in this run */
	uint64_t assets_reused;        /**< not read: known unchanged */
	uint64_t bytes_read;
	uint64_t bytes_compressed;     /**< input of the compressor */
	double seconds;                /**< wall time */
} pnr_pack_result;

/**
 * Package the model that the config at @config_path describes: validate, store
 * what is new, write the zip, log it.
 *
 * What is wrong with the model (a config that is not valid, missing assets,
 * files outside the allowed folders, two sources for one package path) is
 * reported in the result, with PNR_INVALID as status and @out_result set all
 * the same. With any other failure @out_result is untouched. The zip appears
 * under its name only complete and synced; on failure an older one stays as it
 * was. What was logged can be written again by pnr_export, also when naming the
 * zip itself failed.
 *
 * @config_path  "-" reads the config from stdin: its folder is then the current one.
 * Errors: INVALID (also without a result: an option, the output, a config that
 * is no regular file), NOT_FOUND (the config), RETRY (a file changed while it
 * was read), CONFLICT (the tag names another package), CORRUPT (a stored blob),
 * DENIED (a read-only store, permissions), CANCELLED, FULL, IO, BUSY, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_pack(pnr_store *store, const char *config_path,
                                        const pnr_pack_options *options,
                                        pnr_pack_result **out_result, pnr_error *err);
PNR_API void pnr_pack_result_free(pnr_pack_result *result);

/* --------------------------------------------------------------- status -- */

typedef enum pnr_change_kind { PNR_CHANGE_ADDED, PNR_CHANGE_CHANGED, PNR_CHANGE_REMOVED } pnr_change_kind;

typedef struct pnr_change {
	pnr_change_kind kind;
	const char *path;
} pnr_change;

/** Free with pnr_changes_free. */
typedef struct pnr_changes {
	size_t size;
	pnr_change *items; /**< sorted by kind, then path */
	size_t count;
	uint64_t unchanged;
	bool has_base;          /**< false: nothing was packed yet under this name */
	pnr_digest base;        /**< packageHash compared with */
	pnr_issue *errors;      size_t error_count;
	pnr_missing_asset *missing; size_t missing_count;
} pnr_changes;

/**
 * What packing now would change against the newest package of the same model
 * name. Writes nothing. Result and errors as pnr_pack.
 */
PNR_API PNR_CHECKED pnr_status pnr_pack_changes(pnr_store *store, const char *config_path,
                                                const pnr_pack_options *options,
                                                pnr_changes **out_changes, pnr_error *err);
PNR_API void pnr_changes_free(pnr_changes *changes);

/* --------------------------------------------------------------- export -- */

typedef struct pnr_export_options {
	size_t size;
	pnr_progress_fn progress;
	void *progress_user;
} pnr_export_options;

/**
 * Write the zip of a past package again, byte for byte, and check its
 * archiveHash. @output_path NULL: pass the bytes to @write instead, in order.
 *
 * Errors: NOT_FOUND (no such package, or it never had a zip), CORRUPT,
 * CANCELLED, FULL, IO.
 */
PNR_API PNR_CHECKED pnr_status pnr_export(pnr_store *store, const char *ref, const char *output_path,
                                          pnr_write_fn write, void *user,
                                          const pnr_export_options *options, pnr_error *err);

/* --------------------------------------------------------------- import -- */

/** Zero everywhere means the default. */
typedef struct pnr_import_options {
	size_t size;      /**< sizeof(pnr_import_options) */
	const char *name; /**< of the model; NULL: "." */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_import_options;

/** A package that is in the history now. Texts are valid during the callback. */
typedef struct pnr_imported {
	size_t size;
	const char *file;
	const char *created_at;  /**< when it was made, by its manifest: the time of its log entry */
	pnr_digest package_hash;
	pnr_digest archive_hash; /**< of the file */
	uint64_t archive_size;   /**< of the file */
	uint64_t asset_count;
	bool known;              /**< this zip is in the log of this model already: nothing was done */
	bool archive_identical;  /**< pnr_export gives this very zip again; else only its content is kept. Not if known */
} pnr_imported;
typedef int (*pnr_imported_fn)(void *user, const pnr_imported *imported);

/**
 * Make packages that exist, also those of the old packager, history: each is
 * verified, its content is stored, and it is logged with the time at which it was
 * made. They are taken in the order of these times, whatever their order in
 * @files. A file's SHA-256 names its package from then on, also if the store
 * makes another zip of it.
 *
 * The past may come late: log, `latest`, the versions of an asset and what an
 * entry changed go by these times. So a package that is older than the latest is
 * not the latest, and what was packed after it is compared with it. In the chain
 * of hashes its entry is the newest. Those before a failure stay imported; the
 * same call again passes over them.
 *
 * @fn  may be NULL; called for each file when it is in the store. Non-zero stops: CANCELLED.
 * Errors: as pnr_verify, CORRUPT with the first problem in the text, or of the
 * store; CONFLICT (made in the future; none is taken), RETRY (a file changed while
 * it was read), FULL, BUSY.
 */
PNR_API PNR_CHECKED pnr_status pnr_import(pnr_store *store, const char *const *files, size_t count,
                                          const pnr_import_options *options, pnr_imported_fn fn, void *user,
                                          pnr_error *err);

/* ----------------------------------------- verify, unpack, worker-json -- */

/** Where a package comes from: exactly one of both. */
typedef struct pnr_package_source {
	const char *file; /**< a zip */
	pnr_store *store; /**< with @ref */
	const char *ref;
	const char *name; /**< what messages call the file; NULL: its path */
} pnr_package_source;

typedef struct pnr_verify_options {
	size_t size;
	const pnr_digest *expect; /**< packageHash or archiveHash that it must have; NULL: any */
	unsigned threads;         /**< at most 1024; 0: one a core. Changes nothing but the time */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_verify_options;

typedef struct pnr_problem {
	const char *path; /**< package path; "" for the package itself */
	const char *problem;
} pnr_problem;

/** Free with pnr_verify_result_free. */
typedef struct pnr_verify_result {
	size_t size;
	bool valid; /**< problem_count is 0 */
	pnr_digest package_hash;   /**< computed from what is inside; all zero if some of it cannot be read */
	pnr_digest archive_hash;
	bool has_archive_hash;     /**< false for a package that never had a zip */
	bool has_declared_hash;    /**< false: a package of the old packager, whose manifest has no packageHash */
	uint64_t asset_count;
	pnr_problem *problems;  size_t problem_count; /**< at most 1,000, and one that says how many more there are */
	pnr_problem *warnings;  size_t warning_count; /**< likewise */
} pnr_verify_result;

/**
 * Check a package: the container, every entry against the manifest, the
 * manifest against packageHash, and the rules of the config and the mandatory
 * assets on what is inside.
 *
 * Memory: in proportion to the number of assets (for their names and the
 * manifest), and at most 8 MiB a thread.
 *
 * What is wrong with the package is in the result, with PNR_CORRUPT as status
 * and @out_result set all the same. Errors: CORRUPT, NOT_FOUND, INVALID (not a
 * regular file, an option), UNSUPPORTED (a format version or a kind of zip that
 * this build does not read), RETRY (it changed while it was read), CANCELLED,
 * DENIED, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_verify(const pnr_package_source *source,
                                          const pnr_verify_options *options,
                                          pnr_verify_result **out_result, pnr_error *err);

/**
 * The same checks while the files are written to @dir, which appears only when
 * everything was right: on any other outcome nothing remains, but for one. If
 * only the last step fails, syncing the folder that @dir is in, the complete
 * @dir stays and the error says so.
 *
 * @dir  must not exist, or be an empty folder, and not the current one. Missing
 *       folders above it are made.
 * Errors: as pnr_verify; CONFLICT (@dir is in the way), INVALID (a name that the
 * file system refuses), FULL.
 */
PNR_API PNR_CHECKED pnr_status pnr_unpack(const pnr_package_source *source, const char *dir,
                                          const pnr_verify_options *options,
                                          pnr_verify_result **out_result, pnr_error *err);

PNR_API void pnr_verify_result_free(pnr_verify_result *result);

/**
 * The JSON body that the cloud worker takes: {config, wasmBinaries,
 * pythonScripts, assumptionRefs}, config being the pipeline object. Each asset
 * that goes in is checked; nothing is passed to @write unless all are right.
 *
 * The body is built in memory, at most 1 GiB.
 *
 * @out_length  bytes passed on; the worker's limit is 100 MB.
 * Errors: as pnr_verify, without a result; INVALID (no pipeline: nothing to run;
 * a script that is not UTF-8), FULL (over 1 GiB), CANCELLED (by @write).
 */
PNR_API PNR_CHECKED pnr_status pnr_worker_json(const pnr_package_source *source, pnr_write_fn write,
                                               void *user, uint64_t *out_length, pnr_error *err);

PNR_END_DECLS
#endif
