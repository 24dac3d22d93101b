/* Small questions to servers that give credentials: the answer is a secret. */
#ifndef PNR_REMOTE_ASK_H
#define PNR_REMOTE_ASK_H

#include "http/http.h"
#include "remote/secret.h"

/** A question. Zero what is not used. */
typedef struct pnr_ask {
	const char *url;    /**< where the service is: "https://host[:port][/path]" */
	const char *named;  /**< the variable that says so, for messages */
	bool plain;         /**< over http://, too, though it is not on this machine itself */
	const char *path;   /**< behind it, from a '/' on; NULL: nothing */
	bool nearby;        /**< of this machine: it answers soon or not at all */
	const char *ca_file; /**< as of pnr_http_options */
	const char *method;
	const pnr_http_pair *headers;
	size_t header_count;
	const pnr_http_pair *query;
	size_t query_count;
	const pnr_buffer *body;   /**< NULL: none */
	const pnr_sigv4_key *key; /**< NULL: it is not signed */
	pnr_secret_watch watch;
	/** MAY be NULL. Append what a refusal's body says: the name of the error, nothing that was sent. */
	void (*explain)(const pnr_buffer *text, pnr_buffer *out);
} pnr_ask;

/**
 * Ask. The body of an answer of code 200 is appended to the empty @answer; all else is a failure. Lasts a minute at
 * most, 20 s if it is nearby, with all that is tried again. What is nearby, or at a loopback address, is asked past all
 * proxies.
 *
 * @out_code  that of the answer; 0: there was none. Set on failure, too.
 * Errors: DENIED (400, 401, 403 and the like), NOT_FOUND (404), BUSY, RETRY, IO, INVALID (not a URL, or one by which
 * others can read what is sent; a header holds a line break; more than 64 KiB came), UNSUPPORTED (libcurl does not
 * start), NOMEM, and those of `watch`.
 */
PNR_CHECKED pnr_status pnr_ask_run(const pnr_ask *ask, pnr_buffer *answer, int *out_code, pnr_error *err);

#endif
