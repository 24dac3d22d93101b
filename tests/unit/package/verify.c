/* Every check of a package, with a package that violates it. */
#include "packages.h"
#include <stdatomic.h>

static pnr_verify_result *verify_file(const char *file, const pnr_verify_options *options, pnr_status *out_status)
{
	const pnr_package_source source = { .file = file };
	pnr_verify_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	*out_status = pnr_verify(&source, options, &result, &err);
	assert_int_equal(err.status, *out_status);
	if (*out_status == PNR_OK || *out_status == PNR_CORRUPT) {
		assert_non_null(result);
		assert_int_equal(result->valid, *out_status == PNR_OK);
		assert_int_equal(result->valid, result->problem_count == 0);
	} else {
		assert_null(result);
	}
	return result;
}

static pnr_verify_result *verify(const place *w, package *p, pnr_status *out_status)
{
	write_package(p, w->zip);
	return verify_file(w->zip, NULL, out_status);
}

/* The package has exactly this one problem. */
static void expect_problem(void **state, package *p, const char *path, const char *text)
{
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	if (r->problem_count != 1 || !has(r->problems, 1, path, text)) {
		print_result(r);
		fail_msg("expected one problem, of '%s': %s", path, text);
	}
	pnr_verify_result_free(r);
}

static void expect_valid(void **state, package *p, size_t warnings)
{
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, p, &status);
	if (status != PNR_OK)
		print_result(r);
	assert_int_equal(status, PNR_OK);
	assert_int_equal(r->warning_count, warnings);
	pnr_verify_result_free(r);
}

/* ------------------------------------------------------------ what is right -- */

static void a_right_package_is_valid(void **state)
{
	const place *w = *state;
	package p = sample();
	pnr_status status = PNR_IO;
	pnr_verify_result *r = verify(w, &p, &status);
	if (r != NULL)
		print_result(r);
	assert_int_equal(status, PNR_OK);
	assert_int_equal(r->size, sizeof *r);
	assert_int_equal(r->warning_count, 0);
	assert_int_equal(r->asset_count, 6);
	assert_true(r->has_declared_hash);
	assert_true(pnr_digest_equal(&r->package_hash, &p.hash));
	assert_true(r->has_archive_hash);
	int fd = open(w->zip, O_RDONLY | O_CLOEXEC);
	pnr_buffer bytes = PNR_BUFFER_INIT;
	pnr_digest digest;
	assert_int_equal(pnr_file_read_all(fd, 1 << 20, &bytes, "zip", NULL), PNR_OK);
	assert_int_equal(pnr_hash_memory(bytes.data, bytes.length, &digest, NULL, NULL), PNR_OK);
	assert_true(pnr_digest_equal(&r->archive_hash, &digest));
	pnr_buffer_free(&bytes);
	close(fd);
	pnr_verify_result_free(r);
}

static void package_hash_is_that_of_the_published_vector(void **state)
{
	package p = { 0 };
	add_text(&p, "wasm/a.wasm", "wasm", "");
	add_text(&p, "model.mga", "model", "MODEL\n");
	add_text(&p, "livecalc.config.json", "config", "{}\n");
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, &p, &status);
	char hex[PNR_DIGEST_HEX_SIZE];
	assert_string_equal(pnr_digest_to_hex(&r->package_hash, hex),
	                    "c01c23343ff2996bae4634c1ae2d9de27f01df8e88d71d22210c2017c7b5ee1d");
	pnr_verify_result_free(r);
}

static void the_manifest_may_stand_anywhere(void **state)
{
	package p = sample();
	p.manifest_last = true;
	expect_valid(state, &p, 0);
}

static void a_package_of_the_old_packager_is_valid_with_a_warning(void **state)
{
	package p = sample();
	p.old = p.foreign = true;
	pnr_status status = PNR_IO;
	pnr_verify_result *r = verify(*state, &p, &status);
	assert_int_equal(status, PNR_OK);
	assert_false(r->has_declared_hash);
	assert_int_equal(r->warning_count, 1);
	assert_true(has(r->warnings, 1, "", "old packager"));
	assert_true(pnr_digest_equal(&r->package_hash, &p.hash));
	pnr_verify_result_free(r);
}

