/*
 * Packing, in the order in which things become true:
 *
 *   0. the config is read; if that and all that the last pack of it looked at is
 *      the same, the zip too, there is only 5                   (recall)
 *   1. the config is checked, its files are found              (plan)
 *   2. files that are not known are hashed and encoded         (ingest)
 *   3. their objects are durable, then: rows, package, manifest, one transaction
 *   4. the zip is complete beside its target, synced
 *   5. archive, log entry and tag, one transaction
 *   6. the zip gets its name
 *
 * What a failure leaves after 3 is content that nobody refers to, after 5 a
 * logged archive that export can write again.
 */
#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "base/path.h"
#include "codec/hash.h"
#include "package/archive.h"
#include "package/manifest_write.h"
#include "package/plan.h"
#include "package/recall.h"
#include "package/record.h"
#include <pannier/pannier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_API_MAX UINT64_C(104857600)
#define MODEL_SCAN_MAX ((size_t)16 << 20)

/* The public result and what its pointers point to. */
typedef struct result_block {
	pnr_pack_result public; /* first: it is what the caller frees */
	pnr_validation *validation;
	pnr_plan plan; /* what the missing assets point into */
	pnr_buffer manifest;
	char *package_path;
	char *error;
} result_block;

typedef struct packing {
	pnr_store *store;
	pnr_index *index;
	const pnr_pack_options *options;
	unsigned level;
	bool any_encoding; /* of another level will do */
	pnr_meter meter;
	pnr_plan plan;
	pnr_request request;
	pnr_trace trace; /* of the plan */
	pnr_ingest *ingest;
	pnr_ingested *items; /* one a candidate */
	pnr_asset_row *assets; /* one a package path */
	size_t *asset_item;    /* which of items it is */
	size_t asset_count;
	pnr_digest package_hash;
	int64_t package_id;
	char options_text[PNR_CHOICE_SIZE];
	int64_t epoch_ms;        /* of SOURCE_DATE_EPOCH; -1: not set */
	pnr_archive_row archive; /* id 0: a new one */
	bool overtaken;          /* another process recorded this archive first */
	pnr_ingested manifest_item;
	pnr_ingest_counts counts;
	pnr_buffer manifest;
	pnr_output output;
	pnr_temp zip;
	bool unchanged;
	pnr_buffer references; /* that the model file holds */
	int64_t scanned;       /* the blob in which they were found just now; 0: it was known */
	pnr_provenance provenance;
} packing;

static void packing_free(packing *p)
{
	pnr_provenance_drop(&p->provenance);
	pnr_temp_discard(&p->zip);
	pnr_ingest_free(p->ingest);
	free(p->asset_item);
	free(p->assets);
	free(p->items);
	pnr_output_free(&p->output);
	pnr_buffer_free(&p->references);
	pnr_buffer_free(&p->manifest);
	pnr_plan_free(&p->plan);
	pnr_trace_free(&p->trace);
}

/* ------------------------------------------------------------------ content -- */

