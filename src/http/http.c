#include "http/http.h"
#include "base/clock.h"
#include "http/try.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define TRIES_UNSEEN 4u       /* as long as no server ever answered: the name or the port may be wrong */
#define RETRY_AFTER_MAX 60
#define PROGRESS ((uint64_t)64 * PNR_KIB) /* a download that came so far in a try has not used it up */
#define POLL_MS 100

pnr_http_request pnr_http_not_yet;

/* ---------------------------------------------------------------- SIGPIPE -- */

/* OpenSSL writes to sockets without MSG_NOSIGNAL. */
static void hold_sigpipe(sigset_t *old, bool *out_pending)
{
	sigset_t pipes, pending;
	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	*out_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
	(void)pthread_sigmask(SIG_BLOCK, &pipes, old);
}

static void release_sigpipe(const sigset_t *old, bool was_pending)
{
	const struct timespec now = { 0, 0 };
	sigset_t pipes;
	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	if (!was_pending)
		(void)sigtimedwait(&pipes, NULL, &now);
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

/* ----------------------------------------------------------------- handle -- */

void pnr_http_set_patience(pnr_http *http, const pnr_http_patience *patience)
{
	static const pnr_http_patience defaults = {
		.connect_ms = 15 * 1000, .idle_seconds = 60, .tries = 8, .pause_ms = 200, .pause_max_ms = 20 * 1000
	};
	http->patience = patience == NULL ? defaults : *patience;
	pnr_http_patience *p = &http->patience;
	p->connect_ms = p->connect_ms == 0 ? defaults.connect_ms : p->connect_ms;
	p->idle_seconds = p->idle_seconds == 0 ? defaults.idle_seconds : p->idle_seconds;
	p->tries = p->tries == 0 ? defaults.tries : p->tries;
	p->pause_ms = p->pause_ms == 0 ? defaults.pause_ms : p->pause_ms;
	p->pause_max_ms = p->pause_max_ms == 0 ? defaults.pause_max_ms : p->pause_max_ms;
}

static pnr_status copy_path(const char *path, char **out, pnr_error *err)
{
	if (path == NULL || path[0] == '\0')
		return PNR_OK;
	*out = strdup(path);
	return *out == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status find_authorities(pnr_http *http, const char *ca_file, pnr_error *err)
{
	pnr_status status = copy_path(ca_file, &http->ca_file, err);
	if (status == PNR_OK && http->ca_file == NULL)
		status = copy_path(getenv("CURL_CA_BUNDLE"), &http->ca_file, err);
	if (status == PNR_OK && http->ca_file == NULL)
		status = copy_path(getenv("SSL_CERT_FILE"), &http->ca_file, err);
	return status == PNR_OK ? copy_path(getenv("SSL_CERT_DIR"), &http->ca_folder, err) : status;
}

static pnr_status start(pnr_http *http, pnr_error *err)
{
	http->multi = pnr_curl.multi_init();
	if (http->multi == NULL)
		return pnr_fail_nomem(err);
	CURLMcode code = pnr_curl.multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)http->slot_count);
	if (code == CURLM_OK)
		code = pnr_curl.multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	if (code != CURLM_OK)
		return pnr_fail(err, PNR_UNSUPPORTED, "libcurl: %s", pnr_curl.multi_strerror(code));
	for (unsigned i = 0; i < http->slot_count; i++) {
		http->slots[i].http = http;
		http->slots[i].easy = pnr_curl.easy_init();
		if (http->slots[i].easy == NULL)
			return pnr_fail_nomem(err);
	}
	return PNR_OK;
}

