/*
 * Is all there on a remote, and as it was put? Of each package the texts that
 * its pointer leads to, then each object that it needs and no package before it
 * did, once; then what no package needs and a push would rely on; then the tags.
 * In the end nothing is remembered of the remote that was not found there.
 */
#include "base/array.h"
#include "base/clock.h"
#include "base/options.h"
#include "sync/object_read.h"
#include "sync/presence.h"
#include "sync/remote_package.h"
#include <inttypes.h>
#include <pannier/remote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_LENGTH (PNR_DIGEST_HEX_SIZE - 1)
#define FORMAT_KEY "pannier.json"
#define BLOBS "blobs/"
#define PATCHES "patches/"
#define PACKAGES "packages/"
#define TAGS "tags/"

/* An object by what its key says. */
typedef struct listed {
	pnr_object_row row;
	uint64_t size; /* of the object */
	bool proved;   /* or found to be wrong */
} listed;

typedef struct package {
	pnr_package_key key;
	bool whole;
} package;

typedef struct checking {
	pnr_store *store;
	const pnr_remote_check_options *options;
	pnr_meter meter;
	pnr_named_remote remote;
	listed *objects; /* in the order of hash, form and base */
	size_t object_count, object_capacity;
	package *packages; /* in the order of their keys */
	size_t package_count, package_capacity;
	char **tags; /* their keys */
	size_t tag_count, tag_capacity;
	listed *missing; /* needed and not there; the first `missing_sorted` are in order */
	size_t missing_count, missing_capacity, missing_sorted;
	pnr_digest *damaged; /* contents, and those that are missing; the first `damaged_sorted` are in order */
	size_t damaged_count, damaged_capacity, damaged_sorted;
	int64_t began_ms;
	pnr_object_row *known; /* what was remembered then, in the order of hash */
	size_t known_count, known_capacity;
	pnr_package_key *gone; /* packages that were, and are not there whole */
	size_t gone_count, gone_capacity;
	pnr_status status; /* of what a callback could not do */
	bool told_enough;
	pnr_remote_check_result result;
} checking;

static void checking_free(checking *c)
{
	for (size_t i = 0; i < c->tag_count; i++)
		free(c->tags[i]);
	free(c->tags);
	free(c->objects);
	free(c->packages);
	free(c->missing);
	free(c->damaged);
	free(c->known);
	free(c->gone);
	pnr_named_remote_close(&c->remote);
}

static void tell(checking *c, const char *key, const char *problem)
{
	c->result.problems++;
	if (c->options->problem != NULL && !c->told_enough)
		c->told_enough = c->options->problem(c->options->problem_user, key, problem) != 0;
}

/* Past @name in quotes and the ": " behind it, @text itself if it does not begin so. A long name may be cut off. */
static const char *past_name(const char *text, const char *name)
{
	const char *rest = text + 1;
	if (text[0] != '\'')
		return text;
	/* Texts have '?' for what would break a line. */
	for (; *name != '\0' && (*rest == *name || *rest == '?'); name++)
		rest++;
	if (*name == '\0' && *rest == '\'')
		rest++;
	else if (strncmp(rest, ": ", 2) != 0)
		return text;
	return strncmp(rest, ": ", 2) == 0 ? rest + 2 : rest;
}

/* A text about an object names the remote and it first; here they stand apart. */
static void tell_error(checking *c, const char *key, const pnr_error *problem)
{
	static const char remote[] = "remote ";
	char text[sizeof problem->message + sizeof "it "];
	const char *rest = problem->message;
	if (strncmp(rest, remote, strlen(remote)) == 0) {
		const char *name = rest + strlen(remote), *behind = past_name(name, pnr_remote_name(c->remote.handle));
		rest = behind != name ? behind : rest;
	}
	rest = past_name(rest, key);
	/* "'KEY' is missing" */
	(void)snprintf(text, sizeof text, "%s%s", rest[0] == ' ' ? "it" : "", rest);
	tell(c, key, text);
}

/* ------------------------------------------------------------------- listing -- */

