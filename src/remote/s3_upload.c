#include "remote/s3_upload.h"
#include "base/clock.h"
#include "base/percent.h"
#include "base/xml.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABANDONED_MS (24LL * 60 * 60 * 1000)

/* ------------------------------------------------------------------ parts -- */

void pnr_s3_upload__list_parts(pnr_bucket_large *l, pnr_bucket_call *call)
{
	pnr_bucket__query(call, "uploadId", l->id);
	pnr_bucket__query(call, "max-parts", "1000");
	if (l->marker > 0) {
		(void)snprintf(call->text[0], sizeof call->text[0], "%u", l->marker);
		pnr_bucket__query(call, "part-number-marker", call->text[0]);
	}
}

pnr_status pnr_s3_upload__visit_part(void *user, const pnr_xml_event *event, pnr_error *err)
{
	pnr_bucket_page *p = user;
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
		pnr_bucket__page_part(p, (uint64_t)p->number - 1);
	} else if (strcmp(name, "IsTruncated") == 0) {
		p->truncated = strcmp(event->text, "true") == 0;
	} else if (strcmp(name, "NextPartNumberMarker") == 0) {
		p->next = (unsigned)strtoul(event->text, NULL, 10);
	}
	return PNR_OK;
}

/* Is the ETag the MD5 of the bytes? It is not where the server encrypts with a key of its own. */
bool pnr_s3_upload__is_part(const pnr_bucket_part *part, const pnr_bucket_sum *sum)
{
	char hex[2 * sizeof sum->md5 + 1];
	const char *etag = part->name + (part->name[0] == '"');
	for (size_t i = 0; i < sizeof sum->md5; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sum->md5[i]);
	const char *end = etag + sizeof hex - 1;
	return sum->has_md5 && strncmp(etag, hex, sizeof hex - 1) == 0 && (*end == '"' || *end == '\0');
}

void pnr_s3_upload__send_part(pnr_bucket_large *l, pnr_bucket_call *call, const pnr_bucket_sum *sum)
{
	(void)snprintf(call->text[0], sizeof call->text[0], "%u", sum->number + 1);
	pnr_bucket__query(call, "partNumber", call->text[0]);
	pnr_bucket__query(call, "uploadId", l->id);
}

bool pnr_s3_upload__name_part(const pnr_bucket_call *call, pnr_bucket_part *part)
{
	(void)pnr_http_header(&call->http, "etag", part->name, sizeof part->name);
	return part->name[0] != '\0' && strpbrk(part->name, "<>&") == NULL;
}

void pnr_s3_upload__complete(pnr_bucket_large *l, pnr_bucket_call *call, pnr_buffer *body)
{
	pnr_buffer_puts(body, "<CompleteMultipartUpload>");
	for (unsigned i = 0; i < l->count; i++)
		pnr_buffer_printf(body, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
		                  l->parts[i].name);
	pnr_buffer_puts(body, "</CompleteMultipartUpload>");
	pnr_bucket__query(call, "uploadId", l->id);
}

/* ---------------------------------------------------- uploads that were begun -- */

typedef struct upload {
	char key[PNR_REMOTE_KEY_MAX + 1];
	char *id;
} upload;

typedef struct finding {
	pnr_bucket *bucket;
	pnr_bucket_large **larges;
	size_t count;
	int64_t before; /* what was begun by then was given up */
	pnr_buffer key, id, begun, next_key, next_id;
	pnr_bucket_trail trail;
	bool truncated;
	upload *old;
	size_t old_count, old_capacity, old_next;
} finding;

