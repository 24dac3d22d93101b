/* Pulling and checking: what is missing comes, and nothing of what is not right is taken. */
#include "models.h"
#include "index/database.h"
#include "sync/pull.h"
#include "sync/remote_package.h"
#include <zlib.h>

#include "../remote/flaky.h"

/* An empty store that knows the remote, in place of the one before. */
static void renew(world *d)
{
	char path[256];
	pnr_store_close(d->to);
	ok(pnr_file_remove_tree(AT_FDCWD, in(d->w, "to", path), err));
	d->to = open_worker(d->w, "to");
}

static void evict_all(pnr_store *store)
{
	pnr_evicted evicted;
	ok(make_room(store, 0, &evicted, err));
	assert_true(evicted.packages > 0 && evicted.kept > 0 && evicted.kept < 5000);
}

/* ------------------------------------------------------------ what is right -- */

static void an_empty_store_gets_all_and_the_same_zip(void **state)
{
	world d = make_world(state);
	char path[256];
	pnr_pull_result r = pull(d.to, "v1", in(d.w, "pulled/v1.zip", path));
	assert_true(same_file(d.w, "pulled/v1.zip", "v1.zip"));
	assert_true(r.archive_identical && pnr_digest_equal(&r.archive_hash, &d.v1.archive_hash));
	assert_true(pnr_digest_equal(&r.package_hash, &d.v1.package_hash));
	assert_int_equal(r.asset_count, 6);
	assert_int_equal(r.blobs_needed, 6);
	assert_int_equal(r.blobs_fetched, 6);
	assert_int_equal(r.blobs_patched, 0);
	assert_true(r.bytes_received >= ENGINE_SIZE && r.bytes_full > r.bytes_received);
	ok(verify(d.to, "latest", err));
	assert_int_equal(log_length(d.to), 1);
	end(&d);
}

/* Also of a package that was evicted, or of which nothing else came. */
static void the_text_is_kept(void **state)
{
	world d = make_world(state);
	pnr_push_result sent;
	pull(d.to, "v2", NULL);
	evict_all(d.to);
	pnr_pull_result r = pull(d.to, "v2", NULL);
	assert_true(r.blobs_fetched > 0);
	/* A push from there has a patch to its text, too. */
	(void)pack_version(d.w, d.to, 3, "v3.zip");
	sent = push(d.to, "v3");
	assert_int_equal(sent.blobs_sent, 2);
	assert_true(sent.bytes_sent < 1500);
	end(&d);
}

static void a_warm_store_gets_what_it_lacks(void **state)
{
	world d = make_world(state);
	char path[256];
	pull(d.to, "v1", NULL);
	pnr_pull_result r = pull(d.to, "v2", in(d.w, "pulled.zip", path));
	assert_int_equal(r.blobs_needed, 6);
	assert_int_equal(r.blobs_fetched, 2);
	assert_int_equal(r.blobs_patched, 1);
	/* The text came as a patch on the one that came before. */
	assert_true(r.bytes_received < 1500);
	ok(verify(d.to, "latest", err));
	r = pull(d.to, "v2", NULL);
	assert_int_equal(r.blobs_fetched, 0);
	/* The pointer. */
	assert_true(r.bytes_received > 0 && r.bytes_received < 250);
	assert_int_equal(log_length(d.to), 3);
	end(&d);
}

static void the_base_of_a_patch_comes_with_it(void **state)
{
	world d = make_world(state);
	char path[256];
	pnr_pull_result r = pull(d.to, "v2", in(d.w, "pulled.zip", path));
	assert_int_equal(r.blobs_needed, 6);
	assert_int_equal(r.blobs_fetched, 7);
	assert_int_equal(r.blobs_patched, 1);
	ok(verify(d.to, "latest", err));
	assert_true(r.archive_identical == same_file(d.w, "pulled.zip", "v2.zip"));
	end(&d);
}

static void every_kind_of_ref_is_found(void **state)
{
	world d = make_world(state);
	char prefix[PNR_DIGEST_HEX_SIZE];
	pnr_package_info *info = NULL;
	ok(pnr_store_resolve(d.from, "v1", &info, err));
	pull(d.to, d.v1.hash, NULL);
	(void)snprintf(prefix, sizeof prefix, "%.10s", d.v1.hash);
	pull(d.to, prefix, NULL);
	pull(d.to, pnr_digest_to_hex(&info->manifest_hash, prefix), NULL);
	prefix[10] = '\0';
	pull(d.to, prefix, NULL);
	/* It was seen there. */
	pull(d.to, pnr_digest_to_hex(&d.v1.archive_hash, prefix), NULL);
	pnr_digest_to_hex(&d.v2.archive_hash, prefix);
	pnr_pull_result r;
	fails(pnr_pull(d.to, "cloud", prefix, NULL, &r, NULL, err), PNR_NOT_FOUND, "has no package");
	fails(pnr_pull(d.to, "cloud", "v3", NULL, &r, NULL, err), PNR_NOT_FOUND, "has no tag 'v3'");
	fails(pnr_pull(d.to, "cloud", "latest", NULL, &r, NULL, err), PNR_INVALID, "is not a package of a remote");
	fails(pnr_pull(d.to, "cloud", "../v1", NULL, &r, NULL, err), PNR_INVALID, "is not a package of a remote");
	fails(pnr_pull(d.to, "nobody", "v1", NULL, &r, NULL, err), PNR_NOT_FOUND, "no remote 'nobody'");
	pnr_package_info_free(info);
	end(&d);
}

