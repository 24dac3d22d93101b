/* Packages on a remote: which one a REF names, and what the remote keeps of it: its text, which is content. */
#ifndef PNR_SYNC_REMOTE_PACKAGE_H
#define PNR_SYNC_REMOTE_PACKAGE_H

#include "sync/named_remote.h"
#include "sync/package_object.h"

/** What the name of a package's object says. */
typedef struct pnr_package_key {
	pnr_digest package_hash, manifest_hash;
} pnr_package_key;

/** False if @key is not the key of a package. */
bool pnr_package_key_parse(const char *key, pnr_package_key *out_key);
/** What a tag of a remote holds: "packageHash/manifestHash\n". False if @text is not that. */
bool pnr_package_key_of_tag(const char *text, size_t length, pnr_package_key *out_key);

/**
 * Get what is under a package's key: how its text is there.
 * @out_size  bytes that came.
 * Errors: NOT_FOUND, CORRUPT and UNSUPPORTED (named with the remote), and those of pnr_remote_get.
 */
PNR_CHECKED pnr_status pnr_remote_pointer_get(pnr_remote *remote, const pnr_package_key *key,
                                              pnr_text_chain *out_chain, uint64_t *out_size, pnr_error *err);
/**
 * Get the package whose text is there as @chain says: the store's, if it has it,
 * else the remote's. It must be the one that its key says.
 * Errors: CORRUPT and UNSUPPORTED (the object that is at fault is named with the
 * remote; or CORRUPT of the store), and those of pnr_remote_get but NOT_FOUND.
 */
PNR_CHECKED pnr_status pnr_remote_package_read(pnr_store *store, pnr_remote *remote, const pnr_package_key *key,
                                               const pnr_text_chain *chain, pnr_package_object *out_object,
                                               pnr_error *err);
/**
 * The package of that key whose text, which @chain leads to, is @text: taken, on success.
 * Errors: CORRUPT and UNSUPPORTED (named with the remote), NOMEM.
 */
PNR_CHECKED pnr_status pnr_remote_package_parse(pnr_remote *remote, const pnr_package_key *key,
                                                const pnr_text_chain *chain, pnr_buffer *text,
                                                pnr_package_object *out_object, pnr_error *err);
/** The pointer, and the package that it leads to. */
PNR_CHECKED pnr_status pnr_remote_package_get(pnr_store *store, pnr_remote *remote, const pnr_package_key *key,
                                              pnr_package_object *out_object, pnr_error *err);
/**
 * Keep a package's text in the store: later ones come, and go, as patches on it. Not inside a transaction.
 * @archive_options  of the package: at their level it is compressed.
 */
PNR_CHECKED pnr_status pnr_package_text_keep(pnr_store *store, const pnr_buffer *text, const char *archive_options,
                                             pnr_ingested *out_item, pnr_error *err);

/**
 * The package that @ref names: a tag of the remote; a packageHash or manifestHash that it has, or 4 or
 * more digits of it; or an archiveHash that this store has seen there. Of several zips of one package it
 * is the one that was made last: of those that can be read, and of 64 of them if there are more.
 *
 * Errors: NOT_FOUND (none of that name; a tag leads nowhere), INVALID (nothing that could be on a remote),
 * CONFLICT (several; the text lists up to four), CORRUPT, and those of the remote.
 */
PNR_CHECKED pnr_status pnr_remote_package_find(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                                               pnr_package_object *out_object, pnr_error *err);

#endif
