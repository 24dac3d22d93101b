/* What a check of the whole index asks. Functions as those of index.h; a row that is malformed is CORRUPT. */
#ifndef PNR_INDEX_FSCK_H
#define PNR_INDEX_FSCK_H

#include "index/index.h"

/** @table "" if it is about the whole. */
typedef pnr_status (*pnr_complaint_fn)(void *user, const char *table, const char *complaint, pnr_error *err);
/** Asked now and then while SQLite is at work; non-zero ends it: CANCELLED. */
typedef int (*pnr_index_pulse_fn)(void *user);

/**
 * SQLite's own check, @quick without a look at the order of its indexes. At most
 * 100 complaints. Errors: CORRUPT (it cannot even check), IO, CANCELLED.
 */
PNR_CHECKED pnr_status pnr_index_check(pnr_index *index, bool quick, pnr_complaint_fn fn, pnr_index_pulse_fn pulse,
                                       void *user, pnr_error *err);
/** Rows that name a row that is not there. */
PNR_CHECKED pnr_status pnr_index_check_references(pnr_index *index, pnr_complaint_fn fn, pnr_index_pulse_fn pulse,
                                                  void *user, pnr_error *err);

typedef enum pnr_index_rows { PNR_ROWS_ENCODINGS, PNR_ROWS_PACKAGES, PNR_ROWS_ARCHIVES } pnr_index_rows;
/** The ids that follow @after, at most @capacity, so that a long walk need not hold one state of the database. */
PNR_CHECKED pnr_status pnr_index_ids(pnr_index *index, pnr_index_rows rows, int64_t after, int64_t *out_ids,
                                     size_t capacity, size_t *out_count, pnr_error *err);

/** The blob that an encoding is of. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_encoding_blob(pnr_index *index, int64_t encoding_id, pnr_blob_row *out_row,
                                               pnr_error *err);
/** Bytes of the content of all encodings that are kept. */
PNR_CHECKED pnr_status pnr_index_kept_content(pnr_index *index, uint64_t *out_size, pnr_error *err);
/** The packages that a blob is in, as an asset or as the manifest of an archive. */
typedef pnr_status (*pnr_digest_fn)(void *user, const pnr_digest *digest, pnr_error *err);
PNR_CHECKED pnr_status pnr_index_blob_packages(pnr_index *index, int64_t blob_id, pnr_digest_fn fn, void *user,
                                               pnr_error *err);
/** Is there an encoding that is kept in a file called @name, of the blob @hash? */
PNR_CHECKED pnr_status pnr_index_file_known(pnr_index *index, const pnr_digest *hash, const char *name,
                                            bool *out_known, pnr_error *err);
/** By id, with its newest archive. NOT_FOUND without a text. */
PNR_CHECKED pnr_status pnr_index_package_get(pnr_index *index, int64_t package_id, pnr_ref_row *out_row,
                                             pnr_error *err);
/** Has an archive one encoding of the manifest and of each asset, in order? */
PNR_CHECKED pnr_status pnr_index_archive_complete(pnr_index *index, int64_t archive_id, bool *out_complete,
                                                  pnr_error *err);

#endif
