#include "package/contents.h"
#include "base/file.h"
#include "codec/hash.h"
#include "zip/zip.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- a zip -- */

#define CHUNK ((size_t)256 * PNR_KIB)

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

static pnr_status zip_archive_hash(pnr_contents *contents, pnr_meter *meter, bool *out_has, pnr_digest *out_hash,
                                   pnr_error *err)
{
	const zip_contents *zip = (const zip_contents *)contents;
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *chunk = malloc(CHUNK);
	if (chunk == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_hash_new(&hash, err);
	uint64_t offset = 0;
	size_t got = CHUNK;
	while (status == PNR_OK && got == CHUNK) {
		status = pnr_file_pread(zip->fd, chunk, CHUNK, offset, &got, contents->label, err);
		if (status == PNR_OK)
			status = pnr_hash_update(hash, chunk, got, err);
		if (status == PNR_OK)
			status = pnr_meter_add(meter, NULL, got, err);
		offset += got;
	}
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, out_hash, NULL, NULL, err);
	if (status == PNR_OK)
		*out_has = true;
	return status;
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

static bool zip_find(const pnr_contents *contents, const char *name, uint64_t *out_index)
{
	return pnr_zip_reader_find(((const zip_contents *)contents)->reader, name, out_index);
}

static pnr_status zip_read(pnr_contents *contents, uint64_t index, const pnr_sink *out, pnr_error *err)
{
	return pnr_zip_reader_read(((zip_contents *)contents)->reader, index, out, err);
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
	.archive_hash = zip_archive_hash,
	.count = zip_count,
	.entry = zip_entry,
	.find = zip_find,
	.read = zip_read,
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

pnr_status pnr_contents_archive_hash(pnr_contents *contents, pnr_meter *meter, bool *out_has, pnr_digest *out_hash,
                                     pnr_error *err)
{
	return contents->ops->archive_hash(contents, meter, out_has, out_hash, err);
}

uint64_t pnr_contents_count(const pnr_contents *contents)
{
	return contents->ops->count(contents);
}

pnr_contents_entry pnr_contents_get(const pnr_contents *contents, uint64_t index)
{
	return contents->ops->entry(contents, index);
}

bool pnr_contents_find(const pnr_contents *contents, const char *name, uint64_t *out_index)
{
	return contents->ops->find(contents, name, out_index);
}

pnr_status pnr_contents_read(pnr_contents *contents, uint64_t index, const pnr_sink *out, pnr_error *err)
{
	return contents->ops->read(contents, index, out, err);
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

void pnr_contents_cleanup(pnr_contents **contents)
{
	pnr_contents_close(*contents);
	*contents = NULL;
}
