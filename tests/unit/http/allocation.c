/*
 * Every allocation of a request fails once, libcurl's too: a clean failure or all of it, and nothing leaked. What this
 * code frees holds no secret any more.
 */
#include "http/http.h"
#include "../../allocator.h"
#include "server.h"
#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/wait.h>

/* The sanitizer has the allocator to itself; builds without it run this. */
#ifdef SANITIZED

static void every_allocation_may_fail(void **state)
{
	(void)state;
	skip();
}

static void secrets_are_overwritten(void **state)
{
	(void)state;
	skip();
}

#else

static atomic_long live;      /* allocations that were not freed */
static atomic_long left = -1; /* how many more succeed until one fails; negative: all do */
static bool failed;           /* one has, in the last action */

static void allow(long count)
{
	atomic_store(&left, count);
}

static void allow_all(void)
{
	failed = atomic_exchange(&left, -1) < 0;
}

static bool may_allocate(void)
{
	if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0)
		return true;
	errno = ENOMEM;
	return false;
}

/* Cleared: what others left in it is not ours. */
static void *came(void *memory)
{
	atomic_fetch_add(&live, memory != NULL);
	return memory == NULL ? NULL : memset(memory, 0, malloc_usable_size(memory));
}

#define SECRET "hidden"

/* What the linker calls the begin and the end of this program's code. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier) */
extern const char __executable_start[], etext[];
static atomic_long told_secrets; /* blocks that were let go by this code, a secret in them */

/* Libraries' copies are theirs. Who calls it must not be inlined: then @caller would be another's. */
static void goes(const void *memory, const void *caller)
{
	if (memory == NULL || (uintptr_t)caller < (uintptr_t)__executable_start || (uintptr_t)caller >= (uintptr_t)etext)
		return;
	if (memmem(memory, malloc_usable_size((void *)(uintptr_t)memory), SECRET, sizeof SECRET - 1) != NULL)
		atomic_fetch_add(&told_secrets, 1);
}

INTERPOSE void *malloc(size_t size)
{
	return may_allocate() ? came(__libc_malloc(size)) : NULL;
}

INTERPOSE void *calloc(size_t number, size_t size)
{
	return may_allocate() ? came(__libc_calloc(number, size)) : NULL;
}

INTERPOSE __attribute__((noinline)) void *realloc(void *memory, size_t size)
{
	if (!may_allocate())
		return NULL;
	if (memory == NULL)
		return came(__libc_malloc(size));
	goes(memory, __builtin_return_address(0));
	return __libc_realloc(memory, size);
}

INTERPOSE __attribute__((noinline)) void free(void *memory)
{
	goes(memory, __builtin_return_address(0));
	atomic_fetch_sub(&live, memory != NULL);
	__libc_free(memory);
}

/* ---------------------------------------------------------------- the server -- */

#define BODY "0123456789"

/* In a process of its own: its allocations are none of ours. It ends when the pipe does. */
typedef struct neighbour {
	pid_t process;
	int fd;
	char origin[64];
} neighbour;

static neighbour near;

static void be_neighbour(int in, int out)
{
	static const step steps[] = { { .headers = "ETag: \"e\"\r\n", .body = BODY } };
	server s;
	char byte;
	server_start(&s, steps, 1);
	if (write(out, s.origin, sizeof s.origin) != (ssize_t)sizeof s.origin)
		_exit(1);
	_exit(read(in, &byte, 1) == 0 ? 0 : 1);
}

