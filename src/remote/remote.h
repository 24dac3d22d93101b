/*
 * Remotes: places that keep objects under keys. Push, pull and what cares for a remote see the functions below; what
 * a kind of remote must do for them is pnr_remote_ops. Nothing here knows what is in an object.
 *
 * A key is one or more names with '/' between them, each of letters, digits, '.', '_' and '-', at most
 * PNR_REMOTE_NAME_MAX bytes, neither "." nor ".."; at most PNR_REMOTE_DEPTH_MAX names and PNR_REMOTE_KEY_MAX bytes.
 *
 * Errors: every function may return what is true of all of them: DENIED (refused: permission, credentials), FULL, BUSY
 * or RETRY (the remote says later; the kind has tried by itself before), IO, NOMEM, CANCELLED (by the meter), INVALID
 * (an argument: not a key, say), CORRUPT (something that is no object in the place of one, or of a folder: a link, say;
 * it is named and neither followed nor waited for). Only others are listed. All texts start with the remote's name but
 * those of the caller's own bodies and sinks, which are passed on; pnr_remote_at_fault tells the two apart.
 *
 * Threads: one call per handle at a time, on any thread. Handles, of one remote as well, do not know of each other, and
 * processes and machines may use one remote at once. Callbacks come on the thread that made the call, one at a time,
 * and must not call back into the handle. A kind that moves many objects at once does so inside of one call; therefore
 * calls take many objects.
 */
#ifndef PNR_REMOTE_REMOTE_H
#define PNR_REMOTE_REMOTE_H

#include "base/buffer.h"
#include "base/progress.h"
#include "base/stream.h"
#include "remote/url.h"
#include <pannier/digest.h>

#define PNR_REMOTE_KEY_MAX 512u
#define PNR_REMOTE_NAME_MAX 255u
#define PNR_REMOTE_DEPTH_MAX 8u
/** Bytes of what pnr_remote_swap_ref sets. */
#define PNR_REMOTE_REF_MAX ((size_t)64 * PNR_KIB)

typedef struct pnr_remote pnr_remote;

typedef struct pnr_remote_options {
	bool create;      /**< make an empty place a remote; also its folder, in one that exists */
	pnr_meter *meter; /**< asked once a second or more; may cancel. Bodies and sinks count bytes. May be NULL. */
} pnr_remote_options;

/**
 * Open the remote at @url (see remote/url.h) and check that it is one: its object `pannier.json` says so.
 *
 * @options  NULL for defaults.
 * Errors: INVALID (not a URL; it is never repeated in the text, as it may hold a secret), UNSUPPORTED (a kind that this
 * build does not have, or a newer format), NOT_FOUND (nothing there: without `create`, or not even its parent),
 * CONFLICT (something is there, and it is no remote).
 */
PNR_CHECKED pnr_status pnr_remote_open(const char *url, const pnr_remote_options *options, pnr_remote **out_remote,
                                       pnr_error *err);
/** Accepts NULL. */
void pnr_remote_close(pnr_remote *remote);
void pnr_remote_cleanup(pnr_remote **remote);

/** The remote's URL, as texts name it. Valid as long as the handle. */
const char *pnr_remote_name(const pnr_remote *remote);
/**
 * Did the last call fail by the remote: it did not answer, refused, lacks the object or has a damaged one? Not if it
 * was the caller's argument, body, sink or meter, or memory. For exit status 7.
 */
bool pnr_remote_at_fault(const pnr_remote *remote);

/** Why @key may not be one: a static text that completes "key 'x' "; NULL if it may. */
const char *pnr_remote_key_problem(const char *key);

/* --------------------------------------------------------------- asking -- */

typedef struct pnr_remote_query {
	const char *key;
	pnr_status status; /**< out: OK it is there; NOT_FOUND; CORRUPT something else is in its place */
	uint64_t size;     /**< out: bytes, if it is there */
} pnr_remote_query;

/**
 * Which of the objects are there? What was found may be relied on: an object that is put later is not durable before
 * they are. Sorted keys are asked for fastest. The outs are set on PNR_OK, which says only that all could be asked.
 */
PNR_CHECKED pnr_status pnr_remote_has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err);

