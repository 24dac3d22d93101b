#include "package/contents.h"
#include "base/file.h"
#include "codec/hash.h"
#include "zip/zip.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- a zip -- */

typedef struct zip_contents {
	pnr_contents base; /* first: it is cast from */
	int fd;
	struct stat st;    /* when it was opened */
	pnr_zip_reader *reader;
} zip_contents;

static pnr_status zip_load(pnr_contents *contents, pnr_error *err)
{
	zip_contents *zip = (zip_contents *)contents;
	return pnr_zip_reader_open(zip->fd, contents->label, &zip->reader, err);
}

static pnr_status zip_read_archive(const pnr_contents *contents, void *buffer, size_t length, uint64_t offset,
                                   size_t *out_length, pnr_error *err)
{
	const zip_contents *zip = (const zip_contents *)contents;
	return pnr_file_pread(zip->fd, buffer, length, offset, out_length, contents->label, err);
}

static uint64_t zip_count(const pnr_contents *contents)
{
	return pnr_zip_reader_count(((const zip_contents *)contents)->reader);
}

static pnr_contents_entry zip_entry(const pnr_contents *contents, uint64_t index)
{
	const pnr_zip_entry *entry = pnr_zip_reader_entry(((const zip_contents *)contents)->reader, index);
	return (pnr_contents_entry){ entry->name, entry->size };
}

static bool zip_find_manifest(const pnr_contents *contents, uint64_t *out_index)
{
	return pnr_zip_reader_find(((const zip_contents *)contents)->reader, PNR_MANIFEST_NAME, out_index);
}

static const pnr_zip_entry *zip_entry_of(const pnr_contents_body *body)
{
	return pnr_zip_reader_entry(((const zip_contents *)body->contents)->reader, body->index);
}

static pnr_status zip_open_body(pnr_contents *contents, pnr_contents_body *body, pnr_error *err)
{
	(void)err;
	body->range = pnr_zip_reader_body(((const zip_contents *)contents)->reader, body->index);
	body->source = pnr_file_range_source(&body->range);
	body->size = body->range.length;
	body->deflated = zip_entry_of(body)->method == PNR_ZIP_DEFLATED;
	return PNR_OK;
}

static pnr_status zip_check(const pnr_contents_body *body, const pnr_content *found, pnr_error *err)
{
	if (found->crc32 != zip_entry_of(body)->crc32)
		return pnr_fail(err, PNR_CORRUPT, "its content does not have the CRC that the zip gives");
	return PNR_OK;
}

static void zip_context(const pnr_contents_body *body, pnr_status status, pnr_error *err)
{
	(void)status;
	pnr_context(err, "zip '%s': entry '%.200s'", body->contents->label, zip_entry_of(body)->name);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static pnr_status zip_settle(pnr_contents *contents, pnr_error *err)
{
	const zip_contents *zip = (const zip_contents *)contents;
	struct stat now;
	pnr_status status = pnr_file_stat(zip->fd, &now, contents->label, err);
	if (status != PNR_OK)
		return status;
	if (now.st_size != zip->st.st_size || !same_time(&now.st_mtim, &zip->st.st_mtim) ||
	    !same_time(&now.st_ctim, &zip->st.st_ctim))
		return pnr_fail(err, PNR_RETRY, "'%s' changed while it was read", contents->label);
	return PNR_OK;
}

static void zip_close(pnr_contents *contents)
{
	zip_contents *zip = (zip_contents *)contents;
	pnr_zip_reader_close(zip->reader);
	pnr_cleanup_close(&zip->fd);
	free(zip);
}

static const pnr_contents_ops zip_ops = {
	.load = zip_load,
	.count = zip_count,
	.entry = zip_entry,
	.find_manifest = zip_find_manifest,
	.open_body = zip_open_body,
	.check = zip_check,
	.context = zip_context,
	.read_archive = zip_read_archive,
	.settle = zip_settle,
	.close = zip_close,
};

static pnr_status open_zip(const char *file, const char *name, pnr_contents **out_contents, pnr_error *err)
{
	/* NONBLOCK: opening a FIFO must not wait for a writer. */
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_file_open(AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, &fd, err);
	struct stat st;
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &st, file, err);
	if (status != PNR_OK)
		return status;
	if (!S_ISREG(st.st_mode))
		return pnr_fail(err, PNR_INVALID, "'%s' is not a regular file", file);
	zip_contents *zip = calloc(1, sizeof *zip);
	if (zip == NULL)
		return pnr_fail_nomem(err);
	*zip = (zip_contents){
		.base = { &zip_ops, name != NULL ? name : file, (uint64_t)st.st_size },
		.fd = fd,
		.st = st,
	};
	fd = -1;
	*out_contents = &zip->base;
	return PNR_OK;
}

