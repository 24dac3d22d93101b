/* Fetching: what is needed and no more, from objects of anyone, and nothing of what is not right. */
#include "../remote/support.h"
#include "codec/form.h"
#include "codec/patch.h"
#include "sync/fetch.h"
#include <errno.h>
#include <zlib.h>

#include "../remote/flaky.h"

#define CONTENTS 6u

/* Six contents, as they are on the remote: wholes of three kinds, and patches on them. */
typedef struct world {
	const scratch *s;
	char *content[CONTENTS];
	size_t size[CONTENTS];
	pnr_digest hash[CONTENTS];
	pnr_object_row rows[CONTENTS]; /* by number, not by hash */
	pnr_package_object package;
	pnr_remote *remote;
	pnr_store *store;
} world;

static void fill_text(char *data, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (char)('a' + next_random(&seed) % 16);
}

/* Every option that RFC 1952 has. */
static void gzip_head(pnr_buffer *out, bool odd)
{
	static const uint8_t plain[] = { 0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 2, 3 };
	static const uint8_t full[] = { 0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 2, 3, 3, 0, 'x', 'y', 'z' };
	if (!odd) {
		pnr_buffer_append(out, plain, sizeof plain);
		return;
	}
	pnr_buffer_append(out, full, sizeof full);
	pnr_buffer_append(out, "name", 5);
	pnr_buffer_append(out, "comment", 8);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)out->data, (uInt)out->length);
	pnr_buffer_putc(out, (char)(crc & 255));
	pnr_buffer_putc(out, (char)(crc >> 8 & 255));
}

static void gzip(const char *data, size_t length, bool odd, pnr_buffer *out)
{
	uLong room = compressBound((uLong)length) + 64;
	char *body = malloc(room);
	uint8_t tail[PNR_GZIP_TAIL];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)length, .next_out = (Bytef *)body,
		       .avail_out = (uInt)room };
	gzip_head(out, odd);
	assert_int_equal(deflateInit2(&z, 4, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	pnr_buffer_append(out, body, z.total_out);
	assert_int_equal(deflateEnd(&z), Z_OK);
	free(body);
	pnr_gzip_tail(tail, (uint32_t)crc32(0, (const Bytef *)data, (uInt)length), length);
	pnr_buffer_append(out, tail, sizeof tail);
}

static void put(const world *w, const char *key, const void *data, size_t length)
{
	object o = { .body = { .data = (char *)(uintptr_t)data, .length = length } };
	pnr_remote_upload u = upload_of(&o, PNR_REMOTE_REPLACE);
	u.key = key;
	assert_ok(pnr_remote_put(w->remote, &u, 1, err));
}

static void encode(const world *w, unsigned number, pnr_buffer *out)
{
	const pnr_object_row *row = &w->rows[number];
	unsigned base = number - 1;
	uint64_t size = 0;
	if (row->form == PNR_OBJECT_STORED) {
		pnr_buffer_append(out, w->content[number], w->size[number]);
	} else if (row->form == PNR_OBJECT_GZIP) {
		gzip(w->content[number], w->size[number], number == 1, out);
	} else {
		const pnr_patch patch = { w->content[base], w->size[base], row->size, row->hash };
		pnr_memory_range range = { w->content[number], w->size[number] };
		const pnr_source source = pnr_memory_source(&range);
		pnr_buffer_end end = { out, SIZE_MAX };
		const pnr_sink sink = pnr_buffer_end_sink(&end);
		assert_ok(pnr_patch_make(&patch, &source, row->size, 1, &sink, NULL, "a", &size, err));
		assert_true(size > 0);
	}
}

static void put_object(const world *w, unsigned number)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer bytes = PNR_BUFFER_INIT;
	char key[PNR_KEY_SIZE];
	encode(w, number, &bytes);
	put(w, pnr_key_of_object(&w->rows[number], key), bytes.data, bytes.length);
}

static void open_store(world *w, const char *name)
{
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	char dir[PATH_MAX + 32];
	pnr_store_close(w->store);
	(void)snprintf(dir, sizeof dir, "%s/%s", w->s->path, name);
	assert_ok(pnr_store_open(dir, &options, &w->store, NULL, err));
}

static int by_hash(const void *a, const void *b)
{
	return memcmp(&((const pnr_object_row *)a)->hash, &((const pnr_object_row *)b)->hash, sizeof(pnr_digest));
}

