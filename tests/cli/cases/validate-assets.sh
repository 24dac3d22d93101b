sample
pannier pack -q
unzip -Z1 model-package.zip > list
run pannier validate --assets list
run pannier validate --assets - < list
grep -v -e projection.wasm -e summary -e term-life.mga list > short
run pannier validate --assets short
json pannier validate --json --assets short
sed 's/$/\r/' list > crlf
run pannier validate --assets crlf
run pannier validate --assets nowhere
printf '{"model": "a.mga",}' | run pannier validate - --assets list
