/*
 * The store: objects and index kept consistent. Bytes are durable before the
 * row that names them; a crash leaves only files that nobody refers to.
 */
#ifndef PNR_STORE_STORE_H
#define PNR_STORE_STORE_H

#include "base/pool.h"
#include "base/progress.h"
#include "base/stream.h"
#include "codec/encode.h"
#include "index/evict.h"
#include <pannier/store.h>
#include <sys/stat.h>

pnr_index *pnr_store_index(pnr_store *store);
bool pnr_store_read_only(const pnr_store *store);
/** The store's threads, made when first asked for. */
PNR_CHECKED pnr_status pnr_store_pool(pnr_store *store, pnr_pool **out_pool, pnr_error *err);
/** Run @work inside one writing transaction: committed if it succeeds, rolled back if not. */
typedef pnr_status (*pnr_store_work)(void *user, pnr_error *err);
PNR_CHECKED pnr_status pnr_store_transaction(pnr_store *store, pnr_store_work work, void *user, pnr_error *err);

/**
 * An empty file in the store that has no name, for what is too large for memory:
 * closing it, or a crash, is its end.
 */
PNR_CHECKED pnr_status pnr_store_scratch(pnr_store *store, int *out_fd, pnr_error *err);

/* --------------------------------------------------------------- taking in -- */

/**
 * Takes files and texts into the store: hashes all, compresses what is new,
 * keeps the threads busy.
 *
 *   add ... add -> settle (objects durable) -> rows (inside a transaction)
 *
 * What grows too large to be held is written in between, in a transaction of
 * its own: a blob that no package names harms nobody.
 */
typedef struct pnr_ingest pnr_ingest;

typedef struct pnr_ingest_options {
	unsigned level;    /**< 1..12 */
	bool any_encoding; /**< an encoding of another level will do */
	bool rehash;       /**< do not trust the stat cache */
	pnr_meter *meter;  /**< may be NULL */
} pnr_ingest_options;

/** What became of an item. Owned by the caller, at a fixed address until pnr_ingest_rows returned. */
typedef struct pnr_ingested {
	pnr_blob_row blob;   /**< all but id from pnr_ingest_settle on */
	int64_t encoding_id; /**< with blob.id, from pnr_ingest_rows on */
	bool reused;         /**< known from the stat cache: not read */
	bool settled;        /**< the state in which the file was found may be remembered; from pnr_ingest_settle on */
} pnr_ingested;

/** What an item is read from. Copied; `name` must outlive the ingest. */
typedef struct pnr_ingest_file {
	/** MUST. Open the file; called only if it must be read, from the thread that called pnr_ingest_add. */
	pnr_status (*open)(const void *context, int *out_fd, pnr_error *err);
	const void *context;
	struct stat st;   /**< as it was found: a file that differs from it while it is read is RETRY */
	const char *name; /**< for messages and progress */
} pnr_ingest_file;

PNR_CHECKED pnr_status pnr_ingest_new(pnr_store *store, const pnr_ingest_options *options,
                                      pnr_ingest **out_ingest, pnr_error *err);
/** Not inside a transaction. */
PNR_CHECKED pnr_status pnr_ingest_add(pnr_ingest *ingest, const pnr_ingest_file *file, pnr_ingested *out_item,
                                      pnr_error *err);
/** The same for a text that lies in memory. Also inside a transaction. Does not count for the meter. */
PNR_CHECKED pnr_status pnr_ingest_add_text(pnr_ingest *ingest, const void *data, size_t length,
                                           const char *name, pnr_ingested *out_item, pnr_error *err);
/** Content that somebody else has compressed. */
typedef struct pnr_received {
	pnr_digest hash;    /**< of the content, as is promised */
	uint64_t size;
	bool deflated;      /**< @body is a raw DEFLATE stream; else it is the content */
	uint64_t body_size;
	pnr_source body;
	const char *name;   /**< for messages */
	const uint32_t *crc32; /**< of the content, as is promised; NULL: it is not */
} pnr_received;

/**
 * Keep the body of @what as it is, an encoding of its content at the ingest's
 * level, unless the same is there. Not inside a transaction. Errors: CORRUPT (it does not decode to what is
 * promised: nothing is kept), and those of the body.
 */
