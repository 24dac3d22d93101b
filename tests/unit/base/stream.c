/* Sources and sinks: files, ranges of files, memory. */
#include "support.h"
#include "base/buffer.h"
#include "base/stream.h"
#include <errno.h>

/* Gives one byte less at each read, then 1 at a time; fails at the @fail_at-th. */
typedef struct dripping {
	const char *text;
	size_t most;
	unsigned reads, fail_at;
} dripping;

static pnr_status drip(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	dripping *d = context;
	assert_true(capacity > 0);
	if (++d->reads == d->fail_at)
		return pnr_fail(err, PNR_RETRY, "dripped");
	size_t length = strlen(d->text);
	if (length > d->most)
		length = d->most;
	if (length > capacity)
		length = capacity;
	if (d->most > 1)
		d->most--;
	memcpy(buffer, d->text, length);
	d->text += length;
	*out_length = length;
	return PNR_OK;
}

static void filling_puts_short_reads_together(void **state)
{
	(void)state;
	char have[32] = "";
	size_t length = 0;
	dripping d = { "0123456789abcdef", 4, 0, 0 };
	const pnr_source source = { drip, &d };
	assert_int_equal(pnr_source_fill(&source, have, 10, &length, NULL), PNR_OK);
	assert_int_equal(length, 10);
	assert_memory_equal(have, "0123456789", 10);
	assert_int_equal(pnr_source_fill(&source, have, 32, &length, NULL), PNR_OK);
	assert_int_equal(length, 6);
	assert_memory_equal(have, "abcdef", 6);
	assert_int_equal(pnr_source_fill(&source, have, 32, &length, NULL), PNR_OK);
	assert_int_equal(length, 0);
	unsigned reads = d.reads;
	assert_int_equal(pnr_source_fill(&source, have, 0, &length, NULL), PNR_OK);
	assert_int_equal(length, 0);
	assert_int_equal(d.reads, reads);
}

static void filling_passes_failures_on(void **state)
{
	(void)state;
	char have[32];
	size_t length = 77;
	pnr_error err = PNR_ERROR_INIT;
	dripping d = { "0123456789abcdef", 4, 0, 3 };
	const pnr_source source = { drip, &d };
	assert_int_equal(pnr_source_fill(&source, have, 32, &length, &err), PNR_RETRY);
	assert_int_equal(length, 77);
	assert_string_equal(err.message, "dripped");
}

static int content(const scratch *s)
{
	put_file(s->fd, "f", "0123456789");
	return openat(s->fd, "f", O_RDONLY | O_CLOEXEC);
}

