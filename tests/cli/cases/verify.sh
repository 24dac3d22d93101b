sample
pannier pack -q --portable
package=$(pannier pack --portable --json | jq -r .packageHash)
archive=$(pannier pack --portable --json | jq -r .archiveHash)
run pannier verify model-package.zip
json pannier verify model-package.zip --json
run pannier verify model-package.zip -q --expect "$package"
run pannier verify model-package.zip -q --expect "${archive^^}"
run pannier verify latest
run pannier verify - < model-package.zip
json pannier verify - --json < model-package.zip
run pannier verify model-package.zip --expect 0000000000000000000000000000000000000000000000000000000000000000
json pannier verify model-package.zip --json --expect 0000000000000000000000000000000000000000000000000000000000000000
# A file needs no store, and none is made.
mkdir elsewhere && cd elsewhere && run pannier verify -q ../model-package.zip
ls -A . "$TMPDIR"
