/* Remotes, presence, packages on them, transfers: what goes in comes out. */
#include "fixture.h"
#include "index/remote.h"

static int64_t add(pnr_index *index, const char *name)
{
	char url[64];
	(void)snprintf(url, sizeof url, "/mnt/%s", name);
	pnr_remote_row row = { .name = name, .url = url, .added_ms = 1700000000000 };
	assert_ok(pnr_index_remote_put(index, &row, err));
	return row.id;
}

static int append_name(void *user, const pnr_remote_row *row)
{
	pnr_buffer_printf(user, "%s=%s ", row->name, row->url);
	return strcmp(row->name, "c") == 0;
}

static void a_remote_is_found_by_its_name(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	pnr_remote_row found;
	assert_fails(pnr_index_remote_find(index, "b", &arena, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	int64_t id = add(index, "b");
	assert_int_not_equal(add(index, "a"), id);
	assert_int_equal(add(index, "b"), id);
	(void)add(index, "c");
	(void)add(index, "d");
	pnr_remote_row other = { .name = "b", .url = "/elsewhere" };
	assert_fails(pnr_index_remote_put(index, &other, err), PNR_CONFLICT, "at '/mnt/b'");
	assert_int_equal(other.id, 0);
	assert_ok(pnr_index_remote_find(index, "b", &arena, &found, err));
	assert_int_equal(found.id, id);
	assert_string_equal(found.name, "b");
	assert_string_equal(found.url, "/mnt/b");
	assert_true(found.added_ms == 1700000000000);
	assert_ok(pnr_index_remote_list(index, append_name, &list, err));
	assert_string_equal(list.data, "a=/mnt/a b=/mnt/b c=/mnt/c ");
}

static int append_form(void *user, const pnr_presence_row *row)
{
	pnr_buffer_printf(user, "%s ", row->form);
	return 0;
}

static void presence_is_that_of_one_remote_and_the_last_that_was_learned(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_presence_row row = { .hash = digest(1, 1), .size = UINT64_C(5) << 32, .form = "patch", .base = digest(1, 2), .depth = 8,
		                 .stored_hash = digest(2, 1), .stored_size = 7, .confirmed_ms = 1700000000001 }, found;
	assert_ok(pnr_index_begin(index, err));
	int64_t a = add(index, "a"), b = add(index, "b");
	assert_ok(pnr_index_presence_put(index, a, &row, err));
	assert_fails(pnr_index_presence_find(index, b, &row.hash, &found, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_presence_find(index, a, &row.base, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_presence_find(index, a, &row.hash, &found, err));
	assert_true(same(found.hash, row.hash) && same(found.base, row.base) && same(found.stored_hash, row.stored_hash));
	assert_true(found.size == row.size && found.stored_size == 7 && found.depth == 8);
	assert_true(found.confirmed_ms == row.confirmed_ms);
	assert_string_equal(found.form, "patch");
	const pnr_presence_row whole = { .hash = row.hash, .form = "stored" };
	assert_ok(pnr_index_presence_put(index, a, &whole, err));
	assert_ok(pnr_index_presence_find(index, a, &row.hash, &found, err));
	assert_string_equal(found.form, "stored");
	assert_int_equal(found.depth, 0);
	assert_true(same(found.base, whole.base));
	assert_true(same(found.stored_hash, whole.stored_hash) && found.stored_size == 0);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	const pnr_presence_row others[] = { { .hash = digest(1, 3), .form = "gzip" }, { .hash = digest(1, 0), .form = "gzip" } };
	for (size_t i = 0; i < PNR_COUNT(others); i++)
		assert_ok(pnr_index_presence_put(index, a, &others[i], err));
	assert_ok(pnr_index_presence_put(index, b, &row, err));
	assert_ok(pnr_index_presence_list(index, a, append_form, &list, err));
	assert_string_equal(list.data, "gzip gzip stored ");
	assert_ok(pnr_index_presence_forget(index, a, &row.hash, err));
	assert_ok(pnr_index_presence_forget(index, a, &row.hash, err));
	assert_fails(pnr_index_presence_find(index, a, &row.hash, &found, err), PNR_NOT_FOUND, NULL);
}

static void presence_that_cannot_be_is_refused(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	assert_ok(pnr_index_begin(index, err));
	int64_t a = add(index, "a");
	const pnr_presence_row wrong[] = {
		{ .form = "zlib" },
		{ .form = "patch" },
		{ .form = "gzip", .depth = 1 },
		{ .form = "patch", .depth = 9 },
	};
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		assert_fails(pnr_index_presence_put(index, a, &wrong[i], err), PNR_INVALID, "CHECK");
	const pnr_presence_row right = { .form = "gzip" };
	assert_fails(pnr_index_presence_put(index, a + 1, &right, err), PNR_INVALID, "FOREIGN KEY");
}

static int append_package(void *user, const pnr_remote_package_row *row)
{
	pnr_buffer_printf(user, "%s@%d ", row->name, (int)(row->at_ms - 1700000000000));
	return row->at_ms == 1700000000002;
}

static void put_there(pnr_index *index, int64_t remote, unsigned package, const char *name, unsigned at)
{
	const pnr_remote_package_row row = { .package_hash = digest(3, package), .manifest_hash = digest(7, package),
		                             .archive_hash = digest(4, package), .text_hash = digest(1, package),
		                             .name = name, .at_ms = 1700000000000 + at };
	assert_ok(pnr_index_remote_package_put(index, remote, &row, err));
}

static void the_newest_package_on_a_remote_is_one_that_is_here_too(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	static const unsigned blobs[] = { 1 };
	int64_t id = 0;
	assert_ok(pnr_index_begin(index, err));
	int64_t first = put_package(index, 1, blobs, 1), second = put_package(index, 2, blobs, 1);
	int64_t a = add(index, "a"), b = add(index, "b");
	assert_fails(pnr_index_remote_package_newest(index, a, NULL, &id, err), PNR_NOT_FOUND, NULL);
	put_there(index, a, 1, "life", 1);
	put_there(index, a, 2, "other", 3);
	put_there(index, a, 5, "life", 4); /* not here */
	put_there(index, b, 2, "life", 9);
	assert_ok(pnr_index_remote_package_newest(index, a, NULL, &id, err));
	assert_int_equal(id, second);
	assert_ok(pnr_index_remote_package_newest(index, a, "life", &id, err));
	assert_int_equal(id, first);
	assert_fails(pnr_index_remote_package_newest(index, a, "none", &id, err), PNR_NOT_FOUND, NULL);
	put_there(index, a, 1, "life", 2);
	/* That of package 1 is here: it is the blob of that number. */
	pnr_blob_row newest;
	assert_ok(pnr_index_remote_text_newest(index, a, NULL, &newest, err));
	assert_true(same(newest.hash, digest(1, 1)) && newest.id != 0);
	assert_int_equal(newest.size, 1);
	assert_ok(pnr_index_remote_text_newest(index, a, "life", &newest, err));
	assert_fails(pnr_index_remote_text_newest(index, a, "other", &newest, err), PNR_NOT_FOUND, NULL);
	assert_fails(pnr_index_remote_text_newest(index, b, NULL, &newest, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_remote_package_list(index, a, append_package, &list, err));
	assert_string_equal(list.data, "life@4 other@3 life@2 ");
	const pnr_digest package = digest(3, 2), manifest = digest(7, 2), none = digest(7, 3);
	pnr_digest text = none;
	assert_fails(pnr_index_remote_package_text(index, a, &package, &none, &text, err), PNR_NOT_FOUND, NULL);
	assert_true(same(text, none));
	assert_ok(pnr_index_remote_package_text(index, a, &package, &manifest, &text, err));
	assert_true(same(text, digest(1, 2)));
	assert_ok(pnr_index_remote_package_forget(index, a, &package, &none, err));
	assert_ok(pnr_index_remote_package_newest(index, a, NULL, &id, err));
	assert_int_equal(id, second);
	assert_ok(pnr_index_remote_package_forget(index, a, &package, &manifest, err));
	assert_ok(pnr_index_remote_package_newest(index, a, NULL, &id, err));
	assert_int_equal(id, first);
}

static void a_remote_is_removed_with_what_was_known_of_it(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	pnr_presence_row row = { .form = "gzip" }, found;
	assert_fails(pnr_index_remote_remove(index, "a", err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_begin(index, err));
	int64_t a = add(index, "a"), b = add(index, "b");
	assert_ok(pnr_index_presence_put(index, a, &row, err));
	assert_ok(pnr_index_presence_put(index, b, &row, err));
	put_there(index, a, 1, "x", 1);
	put_there(index, b, 1, "y", 1);
	const pnr_transfer_row transfer = { .remote = "a", .direction = "push", .outcome = "done" };
	assert_ok(pnr_index_transfer_put(index, &transfer, err));
	assert_ok(pnr_index_remote_remove(index, "a", err));
	assert_ok(pnr_index_commit(index, err));
	assert_fails(pnr_index_presence_find(index, a, &row.hash, &found, err), PNR_NOT_FOUND, NULL);
	assert_ok(pnr_index_presence_find(index, b, &row.hash, &found, err));
	assert_ok(pnr_index_remote_package_list(index, a, append_package, &list, err));
	assert_int_equal(list.length, 0);
	assert_ok(pnr_index_remote_package_list(index, b, append_package, &list, err));
	assert_string_equal(list.data, "y@1 ");
}

static void writing_needs_a_transaction(void **state)
{
	pnr_index *index = ((fixture *)*state)->index;
	pnr_remote_row row = { .name = "a", .url = "/a" };
	const pnr_transfer_row transfer = { .direction = "push" };
	assert_fails(pnr_index_remote_put(index, &row, err), PNR_INVALID, "no transaction");
	assert_fails(pnr_index_transfer_put(index, &transfer, err), PNR_INVALID, "no transaction");
	assert_ok(pnr_index_begin(index, err));
	const pnr_transfer_row sideways = { .direction = "both" };
	assert_fails(pnr_index_transfer_put(index, &sideways, err), PNR_INVALID, "CHECK");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_remote_is_found_by_its_name),
		TEST(presence_is_that_of_one_remote_and_the_last_that_was_learned),
		TEST(presence_that_cannot_be_is_refused),
		TEST(the_newest_package_on_a_remote_is_one_that_is_here_too),
		TEST(a_remote_is_removed_with_what_was_known_of_it),
		TEST(writing_needs_a_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
