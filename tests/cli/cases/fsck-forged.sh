sample
pannier pack -q --portable -o made.zip
rm -rf .pannier
pannier import -q made.zip
edit_table
pannier pack -q --portable
pannier fsck -q --full && echo whole
cp -r .pannier "$TMPDIR/whole"
# Rows that the log does not hold: what they say is compared with what it does.
forge()
{
	rm -rf .pannier && cp -r "$TMPDIR/whole" .pannier
	sqlite3 .pannier/pannier.db "PRAGMA foreign_keys=OFF; $1"
	echo "== $1"
	for depth in --quick '' --full; do
		# shellcheck disable=SC2086
		pannier fsck $depth --json 2> /dev/null | jq -c '[.problems[] | [.kind, .name[:12], .problem]]'
	done
}
forge "UPDATE archive SET created_at = '2024-01-01T00:00:00.000Z' WHERE id = 2"
forge "UPDATE archive SET archive_hash = printf('%064d', 7) WHERE id = 2"
forge "UPDATE archive SET size = size + 1 WHERE id = 2"
forge "UPDATE imported_archive SET archive_hash = printf('%064d', 7)"
forge "UPDATE imported_archive SET file = 'other.zip'"
forge "UPDATE imported_archive SET imported_at = '2024-01-01T00:00:00.000Z'"
forge "UPDATE imported_archive SET package_id = 2"
forge "DROP TRIGGER log_is_never_updated; UPDATE log SET note = note || char(0) || 'more' WHERE id = 2"
forge "DELETE FROM package"
run pannier report
ls ./*.html 2> /dev/null
# What cannot even be opened is a problem of the store, not a failure of the check.
rm -rf .pannier && cp -r "$TMPDIR/whole" .pannier
sqlite3 .pannier/pannier.db "PRAGMA wal_checkpoint(TRUNCATE)" > /dev/null
cp .pannier/pannier.db "$TMPDIR/db"
printf 'x' | dd of=.pannier/pannier.db bs=1 seek=5 conv=notrunc 2> /dev/null
run pannier fsck
cp "$TMPDIR/db" .pannier/pannier.db
sqlite3 .pannier/pannier.db "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE log (' WHERE name = 'log'"
run pannier fsck
filter='[.success, .valid, .problems]' json pannier fsck --json 2> /dev/null
true
