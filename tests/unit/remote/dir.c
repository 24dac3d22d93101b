/* A folder as a remote, beside what holds for every kind: whatever else lies there, and on file systems that can do less. */
#include "support.h"
#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

/* ------------------------------------------------------- visible means durable -- */

/* What was synced and what got its name, in order: f fsync, s syncfs, n a name. */
static char order[1024];

static int note_order(pnr_file_call call, size_t *length)
{
	(void)length;
	size_t used = strlen(order);
	static const char letters[PNR_CALL_COUNT] = {
		[PNR_CALL_FSYNC] = 'f', [PNR_CALL_SYNCFS] = 's', [PNR_CALL_RENAME_NEW] = 'n'
	};
	char c = letters[call];
	if (c != '\0' && used < sizeof order - 1)
		order[used] = c;
	return 0;
}

static const char *order_of_put(pnr_remote *remote, unsigned first, unsigned count)
{
	object *objects = calloc(count, sizeof *objects);
	pnr_remote_upload *uploads = calloc(count, sizeof *uploads);
	memset(order, 0, sizeof order);
	for (unsigned i = 0; i < count; i++) {
		make_object(&objects[i], first + i, 10);
		uploads[i] = upload_of(&objects[i], PNR_REMOTE_IF_ABSENT);
	}
	pnr_file_gate_hook = note_order;
	assert_ok(pnr_remote_put(remote, uploads, count, err));
	pnr_file_gate_hook = NULL;
	for (unsigned i = 0; i < count; i++)
		free(objects[i].body.data);
	free(objects);
	free(uploads);
	return order;
}

static void bytes_are_durable_before_their_name_and_names_before_success(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	char many[1024] = "s";
	/* The file; its name; its folder, the one above, the root. */
	assert_string_equal(order_of_put(remote, 0, 1), "fnfff");
	/* It is there, but its writer may not have come to its folders. */
	assert_string_equal(order_of_put(remote, 0, 1), "fff");
	assert_string_equal(order_of_put(remote, 1, 2), "ffnnffff");
	memset(many + 1, 'n', 100);
	strcat(many, "s");
	assert_string_equal(order_of_put(remote, 100, 100), many);
	/* What was found may be referred to by what is put now: its folders come first, in the same way. */
	object found;
	make_object(&found, 0, 0);
	assert_true(is_there(remote, found.key));
	assert_string_equal(order_of_put(remote, 3, 1), "ffffnfff");
	assert_false(is_there(remote, "blobs/00/none"));
	assert_string_equal(order_of_put(remote, 4, 1), "fnfff");
	for (unsigned i = 100; i < 200; i++) {
		free(found.body.data);
		make_object(&found, i, 0);
		assert_true(is_there(remote, found.key));
	}
	assert_string_equal(order_of_put(remote, 5, 1), "fsnfff");
	free(found.body.data);
	pnr_remote_close(remote);
}

/* ---------------------------------------------------------------- listing -- */

static void make_socket(const scratch *s, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%.40s", s->fd, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
}

static void what_is_not_ours_is_counted_not_listed(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	uint64_t foreign = 0;
	put_text(remote, "blobs/ab/x", "1");
	put_file(s->fd, "blobs/ab/a b", "x");
	put_file(s->fd, "tmp~/0123456789abcdef-7", "x");
	put_file(s->fd, "lock~", "");
	put_file(s->fd, "blobs/tmp~", "x"); /* only at the top is it ours */
	assert_int_equal(symlinkat("x", s->fd, "blobs/ab/link"), 0);
	assert_int_equal(symlinkat("ab", s->fd, "blobs/cd"), 0);
	assert_int_equal(mkfifoat(s->fd, "blobs/fifo", 0600), 0);
	make_socket(s, "socket");
	assert_int_equal(mkdirat(s->fd, "empty", 0700), 0);
	char deep[64] = "d";
	for (unsigned i = 0; i <= PNR_REMOTE_DEPTH_MAX; i++) {
		assert_int_equal(mkdirat(s->fd, deep, 0700), 0);
		strcat(deep, "/d");
	}
	assert_int_equal(list_all(remote, "", 0, &foreign).count, 2);
	assert_int_equal(foreign, 7);
	assert_int_equal(list_all(remote, "blobs/ab/", 0, &foreign).count, 1);
	assert_int_equal(foreign, 2);
	pnr_remote_close(remote);
}

