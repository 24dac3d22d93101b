/*
 * Packages for tests: right by default, then made wrong in one place. A test
 * describes the assets; the manifest and the zip are made of that.
 */
#ifndef TESTS_PACKAGE_PACKAGES_H
#define TESTS_PACKAGE_PACKAGES_H

#include "../../entry.h"
#include "base/file.h"
#include "base/json.h"
#include "codec/hash.h"
#include <pannier/package.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#define CREATED_AT "2026-01-24T12:34:56.789Z"
#define CREATED_MS 1769258096789

/* A config with one engine of each kind, one of them used by two nodes. */
#define CONFIG                                                                                          \
	"{\n  \"model\": \"local://model.mga\",\n"                                                      \
	"  \"assumptions\": { \"mortality\": \"assumptions://mort:v1\", \"lapse\": \"l.csv\","          \
	" \"expenses\": \"assumptions://exp\" },\n"                                                     \
	"  \"scenarios\": { \"count\": 10, \"seed\": 12345678901234567890, \"rate\": 1.50 },\n"         \
	"  \"pipeline\": { \"nodes\": [\n"                                                              \
	"    { \"id\": \"n1\", \"engine\": \"wasm://val\", \"outputs\": [\"bus://a\"] },\n"             \
	"    { \"id\": \"n2\", \"engine\": \"python://sum\", \"outputs\": [\"bus://b\"] },\n"           \
	"    { \"id\": \"n3\", \"engine\": \"wasm://val\", \"outputs\": [\"bus://c\"] }\n"              \
	"  ], \"debug\": 1e2 }\n}\n"

#define WASM "\0asm\1\0\0\0"
#define WASM_LENGTH 8
#define SCRIPT "def run():\n    return \"\xc3\xa9\"\n"

enum { ASSETS_MAX = 64, SEGMENT = 1 << 20 };

typedef struct asset {
	const char *path, *type;
	const void *data;
	size_t length;
	/* what is wrong */
	bool not_in_zip, not_in_manifest;
	const char *listed_hash; /* other than that of the data */
	long long listed_size;   /* -1: that of the data */
} asset;

typedef struct package {
	asset assets[ASSETS_MAX];
	size_t count;
	bool old;                 /* made by the old packager: no packageHash */
	const char *package_hash; /* other than the right one */
	const char *config;       /* in the manifest, other than the asset's text; "": none */
	const char *more;         /* more members of the manifest, with a comma in front */
	const char *manifest;     /* another manifest altogether */
	bool no_manifest;
	bool manifest_last;
	bool foreign;             /* a zip as the old packager's library writes it, and worse: any name, also folders */
	pnr_digest hash;          /* out: packageHash */
} package;

static inline asset *add(package *p, const char *path, const char *type, const void *data, size_t length)
{
	assert_true(p->count < ASSETS_MAX);
	asset *a = &p->assets[p->count++];
	*a = (asset){ .path = path, .type = type, .data = data, .length = length, .listed_size = -1 };
	return a;
}

static inline asset *add_text(package *p, const char *path, const char *type, const char *text)
{
	return add(p, path, type, text, strlen(text));
}

/* The package of CONFIG. */
static inline package sample(void)
{
	package p = { 0 };
	add_text(&p, "livecalc.config.json", "config", CONFIG);
	add_text(&p, "model.mga", "model", "MODEL\n");
	add(&p, "wasm/val.wasm", "wasm", WASM, WASM_LENGTH);
	add_text(&p, "wasm/val.mjs", "wasm", "export default 1;\n");
	add_text(&p, "python/sum.py", "python", SCRIPT);
	add_text(&p, "assumptions/l.csv", "assumption", "1,0.01\n2,0.02\n");
	return p;
}

static inline asset *asset_of(package *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->assets[i].path, path) == 0)
			return &p->assets[i];
	fail_msg("no asset %s", path);
	return NULL;
}

static inline int by_path(const void *a, const void *b)
{
	return strcmp((*(const asset *const *)a)->path, (*(const asset *const *)b)->path);
}

/* The text that sha256sum prints, written down a second time: a test must not ask the code that it tests. */
static inline void hash_package(package *p)
{
	const asset *sorted[ASSETS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < p->count; i++) {
		bool again = p->assets[i].not_in_manifest;
		for (size_t j = 0; j < count; j++)
			again |= strcmp(sorted[j]->path, p->assets[i].path) == 0;
		if (!again)
			sorted[count++] = &p->assets[i];
	}
	qsort(sorted, count, sizeof *sorted, by_path);
	pnr_buffer text = PNR_BUFFER_INIT;
	for (size_t i = 0; i < count; i++) {
		pnr_digest digest;
		char hex[PNR_DIGEST_HEX_SIZE];
		assert_int_equal(pnr_hash_memory(sorted[i]->data, sorted[i]->length, &digest, NULL, NULL), PNR_OK);
		const char *listed = sorted[i]->listed_hash;
		pnr_buffer_printf(&text, "%s  %s\n", listed != NULL ? listed : pnr_digest_to_hex(&digest, hex),
		                  sorted[i]->path);
	}
	assert_int_equal(pnr_hash_memory(text.data, text.length, &p->hash, NULL, NULL), PNR_OK);
	pnr_buffer_free(&text);
}

