/* What a page makes of texts and numbers. */
#include "report/page.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

static void expect_text(const char *text, size_t limit, const char *wanted)
{
	pnr_page page = { .text = PNR_BUFFER_INIT };
	pnr_page_text(&page, text, limit);
	pnr_page_puts(&page, "");
	assert_string_equal(page.text.length == 0 ? "" : page.text.data, wanted);
	pnr_page_free(&page);
}

static void what_means_something_in_html_is_escaped(void **state)
{
	(void)state;
	expect_text("<script>alert(1)</script>", 0, "&#60;script&#62;alert(1)&#60;/script&#62;");
	expect_text("a & b \" ' ` c", 0, "a &#38; b &#34; &#39; &#96; c");
	expect_text("&lt;", 0, "&#38;lt;");
	expect_text("plain/päth 表.csv", 0, "plain/päth 表.csv");
	expect_text("", 0, "");
}

static void what_cannot_be_seen_is_named(void **state)
{
	(void)state;
	expect_text("a\x1b[31m\n\t\x7f", 0, "a\\x1b[31m\\x0a\\x09\\x7f");
	expect_text("\u202egpj.exe\u202c", 0, "\\u202egpj.exe\\u202c");
	expect_text("\u2066x\u2069\u061c\u200e", 0, "\\u2066x\\u2069\\u061c\\u200e");
	expect_text("a\u200bb\ufeff\u00ad", 0, "a\\u200bb\\ufeff\\u00ad");
	expect_text("\xc2\x85\xef\xbf\xbe\xf3\xa0\x81\x81", 0, "\\u0085\\ufffe\\ue0041");
}

static void what_is_no_utf8_is_shown_byte_by_byte(void **state)
{
	(void)state;
	expect_text("\xff\xc0\x80", 0, "\\xff\\xc0\\x80");
	expect_text("\xed\xa0\x80", 0, "\\xed\\xa0\\x80");
	expect_text("ab\xe2\x82", 0, "ab\\xe2\\x82");
}

static void a_long_text_ends_in_dots(void **state)
{
	(void)state;
	expect_text("abcdef", 6, "abcdef");
	expect_text("abcdefg", 6, "abcdef…");
	expect_text("<<<", 2, "&#60;&#60;…");
	expect_text("表表表", 2, "表表…");
}

static void expect_buffer(pnr_page *page, const char *wanted)
{
	assert_string_equal(page->text.data, wanted);
	pnr_buffer_clear(&page->text);
}

static void numbers_are_as_people_read_them(void **state)
{
	(void)state;
	char text[PNR_SIZE_TEXT];
	pnr_page page = { .text = PNR_BUFFER_INIT };
	pnr_page_number(&page, 0);
	expect_buffer(&page, "0");
	pnr_page_number(&page, 999);
	expect_buffer(&page, "999");
	pnr_page_number(&page, UINT64_MAX);
	expect_buffer(&page, "18,446,744,073,709,551,615");
	assert_string_equal(pnr_size_text(0, text), "0 B");
	assert_string_equal(pnr_size_text(1023, text), "1023 B");
	assert_string_equal(pnr_size_text(1536, text), "1.5 KiB");
	assert_string_equal(pnr_size_text(1048575, text), "1.0 MiB");
	assert_string_equal(pnr_size_text(UINT64_MAX, text), "16.0 EiB");
	pnr_page_size(&page, 1536);
	expect_buffer(&page, "1.5<span class=\"u\"> KiB</span>");
	pnr_page_length(&page, 1, 3);
	expect_buffer(&page, "33.33%");
	pnr_page_saved(&page, 25, 100);
	expect_buffer(&page, "75.0 %");
	pnr_page_saved(&page, 100, 25);
	expect_buffer(&page, "0.0 %");
	pnr_page_saved(&page, 1, 1000000);
	expect_buffer(&page, "99.9 %");
	pnr_page_saved(&page, 0, 5);
	expect_buffer(&page, "100.0 %");
	pnr_page_time(&page, 1700000000000);
	expect_buffer(&page, "2023-11-14 22:13");
	pnr_page_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_means_something_in_html_is_escaped),
		cmocka_unit_test(what_cannot_be_seen_is_named),
		cmocka_unit_test(what_is_no_utf8_is_shown_byte_by_byte),
		cmocka_unit_test(a_long_text_ends_in_dots),
		cmocka_unit_test(numbers_are_as_people_read_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
