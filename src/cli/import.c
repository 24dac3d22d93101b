#include "cli/cli.h"
#include "cli/text.h"
#include <limits.h>
#include <string.h>

typedef struct importing {
	cli *c;
	cli_json *json;
	size_t taken, known;
} importing;

static int report(void *user, const pnr_imported *imported)
{
	importing *i = user;
	char hex[PNR_DIGEST_HEX_SIZE], at[CLI_TIME_TEXT];
	i->taken += !imported->known;
	i->known += imported->known;
	cli_progress_erase(i->c);
	if (i->json == NULL) {
		(void)pnr_digest_to_hex(&imported->package_hash, hex);
		cli_say(i->c, "%s: package %.12s, made %s%s", imported->file, hex, cli_time_text(imported->created_at, at),
		        imported->known ? ", imported before" : "");
		return cli_interrupted();
	}
	cli_json_open(i->json, NULL, '{');
	cli_json_text(i->json, "file", imported->file);
	cli_json_text(i->json, "createdAt", imported->created_at);
	cli_json_digest(i->json, "packageHash", &imported->package_hash, true);
	cli_json_digest(i->json, "archiveHash", &imported->archive_hash, true);
	cli_json_number(i->json, "packageSize", imported->archive_size);
	cli_json_number(i->json, "assetCount", imported->asset_count);
	cli_json_bool(i->json, "known", imported->known);
	if (imported->known)
		cli_json_text(i->json, "archiveIdentical", NULL);
	else
		cli_json_bool(i->json, "archiveIdentical", imported->archive_identical);
	cli_json_close(i->json, '}');
	return cli_interrupted();
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
	importing i = { .c = c, .json = cli_reply_large(c) };
	pnr_error err = PNR_ERROR_INIT;
	if (i.json != NULL)
		cli_json_open(i.json, "imported", '[');
	pnr_status status =
		pnr_import(store, (const char *const *)c->operands, c->operand_count, &options, report, &i, &err);
	cli_progress_erase(c);
	if (status == PNR_CONFLICT)
		return cli_fail(c, CLI_USAGE, "%s", err.message);
	if (status != PNR_OK)
		return cli_fail_error(c, CLI_OF_PACKAGE, &err);
	cli_say(c, "%zu imported, %zu known", i.taken, i.known);
	if (i.json == NULL)
		return CLI_DONE;
	cli_json_close(i.json, ']');
	cli_reply_end(c);
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
	         "manifest, and its place in the order of time: what is older than the latest package does\n"
	         "not become the latest. Its SHA-256 names it from then on. The same file again changes\n"
	         "nothing.\n",
	.examples = "  pannier import --name archive model-package.zip\n"
	            "  pannier log --name archive\n",
	.options = option_table,
	.run = run,
};
