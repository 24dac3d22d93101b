#!/bin/sh
# Installs into a new folder, moves it elsewhere, and builds the example outside
# of this tree against it: with pkg-config and with find_package, shared and
# static. Each program packs the sample model; all must get the same package.
# usage: install.sh SOURCE BUILD GENERATOR COMPILER [CFLAGS]
set -eu
source=$1 build=$2 generator=$3 cc=$4 cflags=${5-}
unset DESTDIR PANNIER_STORE LD_LIBRARY_PATH PKG_CONFIG_PATH CMAKE_PREFIX_PATH

tmp=$(mktemp -d "${TMPDIR:-/tmp}/pannier-install-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
fail() { echo "$*" >&2; exit 1; }

cmake --install "$build" --prefix "$tmp/first" >"$tmp/log" || fail "$(cat "$tmp/log")"
mv "$tmp/first" "$tmp/usr"
prefix=$tmp/usr
pc=$(find "$prefix" -name pannier.pc)
lib=$(dirname "$(dirname "$pc")")
[ -n "$pc" ] || fail "no pannier.pc"
for file in "$lib/libpannier.a" "$lib/libpannier.so" "$lib/libpannier.so.0" \
	"$lib/cmake/pannier/pannier-config.cmake" "$prefix/bin/pannier"; do
	[ -e "$file" ] || fail "not installed: $file"
done
(cd "$source/include/pannier" && ls -- *.h) >"$tmp/headers"
(cd "$prefix/include/pannier" && ls) | cmp - "$tmp/headers" || fail "other headers than those of include/pannier"
if grep -rl "$tmp/first" "$prefix/lib" "$prefix/include" | grep -E '\.(pc|cmake|h)$'; then
	fail "these name the folder of the installation, which may be moved"
fi

# An outside program has its own folder and nothing of ours.
mkdir "$tmp/outside"
cp "$source/include/pannier/example.c" "$tmp/outside/"
cp "$source/tests/repo/consumer/CMakeLists.txt" "$tmp/outside/"
cd "$tmp/outside"

export PKG_CONFIG_PATH="$(dirname "$pc")"
pkg-config --exists --print-errors 'pannier >= 0.1'
# shellcheck disable=SC2046,SC2086 # they are several words
"$cc" -std=c11 $cflags example.c $(pkg-config --cflags --libs pannier) -o pc-shared
# shellcheck disable=SC2046,SC2086
"$cc" -std=c11 $cflags example.c $(pkg-config --static --cflags --libs pannier | sed 's/-lpannier/-l:libpannier.a/') \
	-o pc-static
cmake -S . -B build -G "$generator" -DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS="$cflags" \
	-DCMAKE_PREFIX_PATH="$prefix" >"$tmp/log" 2>&1 && cmake --build build >>"$tmp/log" 2>&1 || fail "$(cat "$tmp/log")"

needs_library() { readelf -d "$1" | grep -q 'NEEDED.*libpannier\.so\.0'; }
packages=0
for program in pc-shared pc-static build/cmake-shared build/cmake-static; do
	case $program in
	*shared) needs_library $program || fail "$program: does not use the shared library" ;;
	*static) ! needs_library $program || fail "$program: uses the shared library" ;;
	esac
	rm -rf model
	cp -R "$source/tests/data/term-life" model
	LD_LIBRARY_PATH=$lib ./$program model/livecalc.config.json >out 2>err || fail "$program: $(cat out err)"
	hash=$(cut -d' ' -f1 out)
	zip=$(sed 's/^[^ ]*  //' out)
	"$prefix/bin/pannier" verify "$zip" --expect "$hash" >/dev/null || fail "$program: a package that does not verify"
	[ "${first_hash=$hash}" = "$hash" ] || fail "$program: $hash, not $first_hash as the others"
	packages=$((packages + 1))
	status=0
	LD_LIBRARY_PATH=$lib ./$program model/none.json >out 2>err || status=$?
	[ $status -eq 1 ] && grep -q '^not_found: ' err || fail "$program: a config that is not there: status $status, $(cat err)"
done
echo "$packages programs, one package: $first_hash"
