/*
 * The words of a command line, as anyone may give them: the input, cut at each
 * NUL. What is accepted must be within the bounds of its table; what is refused
 * must be wrong usage, and with --json one JSON document. The help of each
 * command that is named is written, too: search with -close_fd_mask=3.
 */
#include "target.h"
#include "base/json.h"
#include "cli/cli.h"
#include <stdlib.h>
#include <string.h>

#define WORDS 64

static int cut(char *text, size_t size, char **words)
{
	int count = 0;
	words[count++] = (char *)(uintptr_t)"pannier";
	for (size_t i = 0; i < size && count < WORDS; i += strlen(text + i) + 1)
		words[count++] = text + i;
	words[count] = NULL;
	return count;
}

static void require_accepted(const cli *c)
{
	if (c->options.help || c->options.version)
		return;
	REQUIRE(c->command != NULL);
	REQUIRE(c->operand_count >= c->command->least && c->operand_count <= c->command->most);
	for (size_t i = 0; i < c->operand_count; i++)
		REQUIRE(c->operands[i][0] != '\0');
	REQUIRE(c->options.level <= 12);
	REQUIRE(c->options.wait <= 86400 || c->options.wait == CLI_WAIT_DEFAULT);
	REQUIRE(c->options.engine_dirs.count < WORDS && c->options.allow_outside.count < WORDS);
	REQUIRE(c->options.output == NULL || c->options.output[0] != '\0');
}

static void require_document(cli *c)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	REQUIRE(out != NULL && cli_json_print(&c->reply, out) && fclose(out) == 0);
	REQUIRE(pnr_json_scan(text, length, &pnr_json_config_limits, NULL, NULL, NULL, NULL) == PNR_OK);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1), *words[WORDS + 1];
	REQUIRE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	cli c = { .argv = words, .options.wait = CLI_WAIT_DEFAULT };
	c.argc = cut(text, size, words);
	int status = cli_parse(&c);
	REQUIRE(status == CLI_DONE || status == CLI_USAGE);
	if (status == CLI_DONE)
		require_accepted(&c);
	if (status == CLI_DONE && c.options.help)
		REQUIRE(cli_help(&c) == CLI_DONE);
	if (c.options.json && (status == CLI_USAGE || c.options.help))
		require_document(&c);
	cli_json_free(&c.reply);
	cli_options_free(&c);
	free(text);
	return 0;
}