static pnr_status take_in(packing *p, pnr_error *err)
{
	const pnr_selection *selection = p->plan.selection;
	const pnr_ingest_options ingest = {
		.level = p->level,
		.any_encoding = p->any_encoding,
		.rehash = p->options->rehash,
		.meter = &p->meter,
	};
	p->items = calloc(selection->candidate_count, sizeof *p->items);
	if (p->items == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_ingest_new(p->store, &ingest, &p->ingest, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&p->meter, PNR_PHASE_HASH, pnr_plan_size(&p->plan), err);
	if (status == PNR_OK)
		status = pnr_ingest_add_text(p->ingest, p->plan.text.data, p->plan.text.length, PNR_CONFIG_NAME,
		                             &p->items[0], err);
	if (status == PNR_OK)
		status = pnr_meter_add(&p->meter, PNR_CONFIG_NAME, p->plan.text.length, err);
	for (size_t i = 1; i < selection->candidate_count && status == PNR_OK; i++) {
		pnr_ingest_file file = pnr_plan_file(&p->plan, i);
		status = pnr_ingest_add(p->ingest, &file, &p->items[i], err);
	}
	if (status == PNR_OK)
		status = pnr_ingest_settle(p->ingest, err);
	return status == PNR_OK ? pnr_meter_end(&p->meter, err) : status;
}

/* Another source for the asset before it: it must have the same bytes. */
static void check_same(packing *p, size_t candidate)
{
	const pnr_candidate *second = &p->plan.selection->candidates[candidate];
	size_t before = p->asset_item[p->asset_count - 1];
	const pnr_candidate *first = &p->plan.selection->candidates[before];
	if (!pnr_digest_equal(&p->items[before].blob.hash, &p->items[candidate].blob.hash))
		pnr_issues_error(p->plan.issues, pnr_config_document(p->plan.config), second->item, second->pointer,
		                 "Two different files would be packaged as '%s': '%s' and '%s'; rename one of them",
		                 first->path, first->place.path, second->place.path);
}

/* The manifest is UTF-8; a path on disk is bytes. */
static pnr_status check_sources(const packing *p, pnr_error *err)
{
	for (size_t i = 0; i < p->asset_count && !p->options->portable; i++) {
		const char *path = p->assets[i].source_path;
		if (!pnr_utf8_valid(path, strlen(path)))
			return pnr_fail(err, PNR_INVALID,
			                "the path of '%s' is not valid UTF-8 and cannot stand in the manifest; "
			                "--portable leaves such paths out",
			                p->assets[i].path);
	}
	return PNR_OK;
}

static pnr_status list_assets(packing *p, pnr_error *err)
{
	const pnr_selection *selection = p->plan.selection;
	p->asset_count = 0;
	p->assets = calloc(selection->candidate_count, sizeof *p->assets);
	p->asset_item = calloc(selection->candidate_count, sizeof *p->asset_item);
	if (p->assets == NULL || p->asset_item == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < selection->candidate_count; i++) {
		const pnr_candidate *candidate = &selection->candidates[i];
		size_t n = p->asset_count;
		if (n > 0 && strcmp(p->assets[n - 1].path, candidate->path) == 0) {
			check_same(p, i);
			continue;
		}
		p->assets[n] = (pnr_asset_row){
			.position = n,
			.path = candidate->path,
			.type = candidate->type,
			.source_path = i == 0 ? p->plan.config_path : candidate->place.path,
			.uses = candidate->uses,
		};
		p->asset_item[n] = i;
		p->asset_count++;
	}
	return PNR_OK;
}

typedef struct hash_line {
	const char *path;
	const pnr_digest *hash;
} hash_line;

static int by_path(const void *a, const void *b)
{
	return strcmp(((const hash_line *)a)->path, ((const hash_line *)b)->path);
}

static pnr_status hash_package(packing *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) hash_line *lines = calloc(p->asset_count, sizeof *lines);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	if (lines == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < p->asset_count; i++)
		lines[i] = (hash_line){ p->assets[i].path, &p->items[p->asset_item[i]].blob.hash };
	pnr_array_sort(lines, p->asset_count, sizeof *lines, by_path);
	for (size_t i = 0; i < p->asset_count; i++) {
		char hex[PNR_DIGEST_HEX_SIZE];
		pnr_buffer_puts(&text, pnr_digest_to_hex(lines[i].hash, hex));
		pnr_buffer_puts(&text, "  ");
		pnr_buffer_puts(&text, lines[i].path);
		pnr_buffer_putc(&text, '\n');
	}
	pnr_status status = pnr_buffer_status(&text, err);
	return status == PNR_OK ? pnr_hash_memory(text.data, text.length, &p->package_hash, NULL, err) : status;
}

/* ------------------------------------------------------- package and manifest -- */

static pnr_status write_manifest(packing *p, pnr_error *err)
{
	pnr_status status = pnr_manifest_write(p->store, p->package_id, p->archive.sources_id,
	                                       p->archive.created_ms, &p->package_hash, p->plan.text.data,
	                                       p->plan.text.length, &p->manifest, err);
	if (status == PNR_OK && p->manifest.length > PNR_MANIFEST_MAX)
		status = pnr_fail(err, PNR_FULL, "the manifest would be larger than %u bytes", PNR_MANIFEST_MAX);
	if (status != PNR_OK || p->output.path == NULL)
		return status;
	status = pnr_ingest_add_text(p->ingest, p->manifest.data, p->manifest.length, PNR_MANIFEST_NAME,
	                             &p->manifest_item, err);
	if (status == PNR_OK)
		status = pnr_ingest_settle(p->ingest, err);
	return status == PNR_OK ? pnr_ingest_rows(p->ingest, err) : status;
}

