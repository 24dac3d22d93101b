#include "base/clock.h"
#include "base/json.h"
#include "remote/ask.h"
#include "remote/azure_credentials.h"
#include "remote/url.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define ASSERTION_MAX ((size_t)64 * PNR_KIB)
#define RESOURCE "https://storage.azure.com/"

/* --------------------------------------------------------------- the answer -- */

/* The member's number, which may be in a string; -1: there is none. */
static int64_t number_of(const cJSON *root, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
	if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1e12)
		return (int64_t)item->valuedouble;
	if (!cJSON_IsString(item))
		return -1;
	size_t digits = strspn(item->valuestring, "0123456789");
	if (digits == 0 || digits > 12 || item->valuestring[digits] != '\0')
		return -1;
	return strtoll(item->valuestring, NULL, 10);
}

static pnr_status read_members(const cJSON *root, pnr_azure_token *out_token, pnr_error *err)
{
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(root, "access_token");
	int64_t seconds = number_of(root, "expires_in"), on = number_of(root, "expires_on");
	if (!cJSON_IsString(text) || text->valuestring[0] == '\0' || (seconds < 0 && on < 0))
		return pnr_fail(err, PNR_INVALID,
		                "what is answered has no access_token, or does not say when it expires");
	size_t length = strlen(text->valuestring);
	pnr_status status = pnr_secret_set_line(&out_token->text, text->valuestring, length, err);
	OPENSSL_cleanse(text->valuestring, length);
	out_token->expires_ms = on >= 0 ? on * 1000 : pnr_clock_now_ms() + seconds * 1000;
	return status;
}

static pnr_status read_answer(const pnr_buffer *text, pnr_azure_token *out_token, pnr_error *err)
{
	pnr_json_document *document = NULL;
	/* What is wrong where might show what is secret. */
	pnr_status status = pnr_json_parse(text->data, text->length, &pnr_json_config_limits, &document, NULL, NULL);
	if (status == PNR_NOMEM)
		return pnr_fail_nomem(err);
	if (status != PNR_OK)
		return pnr_fail(err, PNR_INVALID, "what is answered is not JSON");
	status = read_members(pnr_json_root(document), out_token, err);
	pnr_json_free(document);
	return status;
}

/* Of {"error": "invalid_client", "error_description": ...} the first. */
static void explain(const pnr_buffer *text, pnr_buffer *out)
{
	pnr_json_document *document = NULL;
	if (pnr_json_parse(text->data, text->length, &pnr_json_config_limits, &document, NULL, NULL) != PNR_OK)
		return;
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(pnr_json_root(document), "error");
	if (cJSON_IsString(error))
		pnr_buffer_printf(out, "%.100s", error->valuestring);
	pnr_json_free(document);
}

static pnr_status run(const pnr_ask *ask, pnr_azure_token *out_token, int *out_code, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_status status = pnr_ask_run(ask, &text, out_code, err);
	return status == PNR_OK ? read_answer(&text, out_token, err) : status;
}

/* --------------------------------------------------------------- a workload -- */

/* What proves who we are: a file that is renewed by others, or a secret. */
static pnr_status read_proof(pnr_http_pair *proof, pnr_buffer *out, pnr_error *err)
{
	const char *path = pnr_env("AZURE_FEDERATED_TOKEN_FILE");
	if (path == NULL) {
		*proof = (pnr_http_pair){ "client_secret", pnr_env("AZURE_CLIENT_SECRET") };
		return PNR_OK;
	}
	pnr_status status = pnr_secret_read(path, ASSERTION_MAX, out, err);
	if (status != PNR_OK)
		return status;
	out->length = strcspn(out->data, " \r\n");
	out->data[out->length] = '\0';
	*proof = (pnr_http_pair){ "client_assertion", out->data };
	return out->length > 0 ? PNR_OK : pnr_fail(err, PNR_DENIED, "'%s' is empty", path);
}

static pnr_status put_form(const pnr_http_pair *proof, pnr_buffer *out, pnr_error *err)
{
	const pnr_http_pair form[] = {
		{ "client_id", pnr_env("AZURE_CLIENT_ID") },
		{ "grant_type", "client_credentials" },
		{ "scope", RESOURCE ".default" },
		*proof,
		/* not with a secret */
		{ "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" },
	};
	bool is_secret = strcmp(proof->name, "client_secret") == 0;
	return pnr_sign_query(out, form, PNR_COUNT(form) - is_secret, err);
}

