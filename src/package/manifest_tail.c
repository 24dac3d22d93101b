#include "package/manifest_tail.h"
#include <string.h>

static const char end[] = "\n}\n";
#define END_LENGTH (sizeof end - 1)

static bool ends_as_ours(const char *text, size_t length)
{
	return length > END_LENGTH && memcmp(text + length - END_LENGTH, end, END_LENGTH) == 0;
}

pnr_status pnr_manifest_add_tail(const char *text, size_t length, const char *key, const char *value, pnr_buffer *out,
                                 pnr_error *err)
{
	if (!ends_as_ours(text, length))
		return pnr_fail(err, PNR_CORRUPT, "the manifest does not end as ours do");
	pnr_buffer_append(out, text, length - END_LENGTH);
	pnr_buffer_printf(out, ",\n  \"%s\": ", key);
	pnr_json_reindent(out, value, (pnr_json_span){ 0, strlen(value) }, 1);
	pnr_buffer_puts(out, end);
	return pnr_buffer_status(out, err);
}

typedef struct search {
	const char *text, *key;
	pnr_json_span found_key, found; /* start == end: not there */
	pnr_json_span last;             /* value of the object */
} search;

static pnr_status visit(void *user, const pnr_json_event *event, pnr_error *err)
{
	search *s = user;
	(void)err;
	if (event->depth != 1 || event->key.start == event->key.end)
		return PNR_OK;
	size_t length = strlen(s->key);
	s->last = event->span;
	if (event->key.end - event->key.start == length + 2 &&
	    memcmp(s->text + event->key.start + 1, s->key, length) == 0) {
		s->found_key = event->key;
		s->found = event->span;
	}
	return PNR_OK;
}

pnr_status pnr_manifest_cut_tail(const char *text, size_t length, const char *key, pnr_json_span *out_value,
                                 pnr_buffer *out, pnr_error *err)
{
	static const char before[] = ",\n  ", between[] = ": ";
	search s = { .text = text, .key = key };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_json_scan(text, length, &pnr_json_manifest_limits, visit, &s, NULL, &own);
	if (status == PNR_NOMEM)
		return pnr_fail_with(err, &own);
	if (status != PNR_OK)
		return pnr_fail(err, PNR_CORRUPT, "%s", own.message);
	if (s.found.start == s.found.end)
		return PNR_NOT_FOUND;
	size_t start = s.found_key.start;
	if (s.found.end != s.last.end || !ends_as_ours(text, length) || s.found.end != length - END_LENGTH ||
	    start < sizeof before || memcmp(text + start - strlen(before), before, strlen(before)) != 0 ||
	    s.found.start != s.found_key.end + strlen(between) ||
	    memcmp(text + s.found_key.end, between, strlen(between)) != 0)
		return pnr_fail(err, PNR_CORRUPT, "the key \"%s\" does not stand at its end as we write it", key);
	pnr_buffer_append(out, text, start - strlen(before));
	pnr_buffer_puts(out, end);
	status = pnr_buffer_status(out, err);
	if (status == PNR_OK)
		*out_value = s.found;
	return status;
}
