/*
 * Receiving. A body comes from who knows where: nothing of it counts before it
 * was decoded to its end and the result has the hash that was promised. What is
 * kept are its bytes, in the wrapper that our encoder would have given them.
 */
#include "store/receive.h"
#include "base/file.h"
#include "codec/form.h"
#include "codec/hash.h"
#include <string.h>

/* The body on its way into the decoder: kept as well. */
typedef struct tee {
	const pnr_source *from;
	const pnr_sink *to;
	uint64_t left; /* of what was announced */
} tee;

static pnr_status tee_read(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	tee *t = context;
	size_t length = 0;
	pnr_status status = t->from->read(t->from->context, buffer, capacity, &length, err);
	if (status == PNR_OK && length > t->left)
		return pnr_fail(err, PNR_CORRUPT, "its body is longer than announced");
	t->left -= length;
	if (status == PNR_OK && length > 0)
		status = t->to->write(t->to->context, buffer, length, err);
	if (status == PNR_OK)
		*out_length = length;
	return status;
}

/* Pass the content to @out, the body to @keep on the way. */
static pnr_status decode(pnr_store *store, const pnr_received *what, const pnr_sink *keep, const pnr_sink *out,
                         pnr_error *err)
{
	tee both = { &what->body, keep, what->body_size };
	const pnr_source body = { .read = tee_read, .context = &both };
	pnr_pool *pool = NULL;
	if (!what->deflated)
		return pnr_source_copy(&body, out, err);
	pnr_status status = pnr_store_pool(store, &pool, err);
	return status == PNR_OK ? pnr_inflate(&body, what->body_size, what->size, out, pool, err) : status;
}

static pnr_status check_content(const pnr_received *what, pnr_hash *hash, pnr_content *out, pnr_error *err)
{
	pnr_content found;
	pnr_status status = pnr_hash_finish(hash, &found.hash, &found.crc32, &found.size, err);
	if (status != PNR_OK)
		return status;
	if (found.size != what->size || !pnr_digest_equal(&found.hash, &what->hash))
		return pnr_fail(err, PNR_CORRUPT, "its bytes are not those that its hash promises");
	if (what->crc32 != NULL && found.crc32 != *what->crc32)
		return pnr_fail(err, PNR_CORRUPT, "its content does not have the CRC-32 that it promises");
	*out = found;
	return PNR_OK;
}

/* -------------------------------------------------------------- in memory -- */

