#include "package/import.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/options.h"
#include "index/history.h"
#include "package/adopt.h"
#include "package/inspect.h"
#include "package/record.h"
#include "store/store.h"
#include <stdlib.h>
#include <string.h>

#define NAME_DEFAULT "."

/* ------------------------------------------------------------------- the log -- */

static pnr_status find_known(pnr_index *index, pnr_import_source *source, pnr_error *err)
{
	pnr_digest package_hash;
	pnr_status status = pnr_index_imported_find(index, &source->archive_hash, source->name, &package_hash, err);
	source->known = status == PNR_OK;
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

pnr_status pnr_import_log(pnr_index *index, pnr_import_source *source, int64_t package_id, int64_t archive_id,
                          const pnr_provenance *provenance, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer options = PNR_BUFFER_INIT;
	char hex[PNR_DIGEST_HEX_SIZE], at[PNR_TIME_TEXT_SIZE];
	pnr_status status = find_known(index, source, err);
	if (status != PNR_OK || source->known)
		return status;
	pnr_buffer_printf(&options, "{\"archiveHash\":\"%s\",\"importedAt\":\"%s\",\"file\":",
	                  pnr_digest_to_hex(&source->archive_hash, hex), pnr_clock_format(source->imported_ms, at));
	pnr_json_quote(&options, source->file, strlen(source->file));
	pnr_buffer_putc(&options, '}');
	status = pnr_buffer_status(&options, err);
	pnr_log_row row = {
		.at_ms = source->created_ms,
		.dated = true,
		.event = "import",
		.package_id = package_id,
		.archive_id = archive_id,
		.name = source->name,
		.note = "",
		.options = options.data,
	};
	if (status == PNR_OK)
		status = pnr_record_log(index, &row, provenance, err);
	const pnr_imported_row imported = {
		.log_id = row.id,
		.package_id = package_id,
		.archive_hash = source->archive_hash,
		.size = source->size,
		.file = source->file,
		.imported_ms = source->imported_ms,
	};
	return status == PNR_OK ? pnr_index_imported_put(index, &imported, err) : status;
}

/* ------------------------------------------------------------------- one zip -- */

typedef struct importing {
	pnr_store *store;
	pnr_index *index;
	const pnr_import_options *options;
	pnr_meter meter;
	pnr_package_source from;
	pnr_import_source source;
	pnr_imported result;
	pnr_inspection *inspection; /* of the one file that was opened: what is verified is what is taken */
	pnr_ingest *ingest;
	pnr_ingested *items; /* one an asset of the manifest */
	int64_t *encodings;  /* likewise */
	/* of one that cannot be adopted */
	pnr_package_files files;
	pnr_asset_row *assets;
	size_t asset_count;
	pnr_provenance provenance;
} importing;

static void importing_free(importing *i)
{
	pnr_provenance_drop(&i->provenance);
	pnr_package_files_free(&i->files);
	pnr_ingest_free(i->ingest);
	free(i->assets);
	free(i->encodings);
	free(i->items);
	pnr_inspection_close(i->inspection);
}

/* All of it is right, and which zip it is. */
static pnr_status verify(importing *i, pnr_error *err)
{
	const pnr_verify_options options = {
		.size = sizeof options,
		.progress = i->options->progress,
		.progress_user = i->options->progress_user,
	};
	pnr_status status = pnr_inspection_open(&i->from, &options, &i->inspection, err);
	if (status == PNR_OK)
		status = pnr_inspection_run(i->inspection, PNR_PHASE_VERIFY, NULL, err);
	if (status == PNR_OK)
		status = pnr_findings_status(i->inspection->findings, i->from.file, err);
	if (status != PNR_OK)
		return status;
	const pnr_verify_result *found = &i->inspection->findings->result;
	i->source.archive_hash = found->archive_hash;
	i->source.size = i->inspection->contents->archive_bytes;
	i->result.package_hash = found->package_hash;
	i->result.asset_count = found->asset_count;
	/* Its place in the order was taken by the file that was looked at. */
	if (i->inspection->manifest->created_ms != i->source.created_ms)
		return pnr_fail(err, PNR_RETRY, "'%s' changed while it was read", i->from.file);
	return PNR_OK;
}

static pnr_status take_body(importing *i, size_t n, pnr_error *err)
{
	PNR_CLEANUP(pnr_contents_body_close) pnr_contents_body body = { .contents = NULL };
	const pnr_listed *listed = &i->inspection->listing->items[n];
	pnr_contents *contents = i->inspection->contents;
	pnr_status status = pnr_contents_body_open(contents, listed->entry, &body, err);
	if (status != PNR_OK)
		return status;
	const pnr_received what = {
		.hash = listed->asset->hash,
		.size = listed->asset->size,
		.deflated = body.deflated,
		.body_size = body.size,
		.body = body.source,
		.name = listed->asset->path,
	};
	status = pnr_ingest_add_body(i->ingest, &what, &i->items[n], err);
	const pnr_content found = { .hash = i->items[n].blob.hash, .size = i->items[n].blob.size, .crc32 = i->items[n].blob.crc32 };
	status = pnr_contents_body_settle(&body, status, &found, err);
	return status == PNR_OK ? pnr_meter_add(&i->meter, listed->asset->path, listed->asset->size, err) : status;
}

static pnr_status take_bodies(importing *i, pnr_error *err)
{
	const pnr_ingest_options options = { .level = PNR_LEVEL_DEFAULT };
	const pnr_listing *listing = i->inspection->listing;
	pnr_status status = pnr_ingest_new(i->store, &options, &i->ingest, err);
	i->items = calloc(listing->count + 1, sizeof *i->items);
	i->encodings = calloc(listing->count + 1, sizeof *i->encodings);
	if (status == PNR_OK && (i->items == NULL || i->encodings == NULL))
		status = pnr_fail_nomem(err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&i->meter, PNR_PHASE_HASH, 0, err);
	for (size_t n = 0; status == PNR_OK && n < listing->count; n++)
		if (!listing->items[n].repeated)
			status = take_body(i, n, err);
	if (status == PNR_OK)
		status = pnr_contents_settle(i->inspection->contents, err);
	if (status == PNR_OK)
		status = pnr_ingest_commit(i->ingest, err);
	for (size_t n = 0; status == PNR_OK && n < listing->count; n++)
		i->encodings[n] = i->items[n].encoding_id;
	return status == PNR_OK ? pnr_meter_end(&i->meter, err) : status;
}

/* One that this packager made is adopted: then its zip is there, too. */
static pnr_status adopt(importing *i, bool *out_foreign, pnr_error *err)
{
	char choice[PNR_CHOICE_SIZE];
	const pnr_adoption adoption = {
		.manifest = i->inspection->manifest_text.data,
		.manifest_length = i->inspection->manifest_text.length,
		.label = i->result.file,
		.archive_hash = i->source.archive_hash,
		.archive_size = i->source.size,
		/* How it was made nobody says: of what came in it. */
		.options = pnr_choice_text((pnr_choice){ PNR_LEVEL_DEFAULT, true }, choice),
		.encodings = i->encodings,
		.event = "import",
		.name = i->source.name,
		.meter = &i->meter,
		.imported = &i->source,
	};
	pnr_adopted adopted;
	pnr_status status = pnr_adopt(i->store, &adoption, &adopted, err);
	*out_foreign = adopted.foreign;
	if (status == PNR_OK)
		i->result.archive_identical = adopted.identical && !i->source.known;
	return status;
}

/* What the manifest lists, and what the config says of it. */
static pnr_status list_assets(importing *i, pnr_error *err)
{
	const pnr_listing *listing = i->inspection->listing;
	i->assets = calloc(listing->count + 1, sizeof *i->assets);
	if (i->assets == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_config_files(i->inspection->config, &i->files, err);
	for (size_t n = 0; status == PNR_OK && n < listing->count; n++) {
		const pnr_listed *listed = &listing->items[n];
		const char *uses = "[]";
		if (listed->repeated)
			continue;
		for (size_t f = 0; f < i->files.count; f++)
			if (strcmp(i->files.items[f].path, listed->asset->path) == 0)
				uses = i->files.items[f].uses;
		i->assets[i->asset_count] = (pnr_asset_row){
			.position = i->asset_count,
			.path = listed->asset->path,
			.type = listed->asset->type,
			.blob_id = i->items[n].blob.id,
			.uses = uses,
		};
		i->asset_count++;
	}
	return status;
}

static pnr_status put_record(void *user, pnr_error *err)
{
	importing *i = user;
	int64_t package_id = 0;
	pnr_status status = pnr_record_package(i->index, i->inspection->config, &i->result.package_hash, i->assets,
	                                       i->asset_count, &package_id, err);
	return status == PNR_OK ? pnr_import_log(i->index, &i->source, package_id, 0, &i->provenance, err) : status;
}

/* Its content is kept, and no zip is made of it. */
static pnr_status record(importing *i, pnr_error *err)
{
	pnr_status status = list_assets(i, err);
	if (status != PNR_OK)
		return status;
	/* git knows nothing of a package that was made elsewhere. */
	pnr_provenance_start(&i->provenance, NULL);
	return pnr_store_transaction(i->store, put_record, i, err);
}

static pnr_status store_package(importing *i, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	bool foreign = false;
	pnr_status status = take_bodies(i, err);
	if (status != PNR_OK || !i->inspection->manifest->has_package_hash)
		return status == PNR_OK ? record(i, err) : status;
	status = adopt(i, &foreign, &own);
	/* Another build's manifest, with keys or an order that this one does not write. */
	if (foreign)
		return record(i, err);
	return status == PNR_OK ? status : pnr_fail_with(err, &own);
}

/* ------------------------------------------------------------------ together -- */

/* A file, and when it was made. */
typedef struct dated {
	const char *file;
	int64_t created_ms;
} dated;

static pnr_status check_date(const dated *d, pnr_error *err)
{
	char made[PNR_TIME_TEXT_SIZE];
	if (d->created_ms <= pnr_clock_now_ms())
		return PNR_OK;
	return pnr_fail(err, PNR_CONFLICT,
	                "'%s' was made at %s by its manifest, which is yet to come: it would be the latest until then; "
	                "is the clock of this machine right?",
	                d->file, pnr_clock_format(d->created_ms, made));
}

static pnr_status read_date(const char *file, dated *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_inspection_cleanup) pnr_inspection *inspection = NULL;
	const pnr_package_source source = { .file = file };
	pnr_status status = pnr_inspection_open(&source, NULL, &inspection, err);
	if (status == PNR_OK)
		status = pnr_findings_status(inspection->findings, file, err);
	if (status != PNR_OK)
		return status;
	*out = (dated){ file, inspection->manifest->created_ms };
	return check_date(out, err);
}

static int by_date(const void *a, const void *b)
{
	const dated *x = a, *y = b;
	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	return strcmp(x->file, y->file);
}

static pnr_status import_one(pnr_store *store, const pnr_import_options *options, const dated *from, pnr_imported_fn fn,
                             void *user, pnr_error *err)
{
	char at[PNR_TIME_TEXT_SIZE];
	const char *slash = strrchr(from->file, '/');
	PNR_CLEANUP(importing_free) importing i = {
		.store = store,
		.index = pnr_store_index(store),
		.options = options,
		.meter = { .fn = options->progress, .user = options->progress_user },
		.from = { .file = from->file },
		.source = {
			.file = slash == NULL ? from->file : slash + 1,
			.name = options->name == NULL ? NAME_DEFAULT : options->name,
			.created_ms = from->created_ms,
			.imported_ms = pnr_clock_now_ms(),
		},
		.result = { .size = sizeof i.result, .file = from->file },
		.provenance = { .git = -1, .git_output = -1 },
	};
	pnr_status status = verify(&i, err);
	if (status == PNR_OK)
		status = find_known(i.index, &i.source, err);
	if (status == PNR_OK && !i.source.known)
		status = store_package(&i, err);
	if (status != PNR_OK)
		return status;
	i.result.created_at = pnr_clock_format(from->created_ms, at);
	i.result.archive_hash = i.source.archive_hash;
	i.result.archive_size = i.source.size;
	i.result.known = i.source.known;
	if (fn != NULL && fn(user, &i.result) != 0)
		return pnr_fail(err, PNR_CANCELLED, "the receiver stopped");
	return PNR_OK;
}

pnr_status pnr_import(pnr_store *store, const char *const *files, size_t count, const pnr_import_options *options,
                      pnr_imported_fn fn, void *user, pnr_error *err)
{
	pnr_import_options own = { .size = sizeof own };
	PNR_CLEANUP(pnr_cleanup_free) dated *all = calloc(count + 1, sizeof *all);
	if (all == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_import_options", err);
	if (status == PNR_OK && pnr_store_read_only(store))
		status = pnr_fail(err, PNR_DENIED, "the store was opened read-only");
	/* All are looked at before the first is taken. */
	for (size_t n = 0; status == PNR_OK && n < count; n++)
		status = read_date(files[n], &all[n], err);
	if (status != PNR_OK)
		return status;
	pnr_array_sort(all, count, sizeof *all, by_date);
	for (size_t n = 0; status == PNR_OK && n < count; n++)
		status = import_one(store, &own, &all[n], fn, user, err);
	return status;
}
