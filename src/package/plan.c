#include "package/plan.h"
#include "base/file.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pnr_status open_config(const char *path, int *out_fd, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, out_fd, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "no config '%s'; give the path of a %s, or run in the model's folder", path,
		                PNR_CONFIG_NAME);
	return status == PNR_OK ? PNR_OK : pnr_fail(err, status, "config: %s", own.message);
}

static pnr_status read_file(pnr_plan *plan, const char *path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	struct stat after;
	pnr_status status = open_config(path, &fd, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &plan->config_stat, path, err);
	if (status != PNR_OK)
		return status;
	if (S_ISDIR(plan->config_stat.st_mode))
		return pnr_fail(err, PNR_INVALID, "config '%s' is a folder; give the file in it", path);
	if (!S_ISREG(plan->config_stat.st_mode))
		return pnr_fail(err, PNR_INVALID, "config '%s' is not a regular file", path);
	if (plan->config_stat.st_size > (off_t)PNR_CONFIG_MAX)
		return pnr_fail(err, PNR_INVALID, "config '%s' is larger than %u bytes", path, PNR_CONFIG_MAX);
	status = pnr_file_read_all(fd, PNR_CONFIG_MAX, &plan->text, path, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &after, path, err);
	if (status != PNR_OK)
		return status;
	pnr_file_state a = pnr_file_state_of(&plan->config_stat);
	pnr_file_state b = pnr_file_state_of(&after);
	if (memcmp(&a, &b, sizeof a) != 0 || plan->text.length != a.size)
		return pnr_fail(err, PNR_RETRY, "config '%s' changed while it was read; try again", path);
	return PNR_OK;
}

static pnr_status read_config(pnr_plan *plan, const char *path, pnr_error *err)
{
	plan->from_stdin = strcmp(path, "-") == 0;
	pnr_status status =
		pnr_path_absolute(plan->from_stdin ? PNR_CONFIG_NAME : path, &plan->config_path, err);
	if (status != PNR_OK)
		return status;
	if (plan->from_stdin)
		status = pnr_file_read_all(STDIN_FILENO, PNR_CONFIG_MAX, &plan->text, "stdin", err);
	else
		status = read_file(plan, path, err);
	if (status == PNR_OK)
		pnr_buffer_append(&plan->text, "", 0);
	return status == PNR_OK ? pnr_buffer_status(&plan->text, err) : status;
}

