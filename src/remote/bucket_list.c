#include "base/percent.h"
#include "base/xml.h"
#include "remote/bucket.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many keys are asked for by listing, each page of which may answer for so many. */
#define LIST_MIN 128u
/* A page must answer for so many: up to here HEADs cost less. Measured: README.md. */
#define WORTH 16u

/* ----------------------------------------------------------------- a page -- */

typedef struct page {
	const pnr_bucket *bucket;
	/* what is listed, without the remote's prefix */
	pnr_status (*entry)(void *user, const char *key, uint64_t size, pnr_error *err);
	void *user;
	pnr_buffer key, first, token;
	uint64_t size;
	bool is_folder, is_list, truncated;
} page;

static void page_free(page *p)
{
	pnr_buffer_free(&p->key);
	pnr_buffer_free(&p->first);
	pnr_buffer_free(&p->token);
}

static pnr_status end_entry(page *p, pnr_error *err)
{
	size_t length = strlen(p->bucket->prefix);
	if (p->key.length == 0 || (p->bucket->dialect->listing.encoded && !pnr_percent_decode(p->key.data, true)))
		return pnr_fail(err, PNR_INVALID, "a key that is not encoded as was asked for");
	if (p->first.length == 0)
		pnr_buffer_puts(&p->first, p->key.data);
	if (pnr_buffer_status(&p->first, NULL) != PNR_OK)
		return pnr_fail_nomem(err);
	/* What stands for a folder, as consoles put it or a server lists it, is not of what is in it. */
	if (p->is_folder || strncmp(p->key.data, p->bucket->prefix, length) != 0 || p->key.data[length] == '\0')
		return PNR_OK;
	return p->entry(p->user, p->key.data + length, p->size, err);
}

static pnr_status visit(void *user, const pnr_xml_event *event, pnr_error *err)
{
	page *p = user;
	const pnr_bucket_listing *names = &p->bucket->dialect->listing;
	if (strncmp(event->path, names->root, strlen(names->root)) != 0)
		return PNR_OK;
	p->is_list = true;
	const char *name = event->path + strlen(names->root);
	if (strcmp(name, names->entry) == 0) {
		pnr_status status = end_entry(p, err);
		pnr_buffer_clear(&p->key);
		p->size = 0;
		p->is_folder = false;
		return status;
	}
	if (names->type != NULL && strcmp(name, names->type) == 0)
		p->is_folder = strcmp(event->text, "directory") == 0;
	if (strcmp(name, names->key) == 0) {
		pnr_buffer_clear(&p->key);
		pnr_buffer_puts(&p->key, event->text);
		return pnr_buffer_status(&p->key, err);
	}
	if (strcmp(name, names->size) == 0) {
		char *end;
		errno = 0;
		p->size = strtoull(event->text, &end, 10);
		return end > event->text && *end == '\0' && errno == 0 ? PNR_OK : pnr_fail(err, PNR_INVALID, "a size");
	}
	if (strcmp(name, "/IsTruncated") == 0)
		p->truncated = strcmp(event->text, "true") == 0;
	if (strcmp(name, names->more) == 0) {
		pnr_buffer_puts(&p->token, event->text);
		return pnr_buffer_status(&p->token, err);
	}
	return PNR_OK;
}

/* Read the listing that @call got. What `entry` fails with is passed on. */
static pnr_status read_page(const pnr_bucket_call *call, page *p, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	const pnr_buffer *text = &call->http.text;
	pnr_status status = pnr_xml_scan(text->length == 0 ? "" : text->data, text->length, visit, p, &own);
	if (status != PNR_OK && status != PNR_INVALID)
		return pnr_fail_with(err, &own);
	/* Azure says only how it goes on. */
	p->truncated = p->truncated || p->token.length > 0;
	if (status == PNR_OK && p->is_list)
		return PNR_OK;
	pnr_error_clear(&own);
	char message[128];
	(void)snprintf(message, sizeof message, "the answer is no listing of a %s; is this the endpoint of %s?",
	               p->bucket->dialect->place, p->bucket->dialect->server);
	pnr_ignore(pnr_http_fail(&call->http, message, err));
	return PNR_IO;
}

