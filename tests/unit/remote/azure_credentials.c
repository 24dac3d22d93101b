/* Where Azure's credentials come from: the environment, and servers that answer by a script. */
#include "remote/azure_credentials.h"
#include "credentials.h"

#define ACCOUNT "myaccount"
#define KEY "hidden+keys/" /* base64, as it should be */
#define DEAD "http://127.0.0.1:1"

/* Nothing of this machine's own. */
static int alone(void **state)
{
	if (scratch_setup(state) != 0)
		return -1;
	forget("AZURE_");
	forget("IDENTITY_");
	return setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", DEAD, 1);
}

static pnr_status open_account(pnr_azure_credentials **out, pnr_error *err)
{
	return pnr_azure_credentials_new(ACCOUNT, out, err);
}

static void assert_refuses(pnr_status wanted, const char *text)
{
	pnr_azure_credentials *c = NULL;
	assert_fails(open_account(&c, err), wanted, text);
	assert_null(c);
}

static pnr_status sign(pnr_azure_credentials *c, pnr_sign_lines *lines, pnr_error *err)
{
	const pnr_sign_request request = { .method = "GET", .path = "/c/b", .now_ms = 1435361952000 };
	return pnr_azure_sign(c, &request, lines, err);
}

/* The first line that a request gets starts so; NULL: it gets none. */
static void assert_signs(pnr_azure_credentials *c, const char *expected)
{
	PNR_CLEANUP(pnr_sign_lines_free) pnr_sign_lines lines = { .count = 0 };
	assert_ok(sign(c, &lines, err));
	if (expected == NULL)
		assert_int_equal(lines.count, 0);
	else if (lines.count == 0 || strncmp(lines.line[0], expected, strlen(expected)) != 0)
		fail_msg("%s", lines.count == 0 ? "no line" : lines.line[0]);
}

/* What the environment gives now. */
static void assert_gives(const char *line, const char *endpoint, const char *arguments)
{
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer query = PNR_BUFFER_INIT;
	size_t count;
	assert_ok(open_account(&c, err));
	assert_signs(c, line);
	if (endpoint == NULL)
		assert_null(pnr_azure_endpoint(c));
	else
		assert_string_equal(pnr_azure_endpoint(c), endpoint);
	const pnr_http_pair *pairs = pnr_azure_query(c, &count);
	assert_ok(pnr_sign_query(&query, pairs, count, err));
	assert_string_equal(count == 0 ? "" : query.data, arguments);
}

static void one_of_the_environment_is_used_in_that_order(void **state)
{
	(void)state;
	setenv("AZURE_STORAGE_BEARER_TOKEN", "hidden-token", 1);
	assert_gives("Authorization: Bearer hidden-token", NULL, "");
	setenv("AZURE_STORAGE_SAS_TOKEN", "?sv=2021-12-02&se=2999-01-01T00%3A00%3A00Z&sig=hi%2Bdd%2fen%3d", 1);
	assert_gives(NULL, NULL, "se=2999-01-01T00%3A00%3A00Z&sig=hi%2Bdd%2Fen%3D&sv=2021-12-02");
	setenv("AZURE_STORAGE_KEY", KEY, 1);
	assert_gives("Authorization: SharedKey " ACCOUNT ":", NULL, "");
	setenv("AZURE_STORAGE_CONNECTION_STRING", "BlobEndpoint=https://h/;SharedAccessSignature=sv=1&sig=x", 1);
	assert_gives(NULL, "https://h", "sig=x&sv=1");
}

