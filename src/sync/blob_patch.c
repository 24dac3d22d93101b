#include "sync/blob_patch.h"
#include "base/file.h"
#include "codec/patch.h"
#include <unistd.h>

static pnr_status read_content(pnr_store *store, const pnr_blob_row *content, int scratch, const char *name,
                               pnr_error *err)
{
	pnr_status status = pnr_file_truncate(scratch, 0, name, err);
	if (status == PNR_OK && lseek(scratch, 0, SEEK_SET) != 0)
		status = pnr_fail(err, PNR_IO, "'%s' cannot be rewound", name);
	pnr_file_end end = { scratch, name };
	const pnr_sink sink = pnr_file_end_sink(&end);
	return status == PNR_OK ? pnr_store_read_blob(store, content, &sink, err) : status;
}

pnr_status pnr_blob_patch(pnr_store *store, const pnr_blob_row *base, const pnr_blob_row *content, uint64_t whole_size,
                          int scratch, const char *scratch_name, const pnr_sink *out, pnr_meter *meter,
                          const char *asset, uint64_t *out_size, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer bytes = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_store_load_blob(store, base, &bytes, &own);
	if (status == PNR_NOT_FOUND) {
		*out_size = 0; /* it was evicted */
		return PNR_OK;
	}
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	status = read_content(store, content, scratch, scratch_name, err);
	if (status != PNR_OK)
		return status;
	const pnr_patch patch = { bytes.data, bytes.length, content->size, content->hash };
	pnr_file_range range = { scratch, 0, content->size, asset };
	const pnr_source source = pnr_file_range_source(&range);
	return pnr_patch_make(&patch, &source, whole_size, PNR_PATCH_LEVEL_DEFAULT, out, meter, asset, out_size, err);
}
