/*
 * Objects of a remote as they come, and what they hold. Nothing of an object
 * counts before its content was had and has its hash: a whole is one gzip member,
 * whoever made it, or the content itself; a patch is applied.
 */
#ifndef PNR_SYNC_OBJECT_READ_H
#define PNR_SYNC_OBJECT_READ_H

#include "base/buffer.h"
#include "base/progress.h"
#include "remote/remote.h"
#include "store/store.h"
#include "sync/package_object.h"

/** An object that comes: in memory up to PNR_MIB, in a file of the store without a name when it is larger. */
typedef struct pnr_arrival {
	pnr_store *store;
	const pnr_object_row *row;
	char key[PNR_KEY_SIZE];
	pnr_buffer bytes;
	int fd;        /**< of the file; -1 */
	uint64_t size; /**< bytes that came */
} pnr_arrival;

/** No valid object of that content is longer, whoever made it. */
uint64_t pnr_object_longest(const pnr_object_row *row);
/** Expect the object of @row. @out_download is filled but for `done`; @arrival keeps its place until it is cleared. */
void pnr_arrival_begin(pnr_arrival *arrival, pnr_store *store, const pnr_object_row *row,
                       pnr_remote_download *out_download);
/** Leaves it expecting the same again. */
void pnr_arrival_clear(pnr_arrival *arrival);

/** What a source over an arrival needs. */
typedef struct pnr_arrival_part {
	pnr_memory_range memory;
	pnr_file_range file;
	uint32_t crc32, size; /**< of the content, as the end of a gzip file promises: modulo 2^32 */
} pnr_arrival_part;

/**
 * The body of a whole that is here, for pnr_ingest_add_body.
 * @part  must outlive @out_body. Errors: CORRUPT (not one gzip member of that size, or one that is padded).
 */
PNR_CHECKED pnr_status pnr_arrival_body(const pnr_arrival *arrival, pnr_arrival_part *part, pnr_received *out_body,
                                        pnr_error *err);
/**
 * Pass the content of an object that is here to @out (may be NULL). Only PNR_OK says that it is right.
 *
 * @base  of a patch: its content; else NULL.
 * Errors: CORRUPT and UNSUPPORTED (a patch that cannot be), of the object: the text
 * starts with its key; those of @out; IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_arrival_content(const pnr_arrival *arrival, const pnr_buffer *base, const pnr_sink *out,
                                           pnr_error *err);

/** The same of a whole of which nobody says how long its content is; the row's size is not looked at. */
PNR_CHECKED pnr_status pnr_arrival_prove_unmeasured(const pnr_arrival *arrival, pnr_error *err);

/** What an object turned out to be. */
typedef struct pnr_object_proof {
	const pnr_object_row *row;
	const pnr_sink *out; /**< of pnr_objects_prove: takes its content, and anything if it is not right. May be NULL */
	pnr_status status;  /**< out: OK; NOT_FOUND, CORRUPT, UNSUPPORTED: see below */
	pnr_error problem;  /**< out: what is wrong with it, key included */
	uint64_t size;      /**< out: bytes that came */
} pnr_object_proof;

/**
 * Pass the content of the object @row of @package to @out: the store's, if it has
 * that content, else the remote's, proved, with bases that the store lacks. What
 * is wrong with an object there is no failure of the call but in the proof, whose
 * size is that of all that came.
 *
 * @out  may have been given anything if the proof's status is not OK.
 * Errors: as of pnr_objects_prove.
 */
PNR_CHECKED pnr_status pnr_object_content(pnr_store *store, pnr_remote *remote, const pnr_package_object *package,
                                          const pnr_object_row *row, const pnr_sink *out,
                                          pnr_object_proof *out_proof, pnr_error *err);

/**
 * Get objects of @package and prove what each holds. The base of a patch is the
 * store's, if it has that content, else the remote's.
 *
 * An object that is missing or damaged is no failure of the call: it is in its proof.
 * Memory: of objects up to PNR_MIB what is in flight, 32 MiB at most; for a patch
 * what pnr_patch_apply takes, and its base, once. While a base that the store
 * lacks is made of a patch, what that one stands on is in memory as well.
 * @meter  may be NULL; counts content bytes.
 * Errors: those of pnr_remote_get but NOT_FOUND and CORRUPT; CORRUPT (of the store), IO, CANCELLED, NOMEM.
 */
PNR_CHECKED pnr_status pnr_objects_prove(pnr_store *store, pnr_remote *remote, const pnr_package_object *package,
                                         pnr_object_proof *proofs, size_t count, pnr_meter *meter, pnr_error *err);

#endif
