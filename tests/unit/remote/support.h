/* What the tests of remotes share: a folder that is one, objects made of numbers, and what is looked at afterwards. */
#ifndef TESTS_UNIT_REMOTE_SUPPORT_H
#define TESTS_UNIT_REMOTE_SUPPORT_H

#include "../base/support.h"
#include "codec/hash.h"
#include "remote/remote.h"
#include <sys/wait.h>

static inline pnr_status open_remote(const scratch *s, bool create, pnr_remote **out, pnr_error *err)
{
	const pnr_remote_options options = { .create = create };
	return pnr_remote_open(s->path, &options, out, err);
}

/* For tests of what is done, not of a disk: there every fsync would take its time. For cmocka_run_group_tests. */
static inline int in_memory(void **state)
{
	(void)state;
	return access("/dev/shm", W_OK | X_OK) == 0 ? setenv("TMPDIR", "/dev/shm", 0) : 0;
}

static inline pnr_remote *created(const scratch *s)
{
	pnr_remote *remote = NULL;
	assert_ok(open_remote(s, true, &remote, err));
	return remote;
}

/* ------------------------------------------------------------- objects -- */

/* A body in memory; counts what happens to it. */
typedef struct memory {
	char *data;
	uint64_t length;
	uint64_t fail_at; /* a read that reaches it fails; 0: none */
	unsigned reads, closes;
	uint64_t bytes; /* read in all */
} memory;

static inline pnr_status read_memory(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	memory *m = context;
	m->reads++;
	m->bytes += length;
	if (offset + length > m->length || (m->fail_at != 0 && offset + length >= m->fail_at))
		return pnr_fail(err, PNR_IO, "the body cannot be read");
	memcpy(buffer, m->data + offset, length);
	return PNR_OK;
}

static inline void close_memory(void *context)
{
	((memory *)context)->closes++;
}

#define KEY_SIZE 96

/* One object to put. */
typedef struct object {
	char key[KEY_SIZE];
	memory body;
} object;

/* Bytes that differ for each seed. */
static inline void fill(char *data, size_t length, uint64_t seed)
{
	uint64_t state = seed;
	for (size_t i = 0; i < length; i++)
		data[i] = (char)next_random(&state);
}

/* Object @number of @length bytes: in one of 256 folders, as blobs are. */
static inline void make_object(object *o, unsigned number, size_t length)
{
	memset(o, 0, sizeof *o);
	(void)snprintf(o->key, sizeof o->key, "blobs/%02x/%060x", (number * 37) & 0xff, number);
	o->body.data = malloc(length + 1);
	assert_non_null(o->body.data);
	o->body.length = length;
	fill(o->body.data, length, number);
}

static inline pnr_remote_upload upload_of(object *o, pnr_remote_mode mode)
{
	pnr_remote_upload u = { .key = o->key,
		                .body = { .read = read_memory, .close = close_memory, .context = &o->body },
		                .size = o->body.length,
		                .mode = mode };
	assert_int_equal(pnr_hash_memory(o->body.data, (size_t)o->body.length, &u.hash, NULL, NULL), PNR_OK);
	return u;
}

static inline pnr_status put_one(pnr_remote *remote, object *o, pnr_remote_mode mode, pnr_remote_outcome *out_outcome,
                                 pnr_error *err)
{
	pnr_remote_upload u = upload_of(o, mode);
	pnr_status status = pnr_remote_put(remote, &u, 1, err);
	if (out_outcome != NULL)
		*out_outcome = u.outcome;
	return status;
}

static inline pnr_status get_one(pnr_remote *remote, const char *key, uint64_t limit, pnr_buffer *out, pnr_error *err)
{
	pnr_buffer_end end = { out, SIZE_MAX };
	pnr_remote_download d = { .key = key, .limit = limit, .sink = pnr_buffer_end_sink(&end) };
	return pnr_remote_get(remote, &d, 1, err);
}

static inline void assert_object(pnr_remote *remote, const object *o)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	assert_ok(get_one(remote, o->key, o->body.length, &have, err));
	assert_int_equal(have.length, o->body.length);
	if (have.length > 0)
		assert_memory_equal(have.data, o->body.data, have.length);
}

