/* pack and status: what a model's folder holds, into the store or against it. */
#include "cli/cli.h"
#include "cli/text.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *config_of(const cli *c)
{
	return c->operand_count == 1 ? c->operands[0] : PNR_CONFIG_NAME;
}

static const char *shown(const char *config)
{
	return strcmp(config, "-") == 0 ? "<stdin>" : config;
}

static pnr_pack_options pack_options(cli *c, const char *workspace)
{
	const cli_options *o = &c->options;
	return (pnr_pack_options){
		.size = sizeof(pnr_pack_options),
		.workspace = workspace,
		.output_path = o->output,
		.include_policies = o->include_policies,
		.exclude_assumptions = o->no_assumptions,
		.skip_asset_validation = o->no_validate_assets,
		.portable = o->portable,
		.no_zip = o->no_zip,
		.rehash = o->rehash,
		.level = (unsigned)o->level,
		.name = o->name,
		.tag = o->tag,
		.note = o->note,
		.engine_dirs = o->engine_dirs.items,
		.engine_dir_count = o->engine_dirs.count,
		.allow_outside = o->allow_outside.items,
		.allow_outside_count = o->allow_outside.count,
		.progress = cli_progress,
		.progress_user = c,
	};
}

/* The library would read stdin without looking up: wait for it here, where an interrupt is noticed. */
static int await_stdin(cli *c)
{
	struct pollfd wait = { .fd = STDIN_FILENO, .events = POLLIN };
	while (!cli_interrupted() && poll(&wait, 1, -1) < 0 && errno == EINTR)
		;
	return cli_interrupted() ? cli_fail(c, CLI_INTERRUPTED, "interrupted") : CLI_DONE;
}

