sample
pannier pack -q --tag old && cp model-package.zip old.zip
edit_table
pannier pack -q && cp model-package.zip new.zip
run pannier export latest -o out.zip > "$TMPDIR/out" && cmp out.zip new.zip
run pannier export old -o out.zip > "$TMPDIR/out" && cmp out.zip old.zip
run pannier export latest~1 -q -o deep/er/out.zip && cmp deep/er/out.zip old.zip
pannier export "$(sha256sum < old.zip | cut -c1-12)" -o - | cmp - old.zip
filter='.success, .packagePath, (.packageSize | type), (.archiveHash | length)' json pannier export old -o out.zip --json
run pannier export nothing -o x.zip
run pannier export latest~7 -o x.zip
json pannier export ffffffff -o x.zip --json
run pannier export 'a b' -o x.zip
touch file
run pannier export latest -o file/x.zip
run pannier export latest -o .
run pannier export latest -o .pannier/x.zip
edit_table
pannier pack -q --no-zip
run pannier export latest -o x.zip
ls
