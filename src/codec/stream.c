#include "codec/block.h"
#include "codec/encode.h"
#include "codec/hash.h"
#include "codec/output.h"
#include <stdlib.h>

/*
 * A ring of blocks between the thread that reads, hashes and writes, and the
 * pool that compresses. Two a thread: one in work, one waiting. Never less than
 * two, so that the first block is written only when it is known whether it is
 * the only one.
 */
#define SLOTS_PER_THREAD 2u

typedef struct slot {
	pnr_job job;
	pnr_block block;
	pnr_coders *coders;
} slot;

typedef struct pipeline {
	const pnr_source *source;
	pnr_pool *pool;
	pnr_coders *coders;
	pnr_hash *hash; /* of the content */
	pnr_output output;
	slot *slots;
	size_t slot_count;
	uint64_t submitted; /* blocks */
	uint64_t taken;
	bool ended; /* the source */
} pipeline;

static void compress_block(pnr_job *job)
{
	slot *s = (slot *)(void *)((char *)job - offsetof(slot, job));
	pnr_block *block = &s->block;
	pnr_coder *coder = NULL;
	job->status = pnr_coders_take(s->coders, &coder, &job->error);
	if (job->status == PNR_OK)
		job->status = pnr_coder_run(coder, block->memory + PNR_BLOCK_GAP, block->length, block->packed,
		                            &block->packed_length, &block->join, &job->error);
	pnr_coders_give(s->coders, coder);
}

static pnr_status prepare(slot *s, pipeline *p, pnr_error *err)
{
	pnr_block *block = &s->block;
	s->job.run = compress_block;
	s->coders = p->coders;
	if (block->memory == NULL)
		block->memory = malloc(PNR_BLOCK_GAP + PNR_BLOCK_SIZE);
	if (block->packed == NULL)
		block->packed = malloc(PNR_CODER_ROOM(PNR_BLOCK_SIZE));
	return block->memory != NULL && block->packed != NULL ? PNR_OK : pnr_fail_nomem(err);
}

static pnr_status read_block(pipeline *p, pnr_error *err)
{
	slot *s = &p->slots[p->submitted % p->slot_count];
	pnr_status status = prepare(s, p, err);
	if (status != PNR_OK)
		return status;
	uint8_t *content = s->block.memory + PNR_BLOCK_GAP;
	status = pnr_source_fill(p->source, content, PNR_BLOCK_SIZE, &s->block.length, err);
	if (status == PNR_OK)
		status = pnr_hash_update(p->hash, content, s->block.length, err);
	if (status != PNR_OK)
		return status;
	p->ended = s->block.length < PNR_BLOCK_SIZE;
	if (s->block.length > 0) {
		pnr_pool_submit(p->pool, &s->job);
		p->submitted++;
	}
	return PNR_OK;
}

static pnr_status write_block(pipeline *p, pnr_error *err)
{
	slot *s = &p->slots[p->taken % p->slot_count];
	pnr_output *output = &p->output;
	p->taken++;
	pnr_status status = pnr_pool_wait(p->pool, &s->job, err);
	if (status != PNR_OK) {
		pnr_context(err, "block %llu of '%s'", (unsigned long long)p->taken, output->name);
		return status;
	}
	status = pnr_output_put(output, &s->block, p->ended && p->submitted == 1, err);
	if (status == PNR_OK)
		status = pnr_meter_add(output->meter, output->asset, s->block.length, err);
	return status;
}

static pnr_status run(pipeline *p, pnr_error *err)
{
	pnr_status status = PNR_OK;
	while (status == PNR_OK && !(p->ended && p->taken == p->submitted)) {
		if (!p->ended && p->submitted - p->taken < p->slot_count)
			status = read_block(p, err);
		else
			status = write_block(p, err);
	}
	return status;
}

static pnr_status open_pipeline(pipeline *p, pnr_error *err)
{
	p->slot_count = (size_t)SLOTS_PER_THREAD * pnr_pool_threads(p->pool);
	p->slots = calloc(p->slot_count, sizeof *p->slots);
	if (p->slots == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_hash_new_with_crc32(&p->hash, err);
	if (status == PNR_OK)
		status = pnr_hash_new(&p->output.hash, err);
	return status;
}

/* After a failure jobs may still run: they own their blocks until they are done. */
static void close_pipeline(pipeline *p)
{
	for (; p->taken < p->submitted; p->taken++)
		pnr_ignore(pnr_pool_wait(p->pool, &p->slots[p->taken % p->slot_count].job, NULL));
	for (size_t i = 0; p->slots != NULL && i < p->slot_count; i++) {
		free(p->slots[i].block.memory);
		free(p->slots[i].block.packed);
	}
	free(p->slots);
	pnr_hash_free(p->hash);
	pnr_hash_free(p->output.hash);
	pnr_flush_cleanup(&p->output.flush);
}

pnr_status pnr_encode_stream(pnr_coders *coders, const pnr_source *source, int fd, const char *name, pnr_pool *pool,
                             pnr_meter *meter, const char *asset, pnr_content *out_content,
                             pnr_encoding *out_encoding, pnr_error *err)
{
	PNR_CLEANUP(close_pipeline) pipeline p = {
		.source = source,
		.pool = pool,
		.coders = coders,
		.output = {
			.fd = fd,
			.name = name,
			.meter = meter,
			.asset = asset,
			.flush = { .fd = fd, .name = name },
		},
	};
	pnr_content content;
	pnr_encoding encoding;
	pnr_status status = open_pipeline(&p, err);
	if (status == PNR_OK)
		status = run(&p, err);
	if (status == PNR_OK)
		status = pnr_hash_finish(p.hash, &content.hash, &content.crc32, &content.size, err);
	if (status == PNR_OK)
		status = pnr_output_finish(&p.output, &content, &encoding, err);
	if (status != PNR_OK)
		return status;
	*out_content = content;
	*out_encoding = encoding;
	return PNR_OK;
}
