/* What holds for remotes of every kind: what is one, what keys are, whose fault a failure is. */
#include "flaky.h"
#include "support.h"
#include <errno.h>

static const char *problem_of(const char *key)
{
	const char *problem = pnr_remote_key_problem(key);
	return problem == NULL ? "" : problem;
}

static void keys_are_names_of_harmless_letters(void **state)
{
	(void)state;
	char deep[32] = "a", key[PNR_REMOTE_KEY_MAX + 2];
	static const char *const right[] = {
		"a", "tags/v1.2_3-x", "a/b/c/d/e/f/g/h", ".hidden", "...", "a/..b/.c", "A/Z/0/9",
	};
	for (size_t i = 0; i < PNR_COUNT(right); i++)
		assert_string_equal(problem_of(right[i]), "");
	assert_string_equal(problem_of(""), "is empty");
	static const char *const empty[] = { "/", "/a", "a/", "a//b" };
	for (size_t i = 0; i < PNR_COUNT(empty); i++)
		assert_contains(problem_of(empty[i]), "empty name");
	static const char *const dots[] = { ".", "..", "a/..", "../a", "a/./b", "a/../../b" };
	for (size_t i = 0; i < PNR_COUNT(dots); i++)
		assert_contains(problem_of(dots[i]), "'.' or '..'");
	static const char *const odd[] = { "a b", "tmp~", "a\\b", "a\nb", "\xc3\xa4", "a:b", "C:", "a*", "a%2f" };
	for (size_t i = 0; i < PNR_COUNT(odd); i++)
		assert_contains(problem_of(odd[i]), "something else");
	for (unsigned i = 1; i < PNR_REMOTE_DEPTH_MAX; i++)
		strcat(deep, "/a");
	assert_string_equal(problem_of(deep), "");
	strcat(deep, "/a");
	assert_contains(problem_of(deep), "8 names");
	memset(key, 'k', sizeof key);
	key[255] = '\0';
	assert_string_equal(problem_of(key), "");
	key[255] = 'k';
	key[256] = '\0';
	assert_contains(problem_of(key), "255 bytes");
	memset(key, 'k', sizeof key);
	key[200] = key[400] = '/';
	key[PNR_REMOTE_KEY_MAX] = '\0';
	assert_string_equal(problem_of(key), "");
	key[PNR_REMOTE_KEY_MAX] = 'k';
	key[PNR_REMOTE_KEY_MAX + 1] = '\0';
	assert_contains(problem_of(key), "512 bytes");
}

/* ---------------------------------------------------------------- opening -- */

static void an_empty_place_becomes_a_remote_when_asked_to(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = NULL;
	assert_fails(open_remote(s, false, &remote, err), PNR_NOT_FOUND, "it is an empty place; the first push");
	assert_int_equal(count_names(s->fd), 0);
	assert_ok(open_remote(s, true, &remote, err));
	assert_file(s->fd, "pannier.json", "{\"format\": 1}\n");
	assert_string_equal(pnr_remote_name(remote), s->path);
	pnr_remote_close(remote);
	assert_ok(open_remote(s, false, &remote, err));
	pnr_remote_close(remote);
	assert_ok(open_remote(s, true, &remote, err));
	pnr_remote_close(remote);
	pnr_remote_close(NULL);
}

static void only_the_last_folder_of_the_place_is_made(void **state)
{
	const scratch *s = *state;
	char url[PATH_MAX + 32];
	const pnr_remote_options options = { .create = true };
	pnr_remote *remote = NULL;
	(void)snprintf(url, sizeof url, "file://%s/new", s->path);
	assert_fails(pnr_remote_open(url, NULL, &remote, err), PNR_NOT_FOUND, "new': No such file");
	assert_ok(pnr_remote_open(url, &options, &remote, err));
	pnr_remote_close(remote);
	assert_file(s->fd, "new/pannier.json", "{\"format\": 1}\n");
	(void)snprintf(url, sizeof url, "%s/not-mounted/new", s->path);
	assert_fails(pnr_remote_open(url, &options, &remote, err), PNR_NOT_FOUND, "not-mounted': No such file");
	assert_false(exists(s->fd, "not-mounted"));
	put_file(s->fd, "file", "x");
	(void)snprintf(url, sizeof url, "%s/file", s->path);
	assert_fails(pnr_remote_open(url, &options, &remote, err), PNR_CONFLICT, "it is not a folder");
}

