# Sourced by the scripts of buckets: what lies there, as rclone reads it, and what is done when rclone has harmed it.

# care REMOTE URL FOLDER: REMOTE, at URL, has the latest package of the store here, and nobody else writes to it; FOLDER
# is the same place for rclone, which has its credentials. The caller's `asking COMMAND...` runs a command with those of
# Pannier.
care() {
	local remote=$1 url=$2 folder=$3 package object name hash read=0 harmed status=0
	package=$(pannier show latest --json | json it.packageHash)
	rclone copy "$folder" "$WORK/read"
	while read -r object; do
		name=${object##*/}
		hash=$(case $object in *.gz) gunzip <"$WORK/read/$object" ;; *) cat "$WORK/read/$object" ;; esac | sha256sum)
		[ "${hash%% *}" = "${name%.gz}" ] || fail "$object has the content $hash"
		read=$((read + 1))
	done < <(cd "$WORK/read" && find blobs -type f)
	[ $read -ge 5 ] || fail "rclone reads $read objects"
	ok "rclone reads $read objects, each of which is what its name says"

	# of the assets: without a package's text nobody knows what else it needs
	mapfile -t harmed < <(pannier show latest --json | json 'it.assets.map(a => a.hash).join("\n")' |
		sed -E 's|^(..).*|blobs/\1/&.gz|' | (cd "$WORK/read" && xargs ls 2>/dev/null) | head -n 2)
	[ ${#harmed[@]} = 2 ] || fail "fewer than two assets are there as gzip"
	head -c 100 /dev/urandom >"$WORK/junk"
	rclone copyto "$WORK/junk" "$folder/${harmed[0]}"
	rclone deletefile "$folder/${harmed[1]}"
	asking pannier remote check "$remote" >"$WORK/checked" 2>&1 || status=$?
	[ $status = 4 ] && grep -qF "${harmed[0]}" "$WORK/checked" && grep -qF "${harmed[1]}" "$WORK/checked" ||
		fail "a check that does not name what is wrong, exit $status: $(cat "$WORK/checked")"
	mkdir "$WORK/healed"
	pannier init -q "$WORK/healed"
	pannier remote add -q "$remote" "$url" --store "$WORK/healed/.pannier"
	status=0
	asking pannier pull -q "$remote" "$package" -C "$WORK/healed/out" --store "$WORK/healed/.pannier" 2>"$WORK/err" || status=$?
	[ $status = 4 ] && [ ! -e "$WORK/healed/out" ] || fail "pulled what is harmed, exit $status: $(cat "$WORK/err")"
	asking pannier push -q "$remote" latest --heal
	asking pannier remote check -q "$remote"
	asking pannier pull -q "$remote" "$package" -C "$WORK/healed/out" --store "$WORK/healed/.pannier"
	[ "$(package_hash "$WORK/healed/out")" = "$package" ] || fail "another package came back after healing"
	ok "what was harmed is named, not taken, and healed"
}
