/*
 * A model: its config, what the config refers to, which files make its package,
 * and whether they may be read. No I/O but stat, open and read.
 */
#ifndef PNR_MODEL_MODEL_H
#define PNR_MODEL_MODEL_H

#include "base/json.h"
#include "model/trace.h"
#include <pannier/model.h>
#include <sys/stat.h>

/* -------------------------------------------------- a list of issues -- */

/**
 * Builds a pnr_validation. Its texts live in the validation: one line of UTF-8
 * each, at most 4 KiB, control characters and broken bytes shown as '?'. All
 * texts together are bounded; what goes beyond is counted, and the last issue
 * of the list says how many there were.
 */
typedef struct pnr_issues pnr_issues;
PNR_CHECKED pnr_status pnr_issues_new(pnr_issues **out_issues, pnr_error *err);
/** @document and @item may be NULL: no line then. @item locates line and column. Failure to allocate is remembered. */
void pnr_issues_error(pnr_issues *issues, const pnr_json_document *document, const cJSON *item,
                      const char *pointer, const char *format, ...) PNR_PRINTF(5, 6);
void pnr_issues_warning(pnr_issues *issues, const pnr_json_document *document, const cJSON *item,
                        const char *pointer, const char *format, ...) PNR_PRINTF(5, 6);
/** A text that is no JSON: the error that the scanner recorded, at the place that it found. */
void pnr_issues_fault(pnr_issues *issues, const pnr_json_fault *fault, const pnr_error *cause);
/** No error so far. */
bool pnr_issues_valid(const pnr_issues *issues);
/** Append the warnings as text, one line each: line, column, pointer, message, tabs between. False if that is not all. */
bool pnr_issues_save(const pnr_issues *issues, pnr_buffer *out);
/** Add the warnings of such a text, or of any other: it may come from a cache that somebody wrote to. Errors: NOMEM. */
PNR_CHECKED pnr_status pnr_issues_load(pnr_issues *issues, const char *saved, pnr_error *err);
/** Hand the validation over; frees @issues in any case. */
PNR_CHECKED pnr_status pnr_issues_take(pnr_issues *issues, pnr_validation **out_validation, pnr_error *err);
void pnr_issues_free(pnr_issues *issues);

/* -------------------------------------------------------- references -- */

typedef enum pnr_reference_kind {
	PNR_REFERENCE_FILE,       /**< local://X or a bare path */
	PNR_REFERENCE_ASSUMPTION, /**< assumptions://NAME[:VERSION] */
	PNR_REFERENCE_EXTERNAL    /**< blob://... */
} pnr_reference_kind;

/** The texts point into the one that was parsed. */
typedef struct pnr_reference {
	pnr_reference_kind kind;
	const char *path;     /**< of a file; NULL otherwise */
	const char *name;     /**< of an assumption, not terminated; NULL otherwise */
	size_t name_length;
	const char *version;  /**< of an assumption, terminated: as written, a static "latest" if none */
	bool mutable_version; /**< latest or draft: what it names can change */
} pnr_reference;

/** Errors: INVALID (malformed, empty), UNSUPPORTED (another scheme; the text names it). */
PNR_CHECKED pnr_status pnr_reference_parse(const char *text, pnr_reference *out_reference, pnr_error *err);

/* ------------------------------------------------------------ config -- */

typedef struct pnr_config pnr_config;

/**
 * Parse and validate. The text must outlive the config. A wrong config gives
 * PNR_INVALID, with everything that is wrong in @issues; then *out_config is
 * untouched. Warnings are in @issues in any case.
 *
 * Errors: INVALID, NOMEM.
 */
PNR_CHECKED pnr_status pnr_config_parse(const char *text, size_t length, pnr_issues *issues,
                                        pnr_config **out_config, pnr_error *err);
/** Accepts NULL. */
void pnr_config_free(pnr_config *config);
const pnr_json_document *pnr_config_document(const pnr_config *config);
/** The pipeline object, NULL without one. */
const cJSON *pnr_config_pipeline(const pnr_config *config);
/** Fields of a config that hold references. */
#define PNR_CONFIG_REFERENCES_MAX 5u
/** The references of one kind, as the config has them and in package order. Returns how many. */
size_t pnr_config_references(const pnr_config *config, pnr_reference_kind kind,
                             const char *out_texts[PNR_CONFIG_REFERENCES_MAX]);

