#include "package/adopt.h"
#include "base/file.h"
#include "package/archive.h"
#include "package/import.h"
#include "package/inspect.h"
#include "package/manifest_write.h"
#include "package/record.h"
#include <stdlib.h>
#include <string.h>

/* A name is a path at most. */
#define NAME_MAX_LENGTH 4096u

typedef struct adopting {
	pnr_store *store;
	pnr_index *index;
	const pnr_adoption *from;
	pnr_choice choice;
	pnr_manifest *manifest;
	pnr_blob_row *blobs; /* one an asset of the manifest, as are the rows */
	pnr_inspection *inspection;
	pnr_package_files files; /* what the rows point into, as into the manifest */
	pnr_asset_row *assets;
	pnr_ingest *ingest;
	pnr_ingested manifest_item;
	int64_t package_id;
	pnr_archive_row archive; /* id 0: a new one */
	bool overtaken;          /* another process recorded this archive first */
	bool foreign;            /* the manifest is not the one that its config and assets make */
	int64_t *ids;            /* encodings: the manifest's, then one an asset */
	char *target;            /* NULL: no zip is wanted */
	pnr_temp zip;
	pnr_provenance provenance;
} adopting;

static void adopting_free(adopting *a)
{
	pnr_provenance_drop(&a->provenance);
	pnr_temp_discard(&a->zip);
	free(a->target);
	free(a->ids);
	pnr_ingest_free(a->ingest);
	free(a->assets);
	pnr_package_files_free(&a->files);
	pnr_inspection_close(a->inspection);
	free(a->blobs);
	pnr_manifest_free(a->manifest);
}

/* ------------------------------------------------------------------ checking -- */