/* blobs/ab/HASH, blobs/ab/HASH.gz, patches/HASH/BASE.zst */
static bool parse_object(const char *key, pnr_object_row *out_row)
{
	pnr_object_row row = { .form = PNR_OBJECT_STORED };
	char again[PNR_KEY_SIZE];
	size_t length = strlen(key);
	if (strncmp(key, BLOBS, strlen(BLOBS)) == 0 && length > strlen(BLOBS) + 3) {
		const char *hash = key + strlen(BLOBS) + 3;
		row.form = strlen(hash) > HASH_LENGTH ? PNR_OBJECT_GZIP : PNR_OBJECT_STORED;
		if (strlen(hash) < HASH_LENGTH || !pnr_digest_from_hex(hash, HASH_LENGTH, &row.hash))
			return false;
	} else if (strncmp(key, PATCHES, strlen(PATCHES)) == 0 && length > strlen(PATCHES) + 2 * HASH_LENGTH) {
		row.form = PNR_OBJECT_PATCH;
		if (!pnr_digest_from_hex(key + strlen(PATCHES), HASH_LENGTH, &row.hash) ||
		    !pnr_digest_from_hex(key + strlen(PATCHES) + HASH_LENGTH + 1, HASH_LENGTH, &row.base))
			return false;
	} else {
		return false;
	}
	*out_row = row;
	return strcmp(pnr_key_of_object(&row, again), key) == 0;
}

static bool add_object(checking *c, const pnr_object_row *row, uint64_t size)
{
	listed *objects = pnr_array_grow(c->objects, sizeof *objects, c->object_count, &c->object_capacity);
	if (objects == NULL)
		return false;
	c->objects = objects;
	c->objects[c->object_count++] = (listed){ .row = *row, .size = size };
	return true;
}

static bool add_package(checking *c, const pnr_package_key *key)
{
	package *packages = pnr_array_grow(c->packages, sizeof *packages, c->package_count, &c->package_capacity);
	if (packages == NULL)
		return false;
	c->packages = packages;
	c->packages[c->package_count++] = (package){ .key = *key };
	return true;
}

static bool add_tag(checking *c, const char *key)
{
	char **tags = pnr_array_grow(c->tags, sizeof *tags, c->tag_count, &c->tag_capacity);
	if (tags == NULL)
		return false;
	c->tags = tags;
	c->tags[c->tag_count] = strdup(key);
	return c->tags[c->tag_count] != NULL && ++c->tag_count > 0;
}

static int visit(void *user, const char *key, uint64_t size)
{
	checking *c = user;
	pnr_object_row row;
	pnr_package_key package_key;
	bool added = true;
	if (parse_object(key, &row))
		added = add_object(c, &row, size);
	else if (pnr_package_key_parse(key, &package_key))
		added = add_package(c, &package_key);
	else if (strncmp(key, TAGS, strlen(TAGS)) == 0)
		added = add_tag(c, key);
	else if (strcmp(key, FORMAT_KEY) != 0)
		tell(c, key, "it is no object of ours; remove it");
	c->status = added ? PNR_OK : PNR_NOMEM;
	return !added;
}

