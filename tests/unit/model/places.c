/* Confinement: what a walk finds, what is inside, and what can be opened. Hostile folders of every kind. */
#include "support.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

/* top/ws is allowed, top/ws/m the base, top/out is not allowed. */
typedef struct tree {
	char *top, *ws;
	pnr_roots *roots;
} tree;

static void plant(tree *t)
{
	t->top = new_folder_on_disk();
	t->ws = joined(t->top, "ws");
	put(t->top, "ws/m/f", "inside");
	put(t->top, "ws/m/sub/g", "inside");
	put(t->top, "ws/h", "inside");
	put(t->top, "out/f", "outside");
	put(t->top, "ws-evil/f", "outside");
	char *base = joined(t->ws, "m");
	assert_int_equal(pnr_roots_new(base, NULL, &t->roots, NULL), PNR_OK);
	assert_int_equal(pnr_roots_allow(t->roots, t->ws, NULL), PNR_OK);
	free(base);
}

static void fell(tree *t)
{
	pnr_roots_free(t->roots);
	free(t->ws);
	remove_folder(t->top);
}

/* Read what is at @path: the first byte of its content, 'i' or 'o'; or the status of what failed. */
static pnr_status read_place(const pnr_place *place, char *out_first, pnr_error *err)
{
	int fd = -1;
	pnr_status status = pnr_place_open(place, &fd, err);
	if (status == PNR_OK) {
		assert_int_equal(read(fd, out_first, 1), 1);
		assert_int_equal(close(fd), 0);
	}
	return status;
}

static pnr_status read_path(const tree *t, const char *path, char *out_first)
{
	PNR_CLEANUP(pnr_place_free) pnr_place place = PNR_PLACE_INIT;
	pnr_status status = pnr_roots_find(t->roots, path, &place, NULL);
	return status == PNR_OK ? read_place(&place, out_first, NULL) : status;
}

static void expect_inside(const tree *t, const char *path)
{
	char first = '\0';
	pnr_status status = read_path(t, path, &first);
	if (status != PNR_OK || first != 'i')
		fail_msg("'%s': %s, '%c'", path, pnr_status_name(status), first);
}

static void expect_status(const tree *t, const char *path, pnr_status expected)
{
	char first = '\0';
	pnr_status status = read_path(t, path, &first);
	if (status != expected || first != '\0')
		fail_msg("'%s': %s, not %s", path, pnr_status_name(status), pnr_status_name(expected));
}

static char *in_top(const tree *t, const char *path)
{
	return joined(t->top, path);
}

/* The same for a path that is relative to the top, made absolute. */
static void expect_top_inside(const tree *t, const char *path)
{
	char *full = in_top(t, path);
	expect_inside(t, full);
	free(full);
}

static void expect_top_status(const tree *t, const char *path, pnr_status expected)
{
	char *full = in_top(t, path);
	expect_status(t, full, expected);
	free(full);
}

/* --------------------------------------------------------------- paths -- */

static void paths_lead_where_they_say(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	static const char *const inside[] = { "f", "./f", ".//sub/./g", "sub/../f", "../h", "../m/../m//sub/g",
	                                      "sub/../../../ws/m/f" };
	static const char *const none[] = { "", "nope", "nope/f", "f/", "f/x", "f/.", "sub/f", "../../nope" };
	for (size_t i = 0; i < PNR_COUNT(inside); i++)
		expect_inside(&t, inside[i]);
	expect_status(&t, "", PNR_INVALID);
	for (size_t i = 1; i < PNR_COUNT(none); i++)
		expect_status(&t, none[i], PNR_NOT_FOUND);
	expect_top_inside(&t, "ws/m/f");
	expect_top_inside(&t, "out/../ws/h");
	fell(&t);
}

