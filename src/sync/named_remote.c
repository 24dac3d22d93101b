#include "sync/named_remote.h"

pnr_status pnr_named_remote_open(pnr_store *store, const char *name, const pnr_remote_options *options,
                                 pnr_named_remote *out_remote, bool *out_at_fault, pnr_error *err)
{
	pnr_named_remote remote = PNR_NAMED_REMOTE_INIT;
	pnr_status status = pnr_index_remote_find(pnr_store_index(store), name, &remote.arena, &remote.row, err);
	if (status == PNR_OK) {
		status = pnr_remote_open(remote.row.url, options, &remote.handle, err);
		*out_at_fault |= status != PNR_OK && status != PNR_NOMEM && status != PNR_CANCELLED && status != PNR_INVALID;
	} else if (status == PNR_NOT_FOUND) {
		status = pnr_fail(err, PNR_NOT_FOUND,
		                  "no remote '%s'; 'pannier remote list' lists what there is, 'pannier remote add %s URL' adds "
		                  "one",
		                  name, name);
	}
	if (status == PNR_OK)
		*out_remote = remote;
	else
		pnr_named_remote_close(&remote);
	return status;
}

void pnr_named_remote_close(pnr_named_remote *remote)
{
	pnr_remote_close(remote->handle);
	pnr_buffer_free(&remote->arena);
	*remote = (pnr_named_remote)PNR_NAMED_REMOTE_INIT;
}
