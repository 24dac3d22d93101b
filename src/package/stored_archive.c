#include "package/stored_archive.h"
#include "base/array.h"
#include "index/evict.h"
#include "package/record.h"
#include <pannier/package.h>
#include <stdlib.h>
#include <string.h>

typedef struct loading {
	pnr_stored_archive stored;
	size_t capacity;
} loading;

static void loading_free(loading *l)
{
	pnr_stored_archive_free(&l->stored);
}

void pnr_stored_archive_free(pnr_stored_archive *stored)
{
	for (size_t i = 0; i < stored->count; i++)
		free((char *)(uintptr_t)stored->items[i].path);
	free(stored->items);
	pnr_buffer_free(&stored->options);
	pnr_buffer_free(&stored->name);
	*stored = (pnr_stored_archive)PNR_STORED_ARCHIVE_INIT;
}

static pnr_status add_entry(loading *l, const char *path, const pnr_blob_row *blob, pnr_error *err)
{
	pnr_stored_archive *s = &l->stored;
	pnr_archive_item *items = pnr_array_grow(s->items, sizeof *items, s->count, &l->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	s->items = items;
	char *copy = strdup(path);
	if (copy == NULL)
		return pnr_fail_nomem(err);
	s->items[s->count++] = (pnr_archive_item){ .path = copy, .blob = *blob };
	return PNR_OK;
}

static pnr_status add_asset(void *user, const pnr_asset_row *row, pnr_error *err)
{
	pnr_blob_row blob = { .id = row->blob_id, .hash = row->hash, .size = row->size, .crc32 = row->crc32 };
	return add_entry(user, row->path, &blob, err);
}

static pnr_status set_encodings(loading *l, pnr_index *index, pnr_error *err)
{
	pnr_stored_archive *s = &l->stored;
	PNR_CLEANUP(pnr_cleanup_free) int64_t *ids = calloc(s->count, sizeof *ids);
	if (ids == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_record_encodings(index, s->archive.id, ids, s->count, err);
	for (size_t i = 0; status == PNR_OK && i < s->count; i++)
		s->items[i].encoding_id = ids[i];
	return status;
}

/* Of the package that @l has. */
static pnr_status load(loading *l, pnr_store *store, const char *ref, pnr_error *err)
{
	pnr_index *index = pnr_store_index(store);
	pnr_stored_archive *s = &l->stored;
	pnr_blob_row manifest;
	char hex[PNR_DIGEST_HEX_SIZE];
	if (s->package.imported_id != 0)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "'%s' is a zip that was imported: the very same cannot be made again here; its content is "
		                "package %s, use that hash",
		                ref, pnr_digest_to_hex(&s->package.package_hash, hex));
	if (s->package.archive_id == 0)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "package '%s' was stored without a zip; 'pannier unpack' gives its files", ref);
	bool evicted = false;
	pnr_status status = pnr_index_archive_evicted(index, s->package.archive_id, &evicted, err);
	if (status == PNR_OK && evicted)
		return pnr_fail(err, PNR_NOT_FOUND, "the content of '%s' was evicted to make room; pull or pack it again", ref);
	if (status == PNR_OK)
		status = pnr_index_archive_get(index, s->package.archive_id, &s->archive, err);
	if (status == PNR_OK)
		status = pnr_index_archive_about(index, s->package.archive_id, &s->options, &s->name, err);
	s->archive.options = s->options.data;
	if (status == PNR_OK)
		status = pnr_index_blob_find(index, &s->archive.manifest_hash, &manifest, err);
	if (status == PNR_OK)
		status = add_entry(l, PNR_MANIFEST_NAME, &manifest, err);
	if (status == PNR_OK)
		status = pnr_index_package_assets(index, s->package.package_id, 0, add_asset, l, err);
	if (status == PNR_OK)
		status = set_encodings(l, index, err);
	return status == PNR_NOT_FOUND ? pnr_fail(err, PNR_CORRUPT, "the index lacks a part of '%s'", ref) : status;
}

pnr_status pnr_stored_archive_load(pnr_store *store, const char *ref, pnr_stored_archive *out_stored, pnr_error *err)
{
	pnr_ref_row package;
	pnr_status status = pnr_store_ref(store, ref, &package, err);
	return status == PNR_OK ? pnr_stored_archive_get(store, &package, ref, out_stored, err) : status;
}

pnr_status pnr_stored_archive_get(pnr_store *store, const pnr_ref_row *package, const char *label,
                                  pnr_stored_archive *out_stored, pnr_error *err)
{
	PNR_CLEANUP(loading_free) loading l = { .stored = { .package = *package } };
	pnr_status status = load(&l, store, label, err);
	if (status != PNR_OK)
		return status;
	*out_stored = l.stored;
	l.stored = (pnr_stored_archive)PNR_STORED_ARCHIVE_INIT;
	return PNR_OK;
}
