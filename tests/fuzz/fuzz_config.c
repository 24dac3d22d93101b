/*
 * livecalc.config.json as anyone may have written it. Whatever the bytes are,
 * the validation is complete: valid means that it can be parsed, every message
 * is one line of UTF-8, and every issue stands at the value that its pointer names.
 */
#include "target.h"
#include "base/path.h"
#include "model/model.h"
#include <stdlib.h>
#include <string.h>

/* What @pointer names in @item. The keys that issues point at need no escapes. */
static const cJSON *resolve(const cJSON *item, const char *pointer)
{
	while (item != NULL && *pointer != '\0') {
		REQUIRE(*pointer == '/');
		char key[64];
		size_t length = strcspn(++pointer, "/");
		REQUIRE(length < sizeof key);
		memcpy(key, pointer, length);
		key[length] = '\0';
		pointer += length;
		item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, (int)strtol(key, NULL, 10)) :
		                             cJSON_GetObjectItemCaseSensitive(item, key);
	}
	return item;
}

static void require_text(const char *text)
{
	size_t length = strlen(text);
	REQUIRE(length > 0 && length <= 4096 && pnr_utf8_valid(text, length));
	for (size_t i = 0; i < length; i++)
		REQUIRE((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static void require_issues(const pnr_json_document *document, const pnr_issue *issues, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		require_text(issues[i].message);
		REQUIRE((issues[i].line == 0) == (issues[i].column == 0));
		if (document == NULL)
			continue;
		const cJSON *item = resolve(pnr_json_root(document), issues[i].pointer);
		unsigned line, column;
		REQUIRE(item != NULL);
		pnr_json_position(document, pnr_json_span_of(document, item).start, &line, &column);
		REQUIRE(issues[i].line == line && issues[i].column == column);
	}
}

static void require_validation(const pnr_json_document *document, const pnr_validation *v)
{
	REQUIRE(v->valid == (v->error_count == 0));
	require_issues(document, v->errors, v->error_count);
	require_issues(document, v->warnings, v->warning_count);
	REQUIRE(document != NULL || (v->error_count == 1 && v->warning_count == 0));
}

/* Parsing says the same as validating; then any model file can be scanned. */
static void require_parse(const char *text, size_t size, bool valid)
{
	pnr_issues *issues = NULL;
	pnr_config *config = NULL;
	REQUIRE(pnr_issues_new(&issues, NULL) == PNR_OK);
	pnr_status status = pnr_config_parse(text, size, issues, &config, NULL);
	REQUIRE(status == (valid ? PNR_OK : PNR_INVALID));
	REQUIRE(pnr_issues_valid(issues) == valid && (config != NULL) == valid);
	if (valid) {
		pnr_buffer found = PNR_BUFFER_INIT;
		pnr_model_scan(text, size, &found);
		REQUIRE(!found.failed);
		pnr_model_warn(config, found.data, issues);
		found.length = 0;
		pnr_buffer_append(&found, text, size); /* a cache may hold what somebody wrote there */
		REQUIRE(!found.failed);
		pnr_model_warn(config, found.data, issues);
		pnr_buffer_free(&found);
	}
	pnr_issues_free(issues);
	pnr_config_free(config);
}

static void require_assets(const char *text, size_t size, const pnr_json_document *document)
{
	static const char *const paths[] = { "livecalc.config.json", "m.mga", "wasm/a.wasm", "python/a.py" };
	size_t missing = 0;
	for (size_t count = 0; count <= 4; count += 4) {
		pnr_validation *v = NULL;
		REQUIRE(pnr_assets_validate(text, size, paths, count, &v, NULL) == PNR_OK);
		require_validation(document, v);
		REQUIRE(count == 0 || v->error_count <= missing);
		missing = v->error_count;
		pnr_validation_free(v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	pnr_json_document *document = NULL;
	pnr_validation *v = NULL;
	if (pnr_json_parse(text, size, &pnr_json_config_limits, &document, NULL, NULL) != PNR_OK)
		REQUIRE(document == NULL);
	REQUIRE(pnr_config_validate(text, size, &v, NULL) == PNR_OK);
	require_validation(document, v);
	require_parse(text, size, v->valid);
	require_assets(text, size, document);
	pnr_validation_free(v);
	pnr_json_free(document);
	return 0;
}
