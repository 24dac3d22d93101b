#include "sync/named_remote.h"

pnr_status pnr_named_remote_open(pnr_store *store, const char *name, const pnr_remote_options *options,
                                 pnr_named_remote *out_remote, bool *out_at_fault, pnr_error *err)
{
	PNR_CLEANUP(pnr_named_remote_close) pnr_named_remote remote = PNR_NAMED_REMOTE_INIT;
	pnr_status status = pnr_index_remote_find(pnr_store_index(store), name, &remote.arena, &remote.row, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "no remote '%s'; 'pannier remote list' lists what there is, 'pannier remote add %s URL' adds "
		                "one",
		                name, name);
	if (status != PNR_OK)
		return status;
	status = pnr_remote_open(remote.row.url, options, &remote.handle, err);
	if (status != PNR_OK) {
		*out_at_fault |= status != PNR_NOMEM && status != PNR_CANCELLED && status != PNR_INVALID;
		return status;
	}
	*out_remote = remote;
	remote = (pnr_named_remote)PNR_NAMED_REMOTE_INIT;
	return PNR_OK;
}

void pnr_named_remote_close(pnr_named_remote *remote)
{
	pnr_remote_close(remote->handle);
	pnr_buffer_free(&remote->arena);
	*remote = (pnr_named_remote)PNR_NAMED_REMOTE_INIT;
}