static pnr_status receive_small(pnr_store *store, const pnr_received *what, pnr_content *out_content,
                                pnr_encoding *out_encoding, pnr_buffer *encoded, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer body = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	pnr_buffer_end body_end = { &body, (size_t)what->body_size }, content_end = { &content, (size_t)what->size };
	const pnr_sink keep = pnr_buffer_end_sink(&body_end), out = pnr_buffer_end_sink(&content_end);
	pnr_status status = pnr_hash_new_with_crc32(&hash, err);
	if (status != PNR_OK)
		return status;
	pnr_hash_pipe pipe = { hash, &out, NULL };
	const pnr_sink hashed = pnr_hash_pipe_sink(&pipe);
	status = decode(store, what, &keep, &hashed, err);
	if (status == PNR_OK)
		status = check_content(what, hash, out_content, err);
	if (status != PNR_OK)
		return status;
	uint8_t head[PNR_ZLIB_HEAD], tail[PNR_ZLIB_TAIL];
	if (what->deflated) {
		pnr_zlib_head(head);
		pnr_zlib_tail(tail, content.data, content.length);
		pnr_buffer_append(encoded, head, sizeof head);
	}
	pnr_buffer_append(encoded, body.data, body.length);
	if (what->deflated)
		pnr_buffer_append(encoded, tail, sizeof tail);
	/* Never NULL, also for empty content: NULL says that the bytes are in a file. */
	pnr_buffer_append(encoded, "", 0);
	out_encoding->form = what->deflated ? PNR_FORM_ZLIB : PNR_FORM_STORED;
	out_encoding->stored_size = encoded->length;
	status = pnr_buffer_status(encoded, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(encoded->data, encoded->length, &out_encoding->stored_hash, NULL, err);
	return status;
}

/* --------------------------------------------------------------- as a file -- */

static void object_cleanup(pnr_object **object)
{
	pnr_object_discard(*object);
}

static pnr_status put(const pnr_sink *file, const void *data, size_t length, pnr_error *err)
{
	return file->write(file->context, data, length, err);
}

static pnr_status receive_large(pnr_store *store, const pnr_received *what, pnr_content *out_content,
                                pnr_encoding *out_encoding, pnr_error *err)
{
	PNR_CLEANUP(object_cleanup) pnr_object *object = NULL;
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *stored = NULL;
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	uint8_t wrapper[PNR_BODY_ALIGN];
	pnr_status status = pnr_object_new(store->blobs, &object, err);
	if (status == PNR_OK)
		status = pnr_hash_new(&stored, err);
	if (status == PNR_OK)
		status = pnr_hash_new_with_crc32(&hash, err);
	if (status != PNR_OK)
		return status;
	pnr_file_end end = { pnr_object_fd(object), pnr_object_temp_name(object) };
	const pnr_sink to_file = pnr_file_end_sink(&end);
	pnr_hash_pipe file_pipe = { stored, &to_file, NULL }, content_pipe = { hash, NULL, NULL };
	const pnr_sink file = pnr_hash_pipe_sink(&file_pipe), content = pnr_hash_pipe_sink(&content_pipe);
	if (what->deflated) {
		pnr_gzip_head(wrapper, what->size);
		status = put(&file, wrapper, PNR_GZIP_HEAD(what->size), err);
	}
	if (status == PNR_OK)
		status = decode(store, what, &file, &content, err);
	if (status == PNR_OK)
		status = check_content(what, hash, out_content, err);
	if (status == PNR_OK && what->deflated) {
		pnr_gzip_tail(wrapper, out_content->crc32, what->size);
		status = put(&file, wrapper, PNR_GZIP_TAIL, err);
	}
	if (status == PNR_OK)
		status = pnr_hash_finish(stored, &out_encoding->stored_hash, NULL, &out_encoding->stored_size, err);
	if (status != PNR_OK)
		return status;
	out_encoding->form = what->deflated ? PNR_FORM_GZIP : PNR_FORM_STORED;
	const pnr_object_name name = {
		.hash = what->hash,
		.stored_hash = out_encoding->stored_hash,
		.suffix = what->deflated ? "gz" : "raw",
	};
	return pnr_object_finish(PNR_STEAL(object), &name, err);
}

pnr_status pnr_receive_body(pnr_store *store, const pnr_received *what, pnr_content *out_content,
                            pnr_encoding *out_encoding, pnr_buffer *encoded, pnr_error *err)
{
	if (what->deflated && what->body_size > pnr_deflated_longest(what->size))
		return pnr_fail(err, PNR_CORRUPT, "its deflate stream of %llu bytes is padded: its content has %llu",
		                (unsigned long long)what->body_size, (unsigned long long)what->size);
	uint64_t wrapped = what->body_size + (what->deflated ? PNR_ZLIB_HEAD + PNR_ZLIB_TAIL : 0);
	bool small = what->size <= PNR_BLOCK_SIZE && wrapped <= PNR_INLINE_MAX;
	pnr_encoding encoding = { .form = PNR_FORM_STORED };
	pnr_status status = small ? receive_small(store, what, out_content, &encoding, encoded, err)
	                          : receive_large(store, what, out_content, &encoding, err);
	if (status == PNR_OK && !pnr_encoding_locate(&encoding, what->size))
		status = pnr_fail(err, PNR_CORRUPT, "a body of %llu bytes cannot be content of %llu",
		                  (unsigned long long)what->body_size, (unsigned long long)what->size);
	if (status == PNR_OK)
		*out_encoding = encoding;
	return status;
}
