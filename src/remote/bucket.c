#include "remote/bucket.h"
#include "base/xml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SHA-256 of nothing. */
static const char no_payload[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* ---------------------------------------------------------------- answers -- */

void pnr_bucket__element(const pnr_bucket_call *call, const char *path, char *out, size_t size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	const pnr_buffer *all = &call->http.text;
	out[0] = '\0';
	if (all->length > 0 && pnr_xml_find(all->data, all->length, path, &text, NULL) == PNR_OK && text.length > 0)
		(void)snprintf(out, size, "%s", text.data);
}

/* The code of the answer's error, "" if it has none. */
static void error_code(const pnr_bucket_call *call, char *out, size_t size)
{
	pnr_bucket__element(call, "Error/Code", out, size);
	const char *header = call->bucket->dialect->error_header;
	if (out[0] == '\0' && header != NULL)
		(void)pnr_http_header(&call->http, header, out, size);
}

bool pnr_bucket__is_error(const pnr_bucket_call *call, const char *code)
{
	char found[64];
	error_code(call, found, sizeof found);
	return code != NULL && strcmp(found, code) == 0;
}

static bool again(void *context)
{
	const pnr_bucket_call *call = context;
	char found[64];
	/* Only what completes has an error in a 200; a page of a listing is not to be read for it. */
	if (call->http.code == 200 && strcmp(call->http.method, "GET") == 0)
		return false;
	error_code(call, found, sizeof found);
	for (const char *const *code = call->bucket->dialect->passing; *code != NULL; code++)
		if (strcmp(found, *code) == 0)
			return true;
	return false;
}

/* --------------------------------------------------------------- requests -- */

pnr_bucket_call *pnr_bucket__begin(pnr_bucket *bucket, const char *method, const char *key)
{
	pnr_bucket_call *call = bucket->calls;
	while (call->busy)
		call++;
	call->busy = true;
	call->of = NULL;
	call->what = 0;
	call->number = 0;
	(void)snprintf(call->path, sizeof call->path, "%s%s", key == NULL ? bucket->root : bucket->path,
	               key == NULL ? "" : key);
	pnr_http_request_free(&call->http);
	call->http = (pnr_http_request){
		.method = method,
		.origin = bucket->origin,
		.path = call->path,
		.query = call->query,
		.headers = call->headers,
		.payload = no_payload,
		.context = call,
		.sign = bucket->dialect->sign,
		.again = again,
		.text_max = PNR_BUCKET_TEXT_MAX,
	};
	call->bucket = bucket;
	if (bucket->dialect->dress != NULL)
		bucket->dialect->dress(call);
	return call;
}

void pnr_bucket__end(pnr_bucket_call *call)
{
	pnr_http_request_free(&call->http);
	call->busy = false;
}

static void end_all(pnr_bucket *bucket)
{
	for (size_t i = 0; i < PNR_COUNT(bucket->calls); i++)
		pnr_bucket__end(&bucket->calls[i]);
}

void pnr_bucket__query(pnr_bucket_call *call, const char *name, const char *value)
{
	call->query[call->http.query_count++] = (pnr_http_pair){ name, value };
}

void pnr_bucket__header(pnr_bucket_call *call, const char *name, const char *value)
{
	call->headers[call->http.header_count++] = (pnr_http_pair){ name, value };
}

pnr_status pnr_bucket__poll(void *context, pnr_error *err)
{
	return pnr_remote_poll(context, err);
}

pnr_status pnr_bucket__run(pnr_bucket *bucket,
                           pnr_status (*next)(void *context, pnr_http_request **out_request, pnr_error *err),
                           pnr_status (*done)(void *context, pnr_http_request *request, pnr_error *err), void *context,
                           pnr_error *err)
{
	const pnr_http_feed feed = { next, done, pnr_bucket__poll, context, &bucket->base };
	pnr_status status = pnr_http_run(bucket->http, &feed, err);
	end_all(bucket);
	return status;
}

pnr_status pnr_bucket__run_one(pnr_bucket_call *call, pnr_error *err)
{
	return pnr_http_run_one(call->bucket->http, &call->http, pnr_bucket__poll, &call->bucket->base, err);
}

/* --------------------------------------------------------------- failures -- */

/* What to do about an error of that code. */
static const char *remedy(const pnr_bucket *bucket, const char *code)
{
	for (const pnr_http_pair *known = bucket->dialect->remedies; known->name != NULL; known++)
		if (strcmp(code, known->name) == 0)
			return known->value;
	return "";
}

pnr_status pnr_bucket__fail(const pnr_bucket_call *call, pnr_error *err)
{
	char code[64], message[400], text[1012] = "";
	const pnr_bucket_dialect *dialect = call->bucket->dialect;
	pnr_error own = PNR_ERROR_INIT;
	if (call->http.code == 0)
		return pnr_http_fail(&call->http, NULL, err);
	error_code(call, code, sizeof code);
	pnr_bucket__element(call, "Error/Message", message, sizeof message);
	char *end = dialect->postscript == NULL ? NULL : strstr(message, dialect->postscript);
	end = end == NULL ? message + strlen(message) : end;
	end[end > message && end[-1] == '.' ? -1 : 0] = '\0';
	/* HEAD has no text to say it with. */
	bool denied = call->http.code == 403 && code[0] == '\0';
	const char *advice = remedy(call->bucket, denied ? dialect->denied : code);
	if (dialect->explain != NULL)
		dialect->explain(call, text, sizeof text);
	if (text[0] == '\0')
		(void)snprintf(text, sizeof text, "%s%s%s%s%s", code, message[0] == '\0' ? "" : ": ", message,
		               advice[0] == '\0' || code[0] == '\0' ? "" : "; ", advice);
	pnr_ignore(pnr_http_fail(&call->http, text[0] == '\0' ? NULL : text, &own));
	if (strcmp(code, "QuotaExceeded") == 0)
		own.status = PNR_FULL;
	return pnr_fail_with(err, &own);
}

pnr_status pnr_bucket__is_missing(const pnr_bucket_call *call, bool *out_missing, pnr_error *err)
{
	*out_missing = call->http.code == 404 && !pnr_bucket__is_error(call, call->bucket->dialect->no_bucket);
	return call->http.code == 404 && !*out_missing ? pnr_bucket__fail(call, err) : PNR_OK;
}

/* ----------------------------------------------------------------- getting -- */

typedef struct getting {
	pnr_bucket *bucket;
	pnr_remote_download *downloads;
	size_t count, next;
} getting;

static pnr_status take(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_bucket_call *call = context;
	pnr_remote_download *download = call->of;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_give(&call->bucket->base, download, data, length, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (!call->bucket->base.ours)
		pnr_context(&own, "'%s'", download->key);
	return pnr_fail_with(err, &own);
}

static pnr_status next_get(void *context, pnr_http_request **out_request, pnr_error *err)
{
	getting *g = context;
	(void)err;
	if (g->next == g->count)
		return PNR_OK;
	pnr_remote_download *download = &g->downloads[g->next++];
	pnr_bucket_call *call = pnr_bucket__begin(g->bucket, "GET", download->key);
	call->of = download;
	call->http.take = take;
	*out_request = &call->http;
	return PNR_OK;
}

static pnr_status got(pnr_bucket_call *call, pnr_error *err)
{
	pnr_remote_download *download = call->of;
	bool missing = false;
	if (call->http.code / 100 == 2)
		return pnr_remote_given(&call->bucket->base, download, err);
	pnr_status status = pnr_bucket__is_missing(call, &missing, err);
	if (missing)
		download->status = PNR_NOT_FOUND;
	return status != PNR_OK || missing ? status : pnr_bucket__fail(call, err);
}

static pnr_status done_get(void *context, pnr_http_request *request, pnr_error *err)
{
	(void)context;
	pnr_bucket_call *call = request->context;
	pnr_status status = got(call, err);
	pnr_bucket__end(call);
	return status;
}

pnr_status pnr_bucket__get(pnr_remote *remote, pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	getting g = { bucket, downloads, count, 0 };
	return pnr_bucket__run(bucket, next_get, done_get, &g, err);
}

/* ------------------------------------------------------------- the handle -- */

void pnr_bucket__free(pnr_bucket *bucket)
{
	end_all(bucket);
	for (size_t i = 0; i < PNR_COUNT(bucket->calls); i++)
		pnr_hash_free(bucket->calls[i].hash);
	pnr_http_free(bucket->http);
	free(bucket->origin);
	free(bucket->path);
	free(bucket->root);
	free(bucket->prefix);
	free(bucket);
}

pnr_status pnr_bucket__print(char **out, pnr_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (vasprintf(out, format, args) < 0)
		*out = NULL;
	va_end(args);
	return *out == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

pnr_status pnr_bucket__set_path(pnr_bucket *bucket, const char *prefix, pnr_error *err)
{
	pnr_status status = pnr_bucket__print(&bucket->prefix, err, "%s%s", prefix, prefix[0] == '\0' ? "" : "/");
	if (status == PNR_OK)
		status = pnr_bucket__print(&bucket->path, err, "%s%s%s", bucket->root,
		                           bucket->root[1] == '\0' ? "" : "/", bucket->prefix);
	if (status == PNR_OK && strlen(bucket->path) + PNR_REMOTE_KEY_MAX >= PNR_BUCKET_PATH_SIZE)
		return pnr_fail(err, PNR_INVALID, "the prefix is too long; take a shorter one");
	return status;
}
