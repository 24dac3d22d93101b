# Names on disk with control characters and without UTF-8 reach neither terminal nor JSON raw.
bad=$'fol\e[31mder\xff'
sample "$bad"
cd "$bad"
pannier pack -q --portable
run pannier log | cut -c 32-52 | cat -v
pannier log --json | jq -r '.entries[0].name' | od -An -c | head -n 3
pannier pack --portable | head -n 1 | cat -v
pannier pack --portable --json | jq -e .success