static void dots_and_absolute_paths_do_not_lead_out(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	expect_status(&t, "../../out/f", PNR_DENIED);
	expect_status(&t, "sub/../../../out/f", PNR_DENIED);
	expect_status(&t, "../../ws-evil/f", PNR_DENIED);
	expect_status(&t, "/etc/passwd", PNR_DENIED);
	expect_status(&t, "../../../../../../../../../../../../../../../etc/passwd", PNR_DENIED);
	expect_top_status(&t, "out/f", PNR_DENIED);
	expect_top_status(&t, "ws/../out/f", PNR_DENIED);
	expect_top_status(&t, "ws-evil/f", PNR_DENIED);
	fell(&t);
}

static void a_place_has_a_canonical_path(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	put_link(t.ws, "m/link", "../m/sub");
	pnr_place place = PNR_PLACE_INIT;
	assert_int_equal(pnr_roots_find(t.roots, "..//m/./link/../sub//g", &place, NULL), PNR_OK);
	char *real = in_top(&t, "ws/m/sub/g");
	assert_string_equal(place.path, real);
	assert_string_equal(place.name, "g");
	assert_int_equal(place.st.st_size, 6);
	pnr_place_free(&place);
	free(real);
	assert_int_equal(pnr_roots_find(t.roots, "/", &place, NULL), PNR_OK);
	assert_string_equal(place.path, "/");
	assert_false(place.inside);
	pnr_place_free(&place);
	assert_int_equal(pnr_roots_find(t.roots, "..", &place, NULL), PNR_OK);
	assert_string_equal(place.path, t.ws);
	assert_true(S_ISDIR(place.st.st_mode));
	assert_true(place.inside);
	pnr_place_free(&place);
	real = in_top(&t, "ws/m");
	assert_string_equal(pnr_roots_base(t.roots), real);
	free(real);
	fell(&t);
}

/* --------------------------------------------------------------- links -- */

static void links_inside_are_followed(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	char *absolute = in_top(&t, "ws/m/sub");
	put_link(t.ws, "m/to-f", "f");
	put_link(t.ws, "m/up", "../h");
	put_link(t.ws, "m/to-sub", "sub");
	put_link(t.ws, "m/abs", absolute);
	put_link(t.ws, "m/twice", "to-sub/../to-sub/g");
	put_link(t.ws, "m/out-and-in", "../../out/../ws/m/f");
	put_link(t.ws, "m/slashes", "sub///");
	expect_inside(&t, "to-f");
	expect_inside(&t, "up");
	expect_inside(&t, "to-sub/g");
	expect_inside(&t, "abs/g");
	/* ".." after a link is the parent of where it leads, as for the kernel. */
	expect_inside(&t, "abs/../f");
	expect_inside(&t, "twice");
	expect_inside(&t, "out-and-in");
	expect_inside(&t, "slashes/g");
	expect_status(&t, "to-f/", PNR_NOT_FOUND);
	free(absolute);
	fell(&t);
}

static void a_link_in_any_component_that_leads_out_is_refused(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	char *out = in_top(&t, "out"), *secret = in_top(&t, "out/f");
	put(t.ws, "a/b/c/f", "inside");
	put_link(t.ws, "a/b/c/leaf", secret);
	put_link(t.ws, "a/b/c2", out);
	put_link(t.ws, "a/b/c3", "../../../out");
	put_link(t.ws, "a/b2", "../../out");
	put_link(t.ws, "a2", "../out");
	put_link(t.ws, "a3", "a/b/c2");
	put_link(t.ws, "a4", "/");
	put_link(t.ws, "a5", "..");
	static const char *const paths[] = { "a/b/c/leaf", "a/b/c2/f", "a/b/c3/f", "a/b2/f", "a2/f", "a3/f", "a5/out/f",
	                                     "a/../a2/../out/f", "a4/etc/passwd" };
	for (size_t i = 0; i < PNR_COUNT(paths); i++) {
		char *relative = joined("..", paths[i]), *absolute = joined(t.ws, paths[i]);
		expect_status(&t, relative, PNR_DENIED);
		expect_status(&t, absolute, PNR_DENIED);
		free(relative);
		free(absolute);
	}
	free(out);
	free(secret);
	fell(&t);
}

