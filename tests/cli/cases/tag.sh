sample
pannier pack -q --portable
run pannier tag --list
run pannier tag 2026-q1 latest
edit_table
pannier pack -q --portable
run pannier tag 2026-q1 latest~1
run pannier tag 2026-q1 latest
json pannier tag --json 2026-q1 latest
run pannier tag 2026-q1 latest --force
json pannier tag --json beta 2026-q1
run pannier tag --list
json pannier tag --list --json
run pannier show 2026-q1 | head -n 1
run pannier tag --delete 2026-q1
json pannier tag --delete beta --json
run pannier tag --delete beta
run pannier show beta
for name in '' latest latest~1 LATEST latest2 beef BEEF a.zip -x 'a b' a/b ä 4711; do
	run pannier tag -- "$name" latest
done
run pannier tag good nothing
run pannier tag good
run pannier tag
run pannier tag a latest --list
run pannier tag --list --force
