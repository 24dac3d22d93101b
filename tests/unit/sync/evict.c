/* Making room: what can be had again goes, the longest unused first, and comes back; nothing else is lost. */
#include "models.h"
#include "sync/remote_package.h"

#include "../remote/flaky.h"

static pnr_evicted evict(pnr_store *store, uint64_t limit)
{
	pnr_evicted evicted;
	ok(make_room(store, limit, &evicted, err));
	return evicted;
}

typedef struct all_rows {
	pnr_evictable_row rows[8];
	size_t count;
} all_rows;

static pnr_status add_row(void *user, const pnr_evictable_row *row, pnr_error *err)
{
	all_rows *all = user;
	(void)err;
	assert_true(all->count < PNR_COUNT(all->rows));
	all->rows[all->count++] = *row;
	return PNR_OK;
}

/* All that is remembered to be on a remote is said to be there. */
static pnr_evicted evict_unasked(pnr_store *store)
{
	all_rows all = { .count = 0 };
	pnr_evicted evicted;
	ok(pnr_index_evictable(pnr_store_index(store), 1, 0, add_row, &all, err));
	const pnr_evict_options options = { .remote_id = 1, .there = all.rows, .there_count = all.count };
	ok(pnr_store_evict(store, &options, &evicted, err));
	return evicted;
}

static uint64_t kept(pnr_store *store)
{
	uint64_t size = 0;
	ok(pnr_index_kept_size(pnr_store_index(store), &size, err));
	return size;
}

/* All that went was content of packages: their texts stay, for what comes next. */
static void assert_texts_only(pnr_store *store)
{
	uint64_t size = kept(store);
	assert_true(size > 0 && size < 5000);
}

/* Files below objects/. */
static unsigned count_files(const char *dir)
{
	unsigned count = 0;
	DIR *d = opendir(dir);
	if (d == NULL)
		return 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		char path[1024];
		if (e->d_name[0] == '.')
			continue;
		assert_true(snprintf(path, sizeof path, "%s/%s", dir, e->d_name) < (int)sizeof path);
		count += strlen(e->d_name) == 2 ? count_files(path) : 1;
	}
	closedir(d);
	return count;
}

static unsigned objects(const place *w, const char *store)
{
	char name[64], path[256];
	(void)snprintf(name, sizeof name, "%s/objects", store);
	return count_files(in(w, name, path));
}

/* With a worker that has both. */
static world pulled_world(void **state)
{
	world d = make_world(state);
	pull(d.to, "v1", NULL);
	pull(d.to, "v2", NULL);
	return d;
}

static void the_longest_unused_goes_first_and_comes_back(void **state)
{
	world d = pulled_world(state);
	char path[256];
	uint64_t before = kept(d.to);
	assert_int_equal(objects(d.w, "to"), 2);
	pnr_evicted e = evict(d.to, before - 1);
	assert_int_equal(e.packages, 1);
	assert_int_equal(e.kept, before - e.bytes);
	assert_int_equal(e.kept, kept(d.to));
	assert_int_equal(objects(d.w, "to"), 1);
	/* The newer one is whole, the older one says what became of it. */
	ok(verify(d.to, d.v2.hash, err));
	fails(verify(d.to, d.v1.hash, err), PNR_NOT_FOUND, "evicted");
	fails(pnr_export(d.to, d.v1.hash, in(d.w, "x.zip", path), NULL, NULL, NULL, err), PNR_NOT_FOUND,
	      "was evicted to make room; pull or pack it again");
	assert_int_equal(log_length(d.to), 2);
	pnr_package_info *info = NULL;
	ok(pnr_store_resolve(d.to, d.v1.hash, &info, err));
	assert_int_equal(info->asset_count, 6);
	pnr_package_info_free(info);
	/* Back again: only what went. */
	pnr_pull_result r = pull(d.to, "v1", in(d.w, "again.zip", path));
	assert_int_equal(r.blobs_fetched, 2);
	assert_true(r.archive_identical);
	assert_true(same_file(d.w, "again.zip", "v1.zip"));
	ok(verify(d.to, d.v1.hash, err));
	ok(pnr_export(d.to, d.v1.hash, in(d.w, "x.zip", path), NULL, NULL, NULL, err));
	assert_true(same_file(d.w, "x.zip", "v1.zip"));
	assert_int_equal(objects(d.w, "to"), 2);
	assert_int_equal(kept(d.to), before);
	/* Now the other one is the longest unused. */
	e = evict(d.to, before - 1);
	assert_int_equal(e.packages, 1);
	ok(verify(d.to, d.v1.hash, err));
	fails(verify(d.to, d.v2.hash, err), PNR_NOT_FOUND, "evicted");
	end(&d);
}

