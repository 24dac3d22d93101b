/* The errors and warnings of a config, to the letter and in order. */
#include "support.h"

#define OK_MODEL "\"model\":\"m.mga\""
#define OK_POLICIES "\"policies\":\"p.csv\""
#define OK_NODE NODE("a", "wasm://a")
#define OK_PIPELINE "\"pipeline\":{\"nodes\":[" OK_NODE "]}"
/* A config that is right, but for its pipeline's nodes. */
#define WITH_NODES(nodes) \
	"{" OK_MODEL "," VALID_ASSUMPTIONS "," VALID_SCENARIOS "," OK_POLICIES ",\"pipeline\":{\"nodes\":" nodes "}}"
#define WITH_MODEL(model) \
	"{\"model\":" model "," VALID_ASSUMPTIONS "," VALID_SCENARIOS "," OK_POLICIES "," OK_PIPELINE "}"
#define WITH_ASSUMPTIONS(assumptions) \
	"{" OK_MODEL ",\"assumptions\":" assumptions "," VALID_SCENARIOS "," OK_POLICIES "," OK_PIPELINE "}"
#define WITH_SCENARIOS(scenarios) \
	"{" OK_MODEL "," VALID_ASSUMPTIONS ",\"scenarios\":" scenarios "," OK_POLICIES "," OK_PIPELINE "}"
#define WITH_REST(rest) "{" OK_MODEL "," VALID_ASSUMPTIONS "," VALID_SCENARIOS "," rest "}"
#define NO_POLICIES "No policy data source specified - cloud job will need to provide policy data\n"
#define NO_PIPELINE "Config has no pipeline - the cloud worker will have nothing to run\n"

static pnr_validation *validate_bytes(const char *json, size_t length)
{
	pnr_validation *v = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_config_validate(json, length, &v, &err), PNR_OK);
	assert_int_equal(v->size, sizeof *v);
	assert_int_equal(v->valid, v->error_count == 0);
	return v;
}

static pnr_validation *validate(const char *json)
{
	return validate_bytes(json, strlen(json));
}

/* The messages, one a line. */
static char *texts_of(const pnr_issue *issues, size_t count)
{
	pnr_buffer all = PNR_BUFFER_INIT;
	for (size_t i = 0; i < count; i++)
		pnr_buffer_printf(&all, "%s\n", issues[i].message);
	return pnr_buffer_steal(&all);
}

static void expect(const char *json, const char *errors)
{
	pnr_validation *v = validate(json);
	char *texts = texts_of(v->errors, v->error_count);
	if (strcmp(texts, errors) != 0)
		fail_msg("%s\nexpected:\n%sgot:\n%s", json, errors, texts);
	free(texts);
	pnr_validation_free(v);
}

static void expect_warnings(const char *json, const char *warnings)
{
	pnr_validation *v = validate(json);
	char *texts = texts_of(v->warnings, v->warning_count);
	if (strcmp(texts, warnings) != 0)
		fail_msg("%s\nexpected:\n%sgot:\n%s", json, warnings, texts);
	free(texts);
	pnr_validation_free(v);
}

/* The first error says @part at @pointer, @line and @column. */
static void expect_at(const char *json, const char *part, const char *pointer, unsigned line, unsigned column)
{
	pnr_validation *v = validate(json);
	assert_false(v->valid);
	if (strstr(v->errors[0].message, part) == NULL || strcmp(v->errors[0].pointer, pointer) != 0 ||
	    v->errors[0].line != line || v->errors[0].column != column)
		fail_msg("%s\nexpected \"%s\" at %s, %u:%u; got \"%s\" at %s, %u:%u", json, part, pointer, line, column,
		         v->errors[0].message, v->errors[0].pointer, v->errors[0].line, v->errors[0].column);
	pnr_validation_free(v);
}

/* ------------------------------------------------------------- the table -- */

static void a_complete_config_has_neither_errors_nor_warnings(void **state)
{
	(void)state;
	expect(WITH_NODES("[" OK_NODE "]"), "");
	expect_warnings(WITH_NODES("[" OK_NODE "]"), "");
}

static void unknown_keys_and_the_optional_ones_are_allowed(void **state)
{
	static const char json[] = WITH_REST(
		OK_POLICIES "," OK_PIPELINE ",\"execution\":{},\"output\":[],\"$schema\":\"x\",\"foo\":{\"bar\":[null]}");
	(void)state;
	expect(json, "");
	expect_warnings(json, "");
}