static int by_key(const void *a, const void *b)
{
	const pnr_object_row *x = &((const listed *)a)->row, *y = &((const listed *)b)->row;
	int order = memcmp(&x->hash, &y->hash, sizeof x->hash);
	if (order == 0 && x->form != y->form)
		order = x->form < y->form ? -1 : 1;
	return order != 0 ? order : memcmp(&x->base, &y->base, sizeof x->base);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_package(const void *a, const void *b)
{
	return memcmp(&((const package *)a)->key, &((const package *)b)->key, sizeof(pnr_package_key));
}

static pnr_status list_all(checking *c, pnr_error *err)
{
	uint64_t foreign = 0;
	char text[96];
	pnr_status status = pnr_remote_list(c->remote.handle, "", visit, c, &foreign, err);
	if (status == PNR_OK && c->status != PNR_OK)
		return pnr_fail_nomem(err);
	if (status != PNR_OK)
		return status;
	(void)snprintf(text, sizeof text, "%" PRIu64 " things there are no objects: links, devices, names of others",
	               foreign);
	if (foreign > 0)
		tell(c, "", text);
	pnr_array_sort(c->objects, c->object_count, sizeof *c->objects, by_key);
	pnr_array_sort(c->packages, c->package_count, sizeof *c->packages, by_package);
	pnr_array_sort(c->tags, c->tag_count, sizeof *c->tags, by_name);
	return PNR_OK;
}

static listed *find_listed(const checking *c, const pnr_object_row *row)
{
	const listed key = { .row = *row };
	return c->object_count == 0 ? NULL : bsearch(&key, c->objects, c->object_count, sizeof key, by_key);
}

static const package *find_package(const checking *c, const pnr_package_key *package_key)
{
	const package key = { .key = *package_key };
	return c->package_count == 0 ? NULL
	                             : bsearch(&key, c->packages, c->package_count, sizeof key, by_package);
}

/* ------------------------------------------------------------------- packages -- */

static pnr_status note_damaged(checking *c, const pnr_digest *hash, pnr_error *err)
{
	pnr_digest *damaged = pnr_array_grow(c->damaged, sizeof *damaged, c->damaged_count, &c->damaged_capacity);
	if (damaged == NULL)
		return pnr_fail_nomem(err);
	c->damaged = damaged;
	c->damaged[c->damaged_count++] = *hash;
	return PNR_OK;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(pnr_digest));
}

static bool is_damaged(checking *c, const pnr_digest *hash)
{
	if (c->damaged_sorted < c->damaged_count)
		pnr_array_sort(c->damaged, c->damaged_count, sizeof *c->damaged, by_bytes);
	c->damaged_sorted = c->damaged_count;
	return c->damaged_count > 0 && bsearch(hash, c->damaged, c->damaged_count, sizeof *hash, by_bytes) != NULL;
}

static pnr_status note_missing(checking *c, const pnr_object_row *row, pnr_error *err)
{
	listed *missing = pnr_array_grow(c->missing, sizeof *missing, c->missing_count, &c->missing_capacity);
	if (missing == NULL)
		return pnr_fail_nomem(err);
	c->missing = missing;
	c->missing[c->missing_count++] = (listed){ .row = *row };
	return PNR_OK;
}

static bool is_missing(checking *c, const pnr_object_row *row)
{
	const listed key = { .row = *row };
	if (c->missing_sorted < c->missing_count)
		pnr_array_sort(c->missing, c->missing_count, sizeof *c->missing, by_key);
	c->missing_sorted = c->missing_count;
	return c->missing_count > 0 && bsearch(&key, c->missing, c->missing_count, sizeof key, by_key) != NULL;
}

