/*
 * A check of a whole store, from the database up: a part that is damaged is
 * told, and what can be read of the others is checked all the same.
 */
#include "store/fsck.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/options.h"
#include "index/history.h"
#include "package/archive.h"
#include "package/listing.h"
#include "package/manifest_write.h"
#include "package/stored_archive.h"
#include <inttypes.h>
#include <pannier/history.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --------------------------------------------------------------- packages -- */

/* The assets that the rows give a package, as a manifest would list them. */
typedef struct held {
	pnr_manifest manifest;
	size_t capacity;
	uint64_t bytes;
} held;

static void held_free(held *h)
{
	for (size_t i = 0; i < h->manifest.asset_count; i++)
		free(h->manifest.assets[i].path);
	free(h->manifest.assets);
}

static pnr_status hold_asset(void *user, const pnr_asset_row *row, pnr_error *err)
{
	held *h = user;
	pnr_manifest *m = &h->manifest;
	pnr_manifest_asset *assets = pnr_array_grow(m->assets, sizeof *assets, m->asset_count, &h->capacity);
	if (assets == NULL)
		return pnr_fail_nomem(err);
	m->assets = assets;
	char *path = strdup(row->path);
	if (path == NULL)
		return pnr_fail_nomem(err);
	m->assets[m->asset_count++] = (pnr_manifest_asset){ .path = path, .hash = row->hash, .size = row->size };
	h->bytes += row->size;
	return PNR_OK;
}

/* CORRUPT if what @manifest lists has not the packageHash @hash. */
static pnr_status check_listing(const pnr_manifest *manifest, const pnr_digest *hash, const char *what, pnr_error *err)
{
	PNR_CLEANUP(pnr_findings_cleanup) pnr_findings *findings = NULL;
	PNR_CLEANUP(pnr_listing_cleanup) pnr_listing *listing = NULL;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest found;
	pnr_status status = pnr_findings_new(&findings, err);
	if (status == PNR_OK)
		status = pnr_listing_new(manifest, findings, &listing, err);
	if (status == PNR_OK)
		status = pnr_listing_hash(listing, false, &found, err);
	if (status != PNR_OK)
		return status;
	if (listing->unique == listing->count && pnr_digest_equal(&found, hash))
		return PNR_OK;
	return pnr_fail(err, PNR_CORRUPT, "%s have the packageHash %s", what, pnr_digest_to_hex(&found, hex));
}

static pnr_status check_manifest(const pnr_buffer *text, const pnr_digest *hash, int64_t created_ms, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	char hex[PNR_DIGEST_HEX_SIZE], at[PNR_TIME_TEXT_SIZE];
	pnr_status status = pnr_manifest_read(text->data == NULL ? "" : text->data, text->length, &manifest, err);
	if (status == PNR_UNSUPPORTED)
		status = PNR_CORRUPT;
	if (status == PNR_OK && !pnr_digest_equal(&manifest->package_hash, hash))
		return pnr_fail(err, PNR_CORRUPT, "its manifest has the packageHash %s",
		                pnr_digest_to_hex(&manifest->package_hash, hex));
	if (status == PNR_OK && manifest->created_ms != created_ms)
		return pnr_fail(err, PNR_CORRUPT, "its manifest was made at %s, which its row does not say",
		                pnr_clock_format(manifest->created_ms, at));
	return status == PNR_OK ? check_listing(manifest, hash, "the assets in its manifest", err) : status;
}

