/*
 * A model's config: validation without touching the disk.
 *
 * The rules, their texts and their order are the interface of the packager
 * that Pannier replaces; callers match on the texts.
 */
#ifndef PANNIER_MODEL_H
#define PANNIER_MODEL_H

#include <pannier/error.h>
#include <stdbool.h>
#include <stddef.h>

PNR_BEGIN_DECLS

/** Package path of the config in every package, and its usual name on disk. */
#define PNR_CONFIG_NAME "livecalc.config.json"
/** Largest config that is read, in bytes. */
#define PNR_CONFIG_MAX (16u << 20)

/** One error or warning. Strings belong to the pnr_validation. */
typedef struct pnr_issue {
	const char *message;
	const char *pointer; /**< RFC 6901 JSON pointer of the place; "" is the whole document */
	unsigned line;       /**< from 1; 0 if the place has no text (a missing list entry, a stat error) */
	unsigned column;     /**< from 1, in bytes */
} pnr_issue;

/** Free with pnr_validation_free. */
typedef struct pnr_validation {
	size_t size;
	bool valid; /**< error_count is 0 */
	pnr_issue *errors;
	size_t error_count;
	pnr_issue *warnings;
	size_t warning_count;
} pnr_validation;

/**
 * Validate the @length bytes of @json as a config. Whatever the bytes are, a
 * wrong config is not a failure of this call: it returns PNR_OK and the errors.
 *
 * Errors: NOMEM. Threads: any.
 */
PNR_API PNR_CHECKED pnr_status pnr_config_validate(const void *json, size_t length,
                                                   pnr_validation **out_validation, pnr_error *err);

/**
 * Validate the mandatory assets: does a package with these @paths (package
 * paths, compared exactly) hold what the config needs? A config that is not
 * valid JSON gives its errors instead.
 *
 * Errors: NOMEM. Threads: any.
 */
PNR_API PNR_CHECKED pnr_status pnr_assets_validate(const void *json, size_t length,
                                                   const char *const *paths, size_t path_count,
                                                   pnr_validation **out_validation, pnr_error *err);

/** Accepts NULL. */
PNR_API void pnr_validation_free(pnr_validation *validation);

PNR_END_DECLS
#endif
