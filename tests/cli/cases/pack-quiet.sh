sample
jq 'del(.policies)' livecalc.config.json > warned.json
run pannier pack -q warned.json
run pannier pack --portable warned.json
filter='.warnings' json pannier pack -q --json warned.json
