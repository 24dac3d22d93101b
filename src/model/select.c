/* Which files make a package. Nothing is opened here, only looked at. */
#include "base/array.h"
#include "base/file.h"
#include "base/path.h"
#include "model/config.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folders in which an engine of one kind is looked for, in order; absolute. */
typedef struct search {
	char **dirs;
	size_t count;
} search;

typedef struct selector {
	const pnr_config *config;
	const pnr_select_options *options;
	pnr_issues *issues;
	pnr_selection *selection;
	size_t candidate_capacity, missing_capacity;
	search wasm, python;
	pnr_engines engines;
	pnr_error *err;
} selector;

/* Where something in the package comes from. */
typedef struct origin {
	const char *reference; /* as the config has it */
	const char *pointer;   /* of it */
	const cJSON *item;     /* at the pointer; NULL: the config itself */
	const char *uses;      /* JSON */
} origin;

static void free_search(search *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->dirs[i]);
	free(s->dirs);
}

static void end_selector(selector *s)
{
	pnr_selection_free(s->selection);
	free_search(&s->wasm);
	free_search(&s->python);
	pnr_engines_free(&s->engines);
}

/* -------------------------------------------------------- candidates -- */

static void free_candidate(pnr_candidate *candidate)
{
	free(candidate->path);
	free(candidate->reference);
	free(candidate->uses);
	free(candidate->pointer);
	pnr_place_free(&candidate->place);
}

/*
 * Where a candidate for @path belongs: after the others of that path, else at
 * the end. Only the last few can share a path, the assumptions: engines come
 * once each, and every other type has a folder or a reserved name of its own.
 */
static size_t find_slot(const pnr_selection *selection, const char *path, const struct stat *st,
                        pnr_candidate **out_first, bool *out_same)
{
	size_t count = selection->candidate_count;
	*out_first = NULL;
	*out_same = false;
	for (size_t i = count; i > 0 && count - i < PNR_ROLE_COUNT; i--) {
		pnr_candidate *other = &selection->candidates[i - 1];
		if (strcmp(other->path, path) != 0)
			continue;
		for (size_t j = i; j > 0 && strcmp(selection->candidates[j - 1].path, path) == 0; j--) {
			*out_first = &selection->candidates[j - 1];
			*out_same |= (*out_first)->place.st.st_dev == st->st_dev &&
			             (*out_first)->place.st.st_ino == st->st_ino;
		}
		return i;
	}
	return count;
}

static bool copy_texts(pnr_candidate *candidate, const char *path, const origin *from, const char *uses)
{
	candidate->path = strdup(path);
	candidate->reference = strdup(from->reference);
	candidate->uses = strdup(uses);
	candidate->pointer = strdup(from->pointer);
	return candidate->path != NULL && candidate->reference != NULL && candidate->uses != NULL &&
	       candidate->pointer != NULL;
}

/* Add the file at @place, which is taken, as @path. */
static pnr_status add_candidate(selector *s, const char *path, const char *type, const origin *from,
                                pnr_place *place)
{
	pnr_selection *selection = s->selection;
	const char *problem = pnr_path_package_problem(path, strlen(path));
	pnr_candidate *first = NULL;
	bool same = false;
	if (problem != NULL) {
		pnr_issues_error(s->issues, s->config->document, from->item, from->pointer,
		                 "'%s' cannot be packaged: path '%s' %s", from->reference, path, problem);
		return PNR_OK;
	}
	size_t slot = find_slot(selection, path, &place->st, &first, &same);
	if (first != NULL) {
		char *uses = pnr_uses_join(first->uses, from->uses);
		if (uses == NULL)
			return pnr_fail_nomem(s->err);
		free(first->uses);
		first->uses = uses;
	}
	if (same)
		return PNR_OK;
	pnr_candidate *list = pnr_array_grow(selection->candidates, sizeof *list, selection->candidate_count,
	                                     &s->candidate_capacity);
	if (list == NULL)
		return pnr_fail_nomem(s->err);
	selection->candidates = list;
	pnr_candidate added = { .type = type, .item = from->item };
	if (!copy_texts(&added, path, from, first == NULL ? from->uses : PNR_NO_USES)) {
		free_candidate(&added);
		return pnr_fail_nomem(s->err);
	}
	added.place = *place;
	*place = (pnr_place)PNR_PLACE_INIT;
	memmove(list + slot + 1, list + slot, (selection->candidate_count - slot) * sizeof *list);
	list[slot] = added;
	selection->candidate_count++;
	return PNR_OK;
}

