# Archives of other programs, seekable and streamed, are read: what they hold, each tool says itself.
. "$(dirname "$0")/lib/common.sh"
need zip zip
need 7z p7zip-full
need bsdtar libarchive-tools
need python3 python3
need node nodejs
need_jszip

TOOL=$BUILD/tests/consumers/zip_tool

mkdir -p "$WORK/in/wasm" "$WORK/in/data"
cd "$WORK/in"
echo '{}' >livecalc.config.json
: >wasm/empty.wasm
head -c 100000 /dev/urandom >wasm/noise.wasm
seq 1 20000 >data/policies.csv
echo x >data/größe.csv

zip -q -r "$WORK/zip.zip" .
zip -q -r - . | cat >"$WORK/zip-streamed.zip"
zip -q -fd -r "$WORK/zip-descriptors.zip" .
zip -q -fz -r "$WORK/zip-zip64.zip" .
zip -q -0 -r "$WORK/zip-stored.zip" .
7z a -bso0 -bsp0 -tzip "$WORK/7z.zip" .
7z a -bso0 -bsp0 -tzip -mx0 "$WORK/7z-stored.zip" .
export LC_ALL=C.UTF-8
bsdtar --format zip -cf "$WORK/bsdtar.zip" .
bsdtar --format zip --options zip:compression=store -cf "$WORK/bsdtar-stored.zip" .
bsdtar --format zip --options zip:zip64 -cf "$WORK/bsdtar-zip64.zip" .
python3 - "$WORK" <<'END'
import io, os, sys, zipfile

class Pipe(io.RawIOBase):
    def __init__(self, file): self.file = file
    def writable(self): return True
    def seekable(self): return False
    def write(self, data): return self.file.write(data)

for kind, wrap in ('python', lambda file: file), ('python-streamed', Pipe):
    with open(f'{sys.argv[1]}/{kind}.zip', 'wb') as file:
        with zipfile.ZipFile(wrap(file), 'w', zipfile.ZIP_DEFLATED) as zip:
            for folder, folders, files in sorted(os.walk('.')):
                for name in folders + files:
                    zip.write(os.path.join(folder, name))
            with zip.open('forced', 'w', force_zip64=True) as entry:
                entry.write(b'wide although small')
END
cat >"$WORK/jszip.cjs" <<'END'
const { createRequire } = require('module');
const { join } = require('path');
const { readFileSync, writeFileSync } = require('fs');
const JSZip = createRequire(join(process.env.NODE_MODULES, 'x.js'))('jszip');
const kinds = { plain: {}, streamed: { streamFiles: true }, deflated: { compression: 'DEFLATE' },
	unix: { compression: 'DEFLATE', streamFiles: true, platform: 'UNIX' } };
(async () => {
	for (const [kind, options] of Object.entries(kinds)) {
		const zip = new JSZip();
		for (const name of ['livecalc.config.json', 'wasm/empty.wasm', 'wasm/noise.wasm', 'data/policies.csv', 'data/größe.csv'])
			zip.file(name, readFileSync(name));
		writeFileSync(join(process.argv[2], `jszip-${kind}.zip`), await zip.generateAsync({ type: 'nodebuffer', ...options }));
	}
})();
END
node "$WORK/jszip.cjs" "$WORK"

count=0
for archive in "$WORK"/*.zip; do
	"$TOOL" read "$archive" >"$WORK/ours" || fail "${archive##*/} is refused"
	python3 -c 'import sys, zipfile
for i in zipfile.ZipFile(sys.argv[1]).infolist():
    print(i.orig_filename.encode("cp437").decode() if not i.flag_bits & 0x800 else i.filename, i.file_size, "%08x" % i.CRC)' \
		"$archive" >"$WORK/theirs"
	same "$WORK/ours" "$WORK/theirs"
	grep -q ' 100000 ' "$WORK/ours" || fail "${archive##*/} has no noise.wasm"
	count=$((count + 1))
done
[ $count = 16 ] || fail "$count archives, not 16"
ok "$count archives of zip, 7z, bsdtar, Python and JSZip are read"

# What is not exactly a zip of files is refused, with its cause.
cp "$WORK/zip.zip" "$WORK/trailing"
echo more >>"$WORK/trailing"
ln -s livecalc.config.json "$WORK/in/link"
zip -q -y "$WORK/link" link 2>/dev/null && mv "$WORK/link.zip" "$WORK/link"
zip -q -P secret "$WORK/encrypted" livecalc.config.json && mv "$WORK/encrypted.zip" "$WORK/encrypted"
7z a -bso0 -bsp0 -tzip -mm=LZMA "$WORK/lzma.zip" data/policies.csv
zip -q -z "$WORK/zip.zip" <<<'a comment'
for case in 'trailing:trailing data: 5 bytes' 'link:symbolic link' 'encrypted:it is encrypted' 'lzma.zip:method 14' \
	'zip.zip:archive comment of 9 bytes'; do
	! "$TOOL" read "$WORK/${case%%:*}" >/dev/null 2>"$WORK/log" || fail "${case%%:*} is accepted"
	grep -q "${case#*:}" "$WORK/log" || fail "${case%%:*}: $(cat "$WORK/log")"
done
ok "trailing data, a link, encryption, another method and a comment are refused"

python3 "$SOURCE/tests/fuzz/make-zip-corpus.py" "$WORK/corpus"
diff -r "$WORK/corpus" "$SOURCE/tests/fuzz/corpus/zip" || fail "tests/fuzz/corpus/zip is not what make-zip-corpus.py writes"
ok "the fuzzer's seeds are those of their generator"
