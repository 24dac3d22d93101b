#include "codec/frame.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include <stdlib.h>
#include <zstd.h>

/* What is read and passed on at a time. */
#define STEP ((size_t)128 << 10)

typedef struct applier {
	const pnr_patch *patch;
	const pnr_source *source;
	const pnr_sink *out;
	pnr_meter *meter;
	const char *asset;
	ZSTD_DCtx *zstd;
	pnr_hash *hash;
	uint64_t patch_left;   /* not read yet */
	uint64_t content_left; /* not passed on yet */
	ZSTD_inBuffer in;
	uint8_t input[STEP];
	uint8_t output[STEP];
} applier;

static void free_applier(applier **applier_place)
{
	applier *a = *applier_place;
	if (a == NULL)
		return;
	ZSTD_freeDCtx(a->zstd);
	pnr_hash_free(a->hash);
	free(a);
}

/* Only what the patch has: what stands behind it is not ours. */
static pnr_status refill(applier *a, pnr_error *err)
{
	size_t want = a->patch_left < STEP ? (size_t)a->patch_left : STEP;
	size_t got = 0;
	if (a->in.pos < a->in.size || want == 0)
		return PNR_OK;
	pnr_status status = pnr_source_fill(a->source, a->input, want, &got, err);
	if (status != PNR_OK)
		return status;
	if (got < want)
		return pnr_fail(err, PNR_CORRUPT, "its patch is cut short: %llu bytes are missing",
		                (unsigned long long)(a->patch_left - got));
	a->patch_left -= got;
	a->in = (ZSTD_inBuffer){ a->input, got, 0 };
	return PNR_OK;
}

/* Before zstd sees the frame, and takes memory for it. */
static pnr_status check_frame(const applier *a, pnr_error *err)
{
	pnr_frame frame;
	pnr_status status = pnr_frame_parse(a->in.src, a->in.size, &frame, err);
	if (status != PNR_OK)
		return status;
	if (frame.content_size != a->patch->content_size)
		return pnr_fail(err, PNR_CORRUPT, "its patch is for %llu bytes of content, not for %llu",
		                (unsigned long long)frame.content_size, (unsigned long long)a->patch->content_size);
	if (frame.window_size > pnr_frame_window_max(a->patch->base_size))
		return pnr_fail(err, PNR_CORRUPT,
		                "its patch needs a window of %llu bytes: more than the %llu that are allowed",
		                (unsigned long long)frame.window_size,
		                (unsigned long long)pnr_frame_window_max(a->patch->base_size));
	return PNR_OK;
}

static pnr_status open_decoder(applier *a, pnr_error *err)
{
	pnr_status status = pnr_hash_new(&a->hash, err);
	if (status != PNR_OK)
		return status;
	a->zstd = ZSTD_createDCtx();
	if (a->zstd == NULL)
		return pnr_fail_nomem(err);
	size_t result = ZSTD_DCtx_setParameter(a->zstd, ZSTD_d_windowLogMax, PNR_FRAME_WINDOW_LOG_MAX);
	if (!ZSTD_isError(result))
		result = ZSTD_DCtx_refPrefix(a->zstd, a->patch->base, a->patch->base_size);
	return ZSTD_isError(result) ? pnr_frame_fail(result, "preparing zstd", err) : PNR_OK;
}

static pnr_status pass_on(applier *a, size_t length, pnr_error *err)
{
	if (length > a->content_left)
		return pnr_fail(err, PNR_CORRUPT, "its content is longer than its size");
	a->content_left -= length;
	if (length == 0)
		return PNR_OK;
	pnr_status status = pnr_hash_update(a->hash, a->output, length, err);
	if (status == PNR_OK && a->out != NULL)
		status = a->out->write(a->out->context, a->output, length, err);
	return status == PNR_OK ? pnr_meter_add(a->meter, a->asset, length, err) : status;
}

static pnr_status decode(applier *a, bool *out_ended, pnr_error *err)
{
	ZSTD_outBuffer out = { a->output, STEP, 0 };
	size_t result = ZSTD_decompressStream(a->zstd, &out, &a->in);
	if (ZSTD_isError(result))
		return pnr_frame_fail(result, "its patch is damaged, or made for another base", err);
	*out_ended = result == 0;
	/* zstd has room left and nothing to fill it with. */
	if (!*out_ended && out.pos < out.size && a->in.pos == a->in.size && a->patch_left == 0)
		return pnr_fail(err, PNR_CORRUPT, "its patch does not end");
	return pass_on(a, out.pos, err);
}

static pnr_status check_end(applier *a, pnr_error *err)
{
	pnr_digest hash;
	uint64_t left = a->in.size - a->in.pos + a->patch_left;
	if (a->content_left != 0)
		return pnr_fail(err, PNR_CORRUPT, "its content ends %llu bytes early",
		                (unsigned long long)a->content_left);
	if (left != 0)
		return pnr_fail(err, PNR_CORRUPT, "bytes follow the end of its patch: %llu", (unsigned long long)left);
	pnr_status status = pnr_hash_finish(a->hash, &hash, NULL, NULL, err);
	if (status == PNR_OK && !pnr_digest_equal(&hash, &a->patch->content_hash))
		status = pnr_fail(err, PNR_CORRUPT,
		                  "its patch gives other content: it is damaged, or made for another base");
	return status;
}

/* Frame by frame would be two: the first that ends must be all. */
static pnr_status run(applier *a, pnr_error *err)
{
	bool ended = false;
	pnr_status status = refill(a, err);
	if (status == PNR_OK)
		status = check_frame(a, err);
	if (status == PNR_OK)
		status = open_decoder(a, err);
	while (status == PNR_OK && !ended) {
		status = refill(a, err);
		if (status == PNR_OK)
			status = decode(a, &ended, err);
	}
	return status == PNR_OK ? check_end(a, err) : status;
}

pnr_status pnr_patch_apply(const pnr_patch *patch, const pnr_source *source, uint64_t patch_size, const pnr_sink *out,
                           pnr_meter *meter, const char *asset, pnr_error *err)
{
	if (!pnr_patch_fits(patch->base_size, patch->content_size))
		return pnr_fail(err, PNR_UNSUPPORTED,
		                "a patch of %llu bytes of content on a base of %zu: neither may be larger than what "
		                "'zstd -d --patch-from' takes",
		                (unsigned long long)patch->content_size, patch->base_size);
	PNR_CLEANUP(free_applier) applier *a = malloc(sizeof *a);
	if (a == NULL)
		return pnr_fail_nomem(err);
	*a = (applier){
		.patch = patch,
		.source = source,
		.out = out,
		.meter = meter,
		.asset = asset,
		.patch_left = patch_size,
		.content_left = patch->content_size,
	};
	return run(a, err);
}
