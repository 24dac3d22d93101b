# A worker that pulls what it lacks, or applies a delta, runs the same engines on the same hash as who packed them.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need node nodejs

# as_worker DIR: the engines of the body that DIR's store gives, run in place of those in DIR; its asset hash.
as_worker() {
	pannier worker-json latest --store "$1/store" >"$WORK/body.json"
	node "$JS/worker.mjs" "$WORK/body.json" --engines "$1/files/wasm" >"$WORK/hash"
	node "$JS/check-model.mjs" "$1/files" >"$WORK/log" || fail "the engines of the body: $(cat "$WORK/log")"
	cat "$WORK/hash"
}

# expect DIR: that hash is the one of the files which were packed.
expect() {
	local here there
	here=$(as_worker "$1")
	there=$(node "$JS/worker.mjs" --folder "$WORK/model")
	[ "$here" = "$there" ] || fail "the worker's asset hash: '$here' of $1, '$there' of the files"
	ok "${1##*/}: $here"
}

sample_copy "$WORK/model"
cd "$WORK/model"
pannier pack -q --include-policies -o "$WORK/first.zip"
pannier remote add -q cloud "$WORK/cloud"
pannier push -q cloud latest
first=$(pannier verify "$WORK/first.zip" --json | json it.packageHash)

mkdir "$WORK/pulled"
pannier init -q "$WORK/pulled"
mv "$WORK/pulled/.pannier" "$WORK/pulled/store"
pannier remote add -q cloud "$WORK/cloud" --store "$WORK/pulled/store"
pannier pull -q cloud "$first" -C "$WORK/pulled/files" --store "$WORK/pulled/store"
expect "$WORK/pulled"

# A new version: a word more in the Python step, another name in an engine's custom section.
echo '# a comment' >>python/summary.py
printf '\000\005\004note' >>wasm/valuation.wasm
pannier pack -q --include-policies -o "$WORK/second.zip"
pannier push -q cloud latest
second=$(pannier verify "$WORK/second.zip" --json | json it.packageHash)
rm -r "$WORK/pulled/files"
pannier pull cloud "$second" -C "$WORK/pulled/files" --store "$WORK/pulled/store" --json >"$WORK/pull.json"
[ "$(json it.blobsFetched <"$WORK/pull.json")" = 2 ] || fail "more came than what changed: $(cat "$WORK/pull.json")"
[ "$(json it.archiveIdentical <"$WORK/pull.json")" = true ] || fail "another zip: $(cat "$WORK/pull.json")"
expect "$WORK/pulled"

mkdir "$WORK/applied"
pannier delta --since latest~1 -q -o "$WORK/delta.zip" --patch
pannier init -q "$WORK/applied"
mv "$WORK/applied/.pannier" "$WORK/applied/store"
pannier apply -q "$WORK/delta.zip" --base "$WORK/first.zip" -C "$WORK/applied/files" --store "$WORK/applied/store"
expect "$WORK/applied"
