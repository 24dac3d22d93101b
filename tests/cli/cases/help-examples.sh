# Every example of the help works in the folder of a packed model.
sample
pannier pack -q && edit_table && pannier pack -q || exit
for command in $(pannier --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
	pannier "$command" --help | sed -n '/^Examples:/,$s/^  //p' | while read -r line; do
		printf '$ %s\n' "$line"
		mkdir -p models
		bash -o pipefail -c "$line" > "$TMPDIR/out" || [ $? = 141 ] || echo FAILED
	done
done
