/*
 * Remotes: places that keep packages for others, a folder or an object store,
 * known to a store by a name; pushing to them. A remote has the content of its packages once, new versions as patches,
 * in files that gunzip, zstd and sha256sum understand (schema/remote-format.md).
 */
#ifndef PANNIER_REMOTE_H
#define PANNIER_REMOTE_H

#include <pannier/digest.h>
#include <pannier/error.h>
#include <pannier/progress.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

/**
 * Know the place @url by @name: a folder, as a path or as file://; s3:// and
 * azure:// where this build has them. Nothing is looked at there. A relative
 * folder is made absolute; the same again is fine.
 *
 * Errors: INVALID (no name: it is made as tags are; no URL, or one with a user, a
 * password or a key in it, which is not repeated in the text), CONFLICT (the name
 * is another place's), UNSUPPORTED (the kind of place), BUSY, DENIED, FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_remote_add(pnr_store *store, const char *name, const char *url,
                                                    pnr_error *err);
/**
 * Forget the place and what was known of it. Nothing is removed there.
 * Errors: NOT_FOUND, BUSY, DENIED, FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_store_remote_remove(pnr_store *store, const char *name, pnr_error *err);

/** A place. Valid during the callback. */
typedef struct pnr_remote_info {
	size_t size;
	const char *name;
	const char *url;
	const char *added_at; /**< ISO 8601 UTC with milliseconds */
} pnr_remote_info;
/** Return non-zero to stop early; that is not an error. */
typedef int (*pnr_remote_info_fn)(void *user, const pnr_remote_info *remote);
/** Report the places, by name. */
PNR_API PNR_CHECKED pnr_status pnr_store_remote_list(pnr_store *store, pnr_remote_info_fn fn, void *user,
                                                     pnr_error *err);

/* -------------------------------------------------------------- pushing -- */

/** Zero everywhere means the default. */
typedef struct pnr_push_options {
	size_t size;  /**< sizeof(pnr_push_options) */
	bool dry_run; /**< decide what would be sent, down to the patches, and send nothing */
	bool heal;    /**< read all that the remote has of the package, and put what is damaged or missing again */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_push_options;

/** What was sent; with dry_run, what would have been. */
typedef struct pnr_push_result {
	size_t size;
	pnr_digest package_hash;
	pnr_digest archive_hash;
	bool was_there;         /**< the remote had the package already */
	uint64_t blobs_needed;  /**< different contents of the package */
	uint64_t blobs_sent;    /**< of these; and with heal, of the bases of patches */
	uint64_t blobs_patched; /**< of these that were sent, as patches */
	uint64_t blobs_damaged; /**< with heal: that were damaged or missing; all of them were put again */
	uint64_t bytes_sent;    /**< all objects, that of the package too */
	uint64_t bytes_full;    /**< that the package would have taken with nothing there and no patches */
	double seconds;
} pnr_push_result;

/**
 * Send the package that @ref names, with its zip's choice of encodings, to the
 * remote @remote. What is there is not sent; a new version of an asset goes as a
 * patch to the version that the remote has of it, if that is less than half as
 * long. The package becomes visible last, whole: who stops or fails before leaves
 * content that the next push finds.
 *
 * If @ref is a tag of this store, the remote gets it, too: set, or moved from a
 * package that this store knows.
 *
 * Memory: with patches, what pnr_delta takes.
 * @out_at_fault  may be NULL; set to true if it failed by the remote, which did not answer or refused.
 * Errors: NOT_FOUND (the remote's name, the ref; the package has no zip), INVALID
 * (the ref), CONFLICT (an ambiguous ref; a place that is no remote; the tag names
 * a package there that this store does not know: all but the tag was pushed then),
 * CORRUPT (a stored object, or a damaged package there: heal), UNSUPPORTED (a
 * newer format there), BUSY, DENIED, RETRY, CANCELLED, FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_push(pnr_store *store, const char *remote, const char *ref,
                                        const pnr_push_options *options, pnr_push_result *out_result,
                                        bool *out_at_fault, pnr_error *err);

PNR_END_DECLS
#endif
