/* Requests side by side: on kept connections, and none of them waits for another. */
#include "asked.h"
#include "base/clock.h"

#define REQUESTS 500u

typedef struct crowd {
	asked a[REQUESTS];
	unsigned next, done;
	bool follow; /* each one that is done leads to another */
} crowd;

static pnr_status next_of(void *context, pnr_http_request **out_request, pnr_error *err)
{
	crowd *c = context;
	(void)err;
	if (c->next < REQUESTS && (!c->follow || c->next == c->done))
		*out_request = &c->a[c->next++].r;
	return PNR_OK;
}

static pnr_status done_of(void *context, pnr_http_request *request, pnr_error *err)
{
	crowd *c = context;
	(void)err;
	c->done++;
	assert_int_equal(request->code, 200);
	assert_string_equal(request->text.data, "yes");
	pnr_http_request_free(request);
	return PNR_OK;
}

static pnr_status no_poll(void *context, pnr_error *err)
{
	(void)context;
	(void)err;
	return PNR_OK;
}

static void many_run_side_by_side_on_kept_connections(void **state)
{
	(void)state;
	PNR_CLEANUP(server_stop) server s;
	static const step steps[] = { { .body = "yes" } };
	server_start(&s, steps, 1);
	PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
	crowd *c = calloc(1, sizeof *c);
	const pnr_http_feed feed = { next_of, done_of, no_poll, c, NULL };
	for (unsigned i = 0; i < REQUESTS; i++)
		c->a[i] = ask(&s, "GET", "/key");
	for (unsigned i = 0; i < 2; i++) {
		c->next = c->done = 0;
		assert_ok(pnr_http_run(http, &feed, err));
		assert_int_equal(c->done, REQUESTS);
		assert_true(s.connections > 1 && s.connections <= 16); /* of the first run, still */
	}
	assert_true(s.most_at_once > 1);
	c->next = c->done = 0;
	c->follow = true;
	assert_ok(pnr_http_run(http, &feed, err));
	assert_int_equal(c->done, REQUESTS);
	free(c);
}

/* What makes its second request in pieces. */
typedef struct slow_maker {
	asked a[2];
	unsigned next, asked, polls, polls_before;
	bool alone; /* there is no first request */
	unsigned pieces; /* at least; and as long as the first request is open */
	bool done[2];
} slow_maker;

static pnr_status next_piece(void *context, pnr_http_request **out_request, pnr_error *err)
{
	slow_maker *m = context;
	(void)err;
	if (m->next == 0 && !m->alone) {
		*out_request = &m->a[m->next++].r;
	} else if (m->asked < m->pieces || (!m->alone && !m->done[0])) {
		m->asked++;
		*out_request = &pnr_http_not_yet;
	} else if (!m->done[1] && m->next < 2) {
		m->polls_before = m->polls;
		m->next = 2;
		*out_request = &m->a[1].r;
	}
	return PNR_OK;
}

static pnr_status piece_done(void *context, pnr_http_request *request, pnr_error *err)
{
	slow_maker *m = context;
	(void)err;
	assert_int_equal(request->code, 200);
	m->done[request == &m->a[1].r] = true;
	pnr_http_request_free(request);
	return PNR_OK;
}

static pnr_status poll_pieces(void *poll_context, pnr_error *err)
{
	slow_maker *m = poll_context;
	(void)err;
	m->polls++;
	return PNR_OK;
}

static void what_is_made_in_pieces_holds_up_nothing(void **state)
{
	(void)state;
	static const step steps[] = { { .body = "yes" } };
	for (unsigned i = 0; i < 2; i++) {
		PNR_CLEANUP(server_stop) server s;
		server_start(&s, steps, 1);
		PNR_CLEANUP(pnr_http_cleanup) pnr_http *http = new_http(1);
		slow_maker m = { .alone = i == 1, .pieces = 100 };
		const pnr_http_feed feed = { next_piece, piece_done, poll_pieces, &m, &m };
		m.a[0] = ask(&s, "GET", "/first");
		m.a[1] = ask(&s, "GET", "/second");
		double begin = pnr_clock_monotonic();
		assert_ok(pnr_http_run(http, &feed, err));
		/* Not a pause each. */
		assert_true(pnr_clock_monotonic() - begin < 5);
		assert_true(m.asked >= m.pieces && m.polls_before >= m.asked);
		assert_true(m.done[1] && m.done[0] == (i == 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_run_side_by_side_on_kept_connections),
		cmocka_unit_test(what_is_made_in_pieces_holds_up_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