static inline bool is_there(pnr_remote *remote, const char *key)
{
	pnr_remote_query q = { .key = key };
	assert_ok(pnr_remote_has(remote, &q, 1, err));
	return q.status == PNR_OK;
}

static inline size_t temporaries(const scratch *s)
{
	int fd = openat(s->fd, "tmp~", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t count = fd < 0 ? 0 : count_names(fd);
	if (fd >= 0)
		close(fd);
	return count;
}

/* ------------------------------------------------------------------ refs -- */

static inline pnr_remote_ref ref_of(const char *text)
{
	return (pnr_remote_ref){ text, strlen(text) };
}

/* "" is none. */
static inline pnr_status swap(pnr_remote *remote, const char *key, const char *expected, const char *value,
                              pnr_buffer *found, pnr_error *err)
{
	pnr_remote_ref from = ref_of(expected), to = ref_of(value);
	return pnr_remote_swap_ref(remote, key, &from, &to, found, err);
}

/* --------------------------------------------------------------- listing -- */

typedef struct listed_keys {
	unsigned count;
	uint64_t size;
	char last[PNR_REMOTE_KEY_MAX + 1];
	unsigned stop_after;
} listed_keys;

static inline int note_listed(void *user, const char *key, uint64_t size)
{
	listed_keys *l = user;
	l->count++;
	l->size += size;
	(void)snprintf(l->last, sizeof l->last, "%s", key);
	return l->count == l->stop_after;
}

static inline listed_keys list_all(pnr_remote *remote, const char *prefix, unsigned stop_after, uint64_t *out_foreign)
{
	listed_keys l = { .stop_after = stop_after };
	assert_ok(pnr_remote_list(remote, prefix, note_listed, &l, out_foreign, err));
	return l;
}

static inline void put_text(pnr_remote *remote, const char *key, const char *text)
{
	object o = { .body = { .data = (char *)text, .length = strlen(text) } };
	(void)snprintf(o.key, sizeof o.key, "%s", key);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
}

/* --------------------------------------------------------------- processes -- */

#define INCREMENTS 20u

static inline int complain(const pnr_error *err)
{
	print_error("%s\n", err->message);
	return 1;
}

/* Adds one to the number that the ref holds, as often as it takes. No two write the same: that would be no change. */
static inline pnr_status increment(pnr_remote *remote, const char *key, pnr_error *err)
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
		/* busy: others set it all the time */
		if (status == PNR_CONFLICT)
			(void)snprintf(old, sizeof old, "%s", found.length == 0 ? "" : found.data);
	} while (status == PNR_CONFLICT || status == PNR_BUSY);
	pnr_buffer_free(&found);
	return status;
}

/* How often each of those who swap at once; at a server fewer, which answers them one after the other. */
static inline unsigned increments(const scratch *s)
{
	return s->fd < 0 ? INCREMENTS / 4 : INCREMENTS;
}

static inline int open_and_increment(const scratch *s, unsigned process)
{
	pnr_error err = PNR_ERROR_INIT;
	for (unsigned i = 0; i < increments(s); i++) {
		pnr_remote *remote = NULL;
		if (open_remote(s, true, &remote, &err) != PNR_OK)
			return complain(&err);
		if (increment(remote, process % 2 == 0 ? "tags/even" : "tags/odd", &err) != PNR_OK)
			return complain(&err);
		pnr_remote_close(remote);
	}
	return 0;
}

static inline unsigned long number_at(pnr_remote *remote, const char *key)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	assert_ok(get_one(remote, key, 64, &have, err));
	return strtoul(have.data, NULL, 10);
}


/* Runs @work in @count processes at once; all must return 0. */
static inline void together(unsigned count, int (*work)(const scratch *s, unsigned process), const scratch *s)
{
	for (unsigned i = 0; i < count; i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(work(s, i));
	}
	bool well = true;
	for (unsigned i = 0; i < count; i++) {
		int how = 0;
		assert_true(wait(&how) > 0);
		well = well && WIFEXITED(how) && WEXITSTATUS(how) == 0;
	}
	assert_true(well);
}

#endif
