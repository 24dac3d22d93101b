/*
 * Any bytes as JSON. What the scanner accepts, cJSON parses to the same tree;
 * spans nest; a reindented text scans again, with the same tokens; what is
 * quoted reads back.
 */
#include "target.h"
#include "base/json.h"
#include "base/path.h"
#include <stdlib.h>
#include <string.h>

#define CJSON_NUMBER_MAX 63u /* bytes of a number that cJSON reads */

static const pnr_json_limits limits = { 1 << 20, 100000, 64 };

typedef struct tokens {
	const char *text;
	pnr_buffer scalars; /* keys and scalars, each on a line with its depth and type */
	size_t last_end;
	bool long_number;
} tokens;

static pnr_status take(void *user, const pnr_json_event *event, pnr_error *err)
{
	tokens *t = user;
	size_t length = event->span.end - event->span.start;
	bool container = event->type >= PNR_JSON_ARRAY;
	REQUIRE(length > 0 && event->depth <= limits.depth);
	REQUIRE(event->span.end >= t->last_end && (container || event->span.start >= t->last_end));
	REQUIRE(event->key.end <= event->span.start);
	REQUIRE(event->depth == 0 || event->path[event->depth - 1] == event->index);
	t->last_end = event->span.end;
	t->long_number = t->long_number || (event->type == PNR_JSON_NUMBER && length > CJSON_NUMBER_MAX);
	pnr_buffer_printf(&t->scalars, "%u %d %zu ", event->depth, (int)event->type, event->index);
	pnr_buffer_append(&t->scalars, t->text + event->key.start, event->key.end - event->key.start);
	pnr_buffer_putc(&t->scalars, ' ');
	if (!container)
		pnr_buffer_append(&t->scalars, t->text + event->span.start, length);
	pnr_buffer_putc(&t->scalars, '\n');
	return pnr_buffer_status(&t->scalars, err);
}

static void require_same(const pnr_json_document *document, const cJSON *a, const cJSON *b)
{
	REQUIRE((a->type & 0xff) == (b->type & 0xff));
	REQUIRE(pnr_json_span_of(document, a).end > 0);
	if (cJSON_IsNumber(a))
		REQUIRE(a->valuedouble == b->valuedouble);
	if (cJSON_IsString(a))
		REQUIRE(strcmp(a->valuestring, b->valuestring) == 0);
	const cJSON *x = a->child, *y = b->child;
	for (; x != NULL && y != NULL; x = x->next, y = y->next) {
		REQUIRE(cJSON_IsObject(a) == (x->string != NULL));
		REQUIRE(x->string == NULL || strcmp(x->string, y->string) == 0);
		require_same(document, x, y);
	}
	REQUIRE(x == NULL && y == NULL);
}

static void require_tree(const char *text, size_t size, bool long_number)
{
	pnr_json_document *document = NULL;
	REQUIRE(pnr_json_parse(text, size, &limits, &document, NULL, NULL) == PNR_OK);
	cJSON *other = cJSON_ParseWithLength(text, size);
	REQUIRE(other != NULL || long_number);
	if (other != NULL && !long_number)
		require_same(document, pnr_json_root(document), other);
	cJSON_Delete(other);
	pnr_json_free(document);
}

static void require_reindented(const char *text, size_t size, const tokens *before)
{
	pnr_buffer out = PNR_BUFFER_INIT, again = PNR_BUFFER_INIT;
	const pnr_json_limits wide = { SIZE_MAX, limits.tokens, limits.depth };
	pnr_json_reindent(&out, text, (pnr_json_span){ 0, size }, 0);
	REQUIRE(!out.failed);
	tokens after = { .text = out.data };
	REQUIRE(pnr_json_scan(out.data, out.length, &wide, take, &after, NULL, NULL) == PNR_OK);
	REQUIRE(after.scalars.length == before->scalars.length);
	REQUIRE(memcmp(after.scalars.data, before->scalars.data, after.scalars.length) == 0);
	pnr_json_reindent(&again, out.data, (pnr_json_span){ 0, out.length }, 0);
	REQUIRE(again.length == out.length && memcmp(again.data, out.data, out.length) == 0);
	pnr_buffer_free(&after.scalars);
	pnr_buffer_free(&out);
	pnr_buffer_free(&again);
}

static void require_quoted(const char *text, size_t size)
{
	if (!pnr_utf8_valid(text, size) || memchr(text, '\0', size) != NULL)
		return;
	pnr_buffer out = PNR_BUFFER_INIT;
	const pnr_json_limits wide = { SIZE_MAX, 1, 0 };
	pnr_json_document *document = NULL;
	pnr_json_quote(&out, text, size);
	REQUIRE(pnr_json_parse(out.data, out.length, &wide, &document, NULL, NULL) == PNR_OK);
	const char *back = pnr_json_root(document)->valuestring;
	REQUIRE(strlen(back) == size && memcmp(back, text, size) == 0);
	pnr_json_free(document);
	pnr_buffer_free(&out);
}

static void require_fault(const char *text, size_t size, const pnr_json_fault *fault, const pnr_error *err)
{
	unsigned line = 1;
	size_t start = 0;
	REQUIRE(fault->offset <= size && strncmp(err->message, "line ", 5) == 0);
	for (size_t i = 0; i < fault->offset; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	REQUIRE(fault->line == line && fault->column == fault->offset - start + 1);
	REQUIRE(pnr_utf8_valid(fault->pointer, strlen(fault->pointer)));
	REQUIRE(pnr_utf8_valid(err->message, strlen(err->message)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	pnr_error err = PNR_ERROR_INIT;
	pnr_json_fault fault = { 0 };
	tokens t = { .text = text };
	pnr_status status = pnr_json_scan(text, size, &limits, take, &t, &fault, &err);
	REQUIRE(status == PNR_OK || status == PNR_INVALID || status == PNR_FULL);
	REQUIRE(err.status == status);
	if (status == PNR_OK) {
		require_tree(text, size, t.long_number);
		require_reindented(text, size, &t);
	} else {
		require_fault(text, size, &fault, &err);
	}
	require_quoted(text, size);
	pnr_buffer_free(&t.scalars);
	return 0;
}
