/* history, uses and tag: an asset's versions, who holds a content, names. */
#include "cli/cli.h"
#include "cli/text.h"
#include <string.h>

/* Where what is found goes. */
typedef struct listing {
	const cli *c;
	cli_json *json;
	cli_table *table;
} listing;

static void add_time(cli_table *table, const char *at)
{
	char text[CLI_TIME_TEXT];
	cli_table_add(table, cli_time_text(at, text));
}

static void add_hash(const cli *c, cli_table *table, const pnr_digest *digest)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	cli_table_add(table, cli_hash_text(c, digest, hex));
}

/* The end of a reply that is one list, or of the table. */
static int finish(cli *c, const listing *to)
{
	if (cli_interrupted())
		return cli_fail(c, CLI_INTERRUPTED, "interrupted");
	if (to->json == NULL)
		return cli_table_print(to->table, stdout) ? CLI_DONE : cli_fail(c, CLI_FAILED, "out of memory");
	cli_json_close(to->json, ']');
	cli_reply_end(c);
	return CLI_DONE;
}

/* ------------------------------------------------------------- history -- */

static int list_version(void *user, const pnr_asset_version *version)
{
	const listing *to = user;
	if (to->json == NULL) {
		add_hash(to->c, to->table, &version->hash);
		cli_table_number(to->table, version->bytes);
		add_time(to->table, version->first_at);
		add_time(to->table, version->last_at);
		add_hash(to->c, to->table, &version->first_package);
		add_hash(to->c, to->table, &version->last_package);
		cli_table_number(to->table, version->packages);
		return cli_interrupted();
	}
	cli_json_open(to->json, NULL, '{');
	cli_json_digest(to->json, "hash", &version->hash, true);
	cli_json_number(to->json, "size", version->bytes);
	cli_json_text(to->json, "firstAt", version->first_at);
	cli_json_text(to->json, "lastAt", version->last_at);
	cli_json_digest(to->json, "firstPackage", &version->first_package, true);
	cli_json_digest(to->json, "lastPackage", &version->last_package, true);
	cli_json_number(to->json, "packages", version->packages);
	cli_json_close(to->json, '}');
	return cli_interrupted();
}

