#include "base/path.h"
#include "remote/aws_source.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MAX (PNR_MIB - 1)

static const char *const setting_names[] = {
#define PNR_X(id, text) [PNR_AWS_##id] = (text),
	PNR_AWS_SETTINGS(PNR_X)
#undef PNR_X
};

void pnr_aws__profile_free(pnr_aws_profile *profile)
{
	for (unsigned i = 0; i < PNR_AWS_SETTING_COUNT; i++)
		pnr_secret_free(&profile->values[i]);
	free(profile->name);
	*profile = (pnr_aws_profile){ .name = NULL };
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* A part of a line, without the spaces at its ends. */
typedef struct words {
	const char *text;
	size_t length;
} words;

static words trim(const char *text, size_t length)
{
	while (length > 0 && is_space(text[0])) {
		text++;
		length--;
	}
	while (length > 0 && is_space(text[length - 1]))
		length--;
	return (words){ text, length };
}

static bool is_text(words w, const char *text)
{
	return w.length == strlen(text) && strncmp(w.text, text, w.length) == 0;
}

/* A file at work. */
typedef struct reader {
	const char *path;
	bool is_config;    /* sections are called "profile NAME" */
	pnr_aws_profile *profile;
	pnr_aws_profile own; /* what this file says: of a setting that comes twice, the last one */
	bool inside;       /* the section is the profile's */
	unsigned line;
} reader;

static void reader_free(reader *r)
{
	pnr_aws__profile_free(&r->own);
}

/* "[NAME]"; "[profile NAME]", perhaps in quotes, in the config. */
static pnr_status read_section(reader *r, const char *text, size_t length, pnr_error *err)
{
	static const char prefix[] = "profile";
	const char *end = memchr(text, ']', length);
	if (end == NULL)
		return pnr_fail(err, PNR_INVALID, "'%s', line %u: '[' without ']'", r->path, r->line);
	words name = trim(text + 1, (size_t)(end - text) - 1);
	bool prefixed = name.length >= sizeof prefix && strncmp(name.text, prefix, sizeof prefix - 1) == 0 &&
	                is_space(name.text[sizeof prefix - 1]);
	if (r->is_config && prefixed)
		name = trim(name.text + sizeof prefix, name.length - sizeof prefix);
	if (name.length >= 2 && name.text[0] == '"' && name.text[name.length - 1] == '"')
		name = (words){ name.text + 1, name.length - 2 };
	r->inside = is_text(name, r->profile->name) && (!r->is_config || prefixed || is_text(name, "default"));
	r->profile->found = r->profile->found || r->inside;
	return PNR_OK;
}

static pnr_status read_setting(reader *r, const char *text, size_t length, pnr_error *err)
{
	const char *equals = memchr(text, '=', length);
	if (equals == NULL)
		return pnr_fail(err, PNR_INVALID, "'%s', line %u: it is not of the form 'name = value'", r->path,
		                r->line);
	words name = trim(text, (size_t)(equals - text));
	words value = trim(equals + 1, length - (size_t)(equals - text) - 1);
	for (unsigned i = 0; r->inside && i < PNR_AWS_SETTING_COUNT; i++)
		if (name.length == strlen(setting_names[i]) &&
		    strncasecmp(name.text, setting_names[i], name.length) == 0)
			return pnr_secret_set(&r->own.values[i], value.text, value.length, err);
	return PNR_OK;
}

/* An indented line belongs to the setting above it, and none of these has parts that matter here. */
static pnr_status read_line(reader *r, const char *text, size_t length, pnr_error *err)
{
	r->line++;
	if (trim(text, length).length == 0 || is_space(text[0]) || text[0] == '#' || text[0] == ';')
		return PNR_OK;
	return text[0] == '[' ? read_section(r, text, length, err) : read_setting(r, text, length, err);
}

/* What the file says, where none that was read before it says anything. */
static pnr_status read_file(const char *path, bool is_config, pnr_aws_profile *profile, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	PNR_CLEANUP(reader_free) reader r = { .path = path, .is_config = is_config, .profile = profile };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_secret_read(path, FILE_MAX, &text, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	for (const char *at = text.data, *end; *at != '\0'; at = end + (*end == '\n')) {
		end = strchrnul(at, '\n');
		status = read_line(&r, at, (size_t)(end - at), err);
		if (status != PNR_OK)
			return status;
	}
	for (unsigned i = 0; i < PNR_AWS_SETTING_COUNT; i++)
		if (profile->values[i] == NULL)
			profile->values[i] = PNR_STEAL(r.own.values[i]);
	return PNR_OK;
}

/* $VARIABLE, else ~/@name; NULL without a home. */
static pnr_status find_file(const char *variable, const char *name, char **out_path, pnr_error *err)
{
	const char *named = getenv(variable), *home = getenv("HOME");
	bool is_named = named != NULL && named[0] != '\0';
	if (!is_named && (home == NULL || home[0] == '\0')) {
		*out_path = NULL;
		return PNR_OK;
	}
	*out_path = is_named ? strdup(named) : pnr_path_join(home, name);
	return *out_path == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

pnr_status pnr_aws__read_profile(const char *name, pnr_aws_profile *profile, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *credentials = NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *config = NULL;
	profile->name = strdup(name);
	if (profile->name == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = find_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", &credentials, err);
	if (status == PNR_OK)
		status = find_file("AWS_CONFIG_FILE", ".aws/config", &config, err);
	if (status == PNR_OK && credentials != NULL)
		status = read_file(credentials, false, profile, err);
	if (status == PNR_OK && config != NULL)
		status = read_file(config, true, profile, err);
	return status;
}
