/* What the index keeps of a package, whether it was made here or elsewhere. */
#ifndef PNR_PACKAGE_RECORD_H
#define PNR_PACKAGE_RECORD_H

#include "model/model.h"
#include "package/provenance.h"
#include "store/store.h"

/** How the encodings of an archive were chosen: what `options` of its row says. */
typedef struct pnr_choice {
	unsigned level;
	bool reuse; /**< encodings of other levels are taken, too, where they are there */
} pnr_choice;

#define PNR_CHOICE_SIZE 48
/** As text, in @buffer. */
const char *pnr_choice_text(pnr_choice choice, char buffer[PNR_CHOICE_SIZE]);
/** False if @text is not exactly what pnr_choice_text makes. */
bool pnr_choice_read(const char *text, pnr_choice *out_choice);

/** Inside a transaction: the package with these assets, and the references of @config. */
PNR_CHECKED pnr_status pnr_record_package(pnr_index *index, const pnr_config *config, const pnr_digest *package_hash,
                                          const pnr_asset_row *assets, size_t count, int64_t *out_id, pnr_error *err);
/** Inside a transaction: the list of the assets' source paths. */
PNR_CHECKED pnr_status pnr_record_sources(pnr_index *index, const pnr_asset_row *assets, size_t count,
                                          int64_t *out_id, pnr_error *err);

/** Which encodings an archive was made of, the manifest's first: exactly @count. Errors: CORRUPT. */
PNR_CHECKED pnr_status pnr_record_encodings(pnr_index *index, int64_t archive_id, int64_t *ids, size_t count,
                                            pnr_error *err);

/**
 * Inside a transaction: append @row to the log, at its time if it is `dated`, else now, with where it came from. Where the
 * clock was set back, now is the time of the newest entry: what was done last is the latest.
 * event, package_id, archive_id, name, note and options are the caller's.
 */
PNR_CHECKED pnr_status pnr_record_log(pnr_index *index, pnr_log_row *row, const pnr_provenance *provenance,
                                      pnr_error *err);

#endif
