#include "package/provenance.h"
#include "base/clock.h"
#include "base/path.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GIT_SECONDS 5.0

static void find_user(char *out, size_t size)
{
	struct passwd entry, *found = NULL;
	char buffer[4096];
	if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
		(void)snprintf(out, size, "%s", entry.pw_name);
	else
		(void)snprintf(out, size, "%ld", (long)getuid());
}

/* Variables by which CI systems name a run; identifiers only, never addresses, which may carry a token. */
static void find_ci(char *out, size_t size)
{
	static const struct {
		const char *name, *variable;
	} systems[] = {
		{ "github", "GITHUB_RUN_ID" },     { "gitlab", "CI_PIPELINE_ID" },
		{ "azure", "BUILD_BUILDID" },      { "jenkins", "BUILD_TAG" },
		{ "circleci", "CIRCLE_BUILD_NUM" }, { "buildkite", "BUILDKITE_BUILD_NUMBER" },
		{ "bitbucket", "BITBUCKET_BUILD_NUMBER" }, { "teamcity", "BUILD_NUMBER" },
	};
	for (size_t i = 0; i < PNR_COUNT(systems); i++) {
		const char *value = getenv(systems[i].variable);
		if (value != NULL && value[0] != '\0') {
			(void)snprintf(out, size, "%s:%s", systems[i].name, value);
			return;
		}
	}
}

static bool in_checkout(const char *dir)
{
	PNR_CLEANUP(pnr_cleanup_free) char *at = strdup(dir);
	while (at != NULL) {
		struct stat st;
		PNR_CLEANUP(pnr_cleanup_free) char *probe = pnr_path_join(at, ".git");
		if (probe != NULL && stat(probe, &st) == 0)
			return true;
		if (strcmp(at, "/") == 0 || strcmp(at, ".") == 0)
			return false;
		char *parent = pnr_path_dir(at);
		free(at);
		at = parent;
	}
	return false;
}

/* No transport is allowed: to fetch what a partial clone lacks would run what its settings name. */
static const char **git_environment(void)
{
	size_t count = 0;
	while (environ[count] != NULL)
		count++;
	const char **copy = calloc(count + 2, sizeof *copy);
	if (copy == NULL)
		return NULL;
	copy[0] = "GIT_ALLOW_PROTOCOL=none"; /* the first of a name counts */
	memcpy(copy + 1, environ, count * sizeof *copy);
	return copy;
}

/* Start git with @arguments, NULL at their end, in the checkout at @dir, without its hooks and monitors. */
static void spawn_git(pnr_provenance *p, const char *dir, const char *const *arguments)
{
	const char *argv[24] = { "git", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c",
		                 "core.hooksPath=/dev/null", "-C", dir };
	for (size_t count = 8; *arguments != NULL && count < PNR_COUNT(argv) - 1; count++)
		argv[count] = *arguments++;
	PNR_CLEANUP(pnr_cleanup_free) const char **environment = git_environment();
	posix_spawn_file_actions_t actions;
	int ends[2];
	if (environment == NULL || posix_spawn_file_actions_init(&actions) != 0)
		return;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return;
	}
	bool ready = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
	             posix_spawn_file_actions_adddup2(&actions, ends[1], 1) == 0 &&
	             posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) == 0;
	pid_t pid;
	if (ready && posix_spawnp(&pid, "git", &actions, NULL, (char *const *)(uintptr_t)argv,
	                          (char *const *)(uintptr_t)environment) == 0) {
		p->git = pid;
		p->git_output = ends[0];
	} else {
		(void)close(ends[0]);
	}
	(void)close(ends[1]);
	(void)posix_spawn_file_actions_destroy(&actions);
}

typedef void (*line_fn)(pnr_provenance *p, const char *line);

/* A scope, a tab, a key: what is set in the checkout itself. */
static void read_setting(pnr_provenance *p, const char *line)
{
	if (strncmp(line, "local\t", 6) == 0 || strncmp(line, "worktree\t", 9) == 0)
		p->filtered = true;
}

