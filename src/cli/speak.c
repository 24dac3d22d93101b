/* What the tool says: diagnostics on stderr, results on stdout, one JSON document with --json. */
#include "cli/cli.h"
#include "cli/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUT_OF_MEMORY "out of memory"

/* A missing config or asset and a ref that leads nowhere are the user's to set
 * right; the same status from the operating system (it has an errno) about a
 * folder that may not be written is a failure. */
int cli_exit_of(cli_subject subject, const pnr_error *err)
{
	if (subject == CLI_OF_REMOTE)
		return CLI_REMOTE;
	switch (err->status) {
	case PNR_OK:
		return CLI_DONE;
	case PNR_CANCELLED:
		return cli_interrupted() ? CLI_INTERRUPTED : CLI_FAILED;
	case PNR_BUSY:
		return CLI_BUSY;
	case PNR_NOT_FOUND:
		if (subject == CLI_OF_CONFIG)
			return CLI_INVALID;
		return subject == CLI_OF_OUTPUT ? CLI_FAILED : CLI_ABSENT;
	case PNR_INVALID:
		/* What is wrong with a config comes in the result; this is an option. */
		if (subject == CLI_OF_REF || subject == CLI_OF_CONFIG || subject == CLI_OF_OUTPUT)
			return CLI_USAGE;
		/* With an errno it is a name that the operating system does not take. */
		return subject == CLI_OF_PACKAGE && err->detail == 0 ? CLI_UNVERIFIED : CLI_FAILED;
	case PNR_CONFLICT:
		/* An ambiguous prefix; a tag that is in use. */
		return (subject == CLI_OF_REF || subject == CLI_OF_CONFIG) && err->detail == 0 ? CLI_USAGE
		                                                                              : CLI_FAILED;
	case PNR_DENIED:
		return subject == CLI_OF_CONFIG && err->detail == 0 ? CLI_INVALID : CLI_FAILED;
	case PNR_CORRUPT:
		return subject == CLI_OF_STORE ? CLI_FAILED : CLI_UNVERIFIED;
	case PNR_UNSUPPORTED:
		return subject == CLI_OF_PACKAGE ? CLI_UNVERIFIED : CLI_FAILED;
	case PNR_RETRY:
	case PNR_FULL:
	case PNR_IO:
	case PNR_NOMEM:
		break;
	}
	return CLI_FAILED;
}

static char *format_text(const char *format, va_list arguments) CLI_PRINTF(1, 0);
static char *format_text(const char *format, va_list arguments)
{
	char *text = NULL;
	return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

static void put_diagnostic(cli *c, const char *kind, const char *text)
{
	cli_progress_erase(c);
	(void)fprintf(stderr, "pannier: %s", kind);
	cli_put_safe(stderr, text != NULL ? text : OUT_OF_MEMORY);
	(void)fputc('\n', stderr);
}

void cli_complain(cli *c, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	put_diagnostic(c, "", text);
}

void cli_warn(cli *c, const char *format, ...)
{
	if (c->options.quiet)
		return;
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	put_diagnostic(c, "warning: ", text);
}

void cli_remark(cli *c, const char *format, ...)
{
	if (!c->options.verbose)
		return;
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	put_diagnostic(c, "", text);
}

void cli_say(cli *c, const char *format, ...)
{
	if (c->options.json || c->options.quiet)
		return;
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	/* A result that is not there is output that was not written. */
	if (text == NULL) {
		c->output_error = ENOMEM;
		return;
	}
	cli_put_safe(stdout, text);
	(void)fputc('\n', stdout);
}

static cli_json *begin_reply(cli *c, bool success)
{
	if (!c->options.json)
		return NULL;
	cli_json_begin(&c->reply, 0);
	cli_json_open(&c->reply, NULL, '{');
	cli_json_bool(&c->reply, "success", success);
	return &c->reply;
}

cli_json *cli_reply(cli *c)
{
	return begin_reply(c, true);
}

static cli_json *begin_failure(cli *c, int exit_status, const char *text)
{
	cli_json *json = begin_reply(c, false);
	if (json != NULL) {
		cli_json_text(json, "error", text != NULL ? text : OUT_OF_MEMORY);
		cli_json_number(json, "exit", (uint64_t)exit_status);
	}
	return json;
}

cli_json *cli_reply_failure(cli *c, int exit_status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	return begin_failure(c, exit_status, text);
}

void cli_reply_end(cli *c)
{
	if (c->options.json)
		cli_json_close(&c->reply, '}');
}

int cli_fail(cli *c, int exit_status, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	put_diagnostic(c, "", text);
	(void)begin_failure(c, exit_status, text);
	cli_reply_end(c);
	return exit_status;
}

int cli_fail_error(cli *c, cli_subject subject, const pnr_error *err)
{
	int exit_status = cli_exit_of(subject, err);
	/* It was cli_write that stopped the call: main knows the reason. */
	if (err->status == PNR_CANCELLED && ferror(stdout))
		return exit_status;
	if (exit_status == CLI_INTERRUPTED)
		return cli_fail(c, exit_status, "interrupted");
	return cli_fail(c, exit_status, "%s", err->message[0] != '\0' ? err->message : pnr_status_name(err->status));
}

/* Where parsing stopped, the flag may not have been reached yet. */
static bool wants_json(const cli *c)
{
	for (int i = c->rest; i < c->argc && strcmp(c->argv[i], "--") != 0; i++)
		if (strcmp(c->argv[i], "--json") == 0)
			return true;
	return false;
}

int cli_fail_usage(cli *c, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	CLI_CLEANUP(cli_free) char *text = format_text(format, arguments);
	va_end(arguments);
	c->options.json = c->options.json || wants_json(c);
	return cli_fail(c, CLI_USAGE, "%s (see 'pannier %s%s--help')", text != NULL ? text : OUT_OF_MEMORY,
	                c->command != NULL ? c->command->name : "", c->command != NULL ? " " : "");
}

const char *cli_paint(FILE *stream, cli_colour colour)
{
	static const char *const codes[] = { "\x1b[0m", "\x1b[31m", "\x1b[32m", "\x1b[33m" };
	const char *off = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");
	if ((off != NULL && off[0] != '\0') || terminal == NULL || strcmp(terminal, "dumb") == 0 ||
	    !isatty(fileno(stream)))
		return "";
	return codes[colour];
}

int cli_write(void *user, const void *data, size_t length)
{
	cli *c = user;
	if (cli_interrupted())
		return 1;
	c->streamed = true;
	if (fwrite(data, 1, length, stdout) == length)
		return 0;
	c->output_error = errno;
	return 1;
}
