/* Each file call of a selection fails once, for every call there is: a status says so, and nothing leaks. */
#include "support.h"

static unsigned calls, failing;
static int errnum;

static int fail_one(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return ++calls == failing ? errnum : 0;
}

static void plant(model *m)
{
	begin(m);
	put(m->dir, "p.py", "p");
	put(m->dir, "wasm/w.wasm", "w");
	put(m->dir, "wasm/w.mjs", "js");
	put_link(m->dir, "q.py", "scripts/q.py");
	put(m->dir, "scripts/q.py", "q");
}

#define NODES NODE("a", "python://p") "," NODE("b", "wasm://w") "," NODE("c", "python://q") "," NODE("d", "wasm://none")

/* Parse and select with call @n failing, then open every place but the config's, as packaging does. */
static pnr_status attempt(model *m, unsigned n)
{
	pnr_file_gate_hook = NULL;
	calls = 0;
	failing = n;
	pnr_issues *issues = NULL;
	forget(m);
	m->config_text = strdup("{\"model\":\"m.mga\"," VALID_ASSUMPTIONS "," VALID_SCENARIOS ",\"pipeline\":{\"nodes\":[" NODES "]}}");
	assert_int_equal(pnr_issues_new(&issues, NULL), PNR_OK);
	assert_int_equal(pnr_config_parse(m->config_text, strlen(m->config_text), issues, &m->config, NULL), PNR_OK);
	pnr_file_gate_hook = fail_one;
	pnr_status status = pnr_select(m->config, m->config_path, &m->options, issues, &m->selection, &m->error);
	for (size_t i = 1; status == PNR_OK && pnr_issues_valid(issues) && i < m->selection->candidate_count; i++) {
		int fd = -1;
		status = pnr_place_open(&m->selection->candidates[i].place, &fd, &m->error);
		if (status == PNR_OK)
			assert_int_equal(close(fd), 0);
	}
	pnr_file_gate_hook = NULL;
	assert_int_equal(pnr_issues_take(issues, &m->issues, NULL), PNR_OK);
	return status;
}

/* What may come of a failure with errnum at any place. */
typedef bool (*judge)(const model *m, pnr_status status);

static void fail_each(judge plausible)
{
	model m;
	plant(&m);
	put(m.dir, PNR_CONFIG_NAME, "{}");
	size_t before = open_descriptors();
	unsigned n = 1;
	for (;; n++) {
		pnr_status status = attempt(&m, n);
		if (calls < n)
			break;
		if (!plausible(&m, status)) {
			show_issues(m.issues);
			fail_msg("call %u: %s %s", n, pnr_status_name(status), m.error.message);
		}
		if (status != PNR_OK)
			assert_int_equal(m.error.status, status);
		forget(&m);
		assert_int_equal(open_descriptors(), before);
	}
	assert_no_error(m.issues);
	assert_int_equal(m.selection->missing_count, 1);
	assert_true(n > 30);
	print_message("  %u faults\n", n - 1);
	end(&m);
}

static bool is_io(const model *m, pnr_status status)
{
	return status == PNR_IO && strstr(m->error.message, "Input/output error") != NULL;
}

static void an_io_error_at_any_call_is_reported_as_that(void **state)
{
	(void)state;
	errnum = EIO;
	fail_each(is_io);
}

static unsigned listed; /* refusals that came as an issue, at their place */

static bool is_denied(const model *m, pnr_status status)
{
	bool issue = status == PNR_OK && has_issue(m->issues->errors, m->issues->error_count, "Permission denied");
	listed += issue;
	return issue || status == PNR_DENIED;
}

static void a_refusal_at_any_call_is_never_taken_for_absence(void **state)
{
	(void)state;
	errnum = EACCES;
	fail_each(is_denied);
	assert_true(listed > 15);
}

/* A thing that vanishes is missing, passed over, or a reason to try again: never an internal error. */
static bool is_absence(const model *m, pnr_status status)
{
	return status == PNR_RETRY || status == PNR_NOT_FOUND || status == PNR_INVALID ||
	       (status == PNR_OK && m->issues->error_count == 0);
}

static void what_vanishes_at_any_call_is_no_crash(void **state)
{
	(void)state;
	errnum = ENOENT;
	fail_each(is_absence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_io_error_at_any_call_is_reported_as_that),
		cmocka_unit_test(a_refusal_at_any_call_is_never_taken_for_absence),
		cmocka_unit_test(what_vanishes_at_any_call_is_no_crash),
	};
	return cmocka_run_group_tests_name("model/faults", tests, NULL, NULL);
}
