/* remote check: is all there, and as it was put? */
#include "cli/cli.h"
#include "cli/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What was found, for the reply. */
typedef struct found {
	cli *c;
	char **texts; /* a key and a problem in turn */
	size_t count, capacity;
	bool failed;
} found;

static void found_free(found *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->texts[i]);
	free(f->texts);
}

static void keep(found *f, const char *text)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity == 0 ? 32 : 2 * f->capacity;
		char **texts = realloc(f->texts, capacity * sizeof *texts);
		f->failed = f->failed || texts == NULL;
		if (texts == NULL)
			return;
		f->texts = texts;
		f->capacity = capacity;
	}
	char *copy = strdup(text);
	f->failed = f->failed || copy == NULL;
	if (copy != NULL)
		f->texts[f->count++] = copy;
}

static int take_problem(void *user, const char *key, const char *problem)
{
	found *f = user;
	cli_progress_erase(f->c);
	cli_put_safe(stderr, key[0] != '\0' ? key : f->c->operands[1]);
	(void)fprintf(stderr, ": %serror:%s ", cli_paint(stderr, CLI_RED), cli_paint(stderr, CLI_PLAIN));
	cli_put_safe(stderr, problem);
	(void)fputc('\n', stderr);
	if (f->c->options.json) {
		keep(f, key);
		keep(f, problem);
	}
	return f->failed;
}

static void put_result(cli_json *json, const found *f, const pnr_remote_check_result *result)
{
	cli_json_number(json, "packages", result->packages);
	cli_json_number(json, "objects", result->objects);
	cli_json_number(json, "bytes", result->bytes);
	cli_json_open(json, "problems", '[');
	for (size_t i = 0; i + 1 < f->count; i += 2) {
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "key", f->texts[i]);
		cli_json_text(json, "problem", f->texts[i + 1]);
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
	cli_reply_end(f->c);
}

static int report(cli *c, const found *f, const pnr_remote_check_result *result)
{
	char size[CLI_SIZE_TEXT];
	cli_json *json;
	if (f->failed)
		return cli_fail(c, CLI_FAILED, "out of memory");
	if (result->problems > 0) {
		cli_complain(c, "remote '%s': %" PRIu64 " problem%s", c->operands[1], result->problems,
		             result->problems == 1 ? "" : "s");
		json = cli_reply_failure(c, CLI_UNVERIFIED, "remote '%s': %" PRIu64 " problem%s", c->operands[1],
		                         result->problems, result->problems == 1 ? "" : "s");
	} else {
		cli_say(c, "%s: all is there and right: %" PRIu64 " packages, %" PRIu64 " objects, %s", c->operands[1],
		        result->packages, result->objects, cli_size_text(result->bytes, size));
		json = cli_reply(c);
	}
	if (json != NULL)
		put_result(json, f, result);
	return result->problems > 0 ? CLI_UNVERIFIED : CLI_DONE;
}

int cli_remote_check(cli *c, pnr_store *store)
{
	CLI_CLEANUP(found_free) found f = { .c = c };
	const pnr_remote_check_options options = {
		.size = sizeof options,
		.problem = take_problem,
		.problem_user = &f,
		.progress = cli_progress,
		.progress_user = c,
	};
	pnr_remote_check_result result;
	bool at_fault = false;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_check(store, c->operands[1], &options, &result, &at_fault, &err);
	cli_progress_erase(c);
	if (status == PNR_OK || (status == PNR_CORRUPT && result.problems > 0))
		return report(c, &f, &result);
	return cli_fail_error(c, at_fault ? CLI_OF_REMOTE : status == PNR_CORRUPT ? CLI_OF_PACKAGE : CLI_OF_REF,
	                      &err);
}
