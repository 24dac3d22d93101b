# A reply that does not stay in memory, and where it is when there is no place for it.
sample
table=assumptions/mortality.csv
for rate in 0.1 0.2; do
	(echo age,rate,note && seq -f "%g,$rate,a note that takes its place" 9000) > "$table"
	pannier pack -q --portable
done
set -- pannier diff latest~1 latest --csv age --only "$table" --json
filter='.success, (.assets[0].rows | length), .assets[0].rows[8999].key' json "$@"
"$@" > "$TMPDIR/out"
wc -c < "$TMPDIR/out"
TMPDIR=nowhere "$@" | cmp - "$TMPDIR/out"
(trap '' XFSZ && ulimit -f 200 && "$@") | cmp - "$TMPDIR/out"
ls -A "$TMPDIR"
