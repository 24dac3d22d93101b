cat > bad.json <<'END'
{
  "assumptions": { "mortality": "local://m.csv", "lapse": "assumptions://lapse" },
  "scenarios": { "count": 0 },
  "pipeline": { "nodes": [ { "id": "a", "engine": "java://x", "outputs": [] } ] }
}
END
run pannier validate bad.json
json pannier validate --json bad.json
run pannier validate - < bad.json
run pannier validate -q bad.json
printf '{"model": "a.mga",}' > comma.json
run pannier validate comma.json
json pannier validate --json - < comma.json
printf '' | run pannier validate -
printf 'null' | run pannier validate -
printf '[]' | run pannier validate -