static void what_is_not_empty_and_no_remote_is_left_alone(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = NULL;
	static const char *const names[] = { "notes.txt", "My Documents.txt", ".bashrc" };
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		put_file(s->fd, names[i], "x");
		assert_fails(open_remote(s, true, &remote, err), PNR_CONFLICT, "not a Pannier remote: it is not empty");
		assert_int_equal(count_names(s->fd), 1);
		assert_int_equal(unlinkat(s->fd, names[i], 0), 0);
	}
	assert_int_equal(symlinkat("nowhere", s->fd, "link"), 0);
	assert_fails(open_remote(s, true, &remote, err), PNR_CONFLICT, "not a Pannier remote");
	assert_int_equal(unlinkat(s->fd, "link", 0), 0);
	/* What a create that was killed leaves is none of these. */
	assert_int_equal(mkdirat(s->fd, "tmp~", 0700), 0);
	put_file(s->fd, "tmp~/0123456789abcdef-1", "{");
	assert_ok(open_remote(s, true, &remote, err));
	pnr_remote_close(remote);
}

static void the_format_is_asked_for_first(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = NULL;
	static const struct {
		const char *text;
		pnr_status status;
		const char *reason;
	} cases[] = {
		{ "{\"format\": 1, \"more\": [2]}", PNR_OK, "" },
		{ "{\"format\": 2}", PNR_UNSUPPORTED,
		  "it has format 2, this Pannier knows formats up to 1; use a newer one" },
		{ "{\"format\": 1.5}", PNR_UNSUPPORTED, "it has format 1.5" },
		{ "{\"format\": 0}", PNR_CONFLICT, "not a Pannier remote" },
		{ "{\"format\": \"1\"}", PNR_CONFLICT, "not a Pannier remote" },
		{ "{}", PNR_CONFLICT, "not a Pannier remote" },
		{ "[1]", PNR_CONFLICT, "not a Pannier remote" },
		{ "1", PNR_CONFLICT, "not a Pannier remote" },
		{ "", PNR_CONFLICT, "not a Pannier remote" },
		{ "{\"format\": 1", PNR_CONFLICT, "not a Pannier remote" },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_error err = PNR_ERROR_INIT;
		put_file(s->fd, "pannier.json", cases[i].text);
		pnr_status status = open_remote(s, true, &remote, &err);
		if (status != cases[i].status || strstr(err.message, cases[i].reason) == NULL)
			fail_msg("%s: %s", cases[i].text, err.message);
		if (status == PNR_OK)
			pnr_remote_close(remote);
		else
			assert_contains(err.message, s->path);
		assert_file(s->fd, "pannier.json", cases[i].text);
	}
	int fd = openat(s->fd, "pannier.json", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 65 * 1024), 0);
	close(fd);
	assert_fails(open_remote(s, true, &remote, err), PNR_CORRUPT, "'pannier.json': it is larger than the 65536");
}

static void kinds_that_are_not_built_say_so(void **state)
{
	(void)state;
	pnr_remote *remote = NULL;
	assert_fails(pnr_remote_open("ftp://host/x", NULL, &remote, err), PNR_UNSUPPORTED, "'ftp://' are not known");
	assert_fails(pnr_remote_open("nonsense", NULL, &remote, err), PNR_INVALID, "a remote is a folder");
}

/* --------------------------------------------------------------- arguments -- */

static int never(void *user, const char *key, uint64_t size)
{
	(void)user;
	(void)size;
	fail_msg("lists '%s'", key);
	return 0;
}

static int note_one(void *user, const char *key, uint64_t size)
{
	(void)key;
	(void)size;
	*(bool *)user = true;
	return 0;
}

