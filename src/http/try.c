#include "http/try.h"
#include "base/clock.h"
#include "base/secret.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE (256L * 1024)
#define HEAD_MAX ((size_t)64 * PNR_KIB)
#define TEXT_MAX ((size_t)64 * PNR_KIB)
#define PAIRS_MAX 16u
#define ASK_FIRST PNR_MIB /* before a body of that size goes the server is asked whether it wants it */

pnr_status pnr_http__fail_curl(int code, const char *text, pnr_error *err)
{
	/* Of a proxy that it does not understand it tells all, the password too. */
	if (text[0] == '\0' || strchr(text, '@') != NULL)
		text = pnr_curl.easy_strerror((CURLcode)code);
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return pnr_fail_nomem(err);
	case CURLE_PEER_FAILED_VERIFICATION:
		return pnr_fail(err, PNR_DENIED,
		                "the server cannot be trusted: %s; if its certificate is of an authority of your own, "
		                "name that one's file in CURL_CA_BUNDLE",
		                text);
	case CURLE_SSL_CACERT_BADFILE:
		return pnr_fail(err, PNR_INVALID, "%s; CURL_CA_BUNDLE or SSL_CERT_FILE names it", text);
	default:
		return pnr_fail(err, PNR_IO, "%s", text);
	}
}

/* --------------------------------------------------------------- callbacks -- */

static long code_of(const pnr_http_slot *slot)
{
	long code = 0;
	(void)pnr_curl.easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &code);
	return code;
}

static bool is_download(const pnr_http_slot *slot)
{
	long code = code_of(slot);
	return slot->request->take != NULL && (code == 200 || code == 206);
}

static size_t on_body_out(char *buffer, size_t size, size_t count, void *context)
{
	pnr_http_slot *slot = context;
	const pnr_http_request *r = slot->request;
	uint64_t left = r->length - slot->sent;
	size_t length = size * count;
	if (length > left)
		length = (size_t)left;
	if (length == 0)
		return 0;
	if (r->read(r->context, slot->sent, buffer, length, &slot->http->failure) != PNR_OK)
		return CURL_READFUNC_ABORT;
	slot->sent += length;
	return length;
}

/* libcurl starts again by itself where a kept connection turns out to be closed. */
static int on_rewind(void *context, curl_off_t offset, int origin)
{
	pnr_http_slot *slot = context;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > slot->request->length)
		return CURL_SEEKFUNC_FAIL;
	/* All of it went, and the connection ended without an answer. */
	slot->request->unsure |= slot->sent == slot->request->length;
	slot->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t on_head(char *data, size_t size, size_t count, void *context)
{
	pnr_http_slot *slot = context;
	pnr_buffer *head = &slot->request->head;
	size_t length = size * count;
	slot->in_head = length > 2;
	/* Of several, "100 Continue" say, the last one is the answer. */
	if (length > 5 && memcmp(data, "HTTP/", 5) == 0)
		pnr_buffer_clear(head);
	if (length > HEAD_MAX - head->length) {
		pnr_ignore(pnr_fail(&slot->final, PNR_IO, "the header of the answer is longer than %zu bytes", HEAD_MAX));
		return 0;
	}
	pnr_buffer_append(head, data, length);
	if (pnr_buffer_status(head, &slot->http->failure) != PNR_OK)
		return 0;
	return length;
}

/* "bytes 4-9/10": is it all from what was given on? */
static bool is_rest(const pnr_http_slot *slot)
{
	char range[64], *end;
	(void)pnr_http_header(slot->request, "content-range", range, sizeof range);
	if (strncmp(range, "bytes ", 6) != 0 || strtoull(range + 6, &end, 10) != slot->given || *end != '-')
		return false;
	unsigned long long last = strtoull(end + 1, &end, 10);
	return *end == '/' && (end[1] == '*' || strtoull(end + 1, NULL, 10) == last + 1);
}

/* Does the body that begins go on with what was given? */
static pnr_status check_rest(pnr_http_slot *slot, pnr_error *err)
{
	char etag[PNR_HTTP_ETAG_SIZE];
	(void)pnr_http_header(slot->request, "etag", etag, sizeof etag);
	if (slot->given == 0)
		memcpy(slot->etag, etag, sizeof etag);
	if (strcmp(slot->etag, etag) != 0)
		return pnr_fail(err, PNR_RETRY, "it was changed while it was got; try again");
	if (code_of(slot) == 200)
		slot->skip = slot->given;
	else if (!is_rest(slot))
		return pnr_fail(err, PNR_IO, "the server sends another part of it than it was asked for");
	return PNR_OK;
}

static void begin_body(pnr_http_slot *slot)
{
	if (!slot->begun && is_download(slot))
		pnr_ignore(check_rest(slot, &slot->final));
	slot->begun = true;
}

void pnr_http__ended(pnr_http_slot *slot)
{
	begin_body(slot);
	if (slot->skip > 0)
		pnr_ignore(pnr_fail(&slot->final, PNR_IO, "it is shorter than what had come of it"));
}

