/* The mandatory assets: what a package must hold for its config to run. */
#include "base/array.h"
#include "model/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The paths of a package, sorted. */
typedef struct path_set {
	const char **paths;
	size_t count;
} path_set;

static void free_set(path_set *set)
{
	free(set->paths);
}

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static pnr_status make_set(const char *const *paths, size_t count, path_set *set, pnr_error *err)
{
	set->paths = malloc((count + 1) * sizeof *set->paths);
	if (set->paths == NULL)
		return pnr_fail_nomem(err);
	set->count = count;
	if (count > 0)
		memcpy(set->paths, paths, count * sizeof *paths);
	pnr_array_sort(set->paths, count, sizeof *set->paths, compare_paths);
	return PNR_OK;
}

static bool has(const path_set *set, const char *path)
{
	return bsearch(&path, set->paths, set->count, sizeof *set->paths, compare_paths) != NULL;
}

/* A model that stays in the cloud is not in the package, and a reference that is none names nothing. */
static void check_model(const pnr_config *config, const path_set *set, pnr_issues *issues)
{
	const pnr_field *model = &config->fields[PNR_ROLE_MODEL];
	if (!model->parsed || model->reference.kind != PNR_REFERENCE_FILE)
		return;
	const char *name = pnr_field_base(model);
	if (!has(set, name))
		pnr_issues_error(issues, config->document, model->item, "/model", "Package missing mandatory asset: %s",
		                 name);
}

static pnr_status check_engine(const pnr_config *config, const pnr_node *node, const path_set *set,
                               pnr_issues *issues, pnr_error *err)
{
	bool wasm = node->kind == PNR_ENGINE_WASM;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	pnr_buffer_printf(&path, "%s/%s.%s", wasm ? "wasm" : "python", node->engine_name, wasm ? "wasm" : "py");
	pnr_status status = pnr_buffer_status(&path, err);
	if (status != PNR_OK || has(set, path.data))
		return status;
	char pointer[PNR_POINTER_SIZE], label[PNR_LABEL_SIZE];
	pnr_issues_error(issues, config->document, cJSON_GetObjectItemCaseSensitive(node->item, "engine"),
	                 pnr_node_pointer(node, "engine", -1, pointer),
	                 "Package missing %s for node %s: %s.%s", wasm ? "WASM binary" : "Python script",
	                 pnr_node_label(node, label), node->engine_name, wasm ? "wasm" : "py");
	return PNR_OK;
}

pnr_status pnr_config_check_assets(const pnr_config *config, const char *const *paths, size_t path_count,
                                   pnr_issues *issues, pnr_error *err)
{
	PNR_CLEANUP(free_set) path_set set = { NULL, 0 };
	pnr_status status = make_set(paths, path_count, &set, err);
	if (status != PNR_OK)
		return status;
	if (!has(&set, PNR_CONFIG_NAME))
		pnr_issues_error(issues, config->document, config->root, "",
		                 "Package missing mandatory asset: " PNR_CONFIG_NAME);
	check_model(config, &set, issues);
	for (size_t i = 0; status == PNR_OK && i < config->node_count; i++)
		if (config->nodes[i].kind != PNR_ENGINE_OTHER)
			status = check_engine(config, &config->nodes[i], &set, issues, err);
	return status;
}
