/* One request at a time on one handle of libcurl, and its tries: across the files of http. */
#ifndef PNR_HTTP_TRY_H
#define PNR_HTTP_TRY_H

#include "http/http.h"
#include "http/curl.h"

#define PNR_HTTP_ETAG_SIZE 256

typedef enum pnr_http_state {
	PNR_HTTP_IDLE,
	PNR_HTTP_OPEN,   /**< libcurl has it */
	PNR_HTTP_PAUSED  /**< until `due`, then it is tried again */
} pnr_http_state;

typedef struct pnr_http_slot {
	struct pnr_http *http;
	CURL *easy;
	struct curl_slist *lines;
	pnr_http_request *request;
	pnr_http_state state;
	double due;
	double end;      /**< when the request may last no longer; 0: there is no such time */
	unsigned tries;  /**< since the request came, or its download last went on */
	uint64_t sent;   /**< of the body, in this try */
	uint64_t given;  /**< to `take`, in all tries */
	uint64_t before; /**< what `given` was when this try began */
	uint64_t skip;   /**< of this try's body, what an earlier one had given */
	bool fresh;      /**< the next try is on a connection of its own */
	bool cut;        /**< its answer is a failure that is told at greater length than is kept */
	bool in_head;    /**< its answer's header began, and has not ended */
	bool begun;      /**< the body of this try's answer fits on what was given */
	pnr_error final; /**< why it is not tried again, or OK */
	char etag[PNR_HTTP_ETAG_SIZE];
	char text[CURL_ERROR_SIZE]; /**< libcurl's words */
} pnr_http_slot;

struct pnr_http {
	CURLM *multi;
	unsigned slot_count;
	pnr_http_patience patience;
	char *ca_file, *ca_folder; /**< NULL: libcurl's own */
	bool direct;               /**< past all proxies */
	bool answered;             /**< some server, once */
	pnr_error failure;         /**< of a callback: ends the run */
	pnr_http_slot slots[];
};

/** Set the slot's handle up for a try of its request. */
PNR_CHECKED pnr_status pnr_http__prepare(pnr_http_slot *slot, pnr_error *err);
/** All of an answer to a download is here: check what it is if that was not done when its body began. */
void pnr_http__ended(pnr_http_slot *slot);
/** Fail because libcurl said @code. */
pnr_status pnr_http__fail_curl(int code, const char *text, pnr_error *err);

#endif
