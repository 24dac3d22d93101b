#!/bin/sh
# Compile the engines: src/*.c -> wasm/*.wasm (or into the folder given).
# Debian 12's clang 14 with lld 14 gives the bytes that are committed.
set -eu
cd "$(dirname "$0")"
out=${1:-wasm}
mkdir -p "$out"
for engine in projection valuation; do
	clang --target=wasm32 -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib \
		-Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=4096 \
		-o "$out/$engine.wasm" "src/$engine.c"
done
chmod 644 "$out"/projection.wasm "$out"/valuation.wasm
