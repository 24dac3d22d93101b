#include "base/path.h"
#include "package/inspect.h"
#include <stdlib.h>
#include <string.h>

/* The body is built in memory, so that nothing of it is passed on unless all is right: ten times what the worker takes. */
#define BODY_MAX ((uint64_t)1 << 30)
/* How much is passed on at a time. */
#define PIECE ((size_t)PNR_MIB)

/* --------------------------------------------------------------- base64 -- */

/* Three bytes make four characters: what does not make three waits for the next write. */
typedef struct base64 {
	pnr_buffer *out;
	uint8_t group[3];
	size_t have;
} base64;

static char *put_group(char *place, const uint8_t group[3], size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = (uint32_t)group[0] << 16 | (uint32_t)group[1] << 8 | group[2];
	place[0] = digits[bits >> 18];
	place[1] = digits[bits >> 12 & 63];
	place[2] = length < 2 ? '=' : digits[bits >> 6 & 63];
	place[3] = length < 3 ? '=' : digits[bits & 63];
	return place + 4;
}

static pnr_status base64_write(void *context, const void *data, size_t length, pnr_error *err)
{
	base64 *encoder = context;
	const uint8_t *bytes = data;
	char *place = pnr_buffer_reserve(encoder->out, length / 3 * 4 + 4);
	if (place == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < length; i++) {
		encoder->group[encoder->have++] = bytes[i];
		if (encoder->have == 3) {
			place = put_group(place, encoder->group, 3);
			encoder->have = 0;
		}
	}
	encoder->out->length = (size_t)(place - encoder->out->data);
	return PNR_OK;
}

static void base64_finish(base64 *encoder)
{
	if (encoder->have == 0)
		return;
	char last[4];
	for (size_t i = encoder->have; i < 3; i++)
		encoder->group[i] = 0;
	put_group(last, encoder->group, encoder->have);
	pnr_buffer_append(encoder->out, last, sizeof last);
}

/* -------------------------------------------------------------- engines -- */

/* One kind of engine: the worker's key, the config's scheme, the package's names. */
typedef struct engine_kind {
	const char *key, *scheme, *folder, *suffix;
	pnr_status (*append)(pnr_contents *contents, pnr_listed *item, pnr_buffer *body, pnr_error *err);
} engine_kind;

static pnr_status append_base64(pnr_contents *contents, pnr_listed *item, pnr_buffer *body, pnr_error *err)
{
	base64 encoder = { .out = body };
	const pnr_sink sink = { .write = base64_write, .context = &encoder };
	pnr_buffer_putc(body, '"');
	pnr_status status = pnr_inspect_asset(contents, item, NULL, &sink, err);
	if (status != PNR_OK)
		return status;
	base64_finish(&encoder);
	pnr_buffer_putc(body, '"');
	return PNR_OK;
}

static pnr_status append_text(pnr_contents *contents, pnr_listed *item, pnr_buffer *body, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &text, (size_t)item->asset->size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_status status = pnr_inspect_asset(contents, item, NULL, &sink, err);
	if (status != PNR_OK)
		return status;
	const char *data = text.data == NULL ? "" : text.data;
	if (!pnr_utf8_valid(data, text.length))
		return pnr_fail(err, PNR_INVALID, "is not valid UTF-8: JSON cannot carry it as a text");
	pnr_json_quote(body, data, text.length);
	return PNR_OK;
}

static const engine_kind wasm_engines = { "wasmBinaries", "wasm://", "wasm", ".wasm", append_base64 };
static const engine_kind python_engines = { "pythonScripts", "python://", "python", ".py", append_text };

static pnr_status append_engine(pnr_inspection *inspection, const engine_kind *kind, const char *name,
                                pnr_buffer *body, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	pnr_buffer_printf(&path, "%s/%s%s", kind->folder, name, kind->suffix);
	if (path.failed)
		return pnr_fail_nomem(err);
	const char *label = inspection->contents->label;
	pnr_listed *item = pnr_listing_find(inspection->listing, path.data);
	if (item == NULL)
		return pnr_fail(err, PNR_CORRUPT, "'%s': %s is missing", label, path.data);
	/* Several nodes may share an engine: it is passed on once. */
	if (item->read)
		return PNR_OK;
	if (item->asset->size >= BODY_MAX || body->length + item->asset->size / 3 * 4 >= BODY_MAX)
		return pnr_fail(err, PNR_FULL, "'%s': the worker's JSON would be larger than %llu bytes", label,
		                (unsigned long long)BODY_MAX);
	if (body->data[body->length - 1] != '{')
		pnr_buffer_putc(body, ',');
	pnr_json_quote(body, name, strlen(name));
	pnr_buffer_putc(body, ':');
	pnr_status status = pnr_buffer_status(body, err);
	if (status == PNR_OK)
		status = kind->append(inspection->contents, item, body, err);
	if (status == PNR_OK)
		return pnr_buffer_status(body, err);
	/* Not its status: without @err it does not know. */
	pnr_context(err, "'%s': %s", label, path.data);
	return status;
}