static void a_connection_string_is_taken_apart(void **state)
{
	(void)state;
	static const struct {
		const char *text, *line, *endpoint, *arguments;
	} cases[] = {
		{ "DefaultEndpointsProtocol=https;AccountName=" ACCOUNT ";AccountKey=" KEY
		  ";EndpointSuffix=core.chinacloudapi.cn",
		  "Authorization: SharedKey " ACCOUNT ":", "https://" ACCOUNT ".blob.core.chinacloudapi.cn", "" },
		{ "accountname=" ACCOUNT ";ACCOUNTKEY=" KEY ";", "Authorization: SharedKey " ACCOUNT ":", NULL, "" },
		{ "AccountName=" ACCOUNT ";AccountKey=" KEY
		  ";DefaultEndpointsProtocol=http;Other=1;QueueEndpoint=http://q",
		  "Authorization: SharedKey " ACCOUNT ":", "http://" ACCOUNT ".blob.core.windows.net", "" },
		{ "BlobEndpoint=http://127.0.0.1:10000/" ACCOUNT ";AccountName=" ACCOUNT ";AccountKey=" KEY,
		  "Authorization: SharedKey " ACCOUNT ":", "http://127.0.0.1:10000/" ACCOUNT, "" },
		{ "SharedAccessSignature=?sv=1&sig=hidden;AccountName=" ACCOUNT ";\n", NULL, NULL, "sig=hidden&sv=1" },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		setenv("AZURE_STORAGE_CONNECTION_STRING", cases[i].text, 1);
		assert_gives(cases[i].line, cases[i].endpoint, cases[i].arguments);
	}
}

static void the_emulator_has_a_connection_string_of_its_own(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	setenv("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true", 1);
	assert_refuses(PNR_DENIED, "it is of account 'devstoreaccount1', the remote's is '" ACCOUNT "'");
	assert_ok(pnr_azure_credentials_new("devstoreaccount1", &c, err));
	assert_string_equal(pnr_azure_endpoint(c), "http://127.0.0.1:10000/devstoreaccount1");
	assert_signs(c, "Authorization: SharedKey devstoreaccount1:");
}

static void what_is_wrong_is_refused_and_not_repeated(void **state)
{
	(void)state;
	static const struct {
		const char *variable, *value, *message;
		pnr_status status;
	} cases[] = {
		{ "AZURE_STORAGE_CONNECTION_STRING", "hidden",
		  "AZURE_STORAGE_CONNECTION_STRING: it is not of the form", PNR_INVALID },
		{ "AZURE_STORAGE_CONNECTION_STRING", "AccountName=" ACCOUNT,
		  "it has neither an AccountKey nor a", PNR_INVALID },
		{ "AZURE_STORAGE_CONNECTION_STRING", "AccountKey=" KEY, "it has no AccountName", PNR_INVALID },
		{ "AZURE_STORAGE_CONNECTION_STRING", "AccountName=other;AccountKey=" KEY,
		  "it is of account 'other', the remote's is '" ACCOUNT "'", PNR_DENIED },
		{ "AZURE_STORAGE_CONNECTION_STRING", "SharedAccessSignature=hidden",
		  "not of the form 'sv=...&sig=...'", PNR_INVALID },
		{ "AZURE_STORAGE_BEARER_TOKEN", "hidden\r\nx-evil: 1",
		  "AZURE_STORAGE_BEARER_TOKEN: a key or token holds a line break", PNR_INVALID },
		{ "AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=hidden\n", "a key or token holds a line break", PNR_INVALID },
		{ "AZURE_STORAGE_SAS_TOKEN", "sv=1&hidden",
		  "AZURE_STORAGE_SAS_TOKEN: the shared access signature is not", PNR_INVALID },
		{ "AZURE_STORAGE_SAS_TOKEN", "sv=1&se=hidden", "the shared access signature has no 'sig'",
		  PNR_INVALID },
		{ "AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=hidden%2", "has a '%' without two hex digits",
		  PNR_INVALID },
		{ "AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=hidden%00", "has a '%' without two hex digits",
		  PNR_INVALID },
		{ "AZURE_STORAGE_SAS_TOKEN",
		  "1=&2=&3=&4=&5=&6=&7=&8=&9=&10=&11=&12=&13=&14=&15=&16=&17=&18=&19=&20=&21=&22=&23=&24=&sig=",
		  "not of the form", PNR_INVALID },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		setenv(cases[i].variable, cases[i].value, 1);
		assert_refuses(cases[i].status, cases[i].message);
		unsetenv(cases[i].variable);
	}
	setenv("AZURE_STORAGE_ACCOUNT", "other", 1);
	setenv("AZURE_STORAGE_KEY", KEY, 1);
	assert_refuses(PNR_DENIED, "AZURE_STORAGE_KEY: it is of account 'other'");
	unsetenv("AZURE_STORAGE_ACCOUNT");
	setenv("AZURE_STORAGE_KEY", "hidden-key!", 1);
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	pnr_sign_lines lines = { .count = 0 };
	assert_ok(open_account(&c, err));
	assert_fails(sign(c, &lines, err), PNR_INVALID, "the account's key is not base64");
}

