/* Where AWS's credentials come from: the environment, files, programs, and servers that answer by a script. */
#include "remote/aws.h"
#include "credentials.h"
#include "remote/aws_source.h"
#include <signal.h>
#include <sys/stat.h>

/* Nothing of this machine's own. */
static int alone(void **state)
{
	static char home[PATH_MAX];
	if (scratch_setup(state) != 0)
		return -1;
	forget("AWS_");
	const scratch *s = *state;
	(void)snprintf(home, sizeof home, "%s", s->path);
	assert_int_equal(mkdirat(s->fd, ".aws", 0700), 0);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	return setenv("HOME", home, 1);
}

/* What a new handle gives: "ID SECRET TOKEN". */
static pnr_status look(char *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
	pnr_sigv4_key key = { .region = "r", .service = "s" };
	pnr_status status = pnr_aws_new(&aws, err);
	if (status == PNR_OK)
		status = pnr_aws_key(aws, &key, err);
	if (status == PNR_OK)
		sprintf(out, "%s %s %s", key.id, key.secret, key.token == NULL ? "-" : key.token);
	return status;
}

static void assert_gives(const char *expected)
{
	char got[256];
	assert_ok(look(got, err));
	assert_string_equal(got, expected);
}

static void assert_refuses(pnr_status wanted, const char *text)
{
	char got[256];
	assert_fails(look(got, err), wanted, text);
}

/* ------------------------------------------------- environment and profiles -- */

static void the_environment_comes_first(void **state)
{
	put(*state, ".aws/credentials", "[default]\naws_access_key_id = F\naws_secret_access_key = hidden-f\n");
	setenv("AWS_ACCESS_KEY_ID", "E", 1);
	assert_refuses(PNR_DENIED, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
	setenv("AWS_SECRET_ACCESS_KEY", "hidden-e", 1);
	assert_gives("E hidden-e -");
	setenv("AWS_SESSION_TOKEN", "hidden-t", 1);
	assert_gives("E hidden-e hidden-t");
	setenv("AWS_SESSION_TOKEN", "hidden\r\nx-evil: 1", 1);
	assert_refuses(PNR_INVALID, "credentials of AWS: a key or token holds a line break");
	setenv("AWS_SESSION_TOKEN", "", 1);
	setenv("AWS_ACCESS_KEY_ID", "hidden\x7f", 1);
	assert_refuses(PNR_INVALID, "a key or token holds a line break");
	setenv("AWS_ACCESS_KEY_ID", "", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "", 1);
	assert_gives("F hidden-f -");
}

static void a_profile_is_named(void **state)
{
	put(*state, ".aws/credentials",
	    "# keys\r\n; all of them\n\n[default]\naws_access_key_id = D\naws_secret_access_key=hidden-d\n"
	    "[other]\n  aws_access_key_id = no\nAWS_Access_Key_ID =  O  \naws_secret_access_key = hidden=o==\n"
	    "aws_session_token = hidden-t\n[half]\naws_access_key_id = H\n");
	assert_gives("D hidden-d -");
	setenv("AWS_PROFILE", "other", 1);
	assert_gives("O hidden=o== hidden-t");
	setenv("AWS_PROFILE", "half", 1);
	assert_refuses(PNR_DENIED, "profile 'half': it has only one of aws_access_key_id and aws_secret_access_key");
	setenv("AWS_PROFILE", "none", 1);
	assert_refuses(PNR_DENIED, "AWS_PROFILE is 'none', a profile that neither");
}

static void the_config_says_what_the_credentials_do_not(void **state)
{
	put(*state, ".aws/credentials", "[a]\naws_access_key_id = C\naws_secret_access_key = hidden-c\n");
	put(*state, ".aws/config",
	    "[a]\nregion = not-a-profile\n[profile a]\nregion = eu-north-1\naws_access_key_id = X\n"
	    "s3 =\n  region = nested\nendpoint_url = http://127.0.0.1:9\n[profile \"b c\"]\nregion = one\n"
	    "aws_access_key_id = B\naws_secret_access_key = hidden-b\nregion = two\n[default]\nregion = three\n");
	static const struct {
		const char *profile, *region, *endpoint;
	} cases[] = { { "a", "eu-north-1", "http://127.0.0.1:9" },
		      { "b c", "two", NULL },
		      { "default", "three", NULL } };
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
		setenv("AWS_PROFILE", cases[i].profile, 1);
		assert_ok(pnr_aws_new(&aws, err));
		assert_string_equal(pnr_aws_region(aws), cases[i].region);
		if (cases[i].endpoint == NULL)
			assert_null(pnr_aws_endpoint(aws));
		else
			assert_string_equal(pnr_aws_endpoint(aws), cases[i].endpoint);
		setenv("AWS_DEFAULT_REGION", "d", 1);
		assert_string_equal(pnr_aws_region(aws), "d");
		setenv("AWS_REGION", "r", 1);
		assert_string_equal(pnr_aws_region(aws), "r");
		setenv("AWS_ENDPOINT_URL", "http://b", 1);
		assert_string_equal(pnr_aws_endpoint(aws), "http://b");
		setenv("AWS_ENDPOINT_URL_S3", "http://a", 1);
		assert_string_equal(pnr_aws_endpoint(aws), "http://a");
		unsetenv("AWS_REGION");
		unsetenv("AWS_DEFAULT_REGION");
		unsetenv("AWS_ENDPOINT_URL");
		unsetenv("AWS_ENDPOINT_URL_S3");
	}
	setenv("AWS_PROFILE", "a", 1);
	assert_gives("C hidden-c -");
	setenv("AWS_PROFILE", "b c", 1);
	assert_gives("B hidden-b -");
}