/* What was proved, and what is wrong with the rest. */
static pnr_status take_proofs(checking *c, const pnr_object_proof *proofs, size_t count, pnr_error *err)
{
	char key[PNR_KEY_SIZE];
	for (size_t i = 0; i < count; i++) {
		listed *object = find_listed(c, proofs[i].row);
		if (object != NULL)
			object->proved = true;
		c->result.objects++;
		c->result.bytes += proofs[i].size;
		if (object != NULL)
			object->row.size = proofs[i].row->size;
		if (proofs[i].status == PNR_OK)
			continue;
		tell_error(c, pnr_key_of_object(proofs[i].row, key), &proofs[i].problem);
		pnr_status status = note_damaged(c, &proofs[i].row->hash, err);
		if (status == PNR_OK && object == NULL)
			status = note_missing(c, proofs[i].row, err);
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

/*
 * What it needs and no package before it did. What is not listed is asked for all the same, until it is missing.
 * @out: for the content of @text, if that is read.
 */
static pnr_status prove_objects(checking *c, const pnr_package_object *object, const char *key,
                                const pnr_object_row *text, const pnr_sink *out, bool *out_whole, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_object_proof *proofs = calloc(object->object_count + 1, sizeof *proofs);
	size_t count = 0;
	bool lies = false;
	if (proofs == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < object->object_count; i++) {
		const listed *known = find_listed(c, &object->objects[i]);
		if (known == NULL ? !is_missing(c, &object->objects[i]) : !known->proved)
			proofs[count++] = (pnr_object_proof){ .row = &object->objects[i],
				                              .out = &object->objects[i] == text ? out : NULL };
		else if (known != NULL && known->row.size != object->objects[i].size)
			lies = true;
	}
	if (lies)
		tell(c, key, "it gives a size of an object that another package contradicts");
	pnr_status status = pnr_objects_prove(c->store, c->remote.handle, object, proofs, count, &c->meter, err);
	if (status == PNR_OK)
		status = take_proofs(c, proofs, count, err);
	*out_whole = !lies;
	for (size_t i = 0; i < object->object_count && c->damaged_count > 0; i++)
		*out_whole &= !is_damaged(c, &object->objects[i].hash);
	return status;
}

/* Is it what is wrong with the package? Then it is told. */
static pnr_status tell_package(checking *c, const char *key, pnr_status status, const pnr_error *own, pnr_error *err)
{
	if (status != PNR_CORRUPT && status != PNR_UNSUPPORTED && status != PNR_NOT_FOUND)
		return pnr_fail_with(err, own);
	tell_error(c, key, own);
	return PNR_OK;
}

/* Its objects, by what its text says. */
static pnr_status check_objects(checking *c, package *p, const pnr_text_chain *chain, pnr_buffer *text, const char *key,
                                pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_package_parse(c->remote.handle, &p->key, chain, text, &object, &own);
	if (status != PNR_OK)
		return tell_package(c, key, status, &own, err);
	return prove_objects(c, &object, key, NULL, NULL, &p->whole, err);
}

/* A text that was proved for a package before this one: the store's, or once more the remote's. */
static pnr_status read_again(checking *c, const pnr_package_object *texts, const pnr_object_row *row,
                             const pnr_sink *out, bool *out_right, pnr_error *err)
{
	pnr_object_proof proof;
	char key[PNR_KEY_SIZE];
	pnr_status status = pnr_object_content(c->store, c->remote.handle, texts, row, out, &proof, err);
	if (status == PNR_OK && proof.status != PNR_OK)
		tell_error(c, pnr_key_of_object(row, key), &proof.problem);
	*out_right = status == PNR_OK && proof.status == PNR_OK;
	return status;
}

static pnr_status check_package(checking *c, package *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1];
	pnr_text_chain chain;
	uint64_t size = 0;
	bool whole = false;
	char key[PNR_KEY_SIZE];
	pnr_key_of_package(&p->key.package_hash, &p->key.manifest_hash, key);
	pnr_status status = pnr_remote_pointer_get(c->remote.handle, &p->key, &chain, &size, &own);
	if (status != PNR_OK)
		return tell_package(c, key, status, &own, err);
	const pnr_package_object texts = pnr_text_chain_objects(&chain, rows);
	const pnr_object_row *row = pnr_package_object_find(&texts, &chain.rows[0].hash);
	pnr_buffer_end end = { &text, (size_t)chain.rows[0].size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	status = prove_objects(c, &texts, key, row, &sink, &whole, err);
	if (status != PNR_OK)
		return status;
	/* A text was told by its own name; but a pointer that has another digit in it looks the same. */
	if (!whole)
		tell(c, key, "it names a text that is not there as it should be");
	else if (text.length == 0)
		status = read_again(c, &texts, row, &sink, &whole, err);
	return status == PNR_OK && whole ? check_objects(c, p, &chain, &text, key, err) : status;
}

static pnr_status check_packages(checking *c, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < c->package_count; i++) {
		status = check_package(c, &c->packages[i], err);
		c->result.packages++;
	}
	return status;
}

/* -------------------------------------------------------- what no package needs -- */

static pnr_status check_leftover(checking *c, listed *object, pnr_error *err)
{
	pnr_object_row row = object->row;
	pnr_arrival arrival;
	pnr_remote_download download;
	pnr_error own = PNR_ERROR_INIT;
	row.size = object->size;
	pnr_arrival_begin(&arrival, c->store, &row, &download);
	pnr_status status = pnr_remote_get(c->remote.handle, &download, 1, &own);
	bool there = status == PNR_OK;
	if (there)
		status = pnr_arrival_prove_unmeasured(&arrival, &own);
	c->result.objects++;
	c->result.bytes += arrival.size;
	if (status == PNR_CORRUPT) {
		tell_error(c, arrival.key, &own);
		status = note_damaged(c, &row.hash, err);
	} else if (status == PNR_NOT_FOUND && !there) {
		status = PNR_OK;
	} else if (status != PNR_OK) {
		status = pnr_fail_with(err, &own);
	}
	pnr_arrival_clear(&arrival);
	return status == PNR_OK ? pnr_meter_add(&c->meter, NULL, object->size, err) : status;
}

/* How long the content of a patch is, and what leads to its base, nothing says but what is remembered. */
static pnr_status check_leftovers(checking *c, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < c->object_count; i++)
		if (!c->objects[i].proved && c->objects[i].row.form != PNR_OBJECT_PATCH)
			status = check_leftover(c, &c->objects[i], err);
	return status;
}

