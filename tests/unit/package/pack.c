/* Packing through the public interface: what is refused, what is made, what is logged. */
#include "base/buffer.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <pannier/pannier.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
	char dir[64];
	pnr_store *store;
	char config[128], zip[128];
} fixture;

static const char *under(const fixture *f, const char *name)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];
	(void)snprintf(path, sizeof paths[0], "%s/%s", f->dir, name);
	return path;
}

static void write_text(const fixture *f, const char *name, const char *text)
{
	FILE *file = fopen(under(f, name), "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void write_config(const fixture *f, const char *mortality, const char *lapse, const char *expenses,
                         const char *rest)
{
	char text[2048];
	(void)snprintf(text, sizeof text,
	               "{\"model\":\"m.mga\",\"assumptions\":{\"mortality\":\"%s\",\"lapse\":\"%s\",\"expenses\":\"%s\"},"
	               "\"scenarios\":{\"count\":1,\"seed\":12345678901234567890}%s}",
	               mortality, lapse, expenses, rest);
	write_text(f, "livecalc.config.json", text);
}

static int set_up(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	(void)snprintf(f->dir, sizeof f->dir, "/tmp/pannier-pack-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	*state = f;
	unsetenv("SOURCE_DATE_EPOCH");
	(void)snprintf(f->config, sizeof f->config, "%s/livecalc.config.json", f->dir);
	(void)snprintf(f->zip, sizeof f->zip, "%s/model-package.zip", f->dir);
	assert_int_equal(mkdir(under(f, "a"), 0777), 0);
	assert_int_equal(mkdir(under(f, "b"), 0777), 0);
	write_text(f, "m.mga", "MODEL\n");
	write_text(f, "a/mortality.csv", "age,qx\n18,0.001\n");
	write_text(f, "a/lapse.csv", "year,rate\n1,0.1\n");
	write_text(f, "a/expenses.csv", "kind,amount\nannual,10\n");
	write_config(f, "a/mortality.csv", "a/lapse.csv", "a/expenses.csv", "");
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	return pnr_store_open(under(f, ".pannier"), &options, &f->store, NULL, NULL) == PNR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	fixture *f = *state;
	pnr_store_close(f->store);
	unsetenv("SOURCE_DATE_EPOCH");
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, f->dir, NULL));
	free(f);
	return 0;
}

static pnr_pack_result *pack(fixture *f, const pnr_pack_options *options)
{
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_pack(f->store, f->config, options, &result, &err) != PNR_OK)
		fail_msg("pack: %s", err.message);
	assert_true(result->success);
	return result;
}

static pnr_status pack_fails(fixture *f, const pnr_pack_options *options, pnr_pack_result **out_result, pnr_error *err)
{
	*out_result = NULL;
	pnr_status status = pnr_pack(f->store, f->config, options, out_result, err);
	assert_int_not_equal(status, PNR_OK);
	assert_int_equal(access(f->zip, F_OK), -1);
	return status;
}

static int count_entry(void *user, const pnr_log_entry *entry)
{
	(void)entry;
	(*(int *)user)++;
	return 0;
}

static int log_length(fixture *f)
{
	int count = 0;
	assert_int_equal(pnr_store_log(f->store, NULL, 0, count_entry, &count, NULL), PNR_OK);
	return count;
}

static void all_missing_files_are_named_with_the_places_searched(void **state)
{
	fixture *f = *state;
	pnr_pack_result *result;
	pnr_error err = PNR_ERROR_INIT;
	write_config(f, "a/none.csv", "a/gone.csv", "a/expenses.csv",
	             ",\"pipeline\":{\"nodes\":[{\"id\":\"n\",\"engine\":\"wasm://e\",\"outputs\":[\"bus://o\"]}]}");
	assert_int_equal(pack_fails(f, NULL, &result, &err), PNR_INVALID);
	assert_non_null(result);
	assert_false(result->success);
	assert_string_equal(result->error, "Missing 3 required assets");
	assert_int_equal(result->missing_count, 3);
	assert_string_equal(result->missing[0].path, "wasm/e.wasm");
	assert_true(result->missing[0].searched_count >= 3);
	assert_string_equal(result->missing[1].path, "assumptions/none.csv");
	assert_string_equal(result->missing[2].reference, "a/gone.csv");
	pnr_pack_result_free(result);
	assert_int_equal(log_length(f), 0);
}