static void files_may_be_elsewhere(void **state)
{
	setenv("AWS_SHARED_CREDENTIALS_FILE",
	       put(*state, "keys", "[default]\naws_access_key_id = K\naws_secret_access_key = hidden-k\n"), 1);
	setenv("AWS_CONFIG_FILE", put(*state, "conf", "[default]\nregion = here\n"), 1);
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
	assert_gives("K hidden-k -");
	assert_ok(pnr_aws_new(&aws, err));
	assert_string_equal(pnr_aws_region(aws), "here");
	unsetenv("HOME");
	assert_gives("K hidden-k -");
}

static void without_any_it_says_where_was_looked(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
	assert_refuses(PNR_DENIED, "AWS_ACCESS_KEY_ID is not set, profile 'default' has none, and neither a container "
	                           "nor an instance gives any");
	assert_ok(pnr_aws_new(&aws, err));
	assert_string_equal(pnr_aws_region(aws), "us-east-1");
	assert_null(pnr_aws_endpoint(aws));
}

static void files_of_another_form_are_refused_and_not_repeated(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = { { "[default\naws_secret_access_key = hidden\n", "credentials', line 1: '[' without ']'" },
		      { "[default]\n\nhidden\n", "credentials', line 3: it is not of the form 'name = value'" } };
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		put(*state, ".aws/credentials", cases[i].text);
		assert_refuses(PNR_INVALID, cases[i].message);
	}
	put(*state, ".aws/credentials", "[default]\nsso_session = x\n");
	assert_refuses(PNR_DENIED, "profile 'default': it is of single sign-on, which only the aws tool does");
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	const scratch *s = *state;
	mkdirat(s->fd, ".aws", 0700);
	mkdirat(s->fd, ".aws/config", 0700);
	assert_refuses(PNR_CONFLICT, "config");
}

/* ------------------------------------------------------------- a program -- */

static void put_process(const scratch *s, const char *command)
{
	char text[2 * PATH_MAX];
	snprintf(text, sizeof text, "[default]\ncredential_process = %s\n", command);
	put(s, ".aws/config", text);
}

