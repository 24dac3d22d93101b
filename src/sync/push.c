/*
 * Pushing, in the order in which things become true:
 *
 *   1. what the package needs, what of it is there, what is to be sent   (push_plan)
 *   2. content is there, proved by the remote against its hashes         (push_send)
 *   3. so is the text of the package, which says how; then the pointer to it: it is visible now, and whole
 *   4. what is known of the remote, the log, what it took: one transaction
 *   5. the tag
 *
 * What ends it after 2 costs nothing twice, after 3 leaves a package that is whole.
 */
#include "sync/push.h"
#include "base/array.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/options.h"
#include "base/path.h"
#include "codec/hash.h"
#include "package/record.h"
#include "sync/presence.h"
#include "sync/remote_package.h"
#include <pannier/package.h>
#include <pannier/remote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_ATTEMPTS 5u
#define TAG_VALUE_SIZE (2 * PNR_DIGEST_HEX_SIZE + 1)

typedef struct pushing {
	pnr_store *store;
	const pnr_named_remote *remote;
	const pnr_push_options *options;
	const char *ref;
	int64_t began_ms;
	double began;
	pnr_stored_archive archive;
	uint64_t blobs; /* different contents of the package */
	pnr_package_key key;
	pnr_package_object there; /* what the remote has of the package, where that was read */
	bool is_read;
	bool visible;             /* something is there under its key */
	bool learn;               /* all that it says is yet to be remembered */
	pnr_text_chain texts;     /* by which it is there, where the pointer was read */
	pnr_object_row text_rows[PNR_TEXT_CHAIN_MAX + 1];
	pnr_package_object texts_there; /* the same, as a plan wants them */
	pnr_push_plan plan;
	pnr_archive_item text;
	pnr_push_plan text_plan;
	pnr_digest text_hash;     /* of the text that is there in the end */
	pnr_push_sent sent;
	pnr_provenance provenance;
	bool at_fault;
} pushing;

static void pushing_free(pushing *p)
{
	pnr_provenance_drop(&p->provenance);
	pnr_push_plan_free(&p->text_plan);
	pnr_push_plan_free(&p->plan);
	pnr_package_object_free(&p->there);
	pnr_stored_archive_free(&p->archive);
}

/* After a call to the remote: that it has something damaged or other than expected is an answer. */
static pnr_status answered(pushing *p, pnr_status status)
{
	p->at_fault |= status != PNR_OK && status != PNR_CORRUPT && status != PNR_CONFLICT &&
	               pnr_remote_at_fault(p->remote->handle);
	return status;
}

/* -------------------------------------------------------------- what is there -- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(pnr_digest));
}

static pnr_status count_blobs(pushing *p, pnr_error *err)
{
	size_t count = p->archive.count - 1;
	PNR_CLEANUP(pnr_cleanup_free) pnr_digest *hashes = calloc(count + 1, sizeof *hashes);
	if (hashes == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < count; i++)
		hashes[i] = p->archive.items[i + 1].blob.hash;
	pnr_array_sort(hashes, count, sizeof *hashes, by_bytes);
	for (size_t i = 0; i < count; i++)
		p->blobs += i == 0 || by_bytes(&hashes[i - 1], &hashes[i]) != 0;
	return PNR_OK;
}

static pnr_status load(pushing *p, pnr_error *err)
{
	pnr_status status = pnr_stored_archive_load(p->store, p->ref, &p->archive, err);
	/* The text of the package is JSON. */
	if (status == PNR_OK && !pnr_utf8_valid(p->archive.name.data, p->archive.name.length))
		status = pnr_fail(err, PNR_INVALID, "the model's name is not UTF-8 and cannot be pushed: pack it with --name");
	if (status == PNR_OK)
		status = count_blobs(p, err);
	p->key.package_hash = p->archive.package.package_hash;
	p->key.manifest_hash = p->archive.archive.manifest_hash;
	return status;
}

