/* Receiving what others have compressed: kept byte for byte, or not at all. */
#include "fixture.h"
#include <errno.h>
#include <zlib.h>

#define MIB ((size_t)1 << 20)

/* Content, and its body as somebody else would make it. */
typedef struct parcel {
	char *content, *body;
	size_t size, body_size;
	bool deflated;
	pnr_digest hash;
} parcel;

static parcel make(size_t size, bool deflated, int level)
{
	parcel p = { .content = malloc(size + 1), .size = size, .deflated = deflated };
	unsigned seed = (unsigned)size + 7;
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245u + 12345u;
		p.content[i] = (char)('a' + (seed >> 24) % 8);
	}
	assert_int_equal(pnr_hash_memory(p.content, size, &p.hash, NULL, NULL), PNR_OK);
	size_t room = size + size / 100 + 1000;
	p.body = malloc(room);
	if (!deflated) {
		memcpy(p.body, p.content, size);
		p.body_size = size;
		return p;
	}
	z_stream z = { .next_in = (Bytef *)p.content, .avail_in = (uInt)size, .next_out = (Bytef *)p.body,
		       .avail_out = (uInt)room };
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	p.body_size = z.total_out;
	assert_int_equal(deflateEnd(&z), Z_OK);
	return p;
}

static void drop(parcel *p)
{
	free(p->content);
	free(p->body);
}

static pnr_status receive(fixture *f, const parcel *p, size_t given, pnr_ingested *out, pnr_error *err)
{
	const pnr_ingest_options options = { .level = 6 };
	pnr_memory_range range = { p->body, given };
	const pnr_received what = {
		.hash = p->hash, .size = p->size, .deflated = p->deflated, .body_size = p->body_size,
		.body = pnr_memory_source(&range), .name = "sent",
	};
	pnr_ingest *ingest = NULL;
	pnr_status status = pnr_ingest_new(f->store, &options, &ingest, err);
	if (status == PNR_OK)
		status = pnr_ingest_add_body(ingest, &what, out, err);
	if (status == PNR_OK)
		status = pnr_ingest_settle(ingest, err);
	if (status == PNR_OK)
		status = pnr_store_transaction(f->store, rows, ingest, err);
	pnr_ingest_free(ingest);
	return status;
}

static void assert_kept(fixture *f, const parcel *p, const pnr_ingested *item)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &content, p->size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_body *body = NULL;
	assert_int_equal(pnr_store_read_blob(f->store, &item->blob, &sink, NULL), PNR_OK);
	assert_int_equal(content.length, p->size);
	assert_true(p->size == 0 || memcmp(content.data, p->content, p->size) == 0);
	assert_int_equal(pnr_body_open(f->store, &item->blob, item->encoding_id, &body, NULL), PNR_OK);
	assert_int_equal(pnr_body_deflated(body), p->deflated);
	assert_int_equal(pnr_body_size(body), p->body_size);
	char *again = malloc(p->body_size + 1);
	size_t got = 0;
	const pnr_source source = pnr_body_source(body);
	assert_int_equal(pnr_source_fill(&source, again, p->body_size + 1, &got, NULL), PNR_OK);
	assert_int_equal(got, p->body_size);
	assert_memory_equal(again, p->body, got);
	free(again);
	pnr_body_close(body);
}

static const size_t sizes[] = { 0, 1, 100, 16 << 10, (16 << 10) + 1, 50000, MIB - 1, MIB, MIB + 1, 3 * MIB + 17 };

static void what_is_received_is_kept_byte_for_byte(void **state)
{
	fixture *f = *state;
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		for (int deflated = 0; deflated < 2; deflated++) {
			pnr_ingested item = { .encoding_id = 0 }, again = { .encoding_id = 0 };
			pnr_error err = PNR_ERROR_INIT;
			parcel p = make(sizes[i], deflated != 0, 9);
			if (receive(f, &p, p.body_size, &item, &err) != PNR_OK)
				fail_msg("%zu bytes: %s", sizes[i], err.message);
			assert_kept(f, &p, &item);
			/* The same once more is the same. */
			assert_int_equal(receive(f, &p, p.body_size, &again, NULL), PNR_OK);
			assert_int_equal(again.blob.id, item.blob.id);
			assert_int_equal(again.encoding_id, item.encoding_id);
			drop(&p);
		}
}

static void other_bytes_of_the_same_content_are_another_encoding(void **state)
{
	fixture *f = *state;
	static const int levels[] = { 1, 4, 9 };
	pnr_ingested items[3] = { 0 };
	for (size_t i = 0; i < 3; i++) {
		parcel p = make(2 * MIB, true, levels[i]);
		assert_int_equal(receive(f, &p, p.body_size, &items[i], NULL), PNR_OK);
		drop(&p);
	}
	for (size_t i = 0; i < 3; i++) {
		parcel p = make(2 * MIB, true, levels[i]);
		assert_kept(f, &p, &items[i]);
		assert_int_equal(items[i].blob.id, items[0].blob.id);
		drop(&p);
	}
	assert_int_not_equal(items[0].encoding_id, items[1].encoding_id);
	assert_int_not_equal(items[1].encoding_id, items[2].encoding_id);
}

