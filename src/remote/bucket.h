/*
 * A bucket of objects as a remote, across its files: what is the same for all who keep such over HTTP. README.md says
 * what is asked in which order, and what servers do not have. What differs is a pnr_bucket_dialect: s3*.c, azure.c.
 *
 * bucket.c       the handle, requests, what of a failure is told, getting
 * bucket_list.c  listing, asking
 * bucket_put.c   putting in one request; what all that are open do next
 * bucket_parts.c putting in parts
 * bucket_ref.c   refs
 */
#ifndef PNR_REMOTE_BUCKET_H
#define PNR_REMOTE_BUCKET_H

#include "base/clock.h"
#include "base/xml.h"
#include "codec/hash.h"
#include "http/http.h"
#include "remote/remote.h"
#include <openssl/evp.h>

/* Of /account/bucket/prefix/key; a prefix is a key, too. pnr_bucket__set_path sees to it that all fit. */
#define PNR_BUCKET_PATH_SIZE (sizeof "////" + PNR_REMOTE_ACCOUNT_MAX + PNR_REMOTE_BUCKET_MAX + 2 * PNR_REMOTE_KEY_MAX)
#define PNR_BUCKET_HEADERS 6u
#define PNR_BUCKET_QUERY 32u /* a shared access signature of Azure is in each query */
#define PNR_BUCKET_TEXT_MAX ((size_t)8 * PNR_MIB) /* of an answer that is XML: 5,000 keys */

/** One request that is open. Its pairs and path are of their texts' owners, or its own. */
typedef struct pnr_bucket_call {
	pnr_http_request http;
	struct pnr_bucket *bucket;
	bool busy;
	void *of;      /**< what it is about, and what else who began it must know */
	unsigned what;
	uint64_t number;
	pnr_hash *hash; /**< of what is sent, made when it is needed first */
	uint64_t hashed;
	char path[PNR_BUCKET_PATH_SIZE];
	char payload[PNR_DIGEST_HEX_SIZE];
	char text[2][80]; /**< for what is in the query and is made for it */
	pnr_http_pair query[PNR_BUCKET_QUERY], headers[PNR_BUCKET_HEADERS];
} pnr_bucket_call;

typedef struct pnr_bucket_large pnr_bucket_large;

/** A part of a large object: what the server has, or had when it was asked. */
typedef struct pnr_bucket_part {
	uint64_t size;
	uint64_t told; /**< how far it was sent, in any try */
	char name[80]; /**< by which the server knows its bytes; "" if it is not there */
} pnr_bucket_part;

/** What is known of a part when it has been read. */
typedef struct pnr_bucket_sum {
	unsigned number; /**< from 0 on */
	uint64_t size;
	pnr_digest sha256;
	uint8_t md5[16];
	bool has_md5; /**< this OpenSSL has it */
} pnr_bucket_sum;

/** An answer that says which parts are there. */
typedef struct pnr_bucket_page {
	pnr_bucket_large *large;
	pnr_bucket_part part; /**< what is known of one until it is whole: see pnr_bucket__page_part */
	unsigned number;      /**< of `part`, if it has one of its own */
	bool truncated;       /**< behind part `next` there are more */
	unsigned next;
} pnr_bucket_page;

/** What servers that list say: names of arguments, and of elements below `root`. */
typedef struct pnr_bucket_listing {
	const pnr_http_pair *query; /**< of each page */
	size_t query_count;
	const char *page_size;   /**< the argument for the most keys of a page */
	size_t page_max;
	const char *token;       /**< the argument that takes `more`, and that is the next page */
	const char *start_after; /**< the argument for where to begin; NULL: there is none */
	const char *root, *entry, *key, *size, *more;
	const char *type;        /**< MAY be NULL: "directory" is what it says of a folder, which is no object */
	bool encoded;            /**< keys are, as a URL is */
} pnr_bucket_listing;

/**
 * What differs between those who keep objects. Each slot MUST be there, if it does not say otherwise.
 * A code is that of an error, as the server names it.
 */
