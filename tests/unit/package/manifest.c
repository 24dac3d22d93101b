/* manifest.json, read. */
#include "package/manifest_read.h"
#include "base/buffer.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define H1 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD "\"version\":\"1.0\",\"createdAt\":\"2026-01-24T12:34:56.789Z\""
#define ASSET(path, hash, size, type) \
	"{\"relativePath\":\"" path "\",\"hash\":\"" hash "\",\"size\":" size ",\"type\":\"" type "\"}"
#define GOOD ASSET("a", H1, "0", "model")
#define WITH(assets) "{" HEAD ",\"assets\":[" assets "]}"

static pnr_status read_text(const char *text, pnr_manifest **out, pnr_error *err)
{
	/* A copy without a NUL behind it: reading past the end is found. */
	size_t length = strlen(text);
	char *copy = malloc(length == 0 ? 1 : length);
	assert_non_null(copy);
	memcpy(copy, text, length);
	pnr_status status = pnr_manifest_read(copy, length, out, err);
	free(copy);
	return status;
}

static void a_whole_manifest_is_read(void **state)
{
	(void)state;
	static const char text[] =
		"{\"assets\":[{\"type\":\"wasm\",\"size\":9007199254740992,\"hash\":\"" H1 "\","
		"\"absolutePath\":\"/x/\\u00e9\",\"relativePath\":\"wasm\\/a.wasm\",\"nodes\":[{\"size\":1}]}," GOOD "],"
		"\"packageHash\":\"" H1 "\",\"config\": {\"a\": 1.50} ,\"assumptionRefs\":[\"assumptions://m:v1\"],"
		"\"externalRefs\":[], \"delta\": {\"assets\": 5}, " HEAD "}";
	pnr_error err = PNR_ERROR_INIT;
	pnr_manifest *m = NULL;
	assert_int_equal(pnr_manifest_read(text, sizeof text - 1, &m, &err), PNR_OK);
	assert_int_equal(m->created_ms, 1769258096789);
	assert_int_equal(m->asset_count, 2);
	assert_string_equal(m->assets[0].path, "wasm/a.wasm");
	assert_string_equal(m->assets[0].source_path, "/x/\xc3\xa9");
	assert_string_equal(m->assets[0].type, "wasm");
	assert_true(m->assets[0].size == (uint64_t)1 << 53);
	assert_null(m->assets[1].source_path);
	assert_string_equal(m->assets[1].type, "model");
	assert_true(m->has_package_hash);
	assert_true(pnr_digest_equal(&m->package_hash, &m->assets[0].hash));
	assert_int_equal(m->config.end - m->config.start, strlen("{\"a\": 1.50}"));
	assert_memory_equal(text + m->config.start, "{\"a\": 1.50}", m->config.end - m->config.start);
	assert_true(m->assumption_refs.present);
	assert_int_equal(m->assumption_refs.count, 1);
	assert_string_equal(m->assumption_refs.items[0], "assumptions://m:v1");
	assert_true(m->external_refs.present);
	assert_int_equal(m->external_refs.count, 0);
	pnr_manifest_free(m);
}

static void what_the_old_packager_leaves_out_may_be_missing(void **state)
{
	(void)state;
	pnr_manifest *m = NULL;
	assert_int_equal(read_text(WITH(GOOD), &m, NULL), PNR_OK);
	assert_false(m->has_package_hash);
	assert_false(m->assumption_refs.present);
	assert_int_equal(m->config.start, m->config.end);
	pnr_manifest_free(m);
}

static void keys_count_by_what_they_spell(void **state)
{
	(void)state;
	pnr_manifest *m = NULL;
	assert_int_equal(read_text("{" HEAD ",\"\\u0061ssets\":[" GOOD "]}", &m, NULL), PNR_OK);
	assert_int_equal(m->asset_count, 1);
	pnr_manifest_free(m);
}

