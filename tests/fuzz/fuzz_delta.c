/*
 * manifest.json of a delta as anyone may have written it. What is taken must be
 * what cJSON sees in the same text, and put together again it must be that text.
 */
#include "target.h"
#include "package/manifest_tail.h"
#include "sync/delta_manifest.h"
#include <string.h>

static bool is_string(const cJSON *object, const char *key, const char *value)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
	return text != NULL && strcmp(text, value) == 0;
}

static bool is_digest(const cJSON *object, const char *key, const pnr_digest *digest)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	return is_string(object, key, pnr_digest_to_hex(digest, hex));
}

static bool is_number(const cJSON *object, const char *key, uint64_t number)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsNumber(item) && item->valuedouble == (double)number;
}

static void require_asset(const cJSON *item, const pnr_manifest_asset *listed, const pnr_delta_asset *asset)
{
	char path[PNR_DELTA_PATCH_PATH_SIZE];
	bool patch = asset->from == PNR_DELTA_PATCH;
	REQUIRE(is_string(item, "path", listed->path));
	REQUIRE(is_string(item, "from", pnr_delta_from_name(asset->from)));
	REQUIRE((cJSON_GetObjectItemCaseSensitive(item, "base") != NULL) == patch);
	if (!patch)
		return;
	REQUIRE(is_digest(item, "base", &asset->base) && is_digest(item, "hash", &asset->hash));
	REQUIRE(is_number(item, "baseSize", asset->base_size) && is_number(item, "size", asset->size));
	REQUIRE(is_string(item, "patch", pnr_delta_patch_path(&listed->hash, &asset->base, path)));
	REQUIRE(!pnr_digest_equal(&listed->hash, &asset->base));
}

static void require_same(const pnr_delta_manifest *delta, const cJSON *tail)
{
	REQUIRE(is_number(tail, "format", PNR_DELTA_FORMAT));
	REQUIRE(is_string(tail, "name", delta->name) && is_string(tail, "archiveOptions", delta->archive_options));
	REQUIRE(is_digest(tail, "archiveHash", &delta->archive_hash) && is_number(tail, "archiveSize", delta->archive_size));
	REQUIRE((cJSON_GetObjectItemCaseSensitive(tail, "basePackageHash") != NULL) == delta->has_base);
	REQUIRE(!delta->has_base || is_digest(tail, "basePackageHash", &delta->base_package_hash));
	const cJSON *assets = cJSON_GetObjectItemCaseSensitive(tail, "assets");
	REQUIRE(delta->asset_count == delta->manifest->asset_count);
	REQUIRE(delta->asset_count == (size_t)cJSON_GetArraySize(assets));
	const cJSON *item;
	size_t i = 0;
	cJSON_ArrayForEach (item, assets) {
		require_asset(item, &delta->manifest->assets[i], &delta->assets[i]);
		i++;
	}
	REQUIRE(delta->removed_count == (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(tail, "removed")));
}

/* What was cut out comes back to its place. */
static void require_whole(const pnr_delta_manifest *delta, const char *text, size_t size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer manifest = PNR_BUFFER_INIT;
	pnr_json_span tail;
	REQUIRE(pnr_manifest_cut_tail(text, size, PNR_DELTA_KEY, &tail, &manifest, NULL) == PNR_OK);
	REQUIRE(manifest.length == delta->text.length && memcmp(manifest.data, delta->text.data, manifest.length) == 0);
	REQUIRE(manifest.length + (tail.end - tail.start) + strlen(",\n  \"" PNR_DELTA_KEY "\": ") == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pnr_error err = PNR_ERROR_INIT;
	PNR_CLEANUP(pnr_delta_manifest_free) pnr_delta_manifest delta = PNR_DELTA_MANIFEST_INIT;
	pnr_status status = pnr_delta_manifest_read((const char *)data, size, &delta, &err);
	REQUIRE(status == err.status);
	if (status != PNR_OK) {
		REQUIRE(status == PNR_CORRUPT || status == PNR_UNSUPPORTED);
		REQUIRE(delta.assets == NULL && delta.manifest == NULL);
		return 0;
	}
	cJSON *root = cJSON_ParseWithLength((const char *)data, size);
	REQUIRE(root != NULL);
	require_same(&delta, cJSON_GetObjectItemCaseSensitive(root, PNR_DELTA_KEY));
	require_whole(&delta, (const char *)data, size);
	cJSON_Delete(root);
	return 0;
}
