/*
 * The two ends between which bytes move: a source that is read to its end, a sink that takes all it is given;
 * and what moves them.
 */
#ifndef PNR_BASE_STREAM_H
#define PNR_BASE_STREAM_H

#include "base/error.h"

typedef struct pnr_source {
	/**
	 * MUST. Read at most @capacity bytes (more than 0) and set @out_length;
	 * 0 means the end. May return less than asked for at any time.
	 */
	pnr_status (*read)(void *context, void *buffer, size_t capacity, size_t *out_length, pnr_error *err);
	void *context;
} pnr_source;

typedef struct pnr_sink {
	/** MUST. Take all @length bytes, and be done with @data on return. */
	pnr_status (*write)(void *context, const void *data, size_t length, pnr_error *err);
	void *context;
} pnr_sink;

typedef struct pnr_pump {
	/** MUST. Write all there is to @sink, and return the first failure. */
	pnr_status (*run)(void *context, const pnr_sink *sink, pnr_error *err);
	void *context;
} pnr_pump;

/** Read until @capacity bytes are there or the source ends. */
PNR_CHECKED pnr_status pnr_source_fill(const pnr_source *source, void *buffer, size_t capacity,
                                       size_t *out_length, pnr_error *err);

/** Pass all that @source gives to @sink. Errors: NOMEM, and those of both. */
PNR_CHECKED pnr_status pnr_source_copy(const pnr_source *source, const pnr_sink *sink, pnr_error *err);

/** A part of an open file. Initialise all fields; `offset` advances. Reads with pread: the descriptor may be shared. */
typedef struct pnr_file_range {
	int fd;
	uint64_t offset;
	uint64_t length;  /**< bytes left; UINT64_MAX: to the end of the file */
	const char *name; /**< for messages */
} pnr_file_range;
/** A source over @range, which must outlive it. A file that ends before `length` is CORRUPT. */
pnr_source pnr_file_range_source(pnr_file_range *range);

/** Appends to an open file at its current position. */
typedef struct pnr_file_end {
	int fd;
	const char *name;
} pnr_file_end;
pnr_sink pnr_file_end_sink(pnr_file_end *end);

/** Reads from memory. */
typedef struct pnr_memory_range {
	const char *data;
	size_t length; /**< bytes left */
} pnr_memory_range;
pnr_source pnr_memory_source(pnr_memory_range *range);

struct pnr_buffer;
/** Appends to @buffer, at most @limit bytes in all: one more is PNR_CORRUPT. */
typedef struct pnr_buffer_end {
	struct pnr_buffer *buffer;
	size_t limit;
} pnr_buffer_end;
pnr_sink pnr_buffer_end_sink(pnr_buffer_end *end);

#endif