static void unknown_keys_of_the_manifest_are_no_problem(void **state)
{
	package p = sample();
	p.more = ", \"later\": [1, {\"assets\": 2}]";
	expect_valid(state, &p, 0);
}

/* packageHash says nothing of them, and a worker would fetch what they name. */
static void references_are_those_of_the_config(void **state)
{
	static const char *const wrong[] = {
		", \"assumptionRefs\": []",
		", \"assumptionRefs\": [\"assumptions://mort:v1\", \"assumptions://evil\"]",
		", \"assumptionRefs\": [\"assumptions://exp\", \"assumptions://mort:v1\"]",
		", \"externalRefs\": [\"blob://evil\"]",
	};
	package p = sample();
	p.more = ", \"assumptionRefs\": [\"assumptions://mort:v1\", \"assumptions://exp\"], \"externalRefs\": []";
	expect_valid(state, &p, 0);
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		p.more = wrong[i];
		expect_problem(state, &p, "manifest.json", "Refs are not those of livecalc.config.json");
	}
}

/* -------------------------------------------------------------- container -- */

static void what_is_no_zip_is_a_problem_of_the_package(void **state)
{
	const place *w = *state;
	static const char *const texts[] = { "", "PK", "not a zip at all, but long enough to hold an end record" };
	for (size_t i = 0; i < PNR_COUNT(texts); i++) {
		write_text(w->zip, texts[i]);
		pnr_status status = PNR_OK;
		pnr_verify_result *r = verify_file(w->zip, NULL, &status);
		assert_int_equal(status, PNR_CORRUPT);
		assert_int_equal(r->problem_count, 1);
		assert_string_equal(r->problems[0].path, "");
		assert_true(r->has_archive_hash);
		pnr_verify_result_free(r);
	}
}

static void a_zip_cut_short_anywhere_is_never_valid(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	struct stat st;
	assert_int_equal(stat(w->zip, &st), 0);
	for (off_t size = st.st_size - 1; size >= 0; size -= 37) {
		assert_int_equal(truncate(w->zip, size), 0);
		pnr_status status = PNR_OK;
		pnr_verify_result_free(verify_file(w->zip, NULL, &status));
		assert_int_equal(status, PNR_CORRUPT);
	}
}

/* Every byte matters: content, names, sizes, CRCs, times. Only what no reader looks at may differ. */
static void a_flipped_byte_of_an_asset_is_found(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	int fd = open(w->zip, O_RDWR | O_CLOEXEC);
	char bytes[4096];
	ssize_t length = read(fd, bytes, sizeof bytes);
	assert_true(length > 0);
	const char *found = memmem(bytes, (size_t)length, "MODEL\n", 6);
	assert_non_null(found);
	assert_int_equal(pwrite(fd, "M0DEL\n", 6, found - bytes), 6);
	close(fd);
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify_file(w->zip, NULL, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_int_equal(r->problem_count, 1);
	assert_string_equal(r->problems[0].path, "model.mga");
	pnr_verify_result_free(r);
}

/* ---------------------------------------------------- manifest and entries -- */

static void a_package_without_manifest_is_wrong(void **state)
{
	package p = sample();
	p.no_manifest = true;
	expect_problem(state, &p, "manifest.json", "is missing");
}

static void a_manifest_that_cannot_be_read_is_named(void **state)
{
	package p = sample();
	p.manifest = "{\"version\": \"1.0\", }";
	expect_problem(state, &p, "manifest.json", "line 1");
	p.manifest = "";
	expect_problem(state, &p, "manifest.json", "line 1");
}

static void another_version_is_not_supported(void **state)
{
	const place *w = *state;
	package p = sample();
	p.manifest = "{\"version\": \"2.0\"}";
	write_package(&p, w->zip);
	pnr_error err = PNR_ERROR_INIT;
	const pnr_package_source source = { .file = w->zip };
	pnr_verify_result *result = NULL;
	assert_int_equal(pnr_verify(&source, NULL, &result, &err), PNR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "'2.0'"));
	assert_null(result);
}

