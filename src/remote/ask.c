#include "remote/ask.h"
#include "remote/url.h"
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 * PNR_KIB)

/* What the callbacks see. */
typedef struct exchange {
	const pnr_ask *ask;
	pnr_buffer *answer;
} exchange;

static pnr_status read_body(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const exchange *e = context;
	(void)err;
	memcpy(buffer, e->ask->body->data + offset, length);
	return PNR_OK;
}

static pnr_status sign(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err)
{
	const exchange *e = context;
	return pnr_sign_v4(request, e->ask->key, out_lines, err);
}

static pnr_status take(void *context, const void *data, size_t length, pnr_error *err)
{
	const exchange *e = context;
	if (length > ANSWER_MAX - e->answer->length)
		return pnr_fail(err, PNR_INVALID, "an answer of more than %zu bytes", ANSWER_MAX);
	pnr_buffer_append(e->answer, data, length);
	return pnr_buffer_status(e->answer, err);
}

static pnr_status split(const pnr_ask *ask, char **out_origin, char **out_path, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	const char *host = strstr(ask->url, "://");
	if (host == NULL)
		return pnr_fail(err, PNR_INVALID, "%s is not of the form https://host[:port][/path]", ask->named);
	const char *from = strchrnul(host + 3, '/');
	size_t length = strlen(from);
	pnr_buffer_append(&path, from, length - (length > 0 && from[length - 1] == '/' && ask->path != NULL));
	pnr_buffer_puts(&path, ask->path != NULL ? ask->path : length == 0 ? "/" : "");
	*out_origin = strndup(ask->url, (size_t)(from - ask->url));
	*out_path = pnr_buffer_steal(&path);
	return *out_origin == NULL || *out_path == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

/* What is sent, and what is answered, is enough for who reads it on its way. */
static pnr_status check_origin(const pnr_ask *ask, const char *origin, pnr_error *err)
{
	const char *problem = pnr_remote_endpoint_problem(origin);
	if (problem != NULL)
		return pnr_fail(err, PNR_INVALID, "%s: %s", ask->named, problem);
	if (strncmp(origin, "http://", 7) != 0 || ask->plain || pnr_remote_is_here(origin))
		return PNR_OK;
	return pnr_fail(err, PNR_INVALID,
	                "%s: credentials do not go over http://, where others can read them; name a server with https://",
	                ask->named);
}

static pnr_status refused(const pnr_ask *ask, const pnr_http_request *request, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer words = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	if (ask->explain != NULL && request->text.length > 0)
		ask->explain(&request->text, &words);
	pnr_status status = pnr_http_fail(request, words.length == 0 ? NULL : words.data, &own);
	if (request->code / 100 == 4 && status != PNR_NOT_FOUND && status != PNR_BUSY && status != PNR_RETRY)
		own.status = PNR_DENIED;
	return pnr_fail_with(err, &own);
}

static pnr_status send(const pnr_ask *ask, pnr_http *http, pnr_buffer *answer, int *out_code, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *origin = NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *path = NULL;
	char payload[PNR_DIGEST_HEX_SIZE];
	exchange e = { ask, answer };
	pnr_status status = split(ask, &origin, &path, err);
	if (status == PNR_OK)
		status = check_origin(ask, origin, err);
	if (status == PNR_OK && ask->body != NULL)
		status = pnr_sign_payload(ask->body->data, ask->body->length, payload, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_http_request_free)
	pnr_http_request request = { .method = ask->method,
		                     .origin = origin,
		                     .path = path,
		                     .query = ask->query,
		                     .query_count = ask->query_count,
		                     .headers = ask->headers,
		                     .header_count = ask->header_count,
		                     .length = ask->body == NULL ? 0 : ask->body->length,
		                     .payload = payload,
		                     .context = &e,
		                     .read = ask->body == NULL ? NULL : read_body,
		                     .sign = ask->key == NULL ? NULL : sign,
		                     .take = take };
	status = pnr_http_run_one(http, &request, ask->watch.poll, ask->watch.context, err);
	*out_code = request.code;
	if (status == PNR_OK && request.code != 200)
		status = refused(ask, &request, err);
	return status;
}

pnr_status pnr_ask_run(const pnr_ask *ask, pnr_buffer *answer, int *out_code, pnr_error *err)
{
	static const pnr_http_patience nearby = { .connect_ms = 1000, .idle_seconds = 5, .total_ms = 20000,
		                                   .tries = 2 };
	static const pnr_http_patience far = { .idle_seconds = 20, .total_ms = 60000, .tries = 3 };
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = NULL;
	const pnr_http_options options = { .connections = 1,
		                           .ca_file = ask->ca_file,
		                           .direct = ask->nearby || pnr_remote_is_here(ask->url),
		                           .patience = ask->nearby ? nearby : far };
	*out_code = 0;
	/* In one allocation: what grows leaves copies behind. */
	char *place = pnr_buffer_reserve(answer, ANSWER_MAX);
	if (place == NULL)
		return pnr_fail_nomem(err);
	place[0] = '\0';
	pnr_status status = pnr_http_new(&options, &http, err);
	return status == PNR_OK ? send(ask, http, answer, out_code, err) : status;
}
