/* Pushing: what is sent, in which form, what is left when it fails, and what mends a remote. */
#include "../remote/support.h"
#include "sync/object_read.h"
#include "sync/presence.h"
#include "sync/push.h"
#include "sync/remote_package.h"
#include <pannier/pannier.h>
#include <sys/stat.h>

#include "../remote/flaky.h"

#define TABLE_LINES 6000u
#define LAPSE "year,rate\n1,0.1\n2,0.1\n3,0.1\n4,0.1\n5,0.1\n"

typedef struct world {
	const scratch *s;
	pnr_store *store;
	char remote[PATH_MAX + 16];
} world;

/* ------------------------------------------------------------------- a model -- */

static const char *under(const world *w, const char *name)
{
	static char paths[8][PATH_MAX + 512];
	static unsigned next;
	char *path = paths[next++ % 8];
	(void)snprintf(path, sizeof paths[0], "%s/%s", w->s->path, name);
	return path;
}

static void write_bytes(const world *w, const char *name, const void *data, size_t length)
{
	FILE *file = fopen(under(w, name), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

/* Rows of numbers; row @edited is another one in each @version. */
static void write_table(const world *w, const char *name, uint64_t seed, unsigned version)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	for (unsigned i = 0; i < TABLE_LINES; i++) {
		unsigned value = (unsigned)(next_random(&seed) % 1000000);
		pnr_buffer_printf(&text, "%u,0.%06u\n", i, version > 0 && i == version * 7 % TABLE_LINES ? version : value);
	}
	write_bytes(w, name, text.data, text.length);
}

static void write_noise(const world *w, const char *name, uint64_t seed, size_t length)
{
	char *data = malloc(length);
	for (size_t i = 0; i < length; i++)
		data[i] = (char)next_random(&seed);
	write_bytes(w, name, data, length);
	free(data);
}

/* mortality shrinks and is large, lapse is small, expenses is noise. */
static void make_model(const world *w)
{
	static const char config[] =
		"{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"mortality.csv\",\"lapse\":\"lapse.csv\","
		"\"expenses\":\"expenses.csv\"},\"scenarios\":{\"count\":1,\"seed\":1}}";
	write_bytes(w, "livecalc.config.json", config, sizeof config - 1);
	write_bytes(w, "m.mga", "MODEL\n", 6);
	write_table(w, "mortality.csv", 1, 0);
	write_bytes(w, "lapse.csv", LAPSE, sizeof LAPSE - 1);
	write_noise(w, "expenses.csv", 3, 40000);
}

static void pack(const world *w, const char *tag)
{
	const pnr_pack_options options = { .size = sizeof options, .tag = tag, .name = "model" };
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_pack(w->store, under(w, "livecalc.config.json"), &options, &result, &err) != PNR_OK)
		fail_msg("pack: %s", err.message);
	pnr_pack_result_free(result);
}

static pnr_store *open_store(const world *w, const char *name)
{
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	pnr_store *store = NULL;
	assert_ok(pnr_store_open(under(w, name), &options, &store, NULL, err));
	return store;
}

static int set_up(void **state)
{
	world *w = calloc(1, sizeof *w);
	void *made = NULL;
	if (scratch_setup(&made) != 0)
		return -1;
	w->s = made;
	(void)snprintf(w->remote, sizeof w->remote, "%s/remote", w->s->path);
	w->store = open_store(w, ".pannier");
	assert_ok(pnr_store_remote_add(w->store, "share", w->remote, err));
	make_model(w);
	pack(w, NULL);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	world *w = *state;
	void *made = (void *)(uintptr_t)w->s;
	pnr_store_close(w->store);
	free(w);
	return scratch_teardown(&made);
}

/* ------------------------------------------------------------------- pushing -- */

static pnr_push_result push_with(pnr_store *store, const char *ref, bool dry_run, bool heal)
{
	const pnr_push_options options = { .size = sizeof options, .dry_run = dry_run, .heal = heal };
	pnr_push_result result;
	bool at_fault = false;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_push(store, "share", ref, &options, &result, &at_fault, &err) != PNR_OK)
		fail_msg("push: %s", err.message);
	assert_false(at_fault);
	return result;
}

static pnr_push_result push(const world *w)
{
	return push_with(w->store, "latest", false, false);
}

static int append_key(void *user, const char *key, uint64_t size)
{
	(void)size;
	pnr_buffer_printf(user, "%s\n", key);
	return 0;
}

static pnr_remote *open_again(const world *w)
{
	pnr_remote *remote = NULL;
	assert_ok(pnr_remote_open(w->remote, NULL, &remote, err));
	return remote;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder lists in the order of its file system, which a file that was made anew may change. */
static void list_keys(const world *w, const char *prefix, pnr_buffer *out)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	char *lines[256], *rest = NULL;
	size_t count = 0;
	pnr_remote *remote = open_again(w);
	pnr_buffer_puts(&keys, "");
	assert_ok(pnr_remote_list(remote, prefix, append_key, &keys, NULL, err));
	pnr_remote_close(remote);
	for (char *line = strtok_r(keys.data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
		assert_true(count < PNR_COUNT(lines));
		lines[count++] = line;
	}
	qsort(lines, count, sizeof lines[0], by_text);
	pnr_buffer_puts(out, "");
	for (size_t i = 0; i < count; i++)
		pnr_buffer_printf(out, "%s\n", lines[i]);
}

static unsigned lines_of(const pnr_buffer *text)
{
	unsigned lines = 0;
	for (const char *at = text->data; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	return lines;
}

static unsigned count_keys(const world *w, const char *prefix)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	list_keys(w, prefix, &keys);
	return lines_of(&keys);
}

/* The objects of @package are proved one by one, with nothing of any store. Returns how many are wrong. */
static unsigned prove_package(const world *w, pnr_remote *remote, const pnr_package_object *package)
{
	pnr_object_proof *proofs = calloc(package->object_count + 1, sizeof *proofs);
	pnr_store *empty = open_store(w, "empty");
	unsigned wrong = 0;
	for (size_t i = 0; i < package->object_count; i++)
		proofs[i].row = &package->objects[i];
	assert_ok(pnr_objects_prove(empty, remote, package, proofs, package->object_count, NULL, err));
	for (size_t i = 0; i < package->object_count; i++)
		wrong += proofs[i].status != PNR_OK;
	pnr_store_close(empty);
	free(proofs);
	return wrong;
}

/* Every package that can be seen is whole. Returns how many there are. */
static unsigned check_packages(const world *w)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	unsigned packages = 0;
	if (access(under(w, "remote/pannier.json"), F_OK) != 0)
		return 0;
	list_keys(w, "packages/", &keys);
	pnr_remote *remote = open_again(w);
	for (char *key = strtok(keys.data, "\n"); key != NULL; key = strtok(NULL, "\n"), packages++) {
		PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
		pnr_package_key hashes;
		assert_true(pnr_package_key_parse(key, &hashes));
		pnr_store *empty = open_store(w, "empty");
		assert_ok(pnr_remote_package_get(empty, remote, &hashes, &package, err));
		pnr_store_close(empty);
		assert_int_equal(prove_package(w, remote, &package), 0);
	}
	pnr_remote_close(remote);
	return packages;
}

