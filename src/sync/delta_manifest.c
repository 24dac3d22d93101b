#include "sync/delta_manifest.h"
#include "base/array.h"
#include "base/json_members.h"
#include "package/manifest_tail.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const from_names[] = {
	[PNR_DELTA_BASE] = "base",
	[PNR_DELTA_ZIP] = "zip",
	[PNR_DELTA_PATCH] = "patch",
};

const char *pnr_delta_from_name(pnr_delta_from from)
{
	return from_names[from];
}

const char *pnr_delta_patch_path(const pnr_digest *content, const pnr_digest *base,
                                 char out[PNR_DELTA_PATCH_PATH_SIZE])
{
	char content_hex[PNR_DIGEST_HEX_SIZE], base_hex[PNR_DIGEST_HEX_SIZE];
	(void)snprintf(out, PNR_DELTA_PATCH_PATH_SIZE, PNR_DELTA_PATCH_DIR "/%s.%s.zst",
	               pnr_digest_to_hex(content, content_hex), pnr_digest_to_hex(base, base_hex));
	return out;
}

enum { FORMAT, BASE_PACKAGE, NAME, ARCHIVE_HASH, ARCHIVE_SIZE, ARCHIVE_OPTIONS, ASSETS, REMOVED, TOP_COUNT };
enum { PATH, FROM, BASE, BASE_SIZE, PATCH, HASH, SIZE, ASSET_COUNT };

