/* Which files, in which order, under which names, and what is refused. */
#include "support.h"
#include <sys/sysmacros.h>

/* -------------------------------------------------- order, names, types -- */

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
	assert_string_equal(m.selection->candidates[2].uses, "[{\"node\":\"b\"}]");
	assert_string_equal(m.selection->candidates[3].uses, "[{\"node\":\"a\"}]");
	assert_string_equal(m.selection->candidates[4].uses, "[{\"node\":\"a\"}]");
	assert_string_equal(m.selection->candidates[5].uses, "[]");
	assert_string_equal(m.selection->candidates[6].uses, "[{\"role\":\"mortality\"}]");
	assert_string_equal(m.selection->candidates[7].uses, "[{\"role\":\"lapse\"}]");
	assert_string_equal(m.selection->candidates[8].uses, "[{\"role\":\"expenses\"}]");
	assert_string_equal(m.selection->candidates[3].reference, "wasm://w");
	assert_string_equal(m.selection->candidates[3].pointer, "/pipeline/nodes/1/engine");
	assert_string_equal(m.selection->candidates[0].reference, m.config_path);
	assert_string_equal(m.selection->candidates[0].place.path, m.config_path);
	assert_int_equal(m.selection->missing_count, 0);
	end(&m);
}

static void the_config_is_called_by_its_package_name_whatever_its_own(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	put(m.dir, "month-end.json", "{}");
	free(m.config_path);
	m.config_path = joined(m.dir, "month-end.json");
	assert_int_equal(select_nodes(&m, NODE("a", "wasm://w")), PNR_OK);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga assumptions/m.csv assumptions/l.csv "
	                    "assumptions/e.csv ");
	assert_string_equal(m.selection->candidates[0].place.path, m.config_path);
	end(&m);
}

static void a_config_from_memory_needs_no_file(void **state)
{
	model m;
	(void)state;
	begin(&m);
	free(m.config_path);
	m.config_path = joined(m.dir, "not-there.json");
	m.options.config_in_memory = true;
	assert_int_equal(select_mortality(&m, "t/m.csv"), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(m.selection->candidates[0].path, PNR_CONFIG_NAME);
	assert_string_equal(m.selection->candidates[0].place.path, m.config_path);
	int fd = -1;
	assert_int_equal(pnr_place_open(&m.selection->candidates[0].place, &fd, NULL), PNR_INVALID);
	end(&m);
}

static void the_basename_is_the_one_that_the_config_names(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.dir, "real.csv", "1");
	put_link(m.dir, "t/link.csv", "../real.csv");
	assert_int_equal(select_mortality(&m, "local://t/../t/link.csv"), PNR_OK);
	assert_no_error(m.issues);
	const pnr_candidate *candidate = find_candidate(&m, "assumptions/link.csv");
	assert_non_null(candidate);
	char *real = joined(m.dir, "real.csv");
	assert_string_equal(candidate->place.path, real);
	assert_string_equal(candidate->reference, "local://t/../t/link.csv");
	free(real);
	end(&m);
}

static void two_nodes_with_one_engine_share_one_asset(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	put(m.dir, "w.wasm", "w");
	put(m.dir, "w.mjs", "js");
	put(m.dir, "w.py", "p");
	assert_int_equal(select_nodes(&m, NODE("n1", "wasm://w") "," NODE("n2", "python://w") "," NODE("n3", "wasm://w")),
	                 PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga wasm/w.wasm wasm/w.mjs python/w.py "
	                    "assumptions/m.csv assumptions/l.csv assumptions/e.csv ");
	assert_string_equal(find_candidate(&m, "wasm/w.wasm")->uses, "[{\"node\":\"n1\"},{\"node\":\"n3\"}]");
	assert_string_equal(find_candidate(&m, "wasm/w.mjs")->uses, "[{\"node\":\"n1\"},{\"node\":\"n3\"}]");
	assert_string_equal(find_candidate(&m, "python/w.py")->uses, "[{\"node\":\"n2\"}]");
	end(&m);
}