static pnr_status ask_authority(const pnr_secret_watch *watch, pnr_azure_token *out_token, pnr_error *err)
{
	static const pnr_http_pair headers[] = { { "Content-Type", "application/x-www-form-urlencoded" } };
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer assertion = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer form = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer path = PNR_BUFFER_INIT;
	const char *host = pnr_env("AZURE_AUTHORITY_HOST");
	pnr_http_pair proof;
	int code;
	pnr_buffer_putc(&path, '/');
	pnr_sign_encode(&path, pnr_env("AZURE_TENANT_ID"), "");
	pnr_buffer_puts(&path, "/oauth2/v2.0/token");
	pnr_status status = pnr_buffer_status(&path, err);
	if (status == PNR_OK)
		status = read_proof(&proof, &assertion, err);
	if (status == PNR_OK)
		status = put_form(&proof, &form, err);
	if (status != PNR_OK)
		return status;
	const pnr_ask ask = { .url = host == NULL ? "https://login.microsoftonline.com" : host,
		              .named = "AZURE_AUTHORITY_HOST",
		              .path = path.data,
		              .method = "POST",
		              .headers = headers,
		              .header_count = PNR_COUNT(headers),
		              .body = &form,
		              .watch = *watch,
		              .explain = explain };
	return run(&ask, out_token, &code, err);
}

/* ------------------------------------------------------- a managed identity -- */

static pnr_status ask_identity(const pnr_secret_watch *watch, pnr_azure_token *out_token, int *out_code, pnr_error *err)
{
	const char *endpoint = pnr_env("IDENTITY_ENDPOINT"), *secret = pnr_env("IDENTITY_HEADER");
	const char *host = pnr_env("AZURE_POD_IDENTITY_AUTHORITY_HOST"), *client = pnr_env("AZURE_CLIENT_ID");
	bool is_service = endpoint != NULL && secret != NULL;
	const pnr_http_pair header = { is_service ? "X-IDENTITY-HEADER" : "Metadata", is_service ? secret : "true" };
	const pnr_http_pair query[] = { { "api-version", is_service ? "2019-08-01" : "2018-02-01" },
		                        { "resource", RESOURCE },
		                        { "client_id", client } };
	const char *url = is_service ? endpoint : host != NULL ? host : "http://169.254.169.254";
	const pnr_ask ask = { .url = url,
		              .named = is_service ? "IDENTITY_ENDPOINT" : "AZURE_POD_IDENTITY_AUTHORITY_HOST",
		              /* Azure has networks of its own for it. */
		              .plain = pnr_remote_is_near(url),
		              .path = is_service ? NULL : "/metadata/identity/oauth2/token",
		              .nearby = true,
		              .method = "GET",
		              .headers = &header,
		              .header_count = 1,
		              .query = query,
		              .query_count = PNR_COUNT(query) - (client == NULL),
		              .watch = *watch,
		              .explain = explain };
	return run(&ask, out_token, out_code, err);
}

/* -------------------------------------------------------------------- either -- */

static pnr_status ask(bool is_workload, const pnr_secret_watch *watch, pnr_azure_token *out_token, int *out_code,
                      pnr_error *err)
{
	return is_workload ? ask_authority(watch, out_token, err) : ask_identity(watch, out_token, out_code, err);
}

pnr_status pnr_azure__ask_token(const pnr_secret_watch *watch, pnr_azure_token *out_token, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	int code = 0;
	bool has_proof = pnr_env("AZURE_FEDERATED_TOKEN_FILE") != NULL || pnr_env("AZURE_CLIENT_SECRET") != NULL;
	bool is_workload = has_proof && pnr_env("AZURE_TENANT_ID") != NULL && pnr_env("AZURE_CLIENT_ID") != NULL;
	bool is_service = pnr_env("IDENTITY_ENDPOINT") != NULL && pnr_env("IDENTITY_HEADER") != NULL;
	pnr_status status = ask(is_workload, watch, out_token, &code, &own);
	if (status == PNR_OK)
		return PNR_OK;
	/* No metadata service, or one that has no identity to give. */
	bool nobody = code == 0 ? status == PNR_RETRY || status == PNR_IO : code == 400 || code == 404;
	if (!is_workload && !is_service && nobody)
		return PNR_NOT_FOUND;
	if (status == PNR_NOT_FOUND)
		own.status = PNR_DENIED;
	pnr_context(&own, is_workload ? "AZURE_CLIENT_ID" : "the managed identity");
	return pnr_fail_with(err, &own);
}
