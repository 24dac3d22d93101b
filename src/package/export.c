/* The zip of a past package, again, byte for byte. */
#include "base/array.h"
#include "base/options.h"
#include "base/path.h"
#include "package/archive.h"
#include <pannier/package.h>
#include <stdlib.h>
#include <string.h>

typedef struct exporting {
	pnr_store *store;
	pnr_archive_row archive;
	pnr_archive_item *items;
	size_t count, capacity;
	size_t encodings;
} exporting;

static void exporting_free(exporting *x)
{
	for (size_t i = 0; i < x->count; i++)
		free((char *)(uintptr_t)x->items[i].path);
	free(x->items);
}

static pnr_status add_entry(exporting *x, const char *path, const pnr_blob_row *blob, pnr_error *err)
{
	pnr_archive_item *items = pnr_array_grow(x->items, sizeof *items, x->count, &x->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	x->items = items;
	char *copy = strdup(path);
	if (copy == NULL)
		return pnr_fail_nomem(err);
	x->items[x->count++] = (pnr_archive_item){ .path = copy, .blob = *blob };
	return PNR_OK;
}

static pnr_status add_asset(void *user, const pnr_asset_row *row, pnr_error *err)
{
	pnr_blob_row blob = { .id = row->blob_id, .hash = row->hash, .size = row->size, .crc32 = row->crc32 };
	return add_entry(user, row->path, &blob, err);
}

static pnr_status set_encoding(void *user, int64_t id, pnr_error *err)
{
	exporting *x = user;
	if (x->encodings == x->count)
		return pnr_fail(err, PNR_CORRUPT, "the index lists more encodings than the archive has entries");
	x->items[x->encodings++].encoding_id = id;
	return PNR_OK;
}

static pnr_status load(exporting *x, const char *ref, pnr_error *err)
{
	pnr_index *index = pnr_store_index(x->store);
	pnr_ref_row row;
	pnr_blob_row manifest;
	pnr_status status = pnr_store_ref(x->store, ref, &row, err);
	if (status != PNR_OK)
		return status;
	if (row.archive_id == 0)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "package '%s' was stored without a zip; 'pannier unpack' gives its files", ref);
	status = pnr_index_archive_get(index, row.archive_id, &x->archive, err);
	if (status == PNR_OK)
		status = pnr_index_blob_find(index, &x->archive.manifest_hash, &manifest, err);
	if (status == PNR_OK)
		status = add_entry(x, PNR_MANIFEST_NAME, &manifest, err);
	if (status == PNR_OK)
		status = pnr_index_package_assets(index, row.package_id, 0, add_asset, x, err);
	if (status == PNR_OK)
		status = pnr_index_archive_encodings(index, row.archive_id, set_encoding, x, err);
	if (status == PNR_OK && x->encodings != x->count)
		status = pnr_fail(err, PNR_CORRUPT, "the index lists fewer encodings than the archive has entries");
	return status == PNR_NOT_FOUND ? pnr_fail(err, PNR_CORRUPT, "the index lacks a part of '%s'", ref) : status;
}

static pnr_status check(const exporting *x, const pnr_digest *hash, pnr_error *err)
{
	char made[PNR_DIGEST_HEX_SIZE], wanted[PNR_DIGEST_HEX_SIZE];
	if (pnr_digest_equal(hash, &x->archive.archive_hash))
		return PNR_OK;
	return pnr_fail(err, PNR_CORRUPT, "the zip has the archive hash %s instead of %s",
	                pnr_digest_to_hex(hash, made), pnr_digest_to_hex(&x->archive.archive_hash, wanted));
}

static pnr_status write_out(exporting *x, pnr_meter *meter, const char *output_path, pnr_write_fn write, void *user,
                            pnr_error *err)
{
	pnr_digest hash;
	uint64_t size;
	if (output_path == NULL) {
		pnr_receiver receiver = { write, user };
		pnr_sink sink = pnr_receiver_sink(&receiver);
		pnr_status status = pnr_archive_write(x->store, x->items, x->count, x->archive.created_ms, meter,
		                                      &sink, &hash, &size, err);
		return status == PNR_OK ? check(x, &hash, err) : status;
	}
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	pnr_status status = pnr_archive_target(x->store, output_path, &target, err);
	if (status == PNR_OK)
		status = pnr_archive_write_temp(x->store, x->items, x->count, x->archive.created_ms, meter, target,
		                                &temp, &hash, &size, err);
	if (status == PNR_OK)
		status = check(x, &hash, err);
	return status == PNR_OK ? pnr_temp_publish(&temp, err) : status;
}

pnr_status pnr_export(pnr_store *store, const char *ref, const char *output_path, pnr_write_fn write, void *user,
                      const pnr_export_options *options, pnr_error *err)
{
	PNR_CLEANUP(exporting_free) exporting x = { .store = store };
	pnr_export_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_export_options", err);
	pnr_meter meter = { .fn = own.progress, .user = own.progress_user };
	if (status == PNR_OK)
		status = load(&x, ref, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&meter, PNR_PHASE_WRITE, x.archive.size, err);
	if (status == PNR_OK)
		status = write_out(&x, &meter, output_path, write, user, err);
	return status == PNR_OK ? pnr_meter_end(&meter, err) : status;
}