static void a_wrong_config_is_reported_before_anything_is_written(void **state)
{
	fixture *f = *state;
	pnr_pack_result *result;
	pnr_error err = PNR_ERROR_INIT;
	write_text(f, "livecalc.config.json", "{\"scenarios\":{\"count\":0}}");
	assert_int_equal(pack_fails(f, NULL, &result, &err), PNR_INVALID);
	assert_non_null(result);
	assert_int_equal(result->error_count, 3);
	assert_string_equal(result->errors[0].message, "Config missing required field: model");
	assert_string_equal(result->errors[1].message, "Config missing required field: assumptions");
	assert_string_equal(result->errors[2].message, "Config scenarios.count must be a positive number");
	pnr_pack_result_free(result);
}

static void a_config_that_is_not_there_is_not_found(void **state)
{
	fixture *f = *state;
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_pack(f->store, under(f, "none.json"), NULL, &result, &err), PNR_NOT_FOUND);
	assert_null(result);
	assert_int_equal(pnr_pack(f->store, f->dir, NULL, &result, &err), PNR_INVALID);
}

static void two_files_for_one_name_are_refused_naming_both(void **state)
{
	fixture *f = *state;
	pnr_pack_result *result;
	pnr_error err = PNR_ERROR_INIT;
	write_text(f, "b/mortality.csv", "other\n");
	write_config(f, "a/mortality.csv", "b/mortality.csv", "a/expenses.csv", "");
	assert_int_equal(pack_fails(f, NULL, &result, &err), PNR_INVALID);
	assert_non_null(result);
	assert_int_equal(result->error_count, 1);
	assert_non_null(strstr(result->errors[0].message, "/a/mortality.csv"));
	assert_non_null(strstr(result->errors[0].message, "/b/mortality.csv"));
	pnr_pack_result_free(result);
}

static void two_files_with_the_same_bytes_are_one_entry_with_both_roles(void **state)
{
	fixture *f = *state;
	write_text(f, "b/mortality.csv", "age,qx\n18,0.001\n");
	write_config(f, "a/mortality.csv", "b/mortality.csv", "a/expenses.csv", "");
	pnr_pack_result *result = pack(f, NULL);
	assert_int_equal(result->asset_count, 4);
	const char *first = strstr(result->manifest, "\"role\": \"mortality\"");
	assert_non_null(first);
	assert_non_null(strstr(first, "\"role\": \"lapse\""));
	pnr_pack_result_free(result);
}

static void an_output_that_is_an_input_is_refused(void **state)
{
	fixture *f = *state;
	static const char *const inputs[] = { "livecalc.config.json", "m.mga", "a/lapse.csv" };
	for (size_t i = 0; i < PNR_COUNT(inputs); i++) {
		pnr_pack_result *result;
		pnr_error err = PNR_ERROR_INIT;
		const pnr_pack_options options = { .size = sizeof options, .output_path = under(f, inputs[i]) };
		assert_int_equal(pack_fails(f, &options, &result, &err), PNR_INVALID);
		assert_null(result);
		assert_non_null(strstr(err.message, "name another file"));
	}
	/* Also through a link. */
	assert_int_equal(symlink(under(f, "m.mga"), under(f, "out.zip")), 0);
	pnr_pack_result *result;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_pack_options options = { .size = sizeof options, .output_path = under(f, "out.zip") };
	assert_int_equal(pack_fails(f, &options, &result, &err), PNR_INVALID);
}

