/* The log: appended to, chained by hash, never changed. */
#include "base/clock.h"
#include "index/database.h"
#include "index/history.h"
#include <string.h>

pnr_status pnr_index_log_head(pnr_index *index, int64_t *out_id, pnr_digest *out_hash, pnr_error *err)
{
	static const pnr_sql head_sql = { "read the end of the log",
		                          "SELECT id, entry_hash FROM log ORDER BY id DESC LIMIT 1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *head = NULL;
	pnr_status status = pnr_statement_take(index, &head_sql, &head, err);
	if (status != PNR_OK)
		return status;
	int64_t id = 0;
	pnr_digest hash = { { 0 } };
	status = pnr_statement_id(head, &id, err);
	if (status == PNR_OK) {
		hash = pnr_column_digest(head, 1);
		status = pnr_statement_intact(head, err);
	}
	if (status != PNR_OK && status != PNR_NOT_FOUND)
		return status;
	*out_id = id;
	*out_hash = hash;
	return PNR_OK;
}

/* ----------------------------------------------------------------- text -- */

/* How many bytes from @text on stand for themselves: nearly always all. */
static size_t plain_length(const char *text)
{
	size_t length = 0;
	for (unsigned char c; (c = (unsigned char)text[length]) >= 0x20 && c != 0x7f && c != '\\';)
		length++;
	return length;
}

/* One line, whatever the value holds. */
static void append_field(pnr_buffer *out, const char *field, const char *value)
{
	pnr_buffer_append(out, field, strlen(field));
	pnr_buffer_append(out, ": ", 2);
	for (const char *c = value == NULL ? "" : value; *c != '\0'; c++) {
		size_t plain = plain_length(c);
		unsigned char byte = (unsigned char)c[plain];
		pnr_buffer_append(out, c, plain);
		c += plain;
		if (byte == '\0')
			break;
		if (byte == '\\')
			pnr_buffer_puts(out, "\\\\");
		else if (byte == '\n')
			pnr_buffer_puts(out, "\\n");
		else
			pnr_buffer_printf(out, "\\x%02x", byte);
	}
	pnr_buffer_append(out, "\n", 1);
}

/* The hashes of the package and the archive that a row names by id; the archive's is "" if it names none. */
typedef struct log_hashes {
	char package[PNR_DIGEST_HEX_SIZE], archive[PNR_DIGEST_HEX_SIZE];
} log_hashes;

static pnr_status find_hashes(pnr_index *index, const pnr_log_row *row, log_hashes *out, pnr_error *err)
{
	static const pnr_sql find_sql = { "find what a log entry names",
		                          "SELECT package_hash, (SELECT archive_hash FROM archive WHERE id = ?2)"
		                          " FROM package WHERE id = ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *find = NULL;
	pnr_status status = pnr_statement_take(index, &find_sql, &find, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(find, 1, row->package_id);
	pnr_bind_id(find, 2, row->archive_id);
	status = pnr_statement_row(find, err);
	if (status == PNR_NOT_FOUND || (status == PNR_OK && row->archive_id != 0 && pnr_column_is_null(find, 1)))
		return pnr_fail(err, PNR_NOT_FOUND, "index: no package %lld or archive %lld to log",
		                (long long)row->package_id, (long long)row->archive_id);
	if (status != PNR_OK)
		return status;
	pnr_digest hash = pnr_column_digest(find, 0);
	pnr_digest_to_hex(&hash, out->package);
	out->archive[0] = '\0';
	if (row->archive_id != 0) {
		hash = pnr_column_digest(find, 1);
		pnr_digest_to_hex(&hash, out->archive);
	}
	return pnr_statement_intact(find, err);
}

/* The view log_text makes the same text: schema/README.md is the owner of the form. */
static pnr_status append_text(const pnr_log_row *row, const log_hashes *hashes, pnr_buffer *out, pnr_error *err)
{
	char previous[PNR_DIGEST_HEX_SIZE], at[PNR_TIME_TEXT_SIZE];
	append_field(out, "format", "1");
	append_field(out, "previous", pnr_digest_to_hex(&row->previous_hash, previous));
	append_field(out, "at", pnr_clock_format(row->at_ms, at));
	append_field(out, "event", row->event);
	append_field(out, "package", hashes->package);
	append_field(out, "archive", hashes->archive);
	append_field(out, "name", row->name);
	append_field(out, "user", row->user);
	append_field(out, "host", row->host);
	append_field(out, "git_commit", row->git_commit);
	append_field(out, "git_dirty", row->git_dirty < 0 ? "" : row->git_dirty > 0 ? "1" : "0");
	append_field(out, "ci_run", row->ci_run);
	append_field(out, "tool_version", row->tool_version);
	append_field(out, "note", row->note);
	append_field(out, "options", row->options);
	return pnr_buffer_status(out, err);
}

pnr_status pnr_index_log_text(pnr_index *index, const pnr_log_row *row, pnr_buffer *out, pnr_error *err)
{
	log_hashes hashes;
	pnr_status status = find_hashes(index, row, &hashes, err);
	return status == PNR_OK ? append_text(row, &hashes, out, err) : status;
}

pnr_status pnr_index_log_row_text(const pnr_log_row *row, pnr_buffer *out, pnr_error *err)
{
	log_hashes hashes = { .archive = "" };
	pnr_digest_to_hex(&row->package_hash, hashes.package);
	if (row->archive_id != 0)
		pnr_digest_to_hex(&row->archive_hash, hashes.archive);
	return append_text(row, &hashes, out, err);
}

/* -------------------------------------------------------------- writing -- */

pnr_status pnr_index_log_put(pnr_index *index, pnr_log_row *row, pnr_error *err)
{
	static const pnr_sql insert_sql = {
		"add a log entry",
		"INSERT INTO log (at, event, package_id, archive_id, name, user, host, git_commit, git_dirty, ci_run,"
		" tool_version, note, options, previous_hash, entry_hash)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *insert = NULL;
	pnr_status status = pnr_statement_take(index, &insert_sql, &insert, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_time(insert, 1, row->at_ms);
	pnr_bind_words(insert, 2, row->event);
	pnr_bind_int(insert, 3, row->package_id);
	pnr_bind_id(insert, 4, row->archive_id);
	pnr_bind_words(insert, 5, row->name);
	pnr_bind_words(insert, 6, row->user);
	pnr_bind_words(insert, 7, row->host);
	pnr_bind_words(insert, 8, row->git_commit);
	if (row->git_dirty >= 0)
		pnr_bind_int(insert, 9, row->git_dirty > 0);
	else
		pnr_bind_text(insert, 9, NULL);
	pnr_bind_words(insert, 10, row->ci_run);
	pnr_bind_words(insert, 11, row->tool_version);
	pnr_bind_words(insert, 12, row->note);
	pnr_bind_words(insert, 13, row->options);
	pnr_bind_digest(insert, 14, &row->previous_hash);
	pnr_bind_digest(insert, 15, &row->entry_hash);
	return pnr_statement_insert(insert, &row->id, err);
}

/* -------------------------------------------------------------- reading -- */

/* The columns that read_row expects, in its order. */
#define LOG_QUERY                                                                                               \
	"SELECT log.id, log.at, log.event, log.package_id, log.archive_id, log.name, log.user, log.host,"        \
	" log.git_commit, log.git_dirty, log.ci_run, log.tool_version, log.note, log.options, log.previous_hash," \
	" log.entry_hash, package.package_hash, package.asset_count, archive.archive_hash, archive.created_at,"  \
	" archive.size"                                                                                         \
	" FROM log JOIN package ON package.id = log.package_id LEFT JOIN archive ON archive.id = log.archive_id "

static pnr_status read_row(pnr_statement *list, pnr_log_row *out_row, pnr_error *err)
{
	pnr_log_row row = { .id = pnr_column_int(list, 0),
		            .at_ms = pnr_column_time(list, 1),
		            .event = pnr_column_text(list, 2),
		            .package_id = pnr_column_int(list, 3),
		            .archive_id = pnr_column_int(list, 4),
		            .name = pnr_column_text(list, 5),
		            .user = pnr_column_text(list, 6),
		            .host = pnr_column_text(list, 7),
		            .git_commit = pnr_column_text(list, 8),
		            .git_dirty = pnr_column_is_null(list, 9) ? -1 : (int)pnr_column_int(list, 9),
		            .ci_run = pnr_column_text(list, 10),
		            .tool_version = pnr_column_text(list, 11),
		            .note = pnr_column_text(list, 12),
		            .options = pnr_column_text(list, 13),
		            .previous_hash = pnr_column_digest(list, 14),
		            .entry_hash = pnr_column_digest(list, 15),
		            .package_hash = pnr_column_digest(list, 16),
		            .asset_count = pnr_column_size(list, 17) };
	if (row.archive_id != 0) {
		row.archive_hash = pnr_column_digest(list, 18);
		row.created_ms = pnr_column_time(list, 19);
		row.archive_size = pnr_column_size(list, 20);
	}
	pnr_status status = pnr_statement_intact(list, err);
	if (status == PNR_OK)
		*out_row = row;
	return status;
}

/* Rows to @fn until it has had enough. */
static pnr_status report_rows(pnr_statement *list, pnr_log_row_fn fn, void *user, pnr_error *err)
{
	pnr_status status = PNR_OK;
	while (pnr_statement_next(list, &status, err)) {
		pnr_log_row row;
		status = read_row(list, &row, err);
		if (status == PNR_OK && fn(user, &row) != 0)
			break;
	}
	return status;
}

pnr_status pnr_index_log_list(pnr_index *index, const char *name, uint64_t limit, pnr_log_row_fn fn, void *user,
                              pnr_error *err)
{
	static const pnr_sql all_sql = { "read the log", LOG_QUERY "ORDER BY log.at DESC, log.id DESC LIMIT ?1" };
	static const pnr_sql name_sql = { "read the log",
		                          LOG_QUERY "WHERE log.name = ?2"
		                                    " ORDER BY log.at DESC, log.id DESC LIMIT ?1" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, name == NULL ? &all_sql : &name_sql, &list, err);
	if (status != PNR_OK)
		return status;
	/* SQL's "no limit" is a negative number. */
	pnr_bind_int(list, 1, limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit);
	if (name != NULL)
		pnr_bind_text(list, 2, name);
	return report_rows(list, fn, user, err);
}

pnr_status pnr_index_log_of(pnr_index *index, const pnr_digest *package_hash, pnr_log_row_fn fn, void *user,
                            pnr_error *err)
{
	static const pnr_sql list_sql = { "read the log of a package",
		                          LOG_QUERY "WHERE package.package_hash = ?1"
		                                    " ORDER BY log.at DESC, log.id DESC" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(list, 1, package_hash);
	return report_rows(list, fn, user, err);
}

pnr_status pnr_index_log_walk(pnr_index *index, pnr_log_walk_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql walk_sql = { "read the log", LOG_QUERY "ORDER BY log.id" };
	PNR_CLEANUP(pnr_statement_release) pnr_statement *walk = NULL;
	pnr_status status = pnr_statement_take(index, &walk_sql, &walk, err);
	while (pnr_statement_next(walk, &status, err)) {
		pnr_log_row row;
		status = read_row(walk, &row, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_log_extent(pnr_index *index, uint64_t *out_count, int64_t *out_last_id, pnr_error *err)
{
	static const pnr_sql extent_sql = {
		"count the log",
		"SELECT (SELECT count(*) FROM log), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'log'), 0)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *extent = NULL;
	pnr_status status = pnr_statement_take(index, &extent_sql, &extent, err);
	if (status == PNR_OK)
		status = pnr_statement_row(extent, err);
	if (status != PNR_OK)
		return status;
	*out_count = pnr_column_size(extent, 0);
	*out_last_id = pnr_column_int(extent, 1);
	return PNR_OK;
}
