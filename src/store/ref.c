/* REFs: which package, archive or blob a text names. */
#include "base/clock.h"
#include "store/internal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_MIN 4u
#define HEX "0123456789abcdef"
#define TAG_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define LATEST "latest"

static bool all_of(const char *text, const char *set)
{
	return text[strspn(text, set)] == '\0';
}

static bool is_prefix(const char *text)
{
	size_t length = strlen(text);
	return length >= PREFIX_MIN && length < PNR_DIGEST_HEX_SIZE && all_of(text, HEX);
}

pnr_status pnr_tag_check(const char *name, pnr_error *err)
{
	size_t length = strlen(name);
	const char *reason = NULL;
	if (length == 0)
		reason = "it is empty";
	else if (length > 255)
		reason = "it is longer than 255 characters";
	else if (!all_of(name, TAG_CHARACTERS))
		reason = "only letters, digits, '.', '_' and '-' may be in it";
	else if (all_of(name, HEX "ABCDEF"))
		reason = "it would look like a hash";
	else if (strncmp(name, LATEST, strlen(LATEST)) == 0)
		reason = "'latest...' is taken";
	else if (length > 4 && strcmp(name + length - 4, ".zip") == 0)
		reason = "it would look like a file";
	else if (name[0] == '-')
		reason = "it would look like an option";
	return reason == NULL ? PNR_OK : pnr_fail(err, PNR_INVALID, "'%s' cannot be a tag: %s", name, reason);
}

static pnr_status none(const char *ref, const char *what, pnr_error *err)
{
	return pnr_fail(err, PNR_NOT_FOUND, "no %s '%s' in this store; 'pannier log' lists what there is", what,
	                ref);
}

static pnr_status latest(pnr_store *store, const char *ref, const char *name, const char *rest, pnr_ref_row *out_row,
                         pnr_error *err)
{
	uint64_t skip = 0;
	if (rest[0] == '~') {
		char *end = NULL;
		errno = 0;
		skip = strtoull(rest + 1, &end, 10);
		if (rest[1] < '0' || rest[1] > '9' || *end != '\0' || errno != 0)
			return pnr_fail(err, PNR_INVALID, "'%s' is not a package: a number must follow the '~'", ref);
	} else if (rest[0] != '\0') {
		return pnr_fail(err, PNR_INVALID, "'%s' is not a package: it may be 'latest' or 'latest~N'", ref);
	}
	pnr_status status = pnr_index_ref_latest(store->index, name, skip, out_row, err);
	return status == PNR_NOT_FOUND ? none(ref, "package", err) : status;
}

pnr_status pnr_store_ref(pnr_store *store, const char *ref, pnr_ref_row *out_row, pnr_error *err)
{
	size_t length = strlen(LATEST);
	if (strncmp(ref, LATEST, length) == 0)
		return latest(store, ref, NULL, ref + length, out_row, err);
	const char *at = strrchr(ref, '@');
	if (at != NULL && strncmp(at + 1, LATEST, length) == 0) {
		PNR_CLEANUP(pnr_cleanup_free) char *name = strndup(ref, (size_t)(at - ref));
		if (name == NULL)
			return pnr_fail_nomem(err);
		return latest(store, ref, name, at + 1 + length, out_row, err);
	}
	if (is_prefix(ref)) {
		pnr_status status = pnr_index_ref_prefix(store->index, ref, out_row, err);
		return status == PNR_NOT_FOUND ? none(ref, "package", err) : status;
	}
	pnr_status status = pnr_tag_check(ref, NULL);
	if (status != PNR_OK)
		return pnr_fail(err, PNR_INVALID,
		                "'%s' is not a package: give a hash or 4 or more digits of it, latest, latest~N, "
		                "a tag or NAME@latest",
		                ref);
	status = pnr_index_ref_tag(store->index, ref, out_row, err);
	return status == PNR_NOT_FOUND ? none(ref, "package or tag", err) : status;
}

pnr_status pnr_store_asset(pnr_store *store, const char *what, pnr_blob_row *out_blob, pnr_error *err)
{
	const char *colon = strchr(what, ':');
	if (colon == NULL) {
		if (!is_prefix(what))
			return pnr_fail(err, PNR_INVALID,
			                "'%s' is not an asset: give its hash, 4 or more digits of it, or REF:PATH", what);
		pnr_status status = pnr_index_blob_prefix(store->index, what, out_blob, err);
		return status == PNR_NOT_FOUND ? none(what, "asset", err) : status;
	}
	PNR_CLEANUP(pnr_cleanup_free) char *ref = strndup(what, (size_t)(colon - what));
	if (ref == NULL)
		return pnr_fail_nomem(err);
	pnr_ref_row row;
	pnr_status status = pnr_store_ref(store, ref, &row, err);
	if (status == PNR_OK)
		status = pnr_index_package_blob(store->index, row.package_id, colon + 1, out_blob, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND,
		                "package '%s' has no asset '%s'; 'pannier show %s' lists what it has", ref, colon + 1,
		                ref);
	return status;
}

pnr_status pnr_store_cat(pnr_store *store, const char *what, pnr_write_fn write, void *user, pnr_error *err)
{
	pnr_blob_row blob;
	pnr_status status = pnr_store_asset(store, what, &blob, err);
	if (status != PNR_OK)
		return status;
	pnr_receiver receiver = { write, user };
	pnr_sink sink = pnr_receiver_sink(&receiver);
	return pnr_store_read_blob(store, &blob, &sink, err);
}

typedef struct tag_work {
	pnr_store *store;
	const char *tag;
	pnr_ref_row row;
	int64_t at_ms;
	bool force;
} tag_work;

static pnr_status put_tag(void *user, pnr_error *err)
{
	tag_work *work = user;
	return pnr_index_tag_put(work->store->index, work->tag, work->row.package_id, work->row.archive_id,
	                         work->at_ms, work->force, err);
}

pnr_status pnr_store_tag(pnr_store *store, const char *tag, const char *ref, bool force, pnr_error *err)
{
	tag_work work = { .store = store, .tag = tag, .at_ms = pnr_clock_now_ms(), .force = force };
	pnr_status status = pnr_tag_check(tag, err);
	if (status == PNR_OK)
		status = pnr_store_ref(store, ref, &work.row, err);
	if (status == PNR_OK)
		status = pnr_store_transaction(store, put_tag, &work, err);
	return status;
}
