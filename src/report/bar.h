/* Quantities as bars, one below the other, and the key to what is drawn. */
#ifndef PNR_REPORT_BAR_H
#define PNR_REPORT_BAR_H

#include "report/page.h"

/** The sample of a mark: its colour, and where and how high it stands in 12 pixels. */
#define PNR_SWATCH(class, y, height)                                                                                   \
	"<svg width=\"12\" height=\"12\"><rect class=\"" class "\" width=\"12\" y=\"" y "\" height=\"" height "\"/></svg>"

/** @most is as long as a bar can be, and not 0; @class its colour. */
void pnr_bar(pnr_page *page, const char *label, const char *class, uint64_t bytes, uint64_t most);

#endif
