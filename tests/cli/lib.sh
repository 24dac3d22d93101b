# What the cases share. Loaded before each of them.
# shellcheck shell=bash

# The moment at which every archive is made.
export SOURCE_DATE_EPOCH=1700000000

# The sample model, in the current folder or in $1.
sample()
{
	mkdir -p "${1:-.}"
	cp -r "$SAMPLE"/livecalc.config.json "$SAMPLE"/term-life.mga "$SAMPLE"/wasm "$SAMPLE"/python \
		"$SAMPLE"/assumptions "$SAMPLE"/data "${1:-.}"
}

# Show a command, run it, show its exit status unless it is 0. The command is
# shown on stderr as well when something comes there.
run()
{
	local status
	printf '$ %s\n' "$*"
	"$@" 2> "$TMPDIR/run.err"
	status=$?
	if [ -s "$TMPDIR/run.err" ]; then
		printf '$ %s\n' "$*" >&2
		cat "$TMPDIR/run.err" >&2
	fi
	rm -f "$TMPDIR/run.err"
	[ "$status" = 0 ] || printf '[exit %d]\n' "$status"
	return "$status"
}

# Run a command and require that its stdout is exactly one JSON document, one
# line end behind it. $filter (jq) says what to show of it; all if not set.
json()
{
	run "$@" > "$TMPDIR/json.out"
	local status=$?
	sed -n '1p' "$TMPDIR/json.out"
	sed '1d' "$TMPDIR/json.out" > "$TMPDIR/json.doc"
	[ "$status" = 0 ] || sed -i '$d' "$TMPDIR/json.doc"
	jq -es 'length == 1' "$TMPDIR/json.doc" > "$TMPDIR/json.check" 2>&1 || printf 'NOT ONE JSON DOCUMENT\n'
	jq -M "${filter:-.}" "$TMPDIR/json.doc"
	[ "$status" = 0 ] || printf '[exit %d]\n' "$status"
	rm -f "$TMPDIR"/json.*
	return "$status"
}

# Wait until process $1 has written pattern $2 to file $3, or is gone.
await()
{
	until grep -qs -- "$2" "$3" || ! kill -0 "$1" 2> /dev/null; do
		sleep 0.01
	done
}

# Change one table of the sample: another package.
edit_table()
{
	printf '120,1.0,1.0\n' >> assumptions/mortality.csv
}

# Every file of the sample as if it had just been written: no cache trusts it, however long the machine took so far.
renew()
{
	touch livecalc.config.json term-life.mga wasm/* python/* assumptions/* data/*
}

# A table without what the name of the user makes different: columns one blank apart.
anyone()
{
	tr -s ' ' | sed "s/ $(id -un)\( \|\$\)/ USER\1/"
}
