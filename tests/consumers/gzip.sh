#!/usr/bin/env bash
# Other people's decoders open what the codec writes, and get the content back.
# PANNIER_LONG=1 adds 5 GiB of a sparse file (some minutes, 60 MB of disk).
set -euo pipefail
tool=$1/tests/consumers/gzip_tool
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

decoders=(
	"gzip -dc"
	"gunzip -c"
	"zcat"
	"pigz -dc"
	"busybox gunzip -c"
	"7z x -so -tgzip"
	"bsdcat"
	"python3 -c 'import gzip,sys,shutil; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)'"
	"node -e 'process.stdout.write(require(\"zlib\").gunzipSync(require(\"fs\").readFileSync(process.argv[1])))'"
)

"$tool" write "$dir"
for decoder in "${decoders[@]}"; do
	for packed in "$dir"/*.gz; do
		eval "$decoder \"\$packed\"" 2>"$dir/err" | cmp - "${packed%.gz}" || {
			echo "$decoder: ${packed##*/}" >&2
			cat "$dir/err" >&2
			exit 1
		}
	done
done
for packed in "$dir"/*.gz; do
	gzip -t "$packed"
	pigz -t "$packed"
	7z t -tgzip "$packed" >"$dir/out"
	size=$(stat -c %s "${packed%.gz}")
	[ "$(gzip -l "$packed" | awk 'NR == 2 { print $2 }')" = "$size" ]
	"$tool" decode "$packed" "$dir/decoded" "$size"
	cmp "$dir/decoded" "${packed%.gz}"
done

# The hash is sha256sum's, whatever the form.
head -c 2000000 /dev/urandom >"$dir/noise"
read -r form _ hash < <("$tool" encode "$dir/noise" "$dir/noise.out" 6)
[ "$form" = stored ]
[ "$hash" = "$(sha256sum <"$dir/noise" | cut -d' ' -f1)" ]
cmp "$dir/noise" "$dir/noise.out"

if [ "${PANNIER_LONG:-0}" = 1 ]; then
	truncate -s 5G "$dir/big"
	printf 'in the middle' | dd of="$dir/big" bs=1 seek=4294967290 conv=notrunc status=none
	printf 'at the end' | dd of="$dir/big" bs=1 seek=5368709110 conv=notrunc status=none
	"$tool" encode "$dir/big" "$dir/big.gz" 1
	for decoder in "gzip -dc" "pigz -dc" "busybox gunzip -c" "7z x -so -tgzip" "bsdcat"; do
		$decoder "$dir/big.gz" 2>"$dir/err" | cmp - "$dir/big"
	done
fi
