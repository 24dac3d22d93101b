#include "remote/azure_credentials.h"
#include "remote/bucket.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION "2021-12-02"
#define BLOCK_ID_RAW (4 + PNR_DIGEST_SIZE)

typedef struct pnr_azure {
	pnr_bucket bucket;
	pnr_azure_credentials *credentials;
} pnr_azure;

static pnr_azure *azure_of(pnr_bucket *bucket)
{
	return (pnr_azure *)(void *)bucket;
}

/* ------------------------------------------------------------------ requests -- */

static pnr_status sign(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err)
{
	const pnr_bucket_call *call = context;
	return pnr_azure_sign(azure_of(call->bucket)->credentials, request, out_lines, err);
}

static void dress(pnr_bucket_call *call)
{
	size_t count;
	const pnr_http_pair *query = pnr_azure_query(azure_of(call->bucket)->credentials, &count);
	for (size_t i = 0; i < count; i++)
		pnr_bucket__query(call, query[i].name, query[i].value);
	pnr_bucket__header(call, "x-ms-version", VERSION);
}

static void add_md5(pnr_bucket_call *call, const uint8_t *md5)
{
	(void)EVP_EncodeBlock((unsigned char *)call->text[1], md5, 16);
	pnr_bucket__header(call, "Content-MD5", call->text[1]);
}

static void dress_put(pnr_bucket_call *call, const uint8_t *md5)
{
	pnr_bucket__header(call, "x-ms-blob-type", "BlockBlob");
	if (md5 != NULL)
		add_md5(call, md5);
}

/* --------------------------------------------------------------------- blocks -- */

/*
 * A block's name is its number and its hash: so who finds it there knows that it has those bytes, which the server
 * compared with their MD5. All names of a blob are of one length, as Azure wants it.
 */
static void block_id(const pnr_bucket_sum *sum, char out_id[sizeof(((pnr_bucket_part *)NULL)->name)])
{
	uint8_t raw[BLOCK_ID_RAW] = { (uint8_t)(sum->number >> 24), (uint8_t)(sum->number >> 16),
		                      (uint8_t)(sum->number >> 8), (uint8_t)sum->number };
	memcpy(raw + 4, sum->sha256.bytes, PNR_DIGEST_SIZE);
	(void)EVP_EncodeBlock((unsigned char *)out_id, raw, sizeof raw);
}

static void list_parts(pnr_bucket_large *large, pnr_bucket_call *call)
{
	(void)large;
	pnr_bucket__query(call, "comp", "blocklist");
	pnr_bucket__query(call, "blocklisttype", "uncommitted");
}

/* The number that a block's name says; UINT64_MAX: it is none of ours. */
static uint64_t number_of(const char *id)
{
	uint8_t raw[BLOCK_ID_RAW];
	if (strlen(id) != sizeof raw / 3 * 4 || EVP_DecodeBlock(raw, (const unsigned char *)id, (int)strlen(id)) < 0)
		return UINT64_MAX;
	return (uint64_t)raw[0] << 24 | (uint64_t)raw[1] << 16 | (uint64_t)raw[2] << 8 | raw[3];
}

static pnr_status visit_part(void *user, const pnr_xml_event *event, pnr_error *err)
{
	static const char root[] = "BlockList/UncommittedBlocks/Block";
	pnr_bucket_page *page = user;
	pnr_bucket_part *part = &page->part;
	(void)err;
	if (strncmp(event->path, root, sizeof root - 1) != 0)
		return PNR_OK;
	const char *name = event->path + sizeof root - 1;
	if (strcmp(name, "/Name") == 0)
		(void)snprintf(part->name, sizeof part->name, "%s", event->text);
	else if (strcmp(name, "/Size") == 0)
		part->size = strtoull(event->text, NULL, 10);
	else if (name[0] == '\0')
		pnr_bucket__page_part(page, number_of(part->name));
	return PNR_OK;
}