static void an_output_in_the_store_is_refused(void **state)
{
	fixture *f = *state;
	pnr_pack_result_free(pack(f, NULL));
	const char *database = under(f, ".pannier/pannier.db");
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_pack_options options = { .size = sizeof options, .output_path = database };
	assert_int_equal(pnr_pack(f->store, f->config, &options, &result, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "lies in the store"));
	assert_int_equal(pnr_export(f->store, "latest", database, NULL, NULL, NULL, NULL), PNR_INVALID);
	assert_int_equal(log_length(f), 1);
}

/* A checkout may bring model-package.zip along, as a link to its victim's file. */
static void the_default_output_follows_no_link_out_of_the_workspace(void **state)
{
	fixture *f = *state;
	char outside[] = "/tmp/pannier-victim-XXXXXX";
	int fd = mkstemp(outside);
	assert_true(fd >= 0);
	assert_int_equal(symlink(outside, f->zip), 0);
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_pack(f->store, f->config, NULL, &result, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "outside the workspace"));
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 1);
	/* Named, the link is followed. */
	const pnr_pack_options options = { .size = sizeof options, .output_path = f->zip };
	result = pack(f, &options);
	assert_string_equal(result->package_path, outside);
	pnr_pack_result_free(result);
	close(fd);
	unlink(outside);
}

static void a_source_path_that_is_not_utf8_is_refused_unless_portable(void **state)
{
	fixture *f = *state;
	assert_int_equal(rename(under(f, "a"), under(f, "a\xff")), 0);
	assert_int_equal(symlink("a\xff", under(f, "a")), 0);
	pnr_pack_result *result;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pack_fails(f, NULL, &result, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "--portable"));
	const pnr_pack_options portable = { .size = sizeof portable, .portable = true };
	pnr_pack_result_free(pack(f, &portable));
}

static void an_output_that_is_a_folder_or_a_device_is_refused(void **state)
{
	fixture *f = *state;
	const char *const outputs[] = { under(f, "a"), under(f, "new/"), "/dev/null" };
	for (size_t i = 0; i < PNR_COUNT(outputs); i++) {
		pnr_pack_result *result;
		pnr_error err = PNR_ERROR_INIT;
		const pnr_pack_options options = { .size = sizeof options, .output_path = outputs[i] };
		assert_int_equal(pack_fails(f, &options, &result, &err), PNR_INVALID);
	}
	assert_int_equal(log_length(f), 0);
}

/* A caller that was built with fewer options: what lies behind them is not looked at. */
static void options_are_read_as_far_as_their_size(void **state)
{
	fixture *f = *state;
	pnr_pack_options options = { .no_zip = true };
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_pack(f->store, f->config, &options, &result, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "size is not set"));
	options.size = offsetof(pnr_pack_options, no_zip);
	result = pack(f, &options);
	assert_string_equal(result->package_path, f->zip);
	pnr_pack_result_free(result);
}

static void options_beyond_their_bounds_are_refused(void **state)
{
	fixture *f = *state;
	const pnr_pack_options wrong[] = {
		{ .size = sizeof *wrong, .level = 13 },
		{ .size = sizeof *wrong, .name = "" },
		{ .size = sizeof *wrong, .name = "a@b" },
		{ .size = sizeof *wrong, .name = "a:b" },
	};
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		pnr_pack_result *result = NULL;
		pnr_error err = PNR_ERROR_INIT;
		assert_int_equal(pnr_pack(f->store, f->config, &wrong[i], &result, &err), PNR_INVALID);
		assert_non_null(strstr(err.message, "it must"));
		assert_null(result);
	}
	assert_int_equal(log_length(f), 0);
}

static void folders_of_the_output_are_made(void **state)
{
	fixture *f = *state;
	const pnr_pack_options options = { .size = sizeof options, .output_path = under(f, "x/y/z.zip") };
	pnr_pack_result *result = pack(f, &options);
	assert_int_equal(access(under(f, "x/y/z.zip"), R_OK), 0);
	assert_string_equal(result->package_path, under(f, "x/y/z.zip"));
	pnr_pack_result_free(result);
}

