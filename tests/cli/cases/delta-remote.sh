# A delta against what a remote has, which is asked and not changed; its failures are exit 7.
sample
pannier pack -q --tag old
pannier remote add -q share "$PWD/share" && pannier push -q share
cp model-package.zip old.zip
edit_table
pannier pack -q
find share -type f | sort > before
filter='.success, (.deltaSize < .packageSize), .assetCount, .assetsWhole, .assetsPatched, .assetsRemoved'
json pannier delta --remote share -o plain.zip --json
json pannier delta --remote share -o patched.zip --patch --json
unzip -p patched.zip manifest.json | jq -c '.delta | has("basePackageHash"), .removed, ([.assets[].from] | unique)'
find share -type f | sort | cmp - before
# Whoever has the content applies it, with or without the remote.
filter=.archiveIdentical json pannier apply patched.zip --store other --base old.zip -o new.zip --json
cmp new.zip model-package.zip
json pannier delta --remote share old -o nothing.zip --patch --json
run pannier delta --remote share --since old -o x.zip
run pannier delta --remote share --have before -o x.zip
run pannier delta --remote nowhere -o x.zip
run pannier delta --remote share nothing -o x.zip
rm -r share
filter=. json pannier delta --remote share -o x.zip --json
ls
