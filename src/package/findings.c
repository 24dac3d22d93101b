#include "package/findings.h"
#include "base/buffer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One more than what is kept: for the line that tells how many are not. */
#define LIST_CAPACITY (PNR_FINDINGS_MAX + 1)

pnr_status pnr_findings_new(pnr_findings **out_findings, pnr_error *err)
{
	pnr_findings *findings = calloc(1, sizeof *findings);
	if (findings == NULL)
		return pnr_fail_nomem(err);
	findings->result.size = sizeof findings->result;
	*out_findings = findings;
	return PNR_OK;
}

static void free_list(pnr_problem *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)items[i].path);
		free((char *)items[i].problem);
	}
	free(items);
}

void pnr_verify_result_free(pnr_verify_result *result)
{
	if (result == NULL)
		return;
	free_list(result->problems, result->problem_count);
	free_list(result->warnings, result->warning_count);
	free(result);
}

void pnr_findings_cleanup(pnr_findings **findings)
{
	if (*findings != NULL)
		pnr_verify_result_free(&(*findings)->result);
	*findings = NULL;
}

/* Also the C1 controls, U+0080 to U+009F: some terminals take them for escapes. */
static void flatten(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
		if (c[0] < 0x20 || c[0] == 0x7f)
			c[0] = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			c[0] = c[1] = '?';
	}
}

static bool append(pnr_problem **items, size_t *count, const char *path, char *text)
{
	if (*items == NULL)
		*items = calloc(LIST_CAPACITY, sizeof **items);
	char *own_path = strdup(path);
	if (*items == NULL || own_path == NULL || text == NULL) {
		free(own_path);
		free(text);
		return false;
	}
	flatten(own_path);
	flatten(text);
	(*items)[(*count)++] = (pnr_problem){ own_path, text };
	return true;
}

static PNR_PRINTF(1, 0) char *text_of(const char *format, va_list args)
{
	char *text = NULL;
	return vasprintf(&text, format, args) < 0 ? NULL : text;
}

void pnr_findings_problem(pnr_findings *findings, const char *path, const char *format, ...)
{
	pnr_verify_result *result = &findings->result;
	if (findings->problems++ >= PNR_FINDINGS_MAX)
		return;
	va_list args;
	va_start(args, format);
	if (!append(&result->problems, &result->problem_count, path, text_of(format, args)))
		findings->failed = true;
	va_end(args);
}

void pnr_findings_warning(pnr_findings *findings, const char *path, const char *format, ...)
{
	pnr_verify_result *result = &findings->result;
	if (findings->warnings++ >= PNR_FINDINGS_MAX)
		return;
	va_list args;
	va_start(args, format);
	if (!append(&result->warnings, &result->warning_count, path, text_of(format, args)))
		findings->failed = true;
	va_end(args);
}

pnr_status pnr_findings_status(const pnr_findings *findings, const char *label, pnr_error *err)
{
	const pnr_verify_result *result = &findings->result;
	if (findings->failed)
		return pnr_fail_nomem(err);
	if (findings->problems == 0)
		return PNR_OK;
	const pnr_problem *first = &result->problems[0];
	const char *colon = first->path[0] == '\0' ? "" : ": ";
	if (findings->problems == 1)
		return pnr_fail(err, PNR_CORRUPT, "'%s': %.200s%s%s", label, first->path, colon, first->problem);
	return pnr_fail(err, PNR_CORRUPT, "'%s' has %llu problems, the first: %.200s%s%s", label,
	                (unsigned long long)findings->problems, first->path, colon, first->problem);
}

static bool tell_rest(pnr_problem *items, size_t *count, uint64_t found)
{
	if (found <= *count)
		return true;
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_printf(&text, "and %llu more", (unsigned long long)(found - *count));
	return append(&items, count, "", pnr_buffer_steal(&text));
}

pnr_status pnr_findings_take(pnr_findings **findings, const char *label, pnr_verify_result **out_result,
                             pnr_error *err)
{
	pnr_findings *own = *findings;
	pnr_verify_result *result = &own->result;
	bool told = !own->failed && tell_rest(result->problems, &result->problem_count, own->problems) &&
	            tell_rest(result->warnings, &result->warning_count, own->warnings);
	if (!told)
		return pnr_fail_nomem(err);
	result->valid = own->problems == 0;
	pnr_status status = pnr_findings_status(own, label, err);
	*findings = NULL;
	*out_result = result;
	return status;
}
