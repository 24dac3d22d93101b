# A pipeline of 2,000 nodes with 2,000 different Python files.
. "$(dirname "$0")/lib/common.sh"
need_pannier
need python3 python3
need node nodejs

sample_copy "$WORK/model"
cd "$WORK/model"
python3 - <<'P'
import json
config = json.load(open("livecalc.config.json"))
config["pipeline"]["nodes"] = [
    {"id": f"n{i}", "engine": f"python://step-{i}", "inputs": [f"bus://n{i - 1}/out"] if i else ["$policies"],
     "outputs": [f"bus://n{i}/out"], "config": {"index": i}} for i in range(2000)]
json.dump(config, open("livecalc.config.json", "w"), indent=2)
for i in range(2000):
    open(f"python/step-{i}.py", "w").write(f"def run(value):\n    return value + {i}\n")
P
pannier pack -o "$WORK/package.zip" --json >"$WORK/result.json" 2>"$WORK/warnings" || fail "pack: $(head -c 2000 "$WORK/result.json")"
[ "$(json 'it.assetCount' <"$WORK/result.json")" = 2005 ] || fail "$(json 'it.assetCount' <"$WORK/result.json") assets instead of 2005"
pannier verify "$WORK/package.zip" --json >"$WORK/verify.json"
[ "$(json 'it.valid && it.assets' <"$WORK/verify.json")" = 2005 ] || fail "verify: $(head -c 2000 "$WORK/verify.json")"
pannier unpack "$WORK/package.zip" -C "$WORK/unpacked" >/dev/null
[ "$(package_hash "$WORK/unpacked")" = "$(json 'it.manifest.packageHash' <"$WORK/result.json")" ] || fail "packageHash"
for i in 0 1000 1999; do
	same "$WORK/unpacked/python/step-$i.py" "python/step-$i.py"
done
ok "2,000 nodes, 2,005 assets, in $(json 'it.stats.seconds' <"$WORK/result.json") s"

pannier pack -o "$WORK/package.zip" --json >"$WORK/again.json"
[ "$(json 'it.archiveHash' <"$WORK/again.json")" = "$(json 'it.archiveHash' <"$WORK/result.json")" ] || fail "packed again: another archive"
ok "packed again: the same archive"
