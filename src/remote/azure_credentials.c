#include "remote/azure_credentials.h"
#include "base/clock.h"
#include "base/percent.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SAS_MAX 24u     /* arguments */

/* Both are public: every emulator has them. */
#define EMULATOR_ACCOUNT "devstoreaccount1"
#define EMULATOR_KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define EMULATOR_ENDPOINT "http://127.0.0.1:10000/" EMULATOR_ACCOUNT

struct pnr_azure_credentials {
	char *account;
	char *endpoint; /* NULL: not said */
	char *key;      /* NULL: by signature or token */
	char *sas;      /* in pieces: the arguments point into it */
	size_t sas_length;
	pnr_http_pair query[SAS_MAX];
	size_t query_count;
	pnr_azure_token token;
	pnr_secret_watch watch;
	int64_t renew_ms; /* when to get it anew; 0: there is none */
};

/* ------------------------------------------------------ a shared signature -- */

/* "?sv=...&sig=...", with or without the '?', taken apart. */
static pnr_status set_sas(pnr_azure_credentials *c, const char *text, size_t length, pnr_error *err)
{
	bool is_signed = false;
	if (length > 0 && text[0] == '?') {
		text++;
		length--;
	}
	pnr_status status = pnr_secret_set_line(&c->sas, text, length, err);
	if (status != PNR_OK)
		return status;
	c->sas_length = length;
	for (char *at = c->sas, *next; at != NULL; at = next) {
		next = strchr(at, '&');
		if (next != NULL)
			*next++ = '\0';
		char *value = strchr(at, '=');
		if (value == NULL || c->query_count == SAS_MAX)
			return pnr_fail(err, PNR_INVALID,
			                "the shared access signature is not of the form 'sv=...&sig=...'");
		*value++ = '\0';
		if (!pnr_percent_decode(value, false))
			return pnr_fail(err, PNR_INVALID,
			                "the shared access signature has a '%%' without two hex digits");
		is_signed = is_signed || strcmp(at, "sig") == 0;
		c->query[c->query_count++] = (pnr_http_pair){ at, value };
	}
	return is_signed ? PNR_OK : pnr_fail(err, PNR_INVALID, "the shared access signature has no 'sig'");
}

/* ------------------------------------------------------ a connection string -- */

/* Its parts; they point into it. */
typedef struct part {
	const char *text; /* NULL: it has none */
	size_t length;
} part;

enum { NAME, KEY, SAS, ENDPOINT, PROTOCOL, SUFFIX, EMULATOR, PARTS };

static bool is_text(part p, const char *text)
{
	return p.text != NULL && p.length == strlen(text) && strncasecmp(p.text, text, p.length) == 0;
}

/* "name=value;..."; names are of any case. */
static pnr_status split(const char *text, part parts[PARTS], pnr_error *err)
{
	static const char *const names[PARTS] = { "AccountName",  "AccountKey",
		                                  "SharedAccessSignature", "BlobEndpoint",
		                                  "DefaultEndpointsProtocol", "EndpointSuffix",
		                                  "UseDevelopmentStorage" };
	for (size_t length; *text != '\0'; text += length + (text[length] == ';')) {
		length = strcspn(text, ";");
		const char *value = memchr(text, '=', length);
		if (value == NULL && strspn(text, " \t\r\n") < length)
			return pnr_fail(err, PNR_INVALID, "it is not of the form 'AccountName=...;AccountKey=...'");
		for (size_t i = 0; value != NULL && i < PARTS; i++)
			if (is_text((part){ text, (size_t)(value - text) }, names[i]))
				parts[i] = (part){ value + 1, length - (size_t)(value + 1 - text) };
	}
	return PNR_OK;
}