static void node_ids_are_quoted_in_uses(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.dir, "w.py", "p");
	assert_int_equal(select_nodes(&m, NODE("a\\\"]\\n", "python://w")), PNR_OK);
	assert_string_equal(find_candidate(&m, "python/w.py")->uses, "[{\"node\":\"a\\\"]\\n\"}]");
	end(&m);
}

static void policies_are_looked_at_only_when_asked_for(void **state)
{
	static const char text[] = "{\"model\":\"m.mga\"," VALID_ASSUMPTIONS "," VALID_SCENARIOS ",\"policies\":\"nope.csv\"}";
	model m;
	(void)state;
	begin(&m);
	assert_int_equal(select_with(&m, text), PNR_OK);
	assert_no_error(m.issues);
	assert_int_equal(m.selection->missing_count, 0);
	m.options.include_policies = true;
	assert_int_equal(select_with(&m, text), PNR_OK);
	assert_int_equal(m.selection->missing_count, 1);
	assert_string_equal(m.selection->missing[0].path, "data/nope.csv");
	end(&m);
}

static void assumptions_can_be_left_out(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	m.options.exclude_assumptions = true;
	assert_int_equal(select_mortality(&m, "assumptions://m:v1"), PNR_OK);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga ");
	end(&m);
}

/* --------------------------------------------------------- search order -- */

/* The engine is found in the first of @places that is there, for each of them. */
static void expect_order(model *m, const char *nodes, const char *asset, const char *const *places, size_t count)
{
	for (size_t i = count; i > 0; i--) {
		put(m->top, places[i - 1], "x");
		assert_int_equal(select_nodes(m, nodes), PNR_OK);
		assert_no_error(m->issues);
		const pnr_candidate *found = find_candidate(m, asset);
		char *expected = joined(m->top, places[i - 1]);
		assert_non_null(found);
		assert_string_equal(found->place.path, expected);
		free(expected);
	}
}

static void wasm_is_searched_in_this_order(void **state)
{
	static const char *const places[] = {
		"ws/m/e.wasm", "ws/m/wasm/e.wasm", "ws/m/dist/wasm/e.wasm", "ws/dist/wasm/e.wasm", "engines/1/e.wasm",
		"engines/2/e.wasm",
	};
	model m;
	(void)state;
	begin(&m);
	put_dir(m.top, "engines/1");
	put_dir(m.top, "engines/2");
	char *first = joined(m.top, "engines/1"), *second = joined(m.top, "engines/2");
	const char *const dirs[] = { first, second };
	m.options.engine_dirs = dirs;
	m.options.engine_dir_count = 2;
	expect_order(&m, NODE("a", "wasm://e"), "wasm/e.wasm", places, PNR_COUNT(places));
	free(first);
	free(second);
	end(&m);
}

static void python_is_searched_in_this_order(void **state)
{
	static const char *const places[] = { "ws/m/e.py", "ws/m/python/e.py", "ws/m/scripts/e.py", "engines/1/e.py",
	                                      "engines/2/e.py" };
	model m;
	(void)state;
	begin(&m);
	put_dir(m.top, "engines/1");
	put_dir(m.top, "engines/2");
	put(m.workspace, "dist/wasm/e.py", "not looked at");
	char *first = joined(m.top, "engines/1"), *second = joined(m.top, "engines/2");
	const char *const dirs[] = { first, second };
	m.options.engine_dirs = dirs;
	m.options.engine_dir_count = 2;
	expect_order(&m, NODE("a", "python://e"), "python/e.py", places, PNR_COUNT(places));
	free(first);
	free(second);
	end(&m);
}

