/*
 * Making a delta. What each asset is, is decided first, since the manifest, which
 * says it, comes first in the zip: patches wait in a file beside the output.
 */
#include "base/array.h"
#include "base/file.h"
#include "base/options.h"
#include "base/path.h"
#include "codec/hash.h"
#include "codec/patch.h"
#include "package/manifest_tail.h"
#include "package/stored_archive.h"
#include "sync/blob_patch.h"
#include "sync/delta_manifest.h"
#include "sync/push.h"
#include <fcntl.h>
#include <inttypes.h>
#include <pannier/delta.h>
#include <pannier/package.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What becomes of an asset of the new package. */
typedef struct verdict {
	pnr_delta_asset asset;
	pnr_archive_extra patch;
	const char *patch_path; /* NULL: no entry of its own; owned */
} verdict;

/* An asset that might be a patch, by what the patch would be. */
typedef struct pairing {
	pnr_digest content, base;
	size_t index;
} pairing;

typedef struct making {
	pnr_store *store;
	const pnr_delta_options *options;
	pnr_meter meter;
	pnr_stored_archive archive;
	pnr_ref_row since;
	pnr_held_list held; /* versions that a patch may be against, if they are there */
	pnr_digest *have; /* sorted */
	size_t have_count;
	verdict *verdicts; /* one an asset: item i + 1 of the archive */
	const pnr_held **bases; /* likewise: what a patch would be against; NULL: there is none */
	size_t *firsts;     /* likewise: the first asset whose patch would be the same one */
	pnr_temp patches, content, manifest_file;
	uint64_t patches_size;
	pnr_archive_extra manifest;
	pnr_delta_result result;
	bool at_fault;
} making;

static void making_free(making *m)
{
	for (size_t i = 0; m->verdicts != NULL && i + 1 < m->archive.count; i++)
		free((char *)(uintptr_t)m->verdicts[i].patch_path);
	pnr_held_free(&m->held);
	free(m->have);
	free(m->verdicts);
	free(m->bases);
	free(m->firsts);
	pnr_temp_discard(&m->patches);
	pnr_temp_discard(&m->content);
	pnr_temp_discard(&m->manifest_file);
	pnr_stored_archive_free(&m->archive);
}

/* --------------------------------------------------- what the other side has -- */

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(pnr_digest));
}

static pnr_status new_have(making *m, size_t count, pnr_error *err)
{
	m->have = calloc(count + 1, sizeof *m->have);
	return m->have == NULL ? pnr_fail_nomem(err) : PNR_OK;
}

static pnr_status have_package(making *m, pnr_error *err)
{
	pnr_status status = pnr_store_ref(m->store, m->options->since, &m->since, err);
	if (status == PNR_OK)
		status = pnr_held_load(pnr_store_index(m->store), m->since.package_id, &m->held, err);
	if (status == PNR_OK)
		status = new_have(m, m->held.count, err);
	for (size_t i = 0; status == PNR_OK && i < m->held.count; i++)
		m->have[m->have_count++] = m->held.items[i].blob.hash;
	return status;
}

/* What a push would find there. */
static pnr_status have_planned(making *m, const pnr_push_plan *plan, pnr_error *err)
{
	pnr_status status = new_have(m, plan->count, err);
	for (size_t i = 0; status == PNR_OK && i < plan->count; i++)
		if (plan->pieces[i].fate == PNR_PIECE_THERE)
			m->have[m->have_count++] = plan->pieces[i].hash;
	return status;
}

static pnr_status have_remote(making *m, pnr_error *err)
{
	PNR_CLEANUP(pnr_named_remote_close) pnr_named_remote remote = PNR_NAMED_REMOTE_INIT;
	const pnr_remote_options options = { .meter = &m->meter };
	const char *name = m->archive.name.data;
	pnr_status status = pnr_named_remote_open(m->store, m->options->remote, &options, &remote, &m->at_fault, err);
	if (status == PNR_OK && m->options->patches)
		status = pnr_held_load_remote(pnr_store_index(m->store), remote.row.id, name, &m->held, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_push_plan_free) pnr_push_plan plan = {
		.store = m->store,
		.remote = &remote,
		.archive = &m->archive,
		.name = name,
		.whole = !m->options->patches,
		.meter = &m->meter,
	};
	status = pnr_push_plan_make(&plan, err);
	m->at_fault |= plan.remote_failed && status != PNR_OK && status != PNR_CORRUPT;
	return status == PNR_OK ? have_planned(m, &plan, err) : status;
}