static int start_neighbour(void **state)
{
	(void)state;
	int in[2], out[2];
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	near.process = fork();
	assert_true(near.process >= 0);
	if (near.process == 0) {
		close(in[1]);
		be_neighbour(in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	near.fd = in[1];
	assert_int_equal(read(out[0], near.origin, sizeof near.origin), sizeof near.origin);
	close(out[0]);
	return 0;
}

static int stop_neighbour(void **state)
{
	(void)state;
	int how = 0;
	close(near.fd);
	assert_int_equal(waitpid(near.process, &how, 0), near.process);
	assert_int_equal(how, 0);
	return 0;
}

/* ----------------------------------------------------------------- what is asked -- */

static pnr_status read_body(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	(void)context;
	(void)err;
	memcpy(buffer, &BODY[offset], length);
	return PNR_OK;
}

static pnr_status take_body(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_buffer_append(context, data, length);
	return pnr_buffer_status(context, err);
}

static pnr_status sign(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err)
{
	static const pnr_sigv4_key key = { "id", "secret", "token", "us-east-1", "s3" };
	(void)context;
	return pnr_sign_v4(request, &key, out_lines, err);
}

static pnr_error told; /* of the last request */

/* One request on a handle of its own, with the allocator failing after @allowed allocations. */
static pnr_status ask(pnr_http_request *request, long allowed)
{
	pnr_error_clear(&told);
	static const pnr_http_options options = { .connections = 2, .patience = { .tries = 2, .pause_ms = 1 } };
	pnr_http *http = NULL;
	pnr_error err = PNR_ERROR_INIT;
	request->origin = near.origin;
	request->path = "/key";
	request->sign = sign;
	request->payload = "UNSIGNED-PAYLOAD";
	allow(allowed);
	pnr_status status = pnr_http_new(&options, &http, &err);
	if (status == PNR_OK)
		status = pnr_http_run_one(http, request, NULL, NULL, &err);
	allow_all();
	pnr_http_free(http);
	assert_int_equal(err.status, status);
	told = status == PNR_OK ? request->error : err;
	return status;
}

/* What a request that was run says: it was answered so, or it was not. */
static pnr_status outcome(const pnr_http_request *request)
{
	assert_int_equal(request->code, request->status == PNR_OK ? 200 : 0);
	return request->status;
}

static pnr_status do_get(long allowed)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer got = PNR_BUFFER_INIT;
	char etag[16];
	const pnr_http_pair query = { "version", "1 of 2" };
	pnr_http_request request = { .method = "GET", .query = &query, .query_count = 1, .take = take_body, .context = &got };
	pnr_status status = ask(&request, allowed);
	if (status == PNR_OK)
		status = outcome(&request);
	if (status == PNR_OK) {
		assert_string_equal(got.data, BODY);
		assert_string_equal(pnr_http_header(&request, "etag", etag, sizeof etag), "\"e\"");
	}
	pnr_http_request_free(&request);
	return status;
}

static pnr_status do_put(long allowed)
{
	const pnr_http_pair header = { "If-None-Match", "*" };
	pnr_http_request request = { .method = "PUT", .headers = &header, .header_count = 1, .read = read_body,
		                     .length = sizeof BODY - 1 };
	pnr_status status = ask(&request, allowed);
	if (status == PNR_OK)
		status = outcome(&request);
	if (status == PNR_OK)
		assert_string_equal(request.text.data, BODY);
	pnr_http_request_free(&request);
	return status;
}

/* What is allocated now, without what OpenSSL keeps to tell this thread of past errors. */
static long count_live(void)
{
	OPENSSL_thread_stop();
	return atomic_load(&live);
}

/* Fail the first, the second, ... until the action has no more. Returns how many that were. */
static long fail_each(pnr_status (*act)(long allowed))
{
	for (long allowed = 0;; allowed++) {
		pnr_status status = act(allowed);
		if (!failed) {
			assert_int_equal(status, PNR_OK);
			return allowed;
		}
		/* libcurl does without some, and tells of others as of a connection that cannot be made. */
		if (status != PNR_OK && status != PNR_NOMEM && status != PNR_IO)
			fail_msg("allocation %ld: %s: %s", allowed, pnr_status_name(status), told.message);
		assert_true(allowed < 10000);
	}
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	/* What is loaded and started once for the process is not what is tested here. */
	assert_int_equal(do_get(-1), PNR_OK);
	assert_true(fail_each(do_get) > 50);
	assert_true(fail_each(do_put) > 50);
	long before = count_live();
	fail_each(do_get);
	fail_each(do_put);
	assert_int_equal(count_live(), before);
}

/* Of a length at which a buffer has grown several times. */
#define LONG_SECRET \
	SECRET "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789" \
	       "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789"

static pnr_status sign_with_token(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines,
                                  pnr_error *err)
{
	static const pnr_sigv4_key key = { "id", LONG_SECRET, LONG_SECRET, "us-east-1", "s3" };
	(void)context;
	return pnr_sign_v4(request, &key, out_lines, err);
}

static void secrets_are_overwritten(void **state)
{
	(void)state;
	static const pnr_http_pair query[] = { { "a", "b" }, { "sig", LONG_SECRET } };
	static const pnr_http_pair headers[] = { { "x-identity-header", LONG_SECRET }, { "x-z", "after it" } };
	static const pnr_http_options options = { .connections = 1 };
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = NULL;
	pnr_error err = PNR_ERROR_INIT;
	/* It is looked for as it should be. */
	char *volatile copy = strdup(LONG_SECRET);
	free(copy);
	assert_int_equal(atomic_exchange(&told_secrets, 0), 1);
	assert_int_equal(pnr_http_new(&options, &http, &err), PNR_OK);
	/* Where it is in the query, nothing is signed. */
	for (int is_signed = 0; is_signed < 2; is_signed++) {
		pnr_http_request request = { .method = "GET", .origin = near.origin, .path = "/key", .headers = headers,
			                     .header_count = 2, .query = query, .query_count = is_signed ? 1 : 2,
			                     .payload = "UNSIGNED-PAYLOAD", .sign = is_signed ? sign_with_token : NULL };
		assert_int_equal(pnr_http_run_one(http, &request, NULL, NULL, &err), PNR_OK);
		assert_int_equal(request.code, 200);
		pnr_http_request_free(&request);
	}
	assert_int_equal(atomic_load(&told_secrets), 0);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef SANITIZED
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(secrets_are_overwritten),
#else
		cmocka_unit_test_setup_teardown(every_allocation_may_fail, start_neighbour, stop_neighbour),
		cmocka_unit_test_setup_teardown(secrets_are_overwritten, start_neighbour, stop_neighbour),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
