/* Many processes at one remote: refs lose no change, objects come once, and who is killed leaves nothing half-made. */
#include "support.h"
#include <signal.h>
#include <time.h>

#define PROCESSES 12u
#define ROUNDS 20u

static int complain(const pnr_error *err)
{
	print_error("%s\n", err->message);
	return 1;
}

/* Adds one to the number that the ref holds, as often as it takes. No two write the same: that would be no change. */
static pnr_status increment(pnr_remote *remote, const char *key, pnr_error *err)
{
	pnr_buffer found = PNR_BUFFER_INIT;
	static unsigned serial;
	char old[64] = "", new[64];
	pnr_status status;
	serial++;
	do {
		(void)snprintf(new, sizeof new, "%lu by %ld-%u", strtoul(old, NULL, 10) + 1, (long)getpid(), serial);
		pnr_error_clear(err);
		status = swap(remote, key, old, new, &found, err);
		if (status == PNR_CONFLICT)
			(void)snprintf(old, sizeof old, "%s", found.length == 0 ? "" : found.data);
	} while (status == PNR_CONFLICT);
	pnr_buffer_free(&found);
	return status;
}

static int open_and_increment(const scratch *s, unsigned process)
{
	pnr_error err = PNR_ERROR_INIT;
	for (unsigned i = 0; i < ROUNDS; i++) {
		pnr_remote *remote = NULL;
		if (open_remote(s, true, &remote, &err) != PNR_OK)
			return complain(&err);
		if (increment(remote, process % 2 == 0 ? "tags/even" : "tags/odd", &err) != PNR_OK)
			return complain(&err);
		pnr_remote_close(remote);
	}
	return 0;
}

static unsigned long number_at(const scratch *s, const char *name)
{
	char text[64] = "";
	int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	return strtoul(text, NULL, 10);
}

static void a_ref_that_many_swap_loses_no_change(void **state)
{
	const scratch *s = *state;
	together(PROCESSES, open_and_increment, s);
	assert_int_equal(number_at(s, "tags/even"), PROCESSES / 2 * ROUNDS);
	assert_int_equal(number_at(s, "tags/odd"), PROCESSES / 2 * ROUNDS);
	assert_int_equal(temporaries(s), 0);
}

/* Somebody who tidies up takes the lock away all the time: it is looked at again. */
static int increment_or_remove_lock(const scratch *s, unsigned process)
{
	if (process > 0)
		return open_and_increment(s, 0);
	for (unsigned i = 0; i < 200; i++) {
		const struct timespec pause = { 0, 1000 * 1000 };
		int fd = openat(s->fd, "lock~", O_RDWR | O_CLOEXEC);
		/* Under the lock: what is removed is nobody's. */
		if (fd >= 0 && pnr_file_lock(fd, 2 /* LOCK_EX */, "lock~", NULL) == PNR_OK)
			(void)unlinkat(s->fd, "lock~", 0);
		if (fd >= 0)
			close(fd);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

static void a_lock_that_is_removed_is_made_again(void **state)
{
	const scratch *s = *state;
	together(5, increment_or_remove_lock, s);
	assert_int_equal(number_at(s, "tags/even"), 4 * ROUNDS);
}

static void swapping_says_what_is_there_instead(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
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
	assert_file(s->fd, "tags/a", "one");
	/* The answer to a first try was lost. */
	assert_ok(swap(remote, "tags/a", "", "one", &found, err));
	assert_ok(swap(remote, "tags/a", "one", "", &found, err));
	assert_ok(swap(remote, "tags/a", "one", "", &found, err));
	assert_false(exists(s->fd, "tags/a"));
	assert_ok(swap(remote, "tags/none/a", "x", "", &found, err));
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
	int fd = openat(s->fd, "tags/a", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_fails(pnr_remote_swap_ref(remote, "tags/a", &value, &none, &found, err), PNR_CORRUPT, "tags/a");
	free(large);
	pnr_remote_close(remote);
}

/* All put the same objects; what each one says of its own goes to a file. */
static int put_the_same(const scratch *s, unsigned process)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_remote *remote = NULL;
	object objects[100];
	pnr_remote_upload uploads[PNR_COUNT(objects)];
	char name[32], outcomes[PNR_COUNT(objects) + 1] = "";
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
	(void)snprintf(name, sizeof name, "outcome%u", process);
	put_file(s->fd, name, outcomes);
	return 0;
}

static void of_processes_that_put_the_same_objects_one_puts_each(void **state)
{
	const scratch *s = *state;
	char outcomes[PROCESSES][128] = { "" };
	together(PROCESSES, put_the_same, s);
	for (unsigned p = 0; p < PROCESSES; p++) {
		char name[32];
		(void)snprintf(name, sizeof name, "outcome%u", p);
		int fd = openat(s->fd, name, O_RDONLY | O_CLOEXEC);
		assert_int_equal(read(fd, outcomes[p], 100), 100);
		close(fd);
	}
	pnr_remote *remote = created(s);
	for (unsigned i = 0; i < 100; i++) {
		object o;
		unsigned puts = 0;
		make_object(&o, i, 500);
		for (unsigned p = 0; p < PROCESSES; p++)
			puts += outcomes[p][i] == 'p';
		assert_int_equal(puts, 1);
		assert_object(remote, &o);
		free(o.body.data);
	}
	assert_int_equal(temporaries(s), 0);
	pnr_remote_close(remote);
}

/* ------------------------------------------------------------------ kill -9 -- */

#define KILLS 20
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
		scratch_test(a_ref_that_many_swap_loses_no_change),
		scratch_test(a_lock_that_is_removed_is_made_again),
		scratch_test(swapping_says_what_is_there_instead),
		scratch_test(a_ref_of_the_greatest_size_is_kept_and_no_larger_one_read),
		scratch_test(of_processes_that_put_the_same_objects_one_puts_each),
		scratch_test(who_is_killed_leaves_only_what_is_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
