/*
 * Taking files in.
 *
 * A small file (one block at most) is read and hashed by a thread; the caller's
 * thread then asks the index whether its content is known, and only if not a
 * thread compresses it. Two queues in order of arrival, bounded by the bytes in
 * flight, keep the threads busy meanwhile. A large file is handed to the
 * encoder, which spreads its blocks over the same threads; if any blob of its
 * size is known it is hashed first, since it is then likely to be that one.
 */
#include "base/file.h"
#include "codec/hash.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

/* Content in flight, and what waits for its rows: bounds of memory. */
#define FLIGHT_BYTES ((size_t)16 << 20)
#define FLIGHT_COUNT 256u
#define PENDING_BYTES ((size_t)16 << 20)
#define PENDING_COUNT 10000u

typedef struct item {
	pnr_job job;
	pnr_ingest *ingest;
	pnr_ingest_file file;
	pnr_ingested *out;
	int fd;
	bool settled; /* the state may be remembered */
	bool known;   /* blob and encoding are in the index: only the state is new */
	unsigned level;
	char *data;
	size_t length;
	pnr_content content;
	pnr_encoding encoding;
	pnr_buffer encoded; /* bytes kept in the database; empty for an object */
	struct item *next;
} item;

typedef struct queue {
	item *first, **last;
	size_t count, bytes;
} queue;

struct pnr_ingest {
	pnr_store *store;
	pnr_pool *pool;
	pnr_ingest_options options;
	pnr_ingest_counts counts;
	queue reading, encoding; /* submitted, not waited for */
	queue pending;           /* waiting for their rows */
};

static void queue_init(queue *q)
{
	*q = (queue){ .last = &q->first };
}

static void push(queue *q, item *it, size_t bytes)
{
	it->next = NULL;
	*q->last = it;
	q->last = &it->next;
	q->count++;
	q->bytes += bytes;
}