/* The newest of several zips of one package. */
static void of_several_zips_the_newest_is_meant(void **state)
{
	world d = make_world(state);
	char config[256], path[256];
	const pnr_pack_options options = {
		.size = sizeof options, .workspace = d.w->dir, .output_path = in(d.w, "portable.zip", path), .portable = true,
	};
	pnr_pack_result *result = NULL;
	ok(pnr_pack(d.from, in(d.w, "model/livecalc.config.json", config), &options, &result, err));
	push(d.from, "latest");
	pnr_pull_result r = pull(d.to, d.v2.hash, NULL);
	assert_true(pnr_digest_equal(&r.archive_hash, &result->archive_hash) || !r.archive_identical);
	r = pull(d.to, d.v2.hash, in(d.w, "pulled.zip", path));
	pnr_package_info *info = NULL;
	char hex[PNR_DIGEST_HEX_SIZE];
	ok(pnr_store_resolve(d.to, pnr_digest_to_hex(&r.archive_hash, hex), &info, err));
	assert_int_equal(info->archive_size, r.package_size);
	pnr_package_info_free(info);
	pnr_pack_result_free(result);
	end(&d);
}

typedef struct path_list {
	char items[4][256];
	size_t count;
} path_list;

static int add_pointer(void *user, const char *key, uint64_t size)
{
	path_list *list = user;
	(void)size;
	assert_true(list->count < PNR_COUNT(list->items));
	(void)snprintf(list->items[list->count++], sizeof list->items[0], "remote/%s", key);
	return 0;
}

/* One zip that cannot be read is no reason to do without the package. */
static void of_several_zips_a_damaged_one_is_passed_over(void **state)
{
	world d = make_world(state);
	path_list list = { .count = 0 };
	pnr_remote *remote = NULL;
	char path[256], spare[256], prefix[128];
	const pnr_pack_options options = { .portable = true };
	packed portable = pack_model(d.w, d.from, options, "portable.zip");
	assert_string_equal(portable.hash, d.v2.hash);
	push(d.from, "latest");
	(void)snprintf(prefix, sizeof prefix, "packages/%s", d.v2.hash);
	ok(pnr_remote_open(in(d.w, "remote", path), NULL, &remote, err));
	ok(pnr_remote_list(remote, prefix, add_pointer, &list, NULL, err));
	pnr_remote_close(remote);
	assert_int_equal(list.count, 2);
	in(d.w, "spare", spare);
	bool pulled[2] = { false, false };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(rename(in(d.w, list.items[i], path), spare), 0);
		put_bytes(d.w, list.items[i], "{}\n", 3);
		pnr_pull_result r = pull(d.to, d.v2.hash, NULL);
		pulled[pnr_digest_equal(&r.archive_hash, &portable.archive_hash)] = true;
		assert_int_equal(rename(spare, path), 0);
		renew(&d);
	}
	/* Each in its turn. */
	assert_true(pulled[0] && pulled[1]);
	for (size_t i = 0; i < 2; i++)
		put_bytes(d.w, list.items[i], "{}\n", 3);
	pnr_pull_result r;
	fails(pnr_pull(d.to, "cloud", d.v2.hash, NULL, &r, NULL, err), PNR_CORRUPT, ".json");
	end(&d);
}

/* --portable is what our encoder makes, whatever the store holds. */
static void a_portable_pack_takes_no_bytes_of_others(void **state)
{
	const place *w = *state;
	const pnr_pack_options nine = { .level = 9, .tag = "nine" }, portable = { .portable = true },
	                       tagged = { .portable = true, .tag = "portable" };
	pnr_store *other = open_worker(w, "other"), *from = open_worker(w, "from"), *to = open_worker(w, "to");
	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1700000000", 1), 0);
	(void)pack_table(w, other, nine, "nine.zip");
	push(other, "nine");
	packed made = pack_table(w, from, tagged, "portable.zip");
	push(from, "portable");
	assert_false(pull(to, "portable", NULL).archive_identical);
	for (int i = 0; i < 2; i++) {
		packed again = pack_table(w, to, portable, "again.zip");
		assert_true(pnr_digest_equal(&again.archive_hash, &made.archive_hash));
		assert_true(same_file(w, "again.zip", "portable.zip"));
	}
	(void)unsetenv("SOURCE_DATE_EPOCH");
	pnr_store_close(other);
	pnr_store_close(from);
	pnr_store_close(to);
}

