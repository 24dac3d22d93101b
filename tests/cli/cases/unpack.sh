sample
pannier pack -q --portable --include-policies
run pannier unpack model-package.zip -C out
diff -r out . | sort
(cd out && find . -type f ! -path ./manifest.json -printf '%P\n' | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum -- | sha256sum)
pannier show latest --json | jq -r .packageHash
mkdir empty
run pannier unpack latest -q -C empty && diff -r out empty
run pannier unpack - -q -C deep/er < model-package.zip && diff -r out deep/er
json pannier unpack model-package.zip --json -C third
run pannier unpack model-package.zip -C out
json pannier unpack model-package.zip --json -C out
run pannier unpack latest -C out
touch file
run pannier unpack model-package.zip -C file
run pannier unpack model-package.zip -q -C fourth --expect 0000000000000000000000000000000000000000000000000000000000000000
ls -A