static pnr_bucket_call *begin_page(pnr_bucket *bucket, const char *prefix, size_t most)
{
	pnr_bucket_call *call = pnr_bucket__begin(bucket, "GET", NULL);
	const pnr_bucket_listing *names = &bucket->dialect->listing;
	(void)snprintf(call->text[0], sizeof call->text[0], "%zu", most < names->page_max ? most : names->page_max);
	for (size_t i = 0; i < names->query_count; i++)
		pnr_bucket__query(call, names->query[i].name, names->query[i].value);
	pnr_bucket__query(call, names->page_size, call->text[0]);
	if (prefix[0] != '\0')
		pnr_bucket__query(call, "prefix", prefix);
	return call;
}

/* ---------------------------------------------------------------- listing -- */

void pnr_bucket__trail_free(pnr_bucket_trail *trail)
{
	pnr_buffer_free(&trail->mark);
}

/* The mark stays for twice as long each time, so it is within any circle at last, and as old as that is long. */
pnr_status pnr_bucket__follow(pnr_bucket_trail *trail, const char *place, bool *out_round, pnr_error *err)
{
	*out_round = trail->mark.length > 0 && strcmp(trail->mark.data, place) == 0;
	if (trail->pages++ < trail->next)
		return PNR_OK;
	trail->next = 2 * trail->pages - 1;
	pnr_buffer_clear(&trail->mark);
	pnr_buffer_puts(&trail->mark, place);
	return pnr_buffer_status(&trail->mark, err);
}

typedef struct lister {
	pnr_remote_list_fn fn;
	void *user;
	uint64_t *foreign;
	bool stopped;
	pnr_bucket_trail tokens, keys; /* of pages; keys: the first ones */
} lister;

static void lister_free(lister *l)
{
	pnr_bucket__trail_free(&l->tokens);
	pnr_bucket__trail_free(&l->keys);
}

/* Does the listing get further with each page? There are tokens that are new each time. */
static pnr_status check_further(lister *l, const pnr_bucket_call *call, const page *p, pnr_error *err)
{
	bool round = false;
	pnr_status status = pnr_bucket__follow(&l->tokens, p->token.data, &round, err);
	if (status == PNR_OK && !round && p->first.length > 0)
		status = pnr_bucket__follow(&l->keys, p->first.data, &round, err);
	return status == PNR_OK && round ? pnr_http_fail(&call->http, "the listing goes on where it began", err) : status;
}

static pnr_status list_entry(void *user, const char *key, uint64_t size, pnr_error *err)
{
	lister *l = user;
	(void)err;
	if (l->stopped)
		return PNR_OK;
	if (pnr_remote_key_problem(key) != NULL)
		++*l->foreign;
	else
		l->stopped = l->fn(l->user, key, size) != 0;
	return PNR_OK;
}

pnr_status pnr_bucket__list(pnr_remote *remote, const char *prefix, pnr_remote_list_fn fn, void *user,
                            uint64_t *out_foreign, pnr_error *err)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer token = PNR_BUFFER_INIT;
	char all[PNR_BUCKET_PATH_SIZE];
	PNR_CLEANUP(lister_free) lister l = { .fn = fn, .user = user, .foreign = out_foreign };
	(void)snprintf(all, sizeof all, "%s%s", bucket->prefix, prefix);
	for (bool more = true; more && !l.stopped;) {
		PNR_CLEANUP(page_free) page p = { .bucket = bucket, .entry = list_entry, .user = &l };
		pnr_bucket_call *call = begin_page(bucket, all, SIZE_MAX);
		if (token.length > 0)
			pnr_bucket__query(call, bucket->dialect->listing.token, token.data);
		pnr_status status = pnr_bucket__run_one(call, err);
		if (status == PNR_OK)
			status = call->http.code == 200 ? read_page(call, &p, err) : pnr_bucket__fail(call, err);
		more = p.truncated && p.token.length > 0;
		if (status == PNR_OK && p.truncated && !more)
			status = pnr_http_fail(&call->http, "the listing has more, and does not say how to get it", err);
		if (status == PNR_OK && more)
			status = check_further(&l, call, &p, err);
		pnr_bucket__end(call);
		if (status != PNR_OK)
			return status;
		pnr_buffer_free(&token);
		token = p.token;
		p.token = (pnr_buffer)PNR_BUFFER_INIT;
	}
	return PNR_OK;
}

