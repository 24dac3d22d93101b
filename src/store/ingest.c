/*
 * Taking files in.
 *
 * A small file (one block at most) is read and hashed by a thread; the caller's
 * thread then asks the index whether its content is known, and only if not a
 * thread compresses it. Files go in parcels, since waking a thread costs more
 * than a file of a kilobyte does. Two queues in order of arrival, bounded by the
 * bytes in flight, keep the threads busy meanwhile. A large file is handed to
 * the encoder, which spreads its blocks over the same threads; if any blob of
 * its size is known it is hashed first, since it is then likely to be that one.
 */
#include "base/file.h"
#include "codec/hash.h"
#include "index/evict.h"
#include "store/receive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Content in flight, and what waits for its rows: bounds of memory. */
#define FLIGHT_BYTES ((size_t)16 << 20)
#define FLIGHT_COUNT 256u
#define PARCEL_BYTES ((size_t)256 << 10)
#define PARCEL_COUNT 32u
#define PENDING_BYTES ((size_t)16 << 20)
#define PENDING_COUNT 10000u
#define RECEIVED_SIZE 32

typedef struct item {
	pnr_ingest_file file;
	pnr_ingested *out;
	int fd;
	bool settled; /* the state may be remembered */
	bool known;   /* blob and encoding are in the index: only the state is new */
	bool received; /* compressed by somebody else */
	pnr_coders *coders;
	char *data;
	size_t length;
	pnr_content content;
	pnr_encoding encoding;
	pnr_buffer encoded; /* bytes kept in the database; empty for an object */
	struct item *next;
} item;

/* Items in order of arrival. */
typedef struct list {
	item *first, **last;
	size_t count, bytes;
} list;

/* Items that one job reads, and another compresses. */
typedef struct parcel {
	pnr_job job;
	list items;
	struct parcel *next;
} parcel;

/* Parcels that were submitted and not waited for, in order of arrival. */
typedef struct queue {
	parcel *first, **last;
	size_t count, bytes; /* of their items */
} queue;

struct pnr_ingest {
	pnr_store *store;
	pnr_pool *pool;
	pnr_coders *coders;
	pnr_ingest_options options;
	pnr_ingest_counts counts;
	parcel *open; /* that is being filled; NULL: none */
	queue reading, encoding;
	list pending; /* waiting for their rows */
};

static void list_init(list *l)
{
	*l = (list){ .last = &l->first };
}

static void push(list *l, item *it, size_t bytes)
{
	it->next = NULL;
	*l->last = it;
	l->last = &it->next;
	l->count++;
	l->bytes += bytes;
}

/* Its bytes stay counted. */
static item *pop(list *l)
{
	item *it = l->first;
	l->first = it->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->count--;
	return it;
}

static void item_free(item *it)
{
	if (it == NULL)
		return;
	pnr_cleanup_close(&it->fd);
	free(it->data);
	pnr_buffer_free(&it->encoded);
	free(it);
}

static void item_cleanup(item **it)
{
	item_free(*it);
}

static void list_free(list *l)
{
	while (l->first != NULL)
		item_free(pop(l));
}

static void parcel_free(parcel *box)
{
	if (box == NULL)
		return;
	list_free(&box->items);
	free(box);
}

static void parcel_cleanup(parcel **box)
{
	parcel_free(*box);
}

static parcel *parcel_new(void)
{
	parcel *box = calloc(1, sizeof *box);
	if (box != NULL)
		list_init(&box->items);
	return box;
}

static void queue_init(queue *q)
{
	*q = (queue){ .last = &q->first };
}

static void submit(pnr_ingest *ingest, queue *q, parcel *box, void (*run)(pnr_job *))
{
	box->job.run = run;
	box->next = NULL;
	*q->last = box;
	q->last = &box->next;
	q->count += box->items.count;
	q->bytes += box->items.bytes;
	pnr_pool_submit(ingest->pool, &box->job);
}

/* Take the oldest parcel when its job is done, whatever came of that. */
static pnr_status collect(pnr_ingest *ingest, queue *q, parcel **out_box, pnr_error *err)
{
	parcel *box = q->first;
	q->first = box->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->count -= box->items.count;
	q->bytes -= box->items.bytes;
	*out_box = box;
	return pnr_pool_wait(ingest->pool, &box->job, err);
}