/* Of the archives that were made of this before: one that is whole, else any. NOT_FOUND without a text. */
static pnr_status find_made_before(const packing *p, int64_t sources_id, pnr_archive_row *out_archive, pnr_error *err)
{
	const pnr_archive_choice choice = {
		.package_id = p->package_id,
		.sources_id = sources_id,
		.options = p->options_text,
		.created_ms = p->epoch_ms,
		/* Who asked for a level gets what our encoder makes, not what came from elsewhere. */
		.encoder = p->any_encoding ? NULL : pnr_encoder_name(),
		.level = p->level,
	};
	return pnr_index_archive_find(p->index, &choice, out_archive, err);
}

/* The same; NOT_FOUND, too, if none can be made again. */
static pnr_status find_whole_archive(const packing *p, int64_t sources_id, pnr_archive_row *out_archive,
                                     pnr_error *err)
{
	pnr_status status = find_made_before(p, sources_id, out_archive, err);
	return status == PNR_OK && out_archive->evicted ? PNR_NOT_FOUND : status;
}

/* One that was evicted: its assets were just taken in, and its manifest can be made. That may be all it lacks. */
static pnr_status restore_archive(packing *p, int64_t sources_id, pnr_error *err)
{
	pnr_status status = find_made_before(p, sources_id, &p->archive, err);
	if (status == PNR_OK)
		status = write_manifest(p, err);
	pnr_buffer_clear(&p->manifest);
	return status == PNR_OK ? find_whole_archive(p, sources_id, &p->archive, err) : status;
}

/* The archive that was made of this before, or a new one made now. */
static pnr_status find_archive(packing *p, int64_t sources_id, pnr_error *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int64_t now;
	/* Whoever asked for no level takes the encodings that are there, of whichever level. */
	(void)pnr_choice_text((pnr_choice){ p->level, p->any_encoding }, p->options_text);
	pnr_status status = pnr_clock_epoch_or_now(&now, err);
	if (status != PNR_OK)
		return status;
	p->epoch_ms = epoch != NULL && epoch[0] != '\0' ? now : -1;
	status = find_whole_archive(p, sources_id, &p->archive, err);
	if (status == PNR_NOT_FOUND)
		status = restore_archive(p, sources_id, err);
	if (status == PNR_NOT_FOUND) {
		p->archive = (pnr_archive_row){
			.package_id = p->package_id,
			.sources_id = sources_id,
			.options = p->options_text,
			.created_ms = now,
		};
		status = PNR_OK;
	}
	return status;
}

static pnr_status make_manifest(packing *p, pnr_error *err)
{
	return p->archive.id != 0 ? pnr_store_manifest(p->store, p->archive.id, &p->manifest, err)
	                          : write_manifest(p, err);
}

static pnr_status store_package(void *user, pnr_error *err)
{
	packing *p = user;
	int64_t sources_id = 0;
	pnr_status status = pnr_ingest_rows(p->ingest, err);
	for (size_t i = 0; i < p->asset_count; i++)
		p->assets[i].blob_id = p->items[p->asset_item[i]].blob.id;
	if (status == PNR_OK)
		status = pnr_record_package(p->index, p->plan.config, &p->package_hash, p->assets, p->asset_count,
		                            &p->package_id, err);
	if (status == PNR_OK && !p->options->portable)
		status = pnr_record_sources(p->index, p->assets, p->asset_count, &sources_id, err);
	if (status == PNR_OK)
		status = find_archive(p, sources_id, err);
	return status == PNR_OK ? make_manifest(p, err) : status;
}

/* ------------------------------------------------------------------- the zip -- */

