/*
 * What of a package is on a remote, and what is to be sent: of its assets, and
 * then, when it is known how they are there, of the text that says so.
 *
 * What is remembered of the remote says what to ask for; only what the remote
 * itself says is there counts. A patch is there if what it stands on is.
 */
#include "base/array.h"
#include "codec/patch.h"
#include "sync/object_read.h"
#include "sync/presence.h"
#include "sync/push.h"
#include <stdlib.h>
#include <string.h>

static int by_hash(const void *a, const void *b)
{
	return memcmp(&((const pnr_piece *)a)->hash, &((const pnr_piece *)b)->hash, sizeof(pnr_digest));
}

pnr_piece *pnr_push_plan_find(const pnr_push_plan *plan, const pnr_digest *hash)
{
	const pnr_piece key = { .hash = *hash };
	return plan->count == 0 ? NULL : bsearch(&key, plan->pieces, plan->count, sizeof key, by_hash);
}

void pnr_push_plan_free(pnr_push_plan *plan)
{
	free(plan->pieces);
	plan->pieces = NULL;
	plan->count = plan->capacity = 0;
}

/* ------------------------------------------------------------------- pieces -- */

/* How deep a patch may be. */
static unsigned chain_max(const pnr_push_plan *plan)
{
	return plan->text != NULL ? PNR_TEXT_CHAIN_MAX : PNR_CHAIN_MAX;
}

static pnr_status add_piece(pnr_push_plan *plan, const pnr_piece *piece, pnr_error *err)
{
	pnr_piece *pieces = pnr_array_grow(plan->pieces, sizeof *pieces, plan->count, &plan->capacity);
	if (pieces == NULL)
		return pnr_fail_nomem(err);
	plan->pieces = pieces;
	plan->pieces[plan->count++] = *piece;
	return PNR_OK;
}

typedef struct adding {
	pnr_push_plan *plan;
	size_t item; /* of the archive */
} adding;

static pnr_status add_asset(void *user, const char *form, uint64_t stored_size, pnr_error *err)
{
	adding *a = user;
	const pnr_stored_archive *archive = a->plan->archive;
	size_t i = a->item++;
	/* The manifest comes first, and is no asset. */
	if (i == 0 || i >= archive->count)
		return PNR_OK;
	const pnr_archive_item *item = &archive->items[i];
	pnr_piece piece = { .hash = item->blob.hash, .size = item->blob.size, .item = item };
	if (!pnr_whole_measure(form, stored_size, piece.size, &piece.gzip, &piece.whole_size))
		return pnr_fail(err, PNR_CORRUPT, "the index describes an impossible encoding of '%s'", item->path);
	return add_piece(a->plan, &piece, err);
}

/* One piece for content that several assets have. */
static void merge_pieces(pnr_push_plan *plan)
{
	size_t kept = 0;
	pnr_array_sort(plan->pieces, plan->count, sizeof *plan->pieces, by_hash);
	for (size_t i = 0; i < plan->count; i++)
		if (kept == 0 || by_hash(&plan->pieces[kept - 1], &plan->pieces[i]) != 0)
			plan->pieces[kept++] = plan->pieces[i];
	plan->count = kept;
}

