sample
jq '.scenarios.count = 0 | .pipeline.nodes[1].id = .pipeline.nodes[0].id | del(.assumptions.lapse)' livecalc.config.json > bad.json
run pannier pack bad.json
json pannier pack bad.json --json
json pannier status bad.json --json
run pannier pack nowhere.json
json pannier pack nowhere.json --json
run pannier pack no/folder/x.json
run pannier pack wasm
ls
