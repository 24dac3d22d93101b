/*
 * Packages that were made before there was a store become history: an entry of
 * the log has the time at which the zip was made, and says which zip that was.
 */
#ifndef PNR_PACKAGE_IMPORT_H
#define PNR_PACKAGE_IMPORT_H

#include "index/index.h"
#include "package/provenance.h"

/** The zip that is imported. */
typedef struct pnr_import_source {
	const char *file; /**< its name, without folders */
	const char *name; /**< of the model */
	int64_t created_ms, imported_ms;
	pnr_digest archive_hash;
	uint64_t size;
	bool known;       /**< out: somebody else logged it meanwhile */
} pnr_import_source;

/**
 * Inside a transaction: the entry of the log, and the zip's row, unless the zip is known by now.
 * @archive_id 0: the store makes no zip of it.
 */
PNR_CHECKED pnr_status pnr_import_log(pnr_index *index, pnr_import_source *source, int64_t package_id,
                                      int64_t archive_id, const pnr_provenance *provenance, pnr_error *err);

#endif
