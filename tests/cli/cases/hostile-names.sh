# Names on disk with control characters and without UTF-8 reach neither terminal nor JSON raw.
bad=$'fol\e[31mder\xff'
sample "$bad"
pannier init -q
cd "$bad"
pannier pack -q --portable
pannier log | sed -n 's/.*  pack  *\([^ ]*\) .*/\1/p' | cat -v
pannier log --json | jq -r '.entries[0].name' | od -An -c | head -n 3
pannier pack --portable | head -n 1 | cat -v
pannier pack --portable --json | jq -e .success
