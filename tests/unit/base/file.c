/* File calls: through the gate, whole in spite of short moves and interrupts, with errors that name the file. */
#include "support.h"
#include "base/buffer.h"
#include <errno.h>
#include <sys/file.h>
#include <sys/resource.h>

/* ------------------------------------------------------------ the gate -- */

static int do_open(const scratch *s, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	return (int)pnr_file_open(s->fd, "file", O_RDONLY, 0, &fd, err);
}

static int do_duplicate(const scratch *s, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	return (int)pnr_file_duplicate(&s->fd, &fd, err);
}

static int do_read(const scratch *s, pnr_error *err)
{
	char memory[8];
	size_t length;
	PNR_CLEANUP(pnr_cleanup_close) int fd = openat(s->fd, "file", O_RDONLY);
	return (int)pnr_file_read(fd, memory, sizeof memory, &length, "file", err);
}

static int do_write(const scratch *s, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = openat(s->fd, "out", O_WRONLY | O_CREAT, 0600);
	return (int)pnr_file_write(fd, "abc", 3, "file", err);
}

static int do_fsync(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_fsync(s->fd, "file", err);
}

static int do_syncfs(const scratch *s, pnr_error *err)
{
	(void)s;
	/* A file system that has nothing to write: syncing the one that is tested may take long. */
	PNR_CLEANUP(pnr_cleanup_close) int fd = open("/proc", O_RDONLY | O_DIRECTORY);
	return (int)pnr_file_syncfs(fd, "file", err);
}

static int do_stat(const scratch *s, pnr_error *err)
{
	struct stat st;
	return (int)pnr_file_stat(s->fd, &st, "file", err);
}

static int do_stat_at(const scratch *s, pnr_error *err)
{
	struct stat st;
	return (int)pnr_file_stat_at(s->fd, "file", &st, err);
}

static int do_rename(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_rename(s->fd, "file", s->fd, "file2", err);
}

static int do_rename_new(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_rename_new(s->fd, "file2", s->fd, "file4", err);
}

static int do_link(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_link(s->fd, "file4", s->fd, "file2", err);
}

static int do_chmod(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_chmod(s->fd, 0700, "the folder of file", err);
}

static int do_unlink(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_unlink(s->fd, "file2", 0, err);
}

static int do_mkdir(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_mkdir(s->fd, "file3", err);
}

static int do_list(const scratch *s, pnr_error *err)
{
	size_t count = 0;
	return (int)pnr_file_list(s->fd, "file", count_name, &count, err);
}

static int do_readlink(const scratch *s, pnr_error *err)
{
	char memory[8];
	return (int)pnr_file_readlink(s->fd, "link-to-file", memory, sizeof memory, err);
}

static int do_lock(const scratch *s, pnr_error *err)
{
	return (int)pnr_file_lock(s->fd, LOCK_SH | LOCK_NB, "file", err);
}

static int do_close(const scratch *s, pnr_error *err)
{
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY);
	int status = (int)pnr_file_close(&fd, "file", err);
	assert_int_equal(fd, -1);
	return status;
}

/* Shared or refused: tests/consumers/reflinks.sh has a file system that shares. */
static void sharing_blocks_works_or_changes_nothing(void **state)
{
	const scratch *s = *state;
	char have[8192], want[8192];
	size_t length = 0;
	memset(have, 'x', sizeof have);
	int from = openat(s->fd, "from", O_RDWR | O_CREAT, 0600), to = openat(s->fd, "to", O_RDWR | O_CREAT, 0600);
	assert_int_equal(pnr_file_write(from, have, sizeof have, "from", NULL), PNR_OK);
	pnr_error err = PNR_ERROR_INIT;
	bool shared = pnr_file_clone(from, 4096, 4096, to, 4096, "to", &err) == PNR_OK;
	assert_true(shared || strstr(err.message, "share blocks with 'to'") != NULL);
	assert_int_equal(pnr_file_pread(to, have, sizeof have, 0, &length, "to", NULL), PNR_OK);
	assert_int_equal(length, shared ? sizeof have : 0);
	memset(want, 0, 4096);
	memset(want + 4096, 'x', 4096);
	assert_memory_equal(have, want, length);
	gate_fail(PNR_CALL_CLONE, 1, EIO);
	assert_int_equal(pnr_file_clone(from, 0, 4096, to, 0, "to", NULL), PNR_IO);
	gate_close();
	close(from);
	close(to);
}