static void packing_again_gives_the_same_archive_and_another_log_entry(void **state)
{
	fixture *f = *state;
	pnr_pack_result *one = pack(f, NULL);
	pnr_pack_result *two = pack(f, NULL);
	assert_true(pnr_digest_equal(&one->archive_hash, &two->archive_hash));
	assert_string_equal(one->manifest, two->manifest);
	assert_false(one->unchanged);
	assert_true(two->unchanged);
	assert_int_equal(log_length(f), 2);
	/* Somebody else's bytes at the output are replaced. */
	write_text(f, "model-package.zip", "not the zip");
	pnr_pack_result *three = pack(f, NULL);
	assert_false(three->unchanged);
	assert_true(pnr_digest_equal(&one->archive_hash, &three->archive_hash));
	pnr_pack_result_free(three);
	pnr_pack_result_free(two);
	pnr_pack_result_free(one);
}

static void numbers_of_the_config_are_not_rendered_again(void **state)
{
	fixture *f = *state;
	pnr_pack_result *result = pack(f, NULL);
	assert_non_null(strstr(result->manifest, "\"seed\": 12345678901234567890"));
	pnr_pack_result_free(result);
}

static void going_back_is_a_third_entry_of_the_first_package(void **state)
{
	fixture *f = *state;
	pnr_pack_result *one = pack(f, NULL);
	write_text(f, "a/lapse.csv", "year,rate\n1,0.2\n");
	pnr_pack_result *two = pack(f, NULL);
	write_text(f, "a/lapse.csv", "year,rate\n1,0.1\n");
	pnr_pack_result *three = pack(f, NULL);
	assert_false(pnr_digest_equal(&one->package_hash, &two->package_hash));
	assert_true(pnr_digest_equal(&one->package_hash, &three->package_hash));
	assert_true(pnr_digest_equal(&one->archive_hash, &three->archive_hash));
	assert_int_equal(log_length(f), 3);
	pnr_package_info *info = NULL;
	assert_int_equal(pnr_store_resolve(f->store, "latest", &info, NULL), PNR_OK);
	assert_true(pnr_digest_equal(&info->package_hash, &one->package_hash));
	pnr_package_info_free(info);
	assert_int_equal(pnr_store_resolve(f->store, "latest~1", &info, NULL), PNR_OK);
	assert_true(pnr_digest_equal(&info->package_hash, &two->package_hash));
	pnr_package_info_free(info);
	/* The older package exports as it was. */
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest_to_hex(&two->archive_hash, hex);
	assert_int_equal(pnr_export(f->store, hex, under(f, "old.zip"), NULL, NULL, NULL, NULL), PNR_OK);
	const pnr_package_source source = { .file = under(f, "old.zip") };
	const pnr_verify_options verify = { .size = sizeof verify, .expect = &two->archive_hash };
	pnr_verify_result *verified = NULL;
	assert_int_equal(pnr_verify(&source, &verify, &verified, NULL), PNR_OK);
	pnr_verify_result_free(verified);
	pnr_pack_result_free(three);
	pnr_pack_result_free(two);
	pnr_pack_result_free(one);
}

static void source_date_epoch_fixes_the_moment(void **state)
{
	fixture *f = *state;
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	pnr_pack_result *result = pack(f, NULL);
	assert_non_null(strstr(result->manifest, "\"createdAt\": \"2023-11-14T22:13:20.000Z\""));
	pnr_pack_result_free(result);
	setenv("SOURCE_DATE_EPOCH", "soon", 1);
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_pack(f->store, f->config, NULL, &result, &err), PNR_INVALID);
	assert_non_null(strstr(err.message, "SOURCE_DATE_EPOCH"));
}

static void portable_leaves_absolute_paths_out(void **state)
{
	fixture *f = *state;
	const pnr_pack_options portable = { .size = sizeof portable, .portable = true };
	pnr_pack_result *result = pack(f, NULL);
	assert_non_null(strstr(result->manifest, "absolutePath"));
	pnr_pack_result *other = pack(f, &portable);
	assert_null(strstr(other->manifest, "absolutePath"));
	assert_true(pnr_digest_equal(&result->package_hash, &other->package_hash));
	assert_false(pnr_digest_equal(&result->archive_hash, &other->archive_hash));
	pnr_pack_result_free(other);
	pnr_pack_result_free(result);
}

