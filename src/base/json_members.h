/*
 * The members of an object that a reader wants, noted while a text is scanned: for
 * texts of others, which may be large, without a tree.
 */
#ifndef PNR_BASE_JSON_MEMBERS_H
#define PNR_BASE_JSON_MEMBERS_H

#include "base/json.h"
#include <pannier/digest.h>

/** Sizes above cannot pass through a JSON number unharmed: 2^53. */
#define PNR_JSON_SIZE_MAX ((uint64_t)1 << 53)

typedef struct pnr_json_member {
	const char *key;
	pnr_json_type type;
	bool needed;
	bool seen;          /**< out */
	pnr_json_span span; /**< out: of the value; empty if that has another type */
} pnr_json_member;

/** Scan the value at @span. What is no JSON, or more than a limit of a manifest, is CORRUPT. */
PNR_CHECKED pnr_status pnr_json_scan_part(const char *text, pnr_json_span span, pnr_json_visit visit, void *user,
                                          pnr_error *err);
/** Note the member if it is one of @members. */
void pnr_json_note_member(pnr_json_member *members, size_t count, const char *text, const pnr_json_event *event);
/** CORRUPT if one is missing or of another type. @place is the pointer of the object. */
PNR_CHECKED pnr_status pnr_json_check_members(const pnr_json_member *members, size_t count, const char *place,
                                              pnr_error *err);

/** The string at @span, decoded; malloc'd, NULL when memory is exhausted. */
char *pnr_json_string_at(const char *text, pnr_json_span span);
bool pnr_json_string_is(const char *text, pnr_json_span span, const char *wanted);
/** Digits only, up to PNR_JSON_SIZE_MAX: what has a fraction or an exponent was not written as a size. */
bool pnr_json_size_at(const char *text, pnr_json_span span, uint64_t *out_size);
/** A string of 64 lower-case hex digits. */
bool pnr_json_digest_at(const char *text, pnr_json_span span, pnr_digest *out_digest);

#endif
