#include "codec/patch.h"
#include "base/buffer.h"
#include "codec/frame.h"
#include "codec/hash.h"
#include <stdlib.h>
#include <zstd.h>

/* What zstd is given at a time, whatever the source gives: its bytes may depend on it. */
#define STEP ((size_t)128 << 10)

/*
 * Long-distance matching: of one position in 16 it knows where it is; of fewer
 * when that would be more than 4 million, of 8 bytes each. Shorter matches than
 * these are found better by the levels' own search. README, "Levels of patches".
 */
#define FAR_RATE_LOG 4
#define FAR_TABLE_LOG_MAX 22
#define FAR_MATCH 128

typedef struct maker {
	const pnr_patch *patch;
	const pnr_source *content;
	uint64_t limit; /* of the patch's size */
	pnr_meter *meter;
	const char *asset;
	ZSTD_CCtx *zstd;
	pnr_hash *hash;        /* of the content */
	uint64_t content_left; /* not read yet */
	pnr_buffer made;
	uint8_t input[STEP];
	uint8_t output[STEP];
} maker;

static void free_maker(maker **maker_place)
{
	maker *m = *maker_place;
	if (m == NULL)
		return;
	ZSTD_freeCCtx(m->zstd);
	pnr_hash_free(m->hash);
	pnr_buffer_free(&m->made);
	free(m);
}

bool pnr_patch_fits(uint64_t base_size, uint64_t content_size)
{
	return base_size <= PNR_PATCH_BASE_MAX && content_size <= pnr_frame_window_max(base_size);
}

/* Of a window that holds as many bytes. */
static int window_log(uint64_t size)
{
	int log = 10; /* zstd's least */
	while (UINT64_C(1) << log < size)
		log++;
	return log;
}

static pnr_status open_encoder(maker *m, unsigned level, pnr_error *err)
{
	const pnr_patch *patch = m->patch;
	uint64_t larger = patch->base_size > patch->content_size ? patch->base_size : patch->content_size;
	int log = window_log(patch->base_size + patch->content_size);
	int table_log = log - FAR_RATE_LOG < FAR_TABLE_LOG_MAX ? log - FAR_RATE_LOG : FAR_TABLE_LOG_MAX;
	const struct {
		ZSTD_cParameter name;
		int value;
	} parameters[] = {
		{ ZSTD_c_compressionLevel, (int)level },
		{ ZSTD_c_windowLog, window_log(larger) },
		{ ZSTD_c_enableLongDistanceMatching, 1 },
		{ ZSTD_c_ldmHashLog, table_log },
		{ ZSTD_c_ldmHashRateLog, log - table_log },
		{ ZSTD_c_ldmMinMatch, FAR_MATCH },
		{ ZSTD_c_contentSizeFlag, 1 },
		{ ZSTD_c_checksumFlag, 1 },
	};
	pnr_status status = pnr_hash_new(&m->hash, err);
	if (status != PNR_OK)
		return status;
	m->zstd = ZSTD_createCCtx();
	if (m->zstd == NULL)
		return pnr_fail_nomem(err);
	size_t result = 0;
	for (size_t i = 0; !ZSTD_isError(result) && i < PNR_COUNT(parameters); i++)
		result = ZSTD_CCtx_setParameter(m->zstd, parameters[i].name, parameters[i].value);
	if (!ZSTD_isError(result))
		result = ZSTD_CCtx_setPledgedSrcSize(m->zstd, patch->content_size);
	if (!ZSTD_isError(result))
		result = ZSTD_CCtx_refPrefix(m->zstd, patch->base, patch->base_size);
	return ZSTD_isError(result) ? pnr_frame_fail(result, "preparing zstd", err) : PNR_OK;
}

static pnr_status read_content(maker *m, size_t *out_length, pnr_error *err)
{
	size_t want = m->content_left < STEP ? (size_t)m->content_left : STEP;
	pnr_status status = pnr_source_fill(m->content, m->input, want, out_length, err);
	if (status == PNR_OK && *out_length < want)
		status = pnr_fail(err, PNR_CORRUPT, "its content ends %llu bytes early",
		                  (unsigned long long)(m->content_left - *out_length));
	if (status == PNR_OK)
		status = pnr_hash_update(m->hash, m->input, *out_length, err);
	m->content_left -= *out_length;
	return status;
}

