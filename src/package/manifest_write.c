#include "package/manifest_write.h"
#include "base/clock.h"
#include "base/json.h"
#include <inttypes.h>
#include <pannier/model.h>
#include <string.h>

static void put_string(pnr_buffer *out, const char *key, const char *value)
{
	pnr_buffer_printf(out, "      \"%s\": ", key);
	pnr_json_quote(out, value, strlen(value));
	pnr_buffer_puts(out, ",\n");
}

typedef struct asset_list {
	pnr_buffer *out;
	uint64_t count;
} asset_list;

static pnr_status put_asset(void *user, const pnr_asset_row *asset, pnr_error *err)
{
	asset_list *list = user;
	pnr_buffer *out = list->out;
	char hash[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_puts(out, list->count++ == 0 ? "\n    {\n" : ",\n    {\n");
	put_string(out, "relativePath", asset->path);
	if (asset->source_path != NULL)
		put_string(out, "absolutePath", asset->source_path);
	put_string(out, "hash", pnr_digest_to_hex(&asset->hash, hash));
	pnr_buffer_printf(out, "      \"size\": %" PRIu64 ",\n      \"type\": ", asset->size);
	pnr_json_quote(out, asset->type, strlen(asset->type));
	if (strcmp(asset->uses, "[]") != 0) {
		pnr_buffer_puts(out, ",\n      \"usedBy\": ");
		pnr_json_reindent(out, asset->uses, (pnr_json_span){ 0, strlen(asset->uses) }, 3);
	}
	pnr_buffer_puts(out, "\n    }");
	return pnr_buffer_status(out, err);
}

typedef struct reference_list {
	pnr_buffer *out;
	const char *kind;
	uint64_t count;
} reference_list;

static pnr_status put_reference(void *user, const pnr_reference_row *reference, pnr_error *err)
{
	reference_list *list = user;
	if (strcmp(reference->kind, list->kind) != 0)
		return PNR_OK;
	pnr_buffer_puts(list->out, list->count++ == 0 ? "\n    " : ",\n    ");
	pnr_json_quote(list->out, reference->reference, strlen(reference->reference));
	return pnr_buffer_status(list->out, err);
}

static pnr_status put_references(pnr_store *store, int64_t package_id, const char *key, const char *kind,
                                 pnr_buffer *out, pnr_error *err)
{
	reference_list list = { out, kind, 0 };
	pnr_buffer_printf(out, ",\n  \"%s\": [", key);
	pnr_status status =
		pnr_index_package_references(pnr_store_index(store), package_id, put_reference, &list, err);
	pnr_buffer_puts(out, list.count == 0 ? "]" : "\n  ]");
	return status;
}

pnr_status pnr_manifest_write(pnr_store *store, int64_t package_id, int64_t sources_id, int64_t created_ms,
                              const pnr_digest *package_hash, const char *config, size_t config_length,
                              pnr_buffer *out, pnr_error *err)
{
	char created[PNR_TIME_TEXT_SIZE], hash[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(out, "{\n  \"version\": \"1.0\",\n  \"createdAt\": \"%s\",\n  \"assets\": [",
	                  pnr_clock_format(created_ms, created));
	asset_list list = { out, 0 };
	pnr_status status =
		pnr_index_package_assets(pnr_store_index(store), package_id, sources_id, put_asset, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_printf(out, "%s],\n  \"packageHash\": \"%s\",\n  \"config\": ", list.count == 0 ? "" : "\n  ",
	                  pnr_digest_to_hex(package_hash, hash));
	pnr_json_reindent(out, config, (pnr_json_span){ 0, config_length }, 1);
	status = put_references(store, package_id, "assumptionRefs", "assumption", out, err);
	if (status == PNR_OK)
		status = put_references(store, package_id, "externalRefs", "external", out, err);
	pnr_buffer_puts(out, "\n}\n");
	return status == PNR_OK ? pnr_buffer_status(out, err) : status;
}

pnr_status pnr_manifest_of_package(pnr_store *store, const pnr_ref_row *package, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer config = PNR_BUFFER_INIT;
	pnr_blob_row blob;
	pnr_status status =
		pnr_index_package_blob(pnr_store_index(store), package->package_id, PNR_CONFIG_NAME, &blob, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "the package has no %s", PNR_CONFIG_NAME);
	if (status != PNR_OK)
		return status;
	pnr_buffer_end end = { &config, PNR_CONFIG_MAX };
	pnr_sink sink = pnr_buffer_end_sink(&end);
	status = pnr_store_read_blob(store, &blob, &sink, err);
	if (status != PNR_OK)
		return status;
	return pnr_manifest_write(store, package->package_id, 0, package->first_ms, &package->package_hash,
	                          config.data, config.length, out, err);
}