static void what_is_no_regular_file_is_passed_over_in_a_search(void **state)
{
	model m;
	char full[4096];
	(void)state;
	begin(&m);
	put_dir(m.dir, "e.py");
	put_dir(m.dir, "python");
	put_link(m.dir, "python/e.py", "nowhere");
	put(m.dir, "scripts/e.py", "x");
	put_link(m.dir, "f.py", "f.py");
	assert_int_equal(mkfifo(at(full, m.dir, "python/f.py"), 0666), 0);
	put(m.dir, "scripts/f.py", "x");
	assert_int_equal(select_nodes(&m, NODE("a", "python://e") "," NODE("b", "python://f")), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(find_candidate(&m, "python/e.py")->place.path, at(full, m.dir, "scripts/e.py"));
	assert_string_equal(find_candidate(&m, "python/f.py")->place.path, at(full, m.dir, "scripts/f.py"));
	end(&m);
}

static void a_link_out_of_the_roots_is_an_error_not_a_pass(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.top, "outside/e.py", "x");
	put_link(m.dir, "e.py", "../../outside/e.py");
	put(m.dir, "scripts/e.py", "x");
	put_link(m.dir, "wasm", "../../outside");
	put(m.top, "outside/w.wasm", "x");
	put(m.dir, "dist/wasm/w.wasm", "x");
	assert_int_equal(select_nodes(&m, NODE("a", "python://e") "," NODE("b", "wasm://w")), PNR_OK);
	assert_int_equal(m.issues->error_count, 2);
	assert_error(m.issues, "'python://e' leads to '");
	assert_error(m.issues, "'wasm://w' leads to '");
	assert_error(m.issues, "/outside/e.py', outside the workspace '");
	assert_string_equal(m.issues->errors[0].pointer, "/pipeline/nodes/0/engine");
	assert_null(find_candidate(&m, "python/e.py"));
	assert_int_equal(m.selection->missing_count, 0);
	end(&m);
}

static void an_engine_folder_is_an_allowed_root(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.top, "engines/e.py", "x");
	put_link(m.dir, "f.py", "../../engines/e.py");
	assert_int_equal(select_nodes(&m, NODE("b", "python://f")), PNR_OK);
	assert_int_equal(m.issues->error_count, 1);
	char *dir = joined(m.top, "engines");
	const char *const dirs[] = { dir };
	m.options.engine_dirs = dirs;
	m.options.engine_dir_count = 1;
	assert_int_equal(select_nodes(&m, NODE("a", "python://e") "," NODE("b", "python://f")), PNR_OK);
	assert_no_error(m.issues);
	assert_int_equal(m.selection->missing_count, 0);
	free(dir);
	end(&m);
}

static void an_engine_folder_that_is_not_there_is_named(void **state)
{
	static const char *const dirs[] = { "/nonexistent/engines" };
	model m;
	(void)state;
	begin(&m);
	m.options.engine_dirs = dirs;
	m.options.engine_dir_count = 1;
	assert_int_equal(select_nodes(&m, NODE("a", "python://e")), PNR_INVALID);
	assert_null(m.selection);
	assert_non_null(strstr(m.error.message, "engine folder: folder '/nonexistent/engines'"));
	end(&m);
}

static void the_sidecar_stands_beside_the_wasm_that_was_found(void **state)
{
	model m;
	char full[4096];
	(void)state;
	begin(&m);
	put(m.dir, "e.mjs", "of another folder");
	put(m.dir, "dist/wasm/e.wasm", "x");
	assert_int_equal(select_nodes(&m, NODE("a", "wasm://e")), PNR_OK);
	assert_no_error(m.issues);
	assert_null(find_candidate(&m, "wasm/e.mjs"));
	put(m.dir, "dist/wasm/e.mjs", "x");
	assert_int_equal(select_nodes(&m, NODE("a", "wasm://e")), PNR_OK);
	assert_string_equal(find_candidate(&m, "wasm/e.mjs")->place.path, at(full, m.dir, "dist/wasm/e.mjs"));
	assert_string_equal(find_candidate(&m, "wasm/e.mjs")->reference, "wasm://e");
	end(&m);
}