/* Who packs in the wrong folder must not find a store there afterwards. */
static int check_config(cli *c, const char *config)
{
	struct stat st;
	if (strcmp(config, "-") == 0)
		return await_stdin(c);
	if (stat(config, &st) != 0)
		return cli_fail(c, CLI_INVALID, "config '%s': %s; give the path of a " PNR_CONFIG_NAME
		                ", or run in the model's folder", config, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return cli_fail(c, CLI_INVALID, "config '%s' is a folder; give the file in it", config);
	if (!S_ISREG(st.st_mode))
		return cli_fail(c, CLI_INVALID, "config '%s' is not a regular file", config);
	if (st.st_size > PNR_CONFIG_MAX)
		return cli_fail(c, CLI_INVALID, "config '%s' is larger than %u bytes", config, PNR_CONFIG_MAX);
	return CLI_DONE;
}

/* What can be said before any work is done. */
static int check(cli *c)
{
	pnr_error err = PNR_ERROR_INIT;
	if (c->options.tag != NULL && pnr_tag_check(c->options.tag, &err) != PNR_OK)
		return cli_fail_usage(c, "--tag: %s", err.message);
	if (c->options.name != NULL && strpbrk(c->options.name, "@:\n") != NULL)
		return cli_fail_usage(c, "--name: '%s' contains '@' or ':'", c->options.name);
	return check_config(c, config_of(c));
}

/* All that is wrong, below one line that says how much it is. */
static void complain(cli *c, const char *config, const pnr_issue *errors, size_t error_count,
                     const pnr_missing_asset *missing, size_t missing_count)
{
	if (error_count > 0)
		cli_complain(c, "%s: %zu error%s", shown(config), error_count, error_count == 1 ? "" : "s");
	cli_complain_issues(c, shown(config), errors, error_count);
	if (missing_count > 0)
		cli_complain(c, "Missing %zu required assets", missing_count);
	cli_complain_missing(c, missing, missing_count);
}

/* ---------------------------------------------------------------- pack -- */

static void free_result(pnr_pack_result **result)
{
	pnr_pack_result_free(*result);
}

static void json_stats(cli_json *json, const pnr_pack_result *result)
{
	cli_json_open(json, "stats", '{');
	cli_json_number(json, "assetsHashed", result->assets_hashed);
	cli_json_number(json, "assetsReused", result->assets_reused);
	cli_json_number(json, "bytesRead", result->bytes_read);
	cli_json_number(json, "bytesCompressed", result->bytes_compressed);
	cli_json_bool(json, "unchanged", result->unchanged);
	cli_json_seconds(json, "seconds", result->seconds);
	cli_json_close(json, '}');
}

static void json_packed(cli *c, const pnr_pack_result *result, const char *path)
{
	cli_json *json = cli_reply(c);
	if (json == NULL)
		return;
	bool zip = path[0] != '\0';
	cli_json_text(json, "packagePath", zip ? path : NULL);
	cli_json_raw(json, "manifest", result->manifest, result->manifest_length);
	cli_json_number(json, "packageSize", result->package_size);
	cli_json_number(json, "assetCount", result->asset_count);
	cli_json_digest(json, "packageHash", &result->package_hash, true);
	cli_json_digest(json, "archiveHash", &result->archive_hash, zip);
	cli_json_issues(json, "warnings", result->warnings, result->warning_count);
	json_stats(json, result);
	cli_reply_end(c);
}

static void say_packed(cli *c, const pnr_pack_result *result, const char *path, const char *new_store)
{
	char hex[PNR_DIGEST_HEX_SIZE], size[CLI_SIZE_TEXT];
	const char *plural = result->asset_count == 1 ? "" : "s";
	unsigned long long assets = result->asset_count, reused = result->assets_reused;
	if (path[0] != '\0')
		cli_say(c, "%s: %s%llu asset%s, %s", path, result->unchanged ? "unchanged, " : "", assets, plural,
		        cli_size_text(result->package_size, size));
	else
		cli_say(c, "stored without a zip: %llu asset%s", assets, plural);
	cli_say(c, "package  %s", pnr_digest_to_hex(&result->package_hash, hex));
	if (path[0] != '\0')
		cli_say(c, "archive  %s", pnr_digest_to_hex(&result->archive_hash, hex));
	if (new_store != NULL)
		cli_say(c, "store    %s (new)", new_store);
	if (c->options.verbose) {
		char compressed[CLI_SIZE_TEXT];
		cli_say(c, "work     %llu assets read (%s), %llu reused; %s compressed; %.3f s",
		        (unsigned long long)result->assets_hashed, cli_size_text(result->bytes_read, size), reused,
		        cli_size_text(result->bytes_compressed, compressed), result->seconds);
	}
}

static int report_failure(cli *c, const char *config, const pnr_pack_result *result)
{
	complain(c, config, result->errors, result->error_count, result->missing, result->missing_count);
	cli_warn_issues(c, shown(config), result->warnings, result->warning_count);
	cli_json *json = cli_reply_failure(c, CLI_INVALID, "%s", result->error);
	if (json != NULL) {
		cli_json_missing(json, result->missing, result->missing_count);
		cli_json_issues(json, "errors", result->errors, result->error_count);
		cli_json_issues(json, "warnings", result->warnings, result->warning_count);
		cli_reply_end(c);
	}
	return CLI_INVALID;
}

static int pack(cli *c, const char *output, pnr_pack_result **out_result, const char **out_new_store,
                pnr_store **store)
{
	const char *config = config_of(c);
	CLI_CLEANUP(cli_free) char *workspace = NULL;
	bool created;
	int failed = check(c);
	if (failed == CLI_DONE)
		failed = cli_open_store(c, config, CLI_CREATE, store, &workspace, &created);
	if (failed != CLI_DONE)
		return failed;
	pnr_error err = PNR_ERROR_INIT;
	pnr_pack_options options = pack_options(c, workspace);
	options.output_path = output;
	pnr_status status = pnr_pack(*store, config, &options, out_result, &err);
	cli_progress_erase(c);
	if (status == PNR_INVALID && *out_result != NULL)
		return report_failure(c, config, *out_result);
	if (status != PNR_OK)
		return cli_fail_error(c, CLI_OF_CONFIG, &err);
	cli_warn_issues(c, shown(config), (*out_result)->warnings, (*out_result)->warning_count);
	*out_new_store = created ? pnr_store_dir(*store) : NULL;
	return CLI_DONE;
}

/* The zip goes to a folder of its own first: what fails must not have sent half of it. */
static int pack_to_stdout(cli *c, const char *zip)
{
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_result) pnr_pack_result *result = NULL;
	const char *new_store = NULL;
	int failed = pack(c, zip, &result, &new_store, &store);
	if (failed != CLI_DONE)
		return failed;
	int fd = open(zip, O_RDONLY | O_CLOEXEC);
	c->streamed = true;
	failed = fd < 0 || cli_copy(fd, STDOUT_FILENO) != 0;
	int reason = errno;
	if (fd >= 0)
		(void)close(fd);
	if (failed && cli_interrupted())
		return cli_fail(c, CLI_INTERRUPTED, "interrupted");
	if (failed) {
		c->output_error = reason;
		return CLI_FAILED;
	}
	char hex[PNR_DIGEST_HEX_SIZE];
	cli_remark(c, "package %s", pnr_digest_to_hex(&result->package_hash, hex));
	cli_remark(c, "archive %s", pnr_digest_to_hex(&result->archive_hash, hex));
	return CLI_DONE;
}

