/*
 * The bytes of the assets, checked on all cores. The caller's thread alone reads
 * bodies, calls the target, and takes results in the manifest's order, so that
 * what is found, and what comes of it, does not depend on the number of threads.
 *
 * A small asset is a parcel: its body is read in one piece, a thread decodes and
 * hashes it. A large one is decoded by its segments, on the same threads, while
 * the caller's thread hashes what comes of them. The hash of the zip, which needs
 * all of it in order, is one more job, piece by piece, from the start on.
 */
#include "codec/hash.h"
#include "package/inspect.h"
#include <stdlib.h>

/* The content of a parcel is one block at most; what its body may have beyond is enough for any encoder. */
#define PARCEL_MAX PNR_BLOCK_SIZE
#define PARCEL_BODY_MAX (PNR_BLOCK_SIZE + (size_t)64 * PNR_KIB)
/* Parcels in flight, with their bodies: bounds of memory (for each thread), and of descriptors. */
#define FLIGHT_BYTES ((size_t)4 * PNR_MIB)
#define FLIGHT_COUNT 128u
/* Of the zip: what is read at a time, and what a job hashes before it lets others have the thread. */
#define CHUNK ((size_t)256 * PNR_KIB)
#define PIECE ((uint64_t)8 * PNR_MIB)

typedef struct parcel {
	pnr_job job; /* first: it is cast from */
	pnr_listed *item;
	pnr_contents_body body;
	uint8_t *packed; /* the body; what is decoded takes its place */
	uint8_t *data;
	size_t length;   /* of the content */
	pnr_content found;
	pnr_status status; /* of opening and reading the body; without PNR_OK there is no job */
	pnr_error error;
	struct parcel *next;
} parcel;

/* The hash of the zip. */
typedef struct archive {
	pnr_job job; /* first: it is cast from */
	const pnr_contents *contents;
	pnr_hash *hash;
	uint8_t *chunk;
	uint64_t offset;
	uint64_t told; /* bytes that the meter knows of */
	bool running;
	bool ended; /* also by an error, which is told when the assets are done */
} archive;

typedef struct flight {
	pnr_inspection *inspection;
	const pnr_inspect_target *target;
	pnr_pool *pool;
	parcel *first, **last;
	size_t count, bytes;
	archive archive;
} flight;

/* ------------------------------------------------------------ one asset -- */

/* The container had nothing against its bytes; has the manifest? */
static pnr_status judge(pnr_listed *item, const pnr_content *found, pnr_error *err)
{
	const pnr_manifest_asset *asset = item->asset;
	if (found->size != asset->size)
		return pnr_fail(err, PNR_CORRUPT, "has %llu bytes, the manifest says %llu",
		                (unsigned long long)found->size, (unsigned long long)asset->size);
	item->actual = found->hash;
	item->read = true;
	if (pnr_digest_equal(&item->actual, &asset->hash))
		return PNR_OK;
	char actual[PNR_DIGEST_HEX_SIZE], listed[PNR_DIGEST_HEX_SIZE];
	return pnr_fail(err, PNR_CORRUPT, "its SHA-256 is %s, the manifest says %s",
	                pnr_digest_to_hex(&item->actual, actual), pnr_digest_to_hex(&asset->hash, listed));
}

pnr_status pnr_inspect_asset(pnr_contents *contents, pnr_listed *item, pnr_pool *pool, const pnr_sink *next,
                             pnr_error *err)
{
	pnr_content found;
	if (!item->present)
		return pnr_fail(err, PNR_CORRUPT, "is listed in the manifest and not in the package");
	pnr_status status = pnr_contents_read(contents, item->entry, next, pool, &found, err);
	return status == PNR_OK ? judge(item, &found, err) : status;
}

/* --------------------------------------------------- the hash of the zip -- */

static void hash_piece(pnr_job *job)
{
	archive *a = (archive *)(void *)job;
	uint64_t end = a->offset + PIECE;
	while (job->status == PNR_OK && !a->ended && a->offset < end) {
		size_t got = 0;
		job->status = a->contents->ops->read_archive(a->contents, a->chunk, CHUNK, a->offset, &got, &job->error);
		if (job->status == PNR_OK)
			job->status = pnr_hash_update(a->hash, a->chunk, got, &job->error);
		a->offset += got;
		a->ended = got < CHUNK;
	}
}

