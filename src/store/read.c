/* Giving back: the content of a blob, and the body of an encoding for a zip. */
#include "base/file.h"
#include "codec/hash.h"
#include "index/evict.h"
#include "store/internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_SIZE ((size_t)PNR_MIB)

struct pnr_body {
	pnr_encoding encoding;
	pnr_buffer arena; /* holds the bytes if they are kept in the database */
	const char *data;
	int fd; /* of the object otherwise; -1 */
	char path[PNR_OBJECT_PATH_SIZE];
	pnr_hash *hash;
	uint64_t given; /* bytes of the body */
};

static void body_cleanup(pnr_body **body)
{
	pnr_body_close(*body);
}

void pnr_body_close(pnr_body *body)
{
	if (body == NULL)
		return;
	pnr_hash_free(body->hash);
	pnr_cleanup_close(&body->fd);
	pnr_buffer_free(&body->arena);
	free(body);
}

static pnr_status corrupt(const pnr_body *body, pnr_error *err)
{
	return pnr_fail(err, PNR_CORRUPT,
	                "stored object %s is damaged: its bytes differ from their hash", body->path);
}

/* Bytes of the encoding as kept, from @offset on. */
static pnr_status fetch(const pnr_body *body, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	if (body->data != NULL) {
		memcpy(buffer, body->data + offset, length);
		return PNR_OK;
	}
	size_t got = 0;
	pnr_status status = pnr_file_pread(body->fd, buffer, length, offset, &got, body->path, err);
	return status == PNR_OK && got < length ? corrupt(body, err) : status;
}

/* The same, hashed: each byte once, in order. */
static pnr_status take(pnr_body *body, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	pnr_status status = fetch(body, offset, buffer, length, err);
	return status == PNR_OK ? pnr_hash_update(body->hash, buffer, length, err) : status;
}

static pnr_status take_range(pnr_body *body, uint64_t from, uint64_t to, pnr_error *err)
{
	char buffer[4096];
	pnr_status status = PNR_OK;
	while (status == PNR_OK && from < to) {
		size_t step = to - from < sizeof buffer ? (size_t)(to - from) : sizeof buffer;
		status = take(body, from, buffer, step, err);
		from += step;
	}
	return status;
}

static pnr_status open_bytes(pnr_store *store, pnr_body *body, const pnr_blob_row *blob,
                             const pnr_encoding_row *row, pnr_error *err)
{
	if (row->data != NULL) {
		char hash[PNR_DIGEST_HEX_SIZE];
		(void)snprintf(body->path, sizeof body->path, "%.16s in the database",
		               pnr_digest_to_hex(&blob->hash, hash));
		body->data = row->data;
		return PNR_OK;
	}
	pnr_object_name name = pnr_encoding_object(blob, row);
	pnr_object_path(&name, body->path);
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_blobs_open_object(store->blobs, &name, &body->fd, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "stored object %s is missing", body->path);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	struct stat st;
	status = pnr_file_stat(body->fd, &st, body->path, err);
	if (status == PNR_OK && (uint64_t)st.st_size != row->stored_size)
		status = pnr_fail(err, PNR_CORRUPT,
		                  "stored object %s is damaged: it has %lld bytes instead of %llu", body->path,
		                  (long long)st.st_size, (unsigned long long)row->stored_size);
	return status;
}

static pnr_status open_body(pnr_store *store, const pnr_blob_row *blob, pnr_body *body,
                            const pnr_encoding_row *row, pnr_error *err)
{
	body->encoding.stored_size = row->stored_size;
	body->encoding.stored_hash = row->stored_hash;
	if (!pnr_form_parse(row->form, &body->encoding.form) ||
	    !pnr_encoding_locate(&body->encoding, blob->size)) {
		char hash[PNR_DIGEST_HEX_SIZE];
		return pnr_fail(err, PNR_CORRUPT, "the index describes an impossible encoding of blob %s",
		                pnr_digest_to_hex(&blob->hash, hash));
	}
	pnr_status status = pnr_hash_new(&body->hash, err);
	if (status == PNR_OK)
		status = open_bytes(store, body, blob, row, err);
	if (status == PNR_OK)
		status = take_range(body, 0, body->encoding.body_offset, err);
	return status;
}

/* There is no encoding of the blob, or not the one that was asked for. */
static pnr_status no_encoding(pnr_store *store, const pnr_blob_row *blob, bool evicted, pnr_error *err)
{
	char hash[PNR_DIGEST_HEX_SIZE];
	pnr_digest_to_hex(&blob->hash, hash);
	pnr_status status = evicted ? PNR_OK : pnr_index_blob_evicted(store->index, blob->id, &evicted, err);
	if (status != PNR_OK)
		return status;
	if (evicted)
		return pnr_fail(err, PNR_NOT_FOUND, "content %s was evicted to make room; pull or pack its package again", hash);
	return pnr_fail(err, PNR_CORRUPT, "the index has no encoding of blob %s", hash);
}

