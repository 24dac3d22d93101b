/* Every call that an encoder makes fails once: a clean error, its first cause, outputs untouched. */
#include "support.h"
#include <errno.h>
#include <stdatomic.h>

/* ---------------------------------------------------------------- source -- */

/* Passes on @data in pieces; call @fail_at fails. Must not be called again after its end. */
typedef struct bad_source {
	const uint8_t *data;
	size_t left, piece;
	unsigned calls, fail_at;
	bool ended;
} bad_source;

static pnr_status bad_read(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	bad_source *s = context;
	assert_false(s->ended);
	assert_true(capacity > 0);
	if (++s->calls == s->fail_at)
		return pnr_fail(err, PNR_RETRY, "the source changed");
	size_t step = s->left < s->piece ? s->left : s->piece;
	if (step > capacity)
		step = capacity;
	memcpy(buffer, s->data, step);
	s->data += step;
	s->left -= step;
	s->ended = step == 0;
	*out_length = step;
	return PNR_OK;
}

typedef struct outcome {
	pnr_status status;
	pnr_error err;
	pnr_content content;
	pnr_encoding encoding;
	unsigned calls;
} outcome;

static outcome encode_from(const uint8_t *data, size_t length, size_t piece, unsigned fail_at, unsigned threads,
                           int fd)
{
	outcome o = { .err = PNR_ERROR_INIT, .content.size = 42, .encoding.stored_size = 43 };
	bad_source bad = { .data = data, .left = length, .piece = piece, .fail_at = fail_at };
	const pnr_source source = { .read = bad_read, .context = &bad };
	PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
	pnr_pool *pool = NULL;
	assert_int_equal(pnr_pool_new(threads, &pool, NULL), PNR_OK);
	assert_int_equal(pnr_coders_new(1, &coders, NULL), PNR_OK);
	o.status = pnr_encode_stream(coders, &source, fd, "test", pool, NULL, NULL, &o.content, &o.encoding, &o.err);
	pnr_pool_free(pool);
	o.calls = bad.calls;
	return o;
}

static void assert_untouched(const outcome *o)
{
	assert_int_equal(o->content.size, 42);
	assert_int_equal(o->encoding.stored_size, 43);
}

static void every_read_of_the_source_may_fail(void **state)
{
	(void)state;
	size_t length = 3 * MIB + 1000;
	uint8_t *data = make(length);
	fill_text(data, length, 1);
	for (unsigned threads = 1; threads <= 3; threads += 2) {
		for (unsigned n = 1;; n++) {
			int fd = make_file();
			outcome o = encode_from(data, length, 600000, n, threads, fd);
			close(fd);
			if (o.status == PNR_OK) {
				assert_int_equal(o.calls, n - 1);
				break;
			}
			assert_int_equal(o.status, PNR_RETRY);
			assert_string_equal(o.err.message, "the source changed");
			assert_untouched(&o);
		}
	}
	free(data);
}

static void pieces_of_any_size_give_the_same_bytes(void **state)
{
	(void)state;
	size_t length = MIB + 5000;
	uint8_t *data = make(length);
	fill_text(data, length, 1);
	static const size_t pieces[] = { 4097, 65536, MIB - 1, MIB + 1 };
	encoded whole = encode(data, length, 1, 1);
	for (size_t i = 0; i < PNR_COUNT(pieces); i++) {
		int fd = make_file();
		outcome o = encode_from(data, length, pieces[i], 0, 2, fd);
		assert_int_equal(o.status, PNR_OK);
		assert_memory_equal(&o.encoding.stored_hash, &whole.encoding.stored_hash, sizeof whole.encoding.stored_hash);
		close(fd);
	}
	free(whole.bytes);
	free(data);
}

/* ---------------------------------------------------------------- output -- */

static atomic_uint calls;
static unsigned fail_at;
static pnr_file_call failed_call;

