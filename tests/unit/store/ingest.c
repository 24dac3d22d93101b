/* Taking in and giving back: content, encodings, the stat cache, damage. */
#include "fixture.h"
#include <sys/wait.h>

static char *text_of(size_t length, unsigned seed)
{
	char *data = malloc(length + 1);
	assert_non_null(data);
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1103515245u + 12345u;
		data[i] = (char)('a' + (seed >> 24) % 8);
	}
	data[length] = '\0';
	return data;
}

static void write_file(const char *path, const void *data, size_t length)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0666);
	assert_true(fd >= 0);
	assert_int_equal(pnr_file_write(fd, data, length, path, NULL), PNR_OK);
	close(fd);
}

static pnr_ingest_file file_at(const char *path)
{
	pnr_ingest_file file = { .open = open_path, .context = path, .name = path };
	assert_int_equal(stat(path, &file.st), 0);
	return file;
}

static pnr_status take(fixture *f, const pnr_ingest_options *options, const char *const *paths, size_t count,
                       pnr_ingested *items, pnr_ingest_counts *out_counts, pnr_error *err)
{
	pnr_ingest *ingest = NULL;
	pnr_status status = pnr_ingest_new(f->store, options, &ingest, err);
	for (size_t i = 0; i < count && status == PNR_OK; i++) {
		pnr_ingest_file file = file_at(paths[i]);
		status = pnr_ingest_add(ingest, &file, &items[i], err);
	}
	if (status == PNR_OK)
		status = pnr_ingest_settle(ingest, err);
	if (status == PNR_OK)
		status = pnr_store_transaction(f->store, rows, ingest, err);
	if (status == PNR_OK && out_counts != NULL)
		*out_counts = pnr_ingest_count(ingest);
	pnr_ingest_free(ingest);
	return status;
}

static const pnr_ingest_options defaults = { .level = 6 };

static void assert_content(fixture *f, const pnr_blob_row *blob, const char *data, size_t length)
{
	pnr_buffer out = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &out, length };
	pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_store_read_blob(f->store, blob, &sink, &err) != PNR_OK)
		fail_msg("%s", err.message);
	assert_int_equal(out.length, length);
	if (length > 0)
		assert_memory_equal(out.data, data, length);
	pnr_buffer_free(&out);
}

static void content_of_every_size_comes_back(void **state)
{
	fixture *f = *state;
	static const size_t sizes[] = { 0, 1, 100, 40000, 1 << 20, (1 << 20) + 1, 3500000 };
	char paths[PNR_COUNT(sizes)][128];
	const char *list[PNR_COUNT(sizes)];
	char *data[PNR_COUNT(sizes)];
	pnr_ingested items[PNR_COUNT(sizes)];
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		(void)snprintf(paths[i], sizeof paths[i], "%s/%zu", f->dir, i);
		data[i] = text_of(sizes[i], (unsigned)i);
		write_file(paths[i], data[i], sizes[i]);
		list[i] = paths[i];
	}
	pnr_ingest_counts counts;
	assert_int_equal(take(f, &defaults, list, PNR_COUNT(sizes), items, &counts, NULL), PNR_OK);
	assert_int_equal(counts.hashed, PNR_COUNT(sizes));
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		assert_int_equal(items[i].blob.size, sizes[i]);
		assert_content(f, &items[i].blob, data[i], sizes[i]);
		free(data[i]);
	}
}

static void the_same_content_is_one_blob_and_is_compressed_once(void **state)
{
	fixture *f = *state;
	char a[128], b[128];
	char *data = text_of(2000000, 5);
	(void)snprintf(a, sizeof a, "%s/a", f->dir);
	(void)snprintf(b, sizeof b, "%s/b", f->dir);
	write_file(a, data, 2000000);
	write_file(b, data, 2000000);
	const char *first[] = { a }, *second[] = { b };
	pnr_ingested one, two;
	pnr_ingest_counts counts;
	assert_int_equal(take(f, &defaults, first, 1, &one, &counts, NULL), PNR_OK);
	assert_int_equal(counts.bytes_compressed, 2000000);
	assert_int_equal(take(f, &defaults, second, 1, &two, &counts, NULL), PNR_OK);
	assert_int_equal(counts.bytes_compressed, 0);
	assert_int_equal(one.blob.id, two.blob.id);
	assert_int_equal(one.encoding_id, two.encoding_id);
	free(data);
}

static void a_file_that_was_just_written_is_read_again(void **state)
{
	fixture *f = *state;
	char path[128];
	const char *list[] = { path };
	pnr_ingested item = { .reused = false };
	pnr_ingest_counts counts;
	(void)snprintf(path, sizeof path, "%s/file", f->dir);
	write_file(path, "one", 3);
	assert_int_equal(take(f, &defaults, list, 1, &item, NULL, NULL), PNR_OK);
	/* The same size within the same tick of the clock: only reading tells. */
	write_file(path, "two", 3);
	assert_int_equal(take(f, &defaults, list, 1, &item, &counts, NULL), PNR_OK);
	assert_int_equal(counts.hashed, 1);
	assert_content(f, &item.blob, "two", 3);
}

