# Two sources for one package path; an output that is an input.
sample
mkdir other && printf 'x\n' > other/mortality.csv
sed 's|assumptions/lapse.csv|other/mortality.csv|' livecalc.config.json > two.json
run pannier pack two.json
json pannier pack two.json --json
run pannier pack -o assumptions/lapse.csv
cmp assumptions/lapse.csv "$SAMPLE/assumptions/lapse.csv"
run pannier pack -o .
