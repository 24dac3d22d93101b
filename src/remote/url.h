/*
 * The URLs of remotes:
 *
 *   /mnt/share, ./folder, ../folder, file:///mnt/share       a folder; in file:// with %XX
 *   s3://bucket[/prefix][?endpoint=https://host[:port]&region=us-east-1&path-style=true]
 *   azure://account/container[/prefix][?endpoint=https://host[:port][/account]]
 *
 * Parameters may come in any order, and be left out.
 */
#ifndef PNR_REMOTE_URL_H
#define PNR_REMOTE_URL_H

#include "base/error.h"

#define PNR_REMOTE_ACCOUNT_MAX 24u /**< bytes, as Azure has it */
#define PNR_REMOTE_BUCKET_MAX 63u  /**< bytes, of a bucket as of a container */

typedef enum pnr_remote_kind { PNR_REMOTE_DIR, PNR_REMOTE_S3, PNR_REMOTE_AZURE, PNR_REMOTE_KINDS } pnr_remote_kind;

/** All strings are malloc'd, "" where there is nothing; a prefix has no '/' at its ends. */
typedef struct pnr_remote_url {
	pnr_remote_kind kind;
	char *text;     /**< the whole, in its shortest form: for the index and for messages; holds no secret */
	char *path;     /**< dir: absolute */
	char *account;  /**< azure */
	char *bucket;   /**< s3: bucket, azure: container */
	char *prefix;   /**< s3, azure */
	char *endpoint; /**< s3, azure: "http://host:port"; azure: perhaps with "/account" */
	char *region;   /**< s3 */
	char *style;    /**< s3: path-style, "true" or "false" */
} pnr_remote_url;

/**
 * Take @text apart. A relative folder is made absolute by the current one.
 *
 * Errors: INVALID (also for a URL with credentials: a user, a password, a signature. The text never repeats what
 * follows the scheme), UNSUPPORTED (another scheme), NOMEM, IO (no current folder).
 */
PNR_CHECKED pnr_status pnr_remote_url_parse(const char *text, pnr_remote_url *out_url, pnr_error *err);
/** Why @endpoint is not "http://host:port": a static text that repeats nothing of it; NULL if it is. */
const char *pnr_remote_endpoint_problem(const char *endpoint);
/** Is the host of @url, "http://host[:port][/path]", this machine itself: localhost, 127.0.0.0/8, ::1? */
bool pnr_remote_is_here(const char *url);
/** Is it an address that is not of the internet, but of this machine, its link or a private network? */
bool pnr_remote_is_near(const char *url);
/** Leaves it cleared. Accepts a cleared one; for PNR_CLEANUP. */
void pnr_remote_url_free(pnr_remote_url *url);
/** "dir", "s3", "azure". */
const char *pnr_remote_kind_name(pnr_remote_kind kind);

#endif
