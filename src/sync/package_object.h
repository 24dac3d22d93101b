/*
 * What a remote keeps of a package, and under which keys (schema/remote-format.md).
 * The text of a package is its manifest with one more key, the last: `remote`. It
 * is content like any other; under the package's own key a pointer leads to it.
 */
#ifndef PNR_SYNC_PACKAGE_OBJECT_H
#define PNR_SYNC_PACKAGE_OBJECT_H

#include "base/buffer.h"
#include <pannier/digest.h>

/** Steps from a patch to content that is there whole. */
#define PNR_CHAIN_MAX 8u
/** The same from a package's text, which is read before anything else. */
#define PNR_TEXT_CHAIN_MAX 4u

typedef enum pnr_object_form {
	PNR_OBJECT_GZIP,   /**< blobs/ab/<hash>.gz */
	PNR_OBJECT_STORED, /**< blobs/ab/<hash> */
	PNR_OBJECT_PATCH   /**< patches/<hash>/<base>.zst */
} pnr_object_form;

/** One piece of content on the remote. */
typedef struct pnr_object_row {
	pnr_digest hash;        /**< of the content */
	uint64_t size;          /**< of the content */
	pnr_object_form form;
	pnr_digest base;        /**< of a patch */
	unsigned depth;         /**< 0: whole; n: a patch on content of depth n - 1 */
	pnr_digest stored_hash; /**< of the object as its pusher had it; another encoding of the content may be there */
	uint64_t stored_size;
} pnr_object_row;

/** What a pointer says: a package's text, a patch on the next one, and so on; the last one is whole. */
typedef struct pnr_text_chain {
	pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1]; /**< as what they are stored is not known: zero */
	size_t count;
} pnr_text_chain;

typedef struct pnr_package_object {
	pnr_buffer manifest;     /**< manifest.json, byte for byte */
	pnr_digest package_hash; /**< as the manifest says */
	pnr_digest manifest_hash;
	char *name;              /**< of the model */
	pnr_digest archive_hash;
	uint64_t archive_size;
	char *archive_options;
	pnr_object_row *objects; /**< in the order of their hashes, each once: the assets, and the bases of patches */
	size_t object_count;
	pnr_buffer text;         /**< that all this was read of, if it came from a remote, */
	pnr_text_chain texts;    /**< how it is there, */
	uint64_t received;       /**< and the bytes that came for it: of the pointer and of texts */
} pnr_package_object;

#define PNR_PACKAGE_OBJECT_INIT { .objects = NULL }

/**
 * Append the text of the package; package_hash and manifest_hash are not looked at,
 * as they follow from the manifest. Errors: CORRUPT (the manifest is none of ours), NOMEM.
 */
PNR_CHECKED pnr_status pnr_package_object_write(const pnr_package_object *object, pnr_buffer *out, pnr_error *err);
/**
 * Read such a text: every asset of the manifest has an object, and so has the base
 * of every patch, of a depth less by one; no chain is longer than PNR_CHAIN_MAX;
 * there are no others. What the objects hold is yet to be proved, and whether the
 * manifest is one that its config and assets make.
 *
 * Errors: CORRUPT (says where), UNSUPPORTED (a newer format), NOMEM.
 */
PNR_CHECKED pnr_status pnr_package_object_read(const char *text, size_t length, pnr_package_object *out_object,
                                               pnr_error *err);
/** Append the pointer to the first of @chain. */
PNR_CHECKED pnr_status pnr_text_chain_write(const pnr_text_chain *chain, pnr_buffer *out, pnr_error *err);
/**
 * Read a pointer: only what pnr_text_chain_write makes is one. No text is longer
 * than a manifest may be. Errors: CORRUPT (says where), UNSUPPORTED (a newer format), NOMEM.
 */
PNR_CHECKED pnr_status pnr_text_chain_read(const char *text, size_t length, pnr_text_chain *out_chain, pnr_error *err);
/** The rows of @chain as an object in which they are found; it borrows @rows. */
pnr_package_object pnr_text_chain_objects(const pnr_text_chain *chain, pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1]);
/** NULL if there is none. */
const pnr_object_row *pnr_package_object_find(const pnr_package_object *object, const pnr_digest *hash);
/** Leaves it initialised. */
void pnr_package_object_free(pnr_package_object *object);

/** A package's text, in messages and progress. */
#define PNR_TEXT_NAME "the package's text"

/** Room for any key of ours. */
#define PNR_KEY_SIZE 272u
/** The key of an object, by hash, form and base; returns @out. */
const char *pnr_key_of_object(const pnr_object_row *object, char out[PNR_KEY_SIZE]);
const char *pnr_key_of_package(const pnr_digest *package_hash, const pnr_digest *manifest_hash,
                               char out[PNR_KEY_SIZE]);
/** The name of a form in the object and in the index: "gzip", "stored", "patch". */
const char *pnr_object_form_name(pnr_object_form form);
bool pnr_object_form_parse(const char *name, pnr_object_form *out_form);
/** Fails for a name that may be no tag. Errors: INVALID. */
PNR_CHECKED pnr_status pnr_key_of_tag(const char *tag, char out[PNR_KEY_SIZE], pnr_error *err);

#endif