static inline char *manifest_of(package *p)
{
	pnr_buffer text = PNR_BUFFER_INIT;
	char hex[PNR_DIGEST_HEX_SIZE];
	const char *config = p->config;
	hash_package(p);
	pnr_buffer_puts(&text, "{\n  \"version\": \"1.0\",\n  \"createdAt\": \"" CREATED_AT "\",\n  \"assets\": [");
	const char *comma = "";
	for (size_t i = 0; i < p->count; i++) {
		const asset *a = &p->assets[i];
		if (config == NULL && strcmp(a->path, "livecalc.config.json") == 0)
			config = a->data;
		if (a->not_in_manifest)
			continue;
		pnr_digest digest;
		assert_int_equal(pnr_hash_memory(a->data, a->length, &digest, NULL, NULL), PNR_OK);
		pnr_buffer_printf(&text, "%s\n    { \"relativePath\": ", comma);
		pnr_json_quote(&text, a->path, strlen(a->path));
		pnr_buffer_printf(&text, ", \"hash\": \"%s\", \"size\": %lld, \"type\": \"%s\" }",
		                  a->listed_hash != NULL ? a->listed_hash : pnr_digest_to_hex(&digest, hex),
		                  a->listed_size >= 0 ? a->listed_size : (long long)a->length, a->type);
		comma = ",";
	}
	pnr_buffer_puts(&text, "\n  ]");
	if (!p->old)
		pnr_buffer_printf(&text, ",\n  \"packageHash\": \"%s\"",
		                  p->package_hash != NULL ? p->package_hash : pnr_digest_to_hex(&p->hash, hex));
	if (config != NULL && config[0] != '\0')
		pnr_buffer_printf(&text, ",\n  \"config\": %s", config);
	pnr_buffer_printf(&text, "%s\n}\n", p->more != NULL ? p->more : "");
	return pnr_buffer_steal(&text);
}

/* Raw DEFLATE, in segments as ours are; malloc'd. */
static inline char *deflated(const void *data, size_t length, size_t *out_length)
{
	uLong bound = compressBound((uLong)length) + 64;
	char *body = malloc(bound);
	assert_non_null(body);
	z_stream z = { 0 };
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.next_out = (Bytef *)body;
	z.avail_out = (uInt)bound;
	for (; length > SEGMENT; length -= SEGMENT) {
		z.avail_in = SEGMENT;
		assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
	}
	z.avail_in = (uInt)length;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	*out_length = z.total_out;
	deflateEnd(&z);
	return body;
}

/* Our own writer, or (without it) the records of another: bodies deflated, sizes behind them in data descriptors. */
typedef struct zip_out {
	pnr_zip_writer *ours;
	pnr_buffer bytes, directory;
	unsigned count;
} zip_out;

static inline void put16(pnr_buffer *b, size_t value)
{
	pnr_buffer_putc(b, (char)(value & 255));
	pnr_buffer_putc(b, (char)(value >> 8 & 255));
}

static inline void put32(pnr_buffer *b, size_t value)
{
	put16(b, value & 0xffff);
	put16(b, value >> 16);
}

static inline void put_ours(zip_out *z, const char *name, const void *data, size_t length)
{
	size_t packed = 0;
	char *body = deflated(data, length, &packed);
	bool shrinks = packed < length;
	pnr_zip_entry entry = {
		.name = name,
		.method = shrinks ? PNR_ZIP_DEFLATED : PNR_ZIP_STORED,
		.crc32 = (uint32_t)crc32(0, data, (uInt)length),
		.size = length,
		.body_size = shrinks ? packed : length,
	};
	pnr_error err = PNR_ERROR_INIT;
	if (add_entry(z->ours, &entry, shrinks ? body : data, (size_t)entry.body_size, &err) != PNR_OK)
		fail_msg("%s", err.message);
	free(body);
}

