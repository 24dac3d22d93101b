/* What the scanner, the tree and the writer of JSON share: the inside of strings, and lines. */
#ifndef PNR_BASE_JSON_STRING_H
#define PNR_BASE_JSON_STRING_H

#include "base/json.h"

/** Walks over the meaning of a checked string byte by byte. Initialise `at` and `end` (without the quotes), zero the rest. */
typedef struct pnr_json_cursor {
	const char *at, *end;
	unsigned char pending[4]; /**< of the last escape */
	unsigned given, held;
} pnr_json_cursor;

/** The next byte of the UTF-8; -1 at the end. */
int pnr_json_cursor_next(pnr_json_cursor *cursor);

/** The code unit of 4 hexadecimal digits; false if they are not. */
bool pnr_json_hex4(const char *text, unsigned *out_unit);

/** Letters that may follow a backslash, and in the same order what they mean. */
#define PNR_JSON_ESCAPES "bfnrt\"\\/"
#define PNR_JSON_ESCAPED "\b\f\n\r\t\"\\/"
#define PNR_JSON_ESCAPE_COUNT 8u

/** The depth up to which @limits lets a text nest. */
unsigned pnr_json_depth_limit(const pnr_json_limits *limits);

/** Count on from byte @from, which is on line *@line that starts at *@line_start, to byte @to. */
void pnr_json_count_lines(const char *text, size_t from, size_t to, unsigned *line, size_t *line_start);

#endif
