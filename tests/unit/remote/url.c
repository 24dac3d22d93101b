/* URLs: taken apart as documented, refused with a reason, and no secret in it. */
#include "support.h"

static void assert_parts(const char *text, pnr_remote_kind kind, const char *shortest, const char *path,
                         const char *account, const char *bucket, const char *prefix, const char *endpoint)
{
	PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url url = { .kind = PNR_REMOTE_DIR };
	assert_ok(pnr_remote_url_parse(text, &url, err));
	assert_int_equal(url.kind, kind);
	assert_string_equal(url.text, shortest);
	assert_string_equal(url.path, path);
	assert_string_equal(url.account, account);
	assert_string_equal(url.bucket, bucket);
	assert_string_equal(url.prefix, prefix);
	assert_string_equal(url.endpoint, endpoint);
}

static void assert_refused(const char *text, pnr_status wanted, const char *reason)
{
	pnr_error err = PNR_ERROR_INIT;
	pnr_remote_url url = { .kind = PNR_REMOTE_KINDS };
	pnr_status status = pnr_remote_url_parse(text, &url, &err);
	if (status != wanted || strstr(err.message, reason) == NULL)
		fail_msg("'%s': %s: %s", text, pnr_status_name(status), err.message);
	assert_int_equal(url.kind, PNR_REMOTE_KINDS);
}

static void assert_folder(const char *text, const char *path)
{
	assert_parts(text, PNR_REMOTE_DIR, path, path, "", "", "", "");
}

static void a_path_is_a_folder_as_it_stands(void **state)
{
	char cwd[PATH_MAX], below[PATH_MAX + 16];
	(void)state;
	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_folder("/mnt/share", "/mnt/share");
	assert_folder("//mnt/./share//", "/mnt/share");
	assert_folder("/mnt/a b?c@d%20#&", "/mnt/a b?c@d%20#&");
	assert_folder("/mnt/s3://x", "/mnt/s3:/x");
	assert_folder("/", "/");
	assert_folder(".", cwd);
	(void)snprintf(below, sizeof below, "%s/rel", cwd);
	assert_folder("./rel", below);
	(void)snprintf(below, sizeof below, "%s/../rel", cwd);
	assert_folder("../rel", below);
}

static void a_file_url_is_a_folder_of_this_machine(void **state)
{
	(void)state;
	assert_folder("file:///mnt/share", "/mnt/share");
	assert_folder("file://localhost/mnt/share/", "/mnt/share");
	assert_folder("file:///mnt/a%20b%3Fc%2fd", "/mnt/a b?c/d");
	assert_refused("file://server/share", PNR_INVALID, "a folder of this machine");
	assert_refused("file://", PNR_INVALID, "a folder of this machine");
	assert_refused("file:///mnt/x?y", PNR_INVALID, "no parameters");
	assert_refused("file:///mnt/x#y", PNR_INVALID, "no parameters");
	assert_refused("file:///mnt/%2", PNR_INVALID, "two hex digits");
	assert_refused("file:///mnt/%2x", PNR_INVALID, "two hex digits");
	assert_refused("file:///mnt/%zz", PNR_INVALID, "two hex digits");
	assert_refused("file:///mnt/%00", PNR_INVALID, "or by 00");
}

static void an_s3_url_has_a_bucket_a_prefix_and_perhaps_an_endpoint(void **state)
{
	(void)state;
	assert_parts("s3://bucket", PNR_REMOTE_S3, "s3://bucket", "", "", "bucket", "", "");
	assert_parts("s3://b.u-c3/", PNR_REMOTE_S3, "s3://b.u-c3", "", "", "b.u-c3", "", "");
	assert_parts("s3://bucket/a/b_c.d/", PNR_REMOTE_S3, "s3://bucket/a/b_c.d", "", "", "bucket", "a/b_c.d", "");
	assert_parts("s3://bucket/a?endpoint=http://127.0.0.1:9000", PNR_REMOTE_S3,
	             "s3://bucket/a?endpoint=http://127.0.0.1:9000", "", "", "bucket", "a", "http://127.0.0.1:9000");
	assert_parts("s3://bucket?endpoint=https%3A%2F%2Fs3.example.org/", PNR_REMOTE_S3,
	             "s3://bucket?endpoint=https://s3.example.org", "", "", "bucket", "", "https://s3.example.org");
	assert_parts("s3://bucket?endpoint=http://[::1]:65535", PNR_REMOTE_S3,
	             "s3://bucket?endpoint=http://[::1]:65535", "", "", "bucket", "", "http://[::1]:65535");
}

