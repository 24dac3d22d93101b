/* A folder of its own for each test, an index in it, and rows made of small numbers. */
#ifndef TESTS_UNIT_INDEX_FIXTURE_H
#define TESTS_UNIT_INDEX_FIXTURE_H

#include "base/file.h"
#include "index/index.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the four above first. */
#include <cmocka.h>
#include <unistd.h>

typedef struct fixture {
	char dir[512];
	char path[600]; /* of the database */
	pnr_index *index;
} fixture;

#define assert_ok(call)                                                                              \
	do {                                                                                         \
		pnr_error err_ = PNR_ERROR_INIT;                                                     \
		pnr_error *err = &err_;                                                              \
		pnr_status status_ = (call);                                                         \
		if (status_ != PNR_OK)                                                               \
			fail_msg("%s: %s: %s", #call, pnr_status_name(status_), err->message);       \
	} while (0)

/* The call fails with @expected; its message contains @text (NULL: there is no message). */
#define assert_fails(call, expected, text)                                                           \
	do {                                                                                         \
		pnr_error err_ = PNR_ERROR_INIT;                                                     \
		pnr_error *err = &err_;                                                              \
		pnr_status status_ = (call);                                                         \
		const char *text_ = (text);                                                          \
		if (status_ != (expected))                                                           \
			fail_msg("%s: %s: %s", #call, pnr_status_name(status_), err->message);       \
		if (text_ == NULL ? err->message[0] != '\0' : strstr(err->message, text_) == NULL)   \
			fail_msg("%s: the message is: %s", #call, err->message);                     \
	} while (0)

static inline void make_dir(fixture *f)
{
	/* In memory if that can be: thousands of syncs are of no use here. */
	const char *parent = getenv("TMPDIR");
	if (parent == NULL)
		parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(f->dir, sizeof f->dir, "%s/pnr-index-XXXXXX", parent);
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof f->path, "%s/pannier.db", f->dir);
}

static inline pnr_status open_at(const char *path, bool create, bool read_only, unsigned busy_ms, pnr_index **out,
                                 pnr_error *err)
{
	pnr_index_options options = { .create = create, .read_only = read_only, .busy_ms = busy_ms };
	return pnr_index_open(path, &options, out, err);
}

static inline int setup_dir(void **state)
{
	fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	make_dir(f);
	*state = f;
	return 0;
}

static inline int setup(void **state)
{
	(void)setup_dir(state);
	fixture *f = *state;
	assert_ok(open_at(f->path, true, false, 0, &f->index, err));
	return 0;
}

static inline int teardown(void **state)
{
	fixture *f = *state;
	pnr_file_gate_hook = NULL;
	pnr_index_close(f->index);
	assert_ok(pnr_file_remove_tree(AT_FDCWD, f->dir, err));
	free(f);
	return 0;
}

/* ---------------------------------------------------------------- rows -- */

static inline pnr_digest digest(unsigned kind, unsigned number)
{
	pnr_digest d = { { 0 } };
	/* Spread, so that prefixes differ as those of real hashes do. */
	uint64_t x = ((uint64_t)kind << 32 | number) * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t i = 0; i < PNR_DIGEST_SIZE; i++) {
		x ^= x >> 29;
		x *= UINT64_C(0xbf58476d1ce4e5b9);
		d.bytes[i] = (uint8_t)(x >> 56);
	}
	return d;
}

static inline int64_t put_blob(pnr_index *index, unsigned number)
{
	pnr_blob_row row = { .hash = digest(1, number), .size = number, .crc32 = number };
	assert_ok(pnr_index_blob_put(index, &row, err));
	return row.id;
}

static inline int64_t put_encoding(pnr_index *index, int64_t blob_id, unsigned number)
{
	pnr_encoding_row row = { .blob_id = blob_id,
		                 .form = "gzip",
		                 .encoder = "test-1",
		                 .level = 6,
		                 .stored_hash = digest(2, number),
		                 .stored_size = number / 2 };
	assert_ok(pnr_index_encoding_put(index, &row, err));
	return row.id;
}

/* Asset i is at "data/i.csv" and holds blob blobs[i]. */
static inline int64_t put_package(pnr_index *index, unsigned number, const unsigned *blobs, size_t count)
{
	pnr_asset_row *rows = calloc(count == 0 ? 1 : count, sizeof *rows);
	char(*paths)[32] = calloc(count == 0 ? 1 : count, sizeof *paths);
	assert_non_null(rows);
	assert_non_null(paths);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(paths[i], sizeof paths[i], "data/%zu.csv", i);
		rows[i] = (pnr_asset_row){ .position = i,
			                   .path = paths[i],
			                   .type = "assumption",
			                   .blob_id = put_blob(index, blobs[i]),
			                   .uses = "[]" };
		(void)put_encoding(index, rows[i].blob_id, blobs[i]);
	}
	pnr_digest hash = digest(3, number);
	int64_t id = 0;
	assert_ok(pnr_index_package_put(index, &hash, 1700000000000 + number, rows, count, NULL, 0, &id, err));
	free(paths);
	free(rows);
	return id;
}

static inline int64_t put_archive(pnr_index *index, int64_t package_id, unsigned number)
{
	int64_t manifest = put_blob(index, 900000 + number);
	int64_t encoding = put_encoding(index, manifest, 900000 + number);
	pnr_archive_row row = { .package_id = package_id,
		                .options = "{\"level\":6}",
		                .created_ms = 1700000000000 + number,
		                .manifest_blob_id = manifest,
		                .archive_hash = digest(4, number),
		                .size = 1000 + number };
	assert_ok(pnr_index_archive_put(index, &row, &encoding, 1, err));
	return row.id;
}

/* The entry's hash is not that of its text: the index does not compute hashes, and so does not check them. */
static inline int64_t put_event(pnr_index *index, const char *event, int64_t package_id, int64_t archive_id,
                                const char *name, unsigned number)
{
	pnr_log_row row = { .at_ms = 1700000000000 + number,
		            .event = event,
		            .package_id = package_id,
		            .archive_id = archive_id,
		            .name = name,
		            .git_dirty = -1,
		            .entry_hash = digest(5, number) };
	int64_t head = 0;
	assert_ok(pnr_index_log_head(index, &head, &row.previous_hash, err));
	assert_ok(pnr_index_log_put(index, &row, err));
	assert_true(row.id > head);
	return row.id;
}

static inline int64_t put_log(pnr_index *index, int64_t package_id, int64_t archive_id, const char *name,
                              unsigned number)
{
	return put_event(index, "pack", package_id, archive_id, name, number);
}

static inline bool same(pnr_digest a, pnr_digest b)
{
	return pnr_digest_equal(&a, &b);
}

#endif
