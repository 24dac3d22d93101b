/*
 * Applying a delta, in the order in which things become true:
 *
 *   1. the zip's structure, its manifest, and that both speak of the same
 *   2. what it builds on is in the store, or is taken from the base; all of it
 *   3. what is in it comes into the store: bodies, then what patches make
 *   4. the package is adopted: checked, recorded, its zip written   (package/adopt)
 *   5. its files are unpacked
 *
 * What a failure leaves before 4 is content that nobody refers to.
 */
#include "base/array.h"
#include "base/file.h"
#include "base/options.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include "package/adopt.h"
#include "package/contents.h"
#include "package/record.h"
#include "package/tree.h"
#include "sync/delta_manifest.h"
#include "sync/nearby.h"
#include <pannier/delta.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_ENTRY UINT64_MAX

/* The public result and what its pointers point to. */
typedef struct result_block {
	pnr_apply_result public; /* first: it is what the caller frees */
	pnr_delta_manifest delta;
} result_block;

static void block_free(result_block *block)
{
	if (block == NULL)
		return;
	free(block->public.missing);
	pnr_delta_manifest_free(&block->delta);
	free(block);
}

void pnr_apply_result_free(pnr_apply_result *result)
{
	block_free((result_block *)(void *)result);
}

typedef struct applying {
	pnr_store *store;
	pnr_index *index;
	const pnr_apply_options *options;
	const char *name;
	pnr_meter meter;
	pnr_contents *contents;
	result_block *block;
	pnr_choice choice;
	uint64_t *entries;    /* of the zip, one an asset: its body, or its patch; NO_ENTRY */
	bool *there;          /* one an asset: the store has its content */
	pnr_ingest *ingest;
	pnr_ingested *items;  /* one an asset */
	int64_t *encodings;
} applying;

static void applying_free(applying *a)
{
	pnr_ingest_free(a->ingest);
	free(a->encodings);
	free(a->items);
	free(a->there);
	free(a->entries);
	pnr_contents_close(a->contents);
	block_free(a->block);
}

static const pnr_delta_manifest *delta_of(const applying *a)
{
	return &a->block->delta;
}

static const pnr_manifest_asset *asset_of(const applying *a, size_t i)
{
	return &delta_of(a)->manifest->assets[i];
}

/* ------------------------------------------------------------- what it says -- */

static pnr_status read_manifest(applying *a, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_delta_manifest *delta = &a->block->delta;
	pnr_status status = pnr_contents_manifest(a->contents, &text, err);
	if (status != PNR_OK)
		return status;
	status = pnr_delta_manifest_read(text.data, text.length, delta, err);
	if (status == PNR_OK && !pnr_choice_read(delta->archive_options, &a->choice))
		status = pnr_fail(err, PNR_CORRUPT, "/" PNR_DELTA_KEY "/archiveOptions: '%.100s' is none that this build knows",
		                  delta->archive_options);
	if (status != PNR_OK)
		pnr_context(err, PNR_MANIFEST_NAME);
	return status;
}

/* An entry of the zip by its name. */
typedef struct named {
	const char *name;
	uint64_t index;
	bool used;
} named;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static named *list_entries(const applying *a, size_t count)
{
	named *list = calloc(count + 1, sizeof *list);
	for (size_t i = 0; list != NULL && i < count; i++)
		list[i] = (named){ .name = pnr_contents_get(a->contents, i).name, .index = i };
	if (list != NULL)
		pnr_array_sort(list, count, sizeof *list, by_name);
	return list;
}