/* Others may be wrong about the size of a base; of content that was here once it is known. */
static pnr_status correct_size(const pnr_push_plan *plan, pnr_piece *piece, pnr_error *err)
{
	pnr_blob_row blob;
	if (!piece->known || piece->item != NULL)
		return PNR_OK;
	pnr_status status = pnr_index_blob_find(pnr_store_index(plan->store), &piece->hash, &blob, err);
	if (status == PNR_OK)
		piece->size = piece->as.size = blob.size;
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

/* What is known of a piece: from the package there, else from the index. */
static pnr_status recall(const pnr_push_plan *plan, pnr_piece *piece, pnr_error *err)
{
	const pnr_object_row *row = plan->there == NULL ? NULL : pnr_package_object_find(plan->there, &piece->hash);
	if (row != NULL) {
		piece->as = *row;
		piece->size = row->size;
		piece->known = true;
		return correct_size(plan, piece, err);
	}
	pnr_presence_row presence;
	pnr_status status =
		pnr_index_presence_find(pnr_store_index(plan->store), plan->remote->row.id, &piece->hash, &presence, err);
	if (status == PNR_OK && (piece->item == NULL || presence.size == piece->size)) {
		piece->as = pnr_object_of_presence(&presence);
		piece->size = presence.size;
		/* An asset of the same content may be as no text may be. */
		piece->known = plan->text == NULL || piece->as.form != PNR_OBJECT_STORED;
		status = correct_size(plan, piece, err);
	}
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

/* Bases of known patches become pieces as well, and theirs: as deep as chains go, lest memory leads in a circle. */
static pnr_status add_bases(pnr_push_plan *plan, pnr_error *err)
{
	size_t sorted = plan->count, i = 0;
	pnr_status status = PNR_OK;
	for (unsigned step = 0; step < PNR_CHAIN_MAX; step++) {
		for (size_t end = plan->count; i < end && status == PNR_OK; i++) {
			if (!plan->pieces[i].known || plan->pieces[i].as.form != PNR_OBJECT_PATCH)
				continue;
			pnr_piece base = { .hash = plan->pieces[i].as.base };
			if (bsearch(&base, plan->pieces, sorted, sizeof base, by_hash) != NULL)
				continue;
			status = recall(plan, &base, err);
			/* Behind the sorted ones one base may stand twice, until they are merged. */
			if (status == PNR_OK && base.known)
				status = add_piece(plan, &base, err);
		}
	}
	merge_pieces(plan);
	return status;
}

static pnr_status add_assets(pnr_push_plan *plan, pnr_error *err)
{
	adding a = { plan, 0 };
	pnr_index *index = pnr_store_index(plan->store);
	pnr_status status = pnr_index_archive_forms(index, plan->archive->archive.id, add_asset, &a, err);
	if (status == PNR_OK && a.item != plan->archive->count)
		status = pnr_fail(err, PNR_CORRUPT, "the index lists another number of encodings than the archive has entries");
	return status;
}

/* The text, and with heal those that the remote has the package's text by. */
static pnr_status add_texts(pnr_push_plan *plan, pnr_error *err)
{
	const pnr_archive_item *item = plan->text;
	pnr_piece piece = { .hash = item->blob.hash, .size = item->blob.size, .item = item };
	pnr_whole *whole = NULL;
	pnr_status status = pnr_whole_open(plan->store, &item->blob, item->encoding_id, &whole, err);
	if (status != PNR_OK)
		return status;
	piece.gzip = pnr_whole_gzip(whole);
	piece.whole_size = pnr_whole_size(whole);
	pnr_whole_close(whole);
	/* Half of each hash is known: it has hex digits. */
	if (!piece.gzip)
		return pnr_fail(err, PNR_CORRUPT, PNR_TEXT_NAME " is not compressed, and always shrinks");
	status = add_piece(plan, &piece, err);
	for (size_t i = 0; plan->there != NULL && i < plan->there->object_count && status == PNR_OK; i++) {
		const pnr_object_row *row = &plan->there->objects[i];
		const pnr_piece other = { .hash = row->hash, .size = row->size, .of_others = true };
		if (!pnr_digest_equal(&row->hash, &piece.hash))
			status = add_piece(plan, &other, err);
	}
	return status;
}

static pnr_status collect(pnr_push_plan *plan, pnr_error *err)
{
	pnr_status status = plan->text != NULL ? add_texts(plan, err) : add_assets(plan, err);
	merge_pieces(plan);
	for (size_t i = 0; i < plan->count && status == PNR_OK; i++)
		status = recall(plan, &plan->pieces[i], err);
	return status == PNR_OK ? add_bases(plan, err) : status;
}

/* ------------------------------------------------------------------- asking -- */

typedef struct question {
	size_t piece;
	bool of_known; /* else of the whole, as it would be sent */
	char key[PNR_KEY_SIZE];
} question;

/* The object that would be sent of an asset that goes whole; its hash is yet to be found. */
static pnr_object_row whole_row(const pnr_piece *piece)
{
	return (pnr_object_row){
		.hash = piece->hash,
		.size = piece->size,
		.form = piece->gzip ? PNR_OBJECT_GZIP : PNR_OBJECT_STORED,
		.stored_size = piece->whole_size,
	};
}

static size_t questions_of(const pnr_push_plan *plan, size_t i, question *out)
{
	const pnr_piece *piece = &plan->pieces[i];
	size_t count = 0;
	if (piece->asked)
		return 0;
	if (piece->known) {
		out[count] = (question){ .piece = i, .of_known = true };
		pnr_key_of_object(&piece->as, out[count++].key);
	}
	const pnr_object_row whole = whole_row(piece);
	if (piece->item != NULL && !(piece->known && piece->as.form == whole.form)) {
		out[count] = (question){ .piece = i };
		pnr_key_of_object(&whole, out[count++].key);
	}
	return count;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const question *)a)->key, ((const question *)b)->key);
}