static void nothing_goes_while_all_fits(void **state)
{
	world d = pulled_world(state);
	pnr_evicted e = evict(d.to, kept(d.to));
	assert_int_equal(e.packages + e.bytes, 0);
	ok(verify(d.to, d.v1.hash, err));
	end(&d);
}

static void a_limit_of_a_pull_spares_what_it_brought(void **state)
{
	world d = pulled_world(state);
	pnr_pull_result r;
	const pnr_pull_options options = { .size = sizeof options, .max_size = 1000 };
	ok(pnr_pull(d.to, "cloud", "v1", &options, &r, NULL, err));
	assert_int_equal(r.packages_evicted, 1);
	assert_true(r.bytes_kept > 1000 && r.bytes_kept < 2 * ENGINE_SIZE);
	ok(verify(d.to, d.v1.hash, err));
	fails(verify(d.to, d.v2.hash, err), PNR_NOT_FOUND, "evicted");
	end(&d);
}

/* What was packed here and is on no remote cannot be had again. */
static void what_was_made_here_and_never_pushed_stays(void **state)
{
	world d = pulled_world(state);
	char path[256];
	packed v3 = pack_version(d.w, d.from, 3, "v3.zip");
	pnr_evicted e = evict(d.from, 0);
	assert_int_equal(e.packages, 2);
	assert_true(e.kept > ENGINE_SIZE);
	ok(verify(d.from, v3.hash, err));
	ok(pnr_export(d.from, v3.hash, in(d.w, "x.zip", path), NULL, NULL, NULL, err));
	assert_true(same_file(d.w, "x.zip", "v3.zip"));
	fails(verify(d.from, d.v1.hash, err), PNR_NOT_FOUND, "evicted");
	push(d.from, "v3");
	e = evict(d.from, 0);
	assert_int_equal(e.packages, 1);
	assert_texts_only(d.from);
	assert_int_equal(objects(d.w, "from"), 0);
	end(&d);
}

/* Nor what came by a delta, even if it was packed here once. */
static void what_was_applied_and_is_on_no_remote_stays(void **state)
{
	const place *w = *state;
	char path[256];
	pnr_store *from = open_store(w, "from"), *to = open_store(w, "to");
	const pnr_delta_options since = { .size = sizeof since, .since = "v1" };
	const pnr_apply_options base = { .size = sizeof base, .base = in(w, "v1.zip", path) };
	packed v1 = pack_version(w, from, 1, "v1.zip"), v2 = pack_version(w, from, 2, "v2.zip");
	pnr_delta_result made;
	pnr_apply_result *applied = NULL;
	char delta[256];
	ok(pnr_delta(from, "v2", &since, in(w, "delta.zip", delta), &made, NULL, err));
	pnr_store *const stores[] = { from, to };
	for (size_t i = 0; i < PNR_COUNT(stores); i++) {
		ok(pnr_apply(stores[i], delta, &base, &applied, err));
		pnr_apply_result_free(applied);
		assert_int_equal(evict_unasked(stores[i]).packages, 0);
		ok(verify(stores[i], v2.hash, err));
	}
	ok(verify(from, v1.hash, err));
	pnr_store_close(from);
	pnr_store_close(to);
}

/* Nor what a remote had that nobody knows any more. */
static void what_no_remote_is_known_to_have_stays(void **state)
{
	world d = pulled_world(state);
	ok(pnr_store_remote_remove(d.to, "cloud", err));
	assert_int_equal(evict_unasked(d.to).packages, 0);
	ok(verify(d.to, d.v1.hash, err));
	ok(verify(d.to, d.v2.hash, err));
	end(&d);
}

/* A worker has all of a package from elsewhere, pulls it, and takes nothing: what is there now is what counts. */
static void what_the_remote_lacks_when_it_is_asked_stays(void **state)
{
	world d = pulled_world(state);
	char name[256], path[256], spare[256], hex[PNR_DIGEST_HEX_SIZE];
	pnr_store *warm = open_worker(d.w, "warm");
	packed own = pack_version(d.w, warm, 1, "own.zip");
	pnr_pull_result r = pull(warm, "v1", NULL);
	assert_int_equal(r.blobs_fetched, 0);
	pull(warm, "v2", NULL);
	/* Of the engine of version 1, which version 2 stands on. */
	pnr_digest engine = hash_of(in(d.w, "model/wasm/val.wasm", path));
	(void)snprintf(name, sizeof name, "remote/blobs/%.2s/%s", pnr_digest_to_hex(&engine, hex), hex);
	assert_int_equal(rename(in(d.w, name, path), in(d.w, "spare", spare)), 0);
	assert_int_equal(evict(warm, 0).packages, 0);
	ok(verify(warm, own.hash, err));
	ok(verify(warm, d.v2.hash, err));
	assert_int_equal(rename(spare, path), 0);
	assert_int_equal(evict(warm, 0).packages, 2);
	pnr_store_close(warm);
	end(&d);
}