static bool is_part(const pnr_bucket_part *part, const pnr_bucket_sum *sum)
{
	char id[sizeof part->name];
	block_id(sum, id);
	return strcmp(part->name, id) == 0;
}

static void send_part(pnr_bucket_large *large, pnr_bucket_call *call, const pnr_bucket_sum *sum)
{
	(void)large;
	block_id(sum, call->text[0]);
	pnr_bucket__query(call, "comp", "block");
	pnr_bucket__query(call, "blockid", call->text[0]);
	if (sum->has_md5)
		add_md5(call, sum->md5);
}

static bool name_part(const pnr_bucket_call *call, pnr_bucket_part *part)
{
	memcpy(part->name, call->text[0], sizeof part->name);
	return true;
}

static void complete(pnr_bucket_large *large, pnr_bucket_call *call, pnr_buffer *body)
{
	pnr_buffer_puts(body, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (unsigned i = 0; i < large->count; i++)
		pnr_buffer_printf(body, "<Uncommitted>%s</Uncommitted>", large->parts[i].name);
	pnr_buffer_puts(body, "</BlockList>");
	call->http.method = "PUT";
	pnr_bucket__query(call, "comp", "blocklist");
}

/* ------------------------------------------------------------------ the handle -- */

static const char *const passing[] = { "Md5Mismatch", "OperationTimedOut", "ServerBusy", "InternalError", NULL };

static const pnr_http_pair remedies[] = {
	{ "AuthenticationFailed", "the key, the signature or the token is not that of this account, or has expired; or "
	                          "the clock of this machine is wrong" },
	{ "AuthorizationFailure", "the key or the signature is not that of this account, or may not do this; or the "
	                          "account's network rules do not let this machine in" },
	{ "AuthorizationPermissionMismatch", "these credentials may not do this; an identity needs the role 'Storage "
	                                     "Blob Data Contributor', a signature the "
	                                     "permissions r, c, w and l" },
	{ "AuthorizationProtocolMismatch", "the signature is for https only" },
	{ "ContainerNotFound", "there is no such container; make it first" },
	{ "InvalidAuthenticationInfo", "the token is not valid for storage, or has expired" },
	{ "NoAuthenticationInformation", "the server saw no credentials" },
	{ NULL, NULL },
};

static const pnr_http_pair page_query[] = { { "restype", "container" }, { "comp", "list" } };

static const pnr_bucket_dialect dialect = {
	.server = "Azure Blob storage",
	.place = "container",
	.no_bucket = "ContainerNotFound",
	.denied = "AuthorizationPermissionMismatch",
	.there = "BlobAlreadyExists",
	.error_header = "x-ms-error-code",
	.postscript = "\nRequestId:",
	.passing = passing,
	.remedies = remedies,
	.listing = { .query = page_query,
	             .query_count = PNR_COUNT(page_query),
	             .page_size = "maxresults",
	             .page_max = 5000,
	             .token = "marker",
	             .root = "EnumerationResults",
	             .entry = "/Blobs/Blob",
	             .key = "/Blobs/Blob/Name",
	             .size = "/Blobs/Blob/Properties/Content-Length",
	             .more = "/NextMarker",
	             .type = "/Blobs/Blob/Properties/ResourceType" },
	.conditional_delete = true,
	.parts_max = 50000,
	.wrong_parts = "InvalidBlockList",
	.sign = sign,
	.dress = dress,
	.dress_put = dress_put,
	.list_parts = list_parts,
	.visit_part = visit_part,
	.is_part = is_part,
	.send_part = send_part,
	.name_part = name_part,
	.complete = complete,
};

static void close_azure(pnr_remote *remote)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	pnr_azure_credentials_free(azure_of(bucket)->credentials);
	pnr_bucket__free(bucket);
}

static void cleanup(pnr_bucket **bucket)
{
	if (*bucket != NULL)
		close_azure(&(*bucket)->base);
}

/* An emulator has the account in the path; who names it by its address has no host for each account. */
static bool is_address(const char *host)
{
	size_t length = strcspn(host, ":");
	return host[0] == '[' || strspn(host, "0123456789.") == length || strncmp(host, "localhost", length) == 0;
}

