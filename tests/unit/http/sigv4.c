/*
 * Signature Version 4 against what AWS published: its test suite, and the examples in the manual of S3; and against
 * libcurl's own.
 */
#include "base/clock.h"
#include "http/curl.h"
#include "http/sign.h"
#include "server.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SUITE_MS INT64_C(1440938160000) /* 2015-08-30T12:36:00Z */
#define S3_MS INT64_C(1369353600000)    /* 2013-05-24T00:00:00Z */
#define S3_HOST "examplebucket.s3.amazonaws.com"

static const pnr_sigv4_key suite_key = { .id = "AKIDEXAMPLE",
	                                 .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
	                                 .region = "us-east-1",
	                                 .service = "service" };
static const pnr_sigv4_key s3_key = { .id = "AKIAIOSFODNN7EXAMPLE",
	                              .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	                              .region = "us-east-1",
	                              .service = "s3" };

typedef struct vector {
	const char *name, *method, *path;
	pnr_http_pair query[3], headers[3];
	const char *body; /* NULL: none */
	const char *signed_headers, *signature;
} vector;

static const vector suite[] = {
	{ .name = "get-vanilla", .method = "GET", .path = "/", .signed_headers = "host;x-amz-date",
	  .signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ .name = "get-vanilla-query-order-key-case", .method = "GET", .path = "/",
	  .query = { { "Param2", "value2" }, { "Param1", "value1" } }, .signed_headers = "host;x-amz-date",
	  .signature = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ .name = "get-vanilla-empty-query-key", .method = "GET", .path = "/", .query = { { "Param1", "value1" } },
	  .signed_headers = "host;x-amz-date",
	  .signature = "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
	{ .name = "get-vanilla-query-unreserved", .method = "GET", .path = "/",
	  .query = { { "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	               "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" } },
	  .signed_headers = "host;x-amz-date",
	  .signature = "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
	{ .name = "get-vanilla-utf8-query", .method = "GET", .path = "/", .query = { { "\xe1\x88\xb4", "bar" } },
	  .signed_headers = "host;x-amz-date",
	  .signature = "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
	{ .name = "get-unreserved", .method = "GET",
	  .path = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
	  .signed_headers = "host;x-amz-date",
	  .signature = "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
	{ .name = "get-utf8", .method = "GET", .path = "/%E1%88%B4", .signed_headers = "host;x-amz-date",
	  .signature = "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
	{ .name = "get-header-value-trim", .method = "GET", .path = "/",
	  .headers = { { "My-Header1", " value1" }, { "My-Header2", " \"a   b   c\"" } },
	  .signed_headers = "host;my-header1;my-header2;x-amz-date",
	  .signature = "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
	{ .name = "post-vanilla", .method = "POST", .path = "/", .signed_headers = "host;x-amz-date",
	  .signature = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ .name = "post-header-key-sort", .method = "POST", .path = "/", .headers = { { "My-Header1", "value1" } },
	  .signed_headers = "host;my-header1;x-amz-date",
	  .signature = "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
	{ .name = "post-x-www-form-urlencoded", .method = "POST", .path = "/",
	  .headers = { { "Content-Type", "application/x-www-form-urlencoded" } }, .body = "Param1=value1",
	  .signed_headers = "content-type;host;x-amz-date",
	  .signature = "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

static const vector s3_examples[] = {
	{ .name = "get object", .method = "GET", .path = "/test.txt", .headers = { { "Range", "bytes=0-9" } },
	  .signed_headers = "host;range;x-amz-content-sha256;x-amz-date",
	  .signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ .name = "put object", .method = "PUT", .path = "/test%24file.text",
	  .headers = { { "x-amz-storage-class", "REDUCED_REDUNDANCY" }, { "Date", "Fri, 24 May 2013 00:00:00 GMT" } },
	  .body = "Welcome to Amazon S3.",
	  .signed_headers = "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	  .signature = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ .name = "get lifecycle", .method = "GET", .path = "/", .query = { { "lifecycle", "" } },
	  .signed_headers = "host;x-amz-content-sha256;x-amz-date",
	  .signature = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ .name = "list objects", .method = "GET", .path = "/", .query = { { "prefix", "J" }, { "max-keys", "2" } },
	  .signed_headers = "host;x-amz-content-sha256;x-amz-date",
	  .signature = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static size_t pairs(const pnr_http_pair *list, size_t most)
{
	size_t count = 0;
	while (count < most && list[count].name != NULL)
		count++;
	return count;
}

static void sign(const vector *v, const char *host, int64_t now_ms, const pnr_sigv4_key *key, pnr_sign_lines *out)
{
	char payload[PNR_DIGEST_HEX_SIZE];
	const char *body = v->body == NULL ? "" : v->body;
	assert_int_equal(pnr_sign_payload(body, strlen(body), payload, NULL), PNR_OK);
	const pnr_sign_request request = { .method = v->method,
		                           .host = host,
		                           .path = v->path,
		                           .query = v->query,
		                           .query_count = pairs(v->query, PNR_COUNT(v->query)),
		                           .headers = v->headers,
		                           .header_count = pairs(v->headers, PNR_COUNT(v->headers)),
		                           .payload = payload,
		                           .now_ms = now_ms };
	assert_int_equal(pnr_sign_v4(&request, key, out, NULL), PNR_OK);
}

static void expect(const vector *v, const pnr_sigv4_key *key, const char *date, const pnr_sign_lines *lines)
{
	char expected[512];
	snprintf(expected, sizeof expected,
	         "Authorization: AWS4-HMAC-SHA256 Credential=%s/%s/us-east-1/%s/aws4_request, "
	         "SignedHeaders=%s, Signature=%s",
	         key->id, date, key->service, v->signed_headers, v->signature);
	if (strcmp(lines->line[0], expected) != 0)
		fail_msg("%s: %s", v->name, lines->line[0]);
}

static void the_test_suite_of_aws_is_passed(void **state)
{
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(suite); i++) {
		PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
		sign(&suite[i], "example.amazonaws.com", SUITE_MS, &suite_key, &lines);
		expect(&suite[i], &suite_key, "20150830", &lines);
		assert_int_equal(lines.count, 2);
		assert_string_equal(lines.line[1], "x-amz-date: 20150830T123600Z");
	}
}

static void the_examples_of_s3_are_signed_as_printed(void **state)
{
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(s3_examples); i++) {
		PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
		sign(&s3_examples[i], S3_HOST, S3_MS, &s3_key, &lines);
		expect(&s3_examples[i], &s3_key, "20130524", &lines);
		assert_int_equal(lines.count, 3);
		assert_string_equal(lines.line[1], "x-amz-date: 20130524T000000Z");
		if (s3_examples[i].body == NULL)
			assert_string_equal(lines.line[2], "x-amz-content-sha256: " EMPTY);
	}
}

/* "post-sts-header-before" of the suite. */
static void the_token_of_a_session_is_sent_and_signed(void **state)
{
	(void)state;
	static const char token[] = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFq"
				    "wAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wU"
				    "E8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0"
				    "rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIl"
				    "TJabIQwj2ICCR/oLxBA==";
	PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
	pnr_sigv4_key key = suite_key;
	key.token = token;
	const vector v = { .name = "post-sts-header-before", .method = "POST", .path = "/",
		           .signed_headers = "host;x-amz-date;x-amz-security-token",
		           .signature = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" };
	sign(&v, "example.amazonaws.com", SUITE_MS, &key, &lines);
	expect(&v, &key, "20150830", &lines);
	assert_int_equal(lines.count, 3);
	assert_int_equal(strncmp(lines.line[2], "x-amz-security-token: ", 22), 0);
	assert_string_equal(lines.line[2] + 22, token);
}

/* ----------------------------------------------------------------- libcurl -- */

/* Of a vector libcurl makes the same, if the query is sorted and each header given: it signs what it is given. */
static const vector sent[] = {
	{ .name = "get", .method = "GET", .path = "/bucket/blobs/ab/abcd.gz" },
	{ .name = "list", .method = "GET", .path = "/bucket",
	  .query = { { "list-type", "2" }, { "max-keys", "1000" }, { "prefix", "p/blobs/" } } },
	{ .name = "put", .method = "PUT", .path = "/bucket/key", .body = "some bytes",
	  .headers = { { "Content-Type", "application/gzip" }, { "If-None-Match", "*" } } },
	{ .name = "encoded", .method = "GET", .path = "/bucket/a%20b" },
};

static void add_line(struct curl_slist **lines, const char *name, const char *value)
{
	char line[256];
	(void)snprintf(line, sizeof line, "%s: %s", name, value);
	struct curl_slist *more = pnr_curl.slist_append(*lines, line);
	assert_non_null(more);
	*lines = more;
}

static void perform(CURL *easy)
{
	int running = 1;
	CURLM *multi = pnr_curl.multi_init();
	assert_non_null(multi);
	assert_int_equal(pnr_curl.multi_add_handle(multi, easy), CURLM_OK);
	while (running > 0) {
		assert_int_equal(pnr_curl.multi_perform(multi, &running), CURLM_OK);
		assert_int_equal(pnr_curl.multi_poll(multi, NULL, 0, 10, NULL), CURLM_OK);
	}
	assert_int_equal(pnr_curl.multi_remove_handle(multi, easy), CURLM_OK);
	assert_int_equal(pnr_curl.multi_cleanup(multi), CURLM_OK);
}

static void send_by_curl(const vector *v, const char *origin)
{
	char url[512], query[256] = "", payload[PNR_DIGEST_HEX_SIZE], user[128];
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arguments = PNR_BUFFER_INIT;
	struct curl_slist *lines = NULL;
	CURL *easy = pnr_curl.easy_init();
	assert_non_null(easy);
	assert_int_equal(pnr_sign_query(&arguments, v->query, pairs(v->query, 3), NULL), PNR_OK);
	if (arguments.length > 0)
		(void)snprintf(query, sizeof query, "?%s", arguments.data);
	(void)snprintf(url, sizeof url, "%s%s%s", origin, v->path, query);
	(void)snprintf(user, sizeof user, "%s:%s", s3_key.id, s3_key.secret);
	const char *body = v->body == NULL ? "" : v->body;
	assert_int_equal(pnr_sign_payload(body, strlen(body), payload, NULL), PNR_OK);
	add_line(&lines, "x-amz-content-sha256", payload);
	for (size_t i = 0; i < pairs(v->headers, 3); i++)
		add_line(&lines, v->headers[i].name, v->headers[i].value);
	pnr_curl.easy_setopt(easy, CURLOPT_URL, url);
	pnr_curl.easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
	pnr_curl.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, v->method);
	if (v->body != NULL)
		pnr_curl.easy_setopt(easy, CURLOPT_POSTFIELDS, v->body);
	assert_int_equal(pnr_curl.easy_setopt(easy, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:s3"), CURLE_OK);
	assert_int_equal(pnr_curl.easy_setopt(easy, CURLOPT_USERPWD, user), CURLE_OK);
	perform(easy);
	pnr_curl.easy_cleanup(easy);
	pnr_curl.slist_free_all(lines);
}

/* The value of a header that was sent. */
static void header_of(const char *log, const char *name, char *out, size_t size)
{
	const char *at = strcasestr(log, name);
	assert_non_null(at);
	at += strlen(name);
	(void)snprintf(out, size, "%.*s", (int)strcspn(at, "\r\n"), at);
}

static void libcurl_signs_the_same(void **state)
{
	(void)state;
	static const step steps[] = { { .code = 200 } };
	assert_int_equal(pnr_curl_load(NULL), PNR_OK);
	for (size_t i = 0; i < PNR_COUNT(sent); i++) {
		PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
		char theirs[512], date[64], iso[64];
		int64_t now_ms;
		server s;
		server_start(&s, steps, 1);
		send_by_curl(&sent[i], s.origin);
		header_of(s.log.data, "\r\nAuthorization: ", theirs, sizeof theirs);
		header_of(s.log.data, "\r\nx-amz-date: ", date, sizeof date);
		(void)snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4, date + 6, date + 9,
		               date + 11, date + 13);
		assert_true(pnr_clock_parse(iso, &now_ms));
		sign(&sent[i], s.origin + strlen("http://"), now_ms, &s3_key, &lines);
		if (strcmp(lines.line[0] + strlen("Authorization: "), theirs) != 0)
			fail_msg("%s: %s\n%s", sent[i].name, lines.line[0], theirs);
		server_stop(&s);
	}
}

static void queries_are_sorted_and_encoded(void **state)
{
	(void)state;
	static const pnr_http_pair query[] = { { "prefix", "blobs/a b" }, { "list-type", "2" }, { "a", "=&%+\xc3\xa4" },
		                               { "uploads", "" } };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	assert_int_equal(pnr_sign_query(&out, query, PNR_COUNT(query), NULL), PNR_OK);
	assert_string_equal(out.data, "a=%3D%26%25%2B%C3%A4&list-type=2&prefix=blobs%2Fa%20b&uploads=");
	pnr_buffer_clear(&out);
	assert_int_equal(pnr_sign_query(&out, NULL, 0, NULL), PNR_OK);
	assert_int_equal(out.length, 0);
	pnr_sign_encode(&out, "/a b/~", "/");
	assert_string_equal(out.data, "/a%20b/~");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_test_suite_of_aws_is_passed),
		cmocka_unit_test(the_examples_of_s3_are_signed_as_printed),
		cmocka_unit_test(the_token_of_a_session_is_sent_and_signed),
		cmocka_unit_test(libcurl_signs_the_same),
		cmocka_unit_test(queries_are_sorted_and_encoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