static bool take(pnr_http_slot *slot, const char *data, size_t length)
{
	const pnr_http_request *r = slot->request;
	begin_body(slot);
	if (slot->final.status != PNR_OK)
		return false;
	size_t pass = length > slot->skip ? (size_t)slot->skip : length;
	slot->skip -= pass;
	if (length == pass)
		return true;
	if (r->take(r->context, data + pass, length - pass, &slot->http->failure) != PNR_OK)
		return false;
	slot->given += length - pass;
	return true;
}

static size_t on_body_in(char *data, size_t size, size_t count, void *context)
{
	pnr_http_slot *slot = context;
	pnr_http_request *r = slot->request;
	size_t length = size * count;
	if (is_download(slot))
		return take(slot, data, length) ? length : length + 1;
	size_t most = r->text_max == 0 ? TEXT_MAX : r->text_max;
	size_t room = most - r->text.length;
	if (length > room && code_of(slot) / 100 == 2) {
		pnr_ignore(pnr_fail(&slot->final, PNR_CORRUPT, "the answer is longer than %zu bytes", most));
		return length + 1;
	}
	pnr_buffer_append(&r->text, data, length > room ? room : length);
	slot->cut = length > room;
	return pnr_buffer_status(&r->text, &slot->http->failure) == PNR_OK && !slot->cut ? length : length + 1;
}

/* ------------------------------------------------------------- setting up -- */

static bool has_body(const pnr_http_request *r)
{
	return r->length > 0 || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0;
}

/* The Host header: without the scheme's own port. */
static void host_of(const char *origin, char *out, size_t size)
{
	const char *host = strstr(origin, "://");
	bool tls = strncmp(origin, "https:", 6) == 0;
	(void)snprintf(out, size, "%s", host == NULL ? origin : host + 3);
	size_t length = strlen(out);
	const char *port = tls ? ":443" : ":80";
	if (length > strlen(port) && strcmp(out + length - strlen(port), port) == 0)
		out[length - strlen(port)] = '\0';
}

/* What is between line breaks would be a header of its own, or a request. */
static pnr_status add_line(pnr_http_slot *slot, const char *line, pnr_error *err)
{
	if (strpbrk(line, "\r\n") != NULL)
		return pnr_fail(err, PNR_INVALID, "what is to be sent as header '%.*s' holds a line break",
		                (int)strcspn(line, ":;\r\n"), line);
	struct curl_slist *longer = pnr_curl.slist_append(slot->lines, line);
	if (longer == NULL)
		return pnr_fail_nomem(err);
	slot->lines = longer;
	return PNR_OK;
}

static pnr_status add_pair(pnr_http_slot *slot, const pnr_http_pair *pair, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer line = PNR_BUFFER_INIT;
	/* In one allocation: what grows leaves copies behind. */
	if (pnr_buffer_reserve(&line, strlen(pair->name) + 2 + strlen(pair->value)) == NULL)
		return pnr_fail_nomem(err);
	/* A header without a value is written so. */
	pnr_buffer_puts(&line, pair->name);
	pnr_buffer_puts(&line, pair->value[0] == '\0' ? ";" : ": ");
	pnr_buffer_puts(&line, pair->value);
	return add_line(slot, line.data, err);
}

static pnr_status sign(pnr_http_slot *slot, const char *host, const pnr_http_pair *pairs, size_t count, pnr_error *err)
{
	const pnr_http_request *r = slot->request;
	PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
	const pnr_sign_request what = {
		.method = r->method,
		.host = host,
		.path = r->path,
		.query = r->query,
		.query_count = r->query_count,
		.headers = pairs,
		.header_count = count,
		.payload = r->payload,
		.length = r->length,
		.now_ms = pnr_clock_now_ms(),
	};
	pnr_status status = r->sign(r->context, &what, &lines, err);
	for (size_t i = 0; i < lines.count && status == PNR_OK; i++)
		status = add_line(slot, lines.line[i], err);
	return status;
}

static pnr_status set_lines(pnr_http_slot *slot, pnr_error *err)
{
	const pnr_http_request *r = slot->request;
	pnr_http_pair pairs[PAIRS_MAX];
	char range[48], host[512];
	size_t count = r->header_count;
	if (count > PAIRS_MAX - 2)
		return pnr_fail(err, PNR_INVALID, "a request of more than %u headers", PAIRS_MAX - 2);
	for (size_t i = 0; i < count; i++)
		pairs[i] = r->headers[i];
	if (slot->given > 0) {
		(void)snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)slot->given);
		pairs[count++] = (pnr_http_pair){ "Range", range };
		pairs[count++] = (pnr_http_pair){ "If-Match", slot->etag };
	}
	/* As it is signed: libcurl writes an address in its own way. */
	host_of(r->origin, host, sizeof host);
	const pnr_http_pair host_pair = { "Host", host };
	pnr_status status = add_pair(slot, &host_pair, err);
	for (size_t i = 0; i < count && status == PNR_OK; i++)
		status = add_pair(slot, &pairs[i], err);
	/* To ask takes as long as to send a small one. */
	if (status == PNR_OK && r->length > 0 && r->length < ASK_FIRST)
		status = add_line(slot, "Expect:", err);
	return status == PNR_OK && r->sign != NULL ? sign(slot, host, pairs, count, err) : status;
}