/* The manifest's encoding first, then one an asset: those of the archive made before, or those found now. */
static pnr_status list_encodings(packing *p, int64_t *ids, pnr_error *err)
{
	if (p->archive.id == 0) {
		ids[0] = p->manifest_item.encoding_id;
		for (size_t i = 0; i < p->asset_count; i++)
			ids[i + 1] = p->items[p->asset_item[i]].encoding_id;
		return PNR_OK;
	}
	return pnr_record_encodings(p->index, p->archive.id, ids, p->asset_count + 1, err);
}

static pnr_status write_zip(packing *p, const int64_t *ids, pnr_error *err)
{
	size_t count = p->asset_count + 1;
	PNR_CLEANUP(pnr_cleanup_free) pnr_archive_item *items = calloc(count, sizeof *items);
	if (items == NULL)
		return pnr_fail_nomem(err);
	pnr_blob_row manifest = p->manifest_item.blob;
	pnr_status status = PNR_OK;
	if (p->archive.id != 0)
		status = pnr_index_blob_find(p->index, &p->archive.manifest_hash, &manifest, err);
	items[0] = (pnr_archive_item){ .path = PNR_MANIFEST_NAME, .blob = manifest, .encoding_id = ids[0] };
	for (size_t i = 0; i < p->asset_count; i++)
		items[i + 1] = (pnr_archive_item){
			.path = p->assets[i].path,
			.blob = p->items[p->asset_item[i]].blob,
			.encoding_id = ids[i + 1],
		};
	pnr_digest hash;
	uint64_t size = 0;
	if (status == PNR_OK)
		status = pnr_meter_begin(&p->meter, PNR_PHASE_WRITE, 0, err);
	if (status == PNR_OK)
		status = pnr_archive_write_temp(p->store, items, count, p->archive.created_ms, &p->meter, p->output.path,
		                                &p->zip, &hash, &size, err);
	if (status == PNR_OK)
		status = pnr_file_fsync(p->zip.fd, p->output.path, err);
	if (status == PNR_OK)
		status = pnr_meter_end(&p->meter, err);
	if (status != PNR_OK)
		return status;
	if (p->archive.id != 0 && !pnr_digest_equal(&hash, &p->archive.archive_hash))
		return pnr_fail(err, PNR_CORRUPT,
		                "the store gives another zip than the one it recorded: its index was changed or is "
		                "damaged; restore the store, or pack into a new one with --store");
	p->archive.archive_hash = hash;
	p->archive.size = size;
	return PNR_OK;
}

/* ------------------------------------------------------------------- the log -- */

static pnr_status put_log(packing *p, pnr_error *err)
{
	const pnr_pack_options *o = p->options;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer options = PNR_BUFFER_INIT;
	pnr_buffer_printf(&options,
	                  "{\"includePolicies\":%s,\"includeAssumptions\":%s,\"portable\":%s,\"level\":%u}",
	                  o->include_policies ? "true" : "false", o->exclude_assumptions ? "false" : "true",
	                  o->portable ? "true" : "false", p->level);
	pnr_status status = pnr_buffer_status(&options, err);
	if (status != PNR_OK)
		return status;
	pnr_log_row row = {
		.event = "pack",
		.package_id = p->package_id,
		.archive_id = p->output.path != NULL ? p->archive.id : 0,
		.name = p->plan.name,
		.note = o->note != NULL ? o->note : "",
		.options = options.data,
	};
	return pnr_record_log(p->index, &row, &p->provenance, err);
}

/* So that the next pack need not ask again. */
static pnr_status remember(const packing *p, pnr_error *err)
{
	const pnr_selection *selection = p->plan.selection;
	if (selection == NULL || !p->unchanged || p->plan.from_stdin)
		return PNR_OK;
	for (size_t i = 1; i < selection->candidate_count; i++)
		if (!p->items[i].settled)
			return PNR_OK;
	return pnr_recall_put(p->store, &p->request, &p->output, p->archive.id, selection->candidate_count - 1,
	                      &p->trace, p->plan.issues, err);
}

typedef struct record {
	packing *p;
	const int64_t *ids;
} record;