/* A folder whose name holds the suffix must not lead the search for the sidecar astray. */
static void only_the_final_suffix_is_replaced(void **state)
{
	model m;
	char full[4096];
	(void)state;
	begin(&m);
	put(m.top, "x.wasm/engines/e.wasm", "x");
	put(m.top, "x.wasm/engines/e.mjs", "right");
	put(m.top, "x.mjs/engines/e.wasm", "wrong");
	put(m.top, "x.mjs/engines/e.mjs", "wrong");
	char *dir = joined(m.top, "x.wasm/engines");
	const char *const dirs[] = { dir };
	m.options.engine_dirs = dirs;
	m.options.engine_dir_count = 1;
	assert_int_equal(select_nodes(&m, NODE("a", "wasm://e")), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(find_candidate(&m, "wasm/e.mjs")->place.path, at(full, dir, "e.mjs"));
	free(dir);
	end(&m);
}

static void a_sidecar_that_leads_out_is_an_error(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.dir, "e.wasm", "x");
	put_link(m.dir, "e.mjs", "../../outside/secret.csv");
	put(m.dir, "f.wasm", "x");
	put_dir(m.dir, "f.mjs");
	assert_int_equal(select_nodes(&m, NODE("a", "wasm://e") "," NODE("b", "wasm://f")), PNR_OK);
	assert_int_equal(m.issues->error_count, 1);
	assert_error(m.issues, "/outside/secret.csv', outside the workspace");
	assert_non_null(find_candidate(&m, "wasm/f.wasm"));
	assert_null(find_candidate(&m, "wasm/f.mjs"));
	end(&m);
}

/* -------------------------------------------------------------- missing -- */

static void everything_that_is_missing_is_listed_with_where_it_was_searched(void **state)
{
	model m;
	char full[4096];
	(void)state;
	begin(&m);
	m.options.include_policies = true;
	assert_int_equal(select_with(&m, "{\"model\":\"local://none.mga\",\"assumptions\":{\"mortality\":\"x/m.csv\","
	                             "\"lapse\":\"t/l.csv\",\"expenses\":\"../e.csv\"}," VALID_SCENARIOS
	                             ",\"policies\":\"p.csv\",\"pipeline\":{\"nodes\":[" NODE("a", "wasm://w") ","
	                             NODE("b", "python://p") "," NODE("c", "wasm://w") "]}}"), PNR_OK);
	assert_no_error(m.issues);
	static const char *const missing[][2] = {
		{ "none.mga", "local://none.mga" }, { "wasm/w.wasm", "wasm://w" }, { "python/p.py", "python://p" },
		{ "data/p.csv", "p.csv" }, { "assumptions/m.csv", "x/m.csv" }, { "assumptions/e.csv", "../e.csv" },
	};
	assert_int_equal(m.selection->missing_count, PNR_COUNT(missing));
	for (size_t i = 0; i < PNR_COUNT(missing); i++) {
		assert_string_equal(m.selection->missing[i].path, missing[i][0]);
		assert_string_equal(m.selection->missing[i].reference, missing[i][1]);
	}
	const pnr_missing *wasm = find_missing(&m, "wasm/w.wasm");
	assert_int_equal(wasm->searched_count, 4);
	assert_string_equal(wasm->searched[0], at(full, m.dir, "w.wasm"));
	assert_string_equal(wasm->searched[1], at(full, m.dir, "wasm/w.wasm"));
	assert_string_equal(wasm->searched[2], at(full, m.dir, "dist/wasm/w.wasm"));
	assert_string_equal(wasm->searched[3], at(full, m.workspace, "dist/wasm/w.wasm"));
	const pnr_missing *named = find_missing(&m, "none.mga");
	assert_int_equal(named->searched_count, 1);
	assert_string_equal(named->searched[0], at(full, m.dir, "none.mga"));
	end(&m);
}

static void a_dangling_link_that_the_config_names_is_missing(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put_link(m.dir, "t/dangling.csv", "nope");
	assert_int_equal(select_mortality(&m, "t/dangling.csv"), PNR_OK);
	assert_no_error(m.issues);
	assert_non_null(find_missing(&m, "assumptions/dangling.csv"));
	end(&m);
}

/* ----------------------------------------------------------- references -- */

static void paths_are_taken_as_they_are(void **state)
{
	static const char *const names[] = { "a%20b.csv", " blanks .csv", "~", "$HOME", "local:x", "a b.csv", "\xc3\xa9.csv",
	                                     "it's \"x\".csv", "a;b&c|d.csv", "*.csv" };
	model m;
	(void)state;
	begin(&m);
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		char path[256];
		(void)snprintf(path, sizeof path, "assumptions/%s", names[i]);
		put(m.dir, names[i], "x");
		assert_int_equal(select_mortality(&m, names[i]), PNR_OK);
		assert_no_error(m.issues);
		assert_non_null(find_candidate(&m, path));
	}
	/* One prefix is removed; the second one is a folder's name. */
	put(m.dir, "local:/x.csv", "x");
	assert_int_equal(select_mortality(&m, "local://local://x.csv"), PNR_OK);
	assert_non_null(find_candidate(&m, "assumptions/x.csv"));
	char *absolute = joined(m.dir, "a b.csv");
	assert_int_equal(select_mortality(&m, absolute), PNR_OK);
	assert_non_null(find_candidate(&m, "assumptions/a b.csv"));
	free(absolute);
	end(&m);
}

