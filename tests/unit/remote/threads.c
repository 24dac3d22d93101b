/* Handles share nothing: threads, each with its own, use one remote at once. For ThreadSanitizer as well. */
#include "support.h"
#include <pthread.h>

#define THREADS 4u
#define OBJECTS 80u /* more than are synced one by one */
#define ROUNDS 10u
#define LARGE ((size_t)40 << 20) /* synced by a thread of its own while it is written */

static const char *place;

typedef struct worker {
	pthread_t thread;
	unsigned number;
	unsigned puts;
	pnr_error error;
} worker;

static pnr_status push(pnr_remote *remote, worker *w)
{
	object objects[OBJECTS];
	pnr_remote_upload uploads[OBJECTS];
	for (unsigned i = 0; i < OBJECTS; i++) {
		make_object(&objects[i], i, i == 0 ? LARGE : 500);
		uploads[i] = upload_of(&objects[i], i == 0 ? PNR_REMOTE_REPLACE : PNR_REMOTE_IF_ABSENT);
	}
	pnr_status status = pnr_remote_put(remote, uploads, OBJECTS, &w->error);
	for (unsigned i = 0; i < OBJECTS; i++) {
		w->puts += i > 0 && uploads[i].outcome == PNR_REMOTE_PUT;
		free(objects[i].body.data);
	}
	return status;
}

/* Adds a letter that nobody else adds, as often as it takes. */
static pnr_status add_letter(pnr_remote *remote, worker *w, unsigned round)
{
	pnr_buffer found = PNR_BUFFER_INIT;
	char old[THREADS * ROUNDS + 1] = "", new[sizeof old + 1];
	pnr_status status;
	do {
		(void)snprintf(new, sizeof new, "%s%c", old, (char)('0' + w->number * ROUNDS + round));
		pnr_error_clear(&w->error);
		status = swap(remote, "tags/letters", old, new, &found, &w->error);
		if (status == PNR_CONFLICT)
			(void)snprintf(old, sizeof old, "%s", found.data);
	} while (status == PNR_CONFLICT);
	pnr_buffer_free(&found);
	return status;
}

static void *work(void *user)
{
	worker *w = user;
	const pnr_remote_options options = { .create = true };
	pnr_remote *remote = NULL;
	pnr_status status = pnr_remote_open(place, &options, &remote, &w->error);
	if (status == PNR_OK)
		status = push(remote, w);
	for (unsigned i = 0; i < ROUNDS && status == PNR_OK; i++)
		status = add_letter(remote, w, i);
	pnr_remote_close(remote);
	return NULL;
}

static void threads_with_handles_of_their_own_meet_in_the_remote_only(void **state)
{
	const scratch *s = *state;
	worker workers[THREADS];
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer letters = PNR_BUFFER_INIT;
	unsigned puts = 0;
	place = s->path;
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (worker){ .number = i, .error = PNR_ERROR_INIT };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
		if (workers[i].error.status != PNR_OK)
			fail_msg("%s", workers[i].error.message);
		puts += workers[i].puts;
	}
	assert_int_equal(puts, OBJECTS - 1);
	pnr_remote *remote = created(s);
	for (unsigned i = 0; i < OBJECTS; i++) {
		object o;
		make_object(&o, i, i == 0 ? LARGE : 500);
		assert_object(remote, &o);
		free(o.body.data);
	}
	assert_ok(get_one(remote, "tags/letters", 1000, &letters, err));
	assert_int_equal(letters.length, THREADS * ROUNDS);
	for (unsigned i = 0; i < THREADS * ROUNDS; i++)
		assert_non_null(memchr(letters.data, (int)('0' + i), letters.length));
	pnr_remote_close(remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(threads_with_handles_of_their_own_meet_in_the_remote_only),
	};
	return cmocka_run_group_tests(tests, in_memory, NULL);
}
