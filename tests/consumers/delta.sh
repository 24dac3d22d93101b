#!/usr/bin/env bash
# What schema/delta-format.md promises of a delta, by unzip, zstd and sha256sum alone; and the JSON Schemas, by a
# validator that Pannier does not have.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need_pannier
need unzip unzip
need zstd zstd
need jq jq
sample_copy "$WORK/model"
cd "$WORK/model"
export SOURCE_DATE_EPOCH=1700000000

# sums DIR: of all files but the manifest, as sha256sum prints them.
sums() { (cd "$1" && find . -type f ! -path ./manifest.json -print0 | LC_ALL=C sort -z | xargs -0 sha256sum --); }

pannier pack -q --tag old && cp model-package.zip ../old.zip
printf '120,1.0,1.0\n' >> assumptions/mortality.csv
printf '\n' >> wasm/projection.wasm
printf '# edited\n' >> python/summary.py
pannier pack -q --tag new && cp model-package.zip ../new.zip
# Another asset with content that is there, and nothing else but the config.
sed 's|"policies": *"[^"]*"|"policies": "assumptions/mortality.csv"|' livecalc.config.json >copy.config.json
pannier pack -q --include-policies --tag copy -o ../copy.zip copy.config.json
pannier remote add -q share "$WORK/share" && pannier push -q share old
pannier delta --since old new -q -o ../plain.zip
pannier delta --since old new -q -o ../patched.zip --patch
pannier delta --since new old -q -o ../back.zip --patch
pannier delta --since new copy -q -o ../copied.zip
pannier delta --remote share new -q -o ../remote.zip
unzip -p ../old.zip manifest.json | jq -r '.assets[].hash' | pannier delta --have - new -q -o ../listed.zip
cd "$WORK"

# Nothing removed, no patches: an update by unzip.
mkdir old new
unzip -q old.zip -d old
unzip -q new.zip -d new
cp -R old updated
unzip -q -o plain.zip -d updated
sums new >new.sums
sums updated >updated.sums
same new.sums updated.sums
[ "$(jq -r .packageHash <updated/manifest.json)" = "$(package_hash updated)" ] || fail "packageHash after the update"
jq 'del(.delta)' <updated/manifest.json >updated.json
jq . <new/manifest.json >new.json
same updated.json new.json
ok "unzip -o updates"

# So does a delta against a remote, or a list, that has the content of the older package and no more.
for zip in remote listed; do
	cp -R old $zip
	unzip -q -o $zip.zip -d $zip
	sums $zip >$zip.sums
	same new.sums $zip.sums
done
[ "$(zipinfo -1 remote.zip)" = "$(zipinfo -1 plain.zip)" ] || fail "what is inside against a remote"
ok "unzip -o updates what a remote and a list have"

# Content that the older package has at another path is inside: unzip does not copy.
mkdir copy
unzip -q copy.zip -d copy
sums copy >copy.sums
cp -R new copied
unzip -q -o copied.zip -d copied
sums copied >copied.sums
same copy.sums copied.sums
[ "$(jq -c .delta.removed <copied/manifest.json)" = "[]" ] || fail "something is removed: the test needs nothing"
ok "unzip -o updates where content is at one more path"

# Cut out by text alone, the key leaves the manifest.
sed '/^  "delta": {$/,/^  }$/d' updated/manifest.json | sed -z 's/,\n}\n$/\n}\n/' >cut.json
same cut.json new/manifest.json
ok "without its last key the manifest is that of the package"

# A patch is applied by zstd, and the result is what its name says.
mkdir patched
unzip -q patched.zip -d patched
count=0
while IFS=$'\t' read -r path base patch; do
	from=$(grep -rl . old | while read -r file; do
		[ "$(sha256sum <"$file" | cut -c1-64)" != "$base" ] || echo "$file"
	done | head -n 1)
	[ -n "$from" ] || fail "the base of $path is not in the old package"
	zstd -q -d --patch-from="$from" "patched/$patch" -o made
	same made "new/$path"
	[ "$(sha256sum <made | cut -c1-64)" = "${patch:8:64}" ] || fail "the name of $patch"
	rm made
	count=$((count + 1))
done < <(jq -r '.delta.assets[] | select(.from == "patch") | [.path, .base, .patch] | @tsv' <patched/manifest.json)
[ "$count" -ge 2 ] || fail "$count patches: the test needs some"
ok "zstd --patch-from makes $count patched assets"

for zip in plain patched back copied remote listed; do
	unzip -qq -t "$zip.zip" >/dev/null || fail "unzip -t $zip.zip"
done

# The schemas, on what is real and on what is not.
validate=$SOURCE/tests/consumers/lib/json_schema.py
schema=$SOURCE/schema
pannier pack -q --portable -o portable.zip model/livecalc.config.json
printf '%s' '{"model":"blob://m","assumptions":{"mortality":"assumptions://m:v1","lapse":"assumptions://l","expenses":"blob://e"},
"scenarios":{"count":1,"seed":1},"policies":"blob://p","pipeline":{"nodes":[{"id":"n","engine":"python://summary","outputs":["bus://a"]}]}}' \
	>model/cloud.json
pannier pack -q -o cloud.zip model/cloud.json
for zip in old new portable cloud; do
	unzip -p $zip.zip manifest.json >$zip.manifest
done
python3 "$validate" "$schema/manifest.schema.json" {old,new,portable,cloud}.manifest || fail "manifest.schema.json"
jq -r '.assets[0].hash' <new.manifest | (cd model && pannier delta --have - new -q -o ../have.zip)
for zip in plain patched back have remote; do
	unzip -p $zip.zip manifest.json >$zip.delta
done
python3 "$validate" "$schema/delta.schema.json" {plain,patched,back,have,remote}.delta || fail "delta.schema.json"
python3 "$validate" "$schema/manifest.schema.json" patched.delta || fail "a delta is a manifest, too"
corpus=$SOURCE/tests/fuzz/corpus/delta
python3 "$validate" "$schema/delta.schema.json" "$corpus"/{right,no-base,unknown-keys,escaped} || fail "right ones"
for wrong in no-delta format-2 no-object null from-nowhere patch-without-base base-with-patch patch-outside manifest-1.1 \
	size-large removed-number empty; do
	! python3 "$validate" "$schema/delta.schema.json" "$corpus/$wrong" 2>/dev/null || fail "the schema takes $wrong"
done
ok "the schemas tell right from wrong"
