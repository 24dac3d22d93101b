/* Blobs, and the ways in which they are kept. */
#include "base/clock.h"
#include "index/database.h"
#include "index/evict.h"
#include <string.h>

pnr_status pnr_index_blob_find(pnr_index *index, const pnr_digest *hash, pnr_blob_row *out_row, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a blob", "SELECT id, hash, size, crc32 FROM blob WHERE hash = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(find, 1, hash);
	return pnr_statement_blob(find, out_row, err);
}

pnr_status pnr_index_blob_size_known(pnr_index *index, uint64_t size, bool *out_known, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a blob by size", "SELECT 1 FROM blob WHERE size = ?1 LIMIT 1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_size(find, 1, size);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_known = status == PNR_OK;
	return PNR_OK;
}

static pnr_status blob_insert(pnr_index *index, const pnr_blob_row *row, pnr_error *err)
{
	static const pnr_sql insert_sql = { "add a blob", "INSERT INTO blob (hash, size, crc32) VALUES (?1, ?2, ?3)"
		                                          " ON CONFLICT (hash) DO NOTHING" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(insert, 1, &row->hash);
	pnr_bind_size(insert, 2, row->size);
	pnr_bind_int(insert, 3, row->crc32);
	return pnr_statement_write(insert, err);
}

pnr_status pnr_index_blob_put(pnr_index *index, pnr_blob_row *row, pnr_error *err)
{
	pnr_status status = blob_insert(index, row, err);
	if (status != PNR_OK)
		return status;
	if (pnr_index_changed(index)) {
		row->id = sqlite3_last_insert_rowid(index->db);
		return PNR_OK;
	}
	pnr_blob_row there;
	status = pnr_index_blob_find(index, &row->hash, &there, err);
	if (status != PNR_OK)
		return status;
	if (there.size != row->size || there.crc32 != row->crc32) {
		char hex[PNR_DIGEST_HEX_SIZE];
		return pnr_fail(err, PNR_CORRUPT, "index: blob %s is recorded with another size or CRC-32 than its bytes have",
		                pnr_digest_to_hex(&row->hash, hex));
	}
	row->id = there.id;
	return PNR_OK;
}

/* ----------------------------------------------------------- encodings -- */

/*
 * The row's texts and data move into @arena in one piece, so that the pointers
 * into it stay right: form, NUL, encoder, NUL, data.
 */
static pnr_status read_encoding(pnr_statement *from, pnr_buffer *arena, pnr_encoding_row *out_row, pnr_error *err)
{
	const char *form = pnr_column_text(from, 2);
	const char *encoder = pnr_column_text(from, 3);
	bool in_file = pnr_column_is_null(from, 7);
	pnr_encoding_row row = { .id = pnr_column_int(from, 0),
		                 .blob_id = pnr_column_int(from, 1),
		                 .level = (unsigned)pnr_column_size(from, 4),
		                 .stored_hash = pnr_column_digest(from, 5),
		                 .stored_size = pnr_column_size(from, 6),
		                 .evicted = pnr_column_int(from, 8) != 0 };
	const void *data = sqlite3_column_blob(from->stmt, 7);
	size_t data_size = (size_t)sqlite3_column_bytes(from->stmt, 7);
	size_t form_size = strlen(form) + 1, encoder_size = strlen(encoder) + 1;
	/* Whoever reads the data goes by stored_size. */
	from->malformed |= !in_file && data_size != row.stored_size;
	pnr_status status = pnr_statement_intact(from, err);
	if (status != PNR_OK)
		return status;
	char *place = pnr_buffer_reserve(arena, form_size + encoder_size + data_size + 1);
	if (place == NULL)
		return pnr_fail_nomem(err);
	row.form = memcpy(place, form, form_size);
	row.encoder = memcpy(place + form_size, encoder, encoder_size);
	char *copy = place + form_size + encoder_size;
	if (data != NULL)
		memcpy(copy, data, data_size);
	copy[data_size] = '\0';
	row.data = in_file ? NULL : copy;
	arena->length += form_size + encoder_size + data_size;
	*out_row = row;
	return PNR_OK;
}

pnr_status pnr_index_encoding_find(pnr_index *index, int64_t blob_id, const char *encoder, unsigned level, bool any,
                                   int64_t *out_id, pnr_error *err)
{
	/*
	 * Sorting what is one row as a rule took most of the time of finding it. Should SQLite
	 * ever answer the second half first, it is some other encoding of the same content.
	 */
#define FIND(kept)                                                                                                   \
	"SELECT id FROM encoding WHERE blob_id = ?1 AND base_id IS NULL AND level = ?3 AND encoder = ?2" kept             \
	" UNION ALL SELECT id FROM (SELECT id FROM encoding WHERE blob_id = ?1 AND base_id IS NULL AND ?4" kept           \
	" ORDER BY level = ?3 DESC, stored_size, id LIMIT 1) LIMIT 1"
	static const pnr_sql find_sql = { "find an encoding", FIND(" AND id NOT IN (SELECT encoding_id FROM evicted_encoding)") };
	static const pnr_sql old_sql = { "find an encoding", FIND("") };
#undef FIND
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, index->evicts ? &find_sql : &old_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, blob_id);
	pnr_bind_words(find, 2, encoder);
	pnr_bind_int(find, 3, level);
	pnr_bind_int(find, 4, any);
	return pnr_statement_id(find, out_id, err);
}