PNR_CHECKED pnr_status pnr_ingest_add_body(pnr_ingest *ingest, const pnr_received *what, pnr_ingested *out_item,
                                           pnr_error *err);
/** Wait for all that was added; its objects are durable and visible then. */
PNR_CHECKED pnr_status pnr_ingest_settle(pnr_ingest *ingest, pnr_error *err);
/** Write the rows of all that is settled, inside the caller's transaction. Afterwards more may be added. */
PNR_CHECKED pnr_status pnr_ingest_rows(pnr_ingest *ingest, pnr_error *err);
/** Both, in a transaction of its own. */
PNR_CHECKED pnr_status pnr_ingest_commit(pnr_ingest *ingest, pnr_error *err);

typedef struct pnr_ingest_counts {
	uint64_t hashed, reused; /**< files */
	uint64_t bytes_read, bytes_compressed;
} pnr_ingest_counts;
pnr_ingest_counts pnr_ingest_count(const pnr_ingest *ingest);
/** Accepts NULL. What was not settled is thrown away. */
void pnr_ingest_free(pnr_ingest *ingest);

/** The state by which a file is recognised. */
pnr_file_state pnr_file_state_of(const struct stat *st);
/**
 * Could the file @fd, seen in the state @st, still change without its state
 * changing? True means no: the state may be remembered for what is read from
 * now on. The last change must lie more than 2 s back (coarse kernel clocks,
 * file systems that keep whole seconds), by the clock that made the time
 * stamps: on file systems other than the known local ones it is never true.
 */
bool pnr_file_settled(int fd, const struct stat *st);

/* ----------------------------------------------------------- giving back -- */

/**
 * Pass the content of a blob to @out, checking size and SHA-256. Errors: CORRUPT names the object; NOT_FOUND (it was
 * evicted).
 */
PNR_CHECKED pnr_status pnr_store_read_blob(pnr_store *store, const pnr_blob_row *blob, const pnr_sink *out,
                                           pnr_error *err);
/** The same into @out, which is empty: takes memory for its size once. */
PNR_CHECKED pnr_status pnr_store_load_blob(pnr_store *store, const pnr_blob_row *blob, pnr_buffer *out, pnr_error *err);

/** A public receiver of bytes, as a sink; one that stops is CANCELLED. */
typedef struct pnr_receiver {
	pnr_write_fn write;
	void *user;
} pnr_receiver;
pnr_sink pnr_receiver_sink(pnr_receiver *receiver);

/**
 * The body of an encoding, for copying into a zip: raw DEFLATE or the content
 * itself. Reading it to the end checks stored_hash.
 */
typedef struct pnr_body pnr_body;
/** @encoding_id  0: whichever is smallest. Errors: NOT_FOUND (it was evicted), CORRUPT. */
PNR_CHECKED pnr_status pnr_body_open(pnr_store *store, const pnr_blob_row *blob, int64_t encoding_id,
                                     pnr_body **out_body, pnr_error *err);
uint64_t pnr_body_size(const pnr_body *body);
bool pnr_body_deflated(const pnr_body *body);
/**
 * Share the body's whole blocks with the file @fd, from @offset on, which is a
 * multiple of PNR_BODY_ALIGN; the rest, and all if that fails, is to be written.
 * What was shared is still to be read to the end, for its hash.
 */
PNR_CHECKED pnr_status pnr_body_clone(const pnr_body *body, int fd, uint64_t offset, uint64_t *out_length,
                                      pnr_error *err);
/** Gives pnr_body_size bytes; the last of them only if stored_hash is right, else CORRUPT. */
pnr_source pnr_body_source(pnr_body *body);
/**
 * Instead of reading it: write all of the body to @out, in large pieces; threads
 * of @pool hash each and read the next one meanwhile. CORRUPT, after the last of them, if
 * stored_hash is wrong. @meter counts under @asset.
 */
PNR_CHECKED pnr_status pnr_body_write(pnr_body *body, pnr_pool *pool, pnr_meter *meter, const char *asset,
                                      const pnr_sink *out, pnr_error *err);
