# --progress=json: each line on stderr is a document; phases in order; bytes only grow.
sample
run pannier pack -q --progress=json --include-policies 2> lines
grep '^{' lines > updates
jq -es 'length > 0 and all(.[]; (.phase | type == "string") and has("asset") and (.bytesDone | type == "number") and (.bytesTotal | type == "number"))' updates
jq -rs 'map(.phase) | reduce .[] as $p ([]; if .[-1] == $p then . else . + [$p] end) | .[]' updates
jq -es 'all(.[]; .bytesTotal == 0 or .bytesDone <= .bytesTotal)' updates
jq -es 'map(select(.phase == "hash") | .bytesDone) | . == sort and .[-1] > 0' updates
run pannier pack --progress json --no-progress -q
run pannier verify --progress=json -q model-package.zip 2>&1 | jq -rR 'fromjson? | .phase' | sort -u
