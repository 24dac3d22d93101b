# A pack is recalled when nothing has changed, and never when something has: whatever it may be.
# Files must be two seconds old to be trusted, so all models are made at once, each for one change, and then all zips.
again() { (cd "$1" && shift && "$@" pannier pack --json "${more[@]}" 2> /dev/null); }
changes=(nothing config table model engine earlier sidecar gone outside link folder device touched zip zip-changed
	portable no-assumptions include-policies level engine-dir allow-outside epoch config-path)
for change in "${changes[@]}"; do
	sample "$change"
	mkdir "$change/.pannier" "$change.out"
	cp "$change/wasm/projection.wasm" "$change.out/nobody.wasm"
done
jq '.assumptions.expenses = "assumptions://expenses"' nothing/livecalc.config.json > config.json
mv config.json nothing/livecalc.config.json
more=()
for round in 1 2; do
	sleep 2.2
	for change in "${changes[@]}"; do
		again "$change" env > "$change.out/first.json" || echo "$change: failed in round $round"
	done
done
run sqlite3 nothing/.pannier/pannier.db 'SELECT files, length(looked_at) > 500, length(warnings) > 0 FROM pack_trace'

# It is recalled: what stands in the cache is what is told. And that is what a pack without it tells.
sqlite3 nothing/.pannier/pannier.db "UPDATE pack_trace SET warnings = '0' || char(9) || '0' || char(9) || '/x' || char(9) || 'recalled' || char(10)"
filter='.stats.unchanged, .warnings' json pannier pack nothing/livecalc.config.json --json 2> /dev/null
filter='.stats.unchanged, (.warnings | length)' json pannier pack nothing/livecalc.config.json --json --rehash 2> /dev/null
run sqlite3 nothing/.pannier/pannier.db "SELECT replace(warnings, char(9), '|') FROM pack_trace"
again nothing env | jq 'del(.stats.seconds)' > recalled.json
sqlite3 nothing/.pannier/pannier.db 'DELETE FROM pack_trace'
again nothing env | jq 'del(.stats.seconds)' > planned.json
run cmp recalled.json planned.json
# Nonsense in the cache is no trace.
sqlite3 nothing/.pannier/pannier.db "UPDATE pack_trace SET looked_at = 'd 0 ..' || char(9) || '1 2' || char(10), warnings = ''"
filter='.stats.unchanged, (.warnings | length)' json pannier pack nothing/livecalc.config.json --json 2> /dev/null

change_config() { printf '\n' >> livecalc.config.json; }
change_table() { edit_table; }
change_model() { printf '\n' >> term-life.mga; }
change_engine() { cp wasm/projection.wasm new && mv new wasm/projection.wasm; printf '\n' >> python/summary.py; }
change_earlier() { mv ../earlier.out/nobody.wasm projection.wasm; }
change_sidecar() { printf 'export {}\n' > wasm/valuation.mjs; }
change_gone() { rm python/summary.py; }
change_outside() { mv assumptions ../outside.out/ && ln -s ../outside.out/assumptions assumptions; }
change_link() { mv python/summary.py python/kept.py && ln -s kept.py python/summary.py; }
change_folder() { mv wasm wasm.old && cp -a wasm.old wasm; }
change_device() { rm python/summary.py && mkfifo python/summary.py; }
change_touched() { touch -d '2026-01-01' python/summary.py; }
change_zip() { rm model-package.zip; }
change_zip-changed() { printf x >> model-package.zip; }
for change in "${changes[@]}"; do
	more=() with=(env)
	case $change in
	portable | no-assumptions | include-policies) more=("--$change") ;;
	level) more=(--level 9) ;;
	engine-dir | allow-outside) more=("--$change" "../$change.out") ;;
	epoch) with=(env SOURCE_DATE_EPOCH=1800000000) ;;
	config-path) cp config-path/livecalc.config.json config-path/other.json && more=(other.json) ;;
	nothing) ;;
	*) (cd "$change" && "change_$change") ;;
	esac
	again "$change" "${with[@]}" > "$change.out/second.json"
	printf '%-16s exit %d ' "$change" $?
	jq -rs 'if .[1].success then
			"unchanged \(.[1].stats.unchanged), read \(.[1].stats.assetsHashed) of \(.[1].assetCount), " +
			"package \(if .[0].packageHash == .[1].packageHash then "the same" else "another" end), " +
			"archive \(if .[0].archiveHash == .[1].archiveHash then "the same" else "another" end)"
		else "missing \(.[1].missingAssets), errors \(.[1].errors | length)" end' "$change.out/first.json" "$change.out/second.json"
done
