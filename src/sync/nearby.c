#include "sync/nearby.h"
#include "base/array.h"
#include "base/file.h"
#include "base/path.h"
#include "codec/hash.h"
#include "package/contents.h"
#include "package/listing.h"
#include "package/manifest_read.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int by_hash(const void *a, const void *b)
{
	return memcmp(&((const pnr_wanted *)a)->hash, &((const pnr_wanted *)b)->hash, sizeof(pnr_digest));
}

pnr_wanted *pnr_wanted_find(pnr_wanted *wanted, size_t count, const pnr_digest *hash)
{
	const pnr_wanted key = { .hash = *hash };
	return count == 0 ? NULL : bsearch(&key, wanted, count, sizeof key, by_hash);
}

size_t pnr_wanted_sort(pnr_wanted *wanted, size_t count)
{
	size_t kept = 0;
	pnr_array_sort(wanted, count, sizeof *wanted, by_hash);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || by_hash(&wanted[kept - 1], &wanted[i]) != 0)
			wanted[kept++] = wanted[i];
	return kept;
}

/* What both kinds share. */
typedef struct taking {
	const char *path; /* as it was given */
	pnr_wanted *wanted;
	size_t count, missing;
	pnr_ingest *ingest;
	pnr_ingested *items; /* one for each wanted, as are the names */
	char **names;        /* of files, for the ingest's messages */
	uint64_t *sizes;     /* of all wanted, sorted */
	pnr_meter *meter;
	pnr_error *unread;   /* the first folder or file that was passed over */
} taking;

static void taking_free(taking *t)
{
	pnr_ingest_free(t->ingest);
	free(t->items);
	if (t->names != NULL)
		for (size_t i = 0; i < t->count; i++)
			free(t->names[i]);
	free(t->names);
	free(t->sizes);
}

static pnr_ingested *item_of(const taking *t, const pnr_wanted *w)
{
	return &t->items[w - t->wanted];
}

static pnr_wanted *find_missing(const taking *t, const pnr_digest *hash)
{
	pnr_wanted *w = pnr_wanted_find(t->wanted, t->count, hash);
	return w == NULL || w->found ? NULL : w;
}

static void mark(taking *t, pnr_wanted *w)
{
	w->found = true;
	t->missing--;
}

/* --------------------------------------------------------------------- a zip -- */

static int by_path(const void *a, const void *b)
{
	return strcmp((*(const pnr_manifest_asset *const *)a)->path, (*(const pnr_manifest_asset *const *)b)->path);
}

static pnr_status take_entry(taking *t, pnr_contents *contents, uint64_t index, pnr_wanted *w, pnr_error *err)
{
	PNR_CLEANUP(pnr_contents_body_close) pnr_contents_body body = { .contents = NULL };
	const pnr_contents_entry entry = pnr_contents_get(contents, index);
	pnr_ingested *item = item_of(t, w);
	pnr_status status = pnr_contents_body_open(contents, index, &body, err);
	if (status != PNR_OK)
		return status;
	const pnr_received what = {
		.hash = w->hash,
		.size = w->size,
		.deflated = body.deflated,
		.body_size = body.size,
		.body = body.source,
		.name = entry.name,
	};
	status = pnr_ingest_add_body(t->ingest, &what, item, err);
	const pnr_content found = { .hash = item->blob.hash, .size = item->blob.size, .crc32 = item->blob.crc32 };
	status = pnr_contents_body_settle(&body, status, &found, err);
	if (status == PNR_OK)
		status = pnr_meter_add(t->meter, entry.name, w->size, err);
	if (status == PNR_OK)
		mark(t, w);
	return status;
}

