/*
 * A model: its config, what the config refers to, which files make its package,
 * and whether they may be read. No I/O but stat, open and read.
 */
#ifndef PNR_MODEL_MODEL_H
#define PNR_MODEL_MODEL_H

#include "base/json.h"
#include <pannier/model.h>
#include <sys/stat.h>

/* -------------------------------------------------- a list of issues -- */

/** Builds a pnr_validation. Its texts live in the validation. */
typedef struct pnr_issues pnr_issues;
PNR_CHECKED pnr_status pnr_issues_new(pnr_issues **out_issues, pnr_error *err);
/** @document and @item may be NULL: no line then. @item locates line and column. Failure to allocate is remembered. */
void pnr_issues_error(pnr_issues *issues, const pnr_json_document *document, const cJSON *item,
                      const char *pointer, const char *format, ...) PNR_PRINTF(5, 6);
void pnr_issues_warning(pnr_issues *issues, const pnr_json_document *document, const cJSON *item,
                        const char *pointer, const char *format, ...) PNR_PRINTF(5, 6);
bool pnr_issues_valid(const pnr_issues *issues);
/** Hand the validation over; frees @issues in any case. */
PNR_CHECKED pnr_status pnr_issues_take(pnr_issues *issues, pnr_validation **out_validation, pnr_error *err);
void pnr_issues_free(pnr_issues *issues);

/* -------------------------------------------------------- references -- */

typedef enum pnr_reference_kind {
	PNR_REFERENCE_FILE,       /**< local://X or a bare path */
	PNR_REFERENCE_ASSUMPTION, /**< assumptions://NAME[:VERSION] */
	PNR_REFERENCE_EXTERNAL    /**< blob://... */
} pnr_reference_kind;

typedef struct pnr_reference {
	pnr_reference_kind kind;
	const char *path;    /**< of a file: points into the text that was parsed */
	char name[256];      /**< of an assumption */
	char version[256];   /**< of an assumption: as written, "latest" if none */
	bool mutable_version; /**< latest or draft */
} pnr_reference;

/** Errors: INVALID (malformed, empty), UNSUPPORTED (another scheme; the text names it). */
PNR_CHECKED pnr_status pnr_reference_parse(const char *text, pnr_reference *out_reference, pnr_error *err);

/* ------------------------------------------------------------ config -- */

typedef struct pnr_config pnr_config;

/**
 * Parse and validate. The text must outlive the config. A wrong config gives
 * PNR_INVALID, with everything that is wrong in @issues; then *out_config is
 * untouched. Warnings are in @issues in any case.
 */
PNR_CHECKED pnr_status pnr_config_parse(const char *text, size_t length, pnr_issues *issues,
                                        pnr_config **out_config, pnr_error *err);
void pnr_config_free(pnr_config *config);
const pnr_json_document *pnr_config_document(const pnr_config *config);
/** The pipeline object, NULL without one. */
const cJSON *pnr_config_pipeline(const pnr_config *config);

/** Does a package with these paths hold what @config needs? One error in @issues for each that is missing. */
PNR_CHECKED pnr_status pnr_config_check_assets(const pnr_config *config, const char *const *paths,
                                               size_t path_count, pnr_issues *issues, pnr_error *err);

/* ----------------------------------------------- opening, confined -- */

typedef struct pnr_roots pnr_roots;

/**
 * The folders out of which files may be read. Held open: what is renamed or
 * swapped for a link later does not widen them.
 *
 * @base  the folder that relative paths start from (the config's).
 */
PNR_CHECKED pnr_status pnr_roots_new(const char *base, pnr_roots **out_roots, pnr_error *err);
PNR_CHECKED pnr_status pnr_roots_allow(pnr_roots *roots, const char *dir, pnr_error *err);
void pnr_roots_free(pnr_roots *roots);

/** Where a path leads, found by walking it component by component without ever following a link unseen. */
typedef struct pnr_place {
	int dir;            /**< the folder the file is in; owned */
	char *name;         /**< in dir; owned */
	char *path;         /**< absolute and canonical, for messages and the manifest; owned */
	struct stat st;     /**< of the file itself: not a link */
	bool inside;        /**< of an allowed folder */
} pnr_place;
#define PNR_PLACE_INIT { .dir = -1 }
/** Errors: NOT_FOUND (also a dangling link), DENIED (links that never end, no permission to search), IO. */
PNR_CHECKED pnr_status pnr_roots_find(pnr_roots *roots, const char *path, pnr_place *out_place, pnr_error *err);
/**
 * Open what @place found, for reading. Never blocks, never touches a device.
 * Errors: DENIED (outside; unreadable), INVALID ("not a regular file"), RETRY (it is another file by now), IO.
 */
PNR_CHECKED pnr_status pnr_place_open(const pnr_place *place, int *out_fd, pnr_error *err);
void pnr_place_free(pnr_place *place);

/* --------------------------------------------------------- selection -- */

typedef struct pnr_select_options {
	const char *workspace; /**< canonical */
	bool include_policies;
	bool exclude_assumptions;
	const char *const *engine_dirs;   size_t engine_dir_count;
	const char *const *allow_outside; size_t allow_outside_count;
} pnr_select_options;

/** One file that goes into the package. */
typedef struct pnr_candidate {
	char *path;       /**< in the package */
	const char *type; /**< config, model, wasm, python, policy, assumption; static */
	char *reference;  /**< as the config has it */
	char *uses;       /**< JSON array of {"node":id} and {"role":name}, compact; "[]" if none */
	pnr_place place;
} pnr_candidate;

typedef struct pnr_missing {
	char *path, *reference;
	char **searched;
	size_t searched_count;
} pnr_missing;

/** A reference that stays in the cloud. */
typedef struct pnr_cloud_reference {
	pnr_reference_kind kind;
	const char *role; /**< mortality, lapse, expenses, policies, model; static */
	char *reference, *name, *version;
} pnr_cloud_reference;

/** Free with pnr_selection_free. */
typedef struct pnr_selection {
	pnr_candidate *candidates; /**< in package order; the first is the config; one for each source that names the path */
	size_t candidate_count;
	pnr_missing *missing;
	size_t missing_count;
	pnr_cloud_reference *references;
	size_t reference_count;
} pnr_selection;

/**
 * Which files make the package of @config, in which order, under which names.
 * Several sources for one package path are all reported, next to each other:
 * the caller refuses them unless their bytes are the same. The same file named
 * twice is one candidate, with all its uses.
 *
 * What is wrong (outside the roots, not a regular file, a name that may not be
 * packaged, a name that is taken when case is ignored) is in @issues as errors;
 * what is missing in the selection. Both can be many.
 *
 * @config_path  on disk, absolute.
 */
PNR_CHECKED pnr_status pnr_select(const pnr_config *config, const char *config_path,
                                  const pnr_select_options *options, pnr_issues *issues,
                                  pnr_selection **out_selection, pnr_error *err);
void pnr_selection_free(pnr_selection *selection);

/** Warn of references in the text of the model file that @config does not cover. */
void pnr_model_scan(const pnr_config *config, const char *text, size_t length, pnr_issues *issues);

#endif