static void a_program_prints_them(void **state)
{
	const scratch *s = *state;
	char command[PATH_MAX + 256];
	put_process(s, "printf '{\"Version\": 1, \"AccessKeyId\": \"P\", \"SecretAccessKey\": \"hidden-p\"}'");
	assert_gives("P hidden-p -");
	char *path = put(s, "a program",
	                 "#!/bin/sh\n[ \"$1\" = 'a \"b\\' ] && [ \"$2\" = '$HOME;' ] && [ $# = 3 ] || exit 3\n"
	                 "cat && echo '{\"Version\":1,\"AccessKeyId\":\"Q\",\"SecretAccessKey\":\"hidden-q\",'\n"
	                 "echo '\"SessionToken\":\"hidden-t\",\"Expiration\":\"2999-01-01T00:00:00Z\"}'\n");
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(command, sizeof command, "\"%s\"  \"a \\\"b\\\\\" $HOME\\; '' ", path);
	put_process(s, command);
	assert_gives("Q hidden-q hidden-t");
}

static void a_program_may_fail(void **state)
{
	static const struct {
		const char *command, *message;
		pnr_status status;
	} cases[] = {
		{ "false hidden", "profile 'default': credential_process: it ended with status 1", PNR_DENIED },
		{ "/nowhere/at-all", "'/nowhere/at-all' cannot be run: No such file or directory", PNR_DENIED },
		{ "sh -c 'kill -9 $$'", "it was ended by signal 9", PNR_DENIED },
		{ "echo 'hidden", "a quote in it is not closed", PNR_INVALID },
		{ "\t", "it is empty", PNR_INVALID },
		{ "echo hidden", "what it prints are no credentials: they are not JSON", PNR_INVALID },
		{ "true", "what it prints are no credentials: they are not JSON", PNR_INVALID },
		{ "echo '{\"AccessKeyId\":\"hidden\"}'", "they do not say \"Version\": 1", PNR_INVALID },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"hidden\"}'", "they lack AccessKeyId, SecretAccessKey",
		  PNR_INVALID },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"hidden\",\"Expiration\":\"soon\"}'",
		  "their Expiration is not a time", PNR_INVALID },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"I\",\"SecretAccessKey\":\"hidden\",\"Expiration\":"
		  "\"2001-01-01T00:00:00Z\"}'",
		  "those that are given have expired", PNR_DENIED },
		{ "echo '{\"Version\":1,\"AccessKeyId\":\"hidden\\n\",\"SecretAccessKey\":\"s\"}'",
		  "what it prints are no credentials: a key or token holds a line break", PNR_INVALID },
		{ "yes", "it prints 65536 bytes or more", PNR_INVALID },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		put_process(*state, cases[i].command);
		assert_refuses(cases[i].status, cases[i].message);
	}
}

/* Signed is while SIGPIPE is held back. */
static void a_program_has_signals_as_it_expects_them(void **state)
{
	const scratch *s = *state;
	char command[PATH_MAX + 128];
	sigset_t pipes, old;
	char *path = put(s, "signals",
	                 "#!/bin/sh\nfor set in SigBlk SigIgn; do\n"
	                 "[ $((0x$(sed -n \"s/^$set:[[:space:]]*//p\" /proc/self/status) & 0x1000)) = 0 ] || exit 3\n"
	                 "done\n"
	                 "echo '{\"Version\":1,\"AccessKeyId\":\"P\",\"SecretAccessKey\":\"hidden-p\"}'\n");
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(command, sizeof command, "'%s'", path);
	put_process(s, command);
	(void)sigemptyset(&pipes);
	(void)sigaddset(&pipes, SIGPIPE);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &pipes, &old), 0);
	assert_gives("P hidden-p -");
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	assert_gives("P hidden-p -");
	assert_ptr_not_equal(signal(SIGPIPE, before), SIG_ERR);
}