static void other_bytes_are_found_by_their_hash(void **state)
{
	package p = sample();
	asset_of(&p, "wasm/val.wasm")->listed_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	expect_problem(state, &p, "wasm/val.wasm", "the manifest says e3b0c44298fc");
}

static void another_size_is_found_without_reading(void **state)
{
	package p = sample();
	asset_of(&p, "model.mga")->listed_size = 5;
	expect_problem(state, &p, "model.mga", "has 6 bytes, the manifest says 5");
	asset_of(&p, "model.mga")->listed_size = 7;
	expect_problem(state, &p, "model.mga", "has 6 bytes, the manifest says 7");
}

static void a_listed_asset_that_is_not_there_is_found(void **state)
{
	package p = sample();
	asset_of(&p, "assumptions/l.csv")->not_in_zip = true;
	expect_problem(state, &p, "assumptions/l.csv", "is listed in the manifest and not in the package");
}

static void an_entry_that_is_not_listed_is_found(void **state)
{
	package p = sample();
	add_text(&p, "extra.txt", "policy", "x")->not_in_manifest = true;
	expect_problem(state, &p, "extra.txt", "is not in the manifest");
}

static void folders_above_assets_are_accepted_and_no_others(void **state)
{
	package p = sample();
	p.foreign = true;
	add_text(&p, "wasm/", "", "")->not_in_manifest = true;
	expect_valid(state, &p, 0);
	add_text(&p, "data/", "", "")->not_in_manifest = true;
	expect_problem(state, &p, "data/", "is a folder that holds nothing");
}

static void a_listed_asset_twice_is_wrong(void **state)
{
	package p = sample();
	add(&p, "wasm/val.wasm", "wasm", WASM, WASM_LENGTH)->not_in_zip = true;
	expect_problem(state, &p, "wasm/val.wasm", "is listed twice");
}

static void the_old_packager_lists_a_shared_engine_twice(void **state)
{
	package p = sample();
	p.old = true;
	asset *again = add(&p, "wasm/val.wasm", "wasm", WASM, WASM_LENGTH);
	again->not_in_zip = true;
	expect_valid(state, &p, 2);
	again->listed_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	expect_problem(state, &p, "wasm/val.wasm", "is listed twice");
}

static void a_declared_package_hash_must_be_right(void **state)
{
	package p = sample();
	p.package_hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	expect_problem(state, &p, "manifest.json", "its packageHash is not that of its assets");
}

/* ------------------------------------------------------------------ names -- */

