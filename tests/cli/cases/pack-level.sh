# Content decides the package; the level only the bytes of what is new.
sample one
sample two
(cd one && pannier pack --json --include-policies --level 1 | jq '.packageHash, .packageSize') > fast
(cd two && pannier pack --json --include-policies --level 9 | jq '.packageHash, .packageSize') > small
head -n 1 fast | cmp - <(head -n 1 small)
[ "$(tail -n 1 fast)" -gt "$(tail -n 1 small)" ] || echo 'level 9 is not smaller'
