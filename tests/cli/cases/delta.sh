sample
pannier pack -q --tag old --name term
edit_table
pannier pack -q --name term
hashes() { sed -E 's/[0-9a-f]{64}/HASH/g; s/[0-9.]+ KiB/SIZE/g'; }
run pannier delta --since old -o d.zip | hashes
run pannier delta --since old latest -o p.zip --patch | hashes
filter='.success, .deltaPath, (.deltaSize < .packageSize), .assetCount, .assetsWhole, .assetsPatched, .assetsRemoved' \
	json pannier delta --since old -o p.zip --patch --json
zipinfo -1 p.zip | hashes
unzip -p p.zip manifest.json | jq -c '.delta | .format, .name, .archiveOptions, .removed, [.assets[].from]'
# Hashes, one a line or as sha256sum prints them; what is on the list is not in the delta.
{ sha256sum wasm/* python/* assumptions/*; sha256sum < livecalc.config.json | cut -c1-64 | tr a-f A-F; printf '\n'
	sha256sum term-life.mga | sed 's/^/\\/'; } > list
filter='.assetsWhole' json pannier delta --have list -o h.zip --json
head -n 2 list | pannier delta --have - -q -o h.zip && unzip -p h.zip manifest.json | jq -c '[.delta.assets[].from]'
run pannier delta --have /dev/null -o h.zip | hashes
printf '%064d\nnot a hash\n' 1 > list
run pannier delta --have list -o x.zip
printf '%065d\n' 1 | run pannier delta --have - -o x.zip
run pannier delta --have nothing -o x.zip
run pannier delta -o x.zip
run pannier delta --since old --have list -o x.zip
run pannier delta --have list --patch -o x.zip
run pannier delta --since old
run pannier delta --since nothing -o x.zip
run pannier delta --since old nothing -o x.zip
run pannier delta --since old -o .
printf '%s\n' *