static pnr_status look(pushing *p, pnr_error *err)
{
	char key[PNR_KEY_SIZE];
	pnr_remote_query query = { .key = pnr_key_of_package(&p->key.package_hash, &p->key.manifest_hash, key) };
	pnr_status status = answered(p, pnr_remote_has(p->remote->handle, &query, 1, err));
	p->visible = status == PNR_OK && query.status != PNR_NOT_FOUND;
	if (status == PNR_OK && query.status == PNR_CORRUPT && !p->options->heal)
		return pnr_fail(err, PNR_CORRUPT, "remote '%s': '%s' is no object; 'pannier push %s %s --heal' puts it again",
		                p->remote->row.name, key, p->remote->row.name, p->ref);
	return status;
}

static pnr_status read_there(pushing *p, pnr_error *err)
{
	pnr_remote *remote = p->remote->handle;
	uint64_t size = 0;
	pnr_status status = answered(p, pnr_remote_pointer_get(remote, &p->key, &p->texts, &size, err));
	if (status == PNR_OK)
		status = answered(p, pnr_remote_package_read(p->store, remote, &p->key, &p->texts, &p->there, err));
	p->is_read = status == PNR_OK;
	return status;
}

/* Others pushed the package: what they say of its objects is worth knowing, for the next version. */
static pnr_status look_at_known(pushing *p, pnr_error *err)
{
	pnr_ingested text;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_index_remote_package_text(pnr_store_index(p->store), p->remote->row.id, &p->key.package_hash,
	                                                  &p->key.manifest_hash, &p->text_hash, err);
	if (status != PNR_NOT_FOUND)
		return status;
	status = read_there(p, &own);
	p->learn = p->is_read;
	if (status == PNR_OK)
		return pnr_package_text_keep(p->store, &p->there.text, p->there.archive_options, &text, err);
	if (status == PNR_CORRUPT)
		return pnr_fail(err, status, "%s; 'pannier push %s %s --heal' puts it again", own.message, p->remote->row.name,
		                p->ref);
	return pnr_fail_with(err, &own);
}

static pnr_status make_plan(pushing *p, pnr_meter *meter, pnr_error *err)
{
	/* What cannot be read is to be put again; what does not answer is not. */
	if (p->visible && p->options->heal) {
		pnr_error own = PNR_ERROR_INIT;
		pnr_status status = read_there(p, &own);
		if (status != PNR_OK && status != PNR_CORRUPT && status != PNR_NOT_FOUND)
			return pnr_fail_with(err, &own);
	}
	p->plan = (pnr_push_plan){
		.store = p->store,
		.remote = p->remote,
		.archive = &p->archive,
		.name = p->archive.name.data,
		.there = p->is_read ? &p->there : NULL,
		.heal = p->options->heal,
		.whole = p->options->whole,
		.meter = meter,
	};
	return pnr_push_plan_make(&p->plan, err);
}

/* --------------------------------------------------------- the package's text -- */

/* The hash of an object that was found there, as this store would have put it. */
static pnr_status fill_row(pushing *p, pnr_piece *piece, pnr_error *err)
{
	pnr_whole *whole = NULL;
	if (piece->fate != PNR_PIECE_THERE || !piece->found || (piece->found_known && piece->row.form == piece->as.form))
		return PNR_OK;
	pnr_status status = pnr_whole_open(p->store, &piece->item->blob, piece->item->encoding_id, &whole, err);
	if (status == PNR_OK)
		piece->row.stored_hash = *pnr_whole_hash(whole);
	pnr_whole_close(whole);
	return status;
}

static pnr_status list_objects(pushing *p, pnr_package_object *object, pnr_error *err)
{
	pnr_status status = PNR_OK;
	object->objects = calloc(p->plan.count + 1, sizeof *object->objects);
	if (object->objects == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < p->plan.count && status == PNR_OK; i++) {
		if (!p->plan.pieces[i].needed)
			continue;
		status = fill_row(p, &p->plan.pieces[i], err);
		object->objects[object->object_count++] = p->plan.pieces[i].row;
	}
	return status;
}

