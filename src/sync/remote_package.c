#include "sync/remote_package.h"
#include "base/array.h"
#include "package/manifest_read.h"
#include "package/record.h"
#include "sync/object_read.h"
#include <pannier/package.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_MIN 4u
#define HEX "0123456789abcdef"
#define HASH_LENGTH (PNR_DIGEST_HEX_SIZE - 1)
#define PACKAGES "packages/"
#define CANDIDATES_TOLD 4u
/* Of one package: what is read to find the newest. */
#define ZIPS_READ 64u
/* One of a newer format may be longer than ours, and is told as such. */
#define POINTER_MAX ((size_t)64 << 10)

static bool is_prefix(const char *ref)
{
	size_t length = strlen(ref);
	return length >= PREFIX_MIN && length <= HASH_LENGTH && ref[strspn(ref, HEX)] == '\0';
}

/* Two hashes with a '/' between them, and @rest. */
static bool parse_pair(const char *text, size_t length, const char *rest, pnr_package_key *out_key)
{
	pnr_package_key key;
	if (length != 2 * HASH_LENGTH + 1 + strlen(rest) || text[HASH_LENGTH] != '/' ||
	    memcmp(text + 2 * HASH_LENGTH + 1, rest, strlen(rest)) != 0 ||
	    !pnr_digest_from_hex(text, HASH_LENGTH, &key.package_hash) ||
	    !pnr_digest_from_hex(text + HASH_LENGTH + 1, HASH_LENGTH, &key.manifest_hash))
		return false;
	*out_key = key;
	return true;
}

bool pnr_package_key_parse(const char *key, pnr_package_key *out_key)
{
	return strncmp(key, PACKAGES, strlen(PACKAGES)) == 0 &&
	       parse_pair(key + strlen(PACKAGES), strlen(key) - strlen(PACKAGES), ".json", out_key);
}

bool pnr_package_key_of_tag(const char *text, size_t length, pnr_package_key *out_key)
{
	return parse_pair(text, length, "\n", out_key);
}

/* ------------------------------------------------------------------- reading -- */

static pnr_status get_text(pnr_remote *remote, const char *key, size_t limit, pnr_buffer *out, pnr_error *err)
{
	pnr_buffer_end end = { out, limit };
	pnr_remote_download download = { .key = key, .limit = limit, .sink = pnr_buffer_end_sink(&end) };
	return pnr_remote_get(remote, &download, 1, err);
}

static pnr_status read_object(const pnr_buffer *text, const pnr_package_key *key, pnr_package_object *out_object,
                              pnr_error *err)
{
	pnr_status status = pnr_package_object_read(text->data, text->length, out_object, err);
	if (status == PNR_OK && (!pnr_digest_equal(&out_object->package_hash, &key->package_hash) ||
	                         !pnr_digest_equal(&out_object->manifest_hash, &key->manifest_hash)))
		status = pnr_fail(err, PNR_CORRUPT, "it holds another package than its name says");
	return status;
}

/* What is wrong with what the key or its text says. */
static pnr_status blame(pnr_remote *remote, const char *key, pnr_error *own, pnr_error *err)
{
	pnr_context(own, "remote '%s': '%s'", pnr_remote_name(remote), key);
	return pnr_fail_with(err, own);
}

pnr_status pnr_remote_pointer_get(pnr_remote *remote, const pnr_package_key *key, pnr_text_chain *out_chain,
                                  uint64_t *out_size, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_error own = PNR_ERROR_INIT;
	char name[PNR_KEY_SIZE];
	pnr_key_of_package(&key->package_hash, &key->manifest_hash, name);
	pnr_status status = get_text(remote, name, POINTER_MAX, &text, err);
	if (status != PNR_OK)
		return status;
	status = pnr_text_chain_read(text.data == NULL ? "" : text.data, text.length, out_chain, &own);
	if (status != PNR_OK)
		return blame(remote, name, &own, err);
	*out_size = text.length;
	return PNR_OK;
}

