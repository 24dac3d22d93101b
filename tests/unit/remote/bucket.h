/* What the tests of remotes in buckets share: one at a server that answers by a script, and one at a real server. */
#ifndef TESTS_UNIT_REMOTE_BUCKET_H
#define TESTS_UNIT_REMOTE_BUCKET_H

#include "../http/server.h"
#include "remote/bucket.h"
#include "support.h"
#include <signal.h>

#define FORMAT_ANSWER { .headers = "ETag: \"f\"\r\n", .body = "{\"format\": 1}\n" }

#define served(s, ...)                                        \
	const step steps_[] = { FORMAT_ANSWER, __VA_ARGS__ }; \
	server_start(&(s), steps_, PNR_COUNT(steps_))

static inline pnr_remote *open_url(const char *url)
{
	static const pnr_http_patience impatient = { .connect_ms = 2000, .idle_seconds = 1, .tries = 3, .pause_ms = 1 };
	pnr_remote *remote = NULL;
	assert_ok(pnr_remote_open(url, NULL, &remote, err));
	pnr_http_set_patience(pnr_bucket__of(remote)->http, &impatient);
	return remote;
}

static inline unsigned count_of(const char *text, const char *what)
{
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		count++;
	return count;
}

/* ------------------------------------------------------ at a real server -- */

/* main() says who: what it forks is at the same places. */
static pid_t first_process;

static inline pnr_remote *open_place(const char *name)
{
	const char *url = getenv("PANNIER_TEST_REMOTE"), *at = strchr(url, '@');
	const pnr_remote_options options = { .create = true };
	pnr_remote *remote = NULL;
	char text[512];
	(void)snprintf(text, sizeof text, "%.*sbucket-%ld-%s%s", (int)(at - url), url, (long)first_process, name, at + 1);
	assert_ok(pnr_remote_open(text, &options, &remote, err));
	return remote;
}

static inline pnr_status read_and_die(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const memory *m = context;
	pnr_status status = read_memory(context, offset, buffer, length, err);
	if (m->bytes >= m->fail_at)
		(void)raise(SIGKILL);
	return status;
}

#endif
