#include "base/json_members.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *type_name(pnr_json_type type)
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

pnr_status pnr_json_scan_part(const char *text, pnr_json_span span, pnr_json_visit visit, void *user, pnr_error *err)
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

char *pnr_json_string_at(const char *text, pnr_json_span span)
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

bool pnr_json_string_is(const char *text, pnr_json_span span, const char *wanted)
{
	const char *inside = text + span.start + 1;
	size_t length = span.end - span.start - 2;
	if (memchr(inside, '\\', length) == NULL)
		return strlen(wanted) == length && memcmp(inside, wanted, length) == 0;
	PNR_CLEANUP(pnr_cleanup_free) char *decoded = pnr_json_string_at(text, span);
	return decoded != NULL && strcmp(decoded, wanted) == 0;
}

bool pnr_json_size_at(const char *text, pnr_json_span span, uint64_t *out_size)
{
	uint64_t size = 0;
	for (size_t i = span.start; i < span.end; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		size = size * 10 + (uint64_t)(text[i] - '0');
		if (size > PNR_JSON_SIZE_MAX)
			return false;
	}
	*out_size = size;
	return true;
}

bool pnr_json_digest_at(const char *text, pnr_json_span span, pnr_digest *out_digest)
{
	return pnr_digest_from_hex(text + span.start + 1, span.end - span.start - 2, out_digest);
}

/* Duplicate keys do not get past the scanner. */
static void note_member(pnr_json_member *members, size_t count, const char *text, const pnr_json_event *event)
{
	if (event->key.start == event->key.end)
		return;
	for (size_t i = 0; i < count; i++) {
		if (!pnr_json_string_is(text, event->key, members[i].key))
			continue;
		members[i].seen = true;
		members[i].span = event->span;
		/* Reported by pnr_json_check_members: a wrong type is kept as such. */
		if (members[i].type != event->type)
			members[i].span.start = members[i].span.end;
		return;
	}
}

/* What is scanned: an object, or a list of such. */
typedef struct scan {
	const char *text;
	const char *place;
	pnr_json_member *members;
	size_t count;
	pnr_status (*read)(void *user, const pnr_json_row *row, pnr_error *err);
	void *user;
} scan;

static pnr_status visit_object(void *user, const pnr_json_event *event, pnr_error *err)
{
	const scan *s = user;
	if (event->depth == 1)
		note_member(s->members, s->count, s->text, event);
	if (event->depth == 0 && event->type != PNR_JSON_OBJECT)
		return pnr_fail(err, PNR_CORRUPT, "%s is not an object", s->place[0] == '\0' ? "it" : s->place);
	return PNR_OK;
}

pnr_status pnr_json_note_members(const char *text, pnr_json_span span, const char *place, pnr_json_member *members,
                                 size_t count, pnr_error *err)
{
	scan s = { .text = text + span.start, .place = place, .members = members, .count = count };
	return pnr_json_scan_part(text, span, visit_object, &s, err);
}

pnr_status pnr_json_check_members(const pnr_json_member *members, size_t count, const char *place, pnr_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (!members[i].seen && members[i].needed)
			return pnr_fail(err, PNR_CORRUPT, "%s/%s is missing", place, members[i].key);
		if (members[i].seen && members[i].span.start == members[i].span.end)
			return pnr_fail(err, PNR_CORRUPT, "%s/%s is not %s", place, members[i].key, type_name(members[i].type));
	}
	return PNR_OK;
}

static pnr_status visit_list(void *user, const pnr_json_event *event, pnr_error *err)
{
	const scan *s = user;
	char place[64];
	if (event->depth == 2)
		note_member(s->members, s->count, s->text, event);
	if (event->depth != 1)
		return PNR_OK;
	(void)snprintf(place, sizeof place, "%s/%zu", s->place, event->index);
	if (event->type != PNR_JSON_OBJECT)
		return pnr_fail(err, PNR_CORRUPT, "%s is not an object", place);
	const pnr_json_row row = { s->text, s->members, event->index, place };
	pnr_status status = pnr_json_check_members(s->members, s->count, place, err);
	if (status == PNR_OK)
		status = s->read(s->user, &row, err);
	for (size_t i = 0; i < s->count; i++)
		s->members[i].seen = false;
	return status;
}

pnr_status pnr_json_read_rows(const char *text, pnr_json_span list, const char *place, pnr_json_member *members,
                              size_t count, pnr_status (*read)(void *user, const pnr_json_row *row, pnr_error *err),
                              void *user, pnr_error *err)
{
	scan s = { text + list.start, place, members, count, read, user };
	return pnr_json_scan_part(text, list, visit_list, &s, err);
}