static item *item_new(const pnr_ingest *ingest, pnr_ingested *out)
{
	item *it = calloc(1, sizeof *it);
	if (it == NULL)
		return NULL;
	it->out = out;
	it->fd = -1;
	it->coders = ingest->coders;
	return it;
}

pnr_status pnr_ingest_new(pnr_store *store, const pnr_ingest_options *options, pnr_ingest **out_ingest,
                          pnr_error *err)
{
	pnr_ingest *ingest = calloc(1, sizeof *ingest);
	if (ingest == NULL)
		return pnr_fail_nomem(err);
	ingest->store = store;
	ingest->options = *options;
	queue_init(&ingest->reading);
	queue_init(&ingest->encoding);
	list_init(&ingest->pending);
	pnr_status status = pnr_store_pool(store, &ingest->pool, err);
	if (status == PNR_OK)
		status = pnr_coders_new(options->level, &ingest->coders, err);
	if (status != PNR_OK) {
		free(ingest);
		return status;
	}
	*out_ingest = ingest;
	return PNR_OK;
}

pnr_ingest_counts pnr_ingest_count(const pnr_ingest *ingest)
{
	return ingest->counts;
}

void pnr_ingest_free(pnr_ingest *ingest)
{
	if (ingest == NULL)
		return;
	pnr_index_release(ingest->store->index);
	queue *submitted[] = { &ingest->reading, &ingest->encoding };
	for (size_t i = 0; i < PNR_COUNT(submitted); i++)
		while (submitted[i]->first != NULL) {
			PNR_CLEANUP(parcel_cleanup) parcel *box = NULL;
			pnr_ignore(collect(ingest, submitted[i], &box, NULL));
		}
	parcel_free(ingest->open);
	list_free(&ingest->pending);
	pnr_coders_free(ingest->coders);
	free(ingest);
}

/* ------------------------------------------------------------- what is known -- */

/* Fill @out from the index if the blob and a usable encoding of it are there; else PNR_NOT_FOUND. */
static pnr_status find_encoding(pnr_ingest *ingest, const pnr_blob_row *blob, pnr_ingested *out, pnr_error *err)
{
	pnr_status status =
		pnr_index_encoding_find(ingest->store->index, blob->id, pnr_encoder_name(), ingest->options.level,
	                                ingest->options.any_encoding, &out->encoding_id, err);
	if (status == PNR_OK)
		out->blob = *blob;
	return status;
}

/* One state of the index answers for many; it is let go before work begins. */
static pnr_status find_content(pnr_ingest *ingest, const pnr_digest *hash, pnr_ingested *out, pnr_error *err)
{
	pnr_blob_row blob;
	pnr_status status = pnr_index_hold(ingest->store->index, err);
	if (status == PNR_OK)
		status = pnr_index_blob_find(ingest->store->index, hash, &blob, err);
	return status == PNR_OK ? find_encoding(ingest, &blob, out, err) : status;
}

static pnr_status find_state(pnr_ingest *ingest, const struct stat *st, pnr_ingested *out, pnr_error *err)
{
	pnr_index *index = ingest->store->index;
	if (ingest->options.rehash)
		return PNR_NOT_FOUND;
	pnr_file_state state = pnr_file_state_of(st);
	pnr_blob_row blob;
	pnr_status status = pnr_index_hold(index, err);
	if (status == PNR_OK)
		status = pnr_index_source_find(index, &state, &blob, err);
	return status == PNR_OK ? find_encoding(ingest, &blob, out, err) : status;
}

/* --------------------------------------------------------------- rows, batches -- */

/* The content is known, its rows are not written yet: the caller may use hash and size from now on. */
static void announce(item *it)
{
	it->out->blob.hash = it->content.hash;
	it->out->blob.size = it->content.size;
	it->out->blob.crc32 = it->content.crc32;
	it->out->settled = it->settled;
}

static void keep(pnr_ingest *ingest, item *it)
{
	push(&ingest->pending, it, it->encoded.length);
}

/* The encoding of these bytes that is there. What others made and we make, too, is ours from then on. */
static pnr_status take_same(pnr_index *index, item *it, const pnr_encoding_row *row, pnr_error *err)
{
	int64_t id = 0;
	pnr_status status = pnr_index_encoding_same(index, row, false, &id, err);
	if (status == PNR_OK)
		status = pnr_index_restore_encoding(index, row, err);
	if (status == PNR_OK && !it->received)
		status = pnr_index_encoding_claim(index, id, row, err);
	if (status == PNR_OK)
		it->out->encoding_id = id;
	return status;
}