static void an_azure_url_has_an_account_in_front(void **state)
{
	(void)state;
	assert_parts("azure://account1/con-tainer", PNR_REMOTE_AZURE, "azure://account1/con-tainer", "", "account1",
	             "con-tainer", "", "");
	assert_parts("azure://account/container/p/q?endpoint=http://localhost:10000", PNR_REMOTE_AZURE,
	             "azure://account/container/p/q?endpoint=http://localhost:10000", "", "account", "container", "p/q",
	             "http://localhost:10000");
}

static void names_that_no_provider_takes_are_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"s3://",         "s3:///x",       "s3://ab",         "s3://Bucket",     "s3://bucket-",
		"s3://-bucket",  "s3://buc ket",  "s3://buc_ket",    "azure://",        "azure://account",
		"azure://ac/container", "azure://acc-ount/container", "azure://account//x",
		"azure://account/con.tainer",
		"s3://bucket/a//b", "s3://bucket/../b", "s3://bucket//", "s3://bucket/a b", "s3://bucket/a%20b",
		"s3://bucket/\xc3\xa4", "s3://bucket#x",
		"s3://a123456789012345678901234567890123456789012345678901234567890123",
		"azure://a123456789012345678901234/container",
	};
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		assert_refused(wrong[i], PNR_INVALID, ":// URL: the ");
	char deep[64 + 2 * (PNR_REMOTE_DEPTH_MAX + 1)] = "s3://bucket";
	for (unsigned i = 0; i <= PNR_REMOTE_DEPTH_MAX; i++)
		strcat(deep, "/p");
	assert_refused(deep, PNR_INVALID, "the prefix");
}

static void an_endpoint_is_a_server_and_nothing_else(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"", "127.0.0.1:9000", "ftp://h", "http://", "http://h:", "http://h:0", "http://h:65536",
		"http://h:123456",
		"http://h:1x", "http://h/path", "http://h?x", "http://[::1", "http://[]", "http://h h", "http://:80",
		"http://[::1]x",
	};
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		char text[64];
		(void)snprintf(text, sizeof text, "s3://bucket?endpoint=%s", wrong[i]);
		assert_refused(text, PNR_INVALID, "the form https://host:port");
	}
	assert_refused("s3://bucket?endpoint=http%3", PNR_INVALID, "two hex digits");
}

static void this_machine_and_its_networks_are_known(void **state)
{
	(void)state;
	static const char *const here[] = { "http://localhost", "http://localhost:1/x", "https://127.0.0.1",
		                            "http://127.255.0.9:80/", "http://[::1]:1", "http://[::ffff:127.0.0.1]" };
	static const char *const near[] = { "http://169.254.169.254", "http://10.1.2.3:8081/msi", "http://172.16.0.1",
		                            "http://172.31.255.1", "http://192.168.1.1", "http://[fd00:ec2::254]",
		                            "http://[fe80::1]/x" };
	static const char *const far[] = { "http://localhost.example.com", "http://127.0.0.1.example.com",
		                           "http://127.example", "http://172.32.0.1", "http://172.15.0.1", "http://8.8.8.8",
		                           "http://169.253.1.1", "http://[::2]", "http://[2001:db8::1]", "http://name",
		                           "http://localhost@example.com", "http://127.0.0.1@example.com", "localhost", "",
		                           "http://1", "http://abcd", "http://127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1" };
	for (size_t i = 0; i < PNR_COUNT(here); i++)
		if (!pnr_remote_is_here(here[i]) || !pnr_remote_is_near(here[i]))
			fail_msg("%s", here[i]);
	for (size_t i = 0; i < PNR_COUNT(near); i++)
		if (pnr_remote_is_here(near[i]) || !pnr_remote_is_near(near[i]))
			fail_msg("%s", near[i]);
	for (size_t i = 0; i < PNR_COUNT(far); i++)
		if (pnr_remote_is_here(far[i]) || pnr_remote_is_near(far[i]))
			fail_msg("%s", far[i]);
}

