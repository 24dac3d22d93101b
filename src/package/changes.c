/* What packing now would change against the newest package of the same model. */
#include "base/array.h"
#include "base/file.h"
#include "base/options.h"
#include "codec/hash.h"
#include "package/plan.h"
#include <stdlib.h>
#include <string.h>

typedef struct known {
	char *path;
	pnr_digest hash;
	bool seen;
} known;

typedef struct changes_block {
	pnr_changes public; /* first: it is what the caller frees */
	pnr_validation *validation;
	pnr_plan plan; /* what paths and missing assets point into */
	known *base; /* the newest package's assets, sorted by path */
	size_t base_count, base_capacity;
	size_t capacity;
} changes_block;

static void block_free(changes_block *block)
{
	if (block == NULL)
		return;
	for (size_t i = 0; i < block->base_count; i++)
		free(block->base[i].path);
	free(block->base);
	free(block->public.items);
	free(block->public.missing);
	pnr_validation_free(block->validation);
	pnr_plan_free(&block->plan);
	free(block);
}

static void block_cleanup(changes_block **block)
{
	block_free(*block);
}

void pnr_changes_free(pnr_changes *changes)
{
	block_free((changes_block *)(void *)changes);
}

/* ----------------------------------------------------------------- the base -- */

static pnr_status add_known(void *user, const pnr_asset_row *row, pnr_error *err)
{
	changes_block *block = user;
	known *base = pnr_array_grow(block->base, sizeof *base, block->base_count, &block->base_capacity);
	if (base == NULL)
		return pnr_fail_nomem(err);
	block->base = base;
	char *path = strdup(row->path);
	if (path == NULL)
		return pnr_fail_nomem(err);
	block->base[block->base_count++] = (known){ .path = path, .hash = row->hash };
	return PNR_OK;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const known *)a)->path, ((const known *)b)->path);
}

static pnr_status load_base(changes_block *block, pnr_store *store, const char *name, pnr_error *err)
{
	pnr_ref_row row;
	pnr_status status = pnr_index_ref_latest(pnr_store_index(store), name, 0, &row, err);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status == PNR_OK)
		status = pnr_index_package_assets(pnr_store_index(store), row.package_id, 0, add_known, block, err);
	if (status != PNR_OK)
		return status;
	if (block->base_count > 0)
		pnr_array_sort(block->base, block->base_count, sizeof *block->base, by_path);
	block->public.has_base = true;
	block->public.base = row.package_hash;
	return PNR_OK;
}

/* -------------------------------------------------------------- comparing -- */

