/* The worker's JSON: exactly what it takes, and nothing unless all of it is right. */
#include "packages.h"
#include <openssl/evp.h>

typedef struct taker {
	pnr_buffer bytes;
	unsigned calls;
	bool refuse;
} taker;

static int take(void *user, const void *data, size_t length)
{
	taker *t = user;
	t->calls++;
	if (t->refuse)
		return 1;
	pnr_buffer_append(&t->bytes, data, length);
	return 0;
}

static pnr_status worker_json(const char *zip, taker *t, pnr_error *err)
{
	const pnr_package_source source = { .file = zip };
	uint64_t length = 4711;
	*err = (pnr_error)PNR_ERROR_INIT;
	pnr_status status = pnr_worker_json(&source, take, t, &length, err);
	assert_int_equal(err->status, status);
	if (status == PNR_OK)
		assert_int_equal(length, t->bytes.length);
	else
		assert_int_equal(length, 4711);
	return status;
}

static char *json_of(const place *w, package *p)
{
	taker t = { .bytes = PNR_BUFFER_INIT };
	pnr_error err;
	write_package(p, w->zip);
	if (worker_json(w->zip, &t, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return pnr_buffer_steal(&t.bytes);
}

/* Refused with this status and text, and not a byte was passed on. */
static void expect_refused(const place *w, package *p, pnr_status status, const char *text)
{
	taker t = { .bytes = PNR_BUFFER_INIT };
	pnr_error err;
	write_package(p, w->zip);
	assert_int_equal(worker_json(w->zip, &t, &err), status);
	if (strstr(err.message, text) == NULL)
		fail_msg("%s", err.message);
	assert_int_equal(t.calls, 0);
}

static void the_body_is_what_the_worker_takes(void **state)
{
	package p = sample();
	char *json = json_of(*state, &p);
	/* The pipeline's tokens are the config's: 1e2 stays 1e2. The engine of two nodes is there once, its wrapper is not. */
	assert_string_equal(
		json, "{\"config\":{ \"nodes\": [\n"
		      "    { \"id\": \"n1\", \"engine\": \"wasm://val\", \"outputs\": [\"bus://a\"] },\n"
		      "    { \"id\": \"n2\", \"engine\": \"python://sum\", \"outputs\": [\"bus://b\"] },\n"
		      "    { \"id\": \"n3\", \"engine\": \"wasm://val\", \"outputs\": [\"bus://c\"] }\n"
		      "  ], \"debug\": 1e2 },"
		      "\"wasmBinaries\":{\"val\":\"AGFzbQEAAAA=\"},"
		      "\"pythonScripts\":{\"sum\":\"def run():\\n    return \\\"\xc3\xa9\\\"\\n\"},"
		      "\"assumptionRefs\":[\"assumptions://mort:v1\",\"assumptions://exp\"]}");
	free(json);
}

static void a_package_of_the_old_packager_will_do(void **state)
{
	package p = sample();
	p.old = p.foreign = true;
	char *json = json_of(*state, &p);
	assert_non_null(strstr(json, "\"wasmBinaries\":{\"val\":\"AGFzbQEAAAA=\"}"));
	free(json);
}

#define NODES(nodes)                                                                                       \
	"{\"model\":\"model.mga\",\"assumptions\":{\"mortality\":\"assumptions://m:v1\",\"lapse\":\"blob://x\"," \
	"\"expenses\":\"assumptions://e:v1\"},\"scenarios\":{\"count\":1},\"pipeline\":{\"nodes\":[" nodes "]}}"
#define NODE(id, engine) "{\"id\":\"" id "\",\"engine\":\"" engine "\",\"outputs\":[\"bus://" id "\"]}"

static package with_config(const char *config)
{
	package p = { 0 };
	add_text(&p, "livecalc.config.json", "config", config);
	add_text(&p, "model.mga", "model", "MODEL\n");
	return p;
}

static void engines_stand_in_the_order_of_the_nodes(void **state)
{
	package p = with_config(NODES(NODE("a", "python://z") "," NODE("b", "wasm://y") "," NODE("c", "wasm://x") ","
	                              NODE("d", "python://y") "," NODE("e", "wasm://y")));
	add_text(&p, "wasm/x.wasm", "wasm", "x");
	add_text(&p, "wasm/y.wasm", "wasm", "");
	add_text(&p, "python/y.py", "python", "");
	add_text(&p, "python/z.py", "python", "pass");
	char *json = json_of(*state, &p);
	assert_non_null(strstr(json, "\"wasmBinaries\":{\"y\":\"\",\"x\":\"eA==\"},\"pythonScripts\":{\"z\":\"pass\",\"y\":\"\"},"
	                             "\"assumptionRefs\":[\"assumptions://m:v1\",\"assumptions://e:v1\"]}"));
	free(json);
}

static void binaries_of_any_length_come_through(void **state)
{
	static unsigned char bytes[300007];
	uint32_t random = 1;
	for (size_t i = 0; i < sizeof bytes; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(random >> 24);
	}
	static const size_t lengths[] = { 0, 1, 2, 3, 4, 5, 65536, 65537, 299998, 300007 };
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		package p = with_config(NODES(NODE("a", "wasm://x")));
		add(&p, "wasm/x.wasm", "wasm", bytes, lengths[i]);
		char *json = json_of(*state, &p);
		const char *text = strstr(json, "{\"x\":\"");
		assert_non_null(text);
		text += 6;
		unsigned char *expected = malloc(lengths[i] / 3 * 4 + 5);
		int length = EVP_EncodeBlock(expected, bytes, (int)lengths[i]);
		assert_memory_equal(text, expected, (size_t)length);
		assert_int_equal(text[length], '"');
		free(expected);
		free(json);
	}
}

static void nothing_to_run_is_said_plainly(void **state)
{
	package p = with_config("{\"model\":\"model.mga\",\"assumptions\":{\"mortality\":\"assumptions://m:v1\","
	                        "\"lapse\":\"blob://x\",\"expenses\":\"assumptions://e:v1\"},\"scenarios\":{\"count\":1}}");
	expect_refused(*state, &p, PNR_INVALID, "has nothing to run");
}

static void a_script_that_is_no_text_is_refused(void **state)
{
	package p = sample();
	asset *script = asset_of(&p, "python/sum.py");
	script->data = "\xff\xfe";
	script->length = 2;
	expect_refused(*state, &p, PNR_INVALID, "python/sum.py: is not valid UTF-8");
}

static void what_is_wrong_passes_nothing_on(void **state)
{
	const char *other = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	package p = sample();
	asset_of(&p, "wasm/val.wasm")->listed_hash = other;
	expect_refused(*state, &p, PNR_CORRUPT, "wasm/val.wasm: its SHA-256 is");
	p = sample();
	asset_of(&p, "python/sum.py")->listed_hash = other;
	expect_refused(*state, &p, PNR_CORRUPT, "python/sum.py: its SHA-256 is");
	p = sample();
	asset_of(&p, "livecalc.config.json")->listed_hash = other;
	expect_refused(*state, &p, PNR_CORRUPT, "livecalc.config.json: its SHA-256 is");
	p = sample();
	asset_of(&p, "python/sum.py")->not_in_zip = true;
	expect_refused(*state, &p, PNR_CORRUPT, "python/sum.py: is listed in the manifest and not in the package");
	p = sample();
	p.package_hash = other;
	expect_refused(*state, &p, PNR_CORRUPT, "packageHash");
}

static void a_taker_that_stops_cancels(void **state)
{
	const place *w = *state;
	package p = sample();
	write_package(&p, w->zip);
	taker t = { .bytes = PNR_BUFFER_INIT, .refuse = true };
	pnr_error err;
	assert_int_equal(worker_json(w->zip, &t, &err), PNR_CANCELLED);
	assert_int_equal(t.calls, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_body_is_what_the_worker_takes),
		TEST(a_package_of_the_old_packager_will_do),
		TEST(engines_stand_in_the_order_of_the_nodes),
		TEST(binaries_of_any_length_come_through),
		TEST(nothing_to_run_is_said_plainly),
		TEST(a_script_that_is_no_text_is_refused),
		TEST(what_is_wrong_passes_nothing_on),
		TEST(a_taker_that_stops_cancels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