static void times_are_read_as_they_are_written(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms; /* -1: none */
	} cases[] = {
		{ "2015-08-30T12:36:00Z", 1440938160000 },      { "2015-08-30T12:36:00.123456+00:00", 1440938160000 },
		{ "2015-08-30T14:36:00+02:00", 1440938160000 }, { "2015-08-30T05:06:00-07:30", 1440938160000 },
		{ "2015-08-30T12:36:00", -1 },                  { "2015-08-30T12:36:00+0000", -1 },
		{ "2015-08-30T12:36:00+00:000", -1 },           { "2015-08-30T12:36:00Zx", -1 },
		{ "2015-08-30 12:36:00Z", -1 },                 { "2015-08-30T12:36Z", -1 },
		{ "", -1 }
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		int64_t ms = -1;
		if (pnr_aws__parse_time(cases[i].text, &ms) != (cases[i].ms != -1) || ms != cases[i].ms)
			fail_msg("'%s': %lld", cases[i].text, (long long)ms);
	}
}

/* A program that counts its runs, and gives what lasts so many seconds. */
static void put_counter(const scratch *s, const char *lasting)
{
	char text[4 * PATH_MAX], command[PATH_MAX + 128];
	snprintf(text, sizeof text,
	         "#!/bin/sh\necho x >>'%s/runs'\n[ ! -e '%s/broken' ] || exit 1\n"
	         "echo '{\"Version\":1,\"AccessKeyId\":\"R'$(wc -l <'%s/runs')'\",\"SecretAccessKey\":\"hidden\",'\n"
	         "echo '\"Expiration\":\"'$(date -u -d '%s' +%%FT%%TZ)'\"}'\n",
	         s->path, s->path, s->path, lasting);
	char *path = put(s, "counter", text);
	assert_int_equal(chmod(path, 0755), 0);
	snprintf(command, sizeof command, "'%s'", path);
	put_process(s, command);
}

static const char *id_of(pnr_aws *aws)
{
	pnr_sigv4_key key = { .region = "r", .service = "s" };
	assert_ok(pnr_aws_key(aws, &key, err));
	return key.id;
}

static void they_are_kept_until_five_minutes_before_they_expire(void **state)
{
	const scratch *s = *state;
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
	put_counter(s, "+1 hour");
	assert_ok(pnr_aws_new(&aws, err));
	assert_string_equal(id_of(aws), "R1");
	assert_string_equal(id_of(aws), "R1");
	int64_t left = aws->secret.expires_ms - aws->renew_ms;
	assert_true(left == 300000);
	/* that time has come */
	aws->renew_ms = pnr_clock_now_ms();
	assert_string_equal(id_of(aws), "R2");
	/* and what cannot be renewed is used as long as it lasts */
	put(s, "broken", "");
	aws->renew_ms = pnr_clock_now_ms();
	assert_string_equal(id_of(aws), "R2");
	assert_true(aws->renew_ms > pnr_clock_now_ms());
	aws->secret.expires_ms = aws->renew_ms = pnr_clock_now_ms();
	pnr_sigv4_key key = { .region = "r", .service = "s" };
	assert_fails(pnr_aws_key(aws, &key, err), PNR_DENIED, "it ended with status 1");
}

static void what_is_given_for_a_minute_is_not_got_for_each_request(void **state)
{
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
	put_counter(*state, "+1 minute");
	assert_ok(pnr_aws_new(&aws, err));
	assert_string_equal(id_of(aws), "R1");
	assert_string_equal(id_of(aws), "R1");
	int64_t ahead = aws->renew_ms - pnr_clock_now_ms();
	assert_true(ahead > 20000 && ahead <= 30000);
}

/* ------------------------------------------------------------------- servers -- */

#define STS_BODY(kind)                                                                               \
	"<" kind "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" kind "Result>"     \
	"<AssumedRoleUser><Arn>arn:x</Arn></AssumedRoleUser><Credentials><AccessKeyId>S</AccessKeyId>" \
	"<SecretAccessKey>hidden-s</SecretAccessKey><SessionToken>hidden-t</SessionToken>"            \
	"<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></" kind "Result></" kind "Response>"