static void without_a_zip_the_package_is_stored_and_logged(void **state)
{
	fixture *f = *state;
	const pnr_pack_options options = { .size = sizeof options, .no_zip = true };
	pnr_pack_result *result = pack(f, &options);
	assert_string_equal(result->package_path, "");
	assert_int_equal(access(f->zip, F_OK), -1);
	assert_int_equal(log_length(f), 1);
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_export(f->store, "latest", under(f, "x.zip"), NULL, NULL, NULL, &err), PNR_NOT_FOUND);
	const pnr_package_source source = { .store = f->store, .ref = "latest" };
	pnr_verify_result *verified = NULL;
	assert_int_equal(pnr_verify(&source, NULL, &verified, &err), PNR_OK);
	assert_true(pnr_digest_equal(&verified->package_hash, &result->package_hash));
	pnr_verify_result_free(verified);
	pnr_pack_result_free(result);
}

static void a_tag_is_given_once(void **state)
{
	fixture *f = *state;
	const pnr_pack_options options = { .size = sizeof options, .tag = "march" };
	pnr_pack_result *one = pack(f, &options);
	pnr_pack_result_free(pack(f, &options));
	write_text(f, "a/lapse.csv", "changed\n");
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_pack(f->store, f->config, &options, &result, &err), PNR_CONFLICT);
	assert_int_equal(log_length(f), 2);
	pnr_package_info *info = NULL;
	assert_int_equal(pnr_store_resolve(f->store, "march", &info, NULL), PNR_OK);
	assert_true(pnr_digest_equal(&info->package_hash, &one->package_hash));
	pnr_package_info_free(info);
	pnr_pack_result_free(one);
	static const char *const wrong[] = { "", "abcd", "latest-x", "a b", "x.zip", "-x", "a/b" };
	for (size_t i = 0; i < PNR_COUNT(wrong); i++) {
		const pnr_pack_options bad = { .size = sizeof bad, .tag = wrong[i] };
		pnr_error own = PNR_ERROR_INIT;
		assert_int_equal(pnr_pack(f->store, f->config, &bad, &result, &own), PNR_INVALID);
	}
}

static int stop(void *user, const pnr_progress *progress)
{
	(void)progress;
	return --*(int *)user < 0;
}

static void cancelling_at_any_report_leaves_nothing_visible(void **state)
{
	fixture *f = *state;
	for (int after = 0; after < 100; after++) {
		int left = after;
		pnr_pack_result *result = NULL;
		pnr_error err = PNR_ERROR_INIT;
		const pnr_pack_options options = { .size = sizeof options, .progress = stop, .progress_user = &left };
		pnr_status status = pnr_pack(f->store, f->config, &options, &result, &err);
		if (status == PNR_OK) {
			assert_true(after >= 4);
			pnr_pack_result_free(result);
			return;
		}
		assert_int_equal(status, PNR_CANCELLED);
		assert_int_equal(access(f->zip, F_OK), -1);
		assert_int_equal(log_length(f), 0);
	}
	fail_msg("never done");
}

static void looking_for_changes_can_be_cancelled(void **state)
{
	fixture *f = *state;
	int left = 0;
	pnr_changes *changes = NULL;
	const pnr_pack_options options = { .size = sizeof options, .progress = stop, .progress_user = &left };
	assert_int_equal(pnr_pack_changes(f->store, f->config, &options, &changes, NULL), PNR_CANCELLED);
	assert_null(changes);
}

/* The zip on disk is read to see whether it is the right one: that may take long. */
static void checking_the_old_zip_can_be_cancelled(void **state)
{
	fixture *f = *state;
	pnr_pack_result_free(pack(f, NULL));
	for (int after = 0; after < 100; after++) {
		int left = after;
		pnr_pack_result *result = NULL;
		const pnr_pack_options options = { .size = sizeof options, .progress = stop, .progress_user = &left };
		if (pnr_pack(f->store, f->config, &options, &result, NULL) == PNR_OK) {
			assert_true(result->unchanged);
			assert_true(after >= 4);
			pnr_pack_result_free(result);
			return;
		}
		assert_int_equal(log_length(f), 1);
	}
	fail_msg("never done");
}

