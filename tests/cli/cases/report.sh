sample
pannier init -q
run pannier report -o empty.html | sed 's/: .*,/: SIZE,/'
grep -c 'Nothing was packed yet' empty.html
pannier pack -q --portable --name '<b>life'
edit_table
pannier pack -q --portable --name '<b>life' --note '"two" & more'
filter='del(.reportSize)' json pannier report --json
filter='.reportSize' json pannier report --json -o again.html | sed 1d > size
[ "$(cat size)" = "$(wc -c < pannier-report.html)" ] && cmp pannier-report.html again.html && echo same
pannier report -o - | cmp - again.html && echo same
grep -o '&#60;b&#62;life' again.html | sort -u
grep -o '&#34;two&#34; &#38; more' again.html | sort -u
grep -c '<b>' again.html
# What was imported late is older than the newest package.
SOURCE_DATE_EPOCH=1600000000 pannier pack -q --portable -o late.zip --store other
pannier import -q --name late late.zip
pannier report -o - | sed -n '/The newest package/,/<\/dl>/p' | grep -c '<bdi>&#60;b&#62;life'
run pannier report -o - --json
run pannier report -o .pannier/page.html
run pannier report -o data
ln -sf "$TMPDIR/elsewhere" link && mv link pannier-report.html
run pannier report
ls "$TMPDIR" | grep -c elsewhere
run pannier report extra