static void assert_refused(fixture *f, const parcel *p, size_t given, const char *what)
{
	pnr_ingested item = { .encoding_id = 0 };
	pnr_blob_row blob;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = receive(f, p, given, &item, &err);
	if (status != PNR_CORRUPT || strncmp(err.message, "'sent': ", 8) != 0)
		fail_msg("%s, %zu bytes, deflated %d: %s: %s", what, p->size, p->deflated, pnr_status_name(status), err.message);
	assert_int_equal(pnr_index_blob_find(pnr_store_index(f->store), &p->hash, &blob, NULL), PNR_NOT_FOUND);
}

static void what_is_not_what_was_promised_is_not_kept(void **state)
{
	fixture *f = *state;
	for (size_t i = 1; i < PNR_COUNT(sizes); i++)
		for (int deflated = 0; deflated < 2; deflated++) {
			parcel p = make(sizes[i], deflated != 0, 9), q;
			assert_refused(f, &p, p.body_size - 1, "cut short");
			q = p;
			q.body_size--;
			assert_refused(f, &q, p.body_size, "longer than announced");
			q = p;
			q.size++;
			assert_refused(f, &q, p.body_size, "content shorter than promised");
			q = p;
			q.size--;
			assert_refused(f, &q, p.body_size, "content longer than promised");
			q = p;
			q.hash.bytes[31] ^= 1;
			assert_refused(f, &q, p.body_size, "another hash");
			p.body[p.body_size / 2] ^= 4;
			assert_refused(f, &p, p.body_size, "a bit flipped");
			drop(&p);
		}
}

static unsigned calls, failing;

static int fail_one(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return ++calls == failing ? ENOSPC : 0;
}

static void every_call_may_fail(void **state)
{
	fixture *f = *state;
	static const size_t some[] = { 1000, 2 * MIB };
	for (size_t i = 0; i < PNR_COUNT(some); i++) {
		parcel p = make(some[i], true, 9);
		for (failing = 1;; failing++) {
			pnr_ingested item = { .encoding_id = 0 };
			pnr_blob_row blob;
			pnr_error err = PNR_ERROR_INIT;
			calls = 0;
			pnr_file_gate_hook = fail_one;
			pnr_status status = receive(f, &p, p.body_size, &item, &err);
			pnr_file_gate_hook = NULL;
			if (calls < failing || status == PNR_OK) {
				assert_int_equal(status, PNR_OK);
				assert_kept(f, &p, &item);
				if (calls < failing)
					break;
				fail_msg("call %u failed and nobody noticed", failing);
			}
			assert_int_equal(err.status, status);
			assert_int_equal(pnr_index_blob_find(pnr_store_index(f->store), &p.hash, &blob, NULL), PNR_NOT_FOUND);
		}
		assert_true(failing > 5);
		drop(&p);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* A body may be as long as the worst encoder makes it. One that blocks of nothing make longer is not kept. */
static void a_padded_body_is_refused(void **state)
{
	static const char nothing[] = { 0, 0, 0, (char)0xff, (char)0xff };
	fixture *f = *state;
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		parcel p = make(sizes[i], true, 9);
		size_t longest = (size_t)pnr_deflated_longest(p.size), blocks = (longest - p.body_size) / sizeof nothing;
		char *padded = malloc(longest + sizeof nothing);
		pnr_ingested item;
		pnr_error err = PNR_ERROR_INIT;
		for (size_t block = 0; block <= blocks; block++)
			memcpy(padded + block * sizeof nothing, nothing, sizeof nothing);
		memcpy(padded + (blocks + 1) * sizeof nothing, p.body, p.body_size);
		p.body_size += (blocks + 1) * sizeof nothing;
		free(p.body);
		p.body = padded;
		assert_int_equal(receive(f, &p, p.body_size, &item, &err), PNR_CORRUPT);
		assert_non_null(strstr(err.message, "is padded"));
		p.body += sizeof nothing;
		p.body_size -= sizeof nothing;
		assert_int_equal(receive(f, &p, p.body_size, &item, NULL), PNR_OK);
		assert_kept(f, &p, &item);
		p.body = padded;
		drop(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_received_is_kept_byte_for_byte),
		T(other_bytes_of_the_same_content_are_another_encoding),
		T(what_is_not_what_was_promised_is_not_kept),
		T(a_padded_body_is_refused),
		T(every_call_may_fail),
	};
	return cmocka_run_group_tests_name("store/receive", tests, NULL, NULL);
}