/* ----------------------------------------------------------------- asking -- */

/* Some of the queries, in order: those from `at` up to `to` have no answer yet. */
typedef struct range {
	pnr_remote_query *queries;
	size_t at, to;
	bool listing; /* else each one is asked for */
	bool open;    /* a page is on its way */
	size_t begin; /* `at` when that page was asked for */
	bool unordered;
	char last[PNR_REMOTE_KEY_MAX + 1];
	char prefix[PNR_BUCKET_PATH_SIZE], after[PNR_BUCKET_PATH_SIZE];
	pnr_buffer token; /* where it goes on, if it can begin nowhere else than at the prefix */
} range;

typedef struct asking {
	pnr_bucket *bucket;
	range *ranges;
	size_t count;
} asking;

/* Keys that come in order: what is passed over is not there. */
static pnr_status match_entry(void *user, const char *key, uint64_t size, pnr_error *err)
{
	range *r = user;
	(void)err;
	if (strlen(key) > PNR_REMOTE_KEY_MAX)
		return PNR_OK;
	r->unordered = r->unordered || strcmp(key, r->last) <= 0;
	(void)snprintf(r->last, sizeof r->last, "%.*s", (int)PNR_REMOTE_KEY_MAX, key);
	while (r->at < r->to && !r->unordered) {
		pnr_remote_query *q = &r->queries[r->at];
		int order = strcmp(q->key, key);
		if (order > 0)
			break;
		if (order == 0) {
			q->status = PNR_OK;
			q->size = size;
		}
		r->at++;
	}
	return PNR_OK;
}

static pnr_http_request *ask_page(pnr_bucket *bucket, range *r)
{
	const char *first = r->queries[r->at].key, *end = r->queries[r->to - 1].key;
	size_t same = 0;
	while (first[same] != '\0' && first[same] == end[same])
		same++;
	/* A token is of the listing that it was given by. */
	if (r->token.length == 0)
		(void)snprintf(r->prefix, sizeof r->prefix, "%s%.*s", bucket->prefix, (int)same, first);
	/* What comes after that is the key itself, perhaps with a few in front of it. */
	(void)snprintf(r->after, sizeof r->after, "%s%.*s", bucket->prefix, (int)strlen(first) - 1, first);
	/* As many as are wanted, and a few that are not: what is left of a range is not worth a whole page. */
	size_t wanted = r->to - r->at;
	pnr_bucket_call *call = begin_page(bucket, r->prefix, wanted + wanted / 8 + WORTH);
	const pnr_bucket_listing *names = &bucket->dialect->listing;
	if (names->start_after == NULL && r->token.length > 0)
		pnr_bucket__query(call, names->token, r->token.data);
	else if (names->start_after != NULL && r->after[0] != '\0')
		pnr_bucket__query(call, names->start_after, r->after);
	call->of = r;
	call->what = 1;
	r->open = true;
	r->begin = r->at;
	r->last[0] = '\0';
	return &call->http;
}

static pnr_http_request *ask_one(pnr_bucket *bucket, range *r)
{
	pnr_remote_query *q = &r->queries[r->at++];
	pnr_bucket_call *call = pnr_bucket__begin(bucket, "HEAD", q->key);
	call->of = q;
	return &call->http;
}

static pnr_status next_question(void *context, pnr_http_request **out_request, pnr_error *err)
{
	asking *a = context;
	(void)err;
	for (size_t i = 0; i < a->count && *out_request == NULL; i++) {
		range *r = &a->ranges[i];
		if (r->at < r->to && !r->open)
			*out_request = (r->listing && !a->bucket->unordered ? ask_page : ask_one)(a->bucket, r);
	}
	return PNR_OK;
}

