/*
 * Are the objects there, and what their rows say? The caller's thread asks the
 * index and opens them. Decoding small ones is the business of threads, some at
 * a time, told of in the order of the rows; a large one is decoded by its
 * segments, on the same threads.
 */
#include "store/fsck.h"
#include "base/array.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

#define PAGE 256u
/* Objects that are open at a time, each with 400 KiB while a thread is at it. */
#define FLIGHT_COUNT 64u
#define HASH_LENGTH (PNR_DIGEST_HEX_SIZE - 1)

void pnr_fsck_tell(pnr_fsck_run *run, const char *kind, const char *name, const char *problem,
                   const pnr_digest *packages, size_t count)
{
	const pnr_fsck_problem told = {
		.size = sizeof told,
		.kind = kind,
		.name = name,
		.problem = problem,
		.packages = packages,
		.package_count = count,
	};
	run->result.problems++;
	if (run->options->problem != NULL && !run->told_enough)
		run->told_enough = run->options->problem(run->options->problem_user, &told) != 0;
}

pnr_status pnr_fsck_absorb(pnr_fsck_run *run, const char *kind, const char *name, pnr_status status,
                           const pnr_error *own, const pnr_digest *packages, size_t count, pnr_error *err)
{
	if (status == PNR_OK)
		return PNR_OK;
	if (status != PNR_CORRUPT && status != PNR_IO && status != PNR_DENIED)
		return pnr_fail_with(err, own);
	if (status != PNR_CORRUPT && run->unread.status == PNR_OK)
		run->unread = *own;
	pnr_fsck_tell(run, kind, name, own->message, packages, count);
	return PNR_OK;
}

pnr_status pnr_fsck_rows(pnr_fsck_run *run, pnr_index_rows rows, pnr_fsck_row_fn check, void *user, pnr_error *err)
{
	pnr_index *index = pnr_store_index(run->store);
	int64_t ids[PAGE], last = INT64_MIN;
	size_t count = PAGE;
	pnr_status status = PNR_OK;
	while (status == PNR_OK && count == PAGE) {
		pnr_error own = PNR_ERROR_INIT;
		count = 0;
		status = pnr_index_hold(index, err);
		if (status != PNR_OK)
			return status;
		status = pnr_index_ids(index, rows, last, ids, PAGE, &count, &own);
		status = pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
		for (size_t i = 0; status == PNR_OK && i < count; i++) {
			last = ids[i];
			status = check(user, ids[i], err);
			if (status == PNR_OK)
				status = pnr_meter_add(&run->meter, NULL, 0, err);
		}
		pnr_index_release(index);
	}
	return status;
}

/* -------------------------------------------------------------- affected -- */

typedef struct packages {
	pnr_digest *items;
	size_t count, capacity;
} packages;

static void packages_free(packages *p)
{
	free(p->items);
}

static pnr_status add_package(void *user, const pnr_digest *hash, pnr_error *err)
{
	packages *p = user;
	pnr_digest *items = pnr_array_grow(p->items, sizeof *items, p->count, &p->capacity);
	if (items == NULL)
		return pnr_fail_nomem(err);
	p->items = items;
	p->items[p->count++] = *hash;
	return PNR_OK;
}

/* As pnr_fsck_absorb, of an encoding of @blob. */
static pnr_status absorb_object(pnr_fsck_run *run, const pnr_blob_row *blob, pnr_status status, const pnr_error *own,
                                pnr_error *err)
{
	PNR_CLEANUP(packages_free) packages affected = { .count = 0 };
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_error unknown = PNR_ERROR_INIT;
	if (status == PNR_OK)
		return PNR_OK;
	/* That this fails, too, is a fault of the same database. */
	pnr_status listed = pnr_index_blob_packages(pnr_store_index(run->store), blob->id, add_package, &affected, &unknown);
	listed = pnr_fsck_absorb(run, "database", "", listed, &unknown, NULL, 0, err);
	if (listed != PNR_OK)
		return listed;
	return pnr_fsck_absorb(run, "object", pnr_digest_to_hex(&blob->hash, hex), status, own, affected.items,
	                       affected.count, err);
}

/* --------------------------------------------------------------- decoding -- */

typedef struct reading {
	pnr_job job; /* first: it is cast from */
	pnr_blob_row blob;
	pnr_body *body;
} reading;

typedef struct objects {
	pnr_fsck_run *run;
	pnr_pool *pool;
	reading flight[FLIGHT_COUNT];
	size_t first, count;
} objects;

static void decode(pnr_job *job)
{
	reading *r = (reading *)(void *)job;
	job->status = pnr_body_decode(r->body, &r->blob, NULL, NULL, &job->error);
}

/* The outcome of the first one that is in the air. */
static pnr_status land(objects *o, pnr_error *err)
{
	reading *r = &o->flight[o->first];
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_pool_wait(o->pool, &r->job, &own);
	pnr_body_close(PNR_STEAL(r->body));
	o->first = (o->first + 1) % FLIGHT_COUNT;
	o->count--;
	o->run->result.bytes += r->blob.size;
	status = absorb_object(o->run, &r->blob, status, &own, err);
	return status == PNR_OK ? pnr_meter_add(&o->run->meter, NULL, r->blob.size, err) : status;
}

