/*
 * The contents of a package, wherever they are: a zip file, or the store. What
 * verify, unpack and worker-json read through.
 */
#ifndef PNR_PACKAGE_CONTENTS_H
#define PNR_PACKAGE_CONTENTS_H

#include "base/pool.h"
#include "base/stream.h"
#include "codec/encode.h"
#include <pannier/package.h>

typedef struct pnr_contents pnr_contents;

/** One entry; manifest.json is one of them. */
typedef struct pnr_contents_entry {
	const char *name; /**< valid as long as the contents; a folder's ends with '/' */
	uint64_t size;    /**< of its bytes, as the container says; never more are read */
} pnr_contents_entry;

/** An open body: what an entry's bytes are kept as. Stays where it is until it is closed. */
typedef struct pnr_contents_body {
	const pnr_contents *contents;
	uint64_t index;      /**< of the entry */
	pnr_source source;   /**< gives `size` bytes, then the end */
	uint64_t size;
	bool deflated;       /**< raw DEFLATE; else the entry's bytes themselves */
	/* the backend's */
	pnr_file_range range;
	pnr_memory_range memory;
	struct pnr_body *stored;
} pnr_contents_body;

typedef struct pnr_contents_ops {
	/** MUST. Read the container's structure. */
	pnr_status (*load)(pnr_contents *contents, pnr_error *err);
	/** MUST, these three. After load. */
	uint64_t (*count)(const pnr_contents *contents);
	pnr_contents_entry (*entry)(const pnr_contents *contents, uint64_t index);
	bool (*find_manifest)(const pnr_contents *contents, uint64_t *out_index);
	/** MUST. Fill in a body, all zero but for contents and index. */
	pnr_status (*open_body)(pnr_contents *contents, pnr_contents_body *body, pnr_error *err);
	/** MUST. Is @found what the container itself says of the entry's bytes? CORRUPT if not. */
	pnr_status (*check)(const pnr_contents_body *body, const pnr_content *found, pnr_error *err);
	/** MUST. Say in an error of status @status where the body is. */
	void (*context)(const pnr_contents_body *body, pnr_status status, pnr_error *err);
	/** MAY be NULL: nothing to release. */
	void (*close_body)(pnr_contents_body *body);
	/** One of these two MUST, the other is NULL. Bytes of the zip, as pnr_file_pread. Threads: any. */
	pnr_status (*read_archive)(const pnr_contents *contents, void *buffer, size_t length, uint64_t offset,
	                           size_t *out_length, pnr_error *err);
	/** The zip's SHA-256 as it was recorded. */
	pnr_status (*archive_hash)(const pnr_contents *contents, bool *out_has, pnr_digest *out_hash, pnr_error *err);
	/** MAY be NULL: nothing can change. */
	pnr_status (*settle)(pnr_contents *contents, pnr_error *err);
	/** MUST. */
	void (*close)(pnr_contents *contents);
} pnr_contents_ops;

/** What every backend starts with. */
struct pnr_contents {
	const pnr_contents_ops *ops;
	const char *label;      /**< for messages: the file's name or the ref */
	uint64_t archive_bytes; /**< of the zip, if read_archive is there; for the meter's total */
};

/**
 * Find the package. Its structure is not looked at yet.
 *
 * @source must outlive the contents.
 * Errors: INVALID (@source is not exactly one of both; not a regular file),
 * NOT_FOUND, CONFLICT (an ambiguous ref), DENIED, IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_contents_open(const pnr_package_source *source, pnr_contents **out_contents,
                                         pnr_error *err);

/** The same for a package in a store; pnr_contents_open calls it. */
PNR_CHECKED pnr_status pnr_contents_open_ref(pnr_store *store, const char *ref, pnr_contents **out_contents,
                                             pnr_error *err);

struct pnr_manifest;
struct pnr_blob_row;
/**
 * The same for what is to become a package: the manifest of @length bytes at
 * @text, which was read to @manifest, and one blob of the store for each of its
 * assets. All of it must outlive the contents.
 */
PNR_CHECKED pnr_status pnr_contents_open_blobs(pnr_store *store, const char *label, const char *text, size_t length,
                                               const struct pnr_manifest *manifest, const struct pnr_blob_row *blobs,
                                               pnr_contents **out_contents, pnr_error *err);

/** Read the structure; must succeed before any of the calls below. Errors: CORRUPT, UNSUPPORTED, IO, NOMEM. */
PNR_CHECKED pnr_status pnr_contents_load(pnr_contents *contents, pnr_error *err);

uint64_t pnr_contents_count(const pnr_contents *contents);
pnr_contents_entry pnr_contents_get(const pnr_contents *contents, uint64_t index);
/** The entry manifest.json; false if there is none. */
bool pnr_contents_find_manifest(const pnr_contents *contents, uint64_t *out_index);
/** Its text, into @out, which is empty. Errors: CORRUPT (there is none, or it is too large: named), those of reading. */
PNR_CHECKED pnr_status pnr_contents_manifest(pnr_contents *contents, pnr_buffer *out, pnr_error *err);

/**
 * Open the body of entry @index.
 *
 * Errors: CORRUPT (gone from the store), IO, NOMEM.
 * Threads: one call per contents at a time, this one, closing, and what reads `source`.
 */
PNR_CHECKED pnr_status pnr_contents_body_open(pnr_contents *contents, uint64_t index, pnr_contents_body *out_body,
                                              pnr_error *err);
/** Accepts a body that is all zero. */
void pnr_contents_body_close(pnr_contents_body *body);
/**
 * The outcome of reading and decoding a body: @status and @err of that, and if it
 * succeeded whether @found is what the container says. Returns which it is;
 * errors then say where.
 */
PNR_CHECKED pnr_status pnr_contents_body_settle(const pnr_contents_body *body, pnr_status status,
                                                const pnr_content *found, pnr_error *err);

/**
 * Pass the bytes of entry @index to @out, of any size, holding little of it.
 *
 * @pool         may be NULL. Memory: as pnr_inflate.
 * @out_content  what was found; written on success only. May be NULL.
 * Errors: CORRUPT (also: gone from the store), IO, NOMEM, and what @out returns.
 * Threads: as pnr_contents_body_open.
 */
PNR_CHECKED pnr_status pnr_contents_read(pnr_contents *contents, uint64_t index, const pnr_sink *out,
                                         pnr_pool *pool, pnr_content *out_content, pnr_error *err);

/**
 * Call when all is read: RETRY if the package changed meanwhile, so that what
 * was read first need not belong to what was read last.
 */
PNR_CHECKED pnr_status pnr_contents_settle(pnr_contents *contents, pnr_error *err);

/** Accepts NULL. */
void pnr_contents_close(pnr_contents *contents);

#endif
