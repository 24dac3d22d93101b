/* Text for people: numbers and sizes against printf, columns of a table. */
#include "../base/support.h"
#include "cli/text.h"

/* ------------------------------------------------------------- numbers -- */

static void check_number(uint64_t number)
{
	char text[CLI_NUMBER_TEXT], expected[32];
	snprintf(expected, sizeof expected, "%llu", (unsigned long long)number);
	assert_string_equal(cli_number_text(number, text), expected);
}

static void numbers_are_what_printf_makes_of_them(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (uint64_t power = 1, next = 1; next / 10 == power || power == 1; power = next, next *= 10) {
		check_number(next - 1);
		check_number(next);
	}
	check_number(UINT64_MAX);
	for (int i = 0; i < 100000; i++)
		check_number(next_random(&seed) >> (i % 64));
}

/* How a size was written before: the value itself, by printf. */
static void check_size(uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char text[CLI_SIZE_TEXT], expected[CLI_SIZE_TEXT];
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1023.95 && unit < 6; unit++)
		value /= 1024;
	snprintf(expected, sizeof expected, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	assert_string_equal(cli_size_text(bytes, text), expected);
}

static void around(uint64_t bytes)
{
	for (uint64_t i = 0; i < 64; i++)
		check_size(bytes - 32 + i);
}

static void sizes_are_what_printf_makes_of_them(void **state)
{
	(void)state;
	char text[CLI_SIZE_TEXT];
	assert_string_equal(cli_size_text(0, text), "0 B");
	assert_string_equal(cli_size_text(1536, text), "1.5 KiB");
	assert_string_equal(cli_size_text(UINT64_MAX, text), "16.0 EiB");
	uint64_t seed = 1;
	for (uint64_t bytes = 0; bytes < 300000; bytes++)
		check_size(bytes);
	for (int i = 0; i < 300000; i++)
		check_size(next_random(&seed) >> (i % 64));
}

/* Where the last digit turns, and the unit: tenths and half tenths, exact in binary or nearly so. */
static void sizes_are_right_where_their_last_digit_turns(void **state)
{
	(void)state;
	for (unsigned shift = 10; shift <= 60; shift += 10) {
		uint64_t unit = UINT64_C(1) << shift, last = shift == 60 ? 319 : 20480;
		for (uint64_t twentieth = 0; twentieth <= last; twentieth++)
			around(twentieth / 20 * unit + (uint64_t)((double)(twentieth % 20) / 20 * (double)unit));
		for (uint64_t eighth = 0; eighth < 128; eighth++)
			around(eighth * (unit / 8));
		around((uint64_t)(1023.95 * ((double)unit / 1024)));
	}
	around(UINT64_MAX - 31);
}

/* -------------------------------------------------------------- tables -- */

static void assert_printed(const cli_table *table, const char *expected)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	assert_non_null(out);
	assert_true(cli_table_print(table, out));
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void a_table_is_aligned_by_the_characters_that_are_seen(void **state)
{
	(void)state;
	static const char *const titles[] = { "NAME", "SIZE", "NOTE" };
	cli_table table = { .columns = 3, .right = 1u << 1 };
	cli_table_titles(&table, titles);
	cli_table_add(&table, "S\xc3\xa4ule");
	cli_table_number(&table, 12345);
	cli_table_add(&table, "");
	cli_table_add(&table, "a\x1b[2J");
	cli_table_number(&table, 7);
	cli_table_add(&table, "\xe2\x80\xae");
	cli_table_add(&table, "");
	cli_table_add(&table, "");
	cli_table_add(&table, "");
	assert_printed(&table, "NAME       SIZE  NOTE\n"
	                       "S\xc3\xa4ule     12345\n"
	                       "a\\x1b[2J      7  \\u202e\n"
	                       "\n");
	cli_table_free(&table);
	assert_printed(&table, "");
}

static void a_table_grows_to_any_length(void **state)
{
	(void)state;
	char cell[300];
	size_t length = 0;
	char *expected = malloc(3000u * (sizeof cell + 8));
	assert_non_null(expected);
	cli_table table = { .columns = 2 };
	for (unsigned i = 0; i < 3000; i++) {
		memset(cell, 'x', sizeof cell);
		cell[i % sizeof cell] = '\0';
		cli_table_add(&table, cell);
		cli_table_number(&table, i);
		length += (size_t)sprintf(expected + length, "%-299s  %u\n", cell, i);
	}
	assert_printed(&table, expected);
	cli_table_free(&table);
	free(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_what_printf_makes_of_them),
		cmocka_unit_test(sizes_are_what_printf_makes_of_them),
		cmocka_unit_test(sizes_are_right_where_their_last_digit_turns),
		cmocka_unit_test(a_table_is_aligned_by_the_characters_that_are_seen),
		cmocka_unit_test(a_table_grows_to_any_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