/* All of @length bytes of input; and the end of the frame, if they are the last. */
static pnr_status encode(maker *m, size_t length, pnr_error *err)
{
	ZSTD_inBuffer in = { m->input, length, 0 };
	ZSTD_EndDirective mode = m->content_left == 0 ? ZSTD_e_end : ZSTD_e_continue;
	for (bool done = false; !done && m->made.length <= m->limit;) {
		ZSTD_outBuffer out = { m->output, STEP, 0 };
		size_t result = ZSTD_compressStream2(m->zstd, &out, &in, mode);
		if (ZSTD_isError(result))
			return pnr_frame_fail(result, "zstd", err);
		pnr_buffer_append(&m->made, m->output, out.pos);
		done = mode == ZSTD_e_end ? result == 0 : in.pos == in.size;
	}
	return pnr_buffer_status(&m->made, err);
}

/* Is it what it is said to be, to the last byte? */
static pnr_status check_content(maker *m, pnr_error *err)
{
	pnr_digest hash;
	size_t more = 0;
	pnr_status status = pnr_source_fill(m->content, m->input, 1, &more, err);
	if (status == PNR_OK && more > 0)
		status = pnr_fail(err, PNR_CORRUPT, "its content is longer than its size");
	if (status == PNR_OK)
		status = pnr_hash_finish(m->hash, &hash, NULL, NULL, err);
	if (status == PNR_OK && !pnr_digest_equal(&hash, &m->patch->content_hash))
		status = pnr_fail(err, PNR_CORRUPT, "its content differs from its hash");
	return status;
}

/* The encoder's memory is given back before the decoder asks for its own. */
static pnr_status prove(maker *m, pnr_error *err)
{
	ZSTD_freeCCtx(PNR_STEAL(m->zstd));
	pnr_memory_range range = { m->made.data, m->made.length };
	const pnr_source source = pnr_memory_source(&range);
	pnr_status status = pnr_patch_apply(m->patch, &source, m->made.length, NULL, NULL, NULL, err);
	if (status != PNR_OK)
		pnr_context(err, "proving the patch that was just made");
	return status;
}

static pnr_status make(maker *m, pnr_error *err)
{
	do {
		size_t length = 0;
		pnr_status status = read_content(m, &length, err);
		if (status == PNR_OK)
			status = encode(m, length, err);
		if (status == PNR_OK)
			status = pnr_meter_add(m->meter, m->asset, length, err);
		if (status != PNR_OK || m->made.length > m->limit)
			return status;
	} while (m->content_left > 0);
	pnr_status status = check_content(m, err);
	return status == PNR_OK ? prove(m, err) : status;
}

pnr_status pnr_patch_make(const pnr_patch *patch, const pnr_source *content, uint64_t whole_size, unsigned level,
                          const pnr_sink *out, pnr_meter *meter, const char *asset, uint64_t *out_size, pnr_error *err)
{
	if (level < 1 || level > PNR_PATCH_LEVEL_MAX)
		return pnr_fail(err, PNR_INVALID, "there is no level %u for a patch (1 to %u)", level,
		                PNR_PATCH_LEVEL_MAX);
	if (!pnr_patch_fits(patch->base_size, patch->content_size)) {
		*out_size = 0;
		return PNR_OK;
	}
	PNR_CLEANUP(free_maker) maker *m = malloc(sizeof *m);
	if (m == NULL)
		return pnr_fail_nomem(err);
	*m = (maker){
		.patch = patch,
		.content = content,
		.limit = whole_size / PNR_PATCH_GAIN,
		.meter = meter,
		.asset = asset,
		.content_left = patch->content_size,
		.made = PNR_BUFFER_INIT,
	};
	pnr_status status = open_encoder(m, level, err);
	if (status == PNR_OK)
		status = make(m, err);
	if (status != PNR_OK)
		return status;
	uint64_t size = m->made.length <= m->limit ? m->made.length : 0;
	if (size > 0)
		status = out->write(out->context, m->made.data, m->made.length, err);
	if (status == PNR_OK)
		*out_size = size;
	return status;
}
