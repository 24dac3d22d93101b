#include "codec/output.h"
#include "base/file.h"
#include "codec/block.h"
#include "codec/form.h"
#include <stdlib.h>

/* A whole block that is kept in a gzip file as it is. */
#define STORED_BLOCK (PNR_BLOCK_SIZE + PNR_BLOCK_GAP)

/* Write at the end of the gzip file. */
static pnr_status append(pnr_output *output, const void *data, size_t length, pnr_error *err)
{
	pnr_status status = pnr_file_pwrite(output->fd, data, length, output->size, output->name, err);
	if (status == PNR_OK)
		status = pnr_hash_update(output->hash, data, length, err);
	if (status == PNR_OK)
		output->size += length;
	return status;
}

/* Read what this process has just written: a file that is shorter was cut by someone else. */
static pnr_status read_back(const pnr_output *output, void *buffer, size_t length, uint64_t offset, pnr_error *err)
{
	size_t got = 0;
	pnr_status status = pnr_meter_add(output->meter, output->asset, 0, err);
	if (status == PNR_OK)
		status = pnr_file_pread(output->fd, buffer, length, offset, &got, output->name, err);
	if (status == PNR_OK && got != length)
		status = pnr_fail(err, PNR_CORRUPT, "read '%s': cut short while it was written", output->name);
	return status;
}

/*
 * Make room for the header and turn the whole blocks written so far into stored
 * ones. Each moves towards the end, so the last one goes first; hashing goes the
 * other way.
 */
static pnr_status store_blocks(pnr_output *output, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) uint8_t *memory = malloc(STORED_BLOCK);
	if (memory == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = PNR_OK;
	for (uint64_t i = output->blocks; status == PNR_OK && i-- > 0;) {
		uint8_t *content = memory + PNR_BLOCK_GAP;
		status = read_back(output, content, PNR_BLOCK_SIZE, i * PNR_BLOCK_SIZE, err);
		if (status != PNR_OK)
			break;
		size_t length = pnr_join_store(memory, content, PNR_BLOCK_SIZE);
		status = pnr_file_pwrite(output->fd, memory, length, output->head + i * STORED_BLOCK, output->name, err);
	}
	for (uint64_t i = 0; status == PNR_OK && i < output->blocks; i++) {
		status = read_back(output, memory, STORED_BLOCK, output->size, err);
		if (status == PNR_OK)
			status = pnr_hash_update(output->hash, memory, STORED_BLOCK, err);
		output->size += STORED_BLOCK;
	}
	return status;
}

/* Turn the file, so far the content as it is, into a gzip file. */
static pnr_status begin_gzip(pnr_output *output, uint64_t content_size, pnr_error *err)
{
	uint8_t head[PNR_BODY_ALIGN];
	output->gzip = true;
	output->head = PNR_GZIP_HEAD(content_size);
	output->size = output->head;
	pnr_gzip_head(head, content_size);
	pnr_status status = pnr_hash_update(output->hash, head, (size_t)output->head, err);
	if (status == PNR_OK && output->blocks > 0)
		status = store_blocks(output, err);
	if (status == PNR_OK)
		status = pnr_file_pwrite(output->fd, head, (size_t)output->head, 0, output->name, err);
	return status;
}

/*
 * Blocks kept as they are cost a few bytes each in a gzip file. So it does not
 * begin with the first block that shrinks, but with the one that brings what was
 * saved above this cost; what the blocks before it would have saved is given up.
 */
static bool pays(pnr_output *output, const pnr_block *block)
{
	if (block->packed_length == 0)
		return false;
	output->saved += block->length - block->packed_length;
	return output->saved > output->blocks * PNR_BLOCK_GAP;
}

