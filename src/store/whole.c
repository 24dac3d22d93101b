/* Encodings as a remote keeps them. */
#include "base/file.h"
#include "codec/form.h"
#include "codec/hash.h"
#include "store/internal.h"
#include <stdlib.h>
#include <string.h>

struct pnr_whole {
	pnr_store *store;
	bool gzip;
	uint64_t size;
	pnr_digest hash;
	pnr_buffer bytes;     /* all of them, if the database keeps them */
	pnr_object_name name; /* else the object */
	int fd;               /* of it, while it is read; -1 */
};

bool pnr_whole_measure(const char *form, uint64_t stored_size, uint64_t content_size, bool *out_gzip,
                       uint64_t *out_size)
{
	pnr_encoding encoding = { .stored_size = stored_size };
	if (!pnr_form_parse(form, &encoding.form) || !pnr_encoding_locate(&encoding, content_size))
		return false;
	*out_gzip = encoding.form != PNR_FORM_STORED;
	*out_size = encoding.body_size;
	if (*out_gzip)
		*out_size += PNR_GZIP_HEAD(content_size) + PNR_GZIP_TAIL;
	return true;
}

/* The bytes of the database, zlib's wrapper changed for gzip's. */
static pnr_status load(pnr_whole *whole, const pnr_blob_row *blob, const pnr_encoding_row *row, pnr_error *err)
{
	const char *data = row->data;
	if (!whole->gzip) {
		pnr_buffer_append(&whole->bytes, data, (size_t)row->stored_size);
		return pnr_buffer_status(&whole->bytes, err);
	}
	uint8_t head[PNR_BODY_ALIGN], tail[PNR_GZIP_TAIL];
	pnr_gzip_head(head, blob->size);
	pnr_gzip_tail(tail, blob->crc32, blob->size);
	pnr_buffer_append(&whole->bytes, head, PNR_GZIP_HEAD(blob->size));
	pnr_buffer_append(&whole->bytes, data + PNR_ZLIB_HEAD, (size_t)row->stored_size - PNR_ZLIB_HEAD - PNR_ZLIB_TAIL);
	pnr_buffer_append(&whole->bytes, tail, sizeof tail);
	pnr_status status = pnr_buffer_status(&whole->bytes, err);
	return status == PNR_OK ? pnr_hash_memory(whole->bytes.data, whole->bytes.length, &whole->hash, NULL, err) : status;
}

static void whole_cleanup(pnr_whole **whole)
{
	pnr_whole_close(*whole);
}

static pnr_status fill(pnr_whole *whole, const pnr_blob_row *blob, const pnr_encoding_row *row, pnr_error *err)
{
	char hash[PNR_DIGEST_HEX_SIZE];
	/* What is in the database is zlib when it is not stored, what is in a file is gzip. */
	bool inside = row->data != NULL;
	if (!pnr_whole_measure(row->form, row->stored_size, blob->size, &whole->gzip, &whole->size) ||
	    (whole->gzip && inside != (strcmp(row->form, pnr_form_name(PNR_FORM_ZLIB)) == 0)))
		return pnr_fail(err, PNR_CORRUPT, "the index describes an impossible encoding of blob %s",
		                pnr_digest_to_hex(&blob->hash, hash));
	whole->hash = row->stored_hash;
	if (inside)
		return load(whole, blob, row, err);
	whole->name = pnr_encoding_object(blob, row);
	return PNR_OK;
}

pnr_status pnr_whole_open(pnr_store *store, const pnr_blob_row *blob, int64_t encoding_id, pnr_whole **out_whole,
                          pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	PNR_CLEANUP(whole_cleanup) pnr_whole *whole = calloc(1, sizeof *whole);
	pnr_encoding_row row;
	pnr_status status = PNR_OK;
	if (whole == NULL)
		return pnr_fail_nomem(err);
	whole->store = store;
	whole->fd = -1;
	if (encoding_id == 0)
		status = pnr_index_encoding_find(store->index, blob->id, "", 0, true, &encoding_id, err);
	if (status == PNR_OK)
		status = pnr_index_encoding_get(store->index, encoding_id, &arena, &row, err);
	if (status == PNR_NOT_FOUND) {
		char hash[PNR_DIGEST_HEX_SIZE];
		return pnr_fail(err, PNR_CORRUPT, "the index has no encoding of blob %s",
		                pnr_digest_to_hex(&blob->hash, hash));
	}
	if (status == PNR_OK)
		status = fill(whole, blob, &row, err);
	if (status == PNR_OK)
		*out_whole = PNR_STEAL(whole);
	return status;
}

bool pnr_whole_gzip(const pnr_whole *whole)
{
	return whole->gzip;
}

uint64_t pnr_whole_size(const pnr_whole *whole)
{
	return whole->size;
}

const pnr_digest *pnr_whole_hash(const pnr_whole *whole)
{
	return &whole->hash;
}

pnr_status pnr_whole_read(pnr_whole *whole, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	char path[PNR_OBJECT_PATH_SIZE];
	size_t got = 0;
	pnr_status status = PNR_OK;
	pnr_error own = PNR_ERROR_INIT;
	if (whole->name.suffix == NULL) {
		memcpy(buffer, whole->bytes.data + offset, length);
		return PNR_OK;
	}
	pnr_object_path(&whole->name, path);
	if (whole->fd < 0)
		status = pnr_blobs_open_object(whole->store->blobs, &whole->name, &whole->fd, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "stored object %s is missing", path);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	status = pnr_file_pread(whole->fd, buffer, length, offset, &got, path, err);
	if (status == PNR_OK && got < length)
		return pnr_fail(err, PNR_CORRUPT, "stored object %s is damaged: it is cut short", path);
	return status;
}

void pnr_whole_rest(pnr_whole *whole)
{
	pnr_cleanup_close(&whole->fd);
}

void pnr_whole_close(pnr_whole *whole)
{
	if (whole == NULL)
		return;
	pnr_cleanup_close(&whole->fd);
	pnr_buffer_free(&whole->bytes);
	free(whole);
}
