/*
 * Strict JSON in front of cJSON, which is lax: a scanner that accepts exactly
 * RFC 8259 in UTF-8 and says where it does not, values found by their place,
 * and texts written without rendering any number again.
 *
 * Stricter than the RFC where silence would lose something: a byte order mark,
 * a duplicate key, a lone surrogate, and \u0000 (cJSON would cut the string
 * there) are errors.
 */
#ifndef PNR_BASE_JSON_H
#define PNR_BASE_JSON_H

#include "base/buffer.h"
#include <cjson/cJSON.h>

typedef struct pnr_json_limits {
	size_t bytes;   /**< of the text */
	size_t tokens;  /**< values and keys */
	unsigned depth; /**< of nested objects and arrays; at most 512 */
} pnr_json_limits;

/** 16 MiB, 2 million tokens, depth 128: a config. */
extern const pnr_json_limits pnr_json_config_limits;
/** 256 MiB, 64 million tokens, depth 160: a manifest, whose config is nested in it. */
extern const pnr_json_limits pnr_json_manifest_limits;

typedef enum pnr_json_type {
	PNR_JSON_NULL, PNR_JSON_FALSE, PNR_JSON_TRUE, PNR_JSON_NUMBER, PNR_JSON_STRING,
	PNR_JSON_ARRAY, PNR_JSON_OBJECT
} pnr_json_type;

/** A value's place in the text. */
typedef struct pnr_json_span {
	size_t start, end; /**< bytes; a string's quotes included */
} pnr_json_span;

/** Where a text is wrong. */
typedef struct pnr_json_fault {
	size_t offset;
	unsigned line, column; /**< from 1; column in bytes */
	char pointer[256];     /**< of the value or its nearest container; cut with "..." when longer */
} pnr_json_fault;

/** What a visitor is told: a value ended. Children are told before their parent. */
typedef struct pnr_json_event {
	pnr_json_type type;
	pnr_json_span span;
	unsigned depth;        /**< 0: the document itself */
	pnr_json_span key;     /**< with its quotes; start == end when the parent is not an object */
	size_t index;          /**< in its parent, from 0 */
	const size_t *path;    /**< for each level 1..depth the index in its parent: path[depth - 1] == index */
} pnr_json_event;

/** Any status but PNR_OK stops the scan and is returned by it. */
typedef pnr_status (*pnr_json_visit)(void *user, const pnr_json_event *event, pnr_error *err);

/**
 * Check all of @text, calling @visit (may be NULL) for each value in it.
 *
 * @out_fault  may be NULL; set when the text is wrong.
 * Errors: INVALID (recorded as "line L, column C: what is wrong"), FULL (a
 * limit), NOMEM, and what @visit returns.
 * Threads: any. Memory: in proportion to depth, and to the keys of the objects
 * that are open at one time; duplicate detection is not quadratic.
 */
PNR_CHECKED pnr_status pnr_json_scan(const char *text, size_t length, const pnr_json_limits *limits,
                                     pnr_json_visit visit, void *user, pnr_json_fault *out_fault,
                                     pnr_error *err);

/** A checked text, its tree, and the place of every value. */
typedef struct pnr_json_document pnr_json_document;

/**
 * Scan @text and make its tree. @text must outlive the document. Errors as
 * pnr_json_scan.
 *
 * The items are cJSON's, the parser is not: cJSON_Parse writes to a global
 * variable on every call, reads numbers by the process's locale, and takes at
 * most 63 bytes of a number.
 */
PNR_CHECKED pnr_status pnr_json_parse(const char *text, size_t length, const pnr_json_limits *limits,
                                      pnr_json_document **out_document, pnr_json_fault *out_fault,
                                      pnr_error *err);
/** The tree. Look members up with cJSON_GetObjectItemCaseSensitive only; a number is its valuedouble, not its valueint. */
const cJSON *pnr_json_root(const pnr_json_document *document);
/** Where @item, a value of this document, stands in the text. */
pnr_json_span pnr_json_span_of(const pnr_json_document *document, const cJSON *item);
/** Line and column (from 1, bytes) of an offset. */
void pnr_json_position(const pnr_json_document *document, size_t offset, unsigned *out_line,
                       unsigned *out_column);
/** Accepts NULL. */
void pnr_json_free(pnr_json_document *document);

/** Append @text as a JSON string with its quotes: '"', '\\' and control characters escaped, what is no UTF-8 as U+FFFD, all else as it is. */
void pnr_json_quote(pnr_buffer *buffer, const char *text, size_t length);
/**
 * Append the value at @span of a checked @text with its tokens verbatim and
 * white space made new: two spaces a level, starting at @level; `{}` and `[]`
 * stay on one line, as JSON.stringify(x, null, 2) does.
 */
void pnr_json_reindent(pnr_buffer *buffer, const char *text, pnr_json_span span, unsigned level);

#endif
