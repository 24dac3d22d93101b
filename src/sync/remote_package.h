/* Packages on a remote: which one a REF names, and what the remote keeps of it. */
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
 * Get a package's object, which must be the one that its key says.
 * Errors: NOT_FOUND, CORRUPT (named with the remote), and those of pnr_remote_get.
 */
PNR_CHECKED pnr_status pnr_remote_package_get(pnr_remote *remote, const pnr_package_key *key,
                                              pnr_package_object *out_object, pnr_error *err);

/**
 * The package that @ref names: a tag of the remote; a packageHash or manifestHash that it has, or 4 or
 * more digits of it; or an archiveHash that this store has seen there. Of several zips of one package it
 * is the one that was made last.
 *
 * Errors: NOT_FOUND (none of that name; a tag leads nowhere), INVALID (nothing that could be on a remote),
 * CONFLICT (several; the text lists up to four), CORRUPT, and those of the remote.
 */
PNR_CHECKED pnr_status pnr_remote_package_find(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                                               pnr_package_object *out_object, pnr_error *err);

#endif