pnr_status pnr_output_put(pnr_output *output, pnr_block *block, bool only, pnr_error *err)
{
	uint8_t *content = block->memory + PNR_BLOCK_GAP;
	pnr_status status = PNR_OK;
	if (!output->gzip && pays(output, block))
		status = begin_gzip(output, output->content + block->length, err);
	if (status != PNR_OK)
		return status;

	if (!output->gzip) {
		status = pnr_file_pwrite(output->fd, content, block->length, output->size, output->name, err);
		output->size += block->length;
	} else if (block->packed_length == 0) {
		status = append(output, block->memory, pnr_join_store(block->memory, content, block->length), err);
	} else {
		if (!only)
			block->packed_length = pnr_join_seal(block->packed, &block->join);
		status = append(output, block->packed, block->packed_length, err);
	}
	if (status == PNR_OK)
		status = pnr_flush_behind(&output->flush, output->size, err);
	output->content += block->length;
	output->blocks++;
	return status;
}

/* A sink that writes at an offset. */
typedef struct file_place {
	const pnr_output *output;
	uint64_t offset;
} file_place;

static pnr_status place_write(void *context, const void *data, size_t length, pnr_error *err)
{
	file_place *place = context;
	const pnr_output *output = place->output;
	pnr_status status = pnr_meter_add(output->meter, output->asset, 0, err);
	if (status == PNR_OK)
		status = pnr_file_pwrite(output->fd, data, length, place->offset, output->name, err);
	place->offset += length;
	return status;
}

/*
 * The gzip file has come out no smaller than the content (a block that shrank
 * was followed by very many that did not): decode it to its own end, move that
 * to the start, cut the rest off.
 */
static pnr_status undo_gzip(pnr_output *output, pnr_error *err)
{
	pnr_file_range body = { output->fd, output->head, output->size - output->head, output->name };
	const pnr_source source = pnr_file_range_source(&body);
	file_place place = { output, output->size };
	const pnr_sink sink = { .write = place_write, .context = &place };
	pnr_status status = pnr_inflate(&source, body.length, output->content, &sink, NULL, err);

	PNR_CLEANUP(pnr_cleanup_free) uint8_t *memory = malloc(PNR_BLOCK_SIZE);
	if (status == PNR_OK && memory == NULL)
		status = pnr_fail_nomem(err);
	for (uint64_t done = 0, step; status == PNR_OK && done < output->content; done += step) {
		step = output->content - done < PNR_BLOCK_SIZE ? output->content - done : PNR_BLOCK_SIZE;
		status = read_back(output, memory, (size_t)step, output->size + done, err);
		if (status == PNR_OK)
			status = pnr_file_pwrite(output->fd, memory, (size_t)step, done, output->name, err);
	}
	if (status == PNR_OK)
		status = pnr_file_truncate(output->fd, output->content, output->name, err);
	output->gzip = false;
	output->size = output->content;
	return status;
}

static pnr_status end_gzip(pnr_output *output, const pnr_content *content, pnr_digest *out_hash, pnr_error *err)
{
	uint8_t tail[PNR_GZIP_TAIL];
	pnr_gzip_tail(tail, content->crc32, content->size);
	pnr_status status = append(output, tail, sizeof tail, err);
	if (status == PNR_OK)
		status = pnr_hash_finish(output->hash, out_hash, NULL, NULL, err);
	return status;
}

pnr_status pnr_output_finish(pnr_output *output, const pnr_content *content, pnr_encoding *out_encoding,
                             pnr_error *err)
{
	pnr_encoding encoding = { .stored_hash = content->hash };
	pnr_status status = pnr_flush_end(&output->flush, err);
	if (status == PNR_OK && output->gzip && output->blocks > 1)
		status = append(output, PNR_JOIN_END, PNR_JOIN_END_SIZE, err);
	if (status == PNR_OK && output->gzip &&
	    output->size - output->head + PNR_CODER_MARGIN >= output->content)
		status = undo_gzip(output, err);
	if (status == PNR_OK && output->gzip)
		status = end_gzip(output, content, &encoding.stored_hash, err);
	if (status != PNR_OK)
		return status;
	encoding.form = output->gzip ? PNR_FORM_GZIP : PNR_FORM_STORED;
	encoding.stored_size = output->size;
	if (!pnr_encoding_locate(&encoding, content->size))
		return pnr_fail(err, PNR_CORRUPT, "encode '%s': %llu bytes gave %llu", output->name,
		                (unsigned long long)content->size, (unsigned long long)output->size);
	*out_encoding = encoding;
	return PNR_OK;
}
