#include "cli/cli.h"
#include "cli/text.h"

static void report_room(cli *c, const pnr_pull_result *result)
{
	char kept[CLI_SIZE_TEXT], gone[CLI_SIZE_TEXT], limit[CLI_SIZE_TEXT];
	cli_size_text(result->bytes_kept, kept);
	cli_size_text(c->options.max_size, limit);
	if (result->packages_evicted > 0 || result->bytes_evicted > 0)
		cli_say(c, "evicted  %llu package%s, %s; %s are kept", (unsigned long long)result->packages_evicted,
		        result->packages_evicted == 1 ? "" : "s", cli_size_text(result->bytes_evicted, gone), kept);
	if (result->evict_busy)
		cli_warn(c, "other processes have the store open: nothing was evicted, %s are kept", kept);
	else if (c->options.max_size != 0 && result->bytes_kept > c->options.max_size)
		cli_warn(c,
		         "%s are kept, more than %s: this package, and what the remote does not have, stays",
		         kept, limit);
}

static void report(cli *c, const pnr_pull_result *result)
{
	char hex[PNR_DIGEST_HEX_SIZE], received[CLI_SIZE_TEXT], full[CLI_SIZE_TEXT];
	const char *output = c->options.output != NULL ? c->options.output : c->options.directory;
	cli_say(c, "%s: %s fetched instead of %s", output != NULL ? output : "in the store",
	        cli_size_text(result->bytes_received, received), cli_size_text(result->bytes_full, full));
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	cli_say(c, "archive  %s%s", pnr_digest_to_hex(&result->archive_hash, hex),
	        result->archive_identical ? "" : " (the same content as what was pushed, in other bytes)");
	cli_say(c, "contents %llu, %llu fetched, %llu of these as patches", (unsigned long long)result->blobs_needed,
	        (unsigned long long)result->blobs_fetched, (unsigned long long)result->blobs_patched);
	report_room(c, result);
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, true);
	cli_json_bool(json, "archiveIdentical", result->archive_identical);
	if (c->options.output != NULL) {
		cli_json_path(json, "packagePath", c->options.output);
		cli_json_number(json, "packageSize", result->package_size);
	}
	if (c->options.directory != NULL)
		cli_json_path(json, "directory", c->options.directory);
	cli_json_number(json, "assetCount", result->asset_count);
	cli_json_number(json, "blobsNeeded", result->blobs_needed);
	cli_json_number(json, "blobsFetched", result->blobs_fetched);
	cli_json_number(json, "blobsPatched", result->blobs_patched);
	cli_json_number(json, "bytesReceived", result->bytes_received);
	cli_json_number(json, "bytesFull", result->bytes_full);
	if (c->options.max_size != 0) {
		cli_json_number(json, "packagesEvicted", result->packages_evicted);
		cli_json_number(json, "bytesEvicted", result->bytes_evicted);
		cli_json_number(json, "bytesKept", result->bytes_kept);
	}
	cli_json_seconds(json, "seconds", result->seconds);
	cli_reply_end(c);
}

static int run(cli *c)
{
	const cli_options *o = &c->options;
	if (o->output != NULL && o->directory != NULL)
		return cli_fail_usage(c, "-o and -C: a pull writes a zip or a folder, not both");
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	int failed = cli_open_store(c, NULL, CLI_WRITE, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	const pnr_pull_options options = {
		.size = sizeof options,
		.output_path = o->output,
		.directory = o->directory,
		.max_size = o->max_size,
		.progress = cli_progress,
		.progress_user = c,
	};
	pnr_pull_result result;
	bool at_fault = false;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_pull(store, c->operands[0], c->operands[1], &options, &result, &at_fault, &err);
	cli_progress_erase(c);
	if (status != PNR_OK && at_fault)
		return cli_fail_error(c, CLI_OF_REMOTE, &err);
	if (status != PNR_OK)
		return cli_fail_error(c, status == PNR_CORRUPT ? CLI_OF_PACKAGE : CLI_OF_REF, &err);
	report(c, &result);
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "output", 'o', CLI_TEXT, offsetof(cli_options, output), "FILE", "the package's zip", 0, 0 },
	{ "directory", 'C', CLI_TEXT, offsetof(cli_options, directory), "DIR", "the package's files, in a new folder", 0, 0 },
	{ "max-size", 0, CLI_SIZE, offsetof(cli_options, max_size), "SIZE",
	  "afterwards, evict packages until the store holds\nno more than 500M, 10G, ...", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_pull = {
	.name = "pull",
	.operands = "REMOTE REF [-o FILE | -C DIR]",
	.least = 2,
	.most = 2,
	.summary = "Bring a package from a remote, only what is not here",
	.about = "REF is a tag of the remote, a packageHash or manifestHash there or 4 digits or\n"
	         "more of it, or an archiveHash that was seen there. Without -o and -C the package\n"
	         "is in the store, for later. All is proved before any of it can be seen.\n"
	         "\n"
	         "--max-size evicts whole packages, the longest unused first: only such as REMOTE\n"
	         "has when it is asked, never the one just pulled, and nothing while other\n"
	         "processes have the store open. The log keeps them; their content comes again\n"
	         "by pull, pack or apply.\n",
	.examples = "  pannier pack -q --tag v1 && pannier push -q backup v1\n"
	            "  pannier pull backup v1 -o again.zip\n"
	            "  pannier pull backup v1 -C files --max-size 20G\n",
	.options = option_table,
	.run = run,
};
