/* Two contents of a store compared: it can be stopped while they are read. */
#include "../sync/models.h"
#include <pannier/history.h>
#include <unistd.h>

static int take_table(void *user, const pnr_asset_info *row)
{
	pnr_digest *hash = user;
	if (strcmp(row->type, "assumption") != 0)
		return 0;
	*hash = row->hash;
	return 1;
}

/* The first report is of the beginning; the next one comes when some of the content is there. */
static int stop_in_content(void *user, const pnr_progress *progress)
{
	uint64_t *done = user;
	assert_int_equal(progress->phase, PNR_PHASE_COMPARE);
	*done = progress->bytes_done;
	if (*done == 0)
		(void)usleep(60000);
	return *done > 0;
}

static int no_lines(void *user, const void *data, size_t length)
{
	(void)user, (void)data, (void)length;
	return 0;
}

static void it_can_be_stopped_while_content_is_read(void **state)
{
	const place *w = *state;
	const char *const keys[] = { "age" };
	pnr_store *store = open_store(w, "store");
	pnr_digest hash = { { 0 } };
	pnr_table_diff *diff = NULL;
	uint64_t done = 0;
	const pnr_diff_options options = { .size = sizeof options, .progress = stop_in_content, .progress_user = &done };
	(void)pack_version(w, store, 1, "zip");
	ok(pnr_store_assets(store, "latest", take_table, &hash, err));
	fails(pnr_store_diff_table(store, &hash, &hash, keys, 1, &options, NULL, NULL, &diff, err), PNR_CANCELLED, "cancelled");
	assert_true(done > 0);
	done = 0;
	fails(pnr_store_diff_text(store, &hash, &hash, &options, no_lines, NULL, err), PNR_CANCELLED, "cancelled");
	assert_true(done > 0);
	pnr_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_can_be_stopped_while_content_is_read, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
