/* stats: what is in the store, in numbers. */
#include "cli/cli.h"
#include "cli/text.h"

static void say_size(const char *label, uint64_t bytes, const char *of)
{
	char size[CLI_SIZE_TEXT];
	(void)printf("%-10s %12s  %s\n", label, cli_size_text(bytes, size), of);
}

static void say_count(const char *label, uint64_t count, const char *of)
{
	(void)printf("%-10s %12llu  %s\n", label, (unsigned long long)count, of);
}

static void say_statistics(const pnr_statistics *s)
{
	char first[CLI_TIME_TEXT], last[CLI_TIME_TEXT];
	say_count("packages", s->packages, "different ones");
	say_count("archives", s->archives, "zips that were made of them");
	say_count("entries", s->entries, "of the log");
	if (s->entries > 0)
		(void)printf("%-10s %12s  %s to %s\n", "", "", cli_time_text(s->first_at, first),
		             cli_time_text(s->last_at, last));
	say_count("tags", s->tags, "");
	say_count("assets", s->assets, "in all packages");
	say_count("blobs", s->blobs, "different contents, manifests included");
	say_size("unpacked", s->bytes_packages, "all packages as files");
	say_size("zipped", s->bytes_archives, "all archives");
	say_size("raw", s->bytes_raw, "the different contents");
	say_size("stored", s->bytes_stored, "what is kept of them");
	say_size("database", s->bytes_database, "with the small ones of these");
}

static int run_stats(cli *c)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	int failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	pnr_statistics s;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_statistics(store, &s, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_STORE, &err);
	cli_json *json = cli_reply(c);
	if (json == NULL) {
		say_statistics(&s);
		return CLI_DONE;
	}
	cli_json_number(json, "packages", s.packages);
	cli_json_number(json, "archives", s.archives);
	cli_json_number(json, "entries", s.entries);
	cli_json_number(json, "tags", s.tags);
	cli_json_number(json, "assets", s.assets);
	cli_json_number(json, "blobs", s.blobs);
	cli_json_number(json, "bytesPackages", s.bytes_packages);
	cli_json_number(json, "bytesArchives", s.bytes_archives);
	cli_json_number(json, "bytesRaw", s.bytes_raw);
	cli_json_number(json, "bytesStored", s.bytes_stored);
	cli_json_number(json, "bytesDatabase", s.bytes_database);
	cli_json_text(json, "firstAt", s.entries > 0 ? s.first_at : NULL);
	cli_json_text(json, "lastAt", s.entries > 0 ? s.last_at : NULL);
	cli_reply_end(c);
	return CLI_DONE;
}

const cli_command cli_stats = {
	.name = "stats",
	.operands = "",
	.summary = "What is in the store: packages, contents, and what they take",
	.about = "",
	.examples = "  pannier stats\n"
	            "  pannier stats --json\n",
	.run = run_stats,
};
