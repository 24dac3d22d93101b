#include "base/clock.h"
#include "base/xml.h"
#include "remote/s3.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE ((size_t)256 * PNR_KIB)
#define ABANDONED_MS (24LL * 60 * 60 * 1000)

/* ------------------------------------------------------------ the handle -- */

static pnr_s3_stage first_stage(const pnr_s3 *s3)
{
	return s3->dialect->creates ? PNR_S3_CREATE : PNR_S3_LIST;
}

pnr_status pnr_s3__large_new(pnr_s3 *s3, pnr_remote_upload *upload, pnr_s3_large **out_large, pnr_error *err)
{
	pnr_s3_large *l = calloc(1, sizeof *l);
	if (l == NULL)
		return pnr_fail_nomem(err);
	*out_large = l;
	l->s3 = s3;
	l->upload = upload;
	/* The same for the same object, so that its parts are: whole MiB, as many as are needed. */
	l->part_size = PNR_S3_PART;
	while (l->part_size * s3->dialect->parts_max < upload->size)
		l->part_size += PNR_MIB;
	l->count = (unsigned)((upload->size + l->part_size - 1) / l->part_size);
	l->stage = upload->mode == PNR_REMOTE_IF_ABSENT ? PNR_S3_LOOK : first_stage(s3);
	return PNR_OK;
}

/* What it takes to send it. */
static void let_go(pnr_s3_large *l)
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

void pnr_s3__large_free(pnr_s3_large *l)
{
	if (l == NULL)
		return;
	let_go(l);
	free(l);
}

static pnr_status begin_sending(pnr_s3_large *l, pnr_error *err)
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
	l->stage = PNR_S3_SEND;
	return status;
}

static uint64_t size_of(const pnr_s3_large *l, unsigned number)
{
	return number + 1 < l->count ? l->part_size : l->upload->size - l->part_size * number;
}

/* ----------------------------------------------------------------- a part -- */

/* Is the ETag the MD5 of the bytes? It is not where the server encrypts with a key of its own. */
bool pnr_s3__is_part(const pnr_s3_part *part, const pnr_s3_sum *sum)
{
	char hex[2 * sizeof sum->md5 + 1];
	const char *etag = part->name + (part->name[0] == '"');
	for (size_t i = 0; i < sizeof sum->md5; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sum->md5[i]);
	const char *end = etag + sizeof hex - 1;
	return sum->has_md5 && strncmp(etag, hex, sizeof hex - 1) == 0 && (*end == '"' || *end == '\0');
}

/*
 * Read the part: its hash must be known before it is sent. All parts are read in order, so that the whole has one, too.
 * *out_there: the server has the same.
 */
