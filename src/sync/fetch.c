/*
 * Fetching. First it is decided what is needed, down to bases that are here;
 * then it comes, wholes before the patches on them, and is proved while it
 * enters the store. What a batch brought has its rows before the next one is
 * asked for.
 */
#include "sync/fetch.h"
#include "base/array.h"
#include "base/file.h"
#include "codec/patch.h"
#include "package/manifest_read.h"
#include "sync/object_read.h"
#include <stdlib.h>
#include <string.h>

#define BATCH_COUNT 512u
#define BATCH_BYTES ((uint64_t)32 << 20)

/* What is known of an object. */
#define LOOKED 1u
#define HERE 2u
#define ASSET 4u

typedef struct fetching {
	pnr_store *store;
	pnr_remote *remote;
	const pnr_package_object *package;
	pnr_meter *meter;
	pnr_ingest *ingest;
	unsigned char *known; /* one an object of the package */
	int64_t *encodings;   /* likewise; the caller's */
	const pnr_object_row **plan;
	size_t count;
	uint64_t bytes; /* of the contents that are to come */
	pnr_fetched fetched;
	pnr_error own; /* what an object that came failed with */
} fetching;

/* An object that comes, and what becomes of it. */
typedef struct incoming {
	pnr_arrival arrival; /* first: it is what the remote's calls know */
	fetching *fetching;
	pnr_ingested item;
} incoming;

static void fetching_free(fetching *f)
{
	pnr_ingest_free(f->ingest);
	free(f->known);
	free(f->plan);
}

/* ------------------------------------------------------------ what is needed -- */