/** Return non-zero to stop; that is not an error. @key is valid during the callback. */
typedef int (*pnr_remote_list_fn)(void *user, const char *key, uint64_t size);

/**
 * Report the objects whose key starts with @prefix ("" for all; "packages/ab" is one), in any order. One that comes or
 * goes meanwhile is reported or not.
 *
 * @out_foreign  the number of things there that are no objects of ours, and not reported: their names are no keys, or
 *               they are links, FIFOs and the like. Temporary files of ours are not counted. May be NULL.
 */
PNR_CHECKED pnr_status pnr_remote_list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                                       uint64_t *out_foreign, pnr_error *err);

/* --------------------------------------------------------------- putting -- */

/** Bytes that can be read from any place and more than once: a retry and a part of a large object start somewhere. */
typedef struct pnr_remote_body {
	/** MUST. Read exactly @length bytes from @offset on; it fails if there are fewer. */
	pnr_status (*read)(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err);
	/** MAY be NULL. So many bytes more went to the remote, or are there. `size` in all at most: for progress. */
	pnr_status (*sent)(void *context, uint64_t length, pnr_error *err);
	/** MAY be NULL. Called once or more after the last read, also when it failed: to close what read opened. */
	void (*close)(void *context);
	void *context;
} pnr_remote_body;

typedef enum pnr_remote_mode {
	/** An object that is there stays, whatever its size: another encoding of the content is as good. */
	PNR_REMOTE_IF_ABSENT,
	/** It is replaced, in one moment; so is a link or a FIFO, but not a folder. For what is damaged. */
	PNR_REMOTE_REPLACE
} pnr_remote_mode;

typedef enum pnr_remote_outcome {
	PNR_REMOTE_PENDING, /**< not put, or not known to be */
	PNR_REMOTE_PUT,     /**< also if it may have been: an answer was lost, and then it was there */
	PNR_REMOTE_THERE    /**< IF_ABSENT, and an object of that key was there; its bytes were not looked at */
} pnr_remote_outcome;

typedef struct pnr_remote_upload {
	const char *key;
	pnr_remote_body body;
	uint64_t size;   /**< bytes of the body */
	pnr_digest hash; /**< SHA-256 of them */
	pnr_remote_mode mode;
	pnr_remote_outcome outcome; /**< out; set on failure, too */
	uint64_t told;              /**< out: bytes that `sent` was called for; put begins at 0, whatever it was */
} pnr_remote_upload;

/**
 * Put objects. On PNR_OK all are durable and visible, in one moment each; before that they may become so in any order.
 * So what refers to objects is put by a later call. On failure those with an outcome other than PENDING are durable, of
 * the others any may be visible, whole; nothing is ever visible in part. To put all again is always right.
 *
 * The bodies are compared with their hash on the way: other bytes are CORRUPT, and the caller's fault.
 */
PNR_CHECKED pnr_status pnr_remote_put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err);

/* --------------------------------------------------------------- getting -- */

typedef struct pnr_remote_download {
	const char *key;
	uint64_t limit; /**< the most bytes to take: a larger object is CORRUPT, and the sink is given none beyond */
	/** In order, each byte once: a transfer that breaks goes on where it was, or fails. Objects may interleave. */
	pnr_sink sink;
	/** MAY be NULL. All bytes were given; @context is the sink's. What it fails with ends the call. */
	pnr_status (*done)(void *context, pnr_error *err);
	pnr_status status; /**< out: OK all bytes were given; NOT_FOUND; BUSY it was not got to, or failed */
	uint64_t size;     /**< out: bytes given */
} pnr_remote_download;

/**
 * Get objects. The bytes are as the remote has them: who knows their hash compares it.
 * Errors: NOT_FOUND (the first one that is not there is named; all others were got), CORRUPT (larger than `limit`).
 */
PNR_CHECKED pnr_status pnr_remote_get(pnr_remote *remote, pnr_remote_download *downloads, size_t count,
                                      pnr_error *err);

/* ------------------------------------------------------------------ refs -- */

/** What a ref holds, 1 to PNR_REMOTE_REF_MAX bytes; length 0: there is none. */
typedef struct pnr_remote_ref {
	const void *data;
	size_t length;
} pnr_remote_ref;