/* The object of the newest package of the log. */
static void get_package(const world *w, pnr_package_object *out)
{
	pnr_package_info *info = NULL;
	pnr_remote *remote = open_again(w);
	assert_ok(pnr_store_resolve(w->store, "latest", &info, err));
	const pnr_package_key key = { info->package_hash, info->manifest_hash };
	pnr_store *empty = open_store(w, "empty");
	assert_ok(pnr_remote_package_get(empty, remote, &key, out, err));
	pnr_store_close(empty);
	pnr_package_info_free(info);
	pnr_remote_close(remote);
}

static unsigned greatest_depth(const pnr_package_object *package)
{
	unsigned depth = 0;
	for (size_t i = 0; i < package->object_count; i++)
		depth = package->objects[i].depth > depth ? package->objects[i].depth : depth;
	return depth;
}

static int count_event(void *user, const pnr_log_entry *entry)
{
	*(unsigned *)user += strcmp(entry->event, "push") == 0;
	return 0;
}

static unsigned pushes_logged(const world *w)
{
	unsigned count = 0;
	assert_ok(pnr_store_log(w->store, NULL, 0, count_event, &count, err));
	return count;
}

/* ------------------------------------------------------------------- what is sent -- */

static void a_first_push_sends_each_content_once(void **state)
{
	const world *w = *state;
	pnr_push_result result = push(w);
	assert_false(result.was_there);
	assert_int_equal(result.blobs_needed, 5);
	assert_int_equal(result.blobs_sent, 5);
	assert_int_equal(result.blobs_patched, 0);
	/* The text of the package is content as well. */
	assert_int_equal(count_keys(w, "blobs/"), 5 + 1);
	assert_int_equal(count_keys(w, "patches/"), 0);
	assert_int_equal(check_packages(w), 1);
	struct stat zip;
	assert_int_equal(stat(under(w, "model-package.zip"), &zip), 0);
	assert_int_equal(result.bytes_full, zip.st_size);
	assert_true(result.bytes_sent < result.bytes_full + 1000);
	assert_int_equal(pushes_logged(w), 1);
}

static void pushing_again_sends_nothing(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer before = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer after = PNR_BUFFER_INIT;
	(void)push(w);
	list_keys(w, "", &before);
	pnr_push_result result = push(w);
	list_keys(w, "", &after);
	assert_true(result.was_there);
	assert_int_equal(result.blobs_needed, 5);
	assert_int_equal(result.blobs_sent, 0);
	assert_int_equal(result.bytes_sent, 0);
	assert_string_equal(before.data, after.data);
	assert_int_equal(pushes_logged(w), 2);
}

static void two_assets_of_one_content_are_one_object(void **state)
{
	const world *w = *state;
	write_bytes(w, "expenses.csv", LAPSE, sizeof LAPSE - 1);
	pack(w, NULL);
	pnr_push_result result = push(w);
	assert_int_equal(result.blobs_needed, 4);
	assert_int_equal(result.blobs_sent, 4);
	assert_int_equal(check_packages(w), 1);
}

static void a_changed_version_goes_as_a_patch(void **state)
{
	const world *w = *state;
	(void)push(w);
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	pnr_push_result result = push(w);
	assert_int_equal(result.blobs_sent, 1);
	assert_int_equal(result.blobs_patched, 1);
	/* The patch, that of the text, and the pointer. */
	assert_int_equal(count_keys(w, "patches/"), 2);
	assert_true(result.bytes_sent < 1500);
	assert_int_equal(check_packages(w), 2);
}

static void what_no_patch_makes_much_smaller_goes_whole(void **state)
{
	const world *w = *state;
	(void)push(w);
	write_noise(w, "expenses.csv", 4, 40000);
	write_bytes(w, "lapse.csv", "nothing of it is as it was before\n", 34);
	pack(w, NULL);
	pnr_push_result result = push(w);
	assert_int_equal(result.blobs_sent, 2);
	assert_int_equal(result.blobs_patched, 0);
	assert_int_equal(check_packages(w), 2);
}

static void a_base_that_is_gone_is_no_base(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	char key[PNR_KEY_SIZE], path[PNR_KEY_SIZE + 16];
	(void)push(w);
	get_package(w, &package);
	for (size_t i = 0; i < package.object_count; i++) {
		if (package.objects[i].size < 50000)
			continue;
		(void)snprintf(path, sizeof path, "remote/%s", pnr_key_of_object(&package.objects[i], key));
		assert_int_equal(unlink(under(w, path)), 0);
	}
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	pnr_push_result result = push(w);
	assert_int_equal(result.blobs_sent, 1);
	assert_int_equal(result.blobs_patched, 0);
	pnr_package_object_free(&package);
	get_package(w, &package);
	pnr_remote *remote = open_again(w);
	assert_int_equal(prove_package(w, remote, &package), 0);
	pnr_remote_close(remote);
}

static void a_chain_has_eight_steps_at_most(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	(void)push(w);
	for (unsigned version = 1; version <= 10; version++) {
		write_table(w, "mortality.csv", 1, version);
		pack(w, NULL);
		pnr_push_result result = push(w);
		assert_int_equal(result.blobs_sent, 1);
		assert_int_equal(result.blobs_patched, version != 9);
		pnr_package_object_free(&package);
		get_package(w, &package);
		assert_int_equal(greatest_depth(&package), version % 9);
		assert_int_equal(package.object_count, 5 + version % 9);
	}
	assert_int_equal(check_packages(w), 11);
}