static item *pop(queue *q, size_t bytes)
{
	item *it = q->first;
	q->first = it->next;
	if (q->first == NULL)
		q->last = &q->first;
	q->count--;
	q->bytes -= bytes;
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

static item *item_new(pnr_ingest *ingest, pnr_ingested *out)
{
	item *it = calloc(1, sizeof *it);
	if (it == NULL)
		return NULL;
	it->ingest = ingest;
	it->out = out;
	it->fd = -1;
	it->level = ingest->options.level;
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
	queue_init(&ingest->pending);
	pnr_status status = pnr_store_pool(store, &ingest->pool, err);
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
			item *it = pop(submitted[i], 0);
			pnr_ignore(pnr_pool_wait(ingest->pool, &it->job, NULL));
			item_free(it);
		}
	while (ingest->pending.first != NULL)
		item_free(pop(&ingest->pending, 0));
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

static pnr_status find_content(pnr_ingest *ingest, const pnr_digest *hash, pnr_ingested *out, pnr_error *err)
{
	pnr_blob_row blob;
	pnr_status status = pnr_index_blob_find(ingest->store->index, hash, &blob, err);
	return status == PNR_OK ? find_encoding(ingest, &blob, out, err) : status;
}

/* While file after file is known, one state of the index answers for all of them; it is let go before work begins. */
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
	if (status == PNR_OK)
		status = find_encoding(ingest, &blob, out, err);
	if (status != PNR_OK)
		pnr_index_release(index);
	return status;
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

static pnr_status write_rows(pnr_ingest *ingest, item *it, pnr_error *err)
{
	pnr_index *index = ingest->store->index;
	pnr_status status = PNR_OK;
	if (!it->known) {
		pnr_blob_row blob = { .hash = it->content.hash, .size = it->content.size, .crc32 = it->content.crc32 };
		status = pnr_index_blob_put(index, &blob, err);
		if (status != PNR_OK)
			return status;
		pnr_encoding_row row = {
			.blob_id = blob.id,
			.form = pnr_form_name(it->encoding.form),
			.encoder = pnr_encoder_name(),
			.level = it->level,
			.stored_hash = it->encoding.stored_hash,
			.stored_size = it->encoding.stored_size,
			.data = it->encoded.data,
		};
		status = pnr_index_encoding_put(index, &row, err);
		if (status != PNR_OK)
			return status;
		it->out->blob = blob;
		it->out->encoding_id = row.id;
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
		PNR_CLEANUP(item_cleanup) item *it = pop(&ingest->pending, ingest->pending.first->encoded.length);
		pnr_status status = write_rows(ingest, it, err);
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

static pnr_status rows_work(void *user, pnr_error *err)
{
	return pnr_ingest_rows(user, err);
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

static void read_job(pnr_job *job)
{
	item *it = (item *)(void *)job;
	size_t want = (size_t)it->file.st.st_size;
	/* One byte more than expected: a file that grew is noticed. */
	it->data = malloc(want + 1);
	if (it->data == NULL) {
		job->status = pnr_fail_nomem(&job->error);
		return;
	}
	job->status = pnr_file_read(it->fd, it->data, want + 1, &it->length, it->file.name, &job->error);
	if (job->status == PNR_OK)
		job->status = check_same(it->fd, &it->file, it->length, &job->error);
	if (job->status == PNR_OK)
		job->status = pnr_hash_memory(it->data, it->length, &it->content.hash, &it->content.crc32,
		                              &job->error);
	it->content.size = it->length;
	pnr_cleanup_close(&it->fd);
}

static void encode_job(pnr_job *job)
{
	item *it = (item *)(void *)job;
	job->status = pnr_encode_memory(it->data, it->length, it->content.crc32, it->level, &it->encoded,
	                                &it->encoding, &job->error);
	free(it->data);
	it->data = NULL;
}

static pnr_status collect_encoded(pnr_ingest *ingest, pnr_error *err)
{
	PNR_CLEANUP(item_cleanup) item *it = pop(&ingest->encoding, ingest->encoding.first->length);
	pnr_status status = pnr_pool_wait(ingest->pool, &it->job, err);
	if (status == PNR_OK)
		status = place_encoded(ingest, it, err);
	if (status != PNR_OK) {
		pnr_context(err, "storing '%s'", it->file.name);
		return status;
	}
	keep(ingest, PNR_STEAL(it));
	return PNR_OK;
}

/* The oldest file that is being read is hashed: is its content known? */
static pnr_status collect_read(pnr_ingest *ingest, pnr_error *err)
{
	PNR_CLEANUP(item_cleanup) item *it =
		pop(&ingest->reading, (size_t)ingest->reading.first->file.st.st_size);
	pnr_status status = pnr_pool_wait(ingest->pool, &it->job, err);
	if (status != PNR_OK)
		return status;
	announce(it);
	ingest->counts.hashed++;
	ingest->counts.bytes_read += it->length;
	status = find_content(ingest, &it->content.hash, it->out, err);
	if (status == PNR_OK) {
		it->known = true;
		keep(ingest, PNR_STEAL(it));
	} else if (status == PNR_NOT_FOUND) {
		ingest->counts.bytes_compressed += it->length;
		it->job.run = encode_job;
		push(&ingest->encoding, it, it->length);
		pnr_pool_submit(ingest->pool, &it->job);
		it = NULL;
	} else {
		return status;
	}
	return PNR_OK;
}

static bool full(const queue *q)
{
	return q->count > FLIGHT_COUNT || q->bytes > FLIGHT_BYTES;
}

/* Take results until the queues are within bounds, or (@all) empty. */
static pnr_status advance(pnr_ingest *ingest, bool all, pnr_error *err)
{
	pnr_status status = PNR_OK;
	while (status == PNR_OK && (all ? ingest->reading.count > 0 : full(&ingest->reading))) {
		status = collect_read(ingest, err);
		while (status == PNR_OK && full(&ingest->encoding))
			status = collect_encoded(ingest, err);
	}
	while (status == PNR_OK && all && ingest->encoding.count > 0)
		status = collect_encoded(ingest, err);
	return status;
}

/* ----------------------------------------------------------------- large files -- */

static pnr_status encode_source(pnr_ingest *ingest, item *it, const pnr_source *source, pnr_error *err)
{
	PNR_CLEANUP(object_cleanup) pnr_object *object = NULL;
	pnr_status status = pnr_object_new(ingest->store->blobs, &object, err);
	if (status == PNR_OK)
		status = pnr_encode_stream(source, pnr_object_fd(object), pnr_object_temp_name(object), it->level,
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
		it->job.run = read_job;
		push(&ingest->reading, it, (size_t)size);
		pnr_pool_submit(ingest->pool, &it->job);
		it = NULL;
		status = pnr_meter_add(ingest->options.meter, file->name, size, err);
		if (status == PNR_OK)
			status = advance(ingest, false, err);
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
		status = pnr_encode_memory(data, length, it->content.crc32, it->level, &it->encoded, &it->encoding,
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

pnr_status pnr_ingest_settle(pnr_ingest *ingest, pnr_error *err)
{
	pnr_index_release(ingest->store->index);
	pnr_status status = advance(ingest, true, err);
	return status == PNR_OK ? pnr_blobs_commit(ingest->store->blobs, err) : status;
}