static void credentials_are_refused_and_never_repeated(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"s3://SECRET:SECRET@bucket/x",
		"s3://SECRET@bucket",
		"s3://bucket/x@SECRET",
		"azure://account:SECRET@host/container",
		"azure://account/container?sv=2022&sig=SECRET",
		"azure://account/container?endpoint=http://h&sig=SECRET",
		"azure://account/container?SECRET",
		"s3://bucket?X-Amz-Signature=SECRET",
		"s3://bucket?endpoint=http://u:SECRET@h:9000",
		"s3://bucket?endpoint=http%3A%2F%2Fu%3ASECRET%40h",
	};
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		assert_refused(wrong[i], PNR_INVALID, "credentials do not belong");
	/* Nor is what is wrong otherwise. */
	static const char *const odd[] = {
		"s3://bucket?endpoint=SECRET", "s3://SECRET", "s3://bucket/SECRET//x", "https://SECRET@host/x",
		"file://SECRET@host/x", "SECRET", "SECRET@host:x", "://SECRET", "azure://SECRET/x", "file:///%SECRET",
	};
	for (size_t i = 0; i < PNR_COUNT(wrong) + PNR_COUNT(odd); i++) {
		pnr_error err = PNR_ERROR_INIT;
		pnr_remote_url url;
		const char *text = i < PNR_COUNT(wrong) ? wrong[i] : odd[i - PNR_COUNT(wrong)];
		assert_int_not_equal(pnr_remote_url_parse(text, &url, &err), PNR_OK);
		assert_null(strstr(err.message, "SECRET"));
	}
}

static void what_is_neither_a_folder_nor_a_url_is_told_what_is(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "backup", "backup/x", "...", "...x/y", "~/x", "a b://x", "://x" };
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		assert_refused(wrong[i], PNR_INVALID, "a remote is a folder (/mnt/share, ./folder) or a URL");
	assert_refused("ftp://host/x", PNR_UNSUPPORTED, "'ftp://' are not known");
	assert_refused("S3://bucket", PNR_UNSUPPORTED, "'S3://' are not known");
}

static void kinds_have_names(void **state)
{
	(void)state;
	assert_string_equal(pnr_remote_kind_name(PNR_REMOTE_DIR), "dir");
	assert_string_equal(pnr_remote_kind_name(PNR_REMOTE_AZURE), "azure");
	assert_string_equal(pnr_remote_kind_name(PNR_REMOTE_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_a_folder_as_it_stands),
		cmocka_unit_test(a_file_url_is_a_folder_of_this_machine),
		cmocka_unit_test(an_s3_url_has_a_bucket_a_prefix_and_perhaps_an_endpoint),
		cmocka_unit_test(an_azure_url_has_an_account_in_front),
		cmocka_unit_test(names_that_no_provider_takes_are_refused),
		cmocka_unit_test(an_endpoint_is_a_server_and_nothing_else),
		cmocka_unit_test(this_machine_and_its_networks_are_known),
		cmocka_unit_test(credentials_are_refused_and_never_repeated),
		cmocka_unit_test(what_is_neither_a_folder_nor_a_url_is_told_what_is),
		cmocka_unit_test(kinds_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
