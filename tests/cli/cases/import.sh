sample
at() { SOURCE_DATE_EPOCH=$(date -ud "$1" +%s) pannier pack -q --portable -o "$2"; }
at 2024-01-31 b.zip
edit_table
at 2024-02-29 a.zip
cp python/summary.py before.py
echo '# tried' >> python/summary.py
at 2024-02-10 late.zip
mv before.py python/summary.py
at 2999-01-01 future.zip
rm -rf .pannier
# Whatever their order, they are history in the order of their times; the zips come out again.
run pannier import a.zip b.zip
pannier log | tr -s ' ' | cut -d ' ' -f 1-6
filter='.entries[0].options | del(.importedAt)' json pannier log --json -n 1
run pannier import b.zip a.zip
json pannier import b.zip --json
pannier export latest~1 -o again.zip && cmp again.zip b.zip && echo the same zip
run pannier show "$(sha256sum < b.zip | cut -c 1-16)" | head -n 2
run pannier history assumptions/mortality.csv
pannier fsck | sed '/^newest/d'
sqlite3 .pannier/pannier.db "SELECT file, size, package_hash = (SELECT package_hash FROM package_list WHERE entry = 1)
	FROM archive_list WHERE file IS NOT NULL AND created_at < '2024-02'"
# What comes late stands in its place: it is not the latest, and what came after it is compared with it.
pannier pack -q --portable
run pannier import late.zip
order() { pannier log --json "$@" | jq -c '.entries[] | [.id, .event, .createdAt, .packageHash[:12]]'; }
order
run pannier show latest~2 | head -n 2
run pannier show latest | head -n 2
run pannier history python/summary.py
sqlite3 .pannier/pannier.db "SELECT entry, event, path, change FROM package_changes JOIN package_list USING (entry)
	WHERE event <> 'import' OR old_hash IS NOT NULL ORDER BY package_list.at, path" \
	"SELECT DISTINCT path, substr(first_at, 1, 10) FROM content_uses
	WHERE hash = (SELECT hash FROM package_contents WHERE path = 'python/summary.py' ORDER BY size DESC LIMIT 1)"
pannier fsck | sed '/^newest/d'
run pannier import late.zip --name other
run pannier diff other@latest latest
# A zip that was packed here is known here; under another name it is not.
SOURCE_DATE_EPOCH=0 pannier pack -q --portable -o begin.zip --name begin
run pannier import --name begin begin.zip
# The first second of all is a time like others.
run pannier import begin.zip
pannier log --json | jq -c '.entries[-1] | [.at, .event, .name]'
# A name that is no text.
cp late.zip "$(printf 'l\344te.zip')"
pannier import -q --name bytes "$(printf 'l\344te.zip')"
pannier log --json --name bytes -n 1 | grep -o '.....fffdte.zip'
sqlite3 .pannier/pannier.db "DROP TRIGGER log_is_never_updated" \
	"UPDATE log SET options = CAST(replace(CAST(options AS BLOB), CAST('\ufffd' AS BLOB), x'e4') AS TEXT) WHERE name = 'bytes'" \
	"SELECT instr(CAST(options AS BLOB), x'e4') > 0 FROM log WHERE name = 'bytes'"
pannier log --json --name bytes -n 1 | grep -o '.....fffdte.zip'
# What is wrong is refused, and nothing of it stays.
before=$(pannier stats --json | jq -c '[.packages, .entries]')
run pannier import --name bad a.zip future.zip
cp a.zip bad.zip
printf x | dd of=bad.zip bs=1 seek=3000 conv=notrunc 2> /dev/null
run pannier import --name bad bad.zip
run pannier import nowhere.zip
run pannier import term-life.mga
[ "$(pannier stats --json | jq -c '[.packages, .entries]')" = "$before" ] && echo as before
# What was taken before it is told.
filter='[.success, .imported[].file, .imported[].known]' json pannier import --name bad b.zip bad.zip --json
pannier log --json --name bad | jq '.entries | length'