/* The config's folder relative to the workspace; its absolute path if it lies outside. */
static pnr_status find_name(pnr_plan *plan, const char *given, pnr_error *err)
{
	if (given != NULL) {
		plan->name = strdup(given);
		return plan->name == NULL ? pnr_fail_nomem(err) : PNR_OK;
	}
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_dir(plan->config_path);
	PNR_CLEANUP(pnr_cleanup_free) char *real = dir == NULL ? NULL : realpath(dir, NULL);
	if (dir == NULL)
		return pnr_fail_nomem(err);
	if (real == NULL)
		return pnr_fail_errno(err, errno, "folder '%s'", dir);
	const char *name = real;
	size_t length = strlen(plan->workspace);
	if (strcmp(real, plan->workspace) == 0)
		name = ".";
	else if (strncmp(real, plan->workspace, length) == 0 && real[length] == '/')
		name = real + length + 1;
	plan->name = strdup(name);
	return plan->name == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status check_options(const pnr_pack_options *options, pnr_error *err)
{
	if (options->level > PNR_LEVEL_MAX)
		return pnr_fail(err, PNR_INVALID, "level %u: it must be 1 to %u", options->level, PNR_LEVEL_MAX);
	if (options->name != NULL && (options->name[0] == '\0' || strpbrk(options->name, "@:\n") != NULL))
		return pnr_fail(err, PNR_INVALID, "name '%s': it must not be empty nor contain '@' or ':'",
		                options->name);
	return PNR_OK;
}

static pnr_status read_plan(pnr_plan *plan, const char *config_path, const pnr_pack_options *options, pnr_error *err)
{
	pnr_status status = check_options(options, err);
	if (status == PNR_OK)
		status = read_config(plan, config_path, err);
	if (status == PNR_OK)
		status = pnr_workspace_find(plan->config_path, options->workspace, &plan->workspace, err);
	if (status == PNR_OK)
		status = find_name(plan, options->name, err);
	return status == PNR_OK ? pnr_issues_new(&plan->issues, err) : status;
}

pnr_status pnr_plan_read(const char *config_path, const pnr_pack_options *options, pnr_plan *out_plan, pnr_error *err)
{
	PNR_CLEANUP(pnr_plan_free) pnr_plan plan = PNR_PLAN_INIT;
	pnr_status status = read_plan(&plan, config_path, options, err);
	if (status != PNR_OK)
		return status;
	*out_plan = plan;
	plan = (pnr_plan)PNR_PLAN_INIT;
	return PNR_OK;
}

pnr_status pnr_plan_select(pnr_plan *plan, const pnr_pack_options *options, pnr_trace *trace, pnr_error *err)
{
	pnr_status status = pnr_config_parse(plan->text.data, plan->text.length, plan->issues, &plan->config, err);
	if (status != PNR_OK) {
		/* In the issues: not a failure of planning. */
		if (status == PNR_INVALID)
			pnr_error_clear(err);
		return status == PNR_INVALID ? PNR_OK : status;
	}
	const pnr_select_options select = {
		.workspace = plan->workspace,
		.config_in_memory = plan->from_stdin,
		.include_policies = options->include_policies,
		.exclude_assumptions = options->exclude_assumptions,
		.engine_dirs = options->engine_dirs,
		.engine_dir_count = options->engine_dir_count,
		.allow_outside = options->allow_outside,
		.allow_outside_count = options->allow_outside_count,
		.trace = trace,
	};
	return pnr_select(plan->config, plan->config_path, &select, plan->issues, &plan->selection, err);
}

bool pnr_plan_ready(const pnr_plan *plan)
{
	return plan->selection != NULL && plan->selection->missing_count == 0 && pnr_issues_valid(plan->issues);
}

void pnr_plan_free(pnr_plan *plan)
{
	pnr_selection_free(plan->selection);
	pnr_config_free(plan->config);
	pnr_issues_free(plan->issues);
	pnr_buffer_free(&plan->text);
	free(plan->name);
	free(plan->workspace);
	free(plan->config_path);
	*plan = (pnr_plan)PNR_PLAN_INIT;
}

static pnr_status open_candidate(const void *context, int *out_fd, pnr_error *err)
{
	const pnr_candidate *candidate = context;
	return pnr_place_open(&candidate->place, out_fd, err);
}

pnr_ingest_file pnr_plan_file(const pnr_plan *plan, size_t index)
{
	const pnr_candidate *candidate = &plan->selection->candidates[index];
	return (pnr_ingest_file){
		.open = open_candidate,
		.context = candidate,
		.st = candidate->place.st,
		.name = candidate->path,
	};
}

uint64_t pnr_plan_size(const pnr_plan *plan)
{
	uint64_t total = plan->text.length;
	for (size_t i = 1; i < plan->selection->candidate_count; i++)
		total += (uint64_t)plan->selection->candidates[i].place.st.st_size;
	return total;
}

char *pnr_plan_error(const pnr_validation *validation, size_t missing_count)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	if (validation->error_count > 0)
		pnr_buffer_puts(&text, validation->errors[0].message);
	if (validation->error_count > 1)
		pnr_buffer_printf(&text, " (and %zu more)", validation->error_count - 1);
	if (missing_count > 0)
		pnr_buffer_printf(&text, "%sMissing %zu required assets", validation->error_count > 0 ? "; " : "",
		                  missing_count);
	return pnr_buffer_steal(&text);
}

pnr_status pnr_plan_missing(const pnr_plan *plan, pnr_missing_asset **out_missing, size_t *out_count, pnr_error *err)
{
	size_t count = plan->selection == NULL ? 0 : plan->selection->missing_count;
	pnr_missing_asset *missing = NULL;
	if (count > 0) {
		missing = calloc(count, sizeof *missing);
		if (missing == NULL)
			return pnr_fail_nomem(err);
	}
	for (size_t i = 0; i < count; i++) {
		const pnr_missing *from = &plan->selection->missing[i];
		missing[i] = (pnr_missing_asset){
			.path = from->path,
			.reference = from->reference,
			.searched = (const char *const *)from->searched,
			.searched_count = from->searched_count,
		};
	}
	*out_missing = missing;
	*out_count = count;
	return PNR_OK;
}
