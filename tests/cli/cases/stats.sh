sample
pannier init -q
filter='del(.bytesDatabase)' json pannier stats --json
pannier pack -q --portable
edit_table
pannier pack -q --portable --tag two
run pannier stats | sed '/^database/d'
filter='del(.bytesDatabase)' json pannier stats --json
