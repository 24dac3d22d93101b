/* What the tests of requests share: a client that does not wait for long, and one request with what comes of it. */
#ifndef TESTS_UNIT_HTTP_ASKED_H
#define TESTS_UNIT_HTTP_ASKED_H

#include "http/http.h"
#include "server.h"

/* One request, its body and what came. */
typedef struct asked {
	pnr_http_request r;
	const char *body;
	pnr_buffer got;
	pnr_status read_status, take_status;
	unsigned signs, polls, polls_max;
	char host[64];
	int again_code;
} asked;

static inline pnr_status read_body(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const asked *a = context;
	if (a->read_status != PNR_OK)
		return pnr_fail(err, a->read_status, "the body cannot be read");
	memcpy(buffer, a->body + offset, length);
	return PNR_OK;
}

static inline pnr_status take_body(void *context, const void *data, size_t length, pnr_error *err)
{
	asked *a = context;
	if (a->take_status != PNR_OK)
		return pnr_fail(err, a->take_status, "the sink is full");
	pnr_buffer_append(&a->got, data, length);
	return pnr_buffer_status(&a->got, err);
}

static inline pnr_status sign(void *context, const pnr_sign_request *request, pnr_sign_lines *out_lines, pnr_error *err)
{
	asked *a = context;
	char line[64];
	a->signs++;
	(void)snprintf(a->host, sizeof a->host, "%s", request->host);
	(void)snprintf(line, sizeof line, "secret-%u-%zu", a->signs, request->header_count);
	return pnr_sign__add(out_lines, "Authorization", line, err);
}

static inline pnr_status poll_asked(void *context, pnr_error *err)
{
	asked *a = context;
	if (a->polls_max != 0 && ++a->polls > a->polls_max)
		return pnr_fail(err, PNR_CANCELLED, "cancelled");
	return PNR_OK;
}

static inline pnr_http *new_http(unsigned tries)
{
	const pnr_http_options options = {
		.patience = { .connect_ms = 30000, .idle_seconds = 30, .tries = tries, .pause_ms = 1, .pause_max_ms = 2 }
	};
	pnr_http *http = NULL;
	assert_ok(pnr_http_new(&options, &http, err));
	return http;
}

static inline asked ask(const server *s, const char *method, const char *path)
{
	return (asked){ .r = { .method = method, .origin = s->origin, .path = path } };
}

static inline pnr_status run(pnr_http *http, asked *a, pnr_error *err)
{
	a->r.context = a;
	a->r.length = a->body == NULL ? 0 : strlen(a->body);
	a->r.read = read_body;
	return pnr_http_run_one(http, &a->r, poll_asked, a, err);
}

static inline void asked_free(asked *a)
{
	pnr_http_request_free(&a->r);
	pnr_buffer_free(&a->got);
}

#define assert_failed(a, wanted, text)                                                       \
	do {                                                                                 \
		pnr_error told_ = PNR_ERROR_INIT;                                            \
		pnr_status status_ = pnr_http_fail(&(a)->r, NULL, &told_);                   \
		if (status_ != (wanted) || strstr(told_.message, (text)) == NULL)            \
			fail_msg("%s: %s", pnr_status_name(status_), told_.message);         \
	} while (0)

#endif
