# Waiting for input that does not come.
mkfifo pipe
sleep 60 > pipe &
writer=$!
for command in 'verify -' 'validate -'; do
	# shellcheck disable=SC2086
	pannier $command < pipe &
	sleep 0.3
	kill -s INT $!
	wait $!
	echo "exit $?"
done
kill $writer
ls -A "$TMPDIR"
