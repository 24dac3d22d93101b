#include "cli/cli.h"
#include "cli/text.h"
#include <limits.h>
#include <string.h>

typedef struct importing {
	cli *c;
	cli_json list; /* what the reply says of the files, in whatever way it ends */
	size_t taken, known;
} importing;

static void importing_free(importing *i)
{
	cli_json_free(&i->list);
}

static int report(void *user, const pnr_imported *imported)
{
	importing *i = user;
	char hex[PNR_DIGEST_HEX_SIZE], at[CLI_TIME_TEXT];
	i->taken += !imported->known;
	i->known += imported->known;
	cli_progress_erase(i->c);
	if (!i->c->options.json) {
		(void)pnr_digest_to_hex(&imported->package_hash, hex);
		cli_say(i->c, "%s: package %.12s, made %s%s", imported->file, hex, cli_time_text(imported->created_at, at),
		        imported->known ? ", known" : "");
		return cli_interrupted();
	}
	cli_json_open(&i->list, NULL, '{');
	cli_json_text(&i->list, "file", imported->file);
	cli_json_text(&i->list, "createdAt", imported->created_at);
	cli_json_digest(&i->list, "packageHash", &imported->package_hash, true);
	cli_json_digest(&i->list, "archiveHash", &imported->archive_hash, true);
	cli_json_number(&i->list, "packageSize", imported->archive_size);
	cli_json_number(&i->list, "assetCount", imported->asset_count);
	cli_json_bool(&i->list, "known", imported->known);
	if (imported->known)
		cli_json_text(&i->list, "archiveIdentical", NULL);
	else
		cli_json_bool(&i->list, "archiveIdentical", imported->archive_identical);
	cli_json_close(&i->list, '}');
	return cli_interrupted();
}

static void put_list(importing *i, cli_json *json)
{
	if (json == NULL)
		return;
	cli_json_open(json, "imported", '[');
	cli_json_append(json, &i->list);
	cli_json_close(json, ']');
	cli_reply_end(i->c);
}

static int fail(importing *i, const pnr_error *err)
{
	cli *c = i->c;
	int exit_status = err->status == PNR_CONFLICT ? CLI_USAGE : cli_exit_of(CLI_OF_PACKAGE, err);
	const char *text = exit_status == CLI_INTERRUPTED ? "interrupted"
	                   : err->message[0] != '\0'      ? err->message
	                                                  : pnr_status_name(err->status);
	cli_complain(c, "%s", text);
	put_list(i, cli_reply_failure(c, exit_status, "%s", text));
	return exit_status;
}

static int run(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	const pnr_import_options options = {
		.size = sizeof options,
		.name = c->options.name,
		.progress = cli_progress,
		.progress_user = c,
	};
	int failed = cli_open_store(c, NULL, CLI_CREATE, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	CLI_CLEANUP(importing_free) importing i = { .c = c };
	pnr_error err = PNR_ERROR_INIT;
	if (c->options.json)
		cli_json_begin(&i.list, 2);
	pnr_status status =
		pnr_import(store, (const char *const *)c->operands, c->operand_count, &options, report, &i, &err);
	cli_progress_erase(c);
	if (status != PNR_OK)
		return fail(&i, &err);
	cli_say(c, "%zu imported, %zu known", i.taken, i.known);
	put_list(&i, cli_reply(c));
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "name", 0, CLI_TEXT, offsetof(cli_options, name), "NAME", "of the model in the log; else '.'", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_import = {
	.name = "import",
	.operands = "FILE.zip...",
	.least = 1,
	.most = INT_MAX,
	.summary = "Make packages that exist, also those of the old packager, history",
	.about = "Each is verified; its entry in the log has the time at which it was made, by its\n"
	         "manifest, and its place in the order of time: what is older than the latest\n"
	         "package does not become the latest. Its SHA-256 names it from then on. The same\n"
	         "file again changes nothing.\n",
	.examples = "  pannier import --name archive model-package.zip\n"
	            "  pannier log --name archive\n",
	.options = option_table,
	.run = run,
};
