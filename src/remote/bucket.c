#include "remote/bucket.h"
#include "base/xml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SHA-256 of nothing. */
static const char no_payload[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/* --------------------------------------------------------------- requests -- */

static bool again(void *context)
{
	const pnr_bucket_call *call = context;
	for (const char *const *code = call->bucket->dialect->passing; *code != NULL; code++)
		if (pnr_bucket__is_error(call, *code))
			return true;
	return false;
}

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

/* The text of the answer's element @path, "" if it has none. */
static void element(const pnr_bucket_call *call, const char *path, char *out, size_t size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	const pnr_buffer *all = &call->http.text;
	out[0] = '\0';
	if (all->length > 0 && pnr_xml_find(all->data, all->length, path, &text, NULL) == PNR_OK && text.length > 0)
		(void)snprintf(out, size, "%s", text.data);
}

/* The code of the answer's error, "" if it has none. Azure says it in a header, too. */
static void error_code(const pnr_bucket_call *call, char *out, size_t size)
{
	element(call, "Error/Code", out, size);
	if (out[0] == '\0')
		(void)pnr_http_header(&call->http, "x-ms-error-code", out, size);
}

bool pnr_bucket__is_error(const pnr_bucket_call *call, const char *code)
{
	char found[64];
	error_code(call, found, sizeof found);
	return strcmp(found, code) == 0;
}

/* What to do about an error of that code. */
static const char *remedy(const pnr_bucket *bucket, const char *code)
{
	for (const pnr_http_pair *known = bucket->dialect->remedies; known->name != NULL; known++)
		if (strcmp(code, known->name) == 0)
			return known->value;
	return "";
}

/* The region that the bucket is in, if that is what the server complains of. */
static void other_region(const pnr_bucket_call *call, char *out, size_t size)
{
	(void)pnr_http_header(&call->http, "x-amz-bucket-region", out, size);
	if (out[0] == '\0')
		element(call, "Error/Region", out, size);
	if (strcmp(out, call->bucket->region) == 0)
		out[0] = '\0';
}

pnr_status pnr_bucket__fail(const pnr_bucket_call *call, pnr_error *err)
{
	char code[64], message[400], region[64], text[1012];
	pnr_error own = PNR_ERROR_INIT;
	if (call->http.code == 0)
		return pnr_http_fail(&call->http, NULL, err);
	error_code(call, code, sizeof code);
	element(call, "Error/Message", message, sizeof message);
	/* Azure adds two lines for its own people. */
	char *end = strstr(message, "\nRequestId:");
	end = end == NULL ? message + strlen(message) : end;
	end[end > message && end[-1] == '.' ? -1 : 0] = '\0';
	other_region(call, region, sizeof region);
	/* HEAD has no text to say it with. */
	bool denied = call->http.code == 403 && code[0] == '\0';
	const char *advice = remedy(call->bucket, denied ? call->bucket->dialect->denied : code);
	(void)snprintf(text, sizeof text, "%s%s%s%s%s", code, message[0] == '\0' ? "" : ": ", message,
	               advice[0] == '\0' || code[0] == '\0' ? "" : "; ", advice);
	if (region[0] != '\0')
		(void)snprintf(text, sizeof text,
		               "the bucket is in region '%s'; set AWS_REGION, or add ?region=%s to the "
		               "URL of the remote",
		               region, region);
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
	free(bucket->region);
	free(bucket);
}

static void close_s3(pnr_remote *remote)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	pnr_aws_free(bucket->aws);
	pnr_bucket__free(bucket);
}

static void cleanup_s3(pnr_bucket **bucket)
{
	if (*bucket != NULL)
		close_s3(&(*bucket)->base);
}

