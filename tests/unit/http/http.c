/* Requests against a server that answers by a script: what is tried again, and what is told of a failure. */
#include "asked.h"
#include "base/clock.h"
#include "http/curl.h"
#include <signal.h>

/* A label of 64 letters: no name server is asked for that. */
#define NO_NAME "a234567890b234567890c234567890d234567890e234567890f234567890g234"

/* ------------------------------------------------------------ there and back -- */

static void an_answer_has_a_code_a_header_and_a_text(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .headers = "ETag:  \"abc\" \r\nX-Empty:\r\nx-longer: 123456789\r\n", .body = "hello" } };
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	const pnr_http_pair query[] = { { "prefix", "a b/c" }, { "list-type", "2" }, { "delete", "" } };
	const pnr_http_pair headers[] = { { "x-one", "1" }, { "x-none", "" } };
	asked a = ask(&s, "GET", "/bucket/key");
	char value[8];
	a.r.query = query;
	a.r.query_count = 3;
	a.r.headers = headers;
	a.r.header_count = 2;
	a.r.sign = sign;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.status, PNR_OK);
	assert_int_equal(a.r.code, 200);
	assert_false(a.r.unsure);
	assert_string_equal(a.r.text.data, "hello");
	assert_string_equal(pnr_http_header(&a.r, "etag", value, sizeof value), "\"abc\"");
	assert_string_equal(pnr_http_header(&a.r, "x-empty", value, sizeof value), "");
	assert_string_equal(pnr_http_header(&a.r, "x-longer", value, sizeof value), "");
	assert_string_equal(pnr_http_header(&a.r, "x-none", value, sizeof value), "");
	assert_contains(s.log.data, "GET /bucket/key?delete=&list-type=2&prefix=a%20b%2Fc HTTP/1.1\r\n");
	assert_contains(s.log.data, "\r\nx-one: 1\r\nx-none:\r\nAuthorization: secret-1-2\r\n");
	assert_string_equal(a.host, s.origin + 7);
	asked_free(&a);
	PNR_CLEANUP(asked_free) asked h = ask(&s, "HEAD", "/x");
	assert_ok(run(http, &h, err));
	assert_int_equal(h.r.code, 200);
	assert_string_equal(pnr_http_header(&h.r, "content-length", value, sizeof value), "5");
}

static void a_header_of_two_lines_is_not_sent(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 200 } };
	static const char *const values[] = { "a\r\nx-evil: 1", "a\nb", "a\r" };
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	for (size_t i = 0; i < PNR_COUNT(values); i++) {
		const pnr_http_pair header = { "x-one", values[i] };
		pnr_error err = PNR_ERROR_INIT;
		PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
		a.r.headers = &header;
		a.r.header_count = 1;
		assert_int_equal(run(http, &a, &err), PNR_INVALID);
		assert_string_equal(err.message, "what is to be sent as header 'x-one' holds a line break");
	}
	assert_int_equal(s.asked, 0);
}

static void bodies_are_sent_whole_and_again_from_their_start(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 503, .body = "later" }, { .drop = true }, { .code = 500 }, { .code = 201 } };
	server_start(&s, steps, 4);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(4);
	char *large = malloc((3 << 20) + 1);
	memset(large, 'x', 3 << 20);
	large[3 << 20] = '\0';
	asked a = ask(&s, "PUT", "/key");
	a.body = "the whole of it";
	a.r.sign = sign;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 201);
	assert_true(a.r.unsure);
	/* A kept connection that ended without an answer is libcurl's to replace. */
	assert_int_equal(a.signs, 3);
	assert_int_equal(s.asked, 4);
	const char *at = s.log.data;
	for (unsigned i = 0; i < 4; i++, at++) {
		at = strstr(at, "\r\n\r\nthe whole of it\n");
		assert_non_null(at);
	}
	assert_contains(s.log.data, "\r\nContent-Length: 15\r\n");
	assert_null(strstr(s.log.data, "\r\nExpect:"));
	asked_free(&a);
	/* One so large that the server is asked first whether it wants it. */
	a = ask(&s, "POST", "/large");
	a.body = large;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 201);
	assert_false(a.r.unsure);
	assert_contains(s.log.data, "\r\nExpect: 100-continue\r\n");
	asked_free(&a);
	a = ask(&s, "POST", "/empty");
	assert_ok(run(http, &a, err));
	assert_contains(s.log.data, "POST /empty HTTP/1.1\r\n");
	assert_contains(strstr(s.log.data, "POST /empty"), "Content-Length: 0\r\n");
	asked_free(&a);
	free(large);
}

