/* What a delta holds: what the other side lacks, and no more. */
#include "deltas.h"
#include <pannier/remote.h>

static pnr_status try_delta(const place *w, pnr_store *store, const pnr_delta_options *options, pnr_delta_result *result,
                            pnr_error *err)
{
	char path[256];
	return pnr_delta(store, "new", options, in(w, "d.zip", path), result, NULL, err);
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

/* ------------------------------------------------------- against a remote -- */

static void add_remote(const place *w, pnr_store *store)
{
	char path[256];
	assert_int_equal(pnr_store_remote_add(store, "share", in(w, "share", path), NULL), PNR_OK);
}

static void push(pnr_store *store, const char *ref)
{
	pnr_push_result result;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_push_options options = { .size = sizeof options };
	if (pnr_push(store, "share", ref, &options, &result, NULL, &err) != PNR_OK)
		fail_msg("push: %s", err.message);
}

static pnr_delta_result against_remote(const place *w, pnr_store *store, bool patches)
{
	const pnr_delta_options options = { .size = sizeof options, .remote = "share", .patches = patches };
	pnr_delta_result made;
	pnr_error err = PNR_ERROR_INIT;
	if (try_delta(w, store, &options, &made, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return made;
}

static void against_a_remote_it_holds_what_is_not_there(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to"), *third = open_store(w, "third");
	add_remote(w, from);
	push(from, "old");
	pnr_delta_result made = against_remote(w, from, false);
	assert_int_equal(made.assets_whole, 3);
	assert_int_equal(made.assets_patched, 0);
	assert_int_equal(made.assets_removed, 0);
	pieces p = take_apart(w, "d.zip");
	assert_int_equal(p.count, 4);
	assert_null(strstr(p.items[0].data, "basePackageHash"));
	assert_non_null(strstr(p.items[0].data, "\"removed\": []"));
	free_pieces(&p);
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
	assert_same_file(w, "new.zip", "out.zip");
	made = against_remote(w, from, true);
	assert_int_equal(made.assets_whole, 1);
	assert_int_equal(made.assets_patched, 2);
	assert_true(apply(w, third, (giving){ "d.zip", "old.zip", "again.zip", NULL }).archive_identical);
	push(from, "new");
	made = against_remote(w, from, true);
	assert_int_equal(made.assets_whole + made.assets_patched, 0);
	/* What is in the store is enough, without the remote. */
	assert_true(apply(w, from, (giving){ "d.zip", NULL, "stored.zip", NULL }).archive_identical);
	pnr_store_close(from);
	pnr_store_close(to);
	pnr_store_close(third);
}

static pnr_digest hash_of_file(const place *w, const char *name)
{
	size_t length;
	pnr_digest hash;
	char *data = read_file(w, name, &length);
	assert_int_equal(pnr_hash_memory(data, length, &hash, NULL, NULL), PNR_OK);
	free(data);
	return hash;
}

/* The whole object of what @name holds is no more on the remote. */
static void lose(const place *w, const char *name)
{
	char hex[PNR_DIGEST_HEX_SIZE], path[256], file[128];
	const pnr_digest hash = hash_of_file(w, name);
	pnr_digest_to_hex(&hash, hex);
	int removed = 0;
	for (unsigned gzip = 0; gzip < 2; gzip++) {
		(void)snprintf(file, sizeof file, "share/blobs/%.2s/%s%s", hex, hex, gzip ? ".gz" : "");
		removed += unlink(in(w, file, path)) == 0;
	}
	assert_int_equal(removed, 1);
}

/* What is remembered is one thing, what the remote says another. */
static void what_the_remote_lost_is_no_base(void **state)
{
	const place *w = *state;
	pnr_store *from = open_store(w, "from"), *to = open_store(w, "to");
	write_model(w);
	(void)pack_to(w, from, "old.zip", "old", NULL);
	add_remote(w, from);
	push(from, "old");
	lose(w, "model/l.csv");
	lose(w, "model/python/sum.py");
	change_model(w);
	(void)pack_to(w, from, "new.zip", "new", NULL);
	const pnr_delta_result made = against_remote(w, from, true);
	/* The model, the table whose base is gone, the script that is gone; the engine is a patch. */
	assert_int_equal(made.assets_whole, 3);
	assert_int_equal(made.assets_patched, 1);
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
	pnr_store_close(from);
	pnr_store_close(to);
}

/* A push adds no ninth step to a chain; a delta stands on what the eighth makes, and adds none. */
static void a_base_may_lie_as_deep_as_patches_go(void **state)
{
	const place *w = *state;
	char tag[16];
	pnr_store *from = open_store(w, "from");
	write_model(w);
	add_remote(w, from);
	for (unsigned i = 0; i < 9; i++) {
		put_table(w, "model/l.csv", 2000, i);
		(void)snprintf(tag, sizeof tag, "v%u", i);
		(void)pack_to(w, from, "old.zip", tag, NULL);
		push(from, tag);
	}
	put_table(w, "model/l.csv", 2000, 9);
	(void)pack_to(w, from, "new.zip", "new", NULL);
	assert_int_equal(against_remote(w, from, true).assets_patched, 1);
	/* Eight steps lead to it: without the first, none of them is there. */
	put_table(w, "model/l.csv", 2000, 0);
	lose(w, "model/l.csv");
	const pnr_delta_result made = against_remote(w, from, true);
	assert_int_equal(made.assets_patched, 0);
	assert_int_equal(made.assets_whole, 1);
	pnr_store_close(from);
}

static void a_failure_of_the_remote_is_told_as_such(void **state)
{
	const place *w = *state;
	char out[256];
	pnr_store *from = two_versions(w, NULL);
	const pnr_delta_options options = { .size = sizeof options, .remote = "share" };
	pnr_delta_result made;
	pnr_error err = PNR_ERROR_INIT;
	bool at_fault = true;
	(void)in(w, "d.zip", out);
	assert_int_equal(pnr_delta(from, "new", &options, out, &made, &at_fault, NULL), PNR_NOT_FOUND);
	assert_false(at_fault);
	add_remote(w, from);
	assert_int_equal(pnr_delta(from, "new", &options, out, &made, &at_fault, &err), PNR_NOT_FOUND);
	assert_true(at_fault);
	assert_false(is_there(w, "d.zip"));
	assert_false(is_there(w, "share"));
	pnr_store_close(from);
}

/* ---------------------------------------------------- an update by unzip -- */

/* Policies with the content of the table are new: nothing is removed, and unzip does not copy. */
static void what_unzip_would_not_find_is_inside(void **state)
{
	const place *w = *state;
	static const char config[] = "{\"model\":\"model.mga\",\"scenarios\":{\"count\":1,\"seed\":1},\"policies\":\"%s\","
		"\"assumptions\":{\"mortality\":\"blob://m\",\"lapse\":\"l.csv\",\"expenses\":\"blob://e\"},\"pipeline\":{\"nodes\":["
		"{\"id\":\"n\",\"engine\":\"python://sum\",\"outputs\":[\"bus://a\"]}]}}";
	char text[1024];
	const pnr_pack_options policies = { .include_policies = true };
	pnr_store *from = open_store(w, "from");
	write_model(w);
	(void)snprintf(text, sizeof text, config, "blob://p");
	put_text(w, "model/livecalc.config.json", text);
	(void)pack_to(w, from, "old.zip", "old", &policies);
	(void)snprintf(text, sizeof text, config, "p.csv");
	put_text(w, "model/livecalc.config.json", text);
	put_table(w, "model/p.csv", 2000, 1);
	(void)pack_to(w, from, "new.zip", "new", &policies);
	const pnr_delta_result made = make_delta(w, from, "old", "new", false, "d.zip");
	assert_int_equal(made.assets_removed, 0);
	assert_int_equal(made.assets_whole, 2);
	pieces p = take_apart(w, "d.zip");
	assert_non_null(piece_of(&p, "data/p.csv"));
	free_pieces(&p);
	/* Back again something is removed, or a patch: then unzip is no update, and nothing goes for its sake. */
	assert_int_equal(make_delta(w, from, "new", "old", false, "back.zip").assets_whole, 1);
	assert_int_equal(make_delta(w, from, "old", "new", true, "patched.zip").assets_whole, 0);
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
		{ { .since = NULL }, PNR_INVALID, "either since a package, or" },
		{ { .since = "old", .have = &hash, .have_count = 1 }, PNR_INVALID, "either since a package, or" },
		{ { .since = "old", .remote = "share" }, PNR_INVALID, "either since a package, or" },
		{ { .remote = "share", .have = &hash, .have_count = 1 }, PNR_INVALID, "either since a package, or" },
		{ { .remote = "share" }, PNR_NOT_FOUND, "no remote 'share'" },
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
		TEST(against_a_remote_it_holds_what_is_not_there),
		TEST(what_the_remote_lost_is_no_base),
		TEST(a_base_may_lie_as_deep_as_patches_go),
		TEST(a_failure_of_the_remote_is_told_as_such),
		TEST(what_unzip_would_not_find_is_inside),
		TEST(an_asset_in_the_way_of_patches_leaves_them_out),
		TEST(a_version_in_another_folder_is_the_base),
		TEST(what_is_wrong_is_told),
		TEST(a_name_that_is_no_utf8_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