static void what_lives_in_the_cloud_is_recorded_never_packaged(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	assert_int_equal(select_with(&m, "{\"model\":\"blob://models/m.mga\",\"assumptions\":{\"mortality\":"
	                             "\"assumptions://mort:v2.1.0\",\"lapse\":\"assumptions://lapse\",\"expenses\":"
	                             "\"blob://x/e.csv\"}," VALID_SCENARIOS ",\"policies\":\"blob://p\"}"), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json ");
	static const struct { const char *role, *reference, *name, *version; pnr_reference_kind kind; } expected[] = {
		{ "model", "blob://models/m.mga", NULL, NULL, PNR_REFERENCE_EXTERNAL },
		{ "policies", "blob://p", NULL, NULL, PNR_REFERENCE_EXTERNAL },
		{ "mortality", "assumptions://mort:v2.1.0", "mort", "v2.1.0", PNR_REFERENCE_ASSUMPTION },
		{ "lapse", "assumptions://lapse", "lapse", "latest", PNR_REFERENCE_ASSUMPTION },
		{ "expenses", "blob://x/e.csv", NULL, NULL, PNR_REFERENCE_EXTERNAL },
	};
	pnr_cloud_references references;
	assert_int_equal(pnr_config_cloud(m.config, &references, NULL), PNR_OK);
	assert_int_equal(references.count, PNR_COUNT(expected));
	for (size_t i = 0; i < PNR_COUNT(expected); i++) {
		const pnr_cloud_reference *reference = &references.items[i];
		assert_int_equal(reference->kind, expected[i].kind);
		assert_string_equal(reference->role, expected[i].role);
		assert_string_equal(reference->reference, expected[i].reference);
		assert_int_equal(reference->name == NULL, expected[i].name == NULL);
		if (reference->name != NULL) {
			assert_string_equal(reference->name, expected[i].name);
			assert_string_equal(reference->version, expected[i].version);
		}
	}
	pnr_cloud_references_free(&references);
	end(&m);
}

/* ----------------------------------------------------------- confinement -- */

static void a_reference_out_of_the_workspace_is_refused_unless_allowed(void **state)
{
	model m;
	(void)state;
	begin(&m);
	char *absolute = joined(m.top, "outside/secret.csv"), *allowed = joined(m.top, "outside");
	put_link(m.dir, "t/way.csv", absolute);
	put_link(m.dir, "way", allowed);
	const char *const references[] = { "local://../../outside/secret.csv", absolute, "t/way.csv", "way/secret.csv",
	                                   "local://t/../../../outside/secret.csv" };
	const char *const dirs[] = { allowed };
	for (size_t i = 0; i < PNR_COUNT(references); i++) {
		assert_int_equal(select_mortality(&m, references[i]), PNR_OK);
		assert_int_equal(m.issues->error_count, 1);
		assert_error(m.issues, "outside the workspace");
		assert_error(m.issues, references[i]);
		assert_string_equal(m.issues->errors[0].pointer, "/assumptions/mortality");
		assert_true(m.issues->errors[0].line > 0);
		assert_int_equal(m.selection->candidate_count, 4);
		m.options.allow_outside = dirs;
		m.options.allow_outside_count = 1;
		assert_int_equal(select_mortality(&m, references[i]), PNR_OK);
		assert_no_error(m.issues);
		assert_int_equal(m.selection->candidate_count, 5);
		m.options.allow_outside_count = 0;
	}
	assert_int_equal(select_mortality(&m, "local://../../../../../../../../../../etc/passwd"), PNR_OK);
	assert_error(m.issues, "outside the workspace");
	free(absolute);
	free(allowed);
	end(&m);
}

static void a_config_that_is_a_link_out_is_refused(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.top, "outside/c.json", "{}");
	put_link(m.dir, "link.json", "../../outside/c.json");
	free(m.config_path);
	m.config_path = joined(m.dir, "link.json");
	assert_int_equal(select_mortality(&m, "t/m.csv"), PNR_OK);
	assert_error(m.issues, "outside the workspace");
	end(&m);
}