/* What is remembered may be anything: content that no package has as patches on each other, say. */
static void bases_in_a_circle_have_an_end(void **state)
{
	const world *w = *state;
	pnr_index *index = pnr_store_index(w->store);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_remote_row remote;
	pnr_presence_row rows[3] = { { .hash = { { 0 } } } };
	assert_ok(pnr_hash_memory(LAPSE, sizeof LAPSE - 1, &rows[0].hash, NULL, err));
	rows[0].size = sizeof LAPSE - 1;
	assert_ok(pnr_index_remote_find(index, "share", &arena, &remote, err));
	assert_ok(pnr_index_begin(index, err));
	for (unsigned i = 0; i < 3; i++) {
		if (i > 0)
			rows[i].hash.bytes[0] = (uint8_t)i;
		rows[i].form = "patch";
		rows[i].depth = 1;
		rows[i].base.bytes[0] = (uint8_t)(i == 2 ? 1 : i + 1);
		assert_ok(pnr_index_presence_put(index, remote.id, &rows[i], err));
	}
	assert_ok(pnr_index_commit(index, err));
	(void)alarm(60);
	pnr_push_result result = push(w);
	(void)alarm(0);
	assert_int_equal(result.blobs_sent, result.blobs_needed);
	assert_int_equal(check_packages(w), 1);
}

static void a_text_has_four_steps_at_most(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	(void)push(w);
	for (unsigned version = 1; version <= 6; version++) {
		write_table(w, "mortality.csv", 1, version);
		pack(w, NULL);
		(void)push(w);
		pnr_package_object_free(&package);
		get_package(w, &package);
		assert_int_equal(package.texts.count, 1 + version % 5);
	}
	assert_int_equal(check_packages(w), 7);
}

static void without_patches_all_goes_whole(void **state)
{
	const world *w = *state;
	const pnr_push_options options = { .size = sizeof options, .whole = true };
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	pnr_push_result result;
	(void)push(w);
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	assert_ok(pnr_push(w->store, "share", "latest", &options, &result, NULL, err));
	assert_int_equal(result.blobs_sent, 1);
	assert_int_equal(result.blobs_patched, 0);
	assert_int_equal(count_keys(w, "patches/"), 0);
	get_package(w, &package);
	assert_int_equal(package.texts.count, 1);
	assert_int_equal(check_packages(w), 2);
}

static void what_others_pushed_is_a_base_as_well(void **state)
{
	const world *w = *state;
	(void)push(w);
	/* Another store that packs the same folder, later: another zip of one package, then a new version. */
	pnr_store *other = open_store(w, "other");
	world second = *w;
	second.store = other;
	assert_ok(pnr_store_remote_add(other, "share", w->remote, err));
	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1800000000", 1), 0);
	pack(&second, NULL);
	assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
	pnr_push_result result = push(&second);
	assert_int_equal(result.blobs_sent, 0);
	assert_true(result.bytes_sent > 0);
	write_table(w, "mortality.csv", 1, 1);
	pack(&second, NULL);
	result = push(&second);
	assert_int_equal(result.blobs_sent, 1);
	assert_int_equal(result.blobs_patched, 1);
	assert_int_equal(check_packages(w), 3);
	pnr_store_close(other);
}

/* A store that knows nothing of the remote, which has the very package: it learns what is there. */
static void a_package_that_is_there_is_learned(void **state)
{
	const world *w = *state;
	pnr_push_result result;
	(void)push(w);
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	(void)push(w);
	assert_ok(pnr_store_remote_remove(w->store, "share", err));
	assert_ok(pnr_store_remote_add(w->store, "share", w->remote, err));
	result = push(w);
	assert_true(result.was_there);
	assert_int_equal(result.bytes_sent, 0);
	write_table(w, "mortality.csv", 1, 2);
	pack(w, NULL);
	result = push(w);
	assert_int_equal(result.blobs_patched, 1);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	get_package(w, &package);
	assert_int_equal(greatest_depth(&package), 2);
	assert_int_equal(check_packages(w), 3);
}

static void a_dry_run_says_what_a_push_sends_and_sends_nothing(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer before = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer after = PNR_BUFFER_INIT;
	(void)push(w);
	write_table(w, "mortality.csv", 1, 1);
	write_noise(w, "expenses.csv", 5, 30000);
	pack(w, "v2");
	list_keys(w, "", &before);
	unsigned logged = pushes_logged(w);
	pnr_push_result dry = push_with(w->store, "v2", true, false);
	list_keys(w, "", &after);
	assert_string_equal(before.data, after.data);
	assert_int_equal(pushes_logged(w), logged);
	pnr_push_result real = push_with(w->store, "v2", false, false);
	assert_int_equal(dry.blobs_sent, 2);
	assert_int_equal(dry.blobs_sent, real.blobs_sent);
	assert_int_equal(dry.blobs_patched, real.blobs_patched);
	assert_int_equal(dry.bytes_sent, real.bytes_sent);
	assert_int_equal(dry.bytes_full, real.bytes_full);
}

/* ------------------------------------------------------------------- tags -- */

