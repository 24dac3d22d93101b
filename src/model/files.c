/* What a config alone says of its package: which files it may hold, who uses them, what stays in the cloud. */
#include "base/array.h"
#include "model/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------ engines -- */

static int compare_engines(const void *left, const void *right)
{
	const pnr_node *a = *(const pnr_node *const *)left, *b = *(const pnr_node *const *)right;
	int order = strcmp(a->engine, b->engine);
	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

pnr_status pnr_engines_sort(const pnr_config *config, pnr_engines *out_engines, pnr_error *err)
{
	size_t count = config->node_count;
	const pnr_node **nodes = malloc((count + 1) * sizeof(const pnr_node *));
	if (nodes == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++)
		nodes[i] = &config->nodes[i];
	pnr_array_sort(nodes, count, sizeof(const pnr_node *), compare_engines);
	*out_engines = (pnr_engines){ nodes, count };
	return PNR_OK;
}

void pnr_engines_free(pnr_engines *engines)
{
	free(engines->nodes);
	*engines = (pnr_engines){ NULL, 0 };
}

char *pnr_engines_uses(const pnr_engines *engines, const pnr_node *node)
{
	const pnr_node *const *end = engines->nodes + engines->count;
	const pnr_node *const *at = bsearch(&node, engines->nodes, engines->count, sizeof node, compare_engines);
	pnr_buffer uses = PNR_BUFFER_INIT;
	if (at > engines->nodes && strcmp(at[-1]->engine, node->engine) == 0)
		return pnr_buffer_steal(&uses);
	for (; at < end && strcmp((*at)->engine, node->engine) == 0; at++) {
		pnr_buffer_puts(&uses, uses.length == 0 ? "[{\"node\":" : ",{\"node\":");
		pnr_json_quote(&uses, (*at)->id, strlen((*at)->id));
		pnr_buffer_putc(&uses, '}');
	}
	pnr_buffer_putc(&uses, ']');
	return pnr_buffer_steal(&uses);
}

const char *pnr_role_uses(pnr_role role, char buffer[PNR_ROLE_USES_SIZE])
{
	(void)snprintf(buffer, PNR_ROLE_USES_SIZE, "[{\"role\":\"%s\"}]", pnr_roles[role].name);
	return buffer;
}

char *pnr_uses_join(const char *a, const char *b)
{
	pnr_buffer joined = PNR_BUFFER_INIT;
	pnr_buffer_append(&joined, a, strlen(a) - 1);
	if (strcmp(a, PNR_NO_USES) != 0 && strcmp(b, PNR_NO_USES) != 0)
		pnr_buffer_putc(&joined, ',');
	pnr_buffer_puts(&joined, b + 1);
	return pnr_buffer_steal(&joined);
}

/* --------------------------------------------------------------- files -- */

typedef struct listing {
	pnr_package_files files;
	size_t capacity;
	pnr_error *err;
} listing;

static void end_listing(listing *list)
{
	pnr_package_files_free(&list->files);
}

/* Add the file @folder/@name@suffix. Whoever comes later under a name that is there joins its uses. */
static pnr_status add_file(listing *list, const char *folder, const char *name, const char *suffix, const char *type,
                           const char *uses)
{
	pnr_package_files *files = &list->files;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	pnr_buffer_printf(&path, "%s%s%s", folder, name, suffix);
	if (path.failed)
		return pnr_fail_nomem(list->err);
	/* Only the assumptions can share a path, or the model the config's: those in front of it. */
	for (size_t i = files->count; i > 0 && files->count - i < PNR_ROLE_COUNT; i--) {
		pnr_package_file *other = &files->items[i - 1];
		if (strcmp(other->path, path.data) != 0)
			continue;
		char *joined = pnr_uses_join(other->uses, uses);
		if (joined == NULL)
			return pnr_fail_nomem(list->err);
		free(other->uses);
		other->uses = joined;
		return PNR_OK;
	}
	pnr_package_file *items = pnr_array_grow(files->items, sizeof *items, files->count, &list->capacity);
	if (items == NULL)
		return pnr_fail_nomem(list->err);
	files->items = items;
	pnr_package_file *added = &items[files->count++];
	*added = (pnr_package_file){ pnr_buffer_steal(&path), type, strdup(uses) };
	return added->path != NULL && added->uses != NULL ? PNR_OK : pnr_fail_nomem(list->err);
}

static pnr_status add_field(listing *list, const pnr_config *config, pnr_role role, const char *folder,
                            const char *type, const char *uses)
{
	const pnr_field *field = &config->fields[role];
	if (!field->parsed || field->reference.kind != PNR_REFERENCE_FILE)
		return PNR_OK;
	return add_file(list, folder, pnr_field_base(field), "", type, uses);
}

static pnr_status add_engine(listing *list, const pnr_engines *engines, const pnr_node *node)
{
	PNR_CLEANUP(pnr_cleanup_free) char *uses = pnr_engines_uses(engines, node);
	if (uses == NULL)
		return pnr_fail_nomem(list->err);
	if (uses[0] == '\0')
		return PNR_OK;
	if (node->kind == PNR_ENGINE_PYTHON)
		return add_file(list, "python/", node->engine_name, ".py", "python", uses);
	pnr_status status = add_file(list, "wasm/", node->engine_name, ".wasm", "wasm", uses);
	return status == PNR_OK ? add_file(list, "wasm/", node->engine_name, ".mjs", "wasm", uses) : status;
}

static void free_engines(pnr_engines *engines)
{
	pnr_engines_free(engines);
}

pnr_status pnr_config_files(const pnr_config *config, pnr_package_files *out_files, pnr_error *err)
{
	PNR_CLEANUP(end_listing) listing list = { .err = err };
	PNR_CLEANUP(free_engines) pnr_engines engines = { NULL, 0 };
	char uses[PNR_ROLE_USES_SIZE];
	pnr_status status = pnr_engines_sort(config, &engines, err);
	if (status == PNR_OK)
		status = add_file(&list, "", PNR_CONFIG_NAME, "", "config", PNR_NO_USES);
	if (status == PNR_OK)
		status = add_field(&list, config, PNR_ROLE_MODEL, "", "model", PNR_NO_USES);
	for (size_t i = 0; status == PNR_OK && i < config->node_count; i++)
		status = add_engine(&list, &engines, &config->nodes[i]);
	if (status == PNR_OK)
		status = add_field(&list, config, PNR_ROLE_POLICIES, "data/", "policy", PNR_NO_USES);
	for (int role = PNR_ROLE_MORTALITY; status == PNR_OK && role < PNR_ROLE_COUNT; role++)
		status = add_field(&list, config, (pnr_role)role, "assumptions/", "assumption",
		                   pnr_role_uses((pnr_role)role, uses));
	if (status != PNR_OK)
		return status;
	*out_files = list.files;
	list.files = (pnr_package_files){ NULL, 0 };
	return PNR_OK;
}

void pnr_package_files_free(pnr_package_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].path);
		free(files->items[i].uses);
	}
	free(files->items);
	*files = (pnr_package_files){ NULL, 0 };
}

