/* remote: places that packages are pushed to and pulled from. */
#include "cli/cli.h"
#include "cli/text.h"
#include <string.h>

static int run_add(cli *c, pnr_store *store)
{
	const char *name = c->operands[1], *url = c->operands[2];
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_store_remote_add(store, name, url, &err);
	/* A kind of place that there is not. */
	if (status == PNR_UNSUPPORTED)
		return cli_fail_usage(c, "%s", err.message);
	if (status != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	cli_say(c, "%s: added; 'pannier push %s' sends it packages", name, name);
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return CLI_DONE;
	cli_json_text(json, "name", name);
	cli_reply_end(c);
	return CLI_DONE;
}

static int run_remove(cli *c, pnr_store *store)
{
	const char *name = c->operands[1];
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_remote_remove(store, name, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	cli_say(c, "%s: forgotten; what is there stays there", name);
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return CLI_DONE;
	cli_json_text(json, "name", name);
	cli_reply_end(c);
	return CLI_DONE;
}

/* Where the entries go. */
typedef struct listing {
	cli_json *json;
	cli_table *table;
} listing;

static int list_remote(void *user, const pnr_remote_info *remote)
{
	const listing *to = user;
	if (to->json == NULL) {
		cli_table_add(to->table, remote->name);
		cli_table_add(to->table, remote->url);
		return 0;
	}
	cli_json_open(to->json, NULL, '{');
	cli_json_text(to->json, "name", remote->name);
	cli_json_text(to->json, "url", remote->url);
	cli_json_text(to->json, "addedAt", remote->added_at);
	cli_json_close(to->json, '}');
	return 0;
}

static int run_list(cli *c, pnr_store *store)
{
	CLI_CLEANUP(cli_table_free) cli_table table = { .columns = 2 };
	const listing to = { .json = cli_reply(c), .table = &table };
	pnr_error err = PNR_ERROR_INIT;
	cli_table_add(&table, "NAME");
	cli_table_add(&table, "URL");
	if (to.json != NULL)
		cli_json_open(to.json, "remotes", '[');
	if (pnr_store_remote_list(store, list_remote, (void *)(uintptr_t)&to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	if (to.json == NULL)
		return cli_table_print(&table, stdout) ? CLI_DONE : cli_fail(c, CLI_FAILED, "out of memory");
	cli_json_close(to.json, ']');
	cli_reply_end(c);
	return CLI_DONE;
}

static const struct {
	const char *name;
	size_t operands; /* its own name included */
	cli_access access;
	int (*run)(cli *c, pnr_store *store);
} actions[] = {
	{ "add", 3, CLI_CREATE, run_add },
	{ "list", 1, CLI_READ, run_list },
	{ "remove", 2, CLI_WRITE, run_remove },
	{ "check", 2, CLI_WRITE, cli_remote_check },
};

static int run(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	size_t i = 0;
	while (i < CLI_COUNT(actions) && strcmp(c->operands[0], actions[i].name) != 0)
		i++;
	if (i == CLI_COUNT(actions))
		return cli_fail_usage(c, "'%s' is nothing to do with a remote", c->operands[0]);
	if (c->operand_count != actions[i].operands)
		return cli_fail_usage(c, "'remote %s' takes %zu more, not %zu", actions[i].name, actions[i].operands - 1,
		                      c->operand_count - 1);
	int failed = cli_open_store(c, NULL, actions[i].access, &store, NULL, NULL);
	return failed != CLI_DONE ? failed : actions[i].run(c, store);
}

const cli_command cli_remote = {
	.name = "remote",
	.operands = "(add NAME URL | list | remove NAME | check NAME)",
	.least = 1,
	.most = 3,
	.summary = "Places that packages are pushed to: add, list, forget, check",
	.about = "URL is a folder, as /share, ./share, ../share or file:///share;\n"
	         "s3://BUCKET/PREFIX; or azure://ACCOUNT/CONTAINER/PREFIX.\n"
	         "?endpoint=http://127.0.0.1:9000 behind it is another server of that kind;\n"
	         "&region=NAME and &path-style=true are for S3. Who you are, AWS_* and\n"
	         "AZURE_STORAGE_* say, profiles, and what else the providers' own tools ask.\n"
	         "\n"
	         "'add' looks at nothing there; the first push makes an empty or missing folder a\n"
	         "remote. 'remove' forgets the place, and removes nothing there. No credential is\n"
	         "ever kept. 'check' reads all that is there and proves it: what is damaged,\n"
	         "missing or nobody's is named, with exit status 4; 'pannier push --heal' mends\n"
	         "it.\n",
	.examples = "  pannier remote add share ./share\n"
	            "  pannier remote list\n"
	            "  pannier remote remove share\n",
	.run = run,
};
