/*
 * S3, beside what holds for every kind. At a server that answers by a script: what servers lack, and what is told of
 * their failures. At Ceph's (PANNIER_TEST_REMOTE, see contract.c): objects in parts, and what others left of them.
 */
#include "bucket.h"

#define LISTING(entries) "<ListBucketResult>" entries "<IsTruncated>false</IsTruncated></ListBucketResult>"

/* Credentials of nobody, for a server that does not look at them. */
static pnr_remote *open_at(const server *s, const char *parameters)
{
	char url[256];
	(void)snprintf(url, sizeof url, "s3://bucket/p?endpoint=%s%s", s->origin, parameters);
	return open_url(url);
}

static int keys_setup(void **state)
{
	(void)state;
	return setenv("AWS_ACCESS_KEY_ID", "AKIDOFNOBODY", 0) + setenv("AWS_SECRET_ACCESS_KEY", "nobodys+secret/", 0);
}

/* ---------------------------------------------------------------- failures -- */

static void what_is_refused_is_told_with_what_to_do(void **state)
{
	(void)state;
	static const struct {
		step step;
		pnr_status status;
		const char *text[2];
	} cases[] = {
		{ { .code = 403, .body = "<Error><Code>AccessDenied</Code></Error>" }, PNR_DENIED,
		  { "403: AccessDenied; these credentials may not do this; they need s3:ListBucket", "/bucket/p/a: " } },
		{ { .code = 403, .body = "<Error><Code>SignatureDoesNotMatch</Code><Message>The one\nor the other</Message>"
		                         "<StringToSign>SECRET</StringToSign></Error>" },
		  PNR_DENIED, { "SignatureDoesNotMatch: The one?or the other; the secret is not that of", "GET http://" } },
		{ { .code = 403, .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>" }, PNR_DENIED,
		  { "set the clock of this machine", "" } },
		{ { .code = 404, .body = "<Error><Code>NoSuchBucket</Code></Error>" }, PNR_NOT_FOUND,
		  { "404: NoSuchBucket; there is no such bucket; make it first", "" } },
		{ { .code = 301, .headers = "x-amz-bucket-region: eu-west-3\r\nLocation: https://x.example/?SECRET\r\n",
		    .body = "<Error><Code>PermanentRedirect</Code></Error>" },
		  PNR_IO, { "the bucket is in region 'eu-west-3'; set AWS_REGION, or add ?region=eu-west-3", "" } },
		{ { .code = 400, .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>" },
		  PNR_IO, { "the bucket is in region 'eu-west-3'", "" } },
		{ { .code = 307, .headers = "Location: https://other.example/bucket?SECRET\r\n" }, PNR_IO,
		  { "it is elsewhere, on 'other.example'", "" } },
		{ { .code = 403, .body = "<Error><Code>QuotaExceeded</Code></Error>" }, PNR_FULL, { "quota", "" } },
		{ { .code = 503, .body = "<html>busy</html>" }, PNR_BUSY, { "/bucket/p/a: 503", "" } },
		{ { .code = 500, .body = "<Error><Code>InternalError</Code></Error>" }, PNR_RETRY, { "InternalError", "" } },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		server s;
		pnr_error told = PNR_ERROR_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer have = PNR_BUFFER_INIT;
		served(s, cases[i].step);
		pnr_remote *remote = open_at(&s, "");
		pnr_status status = get_one(remote, "a", 100, &have, &told);
		if (status != cases[i].status)
			fail_msg("%s: %s", pnr_status_name(status), told.message);
		assert_contains(told.message, cases[i].text[0]);
		assert_contains(told.message, cases[i].text[1]);
		assert_contains(told.message, "remote 's3://bucket/p?endpoint=");
		assert_null(strstr(told.message, "SECRET"));
		assert_true(pnr_remote_at_fault(remote));
		pnr_remote_close(remote);
		server_stop(&s);
	}
}

static void a_bucket_that_is_not_there_is_not_made(void **state)
{
	(void)state;
	server s;
	static const step steps[] = { { .code = 404, .body = "<Error><Code>NoSuchBucket</Code></Error>" } };
	char url[128];
	const pnr_remote_options options = { .create = true };
	pnr_remote *remote = NULL;
	server_start(&s, steps, 1);
	(void)snprintf(url, sizeof url, "s3://bucket?endpoint=%s", s.origin);
	assert_fails(pnr_remote_open(url, &options, &remote, err), PNR_NOT_FOUND, "make it first");
	assert_int_equal(s.asked, 1);
	server_stop(&s);
}

static void what_is_no_s3_server_is_told(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	served(s, { .body = "<html><body>Welcome!</body></html>" }, { .body = "Welcome" }, { .body = "" });
	pnr_remote *remote = open_at(&s, "");
	for (unsigned i = 0; i < 3; i++)
		assert_fails(pnr_remote_list(remote, "", note_listed, NULL, &foreign, err), PNR_IO, "is this the endpoint of an S3");
	pnr_remote_close(remote);
	server_stop(&s);
}

/* It is what was asked for, whatever it reads like. */
static void what_is_got_is_not_read_for_errors(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	static const char busy[] = "<Error><Code>SlowDown</Code></Error>";
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	served(s, { .headers = "ETag: \"1\"\r\n", .body = busy }, { .body = busy }, { .code = 400, .body = busy },
	       { .body = LISTING("") });
	pnr_remote *remote = open_at(&s, "");
	assert_fails(swap(remote, "tags/a", "one", "two", &found, err), PNR_CONFLICT, "changed meanwhile");
	assert_string_equal(found.data, busy);
	assert_int_equal(s.asked, 1 + 1);
	assert_fails(pnr_remote_list(remote, "", note_listed, NULL, &foreign, err), PNR_IO, "no listing of a bucket");
	assert_int_equal(s.asked, 1 + 2);
	assert_ok(pnr_remote_list(remote, "", note_listed, NULL, &foreign, err));
	assert_int_equal(s.asked, 1 + 4);
	pnr_remote_close(remote);
	server_stop(&s);
}

/* ------------------------------------------------------ what servers lack -- */

static void without_conditional_put_it_is_looked_first(void **state)
{
	(void)state;
	server s;
	object a, b, c;
	pnr_remote_outcome outcome;
	make_object(&a, 1, 10);
	make_object(&b, 2, 10);
	make_object(&c, 3, 10);
	served(s, { .code = 501, .body = "<Error><Code>NotImplemented</Code></Error>" }, /* PUT of a */
	       { .code = 404 }, { .code = 200 },                                         /* HEAD, PUT */
	       { .code = 200 },                                                          /* HEAD of b: there */
	       { .code = 200 });                                                         /* PUT of c, to replace it */
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &a, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_PUT);
	assert_ok(put_one(remote, &b, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_THERE);
	assert_int_equal(b.body.reads, 0);
	assert_ok(put_one(remote, &c, PNR_REMOTE_REPLACE, &outcome, err));
	assert_int_equal(s.asked, 6);
	const char *first = strstr(s.log.data, "PUT /bucket/p/blobs"), *second = strstr(first + 1, "PUT /bucket/p/blobs");
	assert_true(strstr(first, "If-None-Match: *") < second);
	assert_null(strstr(second, "If-None-Match"));
	pnr_remote_close(remote);
	server_stop(&s);
	free(a.body.data);
	free(b.body.data);
	free(c.body.data);
}

/* Any proxy says 200; a server that stored something gives it an ETag. */
static void an_answer_without_an_etag_is_no_success(void **state)
{
	(void)state;
	server s;
	object a;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	pnr_remote_outcome outcome;
	make_object(&a, 1, 10);
	served(s, { .headers = "X: y\r\n" }, { .code = 404 }, { .headers = "X: y\r\n" });
	pnr_remote *remote = open_at(&s, "");
	assert_fails(put_one(remote, &a, PNR_REMOTE_IF_ABSENT, &outcome, err), PNR_IO, "the answer has no ETag");
	assert_int_equal(outcome, PNR_REMOTE_PENDING);
	assert_fails(swap(remote, "tags/a", "", "two", &found, err), PNR_IO, "tags/a: 200");
	pnr_remote_close(remote);
	server_stop(&s);
	free(a.body.data);
}

static void without_conditional_put_refs_are_still_compared(void **state)
{
	(void)state;
	server s;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	served(s, { .headers = "ETag: \"1\"\r\n", .body = "one" }, { .code = 501 }, { .headers = "ETag: \"1\"\r\n", .body = "one" },
	       { .code = 200 }, { .headers = "ETag: \"3\"\r\n", .body = "three" });
	pnr_remote *remote = open_at(&s, "");
	assert_ok(swap(remote, "tags/a", "one", "two", &found, err));
	assert_fails(swap(remote, "tags/a", "two", "four", &found, err), PNR_CONFLICT, "changed meanwhile");
	assert_string_equal(found.data, "three");
	assert_contains(s.log.data, "\r\nIf-Match: \"1\"\r\n");
	pnr_remote_close(remote);
	server_stop(&s);
}

static void a_server_that_wants_etags_bare_gets_them_so(void **state)
{
	(void)state;
	server s;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	served(s, { .headers = "ETag: \"1\"\r\n", .body = "one" }, { .code = 412 }, { .headers = "ETag: \"1\"\r\n", .body = "one" },
	       { .code = 200 });
	pnr_remote *remote = open_at(&s, "");
	assert_ok(swap(remote, "tags/a", "one", "two", &found, err));
	assert_contains(s.log.data, "\r\nIf-Match: \"1\"\r\n");
	assert_contains(s.log.data, "\r\nIf-Match: 1\r\n");
	assert_int_equal(s.asked, 5);
	pnr_remote_close(remote);
	server_stop(&s);
}

/* The answer to a PUT that was carried out is lost; the second one is refused, and all is well. */
static void an_answer_that_was_lost_is_asked_for_again(void **state)
{
	(void)state;
	server s;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	object a;
	pnr_remote_outcome outcome;
	make_object(&a, 1, 10);
	served(s, { .drop = true }, { .code = 412 }, { .code = 404 }, { .code = 500 }, { .code = 412 },
	       { .headers = "ETag: \"1\"\r\n", .body = "one" });
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &a, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_PUT);
	assert_ok(swap(remote, "tags/a", "", "one", &found, err));
	assert_int_equal(s.asked, 7);
	pnr_remote_close(remote);
	server_stop(&s);
	free(a.body.data);
}

#define MANY 200u /* too few for two listings at once */

static void a_server_that_lists_in_no_order_is_asked_one_by_one(void **state)
{
	(void)state;
	server s;
	object *objects = calloc(MANY, sizeof *objects);
	pnr_remote_query *queries = calloc(MANY, sizeof *queries);
	served(s, { .body = LISTING("<Contents><Key>p/blobs/zz</Key><Size>1</Size></Contents>"
		                    "<Contents><Key>p/blobs/aa</Key><Size>1</Size></Contents>") },
	       { .code = 404 });
	pnr_remote *remote = open_at(&s, "");
	for (unsigned i = 0; i < MANY; i++) {
		(void)snprintf(objects[i].key, sizeof objects[i].key, "blobs/%03u", i);
		queries[i].key = objects[i].key;
	}
	assert_ok(pnr_remote_has(remote, queries, MANY, err));
	assert_int_equal(s.asked, 1 + 1 + MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(queries[i].status, PNR_NOT_FOUND);
	assert_ok(pnr_remote_has(remote, queries, MANY, err));
	assert_int_equal(s.asked, 1 + 1 + 2 * MANY);
	pnr_remote_close(remote);
	server_stop(&s);
	free(objects);
	free(queries);
}

static void keys_are_taken_as_they_are_listed(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	served(s, { .body = LISTING("<Contents><Key>p/</Key><Size>0</Size></Contents>"
		                    "<Contents><Key>p/a%2Fb</Key><Size>3</Size></Contents>"
		                    "<Contents><Key>p/a+b</Key><Size>5</Size></Contents>"
		                    "<Contents><Key>p/folder/</Key><Size>0</Size></Contents>"
		                    "<Contents><Key>p/%C3%A4</Key><Size>7</Size></Contents>"
		                    "<Contents><Key>other</Key><Size>9</Size></Contents>") },
	       { .body = LISTING("<Contents><Key>p/a%2</Key><Size>3</Size></Contents>") },
	       { .body = LISTING("<Contents><Key>p/a</Key><Size>3x</Size></Contents>") });
	pnr_remote *remote = open_at(&s, "");
	listed_keys l = list_all(remote, "", 0, &foreign);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.last, "a/b");
	assert_int_equal(l.size, 3);
	assert_int_equal(foreign, 3);
	for (unsigned i = 0; i < 2; i++)
		assert_fails(pnr_remote_list(remote, "", note_listed, &l, &foreign, err), PNR_IO, "no listing of a bucket");
	pnr_remote_close(remote);
	server_stop(&s);
}

static void a_listing_that_does_not_go_on_is_a_failure(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	static const char page[] = "<ListBucketResult><IsTruncated>true</IsTruncated>"
				   "<NextContinuationToken>again</NextContinuationToken></ListBucketResult>";
	served(s, { .body = page });
	pnr_remote *remote = open_at(&s, "");
	assert_fails(pnr_remote_list(remote, "", note_listed, NULL, &foreign, err), PNR_IO, "goes on where it began");
	assert_int_equal(s.asked, 1 + 2);
	pnr_remote_close(remote);
	server_stop(&s);
}

#define PAGE(key, token)                                                                                             \
	{ .body = "<ListBucketResult><Contents><Key>p/" key "</Key><Size>1</Size></Contents>"                        \
	          "<IsTruncated>true</IsTruncated><NextContinuationToken>" token "</NextContinuationToken></ListBucketResult>" }

static void a_listing_that_goes_round_is_a_failure(void **state)
{
	(void)state;
	static const struct {
		step steps[16];
		unsigned asked;
	} cases[] = {
		{ { FORMAT_ANSWER, PAGE("a", "B"), PAGE("b", "A"), PAGE("c", "B"), PAGE("d", "A"), PAGE("e", "B"),
		    PAGE("f", "A"), PAGE("g", "B"), PAGE("h", "A"), PAGE("i", "B"), PAGE("j", "A"), PAGE("k", "B"),
		    PAGE("l", "A"), PAGE("m", "B"), PAGE("n", "A"), { .code = 403 } },
		  1 + 4 },
		/* Of three, behind one that does not come again. */
		{ { FORMAT_ANSWER, PAGE("a", "A"), PAGE("b", "B"), PAGE("c", "C"), PAGE("d", "D"), PAGE("e", "B"),
		    PAGE("f", "C"), PAGE("g", "D"), PAGE("h", "B"), PAGE("i", "C"), PAGE("j", "D"), PAGE("k", "B"),
		    PAGE("l", "C"), PAGE("m", "D"), PAGE("n", "B"), { .code = 403 } },
		  1 + 7 },
		/* By tokens that are new each time. */
		{ { FORMAT_ANSWER, PAGE("a", "1"), PAGE("b", "2"), PAGE("a", "3"), PAGE("b", "4"), PAGE("a", "5"),
		    PAGE("b", "6"), PAGE("a", "7"), PAGE("b", "8"), PAGE("a", "9"), PAGE("b", "10"), PAGE("a", "11"),
		    PAGE("b", "12"), PAGE("a", "13"), PAGE("b", "14"), { .code = 403 } },
		  1 + 4 },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		server s;
		uint64_t foreign = 0;
		listed_keys l = { .count = 0 };
		server_start(&s, cases[i].steps, PNR_COUNT(cases[i].steps));
		pnr_remote *remote = open_at(&s, "");
		assert_fails(pnr_remote_list(remote, "", note_listed, &l, &foreign, err), PNR_IO, "goes on where it began");
		assert_int_equal(s.asked, cases[i].asked);
		pnr_remote_close(remote);
		server_stop(&s);
	}
}

/* What gets further does so for as long as it likes. */
static void a_listing_of_many_pages_is_whole(void **state)
{
	(void)state;
	server s;
	uint64_t foreign = 0;
	static step steps[102] = { FORMAT_ANSWER };
	static char pages[100][300];
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(pages[i], sizeof pages[i],
		               "<ListBucketResult><Contents><Key>p/%03u</Key><Size>1</Size></Contents><IsTruncated>true"
		               "</IsTruncated><NextContinuationToken>%u</NextContinuationToken></ListBucketResult>",
		               i, i);
		steps[1 + i].body = pages[i];
	}
	steps[101].body = LISTING("<Contents><Key>p/100</Key><Size>1</Size></Contents>");
	server_start(&s, steps, PNR_COUNT(steps));
	pnr_remote *remote = open_at(&s, "");
	listed_keys l = list_all(remote, "", 0, &foreign);
	assert_int_equal(l.count, 101);
	assert_string_equal(l.last, "100");
	pnr_remote_close(remote);
	server_stop(&s);
}

