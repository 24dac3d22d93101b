/* Tables: rows and cells that differ, in any order, in little memory. */
#include "diff/diff.h"
#include "base/file.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A text, given in pieces of @step bytes. */
typedef struct text {
	const char *data;
	size_t length, step;
} text;

static pnr_status run_text(void *context, const pnr_sink *sink, pnr_error *err)
{
	const text *t = context;
	pnr_status status = PNR_OK;
	for (size_t at = 0; status == PNR_OK && at < t->length; at += t->step)
		status = sink->write(sink->context, t->data + at, t->length - at < t->step ? t->length - at : t->step, err);
	return status;
}

static unsigned scratches;

static pnr_status scratch(void *context, int *out_fd, pnr_error *err)
{
	(void)context;
	scratches++;
	return pnr_file_open(AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600, out_fd, err);
}

static int put_row(void *user, const pnr_row_change *row)
{
	pnr_buffer *out = user;
	pnr_buffer_putc(out, "+~-"[row->kind]);
	for (size_t i = 0; i < row->key_count; i++)
		pnr_buffer_printf(out, "%s%s", i == 0 ? "" : "/", row->key[i]);
	if (row->repeat > 0)
		pnr_buffer_printf(out, "#%u", (unsigned)row->repeat);
	for (size_t i = 0; i < row->cell_count; i++)
		pnr_buffer_printf(out, " %s=%s>%s", row->cells[i].column,
		                  row->cells[i].old_value != NULL ? row->cells[i].old_value : "(none)",
		                  row->cells[i].new_value != NULL ? row->cells[i].new_value : "(none)");
	pnr_buffer_printf(out, " %u:%u\n", (unsigned)row->old_line, (unsigned)row->new_line);
	return 0;
}

static pnr_status compare(text *old, text *new, const char *key, const char *second, size_t memory, pnr_buffer *out,
                          pnr_table_diff **out_diff, pnr_error *err)
{
	const char *const keys[] = { key, second };
	const pnr_tables tables = {
		.old_table = { run_text, old },
		.new_table = { run_text, new },
		.keys = keys,
		.key_count = second == NULL ? 1 : 2,
		.scratch = scratch,
		.memory = memory,
	};
	return pnr_diff_tables(&tables, put_row, out, out_diff, err);
}

static void assert_rows(const char *old, const char *new, const char *key, const char *second, const char *expected)
{
	/* A byte at a time is the same as all at once. */
	for (size_t step = 1; step < 100; step += 33) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		pnr_table_diff *found = NULL;
		pnr_error err = PNR_ERROR_INIT;
		text a = { old, strlen(old), step }, b = { new, strlen(new), step };
		if (compare(&a, &b, key, second, 0, &out, &found, &err) != PNR_OK)
			fail_msg("%s", err.message);
		pnr_buffer_printf(&out, "%u+ %u- %u~ %u= %u cells", (unsigned)found->added, (unsigned)found->removed,
		                  (unsigned)found->changed, (unsigned)found->unchanged, (unsigned)found->cells_changed);
		assert_string_equal(out.data, expected);
		pnr_table_diff_free(found);
	}
}

static void rows_are_known_by_their_key_wherever_they_stand(void **state)
{
	(void)state;
	assert_rows("k,v\n1,a\n2,b\n3,c\n", "k,v\n3,c\n4,d\n1,A\n", "k", NULL,
	            "~1 v=a>A 2:4\n-2 k=2>(none) v=b>(none) 3:0\n+4 k=(none)>4 v=(none)>d 0:3\n1+ 1- 1~ 1= 1 cells");
	assert_rows("a,b,v\n1,x,1\n1,y,2\n", "b,v,a\nx,1,1\ny,3,1\n", "a", "b", "~1/y v=2>3 3:3\n0+ 0- 1~ 1= 1 cells");
	assert_rows("k\n", "k\n", "k", NULL, "0+ 0- 0~ 0= 0 cells");
}

static void numbers_come_by_value_and_before_texts(void **state)
{
	(void)state;
	assert_rows("k\n", "k\nb\n10\n9\n007\na\n100\n0\n", "k", NULL,
	            "+0 k=(none)>0 0:8\n+9 k=(none)>9 0:4\n+10 k=(none)>10 0:3\n+100 k=(none)>100 0:7\n"
	            "+007 k=(none)>007 0:5\n+a k=(none)>a 0:6\n+b k=(none)>b 0:2\n7+ 0- 0~ 0= 0 cells");
}

static void keys_are_not_joined_by_what_they_hold(void **state)
{
	(void)state;
	/* a|bc and ab|c; 1|23 and 12|3. */
	assert_rows("x,y\na,bc\n1,23\n", "x,y\nab,c\n12,3\n", "x", "y",
	            "-1/23 x=1>(none) y=23>(none) 3:0\n+12/3 x=(none)>12 y=(none)>3 0:3\n"
	            "-a/bc x=a>(none) y=bc>(none) 2:0\n+ab/c x=(none)>ab y=(none)>c 0:2\n2+ 2- 0~ 0= 0 cells");
}

