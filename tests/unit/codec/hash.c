/* SHA-256 and CRC-32: published vectors, pieces, reuse, the pipe. */
#include "support.h"
#include <pthread.h>

static void assert_hash(const void *data, size_t length, const char *hex, uint32_t crc32)
{
	pnr_digest digest;
	char text[PNR_DIGEST_HEX_SIZE];
	uint32_t crc = 0;
	assert_int_equal(pnr_hash_memory(data, length, &digest, &crc, NULL), PNR_OK);
	assert_string_equal(pnr_digest_to_hex(&digest, text), hex);
	assert_int_equal(crc, crc32);
}

/* SHA-256: FIPS 180-4 and NIST's example values. CRC-32: the catalogue's check value, and zlib's crc32. */
static void published_vectors_come_out(void **state)
{
	(void)state;
	assert_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0);
	assert_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 0x352441c2);
	const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	assert_hash(two_blocks, 56, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
	            (uint32_t)crc32(0, (const Bytef *)two_blocks, 56));
	assert_hash("123456789", 9, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225", 0xcbf43926);
	uint8_t *million = make(1000000);
	memset(million, 'a', 1000000);
	assert_hash(million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
	            (uint32_t)crc32(0, million, 1000000));
	free(million);
}

static void pieces_of_any_size_give_the_hash_of_the_whole(void **state)
{
	(void)state;
	uint8_t data[3000];
	fill_noise(data, sizeof data, 1);
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	assert_int_equal(pnr_hash_new_with_crc32(&hash, NULL), PNR_OK);
	for (size_t piece = 1; piece < 200; piece += 7) {
		pnr_digest digest;
		uint32_t crc = 0;
		uint64_t size = 0;
		for (size_t i = 0; i < sizeof data; i += piece) {
			size_t step = sizeof data - i < piece ? sizeof data - i : piece;
			assert_int_equal(pnr_hash_update(hash, data + i, step, NULL), PNR_OK);
			assert_int_equal(pnr_hash_update(hash, NULL, 0, NULL), PNR_OK);
		}
		assert_int_equal(pnr_hash_finish(hash, &digest, &crc, &size, NULL), PNR_OK);
		assert_digest(&digest, data, sizeof data);
		assert_int_equal(crc, crc32(0, data, sizeof data));
		assert_int_equal(size, sizeof data);
	}
}

static void finish_starts_again_and_its_outputs_are_optional(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_digest digest;
	assert_int_equal(pnr_hash_new(&hash, NULL), PNR_OK);
	assert_int_equal(pnr_hash_update(hash, "x", 1, NULL), PNR_OK);
	assert_int_equal(pnr_hash_finish(hash, &digest, NULL, NULL, NULL), PNR_OK);
	assert_digest(&digest, "x", 1);
	assert_int_equal(pnr_hash_finish(hash, &digest, NULL, NULL, NULL), PNR_OK);
	assert_digest(&digest, "", 0);
}

static pnr_status refuse(void *context, const void *data, size_t length, pnr_error *err)
{
	(void)context;
	(void)data;
	(void)length;
	return pnr_fail(err, PNR_FULL, "no room");
}

static void the_pipe_hashes_what_passes(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer buffer = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &buffer, 100 };
	const pnr_sink next = pnr_buffer_end_sink(&end);
	pnr_digest digest;
	assert_int_equal(pnr_hash_new(&hash, NULL), PNR_OK);
	pnr_hash_pipe pipe = { hash, &next, NULL };
	pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	assert_int_equal(sink.write(sink.context, "ab", 2, NULL), PNR_OK);
	assert_int_equal(sink.write(sink.context, "c", 1, NULL), PNR_OK);
	assert_int_equal(pnr_hash_finish(hash, &digest, NULL, NULL, NULL), PNR_OK);
	assert_digest(&digest, "abc", 3);
	assert_string_equal(buffer.data, "abc");

	pipe.next = NULL;
	assert_int_equal(sink.write(sink.context, "abc", 3, NULL), PNR_OK);
	assert_int_equal(pnr_hash_finish(hash, &digest, NULL, NULL, NULL), PNR_OK);
	assert_digest(&digest, "abc", 3);

	pnr_error err = PNR_ERROR_INIT;
	const pnr_sink full = { .write = refuse };
	pipe.next = &full;
	assert_int_equal(sink.write(sink.context, "abc", 3, &err), PNR_FULL);
	assert_string_equal(err.message, "no room");
}

