#include "index/evict.h"
#include "index/database.h"

#define IS_KEPT "NOT EXISTS (SELECT 1 FROM evicted_encoding WHERE encoding_id = encoding.id)"

pnr_status pnr_index_kept_size(pnr_index *index, uint64_t *out_size, pnr_error *err)
{
	static const pnr_sql size_sql = { "measure what is kept",
		                          "SELECT coalesce(sum(stored_size), 0) FROM encoding WHERE " IS_KEPT };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *size = NULL;
	pnr_status status = pnr_statement_take(index, &size_sql, &size, err);
	if (status == PNR_OK)
		status = pnr_statement_row(size, err);
	if (status != PNR_OK)
		return status;
	*out_size = pnr_column_size(size, 0);
	return pnr_statement_intact(size, err);
}

/* ------------------------------------------------------------- giving up -- */

pnr_status pnr_index_evictable(pnr_index *index, int64_t remote_id, int64_t except_id, pnr_evictable_row_fn fn,
                               void *user, pnr_error *err)
{
#define LOGGED "EXISTS (SELECT 1 FROM log WHERE log.package_id = package.id)"
	static const pnr_sql list_sql = {
		"find what can be given up",
		"SELECT package.id, " LOGGED ", package.package_hash, there.manifest_hash, there.text_hash FROM package"
		" LEFT JOIN remote_package AS there"
		" ON there.remote_id = ?2 AND there.package_hash = package.package_hash WHERE package.id <> ?1"
		" AND NOT EXISTS (SELECT 1 FROM evicted_package WHERE package_id = package.id)"
		" AND (there.text_hash IS NOT NULL OR NOT " LOGGED ")"
		/* That a zip of it was imported is no use of it, unless nothing else is known. */
		" ORDER BY (SELECT coalesce(max(iif(log.event <> 'import', log.id, NULL)), max(log.id)) FROM log"
		" WHERE log.package_id = package.id), package.id, there.at DESC"
	};
#undef LOGGED
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, except_id);
	pnr_bind_int(list, 2, remote_id);
	while (pnr_statement_next(list, &status, err)) {
		pnr_evictable_row row = { .id = pnr_column_int(list, 0),
			                  .logged = pnr_column_int(list, 1) != 0,
			                  .package_hash = pnr_column_digest(list, 2) };
		if (!pnr_column_is_null(list, 4)) {
			row.manifest_hash = pnr_column_digest(list, 3);
			row.text_hash = pnr_column_digest(list, 4);
		}
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

static pnr_status run_for(pnr_index *index, const pnr_sql *sql, int64_t id, pnr_error *err)
{
	PNR_CLEANUP(pnr_statement_release) pnr_statement *statement = NULL;
	pnr_status status = pnr_statement_take(index, sql, &statement, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(statement, 1, id);
	return pnr_statement_write(statement, err);
}

static pnr_status insert_at(pnr_index *index, const pnr_sql *sql, int64_t id, int64_t at_ms, pnr_error *err)
{
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(insert, 1, id);
	pnr_bind_time(insert, 2, at_ms);
	return pnr_statement_write(insert, err);
}

pnr_status pnr_index_evict_package(pnr_index *index, int64_t package_id, int64_t at_ms, pnr_error *err)
{
	static const pnr_sql mark_sql = { "give up a package",
		                          "INSERT INTO evicted_package (package_id, evicted_at) VALUES (?1, ?2)" };
	/* A pack that finds its zip as it was must not be told of a manifest that is gone. */
	static const pnr_sql outputs_sql = { "forget the zips of a package",
		                             "DELETE FROM output_file WHERE archive_id IN"
		                             " (SELECT id FROM archive WHERE package_id = ?1)" };
	static const pnr_sql packs_sql = { "forget the packs of a package",
		                           "DELETE FROM last_pack WHERE archive_id IN"
		                           " (SELECT id FROM archive WHERE package_id = ?1)" };
	pnr_status status = insert_at(index, &mark_sql, package_id, at_ms, err);
	if (status == PNR_OK)
		status = run_for(index, &outputs_sql, package_id, err);
	return status == PNR_OK ? run_for(index, &packs_sql, package_id, err) : status;
}

/* ------------------------------------------------------------- what goes -- */

#define UNNEEDED                                                                                                    \
	"SELECT encoding.id, blob.hash, encoding.stored_hash, encoding.form, encoding.stored_size, encoding.data IS NULL" \
	" FROM "
#define WANTS(package_id) "NOT EXISTS (SELECT 1 FROM evicted_package WHERE evicted_package.package_id = " package_id ")"
/* The text of a package on a remote has its manifest, and stays; of a zip that no remote has nothing else has it. */
#define ON_REMOTE                                                                                                    \
	"EXISTS (SELECT 1 FROM remote_package JOIN package ON package.package_hash = remote_package.package_hash"      \
	" WHERE package.id = archive.package_id AND manifest_hash = blob.hash)"
#define NOT_WANTED(blob_id)                                                                                         \
	IS_KEPT " AND NOT EXISTS (SELECT 1 FROM asset JOIN package_asset ON package_asset.asset_id = asset.id"          \
	" WHERE asset.blob_id = " blob_id " AND " WANTS("package_asset.package_id") ")"                               \
	" AND NOT EXISTS (SELECT 1 FROM archive WHERE archive.manifest_blob_id = " blob_id                             \
	" AND (" WANTS("archive.package_id") " OR NOT " ON_REMOTE "))"

static pnr_status list_encodings(pnr_index *index, const pnr_sql *sql, int64_t package_id, pnr_unneeded_row_fn fn,
                                 void *user, pnr_error *err)
{
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, package_id);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_unneeded_row row = { .id = pnr_column_int(list, 0),
			                       .hash = pnr_column_digest(list, 1),
			                       .stored_hash = pnr_column_digest(list, 2),
			                       .form = pnr_column_text(list, 3),
			                       .stored_size = pnr_column_size(list, 4),
			                       .in_file = pnr_column_int(list, 5) != 0 };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_unneeded(pnr_index *index, int64_t package_id, pnr_unneeded_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql package_sql = {
		"list what a package needs no more",
		UNNEEDED "(SELECT asset.blob_id AS id FROM package_asset JOIN asset ON asset.id = package_asset.asset_id"
		" WHERE package_asset.package_id = ?1 UNION SELECT manifest_blob_id FROM archive WHERE package_id = ?1)"
		" AS held JOIN blob ON blob.id = held.id JOIN encoding ON encoding.blob_id = held.id"
		" WHERE " NOT_WANTED("held.id")
	};
	static const pnr_sql nobody_sql = { "list what no package needs",
		                            UNNEEDED "blob CROSS JOIN encoding ON encoding.blob_id = blob.id"
		                            " WHERE ?1 = 0 AND " NOT_WANTED("blob.id")
		                            " AND NOT EXISTS (SELECT 1 FROM remote_package WHERE text_hash = blob.hash)" };
	return list_encodings(index, package_id == 0 ? &nobody_sql : &package_sql, package_id, fn, user, err);
}

pnr_status pnr_index_evicted_last(pnr_index *index, pnr_unneeded_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql last_sql = {
		"list what was given up last",
		UNNEEDED "evicted_encoding JOIN encoding ON encoding.id = evicted_encoding.encoding_id"
		" JOIN blob ON blob.id = encoding.blob_id WHERE ?1 = 0 AND encoding.form <> 'zlib'"
		" AND evicted_at = (SELECT max(evicted_at) FROM evicted_encoding)"
	};
	return list_encodings(index, &last_sql, 0, fn, user, err);
}

pnr_status pnr_index_evict_encoding(pnr_index *index, int64_t encoding_id, int64_t at_ms, pnr_error *err)
{
	static const pnr_sql mark_sql = { "give up an encoding",
		                          "INSERT INTO evicted_encoding (encoding_id, evicted_at) VALUES (?1, ?2)" };
	static const pnr_sql clear_sql = { "give up an encoding", "UPDATE encoding SET data = NULL WHERE id = ?1" };
	pnr_status status = insert_at(index, &mark_sql, encoding_id, at_ms, err);
	return status == PNR_OK ? run_for(index, &clear_sql, encoding_id, err) : status;
}

/* -------------------------------------------------------- what comes back -- */

pnr_status pnr_index_restore_encoding(pnr_index *index, const pnr_encoding_row *row, pnr_error *err)
{
#define SAME " blob_id = ?1 AND stored_size = ?2 AND stored_hash = ?3"
	static const pnr_sql unmark_sql = { "restore an encoding",
		                            "DELETE FROM evicted_encoding WHERE encoding_id IN"
		                            " (SELECT id FROM encoding WHERE" SAME ")" };
	static const pnr_sql fill_sql = { "restore an encoding", "UPDATE encoding SET data = ?4 WHERE" SAME };
#undef SAME
	const pnr_sql *const steps[] = { &unmark_sql, &fill_sql };
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < PNR_COUNT(steps) && status == PNR_OK; i++) {
		PNR_CLEANUP(pnr_statement_release) pnr_statement *step = NULL;
		status = pnr_statement_take(index, steps[i], &step, err);
		if (status != PNR_OK)
			return status;
		pnr_bind_int(step, 1, row->blob_id);
		pnr_bind_size(step, 2, row->stored_size);
		pnr_bind_digest(step, 3, &row->stored_hash);
		if (steps[i] == &fill_sql)
			pnr_bind_blob(step, 4, row->data, row->stored_size);
		status = pnr_statement_write(step, err);
		if (status == PNR_OK && !pnr_index_changed(index))
			return PNR_OK;
	}
	return status;
}

pnr_status pnr_index_restore_package(pnr_index *index, int64_t package_id, pnr_error *err)
{
	static const pnr_sql unmark_sql = { "restore a package", "DELETE FROM evicted_package WHERE package_id = ?1" };
	return run_for(index, &unmark_sql, package_id, err);
}

/* ----------------------------------------------------------------- asking -- */

/* A database of an older version, which is only read, has nothing that was given up. */
static pnr_status ask(pnr_index *index, const pnr_sql *sql, int64_t id, bool *out_yes, pnr_error *err)
{
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	if (!index->evicts) {
		*out_yes = false;
		return PNR_OK;
	}
	pnr_status status = pnr_statement_take(index, sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, id);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_yes = status == PNR_OK;
	return PNR_OK;
}

pnr_status pnr_index_blob_evicted(pnr_index *index, int64_t blob_id, bool *out_evicted, pnr_error *err)
{
	static const pnr_sql find_sql = { "look for what was given up",
		                          "SELECT 1 FROM encoding JOIN evicted_encoding ON encoding_id = encoding.id"
		                          " WHERE encoding.blob_id = ?1 LIMIT 1" };
	return ask(index, &find_sql, blob_id, out_evicted, err);
}

pnr_status pnr_index_archive_evicted(pnr_index *index, int64_t archive_id, bool *out_evicted, pnr_error *err)
{
	static const pnr_sql find_sql = { "look for what was given up",
		                          "SELECT 1 FROM archive_encoding JOIN evicted_encoding USING (encoding_id)"
		                          " WHERE archive_id = ?1 LIMIT 1" };
	return ask(index, &find_sql, archive_id, out_evicted, err);
}