/* Of several uploads of one object the one that was begun last goes on. */
static pnr_status go_on(pnr_bucket_large *l, const finding *f, pnr_error *err)
{
	if (l->id != NULL && strncmp(l->begun, f->begun.data, sizeof l->begun - 1) >= 0)
		return PNR_OK;
	free(l->id);
	l->id = strdup(f->id.data);
	(void)snprintf(l->begun, sizeof l->begun, "%s", f->begun.data);
	if (l->stage == PNR_BUCKET_CREATE)
		l->stage = PNR_BUCKET_LIST;
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
	size_t length = strlen(f->bucket->prefix);
	int64_t begun = 0;
	if (f->key.length == 0 || f->id.length == 0 || f->begun.length == 0 || !pnr_percent_decode(f->key.data, true) ||
	    strncmp(f->key.data, f->bucket->prefix, length) != 0)
		return PNR_OK;
	const char *key = f->key.data + length;
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->larges[i]->upload->key, key) == 0)
			return go_on(f->larges[i], f, err);
	bool old = pnr_clock_parse(f->begun.data, &begun) && begun < f->before && is_ours(f, key);
	return old && !f->bucket->swept ? note_old(f, key, err) : PNR_OK;
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
	pnr_bucket_call *call = pnr_bucket__begin(f->bucket, "GET", NULL);
	pnr_bucket__query(call, "uploads", "");
	pnr_bucket__query(call, "encoding-type", "url");
	pnr_bucket__query(call, "prefix", f->bucket->prefix);
	if (on) {
		pnr_bucket__query(call, "key-marker", key);
		pnr_bucket__query(call, "upload-id-marker", id);
	}
	pnr_buffer_clear(&f->next_key);
	pnr_buffer_clear(&f->next_id);
	f->truncated = false;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_bucket__run_one(call, err);
	if (status == PNR_OK && call->http.code == 0)
		status = pnr_bucket__fail(call, err);
	if (status == PNR_OK && call->http.code == 200 && call->http.text.length > 0) {
		status = pnr_xml_scan(call->http.text.data, call->http.text.length, visit_upload, f, &own);
		status = status == PNR_NOMEM ? pnr_fail_with(err, &own) : PNR_OK;
	}
	pnr_bucket__end(call);
	*out_more = f->truncated && f->next_key.length > 0 && pnr_percent_decode(f->next_key.data, true);
	if (status != PNR_OK || !*out_more)
		return status;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer place = PNR_BUFFER_INIT;
	bool round = false;
	pnr_buffer_printf(&place, "%s\n%s", f->next_key.data, f->next_id.length == 0 ? "" : f->next_id.data);
	status = pnr_buffer_status(&place, err);
	if (status == PNR_OK)
		status = pnr_bucket__follow(&f->trail, place.data, &round, err);
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
	pnr_bucket_call *call = pnr_bucket__begin(f->bucket, "DELETE", u->key);
	pnr_bucket__query(call, "uploadId", u->id);
	*out_request = &call->http;
	return PNR_OK;
}

/* What cannot be removed is for somebody else to remove. */
static pnr_status done_old(void *context, pnr_http_request *request, pnr_error *err)
{
	(void)context;
	(void)err;
	pnr_bucket__end(request->context);
	return PNR_OK;
}

static void finding_free(finding *f)
{
	pnr_buffer *const buffers[] = { &f->key, &f->id, &f->begun, &f->next_key, &f->next_id };
	for (size_t i = 0; i < PNR_COUNT(buffers); i++)
		pnr_buffer_free(buffers[i]);
	pnr_bucket__trail_free(&f->trail);
	for (size_t i = 0; i < f->old_count; i++)
		free(f->old[i].id);
	free(f->old);
}

pnr_status pnr_s3_upload__find(pnr_bucket *bucket, pnr_bucket_large **larges, size_t count, pnr_error *err)
{
	PNR_CLEANUP(finding_free) finding f = {
		.bucket = bucket, .larges = larges, .count = count, .before = pnr_clock_now_ms() - ABANDONED_MS
	};
	pnr_status status = PNR_OK;
	for (bool more = true; more && status == PNR_OK;)
		status = find_page(&f, &more, err);
	if (status == PNR_OK && f.old_count > 0)
		status = pnr_bucket__run(bucket, next_old, done_old, &f, err);
	bucket->swept = status == PNR_OK;
	return status;
}
