/*
 * Statuses and errors.
 *
 * Every function that can fail returns a pnr_status. PNR_OK is zero. With any
 * other status, outputs are untouched and `err`, if it is not NULL, holds one
 * line of text that names the cause.
 */
#ifndef PANNIER_ERROR_H
#define PANNIER_ERROR_H

#include <pannier/export.h>

PNR_BEGIN_DECLS

/** What a caller can decide on. Values are stable; new ones are appended. */
typedef enum pnr_status {
	PNR_OK = 0,
	PNR_NOT_FOUND,   /**< no such file, package, asset, tag, remote or store */
	PNR_CONFLICT,    /**< exists already, or two inputs claim one name */
	PNR_CORRUPT,     /**< bytes differ from what their hash or format says */
	PNR_BUSY,        /**< another process holds it, or a server is busy; the same call may succeed later */
	PNR_DENIED,      /**< permission, credentials, read-only, or outside the allowed folders */
	PNR_RETRY,       /**< a passing fault (input changed while it was read, no answer); try again */
	PNR_FULL,        /**< disk, quota or a stated limit is exhausted */
	PNR_IO,          /**< the operating system reported any other I/O error */
	PNR_NOMEM,       /**< memory */
	PNR_INVALID,     /**< the input is wrong: config, option, reference, name */
	PNR_UNSUPPORTED, /**< a valid input of a kind or version that this build cannot handle */
	PNR_CANCELLED    /**< a callback asked to stop */
} pnr_status;

/**
 * An error, on the caller's stack; no allocation, nothing to free. Initialise
 * with PNR_ERROR_INIT. The first cause is kept: a call that finds `status`
 * already set does not overwrite it.
 */
typedef struct pnr_error {
	pnr_status status;
	int detail;         /**< errno, SQLite's extended code or an HTTP status; 0 if none */
	char message[1012]; /**< UTF-8 as far as file names are, no control characters, NUL-terminated */
} pnr_error;

#define PNR_ERROR_INIT { PNR_OK, 0, "" }

/** The name of @status without its prefix, in lower case ("not_found"); "unknown" for other values. */
PNR_API const char *pnr_status_name(pnr_status status);

PNR_END_DECLS
#endif