static pnr_status have_list(making *m, pnr_error *err)
{
	pnr_status status = new_have(m, m->options->have_count, err);
	for (size_t i = 0; status == PNR_OK && i < m->options->have_count; i++)
		m->have[m->have_count++] = m->options->have[i];
	return status;
}

static pnr_status load_have(making *m, pnr_error *err)
{
	const pnr_delta_options *o = m->options;
	pnr_status status = o->since != NULL    ? have_package(m, err)
	                    : o->remote != NULL ? have_remote(m, err)
	                                        : have_list(m, err);
	if (status == PNR_OK)
		pnr_array_sort(m->have, m->have_count, sizeof *m->have, by_bytes);
	return status;
}

/* ------------------------------------------------------------------- patches -- */

/* A file for what waits, beside the output. */
static pnr_status open_spool(const char *target, pnr_temp *out_temp, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_close) int dir = -1;
	PNR_CLEANUP(pnr_cleanup_free) char *parent = pnr_path_dir(target);
	if (out_temp->fd >= 0)
		return PNR_OK;
	if (parent == NULL)
		return pnr_fail_nomem(err);
	pnr_status status = pnr_file_make_dirs(AT_FDCWD, parent, err);
	if (status == PNR_OK)
		status = pnr_file_open_dir(AT_FDCWD, parent, &dir, err);
	return status == PNR_OK ? pnr_temp_file(dir, pnr_path_base(target), out_temp, err) : status;
}

/* The bytes of a patch, hashed on their way to the end of the file of patches. */
typedef struct spool {
	making *making;
	uint64_t offset;
} spool;

static pnr_status spool_write(void *context, const void *data, size_t length, pnr_error *err)
{
	spool *s = context;
	pnr_status status = pnr_file_pwrite(s->making->patches.fd, data, length, s->offset, "patches", err);
	s->offset += length;
	return status;
}

static pnr_status write_patch(making *m, const pnr_archive_item *item, const pnr_held *base, uint64_t whole_size,
                              verdict *out, pnr_error *err)
{
	PNR_CLEANUP(pnr_hash_cleanup) pnr_hash *hash = NULL;
	uint64_t size = 0;
	spool to = { m, m->patches_size };
	const pnr_sink file = { .write = spool_write, .context = &to };
	pnr_status status = pnr_hash_new_with_crc32(&hash, err);
	if (status != PNR_OK)
		return status;
	pnr_hash_pipe pipe = { hash, &file, NULL };
	const pnr_sink sink = pnr_hash_pipe_sink(&pipe);
	status = pnr_blob_patch(m->store, &base->blob, &item->blob, whole_size, m->content.fd, m->content.target, &sink,
	                        &m->meter, item->path, &size, err);
	if (status != PNR_OK || size == 0)
		return status;
	char path[PNR_DELTA_PATCH_PATH_SIZE];
	out->asset = (pnr_delta_asset){
		.from = PNR_DELTA_PATCH,
		.base = base->blob.hash,
		.base_size = base->blob.size,
		.size = size,
	};
	out->patch = (pnr_archive_extra){
		.fd = m->patches.fd, .name = "patches", .offset = m->patches_size, .body_size = size, .size = size,
	};
	m->patches_size += size;
	out->patch_path = strdup(pnr_delta_patch_path(&item->blob.hash, &base->blob.hash, path));
	if (out->patch_path == NULL)
		return pnr_fail_nomem(err);
	return pnr_hash_finish(hash, &out->asset.hash, &out->patch.crc32, NULL, err);
}

static void body_cleanup(pnr_body **body)
{
	pnr_body_close(*body);
}

/* A patch, if there can be one that is worth it. */
static pnr_status try_patch(making *m, const char *target, const pnr_archive_item *item, const pnr_held *base,
                            verdict *out, pnr_error *err)
{
	PNR_CLEANUP(body_cleanup) pnr_body *body = NULL;
	if (!pnr_patch_fits(base->blob.size, item->blob.size))
		return PNR_OK;
	pnr_status status = pnr_body_open(m->store, &item->blob, item->encoding_id, &body, err);
	if (status == PNR_OK)
		status = open_spool(target, &m->patches, err);
	if (status == PNR_OK)
		status = open_spool(target, &m->content, err);
	return status == PNR_OK ? write_patch(m, item, base, pnr_body_size(body), out, err) : status;
}

/* ------------------------------------------------------------------ deciding -- */

static bool is_there(const making *m, const pnr_digest *hash)
{
	return m->have_count > 0 && bsearch(hash, m->have, m->have_count, sizeof *m->have, by_bytes) != NULL;
}

