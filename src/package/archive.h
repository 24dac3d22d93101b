/* The zip of a package, written from the store. */
#ifndef PNR_PACKAGE_ARCHIVE_H
#define PNR_PACKAGE_ARCHIVE_H

#include "base/temp.h"
#include "store/store.h"

/** Bytes that are not the store's: a part of a file. */
typedef struct pnr_archive_extra {
	int fd;
	const char *name;   /**< for messages */
	uint64_t offset, body_size;
	bool deflated;      /**< a raw DEFLATE stream; else the content */
	uint64_t size;      /**< of the content */
	uint32_t crc32;
} pnr_archive_extra;

/** One entry. */
typedef struct pnr_archive_item {
	const char *path;
	pnr_blob_row blob;
	int64_t encoding_id;
	const pnr_archive_extra *extra; /**< NULL: blob and encoding say what it holds */
} pnr_archive_item;

/**
 * Pass the zip of @items, in order, to @sink. Bodies are copied as they are
 * stored, and checked while they are.
 *
 * @meter  counts body bytes; may be NULL.
 */
PNR_CHECKED pnr_status pnr_archive_write(pnr_store *store, const pnr_archive_item *items, size_t count,
                                         int64_t created_ms, pnr_meter *meter, const pnr_sink *sink,
                                         pnr_digest *out_hash, uint64_t *out_size, pnr_error *err);

/**
 * The same into a temporary file for @target (absolute), whose folder is made if
 * need be; then read its structure back with the reader. The caller publishes
 * or discards @out_temp.
 */
PNR_CHECKED pnr_status pnr_archive_write_temp(pnr_store *store, const pnr_archive_item *items, size_t count,
                                              int64_t created_ms, pnr_meter *meter, const char *target,
                                              pnr_temp *out_temp, pnr_digest *out_hash, uint64_t *out_size,
                                              pnr_error *err);

/**
 * Where a file that the user names is to be written: absolute, an existing link
 * followed. Errors: INVALID (a folder, a device, a part of @store: the text says
 * which), IO.
 */
PNR_CHECKED pnr_status pnr_archive_target(const pnr_store *store, const char *path, char **out_target,
                                          pnr_error *err);

#endif
