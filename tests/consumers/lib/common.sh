# Sourced by the scripts of this folder: arguments, a folder to work in, and words for failing.
set -euo pipefail
[ $# -eq 2 ] || { echo "usage: $0 BUILD_DIR SOURCE_DIR" >&2; exit 2; }
BUILD=$(cd "$1" && pwd)
SOURCE=$(cd "$2" && pwd)
SAMPLE=$SOURCE/tests/data/term-life
JS=$SOURCE/tests/consumers/js
WORK=$(mktemp -d "${TMPDIR:-/tmp}/pannier-consumers.XXXXXX")
# unpacked folders may be read-only; never fail in the clean-up
trap 'chmod -R u+w "$WORK" 2>/dev/null || true; rm -rf "$WORK"' EXIT
# what the caller's environment holds must not decide
unset PANNIER_STORE SOURCE_DATE_EPOCH CDPATH
export PATH=$BUILD:$PATH

fail() { echo "FAIL: $*" >&2; exit 1; }
ok() { echo "ok: $*"; }

# need_pannier: most scripts do.
need_pannier() { [ -x "$BUILD/pannier" ] || fail "$BUILD/pannier is not built"; }

# need TOOL PACKAGE: the tool must be there; PACKAGE is Debian's name for it.
need() { command -v "$1" >/dev/null || fail "$1 is missing: apt-get install $2"; }

# quietly COMMAND...: its output matters only when it fails; it is in $WORK/log.
quietly() { "$@" >"$WORK/log" 2>&1 || fail "$*: $(cat "$WORK/log")"; }

# same FILE FILE: byte for byte.
same() { cmp -- "$1" "$2" || fail "$1 and $2 differ"; }

# sample_copy DIR: a copy of the sample model that may be changed.
sample_copy() {
	mkdir -p "$1"
	cp -R "$SAMPLE"/. "$1"
	chmod -R u+w "$1"
}

# json EXPRESSION < DOCUMENT: evaluate a JavaScript expression in which the document is `it`.
json() { node -e 'const it = JSON.parse(require("fs").readFileSync(0, "utf8"));
const value = eval(process.argv[1]);
console.log(typeof value === "object" ? JSON.stringify(value) : value)' "$1"; }

# package_hash DIR: as compatibility with the worker demands, with coreutils only.
package_hash() {
	(cd "$1" && find . -type f ! -path ./manifest.json -printf '%P\n' | LC_ALL=C sort | tr '\n' '\0' |
		xargs -0 sha256sum -- | sha256sum | cut -d' ' -f1)
}

# need_jszip: NODE_MODULES names a folder that holds JSZip.
need_jszip() {
	NODE_MODULES=$("$SOURCE/tools/node-modules" --find) || fail "JSZip is missing: run tools/node-modules"
	export NODE_MODULES
}
