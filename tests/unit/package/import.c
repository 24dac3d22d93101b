/* What happens to a file, or to the store, while packages are imported. */
#include "packages.h"
#include "store/store.h"
#include <pannier/history.h>

/* A second actor: what it does when @phase begins, once. */
typedef struct meanwhile {
	const place *w;
	pnr_phase phase;
	void (*act)(const place *w);
	bool done;
} meanwhile;

static int on_progress(void *user, const pnr_progress *progress)
{
	meanwhile *m = user;
	if (m->act == NULL || m->done || progress->phase != m->phase)
		return 0;
	m->done = true;
	m->act(m->w);
	return 0;
}

static pnr_store *open_store(const place *w)
{
	char path[256];
	pnr_store *store = NULL;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 1 };
	if (pnr_store_open(in(w, "store", path), &options, &store, NULL, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return store;
}

static int keep(void *user, const pnr_imported *imported)
{
	pnr_imported *last = user;
	*last = *imported;
	return 0;
}

static pnr_status import(const place *w, meanwhile *m, pnr_imported *out, pnr_error *err)
{
	pnr_store *store = open_store(w);
	const char *const files[] = { w->zip };
	const pnr_import_options options = { .size = sizeof options, .progress = on_progress, .progress_user = m };
	pnr_status status = pnr_import(store, files, 1, &options, keep, out, err);
	pnr_store_close(store);
	return status;
}

static int count_entry(void *user, const pnr_log_entry *entry)
{
	(void)entry;
	++*(int *)user;
	return 0;
}

static int entries(const place *w)
{
	int count = 0;
	pnr_store *store = open_store(w);
	assert_int_equal(pnr_store_log(store, NULL, 0, count_entry, &count, NULL), PNR_OK);
	pnr_store_close(store);
	return count;
}

static void write_sample(const char *file, const char *script, const char *created_at)
{
	package p = sample();
	asset_of(&p, "python/sum.py")->data = script;
	asset_of(&p, "python/sum.py")->length = strlen(script);
	char *manifest = manifest_of(&p);
	char *at = strstr(manifest, CREATED_AT);
	assert_non_null(at);
	memcpy(at, created_at, strlen(CREATED_AT));
	p.manifest = manifest;
	write_package(&p, file);
	free(manifest);
}

/* Its name becomes that of another file; the file that had it stays as it is. */
static void replace(const place *w)
{
	char path[256];
	write_sample(in(w, "other.zip", path), "other\n", CREATED_AT);
	assert_int_equal(unlink(w->zip), 0);
	assert_int_equal(symlink("other.zip", w->zip), 0);
}

static void what_was_verified_is_what_is_taken(void **state)
{
	const place *w = *state;
	static const pnr_phase phases[] = { PNR_PHASE_VERIFY, PNR_PHASE_HASH };
	for (size_t i = 0; i < PNR_COUNT(phases); i++) {
		char hex[PNR_DIGEST_HEX_SIZE], path[256];
		pnr_imported found = { .size = 0 };
		pnr_package_info *info = NULL;
		pnr_error err = PNR_ERROR_INIT;
		package p = sample();
		p.more = i == 0 ? "" : ", \"more\": 1";
		write_package(&p, in(w, "first.zip", path));
		assert_true(unlink(w->zip) == 0 || errno == ENOENT);
		assert_int_equal(symlink("first.zip", w->zip), 0);
		meanwhile m = { .w = w, .phase = phases[i], .act = replace };
		if (import(w, &m, &found, &err) != PNR_OK)
			fail_msg("%s", err.message);
		assert_true(m.done);
		assert_true(pnr_digest_equal(&found.package_hash, &p.hash));
		pnr_store *store = open_store(w);
		assert_int_equal(pnr_store_resolve(store, pnr_digest_to_hex(&found.archive_hash, hex), &info, NULL), PNR_OK);
		assert_true(pnr_digest_equal(&info->package_hash, &p.hash));
		pnr_package_info_free(info);
		pnr_store_close(store);
	}
}

/* It is another one after its place in the order was taken. */
static void make_older(const place *w)
{
	write_sample(w->zip, SCRIPT, "2020-01-24T12:34:56.789Z");
}

static int make_older_now(void *user, const pnr_imported *imported)
{
	(void)imported;
	make_older(user);
	return 0;
}

static void one_that_changed_since_it_was_looked_at_is_refused(void **state)
{
	place *w = *state;
	char path[256];
	pnr_error err = PNR_ERROR_INIT;
	write_sample(in(w, "first.zip", path), "first\n", "2021-01-24T12:34:56.789Z");
	write_sample(w->zip, SCRIPT, CREATED_AT);
	const char *const files[] = { w->zip, path };
	pnr_store *store = open_store(w);
	assert_int_equal(pnr_import(store, files, 2, NULL, make_older_now, w, &err), PNR_RETRY);
	assert_non_null(strstr(err.message, "changed while it was read"));
	pnr_store_close(store);
	assert_int_equal(entries(w), 1);
}

static void import_too(const place *w)
{
	pnr_imported found = { .size = 0 };
	meanwhile none = { .w = w };
	pnr_error err = PNR_ERROR_INIT;
	if (import(w, &none, &found, &err) != PNR_OK)
		fail_msg("%s", err.message);
	assert_false(found.known);
}

static void pack_model(const place *w, const char *store_name, const char *rates)
{
	static const char *const folders[] = { "model", "model/wasm", "model/python" };
	static char engine[100000]; /* too large to be kept in the database, and does not shrink */
	char path[256];
	uint32_t random = 1;
	for (size_t i = 0; i < PNR_COUNT(folders); i++)
		assert_true(mkdir(in(w, folders[i], path), 0777) == 0 || errno == EEXIST);
	for (size_t i = 0; i < sizeof engine; i++) {
		random = random * 1664525 + 1013904223;
		engine[i] = (char)((random >> 24) | 1);
	}
	FILE *f = fopen(in(w, "model/wasm/val.wasm", path), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(engine, 1, sizeof engine, f), sizeof engine);
	assert_int_equal(fclose(f), 0);
	write_text(in(w, "model/livecalc.config.json", path), CONFIG);
	write_text(in(w, "model/model.mga", path), "MODEL\n");
	write_text(in(w, "model/wasm/val.mjs", path), "export default 1;\n");
	write_text(in(w, "model/python/sum.py", path), SCRIPT);
	write_text(in(w, "model/l.csv", path), rates);
	pnr_store *store = NULL;
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_store_options how = { .size = sizeof how, .create = true };
	const pnr_pack_options options = {
		.size = sizeof options, .workspace = w->dir, .output_path = w->zip, .name = ".", .portable = true };
	assert_int_equal(pnr_store_open(in(w, store_name, path), &how, &store, NULL, NULL), PNR_OK);
	if (pnr_pack(store, in(w, "model/livecalc.config.json", path), &options, &result, &err) != PNR_OK)
		fail_msg("%s", err.message);
	pnr_pack_result_free(result);
	pnr_store_close(store);
}

static void two_at_a_time_make_one_entry(void **state)
{
	const place *w = *state;
	pnr_imported found = { .size = 0 };
	pnr_error err = PNR_ERROR_INIT;
	/* One that is only recorded, then one that is adopted. */
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			write_sample(w->zip, SCRIPT, CREATED_AT);
		else
			pack_model(w, "elsewhere", "1,0.01\n");
		meanwhile m = { .w = w, .phase = PNR_PHASE_HASH, .act = import_too };
		if (import(w, &m, &found, &err) != PNR_OK)
			fail_msg("%s", err.message);
		assert_true(m.done && found.known && !found.archive_identical);
		assert_int_equal(entries(w), i + 1);
	}
}

