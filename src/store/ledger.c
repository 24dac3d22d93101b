/* Is the log as it was written? Every entry's hash is computed again; schema/README.md says of what. */
#include "codec/hash.h"
#include "index/history.h"
#include "store/internal.h"
#include <pannier/history.h>
#include <stdio.h>

typedef struct checking {
	pnr_log_check found;
	const pnr_digest *expect;
	bool met; /* an entry has the hash that is expected */
	pnr_buffer text;
} checking;

static void checking_free(checking *c)
{
	pnr_buffer_free(&c->text);
}

static pnr_status fail_entry(checking *c, int64_t id, const char *problem, pnr_error *err)
{
	c->found.bad = id;
	(void)snprintf(c->found.problem, sizeof c->found.problem, "%s", problem);
	return pnr_fail(err, PNR_CORRUPT, "log entry %lld: %s", (long long)id, problem);
}

static pnr_status check_entry(void *user, const pnr_log_row *row, pnr_error *err)
{
	checking *c = user;
	pnr_digest hash;
	pnr_buffer_clear(&c->text);
	pnr_status status = pnr_index_log_row_text(row, &c->text, err);
	if (status == PNR_OK)
		status = pnr_hash_memory(c->text.data, c->text.length, &hash, NULL, err);
	if (status != PNR_OK)
		return status;
	if (!pnr_digest_equal(&row->previous_hash, &c->found.head_hash))
		return fail_entry(c, row->id,
		                  "it does not continue the entry before it: one was changed, removed or put in there",
		                  err);
	if (!pnr_digest_equal(&row->entry_hash, &hash))
		return fail_entry(c, row->id, "it was changed: its hash is not that of what it says", err);
	c->met = c->met || (c->expect != NULL && pnr_digest_equal(c->expect, &hash));
	c->found.entries++;
	c->found.head = row->id;
	c->found.head_hash = hash;
	return PNR_OK;
}

static pnr_status check_extent(checking *c, pnr_store *store, pnr_error *err)
{
	uint64_t count = 0;
	int64_t last_id = 0;
	pnr_status status = pnr_index_log_extent(store->index, &count, &last_id, err);
	if (status != PNR_OK)
		return status;
	if (count != c->found.entries)
		return fail_entry(c, c->found.head + 1, "its package is no more", err);
	if (last_id > c->found.head)
		return fail_entry(c, c->found.head + 1, "it was removed, and what followed it", err);
	return PNR_OK;
}

static pnr_status check(checking *c, pnr_store *store, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_index_log_walk(store->index, check_entry, c, &own);
	/* A row that cannot even be read. */
	if (status == PNR_CORRUPT && c->found.bad == 0)
		return fail_entry(c, c->found.head + 1, "it, or the first one after it, holds what no entry may hold",
		                  err);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	return check_extent(c, store, err);
}

pnr_status pnr_store_log_check(pnr_store *store, const pnr_digest *expect, pnr_log_check *out_check, pnr_error *err)
{
	PNR_CLEANUP(checking_free) checking c = {
		.found = { .size = sizeof c.found },
		.expect = expect,
		.text = PNR_BUFFER_INIT,
	};
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_status status = pnr_index_hold(store->index, err);
	if (status == PNR_OK)
		status = check(&c, store, err);
	pnr_index_release(store->index);
	if (status == PNR_OK || c.found.bad != 0)
		*out_check = c.found;
	if (status == PNR_OK && expect != NULL && !c.met)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "no entry of the log has the hash %s: it was changed or removed, or the hash is "
		                "another store's",
		                pnr_digest_to_hex(expect, hex));
	return status;
}