/* -------------------------------------------------------- a hostile folder -- */

static void assert_in_the_way(pnr_remote *remote, object *o, const char *what)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
	pnr_remote_query q = { .key = o->key };
	assert_fails(put_one(remote, o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_CORRUPT, what);
	assert_fails(put_one(remote, o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_CORRUPT, o->key);
	assert_true(pnr_remote_at_fault(remote));
	assert_fails(get_one(remote, o->key, 1000, &have, err), PNR_CORRUPT, what);
	assert_fails(swap(remote, o->key, "", "x", &have, err), PNR_CORRUPT, what);
	assert_fails(swap(remote, o->key, "x", "", &have, err), PNR_CORRUPT, what);
	assert_ok(pnr_remote_has(remote, &q, 1, err));
	assert_int_equal(q.status, PNR_CORRUPT);
	assert_int_equal(have.length, 0);
}

static void what_is_in_the_place_of_an_object_is_named_and_not_followed(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	static const char *const what[] = { "a link is in its place; remove it", "a FIFO is in its place",
		                            "a folder is in its place", "a socket is in its place" };
	put_file(s->fd, "victim", "kept");
	for (unsigned i = 0; i < PNR_COUNT(what); i++) {
		object o;
		make_object(&o, i, 10);
		put_text(remote, "blobs/neighbour", "x");
		(void)snprintf(o.key, sizeof o.key, "blobs/odd%u", i);
		if (i == 0)
			assert_int_equal(symlinkat("../victim", s->fd, o.key), 0);
		else if (i == 1)
			assert_int_equal(mkfifoat(s->fd, o.key, 0600), 0);
		else if (i == 2)
			assert_int_equal(mkdirat(s->fd, o.key, 0700), 0);
		else
			make_socket(s, o.key);
		assert_in_the_way(remote, &o, what[i]);
		/* Healing replaces it, but for a folder: what is in that is somebody's. */
		if (i == 2) {
			assert_fails(put_one(remote, &o, PNR_REMOTE_REPLACE, NULL, err), PNR_CORRUPT, what[i]);
		} else {
			assert_ok(put_one(remote, &o, PNR_REMOTE_REPLACE, NULL, err));
			assert_object(remote, &o);
		}
		free(o.body.data);
	}
	assert_file(s->fd, "victim", "kept");
	assert_int_equal(temporaries(s), 0);
	pnr_remote_close(remote);
}

static void a_folder_that_is_a_link_or_a_file_is_not_entered(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object o;
	make_object(&o, 1, 10);
	assert_int_equal(mkdirat(s->fd, "victim", 0700), 0);
	assert_int_equal(symlinkat("victim", s->fd, "blobs"), 0);
	assert_in_the_way(remote, &o, "'blobs' is a link or a file, not a folder; remove it");
	assert_int_equal(unlinkat(s->fd, "blobs", 0), 0);
	put_file(s->fd, "blobs", "x");
	assert_in_the_way(remote, &o, "'blobs' is a link or a file, not a folder; remove it");
	assert_fails(put_one(remote, &o, PNR_REMOTE_REPLACE, NULL, err), PNR_CORRUPT, "'blobs' is a link");
	assert_int_equal(unlinkat(s->fd, "blobs", 0), 0);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	pnr_remote_close(remote);
	int victim = openat(s->fd, "victim", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(count_names(victim), 0);
	close(victim);
	free(o.body.data);
}

static void our_own_names_may_be_taken_by_others_too(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	object o;
	make_object(&o, 1, 10);
	pnr_remote_close(remote);
	assert_int_equal(unlinkat(s->fd, "tmp~", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(s->fd, "victim", 0700), 0);
	assert_int_equal(symlinkat("victim", s->fd, "tmp~"), 0);
	assert_ok(open_remote(s, false, &remote, err));
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_CORRUPT, "'tmp~' is a link");
	assert_int_equal(symlinkat("victim/x", s->fd, "lock~"), 0);
	assert_fails(swap(remote, "tags/a", "", "x", &found, err), PNR_CORRUPT, "'lock~' is not a regular file");
	assert_int_equal(unlinkat(s->fd, "lock~", 0), 0);
	assert_int_equal(mkfifoat(s->fd, "lock~", 0600), 0);
	assert_fails(swap(remote, "tags/a", "", "x", &found, err), PNR_CORRUPT, "'lock~' is not a regular file");
	assert_int_equal(unlinkat(s->fd, "lock~", 0), 0);
	assert_int_equal(mkdirat(s->fd, "lock~", 0700), 0);
	assert_fails(swap(remote, "tags/a", "", "x", &found, err), PNR_CORRUPT, "'lock~' is not a regular file");
	assert_false(exists(s->fd, "victim/x"));
	free(o.body.data);
	pnr_remote_close(remote);
}

/* Somebody writes to the object while it is read. */
static pnr_status resize_behind(void *context, const void *data, size_t length, pnr_error *err)
{
	const int *how = context;
	(void)data;
	(void)length;
	(void)err;
	assert_int_equal(ftruncate(how[0], how[1]), 0);
	return PNR_OK;
}

static void an_object_that_changes_while_it_is_read_is_never_more_than_it_was(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object o;
	make_object(&o, 1, 600000);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	int how[2] = { openat(s->fd, o.key, O_WRONLY | O_CLOEXEC), 700000 };
	pnr_remote_download d = { .key = o.key, .limit = UINT64_MAX, .sink = { resize_behind, how } };
	assert_ok(pnr_remote_get(remote, &d, 1, err));
	assert_int_equal(d.size, 600000);
	how[1] = 300000;
	assert_fails(pnr_remote_get(remote, &d, 1, err), PNR_CORRUPT, "bytes early");
	assert_true(pnr_remote_at_fault(remote));
	assert_int_equal(d.status, PNR_BUSY);
	close(how[0]);
	free(o.body.data);
	pnr_remote_close(remote);
}

/* --------------------------------------------------------- what a crash left -- */

static void make_old(const scratch *s, const char *name, time_t seconds)
{
	struct timespec times[2] = { { 0, UTIME_OMIT }, { time(NULL) - seconds, 0 } };
	put_file(s->fd, name, "half an obj");
	assert_int_equal(utimensat(s->fd, name, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void temporaries_of_yesterday_go_with_the_next_put(void **state)
{
	const scratch *s = *state;
	pnr_remote_close(created(s));
	make_old(s, "tmp~/0123456789abcdef-1", 25 * 3600);
	make_old(s, "tmp~/0123456789abcdef-2", 23 * 3600);
	make_old(s, "tmp~/0123456789abcdef-", 99 * 3600);
	make_old(s, "tmp~/notes", 99 * 3600);
	make_old(s, "tmp~/0123456789abcdef-1x", 99 * 3600);
	pnr_remote *remote = created(s);
	assert_int_equal(temporaries(s), 5);
	put_text(remote, "a", "x");
	pnr_remote_close(remote);
	assert_false(exists(s->fd, "tmp~/0123456789abcdef-1"));
	assert_true(exists(s->fd, "tmp~/0123456789abcdef-2"));
	assert_int_equal(temporaries(s), 4);
}

static const scratch *swept;

static int take_temporaries_away(pnr_file_call call, size_t *length)
{
	(void)length;
	if (call != PNR_CALL_RENAME_NEW)
		return 0;
	pnr_file_gate_hook = NULL;
	assert_int_equal(pnr_file_remove_tree(swept->fd, "tmp~", NULL), PNR_OK);
	assert_int_equal(mkdirat(swept->fd, "tmp~", 0777), 0);
	return 0;
}

static void a_temporary_that_was_taken_for_stale_is_put_again(void **state)
{
	const scratch *s = swept = *state;
	pnr_remote *remote = created(s);
	object o;
	make_object(&o, 1, 10);
	pnr_file_gate_hook = take_temporaries_away;
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_RETRY, "removed meanwhile; try again");
	pnr_file_gate_hook = NULL;
	pnr_remote_close(remote);
	assert_ok(open_remote(s, false, &remote, err));
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	free(o.body.data);
	pnr_remote_close(remote);
}

/* ------------------------------------------------- file systems that can less -- */

/* What the file system cannot do; 0: it can. */
static struct {
	int rename_new, link, lock, sync_dir;
	unsigned tries;
} cannot;

static int lesser(pnr_file_call call, size_t *length)
{
	(void)length;
	if (call == PNR_CALL_RENAME_NEW) {
		cannot.tries++;
		return cannot.rename_new;
	}
	if (call == PNR_CALL_LINK)
		return cannot.link;
	return call == PNR_CALL_LOCK ? cannot.lock : 0;
}

static void without_rename_that_keeps_or_links_objects_are_put_as_well(void **state)
{
	const scratch *s = *state;
	static const int rename_errors[] = { EINVAL, ENOSYS, EOPNOTSUPP };
	static const int link_errors[] = { 0, EPERM, ENOSYS, EOPNOTSUPP };
	pnr_remote_close(created(s));
	pnr_file_gate_hook = lesser;
	unsigned number = 0;
	for (size_t r = 0; r < PNR_COUNT(rename_errors); r++) {
		for (size_t l = 0; l < PNR_COUNT(link_errors); l++) {
			pnr_remote *remote = created(s);
			cannot.rename_new = rename_errors[r];
			cannot.link = link_errors[l];
			cannot.tries = 0;
			for (int i = 0; i < 3; i++) {
				object o;
				pnr_remote_outcome outcome;
				make_object(&o, ++number, 100);
				assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
				assert_int_equal(outcome, PNR_REMOTE_PUT);
				assert_object(remote, &o);
				assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
				assert_int_equal(outcome, PNR_REMOTE_THERE);
				free(o.body.data);
			}
			assert_int_equal(cannot.tries, 1);
			assert_int_equal(temporaries(s), 0);
			pnr_remote_close(remote);
		}
	}
	pnr_file_gate_hook = NULL;
	cannot.rename_new = cannot.link = 0;
}

/* The object appears between the look and the rename, however that is done. */
static const object *rival;
static pnr_file_call rival_before;

static int appear(pnr_file_call call, size_t *length)
{
	if (call == rival_before && exists(swept->fd, rival->key) == 0) {
		int fd = openat(swept->fd, rival->key, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, rival->body.data, rival->body.length), rival->body.length);
		close(fd);
	}
	return lesser(call, length);
}

static void an_object_that_appears_meanwhile_is_there_not_replaced(void **state)
{
	const scratch *s = swept = *state;
	pnr_remote *remote = created(s);
	/* With RENAME_NOREPLACE, with link, and without either: then a look is left. */
	static const struct {
		int rename_new, link;
		pnr_file_call before;
	} cases[] = { { 0, 0, PNR_CALL_RENAME_NEW }, { EINVAL, 0, PNR_CALL_LINK }, { EINVAL, EPERM, PNR_CALL_LINK } };
	put_text(remote, "blobs/x", "");
	for (unsigned i = 0; i < PNR_COUNT(cases); i++) {
		object mine, theirs;
		pnr_remote_outcome outcome;
		pnr_remote_close(remote);
		remote = created(s);
		make_object(&mine, i, 100);
		make_object(&theirs, i + 10, 50);
		(void)snprintf(mine.key, sizeof mine.key, "blobs/race%u", i);
		memcpy(theirs.key, mine.key, sizeof theirs.key);
		rival = &theirs;
		rival_before = cases[i].before;
		cannot.rename_new = cases[i].rename_new;
		cannot.link = cases[i].link;
		pnr_file_gate_hook = appear;
		assert_ok(put_one(remote, &mine, PNR_REMOTE_IF_ABSENT, &outcome, err));
		pnr_file_gate_hook = NULL;
		assert_int_equal(outcome, PNR_REMOTE_THERE);
		assert_object(remote, &theirs);
		assert_int_equal(temporaries(s), 0);
		free(mine.body.data);
		free(theirs.body.data);
	}
	cannot.rename_new = cannot.link = 0;
	pnr_remote_close(remote);
}

static int no_sync_of_folders(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_FSYNC ? cannot.sync_dir : 0;
}

static void a_file_system_without_sync_of_folders_is_taken_as_it_is(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	object o;
	make_object(&o, 1, 10);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	/* It is there: only folders are synced. */
	cannot.sync_dir = EINVAL;
	pnr_file_gate_hook = no_sync_of_folders;
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	cannot.sync_dir = EIO;
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_IO, "fsync");
	pnr_file_gate_hook = NULL;
	free(o.body.data);
	pnr_remote_close(remote);
}

/* More folders than are noted at once, and more files than are synced one by one elsewhere. */
#define FOLDERS 1100u

static void where_syncfs_is_not_enough_each_file_and_folder_is_synced(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = NULL;
	char files[1024] = "";
	pnr_remote_close(created(s));
	gate_fail(PNR_CALL_STAT, 2, EIO); /* the first is of the folder, the second asks for the file system */
	assert_ok(open_remote(s, false, &remote, err));
	gate_close();
	memset(files, 'f', 70);
	memset(files + 70, 'n', 70);
	const char *have = order_of_put(remote, 0, 70);
	assert_memory_equal(have, files, 140);
	assert_int_equal(strspn(have + 140, "f"), 72); /* 70 folders of blobs, blobs, the root */
	assert_string_equal(have + 140 + 72, "");
	object *objects = calloc(FOLDERS, sizeof *objects);
	pnr_remote_upload *uploads = calloc(FOLDERS, sizeof *uploads);
	pnr_remote_query *queries = calloc(FOLDERS, sizeof *queries);
	for (unsigned i = 0; i < FOLDERS; i++) {
		make_object(&objects[i], i, 10);
		(void)snprintf(objects[i].key, sizeof objects[i].key, "patches/%u/x", i);
		uploads[i] = upload_of(&objects[i], PNR_REMOTE_IF_ABSENT);
		queries[i].key = objects[i].key;
	}
	gate_open();
	assert_ok(pnr_remote_put(remote, uploads, FOLDERS, err));
	assert_int_equal(gate.calls[PNR_CALL_SYNCFS], 0);
	/* Each file, each folder, patches and the root; these two again in the second round. */
	assert_int_equal(gate.calls[PNR_CALL_FSYNC], FOLDERS + FOLDERS + 2 + 2);
	gate_open();
	assert_ok(pnr_remote_has(remote, queries, FOLDERS, err));
	assert_int_equal(gate.calls[PNR_CALL_FSYNC], 1024);
	gate_close();
	for (unsigned i = 0; i < FOLDERS; i++) {
		assert_int_equal(uploads[i].outcome, PNR_REMOTE_PUT);
		assert_int_equal(queries[i].status, PNR_OK);
		free(objects[i].body.data);
	}
	free(objects);
	free(uploads);
	free(queries);
	pnr_remote_close(remote);
}

static int somebody_makes_the_tag(pnr_file_call call, size_t *length)
{
	if (call == PNR_CALL_RENAME_NEW)
		put_file(swept->fd, "tags/a", "theirs");
	return lesser(call, length);
}

static void without_locks_a_new_ref_never_replaces_one(void **state)
{
	const scratch *s = swept = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	cannot.lock = ENOLCK;
	pnr_file_gate_hook = somebody_makes_the_tag;
	assert_fails(swap(remote, "tags/a", "", "mine", &found, err), PNR_CONFLICT, "somebody else made it");
	pnr_file_gate_hook = NULL;
	cannot.lock = 0;
	assert_string_equal(found.data, "theirs");
	assert_file(s->fd, "tags/a", "theirs");
	assert_int_equal(temporaries(s), 0);
	pnr_remote_close(remote);
}

static void without_locks_refs_are_still_compared(void **state)
{
	const scratch *s = *state;
	pnr_remote *remote = created(s);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	static const int errors[] = { ENOLCK, ENOSYS, EOPNOTSUPP };
	pnr_file_gate_hook = lesser;
	for (size_t i = 0; i < PNR_COUNT(errors); i++) {
		cannot.lock = errors[i];
		assert_ok(swap(remote, "tags/a", "", "one", &found, err));
		assert_fails(swap(remote, "tags/a", "", "two", &found, err), PNR_CONFLICT, "tags/a");
		assert_ok(swap(remote, "tags/a", "one", "two", &found, err));
		assert_ok(swap(remote, "tags/a", "two", "", &found, err));
	}
	cannot.lock = EIO;
	assert_fails(swap(remote, "tags/a", "", "one", &found, err), PNR_IO, "lock 'lock~'");
	cannot.lock = 0;
	pnr_file_gate_hook = NULL;
	pnr_remote_close(remote);
}

/* ---------------------------------------------------------------- several users -- */

static void files_follow_the_umask_and_folders_the_remote(void **state)
{
	const scratch *s = *state;
	struct stat st;
	assert_int_equal(fchmod(s->fd, 02775), 0);
	mode_t before = umask(027);
	pnr_remote *remote = created(s);
	put_text(remote, "blobs/ab/x", "x");
	umask(before);
	pnr_remote_close(remote);
	assert_int_equal(fstatat(s->fd, "blobs/ab/x", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	static const char *const folders[] = { "blobs", "blobs/ab", "tmp~" };
	for (size_t i = 0; i < PNR_COUNT(folders); i++) {
		assert_int_equal(fstatat(s->fd, folders[i], &st, 0), 0);
		assert_int_equal(st.st_mode & 07777, 02775);
	}
}

/* As @user of the group 12345; what it does is the exit status. */
static int as_user(const scratch *s, uid_t user, int (*work)(const scratch *s))
{
	int how = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const gid_t group = 12345;
		umask(022);
		if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(user) != 0)
			_exit(100);
		_exit(work(s));
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	return WIFEXITED(how) ? WEXITSTATUS(how) : 101;
}

static int push_as_user(const scratch *s)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_remote *remote = NULL;
	pnr_buffer found = PNR_BUFFER_INIT;
	char mine[16] = "", old[PNR_REMOTE_REF_MAX] = "";
	if (open_remote(s, true, &remote, &err) != PNR_OK)
		return complain(&err);
	for (unsigned i = 0; i < 3; i++) {
		object o;
		make_object(&o, i + (i == 2 ? (unsigned)getuid() : 0), 100);
		/* The second user finds two, heals one of them, and has one of its own. */
		if (put_one(remote, &o, i == 1 ? PNR_REMOTE_REPLACE : PNR_REMOTE_IF_ABSENT, NULL, &err) != PNR_OK)
			return complain(&err);
		free(o.body.data);
	}
	(void)snprintf(mine, sizeof mine, "%u", (unsigned)getuid());
	pnr_status status = swap(remote, "tags/latest", "", mine, &found, &err);
	if (status == PNR_CONFLICT) {
		(void)snprintf(old, sizeof old, "%s", found.data);
		pnr_error_clear(&err);
		status = swap(remote, "tags/latest", old, mine, &found, &err);
	}
	pnr_buffer_free(&found);
	pnr_remote_close(remote);
	return status == PNR_OK ? 0 : complain(&err);
}

static int be_refused(const scratch *s)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_remote *remote = NULL;
	object o;
	make_object(&o, 99, 100);
	if (open_remote(s, true, &remote, &err) != PNR_OK)
		return complain(&err);
	pnr_status status = put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, &err);
	pnr_remote_close(remote);
	free(o.body.data);
	if (status == PNR_DENIED && strstr(err.message, "must be writable to all who push to it") != NULL)
		return 0;
	return complain(&err);
}