static void a_missing_model_is_an_error(void **state)
{
	static const char *const none[] = {
		"{" VALID_ASSUMPTIONS "," VALID_SCENARIOS "}", WITH_MODEL("null"), WITH_MODEL("\"\""), WITH_MODEL("0"),
		WITH_MODEL("-0.0"), WITH_MODEL("false"),
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(none); i++)
		expect(none[i], "Config missing required field: model\n");
}

static void missing_assumptions_are_one_error(void **state)
{
	(void)state;
	expect("{" OK_MODEL "," VALID_SCENARIOS "}", "Config missing required field: assumptions\n");
	expect(WITH_ASSUMPTIONS("null"), "Config missing required field: assumptions\n");
	expect(WITH_ASSUMPTIONS("\"\""), "Config missing required field: assumptions\n");
}

static void each_missing_assumption_is_an_error(void **state)
{
	static const char all[] = "Config missing required assumption: mortality\n"
				  "Config missing required assumption: lapse\n"
				  "Config missing required assumption: expenses\n";
	static const char *const none[] = {
		WITH_ASSUMPTIONS("{}"), WITH_ASSUMPTIONS("[]"), WITH_ASSUMPTIONS("[\"a\",\"b\"]"), WITH_ASSUMPTIONS("\"x\""),
		WITH_ASSUMPTIONS("7"), WITH_ASSUMPTIONS("true"), WITH_ASSUMPTIONS("{\"Mortality\":\"x\"}"),
		WITH_ASSUMPTIONS("{\"expenses\":\"\",\"lapse\":null,\"mortality\":false}"),
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(none); i++)
		expect(none[i], all);
	expect(WITH_ASSUMPTIONS("{\"mortality\":\"m\",\"expenses\":\"e\"}"),
	       "Config missing required assumption: lapse\n");
}

static void missing_scenarios_are_an_error(void **state)
{
	(void)state;
	expect("{" OK_MODEL "," VALID_ASSUMPTIONS "}", "Config missing required field: scenarios\n");
	expect(WITH_SCENARIOS("null"), "Config missing required field: scenarios\n");
	expect(WITH_SCENARIOS("0"), "Config missing required field: scenarios\n");
}

