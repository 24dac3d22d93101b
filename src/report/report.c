/* The page, from its head to its foot. */
#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "base/path.h"
#include "base/temp.h"
#include "package/archive.h"
#include "report/draft.h"
#include "store/store.h"
#include <fcntl.h>
#include <pannier/pannier.h>

static pnr_status put_parts(pnr_draft *r, pnr_error *err)
{
	if (r->span.packs == 0) {
		pnr_page_puts(&r->page, "<p>Nothing was packed yet: the first <code>pannier pack</code>"
					" begins the history.</p>\n");
		return pnr_page_check(&r->page, err);
	}
	pnr_status status = pnr_draft_packages(r, err);
	if (status == PNR_OK)
		status = pnr_draft_changes(r, err);
	if (status == PNR_OK)
		status = pnr_draft_savings(r, err);
	if (status == PNR_OK)
		status = pnr_draft_remotes(r, err);
	if (status == PNR_OK)
		status = pnr_draft_newest(r, err);
	return status == PNR_OK ? pnr_draft_log(r, err) : status;
}

static pnr_status write_page(pnr_draft *r, pnr_error *err)
{
	int64_t now_ms = 0;
	pnr_status status = pnr_clock_epoch_or_now(&now_ms, err);
	if (status == PNR_OK)
		status = pnr_draft_look(r, err);
	if (status != PNR_OK)
		return status;
	pnr_draft_head(r, now_ms);
	status = put_parts(r, err);
	if (status != PNR_OK)
		return status;
	pnr_page_printf(&r->page,
			"<footer>Written by Pannier %s; all times are UTC. Every figure is a query of"
			" <code>.pannier/pannier.db</code>, an SQLite database with documented views.</footer>\n"
			"</main></body></html>\n",
			pnr_version());
	return pnr_page_end(&r->page, err);
}

static void draft_free(pnr_draft *r)
{
	pnr_page_free(&r->page);
	pnr_buffer_free(&r->name);
}

/* All of it is of one state of the index. */
static pnr_status write_all(pnr_store *store, const pnr_sink *sink, pnr_meter *meter, pnr_report_info *out_info,
			    pnr_error *err)
{
	PNR_CLEANUP(draft_free)
	pnr_draft r = { .page = { .sink = sink, .meter = meter, .text = PNR_BUFFER_INIT },
		     .index = pnr_store_index(store),
		     .info = { .size = sizeof r.info } };
	pnr_status status = pnr_index_hold(r.index, err);
	if (status == PNR_OK)
		status = write_page(&r, err);
	pnr_index_release(r.index);
	/* Whoever cancels at the last report finds no file. */
	if (status == PNR_OK)
		status = pnr_meter_end(meter, err);
	if (status != PNR_OK)
		return status;
	r.info.bytes = r.page.bytes;
	*out_info = r.info;
	return PNR_OK;
}

static pnr_status write_file(pnr_store *store, const char *path, pnr_meter *meter, pnr_report_info *out_info,
			     pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	PNR_CLEANUP(pnr_cleanup_free) char *parent = NULL;
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	PNR_CLEANUP(pnr_temp_discard) pnr_temp temp = PNR_TEMP_INIT;
	pnr_status status = pnr_archive_target(store, path, &target, err);
	if (status != PNR_OK)
		return status;
	parent = pnr_path_dir(target);
	if (parent == NULL)
		return pnr_fail_nomem(err);
	status = pnr_file_make_dirs(AT_FDCWD, parent, err);
	if (status == PNR_OK)
		status = pnr_file_open_dir(AT_FDCWD, parent, &dir, err);
	if (status == PNR_OK)
		status = pnr_temp_file(dir, pnr_path_base(target), &temp, err);
	if (status != PNR_OK) {
		pnr_context(err, "output '%s'", target);
		return status;
	}
	pnr_file_end end = { temp.fd, target };
	const pnr_sink sink = pnr_file_end_sink(&end);
	pnr_report_info info;
	status = write_all(store, &sink, meter, &info, err);
	if (status == PNR_OK)
		status = pnr_temp_publish(&temp, err);
	if (status == PNR_OK)
		*out_info = info;
	return status;
}

pnr_status pnr_report(pnr_store *store, const char *output_path, pnr_write_fn write, void *user,
		      const pnr_report_options *options, pnr_report_info *out_info, pnr_error *err)
{
	pnr_report_options own = { .size = sizeof own };
	pnr_report_info info = { .size = sizeof info };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_report_options", err);
	pnr_meter meter = { .fn = own.progress, .user = own.progress_user };
	if (status == PNR_OK)
		status = pnr_meter_begin(&meter, PNR_PHASE_WRITE, 0, err);
	if (status == PNR_OK && output_path != NULL) {
		status = write_file(store, output_path, &meter, &info, err);
	} else if (status == PNR_OK) {
		pnr_receiver receiver = { write, user };
		const pnr_sink sink = pnr_receiver_sink(&receiver);
		status = write_all(store, &sink, &meter, &info, err);
	}
	if (status == PNR_OK && out_info != NULL)
		*out_info = info;
	return status;
}
