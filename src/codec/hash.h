/* SHA-256, and if wanted CRC-32, of the same bytes, in one pass over them. */
#ifndef PNR_CODEC_HASH_H
#define PNR_CODEC_HASH_H

#include "base/pool.h"
#include "base/progress.h"
#include "base/stream.h"
#include <pannier/digest.h>

typedef struct pnr_hash pnr_hash;

/** Errors: NOMEM, UNSUPPORTED (this OpenSSL refuses SHA-256). */
PNR_CHECKED pnr_status pnr_hash_new(pnr_hash **out_hash, pnr_error *err);
/** CRC-32 as well; that takes a sixth of the time more. */
PNR_CHECKED pnr_status pnr_hash_new_with_crc32(pnr_hash **out_hash, pnr_error *err);
PNR_CHECKED pnr_status pnr_hash_update(pnr_hash *hash, const void *data, size_t length, pnr_error *err);
/**
 * What was hashed since new or the last finish, and start again. @out_crc32 and
 * @out_size may be NULL; without pnr_hash_new_with_crc32 the first one MUST be.
 */
PNR_CHECKED pnr_status pnr_hash_finish(pnr_hash *hash, pnr_digest *out_digest, uint32_t *out_crc32,
                                       uint64_t *out_size, pnr_error *err);
/** Accepts NULL. */
void pnr_hash_free(pnr_hash *hash);
void pnr_hash_cleanup(pnr_hash **hash);

/** One piece. @out_crc32 may be NULL. */
PNR_CHECKED pnr_status pnr_hash_memory(const void *data, size_t length, pnr_digest *out_digest,
                                       uint32_t *out_crc32, pnr_error *err);

/**
 * A whole file, from its first byte on; its position is left alone.
 *
 * @meter      counts the bytes under @name and may cancel; may be NULL.
 * @out_crc32  may be NULL, as @out_size.
 */
PNR_CHECKED pnr_status pnr_hash_file(int fd, const char *name, pnr_meter *meter, pnr_digest *out_digest,
                                     uint32_t *out_crc32, uint64_t *out_size, pnr_error *err);

/**
 * Hashes what passes through to @next (may be NULL: only hashes). With @pool
 * (may be NULL) pieces of some size are hashed by a thread while @next takes
 * them; a write returns when both are done.
 */
typedef struct pnr_hash_pipe {
	pnr_hash *hash;
	const pnr_sink *next;
	pnr_pool *pool;
} pnr_hash_pipe;
pnr_sink pnr_hash_pipe_sink(pnr_hash_pipe *pipe);

#endif
