#include "cli/cli.h"
#include "cli/text.h"
#include <string.h>

static void free_info(pnr_package_info **info)
{
	pnr_package_info_free(*info);
}

static int write_zip(cli *c, pnr_store *store, const char *ref)
{
	const pnr_export_options options = { .size = sizeof options, .progress = cli_progress, .progress_user = c };
	const char *output = c->options.output;
	bool to_stdout = strcmp(output, "-") == 0;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_export(store, ref, to_stdout ? NULL : output, to_stdout ? cli_write : NULL, c,
	                               &options, &err);
	cli_progress_erase(c);
	if (status == PNR_OK)
		return CLI_DONE;
	/* The ref is known to be good: what is not found is the way to the output, or content that was evicted. */
	if (status == PNR_NOT_FOUND && err.detail == 0)
		return cli_fail_error(c, CLI_OF_REF, &err);
	return cli_fail_error(c, status == PNR_CORRUPT ? CLI_OF_PACKAGE : CLI_OF_OUTPUT, &err);
}

static void report(cli *c, const pnr_package_info *info)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT];
	const char *output = c->options.output;
	if (c->streamed)
		return;
	cli_say(c, "%s: %s", output, cli_size_text(info->archive_size, size));
	cli_say(c, "package  %s", pnr_digest_to_hex(&info->package_hash, hex));
	cli_say(c, "archive  %s", pnr_digest_to_hex(&info->archive_hash, hex));
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		cli_json_path(json, "packagePath", output);
		cli_json_number(json, "packageSize", info->archive_size);
		cli_json_digest(json, "packageHash", &info->package_hash, true);
		cli_json_digest(json, "archiveHash", &info->archive_hash, true);
		cli_json_text(json, "createdAt", info->created_at);
		cli_reply_end(c);
	}
}

static int run(cli *c)
{
	const char *ref = c->operands[0];
	if (c->options.output == NULL)
		return cli_fail_usage(c, "-o FILE is missing: where does the zip go?");
	if (c->options.json && strcmp(c->options.output, "-") == 0)
		return cli_fail_usage(c, "-o - writes the zip to stdout; it cannot be combined with --json");
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_info) pnr_package_info *info = NULL;
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_resolve(store, ref, &info, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	if (!info->has_archive)
		return cli_fail(c, CLI_ABSENT, "'%s' was stored without a zip; 'pannier unpack %s -C DIR' gives its files",
		                ref, ref);
	failed = write_zip(c, store, ref);
	if (failed == CLI_DONE)
		report(c, info);
	return failed;
}

static const cli_option option_table[] = {
	{ "output", 'o', CLI_TEXT, offsetof(cli_options, output), "FILE", "the zip; - is stdout", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_export = {
	.name = "export",
	.operands = "REF -o FILE",
	.least = 1,
	.most = 1,
	.summary = "Write the zip of a past package again, byte for byte",
	.about = "",
	.examples = "  pannier export latest -o again.zip\n"
	            "  pannier export latest~1 -o - | sha256sum\n",
	.options = option_table,
	.run = run,
};