static void tag_on_remote(const world *w, const char *tag, pnr_buffer *out)
{
	char key[PNR_KEY_SIZE], path[PNR_KEY_SIZE + 16];
	assert_ok(pnr_key_of_tag(tag, key, err));
	(void)snprintf(path, sizeof path, "remote/%s", key);
	int fd = open(under(w, path), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	pnr_buffer_clear(out);
	assert_ok(pnr_file_read_all(fd, 1000, out, "tag", err));
	close(fd);
}

static void a_tag_is_set_and_moved_from_what_is_known(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer first = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer second = PNR_BUFFER_INIT;
	pnr_package_key key;
	assert_ok(pnr_store_tag(w->store, "prod", "latest", false, err));
	(void)push_with(w->store, "prod", false, false);
	tag_on_remote(w, "prod", &first);
	assert_true(pnr_package_key_of_tag(first.data, first.length, &key));
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	assert_ok(pnr_store_tag(w->store, "prod", "latest", true, err));
	(void)push_with(w->store, "prod", false, false);
	tag_on_remote(w, "prod", &second);
	assert_string_not_equal(first.data, second.data);
	/* By hash the tag stays where it is. */
	(void)push_with(w->store, "latest~1", false, false);
	tag_on_remote(w, "prod", &first);
	assert_string_equal(first.data, second.data);
}

static void a_tag_of_an_unknown_package_is_a_conflict(void **state)
{
	const world *w = *state;
	static const char *const found[] = {
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/"
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
		"something\n",
	};
	static const char *const texts[] = { "which this store does not know", "none of ours" };
	const pnr_push_options options = { .size = sizeof options };
	pnr_push_result result;
	assert_ok(pnr_store_tag(w->store, "prod", "latest", false, err));
	(void)push(w);
	assert_int_equal(mkdir(under(w, "remote/tags"), 0777), 0);
	for (size_t i = 0; i < PNR_COUNT(found); i++) {
		bool at_fault = false;
		pnr_error err = PNR_ERROR_INIT;
		write_bytes(w, "remote/tags/prod", found[i], strlen(found[i]));
		assert_int_equal(pnr_push(w->store, "share", "prod", &options, &result, &at_fault, &err), PNR_CONFLICT);
		assert_non_null(strstr(err.message, texts[i]));
		assert_false(at_fault);
	}
}

static void hash_of(const world *w, const char *file, pnr_digest *out)
{
	int fd = open(under(w, file), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_ok(pnr_hash_file(fd, file, NULL, out, NULL, NULL, err));
	assert_int_equal(close(fd), 0);
}

/* The whole of @file's content, as @form, below the remote. */
static const char *whole_of(const world *w, const char *file, pnr_object_form form, pnr_digest *out_hash)
{
	char key[PNR_KEY_SIZE], name[PNR_KEY_SIZE + 16];
	pnr_object_row row = { .form = form };
	hash_of(w, file, &row.hash);
	*out_hash = row.hash;
	(void)snprintf(name, sizeof name, "remote/%s", pnr_key_of_object(&row, key));
	return under(w, name);
}

/* ------------------------------------------------------------ what is lost there -- */

/* Others put it whole; the patch that is remembered stands on nothing any more. */
static void a_whole_beside_a_patch_without_a_base_is_described(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	static char noise[40000];
	char lost[PATH_MAX], command[4 * PATH_MAX];
	pnr_digest hash;
	(void)push(w);
	(void)snprintf(lost, sizeof lost, "%s", whole_of(w, "expenses.csv", PNR_OBJECT_STORED, &hash));
	FILE *file = fopen(under(w, "expenses.csv"), "rb");
	assert_non_null(file);
	assert_int_equal(fread(noise, 1, sizeof noise, file), sizeof noise);
	assert_int_equal(fclose(file), 0);
	noise[sizeof noise / 2]++;
	write_bytes(w, "expenses.csv", noise, sizeof noise);
	pack(w, NULL);
	assert_int_equal(push(w).blobs_patched, 1);
	const char *whole = whole_of(w, "expenses.csv", PNR_OBJECT_STORED, &hash);
	(void)snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s')\" && cp '%s' '%s'", whole,
	               under(w, "expenses.csv"), whole);
	assert_int_equal(system(command), 0);
	assert_int_equal(unlink(lost), 0);
	write_bytes(w, "lapse.csv", "1\n", 2);
	pack(w, NULL);
	(void)push(w);
	get_package(w, &package);
	const pnr_object_row *row = pnr_package_object_find(&package, &hash);
	assert_non_null(row);
	assert_int_equal(row->form, PNR_OBJECT_STORED);
	assert_true(pnr_digest_equal(&row->stored_hash, &hash));
}

/* What is put again goes whole where others stand on it: as a patch it would make their chains too deep, */
static void what_others_stand_on_adds_no_step_to_a_chain(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	char lost[PATH_MAX];
	pnr_digest hash;
	write_table(w, "expenses.csv", 1, 50);
	pack(w, NULL);
	(void)push(w);
	(void)snprintf(lost, sizeof lost, "%s", whole_of(w, "expenses.csv", PNR_OBJECT_GZIP, &hash));
	write_table(w, "expenses.csv", 1, 51);
	for (unsigned version = 1; version <= 7; version++) {
		write_table(w, "mortality.csv", 1, version);
		pack(w, NULL);
		(void)push(w);
	}
	assert_int_equal(unlink(lost), 0);
	write_table(w, "mortality.csv", 1, 50);
	pack(w, NULL);
	(void)push(w);
	get_package(w, &package);
	assert_int_equal(greatest_depth(&package), 1);
	assert_int_equal(check_packages(w), 9);
}

/* or lead in a circle: back to an older version, on which the newer one stands. */
static void what_others_stand_on_stands_on_none_of_them(void **state)
{
	const world *w = *state;
	char lost[PATH_MAX];
	pnr_digest hash;
	(void)push(w);
	(void)snprintf(lost, sizeof lost, "%s", whole_of(w, "mortality.csv", PNR_OBJECT_GZIP, &hash));
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	(void)push(w);
	assert_int_equal(unlink(lost), 0);
	write_table(w, "mortality.csv", 1, 0);
	write_bytes(w, "lapse.csv", "1\n", 2);
	pack(w, NULL);
	(void)push(w);
	assert_int_equal(check_packages(w), 3);
}

/* A folder, say, in the place of a package is not that package. */
static void what_is_in_the_place_of_a_package_is_told(void **state)
{
	const world *w = *state;
	const pnr_push_options options = { .size = sizeof options };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	char path[PNR_KEY_SIZE + 16];
	pnr_push_result result;
	(void)push(w);
	list_keys(w, "packages/", &keys);
	(void)snprintf(path, sizeof path, "remote/%.*s", (int)strcspn(keys.data, "\n"), keys.data);
	assert_int_equal(unlink(under(w, path)), 0);
	assert_int_equal(symlink("/dev/zero", under(w, path)), 0);
	assert_fails(pnr_push(w->store, "share", "latest", &options, &result, NULL, err), PNR_CORRUPT, "--heal");
	(void)push_with(w->store, "latest", false, true);
	assert_int_equal(check_packages(w), 1);
	(void)push(w);
}

/* A size that others gave a base is not passed on, if it is wrong. */
static void a_wrong_size_of_a_base_is_not_passed_on(void **state)
{
	const world *w = *state;
	pnr_index *index = pnr_store_index(w->store);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_remote_row remote;
	pnr_presence_row row;
	pnr_digest base;
	(void)push(w);
	hash_of(w, "mortality.csv", &base);
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	(void)push(w);
	assert_ok(pnr_index_remote_find(index, "share", &arena, &remote, err));
	assert_ok(pnr_index_presence_find(index, remote.id, &base, &row, err));
	row.size++;
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_presence_put(index, remote.id, &row, err));
	assert_ok(pnr_index_commit(index, err));
	write_table(w, "mortality.csv", 1, 2);
	pack(w, NULL);
	(void)push(w);
	assert_int_equal(check_packages(w), 3);
}