pnr_status pnr_http_new(const pnr_http_options *options, pnr_http **out_http, pnr_error *err)
{
	unsigned count = options == NULL || options->connections == 0 ? PNR_HTTP_CONNECTIONS : options->connections;
	pnr_status status = pnr_curl_load(err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = calloc(1, sizeof *http + count * sizeof http->slots[0]);
	if (http == NULL)
		return pnr_fail_nomem(err);
	http->slot_count = count;
	http->direct = options != NULL && options->direct;
	pnr_http_set_patience(http, options == NULL ? NULL : &options->patience);
	status = find_authorities(http, options == NULL ? NULL : options->ca_file, err);
	if (status == PNR_OK)
		status = start(http, err);
	if (status == PNR_OK)
		*out_http = PNR_STEAL(http);
	return status;
}

void pnr_http_free(pnr_http *http)
{
	sigset_t old;
	bool pending;
	if (http == NULL)
		return;
	/* A connection of TLS is told that it ends. */
	hold_sigpipe(&old, &pending);
	for (unsigned i = 0; i < http->slot_count; i++) {
		pnr_curl.slist_free_all(http->slots[i].lines);
		pnr_curl.easy_cleanup(http->slots[i].easy);
	}
	(void)pnr_curl.multi_cleanup(http->multi);
	release_sigpipe(&old, pending);
	free(http->ca_file);
	free(http->ca_folder);
	free(http);
}

void pnr_http_cleanup(pnr_http **http)
{
	pnr_http_free(*http);
}

/* ------------------------------------------------------------ trying again -- */

/* Did what was asked perhaps happen, though there is no answer that says so? */
static bool may_have_happened(const pnr_http_slot *slot, CURLcode result, int code)
{
	curl_off_t sent = 0;
	long asked = 0;
	if (result == CURLE_OK)
		return code >= 500 || code == 408;
	(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &asked);
	return asked > 0 && (uint64_t)sent >= slot->request->length;
}

static bool is_passing(CURLcode result)
{
	switch (result) {
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_AGAIN:
	case CURLE_NO_CONNECTION_AVAILABLE:
		return true;
	default:
		return false;
	}
}

/*
 * What comes on a kept connection instead of an answer may belong to the one before: there are servers that send a body
 * after the answer to a HEAD.
 */
static bool is_left_over(const pnr_http_slot *slot, CURLcode result)
{
	long asked = 0, connects = 0;
	if (result != CURLE_UNSUPPORTED_PROTOCOL && result != CURLE_WEIRD_SERVER_REPLY)
		return false;
	(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_REQUEST_SIZE, &asked);
	(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &connects);
	return asked > 0 && connects == 0;
}

static bool is_again(const pnr_http_request *r)
{
	switch (r->code) {
	case 408:
	case 429:
	case 500:
	case 502:
	case 503:
	case 504:
		return true;
	default:
		return r->again != NULL && r->again(r->context);
	}
}

/* Up to twice as long with each try, and at random: those who failed together shall not come back together. */
static double pause_before(const pnr_http_slot *slot, bool answered)
{
	const pnr_http_patience *p = &slot->http->patience;
	uint32_t random = 0;
	curl_off_t told = 0;
	double most = p->pause_ms;
	for (unsigned i = 1; i < slot->tries && most < p->pause_max_ms; i++)
		most *= 2;
	if (most > p->pause_max_ms)
		most = p->pause_max_ms;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = UINT32_MAX / 2;
	double seconds = most / 1000 * random / UINT32_MAX;
	if (answered)
		(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &told);
	if (told > RETRY_AFTER_MAX)
		told = RETRY_AFTER_MAX;
	return (double)told > seconds ? (double)told : seconds;
}

/* Of a download that broke, only the rest is asked for, and only if it can be told that it is of the same. */
static pnr_status can_go_on(pnr_http_slot *slot, pnr_error *err)
{
	if (slot->given == 0)
		return PNR_OK;
	if (slot->etag[0] == '\0' || strncmp(slot->etag, "W/", 2) == 0)
		return pnr_fail(err, PNR_RETRY, "it broke off after %llu bytes, and has no ETag to go on with; try again",
		                (unsigned long long)slot->given);
	if (slot->given - slot->before >= PROGRESS)
		slot->tries = 1;
	return PNR_OK;
}

/* Does the answer to who asks for the rest say that what came is not of what is there now? */
static bool is_gone(int code)
{
	return code == 404 || code == 410 || code == 412 || code == 416;
}

/* Is that moment later than the request may last? */
static bool is_too_late(const pnr_http_slot *slot, double moment)
{
	return slot->end > 0 && moment >= slot->end;
}

/* Is the slot's try the last one? If not, it is due again. */
static bool try_again(pnr_http_slot *slot, CURLcode result)
{
	const pnr_http *http = slot->http;
	double now = pnr_clock_monotonic();
	slot->fresh = is_left_over(slot, result);
	bool passing = result == CURLE_OK ? is_again(slot->request) : is_passing(result) || slot->fresh;
	if (!passing || slot->final.status != PNR_OK || is_too_late(slot, now) ||
	    can_go_on(slot, &slot->final) != PNR_OK)
		return false;
	unsigned tries = http->patience.tries;
	if (!http->answered && tries > TRIES_UNSEEN)
		tries = TRIES_UNSEEN;
	if (slot->tries >= tries)
		return false;
	slot->due = now + pause_before(slot, result == CURLE_OK);
	if (is_too_late(slot, slot->due))
		return false;
	slot->state = PNR_HTTP_PAUSED;
	return true;
}

/* ---------------------------------------------------------------- the run -- */

static pnr_status open_slot(pnr_http_slot *slot, pnr_error *err)
{
	pnr_status status = pnr_http__prepare(slot, err);
	if (status != PNR_OK)
		return status;
	CURLMcode code = pnr_curl.multi_add_handle(slot->http->multi, slot->easy);
	if (code == CURLM_OUT_OF_MEMORY)
		return pnr_fail_nomem(err);
	if (code != CURLM_OK)
		return pnr_fail(err, PNR_UNSUPPORTED, "libcurl: %s", pnr_curl.multi_strerror(code));
	slot->tries++;
	slot->state = PNR_HTTP_OPEN;
	return PNR_OK;
}

static void leave_slot(pnr_http_slot *slot)
{
	if (slot->state == PNR_HTTP_OPEN)
		(void)pnr_curl.multi_remove_handle(slot->http->multi, slot->easy);
	slot->state = PNR_HTTP_IDLE;
}

static void begin_request(pnr_http_slot *slot, pnr_http_request *r)
{
	pnr_http_request_free(r);
	slot->request = r;
	slot->tries = 0;
	slot->given = 0;
	slot->etag[0] = '\0';
	slot->fresh = false;
	unsigned total_ms = slot->http->patience.total_ms;
	slot->end = total_ms == 0 ? 0 : pnr_clock_monotonic() + total_ms / 1000.0;
	pnr_error_clear(&slot->final);
}

/* Try those again that are due. @out_open: so many have something to do. */
static pnr_status reopen(pnr_http *http, unsigned *out_open, pnr_error *err)
{
	double now = pnr_clock_monotonic();
	*out_open = 0;
	for (unsigned i = 0; i < http->slot_count; i++) {
		pnr_http_slot *slot = &http->slots[i];
		if (slot->state == PNR_HTTP_PAUSED && slot->due <= now) {
			pnr_status status = open_slot(slot, err);
			if (status != PNR_OK)
				return status;
		}
		*out_open += slot->state != PNR_HTTP_IDLE;
	}
	return PNR_OK;
}

/*
 * Begin the next request, if there is one and a slot for it. One only: to make it may take long, and the others move.
 * *out_begun: it is, or is being made.
 */
static pnr_status begin_next(pnr_http *http, const pnr_http_feed *feed, bool *out_begun, pnr_error *err)
{
	pnr_http_request *r = NULL;
	pnr_http_slot *slot = http->slots;
	while (slot < http->slots + http->slot_count && slot->state != PNR_HTTP_IDLE)
		slot++;
	*out_begun = false;
	if (slot == http->slots + http->slot_count)
		return PNR_OK;
	pnr_status status = feed->next(feed->context, &r, err);
	if (status != PNR_OK || r == NULL)
		return status;
	*out_begun = true;
	if (r == &pnr_http_not_yet)
		return PNR_OK;
	begin_request(slot, r);
	return open_slot(slot, err);
}

/* libcurl is done with the slot's try. */
static pnr_status finish(pnr_http_slot *slot, CURLcode result, const pnr_http_feed *feed, pnr_error *err)
{
	pnr_http *http = slot->http;
	pnr_http_request *r = slot->request;
	long code = 0;
	leave_slot(slot);
	if (http->failure.status != PNR_OK)
		return pnr_fail_with(err, &http->failure);
	/* libcurl says so of a line that is longer than it takes, too. */
	if (result == CURLE_OUT_OF_MEMORY && !slot->in_head)
		return pnr_fail_nomem(err);
	if (result == CURLE_OUT_OF_MEMORY)
		pnr_ignore(pnr_fail(&slot->final, PNR_IO, "a line of the answer's header is too long"));
	if (slot->cut)
		result = CURLE_OK;
	if (result == CURLE_OK) {
		(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &code);
		pnr_http__ended(slot);
		http->answered = true;
	}
	r->code = (int)code;
	r->unsure |= may_have_happened(slot, result, r->code);
	if (try_again(slot, result))
		return PNR_OK;
	if (slot->given > 0 && result == CURLE_OK && is_gone(r->code))
		pnr_ignore(pnr_fail(&slot->final, PNR_RETRY,
		                    "it broke off, and was changed or removed before the rest came (%d); try again",
		                    r->code));
	if (slot->final.status == PNR_OK && result != CURLE_OK) {
		pnr_ignore(pnr_http__fail_curl((int)result, slot->text, &slot->final));
		if (slot->tries > 1)
			pnr_context(&slot->final, "after %u tries", slot->tries);
	}
	if (slot->final.status != PNR_OK)
		r->code = 0;
	r->status = slot->final.status;
	r->error = slot->final;
	return feed->done(feed->context, r, err);
}

static pnr_status finish_all(pnr_http *http, const pnr_http_feed *feed, bool *out_any, pnr_error *err)
{
	int left = 0;
	const CURLMsg *message;
	*out_any = false;
	while ((message = pnr_curl.multi_info_read(http->multi, &left)) != NULL) {
		void *slot = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		(void)pnr_curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&slot);
		pnr_status status = finish(slot, message->data.result, feed, err);
		if (status != PNR_OK)
			return status;
		*out_any = true;
	}
	return PNR_OK;
}