static void names_that_may_not_be_in_a_package_are_found(void **state)
{
	static const struct {
		const char *path, *shown, *problem;
	} rows[] = {
		{ "../evil", "../evil", "'..'" },
		{ "a/../../evil", "a/../../evil", "'..'" },
		{ "wasm/..", "wasm/..", "'..'" },
		{ "/tmp/evil", "/tmp/evil", "is absolute" },
		{ "a\\..\\evil", "a\\..\\evil", "backslash" },
		{ "C:evil", "C:evil", "drive letter" },
		{ "-rf", "-rf", "starts with '-'" },
		{ "a//b", "a//b", "empty component" },
		{ "./a", "./a", "component '.'" },
		/* the zip itself is refused for the first two */
		{ "a\nb", "", "control character" },
		{ "a\033[31m", "", "control character" },
		{ "a\xc2\x9b" "b", "a??b", "control character" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		package p = sample();
		add_text(&p, rows[i].path, "policy", "x");
		expect_problem(state, &p, rows[i].shown, rows[i].problem);
		p.foreign = true;
		expect_problem(state, &p, rows[i].shown, rows[i].problem);
	}
}

static void what_a_package_says_reaches_no_terminal_as_an_escape(void **state)
{
	package p = sample();
	add_text(&p, "a\033[31m\n\xc2\x9b" "b", "policy", "x")->not_in_zip = true;
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, &p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_true(has(r->problems, r->problem_count, "a?[31m???b", "its path has a control character"));
	pnr_verify_result_free(r);
}

static void names_in_each_others_way_are_found(void **state)
{
	static const struct {
		const char *path, *problem_of, *problem;
	} rows[] = {
		{ "WASM/VAL.wasm", "wasm/val.wasm", "when case is ignored" },
		{ "Livecalc.Config.json", "livecalc.config.json", "when case is ignored" },
		{ "wasm", "wasm/", "lies in 'wasm', which is a file" },
		{ "Python", "python/sum.py", "lies in 'Python', which is a file" },
		{ "manifest.json/x", "manifest.json/x", "lies in 'manifest.json', which is a file" },
		{ "MANIFEST.json", "", "when case is ignored" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		package p = sample();
		add_text(&p, rows[i].path, "policy", "x");
		pnr_status status = PNR_OK;
		pnr_verify_result *r = verify(*state, &p, &status);
		assert_int_equal(status, PNR_CORRUPT);
		assert_int_equal(r->problem_count, 1);
		if (strstr(r->problems[0].problem, rows[i].problem) == NULL) {
			print_result(r);
			fail_msg("%s", rows[i].path);
		}
		pnr_verify_result_free(r);
	}
}

static void the_manifest_cannot_list_itself(void **state)
{
	package p = sample();
	add_text(&p, "manifest.json", "policy", "x")->not_in_zip = true;
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, &p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_true(has(r->problems, r->problem_count, "manifest.json", "when case is ignored"));
	pnr_verify_result_free(r);
}

static void names_that_only_look_alike_are_right(void **state)
{
	package p = sample();
	/* sorted by bytes, '.' stands before '/': no file is taken for a folder */
	add_text(&p, "wasm.txt", "policy", "1");
	add_text(&p, "wasm-2/x", "policy", "2");
	add_text(&p, "python/sum.py.bak", "policy", "3");
	add_text(&p, "\xc3\xa9t\xc3\xa9.csv", "policy", "4");
	expect_valid(state, &p, 0);
}

static void very_deep_names_are_refused(void **state)
{
	char path[512];
	size_t length = 0;
	for (int i = 0; i < 101; i++) {
		path[length++] = 'd';
		path[length++] = '/';
	}
	(void)snprintf(path + length, sizeof path - length, "f");
	package p = sample();
	add_text(&p, path, "policy", "x");
	expect_problem(state, &p, path, "more than 100 folders");
}

static void names_that_some_file_systems_take_for_one_are_warned_of(void **state)
{
	static const struct {
		const char *first, *second, *warning;
	} rows[] = {
		{ "\xc3\xa9", "e\xcc\x81", "is the path of 'e\xcc\x81' in another Unicode form or case" },
		{ "\xc3\x89.csv", "\xc3\xa9.csv", "is the path of '\xc3\x89.csv' in another Unicode form or case" },
		{ "e\xcc\x81", "\xc3\xa9/x", "lies in 'e\xcc\x81', which is a file, in another Unicode form or case" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		package p = sample();
		add_text(&p, rows[i].first, "policy", "1");
		add_text(&p, rows[i].second, "policy", "2");
		pnr_status status = PNR_OK;
		pnr_verify_result *r = verify(*state, &p, &status);
		assert_int_equal(status, PNR_OK);
		assert_int_equal(r->warning_count, 1);
		assert_string_equal(r->warnings[0].problem, rows[i].warning);
		pnr_verify_result_free(r);
	}
	/* what is a problem already is not warned of as well */
	package p = sample();
	add_text(&p, "\xc3\xa9" "A", "policy", "1");
	add_text(&p, "\xc3\xa9" "a", "policy", "2");
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, &p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_int_equal(r->problem_count, 1);
	assert_int_equal(r->warning_count, 0);
	pnr_verify_result_free(r);
}

/* ----------------------------------------------------------------- config -- */

static void the_rules_of_the_config_hold_inside_a_package(void **state)
{
	package p = sample();
	asset *config = asset_of(&p, "livecalc.config.json");
	config->data = "{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"a\",\"lapse\":\"b\",\"expenses\":\"c\"},"
	               "\"scenarios\":{\"count\":0}}";
	config->length = strlen(config->data);
	expect_problem(state, &p, "livecalc.config.json", "Config scenarios.count must be a positive number");
}

static void a_config_that_is_no_json_is_found(void **state)
{
	package p = sample();
	asset *config = asset_of(&p, "livecalc.config.json");
	config->data = "{\"model\": ";
	config->length = strlen(config->data);
	p.config = "{}";
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, &p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_string_equal(r->problems[0].path, "livecalc.config.json");
	pnr_verify_result_free(r);
}

static void mandatory_assets_must_be_inside(void **state)
{
	static const struct {
		const char *path, *problem;
	} rows[] = {
		{ "model.mga", "Package missing mandatory asset: model.mga" },
		{ "wasm/val.wasm", "Package missing WASM binary for node n1: val.wasm" },
		{ "python/sum.py", "Package missing Python script for node n2: sum.py" },
		{ "livecalc.config.json", "Package missing mandatory asset: livecalc.config.json" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		package p = sample();
		asset *gone = asset_of(&p, rows[i].path);
		gone->not_in_zip = gone->not_in_manifest = true;
		pnr_status status = PNR_OK;
		pnr_verify_result *r = verify(*state, &p, &status);
		assert_int_equal(status, PNR_CORRUPT);
		if (!has(r->problems, r->problem_count, "", rows[i].problem)) {
			print_result(r);
			fail_msg("%s", rows[i].path);
		}
		pnr_verify_result_free(r);
	}
}

static void the_manifests_config_is_the_configs_tokens(void **state)
{
	package p = sample();
	/* other white space */
	char *other = strdup(CONFIG);
	for (char *c = other; *c != '\0'; c++)
		if (*c == '\n')
			*c = '\t';
	p.config = other;
	expect_valid(state, &p, 0);
	/* the same value, another token */
	char *rate = strstr(other, "1.50");
	memcpy(rate, "1.5 ", 4);
	expect_problem(state, &p, "manifest.json", "its config is not, token by token");
	/* white space inside a string counts */
	free(other);
	other = strdup(CONFIG);
	*strstr(other, "l.csv") = ' ';
	p.config = other;
	expect_problem(state, &p, "manifest.json", "its config is not, token by token");
	p.config = "";
	expect_problem(state, &p, "manifest.json", "has no config");
	p.config = "{}";
	expect_problem(state, &p, "manifest.json", "its config is not, token by token");
	free(other);
}

static void the_old_packager_renders_the_config_again(void **state)
{
	package p = sample();
	p.old = true;
	p.config = "{\"model\": \"local://model.mga\"}";
	expect_valid(state, &p, 2);
}

/* ------------------------------------------------------ expect, and the rest -- */

static void what_is_expected_is_the_package_or_its_archive(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	pnr_status status = PNR_IO;
	pnr_verify_result *r = verify_file(w->zip, NULL, &status);
	assert_int_equal(status, PNR_OK);
	pnr_digest archive = r->archive_hash, other = { { 1 } };
	pnr_verify_result_free(r);

	pnr_verify_options options = { .size = sizeof options, .expect = &p.hash };
	pnr_verify_result_free(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_OK);
	options.expect = &archive;
	pnr_verify_result_free(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_OK);
	options.expect = &other;
	r = verify_file(w->zip, &options, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_int_equal(r->problem_count, 1);
	assert_true(has(r->problems, 1, "", "expected 0100000000"));
	pnr_verify_result_free(r);
}

static void all_problems_are_reported(void **state)
{
	package p = sample();
	asset_of(&p, "model.mga")->listed_size = 5;
	asset_of(&p, "wasm/val.mjs")->listed_hash =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	asset_of(&p, "assumptions/l.csv")->not_in_zip = true;
	add_text(&p, "extra", "policy", "x")->not_in_manifest = true;
	add_text(&p, "../x", "policy", "x");
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(*state, &p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_int_equal(r->problem_count, 5);
	pnr_verify_result_free(r);
}

static void more_problems_than_anyone_reads_are_counted(void **state)
{
	const place *w = *state;
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_puts(&text, "{\"version\":\"1.0\",\"createdAt\":\"" CREATED_AT "\",\"assets\":[");
	for (int i = 0; i < 2500; i++)
		pnr_buffer_printf(&text,
		                  "%s{\"relativePath\":\"f%d\",\"size\":0,\"type\":\"policy\",\"hash\":"
		                  "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
		                  i == 0 ? "" : ",", i);
	pnr_buffer_puts(&text, "]}");
	package p = { .manifest = text.data };
	pnr_status status = PNR_OK;
	pnr_verify_result *r = verify(w, &p, &status);
	assert_int_equal(status, PNR_CORRUPT);
	assert_int_equal(r->problem_count, 1001);
	/* 2,500 are missing, and the config with them */
	assert_string_equal(r->problems[1000].problem, "and 1501 more");
	pnr_verify_result_free(r);
	pnr_buffer_free(&text);
}

typedef struct watcher {
	unsigned calls, stop_at;
	uint64_t done, total;
	pnr_phase phase;
} watcher;

static int watch(void *user, const pnr_progress *progress)
{
	watcher *seen = user;
	assert_true(progress->bytes_done >= seen->done);
	seen->done = progress->bytes_done;
	seen->total = progress->bytes_total;
	seen->phase = progress->phase;
	return ++seen->calls == seen->stop_at;
}

static void progress_ends_at_the_total_and_can_cancel(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	struct stat st;
	assert_int_equal(stat(w->zip, &st), 0);
	uint64_t total = (uint64_t)st.st_size;
	for (size_t i = 0; i < p.count; i++)
		total += p.assets[i].length;
	watcher seen = { 0 };
	pnr_verify_options options = { .size = sizeof options, .progress = watch, .progress_user = &seen };
	pnr_status status = PNR_IO;
	pnr_verify_result_free(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_OK);
	assert_int_equal(seen.phase, PNR_PHASE_VERIFY);
	assert_int_equal(seen.total, total);
	assert_int_equal(seen.done, total);
	for (unsigned n = seen.calls; n > 0; n--) {
		watcher stopper = { .stop_at = n };
		options.progress_user = &stopper;
		pnr_verify_result_free(verify_file(w->zip, &options, &status));
		assert_int_equal(status, PNR_CANCELLED);
	}
}

static int touch(void *user, const pnr_progress *progress)
{
	const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	(void)progress;
	assert_int_equal(utimensat(AT_FDCWD, user, times, 0), 0);
	return 0;
}

static void a_zip_that_changes_while_it_is_read_is_to_be_read_again(void **state)
{
	place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	pnr_verify_options options = { .size = sizeof options, .progress = touch, .progress_user = w->zip };
	pnr_status status = PNR_OK;
	assert_null(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_RETRY);
}

static void a_source_must_be_one_regular_file(void **state)
{
	const place *w = *state;
	char path[256];
	pnr_status status = PNR_OK;
	assert_null(verify_file(in(w, "none", path), NULL, &status));
	assert_int_equal(status, PNR_NOT_FOUND);
	assert_null(verify_file(w->dir, NULL, &status));
	assert_int_equal(status, PNR_INVALID);
	assert_int_equal(mkfifo(in(w, "fifo", path), 0600), 0);
	assert_null(verify_file(path, NULL, &status));
	assert_int_equal(status, PNR_INVALID);
	assert_null(verify_file(NULL, NULL, &status));
	assert_int_equal(status, PNR_INVALID);
	const pnr_package_source both = { .file = w->zip, .ref = "latest" };
	pnr_verify_result *result = NULL;
	assert_int_equal(pnr_verify(&both, NULL, &result, NULL), PNR_INVALID);
}

static void options_are_checked(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	pnr_status status = PNR_OK;
	pnr_verify_options options = { .size = 0 };
	assert_null(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_INVALID);
	options = (pnr_verify_options){ .size = sizeof options, .threads = 100000 };
	assert_null(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_INVALID);
	options.threads = 4;
	pnr_verify_result_free(verify_file(w->zip, &options, &status));
	assert_int_equal(status, PNR_OK);
}

/* --------------------------------------------------------------- faults -- */

/* Also the job that hashes the zip reads. */
static atomic_uint calls_seen;
static unsigned fault_at;

static int fail_once(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return atomic_fetch_add(&calls_seen, 1) + 1 == fault_at ? EIO : 0;
}

static void every_failing_call_is_reported(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	for (fault_at = 1;; fault_at++) {
		calls_seen = 0;
		pnr_file_gate_hook = fail_once;
		pnr_status status = PNR_OK;
		pnr_verify_result *r = verify_file(w->zip, NULL, &status);
		pnr_file_gate_hook = NULL;
		pnr_verify_result_free(r);
		if (calls_seen < fault_at) {
			assert_int_equal(status, PNR_OK);
			break;
		}
		assert_int_equal(status, PNR_IO);
	}
	assert_true(fault_at > 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_right_package_is_valid),
		TEST(package_hash_is_that_of_the_published_vector),
		TEST(the_manifest_may_stand_anywhere),
		TEST(a_package_of_the_old_packager_is_valid_with_a_warning),
		TEST(unknown_keys_of_the_manifest_are_no_problem),
		TEST(references_are_those_of_the_config),
		TEST(what_is_no_zip_is_a_problem_of_the_package),
		TEST(a_zip_cut_short_anywhere_is_never_valid),
		TEST(a_flipped_byte_of_an_asset_is_found),
		TEST(a_package_without_manifest_is_wrong),
		TEST(a_manifest_that_cannot_be_read_is_named),
		TEST(another_version_is_not_supported),
		TEST(other_bytes_are_found_by_their_hash),
		TEST(another_size_is_found_without_reading),
		TEST(a_listed_asset_that_is_not_there_is_found),
		TEST(an_entry_that_is_not_listed_is_found),
		TEST(folders_above_assets_are_accepted_and_no_others),
		TEST(a_listed_asset_twice_is_wrong),
		TEST(the_old_packager_lists_a_shared_engine_twice),
		TEST(a_declared_package_hash_must_be_right),
		TEST(names_that_may_not_be_in_a_package_are_found),
		TEST(what_a_package_says_reaches_no_terminal_as_an_escape),
		TEST(names_in_each_others_way_are_found),
		TEST(the_manifest_cannot_list_itself),
		TEST(names_that_only_look_alike_are_right),
		TEST(names_that_some_file_systems_take_for_one_are_warned_of),
		TEST(very_deep_names_are_refused),
		TEST(the_rules_of_the_config_hold_inside_a_package),
		TEST(a_config_that_is_no_json_is_found),
		TEST(mandatory_assets_must_be_inside),
		TEST(the_manifests_config_is_the_configs_tokens),
		TEST(the_old_packager_renders_the_config_again),
		TEST(what_is_expected_is_the_package_or_its_archive),
		TEST(all_problems_are_reported),
		TEST(more_problems_than_anyone_reads_are_counted),
		TEST(progress_ends_at_the_total_and_can_cancel),
		TEST(a_zip_that_changes_while_it_is_read_is_to_be_read_again),
		TEST(a_source_must_be_one_regular_file),
		TEST(options_are_checked),
		TEST(every_failing_call_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