static int run_to_stdout(cli *c)
{
	if (c->options.json || c->options.no_zip)
		return cli_fail_usage(c, "-o - writes the zip to stdout; it cannot be combined with --%s",
		                      c->options.json ? "json" : "no-zip");
	const char *parent = getenv("TMPDIR");
	char dir[4000], zip[4096];
	int length = snprintf(dir, sizeof dir, "%s/pannier.XXXXXX",
	                      parent != NULL && parent[0] != '\0' ? parent : "/tmp");
	if (length < 0 || (size_t)length >= sizeof dir || mkdtemp(dir) == NULL)
		return cli_fail(c, CLI_FAILED, "temporary folder for the package: %s", strerror(errno));
	(void)snprintf(zip, sizeof zip, "%s/%s", dir, PNR_PACKAGE_NAME);
	int exit_status = pack_to_stdout(c, zip);
	(void)unlink(zip);
	(void)rmdir(dir);
	return exit_status;
}

static int run_pack(cli *c)
{
	if (c->options.output != NULL && strcmp(c->options.output, "-") == 0)
		return run_to_stdout(c);
	if (c->options.output != NULL && c->options.no_zip)
		return cli_fail_usage(c, "-o and --no-zip exclude each other");
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_result) pnr_pack_result *result = NULL;
	const char *new_store = NULL;
	int failed = pack(c, c->options.output, &result, &new_store, &store);
	if (failed != CLI_DONE)
		return failed;
	const char *path = result->package_path != NULL ? result->package_path : "";
	say_packed(c, result, path, new_store);
	json_packed(c, result, path);
	return CLI_DONE;
}

#define FIELD(field) offsetof(cli_options, field)

/* What decides which files make the package, for status as well. */
#define SELECTION_OPTIONS                                                                                  \
	{ "include-policies", 0, CLI_FLAG, FIELD(include_policies), NULL, "take the policy data along", 0, 0 }, \
	{ "no-assumptions", 0, CLI_FLAG, FIELD(no_assumptions), NULL, "leave the assumption tables out", 0, 0 }, \
	{ "no-validate-assets", 0, CLI_FLAG, FIELD(no_validate_assets), NULL,                              \
	  "taken for the sake of older callers: a file that is\nneeded and missing fails all the same", 0, 0 },                                \
	{ "engine-dir", 0, CLI_LIST, FIELD(engine_dirs), "DIR",                                            \
	  "look for engines here, too, last; may be repeated", 0, 0 },                                     \
	{ "allow-outside", 0, CLI_LIST, FIELD(allow_outside), "DIR",                                       \
	  "files may come from here, too; may be repeated", 0, 0 },                                        \
	{ "name", 0, CLI_TEXT, FIELD(name), "NAME",                                                        \
	  "of the model; else the config's folder relative to\nthe workspace", 0, 0 },                     \
	{ "rehash", 0, CLI_FLAG, FIELD(rehash), NULL, "read every file, whatever its times say", 0, 0 }

static const cli_option pack_table[] = {
	{ "output", 'o', CLI_TEXT, FIELD(output), "FILE",
	  "the zip; else WORKSPACE/" PNR_PACKAGE_NAME "; - is\nstdout", 0, 0 },
	SELECTION_OPTIONS,
	{ "portable", 0, CLI_FLAG, FIELD(portable), NULL,
	  "no paths of this machine inside: with\nSOURCE_DATE_EPOCH the same bytes everywhere", 0, 0 },
	{ "level", 0, CLI_NUMBER, FIELD(level), "N", "of compression, 1 to 12; else 6", 1, 12 },
	CLI_THREADS_OPTION,
	{ "tag", 0, CLI_TEXT, FIELD(tag), "NAME", "give the package this tag", 0, 0 },
	{ "note", 0, CLI_TEXT, FIELD(note), "TEXT", "for the log", 0, 0 },
	{ "no-zip", 0, CLI_FLAG, FIELD(no_zip), NULL, "store and log the package, write no zip", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_pack = {
	.name = "pack",
	.operands = "[CONFIG|-]",
	.most = 1,
	.summary = "Package a model: validate, store what is new, write the zip",
	.about = "CONFIG is ./" PNR_CONFIG_NAME " if none is given. Only files that changed since\n"
	         "they were last seen are read. The zip appears complete or not at all. Exit\n"
	         "status 3 if the config is invalid or files are missing: all are listed.\n",
	.examples = "  pannier pack\n"
	            "  pannier pack --note \"month-end\" -o out/term-life.zip\n"
	            "  pannier pack --include-policies --portable -o - | sha256sum\n",
	.options = pack_table,
	.run = run_pack,
};

/* -------------------------------------------------------------- status -- */

static void free_changes(pnr_changes **changes)
{
	pnr_changes_free(*changes);
}

static void json_kind(cli_json *json, const char *key, const pnr_changes *changes, pnr_change_kind kind)
{
	cli_json_open(json, key, '[');
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].kind == kind)
			cli_json_text(json, NULL, changes->items[i].path);
	cli_json_close(json, ']');
}