static void what_libcurl_sends_again_may_have_happened(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 201 }, { .drop = true }, { .code = 412 } };
	server_start(&s, steps, 3);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(4);
	for (unsigned i = 0; i < 2; i++) {
		PNR_CLEANUP(asked_free) asked a = ask(&s, "PUT", "/key");
		a.body = "the whole of it";
		assert_ok(run(http, &a, err));
		assert_int_equal(a.r.code, i == 0 ? 201 : 412);
		assert_int_equal(a.r.unsure, i == 1);
	}
	assert_int_equal(s.asked, 3);
}

static bool again(void *context)
{
	const asked *a = context;
	return a->r.code == a->again_code;
}

static void what_does_not_pass_is_answered_at_once(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 403, .body = "no" }, { .code = 404 }, { .code = 409 }, { .code = 409 }, { .code = 200 } };
	server_start(&s, steps, 5);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(4);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "PUT", "/key");
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 403);
	assert_string_equal(a.r.text.data, "no");
	assert_failed(&a, PNR_DENIED, "PUT http://127.0.0.1:");
	assert_failed(&a, PNR_DENIED, "/key: 403");
	assert_ok(run(http, &a, err));
	assert_failed(&a, PNR_NOT_FOUND, "404");
	assert_int_equal(a.r.text.length, 0);
	/* But for what the caller says. */
	a.r.again = again;
	a.again_code = 409;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 200);
	assert_int_equal(s.asked, 5);
}

static void tries_end(void **state)
{
	(void)state;
	server s;
	static const step steps[] = { { .code = 503, .body = "busy" } };
	static const step dropped[] = { { .drop = true } };
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(6);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "PUT", "/key");
	a.body = "x";
	assert_ok(run(http, &a, err));
	assert_int_equal(s.asked, 6);
	assert_int_equal(a.r.code, 503);
	assert_true(a.r.unsure);
	assert_failed(&a, PNR_BUSY, "/key: 503");
	asked_free(&a);
	pnr_http_free(http);
	server_stop(&s);
	/* Fewer as long as none ever answered. */
	server_start(&s, dropped, 1);
	http = new_http(6);
	a = ask(&s, "PUT", "/key");
	a.body = "x";
	assert_ok(run(http, &a, err));
	assert_int_equal(s.asked, 4);
	assert_int_equal(a.r.code, 0);
	assert_true(a.r.unsure);
	assert_failed(&a, PNR_IO, "/key: after 4 tries: ");
	asked_free(&a);
	server_stop(&s);
	/* And nobody is there at all. */
	a = ask(&s, "GET", "/key");
	assert_ok(run(http, &a, err));
	assert_false(a.r.unsure);
	assert_failed(&a, PNR_IO, "after 4 tries: Failed to connect to 127.0.0.1");
	asked_free(&a);
	/* Nor is there such a name; the second try is on a handle that was not done with the first. */
	a = ask(&s, "GET", "/key");
	a.r.origin = "http://" NO_NAME;
	assert_ok(run(http, &a, err));
	assert_failed(&a, PNR_IO, "after 4 tries: Could not resolve host: " NO_NAME);
}

/* Swift's server ends the answer to a HEAD with a chunk that nobody waits for. */
static void what_is_left_on_a_kept_connection_is_no_answer(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 200 }, { .raw = "0\r\n\r\n" }, { .code = 201 },
		                      { .raw = "HTTP/9.9 200 X\r\n\r\n" }, { .code = 201 } };
	static const step strange[] = { { .raw = "SSH-2.0-OpenSSH\r\n" } };
	server_start(&s, steps, 5);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(3);
	for (unsigned i = 0; i < 3; i++) {
		PNR_CLEANUP(asked_free) asked a = ask(&s, i == 0 ? "HEAD" : "PUT", "/key");
		a.body = i == 0 ? NULL : "the whole of it";
		assert_ok(run(http, &a, err));
		assert_int_equal(a.r.code, i == 0 ? 200 : 201);
		assert_true(a.r.unsure == (i > 0));
	}
	assert_int_equal(s.asked, 5);
	pnr_http_free(http);
	server_stop(&s);
	/* Who says so on a new one is no server of HTTP. */
	server_start(&s, strange, 1);
	http = new_http(3);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	assert_ok(run(http, &a, err));
	assert_failed(&a, PNR_IO, "/key: Received HTTP/0.9 when not allowed");
	assert_int_equal(s.asked, 1);
}

static void retry_after_is_honoured(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 429, .headers = "Retry-After: 1\r\n" }, { .code = 200 } };
	server_start(&s, steps, 2);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(2);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	double begin = pnr_clock_monotonic();
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 200);
	assert_true(pnr_clock_monotonic() - begin >= 1);
}

