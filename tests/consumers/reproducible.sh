# The same content gives the same bytes: again, in another folder, in another
# time zone, language and umask. A change costs one blob, and the past stays.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need node nodejs
need sqlite3 sqlite3
need unzip unzip
need localedef libc-bin
[ -e /usr/share/i18n/locales/de_DE ] || fail "the sources of locales are missing: apt-get install locales"

model=$WORK/one/model
sample_copy "$model"
cd "$model"
# A -> A
pannier pack -q
cp model-package.zip "$WORK/first.zip"
pannier pack --json >"$WORK/second.json"
same model-package.zip "$WORK/first.zip"
[ "$(json 'it.stats.unchanged' <"$WORK/second.json")" = true ] || fail "stats.unchanged: $(cat "$WORK/second.json")"
pannier pack -q -o "$WORK/second.zip" --rehash
same "$WORK/second.zip" "$WORK/first.zip"
ok "packed twice: the same bytes"

# The surroundings do not decide
mkdir "$WORK/locales"
for name in de_DE tr_TR; do
	localedef -i "$name" -f UTF-8 "$WORK/locales/$name.UTF-8" >/dev/null 2>&1 || fail "localedef cannot make $name"
done
number=0
# portable NAME VALUE...: pack a fresh copy in a fresh store, with these in the environment.
portable() {
	number=$((number + 1))
	local dir=$WORK/portable-$number/a/folder/with/another/name
	sample_copy "$dir"
	find "$dir" -exec touch -d "2001-01-0$number" {} +
	(cd "$dir" && env LOCPATH="$WORK/locales" SOURCE_DATE_EPOCH=1769258096 "$@" \
		pannier pack -q --portable --include-policies -o "$WORK/portable-$number.zip")
	same "$WORK/portable-1.zip" "$WORK/portable-$number.zip"
}
portable LC_ALL=C
unzip -p "$WORK/portable-1.zip" manifest.json >"$WORK/manifest.json"
[ "$(json 'it.createdAt' <"$WORK/manifest.json")" = 2026-01-24T12:34:56.000Z ] || fail "createdAt is not SOURCE_DATE_EPOCH"
! grep -q absolutePath "$WORK/manifest.json" || fail "--portable writes absolutePath"
portable LC_ALL=C HOME="$WORK/nowhere" USER=somebody
ok "another folder with --portable and SOURCE_DATE_EPOCH: the same bytes"
portable TZ=XYZ-13:45
portable TZ=NST3:30NDT,M3.2.0,M11.1.0
ok "another time zone: the same bytes"
portable LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8
portable LC_ALL=tr_TR.UTF-8 LANG=tr_TR.UTF-8 LANGUAGE=tr
ok "another language: the same bytes"
before=$(umask)
for mask in 000 027 077; do
	umask $mask
	portable LC_ALL=C
done
umask "$before"
ok "another umask: the same bytes"

# A -> B: one new blob, and the manifest that names it
cd "$model"
db=.pannier/pannier.db
first=$(json 'it.manifest.packageHash' <"$WORK/second.json")
entries=$(sqlite3 "$db" "SELECT count(*) FROM log")
sqlite3 "$db" "SELECT hash FROM blob ORDER BY hash" >"$WORK/blobs-before"
cp assumptions/mortality.csv "$WORK/mortality.csv"
sed -i 's/^38,F,N,.*/38,F,N,0.000912/' assumptions/mortality.csv
! cmp -s assumptions/mortality.csv "$WORK/mortality.csv" || fail "the table was not changed"
pannier pack --json >"$WORK/changed.json"
changed=$(json 'it.manifest.packageHash' <"$WORK/changed.json")
[ "$changed" != "$first" ] || fail "a changed table, the same packageHash"
sqlite3 "$db" "SELECT hash FROM blob ORDER BY hash" >"$WORK/blobs-after"
[ -z "$(comm -23 "$WORK/blobs-before" "$WORK/blobs-after")" ] || fail "blobs have gone"
sort >"$WORK/expected" <<< "$(sha256sum <assumptions/mortality.csv | cut -d' ' -f1)
$(unzip -p model-package.zip manifest.json | sha256sum | cut -d' ' -f1)"
comm -13 "$WORK/blobs-before" "$WORK/blobs-after" >"$WORK/new"
same "$WORK/new" "$WORK/expected"
[ "$(sqlite3 "$db" "SELECT change || ' ' || path FROM package_changes WHERE entry = (SELECT max(id) FROM log)")" = \
	"changed assumptions/mortality.csv" ] || fail "package_changes"
ok "one changed table: its blob and the manifest's are new, nothing else"

pannier export "$first" -o "$WORK/exported.zip" >/dev/null
same "$WORK/exported.zip" "$WORK/first.zip"
pannier verify "$WORK/exported.zip" --expect "$first" >/dev/null
ok "export of the older package: the older bytes"

# B -> A
cp "$WORK/mortality.csv" assumptions/mortality.csv
pannier pack --json >"$WORK/back.json"
[ "$(json 'it.manifest.packageHash' <"$WORK/back.json")" = "$first" ] || fail "changed back: another packageHash"
same model-package.zip "$WORK/first.zip"
pannier show latest --json >"$WORK/show.json"
[ "$(json 'it.packageHash' <"$WORK/show.json")" = "$first" ] || fail "latest is not the first package: $(cat "$WORK/show.json")"
[ "$(sqlite3 "$db" "SELECT count(*) FROM log")" = $((entries + 2)) ] || fail "the log"
pannier log --json >"$WORK/log.json"
[ "$(sqlite3 "$db" "SELECT count(DISTINCT package_id) FROM log")" = 2 ] || fail "more than two packages"
sqlite3 "$db" "SELECT hash FROM blob ORDER BY hash" | cmp -s - "$WORK/blobs-after" || fail "a blob came or went"
ok "changed back: the first package again, no new blob"

# Three entries in a store of its own
sample_copy "$WORK/three"
cd "$WORK/three"
pannier pack -q --no-zip
sed -i 's/^38,F,N,.*/38,F,N,0.000912/' assumptions/mortality.csv
pannier pack -q --no-zip
cp "$WORK/mortality.csv" assumptions/mortality.csv
pannier pack -q --no-zip
[ "$(sqlite3 .pannier/pannier.db "SELECT group_concat(package_id, ' ') FROM (SELECT package_id FROM log ORDER BY id)")" = "1 2 1" ] ||
	fail "A, B, A is not three entries of two packages"
ok "A, B, A: three entries, two packages"
