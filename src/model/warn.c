/*
 * The warnings of a config: first those that the packager before this one had,
 * in its order, then ours, last what only the schema of the editor objects to.
 * Any config comes here, also one with errors.
 */
#include "model/config.h"
#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define COUNT_MAX 100000

static void warn_manager_references(const pnr_config *config, pnr_issues *issues)
{
	static const char scheme[] = "assumptions://";
	for (int role = PNR_ROLE_MORTALITY; role < PNR_ROLE_COUNT; role++) {
		const pnr_field *field = &config->fields[role];
		if (field->text != NULL && strncmp(field->text, scheme, sizeof scheme - 1) == 0)
			pnr_issues_warning(issues, config->document, field->item, pnr_roles[role].pointer,
			                   "%s references Assumptions Manager - ensure cloud worker has access",
			                   pnr_roles[role].title);
	}
}

static void warn_policies(const pnr_config *config, pnr_issues *issues)
{
	const cJSON *policies = config->fields[PNR_ROLE_POLICIES].item;
	if (pnr_json_falsy(policies))
		pnr_issues_warning(issues, config->document, policies == NULL ? config->root : policies,
		                   policies == NULL ? "" : "/policies",
		                   "No policy data source specified - cloud job will need to provide policy data");
}

static void warn_unpinned(const pnr_config *config, pnr_issues *issues)
{
	for (int role = 0; role < PNR_ROLE_COUNT; role++) {
		const pnr_field *field = &config->fields[role];
		if (field->parsed && field->reference.mutable_version)
			pnr_issues_warning(issues, config->document, field->item, pnr_roles[role].pointer,
			                   "%s reference is unpinned: '%s' means version %s, which can change after packaging; "
			                   "name a version such as v2.1.0", pnr_roles[role].title, field->text,
			                   field->reference.version);
	}
}

static void warn_missing_pipeline(const pnr_config *config, pnr_issues *issues)
{
	if (config->pipeline == NULL || cJSON_IsNull(config->pipeline))
		pnr_issues_warning(issues, config->document, config->pipeline == NULL ? config->root : config->pipeline,
		                   config->pipeline == NULL ? "" : "/pipeline",
		                   "Config has no pipeline - the cloud worker will have nothing to run");
}

static void warn_extends(const pnr_config *config, pnr_issues *issues)
{
	const cJSON *extends = cJSON_GetObjectItemCaseSensitive(config->root, "extends");
	if (extends != NULL)
		pnr_issues_warning(issues, config->document, extends, "/extends",
		                   "Config field extends is kept but not resolved - what it inherits is not packaged");
}

/* ------------------------------------------------- the editor's schema -- */

static bool is_bus(const char *text)
{
	static const char scheme[] = "bus://";
	if (strncmp(text, scheme, sizeof scheme - 1) != 0)
		return false;
	const char *name = text + sizeof scheme - 1;
	return strspn(name, LETTERS) > 0 && name[strspn(name, LETTERS "0123456789_/-")] == '\0';
}

static bool is_input(const char *text)
{
	return is_bus(text) || strcmp(text, "$policies") == 0 || strcmp(text, "$assumptions") == 0 ||
	       strcmp(text, "$scenarios") == 0;
}

static void warn_model_name(const pnr_config *config, pnr_issues *issues)
{
	const pnr_field *model = &config->fields[PNR_ROLE_MODEL];
	size_t length = model->text == NULL ? 0 : strlen(model->text);
	if (model->text != NULL && (length < 4 || strcmp(model->text + length - 4, ".mga") != 0))
		pnr_issues_warning(issues, config->document, model->item, "/model",
		                   "Config field model: '%s' does not end in .mga", model->text);
}

static void warn_count(const pnr_config *config, pnr_issues *issues)
{
	const cJSON *scenarios = cJSON_GetObjectItemCaseSensitive(config->root, "scenarios");
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(scenarios, "count");
	if (!cJSON_IsNumber(count) || count->valuedouble < 1)
		return;
	double value = count->valuedouble;
	bool whole = value <= COUNT_MAX && (double)(long)value >= value;
	if (!whole)
		pnr_issues_warning(issues, config->document, count, "/scenarios/count",
		                   "Config scenarios.count should be a whole number from 1 to %d", COUNT_MAX);
}

static void warn_buses(const pnr_config *config, pnr_issues *issues, const pnr_node *node, const char *key,
                       bool (*fits)(const char *text), const char *expected)
{
	int64_t index = 0;
	const cJSON *item;
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(node->item, key)) {
		char pointer[PNR_POINTER_SIZE];
		if (cJSON_IsString(item) && !fits(item->valuestring))
			pnr_issues_warning(issues, config->document, item, pnr_node_pointer(node, key, index, pointer),
			                   "Pipeline node at index %zu: '%s' in its %s should be %s", node->index,
			                   item->valuestring, key, expected);
		index++;
	}
}

static void warn_node(const pnr_config *config, pnr_issues *issues, const pnr_node *node)
{
	if (!cJSON_IsObject(node->item))
		return;
	if (node->id != NULL && !pnr_name_valid(node->id)) {
		char pointer[PNR_POINTER_SIZE];
		pnr_issues_warning(issues, config->document, cJSON_GetObjectItemCaseSensitive(node->item, "id"),
		                   pnr_node_pointer(node, "id", -1, pointer),
		                   "Pipeline node at index %zu: id '%s' should be a letter, then letters, digits, '_' or '-'",
		                   node->index, node->id);
	}
	warn_buses(config, issues, node, "inputs", is_input, "bus://NAME, $policies, $assumptions or $scenarios");
	warn_buses(config, issues, node, "outputs", is_bus, "bus://NAME");
}

pnr_status pnr_config_warn(const pnr_config *config, pnr_issues *issues, pnr_error *err)
{
	warn_manager_references(config, issues);
	warn_policies(config, issues);
	warn_unpinned(config, issues);
	pnr_status status = pnr_graph_warn(config, issues, err);
	if (status != PNR_OK)
		return status;
	warn_missing_pipeline(config, issues);
	warn_extends(config, issues);
	warn_model_name(config, issues);
	warn_count(config, issues);
	for (size_t i = 0; i < config->node_count; i++)
		warn_node(config, issues, &config->nodes[i]);
	return PNR_OK;
}
