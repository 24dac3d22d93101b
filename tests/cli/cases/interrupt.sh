# SIGINT and SIGTERM stop a pack: nothing half-made is visible, and the next one works.
sample
# No disk is large enough for what takes as long: a hole.
truncate -s 64G data/policies.csv
pannier init -q
for signal in INT TERM; do
	rm -f updates
	pannier pack --include-policies --level 12 --progress=json 2> updates > out &
	await $! 'bytesDone":[1-9]' updates
	kill -s $signal $!
	wait $!
	echo "exit $?"
	grep -v '^{' updates
	cat out
	find . -name '*.zip*' -o -path '*/tmp/?*' -o -path '*/objects/*' -type f
	pannier log | wc -l
done
rm -f updates
pannier pack --include-policies --level 12 --json --progress=json 2> updates > out &
await $! 'bytesDone":[1-9]' updates
kill -s INT $!
wait $!
echo "exit $?"
cat out
pannier pack -q && pannier verify -q model-package.zip && ls
