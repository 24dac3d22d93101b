# A store of schema version 1 keeps every answer. What the program of that time said of it is repeated here.
data=$(dirname "$SAMPLE")
object=.pannier/objects/9d/9d675d315683fad97aee30f9157901208352fdad980651c4d94cb32079d1ec6a.9d675d315683fad9.raw
mkdir -p "$(dirname "$object")"
sqlite3 .pannier/pannier.db < "$data/store-v1.sql" > /dev/null
python3 -c 'import hashlib, sys
for i in range(640):
    sys.stdout.buffer.write(hashlib.sha256(b"%d" % i).digest())' > "$object"
version() { sqlite3 .pannier/pannier.db "PRAGMA user_version"; }
echo "version $(version)"
# It is only read: its version stays.
run pannier fsck --full
echo "version $(version)"
run pannier init -q
[ "$(version)" = 1 ] || echo brought forward
run pannier fsck --full --expect "$(sqlite3 .pannier/pannier.db 'SELECT entry_hash FROM log WHERE id = 2')"
run pannier log
filter='.entries[] |= del(.toolVersion)' json pannier log --json
filter='.log[] |= del(.toolVersion)' json pannier show first --json
run pannier history assumptions/mortality.csv
run pannier diff first latest~1
run pannier diff first latest --exit-code && echo the same
run pannier uses latest:term-life.mga
run pannier cat first:data/policies.csv | sha256sum
for hash in 3e9d38978c2615f1b81750f51f09cc78d6135039ada616e181b9c08c283908f5 \
	a92f48e7a3a396d0ce0030f14b5a89f0421c7343bb6d7fbf0ed6b7e8543a7593; do
	pannier export $hash -o - | sha256sum
done
# It goes on from there: the next entry continues the chain.
sample
cp "$object" data/policies.csv
SOURCE_DATE_EPOCH=1700000000 pannier pack -q --portable --include-policies -o again.zip
sha256sum < again.zip
run pannier fsck --full | sed '/^newest/d'
# A store of a newer version is refused, and left as it is.
sqlite3 .pannier/pannier.db "PRAGMA user_version = 99"
run pannier log
run pannier fsck
run pannier pack
version
true
