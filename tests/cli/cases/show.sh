sample
pannier pack -q --portable --note 'one'
run pannier show latest | anyone
filter='del(.log[].user, .log[].host, .log[].entryHash)' json pannier show --json latest
run pannier show -v latest | sed -n '/PATH/,/^$/p'
pannier remote add -q share ./share
pannier push -q share
filter='[.remotes[] | .name, .archiveHash]' json pannier show --json latest
run pannier show latest | sed -n '/^REMOTE/,$p' | tr -s ' '
edit_table
pannier pack -q --portable --no-zip
filter='[.archiveHash, .manifestHash, .packageSize, (.log | length)]' json pannier show --json latest
run pannier show latest | head -n 3
run pannier show nothing
run pannier show abc
run pannier show latest~9
run pannier show latest~
run pannier show latest~1x
run pannier show latest1
json pannier show --json nothing
