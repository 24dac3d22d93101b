#include "package/inspect.h"
#include "base/options.h"
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 1024u

pnr_status pnr_inspection_absorb(pnr_inspection *inspection, const char *path, pnr_status status,
                                 const pnr_error *own, pnr_error *err)
{
	if (status == PNR_CORRUPT) {
		pnr_findings_problem(inspection->findings, path, "%s", own->message);
		return PNR_OK;
	}
	return status == PNR_OK ? status : pnr_fail_with(err, own);
}

/* Read @item into @buffer, at most @limit bytes. A finding is reported once and leaves *out_right false. */
static pnr_status load_asset(pnr_inspection *inspection, pnr_listed *item, size_t limit, pnr_buffer *buffer,
                             bool *out_right, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status;
	pnr_buffer_end end = { buffer, limit };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	if (item->present && item->asset->size > limit)
		status = pnr_fail(&own, PNR_CORRUPT, "is larger than the limit of %zu bytes", limit);
	else
		status = pnr_inspect_asset(inspection->contents, item, NULL, &sink, &own);
	*out_right = status == PNR_OK;
	item->wrong = status == PNR_CORRUPT;
	return pnr_inspection_absorb(inspection, item->asset->path, status, &own, err);
}

/* ------------------------------------------------------------ structure -- */