static void buckets_are_named_where_servers_look_for_them(void **state)
{
	(void)state;
	server s;
	served(s, { .code = 404 });
	pnr_remote *remote = open_at(&s, "&region=eu-west-3");
	assert_contains(s.log.data, "GET /bucket/p/pannier.json HTTP/1.1\r\n");
	assert_contains(s.log.data, "/eu-west-3/s3/aws4_request");
	assert_null(strstr(s.log.data, "nobodys"));
	pnr_remote_close(remote);
	server_stop(&s);
	/* The bucket's host is not found; that it is asked for is seen by the error. A name server is not: 64 letters. */
#define NO_NAME "a234567890b234567890c234567890d234567890e234567890f234567890g234"
	pnr_error told = PNR_ERROR_INIT;
	assert_int_not_equal(pnr_remote_open("s3://bucket/p?endpoint=http://" NO_NAME ":1&path-style=false", NULL, &remote,
	                                     &told),
	                     PNR_OK);
	assert_contains(told.message, "GET http://bucket." NO_NAME ":1/p/pannier.json: after 4 tries: Could not resolve");
}

/* ------------------------------------------------------------------ in parts -- */

#define PART ((size_t)16 << 20)
#define PART_ANSWER { .headers = "ETag: \"0123456789abcdef0123456789abcdef\"\r\n" }
#define CREATED { .body = "<InitiateMultipartUploadResult><UploadId>new</UploadId></InitiateMultipartUploadResult>" }
#define COMPLETED { .body = "<CompleteMultipartUploadResult><Key>k</Key><ETag/></CompleteMultipartUploadResult>" }
#define NO_UPLOADS { .body = "<ListMultipartUploadsResult></ListMultipartUploadsResult>" }