/* Assets: 0, 1, 3 and 5. 2 is the base of 3, which is that of 4, which is that of 5. */
static void make_manifest(pnr_buffer *out, const world *w)
{
	static const unsigned assets[] = { 0, 1, 3, 5 };
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_buffer_puts(out, "{\"version\":\"1.0\",\"createdAt\":\"2026-01-24T12:34:56.789Z\",\"assets\":[");
	for (size_t i = 0; i < PNR_COUNT(assets); i++)
		pnr_buffer_printf(out, "%s{\"relativePath\":\"%u\",\"hash\":\"%s\",\"size\":%zu,\"type\":\"model\"}",
		                  i > 0 ? "," : "", assets[i], pnr_digest_to_hex(&w->hash[assets[i]], hex),
		                  w->size[assets[i]]);
	pnr_buffer_puts(out, "],\"config\":{}}");
}

static world *make_world(void **state)
{
	static const struct {
		size_t size;
		pnr_object_form form;
		unsigned depth;
	} as[CONTENTS] = {
		{ 2000, PNR_OBJECT_STORED, 0 },    { 50000, PNR_OBJECT_GZIP, 0 },
		{ 5 << 18, PNR_OBJECT_GZIP, 0 },   { (5 << 18) + 5, PNR_OBJECT_PATCH, 1 },
		{ 900000, PNR_OBJECT_PATCH, 2 },   { 900001, PNR_OBJECT_PATCH, 3 },
	};
	world *w = calloc(1, sizeof *w);
	char dir[PATH_MAX + 32];
	w->s = *state;
	(void)snprintf(dir, sizeof dir, "%s/remote", w->s->path);
	const pnr_remote_options options = { .create = true };
	assert_ok(pnr_remote_open(dir, &options, &w->remote, err));
	for (unsigned i = 0; i < CONTENTS; i++) {
		w->size[i] = as[i].size;
		w->content[i] = malloc(as[i].size);
		fill_text(w->content[i], as[i].size, as[i].depth == 0 ? i : 2);
		if (as[i].depth > 0)
			memset(w->content[i] + 1000 * i, 'A', 100);
		assert_ok(pnr_hash_memory(w->content[i], w->size[i], &w->hash[i], NULL, err));
		w->rows[i] = (pnr_object_row){ .hash = w->hash[i], .size = as[i].size, .form = as[i].form,
			                       .depth = as[i].depth };
		if (as[i].depth > 0)
			w->rows[i].base = w->hash[i - 1];
		put_object(w, i);
	}
	w->package.objects = malloc(sizeof w->rows);
	memcpy(w->package.objects, w->rows, sizeof w->rows);
	qsort(w->package.objects, CONTENTS, sizeof *w->rows, by_hash);
	w->package.object_count = CONTENTS;
	make_manifest(&w->package.manifest, w);
	open_store(w, "store");
	return w;
}

static void free_world(world *w)
{
	for (unsigned i = 0; i < CONTENTS; i++)
		free(w->content[i]);
	pnr_package_object_free(&w->package);
	pnr_store_close(w->store);
	pnr_remote_close(w->remote);
	free(w);
}

static pnr_status fetch(world *w, pnr_fetched *out, pnr_error *err)
{
	int64_t encodings[CONTENTS] = { 0 };
	return pnr_fetch(w->store, w->remote, &w->package, 6, NULL, encodings, out, err);
}

static bool has(const world *w, unsigned number)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	pnr_blob_row blob;
	if (pnr_index_blob_find(pnr_store_index(w->store), &w->hash[number], &blob, NULL) != PNR_OK)
		return false;
	pnr_buffer_end end = { &content, w->size[number] };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	assert_ok(pnr_store_read_blob(w->store, &blob, &sink, err));
	assert_int_equal(content.length, w->size[number]);
	assert_memory_equal(content.data, w->content[number], content.length);
	return true;
}

static void all_comes_and_only_once(void **state)
{
	world *w = make_world(state);
	pnr_fetched fetched;
	assert_ok(fetch(w, &fetched, err));
	for (unsigned i = 0; i < CONTENTS; i++)
		assert_true(has(w, i));
	assert_int_equal(fetched.needed, 4);
	assert_int_equal(fetched.whole, 3);
	assert_int_equal(fetched.patched, 3);
	assert_true(fetched.bytes > 500000 && fetched.bytes < 5 << 18);
	assert_ok(fetch(w, &fetched, err));
	assert_int_equal(fetched.needed, 4);
	assert_int_equal(fetched.whole + fetched.patched + fetched.bytes, 0);
	free_world(w);
}

static pnr_status rows_of(void *user, pnr_error *err)
{
	return pnr_ingest_rows(user, err);
}

/* Content that came here some other way. */
static void know(const world *w, unsigned number)
{
	const pnr_ingest_options options = { .level = 1 };
	pnr_ingest *ingest = NULL;
	pnr_ingested item;
	assert_ok(pnr_ingest_new(w->store, &options, &ingest, err));
	assert_ok(pnr_ingest_add_text(ingest, w->content[number], w->size[number], "a", &item, err));
	assert_ok(pnr_ingest_settle(ingest, err));
	assert_ok(pnr_store_transaction(w->store, rows_of, ingest, err));
	pnr_ingest_free(ingest);
}

