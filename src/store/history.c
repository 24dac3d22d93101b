/* The public questions about the past: versions, uses, packages compared, tags, the numbers. */
#include "index/history.h"
#include "base/array.h"
#include "base/clock.h"
#include "store/internal.h"
#include <fnmatch.h>
#include <pannier/history.h>
#include <stdlib.h>
#include <string.h>

pnr_status pnr_store_package_log(pnr_store *store, const pnr_digest *package_hash, pnr_log_fn fn, void *user,
                                 pnr_error *err)
{
	pnr_log_report report = { fn, user };
	return pnr_index_log_of(store->index, package_hash, pnr_store_report_entry, &report, err);
}

/* ------------------------------------------------------- versions, uses -- */

typedef struct version_report {
	pnr_asset_version_fn fn;
	void *user;
	bool any;
} version_report;

static int report_version(void *user, const pnr_version_row *row)
{
	version_report *report = user;
	char first[PNR_TIME_TEXT_SIZE], last[PNR_TIME_TEXT_SIZE];
	const pnr_asset_version version = {
		.size = sizeof version,
		.hash = row->hash,
		.bytes = row->size,
		.first_at = pnr_clock_format(row->first_ms, first),
		.last_at = pnr_clock_format(row->last_ms, last),
		.first_package = row->first_package,
		.last_package = row->last_package,
		.packages = row->packages,
	};
	report->any = true;
	return report->fn(report->user, &version);
}

pnr_status pnr_store_history(pnr_store *store, const char *path, pnr_asset_version_fn fn, void *user, pnr_error *err)
{
	version_report report = { fn, user, false };
	pnr_status status = pnr_index_versions(store->index, path, report_version, &report, err);
	if (status == PNR_OK && !report.any)
		status = pnr_fail(err, PNR_NOT_FOUND,
		                  "no package in this store ever had an asset '%s'; 'pannier show latest' lists what "
		                  "the newest has",
		                  path);
	return status;
}

typedef struct use_report {
	pnr_use_fn fn;
	void *user;
} use_report;

static int report_use(void *user, const pnr_use_row *row)
{
	const use_report *report = user;
	char first[PNR_TIME_TEXT_SIZE] = "", last[PNR_TIME_TEXT_SIZE] = "";
	if (row->logged) {
		pnr_clock_format(row->first_ms, first);
		pnr_clock_format(row->last_ms, last);
	}
	const pnr_use use = {
		.size = sizeof use,
		.package_hash = row->package_hash,
		.path = row->path,
		.type = row->type,
		.uses = row->uses,
		.name = row->name,
		.first_at = first,
		.last_at = last,
	};
	return report->fn(report->user, &use);
}

pnr_status pnr_store_uses(pnr_store *store, const char *what, pnr_use_fn fn, void *user, pnr_digest *out_hash,
                          uint64_t *out_bytes, pnr_error *err)
{
	pnr_blob_row blob;
	use_report report = { fn, user };
	pnr_status status = pnr_store_asset(store, what, &blob, err);
	if (status == PNR_OK)
		status = pnr_index_uses(store->index, blob.id, report_use, &report, err);
	if (status != PNR_OK)
		return status;
	if (out_hash != NULL)
		*out_hash = blob.hash;
	if (out_bytes != NULL)
		*out_bytes = blob.size;
	return PNR_OK;
}

typedef struct pushed_report {
	pnr_pushed_fn fn;
	void *user;
} pushed_report;

static int report_pushed(void *user, const pnr_pushed_row *row)
{
	const pushed_report *report = user;
	char at[PNR_TIME_TEXT_SIZE];
	const pnr_pushed pushed = {
		.size = sizeof pushed,
		.remote = row->remote,
		.url = row->url,
		.at = pnr_clock_format(row->at_ms, at),
		.archive_hash = row->archive_hash,
	};
	return report->fn(report->user, &pushed);
}

pnr_status pnr_store_pushed(pnr_store *store, const pnr_digest *package_hash, pnr_pushed_fn fn, void *user,
                            pnr_error *err)
{
	pushed_report report = { fn, user };
	return pnr_index_pushed(store->index, package_hash, report_pushed, &report, err);
}

/* --------------------------------------------------------- two packages -- */

typedef struct comparing {
	pnr_comparison *found;
	const char *only;
	size_t capacity;
} comparing;

void pnr_comparison_free(pnr_comparison *comparison)
{
	if (comparison == NULL)
		return;
	for (size_t i = 0; i < comparison->count; i++) {
		free((char *)(uintptr_t)comparison->items[i].path);
		free((char *)(uintptr_t)comparison->items[i].type);
	}
	free(comparison->items);
	free(comparison);
}

static void free_comparison(pnr_comparison **comparison)
{
	pnr_comparison_free(*comparison);
}

