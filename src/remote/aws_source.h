/* The places that AWS's credentials come from: across the files of aws. */
#ifndef PNR_REMOTE_AWS_SOURCE_H
#define PNR_REMOTE_AWS_SOURCE_H

#include "remote/aws.h"

/** What a place gave. Zeroed: nothing. */
typedef struct pnr_aws_secret {
	char *id, *secret;
	char *token;        /**< NULL: none */
	int64_t expires_ms; /**< since 1970; PNR_SECRET_NEVER */
} pnr_aws_secret;

void pnr_aws__secret_free(pnr_aws_secret *secret);

/**
 * Set both, and @token if it is not NULL; none may be NULL or "" but @token. Errors: INVALID (one holds
 * a control character), NOMEM.
 */
PNR_CHECKED pnr_status pnr_aws__secret_set(pnr_aws_secret *secret, const char *id, const char *key, const char *token,
                                           pnr_error *err);

/* --------------------------------------------------------------- profiles -- */

/** The settings that matter here, and their names in the files. */
#define PNR_AWS_SETTINGS(X)                                                                       \
	X(KEY_ID, "aws_access_key_id") X(SECRET, "aws_secret_access_key")                         \
	X(TOKEN, "aws_session_token") X(PROCESS, "credential_process") X(ROLE, "role_arn")        \
	X(SESSION, "role_session_name") X(TOKEN_FILE, "web_identity_token_file")                  \
	X(SOURCE_PROFILE, "source_profile") X(CREDENTIAL_SOURCE, "credential_source")             \
	X(EXTERNAL_ID, "external_id") X(MFA_SERIAL, "mfa_serial")                                 \
	X(SSO_SESSION, "sso_session") X(SSO_URL, "sso_start_url") X(REGION, "region")             \
	X(ENDPOINT, "endpoint_url")

typedef enum pnr_aws_setting {
#define PNR_X(id, text) PNR_AWS_##id,
	PNR_AWS_SETTINGS(PNR_X)
#undef PNR_X
	PNR_AWS_SETTING_COUNT
} pnr_aws_setting;

/** A profile of ~/.aws. Zeroed: of no name, and without any setting. */
typedef struct pnr_aws_profile {
	char *name;
	char *values[PNR_AWS_SETTING_COUNT]; /**< NULL: not set */
	bool found;                          /**< some file has it */
} pnr_aws_profile;

/** Fill the cleared @profile with what ~/.aws/credentials and, where that says nothing, ~/.aws/config say of @name. */
PNR_CHECKED pnr_status pnr_aws__read_profile(const char *name, pnr_aws_profile *profile, pnr_error *err);
void pnr_aws__profile_free(pnr_aws_profile *profile);

struct pnr_aws {
	pnr_aws_profile profile;
	pnr_aws_secret secret; /**< what was got last */
	pnr_secret_watch watch;
	int64_t renew_ms;      /**< when to get them anew; 0: there are none */
};

/* ------------------------------------------------------------- JSON texts -- */

/**
 * Read {"AccessKeyId", "SecretAccessKey", @token_name, "Expiration"}. @is_process: it must say "Version": 1, and the
 * last two may be missing. Errors: INVALID (it is something else), NOMEM.
 */
PNR_CHECKED pnr_status pnr_aws__read_json(const pnr_buffer *text, const char *token_name, bool is_process,
                                          pnr_aws_secret *out_secret, pnr_error *err);

/** Milliseconds of "2030-01-02T03:04:05", a fraction, "Z" or an offset. */
bool pnr_aws__parse_time(const char *text, int64_t *out_ms);

/**
 * Run @command, split at spaces as a shell does, with quotes and backslashes but nothing else, and read what it prints.
 * Its standard input is empty, what it says on standard error passes. It is killed after a minute.
 *
 * Errors: DENIED (it cannot be run, fails, or is too slow), INVALID (quotes that are not closed, or what it prints),
 * NOMEM, and those of the watch.
 */
PNR_CHECKED pnr_status pnr_aws__run_process(const pnr_aws *aws, const char *command, pnr_aws_secret *out_secret,
                                            pnr_error *err);

/* ---------------------------------------------------------------- servers -- */

/** Who asks STS for credentials of what role. */
typedef struct pnr_aws_role {
	const char *arn;
	const char *session;          /**< its name in AWS's logs; NULL: "pannier" */
	const char *token_file;       /**< web identity; NULL: by `source` */
	const pnr_aws_secret *source; /**< who may assume the role */
	const char *external_id;      /**< what its owner asks of `source`; NULL: nothing */
} pnr_aws_role;

/** Errors of all: DENIED (it refused), BUSY, RETRY, IO, INVALID (what it answers), NOMEM, the watch's. */
PNR_CHECKED pnr_status pnr_aws__assume_role(const pnr_aws *aws, const pnr_aws_role *role, pnr_aws_secret *out_secret,
                                            pnr_error *err);
/** NOT_FOUND: the environment does not name a container's. */
PNR_CHECKED pnr_status pnr_aws__ask_container(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err);
/** NOT_FOUND: nothing answers, or it has no role to give; or it is not to be asked. */
PNR_CHECKED pnr_status pnr_aws__ask_instance(const pnr_aws *aws, pnr_aws_secret *out_secret, pnr_error *err);

#endif
