/* The report's questions. What a view answers is asked of the view. */
#include "index/report.h"
#include "index/database.h"

/* SQL's "no limit" is a negative number. */
static int64_t limit_of(uint64_t limit)
{
	return limit == 0 || limit > INT64_MAX ? -1 : (int64_t)limit;
}

/* ------------------------------------------------------------- packages -- */

static pnr_entry_row read_entry(pnr_statement *list)
{
	pnr_entry_row row = { .id = pnr_column_int(list, 0),
			      .at_ms = pnr_column_time(list, 1),
			      .event = pnr_column_text(list, 2),
			      .name = pnr_column_text(list, 3),
			      .package_hash = pnr_column_digest(list, 4),
			      .has_archive = !pnr_column_is_null(list, 5),
			      .assets = pnr_column_size(list, 7),
			      .total_size = pnr_column_size(list, 8),
			      .user = pnr_column_text(list, 9),
			      .host = pnr_column_text(list, 10),
			      .git_commit = pnr_column_text(list, 11),
			      .git_dirty = pnr_column_is_null(list, 12) ? -1 : (int)pnr_column_int(list, 12),
			      .ci_run = pnr_column_text(list, 13),
			      .tool_version = pnr_column_text(list, 14),
			      .note = pnr_column_text(list, 15) };
	if (row.has_archive) {
		row.archive_hash = pnr_column_digest(list, 5);
		row.archive_size = pnr_column_size(list, 6);
	}
	return row;
}

pnr_status pnr_index_report_span(pnr_index *index, pnr_span *out_span, pnr_error *err)
{
	static const pnr_sql span_sql = {
		"find the first and the last package",
		"SELECT (SELECT count(*) FROM log WHERE event <> 'push'),"
		" (SELECT at FROM log WHERE event <> 'push' ORDER BY at LIMIT 1),"
		" (SELECT at FROM log WHERE event <> 'push' ORDER BY at DESC LIMIT 1),"
		" (SELECT name FROM log WHERE event <> 'push' ORDER BY name LIMIT 1) <>"
		" (SELECT name FROM log WHERE event <> 'push' ORDER BY name DESC LIMIT 1)"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &span_sql, &list, err);
	if (status == PNR_OK)
		status = pnr_statement_row(list, err);
	if (status != PNR_OK)
		return status;
	pnr_span span = { .packs = pnr_column_size(list, 0) };
	if (span.packs > 0) {
		span.first_ms = pnr_column_time(list, 1);
		span.last_ms = pnr_column_time(list, 2);
		span.many_models = pnr_column_int(list, 3) != 0;
	}
	status = pnr_statement_intact(list, err);
	if (status == PNR_OK)
		*out_span = span;
	return status;
}