/* Nor what cannot be asked for; the pull that wanted the room is done. */
static void what_cannot_be_asked_for_stays(void **state)
{
	world d = pulled_world(state);
	PNR_CLEANUP(pnr_named_remote_close) pnr_named_remote remote = PNR_NAMED_REMOTE_INIT;
	pnr_evicted e;
	bool at_fault = false;
	ok(pnr_named_remote_open(d.to, "cloud", NULL, &remote, &at_fault, err));
	flaky *f = flaky_new(remote.handle);
	remote.handle = &f->base;
	f->fail_at = 1;
	ok(pnr_make_room(d.to, &remote, 0, 0, &e, err));
	assert_int_equal(e.packages, 0);
	assert_int_equal(f->calls, 1);
	ok(verify(d.to, d.v1.hash, err));
	ok(verify(d.to, d.v2.hash, err));
	end(&d);
}

/* Of two zips of a package the remote has one: the manifest of the other one cannot be had again. */
static void the_manifest_of_a_zip_that_is_on_no_remote_stays(void **state)
{
	const place *w = *state;
	char path[256], hex[PNR_DIGEST_HEX_SIZE];
	const pnr_pack_options options = { .portable = true };
	pnr_store *from = open_worker(w, "from");
	(void)pack_version(w, from, 1, "v1.zip");
	push(from, "v1");
	packed portable = pack_model(w, from, options, "portable.zip");
	pnr_digest_to_hex(&portable.archive_hash, hex);
	assert_false(same_file(w, "v1.zip", "portable.zip"));
	assert_int_equal(evict(from, 0).packages, 1);
	/* What nobody needs is looked for once more. */
	(void)evict(from, 0);
	pull(from, "v1", NULL);
	ok(pnr_export(from, hex, in(w, "x.zip", path), NULL, NULL, NULL, err));
	assert_true(same_file(w, "x.zip", "portable.zip"));
	pnr_store_close(from);
}

/* The content that no package names goes, but texts that remotes have. */
static void what_no_package_needs_goes_first_but_texts_stay(void **state)
{
	world d = pulled_world(state);
	pnr_index *index = pnr_store_index(d.to);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT, loose = PNR_BUFFER_INIT;
	pnr_remote_row remote;
	pnr_digest hash;
	pnr_blob_row blob;
	pnr_ingested item;
	pnr_package_info *info = NULL;
	pnr_buffer_puts(&loose, "a text that no remote is known to have");
	ok(pnr_package_text_keep(d.to, &loose, "", &item, err));
	ok(pnr_index_remote_find(index, "cloud", &arena, &remote, err));
	ok(pnr_store_resolve(d.to, d.v1.hash, &info, err));
	pnr_evicted e = evict(d.to, kept(d.to) - 1);
	assert_int_equal(e.packages, 0);
	assert_true(e.bytes > 0);
	bool evicted = false;
	ok(pnr_index_blob_evicted(index, item.blob.id, &evicted, err));
	assert_true(evicted);
	ok(pnr_index_remote_package_text(index, remote.id, &info->package_hash, &info->manifest_hash, &hash, err));
	ok(pnr_index_blob_find(index, &hash, &blob, err));
	evict(d.to, 0);
	ok(pnr_index_blob_evicted(index, blob.id, &evicted, err));
	assert_false(evicted);
	pnr_package_info_free(info);
	end(&d);
}

