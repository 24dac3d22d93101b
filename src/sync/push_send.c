/* Sending: patches are made, bodies are given, and what was put is remembered. */
#include "base/array.h"
#include "base/clock.h"
#include "base/file.h"
#include "codec/form.h"
#include "codec/hash.h"
#include "codec/join.h"
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
	int fd; /* of the file of patches, and of other forms: if there is no whole */
	uint64_t offset;
	uint64_t sent; /* bytes of the object */
	uint64_t told; /* of its content, as progress */
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

/* Tell that so much of its content is there: nothing if more was told. */
static pnr_status tell(parcel *p, uint64_t upto, pnr_error *err)
{
	uint64_t bytes = upto > p->told ? upto - p->told : 0;
	p->told += bytes;
	return pnr_meter_add(p->plan->meter, p->key, bytes, err);
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
	return status;
}

/* How far in its content who sends the object may feel to be. What a patch takes was told when it was made. */
static pnr_status parcel_sent(void *context, uint64_t length, pnr_error *err)
{
	parcel *p = context;
	p->sent += length;
	double part = (double)p->sent / (double)p->piece->row.stored_size;
	return tell(p, p->whole == NULL ? 0 : (uint64_t)((double)p->piece->size * part), err);
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
		.body = { .read = parcel_read, .sent = parcel_sent, .close = parcel_close, .context = p },
		.size = row->stored_size,
		.hash = row->stored_hash,
		.mode = p->piece->damaged ? PNR_REMOTE_REPLACE : PNR_REMOTE_IF_ABSENT,
	};
	s->batch_bytes += row->stored_size;
}

/* ------------------------------------------------------------------- patches -- */

/* The piece goes whole if a patch is not worth it: then @out_told of its content was told as progress. */
static pnr_status write_patch(sending *s, pnr_piece *piece, const pnr_blob_row *blob, uint64_t whole_size,
                              const pnr_sink *to, uint64_t *out_told, pnr_error *err)
{
	pnr_meter *meter = s->plan->meter;
	uint64_t done = meter == NULL ? 0 : meter->done, size = 0;
	pnr_blob_row base;
	pnr_status status = pnr_index_blob_find(pnr_store_index(s->plan->store), &piece->row.base, &base, err);
	/* A base that only the remote has cannot be patched against here. */
	if (status == PNR_NOT_FOUND) {
		piece->row.form = PNR_OBJECT_STORED;
		return PNR_OK;
	}
	if (status != PNR_OK)
		return status;
	const char *asset = piece->item == NULL ? NULL : piece->item->path;
	status = pnr_blob_patch(s->plan->store, &base, blob, whole_size, s->content, "content to patch", to, meter,
	                        asset, &size, err);
	if (status == PNR_OK && size == 0) {
		piece->row.form = PNR_OBJECT_STORED;
		*out_told = meter == NULL ? 0 : meter->done - done;
	}
	return status;
}

/* ------------------------------------------------------------------- other forms -- */

/* Content on its way to @context as stored blocks. */
static pnr_status block_write(void *context, const void *data, size_t length, pnr_error *err)
{
	const pnr_sink *to = context;
	const uint8_t *from = data;
	uint8_t block[PNR_STORED_HEAD + PNR_STORED_MAX];
	pnr_status status = PNR_OK;
	while (length > 0 && status == PNR_OK) {
		size_t part = length < PNR_STORED_MAX ? length : PNR_STORED_MAX;
		status = to->write(to->context, block, pnr_join_store(block, from, part), err);
		from += part;
		length -= part;
	}
	return status;
}

static pnr_status write_gzip(pnr_store *store, const pnr_blob_row *blob, const pnr_sink *to, pnr_error *err)
{
	const pnr_sink blocks = { .write = block_write, .context = (void *)(uintptr_t)to };
	uint8_t wrapper[PNR_BODY_ALIGN];
	pnr_gzip_head(wrapper, blob->size);
	pnr_status status = to->write(to->context, wrapper, PNR_GZIP_HEAD(blob->size), err);
	if (status == PNR_OK)
		status = pnr_store_read_blob(store, blob, &blocks, err);
	if (status == PNR_OK)
		status = to->write(to->context, PNR_JOIN_END, PNR_JOIN_END_SIZE, err);
	if (status != PNR_OK)
		return status;
	pnr_gzip_tail(wrapper, blob->crc32, blob->size);
	return to->write(to->context, wrapper, PNR_GZIP_TAIL, err);
}

