/* Any number of threads finds the same, in the same order, and gives the target the same. */
#include "packages.h"
#include <stdatomic.h>

static const unsigned threads[] = { 1, 2, 8 };

/* Text that shrinks by half or so; the same for one seed. */
static char *text_of(size_t length, unsigned seed)
{
	char *text = malloc(length + 1);
	assert_non_null(text);
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1664525u + 1013904223u;
		text[i] = (char)('0' + (seed >> 24) % 10);
	}
	text[length] = '\0';
	return text;
}

/* Sizes around what is decoded in one piece, small ones between large ones. */
static const size_t sizes[] = { 0, 1, 5000, SEGMENT - 1, SEGMENT, SEGMENT + 1, 7, 2 * SEGMENT + 99, 300, 70000 };
static char names[PNR_COUNT(sizes)][32];
static char *texts[PNR_COUNT(sizes)];

static package large_sample(void)
{
	package p = sample();
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		(void)snprintf(names[i], sizeof names[i], "data/%zu.csv", i);
		if (texts[i] == NULL)
			texts[i] = text_of(sizes[i], (unsigned)i);
		add(&p, names[i], "policy", texts[i], sizes[i]);
	}
	return p;
}

static int free_texts(void **state)
{
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		free(texts[i]);
	return tear_down(state);
}

/* All that a result says, as one text. */
static char *tell(pnr_status status, const pnr_error *err, const pnr_verify_result *r)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	char content[PNR_DIGEST_HEX_SIZE], archive[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_printf(&text, "%s: %s\n", pnr_status_name(status), err->message);
	if (r != NULL) {
		pnr_buffer_printf(&text, "%d %d %d %llu %s %s\n", r->valid, r->has_archive_hash, r->has_declared_hash,
		                  (unsigned long long)r->asset_count, pnr_digest_to_hex(&r->package_hash, content),
		                  pnr_digest_to_hex(&r->archive_hash, archive));
		for (size_t i = 0; i < r->problem_count; i++)
			pnr_buffer_printf(&text, "%s: %s\n", r->problems[i].path, r->problems[i].problem);
		for (size_t i = 0; i < r->warning_count; i++)
			pnr_buffer_printf(&text, "%s: %s\n", r->warnings[i].path, r->warnings[i].problem);
	}
	return pnr_buffer_steal(&text);
}

static char *verified(const place *w, unsigned count)
{
	const pnr_package_source source = { .file = w->zip };
	const pnr_verify_options options = { .size = sizeof options, .threads = count };
	pnr_verify_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_verify(&source, &options, &result, &err);
	char *told = tell(status, &err, result);
	pnr_verify_result_free(result);
	return told;
}

static void require_same(const place *w, bool right)
{
	char *first = verified(w, threads[0]);
	assert_int_equal(strncmp(first, "ok:", 3) == 0, right);
	for (size_t i = 1; i < PNR_COUNT(threads); i++) {
		char *next = verified(w, threads[i]);
		assert_string_equal(next, first);
		free(next);
	}
	free(first);
}

static void a_right_package_is_right_for_all(void **state)
{
	const place *w = *state;
	for (int foreign = 0; foreign < 2; foreign++) {
		package p = large_sample();
		p.foreign = foreign;
		write_package(&p, w->zip);
		require_same(w, true);
	}
}

