/* Downloads that break off: where they go on, and with what they never do. */
#include "asked.h"

static void a_download_goes_on_where_it_broke(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = {
		{ .headers = "ETag: \"v1\"\r\n", .body = "0123456789", .cut = 4 },
		{ .code = 503, .body = "not a part of it" },
		{ .code = 206, .headers = "ETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\n", .body = "456789", .cut = 1 },
		{ .drop = true },
		{ .headers = "ETag: \"v1\"\r\n", .body = "0123456789", .cut = 3 }, /* does not know Range */
		{ .headers = "ETag: \"v1\"\r\n", .body = "0123456789" },
	};
	server_start(&s, steps, 6);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(6);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.take = take_body;
	a.r.sign = sign;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.status, PNR_OK);
	assert_string_equal(a.got.data, "0123456789");
	assert_contains(s.log.data, "\r\nRange: bytes=4-\r\nIf-Match: \"v1\"\r\nAuthorization: secret-2-2\r\n");
	assert_contains(s.log.data, "\r\nRange: bytes=5-\r\nIf-Match: \"v1\"\r\nAuthorization: secret-4-2\r\n");
}

static void a_download_never_goes_on_with_something_else(void **state)
{
	(void)state;
	static const step cut = { .headers = "ETag: \"v1\"\r\n", .body = "0123456789", .cut = 4 };
	static const step bare = { .body = "0123456789", .cut = 4 };
	static const step weak = { .headers = "ETag: W/\"v1\"\r\n", .body = "0123456789", .cut = 4 };
	const struct {
		step steps[2];
		const char *text;
	} cases[] = {
		{ { cut, { .headers = "ETag: \"v2\"\r\n", .body = "abcdefghij" } }, "it was changed while it was got" },
		{ { cut, { .code = 206, .headers = "ETag: \"v2\"\r\nContent-Range: bytes 4-9/10\r\n", .body = "efghij" } },
		  "it was changed while it was got" },
		{ { cut, { .code = 206, .headers = "ETag: \"v1\"\r\nContent-Range: bytes 3-8/10\r\n", .body = "345678" } },
		  "another part of it" },
		{ { cut, { .code = 206, .headers = "ETag: \"v1\"\r\n", .body = "345678" } }, "another part of it" },
		/* not up to its end */
		{ { cut, { .code = 206, .headers = "ETag: \"v1\"\r\nContent-Range: bytes 4-6/10\r\n", .body = "456" } },
		  "another part of it" },
		{ { cut, { .headers = "ETag: \"v1\"\r\n", .body = "012" } }, "it is shorter than what had come of it" },
		{ { cut, { .code = 206, .headers = "ETag: \"v2\"\r\n" } }, "it was changed while it was got" },
		{ { cut, { .code = 412, .body = "changed" } }, "changed or removed before the rest came (412)" },
		{ { cut, { .code = 404, .body = "gone" } }, "changed or removed before the rest came (404)" },
		{ { cut, { .code = 410 } }, "changed or removed before the rest came (410)" },
		{ { cut, { .code = 416 } }, "changed or removed before the rest came (416)" },
		{ { bare, { .body = "0123456789" } }, "it broke off after 4 bytes, and has no ETag" },
		{ { weak, { .body = "0123456789" } }, "it broke off after 4 bytes, and has no ETag" },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		PNR_CLEANUP(server_stop) server s;
		server_start(&s, cases[i].steps, 2);
		PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(3);
		PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
		a.r.take = take_body;
		assert_ok(run(http, &a, err));
		assert_int_equal(a.r.code, 0);
		assert_int_not_equal(a.r.status, PNR_OK);
		assert_contains(a.r.error.message, cases[i].text);
		assert_string_equal(a.got.data, "0123");
	}
	(void)state;
}

/* It is there as it was, for all that is known. */
static void what_keeps_the_rest_of_a_download_is_told(void **state)
{
	(void)state;
	static const step cut = { .headers = "ETag: \"v1\"\r\n", .body = "0123456789", .cut = 4 };
	static const struct {
		int code;
		pnr_status status;
	} cases[] = { { 401, PNR_DENIED }, { 403, PNR_DENIED }, { 503, PNR_BUSY }, { 500, PNR_RETRY }, { 307, PNR_IO } };
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		PNR_CLEANUP(server_stop) server s;
		char text[16];
		const step steps[] = { cut, { .code = cases[i].code, .body = "why" } };
		server_start(&s, steps, 2);
		PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(3);
		PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
		a.r.take = take_body;
		assert_ok(run(http, &a, err));
		assert_int_equal(a.r.code, cases[i].code);
		assert_string_equal(a.r.text.data, "why");
		(void)snprintf(text, sizeof text, "/key: %d", cases[i].code);
		assert_failed(&a, cases[i].status, text);
		assert_string_equal(a.got.data, "0123");
	}
}

static void a_download_that_moves_is_not_given_up(void **state)
{
	(void)state;
	enum { PIECE = 70000, PIECES = 6 };
	static char headers[PIECES][80], all[PIECE * PIECES + 1];
	static step steps[PIECES];
	PNR_CLEANUP(server_stop) server s;
	memset(all, 'y', PIECE * PIECES);
	for (size_t i = 0; i < PIECES; i++) {
		(void)snprintf(headers[i], sizeof headers[i], "ETag: \"v\"\r\nContent-Range: bytes %zu-%d/%d\r\n", i * PIECE,
		               PIECE * PIECES - 1, PIECE * PIECES);
		steps[i] = (step){ .code = i == 0 ? 200 : 206, .headers = headers[i], .body = all + i * PIECE,
			           .cut = i + 1 < PIECES ? PIECE : 0 };
	}
	server_start(&s, steps, PIECES);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(2);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.take = take_body;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 206);
	assert_int_equal(a.got.length, PIECE * PIECES);
}

static void a_part_that_was_not_asked_for_is_not_the_whole(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = {
		{ .code = 206, .headers = "ETag: \"v1\"\r\nContent-Range: bytes 0-3/10\r\n", .body = "0123" }
	};
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	PNR_CLEANUP(asked_free) asked a = ask(&s, "GET", "/key");
	a.r.take = take_body;
	assert_ok(run(http, &a, err));
	assert_int_equal(a.r.code, 0);
	assert_failed(&a, PNR_IO, "another part of it");
	assert_int_equal(a.got.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_download_goes_on_where_it_broke),
		cmocka_unit_test(a_download_never_goes_on_with_something_else),
		cmocka_unit_test(what_keeps_the_rest_of_a_download_is_told),
		cmocka_unit_test(a_download_that_moves_is_not_given_up),
		cmocka_unit_test(a_part_that_was_not_asked_for_is_not_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
