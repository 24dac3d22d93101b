/*
 * SIGINT at random moments of the real tool, while it packs a model that takes
 * its time: it stops cleanly or gets through, and the next run finds all well.
 *
 * usage: fault-interrupt PANNIER
 */
#include "harness.h"
#include "trees.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef SANITIZED
#define MOMENTS 10
#define TABLE_SIZE (4u << 20)
#else
#define MOMENTS 50
#define TABLE_SIZE (15u << 20)
#endif

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t start(const char *tool, const sigset_t *mask)
{
	pid_t pid = fork();
	if (pid == 0) {
		(void)sigprocmask(SIG_SETMASK, mask, NULL);
		(void)signal(SIGINT, SIG_DFL);
		if (chdir(path("w")) == 0 && freopen(path("stderr"), "w", stderr) != NULL)
			execl(tool, "pannier", "pack", "-q", (char *)NULL);
		_exit(126);
	}
	return pid;
}

/* The exit status of `pannier pack` with a SIGINT after @delay seconds; what was done before says how long it took. */
static int pack(const char *tool, double delay, double *took)
{
	int code = 0;
	sigset_t ended, mask;
	struct timespec t = { 0, 0 };
	(void)sigemptyset(&ended);
	(void)sigaddset(&ended, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &ended, &mask);
	while (sigtimedwait(&ended, NULL, &t) >= 0)
		; /* those of earlier children */
	double started = now();
	pid_t pid = start(tool, &mask);
	t.tv_sec = (time_t)delay;
	t.tv_nsec = (long)((delay - (double)t.tv_sec) * 1e9);
	if (sigtimedwait(&ended, NULL, &t) >= 0)
		*took = now() - started;
	else
		(void)kill(pid, SIGINT);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (pid < 0 || waitpid(pid, &code, 0) != pid)
		die("fork");
	/* So early that nobody listens: that is 130 to a shell as well. */
	if (WIFSIGNALED(code) && WTERMSIG(code) == SIGINT)
		return 130;
	return WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

/* How long it takes. */
static double pack_well(const char *tool, const char *what)
{
	double took = HANGS_AFTER;
	if (pack(tool, HANGS_AFTER, &took) != 0)
		die("%s: pack fails", what);
	return took;
}

static void check(uint64_t before, uint64_t after, int status, const char *what)
{
	static const char *const export_older[] = { "export", "-q", "older", "-o", "../exported.zip", NULL };
	uint64_t seen = tree_hash("w");
	if (seen != before && seen != after)
		die("%s: what is visible is neither as before nor as after", what);
	if (status == 0 && seen != after)
		die("%s: reports success, and its result is not there", what);
	check_no_leftovers("w", what);
	check_database("w/.pannier/pannier.db", what);
	run_well(export_older, what);
	shell("cmp exported.zip older.zip");
}

int main(int argc, char **argv)
{
	char what[64];
	long stopped = 0, late = 0;
	unsigned seed = 1;
	if (argc != 2)
		die("usage: fault-interrupt PANNIER");
	set_up();
	set_scene(SCENE_CHANGED);
	write_table("w/a/expenses.csv", TABLE_SIZE, 40);
	write_table("w/a/lapse.csv", TABLE_SIZE, 41);
	shell("rm -rf changed && cp -a w changed");
	uint64_t before = tree_hash("w");
	double seconds = pack_well(argv[1], "without interrupt");
	uint64_t after = tree_hash("w");
	for (int i = 0; stopped < MOMENTS; i++) {
		set_scene(SCENE_CHANGED);
		seed = seed * 1103515245u + 12345u;
		double delay = seconds * (double)(seed >> 8 & 0xffff) / 65536;
		(void)snprintf(what, sizeof what, "moment %d, after %.4f s", i, delay);
		int status = pack(argv[1], delay, &seconds);
		if (status != 0 && status != 130)
			die("%s: exit %d", what, status);
		if (status == 130)
			stopped++;
		else if (++late > MOMENTS * 2)
			die("%ld interrupts hit, %ld came too late", stopped, late);
		check(before, after, status, what);
		if (i % 5 == 0) {
			(void)pack_well(argv[1], what);
			if (tree_hash("w") != after)
				die("%s: the next pack makes something else", what);
		}
	}
	tear_down();
	printf("pack: %ld interrupts stopped it, %ld came too late, 0 losses\n", stopped, late);
	return 0;
}