static pnr_status answer_page(pnr_bucket_call *call, range *r, pnr_error *err)
{
	PNR_CLEANUP(page_free) page p = { .bucket = call->bucket, .entry = match_entry, .user = r };
	r->open = false;
	/* Who may not list may still ask. */
	if (call->http.code == 403) {
		r->listing = false;
		return PNR_OK;
	}
	pnr_status status = call->http.code == 200 ? read_page(call, &p, err) : pnr_bucket__fail(call, err);
	if (status != PNR_OK)
		return status;
	if (r->unordered) {
		for (size_t i = r->begin; i < r->at; i++)
			r->queries[i].status = PNR_NOT_FOUND;
		r->at = r->begin;
		call->bucket->unordered = true;
		r->listing = false;
	} else if (!p.truncated) {
		r->at = r->to;
	} else {
		r->listing = r->at - r->begin >= WORTH;
		pnr_buffer_free(&r->token);
		r->token = p.token;
		p.token = (pnr_buffer)PNR_BUFFER_INIT;
	}
	return PNR_OK;
}

static pnr_status answer_one(const pnr_bucket_call *call, pnr_remote_query *q, pnr_error *err)
{
	char length[32];
	bool missing = false;
	if (call->http.code == 200) {
		q->status = PNR_OK;
		q->size = strtoull(pnr_http_header(&call->http, "content-length", length, sizeof length), NULL, 10);
		return PNR_OK;
	}
	pnr_status status = pnr_bucket__is_missing(call, &missing, err);
	return status != PNR_OK || missing ? status : pnr_bucket__fail(call, err);
}

static pnr_status done_question(void *context, pnr_http_request *request, pnr_error *err)
{
	(void)context;
	pnr_bucket_call *call = request->context;
	pnr_status status = call->what == 1 ? answer_page(call, call->of, err) : answer_one(call, call->of, err);
	pnr_bucket__end(call);
	return status;
}

static bool is_sorted(const pnr_remote_query *queries, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (strcmp(queries[i - 1].key, queries[i].key) > 0)
			return false;
	return true;
}

static void asking_free(asking *a)
{
	for (size_t i = 0; i < a->count && a->ranges != NULL; i++)
		pnr_buffer_free(&a->ranges[i].token);
	free(a->ranges);
}

/* Of one size each. */
static void split_evenly(asking *a, pnr_remote_query *queries, size_t count)
{
	for (size_t i = 0; i < a->count; i++)
		a->ranges[i] = (range){ .queries = queries,
			                .at = count * i / a->count,
			                .to = count * (i + 1) / a->count };
}

/*
 * Where a listing begins at a prefix only: those whose keys have the same letter next. Two ranges take what is left, if
 * there are more letters than ranges.
 */
static void split_by_letter(asking *a, pnr_remote_query *queries, size_t count)
{
	const char *first = queries[0].key, *last = queries[count - 1].key;
	size_t same = 0, used = 0, at = 0;
	while (first[same] != '\0' && first[same] == last[same])
		same++;
	for (size_t i = 1; i <= count; i++) {
		if (i < count && (queries[i].key[same] == queries[at].key[same] || used + 1 == a->count))
			continue;
		a->ranges[used++] = (range){ .queries = queries, .at = at, .to = i };
		at = i;
	}
	a->count = used;
}

pnr_status pnr_bucket__has(pnr_remote *remote, pnr_remote_query *queries, size_t count, pnr_error *err)
{
	pnr_bucket *bucket = pnr_bucket__of(remote);
	bool listing = count >= LIST_MIN && !bucket->unordered && is_sorted(queries, count);
	bool by_letter = listing && bucket->dialect->listing.start_after == NULL;
	PNR_CLEANUP(asking_free) asking a = { .bucket = bucket, .count = listing ? count / LIST_MIN : 1 };
	if (a.count > PNR_HTTP_CONNECTIONS || by_letter)
		a.count = PNR_HTTP_CONNECTIONS;
	a.ranges = calloc(a.count, sizeof *a.ranges);
	if (a.ranges == NULL)
		return pnr_fail_nomem(err);
	(by_letter ? split_by_letter : split_evenly)(&a, queries, count);
	for (size_t i = 0; i < a.count; i++)
		a.ranges[i].listing = listing;
	return pnr_bucket__run(bucket, next_question, done_question, &a, err);
}
