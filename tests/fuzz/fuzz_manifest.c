/*
 * manifest.json as anyone may have written it. What is read must be what cJSON
 * sees in the same text, and the listing must hold each path once, in order and
 * to be found.
 */
#include "target.h"
#include "package/listing.h"
#include <stdlib.h>
#include <string.h>

static void require_string(const cJSON *object, const char *key, const char *value)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	REQUIRE(value == NULL ? text == NULL : text != NULL && strcmp(text, value) == 0);
}

static void require_digest(const cJSON *object, const char *key, const pnr_digest *digest)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	require_string(object, key, digest == NULL ? NULL : pnr_digest_to_hex(digest, hex));
}

static void require_refs(const cJSON *root, const char *key, const pnr_manifest_refs *refs)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, key);
	REQUIRE(refs->present == (list != NULL));
	REQUIRE(refs->count == (size_t)cJSON_GetArraySize(list));
	const cJSON *item;
	size_t i = 0;
	cJSON_ArrayForEach (item, list)
		REQUIRE(strcmp(cJSON_GetStringValue(item), refs->items[i++]) == 0);
}

static void require_same(const pnr_manifest *manifest, const char *text, size_t size)
{
	cJSON *root = cJSON_ParseWithLength(text, size);
	REQUIRE(root != NULL);
	require_string(root, "version", "1.0");
	require_digest(root, "packageHash", manifest->has_package_hash ? &manifest->package_hash : NULL);
	const cJSON *assets = cJSON_GetObjectItemCaseSensitive(root, "assets");
	REQUIRE(manifest->asset_count == (size_t)cJSON_GetArraySize(assets));
	const cJSON *item;
	size_t i = 0;
	cJSON_ArrayForEach (item, assets) {
		const pnr_manifest_asset *asset = &manifest->assets[i++];
		require_string(item, "relativePath", asset->path);
		require_string(item, "absolutePath", asset->source_path);
		require_string(item, "type", asset->type);
		require_digest(item, "hash", &asset->hash);
		REQUIRE(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(item, "size")) == (double)asset->size);
	}
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(root, "config");
	REQUIRE((config != NULL) == (manifest->config.start < manifest->config.end));
	REQUIRE(config == NULL || (cJSON_IsObject(config) && text[manifest->config.start] == '{' &&
	                           text[manifest->config.end - 1] == '}'));
	require_refs(root, "assumptionRefs", &manifest->assumption_refs);
	require_refs(root, "externalRefs", &manifest->external_refs);
	cJSON_Delete(root);
}

static void require_listed(const pnr_manifest *manifest)
{
	PNR_CLEANUP(pnr_findings_cleanup) pnr_findings *findings = NULL;
	PNR_CLEANUP(pnr_listing_cleanup) pnr_listing *listing = NULL;
	REQUIRE(pnr_findings_new(&findings, NULL) == PNR_OK);
	REQUIRE(pnr_listing_new(manifest, findings, &listing, NULL) == PNR_OK);
	REQUIRE(findings->problems + findings->warnings == listing->count - listing->unique);
	REQUIRE(pnr_listing_check_names(listing, findings, NULL) == PNR_OK);
	for (size_t i = 0; i < listing->unique; i++) {
		const char *path = listing->by_path[i]->asset->path;
		REQUIRE(i == 0 || strcmp(listing->by_path[i - 1]->asset->path, path) < 0);
		REQUIRE(pnr_listing_find(listing, path) == listing->by_path[i]);
	}
	pnr_digest hash;
	REQUIRE(pnr_listing_hash(listing, false, &hash, NULL) == PNR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_manifest *manifest = NULL;
	pnr_status status = pnr_manifest_read((const char *)data, size, &manifest, &err);
	REQUIRE(status == err.status);
	REQUIRE((status == PNR_OK) == (manifest != NULL));
	if (status != PNR_OK) {
		REQUIRE(status == PNR_CORRUPT || status == PNR_UNSUPPORTED);
		return 0;
	}
	require_same(manifest, (const char *)data, size);
	require_listed(manifest);
	pnr_manifest_free(manifest);
	return 0;
}