/* The entry that the delta promises for asset @i. */
static pnr_status match_asset(applying *a, named *list, size_t count, size_t i, pnr_error *err)
{
	const pnr_delta_asset *from = &delta_of(a)->assets[i];
	const pnr_manifest_asset *asset = asset_of(a, i);
	bool patch = from->from == PNR_DELTA_PATCH;
	char path[PNR_DELTA_PATCH_PATH_SIZE];
	a->entries[i] = NO_ENTRY;
	if (from->from == PNR_DELTA_BASE)
		return PNR_OK;
	const named key = { .name = patch ? pnr_delta_patch_path(&asset->hash, &from->base, path) : asset->path };
	named *entry = bsearch(&key, list, count, sizeof key, by_name);
	if (entry == NULL)
		return pnr_fail(err, PNR_CORRUPT, "'%s' is not in the zip", key.name);
	/* The same content at several paths may come of one patch. */
	if (entry->used && !patch)
		return pnr_fail(err, PNR_CORRUPT, "'%s' is listed twice", key.name);
	entry->used = true;
	a->entries[i] = entry->index;
	uint64_t size = pnr_contents_get(a->contents, entry->index).size, promised = patch ? from->size : asset->size;
	if (size != promised)
		return pnr_fail(err, PNR_CORRUPT, "'%s' has %llu bytes, the manifest says %llu", key.name,
		                (unsigned long long)size, (unsigned long long)promised);
	if (patch && !pnr_patch_fits(from->base_size, asset->size))
		return pnr_fail(err, PNR_UNSUPPORTED, "'%s' is a patch of %llu bytes to %llu: larger than patches may be", asset->path,
		                (unsigned long long)from->base_size, (unsigned long long)asset->size);
	return PNR_OK;
}

static pnr_status match_entries(applying *a, pnr_error *err)
{
	size_t count = (size_t)pnr_contents_count(a->contents), assets = delta_of(a)->asset_count;
	PNR_CLEANUP(pnr_cleanup_free) named *list = list_entries(a, count);
	a->entries = calloc(assets + 1, sizeof *a->entries);
	a->there = calloc(assets + 1, sizeof *a->there);
	a->items = calloc(assets + 1, sizeof *a->items);
	a->encodings = calloc(assets + 1, sizeof *a->encodings);
	if (list == NULL || a->entries == NULL || a->there == NULL || a->items == NULL || a->encodings == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < assets; i++)
		status = match_asset(a, list, count, i, err);
	for (size_t i = 0; status == PNR_OK && i < count; i++)
		if (!list[i].used && strcmp(list[i].name, PNR_MANIFEST_NAME) != 0)
			status = pnr_fail(err, PNR_CORRUPT, "'%s' is in the zip, and the manifest does not name it", list[i].name);
	return status;
}

