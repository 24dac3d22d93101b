#include "remote/aws.h"
#include "remote/s3_upload.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pnr_s3 {
	pnr_bucket bucket;
	pnr_aws *aws;
	char *region;
} pnr_s3;

static pnr_s3 *s3_of(pnr_bucket *bucket)
{
	return (pnr_s3 *)(void *)bucket;
}

/* -------------------------------------------------------------- the dialect -- */

static pnr_status sign(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err)
{
	const pnr_bucket_call *call = context;
	const pnr_s3 *s3 = s3_of(call->bucket);
	pnr_sigv4_key key = { .region = s3->region, .service = "s3" };
	pnr_status status = pnr_aws_key(s3->aws, &key, err);
	return status == PNR_OK ? pnr_sign_v4(request, &key, out_lines, err) : status;
}

/* The region that the bucket is in, if that is what the server complains of. */
static void other_region(const pnr_bucket_call *call, char *out, size_t size)
{
	(void)pnr_http_header(&call->http, "x-amz-bucket-region", out, size);
	if (out[0] == '\0')
		pnr_bucket__element(call, "Error/Region", out, size);
	if (strcmp(out, s3_of(call->bucket)->region) == 0)
		out[0] = '\0';
}

static void explain(const pnr_bucket_call *call, char *out, size_t size)
{
	char region[64];
	other_region(call, region, sizeof region);
	if (region[0] != '\0')
		(void)snprintf(out, size,
		               "the bucket is in region '%s'; set AWS_REGION, or add ?region=%s to the URL of the "
		               "remote", region, region);
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
	.explain = explain,
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
	.create = "uploads",
	.upload_id = "InitiateMultipartUploadResult/UploadId",
	.no_upload = "NoSuchUpload",
	.wrong_parts = "InvalidPart",
	.completed = "CompleteMultipartUploadResult/Key",
	.sign = sign,
	.find = pnr_s3_upload__find,
	.list_parts = pnr_s3_upload__list_parts,
	.visit_part = pnr_s3_upload__visit_part,
	.is_part = pnr_s3_upload__is_part,
	.send_part = pnr_s3_upload__send_part,
	.name_part = pnr_s3_upload__name_part,
	.complete = pnr_s3_upload__complete,
};

/* ------------------------------------------------------------- the handle -- */

static void close_s3(pnr_remote *remote)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	pnr_s3 *s3 = s3_of(bucket);
	pnr_aws_free(s3->aws);
	free(s3->region);
	pnr_bucket__free(bucket);
}

static void cleanup_s3(pnr_s3 **s3)
{
	if (*s3 != NULL)
		close_s3(&(*s3)->bucket.base);
}

/* A bucket with a dot in its name is in no certificate, and no other server is asked to know the bucket by its host. */
static bool in_path(const pnr_remote_url *url, bool amazon)
{
	if (url->style[0] != '\0')
		return strcmp(url->style, "true") == 0;
	return !amazon || strchr(url->bucket, '.') != NULL;
}

static pnr_status set_places(pnr_s3 *s3, const pnr_remote_url *url, pnr_error *err)
{
	pnr_bucket *bucket = &s3->bucket;
	const char *endpoint = url->endpoint[0] != '\0' ? url->endpoint : pnr_aws_endpoint(s3->aws);
	char amazon[128];
	(void)snprintf(amazon, sizeof amazon, "https://s3.%.64s.amazonaws.com%s", s3->region,
	               strncmp(s3->region, "cn-", 3) == 0 ? ".cn" : "");
	bool path_style = in_path(url, endpoint == NULL);
	if (endpoint == NULL)
		endpoint = amazon;
	size_t length = strlen(endpoint);
	length -= length > 0 && endpoint[length - 1] == '/';
	pnr_status status = pnr_bucket__print(&bucket->origin, err, "%.*s", (int)length, endpoint);
	if (status != PNR_OK)
		return status;
	const char *problem = pnr_remote_endpoint_problem(bucket->origin);
	if (problem != NULL)
		return pnr_fail(err, PNR_INVALID, "AWS_ENDPOINT_URL: %s", problem);
	if (!path_style) {
		PNR_CLEANUP(pnr_cleanup_free) char *plain = PNR_STEAL(bucket->origin);
		const char *host = strstr(plain, "://") + 3;
		status = pnr_bucket__print(&bucket->origin, err, "%.*s%s.%s", (int)(host - plain), plain, url->bucket,
		                           host);
	}
	if (status == PNR_OK)
		status = pnr_bucket__print(&bucket->root, err, "/%s", path_style ? url->bucket : "");
	return status == PNR_OK ? pnr_bucket__set_path(bucket, url->prefix, err) : status;
}

static pnr_status open_s3(const pnr_remote_url *url, bool create, pnr_remote **out_remote, pnr_error *err)
{
	PNR_CLEANUP(cleanup_s3) pnr_s3 *s3 = calloc(1, sizeof *s3);
	const pnr_http_options options = { .ca_file = getenv("AWS_CA_BUNDLE") };
	(void)create; /* a bucket has an owner, a place and rules: it is made by who knows them */
	if (s3 == NULL)
		return pnr_fail_nomem(err);
	s3->bucket.dialect = &dialect;
	pnr_status status = pnr_aws_new(&s3->aws, err);
	if (status != PNR_OK)
		return status;
	pnr_aws_set_watch(s3->aws, (pnr_secret_watch){ pnr_bucket__poll, &s3->bucket.base });
	const char *region = url->region[0] != '\0' ? url->region : pnr_aws_region(s3->aws);
	status = pnr_bucket__print(&s3->region, err, "%s", region);
	if (status == PNR_OK)
		status = set_places(s3, url, err);
	if (status == PNR_OK)
		status = pnr_http_new(&options, &s3->bucket.http, err);
	if (status != PNR_OK)
		return status;
	*out_remote = &s3->bucket.base;
	s3 = NULL;
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
