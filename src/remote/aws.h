/*
 * Credentials, region and endpoint of AWS, looked for where AWS's own tools look. The first place that has any is used:
 *
 *   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: STS gives credentials for them
 *   3. the profile AWS_PROFILE, else "default", of ~/.aws/credentials and ~/.aws/config (AWS_SHARED_CREDENTIALS_FILE,
 *      AWS_CONFIG_FILE): a role by web identity, a role by another profile or place, keys,
 *      credential_process
 *   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI
 *   5. the instance metadata service, version 2, unless AWS_EC2_METADATA_DISABLED is "true"
 *
 * A place that has some but not all of it, or fails, is an error, and no later one is asked. Secrets are overwritten
 * when they are let go, and are in no error text.
 *
 * Threads: one call per handle at a time. The environment is read: nobody may change it meanwhile.
 */
#ifndef PNR_REMOTE_AWS_H
#define PNR_REMOTE_AWS_H

#include "http/sign.h"
#include "remote/secret.h"

typedef struct pnr_aws pnr_aws;

/**
 * Read the environment and the profile. Nothing is run or asked yet.
 *
 * Errors: DENIED (the profile that AWS_PROFILE names is nowhere; a file may not be read), INVALID (a file is not of the
 * form that AWS documents), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_aws_new(pnr_aws **out_aws, pnr_error *err);
/** Accepts NULL. */
void pnr_aws_free(pnr_aws *aws);
void pnr_aws_cleanup(pnr_aws **aws);

/** What pnr_aws_key calls while it waits. What that fails with, it fails with, too. */
void pnr_aws_set_watch(pnr_aws *aws, pnr_secret_watch watch);

/** AWS_REGION, AWS_DEFAULT_REGION, the profile's; "us-east-1" if none says. Valid as long as the handle. */
const char *pnr_aws_region(const pnr_aws *aws);
/** AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's endpoint_url; NULL if none says. Valid as the region is. */
const char *pnr_aws_endpoint(const pnr_aws *aws);

/**
 * Set id, secret and token of @key: valid until the next call of this function on the handle. They are got when they
 * are asked for first, and anew 5 minutes before they expire; if that fails, they are used as long as they last.
 * May run a program and wait for a server: for a minute at most each. @key's region and service are left alone.
 *
 * Errors: DENIED (there are none anywhere, or who gives them refused; the text says where was looked), BUSY, RETRY, IO,
 * INVALID (what gives them does so in another form, or with control characters), NOMEM.
 */
PNR_CHECKED pnr_status pnr_aws_key(pnr_aws *aws, pnr_sigv4_key *key, pnr_error *err);

#endif
