/* Questions about the whole: what SQLite itself finds wrong, and all rows by their ids. */
#include "index/fsck.h"
#include "index/database.h"
#include <stdlib.h>
#include <string.h>

/* Between two pulses: some tens of milliseconds. */
#define PULSE_STEPS 100000

/* What SQLite could not read, or had no memory for, it reports like damage, with its own code. */
static int failure_of(const char *complaint)
{
	static const char mark[] = "error code=";
	const char *code = strstr(complaint, mark);
	int rc = code == NULL ? 0 : (int)strtol(code + strlen(mark), NULL, 10);
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB ? 0 : rc;
}

static pnr_status list_complaints(pnr_index *index, const pnr_sql *sql, pnr_complaint_fn fn, void *user, pnr_error *err)
{
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		const char *table = pnr_column_text(list, 0), *complaint = pnr_column_text(list, 1);
		int rc = failure_of(complaint);
		if (rc != 0)
			return pnr_index_fail(index, rc, sql->what, err);
		if (strcmp(complaint, "ok") != 0)
			status = fn(user, table, complaint, err);
	}
	return status;
}

static pnr_status report_complaints(pnr_index *index, const pnr_sql *sql, pnr_complaint_fn fn, pnr_index_pulse_fn pulse,
                                    void *user, pnr_error *err)
{
	sqlite3_progress_handler(index->db, PULSE_STEPS, pulse, user);
	pnr_status status = list_complaints(index, sql, fn, user, err);
	sqlite3_progress_handler(index->db, 0, NULL, NULL);
	return status;
}

pnr_status pnr_index_check(pnr_index *index, bool quick, pnr_complaint_fn fn, pnr_index_pulse_fn pulse, void *user,
                           pnr_error *err)
{
	static const pnr_sql quick_sql = { "check the database", "SELECT '', quick_check FROM pragma_quick_check(100)" };
	static const pnr_sql whole_sql = { "check the database",
		                           "SELECT '', integrity_check FROM pragma_integrity_check(100)" };
	return report_complaints(index, quick ? &quick_sql : &whole_sql, fn, pulse, user, err);
}

pnr_status pnr_index_check_references(pnr_index *index, pnr_complaint_fn fn, pnr_index_pulse_fn pulse, void *user,
                                      pnr_error *err)
{
	static const pnr_sql references_sql = {
		"check the references",
		"SELECT \"table\", iif(rowid IS NULL, count(*) || ' rows name', 'row ' || rowid || ' names') || ' a '"
		" || parent || ' that is not there' FROM pragma_foreign_key_check GROUP BY \"table\", rowid, parent"
	};
	return report_complaints(index, &references_sql, fn, pulse, user, err);
}

pnr_status pnr_index_ids(pnr_index *index, pnr_index_rows rows, int64_t after, int64_t *out_ids, size_t capacity,
                         size_t *out_count, pnr_error *err)
{
#define IDS(table) { "list the rows of " table, "SELECT id FROM " table " WHERE id > ?1 ORDER BY id LIMIT ?2" }
	static const pnr_sql ids_sql[] = {
		[PNR_ROWS_ENCODINGS] = IDS("encoding"),
		[PNR_ROWS_PACKAGES] = IDS("package"),
		[PNR_ROWS_ARCHIVES] = IDS("archive"),
	};
#undef IDS
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	size_t count = 0;
	pnr_status status = pnr_statement_take(index, &ids_sql[rows], &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, after);
	pnr_bind_size(list, 2, capacity);
	while (count < capacity && (status = pnr_statement_id(list, &out_ids[count], err)) == PNR_OK)
		count++;
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_count = count;
	return PNR_OK;
}

