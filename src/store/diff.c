/* Two contents of the store, compared by lines or by rows. */
#include "diff/diff.h"
#include "base/file.h"
#include "base/options.h"
#include "store/internal.h"
#include <fcntl.h>
#include <pannier/history.h>
#include <stdlib.h>

static pnr_status find(pnr_store *store, const pnr_digest *hash, pnr_blob_row *out_blob, pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_status status = pnr_index_blob_find(store->index, hash, out_blob, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND, "no content %s in this store", pnr_digest_to_hex(hash, hex));
	return status;
}

static pnr_status start(const pnr_diff_options *options, pnr_meter *out_meter, pnr_error *err)
{
	pnr_diff_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_diff_options", err);
	if (status == PNR_OK)
		*out_meter = (pnr_meter){ .fn = own.progress, .user = own.progress_user };
	return status == PNR_OK ? pnr_meter_begin(out_meter, PNR_PHASE_COMPARE, 0, err) : status;
}

/* ---------------------------------------------------------------- lines -- */

static pnr_status load_text(pnr_store *store, const pnr_digest *hash, pnr_meter *meter, pnr_buffer *out, pnr_error *err)
{
	pnr_blob_row blob;
	pnr_status status = find(store, hash, &blob, err);
	if (status != PNR_OK)
		return status;
	if (blob.size > PNR_DIFF_TEXT_MAX)
		return pnr_fail(err, PNR_UNSUPPORTED, "it is larger than %u MiB, too large to compare lines",
		                PNR_DIFF_TEXT_MAX >> 20);
	status = pnr_store_load_blob(store, &blob, out, err);
	if (status == PNR_OK && !pnr_diff_is_text(out->data, out->length))
		status = pnr_fail(err, PNR_UNSUPPORTED, "it is no text");
	return status == PNR_OK ? pnr_meter_add(meter, NULL, blob.size, err) : status;
}

pnr_status pnr_store_diff_text(pnr_store *store, const pnr_digest *old_hash, const pnr_digest *new_hash,
                               const pnr_diff_options *options, pnr_write_fn write, void *user, pnr_error *err)
{
	pnr_meter meter = { .fn = NULL };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer old = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer new = PNR_BUFFER_INIT;
	pnr_receiver receiver = { write, user };
	const pnr_sink sink = pnr_receiver_sink(&receiver);
	pnr_status status = start(options, &meter, err);
	if (status == PNR_OK)
		status = load_text(store, old_hash, &meter, &old, err);
	if (status == PNR_OK)
		status = load_text(store, new_hash, &meter, &new, err);
	if (status == PNR_OK)
		status = pnr_diff_lines(old.data, old.length, new.data, new.length, &meter, &sink, err);
	return status == PNR_OK ? pnr_meter_end(&meter, err) : status;
}

/* --------------------------------------------------------------- tables -- */

typedef struct content {
	pnr_store *store;
	pnr_blob_row blob;
	pnr_meter *meter;
	const pnr_sink *to;
} content;

static pnr_status pass_on(void *context, const void *data, size_t length, pnr_error *err)
{
	const content *c = context;
	pnr_status status = pnr_meter_add(c->meter, NULL, length, err);
	return status == PNR_OK ? c->to->write(c->to->context, data, length, err) : status;
}

static pnr_status run_content(void *context, const pnr_sink *sink, pnr_error *err)
{
	content *c = context;
	const pnr_sink metered = { .write = pass_on, .context = c };
	c->to = sink;
	return pnr_store_read_blob(c->store, &c->blob, &metered, err);
}

static pnr_status make_scratch(void *context, int *out_fd, pnr_error *err)
{
	pnr_store *store = context;
	if (!store->read_only)
		return pnr_store_scratch(store, out_fd, err);
	const char *dir = getenv("TMPDIR");
	return pnr_file_open(AT_FDCWD, dir != NULL && dir[0] != '\0' ? dir : "/tmp", O_TMPFILE | O_RDWR, 0600, out_fd,
	                     err);
}

pnr_status pnr_store_diff_table(pnr_store *store, const pnr_digest *old_hash, const pnr_digest *new_hash,
                                const char *const *keys, size_t key_count, const pnr_diff_options *options,
                                pnr_row_change_fn fn, void *user, pnr_table_diff **out_diff, pnr_error *err)
{
	pnr_meter meter = { .fn = NULL };
	content old = { .store = store, .meter = &meter }, new = { .store = store, .meter = &meter };
	const pnr_tables tables = {
		.old_table = { run_content, &old },
		.new_table = { run_content, &new },
		.keys = keys,
		.key_count = key_count,
		.scratch = make_scratch,
		.context = store,
		.meter = &meter,
	};
	pnr_status status = start(options, &meter, err);
	if (status == PNR_OK)
		status = find(store, old_hash, &old.blob, err);
	if (status == PNR_OK)
		status = find(store, new_hash, &new.blob, err);
	return status == PNR_OK ? pnr_diff_tables(&tables, fn, user, out_diff, err) : status;
}
