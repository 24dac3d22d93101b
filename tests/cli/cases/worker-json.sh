sample
pannier pack -q --portable
pannier worker-json model-package.zip > body.json
jq -es length body.json
jq -c 'keys_unsorted, (.wasmBinaries | keys), (.pythonScripts | keys), .assumptionRefs, (.config | keys_unsorted)' body.json
jq -r .wasmBinaries.valuation body.json | base64 -d | cmp - wasm/valuation.wasm
jq -j .pythonScripts.summary body.json | cmp - python/summary.py
pannier worker-json latest | cmp - body.json
pannier worker-json - < model-package.zip | cmp - body.json
pannier worker-json --json latest | cmp - body.json
run pannier worker-json nothing
json pannier worker-json --json nothing
jq 'del(.pipeline)' livecalc.config.json > plain.json
pannier pack -q --portable plain.json -o plain.zip
run pannier worker-json plain.zip