static pnr_status write_text(pushing *p, pnr_buffer *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	object.archive_hash = p->archive.archive.archive_hash;
	object.archive_size = p->archive.archive.size;
	object.name = strdup(p->archive.name.data);
	object.archive_options = strdup(p->archive.options.data);
	if (object.name == NULL || object.archive_options == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = list_objects(p, &object, err);
	if (status == PNR_OK)
		status = pnr_store_manifest(p->store, p->archive.archive.id, &object.manifest, err);
	return status == PNR_OK ? pnr_package_object_write(&object, out, err) : status;
}

static pnr_status read_memory(void *context, uint64_t offset, void *buffer, size_t length, pnr_error *err)
{
	const pnr_buffer *text = context;
	(void)err;
	memcpy(buffer, text->data + offset, length);
	return PNR_OK;
}

/* Do both name the same objects? Whose zip it was, and how it was made, is the first pusher's to say. */
static bool same_objects(const pushing *p)
{
	size_t count = 0;
	for (size_t i = 0; i < p->plan.count; i++) {
		const pnr_piece *piece = &p->plan.pieces[i];
		if (!piece->needed)
			continue;
		const pnr_object_row *row = pnr_package_object_find(&p->there, &piece->hash);
		if (row == NULL || memcmp(row, &piece->row, sizeof *row) != 0)
			return false;
		count++;
	}
	return count == p->there.object_count;
}

/* The text, as content of this store: later ones are patches on it. */
static pnr_status make_text(pushing *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer made = PNR_BUFFER_INIT;
	const pnr_buffer *text = &made;
	pnr_ingested item;
	pnr_status status = PNR_OK;
	if (p->is_read && same_objects(p))
		text = &p->there.text;
	else
		status = write_text(p, &made, err);
	if (status == PNR_OK && text->length > PNR_MANIFEST_MAX)
		status = pnr_fail(err, PNR_FULL, PNR_TEXT_NAME " would be larger than %u bytes", PNR_MANIFEST_MAX);
	if (status == PNR_OK)
		status = pnr_package_text_keep(p->store, text, p->archive.options.data, &item, err);
	if (status != PNR_OK)
		return status;
	p->text = (pnr_archive_item){ .path = PNR_TEXT_NAME, .blob = item.blob, .encoding_id = item.encoding_id };
	p->text_hash = item.blob.hash;
	return PNR_OK;
}

static pnr_status send_text(pushing *p, pnr_meter *meter, pnr_error *err)
{
	pnr_push_sent sent = { .blobs = 0 };
	p->texts_there = pnr_text_chain_objects(&p->texts, p->text_rows);
	p->text_plan = (pnr_push_plan){
		.store = p->store,
		.remote = p->remote,
		.archive = &p->archive,
		.text = &p->text,
		.name = p->archive.name.data,
		.there = p->texts.count > 0 ? &p->texts_there : NULL,
		.heal = p->options->heal,
		.whole = p->options->whole,
		.meter = meter,
	};
	pnr_status status = pnr_push_plan_make(&p->text_plan, err);
	if (status == PNR_OK)
		status = pnr_push_send(&p->text_plan, p->options->dry_run, &sent, err);
	p->sent.bytes += sent.bytes;
	return status;
}

/* How the text is there now. */
static void follow_text(const pushing *p, pnr_text_chain *out_chain)
{
	const pnr_piece *piece = pnr_push_plan_find(&p->text_plan, &p->text.blob.hash);
	*out_chain = (pnr_text_chain){ .count = 0 };
	while (piece != NULL && out_chain->count < PNR_COUNT(out_chain->rows)) {
		out_chain->rows[out_chain->count++] = piece->row;
		piece = piece->row.form == PNR_OBJECT_PATCH ? pnr_push_plan_find(&p->text_plan, &piece->row.base) : NULL;
	}
}

static bool same_texts(const pnr_text_chain *a, const pnr_text_chain *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = pnr_digest_equal(&a->rows[i].hash, &b->rows[i].hash) && a->rows[i].size == b->rows[i].size;
	return same;
}

static pnr_status put_pointer(pushing *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	char key[PNR_KEY_SIZE];
	pnr_text_chain chain;
	follow_text(p, &chain);
	if (same_texts(&chain, &p->texts))
		return PNR_OK;
	pnr_status status = pnr_text_chain_write(&chain, &text, err);
	pnr_remote_upload upload = {
		.key = pnr_key_of_package(&p->key.package_hash, &p->key.manifest_hash, key),
		.body = { .read = read_memory, .context = &text },
		.size = text.length,
		/* With --heal: what is there is damaged, or names texts that are. */
		.mode = p->visible ? PNR_REMOTE_REPLACE : PNR_REMOTE_IF_ABSENT,
	};
	if (status == PNR_OK)
		status = pnr_hash_memory(text.data, text.length, &upload.hash, NULL, err);
	if (status == PNR_OK && !p->options->dry_run)
		status = answered(p, pnr_remote_put(p->remote->handle, &upload, 1, err));
	if (status == PNR_OK && (p->options->dry_run || upload.outcome == PNR_REMOTE_PUT))
		p->sent.bytes += text.length;
	return status;
}

/* ------------------------------------------------------------ what is remembered -- */

static pnr_status put_presence(const pushing *p, const pnr_push_plan *plan, int64_t now, pnr_error *err)
{
	pnr_index *index = pnr_store_index(p->store);
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < plan->count && status == PNR_OK; i++) {
		const pnr_piece *piece = &plan->pieces[i];
		const pnr_presence_row presence = pnr_presence_of_object(&piece->row, now);
		/* What the package there said is not yet in the index. */
		bool news = !piece->known || plan->there != NULL || memcmp(&piece->as, &piece->row, sizeof piece->as) != 0;
		if (piece->known && piece->fate == PNR_PIECE_LOST)
			status = pnr_index_presence_forget(index, p->remote->row.id, &piece->hash, err);
		else if (piece->needed && piece->fate != PNR_PIECE_LOST && news)
			status = pnr_index_presence_put(index, p->remote->row.id, &presence, err);
	}
	return status;
}

