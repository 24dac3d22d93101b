#include "remote/bucket.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many objects in parts are begun before smaller ones are, so that there is always a part to send. */
#define LARGE_FIRST 4u
#define PIECE ((size_t)256 * PNR_KIB)

/* What a call is for, if not for an object in parts. */
enum { LARGE, LOOK, PUT };

typedef struct putting {
	pnr_bucket *bucket;
	pnr_remote_upload *uploads;
	size_t count, next;
	pnr_bucket_large **larges;
	size_t large_count, begun;
	/* to be put, or looked for, once more: not more than were open */
	struct {
		pnr_remote_upload *upload;
		bool absent; /* it was looked for */
	} again[PNR_HTTP_CONNECTIONS];
	size_t again_count;
} putting;

void pnr_bucket__if_absent(pnr_bucket_call *call, const pnr_remote_upload *upload)
{
	if (upload->mode == PNR_REMOTE_IF_ABSENT && !call->bucket->unconditional)
		pnr_bucket__header(call, "If-None-Match", "*");
}

/* Was it asked to do it on a condition only? Servers say 412 and 501 for other reasons, too. */
static bool is_conditional(const pnr_bucket_call *call)
{
	for (size_t i = 0; i < call->http.header_count; i++)
		if (strncmp(call->headers[i].name, "If-", 3) == 0)
			return true;
	return false;
}

bool pnr_bucket__is_there(const pnr_bucket_call *call)
{
	if (!is_conditional(call))
		return false;
	const char *there = call->bucket->dialect->there;
	return call->http.code == 412 || (call->http.code == 409 && pnr_bucket__is_error(call, there));
}

bool pnr_bucket__is_stored(const pnr_bucket_call *call)
{
	char etag[128];
	return (call->http.code == 200 || call->http.code == 201) &&
	       pnr_http_header(&call->http, "etag", etag, sizeof etag)[0] != '\0';
}

bool pnr_bucket__is_unconditional(const pnr_bucket_call *call)
{
	if (call->http.code != 501 || !is_conditional(call))
		return false;
	call->bucket->unconditional = true;
	return true;
}

/* ------------------------------------------------------------ one request -- */

pnr_status pnr_bucket__check_hash(pnr_bucket *bucket, pnr_hash *hash, const pnr_remote_upload *upload,
                                  pnr_error *err)
{
	pnr_digest digest;
	pnr_status status = pnr_hash_finish(hash, &digest, NULL, NULL, err);
	if (status != PNR_OK || pnr_digest_equal(&digest, &upload->hash))
		return status;
	pnr_error own = PNR_ERROR_INIT;
	pnr_ignore(pnr_remote_wrong_body(&bucket->base, upload, &own));
	pnr_context(&own, "'%s'", upload->key);
	return pnr_fail_with(err, &own);
}

/* Compares the hash before the last bytes go: a server that does not look at it must not have wrong ones. */
static pnr_status read_body(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	pnr_bucket_call *call = context;
	pnr_remote_upload *upload = call->of;
	pnr_digest unused;
	pnr_status status = PNR_OK;
	if (offset == 0 && call->hashed != 0)
		status = pnr_hash_finish(call->hash, &unused, NULL, NULL, err);
	if (offset == 0)
		call->hashed = 0;
	if (status == PNR_OK && offset != call->hashed)
		status = pnr_fail(err, PNR_UNSUPPORTED, "libcurl sends a body from its middle");
	if (status == PNR_OK)
		status = pnr_remote_read_body(&call->bucket->base, upload, offset, buffer, length, err);
	if (status == PNR_OK)
		status = pnr_hash_update(call->hash, buffer, length, err);
	if (status == PNR_OK && offset + length > upload->told)
		status = pnr_remote_sent(&call->bucket->base, upload, offset + length - upload->told, err);
	if (status != PNR_OK)
		return status;
	call->hashed += length;
	if (call->hashed < upload->size)
		return PNR_OK;
	call->hashed = 0;
	return pnr_bucket__check_hash(call->bucket, call->hash, upload, err);
}

/* The server compares the MD5: so the bytes are read twice. */
static pnr_status dress_with_md5(pnr_bucket *bucket, pnr_bucket_call *call, pnr_error *err)
{
	const pnr_remote_upload *upload = call->of;
	PNR_CLEANUP(pnr_cleanup_free) char *piece = malloc(PIECE);
	uint8_t md5[16];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool known = context != NULL && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1;
	pnr_status status = context == NULL || piece == NULL ? pnr_fail_nomem(err) : PNR_OK;
	for (uint64_t done = 0; done < upload->size && known && status == PNR_OK;) {
		size_t length = upload->size - done < PIECE ? (size_t)(upload->size - done) : PIECE;
		status = pnr_remote_read_body(&bucket->base, upload, done, piece, length, err);
		known = status == PNR_OK && EVP_DigestUpdate(context, piece, length) == 1;
		done += length;
	}
	known = known && EVP_DigestFinal_ex(context, md5, NULL) == 1;
	EVP_MD_CTX_free(context);
	if (status == PNR_OK)
		bucket->dialect->dress_put(call, known ? md5 : NULL);
	return status;
}