#define SET(option, value)                                             \
	do {                                                           \
		CURLcode set_ = pnr_curl.easy_setopt(easy, option, value); \
		if (set_ != CURLE_OK)                                  \
			return set_;                                   \
	} while (0)

static CURLcode set_trust(const pnr_http *http, CURL *easy)
{
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	if (http->direct)
		SET(CURLOPT_PROXY, "");
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (http->ca_file != NULL) {
		SET(CURLOPT_CAINFO, http->ca_file);
		SET(CURLOPT_PROXY_CAINFO, http->ca_file);
	}
	if (http->ca_folder != NULL) {
		SET(CURLOPT_CAPATH, http->ca_folder);
		SET(CURLOPT_PROXY_CAPATH, http->ca_folder);
	}
	return CURLE_OK;
}

static CURLcode set_transport(const pnr_http *http, CURL *easy)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_USERAGENT, "pannier");
	/* Refused if it still has the buffers of an earlier try, which are as large. */
	(void)pnr_curl.easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
	(void)pnr_curl.easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)http->patience.connect_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)http->patience.idle_seconds);
	return CURLE_OK;
}

/* What is left of the time that the request has: a little more, so that it is over when libcurl says so. */
static CURLcode set_limit(const pnr_http_slot *slot)
{
	CURL *easy = slot->easy;
	double left_ms = (slot->end - pnr_clock_monotonic()) * 1000;
	if (slot->end > 0)
		SET(CURLOPT_TIMEOUT_MS, 2 + (left_ms > 0 ? (long)left_ms : 0L));
	return CURLE_OK;
}

static CURLcode set_callbacks(pnr_http_slot *slot)
{
	CURL *easy = slot->easy;
	SET(CURLOPT_PRIVATE, slot);
	SET(CURLOPT_ERRORBUFFER, slot->text);
	SET(CURLOPT_HEADERFUNCTION, on_head);
	SET(CURLOPT_HEADERDATA, slot);
	SET(CURLOPT_WRITEFUNCTION, on_body_in);
	SET(CURLOPT_WRITEDATA, slot);
	SET(CURLOPT_READFUNCTION, on_body_out);
	SET(CURLOPT_READDATA, slot);
	SET(CURLOPT_SEEKFUNCTION, on_rewind);
	SET(CURLOPT_SEEKDATA, slot);
	return CURLE_OK;
}

static CURLcode set_request(pnr_http_slot *slot, const char *url)
{
	const pnr_http_request *r = slot->request;
	CURL *easy = slot->easy;
	SET(CURLOPT_URL, url);
	SET(CURLOPT_FRESH_CONNECT, slot->fresh ? 1L : 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTPHEADER, slot->lines);
	if (strcmp(r->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
		return CURLE_OK;
	}
	if (has_body(r)) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->length);
	}
	SET(CURLOPT_CUSTOMREQUEST, r->method);
	return CURLE_OK;
}

static pnr_status make_url(const pnr_http_request *r, pnr_buffer *url, pnr_error *err)
{
	pnr_status status = PNR_OK;
	pnr_buffer_puts(url, r->origin);
	pnr_buffer_puts(url, r->path);
	if (r->query_count > 0) {
		pnr_buffer_putc(url, '?');
		status = pnr_sign_query(url, r->query, r->query_count, err);
	}
	return status == PNR_OK ? pnr_buffer_status(url, err) : status;
}

pnr_status pnr_http__prepare(pnr_http_slot *slot, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer url = PNR_BUFFER_INIT;
	pnr_http_request *r = slot->request;
	pnr_curl.slist_free_all(slot->lines);
	slot->lines = NULL;
	pnr_curl.easy_reset(slot->easy);
	slot->sent = slot->skip = 0;
	slot->before = slot->given;
	slot->begun = slot->cut = slot->in_head = false;
	slot->text[0] = '\0';
	pnr_buffer_clear(&r->head);
	pnr_buffer_clear(&r->text);
	pnr_status status = make_url(r, &url, err);
	if (status == PNR_OK)
		status = set_lines(slot, err);
	if (status != PNR_OK)
		return status;
	CURLcode code = set_trust(slot->http, slot->easy);
	if (code == CURLE_OK)
		code = set_transport(slot->http, slot->easy);
	if (code == CURLE_OK)
		code = set_limit(slot);
	if (code == CURLE_OK)
		code = set_callbacks(slot);
	if (code == CURLE_OK)
		code = set_request(slot, url.data);
	if (code == CURLE_OUT_OF_MEMORY)
		return pnr_fail_nomem(err);
	return code == CURLE_OK ? PNR_OK : pnr_fail(err, PNR_UNSUPPORTED, "libcurl: %s", pnr_curl.easy_strerror(code));
}