static pnr_status find_blobs(adopting *a, pnr_error *err)
{
	const pnr_manifest *manifest = a->manifest;
	char hex[PNR_DIGEST_HEX_SIZE];
	a->blobs = calloc(manifest->asset_count + 1, sizeof *a->blobs);
	if (a->blobs == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_index_hold(a->index, err);
	for (size_t i = 0; status == PNR_OK && i < manifest->asset_count; i++) {
		const pnr_manifest_asset *asset = &manifest->assets[i];
		status = pnr_index_blob_find(a->index, &asset->hash, &a->blobs[i], err);
		if (status == PNR_NOT_FOUND)
			status = pnr_fail(err, PNR_NOT_FOUND, "'%s': asset '%s' (%s) is not in the store", a->from->label,
			                  asset->path, pnr_digest_to_hex(&asset->hash, hex));
	}
	pnr_index_release(a->index);
	return status;
}

/* The manifest against the rules that verify has for any package. */
static pnr_status inspect(adopting *a, pnr_error *err)
{
	const pnr_adoption *from = a->from;
	pnr_contents *contents = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_manifest_read(from->manifest, from->manifest_length, &a->manifest, &own);
	if (status != PNR_OK) {
		pnr_context(&own, "'%s': " PNR_MANIFEST_NAME, from->label);
		return pnr_fail_with(err, &own);
	}
	status = find_blobs(a, err);
	if (status == PNR_OK)
		status = pnr_contents_open_blobs(a->store, from->label, from->manifest, from->manifest_length, a->manifest,
		                                 a->blobs, &contents, err);
	if (status == PNR_OK)
		status = pnr_inspection_open_contents(contents, NULL, &a->inspection, err);
	if (status == PNR_OK)
		status = pnr_findings_status(a->inspection->findings, from->label, err);
	if (status == PNR_OK && !a->manifest->has_package_hash)
		status = pnr_fail(err, PNR_CORRUPT, "'%s': " PNR_MANIFEST_NAME ": it has no packageHash", from->label);
	return status;
}

/* What the manifest says of its assets is what the config makes them. */
static pnr_status derive(adopting *a, pnr_error *err)
{
	const pnr_manifest *manifest = a->manifest;
	a->assets = calloc(manifest->asset_count + 1, sizeof *a->assets);
	a->ids = calloc(manifest->asset_count + 1, sizeof *a->ids);
	if (a->assets == NULL || a->ids == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_config_files(a->inspection->config, &a->files, err);
	if (status != PNR_OK)
		return status;
	size_t next = 0;
	for (size_t i = 0; i < manifest->asset_count; i++) {
		const pnr_manifest_asset *asset = &manifest->assets[i];
		while (next < a->files.count && strcmp(a->files.items[next].path, asset->path) != 0)
			next++;
		a->foreign = true;
		if (next == a->files.count)
			return pnr_fail(err, PNR_CORRUPT,
			                "'%s': " PNR_MANIFEST_NAME ": by its config '%s' is not in the package, or stands at "
			                "another place of the list", a->from->label, asset->path);
		const pnr_package_file *file = &a->files.items[next++];
		if ((asset->source_path == NULL) != (manifest->assets[0].source_path == NULL))
			return pnr_fail(err, PNR_CORRUPT, "'%s': " PNR_MANIFEST_NAME ": only some assets have an absolutePath",
			                a->from->label);
		a->assets[i] = (pnr_asset_row){
			.position = i,
			.path = file->path,
			.type = file->type,
			.source_path = asset->source_path,
			.blob_id = a->blobs[i].id,
			.uses = file->uses,
		};
	}
	a->foreign = false;
	return PNR_OK;
}

/* ------------------------------------------------------- package and manifest -- */

/* Whatever the checks before did not see: the rows must give this manifest again. */
static pnr_status compare_manifest(adopting *a, int64_t sources_id, pnr_error *err)
{
	const pnr_adoption *from = a->from;
	const pnr_buffer *config = &a->inspection->config_text;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer made = PNR_BUFFER_INIT;
	pnr_status status = pnr_manifest_write(a->store, a->package_id, sources_id, a->manifest->created_ms,
	                                       &a->manifest->package_hash, config->data, config->length, &made, err);
	if (status != PNR_OK)
		return status;
	a->foreign = made.length != from->manifest_length || memcmp(made.data, from->manifest, made.length) != 0;
	if (a->foreign)
		return pnr_fail(err, PNR_CORRUPT,
		                "'%s': its " PNR_MANIFEST_NAME " is not the one that its config and assets make",
		                from->label);
	return PNR_OK;
}

static pnr_status keep_manifest(adopting *a, pnr_error *err)
{
	const pnr_ingest_options options = { .level = a->choice.level };
	pnr_status status = pnr_ingest_new(a->store, &options, &a->ingest, err);
	if (status == PNR_OK)
		status = pnr_ingest_add_text(a->ingest, a->from->manifest, a->from->manifest_length, PNR_MANIFEST_NAME,
		                             &a->manifest_item, err);
	if (status == PNR_OK)
		status = pnr_ingest_settle(a->ingest, err);
	return status == PNR_OK ? pnr_ingest_rows(a->ingest, err) : status;
}

/* The archive, if it is known and whole. NOT_FOUND without a text if it is not. */
static pnr_status find_whole_archive(const adopting *a, int64_t sources_id, pnr_archive_row *out_archive,
                                     pnr_error *err)
{
	const pnr_archive_choice choice = {
		.package_id = a->package_id,
		.sources_id = sources_id,
		.options = a->from->options,
		.created_ms = a->manifest->created_ms,
	};
	pnr_archive_row found;
	pnr_status status = pnr_index_archive_find(a->index, &choice, &found, err);
	if (status == PNR_OK && found.evicted)
		return PNR_NOT_FOUND;
	if (status == PNR_OK)
		*out_archive = found;
	return status;
}

/* One of which something was given up may lack no more than its manifest; else its assets came in other bytes. */
static pnr_status find_archive(adopting *a, int64_t sources_id, pnr_error *err)
{
	pnr_status status = find_whole_archive(a, sources_id, &a->archive, err);
	if (status != PNR_NOT_FOUND)
		return status;
	status = keep_manifest(a, err);
	if (status == PNR_OK)
		status = find_whole_archive(a, sources_id, &a->archive, err);
	if (status != PNR_NOT_FOUND)
		return status;
	a->archive = (pnr_archive_row){
		.package_id = a->package_id,
		.sources_id = sources_id,
		.options = a->from->options,
		.created_ms = a->manifest->created_ms,
	};
	return PNR_OK;
}

static pnr_status store_package(void *user, pnr_error *err)
{
	adopting *a = user;
	size_t count = a->manifest->asset_count;
	int64_t sources_id = 0;
	pnr_status status = pnr_record_package(a->index, a->inspection->config, &a->manifest->package_hash, a->assets,
	                                       count, &a->package_id, err);
	if (status == PNR_OK && count > 0 && a->assets[0].source_path != NULL)
		status = pnr_record_sources(a->index, a->assets, count, &sources_id, err);
	if (status == PNR_OK)
		status = compare_manifest(a, sources_id, err);
	return status == PNR_OK ? find_archive(a, sources_id, err) : status;
}

/* ------------------------------------------------------------------- the zip -- */

static pnr_status list_encodings(adopting *a, pnr_error *err)
{
	size_t count = a->manifest->asset_count;
	if (a->archive.id != 0)
		return pnr_record_encodings(a->index, a->archive.id, a->ids, count + 1, err);
	pnr_status status = pnr_index_hold(a->index, err);
	a->ids[0] = a->manifest_item.encoding_id;
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		a->ids[i + 1] = a->from->encodings != NULL ? a->from->encodings[i] : 0;
		if (a->ids[i + 1] == 0)
			status = pnr_index_encoding_find(a->index, a->blobs[i].id, pnr_encoder_name(), a->choice.level, true,
			                                 &a->ids[i + 1], err);
		if (status == PNR_NOT_FOUND)
			status = pnr_fail(err, PNR_CORRUPT, "the store has no bytes of '%s'", a->assets[i].path);
	}
	pnr_index_release(a->index);
	return status;
}

static pnr_status ignore(void *context, const void *data, size_t length, pnr_error *err)
{
	(void)context;
	(void)data;
	(void)length;
	(void)err;
	return PNR_OK;
}

static pnr_status write_items(adopting *a, const pnr_archive_item *items, size_t count, pnr_digest *out_hash,
                              uint64_t *out_size, pnr_error *err)
{
	const pnr_sink nowhere = { .write = ignore };
	if (a->target == NULL)
		return pnr_archive_write(a->store, items, count, a->archive.created_ms, a->from->meter, &nowhere, out_hash,
		                         out_size, err);
	pnr_temp_discard(&a->zip);
	pnr_status status = pnr_archive_write_temp(a->store, items, count, a->archive.created_ms, a->from->meter,
	                                           a->target, &a->zip, out_hash, out_size, err);
	return status == PNR_OK ? pnr_file_fsync(a->zip.fd, a->target, err) : status;
}

static pnr_status write_zip(adopting *a, pnr_error *err)
{
	size_t count = a->manifest->asset_count + 1;
	PNR_CLEANUP(pnr_cleanup_free) pnr_archive_item *items = calloc(count, sizeof *items);
	pnr_blob_row manifest = a->manifest_item.blob;
	pnr_digest hash;
	uint64_t size = 0;
	if (items == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = list_encodings(a, err);
	if (status == PNR_OK && a->archive.id != 0)
		status = pnr_index_blob_find(a->index, &a->archive.manifest_hash, &manifest, err);
	items[0] = (pnr_archive_item){ .path = PNR_MANIFEST_NAME, .blob = manifest, .encoding_id = a->ids[0] };
	for (size_t i = 1; i < count; i++)
		items[i] = (pnr_archive_item){
			.path = a->assets[i - 1].path,
			.blob = a->blobs[i - 1],
			.encoding_id = a->ids[i],
		};
	if (status == PNR_OK)
		status = write_items(a, items, count, &hash, &size, err);
	if (status != PNR_OK)
		return status;
	if (a->archive.id != 0 && !pnr_digest_equal(&hash, &a->archive.archive_hash))
		return pnr_fail(err, PNR_CORRUPT,
		                "the store gives another zip than the one it recorded: its index was changed or is "
		                "damaged; restore the store, or use a new one with --store");
	a->archive.archive_hash = hash;
	a->archive.size = size;
	return PNR_OK;
}

static pnr_status make_zip(adopting *a, pnr_error *err)
{
	pnr_meter none = { .fn = NULL };
	pnr_meter *meter = a->from->meter != NULL ? a->from->meter : &none;
	if (a->target == NULL && a->archive.id != 0)
		return PNR_OK;
	pnr_status status = pnr_meter_begin(meter, PNR_PHASE_WRITE, 0, err);
	if (status == PNR_OK)
		status = write_zip(a, err);
	return status == PNR_OK ? pnr_meter_end(meter, err) : status;
}

/* ------------------------------------------------------------------- the log -- */

static pnr_status put_log(const adopting *a, pnr_error *err)
{
	if (a->from->imported != NULL)
		return pnr_import_log(a->index, a->from->imported, a->package_id, a->archive.id, &a->provenance, err);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer options = PNR_BUFFER_INIT;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(&options, "{\"archiveHash\":\"%s\"}", pnr_digest_to_hex(&a->from->archive_hash, hex));
	pnr_status status = pnr_buffer_status(&options, err);
	pnr_log_row row = {
		.event = a->from->event,
		.package_id = a->package_id,
		.archive_id = a->archive.id,
		.name = a->from->name,
		.note = "",
		.options = options.data,
	};
	return status == PNR_OK ? pnr_record_log(a->index, &row, &a->provenance, err) : status;
}

static pnr_status put_record(void *user, pnr_error *err)
{
	adopting *a = user;
	pnr_archive_row first;
	pnr_status status = PNR_OK;
	if (a->archive.id == 0) {
		status = find_whole_archive(a, a->archive.sources_id, &first, err);
		if (status == PNR_OK) {
			a->archive = first;
			a->overtaken = true;
			return PNR_OK;
		}
		if (status == PNR_NOT_FOUND) {
			a->archive.manifest_hash = a->manifest_item.blob.hash;
			a->archive.manifest_blob_id = a->manifest_item.blob.id;
			status = pnr_index_archive_put(a->index, &a->archive, a->ids, a->manifest->asset_count + 1, err);
		}
	}
	return status == PNR_OK ? put_log(a, err) : status;
}

static pnr_status finish(adopting *a, pnr_error *err)
{
	pnr_status status = make_zip(a, err);
	if (status == PNR_OK)
		status = pnr_store_transaction(a->store, put_record, a, err);
	if (status == PNR_OK && a->overtaken) {
		/* Nothing was logged. Once more, with the archive that is there: it cannot happen again. */
		status = make_zip(a, err);
		if (status == PNR_OK)
			status = pnr_store_transaction(a->store, put_record, a, err);
	}
	return status == PNR_OK && a->zip.fd >= 0 ? pnr_temp_publish(&a->zip, err) : status;
}

/* ------------------------------------------------------------------ together -- */

static pnr_status check_given(adopting *a, pnr_error *err)
{
	const pnr_adoption *from = a->from;
	if (pnr_store_read_only(a->store))
		return pnr_fail(err, PNR_DENIED, "the store was opened read-only");
	if (!pnr_choice_read(from->options, &a->choice))
		return pnr_fail(err, PNR_CORRUPT, "'%s': it does not say how its zip was made: '%.100s'", from->label,
		                from->options);
	if (from->name[0] == '\0' || strlen(from->name) > NAME_MAX_LENGTH)
		return pnr_fail(err, PNR_CORRUPT, "'%s': it does not name its model, or not in %u bytes", from->label,
		                NAME_MAX_LENGTH);
	return from->output_path == NULL ? PNR_OK
	                                 : pnr_archive_target(a->store, from->output_path, &a->target, err);
}

static pnr_status run(adopting *a, pnr_error *err)
{
	pnr_status status = check_given(a, err);
	if (status == PNR_OK)
		status = inspect(a, err);
	if (status == PNR_OK)
		status = derive(a, err);
	if (status != PNR_OK)
		return status;
	/* git knows nothing of a package that was made elsewhere. */
	pnr_provenance_start(&a->provenance, NULL);
	status = pnr_store_transaction(a->store, store_package, a, err);
	return status == PNR_OK ? finish(a, err) : status;
}

pnr_status pnr_adopt(pnr_store *store, const pnr_adoption *adoption, pnr_adopted *out_adopted, pnr_error *err)
{
	PNR_CLEANUP(adopting_free) adopting a = {
		.store = store,
		.index = pnr_store_index(store),
		.from = adoption,
		.zip = PNR_TEMP_INIT,
		.provenance = { .git = -1, .git_output = -1 },
	};
	pnr_status status = run(&a, err);
	out_adopted->foreign = a.foreign;
	if (status != PNR_OK)
		return status;
	*out_adopted = (pnr_adopted){
		.package_id = a.package_id,
		.archive_id = a.archive.id,
		.package_hash = a.manifest->package_hash,
		.archive_hash = a.archive.archive_hash,
		.archive_size = a.archive.size,
		.asset_count = a.manifest->asset_count,
		.identical = pnr_digest_equal(&a.archive.archive_hash, &adoption->archive_hash),
	};
	return PNR_OK;
}
