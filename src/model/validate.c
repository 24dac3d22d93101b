/* The public functions: a text in, a validation out. */
#include "model/config.h"

static void cleanup_issues(pnr_issues **issues)
{
	pnr_issues_free(*issues);
}

static void cleanup_config(pnr_config **config)
{
	pnr_config_free(*config);
}

pnr_status pnr_config_validate(const void *json, size_t length, pnr_validation **out_validation, pnr_error *err)
{
	PNR_CLEANUP(cleanup_issues) pnr_issues *issues = NULL;
	PNR_CLEANUP(cleanup_config) pnr_config *config = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_issues_new(&issues, err);
	if (status != PNR_OK)
		return status;
	status = pnr_config_parse(json == NULL ? "" : json, length, issues, &config, &own);
	if (status != PNR_OK && status != PNR_INVALID)
		return pnr_fail_with(err, &own);
	return pnr_issues_take(PNR_STEAL(issues), out_validation, err);
}

pnr_status pnr_assets_validate(const void *json, size_t length, const char *const *paths, size_t path_count,
                               pnr_validation **out_validation, pnr_error *err)
{
	PNR_CLEANUP(cleanup_issues) pnr_issues *issues = NULL;
	PNR_CLEANUP(cleanup_config) pnr_config *config = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_issues_new(&issues, err);
	if (status != PNR_OK)
		return status;
	status = pnr_config_read(json == NULL ? "" : json, length, issues, &config, &own);
	if (status == PNR_OK)
		status = pnr_config_check_assets(config, paths, path_count, issues, &own);
	if (status != PNR_OK && status != PNR_INVALID)
		return pnr_fail_with(err, &own);
	return pnr_issues_take(PNR_STEAL(issues), out_validation, err);
}