static void note_answer(pnr_push_plan *plan, const question *asked, const pnr_remote_query *answer)
{
	pnr_piece *piece = &plan->pieces[asked->piece];
	bool there = answer->status == PNR_OK;
	piece->asked = true;
	/* Something else is in its place: only healing may replace it. */
	piece->damaged |= answer->status == PNR_CORRUPT;
	if (asked->of_known)
		piece->found_known = there;
	else
		piece->found = there;
}

/* What of the pieces that were not asked for yet is there? */
static pnr_status ask(pnr_push_plan *plan, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) question *asked = calloc(2 * plan->count + 1, sizeof *asked);
	PNR_CLEANUP(pnr_cleanup_free) pnr_remote_query *queries = calloc(2 * plan->count + 1, sizeof *queries);
	size_t count = 0;
	if (asked == NULL || queries == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < plan->count; i++)
		count += questions_of(plan, i, asked + count);
	/* Sorted keys are asked for fastest. */
	pnr_array_sort(asked, count, sizeof *asked, by_key);
	for (size_t i = 0; i < count; i++)
		queries[i].key = asked[i].key;
	pnr_status status = pnr_remote_has(plan->remote->handle, queries, count, err);
	plan->remote_failed |= status != PNR_OK && pnr_remote_at_fault(plan->remote->handle);
	for (size_t i = 0; i < count && status == PNR_OK; i++)
		note_answer(plan, &asked[i], &queries[i]);
	return status;
}

/* ------------------------------------------------------------------- deciding -- */

static pnr_piece *base_of(const pnr_push_plan *plan, const pnr_piece *piece)
{
	return pnr_push_plan_find(plan, &piece->row.base);
}

static void decide(const pnr_push_plan *plan, pnr_piece *piece, unsigned steps);

/* Can @piece be a patch on what its row names? Then its depth is known. */
static bool stands(const pnr_push_plan *plan, pnr_piece *piece, unsigned steps)
{
	pnr_piece *base = base_of(plan, piece);
	if (base == NULL || base == piece || steps == 0)
		return false;
	decide(plan, base, steps - 1);
	/* Two that stand on each other: the other one was decided with this one whole, and it remains so. */
	if (piece->fate != PNR_PIECE_OPEN || (base->fate != PNR_PIECE_THERE && base->fate != PNR_PIECE_SEND))
		return false;
	piece->row.depth = base->row.depth + 1;
	base->carries = base->fate == PNR_PIECE_SEND;
	return piece->row.depth <= chain_max(plan);
}

/* Does the store have the content? Who fails to find out has it not. */
static bool is_here(const pnr_push_plan *plan, const pnr_piece *piece)
{
	pnr_index *index = pnr_store_index(plan->store);
	pnr_blob_row blob;
	int64_t encoding = 0;
	return piece->item != NULL ||
	       (pnr_index_blob_find(index, &piece->hash, &blob, NULL) == PNR_OK &&
	        pnr_index_encoding_find(index, blob.id, "", 0, true, &encoding, NULL) == PNR_OK);
}

/* What goes again goes as it was, if it can: others may stand on it. */
static void decide_again(const pnr_push_plan *plan, pnr_piece *piece, unsigned steps)
{
	piece->same_form = piece->as.form != PNR_OBJECT_PATCH;
	if (!piece->same_form && !stands(plan, piece, steps))
		piece->row = whole_row(piece);
	piece->fate = is_here(plan, piece) ? PNR_PIECE_SEND : PNR_PIECE_LOST;
}