static void files_come_to_a_folder(void **state)
{
	world d = make_world(state);
	char path[256];
	pnr_pull_result r;
	const pnr_pull_options options = { .size = sizeof options, .directory = in(d.w, "files", path) };
	ok(pnr_pull(d.to, "cloud", "v2", &options, &r, NULL, err));
	assert_true(same_file(d.w, "files/wasm/val.wasm", "model/wasm/val.wasm"));
	assert_true(same_file(d.w, "files/livecalc.config.json", "model/livecalc.config.json"));
	fails(pnr_pull(d.to, "cloud", "v1", &options, &r, NULL, err), PNR_CONFLICT, "is in the way");
	/* That was told first: nothing came for it. */
	assert_int_equal(log_length(d.to), 1);
	const pnr_pull_options both = { .size = sizeof both, .directory = path, .output_path = "x.zip" };
	fails(pnr_pull(d.to, "cloud", "v1", &both, &r, NULL, err), PNR_INVALID, "not both");
	end(&d);
}

/* -------------------------------------------------------------- what is not -- */

/* The keys of all objects of the remote. */
typedef struct keys {
	char *items[64];
	size_t count;
} keys;

static int add_name(void *user, const char *key, uint64_t size)
{
	keys *k = user;
	(void)size;
	assert_true(k->count < PNR_COUNT(k->items));
	k->items[k->count++] = strdup(key);
	return 0;
}

static keys all_keys(const place *w)
{
	keys k = { .count = 0 };
	char path[256];
	pnr_remote *remote = NULL;
	ok(pnr_remote_open(in(w, "remote", path), NULL, &remote, err));
	ok(pnr_remote_list(remote, "", add_name, &k, NULL, err));
	pnr_remote_close(remote);
	return k;
}

static void free_keys(keys *k)
{
	while (k->count > 0)
		free(k->items[--k->count]);
}

static void read_file(const char *path, pnr_buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ok(pnr_file_read_all(fd, SIZE_MAX / 2, out, path, err));
	assert_int_equal(close(fd), 0);
}

static void write_file(const char *path, const char *data, size_t length)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

typedef enum spoil { CUT, EMPTY, FLIP, LONGER, GONE, REPLACED, SPOILS } spoil;

/* False: there is nothing to replace it by. */
static bool spoil_file(const place *w, const keys *k, const char *key, const pnr_buffer *right, spoil how)
{
	char path[256], name[256];
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer other = PNR_BUFFER_INIT;
	(void)snprintf(name, sizeof name, "remote/%s", key);
	in(w, name, path);
	if (how == GONE)
		return unlink(path) == 0;
	pnr_buffer_append(&other, right->data, right->length);
	if (how == CUT)
		other.length--;
	if (how == EMPTY)
		other.length = 0;
	if (how == FLIP)
		other.data[other.length / 2] ^= 1;
	if (how == LONGER)
		pnr_buffer_putc(&other, ' ');
	/* Another object of the same folder of keys, whole. */
	for (size_t i = 0; how == REPLACED && i < k->count; i++) {
		if (strncmp(k->items[i], key, 6) != 0 || strcmp(k->items[i], key) == 0)
			continue;
		char from[256];
		(void)snprintf(name, sizeof name, "remote/%s", k->items[i]);
		pnr_buffer_clear(&other);
		read_file(in(w, name, from), &other);
		break;
	}
	if (how == REPLACED && other.length == right->length && memcmp(other.data, right->data, right->length) == 0)
		return false;
	write_file(path, other.data, other.length);
	return true;
}

typedef struct told {
	keys keys;
	char text[1024];
} told;

static int tell(void *user, const char *key, const char *problem)
{
	told *t = user;
	assert_true(problem[0] != '\0');
	assert_true(t->keys.count < PNR_COUNT(t->keys.items));
	t->keys.items[t->keys.count++] = strdup(key);
	(void)snprintf(t->text, sizeof t->text, "%s: %s", key, problem);
	return 0;
}

static bool was_told(const told *t, const char *key)
{
	for (size_t i = 0; i < t->keys.count; i++)
		if (strcmp(t->keys.items[i], key) == 0)
			return true;
	return false;
}

static pnr_status check(pnr_store *store, told *out, pnr_remote_check_result *result, pnr_error *err)
{
	const pnr_remote_check_options options = { .size = sizeof options, .problem = tell, .problem_user = out };
	return pnr_remote_check(store, "cloud", &options, result, NULL, err);
}

