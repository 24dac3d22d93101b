# Every query of schema/README.md gives what stands there, in the stock shell and
# from Python's sqlite3. With REFRESH=1 in the environment what they give is written
# into the page: read the difference before you commit it.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need sqlite3 sqlite3
need python3 python3

sample_copy "$WORK/model"
python3 "$(dirname "$0")/lib/cookbook.py" --model "$WORK/model" --page "$SOURCE/schema/README.md" ${REFRESH:+--refresh} ||
	fail "a query gives something else than schema/README.md says"
ok "the cookbook is right in the shell and in Python"

pannier fsck --workspace "$WORK/model" >"$WORK/check" || fail "the log that Python chained: $(cat "$WORK/check")"
ok "entries that were hashed by the recipe are right"