/* What comes of a put of two parts, where the server answers so. */
static void assert_parts(const step *steps, size_t count, pnr_remote_outcome wanted, unsigned parts_sent)
{
	server s;
	object o;
	pnr_remote_outcome outcome;
	server_start(&s, steps, count);
	make_object(&o, 7, PART + 1);
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, wanted);
	assert_int_equal(count_of(s.log.data, "?partNumber="), parts_sent);
	assert_int_equal(s.asked, count);
	assert_true(o.body.closes > 0 || parts_sent == 0);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

static void parts_are_completed_once_whatever_is_answered(void **state)
{
	(void)state;
	static const char no_upload[] = "<Error><Code>NoSuchUpload</Code></Error>";
	const step plain[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, COMPLETED };
	const step there[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 200 } };
	/* The answer is lost, the upload is gone, the object is there. */
	const step lost[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, { .drop = true },
		              { .code = 404, .body = no_upload }, { .code = 200 } };
	/* 200, and then a failure in it. */
	const step late[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER,
		              { .body = "<Error><Code>InternalError</Code></Error>" }, COMPLETED };
	/* Somebody else completed it in between; or removed it. */
	const step theirs[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, { .code = 404, .body = no_upload },
		                { .code = 404, .body = no_upload }, { .code = 200 } };
	const step removed[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, { .code = 404, .body = no_upload },
		                 { .code = 404, .body = no_upload }, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER,
		                 COMPLETED };
	/* Parts of another who sends the same object were put into it. */
	const step mixed[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER,
		               { .code = 400, .body = "<Error><Code>InvalidPart</Code></Error>" }, CREATED, PART_ANSWER,
		               PART_ANSWER, COMPLETED };
	const step refused[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER,
		                 { .code = 412, .body = "<Error><Code>PreconditionFailed</Code></Error>" } };
	const step unsure[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, { .drop = true },
		                { .code = 412, .body = "<Error><Code>PreconditionFailed</Code></Error>" } };
	const step lacking[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER,
		                 { .code = 501 }, COMPLETED };
	/* Who may not list what was begun begins anew. */
	const step blind[] = { FORMAT_ANSWER, { .code = 403 }, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, COMPLETED };
	assert_parts(plain, PNR_COUNT(plain), PNR_REMOTE_PUT, 2);
	assert_parts(there, PNR_COUNT(there), PNR_REMOTE_THERE, 0);
	assert_parts(lost, PNR_COUNT(lost), PNR_REMOTE_PUT, 2);
	assert_parts(late, PNR_COUNT(late), PNR_REMOTE_PUT, 2);
	assert_parts(theirs, PNR_COUNT(theirs), PNR_REMOTE_THERE, 2);
	assert_parts(removed, PNR_COUNT(removed), PNR_REMOTE_PUT, 4);
	assert_parts(mixed, PNR_COUNT(mixed), PNR_REMOTE_PUT, 4);
	assert_parts(refused, PNR_COUNT(refused), PNR_REMOTE_THERE, 2);
	assert_parts(unsure, PNR_COUNT(unsure), PNR_REMOTE_PUT, 2);
	assert_parts(lacking, PNR_COUNT(lacking), PNR_REMOTE_PUT, 2);
	assert_parts(blind, PNR_COUNT(blind), PNR_REMOTE_PUT, 2);
}