static pnr_status prepare(pnr_s3_large *l, pnr_s3_sum *out_sum, bool *out_there, pnr_error *err)
{
	const pnr_remote_upload *upload = l->upload;
	const pnr_s3_part *listed = &l->parts[l->next];
	uint64_t begin = l->part_size * l->next, size = size_of(l, l->next);
	bool known = listed->name[0] != '\0' && listed->size == size;
	bool has_md5 = (known || !l->s3->dialect->creates) && EVP_DigestInit_ex(l->md5, EVP_md5(), NULL) == 1;
	for (uint64_t done = 0; done < size;) {
		size_t length = size - done < PIECE ? (size_t)(size - done) : PIECE;
		pnr_status status = pnr_remote_read_body(&l->s3->base, upload, begin + done, l->piece, length, err);
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
	*out_there = status == PNR_OK && known && l->s3->dialect->is_part(listed, out_sum);
	return *out_there ? pnr_remote_sent(&l->s3->base, l->upload, size, err) : status;
}

static pnr_status check_whole(pnr_s3_large *l, pnr_error *err)
{
	pnr_digest digest;
	pnr_status status = pnr_hash_finish(l->whole, &digest, NULL, NULL, err);
	if (status != PNR_OK || pnr_digest_equal(&digest, &l->upload->hash))
		return status;
	pnr_error own = PNR_ERROR_INIT;
	pnr_ignore(pnr_remote_wrong_body(&l->s3->base, l->upload, &own));
	pnr_context(&own, "'%s'", l->upload->key);
	return pnr_fail_with(err, &own);
}

static pnr_status read_part(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const pnr_s3_call *call = context;
	const pnr_s3_large *l = call->of;
	pnr_s3_part *part = &l->parts[call->number];
	uint64_t begin = l->part_size * call->number, end = offset + length;
	pnr_status status = pnr_remote_read_body(&l->s3->base, l->upload, begin + offset, buffer, length, err);
	if (status != PNR_OK || end <= part->told)
		return status;
	status = pnr_remote_sent(&l->s3->base, l->upload, end - part->told, err);
	part->told = end;
	return status;
}

/* ------------------------------------------------------------- requests -- */

static pnr_s3_call *begin(pnr_s3_large *l, const char *method)
{
	pnr_s3_call *call = pnr_s3__begin(l->s3, method, l->upload->key);
	call->of = l;
	return call;
}

static pnr_status send_part(pnr_s3_large *l, pnr_http_request **out_request, pnr_error *err)
{
	pnr_s3_sum sum;
	bool there = true;
	while (there && l->next < l->count) {
		pnr_status status = prepare(l, &sum, &there, err);
		if (status == PNR_OK && l->next + 1 == l->count)
			status = check_whole(l, err);
		if (status != PNR_OK)
			return status;
		l->next++;
	}
	if (there)
		return PNR_OK;
	pnr_s3_call *call = begin(l, "PUT");
	call->number = l->next - 1;
	call->http.payload = pnr_digest_to_hex(&sum.sha256, call->payload);
	call->http.length = size_of(l, l->next - 1);
	call->http.read = read_part;
	l->s3->dialect->send_part(l, call, &sum);
	l->parts[l->next - 1].name[0] = '\0';
	l->open++;
	*out_request = &call->http;
	return PNR_OK;
}

void pnr_s3__send_part(pnr_s3_large *l, pnr_s3_call *call, const pnr_s3_sum *sum)
{
	(void)snprintf(call->text[0], sizeof call->text[0], "%u", sum->number + 1);
	pnr_s3__query(call, "partNumber", call->text[0]);
	pnr_s3__query(call, "uploadId", l->id);
}

static pnr_status read_memory(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const pnr_s3_call *call = context;
	const pnr_s3_large *l = call->of;
	(void)err;
	memcpy(buffer, l->body.data + offset, length);
	return PNR_OK;
}

void pnr_s3__complete(pnr_s3_large *l, pnr_s3_call *call, pnr_buffer *body)
{
	pnr_buffer_puts(body, "<CompleteMultipartUpload>");
	for (unsigned i = 0; i < l->count; i++)
		pnr_buffer_printf(body, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
		                  l->parts[i].name);
	pnr_buffer_puts(body, "</CompleteMultipartUpload>");
	pnr_s3__query(call, "uploadId", l->id);
}

static pnr_status complete(pnr_s3_large *l, pnr_http_request **out_request, pnr_error *err)
{
	pnr_buffer *body = &l->body;
	pnr_s3_call *call = begin(l, "POST");
	pnr_buffer_clear(body);
	l->s3->dialect->complete(l, call, body);
	pnr_status status = pnr_buffer_status(body, err);
	if (status != PNR_OK)
		return status;
	pnr_s3__if_absent(call, l->upload);
	call->http.length = body->length;
	call->http.read = read_memory;
	call->http.payload = call->payload;
	*out_request = &call->http;
	return pnr_sign_payload(body->data, body->length, call->payload, err);
}

void pnr_s3__list_parts(pnr_s3_large *l, pnr_s3_call *call)
{
	pnr_s3__query(call, "uploadId", l->id);
	pnr_s3__query(call, "max-parts", "1000");
	if (l->marker > 0) {
		(void)snprintf(call->text[0], sizeof call->text[0], "%u", l->marker);
		pnr_s3__query(call, "part-number-marker", call->text[0]);
	}
}

pnr_status pnr_s3__large_next(pnr_s3_large *l, pnr_http_request **out_request, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (l->waiting)
		return PNR_OK;
	if (l->stage == PNR_S3_SEND && l->next < l->count && !l->gone) {
		status = send_part(l, out_request, err);
		if (status != PNR_OK || *out_request != NULL)
			return status;
	}
	if (l->stage == PNR_S3_SEND && l->open == 0 && l->next == l->count)
		l->stage = PNR_S3_COMPLETE;
	switch (l->stage) {
	case PNR_S3_LOOK:
	case PNR_S3_CHECK:
		*out_request = &begin(l, "HEAD")->http;
		break;
	case PNR_S3_LIST: {
		pnr_s3_call *call = begin(l, "GET");
		l->s3->dialect->list_parts(l, call);
		*out_request = &call->http;
		break;
	}
	case PNR_S3_CREATE: {
		pnr_s3_call *call = begin(l, "POST");
		pnr_s3__query(call, "uploads", "");
		*out_request = &call->http;
		break;
	}
	case PNR_S3_COMPLETE:
		status = complete(l, out_request, err);
		break;
	case PNR_S3_SEND:
	case PNR_S3_DONE:
		return PNR_OK;
	}
	l->waiting = status == PNR_OK;
	return status;
}

/* -------------------------------------------------------------- answers -- */

/* Begin again, once: somebody else completed or removed the upload, or put other parts into it. */
static pnr_status begin_again(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	if (l->fresh++ > 0)
		return pnr_s3__fail(call, err);
	free(l->id);
	l->id = NULL;
	l->gone = false;
	free(l->parts);
	l->parts = NULL;
	l->stage = first_stage(l->s3);
	return PNR_OK;
}

static void end(pnr_s3_large *l, pnr_remote_outcome outcome)
{
	l->upload->outcome = outcome;
	l->stage = PNR_S3_DONE;
	let_go(l);
}

static pnr_status looked(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	if (call->http.code == 200)
		end(l, l->stage == PNR_S3_CHECK && l->unsure ? PNR_REMOTE_PUT : PNR_REMOTE_THERE);
	else if (call->http.code != 404)
		return pnr_s3__fail(call, err);
	else if (l->stage == PNR_S3_CHECK)
		return begin_again(l, call, err);
	else
		l->stage = l->id == NULL ? first_stage(l->s3) : PNR_S3_LIST;
	return PNR_OK;
}

typedef struct parts_page {
	pnr_s3_large *large;
	unsigned number, next;
	pnr_s3_part part;
	bool truncated;
} parts_page;

pnr_s3_part *pnr_s3__part_of_page(void *page)
{
	return &((parts_page *)page)->part;
}

void pnr_s3__page_part(void *page, uint64_t number)
{
	parts_page *p = page;
	if (number < p->large->count)
		p->large->parts[number] = p->part;
	p->part = (pnr_s3_part){ .size = 0 };
}

pnr_status pnr_s3__visit_part(void *user, const pnr_xml_event *event, pnr_error *err)
{
	parts_page *p = user;
	static const char root[] = "ListPartsResult/";
	(void)err;
	if (strncmp(event->path, root, sizeof root - 1) != 0)
		return PNR_OK;
	const char *name = event->path + sizeof root - 1;
	if (strcmp(name, "Part/PartNumber") == 0) {
		p->number = (unsigned)strtoul(event->text, NULL, 10);
	} else if (strcmp(name, "Part/Size") == 0) {
		p->part.size = strtoull(event->text, NULL, 10);
	} else if (strcmp(name, "Part/ETag") == 0) {
		(void)snprintf(p->part.name, sizeof p->part.name, "%s", event->text);
	} else if (strcmp(name, "Part") == 0) {
		pnr_s3__page_part(p, (uint64_t)p->number - 1);
	} else if (strcmp(name, "IsTruncated") == 0) {
		p->truncated = strcmp(event->text, "true") == 0;
	} else if (strcmp(name, "NextPartNumberMarker") == 0) {
		p->next = (unsigned)strtoul(event->text, NULL, 10);
	}
	return PNR_OK;
}

/* What cannot be listed is sent again. */
static pnr_status listed(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	parts_page p = { .large = l };
	if (call->http.code == 404 && l->s3->dialect->creates) {
		free(PNR_STEAL(l->id));
		l->stage = PNR_S3_CREATE;
		return PNR_OK;
	}
	if (call->http.code == 0 || pnr_s3__is_error(call, l->s3->dialect->no_bucket))
		return pnr_s3__fail(call, err);
	if (l->parts == NULL && (l->parts = calloc(l->count, sizeof *l->parts)) == NULL)
		return pnr_fail_nomem(err);
	const pnr_buffer *text = &call->http.text;
	if (call->http.code == 200 && text->length > 0 &&
	    pnr_xml_scan(text->data, text->length, l->s3->dialect->visit_part, &p, NULL) == PNR_OK && p.truncated &&
	    p.next > l->marker) {
		l->marker = p.next;
		return PNR_OK;
	}
	return begin_sending(l, err);
}

static pnr_status created(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer id = PNR_BUFFER_INIT;
	const pnr_buffer *text = &call->http.text;
	if (call->http.code != 200)
		return pnr_s3__fail(call, err);
	pnr_status status = PNR_OK;
	if (text->length > 0)
		status = pnr_xml_find(text->data, text->length, "InitiateMultipartUploadResult/UploadId", &id, err);
	if (status == PNR_OK && id.length == 0)
		return pnr_http_fail(&call->http, "the answer names no upload", err);
	if (status != PNR_OK)
		return status;
	l->id = pnr_buffer_steal(&id);
	return begin_sending(l, err);
}

/* The upload is gone: who has the same object may have completed it. */
static pnr_status lost(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	if (l->upload->mode == PNR_REMOTE_REPLACE)
		return begin_again(l, call, err);
	l->stage = PNR_S3_CHECK;
	return PNR_OK;
}

bool pnr_s3__name_part(const pnr_s3_call *call, pnr_s3_part *part)
{
	(void)pnr_http_header(&call->http, "etag", part->name, sizeof part->name);
	return part->name[0] != '\0' && strpbrk(part->name, "<>&") == NULL;
}

static pnr_status sent(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	pnr_s3_part *p = &l->parts[call->number];
	l->open--;
	l->gone = l->gone || (call->http.code == 404 && pnr_s3__is_error(call, "NoSuchUpload"));
	if (l->gone)
		return l->open > 0 ? PNR_OK : lost(l, call, err);
	if (call->http.code / 100 != 2)
		return pnr_s3__fail(call, err);
	if (l->s3->dialect->name_part(call, p))
		return PNR_OK;
	return pnr_http_fail(&call->http, "the answer has no ETag of the part", err);
}

static pnr_status completed(pnr_s3_large *l, const pnr_s3_call *call, pnr_error *err)
{
	int code = call->http.code;
	l->unsure |= call->http.unsure;
	if (code == 200 && call->http.text.length > 0) {
		/* There are those who leave its ETag empty. */
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer key = PNR_BUFFER_INIT;
		pnr_status status = pnr_xml_find(call->http.text.data, call->http.text.length,
		                                 "CompleteMultipartUploadResult/Key", &key, err);
		if (status != PNR_OK)
			return status;
		if (key.length == 0)
			return pnr_s3__fail(call, err);
		end(l, PNR_REMOTE_PUT);
		return PNR_OK;
	}
	if (code == 201) {
		end(l, PNR_REMOTE_PUT);
		return PNR_OK;
	}
	if (pnr_s3__is_there(call)) { /* what was sent is left to be swept */
		end(l, PNR_REMOTE_THERE);
		return PNR_OK;
	}
	if (code == 404)
		return lost(l, call, err);
	if (pnr_s3__is_error(call, "InvalidPart") || pnr_s3__is_error(call, "InvalidBlockList"))
		return begin_again(l, call, err);
	if (pnr_s3__is_unconditional(call))
		return PNR_OK;
	return pnr_s3__fail(call, err);
}

pnr_status pnr_s3__large_done(pnr_s3_call *call, pnr_error *err)
{
	pnr_s3_large *l = call->of;
	l->waiting = false;
	switch (l->stage) {
	case PNR_S3_LOOK:
	case PNR_S3_CHECK:
		return looked(l, call, err);
	case PNR_S3_LIST:
		return listed(l, call, err);
	case PNR_S3_CREATE:
		return created(l, call, err);
	case PNR_S3_SEND:
		return sent(l, call, err);
	case PNR_S3_COMPLETE:
		return completed(l, call, err);
	case PNR_S3_DONE:
		break;
	}
	return PNR_OK;
}

/* ---------------------------------------------------- uploads that were begun -- */

typedef struct upload {
	char key[PNR_REMOTE_KEY_MAX + 1];
	char *id;
} upload;

typedef struct finding {
	pnr_s3 *s3;
	pnr_s3_large **larges;
	size_t count;
	int64_t before; /* what was begun by then was given up */
	pnr_buffer key, id, begun, next_key, next_id;
	pnr_s3_trail trail;
	bool truncated;
	upload *old;
	size_t old_count, old_capacity, old_next;
} finding;

/* Of several uploads of one object the one that was begun last goes on. */
static pnr_status go_on(pnr_s3_large *l, const finding *f, pnr_error *err)
{
	if (l->id != NULL && strncmp(l->begun, f->begun.data, sizeof l->begun - 1) >= 0)
		return PNR_OK;
	free(l->id);
	l->id = strdup(f->id.data);
	(void)snprintf(l->begun, sizeof l->begun, "%s", f->begun.data);
	if (l->stage == PNR_S3_CREATE)
		l->stage = PNR_S3_LIST;
	return l->id == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status note_old(finding *f, const char *key, pnr_error *err)
{
	if (f->old_count == f->old_capacity) {
		size_t capacity = 2 * f->old_capacity + 16;
		upload *larger = realloc(f->old, capacity * sizeof *larger);
		if (larger == NULL)
			return pnr_fail_nomem(err);
		f->old = larger;
		f->old_capacity = capacity;
	}
	upload *u = &f->old[f->old_count];
	(void)snprintf(u->key, sizeof u->key, "%s", key);
	u->id = strdup(f->id.data);
	if (u->id == NULL)
		return pnr_fail_nomem(err);
	f->old_count++;
	return PNR_OK;
}

/* Is @key in the first folder of one that is sent? Others may keep what they like in the bucket. */
static bool is_ours(const finding *f, const char *key)
{
	size_t length = strcspn(key, "/");
	for (size_t i = 0; i < f->count && key[length] == '/'; i++)
		if (strncmp(f->larges[i]->upload->key, key, length + 1) == 0)
			return pnr_remote_key_problem(key) == NULL;
	return false;
}

static pnr_status found(finding *f, pnr_error *err)
{
	size_t length = strlen(f->s3->prefix);
	int64_t begun = 0;
	if (f->key.length == 0 || f->id.length == 0 || f->begun.length == 0 || !pnr_s3__decode(f->key.data) ||
	    strncmp(f->key.data, f->s3->prefix, length) != 0)
		return PNR_OK;
	const char *key = f->key.data + length;
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->larges[i]->upload->key, key) == 0)
			return go_on(f->larges[i], f, err);
	bool old = pnr_clock_parse(f->begun.data, &begun) && begun < f->before && is_ours(f, key);
	return old && !f->s3->swept ? note_old(f, key, err) : PNR_OK;
}

