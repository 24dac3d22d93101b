/*
 * Signing requests: AWS Signature Version 4 and Azure's SharedKey, as they are documented by those two.
 *
 * Pure functions: of a request, a key and a time they make the header lines that go with it. What is signed must be
 * what is sent: the path as it stands in the request line, the query as pnr_sign_query writes it, and every header.
 * Secrets are in no error text.
 *
 * Errors of all: NOMEM, UNSUPPORTED (this OpenSSL refuses HMAC with SHA-256).
 * Threads: any.
 */
#ifndef PNR_HTTP_SIGN_H
#define PNR_HTTP_SIGN_H

#include "base/buffer.h"
#include <pannier/digest.h>

/** A header, or an argument of a query before it is encoded. */
typedef struct pnr_http_pair {
	const char *name;
	const char *value;
} pnr_http_pair;

typedef struct pnr_sign_request {
	const char *method;
	const char *host; /**< the Host header: with the port, if it is not the scheme's own */
	const char *path; /**< as it is sent: percent-encoded, from the first '/' on, without the query */
	const pnr_http_pair *query; /**< in any order, not encoded */
	size_t query_count;
	/** In any order; no name twice, whatever its case. Not Host, nor what the signature adds. */
	const pnr_http_pair *headers;
	size_t header_count;
	const char *payload; /**< SigV4: SHA-256 of the body in hex, or "UNSIGNED-PAYLOAD" */
	uint64_t length;     /**< SharedKey: bytes of the body */
	int64_t now_ms;      /**< since 1970-01-01 UTC; servers take some 15 minutes of difference */
} pnr_sign_request;

/** Lines to be sent as they are, "x-amz-date: 20150830T123600Z"; they hold secrets. malloc'd. */
typedef struct pnr_sign_lines {
	char *line[4];
	size_t count;
} pnr_sign_lines;

/** Overwrites them, and leaves it cleared. Accepts a cleared one; for PNR_CLEANUP. */
void pnr_sign_lines_free(pnr_sign_lines *lines);

typedef struct pnr_sigv4_key {
	const char *id;     /**< AKIA... */
	const char *secret;
	const char *token;  /**< of a session; NULL: none */
	const char *region; /**< "us-east-1" */
	const char *service; /**< "s3", "sts" */
} pnr_sigv4_key;

/**
 * Adds Authorization, x-amz-date, for "s3" x-amz-content-sha256, and x-amz-security-token if there is a token.
 *
 * The path is signed as it is given, which is S3's rule; another service's is "/", or needs no encoding.
 */
PNR_CHECKED pnr_status pnr_sign_v4(const pnr_sign_request *request, const pnr_sigv4_key *key,
                                   pnr_sign_lines *out_lines, pnr_error *err);

typedef struct pnr_shared_key {
	const char *account;
	const char *secret; /**< base64 */
} pnr_shared_key;

/**
 * Adds Authorization and x-ms-date. `host` and `payload` are not used. An emulator's path starts with the account; that
 * is part of it here, too.
 *
 * Errors: INVALID (the key is not base64).
 */
PNR_CHECKED pnr_status pnr_sign_shared_key(const pnr_sign_request *request, const pnr_shared_key *key,
                                           pnr_sign_lines *out_lines, pnr_error *err);

/** Append @text percent-encoded: all but letters, digits and "-._~", and the bytes in @keep ("/" for a path). */
void pnr_sign_encode(pnr_buffer *out, const char *text, const char *keep);

/**
 * Append the arguments as they are to be sent: encoded, sorted, each with its '='. Nothing for none. @out grows once, so
 * that there is one copy of a secret in them.
 */
PNR_CHECKED pnr_status pnr_sign_query(pnr_buffer *out, const pnr_http_pair *query, size_t count, pnr_error *err);

/** The body's SHA-256 as `payload` wants it. Returns @out_hex. */
PNR_CHECKED pnr_status pnr_sign_payload(const void *data, size_t length, char out_hex[PNR_DIGEST_HEX_SIZE],
                                        pnr_error *err);

/* ------------------------------------------------- what the two share -- */

/** Both, sorted by name, then by value; a header's name has no case. malloc'd; NULL: no memory. */
pnr_http_pair *pnr_sign__sort(const pnr_http_pair *a, size_t a_count, const pnr_http_pair *b, size_t b_count,
                              bool is_header);
/** Append @text in small letters. */
void pnr_sign__lower(pnr_buffer *out, const char *text);
/** Append "name:value\n": the name in small letters, the value without spaces at its ends, and no two in a row. */
void pnr_sign__header(pnr_buffer *out, const pnr_http_pair *header);
PNR_CHECKED pnr_status pnr_sign__hmac(const void *key, size_t key_length, const void *data, size_t length,
                                      uint8_t out_mac[PNR_DIGEST_SIZE], pnr_error *err);
/** One more line, "name: value". */
PNR_CHECKED pnr_status pnr_sign__add(pnr_sign_lines *lines, const char *name, const char *value, pnr_error *err);

#endif