static void a_server_that_says_nothing_is_left(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .hang = true } };
	server_start(&s, steps, 1);
	static const pnr_http_patience patience = { .idle_seconds = 1, .tries = 1 };
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	pnr_http_set_patience(http, &patience);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "PUT", "/key");
	a.body = "x";
	assert_ok(run(http, &a, err));
	assert_true(a.r.unsure);
	assert_failed(&a, PNR_IO, "/key: Operation too slow");
}

static void a_request_lasts_no_longer_than_it_may(void **state)
{
	(void)state;
	static const step slow[] = { { .body = "0123456789012345678901234567890123456789", .slow = true } };
	static const step busy[] = { { .code = 503, .headers = "Retry-After: 20\r\n" } };
	static const pnr_http_patience patience = { .idle_seconds = 30, .total_ms = 2500, .pause_ms = 1 };
	PNR_CLEANUP(server_stop) server s;
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	pnr_http_set_patience(http, &patience);
	server_start(&s, slow, 1);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.take = take_body;
	assert_ok(run(http, &a, err));
	assert_failed(&a, PNR_IO, "/key: Operation timed out after ");
	assert_int_equal(s.asked, 1);
	asked_free(&a);
	server_stop(&s);
	/* Nor is it waited for what would come too late. */
	server_start(&s, busy, 1);
	a = ask(&s, "GET", "/key");
	double begin = pnr_clock_monotonic();
	assert_ok(run(http, &a, err));
	assert_true(pnr_clock_monotonic() - begin < 15);
	assert_failed(&a, PNR_BUSY, "/key: 503");
	assert_int_equal(s.asked, 1);
}

/* ------------------------------------------------------------------- failures -- */

static void a_failure_that_is_told_without_end_is_left(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static char filler[300000];
	memset(filler, 'f', sizeof filler - 1);
	memcpy(filler, "7fffffff\r\n", 10);
	const step steps[] = { { .code = 403, .headers = "Transfer-Encoding: chunked\r\n", .body = filler } };
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(3);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.text_max = 1000;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 403);
	assert_int_equal(a.r.text.length, 1000);
	assert_int_equal(s.asked, 1);
}

static void a_header_without_end_is_the_servers_fault(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static char line[150000];
	memset(line, 'h', sizeof line - 1);
	memcpy(line, "x-long: ", 8);
	const step steps[] = { { .headers = line } };
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(3);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	assert_ok(run(http, &a, err));
	assert_failed(&a, PNR_IO, "/key: a line of the answer's header is too long");
	assert_int_equal(s.asked, 1);
}

static CURLMcode (*real_cleanup)(CURLM *multi);

/* As OpenSSL does where the server is gone. */
static CURLMcode cleanup_into_a_closed_pipe(CURLM *multi)
{
	(void)raise(SIGPIPE);
	return real_cleanup(multi);
}

static void nobody_is_killed_by_connections_that_end(void **state)
{
	(void)state;
	sigset_t pending;
	pnr_http *http = new_http(1);
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	real_cleanup = pnr_curl.multi_cleanup;
	pnr_curl.multi_cleanup = cleanup_into_a_closed_pipe;
	pnr_http_free(http);
	pnr_curl.multi_cleanup = real_cleanup;
	assert_int_equal(sigpending(&pending), 0);
	assert_int_equal(sigismember(&pending, SIGPIPE), 0);
}

static void a_proxys_password_is_not_told(void **state)
{
	(void)state;
	static const char *const proxies[] = { "htp://user:topsecret@127.0.0.1:1", "http://user:topsecret@127.0.0.1:x",
		                               "http://user:topsecret@127.0.0.1:1" };
	for (size_t i = 0; i < PNR_COUNT(proxies); i++) {
		assert_int_equal(setenv("http_proxy", proxies[i], 1), 0);
		PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
		PNR_CLEANUP(asked_free) asked a = { .r = { .method = "GET", .origin = "http://name.invalid", .path = "/key" } };
		assert_ok(run(http, &a, err));
		assert_int_equal(a.r.code, 0);
		assert_null(strstr(a.r.error.message, "topsecret"));
	}
	assert_int_equal(unsetenv("http_proxy"), 0);
}

/* libcurl writes an address in its own way. */
static void the_host_that_is_signed_is_the_one_that_is_sent(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .code = 200 } };
	char origin[64], line[96];
	server_start(&s, steps, 1);
	(void)snprintf(origin, sizeof origin, "http://127.1:%s", strrchr(s.origin, ':') + 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.origin = origin;
	a.r.sign = sign;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 200);
	(void)snprintf(line, sizeof line, "\r\nHost: %s\r\n", a.host);
	assert_contains(s.log.data, line);
}