static pnr_status visit_upload(void *user, const pnr_xml_event *event, pnr_error *err)
{
	finding *f = user;
	static const char root[] = "ListMultipartUploadsResult/";
	if (strncmp(event->path, root, sizeof root - 1) != 0)
		return PNR_OK;
	const char *name = event->path + sizeof root - 1;
	const struct {
		const char *name;
		pnr_buffer *out;
	} texts[] = {
		{ "Upload/Key", &f->key },         { "Upload/UploadId", &f->id },
		{ "Upload/Initiated", &f->begun }, { "NextKeyMarker", &f->next_key },
		{ "NextUploadIdMarker", &f->next_id },
	};
	for (size_t i = 0; i < PNR_COUNT(texts); i++)
		if (strcmp(name, texts[i].name) == 0) {
			pnr_buffer_clear(texts[i].out);
			pnr_buffer_puts(texts[i].out, event->text);
			return pnr_buffer_status(texts[i].out, err);
		}
	if (strcmp(name, "IsTruncated") == 0)
		f->truncated = strcmp(event->text, "true") == 0;
	if (strcmp(name, "Upload") != 0)
		return PNR_OK;
	pnr_status status = found(f, err);
	pnr_buffer_clear(&f->key);
	pnr_buffer_clear(&f->id);
	pnr_buffer_clear(&f->begun);
	return status;
}

