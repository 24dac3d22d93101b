/*
 * The remote is asked with nothing locked and nothing half written: it may take
 * its time. So first what it is asked for is found, a few packages at a time;
 * then the store gives up what it still may, of those that are there.
 */
#include "sync/make_room.h"
#include "base/array.h"
#include "sync/package_object.h"
#include <stdlib.h>
#include <string.h>

/* Packages that are asked for at first; each time after that twice as many. */
#define FIRST 4u

typedef struct candidates {
	pnr_evictable_row *rows; /* the longest unused first */
	size_t count, capacity;
} candidates;

typedef struct question {
	char key[PNR_KEY_SIZE];
	size_t candidate;
} question;

typedef struct room {
	pnr_store *store;
	const pnr_named_remote *remote;
	candidates all; /* of which the first `asked` were asked for, */
	size_t asked;
	candidates there; /* and these are there */
	question *questions;
	size_t question_count, question_capacity;
	bool failed; /* the remote does not answer: it is not asked again */
} room;

static void room_free(room *r)
{
	free(r->all.rows);
	free(r->there.rows);
	free(r->questions);
}

static pnr_status add_row(candidates *list, const pnr_evictable_row *row, pnr_error *err)
{
	pnr_evictable_row *rows = pnr_array_grow(list->rows, sizeof *rows, list->count, &list->capacity);
	if (rows == NULL)
		return pnr_fail_nomem(err);
	list->rows = rows;
	list->rows[list->count++] = *row;
	return PNR_OK;
}

static pnr_status add_candidate(void *user, const pnr_evictable_row *row, pnr_error *err)
{
	return row->logged ? add_row(user, row, err) : PNR_OK;
}

/* The text of a package stays here, and says which objects it needs. */
static pnr_status load_package(const room *r, const pnr_digest *text_hash, pnr_package_object *out_package,
                               pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_blob_row blob;
	pnr_status status = pnr_index_blob_find(pnr_store_index(r->store), text_hash, &blob, err);
	if (status == PNR_OK)
		status = pnr_store_load_blob(r->store, &blob, &text, err);
	return status == PNR_OK ? pnr_package_object_read(text.data, text.length, out_package, err) : status;
}

static question *add_question(room *r, size_t candidate)
{
	question *questions = pnr_array_grow(r->questions, sizeof *questions, r->question_count, &r->question_capacity);
	if (questions == NULL)
		return NULL;
	r->questions = questions;
	r->questions[r->question_count].candidate = candidate;
	return &r->questions[r->question_count++];
}

/* Its pointer, and what it is made of. What is not known of it cannot be asked for: then it is @lost. */
static pnr_status add_questions(room *r, size_t candidate, bool *lost, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	const pnr_evictable_row *row = &r->all.rows[candidate];
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = load_package(r, &row->text_hash, &package, &own);
	*lost = status == PNR_NOT_FOUND || status == PNR_CORRUPT || status == PNR_UNSUPPORTED;
	if (status != PNR_OK)
		return *lost ? PNR_OK : pnr_fail_with(err, &own);
	question *pointer = add_question(r, candidate);
	if (pointer == NULL)
		return pnr_fail_nomem(err);
	pnr_key_of_package(&row->package_hash, &row->manifest_hash, pointer->key);
	for (size_t i = 0; i < package.object_count; i++) {
		question *object = add_question(r, candidate);
		if (object == NULL)
			return pnr_fail_nomem(err);
		pnr_key_of_object(&package.objects[i], object->key);
	}
	return PNR_OK;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const question *)a)->key, ((const question *)b)->key);
}

/* Sorted keys are asked for fastest; each is asked for once. @lost: one for each candidate. */
static pnr_status ask(room *r, bool *lost, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_remote_query *queries = calloc(r->question_count + 1, sizeof *queries);
	pnr_error own = PNR_ERROR_INIT;
	size_t count = 0;
	if (queries == NULL)
		return pnr_fail_nomem(err);
	pnr_array_sort(r->questions, r->question_count, sizeof *r->questions, by_key);
	for (size_t i = 0; i < r->question_count; i++)
		if (count == 0 || strcmp(queries[count - 1].key, r->questions[i].key) != 0)
			queries[count++].key = r->questions[i].key;
	if (count == 0)
		return PNR_OK;
	pnr_status status = pnr_remote_has(r->remote->handle, queries, count, &own);
	r->failed = status != PNR_OK && pnr_remote_at_fault(r->remote->handle);
	if (status != PNR_OK)
		return r->failed ? PNR_OK : pnr_fail_with(err, &own);
	for (size_t i = 0, query = 0; i < r->question_count; i++) {
		query += strcmp(queries[query].key, r->questions[i].key) != 0;
		lost[r->questions[i].candidate] |= queries[query].status != PNR_OK;
	}
	return PNR_OK;
}

/* The next @count candidates, in one call. */
static pnr_status ask_for(room *r, size_t count, pnr_error *err)
{
	size_t end = count < r->all.count - r->asked ? r->asked + count : r->all.count;
	PNR_CLEANUP(pnr_cleanup_free) bool *lost = calloc(r->all.count + 1, sizeof *lost);
	pnr_status status = lost == NULL ? pnr_fail_nomem(err) : PNR_OK;
	r->question_count = 0;
	for (size_t i = r->asked; status == PNR_OK && i < end; i++)
		status = add_questions(r, i, &lost[i], err);
	if (status == PNR_OK)
		status = ask(r, lost, err);
	for (size_t i = r->asked; status == PNR_OK && !r->failed && i < end; i++)
		if (!lost[i])
			status = add_row(&r->there, &r->all.rows[i], err);
	r->asked = end;
	return status;
}

pnr_status pnr_make_room(pnr_store *store, const pnr_named_remote *remote, uint64_t limit, int64_t except_id,
                         pnr_evicted *out_evicted, pnr_error *err)
{
	PNR_CLEANUP(room_free) room r = { .store = store, .remote = remote };
	pnr_evict_options options = { .limit = limit, .except_id = except_id, .remote_id = remote->row.id };
	pnr_evicted all = { .packages = 0 };
	for (size_t count = FIRST;; count *= 2) {
		pnr_evicted evicted = { .packages = 0 };
		options.there = r.there.rows;
		options.there_count = r.there.count;
		pnr_status status = pnr_store_evict(store, &options, &evicted, err);
		if (status == PNR_OK || status == PNR_BUSY) {
			all.packages += evicted.packages;
			all.bytes += evicted.bytes;
			all.kept = evicted.kept;
			*out_evicted = all;
		}
		if (status != PNR_OK || all.kept <= limit || r.failed)
			return status;
		if (r.asked == 0)
			status = pnr_index_evictable(pnr_store_index(store), remote->row.id, except_id, add_candidate, &r.all, err);
		if (status != PNR_OK || r.asked == r.all.count)
			return status;
		status = ask_for(&r, count, err);
		if (status != PNR_OK)
			return status;
	}
}
