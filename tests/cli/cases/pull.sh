# Pull into an empty store, a warm one, a folder; keep within a limit; whose fault it is.
share=$PWD/share
mkdir maker worker && cd maker && sample
pannier pack -q --portable --tag v1
pannier remote add -q share "$share" && pannier push -q share v1
edit_table
pannier pack -q --portable --tag v2
pannier push -q share v2
cd ../worker || exit
run pannier pull share v1
pannier init -q && pannier remote add -q share "$share"
filter='.packageHash |= .[:12] | .archiveHash |= .[:12] | del(.seconds) | del(.bytesFull)'
json pannier pull share v1 --json
json pannier pull share v1 --json
run pannier pull share v2 -o model-package.zip | tail -1
cmp model-package.zip ../maker/model-package.zip
json pannier pull share "$(sqlite3 .pannier/pannier.db "SELECT substr(package_hash, 1, 8) FROM package_list LIMIT 1")" -C files --json
diff -r files ../maker | grep -v '^Only in'
unset filter
run pannier log | tr -s ' ' | cut -d' ' -f3
sqlite3 .pannier/pannier.db "SELECT remote, direction, outcome, blobs_needed, blobs_sent, blobs_patched FROM transfer"
# A limit: the older one goes, and comes again.
run pannier pull share v2 --max-size 1 -o again.zip | grep evicted
run pannier verify latest~3
run pannier show latest~3 | grep -E 'HASH|mortality|lapse'
filter='.assets[] | select(.path | test("mortality|lapse")) | {storedSize, evicted}' json pannier show latest~3 --json
run pannier export latest~3 -o old.zip
run pannier cat latest~3:assumptions/mortality.csv
run pannier pull share v1 | tail -1
run pannier pull share v1 --max-size 1K -q
filter='.packagesEvicted, .bytesEvicted == 0, .bytesKept' json pannier pull share v1 --max-size 1T --json
# What cannot be.
run pannier pull share v1 -o x.zip -C x
run pannier pull share v1 --max-size 10X
run pannier pull share v1 --max-size 0
run pannier pull share v1 --max-size 99999999999T
run pannier pull share v3
run pannier pull share latest
run pannier pull share ffffffff
run pannier pull nowhere v1
run pannier pull share v1 -o .pannier/x.zip
run pannier pull share v1 -C files
# The remote is damaged, or gone.
rm -r .pannier && pannier init -q && pannier remote add -q share "$share"
object=$(cd ../share && find blobs -name '*.gz' | sort | head -1)
printf x >> "../share/$object"
run pannier pull share v2 -o x.zip
json pannier remote check share --json
rm "../share/$object"
run pannier pull share v2 -o x.zip
run pannier remote check share
run pannier log
ls
cd ../maker && run pannier push share v2 --heal -q && cd ../worker && run pannier remote check share
pannier pull -q share v2 -o x.zip && cmp x.zip ../maker/model-package.zip
printf 'x\n' > ../share/tags/v1
rm ../share/packages/*/*.json
run pannier remote check share
printf '{"format": 2}' > ../share/pannier.json
run pannier pull share v1
mv ../share ../elsewhere
json pannier pull share v1 --json
run pannier remote check share