/* *out_more: there is another page. Who may not list them begins anew, and sweeps nothing. */
static pnr_status find_page(finding *f, bool *out_more, pnr_error *err)
{
	bool on = f->next_key.length > 0;
	PNR_CLEANUP(pnr_cleanup_free) char *key = on ? pnr_buffer_steal(&f->next_key) : NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *id = on ? pnr_buffer_steal(&f->next_id) : NULL;
	if (on && (key == NULL || id == NULL))
		return pnr_fail_nomem(err);
	pnr_s3_call *call = pnr_s3__begin(f->s3, "GET", NULL);
	pnr_s3__query(call, "uploads", "");
	pnr_s3__query(call, "encoding-type", "url");
	pnr_s3__query(call, "prefix", f->s3->prefix);
	if (on) {
		pnr_s3__query(call, "key-marker", key);
		pnr_s3__query(call, "upload-id-marker", id);
	}
	pnr_buffer_clear(&f->next_key);
	pnr_buffer_clear(&f->next_id);
	f->truncated = false;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_s3__run_one(call, err);
	if (status == PNR_OK && call->http.code == 0)
		status = pnr_s3__fail(call, err);
	if (status == PNR_OK && call->http.code == 200 && call->http.text.length > 0) {
		status = pnr_xml_scan(call->http.text.data, call->http.text.length, visit_upload, f, &own);
		status = status == PNR_NOMEM ? pnr_fail_with(err, &own) : PNR_OK;
	}
	pnr_s3__end(call);
	*out_more = f->truncated && f->next_key.length > 0 && pnr_s3__decode(f->next_key.data);
	if (status != PNR_OK || !*out_more)
		return status;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer place = PNR_BUFFER_INIT;
	bool round = false;
	pnr_buffer_printf(&place, "%s\n%s", f->next_key.data, f->next_id.length == 0 ? "" : f->next_id.data);
	status = pnr_buffer_status(&place, err);
	if (status == PNR_OK)
		status = pnr_s3__follow(&f->trail, place.data, &round, err);
	*out_more = !round;
	return status;
}

