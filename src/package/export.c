/* The zip of a past package, again, byte for byte. */
#include "base/options.h"
#include "package/stored_archive.h"
#include <pannier/package.h>

static pnr_status check(const pnr_stored_archive *x, const pnr_digest *hash, pnr_error *err)
{
	char made[PNR_DIGEST_HEX_SIZE], wanted[PNR_DIGEST_HEX_SIZE];
	if (pnr_digest_equal(hash, &x->archive.archive_hash))
		return PNR_OK;
	return pnr_fail(err, PNR_CORRUPT, "the zip has the archive hash %s instead of %s",
	                pnr_digest_to_hex(hash, made), pnr_digest_to_hex(&x->archive.archive_hash, wanted));
}

static pnr_status write_out(pnr_store *store, const pnr_stored_archive *x, pnr_meter *meter, const char *output_path,
                            pnr_write_fn write, void *user, pnr_error *err)
{
	pnr_digest hash;
	uint64_t size;
	if (output_path == NULL) {
		pnr_receiver receiver = { write, user };
		pnr_sink sink = pnr_receiver_sink(&receiver);
		pnr_status status = pnr_archive_write(store, x->items, x->count, x->archive.created_ms, meter,
		                                      &sink, &hash, &size, err);
		return status == PNR_OK ? check(x, &hash, err) : status;
	}
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	pnr_status status = pnr_archive_target(store, output_path, &target, err);
	if (status == PNR_OK)
		status = pnr_archive_write_temp(store, x->items, x->count, x->archive.created_ms, meter, target,
		                                &temp, &hash, &size, err);
	if (status == PNR_OK)
		status = check(x, &hash, err);
	return status == PNR_OK ? pnr_temp_publish(&temp, err) : status;
}

pnr_status pnr_export(pnr_store *store, const char *ref, const char *output_path, pnr_write_fn write, void *user,
                      const pnr_export_options *options, pnr_error *err)
{
	PNR_CLEANUP(pnr_stored_archive_free) pnr_stored_archive x = PNR_STORED_ARCHIVE_INIT;
	pnr_export_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_export_options", err);
	pnr_meter meter = { .fn = own.progress, .user = own.progress_user };
	if (status == PNR_OK)
		status = pnr_stored_archive_load(store, ref, &x, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&meter, PNR_PHASE_WRITE, x.archive.size, err);
	if (status == PNR_OK)
		status = write_out(store, &x, &meter, output_path, write, user, err);
	return status == PNR_OK ? pnr_meter_end(&meter, err) : status;
}