static void a_remote_that_is_whole_has_no_problems(void **state)
{
	world d = make_world(state);
	told t = { .text = "" };
	pnr_remote_check_result result;
	ok(check(d.from, &t, &result, err));
	assert_int_equal(result.packages, 2);
	assert_int_equal(result.objects, 8 + 2);
	assert_int_equal(result.problems, 0);
	assert_int_equal(t.keys.count, 0);
	/* Who has none of the content comes to the same. */
	ok(check(d.to, &t, &result, err));
	assert_int_equal(result.objects, 8 + 2);
	end(&d);
}

/* Does a pull of version 2 into an empty store look at it? */
static bool is_needed(const world *d, const char *key)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	char name[PNR_KEY_SIZE];
	bool at_fault = false, needed = strcmp(key, "tags/v2") == 0 || strstr(key, d->v2.hash) != NULL;
	ok(pnr_named_remote_open(d->from, "cloud", NULL, &named, &at_fault, err));
	ok(pnr_remote_package_find(d->from, &named, "v2", &object, err));
	for (size_t i = 0; i < object.object_count; i++)
		needed |= strcmp(pnr_key_of_object(&object.objects[i], name), key) == 0;
	for (size_t i = 0; i < object.texts.count; i++)
		needed |= strcmp(pnr_key_of_object(&object.texts.rows[i], name), key) == 0;
	pnr_named_remote_close(&named);
	return needed;
}

/* A pull that needs it refuses it by its name, and takes nothing; a check names it, from either side. */
static void check_spoilt(world *d, const char *key, spoil how, bool needed)
{
	pnr_pull_result r;
	pnr_remote_check_result result;
	pnr_error own = PNR_ERROR_INIT;
	told t = { .text = "" };
	bool is_tag = strncmp(key, "tags/", 5) == 0;
	/* One that names another package is a tag. */
	if (is_tag && how == REPLACED)
		return;
	renew(d);
	pnr_status status = pnr_pull(d->to, "cloud", "v2", NULL, &r, NULL, &own);
	if (needed != (status != PNR_OK))
		fail_msg("%s, %d: %s: %s", key, (int)how, pnr_status_name(status), own.message);
	if (status != PNR_OK) {
		if (strstr(own.message, key) == NULL && strstr(own.message, "has no tag") == NULL &&
		    strstr(own.message, "tags/v2") == NULL)
			fail_msg("%s, %d: %s: %s", key, (int)how, pnr_status_name(status), own.message);
		assert_true(status == PNR_CORRUPT || status == PNR_NOT_FOUND);
		assert_int_equal(log_length(d->to), 0);
		pnr_ref_row row;
		assert_int_equal(pnr_store_ref(d->to, d->v2.hash, &row, NULL), PNR_NOT_FOUND);
	}
	if (is_tag && how == GONE)
		return;
	pnr_status checked = check(d->to, &t, &result, NULL);
	bool named = was_told(&t, key);
	/* Without the package nobody knows of it, but a tag. */
	if (strncmp(key, "packages/", 9) == 0 && how == GONE)
		named = t.keys.count == 1 && strncmp(t.keys.items[0], "tags/", 5) == 0;
	if (checked != PNR_CORRUPT || !named)
		fail_msg("%s, %d: %s, told %zu: %s", key, (int)how, pnr_status_name(checked), t.keys.count, t.text);
	free_keys(&t.keys);
}

static void what_is_wrong_is_named_and_not_taken(void **state)
{
	world d = make_world(state);
	keys k = all_keys(d.w);
	assert_int_equal(k.count, 13 + 2);
	for (size_t i = 0; i < k.count; i++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer right = PNR_BUFFER_INIT;
		char name[256], path[256];
		if (strcmp(k.items[i], "pannier.json") == 0)
			continue;
		(void)snprintf(name, sizeof name, "remote/%s", k.items[i]);
		read_file(in(d.w, name, path), &right);
		bool needed = is_needed(&d, k.items[i]);
		for (spoil how = CUT; how < SPOILS; how++) {
			if (spoil_file(d.w, &k, k.items[i], &right, how))
				check_spoilt(&d, k.items[i], how, needed);
			write_file(path, right.data, right.length);
		}
	}
	renew(&d);
	pull(d.to, "v2", NULL);
	ok(verify(d.to, "latest", err));
	free_keys(&k);
	end(&d);
}