static void the_count_is_a_number_of_at_least_one(void **state)
{
	static const char *const wrong[] = {
		WITH_SCENARIOS("{}"), WITH_SCENARIOS("{\"count\":0}"), WITH_SCENARIOS("{\"count\":-1}"),
		WITH_SCENARIOS("{\"count\":0.999}"), WITH_SCENARIOS("{\"count\":\"10\"}"), WITH_SCENARIOS("{\"count\":null}"),
		WITH_SCENARIOS("{\"count\":true}"), WITH_SCENARIOS("{\"count\":[10]}"), WITH_SCENARIOS("{\"count\":1e-400}"),
		WITH_SCENARIOS("{\"count\":-1e400}"), WITH_SCENARIOS("[]"), WITH_SCENARIOS("5"), WITH_SCENARIOS("\"10\""),
		WITH_SCENARIOS("{\"Count\":10}"),
	};
	static const char *const right[] = {
		WITH_SCENARIOS("{\"count\":1}"), WITH_SCENARIOS("{\"count\":1.5}"), WITH_SCENARIOS("{\"count\":1e9}"),
		WITH_SCENARIOS("{\"count\":1e400}"), WITH_SCENARIOS("{\"count\":10,\"seed\":12345678901234567890}"),
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		expect(wrong[i], "Config scenarios.count must be a positive number\n");
	for (size_t i = 0; i < PNR_COUNT(right); i++)
		expect(right[i], "");
}

static void a_pipeline_needs_a_node(void **state)
{
	static const char *const wrong[] = {
		WITH_NODES("[]"), WITH_NODES("{}"), WITH_NODES("{\"0\":{}}"), WITH_NODES("null"), WITH_NODES("\"x\""),
		WITH_NODES("5"), WITH_REST("\"pipeline\":{}"), WITH_REST("\"pipeline\":[]"), WITH_REST("\"pipeline\":\"x\""),
		WITH_REST("\"pipeline\":true"), WITH_REST("\"pipeline\":1"), WITH_REST("\"pipeline\":false"),
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		expect(wrong[i], "Pipeline must have at least one node\n");
	expect(WITH_REST("\"pipeline\":null"), "");
}

static void a_node_needs_an_id(void **state)
{
	static const char text[] = "Pipeline node at index 1 missing required field: id\n";
	(void)state;
	expect(WITH_NODES("[" OK_NODE ",{\"engine\":\"wasm://b\",\"outputs\":[\"bus://b\"]}]"), text);
	expect(WITH_NODES("[" OK_NODE ",{\"id\":\"\",\"engine\":\"wasm://b\",\"outputs\":[\"bus://b\"]}]"), text);
	expect(WITH_NODES("[" OK_NODE ",{\"id\":null,\"engine\":\"wasm://b\",\"outputs\":[\"bus://b\"]}]"), text);
	expect(WITH_NODES("[" OK_NODE ",{\"id\":0,\"engine\":\"wasm://b\",\"outputs\":[\"bus://b\"]}]"), text);
}

static void an_id_is_used_once(void **state)
{
	(void)state;
	expect(WITH_NODES("[" NODE("a", "wasm://a") "," NODE("b", "wasm://a") "," NODE("a", "wasm://a") ","
	                  NODE("a", "wasm://a") "," NODE("A", "wasm://a") "]"),
	       "Duplicate node ID: a\nDuplicate node ID: a\n");
}

static void a_node_needs_an_engine(void **state)
{
	static const char text[] = "Pipeline node b missing required field: engine\n";
	(void)state;
	expect(WITH_NODES("[{\"id\":\"b\",\"outputs\":[\"bus://b\"]}]"), text);
	expect(WITH_NODES("[" NODE("b", "") "]"), text);
	expect(WITH_NODES("[{\"id\":\"b\",\"engine\":null,\"outputs\":[\"bus://b\"]}]"), text);
}

static void an_engine_is_wasm_or_python(void **state)
{
	static const char *const engines[] = { "x", "wasm:/a", "WASM://a", "https://a", " wasm://a", "rust://a" };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(engines); i++) {
		pnr_buffer json = PNR_BUFFER_INIT, text = PNR_BUFFER_INIT;
		pnr_buffer_printf(&json, WITH_NODES("[{\"id\":\"b\",\"engine\":\"%s\",\"outputs\":[\"bus://b\"]}]"), engines[i]);
		pnr_buffer_printf(&text, "Pipeline node b has invalid engine format: %s "
		                  "(must start with wasm:// or python://)\n", engines[i]);
		expect(json.data, text.data);
		pnr_buffer_free(&json);
		pnr_buffer_free(&text);
	}
}

static void an_engine_name_follows_the_schema(void **state)
{
	static const char *const engines[] = {
		"wasm://../x", "wasm://", "python://", "wasm://a/b", "wasm://a.b", "python://1a", "wasm://-a", "wasm://_a",
		"python://a b", "wasm:///etc/x", "python://a\\\\b", "wasm://\xc3\xa9", "wasm://a\\n",
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(engines); i++) {
		pnr_buffer json = PNR_BUFFER_INIT;
		pnr_buffer_printf(&json, WITH_NODES("[{\"id\":\"b\",\"engine\":\"%s\",\"outputs\":[\"bus://b\"]}]"), engines[i]);
		expect_at(json.data, "Pipeline node b has invalid engine name: ", "/pipeline/nodes/0/engine", 1,
		          (unsigned)(strstr(json.data, "\"engine\":") - json.data) + 10);
		pnr_buffer_free(&json);
	}
	expect(WITH_NODES("[" NODE("b", "python://a-B_9") "]"), "");
}

static void a_node_needs_an_output(void **state)
{
	static const char text[] = "Pipeline node b must have at least one output\n";
	(void)state;
	expect(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\"}]"), text);
	expect(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":[]}]"), text);
	expect(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":null}]"), text);
	expect(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":\"bus://b\"}]"), text);
	expect(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":{\"0\":\"bus://b\"}}]"), text);
}

static void errors_come_in_the_order_of_the_table(void **state)
{
	(void)state;
	expect("{\"pipeline\":{\"nodes\":[{},{\"id\":\"x\",\"engine\":\"y\"},{\"id\":\"x\"}]},\"scenarios\":{},"
	       "\"assumptions\":{},\"model\":\"\"}",
	       "Config missing required field: model\n"
	       "Config missing required assumption: mortality\n"
	       "Config missing required assumption: lapse\n"
	       "Config missing required assumption: expenses\n"
	       "Config scenarios.count must be a positive number\n"
	       "Pipeline node at index 0 missing required field: id\n"
	       "Pipeline node undefined missing required field: engine\n"
	       "Pipeline node undefined must have at least one output\n"
	       "Pipeline node x has invalid engine format: y (must start with wasm:// or python://)\n"
	       "Pipeline node x must have at least one output\n"
	       "Duplicate node ID: x\n"
	       "Pipeline node x missing required field: engine\n"
	       "Pipeline node x must have at least one output\n");
	expect("{}", "Config missing required field: model\nConfig missing required field: assumptions\n"
	       "Config missing required field: scenarios\n");
}

/* ----------------------------------------------------------- wrong types -- */