pnr_status pnr_bucket__set(char **out, pnr_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (vasprintf(out, format, args) < 0)
		*out = NULL;
	va_end(args);
	return *out == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

pnr_status pnr_bucket__set_path(pnr_bucket *bucket, pnr_error *err)
{
	pnr_status status = pnr_bucket__set(&bucket->path, err, "%s%s%s", bucket->root,
	                                    bucket->root[1] == '\0' ? "" : "/", bucket->prefix);
	if (status == PNR_OK && strlen(bucket->path) + PNR_REMOTE_KEY_MAX >= PNR_BUCKET_PATH_SIZE)
		return pnr_fail(err, PNR_INVALID, "the prefix is too long; take a shorter one");
	return status;
}

/* A bucket with a dot in its name is in no certificate, and no other server is asked to know the bucket by its host. */
static bool in_path(const pnr_remote_url *url, bool amazon)
{
	if (url->style[0] != '\0')
		return strcmp(url->style, "true") == 0;
	return !amazon || strchr(url->bucket, '.') != NULL;
}

static pnr_status set_places(pnr_bucket *bucket, const pnr_remote_url *url, pnr_error *err)
{
	const char *endpoint = url->endpoint[0] != '\0' ? url->endpoint : pnr_aws_endpoint(bucket->aws);
	char amazon[128];
	(void)snprintf(amazon, sizeof amazon, "https://s3.%.64s.amazonaws.com%s", bucket->region,
	               strncmp(bucket->region, "cn-", 3) == 0 ? ".cn" : "");
	bool path_style = in_path(url, endpoint == NULL);
	if (endpoint == NULL)
		endpoint = amazon;
	size_t length = strlen(endpoint);
	length -= length > 0 && endpoint[length - 1] == '/';
	pnr_status status = pnr_bucket__set(&bucket->origin, err, "%.*s", (int)length, endpoint);
	if (status != PNR_OK)
		return status;
	const char *problem = pnr_remote_endpoint_problem(bucket->origin);
	if (problem != NULL)
		return pnr_fail(err, PNR_INVALID, "AWS_ENDPOINT_URL: %s", problem);
	if (!path_style) {
		PNR_CLEANUP(pnr_cleanup_free) char *plain = PNR_STEAL(bucket->origin);
		const char *host = strstr(plain, "://") + 3;
		status = pnr_bucket__set(&bucket->origin, err, "%.*s%s.%s", (int)(host - plain), plain, url->bucket,
		                         host);
	}
	if (status == PNR_OK)
		status = pnr_bucket__set(&bucket->prefix, err, "%s%s", url->prefix, url->prefix[0] == '\0' ? "" : "/");
	if (status == PNR_OK)
		status = pnr_bucket__set(&bucket->root, err, "/%s", path_style ? url->bucket : "");
	return status == PNR_OK ? pnr_bucket__set_path(bucket, err) : status;
}

/* --------------------------------------------------------- what is S3's own -- */

static pnr_status sign(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err)
{
	const pnr_bucket_call *call = context;
	pnr_sigv4_key key = { .region = call->bucket->region, .service = "s3" };
	pnr_status status = pnr_aws_key(call->bucket->aws, &key, err);
	return status == PNR_OK ? pnr_sign_v4(request, &key, out_lines, err) : status;
}

static const pnr_http_pair remedies[] = {
	{ "AccessDenied", "these credentials may not do this; they need s3:ListBucket of the bucket, and "
	                  "s3:GetObject, s3:PutObject and s3:AbortMultipartUpload of what is in it" },
	{ "InvalidAccessKeyId", "the server does not know these credentials" },
	{ "SignatureDoesNotMatch", "the secret is not that of these credentials" },
	{ "ExpiredToken", "these credentials have expired; get new ones" },
	{ "InvalidToken", "these credentials are not valid any more; get new ones" },
	{ "RequestTimeTooSkewed", "set the clock of this machine" },
	{ "NoSuchBucket", "there is no such bucket; make it first" },
	{ "QuotaExceeded", "the quota of the bucket or of its owner is used up" },
	{ NULL, NULL },
};

static const char *const passing[] = {
	"RequestTimeout", "OperationAborted", "ConditionalRequestConflict", "InternalError", "SlowDown",
	/* what came was not what was sent */
	"XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody", NULL,
};

static const pnr_http_pair page_query[] = { { "list-type", "2" }, { "encoding-type", "url" } };

static const pnr_bucket_dialect dialect = {
	.server = "an S3 server",
	.place = "bucket",
	.no_bucket = "NoSuchBucket",
	.denied = "AccessDenied",
	.passing = passing,
	.remedies = remedies,
	.listing = { .query = page_query,
	             .query_count = PNR_COUNT(page_query),
	             .page_size = "max-keys",
	             .page_max = 1000,
	             .token = "continuation-token",
	             .start_after = "start-after",
	             .root = "ListBucketResult",
	             .entry = "/Contents",
	             .key = "/Contents/Key",
	             .size = "/Contents/Size",
	             .more = "/NextContinuationToken",
	             .encoded = true },
	.parts_max = 10000,
	.creates = true,
	.sign = sign,
	.list_parts = pnr_bucket__list_parts,
	.visit_part = pnr_bucket__visit_part,
	.is_part = pnr_bucket__is_part,
	.send_part = pnr_bucket__send_part,
	.name_part = pnr_bucket__name_part,
	.complete = pnr_bucket__complete,
};

static pnr_status open_s3(const pnr_remote_url *url, bool create, pnr_remote **out_remote, pnr_error *err)
{
	PNR_CLEANUP(cleanup_s3) pnr_bucket *bucket = calloc(1, sizeof *bucket);
	const pnr_http_options options = { .ca_file = getenv("AWS_CA_BUNDLE") };
	(void)create; /* a bucket has an owner, a place and rules: it is made by who knows them */
	if (bucket == NULL)
		return pnr_fail_nomem(err);
	bucket->dialect = &dialect;
	pnr_status status = pnr_aws_new(&bucket->aws, err);
	if (status != PNR_OK)
		return status;
	pnr_aws_set_watch(bucket->aws, (pnr_secret_watch){ pnr_bucket__poll, &bucket->base });
	status = pnr_bucket__set(&bucket->region, err, "%s",
	                         url->region[0] != '\0' ? url->region : pnr_aws_region(bucket->aws));
	if (status == PNR_OK)
		status = set_places(bucket, url, err);
	if (status == PNR_OK)
		status = pnr_http_new(&options, &bucket->http, err);
	if (status != PNR_OK)
		return status;
	*out_remote = &bucket->base;
	bucket = NULL;
	return PNR_OK;
}

const pnr_remote_ops pnr_remote_s3_ops = {
	.open = open_s3,
	.close = close_s3,
	.has = pnr_bucket__has,
	.put = pnr_bucket__put,
	.get = pnr_bucket__get,
	.list = pnr_bucket__list,
	.swap_ref = pnr_bucket__swap_ref,
};
