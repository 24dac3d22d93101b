/* Sending: patches are made, bodies are given, and what was put is remembered. */
#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "codec/hash.h"
#include "sync/blob_patch.h"
#include "sync/presence.h"
#include "sync/push.h"
#include <stdlib.h>
#include <string.h>

#define BATCH_COUNT 1024u
#define BATCH_BYTES ((uint64_t)256 << 20)
#define PATCHES "patches"

/* An object that is to be put. */
typedef struct parcel {
	pnr_push_plan *plan;
	pnr_piece *piece;
	pnr_whole *whole;
	int fd; /* of the file of patches: if there is no whole */
	uint64_t offset;
	uint64_t counted; /* bytes of the object that were told as progress */
	char key[PNR_KEY_SIZE];
} parcel;

typedef struct sending {
	pnr_push_plan *plan;
	bool dry_run;
	pnr_push_sent *sent;
	pnr_piece **order; /* bases first */
	size_t count;
	parcel *parcels; /* of the batch */
	pnr_remote_upload *uploads;
	size_t batch;
	uint64_t batch_bytes;
	int patches, content; /* files without a name; -1 */
	uint64_t patches_size;
} sending;

static void batch_clear(sending *s)
{
	for (size_t i = 0; i < s->batch; i++)
		pnr_whole_close(s->parcels[i].whole);
	s->batch = 0;
	s->batch_bytes = s->patches_size = 0;
}

static void sending_free(sending *s)
{
	batch_clear(s);
	free(s->order);
	free(s->parcels);
	free(s->uploads);
	pnr_cleanup_close(&s->patches);
	pnr_cleanup_close(&s->content);
}

/* ------------------------------------------------------------------- bodies -- */

/* How far in its content a reader of the object may feel to be. */
static uint64_t progress_at(const parcel *p, uint64_t offset)
{
	double size = (double)p->piece->row.stored_size;
	return size == 0 ? 0 : (uint64_t)((double)p->piece->size * ((double)offset / size));
}

static pnr_status parcel_read(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	parcel *p = context;
	size_t got = 0;
	pnr_status status = PNR_OK;
	if (p->whole != NULL) {
		status = pnr_whole_read(p->whole, offset, buffer, length, err);
	} else {
		status = pnr_file_pread(p->fd, buffer, length, p->offset + offset, &got, PATCHES, err);
		if (status == PNR_OK && got < length)
			status = pnr_fail(err, PNR_IO, "the file of patches is shorter than it was");
	}
	if (status != PNR_OK)
		return status;
	/* What a patch takes was counted when it was made; and what is read once more, for another try say, before. */
	uint64_t bytes = 0;
	if (p->whole != NULL && offset + length > p->counted) {
		bytes = progress_at(p, offset + length) - progress_at(p, p->counted);
		p->counted = offset + length;
	}
	return pnr_meter_add(p->plan->meter, p->key, bytes, err);
}

static void parcel_close(void *context)
{
	const parcel *p = context;
	if (p->whole != NULL)
		pnr_whole_rest(p->whole);
}

static void add_upload(sending *s)
{
	parcel *p = &s->parcels[s->batch];
	pnr_object_row *row = &p->piece->row;
	s->uploads[s->batch++] = (pnr_remote_upload){
		.key = pnr_key_of_object(row, p->key),
		.body = { .read = parcel_read, .close = parcel_close, .context = p },
		.size = row->stored_size,
		.hash = row->stored_hash,
		.mode = p->piece->damaged ? PNR_REMOTE_REPLACE : PNR_REMOTE_IF_ABSENT,
	};
	s->batch_bytes += row->stored_size;
}

/* ------------------------------------------------------------------- patches -- */

/* The bytes of a patch on their way to the end of the file of patches. */
static pnr_status spool_write(void *context, const void *data, size_t length, pnr_error *err)
{
	sending *s = context;
	pnr_status status = pnr_file_pwrite(s->patches, data, length, s->patches_size, PATCHES, err);
	s->patches_size += length;
	return status;
}

static pnr_status open_files(sending *s, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (s->patches < 0)
		status = pnr_store_scratch(s->plan->store, &s->patches, err);
	if (status == PNR_OK && s->content < 0)
		status = pnr_store_scratch(s->plan->store, &s->content, err);
	return status;
}

/* Make the patch; the piece goes whole if it is not worth it. */
static pnr_status make_patch(sending *s, pnr_piece *piece, const pnr_blob_row *blob, uint64_t whole_size,
                             uint64_t *out_offset, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_meter *meter = s->plan->meter;
	uint64_t done = meter == NULL ? 0 : meter->done, offset = s->patches_size, size = 0;
	pnr_blob_row base;
	pnr_status status = pnr_index_blob_find(pnr_store_index(s->plan->store), &piece->row.base, &base, err);
	/* A base that only the remote has cannot be patched against here. */
	if (status == PNR_NOT_FOUND) {
		piece->row.form = PNR_OBJECT_STORED;
		return PNR_OK;
	}
	if (status == PNR_OK)
		status = open_files(s, err);
	if (status == PNR_OK)
		status = pnr_hash_new(&hash, err);
	if (status != PNR_OK)
		return status;
	const pnr_sink spool = { .write = spool_write, .context = s };
	pnr_hash_pipe pipe = { hash, &spool, NULL };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	const char *asset = piece->item == NULL ? NULL : piece->item->path;
	status = pnr_blob_patch(s->plan->store, &base, blob, whole_size, s->content, "content to patch", &sink, meter,
	                        asset, &size, err);
	if (status != PNR_OK)
		return status;
	if (size == 0) {
		piece->row.form = PNR_OBJECT_STORED;
		if (meter != NULL)
			meter->done = done;
		return PNR_OK;
	}
	*out_offset = offset;
	piece->row.stored_size = size;
	return pnr_hash_finish(hash, &piece->row.stored_hash, NULL, NULL, err);
}