static int add_known(void *user, const pnr_presence_row *row)
{
	checking *c = user;
	/* What was put after the listing began need not be in it. */
	if (row->confirmed_ms > c->began_ms)
		return 0;
	pnr_object_row *known = pnr_array_grow(c->known, sizeof *known, c->known_count, &c->known_capacity);
	c->status = known == NULL ? PNR_NOMEM : PNR_OK;
	if (known == NULL)
		return 1;
	c->known = known;
	c->known[c->known_count++] = pnr_object_of_presence(row);
	return 0;
}

/* Is it there, down to a whole, so that a push would rely on it? */
static bool is_there(const checking *c, const pnr_package_object *known, const pnr_object_row *row)
{
	for (unsigned steps = 0; row != NULL && steps <= PNR_CHAIN_MAX && find_listed(c, row) != NULL; steps++) {
		if (row->form != PNR_OBJECT_PATCH)
			return true;
		row = pnr_package_object_find(known, &row->base);
	}
	return false;
}

/* What is remembered: of patches a push relies on no others. What is not there any more is no problem of the remote. */
static pnr_status check_known(checking *c, pnr_error *err)
{
	pnr_status status =
		pnr_index_presence_list(pnr_store_index(c->store), c->remote.row.id, add_known, c, err);
	if (status == PNR_OK && c->status != PNR_OK)
		status = pnr_fail_nomem(err);
	PNR_CLEANUP(pnr_cleanup_free) pnr_object_proof *proofs = calloc(c->known_count + 1, sizeof *proofs);
	const pnr_package_object known = { .objects = c->known, .object_count = c->known_count };
	size_t count = 0;
	if (proofs == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; status == PNR_OK && i < c->known_count; i++) {
		const listed *object = find_listed(c, &c->known[i]);
		if (object == NULL)
			status = note_damaged(c, &c->known[i].hash, err);
		else if (!object->proved && object->row.form == PNR_OBJECT_PATCH && is_there(c, &known, &c->known[i]))
			proofs[count++].row = &c->known[i];
	}
	if (status == PNR_OK)
		status = pnr_objects_prove(c->store, c->remote.handle, &known, proofs, count, &c->meter, err);
	return status == PNR_OK ? take_proofs(c, proofs, count, err) : status;
}

/* ----------------------------------------------------------------------- tags -- */

static pnr_status check_tag(checking *c, const char *key, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &text, PNR_REMOTE_REF_MAX };
	pnr_remote_download download = { .key = key, .limit = PNR_REMOTE_REF_MAX, .sink = pnr_buffer_end_sink(&end) };
	pnr_package_key wanted;
	pnr_error own = PNR_ERROR_INIT;
	pnr_status status = pnr_remote_get(c->remote.handle, &download, 1, &own);
	if (status == PNR_NOT_FOUND)
		return PNR_OK;
	if (status == PNR_CORRUPT) {
		tell_error(c, key, &own);
		return PNR_OK;
	}
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	if (!pnr_package_key_of_tag(text.data, text.length, &wanted))
		tell(c, key, "it is not a tag of ours");
	else if (find_package(c, &wanted) == NULL)
		tell(c, key, "it names a package that is not there");
	return PNR_OK;
}