static void links_that_lead_nowhere_are_not_found_and_circles_are_refused(void **state)
{
	tree t;
	pnr_error err = PNR_ERROR_INIT;
	pnr_place place = PNR_PLACE_INIT;
	(void)state;
	plant(&t);
	put_link(t.ws, "m/dangling", "nope");
	put_link(t.ws, "m/dangling-out", "../../out/nope");
	put_link(t.ws, "m/self", "self");
	put_link(t.ws, "m/ping", "pong");
	put_link(t.ws, "m/pong", "./ping");
	put_link(t.ws, "m/grow", "grow/x");
	expect_status(&t, "dangling", PNR_NOT_FOUND);
	expect_status(&t, "dangling/f", PNR_NOT_FOUND);
	expect_status(&t, "dangling-out", PNR_NOT_FOUND);
	expect_status(&t, "self", PNR_DENIED);
	expect_status(&t, "ping/f", PNR_DENIED);
	expect_status(&t, "grow", PNR_DENIED);
	assert_int_equal(pnr_roots_find(t.roots, "self", &place, &err), PNR_DENIED);
	assert_int_equal(err.detail, ELOOP);
	fell(&t);
}

static void forty_links_are_followed_as_the_kernel_does(void **state)
{
	tree t;
	char name[16], target[16];
	(void)state;
	plant(&t);
	put_link(t.ws, "m/l1", "f");
	for (unsigned i = 2; i <= 41; i++) {
		(void)snprintf(name, sizeof name, "m/l%u", i);
		(void)snprintf(target, sizeof target, "l%u", i - 1);
		put_link(t.ws, name, target);
	}
	expect_inside(&t, "l40");
	expect_status(&t, "l41", PNR_DENIED);
	fell(&t);
}

