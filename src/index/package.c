/*
 * Packages: lists of assets. An asset that an older package has already (same
 * path, type, uses and content) costs one small row and one statement.
 */
#include "index/database.h"
#include "index/evict.h"

pnr_status pnr_index_package_find(pnr_index *index, const pnr_digest *package_hash, int64_t *out_id, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a package", "SELECT id FROM package WHERE package_hash = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(find, 1, package_hash);
	return pnr_statement_id(find, out_id, err);
}

/* ---------------------------------------------------------------- paths -- */

/* The statements that put many rows, taken once. */
typedef struct put_paths {
	pnr_statement *find, *insert;
} put_paths;

static void put_paths_release(put_paths *paths)
{
	pnr_statement_release(&paths->find);
	pnr_statement_release(&paths->insert);
}

static pnr_status put_paths_take(pnr_index *index, put_paths *paths, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a path", "SELECT id FROM path WHERE text = ?1" };
	static const pnr_sql insert_sql = { "add a path", "INSERT INTO path (text) VALUES (?1)" };
	pnr_status status = pnr_statement_take(index, &find_sql, &paths->find, err);
	if (status == PNR_OK)
		status = pnr_statement_take(index, &insert_sql, &paths->insert, err);
	return status;
}

/* The id of @text, which is added if it is new. */
static pnr_status path_id(put_paths *paths, const char *text, int64_t *out_id, pnr_error *err)
{
	pnr_bind_text(paths->find, 1, text);
	pnr_status status = pnr_statement_id(paths->find, out_id, err);
	pnr_statement_rewind(paths->find);
	if (status != PNR_NOT_FOUND)
		return status;
	pnr_bind_text(paths->insert, 1, text);
	return pnr_statement_insert(paths->insert, out_id, err);
}

/* --------------------------------------------------------------- assets -- */

typedef struct put_assets {
	put_paths paths;
	pnr_statement *known; /* adds the row of an asset that is there */
	pnr_statement *asset; /* adds an asset */
} put_assets;

static void put_assets_release(put_assets *put)
{
	put_paths_release(&put->paths);
	pnr_statement_release(&put->known);
	pnr_statement_release(&put->asset);
}

static pnr_status put_assets_take(pnr_index *index, put_assets *put, pnr_error *err)
{
	static const pnr_sql known_sql = {
		"add an asset to a package",
		"INSERT INTO package_asset (package_id, position, asset_id)"
		" SELECT ?1, ?2, asset.id FROM path JOIN asset ON asset.path_id = path.id"
		" WHERE path.text = ?3 AND asset.blob_id = ?4 AND asset.type = ?5 AND asset.uses = ?6"
	};
	static const pnr_sql asset_sql = { "add an asset", "INSERT INTO asset (path_id, blob_id, type, uses)"
		                                           " VALUES (?1, ?2, ?3, ?4)" };
	pnr_status status = put_paths_take(index, &put->paths, err);
	if (status == PNR_OK)
		status = pnr_statement_take(index, &known_sql, &put->known, err);
	if (status == PNR_OK)
		status = pnr_statement_take(index, &asset_sql, &put->asset, err);
	return status;
}

static const char *uses_of(const pnr_asset_row *row)
{
	return row->uses == NULL ? "[]" : row->uses;
}

static pnr_status put_known(put_assets *put, int64_t package_id, const pnr_asset_row *row, pnr_error *err)
{
	pnr_bind_int(put->known, 1, package_id);
	pnr_bind_size(put->known, 2, row->position);
	pnr_bind_text(put->known, 3, row->path);
	pnr_bind_int(put->known, 4, row->blob_id);
	pnr_bind_text(put->known, 5, row->type);
	pnr_bind_text(put->known, 6, uses_of(row));
	return pnr_statement_write(put->known, err);
}

static pnr_status put_asset(put_assets *put, const pnr_asset_row *row, pnr_error *err)
{
	int64_t id = 0;
	pnr_status status = path_id(&put->paths, row->path, &id, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(put->asset, 1, id);
	pnr_bind_int(put->asset, 2, row->blob_id);
	pnr_bind_text(put->asset, 3, row->type);
	pnr_bind_text(put->asset, 4, uses_of(row));
	return pnr_statement_write(put->asset, err);
}

static pnr_status put_package_assets(pnr_index *index, int64_t package_id, const pnr_asset_row *assets, size_t count,
                                     pnr_error *err)
{
	PNR_CLEANUP(put_assets_release) put_assets put = { { NULL, NULL }, NULL, NULL };
	pnr_status status = put_assets_take(index, &put, err);
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		status = put_known(&put, package_id, &assets[i], err);
		if (status != PNR_OK || pnr_index_changed(index))
			continue;
		status = put_asset(&put, &assets[i], err);
		if (status == PNR_OK)
			status = put_known(&put, package_id, &assets[i], err);
	}
	return status;
}

