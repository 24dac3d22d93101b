# The config from stdin: its folder is the current one.
sample
run pannier pack --portable - < livecalc.config.json
run pannier pack --portable
json pannier status --json - < livecalc.config.json
printf '{' | run pannier pack -