/* What a check found to be damaged is not relied on any more. */
static void a_check_forgets_what_is_damaged(void **state)
{
	world d = make_world(state);
	pnr_index *index = pnr_store_index(d.from);
	keys k = all_keys(d.w);
	told t = { .text = "" };
	pnr_remote_check_result result;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_remote_row remote;
	pnr_presence_row presence;
	pnr_digest hash;
	size_t patch = 0;
	while (strncmp(k.items[patch], "patches/", 8) != 0)
		patch++;
	char name[256], path[256];
	(void)snprintf(name, sizeof name, "remote/%s", k.items[patch]);
	assert_int_equal(unlink(in(d.w, name, path)), 0);
	assert_true(pnr_digest_from_hex(k.items[patch] + 8, 64, &hash));
	ok(pnr_index_remote_find(index, "cloud", &arena, &remote, err));
	ok(pnr_index_presence_find(index, remote.id, &hash, &presence, err));
	fails(check(d.from, &t, &result, err), PNR_CORRUPT, " problem");
	assert_int_equal(pnr_index_presence_find(index, remote.id, &hash, &presence, NULL), PNR_NOT_FOUND);
	/* The package that needs it is not known to be there; the next heal mends it. */
	int64_t id = 0;
	pnr_ref_row v1;
	ok(pnr_store_ref(d.from, "v1", &v1, err));
	ok(pnr_index_remote_package_newest(index, remote.id, NULL, &id, err));
	assert_int_equal(id, v1.package_id);
	pnr_push_result sent;
	const pnr_push_options heal = { .size = sizeof heal, .heal = true };
	ok(pnr_push(d.from, "cloud", "v2", &heal, &sent, NULL, err));
	free_keys(&t.keys);
	pnr_status status = check(d.from, &t, &result, NULL);
	if (status != PNR_OK)
		fail_msg("%s", t.text);
	pull(d.to, "v2", NULL);
	free_keys(&k);
	end(&d);
}

static int64_t remote_id(pnr_store *store)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_remote_row remote;
	ok(pnr_index_remote_find(pnr_store_index(store), "cloud", &arena, &remote, err));
	return remote.id;
}

static bool is_remembered(pnr_store *store, const pnr_digest *hash)
{
	pnr_presence_row row;
	return pnr_index_presence_find(pnr_store_index(store), remote_id(store), hash, &row, NULL) == PNR_OK;
}

/* The package of version 2, and the tag, are removed by hand; its objects are not. */
static void remove_v2(const world *d, pnr_package_object *out)
{
	pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	char key[PNR_KEY_SIZE], name[PNR_KEY_SIZE + 8], path[512];
	bool at_fault = false;
	ok(pnr_named_remote_open(d->from, "cloud", NULL, &named, &at_fault, err));
	ok(pnr_remote_package_find(d->from, &named, "v2", out, err));
	pnr_named_remote_close(&named);
	(void)snprintf(name, sizeof name, "remote/%s", pnr_key_of_package(&out->package_hash, &out->manifest_hash, key));
	(void)snprintf(path, sizeof path, "%s/%s", d->w->dir, name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(in(d->w, "remote/tags/v2", path)), 0);
}

static const pnr_object_row *patch_of(const pnr_package_object *object)
{
	for (size_t i = 0; i < object->object_count; i++)
		if (object->objects[i].form == PNR_OBJECT_PATCH)
			return &object->objects[i];
	fail_msg("no patch");
	return NULL;
}

/* What somebody removed is no problem of the remote; but it is not relied on, and what is left is proved. */
static void what_was_removed_is_forgotten(void **state)
{
	world d = make_world(state);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object v2 = PNR_PACKAGE_OBJECT_INIT;
	pnr_index *index = pnr_store_index(d.from);
	told t = { .text = "" };
	pnr_remote_check_result result;
	pnr_ref_row v1;
	pnr_evicted evicted;
	pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	char key[PNR_KEY_SIZE], path[512];
	bool at_fault = false;
	int64_t id = 0;
	remove_v2(&d, &v2);
	ok(check(d.from, &t, &result, err));
	assert_int_equal(result.packages, 1);
	assert_int_equal(result.objects, 8 + 2);
	ok(pnr_store_ref(d.from, "v1", &v1, err));
	ok(pnr_index_remote_package_newest(index, remote_id(d.from), NULL, &id, err));
	assert_int_equal(id, v1.package_id);
	/* Version 2 is here only. */
	ok(pnr_named_remote_open(d.from, "cloud", NULL, &named, &at_fault, err));
	ok(pnr_make_room(d.from, &named, 0, 0, &evicted, err));
	pnr_named_remote_close(&named);
	assert_int_equal(evicted.packages, 1);
	ok(verify(d.from, "v2", err));
	/* Who does not remember its patches reads the rest. */
	ok(check(d.to, &t, &result, err));
	assert_int_equal(result.objects, 8);
	const pnr_object_row *patch = patch_of(&v2);
	(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, pnr_key_of_object(patch, key));
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer bytes = PNR_BUFFER_INIT;
	read_file(path, &bytes);
	write_file(path, bytes.data, bytes.length - 1);
	assert_true(is_remembered(d.from, &patch->hash));
	fails(check(d.from, &t, &result, err), PNR_CORRUPT, "1 problem");
	assert_string_equal(t.keys.items[0], key);
	assert_false(is_remembered(d.from, &patch->hash));
	/* A push sends it again, whole: the damaged one is not looked at. */
	pnr_push_result sent = push(d.from, "v2");
	assert_int_equal(sent.blobs_sent, 1);
	assert_int_equal(sent.blobs_patched, 0);
	free_keys(&t.keys);
	end(&d);
}

