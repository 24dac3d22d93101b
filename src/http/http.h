/*
 * HTTP requests, many side by side, on connections that are kept: libcurl as transport, and what it leaves open: when
 * to try again, how long to wait, where a broken download goes on, and what of a failure may be told.
 *
 * Only http and https; certificates are always verified. Proxies come from the usual variables; no .netrc. Redirects
 * are not followed, as a signature is for one host: they are answers.
 *
 * Secrets: no text names a query, a header or a user. It names method, host, path and status, and what the server says.
 *
 * Threads: one call per handle at a time, on any thread; callbacks come on it, one at a time, and must not call back
 * into the handle.
 */
#ifndef PNR_HTTP_HTTP_H
#define PNR_HTTP_HTTP_H

#include "base/buffer.h"
#include "http/sign.h"

typedef struct pnr_http pnr_http;

/** How long to wait, and for what. 0 is the default. */
typedef struct pnr_http_patience {
	unsigned connect_ms;   /**< for a connection: 15 s */
	unsigned idle_seconds; /**< without a byte in either direction: 60 */
	unsigned total_ms;     /**< for a request in all, with its tries and the pauses between them: no limit */
	unsigned tries;        /**< in all: 8; 4 as long as no server ever answered */
	unsigned pause_ms;     /**< before the second try up to 200 ms, twice that before each one more, */
	unsigned pause_max_ms; /**< up to 20 s; a server that says Retry-After is given up to 60 s */
} pnr_http_patience;

typedef struct pnr_http_options {
	unsigned connections; /**< 0: PNR_HTTP_CONNECTIONS */
	/** A PEM file; NULL: that of CURL_CA_BUNDLE or SSL_CERT_FILE, and the folder SSL_CERT_DIR; else the system's. */
	const char *ca_file;
	bool direct; /**< past all proxies: for what is of this machine */
	pnr_http_patience patience;
} pnr_http_options;

#define PNR_HTTP_CONNECTIONS 16u

/** @options may be NULL. Errors: NOMEM, UNSUPPORTED (libcurl does not start). */
PNR_CHECKED pnr_status pnr_http_new(const pnr_http_options *options, pnr_http **out_http, pnr_error *err);
/** Accepts NULL. */
void pnr_http_free(pnr_http *http);
void pnr_http_cleanup(pnr_http **http);
void pnr_http_set_patience(pnr_http *http, const pnr_http_patience *patience);

/** One request. Zero what is not used; all that is pointed to stays until the answer is there. */
typedef struct pnr_http_request {
	const char *method;
	const char *origin; /**< "https://host[:port]" */
	const char *path;   /**< percent-encoded, from the first '/' on */
	const pnr_http_pair *query; /**< not encoded */
	size_t query_count;
	const pnr_http_pair *headers; /**< no Host, no Content-Length; a line break in one is INVALID */
	size_t header_count;
	uint64_t length;       /**< bytes of the body */
	const char *payload;   /**< for `sign`; see there */
	void *context;         /**< for the callbacks; what they fail with ends the run */
	/** MUST if there is a body. Read exactly @length bytes from @offset on. A try starts at 0. */
	pnr_status (*read)(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err);
	/** MAY be NULL. Make the header lines that are good for this try. */
	pnr_status (*sign)(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err);
	/**
	 * MAY be NULL: then the body is in `text`. Takes the body of 200 and 206 in order, each byte once: after a break
	 * the rest is asked for, of the same ETag.
	 */
	pnr_status (*take)(void *context, const void *data, size_t length, pnr_error *err);
	/** MAY be NULL. An answer that is no 408, 429, 500, 502, 503, 504 is here: is it one to try again after a pause? */
	bool (*again)(void *context);
	size_t text_max;       /**< a longer `text` of 2xx is CORRUPT, of others it is cut; 0: 64 KiB */

	int code;         /**< out: of the last answer, 100 to 999; 0: there was none */
	pnr_status status; /**< out: OK if `code` is not 0; else why not, told in `error` */
	pnr_error error;
	/** out: a try had no answer, or that the server failed: it may have been carried out nevertheless. */
	bool unsure;
	pnr_buffer head;  /**< out: the lines of the answer's header; free it with pnr_http_request_free */
	pnr_buffer text;  /**< out: the body, if `take` did not have it */
} pnr_http_request;

/** The outs only; leaves them cleared. */
void pnr_http_request_free(pnr_http_request *request);

/** What `next` gives in place of a request that it is still making. Asked again as soon as the others have moved. */
extern pnr_http_request pnr_http_not_yet;

/** Where requests come from and go to. What a callback fails with ends the run. */
typedef struct pnr_http_feed {
	/**
	 * MUST. The next one; NULL: none now; &pnr_http_not_yet: ask again. Asked at the start and whenever one is done,
	 * until all that are open are. The others stand still meanwhile: what takes long is to be done a piece a call.
	 */
	pnr_status (*next)(void *context, pnr_http_request **out_request, pnr_error *err);
	/** MUST. There is an answer, or there will be none. The request may be changed and given again by `next`. */
	pnr_status (*done)(void *context, pnr_http_request *request, pnr_error *err);
	/** MUST. Called several times a second, whatever happens: may cancel. */
	pnr_status (*poll)(void *poll_context, pnr_error *err);
	void *context, *poll_context;
} pnr_http_feed;

/**
 * Run requests, as many at once as there are connections, until there are none. Outs are cleared at each one's start.
 * A server that does not answer, or does so with an error, is no failure of the run: `done` sees it.
 *
 * After a failure none is open any more; those that were may have been carried out.
 * Errors: those of callbacks, INVALID (a header holds a line break), NOMEM, UNSUPPORTED.
 */
PNR_CHECKED pnr_status pnr_http_run(pnr_http *http, const pnr_http_feed *feed, pnr_error *err);

/** Run one. @poll (MAY be NULL) is called with @poll_context. OK also if there was no answer, as above. */
PNR_CHECKED pnr_status pnr_http_run_one(pnr_http *http, pnr_http_request *request,
                                        pnr_status (*poll)(void *poll_context, pnr_error *err), void *poll_context,
                                        pnr_error *err);

/** The value of the answer's header @name, "" if it has none. @out_value is of @size bytes; a longer one is "". */
char *pnr_http_header(const pnr_http_request *request, const char *name, char *out_value, size_t size);

/**
 * Fail with what became of the request: "PUT host/path: 403: " and @message, NULL: nothing more. `detail` is the HTTP
 * status. The status is, for no answer, that of `error`; else DENIED (401, 403, 407), NOT_FOUND (404, 410), CONFLICT
 * (409, 412), BUSY (429, 503), RETRY (408, 500, 502, 504), FULL (507), IO.
 */
pnr_status pnr_http_fail(const pnr_http_request *request, const char *message, pnr_error *err);

#endif