static pnr_status put_encoding(pnr_ingest *ingest, const pnr_blob_row *blob, bool is_new, item *it, pnr_error *err)
{
	pnr_index *index = ingest->store->index;
	char received[RECEIVED_SIZE], hex[PNR_DIGEST_HEX_SIZE];
	pnr_encoding_row row = {
		.blob_id = blob->id,
		.form = pnr_form_name(it->encoding.form),
		.encoder = pnr_encoder_name(),
		.level = ingest->options.level,
		.stored_hash = it->encoding.stored_hash,
		.stored_size = it->encoding.stored_size,
		.data = it->encoded.data,
	};
	pnr_status status = is_new ? PNR_NOT_FOUND : take_same(index, it, &row, err);
	if (status != PNR_NOT_FOUND)
		return status;
	if (it->received) {
		/* Of one content others may send several, each as good. */
		(void)snprintf(received, sizeof received, PNR_ENCODER_RECEIVED "%.16s",
		               pnr_digest_to_hex(&row.stored_hash, hex));
		row.encoder = received;
	}
	status = pnr_index_encoding_put(index, &row, err);
	if (status == PNR_OK)
		it->out->encoding_id = row.id;
	return status;
}

static pnr_status write_rows(pnr_ingest *ingest, item *it, pnr_error *err)
{
	pnr_index *index = ingest->store->index;
	pnr_status status = PNR_OK;
	if (!it->known) {
		pnr_blob_row blob = { .hash = it->content.hash, .size = it->content.size, .crc32 = it->content.crc32 };
		status = pnr_index_blob_put(index, &blob, err);
		if (status != PNR_OK)
			return status;
		status = put_encoding(ingest, &blob, pnr_index_changed(index), it, err);
		if (status != PNR_OK)
			return status;
		it->out->blob = blob;
	}
	if (it->settled) {
		pnr_file_state state = pnr_file_state_of(&it->file.st);
		status = pnr_index_source_put(index, &state, it->out->blob.id, err);
	}
	return status;
}

pnr_status pnr_ingest_rows(pnr_ingest *ingest, pnr_error *err)
{
	while (ingest->pending.first != NULL) {
		PNR_CLEANUP(item_cleanup) item *it = pop(&ingest->pending);
		pnr_status status = write_rows(ingest, it, err);
		if (status != PNR_OK)
			return status;
	}
	ingest->pending.bytes = 0;
	return PNR_OK;
}

static pnr_status rows_work(void *user, pnr_error *err)
{
	return pnr_ingest_rows(user, err);
}

pnr_status pnr_ingest_commit(pnr_ingest *ingest, pnr_error *err)
{
	pnr_status status = pnr_ingest_settle(ingest, err);
	return status == PNR_OK ? pnr_store_transaction(ingest->store, rows_work, ingest, err) : status;
}

static pnr_status flush_if_large(pnr_ingest *ingest, pnr_error *err)
{
	if (ingest->pending.count < PENDING_COUNT && ingest->pending.bytes < PENDING_BYTES)
		return PNR_OK;
	pnr_status status = pnr_blobs_commit(ingest->store->blobs, err);
	return status == PNR_OK ? pnr_store_transaction(ingest->store, rows_work, ingest, err) : status;
}

static const char *suffix_of(pnr_form form)
{
	return form == PNR_FORM_GZIP ? "gz" : "raw";
}

static pnr_object_name object_name(const item *it)
{
	return (pnr_object_name){
		.hash = it->content.hash,
		.stored_hash = it->encoding.stored_hash,
		.suffix = suffix_of(it->encoding.form),
	};
}

pnr_object_name pnr_encoding_object(const pnr_blob_row *blob, const pnr_encoding_row *row)
{
	pnr_form form = PNR_FORM_STORED;
	(void)pnr_form_parse(row->form, &form);
	return (pnr_object_name){
		.hash = blob->hash,
		.stored_hash = row->stored_hash,
		.suffix = suffix_of(form),
	};
}

static void object_cleanup(pnr_object **object)
{
	pnr_object_discard(*object);
}

