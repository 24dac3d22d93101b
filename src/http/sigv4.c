#include "base/clock.h"
#include "base/secret.h"
#include "http/sign.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define ALGORITHM "AWS4-HMAC-SHA256"
#define DATE_LENGTH 8
#define TIME_SIZE sizeof "20150830T123600Z"

/* A signature at work. */
typedef struct signing {
	const pnr_sign_request *request;
	const pnr_sigv4_key *key;
	char time[TIME_SIZE];
	pnr_http_pair own[4]; /* the headers that it adds and that are signed */
	size_t own_count;
	pnr_buffer names;     /* of all headers: "host;x-amz-date" */
	pnr_buffer scope;     /* "20150830/us-east-1/s3/aws4_request" */
	char signature[PNR_DIGEST_HEX_SIZE];
} signing;

static void signing_free(signing *s)
{
	pnr_buffer_free(&s->names);
	pnr_buffer_free(&s->scope);
}

static void set_time(int64_t ms, char out_time[TIME_SIZE])
{
	char text[PNR_TIME_TEXT_SIZE];
	size_t length = 0;
	for (const char *at = pnr_clock_format(ms, text); *at != '.'; at++)
		if (*at != '-' && *at != ':')
			out_time[length++] = *at;
	out_time[length++] = 'Z';
	out_time[length] = '\0';
}

static void set_headers(signing *s)
{
	s->own[s->own_count++] = (pnr_http_pair){ "host", s->request->host };
	s->own[s->own_count++] = (pnr_http_pair){ "x-amz-date", s->time };
	if (strcmp(s->key->service, "s3") == 0)
		s->own[s->own_count++] = (pnr_http_pair){ "x-amz-content-sha256", s->request->payload };
	if (s->key->token != NULL)
		s->own[s->own_count++] = (pnr_http_pair){ "x-amz-security-token", s->key->token };
}

/* The request in the form of which both sides take the hash. */
static pnr_status canonical_request(signing *s, pnr_buffer *out, pnr_error *err)
{
	const pnr_sign_request *r = s->request;
	PNR_CLEANUP(pnr_cleanup_free)
	pnr_http_pair *headers = pnr_sign__sort(r->headers, r->header_count, s->own, s->own_count, true);
	if (headers == NULL)
		return pnr_fail_nomem(err);
	pnr_buffer_printf(out, "%s\n%s\n", r->method, r->path);
	pnr_status status = pnr_sign_query(out, r->query, r->query_count, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_putc(out, '\n');
	/* In one allocation, as there may be a token among them: each name is there twice. */
	size_t count = r->header_count + s->own_count, room = strlen(r->payload) + 2;
	for (size_t i = 0; i < count; i++)
		room += 2 * strlen(headers[i].name) + strlen(headers[i].value) + 3;
	if (pnr_buffer_reserve(out, room) == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		pnr_sign__header(out, &headers[i]);
		if (i > 0)
			pnr_buffer_putc(&s->names, ';');
		pnr_sign__lower(&s->names, headers[i].name);
	}
	status = pnr_buffer_status(&s->names, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_putc(out, '\n');
	pnr_buffer_append(out, s->names.data, s->names.length);
	pnr_buffer_putc(out, '\n');
	pnr_buffer_puts(out, r->payload);
	return pnr_buffer_status(out, err);
}

static pnr_status string_to_sign(signing *s, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer canonical = PNR_BUFFER_INIT;
	char hash[PNR_DIGEST_HEX_SIZE];
	pnr_status status = canonical_request(s, &canonical, err);
	if (status == PNR_OK)
		status = pnr_sign_payload(canonical.data, canonical.length, hash, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_printf(&s->scope, "%.*s/%s/%s/aws4_request", DATE_LENGTH, s->time, s->key->region,
	                  s->key->service);
	status = pnr_buffer_status(&s->scope, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_printf(out, ALGORITHM "\n%s\n%s\n%s", s->time, s->scope.data, hash);
	return pnr_buffer_status(out, err);
}

/* The first key of the chain is "AWS4" and the secret. */
static pnr_status first_mac(const signing *s, uint8_t out_mac[PNR_DIGEST_SIZE], pnr_error *err)
{
	static const char start[] = "AWS4";
	size_t length = strlen(s->key->secret);
	char *secret = malloc(sizeof start + length);
	if (secret == NULL)
		return pnr_fail_nomem(err);
	memcpy(secret, start, sizeof start - 1);
	memcpy(secret + sizeof start - 1, s->key->secret, length);
	pnr_status status = pnr_sign__hmac(secret, sizeof start - 1 + length, s->time, DATE_LENGTH, out_mac, err);
	OPENSSL_cleanse(secret, sizeof start - 1 + length);
	free(secret);
	return status;
}

static pnr_status sign(signing *s, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_digest mac;
	pnr_status status = string_to_sign(s, &text, err);
	if (status != PNR_OK)
		return status;
	const char *const chain[] = { s->key->region, s->key->service, "aws4_request", text.data };
	status = first_mac(s, mac.bytes, err);
	for (size_t i = 0; status == PNR_OK && i < PNR_COUNT(chain); i++)
		status = pnr_sign__hmac(mac.bytes, PNR_DIGEST_SIZE, chain[i], strlen(chain[i]), mac.bytes, err);
	if (status == PNR_OK)
		(void)pnr_digest_to_hex(&mac, s->signature);
	OPENSSL_cleanse(&mac, sizeof mac);
	return status;
}

static pnr_status add_lines(const signing *s, pnr_sign_lines *lines, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer value = PNR_BUFFER_INIT;
	pnr_buffer_printf(&value, ALGORITHM " Credential=%s/%s, SignedHeaders=%s, Signature=%s", s->key->id,
	                  s->scope.data, s->names.data, s->signature);
	pnr_status status = pnr_buffer_status(&value, err);
	if (status == PNR_OK)
		status = pnr_sign__add(lines, "Authorization", value.data, err);
	/* The first one is Host. */
	for (size_t i = 1; status == PNR_OK && i < s->own_count; i++)
		status = pnr_sign__add(lines, s->own[i].name, s->own[i].value, err);
	return status;
}

pnr_status pnr_sign_v4(const pnr_sign_request *request, const pnr_sigv4_key *key, pnr_sign_lines *out_lines,
                       pnr_error *err)
{
	PNR_CLEANUP(signing_free)
	signing s = { .request = request, .key = key, .names = PNR_BUFFER_INIT, .scope = PNR_BUFFER_INIT };
	PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
	set_time(request->now_ms, s.time);
	set_headers(&s);
	pnr_status status = sign(&s, err);
	if (status == PNR_OK)
		status = add_lines(&s, &lines, err);
	if (status != PNR_OK)
		return status;
	*out_lines = lines;
	lines = (pnr_sign_lines){ .count = 0 };
	return PNR_OK;
}
