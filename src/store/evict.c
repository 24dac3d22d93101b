/*
 * Making room: whole packages are given up, the longest unused first, until the
 * store is within its limit. Rows first, then files, while nobody else has the
 * store open; what a crash in between leaves goes the next time.
 */
#include "base/array.h"
#include "base/clock.h"
#include "index/evict.h"
#include "store/internal.h"
#include <stdlib.h>

typedef struct unneeded {
	int64_t id;
	uint64_t size;
	bool in_file;
	pnr_object_name name;
} unneeded;

typedef struct evicting {
	pnr_store *store;
	const pnr_evict_options *options;
	int64_t at_ms;
	pnr_evictable_row *packages; /* the longest unused first */
	size_t package_count, package_capacity;
	unneeded *items; /* of which the first `marked` have no bytes any more */
	size_t count, capacity, marked;
	pnr_evicted evicted;
} evicting;

static void evicting_free(evicting *e)
{
	free(e->packages);
	free(e->items);
}

static pnr_status add_unneeded(void *user, const pnr_unneeded_row *row, pnr_error *err)
{
	evicting *e = user;
	const pnr_blob_row blob = { .hash = row->hash };
	const pnr_encoding_row encoding = { .form = row->form, .stored_hash = row->stored_hash };
	unneeded *items = pnr_array_grow(e->items, sizeof *items, e->count, &e->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	e->items = items;
	e->items[e->count++] =
		(unneeded){ row->id, row->stored_size, row->in_file, pnr_encoding_object(&blob, &encoding) };
	return PNR_OK;
}

/* What @package_id (0: no package) was the last to need. */
static pnr_status give_up(evicting *e, int64_t package_id, pnr_error *err)
{
	pnr_status status = pnr_index_unneeded(e->store->index, package_id, add_unneeded, e, err);
	while (status == PNR_OK && e->marked < e->count) {
		const unneeded *item = &e->items[e->marked];
		status = pnr_index_evict_encoding(e->store->index, item->id, e->at_ms, err);
		e->evicted.bytes += item->size;
		e->evicted.kept -= item->size;
		e->marked++;
	}
	return status;
}

static pnr_status add_package(void *user, const pnr_evictable_row *row, pnr_error *err)
{
	evicting *e = user;
	pnr_evictable_row *packages =
		pnr_array_grow(e->packages, sizeof *packages, e->package_count, &e->package_capacity);
	if (packages == NULL)
		return pnr_fail_nomem(err);
	e->packages = packages;
	e->packages[e->package_count++] = *row;
	return PNR_OK;
}

static bool is_there(const pnr_evict_options *o, const pnr_evictable_row *row)
{
	for (size_t i = 0; i < o->there_count; i++)
		if (o->there[i].id == row->id && pnr_digest_equal(&o->there[i].manifest_hash, &row->manifest_hash))
			return true;
	return false;
}

static pnr_status give_up_package(evicting *e, int64_t id, pnr_error *err)
{
	pnr_status status = pnr_index_evict_package(e->store->index, id, e->at_ms, err);
	if (status == PNR_OK)
		status = give_up(e, id, err);
	e->evicted.packages += status == PNR_OK;
	return status;
}

static pnr_status write_rows(void *user, pnr_error *err)
{
	evicting *e = user;
	const pnr_evict_options *o = e->options;
	int64_t gone = 0;
	pnr_status status = pnr_index_kept_size(e->store->index, &e->evicted.kept, err);
	if (status == PNR_OK && e->evicted.kept > o->limit)
		status = give_up(e, 0, err);
	if (status == PNR_OK && e->evicted.kept > o->limit)
		status = pnr_index_evictable(e->store->index, o->remote_id, o->except_id, add_package, e, err);
	for (size_t i = 0; status == PNR_OK && i < e->package_count && e->evicted.kept > o->limit; i++) {
		const pnr_evictable_row *row = &e->packages[i];
		/* It is named once for each of its zips. */
		if (row->id == gone || (row->logged && !is_there(o, row)))
			continue;
		status = give_up_package(e, row->id, err);
		gone = row->id;
	}
	return status;
}

static pnr_status remove_files(const evicting *e, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < e->count; i++) {
		pnr_status removed = PNR_OK;
		if (e->items[i].in_file)
			removed = pnr_blobs_remove(e->store->blobs, &e->items[i].name, status == PNR_OK ? err : NULL);
		if (status == PNR_OK)
			status = removed;
	}
	return status;
}

/* Of those that went the last time: a crash after that left their files. */
static pnr_status remove_leftovers(evicting *e, pnr_error *err)
{
	pnr_status status = pnr_index_evicted_last(e->store->index, add_unneeded, e, err);
	if (status == PNR_OK)
		status = remove_files(e, err);
	e->count = 0;
	return status;
}

pnr_status pnr_store_evict(pnr_store *store, const pnr_evict_options *options, pnr_evicted *out_evicted, pnr_error *err)
{
	PNR_CLEANUP(evicting_free) evicting e = {
		.store = store,
		.options = options,
		.at_ms = pnr_clock_now_ms(),
	};
	pnr_status status = pnr_index_kept_size(store->index, &e.evicted.kept, err);
	if (status == PNR_OK && e.evicted.kept > options->limit) {
		status = pnr_store_lock_alone(store, err);
		if (status == PNR_OK) {
			status = remove_leftovers(&e, err);
			if (status == PNR_OK)
				status = pnr_store_transaction(store, write_rows, &e, err);
			if (status == PNR_OK)
				status = remove_files(&e, err);
			pnr_status shared = pnr_store_lock_shared(store, status == PNR_OK ? err : NULL);
			if (status == PNR_OK)
				status = shared;
		}
	}
	if (status == PNR_OK || status == PNR_BUSY)
		*out_evicted = e.evicted;
	return status;
}
