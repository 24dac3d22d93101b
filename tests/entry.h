/* Zips of tests: entries whose bodies lie in memory. */
#ifndef TESTS_ENTRY_H
#define TESTS_ENTRY_H

#include "base/stream.h"
#include "zip/zip.h"

static inline pnr_status pump_memory(void *context, const pnr_sink *sink, pnr_error *err)
{
	const pnr_memory_range *range = context;
	return sink->write(sink->context, range->data, range->length, err);
}

/* @length is usually what @entry says. */
static inline pnr_status add_entry(pnr_zip_writer *writer, const pnr_zip_entry *entry, const void *body, size_t length,
                                   pnr_error *err)
{
	pnr_memory_range range = { body, length };
	const pnr_pump pump = { pump_memory, &range };
	return pnr_zip_writer_add(writer, entry, &pump, err);
}

#endif