pnr_status pnr_body_open(pnr_store *store, const pnr_blob_row *blob, int64_t encoding_id, pnr_body **out_body,
                         pnr_error *err)
{
	PNR_CLEANUP(body_cleanup) pnr_body *body = calloc(1, sizeof *body);
	if (body == NULL)
		return pnr_fail_nomem(err);
	body->fd = -1;
	pnr_encoding_row row;
	pnr_status status = PNR_OK;
	if (encoding_id == 0)
		status = pnr_index_encoding_find(store->index, blob->id, "", 0, true, &encoding_id, err);
	if (status == PNR_OK)
		status = pnr_index_encoding_get(store->index, encoding_id, &body->arena, &row, err);
	if (status == PNR_NOT_FOUND || (status == PNR_OK && row.evicted))
		return no_encoding(store, blob, status == PNR_OK, err);
	if (status == PNR_OK)
		status = open_body(store, blob, body, &row, err);
	if (status == PNR_OK)
		*out_body = PNR_STEAL(body);
	return status;
}

uint64_t pnr_body_size(const pnr_body *body)
{
	return body->encoding.body_size;
}

pnr_status pnr_body_clone(const pnr_body *body, int fd, uint64_t offset, uint64_t *out_length, pnr_error *err)
{
	uint64_t whole = body->encoding.body_size - body->encoding.body_size % PNR_BODY_ALIGN;
	if (body->data != NULL || whole == 0 || body->encoding.body_offset % PNR_BODY_ALIGN != 0)
		return pnr_fail(err, PNR_UNSUPPORTED, "stored object %s has no whole block", body->path);
	pnr_status status = pnr_file_clone(body->fd, body->encoding.body_offset, whole, fd, offset, body->path, err);
	if (status == PNR_OK)
		*out_length = whole;
	return status;
}

bool pnr_body_deflated(const pnr_body *body)
{
	return body->encoding.form != PNR_FORM_STORED;
}

/* All was given: does the whole encoding hash as it should? */
static pnr_status check_end(pnr_body *body, pnr_error *err)
{
	pnr_digest hash;
	pnr_status status =
		take_range(body, body->encoding.body_offset + body->encoding.body_size, body->encoding.stored_size, err);
	if (status == PNR_OK)
		status = pnr_hash_finish(body->hash, &hash, NULL, NULL, err);
	if (status == PNR_OK && !pnr_digest_equal(&hash, &body->encoding.stored_hash))
		status = corrupt(body, err);
	return status;
}

static pnr_status body_read(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	pnr_body *body = context;
	uint64_t left = body->encoding.body_size - body->given;
	size_t step = left < capacity ? (size_t)left : capacity;
	pnr_status status = PNR_OK;
	if (step > 0) {
		status = take(body, body->encoding.body_offset + body->given, buffer, step, err);
		body->given += step;
		if (status == PNR_OK && body->given == body->encoding.body_size)
			status = check_end(body, err);
		/* Nothing is left to be read: many bodies may wait for their turn, descriptors are few. */
		if (status == PNR_OK && body->given == body->encoding.body_size)
			pnr_cleanup_close(&body->fd);
	}
	if (status == PNR_OK)
		*out_length = step;
	return status;
}

pnr_source pnr_body_source(pnr_body *body)
{
	return (pnr_source){ .read = body_read, .context = body };
}

/* A piece of a body, read by a thread while the one before it is written. */
typedef struct piece {
	pnr_job job;
	pnr_pool *pool;
	const pnr_body *body;
	uint64_t offset; /* in the encoding */
	char *data;
	size_t length;
	bool running;
} piece;

static void read_piece(pnr_job *job)
{
	const piece *p = (const piece *)(void *)((char *)job - offsetof(piece, job));
	job->status = fetch(p->body, p->offset, p->data, p->length, &job->error);
}

