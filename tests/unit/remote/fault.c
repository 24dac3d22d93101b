/*
 * Every file call fails once, for every one of them: with EIO, with ENOSPC, cut short, and by the death of the process.
 * Afterwards what is visible is whole, success was never claimed for anything else, and the next try ends well.
 */
#include "../../allocator.h"
#include "../fault.h"
#include "support.h"

/* Every fault in a release build; under sanitizers, which are slower, every 7th. */
#ifdef SANITIZED
#define STRIDE 7
#else
#define STRIDE 1
#endif

/* Around the switch from fsync to syncfs. */
#define FEW 3u
#define MOST 70u
#define LARGE 300000u /* of the first: more than is moved at once */
#define SMALL 1000u

static object objects[MOST];

static bool counts(pnr_file_call call)
{
	if (armed.kind == FAULT_SHORT)
		return call == PNR_CALL_WRITE || call == PNR_CALL_READ;
	if (armed.kind == FAULT_DEATH)
		return call != PNR_CALL_STAT && call != PNR_CALL_READDIR && call != PNR_CALL_READ &&
		       call != PNR_CALL_CLOSE;
	return true;
}

/* One thing that is done to a remote. */
typedef struct deed {
	const char *name;
	unsigned count; /* of objects */
	bool fresh;     /* it starts with an empty folder, else with a remote that has the first object and the tag */
	pnr_status (*run)(const scratch *s, const struct deed *deed, pnr_error *err);
	void (*check)(const scratch *s, const struct deed *deed, bool succeeded);
	unsigned least; /* so many faults, all kinds together */
} deed;

/* ------------------------------------------------------------------ deeds -- */

static pnr_status push(const scratch *s, const deed *d, pnr_error *err)
{
	pnr_remote *remote = NULL;
	pnr_remote_upload uploads[MOST];
	pnr_remote_query query = { .key = objects[0].key };
	pnr_status status = open_remote(s, true, &remote, err);
	for (unsigned i = 0; i < d->count; i++)
		uploads[i] = upload_of(&objects[i], i == 1 ? PNR_REMOTE_REPLACE : PNR_REMOTE_IF_ABSENT);
	if (status == PNR_OK)
		status = pnr_remote_has(remote, &query, 1, err);
	if (status == PNR_OK)
		status = pnr_remote_put(remote, uploads, d->count, err);
	if (status != PNR_OK && remote != NULL)
		assert_true(pnr_remote_at_fault(remote));
	pnr_remote_close(remote);
	return status;
}

static int check_whole(void *user, const char *key, uint64_t size)
{
	unsigned *seen = user;
	if (strcmp(key, "pannier.json") == 0 || strncmp(key, "tags/", 5) == 0)
		return 0;
	assert_true(size == LARGE || size == SMALL);
	++*seen;
	return 0;
}

static void check_pushed(const scratch *s, const deed *d, bool succeeded)
{
	unsigned seen = 0;
	pnr_remote *remote = created(s);
	assert_ok(pnr_remote_list(remote, "", check_whole, &seen, NULL, err));
	assert_true(seen <= d->count && (!succeeded || seen == d->count));
	for (unsigned i = 0; i < d->count; i++)
		if (is_there(remote, objects[i].key))
			assert_object(remote, &objects[i]);
	pnr_remote_close(remote);
}

static pnr_status pull(const scratch *s, const deed *d, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	pnr_remote *remote = NULL;
	unsigned seen = 0;
	(void)d;
	pnr_status status = open_remote(s, false, &remote, err);
	if (status == PNR_OK)
		status = pnr_remote_list(remote, "blobs/", check_whole, &seen, NULL, err);
	if (status == PNR_OK)
		status = get_one(remote, objects[0].key, LARGE, &have, err);
	if (status == PNR_OK) {
		assert_int_equal(seen, 1);
		assert_int_equal(have.length, LARGE);
		assert_memory_equal(have.data, objects[0].body.data, LARGE);
	}
	pnr_remote_close(remote);
	return status;
}

/* From "one" to "two", and another one from nothing to "new". */
static pnr_status swap_tags(const scratch *s, const deed *d, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	pnr_remote *remote = NULL;
	(void)d;
	pnr_status status = open_remote(s, false, &remote, err);
	if (status == PNR_OK)
		status = swap(remote, "tags/a", "one", "two", &found, err);
	if (status == PNR_OK)
		status = swap(remote, "tags/b", "", "new", &found, err);
	if (status == PNR_OK)
		status = swap(remote, "tags/c", "old", "", &found, err);
	pnr_remote_close(remote);
	return status;
}

static void check_tag(pnr_remote *remote, const char *key, const char *before, const char *after, bool succeeded)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	pnr_status status = get_one(remote, key, 100, &have, NULL);
	assert_true(status == PNR_OK || status == PNR_NOT_FOUND);
	const char *text = status == PNR_OK ? have.data : "";
	if (strcmp(text, after) != 0 && (succeeded || strcmp(text, before) != 0))
		fail_msg("'%s' is '%s'", key, text);
}

