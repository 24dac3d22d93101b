/* Temporaries: visible at once or never; leftovers go, what is in use stays. */
#include "support.h"
#include "base/temp.h"
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

static pnr_temp start(const scratch *s, const char *target, const char *text)
{
	pnr_temp temp = PNR_TEMP_INIT;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_temp_file(s->fd, target, &temp, &err) != PNR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(pnr_file_write(temp.fd, text, strlen(text), temp.name, NULL), PNR_OK);
	return temp;
}

static pnr_temp start_dir(const scratch *s, const char *target)
{
	pnr_temp temp = PNR_TEMP_INIT;
	assert_int_equal(pnr_temp_dir(s->fd, target, &temp, NULL), PNR_OK);
	put_file(temp.fd, "inside", "x");
	return temp;
}

static void assert_released(const pnr_temp *temp)
{
	assert_int_equal(temp->fd, -1);
	assert_int_equal(temp->dir, -1);
	assert_null(temp->name);
	assert_null(temp->target);
}

/* ------------------------------------------------------ one at a time -- */

static void a_file_is_invisible_until_it_is_published(void **state)
{
	const scratch *s = *state;
	pnr_temp temp = start(s, "t", "new");
	assert_false(exists(s->fd, "t"));
	assert_int_equal(temp.name[0], '.');
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_released(&temp);
	assert_file(s->fd, "t", "new");
	assert_int_equal(count_names(s->fd), 1);
	pnr_temp_discard(&temp);
	assert_file(s->fd, "t", "new");
}

static void publishing_replaces_what_was_there(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, "t", "old");
	pnr_temp temp = start(s, "t", "new");
	assert_file(s->fd, "t", "old");
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, "t", "new");
	assert_int_equal(count_names(s->fd), 1);
}

static void discarding_removes_it_and_keeps_the_target(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, "t", "old");
	pnr_temp temp = start(s, "t", "new");
	pnr_temp_discard(&temp);
	assert_released(&temp);
	pnr_temp dir = start_dir(s, "t");
	pnr_temp_discard(&dir);
	assert_file(s->fd, "t", "old");
	assert_int_equal(count_names(s->fd), 1);
	pnr_temp nothing = PNR_TEMP_INIT;
	pnr_temp_discard(&nothing);
}

static void the_descriptor_of_the_folder_may_be_closed_meanwhile(void **state)
{
	const scratch *s = *state;
	scratch copy = *s;
	copy.fd = dup(s->fd);
	pnr_temp temp = start(&copy, "t", "new");
	close(copy.fd);
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, "t", "new");
}

static void permissions_follow_the_umask(void **state)
{
	const scratch *s = *state;
	struct stat st;
	mode_t before = umask(027);
	pnr_temp file = start(s, "f", "x"), dir = start_dir(s, "d");
	umask(before);
	assert_int_equal(pnr_temp_publish(&file, NULL), PNR_OK);
	assert_int_equal(pnr_temp_publish(&dir, NULL), PNR_OK);
	assert_int_equal(fstatat(s->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(fstatat(s->fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
}

static void the_longest_name_can_be_a_target(void **state)
{
	const scratch *s = *state;
	char name[256];
	memset(name, 'n', 255);
	name[255] = '\0';
	pnr_temp temp = start(s, name, "x");
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, name, "x");
}

/* --------------------------------------------------------------- folders -- */

static void a_folder_takes_the_place_of_nothing_or_of_an_empty_one(void **state)
{
	const scratch *s = *state;
	pnr_temp temp = start_dir(s, "d");
	assert_false(exists(s->fd, "d"));
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, "d/inside", "x");
	assert_int_equal(mkdirat(s->fd, "empty", 0700), 0);
	temp = start_dir(s, "empty");
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, "empty/inside", "x");
	assert_int_equal(count_names(s->fd), 2);
}

static void what_is_in_the_way_is_a_conflict_and_stays(void **state)
{
	const scratch *s = *state;
	pnr_error err = PNR_ERROR_INIT;
	put_file(s->fd, "f", "kept");
	assert_int_equal(mkdirat(s->fd, "d", 0700), 0);
	put_file(s->fd, "d/mine", "kept");
	pnr_temp temp = start_dir(s, "d");
	assert_int_equal(pnr_temp_publish(&temp, &err), PNR_CONFLICT);
	assert_released(&temp);
	assert_contains(err.message, "'d'");
	temp = start_dir(s, "f");
	pnr_error_clear(&err);
	assert_int_equal(pnr_temp_publish(&temp, &err), PNR_CONFLICT);
	assert_contains(err.message, "'f' is a file");
	temp = start(s, "d", "x");
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_CONFLICT);
	assert_file(s->fd, "f", "kept");
	assert_file(s->fd, "d/mine", "kept");
	assert_int_equal(count_names(s->fd), 2);
}

