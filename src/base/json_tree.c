#include "base/json_string.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define MARK_EVERY 4096u

typedef struct place {
	const cJSON *item;
	uint32_t start, end;
} place;

/* The line on which every MARK_EVERY-th byte is: positions are found without reading from the top. */
typedef struct mark {
	unsigned line;
	uint32_t line_start;
} mark;

struct pnr_json_document {
	const char *text;
	size_t length;
	cJSON *root;
	pnr_buffer places; /* the item at [item->valueint], which nobody else uses */
	mark *marks;
};

typedef struct siblings {
	cJSON *first, *last;
} siblings;

/* Makes items of the scanner's events. */
typedef struct builder {
	pnr_json_document *document;
	siblings *pending; /* [depth]: values that ended there and whose parent did not */
	locale_t locale;
	pnr_buffer number;
} builder;

static const pnr_json_span no_span = { 0, 0 };

/* What the string @span, quotes included, means. */
static char *decode(const char *text, pnr_json_span span)
{
	const char *start = text + span.start + 1;
	size_t length = span.end - span.start - 2;
	char *out = cJSON_malloc(length + 1);
	if (out == NULL)
		return NULL;
	if (memchr(start, '\\', length) == NULL) {
		memcpy(out, start, length);
		out[length] = '\0';
		return out;
	}
	pnr_json_cursor c = { .at = start, .end = start + length };
	size_t used = 0;
	for (int byte; (byte = pnr_json_cursor_next(&c)) >= 0;)
		out[used++] = (char)byte;
	out[used] = '\0';
	return out;
}

static cJSON *new_string(char *text)
{
	cJSON *item = text == NULL ? NULL : cJSON_CreateNull();
	if (item == NULL) {
		cJSON_free(text);
		return NULL;
	}
	item->type = cJSON_String;
	item->valuestring = text;
	return item;
}

static cJSON *new_number(builder *b, pnr_json_span span)
{
	pnr_buffer_clear(&b->number);
	pnr_buffer_append(&b->number, b->document->text + span.start, span.end - span.start);
	return b->number.failed ? NULL : cJSON_CreateNumber(strtod_l(b->number.data, NULL, b->locale));
}

static cJSON *new_item(builder *b, const pnr_json_event *event)
{
	switch (event->type) {
	case PNR_JSON_NULL:
		return cJSON_CreateNull();
	case PNR_JSON_FALSE:
	case PNR_JSON_TRUE:
		return cJSON_CreateBool(event->type == PNR_JSON_TRUE);
	case PNR_JSON_NUMBER:
		return new_number(b, event->span);
	case PNR_JSON_STRING:
		return new_string(decode(b->document->text, event->span));
	case PNR_JSON_ARRAY:
		return cJSON_CreateArray();
	case PNR_JSON_OBJECT:
		return cJSON_CreateObject();
	}
	return NULL;
}

/* Take the values that wait one level below @item as its children. */
static void adopt(siblings *children, cJSON *item)
{
	item->child = children->first;
	if (children->first != NULL)
		children->first->prev = children->last; /* as cJSON keeps its lists */
	*children = (siblings){ NULL, NULL };
}

static void queue(siblings *list, cJSON *item)
{
	item->prev = list->last;
	if (list->last != NULL)
		list->last->next = item;
	else
		list->first = item;
	list->last = item;
}

static pnr_status build(void *user, const pnr_json_event *event, pnr_error *err)
{
	builder *b = user;
	cJSON *item = new_item(b, event);
	if (item == NULL)
		return pnr_fail_nomem(err);
	if (event->type >= PNR_JSON_ARRAY)
		adopt(&b->pending[event->depth + 1], item);
	queue(&b->pending[event->depth], item);
	if (event->key.start < event->key.end) {
		item->string = decode(b->document->text, event->key);
		if (item->string == NULL)
			return pnr_fail_nomem(err);
	}
	const place p = { item, (uint32_t)event->span.start, (uint32_t)event->span.end };
	item->valueint = (int)(b->document->places.length / sizeof p);
	pnr_buffer_append(&b->document->places, &p, sizeof p);
	return pnr_buffer_status(&b->document->places, err);
}

static pnr_status make_marks(pnr_json_document *document, pnr_error *err)
{
	size_t count = document->length / MARK_EVERY + 1, line_start = 0;
	unsigned line = 1;
	document->marks = malloc(count * sizeof *document->marks);
	if (document->marks == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			pnr_json_count_lines(document->text, (i - 1) * MARK_EVERY, i * MARK_EVERY, &line, &line_start);
		document->marks[i] = (mark){ line, (uint32_t)line_start };
	}
	return PNR_OK;
}

static pnr_status build_tree(builder *b, const pnr_json_limits *limits, pnr_json_fault *out_fault,
                             pnr_error *err)
{
	pnr_json_document *document = b->document;
	unsigned levels = pnr_json_depth_limit(limits) + 2;
	b->pending = calloc(levels, sizeof *b->pending);
	b->locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	pnr_status status = b->pending == NULL || b->locale == (locale_t)0 ? pnr_fail_nomem(err) : PNR_OK;
	if (status == PNR_OK)
		status = pnr_json_scan(document->text, document->length, limits, build, b, out_fault, err);
	if (status == PNR_OK)
		document->root = PNR_STEAL(b->pending[0].first);
	for (unsigned i = 0; b->pending != NULL && i < levels; i++)
		cJSON_Delete(b->pending[i].first);
	free(b->pending);
	if (b->locale != (locale_t)0)
		freelocale(b->locale);
	pnr_buffer_free(&b->number);
	return status;
}

pnr_status pnr_json_parse(const char *text, size_t length, const pnr_json_limits *limits,
                          pnr_json_document **out_document, pnr_json_fault *out_fault, pnr_error *err)
{
	pnr_json_document *document = calloc(1, sizeof *document);
	if (document == NULL)
		return pnr_fail_nomem(err);
	document->text = text;
	document->length = length;
	builder b = { .document = document };
	pnr_status status = build_tree(&b, limits, out_fault, err);
	if (status == PNR_OK)
		status = make_marks(document, err);
	if (status != PNR_OK) {
		pnr_json_free(document);
		return status;
	}
	*out_document = document;
	return PNR_OK;
}

const cJSON *pnr_json_root(const pnr_json_document *document)
{
	return document->root;
}

pnr_json_span pnr_json_span_of(const pnr_json_document *document, const cJSON *item)
{
	const place *places = (const place *)(const void *)document->places.data;
	size_t count = document->places.length / sizeof *places;
	if (item == NULL || item->valueint < 0 || (size_t)item->valueint >= count || places[item->valueint].item != item)
		return no_span;
	return (pnr_json_span){ places[item->valueint].start, places[item->valueint].end };
}

void pnr_json_position(const pnr_json_document *document, size_t offset, unsigned *out_line,
                       unsigned *out_column)
{
	if (offset > document->length)
		offset = document->length;
	size_t nearest = offset / MARK_EVERY;
	size_t line_start = document->marks[nearest].line_start;
	*out_line = document->marks[nearest].line;
	pnr_json_count_lines(document->text, nearest * MARK_EVERY, offset, out_line, &line_start);
	*out_column = (unsigned)(offset - line_start) + 1;
}

void pnr_json_free(pnr_json_document *document)
{
	if (document == NULL)
		return;
	cJSON_Delete(document->root);
	pnr_buffer_free(&document->places);
	free(document->marks);
	free(document);
}