static void the_text_is_as_rfc_4180_has_it(void **state)
{
	(void)state;
	assert_rows("k,v\r\n1,\"a,b\"\r\n2,\"say \"\"x\"\"\"\r\n3,\"two\nlines\"\r\n4,\r\n",
	            "\xef\xbb\xbf\"k\",\"v\"\n1,\"a,b\"\n\n2,\"say \"\"x\"\"\"\n\"3\",\"two\nlines\"\n4,\"\"", "k", NULL,
	            "0+ 0- 0~ 4= 0 cells");
	/* A quote inside of a plain cell stands for itself; a lone CR as well; a text may begin as a mark does. */
	assert_rows("k,v\n1,5\" pipe\n2,a\rb\n", "k,v\n1,\"5\"\" pipe\"\n2,\"a\rb\"\n", "k", NULL, "0+ 0- 0~ 2= 0 cells");
	assert_rows("\xef\xbc\xa1,v\n1,2\n", "\xef\xbc\xa1,v\n1,2\n", "\xef\xbc\xa1", NULL, "0+ 0- 0~ 1= 0 cells");
	assert_rows("\xef\xbb", "\"\xef\xbb\"\n", "\xef\xbb", NULL, "0+ 0- 0~ 0= 0 cells");
}

static void rows_of_one_key_belong_together_in_their_order(void **state)
{
	(void)state;
	assert_rows("k,v\n1,a\n1,b\n1,c\n", "k,v\n1,a\n2,x\n1,B\n", "k", NULL,
	            "~1#1 v=b>B 3:4\n-1#2 k=1>(none) v=c>(none) 4:0\n+2 k=(none)>2 v=(none)>x 0:3\n1+ 1- 1~ 1= 1 cells");
	text a = { "k\n1\n2\n1\n1\n", 10, 99 }, b = { "k\n2\n2\n", 6, 99 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_table_diff *found = NULL;
	assert_int_equal(compare(&a, &b, "k", NULL, 0, &out, &found, NULL), PNR_OK);
	assert_int_equal(found->old_repeats, 2);
	assert_int_equal(found->old_repeat_line, 4);
	assert_int_equal(found->new_repeats, 1);
	assert_int_equal(found->new_repeat_line, 3);
	pnr_table_diff_free(found);
}

static void columns_are_known_by_name(void **state)
{
	(void)state;
	text a = { "k,old,v\n1,x,2\n", 14, 99 }, b = { "new,v,k\ny,2,1\n", 14, 99 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_table_diff *found = NULL;
	assert_int_equal(compare(&a, &b, "k", NULL, 0, &out, &found, NULL), PNR_OK);
	assert_int_equal(found->unchanged, 1);
	assert_int_equal(found->columns_added_count, 1);
	assert_string_equal(found->columns_added[0], "new");
	assert_int_equal(found->columns_removed_count, 1);
	assert_string_equal(found->columns_removed[0], "old");
	pnr_table_diff_free(found);
}

static void assert_refused(const char *old, size_t length, const char *new, const char *key, const char *said)
{
	text a = { old, length, 7 }, b = { new, strlen(new), 7 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_table_diff *found = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(compare(&a, &b, key, NULL, 0, &out, &found, &err), PNR_INVALID);
	assert_null(found);
	if (strstr(err.message, said) == NULL)
		fail_msg("%s", err.message);
}

static void what_is_no_table_is_refused_with_its_line(void **state)
{
	(void)state;
	static const char good[] = "k,v\n1,2\n";
	assert_refused("", 0, good, "k", "the older one: it is empty");
	assert_refused(good, sizeof good - 1, "\n\n", "k", "the newer one: it is empty");
	assert_refused(good, sizeof good - 1, "k,v\n1,2\n1\n", "k", "the newer one: line 3: 1 cell, but the table has 2 columns");
	assert_refused(good, sizeof good - 1, "k,v\n\n1,2,3\n", "k", "line 3: 3 cells");
	assert_refused(good, sizeof good - 1, "k,v\n1,\"2\n3\n", "k", "line 2: a cell in quotes has no end");
	assert_refused(good, sizeof good - 1, "k,v\n1,\"2\"x\n", "k", "line 2: text follows a cell in quotes");
	assert_refused(good, sizeof good - 1, "k,v\n1,\"2\"\rx\n", "k", "line 2: a lone CR");
	assert_refused(good, sizeof good - 1, "k,k\n", "k", "two columns are called 'k'");
	assert_refused(good, sizeof good - 1, good, "K", "it has no column 'K', but k, v");
	assert_refused("k,v\n\0,2\n", 8, good, "k", "the older one: line 2: a NUL");
	text a = { good, sizeof good - 1, 7 }, b = a;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	pnr_table_diff *found = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(compare(&a, &b, "v", "v", 0, &out, &found, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "the key names column 'v' twice"));
}

static void a_row_that_is_too_long_is_refused(void **state)
{
	(void)state;
	for (unsigned quoted = 0; quoted < 2; quoted++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer long_row = PNR_BUFFER_INIT;
		pnr_buffer_puts(&long_row, quoted ? "k\n\"" : "k\n");
		for (unsigned i = 0; i <= PNR_TABLE_ROW_MAX / 8; i++)
			pnr_buffer_puts(&long_row, "01234567");
		assert_refused(long_row.data, long_row.length, "k\n", "k", "line 2: the row is too long");
	}
}

/* ----------------------------------------------------------------- large -- */

static void make_table(pnr_buffer *out, unsigned rows, unsigned first, unsigned stride, unsigned changed)
{
	pnr_buffer_puts(out, "key,text,value\n");
	for (unsigned i = 0; i < rows; i++) {
		/* Every row once, in an order that is far from that of the keys. */
		unsigned row = first + (unsigned)((unsigned long long)i * stride % rows);
		pnr_buffer_printf(out, "%u,\"row, %u\",%u\n", row, row * 7, row % changed == 0 ? 1 : 0);
	}
}

static void tables_larger_than_memory_are_sorted_on_disk(void **state)
{
	(void)state;
	enum { ROWS = 20011 };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer old = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer new = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer in_memory = PNR_BUFFER_INIT;
	make_table(&old, ROWS, 0, 7919, ROWS + 1);
	make_table(&new, ROWS, 100, 104729, 500);
	for (size_t memory = 4096; memory <= (size_t)64 << 20; memory *= 128) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		text a = { old.data, old.length, 65536 }, b = { new.data, new.length, 1000 };
		pnr_table_diff *found = NULL;
		pnr_error err = PNR_ERROR_INIT;
		unsigned before = scratches;
		if (compare(&a, &b, "key", NULL, memory, &out, &found, &err) != PNR_OK)
			fail_msg("%s", err.message);
		assert_int_equal(scratches - before, memory < 64 << 20 ? 2 : 0);
		assert_int_equal(found->added, 100);
		assert_int_equal(found->removed, 100);
		/* 500, 1000, ..., 20000; row 0 is 1 in the old table as well, and gone. */
		assert_int_equal(found->changed, 40);
		assert_int_equal(found->unchanged, ROWS - 140);
		if (in_memory.data == NULL)
			pnr_buffer_append(&in_memory, out.data, out.length);
		assert_string_equal(out.data, in_memory.data);
		pnr_table_diff_free(found);
	}
}

static int stop(void *user, const pnr_row_change *row)
{
	(void)row;
	return ++*(int *)user == 2;
}

static void the_receiver_may_stop(void **state)
{
	(void)state;
	text a = { "k\n1\n2\n3\n", 8, 99 }, b = { "k\n", 2, 99 };
	const char *const keys[] = { "k" };
	const pnr_tables tables = { { run_text, &a }, { run_text, &b }, keys, 1, scratch, NULL, 0, NULL };
	int rows = 0;
	pnr_table_diff *found = NULL;
	assert_int_equal(pnr_diff_tables(&tables, stop, &rows, &found, NULL), PNR_CANCELLED);
	assert_int_equal(rows, 2);
}

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

static void it_can_be_stopped_between_rows(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer rows = PNR_BUFFER_INIT;
	pnr_buffer_puts(&rows, "k\n");
	for (unsigned i = 0; i < 9000; i++)
		pnr_buffer_printf(&rows, "%u\n", i);
	text a = { rows.data, rows.length, 1000 }, b = a;
	const char *const keys[] = { "k" };
	for (unsigned n = 0; n <= 3; n++) {
		stopping s = { .stop_at = n };
		s.meter.fn = look;
		s.meter.user = &s;
		const pnr_tables tables = { { run_text, &a }, { run_text, &b }, keys, 1, scratch, NULL, 0, &s.meter };
		pnr_table_diff *found = NULL;
		assert_int_equal(pnr_diff_tables(&tables, NULL, NULL, &found, NULL), n == 0 ? PNR_OK : PNR_CANCELLED);
		/* At the first row, the 4,097th and the 8,193rd. */
		assert_int_equal(s.looks, n == 0 ? 3 : n);
		pnr_table_diff_free(found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_known_by_their_key_wherever_they_stand),
		cmocka_unit_test(numbers_come_by_value_and_before_texts),
		cmocka_unit_test(keys_are_not_joined_by_what_they_hold),
		cmocka_unit_test(the_text_is_as_rfc_4180_has_it),
		cmocka_unit_test(rows_of_one_key_belong_together_in_their_order),
		cmocka_unit_test(columns_are_known_by_name),
		cmocka_unit_test(what_is_no_table_is_refused_with_its_line),
		cmocka_unit_test(a_row_that_is_too_long_is_refused),
		cmocka_unit_test(tables_larger_than_memory_are_sorted_on_disk),
		cmocka_unit_test(the_receiver_may_stop),
		cmocka_unit_test(it_can_be_stopped_between_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
