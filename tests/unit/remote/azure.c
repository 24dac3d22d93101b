/*
 * Azure Blob, beside what holds for every kind. At a server that answers by a script: what is sent, and what is told of
 * failures. At Azurite (PANNIER_TEST_REMOTE, see contract.c): an object in blocks whose writer is killed.
 */
#include "bucket.h"
#include "remote/azure_credentials.h"

#define ACCOUNT "myaccount"
#define ERROR_ANSWER(status, name)                                                                  \
	{ .code = (status), .headers = "x-ms-error-code: " name "\r\n",                             \
	  .body = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" name "</Code>" \
	          "<Message>It may not be.\nRequestId:1-2\nTime:2026-01-01T00:00:00Z</Message></Error>" }

#define BLOCK ((size_t)16 << 20)
#define NO_BLOCKS ERROR_ANSWER(404, "BlobNotFound")

static int keys_setup(void **state)
{
	(void)state;
	return setenv("AZURE_STORAGE_KEY", "c2VjcmV0LXNlY3JldA==", 0);
}

static pnr_remote *open_at(const server *s)
{
	char url[256];
	(void)snprintf(url, sizeof url, "azure://" ACCOUNT "/container/p?endpoint=%s", s->origin);
	return open_url(url);
}

/* ---------------------------------------------------------------- requests -- */

static void an_object_is_put_with_its_md5_and_only_if_it_is_not_there(void **state)
{
	(void)state;
	server s;
	object o;
	pnr_remote_outcome outcome;
	make_object(&o, 1, 5);
	memcpy(o.body.data, "hello", 5);
	pnr_remote_upload u = upload_of(&o, PNR_REMOTE_IF_ABSENT);
	assert_ok(pnr_hash_memory("hello", 5, &u.hash, NULL, err));
	served(s, { .code = 201 }, ERROR_ANSWER(409, "BlobAlreadyExists"), { .code = 201 });
	pnr_remote *remote = open_at(&s);
	assert_ok(pnr_remote_put(remote, &u, 1, err));
	assert_int_equal(u.outcome, PNR_REMOTE_PUT);
	assert_contains(s.log.data, "PUT /" ACCOUNT "/container/p/blobs/");
	assert_contains(s.log.data, "\r\nx-ms-version: 2021-12-02\r\n");
	assert_contains(s.log.data, "\r\nx-ms-blob-type: BlockBlob\r\n");
	assert_contains(s.log.data, "\r\nIf-None-Match: *\r\n");
	assert_contains(s.log.data, "\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n");
	assert_contains(s.log.data, "\r\nAuthorization: SharedKey " ACCOUNT ":");
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_THERE);
	assert_ok(put_one(remote, &o, PNR_REMOTE_REPLACE, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_PUT);
	assert_int_equal(count_of(s.log.data, "If-None-Match"), 2);
	assert_null(strstr(s.log.data, "secret"));
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

/* Azure's requests have headers anyhow: what was refused was a condition only if there was one. */
static void what_is_refused_without_a_condition_is_a_failure(void **state)
{
	(void)state;
	server s;
	object o, large;
	pnr_remote_outcome outcome;
	make_object(&o, 1, 5);
	make_object(&large, 7, BLOCK + 1);
	served(s, ERROR_ANSWER(412, "LeaseIdMissing"), { .code = 501 }, /* to replace it */
	       { .code = 501 }, { .code = 404 }, { .code = 501 },       /* PUT, HEAD, PUT */
	       { .code = 404 }, NO_BLOCKS, { .code = 201 }, { .code = 201 }, ERROR_ANSWER(412, "LeaseIdMissing"));
	pnr_remote *remote = open_at(&s);
	assert_fails(put_one(remote, &o, PNR_REMOTE_REPLACE, &outcome, err), PNR_CONFLICT, "LeaseIdMissing");
	assert_int_equal(outcome, PNR_REMOTE_PENDING);
	assert_fails(put_one(remote, &o, PNR_REMOTE_REPLACE, &outcome, err), PNR_IO, "501");
	assert_int_equal(s.asked, 1 + 2);
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err), PNR_IO, "501");
	assert_int_equal(s.asked, 1 + 2 + 3);
	/* It has no conditions, as is known by now. */
	assert_fails(put_one(remote, &large, PNR_REMOTE_IF_ABSENT, &outcome, err), PNR_CONFLICT, "LeaseIdMissing");
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
	free(large.body.data);
}