/* ------------------------------------------------------------------- batches -- */

static void count(sending *s, const pnr_piece *piece)
{
	s->sent->blobs++;
	s->sent->patched += piece->row.form == PNR_OBJECT_PATCH;
	s->sent->bytes += piece->row.stored_size;
}

/* Of the batch, what is on the remote now. */
static pnr_status remember(void *user, pnr_error *err)
{
	const sending *s = user;
	pnr_status status = PNR_OK;
	int64_t now = pnr_clock_now_ms();
	for (size_t i = 0; i < s->batch && status == PNR_OK; i++) {
		if (s->uploads[i].outcome == PNR_REMOTE_PENDING)
			continue;
		const pnr_presence_row presence = pnr_presence_of_object(&s->parcels[i].piece->row, now);
		status = pnr_index_presence_put(pnr_store_index(s->plan->store), s->plan->remote->row.id, &presence, err);
	}
	return status;
}

static pnr_status put_batch(sending *s, pnr_error *err)
{
	pnr_push_plan *plan = s->plan;
	if (s->batch == 0)
		return PNR_OK;
	pnr_status status = pnr_remote_put(plan->remote->handle, s->uploads, s->batch, err);
	plan->remote_failed |= status != PNR_OK && pnr_remote_at_fault(plan->remote->handle);
	pnr_push_plan_settle(plan);
	for (size_t i = 0; i < s->batch; i++)
		if (s->uploads[i].outcome == PNR_REMOTE_PUT)
			count(s, s->parcels[i].piece);
	/* What was put before a failure need not be found again. */
	pnr_status remembered = pnr_store_transaction(plan->store, remember, s, status == PNR_OK ? err : NULL);
	batch_clear(s);
	return status == PNR_OK ? remembered : status;
}

/* The row becomes that of the object which is sent. */
static pnr_status add(sending *s, pnr_piece *piece, pnr_error *err)
{
	parcel *p = &s->parcels[s->batch];
	pnr_blob_row blob;
	uint64_t offset = 0;
	pnr_whole *whole = NULL;
	pnr_status status = pnr_index_blob_find(pnr_store_index(s->plan->store), &piece->hash, &blob, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_fail(err, PNR_CORRUPT, "the index lacks content that it had");
	if (status == PNR_OK)
		status = pnr_whole_open(s->plan->store, &blob, piece->item == NULL ? 0 : piece->item->encoding_id, &whole, err);
	if (status == PNR_OK && piece->row.form == PNR_OBJECT_PATCH)
		status = make_patch(s, piece, &blob, pnr_whole_size(whole), &offset, err);
	if (status == PNR_OK && piece->row.form != PNR_OBJECT_PATCH) {
		piece->row.form = pnr_whole_gzip(whole) ? PNR_OBJECT_GZIP : PNR_OBJECT_STORED;
		piece->row.base = (pnr_digest){ { 0 } };
		piece->row.depth = 0;
		piece->row.stored_hash = *pnr_whole_hash(whole);
		piece->row.stored_size = pnr_whole_size(whole);
	}
	if (status != PNR_OK || piece->row.form == PNR_OBJECT_PATCH || s->dry_run) {
		pnr_whole_close(whole);
		whole = NULL;
	}
	if (status != PNR_OK)
		return status;
	if (s->dry_run) {
		count(s, piece);
		s->patches_size = 0;
		return PNR_OK;
	}
	*p = (parcel){ .plan = s->plan, .piece = piece, .whole = whole, .fd = s->patches, .offset = offset };
	add_upload(s);
	return PNR_OK;
}

static int by_depth(const void *a, const void *b)
{
	const pnr_piece *x = *(const pnr_piece *const *)a, *y = *(const pnr_piece *const *)b;
	if (x->row.depth != y->row.depth)
		return x->row.depth < y->row.depth ? -1 : 1;
	return memcmp(&x->hash, &y->hash, sizeof x->hash);
}

static pnr_status prepare(sending *s, uint64_t *out_total, pnr_error *err)
{
	s->order = calloc(s->plan->count + 1, sizeof(pnr_piece *));
	s->parcels = calloc(BATCH_COUNT, sizeof *s->parcels);
	s->uploads = calloc(BATCH_COUNT, sizeof *s->uploads);
	if (s->order == NULL || s->parcels == NULL || s->uploads == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < s->plan->count; i++) {
		pnr_piece *piece = &s->plan->pieces[i];
		if (piece->fate != PNR_PIECE_SEND || !piece->needed)
			continue;
		s->order[s->count++] = piece;
		*out_total += piece->size;
	}
	pnr_array_sort(s->order, s->count, sizeof *s->order, by_depth);
	return PNR_OK;
}

pnr_status pnr_push_send(pnr_push_plan *plan, bool dry_run, pnr_push_sent *sent, pnr_error *err)
{
	PNR_CLEANUP(sending_free) sending s = { .plan = plan, .dry_run = dry_run, .sent = sent, .patches = -1, .content = -1 };
	uint64_t total = 0;
	pnr_status status = prepare(&s, &total, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(plan->meter, PNR_PHASE_SEND, total, err);
	for (size_t i = 0; i < s.count && status == PNR_OK; i++) {
		status = add(&s, s.order[i], err);
		if (status == PNR_OK && (s.batch == BATCH_COUNT || s.batch_bytes >= BATCH_BYTES))
			status = put_batch(&s, err);
	}
	if (status == PNR_OK)
		status = put_batch(&s, err);
	pnr_push_plan_settle(plan);
	return status == PNR_OK ? pnr_meter_end(plan->meter, err) : status;
}