/* A text that is here has the size that the pointer says. */
static pnr_status check_size(pnr_store *store, const pnr_object_row *row, pnr_error *own, pnr_error *err)
{
	pnr_blob_row blob;
	pnr_status status = pnr_index_blob_find(pnr_store_index(store), &row->hash, &blob, err);
	if (status == PNR_OK && blob.size != row->size)
		return pnr_fail(own, PNR_CORRUPT, "its text has another size than it says");
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

/* @own: what the pointer is to be blamed for. */
static pnr_status read_chain(pnr_store *store, pnr_remote *remote, const char *key, const pnr_text_chain *chain,
                             pnr_package_object *object, pnr_error *own, pnr_error *err)
{
	pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1];
	const pnr_package_object all = pnr_text_chain_objects(chain, rows);
	const pnr_object_row *row = &chain->rows[0];
	pnr_object_proof proof;
	pnr_buffer_end end = { &object->text, (size_t)row->size };
	const pnr_sink sink = pnr_buffer_end_sink(&end);
	pnr_status status = check_size(store, row, own, err);
	if (status != PNR_OK)
		return status;
	status = pnr_object_content(store, remote, &all, row, &sink, &proof, err);
	if (status != PNR_OK)
		return status;
	object->received = proof.size;
	if (proof.status != PNR_OK)
		return pnr_fail(err, proof.status == PNR_UNSUPPORTED ? PNR_UNSUPPORTED : PNR_CORRUPT,
		                "remote '%s': %s: so '%s' says where its text is", pnr_remote_name(remote),
		                proof.problem.message, key);
	return PNR_OK;
}

pnr_status pnr_remote_package_parse(pnr_remote *remote, const pnr_package_key *key, const pnr_text_chain *chain,
                                    pnr_buffer *text, pnr_package_object *out_object, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_error own = PNR_ERROR_INIT;
	char name[PNR_KEY_SIZE];
	pnr_status status = read_object(text, key, &object, &own);
	if (status != PNR_OK)
		return blame(remote, pnr_key_of_package(&key->package_hash, &key->manifest_hash, name), &own, err);
	object.text = *text;
	*text = (pnr_buffer)PNR_BUFFER_INIT;
	object.texts = *chain;
	*out_object = object;
	object = (pnr_package_object)PNR_PACKAGE_OBJECT_INIT;
	return PNR_OK;
}

pnr_status pnr_remote_package_read(pnr_store *store, pnr_remote *remote, const pnr_package_key *key,
                                   const pnr_text_chain *chain, pnr_package_object *out_object, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object came = PNR_PACKAGE_OBJECT_INIT;
	pnr_error own = PNR_ERROR_INIT;
	char name[PNR_KEY_SIZE];
	pnr_key_of_package(&key->package_hash, &key->manifest_hash, name);
	pnr_status status = read_chain(store, remote, name, chain, &came, &own, err);
	if (own.status != PNR_OK)
		return blame(remote, name, &own, err);
	if (status == PNR_OK)
		status = pnr_remote_package_parse(remote, key, chain, &came.text, out_object, err);
	if (status == PNR_OK)
		out_object->received = came.received;
	return status;
}

pnr_status pnr_remote_package_get(pnr_store *store, pnr_remote *remote, const pnr_package_key *key,
                                  pnr_package_object *out_object, pnr_error *err)
{
	pnr_text_chain chain;
	uint64_t size = 0;
	pnr_status status = pnr_remote_pointer_get(remote, key, &chain, &size, err);
	if (status == PNR_OK)
		status = pnr_remote_package_read(store, remote, key, &chain, out_object, err);
	if (status == PNR_OK)
		out_object->received += size;
	return status;
}

/* ------------------------------------------------------------------- keeping -- */

static pnr_status put_rows(void *user, pnr_error *err)
{
	return pnr_ingest_rows(user, err);
}

pnr_status pnr_package_text_keep(pnr_store *store, const pnr_buffer *text, const char *archive_options,
                                 pnr_ingested *out_item, pnr_error *err)
{
	pnr_choice choice = { .level = PNR_LEVEL_DEFAULT };
	pnr_ingest *ingest = NULL;
	/* What is none of ours is compressed as usual. */
	(void)pnr_choice_read(archive_options, &choice);
	const pnr_ingest_options options = { .level = choice.level, .any_encoding = true };
	pnr_status status = pnr_ingest_new(store, &options, &ingest, err);
	if (status == PNR_OK)
		status = pnr_ingest_add_text(ingest, text->data, text->length, PNR_TEXT_NAME, out_item, err);
	if (status == PNR_OK)
		status = pnr_ingest_settle(ingest, err);
	if (status == PNR_OK)
		status = pnr_store_transaction(store, put_rows, ingest, err);
	pnr_ingest_free(ingest);
	return status;
}

