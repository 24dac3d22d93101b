/* Progress: a line on a terminal that comes late, changes seldom and goes away; or one JSON line an update. */
#include "cli/cli.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* What is done sooner needs no line; a person reads no faster. */
#define FIRST_AFTER 0.3
#define EVERY 0.1

double cli_clock(void)
{
	struct timespec now = { 0, 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void put_json(const pnr_progress *progress)
{
	CLI_CLEANUP(cli_json_free) cli_json asset = { .text = NULL };
	cli_json_begin(&asset, 0);
	cli_json_text(&asset, NULL, progress->asset);
	(void)fprintf(stderr, "{\"phase\":\"%s\",\"asset\":", pnr_phase_name(progress->phase));
	if (!cli_json_print(&asset, stderr))
		(void)fputs("null", stderr);
	(void)fprintf(stderr, ",\"bytesDone\":%llu,\"bytesTotal\":%llu}\n", (unsigned long long)progress->bytes_done,
	              (unsigned long long)progress->bytes_total);
}

static size_t terminal_columns(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Bytes of @text that fill at most @columns. */
static size_t fit(const char *text, size_t columns)
{
	size_t length = 0;
	while (text[length] != '\0') {
		bool starts = ((unsigned char)text[length] & 0xc0) != 0x80;
		if (starts && columns-- == 0)
			break;
		length++;
	}
	return length;
}

static void draw(const pnr_progress *progress)
{
	char done[CLI_SIZE_TEXT], total[CLI_SIZE_TEXT], amount[80];
	(void)cli_size_text(progress->bytes_done, done);
	if (progress->bytes_total == 0)
		(void)snprintf(amount, sizeof amount, "%s  %s", pnr_phase_name(progress->phase), done);
	else
		(void)snprintf(amount, sizeof amount, "%s  %3.0f %%  %s of %s", pnr_phase_name(progress->phase),
		               100.0 * (double)progress->bytes_done / (double)progress->bytes_total, done,
		               cli_size_text(progress->bytes_total, total));
	CLI_CLEANUP(cli_free) char *asset = cli_safe(progress->asset != NULL ? progress->asset : "");
	size_t columns = terminal_columns() - 1;
	size_t used = strlen(amount) + 2;
	size_t room = asset != NULL && columns > used ? fit(asset, columns - used) : 0;
	(void)fprintf(stderr, "\r%.*s  %.*s\x1b[K", (int)fit(amount, columns), amount, (int)room,
	              asset != NULL ? asset : "");
	(void)fflush(stderr);
}

static bool on_terminal(const cli *c)
{
	const char *mode = c->options.progress;
	const char *terminal = getenv("TERM");
	return !c->options.quiet && !c->options.no_progress && (mode == NULL || strcmp(mode, "line") == 0) &&
	       terminal != NULL && strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

int cli_progress(void *user, const pnr_progress *progress)
{
	cli *c = user;
	if (cli_interrupted())
		return 1;
	if (c->options.progress != NULL && strcmp(c->options.progress, "json") == 0 && !c->options.no_progress) {
		put_json(progress);
		return 0;
	}
	double now = cli_clock();
	double pause = c->drawn ? EVERY : c->options.progress != NULL ? 0 : FIRST_AFTER;
	if (now - c->drawn_at < pause || !on_terminal(c))
		return 0;
	draw(progress);
	c->drawn = true;
	c->drawn_at = now;
	return 0;
}

void cli_progress_erase(cli *c)
{
	if (c->drawn) {
		(void)fputs("\r\x1b[K", stderr);
		(void)fflush(stderr);
	}
	c->drawn = false;
}
