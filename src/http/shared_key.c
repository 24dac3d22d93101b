#include "base/clock.h"
#include "http/sign.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MS_PER_DAY 86400000
#define DATE_HEADER "x-ms-date"
#define DATE_SIZE 40
#define SECRET_MAX 1024u

/* "Fri, 26 Jun 2015 23:39:12 GMT" */
static void set_date(int64_t ms, char out_date[DATE_SIZE])
{
	static const char days[][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	char text[PNR_TIME_TEXT_SIZE];
	ms = ms < 0 ? 0 : ms;
	(void)pnr_clock_format(ms, text);
	unsigned month = (unsigned)(text[5] - '0') * 10 + (unsigned)(text[6] - '0');
	(void)snprintf(out_date, DATE_SIZE, "%s, %.2s %s %.4s %.8s GMT", days[ms / MS_PER_DAY % 7], text + 8,
	               months[month - 1], text, text + 11);
}

/* The value of the header @name, "" if there is none. */
static const char *header(const pnr_sign_request *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return "";
}

static void put_standard_headers(const pnr_sign_request *r, pnr_buffer *out)
{
	/* Content-Length stands before the third one; Date is empty, as x-ms-date says it. */
	static const char *const names[] = { "Content-Encoding",  "Content-Language", "Content-MD5",
		                             "Content-Type",      "Date",             "If-Modified-Since",
		                             "If-Match",          "If-None-Match",    "If-Unmodified-Since",
		                             "Range" };
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		if (i == 2 && r->length > 0)
			pnr_buffer_printf(out, "%" PRIu64, r->length);
		if (i == 2)
			pnr_buffer_putc(out, '\n');
		pnr_buffer_printf(out, "%s\n", header(r, names[i]));
	}
}

static pnr_status put_own_headers(const pnr_sign_request *r, const char *date, pnr_buffer *out, pnr_error *err)
{
	const pnr_http_pair own = { DATE_HEADER, date };
	PNR_CLEANUP(pnr_cleanup_free)
	pnr_http_pair *headers = pnr_sign__sort(r->headers, r->header_count, &own, 1, true);
	if (headers == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < r->header_count + 1; i++)
		if (strncasecmp(headers[i].name, "x-ms-", 5) == 0)
			pnr_sign__header(out, &headers[i]);
	return pnr_buffer_status(out, err);
}

static pnr_status put_resource(const pnr_sign_request *r, const char *account, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free)
	pnr_http_pair *query = pnr_sign__sort(r->query, r->query_count, NULL, 0, true);
	if (query == NULL)
		return pnr_fail_nomem(err);
	pnr_buffer_printf(out, "/%s%s", account, r->path);
	for (size_t i = 0; i < r->query_count; i++) {
		pnr_buffer_putc(out, '\n');
		pnr_sign__lower(out, query[i].name);
		pnr_buffer_printf(out, ":%s", query[i].value);
	}
	return pnr_buffer_status(out, err);
}

static pnr_status string_to_sign(const pnr_sign_request *r, const char *account, const char *date, pnr_buffer *out,
                                 pnr_error *err)
{
	pnr_buffer_printf(out, "%s\n", r->method);
	put_standard_headers(r, out);
	pnr_status status = put_own_headers(r, date, out, err);
	return status == PNR_OK ? put_resource(r, account, out, err) : status;
}

/* The bytes of the base64 @text; 0: it is none, or not of a key's size. */
static size_t decode(const char *text, uint8_t out_secret[SECRET_MAX])
{
	size_t length = strlen(text);
	if (length == 0 || length % 4 != 0 || length > SECRET_MAX)
		return 0;
	int decoded = EVP_DecodeBlock(out_secret, (const unsigned char *)text, (int)length);
	size_t padding = text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
	return decoded < 0 ? 0 : (size_t)decoded - padding;
}

static pnr_status sign(const char *secret, const pnr_buffer *text, char out_signature[PNR_DIGEST_HEX_SIZE],
                       pnr_error *err)
{
	uint8_t key[SECRET_MAX];
	uint8_t mac[PNR_DIGEST_SIZE];
	size_t length = decode(secret, key);
	pnr_status status = PNR_OK;
	if (length == 0)
		status = pnr_fail(err, PNR_INVALID, "the account's key is not base64; copy it whole");
	if (status == PNR_OK)
		status = pnr_sign__hmac(key, length, text->data, text->length, mac, err);
	if (status == PNR_OK)
		(void)EVP_EncodeBlock((unsigned char *)out_signature, mac, sizeof mac);
	OPENSSL_cleanse(key, sizeof key);
	return status;
}

pnr_status pnr_sign_shared_key(const pnr_sign_request *request, const pnr_shared_key *key, pnr_sign_lines *out_lines,
                               pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
	char date[DATE_SIZE], signature[PNR_DIGEST_HEX_SIZE];
	set_date(request->now_ms, date);
	pnr_status status = string_to_sign(request, key->account, date, &text, err);
	if (status == PNR_OK)
		status = sign(key->secret, &text, signature, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_clear(&text);
	pnr_buffer_printf(&text, "SharedKey %s:%s", key->account, signature);
	status = pnr_buffer_status(&text, err);
	if (status == PNR_OK)
		status = pnr_sign__add(&lines, "Authorization", text.data, err);
	if (status == PNR_OK)
		status = pnr_sign__add(&lines, DATE_HEADER, date, err);
	if (status != PNR_OK)
		return status;
	*out_lines = lines;
	lines = (pnr_sign_lines){ .count = 0 };
	return PNR_OK;
}
