/* What a remote keeps of a package: written, read, and whatever is wrong in it. */
#include "sync/package_object.h"
#include "codec/hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define A "1111111111111111111111111111111111111111111111111111111111111111"
#define B "2222222222222222222222222222222222222222222222222222222222222222"
#define C "3333333333333333333333333333333333333333333333333333333333333333"
#define D "4444444444444444444444444444444444444444444444444444444444444444"
#define ASSET(path, hash, size) \
	"    {\n      \"relativePath\": \"" path "\",\n      \"hash\": \"" hash "\",\n      \"size\": " size \
	",\n      \"type\": \"model\"\n    }"
#define MANIFEST                                                                                         \
	"{\n  \"version\": \"1.0\",\n  \"createdAt\": \"2026-01-24T12:34:56.789Z\",\n  \"assets\": [\n" \
	ASSET("a", A, "10") ",\n" ASSET("b", B, "20") ",\n" ASSET("c", C, "30")                          \
	"\n  ],\n  \"packageHash\": \"" D "\",\n  \"config\": {}\n}\n"

static pnr_digest digest_of(char digit)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest digest;
	memset(hex, digit, sizeof hex - 1);
	assert_true(pnr_digest_from_hex(hex, sizeof hex - 1, &digest));
	return digest;
}

/* a: stored. b: gzip. c: a patch on d, which is a patch on a. */
static void four_rows(pnr_object_row rows[4])
{
	rows[0] = (pnr_object_row){ .hash = digest_of('1'), .size = 10, .form = PNR_OBJECT_STORED,
		                    .stored_hash = digest_of('1'), .stored_size = 10 };
	rows[1] = (pnr_object_row){ .hash = digest_of('2'), .size = 20, .form = PNR_OBJECT_GZIP,
		                    .stored_hash = digest_of('a'), .stored_size = 5 };
	rows[2] = (pnr_object_row){ .hash = digest_of('3'), .size = 30, .form = PNR_OBJECT_PATCH, .base = digest_of('4'),
		                    .depth = 2, .stored_hash = digest_of('b'), .stored_size = 6 };
	rows[3] = (pnr_object_row){ .hash = digest_of('4'), .size = 40, .form = PNR_OBJECT_PATCH, .base = digest_of('1'),
		                    .depth = 1, .stored_hash = digest_of('c'), .stored_size = 7 };
}

static void write_rows(pnr_object_row *rows, size_t count, pnr_buffer *out)
{
	static char name[] = "model \"\xc3\xa9\"\n", options[] = "{\"level\":6}";
	const pnr_package_object object = {
		.manifest = { (char *)(uintptr_t)MANIFEST, strlen(MANIFEST), 0, false },
		.name = name,
		.archive_hash = digest_of('d'),
		.archive_size = 1234,
		.archive_options = options,
		.objects = rows,
		.object_count = count,
	};
	assert_int_equal(pnr_package_object_write(&object, out, NULL), PNR_OK);
}

static pnr_status read_copy(const char *text, size_t length, pnr_package_object *out, pnr_error *err)
{
	/* Without a NUL behind it: reading past the end is found. */
	char *copy = malloc(length == 0 ? 1 : length);
	assert_non_null(copy);
	memcpy(copy, text, length);
	pnr_status status = pnr_package_object_read(copy, length, out, err);
	free(copy);
	return status;
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer again = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_object_row rows[4];
	pnr_digest manifest;
	four_rows(rows);
	write_rows(rows, 4, &text);
	pnr_error err = PNR_ERROR_INIT;
	if (read_copy(text.data, text.length, &object, &err) != PNR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(object.manifest.length, strlen(MANIFEST));
	assert_memory_equal(object.manifest.data, MANIFEST, strlen(MANIFEST));
	assert_int_equal(pnr_hash_memory(MANIFEST, strlen(MANIFEST), &manifest, NULL, NULL), PNR_OK);
	assert_true(pnr_digest_equal(&manifest, &object.manifest_hash));
	const pnr_digest package = digest_of('4');
	assert_true(pnr_digest_equal(&package, &object.package_hash));
	assert_string_equal(object.name, "model \"\xc3\xa9\"\n");
	assert_string_equal(object.archive_options, "{\"level\":6}");
	assert_int_equal(object.archive_size, 1234);
	assert_int_equal(object.object_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const pnr_object_row *row = pnr_package_object_find(&object, &rows[i].hash);
		assert_ptr_equal(row, &object.objects[i]);
		assert_memory_equal(row, &rows[i], sizeof *row);
	}
	const pnr_digest none = digest_of('5');
	assert_null(pnr_package_object_find(&object, &none));
	assert_int_equal(pnr_package_object_write(&object, &again, NULL), PNR_OK);
	assert_string_equal(again.data, text.data);
}

/* @text with the first @from replaced by @to is refused, with a text that has @says in it. */
static void refused(const pnr_buffer *text, const char *from, const char *to, pnr_status wanted, const char *says)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer changed = PNR_BUFFER_INIT;
	pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_error err = PNR_ERROR_INIT;
	const char *at = strstr(text->data, from);
	if (at == NULL)
		fail_msg("not there: %s", from);
	pnr_buffer_append(&changed, text->data, (size_t)(at - text->data));
	pnr_buffer_puts(&changed, to);
	pnr_buffer_puts(&changed, at + strlen(from));
	pnr_status status = read_copy(changed.data, changed.length, &object, &err);
	if (status != wanted || err.status != wanted || strstr(err.message, says) == NULL)
		fail_msg("'%s' for '%s': %s, '%s'; not '%s'", to, from, pnr_status_name(status), err.message, says);
	assert_null(object.objects);
	assert_null(object.name);
}

