#include "base/xml.h"
#include "remote/ask.h"
#include "remote/aws_source.h"
#include "remote/url.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_MAX ((size_t)64 * PNR_KIB)
#define CONTAINER_HOST "http://169.254.170.2"

static pnr_status wrong_answer(const char *who, const pnr_error *own, pnr_error *err)
{
	return pnr_fail(err, own->status, "what %s answers are no credentials: %s", who, own->message);
}

/* --------------------------------------------------------------------- STS -- */

static void explain(const pnr_buffer *text, pnr_buffer *out)
{
	pnr_ignore(pnr_xml_find(text->data, text->length, "ErrorResponse/Error/Code", out, NULL));
}

/* The host of the region's own STS, and the variable that says so. */
static pnr_status find_sts(const pnr_aws *aws, pnr_buffer *out_url, const char **out_named, pnr_error *err)
{
	const char *region = pnr_aws_region(aws), *named = "AWS_ENDPOINT_URL_STS";
	if (pnr_env(named) == NULL)
		named = "AWS_ENDPOINT_URL";
	const char *url = pnr_env(named);
	*out_named = url == NULL ? "AWS_REGION" : named;
	if (url != NULL)
		pnr_buffer_puts(out_url, url);
	else
		pnr_buffer_printf(out_url, "https://sts.%s.amazonaws.com%s", region,
		                  strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	return pnr_buffer_status(out_url, err);
}

/* The answer at work. */
typedef struct answer {
	pnr_aws_secret *secret;
	bool expires;
} answer;

static pnr_status read_element(void *user, const pnr_xml_event *event, pnr_error *err)
{
	static const char parent[] = "Credentials/";
	answer *a = user;
	const char *name = strstr(event->path, parent);
	if (name == NULL)
		return PNR_OK;
	name += sizeof parent - 1;
	if (strcmp(name, "AccessKeyId") == 0)
		return pnr_secret_set_line(&a->secret->id, event->text, strlen(event->text), err);
	if (strcmp(name, "SecretAccessKey") == 0)
		return pnr_secret_set_line(&a->secret->secret, event->text, strlen(event->text), err);
	if (strcmp(name, "SessionToken") == 0)
		return pnr_secret_set_line(&a->secret->token, event->text, strlen(event->text), err);
	if (strcmp(name, "Expiration") == 0)
		a->expires = pnr_aws__parse_time(event->text, &a->secret->expires_ms);
	return PNR_OK;
}

static pnr_status read_answer(const pnr_buffer *text, pnr_aws_secret *out_secret, pnr_error *err)
{
	answer a = { out_secret, false };
	pnr_status status = pnr_xml_scan(text->data, text->length, read_element, &a, err);
	if (status != PNR_OK)
		return status;
	if (out_secret->id == NULL || out_secret->secret == NULL || out_secret->token == NULL || !a.expires)
		return pnr_fail(err, PNR_INVALID, "some of them are missing");
	return PNR_OK;
}

/* The arguments, as a form. */
static pnr_status put_form(const pnr_aws_role *role, const char *token, pnr_buffer *out, pnr_error *err)
{
	const pnr_http_pair form[] = {
		{ "Action", token == NULL ? "AssumeRole" : "AssumeRoleWithWebIdentity" },
		{ "RoleArn", role->arn },
		{ "RoleSessionName", role->session == NULL ? "pannier" : role->session },
		{ "Version", "2011-06-15" },
		{ token == NULL ? "ExternalId" : "WebIdentityToken", token == NULL ? role->external_id : token },
	};
	return pnr_sign_query(out, form, PNR_COUNT(form) - (form[4].value == NULL), err);
}

/* The token of @role's file: one line. */
static pnr_status read_token(const char *path, pnr_buffer *out, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_secret_read(path, TOKEN_MAX, out, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_DENIED, "%s", own.message);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	out->length = strcspn(out->data, " \r\n");
	out->data[out->length] = '\0';
	return out->length > 0 ? PNR_OK : pnr_fail(err, PNR_DENIED, "'%s' is empty", path);
}

static pnr_status ask_sts(const pnr_aws *aws, const pnr_aws_role *role, const pnr_buffer *form,
                          pnr_buffer *out_text, pnr_error *err)
{
	static const pnr_http_pair headers[] = { { "Content-Type", "application/x-www-form-urlencoded" } };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer url = PNR_BUFFER_INIT;
	pnr_sigv4_key key = { .region = pnr_aws_region(aws), .service = "sts" };
	const char *named;
	int code;
	if (role->source != NULL) {
		key.id = role->source->id;
		key.secret = role->source->secret;
		key.token = role->source->token;
	}
	pnr_status status = find_sts(aws, &url, &named, err);
	if (status != PNR_OK)
		return status;
	const pnr_ask ask = { .url = url.data,
		              .named = named,
		              .ca_file = getenv("AWS_CA_BUNDLE"),
		              .method = "POST",
		              .headers = headers,
		              .header_count = PNR_COUNT(headers),
		              .body = form,
		              .key = role->source == NULL ? NULL : &key,
		              .watch = aws->watch,
		              .explain = explain };
	return pnr_ask_run(&ask, out_text, &code, err);
}

static pnr_status assume(const pnr_aws *aws, const pnr_aws_role *role, pnr_aws_secret *out_secret, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer token = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer form = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = PNR_OK;
	if (role->token_file != NULL)
		status = read_token(role->token_file, &token, err);
	if (status == PNR_OK)
		status = put_form(role, role->token_file == NULL ? NULL : token.data, &form, err);
	if (status == PNR_OK)
		status = ask_sts(aws, role, &form, &text, err);
	if (status != PNR_OK)
		return status;
	status = read_answer(&text, out_secret, &own);
	return status == PNR_OK ? PNR_OK : wrong_answer("STS", &own, err);
}

pnr_status pnr_aws__assume_role(const pnr_aws *aws, const pnr_aws_role *role, pnr_aws_secret *out_secret,
                                pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = assume(aws, role, out_secret, &own);
	if (status == PNR_OK)
		return PNR_OK;
	/* As an error, never as "nothing there". */
	if (status == PNR_NOT_FOUND)
		own.status = PNR_DENIED;
	pnr_context(&own, "role '%.200s'", role->arn);
	return pnr_fail_with(err, &own);
}

/* ---------------------------------------------------------------- a container -- */

/* Over plain http only on this machine, as AWS documents it. */
static bool may_be_asked(const char *url)
{
	static const char *const hosts[] = { "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]" };
	if (strncmp(url, "https://", 8) == 0 || (strncmp(url, "http://", 7) == 0 && pnr_remote_is_here(url)))
		return true;
	if (strncmp(url, "http://", 7) != 0)
		return false;
	for (size_t i = 0; i < PNR_COUNT(hosts); i++) {
		size_t length = strlen(hosts[i]);
		if (strncmp(url + 7, hosts[i], length) == 0 && strchr(":/", url[7 + length]) != NULL)
			return true;
	}
	return false;
}

/* The header that a container is to send, from a file or the environment; nothing if there is none. */
static pnr_status read_authorization(pnr_buffer *out, pnr_error *err)
{
	const char *path = pnr_env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *value = pnr_env("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	if (path == NULL && value == NULL)
		return PNR_OK;
	if (path != NULL) {
		pnr_status status = pnr_secret_read(path, TOKEN_MAX, out, err);
		if (status != PNR_OK)
			return status;
		while (out->length > 0 && strchr(" \r\n", out->data[out->length - 1]) != NULL)
			out->data[--out->length] = '\0';
	} else {
		pnr_buffer_puts(out, value);
	}
	pnr_status status = pnr_buffer_status(out, err);
	if (status == PNR_OK && strpbrk(out->data, "\r\n") != NULL)
		return pnr_fail(err, PNR_INVALID, "the token is of more than one line");
	return status;
}

static pnr_status ask_container(const pnr_aws *aws, const char *url, const char *path, pnr_aws_secret *out_secret,
                                pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer token = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	int code;
	if (!may_be_asked(url))
		return pnr_fail(err, PNR_INVALID, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https:// nor of this "
		                                  "machine");
	pnr_status status = read_authorization(&token, err);
	if (status != PNR_OK)
		return status;
	const pnr_http_pair headers[] = { { "Authorization", token.data } };
	const pnr_ask ask = { .url = url,
		              .named = "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		              .plain = true,
		              .path = path,
		              .nearby = true,
		              .method = "GET",
		              .headers = headers,
		              .header_count = token.length > 0,
		              .watch = aws->watch };
	status = pnr_ask_run(&ask, &text, &code, err);
	if (status != PNR_OK)
		return status;
	status = pnr_aws__read_json(&text, "Token", false, out_secret, &own);
	return status == PNR_OK ? PNR_OK : wrong_answer("it", &own, err);
}

pnr_status pnr_aws__ask_container(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err)
{
	const char *relative = pnr_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = pnr_env("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	pnr_error own = PNR_ERROR_INIT;
	if (relative == NULL && full == NULL)
		return PNR_NOT_FOUND;
	pnr_status status = relative != NULL ? ask_container(aws, CONTAINER_HOST, relative, out_secret, &own)
	                                     : ask_container(aws, full, NULL, out_secret, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (status == PNR_NOT_FOUND)
		own.status = PNR_DENIED;
	pnr_context(&own, "the container's credentials");
	return pnr_fail_with(err, &own);
}

/* ---------------------------------------------------------------- an instance -- */

static const char *instance_url(void)
{
	const char *named = pnr_env("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = pnr_env("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	if (named != NULL)
		return named;
	return mode != NULL && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
}

static pnr_status ask_instance(const pnr_aws *aws, const char *method, const char *path,
                               const pnr_http_pair *header, pnr_buffer *out_text, int *out_code, pnr_error *err)
{
	/* AWS's own tools take any server here. */
	const pnr_ask ask = { .url = instance_url(),
		              .named = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		              .plain = true,
		              .path = path,
		              .nearby = true,
		              .method = method,
		              .headers = header,
		              .header_count = 1,
		              .watch = aws->watch };
	return pnr_ask_run(&ask, out_text, out_code, err);
}

/* The session's token. NOT_FOUND: nothing is there that gives one. */
static pnr_status begin_session(const pnr_aws *aws, pnr_buffer *out_token, pnr_error *err)
{
	static const pnr_http_pair ttl = { "x-aws-ec2-metadata-token-ttl-seconds", "300" };
	pnr_error own = PNR_ERROR_INIT;
	int code;
	pnr_status status = ask_instance(aws, "PUT", "/latest/api/token", &ttl, out_token, &code, &own);
	if (status == PNR_OK && strpbrk(out_token->data, "\r\n") == NULL)
		return PNR_OK;
	if (status == PNR_NOMEM || status == PNR_INVALID || status == PNR_CANCELLED || code >= 500)
		return pnr_fail_with(err, &own);
	return PNR_NOT_FOUND;
}

/* The name of the instance's role becomes the end of @path. */
static pnr_status find_role(const pnr_aws *aws, const pnr_http_pair *token, char *path, size_t size,
                            pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer name = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	int code;
	pnr_status status = ask_instance(aws, "GET", path, token, &name, &code, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_NOT_FOUND;
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	size_t length = strcspn(name.data, "\r\n"), used = strlen(path);
	if (length == 0)
		return PNR_NOT_FOUND;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer encoded = PNR_BUFFER_INIT;
	name.data[length] = '\0';
	pnr_sign_encode(&encoded, name.data, "");
	status = pnr_buffer_status(&encoded, err);
	if (status == PNR_OK && encoded.length >= size - used)
		return pnr_fail(err, PNR_INVALID, "the name of its role is too long");
	if (status == PNR_OK)
		(void)snprintf(path + used, size - used, "%s", encoded.data);
	return status;
}

static pnr_status ask_role(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err)
{
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer token = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_secret_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	char path[512] = "/latest/meta-data/iam/security-credentials/";
	pnr_error own = PNR_ERROR_INIT;
	int code;
	pnr_status status = begin_session(aws, &token, err);
	if (status != PNR_OK)
		return status;
	const pnr_http_pair header = { "x-aws-ec2-metadata-token", token.data };
	status = find_role(aws, &header, path, sizeof path, err);
	if (status == PNR_OK)
		status = ask_instance(aws, "GET", path, &header, &text, &code, err);
	if (status != PNR_OK)
		return status;
	status = pnr_aws__read_json(&text, "Token", false, out_secret, &own);
	return status == PNR_OK ? PNR_OK : wrong_answer("it", &own, err);
}

pnr_status pnr_aws__ask_instance(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err)
{
	const char *disabled = pnr_env("AWS_EC2_METADATA_DISABLED");
	pnr_error own = PNR_ERROR_INIT;
	if (disabled != NULL && strcasecmp(disabled, "true") == 0)
		return PNR_NOT_FOUND;
	pnr_status status = ask_role(aws, out_secret, &own);
	if (status == PNR_OK || own.status == PNR_OK)
		return status;
	if (status == PNR_NOT_FOUND)
		own.status = PNR_DENIED;
	pnr_context(&own, "the instance's credentials");
	return pnr_fail_with(err, &own);
}
