/*
 * A bucket of S3 as a remote, across its files: AWS, Ceph, MinIO and whoever else speaks it. README.md says what is
 * asked in which order, and what servers do not have.
 *
 * s3.c       the handle, requests, what of a failure is told, getting
 * s3_list.c  listing, asking
 * s3_put.c   putting in one request; what all that are open do next
 * s3_parts.c putting in parts
 * s3_ref.c   refs
 */
#ifndef PNR_REMOTE_S3_H
#define PNR_REMOTE_S3_H

#include "http/http.h"
#include "codec/hash.h"
#include "remote/aws.h"
#include "remote/remote.h"

#define PNR_S3_PATH_SIZE (64 + 2 * PNR_REMOTE_KEY_MAX + 4) /* /bucket/prefix/key */
#define PNR_S3_PAIRS 6u
#define PNR_S3_TEXT_MAX ((size_t)8 * PNR_MIB) /* of an answer that is XML: 1,000 keys */

/** One request that is open. Its pairs and path are of their texts' owners, or its own. */
typedef struct pnr_s3_call {
	pnr_http_request http;
	struct pnr_s3 *s3;
	bool busy;
	void *of;      /**< what it is about, and what else who began it must know */
	unsigned what;
	uint64_t number;
	pnr_hash *hash; /**< of what is sent, made when it is needed first */
	uint64_t hashed;
	char path[PNR_S3_PATH_SIZE];
	char payload[PNR_DIGEST_HEX_SIZE];
	char text[2][24]; /**< for numbers in the query */
	pnr_http_pair query[PNR_S3_PAIRS], headers[PNR_S3_PAIRS];
} pnr_s3_call;

typedef struct pnr_s3 {
	pnr_remote base;
	pnr_http *http;
	pnr_aws *aws;
	char *origin; /**< "https://host" */
	char *path;   /**< what is in front of a key in a request's path: "/bucket/prefix/" or "/prefix/" */
	char *root;   /**< the bucket's path, for requests that are of it: "/bucket" or "/" */
	char *prefix; /**< what is in front of a key in the bucket: "prefix/" or "" */
	char *region;
	bool unconditional; /**< the server has no conditional PUT: it answered 501 */
	bool bare_etag;     /**< it takes If-Match without quotes only */
	bool unordered;     /**< it does not list in order */
	bool swept;         /**< uploads that were given up were looked for */
	pnr_s3_call calls[PNR_HTTP_CONNECTIONS];
} pnr_s3;

static inline pnr_s3 *pnr_s3__of(pnr_remote *remote)
{
	return (pnr_s3 *)(void *)remote;
}

/* ------------------------------------------------------------------ s3.c -- */

/**
 * A call that is not busy: there is one whenever a run asks for the next. It is of the object @key in the remote, NULL:
 * of the bucket.
 */
pnr_s3_call *pnr_s3__begin(pnr_s3 *s3, const char *method, const char *key);
/** What it gave is done with. */
void pnr_s3__end(pnr_s3_call *call);
void pnr_s3__query(pnr_s3_call *call, const char *name, const char *value);
void pnr_s3__header(pnr_s3_call *call, const char *name, const char *value);
/** Run what @next gives, and end all calls. */
PNR_CHECKED pnr_status pnr_s3__run(pnr_s3 *s3,
                                   pnr_status (*next)(void *context, pnr_http_request **out_request, pnr_error *err),
                                   pnr_status (*done)(void *context, pnr_http_request *request, pnr_error *err),
                                   void *context, pnr_error *err);
/** Run @call by itself. Fails with what `poll` fails with, only: its answer is to be looked at. */
PNR_CHECKED pnr_status pnr_s3__run_one(pnr_s3_call *call, pnr_error *err);
/** Does the answer have the error code @code in its text? */
bool pnr_s3__is_error(const pnr_s3_call *call, const char *code);
/** Fail with what became of @call, and what to do about it. */
pnr_status pnr_s3__fail(const pnr_s3_call *call, pnr_error *err);
/** The answer says that there is no such object. Fails if it says that there is no bucket, too. */
PNR_CHECKED pnr_status pnr_s3__is_missing(const pnr_s3_call *call, bool *out_missing, pnr_error *err);
/* ------------------------------------------------------------- s3_list.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_s3__has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err);
pnr_status pnr_s3__list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                        uint64_t *out_foreign, pnr_error *err);
/** Undo encoding-type=url in place. False: it is not encoded so. */
bool pnr_s3__decode(char *text);

/* -------------------------------------------------------------- s3_put.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_s3__put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err);
/** What a put call of an object begins with, IF_ABSENT: the condition, if the server has such. */
void pnr_s3__if_absent(pnr_s3_call *call, const pnr_remote_upload *upload);
/** The answer says that the server has no conditional PUT; noted. */
bool pnr_s3__is_unconditional(const pnr_s3_call *call);

/* ------------------------------------------------------------ s3_parts.c -- */

#define PNR_S3_PART ((uint64_t)16 * PNR_MIB) /**< larger objects are sent in parts of that size */

typedef struct pnr_s3_large pnr_s3_large;

/** An object that is sent in parts; nothing is done yet. */
PNR_CHECKED pnr_status pnr_s3__large_new(pnr_s3 *s3, pnr_remote_upload *upload, pnr_s3_large **out_large,
                                         pnr_error *err);
void pnr_s3__large_free(pnr_s3_large *large);
/** Look for uploads that were begun, by whomever: they go on. Those of others that were given up go. */
PNR_CHECKED pnr_status pnr_s3__large_find(pnr_s3 *s3, pnr_s3_large **larges, size_t count, pnr_error *err);
/** What to ask next; NULL: nothing until an answer is there, or ever. */
PNR_CHECKED pnr_status pnr_s3__large_next(pnr_s3_large *large, pnr_http_request **out_request, pnr_error *err);
/** An answer is there: @call's `of` is the large one. */
PNR_CHECKED pnr_status pnr_s3__large_done(pnr_s3_call *call, pnr_error *err);

/* -------------------------------------------------------------- s3_ref.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_s3__swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                            const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err);

#endif
