#include "codec/block.h"
#include "codec/dense.h"
#include <libdeflate.h>
#include <pthread.h>
#include <stdlib.h>

struct pnr_coder {
	struct libdeflate_compressor *compressor;
	z_stream inflater;
	bool inflater_ready;
	pnr_coder *next; /* at rest */
};

struct pnr_coders {
	pthread_mutex_t mutex;
	unsigned level;
	pnr_coder *first; /* at rest */
};

pnr_status pnr_coder_new(unsigned level, pnr_coder **out_coder, pnr_error *err)
{
	PNR_CLEANUP(pnr_coder_cleanup) pnr_coder *coder = calloc(1, sizeof *coder);
	if (coder == NULL)
		return pnr_fail_nomem(err);
	coder->compressor = libdeflate_alloc_compressor((int)level);
	if (coder->compressor == NULL || inflateInit2(&coder->inflater, -MAX_WBITS) != Z_OK)
		return pnr_fail_nomem(err);
	coder->inflater_ready = true;
	*out_coder = PNR_STEAL(coder);
	return PNR_OK;
}

pnr_status pnr_coder_run(pnr_coder *coder, const uint8_t *data, size_t length, uint8_t *out,
                         size_t *out_length, pnr_join *out_join, pnr_error *err)
{
	size_t size = 0;
	if (!pnr_data_is_dense(data, length)) {
		/* More room than a result may take: libdeflate gives up some bytes before its room ends. */
		size = libdeflate_deflate_compress(coder->compressor, data, length, out, PNR_CODER_ROOM(length));
		if (size + PNR_CODER_MARGIN >= length)
			size = 0;
	}
	if (size != 0) {
		pnr_status status = pnr_join_prove(&coder->inflater, out, size, data, length, out_join, err);
		if (status != PNR_OK)
			return status;
	}
	*out_length = size;
	return PNR_OK;
}

void pnr_coder_free(pnr_coder *coder)
{
	if (coder == NULL)
		return;
	if (coder->inflater_ready)
		(void)inflateEnd(&coder->inflater);
	libdeflate_free_compressor(coder->compressor);
	free(coder);
}

void pnr_coder_cleanup(pnr_coder **coder)
{
	pnr_coder_free(*coder);
	*coder = NULL;
}

pnr_status pnr_coders_new(unsigned level, pnr_coders **out_coders, pnr_error *err)
{
	if (level < 1 || level > PNR_LEVEL_MAX)
		return pnr_fail(err, PNR_INVALID, "there is no level %u", level);
	pnr_coders *coders = calloc(1, sizeof *coders);
	if (coders == NULL)
		return pnr_fail_nomem(err);
	(void)pthread_mutex_init(&coders->mutex, NULL);
	coders->level = level;
	*out_coders = coders;
	return PNR_OK;
}

pnr_status pnr_coders_take(pnr_coders *coders, pnr_coder **out_coder, pnr_error *err)
{
	pthread_mutex_lock(&coders->mutex);
	pnr_coder *coder = coders->first;
	if (coder != NULL)
		coders->first = coder->next;
	pthread_mutex_unlock(&coders->mutex);
	if (coder == NULL)
		return pnr_coder_new(coders->level, out_coder, err);
	*out_coder = coder;
	return PNR_OK;
}

void pnr_coders_give(pnr_coders *coders, pnr_coder *coder)
{
	if (coder == NULL)
		return;
	pthread_mutex_lock(&coders->mutex);
	coder->next = coders->first;
	coders->first = coder;
	pthread_mutex_unlock(&coders->mutex);
}

void pnr_coders_free(pnr_coders *coders)
{
	if (coders == NULL)
		return;
	while (coders->first != NULL) {
		pnr_coder *coder = coders->first;
		coders->first = coder->next;
		pnr_coder_free(coder);
	}
	(void)pthread_mutex_destroy(&coders->mutex);
	free(coders);
}
