#include "package/manifest_read.h"
#include "base/array.h"
#include "base/clock.h"
#include <pannier/package.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The members of an object that we look for. */
typedef struct member {
	const char *key;
	pnr_json_type type;
	bool needed;
	bool seen;
	pnr_json_span span;
} member;

enum { VERSION, CREATED_AT, ASSETS, PACKAGE_HASH, CONFIG, ASSUMPTION_REFS, EXTERNAL_REFS, TOP_COUNT };
enum { PATH, SOURCE_PATH, HASH, SIZE, TYPE, ASSET_COUNT };

static const char *const type_names[] = { "config", "model", "wasm", "python", "assumption", "policy" };

static const char *json_type_name(pnr_json_type type)
{
	static const char *const names[] = {
		[PNR_JSON_NULL] = "null",
		[PNR_JSON_FALSE] = "false",
		[PNR_JSON_TRUE] = "true",
		[PNR_JSON_NUMBER] = "a number",
		[PNR_JSON_STRING] = "a string",
		[PNR_JSON_ARRAY] = "an array",
		[PNR_JSON_OBJECT] = "an object",
	};
	return names[type];
}

/* The string at @span, decoded; malloc'd, NULL when memory is exhausted. */
static char *string_at(const char *text, pnr_json_span span)
{
	const char *inside = text + span.start + 1;
	size_t length = span.end - span.start - 2;
	if (memchr(inside, '\\', length) == NULL)
		return strndup(inside, length);
	cJSON *item = cJSON_ParseWithLength(text + span.start, span.end - span.start);
	char *decoded = item == NULL ? NULL : strdup(cJSON_GetStringValue(item));
	cJSON_Delete(item);
	return decoded;
}

static bool span_is(const char *text, pnr_json_span span, const char *key)
{
	const char *inside = text + span.start + 1;
	size_t length = span.end - span.start - 2;
	if (memchr(inside, '\\', length) == NULL)
		return strlen(key) == length && memcmp(inside, key, length) == 0;
	PNR_CLEANUP(pnr_cleanup_free) char *decoded = string_at(text, span);
	return decoded != NULL && strcmp(decoded, key) == 0;
}

/* Note the member if it is one of @members. Duplicate keys do not get past the scanner. */
static void note_member(member *members, size_t count, const char *text, const pnr_json_event *event)
{
	if (event->key.start == event->key.end)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!span_is(text, event->key, members[i].key))
			continue;
		members[i].seen = true;
		members[i].span = event->span;
		/* Reported by check_members: a wrong type is kept as such. */
		if (members[i].type != event->type)
			members[i].span.start = members[i].span.end;
		return;
	}
}

/* @place is the pointer of the object. */
static pnr_status check_members(const member *members, size_t count, const char *place, pnr_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!members[i].seen && members[i].needed)
			return pnr_fail(err, PNR_CORRUPT, "%s/%s is missing", place, members[i].key);
		if (members[i].seen && members[i].span.start == members[i].span.end)
			return pnr_fail(err, PNR_CORRUPT, "%s/%s is not %s", place, members[i].key,
			                json_type_name(members[i].type));
	}
	return PNR_OK;
}

/* --------------------------------------------------------------- assets -- */

typedef struct asset_scan {
	pnr_manifest *manifest;
	size_t capacity;
	const char *text;
	member members[ASSET_COUNT];
} asset_scan;