static void free_missing(pnr_missing *missing)
{
	for (size_t i = 0; i < missing->searched_count; i++)
		free(missing->searched[i]);
	free(missing->searched);
	free(missing->path);
	free(missing->reference);
}

/* @path is needed and not in any of @dirs, where it would be called @name. */
static pnr_status add_missing(selector *s, const char *path, const char *reference, char *const *dirs,
                              size_t dir_count, const char *name)
{
	pnr_selection *selection = s->selection;
	pnr_missing *list =
		pnr_array_grow(selection->missing, sizeof *list, selection->missing_count, &s->missing_capacity);
	if (list == NULL)
		return pnr_fail_nomem(s->err);
	selection->missing = list;
	pnr_missing *added = &list[selection->missing_count++];
	*added = (pnr_missing){ .path = strdup(path), .reference = strdup(reference) };
	added->searched = calloc(dir_count + 1, sizeof *added->searched);
	bool complete = added->path != NULL && added->reference != NULL && added->searched != NULL;
	for (size_t i = 0; complete && i < dir_count; i++) {
		added->searched[added->searched_count++] = pnr_path_join(dirs[i], name);
		complete = added->searched[i] != NULL;
	}
	return complete ? PNR_OK : pnr_fail_nomem(s->err);
}

/* ----------------------------------------------------------- looking -- */

typedef enum sight {
	SIGHT_FILE,    /* a regular file inside */
	SIGHT_ABSENT,  /* nothing there, or a link to nothing */
	SIGHT_OTHER,   /* something that can be no file of a package: a folder, a device, links in a circle */
	SIGHT_REFUSED  /* reported */
} sight;

static sight judge(selector *s, const origin *from, const pnr_place *place)
{
	if (!place->inside) {
		pnr_issues_error(s->issues, s->config->document, from->item, from->pointer,
		                 "'%s' leads to '%s', outside the workspace '%s'; allow its folder with --allow-outside",
		                 from->reference, place->path, s->options->workspace);
		return SIGHT_REFUSED;
	}
	return S_ISREG(place->st.st_mode) ? SIGHT_FILE : SIGHT_OTHER;
}

/* What is at @path? SIGHT_OTHER leaves in @out_why why it is no file. */
static pnr_status look(selector *s, const char *path, const origin *from, pnr_place *out_place, sight *out_sight,
                       pnr_error *out_why)
{
	pnr_error_clear(out_why);
	pnr_status status = pnr_roots_find(s->selection->roots, path, out_place, out_why);
	if (status == PNR_OK) {
		*out_sight = judge(s, from, out_place);
		if (*out_sight == SIGHT_OTHER)
			(void)pnr_fail(out_why, PNR_INVALID, "'%.400s' is not a regular file", out_place->path);
	} else if (status == PNR_NOT_FOUND) {
		*out_sight = SIGHT_ABSENT;
	} else if (out_why->detail == ELOOP || out_why->detail == ENAMETOOLONG) {
		*out_sight = SIGHT_OTHER;
	} else if (status == PNR_DENIED) {
		pnr_issues_error(s->issues, s->config->document, from->item, from->pointer, "%s", out_why->message);
		*out_sight = SIGHT_REFUSED;
	} else {
		return pnr_fail_with(s->err, out_why);
	}
	return PNR_OK;
}

