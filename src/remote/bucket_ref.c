#include "remote/bucket.h"
#include <stdio.h>
#include <string.h>

#define ROUNDS 4u

/* What a ref is, and the ETag of that; no ETag: there is none. */
typedef struct seen {
	pnr_buffer *value;
	char etag[128];
} seen;

static pnr_status read_ref(pnr_bucket *bucket, const char *key, seen *out, pnr_error *err)
{
	bool missing = false;
	pnr_bucket_call *call = pnr_bucket__begin(bucket, "GET", key);
	call->http.text_max = PNR_REMOTE_REF_MAX;
	pnr_buffer_clear(out->value);
	out->etag[0] = '\0';
	pnr_status status = pnr_bucket__run_one(call, err);
	if (status == PNR_OK)
		status = pnr_bucket__is_missing(call, &missing, err);
	if (status == PNR_OK && !missing && call->http.code != 200)
		status = pnr_bucket__fail(call, err);
	/* What somebody put there by hand, say: it is not the same as none. */
	if (status == PNR_OK && !missing && call->http.text.length == 0)
		status = pnr_fail(err, PNR_CORRUPT, "it is empty; remove it");
	if (status == PNR_OK && !missing) {
		pnr_buffer_append(out->value, call->http.text.data, call->http.text.length);
		status = pnr_buffer_status(out->value, err);
		(void)pnr_http_header(&call->http, "etag", out->etag, sizeof out->etag);
		if (status == PNR_OK && out->etag[0] == '\0')
			status = pnr_http_fail(&call->http, "the answer has no ETag", err);
	}
	pnr_bucket__end(call);
	return status;
}

static bool is_value(const pnr_buffer *found, const pnr_remote_ref *ref)
{
	return found->length == ref->length && (ref->length == 0 || memcmp(found->data, ref->data, ref->length) == 0);
}

static pnr_status read_value(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const pnr_bucket_call *call = context;
	const pnr_remote_ref *value = call->of;
	(void)err;
	memcpy(buffer, (const char *)value->data + offset, length);
	return PNR_OK;
}

/* RGW compares the header with the ETag as it stores it. */
static const char *etag_for(const pnr_bucket *bucket, const seen *was, char out[sizeof was->etag])
{
	(void)snprintf(out, sizeof was->etag, "%s", was->etag);
	size_t length = strlen(out);
	if (!bucket->bare_etag || length < 2 || out[0] != '"' || out[length - 1] != '"')
		return out;
	out[length - 1] = '\0';
	return out + 1;
}

/*
 * Set it if it still is what was seen. @out_code: what the server says, 200 for all of 2xx; 501: it cannot tell.
 * @alone: nobody else sets it, so what is refused is a failure.
 */
static pnr_status write_ref(pnr_bucket *bucket, const char *key, const seen *was, const pnr_remote_ref *value,
                            bool alone, int *out_code, pnr_error *err)
{
	char etag[sizeof was->etag];
	pnr_remote_ref copy = *value;
	pnr_bucket_call *call = pnr_bucket__begin(bucket, value->length == 0 ? "DELETE" : "PUT", key);
	pnr_status status = PNR_OK;
	if (value->length > 0) {
		call->of = &copy;
		call->http.read = read_value;
		call->http.length = value->length;
		call->http.payload = call->payload;
		if (!bucket->unconditional && was->etag[0] == '\0')
			pnr_bucket__header(call, "If-None-Match", "*");
		if (bucket->dialect->dress_put != NULL)
			bucket->dialect->dress_put(call, NULL);
		status = pnr_sign_payload(value->data, value->length, call->payload, err);
	}
	if (was->etag[0] != '\0' && !bucket->unconditional &&
	    (value->length > 0 || bucket->dialect->conditional_delete))
		pnr_bucket__header(call, "If-Match", etag_for(bucket, was, etag));
	if (status == PNR_OK)
		status = pnr_bucket__run_one(call, err);
	bool there = value->length > 0 ? pnr_bucket__is_stored(call) : call->http.code / 100 == 2;
	*out_code = there ? 200 : call->http.code;
	/* 404: what should match is gone. */
	bool other = ((call->http.code == 412 || call->http.code == 409) && !alone) ||
	             pnr_bucket__is_unconditional(call) ||
	             (call->http.code == 404 && !pnr_bucket__is_error(call, bucket->dialect->no_bucket));
	if (status == PNR_OK && !there && !other)
		status = pnr_bucket__fail(call, err);
	/* A lease, a policy. CONFLICT is that it holds something else. */
	if (status == PNR_CONFLICT)
		status = err->status = PNR_DENIED;
	pnr_bucket__end(call);
	return status;
}

/* What it fails with is told in @err, which is not NULL. */
static pnr_status set_ref(pnr_bucket *bucket, const char *key, const pnr_remote_ref *expected,
                          const pnr_remote_ref *value, pnr_buffer *found, pnr_error *err)
{
	seen was = { .value = found };
	char last[sizeof was.etag] = "";
	for (unsigned round = 0; round < ROUNDS; round++) {
		int code = 0;
		pnr_status status = read_ref(bucket, key, &was, err);
		if (status != PNR_OK || is_value(found, value))
			return status;
		if (!is_value(found, expected))
			return pnr_fail(err, PNR_CONFLICT,
			                "it was changed meanwhile; look at what it is now, and try again");
		/* It is refused though nothing has changed: perhaps for the quotes. */
		bool same = round > 0 && strcmp(last, was.etag) == 0;
		if (same && was.etag[0] != '\0')
			bucket->bare_etag = !bucket->bare_etag;
		memcpy(last, was.etag, sizeof last);
		status = write_ref(bucket, key, &was, value, same && round + 1 == ROUNDS, &code, err);
		if (status != PNR_OK)
			return status;
		if (code == 200)
			return PNR_OK;
		if (code == 501)
			last[0] = '\0';
		if (code == 404 && value->length == 0)
			return PNR_OK;
	}
	return pnr_fail(err, PNR_BUSY, "others set it all the time; try again");
}

pnr_status pnr_bucket__swap_ref(pnr_remote *remote, const char *key, const pnr_remote_ref *expected,
                                const pnr_remote_ref *value, pnr_buffer *out_found, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = set_ref(pnr_bucket__of(remote), key, expected, value, out_found, &own);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%s'", key);
	return pnr_fail_with(err, &own);
}