static pnr_status next_old(void *context, pnr_http_request **out_request, pnr_error *err)
{
	finding *f = context;
	(void)err;
	if (f->old_next == f->old_count)
		return PNR_OK;
	const upload *u = &f->old[f->old_next++];
	pnr_s3_call *call = pnr_s3__begin(f->s3, "DELETE", u->key);
	pnr_s3__query(call, "uploadId", u->id);
	*out_request = &call->http;
	return PNR_OK;
}

/* What cannot be removed is for somebody else to remove. */
static pnr_status done_old(void *context, pnr_http_request *request, pnr_error *err)
{
	(void)context;
	(void)err;
	pnr_s3__end(request->context);
	return PNR_OK;
}

static void finding_free(finding *f)
{
	pnr_buffer *const buffers[] = { &f->key, &f->id, &f->begun, &f->next_key, &f->next_id };
	for (size_t i = 0; i < PNR_COUNT(buffers); i++)
		pnr_buffer_free(buffers[i]);
	pnr_s3__trail_free(&f->trail);
	for (size_t i = 0; i < f->old_count; i++)
		free(f->old[i].id);
	free(f->old);
}

pnr_status pnr_s3__large_find(pnr_s3 *s3, pnr_s3_large **larges, size_t count, pnr_error *err)
{
	PNR_CLEANUP(finding_free) finding f = {
		.s3 = s3, .larges = larges, .count = count, .before = pnr_clock_now_ms() - ABANDONED_MS
	};
	pnr_status status = PNR_OK;
	for (bool more = s3->dialect->creates; more && status == PNR_OK;)
		status = find_page(&f, &more, err);
	if (status == PNR_OK && f.old_count > 0)
		status = pnr_s3__run(s3, next_old, done_old, &f, err);
	s3->swept = status == PNR_OK;
	return status;
}
