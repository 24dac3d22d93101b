#include "codec/inflate.h"
#include <stdlib.h>
#include <zlib.h>

#define OUTPUT_SIZE ((size_t)256 << 10)

typedef struct decoder {
	z_stream zlib;
	bool ready;
	const pnr_source *body;
	uint64_t body_left;    /* not read yet */
	uint64_t content_left; /* not passed on yet */
	uint8_t *input;
	uint8_t *output;
} decoder;

static void release(decoder *d)
{
	if (d->ready)
		(void)inflateEnd(&d->zlib);
	free(d->input);
	free(d->output);
}

/* One more than the content has, so that a byte too many shows itself; and not two, whatever the path. */
static size_t room(const decoder *d)
{
	return d->content_left < OUTPUT_SIZE ? (size_t)d->content_left + 1 : OUTPUT_SIZE;
}

static pnr_status prepare(decoder *d, const uint8_t *window, size_t window_length, pnr_error *err)
{
	d->input = malloc(PNR_INFLATE_STEP);
	d->output = malloc(room(d));
	if (d->input == NULL || d->output == NULL || inflateInit2(&d->zlib, -MAX_WBITS) != Z_OK)
		return pnr_fail_nomem(err);
	d->ready = true;
	if (window_length > 0 && inflateSetDictionary(&d->zlib, window, (uInt)window_length) != Z_OK)
		return pnr_fail_nomem(err);
	return PNR_OK;
}

static pnr_status refill(decoder *d, pnr_error *err)
{
	size_t want = d->body_left < PNR_INFLATE_STEP ? (size_t)d->body_left : PNR_INFLATE_STEP;
	size_t got = 0;
	if (d->zlib.avail_in != 0 || want == 0)
		return PNR_OK;
	pnr_status status = d->body->read(d->body->context, d->input, want, &got, err);
	if (status != PNR_OK)
		return status;
	if (got == 0)
		return pnr_fail(err, PNR_CORRUPT, "its deflate stream is cut short: %llu bytes are missing",
		                (unsigned long long)d->body_left);
	d->body_left -= got;
	d->zlib.next_in = d->input;
	d->zlib.avail_in = (uInt)got;
	return PNR_OK;
}

/* What zlib says of how far it came. A byte too many comes before damage behind it, which zlib may have seen or not. */
static pnr_status judge(const z_stream *zlib, int state, bool long_content, pnr_error *err)
{
	if (state == Z_MEM_ERROR)
		return pnr_fail_nomem(err);
	if (long_content)
		return pnr_fail(err, PNR_CORRUPT, "its content is longer than its size");
	if (state == Z_OK || state == Z_STREAM_END)
		return PNR_OK;
	if (state == Z_BUF_ERROR)
		return pnr_fail(err, PNR_CORRUPT, "its deflate stream does not end");
	return pnr_fail(err, PNR_CORRUPT, "its deflate stream is damaged: %s",
	                zlib->msg != NULL ? zlib->msg : "no reason given");
}

/* The stream has ended. */
static pnr_status check_end(uint64_t content_left, uint64_t body_left, pnr_error *err)
{
	if (content_left != 0)
		return pnr_fail(err, PNR_CORRUPT, "its content ends %llu bytes early", (unsigned long long)content_left);
	if (body_left != 0)
		return pnr_fail(err, PNR_CORRUPT, "bytes follow the end of its deflate stream: %llu",
		                (unsigned long long)body_left);
	return PNR_OK;
}

/* Fill the output, or as much of it as there is. Z_OK: more is to come. */
static pnr_status decode(decoder *d, int *out_state, size_t *out_length, pnr_error *err)
{
	size_t size = room(d);
	d->zlib.next_out = d->output;
	d->zlib.avail_out = (uInt)size;
	int state = Z_OK;
	while (state == Z_OK && d->zlib.avail_out > 0) {
		pnr_status status = refill(d, err);
		if (status != PNR_OK)
			return status;
		state = inflate(&d->zlib, Z_NO_FLUSH);
	}
	size_t length = size - d->zlib.avail_out;
	pnr_status status = judge(&d->zlib, state, length > d->content_left, err);
	if (status != PNR_OK)
		return status;
	*out_state = state;
	*out_length = length;
	return PNR_OK;
}

/* To the end of the stream, from where it was prepared. */
static pnr_status decode_all(decoder *d, const pnr_sink *out, pnr_error *err)
{
	pnr_status status = PNR_OK;
	int state = Z_OK;
	while (status == PNR_OK && state != Z_STREAM_END) {
		size_t got = 0;
		status = decode(d, &state, &got, err);
		if (status != PNR_OK)
			return status;
		if (got > 0)
			status = out->write(out->context, d->output, got, err);
		d->content_left -= got;
	}
	return status;
}

pnr_status pnr_inflate_rest(const pnr_source *body, uint64_t body_size, uint64_t content_size, const uint8_t *window,
                            size_t window_length, const pnr_sink *out, pnr_error *err)
{
	PNR_CLEANUP(release) decoder d = { .body = body, .body_left = body_size, .content_left = content_size };
	pnr_status status = prepare(&d, window, window_length, err);
	if (status == PNR_OK)
		status = decode_all(&d, out, err);
	return status == PNR_OK ? check_end(d.content_left, d.zlib.avail_in + d.body_left, err) : status;
}

pnr_status pnr_inflate_unmeasured(const pnr_source *body, uint64_t body_size, const pnr_sink *out, pnr_error *err)
{
	PNR_CLEANUP(release) decoder d = { .body = body, .body_left = body_size, .content_left = UINT64_MAX };
	pnr_status status = prepare(&d, NULL, 0, err);
	if (status == PNR_OK)
		status = decode_all(&d, out, err);
	return status == PNR_OK ? check_end(0, d.zlib.avail_in + d.body_left, err) : status;
}

uint64_t pnr_deflated_longest(uint64_t content_size)
{
	return content_size + content_size / 8 + PNR_KIB;
}

pnr_status pnr_inflate(const pnr_source *body, uint64_t body_size, uint64_t content_size, const pnr_sink *out,
                       pnr_pool *pool, pnr_error *err)
{
	if (pool != NULL && pnr_pool_threads(pool) > 1 && content_size > PNR_BLOCK_SIZE)
		return pnr_inflate_segments(body, body_size, content_size, out, pool, err);
	return pnr_inflate_rest(body, body_size, content_size, NULL, 0, out, err);
}

static void end_zlib(z_stream *zlib)
{
	(void)inflateEnd(zlib);
}

pnr_status pnr_inflate_memory(const void *body, size_t body_size, void *out, size_t content_size, pnr_error *err)
{
	if (body_size > UINT32_MAX || content_size >= UINT32_MAX)
		return pnr_fail(err, PNR_INVALID, "%zu bytes to decode in one piece", body_size);
	PNR_CLEANUP(end_zlib) z_stream zlib = { .next_in = (z_const Bytef *)(uintptr_t)body };
	zlib.avail_in = (uInt)body_size;
	if (inflateInit2(&zlib, -MAX_WBITS) != Z_OK)
		return pnr_fail_nomem(err);
	zlib.next_out = out;
	zlib.avail_out = (uInt)content_size + 1;
	int state = inflate(&zlib, Z_FINISH);
	pnr_status status = judge(&zlib, state, zlib.total_out > content_size, err);
	return status == PNR_OK ? check_end(content_size - zlib.total_out, zlib.avail_in, err) : status;
}
