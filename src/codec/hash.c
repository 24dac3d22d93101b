/*
 * OpenSSL's own SHA-256, not the one behind EVP: they are the same code, but EVP
 * first looks for its providers, which is a third of the time of a run in which
 * nothing changed.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/hash.h"
#include "base/file.h"
#include <libdeflate.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define READ_SIZE ((size_t)256 << 10)
#define PIECE_MIN ((size_t)64 << 10) /* waking a thread costs more than hashing less */

struct pnr_hash {
	SHA256_CTX sha256;
	bool with_crc32;
	uint32_t crc32;
	uint64_t size;
};

static pnr_status fail_openssl(pnr_error *err)
{
	return pnr_fail(err, PNR_UNSUPPORTED, "SHA-256: OpenSSL refuses to compute it");
}

static pnr_status start(pnr_hash *hash, pnr_error *err)
{
	hash->crc32 = 0;
	hash->size = 0;
	return SHA256_Init(&hash->sha256) == 1 ? PNR_OK : fail_openssl(err);
}

static pnr_status make(bool with_crc32, pnr_hash **out_hash, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = malloc(sizeof *hash);
	if (hash == NULL)
		return pnr_fail_nomem(err);
	hash->with_crc32 = with_crc32;
	pnr_status status = start(hash, err);
	if (status == PNR_OK)
		*out_hash = PNR_STEAL(hash);
	return status;
}

pnr_status pnr_hash_new(pnr_hash **out_hash, pnr_error *err)
{
	return make(false, out_hash, err);
}

pnr_status pnr_hash_new_with_crc32(pnr_hash **out_hash, pnr_error *err)
{
	return make(true, out_hash, err);
}

pnr_status pnr_hash_update(pnr_hash *hash, const void *data, size_t length, pnr_error *err)
{
	if (length == 0)
		return PNR_OK;
	if (SHA256_Update(&hash->sha256, data, length) != 1)
		return fail_openssl(err);
	if (hash->with_crc32)
		hash->crc32 = libdeflate_crc32(hash->crc32, data, length);
	hash->size += length;
	return PNR_OK;
}

pnr_status pnr_hash_finish(pnr_hash *hash, pnr_digest *out_digest, uint32_t *out_crc32, uint64_t *out_size,
                           pnr_error *err)
{
	pnr_digest digest;
	if (SHA256_Final(digest.bytes, &hash->sha256) != 1)
		return fail_openssl(err);
	uint32_t crc32 = hash->crc32;
	uint64_t size = hash->size;
	pnr_status status = start(hash, err);
	if (status != PNR_OK)
		return status;
	*out_digest = digest;
	if (out_crc32 != NULL)
		*out_crc32 = crc32;
	if (out_size != NULL)
		*out_size = size;
	return PNR_OK;
}

void pnr_hash_free(pnr_hash *hash)
{
	free(hash);
}

void pnr_hash_cleanup(pnr_hash **hash)
{
	pnr_hash_free(*hash);
	*hash = NULL;
}

pnr_status pnr_hash_memory(const void *data, size_t length, pnr_digest *out_digest, uint32_t *out_crc32,
                           pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_status status = make(out_crc32 != NULL, &hash, err);
	if (status == PNR_OK)
		status = pnr_hash_update(hash, data, length, err);
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, out_digest, out_crc32, NULL, err);
	return status;
}

pnr_status pnr_hash_file(int fd, const char *name, pnr_meter *meter, pnr_digest *out_digest, uint32_t *out_crc32,
                         uint64_t *out_size, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *buffer = malloc(READ_SIZE);
	if (buffer == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = make(out_crc32 != NULL, &hash, err);
	uint64_t offset = 0;
	for (size_t got = READ_SIZE; status == PNR_OK && got == READ_SIZE; offset += got) {
		status = pnr_file_pread(fd, buffer, READ_SIZE, offset, &got, name, err);
		if (status == PNR_OK)
			status = pnr_hash_update(hash, buffer, got, err);
		if (status == PNR_OK)
			status = pnr_meter_add(meter, name, got, err);
	}
	return status == PNR_OK ? pnr_hash_finish(hash, out_digest, out_crc32, out_size, err) : status;
}

typedef struct piece {
	pnr_job job; /* first: it is cast from */
	pnr_hash *hash;
	const void *data;
	size_t length;
} piece;

static void hash_piece(pnr_job *job)
{
	const piece *p = (const piece *)job;
	job->status = pnr_hash_update(p->hash, p->data, p->length, &job->error);
}

static pnr_status pipe_write(void *context, const void *data, size_t length, pnr_error *err)
{
	const pnr_hash_pipe *pipe = context;
	piece beside = { .job = { .run = hash_piece }, .hash = pipe->hash, .data = data, .length = length };
	bool apart = pipe->pool != NULL && length >= PIECE_MIN;
	pnr_status status = PNR_OK;
	if (apart)
		pnr_pool_submit(pipe->pool, &beside.job);
	else
		status = pnr_hash_update(pipe->hash, data, length, err);
	if (status == PNR_OK && pipe->next != NULL)
		status = pipe->next->write(pipe->next->context, data, length, err);
	/* Whatever next said: the bytes are the thread's until then. */
	pnr_status hashed = apart ? pnr_pool_wait(pipe->pool, &beside.job, status == PNR_OK ? err : NULL) : PNR_OK;
	return status == PNR_OK ? hashed : status;
}

pnr_sink pnr_hash_pipe_sink(pnr_hash_pipe *pipe)
{
	return (pnr_sink){ .write = pipe_write, .context = pipe };
}