static void without_any_it_says_where_was_looked(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	pnr_sign_lines lines = { .count = 0 };
	assert_ok(open_account(&c, err));
	assert_fails(sign(c, &lines, err), PNR_DENIED, "there are no credentials of Azure: set AZURE_STORAGE");
	assert_int_equal(lines.count, 0);
}

/* ------------------------------------------------------------------- tokens -- */

static void a_workload_shows_its_token(void **state)
{
	static const step steps[] = {
		{ .body = "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"hidden-a\"}" }
	};
	server s;
	char host[80];
	server_start(&s, steps, 1);
	snprintf(host, sizeof host, "%s/", s.origin);
	setenv("AZURE_AUTHORITY_HOST", host, 1);
	setenv("AZURE_TENANT_ID", "tenant", 1);
	setenv("AZURE_CLIENT_ID", "client id", 1);
	setenv("AZURE_CLIENT_SECRET", "hidden+s", 1);
	assert_gives("Authorization: Bearer hidden-a", NULL, "");
	assert_non_null(strstr(s.log.data, "POST /tenant/oauth2/v2.0/token HTTP/1.1\r\n"));
	assert_non_null(strstr(s.log.data,
	                       "\r\n\r\nclient_id=client%20id&client_secret=hidden%2Bs&grant_type=client_credentials"
	                       "&scope=https%3A%2F%2Fstorage.azure.com%2F.default\n"));
	setenv("AZURE_FEDERATED_TOKEN_FILE", put(*state, "jwt", "hidden.jwt\n"), 1);
	assert_gives("Authorization: Bearer hidden-a", NULL, "");
	assert_non_null(strstr(s.log.data,
	                       "\r\n\r\nclient_assertion=hidden.jwt&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth"
	                       "%3Aclient-assertion-type%3Ajwt-bearer&client_id=client%20id&"));
	server_stop(&s);
}

static void a_managed_identity_is_asked(void **state)
{
	(void)state;
	static const step steps[] = {
		{ .body = "{\"access_token\":\"hidden-m\",\"expires_on\":\"32472144000\"}" }
	};
	server s;
	char endpoint[96];
	server_start(&s, steps, 1);
	setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", s.origin, 1);
	assert_gives("Authorization: Bearer hidden-m", NULL, "");
	assert_non_null(strstr(s.log.data, "GET /metadata/identity/oauth2/token?api-version=2018-02-01&"
	                                   "resource=https%3A%2F%2Fstorage.azure.com%2F HTTP/1.1\r\n"));
	assert_non_null(strstr(s.log.data, "\r\nMetadata: true\r\n"));
	setenv("AZURE_CLIENT_ID", "me", 1);
	assert_gives("Authorization: Bearer hidden-m", NULL, "");
	assert_non_null(strstr(s.log.data, "?api-version=2018-02-01&client_id=me&resource="));
	setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", DEAD, 1);
	snprintf(endpoint, sizeof endpoint, "%s/msi/token", s.origin);
	setenv("IDENTITY_ENDPOINT", endpoint, 1);
	setenv("IDENTITY_HEADER", "hidden-h", 1);
	assert_gives("Authorization: Bearer hidden-m", NULL, "");
	assert_non_null(strstr(s.log.data, "GET /msi/token?api-version=2019-08-01&client_id=me&resource="));
	assert_non_null(strstr(s.log.data, "\r\nX-IDENTITY-HEADER: hidden-h\r\n"));
	server_stop(&s);
}

