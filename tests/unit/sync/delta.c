/* What a delta holds: what the other side lacks, and no more. */
#include "deltas.h"

static pnr_status try_delta(const place *w, pnr_store *store, const pnr_delta_options *options, pnr_delta_result *result,
                            pnr_error *err)
{
	char path[256];
	return pnr_delta(store, "new", options, in(w, "d.zip", path), result, err);
}

static void without_patches_it_holds_what_changed(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL);
	const pnr_delta_result made = make_delta(w, from, "old", "new", false, "d.zip");
	assert_int_equal(made.assets_whole, 3);
	assert_int_equal(made.assets_patched, 0);
	assert_int_equal(made.assets_removed, 1);
	pieces p = take_apart(w, "d.zip");
	assert_int_equal(p.count, 4);
	assert_string_equal(p.items[1].name, "model.mga");
	assert_string_equal(p.items[2].name, "wasm/val.wasm");
	assert_string_equal(p.items[3].name, "assumptions/l.csv");
	assert_non_null(strstr(p.items[0].data, "\"removed\": [\n      \"wasm/val.mjs\"\n    ]"));
	free_pieces(&p);
	pnr_store_close(from);
}

static void the_same_gives_the_same(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL);
	(void)make_delta(w, from, "old", "new", true, "a.zip");
	(void)make_delta(w, from, "old", "new", true, "b.zip");
	assert_same_file(w, "a.zip", "b.zip");
	const pnr_delta_result nothing = make_delta(w, from, "new", "new", true, "c.zip");
	assert_int_equal(nothing.assets_whole + nothing.assets_patched + nothing.assets_removed, 0);
	pnr_store_close(from);
}

static void against_hashes_it_holds_the_rest(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL);
	pnr_digest have[3];
	assert_int_equal(pnr_hash_memory(CONFIG, strlen(CONFIG), &have[1], NULL, NULL), PNR_OK);
	assert_int_equal(pnr_hash_memory(SCRIPT, strlen(SCRIPT), &have[0], NULL, NULL), PNR_OK);
	have[2] = have[0];
	const pnr_delta_options options = { .size = sizeof options, .have = have, .have_count = 3, .patches = true };
	pnr_delta_result made;
	assert_int_equal(try_delta(w, from, &options, &made, NULL), PNR_OK);
	assert_int_equal(made.assets_whole, 3);
	assert_int_equal(made.assets_patched, 0);
	assert_int_equal(made.assets_removed, 0);
	pieces p = take_apart(w, "d.zip");
	assert_null(strstr(p.items[0].data, "basePackageHash"));
	free_pieces(&p);
	pnr_store_close(from);
}

/* An asset called as the folder of the patches: what unzip makes of both would be one name. */
static void an_asset_in_the_way_of_patches_leaves_them_out(void **state)
{
	const place *w = *state;
	static const char config[] = "{\"model\":\"Patches\",\"scenarios\":{\"count\":1,\"seed\":1},\"policies\":\"blob://p\","
		"\"assumptions\":{\"mortality\":\"blob://m\",\"lapse\":\"l.csv\",\"expenses\":\"blob://e\"},\"pipeline\":{\"nodes\":["
		"{\"id\":\"n\",\"engine\":\"python://sum\",\"outputs\":[\"bus://a\"]}]}}";
	pnr_store *from = open_store(w, "from"), *to = open_store(w, "to");
	write_model(w);
	put_text(w, "model/Patches", "MODEL\n");
	put_text(w, "model/livecalc.config.json", config);
	(void)pack_to(w, from, "old.zip", "old", NULL);
	put_table(w, "model/l.csv", 2000, 2);
	(void)pack_to(w, from, "new.zip", "new", NULL);
	const pnr_delta_result made = make_delta(w, from, "old", "new", true, "d.zip");
	assert_int_equal(made.assets_patched, 0);
	assert_int_equal(made.assets_whole, 1);
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
	pnr_store_close(from);
	pnr_store_close(to);
}

/* Policies that become a table: what is known of it is its name. */
static void a_version_in_another_folder_is_the_base(void **state)
{
	const place *w = *state;
	static const char config[] = "{\"model\":\"%s\",\"scenarios\":{\"count\":1,\"seed\":1},\"policies\":\"%s\","
		"\"assumptions\":{\"mortality\":\"%s\",\"lapse\":\"blob://l\",\"expenses\":\"blob://e\"},\"pipeline\":{\"nodes\":["
		"{\"id\":\"n\",\"engine\":\"python://sum\",\"outputs\":[\"bus://a\"]}]}}";
	char text[1024];
	const pnr_pack_options policies = { .include_policies = true };
	pnr_store *from = open_store(w, "from"), *to = open_store(w, "to");
	write_model(w);
	(void)snprintf(text, sizeof text, config, "model.mga", "l.csv", "blob://m");
	put_text(w, "model/livecalc.config.json", text);
	(void)pack_to(w, from, "old.zip", "old", &policies);
	(void)snprintf(text, sizeof text, config, "model.mga", "blob://p", "l.csv");
	put_text(w, "model/livecalc.config.json", text);
	put_table(w, "model/l.csv", 2000, 2);
	(void)pack_to(w, from, "new.zip", "new", &policies);
	/* The config, and the table. */
	assert_int_equal(make_delta(w, from, "old", "new", true, "d.zip").assets_patched, 2);
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
	pnr_store_close(from);
	pnr_store_close(to);
}

static void what_is_wrong_is_told(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL);
	pnr_delta_result made;
	const pnr_digest hash = { { 0 } };
	const struct {
		pnr_delta_options options;
		pnr_status status;
		const char *text;
	} rows[] = {
		{ { .since = NULL }, PNR_INVALID, "either since a package or against a list" },
		{ { .since = "old", .have = &hash, .have_count = 1 }, PNR_INVALID, "either since a package or against a list" },
		{ { .since = "nothing" }, PNR_NOT_FOUND, "no package or tag 'nothing'" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		pnr_delta_options options = rows[i].options;
		pnr_error err = PNR_ERROR_INIT;
		options.size = sizeof options;
		assert_int_equal(try_delta(w, from, &options, &made, &err), rows[i].status);
		assert_non_null(strstr(err.message, rows[i].text));
		assert_false(is_there(w, "d.zip"));
	}
	pnr_store_close(from);
}

/* A folder's name may be any bytes; what stands in a manifest is UTF-8. */
static void a_name_that_is_no_utf8_is_refused(void **state)
{
	const place *w = *state;
	write_model(w);
	pnr_store *from = open_store(w, "from");
	const pnr_pack_options options = { .name = "m\xff" };
	(void)pack_to(w, from, "new.zip", "new", &options);
	const pnr_delta_options delta = { .size = sizeof delta, .since = "new" };
	pnr_delta_result made;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(try_delta(w, from, &delta, &made, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "--name"));
	pnr_store_close(from);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_patches_it_holds_what_changed),
		TEST(the_same_gives_the_same),
		TEST(against_hashes_it_holds_the_rest),
		TEST(an_asset_in_the_way_of_patches_leaves_them_out),
		TEST(a_version_in_another_folder_is_the_base),
		TEST(what_is_wrong_is_told),
		TEST(a_name_that_is_no_utf8_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
