/* What a user names: the latest, a tag, the beginning of a hash. */
#include "index/database.h"
#include "index/fsck.h"
#include <string.h>

/*
 * The columns that read_ref expects, in its order. Who names no archive means
 * the newest one of the package.
 */
#define REF_COLUMNS(archive_id)                                                                                  \
	"package.id, coalesce(" archive_id ", (SELECT id FROM archive WHERE package_id = package.id"            \
	" ORDER BY archive.created_at DESC, archive.id DESC LIMIT 1), 0),"                                      \
	" package.package_hash, package.first_at, package.asset_count, package.total_size"

static pnr_status read_ref(pnr_statement *from, pnr_ref_row *out_row, pnr_error *err)
{
	pnr_status status = pnr_statement_row(from, err);
	if (status != PNR_OK)
		return status;
	pnr_ref_row row = { .package_id = pnr_column_int(from, 0),
		            .archive_id = pnr_column_int(from, 1),
		            .package_hash = pnr_column_digest(from, 2),
		            .first_ms = pnr_column_time(from, 3),
		            .asset_count = pnr_column_size(from, 4),
		            .total_size = pnr_column_size(from, 5) };
	status = pnr_statement_intact(from, err);
	if (status == PNR_OK)
		*out_row = row;
	return status;
}

pnr_status pnr_index_ref_latest(pnr_index *index, const char *name, uint64_t skip, pnr_ref_row *out_row,
                                pnr_error *err)
{
#define LATEST                                                                                           \
	"SELECT " REF_COLUMNS("log.archive_id") " FROM log JOIN package ON package.id = log.package_id" \
	" WHERE log.event <> 'push' "
	static const pnr_sql all_sql = { "find the latest package",
		                         LATEST "ORDER BY log.at DESC, log.id DESC LIMIT 1 OFFSET ?1" };
	static const pnr_sql name_sql = { "find the latest package",
		                          LATEST "AND log.name = ?2"
		                                 " ORDER BY log.at DESC, log.id DESC LIMIT 1 OFFSET ?1" };
#undef LATEST
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, name == NULL ? &all_sql : &name_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, skip > INT64_MAX ? INT64_MAX : (int64_t)skip);
	if (name != NULL)
		pnr_bind_text(find, 2, name);
	return read_ref(find, out_row, err);
}