static void users_of_one_group_share_a_remote(void **state)
{
	const scratch *s = *state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(fchown(s->fd, 0, 12345), 0);
	assert_int_equal(fchmod(s->fd, 02770), 0);
	assert_int_equal(as_user(s, 12346, push_as_user), 0);
	assert_int_equal(as_user(s, 12347, push_as_user), 0);
	assert_file(s->fd, "tags/latest", "12347");
	/* And who may read, but not write, is told why. */
	assert_int_equal(fchmodat(s->fd, "tmp~", 0755, 0), 0);
	assert_int_equal(as_user(s, 12347, be_refused), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(bytes_are_durable_before_their_name_and_names_before_success),
		scratch_test(what_is_not_ours_is_counted_not_listed),
		scratch_test(what_is_in_the_place_of_an_object_is_named_and_not_followed),
		scratch_test(a_folder_that_is_a_link_or_a_file_is_not_entered),
		scratch_test(our_own_names_may_be_taken_by_others_too),
		scratch_test(an_object_that_changes_while_it_is_read_is_never_more_than_it_was),
		scratch_test(temporaries_of_yesterday_go_with_the_next_put),
		scratch_test(a_temporary_that_was_taken_for_stale_is_put_again),
		scratch_test(without_rename_that_keeps_or_links_objects_are_put_as_well),
		scratch_test(an_object_that_appears_meanwhile_is_there_not_replaced),
		scratch_test(a_file_system_without_sync_of_folders_is_taken_as_it_is),
		scratch_test(where_syncfs_is_not_enough_each_file_and_folder_is_synced),
		scratch_test(without_locks_a_new_ref_never_replaces_one),
		scratch_test(without_locks_refs_are_still_compared),
		scratch_test(files_follow_the_umask_and_folders_the_remote),
		scratch_test(users_of_one_group_share_a_remote),
	};
	return cmocka_run_group_tests(tests, in_memory, NULL);
}
