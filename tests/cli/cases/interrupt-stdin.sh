# Waiting for input that does not come.
mkfifo pipe
sleep 60 > pipe &
writer=$!
for command in 'verify -' 'validate -'; do
	# shellcheck disable=SC2086
	pannier $command < pipe &
	# until it listens to SIGINT
	await $! '^Name:.pannier$' "/proc/$!/status"
	await $! '^SigCgt:.*[2367abef]$' "/proc/$!/status"
	kill -s INT $!
	wait $!
	echo "exit $?"
done
kill $writer
ls -A "$TMPDIR"