/* From what was found there. @steps: how far down a chain may still lead. */
static void decide(const pnr_push_plan *plan, pnr_piece *piece, unsigned steps)
{
	if (piece->fate != PNR_PIECE_OPEN)
		return;
	piece->row = piece->as;
	piece->same_form = false;
	if (piece->found_known && (piece->as.form != PNR_OBJECT_PATCH || stands(plan, piece, steps))) {
		piece->fate = PNR_PIECE_THERE;
	} else if (piece->found && !(plan->heal && piece->known && piece->as.form != PNR_OBJECT_PATCH)) {
		piece->row = whole_row(piece);
		piece->fate = PNR_PIECE_THERE;
	} else if (plan->heal && piece->known) {
		decide_again(plan, piece, steps);
	} else if (piece->item != NULL) {
		piece->row = whole_row(piece);
		piece->fate = PNR_PIECE_SEND;
	} else {
		piece->fate = PNR_PIECE_LOST;
	}
}

static void decide_all(pnr_push_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		decide(plan, &plan->pieces[i], chain_max(plan));
}

/* ------------------------------------------------------------------- healing -- */

/* Read all that is there, and what is damaged is not. */
static pnr_status prove(pnr_push_plan *plan, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_object_row *rows = calloc(plan->count + 1, sizeof *rows);
	PNR_CLEANUP(pnr_cleanup_free) pnr_object_proof *proofs = calloc(plan->count + 1, sizeof *proofs);
	uint64_t total = 0;
	size_t count = 0;
	if (rows == NULL || proofs == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < plan->count; i++) {
		rows[i] = plan->pieces[i].fate == PNR_PIECE_THERE ? plan->pieces[i].row : plan->pieces[i].as;
		rows[i].hash = plan->pieces[i].hash;
		rows[i].size = plan->pieces[i].size;
		if (plan->pieces[i].fate != PNR_PIECE_THERE)
			continue;
		proofs[count++].row = &rows[i];
		total += rows[i].size;
	}
	const pnr_package_object all = { .objects = rows, .object_count = plan->count };
	pnr_status status = pnr_meter_begin(plan->meter, PNR_PHASE_VERIFY, total, err);
	if (status == PNR_OK)
		status = pnr_objects_prove(plan->store, plan->remote->handle, &all, proofs, count, plan->meter, err);
	if (status != PNR_OK) {
		plan->remote_failed |= pnr_remote_at_fault(plan->remote->handle);
		return status;
	}
	for (size_t i = 0; i < count; i++) {
		pnr_piece *piece = &plan->pieces[proofs[i].row - rows];
		if (proofs[i].status == PNR_OK)
			continue;
		piece->damaged = true;
		piece->found = piece->found_known = false;
	}
	return pnr_meter_end(plan->meter, err);
}

static pnr_status decide_healing(pnr_push_plan *plan, pnr_error *err)
{
	pnr_status status = prove(plan, err);
	if (status != PNR_OK)
		return status;
	for (size_t i = 0; i < plan->count; i++)
		plan->pieces[i].fate = PNR_PIECE_OPEN;
	decide_all(plan);
	for (size_t i = 0; i < plan->count; i++)
		plan->damaged += plan->pieces[i].fate == PNR_PIECE_SEND && plan->pieces[i].known;
	return PNR_OK;
}

/* ------------------------------------------------------------------- patches -- */

