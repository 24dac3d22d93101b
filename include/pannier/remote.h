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
 * Know the place @url by @name: a folder, as file:// or as a path that begins
 * with '/', './' or '../'; s3:// or azure://. Nothing is looked at there. A
 * relative folder is made absolute; the same again is fine.
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
	bool dry_run; /**< decide what would be sent, down to the patches, and send nothing; the store gets the text */
	bool heal;    /**< read all that the remote has of the package, and put what is damaged or missing again */
	bool whole;   /**< make no patches: for who cannot use them, and to compare */
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
	uint64_t blobs_damaged; /**< with heal: contents and texts that were damaged or missing; all were put again */
	uint64_t bytes_sent;    /**< all objects: contents, the package's text, and the pointer to it */
	uint64_t bytes_full;    /**< of the package's zip: what sending it whole takes */
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

/* -------------------------------------------------------------- pulling -- */

/** Zero everywhere means the default. */
typedef struct pnr_pull_options {
	size_t size;             /**< sizeof(pnr_pull_options) */
	const char *output_path; /**< the package's zip goes there; NULL: it is not written */
	const char *directory;   /**< its files go there, as pnr_unpack writes them; not both */
	uint64_t max_size;       /**< afterwards keep the bytes of what the store holds within this; 0: no limit */
	pnr_progress_fn progress;
	void *progress_user;
} pnr_pull_options;

/** What came. */
typedef struct pnr_pull_result {
	size_t size;
	pnr_digest package_hash;
	pnr_digest archive_hash; /**< of the zip that this store makes */
	bool archive_identical;  /**< it is the one that was pushed, byte for byte */
	uint64_t package_size;   /**< bytes of the zip */
	uint64_t asset_count;
	uint64_t blobs_needed;   /**< different contents of the package */
	uint64_t blobs_fetched;  /**< contents that came; bases of patches among them */
	uint64_t blobs_patched;  /**< of these, as patches */
	uint64_t bytes_received; /**< objects: contents, the package's text, and the pointer to it */
	uint64_t bytes_full;     /**< of the zip as it was pushed */
	double seconds;
	uint64_t packages_evicted; /**< with max_size, as what follows */
	uint64_t bytes_evicted;
	uint64_t bytes_kept;
	bool evict_busy;         /**< others had the store open: nothing could be removed */
} pnr_pull_result;

/**
 * Bring the package that @ref names on the remote @remote into the store, only
 * what is not there. All of it was proved before any of it can be seen. Content
 * that came before a failure is not fetched again.
 *
 * With max_size whole packages are given up afterwards, the longest unused first:
 * what is known of them stays, their content goes, and comes again by pull. Only such go as @remote
 * has when it is asked for all of them; never the one just pulled, and no content that another package needs.
 *
 * Memory: of objects up to 1 MiB what is in flight, 32 MiB at most; for a patch its
 * base, at most 256 MiB, and its window.
 * @ref  a tag of the remote; a packageHash or manifestHash of it, or 4 digits or more of one; an
 *       archiveHash that was seen there. Of several zips of a package the one that was made last.
 * @out_at_fault  may be NULL; set to true if it failed by the remote, which did not answer or refused.
 * Errors: NOT_FOUND (the remote's name; no such package there), INVALID (the ref, the output), CONFLICT (an
 * ambiguous ref; the folder is in the way; a place that is no remote), CORRUPT (an object there is damaged or
 * missing, or the package is none: named), UNSUPPORTED (a newer format), BUSY, DENIED, RETRY, CANCELLED,
 * FULL, IO, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_pull(pnr_store *store, const char *remote, const char *ref,
                                        const pnr_pull_options *options, pnr_pull_result *out_result,
                                        bool *out_at_fault, pnr_error *err);

/* ------------------------------------------------------------- checking -- */

/** @key is "" for the place itself. Both are valid during the callback. Return non-zero to be told of no more. */
typedef int (*pnr_remote_problem_fn)(void *user, const char *key, const char *problem);

typedef struct pnr_remote_check_options {
	size_t size; /**< sizeof(pnr_remote_check_options) */
	pnr_remote_problem_fn problem;
	void *problem_user;
	pnr_progress_fn progress;
	void *progress_user;
} pnr_remote_check_options;

typedef struct pnr_remote_check_result {
	size_t size;
	uint64_t packages, objects; /**< that were read */
	uint64_t bytes;             /**< of objects */
	uint64_t problems;
} pnr_remote_check_result;

/**
 * Read all that is on a remote, and prove it: each package, each object that
 * packages need, of what none needs each whole, and each patch that the store
 * remembers to be there, each tag. What is damaged, missing or nobody's is
 * reported. Of what is remembered only what was found there and is right stays
 * so: nothing else is relied on from then on.
 *
 * Patches are applied to bases that the store has, or else to the remote's.
 * @out_result  problems are 0 if an error is not theirs.
 * @out_at_fault  as of pnr_pull.
 * Errors: CORRUPT (there are problems; or an object of the store is damaged), and those of pnr_pull.
 */
PNR_API PNR_CHECKED pnr_status pnr_remote_check(pnr_store *store, const char *remote,
                                                const pnr_remote_check_options *options,
                                                pnr_remote_check_result *out_result, bool *out_at_fault,
                                                pnr_error *err);

PNR_END_DECLS
#endif
