/* Percent encoding, as URLs have it, undone. */
#ifndef PNR_BASE_PERCENT_H
#define PNR_BASE_PERCENT_H

#include <stdbool.h>

/**
 * In place: %XX becomes that byte. What is behind the new end of the text is left there.
 *
 * @plus  '+' is a space, as in forms.
 * Returns false if '%' is not followed by two hex digits, or by 00; the text is of no use then.
 */
bool pnr_percent_decode(char *text, bool plus);

#endif