/* In an order in which all succeed. */
static const struct {
	pnr_file_call call;
	int (*run)(const scratch *s, pnr_error *err);
} operations[] = {
	{ PNR_CALL_OPEN, do_open }, { PNR_CALL_OPEN, do_duplicate }, { PNR_CALL_READ, do_read },
	{ PNR_CALL_WRITE, do_write },
	{ PNR_CALL_FSYNC, do_fsync }, { PNR_CALL_SYNCFS, do_syncfs }, { PNR_CALL_STAT, do_stat },
	{ PNR_CALL_STAT, do_stat_at }, { PNR_CALL_LOCK, do_lock }, { PNR_CALL_READLINK, do_readlink },
	{ PNR_CALL_READDIR, do_list }, { PNR_CALL_RENAME, do_rename }, { PNR_CALL_RENAME_NEW, do_rename_new },
	{ PNR_CALL_LINK, do_link }, { PNR_CALL_CHMOD, do_chmod }, { PNR_CALL_UNLINK, do_unlink },
	{ PNR_CALL_MKDIR, do_mkdir }, { PNR_CALL_CLOSE, do_close },
};

static void every_call_can_be_made_to_fail_and_says_which_and_why(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, "file", "content");
	assert_int_equal(symlinkat("x", s->fd, "link-to-file"), 0);
	for (size_t i = 0; i < PNR_COUNT(operations); i++) {
		pnr_error err = PNR_ERROR_INIT;
		gate_fail(operations[i].call, 1, ENOSPC);
		assert_int_equal(operations[i].run(s, &err), PNR_FULL);
		assert_int_equal(err.detail, ENOSPC);
		assert_contains(err.message, "file");
		assert_contains(err.message, ": No space left on device");
		gate_fail(operations[i].call, 1, EIO);
		assert_int_equal(operations[i].run(s, NULL), PNR_IO);
		gate_close();
	}
}

static void an_interrupt_is_not_a_failure(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, "file", "content");
	assert_int_equal(symlinkat("x", s->fd, "link-to-file"), 0);
	for (size_t i = 0; i < PNR_COUNT(operations); i++) {
		if (operations[i].call == PNR_CALL_CLOSE || operations[i].call == PNR_CALL_READDIR)
			continue; /* close is never repeated, readdir never interrupted */
		gate_fail(operations[i].call, 1, EINTR);
		assert_int_equal(operations[i].run(s, NULL), PNR_OK);
		assert_true(gate.calls[operations[i].call] >= 2);
	}
}

