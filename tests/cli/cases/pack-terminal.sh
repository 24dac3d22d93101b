# On a terminal: a progress line that is taken away again; colours unless NO_COLOR.
sample
unset LC_ALL
export TERM=xterm
on_terminal()
{
	script -qec "$*" /dev/null < /dev/null
}
on_terminal pannier pack --include-policies --progress=line > screen
grep -o '^.\?hash  *[0-9]* %' screen | sed 's/ *[0-9][0-9]*/ N/' | cat -v
# Nothing of it stays: the last thing before the result is that the line is erased.
grep -c $'\r\e\[K' screen
tr '\r' '\n' < screen | sed -n '/assets/{s/^[^/]*//;p}'
# And none of it if none is wanted.
on_terminal pannier pack --include-policies --rehash --no-progress | grep -c $'\e'
on_terminal pannier pack --include-policies --rehash -q --progress=line | wc -c
# What takes no time draws no line: of many runs, the first that took less than 0.3 s with all around it. On a machine
# on which none does there is nothing to see.
for _ in $(seq 100); do
	began=$(date +%s%N)
	on_terminal pannier status --include-policies > screen
	[ $(($(date +%s%N) - began)) -ge 300000000 ] || break
	: > screen
done
grep -c $'\e\[K' screen
edit_table
on_terminal pannier status --include-policies --no-progress | cat -v
NO_COLOR=1 on_terminal pannier status --include-policies --no-progress | cat -v
NO_COLOR='' on_terminal pannier status --include-policies --no-progress | cat -v
TERM=dumb on_terminal pannier status --include-policies --progress=line | cat -v
pannier status --include-policies