static void a_file_that_rested_is_recognised_without_reading(void **state)
{
	fixture *f = *state;
	char path[128];
	const char *list[] = { path };
	pnr_ingested item;
	pnr_ingest_counts counts;
	(void)snprintf(path, sizeof path, "%s/file", f->dir);
	write_file(path, "content", 7);
	(void)usleep(2200000);
	assert_int_equal(take(f, &defaults, list, 1, &item, &counts, NULL), PNR_OK);
	assert_int_equal(counts.hashed, 1);
	assert_int_equal(take(f, &defaults, list, 1, &item, &counts, NULL), PNR_OK);
	assert_int_equal(counts.hashed, 0);
	assert_int_equal(counts.reused, 1);
	assert_true(item.reused);
	assert_content(f, &item.blob, "content", 7);
	const pnr_ingest_options rehash = { .level = 6, .rehash = true };
	assert_int_equal(take(f, &rehash, list, 1, &item, &counts, NULL), PNR_OK);
	assert_int_equal(counts.hashed, 1);
	/* cp -p: content and mtime set back, ctime not. */
	struct timespec times[2];
	struct stat before;
	assert_int_equal(stat(path, &before), 0);
	times[0] = before.st_atim;
	times[1] = before.st_mtim;
	write_file(path, "CONTENT", 7);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(take(f, &defaults, list, 1, &item, &counts, NULL), PNR_OK);
	assert_content(f, &item.blob, "CONTENT", 7);
}

static void a_file_that_differs_from_what_was_found_is_refused(void **state)
{
	fixture *f = *state;
	char path[128];
	static const size_t sizes[] = { 10, 2000000 };
	for (size_t i = 0; i < PNR_COUNT(sizes); i++) {
		char *data = text_of(sizes[i] + 1, 1);
		pnr_ingest *ingest = NULL;
		pnr_ingested item;
		pnr_error err = PNR_ERROR_INIT;
		(void)snprintf(path, sizeof path, "%s/changes", f->dir);
		write_file(path, data, sizes[i]);
		pnr_ingest_file file = file_at(path);
		write_file(path, data, sizes[i] + 1);
		assert_int_equal(pnr_ingest_new(f->store, &defaults, &ingest, NULL), PNR_OK);
		pnr_status status = pnr_ingest_add(ingest, &file, &item, &err);
		if (status == PNR_OK)
			status = pnr_ingest_settle(ingest, &err);
		assert_int_equal(status, PNR_RETRY);
		assert_non_null(strstr(err.message, "changed while it was read"));
		pnr_ingest_free(ingest);
		free(data);
	}
}

static void levels_are_encodings_of_one_blob(void **state)
{
	fixture *f = *state;
	char path[128];
	const char *list[] = { path };
	char *data = text_of(300000, 3);
	pnr_ingested six, twelve, any;
	(void)snprintf(path, sizeof path, "%s/file", f->dir);
	write_file(path, data, 300000);
	const pnr_ingest_options best = { .level = 12 };
	const pnr_ingest_options relaxed = { .level = 9, .any_encoding = true };
	assert_int_equal(take(f, &defaults, list, 1, &six, NULL, NULL), PNR_OK);
	assert_int_equal(take(f, &best, list, 1, &twelve, NULL, NULL), PNR_OK);
	assert_int_equal(take(f, &relaxed, list, 1, &any, NULL, NULL), PNR_OK);
	assert_int_equal(six.blob.id, twelve.blob.id);
	assert_int_not_equal(six.encoding_id, twelve.encoding_id);
	assert_true(any.encoding_id == six.encoding_id || any.encoding_id == twelve.encoding_id);
	free(data);
}

static void find_object(fixture *f, const pnr_blob_row *blob, char out_path[512])
{
	char hex[PNR_DIGEST_HEX_SIZE], command[512];
	pnr_digest_to_hex(&blob->hash, hex);
	(void)snprintf(command, sizeof command, "ls %s/objects/%.2s/%s.*", f->store_dir, hex, hex);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_non_null(fgets(out_path, 512, pipe));
	out_path[strcspn(out_path, "\n")] = '\0';
	assert_int_equal(pclose(pipe), 0);
}

