/*
 * Two stores and what travels between them: a model whose files a test writes,
 * packed in the first store, and deltas, right or made wrong in one place.
 */
#ifndef TESTS_SYNC_DELTAS_H
#define TESTS_SYNC_DELTAS_H

#include "../package/packages.h"
#include "base/path.h"
#include "package/contents.h"
#include "store/store.h"
#include <pannier/delta.h>

static inline void put_bytes(const place *w, const char *name, const void *data, size_t length)
{
	char path[256];
	PNR_CLEANUP(pnr_cleanup_free) char *dir = pnr_path_dir(in(w, name, path));
	assert_non_null(dir);
	assert_int_equal(pnr_file_make_dirs(AT_FDCWD, dir, NULL), PNR_OK);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

static inline void put_text(const place *w, const char *name, const char *text)
{
	put_bytes(w, name, text, strlen(text));
}

/* Bytes that do not shrink; @version changes one of a thousand. */
static inline void put_engine(const place *w, const char *name, size_t length, unsigned version)
{
	char *data = malloc(length);
	assert_non_null(data);
	uint32_t random = 1;
	for (size_t i = 0; i < length; i++) {
		random = random * 1664525 + 1013904223;
		data[i] = (char)(random >> 24);
		if (i % 1000 == 500)
			data[i] = (char)(data[i] + (int)version);
	}
	put_bytes(w, name, data, length);
	free(data);
}

/* A table of many rows, of which @version changes some. */
static inline void put_table(const place *w, const char *name, unsigned rows, unsigned version)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	for (unsigned i = 0; i < rows; i++)
		pnr_buffer_printf(&text, "%u,%u,0.%06u\n", i, i % 7 * 13, i % 50 == 0 ? i * 7919u + version : i * 7919u);
	put_bytes(w, name, text.data, text.length);
	pnr_buffer_free(&text);
}

enum { ENGINE_SIZE = 300000 };

/* The model of CONFIG, in its first version. */
static inline void write_model(const place *w)
{
	put_text(w, "model/livecalc.config.json", CONFIG);
	put_text(w, "model/model.mga", "MODEL\n");
	put_engine(w, "model/wasm/val.wasm", ENGINE_SIZE, 1);
	put_text(w, "model/wasm/val.mjs", "export default 1;\n");
	put_text(w, "model/python/sum.py", SCRIPT);
	put_table(w, "model/l.csv", 2000, 1);
}

/* The second: an engine and a table changed, its wrapper gone. */
static inline void change_model(const place *w)
{
	char path[256];
	put_engine(w, "model/wasm/val.wasm", ENGINE_SIZE + 700, 2);
	put_table(w, "model/l.csv", 2010, 2);
	put_text(w, "model/model.mga", "ANOTHER\n");
	assert_int_equal(unlink(in(w, "model/wasm/val.mjs", path)), 0);
}

