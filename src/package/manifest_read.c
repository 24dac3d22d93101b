#include "package/manifest_read.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/json_members.h"
#include <pannier/package.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION, CREATED_AT, ASSETS, PACKAGE_HASH, CONFIG, ASSUMPTION_REFS, EXTERNAL_REFS, TOP_COUNT };
enum { PATH, SOURCE_PATH, HASH, SIZE, TYPE, ASSET_COUNT };

static const char *const type_names[] = { "config", "model", "wasm", "python", "assumption", "policy" };

/* --------------------------------------------------------------- assets -- */

typedef struct asset_list {
	pnr_manifest *manifest;
	size_t capacity;
} asset_list;

static const pnr_json_member asset_members[ASSET_COUNT] = {
	[PATH] = { "relativePath", PNR_JSON_STRING, true, false, { 0, 0 } },
	[SOURCE_PATH] = { "absolutePath", PNR_JSON_STRING, false, false, { 0, 0 } },
	[HASH] = { "hash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[SIZE] = { "size", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[TYPE] = { "type", PNR_JSON_STRING, true, false, { 0, 0 } },
};

static bool parse_type(const char *text, pnr_json_span span, const char **out_type)
{
	for (size_t i = 0; i < PNR_COUNT(type_names); i++) {
		if (pnr_json_string_is(text, span, type_names[i])) {
			*out_type = type_names[i];
			return true;
		}
	}
	return false;
}

static pnr_status read_asset(const pnr_json_row *row, pnr_manifest_asset *asset, pnr_error *err)
{
	const pnr_json_member *members = row->members;
	const char *text = row->text, *place = row->place;
	if (!pnr_json_digest_at(text, members[HASH].span, &asset->hash))
		return pnr_fail(err, PNR_CORRUPT, "%s/hash is not 64 lower-case hex digits", place);
	if (!pnr_json_size_at(text, members[SIZE].span, &asset->size))
		return pnr_fail(err, PNR_CORRUPT, "%s/size is not a whole number from 0 to 2^53", place);
	if (!parse_type(text, members[TYPE].span, &asset->type))
		return pnr_fail(err, PNR_CORRUPT,
		                "%s/type is none of config, model, wasm, python, assumption, policy", place);
	asset->path = pnr_json_string_at(text, members[PATH].span);
	if (asset->path != NULL && members[SOURCE_PATH].seen)
		asset->source_path = pnr_json_string_at(text, members[SOURCE_PATH].span);
	if (asset->path == NULL || (members[SOURCE_PATH].seen && asset->source_path == NULL))
		return pnr_fail_nomem(err);
	return PNR_OK;
}

static pnr_status add_asset(void *user, const pnr_json_row *row, pnr_error *err)
{
	asset_list *list = user;
	pnr_manifest *manifest = list->manifest;
	pnr_manifest_asset *assets =
		pnr_array_grow(manifest->assets, sizeof *assets, manifest->asset_count, &list->capacity);
	if (assets == NULL)
		return pnr_fail_nomem(err);
	manifest->assets = assets;
	pnr_manifest_asset *asset = &manifest->assets[manifest->asset_count++];
	memset(asset, 0, sizeof *asset);
	return read_asset(row, asset, err);
}

/* ----------------------------------------------------------- references -- */

typedef struct refs_scan {
	pnr_manifest_refs *refs;
	size_t capacity;
	const char *text;
	const char *key;
} refs_scan;

static pnr_status visit_ref(void *user, const pnr_json_event *event, pnr_error *err)
{
	refs_scan *scan = user;
	pnr_manifest_refs *refs = scan->refs;
	if (event->depth != 1)
		return PNR_OK;
	if (event->type != PNR_JSON_STRING)
		return pnr_fail(err, PNR_CORRUPT, "/%s/%zu is not a string", scan->key, event->index);
	char **items = pnr_array_grow(refs->items, sizeof *items, refs->count, &scan->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	refs->items = items;
	char *item = pnr_json_string_at(scan->text, event->span);
	if (item == NULL)
		return pnr_fail_nomem(err);
	refs->items[refs->count++] = item;
	return PNR_OK;
}

/* ------------------------------------------------------------- the whole -- */

static const pnr_json_member top_members[TOP_COUNT] = {
	[VERSION] = { "version", PNR_JSON_STRING, true, false, { 0, 0 } },
	[CREATED_AT] = { "createdAt", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ASSETS] = { "assets", PNR_JSON_ARRAY, true, false, { 0, 0 } },
	[PACKAGE_HASH] = { "packageHash", PNR_JSON_STRING, false, false, { 0, 0 } },
	[CONFIG] = { "config", PNR_JSON_OBJECT, false, false, { 0, 0 } },
	[ASSUMPTION_REFS] = { "assumptionRefs", PNR_JSON_ARRAY, false, false, { 0, 0 } },
	[EXTERNAL_REFS] = { "externalRefs", PNR_JSON_ARRAY, false, false, { 0, 0 } },
};

static pnr_status check_version(const char *text, pnr_json_span span, pnr_error *err)
{
	if (pnr_json_string_is(text, span, PNR_MANIFEST_VERSION))
		return PNR_OK;
	PNR_CLEANUP(pnr_cleanup_free) char *version = pnr_json_string_at(text, span);
	if (version == NULL)
		return pnr_fail_nomem(err);
	return pnr_fail(err, PNR_UNSUPPORTED, "format version '%.40s'; this build reads " PNR_MANIFEST_VERSION, version);
}

static pnr_status read_scalars(pnr_manifest *manifest, const char *text, const pnr_json_member *members, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *created_at = pnr_json_string_at(text, members[CREATED_AT].span);
	if (created_at == NULL)
		return pnr_fail_nomem(err);
	if (!pnr_clock_parse(created_at, &manifest->created_ms))
		return pnr_fail(err, PNR_CORRUPT, "/createdAt is not a time such as 2026-01-24T12:34:56.789Z");
	manifest->has_package_hash = members[PACKAGE_HASH].seen;
	if (manifest->has_package_hash && !pnr_json_digest_at(text, members[PACKAGE_HASH].span, &manifest->package_hash))
		return pnr_fail(err, PNR_CORRUPT, "/packageHash is not 64 lower-case hex digits");
	manifest->config = members[CONFIG].span;
	return PNR_OK;
}

static pnr_status read_assets(pnr_manifest *manifest, const char *text, const pnr_json_member *list, pnr_error *err)
{
	asset_list assets = { .manifest = manifest };
	pnr_json_member members[ASSET_COUNT];
	memcpy(members, asset_members, sizeof members);
	return pnr_json_read_rows(text, list->span, "/assets", members, ASSET_COUNT, add_asset, &assets, err);
}

static pnr_status read_refs(pnr_manifest_refs *refs, const char *text, const pnr_json_member *list, pnr_error *err)
{
	refs->present = list->seen;
	if (!list->seen)
		return PNR_OK;
	refs_scan scan = { refs, 0, text + list->span.start, list->key };
	return pnr_json_scan_part(text, list->span, visit_ref, &scan, err);
}

pnr_status pnr_manifest_read(const char *text, size_t length, pnr_manifest **out_manifest, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = calloc(1, sizeof *manifest);
	if (manifest == NULL)
		return pnr_fail_nomem(err);
	pnr_json_member members[TOP_COUNT];
	memcpy(members, top_members, sizeof members);
	pnr_status status = pnr_json_note_members(text, (pnr_json_span){ 0, length }, "", members, TOP_COUNT, err);
	/* The version first: it says whether the rest is to be understood at all. */
	if (status == PNR_OK)
		status = pnr_json_check_members(&members[VERSION], 1, "", err);
	if (status == PNR_OK)
		status = check_version(text, members[VERSION].span, err);
	if (status == PNR_OK)
		status = pnr_json_check_members(members, TOP_COUNT, "", err);
	if (status == PNR_OK)
		status = read_scalars(manifest, text, members, err);
	if (status == PNR_OK)
		status = read_assets(manifest, text, &members[ASSETS], err);
	if (status == PNR_OK)
		status = read_refs(&manifest->assumption_refs, text, &members[ASSUMPTION_REFS], err);
	if (status == PNR_OK)
		status = read_refs(&manifest->external_refs, text, &members[EXTERNAL_REFS], err);
	if (status == PNR_OK)
		*out_manifest = PNR_STEAL(manifest);
	return status;
}

static void free_refs(pnr_manifest_refs *refs)
{
	for (size_t i = 0; i < refs->count; i++)
		free(refs->items[i]);
	free(refs->items);
}

void pnr_manifest_free(pnr_manifest *manifest)
{
	if (manifest == NULL)
		return;
	for (size_t i = 0; i < manifest->asset_count; i++) {
		free(manifest->assets[i].path);
		free(manifest->assets[i].source_path);
	}
	free(manifest->assets);
	free_refs(&manifest->assumption_refs);
	free_refs(&manifest->external_refs);
	free(manifest);
}

void pnr_manifest_cleanup(pnr_manifest **manifest)
{
	pnr_manifest_free(*manifest);
	*manifest = NULL;
}