/** Does a package with these paths hold what @config needs? One error in @issues for each that is missing. */
PNR_CHECKED pnr_status pnr_config_check_assets(const pnr_config *config, const char *const *paths,
                                               size_t path_count, pnr_issues *issues, pnr_error *err);

/** A file of a package. */
typedef struct pnr_package_file {
	char *path;
	const char *type; /**< config, model, wasm, python, policy, assumption; static */
	char *uses;       /**< JSON array of {"node":id} and {"role":name}, compact; "[]" if none */
} pnr_package_file;

typedef struct pnr_package_files {
	pnr_package_file *items;
	size_t count;
} pnr_package_files;

/**
 * All files that a package of @config, which is valid, may hold: each path once,
 * in package order. Which of them are there depends on what was asked for
 * (policies, assumptions) and was found (wrappers of engines).
 */
PNR_CHECKED pnr_status pnr_config_files(const pnr_config *config, pnr_package_files *out_files, pnr_error *err);
/** Leaves it initialised. */
void pnr_package_files_free(pnr_package_files *files);

/** A reference that stays in the cloud. Its texts but `name` are static or belong to the config. */
typedef struct pnr_cloud_reference {
	pnr_reference_kind kind;
	const char *role; /**< model, policies, mortality, lapse, expenses */
	const char *reference;
	char *name;          /**< of an assumption, owned; NULL otherwise, as the next */
	const char *version;
} pnr_cloud_reference;

typedef struct pnr_cloud_references {
	pnr_cloud_reference items[PNR_CONFIG_REFERENCES_MAX];
	size_t count;
} pnr_cloud_references;

/** In the order model, policies, mortality, lapse, expenses; also of what a package leaves out. */
PNR_CHECKED pnr_status pnr_config_cloud(const pnr_config *config, pnr_cloud_references *out_references,
                                        pnr_error *err);
/** Leaves it initialised. */
void pnr_cloud_references_free(pnr_cloud_references *references);

/* ----------------------------------------------- opening, confined -- */

typedef struct pnr_roots pnr_roots;
/** A folder that a walk came through, by identity. It belongs to the roots. */
typedef struct pnr_folder pnr_folder;

/**
 * The folders out of which files may be read. Held open: what is renamed or
 * swapped for a link later does not widen them. Every folder that a walk comes
 * through is remembered, so a file beside a known one costs one stat; of their
 * descriptors a bounded number is open at one time.
 *
 * @base   the folder that relative paths start from (the config's).
 * @trace  gets all that is looked at from now on; must outlive the roots. NULL if nobody wants it.
 * Errors: NOT_FOUND, DENIED, INVALID (not a folder, too deep), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_roots_new(const char *base, pnr_trace *trace, pnr_roots **out_roots, pnr_error *err);
/** @dir relative to the current folder; links in it are followed, it is the user's word. Errors as pnr_roots_new. */
PNR_CHECKED pnr_status pnr_roots_allow(pnr_roots *roots, const char *dir, pnr_error *err);
/** The base folder, absolute and canonical. Valid as long as the roots. */
const char *pnr_roots_base(const pnr_roots *roots);
/** Accepts NULL. All places must be freed or forgotten by then. */
void pnr_roots_free(pnr_roots *roots);

/** Where a path leads, found by walking it component by component without ever following a link unseen. */
typedef struct pnr_place {
	pnr_roots *roots;   /**< which must outlive the place */
	pnr_folder *folder; /**< the folder the file is in; NULL: nothing was found */
	const char *name;   /**< in the folder; points into path */
	char *path;         /**< absolute and canonical, for messages and the manifest; owned */
	struct stat st;     /**< of the file itself: not a link */
	bool inside;        /**< of an allowed folder */
} pnr_place;
#define PNR_PLACE_INIT { .folder = NULL }
/**
 * Find @path. A folder is found too; look at st before anything is opened.
 *
 * Errors: NOT_FOUND (also a dangling link), DENIED (detail ELOOP: links that
 * never end; else no permission to search), INVALID (detail ENAMETOOLONG: no
 * file can have that name), RETRY (a folder was replaced meanwhile), IO, NOMEM.
 * Threads: one call per roots at a time, pnr_place_open excepted.
 */
