sample
pannier init -q
run pannier fsck
json pannier fsck --json
for n in 1 2 3; do
	printf '%s,1,1\n' $n >> assumptions/mortality.csv
	pannier pack -q --portable --note "note $n"
done
run pannier fsck | sed '/^newest/d'
head=$(pannier fsck --json | jq -r .headHash)
[ "$head" = "$(pannier log -n 1 --json | jq -r '.entries[0].entryHash')" ] && echo the newest
pannier pack -q --portable --note "note 4"
pannier fsck -q --expect "$head" && echo held
run pannier fsck --expect 0000000000000000000000000000000000000000000000000000000000000000
run pannier fsck --expect 00
# By hand: each is found, with the first entry that is not as it was written.
cp -r .pannier "$TMPDIR/whole"
harm()
{
	rm -rf .pannier && cp -r "$TMPDIR/whole" .pannier
	sqlite3 .pannier/pannier.db "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON;
		DROP TRIGGER log_is_never_updated; DROP TRIGGER log_is_never_deleted; DROP TRIGGER log_is_chained; $1"
	filter='[.valid, .entries, (.problems[] | select(.kind == "log") | .name, .problem)]' json pannier fsck --json 2> /dev/null
}
harm "UPDATE log SET note = 'Note 2' WHERE id = 2"
harm "UPDATE log SET at = '2020-01-01T00:00:00.000Z' WHERE id = 1"
harm "UPDATE log SET package_id = 1 WHERE id = 3"
harm "DELETE FROM log WHERE id = 2"
harm "DELETE FROM log WHERE id = 1"
harm "DELETE FROM log WHERE id = 4"
harm "DELETE FROM log"
harm "UPDATE package SET package_hash = '$head' WHERE id = 3"
harm "DELETE FROM package WHERE id = 3"
harm "UPDATE log SET entry_hash = '$head' WHERE id = 2"
harm "UPDATE log SET at = 'yesterday' WHERE id = 3"
# An entry that was rewritten together with all after it: only who noted a hash can tell.
pannier fsck -q --expect "$head" 2> /dev/null || echo not there
