/*
 * Inside of pushing: what a package needs on a remote, what of it is there, and
 * what is to be sent, in which form.
 */
#ifndef PNR_SYNC_PUSH_H
#define PNR_SYNC_PUSH_H

#include "package/stored_archive.h"
#include "sync/held.h"
#include "sync/named_remote.h"
#include "sync/package_object.h"
#include <pannier/remote.h>

typedef enum pnr_piece_fate {
	PNR_PIECE_OPEN,  /**< not decided */
	PNR_PIECE_THERE, /**< on the remote, as its row says */
	PNR_PIECE_SEND,  /**< to be put, as its row says; a patch that is not worth it goes whole */
	PNR_PIECE_LOST   /**< the base of a patch, neither there nor here */
} pnr_piece_fate;

/** Content that the package needs there: an asset's, its text's, or that of a patch's base. */
typedef struct pnr_piece {
	pnr_digest hash;
	uint64_t size;
	const pnr_archive_item *item; /**< the asset, or the text; NULL: only a base */
	bool of_others;               /**< a text that others may stand on: to be healed, whether it is needed or not */
	bool gzip;                    /**< of an asset, whole, as this store has it */
	uint64_t whole_size;          /**< likewise */
	bool known;                   /**< remembered to be there, */
	pnr_object_row as;            /**< so */
	bool asked;                   /**< the remote was */
	bool found, found_known;      /**< there: whole, as this store would send it; as it is known */
	bool damaged;                 /**< what is there under that key is: it is to be replaced */
	bool needed;                  /**< an asset, or what one stands on */
	bool carries;                 /**< it is to be sent, and a patch that is there stands on it: it becomes none itself */
	bool same_form;               /**< a whole that goes in the form of its row, whichever this store keeps */
	pnr_piece_fate fate;
	pnr_object_row row;
} pnr_piece;

typedef struct pnr_push_plan {
	pnr_store *store;
	const pnr_named_remote *remote;
	const pnr_stored_archive *archive;
	const pnr_archive_item *text;       /**< the plan is for the package's text; NULL: for its assets */
	const char *name;                   /**< of the model */
	const pnr_package_object *there;    /**< heal: what the remote has of the package; NULL: nothing that can be read */
	bool heal;
	bool whole;                         /**< no new patches */
	pnr_meter *meter;
	pnr_piece *pieces;                  /**< in the order of their hashes, each once */
	size_t count, capacity;
	uint64_t damaged;                   /**< how many were found to be */
	pnr_blob_row older;                 /**< what the text may be a patch on; id 0: nothing */
	bool remote_failed;
} pnr_push_plan;

/** All but the inputs zero. */
PNR_CHECKED pnr_status pnr_push_plan_make(pnr_push_plan *plan, pnr_error *err);
/** NULL if there is none. */
pnr_piece *pnr_push_plan_find(const pnr_push_plan *plan, const pnr_digest *hash);
/** The depth of all patches by what their bases are now; which pieces are needed. */
void pnr_push_plan_settle(pnr_push_plan *plan);
void pnr_push_plan_free(pnr_push_plan *plan);

/** What was put so far. */
typedef struct pnr_push_sent {
	uint64_t blobs, patched, bytes;
} pnr_push_sent;

/**
 * Put what the plan says, the bases of patches before these, and remember it. On
 * failure what was put is remembered as well. Rows say afterwards what was sent.
 *
 * @dry_run  only count.
 */
PNR_CHECKED pnr_status pnr_push_send(pnr_push_plan *plan, bool dry_run, pnr_push_sent *sent, pnr_error *err);

/** pnr_push through a remote that is open. @out_at_fault is not NULL. */
PNR_CHECKED pnr_status pnr_push_through(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                                        const pnr_push_options *options, pnr_meter *meter,
                                        pnr_push_result *out_result, bool *out_at_fault, pnr_error *err);

#endif
