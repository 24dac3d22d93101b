# Output that cannot be written is a failure of every command.
sample
pannier pack -q --include-policies
for command in 'init' 'validate' 'status' 'pack' 'export latest -o -' 'verify latest' 'unpack latest -C out' \
	'worker-json latest' 'log' 'show latest' 'cat latest:livecalc.config.json' '--help' '--version' 'pack --json' \
	'cat --json latest:livecalc.config.json' 'pack -o -' 'nonsense --json'; do
	printf '$ %s\n' "$command" >&2
	# shellcheck disable=SC2086
	pannier $command > /dev/full
	echo "exit $? $command"
done
# Closed is no better.
pannier log >&-
echo "exit $?"
pannier log 2>&- <&- >/dev/null
echo "exit $?"
