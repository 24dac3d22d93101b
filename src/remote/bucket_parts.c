#include "base/xml.h"
#include "remote/bucket.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)256 * PNR_KIB)

/* ------------------------------------------------------------ the handle -- */

static pnr_bucket_stage first_stage(const pnr_bucket *bucket)
{
	return bucket->dialect->create != NULL ? PNR_BUCKET_CREATE : PNR_BUCKET_LIST;
}

pnr_status pnr_bucket__large_new(pnr_bucket *bucket, pnr_remote_upload *upload, pnr_bucket_large **out_large,
                                 pnr_error *err)
{
	pnr_bucket_large *l = calloc(1, sizeof *l);
	if (l == NULL)
		return pnr_fail_nomem(err);
	*out_large = l;
	l->bucket = bucket;
	l->upload = upload;
	/* The same for the same object, so that its parts are: whole MiB, as many as are needed. */
	l->part_size = PNR_BUCKET_PART;
	while (l->part_size * bucket->dialect->parts_max < upload->size)
		l->part_size += PNR_MIB;
	l->count = (unsigned)((upload->size + l->part_size - 1) / l->part_size);
	l->stage = upload->mode == PNR_REMOTE_IF_ABSENT ? PNR_BUCKET_LOOK : first_stage(bucket);
	return PNR_OK;
}

/* What it takes to send it. */
static void let_go(pnr_bucket_large *l)
{
	if (l->piece != NULL)
		pnr_remote_close_body(l->upload);
	free(PNR_STEAL(l->id));
	free(PNR_STEAL(l->parts));
	free(PNR_STEAL(l->piece));
	pnr_hash_free(PNR_STEAL(l->whole));
	pnr_hash_free(PNR_STEAL(l->hash));
	EVP_MD_CTX_free(PNR_STEAL(l->md5));
	pnr_buffer_free(&l->body);
}

void pnr_bucket__large_free(pnr_bucket_large *l)
{
	if (l == NULL)
		return;
	let_go(l);
	free(l);
}

static pnr_status begin_sending(pnr_bucket_large *l, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (l->piece == NULL)
		l->piece = malloc(PIECE);
	if (l->parts == NULL)
		l->parts = calloc(l->count, sizeof *l->parts);
	if (l->md5 == NULL)
		l->md5 = EVP_MD_CTX_new();
	if (l->piece == NULL || l->parts == NULL || l->md5 == NULL)
		return pnr_fail_nomem(err);
	pnr_hash_free(PNR_STEAL(l->whole));
	status = pnr_hash_new(&l->whole, err);
	if (status == PNR_OK && l->hash == NULL)
		status = pnr_hash_new(&l->hash, err);
	l->next = 0;
	l->stage = PNR_BUCKET_SEND;
	return status;
}

static uint64_t size_of(const pnr_bucket_large *l, unsigned number)
{
	return number + 1 < l->count ? l->part_size : l->upload->size - l->part_size * number;
}

/* ----------------------------------------------------------------- a part -- */

/*
 * Read the part: its hash must be known before it is sent. All parts are read in order, so that the whole has one, too.
 * *out_there: the server has the same.
 */
