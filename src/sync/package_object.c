#include "sync/package_object.h"
#include "base/array.h"
#include "base/json_members.h"
#include "codec/hash.h"
#include "package/manifest_read.h"
#include "package/manifest_tail.h"
#include "remote/remote.h"
#include <inttypes.h>
#include <pannier/package.h>
#include <pannier/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAIL_KEY "remote"
#define FORMAT 1u

static const char *const form_names[] = {
	[PNR_OBJECT_GZIP] = "gzip",
	[PNR_OBJECT_STORED] = "stored",
	[PNR_OBJECT_PATCH] = "patch",
};

const char *pnr_object_form_name(pnr_object_form form)
{
	return form_names[form];
}

bool pnr_object_form_parse(const char *name, pnr_object_form *out_form)
{
	for (unsigned form = 0; form < PNR_COUNT(form_names); form++) {
		if (strcmp(name, form_names[form]) == 0) {
			*out_form = (pnr_object_form)form;
			return true;
		}
	}
	return false;
}

/* --------------------------------------------------------------------- keys -- */

const char *pnr_key_of_object(const pnr_object_row *object, char out[PNR_KEY_SIZE])
{
	char hash[PNR_DIGEST_HEX_SIZE], base[PNR_DIGEST_HEX_SIZE];
	pnr_digest_to_hex(&object->hash, hash);
	if (object->form == PNR_OBJECT_PATCH)
		(void)snprintf(out, PNR_KEY_SIZE, "patches/%s/%s.zst", hash, pnr_digest_to_hex(&object->base, base));
	else
		(void)snprintf(out, PNR_KEY_SIZE, "blobs/%.2s/%s%s", hash, hash,
		               object->form == PNR_OBJECT_GZIP ? ".gz" : "");
	return out;
}

const char *pnr_key_of_package(const pnr_digest *package_hash, const pnr_digest *manifest_hash, char out[PNR_KEY_SIZE])
{
	char package[PNR_DIGEST_HEX_SIZE], manifest[PNR_DIGEST_HEX_SIZE];
	(void)snprintf(out, PNR_KEY_SIZE, "packages/%s/%s.json", pnr_digest_to_hex(package_hash, package),
	               pnr_digest_to_hex(manifest_hash, manifest));
	return out;
}

pnr_status pnr_key_of_tag(const char *tag, char out[PNR_KEY_SIZE], pnr_error *err)
{
	char key[PNR_KEY_SIZE];
	pnr_status status = pnr_tag_check(tag, err);
	if (status != PNR_OK)
		return status;
	(void)snprintf(key, sizeof key, "tags/%s", tag);
	const char *problem = pnr_remote_key_problem(key);
	if (problem != NULL)
		return pnr_fail(err, PNR_INVALID, "'%s' cannot be a tag on a remote: its key '%s' %s", tag, key, problem);
	memcpy(out, key, sizeof key);
	return PNR_OK;
}

/* ------------------------------------------------------------------ writing -- */

static void put_string(pnr_buffer *out, const char *key, const char *value)
{
	pnr_buffer_printf(out, ",\"%s\":", key);
	pnr_json_quote(out, value, strlen(value));
}

static void put_object(pnr_buffer *out, const pnr_object_row *row)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(out, "{\"hash\":\"%s\",\"size\":%" PRIu64 ",\"form\":\"%s\"", pnr_digest_to_hex(&row->hash, hex),
	                  row->size, form_names[row->form]);
	if (row->form == PNR_OBJECT_PATCH)
		pnr_buffer_printf(out, ",\"base\":\"%s\",\"depth\":%u", pnr_digest_to_hex(&row->base, hex), row->depth);
	pnr_buffer_printf(out, ",\"storedHash\":\"%s\",\"storedSize\":%" PRIu64 "}",
	                  pnr_digest_to_hex(&row->stored_hash, hex), row->stored_size);
}