/* ------------------------------------------------------------------- healing -- */

typedef void (*harm_fn)(const world *w, const char *path);

static void harm_missing(const world *w, const char *path)
{
	assert_int_equal(unlink(under(w, path)), 0);
}

static void harm_cut(const world *w, const char *path)
{
	struct stat st;
	assert_int_equal(stat(under(w, path), &st), 0);
	assert_int_equal(truncate(under(w, path), st.st_size / 2), 0);
}

/* One bit may not matter: a patch may then refer to the same bytes elsewhere. */
static void harm_bytes(const world *w, const char *path)
{
	struct stat st;
	char bytes[5];
	int fd = open(under(w, path), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	off_t middle = st.st_size / 2 - 2;
	assert_int_equal(pread(fd, bytes, sizeof bytes, middle), sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)~bytes[i];
	assert_int_equal(pwrite(fd, bytes, sizeof bytes, middle), sizeof bytes);
	close(fd);
}

static void harm_replaced(const world *w, const char *path)
{
	write_bytes(w, path, "something else altogether, of some other length", 47);
}

static void harm_empty(const world *w, const char *path)
{
	write_bytes(w, path, "", 0);
}

static void harm_link(const world *w, const char *path)
{
	harm_missing(w, path);
	assert_int_equal(symlink("/dev/zero", under(w, path)), 0);
}

static void every_harm_to_every_object_is_healed(void **state)
{
	const world *w = *state;
	static const harm_fn harms[] = { harm_missing, harm_cut, harm_bytes, harm_replaced, harm_empty, harm_link };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	(void)push(w);
	for (unsigned version = 1; version <= 2; version++) {
		write_table(w, "mortality.csv", 1, version);
		pack(w, NULL);
		(void)push(w);
	}
	pnr_push_result result = push_with(w->store, "latest", false, true);
	assert_int_equal(result.blobs_damaged, 0);
	assert_int_equal(result.bytes_sent, 0);
	list_keys(w, "", &keys);
	for (size_t h = 0; h < PNR_COUNT(harms); h++) {
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer copy = PNR_BUFFER_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer after = PNR_BUFFER_INIT;
		unsigned healed = 0, texts = 0;
		pnr_buffer_append(&copy, keys.data, keys.length);
		for (char *key = strtok(copy.data, "\n"); key != NULL; key = strtok(NULL, "\n")) {
			char path[PNR_KEY_SIZE + 16];
			pnr_package_key package;
			(void)snprintf(path, sizeof path, "remote/%s", key);
			/* Of the three packages the latest one is healed; pannier.json is none of our business. */
			if (strcmp(key, "pannier.json") == 0 || pnr_package_key_parse(key, &package))
				continue;
			harms[h](w, path);
			result = push_with(w->store, "latest", false, true);
			texts += result.blobs_sent == 0;
			if (result.blobs_damaged != 1 || result.blobs_sent > 1 || result.bytes_sent == 0)
				fail_msg("harm %zu to %s: %u damaged, %u sent", h, key, (unsigned)result.blobs_damaged,
				         (unsigned)result.blobs_sent);
			healed++;
		}
		assert_int_equal(healed, 7 + 3);
		assert_int_equal(texts, 3);
		/* As it was, and all three packages are right again. */
		list_keys(w, "", &after);
		assert_string_equal(after.data, keys.data);
		assert_int_equal(check_packages(w), 3);
	}
}

/* Others keep @file's content in the other form: it is there so, and remembered. Returns the object. */
static pnr_object_row put_other_form(const world *w, const char *file, pnr_object_form form, const char *command)
{
	pnr_index *index = pnr_store_index(w->store);
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_object_row row = { .form = form };
	pnr_remote_row remote;
	char key[PNR_KEY_SIZE], shell[4 * PATH_MAX];
	struct stat st;
	int fd = open(under(w, file), O_RDONLY);
	assert_ok(pnr_hash_file(fd, file, NULL, &row.hash, NULL, NULL, err));
	assert_int_equal(fstat(fd, &st), 0);
	(void)close(fd);
	row.size = (uint64_t)st.st_size;
	/* Of what it holds only the content counts. */
	row.stored_hash = row.hash;
	row.stored_size = row.size;
	pnr_key_of_object(&row, key);
	(void)snprintf(shell, sizeof shell, "cd '%s' && mkdir -p \"$(dirname 'remote/%s')\" && %s < '%s' > 'remote/%s'",
	               w->s->path, key, command, file, key);
	assert_int_equal(system(shell), 0);
	assert_ok(pnr_index_remote_find(index, "share", &arena, &remote, err));
	const pnr_presence_row presence = pnr_presence_of_object(&row, 1);
	assert_ok(pnr_index_begin(index, err));
	assert_ok(pnr_index_presence_put(index, remote.id, &presence, err));
	assert_ok(pnr_index_commit(index, err));
	return row;
}

/* A whole under the key that this store would not use is mended under that key: other packages name it. */
static void what_others_keep_in_the_other_form_is_healed(void **state)
{
	const world *w = *state;
	static const harm_fn harms[] = { harm_missing, harm_bytes, harm_empty };
	pnr_remote *remote = NULL;
	const pnr_remote_options create = { .create = true };
	assert_ok(pnr_remote_open(w->remote, &create, &remote, err));
	pnr_remote_close(remote);
	/* Noise, which this store keeps as it is; a table, which it compresses. */
	const pnr_object_row rows[] = {
		put_other_form(w, "expenses.csv", PNR_OBJECT_GZIP, "gzip -n"),
		put_other_form(w, "mortality.csv", PNR_OBJECT_STORED, "cat"),
	};
	pnr_push_result result = push(w);
	assert_int_equal(result.blobs_sent, result.blobs_needed - 2);
	write_bytes(w, "lapse.csv", "1\n", 2);
	pack(w, NULL);
	(void)push(w);
	for (size_t i = 0; i < PNR_COUNT(rows) * PNR_COUNT(harms); i++) {
		char key[PNR_KEY_SIZE], path[PNR_KEY_SIZE + 16];
		(void)snprintf(path, sizeof path, "remote/%s", pnr_key_of_object(&rows[i % 2], key));
		harms[i / 2](w, path);
		result = push_with(w->store, "latest", true, true);
		assert_int_equal(result.blobs_damaged, 1);
		result = push_with(w->store, "latest", false, true);
		assert_int_equal(result.blobs_damaged, 1);
		assert_int_equal(result.blobs_sent, 1);
		/* Both packages are whole, also the one that was not healed. */
		assert_int_equal(check_packages(w), 2);
		result = push_with(w->store, "latest", false, true);
		assert_int_equal(result.blobs_damaged, 0);
	}
}

static void the_object_of_a_package_is_healed(void **state)
{
	const world *w = *state;
	static const harm_fn harms[] = { harm_missing, harm_cut, harm_bytes, harm_replaced, harm_empty, harm_link };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	char path[PNR_KEY_SIZE + 16];
	(void)push(w);
	list_keys(w, "packages/", &keys);
	(void)snprintf(path, sizeof path, "remote/%.*s", (int)strcspn(keys.data, "\n"), keys.data);
	for (size_t h = 0; h < PNR_COUNT(harms); h++) {
		harms[h](w, path);
		pnr_push_result result = push_with(w->store, "latest", false, true);
		assert_int_equal(result.blobs_sent, 0);
		assert_true(result.bytes_sent > 0);
		assert_int_equal(check_packages(w), 1);
	}
}

/* The base of a patch is gone, here and there. */
static void what_stands_on_nothing_goes_whole(void **state)
{
	const world *w = *state;
	(void)push(w);
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	(void)push(w);
	pnr_store *other = open_store(w, "other");
	world second = *w;
	second.store = other;
	assert_ok(pnr_store_remote_add(other, "share", w->remote, err));
	pack(&second, NULL);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	get_package(w, &package);
	for (size_t i = 0; i < package.object_count; i++) {
		char key[PNR_KEY_SIZE], path[PNR_KEY_SIZE + 16];
		if (package.objects[i].size < 50000 || package.objects[i].depth > 0)
			continue;
		(void)snprintf(path, sizeof path, "remote/%s", pnr_key_of_object(&package.objects[i], key));
		harm_bytes(w, path);
	}
	pnr_push_result result = push_with(other, "latest", false, true);
	assert_int_equal(result.blobs_sent, 1);
	assert_int_equal(result.blobs_patched, 0);
	/* Its own package is whole, whatever the first one's state. */
	pnr_package_object_free(&package);
	get_package(&second, &package);
	pnr_remote *remote = open_again(w);
	assert_int_equal(prove_package(w, remote, &package), 0);
	pnr_remote_close(remote);
	pnr_store_close(other);
}

/* A text that is lost, here and there: the package gets a new one, and others stand on what they stood on. */
static void a_text_that_is_lost_is_made_anew(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object package = PNR_PACKAGE_OBJECT_INIT;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object healed = PNR_PACKAGE_OBJECT_INIT;
	char key[PNR_KEY_SIZE], path[PNR_KEY_SIZE + 16];
	(void)push(w);
	write_table(w, "mortality.csv", 1, 1);
	pack(w, NULL);
	(void)push(w);
	get_package(w, &package);
	assert_int_equal(package.texts.count, 2);
	pnr_store *other = open_store(w, "other");
	world second = *w;
	second.store = other;
	assert_ok(pnr_store_remote_add(other, "share", w->remote, err));
	/* It has the package, and never saw the text of the first one, on which the second one's stands. */
	pnr_pull_result pulled;
	pnr_package_info *info = NULL;
	char hex[PNR_DIGEST_HEX_SIZE];
	assert_ok(pnr_store_resolve(w->store, "latest", &info, err));
	assert_ok(pnr_pull(other, "share", pnr_digest_to_hex(&info->package_hash, hex), NULL, &pulled, NULL, err));
	pnr_package_info_free(info);
	(void)snprintf(path, sizeof path, "remote/%s", pnr_key_of_object(&package.texts.rows[1], key));
	harm_bytes(w, path);
	pnr_push_result result = push_with(other, hex, false, true);
	assert_int_equal(result.blobs_sent, 0);
	assert_true(result.blobs_damaged > 0);
	get_package(&second, &healed);
	assert_int_equal(healed.texts.count, 1);
	/* The store that has it mends the first one, too. */
	(void)push_with(w->store, "latest~1", false, true);
	assert_int_equal(check_packages(w), 2);
	pnr_store_close(other);
}

static void a_damaged_package_object_is_told_with_its_remedy(void **state)
{
	const world *w = *state;
	const pnr_push_options options = { .size = sizeof options };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer keys = PNR_BUFFER_INIT;
	char path[PNR_KEY_SIZE + 16];
	pnr_push_result result;
	bool at_fault = false;
	(void)push(w);
	list_keys(w, "packages/", &keys);
	(void)snprintf(path, sizeof path, "remote/%.*s", (int)strcspn(keys.data, "\n"), keys.data);
	harm_bytes(w, path);
	assert_ok(pnr_store_remote_remove(w->store, "share", err));
	assert_ok(pnr_store_remote_add(w->store, "share", w->remote, err));
	assert_fails(pnr_push(w->store, "share", "latest", &options, &result, &at_fault, err), PNR_CORRUPT, "--heal");
	assert_false(at_fault);
}

/* ------------------------------------------------------------------- failing -- */

/* The Nth call of the remote fails: before it does anything, or in the middle. */
static bool push_with_fault(const world *w, unsigned fail_at, bool midway, bool heal)
{
	const pnr_remote_options create = { .create = true };
	const pnr_push_options options = { .size = sizeof options, .heal = heal };
	pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	pnr_push_result result;
	bool at_fault = false;
	pnr_error failure = PNR_ERROR_INIT;
	assert_ok(pnr_named_remote_open(w->store, "share", &create, &named, &at_fault, err));
	flaky *f = flaky_new(named.handle);
	named.handle = &f->base;
	f->fail_at = fail_at;
	f->midway = midway;
	pnr_status status = pnr_push_through(w->store, &named, "prod", &options, NULL, &result, &at_fault, &failure);
	bool met = f->calls >= fail_at;
	/* Of reading, a failure in the middle looks like an object that is too long. */
	if (!met && status != PNR_OK)
		fail_msg("without a fault: %s", failure.message);
	if (met && !midway && (status != PNR_IO || !at_fault || strstr(failure.message, "flaky") == NULL))
		fail_msg("call %u: %s, %s", fail_at, pnr_status_name(status), failure.message);
	pnr_named_remote_close(&named);
	return met;
}

static void each_fault_of_the_remote_leaves_whole_packages_and_a_way_on(void **state)
{
	const world *w = *state;
	unsigned version = 0;
	assert_ok(pnr_store_tag(w->store, "prod", "latest", false, err));
	(void)push_with(w->store, "prod", false, false);
	for (unsigned heal = 0; heal < 2; heal++) {
		for (unsigned midway = 0; midway < 2; midway++) {
			bool met = true;
			for (unsigned n = 1; met; n++) {
				write_table(w, "mortality.csv", 1, ++version);
				write_noise(w, "expenses.csv", version + 10, 20000);
				pack(w, NULL);
				assert_ok(pnr_store_tag(w->store, "prod", "latest", true, err));
				met = push_with_fault(w, n, midway != 0, heal != 0);
				(void)check_packages(w);
				pnr_push_result result = push_with(w->store, "prod", false, heal != 0);
				assert_true(result.blobs_sent <= 2);
				assert_true(n < 30);
			}
			assert_true(version > 4);
		}
	}
	assert_int_equal(check_packages(w), version + 1);
}

/* What was put before a failure is not sent again. */
static void what_was_put_is_not_sent_again(void **state)
{
	const world *w = *state;
	assert_ok(pnr_store_tag(w->store, "prod", "latest", false, err));
	/* has the package? has the content? put, has the text? put, pointer. */
	assert_true(push_with_fault(w, 4, false, false));
	assert_int_equal(count_keys(w, "blobs/"), 5);
	assert_int_equal(count_keys(w, "packages/"), 0);
	assert_true(push_with_fault(w, 5, false, false));
	assert_int_equal(count_keys(w, "blobs/"), 5 + 1);
	assert_int_equal(count_keys(w, "packages/"), 0);
	pnr_push_result result = push_with(w->store, "prod", false, false);
	assert_int_equal(result.blobs_sent, 0);
	/* The pointer. */
	assert_true(result.bytes_sent > 0 && result.bytes_sent < 150);
	assert_int_equal(check_packages(w), 1);
}

static void a_damaged_object_of_the_store_is_not_sent(void **state)
{
	const world *w = *state;
	const pnr_push_options options = { .size = sizeof options };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer command = PNR_BUFFER_INIT;
	pnr_push_result result;
	bool at_fault = false;
	pnr_buffer_printf(&command,
	                  "for f in $(find %s/.pannier/objects -name '*.gz'); do chmod u+w $f;"
	                  " printf x | dd of=$f bs=1 seek=5000 conv=notrunc status=none; done",
	                  w->s->path);
	assert_int_equal(system(command.data), 0);
	assert_fails(pnr_push(w->store, "share", "latest", &options, &result, &at_fault, err), PNR_CORRUPT, "not put");
	assert_false(at_fault);
	assert_int_equal(count_keys(w, "packages/"), 0);
}

/* ------------------------------------------------------------------- at once -- */

static pid_t push_in_a_process(const world *w, const char *store_name)
{
	pid_t child = fork();
	if (child != 0)
		return child;
	const pnr_store_options options = { .size = sizeof options, .threads = 1 };
	const pnr_push_options how = { .size = sizeof how };
	pnr_store *store = NULL;
	pnr_push_result result;
	pnr_status status = pnr_store_open(under(w, store_name), &options, &store, NULL, NULL);
	if (status == PNR_OK)
		status = pnr_push(store, "share", "latest", &how, &result, NULL, NULL);
	pnr_store_close(store);
	_exit(status == PNR_OK ? 0 : 1);
}

static void two_who_push_overlapping_packages_at_once_are_both_right(void **state)
{
	const world *w = *state;
	pnr_store *other = open_store(w, "other");
	world second = *w;
	second.store = other;
	assert_ok(pnr_store_remote_add(other, "share", w->remote, err));
	for (unsigned round = 0; round < 8; round++) {
		pid_t children[4];
		/* Half of what changes is the same for both. */
		write_table(w, "mortality.csv", 1, 2 * round + 1);
		write_noise(w, "expenses.csv", 100 + round, 20000);
		pack(w, NULL);
		write_table(w, "mortality.csv", 1, 2 * round + 2);
		pack(&second, NULL);
		for (size_t i = 0; i < PNR_COUNT(children); i++)
			children[i] = push_in_a_process(w, i % 2 == 0 ? ".pannier" : "other");
		for (size_t i = 0; i < PNR_COUNT(children); i++) {
			int how = 0;
			assert_int_equal(waitpid(children[i], &how, 0), children[i]);
			assert_true(WIFEXITED(how));
			assert_int_equal(WEXITSTATUS(how), 0);
		}
		assert_int_equal(check_packages(w), 2 * round + 2);
	}
	pnr_store_close(other);
}

/* ------------------------------------------------------------------- refused -- */

static int append_remote(void *user, const pnr_remote_info *remote)
{
	pnr_buffer_printf(user, "%s %s\n", remote->name, remote->url);
	return 0;
}

static void remotes_are_added_listed_and_forgotten(void **state)
{
	const world *w = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	static const char *const wrong[] = { "", "a b", "-x", "abcd", "a/b", "latest" };
	assert_ok(pnr_store_remote_add(w->store, "disk", "file:///mnt/disk", err));
	assert_ok(pnr_store_remote_add(w->store, "disk", "/mnt/disk/", err));
	assert_fails(pnr_store_remote_add(w->store, "disk", "/mnt/other", err), PNR_CONFLICT, "remote remove disk");
	assert_fails(pnr_store_remote_add(w->store, "web", "https://user:secret@host/x", err), PNR_UNSUPPORTED, "");
	assert_fails(pnr_store_remote_add(w->store, "s", "s3://key:secret@bucket/x", err), PNR_INVALID, "");
	for (size_t i = 0; i < PNR_COUNT(wrong); i++)
		assert_fails(pnr_store_remote_add(w->store, wrong[i], "/mnt/disk", err), PNR_INVALID, "cannot be a remote's name");
	assert_ok(pnr_store_remote_list(w->store, append_remote, &list, err));
	assert_non_null(strstr(list.data, "disk /mnt/disk\nshare "));
	assert_ok(pnr_store_remote_remove(w->store, "disk", err));
	assert_fails(pnr_store_remote_remove(w->store, "disk", err), PNR_NOT_FOUND, "no remote 'disk'");
}

static void what_cannot_be_pushed_is_refused(void **state)
{
	const world *w = *state;
	const pnr_push_options options = { .size = sizeof options }, dry = { .size = sizeof dry, .dry_run = true };
	const pnr_pack_options no_zip = { .size = sizeof no_zip, .no_zip = true };
	pnr_push_result result;
	pnr_pack_result *packed = NULL;
	bool at_fault = false;
	assert_fails(pnr_push(w->store, "none", "latest", &options, &result, &at_fault, err), PNR_NOT_FOUND, "remote add none");
	assert_fails(pnr_push(w->store, "share", "gone", &options, &result, &at_fault, err), PNR_NOT_FOUND, "'gone'");
	assert_fails(pnr_push(w->store, "share", "a b", &options, &result, &at_fault, err), PNR_INVALID, "not a package");
	assert_int_equal(access(w->remote, F_OK), -1);
	assert_false(at_fault);
	assert_fails(pnr_push(w->store, "share", "latest", &dry, &result, &at_fault, err), PNR_NOT_FOUND, "remote '");
	assert_true(at_fault);
	assert_int_equal(access(w->remote, F_OK), -1);
	write_table(w, "mortality.csv", 1, 9);
	assert_ok(pnr_pack(w->store, under(w, "livecalc.config.json"), &no_zip, &packed, err));
	pnr_pack_result_free(packed);
	assert_fails(pnr_push(w->store, "share", "latest", &options, &result, &at_fault, err), PNR_NOT_FOUND, "without a zip");
}

/* Reports come now and then; the first one and the last one of a phase always. */
static int note_progress(void *user, const pnr_progress *progress)
{
	pnr_progress *last = user;
	if (progress->phase != PNR_PHASE_SEND)
		return 0;
	assert_true(progress->bytes_done <= progress->bytes_total);
	/* It goes back only where it begins again, for the text of the package. */
	if (progress->bytes_done < last->bytes_done)
		assert_int_equal(last->bytes_done, last->bytes_total);
	*last = *progress;
	return 0;
}

/* Whole, as patches, and whole where a patch was tried in vain. */
static void progress_ends_where_it_said_it_would(void **state)
{
	const world *w = *state;
	pnr_push_result result;
	bool at_fault;
	for (unsigned i = 0; i < 3; i++) {
		pnr_progress last = { .size = 0 };
		const pnr_push_options options = { .size = sizeof options,
			                           .progress = note_progress,
			                           .progress_user = &last };
		if (i == 1)
			write_table(w, "mortality.csv", 1, 1);
		if (i == 2) {
			write_noise(w, "expenses.csv", 4, 40000);
			write_bytes(w, "lapse.csv", "nothing of it is as it was before\n", 34);
		}
		if (i > 0)
			pack(w, NULL);
		assert_ok(pnr_push(w->store, "share", "latest", &options, &result, &at_fault, err));
		assert_int_equal(result.blobs_patched, i == 1);
		assert_true(last.bytes_total > 0);
		assert_int_equal(last.bytes_done, last.bytes_total);
	}
}

static int stop_at_sending(void *user, const pnr_progress *progress)
{
	(void)user;
	return progress->phase == PNR_PHASE_SEND;
}

static void a_push_that_is_stopped_sends_no_package(void **state)
{
	const world *w = *state;
	const pnr_push_options options = { .size = sizeof options, .progress = stop_at_sending };
	pnr_push_result result;
	bool at_fault = false;
	assert_fails(pnr_push(w->store, "share", "latest", &options, &result, &at_fault, err), PNR_CANCELLED, "");
	assert_false(at_fault);
	assert_int_equal(count_keys(w, "packages/"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_first_push_sends_each_content_once),
		TEST(pushing_again_sends_nothing),
		TEST(two_assets_of_one_content_are_one_object),
		TEST(a_changed_version_goes_as_a_patch),
		TEST(what_no_patch_makes_much_smaller_goes_whole),
		TEST(a_base_that_is_gone_is_no_base),
		TEST(a_chain_has_eight_steps_at_most),
		TEST(bases_in_a_circle_have_an_end),
		TEST(a_whole_beside_a_patch_without_a_base_is_described),
		TEST(what_others_stand_on_adds_no_step_to_a_chain),
		TEST(what_others_stand_on_stands_on_none_of_them),
		TEST(what_is_in_the_place_of_a_package_is_told),
		TEST(a_wrong_size_of_a_base_is_not_passed_on),
		TEST(a_text_has_four_steps_at_most),
		TEST(without_patches_all_goes_whole),
		TEST(what_others_pushed_is_a_base_as_well),
		TEST(a_package_that_is_there_is_learned),
		TEST(a_dry_run_says_what_a_push_sends_and_sends_nothing),
		TEST(a_tag_is_set_and_moved_from_what_is_known),
		TEST(a_tag_of_an_unknown_package_is_a_conflict),
		TEST(every_harm_to_every_object_is_healed),
		TEST(what_others_keep_in_the_other_form_is_healed),
		TEST(the_object_of_a_package_is_healed),
		TEST(what_stands_on_nothing_goes_whole),
		TEST(a_text_that_is_lost_is_made_anew),
		TEST(a_damaged_package_object_is_told_with_its_remedy),
		TEST(each_fault_of_the_remote_leaves_whole_packages_and_a_way_on),
		TEST(what_was_put_is_not_sent_again),
		TEST(a_damaged_object_of_the_store_is_not_sent),
		TEST(two_who_push_overlapping_packages_at_once_are_both_right),
		TEST(remotes_are_added_listed_and_forgotten),
		TEST(what_cannot_be_pushed_is_refused),
		TEST(progress_ends_where_it_said_it_would),
		TEST(a_push_that_is_stopped_sends_no_package),
	};
	return cmocka_run_group_tests_name("sync/push", tests, in_memory, NULL);
}