static pnr_status take_listed(taking *t, pnr_contents *contents, const pnr_manifest *manifest, pnr_error *err)
{
	size_t count = manifest->asset_count;
	PNR_CLEANUP(pnr_cleanup_free) const pnr_manifest_asset **sorted = calloc(count + 1, sizeof(const pnr_manifest_asset *));
	if (sorted == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &manifest->assets[i];
	pnr_array_sort(sorted, count, sizeof(const pnr_manifest_asset *), by_path);
	pnr_status status = PNR_OK;
	for (uint64_t i = 0; status == PNR_OK && t->missing > 0 && i < pnr_contents_count(contents); i++) {
		const pnr_contents_entry entry = pnr_contents_get(contents, i);
		const pnr_manifest_asset key = { .path = (char *)(uintptr_t)entry.name }, *place = &key;
		const pnr_manifest_asset *const *asset =
			count == 0 ? NULL : bsearch(&place, sorted, count, sizeof(const pnr_manifest_asset *), by_path);
		pnr_wanted *w = asset == NULL ? NULL : find_missing(t, &(*asset)->hash);
		if (w != NULL && w->size == entry.size)
			status = take_entry(t, contents, i, w, err);
	}
	return status;
}

static void close_contents(pnr_contents **contents)
{
	pnr_contents_close(*contents);
}

static pnr_status read_manifest(pnr_contents *contents, pnr_manifest **out_manifest, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_status status = pnr_contents_manifest(contents, &text, err);
	if (status != PNR_OK)
		return status;
	status = pnr_manifest_read(text.data, text.length, out_manifest, err);
	if (status != PNR_OK)
		pnr_context(err, PNR_MANIFEST_NAME);
	return status;
}

static pnr_status take_zip(taking *t, pnr_error *err)
{
	PNR_CLEANUP(close_contents) pnr_contents *contents = NULL;
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	const pnr_package_source source = { .file = t->path };
	pnr_status status = pnr_contents_open(&source, &contents, err);
	if (status == PNR_OK)
		status = pnr_contents_load(contents, err);
	if (status == PNR_OK)
		status = read_manifest(contents, &manifest, err);
	if (status == PNR_OK)
		status = take_listed(t, contents, manifest, err);
	if (status == PNR_OK)
		status = pnr_contents_settle(contents, err);
	return status == PNR_OK ? pnr_ingest_commit(t->ingest, err) : status;
}

/* ------------------------------------------------------------------ a folder -- */

/* The names in a folder; a folder is left before the next one is listed. */
typedef struct name_list {
	char **names;
	size_t count, capacity;
	bool failed;
} name_list;

static void free_names(name_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
}

static int add_name(void *user, const char *name)
{
	name_list *list = user;
	char **names = pnr_array_grow(list->names, sizeof *names, list->count, &list->capacity);
	list->failed = names == NULL;
	if (list->failed)
		return 1;
	list->names = names;
	names[list->count] = strdup(name);
	list->failed = names[list->count] == NULL;
	list->count += !list->failed;
	return list->failed;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool size_wanted(const taking *t, uint64_t size)
{
	return bsearch(&size, t->sizes, t->count, sizeof size, by_size) != NULL;
}

/* Opened where it is added: from then on the ingest has a descriptor of its own. */
static pnr_status take_file(taking *t, int fd, const struct stat *st, char **path, pnr_error *err)
{
	pnr_digest hash;
	pnr_status status = pnr_hash_file(fd, *path, t->meter, &hash, NULL, NULL, err);
	pnr_wanted *w = status == PNR_OK ? find_missing(t, &hash) : NULL;
	if (w == NULL || w->size != (uint64_t)st->st_size)
		return status;
	char **name = &t->names[w - t->wanted];
	*name = PNR_STEAL(*path);
	const pnr_ingest_file file = { .open = pnr_file_duplicate, .context = &fd, .st = *st, .name = *name };
	status = pnr_ingest_add(t->ingest, &file, item_of(t, w), err);
	if (status == PNR_OK)
		mark(t, w);
	return status;
}

static pnr_status take_tree(taking *t, int dir, const char *path, unsigned depth, pnr_error *err);

/* What may not be read is as good as missing; which it was is told if something is. */
static pnr_status pass_over(taking *t, const char *path, const pnr_error *own, pnr_error *err)
{
	if (own->status != PNR_DENIED)
		return pnr_fail_with(err, own);
	(void)pnr_fail(t->unread, PNR_DENIED, "'%s' may not be read", path);
	return PNR_OK;
}

static pnr_status take_name(taking *t, int dir, const char *folder, const char *name, unsigned depth, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	PNR_CLEANUP(pnr_cleanup_free) char *path = pnr_path_join(folder, name);
	pnr_error own = PNR_ERROR_INIT;
	struct stat st;
	if (path == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_stat_at(dir, name, &st, &own);
	bool is_dir = status == PNR_OK && S_ISDIR(st.st_mode);
	if (status == PNR_OK && !is_dir && (!S_ISREG(st.st_mode) || !size_wanted(t, (uint64_t)st.st_size)))
		return PNR_OK;
	if (status == PNR_OK)
		status = pnr_file_open(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (is_dir ? O_DIRECTORY : 0), 0, &fd, &own);
	if (status != PNR_OK)
		return pass_over(t, path, &own, err);
	if (is_dir)
		return take_tree(t, fd, path, depth + 1, err);
	/* What was looked at by name may have been replaced since. */
	status = pnr_file_stat(fd, &st, path, err);
	return status == PNR_OK && S_ISREG(st.st_mode) ? take_file(t, fd, &st, &path, err) : status;
}

/* Deeper than a package can be nothing is looked for. */
static pnr_status take_tree(taking *t, int dir, const char *path, unsigned depth, pnr_error *err)
{
	PNR_CLEANUP(free_names) name_list list = { .count = 0 };
	if (depth > PNR_LISTING_DEPTH_MAX)
		return PNR_OK;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_list(dir, path, add_name, &list, &own);
	if (status != PNR_OK)
		return pass_over(t, path, &own, err);
	if (list.failed)
		status = pnr_fail_nomem(err);
	for (size_t i = 0; status == PNR_OK && t->missing > 0 && i < list.count; i++)
		status = take_name(t, dir, path, list.names[i], depth, err);
	return status;
}

/* ---------------------------------------------------------------- either one -- */

static pnr_status take_folder(taking *t, int dir, pnr_error *err)
{
	t->names = calloc(t->count, sizeof *t->names);
	t->sizes = calloc(t->count, sizeof *t->sizes);
	if (t->names == NULL || t->sizes == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < t->count; i++)
		t->sizes[i] = t->wanted[i].size;
	pnr_array_sort(t->sizes, t->count, sizeof *t->sizes, by_size);
	pnr_status status = take_tree(t, dir, t->path, 0, err);
	if (status == PNR_OK)
		status = pnr_ingest_commit(t->ingest, err);
	/* A file was hashed before it was taken in. */
	for (size_t i = 0; status == PNR_OK && i < t->count; i++)
		if (t->wanted[i].found && !pnr_digest_equal(&t->items[i].blob.hash, &t->wanted[i].hash))
			status = pnr_fail(err, PNR_RETRY, "'%s' changed while it was read", t->names[i]);
	return status;
}

static pnr_status take(taking *t, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_file_open_dir(AT_FDCWD, t->path, &dir, &own);
	if (status != PNR_OK && own.detail != ENOTDIR)
		return pnr_fail_with(err, &own);
	return status == PNR_OK ? take_folder(t, dir, err) : take_zip(t, err);
}

pnr_status pnr_nearby_take(pnr_store *store, const char *path, pnr_wanted *wanted, size_t count, unsigned level,
                           pnr_meter *meter, pnr_error *out_unread, pnr_error *err)
{
	PNR_CLEANUP(taking_free) taking t = {
		.path = path,
		.wanted = wanted,
		.count = count,
		.missing = count,
		.meter = meter,
		.unread = out_unread,
		.items = calloc(count + 1, sizeof *t.items),
	};
	const pnr_ingest_options options = { .level = level, .meter = NULL };
	if (t.items == NULL)
		return pnr_fail_nomem(err);
	if (count == 0)
		return PNR_OK;
	pnr_status status = pnr_ingest_new(store, &options, &t.ingest, err);
	if (status == PNR_OK)
		status = take(&t, err);
	if (status != PNR_OK && status != PNR_CANCELLED)
		pnr_context(err, "base '%s'", path);
	return status;
}
