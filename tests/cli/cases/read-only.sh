# A store that may only be read: what only reads works, what writes says why not.
sample
pannier pack -q --portable
cp -r .pannier ../store
# root may write anywhere; be somebody else.
as()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}
chmod 755 .. . && chmod 777 "$TMPDIR" && chmod -R a+rX,a-w ../store
for command in 'cat latest:term-life.mga' 'verify -q latest' 'log' 'show latest' 'worker-json latest' 'export latest -o -'; do
	# shellcheck disable=SC2086
	as pannier $command --store "$PWD/../store" > "$TMPDIR/out"
	echo "exit $? $command"
done
as pannier pack -o "$TMPDIR/x.zip" --store "$PWD/../store"
echo "exit $?"
chmod -R u+w ../store
ls -A "$TMPDIR"
