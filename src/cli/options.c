/* The command line: one parser for all commands, driven by their tables, and the help made of the same tables. */
#include "cli/cli.h"
#include "cli/text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(field) offsetof(cli_options, field)

static const cli_option common[] = {
	{ "store", 0, CLI_TEXT, FIELD(store), "DIR",
	  "the store; else $PANNIER_STORE, else the nearest\n.pannier at or above the workspace", 0, 0 },
	{ "workspace", 0, CLI_TEXT, FIELD(workspace), "DIR",
	  "the folder that files may come from; else the one\nwith .pannier, the git checkout, or the config's own", 0, 0 },
	{ "json", 0, CLI_FLAG, FIELD(json), NULL, "one JSON document on stdout, also on failure", 0, 0 },
	{ "quiet", 'q', CLI_FLAG, FIELD(quiet), NULL, "no progress, no warnings, no summary", 0, 0 },
	{ "verbose", 'v', CLI_FLAG, FIELD(verbose), NULL, "say more", 0, 0 },
	{ "progress", 0, CLI_TEXT, FIELD(progress), "MODE",
	  "json: one JSON line an update on stderr; line: from\nthe start, if stderr is a terminal; none", 0, 0 },
	{ "no-progress", 0, CLI_FLAG, FIELD(no_progress), NULL, "no progress line", 0, 0 },
	{ "wait", 0, CLI_NUMBER, FIELD(wait), "SECONDS",
	  "for another process that holds the store; else 30", 0, 86400 },
	{ "help", 'h', CLI_FLAG, FIELD(help), NULL, "this help", 0, 0 },
	{ "version", 0, CLI_FLAG, FIELD(version), NULL, "the version", 0, 0 },
	{ NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 },
};

static const cli_option no_options[] = { { NULL, 0, CLI_FLAG, 0, NULL, NULL, 0, 0 } };

static const cli_option *own_options(const cli *c)
{
	return c->command != NULL && c->command->options != NULL ? c->command->options : no_options;
}

static const cli_option *find_long(const cli_option *table, const char *name, size_t length)
{
	for (; table->name != NULL; table++)
		if (strncmp(table->name, name, length) == 0 && table->name[length] == '\0')
			return table;
	return NULL;
}

static const cli_option *find_short(const cli_option *table, char letter)
{
	for (; table->name != NULL; table++)
		if (table->letter == letter)
			return table;
	return NULL;
}

/* A suggestion may differ in half of the letters, but in two at most: further off is no slip. */
static size_t first_distance(const char *wanted)
{
	return strlen(wanted) < 4 ? 2 : 3;
}

/* Keeps the name that is closest to @wanted, if it is closer than @distance. */
static void consider(const char *name, const char *wanted, size_t *distance, const char **best)
{
	size_t found = cli_distance(name, wanted, *distance);
	if (found < *distance) {
		*distance = found;
		*best = name;
	}
}

static int fail_unknown_long(cli *c, const char *name, size_t length)
{
	char wanted[40];
	(void)snprintf(wanted, sizeof wanted, "%.*s", (int)length, name);
	const char *best = NULL;
	size_t distance = first_distance(wanted);
	const cli_option *const tables[] = { own_options(c), common };
	for (size_t t = 0; t < CLI_COUNT(tables); t++)
		for (const cli_option *option = tables[t]; option->name != NULL; option++)
			consider(option->name, wanted, &distance, &best);
	if (best == NULL)
		return cli_fail_usage(c, "unknown option '--%.*s'", (int)length, name);
	return cli_fail_usage(c, "unknown option '--%.*s'; did you mean '--%s'?", (int)length, name, best);
}

static int fail_unknown_command(cli *c, const char *name)
{
	const char *best = NULL;
	size_t distance = first_distance(name);
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		consider(cli_commands[i]->name, name, &distance, &best);
	if (best == NULL)
		return cli_fail_usage(c, "unknown command '%s'", name);
	return cli_fail_usage(c, "unknown command '%s'; did you mean '%s'?", name, best);
}

static bool parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *out_number)
{
	if (text[0] < '0' || text[0] > '9')
		return false;
	char *end;
	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || number < low || number > high)
		return false;
	*out_number = number;
	return true;
}

/* Digits, and K, M, G or T behind them: powers of 1,024. */
static bool parse_size(const char *text, uint64_t *out_size)
{
	static const char units[] = "KMGT";
	char digits[24];
	size_t length = strspn(text, "0123456789");
	const char *unit = text[length] == '\0' ? NULL : strchr(units, text[length]);
	unsigned shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
	uint64_t number;
	if (length >= sizeof digits || (text[length] != '\0' && (unit == NULL || text[length + 1] != '\0')))
		return false;
	(void)snprintf(digits, sizeof digits, "%.*s", (int)length, text);
	if (!parse_number(digits, 1, UINT64_MAX >> shift, &number))
		return false;
	*out_size = number << shift;
	return true;
}