static pnr_status put_package(pushing *p, int64_t now, pnr_error *err)
{
	pnr_index *index = pnr_store_index(p->store);
	const pnr_remote_package_row row = {
		.package_hash = p->key.package_hash,
		.manifest_hash = p->key.manifest_hash,
		.archive_hash = p->archive.archive.archive_hash,
		.text_hash = p->text_hash,
		.name = p->archive.name.data,
		.at_ms = now,
	};
	if (p->learn)
		return pnr_presence_learn(index, p->remote->row.id, &p->there, now, err);
	pnr_status status = put_presence(p, &p->plan, now, err);
	if (status == PNR_OK)
		status = put_presence(p, &p->text_plan, now, err);
	return status == PNR_OK ? pnr_index_remote_package_put(index, p->remote->row.id, &row, err) : status;
}

static pnr_status put_log(pushing *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer options = PNR_BUFFER_INIT;
	pnr_buffer_puts(&options, "{\"remote\":");
	pnr_json_quote(&options, p->remote->row.name, strlen(p->remote->row.name));
	pnr_buffer_printf(&options, ",\"heal\":%s}", p->options->heal ? "true" : "false");
	pnr_status status = pnr_buffer_status(&options, err);
	if (status != PNR_OK)
		return status;
	pnr_log_row row = {
		.event = "push",
		.package_id = p->archive.package.package_id,
		.archive_id = p->archive.archive.id,
		.name = p->archive.name.data,
		.note = "",
		.options = options.data,
	};
	return pnr_record_log(pnr_store_index(p->store), &row, &p->provenance, err);
}

static pnr_status put_transfer(const pushing *p, const char *outcome, pnr_error *err)
{
	const pnr_transfer_row row = {
		.remote = p->remote->row.name,
		.url = p->remote->row.url,
		.direction = "push",
		.package_hash = p->key.package_hash,
		.archive_hash = p->archive.archive.archive_hash,
		.at_ms = p->began_ms,
		.seconds = pnr_clock_monotonic() - p->began,
		.blobs_needed = p->blobs,
		.blobs_sent = p->sent.blobs,
		.blobs_patched = p->sent.patched,
		.bytes_sent = p->sent.bytes,
		.bytes_full = p->archive.archive.size,
		.outcome = outcome,
	};
	return pnr_index_transfer_put(pnr_store_index(p->store), &row, err);
}