static void a_blob_is_made_once_more_only_if_a_condition_is_refused(void **state)
{
	(void)state;
	server s;
	object o;
	make_object(&o, 7, BLOCK + 1);
	served(s, { .code = 404 }, NO_BLOCKS, { .code = 201 }, { .code = 201 }, { .code = 501 });
	pnr_remote *remote = open_at(&s);
	assert_fails(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err), PNR_IO, "501");
	assert_int_equal(s.asked, 1 + 4 + 2);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

static void a_ref_is_set_and_removed_by_its_etag(void **state)
{
	(void)state;
	server s;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	const step one = { .headers = "ETag: \"0x1\"\r\n", .body = "one" };
	served(s, one, { .code = 201 }, one, ERROR_ANSWER(412, "ConditionNotMet"),
	       { .headers = "ETag: \"0x2\"\r\n", .body = "other" }, one, { .code = 202 });
	pnr_remote *remote = open_at(&s);
	assert_ok(swap(remote, "tags/a", "one", "two", &found, err));
	assert_contains(s.log.data, "\r\nIf-Match: \"0x1\"\r\n");
	assert_fails(swap(remote, "tags/a", "one", "two", &found, err), PNR_CONFLICT, "it was changed meanwhile");
	assert_string_equal(found.data, "other");
	assert_ok(swap(remote, "tags/a", "one", "", &found, err));
	const char *removal = strstr(s.log.data, "DELETE /" ACCOUNT "/container/p/tags/a HTTP");
	assert_non_null(removal);
	assert_contains(removal, "\r\nIf-Match: \"0x1\"\r\n");
	pnr_remote_close(remote);
	server_stop(&s);
}

/* Others who set it all the time are told only where there are such. */
static void a_ref_that_may_not_be_set_is_told_with_the_reason(void **state)
{
	(void)state;
	server s;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	const step one = { .headers = "ETag: \"0x1\"\r\n", .body = "one" };
	const step again = { .headers = "ETag: \"0x2\"\r\n", .body = "one" };
	const step none = ERROR_ANSWER(404, "BlobNotFound"), changed = ERROR_ANSWER(412, "ConditionNotMet");
	const step leased = ERROR_ANSWER(412, "LeaseIdMissing"), kept = ERROR_ANSWER(409, "BlobImmutableDueToPolicy");
	served(s, one, leased, one, leased, one, leased, one, leased, one, kept, one, kept, one, kept, one, kept,
	       none, kept, none, kept, none, kept, none, kept, one, changed, again, changed, one, changed, again,
	       changed);
	pnr_remote *remote = open_at(&s);
	pnr_buffer_puts(&found, "kept");
	assert_fails(swap(remote, "tags/a", "one", "two", &found, err), PNR_DENIED, "412: LeaseIdMissing: It may");
	assert_fails(swap(remote, "tags/a", "one", "", &found, err), PNR_DENIED, "409: BlobImmutableDueToPolicy");
	assert_fails(swap(remote, "tags/a", "", "two", &found, err), PNR_DENIED, "409: BlobImmutableDueToPolicy");
	assert_fails(swap(remote, "tags/a", "one", "two", &found, err), PNR_BUSY, "others set it all the time");
	assert_string_equal(found.data, "kept");
	assert_int_equal(s.asked, 1 + 4 * 8);
	pnr_remote_close(remote);
	server_stop(&s);
}

/* ----------------------------------------------------------------- listings -- */

#define PAGE(blobs, marker) \
	"\xef\xbb\xbf<?xml version=\"1.0\"?><EnumerationResults><Blobs>" blobs "</Blobs>" marker "</EnumerationResults>"
#define BLOB(name, size) \
	"<Blob><Name>" name "</Name><Properties><Content-Length>" size "</Content-Length></Properties></Blob>"

static void a_listing_goes_on_at_its_marker(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	served(s, { .body = PAGE(BLOB("p/a", "3") BLOB("p/not a key", "4"), "<NextMarker>2!x=</NextMarker>") },
	       { .body = PAGE(BLOB("p/b", "5"), "<NextMarker />") }, { .body = "<html></html>" });
	pnr_remote *remote = open_at(&s);
	listed_keys l = list_all(remote, "", 0, &foreign);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.size, 8);
	assert_int_equal(foreign, 1);
	assert_contains(s.log.data, "GET /" ACCOUNT "/container?comp=list&maxresults=5000&prefix=p%2F&restype=container ");
	assert_contains(s.log.data, "?comp=list&marker=2%21x%3D&maxresults=5000&");
	assert_fails(pnr_remote_list(remote, "", note_listed, &l, &foreign, err), PNR_IO,
	             "the answer is no listing of a container; is this the endpoint of Azure Blob storage?");
	pnr_remote_close(remote);
	server_stop(&s);
}