/* Damage anywhere, and much of it: what is found comes in the manifest's order. */
static void what_is_wrong_is_the_same_for_all(void **state)
{
	const place *w = *state;
	package p = large_sample();
	asset_of(&p, names[3])->listed_hash = "00000000000000000000000000000000000000000000000000000000000000ff";
	asset_of(&p, names[7])->not_in_zip = true;
	write_package(&p, w->zip);
	require_same(w, false);
	struct stat st;
	assert_int_equal(stat(w->zip, &st), 0);
	unsigned seed = 1;
	for (unsigned round = 0; round < 6; round++) {
		p = large_sample();
		write_package(&p, w->zip);
		int fd = open(w->zip, O_WRONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		for (unsigned i = 0; i <= round; i++) {
			seed = seed * 1664525u + 1013904223u;
			/* Bodies fill all but the start and the end. */
			off_t at = 20000 + (off_t)(seed % (unsigned)(st.st_size - 40000));
			assert_int_equal(pwrite(fd, "\xff", 1, at), 1);
		}
		close(fd);
		require_same(w, false);
	}
}

static void unpacking_writes_the_same(void **state)
{
	const place *w = *state;
	const pnr_package_source source = { .file = w->zip };
	char dir[256], file[320];
	package p = large_sample();
	write_package(&p, w->zip);
	for (size_t t = 0; t < PNR_COUNT(threads); t++) {
		const pnr_verify_options options = { .size = sizeof options, .threads = threads[t] };
		pnr_verify_result *result = NULL;
		pnr_error err = PNR_ERROR_INIT;
		in(w, "out", dir);
		if (pnr_unpack(&source, dir, &options, &result, &err) != PNR_OK)
			fail_msg("%s", err.message);
		pnr_verify_result_free(result);
		for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
			(void)snprintf(file, sizeof file, "%.255s/%.31s", dir, names[i]);
			char *got = malloc(sizes[i] + 1);
			int fd = open(file, O_RDONLY | O_CLOEXEC);
			assert_non_null(got);
			assert_true(fd >= 0);
			assert_int_equal(read(fd, got, sizes[i] + 1), sizes[i]);
			assert_memory_equal(got, texts[i], sizes[i]);
			close(fd);
			free(got);
		}
		assert_int_equal(pnr_file_remove_tree(AT_FDCWD, dir, NULL), PNR_OK);
	}
}

/* Every moment at which the caller may say stop. */
typedef struct stopper {
	unsigned calls, stop_at;
} stopper;

static int stop(void *user, const pnr_progress *progress)
{
	stopper *s = user;
	(void)progress;
	return ++s->calls == s->stop_at;
}

static void stopping_leaves_nothing(void **state)
{
	const place *w = *state;
	const pnr_package_source source = { .file = w->zip };
	char dir[256];
	package p = large_sample();
	write_package(&p, w->zip);
	in(w, "out", dir);
	pnr_status status = PNR_CANCELLED;
	for (unsigned n = 1; status == PNR_CANCELLED; n++) {
		stopper s = { .stop_at = n };
		const pnr_verify_options options = {
			.size = sizeof options,
			.threads = 2,
			.progress = stop,
			.progress_user = &s,
		};
		pnr_verify_result *result = NULL;
		status = pnr_unpack(&source, dir, &options, &result, NULL);
		assert_true(status == PNR_CANCELLED || s.calls < n);
		assert_int_equal(access(dir, F_OK) == 0, status == PNR_OK);
		pnr_verify_result_free(result);
	}
	assert_int_equal(status, PNR_OK);
}

/* A read that fails is an error, however many threads there are; nothing is found wrong with the package. */
static atomic_uint calls;
static unsigned failing_call;

static int fail_one(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_READ && atomic_fetch_add(&calls, 1) + 1 == failing_call ? EIO : 0;
}

static void a_failing_read_is_no_finding(void **state)
{
	const place *w = *state;
	package p = large_sample();
	write_package(&p, w->zip);
	for (size_t t = 0; t < PNR_COUNT(threads); t++) {
		bool done = false;
		for (failing_call = 1; !done; failing_call += failing_call < 25 ? 1 : 29) {
			atomic_store(&calls, 0);
			pnr_file_gate_hook = fail_one;
			char *told = verified(w, threads[t]);
			pnr_file_gate_hook = NULL;
			done = strncmp(told, "ok:", 3) == 0;
			if (!done && (strstr(told, "Input/output error") == NULL || strchr(told, '\n')[1] != '\0'))
				fail_msg("call %u of %u threads: %s", failing_call, threads[t], told);
			free(told);
		}
		assert_in_range(failing_call, 30, 10000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_right_package_is_right_for_all),
		cmocka_unit_test(what_is_wrong_is_the_same_for_all),
		cmocka_unit_test(unpacking_writes_the_same),
		cmocka_unit_test(stopping_leaves_nothing),
		cmocka_unit_test(a_failing_read_is_no_finding),
	};
	return cmocka_run_group_tests(tests, set_up, free_texts);
}
