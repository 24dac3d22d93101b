# Every kind of entry that the writer knows, and many of them, in the tools that people have.
. "$(dirname "$0")/lib/common.sh"
need unzip unzip
need 7z p7zip-full
need bsdtar libarchive-tools
need python3 python3
need node nodejs
need_jszip

TOOL=$BUILD/tests/consumers/zip_tool
TIME_MS=1769258096789 # zip_tool's

"$TOOL" mixed "$WORK/mixed.zip"
"$TOOL" read "$WORK/mixed.zip" >"$WORK/entries"
quietly unzip -tqq "$WORK/mixed.zip"
ok "unzip -t"
quietly 7z t "$WORK/mixed.zip"
grep -q 'Everything is Ok' "$WORK/log" && ! grep -qi warning "$WORK/log" || fail "7z: $(cat "$WORK/log")"
ok "7z t"
python3 - "$WORK/mixed.zip" >"$WORK/by-python" <<'END'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as zip:
    assert zip.testzip() is None
    for i in zip.infolist():
        assert i.date_time == (2026, 1, 24, 12, 34, 56), i
        assert i.external_attr >> 16 == 0o100644, i
        assert i.flag_bits == (0 if i.filename.isascii() else 0x800), i
        print(i.filename, i.file_size, '%08x' % i.CRC)
END
same "$WORK/entries" "$WORK/by-python"
ok "zipfile: times, modes, flags, contents"
python3 "$SOURCE/tests/consumers/lib/zip_format.py" "$WORK/mixed.zip" $TIME_MS
ok "the bytes are those of package-format.md"
for by in unzip bsdtar jszip; do
	mkdir "$WORK/$by"
	case $by in
	unzip) quietly unzip -q "$WORK/mixed.zip" -d "$WORK/$by" ;;
	bsdtar) quietly env LC_ALL=C.UTF-8 bsdtar -xf "$WORK/mixed.zip" -C "$WORK/$by" ;;
	jszip) quietly node "$JS/tree.mjs" extract "$WORK/mixed.zip" "$WORK/$by" ;;
	esac
	(cd "$WORK/$by" && python3 -c 'import os, sys, zlib
for line in sys.stdin:
    name = line.rsplit(" ", 2)[0]
    data = open(name, "rb").read()
    print(name, len(data), "%08x" % zlib.crc32(data))') <"$WORK/entries" >"$WORK/by-$by"
	same "$WORK/entries" "$WORK/by-$by"
	ok "$by: contents"
done

for count in 65534 65535 65536; do
	"$TOOL" many "$WORK/many.zip" $count
	[ "$("$TOOL" read "$WORK/many.zip" | wc -l)" = $count ] || fail "libzip: not $count entries"
	quietly unzip -tqq "$WORK/many.zip"
	quietly 7z t "$WORK/many.zip"
	grep -q "^Files: $count" "$WORK/log" || fail "7z: not $count entries"
	[ "$(bsdtar -tf "$WORK/many.zip" | wc -l)" = $count ] || fail "bsdtar: not $count entries"
	python3 -c 'import sys, zipfile
assert len(zipfile.ZipFile(sys.argv[1]).infolist()) == int(sys.argv[2])' "$WORK/many.zip" $count
	python3 "$SOURCE/tests/consumers/lib/zip_format.py" "$WORK/many.zip" $TIME_MS
	ok "$count entries in libzip, unzip, 7z, bsdtar and Python"
done
