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
/** Note @members of the object at @span, as spans of what begins there. CORRUPT if the value is none. */
PNR_CHECKED pnr_status pnr_json_note_members(const char *text, pnr_json_span span, const char *place,
                                             pnr_json_member *members, size_t count, pnr_error *err);
/** CORRUPT if one is missing or of another type. @place is the pointer of the object. */
PNR_CHECKED pnr_status pnr_json_check_members(const pnr_json_member *members, size_t count, const char *place,
                                              pnr_error *err);

/** An object of a list. */
typedef struct pnr_json_row {
	const char *text; /**< the list's: what spans are of */
	const pnr_json_member *members;
	size_t index;
	const char *place;
} pnr_json_row;

/** Note and check @members of each object in the list at @list, and pass it to @read. CORRUPT if one is none. */
PNR_CHECKED pnr_status pnr_json_read_rows(const char *text, pnr_json_span list, const char *place,
                                          pnr_json_member *members, size_t count,
                                          pnr_status (*read)(void *user, const pnr_json_row *row, pnr_error *err),
                                          void *user, pnr_error *err);

/** The string at @span, decoded; malloc'd, NULL when memory is exhausted. */
char *pnr_json_string_at(const char *text, pnr_json_span span);
bool pnr_json_string_is(const char *text, pnr_json_span span, const char *wanted);
/** Digits only, up to PNR_JSON_SIZE_MAX: what has a fraction or an exponent was not written as a size. */
bool pnr_json_size_at(const char *text, pnr_json_span span, uint64_t *out_size);
/** A string of 64 lower-case hex digits. */
bool pnr_json_digest_at(const char *text, pnr_json_span span, pnr_digest *out_digest);

#endif
