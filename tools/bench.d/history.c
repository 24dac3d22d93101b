/*
 * A store with a long history, and the model that it is of: what years of packing
 * leave behind, written by the index's own functions in some minutes. Content is
 * all in the database: what the model holds is small.
 *
 * usage: history STORE MODEL PACKAGES
 *
 * A model of 100 assets. From one package to the next one to three of them have
 * changed: half of these changes are in the three assumption tables, most others
 * in scripts, few in the model or an engine; in every fifth package the config as
 * well. One in twenty packs gives one of the last ten packages again. Every tenth is pushed.
 */
#include "base/clock.h"
#include "codec/hash.h"
#include "index/remote.h"
#include "store/store.h"
#include <pannier/pannier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { ENGINES = 10, SCRIPTS = 85, ASSETS = 2 + ENGINES + SCRIPTS + 3, MORTALITY = ASSETS - 3, NAME = 96 };
enum { CONFIG = 0, MODEL = 1, FIRST_ENGINE = 2, FIRST_SCRIPT = FIRST_ENGINE + ENGINES };

#define FIRST_MS INT64_C(1451606400000) /* 2016-01-01 */
#define BETWEEN_MS INT64_C(31500000)    /* 8 3/4 hours */

static unsigned long long seed = 42;

static unsigned roll(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static void check(pnr_status status, const pnr_error *err)
{
	if (status == PNR_OK)
		return;
	fprintf(stderr, "history: %s: %s\n", pnr_status_name(status), err->message);
	exit(1);
}
#define OK(call)                                \
	do {                                    \
		pnr_error err_ = PNR_ERROR_INIT; \
		pnr_error *err = &err_;         \
		check((call), err);             \
	} while (0)

typedef struct file {
	char path[NAME], source[4096];
	const char *type;
	char uses[NAME];
	unsigned version;
	pnr_digest hash;
	int64_t blob_id, encoding_id;
	uint64_t size;
} file;

static pnr_index *db;
static file files[ASSETS];
static pnr_buffer text;

/* ---------------------------------------------------------------- content -- */

static void make_config(void)
{
	pnr_buffer_printf(&text,
	                  "{\n  \"model\": \"model.mga\",\n  \"assumptions\": {\n"
	                  "    \"mortality\": \"assumptions/mortality.csv\",\n    \"lapse\": \"assumptions/lapse.csv\",\n"
	                  "    \"expenses\": \"assumptions/expenses.csv\"\n  },\n"
	                  "  \"scenarios\": { \"count\": %u, \"seed\": 1 },\n  \"pipeline\": { \"nodes\": [\n",
	                  1000 + files[CONFIG].version);
	for (unsigned i = 0; i < ENGINES + SCRIPTS; i++)
		pnr_buffer_printf(&text, "    { \"id\": \"n%u\", \"engine\": \"%s%02u\", \"outputs\": [\"bus://n%u\"] }%s\n", i,
		                  i < ENGINES ? "wasm://w" : "python://p", i < ENGINES ? i : i - ENGINES, i,
		                  i + 1 < ENGINES + SCRIPTS ? "," : "");
	pnr_buffer_puts(&text, "  ] }\n}\n");
}

static void make_table(unsigned number, unsigned version)
{
	static const char *const heads[] = { "age,sex,qx\n", "year,product,rate\n", "item,channel,amount\n" };
	pnr_buffer_puts(&text, heads[number]);
	for (unsigned i = 0; i < 120; i++)
		pnr_buffer_printf(&text, "%u,%c,0.%06u\n", 18 + i / 2, i % 2 == 0 ? 'F' : 'M',
		                  1000 + i * i * (number + 3) + (i == version % 120 ? version : 0));
}

static void make_script(unsigned number, unsigned version)
{
	pnr_buffer_printf(&text, "\"\"\"Step %u of the projection.\"\"\"\n\nVERSION = %u\n\n", number, version);
	for (unsigned i = 0; i < 30; i++)
		pnr_buffer_printf(&text, "def term_%u_%u(policy, year):\n    return policy.sum * %u.%u / (1 + year)\n\n",
		                  number, i, i * number % 17, (i + number) % 10);
}

static void make_engine(unsigned number, unsigned version)
{
	uint32_t x = number * 2654435761u + version * 40503u + 1;
	pnr_buffer_append(&text, "\0asm\1\0\0\0", 8);
	for (unsigned i = 0; i < 2500; i++) {
		x = x * 1664525u + 1013904223u;
		pnr_buffer_append(&text, &x, i % 4 == 0 ? 1 : 4);
	}
}

static void make_content(unsigned i)
{
	pnr_buffer_clear(&text);
	if (i == CONFIG)
		make_config();
	else if (i == MODEL)
		pnr_buffer_printf(&text, "{ \"format\": \"mga\", \"name\": \"bench\", \"revision\": %u }\n", files[i].version);
	else if (i < FIRST_SCRIPT)
		make_engine(i - FIRST_ENGINE, files[i].version);
	else if (i < MORTALITY)
		make_script(i - FIRST_SCRIPT, files[i].version);
	else
		make_table(i - MORTALITY, files[i].version);
	OK(pnr_buffer_status(&text, err));
}

/* The text becomes a blob that is kept in the database. */
static void keep_text(pnr_digest *out_hash, uint64_t *out_size, int64_t *out_blob, int64_t *out_encoding)
{
	pnr_blob_row blob = { .size = text.length };
	OK(pnr_hash_memory(text.data, text.length, &blob.hash, &blob.crc32, err));
	OK(pnr_index_blob_put(db, &blob, err));
	uLongf length = compressBound(text.length);
	unsigned char *packed = malloc(length);
	if (packed == NULL || compress2(packed, &length, (const Bytef *)text.data, text.length, 6) != Z_OK)
		exit(1);
	pnr_encoding_row row = { .blob_id = blob.id, .form = "zlib", .encoder = "bench", .level = 6, .stored_size = length, .data = packed };
	OK(pnr_hash_memory(packed, length, &row.stored_hash, NULL, err));
	OK(pnr_index_encoding_put(db, &row, err));
	free(packed);
	*out_hash = blob.hash;
	*out_size = blob.size;
	*out_blob = blob.id;
	*out_encoding = row.id;
}

static void keep_file(unsigned i)
{
	file *f = &files[i];
	make_content(i);
	keep_text(&f->hash, &f->size, &f->blob_id, &f->encoding_id);
}

static void name_files(const char *model)
{
	static const char *const tables[] = { "mortality", "lapse", "expenses" };
	for (unsigned i = 0; i < ASSETS; i++) {
		file *f = &files[i];
		(void)strcpy(f->uses, "[]");
		if (i == CONFIG) {
			(void)strcpy(f->path, PNR_CONFIG_NAME);
			f->type = "config";
		} else if (i == MODEL) {
			(void)strcpy(f->path, "model.mga");
			f->type = "model";
		} else if (i < MORTALITY) {
			bool engine = i < FIRST_SCRIPT;
			(void)snprintf(f->path, sizeof f->path, engine ? "wasm/w%02u.wasm" : "python/p%02u.py",
			               engine ? i - FIRST_ENGINE : i - FIRST_SCRIPT);
			(void)snprintf(f->uses, sizeof f->uses, "[{\"node\":\"n%u\"}]", i - FIRST_ENGINE);
			f->type = engine ? "wasm" : "python";
		} else {
			(void)snprintf(f->path, sizeof f->path, "assumptions/%s.csv", tables[i - MORTALITY]);
			(void)snprintf(f->uses, sizeof f->uses, "[{\"role\":\"%s\"}]", tables[i - MORTALITY]);
			f->type = "assumption";
		}
		(void)snprintf(f->source, sizeof f->source, "%s/%s", model, f->path);
	}
}

/* --------------------------------------------------------------- packages -- */

static int by_path(const void *a, const void *b)
{
	const file *const *x = a, *const *y = b;
	return strcmp((*x)->path, (*y)->path);
}

static pnr_digest package_hash(void)
{
	const file *sorted[ASSETS];
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_digest hash;
	for (unsigned i = 0; i < ASSETS; i++)
		sorted[i] = &files[i];
	qsort(sorted, ASSETS, sizeof *sorted, by_path);
	pnr_buffer_clear(&text);
	for (unsigned i = 0; i < ASSETS; i++)
		pnr_buffer_printf(&text, "%s  %s\n", pnr_digest_to_hex(&sorted[i]->hash, hex), sorted[i]->path);
	OK(pnr_hash_memory(text.data, text.length, &hash, NULL, err));
	return hash;
}

/* As large as a manifest is, and as hard to compress. */
static void make_manifest(int64_t at_ms)
{
	char hex[PNR_DIGEST_HEX_SIZE], at[PNR_TIME_TEXT_SIZE];
	pnr_buffer_clear(&text);
	pnr_buffer_printf(&text, "{\n  \"version\": \"1.0\",\n  \"createdAt\": \"%s\",\n  \"assets\": [\n",
	                  pnr_clock_format(at_ms, at));
	for (unsigned i = 0; i < ASSETS; i++)
		pnr_buffer_printf(&text,
		                  "    {\n      \"relativePath\": \"%s\",\n      \"absolutePath\": \"%s\",\n      \"hash\": \"%s\",\n"
		                  "      \"size\": %llu,\n      \"type\": \"%s\"\n    }%s\n",
		                  files[i].path, files[i].source, pnr_digest_to_hex(&files[i].hash, hex),
		                  (unsigned long long)files[i].size, files[i].type, i + 1 < ASSETS ? "," : "");
	pnr_buffer_puts(&text, "  ]\n}\n");
}

typedef struct made {
	int64_t package_id, archive_id;
	pnr_digest package_hash, archive_hash, manifest_hash;
} made;

static made keep_package(int64_t at_ms)
{
	pnr_asset_row rows[ASSETS];
	int64_t encodings[ASSETS + 1], sources = 0;
	made m = { .package_hash = package_hash() };
	uint64_t size;
	pnr_digest list;
	memset(rows, 0, sizeof rows);
	for (unsigned i = 0; i < ASSETS; i++) {
		rows[i] = (pnr_asset_row){ .position = i, .path = files[i].path, .type = files[i].type, .source_path = files[i].source, .blob_id = files[i].blob_id, .uses = files[i].uses };
		encodings[i + 1] = files[i].encoding_id;
	}
	OK(pnr_index_package_put(db, &m.package_hash, at_ms, rows, ASSETS, NULL, 0, &m.package_id, err));
	OK(pnr_hash_memory(files[0].source, strlen(files[0].source), &list, NULL, err));
	OK(pnr_index_sources_put(db, &list, rows, ASSETS, &sources, err));
	pnr_archive_row archive = { .package_id = m.package_id, .sources_id = sources, .options = "{\"level\":6}", .created_ms = at_ms };
	make_manifest(at_ms);
	keep_text(&m.manifest_hash, &size, &archive.manifest_blob_id, &encodings[0]);
	OK(pnr_hash_memory(&m, sizeof m.package_hash + 2 * sizeof(int64_t), &archive.archive_hash, NULL, err));
	archive.size = 60000 + roll(1000);
	m.archive_hash = archive.archive_hash;
	OK(pnr_index_archive_put(db, &archive, encodings, ASSETS + 1, err));
	m.archive_id = archive.id;
	return m;
}

static void put_log(const made *m, const char *event, int64_t at_ms)
{
	static const char *const users[] = { "anna", "bela", "carl", "dora", "ci" };
	char commit[41], run[32] = "";
	unsigned user = roll(5);
	int64_t head;
	for (unsigned i = 0; i < 40; i++)
		commit[i] = "0123456789abcdef"[roll(16)];
	commit[40] = '\0';
	if (user == 4)
		(void)snprintf(run, sizeof run, "build/%u", roll(100000));
	pnr_log_row row = { .at_ms = at_ms,
		            .event = event,
		            .package_id = m->package_id,
		            .archive_id = m->archive_id,
		            .name = ".",
		            .user = users[user],
		            .host = user == 4 ? "runner" : "desk",
		            .git_commit = commit,
		            .git_dirty = roll(4) == 0,
		            .ci_run = run,
		            .tool_version = pnr_version(),
		            .note = roll(20) == 0 ? "month-end" : "",
		            .options = "{\"includePolicies\":false}" };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer entry = PNR_BUFFER_INIT;
	OK(pnr_index_log_head(db, &head, &row.previous_hash, err));
	OK(pnr_index_log_text(db, &row, &entry, err));
	OK(pnr_hash_memory(entry.data, entry.length, &row.entry_hash, NULL, err));
	OK(pnr_index_log_put(db, &row, err));
}

static void push(const made *m, int64_t remote_id, int64_t at_ms)
{
	const pnr_remote_package_row package = { m->package_hash, m->manifest_hash, m->archive_hash, m->manifest_hash, ".", at_ms };
	const pnr_transfer_row transfer = { "prod", "/mnt/prod", "push", m->package_hash, m->archive_hash, at_ms, 0.2, ASSETS, 20, 12, 9000, 60000, "done" };
	for (unsigned i = 0; i < ASSETS; i++) {
		const pnr_presence_row there = { .hash = files[i].hash, .size = files[i].size, .form = "gzip", .stored_size = files[i].size / 3, .confirmed_ms = at_ms };
		OK(pnr_index_presence_put(db, remote_id, &there, err));
	}
	OK(pnr_index_remote_package_put(db, remote_id, &package, err));
	OK(pnr_index_transfer_put(db, &transfer, err));
	put_log(m, "push", at_ms);
}

static void change(void)
{
	for (unsigned left = 1 + roll(3); left > 0; left--) {
		unsigned what = roll(100);
		unsigned i = what < 30   ? MORTALITY
			     : what < 42 ? MORTALITY + 1
			     : what < 50 ? MORTALITY + 2
			     : what < 90 ? FIRST_SCRIPT + roll(SCRIPTS)
			     : what < 95 ? MODEL
					 : FIRST_ENGINE + roll(ENGINES);
		files[i].version++;
		keep_file(i);
	}
	if (roll(5) == 0) {
		files[CONFIG].version++;
		keep_file(CONFIG);
	}
}

static void write_model(const char *model)
{
	static const char *const folders[] = { "", "/wasm", "/python", "/assumptions" };
	char path[4200];
	for (unsigned i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof path, "%s%s", model, folders[i]);
		(void)mkdir(path, 0777);
	}
	for (unsigned i = 0; i < ASSETS; i++) {
		make_content(i);
		FILE *out = fopen(files[i].source, "wb");
		if (out == NULL || fwrite(text.data, 1, text.length, out) != text.length || fclose(out) != 0) {
			perror(files[i].source);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: history STORE MODEL PACKAGES\n");
		return 2;
	}
	unsigned packages = (unsigned)strtoul(argv[3], NULL, 10);
	const pnr_store_options options = { .size = sizeof options, .create = true };
	pnr_store *store = NULL;
	made *all = calloc(packages + 1, sizeof *all);
	pnr_remote_row remote = { .name = "prod", .url = "/mnt/prod", .added_ms = FIRST_MS };
	OK(pnr_store_open(argv[1], &options, &store, NULL, err));
	db = pnr_store_index(store);
	name_files(argv[2]);
	OK(pnr_index_begin(db, err));
	OK(pnr_index_remote_put(db, &remote, err));
	for (unsigned i = 0; i < ASSETS; i++)
		keep_file(i);
	for (unsigned i = 0; all != NULL && i < packages; i++) {
		int64_t at_ms = FIRST_MS + i * BETWEEN_MS;
		if (i > 0)
			change();
		all[i] = keep_package(at_ms);
		put_log(&all[i], "pack", at_ms);
		if (i % 20 == 19)
			put_log(&all[i - 1 - roll(i < 10 ? i : 10)], "pack", at_ms + 60000);
		if (i % 10 == 9)
			push(&all[i], remote.id, at_ms + 120000);
		if (i % 200 == 199) {
			char tag[32];
			(void)snprintf(tag, sizeof tag, "release-%u", i / 200);
			OK(pnr_index_tag_put(db, tag, all[i].package_id, all[i].archive_id, at_ms, false, err));
			OK(pnr_index_commit(db, err));
			OK(pnr_index_begin(db, err));
		}
	}
	if (packages > 0)
		put_log(&all[packages - 1], "pack", FIRST_MS + packages * BETWEEN_MS);
	OK(pnr_index_commit(db, err));
	write_model(argv[2]);
	pnr_store_close(store);
	free(all);
	pnr_buffer_free(&text);
	return 0;
}
