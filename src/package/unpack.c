#include "package/inspect.h"
#include "package/tree.h"

static pnr_status begin_file(void *context, const char *path, pnr_sink *out_sink, pnr_error *err)
{
	return pnr_tree_begin(context, path, out_sink, err);
}

static pnr_status end_file(void *context, pnr_error *err)
{
	return pnr_tree_end(context, err);
}

static pnr_status write_manifest(pnr_tree *tree, const pnr_buffer *text, pnr_error *err)
{
	pnr_sink sink;
	pnr_status status = pnr_tree_begin(tree, PNR_MANIFEST_NAME, &sink, err);
	if (status == PNR_OK)
		status = sink.write(sink.context, text->data, text->length, err);
	if (status == PNR_OK)
		status = pnr_tree_end(tree, err);
	return status;
}

static pnr_status write_assets(pnr_inspection *inspection, const char *dir, pnr_error *err)
{
	PNR_CLEANUP(pnr_tree_cleanup) pnr_tree *tree = NULL;
	const pnr_findings *findings = inspection->findings;
	pnr_status status = pnr_tree_new(dir, inspection->listing->unique + 1, &tree, err);
	if (status != PNR_OK)
		return status;
	const pnr_inspect_target target = { begin_file, end_file, tree };
	status = pnr_inspection_run(inspection, PNR_PHASE_UNPACK, &target, err);
	if (status != PNR_OK || findings->problems > 0)
		return status;
	/* A report that is not complete comes before anything is visible. */
	status = pnr_findings_status(findings, inspection->contents->label, err);
	if (status == PNR_OK)
		status = write_manifest(tree, &inspection->manifest_text, err);
	if (status == PNR_OK)
		status = pnr_tree_publish(tree, err);
	return status;
}

pnr_status pnr_unpack(const pnr_package_source *source, const char *dir, const pnr_verify_options *options,
                      pnr_verify_result **out_result, pnr_error *err)
{
	PNR_CLEANUP(pnr_inspection_cleanup) pnr_inspection *inspection = NULL;
	pnr_status status = pnr_inspection_open(source, options, &inspection, err);
	if (status != PNR_OK)
		return status;
	/* With a problem already nothing is made on disk; the rest is looked at all the same, for the report. */
	if (inspection->findings->problems > 0)
		status = pnr_inspection_run(inspection, PNR_PHASE_UNPACK, NULL, err);
	else
		status = write_assets(inspection, dir, err);
	if (status != PNR_OK)
		return status;
	return pnr_findings_take(&inspection->findings, inspection->contents->label, out_result, err);
}
