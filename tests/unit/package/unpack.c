/* Unpacking: all of it, or nothing; and nothing elsewhere, whatever the package says. */
#include "packages.h"
#include <stdatomic.h>

static pnr_status unpack(const char *zip, const char *dir, const pnr_verify_options *options, pnr_error *err)
{
	const pnr_package_source source = { .file = zip };
	pnr_verify_result *result = NULL;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_unpack(&source, dir, options, &result, &own);
	assert_int_equal(own.status, status);
	assert_int_equal(result != NULL, status == PNR_OK || status == PNR_CORRUPT);
	if (result != NULL)
		assert_int_equal(result->valid, status == PNR_OK);
	pnr_verify_result_free(result);
	if (err != NULL)
		*err = own;
	return status;
}

static bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static void expect_file(const char *dir, const char *name, const void *data, size_t length)
{
	char path[512];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	pnr_buffer bytes = PNR_BUFFER_INIT;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(pnr_file_read_all(fd, 1 << 20, &bytes, path, NULL), PNR_OK);
	close(fd);
	assert_int_equal(bytes.length, length);
	if (length > 0)
		assert_memory_equal(bytes.data, data, length);
	pnr_buffer_free(&bytes);
}

static unsigned count_tree(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 1;
	DIR *dir = fdopendir(fd);
	unsigned count = 1;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			count += count_tree(fd, e->d_name);
	closedir(dir);
	return count;
}

/* Everything in the test's folder, itself left out. */
static unsigned count_all(const place *w)
{
	return count_tree(AT_FDCWD, w->dir) - 1;
}

static void expect_whole(const char *dir, package *p)
{
	char *manifest = manifest_of(p);
	expect_file(dir, "manifest.json", manifest, strlen(manifest));
	free(manifest);
	for (size_t i = 0; i < p->count; i++)
		if (!p->assets[i].not_in_zip)
			expect_file(dir, p->assets[i].path, p->assets[i].data, p->assets[i].length);
}

/* ------------------------------------------------------------ what is right -- */

static void a_package_is_unpacked_with_its_manifest(void **state)
{
	const place *w = *state;
	char dir[256];
	package p = sample();
	write_package(&p, w->zip);
	assert_int_equal(unpack(w->zip, in(w, "out", dir), NULL, NULL), PNR_OK);
	expect_whole(dir, &p);
	/* out, 7 files, 3 folders, and the zip */
	assert_int_equal(count_all(w), 12);
}

static void a_package_of_the_old_packager_is_unpacked(void **state)
{
	const place *w = *state;
	char dir[256];
	package p = sample();
	p.old = p.foreign = true;
	add(&p, "wasm/val.wasm", "wasm", WASM, WASM_LENGTH)->not_in_zip = true;
	write_package(&p, w->zip);
	assert_int_equal(unpack(w->zip, in(w, "out", dir), NULL, NULL), PNR_OK);
	expect_whole(dir, &p);
}

static void modes_follow_the_umask(void **state)
{
	const place *w = *state;
	char dir[256], path[512];
	package p = sample();
	write_package(&p, w->zip);
	mode_t old = umask(027);
	assert_int_equal(unpack(w->zip, in(w, "out", dir), NULL, NULL), PNR_OK);
	umask(old);
	static const struct {
		const char *name;
		mode_t mode;
	} rows[] = { { "", 0750 }, { "/wasm", 0750 }, { "/wasm/val.wasm", 0640 }, { "/manifest.json", 0640 } };
	for (size_t i = 0; i < PNR_COUNT(rows); i++) {
		struct stat st;
		(void)snprintf(path, sizeof path, "%s%s", dir, rows[i].name);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, rows[i].mode);
	}
}

enum { MANY = 300, WIDTH = 40 };