/* By a proxy that would answer, all of them: nothing of it is sent there, nor anywhere else. */
static void what_others_could_read_is_not_sent(void **state)
{
	(void)state;
	static const step steps[] = { { .body = "{\"access_token\":\"hidden-p\",\"expires_in\":3599}" } };
	static const struct {
		const char *variable, *url, *message;
	} cases[] = {
		{ "AZURE_AUTHORITY_HOST", "http://login.example.com",
		  "AZURE_CLIENT_ID: AZURE_AUTHORITY_HOST: credentials do not go over http://, where others can read them; "
		  "name a server with https://" },
		{ "AZURE_AUTHORITY_HOST", "http://10.0.0.1", "do not go over http://" },
		{ "AZURE_AUTHORITY_HOST", "http://localhost.example.com/", "do not go over http://" },
		{ "AZURE_AUTHORITY_HOST", "http://localhost@example.com/", "AZURE_AUTHORITY_HOST: credentials do not" },
		{ "AZURE_AUTHORITY_HOST", "login.example.com", "AZURE_AUTHORITY_HOST is not of the form" },
		{ "IDENTITY_ENDPOINT", "http://name.example.com/msi/token",
		  "the managed identity: IDENTITY_ENDPOINT: credentials do not go over http://" },
		{ "IDENTITY_ENDPOINT", "http://8.8.8.8/msi/token", "do not go over http://" },
		{ "AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://name.example.com",
		  "the managed identity: AZURE_POD_IDENTITY_AUTHORITY_HOST: credentials do not go over http://" },
	};
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	pnr_sign_lines lines = { .count = 0 };
	server proxy;
	server_start(&proxy, steps, 1);
	setenv("http_proxy", proxy.origin, 1);
	assert_ok(open_account(&c, err));
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		bool is_workload = strcmp(cases[i].variable, "AZURE_AUTHORITY_HOST") == 0;
		setenv("AZURE_TENANT_ID", "tenant", 1);
		setenv("AZURE_CLIENT_ID", "client", 1);
		setenv("IDENTITY_HEADER", "hidden-h", 1);
		if (is_workload)
			setenv("AZURE_CLIENT_SECRET", "hidden", 1);
		setenv(cases[i].variable, cases[i].url, 1);
		assert_fails(sign(c, &lines, err), PNR_INVALID, cases[i].message);
		unsetenv(cases[i].variable);
		unsetenv("AZURE_CLIENT_SECRET");
	}
	assert_int_equal(proxy.asked, 0);
	unsetenv("http_proxy");
	server_stop(&proxy);
}

static void a_header_of_the_environment_is_one_line(void **state)
{
	(void)state;
	static const step steps[] = { { .body = "{\"access_token\":\"hidden-m\",\"expires_in\":3599}" } };
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	pnr_sign_lines lines = { .count = 0 };
	server s;
	server_start(&s, steps, 1);
	setenv("IDENTITY_ENDPOINT", s.origin, 1);
	setenv("IDENTITY_HEADER", "hidden-h\r\nx-evil: 1", 1);
	assert_ok(open_account(&c, err));
	assert_fails(sign(c, &lines, err), PNR_INVALID,
	             "the managed identity: what is to be sent as header 'X-IDENTITY-HEADER' holds a line break");
	assert_int_equal(s.asked, 0);
	server_stop(&s);
}

/* Who gives credentials on this machine is never asked through a proxy, whatever the environment says. */
static void this_machine_is_asked_past_all_proxies(void **state)
{
	(void)state;
	static const step steps[] = { { .body = "{\"access_token\":\"hidden-d\",\"expires_in\":3599}" } };
	static const step never[] = { { .code = 500 } };
	server s, proxy;
	server_start(&s, steps, 1);
	server_start(&proxy, never, 1);
	setenv("http_proxy", proxy.origin, 1);
	setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", s.origin, 1);
	assert_gives("Authorization: Bearer hidden-d", NULL, "");
	setenv("AZURE_AUTHORITY_HOST", s.origin, 1);
	setenv("AZURE_TENANT_ID", "tenant", 1);
	setenv("AZURE_CLIENT_ID", "client", 1);
	setenv("AZURE_CLIENT_SECRET", "hidden", 1);
	assert_gives("Authorization: Bearer hidden-d", NULL, "");
	assert_int_equal(s.asked, 2);
	assert_int_equal(proxy.asked, 0);
	unsetenv("http_proxy");
	server_stop(&s);
	server_stop(&proxy);
}