static pnr_status start_archive(flight *f, pnr_error *err)
{
	archive *a = &f->archive;
	a->contents = f->inspection->contents;
	a->ended = a->contents->ops->read_archive == NULL;
	if (a->ended)
		return PNR_OK;
	a->chunk = malloc(CHUNK);
	if (a->chunk == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_hash_new(&a->hash, err);
	if (status != PNR_OK)
		return status;
	a->job.run = hash_piece;
	a->running = true;
	pnr_pool_submit(f->pool, &a->job);
	return PNR_OK;
}

/* Go on with the hash if a piece is done, or (@all) until it is known. Only the meter fails here. */
static pnr_status advance_archive(flight *f, bool all, pnr_error *err)
{
	archive *a = &f->archive;
	while (a->running && (all || pnr_pool_done(f->pool, &a->job))) {
		pnr_status status = pnr_pool_wait(f->pool, &a->job, NULL);
		a->running = status == PNR_OK && !a->ended;
		uint64_t step = a->offset - a->told;
		a->told = a->offset;
		status = pnr_meter_add(&f->inspection->meter, NULL, step, err);
		if (status != PNR_OK) {
			a->running = false;
			return status;
		}
		if (a->running)
			pnr_pool_submit(f->pool, &a->job);
	}
	return PNR_OK;
}

static pnr_status finish_archive(flight *f, pnr_error *err)
{
	pnr_verify_result *result = &f->inspection->findings->result;
	archive *a = &f->archive;
	if (a->hash == NULL)
		return a->contents->ops->archive_hash(a->contents, &result->has_archive_hash, &result->archive_hash,
		                                      err);
	pnr_status status = advance_archive(f, true, err);
	if (status == PNR_OK && a->job.status != PNR_OK)
		status = pnr_fail_with(err, &a->job.error);
	if (status == PNR_OK)
		status = pnr_hash_finish(a->hash, &result->archive_hash, NULL, NULL, err);
	result->has_archive_hash = status == PNR_OK;
	return status;
}

/* ----------------------------------------------- results, in their order -- */

/* Where the bytes of an asset go. */
typedef struct passage {
	flight *flight;
	const char *path;
	bool wanted; /* the target takes them */
	pnr_sink sink;
} passage;

static pnr_status begin(passage *p, flight *f, const pnr_listed *item, pnr_error *err)
{
	*p = (passage){ .flight = f, .path = item->asset->path };
	p->wanted = f->target != NULL && f->inspection->findings->problems == 0;
	return p->wanted ? f->target->begin(f->target->context, p->path, &p->sink, err) : PNR_OK;
}

static pnr_status pass(void *context, const void *data, size_t length, pnr_error *err)
{
	const passage *p = context;
	pnr_status status = PNR_OK;
	if (p->wanted && length > 0)
		status = p->sink.write(p->sink.context, data, length, err);
	if (status == PNR_OK)
		status = pnr_meter_add(&p->flight->inspection->meter, p->path, length, err);
	if (status == PNR_OK)
		status = advance_archive(p->flight, false, err);
	return status;
}

static pnr_status end(const passage *p, pnr_listed *item, pnr_status status, const pnr_error *own, pnr_error *err)
{
	const flight *f = p->flight;
	if (status == PNR_OK)
		return p->wanted ? f->target->end(f->target->context, err) : PNR_OK;
	item->wrong = status == PNR_CORRUPT;
	return pnr_inspection_absorb(f->inspection, p->path, status, own, err);
}

/* -------------------------------------------------------------- parcels -- */

static void parcel_free(parcel *p)
{
	if (p == NULL)
		return;
	pnr_contents_body_close(&p->body);
	free(p->packed);
	free(p->data);
	free(p);
}

static void parcel_cleanup(parcel **p)
{
	parcel_free(*p);
}

static void decode_parcel(pnr_job *job)
{
	parcel *p = (parcel *)(void *)job;
	if (p->body.deflated) {
		p->data = malloc(p->length + 1);
		job->status = p->data == NULL ? pnr_fail_nomem(&job->error)
		                              : pnr_inflate_memory(p->packed, (size_t)p->body.size, p->data, p->length,
		                                                   &job->error);
		free(p->packed);
	} else {
		p->data = p->packed;
	}
	p->packed = NULL;
	if (job->status == PNR_OK)
		job->status = pnr_hash_memory(p->data, p->length, &p->found.hash, &p->found.crc32, &job->error);
	p->found.size = p->length;
}

static size_t weight(const parcel *p)
{
	return p->length + (size_t)p->body.size;
}

/* Read the body; what goes wrong is told when it is the asset's turn. */
static void read_body(parcel *p)
{
	size_t got = 0;
	p->packed = malloc((size_t)p->body.size + 1);
	if (p->packed == NULL)
		p->status = pnr_fail_nomem(&p->error);
	else if (p->body.size > 0)
		p->status = pnr_source_fill(&p->body.source, p->packed, (size_t)p->body.size, &got, &p->error);
	if (p->status == PNR_OK && got < p->body.size)
		p->status = pnr_fail(&p->error, PNR_CORRUPT, "its body is cut short: %llu bytes are missing",
		                     (unsigned long long)(p->body.size - got));
	if (p->status == PNR_OK && !p->body.deflated)
		p->length = got;
}

/* *out_parcel stays NULL for an asset that is too large. */
static pnr_status pick_up(flight *f, pnr_listed *item, parcel **out_parcel, pnr_error *err)
{
	if (item->asset->size > PARCEL_MAX)
		return PNR_OK;
	PNR_CLEANUP(parcel_cleanup) parcel *p = calloc(1, sizeof *p);
	if (p == NULL)
		return pnr_fail_nomem(err);
	p->error = (pnr_error)PNR_ERROR_INIT;
	p->item = item;
	p->length = (size_t)item->asset->size;
	p->status = pnr_contents_body_open(f->inspection->contents, item->entry, &p->body, &p->error);
	if (p->status == PNR_OK && p->body.size > PARCEL_BODY_MAX)
		return PNR_OK;
	if (p->status == PNR_OK)
		read_body(p);
	*out_parcel = PNR_STEAL(p);
	return PNR_OK;
}

static void send(flight *f, parcel *p)
{
	*f->last = p;
	f->last = &p->next;
	f->count++;
	f->bytes += weight(p);
	p->job.run = decode_parcel;
	if (p->status == PNR_OK)
		pnr_pool_submit(f->pool, &p->job);
}

static parcel *receive(flight *f)
{
	parcel *p = f->first;
	f->first = p->next;
	if (f->first == NULL)
		f->last = &f->first;
	f->count--;
	f->bytes -= weight(p);
	if (p->status == PNR_OK)
		p->status = pnr_pool_wait(f->pool, &p->job, &p->error);
	return p;
}

static pnr_status take_parcel(flight *f, pnr_error *err)
{
	passage way;
	pnr_status status = begin(&way, f, f->first->item, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(parcel_cleanup) parcel *p = receive(f);
	if (p->body.contents != NULL)
		p->status = pnr_contents_body_settle(&p->body, p->status, &p->found, &p->error);
	if (p->status == PNR_OK)
		p->status = judge(p->item, &p->found, &p->error);
	if (p->status == PNR_OK) {
		p->status = pass(&way, p->data, p->length, &p->error);
		if (p->status != PNR_OK)
			p->status = pnr_contents_body_settle(&p->body, p->status, NULL, &p->error);
	}
	return end(&way, p->item, p->status, &p->error, err);
}

static bool full(const flight *f)
{
	return f->count >= FLIGHT_COUNT || f->bytes >= FLIGHT_BYTES * pnr_pool_threads(f->pool);
}

/* Take results until there is room for more, or (@all) there are none. */
static pnr_status advance(flight *f, bool all, pnr_error *err)
{
	pnr_status status = PNR_OK;
	while (status == PNR_OK && (all ? f->count > 0 : full(f)))
		status = take_parcel(f, err);
	return status;
}

/* -------------------------------------------------------------- the whole -- */

static pnr_status check_large(flight *f, pnr_listed *item, pnr_error *err)
{
	passage way;
	pnr_status status = advance(f, true, err);
	if (status == PNR_OK)
		status = begin(&way, f, item, err);
	if (status != PNR_OK)
		return status;
	pnr_error own = PNR_ERROR_INIT;
	const pnr_sink sink = { .write = pass, .context = &way };
	status = pnr_inspect_asset(f->inspection->contents, item, f->pool, &sink, &own);
	return end(&way, item, status, &own, err);
}

static pnr_status check_assets(flight *f, pnr_error *err)
{
	const pnr_listing *listing = f->inspection->listing;
	pnr_status status = start_archive(f, err);
	for (size_t i = 0; listing != NULL && i < listing->count && status == PNR_OK; i++) {
		pnr_listed *item = &listing->items[i];
		if (item->repeated || item->wrong)
			continue;
		parcel *p = NULL;
		status = pick_up(f, item, &p, err);
		if (status != PNR_OK)
			break;
		if (p == NULL) {
			status = check_large(f, item, err);
			continue;
		}
		send(f, p);
		status = advance(f, false, err);
	}
	return status == PNR_OK ? advance(f, true, err) : status;
}

/* After a failure jobs may still run: they own what they work on until they are done. */
static void land(flight *f)
{
	while (f->first != NULL)
		parcel_free(receive(f));
	if (f->archive.running)
		pnr_ignore(pnr_pool_wait(f->pool, &f->archive.job, NULL));
	pnr_hash_free(f->archive.hash);
	free(f->archive.chunk);
	pnr_pool_free(f->pool);
}

pnr_status pnr_inspect_assets(pnr_inspection *inspection, const pnr_inspect_target *target, pnr_error *err)
{
	PNR_CLEANUP(land) flight f = { .inspection = inspection, .target = target };
	f.last = &f.first;
	pnr_status status = pnr_pool_new(inspection->options.threads, &f.pool, err);
	if (status == PNR_OK)
		status = check_assets(&f, err);
	if (status == PNR_OK)
		status = finish_archive(&f, err);
	return status;
}
