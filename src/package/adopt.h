/*
 * A package that was made elsewhere enters the store: its content is there, its
 * rows are made of its manifest and of the config that is inside. What both say
 * is written as a manifest once more: only if that is the same, byte for byte, is
 * the package taken.
 */
#ifndef PNR_PACKAGE_ADOPT_H
#define PNR_PACKAGE_ADOPT_H

#include "base/progress.h"
#include "store/store.h"

/** What is known of the package elsewhere. */
typedef struct pnr_adoption {
	const char *manifest; /**< manifest.json as it is in the zip */
	size_t manifest_length;
	const char *label;    /**< for messages: the file or the remote that it came from */
	pnr_digest archive_hash; /**< of the zip that was made of it there */
	uint64_t archive_size;
	const char *options;     /**< of that archive: pnr_archive_row */
	const int64_t *encodings; /**< to make the zip of: one an asset, 0 (and NULL: all 0) is what fits @options best */
	const char *event;       /**< for the log: "apply", "pull", "import" */
	const char *name;        /**< of the model */
	const char *output_path; /**< the zip goes there; NULL: it is made, hashed and not kept */
	pnr_meter *meter;        /**< may be NULL */
	struct pnr_import_source *imported; /**< it is history (import.h); NULL: it comes now */
} pnr_adoption;

typedef struct pnr_adopted {
	int64_t package_id, archive_id;
	pnr_digest package_hash;
	pnr_digest archive_hash; /**< of the zip that this store makes */
	uint64_t archive_size;   /**< of that */
	uint64_t asset_count;
	bool identical;          /**< it is the one that was made elsewhere, byte for byte */
	bool foreign;            /**< set on failure, too: CORRUPT, as its manifest is not the one that this build makes */
} pnr_adopted;

/**
 * Adopt a package whose assets are all in the store, settled and with rows. The
 * zip is written (or only hashed), then archive and log entry are recorded in one
 * transaction, then the zip gets its name. A package that is known already gets
 * a log entry, no second row; so does its archive, and is not made again where
 * nobody wants the zip, unless some of it was given up (index/evict.h) and came
 * back in other bytes: then that is another archive.
 *
 * Errors: CORRUPT (the manifest breaks a rule of verify, or is not the one that
 * its config and assets make: the text says which), NOT_FOUND (an asset is not in
 * the store), INVALID (the output), DENIED, CANCELLED, BUSY, FULL, IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_adopt(pnr_store *store, const pnr_adoption *adoption, pnr_adopted *out_adopted,
                                 pnr_error *err);

#endif
