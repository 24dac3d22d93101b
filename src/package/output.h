/* The zip that a pack is to leave: where it goes, and what stands there now. */
#ifndef PNR_PACKAGE_OUTPUT_H
#define PNR_PACKAGE_OUTPUT_H

#include "package/plan.h"

typedef struct pnr_output {
	char *path;           /* absolute, a link followed; NULL: no zip is wanted, or it was not looked for */
	pnr_file_state state; /* of what stands there, from pnr_output_is on */
	bool known;           /* the index has this state */
	bool settled;         /* it may be remembered */
} pnr_output;

#define PNR_OUTPUT_INIT { .path = NULL }

/**
 * Where it goes. Leaves @output as it is with no_zip.
 * Errors: INVALID (a folder, a device, a part of @store, or without a name that
 * the user gave a link out of the workspace: the text says which), IO, NOMEM.
 */
PNR_CHECKED pnr_status pnr_output_find(pnr_store *store, const pnr_plan *plan, const pnr_pack_options *options,
                                       pnr_output *output, pnr_error *err);
/** INVALID if it is a file that @plan, its selection made, wants to package. */
PNR_CHECKED pnr_status pnr_output_refuse_inputs(const pnr_output *output, const pnr_plan *plan, pnr_error *err);
/**
 * Is the file there already @archive, byte for byte? Without @meter, only if that
 * is known; else it is read where it is not. Errors: IO, CANCELLED, and those of the index.
 */
PNR_CHECKED pnr_status pnr_output_is(pnr_output *output, pnr_store *store, const pnr_archive_row *archive,
                                     pnr_meter *meter, bool *out_is, pnr_error *err);
/** Inside a transaction: it is @archive_id. Does nothing where that cannot be trusted. */
PNR_CHECKED pnr_status pnr_output_remember(const pnr_output *output, pnr_store *store, int64_t archive_id,
                                           pnr_error *err);
/** Leaves it initialised. */
void pnr_output_free(pnr_output *output);

#endif
