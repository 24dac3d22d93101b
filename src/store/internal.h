/* What the files of store/ share. */
#ifndef PNR_STORE_INTERNAL_H
#define PNR_STORE_INTERNAL_H

#include "blob/blob.h"
#include "store/store.h"

struct pnr_store {
	char *dir;
	int fd;   /* the folder */
	int lock; /* held shared while open; -1 on a read-only medium without the file */
	bool read_only;
	bool created;
	unsigned threads;
	unsigned busy_ms;
	pnr_blobs *blobs;
	pnr_index *index;
	pnr_pool *pool;
};

/**
 * Be the only one who has the store open, so that objects may be removed. It does
 * not wait for more than a second, and ends with pnr_store_lock_shared, also when
 * it failed but with BUSY: then the shared lock is held again.
 * Errors: BUSY (others have the store open).
 */
PNR_CHECKED pnr_status pnr_store_lock_alone(pnr_store *store, pnr_error *err);
PNR_CHECKED pnr_status pnr_store_lock_shared(pnr_store *store, pnr_error *err);

/** The object in which an encoding that is kept in a file lives. */
pnr_object_name pnr_encoding_object(const pnr_blob_row *blob, const pnr_encoding_row *row);

/** The content that `REF:PATH` names, or the hash of a blob or a prefix of it. Errors: NOT_FOUND, INVALID, CONFLICT. */
PNR_CHECKED pnr_status pnr_store_asset(pnr_store *store, const char *what, pnr_blob_row *out_blob, pnr_error *err);
/** What pnr_store_log reports for a row: its user is a pnr_log_report. */
typedef struct pnr_log_report {
	pnr_log_fn fn;
	void *user;
} pnr_log_report;
int pnr_store_report_entry(void *user, const pnr_log_row *row);

#endif
