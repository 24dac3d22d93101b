#include "codec/block.h"
#include "codec/dense.h"
#include <libdeflate.h>
#include <stdlib.h>

struct pnr_coder {
	struct libdeflate_compressor *compressor;
	z_stream inflater;
	bool inflater_ready;
	pnr_coder *next; /* on the shelf */
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

pnr_status pnr_coder_take(pnr_coder_shelf *shelf, pnr_coder **out_coder, pnr_error *err)
{
	pthread_mutex_lock(&shelf->mutex);
	pnr_coder *coder = shelf->first;
	if (coder != NULL)
		shelf->first = coder->next;
	pthread_mutex_unlock(&shelf->mutex);
	if (coder == NULL)
		return pnr_coder_new(shelf->level, out_coder, err);
	*out_coder = coder;
	return PNR_OK;
}

void pnr_coder_give(pnr_coder_shelf *shelf, pnr_coder *coder)
{
	if (coder == NULL)
		return;
	pthread_mutex_lock(&shelf->mutex);
	coder->next = shelf->first;
	shelf->first = coder;
	pthread_mutex_unlock(&shelf->mutex);
}

void pnr_coder_shelf_clear(pnr_coder_shelf *shelf)
{
	while (shelf->first != NULL) {
		pnr_coder *coder = shelf->first;
		shelf->first = coder->next;
		pnr_coder_free(coder);
	}
}