static const member asset_members[ASSET_COUNT] = {
	[PATH] = { "relativePath", PNR_JSON_STRING, true, false, { 0, 0 } },
	[SOURCE_PATH] = { "absolutePath", PNR_JSON_STRING, false, false, { 0, 0 } },
	[HASH] = { "hash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[SIZE] = { "size", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[TYPE] = { "type", PNR_JSON_STRING, true, false, { 0, 0 } },
};

/* Digits only: what is written with a fraction or an exponent was not written by a packager. */
static bool parse_size(const char *digits, size_t length, uint64_t *out_size)
{
	uint64_t size = 0;
	for (size_t i = 0; i < length; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		size = size * 10 + (uint64_t)(digits[i] - '0');
		if (size > PNR_MANIFEST_SIZE_MAX)
			return false;
	}
	*out_size = size;
	return true;
}

static bool parse_type(const char *text, pnr_json_span span, const char **out_type)
{
	for (size_t i = 0; i < PNR_COUNT(type_names); i++) {
		if (span_is(text, span, type_names[i])) {
			*out_type = type_names[i];
			return true;
		}
	}
	return false;
}

static bool parse_digest(const char *text, pnr_json_span span, pnr_digest *out_digest)
{
	return pnr_digest_from_hex(text + span.start + 1, span.end - span.start - 2, out_digest);
}

static pnr_status read_asset(const asset_scan *scan, size_t index, pnr_manifest_asset *asset, pnr_error *err)
{
	const member *members = scan->members;
	const char *text = scan->text;
	char place[32];
	(void)snprintf(place, sizeof place, "/assets/%zu", index);
	pnr_status status = check_members(members, ASSET_COUNT, place, err);
	if (status != PNR_OK)
		return status;
	if (!parse_digest(text, members[HASH].span, &asset->hash))
		return pnr_fail(err, PNR_CORRUPT, "%s/hash is not 64 lower-case hex digits", place);
	pnr_json_span size = members[SIZE].span;
	if (!parse_size(text + size.start, size.end - size.start, &asset->size))
		return pnr_fail(err, PNR_CORRUPT, "%s/size is not a whole number from 0 to 2^53", place);
	if (!parse_type(text, members[TYPE].span, &asset->type))
		return pnr_fail(err, PNR_CORRUPT,
		                "%s/type is none of config, model, wasm, python, assumption, policy", place);
	asset->path = string_at(text, members[PATH].span);
	if (asset->path != NULL && members[SOURCE_PATH].seen)
		asset->source_path = string_at(text, members[SOURCE_PATH].span);
	if (asset->path == NULL || (members[SOURCE_PATH].seen && asset->source_path == NULL))
		return pnr_fail_nomem(err);
	return PNR_OK;
}

static pnr_status visit_asset(void *user, const pnr_json_event *event, pnr_error *err)
{
	asset_scan *scan = user;
	pnr_manifest *manifest = scan->manifest;
	if (event->depth == 2)
		note_member(scan->members, ASSET_COUNT, scan->text, event);
	if (event->depth != 1)
		return PNR_OK;
	if (event->type != PNR_JSON_OBJECT)
		return pnr_fail(err, PNR_CORRUPT, "/assets/%zu is not an object", event->index);
	pnr_manifest_asset *assets =
		pnr_array_grow(manifest->assets, sizeof *assets, manifest->asset_count, &scan->capacity);
	if (assets == NULL)
		return pnr_fail_nomem(err);
	manifest->assets = assets;
	pnr_manifest_asset *asset = &manifest->assets[manifest->asset_count++];
	memset(asset, 0, sizeof *asset);
	pnr_status status = read_asset(scan, event->index, asset, err);
	memcpy(scan->members, asset_members, sizeof scan->members);
	return status;
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
	char *item = string_at(scan->text, event->span);
	if (item == NULL)
		return pnr_fail_nomem(err);
	refs->items[refs->count++] = item;
	return PNR_OK;
}

/* ------------------------------------------------------------- the whole -- */

typedef struct top_scan {
	const char *text;
	member members[TOP_COUNT];
} top_scan;

static const member top_members[TOP_COUNT] = {
	[VERSION] = { "version", PNR_JSON_STRING, true, false, { 0, 0 } },
	[CREATED_AT] = { "createdAt", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ASSETS] = { "assets", PNR_JSON_ARRAY, true, false, { 0, 0 } },
	[PACKAGE_HASH] = { "packageHash", PNR_JSON_STRING, false, false, { 0, 0 } },
	[CONFIG] = { "config", PNR_JSON_OBJECT, false, false, { 0, 0 } },
	[ASSUMPTION_REFS] = { "assumptionRefs", PNR_JSON_ARRAY, false, false, { 0, 0 } },
	[EXTERNAL_REFS] = { "externalRefs", PNR_JSON_ARRAY, false, false, { 0, 0 } },
};

static pnr_status visit_top(void *user, const pnr_json_event *event, pnr_error *err)
{
	top_scan *scan = user;
	if (event->depth == 1)
		note_member(scan->members, TOP_COUNT, scan->text, event);
	if (event->depth == 0 && event->type != PNR_JSON_OBJECT)
		return pnr_fail(err, PNR_CORRUPT, "it is not an object");
	return PNR_OK;
}

/* A text that is not JSON, or more than a limit, is a corrupt manifest. */
static pnr_status scan_span(const char *text, pnr_json_span span, pnr_json_visit visit, void *user, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_json_scan(text + span.start, span.end - span.start, &pnr_json_manifest_limits, visit,
	                                  user, NULL, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (status == PNR_INVALID || status == PNR_FULL)
		status = PNR_CORRUPT;
	return pnr_fail(err, status, "%s", own.message);
}

static pnr_status check_version(const char *text, pnr_json_span span, pnr_error *err)
{
	if (span_is(text, span, PNR_MANIFEST_VERSION))
		return PNR_OK;
	PNR_CLEANUP(pnr_cleanup_free) char *version = string_at(text, span);
	if (version == NULL)
		return pnr_fail_nomem(err);
	return pnr_fail(err, PNR_UNSUPPORTED, "format version '%.40s'; this build reads " PNR_MANIFEST_VERSION, version);
}

static pnr_status read_scalars(pnr_manifest *manifest, const char *text, const member *members, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *created_at = string_at(text, members[CREATED_AT].span);
	if (created_at == NULL)
		return pnr_fail_nomem(err);
	if (!pnr_clock_parse(created_at, &manifest->created_ms))
		return pnr_fail(err, PNR_CORRUPT, "/createdAt is not a time such as 2026-01-24T12:34:56.789Z");
	manifest->has_package_hash = members[PACKAGE_HASH].seen;
	if (manifest->has_package_hash && !parse_digest(text, members[PACKAGE_HASH].span, &manifest->package_hash))
		return pnr_fail(err, PNR_CORRUPT, "/packageHash is not 64 lower-case hex digits");
	manifest->config = members[CONFIG].span;
	return PNR_OK;
}

static pnr_status read_assets(pnr_manifest *manifest, const char *text, const member *list, pnr_error *err)
{
	asset_scan scan = { .manifest = manifest, .text = text + list->span.start };
	memcpy(scan.members, asset_members, sizeof scan.members);
	return scan_span(text, list->span, visit_asset, &scan, err);
}

static pnr_status read_refs(pnr_manifest_refs *refs, const char *text, const member *list, pnr_error *err)
{
	refs->present = list->seen;
	if (!list->seen)
		return PNR_OK;
	refs_scan scan = { refs, 0, text + list->span.start, list->key };
	return scan_span(text, list->span, visit_ref, &scan, err);
}

pnr_status pnr_manifest_read(const char *text, size_t length, pnr_manifest **out_manifest, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = calloc(1, sizeof *manifest);
	if (manifest == NULL)
		return pnr_fail_nomem(err);
	top_scan top = { .text = text };
	memcpy(top.members, top_members, sizeof top.members);
	const member *members = top.members;

	pnr_status status = scan_span(text, (pnr_json_span){ 0, length }, visit_top, &top, err);
	/* The version first: it says whether the rest is to be understood at all. */
	if (status == PNR_OK)
		status = check_members(&members[VERSION], 1, "", err);
	if (status == PNR_OK)
		status = check_version(text, members[VERSION].span, err);
	if (status == PNR_OK)
		status = check_members(members, TOP_COUNT, "", err);
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
