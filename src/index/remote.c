/* Remotes, what is known to be on them, and transfers. */
#include "index/remote.h"
#include "index/database.h"
#include <string.h>

/* The columns that read_remote expects, in its order. */
#define REMOTE_QUERY "SELECT id, name, url, added_at FROM remote "

static pnr_remote_row read_remote(pnr_statement *from)
{
	return (pnr_remote_row){ .id = pnr_column_int(from, 0),
		                 .name = pnr_column_text(from, 1),
		                 .url = pnr_column_text(from, 2),
		                 .added_ms = pnr_column_time(from, 3) };
}

pnr_status pnr_index_remote_find(pnr_index *index, const char *name, pnr_buffer *arena, pnr_remote_row *out_row,
                                 pnr_error *err)
{
	static const pnr_sql find_sql = { "find a remote", REMOTE_QUERY "WHERE name = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(find, 1, name);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	pnr_remote_row row = read_remote(find);
	status = pnr_statement_intact(find, err);
	if (status != PNR_OK)
		return status;
	size_t name_size = strlen(row.name) + 1;
	pnr_buffer_append(arena, row.name, name_size);
	pnr_buffer_puts(arena, row.url);
	status = pnr_buffer_status(arena, err);
	if (status != PNR_OK)
		return status;
	row.name = arena->data;
	row.url = arena->data + name_size;
	*out_row = row;
	return PNR_OK;
}

pnr_status pnr_index_remote_put(pnr_index *index, pnr_remote_row *row, pnr_error *err)
{
	static const pnr_sql insert_sql = { "add a remote", "INSERT INTO remote (name, url, added_at) VALUES (?1, ?2, ?3)" };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_remote_row there;
	pnr_status status = pnr_index_remote_find(index, row->name, &arena, &there, err);
	if (status == PNR_OK && strcmp(there.url, row->url) != 0)
		return pnr_fail(err, PNR_CONFLICT,
		                "there is a remote '%s' already, at '%s'; 'pannier remote remove %s' forgets it", there.name,
		                there.url, there.name);
	if (status == PNR_OK)
		row->id = there.id;
	if (status != PNR_NOT_FOUND)
		return status;
	status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(insert, 1, row->name);
	pnr_bind_text(insert, 2, row->url);
	pnr_bind_time(insert, 3, row->added_ms);
	return pnr_statement_insert(insert, &row->id, err);
}

pnr_status pnr_index_remote_list(pnr_index *index, pnr_remote_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = { "list the remotes", REMOTE_QUERY "ORDER BY name" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		pnr_remote_row row = read_remote(list);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

pnr_status pnr_index_remote_remove(pnr_index *index, const char *name, pnr_error *err)
{
	static const pnr_sql blobs_sql = { "forget what is on a remote", "DELETE FROM remote_blob WHERE remote_id = ?1" };
	static const pnr_sql packages_sql = { "forget what is on a remote",
		                              "DELETE FROM remote_package WHERE remote_id = ?1" };
	static const pnr_sql remote_sql = { "remove a remote", "DELETE FROM remote WHERE id = ?1" };
	const pnr_sql *const steps[] = { &blobs_sql, &packages_sql, &remote_sql };
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer arena = PNR_BUFFER_INIT;
	pnr_remote_row row;
	pnr_status status = pnr_index_remote_find(index, name, &arena, &row, err);
	for (size_t i = 0; i < PNR_COUNT(steps) && status == PNR_OK; i++) {
		PNR_CLEANUP(pnr_statement_release) pnr_statement *step = NULL;
		status = pnr_statement_take(index, steps[i], &step, err);
		if (status != PNR_OK)
			return status;
		pnr_bind_int(step, 1, row.id);
		status = pnr_statement_write(step, err);
	}
	return status;
}

/* ------------------------------------------------------------- presence -- */

static const char *form_of(pnr_statement *from, int n)
{
	static const char *const forms[] = { "gzip", "stored", "patch" };
	const char *text = pnr_column_text(from, n);
	for (size_t i = 0; i < PNR_COUNT(forms); i++)
		if (strcmp(text, forms[i]) == 0)
			return forms[i];
	from->malformed = true;
	return "";
}

/* The columns that read_presence expects, in its order. */
#define PRESENCE_QUERY \
	"SELECT hash, size, form, base, depth, stored_hash, stored_size, confirmed_at FROM remote_blob WHERE remote_id = ?1 "

static pnr_presence_row read_presence(pnr_statement *from)
{
	pnr_presence_row row = { .hash = pnr_column_digest(from, 0),
		                 .size = pnr_column_size(from, 1),
		                 .form = form_of(from, 2),
		                 .depth = (unsigned)pnr_column_size(from, 4),
		                 .confirmed_ms = pnr_column_time(from, 7) };
	if (!pnr_column_is_null(from, 3))
		row.base = pnr_column_digest(from, 3);
	if (!pnr_column_is_null(from, 5)) {
		row.stored_hash = pnr_column_digest(from, 5);
		row.stored_size = pnr_column_size(from, 6);
	}
	return row;
}

pnr_status pnr_index_presence_find(pnr_index *index, int64_t remote_id, const pnr_digest *hash,
                                   pnr_presence_row *out_row, pnr_error *err)
{
	static const pnr_sql find_sql = { "find what is on a remote", PRESENCE_QUERY "AND hash = ?2" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, remote_id);
	pnr_bind_digest(find, 2, hash);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	pnr_presence_row row = read_presence(find);
	status = pnr_statement_intact(find, err);
	if (status == PNR_OK)
		*out_row = row;
	return status;
}

pnr_status pnr_index_presence_list(pnr_index *index, int64_t remote_id, pnr_presence_row_fn fn, void *user,
                                   pnr_error *err)
{
	static const pnr_sql list_sql = { "list what is on a remote", PRESENCE_QUERY "ORDER BY hash" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, remote_id);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_presence_row row = read_presence(list);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

pnr_status pnr_index_presence_put(pnr_index *index, int64_t remote_id, const pnr_presence_row *row, pnr_error *err)
{
	static const pnr_sql put_sql = { "remember what is on a remote",
		                         "INSERT OR REPLACE INTO remote_blob (remote_id, hash, size, form, base, depth,"
		                         " stored_hash, stored_size, confirmed_at)"
		                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)" };
	static const pnr_digest unknown = { { 0 } };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(put, 1, remote_id);
	pnr_bind_digest(put, 2, &row->hash);
	pnr_bind_size(put, 3, row->size);
	pnr_bind_text(put, 4, row->form);
	if (row->depth > 0)
		pnr_bind_digest(put, 5, &row->base);
	else
		pnr_bind_text(put, 5, NULL);
	pnr_bind_int(put, 6, row->depth);
	if (pnr_digest_equal(&row->stored_hash, &unknown)) {
		pnr_bind_text(put, 7, NULL);
		pnr_bind_text(put, 8, NULL);
	} else {
		pnr_bind_digest(put, 7, &row->stored_hash);
		pnr_bind_size(put, 8, row->stored_size);
	}
	pnr_bind_time(put, 9, row->confirmed_ms);
	return pnr_statement_write(put, err);
}

pnr_status pnr_index_presence_forget(pnr_index *index, int64_t remote_id, const pnr_digest *hash, pnr_error *err)
{
	static const pnr_sql forget_sql = { "forget what is on a remote",
		                            "DELETE FROM remote_blob WHERE remote_id = ?1 AND hash = ?2" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *forget = NULL;
	pnr_status status = pnr_statement_take(index, &forget_sql, &forget, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(forget, 1, remote_id);
	pnr_bind_digest(forget, 2, hash);
	return pnr_statement_write(forget, err);
}

/* ------------------------------------------------------------- packages -- */

pnr_status pnr_index_remote_package_put(pnr_index *index, int64_t remote_id, const pnr_remote_package_row *row,
                                        pnr_error *err)
{
	static const pnr_sql put_sql = { "remember a package on a remote",
		                         "INSERT OR REPLACE INTO remote_package (remote_id, package_hash, manifest_hash,"
		                         " archive_hash, text_hash, name, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(put, 1, remote_id);
	pnr_bind_digest(put, 2, &row->package_hash);
	pnr_bind_digest(put, 3, &row->manifest_hash);
	pnr_bind_digest(put, 4, &row->archive_hash);
	pnr_bind_digest(put, 5, &row->text_hash);
	pnr_bind_words(put, 6, row->name);
	pnr_bind_time(put, 7, row->at_ms);
	return pnr_statement_write(put, err);
}

pnr_status pnr_index_remote_package_text(pnr_index *index, int64_t remote_id, const pnr_digest *package_hash,
                                         const pnr_digest *manifest_hash, pnr_digest *out_text_hash, pnr_error *err)
{
	static const pnr_sql find_sql = { "look for a package on a remote",
		                          "SELECT text_hash FROM remote_package WHERE remote_id = ?1 AND package_hash = ?2"
		                          " AND manifest_hash = ?3" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, remote_id);
	pnr_bind_digest(find, 2, package_hash);
	pnr_bind_digest(find, 3, manifest_hash);
	status = pnr_statement_row(find, err);
	if (status != PNR_OK)
		return status;
	pnr_digest text_hash = pnr_column_digest(find, 0);
	status = pnr_statement_intact(find, err);
	if (status == PNR_OK)
		*out_text_hash = text_hash;
	return status;
}

pnr_status pnr_index_remote_package_forget(pnr_index *index, int64_t remote_id, const pnr_digest *package_hash,
                                           const pnr_digest *manifest_hash, pnr_error *err)
{
	static const pnr_sql forget_sql = { "forget a package on a remote",
		                            "DELETE FROM remote_package WHERE remote_id = ?1 AND package_hash = ?2"
		                            " AND manifest_hash = ?3" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *forget = NULL;
	pnr_status status = pnr_statement_take(index, &forget_sql, &forget, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(forget, 1, remote_id);
	pnr_bind_digest(forget, 2, package_hash);
	pnr_bind_digest(forget, 3, manifest_hash);
	return pnr_statement_write(forget, err);
}

pnr_status pnr_index_remote_package_list(pnr_index *index, int64_t remote_id, pnr_remote_package_row_fn fn, void *user,
                                         pnr_error *err)
{
	static const pnr_sql list_sql = { "list the packages on a remote",
		                          "SELECT package_hash, manifest_hash, archive_hash, text_hash, name, at FROM remote_package"
		                          " WHERE remote_id = ?1 ORDER BY at DESC" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, remote_id);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_remote_package_row row = { .package_hash = pnr_column_digest(list, 0),
			                             .manifest_hash = pnr_column_digest(list, 1),
			                             .archive_hash = pnr_column_digest(list, 2),
			                             .text_hash = pnr_column_digest(list, 3),
			                             .name = pnr_column_text(list, 4),
			                             .at_ms = pnr_column_time(list, 5) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

/* What a remote's newest package has, by a join: of any name, of the name ?2. */
#define NEWEST(what, columns, table, on)                                                                             \
	{ { what, "SELECT " columns " FROM remote_package CROSS JOIN " table " ON " on                               \
	          " WHERE remote_package.remote_id = ?1 ORDER BY remote_package.at DESC LIMIT 1" },                  \
	  { what, "SELECT " columns " FROM remote_package CROSS JOIN " table " ON " on                               \
	          " WHERE remote_package.remote_id = ?1 AND remote_package.name = ?2"                                \
	          " ORDER BY remote_package.at DESC LIMIT 1" } }

static pnr_status take_newest(pnr_index *index, const pnr_sql sql[2], int64_t remote_id, const char *name,
                              pnr_statement **out_find, pnr_error *err)
{
	pnr_status status = pnr_statement_take(index, &sql[name != NULL], out_find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(*out_find, 1, remote_id);
	if (name != NULL)
		pnr_bind_text(*out_find, 2, name);
	return PNR_OK;
}

pnr_status pnr_index_remote_package_newest(pnr_index *index, int64_t remote_id, const char *name,
                                           int64_t *out_package_id, pnr_error *err)
{
	static const pnr_sql sql[] = NEWEST("find the newest package on a remote", "package.id", "package",
	                                    "package.package_hash = remote_package.package_hash");
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = take_newest(index, sql, remote_id, name, &find, err);
	return status == PNR_OK ? pnr_statement_id(find, out_package_id, err) : status;
}

pnr_status pnr_index_remote_text_newest(pnr_index *index, int64_t remote_id, const char *name, pnr_blob_row *out_text,
                                        pnr_error *err)
{
	static const pnr_sql sql[] = NEWEST("find the newest text on a remote", "blob.id, blob.hash, blob.size, blob.crc32",
	                                    "blob", "blob.hash = remote_package.text_hash");
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = take_newest(index, sql, remote_id, name, &find, err);
	return status == PNR_OK ? pnr_statement_blob(find, out_text, err) : status;
}

/* ------------------------------------------------------------- transfers -- */

pnr_status pnr_index_transfer_put(pnr_index *index, const pnr_transfer_row *row, pnr_error *err)
{
	static const pnr_sql put_sql = { "record a transfer",
		                         "INSERT INTO transfer (remote, url, direction, package_hash, archive_hash, at,"
		                         " seconds, blobs_needed, blobs_sent, blobs_patched, bytes_sent, bytes_full, outcome)"
		                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	pnr_status status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_words(put, 1, row->remote);
	pnr_bind_words(put, 2, row->url);
	pnr_bind_words(put, 3, row->direction);
	pnr_bind_digest(put, 4, &row->package_hash);
	pnr_bind_digest(put, 5, &row->archive_hash);
	pnr_bind_time(put, 6, row->at_ms);
	pnr_bind_real(put, 7, row->seconds);
	pnr_bind_size(put, 8, row->blobs_needed);
	pnr_bind_size(put, 9, row->blobs_sent);
	pnr_bind_size(put, 10, row->blobs_patched);
	pnr_bind_size(put, 11, row->bytes_sent);
	pnr_bind_size(put, 12, row->bytes_full);
	pnr_bind_words(put, 13, row->outcome);
	return pnr_statement_write(put, err);
}