/* A file that the config names: it goes to @folder ("" is the top), under its basename. */
static pnr_status select_named(selector *s, pnr_role role, const char *folder, const char *type, const char *uses)
{
	const pnr_field *field = &s->config->fields[role];
	const origin from = { field->text, pnr_roles[role].pointer, field->item, uses };
	PNR_CLEANUP(pnr_place_free) pnr_place place = PNR_PLACE_INIT;
	PNR_CLEANUP(pnr_cleanup_free) char *path = pnr_path_join(folder, pnr_field_base(field));
	sight seen = SIGHT_REFUSED;
	pnr_error why = PNR_ERROR_INIT;
	if (path == NULL)
		return pnr_fail_nomem(s->err);
	pnr_status status = look(s, field->reference.path, &from, &place, &seen, &why);
	if (status != PNR_OK)
		return status;
	if (seen == SIGHT_FILE)
		return add_candidate(s, path, type, &from, &place);
	if (seen == SIGHT_ABSENT) {
		char *base = (char *)pnr_roots_base(s->selection->roots);
		return add_missing(s, path, field->text, &base, 1, field->reference.path);
	}
	if (seen == SIGHT_OTHER)
		pnr_issues_error(s->issues, s->config->document, field->item, from.pointer, "Reference '%s': %s",
		                 field->text, why.message);
	return PNR_OK;
}

/* ----------------------------------------------------------- engines -- */

/* If @name stands in @dir, it goes to the package as @path. */
static pnr_status try_engine_file(selector *s, const char *dir, const char *name, const char *path,
                                  const char *type, const origin *from, sight *out_sight)
{
	PNR_CLEANUP(pnr_place_free) pnr_place place = PNR_PLACE_INIT;
	PNR_CLEANUP(pnr_cleanup_free) char *full = pnr_path_join(dir, name);
	pnr_error why = PNR_ERROR_INIT;
	if (full == NULL)
		return pnr_fail_nomem(s->err);
	pnr_status status = look(s, full, from, &place, out_sight, &why);
	if (status == PNR_OK && *out_sight == SIGHT_FILE)
		status = add_candidate(s, path, type, from, &place);
	return status;
}

/* The wrapper that belongs to the wasm file found in @dir. */
static pnr_status select_sidecar(selector *s, const char *dir, const pnr_node *node, const origin *from)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	sight seen = SIGHT_ABSENT;
	pnr_buffer_printf(&path, "wasm/%s.mjs", node->engine_name);
	if (path.failed)
		return pnr_fail_nomem(s->err);
	return try_engine_file(s, dir, pnr_path_base(path.data), path.data, "wasm", from, &seen);
}

static pnr_status search_engine(selector *s, const pnr_node *node, const char *path, const origin *from)
{
	bool wasm = node->kind == PNR_ENGINE_WASM;
	const search *places = wasm ? &s->wasm : &s->python;
	const char *name = pnr_path_base(path);
	for (size_t i = 0; i < places->count; i++) {
		sight seen = SIGHT_ABSENT;
		pnr_status status = try_engine_file(s, places->dirs[i], name, path, wasm ? "wasm" : "python", from, &seen);
		if (status != PNR_OK || seen == SIGHT_REFUSED)
			return status;
		if (seen == SIGHT_FILE)
			return wasm ? select_sidecar(s, places->dirs[i], node, from) : PNR_OK;
	}
	return add_missing(s, path, node->engine, places->dirs, places->count, name);
}

static pnr_status select_engine(selector *s, const pnr_node *node)
{
	bool wasm = node->kind == PNR_ENGINE_WASM;
	char pointer[PNR_POINTER_SIZE];
	PNR_CLEANUP(pnr_cleanup_free) char *uses = pnr_engines_uses(&s->engines, node);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	pnr_buffer_printf(&path, "%s/%s.%s", wasm ? "wasm" : "python", node->engine_name, wasm ? "wasm" : "py");
	if (uses == NULL || path.failed)
		return pnr_fail_nomem(s->err);
	if (uses[0] == '\0')
		return PNR_OK;
	const origin from = {
		.reference = node->engine,
		.pointer = pnr_node_pointer(node, "engine", -1, pointer),
		.item = cJSON_GetObjectItemCaseSensitive(node->item, "engine"),
		.uses = uses,
	};
	return search_engine(s, node, path.data, &from);
}

