/* Every allocation fails once: nothing leaked, nothing passed on, nothing left on disk. */
#include "packages.h"
#include "../../allocator.h"
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <time.h>

/* The sanitizer has the allocator to itself; builds without it run this. */
#ifdef SANITIZED

static void every_allocation_may_fail(void **state)
{
	(void)state;
	skip();
}

#else

static atomic_long live;         /* allocations that were not freed */
static atomic_long allowed = -1; /* how many more succeed until one fails; negative: all do */

/* libzip 1.7.3 leaks when its own fail, and takes a zip that it has no memory for as none: not what is tested here. */
static bool is_libzip(void *caller)
{
	Dl_info info;
	return dladdr(caller, &info) != 0 && strstr(info.dli_fname, "libzip") != NULL;
}

static bool may_allocate(void *caller)
{
	if (atomic_load(&allowed) < 0 || is_libzip(caller) || atomic_fetch_sub(&allowed, 1) != 0)
		return true;
	errno = ENOMEM;
	return false;
}

INTERPOSE void *malloc(size_t size)
{
	void *memory = may_allocate(__builtin_return_address(0)) ? __libc_malloc(size) : NULL;
	live += memory != NULL;
	return memory;
}

INTERPOSE void *calloc(size_t count, size_t size)
{
	void *memory = may_allocate(__builtin_return_address(0)) ? __libc_calloc(count, size) : NULL;
	live += memory != NULL;
	return memory;
}

INTERPOSE void *realloc(void *memory, size_t size)
{
	void *moved = may_allocate(__builtin_return_address(0)) ? __libc_realloc(memory, size) : NULL;
	live += moved != NULL && memory == NULL;
	return moved;
}

INTERPOSE void free(void *memory)
{
	live -= memory != NULL;
	__libc_free(memory);
}

static int count_bytes(void *user, const void *data, size_t length)
{
	(void)data;
	*(size_t *)user += length;
	return 0;
}

static char out_dir[256];
static pnr_verify_options options = { .size = sizeof options };

static pnr_status do_verify(const pnr_package_source *source)
{
	pnr_verify_result *result = NULL;
	pnr_status status = pnr_verify(source, &options, &result, NULL);
	pnr_verify_result_free(result);
	return status;
}

static pnr_status do_unpack(const pnr_package_source *source)
{
	pnr_verify_result *result = NULL;
	pnr_status status = pnr_unpack(source, out_dir, &options, &result, NULL);
	pnr_verify_result_free(result);
	return status;
}

static pnr_status do_worker_json(const pnr_package_source *source)
{
	size_t passed = 0;
	uint64_t length = 0;
	pnr_status status = pnr_worker_json(source, count_bytes, &passed, &length, NULL);
	if (passed != length)
		return PNR_CONFLICT;
	return status;
}

/* What is allocated now, and what the libraries keep for the process: the past errors of a thread, the time zone. */
static long count_live(void)
{
	OPENSSL_thread_stop();
	tzset();
	return live;
}

/* Allocation number @n fails. What was allocated is freed, and nothing is on disk but after success. */
static bool fail_one(pnr_status (*action)(const pnr_package_source *), const pnr_package_source *source, long n,
                     pnr_status usual)
{
	long before = count_live();
	allowed = n;
	pnr_status status = action(source);
	bool failed = allowed < 0;
	allowed = -1;
	long after = count_live();
	/* The C library keeps memory of threads that ended, some or other number of them. */
	if (after != before && options.threads == 1)
		fail_msg("allocation %ld failed and %ld are not freed", n, after - before);
	/* A library may do without some. What cannot be checked may count as wrong, never as right. */
	if (status == PNR_OK && usual != PNR_OK)
		fail_msg("allocation %ld failed, and what is wrong was found right", n);
	struct stat st;
	bool there = lstat(out_dir, &st) == 0;
	assert_true(!there || status == PNR_OK);
	if (there)
		assert_int_equal(pnr_file_remove_tree(AT_FDCWD, out_dir, NULL), PNR_OK);
	return failed;
}

static void every_allocation_may_fail(void **state)
{
	static char large[SEGMENT + 5];
	const place *w = *state;
	memset(large, 'x', sizeof large);
	pnr_status (*const actions[])(const pnr_package_source *) = { do_verify, do_unpack, do_worker_json };
	const pnr_package_source source = { .file = w->zip };
	in(w, "out", out_dir);
	for (int round = 0; round < 4; round++) {
		bool wrong = round % 2 == 1;
		options.threads = 1 + (unsigned)round / 2;
		package p = sample();
		p.old = true;
		add(&p, "data/large.csv", "policy", large, sizeof large);
		if (wrong)
			add_text(&p, "extra", "policy", "x")->not_in_manifest = true;
		write_package(&p, w->zip);
		for (size_t i = 0; i < PNR_COUNT(actions); i++) {
			/* Libraries start: not what is tested here. */
			pnr_status usual = actions[i](&source);
			assert_int_equal(usual, wrong ? PNR_CORRUPT : PNR_OK);
			pnr_ignore((pnr_status)pnr_file_remove_tree(AT_FDCWD, out_dir, NULL));
			long n = 0;
			while (fail_one(actions[i], &source, n, usual))
				n++;
			assert_true(n > 50);
			print_message("%ld allocations\n", n);
		}
	}
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_allocation_may_fail, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