static void an_object_that_is_gone_is_forgotten(void **state)
{
	world d = make_world(state);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object v2 = PNR_PACKAGE_OBJECT_INIT;
	told t = { .text = "" };
	pnr_remote_check_result result;
	char key[PNR_KEY_SIZE], path[512];
	remove_v2(&d, &v2);
	const pnr_object_row *patch = patch_of(&v2);
	(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, pnr_key_of_object(patch, key));
	assert_int_equal(unlink(path), 0);
	ok(check(d.from, &t, &result, err));
	assert_false(is_remembered(d.from, &patch->hash));
	assert_true(is_remembered(d.from, &patch->base));
	end(&d);
}

/* How long content is that no package needs, nobody says but the object itself. */
static void a_whole_that_no_package_needs_is_decoded_to_its_end(void **state)
{
	static char content[100000];
	static unsigned char object[2000];
	world d = make_world(state);
	told t = { .text = "" };
	pnr_remote_check_result result;
	pnr_object_row row = { .form = PNR_OBJECT_GZIP };
	char key[PNR_KEY_SIZE], path[512];
	z_stream z = { .next_in = (Bytef *)content, .avail_in = sizeof content, .next_out = object,
		       .avail_out = sizeof object };
	memset(content, 'a', sizeof content);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	ok(pnr_hash_memory(content, sizeof content, &row.hash, NULL, err));
	(void)snprintf(path, sizeof path, "%s/remote/%.8s", d.w->dir, pnr_key_of_object(&row, key));
	assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, key);
	write_file(path, (const char *)object, z.total_out);
	ok(check(d.from, &t, &result, err));
	assert_int_equal(result.objects, 8 + 2 + 1);
	object[z.total_out - 4] ^= 1;
	write_file(path, (const char *)object, z.total_out);
	fails(check(d.from, &t, &result, err), PNR_CORRUPT, "1 problem");
	(void)snprintf(path, sizeof path, "%s: it does not end as a gzip file of 100000 bytes does", key);
	assert_string_equal(t.text, path);
	free_keys(&t.keys);
	assert_int_equal(deflateEnd(&z), Z_OK);
	end(&d);
}

/* Another digit in a pointer is another text, which is missing: both may be at fault. */
static void a_pointer_to_a_text_that_is_not_there_is_told(void **state)
{
	world d = make_world(state);
	keys k = all_keys(d.w);
	told t = { .text = "" };
	pnr_remote_check_result result;
	pnr_pull_result r;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	char path[512];
	size_t i = 0;
	while (strstr(k.items[i], d.v1.hash) == NULL)
		i++;
	(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, k.items[i]);
	read_file(path, &text);
	char *digit = strstr(text.data, "\"hash\":\"") + 8;
	*digit = *digit == '0' ? '1' : '0';
	write_file(path, text.data, text.length);
	fails(check(d.from, &t, &result, err), PNR_CORRUPT, "2 problems");
	assert_true(was_told(&t, k.items[i]));
	fails(pnr_pull(d.to, "cloud", d.v1.hash, NULL, &r, NULL, err), PNR_CORRUPT, k.items[i]);
	free_keys(&t.keys);
	free_keys(&k);
	end(&d);
}