/* The zip is still there, as it was left: but what it was made of is not. */
static void packing_again_makes_it_anew(void **state)
{
	world d = pulled_world(state);
	evict(d.from, 0);
	assert_texts_only(d.from);
	packed again = pack_version(d.w, d.from, 2, "v2-again.zip");
	assert_true(pnr_digest_equal(&again.package_hash, &d.v2.package_hash));
	assert_true(pnr_digest_equal(&again.archive_hash, &d.v2.archive_hash));
	assert_true(same_file(d.w, "v2-again.zip", "v2.zip"));
	ok(verify(d.from, d.v2.hash, err));
	evict(d.from, 0);
	again = pack_version(d.w, d.from, 2, "v2.zip");
	assert_true(pnr_digest_equal(&again.archive_hash, &d.v2.archive_hash));
	assert_true(same_file(d.w, "v2-again.zip", "v2.zip"));
	ok(verify(d.from, d.v2.hash, err));
	/* What was evicted on both sides is not a base for what comes. */
	evict(d.from, 0);
	packed v3 = pack_version(d.w, d.from, 3, "v3.zip");
	push(d.from, "v3");
	pull(d.to, "v3", NULL);
	ok(verify(d.to, v3.hash, err));
	end(&d);
}

/* What others pushed is what a pack makes of it: the zip that was pulled is whole again. */
static void packing_what_was_pulled_and_evicted_makes_its_zip(void **state)
{
	world d = pulled_world(state);
	evict(d.to, 0);
	packed again = pack_version(d.w, d.to, 2, "to.zip");
	assert_true(pnr_digest_equal(&again.archive_hash, &d.v2.archive_hash));
	assert_true(same_file(d.w, "to.zip", "v2.zip"));
	ok(verify(d.to, "latest", err));
	char path[256];
	ok(pnr_export(d.to, "latest", in(d.w, "x.zip", path), NULL, NULL, NULL, err));
	assert_true(same_file(d.w, "x.zip", "to.zip"));
	packed once_more = pack_version(d.w, d.to, 2, "to.zip");
	assert_true(pnr_digest_equal(&again.archive_hash, &once_more.archive_hash));
	end(&d);
}

static void is_exported(const place *w, pnr_store *store, const char *zip)
{
	char path[256];
	ok(verify(store, "latest", err));
	ok(pnr_export(store, "latest", in(w, "x.zip", path), NULL, NULL, NULL, err));
	assert_true(same_file(w, "x.zip", zip));
}

/* At the same moment, too. */
static void a_pack_of_what_comes_back_in_other_bytes_makes_another_zip(void **state)
{
	const place *w = *state;
	pnr_store *store = open_worker(w, "from");
	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
	(void)pack_table(w, store, (pnr_pack_options){ .level = 9, .tag = "nine" }, "nine.zip");
	packed first = pack_table(w, store, (pnr_pack_options){ .tag = "any" }, "first.zip");
	push(store, "any");
	assert_int_equal(evict(store, 0).packages, 1);
	packed second = pack_table(w, store, (pnr_pack_options){ .level = 0 }, "second.zip");
	assert_true(pnr_digest_equal(&first.package_hash, &second.package_hash));
	assert_false(pnr_digest_equal(&first.archive_hash, &second.archive_hash));
	is_exported(w, store, "second.zip");
	packed third = pack_table(w, store, (pnr_pack_options){ .level = 0 }, "third.zip");
	assert_true(pnr_digest_equal(&second.archive_hash, &third.archive_hash));
	(void)unsetenv("SOURCE_DATE_EPOCH");
	pnr_store_close(store);
}

/* The remote has the content in somebody else's bytes. */
static void a_pull_of_what_comes_back_in_other_bytes_makes_another_zip(void **state)
{
	const place *w = *state;
	char path[256];
	pnr_store *other = open_worker(w, "other"), *store = open_worker(w, "from");
	(void)pack_table(w, other, (pnr_pack_options){ .level = 6, .tag = "six" }, "six.zip");
	push(other, "six");
	packed nine = pack_table(w, store, (pnr_pack_options){ .level = 9, .tag = "nine" }, "nine.zip");
	push(store, "nine");
	assert_int_equal(evict(store, 0).packages, 1);
	pnr_pull_result r = pull(store, "nine", in(w, "pulled.zip", path));
	assert_false(r.archive_identical);
	assert_true(pnr_digest_equal(&r.package_hash, &nine.package_hash));
	is_exported(w, store, "pulled.zip");
	/* It is known now. */
	pnr_pull_result again = pull(store, "nine", NULL);
	assert_true(pnr_digest_equal(&r.archive_hash, &again.archive_hash));
	pnr_store_close(store);
	pnr_store_close(other);
}