static pnr_status remember_success(void *user, pnr_error *err)
{
	pushing *p = user;
	pnr_status status = put_package(p, pnr_clock_now_ms(), err);
	if (status == PNR_OK)
		status = put_log(p, err);
	return status == PNR_OK ? put_transfer(p, "done", err) : status;
}

typedef struct failure {
	const pushing *pushing;
	pnr_status status;
} failure;

static pnr_status remember_failure(void *user, pnr_error *err)
{
	const failure *f = user;
	return put_transfer(f->pushing, pnr_status_name(f->status), err);
}

/* ----------------------------------------------------------------------- the tag -- */

/* May a tag that holds @found be moved? Only from a package that is known here. */
static pnr_status check_tag(const pushing *p, const pnr_buffer *found, pnr_error *err)
{
	pnr_package_key names;
	char hex[PNR_DIGEST_HEX_SIZE];
	int64_t id;
	const char *remote = p->remote->row.name;
	if (!pnr_package_key_of_tag(found->data, found->length, &names))
		return pnr_fail(err, PNR_CONFLICT, "remote '%s': what it has as tag '%s' is none of ours; the package was pushed",
		                remote, p->ref);
	pnr_status status = pnr_index_package_find(pnr_store_index(p->store), &names.package_hash, &id, err);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CONFLICT,
		                "remote '%s': tag '%s' names package %s there, which this store does not know: someone else "
		                "moved it. The package was pushed; 'pannier pull %s %s' gets to know the other one, then "
		                "push again",
		                remote, p->ref, pnr_digest_to_hex(&names.package_hash, hex), remote, p->ref);
	return status;
}

static pnr_status put_tag(pushing *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer found = PNR_BUFFER_INIT;
	char key[PNR_KEY_SIZE], text[TAG_VALUE_SIZE], package[PNR_DIGEST_HEX_SIZE], manifest[PNR_DIGEST_HEX_SIZE];
	(void)snprintf(text, sizeof text, "%s/%s\n", pnr_digest_to_hex(&p->key.package_hash, package),
	               pnr_digest_to_hex(&p->key.manifest_hash, manifest));
	const pnr_remote_ref value = { text, strlen(text) };
	pnr_status status = pnr_key_of_tag(p->ref, key, err);
	for (unsigned i = 0; i < TAG_ATTEMPTS && status == PNR_OK; i++) {
		pnr_error own = PNR_ERROR_INIT;
		PNR_CLEANUP(pnr_buffer_free) pnr_buffer expected = found;
		found = (pnr_buffer)PNR_BUFFER_INIT;
		const pnr_remote_ref from = { expected.data, expected.length };
		status = answered(p, pnr_remote_swap_ref(p->remote->handle, key, &from, &value, &found, &own));
		if (status != PNR_CONFLICT)
			return status == PNR_OK ? PNR_OK : pnr_fail_with(err, &own);
		status = found.length == 0 ? PNR_OK : check_tag(p, &found, err);
	}
	return status == PNR_OK ? pnr_fail(err, PNR_BUSY, "remote '%s': tag '%s' is being moved by others; push again",
	                                   p->remote->row.name, p->ref)
	                        : status;
}

/* ---------------------------------------------------------------------- together -- */

static pnr_status send(pushing *p, pnr_meter *meter, pnr_error *err)
{
	pnr_status status = make_plan(p, meter, err);
	if (status == PNR_OK)
		status = pnr_push_send(&p->plan, p->options->dry_run, &p->sent, err);
	if (status == PNR_OK)
		status = make_text(p, err);
	if (status == PNR_OK)
		status = send_text(p, meter, err);
	p->at_fault |= (p->plan.remote_failed || p->text_plan.remote_failed) && status != PNR_OK && status != PNR_CORRUPT;
	return status == PNR_OK ? put_pointer(p, err) : status;
}

