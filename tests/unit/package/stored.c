/* A package in the store is verified, unpacked and handed to the worker as its zip is. */
#include "packages.h"
#include "store/store.h"

typedef struct packed {
	char model[256], store_dir[256];
	pnr_store *store;
	pnr_digest package_hash, archive_hash;
} packed;

static void write_model(const place *w)
{
	char path[256];
	package p = sample();
	static const char *const folders[] = { "model", "model/wasm", "model/python" };
	for (size_t i = 0; i < PNR_COUNT(folders); i++)
		assert_int_equal(mkdir(in(w, folders[i], path), 0777), 0);
	static const struct {
		const char *asset, *file;
	} rows[] = {
		{ "livecalc.config.json", "model/livecalc.config.json" },
		{ "model.mga", "model/model.mga" },
		{ "wasm/val.wasm", "model/wasm/val.wasm" },
		{ "wasm/val.mjs", "model/wasm/val.mjs" },
		{ "python/sum.py", "model/python/sum.py" },
		{ "assumptions/l.csv", "model/l.csv" },
	};
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		const asset *a = asset_of(&p, rows[i].asset);
		FILE *f = fopen(in(w, rows[i].file, path), "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(a->data, 1, a->length, f), a->length);
		assert_int_equal(fclose(f), 0);
	}
}

/* Too large to be kept in the database, and it does not shrink. */
static void write_large_engine(const place *w)
{
	char path[256];
	FILE *f = fopen(in(w, "model/wasm/val.wasm", path), "wb");
	assert_non_null(f);
	uint32_t random = 1;
	for (int i = 0; i < 100000; i++) {
		random = random * 1664525 + 1013904223;
		assert_int_not_equal(fputc((int)(random >> 24), f), EOF);
	}
	assert_int_equal(fclose(f), 0);
}

static packed pack(const place *w, bool no_zip)
{
	packed p = { .store = NULL };
	write_model(w);
	write_large_engine(w);
	in(w, "model/livecalc.config.json", p.model);
	in(w, "store", p.store_dir);
	const pnr_store_options store_options = { .size = sizeof store_options, .create = true, .threads = 1 };
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_open(p.store_dir, &store_options, &p.store, NULL, &err) != PNR_OK)
		fail_msg("%s", err.message);
	const pnr_pack_options options = {
		.size = sizeof options,
		.workspace = w->dir,
		.output_path = w->zip,
		.no_zip = no_zip,
	};
	pnr_pack_result *result = NULL;
	if (pnr_pack(p.store, p.model, &options, &result, &err) != PNR_OK)
		fail_msg("%s", err.message);
	p.package_hash = result->package_hash;
	p.archive_hash = result->archive_hash;
	pnr_pack_result_free(result);
	return p;
}

static int take(void *user, const void *data, size_t length)
{
	pnr_buffer_append(user, data, length);
	return 0;
}

static char *worker_json(const pnr_package_source *source)
{
	pnr_buffer bytes = PNR_BUFFER_INIT;
	uint64_t length = 0;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_worker_json(source, take, &bytes, &length, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return pnr_buffer_steal(&bytes);
}

static pnr_verify_result *verify(const pnr_package_source *source, pnr_status expected)
{
	pnr_verify_result *r = NULL;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_verify(source, NULL, &r, &err);
	if (status != expected) {
		if (r != NULL)
			print_result(r);
		fail_msg("%s", err.message);
	}
	return r;
}

static void store_and_zip_say_the_same(void **state)
{
	const place *w = *state;
	packed p = pack(w, false);
	const pnr_package_source file = { .file = w->zip };
	const pnr_package_source ref = { .store = p.store, .ref = "latest" };
	pnr_verify_result *of_file = verify(&file, PNR_OK), *of_ref = verify(&ref, PNR_OK);
	assert_true(pnr_digest_equal(&of_file->package_hash, &p.package_hash));
	assert_true(pnr_digest_equal(&of_ref->package_hash, &p.package_hash));
	assert_true(of_file->has_archive_hash && of_ref->has_archive_hash);
	assert_true(pnr_digest_equal(&of_file->archive_hash, &p.archive_hash));
	assert_true(pnr_digest_equal(&of_ref->archive_hash, &p.archive_hash));
	assert_int_equal(of_file->asset_count, 6);
	assert_int_equal(of_ref->asset_count, 6);
	pnr_verify_result_free(of_file);
	pnr_verify_result_free(of_ref);
	char *json_of_file = worker_json(&file), *json_of_ref = worker_json(&ref);
	assert_string_equal(json_of_file, json_of_ref);
	free(json_of_file);
	free(json_of_ref);
	pnr_store_close(p.store);
}

static void a_package_without_zip_is_verified_and_unpacked(void **state)
{
	const place *w = *state;
	packed p = pack(w, true);
	const pnr_package_source ref = { .store = p.store, .ref = "latest" };
	pnr_verify_result *r = verify(&ref, PNR_OK);
	assert_true(pnr_digest_equal(&r->package_hash, &p.package_hash));
	assert_false(r->has_archive_hash);
	pnr_verify_result_free(r);
	char dir[256], path[300];
	pnr_error err = PNR_ERROR_INIT;
	r = NULL;
	if (pnr_unpack(&ref, in(w, "out", dir), NULL, &r, &err) != PNR_OK)
		fail_msg("%s", err.message);
	pnr_verify_result_free(r);
	package all = sample();
	for (size_t i = 0; i < all.count; i++) {
		struct stat st;
		size_t length = strcmp(all.assets[i].path, "wasm/val.wasm") == 0 ? 100000 : all.assets[i].length;
		(void)snprintf(path, sizeof path, "%s/%s", dir, all.assets[i].path);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_size, length);
	}
	pnr_store_close(p.store);
}

