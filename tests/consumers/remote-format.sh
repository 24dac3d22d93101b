# What was pushed is rebuilt from the folder alone, with gunzip, zstd, sha256sum and
# jq: by the very script that schema/remote-format.md shows.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need jq jq
need zstd zstd
need gunzip gzip

sed -n '/^<!-- rebuild.sh -->$/,/^```$/{/^<!--/d;/^```/d;p}' "$SOURCE/schema/remote-format.md" > "$WORK/rebuild.sh"
[ -s "$WORK/rebuild.sh" ] || fail "schema/remote-format.md has no script"

sample_copy "$WORK/model"
cd "$WORK/model"
# content of every form: shrinks and is large, shrinks and is small, does not shrink, is empty
head -c 300000 /dev/urandom | base64 > assumptions/mortality.csv
head -c 50000 /dev/urandom > assumptions/lapse.csv
: > assumptions/expenses.csv
pannier remote add -q share "$WORK/remote"

# each version changes one line of the large table, so that it goes as a patch on the one before
for version in 1 2 3 4; do
	sed -i "$((version * 10))s/.*/changed in version $version/" assumptions/mortality.csv
	pannier pack -q --include-policies
	pannier push --json share > "$WORK/push.json"
	pannier export -q latest -o "$WORK/$version.zip"
	hash=$(jq -r .packageHash "$WORK/push.json")
	manifest=$(unzip -p "$WORK/$version.zip" manifest.json | sha256sum | cut -d' ' -f1)
	echo "$hash/$manifest" > "$WORK/$version.key"
	patched=$(jq -r .blobsPatched "$WORK/push.json")
	[ "$patched" = $((version > 1)) ] || fail "version $version was pushed with $patched patches"
done
[ -n "$(find "$WORK/remote/blobs" -type f ! -name '*.gz')" ] || fail "not every form is in use"
jq -e '.text | length == 4' "$WORK/remote/packages/$(cat "$WORK/4.key").json" > "$WORK/log" ||
	fail "the text of version 4 is no patch on those before"

for version in 1 2 3 4; do
	key=$(cat "$WORK/$version.key")
	mkdir "$WORK/out.$version" "$WORK/unzipped.$version"
	sh "$WORK/rebuild.sh" "$WORK/remote" "$WORK/remote/packages/$key.json" "$WORK/out.$version"
	unzip -q "$WORK/$version.zip" -d "$WORK/unzipped.$version"
	diff -r "$WORK/out.$version" "$WORK/unzipped.$version" || fail "version $version is not what was packed"
	[ "$(package_hash "$WORK/out.$version")" = "${key%/*}" ] || fail "version $version has another packageHash"
	ok "version $version is rebuilt: $(find "$WORK/out.$version" -type f | wc -l) files"
done

# It is the script that checks: what is damaged does not pass.
key=$(cat "$WORK/4.key")
for kind in blobs patches; do
	object=$(find "$WORK/remote/$kind" -type f -size +10c | sort | head -n 1)
	cp "$object" "$WORK/kept"
	chmod u+w "$object"
	printf 'x' | dd of="$object" bs=1 seek=$(($(stat -c %s "$object") / 2)) conv=notrunc status=none
	mkdir "$WORK/damaged.$kind"
	if (set -o pipefail; sh "$WORK/rebuild.sh" "$WORK/remote" "$WORK/remote/packages/$key.json" "$WORK/damaged.$kind") \
		> "$WORK/log" 2>&1 && diff -r "$WORK/damaged.$kind" "$WORK/unzipped.4" > "$WORK/log"; then
		fail "a damaged object of $kind/ passes"
	fi
	cp "$WORK/kept" "$object"
done
ok "a damaged object does not pass"