static void check_tags(const scratch *s, const deed *d, bool succeeded)
{
	pnr_remote *remote = created(s);
	(void)d;
	check_tag(remote, "tags/a", "one", "two", succeeded);
	check_tag(remote, "tags/b", "", "new", succeeded);
	check_tag(remote, "tags/c", "old", "", succeeded);
	pnr_remote_close(remote);
}

static const deed deeds[] = {
	{ "creating and putting", FEW, true, push, check_pushed, 150 },
	{ "putting", FEW, false, push, check_pushed, 150 },
	{ "putting many", MOST, false, push, check_pushed, 0 },
	{ "getting and listing", 1, false, pull, check_pushed, 30 },
	{ "swapping", 0, false, swap_tags, check_tags, 150 },
};

/* ------------------------------------------------------------------- loops -- */

static void set_scene(const scratch *s, const deed *d)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	static const char *const names[] = { "pannier.json", "tmp~", "lock~", "blobs", "tags" };
	for (size_t i = 0; i < PNR_COUNT(names); i++)
		assert_int_equal(pnr_file_remove_tree(s->fd, names[i], NULL), PNR_OK);
	assert_int_equal(count_names(s->fd), 0);
	if (d->fresh)
		return;
	pnr_remote *remote = created(s);
	assert_ok(swap(remote, "tags/a", "", "one", &found, err));
	assert_ok(swap(remote, "tags/c", "", "old", &found, err));
	if (d->count > 0)
		assert_ok(put_one(remote, &objects[0], PNR_REMOTE_IF_ABSENT, NULL, err));
	pnr_remote_close(remote);
}

/* In a process of its own if it has to die. */
static pnr_status run_armed(const scratch *s, const deed *d, fault kind, unsigned target, pnr_error *err)
{
	pid_t child = kind == FAULT_DEATH ? fork() : 0;
	if (child == 0) {
		arm(kind, target);
		pnr_status status = d->run(s, d, err);
		pnr_file_gate_hook = NULL;
		if (kind == FAULT_DEATH)
			_exit(status == PNR_OK ? 1 : 2);
		return status;
	}
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	assert_int_not_equal(WEXITSTATUS(how), 2);
	armed.triggered = WEXITSTATUS(how) == 0;
	return armed.triggered ? PNR_CANCELLED : PNR_OK;
}

static void check_failure(fault kind, const deed *d, unsigned target, pnr_status status, const pnr_error *failure)
{
	if (status == PNR_OK || kind == FAULT_DEATH)
		return;
	const char *call = pnr_file_call_name(armed.hit);
	if (!armed.triggered || kind == FAULT_SHORT)
		fail_msg("%s %u: failed without a fault: %s", d->name, target, failure->message);
	if (failure->status != status || strstr(failure->message, "remote '/") == NULL)
		fail_msg("%s %u, %s: says '%s'", d->name, target, call, failure->message);
	if (status != (kind == FAULT_EIO ? PNR_IO : PNR_FULL))
		fail_msg("%s %u, %s: %s: %s", d->name, target, call, pnr_status_name(status), failure->message);
}

/* True if the fault was met. */
static bool run_with(const scratch *s, const deed *d, fault kind, unsigned target)
{
	pnr_error failure = PNR_ERROR_INIT, again = PNR_ERROR_INIT;
	set_scene(s, d);
	pnr_status status = run_armed(s, d, kind, target, &failure);
	bool met = armed.triggered;
	check_failure(kind, d, target, status, &failure);
	if (kind != FAULT_DEATH && temporaries(s) > (armed.hit == PNR_CALL_UNLINK ? 1 : 0))
		fail_msg("%s %u, %s: leaves a temporary", d->name, target, pnr_file_call_name(armed.hit));
	d->check(s, d, status == PNR_OK);
	if (d->run(s, d, &again) != PNR_OK)
		fail_msg("after %s %u (%s): %s", d->name, target, failure.message, again.message);
	d->check(s, d, true);
	return met;
}

static void every_fault_leaves_only_what_is_whole(void **state)
{
	const scratch *s = *state;
	for (unsigned i = 0; i < MOST; i++)
		make_object(&objects[i], i, i < FEW ? LARGE : SMALL);
	for (size_t i = 0; i < PNR_COUNT(deeds); i++) {
		unsigned faults = 0;
		/* Many are written the same way, one by one. */
		unsigned step = deeds[i].count == MOST ? 17 : STRIDE;
		for (int kind = FAULT_DEATH; kind < FAULT_KINDS; kind++)
			for (unsigned target = 1; run_with(s, &deeds[i], (fault)kind, target); target += step)
				faults++;
		print_message("%u faults injected into %s\n", faults, deeds[i].name);
		assert_true(faults > deeds[i].least / STRIDE);
	}
	for (unsigned i = 0; i < MOST; i++)
		free(objects[i].body.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(every_fault_leaves_only_what_is_whole),
	};
	return cmocka_run_group_tests(tests, in_memory, NULL);
}