static void what_the_config_names_must_be_a_regular_file(void **state)
{
	static const char *const references[] = { "folder", "folder/", ".", "fifo", "to-fifo", "loop" };
	model m;
	char full[4096];
	(void)state;
	begin(&m);
	put_dir(m.dir, "folder");
	assert_int_equal(mkfifo(at(full, m.dir, "fifo"), 0666), 0);
	put_link(m.dir, "to-fifo", "fifo");
	put_link(m.dir, "loop", "loop");
	for (size_t i = 0; i < PNR_COUNT(references); i++) {
		assert_int_equal(select_mortality(&m, references[i]), PNR_OK);
		assert_int_equal(m.issues->error_count, 1);
		assert_error(m.issues, i < 5 ? "is not a regular file" : "Too many levels of symbolic links");
		assert_int_equal(m.selection->missing_count, 0);
	}
	put_link(m.dir, "null", "/dev/null");
	static const char *const dev[] = { "/dev" };
	m.options.allow_outside = dev;
	m.options.allow_outside_count = 1;
	assert_int_equal(select_mortality(&m, "null"), PNR_OK);
	assert_error(m.issues, "'/dev/null' is not a regular file");
	end(&m);
}

/* ---------------------------------------------------------------- names -- */

static pnr_status select_three(model *m, const char *mortality, const char *lapse, const char *expenses)
{
	char text[1024];
	(void)snprintf(text, sizeof text, "{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"%s\",\"lapse\":\"%s\","
	               "\"expenses\":\"%s\"}," VALID_SCENARIOS "}", mortality, lapse, expenses);
	return select_with(m, text);
}

static void two_files_with_one_name_are_both_reported_side_by_side(void **state)
{
	model m;
	char paths[4096], full[4096];
	(void)state;
	begin(&m);
	put(m.dir, "a/x.csv", "a");
	put(m.dir, "b/x.csv", "b");
	assert_int_equal(select_three(&m, "a/x.csv", "t/l.csv", "b/x.csv"), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga assumptions/x.csv assumptions/x.csv "
	                    "assumptions/l.csv ");
	assert_string_equal(m.selection->candidates[2].place.path, at(full, m.dir, "a/x.csv"));
	assert_string_equal(m.selection->candidates[3].place.path, at(full, m.dir, "b/x.csv"));
	assert_string_equal(m.selection->candidates[2].uses, "[{\"role\":\"mortality\"},{\"role\":\"expenses\"}]");
	assert_string_equal(m.selection->candidates[3].uses, "[]");
	end(&m);
}

static void one_file_named_twice_is_one_entry_with_both_uses(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	put(m.dir, "a/x.csv", "a");
	put_link(m.dir, "b", "a");
	assert_int_equal(select_three(&m, "a/x.csv", "t/l.csv", "local://b/../a/x.csv"), PNR_OK);
	assert_no_error(m.issues);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga assumptions/x.csv assumptions/l.csv ");
	assert_string_equal(m.selection->candidates[2].uses, "[{\"role\":\"mortality\"},{\"role\":\"expenses\"}]");
	assert_string_equal(m.selection->candidates[2].reference, "a/x.csv");
	put(m.dir, "c/x.csv", "c");
	assert_int_equal(select_three(&m, "a/x.csv", "c/x.csv", "b/x.csv"), PNR_OK);
	assert_string_equal(paths_of(&m, paths), "livecalc.config.json m.mga assumptions/x.csv assumptions/x.csv ");
	assert_string_equal(m.selection->candidates[2].uses,
	                    "[{\"role\":\"mortality\"},{\"role\":\"lapse\"},{\"role\":\"expenses\"}]");
	assert_string_equal(m.selection->candidates[3].uses, "[]");
	end(&m);
}

