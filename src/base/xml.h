/*
 * XML as the servers of object stores write it: elements and their text, read by expat. Attributes are passed over,
 * prefixes of names left away; a document type is refused, and with it all that entities can do.
 */
#ifndef PNR_BASE_XML_H
#define PNR_BASE_XML_H

#include "base/buffer.h"

/** An element ended. */
typedef struct pnr_xml_event {
	const char *path; /**< its name behind those of the elements that it is in: "ListBucketResult/Contents/Key" */
	const char *text; /**< of a leaf, else ""; NUL-terminated, and without any other NUL */
} pnr_xml_event;

/** Any status but PNR_OK stops the scan and is returned by it. */
typedef pnr_status (*pnr_xml_visit)(void *user, const pnr_xml_event *event, pnr_error *err);

/**
 * Read all of @text, which is UTF-8 whatever it says of itself, calling @visit at the end of each element: children
 * before their parent, in their order.
 *
 * Errors: INVALID (it is not well-formed; at most 32 levels and 1,024 bytes of path), NOMEM, and what @visit returns.
 */
PNR_CHECKED pnr_status pnr_xml_scan(const char *text, size_t length, pnr_xml_visit visit, void *user, pnr_error *err);

/**
 * Append the text of the first element of that path to @out: nothing if there is none, or if @text is no XML before it.
 * Errors: NOMEM.
 */
PNR_CHECKED pnr_status pnr_xml_find(const char *text, size_t length, const char *path, pnr_buffer *out,
                                    pnr_error *err);

#endif
