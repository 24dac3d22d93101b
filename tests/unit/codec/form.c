/* Names of forms, and where the body lies in an encoding. */
#include "support.h"

static void names_go_both_ways(void **state)
{
	(void)state;
	static const struct { pnr_form form; const char *name; } forms[] = {
		{ PNR_FORM_STORED, "stored" }, { PNR_FORM_ZLIB, "zlib" }, { PNR_FORM_GZIP, "gzip" },
	};
	for (size_t i = 0; i < PNR_COUNT(forms); i++) {
		pnr_form form = (pnr_form)99;
		assert_string_equal(pnr_form_name(forms[i].form), forms[i].name);
		assert_true(pnr_form_parse(forms[i].name, &form));
		assert_int_equal(form, forms[i].form);
	}
	static const char *const wrong[] = { "", "Stored", "gz", "gzip ", "zstd" };
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		pnr_form form = (pnr_form)99;
		assert_false(pnr_form_parse(wrong[i], &form));
		assert_int_equal(form, 99);
	}
	assert_string_equal(pnr_form_name((pnr_form)99), "unknown");
}

static void the_encoder_names_the_librarys_version(void **state)
{
	(void)state;
	assert_string_equal(pnr_encoder_name(), "libdeflate-" LIBDEFLATE_VERSION_STRING "/1M");
}

static void the_body_is_located_from_sizes_alone(void **state)
{
	(void)state;
	static const struct {
		pnr_form form;
		bool right;
		uint64_t stored, content, offset, size;
	} cases[] = {
		{ PNR_FORM_STORED, true, 0, 0, 0, 0 },
		{ PNR_FORM_STORED, true, 77, 77, 0, 77 },
		{ PNR_FORM_STORED, false, 76, 77, 0, 0 },
		{ PNR_FORM_ZLIB, true, 100, 1000, 2, 94 },
		{ PNR_FORM_ZLIB, true, 8, 0, 2, 2 },
		{ PNR_FORM_ZLIB, false, 7, 0, 0, 0 },
		{ PNR_FORM_ZLIB, false, 0, 0, 0, 0 },
		{ PNR_FORM_GZIP, false, 100, MIB - 1, 0, 0 }, /* no 82 bytes can hold that */
		{ PNR_FORM_GZIP, true, 1100, MIB - 1, 10, 1082 },
		{ PNR_FORM_GZIP, false, 1100, MIB, 0, 0 },    /* too short for the padded header */
		{ PNR_FORM_GZIP, true, 5200, MIB, 4096, 1096 },
		{ PNR_FORM_GZIP, false, 4104, MIB, 0, 0 },
		{ PNR_FORM_GZIP, true, UINT64_MAX, UINT64_MAX, 4096, UINT64_MAX - 4104 },
		{ PNR_FORM_GZIP, false, 5200, UINT64_MAX, 0, 0 },
		{ (pnr_form)3, false, 100, 100, 0, 0 },
	};
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_encoding e = { .form = cases[i].form, .stored_size = cases[i].stored, .body_offset = 5, .body_size = 6 };
		assert_int_equal(pnr_encoding_locate(&e, cases[i].content), cases[i].right);
		assert_int_equal(e.body_offset, cases[i].right ? cases[i].offset : 5);
		assert_int_equal(e.body_size, cases[i].right ? cases[i].size : 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(the_encoder_names_the_librarys_version),
		cmocka_unit_test(the_body_is_located_from_sizes_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
