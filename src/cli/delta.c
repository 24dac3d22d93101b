#include "cli/cli.h"
#include "cli/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void report(cli *c, const pnr_delta_result *result)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT], full[CLI_SIZE_TEXT];
	const char *output = c->options.output;
	cli_say(c, "%s: %s instead of %s", output, cli_size_text(result->bytes, size),
	        cli_size_text(result->bytes_full, full));
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	cli_say(c, "assets   %llu whole, %llu as patches, %llu removed, of %llu", (unsigned long long)result->assets_whole,
	        (unsigned long long)result->assets_patched, (unsigned long long)result->assets_removed,
	        (unsigned long long)result->assets);
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	cli_json_path(json, "deltaPath", output);
	cli_json_number(json, "deltaSize", result->bytes);
	cli_json_number(json, "packageSize", result->bytes_full);
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, true);
	cli_json_number(json, "assetCount", result->assets);
	cli_json_number(json, "assetsWhole", result->assets_whole);
	cli_json_number(json, "assetsPatched", result->assets_patched);
	cli_json_number(json, "assetsRemoved", result->assets_removed);
	cli_reply_end(c);
}

/* The hashes that --have names. */
typedef struct have_list {
	pnr_digest *items;
	size_t count, capacity;
} have_list;

static void free_list(have_list *list)
{
	free(list->items);
}

static bool add_hash(have_list *list, const pnr_digest *hash)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
		pnr_digest *items = reallocarray(list->items, capacity, sizeof *items);
		if (items == NULL)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = *hash;
	return true;
}

/* One line: a hash by itself, or what sha256sum prints, which starts with '\\' where the name is escaped. */
static bool parse_line(const char *line, size_t length, pnr_digest *out_hash)
{
	size_t skip = length > 0 && line[0] == '\\';
	size_t digits = strspn(line + skip, "0123456789abcdefABCDEF");
	const char *rest = line + skip + digits;
	return strchr(" \t\r\n", *rest) != NULL && cli_digest_parse(line + skip, digits, out_hash);
}

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t\r\n")] == '\0';
}

static int read_lines(cli *c, FILE *in, const char *name, have_list *list)
{
	CLI_CLEANUP(cli_free) char *line = NULL;
	size_t size = 0, number = 0;
	ssize_t length;
	while ((length = getline(&line, &size, in)) >= 0) {
		pnr_digest hash;
		number++;
		if (is_blank(line) && strlen(line) == (size_t)length)
			continue;
		if (!parse_line(line, (size_t)length, &hash))
			return cli_fail(c, CLI_USAGE, "%s:%zu: not a SHA-256 of 64 hex digits at the start of the line", name, number);
		if (!add_hash(list, &hash))
			return cli_fail(c, CLI_FAILED, "out of memory");
	}
	if (cli_interrupted())
		return cli_fail(c, CLI_INTERRUPTED, "interrupted");
	return ferror(in) ? cli_fail(c, CLI_FAILED, "reading '%s': %s", name, strerror(errno)) : CLI_DONE;
}

static int read_have(cli *c, have_list *list)
{
	const char *name = c->options.have;
	if (strcmp(name, "-") == 0)
		return read_lines(c, stdin, "<stdin>", list);
	FILE *in = fopen(name, "re");
	if (in == NULL)
		return cli_fail(c, CLI_FAILED, "--have '%s': %s", name, strerror(errno));
	int failed = read_lines(c, in, name, list);
	(void)fclose(in);
	return failed;
}

static int check_options(cli *c)
{
	const cli_options *o = &c->options;
	if (o->output == NULL)
		return cli_fail_usage(c, "-o FILE is missing: where does the delta go?");
	if ((o->since != NULL) + (o->remote != NULL) + (o->have != NULL) != 1)
		return cli_fail_usage(c, "one of --since REF, --remote NAME and --have FILE: what does the other side have?");
	if (o->patch && o->have != NULL)
		return cli_fail_usage(c, "--patch needs --since or --remote: a list of hashes does not say which version is whose");
	return CLI_DONE;
}

static int run(cli *c)
{
	const char *ref = c->operand_count > 0 ? c->operands[0] : "latest";
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_list) have_list have = { NULL, 0, 0 };
	static const pnr_digest none;
	int failed = check_options(c);
	if (failed == CLI_DONE && c->options.have != NULL)
		failed = read_have(c, &have);
	if (failed == CLI_DONE)
		failed = cli_open_store(c, NULL, CLI_READ, &store, NULL, NULL);
	if (failed != CLI_DONE)
		return failed;
	const pnr_delta_options options = {
		.size = sizeof options,
		.since = c->options.since,
		.have = c->options.have == NULL ? NULL : have.count > 0 ? have.items : &none,
		.have_count = have.count,
		.patches = c->options.patch,
		.progress = cli_progress,
		.progress_user = c,
		.remote = c->options.remote,
	};
	pnr_delta_result result;
	bool at_fault = false;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_delta(store, ref, &options, c->options.output, &result, &at_fault, &err);
	cli_progress_erase(c);
	if (status != PNR_OK)
		return cli_fail_error(c, at_fault ? CLI_OF_REMOTE : status == PNR_CORRUPT ? CLI_OF_PACKAGE : CLI_OF_REF, &err);
	report(c, &result);
	return CLI_DONE;
}

static const cli_option option_table[] = {
	{ "since", 0, CLI_TEXT, offsetof(cli_options, since), "REF", "the package that the other side has", 0, 0 },
	{ "remote", 0, CLI_TEXT, offsetof(cli_options, remote), "NAME", "or what is on that remote", 0, 0 },
	{ "have", 0, CLI_TEXT, offsetof(cli_options, have), "FILE", "or what has these hashes, one a line", 0, 0 },
	{ "output", 'o', CLI_TEXT, offsetof(cli_options, output), "FILE", "the delta, a zip", 0, 0 },
	{ "patch", 0, CLI_FLAG, offsetof(cli_options, patch), NULL, "new versions as patches, where that is much smaller", 0, 0 },
	CLI_THREADS_OPTION,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_delta = {
	.name = "delta",
	.operands = "(--since REF | --remote NAME | --have FILE) [REF] -o FILE",
	.least = 0,
	.most = 1,
	.summary = "Write what of a package the other side lacks",
	.about = "A delta is a zip: its manifest describes the whole package, and what the other\n"
	         "side has is not in it. 'pannier apply' makes the package of it; with --since,\n"
	         "without --patch and with nothing removed, 'unzip -o' over the older package's\n"
	         "folder does so, too. --have is read as sha256sum prints it; - is stdin.\n",
	.examples = "  pannier delta --since latest~1 -o delta.zip --patch\n"
	            "  pannier remote add -q cloud ./cloud && pannier push -q cloud latest~1\n"
	            "  pannier delta --remote cloud -o delta.zip --patch\n"
	            "  unzip -p model-package.zip manifest.json | jq -r '.assets[].hash' > have\n"
	            "  pannier delta --have have -o less.zip\n",
	.options = option_table,
	.run = run,
};
