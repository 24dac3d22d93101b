/* fsck: is the store as it was written? */
#include "cli/cli.h"
#include "cli/text.h"
#include <inttypes.h>
#include <pannier/fsck.h>
#include <stdlib.h>
#include <string.h>

/* What was found, for the reply. */
typedef struct finding {
	char *kind, *name, *problem;
	pnr_digest *packages;
	size_t package_count;
	bool unused;
} finding;

typedef struct found {
	cli *c;
	finding *items;
	size_t count, capacity;
	bool failed;
} found;

static void found_free(found *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->items[i].kind);
		free(f->items[i].name);
		free(f->items[i].problem);
		free(f->items[i].packages);
	}
	free(f->items);
}

static bool keep(found *f, const pnr_fsck_problem *problem)
{
	if (f->count == f->capacity) {
		size_t capacity = f->capacity == 0 ? 32 : 2 * f->capacity;
		finding *items = realloc(f->items, capacity * sizeof *items);
		if (items == NULL)
			return false;
		f->items = items;
		f->capacity = capacity;
	}
	finding *item = &f->items[f->count++];
	*item = (finding){
		.kind = strdup(problem->kind),
		.name = strdup(problem->name),
		.problem = strdup(problem->problem),
		.packages = calloc(problem->package_count + 1, sizeof *item->packages),
		.package_count = problem->package_count,
		.unused = problem->unused,
	};
	if (item->kind == NULL || item->name == NULL || item->problem == NULL || item->packages == NULL)
		return false;
	for (size_t i = 0; i < problem->package_count; i++)
		item->packages[i] = problem->packages[i];
	return true;
}

static void complain(const cli *c, const pnr_fsck_problem *problem)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	cli_put_safe(stderr, problem->kind);
	if (problem->name[0] != '\0')
		(void)fputc(' ', stderr);
	cli_put_safe(stderr, problem->name);
	(void)fprintf(stderr, ": %serror:%s ", cli_paint(stderr, CLI_RED), cli_paint(stderr, CLI_PLAIN));
	cli_put_safe(stderr, problem->problem);
	(void)fputc('\n', stderr);
	for (size_t i = 0; i < problem->package_count; i++)
		(void)fprintf(stderr, "  in package %s\n", cli_hash_text(c, &problem->packages[i], hex));
}

static int take_problem(void *user, const pnr_fsck_problem *problem)
{
	found *f = user;
	cli_progress_erase(f->c);
	if (problem->unused)
		cli_remark(f->c, "%s: %s", problem->name, problem->problem);
	else
		complain(f->c, problem);
	if (f->c->options.json)
		f->failed = f->failed || !keep(f, problem);
	return f->failed;
}

static void json_findings(cli_json *json, const found *f)
{
	cli_json_open(json, "problems", '[');
	for (size_t i = 0; i < f->count; i++) {
		const finding *item = &f->items[i];
		if (item->unused)
			continue;
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "kind", item->kind);
		cli_json_text(json, "name", item->name);
		cli_json_open(json, "packages", '[');
		for (size_t k = 0; k < item->package_count; k++)
			cli_json_digest(json, NULL, &item->packages[k], true);
		cli_json_close(json, ']');
		cli_json_text(json, "problem", item->problem);
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
	cli_json_open(json, "unusedFiles", '[');
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].unused)
			cli_json_text(json, NULL, f->items[i].name);
	cli_json_close(json, ']');
}

static void put_result(cli *c, cli_json *json, const found *f, const pnr_fsck_result *result)
{
	if (json == NULL)
		return;
	cli_json_bool(json, "valid", result->problems == 0);
	cli_json_number(json, "packages", result->packages);
	cli_json_number(json, "archives", result->archives);
	cli_json_number(json, "objects", result->objects);
	cli_json_number(json, "evicted", result->evicted);
	cli_json_number(json, "bytes", result->bytes);
	cli_json_number(json, "entries", result->entries);
	cli_json_digest(json, "headHash", &result->head_hash, result->head != 0);
	cli_json_number(json, "unused", result->unused);
	cli_json_number(json, "unusedBytes", result->unused_bytes);
	cli_json_number(json, "leftovers", result->leftovers);
	json_findings(json, f);
	cli_reply_end(c);
}