/* ----------------------------------------------------------- either one -- */

pnr_status pnr_contents_open(const pnr_package_source *source, pnr_contents **out_contents, pnr_error *err)
{
	if (source->file != NULL && source->store == NULL && source->ref == NULL)
		return open_zip(source->file, source->name, out_contents, err);
	if (source->file == NULL && source->store != NULL && source->ref != NULL)
		return pnr_contents_open_ref(source->store, source->ref, out_contents, err);
	return pnr_fail(err, PNR_INVALID, "a package comes from a file, or from a store with a ref");
}

pnr_status pnr_contents_load(pnr_contents *contents, pnr_error *err)
{
	return contents->ops->load(contents, err);
}

uint64_t pnr_contents_count(const pnr_contents *contents)
{
	return contents->ops->count(contents);
}

pnr_contents_entry pnr_contents_get(const pnr_contents *contents, uint64_t index)
{
	return contents->ops->entry(contents, index);
}

bool pnr_contents_find_manifest(const pnr_contents *contents, uint64_t *out_index)
{
	return contents->ops->find_manifest(contents, out_index);
}

pnr_status pnr_contents_body_open(pnr_contents *contents, uint64_t index, pnr_contents_body *out_body, pnr_error *err)
{
	*out_body = (pnr_contents_body){ .contents = contents, .index = index };
	pnr_status status = contents->ops->open_body(contents, out_body, err);
	if (status != PNR_OK)
		out_body->contents = NULL;
	return status;
}

void pnr_contents_body_close(pnr_contents_body *body)
{
	if (body->contents != NULL && body->contents->ops->close_body != NULL)
		body->contents->ops->close_body(body);
	body->contents = NULL;
}

pnr_status pnr_contents_body_settle(const pnr_contents_body *body, pnr_status status, const pnr_content *found,
                                    pnr_error *err)
{
	const pnr_contents_ops *ops = body->contents->ops;
	if (status == PNR_OK)
		status = ops->check(body, found, err);
	if (status != PNR_OK)
		ops->context(body, status, err);
	return status;
}

pnr_status pnr_contents_read(pnr_contents *contents, uint64_t index, const pnr_sink *out, pnr_pool *pool,
                             pnr_content *out_content, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	PNR_CLEANUP(pnr_contents_body_close) pnr_contents_body body = { .contents = NULL };
	pnr_status status = pnr_hash_new_with_crc32(&hash, err);
	if (status == PNR_OK)
		status = pnr_contents_body_open(contents, index, &body, err);
	if (status != PNR_OK)
		return status;
	pnr_hash_pipe pipe = { hash, out, NULL };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	uint64_t size = pnr_contents_get(contents, index).size;
	status = body.deflated ? pnr_inflate(&body.source, body.size, size, &sink, pool, err)
	                       : pnr_source_copy(&body.source, &sink, err);
	pnr_content found = { .size = 0 };
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, &found.hash, &found.crc32, &found.size, err);
	status = pnr_contents_body_settle(&body, status, &found, err);
	if (status == PNR_OK && out_content != NULL)
		*out_content = found;
	return status;
}

pnr_status pnr_contents_manifest(pnr_contents *contents, pnr_buffer *out, pnr_error *err)
{
	uint64_t index;
	if (!pnr_contents_find_manifest(contents, &index))
		return pnr_fail(err, PNR_CORRUPT, PNR_MANIFEST_NAME ": is missing");
	const pnr_contents_entry entry = pnr_contents_get(contents, index);
	if (entry.size > PNR_MANIFEST_MAX)
		return pnr_fail(err, PNR_CORRUPT, PNR_MANIFEST_NAME ": is larger than the limit of %u bytes", PNR_MANIFEST_MAX);
	pnr_buffer_end end = { out, (size_t)entry.size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	/* Empty, it is a text all the same. */
	pnr_buffer_append(out, "", 0);
	pnr_status status = pnr_buffer_status(out, err);
	return status == PNR_OK ? pnr_contents_read(contents, index, &sink, NULL, NULL, err) : status;
}

pnr_status pnr_contents_settle(pnr_contents *contents, pnr_error *err)
{
	return contents->ops->settle == NULL ? PNR_OK : contents->ops->settle(contents, err);
}

void pnr_contents_close(pnr_contents *contents)
{
	if (contents != NULL)
		contents->ops->close(contents);
}
