/* What is wrong with a model, for people and for programs. */
#include "cli/cli.h"
#include "cli/text.h"
#include <stdlib.h>
#include <string.h>

/* A fault of the JSON text says its place itself; once a line is enough. */
static const char *without_place(const pnr_issue *issue)
{
	char place[64];
	int length = snprintf(place, sizeof place, "line %u, column %u: ", issue->line, issue->column);
	return length > 0 && strncmp(issue->message, place, (size_t)length) == 0 ? issue->message + length
	                                                                          : issue->message;
}

static void put_issues(cli *c, const char *file, const char *kind, cli_colour colour, const pnr_issue *issues,
                       size_t count)
{
	cli_progress_erase(c);
	for (size_t i = 0; i < count; i++) {
		const pnr_issue *issue = &issues[i];
		cli_put_safe(stderr, file);
		if (issue->line > 0)
			(void)fprintf(stderr, ":%u:%u", issue->line, issue->column);
		(void)fprintf(stderr, ": %s%s:%s ", cli_paint(stderr, colour), kind, cli_paint(stderr, CLI_PLAIN));
		cli_put_safe(stderr, without_place(issue));
		(void)fputc('\n', stderr);
	}
}

void cli_complain_issues(cli *c, const char *file, const pnr_issue *issues, size_t count)
{
	put_issues(c, file, "error", CLI_RED, issues, count);
}

void cli_warn_issues(cli *c, const char *file, const pnr_issue *issues, size_t count)
{
	if (!c->options.quiet)
		put_issues(c, file, "warning", CLI_YELLOW, issues, count);
}

void cli_complain_missing(cli *c, const pnr_missing_asset *missing, size_t count)
{
	cli_progress_erase(c);
	for (size_t i = 0; i < count; i++) {
		(void)fputs("  ", stderr);
		cli_put_safe(stderr, missing[i].path);
		(void)fputs(" (", stderr);
		cli_put_safe(stderr, missing[i].reference);
		(void)fputs("), searched:\n", stderr);
		for (size_t j = 0; j < missing[i].searched_count; j++) {
			(void)fputs("    ", stderr);
			cli_put_safe(stderr, missing[i].searched[j]);
			(void)fputc('\n', stderr);
		}
	}
}

void cli_json_issues(cli_json *json, const char *key, const pnr_issue *issues, size_t count)
{
	cli_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++) {
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "message", issues[i].message);
		cli_json_text(json, "pointer", issues[i].pointer);
		cli_json_number(json, "line", issues[i].line);
		cli_json_number(json, "column", issues[i].column);
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
}

void cli_json_missing(cli_json *json, const pnr_missing_asset *missing, size_t count)
{
	cli_json_open(json, "missingAssets", '[');
	for (size_t i = 0; i < count; i++)
		cli_json_text(json, NULL, missing[i].path);
	cli_json_close(json, ']');
	cli_json_open(json, "missing", '[');
	for (size_t i = 0; i < count; i++) {
		cli_json_open(json, NULL, '{');
		cli_json_text(json, "path", missing[i].path);
		cli_json_text(json, "reference", missing[i].reference);
		cli_json_open(json, "searched", '[');
		for (size_t j = 0; j < missing[i].searched_count; j++)
			cli_json_text(json, NULL, missing[i].searched[j]);
		cli_json_close(json, ']');
		cli_json_close(json, '}');
	}
	cli_json_close(json, ']');
}

void cli_json_digest(cli_json *json, const char *key, const pnr_digest *digest, bool known)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	cli_json_text(json, key, known ? pnr_digest_to_hex(digest, hex) : NULL);
}

void cli_json_path(cli_json *json, const char *key, const char *path)
{
	CLI_CLEANUP(cli_free) char *absolute = realpath(path, NULL);
	cli_json_text(json, key, absolute != NULL ? absolute : path);
}

bool cli_digest_parse(const char *text, size_t length, pnr_digest *out_digest)
{
	char lower[PNR_DIGEST_HEX_SIZE];
	if (length != PNR_DIGEST_HEX_SIZE - 1)
		return false;
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] - 'A' + 'a' : text[i]);
	return pnr_digest_from_hex(lower, length, out_digest);
}

char *cli_time_text(const char *at, char out_text[CLI_TIME_TEXT])
{
	size_t length = strnlen(at, 19);
	memcpy(out_text, at, length);
	out_text[length] = '\0';
	if (length == 19 && out_text[10] == 'T')
		out_text[10] = ' ';
	return out_text;
}

char *cli_hash_text(const cli *c, const pnr_digest *digest, char out_hex[PNR_DIGEST_HEX_SIZE])
{
	(void)pnr_digest_to_hex(digest, out_hex);
	if (!c->options.verbose)
		out_hex[12] = '\0';
	return out_hex;
}
