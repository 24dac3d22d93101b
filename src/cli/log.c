/* log and show: what was packed when, and what is in it. */
#include "cli/cli.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------- log -- */

static void json_entry(cli_json *json, const pnr_log_entry *entry)
{
	cli_json_open(json, NULL, '{');
	cli_json_number(json, "id", (uint64_t)entry->id);
	cli_json_text(json, "at", entry->at);
	cli_json_text(json, "event", entry->event);
	cli_json_text(json, "name", entry->name);
	cli_json_digest(json, "packageHash", &entry->package_hash, true);
	cli_json_digest(json, "archiveHash", &entry->archive_hash, entry->has_archive);
	cli_json_text(json, "createdAt", entry->created_at);
	cli_json_number(json, "packageSize", entry->archive_size);
	cli_json_number(json, "assetCount", entry->asset_count);
	cli_json_text(json, "user", entry->user);
	cli_json_text(json, "host", entry->host);
	cli_json_text(json, "gitCommit", entry->git_commit);
	if (entry->git_dirty < 0)
		cli_json_text(json, "gitDirty", NULL);
	else
		cli_json_bool(json, "gitDirty", entry->git_dirty != 0);
	cli_json_text(json, "ciRun", entry->ci_run);
	cli_json_text(json, "toolVersion", entry->tool_version);
	cli_json_text(json, "note", entry->note);
	if (entry->options[0] == '\0')
		cli_json_text(json, "options", NULL);
	else
		cli_json_raw(json, "options", entry->options, strlen(entry->options));
	cli_json_digest(json, "previousHash", &entry->previous_hash, true);
	cli_json_digest(json, "entryHash", &entry->entry_hash, true);
	cli_json_close(json, '}');
}

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

static void add_commit(cli_table *table, const pnr_log_entry *entry)
{
	char commit[10 + sizeof "+dirty"];
	(void)stpcpy(stpncpy(commit, entry->git_commit, 10), entry->git_dirty == 1 ? "+dirty" : "");
	cli_table_add(table, commit);
}

static void add_entry(const cli *c, cli_table *table, const pnr_log_entry *entry)
{
	char size[CLI_SIZE_TEXT];
	add_time(table, entry->at);
	cli_table_add(table, entry->event);
	cli_table_add(table, entry->name);
	add_hash(c, table, &entry->package_hash);
	cli_table_number(table, entry->asset_count);
	cli_table_add(table, entry->has_archive ? cli_size_text(entry->archive_size, size) : "no zip");
	cli_table_add(table, entry->user);
	add_commit(table, entry);
	cli_table_add(table, entry->note);
}

#define LOG_COLUMNS 9
#define LOG_RIGHT (1u << 4 | 1u << 5)

static void add_header(cli_table *table)
{
	static const char *const titles[LOG_COLUMNS] = { "TIME (UTC)", "EVENT", "NAME", "PACKAGE", "ASSETS",
		                                         "SIZE",       "USER",  "COMMIT", "NOTE" };
	cli_table_titles(table, titles);
}

/* Where the entries go. */
typedef struct listing {
	const cli *c;
	cli_json *json;
	cli_table *table;
} listing;

static int list_entry(void *user, const pnr_log_entry *entry)
{
	const listing *to = user;
	if (to->json != NULL)
		json_entry(to->json, entry);
	else
		add_entry(to->c, to->table, entry);
	return cli_interrupted();
}

static int print_table(cli *c, const cli_table *table)
{
	return cli_table_print(table, stdout) ? CLI_DONE : cli_fail(c, CLI_FAILED, "out of memory");
}