/* The same content packed by another process at the same time: the first one recorded is the archive. */
static pnr_status put_archive(packing *p, const int64_t *ids, pnr_error *err)
{
	pnr_archive_row first;
	pnr_status status = find_whole_archive(p, p->archive.sources_id, &first, err);
	if (status == PNR_NOT_FOUND) {
		p->archive.manifest_hash = p->manifest_item.blob.hash;
		p->archive.manifest_blob_id = p->manifest_item.blob.id;
		return pnr_index_archive_put(p->index, &p->archive, ids, p->asset_count + 1, err);
	}
	if (status == PNR_OK) {
		p->archive = first;
		p->overtaken = true;
	}
	return status;
}

static pnr_status put_record(void *user, pnr_error *err)
{
	const record *r = user;
	packing *p = r->p;
	pnr_status status = PNR_OK;
	if (p->output.path != NULL && p->archive.id == 0)
		status = put_archive(p, r->ids, err);
	if (p->overtaken)
		return status;
	if (status == PNR_OK)
		status = put_log(p, err);
	if (status == PNR_OK && p->options->tag != NULL)
		status = pnr_index_tag_put(p->index, p->options->tag, p->package_id,
		                           p->output.path != NULL ? p->archive.id : 0, pnr_clock_now_ms(), false, err);
	if (status == PNR_OK && p->unchanged)
		status = pnr_output_remember(&p->output, p->store, p->archive.id, err);
	if (status == PNR_OK && p->scanned != 0)
		status = pnr_index_scan_put(p->index, p->scanned, p->references.data, err);
	return status == PNR_OK ? remember(p, err) : status;
}

static pnr_status make_zip(packing *p, int64_t *ids, pnr_error *err)
{
	if (p->output.path == NULL || p->unchanged)
		return PNR_OK;
	pnr_status status = list_encodings(p, ids, err);
	if (status == PNR_OK)
		status = pnr_output_is(&p->output, p->store, &p->archive, &p->meter, &p->unchanged, err);
	if (status == PNR_OK && !p->unchanged)
		status = write_zip(p, ids, err);
	return status;
}

static pnr_status finish(packing *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) int64_t *ids = calloc(p->asset_count + 1, sizeof *ids);
	record r = { p, ids };
	if (ids == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = make_zip(p, ids, err);
	if (status == PNR_OK) {
		pnr_provenance_finish(&p->provenance);
		status = pnr_store_transaction(p->store, put_record, &r, err);
	}
	if (status == PNR_OK && p->overtaken) {
		/* Nothing was logged. Once more, with the archive that is there: it cannot happen again. */
		p->overtaken = false;
		pnr_temp_discard(&p->zip);
		pnr_buffer_free(&p->manifest);
		status = make_manifest(p, err);
		if (status == PNR_OK)
			status = make_zip(p, ids, err);
		if (status == PNR_OK)
			status = pnr_store_transaction(p->store, put_record, &r, err);
	}
	if (status == PNR_OK && p->zip.fd >= 0)
		status = pnr_temp_publish(&p->zip, err);
	return status;
}

/* ---------------------------------------------------------------- the result -- */

static void block_free(result_block *block)
{
	if (block == NULL)
		return;
	free(block->public.missing);
	pnr_validation_free(block->validation);
	pnr_plan_free(&block->plan);
	pnr_buffer_free(&block->manifest);
	free(block->package_path);
	free(block->error);
	free(block);
}

static void block_cleanup(result_block **block)
{
	block_free(*block);
}

void pnr_pack_result_free(pnr_pack_result *result)
{
	block_free((result_block *)(void *)result);
}

/* What both outcomes have: errors, warnings, what is missing. */
static pnr_status new_result(packing *p, result_block **out_block, pnr_error *err)
{
	PNR_CLEANUP(block_cleanup) result_block *block = calloc(1, sizeof *block);
	if (block == NULL)
		return pnr_fail_nomem(err);
	pnr_pack_result *result = &block->public;
	result->size = sizeof *result;
	pnr_status status = pnr_issues_take(PNR_STEAL(p->plan.issues), &block->validation, err);
	if (status != PNR_OK)
		return status;
	result->errors = block->validation->errors;
	result->error_count = block->validation->error_count;
	result->warnings = block->validation->warnings;
	result->warning_count = block->validation->warning_count;
	status = pnr_plan_missing(&p->plan, &result->missing, &result->missing_count, err);
	if (status == PNR_OK)
		*out_block = PNR_STEAL(block);
	return status;
}

