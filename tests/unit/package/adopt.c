/* A package of one store becomes one of another: the same zip, or nothing. */
#include "package/adopt.h"
#include "package/contents.h"
#include "packages.h"
#include "store/store.h"

/* Two stores, and a package of the first as it travels. */
typedef struct pair {
	pnr_store *from, *to;
	pnr_buffer manifest;
	pnr_digest package_hash, archive_hash;
	uint64_t archive_size;
	char options[64];
} pair;

static void put_file(const place *w, const char *name, const void *data, size_t length)
{
	char path[256];
	FILE *f = fopen(in(w, name, path), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

/* With an engine that is too large to be kept in the database, and does not shrink. */
static void write_model(const place *w)
{
	static const char *const folders[] = { "model", "model/wasm", "model/python", "model/a" };
	static char engine[100000];
	char path[256];
	uint32_t random = 1;
	for (size_t i = 0; i < PNR_COUNT(folders); i++)
		assert_int_equal(mkdir(in(w, folders[i], path), 0777), 0);
	for (size_t i = 0; i < sizeof engine; i++) {
		random = random * 1664525 + 1013904223;
		engine[i] = (char)(random >> 24);
	}
	put_file(w, "model/livecalc.config.json", CONFIG, strlen(CONFIG));
	put_file(w, "model/model.mga", "MODEL\n", 6);
	put_file(w, "model/wasm/val.wasm", engine, sizeof engine);
	put_file(w, "model/wasm/val.mjs", "export default 1;\n", 18);
	put_file(w, "model/python/sum.py", SCRIPT, strlen(SCRIPT));
	put_file(w, "model/l.csv", "1,0.01\n2,0.02\n", 14);
}

static pnr_store *open_store(const place *w, const char *name)
{
	char path[256];
	pnr_store *store = NULL;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	if (pnr_store_open(in(w, name, path), &options, &store, NULL, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return store;
}

static pair pack_with(const place *w, const pnr_pack_options *given)
{
	char path[256];
	pair p = { .from = open_store(w, "from"), .to = open_store(w, "to"), .manifest = PNR_BUFFER_INIT };
	pnr_pack_options options = given != NULL ? *given : (pnr_pack_options){ .level = 0 };
	options.size = sizeof options;
	options.workspace = w->dir;
	options.output_path = w->zip;
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_pack(p.from, in(w, "model/livecalc.config.json", path), &options, &result, &err) != PNR_OK)
		fail_msg("%s", err.message);
	pnr_buffer_append(&p.manifest, result->manifest, result->manifest_length);
	p.package_hash = result->package_hash;
	p.archive_hash = result->archive_hash;
	p.archive_size = result->package_size;
	pnr_pack_result_free(result);
	(void)snprintf(p.options, sizeof p.options, "{\"level\":%u%s}", options.level != 0 ? options.level : 6,
	               options.level != 0 || options.portable ? "" : ",\"reuse\":true");
	return p;
}

static pair pack(const place *w)
{
	write_model(w);
	return pack_with(w, NULL);
}

static void end(pair *p)
{
	pnr_buffer_free(&p->manifest);
	pnr_store_close(p->from);
	pnr_store_close(p->to);
}

static pnr_status put_rows(void *ingest, pnr_error *err)
{
	return pnr_ingest_rows(ingest, err);
}

/* All assets of the zip but @except come into the second store, as they are compressed there. */
static void bring(const place *w, const pair *p, const char *except)
{
	pnr_contents *contents = NULL;
	pnr_ingest *ingest = NULL;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_package_source source = { .file = w->zip };
	const pnr_ingest_options options = { .level = 6 };
	assert_int_equal(pnr_contents_open(&source, &contents, &err), PNR_OK);
	assert_int_equal(pnr_contents_load(contents, &err), PNR_OK);
	assert_int_equal(pnr_ingest_new(p->to, &options, &ingest, &err), PNR_OK);
	uint64_t count = pnr_contents_count(contents);
	pnr_ingested items[16];
	assert_true(count <= PNR_COUNT(items));
	for (uint64_t i = 0; i < count; i++) {
		pnr_contents_entry entry = pnr_contents_get(contents, i);
		pnr_contents_body body;
		pnr_content content;
		if (strcmp(entry.name, PNR_MANIFEST_NAME) == 0 || (except != NULL && strcmp(entry.name, except) == 0))
			continue;
		assert_int_equal(pnr_contents_read(contents, i, NULL, NULL, &content, &err), PNR_OK);
		assert_int_equal(pnr_contents_body_open(contents, i, &body, &err), PNR_OK);
		const pnr_received what = {
			.hash = content.hash,
			.size = content.size,
			.deflated = body.deflated,
			.body_size = body.size,
			.body = body.source,
			.name = entry.name,
		};
		if (pnr_ingest_add_body(ingest, &what, &items[i], &err) != PNR_OK)
			fail_msg("%s", err.message);
		pnr_contents_body_close(&body);
	}
	assert_int_equal(pnr_ingest_settle(ingest, &err), PNR_OK);
	assert_int_equal(pnr_store_transaction(p->to, put_rows, ingest, &err), PNR_OK);
	pnr_ingest_free(ingest);
	pnr_contents_close(contents);
}

static pnr_adoption adoption_of(const pair *p)
{
	return (pnr_adoption){
		.manifest = p->manifest.data,
		.manifest_length = p->manifest.length,
		.label = "elsewhere",
		.archive_hash = p->archive_hash,
		.archive_size = p->archive_size,
		.options = p->options,
		.event = "apply",
		.name = "term-life",
	};
}

static pnr_adopted adopt(const pair *p, const char *output)
{
	pnr_adoption adoption = adoption_of(p);
	pnr_adopted adopted;
	pnr_error err = PNR_ERROR_INIT;
	adoption.output_path = output;
	if (pnr_adopt(p->to, &adoption, &adopted, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return adopted;
}

typedef struct entries {
	int count;
	char event[16], name[32], options[128];
	pnr_digest archive_hash;
} entries;

static int count_entry(void *user, const pnr_log_row *row)
{
	entries *e = user;
	if (e->count++ == 0) {
		(void)snprintf(e->event, sizeof e->event, "%s", row->event);
		(void)snprintf(e->name, sizeof e->name, "%s", row->name);
		(void)snprintf(e->options, sizeof e->options, "%s", row->options);
		e->archive_hash = row->archive_hash;
	}
	return 0;
}

static entries log_of(pnr_store *store)
{
	entries e = { .count = 0 };
	assert_int_equal(pnr_index_log_list(pnr_store_index(store), NULL, 0, count_entry, &e, NULL), PNR_OK);
	return e;
}

static pnr_digest hash_of(const char *file)
{
	pnr_digest hash;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pnr_hash_file(fd, file, NULL, &hash, NULL, NULL, NULL), PNR_OK);
	assert_int_equal(close(fd), 0);
	return hash;
}

/* ------------------------------------------------------------ what is right -- */

static void the_same_zip_comes_out(void **state)
{
	const place *w = *state;
	char path[256], hex[PNR_DIGEST_HEX_SIZE], options[128];
	pair p = pack(w);
	bring(w, &p, NULL);
	pnr_adopted adopted = adopt(&p, in(w, "again.zip", path));
	assert_true(adopted.identical);
	assert_int_equal(adopted.asset_count, 6);
	assert_int_equal(adopted.archive_size, p.archive_size);
	assert_true(pnr_digest_equal(&adopted.package_hash, &p.package_hash));
	const pnr_digest hash = hash_of(path);
	assert_true(pnr_digest_equal(&hash, &p.archive_hash));
	const entries log = log_of(p.to);
	assert_int_equal(log.count, 1);
	assert_string_equal(log.event, "apply");
	assert_string_equal(log.name, "term-life");
	(void)snprintf(options, sizeof options, "{\"archiveHash\":\"%s\"}", pnr_digest_to_hex(&p.archive_hash, hex));
	assert_string_equal(log.options, options);
	assert_true(pnr_digest_equal(&log.archive_hash, &p.archive_hash));
	end(&p);
}

static void without_an_output_it_is_in_the_store_and_export_gives_the_zip(void **state)
{
	const place *w = *state;
	char path[256];
	pair p = pack(w);
	bring(w, &p, NULL);
	assert_true(adopt(&p, NULL).identical);
	assert_int_equal(pnr_export(p.to, "latest", in(w, "again.zip", path), NULL, NULL, NULL, NULL), PNR_OK);
	const pnr_digest hash = hash_of(path);
	assert_true(pnr_digest_equal(&hash, &p.archive_hash));
	end(&p);
}

static void again_it_is_logged_and_nothing_else_is_new(void **state)
{
	const place *w = *state;
	char path[256];
	pair p = pack(w);
	bring(w, &p, NULL);
	const pnr_adopted first = adopt(&p, NULL), second = adopt(&p, NULL), third = adopt(&p, in(w, "again.zip", path));
	assert_int_equal(first.archive_id, second.archive_id);
	assert_int_equal(first.package_id, third.package_id);
	assert_int_equal(first.archive_id, third.archive_id);
	assert_true(second.identical && third.identical);
	assert_int_equal(log_of(p.to).count, 3);
	end(&p);
}

static void every_way_of_packing_can_be_adopted(void **state)
{
	const place *w = *state;
	static const pnr_pack_options ways[] = {
		{ .portable = true }, { .level = 9 }, { .exclude_assumptions = true }, { .portable = true, .level = 3 },
	};
	write_model(w);
	for (size_t i = 0; i < PNR_COUNT(ways); i++) {
		char path[256];
		pair p = pack_with(w, &ways[i]);
		if (ways[i].portable)
			(void)snprintf(p.options, sizeof p.options, "{\"level\":6}");
		bring(w, &p, NULL);
		assert_true(adopt(&p, NULL).identical);
		end(&p);
		assert_int_equal(pnr_file_remove_tree(AT_FDCWD, in(w, "to", path), NULL), PNR_OK);
		assert_int_equal(pnr_file_remove_tree(AT_FDCWD, in(w, "from", path), NULL), PNR_OK);
	}
}

/* The promise was another zip: the content is right all the same, and what is recorded is what is made here. */
static void another_zip_is_told(void **state)
{
	const place *w = *state;
	char path[256];
	pair p = pack(w);
	const pnr_digest made = p.archive_hash;
	p.archive_hash.bytes[0] ^= 1;
	bring(w, &p, NULL);
	pnr_adopted adopted = adopt(&p, in(w, "again.zip", path));
	assert_false(adopted.identical);
	assert_true(pnr_digest_equal(&adopted.archive_hash, &made));
	const pnr_digest hash = hash_of(path);
	assert_true(pnr_digest_equal(&hash, &made));
	end(&p);
}

/* Roles that share a file, and an engine that many nodes run: what pack makes of them is what is derived. */
static void uses_are_derived_as_pack_makes_them(void **state)
{
	const place *w = *state;
	static const char config[] =
		"{\"model\":\"model.mga\",\"assumptions\":{\"mortality\":\"a/l.csv\",\"lapse\":\"l.csv\","
		"\"expenses\":\"local://a/l.csv\"},\"policies\":\"blob://p\",\"scenarios\":{\"count\":1,\"seed\":1},"
		"\"pipeline\":{\"nodes\":["
		"{\"id\":\"b\",\"engine\":\"python://sum\",\"outputs\":[\"bus://b\"]},"
		"{\"id\":\"a\\u00e9\\\"\",\"engine\":\"wasm://val\",\"outputs\":[\"bus://a\"]},"
		"{\"id\":\"c\",\"engine\":\"python://sum\",\"outputs\":[\"bus://c\"]}]}}";
	write_model(w);
	put_file(w, "model/livecalc.config.json", config, strlen(config));
	put_file(w, "model/a/l.csv", "1,0.01\n2,0.02\n", 14);
	pair p = pack_with(w, NULL);
	assert_non_null(strstr(p.manifest.data, "\"role\": \"lapse\""));
	bring(w, &p, NULL);
	assert_true(adopt(&p, NULL).identical);
	end(&p);
}

/* ------------------------------------------------------------- what is wrong -- */

static void refuse(const pair *p, const pnr_adoption *adoption, pnr_status expected, const char *text)
{
	pnr_adopted adopted = { .package_id = -1 };
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_adopt(p->to, adoption, &adopted, &err);
	if (status != expected || strstr(err.message, text) == NULL || strstr(err.message, "elsewhere") == NULL)
		fail_msg("status %d instead of %d, '%s' instead of '%s'", (int)status, (int)expected, err.message, text);
	assert_int_equal(adopted.package_id, -1);
	int64_t id;
	assert_int_equal(log_of(p->to).count, 0);
	assert_int_equal(pnr_index_package_find(pnr_store_index(p->to), &p->package_hash, &id, NULL), PNR_NOT_FOUND);
}

/* The manifest with the first @before replaced. */
static char *changed(const pair *p, const char *before, const char *after)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	const char *at = strstr(p->manifest.data, before);
	if (at == NULL)
		fail_msg("no '%s' in\n%s", before, p->manifest.data);
	pnr_buffer_append(&text, p->manifest.data, (size_t)(at - p->manifest.data));
	pnr_buffer_puts(&text, after);
	pnr_buffer_puts(&text, at + strlen(before));
	return pnr_buffer_steal(&text);
}

static void refuse_text(const pair *p, const char *text, const char *expected)
{
	pnr_adoption adoption = adoption_of(p);
	adoption.manifest = text;
	adoption.manifest_length = strlen(text);
	refuse(p, &adoption, PNR_CORRUPT, expected);
}

#define NOT_THE_ONE "is not the one that its config and assets make"

static void every_lie_of_a_manifest_is_refused(void **state)
{
	const place *w = *state;
	static const struct {
		const char *before, *after, *expected;
	} lies[] = {
		{ "\"type\": \"wasm\"", "\"type\": \"python\"", NOT_THE_ONE },
		{ "\"node\": \"n3\"", "\"node\": \"n2\"", NOT_THE_ONE },
		{ "\"role\": \"lapse\"", "\"role\": \"mortality\"", NOT_THE_ONE },
		{ "\"size\": 6,\n", "\"size\": 7,\n", "has 6 bytes, the manifest says 7" },
		{ "assumptions://mort:v1\",\n    \"", "assumptions://mort:v2\",\n    \"", "assumptionRefs" },
		{ "\"externalRefs\": []", "\"externalRefs\": [\"blob://x\"]", "externalRefs" },
		{ ",\n  \"externalRefs\": []", "", NOT_THE_ONE },
		{ "\n}\n", ",\n  \"more\": 1\n}\n", NOT_THE_ONE },
		{ "\"version\": \"1.0\",", "\"version\": \"1.0\", \"more\": 1,", NOT_THE_ONE },
		{ "\"version\": \"1.0\",", "\"version\":  \"1.0\",", NOT_THE_ONE },
		{ "      \"type\": \"model\"", "      \"type\": \"model\",\n      \"more\": []", NOT_THE_ONE },
		{ "\"count\": 10", "\"count\": 11", "its config is not, token by token" },
		{ "\"absolutePath\"", "\"otherPath\"", "only some assets have an absolutePath" },
		{ "\"packageHash\": \"", "\"packageHash\": \"0", "packageHash is not 64" },
		{ "\"packageHash\"", "\"otherHash\"", "it has no packageHash" },
		{ "\"relativePath\": \"model.mga\"", "\"relativePath\": \"nodel.mga\"", "packageHash is not that of its assets" },
		{ "\"relativePath\": \"model.mga\"", "\"relativePath\": \"../odel.mga\"", ".." },
		{ "\"relativePath\": \"model.mga\"", "\"relativePath\": \"wasm/val.wasm\"", "problems" },
		{ "\"createdAt\": \"", "\"createdAt\": \"x", "createdAt is not a time" },
		{ "{\n", "[\n", "" },
	};
	pair p = pack(w);
	bring(w, &p, NULL);
	for (size_t i = 0; i < PNR_COUNT(lies); i++) {
		char *text = changed(&p, lies[i].before, lies[i].after);
		refuse_text(&p, text, lies[i].expected);
		free(text);
	}
	assert_true(adopt(&p, NULL).identical);
	end(&p);
}

/* packageHash does not say in which order the assets stand. */
static void assets_in_another_order_are_refused(void **state)
{
	const place *w = *state;
	pair p = pack(w);
	bring(w, &p, NULL);
	const char *model = strstr(p.manifest.data, "    {\n      \"relativePath\": \"model.mga\"");
	const char *wasm = strstr(p.manifest.data, "    {\n      \"relativePath\": \"wasm/val.wasm\"");
	const char *mjs = strstr(p.manifest.data, "    {\n      \"relativePath\": \"wasm/val.mjs\"");
	assert_true(model != NULL && wasm > model && mjs > wasm);
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_append(&text, p.manifest.data, (size_t)(model - p.manifest.data));
	pnr_buffer_append(&text, wasm, (size_t)(mjs - wasm));
	pnr_buffer_append(&text, model, (size_t)(wasm - model));
	pnr_buffer_puts(&text, mjs);
	refuse_text(&p, text.data, "'model.mga' is not in the package, or stands at another place");
	pnr_buffer_free(&text);
	end(&p);
}

/* A file that the config does not ask for, with the right packageHash. */
static void an_asset_that_nothing_asks_for_is_refused(void **state)
{
	const place *w = *state;
	pair p = pack(w);
	package other = sample();
	add_text(&other, "data/other.csv", "policy", "MODEL\n");
	char *text = manifest_of(&other);
	p.package_hash = other.hash;
	bring(w, &p, "wasm/val.wasm");
	write_package(&other, w->zip);
	bring(w, &p, NULL);
	refuse_text(&p, text, "by its config 'data/other.csv' is not in the package");
	free(text);
	end(&p);
}

static void what_is_not_in_the_store_is_named(void **state)
{
	const place *w = *state;
	pair p = pack(w);
	bring(w, &p, "assumptions/l.csv");
	pnr_adoption adoption = adoption_of(&p);
	refuse(&p, &adoption, PNR_NOT_FOUND, "asset 'assumptions/l.csv'");
	end(&p);
}

static void what_goes_with_a_manifest_is_checked(void **state)
{
	const place *w = *state;
	pair p = pack(w);
	bring(w, &p, NULL);
	static const char *const options[] = {
		"", "{}", "{\"level\":0}", "{\"level\":13}", "{\"level\":6 }", "{\"level\":6,\"reuse\":false}", "{\"level\":06}",
	};
	for (size_t i = 0; i < PNR_COUNT(options); i++) {
		pnr_adoption adoption = adoption_of(&p);
		adoption.options = options[i];
		refuse(&p, &adoption, PNR_CORRUPT, "how its zip was made");
	}
	pnr_adoption adoption = adoption_of(&p);
	adoption.name = "";
	refuse(&p, &adoption, PNR_CORRUPT, "does not name its model");
	end(&p);
}

/* -------------------------------------------------------------------- faults -- */

static long countdown;

static int fail_at(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return --countdown == 0 ? EIO : 0;
}

/* Whichever file call or SQL step fails: no zip, no log entry, and the next try ends well. */
static void a_failure_leaves_nothing_visible(void **state)
{
	const place *w = *state;
	char path[256];
	pair p = pack(w);
	bring(w, &p, NULL);
	pnr_adoption adoption = adoption_of(&p);
	adoption.output_path = in(w, "again.zip", path);
	pnr_adopted adopted;
	long failed = 0, succeeded = 0;
	for (long n = 1; n < 10000; n++) {
		pnr_error err = PNR_ERROR_INIT;
		int before = log_of(p.to).count;
		(void)unlink(path);
		countdown = n;
		pnr_file_gate_hook = fail_at;
		pnr_status status = pnr_adopt(p.to, &adoption, &adopted, &err);
		pnr_file_gate_hook = NULL;
		if (countdown > 0) {
			assert_int_equal(status, PNR_OK);
			break;
		}
		if (status == PNR_OK) {
			succeeded++;
			continue;
		}
		failed++;
		assert_true(err.message[0] != '\0');
		if (log_of(p.to).count == before)
			assert_int_equal(access(path, F_OK), -1);
	}
	print_message("%ld calls failed it, %ld did not\n", failed, succeeded);
	assert_true(failed > 20 && countdown > 0);
	assert_true(adopted.identical);
	const pnr_digest hash = hash_of(path);
	assert_true(pnr_digest_equal(&hash, &p.archive_hash));
	end(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_same_zip_comes_out),
		TEST(without_an_output_it_is_in_the_store_and_export_gives_the_zip),
		TEST(again_it_is_logged_and_nothing_else_is_new),
		TEST(every_way_of_packing_can_be_adopted),
		TEST(another_zip_is_told),
		TEST(uses_are_derived_as_pack_makes_them),
		TEST(every_lie_of_a_manifest_is_refused),
		TEST(assets_in_another_order_are_refused),
		TEST(an_asset_that_nothing_asks_for_is_refused),
		TEST(what_is_not_in_the_store_is_named),
		TEST(what_goes_with_a_manifest_is_checked),
		TEST(a_failure_leaves_nothing_visible),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