typedef struct pnr_bucket_dialect {
	const char *server;         /**< "an S3 server" */
	const char *place;          /**< "bucket" */
	const char *no_bucket;      /**< the code that there is none */
	const char *denied;         /**< that of a 403 which does not say it */
	const char *const *passing; /**< codes of errors that pass by themselves, though their status does not say so */
	const char *there;          /**< MAY be NULL: that of a 409 which says that the object is there */
	const char *error_header;   /**< MAY be NULL: what has an error's code, too */
	const char *postscript;     /**< MAY be NULL: an error's text is, from there on, for the server's people */
	const pnr_http_pair *remedies; /**< what to do about an error: its code, a text. Ends with NULL, as `passing` */
	pnr_bucket_listing listing;
	bool conditional_delete;    /**< it takes If-Match */
	unsigned parts_max;
	const char *create;         /**< the argument of the POST that begins an upload in parts; NULL: nothing does */
	const char *upload_id;      /**< the element of its answer that names the upload; set if `create` is */
	const char *no_upload;      /**< MAY be NULL: that of a 404 by which the upload is gone */
	const char *wrong_parts;    /**< that of an upload which has not the parts it was completed with */
	const char *completed;      /**< an element without which 200 is no completion; NULL: 200 is none */
	pnr_status (*sign)(void *call, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err);
	/** MAY be NULL. Say in @out, which is "", what is the matter if the server's own words do not. */
	void (*explain)(const pnr_bucket_call *call, char *out, size_t size);
	/** MAY be NULL. Add what each request has. */
	void (*dress)(pnr_bucket_call *call);
	/** MAY be NULL. Add what a PUT has by which an object becomes visible. @md5 is of its bytes; NULL: unknown. */
	void (*dress_put)(pnr_bucket_call *call, const uint8_t *md5);
	/** NULL as `create`. Look for uploads that were begun: they go on. Others that were given up go. */
	pnr_status (*find)(struct pnr_bucket *bucket, pnr_bucket_large **larges, size_t count, pnr_error *err);
	/** Add what asks for the parts that are there. */
	void (*list_parts)(pnr_bucket_large *large, pnr_bucket_call *call);
	/** One event of that answer; @page is a pnr_bucket_page, to be filled. */
	pnr_status (*visit_part)(void *page, const pnr_xml_event *event, pnr_error *err);
	/** Is @part, which the server has, the one that was read? */
	bool (*is_part)(const pnr_bucket_part *part, const pnr_bucket_sum *sum);
	/** Add what a PUT of a part has. */
	void (*send_part)(pnr_bucket_large *large, pnr_bucket_call *call, const pnr_bucket_sum *sum);
	/** Set the part's name, as @call was answered. False: the answer lacks it. */
	bool (*name_part)(const pnr_bucket_call *call, pnr_bucket_part *part);
	/** Append to @body what makes the parts an object. */
	void (*complete)(pnr_bucket_large *large, pnr_bucket_call *call, pnr_buffer *body);
} pnr_bucket_dialect;

typedef struct pnr_bucket {
	pnr_remote base;
	const pnr_bucket_dialect *dialect;
	pnr_http *http;
	char *origin; /**< "https://host" */
	char *path;   /**< what is in front of a key in a request's path: "/bucket/prefix/" or "/prefix/" */
	char *root;   /**< the bucket's path, for requests that are of it: "/bucket" or "/" */
	char *prefix; /**< what is in front of a key in the bucket: "prefix/" or "" */
	bool unconditional; /**< the server has no conditional PUT: it answered 501 */
	bool bare_etag;     /**< it takes If-Match without quotes only */
	bool unordered;     /**< it does not list in order */
	bool swept;         /**< uploads that were given up were looked for */
	pnr_bucket_call calls[PNR_HTTP_CONNECTIONS];
} pnr_bucket;

static inline pnr_bucket *pnr_bucket__of(pnr_remote *remote)
{
	return (pnr_bucket *)(void *)remote;
}

/* -------------------------------------------------------------- bucket.c -- */

/**
 * A call that is not busy: there is one whenever a run asks for the next. It is of the object @key in the remote, NULL:
 * of the bucket.
 */
pnr_bucket_call *pnr_bucket__begin(pnr_bucket *bucket, const char *method, const char *key);
/** What it gave is done with. */
void pnr_bucket__end(pnr_bucket_call *call);
void pnr_bucket__query(pnr_bucket_call *call, const char *name, const char *value);
void pnr_bucket__header(pnr_bucket_call *call, const char *name, const char *value);
/** Run what @next gives, and end all calls. */
PNR_CHECKED pnr_status pnr_bucket__run(
	pnr_bucket *bucket, pnr_status (*next)(void *context, pnr_http_request **out_request, pnr_error *err),
	pnr_status (*done)(void *context, pnr_http_request *request, pnr_error *err), void *context, pnr_error *err);
/** Of all but what a dialect's own handle has. */
void pnr_bucket__free(pnr_bucket *bucket);
/** Set `prefix`, and `path` to what `root` and it say. INVALID: there are keys that would be too long behind it. */
PNR_CHECKED pnr_status pnr_bucket__set_path(pnr_bucket *bucket, const char *prefix, pnr_error *err);
PNR_PRINTF(3, 4) pnr_status pnr_bucket__print(char **out, pnr_error *err, const char *format, ...);
/** The poll of a feed or a watch: @context is the remote. */
PNR_CHECKED pnr_status pnr_bucket__poll(void *context, pnr_error *err);
/** Run @call by itself. Fails with what `poll` fails with, only: its answer is to be looked at. */
PNR_CHECKED pnr_status pnr_bucket__run_one(pnr_bucket_call *call, pnr_error *err);
/** The text of the answer's element @path, "" if it has none. */
void pnr_bucket__element(const pnr_bucket_call *call, const char *path, char *out, size_t size);
/** Does the answer have the error code @code? NULL is none. */
bool pnr_bucket__is_error(const pnr_bucket_call *call, const char *code);
/** Fail with what became of @call, and what to do about it. */
pnr_status pnr_bucket__fail(const pnr_bucket_call *call, pnr_error *err);
/** The answer says that there is no such object. Fails if it says that there is no bucket, too. */
PNR_CHECKED pnr_status pnr_bucket__is_missing(const pnr_bucket_call *call, bool *out_missing, pnr_error *err);
/** See pnr_remote_ops. */
pnr_status pnr_bucket__get(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err);

