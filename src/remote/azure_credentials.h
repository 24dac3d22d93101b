/*
 * Credentials of an Azure storage account. The first of these that is there is used:
 *
 *   1. AZURE_STORAGE_CONNECTION_STRING: AccountName, AccountKey or SharedAccessSignature, BlobEndpoint,
 *      DefaultEndpointsProtocol, EndpointSuffix, UseDevelopmentStorage=true
 *   2. AZURE_STORAGE_KEY: the account's key
 *   3. AZURE_STORAGE_SAS_TOKEN: a shared access signature
 *   4. AZURE_STORAGE_BEARER_TOKEN: what `az account get-access-token --resource https://storage.azure.com` prints
 *   5. AZURE_TENANT_ID and AZURE_CLIENT_ID with AZURE_FEDERATED_TOKEN_FILE or AZURE_CLIENT_SECRET: a token from
 *      AZURE_AUTHORITY_HOST, https://login.microsoftonline.com by default
 *   6. a managed identity (of AZURE_CLIENT_ID if that is set): from IDENTITY_ENDPOINT and IDENTITY_HEADER, else the
 *      instance metadata service, at AZURE_POD_IDENTITY_AUTHORITY_HOST if that is set
 *
 * AZURE_STORAGE_ACCOUNT, if it is set, says what account 2 and 3 are of. Secrets are overwritten when they are let go,
 * and are in no error text.
 *
 * Threads: one call per handle at a time. The environment is read: nobody may change it meanwhile.
 */
#ifndef PNR_REMOTE_AZURE_CREDENTIALS_H
#define PNR_REMOTE_AZURE_CREDENTIALS_H

#include "http/sign.h"
#include "remote/secret.h"

typedef struct pnr_azure_credentials pnr_azure_credentials;

/**
 * Find those of @account. Tokens of 5 and 6 are got when they are needed first.
 *
 * Errors: DENIED (those that are there are of another account), INVALID (they are not of the form that Azure
 * documents), NOMEM.
 */
PNR_CHECKED pnr_status pnr_azure_credentials_new(const char *account, pnr_azure_credentials **out_credentials,
                                                 pnr_error *err);
/** Accepts NULL. */
void pnr_azure_credentials_free(pnr_azure_credentials *credentials);
void pnr_azure_credentials_cleanup(pnr_azure_credentials **credentials);

/** What pnr_azure_sign calls while it waits. What that fails with, it fails with, too. */
void pnr_azure_set_watch(pnr_azure_credentials *credentials, pnr_secret_watch watch);

/** "https://host[:port][/account]", as the connection string has it; NULL if none says. Valid as long as the handle. */
const char *pnr_azure_endpoint(const pnr_azure_credentials *credentials);

/** Arguments for the query of each request: those of a shared access signature, else none. Valid as the handle is. */
const pnr_http_pair *pnr_azure_query(const pnr_azure_credentials *credentials, size_t *out_count);

/** Is it a shared access signature or a token: what is sent is enough for who reads it on its way? */
bool pnr_azure_sends_secret(const pnr_azure_credentials *credentials);

/**
 * The lines for a request: SharedKey, or a bearer token. A token is got anew 5 minutes before it expires; if that
 * fails, it is used as long as it lasts. May wait for a server.
 *
 * Errors: DENIED (who gives tokens refused, or there are no credentials anywhere: the text says where was looked),
 * INVALID, BUSY, RETRY, IO, UNSUPPORTED, NOMEM.
 */
PNR_CHECKED pnr_status pnr_azure_sign(pnr_azure_credentials *credentials, const pnr_sign_request *request,
                                      pnr_sign_lines *out_lines, pnr_error *err);

/* ------------------------------------------------------------ across its files -- */

/** A token and how long it lasts. Zeroed: there is none. */
typedef struct pnr_azure_token {
	char *text;
	int64_t expires_ms;
} pnr_azure_token;

/** Ask for one, as 5 and 6 say. NOT_FOUND, and nothing recorded: the environment names nobody, and nobody answers. */
PNR_CHECKED pnr_status pnr_azure__ask_token(const pnr_secret_watch *watch, pnr_azure_token *out_token, pnr_error *err);

#endif
