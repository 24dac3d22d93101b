/* A delta and what it builds on make the package again: the same zip, from wherever the rest comes. */
#include "deltas.h"

/* What the delta of both versions is: an engine and a table changed, a small file new, one removed. */
static void every_kind_of_asset_arrives(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	const pnr_delta_result made = make_delta(w, from, "old", "new", true, "d.zip");
	assert_int_equal(made.assets, 5);
	assert_int_equal(made.assets_patched, 2);
	assert_int_equal(made.assets_whole, 1);
	assert_int_equal(made.assets_removed, 1);
	const pnr_apply_result done = apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL });
	assert_true(done.archive_identical);
	assert_int_equal(done.assets, 5);
	assert_int_equal(done.assets_patched, 2);
	assert_int_equal(done.assets_whole, 1);
	assert_int_equal(done.assets_removed, 1);
	assert_int_equal(done.bytes, made.bytes);
	assert_int_equal(done.archive_size, made.bytes_full);
	assert_true(pnr_digest_equal(&done.package_hash, &made.package_hash));
	assert_true(pnr_digest_equal(&done.archive_hash, &made.archive_hash));
	assert_same_file(w, "out.zip", "new.zip");
	pnr_store_close(from);
	pnr_store_close(to);
}

static void it_goes_both_ways(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "up.zip");
	(void)make_delta(w, from, "new", "old", true, "down.zip");
	assert_true(apply(w, to, (giving){ "up.zip", "old.zip", "out.zip", NULL }).archive_identical);
	const pnr_apply_result down = apply(w, to, (giving){ "down.zip", NULL, "back.zip", NULL });
	assert_int_equal(down.assets_patched, 2);
	assert_same_file(w, "out.zip", "new.zip");
	assert_true(down.archive_identical);
	assert_same_file(w, "back.zip", "old.zip");
	pnr_store_close(from);
	pnr_store_close(to);
}

static void unzip_to(const place *w, const char *file, const char *dir)
{
	char zip[256], path[256];
	const pnr_package_source source = { .file = in(w, file, zip) };
	pnr_verify_result *result = NULL;
	assert_int_equal(pnr_unpack(&source, in(w, dir, path), NULL, &result, NULL), PNR_OK);
	pnr_verify_result_free(result);
}

static void the_base_may_be_a_folder_or_the_store_itself(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	unzip_to(w, "old.zip", "before");
	const pnr_apply_result folder = apply(w, to, (giving){ "d.zip", "before", "folder.zip", NULL });
	assert_true(folder.archive_identical);
	assert_same_file(w, "folder.zip", "new.zip");
	assert_true(apply(w, to, (giving){ "d.zip", NULL, "again.zip", NULL }).archive_identical);
	assert_same_file(w, "again.zip", "new.zip");
	assert_true(apply(w, from, (giving){ "d.zip", NULL, "home.zip", NULL }).archive_identical);
	assert_same_file(w, "home.zip", "new.zip");
	assert_int_equal(log_length(to), 2);
	pnr_store_close(from);
	pnr_store_close(to);
}

static void the_files_are_unpacked(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", NULL, "out" }).archive_identical);
	assert_same_file(w, "out/wasm/val.wasm", "model/wasm/val.wasm");
	assert_same_file(w, "out/assumptions/l.csv", "model/l.csv");
	assert_false(is_there(w, "out/wasm/val.mjs"));
	/* It is in the way now: nothing is logged. */
	pnr_apply_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(try_apply(w, to, (giving){ "d.zip", NULL, NULL, "out" }, &result, &err), PNR_CONFLICT);
	assert_int_equal(log_length(to), 1);
	pnr_store_close(from);
	pnr_store_close(to);
}

/* A renamed engine is content that the other side has, at another path. */
static void what_was_renamed_is_not_sent(void **state)
{
	const place *w = *state;
	char from_path[256], to_path[256];
	write_model(w);
	pnr_store *from = open_store(w, "from"), *to = open_store(w, "to");
	(void)pack_to(w, from, "old.zip", "old", NULL);
	static const char config[] = "{\"model\":\"model.mga\",\"scenarios\":{\"count\":1,\"seed\":1},\"policies\":\"blob://p\","
		"\"assumptions\":{\"mortality\":\"blob://m\",\"lapse\":\"l.csv\",\"expenses\":\"blob://e\"},\"pipeline\":{\"nodes\":["
		"{\"id\":\"n\",\"engine\":\"wasm://renamed\",\"outputs\":[\"bus://a\"]}]}}";
	put_text(w, "model/livecalc.config.json", config);
	assert_int_equal(rename(in(w, "model/wasm/val.wasm", from_path), in(w, "model/wasm/renamed.wasm", to_path)), 0);
	(void)pack_to(w, from, "new.zip", "new", NULL);
	const pnr_delta_result made = make_delta(w, from, "old", "new", true, "d.zip");
	assert_int_equal(made.assets_whole, 1);
	assert_int_equal(made.assets_patched, 0);
	assert_int_equal(made.assets_removed, 3);
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
	assert_same_file(w, "out.zip", "new.zip");
	pnr_store_close(from);
	pnr_store_close(to);
}

