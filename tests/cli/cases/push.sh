# Push, push again, push a new version, heal; the remote's failures are exit 7.
sample
pannier pack -q --include-policies
pannier remote add -q share "$PWD/share"
filter='.packageHash |= .[:12] | del(.archiveHash, .seconds) | .bytesSent |= (. > 0) | .bytesFull |= (. > 0)'
run pannier push share --dry-run
ls -A
json pannier push share --json
# All of it with its text is hardly more than the zip.
sqlite3 .pannier/pannier.db "SELECT bytes_sent <= 1.05 * bytes_full FROM transfer"
json pannier push share --json
find share -type f | sort | sed 's/[0-9a-f]\{64\}/HASH/g; s/\/[0-9a-f][0-9a-f]\//\/ab\//' | uniq -c
seq 20000 | sed 's/$/,1.0,1.0/' > assumptions/mortality.csv
pannier pack -q --include-policies
pannier push -q share
sed -i '7000s/1.0/2.0/' assumptions/mortality.csv
pannier pack -q --include-policies --tag candidate
json pannier push share candidate --json --dry-run
json pannier push share candidate --json
find share/patches share/tags -type f | wc -l
run pannier push share candidate | sed 's/package .*/package HASH/'
object=$(find share/blobs -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
chmod u+w "$object" && printf x | dd of="$object" bs=1 seek=100 conv=notrunc status=none
json pannier push share --json --heal
json pannier push share --json --heal
run pannier push share --heal | sed 's/package .*/package HASH/'
unset filter
run pannier log --name . | tr -s ' ' | cut -d' ' -f3 | sort | uniq -c
sqlite3 .pannier/pannier.db "SELECT direction, outcome, blobs_needed, blobs_sent, blobs_patched, bytes_sent < bytes_full FROM transfer"
sqlite3 .pannier/pannier.db "SELECT remote, direction, transfers, saved > 0.5 FROM transfer_savings"
sqlite3 .pannier/pannier.db "SELECT count(*) FROM remote_missing WHERE package_hash = (SELECT package_hash FROM package_list LIMIT 1)"
printf 'x\n' > share/tags/candidate
run pannier push share candidate
run pannier push share nothing
run pannier push nowhere
run pannier push share latest~9
# What the remote refuses.
mkdir other && echo "not a remote" > other/file
pannier remote add -q other "$PWD/other"
pannier remote add -q missing "$PWD/no/such/folder"
run pannier push other
json pannier push missing --json
printf '{"format": 2}' > share/pannier.json
run pannier push share
