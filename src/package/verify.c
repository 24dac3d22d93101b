#include "package/inspect.h"

pnr_status pnr_verify(const pnr_package_source *source, const pnr_verify_options *options,
                      pnr_verify_result **out_result, pnr_error *err)
{
	PNR_CLEANUP(pnr_inspection_cleanup) pnr_inspection *inspection = NULL;
	pnr_status status = pnr_inspection_open(source, options, &inspection, err);
	if (status == PNR_OK)
		status = pnr_inspection_run(inspection, PNR_PHASE_VERIFY, NULL, err);
	if (status != PNR_OK)
		return status;
	return pnr_findings_take(&inspection->findings, inspection->contents->label, out_result, err);
}