static pnr_status prepare(pnr_bucket_large *l, pnr_bucket_sum *out_sum, bool *out_there, pnr_error *err)
{
	const pnr_remote_upload *upload = l->upload;
	const pnr_bucket_part *listed = &l->parts[l->next];
	uint64_t begin = l->part_size * l->next, size = size_of(l, l->next);
	bool known = listed->name[0] != '\0' && listed->size == size;
	bool has_md5 = (known || l->bucket->dialect->create == NULL) && EVP_DigestInit_ex(l->md5, EVP_md5(), NULL) == 1;
	for (uint64_t done = 0; done < size;) {
		size_t length = size - done < PIECE ? (size_t)(size - done) : PIECE;
		pnr_status status = pnr_remote_read_body(&l->bucket->base, upload, begin + done, l->piece, length, err);
		if (status == PNR_OK)
			status = pnr_hash_update(l->whole, l->piece, length, err);
		if (status == PNR_OK)
			status = pnr_hash_update(l->hash, l->piece, length, err);
		if (status != PNR_OK)
			return status;
		has_md5 = has_md5 && EVP_DigestUpdate(l->md5, l->piece, length) == 1;
		done += length;
	}
	out_sum->number = l->next;
	out_sum->size = size;
	out_sum->has_md5 = has_md5 && EVP_DigestFinal_ex(l->md5, out_sum->md5, NULL) == 1;
	pnr_status status = pnr_hash_finish(l->hash, &out_sum->sha256, NULL, NULL, err);
	*out_there = status == PNR_OK && known && l->bucket->dialect->is_part(listed, out_sum);
	return *out_there ? pnr_remote_sent(&l->bucket->base, l->upload, size, err) : status;
}

static pnr_status read_part(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const pnr_bucket_call *call = context;
	const pnr_bucket_large *l = call->of;
	pnr_bucket_part *part = &l->parts[call->number];
	uint64_t begin = l->part_size * call->number, end = offset + length;
	pnr_status status = pnr_remote_read_body(&l->bucket->base, l->upload, begin + offset, buffer, length, err);
	if (status != PNR_OK || end <= part->told)
		return status;
	status = pnr_remote_sent(&l->bucket->base, l->upload, end - part->told, err);
	part->told = end;
	return status;
}

/* ------------------------------------------------------------- requests -- */

static pnr_bucket_call *begin(pnr_bucket_large *l, const char *method)
{
	pnr_bucket_call *call = pnr_bucket__begin(l->bucket, method, l->upload->key);
	call->of = l;
	return call;
}

/* The next part; if it is there already, not yet. */
static pnr_status send_part(pnr_bucket_large *l, pnr_http_request **out_request, pnr_error *err)
{
	pnr_bucket_sum sum;
	bool there = false;
	pnr_status status = prepare(l, &sum, &there, err);
	if (status == PNR_OK && l->next + 1 == l->count)
		status = pnr_bucket__check_hash(l->bucket, l->whole, l->upload, err);
	if (status != PNR_OK)
		return status;
	l->next++;
	if (there) {
		*out_request = &pnr_http_not_yet;
		return PNR_OK;
	}
	pnr_bucket_call *call = begin(l, "PUT");
	call->number = l->next - 1;
	call->http.payload = pnr_digest_to_hex(&sum.sha256, call->payload);
	call->http.length = size_of(l, l->next - 1);
	call->http.read = read_part;
	l->bucket->dialect->send_part(l, call, &sum);
	l->parts[l->next - 1].name[0] = '\0';
	l->open++;
	*out_request = &call->http;
	return PNR_OK;
}

static pnr_status read_memory(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const pnr_bucket_call *call = context;
	const pnr_bucket_large *l = call->of;
	(void)err;
	memcpy(buffer, l->body.data + offset, length);
	return PNR_OK;
}

static pnr_status complete(pnr_bucket_large *l, pnr_http_request **out_request, pnr_error *err)
{
	pnr_buffer *body = &l->body;
	pnr_bucket_call *call = begin(l, "POST");
	pnr_buffer_clear(body);
	l->bucket->dialect->complete(l, call, body);
	pnr_status status = pnr_buffer_status(body, err);
	if (status != PNR_OK)
		return status;
	pnr_bucket__if_absent(call, l->upload);
	call->http.length = body->length;
	call->http.read = read_memory;
	call->http.payload = call->payload;
	*out_request = &call->http;
	return pnr_sign_payload(body->data, body->length, call->payload, err);
}

