#include "codec/block.h"
#include "codec/form.h"
#include "codec/hash.h"
#include <string.h>

/* Wrap the raw stream of @size bytes that lies at @place + @head. Returns the wrapped size. */
static size_t wrap(uint8_t *place, size_t head, size_t size, const void *data, size_t length, uint32_t crc32,
                   pnr_form *out_form)
{
	if (PNR_ZLIB_HEAD + size + PNR_ZLIB_TAIL <= PNR_INLINE_MAX) {
		memmove(place + PNR_ZLIB_HEAD, place + head, size);
		pnr_zlib_head(place);
		pnr_zlib_tail(place + PNR_ZLIB_HEAD + size, data, length);
		*out_form = PNR_FORM_ZLIB;
		return PNR_ZLIB_HEAD + size + PNR_ZLIB_TAIL;
	}
	pnr_gzip_head(place, length);
	pnr_gzip_tail(place + head + size, crc32, length);
	*out_form = PNR_FORM_GZIP;
	return head + size + PNR_GZIP_TAIL;
}

pnr_status pnr_encode_memory(pnr_coders *coders, const void *data, size_t length, uint32_t crc32, pnr_buffer *out,
                             pnr_encoding *out_encoding, pnr_error *err)
{
	if (length > PNR_BLOCK_SIZE)
		return pnr_fail(err, PNR_INVALID, "encode: %zu bytes are more than a block", length);
	const size_t head = PNR_GZIP_HEAD(length);
	uint8_t *place = (uint8_t *)pnr_buffer_reserve(out, head + PNR_CODER_ROOM(length));
	if (place == NULL)
		return pnr_fail_nomem(err);

	size_t size = 0;
	pnr_status status = PNR_OK;
	if (length > PNR_CODER_MARGIN) {
		pnr_coder *coder = NULL;
		pnr_join join;
		status = pnr_coders_take(coders, &coder, err);
		if (status == PNR_OK)
			status = pnr_coder_run(coder, data, length, place + head, &size, &join, err);
		pnr_coders_give(coders, coder);
	}
	if (status != PNR_OK)
		return status;

	pnr_encoding encoding = { .form = PNR_FORM_STORED, .stored_size = length };
	if (size != 0)
		encoding.stored_size = wrap(place, head, size, data, length, crc32, &encoding.form);
	else if (length > 0)
		memcpy(place, data, length);
	if (!pnr_encoding_locate(&encoding, length))
		return pnr_fail(err, PNR_CORRUPT, "encode: %zu bytes gave %zu", length, size);
	status = pnr_hash_memory(place, (size_t)encoding.stored_size, &encoding.stored_hash, NULL, err);
	if (status != PNR_OK)
		return status;
	out->length += (size_t)encoding.stored_size;
	out->data[out->length] = '\0';
	*out_encoding = encoding;
	return PNR_OK;
}
