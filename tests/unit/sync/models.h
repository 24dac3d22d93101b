/* What tests of pulling share: a model in versions, stores, and a remote in a folder. */
#ifndef TESTS_UNIT_SYNC_MODELS_H
#define TESTS_UNIT_SYNC_MODELS_H

#include "../package/packages.h"
#include "index/evict.h"
#include "sync/make_room.h"
#include "store/store.h"
#include <pannier/pannier.h>

#define ENGINE_SIZE 300000u

#define ok(call)                                                            \
	do {                                                                \
		pnr_error err_ = PNR_ERROR_INIT, *err = &err_;              \
		if ((call) != PNR_OK)                                       \
			fail_msg("%s: %s", #call, err->message);            \
	} while (0)

/* The call fails with that status and that text in the message. */
#define fails(call, wanted, text)                                           \
	do {                                                                \
		pnr_error err_ = PNR_ERROR_INIT, *err = &err_;              \
		pnr_status got_ = (call);                                   \
		if (got_ != (wanted) || strstr(err->message, (text)) == NULL) \
			fail_msg("%s: %s: %s", #call, pnr_status_name(got_), err->message); \
	} while (0)

static inline void put_bytes(const place *w, const char *name, const void *data, size_t length)
{
	char path[256];
	FILE *f = fopen(in(w, name, path), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

/* The engine does not shrink; from version to version it changes a little, and so does one table. */
static inline void write_model(const place *w, const char *model, unsigned version)
{
	static const char *const folders[] = { "", "/wasm", "/python", "/a" };
	static char engine[ENGINE_SIZE];
	char name[256], path[256], table[64];
	uint32_t random = 1;
	for (size_t i = 0; i < PNR_COUNT(folders); i++) {
		(void)snprintf(name, sizeof name, "%s%s", model, folders[i]);
		assert_true(mkdir(in(w, name, path), 0777) == 0 || errno == EEXIST);
	}
	for (size_t i = 0; i < sizeof engine; i++) {
		random = random * 1664525 + 1013904223;
		engine[i] = (char)(random >> 24);
	}
	(void)snprintf(engine, sizeof engine, "version %u", version);
	(void)snprintf(table, sizeof table, "1,0.01\n2,0.02\n3,%u\n", version);
#define PUT(file, data, length)                                       \
	do {                                                          \
		(void)snprintf(name, sizeof name, "%s/%s", model, file); \
		put_bytes(w, name, data, length);                     \
	} while (0)
	PUT("livecalc.config.json", CONFIG, strlen(CONFIG));
	PUT("model.mga", "MODEL\n", 6);
	PUT("wasm/val.wasm", engine, sizeof engine);
	PUT("wasm/val.mjs", "export default 1;\n", 18);
	PUT("python/sum.py", SCRIPT, strlen(SCRIPT));
	PUT("l.csv", table, strlen(table));
#undef PUT
}

static inline pnr_store *open_store(const place *w, const char *name)
{
	char path[256];
	pnr_store *store = NULL;
	const pnr_store_options options = { .size = sizeof options, .create = true, .threads = 2 };
	ok(pnr_store_open(in(w, name, path), &options, &store, NULL, err));
	return store;
}

/* A store that knows the remote. */
static inline pnr_store *open_worker(const place *w, const char *name)
{
	char path[256];
	pnr_store *store = open_store(w, name);
	ok(pnr_store_remote_add(store, "cloud", in(w, "remote", path), err));
	return store;
}

typedef struct packed {
	pnr_digest package_hash, archive_hash;
	char hash[PNR_DIGEST_HEX_SIZE];
} packed;

/* The model is packed to @zip as @options say. */
static inline packed pack_model(const place *w, pnr_store *store, pnr_pack_options options, const char *zip)
{
	char config[256], path[256];
	packed p;
	options.size = sizeof options;
	options.workspace = w->dir;
	options.output_path = in(w, zip, path);
	pnr_pack_result *result = NULL;
	ok(pnr_pack(store, in(w, "model/livecalc.config.json", config), &options, &result, err));
	p.package_hash = result->package_hash;
	p.archive_hash = result->archive_hash;
	pnr_digest_to_hex(&p.package_hash, p.hash);
	pnr_pack_result_free(result);
	return p;
}

/* Version @version is packed to @zip, and tagged "v<version>". */
static inline packed pack_version(const place *w, pnr_store *store, unsigned version, const char *zip)
{
	char tag[16];
	write_model(w, "model", version);
	(void)snprintf(tag, sizeof tag, "v%u", version);
	return pack_model(w, store, (pnr_pack_options){ .tag = tag }, zip);
}

/* The model with a table that shrinks, to other bytes at another level. */
static inline packed pack_table(const place *w, pnr_store *store, pnr_pack_options options, const char *zip)
{
	static char table[100000];
	uint32_t random = 7;
	write_model(w, "model", 1);
	for (size_t i = 0; i < sizeof table; i++) {
		random = random * 1664525 + 1013904223;
		table[i] = i % 8 == 7 ? '\n' : (char)('0' + (random >> 24) % 10);
	}
	put_bytes(w, "model/l.csv", table, sizeof table);
	return pack_model(w, store, options, zip);
}

static inline pnr_push_result push(pnr_store *store, const char *ref)
{
	pnr_push_result result;
	ok(pnr_push(store, "cloud", ref, NULL, &result, NULL, err));
	return result;
}

static inline pnr_pull_result pull(pnr_store *store, const char *ref, const char *output)
{
	pnr_pull_result result;
	const pnr_pull_options options = { .size = sizeof options, .output_path = output };
	ok(pnr_pull(store, "cloud", ref, &options, &result, NULL, err));
	return result;
}

/* As a pull from the remote "cloud" makes room. */
static inline pnr_status make_room(pnr_store *store, uint64_t limit, pnr_evicted *out_evicted, pnr_error *err)
{
	PNR_CLEANUP(pnr_named_remote_close) pnr_named_remote remote = PNR_NAMED_REMOTE_INIT;
	bool at_fault = false;
	pnr_status status = pnr_named_remote_open(store, "cloud", NULL, &remote, &at_fault, err);
	return status == PNR_OK ? pnr_make_room(store, &remote, limit, 0, out_evicted, err) : status;
}

static inline pnr_digest hash_of(const char *file)
{
	pnr_digest hash;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ok(pnr_hash_file(fd, file, NULL, &hash, NULL, NULL, err));
	assert_int_equal(close(fd), 0);
	return hash;
}

static inline bool same_file(const place *w, const char *a, const char *b)
{
	char path[256];
	pnr_digest x = hash_of(in(w, a, path)), y = hash_of(in(w, b, path));
	return pnr_digest_equal(&x, &y);
}

/* All of the package that @ref names is in the store, and right. */
static inline pnr_status verify(pnr_store *store, const char *ref, pnr_error *err)
{
	pnr_verify_result *result = NULL;
	const pnr_package_source source = { .store = store, .ref = ref };
	pnr_status status = pnr_verify(&source, NULL, &result, err);
	pnr_verify_result_free(result);
	return status;
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
	ok(pnr_store_log(store, NULL, 0, count_entry, &count, err));
	return count;
}

/* Versions 1 and 2 are packed here and pushed; 2 has an engine that went as a patch. */
typedef struct world {
	const place *w;
	pnr_store *from, *to;
	packed v1, v2;
} world;

static inline world make_world(void **state)
{
	world d = { .w = *state };
	d.from = open_worker(d.w, "from");
	d.v1 = pack_version(d.w, d.from, 1, "v1.zip");
	push(d.from, "v1");
	d.v2 = pack_version(d.w, d.from, 2, "v2.zip");
	pnr_push_result sent = push(d.from, "v2");
	assert_int_equal(sent.blobs_sent, 2);
	assert_int_equal(sent.blobs_patched, 1);
	d.to = open_worker(d.w, "to");
	return d;
}

static inline void end(world *d)
{
	pnr_store_close(d->from);
	pnr_store_close(d->to);
}

#endif