/* An encoding that is too large for the database becomes an object. */
static pnr_status place_encoded(pnr_ingest *ingest, item *it, pnr_error *err)
{
	if (it->encoded.length <= PNR_INLINE_MAX) {
		/* Never NULL, also for empty content: NULL says that the bytes are in a file. */
		pnr_buffer_append(&it->encoded, "", 0);
		return pnr_buffer_status(&it->encoded, err);
	}
	PNR_CLEANUP(object_cleanup) pnr_object *object = NULL;
	pnr_status status = pnr_object_new(ingest->store->blobs, &object, err);
	if (status == PNR_OK)
		status = pnr_file_write(pnr_object_fd(object), it->encoded.data, it->encoded.length,
		                        pnr_object_temp_name(object), err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_free(&it->encoded);
	pnr_object_name name = object_name(it);
	return pnr_object_finish(PNR_STEAL(object), &name, err);
}

/* ----------------------------------------------------------------- small files -- */

/* Is the file still what it was when it was found? */
static pnr_status check_same(int fd, const pnr_ingest_file *file, uint64_t bytes_read, pnr_error *err)
{
	struct stat now;
	pnr_status status = pnr_file_stat(fd, &now, file->name, err);
	if (status != PNR_OK)
		return status;
	pnr_file_state a = pnr_file_state_of(&file->st);
	pnr_file_state b = pnr_file_state_of(&now);
	if (memcmp(&a, &b, sizeof a) != 0 || bytes_read != a.size)
		return pnr_fail(err, PNR_RETRY, "'%s' changed while it was read; pack again", file->name);
	return PNR_OK;
}

static pnr_status read_item(item *it, pnr_error *err)
{
	size_t want = (size_t)it->file.st.st_size;
	/* One byte more than expected: a file that grew is noticed. */
	it->data = malloc(want + 1);
	if (it->data == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_read(it->fd, it->data, want + 1, &it->length, it->file.name, err);
	if (status == PNR_OK)
		status = check_same(it->fd, &it->file, it->length, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(it->data, it->length, &it->content.hash, &it->content.crc32, err);
	it->content.size = it->length;
	pnr_cleanup_close(&it->fd);
	return status;
}

static pnr_status encode_item(item *it, pnr_error *err)
{
	pnr_status status = pnr_encode_memory(it->coders, it->data, it->length, it->content.crc32, &it->encoded,
	                                      &it->encoding, err);
	free(it->data);
	it->data = NULL;
	if (status != PNR_OK)
		pnr_context(err, "storing '%s'", it->file.name);
	return status;
}

static void for_each(pnr_job *job, pnr_status (*work)(item *, pnr_error *))
{
	const parcel *box = (const parcel *)(const void *)job;
	for (item *it = box->items.first; it != NULL && job->status == PNR_OK; it = it->next)
		job->status = work(it, &job->error);
}

static void read_job(pnr_job *job)
{
	for_each(job, read_item);
}

static void encode_job(pnr_job *job)
{
	for_each(job, encode_item);
}

static pnr_status collect_encoded(pnr_ingest *ingest, pnr_error *err)
{
	PNR_CLEANUP(parcel_cleanup) parcel *box = NULL;
	pnr_status status = collect(ingest, &ingest->encoding, &box, err);
	while (status == PNR_OK && box->items.first != NULL) {
		PNR_CLEANUP(item_cleanup) item *it = pop(&box->items);
		status = place_encoded(ingest, it, err);
		if (status == PNR_OK)
			keep(ingest, PNR_STEAL(it));
		else
			pnr_context(err, "storing '%s'", it->file.name);
	}
	return status;
}

/* The oldest files that are being read are hashed. What the index does not know of them stays in the parcel. */
static pnr_status sort_out(pnr_ingest *ingest, parcel *box, pnr_error *err)
{
	list all = box->items;
	pnr_status status = PNR_OK;
	list_init(&box->items);
	while (status == PNR_OK && all.first != NULL) {
		item *it = pop(&all);
		announce(it);
		ingest->counts.hashed++;
		ingest->counts.bytes_read += it->length;
		status = find_content(ingest, &it->content.hash, it->out, err);
		if (status == PNR_OK) {
			it->known = true;
			free(it->data);
			it->data = NULL;
			keep(ingest, it);
		} else {
			push(&box->items, it, it->length);
			ingest->counts.bytes_compressed += it->length;
			status = status == PNR_NOT_FOUND ? PNR_OK : status;
		}
	}
	list_free(&all);
	return status;
}

static pnr_status collect_read(pnr_ingest *ingest, pnr_error *err)
{
	PNR_CLEANUP(parcel_cleanup) parcel *box = NULL;
	pnr_status status = collect(ingest, &ingest->reading, &box, err);
	if (status == PNR_OK)
		status = sort_out(ingest, box, err);
	if (status == PNR_OK && box->items.count > 0)
		submit(ingest, &ingest->encoding, PNR_STEAL(box), encode_job);
	return status;
}

static bool full(const queue *q)
{
	return q->count > FLIGHT_COUNT || q->bytes > FLIGHT_BYTES;
}

static void submit_open(pnr_ingest *ingest)
{
	if (ingest->open != NULL)
		submit(ingest, &ingest->reading, PNR_STEAL(ingest->open), read_job);
}

/* Take results until the queues are within bounds, or (@all) empty. */
static pnr_status advance(pnr_ingest *ingest, bool all, pnr_error *err)
{
	pnr_status status = PNR_OK;
	if (all)
		submit_open(ingest);
	while (status == PNR_OK && (all ? ingest->reading.first != NULL : full(&ingest->reading))) {
		status = collect_read(ingest, err);
		while (status == PNR_OK && full(&ingest->encoding))
			status = collect_encoded(ingest, err);
	}
	while (status == PNR_OK && all && ingest->encoding.first != NULL)
		status = collect_encoded(ingest, err);
	return status;
}

static pnr_status add_small(pnr_ingest *ingest, item *it, pnr_error *err)
{
	PNR_CLEANUP(item_cleanup) item *own = it;
	if (ingest->open == NULL)
		ingest->open = parcel_new();
	if (ingest->open == NULL)
		return pnr_fail_nomem(err);
	list *items = &ingest->open->items;
	push(items, PNR_STEAL(own), (size_t)it->file.st.st_size);
	if (items->count < PARCEL_COUNT && items->bytes < PARCEL_BYTES)
		return PNR_OK;
	submit_open(ingest);
	return advance(ingest, false, err);
}

/* ----------------------------------------------------------------- large files -- */

static pnr_status encode_source(pnr_ingest *ingest, item *it, const pnr_source *source, pnr_error *err)
{
	PNR_CLEANUP(object_cleanup) pnr_object *object = NULL;
	pnr_status status = pnr_object_new(ingest->store->blobs, &object, err);
	if (status == PNR_OK)
		status = pnr_encode_stream(it->coders, source, pnr_object_fd(object), pnr_object_temp_name(object),
		                           ingest->pool, it->fd >= 0 ? ingest->options.meter : NULL, it->file.name, &it->content,
		                           &it->encoding, err);
	if (status == PNR_OK && it->fd >= 0)
		status = check_same(it->fd, &it->file, it->content.size, err);
	if (status != PNR_OK)
		return status;
	ingest->counts.bytes_read += it->content.size;
	ingest->counts.bytes_compressed += it->content.size;
	pnr_object_name name = object_name(it);
	return pnr_object_finish(PNR_STEAL(object), &name, err);
}

static pnr_status hash_only(pnr_ingest *ingest, item *it, pnr_error *err)
{
	pnr_content *content = &it->content;
	pnr_status status = pnr_hash_file(it->fd, it->file.name, ingest->options.meter, &content->hash,
	                                  &content->crc32, &content->size, err);
	if (status == PNR_OK)
		status = check_same(it->fd, &it->file, content->size, err);
	if (status == PNR_OK)
		ingest->counts.bytes_read += content->size;
	return status;
}

/* A blob of this very size is known: is it this one? PNR_NOT_FOUND if not. */
static pnr_status recognise(pnr_ingest *ingest, item *it, pnr_error *err)
{
	bool likely = false;
	pnr_status status = pnr_index_blob_size_known(ingest->store->index, (uint64_t)it->file.st.st_size, &likely,
	                                              err);
	if (status != PNR_OK)
		return status;
	if (!likely)
		return PNR_NOT_FOUND;
	status = hash_only(ingest, it, err);
	if (status == PNR_OK)
		status = find_content(ingest, &it->content.hash, it->out, err);
	it->known = status == PNR_OK;
	return status;
}

static pnr_status add_large(pnr_ingest *ingest, item *it, pnr_error *err)
{
	pnr_index_release(ingest->store->index);
	pnr_status status = recognise(ingest, it, err);
	if (status == PNR_NOT_FOUND) {
		pnr_file_range range = { .fd = it->fd, .length = UINT64_MAX, .name = it->file.name };
		pnr_source source = pnr_file_range_source(&range);
		status = encode_source(ingest, it, &source, err);
	}
	ingest->counts.hashed += status == PNR_OK;
	return status;
}

/* ---------------------------------------------------------------------- adding -- */

static pnr_status open_item(item *it, pnr_error *err)
{
	pnr_status status = it->file.open(it->file.context, &it->fd, err);
	if (status == PNR_OK)
		it->settled = pnr_file_settled(it->fd, &it->file.st);
	return status;
}

pnr_status pnr_ingest_add(pnr_ingest *ingest, const pnr_ingest_file *file, pnr_ingested *out_item, pnr_error *err)
{
	pnr_status status = find_state(ingest, &file->st, out_item, err);
	if (status == PNR_OK) {
		out_item->reused = out_item->settled = true;
		ingest->counts.reused++;
		return pnr_meter_add(ingest->options.meter, file->name, (uint64_t)file->st.st_size, err);
	}
	if (status != PNR_NOT_FOUND)
		return status;
	PNR_CLEANUP(item_cleanup) item *it = item_new(ingest, out_item);
	if (it == NULL)
		return pnr_fail_nomem(err);
	it->file = *file;
	status = open_item(it, err);
	if (status != PNR_OK)
		return status;
	uint64_t size = (uint64_t)file->st.st_size;
	if (size > PNR_BLOCK_SIZE) {
		status = add_large(ingest, it, err);
		if (status != PNR_OK) {
			pnr_context(err, "storing '%s'", file->name);
			return status;
		}
		announce(it);
		pnr_cleanup_close(&it->fd);
		keep(ingest, PNR_STEAL(it));
	} else {
		status = add_small(ingest, PNR_STEAL(it), err);
		if (status == PNR_OK)
			status = pnr_meter_add(ingest->options.meter, file->name, size, err);
	}
	return status == PNR_OK ? flush_if_large(ingest, err) : status;
}

pnr_status pnr_ingest_add_text(pnr_ingest *ingest, const void *data, size_t length, const char *name,
                               pnr_ingested *out_item, pnr_error *err)
{
	PNR_CLEANUP(item_cleanup) item *it = item_new(ingest, out_item);
	if (it == NULL)
		return pnr_fail_nomem(err);
	it->file.name = name;
	it->content.size = length;
	pnr_status status = pnr_hash_memory(data, length, &it->content.hash, &it->content.crc32, err);
	if (status != PNR_OK)
		return status;
	announce(it);
	status = find_content(ingest, &it->content.hash, out_item, err);
	if (status != PNR_NOT_FOUND)
		return status;
	if (length > PNR_BLOCK_SIZE) {
		pnr_memory_range range = { data, length };
		pnr_source source = pnr_memory_source(&range);
		status = encode_source(ingest, it, &source, err);
	} else {
		ingest->counts.bytes_compressed += length;
		status = pnr_encode_memory(it->coders, data, length, it->content.crc32, &it->encoded, &it->encoding,
		                           err);
		if (status == PNR_OK)
			status = place_encoded(ingest, it, err);
	}
	if (status != PNR_OK) {
		pnr_context(err, "storing '%s'", name);
		return status;
	}
	keep(ingest, PNR_STEAL(it));
	return PNR_OK;
}

pnr_status pnr_ingest_add_body(pnr_ingest *ingest, const pnr_received *what, pnr_ingested *out_item, pnr_error *err)
{
	PNR_CLEANUP(item_cleanup) item *it = item_new(ingest, out_item);
	if (it == NULL)
		return pnr_fail_nomem(err);
	it->file.name = what->name;
	it->received = true;
	pnr_index_release(ingest->store->index);
	pnr_status status = pnr_receive_body(ingest->store, what, &it->content, &it->encoding, &it->encoded, err);
	if (status != PNR_OK) {
		pnr_context(err, "'%s'", what->name);
		return status;
	}
	announce(it);
	ingest->counts.bytes_read += what->body_size;
	keep(ingest, PNR_STEAL(it));
	return flush_if_large(ingest, err);
}

pnr_status pnr_ingest_settle(pnr_ingest *ingest, pnr_error *err)
{
	pnr_index_release(ingest->store->index);
	pnr_status status = advance(ingest, true, err);
	return status == PNR_OK ? pnr_blobs_commit(ingest->store->blobs, err) : status;
}