#define UPLOAD(key, id, begun)                                                                                      \
	"<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>" begun "</Initiated></Upload>"

static void who_loses_the_upload_again_is_told_so(void **state)
{
	(void)state;
	static const char no_upload[] = "<Error><Code>NoSuchUpload</Code></Error>";
	static const char invalid_part[] = "<Error><Code>InvalidPart</Code></Error>";
	const struct {
		pnr_remote_mode mode;
		step steps[12];
		unsigned asked;
		pnr_status status;
		const char *text;
	} cases[] = {
		/* The last that is asked is whether the object is there; */
		{ PNR_REMOTE_IF_ABSENT,
		  { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, { .code = 404, .body = no_upload },
		    { .code = 404, .body = no_upload }, { .code = 404 }, CREATED, { .code = 404, .body = no_upload },
		    { .code = 404, .body = no_upload }, { .code = 404 } },
		  11, PNR_RETRY, "': its upload was removed twice while it was sent; try again" },
		/* or what it takes to send a part. */
		{ PNR_REMOTE_REPLACE,
		  { FORMAT_ANSWER, NO_UPLOADS, CREATED, { .code = 404, .body = no_upload }, PART_ANSWER, CREATED,
		    { .code = 404, .body = no_upload }, PART_ANSWER },
		  8, PNR_RETRY, "': its upload was removed twice while it was sent; try again" },
		/* A server that does not take its own parts says so itself. */
		{ PNR_REMOTE_REPLACE,
		  { FORMAT_ANSWER, NO_UPLOADS, CREATED, PART_ANSWER, PART_ANSWER, { .code = 400, .body = invalid_part }, CREATED,
		    PART_ANSWER, PART_ANSWER, { .code = 400, .body = invalid_part } },
		  10, PNR_IO, "400: InvalidPart" },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		server s;
		object o;
		pnr_remote_outcome outcome;
		server_start(&s, cases[i].steps, cases[i].asked);
		make_object(&o, 7, PART + 1);
		pnr_remote *remote = open_at(&s, "");
		assert_fails(put_one(remote, &o, cases[i].mode, &outcome, err), cases[i].status, cases[i].text);
		assert_int_equal(outcome, PNR_REMOTE_PENDING);
		assert_int_equal(s.asked, cases[i].asked);
		pnr_remote_close(remote);
		server_stop(&s);
		free(o.body.data);
	}
}