static void each_wrong_thing_is_refused(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_object_row rows[4];
	four_rows(rows);
	write_rows(rows, 4, &text);
	static const struct {
		const char *from, *to, *says;
	} changes[] = {
		{ "\"remote\"", "\"delta\"", "/remote is missing" },
		{ "\n}\n", "\n} \n", "does not stand at its end" },
		{ "\"config\": {}", "\"config\": {", "line" },
		{ "\"version\": \"1.0\",\n", "", "/version is missing" },
		{ "\"packageHash\": \"" D "\",\n", "", "/packageHash is missing" },
		{ "\"format\": 1", "\"format\": 0", "/remote/format" },
		{ "\"format\": 1", "\"format\": 1.0", "/remote/format" },
		{ "\"format\": 1", "\"format\": \"1\"", "/remote/format is not a number" },
		{ "\"format\": 1", "\"fromat\": 1", "/remote/format is missing" },
		{ "\"name\": ", "\"nome\": ", "/remote/name is missing" },
		{ "\"archiveHash\": \"d", "\"archiveHash\": \"x", "/remote/archiveHash" },
		{ "\"archiveSize\": 1234", "\"archiveSize\": -1", "/remote/archiveSize" },
		{ "\"archiveSize\": 1234", "\"archiveSize\": 9007199254740993", "/remote/archiveSize" },
		{ "{\\\"level\\\":6}", "{\\\"level\\\":6", "/remote/archiveOptions" },
		{ "{\\\"level\\\":6}", "[]", "/remote/archiveOptions" },
		{ "\"objects\"", "\"object\"", "/remote/objects is missing" },
		{ "\"hash\": \"" A "\",\n        \"size\": 10", "\"hash\": \"1\",\n        \"size\": 10", "/remote/objects/0/hash" },
		{ "\"hash\": \"" A "\",\n        \"size\": 10", "\"hash\": \"" A "\",\n        \"size\": 11", "one size" },
		{ "\"hash\": \"" A "\",\n        \"size\": 10", "\"size\": 10", "/remote/objects/0/hash is missing" },
		{ "\"hash\": \"" A "\",\n        \"size\": 10", "\"hash\": \"" C "\",\n        \"size\": 10", "one hash" },
		{ "\"storedSize\": 10", "\"storedSize\": 9", "one size" },
		{ "\"hash\": \"" B "\",\n        \"size\": 20", "\"hash\": \"" B "\",\n        \"size\": 21", "another size" },
		{ "\"hash\": \"" B "\",\n        \"size\": 20", "\"hash\": \"" A "\",\n        \"size\": 20", "in the order" },
		{ "\"hash\": \"" B "\",\n        \"size\": 20", "\"hash\": \"" D "\",\n        \"size\": 20", "in the order" },
		{ "\"form\": \"gzip\"", "\"form\": \"zlib\"", "/remote/objects/1/form" },
		{ "\"form\": \"gzip\"", "\"form\": \"gzip\",\n        \"depth\": 0", "/remote/objects/1: a patch" },
		{ "\"form\": \"gzip\"", "\"form\": \"patch\"", "/remote/objects/1: a patch" },
		{ "\"storedSize\": 5", "\"storedSize\": 5e1", "/remote/objects/1: a size" },
		{ "\"depth\": 2", "\"depth\": 0", "/remote/objects/2/depth" },
		{ "\"depth\": 2", "\"depth\": 9", "/remote/objects/2/depth" },
		{ "\"depth\": 2", "\"depth\": 1", "another depth" },
		{ "\"base\": \"" D "\"", "\"base\": \"" B "\"", "another depth" },
		{ "\"base\": \"" D "\"", "\"base\": \"" C "\"", "another depth" },
		{ "\"base\": \"" D "\"", "\"base\": \"5" D "\"", "/remote/objects/2/base" },
	};
	for (size_t i = 0; i < PNR_COUNT(changes); i++)
		refused(&text, changes[i].from, changes[i].to, PNR_CORRUPT, changes[i].says);
	refused(&text, "\"format\": 1", "\"format\": 2", PNR_UNSUPPORTED, "its format is 2");
	refused(&text, "\"format\": 1,\n    \"name\"", "\"format\": 2,\n    \"nome\"", PNR_UNSUPPORTED, "its format is 2");
	for (size_t length = 0; length < text.length; length++) {
		pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
		assert_int_equal(read_copy(text.data, length, &object, NULL), PNR_CORRUPT);
	}
}

