#include "model/config.h"
#include "base/array.h"
#include "base/path.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const pnr_role_names pnr_roles[PNR_ROLE_COUNT] = {
	[PNR_ROLE_MODEL] = { "model", "Model", "/model" },
	[PNR_ROLE_POLICIES] = { "policies", "Policies", "/policies" },
	[PNR_ROLE_MORTALITY] = { "mortality", "Mortality", "/assumptions/mortality" },
	[PNR_ROLE_LAPSE] = { "lapse", "Lapse", "/assumptions/lapse" },
	[PNR_ROLE_EXPENSES] = { "expenses", "Expenses", "/assumptions/expenses" },
};

bool pnr_json_falsy(const cJSON *item)
{
	return item == NULL || cJSON_IsNull(item) || cJSON_IsFalse(item) ||
	       (cJSON_IsNumber(item) && !(item->valuedouble < 0 || item->valuedouble > 0)) ||
	       (cJSON_IsString(item) && item->valuestring[0] == '\0');
}

const char *pnr_json_type_name(const cJSON *item)
{
	if (cJSON_IsNull(item))
		return "null";
	if (cJSON_IsBool(item))
		return "a boolean";
	if (cJSON_IsNumber(item))
		return "a number";
	if (cJSON_IsString(item))
		return "a string";
	return cJSON_IsArray(item) ? "an array" : "an object";
}

bool pnr_name_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_0123456789";
	const char *first = name[0] == '\0' ? NULL : strchr(letters, name[0]);
	return first != NULL && first - letters < 52 && name[strspn(name, letters)] == '\0';
}

const char *pnr_node_pointer(const pnr_node *node, const char *key, int64_t index, char buffer[PNR_POINTER_SIZE])
{
	int length = snprintf(buffer, PNR_POINTER_SIZE, "/pipeline/nodes/%zu%s%s", node->index, key == NULL ? "" : "/",
	                      key == NULL ? "" : key);
	if (index >= 0 && length > 0 && length < PNR_POINTER_SIZE)
		(void)snprintf(buffer + length, PNR_POINTER_SIZE - (size_t)length, "/%lld", (long long)index);
	return buffer;
}

const char *pnr_node_label(const pnr_node *node, char buffer[PNR_LABEL_SIZE])
{
	if (node->id != NULL)
		return node->id;
	(void)snprintf(buffer, PNR_LABEL_SIZE, "at index %zu", node->index);
	return buffer;
}

const char *pnr_field_base(const pnr_field *field)
{
	return pnr_path_base(field->reference.path);
}

/* A string that is not empty, else NULL. */
static const char *text_of(const cJSON *item)
{
	return cJSON_IsString(item) && item->valuestring[0] != '\0' ? item->valuestring : NULL;
}

static void read_field(const cJSON *parent, const char *key, pnr_field *field)
{
	field->item = cJSON_GetObjectItemCaseSensitive(parent, key);
	field->text = text_of(field->item);
	field->parsed = field->text != NULL && pnr_reference_parse(field->text, &field->reference, NULL) == PNR_OK;
}

static void read_engine(pnr_node *node)
{
	static const struct { const char *scheme; pnr_engine_kind kind; } engines[] = {
		{ "wasm://", PNR_ENGINE_WASM }, { "python://", PNR_ENGINE_PYTHON },
	};
	for (size_t i = 0; node->engine != NULL && i < PNR_COUNT(engines); i++) {
		size_t length = strlen(engines[i].scheme);
		if (strncmp(node->engine, engines[i].scheme, length) == 0) {
			node->kind = engines[i].kind;
			node->engine_name = node->engine + length;
			node->engine_usable = pnr_name_valid(node->engine_name);
		}
	}
}

