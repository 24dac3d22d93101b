#include "cli/cli.h"

/* DIR/.pannier, whatever PANNIER_STORE says. */
static int store_in(cli *c, const char *dir, char **out_path)
{
	if (c->options.store != NULL)
		return cli_fail_usage(c, "'%s' and --store name two places", dir);
	if (asprintf(out_path, "%s/%s", dir, PNR_STORE_NAME) < 0) {
		*out_path = NULL;
		return cli_fail(c, CLI_FAILED, "out of memory");
	}
	c->options.store = *out_path;
	return CLI_DONE;
}

static int run(cli *c)
{
	CLI_CLEANUP(cli_free) char *path = NULL;
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	int failed = c->operand_count == 1 ? store_in(c, c->operands[0], &path) : CLI_DONE;
	bool created;
	if (failed == CLI_DONE)
		failed = cli_open_store(c, NULL, CLI_CREATE, &store, NULL, &created);
	c->options.store = NULL;
	if (failed != CLI_DONE)
		return failed;
	cli_say(c, created ? "made the store %s" : "the store %s is there already", pnr_store_dir(store));
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		cli_json_text(json, "store", pnr_store_dir(store));
		cli_json_bool(json, "created", created);
		cli_reply_end(c);
	}
	return CLI_DONE;
}

const cli_command cli_init = {
	.name = "init",
	.operands = "[DIR]",
	.most = 1,
	.summary = "Make a store",
	.about = "The store is the folder .pannier in DIR, else at the top of the workspace. The\n"
	         "first pack makes one as well; init is for choosing the place. A store that is\n"
	         "there already stays as it is.\n",
	.examples = "  pannier init\n"
	            "  pannier init models\n",
	.run = run,
};
