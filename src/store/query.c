/* The public questions: the log, a package, its assets. */
#include "base/clock.h"
#include "index/history.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

static const char *text(const char *value)
{
	return value == NULL ? "" : value;
}

int pnr_store_report_entry(void *user, const pnr_log_row *row)
{
	const pnr_log_report *report = user;
	char at[PNR_TIME_TEXT_SIZE], created[PNR_TIME_TEXT_SIZE] = "";
	if (row->archive_id != 0)
		pnr_clock_format(row->created_ms, created);
	const pnr_log_entry entry = {
		.size = sizeof entry,
		.id = row->id,
		.at = pnr_clock_format(row->at_ms, at),
		.event = text(row->event),
		.name = text(row->name),
		.package_hash = row->package_hash,
		.has_archive = row->archive_id != 0,
		.archive_hash = row->archive_hash,
		.created_at = created,
		.archive_size = row->archive_size,
		.asset_count = row->asset_count,
		.user = text(row->user),
		.host = text(row->host),
		.git_commit = text(row->git_commit),
		.git_dirty = row->git_dirty,
		.ci_run = text(row->ci_run),
		.tool_version = text(row->tool_version),
		.note = text(row->note),
		.options = text(row->options),
		.previous_hash = row->previous_hash,
		.entry_hash = row->entry_hash,
	};
	return report->fn(report->user, &entry);
}

pnr_status pnr_store_log(pnr_store *store, const char *name, uint64_t limit, pnr_log_fn fn, void *user,
                         pnr_error *err)
{
	pnr_log_report report = { fn, user };
	return pnr_index_log_list(store->index, name, limit, pnr_store_report_entry, &report, err);
}

pnr_status pnr_store_clock_behind(pnr_store *store, uint64_t *out_ms, pnr_error *err)
{
	int64_t newest_ms = 0, now_ms = pnr_clock_now_ms();
	pnr_status status = pnr_index_log_last_time(store->index, &newest_ms, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_ms = newest_ms > now_ms + PNR_CLOCK_SLACK_MS ? (uint64_t)(newest_ms - now_ms) : 0;
	return PNR_OK;
}

/* The struct and its two texts in one allocation. */
typedef struct info_block {
	pnr_package_info info;
	char created_at[PNR_TIME_TEXT_SIZE], first_at[PNR_TIME_TEXT_SIZE];
} info_block;

pnr_status pnr_store_resolve(pnr_store *store, const char *ref, pnr_package_info **out_info, pnr_error *err)
{
	pnr_ref_row row;
	pnr_archive_row archive = { .id = 0 };
	pnr_status status = pnr_store_ref(store, ref, &row, err);
	bool has_archive = status == PNR_OK && (row.archive_id != 0 || row.imported_id != 0);
	if (has_archive && row.archive_id != 0)
		status = pnr_index_archive_get(store->index, row.archive_id, &archive, err);
	else if (has_archive)
		status = pnr_index_imported_get(store->index, row.imported_id, &archive, err);
	if (status != PNR_OK)
		return status;
	info_block *block = calloc(1, sizeof *block);
	if (block == NULL)
		return pnr_fail_nomem(err);
	if (has_archive)
		pnr_clock_format(archive.created_ms, block->created_at);
	block->info = (pnr_package_info){
		.size = sizeof block->info,
		.package_hash = row.package_hash,
		.has_archive = has_archive,
		.archive_hash = archive.archive_hash,
		.manifest_hash = archive.manifest_hash,
		.archive_size = archive.size,
		.created_at = block->created_at,
		.first_at = pnr_clock_format(row.first_ms, block->first_at),
		.asset_count = row.asset_count,
		.total_size = row.total_size,
		.imported = row.imported_id != 0,
	};
	*out_info = &block->info;
	return PNR_OK;
}

void pnr_package_info_free(pnr_package_info *info)
{
	free(info); /* the first member of its block */
}

typedef struct asset_report {
	pnr_asset_fn fn;
	void *user;
	bool stopped;
} asset_report;

static pnr_status report_asset(void *user, const pnr_asset_row *row, pnr_error *err)
{
	asset_report *report = user;
	const pnr_asset_info asset = {
		.size = sizeof asset,
		.path = row->path,
		.type = row->type,
		.hash = row->hash,
		.bytes = row->size,
		.stored_bytes = row->stored_size,
		.evicted = row->evicted,
	};
	if (report->fn(report->user, &asset) == 0)
		return PNR_OK;
	report->stopped = true;
	return pnr_fail(err, PNR_CANCELLED, "stopped");
}

pnr_status pnr_store_assets(pnr_store *store, const char *ref, pnr_asset_fn fn, void *user, pnr_error *err)
{
	pnr_ref_row row;
	asset_report report = { fn, user, false };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_store_ref(store, ref, &row, err);
	if (status != PNR_OK)
		return status;
	status = pnr_index_package_assets(store->index, row.package_id, 0, report_asset, &report, &own);
	if (status == PNR_OK || report.stopped)
		return PNR_OK;
	return pnr_fail_with(err, &own);
}