static int compare_ids(const void *left, const void *right)
{
	const pnr_node *a = *(pnr_node *const *)left, *b = *(pnr_node *const *)right;
	int order = strcmp(a->id, b->id);
	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

/* Sorted, not hashed: a hostile config cannot make it slow. */
static pnr_status mark_taken_ids(pnr_config *config, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_node **sorted = malloc((config->node_count + 1) * sizeof *sorted);
	if (sorted == NULL)
		return pnr_fail_nomem(err);
	size_t count = 0;
	for (size_t i = 0; i < config->node_count; i++)
		if (config->nodes[i].id != NULL)
			sorted[count++] = &config->nodes[i];
	pnr_array_sort(sorted, count, sizeof *sorted, compare_ids);
	for (size_t i = 1; i < count; i++)
		sorted[i]->id_taken = strcmp(sorted[i - 1]->id, sorted[i]->id) == 0;
	return PNR_OK;
}

static pnr_status read_nodes(pnr_config *config, pnr_error *err)
{
	const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(config->pipeline, "nodes");
	if (!cJSON_IsArray(nodes))
		return PNR_OK;
	config->nodes = calloc((size_t)cJSON_GetArraySize(nodes) + 1, sizeof *config->nodes);
	if (config->nodes == NULL)
		return pnr_fail_nomem(err);
	const cJSON *item;
	cJSON_ArrayForEach(item, nodes) {
		pnr_node *node = &config->nodes[config->node_count];
		node->item = item;
		node->index = config->node_count++;
		if (!cJSON_IsObject(item))
			continue;
		node->id = text_of(cJSON_GetObjectItemCaseSensitive(item, "id"));
		node->engine = text_of(cJSON_GetObjectItemCaseSensitive(item, "engine"));
		read_engine(node);
	}
	return mark_taken_ids(config, err);
}

static pnr_status read_document(pnr_config *config, const char *text, size_t length, pnr_issues *issues,
                                pnr_error *err)
{
	pnr_json_fault fault = { 0 };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_json_parse(text, length, &pnr_json_config_limits, &config->document, &fault, &own);
	if (status == PNR_NOMEM)
		return pnr_fail_nomem(err);
	if (status != PNR_OK) {
		pnr_issues_fault(issues, &fault, &own);
		return pnr_fail(err, PNR_INVALID, "%s", own.message);
	}
	config->root = pnr_json_root(config->document);
	if (!cJSON_IsObject(config->root)) {
		pnr_issues_error(issues, config->document, config->root, "", "Config must be an object, not %s",
		                 pnr_json_type_name(config->root));
		return pnr_fail(err, PNR_INVALID, "the config is not an object");
	}
	return PNR_OK;
}

static void cleanup_config(pnr_config **config)
{
	pnr_config_free(*config);
}

pnr_status pnr_config_read(const char *text, size_t length, pnr_issues *issues, pnr_config **out_config,
                           pnr_error *err)
{
	PNR_CLEANUP(cleanup_config) pnr_config *config = calloc(1, sizeof *config);
	if (config == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = read_document(config, text, length, issues, err);
	if (status != PNR_OK)
		return status;
	const cJSON *assumptions = cJSON_GetObjectItemCaseSensitive(config->root, "assumptions");
	for (int role = 0; role < PNR_ROLE_COUNT; role++)
		read_field(role < PNR_ROLE_MORTALITY ? config->root : assumptions, pnr_roles[role].name,
		           &config->fields[role]);
	config->pipeline = cJSON_GetObjectItemCaseSensitive(config->root, "pipeline");
	status = read_nodes(config, err);
	if (status == PNR_OK)
		*out_config = PNR_STEAL(config);
	return status;
}

pnr_status pnr_config_parse(const char *text, size_t length, pnr_issues *issues, pnr_config **out_config,
                            pnr_error *err)
{
	PNR_CLEANUP(cleanup_config) pnr_config *config = NULL;
	pnr_status status = pnr_config_read(text, length, issues, &config, err);
	if (status != PNR_OK)
		return status;
	pnr_config_check(config, issues);
	status = pnr_config_warn(config, issues, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_issues_valid(issues))
		return pnr_fail(err, PNR_INVALID, "the config is not valid");
	*out_config = PNR_STEAL(config);
	return PNR_OK;
}

const pnr_json_document *pnr_config_document(const pnr_config *config)
{
	return config->document;
}

const cJSON *pnr_config_pipeline(const pnr_config *config)
{
	return cJSON_IsObject(config->pipeline) ? config->pipeline : NULL;
}

_Static_assert(PNR_CONFIG_REFERENCES_MAX == PNR_ROLE_COUNT, "one for each field");

size_t pnr_config_references(const pnr_config *config, pnr_reference_kind kind,
                             const char *out_texts[PNR_CONFIG_REFERENCES_MAX])
{
	size_t count = 0;
	for (int role = 0; role < PNR_ROLE_COUNT; role++)
		if (config->fields[role].parsed && config->fields[role].reference.kind == kind)
			out_texts[count++] = config->fields[role].text;
	return count;
}

void pnr_config_free(pnr_config *config)
{
	if (config == NULL)
		return;
	pnr_json_free(config->document);
	free(config->nodes);
	free(config);
}
