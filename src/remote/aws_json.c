#include "base/clock.h"
#include "base/json.h"
#include "remote/aws_source.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_PER_MINUTE 60000

/* "Z", "+00:00", "-07:00"; minutes. */
static bool parse_offset(const char *text, int *out_minutes)
{
	*out_minutes = 0;
	if (strcmp(text, "Z") == 0)
		return true;
	if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
	    strspn(text + 1, "0123456789") != 2 || strspn(text + 4, "0123456789") != 2)
		return false;
	int hours = (text[1] - '0') * 10 + (text[2] - '0'), minutes = (text[4] - '0') * 10 + (text[5] - '0');
	*out_minutes = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
	return true;
}

bool pnr_aws__parse_time(const char *text, int64_t *out_ms)
{
	char whole[sizeof "2030-01-02T03:04:05Z"];
	int minutes = 0;
	int64_t ms;
	if (strlen(text) < sizeof whole - 1)
		return false;
	(void)snprintf(whole, sizeof whole, "%.19sZ", text);
	text += sizeof whole - 2;
	if (text[0] == '.')
		text += 1 + strspn(text + 1, "0123456789");
	if (!pnr_clock_parse(whole, &ms) || !parse_offset(text, &minutes))
		return false;
	*out_ms = ms - (int64_t)minutes * MS_PER_MINUTE;
	return true;
}

/* The member's text, NULL if it has none. */
static char *member(const cJSON *root, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
	return cJSON_IsString(item) && item->valuestring[0] != '\0' ? item->valuestring : NULL;
}

static pnr_status copy_member(const cJSON *root, const char *name, char **out_text, pnr_error *err)
{
	const char *value = member(root, name);
	return value == NULL ? PNR_OK : pnr_secret_set_line(out_text, value, strlen(value), err);
}

static void overwrite(const cJSON *root, const char *name)
{
	char *text = member(root, name);
	if (text != NULL)
		OPENSSL_cleanse(text, strlen(text));
}

static pnr_status read_members(const cJSON *root, const char *token_name, bool is_process,
                               pnr_aws_secret *secret, pnr_error *err)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(root, "Version");
	const char *expires = member(root, "Expiration");
	if (is_process && !(cJSON_IsNumber(version) && version->valuedouble == 1))
		return pnr_fail(err, PNR_INVALID, "they do not say \"Version\": 1");
	pnr_status status = copy_member(root, "AccessKeyId", &secret->id, err);
	if (status == PNR_OK)
		status = copy_member(root, "SecretAccessKey", &secret->secret, err);
	if (status == PNR_OK)
		status = copy_member(root, token_name, &secret->token, err);
	if (status != PNR_OK)
		return status;
	if (secret->id == NULL || secret->secret == NULL || (!is_process && secret->token == NULL))
		return pnr_fail(err, PNR_INVALID, "they lack AccessKeyId, SecretAccessKey or %s", token_name);
	secret->expires_ms = PNR_SECRET_NEVER;
	if (expires != NULL && !pnr_aws__parse_time(expires, &secret->expires_ms))
		return pnr_fail(err, PNR_INVALID, "their Expiration is not a time of ISO 8601");
	return PNR_OK;
}

pnr_status pnr_aws__read_json(const pnr_buffer *text, const char *token_name, bool is_process,
                              pnr_aws_secret *out_secret, pnr_error *err)
{
	PNR_CLEANUP(pnr_aws__secret_free) pnr_aws_secret secret = { .id = NULL };
	pnr_json_document *document = NULL;
	/* What is wrong where might show what is secret. */
	pnr_status status = pnr_json_parse(text->length == 0 ? "" : text->data, text->length, &pnr_json_config_limits,
	                                   &document, NULL, NULL);
	if (status == PNR_NOMEM)
		return pnr_fail_nomem(err);
	if (status != PNR_OK)
		return pnr_fail(err, PNR_INVALID, "they are not JSON");
	const cJSON *root = pnr_json_root(document);
	status = read_members(root, token_name, is_process, &secret, err);
	overwrite(root, "SecretAccessKey");
	overwrite(root, token_name);
	pnr_json_free(document);
	if (status != PNR_OK)
		return status;
	*out_secret = secret;
	secret = (pnr_aws_secret){ .id = NULL };
	return PNR_OK;
}