static pnr_status take_pair(void *user, const pnr_pair_row *row, pnr_error *err)
{
	comparing *c = user;
	pnr_comparison *found = c->found;
	if (c->only != NULL && fnmatch(c->only, row->path, 0) != 0)
		return PNR_OK;
	if (row->in_old && row->in_new && pnr_digest_equal(&row->old_hash, &row->new_hash)) {
		found->unchanged++;
		return PNR_OK;
	}
	pnr_asset_change *items = pnr_array_grow(found->items, sizeof *items, found->count, &c->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	found->items = items;
	items[found->count] = (pnr_asset_change){
		.kind = !row->in_old   ? PNR_CHANGE_ADDED
		        : !row->in_new ? PNR_CHANGE_REMOVED
		                       : PNR_CHANGE_CHANGED,
		.path = strdup(row->path),
		.type = strdup(row->in_new ? row->new_type : row->old_type),
		.old_hash = row->old_hash,
		.new_hash = row->new_hash,
		.old_bytes = row->old_size,
		.new_bytes = row->new_size,
	};
	const pnr_asset_change *item = &items[found->count++];
	return item->path == NULL || item->type == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static int by_kind(const void *a, const void *b)
{
	const pnr_asset_change *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->path, y->path);
}

pnr_status pnr_store_compare(pnr_store *store, const char *old_ref, const char *new_ref, const char *only,
                             pnr_comparison **out_comparison, pnr_error *err)
{
	PNR_CLEANUP(free_comparison) pnr_comparison *found = calloc(1, sizeof *found);
	pnr_ref_row old, new;
	if (found == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_store_ref(store, old_ref, &old, err);
	if (status == PNR_OK)
		status = pnr_store_ref(store, new_ref, &new, err);
	if (status != PNR_OK)
		return status;
	comparing c = { found, only, 0 };
	found->size = sizeof *found;
	found->old_package = old.package_hash;
	found->new_package = new.package_hash;
	status = pnr_index_pairs(store->index, old.package_id, new.package_id, take_pair, &c, err);
	if (status != PNR_OK)
		return status;
	pnr_array_sort(found->items, found->count, sizeof *found->items, by_kind);
	*out_comparison = PNR_STEAL(found);
	return PNR_OK;
}

/* ----------------------------------------------------------------- tags -- */

typedef struct tag_report {
	pnr_tag_fn fn;
	void *user;
} tag_report;

static int report_tag(void *user, const pnr_tag_row *row)
{
	const tag_report *report = user;
	char at[PNR_TIME_TEXT_SIZE];
	const pnr_tag_info tag = {
		.size = sizeof tag,
		.name = row->name,
		.package_hash = row->package_hash,
		.has_archive = row->has_archive,
		.archive_hash = row->archive_hash,
		.at = pnr_clock_format(row->at_ms, at),
	};
	return report->fn(report->user, &tag);
}

pnr_status pnr_store_tags(pnr_store *store, pnr_tag_fn fn, void *user, pnr_error *err)
{
	tag_report report = { fn, user };
	return pnr_index_tags(store->index, report_tag, &report, err);
}

typedef struct untag_work {
	pnr_index *index;
	const char *tag;
} untag_work;

static pnr_status remove_tag(void *user, pnr_error *err)
{
	const untag_work *work = user;
	pnr_status status = pnr_index_tag_remove(work->index, work->tag, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "no tag '%s' in this store; 'pannier tag --list' lists what there is", work->tag);
	return status;
}

pnr_status pnr_store_untag(pnr_store *store, const char *tag, pnr_error *err)
{
	untag_work work = { store->index, tag };
	return pnr_store_transaction(store, remove_tag, &work, err);
}

/* ---------------------------------------------------------- the numbers -- */

pnr_status pnr_store_statistics(pnr_store *store, pnr_statistics *out_statistics, pnr_error *err)
{
	pnr_totals totals;
	pnr_status status = pnr_index_totals(store->index, &totals, err);
	if (status != PNR_OK)
		return status;
	*out_statistics = (pnr_statistics){
		.size = sizeof *out_statistics,
		.packages = totals.packages,
		.archives = totals.archives,
		.entries = totals.entries,
		.assets = totals.assets,
		.blobs = totals.blobs,
		.tags = totals.tags,
		.bytes_packages = totals.bytes_packages,
		.bytes_archives = totals.bytes_archives,
		.bytes_raw = totals.bytes_raw,
		.bytes_stored = totals.bytes_stored,
		.bytes_database = totals.bytes_database,
	};
	if (totals.logged) {
		pnr_clock_format(totals.first_ms, out_statistics->first_at);
		pnr_clock_format(totals.last_ms, out_statistics->last_at);
	}
	return PNR_OK;
}