static pnr_status run(pushing *p, pnr_meter *meter, pnr_error *err)
{
	pnr_status status = load(p, err);
	if (status == PNR_OK)
		status = look(p, err);
	if (status != PNR_OK)
		return status;
	pnr_provenance_start(&p->provenance, NULL);
	status = p->visible && !p->options->heal ? look_at_known(p, err) : send(p, meter, err);
	if (p->options->dry_run)
		return status;
	failure failed = { p, status };
	if (status != PNR_OK) {
		pnr_ignore(pnr_store_transaction(p->store, remember_failure, &failed, NULL));
		return status;
	}
	pnr_provenance_finish(&p->provenance);
	status = pnr_store_transaction(p->store, remember_success, p, err);
	if (status == PNR_OK && pnr_tag_check(p->ref, NULL) == PNR_OK)
		status = put_tag(p, err);
	return status;
}

pnr_status pnr_push_through(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                            const pnr_push_options *options, pnr_meter *meter, pnr_push_result *out_result,
                            bool *out_at_fault, pnr_error *err)
{
	PNR_CLEANUP(pushing_free) pushing p = {
		.store = store,
		.remote = remote,
		.options = options,
		.ref = ref,
		.began_ms = pnr_clock_now_ms(),
		.began = pnr_clock_monotonic(),
		.archive = PNR_STORED_ARCHIVE_INIT,
		.there = PNR_PACKAGE_OBJECT_INIT,
		.provenance = { .git = -1, .git_output = -1 },
	};
	pnr_status status = run(&p, meter, err);
	*out_at_fault |= status != PNR_OK && p.at_fault;
	if (status != PNR_OK)
		return status;
	*out_result = (pnr_push_result){
		.size = sizeof *out_result,
		.package_hash = p.key.package_hash,
		.archive_hash = p.archive.archive.archive_hash,
		.was_there = p.visible,
		.blobs_needed = p.blobs,
		.blobs_sent = p.sent.blobs,
		.blobs_patched = p.sent.patched,
		.blobs_damaged = p.plan.damaged + p.text_plan.damaged,
		.bytes_sent = p.sent.bytes,
		.bytes_full = p.archive.archive.size,
		.seconds = pnr_clock_monotonic() - p.began,
	};
	return PNR_OK;
}

static pnr_status open_remote(pnr_store *store, const char *name, const pnr_remote_options *options,
                              pnr_named_remote *out_remote, bool *out_at_fault, pnr_error *err)
{
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_named_remote_open(store, name, options, out_remote, out_at_fault, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (status == PNR_NOT_FOUND && *out_at_fault && !options->create)
		return pnr_fail(err, status, "%s; only a push that is no dry run makes an empty or missing folder a remote",
		                own.message);
	return pnr_fail_with(err, &own);
}

pnr_status pnr_push(pnr_store *store, const char *remote, const char *ref, const pnr_push_options *options,
                    pnr_push_result *out_result, bool *out_at_fault, pnr_error *err)
{
	PNR_CLEANUP(pnr_named_remote_close) pnr_named_remote named = PNR_NAMED_REMOTE_INIT;
	pnr_push_options own = { .size = sizeof own };
	pnr_ref_row row;
	bool at_fault = false;
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_push_options", err);
	if (status != PNR_OK)
		return status;
	if (pnr_store_read_only(store))
		return pnr_fail(err, PNR_DENIED, "the store was opened read-only");
	pnr_meter meter = { .fn = own.progress, .user = own.progress_user };
	const pnr_remote_options open = { .create = !own.dry_run, .meter = &meter };
	/* A package that is not here is told before a remote is made for it. */
	status = pnr_store_ref(store, ref, &row, err);
	if (status == PNR_OK)
		status = open_remote(store, remote, &open, &named, &at_fault, err);
	if (status == PNR_OK)
		status = pnr_push_through(store, &named, ref, &own, &meter, out_result, &at_fault, err);
	if (out_at_fault != NULL)
		*out_at_fault = at_fault;
	return status;
}