static int run_log(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(cli_table_free) cli_table table = { .columns = LOG_COLUMNS, .right = LOG_RIGHT };
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	listing to = { .c = c, .json = cli_reply(c), .table = &table };
	add_header(&table);
	if (to.json != NULL)
		cli_json_open(to.json, "entries", '[');
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_log(store, c->options.name, c->options.limit, list_entry, &to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	if (cli_interrupted())
		return cli_fail(c, CLI_INTERRUPTED, "interrupted");
	if (to.json == NULL)
		return print_table(c, &table);
	cli_json_close(to.json, ']');
	cli_reply_end(c);
	return CLI_DONE;
}

static const cli_option log_table[] = {
	{ "number", 'n', CLI_NUMBER, offsetof(cli_options, limit), "N", "at most so many", 1, UINT64_MAX },
	{ "name", 0, CLI_TEXT, offsetof(cli_options, name), "NAME", "only of this model", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_log = {
	.name = "log",
	.operands = "",
	.summary = "What was packed, when, by whom, from which commit, newest first",
	.about = "With -v the hashes are whole. Each entry holds the hash of the one before it:\n"
	         "'pannier fsck' computes all again.\n",
	.examples = "  pannier log -n 5\n"
	            "  pannier log --json\n",
	.options = log_table,
	.run = run_log,
};

/* ---------------------------------------------------------------- show -- */

static void free_info(pnr_package_info **info)
{
	pnr_package_info_free(*info);
}

static int list_asset(void *user, const pnr_asset_info *asset)
{
	const listing *to = user;
	if (to->json != NULL) {
		cli_json_open(to->json, NULL, '{');
		cli_json_text(to->json, "path", asset->path);
		cli_json_text(to->json, "type", asset->type);
		cli_json_digest(to->json, "hash", &asset->hash, true);
		cli_json_number(to->json, "size", asset->bytes);
		if (asset->evicted)
			cli_json_text(to->json, "storedSize", NULL);
		else
			cli_json_number(to->json, "storedSize", asset->stored_bytes);
		cli_json_bool(to->json, "evicted", asset->evicted);
		cli_json_close(to->json, '}');
		return cli_interrupted();
	}
	add_hash(to->c, to->table, &asset->hash);
	cli_table_number(to->table, asset->bytes);
	if (asset->evicted)
		cli_table_add(to->table, "evicted");
	else
		cli_table_number(to->table, asset->stored_bytes);
	cli_table_add(to->table, asset->type);
	cli_table_add(to->table, asset->path);
	return cli_interrupted();
}

static void json_info(cli_json *json, const pnr_package_info *info)
{
	cli_json_digest(json, "packageHash", &info->package_hash, true);
	cli_json_digest(json, "archiveHash", &info->archive_hash, info->has_archive);
	cli_json_digest(json, "manifestHash", &info->manifest_hash, info->has_archive && !info->imported);
	cli_json_number(json, "packageSize", info->archive_size);
	cli_json_text(json, "createdAt", info->created_at);
	cli_json_text(json, "firstAt", info->first_at);
	cli_json_number(json, "assetCount", info->asset_count);
	cli_json_number(json, "totalSize", info->total_size);
}

static void say_info(const pnr_package_info *info)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT];
	(void)printf("package  %s\n", pnr_digest_to_hex(&info->package_hash, hex));
	if (info->has_archive) {
		(void)printf("archive  %s\n", pnr_digest_to_hex(&info->archive_hash, hex));
		if (!info->imported)
			(void)printf("manifest %s\n", pnr_digest_to_hex(&info->manifest_hash, hex));
		(void)printf("zip      %s, made %s\n", cli_size_text(info->archive_size, size), info->created_at);
	}
	(void)printf("content  %llu asset%s, %s, first stored %s\n\n", (unsigned long long)info->asset_count,
	             info->asset_count == 1 ? "" : "s", cli_size_text(info->total_size, size), info->first_at);
}

static int list_pushed(void *user, const pnr_pushed *pushed)
{
	const listing *to = user;
	if (to->json == NULL) {
		cli_table_add(to->table, pushed->remote);
		add_time(to->table, pushed->at);
		add_hash(to->c, to->table, &pushed->archive_hash);
		cli_table_add(to->table, pushed->url);
		return 0;
	}
	cli_json_open(to->json, NULL, '{');
	cli_json_text(to->json, "name", pushed->remote);
	cli_json_text(to->json, "url", pushed->url);
	cli_json_text(to->json, "at", pushed->at);
	cli_json_digest(to->json, "archiveHash", &pushed->archive_hash, true);
	cli_json_close(to->json, '}');
	return 0;
}

static int show_json(cli *c, pnr_store *store, const char *ref, const pnr_package_info *info)
{
	cli_json *json = cli_reply(c);
	pnr_error err = PNR_ERROR_INIT;
	listing to = { .c = c, .json = json };
	json_info(json, info);
	cli_json_open(json, "assets", '[');
	if (pnr_store_assets(store, ref, list_asset, &to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	cli_json_close(json, ']');
	cli_json_open(json, "log", '[');
	if (pnr_store_package_log(store, &info->package_hash, list_entry, &to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	cli_json_close(json, ']');
	cli_json_open(json, "remotes", '[');
	if (pnr_store_pushed(store, &info->package_hash, list_pushed, &to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	cli_json_close(json, ']');
	cli_reply_end(c);
	return CLI_DONE;
}

static int show_text(cli *c, pnr_store *store, const char *ref, const pnr_package_info *info)
{
	static const char *const titles[] = { "HASH", "SIZE", "STORED", "TYPE", "PATH" };
	static const char *const places[] = { "REMOTE", "TIME (UTC)", "ARCHIVE", "URL" };
	CLI_CLEANUP(cli_table_free) cli_table assets = { .columns = CLI_COUNT(titles), .right = 1u << 1 | 1u << 2 };
	CLI_CLEANUP(cli_table_free) cli_table log = { .columns = LOG_COLUMNS, .right = LOG_RIGHT };
	CLI_CLEANUP(cli_table_free) cli_table remotes = { .columns = CLI_COUNT(places) };
	listing assets_to = { .c = c, .table = &assets };
	listing log_to = { .c = c, .table = &log };
	listing remotes_to = { .c = c, .table = &remotes };
	cli_table_titles(&assets, titles);
	add_header(&log);
	cli_table_titles(&remotes, places);
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_assets(store, ref, list_asset, &assets_to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	if (pnr_store_package_log(store, &info->package_hash, list_entry, &log_to, &err) != PNR_OK ||
	    pnr_store_pushed(store, &info->package_hash, list_pushed, &remotes_to, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	say_info(info);
	int failed = print_table(c, &assets);
	(void)fputc('\n', stdout);
	if (failed == CLI_DONE)
		failed = print_table(c, &log);
	if (failed != CLI_DONE || remotes.count == remotes.columns)
		return failed;
	(void)fputc('\n', stdout);
	return print_table(c, &remotes);
}

static int run_show(cli *c)
{
	const char *ref = c->operands[0];
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_info) pnr_package_info *info = NULL;
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_resolve(store, ref, &info, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_REF, &err);
	failed = c->options.json ? show_json(c, store, ref, info) : show_text(c, store, ref, info);
	return cli_interrupted() ? cli_fail(c, CLI_INTERRUPTED, "interrupted") : failed;
}

const cli_command cli_show = {
	.name = "show",
	.operands = "REF",
	.least = 1,
	.most = 1,
	.summary = "One package: assets, hashes, sizes, log, and where it was pushed",
	.about = "SIZE is of the asset, STORED what it costs in the store; evicted: its content\n"
	         "was given up to make room (pull --max-size), and comes again by pull, pack or\n"
	         "apply. With -v the hashes are whole. With --json storedSize is null and evicted\n"
	         "true for such an asset.\n",
	.examples = "  pannier show latest\n"
	            "  pannier show --json latest~1\n",
	.run = run_show,
};