static void what_was_packed_here_is_known(void **state)
{
	const place *w = *state;
	pnr_imported found = { .size = 0 };
	meanwhile none = { .w = w };
	pack_model(w, "store", "1,0.01\n");
	assert_int_equal(import(w, &none, &found, NULL), PNR_OK);
	assert_true(found.known);
	assert_int_equal(entries(w), 1);
}

/* Every object below @dir has another byte in its middle. */
static void damage(const char *dir)
{
	char path[512];
	DIR *d = opendir(dir);
	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		assert_int_equal(stat(path, &st), 0);
		if (S_ISDIR(st.st_mode)) {
			damage(path);
			continue;
		}
		assert_int_equal(chmod(path, 0644), 0);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, "\0", 1, st.st_size / 2), 1);
		assert_int_equal(close(fd), 0);
	}
	(void)closedir(d);
}

static void damage_objects(const place *w)
{
	char path[256];
	damage(in(w, "store/objects", path));
}

static void damage_in_the_store_is_no_foreign_manifest(void **state)
{
	const place *w = *state;
	pnr_imported found = { .size = 0 };
	meanwhile m = { .w = w, .phase = PNR_PHASE_WRITE, .act = damage_objects };
	pnr_error err = PNR_ERROR_INIT;
	pack_model(w, "elsewhere", "1,0.01\n");
	assert_int_equal(import(w, &m, &found, &err), PNR_CORRUPT);
	assert_true(m.done);
	assert_int_equal(entries(w), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_verified_is_what_is_taken),
		TEST(one_that_changed_since_it_was_looked_at_is_refused),
		TEST(two_at_a_time_make_one_entry),
		TEST(what_was_packed_here_is_known),
		TEST(damage_in_the_store_is_no_foreign_manifest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
