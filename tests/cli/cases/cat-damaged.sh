# A damaged object: no exit 0, with --json nothing of its bytes.
sample
seq 1 200000 > data/policies.csv
pannier pack -q --include-policies
object=$(find .pannier/objects -name '*.gz')
printf 'XXXX' | dd of="$object" bs=1 seek=50000 conv=notrunc status=none
pannier cat latest:data/policies.csv > bytes 2> message; echo "exit $?"
sed 's/[0-9a-f]\{16,64\}/HASH/g' message
pannier cat --json latest:data/policies.csv 2> message | jq '.success, .exit'
pannier export latest -o x.zip 2> message; echo "exit $?"
pannier verify latest 2> message; echo "exit $?"
ls
