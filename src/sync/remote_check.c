/*
 * Is all there on a remote, and as it was put? Of each package the texts that
 * its pointer leads to, then each object that it needs and no package before it
 * did, once; then what no package needs, since a push would rely on it; then the
 * tags. Texts that this store lacks are read once more, for what they say.
 */
#include "base/array.h"
#include "base/options.h"
#include "sync/object_read.h"
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
	pnr_digest *damaged; /* contents */
	size_t damaged_count, damaged_capacity;
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
	free(c->damaged);
	pnr_named_remote_close(&c->remote);
}

static void tell(checking *c, const char *key, const char *problem)
{
	c->result.problems++;
	if (c->options->problem != NULL && !c->told_enough)
		c->told_enough = c->options->problem(c->options->problem_user, key, problem) != 0;
}

/* A text about an object names the remote and it first; here they stand apart. */
static void tell_error(checking *c, const char *key, const pnr_error *problem)
{
	char prefix[PNR_KEY_SIZE + PNR_REMOTE_KEY_MAX], text[sizeof problem->message + sizeof "it "];
	const char *rest = problem->message;
	(void)snprintf(prefix, sizeof prefix, "remote '%.*s': ", (int)PNR_REMOTE_KEY_MAX, pnr_remote_name(c->remote.handle));
	if (strncmp(rest, prefix, strlen(prefix)) == 0)
		rest += strlen(prefix);
	(void)snprintf(prefix, sizeof prefix, "'%s'", key);
	if (strncmp(rest, prefix, strlen(prefix)) == 0)
		rest += strlen(prefix);
	if (strncmp(rest, ": ", 2) == 0)
		rest += 2;
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
	return PNR_OK;
}

static listed *find_listed(const checking *c, const pnr_object_row *row)
{
	const listed key = { .row = *row };
	return c->object_count == 0 ? NULL : bsearch(&key, c->objects, c->object_count, sizeof key, by_key);
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

static bool is_damaged(const checking *c, const pnr_digest *hash)
{
	for (size_t i = 0; i < c->damaged_count; i++)
		if (pnr_digest_equal(&c->damaged[i], hash))
			return true;
	return false;
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
		if (status != PNR_OK)
			return status;
	}
	return PNR_OK;
}

/* What it needs and no package before it did. What is not listed is asked for all the same, once for each package. */
static pnr_status prove_objects(checking *c, const pnr_package_object *object, const char *key, bool *out_whole,
                                pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_object_proof *proofs = calloc(object->object_count + 1, sizeof *proofs);
	size_t count = 0;
	bool lies = false;
	if (proofs == NULL)
		return pnr_fail_nomem(err);
	for (size_t i = 0; i < object->object_count; i++) {
		const listed *known = find_listed(c, &object->objects[i]);
		if (known == NULL ? !is_damaged(c, &object->objects[i].hash) : !known->proved)
			proofs[count++].row = &object->objects[i];
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

static pnr_status check_package(checking *c, package *p, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_error own = PNR_ERROR_INIT;
	pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1];
	pnr_text_chain chain;
	uint64_t size = 0;
	char key[PNR_KEY_SIZE];
	pnr_key_of_package(&p->key.package_hash, &p->key.manifest_hash, key);
	pnr_status status = pnr_remote_pointer_get(c->remote.handle, &p->key, &chain, &size, &own);
	if (status != PNR_OK)
		return tell_package(c, key, status, &own, err);
	const pnr_package_object texts = pnr_text_chain_objects(&chain, rows);
	status = prove_objects(c, &texts, key, &p->whole, err);
	/* What is damaged was told by its own name. */
	if (status != PNR_OK || !p->whole)
		return status;
	p->whole = false;
	status = pnr_remote_package_read(c->store, c->remote.handle, &p->key, &chain, &object, &own);
	if (status != PNR_OK)
		return tell_package(c, key, status, &own, err);
	return prove_objects(c, &object, key, &p->whole, err);
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

/* A patch that no package needs is relied on by nobody. */
static pnr_status check_leftovers(checking *c, pnr_error *err)
{
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < c->object_count; i++)
		if (!c->objects[i].proved && c->objects[i].row.form != PNR_OBJECT_PATCH)
			status = check_leftover(c, &c->objects[i], err);
	return status;
}

/* ----------------------------------------------------------------------- tags -- */

static pnr_status check_tag(checking *c, const char *key, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_buffer_end end = { &text, PNR_REMOTE_REF_MAX };
	pnr_remote_download download = { .key = key, .limit = PNR_REMOTE_REF_MAX, .sink = pnr_buffer_end_sink(&end) };
	package wanted;
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
	if (!pnr_package_key_of_tag(text.data, text.length, &wanted.key))
		tell(c, key, "it is not a tag of ours");
	else if (c->package_count == 0 ||
	         bsearch(&wanted, c->packages, c->package_count, sizeof wanted, by_package) == NULL)
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

/* What is not there as it should be is not relied on: neither by a push nor when room is made. */
static pnr_status forget(void *user, pnr_error *err)
{
	const checking *c = user;
	pnr_index *index = pnr_store_index(c->store);
	pnr_status status = PNR_OK;
	for (size_t i = 0; status == PNR_OK && i < c->damaged_count; i++)
		status = pnr_index_presence_forget(index, c->remote.row.id, &c->damaged[i], err);
	for (size_t i = 0; status == PNR_OK && i < c->package_count; i++)
		if (!c->packages[i].whole)
			status = pnr_index_remote_package_forget(index, c->remote.row.id, &c->packages[i].key.package_hash,
			                                         &c->packages[i].key.manifest_hash, err);
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
		status = check_tags(c, err);
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
	if (status == PNR_OK && c.result.problems > 0)
		status = pnr_store_transaction(store, forget, &c, err);
	if (status == PNR_OK && c.result.problems > 0)
		status = pnr_fail(err, PNR_CORRUPT, "remote '%s': %" PRIu64 " problem%s", remote, c.result.problems,
		                  c.result.problems == 1 ? "" : "s");
	if (status != PNR_OK && status != PNR_CORRUPT)
		c.result.problems = 0;
	*out_result = c.result;
	if (out_at_fault != NULL)
		*out_at_fault = at_fault;
	return status;
}
