sample
pannier pack -q --portable
# The newest entry comes from a clock that was ahead.
sqlite3 .pannier/pannier.db "INSERT INTO log (at, event, package_id, archive_id, name, user, host, git_commit, ci_run,
	tool_version, note, options, previous_hash, entry_hash) SELECT '2999-01-01T00:00:00.000Z', event, package_id, archive_id,
	name, user, host, git_commit, ci_run, tool_version, note, options, entry_hash, printf('%064d', 7) FROM log"
edit_table
pannier pack -q --portable 2>&1
pannier pack --portable --note again 2>&1 > pack.out | sed 's/ [0-9]* s ahead/ N s ahead/'
filter='[.entries[] | [.at, (.options | has("clock"))]]' json pannier log --json
pannier log --json -n 1 | jq -r '.entries[0].options.clock' | grep -c '^20[0-9-]*T'