static int run_history(cli *c)
{
	static const char *const titles[] = { "HASH",          "SIZE",         "FIRST (UTC)", "LAST (UTC)",
		                              "FIRST PACKAGE", "LAST PACKAGE", "PACKAGES" };
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(cli_table_free) cli_table table = { .columns = CLI_COUNT(titles), .right = 1u << 1 | 1u << 6 };
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	listing to = { c, cli_reply(c), &table };
	pnr_error err = PNR_ERROR_INIT;
	cli_table_titles(&table, titles);
	if (to.json != NULL) {
		cli_json_text(to.json, "path", c->operands[0]);
		cli_json_open(to.json, "versions", '[');
	}
	if (pnr_store_history(store, c->operands[0], list_version, &to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	return finish(c, &to);
}

const cli_command cli_history = {
	.name = "history",
	.operands = "PATH",
	.least = 1,
	.most = 1,
	.summary = "Every version of one asset: hash, size, first and last package",
	.about = "PATH is the asset's in the package. The oldest version comes first; -v shows\n"
	         "whole hashes.\n",
	.examples = "  pannier history assumptions/mortality.csv\n"
	            "  pannier history --json livecalc.config.json\n",
	.run = run_history,
};

/* ---------------------------------------------------------------- uses -- */

static int list_use(void *user, const pnr_use *use)
{
	const listing *to = user;
	if (to->json == NULL) {
		add_hash(to->c, to->table, &use->package_hash);
		cli_table_add(to->table, use->name);
		add_time(to->table, use->first_at);
		add_time(to->table, use->last_at);
		cli_table_add(to->table, use->path);
		return cli_interrupted();
	}
	cli_json_open(to->json, NULL, '{');
	cli_json_digest(to->json, "packageHash", &use->package_hash, true);
	cli_json_text(to->json, "name", use->name);
	cli_json_text(to->json, "path", use->path);
	cli_json_text(to->json, "type", use->type);
	cli_json_raw(to->json, "uses", use->uses, strlen(use->uses));
	cli_json_text(to->json, "firstAt", use->first_at);
	cli_json_text(to->json, "lastAt", use->last_at);
	cli_json_close(to->json, '}');
	return cli_interrupted();
}

static int run_uses(cli *c)
{
	static const char *const titles[] = { "PACKAGE", "NAME", "FIRST (UTC)", "LAST (UTC)", "PATH" };
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(cli_table_free) cli_table table = { .columns = CLI_COUNT(titles) };
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	listing to = { c, cli_reply(c), &table };
	pnr_error err = PNR_ERROR_INIT;
	pnr_digest hash = { { 0 } };
	uint64_t bytes = 0;
	cli_table_titles(&table, titles);
	if (to.json != NULL)
		cli_json_open(to.json, "packages", '[');
	if (pnr_store_uses(store, c->operands[0], list_use, &to, &hash, &bytes, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	if (to.json == NULL || cli_interrupted())
		return finish(c, &to);
	cli_json_close(to.json, ']');
	cli_json_digest(to.json, "hash", &hash, true);
	cli_json_number(to.json, "size", bytes);
	cli_reply_end(c);
	return CLI_DONE;
}

const cli_command cli_uses = {
	.name = "uses",
	.operands = "HASH|REF:PATH",
	.least = 1,
	.most = 1,
	.summary = "The packages that hold a content, those packed last first",
	.about = "HASH is the sha256sum of a file, or its first 4 digits or more.\n",
	.examples = "  pannier uses latest:assumptions/mortality.csv\n"
	            "  pannier uses $(sha256sum < assumptions/mortality.csv | cut -c 1-16)\n",
	.run = run_uses,
};

/* ----------------------------------------------------------------- tag -- */

static int list_tag(void *user, const pnr_tag_info *tag)
{
	const listing *to = user;
	if (to->json == NULL) {
		cli_table_add(to->table, tag->name);
		add_hash(to->c, to->table, &tag->package_hash);
		add_time(to->table, tag->at);
		return cli_interrupted();
	}
	cli_json_open(to->json, NULL, '{');
	cli_json_text(to->json, "name", tag->name);
	cli_json_digest(to->json, "packageHash", &tag->package_hash, true);
	cli_json_digest(to->json, "archiveHash", &tag->archive_hash, tag->has_archive);
	cli_json_text(to->json, "at", tag->at);
	cli_json_close(to->json, '}');
	return cli_interrupted();
}

static int list_tags(cli *c, pnr_store *store)
{
	static const char *const titles[] = { "TAG", "PACKAGE", "SET (UTC)" };
	CLI_CLEANUP(cli_table_free) cli_table table = { .columns = CLI_COUNT(titles) };
	listing to = { c, cli_reply(c), &table };
	pnr_error err = PNR_ERROR_INIT;
	cli_table_titles(&table, titles);
	if (to.json != NULL)
		cli_json_open(to.json, "tags", '[');
	if (pnr_store_tags(store, list_tag, &to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	return finish(c, &to);
}

static int remove_tag(cli *c, pnr_store *store)
{
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_untag(store, c->options.removed, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	cli_say(c, "%s: removed; the package stays", c->options.removed);
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		cli_json_text(json, "tag", c->options.removed);
		cli_reply_end(c);
	}
	return CLI_DONE;
}

static void free_info(pnr_package_info **info)
{
	pnr_package_info_free(*info);
}

static int set_tag(cli *c, pnr_store *store)
{
	const char *name = c->operands[0], *ref = c->operands[1];
	CLI_CLEANUP(free_info) pnr_package_info *info = NULL;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_tag_check(name, &err) != PNR_OK)
		return cli_fail_usage(c, "%s", err.message);
	pnr_status status = pnr_store_resolve(store, ref, &info, &err);
	if (status == PNR_OK)
		status = pnr_store_tag(store, name, ref, c->options.force, &err);
	if (status == PNR_CONFLICT && info != NULL)
		return cli_fail(c, CLI_USAGE, "%s; --force moves it", err.message);
	if (status != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	cli_say(c, "%s: package %s", name, pnr_digest_to_hex(&info->package_hash, hex));
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		cli_json_text(json, "tag", name);
		cli_json_digest(json, "packageHash", &info->package_hash, true);
		cli_json_digest(json, "archiveHash", &info->archive_hash, info->has_archive);
		cli_reply_end(c);
	}
	return CLI_DONE;
}

static int run_tag(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	bool set = c->operand_count > 0;
	if (set + c->options.list + (c->options.removed != NULL) != 1)
		return cli_fail_usage(c, "give one of NAME REF, --list and --delete NAME");
	if (set && c->operand_count != 2)
		return cli_fail_usage(c, "the REF that '%s' shall name is missing", c->operands[0]);
	if (!set && c->options.force)
		return cli_fail_usage(c, "--force is for NAME REF");
	int failed = cli_open_store(c, NULL, c->options.list ? CLI_READ : CLI_WRITE, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	if (set)
		return set_tag(c, store);
	return c->options.list ? list_tags(c, store) : remove_tag(c, store);
}

static const cli_option tag_table[] = {
	{ "list", 0, CLI_FLAG, offsetof(cli_options, list), NULL, "list the tags", 0, 0 },
	{ "delete", 0, CLI_TEXT, offsetof(cli_options, removed), "NAME", "remove a tag; what it names stays", 0, 0 },
	{ "force", 0, CLI_FLAG, offsetof(cli_options, force), NULL, "move a tag that names another package", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_tag = {
	.name = "tag",
	.operands = "(NAME REF | --list | --delete NAME)",
	.most = 2,
	.summary = "Give a package a name, list the names, remove one",
	.about = "A tag stays on its package unless --force moves it. NAME is made of letters,\n"
	         "digits, '.', '_' and '-'; not of hex digits only, not latest..., not *.zip.\n",
	.examples = "  pannier tag 2026-q1-run latest\n"
	            "  pannier tag --list\n"
	            "  pannier tag --delete 2026-q1-run\n",
	.options = tag_table,
	.run = run_tag,
};