/* ----------------------------------------------------- uploads that go on */

/* Answers that say that an upload of @o was begun, and that @parts of its parts are there, with more behind them. */
typedef struct begun {
	char uploads[400], parts[2000];
} begun;

static void begun_of(begun *b, const object *o, unsigned parts)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	(void)snprintf(b->uploads, sizeof b->uploads,
	               "<ListMultipartUploadsResult><Upload><Key>p/%s</Key><UploadId>old</UploadId>"
	               "<Initiated>2999-01-01T00:00:00Z</Initiated></Upload></ListMultipartUploadsResult>",
	               o->key);
	pnr_buffer_puts(&text, "<ListPartsResult>");
	for (unsigned i = 0; i < parts; i++) {
		uint8_t md5[16];
		assert_int_equal(EVP_Digest(o->body.data + i * PART, PART, md5, NULL, EVP_md5(), NULL), 1);
		pnr_buffer_printf(&text, "<Part><PartNumber>%u</PartNumber><Size>%zu</Size><ETag>", i + 1, PART);
		for (size_t k = 0; k < sizeof md5; k++)
			pnr_buffer_printf(&text, "%02x", md5[k]);
		pnr_buffer_puts(&text, "</ETag></Part>");
	}
	pnr_buffer_printf(&text, "<IsTruncated>true</IsTruncated><NextPartNumberMarker>%u</NextPartNumberMarker>"
	                  "</ListPartsResult>", parts);
	(void)snprintf(b->parts, sizeof b->parts, "%s", text.data);
}

