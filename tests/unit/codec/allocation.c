/* Every allocation fails once: NOMEM, nothing leaked, outputs untouched. And how much is taken at most. */
#include "patch_support.h"
#include "../../allocator.h"
#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdatomic.h>

/* The sanitizer has the allocator to itself; builds without it run this. */
#ifdef SANITIZED

static void every_allocation_may_fail(void **state)
{
	(void)state;
	skip();
}

static void a_patch_takes_the_memory_that_is_stated(void **state)
{
	(void)state;
	skip();
}

#else

static atomic_long live;      /* allocations that were not freed */
static atomic_long bytes;     /* in them */
static atomic_long peak;      /* of these, since it was set */
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

/* @memory came (1) or goes (-1). */
static void count(void *memory, long sign)
{
	if (memory == NULL)
		return;
	long size = sign * (long)malloc_usable_size(memory);
	long now = atomic_fetch_add(&bytes, size) + size;
	atomic_fetch_add(&live, sign);
	/* Exact on one thread. */
	if (now > atomic_load(&peak))
		atomic_store(&peak, now);
}

INTERPOSE void *malloc(size_t size)
{
	void *memory = may_allocate() ? __libc_malloc(size) : NULL;
	count(memory, 1);
	return memory;
}

INTERPOSE void *calloc(size_t number, size_t size)
{
	void *memory = may_allocate() ? __libc_calloc(number, size) : NULL;
	count(memory, 1);
	return memory;
}

INTERPOSE void *realloc(void *memory, size_t size)
{
	if (!may_allocate())
		return NULL;
	count(memory, -1);
	void *moved = __libc_realloc(memory, size);
	count(moved != NULL ? moved : memory, 1);
	return moved;
}

INTERPOSE void free(void *memory)
{
	count(memory, -1);
	__libc_free(memory);
}

/* One thing to do, with the allocator failing after @allowed allocations. */
typedef pnr_status (*action)(long allowed);

typedef struct fixture {
	uint8_t *data;
	size_t length;
	int fd;
	unsigned threads;
} fixture;

static fixture fix;

static pnr_status do_stream(long allowed)
{
	pnr_memory_range range = { (const char *)fix.data, fix.length };
	const pnr_source source = pnr_memory_source(&range);
	pnr_content content = { .size = 42 };
	pnr_encoding encoding;
	pnr_error err = PNR_ERROR_INIT;
	PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
	pnr_pool *pool = NULL;
	assert_int_equal(pnr_pool_new(fix.threads, &pool, NULL), PNR_OK);
	assert_int_equal(ftruncate(fix.fd, 0), 0);
	allow(allowed);
	pnr_status status = pnr_coders_new(6, &coders, &err);
	if (status == PNR_OK)
		status = pnr_encode_stream(coders, &source, fix.fd, "test", pool, NULL, NULL, &content, &encoding, &err);
	allow_all();
	pnr_pool_free(pool);
	assert_int_equal(err.status, status);
	assert_int_equal(content.size, status == PNR_OK ? fix.length : 42);
	return status;
}

static pnr_status do_memory(long allowed)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_encoding encoding;
	PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
	allow(allowed);
	pnr_status status = pnr_coders_new(6, &coders, NULL);
	if (status == PNR_OK)
		status = pnr_encode_memory(coders, fix.data, 5000, 0, &out, &encoding, NULL);
	allow_all();
	assert_true(status == PNR_OK || out.length == 0);
	return status;
}

static pnr_status do_inflate(long allowed)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_memory_range range = { "\x4b\x04\x00", 3 }; /* "a" */
	const pnr_source source = pnr_memory_source(&range);
	pnr_buffer_end end = { &out, 1 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	allow(allowed);
	pnr_status status = pnr_inflate(&source, 3, 1, &sink, NULL, NULL);
	allow_all();
	return status;
}

/* Two blocks and a bit of zeros, in segments. */
static pnr_status do_segments(long allowed)
{
	static uint8_t body[20000];
	static size_t size;
	if (size == 0) {
		uint8_t *zeros = calloc(1, MIB);
		assert_non_null(zeros);
		z_stream z = { .next_out = body, .avail_out = sizeof body };
		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
		for (int i = 0; i < 3; i++) {
			z.next_in = zeros;
			z.avail_in = i < 2 ? (uInt)MIB : 5;
			assert_int_equal(deflate(&z, i < 2 ? Z_FULL_FLUSH : Z_FINISH), i < 2 ? Z_OK : Z_STREAM_END);
		}
		size = sizeof body - z.avail_out;
		deflateEnd(&z);
		free(zeros);
	}
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_memory_range range = { (const char *)body, size };
	const pnr_source source = pnr_memory_source(&range);
	pnr_buffer_end end = { &out, 2 * MIB + 5 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_pool *pool = NULL;
	assert_int_equal(pnr_pool_new(fix.threads, &pool, NULL), PNR_OK);
	allow(allowed);
	pnr_status status = pnr_inflate(&source, size, 2 * MIB + 5, &sink, pool, NULL);
	allow_all();
	pnr_pool_free(pool);
	assert_true(status != PNR_OK || out.length == 2 * MIB + 5);
	return status;
}

/* Text, and the same with another middle. */
static pnr_patch to_changed_text(uint8_t *content)
{
	fill_text(fix.data, fix.length, 1);
	memcpy(content, fix.data, fix.length);
	fill_text(content + fix.length / 2, fix.length / 10, 2);
	return between(fix.data, fix.length, content, fix.length);
}

static pnr_status do_make(long allowed)
{
	uint8_t *content = make(fix.length);
	const pnr_patch patch = to_changed_text(content);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, SIZE_MAX };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_memory_range range = { (const char *)content, fix.length };
	const pnr_source source = pnr_memory_source(&range);
	uint64_t size = 42;
	pnr_error err = PNR_ERROR_INIT;
	allow(allowed);
	pnr_status status = pnr_patch_make(&patch, &source, UINT64_MAX, 3, &sink, NULL, NULL, &size, &err);
	allow_all();
	free(content);
	assert_int_equal(err.status, status);
	assert_int_equal(size, status == PNR_OK ? out.length : 42);
	return status;
}

