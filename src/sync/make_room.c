#include "sync/make_room.h"
#include "base/array.h"
#include "sync/package_object.h"
#include <stdlib.h>
#include <string.h>

typedef struct room {
	pnr_store *store;
	const pnr_named_remote *remote;
	bool failed; /* it does not answer: it is not asked again */
} room;

typedef struct question {
	char key[PNR_KEY_SIZE];
} question;

static int by_key(const void *a, const void *b)
{
	return strcmp(((const question *)a)->key, ((const question *)b)->key);
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

/* The pointer, and what the package is made of. */
static pnr_status ask_for(room *r, const pnr_evictable_row *row, const pnr_package_object *package, bool *out_there,
                          pnr_error *err)
{
	size_t count = package->object_count + 1;
	PNR_CLEANUP(pnr_cleanup_free) question *asked = calloc(count, sizeof *asked);
	PNR_CLEANUP(pnr_cleanup_free) pnr_remote_query *queries = calloc(count, sizeof *queries);
	pnr_error own = PNR_ERROR_INIT;
	if (asked == NULL || queries == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < package->object_count; i++)
		pnr_key_of_object(&package->objects[i], asked[i].key);
	pnr_key_of_package(&row->package_hash, &row->manifest_hash, asked[count - 1].key);
	/* Sorted keys are asked for fastest. */
	pnr_array_sort(asked, count, sizeof *asked, by_key);
	for (size_t i = 0; i < count; i++)
		queries[i].key = asked[i].key;
	pnr_status status = pnr_remote_has(r->remote->handle, queries, count, &own);
	r->failed = status != PNR_OK && pnr_remote_at_fault(r->remote->handle);
	if (status != PNR_OK)
		return r->failed ? PNR_OK : pnr_fail_with(err, &own);
	bool there = true;
	for (size_t i = 0; i < count; i++)
		there = there && queries[i].status == PNR_OK;
	*out_there = there;
	return PNR_OK;
}

static pnr_status ask(void *user, const pnr_evictable_row *row, bool *out_there, pnr_error *err)
{
	room *r = user;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	pnr_error own = PNR_ERROR_INIT;
	*out_there = false;
	if (r->failed)
		return PNR_OK;
	pnr_status status = load_package(r, &row->text_hash, &package, &own);
	/* What is not known of it cannot be asked for. */
	if (status == PNR_NOT_FOUND || status == PNR_CORRUPT || status == PNR_UNSUPPORTED)
		return PNR_OK;
	return status == PNR_OK ? ask_for(r, row, &package, out_there, err) : pnr_fail_with(err, &own);
}

pnr_status pnr_make_room(pnr_store *store, const pnr_named_remote *remote, uint64_t limit, int64_t except_id,
                         pnr_evicted *out_evicted, pnr_error *err)
{
	room r = { .store = store, .remote = remote };
	const pnr_evict_options options = {
		.limit = limit,
		.except_id = except_id,
		.remote_id = remote->row.id,
		.ask = ask,
		.user = &r,
	};
	return pnr_store_evict(store, &options, out_evicted, err);
}
