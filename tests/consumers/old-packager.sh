# A package of the old packager (JSZip, no packageHash) is verified, unpacked and
# handed to the worker; a wrong one is refused.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need node nodejs
need zip zip
need unzip unzip
need sqlite3 sqlite3
need_jszip

sample_copy "$WORK/model"
cd "$WORK/model"
old=$WORK/old.zip
node "$JS/old-packager.mjs" . "$old"
unzip -Z1 "$old" >"$WORK/entries"
grep -qx wasm/ "$WORK/entries" || fail "the old package has no folder entries: this test is not what it says"

pannier verify "$old" --json >"$WORK/verify.json" || fail "verify refuses the old package: $(cat "$WORK/verify.json")"
[ "$(json 'it.valid' <"$WORK/verify.json")" = true ] || fail "not valid: $(cat "$WORK/verify.json")"
pannier verify "$old" >"$WORK/said" 2>&1
grep -qi packageHash "$WORK/said" || fail "verify does not say that the manifest has no packageHash: $(cat "$WORK/said")"
ok "verify accepts it and says that it has no packageHash"

pannier unpack "$old" -C "$WORK/unpacked" >/dev/null 2>&1
node "$JS/tree.mjs" check "$WORK/unpacked"
[ "$(package_hash "$WORK/unpacked")" = "$(json 'it.packageHash' <"$WORK/verify.json")" ] ||
	fail "packageHash is not that of the files"
ok "unpack gives the files that the manifest names"

pannier pack -q -o "$WORK/new.zip"
[ "$(pannier verify "$WORK/new.zip" --json | json 'it.packageHash')" = "$(json 'it.packageHash' <"$WORK/verify.json")" ] ||
	fail "old and new package of one model differ in packageHash"
pannier worker-json "$old" >"$WORK/old.json"
pannier worker-json "$WORK/new.zip" >"$WORK/new.json"
[ "$(node "$JS/worker.mjs" "$WORK/old.json")" = "$(node "$JS/worker.mjs" "$WORK/new.json")" ] ||
	fail "the worker sees different jobs"
ok "the worker gets the same job from the old and the new package"

cd "$WORK/unpacked"
cp "$old" "$WORK/wrong.zip"
sed -i 's/,0\.0/,0.1/' assumptions/mortality.csv
zip -q "$WORK/wrong.zip" assumptions/mortality.csv
status=0
pannier verify "$WORK/wrong.zip" --json >"$WORK/wrong.json" 2>/dev/null || status=$?
[ $status -eq 4 ] || fail "a changed table: exit status $status instead of 4"
[[ $(json 'it.problems.map((p) => p.path).join()' <"$WORK/wrong.json") = *assumptions/mortality.csv* ]] ||
	fail "the problem does not name the table: $(cat "$WORK/wrong.json")"
ok "a changed table is found"

mkdir "$WORK/history"
cd "$WORK/history"
pannier import --name old "$old" --json >"$WORK/import.json" || fail "import refuses the old package: $(cat "$WORK/import.json")"
made=$(unzip -p "$old" manifest.json | json 'it.createdAt')
hash=$(sha256sum <"$old" | cut -d' ' -f1)
[ "$(json 'it.imported[0].createdAt' <"$WORK/import.json")" = "$made" ] || fail "it is not dated as its manifest says"
[ "$(sqlite3 .pannier/pannier.db "SELECT at FROM package_list WHERE event = 'import'")" = "$made" ] ||
	fail "its entry in the log is not of the time at which it was made"
[ "$(pannier show "$hash" --json | json 'it.packageHash')" = "$(json 'it.packageHash' <"$WORK/verify.json")" ] ||
	fail "the SHA-256 of the zip does not name the package"
pannier unpack "$hash" -C "$WORK/from-store" >/dev/null
diff -r "$WORK/from-store" "$WORK/unpacked" -x manifest.json -x mortality.csv || fail "the store gives other files than were in the zip"
pannier fsck --full >/dev/null || fail "the store is not as it was written"
pannier import --name old "$old" --json | json 'it.imported[0].known' | grep -qx true || fail "it is imported twice"
ok "import makes it history, with its own time, named by the zip's own hash"