/* The text of the newest package there, likewise; its content is here. */
static pnr_status load_older(pnr_push_plan *plan, pnr_error *err)
{
	pnr_index *index = pnr_store_index(plan->store);
	pnr_status status = pnr_index_remote_text_newest(index, plan->remote->row.id, plan->name, &plan->older, err);
	if (status == PNR_NOT_FOUND)
		status = pnr_index_remote_text_newest(index, plan->remote->row.id, NULL, &plan->older, err);
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

/* The package whose versions of the assets the remote has: of the same model, if it can be. */
static pnr_status load_held(pnr_push_plan *plan, pnr_held_list *out_held, pnr_error *err)
{
	if (plan->text != NULL)
		return load_older(plan, err);
	return pnr_held_load_remote(pnr_store_index(plan->store), plan->remote->row.id, plan->name, out_held, err);
}

/* Content that goes whole so far, and need not. */
static bool may_be_patch(const pnr_push_plan *plan, const pnr_piece *piece)
{
	return piece->fate == PNR_PIECE_SEND && piece->row.form != PNR_OBJECT_PATCH && !piece->carries &&
	       !(plan->heal && piece->known);
}

static const pnr_blob_row *older_of(const pnr_push_plan *plan, const pnr_held_list *held, const pnr_piece *piece)
{
	const pnr_blob_row *base = plan->older.id != 0 ? &plan->older : NULL;
	if (plan->text == NULL) {
		const pnr_held *version = pnr_held_version(held, piece->item->path);
		base = version == NULL ? NULL : &version->blob;
	}
	return base != NULL && pnr_patch_fits(base->size, piece->size) ? base : NULL;
}

/* The older versions of what is to be sent become pieces, if they are known to be there. */
static pnr_status add_older(pnr_push_plan *plan, const pnr_held_list *held, pnr_error *err)
{
	size_t count = plan->count;
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < count && status == PNR_OK; i++) {
		const pnr_blob_row *base =
			may_be_patch(plan, &plan->pieces[i]) ? older_of(plan, held, &plan->pieces[i]) : NULL;
		if (base == NULL)
			continue;
		pnr_piece piece = { .hash = base->hash, .size = base->size };
		if (bsearch(&piece, plan->pieces, count, sizeof piece, by_hash) != NULL)
			continue;
		status = recall(plan, &piece, err);
		if (status == PNR_OK && piece.known)
			status = add_piece(plan, &piece, err);
	}
	merge_pieces(plan);
	return status;
}

static void choose_base(const pnr_push_plan *plan, pnr_piece *piece, const pnr_held_list *held)
{
	const pnr_blob_row *base = older_of(plan, held, piece);
	const pnr_piece *there = base == NULL ? NULL : pnr_push_plan_find(plan, &base->hash);
	if (there == NULL || there->fate != PNR_PIECE_THERE || there->row.depth >= chain_max(plan))
		return;
	piece->row = (pnr_object_row){ .hash = piece->hash, .size = piece->size, .form = PNR_OBJECT_PATCH,
		                       .base = there->hash, .depth = there->row.depth + 1 };
}

static pnr_status choose_bases(pnr_push_plan *plan, pnr_error *err)
{
	PNR_CLEANUP(pnr_held_free) pnr_held_list held = PNR_HELD_LIST_INIT;
	/* Of what heals a package nothing stands on what was not proved, if it can be helped. */
	if (plan->whole || (plan->heal && plan->text != NULL))
		return PNR_OK;
	pnr_status status = load_held(plan, &held, err);
	if (status == PNR_OK)
		status = add_older(plan, &held, err);
	if (status == PNR_OK)
		status = add_bases(plan, err);
	if (status == PNR_OK)
		status = ask(plan, err);
	if (status != PNR_OK)
		return status;
	decide_all(plan);
	for (size_t i = 0; i < plan->count; i++)
		if (may_be_patch(plan, &plan->pieces[i]))
			choose_base(plan, &plan->pieces[i], &held);
	return PNR_OK;
}

/* ------------------------------------------------------------------- the whole -- */

static unsigned settle(const pnr_push_plan *plan, pnr_piece *piece, unsigned steps)
{
	piece->needed = true;
	if (piece->row.form != PNR_OBJECT_PATCH)
		return piece->row.depth = 0;
	pnr_piece *base = base_of(plan, piece);
	return piece->row.depth = steps == 0 || base == NULL ? 0 : settle(plan, base, steps - 1) + 1;
}

void pnr_push_plan_settle(pnr_push_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		plan->pieces[i].needed = false;
	for (size_t i = 0; i < plan->count; i++)
		if (plan->pieces[i].item != NULL || plan->pieces[i].of_others)
			(void)settle(plan, &plan->pieces[i], chain_max(plan));
}

pnr_status pnr_push_plan_make(pnr_push_plan *plan, pnr_error *err)
{
	/* Thousands of questions to the index, from one state of it. */
	pnr_index *index = pnr_store_index(plan->store);
	pnr_status status = pnr_index_hold(index, err);
	if (status == PNR_OK)
		status = collect(plan, err);
	pnr_index_release(index);
	if (status == PNR_OK)
		status = ask(plan, err);
	if (status != PNR_OK)
		return status;
	decide_all(plan);
	if (plan->heal)
		status = decide_healing(plan, err);
	if (status == PNR_OK)
		status = choose_bases(plan, err);
	if (status == PNR_OK)
		pnr_push_plan_settle(plan);
	return status;
}