/* Portable, of another level, without a part: whichever way it was packed, that zip comes out. */
static void every_way_of_packing_comes_out_the_same(void **state)
{
	const place *w = *state;
	static const pnr_pack_options ways[] = {
		{ .portable = true }, { .level = 12 }, { .level = 1 }, { .exclude_assumptions = true },
	};
	for (size_t i = 0; i < PNR_COUNT(ways); i++) {
		char path[256];
		pnr_store *from = two_versions(w, &ways[i]), *to = open_store(w, "to");
		(void)make_delta(w, from, "old", "new", true, "d.zip");
		assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
		assert_same_file(w, "out.zip", "new.zip");
		pnr_store_close(from);
		pnr_store_close(to);
		static const char *const gone[] = { "from", "to", "model" };
		for (size_t j = 0; j < PNR_COUNT(gone); j++)
			assert_int_equal(pnr_file_remove_tree(AT_FDCWD, in(w, gone[j], path), NULL), PNR_OK);
	}
}

/* Tables that are one content at several paths: one patch. */
static void content_at_several_paths_travels_once(void **state)
{
	const place *w = *state;
	static const char config[] = "{\"model\":\"model.mga\",\"scenarios\":{\"count\":1,\"seed\":1},\"policies\":\"blob://p\","
		"\"assumptions\":{\"mortality\":\"a.csv\",\"lapse\":\"b.csv\",\"expenses\":\"c.csv\"},\"pipeline\":{\"nodes\":["
		"{\"id\":\"n\",\"engine\":\"python://sum\",\"outputs\":[\"bus://a\"]}]}}";
	static const char *const tables[] = { "model/a.csv", "model/b.csv", "model/c.csv" };
	pnr_store *from = open_store(w, "from"), *to = open_store(w, "to");
	write_model(w);
	put_text(w, "model/livecalc.config.json", config);
	for (size_t i = 0; i < PNR_COUNT(tables); i++)
		put_table(w, tables[i], 2000, 1);
	(void)pack_to(w, from, "old.zip", "old", NULL);
	for (size_t i = 0; i < PNR_COUNT(tables); i++)
		put_table(w, tables[i], 2000, 2);
	(void)pack_to(w, from, "new.zip", "new", NULL);
	assert_int_equal(make_delta(w, from, "old", "new", true, "d.zip").assets_patched, 3);
	pieces p = take_apart(w, "d.zip");
	assert_int_equal(p.count, 2);
	free_pieces(&p);
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", "out.zip", NULL }).archive_identical);
	assert_same_file(w, "out.zip", "new.zip");
	pnr_store_close(from);
	pnr_store_close(to);
}

static void it_is_in_the_store_like_any_other(void **state)
{
	const place *w = *state;
	char path[256];
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	assert_true(apply(w, to, (giving){ "d.zip", "old.zip", NULL, NULL }).archive_identical);
	assert_int_equal(pnr_export(to, "latest", in(w, "out.zip", path), NULL, NULL, NULL, NULL), PNR_OK);
	assert_same_file(w, "out.zip", "new.zip");
	/* And can be sent on. */
	pnr_store *third = open_store(w, "third");
	const pnr_digest nothing = { { 0 } };
	const pnr_delta_options options = { .size = sizeof options, .have = &nothing, .have_count = 1 };
	pnr_delta_result result;
	assert_int_equal(pnr_delta(to, "latest", &options, in(w, "all.zip", path), &result, NULL, NULL), PNR_OK);
	assert_int_equal(result.assets_whole, 5);
	assert_true(apply(w, third, (giving){ "all.zip", NULL, "third.zip", NULL }).archive_identical);
	assert_same_file(w, "third.zip", "new.zip");
	pnr_store_close(from);
	pnr_store_close(to);
	pnr_store_close(third);
}

/* ---------------------------------------------------------- what is missing -- */

static bool lacks(const pnr_apply_result *result, const char *path, bool patch_base)
{
	for (size_t i = 0; i < result->missing_count; i++)
		if (strcmp(result->missing[i].path, path) == 0 && result->missing[i].patch_base == patch_base)
			return true;
	return false;
}