static void a_config_that_is_no_object_is_named(void **state)
{
	(void)state;
	expect_at("null", "Config must be an object, not null", "", 1, 1);
	expect_at(" []", "Config must be an object, not an array", "", 1, 2);
	expect_at("\n\"x\"", "Config must be an object, not a string", "", 2, 1);
	expect_at("1", "Config must be an object, not a number", "", 1, 1);
	expect_at("true", "Config must be an object, not a boolean", "", 1, 1);
}

static void a_wrong_type_is_named_with_its_place(void **state)
{
	(void)state;
	expect_at(WITH_MODEL("\n 5"), "Config field model must be a string, not a number", "/model", 2, 2);
	expect_at(WITH_MODEL("\n{}"), "Config field model must be a string, not an object", "/model", 2, 1);
	expect_at(WITH_ASSUMPTIONS("{\"mortality\":\n\n  [],\"lapse\":\"l\",\"expenses\":\"e\"}"),
	          "Config assumption mortality must be a string, not an array", "/assumptions/mortality", 3, 3);
	expect_at(WITH_REST("\"policies\":\n7"), "Config field policies must be a string, not a number", "/policies", 2, 1);
	expect_at(WITH_NODES("[" OK_NODE ",\nnull]"), "Pipeline node at index 1 must be an object, not null",
	          "/pipeline/nodes/1", 2, 1);
	expect_at(WITH_NODES("[\n[]]"), "Pipeline node at index 0 must be an object, not an array", "/pipeline/nodes/0", 2, 1);
	expect_at(WITH_NODES("[\n\"x\"]"), "Pipeline node at index 0 must be an object, not a string", "/pipeline/nodes/0", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\n7}]"), "Pipeline node at index 0: id must be a string, not a number",
	          "/pipeline/nodes/0/id", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\"b\",\"engine\":\n7}]"), "Pipeline node b: engine must be a string, not a number",
	          "/pipeline/nodes/0/engine", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":[\"bus://b\",\n7]}]"),
	          "Pipeline node b: each of its outputs must be a string, not a number", "/pipeline/nodes/0/outputs/1", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":[\"bus://b\"],\"inputs\":\n7}]"),
	          "Pipeline node b: inputs must be an array, not a number", "/pipeline/nodes/0/inputs", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://a\",\"outputs\":[\"bus://b\"],\"inputs\":[\n{}]}]"),
	          "Pipeline node b: each of its inputs must be a string, not an object", "/pipeline/nodes/0/inputs/0", 2, 1);
}

static void errors_of_the_table_have_a_place(void **state)
{
	(void)state;
	expect_at("\n{}", "model", "", 2, 1);
	expect_at(WITH_MODEL("\nnull"), "model", "/model", 2, 1);
	expect_at(WITH_ASSUMPTIONS("\n{\"lapse\":\"l\",\"expenses\":\"e\"}"), "mortality", "/assumptions", 2, 1);
	expect_at(WITH_SCENARIOS("{\"count\":\n 0}"), "count", "/scenarios/count", 2, 2);
	expect_at(WITH_SCENARIOS("\n5"), "count", "/scenarios", 2, 1);
	expect_at(WITH_NODES("\n{}"), "at least one node", "/pipeline/nodes", 2, 1);
	expect_at(WITH_NODES("[" OK_NODE ",{\"id\":\n\"a\",\"engine\":\"wasm://a\",\"outputs\":[\"bus://c\"]}]"),
	          "Duplicate", "/pipeline/nodes/1/id", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\"b\",\"engine\":\n\"x\",\"outputs\":[\"bus://b\"]}]"), "format",
	          "/pipeline/nodes/0/engine", 2, 1);
	expect_at(WITH_NODES("[{\"id\":\"b\",\"engine\":\"wasm://x\",\"outputs\":\n[]}]"), "output",
	          "/pipeline/nodes/0/outputs", 2, 1);
}

static void wrong_references_are_errors_where_they_stand(void **state)
{
	(void)state;
	expect_at(WITH_MODEL("\n\"https://x/m.mga\""), "Config field model: unsupported scheme 'https://'", "/model", 2, 1);
	expect_at(WITH_MODEL("\"local://\""), "empty path", "/model", 1, 10);
	expect_at(WITH_REST("\"policies\":\n\"LOCAL://p\""), "Config field policies: unsupported scheme 'LOCAL://'",
	          "/policies", 2, 1);
	expect_at(WITH_ASSUMPTIONS("{\"mortality\":\n\"assumptions://m:\",\"lapse\":\"l\",\"expenses\":\"e\"}"),
	          "Config assumption mortality: malformed reference 'assumptions://m:'", "/assumptions/mortality", 2, 1);
	expect(WITH_REST("\"policies\":\"blob://x\""), "");
	expect(WITH_REST("\"policies\":\"assumptions://x:v1\""), "");
}

