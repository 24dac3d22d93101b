sample
json pannier pack --portable --json
renew
filter='del(.manifest)' json pannier pack --portable --json
renew
edit_table
filter='.stats' json pannier pack --portable --json
filter='.packagePath, .archiveHash, .packageSize' json pannier pack --no-zip --json
# The manifest is the zip's, token by token.
pannier pack --portable --json | jq -S .manifest | cmp - <(unzip -p model-package.zip manifest.json | jq -S .)
# The result agrees with the standard tools.
[ "$(pannier pack --json | jq -r .archiveHash)" = "$(sha256sum < model-package.zip | cut -d' ' -f1)" ] || echo archiveHash
[ "$(pannier pack --json | jq -r .packageSize)" = "$(stat -c %s model-package.zip)" ] || echo packageSize