/* What is sent as it is must not be read on its way. */
static pnr_status check_origin(const pnr_bucket *bucket, const pnr_azure_credentials *credentials, pnr_error *err)
{
	if (!pnr_azure_sends_secret(credentials) || strncmp(bucket->origin, "http://", 7) != 0 ||
	    pnr_remote_is_here(bucket->origin))
		return PNR_OK;
	return pnr_fail(err, PNR_INVALID,
	                "a token or a shared access signature is not sent over http://, where others can read it; "
	                "name the endpoint with https://");
}

/* The endpoint is "https://host[:port]", perhaps with "/account". */
static pnr_status set_places(pnr_bucket *bucket, const pnr_remote_url *url, const char *endpoint, pnr_error *err)
{
	const char *host = strstr(endpoint, "://");
	if (host == NULL)
		return pnr_fail(err, PNR_INVALID, "BlobEndpoint is not of the form https://host[:port][/account]");
	const char *path = strchrnul(host + 3, '/');
	bool in_path = *path != '\0' || is_address(host + 3);
	if (*path != '\0' && strcmp(path + 1, url->account) != 0)
		return pnr_fail(err, PNR_INVALID, "the endpoint's path is not '/%s', which is the account",
		                url->account);
	pnr_status status = pnr_bucket__print(&bucket->origin, err, "%.*s", (int)(path - endpoint), endpoint);
	const char *problem = status == PNR_OK ? pnr_remote_endpoint_problem(bucket->origin) : NULL;
	if (problem != NULL)
		return pnr_fail(err, PNR_INVALID, "BlobEndpoint: %s", problem);
	if (status == PNR_OK)
		status = pnr_bucket__print(&bucket->root, err, "%s%s/%s", in_path ? "/" : "",
		                           in_path ? url->account : "", url->bucket);
	return status == PNR_OK ? pnr_bucket__set_path(bucket, url->prefix, err) : status;
}

static pnr_status open_azure(const pnr_remote_url *url, bool create, pnr_remote **out_remote, pnr_error *err)
{
	pnr_azure *azure = calloc(1, sizeof *azure);
	char own[128];
	(void)create; /* a container is made by who knows its rules */
	if (azure == NULL)
		return pnr_fail_nomem(err);
	PNR_CLEANUP(cleanup) pnr_bucket *bucket = &azure->bucket;
	bucket->dialect = &dialect;
	pnr_status status = pnr_azure_credentials_new(url->account, &azure->credentials, err);
	if (status != PNR_OK)
		return status;
	pnr_azure_set_watch(azure->credentials, (pnr_secret_watch){ pnr_bucket__poll, &bucket->base });
	const char *endpoint = url->endpoint[0] != '\0' ? url->endpoint : pnr_azure_endpoint(azure->credentials);
	if (endpoint == NULL) {
		(void)snprintf(own, sizeof own, "https://%.64s.blob.core.windows.net", url->account);
		endpoint = own;
	}
	status = set_places(bucket, url, endpoint, err);
	if (status == PNR_OK)
		status = check_origin(bucket, azure->credentials, err);
	/* What may stay on this machine only does not go to a proxy. */
	const pnr_http_options options = { .direct = status == PNR_OK && pnr_azure_sends_secret(azure->credentials) &&
		                                     pnr_remote_is_here(bucket->origin) };
	if (status == PNR_OK)
		status = pnr_http_new(&options, &bucket->http, err);
	if (status != PNR_OK)
		return status;
	*out_remote = &bucket->base;
	bucket = NULL;
	return PNR_OK;
}

const pnr_remote_ops pnr_remote_azure_ops = {
	.open = open_azure,
	.close = close_azure,
	.has = pnr_bucket__has,
	.put = pnr_bucket__put,
	.get = pnr_bucket__get,
	.list = pnr_bucket__list,
	.swap_ref = pnr_bucket__swap_ref,
};