static void a_reserved_model_name_is_refused(void **state)
{
	static const char *const names[] = {
		"manifest.json", "MANIFEST.JSON", "livecalc.config.json", "LiveCalc.Config.json", "wasm", "Python", "data",
		"assumptions", "local://sub/manifest.json", "../Wasm",
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		pnr_buffer json = PNR_BUFFER_INIT;
		pnr_buffer_printf(&json, WITH_MODEL("\"%s\""), names[i]);
		expect_at(json.data, "is reserved in a package", "/model", 1, 10);
		pnr_buffer_free(&json);
	}
	expect(WITH_MODEL("\"wasm/m.mga\""), "");
	expect(WITH_MODEL("\"manifest.json.mga\""), "");
}

static void a_model_name_that_cannot_be_packaged_is_refused(void **state)
{
	(void)state;
	expect_at(WITH_MODEL("\"a\\\\b.mga\""), "has a backslash", "/model", 1, 10);
	expect_at(WITH_MODEL("\"..\\\\..\\\\x.mga\""), "has a backslash", "/model", 1, 10);
	expect_at(WITH_MODEL("\"a\\u0001b.mga\""), "has a control character", "/model", 1, 10);
	expect_at(WITH_MODEL("\"sub/-rf.mga\""), "starts with '-'", "/model", 1, 10);
	expect_at(WITH_MODEL("\"sub/\""), "is empty", "/model", 1, 10);
	expect_at(WITH_MODEL("\"sub/..\""), "component '..'", "/model", 1, 10);
}

/* ------------------------------------------------------------ not JSON -- */

static void a_text_that_is_no_json_is_one_error_with_its_place(void **state)
{
	static const struct { const char *json; unsigned line, column; } cases[] = {
		{ "", 1, 1 }, { "{", 1, 2 }, { "{\"model\":\n\"x\",}", 2, 5 }, { "\xef\xbb\xbf{}", 1, 1 },
		{ "{\"a\":1,\n \"a\":2}", 2, 2 }, { "{} x", 1, 4 }, { "{\"a\":01}", 1, 6 }, { "{\"a\":\"\xff\"}", 1, 7 },
		{ "{\"a\":\"\\u0000\"}", 1, 7 }, { "{'a':1}", 1, 2 }, { "{\"a\":NaN}", 1, 6 },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_validation *v = validate(cases[i].json);
		assert_int_equal(v->error_count, 1);
		assert_int_equal(v->warning_count, 0);
		char place[64];
		(void)snprintf(place, sizeof place, "line %u, column %u: ", cases[i].line, cases[i].column);
		if (strncmp(v->errors[0].message, place, strlen(place)) != 0)
			fail_msg("%s: %s", cases[i].json, v->errors[0].message);
		assert_int_equal(v->errors[0].line, cases[i].line);
		assert_int_equal(v->errors[0].column, cases[i].column);
		pnr_validation_free(v);
	}
	pnr_validation *v = validate_bytes("{}\0", 3);
	assert_int_equal(v->error_count, 1);
	pnr_validation_free(v);
	v = validate_bytes(NULL, 0);
	assert_int_equal(v->error_count, 1);
	pnr_validation_free(v);
}

static void a_config_of_any_depth_or_size_is_an_error_not_a_crash(void **state)
{
	(void)state;
	size_t length = PNR_CONFIG_MAX + 1;
	char *big = malloc(length);
	assert_non_null(big);
	memset(big, '[', length);
	pnr_validation *v = validate_bytes(big, length - 1);
	assert_int_equal(v->error_count, 1);
	pnr_validation_free(v);
	memset(big, ' ', length);
	memcpy(big, "{}", 2);
	v = validate_bytes(big, length);
	assert_int_equal(v->error_count, 1);
	assert_null(strstr(v->errors[0].message, "missing"));
	pnr_validation_free(v);
	v = validate_bytes(big, length - 1);
	assert_int_equal(v->error_count, 3);
	pnr_validation_free(v);
	free(big);
}

/* ------------------------------------------------------------- warnings -- */

#define THREE(m, l, e) "{\"mortality\":\"" m "\",\"lapse\":\"" l "\",\"expenses\":\"" e "\"}"

