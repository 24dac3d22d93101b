# The zip on stdout, and nothing else; nothing where it fails.
sample
pannier pack --portable -o - > a.zip
pannier pack --portable -q -o b.zip
cmp a.zip b.zip
run pannier pack --portable -v -o - > c.zip
rm term-life.mga
run pannier pack -o - | tail -n +2 | wc -c
ls -A . "$TMPDIR"