static void a_range_gives_exactly_its_bytes(void **state)
{
	const scratch *s = *state;
	char have[32];
	size_t length;
	int fd = content(s);
	pnr_file_range range = { fd, 2, 5, "f" };
	const pnr_source source = pnr_file_range_source(&range);
	assert_int_equal(pnr_source_fill(&source, have, sizeof have, &length, NULL), PNR_OK);
	assert_int_equal(length, 5);
	assert_memory_equal(have, "23456", 5);
	assert_true(range.offset == 7 && range.length == 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
}

static void a_range_without_an_end_reads_to_the_end(void **state)
{
	const scratch *s = *state;
	char have[4];
	size_t length;
	int fd = content(s);
	pnr_file_range range = { fd, 3, UINT64_MAX, "f" };
	const pnr_source source = pnr_file_range_source(&range);
	assert_int_equal(pnr_source_fill(&source, have, 4, &length, NULL), PNR_OK);
	assert_memory_equal(have, "3456", 4);
	assert_int_equal(pnr_source_fill(&source, have, 4, &length, NULL), PNR_OK);
	assert_int_equal(length, 3);
	assert_int_equal(pnr_source_fill(&source, have, 4, &length, NULL), PNR_OK);
	assert_int_equal(length, 0);
	close(fd);
}

static void a_file_that_ends_early_is_corrupt(void **state)
{
	const scratch *s = *state;
	char have[32];
	size_t length = 77;
	pnr_error err = PNR_ERROR_INIT;
	int fd = content(s);
	pnr_file_range range = { fd, 4, 9, "f" };
	const pnr_source source = pnr_file_range_source(&range);
	assert_int_equal(pnr_source_fill(&source, have, sizeof have, &length, &err), PNR_CORRUPT);
	assert_int_equal(length, 77);
	assert_string_equal(err.message, "read 'f': it ends 3 bytes early");
	close(fd);
}

static void a_read_error_is_passed_on(void **state)
{
	const scratch *s = *state;
	char have[32];
	size_t length = 77;
	int fd = content(s);
	pnr_file_range range = { fd, 0, 10, "f" };
	const pnr_source source = pnr_file_range_source(&range);
	gate_fail(PNR_CALL_READ, 1, EIO);
	assert_int_equal(pnr_source_fill(&source, have, sizeof have, &length, NULL), PNR_IO);
	assert_int_equal(length, 77);
	close(fd);
}

static void a_file_sink_appends(void **state)
{
	const scratch *s = *state;
	int fd = openat(s->fd, "out", O_WRONLY | O_CREAT, 0600);
	pnr_file_end end = { fd, "out" };
	const pnr_sink sink = pnr_file_end_sink(&end);
	gate_open();
	gate.most = 3;
	assert_int_equal(sink.write(sink.context, "01234", 5, NULL), PNR_OK);
	assert_int_equal(sink.write(sink.context, "", 0, NULL), PNR_OK);
	assert_int_equal(sink.write(sink.context, "567", 3, NULL), PNR_OK);
	gate_close();
	assert_file(s->fd, "out", "01234567");
	gate_fail(PNR_CALL_WRITE, 1, ENOSPC);
	assert_int_equal(sink.write(sink.context, "8", 1, NULL), PNR_FULL);
	close(fd);
}

static void memory_is_read_in_any_pieces(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 12; piece++) {
		char have[32] = "";
		size_t used = 0, length;
		pnr_memory_range range = { "0123456789", 10 };
		const pnr_source source = pnr_memory_source(&range);
		do {
			assert_int_equal(source.read(source.context, have + used, piece, &length, NULL), PNR_OK);
			used += length;
		} while (length > 0);
		assert_string_equal(have, "0123456789");
		assert_int_equal(range.length, 0);
	}
	char byte;
	size_t length = 1;
	pnr_memory_range nothing = { NULL, 0 };
	const pnr_source source = pnr_memory_source(&nothing);
	assert_int_equal(source.read(source.context, &byte, 1, &length, NULL), PNR_OK);
	assert_int_equal(length, 0);
}

static void a_buffer_sink_stops_at_its_limit(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	pnr_error err = PNR_ERROR_INIT;
	pnr_buffer_puts(&buffer, "ab");
	pnr_buffer_end end = { &buffer, 5 };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	assert_int_equal(sink.write(sink.context, "cd", 2, NULL), PNR_OK);
	assert_int_equal(sink.write(sink.context, "ef", 2, &err), PNR_CORRUPT);
	assert_contains(err.message, "5 bytes");
	assert_string_equal(buffer.data, "abcd");
	assert_int_equal(sink.write(sink.context, "e", 1, NULL), PNR_OK);
	assert_int_equal(sink.write(sink.context, "", 0, NULL), PNR_OK);
	assert_int_equal(sink.write(sink.context, "f", 1, NULL), PNR_CORRUPT);
	end.limit = 3; /* below what is there */
	assert_int_equal(sink.write(sink.context, "f", 1, NULL), PNR_CORRUPT);
	assert_string_equal(buffer.data, "abcde");
	pnr_buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filling_puts_short_reads_together),
		cmocka_unit_test(filling_passes_failures_on),
		scratch_test(a_range_gives_exactly_its_bytes),
		scratch_test(a_range_without_an_end_reads_to_the_end),
		scratch_test(a_file_that_ends_early_is_corrupt),
		scratch_test(a_read_error_is_passed_on),
		scratch_test(a_file_sink_appends),
		cmocka_unit_test(memory_is_read_in_any_pieces),
		cmocka_unit_test(a_buffer_sink_stops_at_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
