/* How the page looks. */
#ifndef PNR_REPORT_STYLE_H
#define PNR_REPORT_STYLE_H

/** Style sheets, one after the other; NULL ends them. */
extern const char *const pnr_report_style[];

#endif
