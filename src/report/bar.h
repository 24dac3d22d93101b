/* Quantities as bars, one below the other, and the key to what is drawn. */
#ifndef PNR_REPORT_BAR_H
#define PNR_REPORT_BAR_H

#include "report/page.h"

/** The sample of a colour. */
#define PNR_SWATCH(class) "<svg width=\"12\" height=\"12\"><rect class=\"" class "\" width=\"12\" height=\"12\"/></svg>"

/** @most is as long as a bar can be, and not 0; @class its colour. */
void pnr_bar(pnr_page *page, const char *label, const char *class, uint64_t bytes, uint64_t most);

#endif
