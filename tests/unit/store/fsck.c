/* A check of a store: a large object is decoded too, who has enough is told no more, and it can be cancelled. */
#include "../sync/models.h"
#include <pannier/fsck.h>

#define LARGE 3000000u

typedef struct told {
	int count, stop_after;
	char kind[16];
	uint64_t packages;
} told;

static int tell(void *user, const pnr_fsck_problem *problem)
{
	told *t = user;
	t->count++;
	(void)snprintf(t->kind, sizeof t->kind, "%s", problem->kind);
	t->packages += problem->package_count;
	return t->count == t->stop_after;
}

/* The engine is of several blocks, and packed twice with different tables. */
static pnr_store *pack_large(const place *w)
{
	static char engine[LARGE];
	pnr_store *store = open_store(w, "store");
	for (unsigned version = 1; version <= 2; version++) {
		uint32_t random = 1;
		write_model(w, "model", version);
		for (size_t i = 0; i < sizeof engine; i++) {
			random = random * 1664525 + 1013904223;
			engine[i] = (char)(random >> 30);
		}
		put_bytes(w, "model/wasm/val.wasm", engine, sizeof engine);
		(void)pack_model(w, store, (pnr_pack_options){ .size = 0 }, "zip");
	}
	return store;
}

static char *only_object(const place *w, char path[512])
{
	char command[512];
	(void)snprintf(command, sizeof command, "find %s/store/objects -name '*.gz'", w->dir);
	FILE *found = popen(command, "r");
	assert_non_null(found);
	assert_non_null(fgets(path, 512, found));
	path[strcspn(path, "\n")] = '\0';
	assert_int_equal(pclose(found), 0);
	return path;
}

static void a_large_object_is_decoded_and_damage_in_it_is_found(void **state)
{
	const place *w = *state;
	char path[512];
	told t = { .count = 0 };
	pnr_fsck_result result;
	pnr_fsck_options options = { .size = sizeof options, .depth = PNR_FSCK_FULL, .problem = tell, .problem_user = &t };
	pnr_store *store = pack_large(w);
	ok(pnr_fsck(store, &options, &result, err));
	assert_true(result.bytes > LARGE);
	assert_int_equal(t.count, 0);
	FILE *f = fopen(only_object(w, path), "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, -100000, SEEK_END), 0);
	assert_int_equal(fwrite("damage", 1, 6, f), 6);
	assert_int_equal(fclose(f), 0);
	fails(pnr_fsck(store, &options, &result, err), PNR_CORRUPT, "1 problem");
	assert_string_equal(t.kind, "object");
	assert_int_equal(t.packages, 2);
	assert_int_equal(unlink(path), 0);
	options.depth = PNR_FSCK_DEFAULT;
	fails(pnr_fsck(store, &options, &result, err), PNR_CORRUPT, "1 problem");
	options.depth = PNR_FSCK_QUICK;
	ok(pnr_fsck(store, &options, &result, err));
	pnr_store_close(store);
}

static void who_has_enough_is_told_no_more_and_all_is_counted(void **state)
{
	const place *w = *state;
	told t = { .stop_after = 1 };
	pnr_fsck_result result;
	const pnr_fsck_options options = { .size = sizeof options, .problem = tell, .problem_user = &t };
	char command[512];
	pnr_store *store = pack_large(w);
	(void)snprintf(command, sizeof command,
	               "sqlite3 %s/store/pannier.db 'UPDATE package SET asset_count = 1'", w->dir);
	assert_int_equal(system(command), 0);
	fails(pnr_fsck(store, &options, &result, err), PNR_CORRUPT, "problems");
	assert_int_equal(t.count, 1);
	assert_string_equal(t.kind, "package");
	assert_true(result.problems >= 2);
	pnr_store_close(store);
}

static int stop(void *user, const pnr_progress *progress)
{
	(void)user;
	return progress->bytes_done > 0;
}

static void it_can_be_cancelled(void **state)
{
	const place *w = *state;
	pnr_fsck_result result;
	const pnr_fsck_options options = { .size = sizeof options, .depth = PNR_FSCK_FULL, .progress = stop };
	pnr_store *store = pack_large(w);
	fails(pnr_fsck(store, &options, &result, err), PNR_CANCELLED, "");
	pnr_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_large_object_is_decoded_and_damage_in_it_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_has_enough_is_told_no_more_and_all_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_can_be_cancelled, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
