/* An archive that the store remembers, as the entries that it is written of again. */
#ifndef PNR_PACKAGE_STORED_ARCHIVE_H
#define PNR_PACKAGE_STORED_ARCHIVE_H

#include "package/archive.h"

typedef struct pnr_stored_archive {
	pnr_ref_row package;
	pnr_archive_row archive; /**< options included */
	pnr_buffer options;
	pnr_buffer name;         /**< of the model; bytes, as a name on disk is */
	pnr_archive_item *items; /**< the manifest, then the assets in their order; paths are owned */
	size_t count;
} pnr_stored_archive;

#define PNR_STORED_ARCHIVE_INIT { .items = NULL }

/**
 * The archive that @ref names.
 * Errors: those of pnr_store_resolve; NOT_FOUND (also: the package was stored
 * without a zip, or evicted), CORRUPT (the index lacks a part of it).
 */
PNR_CHECKED pnr_status pnr_stored_archive_get(pnr_store *store, const pnr_ref_row *package, const char *label,
                                              pnr_stored_archive *out_stored, pnr_error *err);
PNR_CHECKED pnr_status pnr_stored_archive_load(pnr_store *store, const char *ref, pnr_stored_archive *out_stored,
                                               pnr_error *err);
/** Leaves it initialised. */
void pnr_stored_archive_free(pnr_stored_archive *stored);

#endif
