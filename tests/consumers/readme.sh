# Every command of README.md works and prints what README.md shows.
# `WRITE=1 bash tests/consumers/readme.sh BUILD_DIR SOURCE_DIR` puts today's output into it.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need python3 python3
need sqlite3 sqlite3
need jq jq
need zstd zstd

export HOME=$WORK/home
mkdir -p "$HOME/pannier/build" "$HOME/pannier/tests/data"
ln -s "$BUILD" "$HOME/pannier/build/quickstart"
sample_copy "$HOME/pannier/tests/data/term-life"
python3 "$SOURCE/tests/consumers/lib/readme.py" "$SOURCE/README.md" "$HOME" ${WRITE:+--write} || fail "README.md"
ok "README.md"