/* No asset may be in the way of a patch, not even where case is ignored. */
static bool patch_dir_is_free(const making *m)
{
	size_t length = strlen(PNR_DELTA_PATCH_DIR);
	for (size_t i = 1; i < m->archive.count; i++) {
		const char *path = m->archive.items[i].path;
		if (strncasecmp(path, PNR_DELTA_PATCH_DIR, length) == 0 && (path[length] == '\0' || path[length] == '/'))
			return false;
	}
	return true;
}

static int by_pair(const void *a, const void *b)
{
	const pairing *x = a, *y = b;
	int order = memcmp(&x->content, &y->content, sizeof x->content);
	if (order == 0)
		order = memcmp(&x->base, &y->base, sizeof x->base);
	return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* Which assets could be patches, and which of them the same one: that is made, and sent, once. */
static pnr_status pair(making *m, pnr_error *err)
{
	size_t count = m->archive.count - 1, pairs = 0;
	PNR_CLEANUP(pnr_cleanup_free) pairing *list = calloc(count + 1, sizeof *list);
	m->bases = calloc(count + 1, sizeof *m->bases);
	m->firsts = calloc(count + 1, sizeof *m->firsts);
	if (list == NULL || m->bases == NULL || m->firsts == NULL)
		return pnr_fail_nomem(err);
	bool wanted = m->options->patches && patch_dir_is_free(m);
	for (size_t i = 0; wanted && i < count; i++) {
		const pnr_archive_item *item = &m->archive.items[i + 1];
		const pnr_held *base = is_there(m, &item->blob.hash) ? NULL : pnr_held_version(&m->held, item->path);
		if (base == NULL || !is_there(m, &base->blob.hash))
			continue;
		m->bases[i] = base;
		list[pairs++] = (pairing){ item->blob.hash, base->blob.hash, i };
	}
	pnr_array_sort(list, pairs, sizeof *list, by_pair);
	for (size_t i = 0; i < pairs; i++) {
		bool again = i > 0 && memcmp(&list[i].content, &list[i - 1].content, 2 * sizeof list[i].content) == 0;
		m->firsts[list[i].index] = again ? m->firsts[list[i - 1].index] : list[i].index;
	}
	return PNR_OK;
}

static pnr_status decide_one(making *m, const char *target, size_t i, pnr_error *err)
{
	const pnr_archive_item *item = &m->archive.items[i + 1];
	verdict *out = &m->verdicts[i];
	pnr_held *same_path = pnr_held_find(&m->held, item->path);
	pnr_status status = PNR_OK;
	if (same_path != NULL)
		same_path->kept = true;
	if (is_there(m, &item->blob.hash)) {
		out->asset.from = PNR_DELTA_BASE;
		return pnr_meter_add(&m->meter, item->path, item->blob.size, err);
	}
	out->asset.from = PNR_DELTA_ZIP;
	if (m->bases[i] != NULL && m->firsts[i] != i)
		out->asset = m->verdicts[m->firsts[i]].asset;
	else if (m->bases[i] != NULL)
		status = try_patch(m, target, item, m->bases[i], out, err);
	if (status != PNR_OK && status != PNR_CANCELLED)
		pnr_context(err, "'%s'", item->path);
	m->result.assets_whole += out->asset.from == PNR_DELTA_ZIP;
	m->result.assets_patched += out->asset.from == PNR_DELTA_PATCH;
	return status;
}

/* What the older package has and the new one has not; of a remote that is not asked. */
static bool is_removed(const making *m, size_t held)
{
	return m->options->since != NULL && !m->held.items[held].kept;
}

/* Without patches and removals unzip is to be an update, and unzip finds nothing at other paths. */
static void keep_places(making *m)
{
	if (m->options->since == NULL || m->result.assets_patched + m->result.assets_removed > 0)
		return;
	for (size_t i = 0; i + 1 < m->archive.count; i++) {
		const pnr_archive_item *item = &m->archive.items[i + 1];
		const pnr_held *same_path = pnr_held_find(&m->held, item->path);
		pnr_delta_asset *asset = &m->verdicts[i].asset;
		if (asset->from != PNR_DELTA_BASE ||
		    (same_path != NULL && pnr_digest_equal(&same_path->blob.hash, &item->blob.hash)))
			continue;
		asset->from = PNR_DELTA_ZIP;
		m->result.assets_whole++;
	}
}

static pnr_status decide(making *m, const char *target, pnr_error *err)
{
	size_t count = m->archive.count - 1;
	m->verdicts = calloc(count + 1, sizeof *m->verdicts);
	if (m->verdicts == NULL)
		return pnr_fail_nomem(err);
	m->result.assets = count;
	pnr_status status = pair(m, err);
	for (size_t i = 0; i < count && status == PNR_OK; i++)
		status = decide_one(m, target, i, err);
	for (size_t i = 0; i < m->held.count; i++)
		m->result.assets_removed += is_removed(m, i);
	if (status == PNR_OK)
		keep_places(m);
	return status;
}

/* ---------------------------------------------------------------- the manifest -- */

static void put_member(pnr_buffer *out, const char *key, const char *value)
{
	pnr_buffer_printf(out, ",\"%s\":", key);
	pnr_json_quote(out, value, strlen(value));
}

static void describe_asset(const pnr_archive_item *item, const pnr_delta_asset *asset, pnr_buffer *out)
{
	char hex[PNR_DIGEST_HEX_SIZE], path[PNR_DELTA_PATCH_PATH_SIZE];
	pnr_buffer_puts(out, "{\"path\":");
	pnr_json_quote(out, item->path, strlen(item->path));
	put_member(out, "from", pnr_delta_from_name(asset->from));
	if (asset->from == PNR_DELTA_PATCH) {
		put_member(out, "base", pnr_digest_to_hex(&asset->base, hex));
		pnr_buffer_printf(out, ",\"baseSize\":%" PRIu64, asset->base_size);
		put_member(out, "patch", pnr_delta_patch_path(&item->blob.hash, &asset->base, path));
		put_member(out, "hash", pnr_digest_to_hex(&asset->hash, hex));
		pnr_buffer_printf(out, ",\"size\":%" PRIu64, asset->size);
	}
	pnr_buffer_putc(out, '}');
}

static void describe(const making *m, pnr_buffer *out)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	bool first = true;
	pnr_buffer_printf(out, "{\"format\":%u", PNR_DELTA_FORMAT);
	if (m->options->since != NULL)
		put_member(out, "basePackageHash", pnr_digest_to_hex(&m->since.package_hash, hex));
	put_member(out, "name", m->archive.name.data);
	put_member(out, "archiveHash", pnr_digest_to_hex(&m->archive.archive.archive_hash, hex));
	pnr_buffer_printf(out, ",\"archiveSize\":%" PRIu64, m->archive.archive.size);
	put_member(out, "archiveOptions", m->archive.options.data);
	pnr_buffer_puts(out, ",\"assets\":[");
	for (size_t i = 1; i < m->archive.count; i++) {
		pnr_buffer_puts(out, i > 1 ? "," : "");
		describe_asset(&m->archive.items[i], &m->verdicts[i - 1].asset, out);
	}
	pnr_buffer_puts(out, "],\"removed\":[");
	for (size_t i = 0; i < m->held.count; i++) {
		if (!is_removed(m, i))
			continue;
		pnr_buffer_puts(out, first ? "" : ",");
		pnr_json_quote(out, m->held.items[i].path, strlen(m->held.items[i].path));
		first = false;
	}
	pnr_buffer_puts(out, "]}");
}