/* Is its content here, and so as it was pushed? */
static pnr_status look(fetching *f, const pnr_object_row *row, bool *out_here, pnr_error *err)
{
	pnr_index *index = pnr_store_index(f->store);
	pnr_encoding_row pushed = { .stored_hash = row->stored_hash, .stored_size = row->stored_size };
	pnr_blob_row blob;
	int64_t any = 0;
	pnr_status status = pnr_index_hold(index, err);
	if (status == PNR_OK)
		status = pnr_index_blob_find(index, &row->hash, &blob, err);
	if (status == PNR_OK)
		status = pnr_index_encoding_find(index, blob.id, "", 0, true, &any, err);
	*out_here = status == PNR_OK;
	if (status == PNR_OK && row->form != PNR_OBJECT_PATCH) {
		pushed.blob_id = blob.id;
		status = pnr_index_encoding_same(index, &pushed, true, &f->encodings[row - f->package->objects], err);
	}
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

static pnr_status look_once(fetching *f, const pnr_object_row *row, unsigned char *known, pnr_error *err)
{
	bool here = false;
	if ((*known & LOOKED) != 0)
		return PNR_OK;
	pnr_status status = look(f, row, &here, err);
	if (status != PNR_OK)
		return status;
	*known |= here ? LOOKED | HERE : LOOKED;
	if (!here) {
		f->plan[f->count++] = row;
		f->bytes += row->size;
	}
	return PNR_OK;
}

/* The object of an asset, and if it is a patch what it stands on. */
static pnr_status need_asset(fetching *f, const pnr_digest *hash, pnr_error *err)
{
	for (unsigned depth = 0; depth <= PNR_CHAIN_MAX; depth++) {
		const pnr_object_row *row = pnr_package_object_find(f->package, hash);
		if (row == NULL)
			break;
		unsigned char *known = &f->known[row - f->package->objects];
		if (depth == 0) {
			f->fetched.needed += (*known & ASSET) == 0;
			*known |= ASSET;
		}
		pnr_status status = look_once(f, row, known, err);
		if (status != PNR_OK || (*known & HERE) != 0 || row->form != PNR_OBJECT_PATCH)
			return status;
		hash = &row->base;
	}
	char hex[PNR_DIGEST_HEX_SIZE];
	return pnr_fail(err, PNR_CORRUPT, "the package has no object of content %s", pnr_digest_to_hex(hash, hex));
}

static int by_depth(const void *a, const void *b)
{
	const pnr_object_row *x = *(const pnr_object_row *const *)a, *y = *(const pnr_object_row *const *)b;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return memcmp(&x->hash, &y->hash, sizeof x->hash);
}

static pnr_status make_plan(fetching *f, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	size_t count = f->package->object_count;
	f->known = calloc(count + 1, sizeof *f->known);
	f->plan = calloc(count + 1, sizeof *f->plan);
	if (f->known == NULL || f->plan == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_manifest_read(f->package->manifest.data, f->package->manifest.length, &manifest, err);
	for (size_t i = 0; status == PNR_OK && i < manifest->asset_count; i++)
		status = need_asset(f, &manifest->assets[i].hash, err);
	pnr_index_release(pnr_store_index(f->store));
	if (status == PNR_OK)
		pnr_array_sort(f->plan, f->count, sizeof *f->plan, by_depth);
	return status;
}

/* ------------------------------------------------------------- what arrives -- */

/* It is the remote's object that is wrong, not something here. */
static pnr_status blame(const fetching *f, const pnr_error *own, pnr_error *err)
{
	if (own->status != PNR_CORRUPT)
		return pnr_fail_with(err, own);
	return pnr_fail(err, PNR_CORRUPT,
	                "remote '%s': %s; 'pannier push --heal' from a store that has the package mends it",
	                pnr_remote_name(f->remote), own->message);
}

static pnr_status take_whole(incoming *in, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_arrival_part part;
	pnr_received body;
	pnr_status status = pnr_arrival_body(&in->arrival, &part, &body, &own);
	if (status == PNR_OK)
		status = pnr_ingest_add_body(in->fetching->ingest, &body, &in->item, &own);
	if (status != PNR_OK)
		return blame(in->fetching, &own, err);
	in->fetching->fetched.whole++;
	return pnr_meter_add(in->fetching->meter, in->arrival.key, in->arrival.row->size, err);
}

static pnr_status read_base(const incoming *in, pnr_buffer *out, pnr_error *err)
{
	pnr_store *store = in->fetching->store;
	const pnr_object_row *row = in->arrival.row;
	pnr_blob_row base;
	pnr_status status = pnr_index_blob_find(pnr_store_index(store), &row->base, &base, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_fail(err, PNR_CORRUPT, "the index lacks it");
	if (status == PNR_OK && !pnr_patch_fits(base.size, row->size))
		status = pnr_fail(err, PNR_UNSUPPORTED, "no patch can lead from its %llu bytes to %llu",
		                  (unsigned long long)base.size, (unsigned long long)row->size);
	if (status == PNR_OK)
		status = pnr_store_load_blob(store, &base, out, err);
	if (status != PNR_OK)
		pnr_context(err, "the base of '%s'", in->arrival.key);
	return status;
}

static pnr_status apply(const incoming *in, const pnr_buffer *base, const pnr_sink *out, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_arrival_content(&in->arrival, base, out, &own);
	return status == PNR_OK ? PNR_OK : blame(in->fetching, &own, err);
}

static pnr_status take_large(incoming *in, const pnr_buffer *base, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_store_scratch(in->fetching->store, &fd, err);
	if (status != PNR_OK)
		return status;
	pnr_file_end end = { fd, in->arrival.key };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_ingest_file file = { .open = pnr_file_duplicate, .context = &fd, .name = in->arrival.key };
	status = apply(in, base, &sink, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &file.st, in->arrival.key, err);
	return status == PNR_OK ? pnr_ingest_add(in->fetching->ingest, &file, &in->item, err) : status;
}

static pnr_status take_small(incoming *in, const pnr_buffer *base, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &content, PNR_BLOCK_SIZE };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_status status = apply(in, base, &sink, err);
	if (status == PNR_OK)
		status = pnr_ingest_add_text(in->fetching->ingest, content.data, content.length, in->arrival.key, &in->item, err);
	return status == PNR_OK ? pnr_meter_add(in->fetching->meter, in->arrival.key, in->arrival.row->size, err) : status;
}

static pnr_status take_patch(incoming *in, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	pnr_status status = read_base(in, &base, err);
	if (status == PNR_OK)
		status = in->arrival.row->size > PNR_BLOCK_SIZE ? take_large(in, &base, err) : take_small(in, &base, err);
	in->fetching->fetched.patched += status == PNR_OK;
	return status;
}

/* ------------------------------------------------------------------- batches -- */

/* All of an object is here. What is wrong with it is told as it is: the remote may have more to say around it. */
static pnr_status take(void *context, pnr_error *err)
{
	incoming *in = context;
	fetching *f = in->fetching;
	bool patch = in->arrival.row->form == PNR_OBJECT_PATCH;
	pnr_status status = patch ? take_patch(in, &f->own) : take_whole(in, &f->own);
	f->fetched.bytes += in->arrival.size;
	pnr_arrival_clear(&in->arrival);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &f->own);
}

/* The first object that is not there is named. */
static pnr_status get(fetching *f, pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_get(f->remote, downloads, count, &own);
	if (f->own.status != PNR_OK)
		return pnr_fail_with(err, &f->own);
	for (size_t i = 0; i < count && status == PNR_NOT_FOUND; i++) {
		if (downloads[i].status != PNR_NOT_FOUND)
			continue;
		pnr_error_clear(&own);
		pnr_ignore(pnr_fail(&own, PNR_CORRUPT, "'%s' is missing", downloads[i].key));
		return blame(f, &own, err);
	}
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

static pnr_status fetch_batch(fetching *f, const pnr_object_row **batch, size_t count, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) incoming *list = calloc(count, sizeof *list);
	PNR_CLEANUP(pnr_cleanup_free) pnr_remote_download *downloads = calloc(count, sizeof *downloads);
	if (list == NULL || downloads == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		pnr_arrival_begin(&list[i].arrival, f->store, batch[i], &downloads[i]);
		list[i].fetching = f;
		downloads[i].done = take;
	}
	pnr_status status = get(f, downloads, count, err);
	/* What came before a failure need not come again. */
	pnr_status settled = pnr_ingest_commit(f->ingest, status == PNR_OK ? err : NULL);
	for (size_t i = 0; i < count; i++) {
		pnr_arrival_clear(&list[i].arrival);
		if (settled == PNR_OK)
			f->encodings[batch[i] - f->package->objects] = list[i].item.encoding_id;
	}
	return status == PNR_OK ? settled : status;
}

/* Objects that may be asked for at once: none stands on another, and together they are not too large. */
static size_t batch_of(const fetching *f, size_t from)
{
	uint64_t bytes = 0;
	size_t end = from;
	while (end < f->count && end - from < BATCH_COUNT && f->plan[end]->depth == f->plan[from]->depth) {
		bytes += pnr_object_longest(f->plan[end]);
		if (end > from && bytes > BATCH_BYTES)
			break;
		end++;
	}
	return end - from;
}

static pnr_status fetch_all(fetching *f, pnr_error *err)
{
	pnr_status status = f->meter != NULL ? pnr_meter_begin(f->meter, PNR_PHASE_FETCH, f->bytes, err) : PNR_OK;
	for (size_t i = 0, count; status == PNR_OK && i < f->count; i += count) {
		count = batch_of(f, i);
		status = fetch_batch(f, f->plan + i, count, err);
	}
	return status == PNR_OK && f->meter != NULL ? pnr_meter_end(f->meter, err) : status;
}

pnr_status pnr_fetch(pnr_store *store, pnr_remote *remote, const pnr_package_object *package, unsigned level,
                     pnr_meter *meter, int64_t *out_encodings, pnr_fetched *out_fetched, pnr_error *err)
{
	PNR_CLEANUP(fetching_free) fetching f = {
		.store = store,
		.remote = remote,
		.package = package,
		.meter = meter,
		.encodings = out_encodings,
	};
	const pnr_ingest_options options = { .level = level, .any_encoding = true, .rehash = true, .meter = meter };
	pnr_status status = make_plan(&f, err);
	if (status == PNR_OK)
		status = pnr_ingest_new(store, &options, &f.ingest, err);
	if (status == PNR_OK)
		status = fetch_all(&f, err);
	*out_fetched = f.fetched;
	return status;
}