#define TYPED(name, size, type)                                                           \
	"<Blob><Name>" name "</Name><Properties><ResourceType>" type "</ResourceType>"    \
	"<Content-Length>" size "</Content-Length></Properties></Blob>"
#define FOLDER(name) TYPED(name, "0", "directory")

/* As where there is a hierarchical namespace; an object may be empty as well. */
static void folders_that_are_listed_are_no_objects(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	served(s, { .body = PAGE(FOLDER("p/blobs") FOLDER("p/blobs/00") TYPED("p/blobs/00/a", "3", "file")
		                 FOLDER("p/not a key") TYPED("p/blobs/00/b", "0", "file") BLOB("p/blobs/00/c", "4"),
		                 "") });
	pnr_remote *remote = open_at(&s);
	listed_keys l = list_all(remote, "", 0, &foreign);
	assert_int_equal(l.count, 3);
	assert_int_equal(l.size, 7);
	assert_int_equal(foreign, 0);
	pnr_remote_close(remote);
	server_stop(&s);
}

static void a_place_with_nothing_but_a_folder_is_empty(void **state)
{
	(void)state;
	server s;
	static const step steps[] = { NO_BLOCKS, { .body = PAGE(FOLDER("p/folder"), "") }, { .code = 201 } };
	char url[256];
	const pnr_remote_options options = { .create = true };
	pnr_remote *remote = NULL;
	server_start(&s, steps, PNR_COUNT(steps));
	(void)snprintf(url, sizeof url, "azure://" ACCOUNT "/container/p?endpoint=%s", s.origin);
	assert_ok(pnr_remote_open(url, &options, &remote, err));
	assert_contains(s.log.data, "PUT /" ACCOUNT "/container/p/pannier.json HTTP");
	pnr_remote_close(remote);
	server_stop(&s);
}

#define MANY 300u

/* Of 300 keys, 3 of 100 that begin with the same letter are asked for by a listing of theirs. */
static void many_are_asked_for_by_what_their_keys_begin_with(void **state)
{
	(void)state;
	server s;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer page = PNR_BUFFER_INIT;
	object *objects = calloc(MANY, sizeof *objects);
	pnr_remote_query *queries = calloc(MANY, sizeof *queries);
	pnr_buffer_puts(&page, "<EnumerationResults><Blobs>");
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(objects[i].key, sizeof objects[i].key, "blobs/%c%02u", (char)('a' + i / 100), i % 100);
		queries[i].key = objects[i].key;
		if (i % 2 == 0)
			pnr_buffer_printf(&page, BLOB("p/%s", "7"), objects[i].key);
	}
	pnr_buffer_puts(&page, "</Blobs><NextMarker/></EnumerationResults>");
	served(s, { .body = page.data });
	pnr_remote *remote = open_at(&s);
	assert_ok(pnr_remote_has(remote, queries, MANY, err));
	assert_int_equal(s.asked, 1 + 3);
	for (unsigned i = 0; i < 3; i++) {
		char prefix[32];
		(void)snprintf(prefix, sizeof prefix, "&prefix=p%%2Fblobs%%2F%c&", (char)('a' + i));
		assert_contains(s.log.data, prefix);
	}
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(queries[i].status, i % 2 == 0 ? PNR_OK : PNR_NOT_FOUND);
	pnr_remote_close(remote);
	server_stop(&s);
	free(objects);
	free(queries);
}

#define ALIKE 200u

