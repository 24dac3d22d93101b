/*
 * What holds for every kind of remote: what is put is got back, visible whole or not at all, whoever else is at it. In a
 * folder; or in PANNIER_TEST_REMOTE, a URL in which '@' becomes a name of its own for each test.
 */
#include "../../allocator.h"
#include "support.h"
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#define PROCESSES 12u

/* As scratch_test; what the tests see of the place is its URL only. */
static int place_setup(void **state)
{
	static scratch s;
	static unsigned number;
	const char *url = getenv("PANNIER_TEST_REMOTE");
	if (url == NULL)
		return scratch_setup(state);
	const char *at = strchr(url, '@');
	if (at == NULL)
		return -1;
	(void)snprintf(s.path, sizeof s.path, "%.*scontract-%ld-%u%s", (int)(at - url), url, (long)getpid(), ++number,
	               at + 1);
	s.fd = -1;
	*state = &s;
	return 0;
}

static int place_teardown(void **state)
{
	return ((const scratch *)*state)->fd < 0 ? 0 : scratch_teardown(state);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

static void assert_clean(const scratch *s)
{
	if (s->fd >= 0)
		assert_int_equal(temporaries(s), 0);
}

/* ------------------------------------------------------------- there and back -- */

static void objects_of_every_size_come_back_as_they_were(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	/* Around the size of a piece; around that of one request; the last is synced while it is written, or in parts. */
	static const size_t sizes[] = { 0, 1, 1000, 262143, 262144, 262145, 16 << 20, (16 << 20) + 1, 80 << 20 };
	for (unsigned i = 0; i < PNR_COUNT(sizes); i++) {
		object o;
		pnr_remote_outcome outcome;
		make_object(&o, i, sizes[i]);
		assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
		assert_int_equal(outcome, PNR_REMOTE_PUT);
		assert_true(o.body.closes > 0);
		assert_object(remote, &o);
		pnr_remote_query q = { .key = o.key };
		assert_ok(pnr_remote_has(remote, &q, 1, err));
		assert_int_equal(q.status, PNR_OK);
		assert_int_equal(q.size, sizes[i]);
		free(o.body.data);
	}
	assert_clean(s);
	pnr_remote_close(remote);
}

/* In a folder more than are written before they are published, and more folders than are synced one by one. */
#define MANY 5000u
#define MANY_ELSEWHERE 1100u

static int by_key(const void *a, const void *b)
{
	return strcmp(((const pnr_remote_query *)a)->key, ((const pnr_remote_query *)b)->key);
}

static void thousands_of_objects_are_put_in_one_call(void **state)
{
	const scratch *s = *state;
	const unsigned many = s->fd < 0 ? MANY_ELSEWHERE : MANY;
	pnr_remote *remote = created(s);
	object *objects = calloc(many, sizeof *objects);
	pnr_remote_upload *uploads = calloc(many, sizeof *uploads);
	pnr_remote_query *queries = calloc(many + 1, sizeof *queries), *sorted = calloc(many + 1, sizeof *sorted);
	for (unsigned i = 0; i < many; i++) {
		make_object(&objects[i], i, i % 50);
		uploads[i] = upload_of(&objects[i], PNR_REMOTE_IF_ABSENT);
		queries[i].key = objects[i].key;
	}
	queries[many].key = "blobs/00/none";
	assert_ok(put_one(remote, &objects[7], PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_ok(pnr_remote_put(remote, uploads, many, err));
	assert_ok(pnr_remote_has(remote, queries, many + 1, err));
	memcpy(sorted, queries, (many + 1) * sizeof *sorted);
	qsort(sorted, many + 1, sizeof *sorted, by_key);
	assert_ok(pnr_remote_has(remote, sorted, many + 1, err));
	for (unsigned i = 0; i <= many; i++) {
		bool none = strcmp(sorted[i].key, "blobs/00/none") == 0;
		assert_int_equal(sorted[i].status, none ? PNR_NOT_FOUND : PNR_OK);
		assert_true(none || sorted[i].size == strtoul(sorted[i].key + 9, NULL, 16) % 50);
	}
	for (unsigned i = 0; i < many; i++) {
		assert_int_equal(uploads[i].outcome, i == 7 ? PNR_REMOTE_THERE : PNR_REMOTE_PUT);
		assert_int_equal(queries[i].status, PNR_OK);
		assert_int_equal(queries[i].size, i % 50);
		if (i % 97 == 0)
			assert_object(remote, &objects[i]);
		free(objects[i].body.data);
	}
	assert_int_equal(queries[many].status, PNR_NOT_FOUND);
	assert_clean(s);
	free(objects);
	free(uploads);
	free(queries);
	free(sorted);
	pnr_remote_close(remote);
}

static void what_is_there_stays_or_is_replaced_as_was_said(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object old, new, damaged;
	pnr_remote_outcome outcome;
	make_object(&old, 1, 100);
	make_object(&new, 2, 77);
	make_object(&damaged, 1, 50);
	memcpy(new.key, old.key, sizeof new.key);
	assert_ok(put_one(remote, &old, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_ok(put_one(remote, &new, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_THERE);
	assert_true(s->fd < 0 || new.body.reads == 0);
	assert_object(remote, &old);
	/* A damaged one, as push --heal finds it. */
	assert_ok(put_one(remote, &damaged, PNR_REMOTE_REPLACE, NULL, err));
	assert_object(remote, &damaged);
	assert_ok(put_one(remote, &new, PNR_REMOTE_REPLACE, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_PUT);
	assert_object(remote, &new);
	/* The same key twice in one call: one finds the other. */
	object a, b;
	make_object(&a, 3, 10);
	make_object(&b, 4, 20);
	memcpy(b.key, a.key, sizeof b.key);
	pnr_remote_upload twice[2] = { upload_of(&a, PNR_REMOTE_IF_ABSENT), upload_of(&b, PNR_REMOTE_IF_ABSENT) };
	assert_ok(pnr_remote_put(remote, twice, 2, err));
	bool first = twice[0].outcome == PNR_REMOTE_PUT;
	assert_int_equal(twice[first].outcome, PNR_REMOTE_THERE);
	assert_int_equal(twice[!first].outcome, PNR_REMOTE_PUT);
	assert_object(remote, first ? &a : &b);
	assert_clean(s);
	free(old.body.data);
	free(new.body.data);
	free(damaged.body.data);
	free(a.body.data);
	free(b.body.data);
	pnr_remote_close(remote);
}

typedef struct tally {
	pnr_buffer bytes;
	unsigned done;
} tally;

static pnr_status take(void *context, const void *data, size_t length, pnr_error *err)
{
	tally *t = context;
	pnr_buffer_append(&t->bytes, data, length);
	return pnr_buffer_status(&t->bytes, err);
}

static pnr_status count_done(void *context, pnr_error *err)
{
	(void)err;
	((tally *)context)->done++;
	return PNR_OK;
}

static void a_missing_object_does_not_keep_the_others_from_coming(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object a, b;
	tally t[4] = { { .done = 0 } };
	make_object(&a, 1, 100);
	make_object(&b, 2, 0);
	assert_ok(put_one(remote, &a, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_ok(put_one(remote, &b, PNR_REMOTE_IF_ABSENT, NULL, err));
	const char *const keys[4] = { "blobs/zz/none", a.key, "none", b.key };
	pnr_remote_download d[4];
	for (unsigned i = 0; i < 4; i++)
		d[i] = (pnr_remote_download){
			.key = keys[i], .limit = 100, .sink = { take, &t[i] }, .done = count_done
		};
	assert_fails(pnr_remote_get(remote, d, 4, err), PNR_NOT_FOUND, "there is no 'blobs/zz/none'");
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(d[i].status, i % 2 == 0 ? PNR_NOT_FOUND : PNR_OK);
		assert_int_equal(t[i].done, i % 2);
		assert_int_equal(t[i].bytes.length, i == 1 ? 100 : 0);
		pnr_buffer_free(&t[i].bytes);
	}
	free(a.body.data);
	free(b.body.data);
	pnr_remote_close(remote);
}

static void never_a_byte_more_than_the_limit(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	object o;
	make_object(&o, 1, 300000);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_fails(get_one(remote, o.key, 299999, &have, err), PNR_CORRUPT, "larger than the 299999 bytes");
	assert_true(pnr_remote_at_fault(remote));
	assert_true(have.length <= 299999);
	pnr_buffer_clear(&have);
	assert_fails(get_one(remote, o.key, 0, &have, err), PNR_CORRUPT, "larger than the 0 bytes");
	assert_int_equal(have.length, 0);
	assert_object(remote, &o);
	free(o.body.data);
	pnr_remote_close(remote);
}

static void bytes_of_another_hash_are_never_visible(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object good, bad;
	make_object(&good, 1, 100);
	make_object(&bad, 2, 300000);
	pnr_remote_upload u[2] = { upload_of(&good, PNR_REMOTE_IF_ABSENT), upload_of(&bad, PNR_REMOTE_REPLACE) };
	bad.body.data[299999] ^= 1;
	assert_fails(pnr_remote_put(remote, u, 2, err), PNR_CORRUPT, bad.key);
	assert_false(pnr_remote_at_fault(remote));
	assert_true(u[0].outcome == PNR_REMOTE_PENDING || is_there(remote, good.key));
	assert_int_equal(u[1].outcome, PNR_REMOTE_PENDING);
	assert_false(is_there(remote, bad.key));
	assert_clean(s);
	free(good.body.data);
	free(bad.body.data);
	pnr_remote_close(remote);
}

/* ---------------------------------------------------------------- listing -- */

static void what_starts_with_a_prefix_is_listed(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	uint64_t foreign = 9;
	put_text(remote, "packages/ab12/m.json", "1");
	put_text(remote, "packages/ab34/m.json", "22");
	put_text(remote, "packages/cd/m.json", "333");
	put_text(remote, "packagesx", "4444");
	listed_keys l = list_all(remote, "", 0, &foreign);
	assert_int_equal(l.count, 5);
	assert_int_equal(l.size, 14 + 1 + 2 + 3 + 4);
	assert_int_equal(foreign, 0);
	assert_int_equal(list_all(remote, "packages/", 0, NULL).count, 3);
	assert_int_equal(list_all(remote, "packages", 0, NULL).count, 4);
	assert_int_equal(list_all(remote, "packages/ab", 0, NULL).count, 2);
	assert_int_equal(list_all(remote, "packages/ab12/", 0, NULL).count, 1);
	assert_string_equal(list_all(remote, "packages/ab12/m.json", 0, NULL).last, "packages/ab12/m.json");
	assert_int_equal(list_all(remote, "packages/ab12/m.json/", 0, NULL).count, 0);
	assert_int_equal(list_all(remote, "none/", 0, NULL).count, 0);
	assert_int_equal(list_all(remote, "", 2, NULL).count, 2);
	pnr_remote_close(remote);
}

/* ------------------------------------------------------------------- refs -- */

static void swapping_says_what_is_there_instead(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT, have = PNR_BUFFER_INIT;
	pnr_buffer_puts(&found, "kept");
	assert_fails(swap(remote, "tags/a", "one", "two", &found, err), PNR_CONFLICT,
	             "'tags/a': it was changed meanwhile");
	assert_true(pnr_remote_at_fault(remote));
	assert_int_equal(found.length, 0);
	pnr_buffer_puts(&found, "kept");
	assert_ok(swap(remote, "tags/a", "", "one", &found, err));
	assert_string_equal(found.data, "kept");
	assert_fails(swap(remote, "tags/a", "", "two", &found, err), PNR_CONFLICT, "changed meanwhile");
	assert_string_equal(found.data, "one");
	assert_fails(swap(remote, "tags/a", "on", "", &found, err), PNR_CONFLICT, "changed meanwhile");
	assert_true(get_one(remote, "tags/a", 3, &have, NULL) == PNR_OK && memcmp(have.data, "one", 3) == 0);
	/* The answer to a first try was lost. */
	assert_ok(swap(remote, "tags/a", "", "one", &found, err));
	assert_ok(swap(remote, "tags/a", "one", "", &found, err));
	assert_ok(swap(remote, "tags/a", "one", "", &found, err));
	assert_false(is_there(remote, "tags/a"));
	assert_ok(swap(remote, "tags/none/a", "x", "", &found, err));
	pnr_remote_close(remote);
}

static void a_ref_with_nothing_in_it_is_damaged_not_missing(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	put_text(remote, "tags/a", "");
	assert_fails(swap(remote, "tags/a", "", "one", &found, err), PNR_CORRUPT, "'tags/a': it is empty; remove it");
	assert_fails(swap(remote, "tags/a", "one", "", &found, err), PNR_CORRUPT, "'tags/a': it is empty; remove it");
	assert_true(pnr_remote_at_fault(remote));
	assert_true(is_there(remote, "tags/a"));
	pnr_remote_close(remote);
}

static void a_ref_of_the_greatest_size_is_kept_and_no_larger_one_read(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT, have = PNR_BUFFER_INIT;
	char *large = calloc(1, PNR_REMOTE_REF_MAX);
	fill(large, PNR_REMOTE_REF_MAX, 5);
	pnr_remote_ref none = { NULL, 0 }, value = { large, PNR_REMOTE_REF_MAX };
	assert_ok(pnr_remote_swap_ref(remote, "tags/a", &none, &value, &found, err));
	assert_ok(get_one(remote, "tags/a", PNR_REMOTE_REF_MAX, &have, err));
	assert_int_equal(have.length, PNR_REMOTE_REF_MAX);
	assert_memory_equal(have.data, large, PNR_REMOTE_REF_MAX);
	object larger;
	make_object(&larger, 1, PNR_REMOTE_REF_MAX + 1);
	(void)snprintf(larger.key, sizeof larger.key, "tags/a");
	assert_ok(put_one(remote, &larger, PNR_REMOTE_REPLACE, NULL, err));
	assert_fails(pnr_remote_swap_ref(remote, "tags/a", &value, &none, &found, err), PNR_CORRUPT, "tags/a");
	free(larger.body.data);
	free(large);
	pnr_remote_close(remote);
}

/* ------------------------------------------------------------- processes -- */

static void a_ref_that_many_swap_loses_no_change(void **state)
{
	const scratch *s = *state;
	together(PROCESSES, open_and_increment, s);
	pnr_remote *remote = created(s);
	assert_int_equal(number_at(remote, "tags/even"), PROCESSES / 2 * increments(s));
	assert_int_equal(number_at(remote, "tags/odd"), PROCESSES / 2 * increments(s));
	assert_clean(s);
	pnr_remote_close(remote);
}

/* All put the same objects; what each one says of its own is seen by all. */
static char (*outcomes_of)[128];

static int put_the_same(const scratch *s, unsigned process)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_remote *remote = NULL;
	object objects[100];
	pnr_remote_upload uploads[PNR_COUNT(objects)];
	char *outcomes = outcomes_of[process];
	if (open_remote(s, true, &remote, &err) != PNR_OK)
		return complain(&err);
	for (unsigned i = 0; i < PNR_COUNT(objects); i++) {
		make_object(&objects[i], i, 500);
		uploads[i] = upload_of(&objects[i], PNR_REMOTE_IF_ABSENT);
	}
	/* A few at a time, so that they meet. */
	for (unsigned i = 0; i < PNR_COUNT(objects); i += 5)
		if (pnr_remote_put(remote, &uploads[i], 5, &err) != PNR_OK)
			return complain(&err);
	for (unsigned i = 0; i < PNR_COUNT(objects); i++) {
		outcomes[i] = uploads[i].outcome == PNR_REMOTE_PUT ? 'p' : 't';
		free(objects[i].body.data);
	}
	pnr_remote_close(remote);
	return 0;
}

static void of_processes_that_put_the_same_objects_one_puts_each(void **state)
{
	const scratch *s = *state;
	outcomes_of = mmap(NULL, PROCESSES * sizeof *outcomes_of, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(outcomes_of != MAP_FAILED);
	together(PROCESSES, put_the_same, s);
	pnr_remote *remote = created(s);
	/* A server whose answer was lost may have stored it: then two say so. Few are. */
	unsigned unsure = s->fd < 0 ? 10 : 0;
	for (unsigned i = 0; i < 100; i++) {
		object o;
		unsigned puts = 0;
		make_object(&o, i, 500);
		for (unsigned p = 0; p < PROCESSES; p++)
			puts += outcomes_of[p][i] == 'p';
		assert_in_range(puts, 1, 1 + unsure);
		unsure -= puts - 1;
		assert_object(remote, &o);
		free(o.body.data);
	}
	assert_clean(s);
	pnr_remote_close(remote);
}

/* ------------------------------------------------------------------ kill -9 -- */

#ifdef SANITIZED
#define KILLS 5
#else
#define KILLS 20
#endif
#define KILLED_SIZE 200000u
#define KILLED_COUNT 40u

static _Noreturn void push_until_killed(const scratch *s)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_remote *remote = NULL;
	object objects[KILLED_COUNT];
	pnr_remote_upload uploads[KILLED_COUNT];
	for (unsigned i = 0; i < KILLED_COUNT; i++) {
		make_object(&objects[i], i, KILLED_SIZE);
		uploads[i] = upload_of(&objects[i], PNR_REMOTE_REPLACE);
	}
	for (;;) {
		remote = NULL;
		if (open_remote(s, true, &remote, &err) != PNR_OK ||
		    pnr_remote_put(remote, uploads, KILLED_COUNT, &err) != PNR_OK)
			_exit(complain(&err));
		pnr_remote_close(remote);
	}
}

static int check_size(void *user, const char *key, uint64_t size)
{
	if (strncmp(key, "blobs/", 6) == 0) {
		assert_int_equal(size, KILLED_SIZE);
		++*(unsigned *)user;
	}
	return 0;
}

static void who_is_killed_leaves_only_what_is_whole(void **state)
{
	const scratch *s = *state;
	uint64_t random = 7;
	for (int k = 0; k < KILLS; k++) {
		int how = 0;
		unsigned seen = 0;
		pid_t child = fork();
		if (child == 0)
			push_until_killed(s);
		struct timespec pause = { 0, (long)(next_random(&random) % 40) * 1000 * 1000 };
		(void)nanosleep(&pause, NULL);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &how, 0), child);
		assert_true(WIFSIGNALED(how));
		pnr_remote *remote = created(s);
		assert_ok(pnr_remote_list(remote, "", check_size, &seen, NULL, err));
		for (unsigned i = 0; i < KILLED_COUNT; i++) {
			object o;
			make_object(&o, i, KILLED_SIZE);
			if (seen == KILLED_COUNT || is_there(remote, o.key))
				assert_object(remote, &o);
			free(o.body.data);
		}
		pnr_remote_close(remote);
	}
	/* The next put ends well. */
	pnr_remote *remote = created(s);
	for (unsigned i = 0; i < KILLED_COUNT; i++) {
		object o;
		make_object(&o, i, KILLED_SIZE);
		assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
		assert_object(remote, &o);
		free(o.body.data);
	}
	pnr_remote_close(remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(objects_of_every_size_come_back_as_they_were),
		place_test(thousands_of_objects_are_put_in_one_call),
		place_test(what_is_there_stays_or_is_replaced_as_was_said),
		place_test(a_missing_object_does_not_keep_the_others_from_coming),
		place_test(never_a_byte_more_than_the_limit),
		place_test(bytes_of_another_hash_are_never_visible),
		place_test(what_starts_with_a_prefix_is_listed),
		place_test(swapping_says_what_is_there_instead),
		place_test(a_ref_with_nothing_in_it_is_damaged_not_missing),
		place_test(a_ref_of_the_greatest_size_is_kept_and_no_larger_one_read),
		place_test(a_ref_that_many_swap_loses_no_change),
		place_test(of_processes_that_put_the_same_objects_one_puts_each),
		place_test(who_is_killed_leaves_only_what_is_whole),
	};
	return cmocka_run_group_tests(tests, in_memory, NULL);
}