static pnr_status read_manifest(pnr_inspection *inspection, pnr_error *err)
{
	pnr_contents *contents = inspection->contents;
	pnr_findings *findings = inspection->findings;
	uint64_t index = 0;
	if (!pnr_contents_find_manifest(contents, &index)) {
		pnr_findings_problem(findings, PNR_MANIFEST_NAME, "is missing");
		return PNR_OK;
	}
	pnr_contents_entry entry = pnr_contents_get(contents, index);
	if (entry.size > PNR_MANIFEST_MAX) {
		pnr_findings_problem(findings, PNR_MANIFEST_NAME, "is larger than the limit of %u bytes", PNR_MANIFEST_MAX);
		return PNR_OK;
	}
	pnr_error own = PNR_ERROR_INIT;
	pnr_buffer *text = &inspection->manifest_text;
	pnr_buffer_end end = { text, (size_t)entry.size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_status status = pnr_contents_read(contents, index, &sink, NULL, NULL, &own);
	if (status == PNR_OK)
		status = pnr_manifest_read(text->data == NULL ? "" : text->data, text->length, &inspection->manifest, &own);
	if (status == PNR_UNSUPPORTED)
		pnr_context(&own, "'%s': " PNR_MANIFEST_NAME, contents->label);
	return pnr_inspection_absorb(inspection, PNR_MANIFEST_NAME, status, &own, err);
}

static void match_entry(pnr_inspection *inspection, uint64_t index)
{
	pnr_findings *findings = inspection->findings;
	pnr_contents_entry entry = pnr_contents_get(inspection->contents, index);
	size_t length = strlen(entry.name);
	if (strcmp(entry.name, PNR_MANIFEST_NAME) == 0)
		return;
	if (length > 0 && entry.name[length - 1] == '/') {
		if (entry.size > 0)
			pnr_findings_problem(findings, entry.name, "is a folder with bytes of its own");
		else if (!pnr_listing_has_folder(inspection->listing, entry.name))
			pnr_findings_problem(findings, entry.name, "is a folder that holds nothing the manifest lists");
		return;
	}
	pnr_listed *item = pnr_listing_find(inspection->listing, entry.name);
	if (item == NULL) {
		pnr_findings_problem(findings, entry.name, "is not in the manifest");
		return;
	}
	item->entry = index;
	item->present = entry.size == item->asset->size;
	item->wrong = !item->present;
	if (item->wrong)
		pnr_findings_problem(findings, entry.name, "has %llu bytes, the manifest says %llu",
		                     (unsigned long long)entry.size, (unsigned long long)item->asset->size);
}

static void match_entries(pnr_inspection *inspection)
{
	const pnr_listing *listing = inspection->listing;
	uint64_t count = pnr_contents_count(inspection->contents);
	for (uint64_t i = 0; i < count; i++)
		match_entry(inspection, i);
	for (size_t i = 0; i < listing->unique; i++) {
		pnr_listed *item = listing->by_path[i];
		if (item->present || item->wrong)
			continue;
		item->wrong = true;
		pnr_findings_problem(inspection->findings, item->asset->path,
		                     "is listed in the manifest and not in the package");
	}
}

static pnr_status check_listed_hash(pnr_inspection *inspection, pnr_error *err)
{
	const pnr_manifest *manifest = inspection->manifest;
	if (!manifest->has_package_hash) {
		pnr_findings_warning(inspection->findings, "",
		                     "made by the old packager: its manifest has no packageHash to check");
		return PNR_OK;
	}
	inspection->findings->result.has_declared_hash = true;
	pnr_digest listed;
	pnr_status status = pnr_listing_hash(inspection->listing, false, &listed, err);
	if (status != PNR_OK || pnr_digest_equal(&listed, &manifest->package_hash))
		return status;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_findings_problem(inspection->findings, PNR_MANIFEST_NAME, "its packageHash is not that of its assets, %s",
	                     pnr_digest_to_hex(&listed, hex));
	return PNR_OK;
}

/* --------------------------------------------------------------- config -- */

static void report_issues(pnr_inspection *inspection, const char *path, const pnr_validation *validation)
{
	for (size_t i = 0; i < validation->error_count; i++)
		pnr_findings_problem(inspection->findings, path, "%s", validation->errors[i].message);
}

static void cleanup_issues(pnr_issues **issues)
{
	pnr_issues_free(*issues);
}

static void cleanup_validation(pnr_validation **validation)
{
	pnr_validation_free(*validation);
}

/* pnr_config_parse, with what is wrong as findings. */
static pnr_status parse_config(pnr_inspection *inspection, pnr_error *err)
{
	PNR_CLEANUP(cleanup_issues) pnr_issues *issues = NULL;
	PNR_CLEANUP(cleanup_validation) pnr_validation *validation = NULL;
	const pnr_buffer *text = &inspection->config_text;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_issues_new(&issues, err);
	if (status != PNR_OK)
		return status;
	status = pnr_config_parse(text->data == NULL ? "" : text->data, text->length, issues, &inspection->config, &own);
	if (status != PNR_OK && status != PNR_INVALID)
		return pnr_inspection_absorb(inspection, PNR_CONFIG_NAME, status, &own, err);
	status = pnr_issues_take(PNR_STEAL(issues), &validation, err);
	if (status == PNR_OK)
		report_issues(inspection, PNR_CONFIG_NAME, validation);
	return status;
}

static pnr_status check_mandatory(pnr_inspection *inspection, pnr_error *err)
{
	PNR_CLEANUP(cleanup_issues) pnr_issues *issues = NULL;
	PNR_CLEANUP(cleanup_validation) pnr_validation *validation = NULL;
	const pnr_listing *listing = inspection->listing;
	PNR_CLEANUP(pnr_cleanup_free) const char **paths = calloc(listing->unique + 1, sizeof *paths);
	if (paths == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < listing->unique; i++)
		paths[i] = listing->by_path[i]->asset->path;
	pnr_status status = pnr_issues_new(&issues, err);
	if (status == PNR_OK)
		status = pnr_config_check_assets(inspection->config, paths, listing->unique, issues, err);
	if (status == PNR_OK)
		status = pnr_issues_take(PNR_STEAL(issues), &validation, err);
	if (status == PNR_OK)
		report_issues(inspection, "", validation);
	return status;
}

/* Skips white space; only between tokens, where both texts are. */
static const char *skip_space(const char *c, const char *end)
{
	while (c < end && (*c == ' ' || *c == '\t' || *c == '\n' || *c == '\r'))
		c++;
	return c;
}

/*
 * The same tokens in two valid JSON texts? Tokens that are no punctuation never
 * follow each other, so it is enough to compare bytes and to leave out the white
 * space that is not in strings.
 */
static bool same_tokens(const char *a, size_t a_length, const char *b, size_t b_length)
{
	const char *a_end = a + a_length, *b_end = b + b_length;
	bool in_string = false, escaped = false;
	for (;; a++, b++) {
		if (!in_string) {
			a = skip_space(a, a_end);
			b = skip_space(b, b_end);
		}
		if (a == a_end || b == b_end)
			return a == a_end && b == b_end;
		if (*a != *b)
			return false;
		if (*a == '"' && !escaped)
			in_string = !in_string;
		escaped = in_string && *a == '\\' && !escaped;
	}
}

static void compare_configs(pnr_inspection *inspection)
{
	const pnr_manifest *manifest = inspection->manifest;
	const pnr_buffer *text = &inspection->config_text;
	const pnr_json_span span = manifest->config;
	if (span.start < span.end && same_tokens(inspection->manifest_text.data + span.start, span.end - span.start,
	                                         text->data, text->length))
		return;
	const char *what = span.start == span.end ? "has no config"
	                                          : "its config is not, token by token, " PNR_CONFIG_NAME;
	/* The old packager parsed the config and rendered it again, which changes tokens. */
	if (manifest->has_package_hash)
		pnr_findings_problem(inspection->findings, PNR_MANIFEST_NAME, "%s", what);
	else
		pnr_findings_warning(inspection->findings, PNR_MANIFEST_NAME, "%s", what);
}

/* packageHash does not cover what the manifest lists as references: it must be what the config has. */
static void compare_refs(pnr_inspection *inspection, const char *key, const pnr_manifest_refs *listed,
                         pnr_reference_kind kind)
{
	const char *refs[PNR_CONFIG_REFERENCES_MAX];
	size_t count = pnr_config_references(inspection->config, kind, refs);
	bool same = listed->count == count;
	for (size_t i = 0; same && i < count; i++)
		same = strcmp(listed->items[i], refs[i]) == 0;
	if (listed->present && !same)
		pnr_findings_problem(inspection->findings, PNR_MANIFEST_NAME,
		                     "its %s are not those of " PNR_CONFIG_NAME, key);
}

static pnr_status check_config(pnr_inspection *inspection, pnr_error *err)
{
	pnr_listed *item = pnr_listing_find(inspection->listing, PNR_CONFIG_NAME);
	if (item == NULL) {
		pnr_findings_problem(inspection->findings, "", "Package missing mandatory asset: " PNR_CONFIG_NAME);
		return PNR_OK;
	}
	if (item->wrong)
		return PNR_OK;
	bool right = false;
	pnr_status status = load_asset(inspection, item, PNR_CONFIG_MAX, &inspection->config_text, &right, err);
	if (status == PNR_OK && right)
		status = parse_config(inspection, err);
	if (status != PNR_OK || inspection->config == NULL)
		return status;
	compare_configs(inspection);
	compare_refs(inspection, "assumptionRefs", &inspection->manifest->assumption_refs, PNR_REFERENCE_ASSUMPTION);
	compare_refs(inspection, "externalRefs", &inspection->manifest->external_refs, PNR_REFERENCE_EXTERNAL);
	return check_mandatory(inspection, err);
}

/* ------------------------------------------------------------ the whole -- */

static pnr_status check_structure(pnr_inspection *inspection, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_contents_load(inspection->contents, &own);
	if (status != PNR_OK)
		return pnr_inspection_absorb(inspection, "", status, &own, err);
	status = read_manifest(inspection, err);
	if (status != PNR_OK || inspection->manifest == NULL)
		return status;
	status = pnr_listing_new(inspection->manifest, inspection->findings, &inspection->listing, err);
	if (status != PNR_OK)
		return status;
	inspection->findings->result.asset_count = inspection->listing->unique;
	status = pnr_listing_check_names(inspection->listing, inspection->findings, err);
	if (status != PNR_OK)
		return status;
	match_entries(inspection);
	status = check_listed_hash(inspection, err);
	if (status == PNR_OK)
		status = check_config(inspection, err);
	return status;
}

static pnr_status take_options(pnr_inspection *inspection, const pnr_verify_options *options, pnr_error *err)
{
	pnr_verify_options *own = &inspection->options;
	pnr_status status = pnr_options_take(own, sizeof *own, options, "pnr_verify_options", err);
	if (status != PNR_OK)
		return status;
	if (own->threads > THREADS_MAX)
		return pnr_fail(err, PNR_INVALID, "%u threads: at most %u", own->threads, THREADS_MAX);
	inspection->meter.fn = own->progress;
	inspection->meter.user = own->progress_user;
	return PNR_OK;
}

static void close_contents(pnr_contents **contents)
{
	pnr_contents_close(*contents);
}

pnr_status pnr_inspection_open_contents(pnr_contents *contents, const pnr_verify_options *options,
                                        pnr_inspection **out_inspection, pnr_error *err)
{
	PNR_CLEANUP(close_contents) pnr_contents *taken = contents;
	PNR_CLEANUP(pnr_inspection_cleanup) pnr_inspection *inspection = calloc(1, sizeof *inspection);
	if (inspection == NULL)
		return pnr_fail_nomem(err);
	inspection->contents = PNR_STEAL(taken);
	pnr_status status = take_options(inspection, options, err);
	if (status == PNR_OK)
		status = pnr_findings_new(&inspection->findings, err);
	if (status == PNR_OK)
		status = check_structure(inspection, err);
	if (status == PNR_OK)
		*out_inspection = PNR_STEAL(inspection);
	return status;
}

pnr_status pnr_inspection_open(const pnr_package_source *source, const pnr_verify_options *options,
                               pnr_inspection **out_inspection, pnr_error *err)
{
	pnr_contents *contents = NULL;
	pnr_status status = pnr_contents_open(source, &contents, err);
	return status == PNR_OK ? pnr_inspection_open_contents(contents, options, out_inspection, err) : status;
}

void pnr_inspection_close(pnr_inspection *inspection)
{
	if (inspection == NULL)
		return;
	pnr_config_free(inspection->config);
	pnr_buffer_free(&inspection->config_text);
	pnr_listing_free(inspection->listing);
	pnr_manifest_free(inspection->manifest);
	pnr_buffer_free(&inspection->manifest_text);
	pnr_contents_close(inspection->contents);
	pnr_findings_cleanup(&inspection->findings);
	free(inspection);
}

void pnr_inspection_cleanup(pnr_inspection **inspection)
{
	pnr_inspection_close(*inspection);
	*inspection = NULL;
}

static uint64_t total_bytes(const pnr_inspection *inspection)
{
	uint64_t total = inspection->contents->archive_bytes;
	const pnr_listing *listing = inspection->listing;
	for (size_t i = 0; listing != NULL && i < listing->unique; i++) {
		const pnr_listed *item = listing->by_path[i];
		if (item->present && !item->wrong && __builtin_add_overflow(total, item->asset->size, &total))
			return 0;
	}
	return total;
}

static void check_expected(pnr_inspection *inspection)
{
	const pnr_verify_result *result = &inspection->findings->result;
	const pnr_digest *expect = inspection->options.expect;
	if (expect == NULL || pnr_digest_equal(expect, &result->package_hash) ||
	    (result->has_archive_hash && pnr_digest_equal(expect, &result->archive_hash)))
		return;
	char expected[PNR_DIGEST_HEX_SIZE], package[PNR_DIGEST_HEX_SIZE], archive[PNR_DIGEST_HEX_SIZE];
	pnr_digest_to_hex(&result->archive_hash, archive);
	pnr_findings_problem(inspection->findings, "", "expected %s; packageHash is %s, archiveHash is %s",
	                     pnr_digest_to_hex(expect, expected), pnr_digest_to_hex(&result->package_hash, package),
	                     result->has_archive_hash ? archive : "none");
}

pnr_status pnr_inspection_run(pnr_inspection *inspection, pnr_phase phase, const pnr_inspect_target *target,
                              pnr_error *err)
{
	pnr_verify_result *result = &inspection->findings->result;
	pnr_meter *meter = &inspection->meter;
	pnr_status status = pnr_meter_begin(meter, phase, total_bytes(inspection), err);
	if (status == PNR_OK)
		status = pnr_inspect_assets(inspection, target, err);
	if (status == PNR_OK && inspection->listing != NULL)
		status = pnr_listing_hash(inspection->listing, true, &result->package_hash, err);
	if (status == PNR_OK)
		status = pnr_contents_settle(inspection->contents, err);
	if (status == PNR_OK)
		status = pnr_meter_end(meter, err);
	if (status == PNR_OK)
		check_expected(inspection);
	return status;
}