static void an_answer_that_is_too_long_is_not_kept(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static char filler[3000], headers[3200];
	memset(filler, 'f', sizeof filler - 1);
	(void)snprintf(headers, sizeof headers, "X-Fill: %s\r\n", filler);
	const step steps[] = { { .body = filler }, { .code = 403, .body = filler } };
	server_start(&s, steps, 2);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.text_max = 2999;
	a.r.text_max--;
	assert_ok(run(http, &a, err));
	assert_failed(&a, PNR_CORRUPT, "the answer is longer than 2998 bytes");
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 403);
	assert_int_equal(a.r.text.length, 2998);
}

static void a_redirect_is_not_followed_and_its_secrets_are_not_told(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server other;
	PNR_CLEANUP(server_stop) server s;
	char headers[400];
	static const step never[] = { { .code = 200 } };
	server_start(&other, never, 1);
	(void)snprintf(headers, sizeof headers, "Location: http://user:pass@%s/place?sig=secret\r\n", other.origin + 7);
	const step steps[] = { { .code = 307, .headers = headers }, { .code = 301, .headers = "Location: /secret\r\n" } };
	server_start(&s, steps, 2);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(2);
	const pnr_http_pair query[] = { { "sig", "topsecret" } };
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	pnr_error told = PNR_ERROR_INIT;
	a.r.sign = sign;
	a.r.query = query;
	a.r.query_count = 1;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 307);
	assert_int_equal(pnr_http_fail(&a.r, NULL, &told), PNR_IO);
	assert_int_equal(told.detail, 307);
	assert_contains(told.message, "307: it is elsewhere, on '127.0.0.1:");
	assert_contains(told.message, other.origin + 7);
	assert_null(strstr(told.message, "secret"));
	assert_null(strstr(told.message, "pass"));
	assert_null(strstr(told.message, "place"));
	assert_ok(run(http, &a, err));
	pnr_error_clear(&told);
	assert_int_equal(pnr_http_fail(&a.r, NULL, &told), PNR_IO);
	assert_null(strstr(told.message, "secret"));
	assert_int_equal(other.asked, 0);
}

static void what_a_callback_fails_with_ends_the_run(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .body = "0123456789" } };
	static const step hang[] = { { .hang = true } };
	pnr_error err = PNR_ERROR_INIT;
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(4);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "PUT", "/key");
	a.body = "x";
	a.read_status = PNR_FULL;
	assert_int_equal(run(http, &a, &err), PNR_FULL);
	assert_string_equal(err.message, "the body cannot be read");
	asked_free(&a);
	a = ask(&s, "GET", "/key");
	a.r.take = take_body;
	a.take_status = PNR_DENIED;
	pnr_error_clear(&err);
	assert_int_equal(run(http, &a, &err), PNR_DENIED);
	assert_string_equal(err.message, "the sink is full");
	/* And the handle is as good as before. */
	a.take_status = PNR_OK;
	pnr_error_clear(&err);
	assert_int_equal(run(http, &a, &err), PNR_OK);
	assert_string_equal(a.got.data, "0123456789");
	asked_free(&a);
	server_stop(&s);
	server_start(&s, hang, 1);
	a = ask(&s, "GET", "/key");
	a.polls_max = 3;
	double begin = pnr_clock_monotonic();
	assert_int_equal(run(http, &a, &err), PNR_CANCELLED);
	assert_true(pnr_clock_monotonic() - begin < 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_a_code_a_header_and_a_text),
		cmocka_unit_test(a_header_of_two_lines_is_not_sent),
		cmocka_unit_test(bodies_are_sent_whole_and_again_from_their_start),
		cmocka_unit_test(what_libcurl_sends_again_may_have_happened),
		cmocka_unit_test(what_does_not_pass_is_answered_at_once),
		cmocka_unit_test(tries_end),
		cmocka_unit_test(what_is_left_on_a_kept_connection_is_no_answer),
		cmocka_unit_test(retry_after_is_honoured),
		cmocka_unit_test(a_server_that_says_nothing_is_left),
		cmocka_unit_test(a_request_lasts_no_longer_than_it_may),
		cmocka_unit_test(an_answer_that_is_too_long_is_not_kept),
		cmocka_unit_test(a_failure_that_is_told_without_end_is_left),
		cmocka_unit_test(a_header_without_end_is_the_servers_fault),
		cmocka_unit_test(nobody_is_killed_by_connections_that_end),
		cmocka_unit_test(a_proxys_password_is_not_told),
		cmocka_unit_test(the_host_that_is_signed_is_the_one_that_is_sent),
		cmocka_unit_test(a_redirect_is_not_followed_and_its_secrets_are_not_told),
		cmocka_unit_test(what_a_callback_fails_with_ends_the_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