static void parts_of_an_upload_that_is_gone_are_sent_again(void **state)
{
	(void)state;
	server s;
	object o;
	begun b;
	pnr_remote_outcome outcome;
	make_object(&o, 7, PART + 1);
	begun_of(&b, &o, 1);
	served(s, { .body = b.uploads }, { .code = 404 }, { .body = b.parts },
	       { .code = 404, .body = "<Error><Code>NoSuchUpload</Code></Error>" }, CREATED, PART_ANSWER, PART_ANSWER,
	       COMPLETED);
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
	assert_int_equal(outcome, PNR_REMOTE_PUT);
	assert_contains(s.log.data, "&part-number-marker=1&uploadId=old ");
	assert_int_equal(count_of(s.log.data, "?partNumber="), 2);
	assert_int_equal(count_of(s.log.data, "uploadId=new "), 3);
	assert_int_equal(s.asked, 1 + 8);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

static void uploads_of_ours_that_were_given_up_are_removed(void **state)
{
	(void)state;
	server s;
	object o;
	make_object(&o, 7, PART + 1);
	static const char first[] =
		"<ListMultipartUploadsResult><NextKeyMarker>p/blobs/m</NextKeyMarker><NextUploadIdMarker>u3</NextUploadIdMarker>"
		"<IsTruncated>true</IsTruncated>" UPLOAD("p/blobs/old", "u1", "2020-01-01T00:00:00.000Z")
		UPLOAD("p/not ours", "u2", "2020-01-01T00:00:00.000Z") UPLOAD("p/blobs/m", "u3", "2999-01-01T00:00:00Z")
		"</ListMultipartUploadsResult>";
	static const char second[] =
		"<ListMultipartUploadsResult>" UPLOAD("q/blobs/old", "u4", "2020-01-01T00:00:00.000Z")
		UPLOAD("p/blobs/older", "u5", "2019-01-01T00:00:00Z") UPLOAD("p/blobs/odd", "u6", "yesterday")
		/* Their own, in the same place. */
		UPLOAD("p/backups/x.tar", "u7", "2020-01-01T00:00:00Z") UPLOAD("p/blobs", "u8", "2020-01-01T00:00:00Z")
		UPLOAD("p/blobs.tar", "u9", "2020-01-01T00:00:00Z")
		"</ListMultipartUploadsResult>";
	served(s, { .body = first }, { .body = second }, { .code = 204 }, { .code = 403 }, { .code = 404 }, CREATED,
	       PART_ANSWER, PART_ANSWER, COMPLETED);
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_contains(s.log.data, "&key-marker=p%2Fblobs%2Fm&prefix=p%2F&upload-id-marker=u3&uploads= HTTP");
	assert_contains(s.log.data, "DELETE /bucket/p/blobs/old?uploadId=u1 HTTP");
	assert_contains(s.log.data, "DELETE /bucket/p/blobs/older?uploadId=u5 HTTP");
	assert_int_equal(count_of(s.log.data, "DELETE "), 2);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

/* Some leave out the second half of where they go on; and some go on nowhere. */
static void uploads_that_are_listed_again_are_enough(void **state)
{
	(void)state;
	server s;
	object o;
	make_object(&o, 7, PART + 1);
	const step page = { .body = "<ListMultipartUploadsResult><NextKeyMarker>p/blobs/m</NextKeyMarker>"
				    "<IsTruncated>true</IsTruncated></ListMultipartUploadsResult>" };
	served(s, page, page, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, COMPLETED);
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_int_equal(s.asked, 1 + 7);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

static void uploads_that_are_listed_in_a_circle_are_enough(void **state)
{
	(void)state;
	server s;
	object o;
	make_object(&o, 7, PART + 1);
	const step a = { .body = "<ListMultipartUploadsResult><NextKeyMarker>p/blobs/m</NextKeyMarker>"
				 "<NextUploadIdMarker>a</NextUploadIdMarker><IsTruncated>true</IsTruncated>"
				 "</ListMultipartUploadsResult>" };
	const step b = { .body = "<ListMultipartUploadsResult><NextKeyMarker>p/blobs/m</NextKeyMarker>"
				 "<NextUploadIdMarker>b</NextUploadIdMarker><IsTruncated>true</IsTruncated>"
				 "</ListMultipartUploadsResult>" };
	served(s, a, b, a, b, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, COMPLETED);
	pnr_remote *remote = open_at(&s, "");
	assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, NULL, err));
	assert_int_equal(s.asked, 1 + 9);
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

/* A body that counts what is told to be sent of it. */
typedef struct counted {
	memory own;
	uint64_t sent, when_hashed;
	bool hashed;
} counted;

static pnr_status read_counted(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	counted *c = context;
	if (offset + length == PART && !c->hashed) {
		c->hashed = true;
		c->when_hashed = c->sent;
	}
	return read_memory(&c->own, offset, buffer, length, err);
}

static pnr_status note_sent(void *context, uint64_t length, pnr_error *err)
{
	counted *c = context;
	(void)err;
	c->sent += length;
	return PNR_OK;
}

/* Nothing of it when it is hashed, and each byte once however often it is sent. */
static void what_is_sent_is_told_once(void **state)
{
	(void)state;
	const step parts[] = { FORMAT_ANSWER, NO_UPLOADS, { .code = 404 }, CREATED, { .code = 500 }, { .code = 503 },
		               PART_ANSWER, PART_ANSWER, { .code = 400, .body = "<Error><Code>InvalidPart</Code></Error>" },
		               CREATED, PART_ANSWER, PART_ANSWER, COMPLETED };
	const step one[] = { FORMAT_ANSWER, { .code = 500 }, { .drop = true }, { .code = 200 } };
	for (unsigned i = 0; i < 2; i++) {
		server s;
		object o;
		make_object(&o, 7 + i, i == 0 ? PART + 1 : 1000);
		counted c = { .own = o.body };
		pnr_remote_upload u = upload_of(&o, PNR_REMOTE_IF_ABSENT);
		u.body = (pnr_remote_body){ .read = read_counted, .sent = note_sent, .context = &c };
		if (i == 0)
			server_start(&s, parts, PNR_COUNT(parts));
		else
			server_start(&s, one, PNR_COUNT(one));
		pnr_remote *remote = open_at(&s, "");
		assert_ok(pnr_remote_put(remote, &u, 1, err));
		assert_int_equal(u.outcome, PNR_REMOTE_PUT);
		assert_true(c.hashed == (i == 0));
		assert_int_equal(c.when_hashed, 0);
		assert_int_equal(c.sent, u.size);
		assert_int_equal(s.asked, i == 0 ? PNR_COUNT(parts) : PNR_COUNT(one));
		pnr_remote_close(remote);
		server_stop(&s);
		free(o.body.data);
	}
}

/* A body, and how often the one before it was closed when it was read first. */
typedef struct follower {
	const memory *before;
	memory own;
	unsigned closed;
} follower;

static pnr_status read_follower(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	follower *f = context;
	if (f->own.reads == 0)
		f->closed = f->before->closes;
	return read_memory(&f->own, offset, buffer, length, err);
}

static void a_large_body_is_closed_when_its_object_ends(void **state)
{
	(void)state;
	server s;
	object large, small;
	const pnr_http_options options = { .connections = 1 };
	make_object(&large, 7, PART + 1);
	make_object(&small, 8, 10);
	follower f = { .before = &large.body, .own = small.body };
	pnr_remote_upload u[] = { upload_of(&large, PNR_REMOTE_IF_ABSENT), upload_of(&small, PNR_REMOTE_IF_ABSENT) };
	u[1].body = (pnr_remote_body){ .read = read_follower, .context = &f };
	served(s, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER, PART_ANSWER, COMPLETED, PART_ANSWER);
	pnr_remote *remote = open_at(&s, "");
	pnr_http_free(PNR_STEAL(pnr_bucket__of(remote)->http));
	assert_ok(pnr_http_new(&options, &pnr_bucket__of(remote)->http, err));
	assert_ok(pnr_remote_put(remote, u, 2, err));
	assert_int_equal(u[1].outcome, PNR_REMOTE_PUT);
	assert_int_equal(f.closed, 1);
	assert_int_equal(large.body.closes, 1);
	pnr_remote_close(remote);
	server_stop(&s);
	free(large.body.data);
	free(small.body.data);
}

/* A body, and how much of a large one was read when it was read first. */
typedef struct meanwhile {
	const memory *large;
	memory own;
	uint64_t read;
} meanwhile;

static pnr_status read_meanwhile(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	meanwhile *m = context;
	if (m->own.reads == 0)
		m->read = m->large->bytes;
	return read_memory(&m->own, offset, buffer, length, err);
}

/* All of them are read for their hash, which takes its time. */
static void parts_that_are_there_hold_up_nothing(void **state)
{
	(void)state;
	server s;
	object large, small[2];
	begun b;
	const pnr_http_options options = { .connections = 1 };
	make_object(&large, 7, 3 * PART + 1);
	make_object(&small[0], 8, 10);
	make_object(&small[1], 9, 10);
	begun_of(&b, &large, 3);
	meanwhile m[] = { { .large = &large.body, .own = small[0].body }, { .large = &large.body, .own = small[1].body } };
	pnr_remote_upload u[] = { upload_of(&large, PNR_REMOTE_IF_ABSENT), upload_of(&small[0], PNR_REMOTE_IF_ABSENT),
		                  upload_of(&small[1], PNR_REMOTE_IF_ABSENT) };
	for (unsigned i = 0; i < 2; i++)
		u[1 + i].body = (pnr_remote_body){ .read = read_meanwhile, .context = &m[i] };
	served(s, { .body = b.uploads }, { .code = 404 }, { .body = b.parts }, { .body = "<ListPartsResult/>" }, PART_ANSWER,
	       PART_ANSWER, PART_ANSWER, COMPLETED);
	pnr_remote *remote = open_at(&s, "");
	pnr_http_free(PNR_STEAL(pnr_bucket__of(remote)->http));
	assert_ok(pnr_http_new(&options, &pnr_bucket__of(remote)->http, err));
	assert_ok(pnr_remote_put(remote, u, 3, err));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(u[i].outcome, PNR_REMOTE_PUT);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(m[i].read, (1 + i) * PART);
	assert_int_equal(count_of(s.log.data, "?partNumber="), 1);
	assert_int_equal(s.asked, 1 + 8);
	pnr_remote_close(remote);
	server_stop(&s);
	free(large.body.data);
	free(small[0].body.data);
	free(small[1].body.data);
}

static void what_changes_between_two_reads_is_never_completed(void **state)
{
	(void)state;
	server s;
	object o;
	served(s, NO_UPLOADS, { .code = 404 }, CREATED, PART_ANSWER);
	make_object(&o, 7, PART + 1);
	pnr_remote_upload u = upload_of(&o, PNR_REMOTE_IF_ABSENT);
	o.body.data[0] ^= 1;
	pnr_remote *remote = open_at(&s, "");
	assert_fails(pnr_remote_put(remote, &u, 1, err), PNR_CORRUPT, "its bytes here are not those of hash");
	assert_false(pnr_remote_at_fault(remote));
	assert_int_equal(u.outcome, PNR_REMOTE_PENDING);
	assert_null(strstr(s.log.data, "Complete"));
	pnr_remote_close(remote);
	server_stop(&s);
	free(o.body.data);
}

/* ------------------------------------------------------------- at Ceph's -- */

#define PARTS 5u

/* The answer's text to a request of the bucket or of @key, with these arguments. Free it. */
static char *ask_server(pnr_remote *remote, const char *key, const char *name, const char *value)
{
	pnr_bucket_call *call = pnr_bucket__begin(pnr_bucket__of(remote), "GET", key);
	pnr_bucket__query(call, name, value);
	assert_ok(pnr_bucket__run_one(call, err));
	assert_int_equal(call->http.code, 200);
	char *text = strdup(call->http.text.data);
	pnr_bucket__end(call);
	return text;
}

/* How many parts of @key are there, in the one upload that was begun. */
static unsigned parts_there(pnr_remote *remote, const char *key)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer id = PNR_BUFFER_INIT;
	char name[PNR_BUCKET_PATH_SIZE + 8];
	(void)snprintf(name, sizeof name, "<Key>%s%s<", pnr_bucket__of(remote)->prefix, key);
	char *uploads = ask_server(remote, NULL, "uploads", ""), *at = strstr(uploads, name);
	assert_non_null(at);
	at = strstr(at, "<UploadId>") + strlen("<UploadId>");
	pnr_buffer_append(&id, at, strcspn(at, "<"));
	char *parts = ask_server(remote, key, "uploadId", id.data);
	unsigned count = count_of(parts, "<PartNumber>");
	free(uploads);
	free(parts);
	return count;
}

static void who_is_killed_sends_no_part_again(void **state)
{
	(void)state;
	object o;
	unsigned resumed = 0;
	const uint64_t size = PARTS * PART - 5;
	/* Until a part was taken before: that is up to the server. */
	for (unsigned k = 0; k < 4 || (resumed == 0 && k < 40); k++) {
		int how = 0;
		make_object(&o, 20 + k, size);
		pid_t child = fork();
		if (child == 0) {
			pnr_remote_upload u = upload_of(&o, PNR_REMOTE_IF_ABSENT);
			u.body.read = read_and_die;
			o.body.fail_at = 2 * size - k % 4 * PART / 2 - 1;
			_exit(pnr_remote_put(open_place("killed"), &u, 1, NULL) == PNR_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &how, 0), child);
		assert_true(WIFSIGNALED(how));
		pnr_remote *remote = open_place("killed");
		assert_false(is_there(remote, o.key));
		unsigned there = parts_there(remote, o.key);
		resumed += there;
		pnr_remote_outcome outcome;
		assert_ok(put_one(remote, &o, PNR_REMOTE_IF_ABSENT, &outcome, err));
		assert_int_equal(outcome, PNR_REMOTE_PUT);
		/* All is read for its hash, and what was not there (some of which may have come meanwhile) once more. */
		assert_true(o.body.bytes - size <= (PARTS - there) * PART);
		assert_object(remote, &o);
		pnr_remote_close(remote);
		free(o.body.data);
	}
	assert_true(resumed > 0);
}

static void parts_with_other_bytes_are_sent_again(void **state)
{
	(void)state;
	object o, other;
	make_object(&o, 30, 2 * PART);
	make_object(&other, 31, 2 * PART);
	memcpy(other.key, o.key, sizeof other.key);
	int how = 0;
	pid_t child = fork();
	if (child == 0) {
		pnr_remote_upload u = upload_of(&other, PNR_REMOTE_IF_ABSENT);
		u.body.read = read_and_die;
		other.body.fail_at = 4 * PART - 1;
		_exit(pnr_remote_put(open_place("other"), &u, 1, NULL) == PNR_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFSIGNALED(how));
	pnr_remote *remote = open_place("other");
	assert_ok(put_one(remote, &o, PNR_REMOTE_REPLACE, NULL, err));
	assert_object(remote, &o);
	pnr_remote_close(remote);
	free(o.body.data);
	free(other.body.data);
}

static void keys_of_another_are_refused(void **state)
{
	(void)state;
	const char *url = getenv("PANNIER_TEST_REMOTE"), *at = strchr(url, '@');
	char text[512];
	pnr_remote *remote = NULL;
	pnr_error told = PNR_ERROR_INIT;
	(void)snprintf(text, sizeof text, "%.*sx%s", (int)(at - url), url, at + 1);
	char *secret = strdup(getenv("AWS_SECRET_ACCESS_KEY"));
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", "wrong+secret/of+nobody", 1), 0);
	assert_int_equal(pnr_remote_open(text, NULL, &remote, &told), PNR_DENIED);
	assert_contains(told.message, "403: SignatureDoesNotMatch; the secret is not that of these credentials");
	assert_null(strstr(told.message, "nobody"));
	assert_int_equal(setenv("AWS_SECRET_ACCESS_KEY", secret, 1), 0);
	free(secret);
}

int main(void)
{
	const struct CMUnitTest scripted[] = {
		cmocka_unit_test(what_is_refused_is_told_with_what_to_do),
		cmocka_unit_test(a_bucket_that_is_not_there_is_not_made),
		cmocka_unit_test(what_is_no_s3_server_is_told),
		cmocka_unit_test(what_is_got_is_not_read_for_errors),
		cmocka_unit_test(without_conditional_put_it_is_looked_first),
		cmocka_unit_test(an_answer_without_an_etag_is_no_success),
		cmocka_unit_test(without_conditional_put_refs_are_still_compared),
		cmocka_unit_test(a_server_that_wants_etags_bare_gets_them_so),
		cmocka_unit_test(an_answer_that_was_lost_is_asked_for_again),
		cmocka_unit_test(a_server_that_lists_in_no_order_is_asked_one_by_one),
		cmocka_unit_test(keys_are_taken_as_they_are_listed),
		cmocka_unit_test(a_listing_that_does_not_go_on_is_a_failure),
		cmocka_unit_test(a_listing_that_goes_round_is_a_failure),
		cmocka_unit_test(a_listing_of_many_pages_is_whole),
		cmocka_unit_test(buckets_are_named_where_servers_look_for_them),
		cmocka_unit_test(parts_are_completed_once_whatever_is_answered),
		cmocka_unit_test(who_loses_the_upload_again_is_told_so),
		cmocka_unit_test(parts_of_an_upload_that_is_gone_are_sent_again),
		cmocka_unit_test(uploads_of_ours_that_were_given_up_are_removed),
		cmocka_unit_test(uploads_that_are_listed_again_are_enough),
		cmocka_unit_test(uploads_that_are_listed_in_a_circle_are_enough),
		cmocka_unit_test(what_is_sent_is_told_once),
		cmocka_unit_test(a_large_body_is_closed_when_its_object_ends),
		cmocka_unit_test(parts_that_are_there_hold_up_nothing),
		cmocka_unit_test(what_changes_between_two_reads_is_never_completed),
	};
	const struct CMUnitTest real[] = {
		cmocka_unit_test(who_is_killed_sends_no_part_again),
		cmocka_unit_test(parts_with_other_bytes_are_sent_again),
		cmocka_unit_test(keys_of_another_are_refused),
	};
	first_process = getpid();
	return getenv("PANNIER_TEST_REMOTE") == NULL ? cmocka_run_group_tests(scripted, keys_setup, NULL)
	                                             : cmocka_run_group_tests(real, NULL, NULL);
}