static void arguments_are_checked_before_anything_is_done(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object o;
	char *large = calloc(1, PNR_REMOTE_REF_MAX + 1);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	make_object(&o, 1, 10);
	pnr_remote_upload uploads[2] = { upload_of(&o, PNR_REMOTE_IF_ABSENT), upload_of(&o, PNR_REMOTE_IF_ABSENT) };
	uploads[1].key = "../x";
	uploads[1].outcome = PNR_REMOTE_THERE;
	pnr_remote_query query = { .key = "a//b" };
	pnr_remote_ref none = { NULL, 0 }, much = { large, PNR_REMOTE_REF_MAX + 1 };
	assert_fails(pnr_remote_put(remote, uploads, 2, err), PNR_INVALID, "key '../x' has '.' or '..' in it");
	assert_false(pnr_remote_at_fault(remote));
	assert_int_equal(uploads[1].outcome, PNR_REMOTE_PENDING);
	assert_int_equal(o.body.reads, 0);
	assert_fails(pnr_remote_has(remote, &query, 1, err), PNR_INVALID, "key 'a//b'");
	assert_fails(get_one(remote, "", 1, &found, err), PNR_INVALID, "key '' is empty");
	assert_fails(pnr_remote_list(remote, "/a", never, NULL, NULL, err), PNR_INVALID, "prefix '/a'");
	assert_fails(pnr_remote_list(remote, "..", never, NULL, NULL, err), PNR_OK, "");
	assert_fails(pnr_remote_list(remote, "../", never, NULL, NULL, err), PNR_INVALID, "prefix '../'");
	large[0] = 'x';
	memset(large, 'x', PNR_REMOTE_KEY_MAX);
	assert_fails(pnr_remote_list(remote, large, never, NULL, NULL, err), PNR_INVALID, "longer than any key");
	assert_fails(swap(remote, "tags/a b", "", "x", &found, err), PNR_INVALID, "key 'tags/a b'");
	assert_fails(pnr_remote_swap_ref(remote, "tags/a", &none, &much, &found, err), PNR_INVALID, "65536 bytes");
	assert_fails(pnr_remote_swap_ref(remote, "tags/a", &much, &none, &found, err), PNR_INVALID, "65536 bytes");
	assert_ok(pnr_remote_put(remote, NULL, 0, err));
	assert_ok(pnr_remote_get(remote, NULL, 0, err));
	assert_ok(pnr_remote_has(remote, NULL, 0, err));
	assert_int_equal(count_names(s->fd), 2); /* pannier.json, tmp~ */
	free(large);
	free(o.body.data);
	pnr_remote_close(remote);
}

/* ------------------------------------------------------------ whose fault -- */

static pnr_status refuse(void *context, const void *data, size_t length, pnr_error *err)
{
	(void)context;
	(void)data;
	(void)length;
	return pnr_fail(err, PNR_NOT_FOUND, "the sink refuses");
}

static pnr_status refuse_done(void *context, pnr_error *err)
{
	return refuse(context, NULL, 0, err);
}

static void a_failing_body_or_sink_is_the_callers_fault(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	object o;
	make_object(&o, 1, 1000);
	o.body.fail_at = 1;
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_IO, "the body cannot be read");
	assert_false(pnr_remote_at_fault(remote));
	assert_true(o.body.closes > 0);
	o.body.fail_at = 0;
	pnr_remote_upload u = upload_of(&o, PNR_REMOTE_IF_ABSENT);
	u.hash.bytes[0] ^= 1;
	assert_fails(pnr_remote_put(remote, &u, 1, err), PNR_CORRUPT, "its bytes here are not those of hash");
	assert_false(pnr_remote_at_fault(remote));
	assert_false(is_there(remote, o.key));
	assert_int_equal(temporaries(s), 0);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	pnr_remote_download d = { .key = o.key, .limit = 1000, .sink = { refuse, NULL } };
	assert_fails(pnr_remote_get(remote, &d, 1, err), PNR_NOT_FOUND, "the sink refuses");
	assert_false(pnr_remote_at_fault(remote));
	assert_int_equal(d.status, PNR_BUSY);
	pnr_buffer_end end = { &have, SIZE_MAX };
	d.sink = pnr_buffer_end_sink(&end);
	d.done = refuse_done;
	assert_fails(pnr_remote_get(remote, &d, 1, err), PNR_NOT_FOUND, "the sink refuses");
	assert_false(pnr_remote_at_fault(remote));
	assert_int_equal(d.status, PNR_BUSY);
	free(o.body.data);
	pnr_remote_close(remote);
}

static void what_the_remote_lacks_or_refuses_is_its_own_fault_and_it_is_named(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	pnr_error failure = PNR_ERROR_INIT;
	object o;
	make_object(&o, 1, 1000);
	assert_int_equal(get_one(remote, "blobs/ab/x", 10, &have, &failure), PNR_NOT_FOUND);
	assert_true(pnr_remote_at_fault(remote));
	assert_contains(failure.message, "remote '/");
	assert_contains(failure.message, "': there is no 'blobs/ab/x'");
	gate_fail(PNR_CALL_WRITE, 1, ENOSPC);
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_FULL, o.key);
	gate_close();
	assert_true(pnr_remote_at_fault(remote));
	/* Of the last call only. */
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_false(pnr_remote_at_fault(remote));
	free(o.body.data);
	pnr_remote_close(remote);
}