/* ------------------------------------------------------------------- finding -- */

/* Packages that a REF may mean. */
typedef struct search {
	const char *ref;
	bool by_manifest; /* its digits are of the manifest's hash */
	pnr_package_key *keys;
	size_t count, capacity;
	bool failed;
} search;

static void search_free(search *s)
{
	free(s->keys);
}

static int add_key(search *s, const pnr_package_key *key)
{
	pnr_package_key *keys = pnr_array_grow(s->keys, sizeof *keys, s->count, &s->capacity);
	s->failed = keys == NULL;
	if (s->failed)
		return 1;
	s->keys = keys;
	s->keys[s->count++] = *key;
	return 0;
}

static bool starts(const pnr_digest *hash, const char *prefix)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	return strncmp(pnr_digest_to_hex(hash, hex), prefix, strlen(prefix)) == 0;
}

static int visit_key(void *user, const char *name, uint64_t size)
{
	search *s = user;
	pnr_package_key key;
	(void)size;
	if (!pnr_package_key_parse(name, &key) ||
	    !starts(s->by_manifest ? &key.manifest_hash : &key.package_hash, s->ref))
		return 0;
	return add_key(s, &key);
}

static int visit_known(void *user, const pnr_remote_package_row *row)
{
	search *s = user;
	const pnr_package_key key = { row->package_hash, row->manifest_hash };
	return starts(&row->archive_hash, s->ref) ? add_key(s, &key) : 0;
}

/* By packageHash; else by manifestHash; else by the archiveHash of what was seen there. */
static pnr_status search_hash(pnr_store *store, const pnr_named_remote *remote, search *s, pnr_error *err)
{
	char prefix[sizeof PACKAGES + HASH_LENGTH];
	(void)snprintf(prefix, sizeof prefix, PACKAGES "%s", s->ref);
	pnr_status status = pnr_remote_list(remote->handle, prefix, visit_key, s, NULL, err);
	if (status == PNR_OK && s->count == 0) {
		s->by_manifest = true;
		status = pnr_remote_list(remote->handle, PACKAGES, visit_key, s, NULL, err);
	}
	if (status == PNR_OK && s->count == 0)
		status = pnr_index_remote_package_list(pnr_store_index(store), remote->row.id, visit_known, s, err);
	return status == PNR_OK && s->failed ? pnr_fail_nomem(err) : status;
}

static int by_package(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(pnr_package_key));
}

/* One package may have several zips; several packages are too many. */
static pnr_status check_one_package(search *s, pnr_error *err)
{
	pnr_buffer list = PNR_BUFFER_INIT;
	size_t packages = 0;
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_array_sort(s->keys, s->count, sizeof *s->keys, by_package);
	for (size_t i = 0; i < s->count; i++) {
		if (i > 0 && pnr_digest_equal(&s->keys[i].package_hash, &s->keys[i - 1].package_hash))
			continue;
		if (packages++ < CANDIDATES_TOLD)
			pnr_buffer_printf(&list, "%s%s", packages > 1 ? ", " : "",
			                  pnr_digest_to_hex(&s->keys[i].package_hash, hex));
	}
	pnr_status status = pnr_buffer_status(&list, err);
	if (status == PNR_OK && packages > 1)
		status = pnr_fail(err, PNR_CONFLICT, "'%s' is ambiguous: it may be %s%s", s->ref, list.data,
		                  packages > CANDIDATES_TOLD ? ", ..." : "");
	pnr_buffer_free(&list);
	return status;
}

static pnr_status created_at(const pnr_package_object *object, int64_t *out_ms, pnr_error *err)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	pnr_status status = pnr_manifest_read(object->manifest.data, object->manifest.length, &manifest, err);
	if (status == PNR_OK)
		*out_ms = manifest->created_ms;
	return status;
}