static int fail_nth(pnr_file_call call, size_t *length)
{
	(void)length;
	if (atomic_fetch_add(&calls, 1) + 1 != fail_at)
		return 0;
	failed_call = call;
	return call == PNR_CALL_READ ? EIO : ENOSPC;
}

/* Every third read and write is interrupted, the others move a part. */
static int cut_short(pnr_file_call call, size_t *length)
{
	(void)call;
	if (length == NULL)
		return 0;
	*length = *length / 2 + 1;
	return atomic_fetch_add(&calls, 1) % 3 == 2 ? EINTR : 0;
}

/* The three ways in which a file comes to be. */
enum { GZIP, RESTARTED, UNDONE, WAYS };

static size_t fill_way(uint8_t *data, int way)
{
	size_t length = 2 * MIB + 3000;
	fill_noise(data, length, 1);
	if (way == GZIP)
		fill_text(data, length, 2);
	else if (way == RESTARTED)
		fill_text(data + MIB, MIB, 2);
	else
		fill_text(data, 900, 2);
	return length;
}

static void every_file_call_may_fail(void **state)
{
	(void)state;
	uint8_t *data = make(3 * MIB);
	unsigned seen[PNR_CALL_COUNT] = { 0 };
	for (int way = 0; way < WAYS; way++) {
		size_t length = fill_way(data, way);
		for (fail_at = 1;; fail_at++) {
			int fd = make_file();
			atomic_store(&calls, 0);
			pnr_file_gate_hook = fail_nth;
			outcome o = encode_from(data, length, MIB, 0, 1 + fail_at % 2, fd);
			pnr_file_gate_hook = NULL;
			close(fd);
			if (o.status == PNR_OK) {
				assert_int_equal(o.encoding.form, way == UNDONE ? PNR_FORM_STORED : PNR_FORM_GZIP);
				break;
			}
			seen[failed_call]++;
			assert_int_equal(o.status, failed_call == PNR_CALL_READ ? PNR_IO : PNR_FULL);
			assert_non_null(strstr(o.err.message, "'test'"));
			assert_untouched(&o);
		}
	}
	assert_true(seen[PNR_CALL_WRITE] > 10);
	assert_true(seen[PNR_CALL_READ] > 4);
	assert_int_equal(seen[PNR_CALL_TRUNCATE], 1);
	free(data);
}

static void short_and_interrupted_calls_change_nothing(void **state)
{
	(void)state;
	uint8_t *data = make(3 * MIB);
	for (int way = 0; way < WAYS; way++) {
		size_t length = fill_way(data, way);
		encoded plain = encode(data, length, 1, 1);
		pnr_file_gate_hook = cut_short;
		encoded e = encode(data, length, 1, 1);
		pnr_file_gate_hook = NULL;
		assert_encoded(&e, data, length);
		assert_int_equal(e.length, plain.length);
		assert_memory_equal(e.bytes, plain.bytes, e.length);
		free(e.bytes);
		free(plain.bytes);
	}
	free(data);
}

/* A descriptor that cannot be read back, as a caller's mistake would have it. */
static void a_file_that_cannot_be_read_back_is_an_error(void **state)
{
	(void)state;
	uint8_t *data = make(3 * MIB);
	size_t length = fill_way(data, RESTARTED);
	int fd = make_file();
	char path[64];
	assert_true(snprintf(path, sizeof path, "/proc/self/fd/%d", fd) > 0);
	int write_only = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(write_only >= 0);
	outcome o = encode_from(data, length, MIB, 0, 2, write_only);
	assert_int_equal(o.status, PNR_IO);
	assert_string_equal(o.err.message, "read 'test': Bad file descriptor");
	assert_untouched(&o);
	close(write_only);
	close(fd);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_read_of_the_source_may_fail),
		cmocka_unit_test(pieces_of_any_size_give_the_same_bytes),
		cmocka_unit_test(every_file_call_may_fail),
		cmocka_unit_test(short_and_interrupted_calls_change_nothing),
		cmocka_unit_test(a_file_that_cannot_be_read_back_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
