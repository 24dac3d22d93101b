/* The past: versions, uses, differences, tags, totals. The views answer the same in the shell; schema/README.md. */
#include "index/history.h"
#include "base/array.h"
#include "index/database.h"
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------- versions, uses -- */

/* A version while its entries come: those of one package one after the other. */
typedef struct version {
	pnr_version_row row;
	int64_t blob_id, package_id, first_id, last_id;
} version;

typedef struct versions {
	version *items;
	size_t count, capacity;
} versions;

static void versions_free(versions *v)
{
	free(v->items);
}

static int by_time(int64_t a_ms, int64_t a_id, int64_t b_ms, int64_t b_id)
{
	if (a_ms != b_ms)
		return a_ms < b_ms ? -1 : 1;
	return (a_id > b_id) - (a_id < b_id);
}

static int by_first(const void *a, const void *b)
{
	const version *x = a, *y = b;
	return by_time(x->row.first_ms, x->first_id, y->row.first_ms, y->first_id);
}

static void add_entry(version *v, pnr_statement *list, bool is_only)
{
	int64_t id = pnr_column_int(list, 3), package_id = pnr_column_int(list, 5), at_ms = pnr_column_time(list, 4);
	v->row.packages += is_only || package_id != v->package_id;
	v->package_id = package_id;
	if (is_only || by_time(at_ms, id, v->row.first_ms, v->first_id) < 0) {
		v->first_id = id;
		v->row.first_ms = at_ms;
		v->row.first_package = pnr_column_digest(list, 6);
	}
	if (is_only || by_time(at_ms, id, v->row.last_ms, v->last_id) > 0) {
		v->last_id = id;
		v->row.last_ms = at_ms;
		v->row.last_package = pnr_column_digest(list, 6);
	}
}

static pnr_status collect(versions *all, pnr_statement *list, pnr_error *err)
{
	pnr_status status = PNR_OK;
	while (pnr_statement_next(list, &status, err)) {
		int64_t blob_id = pnr_column_int(list, 0);
		bool is_new = all->count == 0 || all->items[all->count - 1].blob_id != blob_id;
		if (is_new) {
			version *items = pnr_array_grow(all->items, sizeof *items, all->count, &all->capacity);
			if (items == NULL)
				return pnr_fail_nomem(err);
			all->items = items;
			items[all->count++] = (version){ .blob_id = blob_id,
				                         .row = { .hash = pnr_column_digest(list, 1),
				                                  .size = pnr_column_size(list, 2) } };
		}
		add_entry(&all->items[all->count - 1], list, is_new);
		status = pnr_statement_intact(list, err);
	}
	return status;
}

