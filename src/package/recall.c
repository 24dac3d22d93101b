#include "package/recall.h"
#include "base/path.h"
#include "codec/hash.h"
#include <pannier/pannier.h>
#include <stdlib.h>
#include <string.h>

/* With its end: no two lists of texts make the same bytes. */
static void put_text(pnr_buffer *out, const char *text)
{
	pnr_buffer_append(out, text, strlen(text) + 1);
}

static pnr_status put_folders(pnr_buffer *out, const char *const *dirs, size_t count, pnr_error *err)
{
	pnr_buffer_printf(out, "%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		PNR_CLEANUP(pnr_cleanup_free) char *absolute = NULL;
		pnr_status status = pnr_path_absolute(dirs[i], &absolute, err);
		if (status != PNR_OK)
			return status;
		put_text(out, absolute);
	}
	return PNR_OK;
}

pnr_status pnr_request_make(const pnr_plan *plan, const pnr_pack_options *options, pnr_request *out_request,
                            pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	pnr_request request = { .tool_version = pnr_version() };
	put_text(&text, plan->config_path);
	put_text(&text, plan->workspace);
	put_text(&text, epoch != NULL ? epoch : "");
	pnr_buffer_printf(&text, "%d %d %d %u\n", options->include_policies, options->exclude_assumptions,
	                  options->portable, options->level);
	pnr_status status = put_folders(&text, options->engine_dirs, options->engine_dir_count, err);
	if (status == PNR_OK)
		status = put_folders(&text, options->allow_outside, options->allow_outside_count, err);
	if (status == PNR_OK)
		status = pnr_buffer_status(&text, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(text.data, text.length, &request.asked, NULL, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(plan->text.data, plan->text.length, &request.config, NULL, err);
	if (status == PNR_OK)
		*out_request = request;
	return status;
}

static pnr_status find(pnr_store *store, const pnr_request *request, pnr_output *output, pnr_buffer *arena,
                       pnr_last_pack_row *row, pnr_archive_row *archive, pnr_error *err)
{
	bool there = false;
	pnr_status status = pnr_index_last_pack_find(pnr_store_index(store), output->path, request, arena, row, err);
	if (status == PNR_OK)
		status = pnr_index_archive_get(pnr_store_index(store), row->archive_id, archive, err);
	if (status != PNR_OK)
		return status;
	/* What is wrong with the zip is told by who is to replace it. */
	if (pnr_output_is(output, store, archive, NULL, &there, NULL) != PNR_OK || !there)
		return PNR_NOT_FOUND;
	return pnr_trace_same(row->looked_at) ? PNR_OK : PNR_NOT_FOUND;
}

pnr_status pnr_recall(pnr_store *store, const pnr_request *request, pnr_output *output, pnr_issues *issues,
                      pnr_recalled *out_recalled, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_last_pack_row row;
	pnr_archive_row archive;
	pnr_status status = find(store, request, output, &arena, &row, &archive, err);
	if (status == PNR_OK)
		status = pnr_issues_load(issues, row.warnings, err);
	if (status != PNR_OK)
		return status;
	*out_recalled = (pnr_recalled){
		.archive = archive,
		.package_hash = row.package_hash,
		.asset_count = row.asset_count,
		.total_size = row.total_size,
		.files = row.files,
	};
	return PNR_OK;
}

pnr_status pnr_recall_put(pnr_store *store, const pnr_request *request, const pnr_output *output, int64_t archive_id,
                          uint64_t files, const pnr_trace *trace, const pnr_issues *issues, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer warnings = PNR_BUFFER_INIT;
	if (trace->lost || !(output->known || output->settled) || !pnr_issues_save(issues, &warnings))
		return PNR_OK;
	pnr_buffer_append(&warnings, "", 0);
	pnr_status status = pnr_buffer_status(&warnings, err);
	if (status == PNR_OK)
		status = pnr_buffer_status(&trace->text, err);
	if (status != PNR_OK)
		return status;
	const pnr_last_pack_row row = {
		.archive_id = archive_id,
		.files = files,
		.looked_at = trace->text.data,
		.warnings = warnings.data,
	};
	return pnr_index_last_pack_put(pnr_store_index(store), output->path, request, &row, err);
}

static pnr_status forget(void *user, pnr_error *err)
{
	return pnr_index_last_pack_forget(user, err);
}

pnr_status pnr_recall_forget(pnr_store *store, pnr_error *err)
{
	return pnr_store_transaction(store, forget, pnr_store_index(store), err);
}
