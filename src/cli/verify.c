/* verify, unpack and worker-json: a package, from a file, from stdin or from the store. */
#include "cli/cli.h"
#include "cli/text.h"
#include <string.h>

/* 100 MB of JSON is what the worker takes. */
#define WORKER_LIMIT 100000000u

static void free_result(pnr_verify_result **result)
{
	pnr_verify_result_free(*result);
}

static void put_problems(cli *c, const char *kind, cli_colour colour, const char *name, const pnr_problem *problems,
                         size_t count)
{
	cli_progress_erase(c);
	for (size_t i = 0; i < count; i++) {
		cli_put_safe(stderr, problems[i].path[0] != '\0' ? problems[i].path : name);
		(void)fprintf(stderr, ": %s%s:%s ", cli_paint(stderr, colour), kind, cli_paint(stderr, CLI_PLAIN));
		cli_put_safe(stderr, problems[i].problem);
		(void)fputc('\n', stderr);
	}
}

static void json_problems(cli_json *json, const char *key, const pnr_problem *problems, size_t count)
{
	cli_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++) {
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "path", problems[i].path);
		cli_json_text(json, "problem", problems[i].problem);
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
}

static void json_result(cli_json *json, const pnr_verify_result *result)
{
	cli_json_bool(json, "valid", result->valid);
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, result->has_archive_hash);
	cli_json_bool(json, "declared", result->has_declared_hash);
	cli_json_number(json, "assets", result->asset_count);
	json_problems(json, "problems", result->problems, result->problem_count);
	json_problems(json, "warnings", result->warnings, result->warning_count);
}

static int report_failure(cli *c, const char *name, const pnr_verify_result *result)
{
	const char *plural = result->problem_count == 1 ? "" : "s";
	cli_complain(c, "%s: verification failed, %zu problem%s", name, result->problem_count, plural);
	put_problems(c, "error", CLI_RED, name, result->problems, result->problem_count);
	cli_json *json = cli_reply_failure(c, CLI_UNVERIFIED, "%s: verification failed, %zu problem%s", name,
	                                   result->problem_count, plural);
	if (json != NULL) {
		json_result(json, result);
		cli_reply_end(c);
	}
	return CLI_UNVERIFIED;
}

static int report(cli *c, const char *name, const pnr_verify_result *result, const char *dir)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	cli_say(c, "%s: valid, %llu asset%s%s%s", name, (unsigned long long)result->asset_count,
	        result->asset_count == 1 ? "" : "s", dir != NULL ? ", unpacked to " : "", dir != NULL ? dir : "");
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	if (result->has_archive_hash)
		cli_say(c, "archive  %s", pnr_digest_to_hex(&result->archive_hash, hex));
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		if (dir != NULL)
			cli_json_path(json, "directory", dir);
		json_result(json, result);
		cli_reply_end(c);
	}
	return CLI_DONE;
}

/* A verification: @dir NULL writes nothing. */
static int check(cli *c, const char *dir)
{
	pnr_digest expect;
	pnr_verify_options options = {
		.size = sizeof options,
		.threads = (unsigned)c->options.threads,
		.progress = cli_progress,
		.progress_user = c,
	};
	if (c->options.expect != NULL) {
		if (!cli_digest_parse(c->options.expect, strlen(c->options.expect), &expect))
			return cli_fail_usage(c, "--expect takes a hash of 64 hex digits, not '%s'", c->options.expect);
		options.expect = &expect;
	}
	CLI_CLEANUP(cli_source_close) cli_source source = CLI_SOURCE_INIT;
	CLI_CLEANUP(free_result) pnr_verify_result *result = NULL;
	int failed = cli_source_open(c, c->operands[0], &source);
	if (failed != CLI_DONE)
		return failed;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = dir == NULL ? pnr_verify(&source.source, &options, &result, &err)
	                                : pnr_unpack(&source.source, dir, &options, &result, &err);
	cli_progress_erase(c);
	if (result == NULL)
		return cli_fail_error(c, source.store != NULL ? CLI_OF_REF : CLI_OF_PACKAGE, &err);
	int exit_status = status == PNR_OK ? report(c, source.name, result, dir)
	                                   : report_failure(c, source.name, result);
	if (!c->options.quiet)
		put_problems(c, "warning", CLI_YELLOW, source.name, result->warnings, result->warning_count);
	return exit_status;
}

#define EXPECT_OPTION                                                    \
	{ "expect", 0, CLI_TEXT, offsetof(cli_options, expect), "HASH",  \
	  "the packageHash or archiveHash that it must have", 0, 0 }

static int run_verify(cli *c)
{
	return check(c, NULL);
}

static const cli_option verify_table[] = {
	EXPECT_OPTION,
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_verify = {
	.name = "verify",
	.operands = "FILE.zip|REF|-",
	.least = 1,
	.most = 1,
	.summary = "Check a package: bytes, manifest, config, mandatory assets",
	.about = "For a file no store is needed. Exit status 4 if anything is wrong.\n",
	.examples = "  pannier verify model-package.zip\n"
	            "  pannier verify latest\n"
	            "  pannier verify --json - < model-package.zip\n",
	.options = verify_table,
	.run = run_verify,
};

static int run_unpack(cli *c)
{
	if (c->options.directory == NULL)
		return cli_fail_usage(c, "-C DIR is missing: where do the files go?");
	return check(c, c->options.directory);
}

static const cli_option unpack_table[] = {
	{ "directory", 'C', CLI_TEXT, offsetof(cli_options, directory), "DIR",
	  "where the files go: a folder, empty or not there", 0, 0 },
	EXPECT_OPTION,
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_unpack = {
	.name = "unpack",
	.operands = "FILE.zip|REF|- -C DIR",
	.least = 1,
	.most = 1,
	.summary = "Unpack a package, verifying it on the way",
	.about = "DIR appears only when everything was right; exit status 4 if anything was not.\n",
	.examples = "  pannier unpack model-package.zip -C unpacked\n"
	            "  pannier unpack latest~1 -C before\n",
	.options = unpack_table,
	.run = run_unpack,
};

static int run_worker_json(cli *c)
{
	CLI_CLEANUP(cli_source_close) cli_source source = CLI_SOURCE_INIT;
	int failed = cli_source_open(c, c->operands[0], &source);
	if (failed != CLI_DONE)
		return failed;
	uint64_t length = 0;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_worker_json(&source.source, cli_write, c, &length, &err) != PNR_OK) {
		/* A good package whose config is no use to the worker: it has no pipeline. */
		if (err.status == PNR_INVALID)
			return cli_fail(c, CLI_INVALID, "%s", err.message);
		return cli_fail_error(c, source.store != NULL ? CLI_OF_REF : CLI_OF_PACKAGE, &err);
	}
	if (length > WORKER_LIMIT)
		cli_warn(c, "the worker takes at most 100 MB of JSON; this is %.1f MB", (double)length / 1e6);
	return CLI_DONE;
}

const cli_command cli_worker_json = {
	.name = "worker-json",
	.operands = "FILE.zip|REF|-",
	.least = 1,
	.most = 1,
	.summary = "The JSON body that the cloud worker takes",
	.about = "On stdout: config (the pipeline), wasmBinaries, pythonScripts, assumptionRefs.\n"
	         "Nothing is written unless every asset in it is what its hash says.\n",
	.examples = "  pannier worker-json model-package.zip > body.json\n"
	            "  pannier worker-json latest | wc -c\n",
	.run = run_worker_json,
};