static int fail_number(cli *c, const cli_option *option, const char *value, const char *shown)
{
	if (option->high == UINT64_MAX)
		return cli_fail_usage(c, "option '%s' needs a number from %" PRIu64 " on, not '%s'", shown,
		                      option->low, value);
	return cli_fail_usage(c, "option '%s' needs a number from %" PRIu64 " to %" PRIu64 ", not '%s'", shown,
	                      option->low, option->high, value);
}

static int append(cli *c, cli_list *list, const char *value)
{
	if (list->items == NULL)
		list->items = calloc((size_t)c->argc, sizeof *list->items);
	if (list->items == NULL)
		return cli_fail(c, CLI_FAILED, "out of memory");
	list->items[list->count++] = value;
	return CLI_DONE;
}

/* The field's type follows from the option's kind. @value is NULL for a flag only. */
static int set(cli *c, const cli_option *option, const char *value, const char *shown)
{
	void *field = (char *)&c->options + option->offset;
	if (value == NULL) {
		*(bool *)field = true;
		return CLI_DONE;
	}
	if (value[0] == '\0' && option->offset != FIELD(note))
		return cli_fail_usage(c, "option '%s': the %s is empty", shown, option->value);
	if (option->kind == CLI_LIST)
		return append(c, field, value);
	if (option->kind == CLI_NUMBER)
		return parse_number(value, option->low, option->high, field) ? CLI_DONE
		                                                             : fail_number(c, option, value, shown);
	if (option->kind == CLI_SIZE)
		return parse_size(value, field)
			       ? CLI_DONE
			       : cli_fail_usage(c, "option '%s' needs a size such as 500M or 10G, not '%s'", shown, value);
	*(const char **)field = value;
	return CLI_DONE;
}

/* "--name", "--name=value", "--name value". */
static int parse_long(cli *c, int *index)
{
	const char *name = c->argv[*index] + 2;
	size_t length = strcspn(name, "=");
	const cli_option *option = find_long(own_options(c), name, length);
	if (option == NULL)
		option = find_long(common, name, length);
	if (option == NULL)
		return fail_unknown_long(c, name, length);
	char shown[40];
	(void)snprintf(shown, sizeof shown, "--%s", option->name);
	const char *value = name[length] == '=' ? name + length + 1 : NULL;
	if (option->kind == CLI_FLAG && value != NULL)
		return cli_fail_usage(c, "option '%s' takes no value", shown);
	if (option->kind != CLI_FLAG && value == NULL) {
		if (*index + 1 == c->argc)
			return cli_fail_usage(c, "option '%s' needs a value: %s %s", shown, shown, option->value);
		value = c->argv[++*index];
	}
	return set(c, option, value, shown);
}

/* "-q", "-qv", "-o FILE", "-oFILE". */
static int parse_short(cli *c, int *index)
{
	for (const char *letter = c->argv[*index] + 1; *letter != '\0'; letter++) {
		const cli_option *option = find_short(own_options(c), *letter);
		if (option == NULL)
			option = find_short(common, *letter);
		if (option == NULL)
			return cli_fail_usage(c, "unknown option '-%c'", *letter);
		const char shown[] = { '-', *letter, '\0' };
		if (option->kind == CLI_FLAG) {
			int failed = set(c, option, NULL, shown);
			if (failed != CLI_DONE)
				return failed;
			continue;
		}
		const char *value = letter[1] != '\0' ? letter + 1 : NULL;
		if (value == NULL && *index + 1 == c->argc)
			return cli_fail_usage(c, "option '%s' needs a value: %s %s", shown, shown, option->value);
		return set(c, option, value != NULL ? value : c->argv[++*index], shown);
	}
	return CLI_DONE;
}

static int parse_operand(cli *c, char *text)
{
	if (c->command != NULL) {
		c->operands[c->operand_count++] = text;
		return CLI_DONE;
	}
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		if (strcmp(cli_commands[i]->name, text) == 0)
			c->command = cli_commands[i];
	return c->command != NULL ? CLI_DONE : fail_unknown_command(c, text);
}