pnr_status pnr_index_encoding_get(pnr_index *index, int64_t encoding_id, pnr_buffer *arena, pnr_encoding_row *out_row,
                                  pnr_error *err)
{
#define GET(evicted)                                                                                    \
	"SELECT id, blob_id, form, encoder, level, stored_hash, stored_size, data, " evicted             \
	" FROM encoding WHERE id = ?1"
	static const pnr_sql get_sql = { "get an encoding", GET("id IN (SELECT encoding_id FROM evicted_encoding)") };
	static const pnr_sql old_sql = { "get an encoding", GET("0") };
#undef GET
	PNR_CLEANUP(pnr_statement_release) pnr_statement *get = NULL;
	pnr_status status = pnr_statement_take(index, index->evicts ? &get_sql : &old_sql, &get, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(get, 1, encoding_id);
	status = pnr_statement_row(get, err);
	return status == PNR_OK ? read_encoding(get, arena, out_row, err) : status;
}

pnr_status pnr_index_encoding_same(pnr_index *index, const pnr_encoding_row *row, bool kept, int64_t *out_id,
                                   pnr_error *err)
{
	static const pnr_sql same_sql = { "find the same encoding",
		                          "SELECT id FROM encoding WHERE blob_id = ?1 AND stored_size = ?2"
		                          " AND stored_hash = ?3 AND base_id IS NULL"
		                          " AND NOT (?4 AND id IN (SELECT encoding_id FROM evicted_encoding))" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *same = NULL;
	pnr_status status = pnr_statement_take(index, &same_sql, &same, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(same, 1, row->blob_id);
	pnr_bind_size(same, 2, row->stored_size);
	pnr_bind_digest(same, 3, &row->stored_hash);
	pnr_bind_int(same, 4, kept);
	return pnr_statement_id(same, out_id, err);
}

pnr_status pnr_index_encoding_claim(pnr_index *index, int64_t id, const pnr_encoding_row *row, pnr_error *err)
{
	static const pnr_sql claim_sql = { "claim an encoding",
		                           "UPDATE OR IGNORE encoding SET encoder = ?2, level = ?3"
		                           " WHERE id = ?1 AND encoder GLOB '" PNR_ENCODER_RECEIVED "*'" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *claim = NULL;
	pnr_status status = pnr_statement_take(index, &claim_sql, &claim, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(claim, 1, id);
	pnr_bind_words(claim, 2, row->encoder);
	pnr_bind_int(claim, 3, row->level);
	status = pnr_statement_write(claim, err);
	return status == PNR_OK && !pnr_index_changed(index) ? PNR_NOT_FOUND : status;
}

static pnr_status encoding_insert(pnr_index *index, const pnr_encoding_row *row, pnr_error *err)
{
	static const pnr_sql insert_sql = {
		"add an encoding",
		"INSERT INTO encoding (blob_id, form, encoder, level, stored_hash, stored_size, created_at, data)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
		" ON CONFLICT (blob_id, encoder, level) WHERE base_id IS NULL DO NOTHING"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(insert, 1, row->blob_id);
	pnr_bind_text(insert, 2, row->form);
	pnr_bind_words(insert, 3, row->encoder);
	pnr_bind_int(insert, 4, row->level);
	pnr_bind_digest(insert, 5, &row->stored_hash);
	pnr_bind_size(insert, 6, row->stored_size);
	pnr_bind_time(insert, 7, pnr_clock_now_ms());
	pnr_bind_blob(insert, 8, row->data, row->stored_size);
	return pnr_statement_write(insert, err);
}

pnr_status pnr_index_encoding_put(pnr_index *index, pnr_encoding_row *row, pnr_error *err)
{
	static const pnr_sql id_sql = { "find an encoding that is there",
		                        "SELECT id, id IN (SELECT encoding_id FROM evicted_encoding) FROM encoding"
		                        " WHERE blob_id = ?1 AND encoder = ?2 AND level = ?3 AND base_id IS NULL" };
	pnr_status status = encoding_insert(index, row, err);
	if (status != PNR_OK)
		return status;
	if (pnr_index_changed(index)) {
		row->id = sqlite3_last_insert_rowid(index->db);
		return PNR_OK;
	}
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	status = pnr_index_restore_encoding(index, row, err);
	if (status == PNR_OK)
		status = pnr_statement_take(index, &id_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, row->blob_id);
	pnr_bind_words(find, 2, row->encoder);
	pnr_bind_int(find, 3, row->level);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	row->id = pnr_column_int(find, 0);
	return pnr_column_int(find, 1) == 0
	               ? PNR_OK
	               : pnr_fail(err, PNR_CORRUPT, "index: encoding %lld came back with other bytes", (long long)row->id);
}