/* How long nothing may have to be done. */
static int idle_ms(const pnr_http *http)
{
	double now = pnr_clock_monotonic(), until = now + POLL_MS / 1000.0;
	for (unsigned i = 0; i < http->slot_count; i++)
		if (http->slots[i].state == PNR_HTTP_PAUSED && http->slots[i].due < until)
			until = http->slots[i].due;
	return until > now ? (int)((until - now) * 1000) + 1 : 0;
}

static pnr_status run(pnr_http *http, const pnr_http_feed *feed, pnr_error *err)
{
	for (;;) {
		unsigned open = 0;
		int running = 0;
		bool begun = false, any = false;
		pnr_status status = begin_next(http, feed, &begun, err);
		if (status == PNR_OK)
			status = reopen(http, &open, err);
		if (status != PNR_OK || (open == 0 && !begun))
			return status;
		CURLMcode code = pnr_curl.multi_perform(http->multi, &running);
		if (http->failure.status != PNR_OK)
			return pnr_fail_with(err, &http->failure);
		if (code == CURLM_OK)
			status = finish_all(http, feed, &any, err);
		if (status == PNR_OK)
			status = feed->poll(feed->poll_context, err);
		if (status != PNR_OK)
			return status;
		/* Is there a slot for another one, now or since an answer came? */
		bool more = any || (begun && open < http->slot_count);
		if (code == CURLM_OK && !more)
			code = pnr_curl.multi_poll(http->multi, NULL, 0, idle_ms(http), NULL);
		if (code == CURLM_OUT_OF_MEMORY)
			return pnr_fail_nomem(err);
		if (code != CURLM_OK)
			return pnr_fail(err, PNR_UNSUPPORTED, "libcurl: %s", pnr_curl.multi_strerror(code));
	}
}