/* Of 200 keys the first page has 190: the ten that are left have more in common than what is listed. */
static void a_marker_goes_with_the_prefix_that_it_is_of(void **state)
{
	(void)state;
	server s;
	pnr_buffer pages[2] = { PNR_BUFFER_INIT, PNR_BUFFER_INIT };
	const pnr_http_options options = { .connections = 1 };
	char (*keys)[KEY_SIZE] = calloc(ALIKE + 1, sizeof *keys);
	pnr_remote_query *queries = calloc(ALIKE + 1, sizeof *queries);
	for (unsigned i = 0; i <= ALIKE; i++) {
		(void)snprintf(keys[i], sizeof keys[i], "blobs/%c%03u", i < ALIKE ? 'a' : 'b', i);
		queries[i].key = keys[i];
	}
	for (unsigned i = 0; i < 2; i++) {
		pnr_buffer_puts(&pages[i], "<EnumerationResults><Blobs>");
		for (unsigned k = i == 0 ? 0 : 190; k < (i == 0 ? 190 : ALIKE); k++)
			pnr_buffer_printf(&pages[i], BLOB("p/%s", "7"), keys[k]);
		pnr_buffer_printf(&pages[i], "</Blobs><NextMarker>%s</NextMarker></EnumerationResults>",
		                  i == 0 ? "M" : "");
	}
	served(s, { .body = pages[0].data }, { .body = pages[1].data }, { .body = PAGE("", "") });
	pnr_remote *remote = open_at(&s);
	pnr_http_free(PNR_STEAL(pnr_bucket__of(remote)->http));
	assert_ok(pnr_http_new(&options, &pnr_bucket__of(remote)->http, err));
	assert_ok(pnr_remote_has(remote, queries, ALIKE + 1, err));
	assert_int_equal(s.asked, 1 + 3);
	const char *second = strstr(s.log.data, "&marker=M&");
	assert_non_null(second);
	assert_int_equal(strncmp(strstr(second, "&prefix="), "&prefix=p%2Fblobs%2Fa&", 22), 0);
	for (unsigned i = 0; i <= ALIKE; i++)
		assert_int_equal(queries[i].status, i < ALIKE ? PNR_OK : PNR_NOT_FOUND);
	pnr_remote_close(remote);
	server_stop(&s);
	pnr_buffer_free(&pages[0]);
	pnr_buffer_free(&pages[1]);
	free(keys);
	free(queries);
}

/* ---------------------------------------------------------------- failures -- */

static void what_is_refused_is_told_with_what_to_do(void **state)
{
	(void)state;
	static const struct {
		step step;
		pnr_status status;
		const char *text;
	} cases[] = {
		{ ERROR_ANSWER(403, "AuthenticationFailed"), PNR_DENIED,
		  "403: AuthenticationFailed: It may not be; the key, the signature or the token is not that of this" },
		{ ERROR_ANSWER(403, "AuthorizationPermissionMismatch"), PNR_DENIED,
		  "the role 'Storage Blob Data Contributor'" },
		{ ERROR_ANSWER(404, "ContainerNotFound"), PNR_NOT_FOUND, "there is no such container; make it first" },
		{ ERROR_ANSWER(503, "ServerBusy"), PNR_BUSY, "503: ServerBusy" },
		{ { .code = 401 }, PNR_DENIED, "/" ACCOUNT "/container/p/a: 401" },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		server s;
		pnr_error told = PNR_ERROR_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
		served(s, cases[i].step);
		pnr_remote *remote = open_at(&s);
		pnr_status status = get_one(remote, "a", 100, &have, &told);
		if (status != cases[i].status)
			fail_msg("%s: %s", pnr_status_name(status), told.message);
		assert_contains(told.message, cases[i].text);
		assert_null(strstr(told.message, "RequestId"));
		assert_true(pnr_remote_at_fault(remote));
		pnr_remote_close(remote);
		server_stop(&s);
	}
}

static void a_missing_container_is_told_where_heads_ask(void **state)
{
	(void)state;
	server s;
	pnr_remote_query q = { .key = "a" };
	served(s, { .code = 404, .headers = "x-ms-error-code: BlobNotFound\r\n" },
	       { .code = 404, .headers = "x-ms-error-code: ContainerNotFound\r\n" });
	pnr_remote *remote = open_at(&s);
	assert_ok(pnr_remote_has(remote, &q, 1, err));
	assert_int_equal(q.status, PNR_NOT_FOUND);
	assert_fails(pnr_remote_has(remote, &q, 1, err), PNR_NOT_FOUND, "there is no such container");
	pnr_remote_close(remote);
	server_stop(&s);
}

