/*
 * Fetching. First it is decided what is needed, down to bases that are here;
 * then it comes, wholes before the patches on them, and is proved while it
 * enters the store. What a batch brought has its rows before the next one is
 * asked for.
 */
#include "sync/fetch.h"
#include "base/array.h"
#include "base/file.h"
#include "codec/form.h"
#include "codec/patch.h"
#include "package/manifest_read.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_COUNT 512u
#define BATCH_BYTES ((uint64_t)32 << 20)
/* What is larger waits in a file. */
#define MEMORY_MAX ((size_t)PNR_MIB)

typedef enum need { NEED_UNKNOWN, NEED_NOT, NEED_BASE, NEED_ASSET } need;

typedef struct fetching {
	pnr_store *store;
	pnr_remote *remote;
	const pnr_package_object *package;
	pnr_meter *meter;
	pnr_ingest *ingest;
	unsigned char *needs; /* one an object of the package */
	const pnr_object_row **plan;
	size_t count;
	pnr_fetched fetched;
	pnr_error own; /* what an object that came failed with */
} fetching;

/* An object that comes. */
typedef struct arrival {
	fetching *fetching;
	const pnr_object_row *row;
	char key[PNR_KEY_SIZE];
	pnr_buffer bytes;
	int fd; /* of the file that holds them instead; -1 */
	uint64_t size;
	pnr_ingested item;
} arrival;

static void fetching_free(fetching *f)
{
	pnr_ingest_free(f->ingest);
	free(f->needs);
	free(f->plan);
}

/* ------------------------------------------------------------ what is needed -- */