/* More files than are synced one by one, in more folders than are kept open, which are visited in turn. */
static void write_many(const place *w, char names[MANY][64])
{
	zip_out z = { .count = 0 };
	int fd = open(w->zip, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	pnr_file_end end = { fd, w->zip };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_buffer text = PNR_BUFFER_INIT;
	package p = sample();
	char *head = manifest_of(&p);
	pnr_buffer_append(&text, head, (size_t)(strstr(head, "\n  ]") - head));
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(names[i], 64, "d/%d/e%d/f%d", i % WIDTH, i % 2, i);
		pnr_digest digest;
		char hex[PNR_DIGEST_HEX_SIZE];
		assert_int_equal(pnr_hash_memory(names[i], strlen(names[i]), &digest, NULL, NULL), PNR_OK);
		pnr_buffer_printf(&text, ",\n{\"relativePath\":\"%s\",\"hash\":\"%s\",\"size\":%zu,\"type\":\"policy\"}",
		                  names[i], pnr_digest_to_hex(&digest, hex), strlen(names[i]));
		put_entry(&z, names[i], names[i], strlen(names[i]));
	}
	pnr_buffer_puts(&text, "],\"config\":" CONFIG "}");
	put_entry(&z, "manifest.json", text.data, text.length);
	for (size_t i = 0; i < p.count; i++)
		put_entry(&z, p.assets[i].path, p.assets[i].data, p.assets[i].length);
	finish_foreign(&z, &sink);
	close(fd);
	pnr_buffer_free(&text);
	free(head);
}

static void many_files_in_many_folders_are_unpacked(void **state)
{
	const place *w = *state;
	static char names[MANY][64];
	char dir[256];
	write_many(w, names);
	assert_int_equal(unpack(w->zip, in(w, "out", dir), NULL, NULL), PNR_OK);
	for (int i = 0; i < MANY; i++)
		expect_file(dir, names[i], names[i], strlen(names[i]));
}

/* ------------------------------------------------------------- the target -- */

static void missing_parents_are_made_and_an_empty_folder_is_filled(void **state)
{
	const place *w = *state;
	char dir[256];
	package p = sample();
	write_package(&p, w->zip);
	assert_int_equal(unpack(w->zip, in(w, "a/b/../c//out/", dir), NULL, NULL), PNR_OK);
	expect_whole(in(w, "a/c/out", dir), &p);
	assert_int_equal(mkdir(in(w, "empty", dir), 0777), 0);
	assert_int_equal(unpack(w->zip, dir, NULL, NULL), PNR_OK);
	expect_whole(dir, &p);
}

static void what_is_in_the_way_stays(void **state)
{
	const place *w = *state;
	char dir[256], path[256];
	package p = sample();
	write_package(&p, w->zip);
	pnr_error err;

	assert_int_equal(mkdir(in(w, "full", dir), 0777), 0);
	write_text(in(w, "full/mine", path), "mine");
	assert_int_equal(unpack(w->zip, dir, NULL, &err), PNR_CONFLICT);
	assert_non_null(strstr(err.message, "is not empty"));
	expect_file(dir, "mine", "mine", 4);

	write_text(in(w, "file", path), "mine");
	assert_int_equal(unpack(w->zip, path, NULL, &err), PNR_CONFLICT);
	assert_non_null(strstr(err.message, "not a folder"));

	assert_int_equal(mkdir(in(w, "elsewhere", dir), 0777), 0);
	assert_int_equal(symlink("elsewhere", in(w, "link", path)), 0);
	assert_int_equal(unpack(w->zip, path, NULL, &err), PNR_CONFLICT);
	assert_int_equal(symlink("nowhere", in(w, "dangling", path)), 0);
	assert_int_equal(unpack(w->zip, path, NULL, &err), PNR_CONFLICT);

	assert_int_equal(unpack(w->zip, in(w, "elsewhere/..", path), NULL, &err), PNR_CONFLICT);
	assert_int_equal(unpack(w->zip, "/", NULL, &err), PNR_CONFLICT);

	/* a file where a folder should be made */
	assert_int_not_equal(unpack(w->zip, in(w, "file/out", path), NULL, NULL), PNR_OK);
	/* zip, full, mine, file, elsewhere, link, dangling */
	assert_int_equal(count_all(w), 7);
}

static void the_current_folder_is_not_replaced_under_us(void **state)
{
	const place *w = *state;
	char dir[256], *here = getcwd(NULL, 0);
	package p = sample();
	write_package(&p, w->zip);
	assert_int_equal(mkdir(in(w, "here", dir), 0777), 0);
	assert_int_equal(chdir(dir), 0);
	pnr_error err;
	assert_int_equal(unpack(w->zip, ".", NULL, &err), PNR_CONFLICT);
	assert_non_null(strstr(err.message, "current folder"));
	assert_int_equal(unpack(w->zip, dir, NULL, NULL), PNR_CONFLICT);
	assert_int_equal(unpack(w->zip, "sub", NULL, NULL), PNR_OK);
	assert_int_equal(chdir(here), 0);
	expect_whole(in(w, "here/sub", dir), &p);
	free(here);
}