static pnr_digest archive_at(fixture *f, unsigned level)
{
	const pnr_pack_options options = { .size = sizeof options, .level = level };
	pnr_pack_result *result = pack(f, &options);
	pnr_digest hash = result->archive_hash;
	pnr_pack_result_free(result);
	return hash;
}

static void a_level_that_is_asked_for_is_the_one_that_is_used(void **state)
{
	fixture *f = *state;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer table = PNR_BUFFER_INIT;
	for (unsigned i = 0; i < 3000; i++)
		pnr_buffer_printf(&table, "%u,%u\n", i, i * i % 9973);
	assert_int_equal(pnr_buffer_status(&table, NULL), PNR_OK);
	write_text(f, "a/lapse.csv", table.data);
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	pnr_digest best = archive_at(f, 12), whatever = archive_at(f, 0), usual = archive_at(f, 6);
	assert_true(pnr_digest_equal(&best, &whatever));
	assert_false(pnr_digest_equal(&best, &usual));
}

/* git may be slow in a large checkout; who gave up does not wait for it, nor leave it behind. */
static void a_pack_that_fails_ends_git(void **state)
{
	fixture *f = *state;
	PNR_CLEANUP(pnr_cleanup_free) char *before = strdup(getenv("PATH"));
	char text[4096];
	assert_int_equal(mkdir(under(f, ".git"), 0777), 0);
	(void)snprintf(text, sizeof text,
	               "#!/bin/sh\ncase \"$*\" in *config*) exit 1;; esac\necho $$ > %s\nexec sleep 600\n",
	               under(f, "pid"));
	write_text(f, "b/git", text);
	assert_int_equal(chmod(under(f, "b/git"), 0755), 0);
	(void)snprintf(text, sizeof text, "%s:%s", under(f, "b"), before);
	setenv("PATH", text, 1);
	int left = 0;
	pnr_pack_result *result;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_pack_options options = { .size = sizeof options, .progress = stop, .progress_user = &left };
	assert_int_equal(pack_fails(f, &options, &result, &err), PNR_CANCELLED);
	setenv("PATH", before, 1);
	/* It may have been ended before it could say who it is. */
	FILE *file = fopen(under(f, "pid"), "r");
	long pid = 0;
	if (file != NULL && fscanf(file, "%ld", &pid) == 1)
		assert_int_equal(kill((pid_t)pid, 0), -1);
	if (file != NULL)
		fclose(file);
}

typedef struct rival {
	fixture *f;
	pnr_pack_result *result;
} rival;

/* When the zip is about to be written, another process packs the same. */
static int pack_meanwhile(void *user, const pnr_progress *progress)
{
	rival *r = user;
	if (progress->phase != PNR_PHASE_WRITE || r->result != NULL)
		return 0;
	pnr_store *store = NULL;
	const pnr_pack_options options = { .size = sizeof options, .output_path = under(r->f, "rival.zip") };
	assert_int_equal(pnr_store_open(under(r->f, ".pannier"), NULL, &store, NULL, NULL), PNR_OK);
	assert_int_equal(pnr_pack(store, r->f->config, &options, &r->result, NULL), PNR_OK);
	pnr_store_close(store);
	return 0;
}