/* ------------------------------------------------------------- leftovers -- */

/* A process that makes a temporary of each kind, says so, and is killed when told. */
static pid_t start_other(const scratch *s, const char *target, int out_pipe[2])
{
	int to[2], from[2];
	char byte = 'x';
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pnr_temp file = PNR_TEMP_INIT, dir = PNR_TEMP_INIT;
		close(to[1]);
		if (pnr_temp_file(s->fd, target, &file, NULL) != PNR_OK ||
		    pnr_temp_dir(s->fd, target, &dir, NULL) != PNR_OK || mkdirat(dir.fd, "full", 0700) != 0 ||
		    write(from[1], &byte, 1) != 1)
			_exit(1);
		(void)!read(to[0], &byte, 1);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	assert_int_equal(read(from[0], &byte, 1), 1);
	out_pipe[0] = from[0];
	out_pipe[1] = to[1];
	return pid;
}

static void end_other(pid_t pid, int pipes[2])
{
	int status;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(pipes[0]);
	close(pipes[1]);
}

static void what_a_killed_process_left_is_swept_by_the_next_writer(void **state)
{
	const scratch *s = *state;
	int pipes[2];
	pid_t other = start_other(s, "t", pipes);
	assert_int_equal(count_names(s->fd), 2);
	end_other(other, pipes);
	assert_int_equal(count_names(s->fd), 2);
	pnr_temp unrelated = start(s, "u", "x");
	assert_int_equal(count_names(s->fd), 3);
	pnr_temp temp = start(s, "t", "x");
	assert_int_equal(count_names(s->fd), 2);
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	pnr_temp_discard(&unrelated);
	assert_int_equal(count_names(s->fd), 1);
}

static void what_another_process_has_in_use_is_not(void **state)
{
	const scratch *s = *state;
	int pipes[2];
	pid_t other = start_other(s, "t", pipes);
	pnr_temp temp = start(s, "t", "x");
	assert_int_equal(count_names(s->fd), 3);
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_int_equal(count_names(s->fd), 3);
	end_other(other, pipes);
}

static void several_of_one_process_live_side_by_side(void **state)
{
	const scratch *s = *state;
	pnr_temp temps[20];
	for (size_t i = 0; i < PNR_COUNT(temps); i++)
		temps[i] = start(s, "t", "x");
	assert_int_equal(count_names(s->fd), PNR_COUNT(temps));
	for (size_t i = 0; i < PNR_COUNT(temps); i++) {
		char text[8];
		snprintf(text, sizeof text, "+%zu", i);
		assert_int_equal(pnr_file_write(temps[i].fd, text, strlen(text), "t", NULL), PNR_OK);
		assert_int_equal(pnr_temp_publish(&temps[i], NULL), PNR_OK);
	}
	assert_file(s->fd, "t", "x+19");
	assert_int_equal(count_names(s->fd), 1);
}

static void names_that_only_look_like_ours_are_left_alone(void **state)
{
	const scratch *s = *state;
	static const char *const names[] = {
		".t.pnr-", ".t.pnr-notes", ".t.pnr-1", ".t.pnr-1-", ".t.pnr--1", ".t.pnr-1-2x",
		".t.pnr-1-2.pnr-3-4", ".tt.pnr-1-2", "t.pnr-1-2", ".t.pnr-1-2-3",
	};
	for (size_t i = 0; i < PNR_COUNT(names); i++)
		put_file(s->fd, names[i], "mine");
	put_file(s->fd, ".t.pnr-99999999-7", "leftover");
	pnr_temp temp = start(s, "t", "x");
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	for (size_t i = 0; i < PNR_COUNT(names); i++)
		assert_file(s->fd, names[i], "mine");
	assert_int_equal(count_names(s->fd), PNR_COUNT(names) + 1);
}

