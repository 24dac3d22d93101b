sample
pannier pack -q --include-policies
pannier cat latest:assumptions/lapse.csv | cmp - assumptions/lapse.csv
pannier cat latest:wasm/valuation.wasm | cmp - wasm/valuation.wasm
pannier cat "$(sha256sum < data/policies.csv | cut -d' ' -f1)" | cmp - data/policies.csv
pannier cat "$(sha256sum < data/policies.csv | cut -c1-8)" | cmp - data/policies.csv
pannier cat --json latest:wasm/valuation.wasm > doc && jq -es length doc
jq -r .base64 doc | base64 -d | cmp - wasm/valuation.wasm
jq -r '.success, .object, .size' doc
run pannier cat latest:nothing
run pannier cat nothing:livecalc.config.json
run pannier cat ffffffff
run pannier cat ''
json pannier cat --json latest:nothing
json pannier cat --json "not a ref"
printf '' > term-life.mga
pannier pack -q && pannier cat latest:term-life.mga | wc -c
json pannier cat --json latest:term-life.mga
json env TMPDIR=nowhere pannier cat --json latest:term-life.mga
ls -A "$TMPDIR"
