#include "http/curl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"
#define VERSION_MIN 0x075500u /* 7.85: CURLOPT_PROTOCOLS_STR */

pnr_curl_functions pnr_curl;

/* Why it cannot be used; NULL if it can. */
static const char *problem = "was not loaded";

static bool find(void *library, const char *name, void *out_function)
{
	void *found = dlsym(library, name);
	memcpy(out_function, &found, sizeof found);
	return found != NULL;
}

static const char *load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return "is not installed";
	bool all = true;
#define PNR_X(name) all = find(library, "curl_" #name, &pnr_curl.name) && all;
	PNR_CURL_CALLS(PNR_X)
#undef PNR_X
	if (!all || pnr_curl.version_info(CURLVERSION_NOW)->version_num < VERSION_MIN)
		return "is older than 7.85";
	return pnr_curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? NULL : "does not start";
}

static void load_once(void)
{
	problem = load();
}

pnr_status pnr_curl_load(pnr_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, load_once);
	return problem == NULL ? PNR_OK
	                       : pnr_fail(err, PNR_UNSUPPORTED, LIBRARY " %s; S3 and Azure need it", problem);
}