/* ------------------------------------------------------- assumptions -- */

static bool is_file(const selector *s, pnr_role role)
{
	return s->config->fields[role].parsed && s->config->fields[role].reference.kind == PNR_REFERENCE_FILE;
}

static pnr_status select_assumption(selector *s, pnr_role role)
{
	char uses[PNR_ROLE_USES_SIZE];
	if (!is_file(s, role))
		return PNR_OK;
	return select_named(s, role, "assumptions", "assumption", pnr_role_uses(role, uses));
}

/* --------------------------------------------------------- in order -- */

/* The caller has read the config already: here it is only judged. */
static pnr_status select_config(selector *s, const char *config_path)
{
	const origin from = { .reference = config_path, .pointer = "", .uses = PNR_NO_USES };
	PNR_CLEANUP(pnr_place_free) pnr_place place = PNR_PLACE_INIT;
	sight seen = SIGHT_FILE;
	pnr_error why = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	if (!s->options->config_in_memory)
		status = look(s, config_path, &from, &place, &seen, &why);
	if (status == PNR_OK && seen == SIGHT_OTHER)
		pnr_issues_error(s->issues, NULL, NULL, "", "Config: %s", why.message);
	if (status == PNR_OK && place.path == NULL) {
		place.path = strdup(config_path);
		if (place.path == NULL)
			return pnr_fail_nomem(s->err);
	}
	return status == PNR_OK ? add_candidate(s, PNR_CONFIG_NAME, "config", &from, &place) : status;
}

static pnr_status select_all(selector *s, const char *config_path)
{
	pnr_status status = select_config(s, config_path);
	if (status == PNR_OK && is_file(s, PNR_ROLE_MODEL))
		status = select_named(s, PNR_ROLE_MODEL, "", "model", PNR_NO_USES);
	for (size_t i = 0; status == PNR_OK && i < s->config->node_count; i++)
		status = select_engine(s, &s->config->nodes[i]);
	if (status == PNR_OK && s->options->include_policies && is_file(s, PNR_ROLE_POLICIES))
		status = select_named(s, PNR_ROLE_POLICIES, "data", "policy", PNR_NO_USES);
	for (int role = PNR_ROLE_MORTALITY; !s->options->exclude_assumptions && role < PNR_ROLE_COUNT; role++)
		if (status == PNR_OK)
			status = select_assumption(s, (pnr_role)role);
	return status;
}

static int compare_nocase(const void *left, const void *right)
{
	const pnr_candidate *a = *(const pnr_candidate *const *)left, *b = *(const pnr_candidate *const *)right;
	int order = pnr_path_compare_nocase(a->path, b->path);
	if (order == 0)
		order = strcmp(a->path, b->path);
	return order != 0 ? order : (a > b) - (a < b);
}

/* A file system that ignores case could not hold both. */
static pnr_status check_case(selector *s)
{
	size_t count = s->selection->candidate_count;
	PNR_CLEANUP(pnr_cleanup_free) const pnr_candidate **sorted = malloc((count + 1) * sizeof(const pnr_candidate *));
	if (sorted == NULL)
		return pnr_fail_nomem(s->err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &s->selection->candidates[i];
	pnr_array_sort(sorted, count, sizeof(const pnr_candidate *), compare_nocase);
	for (size_t i = 1; i < count; i++) {
		const pnr_candidate *a = sorted[i - 1], *b = sorted[i];
		if (pnr_path_compare_nocase(a->path, b->path) == 0 && strcmp(a->path, b->path) != 0)
			pnr_issues_error(s->issues, s->config->document, b->item, b->pointer,
			                 "Package paths '%s' and '%s' differ only by case: they come from '%s' and '%s'",
			                 a->path, b->path, a->place.path, b->place.path);
	}
	return PNR_OK;
}

/* --------------------------------------------------------- preparing -- */

static pnr_status allow_dirs(selector *s, const char *option, const char *const *dirs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = pnr_roots_allow(s->selection->roots, dirs[i], &own);
		if (status == PNR_NOT_FOUND)
			return pnr_fail(s->err, PNR_INVALID, "%s: %s", option, own.message);
		if (status != PNR_OK) {
			pnr_context(&own, "%s", option);
			return pnr_fail_with(s->err, &own);
		}
	}
	return PNR_OK;
}