/* Its bytes in the database are others. */
static void spoil_in_store(pnr_store *store, const pnr_digest *hash)
{
	char hex[PNR_DIGEST_HEX_SIZE], sql[256];
	(void)snprintf(sql, sizeof sql,
	               "UPDATE encoding SET data = zeroblob(stored_size) WHERE blob_id = (SELECT id FROM blob WHERE hash = '%s')",
	               pnr_digest_to_hex(hash, hex));
	assert_int_equal(sqlite3_exec(pnr_store_index(store)->db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(pnr_store_index(store)->db), 1);
}

/* What is damaged here is not what the remote is blamed for. */
static void a_damaged_text_of_the_store_is_told_as_that(void **state)
{
	world d = make_world(state);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object v2 = PNR_PACKAGE_OBJECT_INIT;
	pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	told t = { .text = "" };
	pnr_remote_check_result result;
	bool at_fault = false;
	ok(pnr_named_remote_open(d.from, "cloud", NULL, &named, &at_fault, err));
	ok(pnr_remote_package_find(d.from, &named, "v2", &v2, err));
	pnr_named_remote_close(&named);
	assert_int_equal(v2.texts.count, 2);
	/* The remote's is read. */
	spoil_in_store(d.from, &v2.texts.rows[0].hash);
	pnr_status status = check(d.from, &t, &result, NULL);
	if (status != PNR_OK)
		fail_msg("%s", t.text);
	/* A base is the store's. */
	spoil_in_store(d.from, &v2.texts.rows[1].hash);
	pnr_error own = PNR_ERROR_INIT;
	assert_int_equal(check(d.from, &t, &result, &own), PNR_CORRUPT);
	assert_null(strstr(own.message, "remote"));
	assert_int_equal(t.keys.count, 0);
	assert_int_equal(result.problems, 0);
	free_keys(&t.keys);
	end(&d);
}

/*
 * One package has content whole, another one as a patch. If the whole is damaged and the patch is gone, both are named,
 * whichever package comes first.
 */
static void two_objects_of_one_content_are_both_named(void **state)
{
	world d = make_world(state);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object v2 = PNR_PACKAGE_OBJECT_INIT;
	pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	told t = { .text = "" };
	pnr_remote_check_result result;
	bool at_fault = false;
	char patch[PNR_KEY_SIZE], whole[PNR_KEY_SIZE], path[512];
	ok(pnr_named_remote_open(d.from, "cloud", NULL, &named, &at_fault, err));
	ok(pnr_remote_package_find(d.from, &named, "v2", &v2, err));
	pnr_named_remote_close(&named);
	const pnr_object_row *row = patch_of(&v2);
	(void)pnr_key_of_object(row, patch);
	/* Who does not know of the patch sends the content whole, and in two packages of which it is the same. */
	for (unsigned other = 0; other < 2; other++) {
		char name[16], zip[16], sum[64];
		(void)snprintf(name, sizeof name, "other%u", other);
		(void)snprintf(zip, sizeof zip, "o%u.zip", other);
		pnr_store *store = open_worker(d.w, name);
		write_model(d.w, "model", 2);
		(void)snprintf(sum, sizeof sum, "print(%u)\n", other);
		put_bytes(d.w, "model/python/sum.py", sum, strlen(sum));
		(void)pack_model(d.w, store, (pnr_pack_options){ .tag = name }, zip);
		const pnr_push_options options = { .size = sizeof options };
		pnr_push_result sent;
		ok(pnr_push(store, "cloud", name, &options, &sent, NULL, err));
		pnr_store_close(store);
	}
	pnr_object_row as = *row;
	as.form = PNR_OBJECT_GZIP;
	(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, pnr_key_of_object(&as, whole));
	if (access(path, F_OK) != 0) {
		as.form = PNR_OBJECT_STORED;
		(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, pnr_key_of_object(&as, whole));
	}
	assert_int_equal(access(path, F_OK), 0);
	write_file(path, "harm", 4);
	(void)snprintf(path, sizeof path, "%s/remote/%s", d.w->dir, patch);
	assert_int_equal(unlink(path), 0);
	fails(check(d.to, &t, &result, err), PNR_CORRUPT, "2 problems");
	assert_true(was_told(&t, patch) && was_told(&t, whole));
	free_keys(&t.keys);
	end(&d);
}

static void an_empty_tag_is_named(void **state)
{
	world d = make_world(state);
	told t = { .text = "" };
	pnr_remote_check_result result;
	pnr_push_result sent;
	char path[256];
	write_file(in(d.w, "remote/tags/v2", path), "", 0);
	fails(pnr_push(d.from, "cloud", "v2", NULL, &sent, NULL, err), PNR_CORRUPT, "'tags/v2': it is empty; remove it");
	fails(check(d.to, &t, &result, err), PNR_CORRUPT, "1 problem");
	assert_true(was_told(&t, "tags/v2"));
	free_keys(&t.keys);
	assert_int_equal(unlink(path), 0);
	ok(pnr_push(d.from, "cloud", "v2", NULL, &sent, NULL, err));
	ok(check(d.to, &t, &result, err));
	end(&d);
}

/* The key stands apart from what is wrong with it, however long the remote's name is. */
static void a_problem_is_told_without_the_remotes_name(void **state)
{
	static const size_t lengths[] = { 500, 770, 800, 980, 1020, 1500 };
	const place *w = *state;
	for (size_t i = 0; i < PNR_COUNT(lengths); i++) {
		char path[2048], name[32], object[4096];
		pnr_store *store;
		pnr_push_result sent;
		pnr_remote_check_result result;
		told t = { .text = "" };
		(void)snprintf(name, sizeof name, "store-%zu", i);
		store = open_store(w, name);
		(void)pack_version(w, store, 1, "long.zip");
		(void)snprintf(path, sizeof path, "%s/", w->dir);
		while (strlen(path) < lengths[i]) {
			size_t length = strlen(path), rest = lengths[i] - length;
			memset(path + length, 'x', rest < 200 ? rest : 200);
			(void)snprintf(path + length + (rest < 200 ? rest : 200), 2, "/");
			assert_true(mkdir(path, 0777) == 0 || errno == EEXIST);
		}
		(void)snprintf(path + strlen(path), 10, "%zu", i);
		ok(pnr_store_remote_add(store, "cloud", path, err));
		ok(pnr_push(store, "cloud", "v1", NULL, &sent, NULL, err));
		const pnr_object_row row = { .hash = hash_of(in(w, "model/wasm/val.wasm", object)), .form = PNR_OBJECT_STORED };
		char key[PNR_KEY_SIZE];
		(void)snprintf(object, sizeof object, "%s/%s", path, pnr_key_of_object(&row, key));
		FILE *f = fopen(object, "ab");
		assert_non_null(f);
		assert_int_equal(fputc('x', f), 'x');
		assert_int_equal(fclose(f), 0);
		assert_int_equal(check(store, &t, &result, NULL), PNR_CORRUPT);
		assert_int_equal(t.keys.count, 1);
		assert_string_equal(t.keys.items[0], key);
		if (strstr(t.text, "remote") != NULL || strstr(t.text, "xxx") != NULL || strstr(t.text, "larger") == NULL)
			fail_msg("%zu: %s", lengths[i], t.text);
		free_keys(&t.keys);
		pnr_store_close(store);
	}
}

static int note_stored(void *user, const pnr_presence_row *row)
{
	static const pnr_digest unknown = { { 0 } };
	assert_true((row->stored_size == 0) == pnr_digest_equal(&row->stored_hash, &unknown));
	*(int *)user += row->stored_size == 0;
	return 0;
}

/* How the texts are stored that others pushed, nobody says. */
static void what_is_not_known_of_a_text_is_not_said(void **state)
{
	world d = make_world(state);
	sqlite3_stmt *count = NULL;
	int unknown = 0;
	pull(d.to, "v2", NULL);
	pnr_index *index = pnr_store_index(d.to);
	assert_int_equal(sqlite3_prepare_v2(index->db,
	                                    "SELECT count(*) FROM remote_blob WHERE stored_hash IS NULL"
	                                    " AND stored_size IS NULL", -1, &count, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(count), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(count, 0), 2);
	assert_int_equal(sqlite3_finalize(count), SQLITE_OK);
	ok(pnr_index_presence_list(index, remote_id(d.to), note_stored, &unknown, err));
	assert_int_equal(unknown, 2);
	end(&d);
}

/* ---------------------------------------------------------------- remotes that fail -- */

/* Each call of the remote fails once: nothing is visible, and what came does not come again. */
static void a_remote_that_fails_costs_nothing_twice(void **state)
{
	world d = make_world(state);
	unsigned failures = 0;
	for (unsigned at = 0; at < 60; at++) {
		char path[256];
		pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
		pnr_pull_result first = { .size = 0 }, rest;
		pnr_meter meter = { .fn = NULL };
		const pnr_pull_options options = { .size = sizeof options };
		pnr_error own = PNR_ERROR_INIT;
		bool failed = false;
		renew(&d);
		ok(pnr_named_remote_open(d.to, "cloud", NULL, &named, &failed, err));
		flaky *f = flaky_new(named.handle);
		named.handle = &f->base;
		f->fail_at = 1 + at / 2;
		f->midway = at % 2 != 0;
		f->status = PNR_RETRY;
		pnr_status status = pnr_pull_through(d.to, &named, "v2", &options, &meter, &first, &failed, &own);
		pnr_named_remote_close(&named);
		if (status == PNR_OK)
			break;
		failures++;
		assert_int_equal(own.status, status);
		assert_true(failed || status == PNR_CORRUPT);
		assert_int_equal(log_length(d.to), 0);
		rest = pull(d.to, "v2", in(d.w, "pulled.zip", path));
		assert_true(rest.blobs_fetched <= 7);
		ok(verify(d.to, "latest", err));
	}
	/* The tag, the pointer, the text's base, the text, wholes, the patch: before and midway. */
	assert_int_equal(failures, 12);
	end(&d);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(an_empty_store_gets_all_and_the_same_zip),
		T(the_text_is_kept),
		T(a_warm_store_gets_what_it_lacks),
		T(the_base_of_a_patch_comes_with_it),
		T(every_kind_of_ref_is_found),
		T(of_several_zips_the_newest_is_meant),
		T(of_several_zips_a_damaged_one_is_passed_over),
		T(a_portable_pack_takes_no_bytes_of_others),
		T(files_come_to_a_folder),
		T(a_remote_that_is_whole_has_no_problems),
		T(what_is_wrong_is_named_and_not_taken),
		T(a_check_forgets_what_is_damaged),
		T(what_was_removed_is_forgotten),
		T(an_object_that_is_gone_is_forgotten),
		T(a_whole_that_no_package_needs_is_decoded_to_its_end),
		T(a_pointer_to_a_text_that_is_not_there_is_told),
		T(a_damaged_text_of_the_store_is_told_as_that),
		T(two_objects_of_one_content_are_both_named),
		T(an_empty_tag_is_named),
		T(a_problem_is_told_without_the_remotes_name),
		T(what_is_not_known_of_a_text_is_not_said),
		T(a_remote_that_fails_costs_nothing_twice),
	};
	return cmocka_run_group_tests_name("sync/pull", tests, NULL, NULL);
}
