/*
 * The errors of a config. Where the packager that this one replaces has a text
 * for a condition, it is used to the letter and in its order; texts of our own
 * are for what it let through or crashed on.
 */
#include "base/path.h"
#include "model/config.h"
#include <stdio.h>
#include <string.h>

/* Say that the member @key of @parent is missing: at its value if it is there, else at @parent. */
static void missing(const pnr_config *config, pnr_issues *issues, const cJSON *parent, const char *pointer,
                    const char *key, const char *what)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(parent, key);
	char place[PNR_POINTER_SIZE];
	(void)snprintf(place, sizeof place, "%s/%s", pointer, key);
	pnr_issues_error(issues, config->document, item == NULL ? parent : item, item == NULL ? pointer : place,
	                 "Config missing required %s: %s", what, key);
}

/* A field that is there, as far as JavaScript can tell: is it a reference? */
static void check_reference(const pnr_config *config, pnr_issues *issues, pnr_role role)
{
	const pnr_field *field = &config->fields[role];
	const char *kind = role < PNR_ROLE_MORTALITY ? "field" : "assumption";
	pnr_error why = PNR_ERROR_INIT;
	pnr_reference reference;
	if (field->text == NULL)
		pnr_issues_error(issues, config->document, field->item, pnr_roles[role].pointer,
		                 "Config %s %s must be a string, not %s", kind, pnr_roles[role].name,
		                 pnr_json_type_name(field->item));
	else if (pnr_reference_parse(field->text, &reference, &why) != PNR_OK)
		pnr_issues_error(issues, config->document, field->item, pnr_roles[role].pointer,
		                 "Config %s %s: %s", kind, pnr_roles[role].name, why.message);
}

/* The model stands at the top of the package, beside the manifest, the config and the folders. */
static void check_model_name(const pnr_config *config, pnr_issues *issues)
{
	static const char *const taken[] = { "manifest.json", PNR_CONFIG_NAME, "wasm", "python", "data", "assumptions" };
	const pnr_field *model = &config->fields[PNR_ROLE_MODEL];
	if (!model->parsed || model->reference.kind != PNR_REFERENCE_FILE)
		return;
	const char *name = pnr_field_base(model);
	const char *problem = pnr_path_package_problem(name, strlen(name));
	for (size_t i = 0; problem == NULL && i < PNR_COUNT(taken); i++)
		if (pnr_path_compare_nocase(name, taken[i]) == 0)
			problem = "is reserved in a package";
	if (problem != NULL)
		pnr_issues_error(issues, config->document, model->item, "/model",
		                 "Config field model: its file name '%s' %s", name, problem);
}

static void check_assumptions(const pnr_config *config, pnr_issues *issues)
{
	const cJSON *assumptions = cJSON_GetObjectItemCaseSensitive(config->root, "assumptions");
	if (pnr_json_falsy(assumptions)) {
		missing(config, issues, config->root, "", "assumptions", "field");
		return;
	}
	for (int role = PNR_ROLE_MORTALITY; role < PNR_ROLE_COUNT; role++) {
		if (pnr_json_falsy(config->fields[role].item))
			missing(config, issues, assumptions, "/assumptions", pnr_roles[role].name, "assumption");
		else
			check_reference(config, issues, (pnr_role)role);
	}
}

static void check_scenarios(const pnr_config *config, pnr_issues *issues)
{
	const cJSON *scenarios = cJSON_GetObjectItemCaseSensitive(config->root, "scenarios");
	if (pnr_json_falsy(scenarios)) {
		missing(config, issues, config->root, "", "scenarios", "field");
		return;
	}
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(scenarios, "count");
	if (!cJSON_IsNumber(count) || count->valuedouble < 1)
		pnr_issues_error(issues, config->document, count == NULL ? scenarios : count,
		                 count == NULL ? "/scenarios" : "/scenarios/count",
		                 "Config scenarios.count must be a positive number");
}

/* ----------------------------------------------------------- the pipeline -- */

/* One node under examination. */
typedef struct node_check {
	const pnr_config *config;
	pnr_issues *issues;
	const pnr_node *node;
	const char *label; /* found once: a node may have as many keys as it has faults */
} node_check;

/* The id as JavaScript writes it into a text, as far as that helps; else "at index N" in @buffer. */
static const char *label_of(const pnr_node *node, char buffer[PNR_LABEL_SIZE])
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(node->item, "id");
	if (cJSON_IsString(id))
		return id->valuestring;
	if (id == NULL)
		return "undefined";
	if (cJSON_IsNull(id))
		return "null";
	return pnr_node_label(node, buffer);
}

/* The member @key of the node and its pointer; the node itself if there is no such member. */
static const cJSON *find_member(const node_check *check, const char *key, char pointer[PNR_POINTER_SIZE])
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(check->node->item, key);
	(void)pnr_node_pointer(check->node, item == NULL ? NULL : key, -1, pointer);
	return item == NULL ? check->node->item : item;
}

