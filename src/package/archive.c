#include "package/archive.h"
#include "base/file.h"
#include "base/flush.h"
#include "base/path.h"
#include "codec/hash.h"
#include "zip/zip.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)256 << 10)

/*
 * Where the zip goes: small pieces are gathered, large ones pass through. Each is
 * written while a thread hashes it; another hashes the object that it comes from,
 * so both hashes of a repeated pack cost the time of one.
 */
typedef struct gather {
	const pnr_sink *next; /* NULL: the file */
	int fd;
	const char *name;
	pnr_hash *hash;
	pnr_pool *pool;
	char *data;
	size_t used;
	uint64_t offset;      /* of what is gathered, in the zip */
	uint64_t shared;      /* up to here the file has the bytes already */
	pnr_flush flush;      /* of the file to the disk */
} gather;

static void gather_cleanup(gather *g)
{
	pnr_flush_cleanup(&g->flush);
	pnr_hash_free(g->hash);
	free(g->data);
}

static pnr_status gather_init(gather *g, pnr_store *store, pnr_error *err)
{
	g->data = malloc(BUFFER_SIZE);
	if (g->data == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_hash_new(&g->hash, err);
	return status == PNR_OK ? pnr_store_pool(store, &g->pool, err) : status;
}

/* To the file, but for what is shared. */
static pnr_status put_file(void *context, const void *data, size_t length, pnr_error *err)
{
	gather *g = context;
	uint64_t skip = g->shared <= g->offset ? 0 : g->shared - g->offset;
	if (skip >= length)
		return PNR_OK;
	pnr_status status = pnr_file_pwrite(g->fd, (const char *)data + skip, length - (size_t)skip,
	                                    g->offset + skip, g->name, err);
	return status == PNR_OK ? pnr_flush_behind(&g->flush, g->offset + length, err) : status;
}

static pnr_status put(gather *g, const char *data, size_t length, pnr_error *err)
{
	const pnr_sink file = { .write = put_file, .context = g };
	pnr_hash_pipe pipe = { g->hash, g->next != NULL ? g->next : &file, g->pool };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	pnr_status status = sink.write(sink.context, data, length, err);
	g->offset += length;
	return status;
}

static pnr_status gather_flush(gather *g, pnr_error *err)
{
	size_t used = g->used;
	g->used = 0;
	return used == 0 ? PNR_OK : put(g, g->data, used, err);
}

static pnr_status gather_write(void *context, const void *data, size_t length, pnr_error *err)
{
	gather *g = context;
	if (length > BUFFER_SIZE - g->used) {
		pnr_status status = gather_flush(g, err);
		if (status != PNR_OK)
			return status;
	}
	if (length > BUFFER_SIZE)
		return put(g, data, length, err);
	memcpy(g->data + g->used, data, length);
	g->used += length;
	return PNR_OK;
}

/* The body of an entry is next: let the file system share its blocks if it can. */
static pnr_status gather_share(gather *g, const pnr_body *body, pnr_error *err)
{
	uint64_t length = 0;
	if (g->next != NULL || pnr_body_size(body) < PNR_ZIP_ALIGN_FROM)
		return PNR_OK;
	pnr_status status = gather_flush(g, err);
	if (status == PNR_OK && pnr_body_clone(body, g->fd, g->offset, &length, NULL) == PNR_OK)
		g->shared = g->offset + length;
	return status;
}

static pnr_status gather_finish(gather *g, pnr_digest *out_hash, pnr_error *err)
{
	pnr_status status = gather_flush(g, err);
	if (status == PNR_OK)
		status = pnr_flush_end(&g->flush, err);
	return status == PNR_OK ? pnr_hash_finish(g->hash, out_hash, NULL, NULL, err) : status;
}

/* A body on its way into the zip, counted. */
typedef struct moving {
	gather *to;
	pnr_body *body;
	pnr_meter *meter;
	const char *asset;
} moving;

/* The header has been given. */
static pnr_status move(void *context, const pnr_sink *zip, pnr_error *err)
{
	const moving *m = context;
	pnr_status status = gather_share(m->to, m->body, err);
	return status == PNR_OK ? pnr_body_write(m->body, m->to->pool, m->meter, m->asset, zip, err) : status;
}

static void body_cleanup(pnr_body **body)
{
	pnr_body_close(*body);
}

static pnr_status copy_extra(void *context, const pnr_sink *zip, pnr_error *err)
{
	const pnr_archive_extra *extra = context;
	pnr_file_range range = { extra->fd, extra->offset, extra->body_size, extra->name };
	const pnr_source source = pnr_file_range_source(&range);
	return pnr_source_copy(&source, zip, err);
}

static pnr_status add_extra(const pnr_archive_item *item, pnr_zip_writer *writer, pnr_error *err)
{
	pnr_archive_extra extra = *item->extra;
	const pnr_zip_entry entry = {
		.name = item->path,
		.method = extra.deflated ? PNR_ZIP_DEFLATED : PNR_ZIP_STORED,
		.crc32 = extra.crc32,
		.size = extra.size,
		.body_size = extra.body_size,
	};
	const pnr_pump pump = { .run = copy_extra, .context = &extra };
	return pnr_zip_writer_add(writer, &entry, &pump, err);
}

static pnr_status add_stored(pnr_store *store, const pnr_archive_item *item, pnr_meter *meter, gather *to,
                             pnr_zip_writer *writer, pnr_error *err)
{
	PNR_CLEANUP(body_cleanup) pnr_body *body = NULL;
	/* One state of the index answers for small bodies, until one comes that takes its time. */
	pnr_status status = pnr_index_hold(pnr_store_index(store), err);
	if (status == PNR_OK)
		status = pnr_body_open(store, &item->blob, item->encoding_id, &body, err);
	if (status == PNR_OK) {
		if (pnr_body_size(body) > BUFFER_SIZE)
			pnr_index_release(pnr_store_index(store));
		const pnr_zip_entry entry = {
			.name = item->path,
			.method = pnr_body_deflated(body) ? PNR_ZIP_DEFLATED : PNR_ZIP_STORED,
			.crc32 = item->blob.crc32,
			.size = item->blob.size,
			.body_size = pnr_body_size(body),
		};
		moving m = { .to = to, .body = body, .meter = meter, .asset = item->path };
		const pnr_pump pump = { .run = move, .context = &m };
		status = pnr_zip_writer_add(writer, &entry, &pump, err);
	}
	return status;
}

static pnr_status add_item(pnr_store *store, const pnr_archive_item *item, pnr_meter *meter, gather *to,
                           pnr_zip_writer *writer, pnr_error *err)
{
	pnr_status status = item->extra != NULL ? add_extra(item, writer, err)
	                                        : add_stored(store, item, meter, to, writer, err);
	if (status != PNR_OK && status != PNR_CANCELLED)
		pnr_context(err, "packing '%s'", item->path);
	return status;
}

static void writer_cleanup(pnr_zip_writer **writer)
{
	pnr_zip_writer_free(*writer);
}

static pnr_status write_archive(pnr_store *store, const pnr_archive_item *items, size_t count, int64_t created_ms,
                                pnr_meter *meter, gather *to, pnr_digest *out_hash, uint64_t *out_size,
                                pnr_error *err)
{
	PNR_CLEANUP(writer_cleanup) pnr_zip_writer *writer = NULL;
	pnr_sink sink = { .write = gather_write, .context = to };
	pnr_digest hash;
	uint64_t size = 0;
	pnr_status status = gather_init(to, store, err);
	if (status == PNR_OK)
		status = pnr_zip_writer_new(&sink, created_ms, &writer, err);
	for (size_t i = 0; i < count && status == PNR_OK; i++)
		status = add_item(store, &items[i], meter, to, writer, err);
	pnr_index_release(pnr_store_index(store));
	if (status == PNR_OK)
		status = pnr_zip_writer_finish(writer, &size, err);
	if (status == PNR_OK)
		status = gather_finish(to, &hash, err);
	if (status == PNR_OK) {
		*out_hash = hash;
		*out_size = size;
	}
	return status;
}

pnr_status pnr_archive_write(pnr_store *store, const pnr_archive_item *items, size_t count, int64_t created_ms,
                             pnr_meter *meter, const pnr_sink *sink, pnr_digest *out_hash, uint64_t *out_size,
                             pnr_error *err)
{
	PNR_CLEANUP(gather_cleanup) gather to = { .next = sink, .fd = -1 };
	return write_archive(store, items, count, created_ms, meter, &to, out_hash, out_size, err);
}

/* A zip in place of the database would be the end of all packages in it. */
static pnr_status refuse_store(const pnr_store *store, const char *path, const char *target, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(target);
	if (parent == NULL)
		return pnr_fail_nomem(err);
	PNR_CLEANUP(pnr_cleanup_free) char *folder = realpath(parent, NULL);
	PNR_CLEANUP(pnr_cleanup_free) char *home = realpath(pnr_store_dir(store), NULL);
	if (folder == NULL || home == NULL)
		return errno == ENOMEM ? pnr_fail_nomem(err) : PNR_OK;
	if (strcmp(folder, home) != 0 && !pnr_path_inside(folder, home))
		return PNR_OK;
	return pnr_fail(err, PNR_INVALID, "output '%s' lies in the store '%s'; name a file elsewhere", path, home);
}

pnr_status pnr_archive_target(const pnr_store *store, const char *path, char **out_target, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	struct stat st;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_path_absolute(path, &target, err);
	if (status != PNR_OK)
		return status;
	size_t length = strlen(path);
	if (length == 0 || path[length - 1] == '/')
		return pnr_fail(err, PNR_INVALID, "output '%s' names a folder; name a file in it", path);
	status = pnr_file_stat_at(AT_FDCWD, target, &st, &own);
	if (status == PNR_OK && S_ISLNK(st.st_mode)) {
		char *real = realpath(target, NULL);
		if (real == NULL && errno == ENOENT)
			return pnr_fail(err, PNR_INVALID, "output '%s' is a link that leads nowhere; name a file", path);
		if (real == NULL)
			return pnr_fail_errno(err, errno, "output '%s'", path);
		free(target);
		target = real;
		status = pnr_file_stat_at(AT_FDCWD, target, &st, &own);
	}
	if (status == PNR_OK && S_ISDIR(st.st_mode))
		return pnr_fail(err, PNR_INVALID, "output '%s' is a folder; name a file in it", path);
	if (status == PNR_OK && !S_ISREG(st.st_mode))
		return pnr_fail(err, PNR_INVALID, "output '%s' is not a regular file", path);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return pnr_fail(err, status, "output: %s", own.message);
	status = refuse_store(store, path, target, err);
	if (status == PNR_OK)
		*out_target = PNR_STEAL(target);
	return status;
}

/* What was written must be what a reader takes. */
static pnr_status read_back(const pnr_temp *temp, size_t count, pnr_error *err)
{
	pnr_zip_reader *reader = NULL;
	pnr_status status = pnr_zip_reader_open(temp->fd, temp->target, &reader, err);
	if (status == PNR_OK && pnr_zip_reader_count(reader) != count)
		status = pnr_fail(err, PNR_CORRUPT, "'%s' has another number of entries than were written",
		                  temp->target);
	pnr_zip_reader_close(reader);
	if (status != PNR_OK)
		pnr_context(err, "reading back");
	return status;
}

pnr_status pnr_archive_write_temp(pnr_store *store, const pnr_archive_item *items, size_t count,
                                  int64_t created_ms, pnr_meter *meter, const char *target, pnr_temp *out_temp,
                                  pnr_digest *out_hash, uint64_t *out_size, pnr_error *err)
{
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(target);
	if (parent == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_make_dirs(AT_FDCWD, parent, err);
	if (status == PNR_OK)
		status = pnr_file_open_dir(AT_FDCWD, parent, &dir, err);
	if (status == PNR_OK)
		status = pnr_temp_file(dir, pnr_path_base(target), &temp, err);
	if (status != PNR_OK) {
		pnr_context(err, "output '%s'", target);
		return status;
	}
	PNR_CLEANUP(gather_cleanup) gather to = {
		.fd = temp.fd,
		.name = target,
		.flush = { .fd = temp.fd, .name = target },
	};
	pnr_digest hash;
	uint64_t size;
	status = write_archive(store, items, count, created_ms, meter, &to, &hash, &size, err);
	if (status == PNR_OK)
		status = read_back(&temp, count, err);
	if (status != PNR_OK)
		return status;
	*out_temp = temp;
	temp = (pnr_temp)PNR_TEMP_INIT;
	*out_hash = hash;
	*out_size = size;
	return PNR_OK;
}