/* What others named by the other key: the content itself, or as gzip what this store keeps as it is. */
static pnr_status write_form(sending *s, const pnr_piece *piece, const pnr_blob_row *blob, const pnr_sink *to,
                             pnr_error *err)
{
	pnr_status status = piece->row.form == PNR_OBJECT_GZIP ? write_gzip(s->plan->store, blob, to, err)
	                                                       : pnr_store_read_blob(s->plan->store, blob, to, err);
	if (status != PNR_OK)
		return status;
	return pnr_meter_add(s->plan->meter, piece->item == NULL ? NULL : piece->item->path, piece->size, err);
}

/* ------------------------------------------------------------------- the file -- */

/* The bytes of an object on their way to the end of the file of patches. */
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

/* Make the patch, or the other form, that the piece is to be sent as. A patch that is not made: as write_patch says. */
static pnr_status make(sending *s, pnr_piece *piece, const pnr_blob_row *blob, uint64_t whole_size,
                       uint64_t *out_offset, uint64_t *out_told, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	const pnr_object_form form = piece->row.form;
	uint64_t offset = s->patches_size;
	pnr_status status = open_files(s, err);
	if (status == PNR_OK)
		status = pnr_hash_new(&hash, err);
	if (status != PNR_OK)
		return status;
	const pnr_sink spool = { .write = spool_write, .context = s };
	pnr_hash_pipe pipe = { hash, &spool, NULL };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	status = form == PNR_OBJECT_PATCH ? write_patch(s, piece, blob, whole_size, &sink, out_told, err)
	                                  : write_form(s, piece, blob, &sink, err);
	if (status != PNR_OK || piece->row.form != form)
		return status;
	*out_offset = offset;
	piece->row.stored_size = s->patches_size - offset;
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
	for (size_t i = 0; i < s->batch; i++) {
		parcel *p = &s->parcels[i];
		if (s->uploads[i].outcome == PNR_REMOTE_PUT)
			count(s, p->piece);
		/* That of what was there, say. */
		if (status == PNR_OK && p->whole != NULL)
			status = tell(p, p->piece->size, err);
	}
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
	uint64_t offset = 0, told = 0;
	bool spooled = false;
	pnr_whole *whole = NULL;
	pnr_status status = pnr_index_blob_find(pnr_store_index(s->plan->store), &piece->hash, &blob, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_fail(err, PNR_CORRUPT, "the index lacks content that it had");
	if (status == PNR_OK)
		status = pnr_whole_open(s->plan->store, &blob, piece->item == NULL ? 0 : piece->item->encoding_id, &whole, err);
	if (status == PNR_OK && piece->row.form == PNR_OBJECT_PATCH)
		status = make(s, piece, &blob, pnr_whole_size(whole), &offset, &told, err);
	if (status == PNR_OK && piece->row.form != PNR_OBJECT_PATCH && piece->same_form &&
	    (piece->row.form == PNR_OBJECT_GZIP) != pnr_whole_gzip(whole)) {
		status = make(s, piece, &blob, pnr_whole_size(whole), &offset, &told, err);
		spooled = true;
	} else if (status == PNR_OK && piece->row.form != PNR_OBJECT_PATCH) {
		piece->row.form = pnr_whole_gzip(whole) ? PNR_OBJECT_GZIP : PNR_OBJECT_STORED;
		piece->row.base = (pnr_digest){ { 0 } };
		piece->row.depth = 0;
		piece->row.stored_hash = *pnr_whole_hash(whole);
		piece->row.stored_size = pnr_whole_size(whole);
	}
	if (status != PNR_OK || spooled || piece->row.form == PNR_OBJECT_PATCH || s->dry_run) {
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
	*p = (parcel){ .plan = s->plan, .piece = piece, .whole = whole, .fd = s->patches, .offset = offset,
	               .told = told };
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