/* The only object: calls @damage with its path. */
static void damage_object(const packed *p, int (*damage)(const char *path))
{
	char path[600];
	(void)snprintf(path, sizeof path, "%s/objects", p->store_dir);
	for (int level = 0; level < 2; level++) {
		DIR *dir = opendir(path);
		assert_non_null(dir);
		const struct dirent *e;
		while ((e = readdir(dir)) != NULL && e->d_name[0] == '.')
			continue;
		assert_non_null(e);
		size_t length = strlen(path);
		(void)snprintf(path + length, sizeof path - length, "/%s", e->d_name);
		closedir(dir);
	}
	assert_int_equal(damage(path), 0);
}

static int flip_a_byte(const char *path)
{
	if (chmod(path, 0600) != 0)
		return -1;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char byte;
	bool done = pread(fd, &byte, 1, 5000) == 1 && (byte ^= 1, pwrite(fd, &byte, 1, 5000) == 1);
	close(fd);
	return done ? 0 : -1;
}

static void expect_damage(const place *w, int (*damage)(const char *path), const char *text)
{
	packed p = pack(w, false);
	damage_object(&p, damage);
	const pnr_package_source ref = { .store = p.store, .ref = "latest" };
	pnr_verify_result *r = verify(&ref, PNR_CORRUPT);
	assert_int_equal(r->problem_count, 1);
	if (!has(r->problems, 1, "wasm/val.wasm", text)) {
		print_result(r);
		fail_msg("%s", text);
	}
	pnr_verify_result_free(r);
	char dir[256];
	r = NULL;
	assert_int_equal(pnr_unpack(&ref, in(w, "out", dir), NULL, &r, NULL), PNR_CORRUPT);
	pnr_verify_result_free(r);
	struct stat st;
	assert_int_equal(lstat(dir, &st), -1);
	pnr_buffer bytes = PNR_BUFFER_INIT;
	uint64_t length = 0;
	assert_int_equal(pnr_worker_json(&ref, take, &bytes, &length, NULL), PNR_CORRUPT);
	assert_int_equal(bytes.length, 0);
	pnr_store_close(p.store);
}

static void a_damaged_object_is_a_problem_of_its_asset(void **state)
{
	expect_damage(*state, flip_a_byte, "is damaged");
}

static void a_missing_object_is_a_problem_of_its_asset(void **state)
{
	expect_damage(*state, unlink, "is missing");
}

/* Some MiB, in @kinds different bytes: few make many segments of what is read at once, 256 do not shrink. */
static void write_large(const char *path, size_t length, unsigned kinds)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	uint32_t random = 1;
	for (size_t i = 0; i < length; i++) {
		random = random * 1664525 + 1013904223;
		assert_int_not_equal(fputc((int)(i % 4096 < 4000 && kinds < 256 ? 'x' : (random >> 24) % kinds), f), EOF);
	}
	assert_int_equal(fclose(f), 0);
}

static int cancel_at(void *user, const pnr_progress *progress)
{
	(void)progress;
	unsigned *left = user;
	return *left > 0 && --*left == 0;
}

static void large_assets_are_right_on_any_number_of_threads_and_may_be_cancelled(void **state)
{
	const place *w = *state;
	packed p = pack(w, true);
	char path[256];
	static const unsigned threads[] = { 1, 2, 8 };
	write_large(in(w, "model/l.csv", path), 40 << 20, 3);
	write_large(in(w, "model/wasm/val.wasm", path), 5 << 20, 256);
	const pnr_pack_options options = { .size = sizeof options, .workspace = w->dir, .no_zip = true };
	pnr_pack_result *result = NULL;
	assert_int_equal(pnr_pack(p.store, p.model, &options, &result, NULL), PNR_OK);
	pnr_pack_result_free(result);
	pnr_store_close(p.store);
	for (size_t i = 0; i < PNR_COUNT(threads); i++) {
		const pnr_store_options store_options = { .size = sizeof store_options, .threads = threads[i] };
		assert_int_equal(pnr_store_open(p.store_dir, &store_options, &p.store, NULL, NULL), PNR_OK);
		const pnr_package_source ref = { .store = p.store, .ref = "latest" };
		pnr_status status = PNR_CANCELLED;
		unsigned at = 1;
		for (; status == PNR_CANCELLED; at++) {
			unsigned left = at;
			pnr_verify_result *r = NULL;
			pnr_error err = PNR_ERROR_INIT;
			const pnr_verify_options how = {
				.size = sizeof how,
				.threads = threads[i],
				.progress = cancel_at,
				.progress_user = &left,
			};
			status = pnr_verify(&ref, &how, &r, &err);
			if (status != PNR_OK && status != PNR_CANCELLED)
				fail_msg("%s", err.message);
			pnr_verify_result_free(r);
		}
		assert_true(at > 2);
		pnr_store_close(p.store);
	}
}

static void an_unknown_ref_is_not_found(void **state)
{
	const place *w = *state;
	packed p = pack(w, true);
	const pnr_package_source ref = { .store = p.store, .ref = "no-such-tag" };
	pnr_verify_result *r = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_verify(&ref, NULL, &r, &err), PNR_NOT_FOUND);
	assert_non_null(strstr(err.message, "no-such-tag"));
	assert_null(r);
	pnr_store_close(p.store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(store_and_zip_say_the_same),
		TEST(a_package_without_zip_is_verified_and_unpacked),
		TEST(a_damaged_object_is_a_problem_of_its_asset),
		TEST(a_missing_object_is_a_problem_of_its_asset),
		TEST(large_assets_are_right_on_any_number_of_threads_and_may_be_cancelled),
		TEST(an_unknown_ref_is_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