static void one_file_under_two_names_is_two_entries(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put_link(m.dir, "t/alias.csv", "m.csv");
	assert_int_equal(select_three(&m, "t/m.csv", "t/alias.csv", "t/e.csv"), PNR_OK);
	assert_no_error(m.issues);
	assert_non_null(find_candidate(&m, "assumptions/m.csv"));
	assert_non_null(find_candidate(&m, "assumptions/alias.csv"));
	end(&m);
}

static void names_that_differ_only_by_case_are_refused(void **state)
{
	model m;
	char paths[4096];
	(void)state;
	begin(&m);
	put(m.dir, "t/M.CSV", "M");
	assert_int_equal(select_three(&m, "t/m.csv", "t/M.CSV", "t/e.csv"), PNR_OK);
	assert_int_equal(m.issues->error_count, 1);
	assert_error(m.issues, "Package paths 'assumptions/M.CSV' and 'assumptions/m.csv' differ only by case");
	assert_int_equal(strlen(paths_of(&m, paths)) > 0, 1);
	put(m.dir, "e.py", "e");
	put(m.dir, "E.py", "E");
	assert_int_equal(select_nodes(&m, NODE("a", "python://e") "," NODE("b", "python://E")), PNR_OK);
	assert_error(m.issues, "Package paths 'python/E.py' and 'python/e.py' differ only by case");
	end(&m);
}

static void names_that_may_not_be_packaged_are_refused(void **state)
{
	static const struct { const char *name, *problem; } cases[] = {
		{ "..\\..\\x", "has a backslash" }, { "a\nb", "has a control character" }, { "a\x7f", "has a control character" },
		{ "\xc2\x85", "has a control character" },
	};
	model m;
	(void)state;
	begin(&m);
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		put(m.dir, cases[i].name, "x");
		assert_int_equal(select_mortality(&m, cases[i].name), PNR_OK);
		assert_int_equal(m.issues->error_count, 1);
		assert_error(m.issues, cases[i].problem);
		assert_int_equal(m.selection->candidate_count, 4);
	}
	/* A leading '-' is a danger only at the top of the package. */
	put(m.dir, "-rf.csv", "x");
	assert_int_equal(select_mortality(&m, "-rf.csv"), PNR_OK);
	assert_no_error(m.issues);
	end(&m);
}

static void names_of_the_longest_kind_are_taken(void **state)
{
	model m;
	char name[256], reference[400];
	(void)state;
	begin(&m);
	memset(name, 'n', 255);
	name[255] = '\0';
	put(m.dir, name, "x");
	assert_int_equal(select_mortality(&m, name), PNR_OK);
	assert_no_error(m.issues);
	assert_int_equal(m.selection->candidate_count, 5);
	(void)snprintf(reference, sizeof reference, "%sn", name);
	assert_int_equal(select_mortality(&m, reference), PNR_OK);
	assert_error(m.issues, "File name too long");
	/* An engine with such a name cannot be there: it is missing. */
	(void)snprintf(reference, sizeof reference, "{\"id\":\"a\",\"engine\":\"python://%s\",\"outputs\":[\"bus://a\"]}", name);
	assert_int_equal(select_nodes(&m, reference), PNR_OK);
	assert_no_error(m.issues);
	assert_int_equal(m.selection->missing_count, 1);
	end(&m);
}

static void a_folder_name_that_is_no_utf8_can_lead_to_a_file(void **state)
{
	model m;
	(void)state;
	begin(&m);
	put(m.dir, "\xff/x.csv", "x");
	put_link(m.dir, "way", "\xff");
	assert_int_equal(select_mortality(&m, "way/x.csv"), PNR_OK);
	assert_no_error(m.issues);
	assert_non_null(find_candidate(&m, "assumptions/x.csv"));
	/* A message about one is UTF-8 all the same. */
	put_dir(m.dir, "\xff/d");
	assert_int_equal(select_mortality(&m, "way/d"), PNR_OK);
	assert_error(m.issues, "/?/d' is not a regular file");
	end(&m);
}

/* ---------------------------------------------------------------- scale -- */

