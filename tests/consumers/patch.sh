#!/usr/bin/env bash
# The zstd that Debian has applies our patches without any option but --patch-from, and we apply its; where it
# refuses, we make none.
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
need zstd zstd
need python3 python3
cd "$WORK"
tool=$BUILD/tests/consumers/patch_tool
any=18446744073709551615
limit=$((128 << 20))

# their_patch BASE CONTENT: theirs.zst. One file may not be both.
their_patch() {
	cp -- "$1" base
	zstd -1 -qq -f --patch-from=base "$2" -o theirs.zst
}

# both_ways BASE CONTENT: our patch through zstd, zstd's through us.
both_ways() {
	local size
	size=$("$tool" make "$1" "$2" ours.zst $any)
	[ "$size" -gt 0 ] && [ "$size" = "$(stat -c %s ours.zst)" ] || fail "no patch from $1 to $2"
	zstd -q -d -f --patch-from="$1" ours.zst -o again || fail "zstd refuses the patch from $1 to $2"
	same again "$2"
	"$tool" apply "$1" ours.zst again "$2"
	same again "$2"
	# zstd 1.5.4 aborts when it is to make a patch to nothing
	[ -s "$2" ] || return 0
	their_patch "$1" "$2"
	"$tool" apply "$1" theirs.zst again "$2" || fail "we refuse zstd's patch from $1 to $2"
	same again "$2"
}

# none BASE CONTENT: no patch of ours; and zstd refuses its own.
none() {
	[ "$("$tool" make "$1" "$2" ours.zst $any)" = 0 ] || fail "a patch from $1 to $2"
	[ ! -s ours.zst ] || fail "something of a patch was written that there is not"
	their_patch "$1" "$2"
	! zstd -q -d -f --patch-from="$1" theirs.zst -o again 2>err || fail "zstd takes its patch from $1 to $2"
	grep -q 'Frame requires too much memory' err || fail "zstd refuses for another reason: $(cat err)"
	! "$tool" apply "$1" theirs.zst again "$2" 2>err || fail "we take zstd's patch from $1 to $2"
}

# Sizes around those of blocks and of a header's fields; a base that is smaller, larger, empty, the same.
head -c 3000000 /dev/urandom | base64 >text
: >empty
for size in 0 1 255 256 65791 65792 131071 131072 131073 1048577 4000000; do
	head -c "$size" text >content
	{ head -c $((size / 2)) text; echo changed; tail -c +$((size / 2)) content; } >edited
	both_ways empty content
	both_ways content edited
	both_ways edited content
	both_ways content content
done
ok "small ones"

# zeros SIZE FILE: some text, and zeros up to SIZE bytes, which need no disk.
zeros() {
	head -c 1000000 text >"$2"
	truncate -s "$1" "$2"
}

# The stock tool's limit, to the byte: 128 MiB, or the base's size where that is more.
zeros $limit full
zeros $((limit + 1)) full1
zeros $((limit + 2)) full2
zeros $((limit + 1000000)) larger
both_ways text full
none text full1
none full full1
both_ways full1 full1
none full1 full2
both_ways larger full2
ok "around 128 MiB"

# A base of the largest size, and one that is larger by a byte.
zeros $((256 << 20)) most
zeros $(((256 << 20) + 1)) most1
zeros $(((256 << 20) - 1000)) content
both_ways most content
[ "$("$tool" make most content ours.zst 100000)" -gt 0 ] || fail "a patch that saves much is none"
[ "$("$tool" make empty text ours.zst 2300000)" = 0 ] || fail "a patch that saves nothing is one"
! "$tool" apply most1 theirs.zst again content 2>err || fail "a base beyond the limit is read"
grep -q "larger than the limit" err || fail "a base beyond the limit: $(cat err)"
ok "up to 256 MiB"

# What making and applying the largest patch take, in MiB: base, and content or the window for it, and what
# codec/patch.h states; 16 for the process itself. A sanitizer takes more than all of them.
peak() {
	python3 -c 'import resource, subprocess, sys
if subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode == 0:
	print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)' "$@"
}
if grep -q '^PANNIER_SANITIZE:[A-Z]*=\(OFF\|\)$' "$BUILD/CMakeCache.txt"; then
	made=$(peak "$tool" make most content ours.zst 100000)
	[ "$made" -le $((256 + 256 + 96 + 16)) ] || fail "making a patch took $made MiB"
	applied=$(peak "$tool" apply most ours.zst again content)
	[ "$applied" -le $((256 + 256 + 1 + 16)) ] || fail "applying a patch took $applied MiB"
	ok "memory: $made MiB to make, $applied to apply"
fi