pnr_status pnr_http_run(pnr_http *http, const pnr_http_feed *feed, pnr_error *err)
{
	sigset_t old;
	bool pending;
	pnr_error_clear(&http->failure);
	hold_sigpipe(&old, &pending);
	pnr_status status = run(http, feed, err);
	for (unsigned i = 0; i < http->slot_count; i++)
		leave_slot(&http->slots[i]);
	release_sigpipe(&old, pending);
	return status;
}

/* ---------------------------------------------------------------- one only -- */

static pnr_status next_single(void *context, pnr_http_request **out_request, pnr_error *err)
{
	pnr_http_request **request = context;
	(void)err;
	*out_request = PNR_STEAL(*request);
	return PNR_OK;
}

static pnr_status done_single(void *context, pnr_http_request *request, pnr_error *err)
{
	(void)context;
	(void)request;
	(void)err;
	return PNR_OK;
}

static pnr_status poll_single(void *context, pnr_error *err)
{
	(void)context;
	(void)err;
	return PNR_OK;
}

pnr_status pnr_http_run_one(pnr_http *http, pnr_http_request *request,
                            pnr_status (*poll)(void *poll_context, pnr_error *err), void *poll_context,
                            pnr_error *err)
{
	const pnr_http_feed feed = { next_single, done_single, poll == NULL ? poll_single : poll, &request, poll_context };
	return pnr_http_run(http, &feed, err);
}