/* A buffer that holds the next piece as soon as the one before was written. */
static void a_pipe_on_a_pool_hashes_in_order(void **state)
{
	(void)state;
	static const size_t pieces[] = { 1, 100, 65536, 65535, 1 << 20, 3, 500000, 65536, 7 };
	static const unsigned threads[] = { 1, 2, 8 };
	size_t length = 0;
	for (size_t i = 0; i < PNR_COUNT(pieces); i++)
		length += pieces[i];
	uint8_t *data = make(length), *piece = make(1 << 20);
	fill_noise(data, length, 2);
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	assert_int_equal(pnr_hash_new(&hash, NULL), PNR_OK);
	for (size_t t = 0; t < PNR_COUNT(threads); t++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer passed = PNR_BUFFER_INIT;
		pnr_buffer_end end = { &passed, length };
		const pnr_sink next = pnr_buffer_end_sink(&end);
		pnr_hash_pipe pipe = { hash, &next, NULL };
		const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
		pnr_digest digest;
		assert_int_equal(pnr_pool_new(threads[t], &pipe.pool, NULL), PNR_OK);
		for (size_t i = 0, at = 0; i < PNR_COUNT(pieces); at += pieces[i++]) {
			memcpy(piece, data + at, pieces[i]);
			assert_int_equal(sink.write(sink.context, piece, pieces[i], NULL), PNR_OK);
		}
		assert_int_equal(pnr_hash_finish(hash, &digest, NULL, NULL, NULL), PNR_OK);
		assert_digest(&digest, data, length);
		assert_int_equal(passed.length, length);
		assert_memory_equal(passed.data, data, length);
		pnr_pool_free(pipe.pool);
	}
	free(piece);
	free(data);
}

/* Jobs that hold up the threads of a pool until someone else lets go of them, a while later. */
typedef struct holdup {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool released;
	pnr_job jobs[2];
} holdup;

static holdup held = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void hold(pnr_job *job)
{
	(void)job;
	pthread_mutex_lock(&held.mutex);
	while (!held.released)
		pthread_cond_wait(&held.changed, &held.mutex);
	pthread_mutex_unlock(&held.mutex);
}

static void *release(void *nothing)
{
	(void)usleep(100000);
	pthread_mutex_lock(&held.mutex);
	held.released = true;
	pthread_cond_broadcast(&held.changed);
	pthread_mutex_unlock(&held.mutex);
	return nothing;
}

static bool released(void)
{
	pthread_mutex_lock(&held.mutex);
	bool is = held.released;
	pthread_mutex_unlock(&held.mutex);
	return is;
}

/* All threads are busy, so a piece is hashed late: until then it is not given back, whatever next says. */
static void a_piece_is_given_back_only_when_it_is_hashed(void **state)
{
	(void)state;
	static const pnr_sink full = { .write = refuse };
	static const pnr_sink *const nexts[] = { NULL, &full };
	for (size_t i = 0; i < PNR_COUNT(nexts); i++) {
		PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
		pnr_pool *pool = NULL;
		pthread_t releaser;
		pnr_digest digest;
		uint8_t *piece = make(MIB);
		assert_int_equal(pnr_hash_new(&hash, NULL), PNR_OK);
		assert_int_equal(pnr_pool_new(PNR_COUNT(held.jobs), &pool, NULL), PNR_OK);
		held.released = false;
		for (size_t j = 0; j < PNR_COUNT(held.jobs); j++) {
			held.jobs[j] = (pnr_job){ .run = hold };
			pnr_pool_submit(pool, &held.jobs[j]);
		}
		assert_int_equal(pthread_create(&releaser, NULL, release, NULL), 0);
		pnr_hash_pipe pipe = { hash, nexts[i], pool };
		const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
		memset(piece, 'a', MIB);
		assert_int_equal(sink.write(sink.context, piece, MIB, NULL), nexts[i] == NULL ? PNR_OK : PNR_FULL);
		assert_true(released());
		assert_int_equal(pnr_hash_finish(hash, &digest, NULL, NULL, NULL), PNR_OK);
		assert_digest(&digest, piece, MIB);
		free(piece);
		for (size_t j = 0; j < PNR_COUNT(held.jobs); j++)
			assert_int_equal(pnr_pool_wait(pool, &held.jobs[j], NULL), PNR_OK);
		assert_int_equal(pthread_join(releaser, NULL), 0);
		pnr_pool_free(pool);
	}
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	pnr_hash_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_come_out),
		cmocka_unit_test(pieces_of_any_size_give_the_hash_of_the_whole),
		cmocka_unit_test(finish_starts_again_and_its_outputs_are_optional),
		cmocka_unit_test(the_pipe_hashes_what_passes),
		cmocka_unit_test(a_pipe_on_a_pool_hashes_in_order),
		cmocka_unit_test(a_piece_is_given_back_only_when_it_is_hashed),
		cmocka_unit_test(freeing_nothing_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