/* Each call of the double fails, before and in the middle; the next try ends well, and whose fault it is is told. */
static void the_double_fails_as_told_and_else_is_the_remote(void **state)
{
	const scratch *s = *state;
	for (unsigned i = 0; i < 10; i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
		flaky *f = flaky_new(created(s));
		pnr_remote *remote = &f->base;
		object o;
		uint64_t foreign = 0;
		unsigned failed = 0;
		bool listed = false;
		make_object(&o, i, 1000);
		pnr_remote_query q = { .key = o.key };
		f->fail_at = i / 2 + 1;
		f->midway = i % 2 == 1;
		for (unsigned step = 0; step < 5;) {
			pnr_error failure = PNR_ERROR_INIT;
			pnr_status status = PNR_OK;
			pnr_buffer_clear(&have);
			if (step == 0)
				status = put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, &failure);
			else if (step == 1)
				status = pnr_remote_has(remote, &q, 1, &failure);
			else if (step == 2)
				status = get_one(remote, o.key, 1000, &have, &failure);
			else if (step == 3)
				status = pnr_remote_list(remote, o.key, note_one, &listed, &foreign, &failure);
			else
				status = swap(remote, "tags/a", "", "x", &have, &failure);
			if (status == PNR_OK) {
				assert_true(step != 2 || have.length == 1000);
				step++;
				continue;
			}
			failed++;
			assert_true(pnr_remote_at_fault(remote));
			assert_contains(failure.message, "remote 'flaky': ");
		}
		assert_int_equal(failed, 1);
		assert_int_equal(f->calls, 6);
		assert_int_equal(q.status, PNR_OK);
		assert_true(listed);
		assert_fails(get_one(remote, "none", 1, &have, err), PNR_NOT_FOUND, "there is no 'none'");
		o.body.fail_at = 1;
		assert_fails(put_one(remote, &o, PNR_REMOTE_REPLACE, NULL, err), PNR_IO, "the body cannot be read");
		assert_false(pnr_remote_at_fault(remote));
		free(o.body.data);
		pnr_remote_close(remote);
		assert_int_equal(temporaries(s), 0);
	}
}

/* -------------------------------------------------------------- the meter -- */

static int stop_at_once(void *user, const pnr_progress *progress)
{
	(void)progress;
	++*(int *)user;
	return 1;
}

static void the_meter_stops_every_call_that_takes_long(void **state)
{
	const scratch *s = *state;
	pnr_meter meter = { .phase = PNR_PHASE_WRITE };
	const pnr_remote_options options = { .create = true, .meter = &meter };
	pnr_remote *remote = NULL;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	object o, other;
	int asked = 0;
	make_object(&o, 1, 1000);
	make_object(&other, 2, 1000);
	pnr_remote_query query = { .key = o.key };
	assert_ok(pnr_remote_open(s->path, &options, &remote, err));
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	meter.fn = stop_at_once;
	meter.user = &asked;
	assert_int_equal(put_one(remote, &other, PNR_REMOTE_IF_ABSENT, NULL, NULL), PNR_CANCELLED);
	meter.last = 0;
	assert_int_equal(get_one(remote, o.key, 1000, &have, NULL), PNR_CANCELLED);
	assert_false(pnr_remote_at_fault(remote));
	meter.last = 0;
	assert_int_equal(pnr_remote_has(remote, &query, 1, NULL), PNR_CANCELLED);
	meter.last = 0;
	assert_int_equal(pnr_remote_list(remote, "", never, NULL, NULL, NULL), PNR_CANCELLED);
	meter.last = 0;
	gate_fail(PNR_CALL_LOCK, 1, EWOULDBLOCK);
	assert_int_equal(swap(remote, "tags/x", "", "y", &have, NULL), PNR_CANCELLED);
	gate_close();
	assert_int_equal(asked, 5);
	meter.fn = NULL;
	assert_false(is_there(remote, other.key));
	assert_false(is_there(remote, "tags/x"));
	assert_int_equal(temporaries(s), 0);
	free(o.body.data);
	free(other.body.data);
	pnr_remote_close(remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_names_of_harmless_letters),
		scratch_test(an_empty_place_becomes_a_remote_when_asked_to),
		scratch_test(only_the_last_folder_of_the_place_is_made),
		scratch_test(what_is_not_empty_and_no_remote_is_left_alone),
		scratch_test(the_format_is_asked_for_first),
		cmocka_unit_test(kinds_that_are_not_built_say_so),
		scratch_test(arguments_are_checked_before_anything_is_done),
		scratch_test(a_failing_body_or_sink_is_the_callers_fault),
		scratch_test(what_the_remote_lacks_or_refuses_is_its_own_fault_and_it_is_named),
		scratch_test(the_double_fails_as_told_and_else_is_the_remote),
		scratch_test(the_meter_stops_every_call_that_takes_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
