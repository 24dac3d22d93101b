# The sample model works: its engines and its Python step give the values that
# an independent calculation gives, its tables and engines come from their sources.
. "$(dirname "$0")/lib/common.sh"
need node nodejs
need python3 python3
need clang clang
need wasm-ld lld

node "$JS/check-model.mjs" "$SAMPLE"

for engine in "$SAMPLE"/wasm/*.wasm; do
	[ "$(stat -c %s "$engine")" -lt 20480 ] || fail "$engine is 20 KB or larger"
done

python3 "$SAMPLE/src/tables.py" "$WORK/tables"
for table in assumptions/mortality.csv assumptions/lapse.csv assumptions/expenses.csv data/policies.csv; do
	same "$WORK/tables/$table" "$SAMPLE/$table"
done
ok "tables.py writes the tables that are committed"

# Another clang may give other bytes; they must give the same values.
sample_copy "$WORK/rebuilt"
rm "$WORK"/rebuilt/wasm/*.wasm
"$WORK/rebuilt/rebuild.sh"
case $(clang --version) in
*"version 14."*)
	for engine in "$SAMPLE"/wasm/*.wasm; do
		same "$WORK/rebuilt/wasm/${engine##*/}" "$engine"
	done
	ok "rebuild.sh gives the engines that are committed" ;;
esac
node "$JS/check-model.mjs" "$WORK/rebuilt" >"$WORK/log" || fail "the engines as rebuilt: $(cat "$WORK/log")"
ok "the engines as rebuilt give the same values"
