#include "sync/package_object.h"
#include "base/array.h"
#include "base/json_members.h"
#include "codec/hash.h"
#include "package/manifest_read.h"
#include "package/manifest_tail.h"
#include "remote/remote.h"
#include <inttypes.h>
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

/* How the text ends: behind the check, and from it on. */
static const char end[] = "\"\n  }\n}\n", check[] = "    \"check\": \"", open_end[] = "\n  }\n}\n";
#define CHECK_LENGTH (sizeof check - 1 + 2 * PNR_DIGEST_SIZE + sizeof end - 1)

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

/* The last member: the hash of all that stands before its line. */
static pnr_status add_check(pnr_buffer *text, pnr_buffer *out, pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest hash;
	text->length -= sizeof open_end - 1;
	pnr_buffer_puts(text, ",\n");
	pnr_status status = pnr_buffer_status(text, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(text->data, text->length, &hash, NULL, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_append(out, text->data, text->length);
	pnr_buffer_printf(out, "%s%s%s", check, pnr_digest_to_hex(&hash, hex), end);
	return pnr_buffer_status(out, err);
}

pnr_status pnr_package_object_write(const pnr_package_object *object, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer tail = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
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
	if (status == PNR_OK)
		status = pnr_manifest_add_tail(object->manifest.data, object->manifest.length, TAIL_KEY, tail.data, &text, err);
	return status == PNR_OK ? add_check(&text, out, err) : status;
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
	const char *text; /* of the list of objects */
	pnr_json_member members[ROW_COUNT];
} reading;

static pnr_status read_patch(const reading *r, const char *place, pnr_object_row *row, pnr_error *err)
{
	const pnr_json_member *members = r->members;
	uint64_t depth = 0;
	bool patch = row->form == PNR_OBJECT_PATCH;
	if (members[BASE].seen != patch || members[DEPTH].seen != patch)
		return pnr_fail(err, PNR_CORRUPT, "%s: a patch has a base and a depth, and nothing else has", place);
	if (!patch)
		return PNR_OK;
	if (!pnr_json_digest_at(r->text, members[BASE].span, &row->base))
		return pnr_fail(err, PNR_CORRUPT, "%s/base is not 64 lower-case hex digits", place);
	if (!pnr_json_size_at(r->text, members[DEPTH].span, &depth) || depth < 1 || depth > PNR_CHAIN_MAX)
		return pnr_fail(err, PNR_CORRUPT, "%s/depth is not a number from 1 to %u", place, PNR_CHAIN_MAX);
	row->depth = (unsigned)depth;
	return PNR_OK;
}

static pnr_status read_row(const reading *r, const char *place, pnr_object_row *row, pnr_error *err)
{
	const pnr_json_member *members = r->members;
	const char *text = r->text;
	pnr_status status = pnr_json_check_members(members, ROW_COUNT, place, err);
	if (status != PNR_OK)
		return status;
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
	return read_patch(r, place, row, err);
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(&((const pnr_object_row *)a)->hash, &((const pnr_object_row *)b)->hash, sizeof(pnr_digest));
}

static pnr_status visit_row(void *user, const pnr_json_event *event, pnr_error *err)
{
	reading *r = user;
	pnr_package_object *object = r->object;
	char place[48];
	if (event->depth == 2)
		pnr_json_note_member(r->members, ROW_COUNT, r->text, event);
	if (event->depth != 1)
		return PNR_OK;
	(void)snprintf(place, sizeof place, "/" TAIL_KEY "/objects/%zu", event->index);
	if (event->type != PNR_JSON_OBJECT)
		return pnr_fail(err, PNR_CORRUPT, "%s is not an object", place);
	pnr_object_row *rows = pnr_array_grow(object->objects, sizeof *rows, object->object_count, &r->capacity);
	if (rows == NULL)
		return pnr_fail_nomem(err);
	object->objects = rows;
	pnr_object_row row = { .form = PNR_OBJECT_GZIP };
	pnr_status status = read_row(r, place, &row, err);
	if (status == PNR_OK && object->object_count > 0 && by_hash(&rows[object->object_count - 1], &row) >= 0)
		status = pnr_fail(err, PNR_CORRUPT, "%s is not in the order of the hashes", place);
	if (status != PNR_OK)
		return status;
	rows[object->object_count++] = row;
	memcpy(r->members, row_members, sizeof r->members);
	return PNR_OK;
}

typedef struct tail_scan {
	const char *text;
	pnr_json_member members[TAIL_COUNT];
} tail_scan;

static pnr_status visit_tail(void *user, const pnr_json_event *event, pnr_error *err)
{
	tail_scan *scan = user;
	if (event->depth == 1)
		pnr_json_note_member(scan->members, TAIL_COUNT, scan->text, event);
	if (event->depth == 0 && event->type != PNR_JSON_OBJECT)
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY " is not an object");
	return PNR_OK;
}

static pnr_status check_format(const tail_scan *scan, pnr_error *err)
{
	uint64_t format = 0;
	pnr_status status = pnr_json_check_members(&scan->members[FORMAT_KEY], 1, "/" TAIL_KEY, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_json_size_at(scan->text, scan->members[FORMAT_KEY].span, &format) || format == 0)
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/format is not a number from 1 on");
	if (format > FORMAT)
		return pnr_fail(err, PNR_UNSUPPORTED, "its format is %" PRIu64 "; this build reads %u", format, FORMAT);
	return PNR_OK;
}

static pnr_status read_scalars(pnr_package_object *object, const tail_scan *scan, pnr_error *err)
{
	const pnr_json_member *members = scan->members;
	if (!pnr_json_digest_at(scan->text, members[ARCHIVE_HASH].span, &object->archive_hash))
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/archiveHash is not 64 lower-case hex digits");
	if (!pnr_json_size_at(scan->text, members[ARCHIVE_SIZE].span, &object->archive_size))
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/archiveSize is not a whole number from 0 to 2^53");
	object->name = pnr_json_string_at(scan->text, members[NAME].span);
	object->archive_options = pnr_json_string_at(scan->text, members[ARCHIVE_OPTIONS].span);
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

/* Manifest and objects have hashes of their own; the rest of the text has this one. */
static pnr_status compare_check(const char *text, size_t length, pnr_error *err)
{
	pnr_digest said, hash;
	if (length < CHECK_LENGTH)
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/check is missing");
	const char *line = text + length - CHECK_LENGTH, *hex = line + sizeof check - 1;
	if (memcmp(line, check, sizeof check - 1) != 0 || !pnr_digest_from_hex(hex, 2 * PNR_DIGEST_SIZE, &said) ||
	    memcmp(hex + 2 * PNR_DIGEST_SIZE, end, sizeof end - 1) != 0)
		return pnr_fail(err, PNR_CORRUPT, "/" TAIL_KEY "/check does not stand at its end as we write it");
	pnr_status status = pnr_hash_memory(text, length - CHECK_LENGTH, &hash, NULL, err);
	if (status == PNR_OK && !pnr_digest_equal(&hash, &said))
		return pnr_fail(err, PNR_CORRUPT, "its text is not the one that /" TAIL_KEY "/check is of");
	return status;
}

static pnr_status read_tail(pnr_package_object *object, const char *text, size_t length, pnr_json_span span,
                            pnr_error *err)
{
	tail_scan scan = { .text = text + span.start };
	memcpy(scan.members, tail_members, sizeof scan.members);
	pnr_status status = pnr_json_scan_part(text, span, visit_tail, &scan, err);
	/* The format first: it says whether the rest is to be understood at all. */
	if (status == PNR_OK)
		status = check_format(&scan, err);
	if (status == PNR_OK)
		status = compare_check(text, length, err);
	if (status == PNR_OK)
		status = pnr_json_check_members(scan.members, TAIL_COUNT, "/" TAIL_KEY, err);
	if (status == PNR_OK)
		status = read_scalars(object, &scan, err);
	if (status != PNR_OK)
		return status;
	pnr_json_span list = scan.members[OBJECTS].span;
	reading r = { .object = object, .text = scan.text + list.start };
	memcpy(r.members, row_members, sizeof r.members);
	return pnr_json_scan_part(scan.text, list, visit_row, &r, err);
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
		status = read_tail(&object, text, length, tail, err);
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
	free(object->name);
	free(object->archive_options);
	free(object->objects);
	*object = (pnr_package_object)PNR_PACKAGE_OBJECT_INIT;
}