static pnr_status open_roots(selector *s, const char *config_path)
{
	const pnr_select_options *options = s->options;
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_dir(config_path);
	if (dir == NULL)
		return pnr_fail_nomem(s->err);
	pnr_status status = pnr_roots_new(dir, options->trace, &s->selection->roots, s->err);
	if (status == PNR_OK)
		status = allow_dirs(s, "workspace", &options->workspace, 1);
	if (status == PNR_OK)
		status = allow_dirs(s, "engine folder", options->engine_dirs, options->engine_dir_count);
	if (status == PNR_OK)
		status = allow_dirs(s, "folder allowed outside", options->allow_outside, options->allow_outside_count);
	return status;
}

/* @parts are relative to the config's folder; NULL ends them. The engine folders come last. */
static pnr_status fill_search(selector *s, search *places, const char *const *parts, const char *last)
{
	const pnr_select_options *options = s->options;
	size_t room = 4 + options->engine_dir_count;
	places->dirs = calloc(room, sizeof *places->dirs);
	if (places->dirs == NULL)
		return pnr_fail_nomem(s->err);
	const char *base = pnr_roots_base(s->selection->roots);
	for (; *parts != NULL; parts++)
		places->dirs[places->count++] = **parts == '\0' ? strdup(base) : pnr_path_join(base, *parts);
	if (last != NULL && strcmp(options->workspace, base) != 0) /* else it stands among the parts */
		places->dirs[places->count++] = pnr_path_join(options->workspace, last);
	for (size_t i = 0; i < places->count; i++)
		if (places->dirs[i] == NULL)
			return pnr_fail_nomem(s->err);
	for (size_t i = 0; i < options->engine_dir_count; i++) {
		pnr_status status = pnr_path_absolute(options->engine_dirs[i], &places->dirs[places->count], s->err);
		if (status != PNR_OK)
			return status;
		places->count++;
	}
	return PNR_OK;
}

static pnr_status prepare(selector *s, const char *config_path)
{
	static const char *const wasm[] = { "", "wasm", "dist/wasm", NULL };
	static const char *const python[] = { "", "python", "scripts", NULL };
	s->selection = calloc(1, sizeof *s->selection);
	if (s->selection == NULL)
		return pnr_fail_nomem(s->err);
	pnr_status status = open_roots(s, config_path);
	if (status == PNR_OK)
		status = fill_search(s, &s->wasm, wasm, "dist/wasm");
	if (status == PNR_OK)
		status = fill_search(s, &s->python, python, NULL);
	return status == PNR_OK ? pnr_engines_sort(s->config, &s->engines, s->err) : status;
}

pnr_status pnr_select(const pnr_config *config, const char *config_path, const pnr_select_options *options,
                      pnr_issues *issues, pnr_selection **out_selection, pnr_error *err)
{
	PNR_CLEANUP(end_selector) selector s = {
		.config = config, .options = options, .issues = issues, .err = err,
	};
	pnr_error own = PNR_ERROR_INIT;
	s.err = err == NULL ? &own : err;
	pnr_status status = prepare(&s, config_path);
	if (status == PNR_OK)
		status = select_all(&s, config_path);
	if (status == PNR_OK)
		status = check_case(&s);
	if (status == PNR_OK)
		*out_selection = PNR_STEAL(s.selection);
	return status;
}

void pnr_selection_free(pnr_selection *selection)
{
	if (selection == NULL)
		return;
	for (size_t i = 0; i < selection->candidate_count; i++)
		free_candidate(&selection->candidates[i]);
	for (size_t i = 0; i < selection->missing_count; i++)
		free_missing(&selection->missing[i]);
	free(selection->candidates);
	free(selection->missing);
	pnr_roots_free(selection->roots);
	free(selection);
}