static void links_of_proc_are_walked_as_text(void **state)
{
	tree t;
	char link[64];
	(void)state;
	plant(&t);
	char *secret = in_top(&t, "out/f");
	int fd = open(secret, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	put_link(t.ws, "m/fd", link);
	put_link(t.ws, "m/root", "/proc/self/root");
	expect_status(&t, link, PNR_DENIED);
	expect_status(&t, "fd", PNR_DENIED);
	expect_status(&t, "root/etc/passwd", PNR_DENIED);
	assert_int_equal(close(fd), 0);
	/* What such a link shows of a removed file is no path: nothing is there. */
	fd = open(secret, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(unlink(secret), 0);
	expect_status(&t, "fd", PNR_NOT_FOUND);
	assert_int_equal(close(fd), 0);
	free(secret);
	fell(&t);
}

/* --------------------------------------------------------------- roots -- */

static void another_folder_can_be_allowed(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	char *out = in_top(&t, "out");
	put_link(t.top, "alias", "out");
	put_link(t.ws, "m/way", out);
	expect_status(&t, "way/f", PNR_DENIED);
	char *alias = in_top(&t, "alias");
	assert_int_equal(pnr_roots_allow(t.roots, alias, NULL), PNR_OK);
	char first = '\0';
	assert_int_equal(read_path(&t, "way/f", &first), PNR_OK);
	assert_int_equal(first, 'o');
	first = '\0';
	assert_int_equal(read_path(&t, "../../out/f", &first), PNR_OK);
	expect_status(&t, "../../ws-evil/f", PNR_DENIED);
	free(alias);
	free(out);
	fell(&t);
}

static void a_root_must_be_a_folder_that_exists(void **state)
{
	tree t;
	pnr_error err = PNR_ERROR_INIT;
	pnr_roots *roots = NULL;
	(void)state;
	plant(&t);
	char *file = in_top(&t, "out/f"), *none = in_top(&t, "nope");
	assert_int_equal(pnr_roots_allow(t.roots, file, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, file));
	assert_int_equal(pnr_roots_allow(t.roots, none, NULL), PNR_NOT_FOUND);
	assert_int_equal(pnr_roots_new(none, NULL, &roots, NULL), PNR_NOT_FOUND);
	assert_int_equal(pnr_roots_new(file, NULL, &roots, NULL), PNR_INVALID);
	assert_null(roots);
	free(file);
	free(none);
	fell(&t);
}

static void a_root_is_the_folder_not_its_name(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	char *away = in_top(&t, "away"), *out = in_top(&t, "out");
	assert_int_equal(rename(t.ws, away), 0);
	assert_int_equal(symlink(out, t.ws), 0);
	/* The base is still the folder that it was; its name now leads elsewhere. */
	expect_inside(&t, "f");
	expect_inside(&t, "../h");
	expect_inside(&t, "../../ws/m/f");
	assert_int_equal(unlink(t.ws), 0);
	free(away);
	free(out);
	fell(&t);
}

/* -------------------------------------------------------- not a regular file -- */

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	tree t;
	char full[4096];
	(void)state;
	plant(&t);
	assert_int_equal(mkfifo(at(full, t.ws, "m/fifo"), 0666), 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	assert_true(snprintf(address.sun_path, sizeof address.sun_path, "%s/m/socket", t.ws) <
	            (int)sizeof address.sun_path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	put_link(t.ws, "m/to-fifo", "fifo");
	put_link(t.ws, "m/null", "/dev/null");
	static const char *const paths[] = { "fifo", "to-fifo", "socket", "sub", "sub/", ".", ".." };
	for (size_t i = 0; i < PNR_COUNT(paths); i++) {
		PNR_CLEANUP(pnr_place_free) pnr_place place = PNR_PLACE_INIT;
		pnr_error err = PNR_ERROR_INIT;
		char first = '\0';
		assert_int_equal(pnr_roots_find(t.roots, paths[i], &place, NULL), PNR_OK);
		assert_int_equal(read_place(&place, &first, &err), PNR_INVALID);
		assert_non_null(strstr(err.message, "not a regular file"));
	}
	expect_status(&t, "null", PNR_DENIED);
	/* Allowing the folder of devices does not make one a file. */
	assert_int_equal(pnr_roots_allow(t.roots, "/dev", NULL), PNR_OK);
	expect_status(&t, "null", PNR_INVALID);
	assert_int_equal(close(listener), 0);
	fell(&t);
}

/* ------------------------------------------------- swapped after the walk -- */

static void find_f(const tree *t, const char *path, pnr_place *place)
{
	assert_int_equal(pnr_roots_find(t->roots, path, place, NULL), PNR_OK);
	assert_true(place->inside);
}

static void a_file_that_was_replaced_since_is_not_read(void **state)
{
	tree t;
	char full[4096], aside[4096], first = '\0';
	(void)state;
	plant(&t);
	char *secret = in_top(&t, "out/f");
	(void)at(full, t.ws, "m/f");
	(void)at(aside, t.ws, "m/aside");
	for (int swap = 0; swap < 6; swap++) {
		PNR_CLEANUP(pnr_place_free) pnr_place place = PNR_PLACE_INIT;
		pnr_error err = PNR_ERROR_INIT;
		find_f(&t, "f", &place);
		/* The old file stays, so that its inode number is not given to the new one. */
		assert_int_equal(rename(full, aside), 0);
		if (swap == 0)
			assert_int_equal(symlink(secret, full), 0);
		else if (swap == 1)
			put(t.ws, "m/f", "outside");
		else if (swap == 2)
			assert_int_equal(mkfifo(full, 0666), 0);
		else if (swap == 3)
			assert_int_equal(mkdir(full, 0777), 0);
		else if (swap == 4)
			assert_int_equal(symlink("aside", full), 0);
		assert_int_equal(read_place(&place, &first, &err), PNR_RETRY);
		assert_non_null(strstr(err.message, place.path));
		assert_int_equal(first, '\0');
		assert_int_equal(pnr_file_remove_tree(AT_FDCWD, full, NULL), PNR_OK);
		assert_int_equal(rename(aside, full), 0);
	}
	free(secret);
	fell(&t);
}

static void a_folder_swapped_for_a_link_since_does_not_lead_out(void **state)
{
	tree t;
	char folder[4096], away[4096], first = '\0';
	(void)state;
	plant(&t);
	put(t.top, "out/g", "outside");
	char *out = in_top(&t, "out");
	pnr_place place = PNR_PLACE_INIT;
	find_f(&t, "sub/g", &place);
	assert_int_equal(rename(at(folder, t.ws, "m/sub"), at(away, t.ws, "m/away")), 0);
	assert_int_equal(symlink(out, folder), 0);
	assert_int_equal(read_place(&place, &first, NULL), PNR_OK);
	assert_int_equal(first, 'i');
	pnr_place_free(&place);
	/* A walk of its own sees the link. */
	pnr_roots *fresh = NULL;
	char *base = in_top(&t, "ws/m");
	assert_int_equal(pnr_roots_new(base, NULL, &fresh, NULL), PNR_OK);
	assert_int_equal(pnr_roots_allow(fresh, t.ws, NULL), PNR_OK);
	assert_int_equal(pnr_roots_find(fresh, "sub/g", &place, NULL), PNR_OK);
	assert_false(place.inside);
	pnr_place_free(&place);
	pnr_roots_free(fresh);
	free(base);
	free(out);
	fell(&t);
}

/* What is exchanged, and before which file call. */
static char exchange_a[4096], exchange_b[4096];
static unsigned calls, exchange_at;
static bool exchanged;

static int exchange_once(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	if (++calls == exchange_at)
		exchanged = renameat2(AT_FDCWD, exchange_a, AT_FDCWD, exchange_b, RENAME_EXCHANGE) == 0;
	return 0;
}

/* The exchange happens before each call of a walk and an opening in turn: what is read is never from outside. */
static void exchange_before_each_call(const tree *t, const char *a, const char *b, const char *path)
{
	char *base = in_top(t, "ws/m");
	(void)at(exchange_a, t->top, a);
	(void)at(exchange_b, t->top, b);
	for (exchange_at = 1;; exchange_at++) {
		tree fresh = { .top = t->top, .ws = t->ws };
		char first = '\0';
		calls = 0;
		exchanged = false;
		pnr_file_gate_hook = exchange_once;
		assert_int_equal(pnr_roots_new(base, NULL, &fresh.roots, NULL), PNR_OK);
		assert_int_equal(pnr_roots_allow(fresh.roots, t->ws, NULL), PNR_OK);
		pnr_status status = read_path(&fresh, path, &first);
		pnr_file_gate_hook = NULL;
		pnr_roots_free(fresh.roots);
		if (status == PNR_OK ? first != 'i' : status != PNR_DENIED && status != PNR_RETRY)
			fail_msg("exchange at call %u: %s, '%c'", exchange_at, pnr_status_name(status), first);
		if (!exchanged)
			break;
		assert_int_equal(renameat2(AT_FDCWD, exchange_a, AT_FDCWD, exchange_b, RENAME_EXCHANGE), 0);
	}
	if (exchange_at == 1)
		print_message("  this file system cannot exchange names: nothing was exchanged\n");
	else
		assert_true(exchange_at > 10);
	free(base);
}

static void a_link_that_appears_before_any_call_does_not_lead_out(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	put(t.top, "out/g", "outside");
	put(t.top, "ws/sub/g", "inside");
	char *out = in_top(&t, "out"), *secret = in_top(&t, "out/f");
	put_link(t.ws, "evil-sub", out);
	put_link(t.ws, "evil-f", secret);
	put_link(t.ws, "m/good-link", "sub");
	exchange_before_each_call(&t, "ws/m/sub", "ws/evil-sub", "sub/g");
	exchange_before_each_call(&t, "ws/m/f", "ws/evil-f", "f");
	exchange_before_each_call(&t, "ws/m/good-link", "ws/evil-sub", "good-link/g");
	exchange_before_each_call(&t, "ws/m/good-link", "ws/sub", "good-link/g");
	/* And the other way round: the link is there first. */
	char *to_out = in_top(&t, "ws/evil-sub"), *link = in_top(&t, "ws/m/turned");
	assert_int_equal(rename(to_out, link), 0);
	exchange_before_each_call(&t, "ws/m/turned", "ws/m/sub", "turned/g");
	free(to_out);
	free(link);
	free(out);
	free(secret);
	fell(&t);
}

typedef struct swapper {
	char a[4096], b[4096]; /* exchanged again and again */
	atomic_bool stop;
	unsigned long swaps;
} swapper;

static void *keep_swapping(void *user)
{
	swapper *s = user;
	while (!atomic_load(&s->stop)) {
		if (renameat2(AT_FDCWD, s->a, AT_FDCWD, s->b, RENAME_EXCHANGE) != 0)
			break;
		s->swaps++;
	}
	return NULL;
}

/* For half a second a walker and a swapper run against each other: what is read is never from outside. */
static void race(tree *t, const char *a, const char *b, const char *path)
{
	swapper s = { .swaps = 0 };
	pthread_t thread;
	unsigned long inside = 0, refused = 0;
	struct timespec now, until;
	(void)at(s.a, t->top, a);
	(void)at(s.b, t->top, b);
	char *base = in_top(t, "ws/m");
	assert_int_equal(pthread_create(&thread, NULL, keep_swapping, &s), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 250000000;
	do {
		tree fresh = { .top = t->top, .ws = t->ws };
		char first = '\0';
		assert_int_equal(pnr_roots_new(base, NULL, &fresh.roots, NULL), PNR_OK);
		assert_int_equal(pnr_roots_allow(fresh.roots, t->ws, NULL), PNR_OK);
		pnr_status status = read_path(&fresh, path, &first);
		if (status == PNR_OK)
			assert_int_equal(first, 'i');
		else
			assert_true(status == PNR_DENIED || status == PNR_RETRY || status == PNR_NOT_FOUND);
		*(status == PNR_OK ? &inside : &refused) += 1;
		pnr_roots_free(fresh.roots);
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec * 1000000000 + now.tv_nsec < until.tv_sec * 1000000000 + until.tv_nsec);
	atomic_store(&s.stop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (s.swaps == 0)
		print_message("  this file system cannot exchange names: nothing was raced\n");
	print_message("  %lu swaps, %lu read, %lu refused\n", s.swaps, inside, refused);
	free(base);
}

static void folders_and_files_swapped_for_links_all_the_time_never_lead_out(void **state)
{
	tree t;
	(void)state;
	plant(&t);
	put(t.top, "out/g", "outside");
	char *out = in_top(&t, "out"), *secret = in_top(&t, "out/f");
	put_link(t.ws, "evil-sub", out);
	put_link(t.ws, "evil-f", secret);
	race(&t, "ws/m/sub", "ws/evil-sub", "sub/g");
	race(&t, "ws/m/f", "ws/evil-f", "f");
	free(out);
	free(secret);
	fell(&t);
}

/* --------------------------------------------------------------- limits -- */

static void many_folders_need_few_descriptors(void **state)
{
	enum { FOLDERS = 600 };
	static pnr_place places[FOLDERS];
	tree t;
	char path[64], full[4096], away[4096];
	(void)state;
	plant(&t);
	size_t before = open_descriptors();
	for (unsigned i = 0; i < FOLDERS; i++) {
		(void)snprintf(path, sizeof path, "m/many/d%u/e/f", i);
		put(t.ws, path, "inside");
		places[i] = (pnr_place)PNR_PLACE_INIT;
		find_f(&t, path + 2, &places[i]);
	}
	assert_true(open_descriptors() <= before + 128);
	for (unsigned i = 0; i < FOLDERS; i++) {
		char first = '\0';
		assert_int_equal(read_place(&places[i], &first, NULL), PNR_OK);
		assert_int_equal(first, 'i');
	}
	assert_true(open_descriptors() <= before + 128);
	/* The first ones are closed again. Another folder in the place of one is not taken for it. */
	char first = '\0';
	assert_int_equal(rename(at(full, t.ws, "m/many/d0/e"), at(away, t.ws, "m/many/d0/away")), 0);
	put(t.ws, "m/many/d0/e/f", "outside");
	assert_int_equal(read_place(&places[0], &first, NULL), PNR_RETRY);
	pnr_place place = PNR_PLACE_INIT;
	assert_int_equal(pnr_roots_find(t.roots, "many/d0/e/f", &place, NULL), PNR_RETRY);
	char *out = in_top(&t, "out");
	assert_int_equal(rename(at(full, t.ws, "m/many/d1/e"), at(away, t.ws, "m/many/d1/away")), 0);
	assert_int_equal(symlink(out, full), 0);
	assert_int_equal(read_place(&places[1], &first, NULL), PNR_RETRY);
	assert_int_equal(first, '\0');
	for (unsigned i = 0; i < FOLDERS; i++)
		pnr_place_free(&places[i]);
	free(out);
	fell(&t);
}

static void *open_many(void *user)
{
	const pnr_place *places = user;
	for (unsigned round = 0; round < 10; round++)
		for (unsigned i = 0; i < 200; i++) {
			char first = '\0';
			if (read_place(&places[i], &first, NULL) != PNR_OK || first != 'i')
				return user;
		}
	return NULL;
}

static void places_are_opened_from_several_threads(void **state)
{
	static pnr_place places[200];
	tree t;
	char path[64];
	pthread_t threads[4];
	(void)state;
	plant(&t);
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(path, sizeof path, "m/d%u/f", i);
		put(t.ws, path, "inside");
		places[i] = (pnr_place)PNR_PLACE_INIT;
		find_f(&t, path + 2, &places[i]);
	}
	for (unsigned i = 0; i < PNR_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_many, places), 0);
	for (unsigned i = 0; i < PNR_COUNT(threads); i++) {
		void *failed = NULL;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	for (unsigned i = 0; i < 200; i++)
		pnr_place_free(&places[i]);
	fell(&t);
}

static int count_calls(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	calls++;
	return 0;
}

static void a_file_beside_a_known_one_costs_one_call(void **state)
{
	tree t;
	pnr_place place = PNR_PLACE_INIT;
	(void)state;
	plant(&t);
	put(t.ws, "m/sub/x", "inside");
	find_f(&t, "sub/g", &place);
	pnr_place_free(&place);
	pnr_file_gate_hook = count_calls;
	calls = 0;
	find_f(&t, "sub/x", &place);
	assert_int_equal(calls, 1);
	int fd = -1;
	assert_int_equal(pnr_place_open(&place, &fd, NULL), PNR_OK);
	assert_int_equal(calls, 3);
	pnr_file_gate_hook = NULL;
	assert_int_equal(close(fd), 0);
	pnr_place_free(&place);
	fell(&t);
}

static void names_of_any_bytes_and_length_are_found(void **state)
{
	tree t;
	char longest[300], path[600];
	pnr_place place = PNR_PLACE_INIT;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	plant(&t);
	memset(longest, 'n', 256);
	longest[255] = '\0';
	(void)snprintf(path, sizeof path, "m/%s", longest);
	put(t.ws, path, "inside");
	expect_inside(&t, longest);
	longest[255] = 'n';
	longest[256] = '\0';
	expect_status(&t, longest, PNR_INVALID);
	assert_int_equal(pnr_roots_find(t.roots, longest, &place, &err), PNR_INVALID);
	assert_int_equal(err.detail, ENAMETOOLONG);
	(void)snprintf(path, sizeof path, "%s/f", longest);
	expect_status(&t, path, PNR_INVALID);
	put(t.ws, "m/\xff\xfe\n\x1b[31m", "inside");
	expect_inside(&t, "\xff\xfe\n\x1b[31m");
	pnr_error_clear(&err);
	assert_int_equal(pnr_roots_find(t.roots, "\x1b[31m\n", &place, &err), PNR_NOT_FOUND);
	assert_null(strpbrk(err.message, "\n\x1b"));
	fell(&t);
}

static void a_path_may_be_longer_than_the_system_takes(void **state)
{
	enum { LEVELS = 250 };
	tree t;
	(void)state;
	plant(&t);
	static const char name[] = "a-folder-with-a-long-name";
	pnr_buffer path = PNR_BUFFER_INIT;
	char *base = in_top(&t, "ws/m");
	int fd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < LEVELS; i++) {
		assert_int_equal(mkdirat(fd, name, 0777), 0);
		int deeper = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(deeper >= 0);
		assert_int_equal(close(fd), 0);
		fd = deeper;
		pnr_buffer_printf(&path, "%s/", name);
	}
	int file = openat(fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_true(file >= 0);
	assert_int_equal(write(file, "inside", 6), 6);
	assert_int_equal(close(file), 0);
	assert_int_equal(close(fd), 0);
	pnr_buffer_puts(&path, "f");
	assert_true(path.length > PATH_MAX);
	expect_inside(&t, path.data);
	/* And back up again, over folders whose descriptors were closed. */
	pnr_buffer_clear(&path);
	for (int i = 0; i < LEVELS; i++)
		pnr_buffer_printf(&path, "%s/", name);
	for (int i = 0; i < LEVELS; i++)
		pnr_buffer_puts(&path, "../");
	pnr_buffer_puts(&path, "f");
	expect_inside(&t, path.data);
	pnr_buffer_free(&path);
	free(base);
	fell(&t);
}

/* ----------------------------------------------------------- permissions -- */

static int refuse_open(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_OPEN ? EACCES : 0;
}

static void a_file_that_may_not_be_read_is_denied_not_retried(void **state)
{
	tree t;
	char first = '\0';
	pnr_place place = PNR_PLACE_INIT;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	plant(&t);
	find_f(&t, "sub/g", &place);
	/* Through the gate: the superuser may read everything. */
	pnr_file_gate_hook = refuse_open;
	assert_int_equal(read_place(&place, &first, &err), PNR_DENIED);
	pnr_file_gate_hook = NULL;
	assert_int_equal(err.detail, EACCES);
	assert_non_null(strstr(err.message, place.path));
	pnr_place_free(&place);
	fell(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_lead_where_they_say),
		cmocka_unit_test(dots_and_absolute_paths_do_not_lead_out),
		cmocka_unit_test(a_place_has_a_canonical_path),
		cmocka_unit_test(links_inside_are_followed),
		cmocka_unit_test(a_link_in_any_component_that_leads_out_is_refused),
		cmocka_unit_test(links_that_lead_nowhere_are_not_found_and_circles_are_refused),
		cmocka_unit_test(forty_links_are_followed_as_the_kernel_does),
		cmocka_unit_test(links_of_proc_are_walked_as_text),
		cmocka_unit_test(another_folder_can_be_allowed),
		cmocka_unit_test(a_root_must_be_a_folder_that_exists),
		cmocka_unit_test(a_root_is_the_folder_not_its_name),
		cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
		cmocka_unit_test(a_file_that_was_replaced_since_is_not_read),
		cmocka_unit_test(a_folder_swapped_for_a_link_since_does_not_lead_out),
		cmocka_unit_test(a_link_that_appears_before_any_call_does_not_lead_out),
		cmocka_unit_test(folders_and_files_swapped_for_links_all_the_time_never_lead_out),
		cmocka_unit_test(many_folders_need_few_descriptors),
		cmocka_unit_test(places_are_opened_from_several_threads),
		cmocka_unit_test(a_file_beside_a_known_one_costs_one_call),
		cmocka_unit_test(names_of_any_bytes_and_length_are_found),
		cmocka_unit_test(a_path_may_be_longer_than_the_system_takes),
		cmocka_unit_test(a_file_that_may_not_be_read_is_denied_not_retried),
	};
	return cmocka_run_group_tests_name("model/places", tests, NULL, NULL);
}
