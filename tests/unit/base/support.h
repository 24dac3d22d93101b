/* What the tests of base share: cmocka, random numbers, a folder that goes away, a gate that fails the Nth call. */
#ifndef TESTS_BASE_SUPPORT_H
#define TESTS_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants these first */
#include <cmocka.h>

#include "base/file.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline uint64_t next_random(uint64_t *state)
{
	uint64_t x = (*state += UINT64_C(0x9E3779B97F4A7C15));
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* ------------------------------------------------------------- scratch -- */

/* A new folder for one test, open. */
typedef struct scratch {
	char path[PATH_MAX];
	int fd;
} scratch;

static inline int scratch_setup(void **state)
{
	static scratch s;
	const char *base = getenv("TMPDIR");
	snprintf(s.path, sizeof s.path, "%s/pannier-base-XXXXXX", base == NULL || *base == '\0' ? "/tmp" : base);
	if (mkdtemp(s.path) == NULL)
		return -1;
	s.fd = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &s;
	return s.fd < 0 ? -1 : 0;
}

static inline int scratch_teardown(void **state)
{
	scratch *s = *state;
	pnr_file_gate_hook = NULL;
	close(s->fd);
	return pnr_file_remove_tree(AT_FDCWD, s->path, NULL) == PNR_OK ? 0 : -1;
}

#define scratch_test(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

static inline bool exists(int dir, const char *name)
{
	struct stat st;
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void put_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline void assert_file(int dir, const char *name, const char *text)
{
	char have[4096] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t length = read(fd, have, sizeof have - 1);
	assert_true(length >= 0);
	close(fd);
	assert_string_equal(have, text);
}

static inline int count_name(void *user, const char *name)
{
	(void)name;
	++*(size_t *)user;
	return 0;
}

static inline size_t count_names(int dir)
{
	size_t count = 0;
	assert_int_equal(pnr_file_list(dir, "scratch", count_name, &count, NULL), PNR_OK);
	return count;
}

/* ---------------------------------------------------------------- gate -- */

/* What the gate does; zero it, then set. */
static struct gate {
	unsigned calls[PNR_CALL_COUNT], total;
	pnr_file_call fail_call; /* with fail_nth > 0: the call that fails; PNR_CALL_COUNT: any */
	unsigned fail_nth;       /* of those calls, from 1 */
	int fail_errno;
	size_t most;             /* if not 0: bytes moved at once */
} gate;

static inline int gate_ask(pnr_file_call call, size_t *length)
{
	gate.calls[call]++;
	gate.total++;
	if (length != NULL && gate.most != 0 && *length > gate.most)
		*length = gate.most;
	unsigned nth = gate.fail_call == PNR_CALL_COUNT ? gate.total : call == gate.fail_call ? gate.calls[call] : 0;
	return gate.fail_nth != 0 && nth == gate.fail_nth ? gate.fail_errno : 0;
}

static inline void gate_open(void)
{
	memset(&gate, 0, sizeof gate);
	pnr_file_gate_hook = gate_ask;
}

static inline void gate_fail(pnr_file_call call, unsigned nth, int errnum)
{
	gate_open();
	gate.fail_call = call;
	gate.fail_nth = nth;
	gate.fail_errno = errnum;
}

static inline void gate_close(void)
{
	pnr_file_gate_hook = NULL;
}

/* ------------------------------------------------------------- asserts -- */

#define assert_ok(call)                                                    \
	do {                                                               \
		pnr_error err_ = PNR_ERROR_INIT, *err = &err_;             \
		if ((call) != PNR_OK)                                      \
			fail_msg("%s: %s", #call, err->message);           \
	} while (0)

/* The call fails with that status and that text in the message, which tells no secret: tests call those "hidden". */
#define assert_fails(call, wanted, text)                                                    \
	do {                                                                                \
		pnr_error err_ = PNR_ERROR_INIT, *err = &err_;                              \
		pnr_status got_ = (call);                                                   \
		if (got_ != (wanted) || strstr(err->message, (text)) == NULL)               \
			fail_msg("%s: %s: %s", #call, pnr_status_name(got_), err->message); \
		if (strstr(err->message, "hidden") != NULL)                                 \
			fail_msg("%s: tells a secret: %s", #call, err->message);            \
	} while (0)

#define assert_contains(text, part)                                                   \
	do {                                                                          \
		if (strstr((text), (part)) == NULL)                                   \
			fail_msg("no \"%s\" in \"%s\"", (part), (text));              \
	} while (0)

/* A copy of exactly that size: a read past its end is seen by the sanitizer. */
static inline char *exact(const char *text, size_t length)
{
	char *copy = malloc(length == 0 ? 1 : length);
	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

#endif
