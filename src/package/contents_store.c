/* A package in the store, as contents: its assets, and the manifest in front of them. */
#include "base/array.h"
#include "package/contents.h"
#include "package/manifest_read.h"
#include "package/manifest_write.h"
#include "store/store.h"
#include <stdlib.h>
#include <string.h>

typedef struct stored {
	char *name;
	pnr_blob_row blob;
} stored;

typedef struct store_contents {
	pnr_contents base; /* first: it is cast from */
	pnr_store *store;
	pnr_ref_row package;
	pnr_buffer manifest;
	const pnr_manifest *listed; /* NULL: the index says what the package holds */
	const pnr_blob_row *blobs;  /* one for each of its assets */
	stored *items; /* in package order; entry i + 1 */
	size_t count, capacity;
} store_contents;

static pnr_status add_item(store_contents *own, const char *path, const pnr_blob_row *blob, pnr_error *err)
{
	stored *items = pnr_array_grow(own->items, sizeof *items, own->count, &own->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	own->items = items;
	char *name = strdup(path);
	if (name == NULL)
		return pnr_fail_nomem(err);
	own->items[own->count++] = (stored){ name, *blob };
	return PNR_OK;
}

static pnr_status add_row(void *user, const pnr_asset_row *row, pnr_error *err)
{
	const pnr_blob_row blob = { row->blob_id, row->hash, row->size, row->crc32 };
	return add_item(user, row->path, &blob, err);
}

static pnr_status load_listed(store_contents *own, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < own->listed->asset_count; i++)
		status = add_item(own, own->listed->assets[i].path, &own->blobs[i], err);
	return status;
}

static pnr_status store_load(pnr_contents *contents, pnr_error *err)
{
	store_contents *own = (store_contents *)contents;
	pnr_index *index = pnr_store_index(own->store);
	if (own->listed != NULL)
		return load_listed(own, err);
	pnr_status status = pnr_index_package_assets(index, own->package.package_id, 0, add_row, own, err);
	if (status != PNR_OK)
		return status;
	if (own->package.archive_id != 0)
		return pnr_store_manifest(own->store, own->package.archive_id, &own->manifest, err);
	return pnr_manifest_of_package(own->store, &own->package, &own->manifest, err);
}

/* As it was recorded when the zip was written; export is what proves it. */
static pnr_status store_archive_hash(const pnr_contents *contents, bool *out_has, pnr_digest *out_hash,
                                     pnr_error *err)
{
	const store_contents *own = (const store_contents *)contents;
	*out_has = own->package.archive_id != 0;
	if (!*out_has)
		return PNR_OK;
	pnr_archive_row archive;
	pnr_status status =
		pnr_index_archive_get(pnr_store_index(own->store), own->package.archive_id, &archive, err);
	if (status == PNR_OK)
		*out_hash = archive.archive_hash;
	return status;
}

static uint64_t store_count(const pnr_contents *contents)
{
	return ((const store_contents *)contents)->count + 1;
}

static pnr_contents_entry store_entry(const pnr_contents *contents, uint64_t index)
{
	const store_contents *own = (const store_contents *)contents;
	if (index == 0)
		return (pnr_contents_entry){ PNR_MANIFEST_NAME, own->manifest.length };
	const stored *item = &own->items[index - 1];
	return (pnr_contents_entry){ item->name, item->blob.size };
}

static bool store_find_manifest(const pnr_contents *contents, uint64_t *out_index)
{
	(void)contents;
	*out_index = 0;
	return true;
}

static const pnr_blob_row *blob_of(const pnr_contents_body *body)
{
	return &((const store_contents *)body->contents)->items[body->index - 1].blob;
}

static pnr_status store_open_body(pnr_contents *contents, pnr_contents_body *body, pnr_error *err)
{
	store_contents *own = (store_contents *)contents;
	if (body->index == 0) {
		body->memory = (pnr_memory_range){ own->manifest.data, own->manifest.length };
		body->source = pnr_memory_source(&body->memory);
		body->size = own->manifest.length;
		return PNR_OK;
	}
	pnr_status status = pnr_body_open(own->store, blob_of(body), 0, &body->stored, err);
	if (status != PNR_OK)
		return status;
	body->source = pnr_body_source(body->stored);
	body->size = pnr_body_size(body->stored);
	body->deflated = pnr_body_deflated(body->stored);
	return PNR_OK;
}

static pnr_status store_check(const pnr_contents_body *body, const pnr_content *found, pnr_error *err)
{
	return body->stored == NULL ? PNR_OK : pnr_body_check(body->stored, blob_of(body), found, err);
}

static void store_context(const pnr_contents_body *body, pnr_status status, pnr_error *err)
{
	if (body->stored != NULL && status == PNR_CORRUPT)
		pnr_body_context(body->stored, err);
}

static void store_close_body(pnr_contents_body *body)
{
	pnr_body_close(body->stored);
}

static void store_close(pnr_contents *contents)
{
	store_contents *own = (store_contents *)contents;
	for (size_t i = 0; i < own->count; i++)
		free(own->items[i].name);
	free(own->items);
	pnr_buffer_free(&own->manifest);
	free(own);
}

/* Nothing to settle: what the store has under a hash never changes. */
static const pnr_contents_ops store_ops = {
	.load = store_load,
	.count = store_count,
	.entry = store_entry,
	.find_manifest = store_find_manifest,
	.open_body = store_open_body,
	.check = store_check,
	.context = store_context,
	.close_body = store_close_body,
	.archive_hash = store_archive_hash,
	.close = store_close,
};

pnr_status pnr_contents_open_ref(pnr_store *store, const char *ref, pnr_contents **out_contents, pnr_error *err)
{
	pnr_ref_row package;
	pnr_status status = pnr_store_ref(store, ref, &package, err);
	if (status != PNR_OK)
		return status;
	store_contents *own = calloc(1, sizeof *own);
	if (own == NULL)
		return pnr_fail_nomem(err);
	*own = (store_contents){
		.base = { .ops = &store_ops, .label = ref },
		.store = store,
		.package = package,
	};
	*out_contents = &own->base;
	return PNR_OK;
}

pnr_status pnr_contents_open_blobs(pnr_store *store, const char *label, const char *text, size_t length,
                                   const pnr_manifest *manifest, const pnr_blob_row *blobs,
                                   pnr_contents **out_contents, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer copy = PNR_BUFFER_INIT;
	pnr_buffer_append(&copy, text, length);
	store_contents *own = copy.failed ? NULL : calloc(1, sizeof *own);
	if (own == NULL)
		return pnr_fail_nomem(err);
	*own = (store_contents){
		.base = { .ops = &store_ops, .label = label },
		.store = store,
		.manifest = copy,
		.listed = manifest,
		.blobs = blobs,
	};
	copy = (pnr_buffer)PNR_BUFFER_INIT;
	*out_contents = &own->base;
	return PNR_OK;
}
