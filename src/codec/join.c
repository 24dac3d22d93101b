#include "codec/join.h"
#include <string.h>

/* Small enough to stay in the cache, with the part of the content that it is compared to. */
#define PIECE ((size_t)64 << 10)

/* What zlib's inflate says of its position in `data_type` when it stops at the end of a block. */
#define UNUSED_BITS 7
#define IN_LAST_BLOCK 64
#define AT_BLOCK_END 128

pnr_status pnr_join_prove(z_stream *inflater, const uint8_t *stream, size_t stream_length,
                          const uint8_t *content, size_t content_length, pnr_join *out_join, pnr_error *err)
{
	uint8_t piece[PIECE];
	pnr_join join = { 0, 0 };
	size_t matched = 0;
	int state = inflateReset(inflater);
	if (stream_length > UINT32_MAX)
		return pnr_fail(err, PNR_INVALID, "a block of %zu bytes", stream_length);
	inflater->next_in = (z_const Bytef *)stream;
	inflater->avail_in = (uInt)stream_length;
	while (state == Z_OK) {
		inflater->next_out = piece;
		inflater->avail_out = sizeof piece;
		state = inflate(inflater, Z_BLOCK);
		size_t got = sizeof piece - inflater->avail_out;
		if (got > content_length - matched || memcmp(piece, content + matched, got) != 0)
			break;
		matched += got;
		if (state != Z_OK || (inflater->data_type & AT_BLOCK_END) == 0)
			continue;
		size_t here = (stream_length - inflater->avail_in) * 8 - (size_t)(inflater->data_type & UNUSED_BITS);
		if ((inflater->data_type & IN_LAST_BLOCK) == 0) {
			join.last = here;
			continue;
		}
		join.end = here;
		if (inflater->avail_in != 0 || matched != content_length)
			break;
		*out_join = join;
		return PNR_OK;
	}
	if (state == Z_MEM_ERROR)
		return pnr_fail_nomem(err);
	return pnr_fail(err, PNR_CORRUPT, "a compressed block does not decode to its content (byte %zu of %zu)",
	                matched, content_length);
}

size_t pnr_join_seal(uint8_t *stream, const pnr_join *join)
{
	static const uint8_t empty_block[4] = { 0x00, 0x00, 0xff, 0xff };
	size_t length = (join->end + 7) / 8;
	unsigned used = (unsigned)(join->end % 8); /* of the last byte; 0: all of it */
	stream[join->last / 8] &= (uint8_t)~(1u << join->last % 8);
	if (used != 0)
		stream[length - 1] &= (uint8_t)((1u << used) - 1);
	/* The empty block starts with three bits, all zero. */
	if (used == 0 || used > 8 - 3)
		stream[length++] = 0;
	memcpy(stream + length, empty_block, sizeof empty_block);
	return length + sizeof empty_block;
}

size_t pnr_join_store(uint8_t *out, const uint8_t *data, size_t length)
{
	uint8_t *place = out;
	while (length > 0) {
		size_t step = length < PNR_STORED_MAX ? length : PNR_STORED_MAX;
		uint8_t head[PNR_STORED_HEAD] = { 0, (uint8_t)step, (uint8_t)(step >> 8),
			                          (uint8_t)~step, (uint8_t)~(step >> 8) };
		memmove(place + sizeof head, data, step);
		memcpy(place, head, sizeof head);
		place += sizeof head + step;
		data += step;
		length -= step;
	}
	return (size_t)(place - out);
}
