# What has rested for two seconds is known by its times: only the config is read, and the zip not at all.
sample
config=$(stat -c %s livecalc.config.json)
for _ in 1 2 3; do
	sleep 2.3
	pannier pack --portable --json > reply
done
jq ".stats | [.unchanged, .bytesRead <= $config, .assetsHashed]" reply
run pannier status
edit_table
run pannier status
pannier pack --portable --json | jq '.stats | [.unchanged, .assetsHashed]'