static void endpoints_are_with_and_without_the_account(void **state)
{
	(void)state;
	static const struct {
		const char *parameter, *origin, *path;
	} cases[] = {
		{ "", "https://" ACCOUNT ".blob.core.windows.net", "/container/p/" },
		{ "?endpoint=http://127.0.0.1:1/" ACCOUNT, "http://127.0.0.1:1", "/" ACCOUNT "/container/p/" },
		{ "?endpoint=http://localhost:1", "http://localhost:1", "/" ACCOUNT "/container/p/" },
		{ "?endpoint=http://[::1]:1", "http://[::1]:1", "/" ACCOUNT "/container/p/" },
		{ "?endpoint=https://" ACCOUNT ".blob.example.com", "https://" ACCOUNT ".blob.example.com",
		  "/container/p/" },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url url = { .kind = PNR_REMOTE_DIR };
		pnr_remote *remote = NULL;
		char text[256];
		(void)snprintf(text, sizeof text, "azure://" ACCOUNT "/container/p%s", cases[i].parameter);
		assert_ok(pnr_remote_url_parse(text, &url, err));
		assert_string_equal(url.text, text);
		assert_ok(pnr_remote_azure_ops.open(&url, false, &remote, err));
		assert_string_equal(pnr_bucket__of(remote)->origin, cases[i].origin);
		assert_string_equal(pnr_bucket__of(remote)->path, cases[i].path);
		pnr_remote_azure_ops.close(remote);
	}
	PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url url = { .kind = PNR_REMOTE_DIR };
	pnr_remote *remote = NULL;
	assert_ok(pnr_remote_url_parse("azure://" ACCOUNT "/container?endpoint=http://127.0.0.1:1/other", &url, err));
	assert_fails(pnr_remote_azure_ops.open(&url, false, &remote, err), PNR_INVALID,
	             "the endpoint's path is not '/" ACCOUNT "'");
}

static void what_others_could_use_is_not_sent_in_clear(void **state)
{
	(void)state;
	static const struct {
		const char *variable, *endpoint;
		bool refused;
	} cases[] = {
		{ "AZURE_STORAGE_SAS_TOKEN", "http://storage.example.com", true },
		{ "AZURE_STORAGE_SAS_TOKEN", "http://127.example.com", true },
		{ "AZURE_STORAGE_BEARER_TOKEN", "http://localhost.example.com:1", true },
		{ "AZURE_STORAGE_BEARER_TOKEN", "http://[::2]:1", true },
		{ "AZURE_CLIENT_ID", "http://10.0.0.1", true }, /* a managed identity */
		{ "AZURE_STORAGE_BEARER_TOKEN", "http://localhost:1", false },
		{ "AZURE_STORAGE_BEARER_TOKEN", "http://[::1]:1", false },
		{ "AZURE_STORAGE_SAS_TOKEN", "http://127.0.0.1", false },
		{ "AZURE_STORAGE_SAS_TOKEN", "https://storage.example.com", false },
		{ "AZURE_STORAGE_KEY", "http://storage.example.com", false }, /* only signs */
	};
	PNR_CLEANUP(pnr_cleanup_free) char *key = strdup(getenv("AZURE_STORAGE_KEY"));
	unsetenv("AZURE_STORAGE_KEY");
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url url = { .kind = PNR_REMOTE_DIR };
		pnr_remote *remote = NULL;
		char text[256];
		(void)snprintf(text, sizeof text, "azure://" ACCOUNT "/container?endpoint=%s", cases[i].endpoint);
		assert_ok(pnr_remote_url_parse(text, &url, err));
		setenv(cases[i].variable, "sv=1&sig=secret", 1);
		if (cases[i].refused)
			assert_fails(pnr_remote_azure_ops.open(&url, false, &remote, err), PNR_INVALID,
			             "name the endpoint with https://");
		else
			assert_ok(pnr_remote_azure_ops.open(&url, false, &remote, err));
		unsetenv(cases[i].variable);
		if (remote != NULL)
			pnr_remote_azure_ops.close(remote);
	}
	setenv("AZURE_STORAGE_KEY", key, 1);
}

