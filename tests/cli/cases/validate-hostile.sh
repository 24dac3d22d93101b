# What a config says reaches the terminal only as text.
printf '%s' '{"model":"m.mga","assumptions":{"mortality":"a","lapse":"b","expenses":"c"},"scenarios":{"count":1},"policies":"p",
"pipeline":{"nodes":[{"id":"\u001b[31m\u202ered","engine":"x\u009b2J","outputs":["bus://a"]}]}}' > bad.json
run pannier validate bad.json
filter=.success json pannier validate --json bad.json
pannier validate --json bad.json 2> x | grep -c "u202e"
cp bad.json $'name\nwith\e[2Jescapes.json'
run pannier validate $'name\nwith\e[2Jescapes.json' > "$TMPDIR/x"