/* ----------------------------------------------------------------- races -- */

static const scratch *race_in;
static pnr_file_call race_call;
static unsigned race_nth; /* of those calls */
static void (*race_act)(const char *name);

static int act_on_temporary(void *user, const char *name)
{
	(void)user;
	if (name[0] == '.')
		race_act(name);
	return 0;
}

/* Another process does something to the temporary just before the race_nth race_call. */
static int race_gate(pnr_file_call call, size_t *length)
{
	(void)length;
	if (call != race_call || race_nth == 0 || --race_nth != 0)
		return 0;
	assert_int_equal(pnr_file_list(race_in->fd, "scratch", act_on_temporary, NULL, NULL), PNR_OK);
	return 0;
}

static void race(const scratch *s, pnr_file_call call, unsigned nth, void (*act)(const char *name))
{
	race_in = s;
	race_call = call;
	race_nth = nth;
	race_act = act;
	pnr_file_gate_hook = race_gate;
}

static void take_away(const char *name)
{
	assert_int_equal(pnr_file_remove_tree(race_in->fd, name, NULL), PNR_OK);
}

static void replace(const char *name)
{
	assert_int_equal(unlinkat(race_in->fd, name, 0), 0);
	put_file(race_in->fd, name, "of a new writer");
}

static void a_file_that_is_swept_before_it_is_locked_is_made_again(void **state)
{
	const scratch *s = *state;
	race(s, PNR_CALL_LOCK, 1, take_away);
	pnr_temp temp = start(s, "t", "x");
	gate_close();
	assert_int_equal(race_nth, 0);
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, "t", "x");
	assert_int_equal(count_names(s->fd), 1);
}

static void a_folder_that_is_swept_before_it_is_opened_or_locked_is_made_again(void **state)
{
	const scratch *s = *state;
	/* The third open: after the folder itself and its listing. */
	race(s, PNR_CALL_OPEN, 3, take_away);
	pnr_temp temp = start_dir(s, "d");
	assert_int_equal(race_nth, 0);
	pnr_temp_discard(&temp);
	race(s, PNR_CALL_LOCK, 1, take_away);
	temp = start_dir(s, "d");
	assert_int_equal(race_nth, 0);
	gate_close();
	assert_int_equal(pnr_temp_publish(&temp, NULL), PNR_OK);
	assert_file(s->fd, "d/inside", "x");
	assert_int_equal(count_names(s->fd), 1);
}

/* It opens a leftover; before it has the lock another sweeper removes it and a new writer takes the name. */
static void a_sweeper_does_not_remove_what_took_the_name_of_a_leftover(void **state)
{
	const scratch *s = *state;
	put_file(s->fd, ".t.pnr-99999999-0", "leftover");
	race(s, PNR_CALL_LOCK, 1, replace);
	pnr_temp temp = start(s, "t", "x");
	gate_close();
	assert_int_equal(race_nth, 0);
	assert_file(s->fd, ".t.pnr-99999999-0", "of a new writer");
	pnr_temp_discard(&temp);
}

