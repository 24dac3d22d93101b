/*
 * Pulling, in the order in which things become true:
 *
 *   1. the REF is a package on the remote; its text, which says what it is made of, is here
 *   2. its content is in the store, proved             (fetch)
 *   3. package, zip, archive, log entry                (adopt)
 *   4. what is known of the remote, and what it took: one transaction
 *   5. the folder, if one is wanted                    (unpack)
 *   6. the store is within its limit                   (evict)
 *
 * What ends it after 2 costs nothing twice, after 3 leaves a package that is whole.
 */
#include "base/clock.h"
#include "base/options.h"
#include "package/adopt.h"
#include "package/archive.h"
#include "package/manifest_read.h"
#include "package/record.h"
#include "package/tree.h"
#include "sync/fetch.h"
#include "sync/make_room.h"
#include "sync/presence.h"
#include "sync/pull.h"
#include "sync/remote_package.h"
#include <pannier/package.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct pulling {
	pnr_store *store;
	const pnr_pull_options *options;
	const pnr_named_remote *remote;
	const char *ref;
	int64_t began_ms;
	double began;
	pnr_meter *meter;
	pnr_package_object package;
	int64_t *object_encodings; /* one an object of the package */
	int64_t *encodings;        /* one an asset */
	pnr_fetched fetched;
	pnr_adopted adopted;
	pnr_pull_result result;
	bool at_fault; /* the remote */
} pulling;

static void pulling_free(pulling *p)
{
	free(p->object_encodings);
	free(p->encodings);
	pnr_package_object_free(&p->package);
}

/* ------------------------------------------------------------------- the content -- */

static pnr_status list_encodings(pulling *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	const pnr_buffer *text = &p->package.manifest;
	pnr_status status = pnr_manifest_read(text->data, text->length, &manifest, err);
	if (status != PNR_OK)
		return status;
	p->encodings = calloc(manifest->asset_count + 1, sizeof *p->encodings);
	if (p->encodings == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < manifest->asset_count; i++) {
		const pnr_object_row *row = pnr_package_object_find(&p->package, &manifest->assets[i].hash);
		p->encodings[i] = p->object_encodings[row - p->package.objects];
	}
	return PNR_OK;
}