static void all_that_is_missing_is_listed(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	pnr_apply_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(try_apply(w, to, (giving){ "d.zip", NULL, "out.zip", NULL }, &result, &err), PNR_NOT_FOUND);
	assert_non_null(result);
	assert_int_equal(result->missing_count, 4);
	assert_true(lacks(result, "livecalc.config.json", false));
	assert_true(lacks(result, "python/sum.py", false));
	assert_true(lacks(result, "wasm/val.wasm", true));
	assert_true(lacks(result, "assumptions/l.csv", true));
	assert_non_null(strstr(err.message, "--base"));
	pnr_apply_result_free(result);
	assert_false(is_there(w, "out.zip"));
	assert_int_equal(log_length(to), 0);
	/* A base that has a part of it. */
	put_text(w, "part/deep/er/config", CONFIG);
	put_table(w, "part/l.csv", 2000, 1);
	result = NULL;
	err = (pnr_error)PNR_ERROR_INIT;
	assert_int_equal(try_apply(w, to, (giving){ "d.zip", "part", "out.zip", NULL }, &result, &err), PNR_NOT_FOUND);
	assert_int_equal(result->missing_count, 2);
	assert_true(lacks(result, "python/sum.py", false));
	assert_true(lacks(result, "wasm/val.wasm", true));
	pnr_apply_result_free(result);
	/* What it had is in the store now: only the rest is needed. */
	put_text(w, "rest/one", SCRIPT);
	put_engine(w, "rest/two", ENGINE_SIZE, 1);
	assert_true(apply(w, to, (giving){ "d.zip", "rest", "out.zip", NULL }).archive_identical);
	assert_same_file(w, "out.zip", "new.zip");
	pnr_store_close(from);
	pnr_store_close(to);
}

/* A link leads who knows where: it is not content of the folder. FIFOs are not waited for. */
static void a_base_folder_is_not_left(void **state)
{
	const place *w = *state;
	char path[256], target[256];
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	unzip_to(w, "old.zip", "before");
	assert_int_equal(mkdir(in(w, "base", path), 0777), 0);
	assert_int_equal(mkfifo(in(w, "base/fifo", path), 0666), 0);
	assert_int_equal(symlink(in(w, "before", target), in(w, "base/link", path)), 0);
	assert_int_equal(symlink(in(w, "before/python/sum.py", target), in(w, "base/sum.py", path)), 0);
	pnr_apply_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(try_apply(w, to, (giving){ "d.zip", "base", "out.zip", NULL }, &result, &err), PNR_NOT_FOUND);
	assert_int_equal(result->missing_count, 4);
	pnr_apply_result_free(result);
	pnr_store_close(from);
	pnr_store_close(to);
}

static void a_base_that_is_none_is_told(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	static const struct {
		const char *base;
		pnr_status status;
		const char *text;
	} rows[] = {
		{ "nothing", PNR_NOT_FOUND, "No such file" },
		{ "model/l.csv", PNR_CORRUPT, "not a zip" },
		{ "d.zip", PNR_NOT_FOUND, "neither in the store nor in a base" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		pnr_apply_result *result = NULL;
		pnr_error err = PNR_ERROR_INIT;
		pnr_status status = try_apply(w, to, (giving){ "d.zip", rows[i].base, "out.zip", NULL }, &result, &err);
		pnr_apply_result_free(result);
		if (status != rows[i].status || strstr(err.message, rows[i].text) == NULL)
			fail_msg("%s: %d, %s", rows[i].base, (int)status, err.message);
		assert_int_equal(log_length(to), 0);
	}
	pnr_store_close(from);
	pnr_store_close(to);
}

/* A damaged entry of the base is found by its hash, and named. */
static void a_damaged_base_is_not_believed(void **state)
{
	const place *w = *state;
	pnr_store *from = two_versions(w, NULL), *to = open_store(w, "to");
	(void)make_delta(w, from, "old", "new", true, "d.zip");
	pieces p = take_apart(w, "old.zip");
	piece_of(&p, "wasm/val.wasm")->data[1000] ^= 1;
	put_together(w, &p, "damaged.zip");
	free_pieces(&p);
	pnr_apply_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(try_apply(w, to, (giving){ "d.zip", "damaged.zip", "out.zip", NULL }, &result, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "damaged.zip"));
	assert_non_null(strstr(err.message, "wasm/val.wasm"));
	assert_int_equal(log_length(to), 0);
	pnr_store_close(from);
	pnr_store_close(to);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_kind_of_asset_arrives),
		TEST(it_goes_both_ways),
		TEST(the_base_may_be_a_folder_or_the_store_itself),
		TEST(the_files_are_unpacked),
		TEST(what_was_renamed_is_not_sent),
		TEST(every_way_of_packing_comes_out_the_same),
		TEST(content_at_several_paths_travels_once),
		TEST(it_is_in_the_store_like_any_other),
		TEST(all_that_is_missing_is_listed),
		TEST(a_base_folder_is_not_left),
		TEST(a_base_that_is_none_is_told),
		TEST(a_damaged_base_is_not_believed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