static void processes_that_publish_one_name_never_show_a_part(void **state)
{
	const scratch *s = *state;
	char text[2000];
	pid_t pids[4];
	put_file(s->fd, "t", "");
	for (size_t i = 0; i < PNR_COUNT(pids); i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		memset(text, (int)('a' + i), sizeof text);
		for (int round = 0; round < 15; round++) {
			pnr_temp temp = PNR_TEMP_INIT;
			if (pnr_temp_file(s->fd, "t", &temp, NULL) != PNR_OK ||
			    pnr_file_write(temp.fd, text, sizeof text, "t", NULL) != PNR_OK)
				_exit(1);
			if (round % 5 == 4)
				pnr_temp_discard(&temp);
			else if (pnr_temp_publish(&temp, NULL) != PNR_OK)
				_exit(2);
		}
		_exit(0);
	}
	for (size_t i = 0; i < PNR_COUNT(pids); i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	struct stat st;
	assert_int_equal(fstatat(s->fd, "t", &st, 0), 0);
	assert_int_equal(st.st_size, sizeof text);
	assert_int_equal(count_names(s->fd), 1);
}

/* ---------------------------------------------------------------- faults -- */

static pnr_status write_target(const scratch *s, pnr_error *err)
{
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	pnr_status status = pnr_temp_file(s->fd, "t", &temp, err);
	if (status == PNR_OK)
		status = pnr_file_write(temp.fd, "new", 3, temp.name, err);
	if (status == PNR_OK)
		status = pnr_temp_publish(&temp, err);
	return status;
}

/* Each call fails once: the target is the old one or the new one, and what is left the next writer removes. */
static void every_single_failure_leaves_the_old_or_the_new(void **state)
{
	const scratch *s = *state;
	bool failed = true;
	unsigned nth = 0;
	while (failed) {
		pnr_error err = PNR_ERROR_INIT;
		put_file(s->fd, "t", "old");
		put_file(s->fd, ".t.pnr-99999999-0", "leftover");
		gate_fail(PNR_CALL_COUNT, ++nth, EIO);
		pnr_status status = write_target(s, &err);
		failed = gate.total >= nth;
		gate_close();
		assert_int_equal(status == PNR_OK, err.status == PNR_OK);
		char text[4] = "";
		int fd = openat(s->fd, "t", O_RDONLY);
		assert_int_equal(read(fd, text, 3), 3);
		close(fd);
		assert_true(strcmp(text, "new") == 0 || (status != PNR_OK && strcmp(text, "old") == 0));
		assert_int_equal(write_target(s, NULL), PNR_OK);
		assert_file(s->fd, "t", "new");
		assert_int_equal(count_names(s->fd), 1);
	}
	assert_true(nth > 10);
}

static void a_file_system_without_locks_will_do(void **state)
{
	const scratch *s = *state;
	static const int none[] = { ENOLCK, EOPNOTSUPP, ENOSYS };
	for (size_t i = 0; i < PNR_COUNT(none); i++) {
		gate_fail(PNR_CALL_LOCK, 1, none[i]);
		assert_int_equal(write_target(s, NULL), PNR_OK);
		assert_int_equal(gate.calls[PNR_CALL_LOCK], 1);
	}
}

static void a_failed_fsync_never_publishes(void **state)
{
	const scratch *s = *state;
	pnr_error err = PNR_ERROR_INIT;
	put_file(s->fd, "t", "old");
	gate_fail(PNR_CALL_FSYNC, 1, EIO);
	assert_int_equal(write_target(s, &err), PNR_IO);
	assert_file(s->fd, "t", "old");
	assert_int_equal(count_names(s->fd), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_file_is_invisible_until_it_is_published),
		scratch_test(publishing_replaces_what_was_there),
		scratch_test(discarding_removes_it_and_keeps_the_target),
		scratch_test(the_descriptor_of_the_folder_may_be_closed_meanwhile),
		scratch_test(permissions_follow_the_umask),
		scratch_test(the_longest_name_can_be_a_target),
		scratch_test(a_folder_takes_the_place_of_nothing_or_of_an_empty_one),
		scratch_test(what_is_in_the_way_is_a_conflict_and_stays),
		scratch_test(what_a_killed_process_left_is_swept_by_the_next_writer),
		scratch_test(what_another_process_has_in_use_is_not),
		scratch_test(several_of_one_process_live_side_by_side),
		scratch_test(names_that_only_look_like_ours_are_left_alone),
		scratch_test(a_file_that_is_swept_before_it_is_locked_is_made_again),
		scratch_test(a_folder_that_is_swept_before_it_is_opened_or_locked_is_made_again),
		scratch_test(a_sweeper_does_not_remove_what_took_the_name_of_a_leftover),
		scratch_test(processes_that_publish_one_name_never_show_a_part),
		scratch_test(every_single_failure_leaves_the_old_or_the_new),
		scratch_test(a_file_system_without_locks_will_do),
		scratch_test(a_failed_fsync_never_publishes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