/* On this machine it goes past a proxy that would answer; what only signs goes there, as curl does it. */
static void what_others_could_use_goes_to_no_proxy(void **state)
{
	(void)state;
	static const step steps[] = { FORMAT_ANSWER };
	static const char *const variables[] = { "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_BEARER_TOKEN" };
	server s, proxy;
	PNR_CLEANUP(pnr_cleanup_free) char *key = strdup(getenv("AZURE_STORAGE_KEY"));
	server_start(&s, steps, 1);
	server_start(&proxy, steps, 1);
	setenv("http_proxy", proxy.origin, 1);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	unsetenv("AZURE_STORAGE_KEY");
	for (unsigned i = 0; i < PNR_COUNT(variables); i++) {
		setenv(variables[i], "sv=1&sig=secret", 1);
		pnr_remote_close(open_at(&s));
		unsetenv(variables[i]);
		assert_int_equal(proxy.asked, 0);
		assert_int_equal(s.asked, 1 + i);
	}
	setenv("AZURE_STORAGE_KEY", key, 1);
	pnr_remote_close(open_at(&s));
	assert_int_equal(proxy.asked, 1);
	assert_int_equal(s.asked, 2);
	unsetenv("http_proxy");
	server_stop(&proxy);
	server_stop(&s);
}

/* A key of the longest, which differs from others at its end only. */
static void make_longest(char out[PNR_REMOTE_KEY_MAX + 1], char last)
{
	memset(out, 'k', PNR_REMOTE_KEY_MAX);
	out[170] = out[340] = '/';
	out[PNR_REMOTE_KEY_MAX - 1] = last;
	out[PNR_REMOTE_KEY_MAX] = '\0';
}

static void the_longest_names_are_sent_whole(void **state)
{
	(void)state;
	server s;
	static const char names[] = "a23456789012345678901234/c23456789012345678901234567890123456789012345678901234567890123";
	char prefix[PNR_REMOTE_KEY_MAX + 1], key[PNR_REMOTE_KEY_MAX + 1], text[2 * PNR_BUCKET_PATH_SIZE];
	pnr_remote *remote = NULL;
	make_longest(prefix, 'p');
	make_longest(key, 'z');
	pnr_remote_query q = { .key = key };
	served(s, { .code = 200 });
	assert_int_equal(strlen(names), PNR_REMOTE_ACCOUNT_MAX + 1 + PNR_REMOTE_BUCKET_MAX);
	(void)snprintf(text, sizeof text, "azure://%s/%s?endpoint=%s", names, prefix, s.origin);
	assert_ok(pnr_remote_open(text, NULL, &remote, err));
	assert_ok(pnr_remote_has(remote, &q, 1, err));
	(void)snprintf(text, sizeof text, "HEAD /%s/%s/%s HTTP/1.1\r\n", names, prefix, key);
	assert_contains(s.log.data, text);
	pnr_remote_close(remote);
	server_stop(&s);
	/* What is longer is refused, not cut: a prefix that no URL has. */
	char account[] = ACCOUNT, container[] = "container", endpoint[] = "http://127.0.0.1:1", longer[700];
	memset(longer, 'k', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	const pnr_remote_url url = { .kind = PNR_REMOTE_AZURE, .account = account, .bucket = container, .prefix = longer,
		                     .endpoint = endpoint };
	assert_fails(pnr_remote_azure_ops.open(&url, false, &remote, err), PNR_INVALID, "the prefix is too long");
}

/* ------------------------------------------------------------------ in blocks -- */

/* What comes of a put of two blocks, where the server answers so. */
static void assert_blocks(const step *steps, size_t count, pnr_remote_outcome wanted, unsigned sent)
{
	server s;
	object o;
	pnr_remote_outcome outcome;
	server_start(&s, steps, count);
	make_object(&o, 7, BLOCK + 1);
	pnr_remote *remote = open_at(&s);
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, wanted);
	assert_int_equal(count_of(s.log.data, "comp=block HTTP"), sent);
	assert_int_equal(s.asked, count);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

static void blocks_are_made_a_blob_once_whatever_is_answered(void **state)
{
	(void)state;
	const step block = { .code = 201 };
	const step plain[] = { FORMAT_ANSWER, { .code = 404 }, NO_BLOCKS, block, block, { .code = 201 } };
	const step there[] = { FORMAT_ANSWER, { .code = 200 } };
	/* The answer is lost. */
	const step lost[] = { FORMAT_ANSWER, { .code = 404 }, NO_BLOCKS, block, block, { .drop = true },
		              ERROR_ANSWER(409, "BlobAlreadyExists") };
	/* Somebody else made a blob of that name of his blocks, which removed these; and it was removed. */
	const step mixed[] = { FORMAT_ANSWER, { .code = 404 }, NO_BLOCKS, block, block,
		               ERROR_ANSWER(400, "InvalidBlockList"), NO_BLOCKS, block, block, { .code = 201 } };
	const step wrong[] = { FORMAT_ANSWER, { .code = 404 }, NO_BLOCKS, ERROR_ANSWER(400, "Md5Mismatch"), block,
		               block, { .code = 201 } };
	assert_blocks(plain, PNR_COUNT(plain), PNR_REMOTE_PUT, 2);
	assert_blocks(there, PNR_COUNT(there), PNR_REMOTE_THERE, 0);
	assert_blocks(lost, PNR_COUNT(lost), PNR_REMOTE_PUT, 2);
	assert_blocks(mixed, PNR_COUNT(mixed), PNR_REMOTE_PUT, 4);
	assert_blocks(wrong, PNR_COUNT(wrong), PNR_REMOTE_PUT, 3);
}

#define BLOCKS 5u

static pnr_remote_upload numbered(object *o, unsigned number)
{
	make_object(o, number, BLOCKS * BLOCK + 1000);
	return upload_of(o, PNR_REMOTE_IF_ABSENT);
}

/* One block at a time, so that it is known how many are there. */
static void put_and_die(pnr_remote_upload *u)
{
	const pnr_http_options options = { .connections = 1 };
	pnr_bucket *bucket = pnr_bucket__of(open_place("killed"));
	u->body.read = read_and_die;
	pnr_http_free(bucket->http);
	if (pnr_http_new(&options, &bucket->http, NULL) == PNR_OK)
		(void)!pnr_remote_put(&bucket->base, u, 1, NULL);
	_exit(1);
}

/* Each block that is there is read once, to know that it is it, and not again to be sent. */
static void who_is_killed_goes_on_where_it_was(void **state)
{
	(void)state;
	object o;
	pnr_remote_upload u = numbered(&o, 1);
	o.body.fail_at = 6 * BLOCK + 1; /* while the fourth one is read for its hash */
	pid_t child = fork();
	if (child == 0)
		put_and_die(&u);
	int how = 0;
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how));
	pnr_remote *remote = open_place("killed");
	assert_false(is_there(remote, o.key));
	o.body.bytes = o.body.fail_at = 0;
	assert_ok(pnr_remote_put(remote, &u, 1, err));
	assert_int_equal(u.outcome, PNR_REMOTE_PUT);
	/* All is read once, and what is sent, 3 blocks less than all, once more. */
	assert_int_equal(o.body.bytes, 2 * o.body.length - 3 * BLOCK);
	assert_object(remote, &o);
	pnr_remote_close(remote);
	free(o.body.data);
}