static pnr_status check_tags(checking *c, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < c->tag_count; i++)
		status = check_tag(c, c->tags[i], err);
	return status;
}

/* ---------------------------------------------------------------------- together -- */

static int add_gone(void *user, const pnr_remote_package_row *row)
{
	checking *c = user;
	const pnr_package_key key = { row->package_hash, row->manifest_hash };
	const package *there = find_package(c, &key);
	if (row->at_ms > c->began_ms || (there != NULL && there->whole))
		return 0;
	pnr_package_key *gone = pnr_array_grow(c->gone, sizeof *gone, c->gone_count, &c->gone_capacity);
	c->status = gone == NULL ? PNR_NOMEM : PNR_OK;
	if (gone == NULL)
		return 1;
	c->gone = gone;
	c->gone[c->gone_count++] = key;
	return 0;
}

static pnr_status list_gone(checking *c, pnr_error *err)
{
	pnr_status status =
		pnr_index_remote_package_list(pnr_store_index(c->store), c->remote.row.id, add_gone, c, err);
	return status == PNR_OK && c->status != PNR_OK ? pnr_fail_nomem(err) : status;
}

/* What is not there as it should be is not relied on: neither by a push nor when room is made. */
static pnr_status forget(void *user, pnr_error *err)
{
	const checking *c = user;
	pnr_index *index = pnr_store_index(c->store);
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < c->damaged_count; i++)
		status = pnr_index_presence_forget(index, c->remote.row.id, &c->damaged[i], err);
	for (size_t i = 0; status == PNR_OK && i < c->gone_count; i++)
		status = pnr_index_remote_package_forget(index, c->remote.row.id, &c->gone[i].package_hash,
		                                         &c->gone[i].manifest_hash, err);
	return status;
}

static pnr_status check_all(checking *c, pnr_error *err)
{
	pnr_status status = list_all(c, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&c->meter, PNR_PHASE_VERIFY, 0, err);
	if (status == PNR_OK)
		status = check_packages(c, err);
	if (status == PNR_OK)
		status = check_leftovers(c, err);
	if (status == PNR_OK)
		status = check_known(c, err);
	if (status == PNR_OK)
		status = check_tags(c, err);
	if (status == PNR_OK)
		status = list_gone(c, err);
	return status == PNR_OK ? pnr_meter_end(&c->meter, err) : status;
}

pnr_status pnr_remote_check(pnr_store *store, const char *remote, const pnr_remote_check_options *options,
                            pnr_remote_check_result *out_result, bool *out_at_fault, pnr_error *err)
{
	pnr_remote_check_options own = { .size = sizeof own };
	bool at_fault = false;
	*out_result = (pnr_remote_check_result){ .size = sizeof *out_result };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_remote_check_options", err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(checking_free) checking c = {
		.store = store,
		.options = &own,
		.meter = { .fn = own.progress, .user = own.progress_user },
		.began_ms = pnr_clock_now_ms(),
		.remote = PNR_NAMED_REMOTE_INIT,
		.result = { .size = sizeof c.result },
	};
	const pnr_remote_options open_options = { .meter = &c.meter };
	status = pnr_named_remote_open(store, remote, &open_options, &c.remote, &at_fault, err);
	if (status == PNR_OK) {
		status = check_all(&c, err);
		if (status != PNR_OK)
			at_fault = pnr_remote_at_fault(c.remote.handle);
	}
	if (status == PNR_OK && c.damaged_count + c.gone_count > 0)
		status = pnr_store_transaction(store, forget, &c, err);
	if (status != PNR_OK)
		c.result.problems = 0;
	else if (c.result.problems > 0)
		status = pnr_fail(err, PNR_CORRUPT, "remote '%s': %" PRIu64 " problem%s", remote, c.result.problems,
		                  c.result.problems == 1 ? "" : "s");
	*out_result = c.result;
	if (out_at_fault != NULL)
		*out_at_fault = at_fault;
	return status;
}