static void a_key_in_another_case_is_another_key(void **state)
{
	(void)state;
	pnr_manifest *m = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(read_text("{" HEAD ",\"Assets\":[" GOOD "]}", &m, &err), PNR_CORRUPT);
	assert_string_equal(err.message, "/assets is missing");
	assert_null(m);
}

static void what_is_wrong_is_named_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		pnr_status status;
		const char *message;
	} rows[] = {
		{ "", PNR_CORRUPT, "line 1" },
		{ "{", PNR_CORRUPT, "line 1" },
		{ "\xef\xbb\xbf{}", PNR_CORRUPT, "line 1" },
		{ WITH(GOOD) "x", PNR_CORRUPT, "line 1" },
		{ "{" HEAD ",\"assets\":[],\"assets\":[]}", PNR_CORRUPT, "assets" },
		{ "null", PNR_CORRUPT, "it is not an object" },
		{ "[]", PNR_CORRUPT, "it is not an object" },
		{ "[{" HEAD ",\"assets\":[]}]", PNR_CORRUPT, "it is not an object" },
		{ "{}", PNR_CORRUPT, "/version is missing" },
		{ "{\"version\":1.0}", PNR_CORRUPT, "/version is not a string" },
		{ "{\"version\":\"1.1\"}", PNR_UNSUPPORTED, "format version '1.1'; this build reads 1.0" },
		{ "{\"version\":\"\"}", PNR_UNSUPPORTED, "format version ''" },
		{ "{\"version\":\"1.0\"}", PNR_CORRUPT, "/createdAt is missing" },
		{ "{\"version\":\"1.0\",\"createdAt\":7}", PNR_CORRUPT, "/createdAt is not a string" },
		{ "{\"version\":\"1.0\",\"createdAt\":\"yesterday\",\"assets\":[]}", PNR_CORRUPT, "/createdAt is not a time" },
		{ "{" HEAD "}", PNR_CORRUPT, "/assets is missing" },
		{ "{" HEAD ",\"assets\":{}}", PNR_CORRUPT, "/assets is not an array" },
		{ "{" HEAD ",\"assets\":null}", PNR_CORRUPT, "/assets is not an array" },
		{ WITH("1"), PNR_CORRUPT, "/assets/0 is not an object" },
		{ WITH(GOOD ",[" GOOD "]"), PNR_CORRUPT, "/assets/1 is not an object" },
		{ WITH(GOOD ",{}"), PNR_CORRUPT, "/assets/1/relativePath is missing" },
		{ WITH("{\"relativePath\":\"a\"}"), PNR_CORRUPT, "/assets/0/hash is missing" },
		/* the fields of one asset do not fill in for the next */
		{ WITH(GOOD ",{\"relativePath\":\"b\",\"hash\":\"" H1 "\",\"size\":1}"), PNR_CORRUPT, "/assets/1/type is missing" },
		{ WITH("{\"relativePath\":5}"), PNR_CORRUPT, "/assets/0/relativePath is not a string" },
		{ WITH("{\"relativePath\":\"a\",\"absolutePath\":null,\"hash\":\"" H1 "\",\"size\":1,\"type\":\"wasm\"}"),
		  PNR_CORRUPT, "/assets/0/absolutePath is not a string" },
		{ WITH(ASSET("a", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "0", "wasm")),
		  PNR_CORRUPT, "/assets/0/hash is not 64 lower-case hex digits" },
		{ WITH(ASSET("a", "e3b0", "0", "wasm")), PNR_CORRUPT, "/assets/0/hash is not 64" },
		{ WITH(ASSET("a", H1 "0", "0", "wasm")), PNR_CORRUPT, "/assets/0/hash is not 64" },
		{ WITH(ASSET("a", H1, "\"0\"", "wasm")), PNR_CORRUPT, "/assets/0/size is not a number" },
		{ WITH(ASSET("a", H1, "-1", "wasm")), PNR_CORRUPT, "/assets/0/size is not a whole number" },
		{ WITH(ASSET("a", H1, "1.5", "wasm")), PNR_CORRUPT, "/assets/0/size is not a whole number" },
		{ WITH(ASSET("a", H1, "1e3", "wasm")), PNR_CORRUPT, "/assets/0/size is not a whole number" },
		{ WITH(ASSET("a", H1, "9007199254740993", "wasm")), PNR_CORRUPT, "/assets/0/size is not a whole number" },
		{ WITH(ASSET("a", H1, "18446744073709551617", "wasm")), PNR_CORRUPT, "/assets/0/size is not a whole number" },
		{ WITH(ASSET("a", H1, "1", "engine")), PNR_CORRUPT, "/assets/0/type is none of config, model" },
		{ WITH(ASSET("a", H1, "1", "")), PNR_CORRUPT, "/assets/0/type is none of" },
		{ "{" HEAD ",\"assets\":[],\"packageHash\":null}", PNR_CORRUPT, "/packageHash is not a string" },
		{ "{" HEAD ",\"assets\":[],\"packageHash\":\"\"}", PNR_CORRUPT, "/packageHash is not 64" },
		{ "{" HEAD ",\"assets\":[],\"config\":[]}", PNR_CORRUPT, "/config is not an object" },
		{ "{" HEAD ",\"assets\":[],\"assumptionRefs\":{}}", PNR_CORRUPT, "/assumptionRefs is not an array" },
		{ "{" HEAD ",\"assets\":[],\"assumptionRefs\":[\"a\",1]}", PNR_CORRUPT, "/assumptionRefs/1 is not a string" },
		{ "{" HEAD ",\"assets\":[],\"externalRefs\":[{}]}", PNR_CORRUPT, "/externalRefs/0 is not a string" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		pnr_error err = PNR_ERROR_INIT;
		pnr_manifest *m = NULL;
		pnr_status status = read_text(rows[i].text, &m, &err);
		if (status != rows[i].status || strstr(err.message, rows[i].message) == NULL)
			fail_msg("%s: %s: %s", rows[i].text, pnr_status_name(status), err.message);
		assert_int_equal(err.status, status);
		assert_null(m);
	}
}

