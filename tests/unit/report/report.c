/* The page of a store: empty, with one package, with very many; what it says,
 * and that it has bounds. */
#include "../index/fixture.h"
#include "index/database.h"
#include "report/chart.h"
#include "store/store.h"
#include <pannier/report.h>

#define HOSTILE "<script>alert(1)</script>\"'&\x1b\u202e"

typedef struct scene {
	fixture index;
	pnr_store *store;
	pnr_buffer page;
	pnr_report_info info;
} scene;

static int set_up(void **state)
{
	scene *s = calloc(1, sizeof *s);
	assert_non_null(s);
	make_dir(&s->index);
	const pnr_store_options options = { .size = sizeof options, .create = true };
	(void)snprintf(s->index.path, sizeof s->index.path, "%s/store", s->index.dir);
	assert_ok(pnr_store_open(s->index.path, &options, &s->store, NULL, err));
	s->index.index = pnr_store_index(s->store);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	scene *s = *state;
	pnr_store_close(s->store);
	pnr_buffer_free(&s->page);
	assert_ok(pnr_file_remove_tree(AT_FDCWD, s->index.dir, err));
	free(s);
	return 0;
}

static int take(void *user, const void *data, size_t length)
{
	pnr_buffer_append(user, data, length);
	return 0;
}

static void make_page(scene *s)
{
	pnr_buffer_clear(&s->page);
	assert_ok(pnr_report(s->store, NULL, take, &s->page, NULL, &s->info, err));
	assert_int_equal(s->info.bytes, s->page.length);
	assert_memory_equal(s->page.data, "<!DOCTYPE html>", 15);
	assert_string_equal(s->page.data + s->page.length - 8, "</html>\n");
}