pnr_status pnr_package_object_write(const pnr_package_object *object, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer tail = PNR_BUFFER_INIT;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(&tail, "{\"format\":%u", FORMAT);
	put_string(&tail, "name", object->name);
	put_string(&tail, "archiveHash", pnr_digest_to_hex(&object->archive_hash, hex));
	pnr_buffer_printf(&tail, ",\"archiveSize\":%" PRIu64, object->archive_size);
	put_string(&tail, "archiveOptions", object->archive_options);
	pnr_buffer_puts(&tail, ",\"objects\":[");
	for (size_t i = 0; i < object->object_count; i++) {
		pnr_buffer_puts(&tail, i > 0 ? "," : "");
		put_object(&tail, &object->objects[i]);
	}
	pnr_buffer_puts(&tail, "]}");
	pnr_status status = pnr_buffer_status(&tail, err);
	return status == PNR_OK ? pnr_manifest_add_tail(object->manifest.data, object->manifest.length, TAIL_KEY, tail.data,
	                                                out, err)
	                        : status;
}

/* ------------------------------------------------------------------ reading -- */

enum { FORMAT_KEY, NAME, ARCHIVE_HASH, ARCHIVE_SIZE, ARCHIVE_OPTIONS, OBJECTS, TAIL_COUNT };
enum { HASH, SIZE, FORM, BASE, DEPTH, STORED_HASH, STORED_SIZE, ROW_COUNT };

