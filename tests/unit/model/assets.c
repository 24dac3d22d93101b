/* The mandatory assets of a package, by exact package path. */
#include "support.h"

static const char config[] =
	"{\"model\":\"local://sub/m.mga\"," VALID_ASSUMPTIONS "," VALID_SCENARIOS ",\"pipeline\":{\"nodes\":["
	NODE("a", "wasm://w") "," NODE("b", "python://p") "," NODE("c", "wasm://w") "]}}";

static void expect(const char *json, const char *const *paths, size_t count, const char *errors)
{
	pnr_validation *v = NULL;
	pnr_buffer all = PNR_BUFFER_INIT;
	assert_int_equal(pnr_assets_validate(json, strlen(json), paths, count, &v, NULL), PNR_OK);
	pnr_buffer_append(&all, "", 0);
	for (size_t i = 0; i < v->error_count; i++)
		pnr_buffer_printf(&all, "%s\n", v->errors[i].message);
	assert_string_equal(all.data, errors);
	assert_int_equal(v->valid, errors[0] == '\0');
	assert_int_equal(v->warning_count, 0);
	pnr_buffer_free(&all);
	pnr_validation_free(v);
}

static void a_package_with_all_of_them_is_valid(void **state)
{
	static const char *const paths[] = { "wasm/w.wasm", "x", "python/p.py", "m.mga", "livecalc.config.json" };
	(void)state;
	expect(config, paths, PNR_COUNT(paths), "");
}

static void each_one_that_is_missing_is_named_in_order(void **state)
{
	(void)state;
	expect(config, NULL, 0,
	       "Package missing mandatory asset: livecalc.config.json\n"
	       "Package missing mandatory asset: m.mga\n"
	       "Package missing WASM binary for node a: w.wasm\n"
	       "Package missing Python script for node b: p.py\n"
	       "Package missing WASM binary for node c: w.wasm\n");
}

static void paths_are_compared_whole(void **state)
{
	static const char *const paths[] = { "old-livecalc.config.json", "xm.mga", "m.mga.bak", "sub/m.mga", "w.wasm",
	                                     "wasm/ww.wasm", "wasm/W.wasm", "python/p.pyc", "wasm/p.py" };
	(void)state;
	expect(config, paths, PNR_COUNT(paths),
	       "Package missing mandatory asset: livecalc.config.json\n"
	       "Package missing mandatory asset: m.mga\n"
	       "Package missing WASM binary for node a: w.wasm\n"
	       "Package missing Python script for node b: p.py\n"
	       "Package missing WASM binary for node c: w.wasm\n");
}

static void an_error_stands_where_the_config_asks_for_the_asset(void **state)
{
	static const char *const paths[] = { "livecalc.config.json", "m.mga", "python/p.py" };
	static const char text[] = "{\"model\":\"m.mga\",\"pipeline\":{\"nodes\":[\n{\"id\":\"a\",\n \"engine\":\"wasm://w\"}]}}";
	pnr_validation *v = NULL;
	(void)state;
	assert_int_equal(pnr_assets_validate(text, sizeof text - 1, paths, PNR_COUNT(paths), &v, NULL), PNR_OK);
	assert_int_equal(v->error_count, 1);
	assert_string_equal(v->errors[0].pointer, "/pipeline/nodes/0/engine");
	assert_int_equal(v->errors[0].line, 3);
	assert_int_equal(v->errors[0].column, 11);
	pnr_validation_free(v);
}

static void what_stays_in_the_cloud_is_not_mandatory(void **state)
{
	static const char *const paths[] = { "livecalc.config.json" };
	(void)state;
	expect("{\"model\":\"blob://models/m.mga\"}", paths, 1, "");
}

static void any_config_can_be_asked(void **state)
{
	static const char *const paths[] = { "livecalc.config.json" };
	(void)state;
	expect("{}", paths, 1, "");
	expect("{\"model\":7,\"pipeline\":{\"nodes\":[null,7,{},{\"engine\":5},{\"engine\":\"x\"},{\"engine\":\"python://p\"}]}}",
	       paths, 1, "Package missing Python script for node at index 5: p.py\n");
	expect("{\"pipeline\":{\"nodes\":{}}}", paths, 1, "");
	expect("[]", paths, 1, "Config must be an object, not an array\n");
	expect("{", paths, 1, "line 1, column 2: expected a key in double quotes, found the end of the text\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_package_with_all_of_them_is_valid),
		cmocka_unit_test(each_one_that_is_missing_is_named_in_order),
		cmocka_unit_test(paths_are_compared_whole),
		cmocka_unit_test(an_error_stands_where_the_config_asks_for_the_asset),
		cmocka_unit_test(what_stays_in_the_cloud_is_not_mandatory),
		cmocka_unit_test(any_config_can_be_asked),
	};
	return cmocka_run_group_tests_name("model/assets", tests, NULL, NULL);
}
