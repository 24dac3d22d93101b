# What the model file refers to is told on every run, also on those that do not read it.
sample
printf 'uses assumptions://extra:v1 and assumptions://more' >> term-life.mga
export PANNIER_STORE=$PWD/store
filter='.stats.unchanged, .warnings[].message' json pannier pack --json 2> /dev/null
run sqlite3 store/pannier.db 'SELECT found FROM model_scan'
filter='.stats.unchanged, .warnings[].message' json pannier pack --json 2> /dev/null
# Somebody wrote to the cache, or emptied it.
renew
sqlite3 store/pannier.db "UPDATE model_scan SET found = 'assumptions:' || char(10) || 'assumptions://other' || char(10)"
filter='.warnings[].message' json pannier pack --json 2> /dev/null
renew
sqlite3 store/pannier.db 'DELETE FROM model_scan'
filter='.warnings[].message' json pannier pack --json 2> /dev/null
# A model that stays in the cloud holds nothing that could be searched.
jq '.model = "blob://models/term-life.mga"' livecalc.config.json > cloud.json
filter='.success, .warnings[].message' json pannier pack cloud.json --json 2> /dev/null