static void who_gives_tokens_may_refuse(void **state)
{
	static const step steps[] = {
		{ .code = 400, .body = "{\"error\":\"invalid_client\",\"error_description\":\"hidden\"}" },
		{ .code = 404 },
		{ .body = "hidden" },
		{ .body = "{\"access_token\":\"hidden\"}" },
		{ .body = "{\"access_token\":\"hid\\nden\",\"expires_in\":1}" },
	};
	static const struct {
		const char *message;
		pnr_status status;
	} cases[] = { { "a token of Azure: AZURE_CLIENT_ID: POST ", PNR_DENIED },
		      { "404", PNR_DENIED },
		      { "what is answered is not JSON", PNR_INVALID },
		      { "or does not say when it expires", PNR_INVALID },
		      { "a key or token holds a line break", PNR_INVALID } };
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	pnr_sign_lines lines = { .count = 0 };
	server s;
	server_start(&s, steps, PNR_COUNT(steps));
	setenv("AZURE_AUTHORITY_HOST", s.origin, 1);
	setenv("AZURE_TENANT_ID", "tenant", 1);
	setenv("AZURE_CLIENT_ID", "client", 1);
	setenv("AZURE_FEDERATED_TOKEN_FILE", put(*state, "jwt", "hidden.jwt"), 1);
	assert_ok(open_account(&c, err));
	for (size_t i = 0; i < PNR_COUNT(cases); i++)
		assert_fails(sign(c, &lines, err), cases[i].status, cases[i].message);
	setenv("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/jwt", 1);
	assert_fails(sign(c, &lines, err), PNR_DENIED, "open '/nowhere/jwt': No such file");
	server_stop(&s);
}

static void a_token_is_kept_until_shortly_before_it_expires(void **state)
{
	(void)state;
	static const step steps[] = { { .body = "{\"access_token\":\"one\",\"expires_in\":\"3600\"}" },
		                      { .body = "{\"access_token\":\"two\",\"expires_in\":\"31\"}" },
		                      { .code = 500 } };
	PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
	server s;
	server_start(&s, steps, PNR_COUNT(steps));
	setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", s.origin, 1);
	assert_ok(open_account(&c, err));
	for (int i = 0; i < 3; i++)
		assert_signs(c, "Authorization: Bearer one");
	assert_int_equal(s.asked, 1);
	pnr_azure_credentials *other = NULL;
	assert_ok(open_account(&other, err));
	for (int i = 0; i < 3; i++)
		assert_signs(other, "Authorization: Bearer two");
	assert_int_equal(s.asked, 2);
	pnr_azure_credentials_free(other);
	server_stop(&s);
}

static pnr_status cancel(void *context, pnr_error *err)
{
	(void)context;
	return pnr_fail(err, PNR_CANCELLED, "cancelled");
}

static void who_waits_may_cancel(void **state)
{
	static const step steps[] = { { .hang = true } };
	pnr_sign_lines lines = { .count = 0 };
	server s;
	server_start(&s, steps, 1);
	setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", s.origin, 1);
	setenv("AZURE_AUTHORITY_HOST", s.origin, 1);
	for (int i = 0; i < 2; i++) {
		PNR_CLEANUP(pnr_azure_credentials_cleanup) pnr_azure_credentials *c = NULL;
		assert_ok(open_account(&c, err));
		pnr_azure_set_watch(c, (pnr_secret_watch){ cancel, NULL });
		assert_fails(sign(c, &lines, err), PNR_CANCELLED, "cancelled");
		setenv("AZURE_TENANT_ID", "tenant", 1);
		setenv("AZURE_CLIENT_ID", "client", 1);
		setenv("AZURE_FEDERATED_TOKEN_FILE", put(*state, "jwt", "hidden.jwt"), 1);
	}
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		alone_test(one_of_the_environment_is_used_in_that_order),
		alone_test(a_connection_string_is_taken_apart),
		alone_test(the_emulator_has_a_connection_string_of_its_own),
		alone_test(what_is_wrong_is_refused_and_not_repeated),
		alone_test(without_any_it_says_where_was_looked),
		alone_test(a_workload_shows_its_token),
		alone_test(a_managed_identity_is_asked),
		alone_test(what_others_could_read_is_not_sent),
		alone_test(a_header_of_the_environment_is_one_line),
		alone_test(this_machine_is_asked_past_all_proxies),
		alone_test(who_gives_tokens_may_refuse),
		alone_test(a_token_is_kept_until_shortly_before_it_expires),
		alone_test(who_waits_may_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
