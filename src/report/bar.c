/* A quantity as a bar beside others. */
#include "report/bar.h"

void pnr_bar(pnr_page *page, const char *label, const char *class, uint64_t bytes, uint64_t most)
{
	pnr_page_printf(page,
			"<div class=\"row\"><div class=\"path\">%s</div><svg height=\"16\" aria-hidden=\"true\">"
			"<rect class=\"track\" width=\"100%%\" height=\"16\"/><rect class=\"%s\" height=\"16\" width=\"",
			label, class);
	pnr_page_length(page, (double)bytes, (double)most);
	pnr_page_puts(page, "\"/></svg><div class=\"n\">");
	pnr_page_size(page, bytes);
	pnr_page_puts(page, "</div></div>\n");
}