static inline pnr_store *open_store(const place *w, const char *name)
{
	char path[256];
	pnr_store *store = NULL;
	pnr_error err = PNR_ERROR_INIT;
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	if (pnr_store_open(in(w, name, path), &options, &store, NULL, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return store;
}

/* Pack the model as it is now to the file @zip, with the tag @tag. */
static inline pnr_digest pack_to(const place *w, pnr_store *store, const char *zip, const char *tag,
                                 const pnr_pack_options *given)
{
	char path[256], config[256];
	pnr_pack_options options = given != NULL ? *given : (pnr_pack_options){ .level = 0 };
	pnr_pack_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	options.size = sizeof options;
	options.workspace = w->dir;
	options.output_path = in(w, zip, path);
	options.tag = tag;
	if (pnr_pack(store, in(w, "model/livecalc.config.json", config), &options, &result, &err) != PNR_OK)
		fail_msg("%s", err.message);
	const pnr_digest hash = result->archive_hash;
	pnr_pack_result_free(result);
	return hash;
}

/* Both versions, in `from` under the tags old and new, as old.zip and new.zip. */
static inline pnr_store *two_versions(const place *w, const pnr_pack_options *options)
{
	pnr_store *from = open_store(w, "from");
	write_model(w);
	(void)pack_to(w, from, "old.zip", "old", options);
	change_model(w);
	(void)pack_to(w, from, "new.zip", "new", options);
	return from;
}

static inline pnr_delta_result make_delta(const place *w, pnr_store *store, const char *since, const char *ref,
                                          bool patches, const char *file)
{
	char path[256];
	const pnr_delta_options options = { .size = sizeof options, .since = since, .patches = patches };
	pnr_delta_result result;
	pnr_error err = PNR_ERROR_INIT;
	if (pnr_delta(store, ref, &options, in(w, file, path), &result, NULL, &err) != PNR_OK)
		fail_msg("%s", err.message);
	return result;
}

/* What apply is given, by names in the test's folder. */
typedef struct giving {
	const char *delta, *base, *output, *directory;
} giving;

static inline pnr_status try_apply(const place *w, pnr_store *store, giving g, pnr_apply_result **out_result,
                                   pnr_error *err)
{
	char delta[256], base[256], output[256], directory[256];
	const pnr_apply_options options = {
		.size = sizeof options,
		.base = g.base != NULL ? in(w, g.base, base) : NULL,
		.output_path = g.output != NULL ? in(w, g.output, output) : NULL,
		.directory = g.directory != NULL ? in(w, g.directory, directory) : NULL,
	};
	return pnr_apply(store, in(w, g.delta, delta), &options, out_result, err);
}

static inline pnr_apply_result apply(const place *w, pnr_store *store, giving g)
{
	pnr_apply_result *result = NULL;
	pnr_error err = PNR_ERROR_INIT;
	if (try_apply(w, store, g, &result, &err) != PNR_OK)
		fail_msg("%s", err.message);
	const pnr_apply_result copy = *result;
	pnr_apply_result_free(result);
	return copy;
}

static inline char *read_file(const place *w, const char *name, size_t *out_length)
{
	char path[256];
	int fd = open(in(w, name, path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	pnr_buffer bytes = PNR_BUFFER_INIT;
	assert_int_equal(pnr_file_read_all(fd, (size_t)1 << 30, &bytes, path, NULL), PNR_OK);
	assert_int_equal(close(fd), 0);
	*out_length = bytes.length;
	return pnr_buffer_steal(&bytes);
}

static inline void assert_same_file(const place *w, const char *a, const char *b)
{
	size_t a_length, b_length;
	char *x = read_file(w, a, &a_length), *y = read_file(w, b, &b_length);
	if (a_length != b_length || memcmp(x, y, a_length) != 0)
		fail_msg("%s and %s differ", a, b);
	free(x);
	free(y);
}

static inline bool is_there(const place *w, const char *name)
{
	char path[256];
	return access(in(w, name, path), F_OK) == 0;
}

static inline int count_entry(void *user, const pnr_log_entry *entry)
{
	(void)entry;
	++*(int *)user;
	return 0;
}

static inline int log_length(pnr_store *store)
{
	int count = 0;
	assert_int_equal(pnr_store_log(store, NULL, 0, count_entry, &count, NULL), PNR_OK);
	return count;
}

/* ------------------------------------------------------- a delta in pieces -- */

typedef struct piece {
	char *name, *data;
	size_t length;
} piece;

/* The manifest is the first piece. */
typedef struct pieces {
	piece items[16];
	size_t count;
} pieces;

static inline piece *add_piece(pieces *p, const char *name, const void *data, size_t length)
{
	assert_true(p->count < PNR_COUNT(p->items));
	piece *added = &p->items[p->count++];
	*added = (piece){ strdup(name), malloc(length + 1), length };
	assert_true(added->name != NULL && added->data != NULL);
	memcpy(added->data, data, length);
	added->data[length] = '\0';
	return added;
}

static inline pieces take_apart(const place *w, const char *file)
{
	char path[256];
	pieces p = { .count = 0 };
	pnr_contents *contents = NULL;
	const pnr_package_source source = { .file = in(w, file, path) };
	assert_int_equal(pnr_contents_open(&source, &contents, NULL), PNR_OK);
	assert_int_equal(pnr_contents_load(contents, NULL), PNR_OK);
	for (uint64_t i = 0; i < pnr_contents_count(contents); i++) {
		pnr_buffer bytes = PNR_BUFFER_INIT;
		const pnr_contents_entry entry = pnr_contents_get(contents, i);
		pnr_buffer_end end = { &bytes, (size_t)entry.size };
		const pnr_sink sink = pnr_buffer_end_sink(&end);
		assert_int_equal(pnr_contents_read(contents, i, &sink, NULL, NULL, NULL), PNR_OK);
		add_piece(&p, entry.name, bytes.length > 0 ? bytes.data : "", bytes.length);
		pnr_buffer_free(&bytes);
	}
	pnr_contents_close(contents);
	return p;
}

/* As they are, none compressed: what we deflate a patch is not. */
static inline void put_together(const place *w, const pieces *p, const char *file)
{
	char path[256];
	int fd = open(in(w, file, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	pnr_file_end end = { fd, file };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_zip_writer *writer = NULL;
	uint64_t size = 0;
	assert_int_equal(pnr_zip_writer_new(&sink, CREATED_MS, &writer, NULL), PNR_OK);
	for (size_t i = 0; i < p->count; i++) {
		const piece *item = &p->items[i];
		const pnr_zip_entry entry = {
			.name = item->name,
			.method = PNR_ZIP_STORED,
			.crc32 = (uint32_t)crc32(0, (const Bytef *)item->data, (uInt)item->length),
			.size = item->length,
			.body_size = item->length,
		};
		assert_int_equal(add_entry(writer, &entry, item->data, item->length, NULL), PNR_OK);
	}
	assert_int_equal(pnr_zip_writer_finish(writer, &size, NULL), PNR_OK);
	pnr_zip_writer_free(writer);
	assert_int_equal(close(fd), 0);
}

static inline void free_pieces(pieces *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].name);
		free(p->items[i].data);
	}
	p->count = 0;
}

/* Replace @before, from its first occurrence behind @after on, in the manifest. */
static inline void edit(pieces *p, const char *after, const char *before, const char *by)
{
	piece *manifest = &p->items[0];
	char *from = strstr(manifest->data, after);
	char *at = from == NULL ? NULL : strstr(from, before);
	if (at == NULL)
		fail_msg("no '%s' behind '%s' in\n%s", before, after, manifest->data);
	pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_append(&text, manifest->data, (size_t)(at - manifest->data));
	pnr_buffer_puts(&text, by);
	pnr_buffer_puts(&text, at + strlen(before));
	free(manifest->data);
	manifest->length = text.length;
	manifest->data = pnr_buffer_steal(&text);
}

/* The piece whose name starts so. */
static inline piece *piece_of(pieces *p, const char *start)
{
	for (size_t i = 0; i < p->count; i++)
		if (strncmp(p->items[i].name, start, strlen(start)) == 0)
			return &p->items[i];
	fail_msg("no entry '%s'", start);
	return NULL;
}

#endif