static pnr_status do_apply(long allowed)
{
	static made m;
	static pnr_digest hash;
	if (m.size == 0) {
		uint8_t *content = make(fix.length);
		const pnr_patch patch = to_changed_text(content);
		m = make_patch(&patch, content, fix.length, UINT64_MAX, 3);
		hash = patch.content_hash;
		free(content);
		assert_int_equal(m.status, PNR_OK);
	}
	fill_text(fix.data, fix.length, 1);
	const pnr_patch patch = { fix.data, fix.length, fix.length, hash };
	pnr_memory_range range = { m.bytes.data, m.bytes.length };
	const pnr_source source = pnr_memory_source(&range);
	pnr_error err = PNR_ERROR_INIT;
	allow(allowed);
	pnr_status status = pnr_patch_apply(&patch, &source, m.bytes.length, NULL, NULL, NULL, &err);
	allow_all();
	assert_int_equal(err.status, status);
	return status;
}

/* What is allocated now, without what OpenSSL keeps to tell this thread of past errors. */
static long count_live(void)
{
	OPENSSL_thread_stop();
	return atomic_load(&live);
}

/*
 * Fail the first, the second, ... until the action has no more. Returns how many
 * that were. A library may do without some (a cache, a thread).
 */
static long fail_each(action act)
{
	for (long allowed = 0;; allowed++) {
		pnr_status status = act(allowed);
		if (!failed) {
			assert_int_equal(status, PNR_OK);
			return allowed;
		}
		assert_true(status == PNR_OK || status == PNR_NOMEM);
		assert_true(allowed < 10000);
	}
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	static const action actions[] = { do_stream, do_memory, do_inflate, do_segments, do_make, do_apply };
	fix.length = 2 * MIB + 5;
	fix.data = make(fix.length);
	fix.fd = make_file();
	fill_noise(fix.data, MIB, 1);
	memset(fix.data + MIB, 'x', fix.length - MIB);
	/* OpenSSL's own start does not survive a failed allocation: it is not what is tested here. */
	assert_int_equal(do_memory(-1), PNR_OK);
	for (fix.threads = 1; fix.threads <= 3; fix.threads++) {
		for (size_t i = 0; i < PNR_COUNT(actions); i++) {
			/* The first round fills what libraries keep for the process. */
			assert_true(fail_each(actions[i]) > 2);
			long before = count_live();
			fail_each(actions[i]);
			/* The C library keeps memory of threads that ended, some or other number of them. */
			if (fix.threads == 1)
				assert_int_equal(count_live(), before);
		}
	}
	close(fix.fd);
	free(fix.data);
}

/* The tables grow with the sizes, up to what the header says beside content and patch. */
static void a_patch_takes_the_memory_that_is_stated(void **state)
{
	(void)state;
	static const size_t lengths[] = { 5, 70000, 5 * MIB, 40 * MIB };
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		uint8_t *base = make(lengths[i]), *content = make(lengths[i]);
		fill_text(base, lengths[i], 1);
		memcpy(content, base, lengths[i]);
		fill_noise(content, lengths[i] / 10, 2);
		const pnr_patch patch = between(base, lengths[i], content, lengths[i]);
		long before = atomic_load(&bytes);
		atomic_store(&peak, before);
		made m = make_patch(&patch, content, lengths[i], UINT64_MAX, PNR_PATCH_LEVEL_DEFAULT);
		assert_int_equal(m.status, PNR_OK);
		long taken = atomic_load(&peak) - before - (long)lengths[i] - 2 * (long)m.bytes.length;
		assert_in_range(taken, 0, PNR_PATCH_MAKE_MEMORY);
		/* An assertion that cannot fail would be no use: at the last size most of it is needed. */
		if (i + 1 == PNR_COUNT(lengths))
			assert_true(taken > (long)PNR_PATCH_MAKE_MEMORY * 3 / 4);
		before = atomic_load(&bytes);
		atomic_store(&peak, before);
		assert_int_equal(apply(&patch, m.bytes.data, m.bytes.length, NULL, NULL), PNR_OK);
		assert_in_range(atomic_load(&peak) - before - (long)lengths[i], 0, PNR_PATCH_APPLY_MEMORY);
		pnr_buffer_free(&m.bytes);
		free(base);
		free(content);
	}
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(a_patch_takes_the_memory_that_is_stated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