static void coders_cleanup(pnr_coders **coders)
{
	pnr_coders_free(*coders);
}

/* Compressed as any other manifest is, into a file beside the output. */
static pnr_status encode_manifest(making *m, const char *target, const pnr_buffer *text, pnr_error *err)
{
	PNR_CLEANUP(coders_cleanup) pnr_coders *coders = NULL;
	pnr_memory_range range = { text->data, text->length };
	const pnr_source source = pnr_memory_source(&range);
	pnr_content content;
	pnr_encoding encoding;
	pnr_pool *pool = NULL;
	pnr_status status = open_spool(target, &m->manifest_file, err);
	if (status == PNR_OK)
		status = pnr_coders_new(PNR_LEVEL_DEFAULT, &coders, err);
	if (status == PNR_OK)
		status = pnr_store_pool(m->store, &pool, err);
	if (status == PNR_OK)
		status = pnr_encode_stream(coders, &source, m->manifest_file.fd, PNR_MANIFEST_NAME, pool, NULL, NULL, &content,
		                           &encoding, err);
	if (status != PNR_OK)
		return status;
	m->manifest = (pnr_archive_extra){
		.fd = m->manifest_file.fd,
		.name = PNR_MANIFEST_NAME,
		.offset = encoding.body_offset,
		.body_size = encoding.body_size,
		.deflated = encoding.form != PNR_FORM_STORED,
		.size = content.size,
		.crc32 = content.crc32,
	};
	return PNR_OK;
}