/* @out_ms: when it was made; only looked for if there are several. */
static pnr_status get_dated(pnr_store *store, pnr_remote *remote, const search *s, size_t i,
                            pnr_package_object *out_object, int64_t *out_ms, pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_status status = pnr_remote_package_get(store, remote, &s->keys[i], &object, err);
	if (status == PNR_OK && s->count > 1)
		status = created_at(&object, out_ms, err);
	if (status != PNR_OK)
		return status;
	*out_object = object;
	object = (pnr_package_object)PNR_PACKAGE_OBJECT_INIT;
	return PNR_OK;
}

/* The package is the same in all of them: one that cannot be read is passed over if another one can. */
static pnr_status get_newest(pnr_store *store, pnr_remote *remote, const search *s, pnr_package_object *out_object,
                             pnr_error *err)
{
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object newest = PNR_PACKAGE_OBJECT_INIT;
	int64_t newest_ms = 0;
	uint64_t received = 0;
	bool found = false;
	pnr_error first = PNR_ERROR_INIT;
	for (size_t i = 0; i < s->count && i < ZIPS_READ; i++) {
		pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
		pnr_error own = PNR_ERROR_INIT;
		int64_t ms = 0;
		pnr_status status = get_dated(store, remote, s, i, &object, &ms, &own);
		if (status == PNR_CORRUPT || status == PNR_UNSUPPORTED || status == PNR_NOT_FOUND) {
			first = first.status == PNR_OK ? own : first;
			continue;
		}
		if (status != PNR_OK)
			return pnr_fail_with(err, &own);
		received += object.received;
		if (!found || ms > newest_ms) {
			pnr_package_object_free(&newest);
			newest = object;
			newest_ms = ms;
			found = true;
		} else {
			pnr_package_object_free(&object);
		}
	}
	if (!found)
		return pnr_fail_with(err, &first);
	newest.received = received;
	*out_object = newest;
	newest = (pnr_package_object)PNR_PACKAGE_OBJECT_INIT;
	return PNR_OK;
}

static pnr_status find_hash(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                            pnr_package_object *out_object, pnr_error *err)
{
	PNR_CLEANUP(search_free) search s = { .ref = ref };
	pnr_status status = search_hash(store, remote, &s, err);
	if (status == PNR_OK && s.count == 0)
		status = pnr_fail(err, PNR_NOT_FOUND, "remote '%s' has no package '%s'", pnr_remote_name(remote->handle), ref);
	if (status == PNR_OK)
		status = check_one_package(&s, err);
	return status == PNR_OK ? get_newest(store, remote->handle, &s, out_object, err) : status;
}

static pnr_status find_tag(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                           pnr_package_object *out_object, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	const char *name = pnr_remote_name(remote->handle);
	char key[PNR_KEY_SIZE];
	pnr_package_key package;
	pnr_error own = PNR_ERROR_INIT;
	if (pnr_key_of_tag(ref, key, NULL) != PNR_OK)
		return pnr_fail(err, PNR_INVALID,
		                "'%s' is not a package of a remote: give a hash or 4 or more digits of it, or a tag", ref);
	pnr_status status = get_text(remote->handle, key, PNR_REMOTE_REF_MAX, &text, &own);
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_NOT_FOUND, "remote '%s' has no tag '%s'", name, ref);
	if (status != PNR_OK)
		return pnr_fail_with(err, &own);
	if (!pnr_package_key_of_tag(text.data, text.length, &package))
		return pnr_fail(err, PNR_CORRUPT, "remote '%s': '%s' is not a tag of ours", name, key);
	status = pnr_remote_package_get(store, remote->handle, &package, out_object, &own);
	if (status == PNR_OK)
		return PNR_OK;
	if (status == PNR_NOT_FOUND)
		return pnr_fail(err, PNR_CORRUPT, "remote '%s': '%s' names a package that is not there", name, key);
	return pnr_fail_with(err, &own);
}

pnr_status pnr_remote_package_find(pnr_store *store, const pnr_named_remote *remote, const char *ref,
                                   pnr_package_object *out_object, pnr_error *err)
{
	return is_prefix(ref) ? find_hash(store, remote, ref, out_object, err) : find_tag(store, remote, ref, out_object, err);
}