static void objects_free(objects *o)
{
	for (; o->count > 0; o->count--) {
		pnr_ignore(pnr_pool_wait(o->pool, &o->flight[o->first].job, NULL));
		pnr_body_close(o->flight[o->first].body);
		o->first = (o->first + 1) % FLIGHT_COUNT;
	}
}

static pnr_status count_bytes(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_fsck_run *run = context;
	(void)data;
	run->result.bytes += length;
	return pnr_meter_add(&run->meter, NULL, length, err);
}

/* Takes @body. */
static pnr_status take_off(objects *o, const pnr_blob_row *blob, pnr_body *body, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	const pnr_sink sink = { .write = count_bytes, .context = o->run };
	pnr_status status = PNR_OK;
	if (blob->size > PNR_BLOCK_SIZE) {
		pnr_index_release(pnr_store_index(o->run->store));
		status = pnr_body_decode(body, blob, o->pool, &sink, &own);
		pnr_body_close(body);
		return absorb_object(o->run, blob, status, &own, err);
	}
	if (o->count == FLIGHT_COUNT)
		status = land(o, err);
	if (status != PNR_OK) {
		pnr_body_close(body);
		return status;
	}
	reading *r = &o->flight[(o->first + o->count++) % FLIGHT_COUNT];
	*r = (reading){ .job = { .run = decode }, .blob = *blob, .body = body };
	pnr_pool_submit(o->pool, &r->job);
	return PNR_OK;
}

static pnr_status check_encoding(void *user, int64_t id, pnr_error *err)
{
	objects *o = user;
	pnr_fsck_run *run = o->run;
	pnr_blob_row blob;
	pnr_body *body = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_index_encoding_blob(pnr_store_index(run->store), id, &blob, &own);
	run->result.objects++;
	/* It names no blob: that was told of the references. */
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
	status = pnr_body_open(run->store, &blob, id, &body, &own);
	if (status == PNR_NOT_FOUND) {
		run->result.evicted++;
		return PNR_OK;
	}
	if (status != PNR_OK)
		return absorb_object(run, &blob, status, &own, err);
	if (run->options->depth == PNR_FSCK_FULL)
		return take_off(o, &blob, body, err);
	pnr_body_close(body);
	return PNR_OK;
}

/* ------------------------------------------------------------ other files -- */

static void tell_unused(pnr_fsck_run *run, const char *path, const char *what)
{
	const pnr_fsck_problem told = {
		.size = sizeof told,
		.unused = true,
		.kind = "unused",
		.name = path,
		.problem = what,
	};
	if (run->options->problem != NULL && !run->told_enough)
		run->told_enough = run->options->problem(run->options->problem_user, &told) != 0;
}

static pnr_status check_file(void *user, const char *path, uint64_t size, pnr_error *err)
{
	pnr_fsck_run *run = user;
	const char *name = strrchr(path, '/') + 1;
	pnr_digest hash;
	bool known = false;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_meter_add(&run->meter, NULL, 0, err);
	/* objects/ab/ab..: in another folder it is not found by its name. */
	if (status == PNR_OK && strlen(name) > HASH_LENGTH && name - path >= 3 && strncmp(name - 3, name, 2) == 0 &&
	    pnr_digest_from_hex(name, HASH_LENGTH, &hash)) {
		status = pnr_index_file_known(pnr_store_index(run->store), &hash, name, &known, &own);
		if (status != PNR_OK)
			return pnr_fsck_absorb(run, "database", "", status, &own, NULL, 0, err);
	}
	if (status == PNR_OK && !known) {
		run->result.unused++;
		run->result.unused_bytes += size;
		tell_unused(run, path, "nothing in the store needs this file");
	}
	return status;
}

static pnr_status count_leftover(void *user, const char *path, uint64_t size, pnr_error *err)
{
	pnr_fsck_run *run = user;
	(void)size, (void)err;
	run->result.leftovers++;
	tell_unused(run, path, "left by a process that was stopped, or being written");
	return PNR_OK;
}

static pnr_status check_files(pnr_fsck_run *run, pnr_error *err)
{
	const pnr_blobs *blobs = run->store->blobs;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_blobs_files(blobs, false, check_file, run, &own);
	status = pnr_fsck_absorb(run, "object", "", status, &own, NULL, 0, err);
	if (status != PNR_OK)
		return status;
	own = (pnr_error)PNR_ERROR_INIT;
	status = pnr_blobs_files(blobs, true, count_leftover, run, &own);
	return pnr_fsck_absorb(run, "object", "", status, &own, NULL, 0, err);
}

pnr_status pnr_fsck_objects(pnr_fsck_run *run, pnr_error *err)
{
	PNR_CLEANUP(objects_free) objects o = { .run = run };
	pnr_status status = pnr_store_pool(run->store, &o.pool, err);
	if (status == PNR_OK)
		status = pnr_fsck_rows(run, PNR_ROWS_ENCODINGS, check_encoding, &o, err);
	while (status == PNR_OK && o.count > 0)
		status = land(&o, err);
	return status == PNR_OK ? check_files(run, err) : status;
}
