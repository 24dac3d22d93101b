#include "package/record.h"
#include "base/clock.h"
#include "codec/hash.h"
#include "index/history.h"
#include <pannier/pannier.h>
#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------- archives -- */

const char *pnr_choice_text(pnr_choice choice, char buffer[PNR_CHOICE_SIZE])
{
	(void)snprintf(buffer, PNR_CHOICE_SIZE, "{\"level\":%u%s}", choice.level, choice.reuse ? ",\"reuse\":true" : "");
	return buffer;
}

bool pnr_choice_read(const char *text, pnr_choice *out_choice)
{
	char again[PNR_CHOICE_SIZE];
	for (unsigned level = 1; level <= PNR_LEVEL_MAX; level++)
		for (int reuse = 0; reuse < 2; reuse++) {
			const pnr_choice choice = { level, reuse != 0 };
			if (strcmp(pnr_choice_text(choice, again), text) == 0) {
				*out_choice = choice;
				return true;
			}
		}
	return false;
}

typedef struct id_list {
	int64_t *ids;
	size_t count, capacity;
} id_list;

static pnr_status add_id(void *user, int64_t id, pnr_error *err)
{
	id_list *list = user;
	if (list->count == list->capacity)
		return pnr_fail(err, PNR_CORRUPT, "the index lists more encodings than the archive has entries");
	list->ids[list->count++] = id;
	return PNR_OK;
}

pnr_status pnr_record_encodings(pnr_index *index, int64_t archive_id, int64_t *ids, size_t count, pnr_error *err)
{
	id_list list = { ids, 0, count };
	pnr_status status = pnr_index_archive_encodings(index, archive_id, add_id, &list, err);
	if (status == PNR_OK && list.count != list.capacity)
		status = pnr_fail(err, PNR_CORRUPT, "the index lists fewer encodings than the archive has entries");
	return status;
}

/* -------------------------------------------------------------- packages -- */

static void free_references(pnr_cloud_references *references)
{
	pnr_cloud_references_free(references);
}

pnr_status pnr_record_package(pnr_index *index, const pnr_config *config, const pnr_digest *package_hash,
                              const pnr_asset_row *assets, size_t count, int64_t *out_id, pnr_error *err)
{
	PNR_CLEANUP(free_references) pnr_cloud_references cloud = { .count = 0 };
	pnr_reference_row references[PNR_CONFIG_REFERENCES_MAX];
	pnr_status status = pnr_config_cloud(config, &cloud, err);
	if (status != PNR_OK)
		return status;
	for (size_t i = 0; i < cloud.count; i++) {
		const pnr_cloud_reference *from = &cloud.items[i];
		bool assumption = from->kind == PNR_REFERENCE_ASSUMPTION;
		references[i] = (pnr_reference_row){
			.kind = assumption ? "assumption" : "external",
			.role = from->role,
			.reference = from->reference,
			.name = assumption ? from->name : "",
			.version = assumption ? from->version : "",
		};
	}
	return pnr_index_package_put(index, package_hash, pnr_clock_now_ms(), assets, count, references, cloud.count,
	                             out_id, err);
}

pnr_status pnr_record_sources(pnr_index *index, const pnr_asset_row *assets, size_t count, int64_t *out_id,
                              pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	pnr_digest hash;
	for (size_t i = 0; i < count; i++)
		pnr_buffer_append(&list, assets[i].source_path, strlen(assets[i].source_path) + 1);
	pnr_status status = pnr_buffer_status(&list, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(list.data, list.length, &hash, NULL, err);
	return status == PNR_OK ? pnr_index_sources_put(index, &hash, assets, count, out_id, err) : status;
}

/* --------------------------------------------------------------- the log -- */

/* Never before the newest entry. If that is ahead of the clock, the clock is told in the options. */
static pnr_status date(pnr_index *index, pnr_log_row *row, pnr_buffer *options, pnr_error *err)
{
	char clock[PNR_TIME_TEXT_SIZE];
	int64_t newest_ms = 0, now_ms = pnr_clock_now_ms();
	pnr_status status = pnr_index_log_last_time(index, &newest_ms, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	row->at_ms = newest_ms > now_ms ? newest_ms : now_ms;
	if (newest_ms <= now_ms + PNR_CLOCK_SLACK_MS)
		return PNR_OK;
	size_t length = strlen(row->options) - 1;
	pnr_buffer_append(options, row->options, length);
	pnr_buffer_printf(options, "%s\"clock\":\"%s\"}", length > 1 ? "," : "", pnr_clock_format(now_ms, clock));
	row->options = options->data;
	return pnr_buffer_status(options, err);
}

pnr_status pnr_record_log(pnr_index *index, pnr_log_row *row, const pnr_provenance *provenance, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer options = PNR_BUFFER_INIT;
	const char *asked = row->options;
	pnr_status status = row->dated ? PNR_OK : date(index, row, &options, err);
	if (status != PNR_OK)
		return status;
	row->user = provenance->user;
	row->host = provenance->host;
	row->git_commit = provenance->git_commit;
	row->git_dirty = provenance->git_dirty;
	row->ci_run = provenance->ci_run;
	row->tool_version = pnr_version();
	int64_t head;
	status = pnr_index_log_head(index, &head, &row->previous_hash, err);
	if (status == PNR_OK)
		status = pnr_index_log_text(index, row, &text, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(text.data, text.length, &row->entry_hash, NULL, err);
	if (status == PNR_OK)
		status = pnr_index_log_put(index, row, err);
	row->options = asked;
	return status;
}
