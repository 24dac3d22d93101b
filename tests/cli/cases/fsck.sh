sample
for n in 1 2 3; do sed "s/^TL/T$n/" data/policies.csv; done > more.csv
tail -n +2 more.csv >> data/policies.csv
pannier pack -q --portable --include-policies --tag first
edit_table
pannier pack -q --portable --no-zip
# What files looked like is remembered of those that had rested: here of none.
sqlite3 .pannier/pannier.db 'DELETE FROM source_file'
before=$(find .pannier -type f -exec sha256sum {} + | sort)
run pannier fsck | sed '/^newest/d'
run pannier fsck --quick | sed '/^newest/d'
run pannier fsck --full | sed '/^newest/d'
run pannier fsck --quick --full
run pannier fsck --expect 00
# What nothing needs is no problem, and stays where it is.
object=$(find .pannier/objects -type f)
mkdir -p .pannier/tmp .pannier/objects/ab
cp "$object" .pannier/objects/ab/
echo half > .pannier/tmp/123-4
run pannier fsck -v | sed -n '/^unused/p'
filter='[.valid, .unused, .leftovers, .unusedFiles[]]' json pannier fsck --json
rm -r .pannier/tmp .pannier/objects/ab
[ "$(find .pannier -type f -exec sha256sum {} + | sort)" = "$before" ] && echo nothing was written
# Each damage by itself: what it is, and which packages suffer from it.
cp -r .pannier "$TMPDIR/whole"
harm()
{
	echo "== $1"
	rm -rf .pannier && cp -r "$TMPDIR/whole" .pannier
	case "$1" in
	*.pannier*) eval "$1" ;;
	*) sqlite3 .pannier/pannier.db "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON; $1" ;;
	esac
	filter='.problems' json pannier fsck --full --json 2> "$TMPDIR/said"
	pannier fsck --quick --json 2> /dev/null | jq -c '[.valid, ([.problems[].kind] | unique)]'
}
harm 'rm .pannier/objects/*/*'
harm 'truncate -s 100 .pannier/objects/*/*'
harm 'printf xxxx | dd of="$(find .pannier/objects -type f)" bs=1 seek=5000 conv=notrunc 2> /dev/null'
harm "UPDATE encoding SET data = zeroblob(stored_size) WHERE blob_id =
	(SELECT id FROM blob WHERE hash = '$(sha256sum < term-life.mga | cut -c 1-64)')"
harm "DELETE FROM blob WHERE hash = '$(sha256sum < assumptions/lapse.csv | cut -c 1-64)'"
harm "UPDATE package SET asset_count = 3 WHERE id = 2"
harm "DELETE FROM package_asset WHERE package_id = 1 AND position = 2"
harm "UPDATE archive_encoding SET encoding_id = 1 WHERE position = 2"
harm "UPDATE archive SET manifest_blob_id = 1"
# A page of the database is lost; then all of it.
rm -rf .pannier && cp -r "$TMPDIR/whole" .pannier
page=$(sqlite3 .pannier/pannier.db "SELECT rootpage FROM sqlite_schema WHERE name = 'package_asset'")
sqlite3 .pannier/pannier.db "PRAGMA wal_checkpoint(TRUNCATE)" > /dev/null
dd if=/dev/zero of=.pannier/pannier.db bs=4096 seek=$((page - 1)) count=1 conv=notrunc 2> /dev/null
filter='[.problems[].kind] | unique' json pannier fsck --json 2> /dev/null
echo nothing > .pannier/pannier.db
run pannier fsck
true
