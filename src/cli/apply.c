#include "cli/cli.h"
#include "cli/text.h"

static void free_result(pnr_apply_result **result)
{
	pnr_apply_result_free(*result);
}

static void json_missing(cli_json *json, const pnr_apply_result *result)
{
	cli_json_open(json, "missing", '[');
	for (size_t i = 0; i < result->missing_count; i++) {
		const pnr_missing_content *missing = &result->missing[i];
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "path", missing->path);
		cli_json_digest(json, "hash", &missing->hash, true);
		cli_json_bool(json, "patchBase", missing->patch_base);
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
}

static int report_missing(cli *c, const pnr_apply_result *result, const pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	cli_complain(c, "%s", err->message);
	for (size_t i = 0; i < result->missing_count; i++)
		cli_complain(c, "missing: %s  %s%s", pnr_digest_to_hex(&result->missing[i].hash, hex), result->missing[i].path,
		             result->missing[i].patch_base ? " (the base of its patch)" : "");
	cli_json *json = cli_reply_failure(c, CLI_ABSENT, "%s", err->message);
	if (json != NULL) {
		json_missing(json, result);
		cli_reply_end(c);
	}
	return CLI_ABSENT;
}

static void report_text(cli *c, const char *name, const pnr_apply_result *result)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT];
	if (c->options.output != NULL)
		cli_say(c, "%s: %s", c->options.output, cli_size_text(result->archive_size, size));
	else if (c->options.directory != NULL)
		cli_say(c, "%s: unpacked to %s", name, c->options.directory);
	else
		cli_say(c, "%s: in the store", name);
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	cli_say(c, "archive  %s%s", pnr_digest_to_hex(&result->archive_hash, hex),
	        result->archive_identical ? "" : " (same content as the zip that was sent, other compressed bytes)");
	cli_say(c, "assets   %llu whole, %llu of patches, of %llu", (unsigned long long)result->assets_whole,
	        (unsigned long long)result->assets_patched, (unsigned long long)result->assets);
}

static void report(cli *c, const char *name, const pnr_apply_result *result)
{
	report_text(c, name, result);
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	if (c->options.output != NULL)
		cli_json_path(json, "packagePath", c->options.output);
	if (c->options.directory != NULL)
		cli_json_path(json, "directory", c->options.directory);
	cli_json_number(json, "packageSize", result->archive_size);
	cli_json_number(json, "deltaSize", result->bytes);
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, true);
	cli_json_bool(json, "archiveIdentical", result->archive_identical);
	cli_json_number(json, "assetCount", result->assets);
	cli_json_number(json, "assetsWhole", result->assets_whole);
	cli_json_number(json, "assetsPatched", result->assets_patched);
	cli_json_number(json, "assetsRemoved", result->assets_removed);
	cli_reply_end(c);
}

static int run(cli *c)
{
	CLI_CLEANUP(cli_source_close) cli_source delta = CLI_SOURCE_INIT;
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_result) pnr_apply_result *result = NULL;
	if (c->options.output != NULL && c->options.directory != NULL)
		return cli_fail_usage(c, "either -o FILE or -C DIR: where does the package go?");
	int failed = cli_source_open_file(c, c->operands[0], &delta);
	if (failed == CLI_DONE)
		failed = cli_open_store(c, NULL, CLI_CREATE, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	const pnr_apply_options options = {
		.size = sizeof options,
		.name = delta.name,
		.base = c->options.base,
		.output_path = c->options.output,
		.directory = c->options.directory,
		.progress = cli_progress,
		.progress_user = c,
	};
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_apply(store, delta.source.file, &options, &result, &err);
	cli_progress_erase(c);
	if (status == PNR_OK)
		report(c, delta.name, result);
	else if (result != NULL)
		return report_missing(c, result, &err);
	else
		return cli_fail_error(c, status == PNR_INVALID ? CLI_OF_OUTPUT : CLI_OF_PACKAGE, &err);
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "base", 0, CLI_TEXT, offsetof(cli_options, base), "FILE.zip|DIR",
	  "the older package, for what the store does not have", 0, 0 },
	{ "output", 'o', CLI_TEXT, offsetof(cli_options, output), "FILE", "the zip of the whole package", 0, 0 },
	{ "directory", 'C', CLI_TEXT, offsetof(cli_options, directory), "DIR",
	  "or its files: a folder that is empty or not there", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_apply = {
	.name = "apply",
	.operands = "DELTA.zip|- [-o FILE | -C DIR]",
	.least = 1,
	.most = 1,
	.summary = "Make the package that a delta describes",
	.about = "What the delta builds on is taken from the store, or from --base. Everything is\n"
	         "checked before anything is visible. Without -o and -C the package is in the\n"
	         "store only: 'pannier export' and 'unpack' give it. Exit status 5 if content is\n"
	         "missing: all of it is listed.\n",
	.examples = "  pannier apply delta.zip -o whole.zip\n"
	            "  pannier apply delta.zip -C applied\n"
	            "  pannier apply delta.zip --base model-package.zip -o whole.zip\n",
	.options = option_table,
	.run = run,
};
