#include "package/archive.h"
#include "base/file.h"
#include "base/path.h"
#include "codec/hash.h"
#include "zip/zip.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)256 << 10)

/*
 * Gathers what the zip writer gives, in two buffers by turns: while one fills, is
 * checked and written, a thread hashes the other. Both hashes of a repeated pack,
 * of each object and of the zip, then cost the time of one.
 */
typedef struct gather {
	const pnr_sink *next;
	pnr_pool *pool;
	pnr_hash *hash;
	char *data[2];
	unsigned filling;
	size_t used;
	pnr_job job; /* hashes the other buffer */
	size_t job_length;
	bool in_flight;
} gather;

static void hash_job(pnr_job *job)
{
	gather *g = (gather *)(void *)((char *)job - offsetof(gather, job));
	job->status = pnr_hash_update(g->hash, g->data[1 - g->filling], g->job_length, &job->error);
}

static pnr_status wait_hash(gather *g, pnr_error *err)
{
	if (!g->in_flight)
		return PNR_OK;
	g->in_flight = false;
	return pnr_pool_wait(g->pool, &g->job, err);
}

static void gather_cleanup(gather *g)
{
	pnr_ignore(wait_hash(g, NULL));
	pnr_hash_free(g->hash);
	free(g->data[0]);
	free(g->data[1]);
}

static pnr_status gather_init(gather *g, pnr_store *store, pnr_error *err)
{
	g->data[0] = malloc(BUFFER_SIZE);
	g->data[1] = malloc(BUFFER_SIZE);
	if (g->data[0] == NULL || g->data[1] == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_hash_new(&g->hash, err);
	return status == PNR_OK ? pnr_store_pool(store, &g->pool, err) : status;
}

static pnr_status gather_flush(gather *g, pnr_error *err)
{
	pnr_status status = wait_hash(g, err);
	if (status != PNR_OK || g->used == 0)
		return status;
	g->job = (pnr_job){ .run = hash_job };
	g->job_length = g->used;
	g->in_flight = true;
	g->filling = 1 - g->filling;
	g->used = 0;
	pnr_pool_submit(g->pool, &g->job);
	return g->next->write(g->next->context, g->data[1 - g->filling], g->job_length, err);
}

static pnr_status gather_write(void *context, const void *data, size_t length, pnr_error *err)
{
	gather *g = context;
	for (const char *from = data; length > 0;) {
		size_t step = BUFFER_SIZE - g->used < length ? BUFFER_SIZE - g->used : length;
		memcpy(g->data[g->filling] + g->used, from, step);
		g->used += step;
		from += step;
		length -= step;
		if (g->used == BUFFER_SIZE) {
			pnr_status status = gather_flush(g, err);
			if (status != PNR_OK)
				return status;
		}
	}
	return PNR_OK;
}

static pnr_status gather_finish(gather *g, pnr_digest *out_hash, pnr_error *err)
{
	pnr_status status = gather_flush(g, err);
	if (status == PNR_OK)
		status = wait_hash(g, err);
	return status == PNR_OK ? pnr_hash_finish(g->hash, out_hash, NULL, NULL, err) : status;
}

/* A body on its way into the zip, counted. */
typedef struct counted {
	pnr_source body;
	pnr_meter *meter;
	const char *asset;
} counted;

static pnr_status counted_read(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	const counted *c = context;
	size_t got = 0;
	pnr_status status = c->body.read(c->body.context, buffer, capacity, &got, err);
	if (status == PNR_OK)
		status = pnr_meter_add(c->meter, c->asset, got, err);
	if (status == PNR_OK)
		*out_length = got;
	return status;
}

static void body_cleanup(pnr_body **body)
{
	pnr_body_close(*body);
}

static pnr_status add_item(pnr_store *store, const pnr_archive_item *item, pnr_meter *meter,
                           pnr_zip_writer *writer, pnr_error *err)
{
	PNR_CLEANUP(body_cleanup) pnr_body *body = NULL;
	pnr_status status = pnr_body_open(store, &item->blob, item->encoding_id, &body, err);
	if (status == PNR_OK) {
		const pnr_zip_entry entry = {
			.name = item->path,
			.method = pnr_body_deflated(body) ? PNR_ZIP_DEFLATED : PNR_ZIP_STORED,
			.crc32 = item->blob.crc32,
			.size = item->blob.size,
			.body_size = pnr_body_size(body),
		};
		counted c = { pnr_body_source(body), meter, item->path };
		pnr_source source = { .read = counted_read, .context = &c };
		status = pnr_zip_writer_add(writer, &entry, &source, err);
	}
	if (status != PNR_OK && status != PNR_CANCELLED)
		pnr_context(err, "packing '%s'", item->path);
	return status;
}

static void writer_cleanup(pnr_zip_writer **writer)
{
	pnr_zip_writer_free(*writer);
}

pnr_status pnr_archive_write(pnr_store *store, const pnr_archive_item *items, size_t count, int64_t created_ms,
                             pnr_meter *meter, const pnr_sink *sink, pnr_digest *out_hash, uint64_t *out_size,
                             pnr_error *err)
{
	PNR_CLEANUP(gather_cleanup) gather g = { .next = sink };
	PNR_CLEANUP(writer_cleanup) pnr_zip_writer *writer = NULL;
	pnr_sink gathering = { .write = gather_write, .context = &g };
	pnr_digest hash;
	uint64_t size = 0;
	pnr_status status = gather_init(&g, store, err);
	if (status == PNR_OK)
		status = pnr_zip_writer_new(&gathering, created_ms, &writer, err);
	for (size_t i = 0; i < count && status == PNR_OK; i++)
		status = add_item(store, &items[i], meter, writer, err);
	if (status == PNR_OK)
		status = pnr_zip_writer_finish(writer, &size, err);
	if (status == PNR_OK)
		status = gather_finish(&g, &hash, err);
	if (status == PNR_OK) {
		*out_hash = hash;
		*out_size = size;
	}
	return status;
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
		if (real == NULL)
			return pnr_fail_errno(err, errno, "output '%s' is a link that leads nowhere", path);
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
	pnr_file_end end = { temp.fd, target };
	pnr_sink sink = pnr_file_end_sink(&end);
	pnr_digest hash;
	uint64_t size;
	status = pnr_archive_write(store, items, count, created_ms, meter, &sink, &hash, &size, err);
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