static void a_new_name_is_given_only_if_nothing_has_it(void **state)
{
	const scratch *s = *state;
	struct stat st;
	put_file(s->fd, "a", "a");
	put_file(s->fd, "b", "b");
	assert_int_equal(symlinkat("nowhere", s->fd, "link"), 0);
	static const char *const taken[] = { "b", "link" };
	for (size_t i = 0; i < PNR_COUNT(taken); i++) {
		assert_int_equal(pnr_file_rename_new(s->fd, "a", s->fd, taken[i], NULL), PNR_CONFLICT);
		assert_int_equal(pnr_file_link(s->fd, "a", s->fd, taken[i], NULL), PNR_CONFLICT);
	}
	assert_file(s->fd, "b", "b");
	assert_int_equal(pnr_file_link(s->fd, "link", s->fd, "link2", NULL), PNR_OK);
	assert_int_equal(fstatat(s->fd, "link2", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(pnr_file_rename_new(s->fd, "a", s->fd, "c", NULL), PNR_OK);
	assert_file(s->fd, "c", "a");
	assert_false(exists(s->fd, "a"));
}

static void the_calls_have_names(void **state)
{
	(void)state;
	assert_string_equal(pnr_file_call_name(PNR_CALL_CLONE), "clone");
	assert_string_equal(pnr_file_call_name(PNR_CALL_SQL_STEP), "sqlite step");
	assert_string_equal(pnr_file_call_name(PNR_CALL_COUNT), "unknown");
}

/* -------------------------------------------------- reading and writing -- */

static void short_moves_are_completed(void **state)
{
	const scratch *s = *state;
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	char have[64] = "";
	size_t length = 0;
	gate_open();
	gate.most = 5;
	int fd = openat(s->fd, "f", O_RDWR | O_CREAT, 0600);
	assert_int_equal(pnr_file_write(fd, text, 30, "f", NULL), PNR_OK);
	assert_int_equal(pnr_file_pwrite(fd, text + 30, sizeof text - 30, 30, "f", NULL), PNR_OK);
	assert_int_equal(gate.calls[PNR_CALL_WRITE], 6 + 3);
	assert_int_equal(pnr_file_pread(fd, have, sizeof have, 0, &length, "f", NULL), PNR_OK);
	assert_int_equal(length, sizeof text);
	assert_string_equal(have, text);
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	assert_int_equal(pnr_file_read(fd, have, 11, &length, "f", NULL), PNR_OK);
	assert_int_equal(length, 11);
	assert_memory_equal(have, "quick brown", 11);
	close(fd);
}

static void a_failure_in_the_middle_leaves_outputs_alone(void **state)
{
	const scratch *s = *state;
	char memory[64];
	size_t length = 77;
	pnr_error err = PNR_ERROR_INIT;
	put_file(s->fd, "f", "0123456789012345678901234567890123456789");
	int fd = openat(s->fd, "f", O_RDWR);
	gate_fail(PNR_CALL_READ, 3, EIO);
	gate.most = 10;
	assert_int_equal(pnr_file_read(fd, memory, sizeof memory, &length, "f", &err), PNR_IO);
	assert_int_equal(length, 77);
	assert_string_equal(err.message, "read 'f': Input/output error");
	gate_fail(PNR_CALL_WRITE, 3, ENOSPC);
	gate.most = 10;
	pnr_error_clear(&err);
	assert_int_equal(pnr_file_write(fd, memory, 40, "f", &err), PNR_FULL);
	assert_int_equal(gate.calls[PNR_CALL_WRITE], 3);
	close(fd);
}

static void offsets_beyond_any_file_are_refused(void **state)
{
	const scratch *s = *state;
	char memory[16];
	size_t length = 77;
	int fd = openat(s->fd, "f", O_RDWR | O_CREAT, 0600);
	assert_int_equal(pnr_file_pread(fd, memory, 16, UINT64_MAX, &length, "f", NULL), PNR_INVALID);
	assert_int_equal(pnr_file_pread(fd, memory, 16, (uint64_t)INT64_MAX - 15, &length, "f", NULL), PNR_INVALID);
	assert_int_equal(length, 77);
	assert_int_equal(pnr_file_pwrite(fd, memory, 16, UINT64_MAX - 8, "f", NULL), PNR_FULL);
	close(fd);
}

static void a_failed_open_leaves_the_descriptor_alone(void **state)
{
	const scratch *s = *state;
	int fd = 12345;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_file_open(s->fd, "none", O_RDONLY, 0, &fd, &err), PNR_NOT_FOUND);
	assert_int_equal(fd, 12345);
	assert_string_equal(err.message, "open 'none': No such file or directory");
}

static void descriptors_are_not_inherited(void **state)
{
	const scratch *s = *state;
	int fd = -1;
	assert_int_equal(pnr_file_open_dir(s->fd, ".", &fd, NULL), PNR_OK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

static void reading_all_stops_at_the_limit(void **state)
{
	const scratch *s = *state;
	static const size_t sizes[] = { 0, 1, 4095, PNR_MIB - 1, PNR_MIB, PNR_MIB + 1, 3 * PNR_MIB };
	char *content = malloc(3 * PNR_MIB);
	memset(content, 'q', 3 * PNR_MIB);
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		int fd = openat(s->fd, "f", O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(pnr_file_write(fd, content, sizes[i], "f", NULL), PNR_OK);
		for (int slack = -1; slack <= 1; slack++) {
			if (sizes[i] == 0 && slack < 0)
				continue;
			pnr_error err = PNR_ERROR_INIT;
			pnr_buffer buffer = PNR_BUFFER_INIT;
			pnr_buffer_puts(&buffer, "before ");
			assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
			pnr_status status = pnr_file_read_all(fd, sizes[i] + (size_t)slack, &buffer, "f", &err);
			if (slack < 0) {
				assert_int_equal(status, PNR_FULL);
				assert_contains(err.message, "'f' is larger than the limit of");
			} else {
				assert_int_equal(status, PNR_OK);
				assert_int_equal(buffer.length, 7 + sizes[i]);
				assert_memory_equal(buffer.data, "before ", 7);
				assert_memory_equal(buffer.data + 7, content, sizes[i]);
			}
			assert_int_equal(buffer.data[buffer.length], 0);
			pnr_buffer_free(&buffer);
		}
		close(fd);
	}
	free(content);
}

static void a_failed_read_keeps_the_buffer_terminated(void **state)
{
	const scratch *s = *state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	put_file(s->fd, "f", "content");
	int fd = openat(s->fd, "f", O_RDONLY);
	pnr_buffer_puts(&buffer, "before");
	gate_fail(PNR_CALL_READ, 2, EIO);
	gate.most = 3;
	assert_int_equal(pnr_file_read_all(fd, 100, &buffer, "f", NULL), PNR_IO);
	assert_int_equal(buffer.length, 6);
	gate_close();
	pnr_buffer_free(&buffer);
	close(fd);
}

/* ------------------------------------------------------ links and locks -- */

static void a_link_is_read_or_refused_whole(void **state)
{
	const scratch *s = *state;
	char memory[16] = "untouched";
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(symlinkat("0123456789", s->fd, "link"), 0);
	assert_int_equal(pnr_file_readlink(s->fd, "link", memory, 11, NULL), PNR_OK);
	assert_string_equal(memory, "0123456789");
	assert_int_equal(pnr_file_readlink(s->fd, "link", memory, 10, &err), PNR_INVALID);
	assert_contains(err.message, "longer than 9 bytes");
	put_file(s->fd, "file", "x");
	assert_int_equal(pnr_file_readlink(s->fd, "file", memory, 16, NULL), PNR_IO);
	assert_int_equal(pnr_file_readlink(s->fd, "none", memory, 16, NULL), PNR_NOT_FOUND);
}

static void stat_at_looks_at_the_link_itself(void **state)
{
	const scratch *s = *state;
	struct stat st;
	assert_int_equal(symlinkat("nowhere", s->fd, "link"), 0);
	assert_int_equal(pnr_file_stat_at(s->fd, "link", &st, NULL), PNR_OK);
	assert_true(S_ISLNK(st.st_mode));
}

static void a_lock_that_is_taken_is_busy(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, "f", "x");
	int a = openat(s->fd, "f", O_RDONLY), b = openat(s->fd, "f", O_RDONLY);
	assert_int_equal(pnr_file_lock(a, LOCK_SH, "f", NULL), PNR_OK);
	assert_int_equal(pnr_file_lock(b, LOCK_SH | LOCK_NB, "f", NULL), PNR_OK);
	assert_int_equal(pnr_file_lock(b, LOCK_EX | LOCK_NB, "f", NULL), PNR_BUSY);
	close(a);
	assert_int_equal(pnr_file_lock(b, LOCK_EX | LOCK_NB, "f", NULL), PNR_OK);
	close(b);
}

/* -------------------------------------------------------------- folders -- */

static void folders_are_made_with_their_parents_and_synced(void **state)
{
	const scratch *s = *state;
	gate_open();
	assert_int_equal(pnr_file_make_dirs(s->fd, "a/b/c", NULL), PNR_OK);
	assert_true(exists(s->fd, "a/b/c"));
	assert_int_equal(gate.calls[PNR_CALL_FSYNC], 3);
	assert_int_equal(pnr_file_make_dirs(s->fd, "a/b/c", NULL), PNR_OK);
	assert_int_equal(pnr_file_make_dirs(s->fd, "a/b/c/", NULL), PNR_OK);
	assert_int_equal(pnr_file_make_dirs(s->fd, "a/b/d/", NULL), PNR_OK);
	assert_true(exists(s->fd, "a/b/d"));
	char path[PATH_MAX + 16];
	snprintf(path, sizeof path, "%s//x///y", s->path);
	assert_int_equal(pnr_file_make_dirs(AT_FDCWD, path, NULL), PNR_OK);
	assert_true(exists(s->fd, "x/y"));
	assert_int_equal(pnr_file_make_dirs(s->fd, ".", NULL), PNR_OK);
	assert_int_equal(pnr_file_make_dirs(AT_FDCWD, "/", NULL), PNR_OK);
}

static void a_link_to_a_folder_is_a_folder(void **state)
{
	const scratch *s = *state;
	assert_int_equal(mkdirat(s->fd, "real", 0700), 0);
	assert_int_equal(symlinkat("real", s->fd, "link"), 0);
	assert_int_equal(pnr_file_make_dirs(s->fd, "link/x", NULL), PNR_OK);
	assert_true(exists(s->fd, "real/x"));
	assert_int_equal(pnr_file_make_dirs(s->fd, "link", NULL), PNR_OK);
}

static void a_file_in_the_way_of_a_folder_is_a_conflict(void **state)
{
	const scratch *s = *state;
	pnr_error err = PNR_ERROR_INIT;
	put_file(s->fd, "f", "x");
	assert_int_equal(pnr_file_make_dirs(s->fd, "f", &err), PNR_CONFLICT);
	assert_contains(err.message, "a file of that name is in the way");
	assert_int_equal(pnr_file_make_dirs(s->fd, "f/x", NULL), PNR_NOT_FOUND);
	assert_int_equal(symlinkat("nowhere", s->fd, "dangling"), 0);
	assert_int_equal(pnr_file_make_dirs(s->fd, "dangling", NULL), PNR_NOT_FOUND);
}

static void a_parent_that_cannot_be_made_names_itself(void **state)
{
	const scratch *s = *state;
	pnr_error err = PNR_ERROR_INIT;
	gate_fail(PNR_CALL_MKDIR, 2, ENOSPC);
	assert_int_equal(pnr_file_make_dirs(s->fd, "a/b", &err), PNR_FULL);
	assert_string_equal(err.message, "make folder 'a': No space left on device");
	gate_fail(PNR_CALL_FSYNC, 1, EIO);
	pnr_error_clear(&err);
	assert_int_equal(pnr_file_make_dirs(s->fd, "a/b", &err), PNR_IO);
	assert_contains(err.message, "fsync");
}

typedef struct names {
	size_t count, stop_after;
	bool dot;
} names;

static int take_name(void *user, const char *name)
{
	names *n = user;
	n->count++;
	n->dot = n->dot || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
	return n->count == n->stop_after;
}

static void listing_gives_every_name_once_and_may_stop(void **state)
{
	const scratch *s = *state;
	for (int i = 0; i < 300; i++) {
		char name[16];
		snprintf(name, sizeof name, "f%d", i);
		put_file(s->fd, name, "");
	}
	for (int again = 0; again < 2; again++) {
		names n = { 0, 0, false };
		assert_int_equal(pnr_file_list(s->fd, "dir", take_name, &n, NULL), PNR_OK);
		assert_int_equal(n.count, 300);
		assert_false(n.dot);
	}
	names n = { 0, 7, false };
	assert_int_equal(pnr_file_list(s->fd, "dir", take_name, &n, NULL), PNR_OK);
	assert_int_equal(n.count, 7);
}

static void a_failed_listing_keeps_its_status_without_an_error(void **state)
{
	const scratch *s = *state;
	names n = { 0, 0, false };
	gate_fail(PNR_CALL_OPEN, 1, EACCES);
	assert_int_equal(pnr_file_list(s->fd, "dir", take_name, &n, NULL), PNR_DENIED);
	gate_fail(PNR_CALL_READDIR, 1, EIO);
	assert_int_equal(pnr_file_list(s->fd, "dir", take_name, &n, NULL), PNR_IO);
}

/* -------------------------------------------------------------- removing -- */

static void build_tree(int dir)
{
	assert_int_equal(mkdirat(dir, "t", 0700), 0);
	for (int i = 0; i < 2; i++) {
		char name[32];
		snprintf(name, sizeof name, "t/d%d", i);
		assert_int_equal(mkdirat(dir, name, 0700), 0);
		for (int j = 0; j < 2; j++) {
			snprintf(name, sizeof name, "t/d%d/e%d", i, j);
			assert_int_equal(mkdirat(dir, name, 0700), 0);
			snprintf(name, sizeof name, "t/d%d/e%d/file", i, j);
			put_file(dir, name, "x");
			/* Names that folders on their way up would be given. */
			snprintf(name, sizeof name, "t/d%d/pnr-%d", i, j);
			put_file(dir, name, "x");
			snprintf(name, sizeof name, "t/pnr-%d", j);
			put_file(dir, name, "x");
		}
	}
}

static void a_tree_is_removed_and_nothing_beside_it(void **state)
{
	const scratch *s = *state;
	assert_int_equal(mkdirat(s->fd, "kept", 0700), 0);
	put_file(s->fd, "kept/file", "kept");
	build_tree(s->fd);
	assert_int_equal(symlinkat("../kept", s->fd, "t/link"), 0);
	assert_int_equal(symlinkat("../../kept", s->fd, "t/d1/link"), 0);
	assert_int_equal(pnr_file_remove_tree(s->fd, "t", NULL), PNR_OK);
	assert_false(exists(s->fd, "t"));
	assert_file(s->fd, "kept/file", "kept");
	assert_int_equal(symlinkat("kept", s->fd, "link"), 0);
	assert_int_equal(pnr_file_remove_tree(s->fd, "link", NULL), PNR_OK);
	assert_file(s->fd, "kept/file", "kept");
	assert_int_equal(count_names(s->fd), 1);
}

static void files_empty_folders_and_nothing_can_be_removed(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, "f", "x");
	assert_int_equal(mkdirat(s->fd, "d", 0700), 0);
	assert_int_equal(pnr_file_remove_tree(s->fd, "f", NULL), PNR_OK);
	assert_int_equal(pnr_file_remove_tree(s->fd, "d", NULL), PNR_OK);
	assert_int_equal(pnr_file_remove_tree(s->fd, "none", NULL), PNR_OK);
	assert_int_equal(pnr_file_remove_tree(s->fd, "none/below", NULL), PNR_OK);
	assert_int_equal(count_names(s->fd), 0);
}

static void a_tree_far_deeper_than_descriptors_go_is_removed(void **state)
{
	const scratch *s = *state;
	struct rlimit before, few;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 40;
	int fd = dup(s->fd);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		int next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
		assert_true(next >= 0);
		close(fd);
		fd = next;
	}
	put_file(fd, "leaf", "x");
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(pnr_file_remove_tree(s->fd, "d", NULL), PNR_OK);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(count_names(s->fd), 0);
}