static unsigned calls;

static int count_calls(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	calls++;
	return 0;
}

static void thousands_of_nodes_cost_a_few_calls_each(void **state)
{
	enum { NODES = 2000 };
	model m;
	char path[64];
	(void)state;
	begin(&m);
	put_dir(m.dir, "scripts");
	pnr_buffer nodes = PNR_BUFFER_INIT;
	for (unsigned i = 0; i < NODES; i++) {
		(void)snprintf(path, sizeof path, "scripts/p%u.py", i);
		put(m.dir, path, "");
		pnr_buffer_printf(&nodes, "%s{\"id\":\"n%u\",\"engine\":\"python://p%u\",\"outputs\":[\"bus://n%u\"]}",
		                  i == 0 ? "" : ",", i, i, i);
	}
	/* And as many again with one engine. */
	for (unsigned i = 0; i < NODES; i++)
		pnr_buffer_printf(&nodes, ",{\"id\":\"m%u\",\"engine\":\"python://p7\",\"outputs\":[\"bus://m%u\"]}", i, i);
	put_dir(m.dir, "python");
	calls = 0;
	pnr_file_gate_hook = count_calls;
	assert_int_equal(select_nodes(&m, nodes.data), PNR_OK);
	pnr_file_gate_hook = NULL;
	assert_no_error(m.issues);
	assert_int_equal(m.selection->candidate_count, NODES + 5);
	/* One stat in each of the three folders. */
	assert_true(calls < NODES * 3 + 200);
	pnr_buffer_free(&nodes);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_come_in_package_order_with_their_types),
		cmocka_unit_test(the_config_is_called_by_its_package_name_whatever_its_own),
		cmocka_unit_test(a_config_from_memory_needs_no_file),
		cmocka_unit_test(the_basename_is_the_one_that_the_config_names),
		cmocka_unit_test(two_nodes_with_one_engine_share_one_asset),
		cmocka_unit_test(node_ids_are_quoted_in_uses),
		cmocka_unit_test(policies_are_looked_at_only_when_asked_for),
		cmocka_unit_test(assumptions_can_be_left_out),
		cmocka_unit_test(wasm_is_searched_in_this_order),
		cmocka_unit_test(python_is_searched_in_this_order),
		cmocka_unit_test(what_is_no_regular_file_is_passed_over_in_a_search),
		cmocka_unit_test(a_link_out_of_the_roots_is_an_error_not_a_pass),
		cmocka_unit_test(an_engine_folder_is_an_allowed_root),
		cmocka_unit_test(an_engine_folder_that_is_not_there_is_named),
		cmocka_unit_test(the_sidecar_stands_beside_the_wasm_that_was_found),
		cmocka_unit_test(only_the_final_suffix_is_replaced),
		cmocka_unit_test(a_sidecar_that_leads_out_is_an_error),
		cmocka_unit_test(everything_that_is_missing_is_listed_with_where_it_was_searched),
		cmocka_unit_test(a_dangling_link_that_the_config_names_is_missing),
		cmocka_unit_test(paths_are_taken_as_they_are),
		cmocka_unit_test(what_lives_in_the_cloud_is_recorded_never_packaged),
		cmocka_unit_test(a_reference_out_of_the_workspace_is_refused_unless_allowed),
		cmocka_unit_test(a_config_that_is_a_link_out_is_refused),
		cmocka_unit_test(what_the_config_names_must_be_a_regular_file),
		cmocka_unit_test(two_files_with_one_name_are_both_reported_side_by_side),
		cmocka_unit_test(one_file_named_twice_is_one_entry_with_both_uses),
		cmocka_unit_test(one_file_under_two_names_is_two_entries),
		cmocka_unit_test(names_that_differ_only_by_case_are_refused),
		cmocka_unit_test(names_that_may_not_be_packaged_are_refused),
		cmocka_unit_test(names_of_the_longest_kind_are_taken),
		cmocka_unit_test(a_folder_name_that_is_no_utf8_can_lead_to_a_file),
		cmocka_unit_test(thousands_of_nodes_cost_a_few_calls_each),
	};
	return cmocka_run_group_tests_name("model/select", tests, NULL, NULL);
}
