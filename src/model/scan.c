/* References inside the model file. */
#include "model/config.h"
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SCHEME "assumptions://"
#define REPORTED_MAX 20u
#define FOUND_MAX 25u
#define TOKEN_MAX 255u /* a longer one is cut, and then covered by nothing */

/*
 * A role covers one of those that differ, at most. What is found is remembered
 * (schema/, model_scan): whoever changes what that is empties the table in a
 * migration.
 */
_Static_assert(FOUND_MAX >= REPORTED_MAX + PNR_ROLE_COUNT, "all that may have to be reported must be found");

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

/* Does the scheme at @at begin there, or is it the end of a longer word? */
static bool begins(const char *text, const char *at)
{
	return at == text || at[-1] == '\0' || strchr(LETTERS DIGITS "+.-", at[-1]) == NULL;
}

void pnr_model_scan(const char *text, size_t length, pnr_buffer *found)
{
	token tokens[FOUND_MAX];
	size_t count = 0;
	const char *at = text, *end = length == 0 ? text : text + length;
	while (at != end && count < FOUND_MAX &&
	       (at = memmem(at, (size_t)(end - at), SCHEME, sizeof SCHEME - 1)) != NULL) {
		token *next = &tokens[count];
		if (begins(text, at) && read_token(at, (size_t)(end - at), next)) {
			size_t i = 0;
			while (i < count && !same(&tokens[i].reference, &next->reference))
				i++;
			if (i == count) {
				count++;
				pnr_buffer_printf(found, "%s\n", next->text);
			}
		}
		at += sizeof SCHEME - 1;
	}
	pnr_buffer_append(found, "", 0);
}

static bool covered(const pnr_config *config, const pnr_reference *reference)
{
	for (int role = 0; role < PNR_ROLE_COUNT; role++)
		if (config->fields[role].parsed && same(&config->fields[role].reference, reference))
			return true;
	return false;
}

void pnr_model_warn(const pnr_config *config, const char *found, pnr_issues *issues)
{
	unsigned reported = 0;
	for (const char *end; reported < REPORTED_MAX && (end = strchr(found, '\n')) != NULL; found = end + 1) {
		token each;
		size_t length = (size_t)(end - found);
		if (length > TOKEN_MAX)
			continue;
		memcpy(each.text, found, length);
		each.text[length] = '\0';
		if (pnr_reference_parse(each.text, &each.reference, NULL) != PNR_OK ||
		    each.reference.kind != PNR_REFERENCE_ASSUMPTION || covered(config, &each.reference))
			continue;
		reported++;
		pnr_issues_warning(issues, config->document, config->fields[PNR_ROLE_MODEL].item, "/model",
		                   "Model refers to '%s', which no reference of the config covers", each.text);
	}
}