/**
 * Set the small object @key to @value if it is @expected, as one step that is durable on PNR_OK. One that is @value
 * already is PNR_OK whatever was expected: it may be what a try did whose answer was lost. So who must know that nobody
 * else did the same puts something of its own into @value.
 *
 * @out_found  on CONFLICT cleared and filled with what is there instead, nothing if there is none; else untouched.
 * Errors: CONFLICT, BUSY (others kept it locked for long).
 */
PNR_CHECKED pnr_status pnr_remote_swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                                           const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err);

/* -------------------------------------------------------- kinds of remotes -- */

/**
 * What a kind does. Arguments were checked: keys are keys, counts are not 0, refs are of their size; outs are as said
 * above before any work ("pending", "busy", 0). Each slot keeps the contract of its function, errors included, but for
 * the remote's name in texts: each text says which key. A slot may be called again after it failed, at once.
 */
typedef struct pnr_remote_ops {
	/**
	 * MUST. Reach the place. Look at nothing in it: pannier.json is read through `get`, and whether it is empty is
	 * asked through `list`. @create: also if it is yet to be made. The handle's pnr_remote is filled in afterwards.
	 */
	pnr_status (*open)(const pnr_remote_url *url, bool create, pnr_remote **out_remote, pnr_error *err);
	/** MUST. Throws away what was not put whole. */
	void (*close)(pnr_remote *remote);
	/** MUST. By one request each, many at once, or by listing: the kind knows what is cheaper for @count keys. */
	pnr_status (*has)(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err);
	/**
	 * MUST. Reads bodies with pnr_remote_read_body, says with pnr_remote_sent what of them goes, and calls
	 * pnr_remote_close_body for each object it read of. Bodies that hash otherwise are told by pnr_remote_wrong_body. IF_ABSENT is decided where the objects are.
	 */
	pnr_status (*put)(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err);
	/** MUST. Gives bytes with pnr_remote_give, then calls pnr_remote_given. A missing object is but a status. */
	pnr_status (*get)(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err);
	/** MUST. @out_foreign is never NULL. */
	pnr_status (*list)(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
	                   uint64_t *out_foreign, pnr_error *err);
	/** MUST. @out_found is never NULL and is clear. */
	pnr_status (*swap_ref)(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
	                       const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err);
} pnr_remote_ops;

/** What every handle starts with: zero, until it is open. A kind leaves it alone. */
struct pnr_remote {
	const pnr_remote_ops *ops;
	char *name;
	pnr_meter *meter;
	bool ours;     /**< what failed is the caller's */
	bool at_fault; /**< see pnr_remote_at_fault */
};

/** The kinds that exist. */
extern const pnr_remote_ops pnr_remote_dir_ops, pnr_remote_s3_ops, pnr_remote_azure_ops;

/** Read a part of the body. */
PNR_CHECKED pnr_status pnr_remote_read_body(pnr_remote *remote, const pnr_remote_upload *upload, uint64_t offset,
                                            void *buffer, size_t length, pnr_error *err);
/** Bytes of the body go to the remote, or are found there. What is sent once more is not told of again. */
PNR_CHECKED pnr_status pnr_remote_sent(pnr_remote *remote, pnr_remote_upload *upload, uint64_t length,
                                       pnr_error *err);
void pnr_remote_close_body(const pnr_remote_upload *upload);
/** Fail with CORRUPT: the body is not what its hash says. */
pnr_status pnr_remote_wrong_body(pnr_remote *remote, const pnr_remote_upload *upload, pnr_error *err);
/** Pass bytes to the sink. CORRUPT if they are more than the limit: none of them is passed on then. */
PNR_CHECKED pnr_status pnr_remote_give(pnr_remote *remote, pnr_remote_download *download, const void *data,
                                       size_t length, pnr_error *err);
/** All was given. */
PNR_CHECKED pnr_status pnr_remote_given(pnr_remote *remote, pnr_remote_download *download, pnr_error *err);
/** Ask the meter whether to go on: between objects, and while nothing moves. */
PNR_CHECKED pnr_status pnr_remote_poll(pnr_remote *remote, pnr_error *err);

#endif
