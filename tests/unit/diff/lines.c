/* Lines: what is printed turns the old text into the new one, in as few edits as there can be. */
#include "diff/diff.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void diff(const char *old, size_t old_length, const char *new, size_t new_length, pnr_buffer *out)
{
	pnr_buffer_end end = { out, SIZE_MAX };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_diff_lines(old, old_length, new, new_length, NULL, &sink, &err) != PNR_OK)
		fail_msg("%s", err.message);
	pnr_buffer_puts(out, "");
}

static void assert_diff(const char *old, const char *new, const char *expected)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	diff(old, strlen(old), new, strlen(new), &out);
	assert_string_equal(out.data, expected);
}

static void the_same_text_has_no_hunk(void **state)
{
	(void)state;
	assert_diff("", "", "");
	assert_diff("a\nb\n", "a\nb\n", "");
	assert_diff("a", "a", "");
}

static void hunks_are_as_the_unified_format_has_them(void **state)
{
	(void)state;
	assert_diff("", "a\n", "@@ -0,0 +1 @@\n+a\n");
	assert_diff("a\n", "", "@@ -1 +0,0 @@\n-a\n");
	assert_diff("a\n", "b\n", "@@ -1 +1 @@\n-a\n+b\n");
	assert_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
	            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
	assert_diff("1\n2\n3\n", "1\n2\n3\n4\n", "@@ -1,3 +1,4 @@\n 1\n 2\n 3\n+4\n");
}

static void changes_six_lines_apart_are_one_hunk_and_seven_are_two(void **state)
{
	(void)state;
	assert_diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	            "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
	assert_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	            "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

static void a_last_line_without_an_end_is_told(void **state)
{
	(void)state;
	assert_diff("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
	assert_diff("a\nb", "x\nb", "@@ -1,2 +1,2 @@\n-a\n+x\n b\n\\ No newline at end of file\n");
}

/* ---------------------------------------------------------------- random -- */

static unsigned long long seed = 1;

static unsigned roll(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static void random_text(pnr_buffer *out, unsigned lines, unsigned kinds)
{
	for (unsigned i = 0; i < lines; i++)
		pnr_buffer_printf(out, "%u\n", roll(kinds));
	if (lines > 0 && roll(4) == 0)
		out->data[--out->length] = '\0';
	pnr_buffer_puts(out, "");
}

/* Apply the hunks to @old by what the format says; returns the number of edits. */
static unsigned apply(const char *old, const char *hunks, pnr_buffer *out)
{
	unsigned line = 0, edits = 0;
	const char *at = old;
	while (*hunks != '\0') {
		unsigned from = 0, count = 1;
		if (sscanf(hunks, "@@ -%u,%u", &from, &count) < 2)
			count = 1;
		/* Up to the line before the hunk. */
		for (unsigned stop = count == 0 ? from : from - 1; line < stop; line++) {
			const char *end = strchr(at, '\n');
			assert_non_null(end);
			pnr_buffer_append(out, at, (size_t)(end + 1 - at));
			at = end + 1;
		}
		hunks = strchr(hunks, '\n') + 1;
		while (*hunks != '\0' && *hunks != '@') {
			size_t length = strcspn(hunks + 1, "\n") + 1;
			const char *next = hunks + 1 + length;
			if (*next == '\\') {
				length--;
				next = strchr(next, '\n') + 1;
			}
			if (*hunks != '+') {
				assert_memory_equal(at, hunks + 1, length);
				at += length;
				line++;
			}
			if (*hunks != '-')
				pnr_buffer_append(out, hunks + 1, length);
			edits += *hunks != ' ';
			hunks = next;
		}
	}
	pnr_buffer_puts(out, at);
	return edits;
}

static size_t split(const char *text, const char **lines, size_t *lengths)
{
	size_t count = 0;
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");
		length += text[length] == '\n';
		lines[count] = text;
		lengths[count++] = length;
		text += length;
	}
	return count;
}

/* The fewest edits there are, by the table that everyone learns. */
static unsigned fewest(const char *old, const char *new)
{
	const char *a[64], *b[64];
	size_t a_length[64], b_length[64];
	size_t n = split(old, a, a_length), m = split(new, b, b_length);
	static unsigned table[65][65];
	for (size_t i = 0; i <= n; i++)
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				table[i][j] = (unsigned)(i + j);
				continue;
			}
			bool same = a_length[i - 1] == b_length[j - 1] && memcmp(a[i - 1], b[j - 1], a_length[i - 1]) == 0;
			unsigned best = table[i - 1][j] < table[i][j - 1] ? table[i - 1][j] + 1 : table[i][j - 1] + 1;
			table[i][j] = same ? table[i - 1][j - 1] : best;
		}
	return table[n][m];
}

