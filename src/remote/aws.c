#include "base/clock.h"
#include "remote/aws_source.h"
#include <stdlib.h>
#include <string.h>

#define ROLES_MAX 5u /* roles by which a role is assumed */

void pnr_aws__secret_free(pnr_aws_secret *secret)
{
	pnr_secret_free(&secret->id);
	pnr_secret_free(&secret->secret);
	pnr_secret_free(&secret->token);
	secret->expires_ms = 0;
}

pnr_status pnr_aws__secret_set(pnr_aws_secret *secret, const char *id, const char *key, const char *token,
                               pnr_error *err)
{
	pnr_status status = pnr_secret_set_line(&secret->id, id, strlen(id), err);
	if (status == PNR_OK)
		status = pnr_secret_set_line(&secret->secret, key, strlen(key), err);
	if (status == PNR_OK && token != NULL && token[0] != '\0')
		status = pnr_secret_set_line(&secret->token, token, strlen(token), err);
	secret->expires_ms = PNR_SECRET_NEVER;
	return status;
}

/* ----------------------------------------------------------------- places -- */

/* NOT_FOUND of all: there is nothing; @out_secret may be set in part on failure. */
static pnr_status ask_environment(pnr_aws_secret *out_secret, pnr_error *err)
{
	const char *id = pnr_env("AWS_ACCESS_KEY_ID"), *key = pnr_env("AWS_SECRET_ACCESS_KEY");
	if (id == NULL && key == NULL)
		return PNR_NOT_FOUND;
	if (id == NULL || key == NULL)
		return pnr_fail(err, PNR_DENIED, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set");
	return pnr_aws__secret_set(out_secret, id, key, getenv("AWS_SESSION_TOKEN"), err);
}

static pnr_status ask_web_identity(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err)
{
	const pnr_aws_role role = { .arn = pnr_env("AWS_ROLE_ARN"),
		                    .session = pnr_env("AWS_ROLE_SESSION_NAME"),
		                    .token_file = pnr_env("AWS_WEB_IDENTITY_TOKEN_FILE") };
	if (role.token_file == NULL)
		return PNR_NOT_FOUND;
	if (role.arn == NULL)
		return pnr_fail(err, PNR_DENIED, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
	return pnr_aws__assume_role(aws, &role, out_secret, err);
}

static pnr_status ask_profile(const pnr_aws *aws, const pnr_aws_profile *profile, unsigned roles,
                              pnr_aws_secret *out_secret, pnr_error *err);

/* What asks somebody in front of it. */
static pnr_status fail_interactive(const pnr_aws_profile *profile, const char *what, pnr_error *err)
{
	return pnr_fail(err, PNR_DENIED,
	                "it is of %s, which only the aws tool does; set credential_process = "
	                "aws configure export-credentials --profile %s, in a profile of another name",
	                what, profile->name);
}

/* What the profile itself has. */
static pnr_status ask_keys(const pnr_aws *aws, const pnr_aws_profile *profile, pnr_aws_secret *out_secret,
                           pnr_error *err)
{
	char *const *values = profile->values;
	const char *id = values[PNR_AWS_KEY_ID], *key = values[PNR_AWS_SECRET];
	if (id != NULL && key != NULL)
		return pnr_aws__secret_set(out_secret, id, key, values[PNR_AWS_TOKEN], err);
	if (id != NULL || key != NULL)
		return pnr_fail(err, PNR_DENIED, "it has only one of aws_access_key_id and aws_secret_access_key");
	if (values[PNR_AWS_PROCESS] != NULL) {
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = pnr_aws__run_process(aws, values[PNR_AWS_PROCESS], out_secret, &own);
		pnr_context(&own, "credential_process");
		return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
	}
	if (values[PNR_AWS_SSO_SESSION] != NULL || values[PNR_AWS_SSO_URL] != NULL)
		return fail_interactive(profile, "single sign-on", err);
	return PNR_NOT_FOUND;
}

/* Who may assume the profile's role. */
static pnr_status ask_source(const pnr_aws *aws, const pnr_aws_profile *profile, unsigned roles,
                             pnr_aws_secret *out_secret, pnr_error *err)
{
	PNR_CLEANUP(pnr_aws__profile_free) pnr_aws_profile source = { .name = NULL };
	const char *name = profile->values[PNR_AWS_SOURCE_PROFILE];
	const char *place = profile->values[PNR_AWS_CREDENTIAL_SOURCE];
	pnr_status status = PNR_NOT_FOUND;
	if (name == NULL && strcmp(place, "Environment") == 0)
		return ask_environment(out_secret, err);
	if (name == NULL && strcmp(place, "EcsContainer") == 0)
		return pnr_aws__ask_container(aws, out_secret, err);
	if (name == NULL && strcmp(place, "Ec2InstanceMetadata") == 0)
		return pnr_aws__ask_instance(aws, out_secret, err);
	if (name == NULL)
		return pnr_fail(err, PNR_INVALID, "its credential_source is none that AWS knows");
	if (strcmp(name, profile->name) == 0)
		return ask_keys(aws, profile, out_secret, err);
	status = pnr_aws__read_profile(name, &source, err);
	return status == PNR_OK ? ask_profile(aws, &source, roles + 1, out_secret, err) : status;
}

static pnr_status assume_by_source(const pnr_aws *aws, const pnr_aws_profile *profile, unsigned roles,
                                   pnr_aws_secret *out_secret, pnr_error *err)
{
	PNR_CLEANUP(pnr_aws__secret_free) pnr_aws_secret source = { .id = NULL };
	const pnr_aws_role role = { .arn = profile->values[PNR_AWS_ROLE],
		                    .session = profile->values[PNR_AWS_SESSION],
		                    .source = &source,
		                    .external_id = profile->values[PNR_AWS_EXTERNAL_ID] };
	if (profile->values[PNR_AWS_MFA_SERIAL] != NULL)
		return fail_interactive(profile, "a device's code (mfa_serial)", err);
	if (roles == ROLES_MAX)
		return pnr_fail(err, PNR_INVALID, "more than %u roles, each assumed by the next", ROLES_MAX);
	pnr_status status = ask_source(aws, profile, roles, &source, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_DENIED, "who is to assume its role_arn has no credentials");
	return status == PNR_OK ? pnr_aws__assume_role(aws, &role, out_secret, err) : status;
}

static pnr_status ask_profile(const pnr_aws *aws, const pnr_aws_profile *profile, unsigned roles,
                              pnr_aws_secret *out_secret, pnr_error *err)
{
	char *const *values = profile->values;
	const pnr_aws_role role = { .arn = values[PNR_AWS_ROLE],
		                    .session = values[PNR_AWS_SESSION],
		                    .token_file = values[PNR_AWS_TOKEN_FILE] };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status;
	if (role.arn != NULL && role.token_file != NULL)
		status = pnr_aws__assume_role(aws, &role, out_secret, &own);
	else if (role.arn != NULL &&
	         (values[PNR_AWS_SOURCE_PROFILE] != NULL || values[PNR_AWS_CREDENTIAL_SOURCE] != NULL))
		status = assume_by_source(aws, profile, roles, out_secret, &own);
	else
		status = ask_keys(aws, profile, out_secret, &own);
	if (own.status == PNR_OK)
		return status;
	pnr_context(&own, "profile '%s'", profile->name);
	return pnr_fail_with(err, &own);
}

/* ------------------------------------------------------------------ the chain -- */

static pnr_status ask_all(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err)
{
	pnr_status status = ask_environment(out_secret, err);
	if (status == PNR_NOT_FOUND)
		status = ask_web_identity(aws, out_secret, err);
	if (status == PNR_NOT_FOUND)
		status = ask_profile(aws, &aws->profile, 0, out_secret, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_aws__ask_container(aws, out_secret, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_aws__ask_instance(aws, out_secret, err);
	if (status != PNR_NOT_FOUND)
		return status;
	return pnr_fail(err, PNR_DENIED,
	                "AWS_ACCESS_KEY_ID is not set, profile '%s' has none, and neither a container nor an "
	                "instance gives any; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
	                aws->profile.name);
}

static pnr_status renew(pnr_aws *aws, int64_t now_ms, pnr_error *err)
{
	PNR_CLEANUP(pnr_aws__secret_free) pnr_aws_secret secret = { .id = NULL };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = ask_all(aws, &secret, &own);
	if (status == PNR_OK && secret.expires_ms <= now_ms)
		status = pnr_fail(&own, PNR_DENIED, "those that are given have expired");
	if (status != PNR_OK && status != PNR_CANCELLED && aws->renew_ms != 0 && now_ms < aws->secret.expires_ms) {
		aws->renew_ms = pnr_secret_renewal(aws->secret.expires_ms, now_ms);
		return PNR_OK;
	}
	if (status != PNR_OK) {
		pnr_context(&own, "credentials of AWS");
		return pnr_fail_with(err, &own);
	}
	pnr_aws__secret_free(&aws->secret);
	aws->secret = secret;
	secret = (pnr_aws_secret){ .id = NULL };
	aws->renew_ms = pnr_secret_renewal(aws->secret.expires_ms, now_ms);
	return PNR_OK;
}

pnr_status pnr_aws_key(pnr_aws *aws, pnr_sigv4_key *key, pnr_error *err)
{
	int64_t now_ms = pnr_clock_now_ms();
	pnr_status status = aws->renew_ms <= now_ms ? renew(aws, now_ms, err) : PNR_OK;
	if (status != PNR_OK)
		return status;
	key->id = aws->secret.id;
	key->secret = aws->secret.secret;
	key->token = aws->secret.token;
	return PNR_OK;
}

/* ----------------------------------------------------------------- the handle -- */

void pnr_aws_set_watch(pnr_aws *aws, pnr_secret_watch watch)
{
	aws->watch = watch;
}

const char *pnr_aws_region(const pnr_aws *aws)
{
	const char *region = pnr_env("AWS_REGION");
	if (region == NULL)
		region = pnr_env("AWS_DEFAULT_REGION");
	if (region == NULL)
		region = aws->profile.values[PNR_AWS_REGION];
	return region == NULL ? "us-east-1" : region;
}

const char *pnr_aws_endpoint(const pnr_aws *aws)
{
	const char *endpoint = pnr_env("AWS_ENDPOINT_URL_S3");
	if (endpoint == NULL)
		endpoint = pnr_env("AWS_ENDPOINT_URL");
	return endpoint == NULL ? aws->profile.values[PNR_AWS_ENDPOINT] : endpoint;
}

void pnr_aws_free(pnr_aws *aws)
{
	if (aws == NULL)
		return;
	pnr_aws__profile_free(&aws->profile);
	pnr_aws__secret_free(&aws->secret);
	free(aws);
}

void pnr_aws_cleanup(pnr_aws **aws)
{
	pnr_aws_free(*aws);
}

pnr_status pnr_aws_new(pnr_aws **out_aws, pnr_error *err)
{
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = calloc(1, sizeof *aws);
	const char *named = pnr_env("AWS_PROFILE");
	if (aws == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_aws__read_profile(named == NULL ? "default" : named, &aws->profile, err);
	if (status != PNR_OK)
		return status;
	if (named != NULL && !aws->profile.found)
		return pnr_fail(err, PNR_DENIED,
		                "AWS_PROFILE is '%s', a profile that neither ~/.aws/credentials nor ~/.aws/config has",
		                named);
	*out_aws = PNR_STEAL(aws);
	return PNR_OK;
}