int main(void)
{
	const struct CMUnitTest scripted[] = {
		cmocka_unit_test(an_object_is_put_with_its_md5_and_only_if_it_is_not_there),
		cmocka_unit_test(what_is_refused_without_a_condition_is_a_failure),
		cmocka_unit_test(a_blob_is_made_once_more_only_if_a_condition_is_refused),
		cmocka_unit_test(a_ref_is_set_and_removed_by_its_etag),
		cmocka_unit_test(a_ref_that_may_not_be_set_is_told_with_the_reason),
		cmocka_unit_test(a_listing_goes_on_at_its_marker),
		cmocka_unit_test(folders_that_are_listed_are_no_objects),
		cmocka_unit_test(a_place_with_nothing_but_a_folder_is_empty),
		cmocka_unit_test(many_are_asked_for_by_what_their_keys_begin_with),
		cmocka_unit_test(a_marker_goes_with_the_prefix_that_it_is_of),
		cmocka_unit_test(what_is_refused_is_told_with_what_to_do),
		cmocka_unit_test(a_missing_container_is_told_where_heads_ask),
		cmocka_unit_test(endpoints_are_with_and_without_the_account),
		cmocka_unit_test(what_others_could_use_is_not_sent_in_clear),
		cmocka_unit_test(what_others_could_use_goes_to_no_proxy),
		cmocka_unit_test(the_longest_names_are_sent_whole),
		cmocka_unit_test(blocks_are_made_a_blob_once_whatever_is_answered),
	};
	const struct CMUnitTest at_azurite[] = {
		cmocka_unit_test(who_is_killed_goes_on_where_it_was),
	};
	first_process = getpid();
	if (getenv("PANNIER_TEST_REMOTE") != NULL)
		return cmocka_run_group_tests(at_azurite, NULL, NULL);
	return cmocka_run_group_tests(scripted, keys_setup, NULL);
}
