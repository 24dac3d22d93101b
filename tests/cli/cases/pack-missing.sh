# Every missing file is listed, with the places that were searched.
sample
rm wasm/valuation.wasm python/summary.py assumptions/lapse.csv term-life.mga
run pannier pack
json pannier pack --json
run pannier status
json pannier status --json
run pannier pack --no-validate-assets
ls
