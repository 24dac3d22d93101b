#include "cli/cli.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct text {
	char *data;
	size_t length;
} text;

static void free_text(text *t)
{
	free(t->data);
}

static void free_validation(pnr_validation **validation)
{
	pnr_validation_free(*validation);
}

/* At most @limit bytes and one more, which says that there are too many. */
static int read_some(int fd, size_t limit, text *out)
{
	size_t capacity = 0;
	for (;;) {
		if (out->length == capacity) {
			capacity = capacity == 0 ? 16 * 1024 : capacity * 2;
			char *grown = realloc(out->data, capacity);
			if (grown == NULL)
				return -1;
			out->data = grown;
		}
		ssize_t got = read(fd, out->data + out->length, capacity - out->length);
		if (got < 0 && (errno != EINTR || cli_interrupted()))
			return -1;
		if (got == 0 || out->length > limit)
			return 0;
		if (got > 0)
			out->length += (size_t)got;
	}
}

/* A folder is left to read(2), which has a name for it. */
static bool is_special(int fd)
{
	struct stat st;
	return fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* @absent is the exit status if there is no such file. */
static int read_text(cli *c, const char *path, size_t limit, int absent, text *out)
{
	bool is_stdin = strcmp(path, "-") == 0;
	/* NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool special = fd >= 0 && !is_stdin && is_special(fd);
	int failed = fd < 0 || special ? -1 : read_some(fd, limit, out);
	int reason = errno;
	if (fd >= 0 && !is_stdin)
		(void)close(fd);
	if (special)
		return cli_fail(c, absent, "'%s' is not a regular file; '-' reads stdin", path);
	if (failed == 0)
		return CLI_DONE;
	if (cli_interrupted())
		return cli_fail(c, CLI_INTERRUPTED, "interrupted");
	bool none = reason == ENOENT || reason == ENOTDIR || reason == EISDIR;
	return cli_fail(c, none ? absent : CLI_FAILED, "reading '%s': %s", path, strerror(reason));
}

/* Cut @t into its lines; the list points into it. */
static const char **split_lines(text *t, size_t *out_count)
{
	size_t lines = 1;
	for (size_t i = 0; i < t->length; i++)
		lines += t->data[i] == '\n';
	const char **list = calloc(lines + 1, sizeof *list);
	char *rest = realloc(t->data, t->length + 1);
	if (rest != NULL)
		t->data = rest;
	if (list == NULL || rest == NULL) {
		free(list);
		return NULL;
	}
	rest[t->length] = '\0';
	size_t count = 0;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		size_t length = strlen(line);
		if (length > 0 && line[length - 1] == '\r')
			line[length - 1] = '\0';
		if (line[0] != '\0')
			list[count++] = line;
	}
	*out_count = count;
	return list;
}

static int check_assets(cli *c, const text *config, pnr_validation **out)
{
	CLI_CLEANUP(free_text) text list = { NULL, 0 };
	int failed = read_text(c, c->options.assets, PNR_MANIFEST_MAX, CLI_FAILED, &list);
	if (failed != CLI_DONE)
		return failed;
	if (list.length > PNR_MANIFEST_MAX)
		return cli_fail(c, CLI_FAILED, "'%s' is larger than %u bytes", c->options.assets, PNR_MANIFEST_MAX);
	size_t count = 0;
	CLI_CLEANUP(cli_free) const char **paths = split_lines(&list, &count);
	if (paths == NULL)
		return cli_fail(c, CLI_FAILED, "out of memory");
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_assets_validate(config->data, config->length, paths, count, out, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_CONFIG, &err);
	return CLI_DONE;
}

/* A config that cannot be read gives its one error in both. */
static bool unreadable(const pnr_validation *config, const pnr_validation *assets)
{
	return config->error_count == 1 && assets->error_count == 1 &&
	       strcmp(config->errors[0].message, assets->errors[0].message) == 0;
}

/* The errors of the config, then those of the assets. */
static pnr_issue *join_errors(const pnr_validation *config, const pnr_validation *assets, size_t *out_count)
{
	size_t more = assets != NULL && !unreadable(config, assets) ? assets->error_count : 0;
	pnr_issue *errors = calloc(config->error_count + more + 1, sizeof *errors);
	if (errors == NULL)
		return NULL;
	if (config->error_count > 0)
		memcpy(errors, config->errors, config->error_count * sizeof *errors);
	if (more > 0)
		memcpy(errors + config->error_count, assets->errors, more * sizeof *errors);
	*out_count = config->error_count + more;
	return errors;
}

static int report(cli *c, const char *path, const pnr_validation *config, const pnr_validation *assets)
{
	size_t count = 0;
	CLI_CLEANUP(cli_free) pnr_issue *errors = join_errors(config, assets, &count);
	if (errors == NULL)
		return cli_fail(c, CLI_FAILED, "out of memory");
	const char *file = strcmp(path, "-") == 0 ? "<stdin>" : path;
	const char *plural = count == 1 ? "" : "s";
	if (count == 0)
		cli_say(c, config->warning_count == 0 ? "%s: valid" : "%s: valid, with %zu warning%s", file,
		        config->warning_count, config->warning_count == 1 ? "" : "s");
	else
		cli_complain(c, "%s: %zu error%s", file, count, plural);
	cli_complain_issues(c, file, errors, count);
	cli_warn_issues(c, file, config->warnings, config->warning_count);
	cli_json *json = count == 0 ? cli_reply(c)
	                            : cli_reply_failure(c, CLI_INVALID, "%s: %zu error%s", file, count, plural);
	if (json != NULL) {
		cli_json_bool(json, "valid", count == 0);
		cli_json_issues(json, "errors", errors, count);
		cli_json_issues(json, "warnings", config->warnings, config->warning_count);
		cli_reply_end(c);
	}
	return count == 0 ? CLI_DONE : CLI_INVALID;
}

static int run(cli *c)
{
	const char *path = c->operand_count == 1 ? c->operands[0] : PNR_CONFIG_NAME;
	CLI_CLEANUP(free_text) text json = { NULL, 0 };
	CLI_CLEANUP(free_validation) pnr_validation *config = NULL;
	CLI_CLEANUP(free_validation) pnr_validation *assets = NULL;
	if (c->options.assets != NULL && strcmp(c->options.assets, "-") == 0 && strcmp(path, "-") == 0)
		return cli_fail_usage(c, "the config and the list of assets cannot both come from stdin");
	int failed = read_text(c, path, PNR_CONFIG_MAX, CLI_INVALID, &json);
	if (failed != CLI_DONE)
		return failed;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_config_validate(json.data, json.length, &config, &err) != PNR_OK)
		return cli_fail_error(c, CLI_OF_CONFIG, &err);
	if (c->options.assets != NULL)
		failed = check_assets(c, &json, &assets);
	return failed != CLI_DONE ? failed : report(c, path, config, assets);
}

static const cli_option option_table[] = {
	{ "assets", 0, CLI_TEXT, offsetof(cli_options, assets), "FILE",
	  "check the mandatory assets, too, against a list of\npackage paths, one a line; - is stdin", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

const cli_command cli_validate = {
	.name = "validate",
	.operands = "[CONFIG|-]",
	.most = 1,
	.summary = "Check a config, without its files",
	.about = "CONFIG is ./" PNR_CONFIG_NAME " if none is given. Errors and warnings come with\n"
	         "file, line and column; exit status 3 if there is an error.\n",
	.examples = "  pannier validate\n"
	            "  pannier validate - < " PNR_CONFIG_NAME "\n"
	            "  unzip -Z1 model-package.zip | pannier validate --assets -\n",
	.options = option_table,
	.run = run,
};
