/* Is a store as it was written? */
#ifndef PANNIER_FSCK_H
#define PANNIER_FSCK_H

#include <pannier/digest.h>
#include <pannier/error.h>
#include <pannier/progress.h>
#include <pannier/store.h>

PNR_BEGIN_DECLS

typedef enum pnr_fsck_depth {
	PNR_FSCK_DEFAULT, /**< the database, the log, packages and manifests; objects by their sizes */
	PNR_FSCK_QUICK,   /**< what the rows say alone: no object is looked at, nor the order of SQLite's indexes */
	PNR_FSCK_FULL     /**< every byte: each encoding is decoded, and hashed twice */
} pnr_fsck_depth;

/** Something that is wrong; or that is in nobody's way: an unused file. */
typedef struct pnr_fsck_problem {
	size_t size;
	bool unused;         /**< a file that no row names, or that a crash left in tmp/: no problem */
	const char *kind;    /**< "database", "reference", "log", "object", "package", "archive", "import"; "unused" */
	const char *name;    /**< of what it is about: a path in the store, a hash; "" of the whole */
	const char *problem; /**< one line */
	const pnr_digest *packages; /**< that are affected, as far as is known */
	size_t package_count;
} pnr_fsck_problem;

/** All is valid during the callback, which must not call back into the store. Return non-zero to be told of no more. */
typedef int (*pnr_fsck_problem_fn)(void *user, const pnr_fsck_problem *problem);

typedef struct pnr_fsck_options {
	size_t size; /**< sizeof(pnr_fsck_options) */
	pnr_fsck_depth depth;
	const pnr_digest *expect; /**< a hash that an entry of the log must have; NULL: any will do */
	pnr_fsck_problem_fn problem;
	void *problem_user;
	pnr_progress_fn progress;
	void *progress_user;
} pnr_fsck_options;

typedef struct pnr_fsck_result {
	size_t size;
	uint64_t packages, archives;
	uint64_t objects;     /**< encodings, in files or in the database; 0 with QUICK */
	uint64_t evicted;     /**< of these, which were given up to make room */
	uint64_t bytes;       /**< of content, as objects were decoded to it; 0 unless FULL */
	uint64_t entries;     /**< of the log, right ones, from the oldest on */
	int64_t head;         /**< id of the newest of them; 0: there is none */
	pnr_digest head_hash; /**< its entry_hash: to be expected of the store later on */
	uint64_t unused, unused_bytes; /**< files in objects/ that no row names */
	uint64_t leftovers;   /**< files in tmp/ */
	uint64_t problems;
} pnr_fsck_result;

/**
 * Check a store: the database (SQLite's own checks, references between rows), the
 * hashes of the log (pnr_store_log_check), what each package holds (the rows
 * give its packageHash), and, by @options->depth, that each manifest is there and
 * says the same, that objects are there with the right size, and what they decode to;
 * with FULL, if nothing else is wrong, that every zip can be made again. The rows of
 * imports are compared with the log. Tags, types and uses are not checked.
 * Content that was evicted is no problem. What is wrong is told, and the check goes on.
 *
 * Nothing is written, least of all mended: open the store with read_only, else what
 * a crash left in tmp/ is gone before it is seen. Others may write meanwhile;
 * a file of theirs that has no row yet is told as unused.
 *
 * Memory: some packages' lists of assets, and 5 MiB a thread.
 * @out_result  set with OK, with CORRUPT and with what could not be read.
 * Errors: CORRUPT (there are problems), IO and DENIED (something could not be read:
 * it is told among the problems, and the rest was checked), CANCELLED, NOMEM.
 */
PNR_API PNR_CHECKED pnr_status pnr_fsck(pnr_store *store, const pnr_fsck_options *options,
                                        pnr_fsck_result *out_result, pnr_error *err);

PNR_END_DECLS
#endif