static void the_same_content_packed_by_two_at_once_is_one_archive(void **state)
{
	fixture *f = *state;
	static const char *const epochs[] = { "", "1700000000" };
	for (size_t i = 0; i < PNR_COUNT(epochs); i++) {
		setenv("SOURCE_DATE_EPOCH", epochs[i], 1);
		rival r = { .f = f };
		const pnr_pack_options options = { .size = sizeof options,
			                           .progress = pack_meanwhile,
			                           .progress_user = &r };
		write_text(f, "a/lapse.csv", epochs[i]);
		pnr_pack_result *result = pack(f, &options);
		assert_non_null(r.result);
		assert_true(pnr_digest_equal(&result->package_hash, &r.result->package_hash));
		assert_true(pnr_digest_equal(&result->archive_hash, &r.result->archive_hash));
		assert_string_equal(result->manifest, r.result->manifest);
		pnr_pack_result_free(r.result);
		pnr_pack_result_free(result);
		assert_int_equal(log_length(f), 2 * (int)i + 2);
		const pnr_verify_options verify = { .size = sizeof verify };
		const pnr_package_source source = { .file = f->zip };
		pnr_verify_result *verified = NULL;
		assert_int_equal(pnr_verify(&source, &verify, &verified, NULL), PNR_OK);
		pnr_verify_result_free(verified);
	}
}

static void changes_are_told_without_packing(void **state)
{
	fixture *f = *state;
	pnr_changes *changes = NULL;
	assert_int_equal(pnr_pack_changes(f->store, f->config, NULL, &changes, NULL), PNR_OK);
	assert_false(changes->has_base);
	assert_int_equal(changes->count, 5);
	pnr_changes_free(changes);
	pnr_pack_result_free(pack(f, NULL));
	write_text(f, "a/lapse.csv", "changed\n");
	write_text(f, "b/new.csv", "new\n");
	write_config(f, "a/mortality.csv", "a/lapse.csv", "b/new.csv", "");
	assert_int_equal(pnr_pack_changes(f->store, f->config, NULL, &changes, NULL), PNR_OK);
	assert_true(changes->has_base);
	assert_int_equal(changes->count, 4);
	assert_int_equal(changes->items[0].kind, PNR_CHANGE_ADDED);
	assert_string_equal(changes->items[0].path, "assumptions/new.csv");
	assert_string_equal(changes->items[1].path, "assumptions/lapse.csv");
	assert_string_equal(changes->items[2].path, "livecalc.config.json");
	assert_int_equal(changes->items[3].kind, PNR_CHANGE_REMOVED);
	assert_string_equal(changes->items[3].path, "assumptions/expenses.csv");
	assert_int_equal(changes->unchanged, 2);
	pnr_changes_free(changes);
	assert_int_equal(log_length(f), 1);
}

static int look_at_entry(void *user, const pnr_log_entry *entry)
{
	(*(int *)user)++;
	assert_string_equal(entry->event, "pack");
	assert_string_equal(entry->note, "month-end");
	assert_string_equal(entry->name, "life");
	assert_string_equal(entry->tool_version, pnr_version());
	assert_true(entry->user[0] != '\0');
	assert_true(entry->has_archive);
	assert_int_equal(entry->asset_count, 5);
	return 0;
}

