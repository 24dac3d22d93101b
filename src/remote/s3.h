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

#include "base/clock.h"
#include "base/xml.h"
#include "codec/hash.h"
#include "http/http.h"
#include "remote/aws.h"
#include "remote/remote.h"
#include <openssl/evp.h>

/* Of /account/bucket/prefix/key; a prefix is a key, too. pnr_s3__set_path sees to it that all fit. */
#define PNR_S3_PATH_SIZE (sizeof "////" + PNR_REMOTE_ACCOUNT_MAX + PNR_REMOTE_BUCKET_MAX + 2 * PNR_REMOTE_KEY_MAX)
#define PNR_S3_HEADERS 6u
#define PNR_S3_QUERY 32u /* a shared access signature of Azure is in each query */
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
	char text[2][80]; /**< for what is in the query and is made for it */
	pnr_http_pair query[PNR_S3_QUERY], headers[PNR_S3_HEADERS];
} pnr_s3_call;

typedef struct pnr_s3_large pnr_s3_large;

/** A part of a large object: what the server has, or had when it was asked. */
typedef struct pnr_s3_part {
	uint64_t size;
	uint64_t told; /**< how far it was sent, in any try */
	char name[80]; /**< by which the server knows its bytes; "" if it is not there */
} pnr_s3_part;

/** What is known of a part when it has been read. */
typedef struct pnr_s3_sum {
	unsigned number; /**< from 0 on */
	uint64_t size;
	pnr_digest sha256;
	uint8_t md5[16];
	bool has_md5; /**< this OpenSSL has it */
} pnr_s3_sum;

/** What servers that list say: names of arguments, and of elements below `root`. */
typedef struct pnr_s3_listing {
	const pnr_http_pair *query; /**< of each page */
	size_t query_count;
	const char *page_size;   /**< the argument for the most keys of a page */
	size_t page_max;
	const char *token;       /**< the argument that takes `more`, and that is the next page */
	const char *start_after; /**< the argument for where to begin; NULL: there is none */
	const char *root, *entry, *key, *size, *more;
	bool encoded;            /**< keys are, as a URL is */
} pnr_s3_listing;

/** What differs between those who keep objects. Each slot MUST be there, if it does not say otherwise. */
typedef struct pnr_s3_dialect {
	const char *server;         /**< "an S3 server" */
	const char *place;          /**< "bucket" */
	const char *no_bucket;      /**< the code of the error that there is none */
	const char *denied;         /**< that of a 403 which does not say it */
	const char *const *passing; /**< codes of errors that pass by themselves, though their status does not say so */
	const pnr_http_pair *remedies; /**< what to do about an error: its code, a text. Ends with NULL, as `passing` */
	pnr_s3_listing listing;
	bool conditional_delete;    /**< it takes If-Match */
	unsigned parts_max;
	bool creates;               /**< an upload in parts is begun by a request of its own */
	pnr_status (*sign)(void *call, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err);
	/** MAY be NULL. Add what each request has. */
	void (*dress)(pnr_s3_call *call);
	/** MAY be NULL. Add what a PUT has by which an object becomes visible. @md5 is of its bytes, NULL if unknown. */
	void (*dress_put)(pnr_s3_call *call, const uint8_t *md5);
	/** Add what asks for the parts that are there. */
	void (*list_parts)(pnr_s3_large *large, pnr_s3_call *call);
	/** One event of that answer: see pnr_s3__part_of_page. */
	pnr_status (*visit_part)(void *page, const pnr_xml_event *event, pnr_error *err);
	/** Is @part, which the server has, the one that was read? */
	bool (*is_part)(const pnr_s3_part *part, const pnr_s3_sum *sum);
	/** Add what a PUT of a part has. */
	void (*send_part)(pnr_s3_large *large, pnr_s3_call *call, const pnr_s3_sum *sum);
	/** Set the part's name, as @call was answered. False: the answer lacks it. */
	bool (*name_part)(const pnr_s3_call *call, pnr_s3_part *part);
	/** Append to @body what makes the parts an object. */
	void (*complete)(pnr_s3_large *large, pnr_s3_call *call, pnr_buffer *body);
} pnr_s3_dialect;

