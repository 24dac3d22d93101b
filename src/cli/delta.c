#include "cli/cli.h"
#include "cli/text.h"

static void report(cli *c, const pnr_delta_result *result)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT], full[CLI_SIZE_TEXT];
	const char *output = c->options.output;
	cli_say(c, "%s: %s instead of %s", output, cli_size_text(result->bytes, size),
	        cli_size_text(result->bytes_full, full));
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	cli_say(c, "assets   %llu whole, %llu as patches, %llu removed, of %llu", (unsigned long long)result->assets_whole,
	        (unsigned long long)result->assets_patched, (unsigned long long)result->assets_removed,
	        (unsigned long long)result->assets);
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	cli_json_path(json, "deltaPath", output);
	cli_json_number(json, "deltaSize", result->bytes);
	cli_json_number(json, "packageSize", result->bytes_full);
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, true);
	cli_json_number(json, "assetCount", result->assets);
	cli_json_number(json, "assetsWhole", result->assets_whole);
	cli_json_number(json, "assetsPatched", result->assets_patched);
	cli_json_number(json, "assetsRemoved", result->assets_removed);
	cli_reply_end(c);
}

static int run(cli *c)
{
	const char *ref = c->operand_count > 0 ? c->operands[0] : "latest";
	if (c->options.output == NULL)
		return cli_fail_usage(c, "-o FILE is missing: where does the delta go?");
	if (c->options.since == NULL)
		return cli_fail_usage(c, "--since REF is missing: what does the other side have?");
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	const pnr_delta_options options = {
		.size = sizeof options,
		.since = c->options.since,
		.patches = c->options.patch,
		.progress = cli_progress,
		.progress_user = c,
	};
	pnr_delta_result result;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_delta(store, ref, &options, c->options.output, &result, &err);
	cli_progress_erase(c);
	if (status != PNR_OK)
		return cli_fail_error(c, status == PNR_CORRUPT ? CLI_OF_PACKAGE : CLI_OF_REF, &err);
	report(c, &result);
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "since", 0, CLI_TEXT, offsetof(cli_options, since), "REF", "the package that the other side has", 0, 0 },
	{ "output", 'o', CLI_TEXT, offsetof(cli_options, output), "FILE", "the delta, a zip", 0, 0 },
	{ "patch", 0, CLI_FLAG, offsetof(cli_options, patch), NULL, "new versions as patches, where that is much smaller", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_delta = {
	.name = "delta",
	.operands = "--since REF [REF] -o FILE",
	.least = 0,
	.most = 1,
	.summary = "Write what of a package the other side lacks",
	.about = "",
	.examples = "  pannier delta --since latest~1 -o delta.zip --patch\n",
	.options = option_table,
	.run = run,
};