static void rows_refused(const pnr_object_row *rows, size_t count, const char *says)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_object_row copy[4];
	memcpy(copy, rows, count * sizeof *rows);
	write_rows(copy, count, &text);
	refused(&text, "", "", PNR_CORRUPT, says);
}

static void what_is_missing_or_too_much_is_refused(void **state)
{
	(void)state;
	pnr_object_row rows[4];
	four_rows(rows);
	rows_refused(rows, 0, "none for the asset 'a'");
	rows_refused(rows, 2, "none for the asset 'c'");
	rows_refused(rows, 3, "whose base is not listed");
	rows_refused(rows + 1, 3, "none for the asset 'a'");
	rows[2].base = rows[0].hash;
	rows[2].depth = 1;
	rows_refused(rows, 4, "neither an asset nor the base");
}

static void keys_are_those_of_the_format(void **state)
{
	(void)state;
	pnr_object_row rows[4];
	char key[PNR_KEY_SIZE];
	four_rows(rows);
	assert_string_equal(pnr_key_of_object(&rows[0], key), "blobs/11/" A);
	assert_string_equal(pnr_key_of_object(&rows[1], key), "blobs/22/" B ".gz");
	assert_string_equal(pnr_key_of_object(&rows[2], key), "patches/" C "/" D ".zst");
	assert_string_equal(pnr_key_of_package(&rows[0].hash, &rows[1].hash, key), "packages/" A "/" B ".json");
	assert_int_equal(pnr_key_of_tag("v1.0", key, NULL), PNR_OK);
	assert_string_equal(key, "tags/v1.0");
	static const char *const wrong[] = { "", ".", "..", "a/b", "latest", "abcd", "x.zip", "-x" };
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		pnr_error err = PNR_ERROR_INIT;
		assert_int_equal(pnr_key_of_tag(wrong[i], key, &err), PNR_INVALID);
		assert_string_equal(key, "tags/v1.0");
	}
	char longest[257];
	memset(longest, 'x', sizeof longest);
	longest[256] = '\0';
	assert_int_equal(pnr_key_of_tag(longest, key, NULL), PNR_INVALID);
	longest[255] = '\0';
	assert_int_equal(pnr_key_of_tag(longest, key, NULL), PNR_OK);
	assert_int_equal(strlen(key), 260);
	pnr_object_form form;
	assert_true(pnr_object_form_parse(pnr_object_form_name(PNR_OBJECT_PATCH), &form));
	assert_int_equal(form, PNR_OBJECT_PATCH);
	assert_false(pnr_object_form_parse("zlib", &form));
}

/* ----------------------------------------------------------------- pointers -- */

#define POINTER(text) "{\"format\":1,\"text\":[" text "]}\n"
#define TEXT(hash, size) "{\"hash\":\"" hash "\",\"size\":" size "}"

static pnr_status read_pointer(const char *text, size_t length, pnr_text_chain *out, pnr_error *err)
{
	char *copy = malloc(length == 0 ? 1 : length);
	assert_non_null(copy);
	memcpy(copy, text, length);
	pnr_status status = pnr_text_chain_read(copy, length, out, err);
	free(copy);
	return status;
}

static void a_pointer_is_read_as_it_was_written(void **state)
{
	(void)state;
	static const char right[] = POINTER(TEXT(C, "30") "," TEXT(A, "10") "," TEXT(B, "20"));
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer again = PNR_BUFFER_INIT;
	pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1];
	char key[PNR_KEY_SIZE];
	pnr_text_chain chain;
	assert_int_equal(read_pointer(right, sizeof right - 1, &chain, NULL), PNR_OK);
	assert_int_equal(chain.count, 3);
	assert_string_equal(pnr_key_of_object(&chain.rows[0], key), "patches/" C "/" A ".zst");
	assert_string_equal(pnr_key_of_object(&chain.rows[1], key), "patches/" A "/" B ".zst");
	assert_string_equal(pnr_key_of_object(&chain.rows[2], key), "blobs/22/" B ".gz");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(chain.rows[i].depth, 2 - i);
	assert_int_equal(chain.rows[0].size, 30);
	const pnr_package_object object = pnr_text_chain_objects(&chain, rows);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(pnr_package_object_find(&object, &chain.rows[i].hash), &chain.rows[i], sizeof rows[0]);
	assert_int_equal(pnr_text_chain_write(&chain, &again, NULL), PNR_OK);
	assert_string_equal(again.data, right);
	for (size_t length = 0; length < sizeof right - 1; length++)
		assert_int_equal(read_pointer(right, length, &chain, NULL), PNR_CORRUPT);
}