pnr_status pnr_index_encoding_blob(pnr_index *index, int64_t encoding_id, pnr_blob_row *out_row, pnr_error *err)
{
	static const pnr_sql find_sql = { "find the blob of an encoding",
		                          "SELECT blob.id, blob.hash, blob.size, blob.crc32 FROM encoding"
		                          " JOIN blob ON blob.id = encoding.blob_id WHERE encoding.id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, encoding_id);
	return pnr_statement_blob(find, out_row, err);
}

/* A database of an older version, which is only read, has nothing that was given up. */
#define IS_KEPT "NOT EXISTS (SELECT 1 FROM evicted_encoding WHERE encoding_id = encoding.id)"

pnr_status pnr_index_kept_content(pnr_index *index, uint64_t *out_size, pnr_error *err)
{
#define SUM "SELECT coalesce(sum(blob.size), 0) FROM encoding JOIN blob ON blob.id = encoding.blob_id"
	static const pnr_sql sum_sql = { "measure the content", SUM " WHERE " IS_KEPT };
	static const pnr_sql old_sql = { "measure the content", SUM };
#undef SUM
	PNR_CLEANUP(pnr_statement_release) pnr_statement *sum = NULL;
	pnr_status status = pnr_statement_take(index, index->evicts ? &sum_sql : &old_sql, &sum, err);
	if (status == PNR_OK)
		status = pnr_statement_row(sum, err);
	if (status != PNR_OK)
		return status;
	*out_size = pnr_column_size(sum, 0);
	return pnr_statement_intact(sum, err);
}

pnr_status pnr_index_blob_packages(pnr_index *index, int64_t blob_id, pnr_digest_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"list the packages of a blob",
		"SELECT package.package_hash FROM (SELECT package_asset.package_id AS id FROM asset"
		" JOIN package_asset ON package_asset.asset_id = asset.id WHERE asset.blob_id = ?1"
		" UNION SELECT package_id FROM archive WHERE manifest_blob_id = ?1) AS held"
		" JOIN package ON package.id = held.id ORDER BY package.id"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, blob_id);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_digest hash = pnr_column_digest(list, 0);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &hash, err);
	}
	return status;
}

pnr_status pnr_index_file_known(pnr_index *index, const pnr_digest *hash, const char *name, bool *out_known,
                                pnr_error *err)
{
#define FIND                                                                                                       \
	"SELECT 1 FROM blob JOIN encoding ON encoding.blob_id = blob.id WHERE blob.hash = ?1 AND encoding.data IS NULL" \
	" AND blob.hash || '.' || substr(encoding.stored_hash, 1, 16) || iif(encoding.form = 'stored', '.raw', '.gz')"  \
	" = ?2"
	static const pnr_sql find_sql = { "find what a file is", FIND " AND " IS_KEPT };
	static const pnr_sql old_sql = { "find what a file is", FIND };
#undef FIND
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, index->evicts ? &find_sql : &old_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(find, 1, hash);
	pnr_bind_text(find, 2, name);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_known = status == PNR_OK;
	return PNR_OK;
}

pnr_status pnr_index_archive_complete(pnr_index *index, int64_t archive_id, bool *out_complete, pnr_error *err)
{
	static const pnr_sql count_sql = {
		"check the encodings of an archive",
		"SELECT count(*) = package.asset_count + 1 AND min(encoding.blob_id IS"
		" iif(held.position = 0, archive.manifest_blob_id, asset.blob_id))"
		" FROM archive JOIN package ON package.id = archive.package_id"
		" JOIN archive_encoding AS held ON held.archive_id = archive.id"
		" JOIN encoding ON encoding.id = held.encoding_id"
		" LEFT JOIN package_asset ON package_asset.package_id = archive.package_id"
		" AND package_asset.position = held.position - 1"
		" LEFT JOIN asset ON asset.id = package_asset.asset_id WHERE archive.id = ?1"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *count = NULL;
	pnr_status status = pnr_statement_take(index, &count_sql, &count, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(count, 1, archive_id);
	status = pnr_statement_row(count, err);
	if (status == PNR_OK)
		*out_complete = pnr_column_int(count, 0) != 0;
	return status;
}