static void json_changes(cli_json *json, const pnr_changes *changes)
{
	cli_json_digest(json, "base", &changes->base, changes->has_base);
	json_kind(json, "added", changes, PNR_CHANGE_ADDED);
	json_kind(json, "changed", changes, PNR_CHANGE_CHANGED);
	json_kind(json, "removed", changes, PNR_CHANGE_REMOVED);
	cli_json_number(json, "unchanged", changes->unchanged);
}

static void say_changes(const cli *c, const pnr_changes *changes)
{
	static const char *const words[] = { "added", "changed", "removed" };
	static const cli_colour colours[] = { CLI_GREEN, CLI_YELLOW, CLI_RED };
	if (c->options.json)
		return;
	char hex[PNR_DIGEST_HEX_SIZE];
	if (changes->has_base)
		(void)printf("against package %.12s: ", pnr_digest_to_hex(&changes->base, hex));
	else
		(void)fputs("nothing is packed yet: ", stdout);
	(void)printf("%zu change%s, %llu unchanged\n", changes->count, changes->count == 1 ? "" : "s",
	             (unsigned long long)changes->unchanged);
	for (size_t i = 0; i < changes->count; i++) {
		const pnr_change *change = &changes->items[i];
		(void)printf("%s%-8s%s ", cli_paint(stdout, colours[change->kind]), words[change->kind],
		             cli_paint(stdout, CLI_PLAIN));
		cli_put_safe(stdout, change->path);
		(void)fputc('\n', stdout);
	}
}

static int report_status_failure(cli *c, const char *config, const pnr_changes *changes, const pnr_error *err)
{
	complain(c, config, changes->errors, changes->error_count, changes->missing, changes->missing_count);
	cli_json *json = cli_reply_failure(c, CLI_INVALID, "%s", err->message);
	if (json != NULL) {
		cli_json_missing(json, changes->missing, changes->missing_count);
		cli_json_issues(json, "errors", changes->errors, changes->error_count);
		json_changes(json, changes);
		cli_reply_end(c);
	}
	return CLI_INVALID;
}

static int run_status(cli *c)
{
	const char *config = config_of(c);
	CLI_CLEANUP(cli_free) char *workspace = NULL;
	CLI_CLEANUP(cli_close_store) pnr_store *store = NULL;
	CLI_CLEANUP(free_changes) pnr_changes *changes = NULL;
	int failed = check(c);
	if (failed == CLI_DONE)
		failed = cli_open_store(c, config, CLI_WRITE, &store, &workspace, NULL);
	if (failed != CLI_DONE)
		return failed;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_pack_options options = pack_options(c, workspace);
	pnr_status status = pnr_pack_changes(store, config, &options, &changes, &err);
	cli_progress_erase(c);
	if (status == PNR_INVALID && changes != NULL)
		return report_status_failure(c, config, changes, &err);
	if (status != PNR_OK)
		return cli_fail_error(c, CLI_OF_CONFIG, &err);
	say_changes(c, changes);
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		json_changes(json, changes);
		cli_reply_end(c);
	}
	return CLI_DONE;
}

static const cli_option status_table[] = {
	SELECTION_OPTIONS,
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_status = {
	.name = "status",
	.operands = "[CONFIG|-]",
	.most = 1,
	.summary = "What packing now would change against the latest package",
	.about = "Takes the options of pack that decide which files make the package. Packs\n"
	         "nothing.\n",
	.examples = "  pannier status\n"
	            "  pannier status --json --include-policies\n",
	.options = status_table,
	.run = run_status,
};