pnr_status pnr_bucket__large_next(pnr_bucket_large *l, pnr_http_request **out_request, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (l->waiting)
		return PNR_OK;
	if (l->stage == PNR_BUCKET_SEND && l->next < l->count && !l->gone) {
		status = send_part(l, out_request, err);
		if (status != PNR_OK || *out_request != NULL)
			return status;
	}
	if (l->stage == PNR_BUCKET_SEND && l->open == 0 && l->next == l->count)
		l->stage = PNR_BUCKET_COMPLETE;
	switch (l->stage) {
	case PNR_BUCKET_LOOK:
	case PNR_BUCKET_CHECK:
		*out_request = &begin(l, "HEAD")->http;
		break;
	case PNR_BUCKET_LIST: {
		pnr_bucket_call *call = begin(l, "GET");
		l->bucket->dialect->list_parts(l, call);
		*out_request = &call->http;
		break;
	}
	case PNR_BUCKET_CREATE: {
		pnr_bucket_call *call = begin(l, "POST");
		pnr_bucket__query(call, l->bucket->dialect->create, "");
		*out_request = &call->http;
		break;
	}
	case PNR_BUCKET_COMPLETE:
		status = complete(l, out_request, err);
		break;
	case PNR_BUCKET_SEND:
	case PNR_BUCKET_DONE:
		return PNR_OK;
	}
	l->waiting = status == PNR_OK;
	return status;
}

/* -------------------------------------------------------------- answers -- */

/* What is known of an upload that is gone. */
static void forget(pnr_bucket_large *l)
{
	free(PNR_STEAL(l->id));
	free(PNR_STEAL(l->parts));
	l->marker = 0;
	l->gone = false;
}

/* Begin again, once: somebody else completed or removed the upload, or put other parts into it. */
static pnr_status begin_again(pnr_bucket_large *l, pnr_error *err)
{
	if (l->fresh++ > 0)
		return pnr_fail(err, PNR_RETRY, "'%s': its upload was removed twice while it was sent; try again",
		                l->upload->key);
	forget(l);
	l->stage = first_stage(l->bucket);
	return PNR_OK;
}

static void end(pnr_bucket_large *l, pnr_remote_outcome outcome)
{
	l->upload->outcome = outcome;
	l->stage = PNR_BUCKET_DONE;
	let_go(l);
}

static pnr_status looked(pnr_bucket_large *l, const pnr_bucket_call *call, pnr_error *err)
{
	if (call->http.code == 200)
		end(l, l->stage == PNR_BUCKET_CHECK && l->unsure ? PNR_REMOTE_PUT : PNR_REMOTE_THERE);
	else if (call->http.code != 404)
		return pnr_bucket__fail(call, err);
	else if (l->stage == PNR_BUCKET_CHECK)
		return begin_again(l, err);
	else
		l->stage = l->id == NULL ? first_stage(l->bucket) : PNR_BUCKET_LIST;
	return PNR_OK;
}

void pnr_bucket__page_part(pnr_bucket_page *p, uint64_t number)
{
	if (number < p->large->count)
		p->large->parts[number] = p->part;
	p->part = (pnr_bucket_part){ .size = 0 };
}

/* What cannot be listed is sent again. */
static pnr_status listed(pnr_bucket_large *l, const pnr_bucket_call *call, pnr_error *err)
{
	pnr_bucket_page p = { .large = l };
	if (call->http.code == 404 && l->bucket->dialect->create != NULL) {
		forget(l);
		l->stage = PNR_BUCKET_CREATE;
		return PNR_OK;
	}
	if (call->http.code == 0 || pnr_bucket__is_error(call, l->bucket->dialect->no_bucket))
		return pnr_bucket__fail(call, err);
	if (l->parts == NULL && (l->parts = calloc(l->count, sizeof *l->parts)) == NULL)
		return pnr_fail_nomem(err);
	const pnr_buffer *text = &call->http.text;
	if (call->http.code == 200 && text->length > 0 &&
	    pnr_xml_scan(text->data, text->length, l->bucket->dialect->visit_part, &p, NULL) == PNR_OK && p.truncated &&
	    p.next > l->marker) {
		l->marker = p.next;
		return PNR_OK;
	}
	return begin_sending(l, err);
}