static pnr_status report_failure(packing *p, pnr_pack_result **out_result, pnr_error *err)
{
	PNR_CLEANUP(block_cleanup) result_block *block = NULL;
	pnr_status status = new_result(p, &block, err);
	if (status != PNR_OK)
		return status;
	block->error = pnr_plan_error(block->validation, block->public.missing_count);
	if (block->error == NULL)
		return pnr_fail_nomem(err);
	block->public.error = block->error;
	block->plan = p->plan;
	p->plan = (pnr_plan)PNR_PLAN_INIT;
	status = pnr_fail(err, PNR_INVALID, "%s", block->error);
	*out_result = &PNR_STEAL(block)->public;
	return status;
}

static pnr_status report_success(packing *p, double seconds, pnr_pack_result **out_result, pnr_error *err)
{
	if (p->archive.size > JOB_API_MAX && p->output.path != NULL)
		pnr_issues_warning(p->plan.issues, NULL, NULL, "",
		                   "Package is %llu bytes, more than the %llu that the job API takes",
		                   (unsigned long long)p->archive.size, (unsigned long long)JOB_API_MAX);
	PNR_CLEANUP(block_cleanup) result_block *block = NULL;
	pnr_status status = new_result(p, &block, err);
	if (status != PNR_OK)
		return status;
	pnr_pack_result *result = &block->public;
	block->manifest = p->manifest;
	p->manifest = (pnr_buffer)PNR_BUFFER_INIT;
	block->package_path = p->output.path != NULL ? PNR_STEAL(p->output.path) : NULL;
	result->success = true;
	result->package_path = block->package_path != NULL ? block->package_path : "";
	result->manifest = block->manifest.data;
	result->manifest_length = block->manifest.length;
	result->package_size = block->package_path != NULL ? p->archive.size : 0;
	result->asset_count = p->asset_count;
	result->package_hash = p->package_hash;
	if (block->package_path != NULL)
		result->archive_hash = p->archive.archive_hash;
	result->unchanged = p->unchanged;
	result->assets_hashed = p->counts.hashed;
	result->assets_reused = p->counts.reused;
	result->bytes_read = p->counts.bytes_read;
	result->bytes_compressed = p->counts.bytes_compressed;
	result->seconds = seconds;
	*out_result = &PNR_STEAL(block)->public;
	return PNR_OK;
}

/* ------------------------------------------------------------------ together -- */

static const pnr_blob_row *model_blob(const packing *p)
{
	for (size_t i = 0; i < p->asset_count; i++)
		if (strcmp(p->assets[i].type, "model") == 0)
			return &p->items[p->asset_item[i]].blob;
	return NULL;
}

/* The packaged bytes of the model file, once they are in the store: what do they refer to? */
static pnr_status scan_model(packing *p, pnr_error *err)
{
	const pnr_blob_row *blob = model_blob(p);
	if (blob == NULL || blob->size > MODEL_SCAN_MAX)
		return PNR_OK;
	pnr_status status = pnr_index_scan_find(p->index, blob->id, &p->references, err);
	if (status == PNR_NOT_FOUND) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
		pnr_buffer_end end = { &text, MODEL_SCAN_MAX };
		pnr_sink sink = pnr_buffer_end_sink(&end);
		status = pnr_store_read_blob(p->store, blob, &sink, err);
		if (status != PNR_OK)
			return status;
		pnr_model_scan(text.data, text.length, &p->references);
		status = pnr_buffer_status(&p->references, err);
		p->scanned = blob->id;
	}
	if (status == PNR_OK)
		pnr_model_warn(p->plan.config, p->references.data, p->plan.issues);
	return status;
}

