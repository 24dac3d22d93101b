/* Which files, in which order, under which names: compatibility section 3, and the faults of section 6. */
#include "support.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/socket.h>
#include <sys/un.h>

static void files_come_in_package_order_with_their_types(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	put(m.dir, "p.py", "p\n");
	put(m.dir, "wasm/w.wasm", "w\n");
	put(m.dir, "wasm/w.mjs", "js\n");
	put(m.dir, "pol/policies.csv", "1\n");
	m.options.include_policies = true;
	assert_int_equal(select_with(&m, "{\"policies\":\"local://pol/policies.csv\",\"model\":\"local://m.mga\","
	                             VALID_ASSUMPTIONS "," VALID_SCENARIOS ",\"pipeline\":{\"nodes\":["
	                             NODE("b", "python://p") "," NODE("a", "wasm://w") "]}}"), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga python/p.py wasm/w.wasm wasm/w.mjs "
	                    "data/policies.csv assumptions/m.csv assumptions/l.csv assumptions/e.csv ");
	static const char *const types[] = { "config", "model", "python", "wasm", "wasm", "policy", "assumption",
	                                     "assumption", "assumption" };
	for (size_t i = 0; i < PNR_COUNT(types); i++)
		assert_string_equal(m.selection->candidates[i].type, types[i]);
	assert_string_equal(m.selection->candidates[3].uses, "[{\"node\":\"a\"}]");
	assert_string_equal(m.selection->candidates[4].uses, "[{\"node\":\"a\"}]");
	assert_string_equal(m.selection->candidates[5].uses, "[]");
	assert_string_equal(m.selection->candidates[6].uses, "[{\"role\":\"mortality\"}]");
	assert_string_equal(m.selection->candidates[3].reference, "wasm://w");
	assert_string_equal(m.selection->candidates[3].pointer, "/pipeline/nodes/1/engine");
	assert_string_equal(m.selection->candidates[0].reference, m.config_path);
	assert_string_equal(m.selection->candidates[0].place.path, m.config_path);
	assert_int_equal(m.selection->missing_count, 0);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_in_package_order_with_their_types),
	};
	return cmocka_run_group_tests_name("model/select", tests, NULL, NULL);
}
