#include "sync/object_read.h"
#include "base/file.h"
#include "codec/form.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include <stdlib.h>

/* What is larger waits in a file. */
#define MEMORY_MAX ((size_t)PNR_MIB)
#define BATCH_COUNT 512u
#define BATCH_BYTES ((uint64_t)32 << 20)

/* ------------------------------------------------------------------ arriving -- */

/* A zstd frame adds less than DEFLATE to a block that does not shrink. */
uint64_t pnr_object_longest(const pnr_object_row *row)
{
	return row->form == PNR_OBJECT_STORED ? row->size
	                                      : PNR_GZIP_HEAD_MAX + pnr_deflated_longest(row->size) + PNR_GZIP_TAIL;
}

static pnr_status spill(pnr_arrival *a, pnr_error *err)
{
	pnr_status status = pnr_store_scratch(a->store, &a->fd, err);
	if (status == PNR_OK)
		status = pnr_file_write(a->fd, a->bytes.data, a->bytes.length, a->key, err);
	pnr_buffer_free(&a->bytes);
	return status;
}

static pnr_status arrive(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_arrival *a = context;
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

void pnr_arrival_begin(pnr_arrival *arrival, pnr_store *store, const pnr_object_row *row,
                       pnr_remote_download *out_download)
{
	*arrival = (pnr_arrival){ .store = store, .row = row, .fd = -1 };
	*out_download = (pnr_remote_download){
		.key = pnr_key_of_object(row, arrival->key),
		.limit = pnr_object_longest(row),
		.sink = { .write = arrive, .context = arrival },
	};
}

void pnr_arrival_clear(pnr_arrival *arrival)
{
	pnr_buffer_free(&arrival->bytes);
	pnr_cleanup_close(&arrival->fd);
	arrival->size = 0;
}

/* --------------------------------------------------------------- what is in it -- */

static pnr_source part_of(const pnr_arrival *a, uint64_t offset, uint64_t length, pnr_arrival_part *part)
{
	if (a->fd >= 0) {
		part->file = (pnr_file_range){ a->fd, offset, length, a->key };
		return pnr_file_range_source(&part->file);
	}
	part->memory = (pnr_memory_range){ length > 0 ? a->bytes.data + offset : "", (size_t)length };
	return pnr_memory_source(&part->memory);
}

static pnr_status read_part(const pnr_arrival *a, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	pnr_arrival_part part;
	size_t got = 0;
	const pnr_source source = part_of(a, offset, length, &part);
	return pnr_source_fill(&source, buffer, length, &got, err);
}

/* Where the body of a gzip file is, and what it promises of its content. */
static pnr_status read_wrapper(const pnr_arrival *a, size_t *out_head, pnr_arrival_part *part, pnr_error *err)
{
	size_t length = a->size < PNR_GZIP_HEAD_MAX ? (size_t)a->size : PNR_GZIP_HEAD_MAX;
	PNR_CLEANUP(pnr_cleanup_free) uint8_t *head = malloc(length + 1);
	uint8_t tail[PNR_GZIP_TAIL];
	if (head == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = read_part(a, 0, head, length, err);
	if (status == PNR_OK)
		status = pnr_gzip_read_head(head, length, out_head, err);
	if (status == PNR_OK && a->size - *out_head < PNR_GZIP_TAIL)
		status = pnr_fail(err, PNR_CORRUPT, "it is cut short");
	if (status == PNR_OK)
		status = read_part(a, a->size - PNR_GZIP_TAIL, tail, sizeof tail, err);
	if (status == PNR_OK)
		pnr_gzip_read_tail(tail, &part->crc32, &part->size);
	return status;
}

/* Can @body be that of content of @size bytes? */
static pnr_status check_size(const pnr_arrival_part *part, uint64_t body_size, uint64_t size, pnr_error *err)
{
	if (part->size != (uint32_t)size)
		return pnr_fail(err, PNR_CORRUPT, "it does not end as a gzip file of %llu bytes does",
		                (unsigned long long)size);
	if (body_size > pnr_deflated_longest(size))
		return pnr_fail(err, PNR_CORRUPT, "its deflate stream of %llu bytes is padded: its content has %llu",
		                (unsigned long long)body_size, (unsigned long long)size);
	return PNR_OK;
}

/* How long the content of a gzip file should be is not looked at. */
static pnr_status find_body(const pnr_arrival *a, pnr_arrival_part *part, pnr_received *out_body, pnr_error *err)
{
	pnr_received body = { .hash = a->row->hash, .size = a->row->size, .body_size = a->size, .name = a->key };
	size_t head = 0;
	if (a->row->form == PNR_OBJECT_GZIP) {
		pnr_status status = read_wrapper(a, &head, part, err);
		if (status != PNR_OK)
			return status;
		body.deflated = true;
		body.crc32 = &part->crc32;
		body.body_size -= head + PNR_GZIP_TAIL;
	}
	body.body = part_of(a, head, body.body_size, part);
	*out_body = body;
	return PNR_OK;
}

pnr_status pnr_arrival_body(const pnr_arrival *arrival, pnr_arrival_part *part, pnr_received *out_body, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = find_body(arrival, part, out_body, &own);
	if (status == PNR_OK && out_body->deflated)
		status = check_size(part, out_body->body_size, arrival->row->size, &own);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%s'", arrival->key);
	return pnr_fail_with(err, &own);
}

/* Pass it on, decoded; @measured: it is known how long that is. */
static pnr_status decode(const pnr_arrival *a, const pnr_received *body, bool measured, const pnr_sink *out,
                         pnr_error *err)
{
	pnr_pool *pool = NULL;
	if (!body->deflated)
		return pnr_source_copy(&body->body, out, err);
	if (!measured)
		return pnr_inflate_unmeasured(&body->body, body->body_size, out, err);
	pnr_status status = pnr_store_pool(a->store, &pool, err);
	return status == PNR_OK ? pnr_inflate(&body->body, body->body_size, body->size, out, pool, err) : status;
}

static pnr_status whole_content(const pnr_arrival *a, bool measured, const pnr_sink *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	pnr_arrival_part part;
	pnr_received body;
	pnr_digest found;
	uint32_t crc32 = 0;
	uint64_t size = 0;
	pnr_status status = find_body(a, &part, &body, err);
	if (status == PNR_OK && body.deflated && measured)
		status = check_size(&part, body.body_size, body.size, err);
	if (status == PNR_OK)
		status = pnr_hash_new_with_crc32(&hash, err);
	if (status != PNR_OK)
		return status;
	pnr_hash_pipe pipe = { hash, out, NULL };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	status = decode(a, &body, measured, &sink, err);
	if (status == PNR_OK)
		status = pnr_hash_finish(hash, &found, &crc32, &size, err);
	if (status == PNR_OK && body.deflated && !measured)
		status = check_size(&part, body.body_size, size, err);
	if (status != PNR_OK)
		return status;
	if ((measured && size != body.size) || !pnr_digest_equal(&found, &body.hash))
		return pnr_fail(err, PNR_CORRUPT, "its content is not what its name says");
	if (body.crc32 != NULL && crc32 != *body.crc32)
		return pnr_fail(err, PNR_CORRUPT, "its content does not have the CRC-32 that it promises");
	return PNR_OK;
}

static pnr_status patch_content(const pnr_arrival *a, const pnr_buffer *base, const pnr_sink *out, pnr_error *err)
{
	const pnr_patch patch = { base->data, base->length, a->row->size, a->row->hash };
	pnr_arrival_part part;
	const pnr_source source = part_of(a, 0, a->size, &part);
	return pnr_patch_apply(&patch, &source, a->size, out, NULL, a->key, err);
}

pnr_status pnr_arrival_content(const pnr_arrival *arrival, const pnr_buffer *base, const pnr_sink *out, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = arrival->row->form == PNR_OBJECT_PATCH ? patch_content(arrival, base, out, &own)
	                                                           : whole_content(arrival, true, out, &own);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%s'", arrival->key);
	return pnr_fail_with(err, &own);
}

pnr_status pnr_arrival_prove_unmeasured(const pnr_arrival *arrival, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = whole_content(arrival, false, NULL, &own);
	if (status == PNR_OK)
		return PNR_OK;
	pnr_context(&own, "'%s'", arrival->key);
	return pnr_fail_with(err, &own);
}

/* ------------------------------------------------------------------- proving -- */

typedef struct proving {
	pnr_store *store;
	pnr_remote *remote;
	const pnr_package_object *package;
	pnr_meter *meter;
	uint64_t received; /* bytes of objects */
} proving;

/* An object that is proved when it is here. */
typedef struct proved {
	pnr_arrival arrival;
	proving *proving;
	pnr_object_proof *proof;
	const pnr_buffer *base; /* of a patch */
	const pnr_sink *out;    /* for its content; may be NULL */
	pnr_meter *meter;
} proved;

/* Is it what is wrong with the object, and nothing else? */
static bool of_object(pnr_status status)
{
	return status == PNR_NOT_FOUND || status == PNR_CORRUPT || status == PNR_UNSUPPORTED;
}

static pnr_status prove(void *context, pnr_error *err)
{
	proved *p = (proved *)((char *)context - offsetof(proved, arrival));
	pnr_object_proof *proof = p->proof;
	proof->size = p->arrival.size;
	p->proving->received += p->arrival.size;
	proof->problem = (pnr_error)PNR_ERROR_INIT;
	proof->status = pnr_arrival_content(&p->arrival, p->base, p->out, &proof->problem);
	pnr_arrival_clear(&p->arrival);
	if (proof->status != PNR_OK && !of_object(proof->status))
		return pnr_fail_with(err, &proof->problem);
	return pnr_meter_add(p->meter, p->arrival.key, proof->row->size, err);
}

/* Get what @list expects; what comes is proved. Those that could not be got have it in their proof. */
static pnr_status get(proving *v, proved *list, pnr_remote_download *downloads, size_t count, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_get(v->remote, downloads, count, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (status != PNR_NOT_FOUND && (status != PNR_CORRUPT || !pnr_remote_at_fault(v->remote)))
		return pnr_fail_with(err, &own);
	for (size_t i = 0; i < count; i++) {
		pnr_object_proof *proof = list[i].proof;
		/* Which one it was that ended a call for several is found by asking for each. */
		if (downloads[i].status == PNR_BUSY && count > 1) {
			pnr_arrival_clear(&list[i].arrival);
			status = get(v, &list[i], &downloads[i], 1, err);
			if (status != PNR_OK)
				return status;
		} else if (downloads[i].status == PNR_BUSY) {
			proof->status = own.status;
			proof->problem = own;
		} else if (downloads[i].status == PNR_NOT_FOUND) {
			proof->status = PNR_NOT_FOUND;
			pnr_error_clear(&proof->problem);
			pnr_ignore(pnr_fail(&proof->problem, PNR_NOT_FOUND, "'%s' is missing", downloads[i].key));
		}
	}
	return PNR_OK;
}

static pnr_status prove_one(proving *v, pnr_object_proof *proof, const pnr_buffer *base, const pnr_sink *out,
                            pnr_meter *meter, pnr_error *err)
{
	proved p = { .proving = v, .proof = proof, .base = base, .out = out, .meter = meter };
	pnr_remote_download download;
	pnr_arrival_begin(&p.arrival, v->store, proof->row, &download);
	download.done = prove;
	pnr_status status = get(v, &p, &download, 1, err);
	pnr_arrival_clear(&p.arrival);
	return status;
}

/* NOT_FOUND without a text: the store has not that content. */
static pnr_status base_of_store(const proving *v, const pnr_digest *hash, const pnr_sink *out, pnr_error *err)
{
	pnr_index *index = pnr_store_index(v->store);
	pnr_blob_row blob;
	int64_t encoding = 0;
	pnr_status status = pnr_index_blob_find(index, hash, &blob, err);
	if (status == PNR_OK)
		status = pnr_index_encoding_find(index, blob.id, "", 0, true, &encoding, err);
	return status == PNR_OK ? pnr_store_read_blob(v->store, &blob, out, err) : status;
}

static pnr_status prove_patch(proving *v, pnr_object_proof *proof, const pnr_sink *out, pnr_meter *meter,
                              unsigned depth, pnr_error *err);

/* The store's, if it has it; else the remote's, and if that is damaged, the proof says so. */
static pnr_status pass_content(proving *v, pnr_object_proof *proof, unsigned depth, const pnr_sink *out, pnr_error *err)
{
	pnr_status status = base_of_store(v, &proof->row->hash, out, err);
	proof->status = status == PNR_NOT_FOUND ? PNR_CORRUPT : PNR_OK;
	if (status != PNR_NOT_FOUND)
		return status;
	if (proof->row->form == PNR_OBJECT_PATCH)
		return prove_patch(v, proof, out, NULL, depth, err);
	return prove_one(v, proof, NULL, out, NULL, err);
}

/* The base's content, into memory; if the remote has it only, and that is damaged, the proof says so. */
static pnr_status find_base(proving *v, pnr_object_proof *proof, unsigned depth, pnr_buffer *out, pnr_error *err)
{
	const pnr_object_row *row = pnr_package_object_find(v->package, &proof->row->base);
	pnr_object_proof of_base = { .row = row };
	if (row == NULL || depth == 0 || !pnr_patch_fits(row->size, proof->row->size)) {
		pnr_error_clear(&proof->problem);
		proof->status = pnr_fail(&proof->problem, PNR_UNSUPPORTED, "no patch can lead to it from its base");
		return PNR_OK;
	}
	/* A buffer that grows takes twice as much. */
	if (pnr_buffer_reserve(out, (size_t)row->size) == NULL)
		return pnr_fail_nomem(err);
	pnr_buffer_end end = { out, (size_t)row->size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_status status = pass_content(v, &of_base, depth - 1, &sink, err);
	proof->status = PNR_OK;
	if (status == PNR_OK && of_base.status != PNR_OK) {
		proof->status = PNR_CORRUPT;
		proof->problem = of_base.problem;
		proof->problem.status = PNR_CORRUPT;
		pnr_context(&proof->problem, "its base");
	}
	return status;
}

static pnr_status prove_patch(proving *v, pnr_object_proof *proof, const pnr_sink *out, pnr_meter *meter,
                              unsigned depth, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer base = PNR_BUFFER_INIT;
	char key[PNR_KEY_SIZE];
	pnr_status status = find_base(v, proof, depth, &base, err);
	if (status != PNR_OK)
		return status;
	if (proof->status == PNR_OK)
		return prove_one(v, proof, &base, out, meter, err);
	pnr_context(&proof->problem, "'%s'", pnr_key_of_object(proof->row, key));
	return PNR_OK;
}

pnr_status pnr_object_content(pnr_store *store, pnr_remote *remote, const pnr_package_object *package,
                              const pnr_object_row *row, const pnr_sink *out, pnr_object_proof *out_proof,
                              pnr_error *err)
{
	proving v = { .store = store, .remote = remote, .package = package };
	*out_proof = (pnr_object_proof){ .row = row };
	pnr_status status = pass_content(&v, out_proof, PNR_CHAIN_MAX, out, err);
	out_proof->size = v.received;
	return status;
}

/* Wholes that are asked for at once. */
static pnr_status prove_wholes(proving *v, pnr_object_proof *proofs, size_t count, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) proved *list = calloc(count, sizeof *list);
	PNR_CLEANUP(pnr_cleanup_free) pnr_remote_download *downloads = calloc(count, sizeof *downloads);
	if (list == NULL || downloads == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		list[i] = (proved){ .proving = v, .proof = &proofs[i], .out = proofs[i].out, .meter = v->meter };
		pnr_arrival_begin(&list[i].arrival, v->store, proofs[i].row, &downloads[i]);
		downloads[i].done = prove;
	}
	pnr_status status = get(v, list, downloads, count, err);
	for (size_t i = 0; i < count; i++)
		pnr_arrival_clear(&list[i].arrival);
	return status;
}

/* How many from @proofs on are wholes that together are not too large for memory. */
static size_t batch_of(const pnr_object_proof *proofs, size_t count)
{
	uint64_t bytes = 0;
	size_t end = 0;
	while (end < count && end < BATCH_COUNT && proofs[end].row->form != PNR_OBJECT_PATCH && bytes < BATCH_BYTES) {
		uint64_t longest = pnr_object_longest(proofs[end].row);
		bytes += longest < MEMORY_MAX ? longest : MEMORY_MAX;
		end++;
	}
	return end;
}

pnr_status pnr_objects_prove(pnr_store *store, pnr_remote *remote, const pnr_package_object *package,
                             pnr_object_proof *proofs, size_t count, pnr_meter *meter, pnr_error *err)
{
	proving v = { .store = store, .remote = remote, .package = package, .meter = meter };
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < count; i++)
		proofs[i] = (pnr_object_proof){ .row = proofs[i].row, .out = proofs[i].out, .status = PNR_NOT_FOUND };
	for (size_t i = 0, batch; status == PNR_OK && i < count; i += batch) {
		batch = batch_of(proofs + i, count - i);
		if (batch > 0) {
			status = prove_wholes(&v, proofs + i, batch, err);
		} else {
			status = prove_patch(&v, &proofs[i], proofs[i].out, meter, PNR_CHAIN_MAX, err);
			batch = 1;
		}
	}
	return status;
}
