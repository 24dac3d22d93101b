/* Remotes by name: added, listed, removed. */
#include "base/clock.h"
#include "index/remote.h"
#include "remote/url.h"
#include "store/store.h"
#include <pannier/remote.h>
#include <string.h>

typedef struct change {
	pnr_store *store;
	pnr_remote_row row;
} change;

static pnr_status put(void *user, pnr_error *err)
{
	change *c = user;
	return pnr_index_remote_put(pnr_store_index(c->store), &c->row, err);
}

static pnr_status drop(void *user, pnr_error *err)
{
	const change *c = user;
	return pnr_index_remote_remove(pnr_store_index(c->store), c->row.name, err);
}

pnr_status pnr_store_remote_add(pnr_store *store, const char *name, const char *url, pnr_error *err)
{
	PNR_CLEANUP(pnr_remote_url_free) pnr_remote_url parsed = { .text = NULL };
	pnr_error own = PNR_ERROR_INIT;
	/* One rule for names. */
	if (pnr_tag_check(name, &own) != PNR_OK) {
		const char *reason = strstr(own.message, ": ");
		return pnr_fail(err, PNR_INVALID, "'%s' cannot be a remote's name%s", name, reason == NULL ? "" : reason);
	}
	pnr_status status = pnr_remote_url_parse(url, &parsed, err);
	if (status != PNR_OK)
		return status;
	change c = { store, { .name = name, .url = parsed.text, .added_ms = pnr_clock_now_ms() } };
	return pnr_store_transaction(store, put, &c, err);
}

pnr_status pnr_store_remote_remove(pnr_store *store, const char *name, pnr_error *err)
{
	change c = { store, { .name = name } };
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_store_transaction(store, drop, &c, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, status, "no remote '%s'; 'pannier remote list' lists what there is", name);
	return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
}

typedef struct listing {
	pnr_remote_info_fn fn;
	void *user;
} listing;

static int report(void *user, const pnr_remote_row *row)
{
	const listing *l = user;
	char added[PNR_TIME_TEXT_SIZE];
	const pnr_remote_info info = {
		.size = sizeof info,
		.name = row->name,
		.url = row->url,
		.added_at = pnr_clock_format(row->added_ms, added),
	};
	return l->fn(l->user, &info);
}

pnr_status pnr_store_remote_list(pnr_store *store, pnr_remote_info_fn fn, void *user, pnr_error *err)
{
	listing l = { fn, user };
	return pnr_index_remote_list(pnr_store_index(store), report, &l, err);
}