/* ----------------------------------------------------------- what is wrong -- */

static void hostile_names_write_nothing_anywhere(void **state)
{
	const place *w = *state;
	char dir[256], path[256];
	static const char *const names[] = {
		"../evil", "../../evil", "wasm/../../evil", "..", ".", "/tmp/pannier-test-evil", "//evil", "..\\evil",
		"C:\\evil", "wasm", "wasm/val.wasm/x", "manifest.json/x", "Manifest.json", "MODEL.MGA",
		"model.mga/../../evil", "./evil", "a/./b", "a//b", "-evil", "evil/", "evil\n",
	};
	assert_int_equal(mkdir(in(w, "sentinel", path), 0777), 0);
	write_text(in(w, "sentinel/evil", path), "mine");
	for (size_t i = 0; i < PNR_COUNT(names); i++) {
		for (int listed = 0; listed < 2; listed++) {
			package p = sample();
			p.foreign = true;
			asset *a = add_text(&p, names[i], "policy", "evil");
			a->not_in_manifest = !listed;
			write_package(&p, w->zip);
			if (unpack(w->zip, in(w, "sentinel/out", dir), NULL, NULL) != PNR_CORRUPT)
				fail_msg("%s", names[i]);
		}
	}
	assert_int_equal(count_all(w), 3);
	expect_file(w->dir, "sentinel/evil", "mine", 4);
	assert_false(exists("/tmp/pannier-test-evil"));
}

static void a_package_with_a_problem_leaves_nothing(void **state)
{
	const place *w = *state;
	char dir[256];
	pnr_error err;
	/* found before anything is written */
	package p = sample();
	asset_of(&p, "model.mga")->listed_size = 5;
	write_package(&p, w->zip);
	assert_int_equal(unpack(w->zip, in(w, "new/out", dir), NULL, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "model.mga: has 6 bytes"));
	assert_int_equal(count_all(w), 1);
	/* found in the last asset */
	p = sample();
	asset_of(&p, "assumptions/l.csv")->listed_hash =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	write_package(&p, w->zip);
	assert_int_equal(unpack(w->zip, dir, NULL, &err), PNR_CORRUPT);
	assert_non_null(strstr(err.message, "assumptions/l.csv: its SHA-256 is"));
	assert_int_equal(count_all(w), 1);
	/* right in itself, and not what was expected */
	p = sample();
	write_package(&p, w->zip);
	pnr_digest other = { { 1 } };
	pnr_verify_options options = { .size = sizeof options, .expect = &other };
	assert_int_equal(unpack(w->zip, dir, &options, &err), PNR_CORRUPT);
	assert_int_equal(count_all(w), 1);
	options.expect = &p.hash;
	assert_int_equal(unpack(w->zip, dir, &options, NULL), PNR_OK);
}

static int folders_made;

/* A file system with shorter names than others: the folder for the target and the temporary one fit, the next does not. */
static int refuse_third_folder(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_MKDIR && ++folders_made == 3 ? ENAMETOOLONG : 0;
}

static void a_name_that_the_file_system_refuses_leaves_nothing(void **state)
{
	const place *w = *state;
	char dir[256];
	package p = sample();
	write_package(&p, w->zip);
	pnr_error err;
	folders_made = 0;
	pnr_file_gate_hook = refuse_third_folder;
	pnr_status status = unpack(w->zip, in(w, "new/out", dir), NULL, &err);
	pnr_file_gate_hook = NULL;
	assert_int_equal(status, PNR_INVALID);
	assert_non_null(strstr(err.message, "'wasm'"));
	assert_int_equal(count_all(w), 1);
}

static int stop_at_last(void *user, const pnr_progress *progress)
{
	assert_int_equal(progress->phase, PNR_PHASE_UNPACK);
	(void)user;
	return progress->bytes_done == progress->bytes_total;
}

static void cancelled_at_the_end_nothing_is_left(void **state)
{
	const place *w = *state;
	char dir[256];
	package p = sample();
	write_package(&p, w->zip);
	pnr_verify_options options = { .size = sizeof options, .progress = stop_at_last };
	assert_int_equal(unpack(w->zip, in(w, "new/out", dir), &options, NULL), PNR_CANCELLED);
	assert_int_equal(count_all(w), 1);
}