/** Is @found, what the body gave, the content of @blob? CORRUPT if not. */
PNR_CHECKED pnr_status pnr_body_check(const pnr_body *body, const pnr_blob_row *blob, const pnr_content *found,
                                      pnr_error *err);
/**
 * Instead of reading it: pass the content to @out (may be NULL) and check that it is @blob's, the encoding as
 * well. @pool as for pnr_inflate. Errors: CORRUPT names the object. Threads: any, each with a body of its own.
 */
PNR_CHECKED pnr_status pnr_body_decode(pnr_body *body, const pnr_blob_row *blob, pnr_pool *pool, const pnr_sink *out,
                                       pnr_error *err);
/** Name the object in an error about the body. */
void pnr_body_context(const pnr_body *body, pnr_error *err);
/** Accepts NULL. */
void pnr_body_close(pnr_body *body);

/* ------------------------------------------------------------ making room -- */

/** What was removed. */
typedef struct pnr_evicted {
	uint64_t packages; /**< that were given up */
	uint64_t bytes;    /**< of encodings */
	uint64_t kept;     /**< that are still there */
} pnr_evicted;

typedef struct pnr_evict_options {
	uint64_t limit;    /**< bytes */
	int64_t except_id; /**< a package that stays; 0: none */
	int64_t remote_id; /**< packages are given up that are remembered to be there, */
	const pnr_evictable_row *there; /**< and of which all was there when it was asked for these */
	size_t there_count;
} pnr_evict_options;

/**
 * Keep the bytes of all encodings within the limit, as far as that can be without
 * losing anything: packages are given up, the one with the oldest newest log entry
 * first, that are on the remote, and those that no log entry names; no content that
 * another package needs. Their rows stay, and what asks for their content is told
 * NOT_FOUND until it comes again. Content of no package goes first; texts of
 * packages on remotes stay. Before anything goes, files go that a crash left of
 * the last time.
 *
 * @out_evicted  also with BUSY.
 * Errors: BUSY (others have the store open: nothing was removed), IO, FULL, NOMEM.
 */
PNR_CHECKED pnr_status pnr_store_evict(pnr_store *store, const pnr_evict_options *options, pnr_evicted *out_evicted,
                                       pnr_error *err);
/**
 * An encoding as others keep it: a gzip file, or the content itself. What the
 * database keeps as zlib has gzip's wrapper instead; all else is as it is here.
 */
typedef struct pnr_whole pnr_whole;
/** Is it gzip, and how long, by what the index says of an encoding? False if that cannot be. */
bool pnr_whole_measure(const char *form, uint64_t stored_size, uint64_t content_size, bool *out_gzip,
                       uint64_t *out_size);
/**
 * Nothing is read of a file before pnr_whole_read.
 * @encoding_id  0: whichever is smallest.
 */
PNR_CHECKED pnr_status pnr_whole_open(pnr_store *store, const pnr_blob_row *blob, int64_t encoding_id,
                                      pnr_whole **out_whole, pnr_error *err);
bool pnr_whole_gzip(const pnr_whole *whole);
uint64_t pnr_whole_size(const pnr_whole *whole);
/** SHA-256 of its bytes, as they should be: who reads them compares it. */
const pnr_digest *pnr_whole_hash(const pnr_whole *whole);
/** Exactly @length bytes from @offset on. Errors: CORRUPT (an object that is missing or too short). */
PNR_CHECKED pnr_status pnr_whole_read(pnr_whole *whole, uint64_t offset, void *buffer, size_t length, pnr_error *err);
/** Give back the descriptor, until it is read again. */
void pnr_whole_rest(pnr_whole *whole);
/** Accepts NULL. */
void pnr_whole_close(pnr_whole *whole);

/* ------------------------------------------------------------------ refs -- */

/** The package that @ref names. Errors as pnr_store_resolve. */
PNR_CHECKED pnr_status pnr_store_ref(pnr_store *store, const char *ref, pnr_ref_row *out_row, pnr_error *err);
/** The manifest of an archive, whole. */
PNR_CHECKED pnr_status pnr_store_manifest(pnr_store *store, int64_t archive_id, pnr_buffer *out, pnr_error *err);

#endif
