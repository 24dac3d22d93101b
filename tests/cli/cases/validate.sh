sample
run pannier validate
run pannier validate livecalc.config.json
run pannier validate - < livecalc.config.json
run pannier validate -q
json pannier validate --json
jq 'del(.policies)' livecalc.config.json > warned.json
run pannier validate warned.json
run pannier validate -q warned.json
json pannier validate --json warned.json
# It needs no store and makes none.
ls -A
