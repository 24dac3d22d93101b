/* report: the store as a page to look at. */
#include "cli/cli.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE_NAME "pannier-report.html"

/* Who did not name the output must not lose a file elsewhere to a link that
 * came with the model. */
static int name_default(cli *c, const char *workspace, char **out_path)
{
	struct stat st;
	char *path = NULL;
	if (asprintf(&path, "%s/" PAGE_NAME, strcmp(workspace, "/") == 0 ? "" : workspace) < 0)
		return cli_fail(c, CLI_FAILED, "out of memory");
	*out_path = path;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return cli_fail(c, CLI_USAGE, "output '%s' is a link; if that is meant, name it with -o", path);
	return CLI_DONE;
}

static void say(cli *c, const char *path, const pnr_report_info *info)
{
	char size[CLI_SIZE_TEXT];
	cli_say(c, "%s: %s, open it in a browser", path, cli_size_text(info->bytes, size));
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	cli_json_path(json, "reportPath", path);
	cli_json_number(json, "reportSize", info->bytes);
	cli_json_number(json, "entries", info->entries);
	cli_json_number(json, "entriesListed", info->listed);
	cli_json_number(json, "packsCompared", info->compared);
	cli_json_number(json, "assetsChanged", info->changed);
	cli_json_number(json, "assetsDrawn", info->assets);
	cli_reply_end(c);
}

static int run(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(cli_free) char *workspace = NULL;
	CLI_CLEANUP(cli_free) char *beside = NULL;
	const char *output = c->options.output;
	bool to_stdout = output != NULL && strcmp(output, "-") == 0;
	if (c->options.json && to_stdout)
		return cli_fail_usage(c, "-o - writes the page to stdout; it cannot be combined with --json");
	int failed = cli_open_store(c, NULL, CLI_READ, &store, &workspace, NULL);
	if (failed == CLI_DONE && output == NULL)
		failed = name_default(c, workspace, &beside);
	if (failed != CLI_DONE)
		return failed;
	const pnr_report_options options = { .size = sizeof options, .progress = cli_progress, .progress_user = c };
	const char *path = output != NULL ? output : beside;
	pnr_report_info info;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status =
		pnr_report(store, to_stdout ? NULL : path, to_stdout ? cli_write : NULL, c, &options, &info, &err);
	cli_progress_erase(c);
	if (status != PNR_OK)
		return cli_fail_error(c, status == PNR_CORRUPT ? CLI_OF_STORE : CLI_OF_OUTPUT, &err);
	if (!c->streamed)
		say(c, path, &info);
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "output", 'o', CLI_TEXT, offsetof(cli_options, output), "FILE.html", "the page; - is stdout", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_report = {
	.name = "report",
	.operands = "",
	.summary = "Write a page of the history: sizes, changes, savings, pushes",
	.about = "The page is one file that needs no network and no script; it may be sent and\n"
		 "printed. Without -o it is " PAGE_NAME " in the workspace.\n",
	.examples = "  pannier report\n"
		    "  pannier report -o - > history.html\n",
	.options = option_table,
	.run = run,
};