static void check_id(const node_check *check)
{
	const pnr_node *node = check->node;
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(node->item, "id");
	char pointer[PNR_POINTER_SIZE];
	if (node->id != NULL && !node->id_taken && !pnr_json_falsy(id))
		return;
	const cJSON *at = find_member(check, "id", pointer);
	if (pnr_json_falsy(id))
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node at index %zu missing required field: id", node->index);
	else if (node->id == NULL)
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node at index %zu: id must be a string, not %s", node->index,
		                 pnr_json_type_name(id));
	else if (node->id_taken)
		pnr_issues_error(check->issues, check->config->document, at, pointer, "Duplicate node ID: %s", node->id);
}

static void check_engine(const node_check *check)
{
	const pnr_node *node = check->node;
	const cJSON *engine = cJSON_GetObjectItemCaseSensitive(node->item, "engine");
	char pointer[PNR_POINTER_SIZE];
	if (node->engine_usable)
		return;
	const cJSON *at = find_member(check, "engine", pointer);
	if (pnr_json_falsy(engine))
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node %s missing required field: engine", check->label);
	else if (node->engine == NULL)
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node %s: engine must be a string, not %s", check->label,
		                 pnr_json_type_name(engine));
	else if (node->kind == PNR_ENGINE_OTHER)
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node %s has invalid engine format: %s (must start with wasm:// or python://)",
		                 check->label, node->engine);
	else
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node %s has invalid engine name: %s (after the scheme: a letter, then letters, "
		                 "digits, '_' or '-')", check->label, node->engine);
}

/* Every item of the node's list @key must be a string. */
static void check_strings(const node_check *check, const char *key, const cJSON *list)
{
	int64_t index = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, list) {
		char pointer[PNR_POINTER_SIZE];
		if (!cJSON_IsString(item))
			pnr_issues_error(check->issues, check->config->document, item,
			                 pnr_node_pointer(check->node, key, index, pointer),
			                 "Pipeline node %s: each of its %s must be a string, not %s", check->label, key,
			                 pnr_json_type_name(item));
		index++;
	}
}

static void check_buses(const node_check *check)
{
	const cJSON *outputs = cJSON_GetObjectItemCaseSensitive(check->node->item, "outputs");
	const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(check->node->item, "inputs");
	char pointer[PNR_POINTER_SIZE];
	if (!cJSON_IsArray(outputs) || outputs->child == NULL) {
		const cJSON *at = find_member(check, "outputs", pointer);
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node %s must have at least one output", check->label);
	}
	if (cJSON_IsArray(outputs))
		check_strings(check, "outputs", outputs);
	if (cJSON_IsArray(inputs)) {
		check_strings(check, "inputs", inputs);
	} else if (inputs != NULL && !cJSON_IsNull(inputs)) {
		const cJSON *at = find_member(check, "inputs", pointer);
		pnr_issues_error(check->issues, check->config->document, at, pointer,
		                 "Pipeline node %s: inputs must be an array, not %s", check->label,
		                 pnr_json_type_name(inputs));
	}
}

static void check_node(const pnr_config *config, pnr_issues *issues, const pnr_node *node)
{
	if (!cJSON_IsObject(node->item)) {
		char pointer[PNR_POINTER_SIZE];
		pnr_issues_error(issues, config->document, node->item, pnr_node_pointer(node, NULL, -1, pointer),
		                 "Pipeline node at index %zu must be an object, not %s", node->index,
		                 pnr_json_type_name(node->item));
		return;
	}
	char buffer[PNR_LABEL_SIZE];
	const node_check check = { config, issues, node, label_of(node, buffer) };
	check_id(&check);
	check_engine(&check);
	check_buses(&check);
}

static void check_pipeline(const pnr_config *config, pnr_issues *issues)
{
	if (config->pipeline == NULL || cJSON_IsNull(config->pipeline))
		return;
	if (config->node_count == 0) {
		const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(config->pipeline, "nodes");
		pnr_issues_error(issues, config->document, nodes == NULL ? config->pipeline : nodes,
		                 nodes == NULL ? "/pipeline" : "/pipeline/nodes",
		                 "Pipeline must have at least one node");
	}
	for (size_t i = 0; i < config->node_count; i++)
		check_node(config, issues, &config->nodes[i]);
}

void pnr_config_check(const pnr_config *config, pnr_issues *issues)
{
	if (pnr_json_falsy(config->fields[PNR_ROLE_MODEL].item)) {
		missing(config, issues, config->root, "", "model", "field");
	} else {
		check_reference(config, issues, PNR_ROLE_MODEL);
		check_model_name(config, issues);
	}
	check_assumptions(config, issues);
	check_scenarios(config, issues);
	check_pipeline(config, issues);
	if (!pnr_json_falsy(config->fields[PNR_ROLE_POLICIES].item))
		check_reference(config, issues, PNR_ROLE_POLICIES);
}