/* Who has the store open may read from it at any moment. */
static void nothing_goes_while_others_have_the_store_open(void **state)
{
	world d = pulled_world(state);
	pnr_store *other = open_store(d.w, "to");
	pnr_evicted e;
	uint64_t before = kept(d.to);
	fails(make_room(d.to, 0, &e, err), PNR_BUSY, "other processes have the store open");
	assert_int_equal(e.packages, 0);
	assert_int_equal(e.kept, before);
	ok(verify(d.to, d.v1.hash, err));
	/* A pull is done all the same. */
	pnr_pull_result r;
	const pnr_pull_options options = { .size = sizeof options, .max_size = 1 };
	ok(pnr_pull(d.to, "cloud", "v2", &options, &r, NULL, err));
	assert_true(r.evict_busy && r.packages_evicted == 0 && r.bytes_kept == before);
	/* Both hold their shared locks again. */
	fails(make_room(other, 0, &e, err), PNR_BUSY, "other processes have the store open");
	pnr_store_close(other);
	assert_int_equal(evict(d.to, 0).packages, 2);
	end(&d);
}

static int fail_unlink(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_UNLINK ? EIO : 0;
}

/* Ended between the rows and the files: the next time the files go as well, but those that came back. */
static void what_a_crash_left_goes_the_next_time(void **state)
{
	world d = pulled_world(state);
	pnr_evicted e;
	pnr_error own = PNR_ERROR_INIT;
	pnr_file_gate_hook = fail_unlink;
	pnr_status status = make_room(d.to, 0, &e, &own);
	pnr_file_gate_hook = NULL;
	assert_int_equal(status, PNR_IO);
	pnr_store_close(d.to);
	d.to = open_store(d.w, "to");
	assert_int_equal(objects(d.w, "to"), 2);
	fails(verify(d.to, d.v1.hash, err), PNR_NOT_FOUND, "evicted");
	fails(verify(d.to, d.v2.hash, err), PNR_NOT_FOUND, "evicted");
	pull(d.to, "v1", NULL);
	assert_int_equal(objects(d.w, "to"), 2);
	assert_int_equal(evict(d.to, kept(d.to) - 1).packages, 1);
	assert_int_equal(objects(d.w, "to"), 0);
	end(&d);
}

static unsigned calls, failing;

static int fail_one(pnr_file_call call, size_t *length)
{
	(void)call;
	(void)length;
	return ++calls == failing ? EIO : 0;
}

/* At whatever call it ends: a package is whole, or says that it was evicted, and comes back. */
static void every_call_may_fail(void **state)
{
	world d = pulled_world(state);
	for (failing = 1;; failing++) {
		pnr_evicted e = { .packages = 0 };
		pnr_error own = PNR_ERROR_INIT;
		calls = 0;
		pnr_file_gate_hook = fail_one;
		pnr_status status = make_room(d.to, 0, &e, &own);
		pnr_file_gate_hook = NULL;
		assert_int_equal(own.status, status);
		pnr_store_close(d.to);
		d.to = open_store(d.w, "to");
		for (int i = 0; i < 2; i++) {
			pnr_error verified = PNR_ERROR_INIT;
			pnr_status whole = verify(d.to, i == 0 ? d.v1.hash : d.v2.hash, &verified);
			if (whole != PNR_OK && (whole != PNR_NOT_FOUND || strstr(verified.message, "evicted") == NULL))
				fail_msg("call %u: %s", failing, verified.message);
		}
		pull(d.to, "v1", NULL);
		pull(d.to, "v2", NULL);
		ok(verify(d.to, d.v1.hash, err));
		ok(verify(d.to, d.v2.hash, err));
		if (calls < failing)
			break;
	}
	assert_true(failing > 10);
	end(&d);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_longest_unused_goes_first_and_comes_back),
		T(nothing_goes_while_all_fits),
		T(a_limit_of_a_pull_spares_what_it_brought),
		T(what_was_made_here_and_never_pushed_stays),
		T(what_was_applied_and_is_on_no_remote_stays),
		T(the_manifest_of_a_zip_that_is_on_no_remote_stays),
		T(what_no_remote_is_known_to_have_stays),
		T(what_the_remote_lacks_when_it_is_asked_stays),
		T(what_cannot_be_asked_for_stays),
		T(what_no_package_needs_goes_first_but_texts_stay),
		T(packing_again_makes_it_anew),
		T(packing_what_was_pulled_and_evicted_makes_its_zip),
		T(a_pack_of_what_comes_back_in_other_bytes_makes_another_zip),
		T(a_pull_of_what_comes_back_in_other_bytes_makes_another_zip),
		T(nothing_goes_while_others_have_the_store_open),
		T(what_a_crash_left_goes_the_next_time),
		T(every_call_may_fail),
	};
	return cmocka_run_group_tests_name("sync/evict", tests, NULL, NULL);
}