/* The commit by itself, or `git status`: its header lines start with '#', any other line is a change. */
static void read_state(pnr_provenance *p, const char *line)
{
	static const char oid[] = "# branch.oid ";
	bool header = strncmp(line, oid, sizeof oid - 1) == 0;
	const char *commit = header ? line + sizeof oid - 1 : line;
	if (header && p->git_dirty < 0)
		p->git_dirty = 0;
	if (strspn(commit, "0123456789abcdef") == strlen(commit))
		(void)snprintf(p->git_commit, sizeof p->git_commit, "%.71s", commit);
	else if (line[0] != '#')
		p->git_dirty = 1;
}

/* Lines up to a bound each; what a long one says after that does not matter here. False: the time is over. */
static bool read_answer(pnr_provenance *p, line_fn read_line)
{
	char line[256];
	size_t used = 0;
	double end = pnr_clock_monotonic() + GIT_SECONDS;
	for (;;) {
		double left = end - pnr_clock_monotonic();
		struct pollfd wait = { .fd = p->git_output, .events = POLLIN };
		if (left <= 0)
			return false;
		int ready = poll(&wait, 1, (int)(left * 1000) + 1);
		if (ready < 0 && errno != EINTR)
			return false;
		if (ready <= 0)
			continue;
		char chunk[4096];
		ssize_t got = read(p->git_output, chunk, sizeof chunk);
		if (got == 0)
			return true;
		for (ssize_t i = 0; i < got; i++) {
			if (chunk[i] == '\n') {
				line[used] = '\0';
				read_line(p, line);
				used = 0;
			} else if (used < sizeof line - 1) {
				line[used++] = chunk[i];
			}
		}
	}
}

/* Read what git says, wait for its end. Its exit status; -1: none. */
static int end_git(pnr_provenance *p, line_fn read_line)
{
	if (p->git <= 0)
		return -1;
	bool answered = read_answer(p, read_line);
	(void)close(p->git_output);
	if (!answered)
		(void)kill(p->git, SIGKILL);
	int code = 0;
	while (waitpid(p->git, &code, 0) < 0 && errno == EINTR)
		;
	p->git = -1;
	p->git_output = -1;
	return answered && WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

/*
 * Looking for changes passes changed files through the filters that the
 * checkout's attributes ask for. A filter of the user's own settings is the
 * user's; where the checkout defines one, only the commit is asked for.
 */
static void start_git(pnr_provenance *p, const char *dir)
{
	static const char *const filters[] = { "config", "--show-scope", "--name-only", "--get-regexp",
		                               "^filter\\.", NULL };
	static const char *const status[] = { "status", "--porcelain=v2", "--branch", "--untracked-files=no",
		                              "--ignore-submodules=all", NULL };
	static const char *const commit[] = { "rev-parse", "--verify", "HEAD", NULL };
	spawn_git(p, dir, filters);
	int code = end_git(p, read_setting);
	bool known = code == 0 || code == 1; /* 1: there are none */
	spawn_git(p, dir, known && !p->filtered ? status : commit);
}

void pnr_provenance_start(pnr_provenance *p, const char *dir)
{
	*p = (pnr_provenance){ .git_dirty = -1, .git = -1, .git_output = -1 };
	find_user(p->user, sizeof p->user);
	if (gethostname(p->host, sizeof p->host - 1) != 0)
		p->host[0] = '\0';
	find_ci(p->ci_run, sizeof p->ci_run);
	if (dir != NULL && in_checkout(dir))
		start_git(p, dir);
}

void pnr_provenance_finish(pnr_provenance *p)
{
	if (p->git > 0 && end_git(p, read_state) != 0) {
		p->git_commit[0] = '\0';
		p->git_dirty = -1;
	}
}

void pnr_provenance_drop(pnr_provenance *p)
{
	if (p->git > 0)
		(void)kill(p->git, SIGKILL);
	pnr_provenance_finish(p);
}