static void warnings_of_the_table_come_in_its_order(void **state)
{
	(void)state;
	expect_warnings("{" OK_MODEL ",\"assumptions\":" THREE("assumptions://m:v1", "assumptions://l:v1", "assumptions://e:v1")
	                "," VALID_SCENARIOS "," OK_PIPELINE "}",
	                "Mortality references Assumptions Manager - ensure cloud worker has access\n"
	                "Lapse references Assumptions Manager - ensure cloud worker has access\n"
	                "Expenses references Assumptions Manager - ensure cloud worker has access\n" NO_POLICIES);
	expect_warnings(WITH_ASSUMPTIONS(THREE("m", "assumptions://l:v1", "blob://e")),
	                "Lapse references Assumptions Manager - ensure cloud worker has access\n");
	expect_warnings(WITH_REST("\"policies\":\"\"," OK_PIPELINE), NO_POLICIES);
	expect_warnings(WITH_REST("\"policies\":null," OK_PIPELINE), NO_POLICIES);
}

static void our_warnings_follow_in_theirs(void **state)
{
	(void)state;
	expect_warnings("{" OK_MODEL ",\"assumptions\":" THREE("assumptions://m", "assumptions://l:draft", "e") ","
	                VALID_SCENARIOS ",\"extends\":\"base.json\",\"pipeline\":{\"nodes\":["
	                "{\"id\":\"a\",\"engine\":\"wasm://a\",\"inputs\":[\"bus://b\",\"bus://none\"],\"outputs\":[\"bus://a\"]},"
	                "{\"id\":\"b\",\"engine\":\"wasm://a\",\"inputs\":[\"bus://a\"],\"outputs\":[\"bus://b\"]}]}}",
	                "Mortality references Assumptions Manager - ensure cloud worker has access\n"
	                "Lapse references Assumptions Manager - ensure cloud worker has access\n"
	                NO_POLICIES
	                "Mortality reference is unpinned: 'assumptions://m' means version latest, which can change after "
	                "packaging; name a version such as v2.1.0\n"
	                "Lapse reference is unpinned: 'assumptions://l:draft' means version draft, which can change after "
	                "packaging; name a version such as v2.1.0\n"
	                "Pipeline nodes form a cycle: a, b\n"
	                "Pipeline node a has an input that no node produces: bus://none\n"
	                "Config field extends is kept but not resolved - what it inherits is not packaged\n");
	expect_warnings("{" OK_MODEL "," VALID_ASSUMPTIONS "," VALID_SCENARIOS "}", NO_POLICIES NO_PIPELINE);
	expect_warnings(WITH_REST(OK_POLICIES ",\"pipeline\":null"), NO_PIPELINE);
}

static void unpinned_policies_are_warned_of(void **state)
{
	(void)state;
	expect_warnings(WITH_REST("\"policies\":\"assumptions://p:latest\"," OK_PIPELINE),
	                "Policies reference is unpinned: 'assumptions://p:latest' means version latest, which can change after "
	                "packaging; name a version such as v2.1.0\n");
}

#define LINK(id, in, out) "{\"id\":\"" id "\",\"engine\":\"wasm://a\",\"inputs\":[" in "],\"outputs\":[" out "]}"

static void every_cycle_is_named_once_and_only_cycles(void **state)
{
	(void)state;
	/* a feeds itself; c, d and e feed each other in a ring that b feeds and that feeds f. */
	expect_warnings(WITH_NODES("[" LINK("a", "\"bus://a\"", "\"bus://a\"") "," LINK("b", "\"$policies\"", "\"bus://b\"") ","
	                           LINK("c", "\"bus://b\",\"bus://e\"", "\"bus://c\"") "," LINK("d", "\"bus://c\"", "\"bus://d\"") ","
	                           LINK("e", "\"bus://d\"", "\"bus://e\"") "," LINK("f", "\"bus://e\"", "\"bus://f\"") "]"),
	                "Pipeline nodes form a cycle: a\nPipeline nodes form a cycle: c, d, e\n");
	/* A diamond is none. */
	expect_warnings(WITH_NODES("[" LINK("d", "\"bus://b\",\"bus://c\"", "\"bus://d\"") "," LINK("b", "\"bus://a\"", "\"bus://b\"")
	                           "," LINK("c", "\"bus://a\"", "\"bus://c\"") "," LINK("a", "", "\"bus://a\"") "]"), "");
}

