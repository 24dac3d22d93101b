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
	pnr_blobs *blobs;
	pnr_index *index;
	pnr_pool *pool;
};

/** The object in which an encoding that is kept in a file lives. */
pnr_object_name pnr_encoding_object(const pnr_blob_row *blob, const pnr_encoding_row *row);

#endif