pnr_status pnr_index_versions(pnr_index *index, const char *path, pnr_version_row_fn fn, void *user, pnr_error *err)
{
	/* In the order of an index, and put together here: the view asset_history takes twice the time for it. */
	static const pnr_sql list_sql = {
		"read the versions of an asset",
		"SELECT asset.blob_id, blob.hash, blob.size, log.id, log.at, log.package_id, package.package_hash FROM path"
		" CROSS JOIN asset ON asset.path_id = path.id CROSS JOIN blob ON blob.id = asset.blob_id"
		" CROSS JOIN package_asset ON package_asset.asset_id = asset.id"
		" CROSS JOIN log ON log.package_id = package_asset.package_id AND log.event <> 'push'"
		" CROSS JOIN package ON package.id = log.package_id WHERE path.text = ?1 ORDER BY asset.blob_id"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	PNR_CLEANUP(versions_free) versions all = { .items = NULL };
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(list, 1, path);
	status = collect(&all, list, err);
	if (status != PNR_OK)
		return status;
	pnr_array_sort(all.items, all.count, sizeof *all.items, by_first);
	for (size_t i = 0; i < all.count && fn(user, &all.items[i].row) == 0; i++)
		;
	return PNR_OK;
}

pnr_status pnr_index_uses(pnr_index *index, int64_t blob_id, pnr_use_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"find who holds a content",
		"SELECT package.package_hash, path.text, asset.type, asset.uses, first.at, last.at, last.name"
		" FROM (SELECT package_asset.package_id AS package_id, asset.id AS asset_id,"
		" min(log.at || (1000000000000000000 + log.id)) AS first, max(log.at || (1000000000000000000 + log.id)) AS last"
		" FROM asset JOIN package_asset ON package_asset.asset_id = asset.id"
		" LEFT JOIN log ON log.package_id = package_asset.package_id AND log.event <> 'push'"
		" WHERE asset.blob_id = ?1 GROUP BY package_asset.package_id, asset.id) AS held"
		" CROSS JOIN package ON package.id = held.package_id CROSS JOIN asset ON asset.id = held.asset_id"
		" CROSS JOIN path ON path.id = asset.path_id"
		" LEFT JOIN log AS first ON first.id = CAST(substr(held.first, 26) AS INTEGER)"
		" LEFT JOIN log AS last ON last.id = CAST(substr(held.last, 26) AS INTEGER)"
		" ORDER BY held.last DESC, held.package_id DESC, path.text"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, blob_id);
	while (pnr_statement_next(list, &status, err)) {
		pnr_use_row row = { .package_hash = pnr_column_digest(list, 0),
			            .path = pnr_column_text(list, 1),
			            .type = pnr_column_text(list, 2),
			            .uses = pnr_column_text(list, 3),
			            .logged = !pnr_column_is_null(list, 6),
			            .name = "" };
		if (row.logged) {
			row.first_ms = pnr_column_time(list, 4);
			row.last_ms = pnr_column_time(list, 5);
			row.name = pnr_column_text(list, 6);
		}
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

/* --------------------------------------------------------- two packages -- */

/* The assets of one package, by path; the one it stands on, and what it says. */
typedef struct side {
	pnr_statement *list;
	bool ended;
	const char *path, *type;
	pnr_digest hash;
	uint64_t size;
} side;

static void side_release(side *s)
{
	pnr_statement_release(&s->list);
}

static pnr_status side_next(side *s, pnr_error *err)
{
	pnr_status status = pnr_statement_row(s->list, err);
	s->ended = status == PNR_NOT_FOUND;
	if (status != PNR_OK)
		return s->ended ? PNR_OK : status;
	s->path = pnr_column_text(s->list, 0);
	s->type = pnr_column_text(s->list, 1);
	s->hash = pnr_column_digest(s->list, 2);
	s->size = pnr_column_size(s->list, 3);
	return pnr_statement_intact(s->list, err);
}

static pnr_status side_begin(pnr_index *index, int64_t package_id, side *s, pnr_error *err)
{
	static const pnr_sql list_sql = { "read the assets of a package by path",
		                          "SELECT path.text, asset.type, blob.hash, blob.size FROM package_asset"
		                          " CROSS JOIN asset ON asset.id = package_asset.asset_id"
		                          " CROSS JOIN path ON path.id = asset.path_id"
		                          " CROSS JOIN blob ON blob.id = asset.blob_id"
		                          " WHERE package_asset.package_id = ?1 ORDER BY path.text" };
	pnr_status status = pnr_statement_take(index, &list_sql, &s->list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(s->list, 1, package_id);
	return side_next(s, err);
}

/* Which of both stands on the smaller path: below 0 the old one, above the new one, 0 both. */
static int side_order(const side *old, const side *new)
{
	if (old->ended || new->ended)
		return old->ended ? 1 : -1;
	return strcmp(old->path, new->path);
}

static pnr_status merge_sides(side *old, side *new, pnr_pair_row_fn fn, void *user, pnr_error *err)
{
	pnr_status status = PNR_OK;
	while (status == PNR_OK && !(old->ended && new->ended)) {
		int order = side_order(old, new);
		pnr_pair_row row = { .path = order <= 0 ? old->path : new->path,
			             .in_old = order <= 0,
			             .in_new = order >= 0 };
		if (row.in_old) {
			row.old_type = old->type;
			row.old_hash = old->hash;
			row.old_size = old->size;
		}
		if (row.in_new) {
			row.new_type = new->type;
			row.new_hash = new->hash;
			row.new_size = new->size;
		}
		status = fn(user, &row, err);
		if (status == PNR_OK && row.in_old)
			status = side_next(old, err);
		if (status == PNR_OK && row.in_new)
			status = side_next(new, err);
	}
	return status;
}

pnr_status pnr_index_pairs(pnr_index *index, int64_t old_id, int64_t new_id, pnr_pair_row_fn fn, void *user,
                           pnr_error *err)
{
	PNR_CLEANUP(side_release) side old = { .list = NULL };
	PNR_CLEANUP(side_release) side new = { .list = NULL };
	pnr_status status = side_begin(index, old_id, &old, err);
	if (status == PNR_OK)
		status = side_begin(index, new_id, &new, err);
	return status == PNR_OK ? merge_sides(&old, &new, fn, user, err) : status;
}

pnr_status pnr_index_pushed(pnr_index *index, const pnr_digest *package_hash, pnr_pushed_row_fn fn, void *user,
                            pnr_error *err)
{
	static const pnr_sql list_sql = {
		"find where a package is",
		"SELECT remote.name, remote.url, remote_package.archive_hash, remote_package.at"
		" FROM remote_package JOIN remote ON remote.id = remote_package.remote_id"
		" WHERE remote_package.package_hash = ?1 ORDER BY remote.name, remote_package.at"
	};
	/* An older database that is only read knows of no remotes. */
	if (!index->evicts)
		return PNR_OK;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(list, 1, package_hash);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_pushed_row row = { .remote = pnr_column_text(list, 0),
			                     .url = pnr_column_text(list, 1),
			                     .archive_hash = pnr_column_digest(list, 2),
			                     .at_ms = pnr_column_time(list, 3) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

/* -------------------------------------------------------------- imports -- */

pnr_status pnr_index_imported_put(pnr_index *index, const pnr_imported_row *row, pnr_error *err)
{
	static const pnr_sql insert_sql = {
		"record what was imported",
		"INSERT INTO imported_archive (log_id, package_id, archive_hash, size, file, imported_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(insert, 1, row->log_id);
	pnr_bind_int(insert, 2, row->package_id);
	pnr_bind_digest(insert, 3, &row->archive_hash);
	pnr_bind_size(insert, 4, row->size);
	pnr_bind_text(insert, 5, row->file);
	pnr_bind_time(insert, 6, row->imported_ms);
	return pnr_statement_write(insert, err);
}

pnr_status pnr_index_imported_get(pnr_index *index, int64_t log_id, pnr_archive_row *out_row, pnr_error *err)
{
	static const pnr_sql get_sql = { "get what was imported",
		                         "SELECT imported_archive.package_id, archive_hash, size, log.at FROM imported_archive"
		                         " JOIN log ON log.id = log_id WHERE log_id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *get = NULL;
	pnr_status status = pnr_statement_take(index, &get_sql, &get, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(get, 1, log_id);
	status = pnr_statement_row(get, err);
	if (status != PNR_OK)
		return status;
	const pnr_archive_row row = { .package_id = pnr_column_int(get, 0),
		                      .archive_hash = pnr_column_digest(get, 1),
		                      .size = pnr_column_size(get, 2),
		                      .created_ms = pnr_column_time(get, 3) };
	status = pnr_statement_intact(get, err);
	if (status == PNR_OK)
		*out_row = row;
	return status;
}

pnr_status pnr_index_imports(pnr_index *index, pnr_import_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"read the imports",
		"SELECT log.id, package.package_hash, archive_hash,"
		" log.package_id = imported_archive.package_id AND log.event = 'import', imported_at, file, log.options"
		" FROM imported_archive JOIN log ON log.id = log_id JOIN package ON package.id = imported_archive.package_id"
		" ORDER BY log_id"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	if (!index->imports)
		return PNR_OK;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_import_row row = { .log_id = pnr_column_int(list, 0),
			                     .package_hash = pnr_column_digest(list, 1),
			                     .archive_hash = pnr_column_digest(list, 2),
			                     .same_package = pnr_column_int(list, 3) != 0,
			                     .imported_ms = pnr_column_time(list, 4),
			                     .file = pnr_column_text(list, 5),
			                     .options = pnr_column_text(list, 6) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_imported_find(pnr_index *index, const pnr_digest *archive_hash, const char *name,
                                   pnr_digest *out_package_hash, pnr_error *err)
{
	static const pnr_sql find_sql = {
		"find what was imported",
		"SELECT package.package_hash FROM (SELECT log_id FROM imported_archive WHERE archive_hash = ?1"
		" UNION ALL SELECT log.id FROM archive CROSS JOIN log ON log.package_id = archive.package_id"
		" WHERE archive.archive_hash = ?1 AND log.archive_id = archive.id AND log.event <> 'push') AS known"
		" CROSS JOIN log ON log.id = known.log_id JOIN package ON package.id = log.package_id WHERE log.name = ?2 LIMIT 1"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(find, 1, archive_hash);
	pnr_bind_text(find, 2, name);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	pnr_digest hash = pnr_column_digest(find, 0);
	status = pnr_statement_intact(find, err);
	if (status == PNR_OK)
		*out_package_hash = hash;
	return status;
}

pnr_status pnr_index_log_last_time(pnr_index *index, int64_t *out_ms, pnr_error *err)
{
	static const pnr_sql find_sql = { "find the newest time in the log",
		                          "SELECT at FROM log ORDER BY at DESC LIMIT 1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	int64_t ms = pnr_column_time(find, 0);
	status = pnr_statement_intact(find, err);
	if (status == PNR_OK)
		*out_ms = ms;
	return status;
}

/* ----------------------------------------------------------------- tags -- */

pnr_status pnr_index_tags(pnr_index *index, pnr_tag_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = { "read the tags",
		                          "SELECT tag.name, package.package_hash, archive.archive_hash, tag.at FROM tag"
		                          " JOIN package ON package.id = tag.package_id"
		                          " LEFT JOIN archive ON archive.id = tag.archive_id ORDER BY tag.name" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		pnr_tag_row row = { .name = pnr_column_text(list, 0),
			            .package_hash = pnr_column_digest(list, 1),
			            .has_archive = !pnr_column_is_null(list, 2),
			            .at_ms = pnr_column_time(list, 3) };
		if (row.has_archive)
			row.archive_hash = pnr_column_digest(list, 2);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

pnr_status pnr_index_tag_remove(pnr_index *index, const char *tag, pnr_error *err)
{
	static const pnr_sql remove_sql = { "remove a tag", "DELETE FROM tag WHERE name = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *remove = NULL;
	pnr_status status = pnr_statement_take(index, &remove_sql, &remove, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(remove, 1, tag);
	status = pnr_statement_write(remove, err);
	return status == PNR_OK && !pnr_index_changed(index) ? PNR_NOT_FOUND : status;
}

/* --------------------------------------------------------------- totals -- */

pnr_status pnr_index_totals(pnr_index *index, pnr_totals *out_totals, pnr_error *err)
{
	/* As the view store_totals. Sizes of encodings come from an index that has them: the rows hold what is small. */
#define TOTALS(given_up)                                                                             \
	"SELECT of_packages.count, of_archives.count, (SELECT count(*) FROM log), of_packages.assets,"    \
	" of_blobs.count, (SELECT count(*) FROM tag), of_packages.size, of_archives.size, of_blobs.size," \
	" (SELECT coalesce(sum(stored_size), 0) FROM encoding INDEXED BY encoding_by_size)" given_up ","  \
	" (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size),"                      \
	" (SELECT min(at) FROM log), (SELECT max(at) FROM log)"                                           \
	" FROM (SELECT count(*) AS count, coalesce(sum(asset_count), 0) AS assets,"                       \
	" coalesce(sum(total_size), 0) AS size FROM package) AS of_packages"                              \
	" JOIN (SELECT count(*) AS count, coalesce(sum(size), 0) AS size FROM archive) AS of_archives"    \
	" JOIN (SELECT count(*) AS count, coalesce(sum(size), 0) AS size FROM blob) AS of_blobs"
	static const pnr_sql whole_sql = { "count", TOTALS("") };
	static const pnr_sql kept_sql = {
		"count", TOTALS(" - (SELECT coalesce(sum(stored_size), 0) FROM evicted_encoding"
		                " CROSS JOIN encoding ON encoding.id = evicted_encoding.encoding_id)")
	};
#undef TOTALS
	PNR_CLEANUP(pnr_statement_release) pnr_statement *count = NULL;
	pnr_status status = pnr_statement_take(index, index->evicts ? &kept_sql : &whole_sql, &count, err);
	if (status == PNR_OK)
		status = pnr_statement_row(count, err);
	if (status != PNR_OK)
		return status;
	pnr_totals totals = { .packages = pnr_column_size(count, 0),
		              .archives = pnr_column_size(count, 1),
		              .entries = pnr_column_size(count, 2),
		              .assets = pnr_column_size(count, 3),
		              .blobs = pnr_column_size(count, 4),
		              .tags = pnr_column_size(count, 5),
		              .bytes_packages = pnr_column_size(count, 6),
		              .bytes_archives = pnr_column_size(count, 7),
		              .bytes_raw = pnr_column_size(count, 8),
		              .bytes_stored = pnr_column_size(count, 9),
		              .bytes_database = pnr_column_size(count, 10),
		              .logged = !pnr_column_is_null(count, 11) };
	if (totals.logged) {
		totals.first_ms = pnr_column_time(count, 11);
		totals.last_ms = pnr_column_time(count, 12);
	}
	status = pnr_statement_intact(count, err);
	if (status == PNR_OK)
		*out_totals = totals;
	return status;
}