static void what_only_the_schema_of_the_editor_objects_to_is_a_warning(void **state)
{
	(void)state;
	expect(WITH_MODEL("\"m.txt\""), "");
	expect_warnings(WITH_MODEL("\"m.txt\""), "Config field model: 'm.txt' does not end in .mga\n");
	expect_warnings(WITH_SCENARIOS("{\"count\":100000}"), "");
	expect_warnings(WITH_SCENARIOS("{\"count\":100001}"),
	                "Config scenarios.count should be a whole number from 1 to 100000\n");
	expect_warnings(WITH_SCENARIOS("{\"count\":1.5}"),
	                "Config scenarios.count should be a whole number from 1 to 100000\n");
	expect_warnings(WITH_SCENARIOS("{\"count\":1e400}"),
	                "Config scenarios.count should be a whole number from 1 to 100000\n");
	expect(WITH_NODES("[" LINK("1 x", "\"$foo\"", "\"out\"") "]"), "");
	expect_warnings(WITH_NODES("[" LINK("1 x", "\"$foo\",\"bus://a\"", "\"out\",\"bus://a\",\"bus://1\"") "]"),
	                "Pipeline nodes form a cycle: 1 x\n"
	                "Pipeline node at index 0: id '1 x' should be a letter, then letters, digits, '_' or '-'\n"
	                "Pipeline node at index 0: '$foo' in its inputs should be bus://NAME, $policies, $assumptions or $scenarios\n"
	                "Pipeline node at index 0: 'out' in its outputs should be bus://NAME\n"
	                "Pipeline node at index 0: 'bus://1' in its outputs should be bus://NAME\n");
}

static void warnings_are_given_beside_errors(void **state)
{
	(void)state;
	expect_warnings("{\"extends\":1,\"pipeline\":{\"nodes\":[7,{\"inputs\":[\"bus://x\",5],\"outputs\":7}]}}",
	                NO_POLICIES "Pipeline node at index 1 has an input that no node produces: bus://x\n"
	                "Config field extends is kept but not resolved - what it inherits is not packaged\n");
}

/* -------------------------------------------------------------- hostile -- */

static void a_message_is_one_line_of_utf8_and_bounded(void **state)
{
	(void)state;
	expect(WITH_NODES("[" NODE("a\\u001b[31m\\n\\u0085", "x") "]"),
	       "Pipeline node a?[31m?? has invalid engine format: x (must start with wasm:// or python://)\n");
	pnr_buffer json = PNR_BUFFER_INIT;
	pnr_buffer_puts(&json, "{\"pipeline\":{\"nodes\":[{\"id\":\"a\",\"engine\":\"");
	for (size_t i = 0; i < 100000; i++)
		pnr_buffer_puts(&json, "\xe2\x82\xac");
	pnr_buffer_puts(&json, "\"}]}}");
	pnr_validation *v = validate(json.data);
	for (size_t i = 0; i < v->error_count; i++) {
		assert_true(strlen(v->errors[i].message) <= 4096);
		assert_true(pnr_utf8_valid(v->errors[i].message, strlen(v->errors[i].message)));
	}
	assert_error(v, "\xe2\x82\xac...");
	pnr_validation_free(v);
	pnr_buffer_free(&json);
}

/* Each of the inputs costs a message with the long id in it. */
static void a_million_faults_do_not_take_all_memory(void **state)
{
	(void)state;
	pnr_buffer json = PNR_BUFFER_INIT;
	pnr_buffer_puts(&json, "{\"pipeline\":{\"nodes\":[{\"id\":\"");
	for (size_t i = 0; i < 5000; i++)
		pnr_buffer_putc(&json, 'x');
	pnr_buffer_puts(&json, "\",\"inputs\":[0");
	for (size_t i = 0; i < 50000; i++)
		pnr_buffer_puts(&json, ",0");
	pnr_buffer_puts(&json, "]}]}}");
	pnr_validation *v = validate(json.data);
	size_t total = 0;
	for (size_t i = 0; i < v->error_count; i++)
		total += strlen(v->errors[i].message);
	assert_true(total < (size_t)65 << 20);
	assert_non_null(strstr(v->errors[v->error_count - 1].message, " more errors are not listed"));
	pnr_validation_free(v);
	pnr_buffer_free(&json);
}

/* Warnings can use up the room for texts: an error that is not listed is an error all the same. */
static void an_error_that_is_not_listed_makes_it_invalid(void **state)
{
	static char text[4001];
	pnr_issues *issues = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	memset(text, 'x', sizeof text - 1);
	assert_int_equal(pnr_issues_new(&issues, &err), PNR_OK);
	for (unsigned i = 0; i < 20000; i++)
		pnr_issues_warning(issues, NULL, NULL, "", "%s", text);
	assert_true(pnr_issues_valid(issues));
	pnr_issues_error(issues, NULL, NULL, "", "outside");
	assert_false(pnr_issues_valid(issues));
	pnr_issues_free(issues);
}