/* As for a zip, and as content. */
static void damage_of_an_object_is_found_wherever_it_is(void **state)
{
	fixture *f = *state;
	char path[128], object[512];
	const char *list[] = { path };
	char *data = text_of(200000, 3);
	pnr_ingested item;
	(void)snprintf(path, sizeof path, "%s/file", f->dir);
	write_file(path, data, 200000);
	assert_int_equal(take(f, &defaults, list, 1, &item, NULL, NULL), PNR_OK);
	find_object(f, &item.blob, object);
	struct stat st;
	assert_int_equal(stat(object, &st), 0);
	const off_t places[] = { 0, 4, 10, st.st_size / 2, st.st_size - 9, st.st_size - 1 };
	for (size_t i = 0; i < PNR_COUNT(places); i++) {
		int fd = open(object, O_RDWR);
		unsigned char byte;
		assert_int_equal(pread(fd, &byte, 1, places[i]), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
		pnr_error err = PNR_ERROR_INIT;
		pnr_body *body = NULL;
		pnr_pool *pool = NULL;
		pnr_buffer out = PNR_BUFFER_INIT;
		pnr_buffer_end end = { &out, 200000 };
		pnr_sink sink = pnr_buffer_end_sink(&end);
		assert_int_equal(pnr_store_pool(f->store, &pool, NULL), PNR_OK);
		pnr_status status = pnr_body_open(f->store, &item.blob, item.encoding_id, &body, &err);
		if (status == PNR_OK)
			status = pnr_body_write(body, pool, NULL, path, &sink, &err);
		pnr_body_close(body);
		assert_int_equal(status, PNR_CORRUPT);
		assert_non_null(strstr(err.message, "objects/"));
		pnr_buffer_clear(&out);
		assert_int_equal(pnr_store_read_blob(f->store, &item.blob, &sink, NULL), PNR_CORRUPT);
		pnr_buffer_free(&out);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, places[i]), 1);
		close(fd);
	}
	assert_content(f, &item.blob, data, 200000);
	assert_int_equal(truncate(object, st.st_size - 1), 0);
	pnr_body *body = NULL;
	assert_int_equal(pnr_body_open(f->store, &item.blob, item.encoding_id, &body, NULL), PNR_CORRUPT);
	assert_int_equal(unlink(object), 0);
	assert_int_equal(pnr_body_open(f->store, &item.blob, item.encoding_id, &body, NULL), PNR_CORRUPT);
	free(data);
}

static void thousands_of_small_files_pass_through_bounded_queues(void **state)
{
	fixture *f = *state;
	enum { COUNT = 3000 };
	char (*paths)[128] = calloc(COUNT, sizeof *paths);
	const char **list = calloc(COUNT, sizeof *list);
	pnr_ingested *items = calloc(COUNT, sizeof *items);
	for (size_t i = 0; i < COUNT; i++) {
		char text[32];
		(void)snprintf(paths[i], sizeof *paths, "%s/f%zu", f->dir, i);
		int length = snprintf(text, sizeof text, "file %zu", i);
		write_file(paths[i], text, (size_t)length);
		list[i] = paths[i];
	}
	assert_int_equal(take(f, &defaults, list, COUNT, items, NULL, NULL), PNR_OK);
	for (size_t i = 0; i < COUNT; i += 500) {
		char text[32];
		int length = snprintf(text, sizeof text, "file %zu", i);
		assert_content(f, &items[i].blob, text, (size_t)length);
	}
	free(items);
	free(list);
	free(paths);
}

static void two_processes_take_the_same_in_at_once(void **state)
{
	fixture *f = *state;
	char path[128];
	const char *list[] = { path };
	char *data = text_of(1500000, 9);
	(void)snprintf(path, sizeof path, "%s/file", f->dir);
	write_file(path, data, 1500000);
	pnr_store_close(f->store);
	f->store = NULL;
	pid_t children[4];
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	for (size_t i = 0; i < PNR_COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			pnr_ingested item;
			pnr_error err = PNR_ERROR_INIT;
			pnr_status status = pnr_store_open(f->store_dir, &options, &f->store, NULL, &err);
			if (status == PNR_OK)
				status = take(f, &defaults, list, 1, &item, NULL, &err);
			pnr_store_close(f->store);
			_exit(status == PNR_OK ? 0 : 1);
		}
	}
	for (size_t i = 0; i < PNR_COUNT(children); i++) {
		int code = 1;
		assert_int_equal(waitpid(children[i], &code, 0), children[i]);
		assert_int_equal(code, 0);
	}
	pnr_ingested item;
	pnr_ingest_counts counts;
	assert_int_equal(pnr_store_open(f->store_dir, &options, &f->store, NULL, NULL), PNR_OK);
	assert_int_equal(take(f, &defaults, list, 1, &item, &counts, NULL), PNR_OK);
	assert_int_equal(counts.bytes_compressed, 0);
	assert_content(f, &item.blob, data, 1500000);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(content_of_every_size_comes_back),
		T(the_same_content_is_one_blob_and_is_compressed_once),
		T(a_file_that_was_just_written_is_read_again),
		T(a_file_that_rested_is_recognised_without_reading),
		T(a_file_that_differs_from_what_was_found_is_refused),
		T(levels_are_encodings_of_one_blob),
		T(damage_of_an_object_is_found_wherever_it_is),
		T(thousands_of_small_files_pass_through_bounded_queues),
		T(two_processes_take_the_same_in_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