static void a_base_that_is_here_is_not_fetched(void **state)
{
	world *w = make_world(state);
	pnr_fetched fetched;
	know(w, 3);
	know(w, 0);
	assert_ok(fetch(w, &fetched, err));
	assert_int_equal(fetched.whole, 1);
	assert_int_equal(fetched.patched, 2);
	assert_false(has(w, 2));
	assert_true(has(w, 5));
	free_world(w);
}

typedef void (*spoil_fn)(pnr_buffer *bytes);

static void cut(pnr_buffer *bytes)
{
	bytes->length -= 1;
}

static void halve(pnr_buffer *bytes)
{
	bytes->length /= 2;
}

static void empty(pnr_buffer *bytes)
{
	bytes->length = 0;
}

static void flip(pnr_buffer *bytes)
{
	bytes->data[bytes->length / 2] ^= 16;
}

static void flip_first(pnr_buffer *bytes)
{
	bytes->data[0] ^= 1;
}

static void append(pnr_buffer *bytes)
{
	pnr_buffer_putc(bytes, 'x');
}

static void twice(pnr_buffer *bytes)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer copy = PNR_BUFFER_INIT;
	pnr_buffer_append(&copy, bytes->data, bytes->length);
	pnr_buffer_append(bytes, copy.data, copy.length);
}

static void lengthen(pnr_buffer *bytes)
{
	for (unsigned i = 0; i < 4 << 20; i++)
		pnr_buffer_putc(bytes, '\0');
}

/* CRC-32 and length at the end of a gzip file. */
static void flip_crc(pnr_buffer *bytes)
{
	bytes->data[bytes->length - 8] ^= 1;
}

static void flip_size(pnr_buffer *bytes)
{
	bytes->data[bytes->length - 4] ^= 1;
}

static void reserved_flag(pnr_buffer *bytes)
{
	bytes->data[3] |= 32;
}

static void other_method(pnr_buffer *bytes)
{
	bytes->data[2] = 7;
}

static void flip_comment(pnr_buffer *bytes)
{
	bytes->data[22] ^= 1;
}

/* Blocks of nothing behind the head. */
static void pad(pnr_buffer *bytes)
{
	static const char nothing[] = { 0, 0, 0, (char)0xff, (char)0xff };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer padded = PNR_BUFFER_INIT;
	size_t head = 0;
	assert_ok(pnr_gzip_read_head((const uint8_t *)bytes->data, bytes->length, &head, err));
	pnr_buffer_append(&padded, bytes->data, head);
	for (unsigned i = 0; i < 12000; i++)
		pnr_buffer_append(&padded, nothing, sizeof nothing);
	pnr_buffer_append(&padded, bytes->data + head, bytes->length - head);
	pnr_buffer_clear(bytes);
	pnr_buffer_append(bytes, padded.data, padded.length);
}

/* Refused by its name; what is not on it stays there, and with the right object all is well. */
static void refuse(world *w, unsigned number, spoil_fn spoil, const char *what)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer bytes = PNR_BUFFER_INIT;
	char key[PNR_KEY_SIZE];
	pnr_fetched fetched;
	pnr_error own = PNR_ERROR_INIT;
	pnr_key_of_object(&w->rows[number], key);
	open_store(w, "store");
	encode(w, number, &bytes);
	spoil(&bytes);
	put(w, key, bytes.data, bytes.length);
	pnr_status status = fetch(w, &fetched, &own);
	if (status != PNR_CORRUPT || strstr(own.message, key) == NULL || strncmp(own.message, "remote '", 8) != 0)
		fail_msg("%u, %s: %s: %s", number, what, pnr_status_name(status), own.message);
	assert_false(has(w, number));
	put_object(w, number);
	assert_ok(fetch(w, &fetched, err));
	for (unsigned i = 0; i < CONTENTS; i++)
		assert_true(has(w, i));
	assert_ok(pnr_file_remove_tree(w->s->fd, "store", err));
}

#define REFUSE(number, spoil) refuse(w, number, spoil, #spoil)

static void what_is_not_right_is_refused_by_its_name(void **state)
{
	world *w = make_world(state);
	for (unsigned number = 0; number < CONTENTS; number++) {
		REFUSE(number, cut);
		REFUSE(number, halve);
		REFUSE(number, empty);
		REFUSE(number, flip);
		REFUSE(number, flip_first);
		REFUSE(number, append);
		REFUSE(number, twice);
		REFUSE(number, lengthen);
	}
	free_world(w);
}