static pnr_status fetch(pulling *p, pnr_error *err)
{
	pnr_choice choice = { .level = PNR_LEVEL_DEFAULT };
	/* Adopting refuses what cannot be read. */
	(void)pnr_choice_read(p->package.archive_options, &choice);
	p->object_encodings = calloc(p->package.object_count + 1, sizeof *p->object_encodings);
	if (p->object_encodings == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_fetch(p->store, p->remote->handle, &p->package, choice.level, p->meter,
	                              p->object_encodings, &p->fetched, err);
	return status == PNR_OK ? list_encodings(p, err) : status;
}

static pnr_status adopt(pulling *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *label = NULL;
	if (asprintf(&label, "%s:%s", p->remote->row.name, p->ref) < 0)
		return pnr_fail_nomem(err);
	const pnr_adoption adoption = {
		.manifest = p->package.manifest.data,
		.manifest_length = p->package.manifest.length,
		.label = label,
		.archive_hash = p->package.archive_hash,
		.archive_size = p->package.archive_size,
		.options = p->package.archive_options,
		.event = "pull",
		.name = p->package.name,
		.encodings = p->encodings,
		.output_path = p->options->output_path,
		.meter = p->meter,
	};
	return pnr_adopt(p->store, &adoption, &p->adopted, err);
}

/* ------------------------------------------------------------- what is remembered -- */

static uint64_t bytes_received(const pulling *p)
{
	return p->package.received + p->fetched.bytes;
}

static pnr_status put_transfer(pulling *p, const char *outcome, pnr_error *err)
{
	const pnr_transfer_row row = {
		.remote = p->remote->row.name,
		.url = p->remote->row.url,
		.direction = "pull",
		.package_hash = p->package.package_hash,
		.archive_hash = p->package.archive_hash,
		.at_ms = p->began_ms,
		.seconds = pnr_clock_monotonic() - p->began,
		.blobs_needed = p->fetched.needed,
		.blobs_sent = p->fetched.whole + p->fetched.patched,
		.blobs_patched = p->fetched.patched,
		.bytes_sent = bytes_received(p),
		.bytes_full = p->package.archive_size,
		.outcome = outcome,
	};
	return pnr_index_transfer_put(pnr_store_index(p->store), &row, err);
}

static pnr_status remember_success(void *user, pnr_error *err)
{
	pulling *p = user;
	/* A package that can be seen there is there whole, or was: who relies on it asks again. */
	pnr_status status = pnr_presence_learn(pnr_store_index(p->store), p->remote->row.id, &p->package,
	                                       pnr_clock_now_ms(), err);
	return status == PNR_OK ? put_transfer(p, "done", err) : status;
}

typedef struct failure {
	pulling *pulling;
	pnr_status status;
} failure;

static pnr_status remember_failure(void *user, pnr_error *err)
{
	const failure *f = user;
	return put_transfer(f->pulling, pnr_status_name(f->status), err);
}

/* ---------------------------------------------------------------------- together -- */

static pnr_status unpack(pulling *p, pnr_error *err)
{
	pnr_verify_result *result = NULL;
	char hex[PNR_DIGEST_HEX_SIZE];
	const pnr_package_source source = { .store = p->store, .ref = pnr_digest_to_hex(&p->adopted.archive_hash, hex) };
	const pnr_verify_options options = {
		.size = sizeof options,
		.progress = p->options->progress,
		.progress_user = p->options->progress_user,
	};
	pnr_status status = pnr_unpack(&source, p->options->directory, &options, &result, err);
	pnr_verify_result_free(result);
	return status;
}

static pnr_status evict(pulling *p, pnr_error *err)
{
	pnr_evicted evicted = { .packages = 0 };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status =
		pnr_make_room(p->store, p->remote, p->options->max_size, p->adopted.package_id, &evicted, &own);
	p->result.packages_evicted = evicted.packages;
	p->result.bytes_evicted = evicted.bytes;
	p->result.bytes_kept = evicted.kept;
	p->result.evict_busy = status == PNR_BUSY;
	return status == PNR_OK || status == PNR_BUSY ? PNR_OK : pnr_fail_with(err, &own);
}

/* What is damaged there is told by its name; else it is the remote that failed. */
static void blame_remote(pulling *p, pnr_status status)
{
	if (status != PNR_OK && status != PNR_CORRUPT)
		p->at_fault |= pnr_remote_at_fault(p->remote->handle);
}

static pnr_status find(pulling *p, pnr_error *err)
{
	pnr_status status = pnr_remote_package_find(p->store, p->remote, p->ref, &p->package, err);
	/* That there is none of that name is an answer. */
	if (status != PNR_NOT_FOUND)
		blame_remote(p, status);
	return status;
}

static pnr_status run(pulling *p, pnr_error *err)
{
	pnr_ingested text;
	pnr_status status = find(p, err);
	if (status != PNR_OK)
		return status;
	/* First: who fails after this need not ask for it again. */
	status = pnr_package_text_keep(p->store, &p->package.text, p->package.archive_options, &text, err);
	pnr_buffer_free(&p->package.text);
	if (status == PNR_OK) {
		status = fetch(p, err);
		blame_remote(p, status);
	}
	if (status == PNR_OK)
		status = adopt(p, err);
	failure failed = { p, status };
	if (status != PNR_OK) {
		pnr_ignore(pnr_store_transaction(p->store, remember_failure, &failed, NULL));
		return status;
	}
	status = pnr_store_transaction(p->store, remember_success, p, err);
	if (status == PNR_OK && p->options->directory != NULL)
		status = unpack(p, err);
	if (status == PNR_OK && p->options->max_size != 0)
		status = evict(p, err);
	return status;
}

pnr_status pnr_pull_through(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                            const pnr_pull_options *options, pnr_meter *meter, pnr_pull_result *out_result,
                            bool *out_at_fault, pnr_error *err)
{
	PNR_CLEANUP(pulling_free) pulling p = {
		.store = store,
		.options = options,
		.remote = remote,
		.ref = ref,
		.began_ms = pnr_clock_now_ms(),
		.began = pnr_clock_monotonic(),
		.meter = meter,
		.package = PNR_PACKAGE_OBJECT_INIT,
	};
	pnr_status status = run(&p, err);
	*out_at_fault = p.at_fault;
	if (status != PNR_OK)
		return status;
	p.result.size = sizeof p.result;
	p.result.package_hash = p.adopted.package_hash;
	p.result.archive_hash = p.adopted.archive_hash;
	p.result.archive_identical = p.adopted.identical;
	p.result.package_size = p.adopted.archive_size;
	p.result.asset_count = p.adopted.asset_count;
	p.result.blobs_needed = p.fetched.needed;
	p.result.blobs_fetched = p.fetched.whole + p.fetched.patched;
	p.result.blobs_patched = p.fetched.patched;
	p.result.bytes_received = bytes_received(&p);
	p.result.bytes_full = p.package.archive_size;
	p.result.seconds = pnr_clock_monotonic() - p.began;
	*out_result = p.result;
	return PNR_OK;
}

static pnr_status check_options(const pnr_store *store, const pnr_pull_options *options, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	PNR_CLEANUP(pnr_tree_cleanup) pnr_tree *probe = NULL;
	if (options->output_path != NULL && options->directory != NULL)
		return pnr_fail(err, PNR_INVALID, "a pull writes a zip or a folder, not both");
	if (pnr_store_read_only(store))
		return pnr_fail(err, PNR_DENIED, "the store was opened read-only");
	/* An output that cannot be is told before anything is fetched for it. */
	pnr_status status = PNR_OK;
	if (options->output_path != NULL)
		status = pnr_archive_target(store, options->output_path, &target, err);
	return status == PNR_OK && options->directory != NULL ? pnr_tree_new(options->directory, 0, &probe, err) : status;
}

pnr_status pnr_pull(pnr_store *store, const char *remote, const char *ref, const pnr_pull_options *options,
                    pnr_pull_result *out_result, bool *out_at_fault, pnr_error *err)
{
	PNR_CLEANUP(pnr_named_remote_close) pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	pnr_pull_options own = { .size = sizeof own };
	bool at_fault = false;
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_pull_options", err);
	if (status == PNR_OK)
		status = check_options(store, &own, err);
	pnr_meter meter = { .fn = own.progress, .user = own.progress_user };
	const pnr_remote_options remote_options = { .meter = &meter };
	if (status == PNR_OK)
		status = pnr_named_remote_open(store, remote, &remote_options, &named, &at_fault, err);
	if (status == PNR_OK)
		status = pnr_pull_through(store, &named, ref, &own, &meter, out_result, &at_fault, err);
	if (out_at_fault != NULL)
		*out_at_fault = at_fault;
	return status;
}
