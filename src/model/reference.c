#include "model/model.h"
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What follows @prefix in @text; NULL if it does not start with it. */
static const char *after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);
	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* The length of the scheme of @text (RFC 3986, section 3.1, with "//" after it), 0 without one. */
static size_t scheme_length(const char *text)
{
	size_t length = strspn(text, LETTERS DIGITS "+.-");
	bool scheme = length > 0 && strchr(LETTERS, text[0]) != NULL && strncmp(text + length, "://", 3) == 0;
	return scheme ? length : 0;
}

/* v2.1.0, 2.1, v2.1.0-rc.1: numbers with dots between, then whatever semver lets follow. */
static bool is_version(const char *text)
{
	text += text[0] == 'v';
	for (;;) {
		size_t digits = strspn(text, DIGITS);
		if (digits == 0)
			return false;
		text += digits;
		if (*text != '.')
			break;
		text++;
	}
	if (*text == '\0')
		return true;
	size_t suffix = strspn(text + 1, LETTERS DIGITS ".+-");
	return (*text == '-' || *text == '+') && suffix > 0 && text[1 + suffix] == '\0';
}

static pnr_status parse_assumption(const char *text, const char *name, pnr_reference *out_reference,
                                   pnr_error *err)
{
	pnr_reference reference = { .kind = PNR_REFERENCE_ASSUMPTION, .name = name, .version = "latest" };
	reference.name_length = strspn(name, LETTERS DIGITS "_-");
	const char *rest = name + reference.name_length;
	if (reference.name_length == 0 || (*rest != '\0' && *rest != ':'))
		return pnr_fail(err, PNR_INVALID,
		                "malformed reference '%.200s': expected assumptions://NAME or assumptions://NAME:VERSION, "
		                "NAME of letters, digits, '_' and '-'", text);
	if (*rest == ':')
		reference.version = rest + 1;
	reference.mutable_version =
		strcmp(reference.version, "latest") == 0 || strcmp(reference.version, "draft") == 0;
	if (!reference.mutable_version && !is_version(reference.version))
		return pnr_fail(err, PNR_INVALID,
		                "malformed reference '%.200s': its version must be latest, draft or a number such as v2.1.0",
		                text);
	*out_reference = reference;
	return PNR_OK;
}

pnr_status pnr_reference_parse(const char *text, pnr_reference *out_reference, pnr_error *err)
{
	const char *rest = after(text, "assumptions://");
	if (rest != NULL)
		return parse_assumption(text, rest, out_reference, err);
	rest = after(text, "blob://");
	if (rest != NULL) {
		if (*rest == '\0')
			return pnr_fail(err, PNR_INVALID, "malformed reference '%.200s': nothing follows the scheme", text);
		*out_reference = (pnr_reference){ .kind = PNR_REFERENCE_EXTERNAL };
		return PNR_OK;
	}
	rest = after(text, "local://");
	size_t scheme = rest == NULL ? scheme_length(text) : 0;
	if (scheme > 0)
		return pnr_fail(err, PNR_UNSUPPORTED,
		                "unsupported scheme '%.*s://' in reference '%.200s' (supported: local://, assumptions://, "
		                "blob:// or a bare path)", (int)(scheme < 64 ? scheme : 64), text, text);
	const char *path = rest == NULL ? text : rest;
	if (*path == '\0')
		return pnr_fail(err, PNR_INVALID, "reference '%.200s' has an empty path", text);
	*out_reference = (pnr_reference){ .kind = PNR_REFERENCE_FILE, .path = path };
	return PNR_OK;
}