static pnr_status make_manifest(making *m, const char *target, pnr_error *err)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer whole = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer tail = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_status status = pnr_store_manifest(m->store, m->archive.archive.id, &whole, err);
	describe(m, &tail);
	if (status == PNR_OK)
		status = pnr_buffer_status(&tail, err);
	if (status == PNR_OK)
		status = pnr_manifest_add_tail(whole.data, whole.length, PNR_DELTA_KEY, tail.data, &text, err);
	if (status == PNR_OK && text.length > PNR_MANIFEST_MAX)
		status = pnr_fail(err, PNR_FULL, "the manifest would be larger than %u bytes", PNR_MANIFEST_MAX);
	return status == PNR_OK ? encode_manifest(m, target, &text, err) : status;
}

/* --------------------------------------------------------------------- the zip -- */

static pnr_status write_zip(making *m, const char *target, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) pnr_archive_item *items = calloc(m->archive.count, sizeof *items);
	PNR_CLEANUP(pnr_temp_discard) pnr_temp zip = PNR_TEMP_INIT;
	pnr_digest hash;
	size_t count = 0;
	if (items == NULL)
		return pnr_fail_nomem(err);
	items[count++] = (pnr_archive_item){ .path = PNR_MANIFEST_NAME, .extra = &m->manifest };
	for (size_t i = 1; i < m->archive.count; i++)
		if (m->verdicts[i - 1].asset.from == PNR_DELTA_ZIP)
			items[count++] = m->archive.items[i];
	for (size_t i = 0; i + 1 < m->archive.count; i++)
		if (m->verdicts[i].patch_path != NULL)
			items[count++] = (pnr_archive_item){ .path = m->verdicts[i].patch_path, .extra = &m->verdicts[i].patch };
	pnr_status status = pnr_meter_begin(&m->meter, PNR_PHASE_WRITE, 0, err);
	if (status == PNR_OK)
		status = pnr_archive_write_temp(m->store, items, count, m->archive.archive.created_ms, &m->meter, target, &zip,
		                                &hash, &m->result.bytes, err);
	if (status == PNR_OK)
		status = pnr_meter_end(&m->meter, err);
	return status == PNR_OK ? pnr_temp_publish(&zip, err) : status;
}

static pnr_status run(making *m, const char *ref, const char *output_path, pnr_error *err)
{
	PNR_CLEANUP(pnr_cleanup_free) char *target = NULL;
	pnr_status status = pnr_stored_archive_load(m->store, ref, &m->archive, err);
	if (status == PNR_OK && !pnr_utf8_valid(m->archive.name.data, m->archive.name.length))
		status = pnr_fail(err, PNR_INVALID, "the model's name is not UTF-8 and cannot stand in a manifest: pack it with --name");
	if (status == PNR_OK)
		status = load_have(m, err);
	if (status == PNR_OK)
		status = pnr_archive_target(m->store, output_path, &target, err);
	if (status == PNR_OK)
		status = pnr_meter_begin(&m->meter, PNR_PHASE_HASH, 0, err);
	if (status == PNR_OK)
		status = decide(m, target, err);
	if (status == PNR_OK)
		status = pnr_meter_end(&m->meter, err);
	if (status == PNR_OK)
		status = make_manifest(m, target, err);
	return status == PNR_OK ? write_zip(m, target, err) : status;
}

pnr_status pnr_delta(pnr_store *store, const char *ref, const pnr_delta_options *options, const char *output_path,
                     pnr_delta_result *out_result, bool *out_at_fault, pnr_error *err)
{
	pnr_delta_options own = { .size = sizeof own };
	pnr_status status = pnr_options_take(&own, sizeof own, options, "pnr_delta_options", err);
	if (status != PNR_OK)
		return status;
	if ((own.since != NULL) + (own.remote != NULL) + (own.have != NULL || own.have_count > 0) != 1)
		return pnr_fail(err, PNR_INVALID, "a delta is either since a package, or against a remote or a list of hashes");
	PNR_CLEANUP(making_free) making m = {
		.store = store,
		.options = &own,
		.meter = { .fn = own.progress, .user = own.progress_user },
		.archive = PNR_STORED_ARCHIVE_INIT,
		.patches = PNR_TEMP_INIT,
		.content = PNR_TEMP_INIT,
		.manifest_file = PNR_TEMP_INIT,
	};
	status = run(&m, ref, output_path, err);
	if (out_at_fault != NULL)
		*out_at_fault = m.at_fault;
	if (status != PNR_OK)
		return status;
	m.result.size = sizeof m.result;
	m.result.package_hash = m.archive.package.package_hash;
	m.result.archive_hash = m.archive.archive.archive_hash;
	m.result.bytes_full = m.archive.archive.size;
	*out_result = m.result;
	return PNR_OK;
}
