/*
 * libcurl, loaded when the first request is made: it brings 20 libraries, and to start them takes twice as long as all
 * that `pannier pack` does when nothing changed.
 */
#ifndef PNR_HTTP_CURL_H
#define PNR_HTTP_CURL_H

#include "base/error.h"
#include <curl/curl.h>

#define PNR_CURL_CALLS(X)                                                                          \
	X(global_init) X(version_info)                                                             \
	X(easy_init) X(easy_cleanup) X(easy_reset) X(easy_setopt) X(easy_getinfo) X(easy_strerror) \
	X(slist_append) X(slist_free_all)                                                          \
	X(multi_init) X(multi_cleanup) X(multi_setopt) X(multi_add_handle) X(multi_remove_handle)  \
	X(multi_perform) X(multi_poll) X(multi_info_read) X(multi_strerror)

/** Its functions, without "curl_" in front. NULL until pnr_curl_load. */
typedef struct pnr_curl_functions {
#define PNR_X(name) __typeof__(curl_##name) *(name);
	PNR_CURL_CALLS(PNR_X)
#undef PNR_X
} pnr_curl_functions;

extern pnr_curl_functions pnr_curl;

/** Fill pnr_curl; once is enough. Errors: UNSUPPORTED (it is not installed, too old, or does not start). Threads: any. */
PNR_CHECKED pnr_status pnr_curl_load(pnr_error *err);

#endif