static pnr_status put_package_references(pnr_index *index, int64_t package_id, const pnr_reference_row *references,
                                         size_t count, pnr_error *err)
{
	static const pnr_sql insert_sql = {
		"add a reference",
		"INSERT INTO package_reference (package_id, position, kind, role, reference, name, version)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		pnr_bind_int(insert, 1, package_id);
		pnr_bind_size(insert, 2, i);
		pnr_bind_text(insert, 3, references[i].kind);
		pnr_bind_text(insert, 4, references[i].role);
		pnr_bind_text(insert, 5, references[i].reference);
		pnr_bind_words(insert, 6, references[i].name);
		pnr_bind_words(insert, 7, references[i].version);
		status = pnr_statement_write(insert, err);
	}
	return status;
}

static pnr_status insert_package(pnr_index *index, const pnr_digest *package_hash, int64_t at_ms, size_t asset_count,
                                 int64_t *out_id, pnr_error *err)
{
	static const pnr_sql insert_sql = { "add a package",
		                            "INSERT INTO package (package_hash, first_at, asset_count, total_size)"
		                            " VALUES (?1, ?2, ?3, 0)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(insert, 1, package_hash);
	pnr_bind_time(insert, 2, at_ms);
	pnr_bind_size(insert, 3, asset_count);
	return pnr_statement_insert(insert, out_id, err);
}

static pnr_status sum_package(pnr_index *index, int64_t package_id, pnr_error *err)
{
	static const pnr_sql sum_sql = { "sum a package up",
		                         "UPDATE package SET total_size = (SELECT coalesce(sum(blob.size), 0)"
		                         " FROM package_asset JOIN asset ON asset.id = package_asset.asset_id"
		                         " JOIN blob ON blob.id = asset.blob_id"
		                         " WHERE package_asset.package_id = ?1) WHERE id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *sum = NULL;
	pnr_status status = pnr_statement_take(index, &sum_sql, &sum, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(sum, 1, package_id);
	return pnr_statement_write(sum, err);
}

pnr_status pnr_index_package_put(pnr_index *index, const pnr_digest *package_hash, int64_t at_ms,
                                 const pnr_asset_row *assets, size_t asset_count, const pnr_reference_row *references,
                                 size_t reference_count, int64_t *out_id, pnr_error *err)
{
	int64_t id = 0;
	pnr_status status = pnr_index_package_find(index, package_hash, &id, err);
	if (status == PNR_NOT_FOUND) {
		status = insert_package(index, package_hash, at_ms, asset_count, &id, err);
		if (status == PNR_OK)
			status = put_package_assets(index, id, assets, asset_count, err);
		if (status == PNR_OK)
			status = put_package_references(index, id, references, reference_count, err);
		if (status == PNR_OK)
			status = sum_package(index, id, err);
	} else if (status == PNR_OK) {
		status = pnr_index_restore_package(index, id, err);
	}
	if (status == PNR_OK)
		*out_id = id;
	return status;
}

/* -------------------------------------------------------------- sources -- */

static pnr_status sources_find(pnr_index *index, const pnr_digest *list_hash, int64_t *out_id, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a list of sources", "SELECT id FROM source_list WHERE list_hash = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(find, 1, list_hash);
	return pnr_statement_id(find, out_id, err);
}

static pnr_status sources_insert(pnr_index *index, const pnr_digest *list_hash, int64_t *out_id, pnr_error *err)
{
	static const pnr_sql insert_sql = { "add a list of sources", "INSERT INTO source_list (list_hash) VALUES (?1)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(insert, 1, list_hash);
	return pnr_statement_insert(insert, out_id, err);
}

static pnr_status sources_fill(pnr_index *index, int64_t list_id, const pnr_asset_row *assets, size_t count,
                               pnr_error *err)
{
	static const pnr_sql insert_sql = { "add a source", "INSERT INTO source_list_path (list_id, position, path_id)"
		                                            " VALUES (?1, ?2, ?3)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	PNR_CLEANUP(put_paths_release) put_paths paths = { NULL, NULL };
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status == PNR_OK)
		status = put_paths_take(index, &paths, err);
	for (size_t i = 0; status == PNR_OK && i < count; i++) {
		int64_t id = 0;
		status = path_id(&paths, assets[i].source_path, &id, err);
		if (status != PNR_OK)
			break;
		pnr_bind_int(insert, 1, list_id);
		pnr_bind_size(insert, 2, assets[i].position);
		pnr_bind_int(insert, 3, id);
		status = pnr_statement_write(insert, err);
	}
	return status;
}

pnr_status pnr_index_sources_put(pnr_index *index, const pnr_digest *list_hash, const pnr_asset_row *assets,
                                 size_t asset_count, int64_t *out_id, pnr_error *err)
{
	int64_t id = 0;
	pnr_status status = sources_find(index, list_hash, &id, err);
	if (status == PNR_NOT_FOUND) {
		status = sources_insert(index, list_hash, &id, err);
		if (status == PNR_OK)
			status = sources_fill(index, id, assets, asset_count, err);
	}
	if (status == PNR_OK)
		*out_id = id;
	return status;
}

/* -------------------------------------------------------------- reading -- */

pnr_status pnr_index_package_assets(pnr_index *index, int64_t package_id, int64_t sources_id, pnr_asset_row_fn fn,
                                    void *user, pnr_error *err)
{
#define ASSETS(kept) \
	"SELECT package_asset.position, path.text, asset.type, source.text, blob.id, blob.hash, blob.size,"         \
	" blob.crc32, (SELECT min(stored_size) FROM encoding WHERE blob_id = blob.id" kept "), asset.uses"          \
	" FROM package_asset JOIN asset ON asset.id = package_asset.asset_id"                                      \
	" JOIN path ON path.id = asset.path_id JOIN blob ON blob.id = asset.blob_id"                               \
	" LEFT JOIN source_list_path AS place"                                                                     \
	" ON place.list_id = ?2 AND place.position = package_asset.position"                                       \
	" LEFT JOIN path AS source ON source.id = place.path_id"                                                   \
	" WHERE package_asset.package_id = ?1 ORDER BY package_asset.position"
	static const pnr_sql list_sql = {
		"read the assets of a package",
		ASSETS(" AND encoding.id NOT IN (SELECT encoding_id FROM evicted_encoding)")
	};
	static const pnr_sql old_sql = { "read the assets of a package", ASSETS("") };
#undef ASSETS
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, index->evicts ? &list_sql : &old_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, package_id);
	pnr_bind_id(list, 2, sources_id);
	while (pnr_statement_next(list, &status, err)) {
		pnr_asset_row row = { .position = pnr_column_size(list, 0),
			              .path = pnr_column_text(list, 1),
			              .type = pnr_column_text(list, 2),
			              .source_path = pnr_column_is_null(list, 3) ? NULL : pnr_column_text(list, 3),
			              .blob_id = pnr_column_int(list, 4),
			              .hash = pnr_column_digest(list, 5),
			              .size = pnr_column_size(list, 6),
			              .crc32 = (uint32_t)pnr_column_size(list, 7),
			              .stored_size = pnr_column_size(list, 8),
			              .evicted = pnr_column_is_null(list, 8),
			              .uses = pnr_column_text(list, 9) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_package_references(pnr_index *index, int64_t package_id, pnr_reference_row_fn fn, void *user,
                                        pnr_error *err)
{
	static const pnr_sql list_sql = { "read the references of a package",
		                          "SELECT kind, role, reference, name, version FROM package_reference"
		                          " WHERE package_id = ?1 ORDER BY position" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, package_id);
	while (pnr_statement_next(list, &status, err)) {
		pnr_reference_row row = { .kind = pnr_column_text(list, 0),
			                  .role = pnr_column_text(list, 1),
			                  .reference = pnr_column_text(list, 2),
			                  .name = pnr_column_text(list, 3),
			                  .version = pnr_column_text(list, 4) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_package_blob(pnr_index *index, int64_t package_id, const char *path, pnr_blob_row *out_row,
                                  pnr_error *err)
{
	/* CROSS JOIN keeps the order: by the versions of the path, not through all of the package. */
	static const pnr_sql find_sql = {
		"find an asset of a package",
		"SELECT blob.id, blob.hash, blob.size, blob.crc32 FROM path CROSS JOIN asset CROSS JOIN package_asset"
		" CROSS JOIN blob WHERE path.text = ?2 AND asset.path_id = path.id"
		" AND package_asset.asset_id = asset.id AND package_asset.package_id = ?1 AND blob.id = asset.blob_id"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, package_id);
	pnr_bind_text(find, 2, path);
	return pnr_statement_blob(find, out_row, err);
}
