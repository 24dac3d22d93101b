# A pack is recalled when nothing has changed, and never when something has: whatever it may be.
# Files must be two seconds old to be trusted: all models are made at once, each for one change, and then all zips.
again() { (cd "$1" && "${with[@]}" pannier pack --json "${more[@]}" 2> /dev/null); }
changes=(nothing config table model engine earlier sidecar gone outside link folder device touched-first touched-last
	zip zip-changed portable no-assumptions include-policies level workspace engine-dir allow-outside epoch
	config-path "tab$(printf '\t')here")
# How the first packs of a model are asked for; the last one is always asked for plainly.
asked_for() {
	with=(env) more=()
	case $1 in
	portable | no-assumptions | include-policies) more=("--$1") ;;
	level) more=(--level 9) ;;
	workspace) more=(--workspace ../workspace.out --allow-outside . --store .pannier -o model-package.zip) ;;
	engine-dir | allow-outside) more=("--$1" "../$1.out") ;;
	epoch) with=(env SOURCE_DATE_EPOCH=1800000000) ;;
	config-path) more=(other.json) ;;
	esac
}
for change in "${changes[@]}"; do
	sample "$change"
	mkdir "$change/.pannier" "$change.out"
	cp "$change/wasm/projection.wasm" "$change.out/nobody.wasm"
done
jq '.assumptions.expenses = "assumptions://expenses"' nothing/livecalc.config.json > config.json
mv config.json nothing/livecalc.config.json
cp config-path/livecalc.config.json config-path/other.json
mv engine-dir/wasm/valuation.wasm engine-dir.out/
mkdir -p workspace.out/dist/wasm && mv workspace/wasm/valuation.wasm workspace.out/dist/wasm/
mv allow-outside/assumptions allow-outside.out/ && ln -s ../allow-outside.out/assumptions allow-outside/assumptions
for round in 1 2; do
	sleep 2.2
	for change in "${changes[@]}"; do
		asked_for "$change"
		again "$change" > "$change.out/first.json" || echo "$change: failed in round $round"
	done
done
db=nothing/.pannier/pannier.db with=(env) more=()
run sqlite3 $db 'SELECT files, length(looked_at) > 500, length(warnings) > 0 FROM last_pack'

# It is recalled: what stands in the cache is what is told. And that is what a pack without it tells.
sqlite3 $db "UPDATE last_pack SET warnings = '0' || char(9) || '0' || char(9) || '/x' || char(9) || 'recalled' || char(10)"
filter='.stats.unchanged, .warnings' json pannier pack nothing/livecalc.config.json --json 2> /dev/null
# Not by those who make no zip, or read the config from elsewhere; and they leave nothing.
filter='.stats.unchanged, (.warnings | length)' json pannier pack nothing/livecalc.config.json --json --no-zip 2> /dev/null
(cd nothing && filter='.stats.unchanged, (.warnings | length)' json pannier pack - --json < livecalc.config.json 2> /dev/null)
run sqlite3 $db 'SELECT count(*), warnings LIKE "%recalled%" FROM last_pack'
filter='.stats.unchanged, (.warnings | length)' json pannier pack nothing/livecalc.config.json --json --rehash 2> /dev/null
run sqlite3 $db "SELECT replace(warnings, char(9), '|') FROM last_pack"
again nothing | jq 'del(.stats.seconds)' > recalled.json
sqlite3 $db 'DELETE FROM last_pack'
again nothing | jq 'del(.stats.seconds)' > planned.json
run cmp recalled.json planned.json
# Nonsense in the cache is no trace.
sqlite3 $db "UPDATE last_pack SET looked_at = CAST('d 0 ..' || char(9) || '1 2' || char(10) AS BLOB), warnings = ''"
filter='.stats.unchanged, (.warnings | length)' json pannier pack nothing/livecalc.config.json --json 2> /dev/null
# Who reads all again is believed by the next one too, whatever zip it asks for, also when the zip itself fails.
run pannier pack nothing/livecalc.config.json --rehash --no-zip -q
run sqlite3 $db 'SELECT count(*) FROM last_pack'

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
# A file that was touched just now may change once more and look the same: no row may trust it.
change_touched-first() { sqlite3 .pannier/pannier.db 'DELETE FROM last_pack'; touch term-life.mga; }
change_touched-last() { sqlite3 .pannier/pannier.db 'DELETE FROM last_pack'; touch assumptions/expenses.csv; }
change_zip() { rm model-package.zip; }
change_zip-changed() { printf x >> model-package.zip; }
for change in "${changes[@]}"; do
	rows=$(sqlite3 "$change/.pannier/pannier.db" 'SELECT count(*) FROM last_pack' 2> /dev/null)
	while :; do
		changed=$(date +%s%N)
		if [ "$(type -t "change_$change")" = function ]; then (cd "$change" && "change_$change"); fi
		again "$change" > "$change.out/second.json"
		# What was touched must not have rested when it is packed.
		case $change in touched-*) [ $(($(date +%s%N) - changed)) -lt 1900000000 ] || continue ;; esac
		break
	done
	printf '%-16s rows %s to %s: exit %d ' "$(printf '%s' "$change" | tr '\t' '?')" "$rows" \
		"$(sqlite3 "$change/.pannier/pannier.db" 'SELECT count(*) FROM last_pack')" \
		"$(jq 'if .success then 0 else .exit end' "$change.out/second.json")"
	jq -rs 'if .[1].success then
			"unchanged \(.[1].stats.unchanged), read \(.[1].stats.assetsHashed) of \(.[1].assetCount), " +
			"package \(if .[0].packageHash == .[1].packageHash then "the same" else "another" end), " +
			"archive \(if .[0].archiveHash == .[1].archiveHash then "the same" else "another" end)"
		else "missing \(.[1].missingAssets), errors \(.[1].errors | length)" end' "$change.out/first.json" "$change.out/second.json"
done