pnr_status pnr_index_package_get(pnr_index *index, int64_t package_id, pnr_ref_row *out_row, pnr_error *err)
{
	static const pnr_sql get_sql = { "get a package",
		                         "SELECT " REF_COLUMNS("NULL") " FROM package WHERE package.id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *get = NULL;
	pnr_status status = pnr_statement_take(index, &get_sql, &get, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(get, 1, package_id);
	return read_ref(get, out_row, err);
}

/* ----------------------------------------------------------------- tags -- */

pnr_status pnr_index_ref_tag(pnr_index *index, const char *tag, pnr_ref_row *out_row, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a tag", "SELECT " REF_COLUMNS("tag.archive_id")
		                                        " FROM tag JOIN package ON package.id = tag.package_id"
		                                        " WHERE tag.name = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(find, 1, tag);
	return read_ref(find, out_row, err);
}

/* The same again changes nothing, not even the time; another target only if it is forced. */
static pnr_status check_tag(pnr_index *index, const char *tag, int64_t package_id, int64_t archive_id, bool force,
                            bool *out_same, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a tag",
		                          "SELECT package.package_hash, tag.package_id = ?2 AND tag.archive_id IS ?3"
		                          " FROM tag JOIN package ON package.id = tag.package_id WHERE tag.name = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(find, 1, tag);
	pnr_bind_int(find, 2, package_id);
	pnr_bind_id(find, 3, archive_id);
	status = pnr_statement_row(find, err);
	*out_same = status == PNR_OK && pnr_column_int(find, 1) != 0;
	if (status == PNR_OK && !*out_same && !force)
		return pnr_fail(err, PNR_CONFLICT, "tag '%s' names another package or archive already: package %s", tag,
		                pnr_column_text(find, 0));
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

pnr_status pnr_index_tag_put(pnr_index *index, const char *tag, int64_t package_id, int64_t archive_id, int64_t at_ms,
                             bool force, pnr_error *err)
{
	static const pnr_sql put_sql = {
		"set a tag",
		"INSERT INTO tag (name, package_id, archive_id, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO UPDATE"
		" SET package_id = excluded.package_id, archive_id = excluded.archive_id, at = excluded.at"
	};
	bool same = false;
	pnr_status status = check_tag(index, tag, package_id, archive_id, force, &same, err);
	if (status != PNR_OK || same)
		return status;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *put = NULL;
	status = pnr_statement_take(index, &put_sql, &put, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(put, 1, tag);
	pnr_bind_int(put, 2, package_id);
	pnr_bind_id(put, 3, archive_id);
	pnr_bind_time(put, 4, at_ms);
	return pnr_statement_write(put, err);
}

/* ------------------------------------------------------------- prefixes -- */

/*
 * The texts that start with a prefix are those from it up to, and without, the
 * prefix with its last character made one larger: a range of an index.
 */
typedef struct prefix_range {
	char from[PNR_DIGEST_HEX_SIZE], to[PNR_DIGEST_HEX_SIZE];
} prefix_range;

static pnr_status range_of(const char *prefix, prefix_range *out, pnr_error *err)
{
	size_t length = strspn(prefix, "0123456789abcdef");
	if (prefix[length] != '\0' || length < 4 || length >= sizeof out->from)
		return pnr_fail(err, PNR_INVALID, "'%s' is not the beginning of a hash: 4 to 64 lower-case hex digits",
		                prefix);
	memcpy(out->from, prefix, length + 1);
	memcpy(out->to, prefix, length + 1);
	out->to[length - 1]++;
	return PNR_OK;
}

/* The rest of the rows, for the message: @find stands on the second of several. */
static pnr_status fail_ambiguous(const char *prefix, const pnr_digest *first, pnr_statement *find, int hash_column,
                                 pnr_error *err)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer list = PNR_BUFFER_INIT;
	pnr_buffer_puts(&list, pnr_digest_to_hex(first, hex));
	pnr_status status = PNR_OK;
	for (int named = 1; status == PNR_OK; named++) {
		if (named == 4) {
			pnr_buffer_puts(&list, ", and more");
			break;
		}
		pnr_buffer_printf(&list, ", %s", pnr_column_text(find, hash_column));
		status = pnr_statement_row(find, err);
	}
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	status = pnr_buffer_status(&list, err);
	if (status != PNR_OK)
		return status;
	return pnr_fail(err, PNR_CONFLICT, "'%s' is ambiguous: %s", prefix, list.data);
}

pnr_status pnr_index_ref_prefix(pnr_index *index, const char *prefix, pnr_ref_row *out_row, pnr_error *err)
{
#define NAMED(more)                                                                                                  \
	"SELECT " REF_COLUMNS("named.archive_id") ", named.hash, named.imported_id FROM"                            \
	" (SELECT package_hash AS hash, id AS package_id, NULL AS archive_id, NULL AS imported_id FROM package"     \
	" WHERE package_hash >= ?1 AND package_hash < ?2"                                                           \
	" UNION ALL SELECT archive_hash, package_id, max(id), NULL FROM archive"                                    \
	" WHERE archive_hash >= ?1 AND archive_hash < ?2 GROUP BY archive_hash" more ") AS named"                   \
	" JOIN package ON package.id = named.package_id LIMIT 5"
	static const pnr_sql made_sql = { "find a package or archive", NAMED("") };
	static const pnr_sql all_sql = {
		"find a package or archive",
		/* Another zip of the package would be taken for the one that was named. */
		NAMED(" UNION ALL SELECT archive_hash, package_id, 0, max(log_id) FROM imported_archive"
		      " WHERE archive_hash >= ?1 AND archive_hash < ?2 AND NOT EXISTS"
		      " (SELECT 1 FROM archive WHERE archive.archive_hash = imported_archive.archive_hash)"
		      " GROUP BY archive_hash")
	};
#undef NAMED
	prefix_range range;
	pnr_status status = range_of(prefix, &range, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	status = pnr_statement_take(index, index->imports ? &all_sql : &made_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(find, 1, range.from);
	pnr_bind_text(find, 2, range.to);
	pnr_ref_row row;
	status = read_ref(find, &row, err);
	if (status != PNR_OK)
		return status;
	row.imported_id = pnr_column_int(find, 7);
	pnr_digest first = pnr_column_digest(find, 6);
	status = pnr_statement_row(find, err);
	if (status == PNR_OK)
		return fail_ambiguous(prefix, &first, find, 6, err);
	if (status == PNR_NOT_FOUND)
		*out_row = row;
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}

pnr_status pnr_index_blob_prefix(pnr_index *index, const char *prefix, pnr_blob_row *out_row, pnr_error *err)
{
	static const pnr_sql find_sql = { "find a blob", "SELECT id, hash, size, crc32 FROM blob"
		                                         " WHERE hash >= ?1 AND hash < ?2 LIMIT 5" };
	prefix_range range;
	pnr_status status = range_of(prefix, &range, err);
	if (status != PNR_OK)
		return status;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_text(find, 1, range.from);
	pnr_bind_text(find, 2, range.to);
	pnr_blob_row row;
	status = pnr_statement_blob(find, &row, err);
	if (status != PNR_OK)
		return status;
	status = pnr_statement_row(find, err);
	if (status == PNR_OK)
		return fail_ambiguous(prefix, &row.hash, find, 1, err);
	if (status == PNR_NOT_FOUND)
		*out_row = row;
	return status == PNR_NOT_FOUND ? PNR_OK : status;
}
