# Name, tag and note; the package is found by each.
sample term
cd term
pannier pack -q --name life --tag v1 --note 'the first' --portable
edit_table
pannier pack -q --note $'second\tof \e[1mtwo' --portable
run pannier log | anyone
filter='.entries[] | [.id, .event, .name, .note, .packageHash[:8], .assetCount, .packageSize, .gitCommit, .gitDirty]' json pannier log --json
filter='.entries | length' json pannier log --json -n 1
filter='.entries[].name' json pannier log --json --name life
filter='.entries' json pannier log --json --name none
for ref in v1 latest latest~1 life@latest term@latest; do
	pannier show --json "$ref" | jq -r '.packageHash[:8]'
done
run pannier log --name none
GITHUB_RUN_ID=42 pannier pack -q --rehash
filter='.entries[0].ciRun' json pannier log --json
