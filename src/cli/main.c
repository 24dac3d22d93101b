#include "cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const cli_command *const cli_commands[] = {
	&cli_init, &cli_validate, &cli_status, &cli_pack, &cli_export, &cli_verify, &cli_unpack,
	&cli_worker_json, &cli_delta, &cli_apply, &cli_log, &cli_show, &cli_history, &cli_diff, &cli_uses,
	&cli_cat, &cli_tag, &cli_stats, &cli_report, &cli_import, &cli_remote, &cli_push, &cli_pull, &cli_fsck, NULL,
};

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t interrupted_at;

bool cli_interrupted(void)
{
	return interrupted != 0;
}

/* Work stops at the next report of progress, with everything put away. Who asks
 * again a second later has seen it not stop: nothing visible is half-made even so. */
static void on_signal(int number)
{
	struct timespec now = { 0, 0 };
	int reason = errno;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	/* One request may arrive twice: timeout(1) signals the process and its group. */
	if (interrupted && (sig_atomic_t)now.tv_sec - interrupted_at > 1) {
		(void)signal(number, SIG_DFL);
		(void)raise(number);
	}
	if (!interrupted)
		interrupted_at = (sig_atomic_t)now.tv_sec;
	interrupted = 1;
	errno = reason;
}

/* No SA_RESTART: a read or write that waits for ever must end, too. */
static void catch_signal(int number)
{
	struct sigaction action;
	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

/* A file that is opened must never become descriptor 0, 1 or 2: messages would go into it. */
static bool open_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

static int run(cli *c)
{
	int failed = cli_parse(c);
	if (failed != CLI_DONE)
		return failed;
	if (c->options.help)
		return cli_help(c);
	if (c->options.version) {
		cli_json *json = cli_reply(c);
		if (json == NULL)
			(void)printf("pannier %s\n", pnr_version());
		else
			cli_json_text(json, "version", pnr_version());
		cli_reply_end(c);
		return CLI_DONE;
	}
	return c->command->run(c);
}

/* A reply that could not be built gives way to one that says so; behind the part of one there is no other. */
static int print_reply(cli *c, int exit_status)
{
	bool built = c->reply.text != NULL && c->reply.reason == 0;
	if (!cli_json_print(&c->reply, stdout)) {
		int reason = c->reply.reason == 0 ? ENOMEM : c->reply.reason;
		exit_status = exit_status == CLI_DONE ? CLI_FAILED : exit_status;
		if (built)
			cli_complain(c, "temporary file of the reply: %s", strerror(reason));
		else if (reason == ENOMEM)
			(void)cli_fail(c, exit_status, "out of memory");
		else
			(void)cli_fail(c, exit_status, "temporary file of the reply: %s", strerror(reason));
		if (!built && !cli_json_print(&c->reply, stdout))
			(void)fputs("{\"success\": false, \"error\": \"out of memory\", \"exit\": 1}", stdout);
	}
	(void)fputc('\n', stdout);
	return exit_status;
}

/* Output that was not written is a failure, however well the work went. */
static int finish(cli *c, int exit_status, const struct sigaction *pipe_action)
{
	cli_progress_erase(c);
	errno = 0;
	if (c->options.json && !c->streamed) {
		exit_status = print_reply(c, exit_status);
	}
	bool failed = ferror(stdout) != 0 || c->output_error != 0;
	failed = fflush(stdout) != 0 || failed;
	failed = (close(STDOUT_FILENO) != 0 && errno != EINTR) || failed;
	if (!failed || exit_status == CLI_INTERRUPTED)
		return exit_status;
	/* The reader has gone: end as if the signal had come, unless the parent ignores it. */
	if (c->output_error == EPIPE || errno == EPIPE) {
		(void)sigaction(SIGPIPE, pipe_action, NULL);
		(void)raise(SIGPIPE);
	}
	int reason = c->output_error != 0 ? c->output_error : errno;
	cli_complain(c, "writing to stdout: %s", reason != 0 ? strerror(reason) : "failed");
	return exit_status == CLI_DONE ? CLI_FAILED : exit_status;
}

int main(int argc, char **argv)
{
	cli c = { .argc = argc, .argv = argv, .drawn_at = cli_clock(), .options.wait = CLI_WAIT_DEFAULT };
	struct sigaction ignore, pipe_action;
	static char buffer[64 * 1024], messages[4096];
	if (!open_standard_descriptors())
		return CLI_FAILED;
	(void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	/* A write a line: messages are put together from small parts, and there may be 100,000. */
	(void)setvbuf(stderr, messages, _IOLBF, sizeof messages);
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	/* A broken pipe is an error of the write, so that the call that writes can clean up. */
	memset(&ignore, 0, sizeof ignore);
	ignore.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &ignore, &pipe_action);
	int exit_status = finish(&c, run(&c), &pipe_action);
	cli_json_free(&c.reply);
	cli_options_free(&c);
	return exit_status;
}
