sample
run pannier pack --portable
run pannier pack --portable
edit_table
run pannier pack --portable --include-policies -o out/deep/full.zip
run pannier pack --portable --no-assumptions -o none.zip
run pannier pack --portable --no-zip
renew
run pannier pack --portable -v -o verbose.zip
unzip -Z1 model-package.zip
ls -A . out/deep