static pnr_status put_one(pnr_bucket *bucket, pnr_remote_upload *upload, bool absent, pnr_http_request **out_request,
                          pnr_error *err)
{
	bool look = upload->mode == PNR_REMOTE_IF_ABSENT && bucket->unconditional && !absent;
	pnr_bucket_call *call = pnr_bucket__begin(bucket, look ? "HEAD" : "PUT", upload->key);
	pnr_digest unused;
	call->of = upload;
	call->what = look ? LOOK : PUT;
	*out_request = &call->http;
	if (look)
		return PNR_OK;
	pnr_status status = call->hash == NULL ? pnr_hash_new(&call->hash, err)
	                                       : pnr_hash_finish(call->hash, &unused, NULL, NULL, err);
	if (status != PNR_OK)
		return status;
	call->hashed = 0;
	call->http.read = read_body;
	call->http.length = upload->size;
	call->http.payload = pnr_digest_to_hex(&upload->hash, call->payload);
	pnr_bucket__if_absent(call, upload);
	if (bucket->dialect->dress_put != NULL)
		status = dress_with_md5(bucket, call, err);
	if (status == PNR_OK && upload->size == 0)
		status = pnr_bucket__check_hash(bucket, call->hash, upload, err);
	return status;
}

static void once_more(putting *p, pnr_remote_upload *upload, bool absent)
{
	p->again[p->again_count].upload = upload;
	p->again[p->again_count++].absent = absent;
}

static pnr_status looked(putting *p, pnr_bucket_call *call, pnr_error *err)
{
	pnr_remote_upload *upload = call->of;
	if (call->http.code == 404)
		once_more(p, upload, true);
	else if (call->http.code == 200)
		upload->outcome = PNR_REMOTE_THERE;
	else
		return pnr_bucket__fail(call, err);
	return PNR_OK;
}

static pnr_status put_done(putting *p, pnr_bucket_call *call, pnr_error *err)
{
	pnr_remote_upload *upload = call->of;
	pnr_remote_close_body(upload);
	if (pnr_bucket__is_stored(call))
		upload->outcome = PNR_REMOTE_PUT;
	else if (call->http.code / 100 == 2)
		return pnr_http_fail(&call->http, "the answer has no ETag of the object", err);
	else if (pnr_bucket__is_there(call)) /* by a try whose answer was lost, perhaps */
		upload->outcome = call->http.unsure ? PNR_REMOTE_PUT : PNR_REMOTE_THERE;
	else if (pnr_bucket__is_unconditional(call))
		once_more(p, upload, false);
	else
		return pnr_bucket__fail(call, err);
	return PNR_OK;
}

/* ------------------------------------------------------------------ the run -- */

static pnr_status next_part(putting *p, pnr_http_request **out_request, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < p->begun && *out_request == NULL && status == PNR_OK; i++)
		status = pnr_bucket__large_next(p->larges[i], out_request, err);
	return status;
}

static pnr_status next_put(void *context, pnr_http_request **out_request, pnr_error *err)
{
	putting *p = context;
	if (p->again_count > 0) {
		p->again_count--;
		return put_one(p->bucket, p->again[p->again_count].upload, p->again[p->again_count].absent, out_request,
		               err);
	}
	if (p->begun == 0 && p->large_count > 0)
		p->begun = p->large_count < LARGE_FIRST ? p->large_count : LARGE_FIRST;
	pnr_status status = next_part(p, out_request, err);
	while (p->next < p->count && p->uploads[p->next].size > PNR_BUCKET_PART)
		p->next++;
	/* While parts that are there are read, what is small is sent. */
	if (status == PNR_OK && (*out_request == NULL || *out_request == &pnr_http_not_yet) && p->next < p->count)
		return put_one(p->bucket, &p->uploads[p->next++], false, out_request, err);
	while (status == PNR_OK && *out_request == NULL && p->begun < p->large_count) {
		p->begun++;
		status = next_part(p, out_request, err);
	}
	return status;
}

static pnr_status done_put(void *context, pnr_http_request *request, pnr_error *err)
{
	putting *p = context;
	pnr_bucket_call *call = request->context;
	pnr_status status = PNR_OK;
	if (call->what == LARGE)
		status = pnr_bucket__large_done(call, err);
	else if (call->what == LOOK)
		status = looked(p, call, err);
	else
		status = put_done(p, call, err);
	pnr_bucket__end(call);
	return status;
}

static pnr_status make_larges(putting *p, pnr_error *err)
{
	for (size_t i = 0; i < p->count; i++)
		p->large_count += p->uploads[i].size > PNR_BUCKET_PART;
	if (p->large_count == 0)
		return PNR_OK;
	p->larges = calloc(p->large_count, sizeof(pnr_bucket_large *));
	if (p->larges == NULL)
		return pnr_fail_nomem(err);
	size_t made = 0;
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < p->count && status == PNR_OK; i++)
		if (p->uploads[i].size > PNR_BUCKET_PART)
			status = pnr_bucket__large_new(p->bucket, &p->uploads[i], &p->larges[made++], err);
	if (status == PNR_OK && p->bucket->dialect->find != NULL)
		status = p->bucket->dialect->find(p->bucket, p->larges, p->large_count, err);
	return status;
}

/* What was open when the run ended early is closed, too. */
static void put_end(putting *p)
{
	for (size_t i = 0; i < p->large_count && p->larges != NULL; i++)
		pnr_bucket__large_free(p->larges[i]);
	free(p->larges);
	for (size_t i = 0; i < p->next; i++)
		if (p->uploads[i].outcome == PNR_REMOTE_PENDING)
			pnr_remote_close_body(&p->uploads[i]);
}

pnr_status pnr_bucket__put(pnr_remote *remote, pnr_remote_upload *uploads, size_t count, pnr_error *err)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	putting p = { .bucket = bucket, .uploads = uploads, .count = count };
	pnr_status status = make_larges(&p, err);
	if (status == PNR_OK)
		status = pnr_bucket__run(bucket, next_put, done_put, &p, err);
	put_end(&p);
	return status;
}