typedef struct pnr_s3 {
	pnr_remote base;
	const pnr_s3_dialect *dialect;
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
/** Of all but what a dialect's own handle has. */
void pnr_s3__free(pnr_s3 *s3);
/** Set `path` to what `root` and `prefix` say. INVALID: there are keys that would be too long behind it. */
PNR_CHECKED pnr_status pnr_s3__set_path(pnr_s3 *s3, pnr_error *err);
PNR_PRINTF(3, 4) pnr_status pnr_s3__set(char **out, pnr_error *err, const char *format, ...);
/** The poll of a feed or a watch: @context is the remote. */
PNR_CHECKED pnr_status pnr_s3__poll(void *context, pnr_error *err);
/** Run @call by itself. Fails with what `poll` fails with, only: its answer is to be looked at. */
PNR_CHECKED pnr_status pnr_s3__run_one(pnr_s3_call *call, pnr_error *err);
/** Does the answer have the error code @code in its text? */
bool pnr_s3__is_error(const pnr_s3_call *call, const char *code);
/** Fail with what became of @call, and what to do about it. */
pnr_status pnr_s3__fail(const pnr_s3_call *call, pnr_error *err);
/** The answer says that there is no such object. Fails if it says that there is no bucket, too. */
PNR_CHECKED pnr_status pnr_s3__is_missing(const pnr_s3_call *call, bool *out_missing, pnr_error *err);
/** See pnr_remote_ops. */
pnr_status pnr_s3__get(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err);

/* ------------------------------------------------------------- s3_list.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_s3__has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err);
pnr_status pnr_s3__list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                        uint64_t *out_foreign, pnr_error *err);
/** Where the pages of a listing went on: one of them, later and later. Zeroed: none. */
typedef struct pnr_s3_trail {
	pnr_buffer mark;
	unsigned long pages, next;
} pnr_s3_trail;

/** The next page begins at @place, which is not "". @out_round: it goes round, one began there before. */
PNR_CHECKED pnr_status pnr_s3__follow(pnr_s3_trail *trail, const char *place, bool *out_round, pnr_error *err);
void pnr_s3__trail_free(pnr_s3_trail *trail);
/** Undo encoding-type=url in place. False: it is not encoded so. */
bool pnr_s3__decode(char *text);

/* -------------------------------------------------------------- s3_put.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_s3__put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err);
/** What a put call of an object begins with, IF_ABSENT: the condition, if the server has such. */
void pnr_s3__if_absent(pnr_s3_call *call, const pnr_remote_upload *upload);
/** The answer to a PUT is one of a server that stored something: such have an ETag, others say 200 as well. */
bool pnr_s3__is_stored(const pnr_s3_call *call);
/** The answer to a call with a condition says that the object is there, and so was not put. */
bool pnr_s3__is_there(const pnr_s3_call *call);
/** The answer to a call with a condition says that the server has none; noted: the next call is without. */
bool pnr_s3__is_unconditional(const pnr_s3_call *call);

/* ------------------------------------------------------------ s3_parts.c -- */

#define PNR_S3_PART ((uint64_t)16 * PNR_MIB) /**< larger objects are sent in parts of that size */

/** Where an object is on its way. Each but SEND asks one thing and waits for its answer. */
typedef enum pnr_s3_stage {
	PNR_S3_LOOK,     /**< is it there? */
	PNR_S3_LIST,     /**< which parts are? */
	PNR_S3_CREATE,   /**< begin an upload */
	PNR_S3_SEND,     /**< parts */
	PNR_S3_COMPLETE,
	PNR_S3_CHECK,    /**< the upload is gone: was it completed? */
	PNR_S3_DONE
} pnr_s3_stage;

/** An object on its way. */
struct pnr_s3_large {
	pnr_s3 *s3;
	pnr_remote_upload *upload;
	pnr_s3_stage stage;
	bool waiting;     /**< for the one answer of the stage */
	char *id;         /**< of the upload */
	char begun[PNR_TIME_TEXT_SIZE]; /**< when, as the server says */
	uint64_t part_size;
	unsigned count, next, open;
	unsigned marker;  /**< the part behind which the listing goes on */
	pnr_s3_part *parts;
	bool gone;        /**< the server does not know the upload (any more) */
	unsigned fresh;   /**< how often an upload was begun again */
	bool unsure;      /**< it may have been completed */
	pnr_hash *whole, *hash;
	EVP_MD_CTX *md5;
	pnr_buffer body;  /**< of the request that completes */
	char *piece;
};

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

/** What a dialect's visit_part fills... */
pnr_s3_part *pnr_s3__part_of_page(void *page);
/** ...and it is whole: a part of that number, from 0 on; others are passed over. It is clear afterwards. */
void pnr_s3__page_part(void *page, uint64_t number);

/** S3's: see pnr_s3_dialect. */
void pnr_s3__list_parts(pnr_s3_large *large, pnr_s3_call *call);
pnr_status pnr_s3__visit_part(void *page, const pnr_xml_event *event, pnr_error *err);
bool pnr_s3__is_part(const pnr_s3_part *part, const pnr_s3_sum *sum);
void pnr_s3__send_part(pnr_s3_large *large, pnr_s3_call *call, const pnr_s3_sum *sum);
bool pnr_s3__name_part(const pnr_s3_call *call, pnr_s3_part *part);
void pnr_s3__complete(pnr_s3_large *large, pnr_s3_call *call, pnr_buffer *body);

/* -------------------------------------------------------------- s3_ref.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_s3__swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                            const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err);

#endif