/* What the rows say of a package; of one that has no zip also that its manifest can be made. */
static pnr_status check_content(const pnr_fsck_run *run, const pnr_ref_row *package, pnr_error *err)
{
	PNR_CLEANUP(held_free) held h = { .capacity = 0 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_index *index = pnr_store_index(run->store);
	pnr_status status = pnr_index_package_assets(index, package->package_id, 0, hold_asset, &h, err);
	if (status == PNR_OK)
		status = check_listing(&h.manifest, &package->package_hash, "its assets", err);
	if (status == PNR_OK && (h.manifest.asset_count != package->asset_count || h.bytes != package->total_size))
		status = pnr_fail(err, PNR_CORRUPT, "it has %zu assets of %" PRIu64 " bytes, its row says %" PRIu64 " of %" PRIu64,
		                  h.manifest.asset_count, h.bytes, package->asset_count, package->total_size);
	if (status != PNR_OK || package->archive_id != 0 || run->options->depth == PNR_FSCK_QUICK)
		return status;
	status = pnr_manifest_of_package(run->store, package, &text, err);
	return status == PNR_OK ? check_manifest(&text, &package->package_hash, package->first_ms, err) : status;
}

static pnr_status check_package(void *user, int64_t id, pnr_error *err)
{
	pnr_fsck_run *run = user;
	pnr_ref_row package;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_index_package_get(pnr_store_index(run->store), id, &package, &own);
	run->result.packages++;
	if (status != PNR_OK)
		return pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
	status = check_content(run, &package, &own);
	/* Its config was evicted. */
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	return pnr_fsck_absorb(run, "package", pnr_digest_to_hex(&package.package_hash, hex), status, &own,
	                       &package.package_hash, 1, err);
}

static pnr_status check_zip(const pnr_fsck_run *run, const pnr_archive_row *archive, const pnr_digest *package_hash,
                            pnr_error *err)
{
	int64_t id = archive->id;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	bool complete = false;
	pnr_status status = pnr_index_archive_complete(pnr_store_index(run->store), id, &complete, err);
	if (status == PNR_OK && !complete)
		return pnr_fail(err, PNR_CORRUPT, "the encodings that it was made of are not those of its assets");
	if (status != PNR_OK || run->options->depth == PNR_FSCK_QUICK)
		return status;
	status = pnr_store_manifest(run->store, id, &text, err);
	return status == PNR_OK ? check_manifest(&text, package_hash, archive->created_ms, err) : status;
}

static pnr_status check_archive(void *user, int64_t id, pnr_error *err)
{
	pnr_fsck_run *run = user;
	pnr_archive_row archive;
	pnr_ref_row package;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_error own = PNR_ERROR_INIT;
	pnr_index *index = pnr_store_index(run->store);
	pnr_status status = pnr_index_archive_get(index, id, &archive, &own);
	run->result.archives++;
	if (status == PNR_OK)
		status = pnr_index_package_get(index, archive.package_id, &package, &own);
	/* It names a package or a manifest that is not there: that was told of the references. */
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
	status = check_zip(run, &archive, &package.package_hash, &own);
	/* Its manifest was evicted. */
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	return pnr_fsck_absorb(run, "archive", pnr_digest_to_hex(&archive.archive_hash, hex), status, &own,
	                       &package.package_hash, 1, err);
}

/* ------------------------------------------------------------------- zips -- */

static pnr_status drop(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_fsck_run *run = context;
	(void)data, (void)length;
	return pnr_meter_add(&run->meter, NULL, 0, err);
}

static pnr_status make_zip(pnr_fsck_run *run, const pnr_ref_row *package, pnr_error *err)
{
	PNR_CLEANUP(pnr_stored_archive_free) pnr_stored_archive stored = PNR_STORED_ARCHIVE_INIT;
	const pnr_sink nowhere = { .write = drop, .context = run };
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest hash;
	uint64_t size = 0;
	pnr_status status = pnr_stored_archive_get(run->store, package, "the zip", &stored, err);
	/* What it is read from must not be one state of the database for as long as that takes. */
	pnr_index_release(pnr_store_index(run->store));
	if (status == PNR_OK)
		status = pnr_archive_write(run->store, stored.items, stored.count, stored.archive.created_ms, NULL, &nowhere,
		                           &hash, &size, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_digest_equal(&hash, &stored.archive.archive_hash) || size != stored.archive.size)
		return pnr_fail(err, PNR_CORRUPT, "the store makes the zip %s of %" PRIu64 " bytes, its row says %" PRIu64,
		                pnr_digest_to_hex(&hash, hex), size, stored.archive.size);
	return PNR_OK;
}

static pnr_status check_made(void *user, int64_t id, pnr_error *err)
{
	pnr_fsck_run *run = user;
	pnr_archive_row archive = { .id = 0 };
	pnr_ref_row package = { .package_id = 0 };
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_error own = PNR_ERROR_INIT;
	pnr_index *index = pnr_store_index(run->store);
	pnr_status status = pnr_index_archive_get(index, id, &archive, &own);
	if (status == PNR_OK)
		status = pnr_index_package_get(index, archive.package_id, &package, &own);
	if (status == PNR_OK) {
		package.archive_id = id;
		status = make_zip(run, &package, &own);
	}
	/* It was evicted. */
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	return pnr_fsck_absorb(run, "archive", pnr_digest_to_hex(&archive.archive_hash, hex), status, &own,
	                       &package.package_hash, 1, err);
}

/* ---------------------------------------------------------------- imports -- */

/* What the log says of it is in the chain; its row is not. */
static pnr_status check_imported(void *user, const pnr_import_row *row, pnr_error *err)
{
	pnr_fsck_run *run = user;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	char hex[PNR_DIGEST_HEX_SIZE], at[PNR_TIME_TEXT_SIZE], name[24];
	pnr_digest_to_hex(&row->archive_hash, hex);
	pnr_buffer_printf(&text, "\"archiveHash\":\"%s\"", hex);
	pnr_status status = pnr_buffer_status(&text, err);
	bool same = status == PNR_OK && row->same_package && strstr(row->options, text.data) != NULL;
	pnr_buffer_clear(&text);
	pnr_buffer_printf(&text, "\"importedAt\":\"%s\"", pnr_clock_format(row->imported_ms, at));
	if (status == PNR_OK)
		status = pnr_buffer_status(&text, err);
	same = same && status == PNR_OK && strstr(row->options, text.data) != NULL;
	pnr_buffer_clear(&text);
	pnr_buffer_puts(&text, "\"file\":");
	pnr_json_quote(&text, row->file, strlen(row->file));
	if (status == PNR_OK)
		status = pnr_buffer_status(&text, err);
	if (status != PNR_OK || (same && strstr(row->options, text.data) != NULL))
		return status;
	(void)snprintf(name, sizeof name, "%" PRId64, row->log_id);
	pnr_fsck_tell(run, "import", name, "its hash, file, time or package is not the one that was logged",
	              &row->package_hash, 1);
	return PNR_OK;
}

/* --------------------------------------------------------------- the whole -- */

static pnr_status tell_complaint(void *user, const char *table, const char *complaint, pnr_error *err)
{
	(void)err;
	pnr_fsck_tell(user, table[0] == '\0' ? "database" : "reference", table, complaint, NULL, 0);
	return PNR_OK;
}

static int pulse(void *user)
{
	pnr_fsck_run *run = user;
	return pnr_meter_add(&run->meter, NULL, 0, NULL) != PNR_OK;
}

static pnr_status check_database(pnr_fsck_run *run, pnr_error *err)
{
	pnr_index *index = pnr_store_index(run->store);
	pnr_error own = PNR_ERROR_INIT;
	bool quick = run->options->depth == PNR_FSCK_QUICK;
	pnr_status status = pnr_index_check(index, quick, tell_complaint, pulse, run, &own);
	status = pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
	if (status != PNR_OK)
		return status;
	own = (pnr_error)PNR_ERROR_INIT;
	status = pnr_index_check_references(index, tell_complaint, pulse, run, &own);
	return pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
}

static pnr_status check_log(pnr_fsck_run *run, pnr_error *err)
{
	pnr_log_check check = { .bad = 0 };
	char name[24] = "";
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_store_log_check(run->store, run->options->expect, &check, &own);
	run->result.entries = check.entries;
	run->result.head = check.head;
	run->result.head_hash = check.head_hash;
	/* No entry has the hash that is expected. */
	if (status == PNR_NOT_FOUND)
		status = PNR_CORRUPT;
	if (check.bad != 0)
		(void)snprintf(name, sizeof name, "%" PRId64, check.bad);
	return pnr_fsck_absorb(run, "log", name, status, &own, NULL, 0, err);
}

static pnr_status check_imports(pnr_fsck_run *run, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_index_imports(pnr_store_index(run->store), check_imported, run, &own);
	return pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
}

/* Zips would only repeat what else is wrong: they are made if nothing is. */
static pnr_status check_bytes(pnr_fsck_run *run, pnr_error *err)
{
	pnr_status status = pnr_fsck_objects(run, err);
	if (status != PNR_OK || run->options->depth != PNR_FSCK_FULL || run->result.problems > 0)
		return status;
	return pnr_fsck_rows(run, PNR_ROWS_ARCHIVES, check_made, run, err);
}

static pnr_status check_all(pnr_fsck_run *run, pnr_error *err)
{
	uint64_t total = 0;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	if (run->options->depth == PNR_FSCK_FULL)
		status = pnr_index_kept_content(pnr_store_index(run->store), &total, &own);
	status = pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&run->meter, PNR_PHASE_VERIFY, total, err);
	if (status == PNR_OK)
		status = check_database(run, err);
	if (status == PNR_OK)
		status = check_log(run, err);
	if (status == PNR_OK)
		status = check_imports(run, err);
	if (status == PNR_OK)
		status = pnr_fsck_rows(run, PNR_ROWS_PACKAGES, check_package, run, err);
	if (status == PNR_OK)
		status = pnr_fsck_rows(run, PNR_ROWS_ARCHIVES, check_archive, run, err);
	if (status == PNR_OK && run->options->depth != PNR_FSCK_QUICK)
		status = check_bytes(run, err);
	return status == PNR_OK ? pnr_meter_end(&run->meter, err) : status;
}

pnr_status pnr_fsck(pnr_store *store, const pnr_fsck_options *options, pnr_fsck_result *out_result, pnr_error *err)
{
	pnr_fsck_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_fsck_options", err);
	if (status != PNR_OK)
		return status;
	pnr_fsck_run run = {
		.store = store,
		.options = &own,
		.meter = { .fn = own.progress, .user = own.progress_user },
		.unread = PNR_ERROR_INIT,
		.result = { .size = sizeof run.result },
	};
	status = check_all(&run, err);
	if (status != PNR_OK)
		return status;
	*out_result = run.result;
	if (run.unread.status != PNR_OK)
		return pnr_fail_with(err, &run.unread);
	if (run.result.problems > 0)
		return pnr_fail(err, PNR_CORRUPT, "store '%s': %" PRIu64 " problem%s", pnr_store_dir(store), run.result.problems,
		                run.result.problems == 1 ? "" : "s");
	return PNR_OK;
}