/* As many keys as faults, each of which names the node: the id is looked for once, not once a fault. */
static void a_node_of_many_keys_and_faults_is_judged_in_one_pass(void **state)
{
	(void)state;
	pnr_buffer json = PNR_BUFFER_INIT;
	pnr_buffer_puts(&json, "{\"pipeline\":{\"nodes\":[{");
	for (unsigned i = 0; i < 50000; i++)
		pnr_buffer_printf(&json, "\"k%u\":0,", i);
	pnr_buffer_puts(&json, "\"id\":\"a\",\"inputs\":[0");
	for (unsigned i = 0; i < 50000; i++)
		pnr_buffer_puts(&json, ",0");
	pnr_buffer_puts(&json, "]}]}}");
	pnr_validation *v = validate(json.data);
	assert_error(v, "Pipeline node a: each of its inputs must be a string, not a number");
	assert_in_range(v->error_count, 50000, 50010);
	pnr_validation_free(v);
	pnr_buffer_free(&json);
}

/* Ten thousand nodes of one chain, all with different engines, and ids that share a long prefix. */
static void ten_thousand_nodes_are_judged_in_one_pass(void **state)
{
	(void)state;
	pnr_buffer json = PNR_BUFFER_INIT;
	pnr_buffer_puts(&json, "{" OK_MODEL "," VALID_ASSUMPTIONS "," VALID_SCENARIOS "," OK_POLICIES ",\"pipeline\":{\"nodes\":[");
	for (unsigned i = 0; i < 10000; i++)
		pnr_buffer_printf(&json, "%s{\"id\":\"node-with-a-long-name-%u\",\"engine\":\"python://p%u\","
		                  "\"inputs\":[\"bus://n%u\"],\"outputs\":[\"bus://n%u\"]}", i == 0 ? "" : ",", i, i, i, i + 1);
	pnr_buffer_puts(&json, "]}}");
	pnr_validation *v = validate(json.data);
	assert_no_error(v);
	assert_int_equal(v->warning_count, 1);
	assert_string_equal(v->warnings[0].message,
	                    "Pipeline node node-with-a-long-name-0 has an input that no node produces: bus://n0");
	pnr_validation_free(v);
	pnr_buffer_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_complete_config_has_neither_errors_nor_warnings),
		cmocka_unit_test(unknown_keys_and_the_optional_ones_are_allowed),
		cmocka_unit_test(a_missing_model_is_an_error),
		cmocka_unit_test(missing_assumptions_are_one_error),
		cmocka_unit_test(each_missing_assumption_is_an_error),
		cmocka_unit_test(missing_scenarios_are_an_error),
		cmocka_unit_test(the_count_is_a_number_of_at_least_one),
		cmocka_unit_test(a_pipeline_needs_a_node),
		cmocka_unit_test(a_node_needs_an_id),
		cmocka_unit_test(an_id_is_used_once),
		cmocka_unit_test(a_node_needs_an_engine),
		cmocka_unit_test(an_engine_is_wasm_or_python),
		cmocka_unit_test(an_engine_name_follows_the_schema),
		cmocka_unit_test(a_node_needs_an_output),
		cmocka_unit_test(errors_come_in_the_order_of_the_table),
		cmocka_unit_test(a_config_that_is_no_object_is_named),
		cmocka_unit_test(a_wrong_type_is_named_with_its_place),
		cmocka_unit_test(errors_of_the_table_have_a_place),
		cmocka_unit_test(wrong_references_are_errors_where_they_stand),
		cmocka_unit_test(a_reserved_model_name_is_refused),
		cmocka_unit_test(a_model_name_that_cannot_be_packaged_is_refused),
		cmocka_unit_test(a_text_that_is_no_json_is_one_error_with_its_place),
		cmocka_unit_test(a_config_of_any_depth_or_size_is_an_error_not_a_crash),
		cmocka_unit_test(warnings_of_the_table_come_in_its_order),
		cmocka_unit_test(our_warnings_follow_in_theirs),
		cmocka_unit_test(unpinned_policies_are_warned_of),
		cmocka_unit_test(every_cycle_is_named_once_and_only_cycles),
		cmocka_unit_test(what_only_the_schema_of_the_editor_objects_to_is_a_warning),
		cmocka_unit_test(warnings_are_given_beside_errors),
		cmocka_unit_test(a_message_is_one_line_of_utf8_and_bounded),
		cmocka_unit_test(a_million_faults_do_not_take_all_memory),
		cmocka_unit_test(an_error_that_is_not_listed_makes_it_invalid),
		cmocka_unit_test(a_node_of_many_keys_and_faults_is_judged_in_one_pass),
		cmocka_unit_test(ten_thousand_nodes_are_judged_in_one_pass),
	};
	return cmocka_run_group_tests_name("model/config", tests, NULL, NULL);
}
