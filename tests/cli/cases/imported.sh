sample
pannier pack -q --portable -o made.zip
python3 - <<'END'
import zipfile
made, other = zipfile.ZipFile('made.zip'), zipfile.ZipFile('other.zip', 'w')
for entry in made.infolist():
    other.writestr(zipfile.ZipInfo(entry.filename), made.read(entry))
END
rm -rf .pannier
pannier import -q other.zip
# Its hash names its package, and no other zip of that.
hash=$(sha256sum < other.zip | cut -c 1-64)
made=$(sha256sum < made.zip | cut -c 1-64)
[ "$hash" != "$made" ] && echo two zips
filter='[.packageHash, .packageSize, .createdAt]' json pannier show "$hash" --json
[ "$(pannier show "$hash" --json | jq -r .archiveHash)" = "$hash" ] && echo its own hash
run pannier export "$hash" -o again.zip
mkdir r
pannier remote add -q r "$PWD/r"
run pannier push r "$hash"
[ -e again.zip ] || echo no zip
run pannier diff "$hash" latest
run pannier verify "$hash"
run pannier tag name "$hash"
package=$(pannier show "$hash" --json | jq -r .packageHash)
pannier export -q "$package" -o again.zip && pannier export -q name -o named.zip && cmp again.zip named.zip &&
	echo the zip that is made here