static pnr_status set_endpoint(pnr_azure_credentials *c, const part parts[PARTS], pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	part p = parts[ENDPOINT];
	if (p.length > 0) {
		pnr_buffer_append(&text, p.text, p.length - (p.text[p.length - 1] == '/'));
	} else if (parts[SUFFIX].length > 0 || parts[PROTOCOL].length > 0) {
		pnr_buffer_printf(&text, "%s://%s.blob.", is_text(parts[PROTOCOL], "http") ? "http" : "https",
		                  c->account);
		if (parts[SUFFIX].length > 0)
			pnr_buffer_append(&text, parts[SUFFIX].text, parts[SUFFIX].length);
		else
			pnr_buffer_puts(&text, "core.windows.net");
	} else {
		return PNR_OK;
	}
	c->endpoint = pnr_buffer_steal(&text);
	return c->endpoint == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status other_account(const pnr_azure_credentials *c, part name, pnr_error *err)
{
	return pnr_fail(err, PNR_DENIED, "it is of account '%.*s', the remote's is '%s'",
	                (int)(name.length < 64 ? name.length : 64), name.text, c->account);
}

static pnr_status set_connection(pnr_azure_credentials *c, const char *text, pnr_error *err)
{
	part parts[PARTS] = { { NULL, 0 } };
	pnr_status status = split(text, parts, err);
	if (status != PNR_OK)
		return status;
	if (is_text(parts[EMULATOR], "true")) {
		parts[NAME] = (part){ EMULATOR_ACCOUNT, sizeof EMULATOR_ACCOUNT - 1 };
		parts[KEY] = (part){ EMULATOR_KEY, sizeof EMULATOR_KEY - 1 };
		parts[ENDPOINT] = (part){ EMULATOR_ENDPOINT, sizeof EMULATOR_ENDPOINT - 1 };
	}
	if (parts[NAME].length > 0 && !is_text(parts[NAME], c->account))
		return other_account(c, parts[NAME], err);
	if (parts[NAME].length == 0 && parts[KEY].length > 0)
		return pnr_fail(err, PNR_INVALID, "it has no AccountName");
	status = set_endpoint(c, parts, err);
	if (status != PNR_OK)
		return status;
	if (parts[SAS].length > 0)
		return set_sas(c, parts[SAS].text, parts[SAS].length, err);
	if (parts[KEY].length > 0)
		return pnr_secret_set_line(&c->key, parts[KEY].text, parts[KEY].length, err);
	return pnr_fail(err, PNR_INVALID, "it has neither an AccountKey nor a SharedAccessSignature");
}

/* ------------------------------------------------------------------ the handle -- */

static void token_free(pnr_azure_token *token)
{
	pnr_secret_free(&token->text);
	token->expires_ms = 0;
}

void pnr_azure_credentials_free(pnr_azure_credentials *credentials)
{
	if (credentials == NULL)
		return;
	OPENSSL_cleanse(credentials->sas, credentials->sas_length);
	pnr_secret_free(&credentials->sas);
	pnr_secret_free(&credentials->key);
	token_free(&credentials->token);
	free(credentials->endpoint);
	free(credentials->account);
	free(credentials);
}

void pnr_azure_credentials_cleanup(pnr_azure_credentials **credentials)
{
	pnr_azure_credentials_free(*credentials);
}

/* Those of the environment that no server is asked for. @out_from names the variable, for messages. */
static pnr_status read_environment(pnr_azure_credentials *c, const char **out_from, pnr_error *err)
{
	static const char *const names[] = { "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY",
		                             "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_BEARER_TOKEN" };
	size_t i = 0;
	while (i < PNR_COUNT(names) && pnr_env(names[i]) == NULL)
		i++;
	if (i == PNR_COUNT(names))
		return PNR_OK;
	const char *value = pnr_env(names[i]), *account = pnr_env("AZURE_STORAGE_ACCOUNT");
	*out_from = names[i];
	if ((i == 1 || i == 2) && account != NULL && strcmp(account, c->account) != 0)
		return other_account(c, (part){ account, strlen(account) }, err);
	switch (i) {
	case 0:
		return set_connection(c, value, err);
	case 1:
		return pnr_secret_set_line(&c->key, value, strlen(value), err);
	case 2:
		return set_sas(c, value, strlen(value), err);
	default:
		c->token.expires_ms = c->renew_ms = PNR_SECRET_NEVER;
		return pnr_secret_set_line(&c->token.text, value, strlen(value), err);
	}
}

pnr_status pnr_azure_credentials_new(const char *account, pnr_azure_credentials **out_credentials, pnr_error *err)
{
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = calloc(1, sizeof *c);
	const char *from = "";
	pnr_error own = PNR_ERROR_INIT;
	if (c == NULL || (c->account = strdup(account)) == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = read_environment(c, &from, &own);
	if (status != PNR_OK) {
		pnr_context(&own, "%s", from);
		return pnr_fail_with(err, &own);
	}
	*out_credentials = PNR_STEAL(c);
	return PNR_OK;
}

void pnr_azure_set_watch(pnr_azure_credentials *credentials, pnr_secret_watch watch)
{
	credentials->watch = watch;
}

const char *pnr_azure_endpoint(const pnr_azure_credentials *credentials)
{
	return credentials->endpoint;
}

const pnr_http_pair *pnr_azure_query(const pnr_azure_credentials *credentials, size_t *out_count)
{
	*out_count = credentials->query_count;
	return credentials->query;
}

bool pnr_azure_sends_secret(const pnr_azure_credentials *credentials)
{
	return credentials->key == NULL;
}

/* ------------------------------------------------------------------- a token -- */

static pnr_status renew(pnr_azure_credentials *c, int64_t now_ms, pnr_error *err)
{
	PNR_CLEANUP(token_free) pnr_azure_token token = { .text = NULL };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_azure__ask_token(&c->watch, &token, &own);
	if (status != PNR_OK && status != PNR_CANCELLED && c->renew_ms != 0 && now_ms < c->token.expires_ms) {
		c->renew_ms = pnr_secret_renewal(c->token.expires_ms, now_ms);
		return PNR_OK;
	}
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_DENIED,
		                "there are no credentials of Azure: set AZURE_STORAGE_CONNECTION_STRING, "
		                "AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_BEARER_TOKEN; there is "
		                "neither a workload nor a managed identity, either");
	if (status != PNR_OK) {
		pnr_context(&own, "a token of Azure");
		return pnr_fail_with(err, &own);
	}
	token_free(&c->token);
	c->token = token;
	token.text = NULL;
	c->renew_ms = pnr_secret_renewal(c->token.expires_ms, now_ms);
	return PNR_OK;
}

static pnr_status add_token(pnr_azure_credentials *c, pnr_sign_lines *lines, pnr_error *err)
{
	static const char start[] = "Bearer ";
	int64_t now_ms = pnr_clock_now_ms();
	pnr_status status = c->renew_ms <= now_ms ? renew(c, now_ms, err) : PNR_OK;
	if (status != PNR_OK)
		return status;
	size_t size = sizeof start + strlen(c->token.text);
	char *value = malloc(size);
	if (value == NULL)
		return pnr_fail_nomem(err);
	(void)snprintf(value, size, "%s%s", start, c->token.text);
	status = pnr_sign__add(lines, "Authorization", value, err);
	pnr_secret_free(&value);
	return status;
}

pnr_status pnr_azure_sign(pnr_azure_credentials *credentials, const pnr_sign_request *request,
                          pnr_sign_lines *out_lines, pnr_error *err)
{
	const pnr_shared_key key = { credentials->account, credentials->key };
	if (credentials->key != NULL)
		return pnr_sign_shared_key(request, &key, out_lines, err);
	return credentials->query_count > 0 ? PNR_OK : add_token(credentials, out_lines, err);
}
