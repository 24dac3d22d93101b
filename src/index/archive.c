/* Archives: the zips that were made of packages, and the encodings they hold. */
#include "index/database.h"

/* The columns that read_archive expects, in its order; @evicted is the last. */
#define ARCHIVE_QUERY(evicted)                                                                             \
	"SELECT archive.id, archive.package_id, archive.sources_id, archive.created_at, blob.hash,"         \
	" archive.manifest_blob_id, archive.archive_hash, archive.size, " evicted                           \
	" FROM archive JOIN blob ON blob.id = archive.manifest_blob_id "

static pnr_status read_archive(pnr_statement *from, const char *options, pnr_archive_row *out_row, pnr_error *err)
{
	pnr_status status = pnr_statement_row(from, err);
	if (status != PNR_OK)
		return status;
	pnr_archive_row row = { .id = pnr_column_int(from, 0),
		                .package_id = pnr_column_int(from, 1),
		                .sources_id = pnr_column_int(from, 2),
		                .options = options,
		                .created_ms = pnr_column_time(from, 3),
		                .manifest_hash = pnr_column_digest(from, 4),
		                .manifest_blob_id = pnr_column_int(from, 5),
		                .archive_hash = pnr_column_digest(from, 6),
		                .size = pnr_column_size(from, 7),
		                .evicted = pnr_column_int(from, 8) != 0 };
	status = pnr_statement_intact(from, err);
	if (status == PNR_OK)
		*out_row = row;
	return status;
}

pnr_status pnr_index_archive_find(pnr_index *index, const pnr_archive_choice *choice, pnr_archive_row *out_row,
                                  pnr_error *err)
{
#define FIND(of_time)                                                                                      \
	ARCHIVE_QUERY("EXISTS (SELECT 1 FROM archive_encoding JOIN evicted_encoding USING (encoding_id)"    \
	              " WHERE archive_id = archive.id) AS evicted")                                         \
	"WHERE archive.package_id = ?1 AND coalesce(archive.sources_id, 0) = ?2 AND archive.options = ?3"   \
	" AND (?4 = '' OR NOT EXISTS (SELECT 1 FROM archive_encoding AS held"                               \
	" JOIN encoding ON encoding.id = held.encoding_id WHERE held.archive_id = archive.id"               \
	" AND (encoding.encoder <> ?4 OR encoding.level <> ?5)))" of_time                                   \
	" ORDER BY evicted, archive.id LIMIT 1"
	static const pnr_sql oldest_sql = { "find an archive", FIND("") };
	static const pnr_sql of_time_sql = { "find an archive", FIND(" AND archive.created_at = ?6") };
#undef FIND
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, choice->created_ms < 0 ? &oldest_sql : &of_time_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, choice->package_id);
	pnr_bind_int(find, 2, choice->sources_id);
	pnr_bind_text(find, 3, choice->options);
	pnr_bind_words(find, 4, choice->encoder);
	pnr_bind_int(find, 5, choice->level);
	if (choice->created_ms >= 0)
		pnr_bind_time(find, 6, choice->created_ms);
	return read_archive(find, choice->options, out_row, err);
}

pnr_status pnr_index_archive_get(pnr_index *index, int64_t archive_id, pnr_archive_row *out_row, pnr_error *err)
{
	static const pnr_sql get_sql = { "get an archive", ARCHIVE_QUERY("0") "WHERE archive.id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *get = NULL;
	pnr_status status = pnr_statement_take(index, &get_sql, &get, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(get, 1, archive_id);
	return read_archive(get, NULL, out_row, err);
}

static pnr_status insert_archive(pnr_index *index, const pnr_archive_row *row, int64_t *out_id, pnr_error *err)
{
	static const pnr_sql insert_sql = { "add an archive",
		                            "INSERT INTO archive (package_id, sources_id, options, created_at,"
		                            " manifest_blob_id, archive_hash, size)"
		                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(insert, 1, row->package_id);
	pnr_bind_id(insert, 2, row->sources_id);
	pnr_bind_text(insert, 3, row->options);
	pnr_bind_time(insert, 4, row->created_ms);
	pnr_bind_int(insert, 5, row->manifest_blob_id);
	pnr_bind_digest(insert, 6, &row->archive_hash);
	pnr_bind_size(insert, 7, row->size);
	return pnr_statement_insert(insert, out_id, err);
}

pnr_status pnr_index_archive_put(pnr_index *index, pnr_archive_row *row, const int64_t *encoding_ids,
                                 size_t encoding_count, pnr_error *err)
{
	static const pnr_sql insert_sql = { "add an encoding to an archive",
		                            "INSERT INTO archive_encoding (archive_id, position, encoding_id)"
		                            " VALUES (?1, ?2, ?3)" };
	int64_t id = 0;
	pnr_status status = insert_archive(index, row, &id, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	status = pnr_statement_take(index, &insert_sql, &insert, err);
	for (size_t i = 0; status == PNR_OK && i < encoding_count; i++) {
		pnr_bind_int(insert, 1, id);
		pnr_bind_size(insert, 2, i);
		pnr_bind_int(insert, 3, encoding_ids[i]);
		status = pnr_statement_write(insert, err);
	}
	if (status == PNR_OK)
		row->id = id;
	return status;
}

pnr_status pnr_index_archive_about(pnr_index *index, int64_t archive_id, pnr_buffer *options, pnr_buffer *name,
                                   pnr_error *err)
{
	static const pnr_sql about_sql = { "describe an archive",
		                           "SELECT options, coalesce((SELECT log.name FROM log"
		                           " WHERE log.package_id = archive.package_id"
		                           " ORDER BY log.at DESC, log.id DESC LIMIT 1), '')"
		                           " FROM archive WHERE id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *about = NULL;
	pnr_status status = pnr_statement_take(index, &about_sql, &about, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(about, 1, archive_id);
	status = pnr_statement_row(about, err);
	if (status != PNR_OK)
		return status;
	pnr_buffer_puts(options, pnr_column_text(about, 0));
	pnr_buffer_puts(name, pnr_column_text(about, 1));
	status = pnr_statement_intact(about, err);
	if (status == PNR_OK)
		status = pnr_buffer_status(options, err);
	return status == PNR_OK ? pnr_buffer_status(name, err) : status;
}

pnr_status pnr_index_archive_forms(pnr_index *index, int64_t archive_id, pnr_form_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = { "read the encodings of an archive",
		                          "SELECT encoding.form, encoding.stored_size FROM archive_encoding"
		                          " JOIN encoding ON encoding.id = archive_encoding.encoding_id"
		                          " WHERE archive_encoding.archive_id = ?1 ORDER BY archive_encoding.position" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, archive_id);
	while (pnr_statement_next(list, &status, err)) {
		const char *form = pnr_column_text(list, 0);
		uint64_t size = pnr_column_size(list, 1);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, form, size, err);
	}
	return status;
}

pnr_status pnr_index_archive_encodings(pnr_index *index, int64_t archive_id, pnr_id_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = { "read the encodings of an archive",
		                          "SELECT encoding_id FROM archive_encoding WHERE archive_id = ?1"
		                          " ORDER BY position" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, archive_id);
	int64_t id = 0;
	while ((status = pnr_statement_id(list, &id, err)) == PNR_OK) {
		status = fn(user, id, err);
		if (status != PNR_OK)
			return status;
	}
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}
