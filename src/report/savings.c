/* What keeping each content once, and compressing it, saves. */
#include "report/bar.h"
#include "report/draft.h"

pnr_status pnr_draft_savings(pnr_draft *r, pnr_error *err)
{
	const pnr_totals *t = &r->totals;
	uint64_t most = 1;
	const uint64_t sizes[] = { t->bytes_packages, t->bytes_archives, t->bytes_raw, t->bytes_stored };
	for (size_t i = 0; i < PNR_COUNT(sizes); i++)
		most = sizes[i] > most ? sizes[i] : most;
	pnr_page_puts(&r->page, "<section><h2>What keeping everything takes</h2>\n<p class=\"soft\">A content that"
				" several packages hold is kept once: that saved <strong>");
	pnr_page_saved(&r->page, t->bytes_raw, t->bytes_packages > 0 ? t->bytes_packages : 1);
	pnr_page_puts(&r->page, "</strong>. Compression saved <strong>");
	pnr_page_saved(&r->page, t->bytes_stored, t->bytes_raw > 0 ? t->bytes_raw : 1);
	pnr_page_puts(&r->page, "</strong> of what was left. Manifests are contents as well.</p>\n");
	pnr_bar(&r->page, "All packages as files", "files", t->bytes_packages, most);
	pnr_bar(&r->page, "Each content once", "files", t->bytes_raw, most);
	pnr_bar(&r->page, "Kept in the store", "zip", t->bytes_stored, most);
	pnr_bar(&r->page, "To compare: all zips", "files", t->bytes_archives, most);
	pnr_page_puts(&r->page, "</section>\n");
	return pnr_page_check(&r->page, err);
}
