#include "codec/encode.h"
#include <stdlib.h>
#include <zlib.h>

#define INPUT_SIZE ((size_t)64 << 10)
#define OUTPUT_SIZE ((size_t)256 << 10)

typedef struct decoder {
	z_stream zlib;
	bool ready;
	const pnr_source *body;
	uint64_t body_left;    /* not read yet */
	uint64_t content_left; /* not passed on yet */
	uint8_t *input;
	uint8_t *output;
	size_t output_size;
} decoder;

static void release(decoder *d)
{
	if (d->ready)
		(void)inflateEnd(&d->zlib);
	free(d->input);
	free(d->output);
}

static pnr_status prepare(decoder *d, pnr_error *err)
{
	/* One more than the content has, so that a byte too many shows itself. */
	d->output_size = d->content_left < OUTPUT_SIZE ? (size_t)d->content_left + 1 : OUTPUT_SIZE;
	d->input = malloc(INPUT_SIZE);
	d->output = malloc(d->output_size);
	if (d->input == NULL || d->output == NULL || inflateInit2(&d->zlib, -MAX_WBITS) != Z_OK)
		return pnr_fail_nomem(err);
	d->ready = true;
	return PNR_OK;
}

static pnr_status refill(decoder *d, pnr_error *err)
{
	size_t want = d->body_left < INPUT_SIZE ? (size_t)d->body_left : INPUT_SIZE;
	size_t got = 0;
	if (d->zlib.avail_in != 0 || want == 0)
		return PNR_OK;
	pnr_status status = d->body->read(d->body->context, d->input, want, &got, err);
	if (status != PNR_OK)
		return status;
	if (got == 0)
		return pnr_fail(err, PNR_CORRUPT, "compressed data: bytes missing at its end: %llu",
		                (unsigned long long)d->body_left);
	d->body_left -= got;
	d->zlib.next_in = d->input;
	d->zlib.avail_in = (uInt)got;
	return PNR_OK;
}

/* Fill the output, or as much of it as there is. Z_OK: more is to come. */
static pnr_status decode(decoder *d, int *out_state, size_t *out_length, pnr_error *err)
{
	d->zlib.next_out = d->output;
	d->zlib.avail_out = (uInt)d->output_size;
	int state = Z_OK;
	while (state == Z_OK && d->zlib.avail_out > 0) {
		pnr_status status = refill(d, err);
		if (status != PNR_OK)
			return status;
		state = inflate(&d->zlib, Z_NO_FLUSH);
	}
	if (state == Z_MEM_ERROR)
		return pnr_fail_nomem(err);
	if (state == Z_BUF_ERROR)
		return pnr_fail(err, PNR_CORRUPT, "compressed data: it ends in the middle");
	if (state != Z_OK && state != Z_STREAM_END)
		return pnr_fail(err, PNR_CORRUPT, "compressed data: %s",
		                d->zlib.msg != NULL ? d->zlib.msg : "it is not DEFLATE");
	*out_state = state;
	*out_length = d->output_size - d->zlib.avail_out;
	return PNR_OK;
}

pnr_status pnr_inflate(const pnr_source *body, uint64_t body_size, uint64_t content_size, const pnr_sink *out,
                       pnr_error *err)
{
	PNR_CLEANUP(release) decoder d = { .body = body, .body_left = body_size, .content_left = content_size };
	pnr_status status = prepare(&d, err);
	int state = Z_OK;
	while (status == PNR_OK && state != Z_STREAM_END) {
		size_t got = 0;
		status = decode(&d, &state, &got, err);
		if (status != PNR_OK)
			return status;
		if (got > d.content_left)
			return pnr_fail(err, PNR_CORRUPT, "compressed data: gives more than %llu bytes",
			                (unsigned long long)content_size);
		if (got > 0)
			status = out->write(out->context, d.output, got, err);
		d.content_left -= got;
	}
	if (status != PNR_OK)
		return status;
	if (d.content_left != 0)
		return pnr_fail(err, PNR_CORRUPT, "compressed data: bytes missing in what it gives: %llu",
		                (unsigned long long)d.content_left);
	if (d.zlib.avail_in != 0 || d.body_left != 0)
		return pnr_fail(err, PNR_CORRUPT, "compressed data: bytes after its end: %llu",
		                (unsigned long long)(d.zlib.avail_in + d.body_left));
	return PNR_OK;
}