static void sts_takes_a_web_identity(void **state)
{
	static const step steps[] = { { .body = STS_BODY("AssumeRoleWithWebIdentity") } };
	server s;
	server_start(&s, steps, 1);
	setenv("AWS_ENDPOINT_URL_STS", s.origin, 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", put(*state, "token", "hidden.jwt+/=\n"), 1);
	assert_refuses(PNR_DENIED, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
	setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/r", 1);
	assert_gives("S hidden-s hidden-t");
	assert_non_null(strstr(s.log.data, "POST / HTTP/1.1\r\n"));
	assert_null(strcasestr(s.log.data, "authorization:"));
	assert_non_null(strstr(s.log.data,
	                       "\r\n\r\nAction=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
	                       "RoleSessionName=pannier&Version=2011-06-15&WebIdentityToken=hidden.jwt%2B%2F%3D\n"));
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token", 1);
	assert_refuses(PNR_DENIED, "role 'arn:aws:iam::1:role/r': open '/nowhere/token': No such file");
	server_stop(&s);
}

static void sts_refuses(void **state)
{
	static const step steps[] = {
		{ .code = 400, .body = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
		                       "<Message>hidden</Message></Error></ErrorResponse>" },
		{ .code = 403, .body = "hidden" },
		{ .code = 404 },
		{ .body = "hidden" },
		{ .body = "<R><Credentials><AccessKeyId>hidden</AccessKeyId></Credentials></R>" },
		{ .body = "<R><Credentials><SessionToken>hidden&#10;x: 1</SessionToken></Credentials></R>" },
	};
	static const struct {
		const char *message;
		pnr_status status;
	} cases[] = { { "400: ExpiredTokenException", PNR_DENIED },
		      { "403", PNR_DENIED },
		      { "404", PNR_DENIED },
		      { "what STS answers are no credentials: XML, line 1", PNR_INVALID },
		      { "what STS answers are no credentials: some of them are missing", PNR_INVALID },
		      { "what STS answers are no credentials: a key or token holds a line break", PNR_INVALID } };
	server s;
	server_start(&s, steps, PNR_COUNT(steps));
	setenv("AWS_ENDPOINT_URL_STS", s.origin, 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", put(*state, "token", "hidden"), 1);
	setenv("AWS_ROLE_ARN", "arn:r", 1);
	for (size_t i = 0; i < PNR_COUNT(cases); i++)
		assert_refuses(cases[i].status, cases[i].message);
	server_stop(&s);
}

/* By a proxy that would answer. */
static void what_others_could_read_does_not_go_to_sts(void **state)
{
	static const step steps[] = { { .body = STS_BODY("AssumeRoleWithWebIdentity") } };
	server proxy;
	server_start(&proxy, steps, 1);
	setenv("http_proxy", proxy.origin, 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", put(*state, "token", "hidden"), 1);
	setenv("AWS_ROLE_ARN", "arn:r", 1);
	setenv("AWS_ENDPOINT_URL", "http://10.0.0.1:9000", 1);
	assert_refuses(PNR_INVALID, "role 'arn:r': AWS_ENDPOINT_URL: credentials do not go over http://");
	setenv("AWS_ENDPOINT_URL_STS", "http://sts.example.com", 1);
	assert_refuses(PNR_INVALID, "role 'arn:r': AWS_ENDPOINT_URL_STS: credentials do not go over http://, where "
	                            "others can read them; name a server with https://");
	setenv("AWS_ENDPOINT_URL_STS", "http://hidden@127.0.0.1", 1);
	assert_refuses(PNR_INVALID, "AWS_ENDPOINT_URL_STS: credentials do not belong in a remote's URL");
	assert_int_equal(proxy.asked, 0);
	server s;
	server_start(&s, steps, 1);
	setenv("AWS_ENDPOINT_URL_STS", s.origin, 1);
	assert_gives("S hidden-s hidden-t");
	assert_int_equal(proxy.asked, 0);
	unsetenv("http_proxy");
	server_stop(&s);
	server_stop(&proxy);
}

static void sts_is_trusted_as_the_bucket_is(void **state)
{
	static const step steps[] = { { .drop = true } };
	char origin[96];
	server s;
	server_start(&s, steps, 1);
	snprintf(origin, sizeof origin, "https://127.0.0.1%s", strrchr(s.origin, ':'));
	setenv("AWS_ENDPOINT_URL_STS", origin, 1);
	setenv("AWS_CA_BUNDLE", "/nowhere/authorities.pem", 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", put(*state, "token", "hidden"), 1);
	setenv("AWS_ROLE_ARN", "arn:r", 1);
	assert_refuses(PNR_INVALID, "/nowhere/authorities.pem");
	server_stop(&s);
}

static void a_role_is_assumed_by_another_profile(void **state)
{
	static const step steps[] = { { .body = STS_BODY("AssumeRole") } };
	server s;
	server_start(&s, steps, 1);
	setenv("AWS_ENDPOINT_URL_STS", s.origin, 1);
	put(*state, ".aws/config",
	    "[profile r]\nrole_arn = arn:r\nsource_profile = base\nrole_session_name = me\nregion = eu-1\n"
	    "[profile base]\naws_access_key_id = B\naws_secret_access_key = hidden-b\n"
	    "[profile own]\nrole_arn = arn:o\nsource_profile = own\naws_access_key_id = O\n"
	    "aws_secret_access_key = hidden-o\n"
	    "[profile round]\nrole_arn = arn:a\nsource_profile = trip\n"
	    "[profile trip]\nrole_arn = arn:b\nsource_profile = round\n"
	    "[profile ext]\nrole_arn = arn:x\nsource_profile = base\nexternal_id = a/b 1\n"
	    "[profile mfa]\nrole_arn = arn:m\nsource_profile = base\nmfa_serial = arn:device\n"
	    "[profile by-mfa]\nrole_arn = arn:n\nsource_profile = mfa\n"
	    "[profile env]\nrole_arn = arn:e\ncredential_source = Environment\n"
	    "[profile odd]\nrole_arn = arn:e\ncredential_source = hidden\n"
	    "[profile web]\nrole_arn = arn:w\nweb_identity_token_file = /nowhere/token\n");
	setenv("AWS_PROFILE", "r", 1);
	assert_gives("S hidden-s hidden-t");
	assert_non_null(strstr(s.log.data, "AWS4-HMAC-SHA256 Credential=B/"));
	assert_non_null(strstr(s.log.data, "/eu-1/sts/aws4_request"));
	assert_non_null(strstr(s.log.data,
	                       "\r\n\r\nAction=AssumeRole&RoleArn=arn%3Ar&RoleSessionName=me&Version=2011-06-15\n"));
	setenv("AWS_PROFILE", "own", 1);
	assert_gives("S hidden-s hidden-t");
	assert_non_null(strstr(s.log.data, "Credential=O/"));
	setenv("AWS_PROFILE", "ext", 1);
	assert_gives("S hidden-s hidden-t");
	assert_non_null(strstr(s.log.data, "\r\n\r\nAction=AssumeRole&ExternalId=a%2Fb%201&RoleArn=arn%3Ax&"));
	unsigned asked = s.asked;
	setenv("AWS_PROFILE", "mfa", 1);
	assert_refuses(PNR_DENIED, "profile 'mfa': it is of a device's code (mfa_serial), which only the aws tool does; "
	                           "set credential_process = aws configure export-credentials --profile mfa");
	setenv("AWS_PROFILE", "by-mfa", 1);
	assert_refuses(PNR_DENIED, "profile 'by-mfa': profile 'mfa': it is of a device's code (mfa_serial)");
	assert_int_equal(s.asked, asked);
	setenv("AWS_PROFILE", "round", 1);
	assert_refuses(PNR_INVALID, "more than 5 roles, each assumed by the next");
	setenv("AWS_PROFILE", "env", 1);
	assert_refuses(PNR_DENIED, "profile 'env': who is to assume its role_arn has no credentials");
	setenv("AWS_PROFILE", "odd", 1);
	assert_refuses(PNR_INVALID, "its credential_source is none that AWS knows");
	setenv("AWS_PROFILE", "web", 1);
	assert_refuses(PNR_DENIED, "profile 'web': role 'arn:w': open '/nowhere/token'");
	server_stop(&s);
}

#define JSON_BODY                                                                         \
	"{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"J\",\"SecretAccessKey\":" \
	"\"hidden-j\",\"Token\":\"hidden-t\",\"Expiration\":\"2999-01-01T00:00:00Z\"}"

static void an_instance_has_a_role(void **state)
{
	(void)state;
	static const step steps[] = { { .body = "session-token" }, { .body = "my-role\n" }, { .body = JSON_BODY } };
	server s;
	server_start(&s, steps, PNR_COUNT(steps));
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.origin, 1);
	assert_refuses(PNR_DENIED, "neither a container nor an instance gives any");
	assert_int_equal(s.asked, 0);
	setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_gives("J hidden-j hidden-t");
	unsetenv("http_proxy");
	assert_non_null(strstr(s.log.data, "PUT /latest/api/token HTTP/1.1\r\n"));
	assert_non_null(strstr(s.log.data, "\r\nx-aws-ec2-metadata-token-ttl-seconds: 300\r\n"));
	assert_non_null(strstr(s.log.data, "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n"));
	assert_non_null(strstr(s.log.data, "GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1\r\n"));
	const char *first = strstr(s.log.data, "\r\nx-aws-ec2-metadata-token: session-token\r\n");
	assert_non_null(first);
	assert_non_null(strstr(first + 2, "\r\nx-aws-ec2-metadata-token: session-token\r\n"));
	server_stop(&s);
}

static void an_instance_without_a_role_has_none(void **state)
{
	(void)state;
	static const step refused[] = { { .code = 403 } }, none[] = { { .body = "t" }, { .code = 404 } },
			  broken[] = { { .body = "t" }, { .body = "r" }, { .body = "hidden" } };
	static const struct {
		const step *steps;
		size_t count;
		const char *message;
		pnr_status status;
	} cases[] = {
		{ refused, 1, "neither a container nor an instance gives any", PNR_DENIED },
		{ none, 2, "neither a container nor an instance gives any", PNR_DENIED },
		{ broken, 3, "the instance's credentials: what it answers are no credentials: they are not JSON",
		  PNR_INVALID },
	};
	setenv("AWS_EC2_METADATA_DISABLED", "", 1);
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		server s;
		server_start(&s, cases[i].steps, cases[i].count);
		setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.origin, 1);
		assert_refuses(cases[i].status, cases[i].message);
		server_stop(&s);
	}
	/* nobody listens */
	assert_refuses(PNR_DENIED, "neither a container nor an instance gives any");
}

static void a_container_gives_them(void **state)
{
	static const step steps[] = { { .body = JSON_BODY }, { .body = JSON_BODY }, { .code = 404 }, { .body = "{}" } };
	char url[128];
	server s;
	server_start(&s, steps, PNR_COUNT(steps));
	snprintf(url, sizeof url, "%s/role/arn", s.origin);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_gives("J hidden-j hidden-t");
	unsetenv("http_proxy");
	assert_non_null(strstr(s.log.data, "GET /role/arn HTTP/1.1\r\n"));
	assert_null(strcasestr(s.log.data, "authorization:"));
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hidden\nx", 1);
	assert_refuses(PNR_INVALID, "the token is of more than one line");
	setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", put(*state, "token", "Bearer hidden\n"), 1);
	assert_gives("J hidden-j hidden-t");
	assert_non_null(strstr(s.log.data, "\r\nAuthorization: Bearer hidden\r\n"));
	assert_refuses(PNR_DENIED, "the container's credentials: GET ");
	assert_refuses(PNR_INVALID, "they lack AccessKeyId, SecretAccessKey or Token");
	static const char *const urls[] = { "http://example.com/x", "http://localhost.example.com/",
		                            "http://169.254.170.3/", "ftp://localhost/", "x" };
	for (size_t i = 0; i < PNR_COUNT(urls); i++) {
		setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[i], 1);
		assert_refuses(PNR_INVALID, "FULL_URI is neither https:// nor of this machine");
	}
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.2:1@example.com/", 1);
	assert_refuses(PNR_INVALID, "credentials do not belong in a remote's URL");
	server_stop(&s);
}

static void a_container_that_is_busy_for_long_is_not_waited_for(void **state)
{
	(void)state;
	static const step steps[] = { { .code = 503, .headers = "Retry-After: 30\r\n" } };
	server s;
	server_start(&s, steps, 1);
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", s.origin, 1);
	double begin = pnr_clock_monotonic();
	assert_refuses(PNR_BUSY, "the container's credentials: GET ");
	assert_true(pnr_clock_monotonic() - begin < 25);
	server_stop(&s);
}

static pnr_status cancel(void *context, pnr_error *err)
{
	unsigned *polls = context;
	return ++*polls > 2 ? pnr_fail(err, PNR_CANCELLED, "cancelled") : PNR_OK;
}

static void assert_cancels(void)
{
	PNR_CLEANUP(pnr_aws_cleanup) pnr_aws *aws = NULL;
	pnr_sigv4_key key = { .region = "r", .service = "s" };
	unsigned polls = 0;
	double begin = pnr_clock_monotonic();
	assert_ok(pnr_aws_new(&aws, err));
	pnr_aws_set_watch(aws, (pnr_secret_watch){ cancel, &polls });
	assert_fails(pnr_aws_key(aws, &key, err), PNR_CANCELLED, "cancelled");
	assert_true(pnr_clock_monotonic() - begin < 15);
}

static void who_waits_may_cancel(void **state)
{
	static const step steps[] = { { .hang = true } };
	server s;
	put_process(*state, "sleep 20");
	assert_cancels();
	put_process(*state, "sh -c 'exec >&-; exec sleep 20'");
	assert_cancels();
	put(*state, ".aws/config", "");
	server_start(&s, steps, 1);
	setenv("AWS_EC2_METADATA_DISABLED", "", 1);
	setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.origin, 1);
	assert_cancels();
	setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", s.origin, 1);
	assert_cancels();
	setenv("AWS_ENDPOINT_URL_STS", s.origin, 1);
	setenv("AWS_WEB_IDENTITY_TOKEN_FILE", put(*state, "token", "hidden"), 1);
	setenv("AWS_ROLE_ARN", "arn:r", 1);
	assert_cancels();
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		alone_test(the_environment_comes_first),
		alone_test(a_profile_is_named),
		alone_test(the_config_says_what_the_credentials_do_not),
		alone_test(files_may_be_elsewhere),
		alone_test(without_any_it_says_where_was_looked),
		alone_test(files_of_another_form_are_refused_and_not_repeated),
		alone_test(a_file_that_cannot_be_read_is_an_error),
		alone_test(a_program_prints_them),
		alone_test(a_program_may_fail),
		alone_test(a_program_has_signals_as_it_expects_them),
		alone_test(times_are_read_as_they_are_written),
		alone_test(they_are_kept_until_five_minutes_before_they_expire),
		alone_test(what_is_given_for_a_minute_is_not_got_for_each_request),
		alone_test(sts_takes_a_web_identity),
		alone_test(sts_refuses),
		alone_test(what_others_could_read_does_not_go_to_sts),
		alone_test(sts_is_trusted_as_the_bucket_is),
		alone_test(a_role_is_assumed_by_another_profile),
		alone_test(an_instance_has_a_role),
		alone_test(an_instance_without_a_role_has_none),
		alone_test(a_container_gives_them),
		alone_test(a_container_that_is_busy_for_long_is_not_waited_for),
		alone_test(who_waits_may_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