static inline void put_foreign(zip_out *z, const char *name, const void *data, size_t length)
{
	bool folder = name[0] != '\0' && name[strlen(name) - 1] == '/';
	size_t crc = crc32(0, data, (uInt)length), packed = 0, offset = z->bytes.length;
	char *body = folder ? NULL : deflated(data, length, &packed);
	size_t flags = 0x800u | (folder ? 0u : 8u), method = folder ? 0 : 8;
	put32(&z->bytes, 0x04034b50);
	put16(&z->bytes, 20);
	put16(&z->bytes, flags);
	put16(&z->bytes, method);
	put32(&z->bytes, 0x5c386000);
	for (int i = 0; i < 3; i++)
		put32(&z->bytes, 0);
	put16(&z->bytes, strlen(name));
	put16(&z->bytes, 0);
	pnr_buffer_puts(&z->bytes, name);
	if (!folder) {
		pnr_buffer_append(&z->bytes, body, packed);
		put32(&z->bytes, 0x08074b50);
		put32(&z->bytes, crc);
		put32(&z->bytes, packed);
		put32(&z->bytes, length);
	}
	put32(&z->directory, 0x02014b50);
	put16(&z->directory, 0x032d);
	put16(&z->directory, 20);
	put16(&z->directory, flags);
	put16(&z->directory, method);
	put32(&z->directory, 0x5c386000);
	put32(&z->directory, crc);
	put32(&z->directory, packed);
	put32(&z->directory, length);
	put16(&z->directory, strlen(name));
	for (int i = 0; i < 4; i++)
		put16(&z->directory, 0);
	put32(&z->directory, folder ? (size_t)040755 << 16 | 0x10 : (size_t)0100644 << 16);
	put32(&z->directory, offset);
	pnr_buffer_puts(&z->directory, name);
	z->count++;
	free(body);
}

static inline void put_entry(zip_out *z, const char *name, const void *data, size_t length)
{
	if (z->ours != NULL)
		put_ours(z, name, data, length);
	else
		put_foreign(z, name, data, length);
}

static inline void finish_foreign(zip_out *z, const pnr_sink *sink)
{
	size_t offset = z->bytes.length, size = z->directory.length;
	pnr_buffer_append(&z->bytes, z->directory.data, size);
	put32(&z->bytes, 0x06054b50);
	put32(&z->bytes, 0);
	put16(&z->bytes, z->count);
	put16(&z->bytes, z->count);
	put32(&z->bytes, size);
	put32(&z->bytes, offset);
	put16(&z->bytes, 0);
	assert_int_equal(sink->write(sink->context, z->bytes.data, z->bytes.length, NULL), PNR_OK);
	pnr_buffer_free(&z->bytes);
	pnr_buffer_free(&z->directory);
}

static inline void write_package(package *p, const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	pnr_file_end end = { fd, file };
	const pnr_sink sink = pnr_file_end_sink(&end);
	zip_out z = { .count = 0 };
	if (!p->foreign)
		assert_int_equal(pnr_zip_writer_new(&sink, CREATED_MS, &z.ours, NULL), PNR_OK);
	char *manifest = p->manifest != NULL ? strdup(p->manifest) : manifest_of(p);
	assert_non_null(manifest);
	if (!p->no_manifest && !p->manifest_last)
		put_entry(&z, PNR_MANIFEST_NAME, manifest, strlen(manifest));
	for (size_t i = 0; i < p->count; i++)
		if (!p->assets[i].not_in_zip)
			put_entry(&z, p->assets[i].path, p->assets[i].data, p->assets[i].length);
	if (!p->no_manifest && p->manifest_last)
		put_entry(&z, PNR_MANIFEST_NAME, manifest, strlen(manifest));
	uint64_t size = 0;
	if (p->foreign)
		finish_foreign(&z, &sink);
	else
		assert_int_equal(pnr_zip_writer_finish(z.ours, &size, NULL), PNR_OK);
	pnr_zip_writer_free(z.ours);
	free(manifest);
	assert_int_equal(close(fd), 0);
}

/* ------------------------------------------------------------- a folder -- */

typedef struct place {
	char dir[128];
	char zip[160];
} place;

static inline int set_up(void **state)
{
	place *w = calloc(1, sizeof *w);
	const char *tmp = getenv("TMPDIR");
	(void)snprintf(w->dir, sizeof w->dir, "%s/pannier-test-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(w->dir) == NULL)
		return -1;
	(void)snprintf(w->zip, sizeof w->zip, "%s/p.zip", w->dir);
	*state = w;
	return 0;
}

static inline int tear_down(void **state)
{
	place *w = *state;
	pnr_file_gate_hook = NULL;
	pnr_ignore(pnr_file_remove_tree(AT_FDCWD, w->dir, NULL));
	free(w);
	return 0;
}

static inline char *in(const place *w, const char *name, char out[256])
{
	assert_true(snprintf(out, 256, "%s/%s", w->dir, name) < 256);
	return out;
}

static inline void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* Is there a problem (or warning) of this path with this text in it? */
static inline bool has(const pnr_problem *items, size_t count, const char *path, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(items[i].path, path) == 0 && strstr(items[i].problem, text) != NULL)
			return true;
	return false;
}

static inline void print_result(const pnr_verify_result *r)
{
	for (size_t i = 0; i < r->problem_count; i++)
		print_message("problem %s: %s\n", r->problems[i].path, r->problems[i].problem);
	for (size_t i = 0; i < r->warning_count; i++)
		print_message("warning %s: %s\n", r->warnings[i].path, r->warnings[i].problem);
}

#endif