PNR_CHECKED pnr_status pnr_roots_find(pnr_roots *roots, const char *path, pnr_place *out_place, pnr_error *err);
/**
 * Open what @place found, for reading. Never blocks, never reads a device.
 *
 * Errors: DENIED (outside; unreadable), INVALID ("not a regular file"), RETRY
 * (it is another file by now, or gone), IO.
 * Threads: any number at once.
 */
PNR_CHECKED pnr_status pnr_place_open(const pnr_place *place, int *out_fd, pnr_error *err);
/** Leaves it initialised. For PNR_CLEANUP. */
void pnr_place_free(pnr_place *place);

/* --------------------------------------------------------- selection -- */

/** Zero is the default of every field but @workspace. */
typedef struct pnr_select_options {
	const char *workspace; /**< canonical */
	bool include_policies;
	bool exclude_assumptions;
	bool config_in_memory; /**< the config was not read from config_path, which only gives the folder */
	const char *const *engine_dirs;   size_t engine_dir_count;
	const char *const *allow_outside; size_t allow_outside_count;
	pnr_trace *trace; /**< gets all that is looked at; must outlive the selection. May be NULL */
} pnr_select_options;

/** One file that goes into the package. */
typedef struct pnr_candidate {
	char *path;       /**< in the package */
	const char *type; /**< config, model, wasm, python, policy, assumption; static */
	char *reference;  /**< as the config has it; of the config, its path */
	char *uses;       /**< as of pnr_package_file; of the first one of a path, for all of that path */
	char *pointer;    /**< of the reference in the config, for issues; "" for the config */
	const cJSON *item; /**< at @pointer; the config's, NULL for the config */
	pnr_place place;  /**< of a config in memory: only path, config_path */
} pnr_candidate;

typedef struct pnr_missing {
	char *path, *reference;
	char **searched;
	size_t searched_count;
} pnr_missing;

/** Free with pnr_selection_free. */
typedef struct pnr_selection {
	pnr_roots *roots;          /**< the places are valid as long as these */
	pnr_candidate *candidates; /**< in package order; the first is the config; one for each source that names the path */
	size_t candidate_count;
	pnr_missing *missing;      /**< all of them */
	size_t missing_count;
} pnr_selection;

/**
 * Which files make the package of @config, in which order, under which names.
 * Several sources for one package path are all reported, next to each other:
 * the caller refuses them unless their bytes are the same. The same file named
 * twice is one candidate, with all its uses.
 *
 * What is wrong (outside the roots, not a regular file, a name that may not be
 * packaged, a name that is taken when case is ignored) is in @issues as errors;
 * what is missing in the selection. Both can be many, and both leave PNR_OK.
 *
 * @config       must outlive the selection.
 * @config_path  on disk, absolute.
 * Errors: NOT_FOUND (the config), INVALID (a folder of the options is not
 * there), DENIED, RETRY (the tree changed meanwhile), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_select(const pnr_config *config, const char *config_path,
                                  const pnr_select_options *options, pnr_issues *issues,
                                  pnr_selection **out_selection, pnr_error *err);
/** Accepts NULL. */
void pnr_selection_free(pnr_selection *selection);

/**
 * The assumptions:// references in the text of a model file that differ (in name
 * or version; none means latest), each followed by a newline: as many of them as
 * pnr_model_warn can need. @text may be any bytes. Failure is left in @found.
 */
void pnr_model_scan(const char *text, size_t length, pnr_buffer *found);
/** Warn of each reference that pnr_model_scan @found and no reference of @config covers, at most twenty. */
void pnr_model_warn(const pnr_config *config, const char *found, pnr_issues *issues);

#endif
