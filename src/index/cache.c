/*
 * The caches: what source files held, which zips were written, what model files
 * refer to, what packs looked at. All of it can be thrown away and found out again.
 */
#include "index/database.h"
#include <string.h>

/* SQLite's integers are signed: the numbers that only need to be equal keep their bits. */
static int64_t same_bits(uint64_t value)
{
	int64_t out;
	memcpy(&out, &value, sizeof out);
	return out;
}

/* Device, inode, size, mtime and ctime, from parameter @n on. */
static void bind_state(pnr_statement *statement, int n, const pnr_file_state *state)
{
	pnr_bind_int(statement, n, same_bits(state->device));
	pnr_bind_int(statement, n + 1, same_bits(state->inode));
	pnr_bind_size(statement, n + 2, state->size);
	pnr_bind_int(statement, n + 3, state->mtime_ns);
	pnr_bind_int(statement, n + 4, state->ctime_ns);
}

pnr_status pnr_index_source_find(pnr_index *index, const pnr_file_state *state, pnr_blob_row *out_blob, pnr_error *err)
{
	static const pnr_sql find_sql = {
		"find a source file",
		"SELECT blob.id, blob.hash, blob.size, blob.crc32 FROM source_file AS file"
		" JOIN blob ON blob.id = file.blob_id"
		" WHERE file.device = ?1 AND file.inode = ?2 AND file.size = ?3 AND file.mtime_ns = ?4"
		" AND file.ctime_ns = ?5 AND blob.size = file.size"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	bind_state(find, 1, state);
	return pnr_statement_blob(find, out_blob, err);
}

pnr_status pnr_index_source_put(pnr_index *index, const pnr_file_state *state, int64_t blob_id, pnr_error *err)
{
	static const pnr_sql put_sql = {
		"remember a source file",
		"INSERT OR REPLACE INTO source_file (device, inode, size, mtime_ns, ctime_ns, blob_id)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	bind_state(put, 1, state);
	pnr_bind_int(put, 6, blob_id);
	return pnr_statement_write(put, err);
}

pnr_status pnr_index_output_find(pnr_index *index, const char *path, const pnr_file_state *state,
                                 int64_t *out_archive_id, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a written zip",
		                          "SELECT archive_id FROM output_file WHERE path = ?6 AND device = ?1"
		                          " AND inode = ?2 AND size = ?3 AND mtime_ns = ?4 AND ctime_ns = ?5" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	bind_state(find, 1, state);
	pnr_bind_text(find, 6, path);
	return pnr_statement_id(find, out_archive_id, err);
}

pnr_status pnr_index_output_put(pnr_index *index, const char *path, const pnr_file_state *state, int64_t archive_id,
                                pnr_error *err)
{
	static const pnr_sql put_sql = {
		"remember a written zip",
		"INSERT OR REPLACE INTO output_file (path, device, inode, size, mtime_ns, ctime_ns, archive_id)"
		" VALUES (?6, ?1, ?2, ?3, ?4, ?5, ?7)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	bind_state(put, 1, state);
	pnr_bind_text(put, 6, path);
	pnr_bind_int(put, 7, archive_id);
	return pnr_statement_write(put, err);
}

pnr_status pnr_index_scan_find(pnr_index *index, int64_t blob_id, pnr_buffer *found, pnr_error *err)
{
	static const pnr_sql find_sql = { "find what a model file refers to",
		                          "SELECT found FROM model_scan WHERE blob_id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, blob_id);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_puts(found, pnr_column_text(find, 0));
	pnr_buffer_append(found, "", 0);
	status = pnr_statement_intact(find, err);
	return status == PNR_OK ? pnr_buffer_status(found, err) : status;
}

pnr_status pnr_index_scan_put(pnr_index *index, int64_t blob_id, const char *found, pnr_error *err)
{
	static const pnr_sql put_sql = { "remember what a model file refers to",
		                         "INSERT OR REPLACE INTO model_scan (blob_id, found) VALUES (?1, ?2)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(put, 1, blob_id);
	pnr_bind_text(put, 2, found);
	return pnr_statement_write(put, err);
}

pnr_status pnr_index_last_pack_find(pnr_index *index, const char *path, const pnr_request *request, pnr_buffer *arena,
                                    pnr_last_pack_row *out_row, pnr_error *err)
{
	static const pnr_sql find_sql = {
		"find the last pack",
		"SELECT last.archive_id, package.package_hash, package.asset_count, package.total_size, last.files,"
		" last.looked_at, last.warnings FROM last_pack AS last JOIN archive ON archive.id = last.archive_id"
		" JOIN package ON package.id = archive.package_id"
		" WHERE last.path = ?1 AND last.request_hash = ?2 AND last.config_hash = ?3 AND last.tool_version = ?4"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(find, 1, path);
	pnr_bind_digest(find, 2, &request->asked);
	pnr_bind_digest(find, 3, &request->config);
	pnr_bind_text(find, 4, request->tool_version);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	pnr_last_pack_row row = { .archive_id = pnr_column_int(find, 0),
		                  .package_hash = pnr_column_digest(find, 1),
		                  .asset_count = pnr_column_size(find, 2),
		                  .total_size = pnr_column_size(find, 3),
		                  .files = pnr_column_size(find, 4) };
	/* As text: with a NUL behind it, whatever stands in it. */
	pnr_buffer_puts(arena, pnr_column_text(find, 5));
	pnr_buffer_append(arena, "", 1);
	size_t warnings = arena->length;
	pnr_buffer_puts(arena, pnr_column_text(find, 6));
	status = pnr_statement_intact(find, err);
	if (status == PNR_OK)
		status = pnr_buffer_status(arena, err);
	if (status != PNR_OK)
		return status;
	row.looked_at = arena->data;
	row.warnings = arena->data + warnings;
	*out_row = row;
	return PNR_OK;
}

pnr_status pnr_index_last_pack_put(pnr_index *index, const char *path, const pnr_request *request,
                                   const pnr_last_pack_row *row, pnr_error *err)
{
	static const pnr_sql put_sql = {
		"remember the last pack",
		"INSERT OR REPLACE INTO last_pack"
		" (path, request_hash, config_hash, tool_version, archive_id, files, looked_at, warnings)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(put, 1, path);
	pnr_bind_digest(put, 2, &request->asked);
	pnr_bind_digest(put, 3, &request->config);
	pnr_bind_text(put, 4, request->tool_version);
	pnr_bind_int(put, 5, row->archive_id);
	pnr_bind_size(put, 6, row->files);
	pnr_bind_blob(put, 7, row->looked_at, strlen(row->looked_at));
	pnr_bind_text(put, 8, row->warnings);
	return pnr_statement_write(put, err);
}

pnr_status pnr_index_last_pack_forget(pnr_index *index, pnr_error *err)
{
	static const pnr_sql forget_sql = { "forget all last packs", "DELETE FROM last_pack" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *forget = NULL;
	pnr_status status = pnr_statement_take(index, &forget_sql, &forget, err);
	return status == PNR_OK ? pnr_statement_write(forget, err) : status;
}
