# Content decides the package; the level only the bytes of what is new.
sample one
sample two
(cd one && pannier pack --portable --json --include-policies --level 1 | jq '.packageHash, .packageSize') > 1
(cd two && pannier pack --portable --json --include-policies --level 9 | jq '.packageHash, .packageSize') > 9
head -n 1 1 | cmp - <(head -n 1 9)
[ "$(tail -n 1 1)" -gt "$(tail -n 1 9)" ] || echo 'level 9 is not smaller'
