/*
 * The contents of a package, wherever they are: a zip file, or the store. What
 * verify, unpack and worker-json read through.
 */
#ifndef PNR_PACKAGE_CONTENTS_H
#define PNR_PACKAGE_CONTENTS_H

#include "base/progress.h"
#include "base/stream.h"
#include <pannier/package.h>

typedef struct pnr_contents pnr_contents;

/** One entry; manifest.json is one of them. */
typedef struct pnr_contents_entry {
	const char *name; /**< valid as long as the contents; a folder's ends with '/' */
	uint64_t size;    /**< of its bytes, as the container says; never more are read */
} pnr_contents_entry;

typedef struct pnr_contents_ops {
	/** MUST. Read the container's structure. */
	pnr_status (*load)(pnr_contents *contents, pnr_error *err);
	/** MUST. */
	pnr_status (*archive_hash)(pnr_contents *contents, pnr_meter *meter, bool *out_has, pnr_digest *out_hash,
	                           pnr_error *err);
	/** MUST, these four. After load. */
	uint64_t (*count)(const pnr_contents *contents);
	pnr_contents_entry (*entry)(const pnr_contents *contents, uint64_t index);
	bool (*find)(const pnr_contents *contents, const char *name, uint64_t *out_index);
	pnr_status (*read)(pnr_contents *contents, uint64_t index, const pnr_sink *out, pnr_error *err);
	/** MAY be NULL: nothing can change. */
	pnr_status (*settle)(pnr_contents *contents, pnr_error *err);
	/** MUST. */
	void (*close)(pnr_contents *contents);
} pnr_contents_ops;

/** What every backend starts with. */
struct pnr_contents {
	const pnr_contents_ops *ops;
	const char *label;     /**< for messages: the file's name or the ref */
	uint64_t hashed_bytes; /**< how many bytes archive_hash reads; for the meter's total */
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

/** Read the structure; must succeed before any of the calls below. Errors: CORRUPT, UNSUPPORTED, IO, NOMEM. */
PNR_CHECKED pnr_status pnr_contents_load(pnr_contents *contents, pnr_error *err);

/**
 * SHA-256 of the zip: computed over the file, or as the store has it.
 *
 * @out_has  false, and @out_hash untouched, for a package that never had a zip.
 */
PNR_CHECKED pnr_status pnr_contents_archive_hash(pnr_contents *contents, pnr_meter *meter, bool *out_has,
                                                 pnr_digest *out_hash, pnr_error *err);

uint64_t pnr_contents_count(const pnr_contents *contents);
pnr_contents_entry pnr_contents_get(const pnr_contents *contents, uint64_t index);
/** Not linear. */
bool pnr_contents_find(const pnr_contents *contents, const char *name, uint64_t *out_index);

/**
 * Pass the bytes of entry @index to @out.
 *
 * Errors: CORRUPT (also: gone from the store), IO, NOMEM, and what @out returns.
 * Threads: one call per contents at a time.
 */
PNR_CHECKED pnr_status pnr_contents_read(pnr_contents *contents, uint64_t index, const pnr_sink *out,
                                         pnr_error *err);

/**
 * Call when all is read: RETRY if the package changed meanwhile, so that what
 * was read first need not belong to what was read last.
 */
PNR_CHECKED pnr_status pnr_contents_settle(pnr_contents *contents, pnr_error *err);

/** Accepts NULL. */
void pnr_contents_close(pnr_contents *contents);
void pnr_contents_cleanup(pnr_contents **contents);

#endif
