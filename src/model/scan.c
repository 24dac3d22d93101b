/* References inside the model file. */
#include "model/config.h"
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SCHEME "assumptions://"
#define REPORTED_MAX 20u
#define TOKEN_MAX 255u /* a longer one is cut, and then covered by nothing */

typedef struct token {
	char text[TOKEN_MAX + 1];
	pnr_reference reference;
} token;

/* How many of the @left bytes at @text are in @set. */
static size_t span(const char *text, size_t left, const char *set)
{
	size_t length = 0;
	while (length < left && text[length] != '\0' && strchr(set, text[length]) != NULL)
		length++;
	return length;
}

/* The reference at @text, which starts with the scheme. False if it is none. */
static bool read_token(const char *text, size_t left, token *out_token)
{
	size_t length = sizeof SCHEME - 1;
	length += span(text + length, left - length, LETTERS DIGITS "_-");
	size_t version = length < left && text[length] == ':' ?
		span(text + length + 1, left - length - 1, LETTERS DIGITS ".+-") : 0;
	/* A full stop ends a sentence, not a version. */
	while (version > 0 && text[length + version] == '.')
		version--;
	size_t whole = version == 0 ? length : length + 1 + version;
	const size_t lengths[] = { whole, length };
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		size_t kept = lengths[i] < TOKEN_MAX ? lengths[i] : TOKEN_MAX;
		memcpy(out_token->text, text, kept);
		out_token->text[kept] = '\0';
		if (pnr_reference_parse(out_token->text, &out_token->reference, NULL) == PNR_OK)
			return true;
	}
	return false;
}

static bool same(const pnr_reference *a, const pnr_reference *b)
{
	return a->kind == PNR_REFERENCE_ASSUMPTION && b->kind == PNR_REFERENCE_ASSUMPTION &&
	       a->name_length == b->name_length && memcmp(a->name, b->name, a->name_length) == 0 &&
	       strcmp(a->version, b->version) == 0;
}

static bool covered(const pnr_config *config, const token *found, const token *reported, size_t count)
{
	for (int role = 0; role < PNR_ROLE_COUNT; role++)
		if (config->fields[role].parsed && same(&config->fields[role].reference, &found->reference))
			return true;
	for (size_t i = 0; i < count; i++)
		if (same(&reported[i].reference, &found->reference))
			return true;
	return false;
}

/* Does the scheme at @at begin there, or is it the end of a longer word? */
static bool begins(const char *text, const char *at)
{
	return at == text || at[-1] == '\0' || strchr(LETTERS DIGITS "+.-", at[-1]) == NULL;
}

void pnr_model_scan(const pnr_config *config, const char *text, size_t length, pnr_issues *issues)
{
	token reported[REPORTED_MAX];
	size_t count = 0;
	const char *at = text, *end = length == 0 ? text : text + length;
	while (at != end && count < REPORTED_MAX &&
	       (at = memmem(at, (size_t)(end - at), SCHEME, sizeof SCHEME - 1)) != NULL) {
		token *found = &reported[count];
		if (begins(text, at) && read_token(at, (size_t)(end - at), found) &&
		    !covered(config, found, reported, count)) {
			count++;
			pnr_issues_warning(issues, config->document, config->fields[PNR_ROLE_MODEL].item, "/model",
			                   "Model refers to '%s', which no reference of the config covers", found->text);
		}
		at += sizeof SCHEME - 1;
	}
}