static int check_operands(cli *c)
{
	if (c->command == NULL)
		return cli_fail_usage(c, "no command is given");
	if (c->operand_count < c->command->least)
		return cli_fail_usage(c, "an operand is missing: pannier %s %s", c->command->name,
		                      c->command->operands);
	if (c->operand_count > c->command->most)
		return cli_fail_usage(c, "unexpected operand '%s'", c->operands[c->command->most]);
	for (size_t i = 0; i < c->operand_count; i++)
		if (c->operands[i][0] == '\0')
			return cli_fail_usage(c, "an operand is empty");
	const char *mode = c->options.progress;
	if (mode != NULL && strcmp(mode, "json") != 0 && strcmp(mode, "line") != 0 && strcmp(mode, "none") != 0)
		return cli_fail_usage(c, "option '--progress' takes json, line or none, not '%s'", mode);
	return CLI_DONE;
}

int cli_parse(cli *c)
{
	/* Gathered in argv itself, behind what was parsed. */
	c->operands = c->argv;
	bool options = true;
	for (int i = 1; i < c->argc; i++) {
		char *argument = c->argv[i];
		int failed = CLI_DONE;
		c->rest = options ? i + 1 : c->argc;
		if (!options || argument[0] != '-' || argument[1] == '\0')
			failed = parse_operand(c, argument);
		else if (strcmp(argument, "--") == 0)
			options = false;
		else if (argument[1] == '-')
			failed = parse_long(c, &i);
		else
			failed = parse_short(c, &i);
		if (failed != CLI_DONE)
			return failed;
	}
	c->rest = c->argc;
	return c->options.help || c->options.version ? CLI_DONE : check_operands(c);
}

void cli_options_free(cli *c)
{
	free(c->options.engine_dirs.items);
	free(c->options.allow_outside.items);
}

/* ------------------------------------------------------------------ help -- */

static void print_options(FILE *out, const cli_option *table)
{
	for (; table->name != NULL; table++) {
		char left[40];
		const char letter[] = { '-', table->letter, ',', ' ', '\0' };
		(void)snprintf(left, sizeof left, "%s--%s%s%s", table->letter != 0 ? letter : "    ", table->name,
		               table->value != NULL ? " " : "", table->value != NULL ? table->value : "");
		const char *line = table->help;
		for (const char *column = left; *line != '\0'; column = "") {
			int length = (int)strcspn(line, "\n");
			(void)fprintf(out, "  %-25s %.*s\n", column, length, line);
			line += length;
			line += *line == '\n';
		}
	}
}

static void print_command_help(FILE *out, const cli_command *command)
{
	bool options = command->options != NULL && command->options->name != NULL;
	(void)fprintf(out, "Usage: pannier %s%s%s%s\n\n%s.\n", command->name, command->operands[0] != '\0' ? " " : "",
	              command->operands, options ? " [OPTION]..." : "", command->summary);
	if (command->about[0] != '\0')
		(void)fprintf(out, "\n%s", command->about);
	if (options) {
		(void)fputs("\nOptions:\n", out);
		print_options(out, command->options);
	}
	(void)fputs("\nEverywhere:\n", out);
	print_options(out, common);
	(void)fprintf(out, "\nExamples:\n%s", command->examples);
}

static void print_overview(FILE *out)
{
	(void)fputs("Usage: pannier COMMAND [OPTION]...\n\n"
	            "Packages calculation models: keeps every asset once, by its hash, every package\n"
	            "for ever, and does only the work that a change makes necessary.\n\nCommands:\n",
	            out);
	for (size_t i = 0; cli_commands[i] != NULL; i++)
		(void)fprintf(out, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
	(void)fputs("\nEverywhere:\n", out);
	print_options(out, common);
	(void)fputs("\nREF: packageHash, archiveHash or 4 hex digits or more of one, latest, latest~N,\n"
	            "a tag, or NAME@latest; REF:PATH is an asset in it. FILE - is stdin or stdout.\n\n"
	            "Exit status: 0 done, 1 failed, 2 wrong usage, 3 invalid config or missing\n"
	            "assets, 4 verification failed, 5 no such package, asset or remote, 6 busy, 7 the\n"
	            "remote failed or refused, 130 interrupted.\n\n"
	            "Examples:\n"
	            "  pannier pack\n"
	            "  pannier verify model-package.zip\n"
	            "  pannier pack --help\n",
	            out);
}

int cli_help(cli *c)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	if (out == NULL)
		return cli_fail(c, CLI_FAILED, "out of memory");
	if (c->command == NULL)
		print_overview(out);
	else
		print_command_help(out, c->command);
	if (fclose(out) != 0) {
		free(text);
		return cli_fail(c, CLI_FAILED, "out of memory");
	}
	cli_json *json = cli_reply(c);
	if (json != NULL) {
		cli_json_text(json, "help", text);
		cli_reply_end(c);
	} else {
		(void)fputs(text, stdout);
	}
	free(text);
	return CLI_DONE;
}
