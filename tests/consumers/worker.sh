# What `worker-json` hands over leads the worker to its asset hash and to engines that compile.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need node nodejs

sample_copy "$WORK/model"
# Two references stay in the cloud; numbers that a careless writer would render anew.
node -e '
const fs = require("fs");
const text = fs.readFileSync(process.argv[1], "utf8")
	.replace("local://assumptions/mortality.csv", "assumptions://mortality-base:v2.1.0")
	.replace("local://assumptions/expenses.csv", "assumptions://expense-study:v1.0.3")
	.replace(`{ "years": 40 }`, `{ "years": 4e1, "seed": 12345678901234567890, "share": 0.10, "7": "seven", "title": "f\\u00fcr \\u20ac" }`);
fs.writeFileSync(process.argv[1], text);' "$WORK/model/livecalc.config.json"
grep -q 12345678901234567890 "$WORK/model/livecalc.config.json" || fail "the config was not changed as this test needs it"

cd "$WORK/model"
pannier pack -q -o "$WORK/package.zip"
pannier worker-json "$WORK/package.zip" >"$WORK/body.json"
from_zip=$(node "$JS/worker.mjs" "$WORK/body.json")
from_folder=$(node "$JS/worker.mjs" --folder "$WORK/model")
[ "$from_zip" = "$from_folder" ] || fail "the worker's asset hash: '$from_zip' from the package, '$from_folder' from the files"
ok "engines, steps and asset hash: $from_zip"

grep -q 12345678901234567890 "$WORK/body.json" || fail "a number of the pipeline was rendered anew"
[ "$(json 'it.assumptionRefs' <"$WORK/body.json")" = \
	'["assumptions://mortality-base:v2.1.0","assumptions://expense-study:v1.0.3"]' ] || fail "assumptionRefs"
ok "numbers and references are as in the config"

pannier worker-json latest >"$WORK/body-latest.json"
same "$WORK/body.json" "$WORK/body-latest.json"
ok "the store gives the same body as the zip"