/* The next one is that at @offset, with @left bytes from there on. */
static pnr_status piece_place(piece *p, uint64_t offset, uint64_t left, pnr_error *err)
{
	p->offset = offset;
	p->length = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
	if (p->data == NULL)
		p->data = malloc(p->length);
	return p->data == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static void piece_begin(piece *p)
{
	p->job.run = read_piece;
	p->running = true;
	pnr_pool_submit(p->pool, &p->job);
}

static pnr_status piece_wait(piece *p, pnr_error *err)
{
	p->running = false;
	return pnr_pool_wait(p->pool, &p->job, err);
}

static void piece_cleanup(piece *p)
{
	if (p->running)
		pnr_ignore(piece_wait(p, NULL));
	free(p->data);
}

/* Write @now to @out while @next is read; then that one is @now. */
static pnr_status write_pieces(piece *now, piece *next, uint64_t end, pnr_meter *meter, const char *asset,
                               const pnr_sink *out, pnr_error *err)
{
	pnr_status status = fetch(now->body, now->offset, now->data, now->length, err);
	while (status == PNR_OK) {
		uint64_t offset = now->offset + now->length;
		if (offset < end)
			status = piece_place(next, offset, end - offset, err);
		if (status == PNR_OK && offset < end)
			piece_begin(next);
		if (status == PNR_OK)
			status = pnr_meter_add(meter, asset, now->length, err);
		if (status == PNR_OK)
			status = out->write(out->context, now->data, now->length, err);
		if (status != PNR_OK || offset == end)
			break;
		status = piece_wait(next, err);
		piece *written = now;
		now = next;
		next = written;
	}
	return status;
}

pnr_status pnr_body_write(pnr_body *body, pnr_pool *pool, pnr_meter *meter, const char *asset, const pnr_sink *out,
                          pnr_error *err)
{
	PNR_CLEANUP(piece_cleanup) piece first = { .pool = pool, .body = body };
	PNR_CLEANUP(piece_cleanup) piece second = { .pool = pool, .body = body };
	pnr_hash_pipe pipe = { body->hash, out, pool };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	const pnr_encoding *encoding = &body->encoding;
	uint64_t end = encoding->body_offset + encoding->body_size;
	pnr_status status = PNR_OK;
	if (encoding->body_size > 0) {
		status = piece_place(&first, encoding->body_offset, encoding->body_size, err);
		if (status == PNR_OK)
			status = write_pieces(&first, &second, end, meter, asset, &sink, err);
	}
	return status == PNR_OK ? check_end(body, err) : status;
}

static pnr_status receive(void *context, const void *data, size_t length, pnr_error *err)
{
	const pnr_receiver *receiver = context;
	if (receiver->write(receiver->user, data, length) != 0)
		return pnr_fail(err, PNR_CANCELLED, "the receiver stopped");
	return PNR_OK;
}

pnr_sink pnr_receiver_sink(pnr_receiver *receiver)
{
	return (pnr_sink){ .write = receive, .context = receiver };
}

pnr_status pnr_body_check(const pnr_body *body, const pnr_blob_row *blob, const pnr_content *found, pnr_error *err)
{
	if (found->size != blob->size || !pnr_digest_equal(&found->hash, &blob->hash))
		return corrupt(body, err);
	return PNR_OK;
}

void pnr_body_context(const pnr_body *body, pnr_error *err)
{
	pnr_context(err, "object %s", body->path);
}

pnr_status pnr_body_decode(pnr_body *body, const pnr_blob_row *blob, pnr_pool *pool, const pnr_sink *out,
                           pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_status status = pnr_hash_new(&hash, err);
	if (status != PNR_OK)
		return status;
	pnr_source source = pnr_body_source(body);
	pnr_hash_pipe pipe = { hash, out, NULL };
	pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	if (pnr_body_deflated(body))
		status = pnr_inflate(&source, pnr_body_size(body), blob->size, &sink, pool, err);
	else
		status = pnr_source_copy(&source, &sink, err);
	pnr_content found = { .size = 0 };
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, &found.hash, NULL, &found.size, err);
	if (status == PNR_OK)
		status = pnr_body_check(body, blob, &found, err);
	if (status == PNR_CORRUPT)
		pnr_body_context(body, err);
	return status;
}

pnr_status pnr_store_read_blob(pnr_store *store, const pnr_blob_row *blob, const pnr_sink *out, pnr_error *err)
{
	PNR_CLEANUP(body_cleanup) pnr_body *body = NULL;
	pnr_status status = pnr_body_open(store, blob, 0, &body, err);
	return status == PNR_OK ? pnr_body_decode(body, blob, NULL, out, err) : status;
}

pnr_status pnr_store_load_blob(pnr_store *store, const pnr_blob_row *blob, pnr_buffer *out, pnr_error *err)
{
	pnr_buffer_end end = { out, (size_t)blob->size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	/* A buffer that grows takes twice as much. */
	if (pnr_buffer_reserve(out, (size_t)blob->size) == NULL)
		return pnr_fail_nomem(err);
	return pnr_store_read_blob(store, blob, &sink, err);
}

pnr_status pnr_store_manifest(pnr_store *store, int64_t archive_id, pnr_buffer *out, pnr_error *err)
{
	pnr_archive_row archive;
	pnr_blob_row blob;
	pnr_status status = pnr_index_archive_get(store->index, archive_id, &archive, err);
	if (status == PNR_OK)
		status = pnr_index_blob_find(store->index, &archive.manifest_hash, &blob, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "the index has no manifest of archive %lld", (long long)archive_id);
	if (status != PNR_OK)
		return status;
	pnr_buffer_end end = { out, (size_t)blob.size + out->length };
	pnr_sink sink = pnr_buffer_end_sink(&end);
	status = pnr_store_read_blob(store, &blob, &sink, err);
	if (status != PNR_OK)
		pnr_context(err, "manifest of archive %lld", (long long)archive_id);
	return status;
}