static pnr_status recall(packing *p, pnr_error *err)
{
	pnr_recalled last;
	/* What reads all files again is to be believed from now on, not what was known before. */
	if (p->options->rehash)
		return pnr_recall_forget(p->store, err);
	/* Where the zip cannot go is told when it is known that there is one to make. */
	if (p->plan.from_stdin || pnr_output_find(p->store, &p->plan, p->options, &p->output, NULL) != PNR_OK ||
	    p->output.path == NULL)
		return PNR_OK;
	pnr_status status = pnr_recall(p->store, &p->request, &p->output, p->plan.issues, &last, err);
	if (status != PNR_OK)
		return status == PNR_NOT_FOUND ? PNR_OK : status;
	pnr_provenance_start(&p->provenance, p->plan.workspace);
	p->unchanged = true;
	p->archive = last.archive;
	p->package_id = last.archive.package_id;
	p->package_hash = last.package_hash;
	p->asset_count = last.asset_count;
	p->counts.reused = last.files;
	status = pnr_meter_begin(&p->meter, PNR_PHASE_HASH, last.total_size, err);
	if (status == PNR_OK)
		status = pnr_meter_add(&p->meter, PNR_CONFIG_NAME, last.total_size, err);
	if (status == PNR_OK)
		status = pnr_meter_end(&p->meter, err);
	return status == PNR_OK ? pnr_store_manifest(p->store, p->archive.id, &p->manifest, err) : status;
}

/* Up to the manifest. With @out_result set what is wrong with the model is told there, and the status is not PNR_OK. */
static pnr_status make_package(packing *p, pnr_pack_result **out_result, pnr_error *err)
{
	pnr_status status = pnr_plan_select(&p->plan, p->options, &p->trace, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_plan_ready(&p->plan))
		return report_failure(p, out_result, err);
	pnr_provenance_start(&p->provenance, p->plan.workspace);
	if (p->output.path == NULL)
		status = pnr_output_find(p->store, &p->plan, p->options, &p->output, err);
	if (status == PNR_OK)
		status = pnr_output_refuse_inputs(&p->output, &p->plan, err);
	if (status == PNR_OK)
		status = take_in(p, err);
	if (status == PNR_OK)
		status = list_assets(p, err);
	if (status == PNR_OK && !pnr_issues_valid(p->plan.issues))
		return report_failure(p, out_result, err);
	if (status == PNR_OK)
		status = check_sources(p, err);
	if (status == PNR_OK)
		status = hash_package(p, err);
	if (status == PNR_OK)
		status = pnr_store_transaction(p->store, store_package, p, err);
	if (status == PNR_OK)
		status = scan_model(p, err);
	if (status == PNR_OK)
		p->counts = pnr_ingest_count(p->ingest);
	return status;
}

static pnr_status run(packing *p, const char *config_path, pnr_pack_result **out_result, pnr_error *err)
{
	double start = pnr_clock_monotonic();
	if (pnr_store_read_only(p->store))
		return pnr_fail(err, PNR_DENIED, "the store was opened read-only");
	pnr_status status = p->options->tag != NULL ? pnr_tag_check(p->options->tag, err) : PNR_OK;
	if (status == PNR_OK)
		status = pnr_plan_read(config_path, p->options, &p->plan, err);
	if (status == PNR_OK)
		status = pnr_request_make(&p->plan, p->options, &p->request, err);
	if (status == PNR_OK)
		status = recall(p, err);
	if (status == PNR_OK && !p->unchanged)
		status = make_package(p, out_result, err);
	if (status == PNR_OK)
		status = finish(p, err);
	return status == PNR_OK ? report_success(p, pnr_clock_monotonic() - start, out_result, err) : status;
}

pnr_status pnr_pack(pnr_store *store, const char *config_path, const pnr_pack_options *options,
                    pnr_pack_result **out_result, pnr_error *err)
{
	pnr_pack_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_pack_options", err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(packing_free) packing p = {
		.store = store,
		.index = pnr_store_index(store),
		.options = &own,
		.level = own.level != 0 && !own.portable ? own.level : PNR_LEVEL_DEFAULT,
		.any_encoding = own.level == 0 && !own.portable,
		.meter = { .fn = own.progress, .user = own.progress_user },
		.plan = PNR_PLAN_INIT,
		.trace = PNR_TRACE_INIT,
		.references = PNR_BUFFER_INIT,
		.manifest = PNR_BUFFER_INIT,
		.zip = PNR_TEMP_INIT,
		.provenance = { .git = -1, .git_output = -1 },
	};
	return run(&p, config_path, out_result, err);
}