static void random_texts_are_turned_into_each_other_by_the_fewest_edits(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer old = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer new = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer again = PNR_BUFFER_INIT;
		unsigned kinds = 1 + roll(12);
		random_text(&old, roll(60), kinds);
		random_text(&new, roll(60), kinds);
		diff(old.data, old.length, new.data, new.length, &out);
		unsigned edits = apply(old.data, out.data, &again);
		assert_string_equal(again.data, new.data);
		if (edits != fewest(old.data, new.data))
			fail_msg("%u edits instead of %u in round %u", edits, fewest(old.data, new.data), round);
	}
}

/* ----------------------------------------------------------------- large -- */

static void large_texts_that_have_little_in_common_come_to_an_end(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer old = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer new = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer again = PNR_BUFFER_INIT;
	/* Few kinds of lines, so that none can be set aside: the fewest edits would take many minutes. */
	for (unsigned i = 0; i < 200000; i++) {
		pnr_buffer_printf(&old, "%u\n", roll(50));
		pnr_buffer_printf(&new, "%u\n", roll(50));
	}
	clock_t start = clock();
	diff(old.data, old.length, new.data, new.length, &out);
	double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	(void)apply(old.data, out.data, &again);
	assert_int_equal(again.length, new.length);
	assert_memory_equal(again.data, new.data, new.length);
	print_message("two texts of 200,000 lines at random: %.1f s\n", seconds);
	assert_true(seconds < 60);
}

static void what_is_too_large_is_told(void **state)
{
	(void)state;
	char *text = malloc(PNR_DIFF_TEXT_MAX + 1);
	assert_non_null(text);
	memset(text, '\n', PNR_DIFF_TEXT_MAX + 1);
	pnr_error err = PNR_ERROR_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, SIZE_MAX };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	assert_int_equal(pnr_diff_lines(text, PNR_DIFF_TEXT_MAX + 1, "", 0, NULL, &sink, &err), PNR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "64 MiB"));
	err = (pnr_error)PNR_ERROR_INIT;
	assert_int_equal(pnr_diff_lines("", 0, text, PNR_DIFF_LINES_MAX + 1, NULL, &sink, &err), PNR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "4194304 lines"));
	free(text);
}

static void a_nul_is_no_text(void **state)
{
	(void)state;
	static char text[9000];
	memset(text, 'a', sizeof text);
	assert_true(pnr_diff_is_text(NULL, 0));
	assert_true(pnr_diff_is_text(text, sizeof text));
	text[8000] = '\0';
	assert_true(pnr_diff_is_text(text, sizeof text));
	text[7999] = '\0';
	assert_false(pnr_diff_is_text(text, sizeof text));
}

/* Each look at whether to go on is a report; the one with the number @stop_at ends it. */
typedef struct stopping {
	pnr_meter meter;
	unsigned looks, stop_at;
} stopping;

static int look(void *user, const pnr_progress *progress)
{
	stopping *s = user;
	(void)progress;
	s->meter.last = 0;
	return ++s->looks == s->stop_at;
}

/* How often it was looked, with the number of the look that stops it; 0: none does. */
static unsigned looks(const char *old, const char *new, unsigned stop_at, pnr_status expected)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, SIZE_MAX };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	stopping s = { .stop_at = stop_at };
	s.meter.fn = look;
	s.meter.user = &s;
	assert_int_equal(pnr_diff_lines(old, strlen(old), new, strlen(new), &s.meter, &sink, NULL), expected);
	return s.looks;
}

static void it_can_be_stopped_while_lines_are_told_apart_and_while_they_are_compared(void **state)
{
	(void)state;
	static char many[2 * 8193 + 1];
	for (size_t i = 0; i < 8193; i++)
		memcpy(many + 2 * i, "a\n", 2);
	/* 4,096 lines and as many again, and one; the texts of one kind need no search. */
	unsigned apart = looks(many, many, 0, PNR_OK);
	assert_int_equal(apart, 2 * 3 + 1);
	/* Two looks at the sides, then one at each part that is searched. */
	const char *old = "1\n2\n3\n4\n5\n6\n7\n8\n", *new = "8\n7\n6\n5\n4\n3\n2\n1\n";
	unsigned all = looks(old, new, 0, PNR_OK);
	assert_true(all > 3);
	for (unsigned n = 1; n <= all; n++)
		assert_int_equal(looks(old, new, n, PNR_CANCELLED), n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_has_no_hunk),
		cmocka_unit_test(hunks_are_as_the_unified_format_has_them),
		cmocka_unit_test(changes_six_lines_apart_are_one_hunk_and_seven_are_two),
		cmocka_unit_test(a_last_line_without_an_end_is_told),
		cmocka_unit_test(random_texts_are_turned_into_each_other_by_the_fewest_edits),
		cmocka_unit_test(large_texts_that_have_little_in_common_come_to_an_end),
		cmocka_unit_test(what_is_too_large_is_told),
		cmocka_unit_test(a_nul_is_no_text),
		cmocka_unit_test(it_can_be_stopped_while_lines_are_told_apart_and_while_they_are_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