static pnr_status open_delta(applying *a, const char *file, pnr_error *err)
{
	const pnr_package_source source = { .file = file, .name = a->name };
	a->block = calloc(1, sizeof *a->block);
	if (a->block == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_contents_open(&source, &a->contents, err);
	if (status == PNR_OK)
		status = pnr_contents_load(a->contents, err);
	if (status != PNR_OK)
		return status;
	status = read_manifest(a, err);
	if (status == PNR_OK)
		status = match_entries(a, err);
	if (status != PNR_OK)
		pnr_context(err, "'%s'", a->name);
	return status;
}

/* --------------------------------------------------------- what it builds on -- */

/* What asset @i needs that is not in the delta; NULL: nothing. */
static const pnr_digest *need_of(const applying *a, size_t i, uint64_t *out_size)
{
	const pnr_delta_asset *from = &delta_of(a)->assets[i];
	bool patch = from->from == PNR_DELTA_PATCH;
	if (from->from == PNR_DELTA_ZIP || a->there[i])
		return NULL;
	*out_size = patch ? from->base_size : asset_of(a, i)->size;
	return patch ? &from->base : &asset_of(a, i)->hash;
}

static pnr_status has_blob(const applying *a, const pnr_digest *hash, bool *out_has, pnr_error *err)
{
	pnr_blob_row blob;
	int64_t encoding;
	pnr_status status = pnr_index_blob_find(a->index, hash, &blob, err);
	if (status == PNR_OK)
		status = pnr_index_encoding_find(a->index, blob.id, pnr_encoder_name(), a->choice.level, true, &encoding, err);
	*out_has = status == PNR_OK;
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

static pnr_status find_there(applying *a, pnr_error *err)
{
	pnr_status status = pnr_index_hold(a->index, err);
	for (size_t i = 0; status == PNR_OK && i < delta_of(a)->asset_count; i++)
		status = has_blob(a, &asset_of(a, i)->hash, &a->there[i], err);
	pnr_index_release(a->index);
	return status;
}

/* What is needed and not in the store, each once. */
static pnr_status list_wanted(const applying *a, pnr_wanted *wanted, size_t *out_count, pnr_error *err)
{
	size_t count = 0;
	pnr_status status = pnr_index_hold(a->index, err);
	for (size_t i = 0; status == PNR_OK && i < delta_of(a)->asset_count; i++) {
		uint64_t size = 0;
		bool has = true;
		const pnr_digest *hash = need_of(a, i, &size);
		if (hash != NULL)
			status = has_blob(a, hash, &has, err);
		if (!has)
			wanted[count++] = (pnr_wanted){ .hash = *hash, .size = size };
	}
	pnr_index_release(a->index);
	*out_count = pnr_wanted_sort(wanted, count);
	return status;
}

/* All that is missing, in the order of the assets. */
static pnr_status tell_missing(applying *a, pnr_wanted *wanted, size_t count, const pnr_error *unread, pnr_error *err)
{
	pnr_apply_result *result = &a->block->public;
	char hex[PNR_DIGEST_HEX_SIZE];
	result->missing = calloc(delta_of(a)->asset_count + 1, sizeof *result->missing);
	if (result->missing == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < delta_of(a)->asset_count; i++) {
		uint64_t size;
		const pnr_digest *hash = need_of(a, i, &size);
		const pnr_wanted *w = hash == NULL ? NULL : pnr_wanted_find(wanted, count, hash);
		if (w != NULL && !w->found)
			result->missing[result->missing_count++] = (pnr_missing_content){
				.path = asset_of(a, i)->path,
				.hash = *hash,
				.patch_base = delta_of(a)->assets[i].from == PNR_DELTA_PATCH,
			};
	}
	if (result->missing_count == 0)
		return PNR_OK;
	const pnr_missing_content *first = &result->missing[0];
	return pnr_fail(err, PNR_NOT_FOUND,
	                "'%s' builds on content that is neither in the store nor in a base: %zu of %zu assets lack it, the "
	                "first '%s' (%s%s); %s%s", a->name, result->missing_count, delta_of(a)->asset_count, first->path,
	                first->patch_base ? "a patch of " : "", pnr_digest_to_hex(&first->hash, hex),
	                unread->status == PNR_OK ? "name the older package with --base" : "in the base, ", unread->message);
}

static pnr_status find_base(applying *a, pnr_error *err)
{
	size_t count = 0;
	pnr_error unread = PNR_ERROR_INIT;
	PNR_CLEANUP(pnr_cleanup_free) pnr_wanted *wanted = calloc(delta_of(a)->asset_count + 1, sizeof *wanted);
	if (wanted == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = find_there(a, err);
	if (status == PNR_OK)
		status = list_wanted(a, wanted, &count, err);
	if (status == PNR_OK && a->options->base != NULL)
		status = pnr_nearby_take(a->store, a->options->base, wanted, count, a->choice.level, &a->meter,
		                         &unread, err);
	return status == PNR_OK ? tell_missing(a, wanted, count, &unread, err) : status;
}

/* ----------------------------------------------------------- what is in it -- */

static pnr_status take_body(applying *a, size_t i, pnr_error *err)
{
	PNR_CLEANUP(pnr_contents_body_close) pnr_contents_body body = { .contents = NULL };
	const pnr_manifest_asset *asset = asset_of(a, i);
	pnr_ingested *item = &a->items[i];
	pnr_status status = pnr_contents_body_open(a->contents, a->entries[i], &body, err);
	if (status != PNR_OK)
		return status;
	const pnr_received what = {
		.hash = asset->hash,
		.size = asset->size,
		.deflated = body.deflated,
		.body_size = body.size,
		.body = body.source,
		.name = asset->path,
	};
	status = pnr_ingest_add_body(a->ingest, &what, item, err);
	const pnr_content found = { .hash = item->blob.hash, .size = item->blob.size, .crc32 = item->blob.crc32 };
	status = pnr_contents_body_settle(&body, status, &found, err);
	return status == PNR_OK ? pnr_meter_add(&a->meter, asset->path, asset->size, err) : status;
}

/* The patch's own hash first: what was damaged on the way is told as such. */
static pnr_status check_patch(const applying *a, size_t i, pnr_error *err)
{
	pnr_content found;
	pnr_status status = pnr_contents_read(a->contents, a->entries[i], NULL, NULL, &found, err);
	if (status == PNR_OK && !pnr_digest_equal(&found.hash, &delta_of(a)->assets[i].hash))
		status = pnr_fail(err, PNR_CORRUPT, "its patch is not the one that the manifest names");
	return status;
}

static pnr_status read_base(const applying *a, size_t i, pnr_buffer *out, pnr_error *err)
{
	const pnr_delta_asset *from = &delta_of(a)->assets[i];
	pnr_blob_row blob;
	pnr_status status = pnr_index_blob_find(a->index, &from->base, &blob, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND, "the base of its patch is not in the store any more");
	if (status == PNR_OK && blob.size != from->base_size)
		status = pnr_fail(err, PNR_CORRUPT, "the base of its patch has %llu bytes, the manifest says %llu",
		                  (unsigned long long)blob.size, (unsigned long long)from->base_size);
	return status == PNR_OK ? pnr_store_load_blob(a->store, &blob, out, err) : status;
}

/* Writes from the start on and leaves the file's position there: it is read next. */
typedef struct front {
	int fd;
	const char *name;
	uint64_t offset;
} front;

static pnr_status front_write(void *context, const void *data, size_t length, pnr_error *err)
{
	front *f = context;
	pnr_status status = pnr_file_pwrite(f->fd, data, length, f->offset, f->name, err);
	f->offset += length;
	return status;
}

static pnr_status patch_into(applying *a, size_t i, int fd, pnr_error *err)
{
	PNR_CLEANUP(pnr_contents_body_close) pnr_contents_body body = { .contents = NULL };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	const pnr_manifest_asset *asset = asset_of(a, i);
	pnr_status status = read_base(a, i, &base, err);
	if (status == PNR_OK)
		status = pnr_contents_body_open(a->contents, a->entries[i], &body, err);
	if (status != PNR_OK)
		return status;
	if (body.deflated)
		return pnr_fail(err, PNR_CORRUPT, "its patch is compressed once more");
	const pnr_patch patch = { base.data, base.length, asset->size, asset->hash };
	front to = { fd, asset->path, 0 };
	const pnr_sink sink = { .write = front_write, .context = &to };
	return pnr_patch_apply(&patch, &body.source, body.size, &sink, &a->meter, asset->path, err);
}

static pnr_status take_patch(applying *a, size_t i, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	const pnr_manifest_asset *asset = asset_of(a, i);
	pnr_ingest_file file = { .open = pnr_file_duplicate, .context = &fd, .name = asset->path };
	pnr_status status = check_patch(a, i, err);
	if (status == PNR_OK && a->there[i])
		return PNR_OK;
	pnr_index_release(a->index);
	if (status == PNR_OK)
		status = pnr_store_scratch(a->store, &fd, err);
	if (status == PNR_OK)
		status = patch_into(a, i, fd, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &file.st, asset->path, err);
	if (status == PNR_OK)
		status = pnr_ingest_add(a->ingest, &file, &a->items[i], err);
	if (status != PNR_OK && status != PNR_CANCELLED)
		pnr_context(err, "'%s'", asset->path);
	return status;
}

/* Content that comes of one patch is made once. */
static pnr_status take_patches(applying *a, pnr_error *err)
{
	size_t count = delta_of(a)->asset_count;
	PNR_CLEANUP(pnr_cleanup_free) bool *done = calloc((size_t)pnr_contents_count(a->contents) + 1, sizeof *done);
	if (done == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		if (delta_of(a)->assets[i].from != PNR_DELTA_PATCH || done[a->entries[i]])
			continue;
		done[a->entries[i]] = true;
		status = take_patch(a, i, err);
	}
	return status;
}

static uint64_t total_bytes(const applying *a)
{
	uint64_t total = 0;
	for (size_t i = 0; i < delta_of(a)->asset_count; i++)
		if (delta_of(a)->assets[i].from != PNR_DELTA_BASE && __builtin_add_overflow(total, asset_of(a, i)->size, &total))
			return 0;
	return total;
}

static pnr_status take_in(applying *a, pnr_error *err)
{
	const pnr_ingest_options options = { .level = a->choice.level };
	pnr_status status = pnr_ingest_new(a->store, &options, &a->ingest, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&a->meter, PNR_PHASE_HASH, total_bytes(a), err);
	for (size_t i = 0; status == PNR_OK && i < delta_of(a)->asset_count; i++)
		if (delta_of(a)->assets[i].from == PNR_DELTA_ZIP)
			status = take_body(a, i, err);
	if (status == PNR_OK)
		status = take_patches(a, err);
	if (status == PNR_OK)
		status = pnr_contents_settle(a->contents, err);
	if (status == PNR_OK)
		status = pnr_ingest_commit(a->ingest, err);
	if (status == PNR_OK)
		status = pnr_meter_end(&a->meter, err);
	if (status != PNR_OK && status != PNR_CANCELLED)
		pnr_context(err, "'%s'", a->name);
	return status;
}

/* ------------------------------------------------------------------ together -- */

static pnr_status adopt(applying *a, pnr_adopted *out_adopted, pnr_error *err)
{
	const pnr_delta_manifest *delta = delta_of(a);
	/* What came as a body is what the zip was made of. */
	for (size_t i = 0; i < delta->asset_count; i++)
		a->encodings[i] = delta->assets[i].from == PNR_DELTA_ZIP ? a->items[i].encoding_id : 0;
	const pnr_adoption adoption = {
		.manifest = delta->text.data,
		.manifest_length = delta->text.length,
		.label = a->name,
		.archive_hash = delta->archive_hash,
		.archive_size = delta->archive_size,
		.options = delta->archive_options,
		.encodings = a->encodings,
		.event = "apply",
		.name = delta->name,
		.output_path = a->options->output_path,
		.meter = &a->meter,
	};
	return pnr_adopt(a->store, &adoption, out_adopted, err);
}

static pnr_status unpack(const applying *a, const pnr_digest *archive, pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	const pnr_package_source source = { .store = a->store, .ref = pnr_digest_to_hex(archive, hex) };
	const pnr_verify_options options = {
		.size = sizeof options,
		.progress = a->options->progress,
		.progress_user = a->options->progress_user,
	};
	pnr_verify_result *result = NULL;
	pnr_status status = pnr_unpack(&source, a->options->directory, &options, &result, err);
	pnr_verify_result_free(result);
	return status;
}

static void fill_result(applying *a, const pnr_adopted *adopted)
{
	const pnr_delta_manifest *delta = delta_of(a);
	pnr_apply_result *result = &a->block->public;
	result->package_hash = adopted->package_hash;
	result->archive_hash = adopted->archive_hash;
	result->archive_size = adopted->archive_size;
	result->archive_identical = adopted->identical;
	result->assets = delta->asset_count;
	for (size_t i = 0; i < delta->asset_count; i++) {
		result->assets_whole += delta->assets[i].from == PNR_DELTA_ZIP;
		result->assets_patched += delta->assets[i].from == PNR_DELTA_PATCH;
	}
	result->assets_removed = delta->removed_count;
	result->bytes = a->contents->archive_bytes;
}

/* What is in the way is told before there is anything to log. */
static pnr_status check_options(const applying *a, pnr_error *err)
{
	PNR_CLEANUP(pnr_tree_cleanup) pnr_tree *probe = NULL;
	if (pnr_store_read_only(a->store))
		return pnr_fail(err, PNR_DENIED, "the store was opened read-only");
	if (a->options->output_path != NULL && a->options->directory != NULL)
		return pnr_fail(err, PNR_INVALID, "a package is applied to a zip or to a folder, not to both");
	return a->options->directory == NULL ? PNR_OK : pnr_tree_new(a->options->directory, 0, &probe, err);
}

static pnr_status run(applying *a, const char *file, pnr_error *err)
{
	pnr_adopted adopted;
	pnr_status status = check_options(a, err);
	if (status == PNR_OK)
		status = open_delta(a, file, err);
	if (status == PNR_OK)
		status = find_base(a, err);
	if (status == PNR_OK)
		status = take_in(a, err);
	if (status == PNR_OK)
		status = adopt(a, &adopted, err);
	if (status == PNR_OK)
		fill_result(a, &adopted);
	return status == PNR_OK && a->options->directory != NULL ? unpack(a, &adopted.archive_hash, err) : status;
}

pnr_status pnr_apply(pnr_store *store, const char *delta, const pnr_apply_options *options,
                     pnr_apply_result **out_result, pnr_error *err)
{
	pnr_apply_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_apply_options", err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(applying_free) applying a = {
		.store = store,
		.index = pnr_store_index(store),
		.options = &own,
		.name = own.name != NULL ? own.name : delta,
		.meter = { .fn = own.progress, .user = own.progress_user },
	};
	status = run(&a, delta, err);
	if (status == PNR_OK || (status == PNR_NOT_FOUND && a.block != NULL && a.block->public.missing_count > 0)) {
		a.block->public.size = sizeof a.block->public;
		*out_result = &PNR_STEAL(a.block)->public;
	}
	return status;
}
