/* Buffers: grow, stay terminated, remember that memory ran out. */
#include "support.h"
#include "base/buffer.h"

static void an_empty_buffer_gives_an_empty_text(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	assert_int_equal(pnr_buffer_status(&buffer, NULL), PNR_OK);
	char *text = pnr_buffer_steal(&buffer);
	assert_string_equal(text, "");
	free(text);
	assert_null(buffer.data);
	pnr_buffer_free(&buffer);
}

static void pieces_of_all_kinds_follow_each_other(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	pnr_buffer_puts(&buffer, "ab");
	pnr_buffer_putc(&buffer, 'c');
	pnr_buffer_append(&buffer, "d\0e", 3);
	pnr_buffer_append(&buffer, NULL, 0);
	pnr_buffer_printf(&buffer, "%d-%s", 42, "x");
	assert_int_equal(buffer.length, 10);
	assert_memory_equal(buffer.data, "abcd\0e42-x", 11);
	pnr_buffer_free(&buffer);
}

static void every_length_of_printf_fits(void **state)
{
	(void)state;
	char text[300];
	for (int length = 0; length < 299; length++) {
		pnr_buffer buffer = PNR_BUFFER_INIT;
		memset(text, 'x', sizeof text);
		text[length] = '\0';
		pnr_buffer_printf(&buffer, "%s", text);
		pnr_buffer_printf(&buffer, "%s", text);
		assert_int_equal(buffer.length, 2 * length);
		assert_int_equal(strlen(buffer.data), 2 * length);
		pnr_buffer_free(&buffer);
	}
}

static void a_million_bytes_one_at_a_time(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	for (unsigned i = 0; i < 1000000; i++)
		pnr_buffer_putc(&buffer, (char)('a' + i % 26));
	assert_int_equal(buffer.length, 1000000);
	for (unsigned i = 0; i < 1000000; i++)
		assert_true(buffer.data[i] == (char)('a' + i % 26));
	assert_int_equal(buffer.data[1000000], 0);
	assert_true(buffer.capacity <= 1500064);
	pnr_buffer_free(&buffer);
}

static void reserving_leaves_a_terminated_text(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	pnr_buffer_puts(&buffer, "abc");
	char *place = pnr_buffer_reserve(&buffer, 1000);
	assert_ptr_equal(place, buffer.data + 3);
	assert_string_equal(buffer.data, "abc");
	memset(place, 'x', 1000);
	buffer.length += 1000;
	assert_int_equal(strlen(buffer.data), 1003);
	pnr_buffer_free(&buffer);
}

static void exhausted_memory_is_remembered(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	pnr_error err = PNR_ERROR_INIT;
	pnr_buffer_puts(&buffer, "abc");
	assert_null(pnr_buffer_reserve(&buffer, SIZE_MAX - 2));
	pnr_buffer_puts(&buffer, "later");
	pnr_buffer_printf(&buffer, "%d", 1);
	assert_string_equal(buffer.data, "abc");
	assert_int_equal(pnr_buffer_status(&buffer, &err), PNR_NOMEM);
	assert_int_equal(err.status, PNR_NOMEM);
	assert_null(pnr_buffer_steal(&buffer));
	assert_null(buffer.data);
}

static void clearing_forgets_content_and_failure(void **state)
{
	(void)state;
	pnr_buffer buffer = PNR_BUFFER_INIT;
	pnr_buffer_clear(&buffer);
	pnr_buffer_puts(&buffer, "abc");
	assert_null(pnr_buffer_reserve(&buffer, SIZE_MAX));
	pnr_buffer_clear(&buffer);
	assert_string_equal(buffer.data, "");
	pnr_buffer_puts(&buffer, "de");
	assert_int_equal(pnr_buffer_status(&buffer, NULL), PNR_OK);
	assert_string_equal(buffer.data, "de");
	pnr_buffer_free(&buffer);
	pnr_buffer_free(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_gives_an_empty_text),
		cmocka_unit_test(pieces_of_all_kinds_follow_each_other),
		cmocka_unit_test(every_length_of_printf_fits),
		cmocka_unit_test(a_million_bytes_one_at_a_time),
		cmocka_unit_test(reserving_leaves_a_terminated_text),
		cmocka_unit_test(exhausted_memory_is_remembered),
		cmocka_unit_test(clearing_forgets_content_and_failure),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