static pnr_status add_change(changes_block *block, pnr_change_kind kind, const char *path, pnr_error *err)
{
	pnr_changes *changes = &block->public;
	pnr_change *items = pnr_array_grow(changes->items, sizeof *items, changes->count, &block->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	changes->items = items;
	changes->items[changes->count++] = (pnr_change){ kind, path };
	return PNR_OK;
}

static pnr_status compare(changes_block *block, const char *path, const pnr_digest *hash, pnr_error *err)
{
	const known key = { .path = (char *)(uintptr_t)path };
	known *match = block->base_count == 0
	                       ? NULL
	                       : bsearch(&key, block->base, block->base_count, sizeof key, by_path);
	if (match == NULL)
		return add_change(block, PNR_CHANGE_ADDED, path, err);
	match->seen = true;
	if (!pnr_digest_equal(&match->hash, hash))
		return add_change(block, PNR_CHANGE_CHANGED, path, err);
	block->public.unchanged++;
	return PNR_OK;
}

/* From the stat cache, else by reading. */
static pnr_status hash_candidate(pnr_store *store, const pnr_plan *plan, size_t index, bool rehash,
                                 pnr_meter *meter, pnr_digest *out_hash, pnr_error *err)
{
	pnr_ingest_file file = pnr_plan_file(plan, index);
	pnr_file_state state = pnr_file_state_of(&file.st);
	pnr_blob_row blob;
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = rehash ? PNR_NOT_FOUND
	                           : pnr_index_source_find(pnr_store_index(store), &state, &blob, err);
	if (status == PNR_OK) {
		*out_hash = blob.hash;
		return pnr_meter_add(meter, file.name, state.size, err);
	}
	if (status != PNR_NOT_FOUND)
		return status;
	status = file.open(file.context, &fd, err);
	return status == PNR_OK ? pnr_hash_file(fd, file.name, meter, out_hash, NULL, NULL, err) : status;
}

static pnr_status compare_all(changes_block *block, pnr_store *store, const pnr_plan *plan,
                              const pnr_pack_options *options, pnr_error *err)
{
	pnr_meter meter = { .fn = options->progress, .user = options->progress_user };
	pnr_digest hash;
	pnr_status status = pnr_meter_begin(&meter, PNR_PHASE_HASH, pnr_plan_size(plan), err);
	if (status == PNR_OK)
		status = pnr_hash_memory(plan->text.data, plan->text.length, &hash, NULL, err);
	if (status == PNR_OK)
		status = compare(block, PNR_CONFIG_NAME, &hash, err);
	for (size_t i = 1; i < plan->selection->candidate_count && status == PNR_OK; i++) {
		const pnr_candidate *candidate = &plan->selection->candidates[i];
		if (strcmp(candidate->path, candidate[-1].path) == 0)
			continue; /* another source of the same path */
		status = hash_candidate(store, plan, i, options->rehash, &meter, &hash, err);
		if (status == PNR_OK)
			status = compare(block, candidate->path, &hash, err);
	}
	for (size_t i = 0; i < block->base_count && status == PNR_OK; i++)
		if (!block->base[i].seen)
			status = add_change(block, PNR_CHANGE_REMOVED, block->base[i].path, err);
	return status == PNR_OK ? pnr_meter_end(&meter, err) : status;
}

static int by_kind_and_path(const void *a, const void *b)
{
	const pnr_change *first = a, *second = b;
	if (first->kind != second->kind)
		return first->kind < second->kind ? -1 : 1;
	return strcmp(first->path, second->path);
}

static pnr_status fill(changes_block *block, pnr_store *store, const pnr_pack_options *options, pnr_plan *plan,
                       pnr_error *err)
{
	pnr_changes *changes = &block->public;
	pnr_status status = PNR_OK;
	bool ready = pnr_plan_ready(plan);
	if (ready)
		status = load_base(block, store, plan->name, err);
	if (ready && status == PNR_OK)
		status = compare_all(block, store, plan, options, err);
	if (status == PNR_OK)
		status = pnr_issues_take(PNR_STEAL(plan->issues), &block->validation, err);
	if (status == PNR_OK)
		status = pnr_plan_missing(plan, &changes->missing, &changes->missing_count, err);
	if (status != PNR_OK)
		return status;
	changes->errors = block->validation->errors;
	changes->error_count = block->validation->error_count;
	block->plan = *plan;
	*plan = (pnr_plan)PNR_PLAN_INIT;
	if (changes->count > 0)
		pnr_array_sort(changes->items, changes->count, sizeof *changes->items, by_kind_and_path);
	if (ready)
		return PNR_OK;
	PNR_CLEANUP(pnr_cleanup_free) char *error = pnr_plan_error(block->validation, changes->missing_count);
	return error == NULL ? pnr_fail_nomem(err) : pnr_fail(err, PNR_INVALID, "%s", error);
}

pnr_status pnr_pack_changes(pnr_store *store, const char *config_path, const pnr_pack_options *options,
                            pnr_changes **out_changes, pnr_error *err)
{
	pnr_pack_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_pack_options", err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_plan_free) pnr_plan plan = PNR_PLAN_INIT;
	PNR_CLEANUP(block_cleanup) changes_block *block = calloc(1, sizeof *block);
	if (block == NULL)
		return pnr_fail_nomem(err);
	block->public.size = sizeof block->public;
	status = pnr_plan_read(config_path, &own, &plan, err);
	if (status == PNR_OK)
		status = pnr_plan_select(&plan, &own, NULL, err);
	if (status != PNR_OK)
		return status;
	status = fill(block, store, &own, &plan, err);
	if (status == PNR_OK || (status == PNR_INVALID && block->validation != NULL))
		*out_changes = &PNR_STEAL(block)->public;
	return status;
}