static const pnr_json_member tail_members[TAIL_COUNT] = {
	[FORMAT_KEY] = { "format", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[NAME] = { "name", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ARCHIVE_HASH] = { "archiveHash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[ARCHIVE_SIZE] = { "archiveSize", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[ARCHIVE_OPTIONS] = { "archiveOptions", PNR_JSON_STRING, true, false, { 0, 0 } },
	[OBJECTS] = { "objects", PNR_JSON_ARRAY, true, false, { 0, 0 } },
};

static const pnr_json_member row_members[ROW_COUNT] = {
	[HASH] = { "hash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[SIZE] = { "size", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[FORM] = { "form", PNR_JSON_STRING, true, false, { 0, 0 } },
	[BASE] = { "base", PNR_JSON_STRING, false, false, { 0, 0 } },
	[DEPTH] = { "depth", PNR_JSON_NUMBER, false, false, { 0, 0 } },
	[STORED_HASH] = { "storedHash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[STORED_SIZE] = { "storedSize", PNR_JSON_NUMBER, true, false, { 0, 0 } },
};

typedef struct reading {
	pnr_package_object *object;
	size_t capacity;
} reading;

static pnr_status read_patch(const pnr_json_row *json, pnr_object_row *row, pnr_error *err)
{
	const pnr_json_member *members = json->members;
	const char *text = json->text, *place = json->place;
	uint64_t depth = 0;
	bool patch = row->form == PNR_OBJECT_PATCH;
	if (members[BASE].seen != patch || members[DEPTH].seen != patch)
		return pnr_fail(err, PNR_CORRUPT, "%s: a patch has a base and a depth, and nothing else has", place);
	if (!patch)
		return PNR_OK;
	if (!pnr_json_digest_at(text, members[BASE].span, &row->base))
		return pnr_fail(err, PNR_CORRUPT, "%s/base is not 64 lower-case hex digits", place);
	if (!pnr_json_size_at(text, members[DEPTH].span, &depth) || depth < 1 || depth > PNR_CHAIN_MAX)
		return pnr_fail(err, PNR_CORRUPT, "%s/depth is not a number from 1 to %u", place, PNR_CHAIN_MAX);
	row->depth = (unsigned)depth;
	return PNR_OK;
}

static pnr_status read_row(const pnr_json_row *json, pnr_object_row *row, pnr_error *err)
{
	const pnr_json_member *members = json->members;
	const char *text = json->text, *place = json->place;
	if (!pnr_json_digest_at(text, members[HASH].span, &row->hash))
		return pnr_fail(err, PNR_CORRUPT, "%s/hash is not 64 lower-case hex digits", place);
	if (!pnr_json_digest_at(text, members[STORED_HASH].span, &row->stored_hash))
		return pnr_fail(err, PNR_CORRUPT, "%s/storedHash is not 64 lower-case hex digits", place);
	if (!pnr_json_size_at(text, members[SIZE].span, &row->size) ||
	    !pnr_json_size_at(text, members[STORED_SIZE].span, &row->stored_size))
		return pnr_fail(err, PNR_CORRUPT, "%s: a size is not a whole number from 0 to 2^53", place);
	unsigned form = 0;
	while (form < PNR_COUNT(form_names) && !pnr_json_string_is(text, members[FORM].span, form_names[form]))
		form++;
	if (form == PNR_COUNT(form_names))
		return pnr_fail(err, PNR_CORRUPT, "%s/form is none of gzip, stored, patch", place);
	row->form = (pnr_object_form)form;
	if (row->form == PNR_OBJECT_STORED &&
	    (row->stored_size != row->size || !pnr_digest_equal(&row->stored_hash, &row->hash)))
		return pnr_fail(err, PNR_CORRUPT, "%s: what is stored as it is has one hash and one size", place);
	return read_patch(json, row, err);
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(&((const pnr_object_row *)a)->hash, &((const pnr_object_row *)b)->hash, sizeof(pnr_digest));
}

static pnr_status add_row(void *user, const pnr_json_row *json, pnr_error *err)
{
	reading *r = user;
	pnr_package_object *object = r->object;
	pnr_object_row *rows = pnr_array_grow(object->objects, sizeof *rows, object->object_count, &r->capacity);
	if (rows == NULL)
		return pnr_fail_nomem(err);
	object->objects = rows;
	pnr_object_row row = { .form = PNR_OBJECT_GZIP };
	pnr_status status = read_row(json, &row, err);
	if (status == PNR_OK && object->object_count > 0 && by_hash(&rows[object->object_count - 1], &row) >= 0)
		status = pnr_fail(err, PNR_CORRUPT, "%s is not in the order of the hashes", json->place);
	if (status == PNR_OK)
		rows[object->object_count++] = row;
	return status;
}

/* Whether the rest is to be understood at all. */
static pnr_status check_format(const char *text, const pnr_json_member *format, const char *place, pnr_error *err)
{
	uint64_t number = 0;
	pnr_status status = pnr_json_check_members(format, 1, place, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_json_size_at(text, format->span, &number) || number == 0)
		return pnr_fail(err, PNR_CORRUPT, "%s/format is not a number from 1 on", place);
	if (number > FORMAT)
		return pnr_fail(err, PNR_UNSUPPORTED, "its format is %" PRIu64 "; this build reads %u", number, FORMAT);
	return PNR_OK;
}

static pnr_status read_scalars(pnr_package_object *object, const char *text, const pnr_json_member *members,
                               pnr_error *err)
{
	if (!pnr_json_digest_at(text, members[ARCHIVE_HASH].span, &object->archive_hash))
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/archiveHash is not 64 lower-case hex digits");
	if (!pnr_json_size_at(text, members[ARCHIVE_SIZE].span, &object->archive_size))
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/archiveSize is not a whole number from 0 to 2^53");
	object->name = pnr_json_string_at(text, members[NAME].span);
	object->archive_options = pnr_json_string_at(text, members[ARCHIVE_OPTIONS].span);
	if (object->name == NULL || object->archive_options == NULL)
		return pnr_fail_nomem(err);
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_json_scan(object->archive_options, strlen(object->archive_options),
	                                  &pnr_json_config_limits, NULL, NULL, NULL, &own);
	if (status == PNR_NOMEM)
		return pnr_fail_with(err, &own);
	if (status != PNR_OK || object->archive_options[0] != '{')
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/archiveOptions is not the text of a JSON object");
	return PNR_OK;
}

static pnr_status read_tail(pnr_package_object *object, const char *text, pnr_json_span span, pnr_error *err)
{
	pnr_json_member members[TAIL_COUNT], rows[ROW_COUNT];
	reading r = { .object = object };
	memcpy(members, tail_members, sizeof members);
	memcpy(rows, row_members, sizeof rows);
	pnr_status status = pnr_json_note_members(text, span, "/" TAIL_KEY, members, TAIL_COUNT, err);
	text += span.start;
	if (status == PNR_OK)
		status = check_format(text, &members[FORMAT_KEY], "/" TAIL_KEY, err);
	if (status == PNR_OK)
		status = pnr_json_check_members(members, TAIL_COUNT, "/" TAIL_KEY, err);
	if (status == PNR_OK)
		status = read_scalars(object, text, members, err);
	return status == PNR_OK ? pnr_json_read_rows(text, members[OBJECTS].span, "/" TAIL_KEY "/objects", rows, ROW_COUNT,
	                                             add_row, &r, err)
	                        : status;
}

/* ------------------------------------------------- what belongs to each other -- */

const pnr_object_row *pnr_package_object_find(const pnr_package_object *object, const pnr_digest *hash)
{
	const pnr_object_row key = { .hash = *hash };
	return object->object_count == 0
		       ? NULL
		       : bsearch(&key, object->objects, object->object_count, sizeof key, by_hash);
}

static pnr_status fail_row(const pnr_object_row *row, const char *problem, pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/objects: %s %s", pnr_digest_to_hex(&row->hash, hex), problem);
}

static pnr_status check_assets(const pnr_package_object *object, const pnr_manifest *manifest, bool *needed,
                               pnr_error *err)
{
	for (size_t i = 0; i < manifest->asset_count; i++) {
		const pnr_manifest_asset *asset = &manifest->assets[i];
		const pnr_object_row *row = pnr_package_object_find(object, &asset->hash);
		if (row == NULL)
			return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/objects has none for the asset '%s'", asset->path);
		if (row->size != asset->size)
			return fail_row(row, "has another size than the manifest says", err);
		needed[row - object->objects] = true;
	}
	return PNR_OK;
}

static pnr_status check_chains(const pnr_package_object *object, bool *needed, pnr_error *err)
{
	for (size_t i = 0; i < object->object_count; i++) {
		const pnr_object_row *row = &object->objects[i];
		if (row->form != PNR_OBJECT_PATCH)
			continue;
		const pnr_object_row *base = pnr_package_object_find(object, &row->base);
		if (base == NULL)
			return fail_row(row, "is a patch whose base is not listed", err);
		if (base->depth != row->depth - 1)
			return fail_row(row, "is a patch of another depth than one more than its base's", err);
		needed[base - object->objects] = true;
	}
	return PNR_OK;
}

static pnr_status check_whole(const pnr_package_object *object, const pnr_manifest *manifest, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) bool *needed = calloc(object->object_count + 1, sizeof *needed);
	if (needed == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = check_assets(object, manifest, needed, err);
	if (status == PNR_OK)
		status = check_chains(object, needed, err);
	for (size_t i = 0; i < object->object_count && status == PNR_OK; i++)
		if (!needed[i])
			status = fail_row(&object->objects[i], "is neither an asset nor the base of a patch", err);
	return status;
}

static pnr_status read_manifest(pnr_package_object *object, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	pnr_status status = pnr_manifest_read(object->manifest.data, object->manifest.length, &manifest, err);
	if (status != PNR_OK)
		return status;
	if (!manifest->has_package_hash)
		return pnr_fail(err, PNR_CORRUPT, "/packageHash is missing");
	object->package_hash = manifest->package_hash;
	status = pnr_hash_memory(object->manifest.data, object->manifest.length, &object->manifest_hash, NULL, err);
	return status == PNR_OK ? check_whole(object, manifest, err) : status;
}

pnr_status pnr_package_object_read(const char *text, size_t length, pnr_package_object *out_object, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_json_span tail;
	pnr_status status = pnr_manifest_cut_tail(text, length, TAIL_KEY, &tail, &object.manifest, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY " is missing");
	if (status == PNR_OK)
		status = read_tail(&object, text, tail, err);
	if (status == PNR_OK)
		status = read_manifest(&object, err);
	if (status != PNR_OK)
		return status;
	*out_object = object;
	object = (pnr_package_object)PNR_PACKAGE_OBJECT_INIT;
	return PNR_OK;
}

void pnr_package_object_free(pnr_package_object *object)
{
	pnr_buffer_free(&object->manifest);
	pnr_buffer_free(&object->text);
	free(object->name);
	free(object->archive_options);
	free(object->objects);
	*object = (pnr_package_object)PNR_PACKAGE_OBJECT_INIT;
}

/* ----------------------------------------------------------------- pointers -- */

enum { POINTER_FORMAT, POINTER_TEXT, POINTER_COUNT };
enum { TEXT_HASH, TEXT_SIZE, TEXT_COUNT };

static const pnr_json_member pointer_members[POINTER_COUNT] = {
	[POINTER_FORMAT] = { "format", PNR_JSON_NUMBER, true, false, { 0, 0 } },
	[POINTER_TEXT] = { "text", PNR_JSON_ARRAY, true, false, { 0, 0 } },
};

static const pnr_json_member text_members[TEXT_COUNT] = {
	[TEXT_HASH] = { "hash", PNR_JSON_STRING, true, false, { 0, 0 } },
	[TEXT_SIZE] = { "size", PNR_JSON_NUMBER, true, false, { 0, 0 } },
};

pnr_status pnr_text_chain_write(const pnr_text_chain *chain, pnr_buffer *out, pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(out, "{\"format\":%u,\"text\":[", FORMAT);
	for (size_t i = 0; i < chain->count; i++)
		pnr_buffer_printf(out, "%s{\"hash\":\"%s\",\"size\":%" PRIu64 "}", i > 0 ? "," : "",
		                  pnr_digest_to_hex(&chain->rows[i].hash, hex), chain->rows[i].size);
	pnr_buffer_puts(out, "]}\n");
	return pnr_buffer_status(out, err);
}

static pnr_status add_text(void *user, const pnr_json_row *json, pnr_error *err)
{
	pnr_text_chain *chain = user;
	const char *place = json->place;
	if (chain->count == PNR_COUNT(chain->rows))
		return pnr_fail(err, PNR_CORRUPT, "%s is one more than the %zu that there may be", place, chain->count);
	pnr_object_row *row = &chain->rows[chain->count];
	if (!pnr_json_digest_at(json->text, json->members[TEXT_HASH].span, &row->hash))
		return pnr_fail(err, PNR_CORRUPT, "%s/hash is not 64 lower-case hex digits", place);
	if (!pnr_json_size_at(json->text, json->members[TEXT_SIZE].span, &row->size) || row->size > PNR_MANIFEST_MAX)
		return pnr_fail(err, PNR_CORRUPT, "%s/size is not a whole number from 0 to %u", place, PNR_MANIFEST_MAX);
	for (size_t i = 0; i < chain->count; i++)
		if (pnr_digest_equal(&chain->rows[i].hash, &row->hash))
			return pnr_fail(err, PNR_CORRUPT, "%s is there twice", place);
	chain->count++;
	return PNR_OK;
}

/* Each is a patch on the one behind it. */
static void link_chain(pnr_text_chain *chain)
{
	for (size_t i = 0; i + 1 < chain->count; i++) {
		chain->rows[i].form = PNR_OBJECT_PATCH;
		chain->rows[i].base = chain->rows[i + 1].hash;
		chain->rows[i].depth = (unsigned)(chain->count - 1 - i);
	}
	chain->rows[chain->count - 1].form = PNR_OBJECT_GZIP;
}

static pnr_status compare_pointer(const pnr_text_chain *chain, const char *text, size_t length, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer again = PNR_BUFFER_INIT;
	pnr_status status = pnr_text_chain_write(chain, &again, err);
	if (status == PNR_OK && (again.length != length || memcmp(again.data, text, length) != 0))
		status = pnr_fail(err, PNR_CORRUPT, "it is not written as we write it");
	return status;
}

pnr_status pnr_text_chain_read(const char *text, size_t length, pnr_text_chain *out_chain, pnr_error *err)
{
	pnr_text_chain chain = { .count = 0 };
	pnr_json_member members[POINTER_COUNT], rows[TEXT_COUNT];
	memcpy(members, pointer_members, sizeof members);
	memcpy(rows, text_members, sizeof rows);
	pnr_status status = pnr_json_note_members(text, (pnr_json_span){ 0, length }, "", members, POINTER_COUNT, err);
	if (status == PNR_OK)
		status = check_format(text, &members[POINTER_FORMAT], "", err);
	if (status == PNR_OK)
		status = pnr_json_check_members(members, POINTER_COUNT, "", err);
	if (status == PNR_OK)
		status = pnr_json_read_rows(text, members[POINTER_TEXT].span, "/text", rows, TEXT_COUNT, add_text, &chain, err);
	if (status == PNR_OK && chain.count == 0)
		status = pnr_fail(err, PNR_CORRUPT, "/text is empty");
	if (status == PNR_OK)
		status = compare_pointer(&chain, text, length, err);
	if (status != PNR_OK)
		return status;
	link_chain(&chain);
	*out_chain = chain;
	return PNR_OK;
}

pnr_package_object pnr_text_chain_objects(const pnr_text_chain *chain, pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1])
{
	memcpy(rows, chain->rows, chain->count * sizeof *rows);
	pnr_array_sort(rows, chain->count, sizeof *rows, by_hash);
	return (pnr_package_object){ .objects = rows, .object_count = chain->count };
}
