# A package of the sample opens in unzip, 7z, Python, bsdtar and JSZip; every
# file is the one that the manifest names; sha256sum gives packageHash; the model
# runs from the folder that each of them unpacked.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need unzip unzip
need 7z p7zip-full
need bsdtar libarchive-tools
need python3 python3
need node nodejs
need_jszip

sample_copy "$WORK/model"
zip=$WORK/package.zip
pannier pack "$WORK/model/livecalc.config.json" --include-policies -o "$zip" --json >"$WORK/result.json"
hash=$(json 'it.manifest.packageHash' <"$WORK/result.json")
[ "$(json 'it.archiveHash' <"$WORK/result.json")" = "$(sha256sum <"$zip" | cut -d' ' -f1)" ] ||
	fail "archiveHash is not the SHA-256 of the zip"
[ "$(unzip -Z1 "$zip" | head -n 1)" = manifest.json ] || fail "manifest.json is not the first entry"

unzip -tq "$zip" >/dev/null || fail "unzip -t"
7z t "$zip" >"$WORK/7z.log" || fail "7z t: $(cat "$WORK/7z.log")"
! grep -qi warning "$WORK/7z.log" || fail "7z warns: $(cat "$WORK/7z.log")"
bsdtar -tf "$zip" >/dev/null || fail "bsdtar -t"

unpack_unzip() { unzip -q "$zip" -d "$1"; }
unpack_7z() { 7z x -o"$1" "$zip" >/dev/null; }
unpack_bsdtar() { mkdir "$1" && bsdtar -xf "$zip" -C "$1"; }
unpack_python() { python3 -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    archive.extractall(sys.argv[2])' "$zip" "$1"; }
unpack_jszip() { node "$JS/tree.mjs" extract "$zip" "$1"; }
unpack_pannier() { pannier unpack "$zip" -C "$1" >/dev/null; }

for tool in unzip 7z bsdtar python jszip pannier; do
	dir=$WORK/$tool
	"unpack_$tool" "$dir" || fail "$tool cannot unpack $zip"
	node "$JS/tree.mjs" check "$dir" || fail "$tool unpacks other files than the manifest names"
	[ "$(package_hash "$dir")" = "$hash" ] || fail "sha256sum after $tool does not give packageHash"
	node "$JS/check-model.mjs" "$dir" >"$WORK/log" || fail "the model that $tool unpacked: $(cat "$WORK/log")"
	ok "$tool: hashes, packageHash, engines and Python step"
done
