/* SHA-256 digests: the identity of every asset, package, manifest and archive. */
#ifndef PANNIER_DIGEST_H
#define PANNIER_DIGEST_H

#include <pannier/export.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PNR_BEGIN_DECLS

#define PNR_DIGEST_SIZE 32     /**< bytes of a digest */
#define PNR_DIGEST_HEX_SIZE 65 /**< its lower-case hex text with the terminating NUL */

typedef struct pnr_digest {
	uint8_t bytes[PNR_DIGEST_SIZE];
} pnr_digest;

/** Write @digest as 64 lower-case hex digits and a NUL to @out_hex; returns @out_hex. */
PNR_API char *pnr_digest_to_hex(const pnr_digest *digest, char out_hex[PNR_DIGEST_HEX_SIZE]);

/**
 * Parse exactly @length characters of @hex. True only for 64 lower-case hex
 * digits; otherwise @out_digest is untouched.
 */
PNR_API bool pnr_digest_from_hex(const char *hex, size_t length, pnr_digest *out_digest);

/** True if both are the same. Not constant-time: digests here are no secrets. */
PNR_API bool pnr_digest_equal(const pnr_digest *a, const pnr_digest *b);

PNR_END_DECLS
#endif
