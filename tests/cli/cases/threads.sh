# The number of threads changes nothing but the time.
sample
for n in 1 2 8 1024; do
	SOURCE_DATE_EPOCH=1700000000 pannier pack -q --portable --include-policies --store "store-$n" --threads "$n" -o "$n.zip"
	pannier unpack -q "$n.zip" -C "out-$n" --threads "$n"
	# Bytes that are wrong in the middle of bodies: what is found, and in which order.
	cp "$n.zip" broken.zip
	for tenth in 3 4 5 6 7 8; do
		at=$(($(stat -c %s broken.zip) * tenth / 10))
		printf 'XXXX' | dd of=broken.zip bs=1 seek=$at conv=notrunc status=none
	done
	pannier verify broken.zip --json --threads "$n" > "$n.json" 2> "$n.err"
	echo $?
	pannier verify latest --json --store "store-$n" --threads "$n" > "$n.ref"
done
for n in 2 8 1024; do
	cmp 1.zip "$n.zip" && diff -r out-1 "out-$n" && cmp 1.json "$n.json" && cmp 1.err "$n.err" && cmp 1.ref "$n.ref"
done
jq '.problems | length > 1' 1.json
for command in 'pack' 'verify 1.zip' 'unpack 1.zip -C new'; do
	run pannier $command --threads 0
	run pannier $command --threads 1025
done
run pannier export latest -o out.zip --threads 2
ls
