sample
run pannier status
pannier init -q
run pannier status
pannier pack -q
run pannier status
edit_table
rm wasm/projection.mjs
run pannier status --include-policies
json pannier status --include-policies --json
run pannier status --no-assumptions
# It packed nothing.
run pannier log | wc -l
