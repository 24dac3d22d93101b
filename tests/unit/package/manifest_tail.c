/* One more key behind a manifest, and off again. */
#include "package/manifest_tail.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char manifest[] = "{\n  \"version\": \"1.0\",\n  \"delta2\": [],\n  \"config\": {\n    \"delta\": 1\n  }\n}\n";

static void what_is_added_can_be_cut(void **state)
{
	static const char *const values[] = { "{}", "[]", "1", "null", "{\"a\":[1,{\"b\":\"x\\u0001,\\n}\"}]}" };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(values); i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer longer = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer cut = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer again = PNR_BUFFER_INIT;
		pnr_json_span value;
		assert_int_equal(pnr_manifest_add_tail(manifest, strlen(manifest), "delta", values[i], &longer, NULL), PNR_OK);
		assert_int_equal(pnr_json_scan(longer.data, longer.length, &pnr_json_manifest_limits, NULL, NULL, NULL, NULL),
		                 PNR_OK);
		assert_int_equal(pnr_manifest_cut_tail(longer.data, longer.length, "delta", &value, &cut, NULL), PNR_OK);
		assert_string_equal(cut.data, manifest);
		pnr_json_reindent(&again, longer.data, value, 1);
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer wanted = PNR_BUFFER_INIT;
		pnr_json_reindent(&wanted, values[i], (pnr_json_span){ 0, strlen(values[i]) }, 1);
		assert_string_equal(again.data, wanted.data);
	}
}

static void a_manifest_without_the_key_is_told_apart(void **state)
{
	static const char *const texts[] = { manifest, "{}", "{\n}\n", "[1, 2]", "\"delta\"", "{\"a\": {\"delta\": 1}}" };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(texts); i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_json_span value;
		pnr_error err = PNR_ERROR_INIT;
		assert_int_equal(pnr_manifest_cut_tail(texts[i], strlen(texts[i]), "delta", &value, &out, &err), PNR_NOT_FOUND);
		assert_int_equal(err.status, PNR_OK);
		assert_int_equal(out.length, 0);
	}
}

static void what_we_did_not_write_is_corrupt(void **state)
{
	static const char *const texts[] = {
		"", "{", "{\n  \"a\": 1,\n  \"delta\": 1\n}\n\n", "{\n  \"a\": 1,\n  \"delta\": 1\n}", "{\n  \"a\": 1,\n  \"delta\": 1 \n}\n",
		"{\n  \"a\": 1,\n  \"delta\":1\n}\n", "{\n  \"a\": 1, \"delta\": 1\n}\n", "{\n  \"delta\": 1\n}\n",
		"{\n  \"delta\": 1,\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"delta\" : 1\n}\n", "{\n  \"a\": 1,\n  \"delta\": 1,\n  \"delta\": 1\n}\n",
		"{\n  \"a\": 1,\n   \"delta\": 1\n}\n",
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(texts); i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_json_span value;
		pnr_error err = PNR_ERROR_INIT;
		if (pnr_manifest_cut_tail(texts[i], strlen(texts[i]), "delta", &value, &out, &err) != PNR_CORRUPT)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(err.status, PNR_CORRUPT);
		assert_int_equal(out.length, 0);
	}
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	assert_int_equal(pnr_manifest_add_tail("{}", 2, "delta", "1", &out, NULL), PNR_CORRUPT);
	assert_int_equal(out.length, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_can_be_cut),
		cmocka_unit_test(a_manifest_without_the_key_is_told_apart),
		cmocka_unit_test(what_we_did_not_write_is_corrupt),
	};
	return cmocka_run_group_tests_name("package/manifest_tail", tests, NULL, NULL);
}