/* Each call fails once, in turn; then without a failure the rest goes. */
static void removing_a_tree_survives_every_single_failure(void **state)
{
	const scratch *s = *state;
	unsigned nth = 0;
	for (pnr_status status = PNR_IO; status != PNR_OK;) {
		pnr_error err = PNR_ERROR_INIT;
		build_tree(s->fd);
		gate_fail(PNR_CALL_COUNT, ++nth, EIO);
		status = pnr_file_remove_tree(s->fd, "t", &err);
		gate_close();
		if (status != PNR_OK) {
			assert_int_equal(status, PNR_IO);
			assert_contains(err.message, "Input/output error");
			assert_int_equal(pnr_file_remove_tree(s->fd, "t", NULL), PNR_OK);
		}
		assert_int_equal(count_names(s->fd), 0);
	}
	assert_true(nth > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(every_call_can_be_made_to_fail_and_says_which_and_why),
		scratch_test(an_interrupt_is_not_a_failure),
		scratch_test(a_new_name_is_given_only_if_nothing_has_it),
		cmocka_unit_test(the_calls_have_names),
		scratch_test(sharing_blocks_works_or_changes_nothing),
		scratch_test(short_moves_are_completed),
		scratch_test(a_failure_in_the_middle_leaves_outputs_alone),
		scratch_test(offsets_beyond_any_file_are_refused),
		scratch_test(a_failed_open_leaves_the_descriptor_alone),
		scratch_test(descriptors_are_not_inherited),
		scratch_test(reading_all_stops_at_the_limit),
		scratch_test(a_failed_read_keeps_the_buffer_terminated),
		scratch_test(a_link_is_read_or_refused_whole),
		scratch_test(stat_at_looks_at_the_link_itself),
		scratch_test(a_lock_that_is_taken_is_busy),
		scratch_test(folders_are_made_with_their_parents_and_synced),
		scratch_test(a_link_to_a_folder_is_a_folder),
		scratch_test(a_file_in_the_way_of_a_folder_is_a_conflict),
		scratch_test(a_parent_that_cannot_be_made_names_itself),
		scratch_test(listing_gives_every_name_once_and_may_stop),
		scratch_test(a_failed_listing_keeps_its_status_without_an_error),
		scratch_test(a_tree_is_removed_and_nothing_beside_it),
		scratch_test(files_empty_folders_and_nothing_can_be_removed),
		scratch_test(a_tree_far_deeper_than_descriptors_go_is_removed),
		scratch_test(removing_a_tree_survives_every_single_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