static pnr_status append_engines(pnr_inspection *inspection, const engine_kind *kind, const cJSON *nodes,
                                 pnr_buffer *body, pnr_error *err)
{
	pnr_buffer_printf(body, ",\"%s\":{", kind->key);
	pnr_status status = pnr_buffer_status(body, err);
	size_t length = strlen(kind->scheme);
	const cJSON *node;
	cJSON_ArrayForEach (node, nodes) {
		const char *engine = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(node, "engine"));
		if (status == PNR_OK && engine != NULL && strncmp(engine, kind->scheme, length) == 0)
			status = append_engine(inspection, kind, engine + length, body, err);
	}
	pnr_buffer_putc(body, '}');
	return status;
}

/* ---------------------------------------------------------- assumptions -- */

/* As the config has them, which packageHash covers. */
static void append_refs(const pnr_inspection *inspection, pnr_buffer *body)
{
	const char *refs[PNR_CONFIG_REFERENCES_MAX];
	size_t count = pnr_config_references(inspection->config, PNR_REFERENCE_ASSUMPTION, refs);
	pnr_buffer_puts(body, ",\"assumptionRefs\":[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			pnr_buffer_putc(body, ',');
		pnr_json_quote(body, refs[i], strlen(refs[i]));
	}
	pnr_buffer_putc(body, ']');
}

/* ------------------------------------------------------------- the body -- */

static pnr_status build_body(pnr_inspection *inspection, pnr_buffer *body, pnr_error *err)
{
	const cJSON *pipeline = pnr_config_pipeline(inspection->config);
	if (pipeline == NULL)
		return pnr_fail(err, PNR_INVALID, "'%s' has nothing to run: its config has no pipeline",
		                inspection->contents->label);
	const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(pipeline, "nodes");
	const pnr_json_span span = pnr_json_span_of(pnr_config_document(inspection->config), pipeline);
	/* Token by token as in the config: the worker hashes what it gets. */
	pnr_buffer_puts(body, "{\"config\":");
	pnr_buffer_append(body, inspection->config_text.data + span.start, span.end - span.start);
	pnr_status status = append_engines(inspection, &wasm_engines, nodes, body, err);
	if (status == PNR_OK)
		status = append_engines(inspection, &python_engines, nodes, body, err);
	if (status != PNR_OK)
		return status;
	append_refs(inspection, body);
	pnr_buffer_putc(body, '}');
	return pnr_buffer_status(body, err);
}

static pnr_status pass_on(const pnr_buffer *body, pnr_write_fn write, void *user, pnr_error *err)
{
	for (size_t i = 0; i < body->length; i += PIECE) {
		size_t left = body->length - i;
		if (write(user, body->data + i, left < PIECE ? left : PIECE) != 0)
			return pnr_fail(err, PNR_CANCELLED, "cancelled");
	}
	return PNR_OK;
}

pnr_status pnr_worker_json(const pnr_package_source *source, pnr_write_fn write, void *user, uint64_t *out_length,
                           pnr_error *err)
{
	PNR_CLEANUP(pnr_inspection_cleanup) pnr_inspection *inspection = NULL;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer body = PNR_BUFFER_INIT;
	pnr_status status = pnr_inspection_open(source, NULL, &inspection, err);
	if (status == PNR_OK)
		status = pnr_findings_status(inspection->findings, inspection->contents->label, err);
	if (status == PNR_OK)
		status = build_body(inspection, &body, err);
	if (status == PNR_OK)
		status = pnr_contents_settle(inspection->contents, err);
	if (status == PNR_OK)
		status = pass_on(&body, write, user, err);
	if (status == PNR_OK)
		*out_length = body.length;
	return status;
}