static void nesting_has_a_limit(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_puts(&text, "{" HEAD ",\"assets\":[],\"x\":");
	for (int i = 0; i < 1000; i++)
		pnr_buffer_putc(&text, '[');
	for (int i = 0; i < 1000; i++)
		pnr_buffer_putc(&text, ']');
	pnr_buffer_putc(&text, '}');
	pnr_manifest *m = NULL;
	assert_int_equal(read_text(text.data, &m, NULL), PNR_CORRUPT);
	assert_null(m);
}

static void many_assets_keep_their_order(void **state)
{
	(void)state;
	enum { COUNT = 20000 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_puts(&text, "{" HEAD ",\"assets\":[");
	for (int i = 0; i < COUNT; i++)
		pnr_buffer_printf(&text, "%s{\"relativePath\":\"f%d\",\"hash\":\"" H1 "\",\"size\":%d,\"type\":\"policy\"}",
		                  i == 0 ? "" : ",", i, i);
	pnr_buffer_puts(&text, "]}");
	assert_false(text.failed);
	pnr_manifest *m = NULL;
	assert_int_equal(pnr_manifest_read(text.data, text.length, &m, NULL), PNR_OK);
	assert_int_equal(m->asset_count, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(m->assets[i].size, i);
	assert_string_equal(m->assets[COUNT - 1].path, "f19999");
	pnr_manifest_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_manifest_is_read),
		cmocka_unit_test(what_the_old_packager_leaves_out_may_be_missing),
		cmocka_unit_test(keys_count_by_what_they_spell),
		cmocka_unit_test(a_key_in_another_case_is_another_key),
		cmocka_unit_test(what_is_wrong_is_named_with_its_place),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(many_assets_keep_their_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
