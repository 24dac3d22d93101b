# Entries on both sides of 4294967295 bytes (2^32 - 1), and what lies behind them, in the tools that people have.
# Sparse files: they cost some kilobytes on disk.
. "$(dirname "$0")/lib/common.sh"
need unzip unzip
need 7z p7zip-full
need bsdtar libarchive-tools
need python3 python3

TOOL=$BUILD/tests/consumers/zip_tool
TIME_MS=1769258096789 # zip_tool's
ZIP=$WORK/boundary.zip

for size in 4294967294 4294967295 4294967296; do
	# the entry behind the large one starts beyond 4 GiB
	"$TOOL" zeros "$ZIP" $size 10

	unzip -l "$ZIP" | awk '{ print $1, $4 }' >"$WORK/list"
	grep -qx "$size zeros-$size" "$WORK/list" || fail "unzip: $(cat "$WORK/list")"
	quietly unzip -tqq "$ZIP" zeros-10

	quietly 7z l -slt "$ZIP"
	grep -qx "Size = $size" "$WORK/log" && ! grep -qi warning "$WORK/log" || fail "7z: $(cat "$WORK/log")"
	quietly 7z t "$ZIP" zeros-10

	bsdtar -tvf "$ZIP" | awk '{ print $5, $NF }' >"$WORK/list"
	grep -qx "$size zeros-$size" "$WORK/list" || fail "bsdtar: $(cat "$WORK/list")"
	[ "$(bsdtar -xOf "$ZIP" zeros-10 | wc -c)" = 10 ] || fail "bsdtar: zeros-10"

	python3 -c 'import sys, zipfile
zip, size = zipfile.ZipFile(sys.argv[1]), int(sys.argv[2])
large, small = zip.infolist()
assert large.file_size == large.compress_size == size
assert zip.read(small) == bytes(10)' "$ZIP" $size
	python3 "$SOURCE/tests/consumers/lib/zip_format.py" "$ZIP" $TIME_MS
	ok "an entry of $size bytes, and the one behind it"
done

# Offsets of a local header and of the directory, with the entry in front aligned to 4096.
for offset in 4294967294 4294967295 4294967296; do
	"$TOOL" zeros "$ZIP" $((offset - 4096)) 10
	python3 "$SOURCE/tests/consumers/lib/zip_format.py" "$ZIP" $TIME_MS
	quietly unzip -tqq "$ZIP" zeros-10
	quietly 7z t "$ZIP" zeros-10
	[ "$(bsdtar -xOf "$ZIP" zeros-10 | wc -c)" = 10 ] || fail "bsdtar: zeros-10 at $offset"
	python3 -c 'import sys, zipfile
assert zipfile.ZipFile(sys.argv[1]).read("zeros-10") == bytes(10)' "$ZIP"
	ok "an entry at offset $offset"
done

# All the bytes, where a wrong reading is likeliest.
"$TOOL" zeros "$ZIP" 4294967295 10
quietly "$TOOL" read "$ZIP"
quietly 7z t "$ZIP"
python3 -c 'import sys, zipfile
assert zipfile.ZipFile(sys.argv[1]).testzip() is None' "$ZIP"
ok "4294967295 bytes read back by libzip, 7z and Python"