static pnr_status created(pnr_bucket_large *l, const pnr_bucket_call *call, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer id = PNR_BUFFER_INIT;
	const pnr_buffer *text = &call->http.text;
	if (call->http.code != 200)
		return pnr_bucket__fail(call, err);
	pnr_status status = PNR_OK;
	if (text->length > 0)
		status = pnr_xml_find(text->data, text->length, l->bucket->dialect->upload_id, &id, err);
	if (status == PNR_OK && id.length == 0)
		return pnr_http_fail(&call->http, "the answer names no upload", err);
	if (status != PNR_OK)
		return status;
	l->id = pnr_buffer_steal(&id);
	return begin_sending(l, err);
}

/* The upload is gone: who has the same object may have completed it. */
static pnr_status lost(pnr_bucket_large *l, pnr_error *err)
{
	if (l->upload->mode == PNR_REMOTE_REPLACE)
		return begin_again(l, err);
	l->stage = PNR_BUCKET_CHECK;
	return PNR_OK;
}

static pnr_status sent(pnr_bucket_large *l, const pnr_bucket_call *call, pnr_error *err)
{
	pnr_bucket_part *p = &l->parts[call->number];
	l->open--;
	l->gone = l->gone || (call->http.code == 404 && pnr_bucket__is_error(call, l->bucket->dialect->no_upload));
	if (l->gone)
		return l->open > 0 ? PNR_OK : lost(l, err);
	if (call->http.code / 100 != 2)
		return pnr_bucket__fail(call, err);
	if (l->bucket->dialect->name_part(call, p))
		return PNR_OK;
	return pnr_http_fail(&call->http, "the answer has no ETag of the part", err);
}

static pnr_status completed(pnr_bucket_large *l, const pnr_bucket_call *call, pnr_error *err)
{
	int code = call->http.code;
	const char *element = l->bucket->dialect->completed;
	l->unsure |= call->http.unsure;
	if (code == 200 && element != NULL && call->http.text.length > 0) {
		/* There are those who leave its ETag empty. */
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer key = PNR_BUFFER_INIT;
		pnr_status status = pnr_xml_find(call->http.text.data, call->http.text.length,
		                                 element, &key, err);
		if (status != PNR_OK)
			return status;
		if (key.length == 0)
			return pnr_bucket__fail(call, err);
		end(l, PNR_REMOTE_PUT);
		return PNR_OK;
	}
	if (code == 201) {
		end(l, PNR_REMOTE_PUT);
		return PNR_OK;
	}
	if (pnr_bucket__is_there(call)) { /* what was sent is left to be swept */
		end(l, l->unsure ? PNR_REMOTE_PUT : PNR_REMOTE_THERE);
		return PNR_OK;
	}
	if (code == 404)
		return lost(l, err);
	if (l->fresh == 0 && pnr_bucket__is_error(call, l->bucket->dialect->wrong_parts))
		return begin_again(l, err);
	if (pnr_bucket__is_unconditional(call))
		return PNR_OK;
	return pnr_bucket__fail(call, err);
}

pnr_status pnr_bucket__large_done(pnr_bucket_call *call, pnr_error *err)
{
	pnr_bucket_large *l = call->of;
	l->waiting = false;
	switch (l->stage) {
	case PNR_BUCKET_LOOK:
	case PNR_BUCKET_CHECK:
		return looked(l, call, err);
	case PNR_BUCKET_LIST:
		return listed(l, call, err);
	case PNR_BUCKET_CREATE:
		return created(l, call, err);
	case PNR_BUCKET_SEND:
		return sent(l, call, err);
	case PNR_BUCKET_COMPLETE:
		return completed(l, call, err);
	case PNR_BUCKET_DONE:
		break;
	}
	return PNR_OK;
}