static void say_result(cli *c, const pnr_fsck_result *result)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT];
	cli_say(c, "packages %" PRIu64 ", zips %" PRIu64 ", objects %" PRIu64 ", log entries %" PRIu64 ": nothing is wrong",
	        result->packages, result->archives, result->objects, result->entries);
	if (result->bytes > 0)
		cli_say(c, "decoded  %s", cli_size_text(result->bytes, size));
	if (result->evicted > 0)
		cli_say(c, "evicted  %" PRIu64 " of the objects", result->evicted);
	if (result->unused + result->leftovers > 0)
		cli_say(c, "unused   %" PRIu64 " file%s, %s; with -v each", result->unused + result->leftovers,
		        result->unused + result->leftovers == 1 ? "" : "s", cli_size_text(result->unused_bytes, size));
	if (result->head != 0)
		cli_say(c, "newest   %s", pnr_digest_to_hex(&result->head_hash, hex));
}

static int report(cli *c, const found *f, const pnr_fsck_result *result, int exit_status)
{
	if (f->failed)
		return cli_fail(c, CLI_FAILED, "out of memory");
	if (result->problems == 0) {
		say_result(c, result);
		put_result(c, cli_reply(c), f, result);
		return CLI_DONE;
	}
	const char *plural = result->problems == 1 ? "" : "s";
	cli_complain(c, "the store has %" PRIu64 " problem%s", result->problems, plural);
	put_result(c, cli_reply_failure(c, exit_status, "the store has %" PRIu64 " problem%s", result->problems, plural), f,
	           result);
	return exit_status;
}

/* So damaged that there is nothing else to look at. */
static int report_unopened(cli *c, found *f, const pnr_error *err)
{
	const pnr_fsck_problem problem = { .size = sizeof problem, .kind = "database", .name = "", .problem = err->message };
	const pnr_fsck_result result = { .size = sizeof result, .problems = 1 };
	(void)take_problem(f, &problem);
	return report(c, f, &result, CLI_UNVERIFIED);
}

static int run_fsck(cli *c)
{
	pnr_digest expect;
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(found_free) found f = { .c = c };
	pnr_fsck_options options = {
		.size = sizeof options,
		.depth = c->options.quick ? PNR_FSCK_QUICK : c->options.full ? PNR_FSCK_FULL : PNR_FSCK_DEFAULT,
		.problem = take_problem,
		.problem_user = &f,
		.progress = cli_progress,
		.progress_user = c,
	};
	if (c->options.quick && c->options.full)
		return cli_fail_usage(c, "--quick or --full, not both");
	if (c->options.expect != NULL) {
		if (!cli_digest_parse(c->options.expect, strlen(c->options.expect), &expect))
			return cli_fail_usage(c, "--expect takes a hash of 64 hex digits, not '%s'", c->options.expect);
		options.expect = &expect;
	}
	pnr_fsck_result result = { .problems = 0 };
	pnr_error err = PNR_ERROR_INIT;
	int failed = cli_look_at_store(c, &store, &err);
	if (failed != CLI_DONE)
		return failed;
	if (store == NULL && err.status != PNR_CORRUPT)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	if (store == NULL)
		return report_unopened(c, &f, &err);
	pnr_status status = pnr_fsck(store, &options, &result, &err);
	cli_progress_erase(c);
	if (status == PNR_OK || result.problems > 0)
		return report(c, &f, &result, status == PNR_CORRUPT ? CLI_UNVERIFIED : CLI_FAILED);
	return cli_fail_error(c, CLI_OF_STORE, &err);
}

static const cli_option fsck_table[] = {
	{ "quick", 0, CLI_FLAG, offsetof(cli_options, quick), NULL, "only what the database says: no object is looked at", 0,
	  0 },
	{ "full", 0, CLI_FLAG, offsetof(cli_options, full), NULL, "read and decode every object, make every zip again", 0,
	  0 },
	{ "expect", 0, CLI_TEXT, offsetof(cli_options, expect), "HASH", "of an entry that must be in the log", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_fsck = {
	.name = "fsck",
	.operands = "",
	.summary = "Check the store: database, log, packages, objects",
	.about = "Checks the database, the log, what packages hold, their manifests, and that each\n"
	         "object is there with its size. Exit status 4 if anything is wrong, and the\n"
	         "packages that suffer from it. Nothing is written. Files that nothing needs are\n"
	         "counted, and are no problem. With --full, if nothing else is wrong, every zip is\n"
	         "made again and must have its hash. Each entry of the log holds the hash of the\n"
	         "one before it; all are computed again. Note the newest one and give it to\n"
	         "--expect later: then nothing before it can have been rewritten.\n",
	.examples = "  pannier fsck\n"
	            "  pannier fsck --full\n"
	            "  pannier fsck --quick --json\n",
	.options = fsck_table,
	.run = run_fsck,
};
