#include "http/sign.h"
#include "base/array.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || is_one_of(c, "-._~");
}

void pnr_sign_encode(pnr_buffer *out, const char *text, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		if (is_unreserved(*text) || is_one_of(*text, keep))
			pnr_buffer_putc(out, *text);
		else
			pnr_buffer_append(out, (const char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
	}
}

pnr_status pnr_sign_query(pnr_buffer *out, const pnr_http_pair *query, size_t count, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_http_pair *sorted = pnr_sign__sort(query, count, NULL, 0, false);
	if (sorted == NULL)
		return pnr_fail_nomem(err);
	/* In one allocation, as there may be a secret in it; each byte may become three. */
	size_t room = 0;
	for (size_t i = 0; i < count; i++)
		room += 3 * (strlen(sorted[i].name) + strlen(sorted[i].value)) + 2;
	if (pnr_buffer_reserve(out, room) == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			pnr_buffer_putc(out, '&');
		pnr_sign_encode(out, sorted[i].name, "");
		pnr_buffer_putc(out, '=');
		pnr_sign_encode(out, sorted[i].value, "");
	}
	return pnr_buffer_status(out, err);
}

/* It has no such algorithm, or no memory: only of the former does it always tell. */
static pnr_status refused(const char *what, pnr_error *err)
{
	bool unsupported = false;
	for (unsigned long code; (code = ERR_get_error()) != 0;)
		unsupported = unsupported || ERR_GET_REASON(code) == ERR_R_UNSUPPORTED;
	return unsupported ? pnr_fail(err, PNR_UNSUPPORTED, "%s: OpenSSL refuses to compute it", what)
	                   : pnr_fail_nomem(err);
}

pnr_status pnr_sign_payload(const void *data, size_t length, char out_hex[PNR_DIGEST_HEX_SIZE], pnr_error *err)
{
	pnr_digest digest;
	if (EVP_Digest(data, length, digest.bytes, NULL, EVP_sha256(), NULL) != 1)
		return refused("SHA-256", err);
	(void)pnr_digest_to_hex(&digest, out_hex);
	return PNR_OK;
}

/* ---------------------------------------------------- what the two share -- */

static int by_name(const void *a, const void *b)
{
	const pnr_http_pair *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	return order != 0 ? order : strcmp(x->value, y->value);
}

static int by_header(const void *a, const void *b)
{
	const pnr_http_pair *x = a, *y = b;
	return strcasecmp(x->name, y->name);
}

pnr_http_pair *pnr_sign__sort(const pnr_http_pair *a, size_t a_count, const pnr_http_pair *b, size_t b_count,
                              bool is_header)
{
	pnr_http_pair *all = calloc(a_count + b_count + 1, sizeof *all);
	if (all == NULL)
		return NULL;
	if (a_count > 0)
		memcpy(all, a, a_count * sizeof *a);
	if (b_count > 0)
		memcpy(all + a_count, b, b_count * sizeof *b);
	pnr_array_sort(all, a_count + b_count, sizeof *all, is_header ? by_header : by_name);
	return all;
}

void pnr_sign__lower(pnr_buffer *out, const char *text)
{
	for (; *text != '\0'; text++)
		pnr_buffer_putc(out, (char)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text));
}

void pnr_sign__header(pnr_buffer *out, const pnr_http_pair *header)
{
	bool space = false, begun = false;
	pnr_sign__lower(out, header->name);
	pnr_buffer_putc(out, ':');
	for (const char *at = header->value; *at != '\0'; at++) {
		bool is_space = *at == ' ' || *at == '\t';
		if (!is_space && space && begun)
			pnr_buffer_putc(out, ' ');
		if (!is_space)
			pnr_buffer_putc(out, *at);
		begun = begun || !is_space;
		space = is_space;
	}
	pnr_buffer_putc(out, '\n');
}

pnr_status pnr_sign__hmac(const void *key, size_t key_length, const void *data, size_t length,
                          uint8_t out_mac[PNR_DIGEST_SIZE], pnr_error *err)
{
	if (HMAC(EVP_sha256(), key, (int)key_length, data, length, out_mac, NULL) == NULL)
		return refused("HMAC with SHA-256", err);
	return PNR_OK;
}

pnr_status pnr_sign__add(pnr_sign_lines *lines, const char *name, const char *value, pnr_error *err)
{
	/* In one piece: a buffer that grows leaves copies behind. */
	size_t name_length = strlen(name), value_length = strlen(value);
	char *line = malloc(name_length + 2 + value_length + 1);
	if (line == NULL)
		return pnr_fail_nomem(err);
	memcpy(line, name, name_length);
	memcpy(line + name_length, ": ", 2);
	memcpy(line + name_length + 2, value, value_length + 1);
	lines->line[lines->count++] = line;
	return PNR_OK;
}

void pnr_sign_lines_free(pnr_sign_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		OPENSSL_clear_free(lines->line[i], strlen(lines->line[i]));
	*lines = (pnr_sign_lines){ .count = 0 };
}