static const pnr_json_member top_members[TOP_COUNT] = {
	[FORMAT] = { "format", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[BASE_PACKAGE] = { "basePackageHash", PNR_JSON_STRING, false, false, { 0, 0 } },
	[NAME] = { "name", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ARCHIVE_HASH] = { "archiveHash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ARCHIVE_SIZE] = { "archiveSize", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[ARCHIVE_OPTIONS] = { "archiveOptions", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ASSETS] = { "assets", PNR_JSON_ARRAY, true, false, { 0, 0 } },
	[REMOVED] = { "removed", PNR_JSON_ARRAY, true, false, { 0, 0 } },
};

static const pnr_json_member asset_members[ASSET_COUNT] = {
	[PATH] = { "path", PNR_JSON_STRING, true, false, { 0, 0 } },
	[FROM] = { "from", PNR_JSON_STRING, true, false, { 0, 0 } },
	[BASE] = { "base", PNR_JSON_STRING, false, false, { 0, 0 } },
	[BASE_SIZE] = { "baseSize", PNR_JSON_NUMBER, false, false, { 0, 0 } },
	[PATCH] = { "patch", PNR_JSON_STRING, false, false, { 0, 0 } },
	[HASH] = { "hash", PNR_JSON_STRING, false, false, { 0, 0 } },
	[SIZE] = { "size", PNR_JSON_NUMBER, false, false, { 0, 0 } },
};

/* -------------------------------------------------------------------- assets -- */

static pnr_status read_patch(const pnr_json_row *row, const pnr_digest *content, pnr_delta_asset *asset, pnr_error *err)
{
	const pnr_json_member *members = row->members;
	const char *text = row->text, *place = row->place;
	char path[PNR_DELTA_PATCH_PATH_SIZE];
	for (int i = BASE; i <= SIZE; i++)
		if (members[i].seen != (asset->from == PNR_DELTA_PATCH))
			return pnr_fail(err, PNR_CORRUPT, "%s: a patch has base, baseSize, patch, hash and size, and nothing else has",
			                place);
	if (asset->from != PNR_DELTA_PATCH)
		return PNR_OK;
	if (!pnr_json_digest_at(text, members[BASE].span, &asset->base) ||
	    !pnr_json_digest_at(text, members[HASH].span, &asset->hash))
		return pnr_fail(err, PNR_CORRUPT, "%s: base or hash is not 64 lower-case hex digits", place);
	if (!pnr_json_size_at(text, members[BASE_SIZE].span, &asset->base_size) ||
	    !pnr_json_size_at(text, members[SIZE].span, &asset->size))
		return pnr_fail(err, PNR_CORRUPT, "%s: a size is not a whole number from 0 to 2^53", place);
	if (pnr_digest_equal(content, &asset->base))
		return pnr_fail(err, PNR_CORRUPT, "%s: its base is itself", place);
	if (!pnr_json_string_is(text, members[PATCH].span, pnr_delta_patch_path(content, &asset->base, path)))
		return pnr_fail(err, PNR_CORRUPT, "%s/patch is not '%s'", place, path);
	return PNR_OK;
}

static pnr_status read_asset(void *user, const pnr_json_row *row, pnr_error *err)
{
	pnr_delta_manifest *delta = user;
	const pnr_manifest *manifest = delta->manifest;
	const pnr_json_member *members = row->members;
	if (row->index >= manifest->asset_count ||
	    !pnr_json_string_is(row->text, members[PATH].span, manifest->assets[row->index].path))
		return pnr_fail(err, PNR_CORRUPT, "%s/path is not that of /assets/%zu", row->place, row->index);
	unsigned from = 0;
	while (from < PNR_COUNT(from_names) && !pnr_json_string_is(row->text, members[FROM].span, from_names[from]))
		from++;
	if (from == PNR_COUNT(from_names))
		return pnr_fail(err, PNR_CORRUPT, "%s/from is none of base, zip, patch", row->place);
	pnr_delta_asset *asset = &delta->assets[delta->asset_count++];
	asset->from = (pnr_delta_from)from;
	return read_patch(row, &manifest->assets[row->index].hash, asset, err);
}

static pnr_status read_assets(pnr_delta_manifest *delta, const char *text, pnr_json_span list, pnr_error *err)
{
	pnr_json_member members[ASSET_COUNT];
	memcpy(members, asset_members, sizeof members);
	delta->assets = calloc(delta->manifest->asset_count + 1, sizeof *delta->assets);
	if (delta->assets == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_json_read_rows(text, list, "/" PNR_DELTA_KEY "/assets", members, ASSET_COUNT, read_asset,
	                                       delta, err);
	if (status == PNR_OK && delta->asset_count != delta->manifest->asset_count)
		status = pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/assets has %zu, the package %zu", delta->asset_count,
		                  delta->manifest->asset_count);
	return status;
}

/* ------------------------------------------------------------------- removed -- */

typedef struct removed_scan {
	pnr_delta_manifest *delta;
	const char *text;
	const char **paths; /* of the package, sorted */
} removed_scan;

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static pnr_status visit_removed(void *user, const pnr_json_event *event, pnr_error *err)
{
	removed_scan *scan = user;
	pnr_delta_manifest *delta = scan->delta;
	if (event->depth != 1)
		return PNR_OK;
	if (event->type != PNR_JSON_STRING)
		return pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/removed/%zu is not a string", event->index);
	PNR_CLEANUP(pnr_cleanup_free) char *path = pnr_json_string_at(scan->text, event->span);
	if (path == NULL)
		return pnr_fail_nomem(err);
	const char *key = path;
	if (bsearch(&key, scan->paths, delta->asset_count, sizeof key, compare_paths) != NULL)
		return pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/removed/%zu is in the package: '%s'", event->index, path);
	delta->removed_count++;
	return PNR_OK;
}

static pnr_status read_removed(pnr_delta_manifest *delta, const char *text, pnr_json_span list, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) const char **paths = calloc(delta->asset_count + 1, sizeof *paths);
	removed_scan scan = { delta, text + list.start, paths };
	if (paths == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < delta->asset_count; i++)
		paths[i] = delta->manifest->assets[i].path;
	pnr_array_sort(paths, delta->asset_count, sizeof *paths, compare_paths);
	return pnr_json_scan_part(text, list, visit_removed, &scan, err);
}

/* ----------------------------------------------------------------- the whole -- */

static pnr_status check_format(const char *text, const pnr_json_member *member, pnr_error *err)
{
	uint64_t format = 0;
	pnr_status status = pnr_json_check_members(member, 1, "/" PNR_DELTA_KEY, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_json_size_at(text, member->span, &format) || format == 0)
		return pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/format is not a number from 1 on");
	if (format > PNR_DELTA_FORMAT)
		return pnr_fail(err, PNR_UNSUPPORTED, "a delta of format %" PRIu64 "; this build reads %u", format,
		                PNR_DELTA_FORMAT);
	return PNR_OK;
}

static pnr_status read_scalars(pnr_delta_manifest *delta, const char *text, const pnr_json_member *members,
                               pnr_error *err)
{
	delta->has_base = members[BASE_PACKAGE].seen;
	if (delta->has_base && !pnr_json_digest_at(text, members[BASE_PACKAGE].span, &delta->base_package_hash))
		return pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/basePackageHash is not 64 lower-case hex digits");
	if (!pnr_json_digest_at(text, members[ARCHIVE_HASH].span, &delta->archive_hash))
		return pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/archiveHash is not 64 lower-case hex digits");
	if (!pnr_json_size_at(text, members[ARCHIVE_SIZE].span, &delta->archive_size))
		return pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/archiveSize is not a whole number from 0 to 2^53");
	delta->name = pnr_json_string_at(text, members[NAME].span);
	delta->archive_options = pnr_json_string_at(text, members[ARCHIVE_OPTIONS].span);
	return delta->name == NULL || delta->archive_options == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status read_tail(pnr_delta_manifest *delta, const char *text, pnr_json_span span, pnr_error *err)
{
	pnr_json_member members[TOP_COUNT];
	memcpy(members, top_members, sizeof members);
	pnr_status status = pnr_json_note_members(text, span, "/" PNR_DELTA_KEY, members, TOP_COUNT, err);
	text += span.start;
	/* The format first: it says whether the rest is to be understood at all. */
	if (status == PNR_OK)
		status = check_format(text, &members[FORMAT], err);
	if (status == PNR_OK)
		status = pnr_json_check_members(members, TOP_COUNT, "/" PNR_DELTA_KEY, err);
	if (status == PNR_OK)
		status = read_scalars(delta, text, members, err);
	if (status == PNR_OK)
		status = pnr_manifest_read(delta->text.data, delta->text.length, &delta->manifest, err);
	if (status == PNR_OK)
		status = read_assets(delta, text, members[ASSETS].span, err);
	return status == PNR_OK ? read_removed(delta, text, members[REMOVED].span, err) : status;
}

pnr_status pnr_delta_manifest_read(const char *text, size_t length, pnr_delta_manifest *out_delta, pnr_error *err)
{
	PNR_CLEANUP(pnr_delta_manifest_free) pnr_delta_manifest delta = PNR_DELTA_MANIFEST_INIT;
	pnr_json_span tail;
	pnr_status status = pnr_manifest_cut_tail(text, length, PNR_DELTA_KEY, &tail, &delta.text, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "it is no delta: its manifest has no key \"" PNR_DELTA_KEY "\"");
	if (status == PNR_OK)
		status = read_tail(&delta, text, tail, err);
	if (status != PNR_OK)
		return status;
	*out_delta = delta;
	delta = (pnr_delta_manifest)PNR_DELTA_MANIFEST_INIT;
	return PNR_OK;
}

void pnr_delta_manifest_free(pnr_delta_manifest *delta)
{
	pnr_buffer_free(&delta->text);
	pnr_manifest_free(delta->manifest);
	free(delta->name);
	free(delta->archive_options);
	free(delta->assets);
	*delta = (pnr_delta_manifest)PNR_DELTA_MANIFEST_INIT;
}