static size_t count_of(const scene *s, const char *text)
{
	size_t count = 0;
	for (const char *at = s->page.data; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

#define assert_says(s, text)                                                                                           \
	do {                                                                                                           \
		if (strstr((s)->page.data, (text)) == NULL)                                                            \
			fail_msg("the page has no '%s'", (text));                                                      \
	} while (0)

static void an_empty_store_has_a_page(void **state)
{
	scene *s = *state;
	make_page(s);
	assert_int_equal(s->info.entries, 0);
	assert_int_equal(count_of(s, "<section>"), 0);
	assert_says(s, "Nothing was packed yet");
}

static void one_package_is_shown_in_full(void **state)
{
	scene *s = *state;
	static const unsigned blobs[] = { 10, 20 };
	char hex[PNR_DIGEST_HEX_SIZE];
	const pnr_digest package = digest(3, 1), archive = digest(4, 1), content = digest(1, 20);
	assert_ok(pnr_index_begin(s->index.index, err));
	int64_t id = put_package(s->index.index, 1, blobs, 2);
	(void)put_log(s->index.index, id, put_archive(s->index.index, id, 1), "life", 1);
	assert_ok(pnr_index_tag_put(s->index.index, "the-tag", id, 0, 1700000000000, false, err));
	assert_ok(pnr_index_commit(s->index.index, err));
	make_page(s);
	assert_says(s, pnr_digest_to_hex(&package, hex));
	assert_says(s, pnr_digest_to_hex(&archive, hex));
	assert_says(s, pnr_digest_to_hex(&content, hex));
	assert_says(s, "data/1.csv");
	assert_says(s, "the-tag");
	assert_says(s, "There is no remote");
	assert_int_equal(count_of(s, "class=\"added\" y"), 2);
	assert_int_equal(count_of(s, "</title></g>"), 1);
	assert_int_equal(s->info.listed, 1);
	assert_int_equal(s->info.assets, 2);
}

static void put_hostile(pnr_index *index, int64_t package_id, const char *note, unsigned number)
{
	pnr_log_row row = { .at_ms = 1700000000000 + (int64_t)number * 3600000,
			    .event = "pack",
			    .package_id = package_id,
			    .name = HOSTILE,
			    .user = HOSTILE,
			    .host = HOSTILE,
			    .git_commit = HOSTILE,
			    .ci_run = HOSTILE,
			    .tool_version = HOSTILE,
			    .note = note,
			    .git_dirty = 1,
			    .entry_hash = digest(5, number) };
	int64_t head;
	assert_ok(pnr_index_log_head(index, &head, &row.previous_hash, err));
	assert_ok(pnr_index_log_put(index, &row, err));
}

/* Every pack changes every asset, and every text is as long and as hostile as
 * it can be. */
static void the_page_of_any_store_has_bounds(void **state)
{
	enum { PACKAGES = 110, ASSETS = 50 };
	scene *s = *state;
	unsigned blobs[ASSETS];
	char note[4001];
	memset(note, '<', sizeof note - 1);
	note[sizeof note - 1] = '\0';
	assert_ok(pnr_index_begin(s->index.index, err));
	for (unsigned i = 1; i <= PACKAGES; i++) {
		for (unsigned j = 0; j < ASSETS; j++)
			blobs[j] = i * 1000 + j;
		put_hostile(s->index.index, put_package(s->index.index, i, blobs, ASSETS), note, i);
	}
	assert_ok(pnr_index_commit(s->index.index, err));
	make_page(s);
	assert_int_equal(s->info.entries, PACKAGES);
	assert_int_equal(s->info.listed, PNR_REPORT_ENTRIES);
	assert_int_equal(s->info.compared, PNR_REPORT_COLUMNS);
	assert_int_equal(s->info.assets, PNR_REPORT_ROWS);
	assert_int_equal(s->info.changed, ASSETS);
	assert_int_equal(count_of(s, "class=\"changed\" y"), PNR_REPORT_ROWS * PNR_REPORT_COLUMNS);
	assert_true(s->info.bytes < 1000000);
	assert_int_equal(count_of(s, "<script"), 0);
	assert_int_equal(count_of(s, "\x1b"), 0);
	assert_int_equal(count_of(s, "\u202e"), 0);
	assert_says(s, "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\\x1b\\u202e");
	assert_says(s, "The newest 60 of 110");
	assert_says(s, "The newest 100 of 110");
	assert_says(s, "Drawn are 40 of 50");
}

static void what_was_pushed_is_told(void **state)
{
	scene *s = *state;
	static const unsigned blobs[] = { 10 };
	assert_ok(pnr_index_begin(s->index.index, err));
	(void)put_log(s->index.index, put_package(s->index.index, 1, blobs, 1), 0, "life", 1);
	assert_ok(pnr_index_run(s->index.index, "push",
				"INSERT INTO remote VALUES (1, 'share<', '/mnt/s', "
				"'2026-01-01T00:00:00.000Z');"
				"INSERT INTO transfer (remote, url, direction, package_hash, "
				"archive_hash, at, seconds,"
				" blobs_needed, blobs_sent, blobs_patched, bytes_sent, bytes_full, "
				"outcome)"
				" SELECT 'share<', '/mnt/s', 'push', package_hash, package_hash,"
				" '2026-01-01T00:00:00.000Z', 0.25, 4, 3, 1, 1000, 4000, 'done' FROM "
				"package",
				err));
	assert_ok(pnr_index_commit(s->index.index, err));
	make_page(s);
	assert_says(s, "Pushed to <bdi>share&#60;</bdi>");
	assert_says(s, "saved <strong>75.0 %</strong>");
	assert_says(s, "/mnt/s");
	assert_int_equal(count_of(s, "There is no remote"), 0);
}

static int stop(void *user, const pnr_progress *progress)
{
	(void)progress;
	return --*(int *)user < 0;
}

static void a_file_is_there_whole_or_not_at_all(void **state)
{
	scene *s = *state;
	char path[700], inside[700];
	int calls = 1;
	const pnr_report_options stopping = { .size = sizeof stopping, .progress = stop, .progress_user = &calls };
	(void)snprintf(path, sizeof path, "%s/new/page.html", s->index.dir);
	(void)snprintf(inside, sizeof inside, "%s/page.html", s->index.path);
	assert_fails(pnr_report(s->store, path, NULL, NULL, &stopping, NULL, err), PNR_CANCELLED, "");
	assert_int_not_equal(access(path, F_OK), 0);
	assert_ok(pnr_report(s->store, path, NULL, NULL, NULL, NULL, err));
	assert_int_equal(access(path, R_OK), 0);
	assert_fails(pnr_report(s->store, inside, NULL, NULL, NULL, NULL, err), PNR_INVALID, "lies in the store");
	assert_fails(pnr_report(s->store, s->index.dir, NULL, NULL, NULL, NULL, err), PNR_INVALID, "is a folder");
}

/* Axes at the edges of what a log can hold. */
static void every_time_and_size_has_an_axis(void **state)
{
	static const int64_t spans[][2] = { { 0, 0 },
					    { 1, 2 },
					    { 1700000000000, 1700000000000 + 86400000 * INT64_C(40) },
					    { 951782400000, 1709164800000 },
					    { -62167219200000, 253402300799999 } };
	static const uint64_t sizes[] = { 0, 1, 1023, 1024, 5u << 20, INT64_MAX };
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(spans) * 2; i++)
		for (size_t j = 0; j < PNR_COUNT(sizes); j++) {
			const int64_t *span = spans[i / 2], times[] = { span[1], span[0] };
			pnr_page page = { .text = PNR_BUFFER_INIT };
			pnr_chart chart;
			unsigned labels = 0;
			pnr_chart_begin(&chart, i % 2 == 0 ? 2 : PNR_CHART_FEW + 1, span[0], span[1], times);
			assert_int_equal(pnr_chart_is_of_packages(&chart), i % 2 == 0);
			pnr_chart_add(&chart, span[0], sizes[j], 0);
			pnr_chart_add(&chart, span[1], sizes[j], sizes[j] / 2);
			pnr_chart_draw(&chart, &page);
			assert_non_null(page.text.data);
			for (const char *at = page.text.data; (at = strstr(at, "<text class=\"")) != NULL; at++)
				labels += strncmp(at + 13, "y\"", 2) != 0;
			assert_in_range(labels, i % 2 == 0 ? 2 : 1, i % 2 == 0 ? 2 : 13);
			assert_true(page.text.length < 10000);
			pnr_page_free(&page);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_store_has_a_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_package_is_shown_in_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_page_of_any_store_has_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_pushed_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_is_there_whole_or_not_at_all, set_up, tear_down),
		cmocka_unit_test(every_time_and_size_has_an_axis),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
