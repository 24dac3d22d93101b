#include "base/clock.h"
#include "remote/aws_source.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX ((size_t)64 * PNR_KIB)
#define SECONDS 60
#define WORDS_MAX 63u
#define POLL_MS 100

/* A command's words, one after the other, each with a NUL at its end. */
typedef struct command {
	char *text;
	char *words[WORDS_MAX + 1];
	size_t count;
} command;

static void command_free(command *c)
{
	free(c->text);
}

/*
 * One word from *at on, which moves behind it; written to *to, which does as well. Quotes as in a shell: all in '' is
 * as it is, in "" a backslash keeps its meaning before '"' and itself.
 */
static bool take_word(const char **at, char **to)
{
	const char *from = *at;
	char quote = '\0';
	for (; *from != '\0' && (quote != '\0' || strchr(" \t", *from) == NULL); from++) {
		bool escapes = *from == '\\' && quote != '\'' && from[1] != '\0' &&
		               (quote == '\0' || from[1] == '"' || from[1] == '\\');
		if (escapes)
			*(*to)++ = *++from;
		else if (quote != '\0' && *from == quote)
			quote = '\0';
		else if (quote == '\0' && (*from == '"' || *from == '\''))
			quote = *from;
		else
			*(*to)++ = *from;
	}
	*(*to)++ = '\0';
	*at = from;
	return quote == '\0';
}

static pnr_status split(const char *text, command *c, pnr_error *err)
{
	c->text = malloc(strlen(text) + 2);
	if (c->text == NULL)
		return pnr_fail_nomem(err);
	char *to = c->text;
	for (text += strspn(text, " \t"); *text != '\0'; text += strspn(text, " \t")) {
		if (c->count == WORDS_MAX)
			return pnr_fail(err, PNR_INVALID, "it has more than %u words", WORDS_MAX);
		c->words[c->count++] = to;
		if (!take_word(&text, &to))
			return pnr_fail(err, PNR_INVALID, "a quote in it is not closed");
	}
	return c->count > 0 ? PNR_OK : pnr_fail(err, PNR_INVALID, "it is empty");
}

/*
 * Signals as a program expects them: this thread holds SIGPIPE back while it signs, and an application may ignore some.
 * But those by which nohup and a shell's '&' let it go on are left to it as they are.
 */
static bool set_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, usual;
	(void)sigemptyset(&none);
	(void)sigfillset(&usual);
	(void)sigdelset(&usual, SIGHUP);
	(void)sigdelset(&usual, SIGINT);
	(void)sigdelset(&usual, SIGQUIT);
	return posix_spawnattr_setsigmask(attributes, &none) == 0 &&
	       posix_spawnattr_setsigdefault(attributes, &usual) == 0 &&
	       posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0;
}

static pnr_status spawn(const command *c, int output, pid_t *out_pid, pnr_error *err)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	if (posix_spawn_file_actions_init(&actions) != 0)
		return pnr_fail_nomem(err);
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return pnr_fail_nomem(err);
	}
	bool ready = set_signals(&attributes) &&
	             posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
	             posix_spawn_file_actions_adddup2(&actions, output, 1) == 0;
	int errnum = !ready ? ENOMEM : posix_spawnp(out_pid, c->words[0], &actions, &attributes, c->words, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (errnum == 0)
		return PNR_OK;
	pnr_error own = PNR_ERROR_INIT;
	pnr_ignore(pnr_fail_errno(&own, errnum, "'%s' cannot be run", c->words[0]));
	return pnr_fail(err, errnum == ENOMEM ? PNR_NOMEM : PNR_DENIED, "%s", own.message);
}

/* Is there time left, and is it to go on? */
static pnr_status check(const pnr_aws *aws, double end, pnr_error *err)
{
	if (pnr_clock_monotonic() < end)
		return aws->watch.poll == NULL ? PNR_OK : aws->watch.poll(aws->watch.context, err);
	return pnr_fail(err, PNR_DENIED, "it took longer than %d s", SECONDS);
}

/* Read to the end, or until there is more than is taken, or @end. */
static pnr_status read_output(const pnr_aws *aws, int fd, double end, pnr_buffer *out, pnr_error *err)
{
	char *place = pnr_buffer_reserve(out, OUTPUT_MAX);
	if (place == NULL)
		return pnr_fail_nomem(err);
	while (out->length < OUTPUT_MAX) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		pnr_status status = check(aws, end, err);
		if (status != PNR_OK)
			return status;
		if (poll(&wait, 1, POLL_MS) <= 0)
			continue;
		ssize_t got = read(fd, place + out->length, OUTPUT_MAX - out->length);
		if (got < 0 && errno != EINTR)
			return pnr_fail_errno(err, errno, "reading what it prints");
		if (got == 0)
			return PNR_OK;
		out->length += got < 0 ? 0 : (size_t)got;
	}
	return pnr_fail(err, PNR_INVALID, "it prints %zu bytes or more", OUTPUT_MAX);
}

/* Its end: it may have closed its output before. Where the application collects the dead itself, nothing is known. */
static pnr_status await(const pnr_aws *aws, pid_t pid, double end, bool *out_ended, pnr_error *err)
{
	int how = 0;
	pid_t got;
	while ((got = waitpid(pid, &how, WNOHANG)) == 0 || (got < 0 && errno == EINTR)) {
		const struct timespec pause = { .tv_nsec = 5000000 };
		pnr_status status = check(aws, end, err);
		if (status != PNR_OK)
			return status;
		(void)nanosleep(&pause, NULL);
	}
	*out_ended = true;
	if (got < 0 || (WIFEXITED(how) && WEXITSTATUS(how) == 0))
		return PNR_OK;
	if (WIFEXITED(how))
		return pnr_fail(err, PNR_DENIED, "it ended with status %d", WEXITSTATUS(how));
	return pnr_fail(err, PNR_DENIED, "it was ended by signal %d", WTERMSIG(how));
}

static pnr_status run(const pnr_aws *aws, const command *c, pnr_buffer *out, pnr_error *err)
{
	double end = pnr_clock_monotonic() + SECONDS;
	bool ended = false;
	int ends[2];
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return pnr_fail_errno(err, errno, "pipe");
	pnr_status status = spawn(c, ends[1], &pid, err);
	(void)close(ends[1]);
	if (status != PNR_OK) {
		(void)close(ends[0]);
		return status;
	}
	status = read_output(aws, ends[0], end, out, err);
	(void)close(ends[0]);
	if (status == PNR_OK)
		status = await(aws, pid, end, &ended, err);
	if (!ended) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return status;
}

pnr_status pnr_aws__run_process(const pnr_aws *aws, const char *text, pnr_aws_secret *out_secret, pnr_error *err)
{
	PNR_CLEANUP(command_free) command c = { .text = NULL };
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer output = PNR_BUFFER_INIT;
	pnr_status status = split(text, &c, err);
	if (status == PNR_OK)
		status = run(aws, &c, &output, err);
	if (status != PNR_OK)
		return status;
	pnr_error own = PNR_ERROR_INIT;
	status = pnr_aws__read_json(&output, "SessionToken", true, out_secret, &own);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "what it prints are no credentials");
	return pnr_fail_with(err, &own);
}