static void gzip_files_are_read_strictly(void **state)
{
	world *w = make_world(state);
	for (unsigned number = 1; number < 3; number++) {
		REFUSE(number, flip_crc);
		REFUSE(number, flip_size);
		REFUSE(number, reserved_flag);
		REFUSE(number, other_method);
	}
	REFUSE(1, flip_comment);
	REFUSE(1, pad);
	free_world(w);
}

/* Another content in its place, whole and valid. */
static void what_was_replaced_is_refused(void **state)
{
	world *w = make_world(state);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer other = PNR_BUFFER_INIT;
	char key[PNR_KEY_SIZE];
	pnr_fetched fetched;
	gzip(w->content[0], w->size[0], false, &other);
	put(w, pnr_key_of_object(&w->rows[1], key), other.data, other.length);
	assert_fails(fetch(w, &fetched, err), PNR_CORRUPT, key);
	assert_false(has(w, 1));
	free_world(w);
}

static void what_is_missing_is_named_and_all_else_stays(void **state)
{
	world *w = make_world(state);
	char key[PNR_KEY_SIZE], path[PATH_MAX + PNR_KEY_SIZE + 16];
	pnr_fetched fetched;
	(void)snprintf(path, sizeof path, "%s/remote/%s", w->s->path, pnr_key_of_object(&w->rows[2], key));
	assert_int_equal(unlink(path), 0);
	assert_fails(fetch(w, &fetched, err), PNR_CORRUPT, key);
	assert_fails(fetch(w, &fetched, err), PNR_CORRUPT, "is missing; 'pannier push --heal'");
	assert_int_equal(fetched.whole, 0);
	assert_true(has(w, 0) && has(w, 1));
	assert_false(has(w, 2) || has(w, 3) || has(w, 5));
	free_world(w);
}

/* Each call of the remote fails once, before it does anything or in the middle: the next fetch brings the rest. */
static void a_remote_that_fails_costs_nothing_twice(void **state)
{
	world *w = make_world(state);
	flaky *f = flaky_new(w->remote);
	w->remote = &f->base;
	unsigned failures = 0;
	for (unsigned at = 0; at < 20; at++) {
		char name[16];
		pnr_fetched first, rest;
		pnr_error own = PNR_ERROR_INIT;
		(void)snprintf(name, sizeof name, "store-%u", at);
		open_store(w, name);
		f->calls = 0;
		f->fail_at = 1 + at / 2;
		f->midway = at % 2 != 0;
		pnr_status status = fetch(w, &first, &own);
		f->fail_at = 0;
		if (status == PNR_OK)
			break;
		failures++;
		assert_int_equal(own.status, status);
		assert_ok(fetch(w, &rest, err));
		assert_int_equal(first.whole + rest.whole, 3);
		assert_int_equal(first.patched + rest.patched, 3);
		for (unsigned i = 0; i < CONTENTS; i++)
			assert_true(has(w, i));
	}
	assert_int_equal(failures, 8);
	free_world(w);
}

static unsigned file_calls, failing;

static int fail_one(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return ++file_calls == failing ? ENOSPC : 0;
}

/* Every call to the file system fails once. A failure that nobody notices must not have mattered. */
static void every_call_may_fail(void **state)
{
	world *w = make_world(state);
	for (failing = 1;; failing += 1 + failing / 10) {
		char name[32];
		pnr_fetched fetched;
		pnr_error own = PNR_ERROR_INIT;
		(void)snprintf(name, sizeof name, "store-%u", failing);
		open_store(w, name);
		file_calls = 0;
		pnr_file_gate_hook = fail_one;
		pnr_status status = fetch(w, &fetched, &own);
		pnr_file_gate_hook = NULL;
		assert_int_equal(own.status, status);
		if (status != PNR_OK)
			assert_ok(fetch(w, &fetched, err));
		for (unsigned i = 0; i < CONTENTS; i++)
			assert_true(has(w, i));
		if (file_calls < failing)
			break;
		pnr_store_close(w->store);
		w->store = NULL;
		assert_ok(pnr_file_remove_tree(w->s->fd, name, err));
	}
	assert_true(failing > 100);
	free_world(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(all_comes_and_only_once),
		scratch_test(a_base_that_is_here_is_not_fetched),
		scratch_test(what_is_not_right_is_refused_by_its_name),
		scratch_test(gzip_files_are_read_strictly),
		scratch_test(what_was_replaced_is_refused),
		scratch_test(what_is_missing_is_named_and_all_else_stays),
		scratch_test(a_remote_that_fails_costs_nothing_twice),
		scratch_test(every_call_may_fail),
	};
	return cmocka_run_group_tests_name("sync/fetch", tests, in_memory, NULL);
}
