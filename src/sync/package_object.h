/*
 * What a remote keeps of a package, and under which keys (schema/remote-format.md).
 * The object of a package is its manifest with one more key, the last: `remote`.
 */
#ifndef PNR_SYNC_PACKAGE_OBJECT_H
#define PNR_SYNC_PACKAGE_OBJECT_H

#include "base/buffer.h"
#include <pannier/digest.h>

/** Steps from a patch to content that is there whole. */
#define PNR_CHAIN_MAX 8u

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
} pnr_package_object;

#define PNR_PACKAGE_OBJECT_INIT { .objects = NULL }

/**
 * Append the text of the object; package_hash and manifest_hash are not looked at,
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
/** NULL if there is none. */
const pnr_object_row *pnr_package_object_find(const pnr_package_object *object, const pnr_digest *hash);
/** Leaves it initialised. */
void pnr_package_object_free(pnr_package_object *object);

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