static pnr_status look(fetching *f, const pnr_digest *hash, bool *out_here, pnr_error *err)
{
	pnr_index *index = pnr_store_index(f->store);
	pnr_blob_row blob;
	int64_t encoding_id;
	pnr_status status = pnr_index_hold(index, err);
	if (status == PNR_OK)
		status = pnr_index_blob_find(index, hash, &blob, err);
	if (status == PNR_OK)
		status = pnr_index_encoding_find(index, blob.id, "", 0, true, &encoding_id, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_here = status == PNR_OK;
	return PNR_OK;
}

/* The object, and if it is a patch what it stands on. */
static pnr_status need_object(fetching *f, const pnr_digest *hash, bool asset, pnr_error *err)
{
	for (unsigned depth = 0; depth <= PNR_CHAIN_MAX; depth++) {
		const pnr_object_row *row = pnr_package_object_find(f->package, hash);
		bool here = false;
		if (row == NULL)
			break;
		unsigned char *needed = &f->needs[row - f->package->objects];
		if (*needed == NEED_UNKNOWN) {
			pnr_status status = look(f, hash, &here, err);
			if (status != PNR_OK)
				return status;
			*needed = here ? NEED_NOT : NEED_BASE;
			if (!here)
				f->plan[f->count++] = row;
		}
		if (asset && *needed == NEED_BASE) {
			*needed = NEED_ASSET;
			f->fetched.needed++;
		}
		if (*needed == NEED_NOT || row->form != PNR_OBJECT_PATCH)
			return PNR_OK;
		hash = &row->base;
		asset = false;
	}
	char hex[PNR_DIGEST_HEX_SIZE];
	return pnr_fail(err, PNR_CORRUPT, "the package has no object of content %s", pnr_digest_to_hex(hash, hex));
}

static int by_depth(const void *a, const void *b)
{
	const pnr_object_row *x = *(const pnr_object_row *const *)a, *y = *(const pnr_object_row *const *)b;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return memcmp(&x->hash, &y->hash, sizeof x->hash);
}

static pnr_status make_plan(fetching *f, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	size_t count = f->package->object_count;
	f->needs = calloc(count + 1, sizeof *f->needs);
	f->plan = calloc(count + 1, sizeof *f->plan);
	if (f->needs == NULL || f->plan == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_manifest_read(f->package->manifest.data, f->package->manifest.length, &manifest, err);
	for (size_t i = 0; status == PNR_OK && i < manifest->asset_count; i++)
		status = need_object(f, &manifest->assets[i].hash, true, err);
	pnr_index_release(pnr_store_index(f->store));
	if (status == PNR_OK)
		pnr_array_sort(f->plan, f->count, sizeof *f->plan, by_depth);
	return status;
}

/* ------------------------------------------------------------- what arrives -- */

static void arrival_clear(arrival *a)
{
	pnr_buffer_free(&a->bytes);
	pnr_cleanup_close(&a->fd);
}

/* No valid object is longer: DEFLATE and zstd add a few bytes to a block that does not shrink. */
static uint64_t longest(const pnr_object_row *row)
{
	return row->form == PNR_OBJECT_STORED ? row->size : row->size + row->size / 1024 + PNR_GZIP_HEAD_MAX;
}

static pnr_status spill(arrival *a, pnr_error *err)
{
	pnr_status status = pnr_store_scratch(a->fetching->store, &a->fd, err);
	if (status == PNR_OK)
		status = pnr_file_write(a->fd, a->bytes.data, a->bytes.length, a->key, err);
	pnr_buffer_free(&a->bytes);
	return status;
}

static pnr_status arrive(void *context, const void *data, size_t length, pnr_error *err)
{
	arrival *a = context;
	pnr_status status = PNR_OK;
	if (a->fd < 0 && a->size + length > MEMORY_MAX)
		status = spill(a, err);
	a->size += length;
	if (status != PNR_OK)
		return status;
	if (a->fd >= 0)
		return pnr_file_write(a->fd, data, length, a->key, err);
	pnr_buffer_append(&a->bytes, data, length);
	return pnr_buffer_status(&a->bytes, err);
}

/* A part of what arrived, as a source. */
typedef struct part {
	pnr_memory_range memory;
	pnr_file_range file;
} part;

static pnr_source part_of(const arrival *a, uint64_t offset, uint64_t length, part *p)
{
	if (a->fd >= 0) {
		p->file = (pnr_file_range){ a->fd, offset, length, a->key };
		return pnr_file_range_source(&p->file);
	}
	p->memory = (pnr_memory_range){ a->bytes.data + offset, (size_t)length };
	return pnr_memory_source(&p->memory);
}

static pnr_status read_part(const arrival *a, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	part p;
	size_t got = 0;
	const pnr_source source = part_of(a, offset, length, &p);
	return pnr_source_fill(&source, buffer, length, &got, err);
}

/* It is the remote's object that is wrong, not something here. */
static pnr_status blame(const arrival *a, const pnr_error *own, pnr_error *err)
{
	if (own->status != PNR_CORRUPT)
		return pnr_fail_with(err, own);
	return pnr_fail(err, PNR_CORRUPT,
	                "remote '%s': %s; 'pannier push --heal' from a store that has the package mends it",
	                pnr_remote_name(a->fetching->remote), own->message);
}

/* Where the body of a gzip file is, and the CRC-32 that it promises. */
static pnr_status read_wrapper(const arrival *a, pnr_received *what, size_t *out_head, uint32_t *out_crc32,
                               pnr_error *err)
{
	size_t length = a->size < PNR_GZIP_HEAD_MAX ? (size_t)a->size : PNR_GZIP_HEAD_MAX;
	PNR_CLEANUP(pnr_cleanup_free) uint8_t *head = malloc(length + 1);
	uint8_t tail[PNR_GZIP_TAIL];
	uint32_t size;
	if (head == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = read_part(a, 0, head, length, err);
	if (status == PNR_OK)
		status = pnr_gzip_read_head(head, length, out_head, err);
	if (status == PNR_OK && a->size - *out_head < PNR_GZIP_TAIL)
		status = pnr_fail(err, PNR_CORRUPT, "it is cut short");
	if (status == PNR_OK)
		status = read_part(a, a->size - PNR_GZIP_TAIL, tail, sizeof tail, err);
	if (status != PNR_OK)
		return status;
	pnr_gzip_read_tail(tail, out_crc32, &size);
	if (size != (uint32_t)a->row->size)
		return pnr_fail(err, PNR_CORRUPT, "it does not end as a gzip file of %llu bytes does",
				(unsigned long long)a->row->size);
	what->deflated = true;
	what->crc32 = out_crc32;
	what->body_size = a->size - *out_head - PNR_GZIP_TAIL;
	return PNR_OK;
}

static pnr_status take_whole(arrival *a, pnr_error *err)
{
	pnr_received what = { .hash = a->row->hash, .size = a->row->size, .body_size = a->size, .name = a->key };
	pnr_error own = PNR_ERROR_INIT;
	uint32_t crc32;
	size_t head = 0;
	part body;
	pnr_status status = PNR_OK;
	if (a->row->form == PNR_OBJECT_GZIP)
		status = read_wrapper(a, &what, &head, &crc32, &own);
	if (status != PNR_OK) {
		pnr_context(&own, "'%s'", a->key);
		return blame(a, &own, err);
	}
	what.body = part_of(a, head, what.body_size, &body);
	status = pnr_ingest_add_body(a->fetching->ingest, &what, &a->item, &own);
	if (status != PNR_OK)
		return blame(a, &own, err);
	a->fetching->fetched.whole++;
	return pnr_meter_add(a->fetching->meter, a->key, a->row->size, err);
}

/* --------------------------------------------------------------------- patches -- */

static pnr_status read_base(const arrival *a, pnr_buffer *out, pnr_error *err)
{
	pnr_store *store = a->fetching->store;
	pnr_blob_row base;
	pnr_status status = pnr_index_blob_find(pnr_store_index(store), &a->row->base, &base, err);
	if (status != PNR_OK)
		return pnr_fail(err, PNR_CORRUPT, "the index lacks the base of '%s'", a->key);
	if (!pnr_patch_fits(base.size, a->row->size))
		return pnr_fail(err, PNR_UNSUPPORTED, "no patch can lead from %llu bytes to %llu",
				(unsigned long long)base.size, (unsigned long long)a->row->size);
	pnr_buffer_end end = { out, (size_t)base.size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	status = pnr_store_read_blob(store, &base, &sink, err);
	if (status != PNR_OK)
		pnr_context(err, "the base of '%s'", a->key);
	return status;
}

static pnr_status apply(const arrival *a, const pnr_buffer *base, const pnr_sink *out, pnr_error *err)
{
	const pnr_patch patch = { base->data, base->length, a->row->size, a->row->hash };
	pnr_error own = PNR_ERROR_INIT;
	part all;
	const pnr_source source = part_of(a, 0, a->size, &all);
	pnr_status status = pnr_patch_apply(&patch, &source, a->size, out, NULL, a->key, &own);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%s'", a->key);
	return blame(a, &own, err);
}

static pnr_status open_scratch(const void *context, int *out_fd, pnr_error *err)
{
	*out_fd = fcntl(*(const int *)context, F_DUPFD_CLOEXEC, 0);
	return *out_fd < 0 ? pnr_fail_errno(err, errno, "temporary file") : PNR_OK;
}

static pnr_status take_large(arrival *a, const pnr_buffer *base, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int fd = -1;
	pnr_status status = pnr_store_scratch(a->fetching->store, &fd, err);
	if (status != PNR_OK)
		return status;
	pnr_file_end end = { fd, a->key };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_ingest_file file = { .open = open_scratch, .context = &fd, .name = a->key };
	status = apply(a, base, &sink, err);
	if (status == PNR_OK)
		status = pnr_file_stat(fd, &file.st, a->key, err);
	return status == PNR_OK ? pnr_ingest_add(a->fetching->ingest, &file, &a->item, err) : status;
}

static pnr_status take_small(arrival *a, const pnr_buffer *base, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer content = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &content, PNR_BLOCK_SIZE };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_status status = apply(a, base, &sink, err);
	if (status == PNR_OK)
		status = pnr_ingest_add_text(a->fetching->ingest, content.data, content.length, a->key, &a->item, err);
	return status == PNR_OK ? pnr_meter_add(a->fetching->meter, a->key, a->row->size, err) : status;
}

static pnr_status take_patch(arrival *a, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	pnr_status status = read_base(a, &base, err);
	if (status == PNR_OK)
		status = a->row->size > PNR_BLOCK_SIZE ? take_large(a, &base, err) : take_small(a, &base, err);
	a->fetching->fetched.patched += status == PNR_OK;
	return status;
}

/* ------------------------------------------------------------------- batches -- */

/* All of an object is here. What is wrong with it is told as it is: the remote may have more to say around it. */
static pnr_status take(void *context, pnr_error *err)
{
	arrival *a = context;
	fetching *f = a->fetching;
	pnr_status status = a->row->form == PNR_OBJECT_PATCH ? take_patch(a, &f->own) : take_whole(a, &f->own);
	f->fetched.bytes += a->size;
	arrival_clear(a);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &f->own);
}

static pnr_status rows(void *user, pnr_error *err)
{
	return pnr_ingest_rows(user, err);
}

static pnr_status settle(fetching *f, pnr_error *err)
{
	pnr_status status = pnr_ingest_settle(f->ingest, err);
	return status == PNR_OK ? pnr_store_transaction(f->store, rows, f->ingest, err) : status;
}

/* The first of @arrivals that is not there is named. */
static pnr_status get(fetching *f, const arrival *arrivals, pnr_remote_download *downloads, size_t count,
                      pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_get(f->remote, downloads, count, &own);
	if (f->own.status != PNR_OK)
		return pnr_fail_with(err, &f->own);
	for (size_t i = 0; i < count && status == PNR_NOT_FOUND; i++) {
		if (downloads[i].status != PNR_NOT_FOUND)
			continue;
		pnr_error_clear(&own);
		pnr_ignore(pnr_fail(&own, PNR_CORRUPT, "'%s' is missing", arrivals[i].key));
		return blame(&arrivals[i], &own, err);
	}
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

static pnr_status fetch_batch(fetching *f, const pnr_object_row **rows_of, size_t count, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) arrival *arrivals = calloc(count, sizeof *arrivals);
	PNR_CLEANUP(pnr_cleanup_free) pnr_remote_download *downloads = calloc(count, sizeof *downloads);
	if (arrivals == NULL || downloads == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		arrivals[i] = (arrival){ .fetching = f, .row = rows_of[i], .fd = -1 };
		downloads[i] = (pnr_remote_download){
			.key = pnr_key_of_object(rows_of[i], arrivals[i].key),
			.limit = longest(rows_of[i]),
			.sink = { .write = arrive, .context = &arrivals[i] },
			.done = take,
		};
	}
	pnr_status status = get(f, arrivals, downloads, count, err);
	/* What came before a failure need not come again. */
	pnr_status settled = settle(f, status == PNR_OK ? err : NULL);
	for (size_t i = 0; i < count; i++)
		arrival_clear(&arrivals[i]);
	return status == PNR_OK ? settled : status;
}

/* Objects that may be asked for at once: none stands on another, and together they are not too large. */
static size_t batch_of(const fetching *f, size_t from)
{
	uint64_t bytes = 0;
	size_t end = from;
	while (end < f->count && end - from < BATCH_COUNT && f->plan[end]->depth == f->plan[from]->depth) {
		bytes += longest(f->plan[end]);
		if (end > from && bytes > BATCH_BYTES)
			break;
		end++;
	}
	return end - from;
}

static pnr_status fetch_all(fetching *f, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0, count; status == PNR_OK && i < f->count; i += count) {
		count = batch_of(f, i);
		status = fetch_batch(f, f->plan + i, count, err);
	}
	return status;
}

pnr_status pnr_fetch(pnr_store *store, pnr_remote *remote, const pnr_package_object *package, unsigned level,
                     pnr_meter *meter, pnr_fetched *out_fetched, pnr_error *err)
{
	PNR_CLEANUP(fetching_free) fetching f = { .store = store, .remote = remote, .package = package, .meter = meter };
	const pnr_ingest_options options = { .level = level, .any_encoding = true, .rehash = true, .meter = meter };
	pnr_status status = make_plan(&f, err);
	if (status == PNR_OK)
		status = pnr_ingest_new(store, &options, &f.ingest, err);
	if (status == PNR_OK)
		status = fetch_all(&f, err);
	*out_fetched = f.fetched;
	return status;
}
