sample
mkdir before after
pannier pack -q --portable
pannier unpack -q latest -C before/x
edit_table
sed -i 's/Discount/discount/; 2d' term-life.mga
printf 'no line end' >> assumptions/lapse.csv
printf '\0\1' >> wasm/valuation.wasm
rm wasm/projection.mjs
pannier pack -q --portable --include-policies
pannier unpack -q latest -C after/x
run pannier diff latest~1 latest
run pannier diff latest latest~1 --only '*.csv'
run pannier diff latest latest
run pannier diff latest~1 latest --exit-code
run pannier diff latest~1 latest --exit-code --only 'python/*'
run pannier diff latest~1 latest --text
json pannier diff latest~1 latest --json
filter='.assets[] | [.path, .diff, .note]' json pannier diff latest~1 latest --json --text --exit-code
# What it prints is what patch takes.
pannier diff latest~1 latest --text | (cd before/x && patch -sp1 && cmp term-life.mga ../../after/x/term-life.mga &&
	cmp assumptions/lapse.csv ../../after/x/assumptions/lapse.csv &&
	cmp assumptions/mortality.csv ../../after/x/assumptions/mortality.csv) && echo patched
run pannier diff latest
run pannier diff latest nothing
run pannier diff latest~1 latest --text --csv a
json pannier diff nothing latest --json