/* ---------------------------------------------------------------- faults -- */

static struct {
	unsigned at;
	atomic_uint seen; /* also the job that hashes the zip reads */
	bool only_syncfs;
	pnr_file_call call;
} fault;

static int fail_once(pnr_file_call call, size_t *length)
{
	(void)length;
	if ((fault.only_syncfs && call != PNR_CALL_SYNCFS) || atomic_fetch_add(&fault.seen, 1) + 1 != fault.at)
		return 0;
	fault.call = call;
	return fault.at % 2 == 0 ? ENOSPC : EIO;
}

/* Small, as it is synced file by file again and again. */
static package small(void)
{
	package p = { 0 };
	add_text(&p, "livecalc.config.json", "config",
	         "{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"assumptions://m:v1\",\"lapse\":\"blob://x\","
	         "\"expenses\":\"assumptions://e:v1\"},\"scenarios\":{\"count\":1}}");
	add_text(&p, "m.mga", "model", "MODEL\n");
	add_text(&p, "data/d.csv", "policy", "1,2,3\n");
	return p;
}

static void a_failing_call_leaves_nothing(void **state)
{
	const place *w = *state;
	char dir[256], above[256];
	in(w, "new/out", dir);
	in(w, "new", above);
	package p = small();
	write_package(&p, w->zip);
	for (fault.at = 1;; fault.at++) {
		fault.seen = 0;
		pnr_file_gate_hook = fail_once;
		pnr_error err;
		pnr_status status = unpack(w->zip, dir, NULL, &err);
		pnr_file_gate_hook = NULL;
		if (exists(dir)) {
			expect_whole(dir, &p);
			/* Whole although it failed only where the very last step did: syncing the folder above. */
			if (status != PNR_OK)
				assert_non_null(strstr(err.message, "publishing 'out'"));
			/* Some calls may fail: looking for leftovers of others. */
			assert_int_equal(pnr_file_remove_tree(AT_FDCWD, dir, NULL), PNR_OK);
			assert_int_equal(rmdir(above), 0);
		} else {
			assert_int_not_equal(status, PNR_OK);
		}
		if (count_all(w) != 1)
			fail_msg("call %u (%s) failed and something is left", fault.at, pnr_file_call_name(fault.call));
		if (fault.seen < fault.at)
			break;
	}
	print_message("%u faults\n", fault.at - 1);
	assert_true(fault.at > 30);
}

static void many_files_that_cannot_be_synced_leave_nothing(void **state)
{
	const place *w = *state;
	static char names[MANY][64];
	char dir[256];
	write_many(w, names);
	fault.at = 1;
	fault.seen = 0;
	fault.only_syncfs = true;
	pnr_file_gate_hook = fail_once;
	assert_int_equal(unpack(w->zip, in(w, "out", dir), NULL, NULL), PNR_IO);
	pnr_file_gate_hook = NULL;
	fault.only_syncfs = false;
	assert_int_equal(fault.seen, 1);
	assert_int_equal(count_all(w), 1);
}

static int halve(pnr_file_call call, size_t *length)
{
	(void)call;
	if (length != NULL)
		*length = (*length + 1) / 2;
	return 0;
}

static void short_reads_and_writes_lose_nothing(void **state)
{
	const place *w = *state;
	char dir[256];
	package p = sample();
	write_package(&p, w->zip);
	pnr_file_gate_hook = halve;
	assert_int_equal(unpack(w->zip, in(w, "out", dir), NULL, NULL), PNR_OK);
	pnr_file_gate_hook = NULL;
	expect_whole(dir, &p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_package_is_unpacked_with_its_manifest),
		TEST(a_package_of_the_old_packager_is_unpacked),
		TEST(modes_follow_the_umask),
		TEST(many_files_in_many_folders_are_unpacked),
		TEST(missing_parents_are_made_and_an_empty_folder_is_filled),
		TEST(what_is_in_the_way_stays),
		TEST(the_current_folder_is_not_replaced_under_us),
		TEST(hostile_names_write_nothing_anywhere),
		TEST(a_package_with_a_problem_leaves_nothing),
		TEST(a_name_that_the_file_system_refuses_leaves_nothing),
		TEST(cancelled_at_the_end_nothing_is_left),
		TEST(a_failing_call_leaves_nothing),
		TEST(many_files_that_cannot_be_synced_leave_nothing),
		TEST(short_reads_and_writes_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
