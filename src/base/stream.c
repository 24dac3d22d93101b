#include "base/stream.h"
#include "base/buffer.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>

#define COPY_STEP ((size_t)64 << 10)

pnr_status pnr_source_fill(const pnr_source *source, void *buffer, size_t capacity, size_t *out_length,
                           pnr_error *err)
{
	size_t have = 0;
	while (have < capacity) {
		size_t got = 0;
		pnr_status status =
			source->read(source->context, (char *)buffer + have, capacity - have, &got, err);
		if (status != PNR_OK)
			return status;
		if (got == 0)
			break;
		have += got;
	}
	*out_length = have;
	return PNR_OK;
}

pnr_status pnr_source_copy(const pnr_source *source, const pnr_sink *sink, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *buffer = malloc(COPY_STEP);
	if (buffer == NULL)
		return pnr_fail_nomem(err);
	for (;;) {
		size_t got = 0;
		pnr_status status = source->read(source->context, buffer, COPY_STEP, &got, err);
		if (status != PNR_OK || got == 0)
			return status;
		status = sink->write(sink->context, buffer, got, err);
		if (status != PNR_OK)
			return status;
	}
}

static pnr_status range_read(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	pnr_file_range *range = context;
	size_t want = range->length < capacity ? (size_t)range->length : capacity;
	size_t got = 0;
	if (want > 0) {
		pnr_status status =
			pnr_file_pread(range->fd, buffer, want, range->offset, &got, range->name, err);
		if (status != PNR_OK)
			return status;
	}
	if (range->length != UINT64_MAX) {
		if (got < want)
			return pnr_fail(err, PNR_CORRUPT, "read '%s': it ends %llu bytes early", range->name,
			                (unsigned long long)(range->length - got));
		range->length -= got;
	}
	range->offset += got;
	*out_length = got;
	return PNR_OK;
}

pnr_source pnr_file_range_source(pnr_file_range *range)
{
	return (pnr_source){ .read = range_read, .context = range };
}

static pnr_status end_write(void *context, const void *data, size_t length, pnr_error *err)
{
	const pnr_file_end *end = context;
	return pnr_file_write(end->fd, data, length, end->name, err);
}

pnr_sink pnr_file_end_sink(pnr_file_end *end)
{
	return (pnr_sink){ .write = end_write, .context = end };
}

static pnr_status memory_read(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err)
{
	pnr_memory_range *range = context;
	size_t length = range->length < capacity ? range->length : capacity;
	(void)err;
	if (length > 0) {
		memcpy(buffer, range->data, length);
		range->data += length;
		range->length -= length;
	}
	*out_length = length;
	return PNR_OK;
}

pnr_source pnr_memory_source(pnr_memory_range *range)
{
	return (pnr_source){ .read = memory_read, .context = range };
}

static pnr_status buffer_write(void *context, const void *data, size_t length, pnr_error *err)
{
	pnr_buffer_end *end = context;
	size_t have = end->buffer->length;
	if (have > end->limit || length > end->limit - have)
		return pnr_fail(err, PNR_CORRUPT, "more than the expected %zu bytes", end->limit);
	pnr_buffer_append(end->buffer, data, length);
	return pnr_buffer_status(end->buffer, err);
}

pnr_sink pnr_buffer_end_sink(pnr_buffer_end *end)
{
	return (pnr_sink){ .write = buffer_write, .context = end };
}