pnr_status pnr_index_report_sizes(pnr_index *index, pnr_sized_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"read the sizes of the packages",
		"SELECT log.at, package.total_size, archive.size FROM log JOIN package ON package.id = log.package_id"
		" LEFT JOIN archive ON archive.id = log.archive_id WHERE log.event <> 'push' ORDER BY log.at, log.id"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_sized_row row = { .at_ms = pnr_column_time(list, 0),
					    .size = pnr_column_size(list, 1),
					    .zip = pnr_column_is_null(list, 2) ? 0 : pnr_column_size(list, 2) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_report_entries(pnr_index *index, bool pushes, uint64_t limit, pnr_entry_row_fn fn, void *user,
				    pnr_error *err)
{
	static const pnr_sql list_sql = {
		"read the newest of the log",
		"SELECT entry, at, event, name, package_hash, archive_hash, archive_size, assets, total_size, user, host,"
		" git_commit, git_dirty, ci_run, tool_version, note FROM package_list WHERE event <> 'push' OR ?1"
		" ORDER BY at DESC, entry DESC LIMIT ?2"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, pushes);
	pnr_bind_int(list, 2, limit_of(limit));
	while (pnr_statement_next(list, &status, err)) {
		const pnr_entry_row row = read_entry(list);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_report_contents(pnr_index *index, const pnr_digest *package_hash, pnr_held_row_fn fn, void *user,
				     pnr_error *err)
{
	static const pnr_sql list_sql = {
		"read the assets of a package",
		"SELECT path, type, hash, size, stored_size FROM package_contents WHERE package_hash = ?1 ORDER BY position"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_digest(list, 1, package_hash);
	while (pnr_statement_next(list, &status, err)) {
		pnr_held_row row = { .path = pnr_column_text(list, 0),
				     .type = pnr_column_text(list, 1),
				     .hash = pnr_column_digest(list, 2),
				     .size = pnr_column_size(list, 3),
				     .kept = !pnr_column_is_null(list, 4) };
		if (row.kept)
			row.stored_size = pnr_column_size(list, 4);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

/* -------------------------------------------------------------- changes -- */

pnr_status pnr_index_report_changes(pnr_index *index, int64_t since_ms, int64_t since, uint64_t limit,
				    pnr_changed_row_fn fn, void *user, pnr_error *err)
{
	/* The time is asked for twice: alone it bounds what is read. */
	static const pnr_sql list_sql = {
		"find what changed",
		"WITH changed AS MATERIALIZED (SELECT entry, name, path, change FROM package_changes"
		" WHERE at >= ?1 AND (at, entry) >= (?1, ?2)),"
		" ranked AS (SELECT name, path, count(*) AS changes, count(*) OVER () AS assets"
		" FROM changed GROUP BY name, path ORDER BY changes DESC, name, path LIMIT ?3)"
		" SELECT ranked.name, ranked.path, changed.entry, changed.change, ranked.changes, ranked.assets"
		" FROM ranked JOIN changed ON changed.name = ranked.name AND changed.path = ranked.path"
		" ORDER BY ranked.changes DESC, ranked.name, ranked.path, changed.entry"
	};
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_time(list, 1, since_ms);
	pnr_bind_int(list, 2, since);
	pnr_bind_int(list, 3, limit_of(limit));
	while (pnr_statement_next(list, &status, err)) {
		const pnr_changed_row row = { .name = pnr_column_text(list, 0),
					      .path = pnr_column_text(list, 1),
					      .entry = pnr_column_int(list, 2),
					      .change = pnr_column_text(list, 3),
					      .changes = pnr_column_size(list, 4),
					      .assets = pnr_column_size(list, 5) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

/* -------------------------------------------------------------- remotes -- */

pnr_status pnr_index_report_remotes(pnr_index *index, pnr_there_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"find what is on remotes",
		"SELECT remote.name, remote.url,"
		" (SELECT count(DISTINCT package_hash) FROM remote_package WHERE remote_id = remote.id),"
		" (SELECT max(at) FROM remote_package WHERE remote_id = remote.id),"
		" count(there.hash), coalesce(sum(there.size), 0), coalesce(sum(there.stored_size), 0), count(there.base),"
		" coalesce(sum(iif(there.base IS NULL, 0, there.size)), 0),"
		" coalesce(sum(iif(there.base IS NULL, 0, there.stored_size)), 0)"
		" FROM remote LEFT JOIN remote_blob AS there ON there.remote_id = remote.id"
		" GROUP BY remote.id ORDER BY remote.name"
	};
	/* An older database that is only read knows of no remotes; nor of transfers, below. */
	if (!index->evicts)
		return PNR_OK;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		pnr_there_row row = { .name = pnr_column_text(list, 0),
				      .url = pnr_column_text(list, 1),
				      .packages = pnr_column_size(list, 2),
				      .has_packages = !pnr_column_is_null(list, 3),
				      .blobs = pnr_column_size(list, 4),
				      .size = pnr_column_size(list, 5),
				      .stored_size = pnr_column_size(list, 6),
				      .patches = pnr_column_size(list, 7),
				      .patched_size = pnr_column_size(list, 8),
				      .patches_size = pnr_column_size(list, 9) };
		if (row.has_packages)
			row.last_ms = pnr_column_time(list, 3);
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_report_savings(pnr_index *index, pnr_saved_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"count what transfers took",
		"SELECT remote, direction, transfers, CAST(round(seconds * 1000) AS INTEGER), bytes_sent, bytes_full"
		" FROM transfer_savings ORDER BY remote, direction"
	};
	if (!index->evicts)
		return PNR_OK;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	while (pnr_statement_next(list, &status, err)) {
		const pnr_saved_row row = { .remote = pnr_column_text(list, 0),
					    .direction = pnr_column_text(list, 1),
					    .transfers = pnr_column_size(list, 2),
					    .milliseconds = pnr_column_size(list, 3),
					    .bytes_sent = pnr_column_size(list, 4),
					    .bytes_full = pnr_column_size(list, 5) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}

pnr_status pnr_index_report_transfers(pnr_index *index, uint64_t limit, pnr_moved_row_fn fn, void *user, pnr_error *err)
{
	static const pnr_sql list_sql = {
		"read the transfers",
		"SELECT remote, direction, package_hash, at, CAST(round(seconds * 1000) AS INTEGER), blobs_needed, blobs_sent,"
		" blobs_patched, bytes_sent, bytes_full, outcome, (SELECT count(*) FROM transfer)"
		" FROM transfer ORDER BY id DESC LIMIT ?1"
	};
	if (!index->evicts)
		return PNR_OK;
	PNR_CLEANUP(pnr_statement_release) pnr_statement *list = NULL;
	pnr_status status = pnr_statement_take(index, &list_sql, &list, err);
	if (status != PNR_OK)
		return status;
	pnr_bind_int(list, 1, limit_of(limit));
	while (pnr_statement_next(list, &status, err)) {
		const pnr_moved_row row = { .remote = pnr_column_text(list, 0),
					    .direction = pnr_column_text(list, 1),
					    .package_hash = pnr_column_digest(list, 2),
					    .at_ms = pnr_column_time(list, 3),
					    .milliseconds = pnr_column_size(list, 4),
					    .blobs_needed = pnr_column_size(list, 5),
					    .blobs_sent = pnr_column_size(list, 6),
					    .blobs_patched = pnr_column_size(list, 7),
					    .bytes_sent = pnr_column_size(list, 8),
					    .bytes_full = pnr_column_size(list, 9),
					    .outcome = pnr_column_text(list, 10),
					    .transfers = pnr_column_size(list, 11) };
		status = pnr_statement_intact(list, err);
		if (status == PNR_OK)
			status = fn(user, &row, err);
	}
	return status;
}