static void what_is_no_pointer_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
		pnr_status status;
	} wrong[] = {
		{ "[]\n", "not an object", PNR_CORRUPT },
		{ "{\"format\":2}\n", "its format is 2", PNR_UNSUPPORTED },
		{ "{\"format\":0,\"text\":[]}\n", "/format is not a number", PNR_CORRUPT },
		{ "{\"text\":[]}\n", "/format is missing", PNR_CORRUPT },
		{ "{\"format\":1}\n", "/text is missing", PNR_CORRUPT },
		{ "{\"format\":1,\"text\":{}}\n", "/text", PNR_CORRUPT },
		{ POINTER(""), "/text is empty", PNR_CORRUPT },
		{ POINTER("\"" A "\""), "/text/0 is not an object", PNR_CORRUPT },
		{ POINTER("{}"), "/text/0/hash is missing", PNR_CORRUPT },
		{ POINTER(TEXT("1" A, "10")), "/text/0/hash is not", PNR_CORRUPT },
		{ POINTER(TEXT(A, "-1")), "/text/0/size is not", PNR_CORRUPT },
		{ POINTER(TEXT(A, "268435457")), "/text/0/size is not", PNR_CORRUPT },
		{ POINTER(TEXT(A, "10") "," TEXT(B, "1.0")), "/text/1/size is not", PNR_CORRUPT },
		{ POINTER(TEXT(A, "10") "," TEXT(B, "10") "," TEXT(A, "10")), "/text/2 is there twice", PNR_CORRUPT },
		{ POINTER(TEXT(A, "1") "," TEXT(B, "1") "," TEXT(C, "1") "," TEXT(D, "1") "," TEXT("a" A, "1")), "/text/4/hash",
		  PNR_CORRUPT },
		{ POINTER(TEXT(A, "10")) " ", "as we write it", PNR_CORRUPT },
		{ POINTER(" " TEXT(A, "10")), "as we write it", PNR_CORRUPT },
		{ POINTER(TEXT(A, "010")), "line 1", PNR_CORRUPT },
		{ POINTER("{\"size\":10,\"hash\":\"" A "\"}"), "as we write it", PNR_CORRUPT },
		{ "{\"format\":1,\"text\":[" TEXT(A, "10") "],\"more\":1}\n", "as we write it", PNR_CORRUPT },
	};
	pnr_text_chain chain = { .count = 7 };
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		pnr_error err = PNR_ERROR_INIT;
		pnr_status status = read_pointer(wrong[i].text, strlen(wrong[i].text), &chain, &err);
		if (status != wrong[i].status || strstr(err.message, wrong[i].says) == NULL)
			fail_msg("%s: %s, '%s'", wrong[i].text, pnr_status_name(status), err.message);
		assert_int_equal(chain.count, 7);
	}
	pnr_text_chain many = { .count = PNR_TEXT_CHAIN_MAX + 1 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	for (size_t i = 0; i < many.count; i++)
		many.rows[i] = (pnr_object_row){ .hash = digest_of((char)('1' + i)), .size = 5 };
	assert_int_equal(pnr_text_chain_write(&many, &text, NULL), PNR_OK);
	assert_int_equal(read_pointer(text.data, text.length, &chain, NULL), PNR_OK);
	assert_int_equal(chain.count, 5);
	/* One more. */
	pnr_error err = PNR_ERROR_INIT;
	text.length -= 3;
	pnr_buffer_puts(&text, "," TEXT("6666666666666666666666666666666666666666666666666666666666666666", "5") "]}\n");
	assert_int_equal(read_pointer(text.data, text.length, &chain, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "/text/5 is one more"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(each_wrong_thing_is_refused),
		cmocka_unit_test(what_is_missing_or_too_much_is_refused),
		cmocka_unit_test(keys_are_those_of_the_format),
		cmocka_unit_test(a_pointer_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_pointer_is_refused),
	};
	return cmocka_run_group_tests_name("sync/package_object", tests, NULL, NULL);
}