/* --------------------------------------------------------- bucket_list.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_bucket__has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err);
pnr_status pnr_bucket__list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                            uint64_t *out_foreign, pnr_error *err);
/** Where the pages of a listing went on: one of them, later and later. Zeroed: none. */
typedef struct pnr_bucket_trail {
	pnr_buffer mark;
	unsigned long pages, next;
} pnr_bucket_trail;

/** The next page begins at @place, which is not "". @out_round: it goes round, one began there before. */
PNR_CHECKED pnr_status pnr_bucket__follow(pnr_bucket_trail *trail, const char *place, bool *out_round, pnr_error *err);
void pnr_bucket__trail_free(pnr_bucket_trail *trail);

/* ---------------------------------------------------------- bucket_put.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_bucket__put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err);
/** Compare what was read, all of it, with what was to be put. */
PNR_CHECKED pnr_status pnr_bucket__check_hash(pnr_bucket *bucket, pnr_hash *hash, const pnr_remote_upload *upload,
                                              pnr_error *err);
/** What a put call of an object begins with, IF_ABSENT: the condition, if the server has such. */
void pnr_bucket__if_absent(pnr_bucket_call *call, const pnr_remote_upload *upload);
/** The answer to a PUT is one of a server that stored something: such have an ETag, others say 200 as well. */
bool pnr_bucket__is_stored(const pnr_bucket_call *call);
/** The answer to a call with a condition says that the object is there, and so was not put. */
bool pnr_bucket__is_there(const pnr_bucket_call *call);
/** The answer to a call with a condition says that the server has none; noted: the next call is without. */
bool pnr_bucket__is_unconditional(const pnr_bucket_call *call);

/* -------------------------------------------------------- bucket_parts.c -- */

#define PNR_BUCKET_PART ((uint64_t)16 * PNR_MIB) /**< larger objects are sent in parts of that size */

/** Where an object is on its way. Each but SEND asks one thing and waits for its answer. */
typedef enum pnr_bucket_stage {
	PNR_BUCKET_LOOK,     /**< is it there? */
	PNR_BUCKET_LIST,     /**< which parts are? */
	PNR_BUCKET_CREATE,   /**< begin an upload */
	PNR_BUCKET_SEND,     /**< parts */
	PNR_BUCKET_COMPLETE,
	PNR_BUCKET_CHECK,    /**< the upload is gone: was it completed? */
	PNR_BUCKET_DONE
} pnr_bucket_stage;

/** An object on its way. */
struct pnr_bucket_large {
	pnr_bucket *bucket;
	pnr_remote_upload *upload;
	pnr_bucket_stage stage;
	bool waiting;     /**< for the one answer of the stage */
	char *id;         /**< of the upload */
	char begun[PNR_TIME_TEXT_SIZE]; /**< when, as the server says */
	uint64_t part_size;
	unsigned count, next, open;
	unsigned marker;  /**< the part behind which the listing goes on */
	pnr_bucket_part *parts;
	bool gone;        /**< the server does not know the upload (any more) */
	unsigned fresh;   /**< how often an upload was begun again */
	bool unsure;      /**< it may have been completed */
	pnr_hash *whole, *hash;
	EVP_MD_CTX *md5;
	pnr_buffer body;  /**< of the request that completes */
	char *piece;
};

/** An object that is sent in parts; nothing is done yet. */
PNR_CHECKED pnr_status pnr_bucket__large_new(pnr_bucket *bucket, pnr_remote_upload *upload,
                                             pnr_bucket_large **out_large, pnr_error *err);
void pnr_bucket__large_free(pnr_bucket_large *large);
/** What to ask next; NULL: nothing until an answer is there, or ever; &pnr_http_not_yet: it has work to do first. */
PNR_CHECKED pnr_status pnr_bucket__large_next(pnr_bucket_large *large, pnr_http_request **out_request, pnr_error *err);
/** An answer is there: @call's `of` is the large one. */
PNR_CHECKED pnr_status pnr_bucket__large_done(pnr_bucket_call *call, pnr_error *err);

/** In a dialect's visit_part: `part` is whole, and of that number, from 0 on; others are passed over. Clears it. */
void pnr_bucket__page_part(pnr_bucket_page *page, uint64_t number);

/* ---------------------------------------------------------- bucket_ref.c -- */

/** See pnr_remote_ops. */
pnr_status pnr_bucket__swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                                const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err);

#endif
