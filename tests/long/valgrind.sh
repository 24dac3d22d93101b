#!/bin/bash
# Memcheck finds no error and no leak, whatever the tool is asked of the sample model.
# usage: valgrind.sh PANNIER
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 PANNIER" >&2; exit 2; }
pannier=$(realpath "$1")
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/pannier-valgrind.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset PANNIER_STORE SOURCE_DATE_EPOCH CDPATH
found=99

# expect STATUS ARGUMENT...
expect() {
	local wanted=$1 status=0
	shift
	valgrind --quiet --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --num-callers=40 \
		--error-exitcode=$found "$pannier" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
	if [ $status -ne "$wanted" ] || grep -q '^==[0-9]*==' "$work/err"; then
		cat "$work/out" "$work/err"
		echo "FAIL: pannier $*: exit status $status, not $wanted" >&2
		exit 1
	fi
	echo "ok: pannier $* ($status)"
}

cp -R "$source/tests/data/term-life" "$work/model"
chmod -R u+w "$work/model"
cd "$work/model"
expect 0 init .
expect 0 pack --include-policies
expect 0 pack --include-policies
sed -i '2s/$/0/' assumptions/mortality.csv
expect 0 status --include-policies
expect 0 pack --include-policies --note changed --tag release --level 12
expect 0 log
expect 0 show latest
expect 0 cat latest:assumptions/mortality.csv
cmp "$work/out" assumptions/mortality.csv
expect 0 export latest~1 -o ../before.zip
for package in model-package.zip latest~1; do
	expect 0 verify "$package"
	expect 0 unpack "$package" -C "../unpacked-${package%.zip}"
	expect 0 worker-json "$package"
done
cmp ../unpacked-model-package/assumptions/mortality.csv assumptions/mortality.csv
expect 0 validate

head -c 1000 model-package.zip >cut.zip
printf 'x' | dd of=model-package.zip bs=1 seek=2000 conv=notrunc status=none
for refused in cut.zip model-package.zip; do
	expect 4 verify "$refused"
	expect 4 unpack "$refused" -C ../refused
	expect 4 worker-json "$refused"
done
sed -i 's/"count": *[0-9]*/"count": 0/' livecalc.config.json
expect 3 pack
expect 3 validate
printf '{"model":' >livecalc.config.json
expect 3 pack
expect 5 verify nowhere.zip
expect 2 pack --no-such-option
