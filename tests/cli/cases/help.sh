# The help of the tool and of every command; each shows examples.
commands=$(pannier --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
run pannier --help
for command in $commands; do
	run pannier "$command" --help
	pannier "$command" -h | cmp - <(pannier "$command" --help)
	pannier "$command" --help | grep -q '^  pannier '"$command" || echo "no example of $command"
done
for command in '' $commands; do
	# shellcheck disable=SC2086
	pannier $command --help | grep -v ^Usage: | grep -n '.\{81\}'
done
run pannier --version
