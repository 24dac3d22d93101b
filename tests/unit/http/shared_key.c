/* SharedKey against what @azure/storage-blob 12.32.0 sent for the emulator's account, whose key is public. */
#include "../base/support.h"
#include "http/sign.h"

#define FIRST_MS INT64_C(1795737860000) /* 2026-11-27T00:04:20Z */
#define SIGNED "Authorization: SharedKey devstoreaccount1:"
#define BLOB "/devstoreaccount1/c/p/blobs/ab.gz"

static const pnr_shared_key emulator = {
	.account = "devstoreaccount1",
	.secret = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
};

typedef struct vector {
	const char *method, *path;
	pnr_http_pair query[4], headers[6];
	uint64_t length;
	int64_t now_ms;
	const char *signature;
} vector;

static const vector vectors[] = {
	{ .method = "PUT", .path = BLOB, .length = 5, .now_ms = FIRST_MS,
	  .headers = { { "Content-Type", "application/octet-stream" },
	               { "x-ms-version", "2026-04-06" },
	               { "If-None-Match", "*" },
	               { "x-ms-blob-content-type", "application/gzip" },
	               { "x-ms-blob-type", "BlockBlob" },
	               { "x-ms-client-request-id", "252d9785-db40-4a7a-abbe-b5340c41e0e1" } },
	  .signature = "xb4LGNZSgPyNRF2yVMfquIc9hqmaifBhdUVFzmHA7H0=" },
	{ .method = "PUT", .path = BLOB, .now_ms = FIRST_MS + 1000,
	  .headers = { { "x-ms-blob-type", "BlockBlob" },
	               { "X-MS-Version", "2026-04-06" },
	               { "x-ms-client-request-id", "905fe026-150d-4b10-9223-196d5668db3b" },
	               { "content-type", "application/octet-stream" },
	               { "Accept", "application/xml" } },
	  .signature = "/fJvrPXnRnwR2+Zrdzve6+sPQF3is8nlEudwdFF7P5o=" },
	{ .method = "GET", .path = BLOB, .now_ms = FIRST_MS + 1000,
	  .headers = { { "x-ms-version", "2026-04-06" },
	               { "x-ms-range", "bytes=5-14" },
	               { "If-Match", "\"0x8D\"" },
	               { "x-ms-client-request-id", "39230a98-db9a-44e8-8746-14a5b282fbe5" } },
	  .signature = "Hr4XQlGB/5W+5tycLRlU8N53YeCf7PGgdYOqte2Ex3k=" },
	{ .method = "PUT", .path = BLOB, .length = 5, .now_ms = FIRST_MS + 1000,
	  .query = { { "comp", "block" }, { "blockid", "AAAA" } },
	  .headers = { { "Content-Type", "application/octet-stream" },
	               { "x-ms-version", "2026-04-06" },
	               { "x-ms-client-request-id", "3b57fcf1-0765-43f2-b352-44c5a25a08bb" } },
	  .signature = "HqpCmEAAGzM8AL+LI1nhM5KHXnU/04U0KYt59l5heX8=" },
	{ .method = "PUT", .path = BLOB, .length = 120, .now_ms = FIRST_MS + 1000,
	  .query = { { "comp", "blocklist" } },
	  .headers = { { "Content-Type", "application/xml" },
	               { "x-ms-version", "2026-04-06" },
	               { "If-Match", "\"0x8D\"" },
	               { "x-ms-client-request-id", "f2ef0008-f6f6-4787-ad36-cfe3733eba6d" } },
	  .signature = "dV9kxtSorE2fimWHUx2dcJZ0DllEYMQ8I5Vi81b/5V0=" },
	{ .method = "GET", .path = "/devstoreaccount1/c", .now_ms = FIRST_MS + 52000,
	  .query = { { "comp", "list" },
	             { "prefix", "p/blobs/" },
	             { "maxresults", "5000" },
	             { "restype", "container" } },
	  .headers = { { "x-ms-version", "2026-04-06" },
	               { "x-ms-client-request-id", "3976436f-e662-4e00-923f-71e23d3d7ad4" } },
	  .signature = "/RRiO/V/YSeu2gEyIBlZf54OsBiiAk7OxhbRcXbD4Lw=" },
};

static size_t pairs(const pnr_http_pair *list, size_t most)
{
	size_t count = 0;
	while (count < most && list[count].name != NULL)
		count++;
	return count;
}

static pnr_sign_request request_of(const vector *v)
{
	return (pnr_sign_request){ .method = v->method,
		                   .path = v->path,
		                   .query = v->query,
		                   .query_count = pairs(v->query, PNR_COUNT(v->query)),
		                   .headers = v->headers,
		                   .header_count = pairs(v->headers, PNR_COUNT(v->headers)),
		                   .length = v->length,
		                   .now_ms = v->now_ms };
}

static void azures_own_client_signs_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(vectors); i++) {
		PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
		const pnr_sign_request request = request_of(&vectors[i]);
		assert_int_equal(pnr_sign_shared_key(&request, &emulator, &lines, NULL), PNR_OK);
		assert_int_equal(lines.count, 2);
		assert_memory_equal(lines.line[0], SIGNED, sizeof SIGNED - 1);
		assert_string_equal(lines.line[0] + sizeof SIGNED - 1, vectors[i].signature);
	}
}

static void dates_are_as_http_writes_them(void **state)
{
	(void)state;
	static const struct {
		int64_t ms;
		const char *line;
	} dates[] = { { FIRST_MS, "x-ms-date: Fri, 27 Nov 2026 00:04:20 GMT" },
		      { 0, "x-ms-date: Thu, 01 Jan 1970 00:00:00 GMT" },
		      { -1, "x-ms-date: Thu, 01 Jan 1970 00:00:00 GMT" },
		      { INT64_C(1435361952000), "x-ms-date: Fri, 26 Jun 2015 23:39:12 GMT" },
		      { INT64_C(1709164800000), "x-ms-date: Thu, 29 Feb 2024 00:00:00 GMT" },
		      { INT64_C(1767225599999), "x-ms-date: Wed, 31 Dec 2025 23:59:59 GMT" } };
	for (size_t i = 0; i < PNR_COUNT(dates); i++) {
		PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
		pnr_sign_request request = request_of(&vectors[0]);
		request.now_ms = dates[i].ms;
		assert_int_equal(pnr_sign_shared_key(&request, &emulator, &lines, NULL), PNR_OK);
		assert_string_equal(lines.line[1], dates[i].line);
	}
}

static void a_key_that_is_no_base64_is_refused_and_not_repeated(void **state)
{
	(void)state;
	static const char *const secrets[] = { "", "abc", "ab!c", "secretsecret*" };
	const pnr_sign_request request = request_of(&vectors[0]);
	for (size_t i = 0; i < PNR_COUNT(secrets); i++) {
		pnr_error err = PNR_ERROR_INIT;
		pnr_sign_lines lines = { .count = 0 };
		const pnr_shared_key key = { "devstoreaccount1", secrets[i] };
		assert_int_equal(pnr_sign_shared_key(&request, &key, &lines, &err), PNR_INVALID);
		assert_string_equal(err.message, "the account's key is not base64; copy it whole");
		assert_int_equal(lines.count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(azures_own_client_signs_the_same),
		cmocka_unit_test(dates_are_as_http_writes_them),
		cmocka_unit_test(a_key_that_is_no_base64_is_refused_and_not_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
