#include "cli/cli.h"
#include "cli/text.h"

static void report(cli *c, const pnr_push_result *result)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT], full[CLI_SIZE_TEXT];
	const char *remote = c->operands[0], *sent = c->options.dry_run ? "would be sent" : "sent";
	if (result->was_there && result->blobs_sent == 0 && result->bytes_sent == 0)
		cli_say(c, "%s: has the package%s", remote, c->options.heal ? ", whole" : "");
	else
		cli_say(c, "%s: %s %s instead of %s", remote, cli_size_text(result->bytes_sent, size), sent,
		        cli_size_text(result->bytes_full, full));
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	cli_say(c, "contents %llu, %llu %s, %llu of these as patches", (unsigned long long)result->blobs_needed,
	        (unsigned long long)result->blobs_sent, sent, (unsigned long long)result->blobs_patched);
	if (c->options.heal)
		cli_say(c, "damaged  %llu%s", (unsigned long long)result->blobs_damaged,
		        result->blobs_damaged == 0 ? "" : c->options.dry_run ? ", would be put again" : ", put again");
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, true);
	cli_json_number(json, "blobsNeeded", result->blobs_needed);
	cli_json_number(json, "blobsSent", result->blobs_sent);
	cli_json_number(json, "blobsPatched", result->blobs_patched);
	if (c->options.heal)
		cli_json_number(json, "blobsDamaged", result->blobs_damaged);
	cli_json_number(json, "bytesSent", result->bytes_sent);
	cli_json_number(json, "bytesFull", result->bytes_full);
	cli_json_seconds(json, "seconds", result->seconds);
	cli_json_bool(json, "dryRun", c->options.dry_run);
	cli_reply_end(c);
}

static int run(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	const char *ref = c->operand_count > 1 ? c->operands[1] : "latest";
	int failed = cli_open_store(c, NULL, CLI_WRITE, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	const pnr_push_options options = {
		.size = sizeof options,
		.dry_run = c->options.dry_run,
		.heal = c->options.heal,
		.whole = c->options.no_patch,
		.progress = cli_progress,
		.progress_user = c,
	};
	pnr_push_result result;
	bool at_fault = false;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_push(store, c->operands[0], ref, &options, &result, &at_fault, &err);
	cli_progress_erase(c);
	if (status != PNR_OK)
		return cli_fail_error(c, at_fault ? CLI_OF_REMOTE : CLI_OF_REF, &err);
	report(c, &result);
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "dry-run", 0, CLI_FLAG, offsetof(cli_options, dry_run), NULL, "say what would be sent, and send nothing", 0, 0 },
	{ "heal", 0, CLI_FLAG, offsetof(cli_options, heal), NULL,
	  "read all that the remote has of the package, and put\nwhat is damaged or missing again", 0, 0 },
	{ "no-patch", 0, CLI_FLAG, offsetof(cli_options, no_patch), NULL, "send all that is sent whole", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_push = {
	.name = "push",
	.operands = "REMOTE [REF]",
	.least = 1,
	.most = 2,
	.summary = "Send a package to a remote: what it lacks, changes as patches",
	.about = "REF is 'latest' if it is not given. A tag is set on the remote as well, or moved\n"
	         "there from a package that this store knows. What was sent before a failure is\n"
	         "not sent again.\n",
	.examples = "  pannier remote add -q backup ./backup && pannier push backup\n"
	            "  pannier push backup latest~1 --json\n"
	            "  pannier push backup --heal\n",
	.options = option_table,
	.run = run,
};
