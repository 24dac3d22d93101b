/* XML as servers write it, and texts that are none. */
#include "support.h"
#include "base/xml.h"

static pnr_status note(void *user, const pnr_xml_event *event, pnr_error *err)
{
	(void)err;
	pnr_buffer_printf(user, "%s=%s|", event->path, event->text);
	return PNR_OK;
}

static void check(const char *text, const char *expected)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
	/* exactly as long as it is: reading beyond is found */
	size_t length = strlen(text);
	char *copy = malloc(length == 0 ? 1 : length);
	assert_non_null(copy);
	memcpy(copy, text, length);
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_xml_scan(copy, length, note, &out, &err);
	free(copy);
	if (expected == NULL && status != PNR_INVALID)
		fail_msg("'%s' is taken: %s", text, out.data);
	if (expected != NULL && status != PNR_OK)
		fail_msg("'%s': %s", text, err.message);
	if (expected != NULL)
		assert_string_equal(out.data, expected);
}

static void elements_are_told_at_their_end(void **state)
{
	(void)state;
	check("<?xml version=\"1.0\"?>\n<L xmlns='http://x/'><C><Key>a/b</Key><Size>5</Size></C><C/><T >x</T\n></L>\n",
	      "L/C/Key=a/b|L/C/Size=5|L/C=|L/C=|L/T=x|L=|");
	check("\xef\xbb\xbf<a>x</a>", "a=x|");
	check("<p:a p:q='>'><!-- <b> --><p:b>y</p:b> tail</p:a>", "a/b=y|a=|");
	check("<a></a>", "a=|");
}

static void entities_are_what_they_stand_for(void **state)
{
	(void)state;
	check("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x4e2;&#x20ac;&#x1F600;</a>",
	      "a=<>&\"'A\xd3\xa2\xe2\x82\xac\xf0\x9f\x98\x80|");
	check("<a>x<![CDATA[<&]]>y</a>", "a=x<&y|");
}

static void what_is_no_xml_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", " ", "x", "<", "<a", "<a>", "<a/", "<a></b>", "</a>", "<a></a></a>",
		                             "<a/><b/>", "<a/>x", "x<a/>", "&lt;<a/>", "<a>&</a>", "<a>&;</a>",
		                             "<a>&#;</a>", "<a>&#0;</a>", "<a>&#xd800;</a>", "<a>&#x110000;</a>",
		                             "<a>&#1x;</a>", "<a>&nbsp;</a>", "<a>&lt</a>", "<a><!-- ", "<a><![CDATA[",
		                             "<![CDATA[x]]>", "<!DOCTYPE a><a/>", "<a b='></a>", "<>", "<a><></a>",
		                             "<a><a></a>", "<ab></a>", "<a></ab>", "<a></a b>", "<?xml" };
	for (size_t i = 0; i < PNR_COUNT(texts); i++)
		check(texts[i], NULL);
	assert_int_equal(pnr_xml_scan("<a>\0</a>", 8, note, NULL, NULL), PNR_INVALID);
	assert_int_equal(pnr_xml_scan("<a><![CDATA[\0]]></a>", 20, note, NULL, NULL), PNR_INVALID);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	for (int depth = 1; depth <= 33; depth++) {
		pnr_buffer out = PNR_BUFFER_INIT;
		pnr_buffer_clear(&text);
		for (int i = 0; i < depth; i++)
			pnr_buffer_puts(&text, "<n>");
		for (int i = 0; i < depth; i++)
			pnr_buffer_puts(&text, "</n>");
		assert_int_equal(pnr_xml_scan(text.data, text.length, note, &out, NULL),
		                 depth <= 32 ? PNR_OK : PNR_INVALID);
		pnr_buffer_free(&out);
	}
	pnr_buffer_clear(&text);
	for (int i = 0; i < 1025; i++)
		pnr_buffer_putc(&text, i == 0 ? '<' : 'n');
	pnr_buffer_puts(&text, "/>");
	pnr_buffer out = PNR_BUFFER_INIT;
	assert_int_equal(pnr_xml_scan(text.data, text.length, note, &out, NULL), PNR_INVALID);
	pnr_buffer_free(&out);
}

static pnr_status refuse(void *user, const pnr_xml_event *event, pnr_error *err)
{
	++*(int *)user;
	return pnr_fail(err, PNR_CANCELLED, "stopped at %s", event->path);
}

static void a_visitor_may_stop(void **state)
{
	(void)state;
	int calls = 0;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_xml_scan("<a><b/><c/></a>", 15, refuse, &calls, &err), PNR_CANCELLED);
	assert_string_equal(err.message, "stopped at a/b");
	assert_int_equal(calls, 1);
}

static void one_text_is_found(void **state)
{
	(void)state;
	static const char text[] = "<Error><Code>NoSuchKey</Code><Code>b</Code><Message>a &amp; b</Message></Error>";
	static const struct {
		const char *path, *expected;
		size_t length;
	} cases[] = { { "Error/Code", "NoSuchKey", sizeof text - 1 },
		      { "Error/Message", "a & b", sizeof text - 1 },
		      { "Error/Code", "NoSuchKey", 40 },
		      { "Error/Host", "", sizeof text - 1 },
		      { "Code", "", sizeof text - 1 },
		      { "Error/Code", "", 10 } };
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer out = PNR_BUFFER_INIT;
		assert_int_equal(pnr_xml_find(text, cases[i].length, cases[i].path, &out, NULL), PNR_OK);
		assert_string_equal(out.length == 0 ? "" : out.data, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_told_at_their_end), cmocka_unit_test(entities_are_what_they_stand_for),
		cmocka_unit_test(what_is_no_xml_is_refused),      cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_visitor_may_stop),             cmocka_unit_test(one_text_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