/* ---------------------------------------------------------- references -- */

static pnr_status add_reference(const pnr_field *field, pnr_role role, pnr_cloud_references *references,
                                pnr_error *err)
{
	pnr_cloud_reference *added = &references->items[references->count++];
	*added = (pnr_cloud_reference){
		.kind = field->reference.kind,
		.role = pnr_roles[role].name,
		.reference = field->text,
		.version = field->reference.version,
	};
	if (field->reference.kind != PNR_REFERENCE_ASSUMPTION)
		return PNR_OK;
	added->name = strndup(field->reference.name, field->reference.name_length);
	return added->name != NULL ? PNR_OK : pnr_fail_nomem(err);
}

pnr_status pnr_config_cloud(const pnr_config *config, pnr_cloud_references *out_references, pnr_error *err)
{
	pnr_cloud_references references = { .count = 0 };
	pnr_status status = PNR_OK;
	for (int role = 0; status == PNR_OK && role < PNR_ROLE_COUNT; role++) {
		const pnr_field *field = &config->fields[role];
		if (field->parsed && field->reference.kind != PNR_REFERENCE_FILE)
			status = add_reference(field, (pnr_role)role, &references, err);
	}
	if (status == PNR_OK)
		*out_references = references;
	else
		pnr_cloud_references_free(&references);
	return status;
}

void pnr_cloud_references_free(pnr_cloud_references *references)
{
	for (size_t i = 0; i < references->count; i++)
		free(references->items[i].name);
	references->count = 0;
}