static void the_log_keeps_who_and_why(void **state)
{
	fixture *f = *state;
	int count = 0;
	const pnr_pack_options options = { .size = sizeof options, .note = "month-end", .name = "life" };
	pnr_pack_result_free(pack(f, &options));
	assert_int_equal(pnr_store_log(f->store, "life", 0, look_at_entry, &count, NULL), PNR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(pnr_store_log(f->store, "other", 0, look_at_entry, &count, NULL), PNR_OK);
	assert_int_equal(count, 1);
	pnr_package_info *info = NULL;
	assert_int_equal(pnr_store_resolve(f->store, "life@latest", &info, NULL), PNR_OK);
	pnr_package_info_free(info);
}

static void a_read_only_store_is_not_written(void **state)
{
	fixture *f = *state;
	pnr_pack_result_free(pack(f, NULL));
	pnr_store_close(f->store);
	const pnr_store_options options = { .size = sizeof options, .read_only = true };
	assert_int_equal(pnr_store_open(under(f, ".pannier"), &options, &f->store, NULL, NULL), PNR_OK);
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	assert_int_equal(pnr_pack(f->store, f->config, NULL, &result, &err), PNR_DENIED);
	assert_int_equal(pnr_export(f->store, "latest", under(f, "x.zip"), NULL, NULL, NULL, NULL), PNR_OK);
}

/* ------------------------------------------------------------------ syncs -- */

static struct {
	unsigned at;
	atomic_uint seen; /* a large file is synced by a thread, too */
} sync_fault;

static int fail_sync(pnr_file_call call, size_t *length)
{
	(void)length;
	return call == PNR_CALL_FSYNC && atomic_fetch_add(&sync_fault.seen, 1) + 1 == sync_fault.at ? EIO : 0;
}

/* Two files, the object and the zip, are so large that they are synced while they are written, and once more at the end. */
static void a_sync_that_fails_at_any_moment_is_not_overlooked(void **state)
{
	fixture *f = *state;
	uint32_t noise = 1;
	FILE *file = fopen(under(f, "m.mga"), "w");
	assert_non_null(file);
	for (unsigned i = 0; i < (70u << 20) / sizeof noise; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 17;
		noise ^= noise << 5;
		assert_int_equal(fwrite(&noise, sizeof noise, 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
	for (sync_fault.at = 1;; sync_fault.at++) {
		pnr_pack_result *result = NULL;
		pnr_error err = PNR_ERROR_INIT;
		sync_fault.seen = 0;
		pnr_file_gate_hook = fail_sync;
		pnr_status status = pnr_pack(f->store, f->config, NULL, &result, &err);
		pnr_file_gate_hook = NULL;
		pnr_pack_result_free(result);
		if (sync_fault.seen < sync_fault.at) {
			assert_int_equal(status, PNR_OK);
			break;
		}
		assert_int_equal(status, PNR_IO);
		assert_non_null(strstr(err.message, "fsync"));
		/* All was done but for the folder in which the zip has got its name. */
		if (access(f->zip, F_OK) == 0) {
			assert_non_null(strstr(err.message, "publishing"));
			assert_int_equal(unlink(f->zip), 0);
		}
		const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
		pnr_store_close(f->store);
		f->store = NULL;
		assert_int_equal(pnr_file_remove_tree(AT_FDCWD, under(f, ".pannier"), NULL), PNR_OK);
		assert_int_equal(pnr_store_open(under(f, ".pannier"), &options, &f->store, NULL, NULL), PNR_OK);
	}
	print_message("%u syncs\n", sync_fault.at - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(all_missing_files_are_named_with_the_places_searched),
		T(a_wrong_config_is_reported_before_anything_is_written),
		T(a_config_that_is_not_there_is_not_found),
		T(two_files_for_one_name_are_refused_naming_both),
		T(two_files_with_the_same_bytes_are_one_entry_with_both_roles),
		T(an_output_that_is_an_input_is_refused),
		T(an_output_that_is_a_folder_or_a_device_is_refused),
		T(an_output_in_the_store_is_refused),
		T(the_default_output_follows_no_link_out_of_the_workspace),
		T(a_source_path_that_is_not_utf8_is_refused_unless_portable),
		T(options_are_read_as_far_as_their_size),
		T(options_beyond_their_bounds_are_refused),
		T(folders_of_the_output_are_made),
		T(packing_again_gives_the_same_archive_and_another_log_entry),
		T(numbers_of_the_config_are_not_rendered_again),
		T(going_back_is_a_third_entry_of_the_first_package),
		T(source_date_epoch_fixes_the_moment),
		T(portable_leaves_absolute_paths_out),
		T(without_a_zip_the_package_is_stored_and_logged),
		T(a_tag_is_given_once),
		T(cancelling_at_any_report_leaves_nothing_visible),
		T(looking_for_changes_can_be_cancelled),
		T(checking_the_old_zip_can_be_cancelled),
		T(a_level_that_is_asked_for_is_the_one_that_is_used),
		T(a_pack_that_fails_ends_git),
		T(the_same_content_packed_by_two_at_once_is_one_archive),
		T(changes_are_told_without_packing),
		T(the_log_keeps_who_and_why),
		T(a_read_only_store_is_not_written),
		T(a_sync_that_fails_at_any_moment_is_not_overlooked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
