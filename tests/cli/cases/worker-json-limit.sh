# More than the worker takes: a warning, and the whole body all the same.
sample
truncate -s 76M wasm/valuation.wasm
pannier pack -q
run pannier worker-json latest | wc -c
pannier worker-json -q latest | jq -r '.wasmBinaries.valuation | length'
